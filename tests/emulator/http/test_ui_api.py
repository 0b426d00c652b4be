"""The UI API's objects and records, and invocable actions."""

from typing import Any

import pytest

from tests.emulator.http.test_below_rows import Caller, caller

__all__ = ["caller"]

MASTER = "012000000000000AAA"


def get(caller: Caller, path: str) -> Any:
    status, value, _ = caller.call("GET", path)
    assert status == 200, value
    return value


def test_an_object_has_its_fields_by_name(caller: Caller) -> None:
    value = get(caller, "/ui-api/object-info/Contact")
    assert list(value) == sorted(value)
    account = value["fields"]["AccountId"]
    assert (account["dataType"], account["reference"]) == ("Reference", True)
    assert account["referenceToInfos"] == [{"apiName": "Account", "nameFields": ["Name"]}]
    assert (value["fields"]["LastName"]["required"], value["fields"]["Phone"]["required"]) == (True, False)
    assert value["recordTypeInfos"][MASTER]["master"] is True
    assert value["nameFields"] == ["FirstName", "LastName", "Name"]
    assert "Contact" in get(caller, "/ui-api/object-info")["objects"]


def test_picklists_are_told_by_field(caller: Caller) -> None:
    value = get(caller, f"/ui-api/object-info/Case/picklist-values/{MASTER}")["picklistFieldValues"]
    assert value["Status"]["defaultValue"]["value"] == "New"
    assert value["Status"] == get(caller, f"/ui-api/object-info/Case/picklist-values/{MASTER}/Status")
    assert caller.call("GET", f"/ui-api/object-info/Case/picklist-values/{MASTER}/Subject")[0] == 404


def test_a_record_has_the_fields_asked_for_through_its_parents(caller: Caller) -> None:
    account = caller.org.has("Account", Name="A", Rating="Hot")
    contact = caller.org.has("Contact", LastName="L", AccountId=account)
    asked = "fields=Contact.Name,Contact.Account.Rating&optionalFields=Contact.Phone,Contact.Nothing"
    value = get(caller, f"/ui-api/records/{contact}?{asked}")
    assert (value["apiName"], value["id"]) == ("Contact", contact)
    assert list(value["fields"]) == ["Account", "Name", "Phone"]
    inner = value["fields"]["Account"]["value"]["fields"]
    assert inner["Rating"] == {"displayValue": "Hot", "value": "Hot"}
    assert value["lastModifiedDate"].endswith("Z")
    assert "LastName" in get(caller, f"/ui-api/records/{contact}?layoutTypes=Full")["fields"]


@pytest.mark.parametrize(
    ("query", "status"), [("", 400), ("?fields=Contact.Nothing", 400), ("?fields=Account.Name", 400)]
)
def test_a_record_is_not_read_without_fields_it_has(caller: Caller, query: str, status: int) -> None:
    contact = caller.org.has("Contact", LastName="L")
    assert caller.call("GET", f"/ui-api/records/{contact}{query}")[0] == status


def test_a_batch_has_a_status_for_each_record(caller: Caller) -> None:
    contact = caller.org.has("Contact", LastName="L")
    value = get(caller, f"/ui-api/records/batch/{contact},003000000000001AAA?fields=Contact.Name")
    assert value["hasErrors"] is True
    assert [each["statusCode"] for each in value["results"]] == [200, 404]


def test_records_are_created_changed_and_deleted(caller: Caller) -> None:
    body = {"apiName": "Account", "fields": {"Name": "A"}}
    status, value, _ = caller.call("POST", "/ui-api/records", body)
    assert (status, value["fields"]["Name"]["value"]) == (201, "A")
    path = f"/ui-api/records/{value['id']}"
    status, value, _ = caller.call("PATCH", path, {"fields": {"Name": "B"}})
    assert (status, value["fields"]["Name"]["value"]) == (200, "B")
    assert caller.call("DELETE", path)[0] == 204
    assert caller.org.rows("Account") == []


def test_a_refused_write_sorts_its_errors_by_field(caller: Caller) -> None:
    nameless: dict[str, Any] = {"apiName": "Contact", "fields": {}}
    status, value, _ = caller.call("POST", "/ui-api/records", nameless)
    assert (status, value["enhancedErrorType"], value["statusCode"]) == (400, "RecordError", 400)
    (told,) = value["output"]["fieldErrors"]["LastName"]
    assert (told["errorCode"], told["fieldLabel"]) == ("REQUIRED_FIELD_MISSING", "Last Name")
    assert caller.org.rows("Contact") == []
    contact = caller.org.has("Contact", LastName="L")
    body = {"fields": {"Email": "no mail"}}
    status, value, _ = caller.call("PATCH", f"/ui-api/records/{contact}", body)
    assert (status, list(value["output"]["fieldErrors"])) == (400, ["Email"])
    assert caller.org.rows("Contact")[0]["Email"] is None


def test_actions_are_listed_and_standard_ones_run(caller: Caller) -> None:
    assert list(get(caller, "/actions")) == ["standard", "custom"]
    assert "emailSimple" in [each["name"] for each in get(caller, "/actions/standard")["actions"]]
    assert get(caller, "/actions/standard/emailSimple")["type"] == "EMAILSIMPLE"
    good = {"emailBody": "b", "emailSubject": "s", "emailAddresses": "a@example.com"}
    status, value, _ = caller.call("POST", "/actions/standard/emailSimple", {"inputs": [good, {}]})
    assert (status, [each["isSuccess"] for each in value]) == (200, [True, False])
    assert get(caller, "/actions/custom/flow") == {"actions": []}
    wrong: list[tuple[str, dict[str, Any]]] = [("emailSimple", {}), ("nothing", {"inputs": []})]
    for path, body in wrong:
        assert caller.call("POST", f"/actions/standard/{path}", body)[0] in (400, 404)
