"""Filters as metadata writes them: items of field, operation and value, joined by a filter logic.

Lookup filters and duplicate rules have them. A path may lead over references to other rows; `$Source.X` is
the row that is written, `$User.X` who writes it. A filter that names what is not emulated is `None`, and
whoever holds it lets rows pass.

Source: Metadata API Developer Guide, "FilterItem", "LookupFilter", "DuplicateRule".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..access.sharing_rules import checked_logic
from ..errors import ApiError
from ..formula.faults import FormulaError
from ..metadata_xml import Tree, each, text
from ..schema import Field, SObject
from ..values import reader

if TYPE_CHECKING:
    from ..formula.records import Record
    from ..schema import Schema

SOURCE, USER = "$Source", "$User"
LISTED: Final = re.compile(r'"((?:[^"]|"")*)"|([^,]+)')


@dataclass(frozen=True, slots=True)
class Place:
    """A value: of which row (`$Source`, `$User`, or the row itself), over which references, which field."""

    root: str
    steps: tuple[Field, ...]
    field: Field

    def value(self, rows: "Mapping[str, Record | None]") -> Any:
        record = rows.get(self.root)
        for step in self.steps:
            if record is None:
                return None
            record = record.world.parent(record.values.get(step.name), step.reference_to)
        return None if record is None else record.values.get(self.field.name)


@dataclass(frozen=True, slots=True)
class Item:
    place: Place
    operation: str
    values: tuple[Any, ...]
    other: Place | None

    def holds(self, rows: "Mapping[str, Record | None]") -> bool:
        own = _folded(self.place.value(rows))
        wanted = [_folded(self.other.value(rows))] if self.other else [_folded(one) for one in self.values]
        return OPERATIONS[self.operation](own, wanted)


@dataclass(frozen=True, slots=True)
class Condition:
    items: tuple[Item, ...]
    logic: str

    def holds(self, rows: "Mapping[str, Record | None]") -> bool:
        """Whether the rows fulfil it; ``rows`` by root, the row itself under an empty name."""
        return any_true(self.logic, [item.holds(rows) for item in self.items])


def any_true(logic: str, found: Sequence[bool]) -> bool:
    """The value of a filter logic that `checked_logic` let pass.

    >>> any_true("1 AND (2 OR NOT 3)", [True, False, False])
    True
    """
    words = (
        str(found[int(word) - 1]) if word.isdigit() else word.lower()
        for word in re.findall(r"\d+|\(|\)|[A-Za-z]+", logic)
    )
    return bool(eval(" ".join(words), {"__builtins__": {}}))  # noqa: S307 - True, False, and, or, not, ( )


def read_condition(
    schema: "Schema", roots: Mapping[str, SObject], tree: Tree, element: str
) -> Condition | None:
    """The filter of a tree; None when it has none, or one that cannot be evaluated."""
    items = [_item(schema, roots, told) for told in each(tree, element)]
    known = [item for item in items if item is not None]
    if not items or len(known) != len(items):
        return None
    logic = text(tree, "booleanFilter") or " AND ".join(str(at) for at in range(1, len(items) + 1))
    try:
        return Condition(tuple(known), checked_logic(logic, len(items)))
    except FormulaError:
        return None


def _item(schema: "Schema", roots: Mapping[str, SObject], told: Tree) -> Item | None:
    named = text(told, "field") or ""
    if (table := text(told, "table")) and "." not in named:
        named = f"{table}.{named}"
    place = find_place(schema, roots, named)
    operation = text(told, "operation") or ""
    if place is None or operation not in OPERATIONS:
        return None
    if against := text(told, "valueField"):
        other = find_place(schema, roots, against)
        return None if other is None else Item(place, operation, (), other)
    try:
        read = reader(place.field)
        values = tuple(read(one) for one in listed(text(told, "value") or ""))
    except ApiError:
        return None
    return Item(place, operation, values, None)


def listed(written: str) -> list[str | None]:
    """Values that a comma stands between; an empty text is one blank value.

    >>> listed('a, "b, c"')
    ['a', 'b, c']
    """
    found = [(quoted or plain).strip() for quoted, plain in LISTED.findall(written)]
    return [one or None for one in found] or [None]


def find_place(schema: "Schema", roots: Mapping[str, SObject], path: str) -> Place | None:
    first, *rest = path.split(".")
    root = first if first in roots and first else ""
    sobject: SObject | None = roots.get(root)
    if sobject is None or not rest:
        return None
    if not root and first.lower() != sobject.name.lower():
        rest = [first, *rest]
    steps = []
    for name in rest[:-1]:
        step = None if sobject is None else _reference(sobject, name)
        if step is None or len(step.reference_to) != 1:
            return None
        steps.append(step)
        sobject = schema.get(step.reference_to[0])
    field = sobject.field(rest[-1]) if sobject else None
    if field is None and sobject is not None and not rest[-1].endswith("__c"):
        field = sobject.field(f"{rest[-1]}Id")
    return None if field is None or not field.stored else Place(root, tuple(steps), field)


def _reference(sobject: SObject, name: str) -> Field | None:
    wanted = name.lower().removesuffix("__c").removesuffix("__r")
    for field in sobject.fields.values():
        named = field.relationship_name if field.type == "reference" else None
        if named and named.lower().removesuffix("__r") == wanted:
            return field
    return None


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, list[Any]], bool]:
    def holds(own: Any, wanted: list[Any]) -> bool:
        try:
            return own is not None and any(one is not None and compare(own, one) for one in wanted)
        except TypeError:
            return False

    return holds


def _text(compare: Callable[[str, str], bool]) -> Callable[[Any, list[Any]], bool]:
    return lambda own, wanted: any(compare(str(own or ""), str(one or "")) for one in wanted)


def _shares(own: Any, wanted: list[Any]) -> bool:
    return bool(set(str(own or "").split(";")) & {str(one or "") for one in wanted})


OPERATIONS: Final[dict[str, Callable[[Any, list[Any]], bool]]] = {
    "equals": lambda own, wanted: own in wanted,
    "notEqual": lambda own, wanted: own not in wanted,
    "lessThan": _ordered(lambda own, one: own < one),
    "greaterThan": _ordered(lambda own, one: own > one),
    "lessOrEqual": _ordered(lambda own, one: own <= one),
    "greaterOrEqual": _ordered(lambda own, one: own >= one),
    "contains": _text(lambda own, one: one in own),
    "notContain": lambda own, wanted: not any(str(one or "") in str(own or "") for one in wanted),
    "startsWith": _text(str.startswith),
    "includes": _shares,
    "excludes": lambda own, wanted: not _shares(own, wanted),
}
