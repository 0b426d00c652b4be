"""Claims about inserts, updates and upserts under Salesforce's rules."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.reading import MultipleMatches
from reconciler.emulator.schema import Field

Refused = Callable[..., ApiError]
Change = Callable[..., None]


@pytest.fixture
def keyed(org: EmulatedOrg) -> EmulatedOrg:
    """An org whose accounts have a unique external id and one that is not unique."""
    key: dict[str, Any] = {"type": "string", "length": 20, "custom": True, "external_id": True}
    org.additions.add_fields(
        "Account",
        [
            Field(name="Key__c", label="Key", unique=True, id_lookup=True, **key),
            Field(name="Group_Key__c", label="Group Key", id_lookup=True, **key),
        ],
    )
    return org


def test_a_new_row_has_an_id_stamps_and_an_owner(org: EmulatedOrg) -> None:
    account = org.has("Account", Name="Acme")
    row = org.retrieve("Account", account)
    assert len(account) == 18
    assert account.startswith("001")
    assert row["OwnerId"] == row["CreatedById"] == org.admin_id
    assert row["CreatedDate"] == row["SystemModstamp"] == "2026-01-01T00:00:00.000+0000"
    assert row["IsDeleted"] is False


def test_field_names_are_found_without_regard_to_case(org: EmulatedOrg) -> None:
    assert org.retrieve("account", org.has("account", name="Acme"), ["NAME"])["Name"] == "Acme"


def test_required_fields_are_missed_all_at_once(org: EmulatedOrg, refused: Refused) -> None:
    error = refused(lambda: org.has("Lead"), "REQUIRED_FIELD_MISSING")
    assert error.message == "Required fields are missing: [LastName, Company]"
    assert error.fields == ["LastName", "Company"]


def test_a_field_the_object_lacks_is_named(org: EmulatedOrg, refused: Refused) -> None:
    error = refused(lambda: org.has("Account", Name="A", Foo__c=1), "INVALID_FIELD")
    assert error.message == "No such column 'Foo__c' on sobject of type Account"


def test_system_fields_are_refused_together(org: EmulatedOrg, refused: Refused) -> None:
    error = refused(
        lambda: org.has("Account", Name="A", CreatedDate="2020-01-01", IsDeleted=True),
        "INVALID_FIELD_FOR_INSERT_UPDATE",
    )
    assert error.fields == ["CreatedDate", "IsDeleted"]


@pytest.mark.parametrize("blank", [None, ""])
def test_a_lead_that_is_sent_with_a_blank_status_has_the_default_one(org: EmulatedOrg, blank: Any) -> None:
    lead = org.has("Lead", LastName="Jones", Company="Acme", Status=blank)
    assert org.retrieve("Lead", lead)["Status"] == "Open - Not Contacted"


def test_a_default_stands_for_an_absent_key_and_not_for_null(org: EmulatedOrg) -> None:
    absent, null = org.has("Case"), org.has("Case", Status=None)
    assert org.retrieve("Case", absent, ["Status"])["Status"] == "New"
    assert org.retrieve("Case", null, ["Status"])["Status"] is None


def test_auto_numbers_count(org: EmulatedOrg) -> None:
    numbers = [org.retrieve("Case", org.has("Case"), ["CaseNumber"])["CaseNumber"] for _ in range(2)]
    assert numbers == ["00000001", "00000002"]


def test_the_name_of_a_person_follows_its_parts(org: EmulatedOrg, change: Change) -> None:
    contact = org.has("Contact", FirstName="Ada", LastName="Byron")
    change(org, "Contact", contact, LastName="Lovelace")
    assert org.retrieve("Contact", contact, ["Name"])["Name"] == "Ada Lovelace"


def test_an_address_is_put_together_from_its_parts(org: EmulatedOrg) -> None:
    account = org.has("Account", Name="A", BillingCity="Berlin")
    row = org.retrieve("Account", account, ["BillingAddress", "ShippingAddress"])
    assert row["BillingAddress"]["city"] == "Berlin"
    assert row["ShippingAddress"] is None


@pytest.mark.parametrize(
    ("parent", "code"),
    [
        ("nonsense", "MALFORMED_ID"),
        ("003Hu0000000001IAA", "FIELD_INTEGRITY_EXCEPTION"),
        ("001Hu0000000009IAA", "INVALID_CROSS_REFERENCE_KEY"),
        ("001xx000003DGb1AAG", "INVALID_CROSS_REFERENCE_KEY"),
    ],
)
def test_a_parent_must_exist_and_be_of_the_right_object(
    org: EmulatedOrg, refused: Refused, parent: str, code: str
) -> None:
    refused(lambda: org.has("Account", Name="A", ParentId=parent), code)


def test_a_parent_in_the_recycle_bin_is_deleted(
    org: EmulatedOrg, refused: Refused, remove: Callable[..., None]
) -> None:
    parent = org.has("Account", Name="A")
    remove(org, "Account", parent)
    refused(lambda: org.has("Account", Name="B", ParentId=parent), "ENTITY_IS_DELETED")


def test_a_parent_is_found_by_its_external_id(keyed: EmulatedOrg) -> None:
    account = keyed.has("Account", Name="A", Key__c="A1")
    contact = keyed.has("Contact", LastName="L", Account={"Key__c": "a1"})
    assert keyed.retrieve("Contact", contact, ["AccountId"])["AccountId"] == account


def test_a_parent_that_is_not_found_by_its_external_id_is_named(keyed: EmulatedOrg, refused: Refused) -> None:
    error = refused(lambda: keyed.has("Contact", LastName="L", Account={"Key__c": "A1"}), "INVALID_FIELD")
    assert error.message == "Foreign key external ID: A1 not found for field Key__c in entity Account"


def test_a_unique_value_is_taken_without_regard_to_case_and_the_holder_named(
    keyed: EmulatedOrg, refused: Refused
) -> None:
    holder = keyed.has("Account", Name="A", Key__c="A1")
    error = refused(lambda: keyed.has("Account", Name="B", Key__c="a1"), "DUPLICATE_VALUE")
    assert error.message == f"duplicate value found: Key__c duplicates value on record with id: {holder[:15]}"


def test_rows_without_a_value_and_rows_in_the_bin_do_not_collide(
    keyed: EmulatedOrg, remove: Callable[..., None]
) -> None:
    keyed.has("Account", Name="A", Key__c=None)
    keyed.has("Account", Name="B", Key__c="")
    remove(keyed, "Account", keyed.has("Account", Name="C", Key__c="X"))
    keyed.has("Account", Name="D", Key__c="X")
    assert len(keyed.rows("Account")) == 3


def test_an_upsert_inserts_once_and_then_updates(keyed: EmulatedOrg) -> None:
    with keyed.transaction() as tx:
        first = tx.upsert("Account", "Key__c", "A1", {"Name": "A"})
        second = tx.upsert("Account", "Key__c", "A1", {"Name": "B"})
    assert (first[1], second[1]) == (True, False)
    assert first[0] == second[0]
    assert [row["Name"] for row in keyed.rows("Account")] == ["B"]


def test_an_upsert_that_finds_two_rows_names_both_and_writes_nothing(keyed: EmulatedOrg) -> None:
    ids = [keyed.has("Account", Name="A", Group_Key__c="G") for _ in range(2)]
    with pytest.raises(MultipleMatches) as caught, keyed.transaction() as tx:
        tx.upsert("Account", "Group_Key__c", "G", {"Name": "B"})
    assert caught.value.ids == ids
    assert {row["Name"] for row in keyed.rows("Account")} == {"A"}


def test_an_upsert_by_a_field_that_is_no_key_finds_no_resource(org: EmulatedOrg, refused: Refused) -> None:
    def upsert() -> None:
        with org.transaction() as tx:
            tx.upsert("Account", "Phone", "1", {"Name": "A"})

    error = refused(upsert, "NOT_FOUND")
    assert error.message == "Provided external ID field does not exist or is not accessible: Phone"


def test_an_update_moves_the_stamps_even_if_nothing_changes(org: EmulatedOrg, change: Change) -> None:
    account = org.has("Account", Name="A")
    org.clock.advance(2000)
    change(org, "Account", account, Name="A")
    row = org.retrieve("Account", account)
    assert row["LastModifiedDate"] == row["SystemModstamp"] == "2026-01-01T00:00:02.000+0000"
    assert row["CreatedDate"] == "2026-01-01T00:00:00.000+0000"


def test_a_required_field_cannot_be_cleared(org: EmulatedOrg, refused: Refused, change: Change) -> None:
    account = org.has("Account", Name="A")
    refused(lambda: change(org, "Account", account, Name=""), "REQUIRED_FIELD_MISSING")


def test_an_update_names_no_id(org: EmulatedOrg, refused: Refused, change: Change) -> None:
    account = org.has("Account", Name="A")
    refused(lambda: change(org, "Account", account, Id=account), "INVALID_FIELD")


@pytest.mark.parametrize(
    ("record_id", "code", "status"),
    [
        ("001Hu0000000009IAA", "INVALID_CROSS_REFERENCE_KEY", 404),
        ("003Hu0000000001IAA", "MALFORMED_ID", 400),
        ("nonsense", "MALFORMED_ID", 400),
    ],
)
def test_an_update_needs_the_id_of_a_row(
    org: EmulatedOrg, refused: Refused, change: Change, record_id: str, code: str, status: int
) -> None:
    assert refused(lambda: change(org, "Account", record_id, Name="B"), code).status == status


def test_a_transaction_is_all_or_nothing(org: EmulatedOrg, refused: Refused) -> None:
    def write() -> None:
        with org.transaction() as tx:
            tx.insert("Account", {"Name": "A"})
            tx.insert("Contact", {})

    refused(write, "REQUIRED_FIELD_MISSING")


def test_a_savepoint_fails_alone(org: EmulatedOrg) -> None:
    with org.transaction() as tx:
        tx.insert("Account", {"Name": "A"})
        with pytest.raises(ApiError), tx.savepoint():
            tx.insert("Account", {"Name": "B"})
            tx.insert("Account", {})
        tx.insert("Account", {"Name": "C"})
    assert [row["Name"] for row in org.rows("Account")] == ["A", "C"]


def test_setup_and_other_objects_do_not_share_a_transaction(org: EmulatedOrg, refused: Refused) -> None:
    def write() -> None:
        with org.transaction() as tx:
            tx.insert("Account", {"Name": "A"})
            tx.insert("PermissionSet", {"Name": "P", "Label": "P"})

    error = refused(write, "MIXED_DML_OPERATION")
    assert error.message.endswith("(or vice versa): PermissionSet, original object: Account")


def test_a_group_and_a_user_without_a_role_may_be_written_with_other_objects(
    org: EmulatedOrg, change: Change
) -> None:
    with org.transaction() as tx:
        tx.insert("Account", {"Name": "A"})
        tx.insert("Group", {"Name": "G", "Type": "Regular"})
        tx.update("User", org.admin_id, {"Title": "Admin"})
    assert org.rows("Group", Name="G")


def test_a_read_only_object_is_not_written(org: EmulatedOrg, refused: Refused) -> None:
    refused(lambda: org.has("CustomPermission", DeveloperName="X"), "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")


def test_a_record_type_must_be_of_the_object(org: EmulatedOrg, refused: Refused) -> None:
    from reconciler.emulator.seeding.schema import add_record_type

    with org.transaction() as tx:
        add_record_type(tx, "Account", "Partner", {"label": ["Partner"]})
        add_record_type(tx, "Contact", "Friend", {"label": ["Friend"]})
    (partner,), (friend,) = (
        org.rows("RecordType", DeveloperName="Partner"),
        org.rows("RecordType", DeveloperName="Friend"),
    )
    org.has("Account", Name="A", RecordTypeId=partner["Id"])
    org.has("Account", Name="B", RecordTypeId="012000000000000AAA")
    refused(lambda: org.has("Account", Name="C", RecordTypeId=friend["Id"]), "INVALID_CROSS_REFERENCE_KEY")
