"""Values at the border: JSON or CSV in, SQLite inside, JSON out.

`reader` makes, once a field, the function that turns what a client sent into what the store keeps
and refuses what Salesforce refuses; `writer` makes the way back. Both are closures without a look
at the field at run time, because they stand on the path of every row of a bulk load.

A text that can be read as the field's type is taken as it (clients send `"3"` and `"true"`, and a
CSV has only text); a number is not taken for a text field. Salesforce says so while it parses the
body, hence JSON_PARSER_ERROR; `WrongType.in_a_row` is the same refusal where rows are read one by
one, as in bulk loads.

Source: REST API Developer Guide and SOAP API Developer Guide, "Primitive Data Types" and "Field
Types"; error texts as in public captures.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from . import ids
from .errors import ApiError
from .schema import Field

Reader = Callable[[Any], Any]
Writer = Callable[[Any], Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = date(1700, 1, 1), date(4000, 12, 31)
EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z0-9-]{2,}")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?", re.IGNORECASE
)
TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?Z?", re.IGNORECASE)
TRUTH = {"true": 1, "1": 1, "false": 0, "0": 0, "": 0}
TOKENS: tuple[tuple[type, str], ...] = (
    (str, "VALUE_STRING"),
    (int, "VALUE_NUMBER_INT"),
    (float, "VALUE_NUMBER_FLOAT"),
    (list, "START_ARRAY"),
    (dict, "START_OBJECT"),
)
LARGEST_INT = 2**31 - 1


class WrongType(ApiError):
    """A value that cannot be read as the field's type."""

    code = "JSON_PARSER_ERROR"

    def __init__(self, field: Field, value: Any, kind: str | None = None) -> None:
        self.field, self.value = field, value
        super().__init__(_not_read(value, kind or field.type))

    def in_a_row(self) -> ApiError:
        """The same refusal as a row's own error."""
        return ApiError(
            f"{self.field.label}: value not of required type: {_shown(self.value)}",
            code="INVALID_TYPE_ON_FIELD_IN_RECORD",
            fields=[self.field.name],
        )


def wrong_shape(value: Any, wanted: str) -> ApiError:
    """A JSON value of another shape than the body must have."""
    return ApiError(_not_read(value, wanted), code="JSON_PARSER_ERROR")


def _not_read(value: Any, wanted: str) -> str:
    return (
        f"Cannot deserialize instance of {wanted} from {_token(value)} value {_shown(value)} "
        "or request may be missing a required field at [line:1, column:1]"
    )


def _token(value: Any) -> str:
    if isinstance(value, bool):
        return "VALUE_TRUE" if value else "VALUE_FALSE"
    return next((token for kind, token in TOKENS if isinstance(value, kind)), "VALUE_NULL")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return "[" if isinstance(value, list) else "{"
    return "null" if value is None else str(value)


def _refusal(field: Field, code: str, why: str) -> ApiError:
    return ApiError(f"{field.label}: {why}", code=code, fields=[field.name])


# -- reading


def reader(field: Field) -> Reader:
    """The function from a JSON value to the stored one; it raises `ApiError`."""
    return READERS.get(field.type, _text_reader)(field)


def _text_reader(field: Field) -> Reader:
    length = field.length

    def read(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not str:
            raise WrongType(field, value, "string")
        text = value.strip()
        if length and len(text) > length:
            raise too_long(field, text)
        if not text.isascii() and not _is_unicode(text):
            raise WrongType(field, text.encode("utf-8", "replace").decode(), "string")
        return text or None

    return read


def _is_unicode(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, which JSON can escape and nothing can store."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def too_long(field: Field, text: str) -> ApiError:
    return _refusal(field, "STRING_TOO_LONG", f"data value too large: {text} (max length={field.length})")


def _email_reader(field: Field) -> Reader:
    read_text = _text_reader(field)

    def read(value: Any) -> Any:
        text = read_text(value)
        if text is not None and not EMAIL.fullmatch(text):
            raise _refusal(field, "INVALID_EMAIL_ADDRESS", f"invalid email address: {text}")
        return text

    return read


def bad_picklist_value(field: Field, value: str) -> ApiError:
    why = f"bad value for restricted picklist field: {value}"
    return _refusal(field, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", why)


def _picklist_reader(field: Field) -> Reader:
    read_text = _text_reader(field)
    spelled = {each.value.lower(): each.value for each in field.picklist if each.active}
    restricted = field.restricted_picklist and bool(field.picklist)

    def read(value: Any) -> Any:
        text = read_text(value)
        if text is None:
            return None
        known = spelled.get(text.lower())
        if known is None and restricted:
            raise bad_picklist_value(field, text)
        return known or text

    return read


def _multipicklist_reader(field: Field) -> Reader:
    rank = {each.value.lower(): (at, each.value) for at, each in enumerate(field.picklist) if each.active}
    restricted = field.restricted_picklist and bool(field.picklist)

    def read(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not str or not _is_unicode(value):
            raise WrongType(field, value, "string")
        chosen: dict[str, tuple[int, str]] = {}
        for part in value.split(";"):
            text = part.strip()
            if not text:
                continue
            if restricted and text.lower() not in rank:
                raise bad_picklist_value(field, text)
            chosen.setdefault(text.lower(), rank.get(text.lower(), (len(rank), text)))
        joined = ";".join(text for _, text in sorted(chosen.values(), key=lambda each: each[0]))
        return joined or None

    return read


def _boolean_reader(field: Field) -> Reader:
    def read(value: Any) -> Any:
        if value is True:
            return 1
        if value is False or value is None:
            return 0
        if type(value) is str and (truth := TRUTH.get(value.strip().lower())) is not None:
            return truth
        raise WrongType(field, value)

    return read


def out_of_range(field: Field, value: Any) -> ApiError:
    why = f"value outside of valid range on numeric field: {value}"
    return _refusal(field, "NUMBER_OUTSIDE_VALID_RANGE", why)


def _number(field: Field, value: Any) -> int | float | None:
    if type(value) is str:
        text = value.strip()
        if not text:
            return None
        try:
            number = float(text) if "." in text or "e" in text or "E" in text else int(text)
        except (ValueError, OverflowError):
            raise WrongType(field, value) from None
        if "_" in text:
            raise WrongType(field, value)
    elif type(value) in (int, float):
        number = value
    else:
        raise WrongType(field, value)
    if isinstance(number, float) and not math.isfinite(number):
        raise WrongType(field, value)
    return number


def largest_int(field: Field) -> int:
    """The largest number of a field of whole numbers."""
    if field.type == "long":
        return 2**63 - 1
    return min(LARGEST_INT, 10**field.digits - 1) if field.digits else LARGEST_INT


def half_up(number: float, scale: int) -> float:
    """Rounded to so many places, halves away from zero, by the decimal digits it is written with.

    >>> half_up(2.5, 0), half_up(-2.5, 0), half_up(0.125, 2), half_up(1.005, 2)
    (3.0, -3.0, 0.13, 1.01)
    """
    if scale == 0:
        whole = float(round(number))
        return whole if abs(number - whole) != 0.5 else math.trunc(number) + math.copysign(1.0, number)
    if round(number, scale) == number:
        return number
    return float(Decimal(repr(number)).quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP))


def _int_reader(field: Field) -> Reader:
    most = largest_int(field)

    def read(value: Any) -> Any:
        if value is None:
            return None
        number = _number(field, value)
        if number is None:
            return None
        if number != int(number) or (type(value) is str and type(number) is float):  # xsd:int is digits
            raise WrongType(field, value)
        if abs(number) > most:
            raise out_of_range(field, value)
        return int(number)

    return read


def _double_reader(field: Field) -> Reader:
    scale, whole = field.scale, field.precision - field.scale
    limit = 10.0**whole if field.precision else math.inf

    def read(value: Any) -> Any:
        if value is None:
            return None
        number = _number(field, value)
        if number is None:
            return None
        if abs(number) >= limit:
            raise out_of_range(field, value)
        try:
            as_float = float(number)
        except OverflowError:
            raise out_of_range(field, value) from None
        if field.precision:
            as_float = half_up(as_float, scale)
            if abs(as_float) >= limit:
                raise out_of_range(field, value)
        return as_float

    return read


def _date_reader(field: Field) -> Reader:
    def read(value: Any) -> Any:
        if value is None or value == "":
            return None
        if type(value) is not str or not DATE.fullmatch(value[:10]) or not DATE_TIME.fullmatch(value):
            raise WrongType(field, value)
        _day(field, value[:10])
        return value[:10]

    return read


def _day(field: Field, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise WrongType(field, text) from None
    if not EARLIEST <= day <= LATEST:
        raise _refusal(field, "INVALID_FIELD_FOR_INSERT_UPDATE", f"invalid date: {text}")
    return day


def parse_datetime(text: str) -> int | None:
    """Milliseconds since 1970 of an ISO 8601 text, cut to whole seconds; None if it is none.

    Without a time it is midnight, without a zone it is UTC.
    """
    match = DATE_TIME.fullmatch(text)
    if not match:
        return None
    day, hour, minute, second, _, zone = match.groups()
    try:
        moment = datetime.fromisoformat(day).replace(
            hour=int(hour or 0), minute=int(minute or 0), second=int(second or 0), tzinfo=UTC
        )
    except ValueError:
        return None
    if zone and zone.upper() != "Z":
        away = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment = moment - away if zone[0] == "+" else moment + away
    return int((moment - EPOCH).total_seconds()) * 1000


def _datetime_reader(field: Field) -> Reader:
    def read(value: Any) -> Any:
        if value is None or value == "":
            return None
        try:
            stored = parse_datetime(value) if type(value) is str else None
        except OverflowError:
            stored = None
        if stored is None:
            raise WrongType(field, value)
        _day(field, value[:10])
        return stored

    return read


def _time_reader(field: Field) -> Reader:
    def read(value: Any) -> Any:
        if value is None or value == "":
            return None
        match = TIME.fullmatch(value) if type(value) is str else None
        if not match:
            raise WrongType(field, value)
        hour, minute, second, fraction = match.groups()
        if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 59:
            raise WrongType(field, value)
        return f"{hour}:{minute}:{second or '00'}.{(fraction or '').ljust(3, '0')}Z"

    return read


def wrong_id(field: Field, value: str, code: str = "MALFORMED_ID") -> ApiError:
    """A text that is no id (MALFORMED_ID), or the id of a row of another object."""
    return _refusal(field, code, f"id value of incorrect type: {value}")


def _reference_reader(field: Field) -> Reader:
    parse = ids.parse

    def read(value: Any) -> Any:
        if value is None or value == "":
            return None
        if type(value) is not str:
            raise WrongType(field, value, "reference")
        number = parse(value)
        if number is None:
            raise wrong_id(field, value)
        return number

    return read


def _base64_reader(field: Field) -> Reader:
    def read(value: Any) -> Any:
        if value is None or value == "":
            return None
        if isinstance(value, bytes):
            return value
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise WrongType(field, value) from None

    return read


READERS: dict[str, Callable[[Field], Reader]] = {
    "email": _email_reader,
    "picklist": _picklist_reader,
    "multipicklist": _multipicklist_reader,
    "boolean": _boolean_reader,
    "int": _int_reader,
    "long": _int_reader,
    "double": _double_reader,
    "currency": _double_reader,
    "percent": _double_reader,
    "date": _date_reader,
    "datetime": _datetime_reader,
    "time": _time_reader,
    "id": _reference_reader,
    "reference": _reference_reader,
    "base64": _base64_reader,
}


# -- writing


def writer(field: Field) -> Writer:
    """The function from a stored value to the JSON one (base64 comes out as its text)."""
    return WRITERS.get(field.type, _same)


def _same(value: Any) -> Any:
    return value


def _id_text(value: Any) -> Any:
    return None if value is None else ids.to_text(value)


def datetime_text(milliseconds: int) -> str:
    """`2011-07-07T00:37:00.000+0000`, as REST writes it."""
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}+0000"


WRITERS: dict[str, Writer] = {
    "id": _id_text,
    "reference": _id_text,
    "boolean": lambda value: bool(value),
    "double": lambda value: None if value is None else float(value),
    "currency": lambda value: None if value is None else float(value),
    "percent": lambda value: None if value is None else float(value),
    "datetime": lambda value: None if value is None else datetime_text(value),
    "base64": lambda value: None if value is None else base64.b64encode(value).decode("ascii"),
}
