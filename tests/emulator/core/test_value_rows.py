"""Values of standard picklists as rows."""

from dataclasses import replace

import pytest

from reconciler.emulator import value_rows
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import PicklistValue


def test_the_status_that_means_converted_can_be_asked_for(org: EmulatedOrg) -> None:
    (row,) = org.query("SELECT MasterLabel FROM LeadStatus WHERE IsConverted = true").records
    assert row["MasterLabel"] == "Closed - Converted"


def test_stages_tell_what_they_mean(org: EmulatedOrg) -> None:
    asked = "ApiName, IsWon, DefaultProbability"
    soql = f"SELECT {asked} FROM OpportunityStage WHERE IsClosed = true ORDER BY SortOrder"
    rows = [tuple(row.values())[1:] for row in org.query(soql).records]
    assert rows == [("Closed Won", True, 100.0), ("Closed Lost", False, 0.0)]


@pytest.mark.parametrize("name", sorted(value_rows.SOURCES))
def test_each_value_is_a_row_of_its_own(org: EmulatedOrg, name: str) -> None:
    source = value_rows.SOURCES[name]
    values = [each.value for each in org.schema[source.sobject].fields[source.picklist.lower()].picklist]
    rows = org.query(f"SELECT ApiName, Id FROM {name} ORDER BY SortOrder").records
    assert [row["ApiName"] for row in rows] == values
    assert all(row["Id"].startswith("01J") for row in rows)


def test_rows_follow_the_picklist_and_keep_their_ids(org: EmulatedOrg) -> None:
    before = {row["ApiName"]: row["Id"] for row in org.query("SELECT Id, ApiName FROM CaseStatus").records}
    status = org.schema["Case"].fields["status"]
    kept = tuple(value for value in status.picklist if value.value != "Escalated")
    org.additions.add_fields("Case", [replace(status, picklist=(*kept, PicklistValue("Parked", "On ice")))])
    after = {row["ApiName"]: row["Id"] for row in org.query("SELECT Id, ApiName FROM CaseStatus").records}
    assert set(after) == set(before) - {"Escalated"} | {"Parked"}
    assert after["New"] == before["New"]
    twin = org.fork().query("SELECT Id, ApiName FROM CaseStatus").records
    assert {row["ApiName"]: row["Id"] for row in twin} == after


def test_asking_for_values_does_not_change_what_the_org_holds(org: EmulatedOrg) -> None:
    before = org.snapshot()
    org.query("SELECT Id FROM TaskStatus")
    assert org.snapshot() == before
