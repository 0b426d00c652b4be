"""Many records of one call in a few statements: those that name the same fields of the same object.

Each function does all of its records or none: None, and nothing is written, where the records differ, where
one would be refused, or where there is more to a row than its values. Then each takes the careful way of
`writes`, one by one; nothing is decided here that is decided otherwise there. Records may have `attributes`.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeVar

from . import deletes, ids
from .columns import Values, read_alike
from .errors import ApiError
from .plain_rows import NotPlain, PlainRows, plain_rows
from .store import quoted
from .tables import Entry, Table

if TYPE_CHECKING:
    from .writes import Transaction

T = TypeVar("T")
Record = Mapping[str, Any]


def _all_or_none(transaction: "Transaction", table: Table, done: str, write: Callable[[], T]) -> T | None:
    try:
        with transaction.savepoint():
            transaction.enter_lane(table, done, {})
            return write()
    except (ApiError, NotPlain, KeyError, sqlite3.IntegrityError):
        return None


def _keys(records: Sequence[Record]) -> list[str]:
    """The fields that the first record names, or none where another names more or fewer."""
    width = len(records[0])
    same = all(map(width.__eq__, map(len, records)))
    return [key for key in records[0] if key != "attributes"] if same else []


def _take_key(keys: list[str], name: str) -> str | None:
    """Take out of ``keys`` the one that spells ``name``; None where it is not there exactly once."""
    found = [key for key in keys if key.lower() == name.lower()]
    if len(found) != 1:
        return None
    keys.remove(found[0])
    return found[0]


def _table(transaction: "Transaction", name: str) -> Table:
    """The table as the user's values are read by it, where no row needs to be checked."""
    table = transaction.tables[name]
    return table if transaction.access is not None else transaction.seen(table)


# -- new rows


def insert_alike(transaction: "Transaction", name: str, records: Sequence[Record]) -> list[str] | None:
    """Insert the records; their ids."""
    table = _table(transaction, name)
    keys = _keys(records)
    way = plain_rows(transaction, table, keys)
    if way is None:
        return None
    numbers = _all_or_none(transaction, table, "insert", lambda: _insert(transaction, way, keys, records))
    return None if numbers is None else list(map(ids.to_text, numbers))


def _insert(
    transaction: "Transaction", way: PlainRows, keys: Sequence[str], records: Sequence[Record]
) -> Sequence[int]:
    return way.write(transaction, _read_all(transaction, way.table, way.entries, keys, records))


# -- changes


def update_alike(transaction: "Transaction", name: str, records: Sequence[Record]) -> list[str] | None:
    """Change the rows that the records name by their `Id`, in any case; the ids."""
    table = _table(transaction, name)
    keys = _keys(records)
    key = _take_key(keys, "Id")
    entries = _changing(transaction, table, keys)
    if key is None or entries is None:
        return None

    def write() -> list[int]:
        numbers = _numbers(table, [each[key] for each in records])
        _check_living(transaction, table, numbers)
        _update(transaction, table, entries, keys, records, numbers)
        return numbers

    done = _all_or_none(transaction, table, "update", write)
    return None if done is None else list(map(ids.to_text, done))


def _changing(transaction: "Transaction", table: Table, keys: Sequence[str]) -> list[Entry] | None:
    """The fields that are set, if setting them is all there is to it."""
    entries = [table.entries.get(key) for key in keys]
    found = [entry for entry in entries if entry is not None and entry.updateable and entry.name != "Id"]
    names = {entry.name for entry in found}
    plain = len(names) == len(keys) > 0 and transaction.updates_plainly(table, names)
    return found if plain else None


def _update(
    transaction: "Transaction",
    table: Table,
    entries: Sequence[Entry],
    keys: Sequence[str],
    records: Sequence[Record],
    numbers: Sequence[int],
) -> None:
    columns = _read_all(transaction, table, entries, keys, records)
    for entry, column in zip(entries, columns, strict=True):
        if entry.name in table.required_names and None in column:
            raise NotPlain
    stamps = transaction.stamps(table)
    sql = table.update_sql((*(entry.name for entry in entries), *stamps))
    shared = [repeat(each, len(numbers)) for each in stamps.values()]
    transaction.store.execute_many(sql, list(zip(*columns, *shared, numbers, strict=True)))


def upsert_alike(
    transaction: "Transaction", name: str, key_name: str, records: Sequence[Record]
) -> list[tuple[str, bool]] | None:
    """Change the rows with these values of an external id and add the others; ids, and which are new."""
    table = _table(transaction, name)
    if key_name == "Id":
        done = update_alike(transaction, name, records)
        return None if done is None else [(each, False) for each in done]
    keys = _keys(records)
    key = _take_key(keys, key_name)
    if key is None or any(each.lower() == "id" for each in keys):
        return None
    entry = table.entry(key)

    def write() -> list[tuple[str, bool]]:
        (values,) = _read_all(transaction, table, [entry], [key], records)
        folded = list(_folded(entry, values))
        there = _found(transaction, table, entry, folded)
        changed = [at for at, each in enumerate(folded) if each in there]
        new = [at for at, each in enumerate(folded) if each not in there]
        numbers = dict(zip(changed, (there[folded[at]] for at in changed), strict=True))
        if changed:
            entries = _changing(transaction, table, keys)
            if entries is None:
                raise NotPlain
            _update(
                transaction, table, entries, keys, [records[at] for at in changed], list(numbers.values())
            )
        if new:
            way = plain_rows(transaction, table, [*keys, entry.name])
            if way is None:
                raise NotPlain
            added = [{**records[at], entry.name: records[at][key]} for at in new]
            made = _insert(transaction, way, [*keys, entry.name], added)
            numbers |= dict(zip(new, made, strict=True))
        return [(ids.to_text(numbers[at]), folded[at] not in there) for at in range(len(records))]

    return _all_or_none(transaction, table, "update", write)


def _folded(entry: Entry, values: Values) -> Iterator[Any]:
    """The values as the field compares them. Raises `NotPlain` where two are alike or more is to be said."""
    if len(set(map(_spelling, values))) < len(values):
        raise NotPlain
    for value in values:
        if type(value) is str and value.isascii():
            yield value if entry.field.case_sensitive else value.lower()
        elif type(value) is float:
            yield value
        else:
            raise NotPlain


def _spelling(value: Any) -> str:
    return str(value).lower()


def _found(transaction: "Transaction", table: Table, entry: Entry, folded: Sequence[Any]) -> dict[Any, int]:
    """The rows that have these values. Raises `NotPlain` where two have the same."""
    column = quoted(entry.name)
    sql = (
        f'SELECT {column}, "Id" FROM {quoted(table.name)} '
        f"WHERE {column} IN (SELECT value FROM json_each(?)){table.living}"
    )
    rows = transaction.store.execute(sql, (json.dumps(folded),))
    found = dict(zip(_folded(entry, [value for value, _ in rows]), (each for _, each in rows), strict=True))
    if len(found) < len(rows):
        raise NotPlain
    return found


# -- deletes


def delete_alike(transaction: "Transaction", table: Table, record_ids: Sequence[Any]) -> list[str] | None:
    """Delete rows of one object on which nothing hangs; their ids."""
    if not table.sobject.deletable or not transaction.updates_plainly(table, frozenset()):
        return None

    def write() -> list[int]:
        numbers = _numbers(table, record_ids)
        _check_living(transaction, table, numbers)
        if not deletes.delete_bare(transaction, table, numbers):
            raise NotPlain
        return numbers

    done = _all_or_none(transaction, table, "delete", write)
    return None if done is None else list(map(ids.to_text, done))


# -- what they share


def _numbers(table: Table, record_ids: Sequence[Any]) -> list[int]:
    """The numbers of ids that are all of this object, each there once. Raises `NotPlain`."""
    prefix = table.sobject.key_prefix
    found = []
    for each in record_ids:
        number = ids.parse(each) if type(each) is str else None
        if number is None or ids.prefix_of(number) != prefix:
            raise NotPlain
        found.append(number)
    if len(set(found)) < len(found):
        raise NotPlain
    return found


def _check_living(transaction: "Transaction", table: Table, numbers: Sequence[int]) -> None:
    sql = (
        f"SELECT count(*) FROM {quoted(table.name)} "
        f'WHERE "Id" IN (SELECT value FROM json_each(?)){table.living}'
    )
    if transaction.store.execute(sql, (json.dumps(numbers),))[0][0] < len(numbers):
        raise NotPlain


def _read_all(
    transaction: "Transaction",
    table: Table,
    entries: Sequence[Entry],
    keys: Sequence[str],
    records: Sequence[Record],
) -> list[Values]:
    return [
        _read(transaction, table, entry, key, [each[key] for each in records])
        for entry, key in zip(entries, keys, strict=True)
    ]


def _read(transaction: "Transaction", table: Table, entry: Entry, key: str, cells: Values) -> Values:
    """The stored values of one column. Raises `ApiError`, and `NotPlain` for a record in place of a value."""
    kinds = set(map(type, cells))
    if not entry.is_reference:
        if dict in kinds:
            raise NotPlain
        if (alike := read_alike(entry.field, cells, kinds)) is not None:
            return alike
    if kinds == {str}:
        distinct = set(cells)
        if entry.is_reference or len(distinct) * 2 < len(cells):
            known = {each: transaction.read_value(table, entry, key, each) for each in distinct}
            return [known[each] for each in cells]
    if entry.is_reference:
        return [transaction.read_value(table, entry, key, each) for each in cells]
    return list(map(entry.read, cells))
