"""A process for the crash tests: writes to a journal in small acts, tells each one done, dies on order.

Run from the root of the repository as ``python -m tests.journal.crashing DIRECTORY``, then one of

- ``die``: one child a point; each dies at its point, by SIGKILL
- ``race PLAN_ID``: open a run when a line comes in; tell won, held or stale
- ``calls N``: N intents and outcomes
- ``short``: append while the file may not grow; tell what was acknowledged
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from reconciler.journal import open_journal
from reconciler.journal.store import SqlJournal
from reconciler.model.errors import JournalFailed, LeaseHeld, PlanStale
from reconciler.model.journal import Event, PlanStatus
from tests.journal.conftest import sample_plan

FIRST = [PlanStatus.PLANNED]


def work(journal: SqlJournal, tell: Callable[[str], None]) -> None:
    plan = sample_plan("p1")
    journal.save_plan(plan)
    tell("saved")
    with journal.open_run(plan, "apply", allowed=FIRST) as run:
        tell("run_started")
        run.append(Event.INTENDED, {"call": 1})
        tell("intended")
        run.append(Event.OUTCOME, {"call": 1})
        tell("outcome")
        run.finish(PlanStatus.APPLIED, protects=["Account/ACME"])
        tell("run_finished")


def die_at_each_point(directory: Path) -> None:
    """Child n works in ``directory/n`` and dies at its nth point; the first that survives ends it."""
    number = 0
    while True:
        number += 1
        folder = directory / str(number)
        folder.mkdir()
        child = os.fork()
        if child == 0:
            _work_until(number, folder)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(os.waitstatus_to_exitcode(status))


def _work_until(number: int, folder: Path) -> None:
    passed = 0

    def at_point(name: str) -> None:
        nonlocal passed
        passed += 1
        if passed == number:
            (folder / "died").write_text(name)
            os.kill(os.getpid(), signal.SIGKILL)

    with (folder / "told").open("a") as told:
        try:
            work(
                open_journal(folder, environ={}, points=at_point),
                lambda line: print(line, file=told, flush=True),
            )
            status = 0
        except BaseException:
            status = 1
    os._exit(status)


def race(directory: Path, plan_id: str) -> None:
    journal = open_journal(directory, environ={})
    journal.history()
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        with journal.open_run(sample_plan(plan_id), "apply", allowed=FIRST) as run:
            print("won", flush=True)
            sys.stdin.readline()
            run.finish(PlanStatus.APPLIED)
    except LeaseHeld:
        print("held", flush=True)
    except PlanStale:
        print("stale", flush=True)


def hold(directory: Path) -> None:
    """Hold the org with a run that beats, until the end."""
    journal = open_journal(directory, environ={})
    plan = sample_plan("p1")
    journal.save_plan(plan)
    with journal.open_run(plan, "apply", allowed=FIRST) as run:
        run.append(Event.INTENDED, {"call": 1})
        print("held", flush=True)
        sys.stdin.readline()


def calls(directory: Path, count: int) -> None:
    journal = open_journal(directory, environ={})
    plan = sample_plan("p1")
    journal.save_plan(plan)
    with journal.open_run(plan, "apply", allowed=FIRST) as run:
        for number in range(count):
            run.append(Event.INTENDED, {"call": number})
            run.append(Event.OUTCOME, {"call": number})


def short_of_file(directory: Path) -> None:
    """Let the log grow by one page more in each round, then by none: a write fails in its middle."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    journal = open_journal(directory, environ={})
    plan = sample_plan("p1")
    journal.save_plan(plan)
    run = journal._start_run(plan, "apply", FIRST, 0)
    log = directory / ".reconcile" / "journal.db-wal"
    acknowledged, failures = [], []
    for pages in range(1, 13):
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + pages * 1500, resource.RLIM_INFINITY))
        try:
            while True:
                acknowledged.append(run.append(Event.INTENDED, {"call": pages}))
        except JournalFailed as error:
            failures.append(str(error))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(json.dumps({"acknowledged": acknowledged, "failures": failures}))


if __name__ == "__main__":
    where, act, *rest = sys.argv[1:]
    {
        "die": lambda: die_at_each_point(Path(where)),
        "race": lambda: race(Path(where), rest[0]),
        "hold": lambda: hold(Path(where)),
        "calls": lambda: calls(Path(where), int(rest[0])),
        "short": lambda: short_of_file(Path(where)),
    }[act]()
