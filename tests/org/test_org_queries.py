"""Queries: how they share calls, how pages follow, and what a damaged answer does."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reconciler.model.errors import OrgError
from reconciler.org import SalesforceOrg

from .scripted import Call, Reply, ScriptedServer, errors


def page(*names: str, following: str | None = None, total: int | None = None) -> dict[str, Any]:
    more = {"nextRecordsUrl": following} if following else {}
    rows = [{"attributes": {"type": "Account"}, "Name": name} for name in names]
    return {"totalSize": total or len(rows), "done": following is None, **more, "records": rows}


def asked(path: str) -> str:
    return parse_qs(urlsplit(path).query)["q"][0]


def echo(call: Call) -> Reply:
    """Answers each query with one row that names the query."""
    if call.method == "GET":
        return Reply(200, page(asked(call.path)))
    parts = [
        {
            "referenceId": each["referenceId"],
            "httpStatusCode": 200,
            "httpHeaders": {},
            "body": page(asked(each["url"])),
        }
        for each in call.json["compositeRequest"]
    ]
    return Reply(200, {"compositeResponse": parts})


def names(answers: list[list[dict[str, Any]]]) -> list[list[str]]:
    return [[row["Name"] for row in rows] for rows in answers]


@pytest.mark.parametrize(("count", "calls"), [(1, 1), (2, 1), (5, 1), (6, 2), (11, 3)])
def test_five_queries_share_a_call_and_rows_come_in_the_order_asked(
    org: SalesforceOrg, server: ScriptedServer, count: int, calls: int
) -> None:
    server.otherwise = echo
    queries = [f"SELECT Id FROM Account WHERE Name = '{number} & más'" for number in range(count)]
    assert names(org.query(queries)) == [[soql] for soql in queries]
    assert len(server.calls) == calls


def test_a_short_query_alone_goes_in_the_address_and_a_long_one_in_a_body(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    server.otherwise = echo
    long = "SELECT Id FROM Account WHERE Name IN (" + "'x'," * 20_000 + "'y')"
    assert names(org.query(["SELECT Id FROM Account"])) == [["SELECT Id FROM Account"]]
    assert names(org.query([long])) == [[long]]
    assert [call.method for call in server.calls] == ["GET", "POST"]


def test_a_query_longer_than_salesforce_takes_is_refused_before_anything_is_sent(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    with pytest.raises(OrgError, match="at most 100,000"):
        org.query(["SELECT Id FROM Account", "x" * 100_001])
    assert server.calls == []


def test_pages_are_followed_to_the_end(org: SalesforceOrg, server: ScriptedServer) -> None:
    server.script = [
        Reply(200, page("a", "b", following="/services/data/v60.0/query/01gx-2", total=5)),
        Reply(200, page("c", "d", following="/services/data/v60.0/query/01gx-4", total=5)),
        Reply(200, page("e", total=5)),
    ]
    assert names(org.query(["SELECT Name FROM Account"])) == [["a", "b", "c", "d", "e"]]
    assert [call.path for call in server.calls[1:]] == [
        "/services/data/v60.0/query/01gx-2",
        "/services/data/v60.0/query/01gx-4",
    ]


def test_a_dropped_locator_starts_the_query_over_and_no_row_comes_twice(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    first = Reply(200, page("a", "b", following="/services/data/v60.0/query/01gx-2"))
    server.script = [first, Reply(404, errors("INVALID_QUERY_LOCATOR")), first, Reply(200, page("c"))]
    assert names(org.query(["SELECT Name FROM Account"])) == [["a", "b", "c"]]


def test_a_locator_that_is_dropped_every_time_is_an_error(org: SalesforceOrg, server: ScriptedServer) -> None:
    first = Reply(200, page("a", following="/services/data/v60.0/query/01gx-2"))
    server.otherwise = lambda call: (
        first if "?q=" in call.path else Reply(404, errors("INVALID_QUERY_LOCATOR"))
    )
    with pytest.raises(OrgError) as refused:
        org.query(["SELECT Name FROM Account"])
    assert refused.value.code == "INVALID_QUERY_LOCATOR"


def test_a_next_page_at_another_host_is_asked_of_the_org(org: SalesforceOrg, server: ScriptedServer) -> None:
    server.script = [
        Reply(200, page("a", following="https://evil.example/services/data/v60.0/query/01gx-1")),
        Reply(200, page("b")),
    ]
    assert names(org.query(["SELECT Name FROM Account"])) == [["a", "b"]]
    assert server.calls[1].path == "/services/data/v60.0/query/01gx-1"


def test_a_refused_query_raises_with_salesforces_code_and_the_query(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    message = "\nSELECT Nme FROM Account\n       ^\nERROR at Row:1:Column:8\nNo such column 'Nme'"
    server.script = [Reply(400, errors("INVALID_FIELD", message))]
    with pytest.raises(OrgError) as refused:
        org.query(["SELECT Nme FROM Account"])
    assert (refused.value.code, refused.value.status) == ("INVALID_FIELD", 400)
    assert "No such column 'Nme'" in str(refused.value)
    assert "org uat: query 'SELECT Nme FROM Account' refused (INVALID_FIELD" in str(refused.value)


def test_one_refused_query_of_a_shared_call_raises(org: SalesforceOrg, server: ScriptedServer) -> None:
    parts = [
        {"referenceId": "r0", "httpStatusCode": 200, "httpHeaders": {}, "body": page("a")},
        {
            "referenceId": "r1",
            "httpStatusCode": 400,
            "httpHeaders": {},
            "body": errors("INVALID_TYPE", "no X"),
        },
    ]
    server.script = [Reply(200, {"compositeResponse": parts})]
    with pytest.raises(OrgError, match="INVALID_TYPE: no X") as refused:
        org.query(["SELECT Id FROM Account", "SELECT Id FROM X"])
    assert refused.value.code == "INVALID_TYPE"


def test_a_query_of_a_shared_call_that_was_refused_for_now_is_asked_again_alone(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    parts = [
        {"referenceId": "r0", "httpStatusCode": 200, "httpHeaders": {}, "body": page("a")},
        {"referenceId": "r1", "httpStatusCode": 503, "httpHeaders": {}, "body": errors("SERVER_UNAVAILABLE")},
    ]
    server.script = [Reply(200, {"compositeResponse": parts}), Reply(200, page("b"))]
    assert names(org.query(["SELECT Id FROM Account", "SELECT Id FROM Contact"])) == [["a"], ["b"]]


def test_a_count_is_one_row(org: SalesforceOrg, server: ScriptedServer) -> None:
    server.script = [Reply(200, {"totalSize": 17, "done": True, "records": []})]
    ((row,),) = org.query(["SELECT COUNT() FROM Account"])
    assert row["expr0"] == 17


def test_a_query_without_rows_answers_none(org: SalesforceOrg, server: ScriptedServer) -> None:
    server.script = [Reply(200, {"totalSize": 0, "done": True, "records": []})]
    assert org.query(["SELECT Id FROM Account"]) == [[]]


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "text",
        {"totalSize": 1},
        {"done": True, "records": [1]},
        {"done": False, "records": []},
        {"done": False, "records": [], "nextRecordsUrl": "/somewhere/else"},
        {"done": False, "records": [], "nextRecordsUrl": 7},
    ],
)
def test_a_damaged_page_is_an_error_and_never_fewer_rows(
    org: SalesforceOrg, server: ScriptedServer, content: object
) -> None:
    server.otherwise = Reply(200, content)
    with pytest.raises(OrgError):
        org.query(["SELECT Id FROM Account"])


def test_pages_that_go_round_in_a_circle_are_an_error(org: SalesforceOrg, server: ScriptedServer) -> None:
    server.otherwise = Reply(200, page("a", following="/services/data/v60.0/query/01gx-1"))
    with pytest.raises(OrgError, match="circle"):
        org.query(["SELECT Name FROM Account"])


@pytest.mark.parametrize("content", [{}, {"compositeResponse": []}, {"compositeResponse": [1, 2]}, []])
def test_a_damaged_composite_answer_is_an_error(
    org: SalesforceOrg, server: ScriptedServer, content: object
) -> None:
    server.otherwise = Reply(200, content)
    with pytest.raises(OrgError):
        org.query(["SELECT Id FROM Account", "SELECT Id FROM Contact"])
