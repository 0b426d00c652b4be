"""The org's time. Every stamp, expiry and age in an org is read here, so a run repeats exactly.

A real clock follows the machine. A fixed one stands still until it is told to move; with
``tick_ms`` it moves by itself at each transaction, so that rows written one after another have
different stamps.
"""

import time
from datetime import UTC, datetime


class Clock:
    """Milliseconds since 1970 in UTC, real unless made with `fixed`."""

    def __init__(self, start_ms: int | None = None, *, tick_ms: int = 0) -> None:
        self._fixed_ms = start_ms
        self._tick_ms = tick_ms

    @classmethod
    def fixed(cls, start: datetime | int = 1_767_225_600_000, *, tick_ms: int = 0) -> "Clock":
        """A clock that stands at ``start`` (milliseconds, or a datetime that knows its zone)."""
        start_ms = start if isinstance(start, int) else int(start.timestamp() * 1000)
        return cls(start_ms, tick_ms=tick_ms)

    @property
    def is_fixed(self) -> bool:
        return self._fixed_ms is not None

    def now_ms(self) -> int:
        return int(time.time() * 1000) if self._fixed_ms is None else self._fixed_ms

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_ms() / 1000, UTC)

    def advance(self, milliseconds: int) -> None:
        """Move a fixed clock forward. A real one refuses: nobody moves the machine's time."""
        if self._fixed_ms is None:
            raise ValueError("a real clock cannot be advanced")
        self._fixed_ms += milliseconds

    def tick(self) -> None:
        """A transaction begins: a fixed clock with a tick moves on."""
        if self._fixed_ms is not None:
            self._fixed_ms += self._tick_ms

    def copy(self) -> "Clock":
        return Clock(self._fixed_ms, tick_ms=self._tick_ms)
