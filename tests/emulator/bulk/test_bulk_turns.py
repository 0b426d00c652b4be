"""Large jobs among other calls: in steps, each whole, with turns for whoever waits between."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.emulator.bulk import disturbed, jobs, work
from reconciler.emulator.clock import Clock
from reconciler.emulator.errors import ApiError
from reconciler.emulator.ids import parse
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.turns import turns

if TYPE_CHECKING:
    from tests.emulator.bulk.conftest import Bulk

ROWS = 3_000
MANY = "Name\n" + "".join(f"A{n}\n" for n in range(ROWS))


class Killed(BaseException):
    """Nobody catches it, as nobody catches SIGKILL."""


def at_row(org: EmulatedOrg, job: str, name: str, act: Callable[[], None]) -> None:
    """Let ``act`` happen when the job comes to a row."""

    def meet(record_id: str, record: Mapping[str, Any]) -> ApiError | None:
        if record["Name"] == name:
            act()
        return None

    disturbed.disturb(org, parse(job) or 0, rows=meet)


def open_and_close(bulk: "Bulk", content: str = MANY) -> str:
    job = bulk.open()
    bulk.upload(job, content)
    bulk.close(job)
    return job


def test_a_call_that_comes_in_the_middle_of_a_job_is_answered_before_its_end(
    bulk: "Bulk", org: EmulatedOrg
) -> None:
    job = open_and_close(bulk)
    told: list[dict[str, Any]] = []
    counted: list[int] = []

    def look() -> None:
        answer = bulk.call("GET", "/services/data/v60.0/query?q=SELECT+COUNT()+FROM+Account")
        counted.append(answer.json["totalSize"])
        told.append(bulk.job(job))

    other = threading.Thread(target=look)
    gate = threading.Event()

    def begin() -> None:
        other.start()
        while not turns(org).wanted:  # until it stands in the queue
            assert other.is_alive()
            gate.wait(0.001)

    at_row(org, job, "A500", begin)
    last = bulk.job(job)
    other.join()
    assert (last["state"], last["numberRecordsProcessed"]) == ("JobComplete", ROWS)
    assert told[0]["state"] == "InProgress"
    assert 500 < told[0]["numberRecordsProcessed"] < ROWS
    assert counted == [600]  # the chunk that was at work when it came is the last before it


def test_a_call_that_is_about_something_else_does_only_some_of_a_job(
    bulk: "Bulk", org: EmulatedOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "SOME_RECORDS", 400)
    monkeypatch.setattr(work, "STEP_RECORDS", 200)
    open_and_close(bulk)
    counts = [org.query("SELECT COUNT() FROM Account").total_size for _ in range(3)]
    assert counts == [400, 800, 1200]


def test_a_call_that_looks_at_a_job_gives_up_when_it_takes_too_long(
    bulk: "Bulk", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "SOME_RECORDS", 0)
    monkeypatch.setattr(work, "BATCH_RECORDS", 1_000)
    monkeypatch.setattr(work, "STEP_RECORDS", 200)
    monkeypatch.setattr(work, "PATIENCE_SECONDS", 0)
    job = open_and_close(bulk)
    seen = [bulk.job(job) for _ in range(4)]
    assert [each["numberRecordsProcessed"] for each in seen] == [1_000, 2_000, 3_000, 3_000]
    assert [each["state"] for each in seen] == ["InProgress", "InProgress", "JobComplete", "JobComplete"]


@pytest.mark.parametrize("row", ["A0", "A150", "A199", "A200", "A650", f"A{ROWS - 1}"])
def test_a_job_whose_process_is_killed_at_any_row_writes_each_row_once(
    tmp_path: Path, bulk: "Bulk", row: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "STEP_RECORDS", 200)
    path = tmp_path / "org.db"
    first = EmulatedOrg(path, clock=Clock.fixed())
    client = type(bulk)(first)
    job = open_and_close(client)

    def kill() -> None:
        raise Killed

    at_row(first, job, row, kill)
    with pytest.raises(Killed):
        client.job(job)
    first.store.connection.close()
    second = EmulatedOrg(path, clock=Clock.fixed())
    again = type(bulk)(second)
    told = again.job(job)
    assert (told["state"], told["numberRecordsProcessed"]) == ("JobComplete", ROWS)
    names = second.store.execute('SELECT "Name" FROM "Account"')
    assert sorted(names) == sorted((f"A{n}",) for n in range(ROWS))
    assert [each[2] for each in again.result(job, "successfulResults")[1:]] == [f"A{n}" for n in range(ROWS)]
    second.close()


def test_a_step_that_another_process_did_is_not_done_again(tmp_path: Path, bulk: "Bulk") -> None:
    path = tmp_path / "org.db"
    first, second = EmulatedOrg(path), EmulatedOrg(path)
    job = open_and_close(type(bulk)(first), "Name\nA\n")
    found = jobs.find_job(second, job, jobs.Kind.INGEST)
    assert found is not None
    assert type(bulk)(first).job(job)["state"] == "JobComplete"
    assert work._step(second, found, None) == 0
    assert [row["Name"] for row in second.rows("Account")] == ["A"]
    assert type(bulk)(second).job(job)["numberRecordsProcessed"] == 1
    first.close()
    second.close()


def test_a_large_query_is_answered_whole_though_rows_come_and_go_on_the_way(
    bulk: "Bulk", org: EmulatedOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.emulator.bulk.extract.KEPT_RECORDS", 10)
    monkeypatch.setattr(work, "SOME_RECORDS", 20)
    made = [org.has("Account", Name=f"B{n:02}") for n in range(50)]
    job = bulk.query("SELECT Name FROM Account ORDER BY Name")
    org.settle()
    org.has("Account", Name="A")  # each of these does some more of it
    with org.transaction() as tx:
        tx.delete("Account", made[-1])
    told = bulk.job(job, "query")
    rows = [row[0] for row in bulk.page(job).rows[1:]]
    assert told["state"] == "JobComplete"
    assert told["numberRecordsProcessed"] == len(rows)
    assert rows in ([f"B{n:02}" for n in range(50)], [f"B{n:02}" for n in range(49)])


def test_a_query_whose_process_is_killed_is_begun_anew(
    tmp_path: Path, bulk: "Bulk", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.emulator.bulk.extract.KEPT_RECORDS", 10)
    monkeypatch.setattr(work, "SOME_RECORDS", 20)
    path = tmp_path / "org.db"
    first = EmulatedOrg(path)
    for n in range(50):
        first.has("Account", Name=f"B{n:02}")
    job = type(bulk)(first).query("SELECT Name FROM Account ORDER BY Name")
    first.settle()
    assert first.store.execute("SELECT sum(count) FROM _bulk_result") == [(20,)]
    first.store.connection.close()
    second = EmulatedOrg(path)
    again = type(bulk)(second)
    assert again.job(job, "query")["numberRecordsProcessed"] == 50
    assert [row[0] for row in again.page(job).rows[1:]] == [f"B{n:02}" for n in range(50)]
    second.close()
