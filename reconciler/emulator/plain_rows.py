"""New rows of equal columns in one statement, where values are all there is to decide about.

Only for objects that `Transaction.inserts_plainly` lets pass: no rights to ask for, no rules of their own,
no validation. Values are read column by column with the readers that every write uses, then all rows go to
SQLite at once, with only the columns that are not null. Nothing is decided here that `insert` decides
otherwise: whatever is refused on the way refuses all of the rows, which then take the careful way one by one.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from . import ids
from .columns import Values
from .schema import Field
from .store import quoted
from .tables import Entry, Table

if TYPE_CHECKING:
    from .writes import Transaction

KEPT_WAYS = 64


class NotPlain(Exception):
    """The rows must take the careful way."""


@dataclass(frozen=True, slots=True)
class PlainRows:
    """The way of rows with certain columns into one table."""

    table: Table
    entries: Sequence[Entry]
    """The columns that are given, in their order."""
    sql: str
    constants: "Sequence[Callable[[Transaction], Any]]"
    """Values that all rows of a transaction share: defaults, owner, stamps."""
    numbered: Sequence[Field]
    """Auto-numbers."""
    named: str
    """What the name is made of where it is not given: `parts`, `id`, or empty."""

    def write(self, transaction: "Transaction", columns: list[Values]) -> Sequence[int]:
        """Write rows of stored values; their numbers. Raises `NotPlain` and `sqlite3.IntegrityError`."""
        table, count = self.table, len(columns[0])
        needed = table.required_names | ({"Name"} if table.names_itself else set())
        for at, entry in enumerate(self.entries):
            if entry.name == "OwnerId":
                columns[at] = [transaction.user if each is None else each for each in columns[at]]
            elif entry.name in needed and None in columns[at]:
                raise NotPlain
        prefix = table.sobject.key_prefix or "000"
        serials = transaction.store.next_serials(prefix, count)
        numbers = range(ids.make(prefix, serials.start), ids.make(prefix, serials.stop))
        made: list[Values] = []
        if self.named:
            made.append(self._names(columns, numbers))
        made += [[transaction.auto_number(table, field) for _ in numbers] for field in self.numbered]
        shared = [repeat(make(transaction), count) for make in self.constants]
        transaction.store.execute_many(self.sql, list(zip(numbers, *columns, *made, *shared, strict=True)))
        return numbers

    def _names(self, columns: Sequence[Values], numbers: Sequence[int]) -> Values:
        if self.named == "id":
            return [ids.to_text(each)[:15] for each in numbers]
        given = {entry.position: values for entry, values in zip(self.entries, columns, strict=True)}
        parts = [given[at] for at in self.table.name_parts if at in given]
        return [" ".join(filter(None, each)) or None for each in zip(*parts, strict=True)]


def plain_rows(transaction: "Transaction", table: Table, keys: Sequence[str]) -> PlainRows | None:
    """The quick way for rows that give these fields, or None where the careful one must be taken."""
    if not keys or not table.sobject.createable or not transaction.inserts_plainly(table):
        return None
    kept = tuple(keys)
    if kept not in table.plain:
        if len(table.plain) >= KEPT_WAYS:
            table.plain.clear()
        table.plain[kept] = _prepare(table, kept)
    return table.plain[kept]


def _prepare(table: Table, keys: Sequence[str]) -> PlainRows | None:
    entries: list[Entry] = []
    for key in keys:
        entry = table.entries.get(key)
        if entry is None or not entry.createable or entry.name == "Id":
            return None
        entries.append(entry)
    given = {entry.name for entry in entries}
    numbered = [field for _, field in table.auto_numbers]
    parts = bool(table.name_parts) and any(table.columns[at] in given for at in table.name_parts)
    named = "parts" if parts else "id" if table.names_itself and "Name" not in given else ""
    made = {"OwnerId", *(field.name for field in numbered), *(["Name"] if named else [])}
    needed = table.required_names - given - made
    if (
        len(given) < len(entries)  # a field twice, in two spellings
        or given & {field.name for field in numbered}
        or any(table.template[table.position[name]] is None for name in needed)
    ):
        return None
    constants = _constants(table, given | (made - {"OwnerId"}))
    listed = ["Id", *(entry.name for entry in entries), *(["Name"] if named else [])]
    listed += [*(field.name for field in numbered), *constants]
    sql = (
        f"INSERT INTO {quoted(table.name)} ({', '.join(map(quoted, listed))}) "
        f"VALUES ({', '.join('?' * len(listed))})"
    )
    return PlainRows(table, entries, sql, list(constants.values()), numbered, named)


def _constants(table: Table, made: set[str]) -> "dict[str, Callable[[Transaction], Any]]":
    """Columns of equal value in all rows, and how to get it; those that are null are left out."""
    stamped = {table.columns[at]: by_user for at, by_user in table.created_stamps}
    found: dict[str, Callable[[Transaction], Any]] = {}
    for at, name in enumerate(table.columns):
        default = table.template[at]
        if name in made or name == "Id" or (name == "Name" and table.name_parts):
            continue
        if name == "OwnerId" and default is None:
            found[name] = _user
        elif name in stamped and default is None:
            found[name] = _user if stamped[name] else _stamp
        elif default is not None and not (default == 0 and table.stored[at].type == "boolean"):
            found[name] = _always(default)
    return found


def _user(transaction: "Transaction") -> Any:
    return transaction.user


def _stamp(transaction: "Transaction") -> Any:
    return transaction.stamp


def _always(value: Any) -> "Callable[[Transaction], Any]":
    return lambda transaction: value
