"""Large uploads and results over HTTP and through the adapter: in pieces, and the same as small ones."""

import gzip
import http.client
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from reconciler.emulator.bulk import uploads, work
from reconciler.emulator.bulk.results import ResultGone
from reconciler.emulator.bulk.settings import configure
from reconciler.emulator.http import envelope, sessions, spool
from reconciler.emulator.http.adapter import EmulatorAdapter
from reconciler.emulator.http.server import Server
from reconciler.emulator.ids import parse
from reconciler.emulator.org import EmulatedOrg

if TYPE_CHECKING:
    from tests.emulator.bulk.conftest import Answer, Bulk

ROWS = 400
CONTENT = "Name,Description\n" + "".join(f'A{n},"line one\nof ""{n}"""\n' for n in range(ROWS))
Way = Callable[..., requests.Response]


@pytest.fixture(params=["served", "in this process"])
def way(request: pytest.FixtureRequest, org: EmulatedOrg) -> Iterator[Way]:
    """A call of the administrator by an unmodified client, over a port or not."""
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {sessions.open_session(org, org.admin_id)}"

    def call(method: str, path: str, **more: object) -> requests.Response:
        return session.request(method, f"{root}/services/data/v60.0/jobs{path}", **more)  # type: ignore[arg-type]  # whatever requests takes

    if request.param == "served":
        with Server(org) as server, session:
            root = server.url
            yield call
    else:
        root = "https://acme.example"
        session.mount(root, EmulatorAdapter(org))
        yield call


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MEMORY_BYTES", 1_000)
    monkeypatch.setattr("reconciler.emulator.http.server.MEMORY_BYTES", 1_000)
    monkeypatch.setattr(spool, "PIECE_BYTES", 700)
    monkeypatch.setattr("reconciler.emulator.http.server.PIECE_BYTES", 700)
    monkeypatch.setattr(envelope, "HELD_BYTES", 2_000)
    monkeypatch.setattr("reconciler.emulator.bulk.csvform.GATHERED_LINES", 30)
    monkeypatch.setattr("reconciler.emulator.bulk.csvform.parts.__defaults__", (2_000,))
    monkeypatch.setattr(uploads, "PARTS_AT_ONCE", 2)


def pieces(content: bytes) -> Iterator[bytes]:
    yield from (content[at : at + 333] for at in range(0, len(content), 333))


@pytest.mark.parametrize("form", ["with its length", "in chunks", "compressed", "a file"])
def test_a_large_upload_is_kept_as_a_small_one_is(
    bulk: "Bulk", org: EmulatedOrg, way: Way, form: str, tmp_path: Path
) -> None:
    job = bulk.open()
    content = CONTENT.encode()
    headers = {"Content-Type": "text/csv"}
    if form == "with its length":
        answer = way("PUT", f"/ingest/{job}/batches", data=content, headers=headers)
    elif form == "in chunks":
        answer = way("PUT", f"/ingest/{job}/batches", data=pieces(content), headers=headers)
    elif form == "a file":
        path = tmp_path / "rows.csv"
        path.write_bytes(content)
        with path.open("rb") as file:
            answer = way("PUT", f"/ingest/{job}/batches", data=file, headers=headers)
    else:
        headers["Content-Encoding"] = "gzip"
        answer = way("PUT", f"/ingest/{job}/batches", data=gzip.compress(content, 0), headers=headers)
    assert (answer.status_code, answer.content) == (201, b"")
    assert uploads.whole(org, parse(job) or 0) == content
    again = way("PUT", f"/ingest/{job}/batches", data=content, headers={"Content-Type": "text/csv"})
    assert (again.status_code, again.json()[0]["errorCode"]) == (400, "BULK_API_ERROR")
    bulk.close(job)
    assert bulk.job(job)["numberRecordsProcessed"] == ROWS
    assert org.rows("Account", Name="A7")[0]["Description"] == 'line one\nof "7"'


@pytest.mark.parametrize("compressed", [False, True])
def test_a_large_result_is_the_same_in_pieces(bulk: "Bulk", way: Way, compressed: bool) -> None:
    job = bulk.ingest(CONTENT)
    bulk.job(job)
    query = bulk.query("SELECT Name, Description FROM Account ORDER BY Name")
    bulk.job(query, "query")
    headers = {"Accept-Encoding": "gzip" if compressed else "identity"}
    for path in (f"/ingest/{job}/successfulResults", f"/query/{query}/results"):
        answer = way("GET", path, headers=headers)
        assert answer.content == bulk.call("GET", path).body
        assert "Content-Length" not in answer.headers
        assert answer.headers.get("Content-Encoding") == ("gzip" if compressed else None)
        assert answer.headers["Content-Type"] == "text/csv"
        with way("GET", path, headers=headers, stream=True) as streamed:
            assert b"".join(streamed.iter_content(100)) == answer.content
    assert answer.headers["Sforce-NumberOfRecords"] == str(ROWS)
    assert way("GET", f"/ingest/{job}/failedResults").headers["Content-Length"] == "38"


def test_a_client_of_http_1_0_gets_a_large_result_until_the_connection_ends(bulk: "Bulk") -> None:
    job = bulk.ingest(CONTENT)
    expected = bulk.call("GET", f"/ingest/{job}/successfulResults").body
    with Server(bulk.org) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined]  # there is no other way to have it speak the old version
        path = f"/services/data/v60.0/jobs/ingest/{job}/successfulResults"
        connection.request("GET", path, headers={"Authorization": f"Bearer {bulk.token}"})
        reply = connection.getresponse()
        assert reply.read() == expected
        assert reply.headers["Transfer-Encoding"] is None


def test_a_result_of_which_a_part_is_gone_does_not_look_whole(
    bulk: "Bulk", org: EmulatedOrg, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "STEP_RECORDS", 100)
    job = bulk.ingest(CONTENT)
    bulk.job(job)
    org.store.execute("DELETE FROM _bulk_result WHERE first >= 300")  # as when it is forgotten meanwhile
    with pytest.raises((requests.exceptions.ChunkedEncodingError, ResultGone)):
        way("GET", f"/ingest/{job}/successfulResults")
    assert way("GET", f"/ingest/{job}").json()["numberRecordsProcessed"] == ROWS


@pytest.mark.parametrize("compressed", [False, True])
def test_an_upload_that_is_too_large_is_refused_and_nothing_of_it_kept(
    bulk: "Bulk", org: EmulatedOrg, way: Way, compressed: bool
) -> None:
    configure(org, upload_bytes=5_000)
    job = bulk.open()
    headers = {"Content-Type": "text/csv"}
    data = CONTENT.encode()
    if compressed:
        headers["Content-Encoding"] = "gzip"
        data = gzip.compress(data)
    answer = way("PUT", f"/ingest/{job}/batches", data=data, headers=headers)
    assert answer.status_code == 413
    assert answer.json() == [
        {"errorCode": "CLIENTINPUTERROR", "message": "The upload of a job may have 5000 bytes"}
    ]
    assert not uploads.is_kept(org, parse(job) or 0)
    assert org.store.execute("SELECT COUNT(*) FROM _bulk_upload") == [(0,)]


def test_a_body_larger_than_any_is_counted_and_refused_by_every_endpoint(
    bulk: "Bulk", way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "LARGEST_BODY_BYTES", 50_000)
    monkeypatch.setattr("reconciler.emulator.http.routing.BODY_BYTES", 50_000)
    job = bulk.open()
    bomb = gzip.compress(b"x" * 5_000_000)
    headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    monkeypatch.setattr("reconciler.emulator.http.endpoints.bulk2_ingest.LARGEST_BODY_BYTES", 50_000)
    for data, more in ((bomb, headers), (b"x" * 60_000, {"Content-Type": "text/csv"})):
        answer = way("PUT", f"/ingest/{job}/batches", data=data, headers=more)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (413, "CLIENTINPUTERROR")
    assert bulk.upload(job, "Name\nA\n").status == 201


@pytest.mark.parametrize("damage", ["not compressed", "cut", "damaged"])
def test_what_is_not_gzip_is_refused(bulk: "Bulk", org: EmulatedOrg, way: Way, damage: str) -> None:
    job = bulk.open()
    packed = gzip.compress(CONTENT.encode(), 0)
    data = {"not compressed": CONTENT.encode(), "cut": packed[:-9], "damaged": packed[:-8] + b"12345678"}
    headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    answer = way("PUT", f"/ingest/{job}/batches", data=data[damage], headers=headers)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    assert not uploads.is_kept(org, parse(job) or 0)


def test_of_two_uploads_to_one_job_at_once_the_first_to_begin_is_refused(
    bulk: "Bulk", org: EmulatedOrg
) -> None:
    job = bulk.open()
    answers: list[Answer] = []

    def interrupted() -> Iterator[bytes]:
        yield from pieces(CONTENT.encode())
        answers.append(bulk.upload(job, "Name\nB\n"))
        yield b"C,\n"

    assert not uploads.keep_large(org, parse(job) or 0, interrupted())
    assert answers[0].status == 201
    assert uploads.whole(org, parse(job) or 0) == b"Name\nB\n"


def test_an_upload_whose_process_died_is_none(bulk: "Bulk", org: EmulatedOrg) -> None:
    class Killed(BaseException):
        """Nobody catches it."""

    def dying() -> Iterator[bytes]:
        yield from pieces(CONTENT.encode())
        raise Killed

    first, second = bulk.open(), bulk.open()
    for job in (first, second):
        with pytest.raises(Killed):
            uploads.keep_large(org, parse(job) or 0, dying())
        assert org.store.execute("SELECT COUNT(*) FROM _bulk_upload WHERE owner = ?", (parse(job),)) != [(0,)]
    assert bulk.upload(first, "Name\nA\n").status == 201
    for job in (first, second):
        bulk.close(job)
    assert [bulk.job(each)["numberRecordsProcessed"] for each in (first, second)] == [1, 0]
    assert [row["Name"] for row in org.rows("Account")] == ["A"]


def test_pieces_are_unpacked_as_zlib_does_it_whole() -> None:
    content = bytes(range(256)) * 1_000 + b"0" * 3_000_000
    packed = gzip.compress(content) + gzip.compress(b"more") + b"\0\0"
    for size in (1, 7, 5_000, len(packed)):
        cut = (packed[at : at + size] for at in range(0, len(packed), size))
        assert b"".join(spool.unzipped(cut)) == content + b"more"
    zipped = b"".join(spool.zipped(iter([content, b"more"]), 1))
    assert zlib.decompress(zipped, spool.GZIP_WINDOW) == content + b"more"
