"""What the disk does to a store: it is full, it cannot be written, somebody else has the file for too long.

SQLite then undoes the whole transaction itself, or the statement, and the file stays what it was. It is
nobody's mistake: the call is refused as one that may be tried again, a job waits for room.
"""

import sqlite3

from .errors import ApiError

TROUBLE = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_BUSY", "SQLITE_CANTOPEN")


class CannotStore(ApiError):
    """Source: REST API Developer Guide, "Status Codes and Error Responses", 503; the text is ours."""

    status, code = 503, "SERVER_UNAVAILABLE"

    def __init__(self, what: str, error: Exception) -> None:
        super().__init__(f"The emulated org cannot write {what}: {error}")


def is_trouble(error: BaseException) -> bool:
    """Whether it is the disk's doing, and no mistake in a statement."""
    name = getattr(error, "sqlite_errorname", "")
    return isinstance(error, sqlite3.Error) and str(name).startswith(TROUBLE)
