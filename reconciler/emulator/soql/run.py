"""The way in: text to result.

Trees are kept by text (`parse`), and so are compiled plans of an org while its schema stays the
same, unless they depend on the user or the time.
"""

import json
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, overload
from weakref import WeakKeyDictionary

from ..bounds import Bound, most
from ..formula.columns import FUNCTION
from ..schema import Schema
from . import limits
from .aggregates import AggregatePlan, compile_aggregates, too_many_groups
from .columns import ColumnInfo
from .parse import KEPT_CHARACTERS, parse
from .refusals import Fault, malformed, placed
from .rows import ChildPlan, RowPlan, compile_rows, is_aggregate
from .scope import Asking
from .shape import Building, build
from .tree import Query

if TYPE_CHECKING:
    from ..org import EmulatedOrg

KEPT_PLANS: Final = 512
CHILD_KEYS: Final = {"totalSize", "done", "records"}
ROWS_AT_ONCE: Final = 10_000
"""Of a result with more rows only the ids are held; more than any client asks for as one page."""


@dataclass(slots=True)
class QueryResult:
    """All records of a query; pages are cut by whoever answers. ``is_count`` is `SELECT COUNT()`."""

    records: Sequence[dict[str, Any]]
    total_size: int
    columns: list[ColumnInfo] = field(default_factory=list)
    is_count: bool = False
    sobject: str = ""
    """The object in FROM, as the schema spells it."""
    is_aggregate: bool = False
    has_children: bool = False
    """Whether records have the results of child subqueries, members with `CHILD_KEYS`."""

    def column_metadata(self) -> dict[str, Any]:
        """The reply to `columns=true`, without what depends on the connection."""
        return {"columnMetadata": [each.to_json() for each in self.columns]}


PlanKey = tuple[str, bool, str, int]
"""A query, whether deleted rows are asked for, the version, the largest offset."""


@dataclass(slots=True)
class Plans:
    """Compiled plans of one org, latest used last."""

    schema_version: int = -1
    kept: OrderedDict[tuple[str, bool, str, int], RowPlan | AggregatePlan] = field(
        default_factory=OrderedDict
    )


_plans: WeakKeyDictionary[Schema, Plans] = WeakKeyDictionary()


def run_query(
    org: "EmulatedOrg",
    soql: str,
    *,
    all_rows: bool,
    user_id: str,
    version: str,
    tree: Query | None = None,
    schema: Schema | None = None,
    area: str = "",
) -> QueryResult:
    """Run a query against the store as it is now.

    ``all_rows`` includes rows in the recycle bin. ``version`` is the API's, `64.0`; it is written
    into the records' addresses, with ``area`` (`/tooling`) after it. ``schema`` is another than the
    org's own over the same store, as the Tooling API has; ``tree`` is run in place of what ``soql``
    says, and not kept. Raises `ApiError` with Salesforce's code and text.
    """
    names = schema or org.schema
    with org.store.lock:
        try:
            if tree is None:
                plan = _plan(org, names, soql, all_rows, user_id, version)
            else:
                plan = _compile(Asking(org, user_id, version, all_rows, org.clock.now_ms(), names), tree)
        except Fault as fault:
            raise placed(fault, soql) from None
        except RecursionError:
            raise placed(malformed("SOQL statement is too complicated."), soql) from None
        with org.formulas.asking(user_id) if computes(plan) else nullcontext():
            if isinstance(plan, AggregatePlan):
                return _aggregates(org, plan)
            base = f"/services/data/v{version.removeprefix('v')}{area}"
            records = _records(org, plan, names, base)
            return QueryResult(
                records,
                len(records),
                plan.columns,
                sobject=plan.shape.kind,
                has_children=bool(plan.children),
            )


def computes(plan: RowPlan | AggregatePlan) -> bool:
    """Whether the plan asks for formulas, which need to know who asks."""
    if FUNCTION in plan.sql:
        return True
    return isinstance(plan, RowPlan) and any(computes(each.rows) for each in plan.children)


def plan_query(
    org: "EmulatedOrg", soql: str, *, all_rows: bool, user_id: str, version: str
) -> RowPlan | AggregatePlan:
    """The compiled query of a user, for who looks at it before it is run. Raises `ApiError`."""
    try:
        return _plan(org, org.access.of(user_id).schema, soql, all_rows, user_id, version)
    except Fault as fault:
        raise placed(fault, soql) from None
    except RecursionError:
        raise placed(malformed("SOQL statement is too complicated."), soql) from None


def pieces(
    org: "EmulatedOrg", plan: RowPlan, user_id: str, version: str, rows: int
) -> Iterator[list[dict[str, Any]]]:
    """The records of a plan, some at a time; the org may change between.

    Which rows there are is settled at first, what they hold is read with each piece.
    """
    base = f"/services/data/v{version.removeprefix('v')}"

    def asking() -> AbstractContextManager[None]:
        return org.formulas.asking(user_id) if computes(plan) else nullcontext()

    if not plan.ids_sql:
        with asking():
            found = org.store.execute(plan.sql, plan.params)
        for start in range(0, len(found), rows):
            with asking():
                piece = _built(
                    org, plan, list(zip(*found[start : start + rows], strict=True)), org.schema, base
                )
            yield piece
        return
    with asking():
        pages = _Pages(org, plan, org.schema, base)
    for start in range(0, len(pages), rows):
        with asking():
            piece = pages[start : start + rows]
        yield piece


def _plan(
    org: "EmulatedOrg", schema: Schema, soql: str, all_rows: bool, user_id: str, version: str
) -> RowPlan | AggregatePlan:
    plans = _plans.setdefault(schema, Plans())
    if plans.schema_version != schema.version:
        plans.kept.clear()
        plans.schema_version = schema.version
    if len(soql) > (allowed := most(org, Bound.QUERY_CHARACTERS)):
        raise malformed(f"SOQL statements cannot be longer than {allowed} characters.")
    key = (soql, all_rows, version, most(org, Bound.QUERY_OFFSET))
    plan = plans.kept.get(key)
    if plan is not None:
        plans.kept.move_to_end(key)
        return plan
    asking = Asking(org, user_id, version, all_rows, org.clock.now_ms(), schema)
    plan = _compile(asking, parse(soql))
    if asking.lasting and len(soql) <= KEPT_CHARACTERS:
        plans.kept[key] = plan
        if len(plans.kept) > KEPT_PLANS:
            plans.kept.popitem(last=False)
    return plan


def _compile(asking: Asking, query: Query) -> RowPlan | AggregatePlan:
    return compile_aggregates(asking, query) if is_aggregate(query) else compile_rows(asking, query)


def _records(org: "EmulatedOrg", plan: RowPlan, schema: Schema, base: str) -> Sequence[dict[str, Any]]:
    """All records; those of a large result are read when they are looked at."""
    found = org.store.connection.execute(plan.sql, plan.params)
    cells = found.fetchmany(ROWS_AT_ONCE + 1)
    if len(cells) > ROWS_AT_ONCE:
        if plan.ids_sql and not computes(plan):
            found.close()
            return _Pages(org, plan, schema, base)
        cells += found.fetchall()
    return _built(org, plan, list(zip(*cells, strict=True)), schema, base) if cells else []


class _Pages(Sequence[dict[str, Any]]):
    """The records of a large result: which rows is settled, what they hold is read a page at a time.

    A row that was deleted meanwhile is told as it is; one that is gone for good is left out of its page.
    """

    def __init__(self, org: "EmulatedOrg", plan: RowPlan, schema: Schema, base: str) -> None:
        self._org, self._plan, self._schema, self._base = org, plan, schema, base
        self._ids = array("q", (row[0] for row in org.store.connection.execute(plan.ids_sql, plan.params)))

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, at: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(at, slice):
            return self._read(self._ids[at].tolist())
        return self._read([self._ids[at]])[0]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for start in range(0, len(self), ROWS_AT_ONCE):
            yield from self[start : start + ROWS_AT_ONCE]

    def _read(self, wanted: list[int]) -> list[dict[str, Any]]:
        plan = self._plan
        with self._org.store.lock:
            found = self._org.store.execute(plan.page_sql, [*plan.params, json.dumps(wanted)])
            by_id = {row[plan.shape.id_index]: row for row in found}
            cells = list(zip(*(by_id[each] for each in wanted if each in by_id), strict=True))
            return _built(self._org, plan, cells, self._schema, self._base) if cells else []


def _built(
    org: "EmulatedOrg", plan: RowPlan, cells: list[tuple[Any, ...]], schema: Schema, base: str
) -> list[dict[str, Any]]:
    kids = [_children(org, each, cells[plan.shape.id_index], schema, base) for each in plan.children]
    built = build(plan.shape, Building(cells, kids, base, schema))
    return [each for each in built if each is not None]


def _children(
    org: "EmulatedOrg", plan: ChildPlan, parents: tuple[Any, ...], schema: Schema, base: str
) -> Mapping[int, dict[str, Any]]:
    """The member of each parent that has children: parents without any are absent."""
    params = [json.dumps(parents), *plan.rows.params[1:]]
    rows = org.store.execute(plan.rows.sql, params)
    shares: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        shares.setdefault(row[plan.parent_index], []).append(row)
    end = None if plan.limit is None else plan.offset + plan.limit
    cut = {parent: share[plan.offset : end] for parent, share in shares.items()}
    flat = [row for share in cut.values() for row in share]
    if not flat:
        return {}
    records = iter(_built(org, plan.rows, list(zip(*flat, strict=True)), schema, base))
    return {
        parent: {"totalSize": len(share), "done": True, "records": [next(records) for _ in share]}
        for parent, share in cut.items()
        if share
    }


def _aggregates(org: "EmulatedOrg", plan: AggregatePlan) -> QueryResult:
    rows = org.store.execute(plan.sql, plan.params)
    if not plan.names:
        return QueryResult([], rows[0][0], is_count=True, sobject=plan.sobject, is_aggregate=True)
    if len(rows) > limits.GROUPS and not plan.limited:
        raise placed(too_many_groups(), "")
    names = ["attributes", *plan.names]
    cells = list(zip(*rows, strict=True))[: len(plan.names)]
    columns = [
        column if convert is None else convert(column)
        for column, convert in zip(cells, plan.converts, strict=False)
    ]
    records = [
        dict(zip(names, ({"type": "AggregateResult"}, *row), strict=True))
        for row in zip(*columns, strict=True)
    ]
    return QueryResult(records, len(records), plan.columns, sobject=plan.sobject, is_aggregate=True)
