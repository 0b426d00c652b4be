"""Real projects' orgs, end to end: the schema alone, then all that the project's own files hold, and back."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.http.faults import FaultKind
from reconciler.emulator.http.traffic import traffic
from reconciler.model.errors import AmbiguousKey, AuthenticationFailed, SpecError
from reconciler.model.journal import PlanStatus
from tests.conftest import Stage

from .comparing import differences, found, permissions_found, permissions_told, told
from .conftest import Project, load
from .sources import SourceRecord, with_parents
from .state_files import (
    RECORD_TYPE,
    SEED_KEY,
    RecordFiles,
    field_rights,
    permission_sets_text,
    write_state,
)

ROWS = {"ebikes": 23, "dreamhouse": 25, "pmm": 1_263}
WITH_RECORDS = list(ROWS)
ALL = [*ROWS, "npsp"]
ROWS_A_CALL = 200
"""Source: REST API Developer Guide, "Work with sObject Collections"."""
KEYS_A_QUERY = 2_000

Projects = Callable[[str], Project]


@pytest.fixture
def on_stage(tmp_path: Path) -> Iterator[Callable[[Project], Stage]]:
    made: list[Stage] = []

    def put(project: Project) -> Stage:
        made.append(Stage(tmp_path, org=project.org.fork()))
        return made[-1]

    yield put
    for stage in made:
        stage.journal.close()


def assert_holds(stage: Stage, project: Project, records: Sequence[SourceRecord], sets: Any = None) -> None:
    """SOQL finds the rows and rights given, and no others."""
    wanted = told(stage.org, records, project.keys)
    assert differences(wanted, found(stage.org, project.records, project.keys)) == []
    sets = project.permission_sets if sets is None else sets
    assert permissions_found(stage.org, project.permission_sets) == permissions_told(stage.org, sets)


def calls_since(stage: Stage) -> Counter[str]:
    """Calls by what they are for, since the last time."""
    calls = traffic(stage.org).calls
    seen = Counter(_purpose(method, path) for method, path, *_ in calls)
    calls.clear()
    return seen


def _purpose(method: str, path: str) -> str:
    if method != "GET" and "/composite/sobjects" in path:
        return "write"
    if path.endswith("/describe"):
        return "describe"
    return "read"


@pytest.mark.parametrize("name", ALL)
def test_a_project_is_applied_found_by_soql_and_taken_back(
    projects: Projects, on_stage: Any, tmp_path: Path, name: str
) -> None:
    project = projects(name)
    stage = on_stage(project)
    assert len(project.records) == ROWS.get(name, 0)
    assert project.permission_sets
    before = stage.org.snapshot()
    state = project.state(tmp_path / "state")

    plan = stage.plan(load(state))
    assert stage.org.snapshot() == before, "planning wrote"
    result = stage.apply(plan)
    assert (result.status.value, result.unmet) == ("applied", [])
    assert_holds(stage, project, project.records)
    assert stage.plan(load(state)).steps == []

    assert stage.revert(plan).status.value == "applied"
    assert stage.org.snapshot() == before


@pytest.mark.parametrize(
    ("name", "seed"), [(name, seed) for name in WITH_RECORDS for seed in range(2 if name == "pmm" else 4)]
)
def test_what_a_half_applied_project_lacks_is_added_and_the_two_are_taken_back_apart(
    projects: Projects, on_stage: Any, tmp_path: Path, name: str, seed: int
) -> None:
    project = projects(name)
    stage = on_stage(project)
    chance = random.Random(seed)
    chosen = [record for record in project.records if chance.random() < 0.5]
    half = with_parents(chosen, project.records)
    sets = [each for each in project.permission_sets if chance.random() < 0.5]
    empty = stage.org.snapshot()

    first = stage.plan(load(project.state(tmp_path / "half", half, sets)))
    assert stage.apply(first).status.value == "applied"
    assert_holds(stage, project, half, sets)
    at_half = stage.org.snapshot()

    whole = project.state(tmp_path / "whole")
    second = stage.plan(load(whole))
    made = [step for step in second.steps if step.kind == "Record"]
    assert len(made) == len(project.records) - len(half)
    assert {step.action.value for step in second.steps} <= {"create"}
    assert stage.apply(second).status.value == "applied"
    assert_holds(stage, project, project.records)
    assert stage.plan(load(whole)).steps == []

    assert stage.revert(second).status.value == "applied"
    assert stage.org.snapshot() == at_half
    assert stage.revert(first).status.value == "applied"
    assert stage.org.snapshot() == empty


@pytest.mark.parametrize("name", ALL)
def test_a_project_costs_a_call_for_200_rows_and_a_query_for_2000_keys(
    projects: Projects, on_stage: Any, tmp_path: Path, name: str
) -> None:
    project = projects(name)
    stage = on_stage(project)
    state = project.state(tmp_path / "state")
    plan = stage.plan(load(state))
    rows = Counter(step.sobject for step in plan.steps)
    calls_since(stage)

    stage.apply(plan)
    spent = calls_since(stage)
    assert spent["write"] == len({step.call for step in plan.steps})
    assert spent["write"] <= sum(-(-count // ROWS_A_CALL) for count in rows.values())

    assert stage.plan(load(state)).steps == []
    spent = calls_since(stage)
    assert spent["write"] == 0
    assert spent["read"] <= 1 + sum(-(-count // KEYS_A_QUERY) for count in rows.values())


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("name", WITH_RECORDS)
def test_the_same_rows_come_from_files_beside_the_state(
    projects: Projects, on_stage: Any, tmp_path: Path, name: str, suffix: str
) -> None:
    project = projects(name)
    stage = on_stage(project)
    files = RecordFiles(stage.org, project.records, project.keys)
    folder = tmp_path / "state"
    state = write_state(folder, files.text_with_files(project.records, folder, suffix))
    assert stage.apply(stage.plan(load(state))).status.value == "applied"
    assert_holds(stage, project, project.records, [])
    assert stage.plan(load(project.state(tmp_path / "yaml", permission_sets=[]))).steps == []


@pytest.mark.parametrize("kind", [FaultKind.LOSE_AFTER, FaultKind.EXPIRE])
def test_a_run_in_trouble_ends_as_one_that_had_none(
    projects: Projects, on_stage: Any, tmp_path: Path, kind: FaultKind
) -> None:
    """Lost answers are settled by natural keys with look-ups and date-times in them."""
    project = projects("pmm")
    stage = on_stage(project)
    before = stage.org.snapshot()
    plan = stage.plan(load(project.state(tmp_path / "state")))
    faults = [
        stage.faults.add(kind, method="POST", path="composite/sobjects", skip=skip) for skip in (4, 9, 15)
    ]
    while stage.status(plan) is not PlanStatus.APPLIED:
        try:
            stage.apply(plan) if stage.status(plan) is PlanStatus.PLANNED else stage.resume(plan)
        except AuthenticationFailed:
            assert kind is FaultKind.EXPIRE
    assert [fault.fired for fault in faults] == [1, 1, 1]
    assert_holds(stage, project, project.records)
    stage.revert(plan)
    assert stage.org.snapshot() == before


def test_rights_on_fields_that_the_org_lacks_are_refused_by_the_plan_one_by_one(
    projects: Projects, on_stage: Any, tmp_path: Path
) -> None:
    """npsp's permission sets name fields of packages that are not in the org."""
    project = projects("npsp")
    stage = on_stage(project)
    (told_set,) = [each for each in project.permission_sets if each.name == "Gift_Entry"]
    known = field_rights(stage.org, told_set)
    lacking = [name for name in told_set.fields if name not in known]
    assert lacking and known
    text = permission_sets_text(stage.org, [told_set])
    text = text.replace("    fields:\n", "    fields:\n" + "".join(f"      {n}: [read]\n" for n in lacking))
    before = stage.org.snapshot()

    with pytest.raises(SpecError) as refused:
        stage.plan(load(write_state(tmp_path / "state", text)))
    assert len(refused.value.problems) == len(lacking)
    assert all(name.partition(".")[2] in str(refused.value) for name in lacking)
    assert stage.org.snapshot() == before


def test_a_record_type_that_the_org_lacks_is_named_with_the_rows_that_need_it(
    projects: Projects, on_stage: Any, tmp_path: Path
) -> None:
    project = projects("pmm")
    stage = on_stage(project)
    records = [
        replace(record, fields={**record.fields, RECORD_TYPE: "Abroad"})
        if record.fields.get(RECORD_TYPE) == "Branch"
        else record
        for record in project.records
    ]
    before = stage.org.snapshot()
    with pytest.raises(SpecError) as refused:
        stage.plan(load(project.state(tmp_path / "state", records)))
    (problem,) = refused.value.problems
    (record,) = [each for each in records if each.fields.get(RECORD_TYPE) == "Abroad"]
    assert "Abroad" in problem.what
    assert record.reference in problem.what
    assert problem.where is not None
    assert stage.org.snapshot() == before


@pytest.mark.parametrize("name", ["ebikes", "dreamhouse"])
def test_rows_that_somebody_edited_or_deleted_are_put_right_and_only_those(
    projects: Projects, on_stage: Any, tmp_path: Path, name: str
) -> None:
    project = projects(name)
    stage = on_stage(project)
    state = project.state(tmp_path / "state")
    stage.apply(stage.plan(load(state)))
    sobject = {"ebikes": "Product__c", "dreamhouse": "Property__c"}[name]
    edited, deleted, *_ = stage.org.rows(sobject)
    with stage.org.transaction() as tx:
        tx.update(sobject, edited["Id"], {"Description__c": "edited by hand"})
        tx.delete(sobject, deleted["Id"])
    damaged = stage.org.snapshot()

    mend = stage.plan(load(state))
    assert sorted(step.action.value for step in mend.steps) == ["create", "update"]
    assert [list(step.after or {}) for step in mend.steps if step.action.value == "update"] == [
        ["Description__c"]
    ]
    assert stage.apply(mend).status.value == "applied"
    assert_holds(stage, project, project.records)
    stage.revert(mend)
    assert stage.org.snapshot() == damaged


NATURAL = {"Account": ("Name",), "ServiceDelivery__c": ("Name", "Contact__c", "DeliveryDate__c")}
"""The best keys that pmm's own fields give these objects."""
FIRST = re.compile(r"first (?:is at line |at .*records\.yaml:)(\d+)")
"""How a problem names the earlier of two rows."""


@pytest.mark.parametrize("sobject", list(NATURAL))
def test_true_duplicates_without_a_key_are_refused_by_both_their_lines(
    projects: Projects, on_stage: Any, tmp_path: Path, sobject: str
) -> None:
    project = projects("pmm")
    stage = on_stage(project)
    before = stage.org.snapshot()
    state = project.state(tmp_path / "state", keys={**project.keys, sobject: NATURAL[sobject]})
    with pytest.raises(SpecError) as refused:
        stage.plan(load(state))
    problems = refused.value.problems
    assert len(problems) == len(_duplicates(project, sobject))
    lines = (state.parent / "records.yaml").read_text("utf-8").splitlines()
    for problem in problems:
        first = FIRST.search(problem.what)
        assert first is not None, problem
        assert problem.where is not None
        assert int(first[1]) < problem.where.line
        assert _name_on(lines[int(first[1]) - 1]) == _name_on(lines[problem.where.line - 1])
    assert stage.org.snapshot() == before


def _duplicates(project: Project, sobject: str) -> list[SourceRecord]:
    """Rows whose natural key an earlier row has."""
    seen: set[tuple[Any, ...]] = set()
    again = []
    for record in project.records:
        if record.sobject == sobject:
            key = tuple(record.fields.get(name) for name in NATURAL[sobject])
            if key in seen:
                again.append(record)
            seen.add(key)
    return again


def _name_on(line: str) -> str:
    """The name on a line of rows: before the colon, or as a field."""
    text = line.strip()
    return text.split('"')[1] if text.startswith('"') else text.partition("Name: ")[2].split('"')[1]


def test_duplicates_in_the_org_are_refused_by_both_their_ids(
    projects: Projects, on_stage: Any, tmp_path: Path
) -> None:
    project = projects("pmm")
    stage = on_stage(project)
    twins = [stage.org.has("Account", Name="Byrd Household") for _ in range(2)]
    accounts = [
        record
        for record in project.records
        if record.sobject == "Account" and record.fields["Name"] in ("Byrd Household", "Bishop Household")
    ]
    only = {record.fields["Name"]: record for record in accounts}
    before = stage.org.snapshot()
    state = project.state(tmp_path / "state", list(only.values()), [], {**project.keys, "Account": ("Name",)})
    with pytest.raises(SpecError) as refused:
        stage.plan(load(state))
    (problem,) = refused.value.problems
    assert all(twin in problem.what for twin in twins)
    assert problem.where is not None and problem.where.file.endswith("records.yaml")
    assert stage.org.snapshot() == before


def test_a_look_up_to_duplicates_in_the_org_is_refused_by_both_their_ids(
    projects: Projects, on_stage: Any, tmp_path: Path
) -> None:
    project = projects("pmm")
    stage = on_stage(project)
    twins = [stage.org.has("Account", Name="Anonymous Household") for _ in range(2)]
    before = stage.org.snapshot()
    path = tmp_path / "state.yaml"
    path.write_text(
        "reconcile: 1\nrecords:\n  Contact:\n    $key: LastName\n    rows:\n"
        "      Doe: {Account: {Name: Anonymous Household}}\n",
        "utf-8",
    )
    with pytest.raises(AmbiguousKey) as refused:
        stage.plan(load(path))
    assert all(twin in str(refused.value) for twin in twins)
    assert stage.org.snapshot() == before


def test_the_key_that_a_team_adds_makes_duplicates_manageable(
    projects: Projects, on_stage: Any, tmp_path: Path
) -> None:
    project = projects("pmm")
    stage = on_stage(project)
    anonymous = [
        record
        for record in project.records
        if record.sobject == "Account" and record.fields["Name"] == "Anonymous Household"
    ]
    assert len(anonymous) == 6
    stage.apply(stage.plan(load(project.state(tmp_path / "state", anonymous, []))))
    rows = stage.org.rows("Account", Name="Anonymous Household")
    assert sorted(row[SEED_KEY] for row in rows) == sorted(record.reference for record in anonymous)
