"""New rows of one chunk in one statement, where values are all there is to decide about.

The cells of a CSV, read column by column, take the way of `plain_rows`. Whatever is refused on the way
refuses the chunk, which then takes the careful one; nothing is decided here twice.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..columns import Values
from ..errors import ApiError
from ..plain_rows import NotPlain, PlainRows, plain_rows
from ..tables import Entry, Table
from ..writes import Transaction
from .uploads import NULL, Column

if TYPE_CHECKING:
    from ..org import EmulatedOrg


@dataclass(frozen=True, slots=True)
class PlainInsert:
    """The way of one header's rows into one table."""

    org: "EmulatedOrg"
    user: int
    table: Table
    way: PlainRows

    def write(self, rows: Sequence[Sequence[str]]) -> Sequence[int] | None:
        """Write a chunk; the rows' numbers, or None, and nothing is written, when something is refused."""
        width = len(self.way.entries)
        if any(len(row) != width for row in rows):
            rows = [[*row, *[""] * width][:width] for row in rows]
        try:
            with self.org.store.transaction():
                return self._write(list(zip(*rows, strict=True)))
        except (ApiError, NotPlain, sqlite3.IntegrityError):
            return None

    def _write(self, cells: list[tuple[str, ...]]) -> Sequence[int]:
        transaction = Transaction(self.org, self.user)
        transaction.enter_lane(self.table, "insert", {})
        columns = [
            self._read(transaction, entry, column)
            for entry, column in zip(self.way.entries, cells, strict=True)
        ]
        return self.way.write(transaction, columns)

    def _read(self, transaction: Transaction, entry: Entry, cells: Sequence[str]) -> Values:
        default = self.table.template[entry.position]
        if entry.is_reference:
            known = {
                cell: transaction.read_value(self.table, entry, entry.name, None if cell == NULL else cell)
                for cell in set(cells) - {""}
            }
            known[""] = default
            return [known[cell] for cell in cells]
        read = entry.read
        return [read(cell if cell != NULL else None) if cell else default for cell in cells]


def prepare(org: "EmulatedOrg", user: int, table: Table, columns: Sequence[Column]) -> PlainInsert | None:
    """The quick way for a header, or None where the careful one must be taken."""
    if any(column.parent_key is not None for column in columns):
        return None
    way = plain_rows(Transaction(org, user), table, [column.key for column in columns])
    return None if way is None else PlainInsert(org, user, table, way)
