"""What changed and what was deleted in a span of time.

Spans are cut to the minute, as replication clients see them.

Source: REST API Developer Guide, "Get Updated" and "Get Deleted"; shapes as recorded.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.access.sharing import seen_sql
from reconciler.emulator.errors import ApiError
from reconciler.emulator.http import dml
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.store import quoted

MINUTE_MS = 60_000
REACH_MS = 30 * 24 * 60 * MINUTE_MS


class InvalidReplicationDate(ApiError):
    code = "INVALID_REPLICATION_DATE"


@dataclass(frozen=True)
class Span:
    start_ms: int
    end_ms: int
    covered_ms: int


@route("GET", "/sobjects/{sobject}/updated")
def list_updated(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """Ids of the rows created or changed between `start` and `end`."""
    target = dml.sobject_of(org, sobject, request)
    span = _span(org, request)
    living = ' AND "IsDeleted" = 0' if target.field("IsDeleted") else ""
    values: list[Any] = [span.start_ms, span.end_ms]
    shared = seen_sql(org, request.user_id, target, values)
    rows = org.store.execute(
        f'SELECT "Id" FROM {quoted(target.name)} t WHERE "SystemModstamp" >= ?1 '
        f'AND "SystemModstamp" < ?2{living}{shared} ORDER BY "Id"',
        values,
    )
    return ok(
        {"ids": [ids.to_text(number) for (number,) in rows], "latestDateCovered": stamp(span.covered_ms)}
    )


@route("GET", "/sobjects/{sobject}/deleted")
def list_deleted(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """The rows sent to the recycle bin between `start` and `end`."""
    target = dml.sobject_of(org, sobject, request)
    span = _span(org, request)
    rows = []
    if target.field("IsDeleted"):
        values: list[Any] = [span.start_ms, span.end_ms]
        shared = seen_sql(org, request.user_id, target, values)
        rows = org.store.execute(
            f'SELECT "Id", "SystemModstamp" FROM {quoted(target.name)} t WHERE "IsDeleted" = 1 '
            f'AND "SystemModstamp" >= ?1 AND "SystemModstamp" < ?2{shared} ORDER BY "Id"',
            values,
        )
    return ok(
        {
            "deletedRecords": [{"id": ids.to_text(number), "deletedDate": stamp(at)} for number, at in rows],
            "earliestDateAvailable": stamp(org.clock.now_ms() - REACH_MS),
            "latestDateCovered": stamp(span.covered_ms),
        }
    )


def stamp(milliseconds: int) -> str:
    """`2015-08-19T08:17:00.000+0000`."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def _span(org: EmulatedOrg, request: Request) -> Span:
    start, end = _moment(request, "start"), _moment(request, "end")
    now = org.clock.now_ms()
    if start >= end:
        raise InvalidReplicationDate("startDate cannot be greater than or equal to endDate")
    if start < now - REACH_MS:
        raise InvalidReplicationDate("startDate cannot be more than 30 days ago")
    return Span(start, end + MINUTE_MS, min(end, now) // MINUTE_MS * MINUTE_MS)


def _moment(request: Request, name: str) -> int:
    text = request.params.get(name, "").strip().replace(" ", "+")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError(
            f"Invalid date: {text}" if text else f"The {name} parameter is required",
            code="INVALID_REPLICATION_DATE",
        ) from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000) // MINUTE_MS * MINUTE_MS
