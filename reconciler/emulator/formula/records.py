"""A row while a formula looks at it: its values, what they were before, and the rows it points to.

A `World` is one evaluation or one query: who asks, when, and the parents read so far. Parents are read
when a formula comes to them, once a world.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from .. import ids

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from ..schema import SObject
    from ..tables import Table


KEPT_ROWS = 10_000
"""Parents a world keeps at a time."""


class Record:
    """Stored values by column. ``before`` is None for a row that is being inserted, or is only read."""

    __slots__ = ("before", "table", "values", "world")

    def __init__(
        self,
        world: "World",
        table: "Table",
        values: Mapping[str, Any],
        before: Mapping[str, Any] | None = None,
    ) -> None:
        self.world = world
        self.table = table
        self.values = values
        self.before = before

    def earlier(self) -> "Record":
        """The row as it was before the update; itself where there is none."""
        return self if self.before is None else Record(self.world, self.table, self.before)


class World:
    """What is the same for all rows of one question."""

    def __init__(self, org: "EmulatedOrg", user: int) -> None:
        self.org = org
        self.user = user
        self.now_ms = org.clock.now_ms()
        self._rows: dict[int, Record | None] = {}
        self._zone: tzinfo | None = None
        self.known: dict[Any, Any] = {}
        """Answers to global names, which are the same for every row."""

    def row(self, number: int) -> Record | None:
        """The row with an id, whatever its object."""
        if number not in self._rows:
            if len(self._rows) >= KEPT_ROWS:
                self._rows.clear()
            self._rows[number] = self.read(number)
        return self._rows[number]

    def read(self, number: int) -> Record | None:
        """The row as it is now, without keeping it: for rows that are asked about, not pointed to."""
        sobject: SObject | None = self.org.schema.by_prefix(ids.prefix_of(number))
        if sobject is None:
            return None
        table = self.org.tables[sobject.name]
        found = self.org.store.execute(table.select_sql, (number,))
        return Record(self, table, dict(zip(table.columns, found[0], strict=True))) if found else None

    def parent(self, number: int | None, targets: tuple[str, ...]) -> Record | None:
        """The row a reference points to, if it is of one of these objects."""
        found = None if number is None else self.row(number)
        return found if found is not None and (not targets or found.table.name in targets) else None

    @property
    def zone(self) -> tzinfo:
        """The user's time zone."""
        if self._zone is None:
            user = self.row(self.user)
            try:
                self._zone = ZoneInfo(str(user.values.get("TimeZoneSidKey")) if user else "UTC")
            except (KeyError, ValueError, OSError):
                self._zone = UTC
        return self._zone

    def local(self, moment: datetime) -> datetime:
        """A UTC moment on the user's clock."""
        return moment.replace(tzinfo=UTC).astimezone(self.zone).replace(tzinfo=None)
