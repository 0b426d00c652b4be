"""The database under the journal: opened late, checked, brought to the schema of today.

Two dialects, one code. What differs is here: how a connection is set up, how a write begins, and
whose clock counts. With SQLite that is the clock handed in; with PostgreSQL the database's, because
leases are compared between machines.

SQLite writes begin IMMEDIATE, so that a read-then-write never fails half-way for another writer,
and commit with `synchronous=FULL`: NORMAL may forget a committed intent when the power fails
(https://sqlite.org/pragma.html#pragma_synchronous). A file that does not exist is an empty journal
to a reader; only a write makes it.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Float,
    create_engine,
    event,
    func,
    inspect,
    literal,
    text,
)
from sqlalchemy.engine import URL

from reconciler.model.errors import JournalFailed, Problem

from .failures import driver_missing, translated, translated_file_errors
from .location import Location, refuse_network_file_system
from .tables import HEAD, KNOWN, VERSION_TABLE

MIGRATION_LOCK = 0x7265636F6E63696C  # any number that no other program takes
BUSY_SECONDS = 10.0
WAL_RETRY_SECONDS = 0.02


class Database:
    """Connections to one journal. Opens nothing until the first `reading` or `writing`.

    ``pragmas`` are further SQLite pragmas for every connection, ``clock`` gives seconds since the
    epoch. Both contexts are transactions; `writing` is on disk when it ends.
    """

    def __init__(
        self,
        location: Location,
        *,
        clock: Callable[[], float] = time.time,
        busy_seconds: float = BUSY_SECONDS,
        pragmas: Mapping[str, str] | None = None,
    ) -> None:
        self.location = location
        self._clock = clock
        self._busy_seconds = busy_seconds
        self._pragmas = dict(pragmas or {})
        self._current = False

    @contextmanager
    def reading(self) -> Iterator[Connection | None]:
        """None where there is no journal yet."""
        with translated(self.location.shown):
            if not self._exists():
                yield None
                return
            with self._engine.connect() as connection, connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with translated(self.location.shown):
            self._make_current()
            with self._writer() as connection:
                yield connection

    def now(self) -> ColumnElement[float]:
        """The time of the journal's clock as a column, in seconds since the epoch."""
        if self.is_sqlite:
            return literal(self._clock(), Float)
        return func.extract("epoch", func.clock_timestamp()).cast(Float(53))

    @property
    def is_sqlite(self) -> bool:
        return self.location.file is not None

    def dispose(self) -> None:
        """Close the connections; the next use opens new ones."""
        if "_engine" in self.__dict__:
            self._engine.dispose()

    @cached_property
    def _engine(self) -> Engine:
        if self.location.file is not None:
            return self._sqlite_engine(self.location.file)
        return self._postgres_engine()

    def _sqlite_engine(self, file: Path) -> Engine:
        engine = create_engine(
            URL.create("sqlite+pysqlite", database=str(file)),
            connect_args={"timeout": self._busy_seconds, "isolation_level": None},
        )
        event.listen(engine, "connect", self._set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _postgres_engine(self) -> Engine:
        try:
            engine = create_engine(self.location.url, pool_pre_ping=True)
        except ImportError as error:
            raise driver_missing(self.location.shown) from error
        event.listen(engine, "connect", self._check_postgres)
        return engine

    def _set_up_sqlite(self, connection: sqlite3.Connection, _record: object) -> None:
        if _enter_wal(connection, self._busy_seconds) != "wal":
            raise self._failure("its file system has no write-ahead log for SQLite", "put it on a local disk")
        pragmas = {"synchronous": "FULL", "foreign_keys": "ON", **self._pragmas}
        for name, value in pragmas.items():
            connection.execute(f"PRAGMA {name}={value}")

    def _check_postgres(self, connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            for setting in ("fsync", "synchronous_commit"):
                cursor.execute(f"SHOW {setting}")
                if cursor.fetchone()[0] == "off":
                    raise self._failure(
                        f"{setting} is off, so an intent could be lost after the call has left",
                        f"set {setting} to on for this database",
                    )
        connection.rollback()

    def _exists(self) -> bool:
        """Whether there is something to read; an older schema is brought up first."""
        if self._current:
            return True
        file = self.location.file
        if file is not None and (not file.exists() or file.stat().st_size == 0):
            return False
        with self._engine.connect() as connection, connection.begin():
            version = self._version(connection)
        if version is None:
            return False
        self._make_current()
        return True

    def _make_current(self) -> None:
        if self._current:
            return
        if self.location.file is not None:
            refuse_network_file_system(self.location.file)
            with translated_file_errors(self.location.shown):
                _make_private(self.location.file)
        with self._engine.connect() as connection, connection.begin():
            version = self._version(connection)
        if version != HEAD:
            self._migrate()
        self._current = True

    def _migrate(self) -> None:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
        config.set_main_option("path_separator", "os")
        with self._writer() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            if self._version(connection) == HEAD:  # another process was faster
                return
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _version(self, connection: Connection) -> str | None:
        """None for an empty database. Raises `JournalFailed` for one that is no journal, or a newer one."""
        tables = inspect(connection).get_table_names()
        if VERSION_TABLE not in tables:
            if tables and self.is_sqlite:
                raise self._failure(
                    f"it is a database of something else (with a table {tables[0]!r})", "name another file"
                )
            return None
        version = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608  a constant
        if version is not None and version not in KNOWN:
            raise self._failure(
                f"it was written by a newer version of reconcile (schema {version}, this one knows {HEAD})",
                "upgrade reconcile",
            )
        return cast("str | None", version)

    @contextmanager
    def _writer(self) -> Iterator[Connection]:
        with self._engine.connect() as plain:
            connection = plain.execution_options(immediate=True)
            with connection.begin():
                yield connection

    def _failure(self, what: str, mend: str) -> JournalFailed:
        return JournalFailed(Problem(f"journal {self.location.shown}: {what}", mend=mend))


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _enter_wal(connection: sqlite3.Connection, patience_seconds: float) -> str:
    """Turn the write-ahead log on; while two processes make one file, SQLite does not wait for the lock."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(WAL_RETRY_SECONDS)


def _make_private(file: Path) -> None:
    """Make the file (0600) and its directory (0700) where they are missing; SQLite's side files follow it."""
    if file.exists():
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
