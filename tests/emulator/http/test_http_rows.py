"""One row, by its id or by an external id."""

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.emulator.schema import Field

if TYPE_CHECKING:
    from tests.emulator.http.conftest import Client

ABSENT = "001Hu00000zzzzzIAA"


def refusal(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json()[0]["errorCode"]


@pytest.fixture(autouse=True)
def keyed(org: Any) -> None:
    """Account has a unique and a plain external id."""
    for name, unique in (("Code__c", True), ("Old_Code__c", False)):
        field = Field(
            name=name,
            type="string",
            label=name,
            length=40,
            external_id=True,
            id_lookup=True,
            unique=unique,
            custom=True,
        )
        org.schema.add_field("Account", field)
        org.store.add_column(org.schema["Account"], field)
    org.tables = type(org.tables)(org.schema)


def test_a_created_row_answers_201_with_its_id_and_address(client: "Client") -> None:
    reply = client.post("/sobjects/Account/", {"Name": "Acme"})
    assert reply.status_code == 201
    assert list(reply.json()) == ["id", "success", "errors"]
    assert reply.headers["Location"] == f"/services/data/v60.0/sobjects/Account/{reply.json()['id']}"
    assert [each["Name"] for each in client.org.rows("Account")] == ["Acme"]


def test_missing_required_fields_are_refused_with_their_names(client: "Client") -> None:
    reply = client.post("/sobjects/Contact", {"FirstName": "Ada"})
    assert reply.status_code == 400
    assert reply.json() == [
        {
            "message": "Required fields are missing: [LastName]",
            "errorCode": "REQUIRED_FIELD_MISSING",
            "fields": ["LastName"],
        }
    ]
    assert client.org.rows("Contact") == []


def test_a_row_reads_with_attributes_first_and_only_the_fields_asked_for(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme")
    whole = client.get(f"/sobjects/Account/{account}").json()
    assert list(whole)[:2] == ["attributes", "Id"]
    assert whole["attributes"] == {
        "type": "Account",
        "url": f"/services/data/v60.0/sobjects/Account/{account}",
    }
    some = client.get(f"/sobjects/account/{account[:15]}?fields=name,id").json()
    assert some == {"attributes": whole["attributes"], "Name": "Acme", "Id": account}


def test_an_unknown_field_is_refused_on_reading_and_writing(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme")
    assert refusal(client.get(f"/sobjects/Account/{account}?fields=Foo")) == (400, "INVALID_FIELD")
    reply = client.patch(f"/sobjects/Account/{account}", {"Foo": 1, "Name": "No"})
    assert reply.json()[0]["message"] == "No such column 'Foo' on sobject of type Account"
    assert client.org.rows("Account")[0]["Name"] == "Acme"


def test_an_update_answers_204_without_a_body(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme")
    reply = client.patch(f"/sobjects/Account/{account}", {"Name": "New"})
    assert (reply.status_code, reply.content) == (204, b"")
    assert "Content-Type" not in reply.headers
    assert client.org.rows("Account")[0]["Name"] == "New"


def test_the_id_may_not_stand_in_the_body_of_an_update(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme")
    reply = client.patch(f"/sobjects/Account/{account}", {"Id": account, "Name": "New"})
    assert refusal(reply) == (400, "INVALID_FIELD")
    assert client.org.rows("Account")[0]["Name"] == "Acme"


def test_a_deleted_row_is_not_found_when_read_and_deleted_when_written(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme")
    address = f"/sobjects/Account/{account}"
    assert client.delete(address).status_code == 204
    assert refusal(client.get(address)) == (404, "NOT_FOUND")
    again = client.delete(address)
    assert again.status_code == 404
    assert again.json() == [{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}]
    assert refusal(client.patch(address, {"Name": "x"})) == (404, "ENTITY_IS_DELETED")


def test_a_row_that_never_was_is_a_bad_reference_when_written(client: "Client") -> None:
    assert refusal(client.get(f"/sobjects/Account/{ABSENT}")) == (404, "NOT_FOUND")
    assert refusal(client.delete(f"/sobjects/Account/{ABSENT}")) == (404, "INVALID_CROSS_REFERENCE_KEY")


def test_an_id_of_another_object_is_malformed(client: "Client") -> None:
    reply = client.patch(f"/sobjects/Account/{client.org.admin_id}", {"Name": "x"})
    assert refusal(reply) == (400, "MALFORMED_ID")
    assert reply.json()[0]["fields"] == ["Id"]


def test_what_is_no_id_is_taken_for_an_external_id_field(client: "Client") -> None:
    reply = client.get("/sobjects/Account/23foo")
    assert reply.status_code == 404
    assert reply.json() == [
        {
            "errorCode": "NOT_FOUND",
            "message": "Provided external ID field does not exist or is not accessible: 23foo",
        }
    ]


# -- by external id


def test_an_upsert_creates_then_updates(client: "Client") -> None:
    first = client.patch("/sobjects/Account/Code__c/A%2F1", {"Name": "Acme"})
    assert (first.status_code, first.json()["created"]) == (201, True)
    second = client.patch("/sobjects/Account/code__c/a%2F1", {"Name": "New"})
    assert (second.status_code, second.json()["created"]) == (200, False)
    assert second.json()["id"] == first.json()["id"]
    assert [(each["Code__c"], each["Name"]) for each in client.org.rows("Account")] == [("A/1", "New")]


def test_before_version_46_an_updating_upsert_has_no_body(client: "Client") -> None:
    old = "/services/data/v45.0/sobjects/Account/Code__c/A1"
    assert "created" not in client.patch(old, {"Name": "Acme"}).json()
    assert client.patch(old, {"Name": "New"}).status_code == 204


def test_several_rows_with_the_key_answer_300_and_their_addresses(client: "Client") -> None:
    found = [client.org.has("Account", Name=name, Old_Code__c="x") for name in "ab"]
    reply = client.patch("/sobjects/Account/Old_Code__c/x", {"Name": "c"})
    assert reply.status_code == 300
    assert reply.json() == [f"/services/data/v60.0/sobjects/Account/{each}" for each in found]
    assert sorted(each["Name"] for each in client.org.rows("Account")) == ["a", "b"]
    assert client.get("/sobjects/Account/Old_Code__c/x").status_code == 300
    assert client.delete("/sobjects/Account/Old_Code__c/x").status_code == 300


def test_update_only_creates_nothing(client: "Client") -> None:
    reply = client.patch("/sobjects/Account/Code__c/A1?updateOnly=true", {"Name": "Acme"})
    assert refusal(reply) == (404, "NOT_FOUND")
    assert client.org.rows("Account") == []


def test_an_upsert_by_id_updates_and_answers_a_body(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme")
    reply = client.patch(f"/sobjects/Account/Id/{account}?updateOnly=true", {"Name": "New"})
    assert reply.status_code == 200
    assert reply.json() == {"id": account, "success": True, "errors": [], "created": False}


def test_a_row_is_read_and_deleted_by_its_external_id(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme", Code__c="A1")
    assert client.get("/sobjects/Account/Code__c/A1").json()["Id"] == account
    assert client.delete("/sobjects/Account/Code__c/A1").status_code == 204
    assert refusal(client.get("/sobjects/Account/Code__c/A1")) == (404, "NOT_FOUND")


def test_a_field_that_is_no_external_id_finds_no_rows(client: "Client") -> None:
    reply = client.patch("/sobjects/Account/Site/x", {"Name": "x"})
    assert refusal(reply) == (404, "NOT_FOUND")
    assert reply.json()[0]["message"].endswith("not accessible: Site")
    assert client.org.rows("Account") == []


def test_the_key_may_not_stand_in_the_body_too(client: "Client") -> None:
    reply = client.patch("/sobjects/Account/Code__c/A1", {"Name": "x", "Code__c": "A1"})
    assert refusal(reply) == (400, "INVALID_FIELD")
    assert client.org.rows("Account") == []


# -- conditions


def test_a_row_changed_since_is_not_overwritten(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme")
    contact = client.org.has("Contact", LastName="Ada")
    for address in (f"/sobjects/Account/{account}", f"/sobjects/Contact/{contact}"):
        seen = client.get(address).headers["Last-Modified"]
        field = "Name" if "Account" in address else "LastName"
        assert client.patch(address, {field: "mine"}, If_Unmodified_Since=seen).status_code == 204
        late = client.patch(address, {field: "late"}, If_Unmodified_Since=seen)
        assert late.status_code == 412
        assert client.get(address).json()[field] == "mine"


def test_a_row_not_changed_since_is_not_sent_again(client: "Client") -> None:
    contact = client.org.has("Contact", LastName="Ada")
    address = f"/sobjects/Contact/{contact}"
    seen = client.get(address).headers["Last-Modified"]
    reply = client.get(address, If_Modified_Since=seen)
    assert (reply.status_code, reply.content) == (304, b"")
    assert client.get(address, If_Modified_Since="Sat, 01 Jan 2000 00:00:01 GMT").status_code == 200


def test_an_account_is_guarded_by_its_entity_tag(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme")
    address = f"/sobjects/Account/{account}"
    tag = client.get(address).headers["ETag"]
    assert client.get(address, If_None_Match=tag).status_code == 304
    assert client.patch(address, {"Name": "mine"}, If_Match=tag).status_code == 204
    assert client.patch(address, {"Name": "late"}, If_Match=tag).status_code == 412
    assert client.org.rows("Account")[0]["Name"] == "mine"


def test_a_condition_that_cannot_be_read_is_refused_on_writing(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme")
    reply = client.patch(f"/sobjects/Account/{account}", {"Name": "x"}, If_Unmodified_Since="yesterday")
    assert reply.status_code == 400
    assert client.org.rows("Account")[0]["Name"] == "Acme"


# -- around rows


def test_basic_information_lists_the_rows_the_caller_changed_last(client: "Client") -> None:
    first, second = (client.org.has("Account", Name=name) for name in ("first", "second"))
    value = client.get("/sobjects/Account").json()
    assert list(value) == ["objectDescribe", "recentItems"]
    assert [each["Id"] for each in value["recentItems"]] == [second, first]
    assert [each["Name"] for each in client.get("/recent?limit=1").json()] == ["second"]


def test_updated_and_deleted_rows_are_listed_in_their_span(client: "Client") -> None:
    kept = client.org.has("Account", Name="kept")
    lost = client.org.has("Account", Name="lost")
    client.delete(f"/sobjects/Account/{lost}")
    day = client.org.clock.now().strftime("%Y-%m-%d")
    span = f"start={day}T00:00:00%2B00:00&end={day}T23:59:00Z"
    assert client.get(f"/sobjects/Account/updated/?{span}").json()["ids"] == [kept]
    deleted = client.get(f"/sobjects/Account/deleted/?{span}").json()
    assert list(deleted) == ["deletedRecords", "earliestDateAvailable", "latestDateCovered"]
    assert [each["id"] for each in deleted["deletedRecords"]] == [lost]


@pytest.mark.parametrize(
    "span", ["start=2026-01-02&end=2026-01-01", "start=2001-01-01&end=2026-01-01", "start=x&end=y", ""]
)
def test_a_span_that_is_none_is_refused(client: "Client", span: str) -> None:
    assert refusal(client.get(f"/sobjects/Account/updated?{span}")) == (400, "INVALID_REPLICATION_DATE")


def test_an_accounts_entity_tag_follows_what_is_computed_of_other_rows(client: "Client") -> None:
    formula: dict[str, Any] = {"type": "string", "custom": True, "createable": False, "calculated": True}
    field = Field(name="Above__c", label="Above", length=80, formula="Parent.Name", **formula)
    client.org.additions.add_fields("Account", [field])
    parent = client.org.has("Account", Name="P")
    address = f"/sobjects/Account/{client.org.has('Account', Name='C', ParentId=parent)}"
    tag = client.get(address).headers["ETag"]
    assert client.get(address).headers["ETag"] == tag
    with client.org.transaction() as tx:
        tx.update("Account", parent, {"Name": "Q"})
    assert client.patch(address, {"Phone": "1"}, If_Match=tag).status_code == 412
    assert client.org.rows("Account", Name="C")[0]["Phone"] is None
