"""Queries whose results are files: what they may ask, and the lines they answer.

The records of a query are made once, when the job runs, and kept some thousand at a time; a result page
is cut from them, so a locator stays good as long as the job. A value is text in quotes, null is
empty, a moment ends in `Z`; JSON shows moments and days as milliseconds since 1970, as recorded.

Source: Bulk API Developer Guide, "Bulk Query"; texts of refusals as users paste them into issues.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from ..soql.aggregates import AggregatePlan
from ..soql.columns import ColumnInfo
from ..soql.parse import parse
from ..soql.refusals import Fault, placed
from ..soql.rows import RowPlan
from ..soql.run import computes, plan_query, stream
from ..soql.shape import Blob, Compound, Kids, OneOf, Shape
from .csvform import gathered, quoted_line
from .refusals import BulkRefusal

if TYPE_CHECKING:
    from ..org import EmulatedOrg

KEPT_RECORDS = 2_000
"""Records kept in one piece."""
UNQUERYABLE = frozenset({"RecentlyViewed", "EntityDefinition", "FieldDefinition", "UserRecordAccess"})
"""Objects that are no table in a real org either, so that no bulk query reads them."""
Path = tuple[str, ...]


def check(org: "EmulatedOrg", soql: str, *, all_rows: bool, user_id: str, version: str, form: str) -> str:
    """The object a query is about. Raises what Salesforce answers to a query that no bulk job runs.

    ``form`` is `V2 Query`, or `Query` for 1.0, which answers whole records in JSON and XML.
    """
    kind = "Bulk V2 Query" if form == "V2" else "Bulk Query"
    try:
        tree = parse(soql)
    except Fault as fault:
        raise placed(fault, soql) from None
    if tree.offset is not None:
        raise BulkRefusal("FeatureNotEnabled", f"OFFSET clause is not supported in {kind}", code="API_ERROR")
    plan = plan_query(org, soql, all_rows=all_rows, user_id=user_id, version=version)
    if isinstance(plan, AggregatePlan):
        raise BulkRefusal("FeatureNotEnabled", f"Aggregate queries not supported in {kind}", code="API_ERROR")
    if plan.shape.kind in UNQUERYABLE:
        raise BulkRefusal("InvalidEntity", f"Entity '{plan.shape.kind}' is not supported by the Bulk API.")
    _check_shape(plan.shape, kind, whole=form in ("JSON", "XML"))
    return plan.shape.kind


def _check_shape(shape: Shape, kind: str, *, whole: bool) -> None:
    for entry in shape.entries.values():
        why = None
        if isinstance(entry, Compound):
            why = f"Selecting compound data not supported in {'Bulk Query'}"
        elif isinstance(entry, Blob):
            why = f"Blob field not supported in {kind} with CSV content type"
        elif isinstance(entry, Kids) and not whole:
            why = f"Aggregate Relationships not supported in {kind} with CSV content type"
        elif isinstance(entry, OneOf) and not whole:
            why = f"TYPEOF not supported in {kind} with CSV content type"
        if why:
            raise BulkRefusal("FeatureNotEnabled", why, code="API_ERROR")
        if isinstance(entry, Shape):
            _check_shape(entry, kind, whole=whole)


def run(
    org: "EmulatedOrg", owner: int, soql: str, *, all_rows: bool, user_id: str, version: str, form: str
) -> tuple[list[str], int]:
    """Run a query and keep its result under ``owner``; the names of its columns, and how many records it has.

    ``form`` CSV keeps rows of texts in the order of the names, JSON and XML keep whole records.
    """
    org.definitions.refresh_for(soql)
    plan = plan_query(org, soql, all_rows=all_rows, user_id=user_id, version=version)
    assert isinstance(plan, RowPlan)  # others were refused by `check`
    made = _cells(plan) if form == "CSV" else _records(plan, _milliseconds if form == "JSON" else _zulu)
    count = 0
    with org.formulas.asking(user_id) if computes(plan) else nullcontext():
        for records in stream(org, plan, version, KEPT_RECORDS):
            content = json.dumps([made(each) for each in records])
            org.store.execute(
                "INSERT INTO _bulk_result VALUES (?, ?, 0, 0, ?, ?)", (owner, count, len(records), content)
            )
            count += len(records)
    return [".".join(path) for path in _paths(plan.shape)], count


def page(org: "EmulatedOrg", owner: int, start: int, count: int) -> Iterator[Any]:
    """Kept records or rows from ``start`` on, at most ``count``."""
    rows = org.store.execute(
        "SELECT first FROM _bulk_result WHERE owner = ? AND first + count > ? AND first < ? ORDER BY first",
        (owner, start, start + count),
    )
    for (first,) in rows:
        (found,) = org.store.execute(
            "SELECT content FROM _bulk_result WHERE owner = ? AND first = ?", (owner, first)
        )
        yield from json.loads(found[0])[max(0, start - first) : start + count - first]


def csv_body(names: Sequence[str], rows: Iterator[Sequence[Any]], delimiter: str, ending: str) -> bytes:
    return gathered(quoted_line(row, delimiter, ending) for row in chain([names], rows))


# -- from records to values


def _paths(shape: Shape, above: Path = ()) -> Iterator[Path]:
    for name, entry in shape.entries.items():
        if isinstance(entry, Shape):
            yield from _paths(entry, (*above, name))
        else:
            yield (*above, name)


def _types(columns: Sequence[ColumnInfo], above: Path = ()) -> Iterator[tuple[Path, str]]:
    for each in columns:
        path = (*above, each.name)
        if each.joined:
            yield from _types(each.joined, path)
        elif each.about is not None:
            yield path, each.about.type


def _cells(plan: RowPlan) -> Callable[[dict[str, Any]], list[Any]]:
    """From a record to the texts of its row; null stays null."""
    types = dict(_types(plan.columns))
    getters = [(path, types.get(path, "string")) for path in _paths(plan.shape)]
    return lambda record: [_text(_at(record, path), kind) for path, kind in getters]


def _at(record: Any, path: Path) -> Any:
    for name in path:
        if record is None:
            return None
        record = record[name]
    return record


def _text(value: Any, kind: str) -> str | None:
    if value is None or value.__class__ is str:
        return _zulu(value) if kind == "datetime" and value else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _zulu(text: str) -> str:
    """A moment with `Z` for its zone; a day as it is."""
    return f"{text[:-5]}Z" if len(text) > 10 else text


def _records(plan: RowPlan, shown: Callable[[str], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """From a record to the same with moments and days as they are shown."""
    timed = [path for path, kind in _types(plan.columns) if kind in ("date", "datetime")]

    def change(record: dict[str, Any]) -> dict[str, Any]:
        for *parents, name in timed:
            holder = _at(record, tuple(parents)) if all_there(record, parents) else None
            if isinstance(holder, dict) and isinstance(holder.get(name), str):
                holder[name] = shown(holder[name])
        return record

    return change


def all_there(record: Any, parents: Sequence[str]) -> bool:
    """Whether a record has these parents; another of a TYPEOF's may not."""
    for name in parents:
        if not isinstance(record, dict) or name not in record:
            return False
        record = record[name]
    return True


@lru_cache(maxsize=65_536)
def _milliseconds(text: str) -> int:
    whole = text if len(text) > 10 else f"{text}T00:00:00.000+0000"
    return int(datetime.fromisoformat(whole).timestamp() * 1000)
