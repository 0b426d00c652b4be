"""Claims about how much one call may ask for: each number is kept to where it is set, and with the org."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import bounds
from reconciler.emulator.bounds import Bound
from reconciler.emulator.http import sessions
from reconciler.emulator.http.message import Headers, Reply, Request
from reconciler.emulator.http.service import exchange, handle
from reconciler.emulator.metadata import single_components
from reconciler.emulator.org import EmulatedOrg

DATA = "/services/data/v64.0"
LARGE = 3
"""What the requests below ask for."""


def ask(org: EmulatedOrg, method: str, path: str, body: Any = None, query: str = "") -> Reply:
    headers = Headers({"Authorization": f"Bearer {sessions.open_session(org, org.admin_id)}"})
    headers["content-type"] = "application/json"
    content = b"" if body is None else json.dumps(body).encode()
    return handle(org, Request(method=method, path=path, query=query, headers=headers, body=content))


def accounts(count: int) -> list[dict[str, Any]]:
    return [{"attributes": {"type": "Account"}, "Name": f"A{at}"} for at in range(count)]


def some(org: EmulatedOrg) -> list[str]:
    return [row["Id"] for row in org.rows("Account")[:LARGE]]


def created(org: EmulatedOrg) -> Reply:
    return ask(org, "POST", f"{DATA}/composite/sobjects", {"records": accounts(LARGE)})


def deleted(org: EmulatedOrg) -> Reply:
    return ask(org, "DELETE", f"{DATA}/composite/sobjects", query=f"ids={','.join(some(org))}")


def read(org: EmulatedOrg) -> Reply:
    return ask(org, "POST", f"{DATA}/composite/sobjects/Account", {"ids": some(org), "fields": ["Name"]})


def nodes(path: str) -> list[dict[str, Any]]:
    return [{"method": "GET", "url": DATA + path, "referenceId": f"r{at}"} for at in range(LARGE)]


def composed(org: EmulatedOrg) -> Reply:
    return ask(org, "POST", f"{DATA}/composite", {"compositeRequest": nodes("/limits")})


def composed_queries(org: EmulatedOrg) -> Reply:
    return ask(org, "POST", f"{DATA}/composite", {"compositeRequest": nodes("/query?q=SELECT+Id+FROM+User")})


def batched(org: EmulatedOrg) -> Reply:
    entries = [{"method": "GET", "url": "v64.0/limits"}] * LARGE
    return ask(org, "POST", f"{DATA}/composite/batch", {"batchRequests": entries})


def planted(org: EmulatedOrg) -> Reply:
    records = [
        {"attributes": {"type": "Account", "referenceId": f"r{at}"}, "Name": "A"} for at in range(LARGE)
    ]
    return ask(org, "POST", f"{DATA}/composite/tree/Account", {"records": records})


def graphed(org: EmulatedOrg) -> Reply:
    graph = {"graphId": "g", "compositeRequest": nodes("/sobjects/Account/describe")}
    return ask(org, "POST", f"{DATA}/composite/graph", {"graphs": [graph]})


def asked_at_length(org: EmulatedOrg) -> Reply:
    return ask(org, "GET", f"{DATA}/query", query="q=SELECT+Id+FROM+User")


def asked_far_off(org: EmulatedOrg) -> Reply:
    return ask(org, "GET", f"{DATA}/query", query=f"q=SELECT+Id+FROM+User+LIMIT+1+OFFSET+{LARGE}")


CALLS: list[tuple[Bound, Callable[[EmulatedOrg], Reply], int]] = [
    (Bound.COLLECTION_RECORDS, created, LARGE),
    (Bound.COLLECTION_RECORDS, deleted, LARGE),
    (Bound.COLLECTION_READS, read, LARGE),
    (Bound.COMPOSITE_SUBREQUESTS, composed, LARGE),
    (Bound.COMPOSITE_QUERIES, composed_queries, LARGE),
    (Bound.BATCH_SUBREQUESTS, batched, LARGE),
    (Bound.TREE_RECORDS, planted, LARGE),
    (Bound.GRAPH_NODES, graphed, LARGE),
    (Bound.QUERY_CHARACTERS, asked_at_length, len("SELECT Id FROM User")),
    (Bound.QUERY_OFFSET, asked_far_off, LARGE),
]


@pytest.mark.parametrize(("bound", "call", "asks"), CALLS)
def test_a_call_that_asks_for_one_more_is_refused_and_changes_nothing(
    bound: Bound, call: Callable[[EmulatedOrg], Reply], asks: int
) -> None:
    org = EmulatedOrg()
    for at in range(2 * LARGE):
        org.has("Account", Name=f"There {at}")
    bounds.bind(org, bound, asks)
    assert call(org).status < 300
    there = len(org.rows("Account"))
    bounds.bind(org, bound, asks - 1)
    refused = call(org)
    assert refused.status == 400
    assert str(asks - 1) in json.dumps(refused.value)
    assert len(org.rows("Account")) == there
    org.close()


@pytest.mark.parametrize(
    ("bound", "type_name"),
    [(Bound.METADATA_COMPONENTS, "CustomLabel"), (Bound.METADATA_RECORDS, "CustomMetadata")],
)
def test_single_components_are_read_as_many_as_the_org_allows(bound: Bound, type_name: str) -> None:
    org = EmulatedOrg()
    bounds.bind(org, bound, 2)
    assert len(single_components.read(org, type_name, ["a.a", "b.b"])) == 2
    with pytest.raises(single_components.TooMany, match="2"):
        single_components.read(org, type_name, ["a.a", "b.b", "c.c"])
    org.close()


def test_a_number_that_an_org_was_given_is_kept_with_it(tmp_path: Path) -> None:
    org = EmulatedOrg(tmp_path / "org.db")
    bounds.bind(org, Bound.COLLECTION_RECORDS, 7)
    twin = org.fork()
    bounds.bind(twin, Bound.COLLECTION_RECORDS, 9)
    org.close()
    again = EmulatedOrg(tmp_path / "org.db")
    assert [bounds.most(each, Bound.COLLECTION_RECORDS) for each in (again, twin)] == [7, 9]
    twin.close()
    again.close()


def test_every_bound_is_tried_here() -> None:
    tried = {bound for bound, _, _ in CALLS} | {Bound.METADATA_COMPONENTS, Bound.METADATA_RECORDS}
    assert tried == set(Bound)


def test_a_query_that_was_answered_once_is_refused_when_the_bound_is_lowered() -> None:
    org = EmulatedOrg()
    headers = Headers({"Authorization": f"Bearer {sessions.open_session(org, org.admin_id)}"})
    request = Request(
        method="GET", path=f"{DATA}/query", query="q=SELECT+Id+FROM+User+OFFSET+5", headers=headers
    )
    assert exchange(org, request)[0] == 200
    bounds.bind(org, Bound.QUERY_OFFSET, 4)
    assert exchange(org, request)[0] == 400
    org.close()
