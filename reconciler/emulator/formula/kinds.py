"""The types of a formula's values, and the way from what the store keeps to them and back.

Numbers are decimals of 39 digits, as in Salesforce; a percent field of 50 is 0.5 to a formula. Dates are
days, moments are UTC without a zone, ids are texts of 15 characters. A blank is None; an empty text is
blank too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import Enum
from typing import Any, Final, NamedTuple, TypeAlias

from .. import ids
from ..schema import Field
from .faults import FormulaError

EPOCH: Final = datetime(1970, 1, 1)
MATH: Final = Context(prec=39, rounding=ROUND_HALF_UP)
HUNDRED: Final = Decimal(100)
MILLISECOND: Final = timedelta(milliseconds=1)


class Kind(Enum):
    """The word is the one in Salesforce's messages."""

    TEXT = "Text"
    NUMBER = "Number"
    BOOLEAN = "Boolean"
    DATE = "Date"
    MOMENT = "DateTime"
    TIME = "Time"
    PICKLIST = "Picklist"
    CHOICES = "Multi-Select Picklist"
    PLACE = "Location"
    NULL = "Null"


class Place(NamedTuple):
    latitude: float
    longitude: float


Value: TypeAlias = str | Decimal | bool | date | datetime | time | Place | None

KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(
        ("string", "textarea", "phone", "email", "url", "combobox", "encryptedstring", "id", "reference"),
        Kind.TEXT,
    ),
    "picklist": Kind.PICKLIST,
    "multipicklist": Kind.CHOICES,
    "boolean": Kind.BOOLEAN,
    **dict.fromkeys(("int", "long", "double", "currency", "percent"), Kind.NUMBER),
    "date": Kind.DATE,
    "datetime": Kind.MOMENT,
    "time": Kind.TIME,
    "location": Kind.PLACE,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How a stored value of a field becomes a formula's."""

    kind: Kind
    convert: Callable[[Any], Any]


def kind_of(field: Field) -> Kind:
    """Raises `FormulaError` for fields that formulas cannot use."""
    kind = KINDS.get(field.type)
    if kind is None:
        raise FormulaError(
            f'You referenced an unsupported field type called "{field.type}" using the following field: '
            f"{field.name}"
        )
    return kind


def _number(raw: Any) -> Decimal | None:
    return None if raw is None else Decimal(repr(raw))


def _percent(raw: Any) -> Decimal | None:
    return None if raw is None else MATH.divide(Decimal(repr(raw)), HUNDRED)


def _id(raw: Any) -> str | None:
    return None if raw is None else ids.to_text(raw)[:15]


def _time(raw: Any) -> time | None:
    return None if raw is None else time.fromisoformat(raw.removesuffix("Z"))


def from_milliseconds(raw: int) -> datetime:
    return EPOCH + timedelta(milliseconds=raw)


def to_milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MILLISECOND


READERS: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("int", "long", "double", "currency"), _number),
    "percent": _percent,
    "boolean": bool,
    "id": _id,
    "reference": _id,
    "date": lambda raw: None if raw is None else date.fromisoformat(raw),
    "datetime": lambda raw: None if raw is None else from_milliseconds(raw),
    "time": _time,
}


def reading(field: Field) -> Callable[[Any], Any]:
    """From the stored value of a field to the one formulas see; texts are the same."""
    return READERS.get(field.type, lambda raw: raw or None)


# -- and back


def rounded(value: Decimal, scale: int) -> Decimal:
    """Half up to a number of decimals."""
    return value.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP, context=WIDE)


WIDE: Final = Context(prec=120)
"""Room for the digits of a number and the decimals it is asked for."""


def stored(field: Field, value: Any) -> Any:
    """A formula's result as the store would keep it in a field: rounded to its scale, cut to its length.

    A checkbox is never null.
    """
    if field.type == "boolean":
        return int(bool(value))
    if value is None or value == "":
        return None
    return STORERS.get(field.type, _stored_text)(field, value)


def _stored_text(field: Field, value: Any) -> Any:
    return value[: field.length] if field.length else value


def _stored_number(field: Field, value: Decimal) -> float:
    return float(rounded(value, field.scale))


def _stored_date(_: Field, value: date) -> str:
    return (value.date() if isinstance(value, datetime) else value).isoformat()


def _stored_moment(_: Field, value: date) -> int:
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return to_milliseconds(value)


STORERS: Final[dict[str, Callable[[Field, Any], Any]]] = {
    "double": _stored_number,
    "currency": _stored_number,
    "percent": lambda field, value: float(rounded(value * HUNDRED, field.scale)),
    "int": lambda _, value: int(rounded(value, 0)),
    "long": lambda _, value: int(rounded(value, 0)),
    "date": _stored_date,
    "datetime": _stored_moment,
    "time": lambda _, value: time_text(value) + "Z",
    "id": lambda _, value: ids.parse(value),
    "reference": lambda _, value: ids.parse(value),
}

RESULTS: Final[dict[str, frozenset[Kind]]] = {
    "boolean": frozenset({Kind.BOOLEAN}),
    **dict.fromkeys(("int", "long", "double", "currency", "percent"), frozenset({Kind.NUMBER})),
    "date": frozenset({Kind.DATE}),
    "datetime": frozenset({Kind.MOMENT}),
    "time": frozenset({Kind.TIME}),
}
"""Kinds a formula field of a type may result in; all others are text. Null fits anywhere."""


def time_text(value: time) -> str:
    return f"{value:%H:%M:%S}.{value.microsecond // 1000:03d}"


def number_text(value: Decimal) -> str:
    """Plain digits, without zeros at the end of decimals."""
    if not value:
        return "0"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def now(milliseconds: int) -> datetime:
    """A moment of the org's clock in whole seconds."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).replace(tzinfo=None)
