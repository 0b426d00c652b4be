"""What a field's text in a file means, and what its JSON in an answer means: one canonical value.

The org's describe decides, not YAML: `017` is text where the field is text and refused where it
would lose something on the way. Two values are equal here exactly when Salesforce would store the
same, so that its own normalisation (trimmed text, picklist order, scale of a number, time zone of
a date-time) never shows as a change.

Source: Object Reference, "Field Types"; SOQL and SOSL Reference, "Date Formats"; how values come
back is from recorded answers.
"""

import datetime as dt
import difflib
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from reconciler.model.describe import FieldInfo
from reconciler.model.values import Scalar, Secret, Value
from reconciler.spec.nodes import Plain, is_null

TEXT_TYPES = frozenset(
    [
        "string",
        "textarea",
        "phone",
        "url",
        "email",
        "picklist",
        "combobox",
        "encryptedstring",
        "anyType",
        "datacategorygroupreference",
    ]
)
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent", "long"})
COMPOUND_TYPES = frozenset({"address", "location"})
LOOKS_TYPED = re.compile(
    r"[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?\Z"
    r"|(true|false|null|~)\Z"
    r"|\d{4}-\d\d?-\d\d?([Tt ].*)?\Z"
    r"|0[xob]\w+\Z",
    re.IGNORECASE,
)
"""Unquoted text that YAML, or a reader, may take for something else."""
EXACT = 2**53
"""Below this a float that is whole is that integer."""
FIRST_YEAR, LAST_YEAR = 1700, 4000
"""Source: SOQL and SOSL Reference, "Date Formats and Date Literals"."""
DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,6}))?\s*(Z|z|[-+]\d\d:?\d\d)?\Z"
)


class Cell(str):
    """A cell of a CSV file: text with no type of its own. An empty one means no value."""

    __slots__ = ()


class Misfit(ValueError):
    """A value that the field cannot hold. ``mend`` says how to write it."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


def desired_value(info: FieldInfo, raw: Any) -> Value:
    """The canonical value of ``raw`` (a scalar of a file) for this field. Raises `Misfit`."""
    if isinstance(raw, Secret):
        return raw
    if is_empty(raw):
        if info.type == "boolean":
            raise Misfit(f"'{info.name}' is a checkbox and cannot be empty", "write true or false")
        return None
    if isinstance(raw, dict):
        raise Misfit(
            f"'{info.name}' takes one value, found a map",
            "look-ups are written under their relationship name",
        )
    if isinstance(raw, list):
        if info.type != "multipicklist":
            raise Misfit(f"'{info.name}' takes one value, found a list", "write one value")
        return _multipicklist(info, [str(each) for each in raw])
    reader = _READERS.get(info.type)
    if reader is not None:
        return reader(info, raw)
    if info.type == "multipicklist":
        return _multipicklist(info, str(raw).split(";"))
    if info.type in COMPOUND_TYPES:
        raise Misfit(f"'{info.name}' is put together by Salesforce", "write its parts, such as BillingCity")
    if info.type in ("reference", "id"):
        raise Misfit(
            f"'{info.name}' holds a record id, which differs in every org",
            f"write the look-up by natural key, as in {info.relationship or 'Account'}: {{Name: ...}}",
        )
    raise Misfit(f"'{info.name}' of type {info.type} cannot be managed", "leave it out")


def live_value(info: FieldInfo, raw: Any) -> Scalar:
    """The canonical value of what the org answered."""
    if raw is None:
        return False if info.type == "boolean" else None
    if info.type in NUMBER_TYPES:
        if type(raw) is int or (type(raw) is float and raw.is_integer() and abs(raw) < EXACT):
            return int(raw)  # most are whole, and a Decimal costs ten times as much
        return _number(Decimal(str(raw)), info.scale)
    if info.type == "datetime":
        return _utc_text(str(raw)) or str(raw)
    if info.type == "time":
        return _time_text(str(raw)) or str(raw)
    if info.type == "multipicklist":
        return _multipicklist(info, str(raw).split(";"), strict=False)
    if isinstance(raw, bool):
        return raw
    return str(raw)


def same(info: FieldInfo | None, live: Value, desired: Value) -> bool:
    """Whether Salesforce would call the two the same."""
    if live == desired and isinstance(live, bool) == isinstance(desired, bool):
        return True
    if isinstance(live, str) and isinstance(desired, str):
        if info is not None and info.type == "email":
            return live.lower() == desired.lower()
        if "\r" in live or "\r" in desired:
            return live.replace("\r\n", "\n") == desired.replace("\r\n", "\n")
    return False


def is_empty(raw: Any) -> bool:
    if raw is None:
        return True
    if isinstance(raw, Cell):
        return not raw or raw == "#N/A"
    return isinstance(raw, str) and (is_null(raw) or (type(raw) is str and not raw.strip()))


def as_told(raw: Any) -> Any:
    """A value of an answer whose field is not at hand: date-times in their canonical form."""
    if isinstance(raw, str) and raw.endswith("+0000"):
        return _utc_text(raw) or raw
    return raw


def untyped(raw: Any) -> Scalar:
    """A natural key's value where no describe is at hand: plain numbers are numbers, the rest is text."""
    if isinstance(raw, Plain):
        text = str(raw)
        if text in ("true", "false"):
            return text == "true"
        if re.fullmatch(r"-?(0|[1-9]\d*)", text):
            return int(text)
        if re.fullmatch(r"-?(0|[1-9]\d*)\.\d+", text):
            return float(text)
        return text
    if raw is None or isinstance(raw, bool | int | float):
        return raw
    return str(raw)


def _text(info: FieldInfo, raw: Any) -> str | None:
    if isinstance(raw, Plain) and LOOKS_TYPED.match(raw):
        raise Misfit(
            f"'{info.name}' must be text, found {_kind_of_scalar(raw)} {raw}",
            f"write '{raw}' in quotes, so that it is kept as it stands",
        )
    if isinstance(raw, bool | int | float):
        raise Misfit(f"'{info.name}' must be text, found {raw!r}", f"write '{raw}' in quotes")
    text = str(raw).strip()
    if info.length and len(text) > info.length:
        raise Misfit(f"'{info.name}' holds {info.length} characters, found {len(text)}", "shorten it")
    if info.restricted and info.picklist and text not in info.picklist:
        folded = {value.lower(): value for value in info.picklist}
        if text.lower() in folded:
            return folded[text.lower()]
        near = difflib.get_close_matches(text, info.picklist, 1)
        known = f"did you mean '{near[0]}'?" if near else "one of: " + ", ".join(info.picklist[:20])
        raise Misfit(f"'{text}' is not a value of the picklist '{info.name}'", known)
    return text or None


def _kind_of_scalar(raw: str) -> str:
    if raw.lower() in ("true", "false"):
        return "the truth value"
    return "the date" if re.match(r"\d{4}-\d", raw) else "the number"


def _boolean(info: FieldInfo, raw: Any) -> bool:
    text = str(raw)
    known = {"true": True, "false": False}
    if isinstance(raw, Cell):
        known |= {"1": True, "0": False}
        text = text.lower()
    if isinstance(raw, bool):
        return raw
    if text not in known or (type(raw) is str):
        raise Misfit(f"'{info.name}' is a checkbox, found '{text}'", "write true or false, without quotes")
    return known[text]


def _number_of(info: FieldInfo, raw: Any) -> int | float:
    if type(raw) is str:
        raise Misfit(f"'{info.name}' must be a number, found the text '{raw}'", "leave out the quotes")
    digits = max(info.precision - info.scale if info.precision else 18, 1)
    if isinstance(raw, str) and raw.isdecimal() and raw.isascii() and len(raw) <= digits:
        return int(raw)  # most are whole, and a Decimal costs ten times as much
    try:
        number = Decimal(str(raw).strip())
    except InvalidOperation:
        raise Misfit(f"'{info.name}' must be a number, found '{raw}'", "write it like 1234.5") from None
    if not number.is_finite():
        raise Misfit(f"'{info.name}' must be a number, found '{raw}'", "write it like 1234.5")
    if number != 0 and number.adjusted() + 1 > digits:
        raise Misfit(f"'{info.name}' holds {digits} digits before the point, found {raw}", "make it smaller")
    rounded = _number(number, info.scale)
    if Decimal(str(rounded)) != number:
        raise Misfit(
            f"'{info.name}' keeps {info.scale} decimals, found {raw}",
            f"write {rounded}, which is what would be stored",
        )
    return rounded


def _number(number: Decimal, scale: int) -> int | float:
    rounded = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP) if scale < 18 else number
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)


def _date(info: FieldInfo, raw: Any) -> str:
    try:
        day = dt.date.fromisoformat(str(raw))
    except ValueError:
        raise Misfit(f"'{info.name}' is a date, found '{raw}'", "write it like 2026-01-31") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Misfit(
            f"'{info.name}' takes dates from {FIRST_YEAR} to {LAST_YEAR}, found {raw}",
            "write a date between them",
        )
    return day.isoformat()


def _datetime(info: FieldInfo, raw: Any) -> str:
    text = _utc_text(str(raw), zone_needed=True)
    if text is None or not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
        raise Misfit(
            f"'{info.name}' is a date and time with a zone, found '{raw}'",
            "write it like 2026-01-31T10:00:00Z",
        )
    return text


def _utc_text(text: str, *, zone_needed: bool = False) -> str | None:
    match = DATE_TIME.match(text.strip())
    if match is None or (zone_needed and not match[4]):
        return None
    zone = (match[4] or "Z").upper()
    if len(zone) == 5:
        zone = zone[:3] + ":" + zone[3:]
    try:
        moment = dt.datetime.fromisoformat(f"{match[1]}T{match[2]}{'+00:00' if zone == 'Z' else zone}")
        moment = moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    millis = int((match[3] or "0").ljust(3, "0")[:3])
    fraction = f".{millis:03d}" if millis else ""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def _time(info: FieldInfo, raw: Any) -> str:
    text = _time_text(str(raw))
    if text is None:
        raise Misfit(f"'{info.name}' is a time of day, found '{raw}'", "write it in quotes, like '14:30:00'")
    return text


def _time_text(text: str) -> str | None:
    try:
        moment = dt.time.fromisoformat(text.strip().removesuffix("Z"))
    except ValueError:
        return None
    return moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _multipicklist(info: FieldInfo, parts: list[str], *, strict: bool = True) -> str | None:
    values = [each.strip() for each in parts if each.strip()]
    order = {value: at for at, value in enumerate(info.picklist)}
    if strict and info.restricted:
        for each in values:
            if each not in order:
                near = difflib.get_close_matches(each, info.picklist, 1)
                raise Misfit(
                    f"'{each}' is not a value of the picklist '{info.name}'",
                    f"did you mean '{near[0]}'?" if near else "one of: " + ", ".join(info.picklist[:20]),
                )
    return (
        ";".join(sorted(dict.fromkeys(values), key=lambda each: (order.get(each, len(order)), each))) or None
    )


_READERS: dict[str, Callable[[FieldInfo, Any], Scalar]] = {
    **dict.fromkeys(TEXT_TYPES, _text),
    **dict.fromkeys(NUMBER_TYPES, _number_of),
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
}
