"""Plans of queries, allowances, platform events, the limits of graphs."""

from typing import Any
from urllib.parse import quote

import pytest

from reconciler.emulator.http.endpoints.limits import set_allowance
from reconciler.emulator.http.traffic import traffic
from reconciler.emulator.org import EmulatedOrg
from tests.emulator.http.test_below_rows import Caller, caller

__all__ = ["caller"]

EVENT = """<?xml version="1.0"?><CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">
<eventType>HighVolume</eventType><label>Release</label><pluralLabel>Releases</pluralLabel></CustomObject>"""
EVENT_FIELD = """<?xml version="1.0"?><CustomField xmlns="http://soap.sforce.com/2006/04/metadata">
<fullName>What__c</fullName><label>What</label><length>80</length><type>Text</type></CustomField>"""


# -- explain


@pytest.mark.parametrize(
    ("where", "kind", "fields"),
    [
        ("", "TableScan", []),
        ("WHERE Site = 'x'", "TableScan", []),
        ("WHERE Name = 'A'", "Index", ["Name"]),
        ("WHERE Name = 'A' AND OwnerId != null", "Index", ["Name"]),
        ("WHERE Name = 'A' OR Site = 'x'", "TableScan", []),
        ("WHERE Id IN (SELECT AccountId FROM Contact)", "Index", ["Id"]),
    ],
)
def test_the_cheapest_plan_takes_an_index_where_one_narrows(
    caller: Caller, where: str, kind: str, fields: list[str]
) -> None:
    caller.org.has("Account", Name="A")
    soql = f"SELECT Id FROM Account {where}".strip()
    _, value, _ = caller.call("GET", f"/query?explain={quote(soql)}")
    plan = value["plans"][0]
    assert (value["sourceQuery"], plan["leadingOperationType"], plan["fields"]) == (soql, kind, fields)
    assert (plan["sobjectType"], plan["sobjectCardinality"]) == ("Account", 1)
    assert list(plan) == sorted(plan)


def test_a_wrong_query_has_no_plan(caller: Caller) -> None:
    status, value, _ = caller.call("GET", f"/query?explain={quote('SELECT Nothing FROM Account')}")
    assert (status, value[0]["errorCode"]) == (400, "INVALID_FIELD")
    assert caller.call("GET", "/query?explain=00B000000000001AAA")[0] == 404
    assert caller.call("GET", "/query?explain=x")[1][0]["errorCode"] == "MALFORMED_QUERY"


# -- allowances


def test_allowances_are_counted_and_can_be_set(caller: Caller) -> None:
    org = caller.org
    before = caller.call("GET", "/limits")[1]
    assert list(before) == sorted(before)
    org.has("PermissionSet", Name="P", Label="P")
    org.has("ContentVersion", Title="A", PathOnClient="a.txt", VersionData="YWFh" * 400_000)
    set_allowance(org, "FileStorageMB", 10)
    set_allowance(org, "MassEmail", 3)
    after = caller.call("GET", "/limits")[1]
    assert after["PermissionSets"]["Remaining"] == before["PermissionSets"]["Remaining"] - 1
    assert after["DailyApiRequests"]["Remaining"] == before["DailyApiRequests"]["Remaining"] - 1
    assert after["FileStorageMB"] == {"Max": 10, "Remaining": 9}
    assert after["MassEmail"] == {"Max": 3, "Remaining": 3}
    assert caller.org.fork().find_fact("allowances") == org.find_fact("allowances")


def test_calls_past_the_days_allowance_are_refused(caller: Caller) -> None:
    traffic(caller.org).daily_requests = 1
    assert caller.call("GET", "/limits")[0] == 200
    status, value, headers = caller.call("POST", "/sobjects/Account", {"Name": "A"})
    assert (status, value[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert value[0]["message"] == "TotalRequests Limit exceeded."
    assert headers["Sforce-Limit-Info"] == "api-usage=1/1"
    assert caller.org.rows("Account") == []


# -- platform events


@pytest.fixture
def with_event(caller: Caller, tmp_path: Any) -> Caller:
    folder = tmp_path / "objects" / "Release__e"
    (folder / "fields").mkdir(parents=True)
    (folder / "Release__e.object-meta.xml").write_text(EVENT)
    (folder / "fields" / "What__c.field-meta.xml").write_text(EVENT_FIELD)
    caller.org.load(tmp_path)
    return caller


def test_an_event_is_enqueued_under_a_name_of_its_own(with_event: Caller) -> None:
    status, value, _ = with_event.call("POST", "/sobjects/Release__e", {"What__c": "done"})
    assert (status, value["success"]) == (201, True)
    (told,) = value["errors"]
    assert (told["statusCode"], len(told["message"]), told["fields"]) == ("OPERATION_ENQUEUED", 36, [])
    body = {"records": [{"attributes": {"type": "Release__e"}, "What__c": str(n)} for n in range(2)]}
    _, several, _ = with_event.call("POST", "/composite/sobjects", body)
    names = {each["errors"][0]["message"] for each in several}
    assert len(names | {told["message"]}) == 3
    left = with_event.call("GET", "/limits")[1]["HourlyPublishedPlatformEvents"]
    assert left["Max"] - left["Remaining"] == 3


def test_an_event_cannot_be_queried_or_changed(with_event: Caller) -> None:
    _, value, _ = with_event.call("POST", "/sobjects/Release__e", {"What__c": "done"})
    path = f"/sobjects/Release__e/{value['id']}"
    assert with_event.call("PATCH", path, {"What__c": "x"})[0] // 100 == 4
    assert with_event.call("DELETE", path)[0] // 100 == 4
    assert with_event.call("GET", f"/query?q={quote('SELECT Id FROM Release__e')}")[0] == 400


# -- graphs


def node(number: int, url: str = "/services/data/v60.0/sobjects/Account", **body: Any) -> dict[str, Any]:
    return {"method": "POST", "url": url, "referenceId": f"n{number}", "body": {"Name": str(number), **body}}


def chain(length: int) -> list[dict[str, Any]]:
    return [node(0), *(node(n, ParentId=f"@{{n{n - 1}.id}}") for n in range(1, length))]


def different(number: int) -> list[dict[str, Any]]:
    made = []
    for at in range(number):
        made.append(node(at, f"/services/data/v{50 + at}.0/sobjects/Account"))
    return made


@pytest.mark.parametrize(
    ("nodes", "fits"),
    [(chain(15), True), (chain(16), False), (different(15), True), (different(16), False)],
)
def test_a_graph_is_not_too_deep_nor_too_various(
    caller: Caller, nodes: list[dict[str, Any]], fits: bool
) -> None:
    body = {"graphs": [{"graphId": "g", "compositeRequest": nodes}]}
    status, _, _ = caller.call("POST", "/composite/graph", body)
    assert (status, len(caller.org.rows("Account"))) == ((200, 15) if fits else (400, 0))


@pytest.mark.parametrize(
    "graphs",
    [
        [{"graphId": f"g{n}", "compositeRequest": [node(n)]} for n in range(76)],
        [{"graphId": f"g{n}", "compositeRequest": [node(i) for i in range(251)]} for n in range(2)],
        [{"graphId": "same", "compositeRequest": [node(n)]} for n in range(2)],
        [{"compositeRequest": [node(1)]}],
        [{"graphId": "g", "compositeRequest": []}],
        [],
        None,
    ],
)
def test_a_payload_past_the_limits_is_refused_whole(caller: Caller, graphs: Any) -> None:
    status, _, _ = caller.call("POST", "/composite/graph", {"graphs": graphs})
    assert (status, caller.org.rows("Account")) == (400, [])


def test_after_14_failed_graphs_the_rest_are_halted(caller: Caller) -> None:
    bad = {"method": "POST", "url": "/services/data/v60.0/sobjects/Account", "referenceId": "n", "body": {}}
    graphs = [{"graphId": f"g{n}", "compositeRequest": [bad]} for n in range(15)]
    graphs.append({"graphId": "good", "compositeRequest": [node(1)]})
    _, value, _ = caller.call("POST", "/composite/graph", {"graphs": graphs})
    codes = [
        each["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"] for each in value["graphs"]
    ]
    assert codes == ["REQUIRED_FIELD_MISSING"] * 14 + ["PROCESSING_HALTED"] * 2
    assert caller.org.rows("Account") == []


def test_graphs_are_there_from_version_50_on(caller: Caller, org: EmulatedOrg) -> None:
    body = {"graphs": [{"graphId": "g", "compositeRequest": [node(1)]}]}
    status, _, _ = caller.call("POST", "/../v49.0/composite/graph", body)
    assert status == 404
    assert org.rows("Account") == []
