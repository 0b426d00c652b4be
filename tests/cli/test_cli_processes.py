"""Runs that meet each other, a signal or their end, in processes of their own against a served org."""

import json
import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")

WRITES = {"method": "POST", "path": "/composite/sobjects"}
RULES = "SELECT Code__c FROM Price_Rule__c ORDER BY Code__c"
STEPS = 13
ORGS = """\
orgs:
  ci:
    url: "{url}"
    sign_in: {{access_token: {{env: CI_TOKEN}}}}
"""


def held(number: int) -> dict[str, Any]:
    """The write with this number reaches the org and waits there; its effect comes when it is released."""
    return {"kind": "hold", "skip": number, **WRITES}


def delayed(number: int, seconds: float = 2.0) -> dict[str, Any]:
    """The write with this number reaches the org, which is slow to do it."""
    return {"kind": "delay", "seconds": seconds, "skip": number, **WRITES}


def lost(number: int) -> dict[str, Any]:
    """The write with this number ends unanswered and without effect."""
    return {"kind": "lose_before", "skip": number, **WRITES}


@pytest.fixture
def ci(cli: Any, served: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project whose only org is the served one."""
    monkeypatch.setenv("CI_TOKEN", served.ready["access_token"])
    cli.write("orgs.yaml", ORGS.format(url=served.url))
    return cli


@pytest.fixture
def plan_id(ci: Any) -> str:
    assert ci("plan", "quickstart.yaml").code == 0
    return str(ci.newest())


def events(process: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    return process.returncode, out, err


def status(cli: Any, plan_id: str) -> str:
    plans = cli("history", "--json").json["plans"]
    return str(next(each["status"] for each in plans if each["plan_id"] == plan_id))


def lease_id(message: str) -> str:
    found = re.search(r"reconcile unlock (\S+)", message)
    assert found, message
    return found[1]


def nothing_twice(served: Any) -> None:
    """The org holds what the quickstart declares, each once."""
    assert served.values(RULES) == ["EMEA-1", "EMEA-2"]
    assert served.values("SELECT Account_Code__c FROM Account WHERE Account_Code__c != null") == ["ACME"]
    assert len(served.values("SELECT Id FROM User WHERE Username = 'release.bot@acme.example'")) == 1
    assert len(served.values("SELECT Id FROM Group WHERE DeveloperName = 'Tier_1'")) == 1
    assert len(served.values("SELECT Id FROM GroupMember WHERE Group.DeveloperName = 'Tier_1'")) == 1
    assert len(served.values("SELECT Id FROM Feature_Flags__c")) == 2


def nothing_left(served: Any) -> None:
    """The org is as before the quickstart, but for the user that cannot be deleted."""
    assert served.values(RULES) == []
    assert served.values("SELECT Id FROM Account WHERE Account_Code__c = 'ACME'") == []
    assert served.values("SELECT Id FROM PermissionSet WHERE Name = 'Release_Manager'") == []
    assert served.values("SELECT Id FROM Group WHERE DeveloperName = 'Tier_1'") == []
    assert served.values("SELECT Id FROM Feature_Flags__c") == []
    assert served.values("SELECT IsActive FROM User WHERE Username = 'release.bot@acme.example'") in (
        [],
        [False],
    )


def goes_the_rest_of_the_road(cli: Any, served: Any, plan_id: str) -> None:
    """Resumed, complete, and taken back."""
    resumed = cli("resume", plan_id)
    assert resumed.code == 0, resumed.out + resumed.err
    assert status(cli, plan_id) == "applied"
    nothing_twice(served)
    again = cli("plan", "quickstart.yaml", "--detailed-exitcode")
    assert again.code == 0, again.out
    reverted = cli("revert", plan_id, "--auto-approve")
    assert reverted.code == 0, reverted.out + reverted.err
    nothing_left(served)


# ── the lease ────────────────────────────────────────────────────────────────────────────────────


def test_an_org_that_another_run_holds_is_refused_with_the_holder_and_untouched(
    ci: Any, served: Any, plan_id: str
) -> None:
    ci("plan", "quickstart.yaml")
    other = ci.newest()
    served.faults(held(0))
    first = ci.start("apply", plan_id)
    served.until_fired(first)
    for said in (ci("apply", other), ci("apply", plan_id), ci("apply", other, "--json")):
        assert said.code == 4, said.out + said.err
        assert f"pid {first.pid}" in said.out + said.err
        assert plan_id in said.out + said.err
        assert "reconcile unlock" in said.out + said.err
    served.release()
    assert ended(first)[0] == 0
    nothing_twice(served)
    assert status(ci, other) == "planned"


def test_a_run_that_waits_for_the_lease_then_finds_its_plan_stale(ci: Any, served: Any, plan_id: str) -> None:
    ci("plan", "quickstart.yaml")
    other = ci.newest()
    served.faults(delayed(0))
    first = ci.start("apply", plan_id)
    served.until_fired(first)
    second = ci.start("apply", other, "--lock-timeout", "60s")
    assert ended(first)[0] == 0
    code, _, err = ended(second)
    assert code == 3, err
    assert "stale" in err
    nothing_twice(served)


def test_of_two_applies_of_one_plan_exactly_one_applies(ci: Any, served: Any, plan_id: str) -> None:
    both = [ci.start("apply", plan_id) for _ in range(2)]
    codes = sorted(ended(each)[0] for each in both)
    assert codes in ([0, 3], [0, 4])
    nothing_twice(served)
    assert status(ci, plan_id) == "applied"


def test_of_two_applies_of_the_same_states_exactly_one_applies(ci: Any, served: Any) -> None:
    both = [ci.start("apply", "quickstart.yaml", "--auto-approve") for _ in range(2)]
    answers = [ended(each) for each in both]
    codes = sorted(code for code, _, _ in answers)
    assert codes in ([0, 3], [0, 4]), answers
    nothing_twice(served)
    plans = ci("history", "--json").json["plans"]
    assert [each["status"] for each in plans].count("applied") == 1


# ── signals ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_the_run_after_the_call_in_flight(
    ci: Any, served: Any, plan_id: str, number: signal.Signals
) -> None:
    served.faults(held(3))
    run = ci.start("apply", plan_id)
    served.until_fired(run)
    run.send_signal(number)
    assert run.stderr is not None
    assert "stopping after the call in flight" in run.stderr.readline()
    served.release()
    code, out, err = ended(run)
    assert code == 130
    assert f"reconcile resume {plan_id}" in err
    assert f"reconcile revert {plan_id}" in err
    assert "4 of 13 steps are done" in err
    assert "FieldPermissions/Release_Manager/Price_Rule__c.Margin__c: created" in out
    assert len(served.values("SELECT Id FROM FieldPermissions WHERE Parent.Name = 'Release_Manager'")) == 1
    assert served.values(RULES) == []
    assert status(ci, plan_id) == "partly"
    goes_the_rest_of_the_road(ci, served, plan_id)


def test_the_interruption_is_one_json_event_a_line(ci: Any, served: Any, plan_id: str) -> None:
    served.faults(held(0))
    run = ci.start("apply", plan_id, "--json")
    served.until_fired(run)
    run.send_signal(signal.SIGINT)
    assert run.stderr is not None
    assert "stopping after the call in flight" in run.stderr.readline()
    served.release()
    code, out, _ = ended(run)
    assert code == 130
    told = [json.loads(line) for line in out.splitlines()]
    assert told[0]["plan_id"] == plan_id
    assert "stopped between two calls" in json.dumps(told[-1])


def test_a_second_signal_aborts_the_call_in_flight_which_a_resume_settles(
    ci: Any, served: Any, plan_id: str
) -> None:
    served.faults(held(2))
    run = ci.start("apply", plan_id)
    served.until_fired(run)
    run.send_signal(signal.SIGINT)
    assert run.stderr is not None
    assert "once more aborts" in run.stderr.readline()
    run.send_signal(signal.SIGINT)
    code, _, err = ended(run)
    assert code == 130
    assert f"reconcile resume {plan_id}" in err
    served.release()
    goes_the_rest_of_the_road(ci, served, plan_id)


def test_an_interrupted_plan_wrote_nothing_and_says_so_shortly(ci: Any, served: Any) -> None:
    served.faults({"kind": "hold", "method": "GET|POST", "path": "/query|/composite|describe"})
    run = ci.start("plan", "quickstart.yaml")
    served.until_fired(run)
    run.send_signal(signal.SIGINT)
    code, out, err = ended(run)
    assert (code, out, err.strip()) == (130, "", "interrupted")
    assert ci("history", "--json").json["plans"] == []


# ── sudden ends ──────────────────────────────────────────────────────────────────────────────────


def killed_in_the_middle(ci: Any, served: Any, plan_id: str, *rules: dict[str, Any]) -> None:
    served.faults(*rules)
    run = ci.start("apply", plan_id)
    served.until_fired(run)
    run.kill()
    assert ended(run)[0] == -signal.SIGKILL


def test_a_run_that_was_killed_on_another_machine_holds_the_org_until_it_is_unlocked(
    ci: Any, served: Any, plan_id: str
) -> None:
    killed_in_the_middle(ci, served, plan_id, held(5))
    with closing(sqlite3.connect(ci.folder / ".reconcile" / "journal.db")) as journal, journal:
        journal.execute("UPDATE lease SET process = replace(process, ' ', '-elsewhere ')")
    refused = ci("resume", plan_id)
    assert refused.code == 4
    assert ci("resume", plan_id).code == 4
    assert ci("unlock", lease_id(refused.err)).code == 0
    served.release()
    goes_the_rest_of_the_road(ci, served, plan_id)


@pytest.mark.parametrize("number", [0, 11])
def test_a_run_that_was_killed_while_the_org_worked_is_resumed_and_taken_back(
    ci: Any, served: Any, plan_id: str, number: int
) -> None:
    killed_in_the_middle(ci, served, plan_id, held(number))
    served.release()
    goes_the_rest_of_the_road(ci, served, plan_id)


def test_what_a_killed_run_asked_for_may_happen_while_it_is_resumed(
    ci: Any, served: Any, plan_id: str
) -> None:
    killed_in_the_middle(ci, served, plan_id, delayed(5))
    goes_the_rest_of_the_road(ci, served, plan_id)


def test_a_run_whose_last_call_never_had_an_effect_is_resumed_and_taken_back(
    ci: Any, served: Any, plan_id: str
) -> None:
    killed_in_the_middle(ci, served, plan_id, held(5), lost(5))
    served.release()
    goes_the_rest_of_the_road(ci, served, plan_id)


def test_a_run_that_was_killed_is_taken_back_without_being_resumed(
    ci: Any, served: Any, plan_id: str
) -> None:
    killed_in_the_middle(ci, served, plan_id, held(7))
    served.release()
    reverted = ci("revert", plan_id, "--auto-approve")
    assert reverted.code == 0, reverted.out + reverted.err
    nothing_left(served)


def test_a_revert_that_was_killed_is_resumed(ci: Any, served: Any, plan_id: str) -> None:
    assert ci("apply", plan_id).code == 0
    served.faults({"kind": "hold", "method": "DELETE", "skip": 3})
    run = ci.start("revert", plan_id, "--auto-approve")
    served.until_fired(run)
    run.kill()
    ended(run)
    back = ci.newest()
    assert back != plan_id
    served.release()
    resumed = ci("resume", back)
    assert resumed.code == 0, resumed.out + resumed.err
    nothing_left(served)


def test_what_a_killed_run_was_doing_is_shown_without_asking_the_org(
    ci: Any, served: Any, plan_id: str
) -> None:
    killed_in_the_middle(ci, served, plan_id, held(5))
    shown = ci("show", plan_id)
    assert shown.code == 0
    assert "in doubt" in shown.out
    assert f"reconcile resume {plan_id}" in shown.out


# ── sessions that end ────────────────────────────────────────────────────────────────────────────


def test_a_token_that_ends_during_a_run_is_exit_10_and_a_new_one_resumes(
    ci: Any, served: Any, plan_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.faults({"kind": "expire", "skip": 4, **WRITES})
    said = ci("apply", plan_id)
    assert said.code == 10, said.out + said.err
    assert "INVALID_SESSION_ID" in said.err
    assert f"reconcile resume {plan_id}" in said.err
    assert served.ready["access_token"] not in said.out + said.err
    assert status(ci, plan_id) == "partly"
    assert ci("resume", plan_id).code == 10
    monkeypatch.setenv("CI_TOKEN", served.token())
    goes_the_rest_of_the_road(ci, served, plan_id)


def test_a_token_that_is_refused_before_anything_was_sent_leaves_the_plan_good(
    ci: Any, served: Any, plan_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.faults({"kind": "expire"})
    said = ci("apply", plan_id)
    assert said.code == 10, said.out + said.err
    assert "reconcile resume" not in said.err
    assert status(ci, plan_id) == "planned"
    monkeypatch.setenv("CI_TOKEN", served.token())
    assert ci("apply", plan_id).code == 0
    nothing_twice(served)
