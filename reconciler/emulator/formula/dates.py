"""Functions and arithmetic of days, moments and times of day.

TODAY is the user's day, and DATEVALUE takes a moment to the user's day; HOUR and its sisters read a time,
which TIMEVALUE takes from a moment in UTC. A day plus a number is a day, its fraction cut off; a moment
plus a number moves by days and seconds; a time plus a number moves by milliseconds and wraps.

Source: Salesforce Help, "Using Date, Date/Time, and Time Values in Formulas"; Salesforce's published
formula engine.
"""

import re
from calendar import monthrange
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from .faults import EvaluationError
from .functions import define
from .kinds import EPOCH, MATH, MILLISECOND, Kind

N, D, M, H, T, B = Kind.NUMBER, Kind.DATE, Kind.MOMENT, Kind.TIME, Kind.TEXT, Kind.BOOLEAN

DAY_MS: Final = 86_400_000
DAY_TEXT: Final = re.compile(r"\d{4}-\d{1,2}-\d{1,2}", re.ASCII)
MOMENT_TEXT: Final = re.compile(r"(\d{4}-\d{1,2}-\d{1,2}) (\d{1,2}:\d{1,2}:\d{1,2})", re.ASCII)
TIME_TEXT: Final = re.compile(r"(\d\d):(\d\d):(\d\d)\.(\d{3})", re.ASCII)


def make_day(year: Decimal, month: Decimal, day: Decimal) -> date:
    try:
        return date(int(year), int(month), int(day))
    except (ValueError, OverflowError) as error:
        raise EvaluationError("Month or Day out of range in DATE() function") from error


def day_of_text(text: str) -> date:
    if not DAY_TEXT.fullmatch(text.strip()):
        raise EvaluationError(f"{text} is no date")
    return make_day(*(Decimal(part) for part in text.strip().split("-")))


def moment_of_text(text: str) -> datetime:
    match = MOMENT_TEXT.fullmatch(text.strip().removesuffix("Z").rstrip())
    if not match:
        raise EvaluationError(f"{text} is no date and time")
    day = day_of_text(match[1])
    hour, minute, second = map(int, match[2].split(":"))
    try:
        return datetime(day.year, day.month, day.day, hour, minute, second)
    except ValueError as error:
        raise EvaluationError(f"{text} is no date and time") from error


def time_of_text(text: str) -> time:
    match = TIME_TEXT.fullmatch(text.strip())
    if not match:
        raise EvaluationError(f"{text} is no time")
    hour, minute, second, thousandth = map(int, match.groups())
    try:
        return time(hour, minute, second, thousandth * 1000)
    except ValueError as error:
        raise EvaluationError(f"{text} is no time") from error


def add_months(day: date, months: Decimal) -> date:
    """The last day of a month goes to the last day of the other. Works for moments too."""
    last = day.day == monthrange(day.year, day.month)[1]
    month = day.year * 12 + day.month - 1 + int(months)
    year, month = month // 12, month % 12 + 1
    if not 1 <= year <= 9999:
        raise EvaluationError("the date leaves the calendar")
    end = monthrange(year, month)[1]
    return day.replace(year=year, month=month, day=end if last else min(day.day, end))


def _milliseconds(value: time) -> int:
    return (value.hour * 3600 + value.minute * 60 + value.second) * 1000 + value.microsecond // 1000


def _time_at(milliseconds: int) -> time:
    return (EPOCH + MILLISECOND * (milliseconds % DAY_MS)).time()


def _days(span: timedelta) -> Decimal:
    return MATH.divide(Decimal(span // MILLISECOND), Decimal(DAY_MS))


def add_day(day: date, days: Decimal) -> date:
    return day + timedelta(days=int(days))


def add_moment(moment: datetime, days: Decimal) -> datetime:
    """Moves to the nearest second."""
    seconds = MATH.multiply(days, Decimal(86_400)).to_integral_value(rounding="ROUND_HALF_UP")
    return moment + timedelta(seconds=int(seconds))


def add_time(value: time, milliseconds: Decimal) -> time:
    return _time_at(_milliseconds(value) + int(milliseconds))


def between_days(later: date, earlier: date) -> Decimal:
    return Decimal((later - earlier).days)


def between_moments(later: datetime, earlier: datetime) -> Decimal:
    return _days(later - earlier)


def between_times(later: time, earlier: time) -> Decimal:
    return Decimal((_milliseconds(later) - _milliseconds(earlier)) % DAY_MS)


def seconds_apart(one: time, other: Any) -> int:
    """Whole seconds between two times of a day, whichever is the later."""
    return abs(_milliseconds(one) - _milliseconds(other)) // 1000


def seconds_of(value: Any) -> Decimal:
    """Of a time since midnight, of a day or a moment since 1970."""
    if isinstance(value, time):
        return Decimal(_milliseconds(value) // 1000)
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return Decimal((value - EPOCH) // timedelta(seconds=1))


def moment_of_seconds(seconds: Decimal) -> datetime:
    return EPOCH + timedelta(milliseconds=int(seconds * 1000))


def duration_text(seconds: int, *, days: bool) -> str:
    seconds = abs(seconds)
    minutes = f"{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if days:
        return f"{seconds // 86_400}:{seconds // 3600 % 24:02d}:{minutes}"
    return f"{seconds // 3600:02d}:{minutes}"


define("DATE", (N, N, N), D, make_day)
define("YEAR", (D,), N, lambda day: Decimal(day.year))
define("MONTH", (D,), N, lambda day: Decimal(day.month))
define("DAY", (D,), N, lambda day: Decimal(day.day))
define("WEEKDAY", (D,), N, lambda day: Decimal(day.isoweekday() % 7 + 1))
define("DAYOFYEAR", (D,), N, lambda day: Decimal(day.timetuple().tm_yday))
define("ISOWEEK", (D,), N, lambda day: Decimal(day.isocalendar().week))
define("ISOYEAR", (D,), N, lambda day: Decimal(day.isocalendar().year))
define("HOUR", (H,), N, lambda value: Decimal(value.hour))
define("MINUTE", (H,), N, lambda value: Decimal(value.minute))
define("SECOND", (H,), N, lambda value: Decimal(value.second))
define("MILLISECOND", (H,), N, lambda value: Decimal(value.microsecond // 1000))
define("FROMUNIXTIME", (N,), M, moment_of_seconds)
