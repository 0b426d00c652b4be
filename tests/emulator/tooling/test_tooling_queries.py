"""Queries of the Tooling API: their extra keys, fields that are no columns, objects of its own."""

import json
from pathlib import Path

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.tooling import view

from .conftest import RULE, Tooling, write


def test_a_result_has_the_keys_of_the_recorded_one(tooling: Tooling, shared: Path) -> None:
    path = shared / "recordings" / "tooling" / "get-tooling-query-ApexClass-200-cumulusci.json"
    recorded = json.loads(path.read_text())["response"]["body"]
    told = tooling.query("SELECT Id, Name FROM ApexClass WHERE Name LIKE 'Order%' ORDER BY Name")
    assert list(told) == list(recorded)
    assert list(told["records"][0]) == list(recorded["records"][0])
    assert (told["size"], told["entityTypeName"], told["queryLocator"]) == (2, "ApexClass", None)
    assert "/tooling/sobjects/ApexClass/01p" in told["records"][0]["attributes"]["url"]


def test_a_result_without_rows_names_no_entity(tooling: Tooling) -> None:
    told = tooling.query("SELECT Id FROM ApexClass WHERE Name = 'Gone'")
    assert (told["size"], told["totalSize"], told["entityTypeName"], told["records"]) == (0, 0, None, [])


def test_the_metadata_of_one_rule_has_the_recorded_keys(tooling: Tooling, shared: Path) -> None:
    path = shared / "recordings" / "tooling" / "get-tooling-query-200-nango.json"
    recorded = json.loads(path.read_text())["response"]["body"]["records"][0]
    (row,) = tooling.query("SELECT Id, ValidationName, Metadata FROM ValidationRule")["records"]
    assert list(row) == list(recorded)
    assert list(row["Metadata"]) == list(recorded["Metadata"])
    assert row["Metadata"]["active"] is True
    assert row["Metadata"]["errorDisplayField"] is None


@pytest.mark.parametrize("field", ["Metadata", "FullName"])
def test_metadata_of_two_rows_at_once_is_refused(tooling: Tooling, field: str) -> None:
    write(tooling.org, "ValidationRule", "Contact.Other", {
        "active": ["false"], "errorConditionFormula": ["false"], "errorMessage": ["x"],
    })  # fmt: skip
    reply = tooling.call("GET", "/query", params={"q": f"SELECT Id, {field} FROM ValidationRule"})
    assert tooling.refusal(reply) == (400, "MALFORMED_QUERY")
    assert "no more than one row for retrieval. Result size: 2" in reply.text


def test_the_full_names_of_all_record_types_may_be_asked_at_once(tooling: Tooling) -> None:
    for name in ("Small", "Large"):
        write(tooling.org, "RecordType", f"Contact.{name}", {"label": [name], "active": ["true"]})
    rows = tooling.query("SELECT SobjectType, FullName FROM RecordType")["records"]
    assert sorted(row["FullName"] for row in rows) == ["Contact.Large", "Contact.Small"]
    both = tooling.call("GET", "/query", params={"q": "SELECT Metadata FROM RecordType"})
    assert tooling.refusal(both) == (400, "MALFORMED_QUERY")


def test_a_field_that_is_no_column_may_stand_alone_and_keeps_its_place(tooling: Tooling) -> None:
    assert tooling.rows("SELECT FullName FROM ValidationRule") == [{"FullName": "Account.Needs_phone"}]
    row = tooling.rows("SELECT ValidationName, FullName, Active FROM ValidationRule")[0]
    assert list(row) == ["ValidationName", "FullName", "Active"]


def test_a_rule_is_found_by_its_object_in_three_ways(tooling: Tooling) -> None:
    for condition in (
        "EntityDefinition.QualifiedApiName = 'Account'",
        "EntityDefinitionId = 'Account'",
        "EntityDefinitionId IN ('Account', 'Contact')",
    ):
        found = tooling.rows(
            f"SELECT ValidationName, EntityDefinitionId FROM ValidationRule WHERE {condition}"
        )
        assert found == [{"ValidationName": "Needs_phone", "EntityDefinitionId": "Account"}]


def test_rows_follow_what_is_deployed_and_keep_their_ids(tooling: Tooling) -> None:
    before = tooling.rows("SELECT Id, Active FROM ValidationRule")
    write(tooling.org, "ValidationRule", "Account.Needs_phone", {
        "active": ["false"], "errorConditionFormula": ["false"], "errorMessage": ["x"],
    })  # fmt: skip
    assert tooling.rows("SELECT Id, Active FROM ValidationRule") == [{**before[0], "Active": False}]


def test_objects_of_the_tooling_api_are_unknown_to_the_data_api(tooling: Tooling) -> None:
    reply = tooling.call("GET", "/services/data/v60.0/query", params={"q": "SELECT Id FROM ValidationRule"})
    assert tooling.refusal(reply) == (400, "INVALID_TYPE")
    reply = tooling.call("GET", "/query", params={"q": "SELECT Id FROM Account"})
    assert tooling.refusal(reply) == (400, "INVALID_TYPE")


def test_the_org_says_that_it_does_not_track_sources_and_has_no_changes(tooling: Tooling) -> None:
    """Source: the sf CLI, which asks for the describe and takes a 404 for an org without tracking."""
    reply = tooling.call("GET", "/sobjects/SourceMember/describe")
    assert tooling.refusal(reply) == (404, "NOT_FOUND")
    assert tooling.query("SELECT MemberName FROM SourceMember")["records"] == []


def test_describes_name_fields_that_are_no_columns(tooling: Tooling) -> None:
    named = {each["name"] for each in tooling.call("GET", "/sobjects").json()["sobjects"]}
    assert {"ApexClass", "ContainerAsyncRequest", "Flow", "SourceMember", "TraceFlag"} <= named
    assert "Account" not in named
    fields = {
        each["name"]: each["type"]
        for each in tooling.call("GET", "/sobjects/ValidationRule/describe").json()["fields"]
    }
    assert (fields["Metadata"], fields["FullName"], fields["Active"]) == ("complexvalue", "string", "boolean")
    assert tooling.call("GET", "/sobjects/Nothing/describe").status_code == 404


def test_columns_are_told_as_the_command_line_asks_for_them(tooling: Tooling) -> None:
    reply = tooling.call("GET", "/query", params={"q": "SELECT Id, Name FROM ApexClass", "columns": "true"})
    assert [each["columnName"] for each in reply.json()["columnMetadata"]] == ["Id", "Name"]


def test_pages_go_on_where_they_ended(tooling: Tooling) -> None:
    with tooling.org.transaction() as tx:
        for number in range(201):
            tx.system_insert("ApexClass", Name=f"C{number:03}", ApiVersion=60.0, Status="Active")
    reply = tooling.call(
        "GET",
        "/query",
        params={"q": "SELECT Id FROM ApexClass"},
        headers={"Sforce-Query-Options": "batchSize=200"},
    ).json()
    assert (reply["size"], reply["totalSize"], reply["done"]) == (200, 204, False)
    further = tooling.call("GET", reply["nextRecordsUrl"]).json()
    assert (further["size"], further["done"], further["entityTypeName"]) == (4, True, "ApexClass")


def test_a_composite_of_the_tooling_api_has_no_rows_of_the_data_api(tooling: Tooling) -> None:
    body = {
        "compositeRequest": [
            {
                "method": "GET",
                "url": "/services/data/v60.0/tooling/query?q=SELECT+Id+FROM+Flow",
                "referenceId": "a",
            },
            {
                "method": "GET",
                "url": "/services/data/v60.0/query?q=SELECT+Id+FROM+Account",
                "referenceId": "b",
            },
        ]
    }
    first, second = tooling.call("POST", "/composite", json=body).json()["compositeResponse"]
    assert (first["httpStatusCode"], first["body"]["totalSize"]) == (200, 2)
    assert second["httpStatusCode"] == 400


def test_a_search_finds_code_by_name(tooling: Tooling) -> None:
    found = tooling.call("GET", "/search", params={"q": "FIND {Order*} RETURNING ApexClass"}).json()
    assert len(found["searchRecords"]) == 2


def test_the_view_is_whole_again_after_the_org_went_back(tooling: Tooling) -> None:
    tooling.org.snapshots.take("clean")
    write(tooling.org, "ValidationRule", "Contact.Other", {
        "active": ["false"], "errorConditionFormula": ["false"], "errorMessage": ["x"],
    })  # fmt: skip
    assert len(tooling.rows("SELECT Id FROM ValidationRule")) == 2
    tooling.org.snapshots.go_back("clean")
    assert len(tooling.rows("SELECT Id FROM ValidationRule")) == 1


def test_a_view_that_was_made_in_a_transaction_that_is_undone_is_made_again(tooling: Tooling) -> None:
    org = EmulatedOrg(clock=Clock.fixed())
    write(org, "ValidationRule", "Account.R", RULE)
    soql = "SELECT ValidationName FROM ValidationRule"

    def names() -> list[str]:
        found = view.tooling(org).query(soql, user_id=org.admin_id, version="60.0")
        return [row["ValidationName"] for row in found.records]

    with pytest.raises(KeyError), org.transaction():
        assert names() == ["R"]
        raise KeyError
    assert names() == ["R"]


def test_settings_are_a_row_once_they_are_deployed(org: EmulatedOrg, tooling: Tooling) -> None:
    write(org, "Settings", "Chatter", {"enableChatter": ["true"]})
    assert tooling.rows("SELECT IsChatterEnabled FROM ChatterSettings") == [{"IsChatterEnabled": True}]
    assert tooling.rows("SELECT IsEnhancedNotesEnabled FROM EnhancedNotesSettings") == []
