"""API calls are the scarcest resource: what plans and applies cost, counted by the emulated org."""

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.emulator.http.traffic import traffic
from reconciler.emulator.org import EmulatedOrg
from tests.conftest import Stage

USERS, SETS, RECORDS = 200, 10, 2_000


def counted(stage: Any) -> list[tuple[str, str]]:
    """Method and path of each call since the last time."""
    calls = traffic(stage.org).calls
    seen = [(call[0], call[1]) for call in calls]
    calls.clear()
    return seen


def big_state() -> str:
    users = "\n".join(
        f"  u{number}@acme.example: {{LastName: 'L{number}', Email: u{number}@acme.example, "
        "Profile: {Name: Standard User}}"
        for number in range(USERS)
    )
    sets = "\n".join(
        f"  Set_{number}: {{assigned_to: [{', '.join(f'u{user}@acme.example' for user in range(USERS))}]}}"
        for number in range(SETS)
    )
    rows = "\n".join(f"      K{number}: {{Name: 'Account {number}'}}" for number in range(RECORDS))
    return (
        f"users:\n{users}\npermission_sets:\n{sets}\n"
        f"records:\n  Account:\n    $key: Account_Code__c\n    rows:\n{rows}\n"
    )


@pytest.fixture(scope="module")
def big(demo_org: EmulatedOrg, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A stage on which the big plan was applied, with the calls this took; nothing is written to it again."""
    stage: Any = Stage(tmp_path_factory.mktemp("big"), org=demo_org.fork())
    stage.org.set_license_total("Salesforce", 10_000)
    stage.text = big_state()
    stage.big_plan = stage.plan(stage.load(stage.text))
    counted(stage)
    stage.apply(stage.big_plan)
    stage.big_calls = counted(stage)
    yield stage
    stage.journal.close()


@pytest.fixture
def applied(big: Any) -> Any:
    counted(big)
    return big


def test_2000_assignments_are_made_by_ten_collection_calls(applied: Any) -> None:
    calls = [step.call for step in applied.big_plan.steps if step.kind == "PermissionSetAssignment"]
    assert len(calls) == USERS * SETS
    assert len(set(calls)) == 10
    writes = [path for method, path in applied.big_calls if method == "POST" and path.endswith("/sobjects")]
    steps = len(applied.big_plan.steps)
    assert len(writes) == len({step.call for step in applied.big_plan.steps})
    assert len(writes) <= -(-steps // 200) + 4  # the last call of each object is not full


def test_a_plan_with_nothing_to_do_costs_a_call_per_page_and_describes_once(applied: Any) -> None:
    assert applied.plan(applied.text).steps == []
    calls = counted(applied)
    described = [path for _, path in calls if path.endswith("/describe")]
    assert described == [], "describes are cached on disk between runs"
    queries = {
        "User": USERS,
        "PermissionSet": SETS,
        "PermissionSetAssignment": USERS * SETS,
        "Account": RECORDS,
    }
    assert len(calls) <= sum(-(-rows // 2_000) for rows in queries.values())


def test_describes_are_asked_once_an_object_when_nothing_is_cached(
    applied: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applied, "folder", tmp_path)
    assert applied.plan(applied.text).steps == []
    described = [path for _, path in counted(applied) if path.endswith("/describe")]
    assert len(described) == len(set(described)) <= 4
