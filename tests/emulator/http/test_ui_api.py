"""The UI API's objects and records, and invocable actions."""

import re
from typing import Any

import pytest

from reconciler.emulator.http import sessions
from reconciler.emulator.metadata.component_types import component_type
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


# -- refusals


@pytest.mark.parametrize(
    ("path", "status", "code", "text"),
    [
        ("object-info/Nothing", 404, "NOT_FOUND", "The requested resource does not exist"),
        ("object-info/Task", 400, "INVALID_TYPE", "Object Task is not supported in UI API"),
        (
            "records/003R000000?fields=Contact.Name",
            400,
            "ILLEGAL_QUERY_PARAMETER_VALUE",
            "recordId should be a valid record ID: 003R000000",
        ),
    ],
)
def test_refusals_are_a_list_with_the_code_first(
    caller: Caller, path: str, status: int, code: str, text: str
) -> None:
    assert caller.call("GET", f"/ui-api/{path}")[:2] == (status, [{"errorCode": code, "message": text}])
    assert list(caller.call("GET", f"/ui-api/{path}")[1][0]) == ["errorCode", "message"]


def test_a_record_is_not_read_by_somebody_who_may_not_see_it(caller: Caller) -> None:
    org = caller.org
    account = org.has("Account", Name="A")
    org.store.execute('UPDATE "Organization" SET "DefaultAccountAccess" = \'None\'')
    (profile,) = org.rows("Profile", Name="Standard User")
    other = org.has(
        "User",
        Username="o@example.com",
        LastName="O",
        Email="o@example.com",
        Alias="o",
        ProfileId=profile["Id"],
        TimeZoneSidKey="GMT",
        LocaleSidKey="en_US",
        LanguageLocaleKey="en_US",
        EmailEncodingKey="UTF-8",
    )
    theirs = Caller(org, sessions.open_session(org, other))
    status, value, _ = theirs.call("GET", f"/ui-api/records/{account}?fields=Account.Name")
    assert (status, value[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"Name": 5},
            "Value for field 'Name' in object 'Account' with data type 'STRING' should be a String but "
            "instead is a Integer.",
        ),
        ({"Nothing__c": "a"}, "Field Nothing__c does not exist."),
    ],
)
def test_a_body_that_fits_no_field_is_not_understood(
    caller: Caller, fields: dict[str, Any], text: str
) -> None:
    told = [{"errorCode": "POST_BODY_PARSE_ERROR", "message": text}]
    body = {"apiName": "Account", "fields": fields}
    assert caller.call("POST", "/ui-api/records", body)[:2] == (400, told)
    assert caller.org.rows("Account") == []


# -- values, layouts, pages


def test_values_come_with_what_a_page_shows(caller: Caller) -> None:
    record = caller.org.has("Account", Name="A", AnnualRevenue=1000000, NumberOfEmployees=5, Rating="Hot")
    asked = "AnnualRevenue,NumberOfEmployees,Rating,CreatedDate,Owner.Name"
    asked = ",".join(f"Account.{name}" for name in asked.split(","))
    value = get(caller, f"/ui-api/records/{record}?fields={asked}")
    fields = value["fields"]
    assert fields["AnnualRevenue"] == {"displayValue": "$1,000,000", "value": 1000000.0}
    assert fields["NumberOfEmployees"] == {"displayValue": None, "value": 5}
    assert fields["Owner"]["displayValue"] == "Ada Admin"
    assert re.fullmatch(r"\d+/\d+/\d{4}, \d+:\d\d [AP]M", fields["CreatedDate"]["displayValue"])
    assert (value["recordTypeId"], fields["Owner"]["value"]["recordTypeId"]) == (MASTER, None)


def labels(layout: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        item["label"]: item
        for section in layout["sections"]
        for row in section["layoutRows"]
        for item in row["layoutItems"]
    }


def test_a_layout_is_told_by_sections_rows_and_items(caller: Caller) -> None:
    value = get(caller, "/ui-api/layout/Account")
    assert (value["layoutType"], value["mode"], value["recordTypeId"]) == ("Full", "View", MASTER)
    assert value["id"] == get(caller, "/sobjects/Account/describe/layouts")["layouts"][0]["id"]
    items = labels(value)
    owner, address = items["Account Owner"], items["Billing Address"]
    assert (owner["editableForUpdate"], owner["lookupIdApiName"], owner["required"]) == (
        False,
        "OwnerId",
        False,
    )
    assert [each["apiName"] for each in address["layoutComponents"]] == [
        f"Billing{part}" for part in ("Street", "City", "State", "PostalCode", "Country")
    ]
    assert [each["apiName"] for each in items["Created By"]["layoutComponents"]] == [
        "CreatedById",
        "CreatedDate",
    ]
    assert items["Account Name"]["required"] is True
    created = labels(get(caller, "/ui-api/layout/Account?mode=Create"))
    assert "Created By" not in created
    assert "Account Name" in created


def test_a_record_read_by_its_layout_has_the_names_of_what_it_refers_to(caller: Caller) -> None:
    contact = caller.org.has("Contact", FirstName="F", LastName="L")
    fields = get(caller, f"/ui-api/records/{contact}?layoutTypes=Full&modes=View")["fields"]
    assert fields["CreatedBy"]["value"]["fields"]["Name"]["value"] == "Ada Admin"
    assert {"FirstName", "LastName", "Name", "MailingCity", "CreatedDate"} <= fields.keys()
    assert fields["Account"] == {"displayValue": None, "value": None}
    assert "IsDeleted" not in fields


def test_a_page_of_a_record_comes_in_one_answer(caller: Caller) -> None:
    account = caller.org.has("Account", Name="A")
    value = get(caller, f"/ui-api/record-ui/{account}?layoutTypes=Compact,Full&modes=View,Edit")
    assert list(value) == ["layoutUserStates", "layouts", "objectInfos", "records"]
    made = value["layouts"]["Account"][MASTER]
    assert {(kind, mode) for kind in made for mode in made[kind]} == {
        (kind, mode) for kind in ("Compact", "Full") for mode in ("View", "Edit")
    }
    assert value["records"][account]["fields"]["Name"]["value"] == "A"
    assert value["objectInfos"]["Account"] == get(caller, "/ui-api/object-info/Account")
    full = made["Full"]["View"]
    assert set(value["layoutUserStates"][full["id"]]["sectionUserStates"]) == {
        section["id"] for section in full["sections"]
    }


def test_a_new_record_begins_with_its_defaults(caller: Caller) -> None:
    value = get(caller, "/ui-api/record-defaults/create/Case")
    assert value["record"]["fields"]["Status"] == {"displayValue": "New", "value": "New"}
    assert value["layout"]["mode"] == "Create"


def test_the_rows_below_a_record_come_by_pages(caller: Caller) -> None:
    account = caller.org.has("Account", Name="A")
    for name in "ABC":
        caller.org.has("Contact", LastName=name, AccountId=account)
    path = f"/ui-api/records/{account}/child-relationships/Contacts?fields=Contact.LastName&pageSize=2"
    first = get(caller, path)
    second = get(caller, first["nextPageUrl"].removeprefix("/services/data/v60.0"))
    found = [row["fields"]["LastName"]["value"] for page in (first, second) for row in page["records"]]
    assert (found, first["count"], second["nextPageUrl"]) == (["A", "B", "C"], 2, None)


def test_record_types_have_the_values_that_they_name(caller: Caller) -> None:
    org = caller.org
    values = [{"fullName": ["Hot"], "default": ["true"]}, {"fullName": ["Cold"], "default": ["false"]}]
    told: Any = {
        "active": ["true"],
        "label": ["Big"],
        "picklistValues": [{"picklist": ["Rating"], "values": values}],
    }
    with org.transaction() as tx:
        component_type("RecordType").write(tx, "Account.Big", told)
    (row,) = org.rows("RecordType")
    base = "/ui-api/object-info/Account/picklist-values"
    rating = get(caller, f"{base}/{row['Id']}/Rating")
    assert [each["value"] for each in rating["values"]] == ["Hot", "Cold"]
    assert rating["defaultValue"]["value"] == "Hot"
    assert len(get(caller, f"{base}/{MASTER}/Rating")["values"]) == 3
    mappings = get(caller, "/sobjects/Account/describe/layouts")["recordTypeMappings"]
    (named,) = [
        each["picklistValues"]
        for each in mappings[0]["picklistsForRecordType"]
        if each["picklistName"] == "Rating"
    ]
    assert [each["value"] for each in named] == ["Hot", "Cold"]


def test_list_views_are_told_with_their_columns_and_rows(caller: Caller) -> None:
    org = caller.org
    told: Any = {
        "label": ["Hot ones"],
        "filterScope": ["Everything"],
        "columns": ["ACCOUNT.NAME", "ACCOUNT.RATING"],
    }
    with org.transaction() as tx:
        component_type("ListView").write(tx, "Account.Hot", told)
    for name in "ABC":
        org.has("Account", Name=name, Rating="Hot")
    listed = get(caller, "/ui-api/list-ui/Account")
    assert [each["apiName"] for each in listed["lists"]] == ["Hot"]
    assert (listed["count"], listed["pageSize"], listed["currentPageToken"]) == (1, 20, "0")
    by_name = get(caller, "/ui-api/list-ui/Account/Hot?pageSize=2")
    assert by_name == get(caller, f"/ui-api/list-ui/{listed['lists'][0]['id']}?pageSize=2")
    assert [each["fieldApiName"] for each in by_name["info"]["displayColumns"]] == ["Name", "Rating"]
    rows = by_name["records"]
    assert [each["fields"]["Name"]["value"] for each in rows["records"]] == ["A", "B"]
    after = get(caller, rows["nextPageUrl"].removeprefix("/services/data/v60.0"))
    assert [each["fields"]["Name"]["value"] for each in after["records"]] == ["C"]
    assert get(caller, "/ui-api/list-info/Account/Hot") == by_name["info"]


def test_the_actions_of_a_record_are_its_buttons_and_the_global_ones(caller: Caller) -> None:
    account = caller.org.has("Account", Name="A")
    value = get(caller, f"/ui-api/actions/record/{account}")["actions"][account]
    assert {"Edit", "Delete", "Global.NewTask"} <= {each["apiName"] for each in value["actions"]}
    only = get(caller, f"/ui-api/actions/record/{account}?actionTypes=StandardButton")["actions"][account]
    assert {each["type"] for each in only["actions"]} == {"StandardButton"}
