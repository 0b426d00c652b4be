"""Time and trouble: delays by the org's clock, stalls, refused rows, killed processes, forks."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.emulator.bulk import jobs, loading, work
from reconciler.emulator.bulk.settings import Settings, configure
from reconciler.emulator.clock import Clock
from reconciler.emulator.org import EmulatedOrg

if TYPE_CHECKING:
    from tests.emulator.bulk.conftest import Bulk

THREE_BATCHES = "Name\n" + "".join(f"A{n}\n" for n in range(25))


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "BATCH_RECORDS", 10)


def test_a_job_takes_the_time_it_is_told_to(bulk: "Bulk", org: EmulatedOrg, small_batches: None) -> None:
    configure(org, queue_ms=500, batch_ms=1000)
    job = bulk.ingest(THREE_BATCHES)
    seen = []
    for step in (0, 499, 1, 999, 1, 1000, 1000):
        org.clock.advance(step)
        told = bulk.job(job)
        seen.append((told["state"], told["numberRecordsProcessed"]))
        assert len(org.rows("Account")) == told["numberRecordsProcessed"]
    assert seen == [
        ("UploadComplete", 0),
        ("UploadComplete", 0),
        ("InProgress", 0),
        ("InProgress", 0),
        ("InProgress", 10),
        ("InProgress", 20),
        ("JobComplete", 25),
    ]
    assert bulk.job(job)["totalProcessingTime"] == 3000


def test_a_job_aborted_on_the_way_keeps_what_is_written(
    bulk: "Bulk", org: EmulatedOrg, small_batches: None
) -> None:
    configure(org, batch_ms=1000)
    job = bulk.ingest(THREE_BATCHES)
    bulk.job(job)
    org.clock.advance(1000)
    assert bulk.call("PATCH", f"/ingest/{job}", {"state": "Aborted"}).status == 200
    org.clock.advance(10_000)
    assert len(org.rows("Account")) == 10
    assert len(bulk.result(job, "successfulResults")) == 11
    assert [row[0] for row in bulk.result(job, "unprocessedrecords")] == [
        "Name",
        *(f"A{n}" for n in range(10, 25)),
    ]


def test_results_of_many_batches_and_parts_are_in_order(
    bulk: "Bulk", org: EmulatedOrg, small_batches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "CHUNK_RECORDS", 4)
    from reconciler.emulator.bulk import csvform

    monkeypatch.setattr(csvform.parts, "__defaults__", (7,))
    rows = [f"A{n}" if n % 7 else "" for n in range(40)]
    job = bulk.ingest("Name,Phone\n" + "".join(f"{name},{n}\n" for n, name in enumerate(rows)))
    assert [row[3] for row in bulk.result(job, "successfulResults")[1:]] == [
        str(n) for n in range(40) if n % 7
    ]
    assert [row[3] for row in bulk.result(job, "failedResults")[1:]] == [str(n) for n in range(0, 40, 7)]
    by_id = {row["Id"]: row["Phone"] for row in org.rows("Account")}
    assert all(by_id[row[0]] == row[3] for row in bulk.result(job, "successfulResults")[1:])


def test_a_stalled_job_goes_on_when_the_faults_are_cleared(bulk: "Bulk", org: EmulatedOrg) -> None:
    bulk.faults.add("stall", method="PATCH", path="jobs/ingest")
    job = bulk.ingest("Name\nA\n")
    assert bulk.job(job)["state"] == "UploadComplete"
    assert org.rows("Account") == []
    bulk.faults.clear()
    assert bulk.job(job)["state"] == "JobComplete"
    assert len(org.rows("Account")) == 1


def test_a_fault_fails_rows_of_a_job_and_of_no_other(bulk: "Bulk", org: EmulatedOrg) -> None:
    reply = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "No B", "fields": ["Name"]}
    bulk.faults.add("fail_rows", method="PUT", path="/batches", rows=["B"], reply=reply)
    job = bulk.ingest("Name\nA\nB\nC\n")
    assert bulk.errors(job) == ["FIELD_CUSTOM_VALIDATION_EXCEPTION:No B:Name --"]
    assert [row["Name"] for row in org.rows("Account")] == ["A", "C"]
    assert bulk.errors(bulk.ingest("Name\nB\n")) == []


def test_a_lock_fails_the_rows_it_is_for(bulk: "Bulk", org: EmulatedOrg) -> None:
    account, other = org.has("Account", Name="A"), org.has("Account", Name="B")
    bulk.faults.add("lock", path="jobs/ingest", rows=[account], times=None)
    job = bulk.ingest(f"Id,Phone\n{account},1\n{other},2\n", operation="update")
    assert bulk.errors(job) == [
        f"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: {account}:--"
    ]
    assert [row["Phone"] for row in org.rows("Account")] == [None, "2"]


def test_a_killed_process_goes_on_where_the_last_batch_ended(
    tmp_path: Path, bulk: "Bulk", small_batches: None
) -> None:
    path = tmp_path / "org.db"
    first = EmulatedOrg(path, clock=Clock.fixed())
    configure(first, batch_ms=1000)
    client = type(bulk)(first)
    job = client.ingest(THREE_BATCHES)
    client.job(job)
    first.clock.advance(1000)
    assert client.job(job)["numberRecordsProcessed"] == 10
    stopped_at = first.clock.now_ms()
    first.store.connection.close()  # as a kill would, without any good-bye
    second = EmulatedOrg(path, clock=Clock.fixed(stopped_at + 60_000))
    again = type(bulk)(second)
    told = again.job(job)
    assert (told["state"], told["numberRecordsProcessed"]) == ("JobComplete", 25)
    assert sorted(row["Name"] for row in second.rows("Account")) == sorted(f"A{n}" for n in range(25))
    assert len(again.result(job, "successfulResults")) == 26
    second.close()


def test_a_fork_has_the_jobs_and_goes_its_own_way(bulk: "Bulk", org: EmulatedOrg) -> None:
    configure(org, queue_ms=1000)
    job = bulk.ingest("Name\nA\n")
    twin = org.fork()
    other = type(bulk)(twin)
    twin.clock.advance(1000)
    assert other.job(job)["state"] == "JobComplete"
    assert bulk.job(job)["state"] == "UploadComplete"
    assert org.rows("Account") == []


def test_a_mistake_of_ours_fails_the_job_and_nobody_elses_call(
    bulk: "Bulk", org: EmulatedOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(work, "_write_csv", broken)
    job = bulk.ingest("Name\nA\n")
    assert bulk.call("GET", "/services/data/v60.0/query?q=SELECT+Id+FROM+Account").status == 200
    told = bulk.job(job)
    assert (told["state"], told["numberRecordsProcessed"]) == ("Failed", 0)
    assert told["errorMessage"].startswith("UnknownError")


def test_nothing_happens_inside_a_transaction_that_may_be_undone(bulk: "Bulk", org: EmulatedOrg) -> None:
    job = bulk.open()
    bulk.upload(job, "Name\nA\n")
    with pytest.raises(RuntimeError), org.transaction() as transaction:
        found = jobs.find_job(org, job, jobs.Kind.INGEST)
        assert found is not None
        found.state, found.due_ms = jobs.State.UPLOAD_COMPLETE, org.clock.now_ms()
        jobs.save(org, found)
        assert org.query("SELECT Id FROM Account").records == []
        transaction.insert("Account", {"Name": "B"})
        raise RuntimeError
    assert bulk.job(job)["state"] == "Open"
    assert org.rows("Account") == []


def test_jobs_are_forgotten_after_seven_days(bulk: "Bulk", org: EmulatedOrg) -> None:
    job = bulk.ingest("Name\nA\n")
    org.clock.advance(jobs.KEPT_MS)
    later = type(bulk)(org)
    assert later.call("GET", f"/ingest/{job}").status == 404
    assert later.call("GET", "/ingest").json["records"] == []
    later.open()
    assert org.store.execute("SELECT COUNT(*) FROM _bulk_upload") == [(0,)]


@pytest.mark.parametrize("wrong", [{"nothing": 1}, {"queue_ms": -1}, {"queue_ms": "1"}])
def test_a_setting_that_is_none_is_refused(org: EmulatedOrg, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no setting"):
        configure(org, **wrong)
    assert configure(org) == Settings()
