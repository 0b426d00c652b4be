"""From columns of SQL to records of JSON, column by column.

A `Shape` says what a record is made of: values at places of the SQL row, parents (shapes of their
own), child subqueries. Building converts each column whole and zips the columns to dicts, so
that the cost of a cell is one step of a comprehension, not a call per rule.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeAlias

from .. import ids
from ..schema import Field, Schema
from ..values import datetime_text, writer

Cells: TypeAlias = Sequence[Any]
Convert: TypeAlias = Callable[[Cells], Cells]


@dataclass(frozen=True, slots=True)
class Value:
    """One column; ``convert`` None leaves it as it is."""

    index: int
    convert: Convert | None = None


@dataclass(frozen=True, slots=True)
class Compound:
    """An address or a location, made of several columns: the parts' words to their places."""

    parts: Mapping[str, int]
    make: Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Blob:
    """base64 content, shown as the address to fetch it from; ``index`` says whether there is any."""

    index: int
    sobject: str
    name: str


@dataclass(frozen=True, slots=True)
class Kids:
    """A child subquery: which of the plan's, by number."""

    number: int


@dataclass(slots=True)
class OneOf:
    """TYPEOF: the first shape whose row is there."""

    shapes: "list[Shape]"


@dataclass(slots=True)
class Shape:
    """A record. ``kind`` is the type in its attributes; ``sobject`` None means: by the id's prefix."""

    kind: str
    sobject: str | None
    id_index: int
    entries: "dict[str, Entry]" = field(default_factory=dict)


Entry: TypeAlias = Value | Compound | Blob | Kids | OneOf | Shape


@dataclass(frozen=True, slots=True)
class Building:
    """What a build needs beside the shape: the columns, the children by parent, the address."""

    cells: Sequence[Cells]
    kids: Sequence[Mapping[int, Any]]
    base: str
    schema: Schema


def build(shape: Shape, now: Building) -> list[dict[str, Any] | None]:
    """One record per row, None where the row's id is null (a parent that is not there)."""
    numbers = now.cells[shape.id_index]
    names = ["attributes", *shape.entries]
    columns = [
        _attributes(shape, numbers, now),
        *(_column(each, shape, now) for each in shape.entries.values()),
    ]
    rows = zip(*columns, strict=True)
    if None in numbers:
        return [
            None if number is None else dict(zip(names, row, strict=True))
            for number, row in zip(numbers, rows, strict=True)
        ]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _attributes(shape: Shape, numbers: Cells, now: Building) -> Cells:
    if shape.sobject is not None:
        kind, base = shape.kind, f"{now.base}/sobjects/{shape.sobject}/"
        return [None if n is None else {"type": kind, "url": base + ids.to_text(n)} for n in numbers]
    return [None if n is None else _attributes_by_prefix(shape.kind, n, now) for n in numbers]


def _attributes_by_prefix(kind: str, number: int, now: Building) -> dict[str, str]:
    sobject = now.schema.by_prefix(ids.prefix_of(number))
    name = sobject.name if sobject else kind
    return {"type": kind, "url": f"{now.base}/sobjects/{name}/{ids.to_text(number)}"}


def _column(entry: Entry, shape: Shape, now: Building) -> Cells:
    if isinstance(entry, Value):
        cells = now.cells[entry.index]
        return cells if entry.convert is None else entry.convert(cells)
    if isinstance(entry, Shape):
        return build(entry, now)
    if isinstance(entry, Kids):
        found = now.kids[entry.number]
        return [found.get(number) for number in now.cells[shape.id_index]]
    if isinstance(entry, Compound):
        columns = [now.cells[index] for index in entry.parts.values()]
        return [entry.make(dict(zip(entry.parts, row, strict=True))) for row in zip(*columns, strict=True)]
    if isinstance(entry, Blob):
        base, numbers = f"{now.base}/sobjects/{entry.sobject}/", now.cells[shape.id_index]
        return [
            None if not there or number is None else f"{base}{ids.to_text(number)}/{entry.name}"
            for there, number in zip(now.cells[entry.index], numbers, strict=True)
        ]
    choices = [build(each, now) for each in entry.shapes]
    return [next((each for each in row if each is not None), None) for row in zip(*choices, strict=True)]


# -- converting columns


def _ids(cells: Cells) -> Cells:
    text = ids.to_text
    return [None if each is None else text(each) for each in cells]


def _booleans(cells: Cells) -> Cells:
    return [each == 1 for each in cells]


def nullable_booleans(cells: Cells) -> Cells:
    """For aggregate results, where a boolean that is rolled up is null."""
    return [None if each is None else each == 1 for each in cells]


@lru_cache(maxsize=65_536)
def _datetime(milliseconds: int) -> str:
    return datetime_text(milliseconds)


def _datetimes(cells: Cells) -> Cells:
    return [None if each is None else _datetime(each) for each in cells]


def _floats(cells: Cells) -> Cells:
    return [None if each is None else float(each) for each in cells]


def each_value(convert: Callable[[Any], Any]) -> Convert:
    return lambda cells: [convert(each) for each in cells]


CONVERTERS: Final[dict[str, Convert | None]] = {
    "id": _ids,
    "reference": _ids,
    "boolean": _booleans,
    "datetime": _datetimes,
    "double": _floats,
    "currency": _floats,
    "percent": _floats,
    **dict.fromkeys(("string", "textarea", "picklist", "multipicklist", "phone", "email", "url", "combobox")),
    **dict.fromkeys(("int", "long", "date", "time", "encryptedstring", "anyType")),
}


def converter(found: Field) -> Convert | None:
    """How a column of this field becomes JSON; the writer of `values` for what the table lacks."""
    if found.type in CONVERTERS:
        return CONVERTERS[found.type]
    return each_value(writer(found))
