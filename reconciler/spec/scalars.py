"""What an unquoted scalar looks like, and which looks are refused because YAML readers disagree.

YAML 1.1 and 1.2 read the same text differently (`no`, `017`, `12:30:45`, `1_000`), and some texts
lose something on the way to a value (`1e3`, `.inf`, a date that is in no calendar, a time without
a zone). Here such text is never guessed: where it stands as a value or a natural key it is
refused, with both ways to write what was meant.

Source: YAML 1.1 types (bool, int, float, timestamp), YAML 1.2.2 core schema.
"""

import datetime
import re
from enum import Enum
from typing import NamedTuple

from .nodes import NULLS


class Look(Enum):
    """What the text would be to a YAML reader. The value is how an error calls it."""

    TEXT = "the text"
    NULL = "nothing"
    BOOL = "the boolean"
    INT = "the number"
    NUMBER = "the decimal number"
    DATE = "the date"
    DATETIME = "the date and time"
    AMBIGUOUS = "the ambiguous"


class Ambiguity(NamedTuple):
    what: str
    mend: str


BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_YAML_11_BOOLS = {
    "y": "true", "yes": "true", "on": "true",
    "n": "false", "no": "false", "off": "false",
}  # fmt: skip

MAX_NUMBER_DIGITS = 400

_FIRST = frozenset("-+.0123456789")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})(?:[Tt]|[ \t]+)"
    r"([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]*)?)?)[ \t]*(Z|z|[-+][0-9]{1,2}(?::?[0-9]{2})?)?"
)
_EXPONENT = re.compile(r"[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)[eE][-+]?[0-9]+")
_UNDERSCORES = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+(\.[0-9]*)?")
_RADIX = re.compile(r"[-+]?0(o[0-7_]+|x[0-9a-fA-F_]+|b[01_]+)")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_NOT_FINITE = re.compile(r"[-+]?\.inf|\.nan", re.IGNORECASE)


def look(text: str) -> Look:
    """What the unquoted ``text`` looks like; `Look.AMBIGUOUS` exactly where `ambiguity` has an answer."""
    if text in NULLS:
        return Look.NULL
    if text[0] not in _FIRST:
        if len(text) > 5:
            return Look.TEXT
        if text in BOOLS:
            return Look.BOOL
        return Look.AMBIGUOUS if text.lower() in _YAML_11_BOOLS else Look.TEXT
    if _INT.fullmatch(text):
        return Look.INT
    if _NUMBER.fullmatch(text):
        return Look.NUMBER
    if ambiguity(text) is not None:
        return Look.AMBIGUOUS
    if _DATE.fullmatch(text):
        return Look.DATE
    if _DATETIME.fullmatch(text):
        return Look.DATETIME
    return Look.TEXT


def ambiguity(text: str) -> Ambiguity | None:
    """Why the unquoted ``text`` must not be guessed, or None. Nothing so long is meant as a number."""
    if not text or len(text) > MAX_NUMBER_DIGITS:
        return None
    if text[0] not in _FIRST:
        return _ambiguous_word(text)
    for pattern, explain in _AMBIGUOUS_NUMBERS:
        if pattern.fullmatch(text):
            return explain(text)
    if text[0].isdigit() and (match := _DATETIME.fullmatch(text) or _DATE.fullmatch(text)):
        return _ambiguous_time(text, match)
    return None


def _ambiguous_word(text: str) -> Ambiguity | None:
    meant = _YAML_11_BOOLS.get(text.lower()) if len(text) <= 3 else None
    if meant is None:
        return None
    return Ambiguity(
        f"'{text}' is {meant} to some YAML readers and text to others",
        f"write '{text}' in quotes for the text, or {meant}",
    )


def _leading_zero(text: str) -> Ambiguity:
    plain = text[:1] * (text[0] in "-+") + text.lstrip("-+").lstrip("0")
    if not plain.strip("-+") or plain.lstrip("-+").startswith("."):
        plain = plain.replace(".", "0.", 1) if "." in plain else plain + "0"
    return Ambiguity(
        f"'{text}' is an octal number to some YAML readers and loses its zeros to others",
        f"write '{text}' in quotes for the text, or {plain} for the number",
    )


def _radix(text: str) -> Ambiguity:
    try:
        number = str(int(text, 0))
    except ValueError:
        number = "a decimal number"
    return Ambiguity(
        f"'{text}' is a number to some YAML readers and text to others",
        f"write '{text}' in quotes for the text, or {number} for the number",
    )


def _underscores(text: str) -> Ambiguity:
    return Ambiguity(
        f"'{text}' is a number to some YAML readers and text to others",
        f"write '{text}' in quotes for the text, or {text.replace('_', '')} for the number",
    )


def _exponent(text: str) -> Ambiguity:
    return Ambiguity(
        f"'{text}' is a number to some YAML readers and text to others",
        f"write '{text}' in quotes for the text, or the number without an exponent",
    )


def _sexagesimal(text: str) -> Ambiguity:
    return Ambiguity(
        f"'{text}' is a number in base 60 to some YAML readers and text to others",
        f"write '{text}' in quotes for the text or the time",
    )


def _not_finite(text: str) -> Ambiguity:
    return Ambiguity(
        f"'{text}' is not a number that an org can hold", f"write '{text}' in quotes for the text"
    )


_AMBIGUOUS_NUMBERS = (
    (_LEADING_ZERO, _leading_zero),
    (_RADIX, _radix),
    (_UNDERSCORES, _underscores),
    (_EXPONENT, _exponent),
    (_SEXAGESIMAL, _sexagesimal),
    (_NOT_FINITE, _not_finite),
)


def _ambiguous_time(text: str, match: re.Match[str]) -> Ambiguity | None:
    day, *rest = match.groups() or (text,)
    if not _is_a_day(day):
        return Ambiguity(
            f"'{text}' is not a date of the calendar",
            f"write a day that exists, or '{text}' in quotes for the text",
        )
    if not rest:
        return None
    time, zone = rest
    if not _is_a_time(time):
        return Ambiguity(
            f"'{text}' is not a time of the day",
            f"write a time that exists, or '{text}' in quotes for the text",
        )
    if not zone:
        return Ambiguity(
            f"'{text}' does not say in which time zone",
            f"add the zone, as in {day}T{time.zfill(5)}Z, or write '{text}' in quotes for the text",
        )
    return None


def _is_a_day(text: str) -> bool:
    try:
        datetime.date(*(int(part) for part in text.split("-")))
    except ValueError:
        return False
    return True


def _is_a_time(text: str) -> bool:
    parts = [float(part) for part in text.split(":")]
    return parts[0] < 24 and all(part < 60 for part in parts[1:])
