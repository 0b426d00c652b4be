"""Leases of processes that died: taken over at once on their machine, and never anywhere else."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.journal import open_journal, processes
from reconciler.journal.store import SqlJournal
from reconciler.model.errors import LeaseHeld, PlanStale
from reconciler.model.journal import Event, PlanStatus

from .conftest import ORG, Sql, sample_plan

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="dead processes are told on Linux alone")
FIRST = [PlanStatus.PLANNED]
AGAIN = [PlanStatus.APPLYING, PlanStatus.PARTLY]
NEXT = sample_plan("p2")
Change = Callable[[str], str]


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the org for plan p1."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.journal.crashing", str(tmp_path), "hold"],
        cwd=Path(__file__).resolve().parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[SqlJournal]:
    """The journal as this process opens it."""
    journal = open_journal(tmp_path, environ={})
    journal.save_plan(NEXT)
    yield journal
    journal.close()


def killed(holder: "subprocess.Popen[str]") -> None:
    holder.kill()
    holder.wait()


def told(journal: SqlJournal, plan_id: str) -> list[tuple[Event, object]]:
    return [(each.event, each.body.get("result")) for each in journal.entries(plan_id)]


def refused(journal: SqlJournal) -> None:
    before = told(journal, "p1")
    with pytest.raises(LeaseHeld), journal.open_run(NEXT, "apply", allowed=FIRST):
        pass
    assert told(journal, "p1") == before
    assert told(journal, "p2") == []
    assert journal.record("p2").status is PlanStatus.PLANNED


def test_the_lease_of_a_killed_process_is_taken_over_at_once_and_the_journal_says_so(
    holder: "subprocess.Popen[str]", own: SqlJournal
) -> None:
    killed(holder)
    with own.open_run(NEXT, "apply", allowed=FIRST) as run:
        lease = own.lease(ORG)
        assert lease is not None and (lease.plan_id, lease.fence) == ("p2", 3)
        run.finish(PlanStatus.APPLIED)
    last = list(own.entries("p1"))[-1]
    assert (last.event, last.body["result"]) == (Event.RUN_FINISHED, "taken over")
    assert f"pid {holder.pid}, a process of this machine that is dead" in last.body["remark"]
    assert own.record("p1").status is PlanStatus.APPLYING
    own.verify_chain()


def test_the_plan_of_a_killed_process_is_resumed_at_once_and_never_applied_anew(
    holder: "subprocess.Popen[str]", own: SqlJournal
) -> None:
    killed(holder)
    plan, _ = own.load_plan("p1")
    with pytest.raises(PlanStale, match="reconcile resume p1"), own.open_run(plan, "apply", allowed=FIRST):
        pass
    assert (Event.RUN_FINISHED, "taken over") not in told(own, "p1")
    with own.open_run(plan, "resume", allowed=AGAIN) as run:
        run.finish(PlanStatus.APPLIED)
    assert [each.run for each in own.entries("p1")] == [1, 1, 1, 2, 2]
    own.verify_chain()


def test_a_process_that_ended_and_was_not_waited_for_is_dead(
    holder: "subprocess.Popen[str]", own: SqlJournal
) -> None:
    holder.kill()
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the table of processes
    with own.open_run(NEXT, "apply", allowed=FIRST):
        pass


@pytest.mark.parametrize("stopped", [False, True])
def test_the_lease_of_a_living_process_is_kept(
    holder: "subprocess.Popen[str]", own: SqlJournal, stopped: bool
) -> None:
    if stopped:
        holder.send_signal(signal.SIGSTOP)
    refused(own)


def test_a_number_that_another_process_has_since_means_that_the_holder_is_dead(
    holder: "subprocess.Popen[str]", own: SqlJournal, sql: Sql
) -> None:
    killed(holder)
    [(process,)] = sql("SELECT process FROM lease")
    place, _, start = process.split(" ")
    sql("UPDATE lease SET process = :process", process=f"{place} {os.getpid()} {start}")
    with own.open_run(NEXT, "apply", allowed=FIRST):
        pass


ELSEWHERE: dict[str, Change] = {
    "another host": lambda process: process.replace(socket.gethostname(), "other", 1),
    "the same host before it was started anew": lambda process: process.replace("/", "/0", 1),
    "another container": lambda process: process.replace("pid:[", "pid:[9", 1),
    "an older version": lambda process: "",
    "something else": lambda process: "a b c",
    "too large a number": lambda process: process.replace(" ", f" {2**70}", 1),
}


@pytest.mark.parametrize("change", ELSEWHERE.values(), ids=ELSEWHERE)
def test_of_a_holder_elsewhere_nobody_says_that_he_is_dead(
    holder: "subprocess.Popen[str]", own: SqlJournal, sql: Sql, change: Change
) -> None:
    killed(holder)
    [(process,)] = sql("SELECT process FROM lease")
    assert change(process) != process
    sql("UPDATE lease SET process = :process", process=change(process))
    refused(own)


def test_where_processes_are_not_told_nobody_is_dead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    this = processes.this_process()
    assert this is not None and not processes.is_dead(this)
    monkeypatch.setattr(processes, "PROC", tmp_path)
    assert processes.this_process() is None
    assert not processes.is_dead(this)
    assert not processes.is_dead(None)
