"""Claims that hold whatever a client sends."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.emulator.clock import Clock
from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg

ORG = EmulatedOrg(clock=Clock.fixed())
ADMIN_PROFILE = ORG.rows("Profile", Name="System Administrator")[0]["Id"]
PERMISSION_SET = ORG.rows("PermissionSet")[0]["Id"]
GROUP = ORG.has("Group", Name="G", Type="Regular")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(
        [ORG.admin_id, ADMIN_PROFILE, PERMISSION_SET, GROUP, ORG.org_id, "Account.Phone", "A_1"]
    )
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4
)
OBJECTS = [
    "Account",
    "Contact",
    "Case",
    "Opportunity",
    "User",
    "UserRole",
    "Group",
    "GroupMember",
    "QueueSobject",
    "PermissionSet",
    "PermissionSetAssignment",
    "PermissionSetGroup",
    "PermissionSetGroupComponent",
    "ObjectPermissions",
    "FieldPermissions",
    "SetupEntityAccess",
    "PermissionSetLicenseAssign",
    "CampaignMember",
    "ContentVersion",
    "PricebookEntry",
    "Profile",
    "Task",
]


@st.composite
def writes(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """An object, and values for its required fields and for some others."""
    sobject = ORG.schema[draw(st.sampled_from(OBJECTS))]
    fields = [field.name for field in sobject.fields.values() if field.createable and field.stored]
    required = [field.name for field in sobject.fields.values() if field.createable and not field.nillable]
    paths = [field.relationship_name for field in sobject.fields.values() if field.relationship_name]
    names = draw(st.lists(st.sampled_from([*fields, *paths, "attributes"]) | st.text(max_size=5), max_size=5))
    return sobject.name, {name: draw(VALUES) for name in [*required, *names]}


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(writes())
def test_an_insert_is_done_or_refused_as_salesforce_refuses(write: tuple[str, dict[str, Any]]) -> None:
    sobject, values = write
    with ORG.transaction() as tx:
        try:
            with tx.savepoint():
                made = tx.insert(sobject, values)
        except ApiError as error:
            assert error.code
            assert 300 <= error.status < 500
        else:
            assert ORG.retrieve(sobject, made)["Id"] == made


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(OBJECTS), VALUES, st.dictionaries(st.text(), VALUES, max_size=2))
def test_an_update_or_delete_of_whatever_id_is_done_or_refused(
    sobject: str, record_id: Any, values: dict[str, Any]
) -> None:
    for act in ("update", "delete", "undelete", "purge"):
        with ORG.transaction() as tx:
            try:
                with tx.savepoint():
                    getattr(tx, act)(sobject, record_id, *([values] if act == "update" else []))
            except ApiError as error:
                assert 300 <= error.status < 500
