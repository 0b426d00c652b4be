"""Literals: what a token stands for.

A word after an operator is true, false, null, a date literal or an amount of money; anything else is
no value. Strings have Salesforce's escapes and no others.

Source: SOQL and SOSL Reference, "Quoted String Escape Sequences", "Date Formats and Date Literals",
"Querying Currency Fields in Multi-Currency Orgs".
"""

import re
from datetime import UTC, date, datetime
from typing import Final

from lark import Token

from . import limits
from .moments import LITERALS, NUMBERED
from .refusals import malformed, unexpected
from .tree import Bool, Date, DateTime, Literal, Money, Null, Relative, Text, Time

STRING_TOKEN: Final = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL | re.IGNORECASE)
ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
MONEY: Final = re.compile(r"([a-zA-Z]{3})(\d+(?:\.\d+)?)")
TIME: Final = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3})\d*)?Z", re.IGNORECASE)
MOMENT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3})\d*)?(?:Z|([+-])(\d\d):?(\d\d))", re.IGNORECASE
)


MOST_DIGITS: Final = 300
"""What is longer is beyond every number that a row can have, and too long for arithmetic."""


def whole(text: str) -> int:
    """The number that these digits are; of absurdly many one that compares alike with every value."""
    digits = text.lstrip("+-").lstrip("0")
    if len(digits) > MOST_DIGITS:
        digits = "1" + "0" * MOST_DIGITS
    return int(digits or "0") * (-1 if text.startswith("-") else 1)


def number_of(token: Token) -> int | float:
    text = str(token)
    return whole(text) if text.lstrip("+-").isdecimal() else float(text)


def word_of(token: Token) -> Literal:
    at, text = token.start_pos or 0, token.upper()
    if text in ("TRUE", "FALSE"):
        return Bool(text == "TRUE", at)
    if text == "NULL":
        return Null(at)
    name, _, number = (part.strip() for part in text.partition(":"))
    if number and name in NUMBERED:
        return Relative(name, whole(number), at)
    if not number and name in LITERALS:
        return Relative(name, None, at)
    if money := MONEY.fullmatch(token):
        amount = money.group(2)
        return Money(money.group(1).upper(), float(amount) if "." in amount else whole(amount), at)
    raise unexpected(str(token), at)


def moment_of(token: Token) -> Literal:
    at, text = token.start_pos or 0, str(token)
    try:
        if time := TIME.fullmatch(text):
            hour, minute, second, fraction = time.groups()
            datetime(2000, 1, 1, int(hour), int(minute), int(second))  # only its ranges matter
            return Time(f"{hour}:{minute}:{second}.{(fraction or '').ljust(3, '0')}Z", at)
        if moment := MOMENT.fullmatch(text):
            return DateTime(_milliseconds(moment), at)
        date.fromisoformat(text)
    except ValueError:
        raise malformed(f"line 1:{at} invalid date: {text}", at) from None
    if not limits.FIRST_DATE <= text <= limits.LAST_DATE:
        raise malformed(f"invalid date: {text}", at)
    return Date(text, at)


def _milliseconds(match: re.Match[str]) -> int:
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    value = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    offset = 0 if sign is None else (int(hours) * 60 + int(minutes)) * (60_000 if sign == "+" else -60_000)
    seconds = int((value - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return seconds * 1000 + int((fraction or "0").ljust(3, "0")) - offset


def text_of(raw: str, at: int) -> Text:
    r"""A string literal. For LIKE a backslash of the text, and an escaped ``\%`` or ``\_``, stay escaped."""
    if "\\" not in raw:
        return Text(raw, raw, at)
    return Text(_unescaped(raw, at, for_like=False), _unescaped(raw, at, for_like=True), at)


def _unescaped(raw: str, at: int, *, for_like: bool) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) > 1:
            plain = chr(int(code[1:], 16))
        elif code in "%_":
            return "\\" + code if for_like else code
        elif code.lower() in ESCAPES:
            plain = ESCAPES[code.lower()]
        else:
            raise malformed(
                f"Invalid string literal '{raw}'. Illegal character sequence '\\{code}' in string literal.",
                at,
            )
        return "\\\\" if for_like and plain == "\\" else plain

    text = ESCAPE.sub(replace, raw)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
