"""What the store says when it fails, as `JournalFailed` with what to do about it.

A journal that fails stops the run before the next call leaves: what was sent is on disk, what is
not on disk was not sent. So every failure here is one that can be mended and resumed from.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

from reconciler.model.errors import JournalFailed, Problem

from .location import VARIABLE

# Primary result codes: https://sqlite.org/rescode.html
SQLITE_FAILURES = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space, then go on with 'reconcile resume'"),
    sqlite3.SQLITE_READONLY: ("it is read-only", "make the file and its directory writable for this user"),
    sqlite3.SQLITE_PERM: ("access is denied", "make the file and its directory writable for this user"),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened",
        "make sure that its directory exists and is writable for this user",
    ),
    sqlite3.SQLITE_IOERR: ("the disk reports an error", "check the disk, then go on with 'reconcile resume'"),
    sqlite3.SQLITE_BUSY: ("another process keeps it locked", "wait for the other process, then try again"),
    sqlite3.SQLITE_LOCKED: ("another process keeps it locked", "wait for the other process, then try again"),
    sqlite3.SQLITE_CORRUPT: (
        "it is damaged",
        "keep the file, and go on from a backup; 'sqlite3 FILE .recover' saves what is left",
    ),
    sqlite3.SQLITE_NOTADB: (
        "it is no SQLite database, or a damaged one",
        f"move the file away or restore it; {VARIABLE} names another journal",
    ),
}
PRIMARY_CODE = 0xFF


@contextmanager
def translated(shown: str) -> Iterator[None]:
    """Raise the database's errors as `JournalFailed`, naming the journal as ``shown``."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _failure(error, shown) from error


@contextmanager
def translated_file_errors(shown: str) -> Iterator[None]:
    """The same for the making of the directory and the file."""
    try:
        yield
    except OSError as error:
        mend = "make sure that its directory exists, is writable for this user and has space"
        raise JournalFailed(
            Problem(f"journal {shown}: it cannot be made: {error.strerror}", mend=mend)
        ) from error


def driver_missing(shown: str) -> JournalFailed:
    return JournalFailed(
        Problem(
            f"journal {shown}: the PostgreSQL driver is not installed",
            mend="pip install 'reconciler[postgres]'",
        )
    )


def _failure(error: Exception, shown: str) -> JournalFailed:
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, NoSuchModuleError):
        return driver_missing(shown)
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)  # set by SQLite, not by its Python wrapper
        what, mend = SQLITE_FAILURES.get((code or 0) & PRIMARY_CODE, (None, None))
        return JournalFailed(Problem(f"journal {shown}: {what or cause}", mend=mend))
    first_line = str(cause).strip().partition("\n")[0]
    return JournalFailed(
        Problem(
            f"journal {shown}: {first_line}",
            mend="see that the database runs and lets this user in, then go on with 'reconcile resume'",
        )
    )
