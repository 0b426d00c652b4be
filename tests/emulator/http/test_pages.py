"""Layouts, list views, quick actions, tabs: what a user interface is built from."""

from pathlib import Path
from typing import Any

import pytest

from tests.emulator.http.test_below_rows import Caller, caller

__all__ = ["caller"]

MASTER = "012000000000000AAA"
LAYOUT_XML = b"""<?xml version="1.0"?><Layout xmlns="http://soap.sforce.com/2006/04/metadata">
<layoutSections><customLabel>true</customLabel><detailHeading>true</detailHeading><label>Who</label>
<layoutColumns><layoutItems><behavior>Required</behavior><field>Name</field></layoutItems></layoutColumns>
<layoutColumns><layoutItems><behavior>Readonly</behavior><field>Phone</field></layoutItems>
<layoutItems><emptySpace>true</emptySpace></layoutItems></layoutColumns>
<style>TwoColumnsTopToBottom</style></layoutSections>
<relatedLists><fields>FULL_NAME</fields><fields>Email</fields><relatedList>RelatedContactList</relatedList>
</relatedLists></Layout>"""
VIEW_XML = b"""<?xml version="1.0"?><ListView xmlns="http://soap.sforce.com/2006/04/metadata">
<fullName>Hot</fullName><columns>ACCOUNT.NAME</columns><columns>ACCOUNT.RATING</columns>
<columns>CORE.USERS.ALIAS</columns><columns>NOTHING.AT_ALL</columns><filterScope>Everything</filterScope>
<filters><field>ACCOUNT.RATING</field><operation>equals</operation><value>Hot,Warm</value></filters>
<filters><field>ACCOUNT.NAME</field><operation>notContain</operation><value>O'Neill</value></filters>
<label>Hot ones</label></ListView>"""


def get(caller: Caller, path: str) -> Any:
    status, value, _ = caller.call("GET", path)
    assert status == 200, value
    return value


def items(section: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for row in section["layoutRows"] for item in row["layoutItems"]]


# -- layouts


def test_an_object_without_a_layout_has_one_of_its_fields(caller: Caller) -> None:
    value = get(caller, "/sobjects/Account/describe/layouts")
    assert list(value) == ["layouts", "recordTypeMappings", "recordTypeSelectorRequired"]
    (layout,) = value["layouts"]
    (mapping,) = value["recordTypeMappings"]
    assert (mapping["layoutId"], mapping["recordTypeId"]) == (layout["id"], MASTER)
    shown = {item["layoutComponents"][0]["value"]: item for item in items(layout["editLayoutSections"][0])}
    assert (shown["Name"]["required"], shown["Phone"]["required"]) == (True, False)
    assert shown["Name"]["layoutComponents"][0]["details"]["type"] == "string"
    assert layout == get(caller, f"/sobjects/Account/describe/layouts/{MASTER}")


def test_a_stored_layout_is_told_as_it_is(caller: Caller) -> None:
    caller.org.components.put("Layout", "Account-Account Layout", LAYOUT_XML)
    (layout,) = get(caller, "/sobjects/Account/describe/layouts")["layouts"]
    assert layout["id"].startswith("00h")
    (section,) = layout["detailLayoutSections"]
    name, phone, empty, _ = items(section)
    assert (section["heading"], section["columns"]) == ("Who", 2)
    assert (name["required"], name["editableForNew"]) == (True, True)
    assert (phone["editableForNew"], phone["label"]) == (False, "Account Phone")
    assert empty["placeholder"] is True
    (related,) = layout["relatedLists"]
    assert (related["sobject"], related["field"], related["name"]) == ("Contact", "AccountId", "Contacts")
    assert [column["name"] for column in related["columns"]] == ["Name", "Email"]


def test_record_types_have_the_layout_that_the_profile_says(caller: Caller, shared: Path) -> None:
    org = caller.org
    org.load(shared / "orgs" / "npsp")
    sobject = next(each for each in org.schema if len(each.record_types) > 1)
    value = get(caller, f"/sobjects/{sobject.name}/describe/layouts")
    assert (value["layouts"], value["recordTypeSelectorRequired"]) == (None, [True])
    for mapping in value["recordTypeMappings"]:
        path = mapping["urls"]["layout"].removeprefix("/services/data/v60.0")
        assert get(caller, path)["id"] == mapping["layoutId"]


@pytest.mark.parametrize(
    "path",
    [
        "/sobjects/Account/describe/layouts/012000000000001AAA",
        "/sobjects/PermissionSet/describe/layouts",
        "/sobjects/Account/describe/namedLayouts/UserAlt",
        "/sobjects/Account/describe/approvalLayouts/Nothing",
        "/sobjects/Account/listviews/00B000000000001AAA",
        "/quickActions/Nothing",
        "/sobjects/Account/quickActions/Nothing",
        "/compactLayouts?q=Nothing",
    ],
)
def test_what_there_is_no_page_of_is_not_found(caller: Caller, path: str) -> None:
    status, value, _ = caller.call("GET", path)
    assert (status, value[0]["errorCode"]) == (404, "NOT_FOUND")


def test_every_related_list_has_columns(caller: Caller) -> None:
    """Clients made from the WSDL read no list without one."""
    shown = {}
    for sobject in ("Account", "Asset", "Campaign", "Contact"):
        _, value, _ = caller.call("GET", f"/sobjects/{sobject}/describe/layouts")
        for each in value["layouts"][0]["relatedLists"]:
            shown[sobject, each["name"]] = [column["name"] for column in each["columns"]]
    assert [each for each, columns in shown.items() if not columns] == []
    assert shown["Account", "Opportunities"] == ["Name", "StageName", "Amount", "CloseDate"]
    assert shown["Account", "Contacts"] == ["Name", "Title", "Email", "Phone"]


def test_users_have_a_layout_by_name(caller: Caller) -> None:
    described = get(caller, "/sobjects/User/describe")
    path = described["namedLayoutInfos"][0]["urls"]["layout"].removeprefix("/services/data/v60.0")
    assert len(get(caller, path)["layouts"]) == 1


def test_compact_layouts_are_the_stored_ones_and_the_systems(caller: Caller, shared: Path) -> None:
    caller.org.load(shared / "orgs" / "dreamhouse")
    value = get(caller, "/sobjects/Broker__c/describe/compactLayouts")
    assert next(each["name"] for each in value["compactLayouts"]) == "SYSTEM"
    assert "Broker_Compact" in [each["name"] for each in value["compactLayouts"]]
    (mapping,) = value["recordTypeCompactLayoutMappings"]
    primary = get(caller, "/sobjects/Broker__c/describe/compactLayouts/primary")
    assert (mapping["compactLayoutName"], mapping["recordTypeId"]) == (primary["name"], MASTER)
    assert get(caller, "/compactLayouts?q=Account,Broker__c")["Broker__c"] == primary
    assert get(caller, "/sobjects/Account/describe/approvalLayouts") == {"approvalLayouts": []}


def test_a_layout_is_sent_again_only_when_it_changed(caller: Caller) -> None:
    path = "/sobjects/Account/describe/layouts"
    _, _, headers = caller.call("GET", path)
    assert "ETag" in headers
    caller.org.components.put("Layout", "Account-Account Layout", LAYOUT_XML)
    _, _, later = caller.call("GET", path)
    assert later["ETag"] != headers["ETag"]


# -- list views


@pytest.fixture
def view(caller: Caller) -> tuple[Caller, str]:
    org = caller.org
    org.components.put("ListView", "Account.Hot", VIEW_XML)
    with org.transaction() as tx:
        tx.put_row("ListView", {"SobjectType": "Account", "DeveloperName": "Hot"}, {"Name": "Hot ones"})
    for name, rating in (("B", "Hot"), ("A", "Warm"), ("C", "Cold"), ("O'Neill", "Hot")):
        org.has("Account", Name=name, Rating=rating)
    (row,) = org.rows("ListView")
    return caller, f"/sobjects/Account/listviews/{row['Id']}"


def test_views_are_listed_with_their_addresses(view: tuple[Caller, str]) -> None:
    caller, path = view
    value = get(caller, "/sobjects/Account/listviews")
    assert list(value) == ["done", "listviews", "nextRecordsUrl", "size", "sobjectType"]
    (entry,) = value["listviews"]
    assert (entry["developerName"], entry["label"]) == ("Hot", "Hot ones")
    assert entry["resultsUrl"] == f"/services/data/v60.0{path}/results"
    assert get(caller, path) == entry
    assert get(caller, "/sobjects/Contact/listviews")["listviews"] == []


def test_a_view_shows_its_rows_as_text(view: tuple[Caller, str]) -> None:
    caller, path = view
    value = get(caller, f"{path}/results")
    assert list(value) == ["columns", "developerName", "done", "id", "label", "records", "size"]
    shown = ["Name", "Rating", "Owner.Alias"]
    assert [each["fieldNameOrPath"] for each in value["columns"] if not each["hidden"]] == shown
    assert [record["columns"][0]["value"] for record in value["records"]] == ["A", "B"]
    last = value["records"][0]["columns"][-1]
    assert last["fieldNameOrPath"] == "SystemModstamp"
    assert last["value"].split()[4] == "GMT"
    assert get(caller, f"{path}/results?limit=1&offset=1")["size"] == 1


def test_a_views_query_finds_the_same_rows(view: tuple[Caller, str]) -> None:
    caller, path = view
    value = get(caller, f"{path}/describe")
    records = caller.org.query(value["query"]).records
    assert [record["Name"] for record in records] == ["A", "B"]
    assert [each["field"] for each in value["whereCondition"]["conditions"]] == ["Rating", "Name"]


def test_a_limit_that_is_no_number_is_refused(view: tuple[Caller, str]) -> None:
    caller, path = view
    assert caller.call("GET", f"{path}/results?limit=x")[0] == 400


@pytest.mark.parametrize("org", ["ebikes", "dreamhouse", "pmm"])
def test_views_of_real_projects_run(caller: Caller, shared: Path, org: str) -> None:
    caller.org.load(shared / "orgs" / org)
    for row in caller.org.rows("ListView"):
        path = f"/sobjects/{row['SobjectType']}/listviews/{row['Id']}"
        found = get(caller, f"{path}/results")
        assert found["size"] == len(found["records"])
        assert get(caller, f"{path}/describe")["columns"]


# -- quick actions, tabs, menus


def test_the_global_actions_are_those_of_a_new_org(caller: Caller) -> None:
    value = get(caller, "/quickActions")
    assert [each["name"] for each in value if each["type"] == "Create"][:2] == ["NewAccount", "NewCase"]
    assert get(caller, "/sobjects/Account/quickActions")[0]["urls"]["quickAction"].endswith("/LogACall")
    described = get(caller, "/quickActions/NewTask/describe")
    assert (described["targetSobjectType"], described["type"]) == ("Task", "Create")


def test_using_an_action_makes_its_row(caller: Caller) -> None:
    account = caller.org.has("Account", Name="A")
    body = {"contextId": account, "record": {"Subject": "Call back"}}
    status, value, _ = caller.call("POST", "/quickActions/NewTask", body)
    assert (status, value["success"], value["created"]) == (201, True, True)
    (task,) = caller.org.rows("Task")
    assert (task["Subject"], task["WhatId"], [task["Id"]]) == ("Call back", account, value["ids"])
    status, _, _ = caller.call("POST", "/quickActions/NewContact", {"record": {}})
    assert status == 400
    assert caller.org.rows("Contact") == []


def test_tabs_themes_and_menus_are_lists(caller: Caller, shared: Path) -> None:
    caller.org.load(shared / "orgs" / "ebikes")
    tabs = {each["name"]: each["sobjectName"] for each in get(caller, "/tabs")}
    assert (tabs["standard-Account"], tabs["Product__c"]) == ("Account", "Product__c")
    assert "Account" in [each["name"] for each in get(caller, "/theme")["themeItems"]]
    assert list(get(caller, "/appMenu")) == ["NetworkTabs", "Salesforce1", "AppSwitcher"]
    for name in get(caller, "/appMenu"):
        assert list(get(caller, f"/appMenu/{name}")) == ["appMenuItems"]
    assert get(caller, "/connect/communities") == {"communities": [], "total": 0}
