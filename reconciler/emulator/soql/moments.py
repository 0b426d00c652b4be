"""Relative dates: `TODAY`, `LAST_N_WEEKS:3`, as stretches of days.

A literal is a half-open range of days in the zone of the user who asks. Most are a unit (day,
week, month, quarter, year and the two fiscal ones) shifted by some number of units, or a run of
units before or after the current one, so the table says which. LAST_N_DAYS differs from its
sisters: it ends with today, where LAST_N_WEEKS ends before this week.

Source: SOQL and SOSL Reference, "Date Formats and Date Literals".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Final

UNITS: Final = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")
MONTHS: Final = {"MONTH": 1, "QUARTER": 3, "YEAR": 12, "FISCAL_QUARTER": 3, "FISCAL_YEAR": 12}


@dataclass(frozen=True, slots=True)
class Run:
    """``first`` and ``past`` count units from the current one; a None is the number written after `:`."""

    unit: str
    first: int | None
    past: int | None
    sign: int = 1


def _literals() -> Mapping[str, Run]:
    found = {
        "YESTERDAY": Run("DAY", -1, 0),
        "TODAY": Run("DAY", 0, 1),
        "TOMORROW": Run("DAY", 1, 2),
        "LAST_90_DAYS": Run("DAY", -90, 1),
        "NEXT_90_DAYS": Run("DAY", 1, 91),
    }
    for unit in UNITS[1:]:
        found[f"LAST_{unit}"] = Run(unit, -1, 0)
        found[f"THIS_{unit}"] = Run(unit, 0, 1)
        found[f"NEXT_{unit}"] = Run(unit, 1, 2)
    return MappingProxyType(found)


def _numbered() -> Mapping[str, Run]:
    found: dict[str, Run] = {}
    for unit in UNITS:
        found[f"LAST_N_{unit}S"] = Run(unit, None, 1 if unit == "DAY" else 0, -1)
        found[f"NEXT_N_{unit}S"] = Run(unit, 1, None)
        found[f"N_{unit}S_AGO"] = Run(unit, None, None, -1)
    return MappingProxyType(found)


LITERALS: Final = _literals()
NUMBERED: Final = _numbered()


@dataclass(frozen=True, slots=True)
class Calendar:
    """The user's zone and week, the org's fiscal year, and the moment of asking."""

    now: datetime
    zone: tzinfo = UTC
    first_weekday: int = 6
    """0 is Monday, as in `date.weekday`."""
    fiscal_month: int = 1

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def days(self, name: str, number: int | None) -> tuple[date, date]:
        """The first day of a literal's range and the first day after it.

        Raises `OverflowError` or `ValueError` where it leaves the calendar.

        >>> Calendar(datetime(2024, 2, 29, tzinfo=UTC)).days("LAST_N_MONTHS", 2)
        (datetime.date(2023, 12, 1), datetime.date(2024, 2, 1))
        """
        run = LITERALS[name] if number is None else NUMBERED[name]
        shift = 0 if number is None else number * run.sign
        first = shift if run.first is None else run.first
        if run.past is not None:
            past = run.past
        else:
            past = first + 1 if run.first is None else shift + 1
        return self._start(run.unit, first), self._start(run.unit, past)

    def midnight(self, day: date) -> int:
        """The instant a day begins for the user, in milliseconds."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp()) * 1000

    def _start(self, unit: str, shift: int) -> date:
        today = self.today
        if unit == "DAY":
            return today + timedelta(days=shift)
        if unit == "WEEK":
            return today + timedelta(days=7 * shift - (today.weekday() - self.first_weekday) % 7)
        length = MONTHS[unit]
        origin = self.fiscal_month - 1 if unit.startswith("FISCAL") else 0
        month = today.year * 12 + today.month - 1 - origin
        month = (month // length + shift) * length + origin
        return date(month // 12, month % 12 + 1, 1)
