"""WHERE and HAVING as SQL.

Salesforce's logic has two values where SQL's has three. A plain test on a null is false; `!=`,
NOT IN and EXCLUDES are the opposites of their plain forms, so rows with null pass them. NOT is
therefore carried down to the tests and there becomes IS NOT TRUE, and everything above is plain
AND and OR. Text compares by the column's collation. An empty string is null.

Source: SOQL and SOSL Reference, "Comparison Operators", "Logical Operators", "Semi-Joins with IN
and Anti-Joins with NOT IN", "Comparisons on Multi-Select Picklists".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from .. import ids
from ..errors import MalformedQuery
from . import limits
from .functions import column
from .refusals import (
    Fault,
    invalid_field,
    invalid_filter,
    malformed,
    no_such_object,
)
from .scope import TEXT_TYPES, Asking, Column, Row, Scope, table_sql
from .spellings import each_spelling
from .tree import (
    Among,
    And,
    Bool,
    Comparison,
    Condition,
    Date,
    DateTime,
    Expression,
    Item,
    Literal,
    Money,
    Not,
    Null,
    Number,
    Or,
    Path,
    Query,
    Relative,
    SemiJoin,
    Text,
    Time,
)

NUMBER_TYPES: Final = frozenset({"int", "long", "double", "currency", "percent"})
ID_TYPES: Final = frozenset({"id", "reference"})
UNFILTERABLE_TYPES: Final = frozenset({"base64", "address", "location"})
TYPE_NAMES: Final = {
    "datetime": "dateTime",
    "currency": "double",
    "percent": "double",
    "id": "reference",
    "picklist": "string",
    "multipicklist": "string",
    "textarea": "string",
    "phone": "string",
    "email": "string",
    "url": "string",
    "combobox": "string",
    "encryptedstring": "string",
}
"""The word for a field's type in a refusal, where it is not the type itself."""
LITERALS_OF: Final[dict[str, tuple[type, ...]]] = {
    "boolean": (Bool,),
    "date": (Date, Relative),
    "datetime": (DateTime, Relative),
    "time": (Time,),
    **dict.fromkeys(NUMBER_TYPES, (Number, Money)),
}
BOUND_LIST: Final = 200
"""Longer lists travel as one JSON value: SQLite has a limit of placeholders and compiles each."""
SHORT_CHAIN: Final = 50
NO_SEMI_JOIN: Final = frozenset(
    ["task", "event", "note", "attachment", "attachments", "activityhistory", "openactivity"]
)

Resolver = Callable[[Expression], Column]
NESTED_JOIN = (
    "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE "
    "expressions."
)
"""As users have seen it, LightningFlowComponents issue 1132."""


def condition_sql(scope: Scope, condition: Condition, resolve: Resolver | None = None) -> str:
    """SQL that is true for the rows that pass. ``resolve`` makes columns of expressions for HAVING."""
    return _Conditions(scope, resolve or (lambda each: column(scope, each)), resolve is None).sql(
        condition, negated=False, alone=True
    )


class _Conditions:
    def __init__(self, scope: Scope, resolve: Resolver, joins_allowed: bool) -> None:
        self.scope = scope
        self.asking: Asking = scope.asking
        self.resolve = resolve
        self.joins_allowed = joins_allowed
        self.depth = 0

    def sql(self, condition: Condition, *, negated: bool, alone: bool) -> str:
        """``alone``: neither under OR nor under NOT, where semi-joins are refused."""
        if isinstance(condition, Not):
            self._deeper(condition.at)
            inner = self.sql(condition.operand, negated=not negated, alone=False)
            self.depth -= 1
            return inner
        if isinstance(condition, And | Or):
            self._deeper(None)
            joined = " OR " if isinstance(condition, Or) is not negated else " AND "
            alone = alone and isinstance(condition, And)
            parts = [self.sql(each, negated=negated, alone=alone) for each in condition.operands]
            self.depth -= 1
            return balanced(parts, joined)
        if isinstance(condition, SemiJoin):
            if not alone:
                raise malformed("Semi join sub-selects are not allowed with the 'OR' operator", condition.at)
            if self.depth > 1:
                raise malformed(NESTED_JOIN, condition.at)
            return self._semi_join(condition)
        test = self._comparison(condition) if isinstance(condition, Comparison) else self._among(condition)
        return f"({test}) IS NOT TRUE" if negated else test

    def _deeper(self, at: int | None) -> None:
        self.depth += 1
        if self.depth > limits.NESTED_CONDITIONS:
            raise malformed("SOQL statement is too complicated.", at)

    def _column(self, expression: Expression) -> Column:
        found = self.resolve(expression)
        check_filterable(found)
        return found

    # -- comparisons

    def _comparison(self, test: Comparison) -> str:
        left, value, operator = self._column(test.left), test.value, test.operator
        kind = left.field.type
        if operator == "LIKE":
            return self._like(left, value)
        if isinstance(value, Null) or (isinstance(value, Text) and value.value == "" and kind != "boolean"):
            check_literal(left, value)
            if isinstance(value, Text) and operator not in ("=", "!=") and kind in TEXT_TYPES | ID_TYPES:
                return f"{left.sql} IS NOT NULL" if operator in (">", ">=") else "0"  # nothing is below ''
            return self._null(left, operator, value)
        check_literal(left, value)
        if kind == "boolean" and operator not in ("=", "!="):
            raise invalid_filter("invalid operator on boolean field", left.at)
        if kind == "multipicklist" and operator not in ("=", "!="):
            raise invalid_filter("invalid operator on multipicklist field", left.at)
        if isinstance(value, Relative):
            return self._relative(left, operator, value)
        wanted = stored(left, value)
        if operator in ("=", "!=") and len(same := _spelled(left, [wanted])) > 1:
            found = f"{left.sql} IN ({self._list(same)})"
            return found if operator == "=" else f"({found}) IS NOT TRUE"
        bound = self.asking.bind(wanted)
        if operator == "!=":
            return f"{left.sql} IS NOT {bound}"
        return f"{left.sql} {operator} {bound}"

    def _null(self, left: Column, operator: str, value: Literal) -> str:
        if operator not in ("=", "!="):
            raise invalid_filter(f"operator '{operator}' is not allowed with null", left.at)
        if left.field.type == "boolean":
            return f"{left.sql} {operator} 0"
        return f"{left.sql} IS {'NOT ' if operator == '!=' else ''}NULL"

    def _like(self, left: Column, value: Literal) -> str:
        if left.field.type not in TEXT_TYPES or left.field.type == "multipicklist":
            kind = "id" if left.field.type in ID_TYPES else left.field.type
            raise invalid_filter(f"invalid operator on {kind} field", left.at)
        check_literal(left, value)
        if not isinstance(value, Text):
            return "0"
        bound = map(self.asking.bind, _spelled(left, [value.pattern]))
        return balanced([f"{left.sql} LIKE {each} ESCAPE '\\'" for each in bound], " OR ")

    def _relative(self, left: Column, operator: str, value: Relative) -> str:
        first, past = self._range(left, value)
        bind = self.asking.bind
        if operator in ("=", "!="):
            inside = f"{left.sql} >= {bind(first)} AND {left.sql} < {bind(past)}"
            return f"({inside})" if operator == "=" else f"({inside}) IS NOT TRUE"
        edge = first if operator in ("<", ">=") else past
        return f"{left.sql} {'<' if operator in ('<', '<=') else '>='} {bind(edge)}"

    def _range(self, left: Column, value: Relative) -> tuple[str | int, str | int]:
        """The literal's first moment and the first after it, as the store keeps such values."""
        calendar = self.asking.calendar()
        try:
            first, past = calendar.days(value.name, value.number)
            if left.field.type == "date":
                return first.isoformat(), past.isoformat()
            return calendar.midnight(first), calendar.midnight(past)
        except (ValueError, OverflowError, OSError):
            raise malformed(f"invalid date literal: {value.name}:{value.number}", value.at) from None

    # -- lists

    def _among(self, test: Among) -> str:
        left = self._column(test.left)
        if test.multi:
            return self._includes(left, test)
        if left.field.type == "multipicklist":
            raise invalid_filter("invalid operator on multipicklist field", left.at)
        if any(isinstance(each, Relative) for each in test.values):
            tests = (self._comparison(Comparison(test.left, "=", each)) for each in test.values)
            found = balanced(list(tests), " OR ")
            return f"{found} IS NOT TRUE" if test.negated else found
        values, with_null = [], False
        for each in test.values:
            check_literal(left, each)
            value = None if isinstance(each, Null) else stored(left, each)
            if value is None or value == "":
                with_null = True
            else:
                values.append(value)
        if left.field.type == "boolean" and with_null:
            values, with_null = [*values, 0], False
        found = f"{left.sql} IN ({self._list(_spelled(left, values))})"
        if with_null:
            found = f"({found} OR {left.sql} IS NULL)"
        return f"({found}) IS NOT TRUE" if test.negated else found

    def _list(self, values: Sequence[Any]) -> str:
        if len(values) <= BOUND_LIST:
            return ", ".join(map(self.asking.bind, values))
        return f"SELECT value FROM json_each({self.asking.bind(json.dumps(values))})"

    def _includes(self, left: Column, test: Among) -> str:
        if left.field.type != "multipicklist":
            raise invalid_filter("includes or excludes operator only valid on multipicklist field", left.at)
        held = f"';' || lower({left.sql}) || ';'"
        either = []
        for each in test.values:
            check_literal(left, each)
            if isinstance(each, Null) or not isinstance(each, Text) or not each.value:
                either.append(f"{left.sql} IS NULL")
                continue
            wanted = [part.strip() for part in each.value.split(";") if part.strip()]
            both = (f"instr({held}, lower({self.asking.bind(f';{part};')})) > 0" for part in wanted)
            either.append("(" + " AND ".join(both) + ")")
        found = balanced(either, " OR ")
        return f"{found} IS NOT TRUE" if test.negated else found

    # -- semi-joins

    def _semi_join(self, test: SemiJoin) -> str:
        asking = self.asking
        if not self.joins_allowed:
            raise malformed("Semi join sub-selects are not allowed in HAVING", test.at)
        asking.semi_joins += 1
        if asking.semi_joins > limits.SEMI_JOINS:
            raise Fault(
                MalformedQuery,
                f"Maximum {limits.SEMI_JOINS} semi join sub-selects are allowed per query",
                test.at,
                "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS",
            )
        left = self._column(test.left)
        if left.field.type not in ID_TYPES or (isinstance(test.left, Path) and left.place.names):
            raise malformed(
                "The left operand in the where expression should be an id field without a path", left.at
            )
        inner, selected = self._inner(test.query)
        _check_same_target(left, selected)
        living = (
            ""
            if asking.all_rows or inner.root.sobject.field("IsDeleted") is None
            else (f' AND {inner.root.alias}."IsDeleted" = 0')
        )
        where = "".join(f" AND {each}" for each in inner.shared())
        if test.query.where is not None:
            where += " AND " + condition_sql(inner, test.query.where)
        rows = (
            f"SELECT {selected.sql} FROM {table_sql(asking, inner.root.sobject)} {inner.root.alias} "
            f"{' '.join(inner.joins)} WHERE {selected.sql} IS NOT NULL{living}{where}"
        )
        found = f"{left.sql} IN ({rows})"
        return f"({found}) IS NOT TRUE" if test.negated else found

    def _inner(self, query: Query) -> tuple[Scope, Column]:
        sobject = self.asking.schema.get(query.source.text)
        if sobject is None or not sobject.queryable:
            raise no_such_object(query.source.text, query.source.at)
        name = sobject.name.lower()
        if name in NO_SEMI_JOIN:
            raise malformed(
                f"Entity '{sobject.name}' is not supported for semi join inner selects", query.source.at
            )
        if sobject is self.scope.root.sobject:
            raise malformed(
                "The inner and outer selects should not be on the same object type", query.source.at
            )
        clauses = (query.order, query.limit, query.offset, query.group, query.having, query.scope)
        if any(clauses) or query.locks or len(query.selected) != 1:
            raise malformed(
                "semi join sub-selects may have one selected field and a WHERE clause only", query.at
            )
        inner = Scope(self.asking, sobject, [query.alias])
        item = query.selected[0]
        if not isinstance(item, Item) or not isinstance(item.expression, Path):
            raise malformed("The inner select field should be an id field", query.at)
        selected = inner.column(item.expression)
        if selected.field.type not in ID_TYPES or selected.place.names:
            raise malformed(
                f"The inner select field '{item.expression.text}' should be an id field without a path",
                item.expression.at,
            )
        if _has_semi_join(query.where):
            raise malformed("Nesting of semi join sub-selects is not supported", query.at)
        return inner, selected


def _check_same_target(left: Column, selected: Column) -> None:
    """Both sides of a semi-join are ids of the same object. Text as Salesforce's users quote it."""
    if not _targets(left) & _targets(selected):
        raise malformed(
            f"The selected field '{selected.field.name}' in the subquery and the left operand field in the "
            f"where expression in the outer query '{left.field.name}' should point to the same object type",
            left.at,
        )


def _targets(column: Column) -> set[str]:
    """The objects whose ids the column holds."""
    place = column.place
    return set(column.field.reference_to) or ({place.sobject.name} if isinstance(place, Row) else set())


def balanced(parts: Sequence[str], joined: str) -> str:
    """The parts in parentheses, as a tree of low depth: SQLite refuses chains of a thousand."""
    if len(parts) <= SHORT_CHAIN:
        return "(" + joined.join(parts) + ")"
    middle = len(parts) // 2
    return f"({balanced(parts[:middle], joined)}{joined}{balanced(parts[middle:], joined)})"


def _has_semi_join(condition: Condition | None) -> bool:
    if isinstance(condition, SemiJoin):
        return True
    if isinstance(condition, Not):
        return _has_semi_join(condition.operand)
    if isinstance(condition, And | Or):
        return any(map(_has_semi_join, condition.operands))
    return False


def check_filterable(found: Column) -> None:
    if found.derived:
        return
    if not found.field.filterable or found.field.type in UNFILTERABLE_TYPES or found.field.encrypted:
        raise invalid_field(f"field '{found.field.name}' can not be filtered in a query call", found.at)


def check_literal(left: Column, value: Literal) -> None:
    """Raises INVALID_FIELD when a value's kind is not the field's."""
    kind = left.field.type
    if isinstance(value, Null):
        return
    if kind in TEXT_TYPES or kind in ID_TYPES:
        if not isinstance(value, Text):
            raise _wrong_type(left, "and should be enclosed in quotes")
        if len(value.value) > limits.FILTER_STRING_CHARACTERS:
            raise malformed(
                f"string literal longer than {limits.FILTER_STRING_CHARACTERS} characters", value.at
            )
        return
    if not isinstance(value, LITERALS_OF.get(kind, (Text,))):
        quotes = " and should not be enclosed in quotes" if isinstance(value, Text) else ""
        raise _wrong_type(left, quotes.strip() or "and should not be enclosed in quotes")


def _wrong_type(left: Column, hint: str) -> Fault:
    kind = TYPE_NAMES.get(left.field.type, left.field.type)
    return invalid_field(
        f"value of filter criterion for field '{left.field.name}' must be of type {kind} {hint}", left.at
    )


def stored(left: Column, value: Literal) -> Any:
    """A literal as the store keeps such values. Raises for a text that is no id."""
    if isinstance(value, Null | Relative):
        return None
    if left.field.type in ID_TYPES:
        text = str(value.value)
        number = ids.parse(text)
        if number is None and text:
            raise invalid_filter(f"invalid ID field: {text}", left.at)
        return number
    if left.field.type == "multipicklist":
        return _ordered(left, str(value.value))
    if isinstance(value, Number | Money) and abs(value.value) >= 2**63:
        return float(value.value)
    return int(value.value) if isinstance(value, Bool) else value.value


def _ordered(left: Column, text: str) -> str:
    """The values of a multi-select picklist in the order they are stored in."""
    places = {each.value.lower(): place for place, each in enumerate(left.field.picklist)}
    parts = [part.strip() for part in text.split(";") if part.strip()]
    return ";".join(sorted(parts, key=lambda part: places.get(part.lower(), len(places))))


def _spelled(left: Column, values: Sequence[Any]) -> list[Any]:
    """The values that are the same to a field: of a text all spellings, unless its case counts."""
    if left.field.type not in TEXT_TYPES or left.field.case_sensitive:
        return list(values)
    return list(each_spelling(values))
