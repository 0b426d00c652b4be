"""A plan that was written to a file is one plan, whole, under the id it has in the journal."""

from typing import Any

import pytest


@pytest.fixture
def planned(cli: Any) -> Any:
    assert cli("plan", "quickstart.yaml", "--out", "reviewed.plan").code == 0
    return cli


@pytest.mark.parametrize(
    "late",
    [
        ["--target", "Account/ACME"],
        ["--exclude", "Account/ACME"],
        ["--var-file", "some.yaml"],
        ["--var", "margin=14"],
    ],
)
@pytest.mark.parametrize("by", ["id", "file"])
def test_what_would_change_a_reviewed_plan_is_refused_and_nothing_is_applied(
    planned: Any, late: list[str], by: str
) -> None:
    plan_id = planned.newest()
    said = planned("apply", plan_id if by == "id" else "reviewed.plan", *late)
    assert said.code == 5, said.out + said.err
    assert f"{late[0]} cannot change it" in said.err
    assert planned("history", "--json").json["plans"][0]["status"] == "planned"
    assert planned("plan", "quickstart.yaml", "--detailed-exitcode").code == 2


def test_a_plan_file_beside_states_is_refused_in_one_line(planned: Any) -> None:
    for named in (["reviewed.plan", "quickstart.yaml"], ["quickstart.yaml", "reviewed.plan"]):
        for verb in ("apply", "plan", "validate"):
            said = planned(verb, *named)
            assert said.code == 1, said.out
            assert "reviewed.plan is a plan" in said.err
            assert len(said.err.splitlines()) == 2


def test_a_plan_is_resumed_and_taken_back_by_its_file_too(planned: Any) -> None:
    assert planned("apply", "reviewed.plan").code == 0
    assert planned("resume", "reviewed.plan").code == 3
    back = planned("revert", "reviewed.plan", "--auto-approve")
    assert back.code == 0, back.out + back.err
    again = planned("revert", "reviewed.plan", "--auto-approve")
    assert (again.code, again.last) == (0, "Plan: nothing to take back.")


def test_a_plan_that_was_never_applied_has_nothing_to_take_back(planned: Any) -> None:
    said = planned("revert", planned.newest(), "--auto-approve")
    assert (said.code, said.last) == (0, "Plan: nothing to take back.")
    assert len(planned("history", "--json").json["plans"]) == 1
