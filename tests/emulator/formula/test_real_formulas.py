"""The formulas of real projects: all are read, what is not computed is known, rules agree with rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.errors import ApiError
from reconciler.emulator.formula.parse import parse
from reconciler.emulator.metadata_xml import text
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.seeding.source import find_source

PROJECTS = ("dreamhouse", "ebikes", "npsp", "pmm")
WRITTEN = {
    "CustomField": ("formula", "defaultValue"),
    "ValidationRule": ("errorConditionFormula",),
}
MISSING_PACKAGE = "a field of a package that is not in the folder"
MADE_UP = "such a field that the seed made up, as a text, because a layout names it"
KNOWN_GAPS = {
    "Account.Membership_Span__c": MADE_UP,
    "Account.Membership_Status__c": MADE_UP,
    "Opportunity.Recurring_Donation_Installment_Name__c": MISSING_PACKAGE,
    "Engagement_Plan__c.Status__c": "a label that is not in the folder",
}
"""Formulas of npsp that are read and cannot be computed, and what they name."""


@pytest.mark.parametrize("project", PROJECTS)
def test_every_formula_of_a_real_project_is_read(seeds: Path, project: str) -> None:
    found = find_source(seeds / project).components
    formulas = [
        written
        for kind, elements in WRITTEN.items()
        for tree, _ in found.get(kind, {}).values()
        for element in elements
        if (written := text(tree, element))
    ]
    assert formulas
    for written in formulas:
        parse(written)


@pytest.mark.parametrize("project", PROJECTS)
def test_every_formula_of_a_real_project_is_computed_or_known_not_to_be(seeds: Path, project: str) -> None:
    org = EmulatedOrg(clock=Clock.fixed())
    org.load(seeds / project)
    gaps = {line.partition(":")[0] for line in org.formula_gaps()}
    assert gaps == (set(KNOWN_GAPS) if project == "npsp" else set())
    org.close()


@pytest.fixture(scope="module")
def loaded(seeds: Path) -> Iterator[EmulatedOrg]:
    """pmm with its rules and its own rows."""
    org = EmulatedOrg(clock=Clock.fixed())
    org.load(seeds / "pmm")
    report = org.load_records(seeds / "pmm" / "datasets" / "sample.json")
    assert sum(report.rows.values()) == 1263
    assert [line for line in report.problems if "VALIDATION" in line] == []
    yield org
    org.close()


@pytest.fixture
def pmm(loaded: EmulatedOrg) -> Iterator[EmulatedOrg]:
    org = loaded.fork()
    for name in ("P", "Q"):
        make(org, "Program__c", Name=name, StartDate__c="2024-02-01", EndDate__c="2024-11-30")
    for name in ("A", "B"):
        account = org.has("Account", Name=f"Household {name}")
        org.has("Contact", LastName=f"Rule {name}", AccountId=account)
    make(org, "Service__c", Name="S", Program__c=id_of(org, "Program__c", "P"))
    make(org, "ProgramCohort__c", Name="C", Program__c=id_of(org, "Program__c", "P"))
    yield org
    org.close()


def make(org: EmulatedOrg, sobject: str, **fields: Any) -> None:
    """Insert a row; required picklists that are not given take their first value."""
    required = {
        field.name: field.picklist[0].value
        for field in org.schema[sobject].fields.values()
        if field.picklist and not field.nillable
    }
    org.has(sobject, **required | fields)


def id_of(org: EmulatedOrg, sobject: str, name: str) -> str:
    """The id of a row by its name."""
    (row,) = org.rows(sobject, Name=name)
    return str(row["Id"])


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("Program__c", {"StartDate__c": "2024-02-02", "EndDate__c": "2024-02-01"}, "START_DATE_BEFORE_END_DATE"),
    (
        "ProgramCohort__c",
        {"Program__c": "P", "StartDate__c": "2024-03-02", "EndDate__c": "2024-03-01"},
        "START_DATE_BEFORE_END_DATE",
    ),
    ("ProgramCohort__c", {"Program__c": "P", "StartDate__c": "2024-01-01"}, "START_DATE_PROGRAM_DATES"),
    ("ProgramCohort__c", {"Program__c": "P", "EndDate__c": "2024-12-01"}, "END_DATE_PROGRAM_DATES"),
    (
        "ProgramEngagement__c",
        {"Program__c": "P", "Contact__c": "Rule A", "Account__c": "Household B"},
        "ACCOUNT_MATCHES_CONTACT_ACCOUNT",
    ),
    (
        "ProgramEngagement__c",
        {"Program__c": "P", "ApplicationDate__c": "2024-04-02", "EndDate__c": "2024-04-01"},
        "APPLICATION_DATE_BEFORE_END_DATE",
    ),
    (
        "ProgramEngagement__c",
        {"Program__c": "P", "ApplicationDate__c": "2024-04-02", "StartDate__c": "2024-04-01"},
        "APPLICATION_DATE_BEFORE_START_DATE",
    ),
    (
        "ProgramEngagement__c",
        {"Program__c": "P", "EndDate__c": "2024-01-01"},
        "END_DATE_WITHIN_PROGRAM_DATES",
    ),
    (
        "ProgramEngagement__c",
        {"Program__c": "P", "StartDate__c": "2024-12-01"},
        "START_DATE_WITHIN_PROGRAM_DATES",
    ),
    ("ProgramEngagement__c", {"Program__c": "Q", "ProgramCohort__c": "C"}, "PROGRAM_MATCHES_COHORT_PROGRAM"),
    (
        "ProgramEngagement__c",
        {"Program__c": "P", "StartDate__c": "2024-05-02", "EndDate__c": "2024-05-01"},
        "START_DATE_BEFORE_END_DATE",
    ),
    (
        "ServiceDelivery__c",
        {"Service__c": "S", "Contact__c": "Rule A", "Account__c": "Household B"},
        "ACCOUNT_MATCHES_CONTACT_ACCOUNT",
    ),
]
"""Rows that break one rule of pmm each; references are given by the name of their row."""
PARENTS = {
    "Program__c": "Program__c",
    "Contact__c": "Contact",
    "Account__c": "Account",
    "Service__c": "Service__c",
    "ProgramCohort__c": "ProgramCohort__c",
}


@pytest.mark.parametrize(("sobject", "fields", "name"), WRONG)
def test_a_row_that_breaks_a_rule_of_a_real_project_is_refused(
    pmm: EmulatedOrg, sobject: str, fields: dict[str, Any], name: str
) -> None:
    values = {
        field: id_of(pmm, PARENTS[field], value) if field in PARENTS else value
        for field, value in fields.items()
    }
    message = text(pmm.components.tree("ValidationRule", f"{sobject}.{name}") or {}, "errorMessage")
    before = len(pmm.rows(sobject))
    with pytest.raises(ApiError) as refused:
        make(pmm, sobject, **{"Name": "wrong", **values})
    assert refused.value.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert message in [each.message for each in (refused.value, *refused.value.further)]
    assert len(pmm.rows(sobject)) == before


def test_summaries_of_a_real_project_read_as_its_pages_show_them(loaded: EmulatedOrg) -> None:
    found = loaded.query(
        "SELECT AttendanceRate__c, AttendanceSummary__c FROM Contact WHERE AttendanceRate__c = 96"
    ).records
    assert "96% (24/25)" in {each["AttendanceSummary__c"] for each in found}
