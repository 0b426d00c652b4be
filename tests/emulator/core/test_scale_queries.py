"""Claims about large results and tables: what is read of them, and by which index."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from reconciler.emulator import ids
from reconciler.emulator.clock import Clock
from reconciler.emulator.http import sessions
from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.http.service import handle
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field
from reconciler.emulator.soql import run
from reconciler.emulator.soql.rows import RowPlan
from reconciler.emulator.soql.run import plan_query

ROWS = 450


@pytest.fixture(scope="module")
def base() -> Iterator[EmulatedOrg]:
    org = EmulatedOrg(clock=Clock.fixed())
    key = Field(
        name="Key__c", type="string", label="Key", length=20, custom=True, external_id=True, unique=True
    )
    org.additions.add_fields("Account", [key])
    with org.transaction() as tx:
        for at in range(ROWS):
            tx.insert("Account", {"Name": f"{at % 7} {at}", "Key__c": f"K{at}", "Site": "s"})
        parent = tx.upsert("Account", "Key__c", "K0", {})[0]
        for at in range(3):
            tx.insert("Contact", {"LastName": f"L{at}", "AccountId": parent})
    yield org
    org.close()


@pytest.fixture
def org(base: EmulatedOrg, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatedOrg]:
    """Results count as large from 300 rows on."""
    monkeypatch.setattr(run, "ROWS_AT_ONCE", 300)
    twin = base.fork()
    yield twin
    twin.close()


QUERIES = (
    "SELECT Id, Name, Owner.Name FROM Account",
    "SELECT Name, (SELECT LastName FROM Contacts) FROM Account ORDER BY Name DESC",
    "SELECT Id FROM Account WHERE (Site = 's' AND Name != 'x') OR Key__c > 'K2' ORDER BY Name LIMIT 400",
    "SELECT FIELDS(STANDARD) FROM Account WHERE Owner.Alias != 'x' ORDER BY Owner.Name LIMIT 350 OFFSET 20",
    "SELECT Name FROM Account LIMIT 301",
    "SELECT Name FROM Account LIMIT 300",
)


@pytest.mark.parametrize("soql", QUERIES)
def test_a_large_result_reads_as_a_small_one(base: EmulatedOrg, org: EmulatedOrg, soql: str) -> None:
    large = org.query(soql)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "ROWS_AT_ONCE", 10_000)
        small = base.query(soql)
    assert len(large.records) == large.total_size == len(small.records)
    assert list(large.records) == list(small.records)
    assert large.records[7:30] == small.records[7:30]
    assert large.records[-1] == small.records[-1]


class Client:
    def __init__(self, org: EmulatedOrg) -> None:
        self._org = org
        token = sessions.open_session(org, org.admin_id)
        self._headers = Headers({"Authorization": f"Bearer {token}", "Sforce-Query-Options": "batchSize=200"})

    def get(self, address: str) -> Any:
        path, _, query = address.partition("?")
        return handle(self._org, Request(method="GET", path=path, query=query, headers=self._headers)).value

    def pages(self, soql: str) -> Iterator[Any]:
        page = self.get(f"/services/data/v64.0/query?q={quote(soql)}")
        yield page
        while not page["done"]:
            page = self.get(page["nextRecordsUrl"])
            yield page


def test_pages_of_a_large_result_have_each_row_once_though_rows_come_and_go_meanwhile(
    org: EmulatedOrg,
) -> None:
    expected = [row["Name"] for row in org.query("SELECT Name FROM Account ORDER BY Name").records]
    pages = Client(org).pages("SELECT Name FROM Account ORDER BY Name")
    first = next(pages)
    org.has("Account", Name="0 0 new")
    rest = list(pages)
    assert [each["totalSize"] for each in (first, *rest)] == [ROWS] * 3
    assert [len(each["records"]) for each in (first, *rest)] == [200, 200, 50]
    assert [row["Name"] for each in (first, *rest) for row in each["records"]] == expected


def test_a_page_reads_its_own_rows_and_no_others(org: EmulatedOrg) -> None:
    pages = Client(org).pages("SELECT Name FROM Account ORDER BY Name")
    next(pages)
    seen: list[str] = []
    org.store.connection.set_trace_callback(seen.append)
    second = next(pages)
    org.store.connection.set_trace_callback(None)
    (read,) = [each for each in seen if '"Account"' in each]
    listed = json.loads(read[read.index("json_each('") + 11 : read.rindex("'")])
    assert [ids.to_text(each) for each in listed] == [
        row["attributes"]["url"].rpartition("/")[2] for row in second["records"]
    ]


def query_plan(org: EmulatedOrg, soql: str) -> str:
    plan = plan_query(org, soql, all_rows=False, user_id=org.admin_id, version="64.0")
    rows = org.store.execute(f"EXPLAIN QUERY PLAN {plan.sql}", plan.params)
    assert isinstance(plan, RowPlan)
    return " | ".join(str(row[3]) for row in rows)


SEARCHED = (
    ("SELECT Name FROM Account WHERE Id = '001Hu0000000001IAA'", "PRIMARY KEY"),
    ("SELECT Name FROM Account WHERE Id IN ('001Hu0000000001IAA', '001Hu0000000002IAA')", "PRIMARY KEY"),
    ("SELECT Name FROM Account WHERE Key__c = 'K7'", "_Account_Key__c"),
    ("SELECT Name FROM Account WHERE Key__c IN ('K7', 'k8')", "_Account_Key__c"),
    ("SELECT LastName FROM Contact WHERE AccountId = '001Hu0000000001IAA'", "_Contact_AccountId"),
    (
        "SELECT LastName FROM Contact WHERE AccountId = '001Hu0000000001IAA' ORDER BY LastName",
        "_Contact_AccountId",
    ),
    ("SELECT Id FROM User WHERE Username = 'a@b.example'", "_User_Username"),
)


@pytest.mark.parametrize(("soql", "index"), SEARCHED)
def test_rows_are_found_by_indexed_fields_without_a_look_at_the_others(
    base: EmulatedOrg, soql: str, index: str
) -> None:
    told = query_plan(base, soql)
    assert index in told
    assert "SCAN" not in told.replace("SCAN json_each", "").replace("LIST SUBQUERY", "")


@pytest.mark.parametrize("order", ["", "ORDER BY Id DESC", "ORDER BY Id"])
def test_the_first_rows_of_a_table_are_read_without_sorting_it(base: EmulatedOrg, order: str) -> None:
    assert "B-TREE" not in query_plan(base, f"SELECT Name FROM Account {order} LIMIT 200")
