"""Writing rows: collections of at most 200, each row on its own, and one row under a condition.

A call refused for now is repeated as a whole by the wire. Rows that met a lock are sent again by
themselves; the others keep what they got. When a repetition's answer is lost, only its rows are in
doubt. Nothing here raises for what the org answers: rows have outcomes.

Sources: REST API Developer Guide, "Use sObject Collections", "Conditional Request Headers".
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from reconciler.model.outcome import Applied, Outcome, Refused, Unknown
from reconciler.model.promises import MAX_COLLECTION_RECORDS, Update

from .answers import GONE_CODES, PASSING_CODES, Answer, Meaning, read_result, read_results, refusal
from .ids import long_id
from .wire import Wire

Send = Callable[[Sequence[int]], Answer]
"""Sends the rows with these numbers in one call."""


def create_rows(wire: Wire, sobject: str, records: Sequence[Mapping[str, Any]]) -> list[Outcome]:
    bodies = [{"attributes": {"type": sobject}, **record} for record in records]
    return _send_rows(wire, "POST", bodies, [None] * len(bodies))


def update_rows(wire: Wire, sobject: str, records: Sequence[Update]) -> list[Outcome]:
    if len(records) == 1 and records[0].unmodified_since is not None:
        return [_update_one(wire, sobject, records[0], records[0].unmodified_since)]
    bodies = [{"attributes": {"type": sobject}, "id": each.record_id, **each.fields} for each in records]
    return _send_rows(wire, "PATCH", bodies, [each.record_id for each in records])


def delete_rows(wire: Wire, record_ids: Sequence[str]) -> list[Outcome]:
    def send(numbers: Sequence[int]) -> Answer:
        ids = ",".join(quote(record_ids[number], safe="") for number in numbers)
        return wire.exchange("DELETE", f"{_collections(wire)}?ids={ids}&allOrNone=false")

    return _settle_rows(wire, send, record_ids, deleting=True)


def _send_rows(
    wire: Wire, method: str, bodies: Sequence[Mapping[str, Any]], ids: Sequence[str | None]
) -> list[Outcome]:
    def send(numbers: Sequence[int]) -> Answer:
        content = {"allOrNone": False, "records": [bodies[number] for number in numbers]}
        return wire.exchange(method, _collections(wire), content)

    return _settle_rows(wire, send, ids)


def _settle_rows(
    wire: Wire, send: Send, ids: Sequence[str | None], *, deleting: bool = False
) -> list[Outcome]:
    """Send all rows, then again those that a lock kept out, while patience lasts."""
    if len(ids) > MAX_COLLECTION_RECORDS:
        raise ValueError(f"{len(ids)} rows in one call; at most {MAX_COLLECTION_RECORDS}")
    settled: dict[int, Outcome] = {}
    waiting: list[int] = list(range(len(ids)))
    for attempt in range(wire.patience.attempts):
        if not waiting:
            break
        if attempt:
            wire.patience.pause(attempt - 1)
        answer = send(waiting)
        outcomes = _outcomes(answer, [ids[number] for number in waiting], deleting=deleting)
        settled.update(zip(waiting, outcomes, strict=True))
        if answer.meaning is not Meaning.ANSWERED:
            break  # the wire has already tried as often as it may
        waiting = [number for number in waiting if _is_passing(settled[number])]
    return [settled[number] for number in range(len(ids))]


def _is_passing(outcome: Outcome) -> bool:
    return isinstance(outcome, Refused) and outcome.code in PASSING_CODES


def _outcomes(answer: Answer, ids: Sequence[str | None], *, deleting: bool) -> list[Outcome]:
    if answer.meaning is Meaning.ANSWERED:
        return read_results(answer.content, ids, deleting=deleting)
    return [_for_all(answer) for _ in ids]


def _for_all(answer: Answer) -> Outcome:
    """The outcome of a row whose whole call was not answered with results."""
    if answer.meaning is Meaning.UNKNOWN:
        return Unknown(f"{answer.code}: {answer.message}" if answer.code else answer.message)
    return Refused(answer.code or "NOT_TAKEN", answer.message, answer.fields)


def _update_one(wire: Wire, sobject: str, update: Update, unmodified_since: str) -> Outcome:
    answer = wire.exchange(
        "PATCH",
        f"{wire.data_path}/sobjects/{quote(sobject, safe='')}/{quote(update.record_id, safe='')}",
        dict(update.fields),
        headers={"If-Unmodified-Since": http_date(unmodified_since)},
    )
    if answer.status == 204 and answer.meaning is Meaning.ANSWERED:
        return Applied(long_id(update.record_id))
    if answer.meaning is Meaning.ANSWERED:
        return _of_one(answer, update.record_id)
    if answer.meaning is Meaning.MOVED:
        return Refused(
            answer.code or "PRECONDITION_FAILED", answer.message or "changed since it was read", moved=True
        )
    if answer.status == 404 and answer.code in GONE_CODES:
        return Refused(answer.code, answer.message, moved=True)
    if answer.meaning is Meaning.REFUSED and answer.errors:
        return refusal(answer.errors, update.record_id)
    return _for_all(answer)


def _of_one(answer: Answer, record_id: str) -> Outcome:
    """The outcome of an update that was answered with a body; Salesforce's has the row's result in it."""
    said = read_result(answer.content, record_id)
    return Unknown("the answer is about another row") if said is None else said


def http_date(moment: str) -> str:
    """An org's date-time as a header has it, in whole seconds. Raises ValueError for other text.

    >>> http_date("2026-01-31T10:00:00.000+0000")
    'Sat, 31 Jan 2026 10:00:00 GMT'
    """
    return format_datetime(datetime.fromisoformat(moment).astimezone(UTC), usegmt=True)


def _collections(wire: Wire) -> str:
    return f"{wire.data_path}/composite/sobjects"
