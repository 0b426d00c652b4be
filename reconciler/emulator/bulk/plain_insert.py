"""New rows of one chunk in one statement, where values are all there is to decide about.

Only for objects without rules of their own and for plain columns; `prepare` says whether. Values are
read column by column with the readers every write uses, then all rows go to SQLite at once, with only
the columns that are not null. Whatever is refused on the way refuses the chunk, which then takes the
careful way; nothing is decided here twice.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from .. import ids
from ..errors import ApiError
from ..store import quoted
from ..tables import Entry, Table
from ..writes import Transaction
from .uploads import NULL, Column

if TYPE_CHECKING:
    from ..org import EmulatedOrg

Values = Sequence[Any]


@dataclass(frozen=True, slots=True)
class PlainInsert:
    """The way of one header's rows into one table."""

    org: "EmulatedOrg"
    user: int
    table: Table
    columns: Sequence[Column]
    entries: Sequence[Entry]
    sql: str
    constants: Sequence[Callable[[Transaction], Any]]
    """Values that all rows of a transaction share: defaults, owner, stamps."""
    names: bool
    """Whether the name is made of parts."""

    def write(self, rows: Sequence[Sequence[str]]) -> list[int] | None:
        """Write a chunk; the rows' numbers, or None, and nothing is written, when something is refused."""
        width = len(self.columns)
        if min(map(len, rows)) != width:
            rows = [[*row, *[""] * width][:width] for row in rows]
        try:
            with self.org.store.transaction():
                return self._write(list(zip(*rows, strict=True)))
        except (ApiError, sqlite3.IntegrityError):
            return None

    def _write(self, cells: list[tuple[str, ...]]) -> list[int] | None:
        transaction = Transaction(self.org, self.user)
        transaction.enter_lane(self.table, "insert", {})
        columns = [
            self._read(transaction, entry, column) for entry, column in zip(self.entries, cells, strict=True)
        ]
        if any(
            None in values and entry.name in self.table.required_names
            for entry, values in zip(self.entries, columns, strict=True)
        ):
            return None
        count = len(cells[0])
        prefix = self.table.sobject.key_prefix or "000"
        numbers = [ids.make(prefix, self.org.store.next_serial(prefix)) for _ in range(count)]
        if self.names:
            columns.append(self._names(columns, count))
        shared = [repeat(make(transaction), count) for make in self.constants]
        self.org.store.execute_many(self.sql, list(zip(numbers, *columns, *shared, strict=True)))
        return numbers

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

    def _names(self, columns: Sequence[Values], count: int) -> list[str | None]:
        given = {entry.position: values for entry, values in zip(self.entries, columns, strict=True)}
        parts = [given[at] for at in self.table.name_parts if at in given]
        return [" ".join(filter(None, each)) or None for each in zip(*parts, strict=True)]


def prepare(org: "EmulatedOrg", user: int, table: Table, columns: Sequence[Column]) -> PlainInsert | None:
    """The quick way for a header, or None where the careful one must be taken."""
    found: list[Entry] = []
    for column in columns:
        entry = table.entries.get(column.key)
        if column.parent_key is not None or entry is None or not entry.createable or entry.name == "Id":
            return None
        found.append(entry)
    given = {entry.name for entry in found}
    if not _is_plain(org, user, table, given):
        return None
    constants = _constants(table, given)
    names = bool(table.name_parts)
    listed = ["Id", *(entry.name for entry in found), *(["Name"] if names else []), *constants]
    sql = (
        f"INSERT INTO {quoted(table.name)} ({', '.join(map(quoted, listed))}) "
        f"VALUES ({', '.join('?' * len(listed))})"
    )
    return PlainInsert(org, user, table, columns, found, sql, list(constants.values()), names)


def _is_plain(org: "EmulatedOrg", user: int, table: Table, given: set[str]) -> bool:
    needed = table.required_names - {"OwnerId"} - ({"Name"} if table.name_parts else set())
    return (
        table.sobject.createable
        and Transaction(org, user).inserts_plainly(table)
        and not table.auto_numbers
        and (not table.names_itself or "Name" in given)
        and all(name in given or table.template[table.position[name]] is not None for name in needed)
        and "OwnerId" not in given
    )


def _constants(table: Table, given: set[str]) -> dict[str, Callable[[Transaction], Any]]:
    """Columns of equal value in all rows, and how to get it; those that are null are left out."""
    stamped = {table.columns[at]: by_user for at, by_user in table.created_stamps}
    made: dict[str, Callable[[Transaction], Any]] = {}
    for at, name in enumerate(table.columns):
        default = table.template[at]
        if name in given or name == "Id" or (name == "Name" and table.name_parts):
            continue
        if name == "OwnerId" and default is None:
            made[name] = lambda transaction: transaction.user
        elif name in stamped and default is None:
            made[name] = _user if stamped[name] else _stamp
        elif default is not None and not (default == 0 and table.stored[at].type == "boolean"):
            made[name] = _always(default)
    return made


def _user(transaction: Transaction) -> Any:
    return transaction.user


def _stamp(transaction: Transaction) -> Any:
    return transaction.stamp


def _always(value: Any) -> Callable[[Transaction], Any]:
    return lambda transaction: value
