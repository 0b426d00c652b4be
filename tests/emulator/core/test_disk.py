"""A disk that is full: calls are refused clearly, nothing is half written, all goes on when there is room."""

import gzip
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
import requests

from reconciler.emulator.http import sessions
from reconciler.emulator.http.faults import Delivery, Faults, deliver
from reconciler.emulator.http.jsonform import write_json
from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.http.server import Server
from reconciler.emulator.org import EmulatedOrg

DATA = "/services/data/v60.0"
LARGE = [
    {"attributes": {"type": "Account"}, "Name": f"A{n}", "Description": "x" * 30_000} for n in range(200)
]
CSV = "Name,Description\n" + "".join(f"B{n},{'y' * 3_000}\n" for n in range(2_500))


@pytest.fixture
def org(tmp_path: Path) -> Iterator[EmulatedOrg]:
    made = EmulatedOrg(tmp_path / "org.db")
    yield made
    made.close()


@contextmanager
def full_disk(org: EmulatedOrg) -> Iterator[None]:
    """The file may grow by a megabyte."""
    (pages,) = org.store.execute("PRAGMA page_count")[0]
    org.store.execute(f"PRAGMA max_page_count = {pages + 256}")
    yield
    org.store.execute("PRAGMA max_page_count = 1073741823")


def call(
    org: EmulatedOrg, method: str, path: str, body: object = None, kind: str = "application/json"
) -> Delivery:
    token = sessions.open_session(org, org.admin_id)
    headers = Headers({"authorization": f"Bearer {token}", "content-type": kind})
    raw = body.encode() if isinstance(body, str) else b"" if body is None else write_json(body)
    return deliver(org, Request(method=method, path=DATA + path, headers=headers, body=raw), Faults())


def sound(org: EmulatedOrg) -> bool:
    return org.store.execute("PRAGMA integrity_check") == [("ok",)]


def test_a_call_for_which_there_is_no_room_is_refused_clearly_and_undone(org: EmulatedOrg) -> None:
    with full_disk(org):
        refused = call(org, "POST", "/composite/sobjects", {"allOrNone": False, "records": LARGE})
        assert refused.status == 503
        assert b"SERVER_UNAVAILABLE" in refused.body
        assert b"database or disk is full" in refused.body
        assert not org.store.in_transaction
        assert org.rows("Account") == []
        assert call(org, "POST", "/sobjects/Account", {"Name": "small"}).status == 201
    assert call(org, "POST", "/composite/sobjects", {"allOrNone": False, "records": LARGE}).status == 200
    assert len(org.rows("Account")) == 201
    assert sound(org)


def test_a_bulk_job_waits_for_room_and_others_do_not_notice(org: EmulatedOrg) -> None:
    made = call(org, "POST", "/jobs/ingest", {"object": "Account", "operation": "insert"})
    job = "/jobs/ingest/" + made.body.decode().partition('"id":"')[2][:18]
    assert call(org, "PUT", f"{job}/batches", CSV, "text/csv").status == 201
    assert call(org, "PATCH", job, {"state": "UploadComplete"}).status == 200
    with full_disk(org):
        for _ in range(2):
            told = call(org, "GET", job)
            assert told.status == 200
            assert b'"state":"JobComplete"' not in told.body
            assert call(org, "GET", "/sobjects/Account/describe").status == 200
    told = call(org, "GET", job)
    assert b'"state":"JobComplete"' in told.body
    assert b'"numberRecordsFailed":0' in told.body
    assert len(org.rows("Account")) == 2_500
    assert sound(org)


def test_a_transaction_that_sqlite_has_undone_leaves_the_store_usable(org: EmulatedOrg) -> None:
    before = org.store.state()
    full = pytest.raises(sqlite3.OperationalError, match="full")
    with full_disk(org), full, org.store.transaction(), org.store.transaction():
        org.store.execute("CREATE TABLE _much AS SELECT zeroblob(10000000)")
    assert org.store.state() != before
    assert org.store.execute("SELECT 1 FROM sqlite_master WHERE name = '_much'") == []
    with org.transaction() as tx:
        tx.insert("Account", {"Name": "A"})
    assert len(org.rows("Account")) == 1


def no_file() -> BinaryIO:
    raise FileNotFoundError(2, "No usable temporary directory found")


def full_file() -> BinaryIO:
    return Path("/dev/full").open("r+b")


@pytest.mark.parametrize("make_file", [no_file, full_file])
@pytest.mark.parametrize("what", ["upload", "collection", "packed"])
def test_a_large_request_that_cannot_be_kept_is_refused_clearly(
    org: EmulatedOrg, monkeypatch: pytest.MonkeyPatch, make_file: Callable[[], BinaryIO], what: str
) -> None:
    with Server(org) as server, requests.Session() as client:
        client.trust_env = False
        client.headers["Authorization"] = f"Bearer {sessions.open_session(org, org.admin_id)}"
        address = server.url + DATA
        job = client.post(f"{address}/jobs/ingest", json={"object": "Account", "operation": "insert"}).json()
        upload = f"{address}/jobs/ingest/{job['id']}/batches"
        json_type, csv_type = {"Content-Type": "application/json"}, {"Content-Type": "text/csv"}
        monkeypatch.setattr("tempfile.TemporaryFile", make_file)
        if what == "upload":
            refused = client.put(upload, CSV.encode(), headers=csv_type)
        elif what == "packed":
            packed = gzip.compress(CSV.encode())
            refused = client.put(upload, packed, headers={**csv_type, "Content-Encoding": "gzip"})
        else:
            body = write_json({"allOrNone": True, "records": LARGE})
            refused = client.post(f"{address}/composite/sobjects", body, headers=json_type)
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (503, "SERVER_UNAVAILABLE")
        assert org.rows("Account") == []
        monkeypatch.undo()
        assert client.put(upload, CSV.encode(), headers=csv_type).status_code == 201
