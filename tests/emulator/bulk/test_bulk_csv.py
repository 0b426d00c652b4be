"""The CSV that bulk loads read: what is a record, what fails a row, what fails the job."""

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator.bulk import csvform
from reconciler.emulator.bulk.refusals import BatchFailed
from reconciler.emulator.org import EmulatedOrg

if TYPE_CHECKING:
    from tests.emulator.bulk.conftest import Bulk

PARSE = "InvalidBatch : Failed to parse CSV. "


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("Name\nA\n", ["A"]),
        ("Name\nA", ["A"]),
        ("\n\nName\n\nA\n\n\n", ["A"]),
        ('"Name"\n"A, ""b"""\n', ['A, "b"']),
        ('Name\n"two\nlines"\n', ["two\nlines"]),
        (" Name , Phone \nA,1\n", ["A"]),
        ("NAME\nÄö\n", ["Äö"]),
        ("Name,Phone\nA\n", ["A"]),
    ],
)
def test_what_can_be_read_is_written(bulk: "Bulk", org: EmulatedOrg, content: str, names: list[str]) -> None:
    job = bulk.ingest(content)
    assert bulk.job(job)["state"] == "JobComplete", bulk.job(job)
    assert [row["Name"] for row in org.rows("Account")] == names


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Foo\nA\n", "InvalidBatch : Field name not found : Foo"),
        ("Name,Parent.Phone\nA,1\n", "InvalidBatch : Field name not found : Parent.Phone"),
        ("Name,Parent:Account:Name\nA,1\n", "InvalidBatch : Field name not found : Parent:Account:Name"),
        (
            "Name,Owner.Manager.Username\nA,1\n",
            "InvalidBatch : Field name not found : Owner.Manager.Username",
        ),
        ("Name,name\nA,B\n", "InvalidBatch : Field name duplicated : name"),
        ("Name,\nA,\n", "InvalidBatch : Field name not found : "),
        ("\ufeffName\nA\n", "InvalidBatch : Field name not found : \ufeffName"),
        (
            '\ufeff"Name"\nA\n',
            PARSE + "Found unescaped quote. A value with quote should be within a quote",
        ),
        ('Name\n5" pipe\n', PARSE + "Found unescaped quote. A value with quote should be within a quote"),
        ('Name\n"A" b\n', PARSE + "Not expecting more text after end quote"),
        ('Name\n"A\n', PARSE + "EOF reached before closing an opened quote"),
        (f"Name\n{'x' * 131_073}\n", PARSE + "Exceeded max field size: 131072"),
        ("Name\nA,B\n", PARSE + "Found 2 values in a record, but 1 columns"),
        (
            "Name\r\nA\r\n",
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
    ],
)
def test_what_cannot_be_read_fails_the_job(
    bulk: "Bulk", org: EmulatedOrg, content: str, message: str
) -> None:
    job = bulk.ingest(content)
    done = bulk.job(job)
    assert (done["state"], done["errorMessage"]) == ("Failed", message)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (0, 0)
    assert org.rows("Account") == []


def test_a_job_with_crlf_refuses_lf(bulk: "Bulk") -> None:
    job = bulk.ingest("Name\nA\n", lineEnding="CRLF")
    assert bulk.job(job)["errorMessage"].endswith("Current LineEnding setting is CRLF")
    good = bulk.ingest("Name\r\nA\r\n", lineEnding="CRLF")
    answer = bulk.call("GET", f"/ingest/{good}/successfulResults")
    assert answer.text.count("\r\n") == answer.text.count("\n") == 2


@pytest.mark.parametrize(("name", "mark"), csvform.DELIMITERS.items())
def test_results_have_the_jobs_own_delimiter(bulk: "Bulk", name: str, mark: str) -> None:
    job = bulk.ingest(f"Name{mark}Phone\nA{mark}1\n", columnDelimiter=name)
    answer = bulk.call("GET", f"/ingest/{job}/successfulResults")
    head, row = answer.text.splitlines()
    assert head == mark.join(['"sf__Id"', '"sf__Created"', "Name", "Phone"])
    assert row.endswith(mark.join(['"true"', '"A"', '"1"']))


def test_values_come_back_as_they_were_sent(bulk: "Bulk") -> None:
    job = bulk.ingest('Name,Phone\n"A ""1"", x",#N/A\n"",\n"#N/A",3\n')
    assert bulk.result(job, "successfulResults")[1][2:] == ['A "1", x', "#N/A"]
    assert [row[2:] for row in bulk.result(job, "failedResults")[1:]] == [["", ""], ["#N/A", "3"]]


def test_an_upload_that_cannot_be_read_comes_back_as_it_came(bulk: "Bulk") -> None:
    content = 'Name\n5" pipe\n'
    failed = bulk.ingest(content)
    assert bulk.job(failed)["state"] == "Failed"
    aborted = bulk.open()
    bulk.upload(aborted, content)
    bulk.call("PATCH", f"/ingest/{aborted}", {"state": "Aborted"})
    for job in (failed, aborted):
        assert bulk.call("GET", f"/ingest/{job}/unprocessedrecords").text == content


CELLS = st.text(st.sampled_from('ab,"\n;é '), max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=12), st.integers(1, 40), st.integers(1, 60))
def test_however_an_upload_comes_and_is_cut_its_records_are_the_same(
    rows: list[list[str]], size: int, piece: int
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    body = text.getvalue().encode()
    pieces = [body[at : at + piece] for at in range(0, len(body), piece)]
    parts = list(csvform.parts(pieces, size))
    assert parts == list(csvform.parts([body], size))
    assert b"".join(parts) == body
    assert [each for part in parts for each in csvform.read_records(part, ",")] == rows


@pytest.mark.parametrize("line", [b"a,b\r", b"ab"])
def test_an_upload_without_line_feeds_is_cut_too(monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    monkeypatch.setattr(csvform, "LONGEST_BYTES", 1_000)
    body = line * 4_000
    parts = list(csvform.parts((body[at : at + 700] for at in range(0, len(body), 700)), 2_000))
    assert b"".join(parts) == body
    assert max(map(len, parts)) <= 4_000
    assert all(each.endswith(b"\r") for each in parts) is line.endswith(b"\r")


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from('a,"\n\r'), max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        records = csvform.read_records(text.encode(), ",")
    except BatchFailed as refused:
        assert str(refused).startswith(PARSE)
    else:
        assert all(isinstance(cell, str) for record in records for cell in record)


def test_bytes_that_are_no_utf_8_are_replaced(bulk: "Bulk", org: EmulatedOrg) -> None:
    bulk.ingest(b"Name\nA\xff\n")
    assert [row["Name"] for row in org.rows("Account")] == ["A\ufffd"]
