"""Bulk API 2.0, reading: a query as a job, its pages, and what no bulk query may ask."""

from typing import TYPE_CHECKING

import pytest

from reconciler.emulator.bulk import extract
from reconciler.emulator.bulk.settings import configure
from reconciler.emulator.org import EmulatedOrg

if TYPE_CHECKING:
    from tests.emulator.bulk.conftest import Bulk


@pytest.fixture
def accounts(org: EmulatedOrg, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Seven accounts, kept three at a time."""
    monkeypatch.setattr(extract, "KEPT_RECORDS", 3)
    return [org.has("Account", Name=f"A{n}", AnnualRevenue=n) for n in range(7)]


def test_a_query_job_tells_the_same_facts_in_the_same_order_as_a_real_org(bulk: "Bulk") -> None:
    made = bulk.call("POST", "/query", {"operation": "query", "query": "select Id from account"}).json
    assert list(made) == [
        "id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state",
        "concurrencyMode", "contentType", "apiVersion", "lineEnding", "columnDelimiter",
    ]  # fmt: skip
    assert (made["object"], made["state"]) == ("Account", "UploadComplete")
    done = bulk.job(made["id"], "query")
    assert (done["state"], done["jobType"], done["numberRecordsProcessed"]) == ("JobComplete", "V2Query", 0)


def test_a_result_is_quoted_text_in_the_order_asked_for(bulk: "Bulk", org: EmulatedOrg) -> None:
    org.has("Account", Name='A "1"', AnnualRevenue=5)
    soql = "SELECT Name, AnnualRevenue, Owner.Alias, CreatedDate, IsDeleted, Phone, Parent.Name FROM Account"
    answer = bulk.page(bulk.query(soql))
    head, row = answer.text.splitlines()
    assert head == '"Name","AnnualRevenue","Owner.Alias","CreatedDate","IsDeleted","Phone","Parent.Name"'
    alias = org.rows("User", Id=org.admin_id)[0]["Alias"]
    assert row == f'"A ""1""","5.0","{alias}","2026-01-01T00:00:00.000Z","false","",""'
    assert answer.headers["Content-Type"] == "text/csv"


def test_pages_lead_to_the_next_until_the_text_null(bulk: "Bulk", accounts: list[str]) -> None:
    job = bulk.query("SELECT Id FROM Account")
    seen: list[str] = []
    locator, counts = "", []
    while locator != "null":
        answer = bulk.page(job, maxRecords="3", **({"locator": locator} if locator else {}))
        rows = answer.rows
        assert rows[0] == ["Id"]
        seen += [row[0] for row in rows[1:]]
        counts.append(answer.headers["Sforce-NumberOfRecords"])
        locator = answer.headers["Sforce-Locator"]
    assert seen == accounts
    assert counts == ["3", "3", "1"]


def test_a_page_is_the_same_when_rows_change(bulk: "Bulk", org: EmulatedOrg, accounts: list[str]) -> None:
    job = bulk.query("SELECT Id, Name FROM Account")
    first = bulk.page(job, maxRecords="2")
    with org.transaction() as transaction:
        transaction.delete("Account", accounts[0])
        transaction.update("Account", accounts[1], {"Name": "new"})
    assert bulk.page(job, maxRecords="2").text == first.text


def test_an_empty_result_has_its_header(bulk: "Bulk") -> None:
    answer = bulk.page(bulk.query("SELECT Id, Name FROM Account"))
    assert answer.text == '"Id","Name"\n'
    assert answer.headers["Sforce-NumberOfRecords"] == "0"
    assert answer.headers["Sforce-Locator"] == "null"


def test_addresses_of_five_pages_come_at_once(bulk: "Bulk", accounts: list[str]) -> None:
    job = bulk.query("SELECT Id FROM Account")
    first = bulk.call("GET", f"/query/{job}/resultPages?maxRecords=1").json
    assert (len(first["resultPages"]), first["done"]) == (5, False)
    second = bulk.call("GET", first["nextRecordsUrl"] + "&maxRecords=1").json
    assert (len(second["resultPages"]), second["done"], second["nextRecordsUrl"]) == (2, True, None)
    links = [each["resultLink"] for each in first["resultPages"] + second["resultPages"]]
    assert [bulk.call("GET", link).rows[1][0] for link in links] == accounts


def test_query_all_has_the_rows_in_the_bin(bulk: "Bulk", org: EmulatedOrg, accounts: list[str]) -> None:
    with org.transaction() as transaction:
        transaction.delete("Account", accounts[0])
    assert len(bulk.page(bulk.query("SELECT Id FROM Account")).rows) == 7
    assert len(bulk.page(bulk.query("SELECT Id FROM Account", "queryAll")).rows) == 8


def test_a_result_has_the_jobs_own_delimiter_and_line_ending(bulk: "Bulk", accounts: list[str]) -> None:
    job = bulk.query("SELECT Id, Name FROM Account LIMIT 1", columnDelimiter="PIPE", lineEnding="CRLF")
    assert bulk.page(job).text == f'"Id"|"Name"\r\n"{accounts[0]}"|"A0"\r\n'


def test_results_are_read_with_the_version_of_the_job(bulk: "Bulk") -> None:
    job = bulk.query("SELECT Id FROM Account")
    assert bulk.call("GET", f"/services/data/v59.0/jobs/query/{job}/results").status == 409
    assert bulk.page(job).status == 200


@pytest.mark.parametrize(
    ("soql", "code", "message"),
    [
        ("SELECT COUNT() FROM Account", "API_ERROR", "Aggregate queries"),
        ("SELECT Name FROM Account GROUP BY Name", "API_ERROR", "Aggregate queries"),
        ("SELECT MAX(AnnualRevenue) FROM Account", "API_ERROR", "Aggregate queries"),
        (
            "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
            "API_ERROR",
            "Aggregate Relationships not supported in Bulk V2 Query with CSV content type",
        ),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 1", "API_ERROR", "OFFSET"),
        ("SELECT Id FROM Account FOR VIEW", "API_ERROR", "FOR VIEW"),
        ("SELECT Id FROM Account WHERE Name = 'x' for  reference", "API_ERROR", "FOR REFERENCE"),
        (
            "SELECT BillingAddress FROM Account",
            "API_ERROR",
            "Selecting compound data not supported in Bulk Query",
        ),
        ("SELECT Body FROM Attachment", "API_ERROR", "Blob field not supported in Bulk V2 Query"),
        ("SELECT TYPEOF What WHEN Account THEN Phone END FROM Event", "API_ERROR", "TYPEOF"),
        ("SELECT Id FROM EntityDefinition", "INVALIDENTITY", "Entity 'EntityDefinition' is not supported by"),
        ("SELECT Foo FROM Account", "INVALID_FIELD", "\nSELECT Foo FROM Account"),
        ("SELECT Id FROM Foo", "INVALID_TYPE", "\nSELECT Id FROM Foo"),
        ("SELECT", "MALFORMED_QUERY", ""),
    ],
)
def test_a_query_that_no_job_runs_is_refused(bulk: "Bulk", soql: str, code: str, message: str) -> None:
    answer = bulk.call("POST", "/query", {"operation": "query", "query": soql})
    (told,) = answer.json
    assert (answer.status, told["errorCode"]) == (400, code)
    assert told["message"].startswith(message)
    assert bulk.call("GET", "/query").json["records"] == []


@pytest.mark.parametrize("params", ["locator=%21", "locator=OTk", "maxRecords=0", "maxRecords=x"])
def test_a_page_that_is_none_is_refused(bulk: "Bulk", accounts: list[str], params: str) -> None:
    job = bulk.query("SELECT Id FROM Account")
    assert bulk.call("GET", f"/query/{job}/results?{params}").status == 400


def test_a_query_job_is_aborted_and_deleted(bulk: "Bulk", org: EmulatedOrg) -> None:
    configure(org, queue_ms=1000)
    job = bulk.query("SELECT Id FROM Account")
    assert bulk.call("GET", f"/query/{job}/results").json[0]["errorCode"] == "INVALIDJOBSTATE"
    assert bulk.call("PATCH", f"/query/{job}", {"state": "Aborted"}).json["state"] == "Aborted"
    assert bulk.call("DELETE", f"/query/{job}").status == 204
    assert bulk.call("GET", f"/query/{job}").status == 404
    assert bulk.call("GET", f"/ingest/{job}").status == 404


def test_query_jobs_of_a_day_are_counted(bulk: "Bulk", org: EmulatedOrg) -> None:
    configure(org, daily_query_jobs=1)
    bulk.query("SELECT Id FROM Account")
    asked = {"operation": "query", "query": "SELECT Id FROM Account"}
    assert bulk.call("POST", "/query", asked).json[0]["errorCode"] == "LIMITEXCEEDED"
    assert len(bulk.call("GET", "/query").json["records"]) == 1
    org.clock.advance(25 * 3_600_000)
    other = type(bulk)(org)
    assert other.call("POST", "/query", asked).status == 200


def test_a_small_page_may_be_compressed(bulk: "Bulk", org: EmulatedOrg, accounts: list[str]) -> None:
    for n in range(200):
        org.has("Account", Name=f"a long enough name {n}")
    job = bulk.query("SELECT Id, Name FROM Account")
    answer = bulk.call("GET", f"/query/{job}/results", accept_encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Sforce-NumberOfRecords"] == "207"
