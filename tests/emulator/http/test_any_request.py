"""No request is our bug: whatever is asked and sent, the answer is Salesforce's kind of refusal."""

import itertools
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from reconciler.emulator.http import endpoints, routing
from tests.emulator.http.test_below_rows import Caller, caller

__all__ = ["caller"]

BODIES = (
    b"",
    b"[]",
    b"{}",
    b"5",
    b"null",
    b'{"records":[{"attributes":5}]}',
    b'{"records":5,"fields":5,"inputs":5,"ids":5}',
    b'{"q":"abc","sobjects":[{"name":5,"fields":5,"limit":"x"}]}',
    b'{"graphs":[{"graphId":"a","compositeRequest":[5]}],"compositeRequest":[5],"batchRequests":[5]}',
    b'{"contextId":5,"record":5,"apiName":5}',
)
QUERIES = (
    "",
    "q=%27&limit=-1&offset=-5&fields=,,&ids=,,",
    f"q={quote('FIND {ab} RETURNING Account(Name WHERE )')}",
    "explain=x",
    "start=x&end=y&sObjects=,X&sobject=,",
    "limit=999999999999999999999&q=ab&sobject=Account&ids=x&fields=y",
    "fields=Account.&layoutTypes=x",
)
SEGMENTS = {"sobject": ("Account", "Nothing"), "name": ("NewTask", "x"), "kind": ("flow", "x")}


def addresses(template: str) -> Iterator[str]:
    names = [part[1:-1] for part in template.split("/") if part.startswith("{")]
    choices = [SEGMENTS.get(name, ("x", "001000000000001AAA")) for name in names if name != "version"]
    for chosen in itertools.islice(itertools.product(*choices), 4):
        parts = iter(chosen)
        path = template.removeprefix("/services/data/{version}")
        yield "/".join(next(parts) if part.startswith("{") else part for part in path.split("/"))


def rest_routes() -> list[routing.Route]:
    endpoints.load_all()
    return [each for each in routing.routes() if each.template.startswith(routing.DATA_ROOT)]


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "PATCH", "PUT"])
def test_no_address_query_or_body_is_an_unexpected_error(caller: Caller, method: str) -> None:
    broken = []
    for route in rest_routes():
        if route.method != method:
            continue
        sends = (
            [(query, b"") for query in QUERIES] if method in ("GET", "DELETE") else [("", b) for b in BODIES]
        )
        for path, (query, body) in itertools.product(addresses(route.template), sends):
            status, _, _ = caller.call(method, f"{path}?{query}", body)
            if status >= 500:
                broken.append((path, query, body))
    assert broken == []
