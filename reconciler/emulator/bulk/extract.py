"""Queries whose results are files: what they may ask, and the lines they answer.

The records of a query are made once, when the job runs, and kept some thousand at a time; a result page
is cut from them, so a locator stays good as long as the job. A value is text in quotes, null is
empty, a moment ends in `Z`; JSON shows moments and days as milliseconds since 1970, as recorded.

Source: Bulk API Developer Guide, "Bulk Query"; texts of refusals as users paste them into issues.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..soql.aggregates import AggregatePlan
from ..soql.columns import ColumnInfo
from ..soql.parse import parse
from ..soql.refusals import Fault, placed
from ..soql.rows import RowPlan
from ..soql.run import pieces, plan_query
from ..soql.shape import Blob, Compound, Kids, OneOf, Shape
from .csvform import gathered, quoted_line
from .jobs import Batch, Job
from .refusals import BulkRefusal
from .results import ResultGone

if TYPE_CHECKING:
    from ..org import EmulatedOrg

KEPT_RECORDS = 2_000
"""Records kept in one piece."""
UNQUERYABLE = frozenset({"RecentlyViewed", "EntityDefinition", "FieldDefinition", "UserRecordAccess"})
"""Objects that are no table in a real org either, so that no bulk query reads them."""
TOLD_OF_READING = re.compile(r"\b(for\s+(?:view|reference))\b[^']*\Z", re.IGNORECASE)
"""Clauses that note who looked at the rows; the text of their refusal is not verified."""
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, and for whom. ``form`` is `V2` while a job of 2.0 is made, else CSV, JSON or XML."""

    soql: str
    all_rows: bool
    user_id: str
    version: str
    form: str

    def plan(self, org: "EmulatedOrg") -> RowPlan | AggregatePlan:
        return plan_query(org, self.soql, all_rows=self.all_rows, user_id=self.user_id, version=self.version)


def check(org: "EmulatedOrg", asked: Asked) -> str:
    """The object a query is about. Raises what Salesforce answers to a query that no bulk job runs.

    JSON and XML, of 1.0 only, hold whole records, and so may have more than a table has.
    """
    kind = "Bulk V2 Query" if asked.form == "V2" else "Bulk Query"
    try:
        tree = parse(asked.soql)
    except Fault as fault:
        raise placed(fault, asked.soql) from None
    if tree.offset is not None:
        raise BulkRefusal("FeatureNotEnabled", f"OFFSET clause is not supported in {kind}", code="API_ERROR")
    if told := TOLD_OF_READING.search(asked.soql):
        clause = " ".join(told[1].upper().split())
        raise BulkRefusal("FeatureNotEnabled", f"{clause} is not supported in {kind}", code="API_ERROR")
    plan = asked.plan(org)
    if isinstance(plan, AggregatePlan):
        raise BulkRefusal("FeatureNotEnabled", f"Aggregate queries not supported in {kind}", code="API_ERROR")
    if plan.shape.kind in UNQUERYABLE:
        raise BulkRefusal("InvalidEntity", f"Entity '{plan.shape.kind}' is not supported by the Bulk API.")
    _check_shape(plan.shape, kind, whole=asked.form in ("JSON", "XML"))
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


def go_on(org: "EmulatedOrg", work: Job | Batch, asked: Asked) -> bool:
    """Keep the next records of a query under the number of its job or batch; whether those were the last.

    A query is begun anew by a process that does not know how far another one came.
    """
    running = _RUNNING.setdefault(org, {})
    found = running.get(work.number)
    if found is None or found.asked != asked or found.count != work.processed:
        org.store.execute("DELETE FROM _bulk_result WHERE owner = ?", (work.number,))
        found = running[work.number] = Extraction(org, work.number, asked)
    done = not found.keep_next()
    work.header, work.processed = found.names, found.count
    if done:
        del running[work.number]
    return done


def forget(org: "EmulatedOrg", owner: int) -> None:
    """Do not go on with a query."""
    _RUNNING.get(org, {}).pop(owner, None)


class Extraction:
    """A query on its way to its result.

    Which rows it finds is settled when it begins, if there are many; what they hold is read some thousand
    at a time. CSV keeps rows of texts in the order of ``names``, JSON and XML keep whole records.
    """

    def __init__(self, org: "EmulatedOrg", owner: int, asked: Asked) -> None:
        self._store, self._owner, self.asked = org.store, owner, asked
        org.definitions.refresh_for(asked.soql)
        plan = asked.plan(org)
        assert isinstance(plan, RowPlan)  # others were refused by `check`
        self._pieces = pieces(org, plan, asked.user_id, asked.version, KEPT_RECORDS)
        shown = _milliseconds if asked.form == "JSON" else _zulu
        self._made = _cells(plan) if asked.form == "CSV" else _records(plan, shown)
        self.names = [".".join(path) for path in _paths(plan.shape)]
        self.count = 0

    def keep_next(self) -> bool:
        """Keep one piece; False when there is none."""
        records = next(self._pieces, None)
        if records is None:
            return False
        if records:
            content = json.dumps([self._made(each) for each in records])
            self._store.execute(
                "INSERT INTO _bulk_result VALUES (?, ?, 0, 0, ?, ?)",
                (self._owner, self.count, len(records), content),
            )
            self.count += len(records)
        return True


_RUNNING: "WeakKeyDictionary[EmulatedOrg, dict[int, Extraction]]" = WeakKeyDictionary()


def page(org: "EmulatedOrg", owner: int, start: int, count: int) -> Iterator[Any]:
    """The ``count`` kept records or rows from ``start`` on. Raises `ResultGone` when they are not there."""
    end = start + count
    while start < end:
        rows = org.store.execute(
            "SELECT first, content FROM _bulk_result WHERE owner = ? AND first <= ? "
            "ORDER BY first DESC LIMIT 1",
            (owner, start),
        )
        found = json.loads(rows[0][1])[start - rows[0][0] : end - rows[0][0]] if rows else []
        if not found:
            raise ResultGone
        yield from found
        start += len(found)


def csv_body(
    names: Sequence[str], rows: Iterator[Sequence[Any]], delimiter: str, ending: str
) -> Iterator[bytes]:
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
