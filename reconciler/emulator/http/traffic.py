"""What one org's front remembers of its calls: the log, the daily allowance, open query locators.

It belongs to a running front, not to the org's data: a restart forgets it, as a restart of a
client's process would not notice.

Source: Salesforce Developer Limits and Allocations, "API Request Limits and Allocations".
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from reconciler.emulator.errors import ApiError
from reconciler.emulator.ids import ALPHABET
from reconciler.emulator.org import EmulatedOrg

DAY_MS = 24 * 60 * 60 * 1000
LOCATOR_LIFE_MS = 2 * DAY_MS
OPEN_LOCATORS = 200
DEFAULT_DAILY_REQUESTS = 1_000_000
CALL_LOG_ENTRIES = 200_000


class RequestLimitExceeded(ApiError):
    status, code = 403, "REQUEST_LIMIT_EXCEEDED"

    def __init__(self, message: str = "TotalRequests Limit exceeded.") -> None:
        super().__init__(message)


@dataclass(frozen=True)
class Cursor:
    """The whole result of a query that takes more than one page; of a large one the ids are held."""

    user_id: str
    records: Sequence[dict[str, Any]]
    total_size: int
    page_rows: int
    opened_ms: int
    nested: bool = False
    """Whether the records have children, which take places of a page too."""
    children: list[str] = field(default_factory=list)
    """Locators of children that pages of this result opened."""


@dataclass
class Traffic:
    """Calls to one org. Shared by the threads of a server."""

    daily_requests: int = DEFAULT_DAILY_REQUESTS
    """Allowance of a rolling day; settable."""
    calls: "deque[tuple[str, str]]" = field(default_factory=lambda: deque(maxlen=CALL_LOG_ENTRIES))
    """(method, path with query) of every exchange, also of those a fault swallowed; newest last."""
    metadata_stamps: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Entity tag and time of the last change seen, by describe."""
    _hours: "OrderedDict[int, int]" = field(default_factory=OrderedDict)
    _cursors: "OrderedDict[str, Cursor]" = field(default_factory=OrderedDict)
    _serial: int = 0
    _lock: Lock = field(default_factory=Lock)

    def log(self, method: str, address: str) -> None:
        self.calls.append((method, address))

    def used(self, now_ms: int) -> int:
        """Calls counted in the last 24 hours, to the hour."""
        first = (now_ms - DAY_MS) // 3_600_000
        return sum(count for hour, count in list(self._hours.items()) if hour > first)

    def count(self, now_ms: int, calls: int = 1) -> int:
        """Count calls and tell how many that makes. Raises `RequestLimitExceeded`, uncounted."""
        with self._lock:
            used = self.used(now_ms)
            if used >= self.daily_requests:
                raise RequestLimitExceeded
            hour = now_ms // 3_600_000
            self._hours[hour] = self._hours.get(hour, 0) + calls
            while len(self._hours) > 48:
                self._hours.popitem(last=False)
            return used + calls

    def limit_info(self, now_ms: int) -> str:
        return f"api-usage={self.used(now_ms)}/{self.daily_requests}"

    def open_cursor(self, cursor: Cursor) -> str:
        """Keep a result; answers its locator, without the offset."""
        with self._lock:
            self._serial += 1
            locator = "0r8xx" + _letters(self._serial * 2_654_435_761 % 62**9, 9) + "AAA0"
            self._cursors[locator] = cursor
            while len(self._cursors) > OPEN_LOCATORS:
                self._cursors.popitem(last=False)
            return locator

    def close_cursors(self, locators: list[str]) -> None:
        """Forget these results, and take them off the list."""
        with self._lock:
            while locators:
                self._cursors.pop(locators.pop(), None)

    def cursor(self, locator: str, user_id: str, now_ms: int) -> Cursor | None:
        """The result behind a locator: None when unknown, expired or another user's."""
        found = self._cursors.get(locator)
        if found is None or found.user_id != user_id or now_ms - found.opened_ms > LOCATOR_LIFE_MS:
            return None
        return found


def _letters(number: int, width: int) -> str:
    out = ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        out += ALPHABET[digit]
    return out


_TRAFFIC: "WeakKeyDictionary[EmulatedOrg, Traffic]" = WeakKeyDictionary()
_NEW = Lock()


def traffic(org: EmulatedOrg) -> Traffic:
    """The traffic of this org; the same object as long as the org object lives."""
    found = _TRAFFIC.get(org)
    if found is None:
        with _NEW:
            found = _TRAFFIC.setdefault(org, Traffic())
    return found
