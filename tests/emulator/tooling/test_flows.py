"""Flows: versions, which of them is active, and what may be deleted."""

from pathlib import Path
from typing import Any

import pytest
import requests

from reconciler.emulator.metadata.component_types import ComponentProblem, component_type

from .conftest import Tooling, write


def definition(tooling: Tooling) -> tuple[str, int | None, int]:
    (row,) = tooling.rows(
        "SELECT Id, DeveloperName, ActiveVersion.VersionNumber, LatestVersion.VersionNumber "
        "FROM FlowDefinition WHERE DeveloperName IN ('Order_Router')"
    )
    active = row["ActiveVersion"]
    return row["Id"], active and active["VersionNumber"], row["LatestVersion"]["VersionNumber"]


def statuses(tooling: Tooling) -> dict[int, str]:
    rows = tooling.rows("SELECT VersionNumber, Status FROM Flow ORDER BY VersionNumber")
    return {row["VersionNumber"]: row["Status"] for row in rows}


def activate(tooling: Tooling, number: int | None) -> requests.Response:
    body = {"Metadata": {"activeVersionNumber": number}}
    return tooling.call("PATCH", f"/sobjects/FlowDefinition/{definition(tooling)[0]}", json=body)


def test_each_deployment_that_differs_is_a_version(tooling: Tooling) -> None:
    assert definition(tooling)[1:] == (2, 2)
    assert statuses(tooling) == {1: "Obsolete", 2: "Active"}
    write(tooling.org, "Flow", "Order_Router", {"label": ["Third"], "status": ["Draft"]})
    assert definition(tooling)[1:] == (2, 3)
    assert statuses(tooling) == {1: "Obsolete", 2: "Active", 3: "Draft"}


def test_a_deployment_of_what_is_there_changes_nothing(tooling: Tooling) -> None:
    tree = component_type("Flow").read(tooling.org, "Order_Router") or {}
    with tooling.org.transaction() as tx:
        made = component_type("Flow").write(tx, "Order_Router", tree)
    assert (made.created, made.changed) == (False, False)
    assert statuses(tooling) == {1: "Obsolete", 2: "Active"}


@pytest.mark.parametrize("off", [0, None])
def test_zero_or_nothing_turns_a_flow_off_and_a_number_on_again(tooling: Tooling, off: int | None) -> None:
    assert activate(tooling, off).status_code == 204
    assert definition(tooling)[1] is None
    assert statuses(tooling) == {1: "Obsolete", 2: "Obsolete"}
    assert activate(tooling, 1).status_code == 204
    assert definition(tooling)[1] == 1
    assert statuses(tooling) == {1: "Active", 2: "Obsolete"}


def test_a_version_that_is_not_there_cannot_be_activated(tooling: Tooling) -> None:
    assert activate(tooling, 9).status_code == 400
    assert definition(tooling)[1] == 2


def test_the_views_of_the_data_api_follow(tooling: Tooling) -> None:
    def seen() -> tuple[bool, int, bool, str]:
        soql = "SELECT ApiName, IsActive, VersionNumber, ActiveVersionId, DurableId FROM FlowDefinitionView"
        (row,) = tooling.org.query(soql).records
        return row["IsActive"], row["VersionNumber"], row["ActiveVersionId"] is not None, row["DurableId"]

    record_id = definition(tooling)[0]
    assert seen() == (True, 2, True, record_id)
    activate(tooling, 1)
    assert seen() == (True, 1, True, record_id)
    activate(tooling, 0)
    assert seen() == (False, 2, False, record_id)
    rows = tooling.org.query(
        f"SELECT VersionNumber, Status FROM FlowVersionView WHERE FlowDefinitionViewId = '{record_id}'"
    ).records
    assert [row["Status"] for row in rows] == ["Obsolete", "Obsolete"]


def version_id(tooling: Tooling, number: int | None) -> Any:
    return tooling.rows(f"SELECT Id FROM Flow WHERE VersionNumber = {number}")[0]["Id"]


def test_a_version_is_activated_by_its_own_status_too(tooling: Tooling) -> None:
    where = f"/sobjects/Flow/{version_id(tooling, 1)}"
    told = tooling.call("GET", where).json()["Metadata"]
    assert tooling.call("PATCH", where, json={"Metadata": {**told, "status": "Active"}}).status_code == 204
    assert statuses(tooling) == {1: "Active", 2: "Obsolete"}


def test_an_active_version_is_neither_edited_nor_deleted(tooling: Tooling) -> None:
    where = f"/sobjects/Flow/{version_id(tooling, 2)}"
    told = tooling.call("GET", where).json()["Metadata"]
    assert tooling.call("PATCH", where, json={"Metadata": {**told, "label": "Other"}}).status_code == 400
    assert tooling.refusal(tooling.call("DELETE", where)) == (400, "DELETE_FAILED")
    assert tooling.call("GET", where).json()["Metadata"] == told


def test_an_inactive_version_is_deleted_and_its_number_not_used_again(tooling: Tooling) -> None:
    assert tooling.call("DELETE", f"/sobjects/Flow/{version_id(tooling, 1)}").status_code == 204
    assert statuses(tooling) == {2: "Active"}
    write(tooling.org, "Flow", "Order_Router", {"label": ["Third"], "status": ["Draft"]})
    assert statuses(tooling) == {2: "Active", 3: "Draft"}


def test_a_flow_that_is_on_cannot_be_deleted_and_one_that_is_off_can(tooling: Tooling) -> None:
    kind = component_type("Flow")
    with pytest.raises(ComponentProblem), tooling.org.transaction() as tx:
        kind.delete(tx, "Order_Router")
    assert statuses(tooling) == {1: "Obsolete", 2: "Active"}
    activate(tooling, 0)
    with tooling.org.transaction() as tx:
        kind.delete(tx, "Order_Router")
    assert kind.names(tooling.org) == []
    assert tooling.rows("SELECT Id FROM FlowDefinition") == []


def test_a_flow_that_is_read_is_its_active_version(tooling: Tooling) -> None:
    def label(full_name: str) -> list[str]:
        return (component_type("Flow").read(tooling.org, full_name) or {})["label"]

    assert label("Order_Router") == ["Second"]
    activate(tooling, 1)
    assert label("Order_Router") == ["First"]
    assert label("Order_Router-2") == ["Second"]
    assert component_type("Flow").read(tooling.org, "Order_Router-7") is None


def test_flows_are_the_same_in_a_file_that_is_opened_again(tmp_path: Path) -> None:
    from reconciler.emulator.org import EmulatedOrg

    org = EmulatedOrg(tmp_path / "org.db")
    write(org, "Flow", "F", {"label": ["F"], "status": ["Active"]})
    before = org.query("SELECT DurableId, ActiveVersionId, IsActive FROM FlowDefinitionView").records
    org.close()
    again = EmulatedOrg(tmp_path / "org.db")
    assert (
        again.query("SELECT DurableId, ActiveVersionId, IsActive FROM FlowDefinitionView").records == before
    )


def test_an_org_whose_flows_and_jobs_were_switched_there_and_back_is_as_before(tooling: Tooling) -> None:
    before = tooling.org.snapshot()
    (rule,) = tooling.rows("SELECT Id, Metadata FROM ValidationRule")
    for active in (False, True):
        body = {"Metadata": {**rule["Metadata"], "active": active}}
        tooling.call("PATCH", f"/sobjects/ValidationRule/{rule['Id']}", json=body)
        activate(tooling, 2 if active else 1)
        assert (tooling.org.snapshot() == before) is active
    tooling.execute("System.schedule('n', '0 0 2 * * ?', new Nightly());")
    assert tooling.org.snapshot() != before
    tooling.execute("for (CronTrigger t : [SELECT Id FROM CronTrigger]) System.abortJob(t.Id);")
    assert tooling.org.snapshot() == before
