"""Rows in SQLite: one connection, one lock, transactions that nest.

Every sObject has a table of its name, with a column for each stored field; the emulator's own
tables begin with an underscore. A transaction holds the lock until it ends, so a reader never
sees half of one; inside it, a nested transaction is a savepoint. An exception undoes the innermost
one it leaves.

Serial numbers (of ids and auto-numbers) are counted in memory and written when the outermost
transaction commits. One that is rolled back does not give its numbers back, as in Salesforce.

A file may be open in several processes, which take turns at transactions. `catch_up` notices that
another one wrote and reads its serial numbers; the org then reads what else it keeps in memory.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from .disk import is_trouble
from .replacing import take_along
from .schema import Field, SObject

COLUMN_TYPES = {
    "id": "INTEGER",
    "reference": "INTEGER",
    "boolean": "INTEGER NOT NULL DEFAULT 0",
    "int": "INTEGER",
    "long": "INTEGER",
    "double": "REAL",
    "currency": "REAL",
    "percent": "REAL",
    "datetime": "INTEGER",
    "date": "TEXT",
    "time": "TEXT",
    "base64": "BLOB",
}
"""SQLite's type of a field type; all others are text that compares without regard to case."""

LIVING = ' WHERE "IsDeleted" = 0'
"""What a unique index covers where rows can be in the recycle bin."""
CACHED_STATEMENTS = 512
BUSY_SECONDS = 30
"""How long a transaction waits for another process's."""
PAGE_CACHE_KIB = 16_384
RECALLED = 64
"""Answers that `Store.recall` remembers."""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def column_type(field: Field) -> str:
    if field.name == "Id":
        return "INTEGER PRIMARY KEY"
    return COLUMN_TYPES.get(field.type) or ("TEXT" if field.case_sensitive else "TEXT COLLATE NOCASE")


class DamagedStore(Exception):
    """The file is no database of an emulated org."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} is not the database of an emulated org: {why}")


class CannotOpen(OSError):
    """The file may be in order, but it or what belongs beside it cannot be read or written."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be opened for reading and writing: {why}")


@contextmanager
def naming(path: Path | None) -> Iterator[None]:
    """What goes wrong while a file is opened as `DamagedStore` or `CannotOpen`, which name it."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if path is None:
            raise
        raise (CannotOpen if is_trouble(error) else DamagedStore)(path, str(error)) from error


class Store:
    """The database of one org: in memory, or a file that another process may open later.

    Raises `DamagedStore` for a file that is something else, `CannotOpen` for one that the disk refuses.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None or str(path) == ":memory:" else Path(path)
        self.lock = threading.RLock()
        self._depth = 0
        self._serials: dict[str, int] = {}
        self._dirty_serials: set[str] = set()
        with naming(self.path):
            self._connection = sqlite3.connect(
                self.path or ":memory:",
                check_same_thread=False,
                isolation_level=None,
                cached_statements=CACHED_STATEMENTS,
                timeout=BUSY_SECONDS,
            )
        self._data_version = 0
        self._generation = 0
        self._undone = 0
        self._recalled: dict[tuple[str, tuple[Any, ...]], list[tuple[Any, ...]]] = {}
        self._recalled_at: tuple[int, int, int] | None = None
        try:
            with naming(self.path):
                if self.path is not None:
                    self._open_file()
                self._connection.execute(f"PRAGMA cache_size = -{PAGE_CACHE_KIB}")
                self._load_serials()
        except BaseException:
            self._connection.close()
            raise

    def _open_file(self) -> None:
        names = {row[0] for row in self.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if names and "_serial" not in names:
            raise sqlite3.DatabaseError("it has other tables")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._data_version = self.execute("PRAGMA data_version")[0][0]

    def catch_up(self) -> int:
        """Notice what other processes wrote. Answers a number that grows when one did."""
        if self.path is not None:
            with self.lock:
                version = self._connection.execute("PRAGMA data_version").fetchone()[0]
                if version != self._data_version:
                    self._data_version = version
                    self._generation += 1
                    self._load_serials()
        return self._generation

    def state(self) -> tuple[int, int, int]:
        """Another value after every change to rows, whoever made it. Costs one look into a file."""
        generation = self.catch_up()
        return self._connection.total_changes, generation, self._undone

    # -- statements

    def execute(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement under the lock; all of its rows."""
        with self.lock:
            return self._connection.execute(sql, params).fetchall()

    def recall(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """As `execute`, for what every call asks: it is asked again only after some row has changed."""
        with self.lock:
            state = self.state()
            if state != self._recalled_at or len(self._recalled) >= RECALLED:
                self._recalled.clear()
                self._recalled_at = state
            found = self._recalled.get((sql, params))
            if found is None:
                found = self._recalled[sql, params] = self.execute(sql, params)
            return found

    def execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        with self.lock:
            self._connection.executemany(sql, rows)

    def changed(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Run one statement that writes; how many rows it touched."""
        with self.lock:
            return self._connection.execute(sql, params).rowcount

    def ensure_table(self, ddl: str) -> None:
        """Run ``CREATE TABLE IF NOT EXISTS _x (…)``: each feature makes its own underscore table."""
        self.execute(ddl)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection itself, for functions and collations; use it under `lock` only."""
        return self._connection

    # -- transactions

    def transaction(self) -> AbstractContextManager[None]:
        """All of the block or nothing. Nested in another, it is a savepoint of that one."""
        return _Transaction(self)

    @property
    def in_transaction(self) -> bool:
        """Whether one is open; ask it under `lock`, else it may be another thread's."""
        return self._depth > 0

    # -- serial numbers

    def next_serial(self, key: str, first: int = 1) -> int:
        """The next number of ``key`` (a key prefix, or `Object.Field` of an auto-number)."""
        number = self._serials.get(key, first - 1) + 1
        self._serials[key] = number
        self._dirty_serials.add(key)
        return number

    def next_serials(self, key: str, count: int) -> range:
        """The next numbers of ``key``, in one go."""
        first = self._serials.get(key, 0) + 1
        self._serials[key] = first + count - 1
        self._dirty_serials.add(key)
        return range(first, first + count)

    def _load_serials(self) -> None:
        """Read the numbers given out; those of a transaction that was rolled back stay given out."""
        self.execute("CREATE TABLE IF NOT EXISTS _serial (key TEXT PRIMARY KEY, last INTEGER NOT NULL)")
        for key, last in self.execute("SELECT key, last FROM _serial"):
            self._serials[key] = max(last, self._serials.get(key, 0))

    def _save_serials(self) -> None:
        if self._dirty_serials:
            rows = [(key, self._serials[key]) for key in self._dirty_serials]
            self._connection.executemany("INSERT OR REPLACE INTO _serial VALUES (?, ?)", rows)
            self._dirty_serials.clear()

    # -- tables of sObjects

    def create_tables(self, sobjects: Sequence[SObject]) -> None:
        """Make the tables and indexes that these objects lack."""
        with self.transaction():
            for sobject in sobjects:
                for statement in table_ddl(sobject):
                    self._connection.execute(statement)

    def add_missing(self, sobject: SObject) -> None:
        """Make what this object lacks, table, columns or indexes; rows have a new field's default.

        An index that rows contradict stays away, as does one that was made with another condition.
        """
        there = {row[1].lower() for row in self.execute(f"PRAGMA table_info({quoted(sobject.name)})")}
        with self.transaction():
            for field in sobject.fields.values() if there else ():
                if field.stored and field.name.lower() not in there:
                    self.add_column(sobject, field)
            for statement in table_ddl(sobject):
                with suppress(sqlite3.IntegrityError):
                    self._connection.execute(statement)

    def add_column(self, sobject: SObject, field: Field) -> None:
        """Make room for a new field in an existing table; rows have its default for booleans, else null."""
        with self.transaction():
            columns = {row[1].lower() for row in self.execute(f"PRAGMA table_info({quoted(sobject.name)})")}
            if field.name.lower() not in columns:  # a formula that was a plain field still has its own
                self._connection.execute(
                    f"ALTER TABLE {quoted(sobject.name)} ADD COLUMN {quoted(field.name)} {column_type(field)}"
                )
            if index := index_ddl(sobject, field):
                self._connection.execute(index)

    def reindex(self, sobject: SObject, old: Field, new: Field) -> None:
        """Follow a changed definition: an index more, less, or unique where it was not.

        Raises `sqlite3.IntegrityError` when rows contradict a new unique field.
        """
        before, after = index_ddl(sobject, old), index_ddl(sobject, new)
        if before == after or not new.stored:
            return
        with self.transaction():
            self._connection.execute(f"DROP INDEX IF EXISTS {index_name(sobject, new)}")
            if after:
                self._connection.execute(after)

    def drop_column(self, sobject: SObject, field: Field) -> None:
        with self.transaction():
            self._connection.execute(f"DROP INDEX IF EXISTS {index_name(sobject, field)}")
            self._connection.execute(f"ALTER TABLE {quoted(sobject.name)} DROP COLUMN {quoted(field.name)}")

    def rename_table(self, old: SObject, new: SObject) -> None:
        """Give a table another name; its indexes go by the new one."""
        with self.transaction():
            names = self.execute(
                "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (old.name,)
            )
            for (name,) in names:
                self._connection.execute(f"DROP INDEX {quoted(name)}")
            self._connection.execute(f"ALTER TABLE {quoted(old.name)} RENAME TO {quoted(new.name)}")
            self.create_tables([new])

    def drop_table(self, sobject: SObject) -> None:
        self.execute(f"DROP TABLE IF EXISTS {quoted(sobject.name)}")

    # -- whole databases

    def copy(self) -> "Store":
        """The same in memory, to go its own way."""
        twin = Store()
        with self.lock:
            self._connection.backup(twin._connection)
            twin._serials = dict(self._serials)
        return twin

    def serialize(self) -> bytes:
        with self.lock:
            return self._connection.serialize()

    def backup_to(self, target: sqlite3.Connection) -> None:
        """Copy the database as it is now; transactions wait until it is done."""
        with self.lock:
            self._connection.backup(target)

    def become(self, source: sqlite3.Connection, keep: Sequence[str]) -> None:
        """Hold what another database holds, and serial numbers as it has them, in one transaction.

        The tables in ``keep`` stay as they are; underscore tables that the other one lacks are there, empty.
        To that end the other one is changed first: it is a copy that nobody else needs.
        Raises `RuntimeError` within a transaction.
        """
        with self.lock:
            if self._depth:
                raise RuntimeError("a database is not exchanged within a transaction")
            take_along(source, self._connection, keep)
            source.backup(self._connection)
            self._serials.clear()
            self._dirty_serials.clear()
            self._load_serials()
            self._generation += 1

    def deserialize(self, content: bytes) -> None:
        with self.lock:
            self._connection.deserialize(content)
            self._generation += 1
            self._load_serials()

    def close(self) -> None:
        with self.lock:
            self._connection.close()


class _Transaction:
    """What `Store.transaction` answers. A class, no generator: every row of a call is a savepoint."""

    __slots__ = ("_store",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def __enter__(self) -> None:
        store = self._store
        store.lock.acquire()
        try:
            depth = store._depth
            store._connection.execute(f"SAVEPOINT s{depth}" if depth else "BEGIN IMMEDIATE")
            store._depth += 1
        except BaseException:
            store.lock.release()
            raise
        if not depth:
            try:
                store.catch_up()
            except BaseException:
                self._undo()
                raise

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is not None:
            self._undo()
            return
        store = self._store
        try:
            if store._depth == 1:
                store._save_serials()
            depth = store._depth - 1
            store._connection.execute(f"RELEASE s{depth}" if depth else "COMMIT")
        except BaseException:
            self._undo()
            raise
        store._depth -= 1
        store.lock.release()

    def _undo(self) -> None:
        store = self._store
        store._undone += 1
        store._depth -= 1
        depth = store._depth
        try:
            if store._connection.in_transaction:  # of a full disk SQLite itself undoes all
                store._connection.execute(f"ROLLBACK TO s{depth}" if depth else "ROLLBACK")
                if depth:
                    store._connection.execute(f"RELEASE s{depth}")
        finally:
            store.lock.release()


def table_ddl(sobject: SObject) -> Iterator[str]:
    """The statements that make an object's table and its indexes."""
    stored = [field for field in sobject.fields.values() if field.stored]
    columns = ", ".join(f"{quoted(field.name)} {column_type(field)}" for field in stored)
    yield f"CREATE TABLE IF NOT EXISTS {quoted(sobject.name)} ({columns})"
    for field in stored:
        if index := index_ddl(sobject, field):
            yield index
    living = LIVING if sobject.has_recycle_bin else ""
    for key in sobject.unique_keys:
        name = quoted(f"_key_{sobject.name}_{'_'.join(key)}")
        listed = ", ".join(quoted(column) for column in key)
        yield f"CREATE UNIQUE INDEX IF NOT EXISTS {name} ON {quoted(sobject.name)} ({listed}){living}"


def index_name(sobject: SObject, field: Field) -> str:
    return quoted(f"_{sobject.name}_{field.name}")


def index_ddl(sobject: SObject, field: Field) -> str | None:
    """The index of one field, if it has one: references, unique fields, external ids.

    A unique index leaves rows in the recycle bin out: they do not collide. Empty references are left out
    too: most are, and nobody looks for them by value (a comparison with ``IS`` would not find this index).
    """
    if field.name == "Id" or field.name in ("CreatedById", "LastModifiedById"):
        return None
    if not (field.unique or field.external_id or field.type == "reference"):
        return None
    name = index_name(sobject, field)
    unique = "UNIQUE " if field.unique else ""
    column = quoted(field.name)
    rows = ""
    if field.unique:
        rows = LIVING if sobject.has_recycle_bin else ""
    elif field.nillable:
        rows = f" WHERE {column} IS NOT NULL"
    return f"CREATE {unique}INDEX IF NOT EXISTS {name} ON {quoted(sobject.name)} ({column}){rows}"
