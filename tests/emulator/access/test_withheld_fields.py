"""Standard fields that a new org shows to nobody: they are there, and a permission shows them."""

import pytest

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.describe_form import describe
from reconciler.emulator.org import EmulatedOrg


@pytest.fixture
def org() -> EmulatedOrg:
    return EmulatedOrg()


def shown(org: EmulatedOrg) -> set[str]:
    schema = org.access.of(org.admin_id).schema
    fields = describe(schema, schema["Contact"], "/services/data/v64.0", "https://x.example", {})["fields"]
    return {each["name"] for each in fields}


def show(org: EmulatedOrg, field: str) -> None:
    profile = org.rows("Profile", Name="System Administrator")[0]["Id"]
    parent = org.rows("PermissionSet", ProfileId=profile)[0]["Id"]
    org.has(
        "FieldPermissions",
        ParentId=parent,
        SobjectType=field.partition(".")[0],
        Field=field,
        PermissionsRead=True,
        PermissionsEdit=True,
    )


def test_nobody_sees_them_or_writes_them(org: EmulatedOrg) -> None:
    assert "DoNotCall" not in shown(org)
    with pytest.raises(ApiError, match="No such column 'DoNotCall'"):
        org.query("SELECT DoNotCall FROM Contact")
    with pytest.raises(ApiError, match="DoNotCall"), org.transaction() as tx:
        tx.insert("Contact", {"LastName": "L", "DoNotCall": True})
    contact = org.has("Contact", LastName="L")
    with pytest.raises(ApiError, match="DoNotCall"), org.transaction() as tx:
        tx.update("Contact", contact, {"DoNotCall": True})
    assert org.rows("Contact", DoNotCall=True) == []


def test_a_permission_shows_them(org: EmulatedOrg) -> None:
    show(org, "Contact.DoNotCall")
    assert "DoNotCall" in shown(org)
    assert "HasOptedOutOfEmail" not in shown(org)
    org.has("Contact", LastName="L", DoNotCall=True)
    assert org.query("SELECT Id FROM Contact WHERE DoNotCall = TRUE").total_size == 1


@pytest.mark.parametrize("granted", [False, True])
def test_many_rows_at_once_meet_the_same(org: EmulatedOrg, granted: bool) -> None:
    from reconciler.emulator.alike import insert_alike

    if granted:
        show(org, "Contact.DoNotCall")
    rows = [{"LastName": f"L{n}", "DoNotCall": True} for n in range(3)]
    with org.transaction() as tx:
        assert (insert_alike(tx, "Contact", rows) is not None) is granted
        assert insert_alike(tx, "Contact", [{"LastName": "M"}, {"LastName": "N"}]) is not None
    assert len(org.rows("Contact", DoNotCall=True)) == (3 if granted else 0)


def test_the_administrator_is_checked_no_more_for_them(org: EmulatedOrg) -> None:
    access = org.access.of(org.admin_id)
    assert access.unlimited
    assert not access.view.whole
