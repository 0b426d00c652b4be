"""API calls are the scarcest resource: what plans and applies cost, counted by the emulated org."""

from typing import Any

import pytest

from reconciler.emulator.http.traffic import traffic

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


@pytest.fixture
def applied(demo: Any) -> Any:
    demo.org.set_license_total("Salesforce", 10_000)
    demo.text = big_state()
    desired = demo.load(demo.text)
    demo.big_plan = demo.plan(desired)
    counted(demo)
    demo.apply(demo.big_plan)
    return demo


def test_2000_assignments_are_made_by_ten_collection_calls(applied: Any) -> None:
    calls = [step.call for step in applied.big_plan.steps if step.kind == "PermissionSetAssignment"]
    assert len(calls) == USERS * SETS
    assert len(set(calls)) == 10
    writes = [path for method, path in counted(applied) if method == "POST" and path.endswith("/sobjects")]
    steps = len(applied.big_plan.steps)
    assert len(writes) == len({step.call for step in applied.big_plan.steps})
    assert len(writes) <= -(-steps // 200) + 4  # the last call of each object is not full


def test_a_plan_with_nothing_to_do_costs_a_call_per_page_and_describes_once(applied: Any) -> None:
    counted(applied)
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


def test_describes_are_asked_once_an_object_when_nothing_is_cached(applied: Any, tmp_path: Any) -> None:
    applied.folder = tmp_path
    counted(applied)
    assert applied.plan(applied.text).steps == []
    described = [path for _, path in counted(applied) if path.endswith("/describe")]
    assert len(described) == len(set(described)) <= 4
