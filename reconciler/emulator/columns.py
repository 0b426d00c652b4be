"""Many values of one field at once, as `values` reads one.

What the reader of a field decides about each value is asked here of all of them together, where one look
is enough: texts without a character past ASCII that are not too long, numbers that lie in the range. None
is the answer where that look does not settle it; then each value takes the field's reader.
"""

import math
from collections.abc import Sequence
from typing import Any

from .schema import Field
from .values import READERS, half_up, largest_int

Values = Sequence[Any]
WHOLE = ("int", "long")
FRACTIONAL = ("double", "currency", "percent")


def read_alike(field: Field, cells: Values, kinds: "set[type]") -> Values | None:
    """The stored values, or None where they must be read one by one. ``kinds`` are the types of the cells."""
    if kinds == {str}:
        return None if field.type in READERS else _texts(cells, field.length)
    if kinds == {int} and field.type in WHOLE:
        most = largest_int(field)
        return cells if -most <= min(cells) and max(cells) <= most else None
    if kinds <= {int, float} and field.type in FRACTIONAL:
        return _fractions(field, cells)
    return None


def _texts(cells: Values, length: int) -> list[str] | None:
    stripped = [each.strip() for each in cells]
    fits = not length or max(map(len, stripped)) <= length
    return stripped if fits and all(stripped) and "".join(stripped).isascii() else None


def _fractions(field: Field, cells: Values) -> list[float] | None:
    most = 10.0 ** (field.precision - field.scale) if field.precision else math.inf
    try:
        numbers = list(map(float, cells))
    except OverflowError:
        return None
    if not all(map(math.isfinite, numbers)) or max(map(abs, numbers)) >= most:
        return None
    if not field.precision:
        return numbers
    rounded = [half_up(each, field.scale) for each in numbers]
    return rounded if max(map(abs, rounded)) < most else None
