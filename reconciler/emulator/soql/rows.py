"""Queries that answer rows: the SELECT list, its joins, filters and order as one SQL statement.

A child subquery is a plan of its own. Its statement takes the ids of all parents as one JSON
value and is run once; its rows are then dealt out to the parents, and LIMIT and OFFSET are
applied to each parent's share.

Without ORDER BY, and among equals, rows come in the order of their ids: Salesforce promises no
order, and a run must repeat exactly.

Source: SOQL and SOSL Reference, "SELECT", "FIELDS()", "ORDER BY", "OFFSET", "Relationship Queries".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ..bounds import Bound, most
from ..errors import MalformedQuery
from ..schema import ChildRelationship, SObject
from ..store import quoted
from . import limits
from .columns import ColumnInfo, add_path
from .conditions import condition_sql
from .formats import formatted, labelled
from .functions import column, compound_parts, only_path, text_sql
from .parse import DATA_CATEGORY
from .refusals import (
    Fault,
    invalid_field,
    malformed,
    no_such_children,
    no_such_object,
    not_emulated,
    unexpected,
)
from .required_filters import check_required
from .scope import AnyRow, Asking, Column, Place, Row, Scope, table_sql
from .shape import Blob, Compound, Entry, Kids, OneOf, Shape, Value, converter
from .tree import (
    Call,
    Children,
    Expression,
    Item,
    Order,
    Path,
    Query,
    Selected,
    TypeOf,
)

AGGREGATES: Final = frozenset({"count", "count_distinct", "min", "max", "sum", "avg", "grouping"})
SHOWN: Final = frozenset({"tolabel", "format", "convertcurrency", "converttimezone"})
UNSORTABLE: Final = frozenset({"multipicklist", "base64", "address", "location"})
SCOPES: Final = frozenset(
    {"everything", "mine", "delegated", "team", "my_territory", "my_team_territory"}
    | {"allprivate", "mineandmygroups", "scopingrule"}
)


@dataclass(slots=True)
class RowPlan:
    """A compiled statement and how its rows become records."""

    sql: str
    params: list[Any]
    shape: Shape
    columns: list[ColumnInfo]
    children: "list[ChildPlan]" = field(default_factory=list)
    ids_sql: str = ""
    """The ids of the rows alone, in their order; empty where a page cannot be asked for by ids."""
    page_sql: str = ""
    """Rows by a list of ids as one JSON value, the parameter after the others; in no order."""


@dataclass(slots=True)
class ChildPlan:
    """``parent_index`` is the column with the parent's id; the first parameter takes their list."""

    rows: RowPlan
    parent_index: int
    limit: int | None
    offset: int


def find_object(asking: Asking, path: Path) -> SObject:
    found = asking.schema.get(path.text)
    if found is None or not found.queryable:
        raise no_such_object(path.text, path.at)
    return found


def compile_rows(asking: Asking, query: Query) -> RowPlan:
    """The plan of a query without aggregates. Raises `Fault`."""
    sobject = find_object(asking, query.source)
    return _Rows(asking, query, sobject, [query.alias], level=0).plan(asking.params)


class _Rows:
    """One SELECT being compiled."""

    def __init__(
        self, asking: Asking, query: Query, sobject: SObject, names: list[str | None], level: int
    ) -> None:
        self.asking, self.query, self.sobject, self.level = asking, query, sobject, level
        self.scope = Scope(asking, sobject, names)
        for path, alias in query.further:
            self.scope.name_path(alias, path)
        self.outputs: list[str] = []
        self.places: dict[str, int] = {}
        self.columns: list[ColumnInfo] = []
        self.children: list[ChildPlan] = []
        self.chosen: set[str] = set()

    # -- the statement

    def plan(self, params: list[Any], relation: ChildRelationship | None = None) -> RowPlan:
        query, root = self.query, self.scope.root
        shape = Shape(self.sobject.name, self.sobject.name, self._output(root.id_sql))
        for item in self._expanded():
            self._select(shape, item)
        where = (
            [f"{root.alias}.{quoted(relation.field)} IN (SELECT value FROM json_each(?1))"]
            if relation
            else []
        )
        where += filters(self.scope, query)
        order = self._order()
        outputs, limits_ = ", ".join(self.outputs), "" if relation else self._limits()
        table = f"FROM {table_sql(self.asking, self.sobject)} {root.alias} {' '.join(self.scope.joins)}"
        chosen = (f" WHERE {' AND '.join(where)}" if where else "") + f" ORDER BY {order}" + limits_
        plan = RowPlan(f"SELECT {outputs} {table}{chosen}", params, shape, self.columns, self.children)
        if relation is None and "?" not in outputs:
            listed = f"(SELECT value FROM json_each(?{len(params) + 1}))"
            plan.ids_sql = f"SELECT {root.id_sql} {table}{chosen}"
            plan.page_sql = f"SELECT {outputs} {table} WHERE {root.id_sql} IN {listed}"
        return plan

    def _output(self, sql: str) -> int:
        place = self.places.get(sql)
        if place is None:
            place = self.places[sql] = len(self.outputs)
            self.outputs.append(sql)
        return place

    def _order(self) -> str:
        parts = [order_sql(column(self.scope, each.expression), each) for each in self.query.order]
        return ", ".join([*parts, self.scope.root.id_sql])

    def _limits(self) -> str:
        return limits_sql(self.asking, self.query)

    # -- the SELECT list

    def _expanded(self) -> Iterator[Selected]:
        """The list with FIELDS() written out."""
        for item in self.query.selected:
            if (
                isinstance(item, Item)
                and isinstance(item.expression, Call)
                and item.expression.name == "fields"
            ):
                yield from self._fields(item.expression)
            else:
                yield item

    def _fields(self, call: Call) -> Iterator[Item]:
        kind = call.args[0].text.upper() if len(call.args) == 1 and isinstance(call.args[0], Path) else ""
        if kind not in ("ALL", "CUSTOM", "STANDARD"):
            raise malformed("unexpected token: 'FIELDS'", call.at)
        limit = self.query.limit
        if kind != "STANDARD" and (limit is None or limit.value > limits.FIELDS_ROWS):
            raise malformed(
                f"The SOQL FIELDS function must have a LIMIT of at most {limits.FIELDS_ROWS}", call.at
            )
        for each in self.sobject.fields.values():
            if kind == "ALL" or each.custom is (kind == "CUSTOM"):
                yield Item(Path((each.name,), call.at), None, call.at)

    def _select(self, shape: Shape, item: Selected) -> None:
        if isinstance(item, Children):
            self._child(shape, item)
        elif isinstance(item, TypeOf):
            self._typeof(shape, item)
        else:
            self._field(shape, item)

    def _field(self, shape: Shape, item: Item) -> None:
        expression = item.expression
        if item.alias is not None and not isinstance(expression, Call):
            raise malformed("only aggregate expressions use field aliasing", item.at)
        found = self._shown(expression)
        key = item.alias or found.field.name
        entry = self._entry(found, expression)
        names = found.place.names if item.alias is None else ()
        self._once((*names, key), item)
        target = self._parent_shape(shape, found.place) if names else shape
        target.entries[key] = entry
        if isinstance(expression, Call):
            self.columns.append(ColumnInfo(key, expression.name, found.field, aggregate=True))
        else:
            add_path(self.columns, names, found.field)

    def _once(self, key: tuple[str, ...], item: Item) -> None:
        name = ".".join(key)
        if name.lower() in self.chosen:
            raise invalid_field(f"duplicate field selected: {name}")
        self.chosen.add(name.lower())

    def _shown(self, expression: Expression) -> Column:
        if isinstance(expression, Path):
            return self.scope.column(expression)
        if expression.name in SHOWN:
            inner = expression.args[0] if len(expression.args) == 1 else None
            if isinstance(inner, Call) and inner.name not in AGGREGATES:
                return self._shown(inner)
            return self.scope.column(only_path(expression))
        if expression.name == "distance":
            return column(self.scope, expression)
        raise malformed(f"unexpected token: '{expression.said}'", expression.at)

    def _entry(self, found: Column, expression: Expression) -> Entry:
        kind = found.field.type
        if kind in ("address", "location"):
            return self._compound(found)
        index = self._output(f"{found.sql} IS NOT NULL" if kind == "base64" else found.sql)
        if kind == "base64":
            return Blob(index, found.place.entity, found.field.name)
        if isinstance(expression, Call) and expression.name == "tolabel":
            return Value(index, labelled(found.field))
        if isinstance(expression, Call) and expression.name == "format":
            return Value(index, formatted(self.asking, found.field))
        return Value(index, converter(found.field))

    def _compound(self, found: Column) -> Entry:
        from ..org import address, location  # the org is loaded by whoever asks; it imports us late

        name, kind = found.field.name, found.field.type
        base = name.removesuffix("__c") + "__" if name.endswith("__c") else name.removesuffix("Address")
        parts = {
            (f"{base}{part}__s" if name.endswith("__c") else base + part): self._output(sql)
            for part, sql in compound_parts(found).items()
        }
        make = address if kind == "address" else location
        return Compound(parts, lambda values: make(name, values))

    def _parent_shape(self, shape: Shape, place: Place) -> Shape:
        """The shape of a parent row, made on first use where its first field stands."""
        for depth in range(1, len(place.names) + 1):
            names = place.names[:depth]
            inner = shape.entries.get(names[-1])
            if not isinstance(inner, Shape):
                step = self.scope.place(names)
                name = step.sobject.name if isinstance(step, Row) else None
                inner = Shape(step.entity, name, self._output(step.id_sql))
                shape.entries[names[-1]] = inner
            shape = inner
        return shape

    # -- TYPEOF

    def _typeof(self, shape: Shape, item: TypeOf) -> None:
        reference, key_sql = self.scope.relationship(item.relationship)
        name = reference.relationship_name or item.relationship.parts[-1]
        if len(reference.reference_to) < 2:
            raise malformed(
                f"TYPEOF can not be used with '{name}': it is not polymorphic", item.relationship.at
            )
        if name in shape.entries:
            raise invalid_field(f"duplicate field selected: {name}")
        choices = []
        info = ColumnInfo(name, name, foreign_key=name)
        for typed, paths in item.whens:
            sobject = find_object(self.asking, typed)
            self.scope.count_parent(typed.at)
            place = self.scope.join(sobject, key_sql, (name,))
            choices.append(
                self._typed(Shape(sobject.name, sobject.name, self._output(place.id_sql)), place, paths, info)
            )
        if item.otherwise:
            targets = tuple(
                self.asking.schema[each] for each in reference.reference_to if each in self.asking.schema
            )
            anyone = AnyRow(key_sql, targets, (name,))
            choices.append(
                self._typed(Shape("Name", None, self._output(anyone.id_sql)), anyone, item.otherwise, info)
            )
        shape.entries[name] = OneOf(choices)
        self.columns.append(info)

    def _typed(self, shape: Shape, place: Place, paths: tuple[Path, ...], info: ColumnInfo) -> Shape:
        for path in paths:
            found = self.scope.from_place(place, path)
            target = shape
            for depth, name in enumerate(found.place.names[1:], 2):
                step = self.scope.step(place, found.place.names[1:depth])
                inner = target.entries.get(name)
                if not isinstance(inner, Shape):
                    sobject = step.sobject.name if isinstance(step, Row) else None
                    inner = target.entries[name] = Shape(step.entity, sobject, self._output(step.id_sql))
                target = inner
            target.entries[found.field.name] = self._entry(found, path)
            add_path(info.joined, found.place.names[1:], found.field)
        return shape

    # -- child subqueries

    def _child(self, shape: Shape, item: Children) -> None:
        query = item.query
        levels = limits.CHILD_LEVELS if self.asking.api >= 58 else limits.CHILD_LEVELS_BEFORE_V58
        if self.level + 1 > levels:
            raise malformed("SOQL child subqueries are nested too deeply", item.at)
        if len(self.children) >= limits.CHILD_SUBQUERIES:
            raise malformed(f"a query may have at most {limits.CHILD_SUBQUERIES} child subqueries", item.at)
        if query.offset is not None and (self.query.limit is None or self.query.limit.value != 1):
            raise malformed("OFFSET in a subquery needs a LIMIT of 1 on the outer query", query.offset.at)
        refuse_aggregates(query)
        relation = self._relation(query.source)
        child = self.asking.schema[relation.child]
        inner = Asking(
            self.asking.org,
            self.asking.user_id,
            self.asking.version,
            self.asking.all_rows,
            self.asking.now_ms,
            self.asking.schema,
        )
        inner.bind(None)
        rows = _Rows(inner, query, child, [query.alias, relation.name], self.level + 1)
        parent_index = rows._output(f"{rows.scope.root.alias}.{quoted(relation.field)}")
        plan = rows.plan(inner.params, relation)
        self.asking.lasting = self.asking.lasting and inner.lasting
        name = relation.name or query.source.text
        self._once((name,), Item(query.source, None, item.at))
        shape.entries[name] = Kids(len(self.children))
        self.children.append(
            ChildPlan(
                plan,
                parent_index,
                None if query.limit is None else query.limit.value,
                0 if query.offset is None else query.offset.value,
            )
        )
        self.columns.append(ColumnInfo(name, name, aggregate=True, joined=plan.columns, foreign_key=name))

    def _relation(self, source: Path) -> ChildRelationship:
        parts = source.parts
        if len(parts) == 2 and parts[0].lower() in (
            self.sobject.name.lower(),
            (self.query.alias or "").lower(),
        ):
            parts = parts[1:]
        wanted = parts[-1].lower() if len(parts) == 1 else ""
        for each in self.asking.schema.children_of(self.sobject.name):
            if each.name and each.name.lower() == wanted and self.asking.schema[each.child].queryable:
                return each
        raise no_such_children(source.text, source.at)


# -- shared with aggregate queries


def filters(scope: Scope, query: Query) -> list[str]:
    """The conditions of WHERE, USING SCOPE, and of being alive."""
    asking, root = scope.asking, scope.root
    if DATA_CATEGORY in query.security:
        raise not_emulated(f"WITH {DATA_CATEGORY}")
    found = []
    if not asking.all_rows and root.sobject.field("IsDeleted") is not None:
        found.append(f'{root.alias}."IsDeleted" = 0')
    found += scope.shared()
    if query.scope is not None:
        found += _scope_filter(scope, query.scope)
    if query.where is not None:
        found.append(condition_sql(scope, query.where))
    check_required(root.sobject, query)
    return found


def _scope_filter(scope: Scope, name: Path) -> list[str]:
    if name.text.lower() not in SCOPES:
        raise unexpected(name.text, name.at)
    if name.text.lower() == "everything":
        return []
    if name.text.lower() != "mine":
        raise not_emulated(f"USING SCOPE {name.text}", name.at)
    if scope.root.sobject.field("OwnerId") is None:
        raise malformed(f"scope 'mine' is not supported by {scope.root.sobject.name}", name.at)
    return [f'{scope.root.alias}."OwnerId" = {scope.asking.bind(scope.asking.user)}']


def order_sql(found: Column, order: Order) -> str:
    """One sort key. Picklists sort in the order of their values; nulls come first unless asked."""
    if not found.derived and (
        not found.field.sortable or found.field.type in UNSORTABLE or found.field.encrypted
    ):
        raise invalid_field(f"field '{found.field.name}' can not be sorted in a query call", found.at)
    sql = picklist_order(found) or found.sql
    return f"{sql} {'DESC' if order.descending else 'ASC'} NULLS {'LAST' if order.nulls_last else 'FIRST'}"


def picklist_order(found: Column) -> str | None:
    """A picklist's value behind five digits, its place in the list; unknown values come after the known."""
    if found.field.type != "picklist" or not found.field.picklist or found.derived:
        return None
    cases = " ".join(
        f"WHEN {text_sql(each.value)} THEN '{place:05d}'" for place, each in enumerate(found.field.picklist)
    )
    return f"(CASE {found.sql} {cases} ELSE '99999' END || {found.sql})"


def limits_sql(asking: Asking, query: Query) -> str:
    """LIMIT and OFFSET. Raises for an offset past what Salesforce allows."""
    allowed = most(asking.org, Bound.QUERY_OFFSET)
    if query.offset is not None and query.offset.value > allowed:
        raise Fault(
            MalformedQuery,
            f"Maximum SOQL offset allowed is {allowed}",
            query.offset.at,
            "NUMBER_OUTSIDE_VALID_RANGE",
        )
    if query.limit is None and query.offset is None:
        return ""
    limit = -1 if query.limit is None else min(query.limit.value, 2**62)
    return f" LIMIT {limit}" + ("" if query.offset is None else f" OFFSET {query.offset.value}")


def is_aggregate(query: Query) -> bool:
    """Whether the query answers aggregate results rather than rows."""
    return bool(query.group or query.having) or any(
        isinstance(each, Item) and _has_aggregate(each.expression) for each in query.selected
    )


def _has_aggregate(expression: Any) -> bool:
    if not isinstance(expression, Call):
        return False
    return expression.name in AGGREGATES or any(map(_has_aggregate, expression.args))


def refuse_aggregates(query: Query) -> None:
    if is_aggregate(query):
        raise malformed("aggregate functions and GROUP BY are not allowed in a subquery", query.at)
