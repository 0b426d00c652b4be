"""Functions of values: each a row of a table with what it takes, what it makes, and how.

Where a function is marked ``strict`` a blank argument makes a blank result; the others say themselves
what a blank means. Texts that come out empty are blank. What needs the row, the user or the tree of its
arguments is in `forms`; dates are in `dates`.

Source: Salesforce Help, "Formula Operators and Functions"; Salesforce's published formula engine.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any, Final

from .faults import EvaluationError
from .kinds import MATH, WIDE, Kind, Place

T, N, B, C, P = Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN, Kind.CHOICES, Kind.PLACE


@dataclass(frozen=True, slots=True)
class Function:
    """``least`` is how many arguments there must be; ``rest`` is the kind of any number of further ones."""

    takes: tuple[Kind, ...]
    makes: Kind
    run: Callable[..., Any]
    least: int
    strict: bool
    rest: Kind | None = None


FUNCTIONS: Final[dict[str, Function]] = {}


def define(
    name: str,
    takes: tuple[Kind, ...],
    makes: Kind,
    run: Callable[..., Any],
    *,
    least: int | None = None,
    strict: bool = True,
    rest: Kind | None = None,
) -> None:
    FUNCTIONS[name] = Function(takes, makes, run, len(takes) if least is None else least, strict, rest)


# -- numbers

NEARLY: Final = Context(prec=33, rounding=ROUND_HALF_DOWN)
"""Digits past these are those of a fraction that decimals cannot hold, such as a third."""
NEARLY_UP: Final = Context(prec=33, rounding=ROUND_HALF_UP)


def whole(value: Decimal, rounding: str) -> Decimal:
    return value.to_integral_value(rounding=rounding)


def _away(value: Decimal) -> Decimal:
    return whole(NEARLY.plus(value), ROUND_FLOOR if value < 0 else ROUND_CEILING)


def _toward(value: Decimal) -> Decimal:
    return whole(NEARLY_UP.plus(value), ROUND_CEILING if value < 0 else ROUND_FLOOR)


def _at_scale(value: Decimal, scale: Decimal, rounding: str) -> Decimal:
    places = int(scale)
    if abs(places) > 60:
        return value if places > 0 else Decimal(0)
    made = value.quantize(Decimal(1).scaleb(-places), rounding=rounding, context=WIDE)
    return made if made else Decimal(0)


def _to_multiple(value: Decimal, multiple: Decimal) -> Decimal:
    if not multiple:
        return Decimal(0)
    return MATH.multiply(whole(MATH.divide(value, multiple), ROUND_HALF_UP), multiple)


def _remainder(value: Decimal, by: Decimal) -> Decimal:
    return MATH.remainder(value, by)


def power(base: Decimal, exponent: Decimal) -> Decimal:
    """Raises `EvaluationError` beyond some 64 digits."""
    if not exponent:
        return Decimal(1)
    try:
        if base and abs(base.copy_abs().ln(MATH) * exponent) > 64 * Decimal(10).ln(MATH):
            if base.copy_abs() > 1 and exponent > 0:
                raise EvaluationError("Out of range argument to POWER() function")
            return Decimal(0)
        return Context(prec=18, rounding=ROUND_HALF_UP).power(base, exponent)
    except ArithmeticError as error:
        raise EvaluationError("Out of range argument to POWER() function") from error


def _by_float(run: Callable[[float], float]) -> Callable[[Decimal], Decimal]:
    def made(value: Decimal) -> Decimal:
        try:
            result = run(float(value))
        except (ValueError, OverflowError) as error:
            raise EvaluationError(str(error)) from error
        if not math.isfinite(result):
            raise EvaluationError("the result is no number")
        return Decimal(repr(result))

    return made


for _name, _run in {
    "ABS": lambda value: abs(value),
    "CEILING": _away,
    "FLOOR": _toward,
    "MCEILING": lambda value: whole(NEARLY.plus(value), ROUND_CEILING),
    "MFLOOR": lambda value: whole(NEARLY_UP.plus(value), ROUND_FLOOR),
    "SQRT": _by_float(math.sqrt),
    "EXP": _by_float(math.exp),
    "LN": _by_float(math.log),
    "LOG": _by_float(math.log10),
    "SIN": _by_float(math.sin),
    "COS": _by_float(math.cos),
    "TAN": _by_float(math.tan),
    "ASIN": _by_float(math.asin),
    "ACOS": _by_float(math.acos),
    "ATAN": _by_float(math.atan),
}.items():
    define(_name, (N,), N, _run)
define("ATAN2", (N, N), N, lambda y, x: Decimal(repr(math.atan2(float(y), float(x)))))
define("PI", (), N, lambda: Decimal(repr(math.pi)))
define("ROUND", (N, N), N, lambda value, scale: _at_scale(value, scale, ROUND_HALF_UP))
define("TRUNC", (N, N), N, lambda value, scale=Decimal(0): _at_scale(value, scale, ROUND_DOWN), least=1)
define("MROUND", (N, N), N, _to_multiple)
define("MOD", (N, N), N, _remainder)
define("MAX", (N,), N, lambda *values: max(values), rest=N)
define("MIN", (N,), N, lambda *values: min(values), rest=N)


# -- texts


def _span(text: str, first: int, count: int) -> str | None:
    """``count`` characters from the place ``first``, counted from one."""
    first = max(first, 1)
    return text[first - 1 : first - 1 + max(count, 0)] or None


def _pad(text: str, count: Decimal, padding: str) -> tuple[str, str] | None:
    """The padding and the text it goes with; None where nothing is left."""
    length = min(int(count), LONGEST_TEXT)
    if length <= 0:
        return None
    if length <= len(text):
        return "", text[:length]
    wanted = length - len(text)
    return (padding * (wanted // len(padding) + 1))[:wanted], text


LONGEST_TEXT: Final = 4000
"""Characters a padded text may have."""


def _lpad(text: str, count: Decimal, padding: str = " ") -> str | None:
    made = _pad(text, count, padding)
    return made and made[0] + made[1]


def _rpad(text: str, count: Decimal, padding: str = " ") -> str | None:
    made = _pad(text, count, padding)
    return made and made[1] + made[0]


def _find(wanted: str | None, text: str | None, start: Decimal | None = None) -> Decimal:
    if not wanted or not text:
        return Decimal(0)
    return Decimal(text.find(wanted, max(int(start or 0) - 1, 0)) + 1)


def _value(text: str) -> Decimal:
    if not NUMBER_TEXT.fullmatch(text):
        raise EvaluationError(f"The value '{text}' is not a valid number.")
    return MATH.create_decimal(text)


NUMBER_TEXT: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def _substitute(text: str | None, old: str | None, new: str | None) -> str | None:
    return None if text is None or not old else text.replace(old, new or "")


def _contains(text: str | None, wanted: str | None) -> bool | None:
    if not wanted:
        return True
    return wanted in text if text else None


def _begins(text: str | None, wanted: str | None) -> bool | None:
    if not wanted:
        return True
    return text.startswith(wanted) if text else None


def _initcap(text: str) -> str:
    return re.sub(r"[^\W_]+", lambda word: word[0][:1].upper() + word[0][1:].lower(), text)


def _character(code: Decimal) -> str | None:
    number = int(code)
    if not 0 < number <= 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        return None
    return chr(number)


JAVA_CLASSES: Final = {
    r"\p{Alpha}": "A-Za-z",
    r"\p{L}": r"^\W\d_",
    r"\p{Digit}": "0-9",
    r"\p{Alnum}": "A-Za-z0-9",
    r"\p{Upper}": "A-Z",
    r"\p{Lu}": "A-Z",
    r"\p{Lower}": "a-z",
    r"\p{Ll}": "a-z",
    r"\p{Punct}": r"!-/:-@\[-`{-~",
    r"\p{Space}": r"\s",
}
"""Classes of Java's expressions, as what stands in brackets."""


@lru_cache(maxsize=256)
def pattern(text: str) -> re.Pattern[str]:
    """A Java regular expression as ours. Raises `EvaluationError` for what cannot be one."""
    for name, inside in JAVA_CLASSES.items():
        text = text.replace(f"[{name}]", f"[{inside}]").replace(name, f"[{inside}]")
    try:
        return re.compile(text, re.ASCII if r"\W" not in text else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise EvaluationError(f"Invalid regular expression: {error}") from error


def _matches(text: str | None, expression: str | None) -> bool:
    return pattern(expression or "").fullmatch(text or "") is not None


define("LEN", (T,), N, lambda text: Decimal(len(text or "")), strict=False)
define("LEFT", (T, N), T, lambda text, count: _span(text, 1, int(count)))
define("RIGHT", (T, N), T, lambda text, count: text[-int(count) :] if count >= 1 else None)
define("MID", (T, N, N), T, lambda text, first, count: _span(text, int(first), int(count)))
define("FIND", (T, T, N), N, _find, least=2, strict=False)
define("SUBSTITUTE", (T, T, T), T, _substitute, strict=False)
define("TRIM", (T,), T, lambda text: text.strip() or None)
define("UPPER", (T, T), T, lambda text, _=None: text and text.upper(), least=1, strict=False)
define("LOWER", (T, T), T, lambda text, _=None: text and text.lower(), least=1, strict=False)
define("INITCAP", (T, T), T, lambda text, _=None: text and _initcap(text), least=1, strict=False)
define("CONTAINS", (T, T), B, _contains, strict=False)
define("BEGINS", (T, T), B, _begins, strict=False)
define("REGEX", (T, T), B, _matches, strict=False)
define("LPAD", (T, N, T), T, _lpad, least=2)
define("RPAD", (T, N, T), T, _rpad, least=2)
define("VALUE", (T,), N, _value)
define("ISNUMBER", (T,), B, lambda text: bool(NUMBER_TEXT.fullmatch(text or "")), strict=False)
define("REVERSE", (T,), T, lambda text: text[::-1])
define("ASCII", (T,), N, lambda text: Decimal(ord(text[0])))
define("CHR", (N,), T, _character)
define("UNICHR", (N,), T, _character)
define("BR", (), T, lambda: "<br>")
define(
    "INCLUDES", (C, T), B, lambda chosen, wanted: (wanted or "") in (chosen or "").split(";"), strict=False
)


# -- links and pictures


def _hyperlink(url: str | None, shown: str | None, target: str | None = None) -> str:
    return f'<a href="{url or ""}" target="{target or "_blank"}">{shown or ""}</a>'


def _image(
    url: str | None, text: str | None, height: Decimal | None = None, width: Decimal | None = None
) -> str:
    sizes = [f"{name}:{int(size)}px;" for name, size in (("height", height), ("width", width)) if size]
    style = f' style="{" ".join(sizes)}"' if sizes else ""
    return f'<img src="{url or ""}" alt="{text or ""}"{style} border="0"/>'


define("HYPERLINK", (T, T, T), T, _hyperlink, least=2, strict=False)
define("IMAGE", (T, T, N, N), T, _image, least=2, strict=False)


# -- places

RADIUS: Final = {"mi": 3958.761, "km": 6371.009}


def _distance(one: Place, other: Place, unit: str) -> Decimal:
    if unit not in RADIUS:
        raise EvaluationError("a distance is in mi or km")
    first, second = math.radians(one.latitude), math.radians(other.latitude)
    across = math.radians(other.longitude - one.longitude)
    half = (
        math.sin((second - first) / 2) ** 2 + math.cos(first) * math.cos(second) * math.sin(across / 2) ** 2
    )
    return Decimal(repr(2 * RADIUS[unit] * math.asin(min(1.0, math.sqrt(half)))))


def _geolocation(latitude: Decimal, longitude: Decimal) -> Place:
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise EvaluationError("no such place on earth")
    return Place(float(latitude), float(longitude))


define("GEOLOCATION", (N, N), P, _geolocation)
define("DISTANCE", (P, P, T), N, _distance)
