"""Components that the data API knows by a row: the row is there with the component and goes with it."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.seeding.report import LoadReport
from reconciler.emulator.seeding.source import load_source

from .conftest import Types, content

MAIL: dict[str, Any] = {
    "available": True,
    "content": content("Dear you"),
    "encodingKey": "UTF-8",
    "name": "Hello",
    "style": "none",
    "subject": "Hi",
    "type": "text",
}
CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "EmailTemplate",
        "Sales/Hello",
        MAIL,
        {
            "DeveloperName": "Hello",
            "Subject": "Hi",
            "Body": "Dear you",
            "IsActive": True,
            "FolderName": "Sales",
        },
    ),
    (
        "Report",
        "Sales/Open",
        {"name": "Open ones", "format": "Summary"},
        {"Name": "Open ones", "Format": "Summary"},
    ),
    ("Dashboard", "Sales/Board", {"title": "Board"}, {"Title": "Board", "DeveloperName": "Board"}),
    (
        "Document",
        "Sales/Logo.png",
        {"name": "Logo", "content": content("x")},
        {"Name": "Logo", "DeveloperName": "Logo", "Type": "png", "BodyLength": 1},
    ),
    ("AssignmentRule", "Case.Standard", {"active": True}, {"SobjectType": "Case", "Active": True}),
    (
        "CustomNotificationType",
        "Late",
        {"customNotifTypeName": "Late", "desktop": True, "masterLabel": "Late", "mobile": False},
        {"DeveloperName": "Late", "CustomNotifTypeName": "Late", "Desktop": True, "Mobile": False},
    ),
    (
        "DuplicateRule",
        "Account.Twins",
        {"masterLabel": "Twins", "isActive": True},
        {"DeveloperName": "Twins", "SobjectType": "Account", "IsActive": True},
    ),
    (
        "MatchingRule",
        "Account.Same",
        {"label": "Same", "ruleStatus": "Active"},
        {"DeveloperName": "Same", "SobjectType": "Account", "RuleStatus": "Active"},
    ),
]


@pytest.mark.parametrize(("kind", "name", "told", "row"), CASES, ids=[each[0] for each in CASES])
def test_a_component_is_a_row_of_its_id_as_long_as_it_is_there(
    types: Types, kind: str, name: str, told: dict[str, Any], row: dict[str, Any]
) -> None:
    if "/" in name:
        types.write(kind, "Sales", name="Sales", accessType="Public")
    made = types.write(kind, name, **told)
    (found,) = types.org.rows(kind, Id=made.id)
    assert {each: found[each] for each in row} == row
    types.write(kind, name, **told, description="more")
    assert len(types.org.rows(kind)) == 1
    assert types.delete(kind, name) == made.id
    assert types.org.rows(kind) == []


def test_what_lies_in_a_folder_needs_the_folder(types: Types) -> None:
    for kind in ("Dashboard", "Document", "EmailTemplate", "Report"):
        assert types.refused(kind, "Gone/One", **MAIL) == "Cannot find folder:Gone"
        types.write(kind, "Gone", name="Gone one")
        types.write(kind, "Gone/One", **MAIL)
    types.write("Report", "unfiled$public/One", name="One")
    told = {row["Type"]: row["Name"] for row in types.org.rows("Folder", DeveloperName="Gone")}
    assert told == dict.fromkeys(("Dashboard", "Document", "Email", "Report"), "Gone one")


def test_one_assignment_rule_of_an_object_is_active(types: Types) -> None:
    for name in ("One", "Two"):
        types.write("AssignmentRule", f"Case.{name}", active=True)
    assert {row["Name"]: row["Active"] for row in types.org.rows("AssignmentRule")} == {
        "One": False,
        "Two": True,
    }


def test_a_template_that_an_alert_names_cannot_be_deleted(types: Types) -> None:
    types.write("EmailTemplate", "Sales", name="Sales")
    types.write("EmailTemplate", "Sales/Hello", **MAIL)
    types.write("WorkflowAlert", "Case.Tell", template="Sales/Hello")
    assert types.not_deleted("EmailTemplate", "Sales/Hello").endswith(": Email Alert - Case.Tell.")
    assert len(types.org.rows("EmailTemplate")) == 1


def test_a_seeds_components_have_their_rows(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "Sales"
    folder.mkdir(parents=True)
    (folder.parent / "Sales.reportFolder-meta.xml").write_text(
        "<ReportFolder><name>Sales</name></ReportFolder>"
    )
    (folder / "Open.report-meta.xml").write_text("<Report><name>Open</name><format>Tabular</format></Report>")
    org = EmulatedOrg()
    load_source(org, tmp_path, LoadReport())
    (row,) = org.rows("Report")
    (parent,) = org.rows("Folder", DeveloperName="Sales")
    assert (row["Name"], row["OwnerId"]) == ("Open", parent["Id"])


# -- other links between components and rows


def test_a_record_type_has_the_process_that_it_names(types: Types) -> None:
    process = types.write("BusinessProcess", "Opportunity.Slow", isActive=True)
    made = types.write("RecordType", "Opportunity.Big", active=True, label="Big", businessProcess="Slow")
    assert types.org.rows("RecordType", Id=made.id)[0]["BusinessProcessId"] == process.id
    types.write("RecordType", "Opportunity.Big", active=True, label="Big")
    assert types.org.rows("RecordType", Id=made.id)[0]["BusinessProcessId"] is None


def test_a_record_type_has_values_that_the_picklist_has(types: Types) -> None:
    values = [{"picklist": "Industry", "values": [{"fullName": "Media"}, {"fullName": "Alchemy"}]}]
    told = types.refused("RecordType", "Account.Big", active=True, label="Big", picklistValues=values)
    assert told == "Picklist value: Alchemy in picklist: Industry not found"


def test_records_of_custom_metadata_lead_to_each_other_by_name(types: Types) -> None:
    types.write("CustomObject", "Step__mdt", label="Step", pluralLabel="Steps")
    link = {
        "label": "N",
        "type": "MetadataRelationship",
        "referenceTo": "Step__mdt",
        "relationshipName": "Before",
    }
    types.write("CustomField", "Step__mdt.Next__c", **link)
    types.shows()
    types.write("CustomMetadata", "Step.Two", label="Two")
    value = [{"field": "Next__c", "value": "Two"}]
    types.write("CustomMetadata", "Step.One", label="One", values=value)
    two, one = (
        types.org.rows("Step__mdt", DeveloperName="Two"),
        types.org.rows("Step__mdt", DeveloperName="One"),
    )
    assert one[0]["Next__c"] == two[0]["Id"]
    assert types.read("CustomMetadata", "Step.One")["values"] == [{"field": ["Next__c"], "value": ["Two"]}]
    wrong = [{"field": "Next__c", "value": "Six"}]
    told = types.refused("CustomMetadata", "Step.One", label="One", values=wrong)
    assert told == "In field: Next__c - no CustomMetadata named Step.Six found"
    told = types.refused("CustomMetadata", "Step.One", label="One", values=[{"field": "No__c", "value": "x"}])
    assert told == "In field: field - no CustomField named Step__mdt.No__c found"


@pytest.mark.parametrize(
    ("kind", "name", "told", "problem"),
    [
        (
            "GlobalValueSet",
            "Tiers",
            {"customValue": [{"fullName": "a", "label": "Same"}, {"fullName": "b", "label": "Same"}]},
            "Duplicate label: Same",
        ),
        (
            "CustomLabel",
            "Long",
            {"value": "x" * 1001},
            "Value too long for field: Value maximum length is:1000",
        ),
        (
            "PermissionSetGroup",
            "All",
            {"label": "All", "permissionSets": ["Gone"]},
            "In field: permissionSets - no PermissionSet named Gone found",
        ),
    ],
)
def test_wrong_values_are_refused(
    types: Types, kind: str, name: str, told: dict[str, Any], problem: str
) -> None:
    assert types.refused(kind, name, **told) == problem
