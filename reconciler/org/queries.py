"""Many queries in few calls.

Five queries share one composite call; a single short one goes by itself, in the address. Pages that
do not fit follow by `nextRecordsUrl`, several queries at a time. A locator that the org has dropped
starts its query over. The rows of one query are complete or an error is raised: no half results.

`SELECT COUNT() FROM X` answers a number and no rows; it becomes one row ``{"expr0": number}``, the
form that `COUNT(Id)` answers.

Sources: REST API Developer Guide, "Query", "Send Multiple Requests Using Composite"; Salesforce
Developer Limits, "SOQL and SOSL Limits", "API Request Limits" (16,384 bytes of address and headers).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from reconciler.model.errors import OrgError, Problem
from reconciler.model.promises import Row

from .answers import Answer, Meaning, judge_content
from .redaction import excerpt
from .wire import Wire

QUERIES_PER_CALL = 5
MAX_QUERY_CHARACTERS = 100_000
MAX_ADDRESS_BYTES = 8_000
"""A query longer than this goes in a body: proxies cut addresses earlier than Salesforce does."""
MAX_RESTARTS = 2
LOST_LOCATORS = frozenset({"INVALID_QUERY_LOCATOR", "INVALID_LOCATOR"})

Each = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
"""Applies a function to several things at once, results in order: the client's thread pool."""


@dataclass(slots=True)
class _Reading:
    """One query on its way."""

    soql: str
    rows: list[Row] = field(default_factory=list)
    next_path: str | None = None


def run_queries(wire: Wire, queries: Sequence[str], each: Each) -> list[list[Row]]:
    """All rows of each query, in the order asked."""
    for soql in queries:
        if len(soql) > MAX_QUERY_CHARACTERS:
            raise OrgError(
                Problem(f"org {wire.name}: a query of {len(soql):,} characters; at most 100,000 are taken"),
                code="QUERY_TOO_LONG",
            )
    readings = [_Reading(soql) for soql in queries]
    each(lambda group: _first_pages(wire, group), list(_groups(readings)))
    each(lambda reading: _following_pages(wire, reading), [one for one in readings if one.next_path])
    return [reading.rows for reading in readings]


def _groups(readings: Sequence[_Reading]) -> Iterator[Sequence[_Reading]]:
    for start in range(0, len(readings), QUERIES_PER_CALL):
        yield readings[start : start + QUERIES_PER_CALL]


def _first_pages(wire: Wire, group: Sequence[_Reading]) -> None:
    if len(group) == 1:
        _take_page(wire, group[0], _first_page(wire, group[0].soql))
        return
    paths = [_query_path(wire, reading.soql) for reading in group]
    for reading, answer in zip(group, composite(wire, paths), strict=True):
        if answer.meaning in (Meaning.PASSING, Meaning.UNKNOWN):
            _take_page(wire, reading, _first_page(wire, reading.soql))
        else:
            _take_page(wire, reading, answer)


def _first_page(wire: Wire, soql: str) -> Answer:
    path = _query_path(wire, soql)
    if len(path) <= MAX_ADDRESS_BYTES:
        return wire.exchange("GET", path, repeatable=True)
    return composite(wire, [path])[0]


def _following_pages(wire: Wire, reading: _Reading) -> None:
    seen: set[str] = set()
    restarts = 0
    while path := reading.next_path:
        if path in seen:
            raise _damaged(wire, reading, "the pages go round in a circle")
        seen.add(path)
        answer = wire.exchange("GET", path, repeatable=True)
        if answer.code in LOST_LOCATORS and restarts < MAX_RESTARTS:
            restarts += 1
            reading.rows, reading.next_path = [], None
            seen.clear()
            answer = _first_page(wire, reading.soql)
        _take_page(wire, reading, answer)


def _take_page(wire: Wire, reading: _Reading, answer: Answer) -> None:
    if answer.meaning is not Meaning.ANSWERED:
        raise wire.error(answer, f"query {excerpt(reading.soql, limit=200)!r}")
    page = answer.content
    rows = page.get("records") if isinstance(page, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _damaged(wire, reading, "no list of records")
    following = page.get("nextRecordsUrl")
    if not page.get("done", True) and not following:
        raise _damaged(wire, reading, "more rows are announced and no address is given")
    if page.get("done") and not rows and not reading.rows and isinstance(page.get("totalSize"), int):
        rows = _count_row(reading.soql, page["totalSize"])
    reading.rows.extend(rows)
    reading.next_path = _own_path(wire, reading, following) if following else None


def _count_row(soql: str, total: int) -> list[Row]:
    counts = "".join(soql.split()).lower().startswith("selectcount()")
    return [{"attributes": {"type": "AggregateResult"}, "expr0": total}] if counts else []


def _own_path(wire: Wire, reading: _Reading, following: object) -> str:
    """The next page's path. Whatever host it names, it is asked of the org we are signed in to."""
    path = urlsplit(following).path if isinstance(following, str) else ""
    if not path.startswith("/services/data/"):
        raise _damaged(wire, reading, "the next page's address is not one of the API")
    return path


def _damaged(wire: Wire, reading: _Reading, what: str) -> OrgError:
    query = excerpt(reading.soql, limit=200)
    return OrgError(
        Problem(f"org {wire.name}: the answer to query {query!r} is damaged: {what}"), code="DAMAGED_ANSWER"
    )


def _query_path(wire: Wire, soql: str) -> str:
    return f"{wire.data_path}/query?q={quote(soql, safe='')}"


def composite(
    wire: Wire, paths: Sequence[str], headers: Sequence[dict[str, str]] | None = None
) -> list[Answer]:
    """GET several paths in one call; each answer judged as if it had come alone."""
    requests: list[dict[str, Any]] = [
        {"method": "GET", "url": path, "referenceId": f"r{number}"} for number, path in enumerate(paths)
    ]
    for request, extra in zip(requests, headers or [], strict=False):
        if extra:
            request["httpHeaders"] = extra
    answer = wire.read(
        "POST",
        f"{wire.data_path}/composite",
        {"allOrNone": False, "compositeRequest": requests},
        about=f"a composite call of {len(paths)} reads",
    )
    parts = answer.content.get("compositeResponse") if isinstance(answer.content, dict) else None
    if not isinstance(parts, list) or len(parts) != len(paths):
        raise OrgError(
            Problem(f"org {wire.name}: a composite answer does not hold one part for each request"),
            code="DAMAGED_ANSWER",
        )
    found = {part.get("referenceId"): part for part in parts if isinstance(part, dict)}
    return [_judge_part(found.get(request["referenceId"])) for request in requests]


def _judge_part(part: Any) -> Answer:
    status = part.get("httpStatusCode") if isinstance(part, dict) else None
    if not isinstance(status, int):
        return Answer(0, Meaning.UNKNOWN, remark="a part of a composite answer is missing")
    headers = part.get("httpHeaders")
    return judge_content(status, part.get("body"), headers if isinstance(headers, dict) else {})
