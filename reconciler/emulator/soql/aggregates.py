"""Queries that answer aggregate results: COUNT(), aggregate functions, GROUP BY, HAVING.

ROLLUP and CUBE are several groupings in one answer. SQLite has none of it, so each grouping is a
SELECT of its own and they are put together with UNION ALL; a field that is rolled up is null in
the rows of that grouping, and GROUPING() of it is 1.

Source: SOQL and SOSL Reference, "Aggregate Functions", "GROUP BY", "GROUP BY ROLLUP", "HAVING".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Final

from ..errors import MalformedQuery
from ..schema import Field
from . import limits
from .columns import ColumnInfo
from .conditions import condition_sql
from .formats import formatted, labelled
from .functions import DATE_FUNCTIONS, column, only_path
from .refusals import Fault, invalid_field, malformed, unexpected
from .rows import AGGREGATES, filters, find_object, limits_sql, order_sql, picklist_order
from .scope import Asking, Column, Scope, table_sql
from .shape import Convert, converter, nullable_booleans
from .tree import Call, Expression, Item, Path, Query

NUMBERS: Final = frozenset({"int", "long", "double", "currency", "percent"})
NEVER: Final = frozenset({"base64", "address", "location"})
REFUSES: Final[dict[str, frozenset[str]]] = {
    "min": frozenset({"boolean", "time", "multipicklist"}) | NEVER,
    "max": frozenset({"boolean", "time", "multipicklist"}) | NEVER,
    "count": NEVER,
    "count_distinct": frozenset({"boolean", "multipicklist"}) | NEVER,
}
"""The field types that an aggregate function does not take; SUM and AVG take numbers only."""
COUNTED: Final = Field(name="expr", type="int", label="")
AVERAGED: Final = Field(name="expr", type="double", label="")
WRAPPERS: Final = frozenset({"format", "tolabel", "convertcurrency"})


@dataclass(slots=True)
class AggregatePlan:
    """``names`` and ``converts`` go with the columns; both are empty for `SELECT COUNT()`."""

    sql: str
    params: list[Any]
    names: list[str]
    converts: list[Convert | None]
    columns: list[ColumnInfo]
    sobject: str
    limited: bool


def compile_aggregates(asking: Asking, query: Query) -> AggregatePlan:
    """The plan of a query with aggregates or groups. Raises `Fault`."""
    return _Aggregates(asking, query).plan()


class _Aggregates:
    def __init__(self, asking: Asking, query: Query) -> None:
        self.asking, self.query = asking, query
        self.sobject = find_object(asking, query.source)
        self.scope = Scope(asking, self.sobject, [query.alias])
        for path, alias in query.further:
            self.scope.name_path(alias, path)
        self.groups, self.sets = self._grouping()
        self.names: list[str] = []
        self.converts: list[Convert | None] = []
        self.columns: list[ColumnInfo] = []
        self.outputs: list[Column] = []
        self.numbered = 0

    def plan(self) -> AggregatePlan:
        if self._is_count():
            return self._count()
        self._check_clauses()
        for each in self.query.selected:
            if not isinstance(each, Item):
                raise malformed("subqueries and TYPEOF are not allowed in aggregate queries", each.at)
            self._select(each)
        having = self.query.having
        test = "" if having is None else " HAVING " + condition_sql(self.scope, having, self._resolve)
        keys = [order_sql(self._resolve(each.expression), each) for each in self.query.order]
        source = self._from()
        sql = " UNION ALL ".join(self._grouped(source, chosen, keys, test) for chosen in self.sets)
        order = ", ".join(
            [*(f"k{number}{_direction(key)}" for number, key in enumerate(keys)), *self._ties()]
        )
        if len(self.sets) > 1:
            sql = f"SELECT * FROM ({sql})"
        if order:
            sql += f" ORDER BY {order}"
        return AggregatePlan(
            sql + limits_sql(self.asking, self.query),
            self.asking.params,
            self.names,
            self.converts,
            self.columns,
            self.sobject.name,
            self.query.limit is not None,
        )

    # -- SELECT COUNT()

    def _is_count(self) -> bool:
        counts = [
            each
            for each in self.query.selected
            if isinstance(each, Item)
            and isinstance(each.expression, Call)
            and each.expression.name == "count"
            and not each.expression.args
        ]
        if not counts:
            return False
        if len(self.query.selected) > 1:
            raise malformed("COUNT() must be the only element in the SELECT list", counts[0].at)
        return not self.query.group

    def _count(self) -> AggregatePlan:
        if self.query.order:
            raise malformed("ORDER BY is not allowed with COUNT()", self.query.order[0].expression.at)
        sql = f"SELECT COUNT(*) FROM (SELECT 1 {self._from()}{limits_sql(self.asking, self.query)})"
        return AggregatePlan(sql, self.asking.params, [], [], [], self.sobject.name, True)

    # -- the statement

    def _from(self) -> str:
        where = filters(self.scope, self.query)
        root = self.scope.root
        return f"FROM {table_sql(self.asking, self.sobject)} {root.alias} {' '.join(self.scope.joins)}" + (
            f" WHERE {' AND '.join(where)}" if where else ""
        )

    def _grouped(self, source: str, chosen: frozenset[int], keys: Sequence[str], having: str) -> str:
        """The SELECT of one grouping: ``chosen`` are the groups that are not rolled up."""
        gone = {each.sql for number, each in enumerate(self.groups) if number not in chosen}

        def masked(sql: str) -> str:
            return "NULL" if sql in gone else self._masked_grouping(sql, gone)

        cells = [f"{masked(each.sql)} AS c{number}" for number, each in enumerate(self.outputs)]
        cells += [f"{masked(_key(key))} AS k{number}" for number, key in enumerate(keys)]
        for number, each in enumerate(self.groups):
            cells.append(f"{'NULL' if each.sql in gone else each.sql} AS g{number}")
            cells.append(f"{int(each.sql in gone)} AS f{number}")
        by = ", ".join(self.groups[number].sql for number in sorted(chosen))
        grouping = f" GROUP BY {by}" if by else ""
        sql = f"SELECT {', '.join(cells)} {source}{grouping}"
        if having and not grouping:
            return f"{sql} GROUP BY NULL{self._masked_grouping(having, gone)}"
        return sql + self._masked_grouping(having, gone)

    def _masked_grouping(self, sql: str, gone: set[str]) -> str:
        for each in self.groups:
            sql = sql.replace(_grouping_mark(each), str(int(each.sql in gone)))
        return sql

    def _ties(self) -> list[str]:
        ties = []
        for number in range(len(self.groups)):
            ties += [f"f{number}", f"g{number}"] if len(self.sets) > 1 else [f"g{number}"]
        return ties

    # -- GROUP BY

    def _grouping(self) -> tuple[list[Column], list[frozenset[int]]]:
        group = self.query.group
        special = next(
            (each for each in group if isinstance(each, Call) and each.name in ("rollup", "cube")), None
        )
        if special is None:
            groups = [self._group(each) for each in group]
            return groups, [frozenset(range(len(groups)))]
        if len(group) > 1:
            raise malformed("ROLLUP and CUBE can not be mixed with other groupings", special.at)
        if not 1 <= len(special.args) <= limits.ROLLUP_FIELDS:
            raise malformed(f"{special.name.upper()} takes 1 to {limits.ROLLUP_FIELDS} fields", special.at)
        groups = []
        for argument in special.args:
            if not isinstance(argument, Path | Call):
                raise unexpected(special.name, special.at)
            groups.append(self._group(argument))
        places = range(len(groups))
        sizes = range(len(groups), -1, -1)
        if special.name == "rollup":
            return groups, [frozenset(range(size)) for size in sizes]
        return groups, [frozenset(each) for size in sizes for each in combinations(places, size)]

    def _group(self, expression: Expression) -> Column:
        found = column(self.scope, expression)
        if not found.derived and (not found.field.groupable or found.field.type in NEVER):
            raise invalid_field(f"field '{found.field.name}' can not be grouped in a query call", found.at)
        return found

    # -- SELECT

    def _check_clauses(self) -> None:
        if not self.query.group and self.query.limit is not None:
            raise malformed("LIMIT needs GROUP BY in a query with aggregate functions", self.query.limit.at)
        if self.query.having is not None and not self.query.group:
            raise unexpected("HAVING", self.query.at)

    def _select(self, item: Item) -> None:
        expression = item.expression
        found = self._resolve(expression)
        inner = expression
        while isinstance(inner, Call) and inner.name in WRAPPERS and isinstance(inner.args[0], Path | Call):
            inner = inner.args[0]
        if item.alias is not None:
            name = item.alias
        elif isinstance(inner, Path):
            name = found.field.name
        else:
            name = f"expr{self.numbered}"
            self.numbered += 1
        if name.lower() in (each.lower() for each in self.names):
            raise malformed(f"duplicate alias: {name}", item.at)
        self.names.append(name)
        self.outputs.append(found)
        self.converts.append(self._converter(found, expression))
        if isinstance(inner, Path):
            self.columns.append(ColumnInfo(name, name, found.field, aggregate=item.alias is not None))
        else:
            self.columns.append(ColumnInfo(name, inner.name, found.field, aggregate=True))

    def _converter(self, found: Column, expression: Expression) -> Convert | None:
        if isinstance(expression, Call) and expression.name == "format":
            return formatted(self.asking, found.field)
        if isinstance(expression, Call) and expression.name == "tolabel":
            return labelled(found.field)
        if found.field.type == "boolean":
            return nullable_booleans
        return converter(found.field)

    def _resolve(self, expression: Expression) -> Column:
        """A grouped field, or an aggregate function, as a column. Raises for any other field."""
        if isinstance(expression, Call) and expression.name in AGGREGATES:
            return self._aggregate(expression)
        if isinstance(expression, Call) and expression.name in WRAPPERS:
            if len(expression.args) != 1 or not isinstance(expression.args[0], Path | Call):
                raise unexpected(expression.name, expression.at)
            return self._resolve(expression.args[0])
        found = column(self.scope, expression)
        if found.sql not in {each.sql for each in self.groups}:
            if isinstance(expression, Call) and expression.name not in DATE_FUNCTIONS:
                raise unexpected(expression.name, expression.at)
            shown = expression.text if isinstance(expression, Path) else expression.name.upper()
            raise malformed(f"Field must be grouped or aggregated: {shown}", expression.at)
        return found

    def _aggregate(self, call: Call) -> Column:
        if call.name == "grouping":
            return self._grouping_of(call)
        if call.name == "count" and not call.args:
            return Column("COUNT(*)", COUNTED, self.scope.root, call.at, derived=True)
        inner = call.args[0] if len(call.args) == 1 else None
        if isinstance(inner, Call) and inner.name != "convertcurrency":
            found = column(self.scope, inner)
        else:
            found = self.scope.column(only_path(call))
        check_aggregate(call, found)
        sql, kind = _aggregate_sql(call.name, found)
        return replace(found, sql=sql, field=kind, at=call.at, derived=True)

    def _grouping_of(self, call: Call) -> Column:
        found = self.scope.column(only_path(call))
        if found.sql not in {each.sql for each in self.groups} or len(self.sets) == 1:
            raise malformed("GROUPING needs a field of GROUP BY ROLLUP or GROUP BY CUBE", call.at)
        return replace(found, sql=_grouping_mark(found), field=COUNTED, at=call.at, derived=True)


def check_aggregate(call: Call, found: Column) -> None:
    """Raises INVALID_FIELD when the function does not take fields of this type."""
    kind = found.field.type
    if call.name in ("sum", "avg"):
        wrong = kind not in NUMBERS
    else:
        wrong = kind in REFUSES[call.name]
    if wrong or (not found.field.aggregatable and call.name not in ("count", "count_distinct")):
        raise invalid_field(
            f"field {found.field.name} does not support aggregate operator {call.name.upper()}", call.at
        )


def _aggregate_sql(name: str, found: Column) -> tuple[str, Field]:
    sql = found.sql
    if name == "count":
        return f"COUNT({sql})", COUNTED
    if name == "count_distinct":
        return f"COUNT(DISTINCT {sql})", COUNTED
    if name in ("min", "max"):
        ordered = picklist_order(found)
        if ordered is not None:
            return f"substr({name.upper()}({ordered}), 6)", found.field
        return f"{name.upper()}({sql})", found.field
    if name == "avg":
        return f"AVG({sql})", AVERAGED
    return f"SUM({sql})", found.field


def _grouping_mark(found: Column) -> str:
    """A stand-in for GROUPING(f), replaced by 0 or 1 in each grouping."""
    return f"/*grouping {found.sql} */"


def _key(key: str) -> str:
    return key.rsplit(" ", 3)[0]


def _direction(key: str) -> str:
    return " " + " ".join(key.rsplit(" ", 3)[1:])


def too_many_groups() -> Fault:
    return Fault(
        MalformedQuery,
        "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch",
        None,
        "EXCEEDED_ID_LIMIT",
    )
