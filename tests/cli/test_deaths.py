"""Commands that are killed, interrupted or meet each other, against an emulated org in another process."""

import json
import signal
import time
from typing import Any

import pytest
import requests

STATE = """reconcile: 1
records:
  Account:
    $key: Account_Code__c
    rows:
      A: {Name: Account A}
      B: {Name: Account B, Parent: {Account_Code__c: A}}
      C: {Name: Account C, Parent: {Account_Code__c: B}}
"""
PATIENCE_SECONDS = 20.0


@pytest.fixture
def project(cli: Any, served: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SERVED_TOKEN", served.ready["access_token"])
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    orgs = {"served": {"url": served.url, "sign_in": {"access_token": {"env": "SERVED_TOKEN"}}}}
    cli.write("orgs.yaml", json.dumps({"orgs": orgs}))
    cli.write("state.yaml", STATE)
    cli.served = served
    return cli


def fault(project: Any, **rule: Any) -> None:
    assert requests.post(f"{project.served.url}/__emulator__/faults", json=[rule], timeout=5).ok


def clear_faults(project: Any) -> None:
    assert requests.delete(f"{project.served.url}/__emulator__/faults", timeout=5).ok


def writes(project: Any) -> int:
    said = requests.get(f"{project.served.url}/__emulator__/calls", timeout=5).json()
    return sum(int(call["count"]) for call in said["calls"] if call["path"].endswith("composite/sobjects"))


def wait_for_writes(project: Any, count: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while writes(project) < count:
        assert time.monotonic() < end, "the write did not come"
        time.sleep(0.02)


def accounts(project: Any) -> list[tuple[str, str | None]]:
    """Code and parent's code of every account, asked of the org over its API."""
    answer = requests.get(
        f"{project.served.url}/services/data/v62.0/query",
        params={"q": "SELECT Account_Code__c, Parent.Account_Code__c FROM Account ORDER BY Account_Code__c"},
        headers={"Authorization": f"Bearer {project.served.ready['access_token']}"},
        timeout=5,
    )
    return [
        (row["Account_Code__c"], row["Parent"] and row["Parent"]["Account_Code__c"])
        for row in answer.json()["records"]
    ]


ALL = [("A", None), ("B", "A"), ("C", "B")]


def kill_in_flight(project: Any) -> str:
    """Apply, and kill the process while its second write is under way in the org."""
    assert project("plan", "state.yaml", "--org", "served").code == 0
    plan_id = str(project.newest())
    fault(project, kind="delay", method="POST", path="composite/sobjects", skip=1, seconds=0.5)
    process = project.start("apply", plan_id)
    wait_for_writes(project, 2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    clear_faults(project)
    return plan_id


def unlock(project: Any, plan_id: str) -> None:
    held = project("resume", plan_id)
    assert held.code == 4
    lease = next(
        word for word in held.err.replace("'", " ").split() if word.startswith("00D") and ":" in word
    )
    assert project("unlock", lease.rstrip(".,")).code == 0


def test_a_killed_apply_is_resumed_and_nothing_is_made_twice(project: Any) -> None:
    plan_id = kill_in_flight(project)
    unlock(project, plan_id)
    said = project("resume", plan_id)
    assert said.code == 0, said.out + said.err
    assert accounts(project) == ALL
    assert project("plan", "state.yaml", "--org", "served", "--detailed-exitcode").code == 0


def test_a_killed_apply_is_taken_back(project: Any) -> None:
    plan_id = kill_in_flight(project)
    wait_for_accounts(project, 2)
    unlock(project, plan_id)
    said = project("revert", plan_id, "--auto-approve")
    assert said.code == 0, said.out + said.err
    assert accounts(project) == []


def wait_for_accounts(project: Any, count: int) -> None:
    """The org goes on with a call whose client is gone."""
    end = time.monotonic() + PATIENCE_SECONDS
    while len(accounts(project)) < count:
        assert time.monotonic() < end, "the org did not finish the call"
        time.sleep(0.02)


def test_ctrl_c_finishes_the_call_in_flight_and_the_plan_can_go_on(project: Any) -> None:
    project("plan", "state.yaml", "--org", "served")
    plan_id = str(project.newest())
    fault(project, kind="delay", method="POST", path="composite/sobjects", skip=1, seconds=1.0)
    process = project.start("apply", plan_id)
    wait_for_writes(project, 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, out + err
    assert f"reconcile resume {plan_id}" in err
    assert len(accounts(project)) == 2
    assert project("resume", plan_id).code == 0
    assert accounts(project) == ALL


def test_of_two_applies_at_once_one_runs_and_the_other_says_who_holds_the_org(project: Any) -> None:
    project("plan", "state.yaml", "--org", "served")
    plan_id = str(project.newest())
    fault(project, kind="delay", method="POST", path="composite/sobjects", seconds=1.0)
    first = project.start("apply", plan_id)
    wait_for_writes(project, 1)
    second = project("apply", plan_id)
    assert second.code in (3, 4), second.err
    first.communicate(timeout=PATIENCE_SECONDS)
    assert first.returncode == 0
    assert accounts(project) == ALL


def test_a_lost_answer_is_settled_by_looking(project: Any) -> None:
    fault(project, kind="lose_after", method="POST", path="composite/sobjects", skip=1)
    said = project("apply", "state.yaml", "--org", "served", "--auto-approve")
    assert said.code == 0, said.out + said.err
    assert "no answer" in said.out
    assert accounts(project) == ALL


def test_a_bad_token_ends_with_the_code_for_authentication(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVED_TOKEN", project.served.ready["access_token"][:-4] + "dead")
    said = project("plan", "state.yaml", "--org", "served")
    assert said.code == 10
    assert "mend:" in said.err and "dead" not in said.err
