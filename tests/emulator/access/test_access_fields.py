"""What field-level security shows of a field, and when."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.org import EmulatedOrg

from .conftest import TEXT, fill_set, write_object

OK = "ok"
NO_FIELD = "INVALID_FIELD"
READ_ONLY = "INVALID_FIELD_FOR_INSERT_UPDATE"
TABLE = [
    # rights on the field, on the object besides `rce`; reading, writing
    ("", "", NO_FIELD, NO_FIELD),
    ("r", "", OK, READ_ONLY),
    ("re", "", OK, OK),
    ("", "F", OK, READ_ONLY),
    ("", "dVM", NO_FIELD, NO_FIELD),
]


@pytest.mark.parametrize(("field", "more", "read", "write"), TABLE)
def test_rights_on_a_field_decide_what_is_answered(
    org: EmulatedOrg,
    new_user: Callable[..., str],
    grant: Callable[..., str],
    acting: Callable[[str], Any],
    field: str,
    more: str,
    read: str,
    write: str,
) -> None:
    user = new_user()
    grant(user, {"Deal__c": "rce" + more}, {"Deal__c.Size__c": field} if field else {})
    row = org.has("Deal__c", Name="a", Size__c="s", OwnerId=user)
    act = acting(user)
    for soql in (
        "SELECT Size__c FROM Deal__c",
        "SELECT Id FROM Deal__c WHERE Size__c = 's'",
        "SELECT Id FROM Deal__c ORDER BY Size__c",
        "SELECT Size__c, COUNT(Id) FROM Deal__c GROUP BY Size__c",
    ):
        assert act.query(soql) == read
    assert act.read("Deal__c", row, "Size__c") == read
    assert act.insert("Deal__c", Name="b", Size__c="x") == write
    assert act.update("Deal__c", row, Size__c="x") == write
    assert act.update("Deal__c", row, Name="b") == OK
    whole = org.retrieve("Deal__c", row, user_id=user)
    assert ("Size__c" in whole) is (read == OK)
    (row_of_all,) = org.query(
        "SELECT FIELDS(ALL) FROM Deal__c WHERE Name = 'b' LIMIT 1", user_id=user
    ).records
    assert ("Size__c" in row_of_all) is (read == OK)


def test_a_field_that_came_later_is_hidden_from_the_administrator_until_a_row_shows_it(
    org: EmulatedOrg, acting: Callable[[str], Any], tmp_path: Path
) -> None:
    from reconciler.emulator.schema import Field

    org.additions.add_fields(
        "Deal__c",
        [Field(name="Late__c", type="string", label="Late", length=9, custom=True, permissionable=True)],
    )
    act = acting(org.admin_id)
    assert act.query("SELECT Late__c FROM Deal__c") == NO_FIELD
    assert act.insert("Deal__c", Name="a", Late__c="x") == NO_FIELD
    assert act.query("SELECT Size__c FROM Deal__c") == OK
    (profile,) = org.rows("Profile", Name="System Administrator")
    (owned,) = org.rows("PermissionSet", ProfileId=profile["Id"])
    fill_set(org, owned["Id"], {}, {"Deal__c.Late__c": "re"})
    assert act.query("SELECT Late__c FROM Deal__c") == OK
    assert act.insert("Deal__c", Name="a", Late__c="x") == OK
    assert org.access.of(org.admin_id).unlimited


def test_fields_and_objects_of_a_seed_are_seen_by_the_administrator(org: EmulatedOrg, tmp_path: Path) -> None:
    write_object(tmp_path, "Late__c", "Private", Size__c=TEXT)
    org.load(tmp_path)
    assert org.query("SELECT Size__c FROM Late__c").records == []
    assert org.access.of(org.admin_id).unlimited


@pytest.mark.parametrize(
    ("profile", "seen"),
    [
        ("System Administrator", OK),
        ("Standard User", OK),
        ("Read Only", OK),
        ("Minimum Access - Salesforce", NO_FIELD),
    ],
)
def test_standard_fields_are_seen_without_a_row_by_the_standard_profiles_but_the_narrowest(
    org: EmulatedOrg,
    new_user: Callable[..., str],
    grant: Callable[..., str],
    acting: Callable[[str], Any],
    profile: str,
    seen: str,
) -> None:
    user = new_user(profile=profile)
    grant(user, {"Account": "re"})
    assert acting(user).query("SELECT Phone FROM Account") == seen
    assert acting(user).query("SELECT Name FROM Account") == OK


def test_a_row_taken_from_a_profile_hides_a_standard_field(
    org: EmulatedOrg, new_user: Callable[..., str], acting: Callable[[str], Any]
) -> None:
    user = new_user(profile="Standard User")
    (profile,) = org.rows("Profile", Name="Standard User")
    (owned,) = org.rows("PermissionSet", ProfileId=profile["Id"])
    fill_set(org, owned["Id"], {}, {"Account.Phone": "r"})
    act = acting(user)
    account = org.has("Account", Name="a", OwnerId=user)
    assert act.query("SELECT Phone FROM Account") == OK
    assert act.update("Account", account, Phone="1") == READ_ONLY
    (row,) = org.rows("FieldPermissions", ParentId=owned["Id"])
    with org.transaction() as tx:
        tx.delete("FieldPermissions", row["Id"])
    assert act.query("SELECT Phone FROM Account") == NO_FIELD
    assert act.query("SELECT Fax FROM Account") == OK


def test_a_profile_made_from_nothing_shows_no_standard_field(
    org: EmulatedOrg, new_user: Callable[..., str], grant: Callable[..., str], acting: Callable[[str], Any]
) -> None:
    (licence,) = org.rows("UserLicense", Name="Salesforce")
    org.has("Profile", Name="Bare", UserLicenseId=licence["Id"])
    user = new_user(profile="Bare")
    grant(user, {"Account": "r"})
    assert acting(user).query("SELECT Phone FROM Account") == NO_FIELD
    assert acting(user).query("SELECT Name FROM Account") == OK


def test_the_parts_of_an_address_follow_the_address(
    new_user: Callable[..., str], grant: Callable[..., str], acting: Callable[[str], Any]
) -> None:
    user = new_user()
    grant(user, {"Account": "rc"}, {"Account.BillingAddress": "re"})
    act = acting(user)
    assert act.query("SELECT BillingCity, BillingAddress FROM Account") == OK
    assert act.query("SELECT ShippingCity FROM Account") == NO_FIELD
    assert act.insert("Account", Name="a", BillingCity="Paris") == OK
    assert act.insert("Account", Name="b", ShippingCity="Paris") == NO_FIELD


def test_a_hidden_field_is_no_external_id(
    org: EmulatedOrg, new_user: Callable[..., str], grant: Callable[..., str]
) -> None:
    from reconciler.emulator.errors import ApiError
    from reconciler.emulator.schema import Field

    key = Field(
        name="Key__c",
        type="string",
        label="Key",
        length=9,
        custom=True,
        external_id=True,
        permissionable=True,
    )
    org.additions.add_fields("Paper__c", [key])
    user = new_user()
    grant(user, {"Paper__c": "rce"})
    with pytest.raises(ApiError) as refused, org.transaction(user) as tx:
        tx.upsert("Paper__c", "Key__c", "k", {"Name": "a"})
    assert refused.value.code == "NOT_FOUND"
    assert org.rows("Paper__c") == []
