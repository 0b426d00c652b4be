"""Claims about profiles, permission sets, what hangs on them, and who holds them."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.emulator.errors import ApiError
from reconciler.emulator.metadata.delays import configure
from reconciler.emulator.org import EmulatedOrg

Refused = Callable[..., ApiError]
Write = Callable[..., None]
NewUser = Callable[..., str]


@pytest.fixture
def granted(org: EmulatedOrg) -> str:
    return org.has("PermissionSet", Name="Release_Manager", Label="Release Manager")


def test_an_assignment_is_made_once(
    org: EmulatedOrg, refused: Refused, granted: str, new_user: NewUser
) -> None:
    user = new_user()
    org.has("PermissionSetAssignment", AssigneeId=user, PermissionSetId=granted)
    error = refused(
        lambda: org.has("PermissionSetAssignment", AssigneeId=user, PermissionSetId=granted),
        "DUPLICATE_VALUE",
    )
    assert error.message == (
        f"Duplicate PermissionSetAssignment.  Assignee: {user[:15]}; Permission Set: {granted[:15]}"
    )
    assert error.fields == ["AssigneeId", "PermissionSetId"]


def test_an_assignment_has_one_stamp_and_no_author(org: EmulatedOrg, granted: str, new_user: NewUser) -> None:
    row = org.retrieve(
        "PermissionSetAssignment",
        org.has("PermissionSetAssignment", AssigneeId=new_user(), PermissionSetId=granted),
    )
    assert "SystemModstamp" in row
    assert not {"CreatedDate", "LastModifiedDate", "CreatedById"} & row.keys()


def test_an_inactive_user_is_given_nothing(
    org: EmulatedOrg, refused: Refused, change: Write, granted: str, new_user: NewUser
) -> None:
    user = new_user()
    change(org, "User", user, IsActive=False)
    refused(
        lambda: org.has("PermissionSetAssignment", AssigneeId=user, PermissionSetId=granted),
        "INACTIVE_OWNER_OR_USER",
    )


def test_a_permission_set_for_a_licence_needs_a_user_with_it(
    org: EmulatedOrg, refused: Refused, new_user: NewUser
) -> None:
    (platform,) = org.rows("UserLicense", Name="Salesforce Platform")
    granted = org.has("PermissionSet", Name="P", Label="P", LicenseId=platform["Id"])
    ada, eve = new_user("ada"), new_user("eve", profile="Standard Platform User")
    refused(
        lambda: org.has("PermissionSetAssignment", AssigneeId=ada, PermissionSetId=granted),
        "FIELD_INTEGRITY_EXCEPTION",
    )
    org.has("PermissionSetAssignment", AssigneeId=eve, PermissionSetId=granted)


def test_permission_set_licences_are_counted_and_run_out(
    org: EmulatedOrg, refused: Refused, remove: Write, new_user: NewUser
) -> None:
    (licence,) = org.rows("PermissionSetLicense", DeveloperName="IdentityConnect")
    key: dict[str, Any] = {"PermissionSetLicenseId": licence["Id"]}
    assigned = [
        org.has("PermissionSetLicenseAssign", AssigneeId=new_user(f"user{at}"), **key)
        for at in range(licence["TotalLicenses"])
    ]
    late = new_user("late")
    refused(lambda: org.has("PermissionSetLicenseAssign", AssigneeId=late, **key), "LICENSE_LIMIT_EXCEEDED")
    remove(org, "PermissionSetLicenseAssign", assigned[0])
    org.has("PermissionSetLicenseAssign", AssigneeId=late, **key)


def test_an_assignment_expires_by_itself(org: EmulatedOrg, granted: str, new_user: NewUser) -> None:
    assignment = org.has(
        "PermissionSetAssignment",
        AssigneeId=new_user(),
        PermissionSetId=granted,
        ExpirationDate="2026-01-02T00:00:00Z",
    )
    assert org.retrieve("PermissionSetAssignment", assignment)["IsActive"] is True
    org.clock.advance(24 * 3600 * 1000)
    assert org.retrieve("PermissionSetAssignment", assignment)["IsActive"] is False


def test_an_assigned_permission_set_is_not_deleted(
    org: EmulatedOrg, refused: Refused, remove: Write, granted: str, new_user: NewUser
) -> None:
    org.has("ObjectPermissions", ParentId=granted, SobjectType="Account", PermissionsRead=True)
    assignment = org.has("PermissionSetAssignment", AssigneeId=new_user(), PermissionSetId=granted)
    refused(lambda: remove(org, "PermissionSet", granted), "DELETE_FAILED")
    remove(org, "PermissionSetAssignment", assignment)
    remove(org, "PermissionSet", granted)
    assert org.rows("ObjectPermissions", ParentId=granted) == []


def test_the_permission_set_of_a_profile_is_not_touched(
    org: EmulatedOrg, refused: Refused, change: Write, remove: Write
) -> None:
    (profile,) = org.rows("Profile", Name="Standard User")
    (owned,) = org.rows("PermissionSet", ProfileId=profile["Id"])
    refused(lambda: change(org, "PermissionSet", owned["Id"], Label="X"), "INSUFFICIENT_ACCESS_OR_READONLY")
    refused(lambda: remove(org, "PermissionSet", owned["Id"]), "INSUFFICIENT_ACCESS_OR_READONLY")


@pytest.mark.parametrize(
    ("rights", "needed"),
    [
        ({"PermissionsEdit": True}, "Read"),
        ({"PermissionsRead": True, "PermissionsDelete": True}, "Edit"),
        ({"PermissionsViewAllRecords": True}, "Read"),
        ({"PermissionsRead": True, "PermissionsModifyAllRecords": True}, "Edit"),
    ],
)
def test_a_right_needs_the_rights_it_implies(
    org: EmulatedOrg, refused: Refused, granted: str, rights: dict[str, bool], needed: str
) -> None:
    error = refused(
        lambda: org.has("ObjectPermissions", ParentId=granted, SobjectType="Account", **rights),
        "FIELD_INTEGRITY_EXCEPTION",
    )
    assert f"depends on permission(s): {needed} Account" in error.message


def test_rights_that_grant_nothing_are_no_row(org: EmulatedOrg, change: Write, granted: str) -> None:
    row = org.has("ObjectPermissions", ParentId=granted, SobjectType="Account", PermissionsRead=True)
    change(org, "ObjectPermissions", row, PermissionsRead=False)
    assert org.rows("ObjectPermissions", ParentId=granted) == []


def test_rights_on_one_object_are_one_row(org: EmulatedOrg, refused: Refused, granted: str) -> None:
    key: dict[str, Any] = {"ParentId": granted, "SobjectType": "Account", "PermissionsRead": True}
    org.has("ObjectPermissions", **key)
    refused(lambda: org.has("ObjectPermissions", **key), "DUPLICATE_VALUE")


@pytest.mark.parametrize("field", ["Account.Name", "Account.Nothing__c", "Nothing__c.X", "Phone"])
def test_only_fields_that_can_be_hidden_have_rights(
    org: EmulatedOrg, refused: Refused, granted: str, field: str
) -> None:
    error = refused(
        lambda: org.has(
            "FieldPermissions", ParentId=granted, SobjectType="Account", Field=field, PermissionsRead=True
        ),
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    )
    assert error.message == f"Field Name: bad value for restricted picklist field: {field}"


def test_a_group_is_assigned_through_its_own_permission_set(
    org: EmulatedOrg, refused: Refused, remove: Write, granted: str, new_user: NewUser
) -> None:
    group = org.has("PermissionSetGroup", DeveloperName="G", MasterLabel="G")
    org.has("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=granted)
    assignment = org.has("PermissionSetAssignment", AssigneeId=new_user(), PermissionSetGroupId=group)
    owned = org.retrieve("PermissionSetAssignment", assignment)["PermissionSetId"]
    assert org.retrieve("PermissionSet", owned)["Type"] == "Group"
    assert org.retrieve("PermissionSetGroup", group)["Status"] == "Updated"
    refused(lambda: remove(org, "PermissionSetGroup", group), "DELETE_FAILED")
    remove(org, "PermissionSetAssignment", assignment)
    remove(org, "PermissionSetGroup", group)
    assert org.rows("PermissionSet", Id=owned) == []
    assert org.rows("PermissionSetGroupComponent") == []


def test_a_group_is_outdated_until_it_is_calculated_anew(
    org: EmulatedOrg, granted: str, remove: Write
) -> None:
    configure(org, recalculation_ms=5000)
    group = org.has("PermissionSetGroup", DeveloperName="G", MasterLabel="G")
    component = org.has("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=granted)
    assert status(org, group) == "Outdated"
    with pytest.raises(ZeroDivisionError), org.transaction():
        org.clock.advance(5000)
        raise ZeroDivisionError
    assert status(org, group) == "Updated"
    remove(org, "PermissionSetGroupComponent", component)
    assert status(org, group) == "Outdated"
    org.clock.advance(5000)
    assert status(org, group) == "Updated"


def test_a_group_is_outdated_when_the_rights_of_a_member_change(
    org: EmulatedOrg, granted: str, remove: Write
) -> None:
    configure(org, recalculation_ms=5000)
    group = org.has("PermissionSetGroup", DeveloperName="G", MasterLabel="G")
    other = org.has("PermissionSetGroup", DeveloperName="Other", MasterLabel="Other")
    org.has("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=granted)
    right: list[str] = []

    def grant() -> None:
        given = {"ParentId": granted, "SobjectType": "Contact", "PermissionsRead": True}
        right.append(org.has("ObjectPermissions", **given))

    def widen() -> None:
        with org.transaction() as tx:
            tx.update("ObjectPermissions", right[0], {"PermissionsCreate": True})

    def withdraw() -> None:
        remove(org, "ObjectPermissions", right[0])

    def permit() -> None:
        with org.transaction() as tx:
            tx.update("PermissionSet", granted, {"PermissionsRunReports": True})

    for change in (grant, widen, withdraw, permit):
        org.clock.advance(5000)
        assert status(org, group) == "Updated"
        change()
        assert (status(org, group), status(org, other)) == ("Outdated", "Updated")


def test_a_group_is_updating_for_the_second_half_of_the_time_it_takes(org: EmulatedOrg, granted: str) -> None:
    configure(org, recalculation_ms=4000)
    group = org.has("PermissionSetGroup", DeveloperName="G", MasterLabel="G")
    org.has("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=granted)
    seen = []
    for _ in range(4):
        seen.append(status(org.fork(), group))
        org.clock.advance(1500)
    assert seen == ["Outdated", "Outdated", "Updating", "Updated"]
    assert status(org, group) == "Updated"


def status(org: EmulatedOrg, group: str) -> str:
    return str(org.retrieve("PermissionSetGroup", group)["Status"])


def test_api_names_are_unique_and_well_formed(org: EmulatedOrg, refused: Refused, granted: str) -> None:
    refused(lambda: org.has("PermissionSet", Name="release_manager", Label="X"), "DUPLICATE_DEVELOPER_NAME")
    for name in ("1st", "a b", "a__b", "a_"):
        refused(lambda name=name: org.has("PermissionSet", Name=name, Label="X"), "FIELD_INTEGRITY_EXCEPTION")


def test_a_profile_name_is_in_use_once(org: EmulatedOrg, refused: Refused) -> None:
    (licence,) = org.rows("UserLicense", Name="Salesforce")
    error = refused(
        lambda: org.has("Profile", Name="Standard User", UserLicenseId=licence["Id"]),
        "FIELD_INTEGRITY_EXCEPTION",
    )
    assert error.message == "The profile name is already in use: Name"
    made = org.has("Profile", Name="Bot", UserLicenseId=licence["Id"])
    assert len(org.rows("PermissionSet", ProfileId=made)) == 1
