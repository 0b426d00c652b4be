"""Cron expressions of scheduled Apex: read, checked, and when they fire next.

Seconds, minutes, hours, day of month, month, day of week, and a year that may be left out. One of the
two days must be `?`. `L`, `W` and `#` are understood as in Quartz, on whose scheduler Salesforce's is
built; seconds and minutes must be single numbers.

Source: Apex Developer Guide, "Using the System.schedule Method"; Quartz's documentation for the letters.
"""

import calendar
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
BOUNDS = {
    "seconds": (0, 59),
    "minutes": (0, 59),
    "hours": (0, 23),
    "day of month": (1, 31),
    "month": (1, 12),
    "day of week": (1, 7),
    "year": (1970, 2099),
}
PARTS = tuple(BOUNDS)
LONGEST_WAIT_DAYS = 366 * 30
RANGE = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?\Z")


class BadCron(ValueError):
    """An expression that Salesforce refuses, with its text."""


@dataclass(frozen=True, slots=True)
class Cron:
    """One expression that was checked."""

    second: int
    minute: int
    hours: tuple[int, ...]
    month_days: str
    months: frozenset[int]
    week_days: str
    years: frozenset[int] | None

    def next_after(self, moment_ms: int, zone: tzinfo) -> int | None:
        """The next time it fires, in milliseconds; None when it never does again."""
        after = datetime.fromtimestamp(moment_ms / 1000, UTC)
        day = after.astimezone(zone).date()
        for _ in range(LONGEST_WAIT_DAYS):
            if self._fires_on(day):
                for hour in self.hours:
                    at = datetime.combine(day, time(hour, self.minute, self.second), zone).astimezone(UTC)
                    if at > after:
                        return int(at.timestamp() * 1000)
            if day == date.max:
                break
            day += timedelta(days=1)
        return None

    def _fires_on(self, day: date) -> bool:
        if day.month not in self.months or (self.years is not None and day.year not in self.years):
            return False
        if self.month_days != "?":
            return day.day in set(_month_days(self.month_days, day.year, day.month))
        return day.day in set(_week_days(self.week_days, day.year, day.month))


def parse(expression: str) -> Cron:
    """Read an expression. Raises `BadCron`."""
    words = expression.upper().split()
    if len(words) not in (6, 7):
        raise BadCron(f"Illegal cron expression format ({expression})")
    if not words[0].isdigit() or not words[1].isdigit():
        raise BadCron(f"Seconds and minutes must be specified as integers: {expression}")
    second, minute = _single("seconds", words[0]), _single("minutes", words[1])
    hours = _listed("hours", words[2])
    months = _listed("month", _numbered(words[4], MONTHS, 1))
    month_days, week_days = words[3], _numbered(words[5], DAYS, 1)
    if (month_days == "?") == (week_days == "?"):
        raise BadCron(
            "'?' can only be specfied for Day-of-Month -OR- Day-of-Week."
            if month_days == "?"
            else "Support for specifying both a day-of-week AND a day-of-month parameter is not implemented."
        )
    list(_month_days(month_days, 2024, 1) if month_days != "?" else _week_days(week_days, 2024, 1))
    years = frozenset(_listed("year", words[6])) if len(words) == 7 and words[6] not in ("*", "?") else None
    return Cron(second, minute, tuple(hours), month_days, frozenset(months), week_days, years)


def _single(part: str, word: str) -> int:
    return _bounded(part, word)


def _bounded(part: str, word: str) -> int:
    low, high = BOUNDS[part]
    if not word.isdigit() or not low <= int(word) <= high:
        raise BadCron(f"{part.capitalize()} values must be between {low} and {high}")
    return int(word)


def _numbered(text: str, names: Sequence[str], first: int) -> str:
    for at, name in enumerate(names, first):
        text = re.sub(rf"\b{name}", str(at), text)
    return text


def _listed(part: str, text: str) -> list[int]:
    low, high = BOUNDS[part]
    found: set[int] = set()
    for item in text.split(","):
        match = RANGE.match(item)
        if match is None:
            raise BadCron(f"Illegal cron expression format ({text})")
        first, last, step = match[1], match[2], int(match[3] or 1)
        if step < 1:
            raise BadCron(f"Illegal cron expression format ({text})")
        start = low if first == "*" else _bounded(part, first)
        end = _bounded(part, last) if last else (high if first == "*" or match[3] else start)
        if end < start:
            found.update(each for each in (*range(start, high + 1, step), *range(low, end + 1, step)))
        else:
            found.update(range(start, end + 1, step))
    return sorted(found)


def _month_days(text: str, year: int, month: int) -> Iterator[int]:
    last = calendar.monthrange(year, month)[1]
    if text == "L":
        yield last
    elif text == "LW":
        yield _nearest_weekday(year, month, last)
    elif match := re.fullmatch(r"L-(\d+)", text):
        yield max(1, last - int(match[1]))
    elif match := re.fullmatch(r"(\d+)W", text):
        yield _nearest_weekday(year, month, min(_bounded("day of month", match[1]), last))
    else:
        yield from (each for each in _listed("day of month", text) if each <= last)


def _nearest_weekday(year: int, month: int, day: int) -> int:
    last = calendar.monthrange(year, month)[1]
    at = calendar.weekday(year, month, day)
    if at == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if at == calendar.SUNDAY:
        return day + 1 if day < last else day - 2
    return day


def _week_days(text: str, year: int, month: int) -> Iterator[int]:
    last = calendar.monthrange(year, month)[1]

    def days_of(week_day: int) -> list[int]:
        return [
            each
            for each in range(1, last + 1)
            if (calendar.weekday(year, month, each) + 1) % 7 + 1 == week_day
        ]

    if text == "L":
        yield from days_of(7)
    elif match := re.fullmatch(r"(\d)L", text):
        yield days_of(_bounded("day of week", match[1]))[-1]
    elif match := re.fullmatch(r"(\d)#(\d)", text):
        yield from days_of(_bounded("day of week", match[1]))[int(match[2]) - 1 : int(match[2])]
    else:
        for each in _listed("day of week", text):
            yield from days_of(each)
