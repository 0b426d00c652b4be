"""Processes that die, race, or run out of disk: what was acknowledged is there, and nothing half."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import IO, Any

import pytest

from reconciler.journal import open_journal
from reconciler.model.errors import UnknownPlan
from reconciler.model.journal import PlanStatus

from .conftest import ORG, sample_plan

ROOT = Path(__file__).parents[2]
CRASHING = [sys.executable, "-m", "tests.journal.crashing"]


def crashing(*arguments: Any) -> str:
    return subprocess.run(
        [*CRASHING, *map(str, arguments)], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout


@pytest.fixture(scope="module")
def deaths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A folder for each point at which a process was killed: its journal, `died` and `told`."""
    folder = tmp_path_factory.mktemp("deaths")
    crashing(folder, "die")
    return sorted(folder.iterdir(), key=lambda each: int(each.name))


def told(folder: Path) -> list[str]:
    return (folder / "told").read_text().split()


def test_a_process_was_killed_before_within_and_after_every_write(deaths: list[Path]) -> None:
    points = [(each / "died").read_text() for each in deaths if (each / "died").exists()]
    writes = ["plan", "lease", "intended", "outcome", "finish"]
    assert {f"{when} {write}" for when in ("before", "within", "after") for write in writes} <= {*points}
    assert {"before release", "after release"} <= {*points}
    assert told(deaths[-1]) == ["saved", "run_started", "intended", "outcome", "run_finished"]


def test_a_killed_process_leaves_a_journal_with_all_it_acknowledged(deaths: list[Path]) -> None:
    for folder in deaths:
        journal = open_journal(folder, environ={})
        entries = [each.event.value for each in journal.entries("p1")]
        acknowledged = [line for line in told(folder) if line != "saved"]
        assert entries[: len(acknowledged)] == acknowledged, folder
        assert len(entries) <= len(acknowledged) + 1, folder
        journal.verify_chain()
        journal.close()


def test_a_killed_finish_is_whole_or_absent(deaths: list[Path]) -> None:
    for folder in deaths:
        journal = open_journal(folder, environ={})
        finished = "run_finished" in [each.event.value for each in journal.entries("p1")]
        assert bool(journal.protected(ORG)) == finished, folder
        if "saved" in told(folder):
            assert (journal.record("p1").status is PlanStatus.APPLIED) == finished, folder
        journal.close()


def test_after_a_kill_the_plan_is_planned_to_resume_or_done(deaths: list[Path]) -> None:
    for folder in deaths:
        later = open_journal(folder, environ={}, clock=lambda: 1e11)  # every lease has run out
        try:
            plan, record = later.load_plan("p1")
        except UnknownPlan:
            assert "saved" not in told(folder)
            continue
        begun = any(True for _ in later.entries("p1"))
        assert (record.status is PlanStatus.PLANNED) == (not begun), folder
        if record.status is not PlanStatus.APPLIED:
            with later.open_run(plan, "resume", allowed=[record.status]) as run:
                run.finish(PlanStatus.APPLIED)
        later.verify_chain()
        later.close()


def _stream(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


@pytest.mark.parametrize("plan_ids", [["p1"] * 4, ["p1", "p2", "p3", "p4"]], ids=["one plan", "one org"])
def test_of_processes_that_start_at_once_exactly_one_gets_the_org(
    tmp_path: Path, plan_ids: list[str]
) -> None:
    journal = open_journal(tmp_path, environ={})
    for plan_id in set(plan_ids):
        journal.save_plan(sample_plan(plan_id))
    racers = [
        subprocess.Popen(
            [*CRASHING, str(tmp_path), "race", plan_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for plan_id in plan_ids
    ]
    for racer in racers:
        assert _stream(racer.stdout).readline() == "ready\n"
    for racer in racers:
        _stream(racer.stdin).write("go\n")
        _stream(racer.stdin).flush()
    results = [_stream(racer.stdout).readline().strip() for racer in racers]
    for racer in racers:
        racer.communicate("end\n")
    assert Counter(results) == {"won": 1, "held": 3}
    assert [each.status for each in journal.history()].count(PlanStatus.APPLIED) == 1
    assert len([each for plan_id in set(plan_ids) for each in journal.entries(plan_id)]) == 2
    journal.close()


def test_processes_that_make_one_journal_at_once_all_find_it_made(tmp_path: Path) -> None:
    makers = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from pathlib import Path; from tests.journal.conftest import sample_plan\n"
                "from reconciler.journal import open_journal\n"
                f"open_journal(Path({str(tmp_path)!r}), environ={{}}).save_plan(sample_plan('p{number}'))",
            ],
            cwd=ROOT,
        )
        for number in range(3)
    ]
    assert [maker.wait() for maker in makers] == [0, 0, 0]
    assert {each.plan_id for each in open_journal(tmp_path, environ={}).history()} == {"p0", "p1", "p2"}


def test_a_write_that_the_disk_breaks_off_is_not_acknowledged_and_harms_nothing(tmp_path: Path) -> None:
    result = json.loads(crashing(tmp_path, "short"))
    assert len(result["failures"]) == 12
    assert all("the disk reports an error" in each for each in result["failures"])
    journal = open_journal(tmp_path, environ={})
    assert [each.seq for each in journal.entries("p1")][1:] == result["acknowledged"]
    journal.verify_chain()
    journal.close()


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_a_call_costs_two_syncs_and_none_is_saved(tmp_path: Path) -> None:
    def syncs(calls: int) -> int:
        folder = tmp_path / str(calls)
        folder.mkdir()
        trace = folder / "trace"
        command = ["strace", "-f", "-e", "trace=fsync,fdatasync", "-o", str(trace)]
        traced = subprocess.run(
            [*command, *CRASHING, str(folder), "calls", str(calls)], capture_output=True, cwd=ROOT
        )
        if traced.returncode:
            pytest.skip("this machine does not let a process be traced")
        return sum("sync(" in line for line in trace.read_text().splitlines())

    assert syncs(21) - syncs(1) == 40
