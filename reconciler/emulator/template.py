"""The database a new org begins as: the tables of the standard objects, without rows.

Some five hundred tables and indexes take SQLite longer to make than everything else that a new org needs.
So they are made once, and kept as a file in the user's cache; its name holds a digest of all that the
tables follow from, so that a change of one finds no file and makes another. Where nothing can be written,
each process makes them.

The same digest is noted in every database (`user_version`): an org in a file that was made before the
standard objects were what they are now gets what it lacks when it is opened.
"""

import hashlib
import os
import sqlite3
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from . import cache_files, schema, standard, store
from .store import Store

KIND = "emulated-org"


@cache
def edition() -> int:
    """A number that changes when the tables of the standard objects do."""
    digest = hashlib.sha256(sqlite3.sqlite_version.encode())
    folder = Path(standard.__file__).parent
    for path in (*sorted(each for each in folder.iterdir() if each.is_file()), *_code()):
        digest.update(path.name.encode() + path.read_bytes())
    return int.from_bytes(digest.digest()[:4]) >> 1 or 1


def _code() -> list[Path]:
    return [Path(str(module.__file__)) for module in (schema, store)]


@cache
def template() -> bytes:
    """The database. Costs a millisecond when it was kept, else some fifty."""
    digest = f"{edition():08x}"
    kept = cache_files.read(KIND, digest)
    if kept is not None:
        return kept
    made = Store()
    made.create_tables(list(standard.load()))
    made.execute(f"PRAGMA user_version = {edition()}")
    content = made.serialize()
    made.close()
    cache_files.write(KIND, digest, content)
    return content


def open_store(path: str | Path | None) -> Store:
    """The store of an org: in memory, or in a file; a new one has the tables already."""
    if path is None or str(path) == ":memory:":
        made = Store()
        made.deserialize(template())
        return made
    _place(Path(path))
    return Store(path)


def _place(path: Path) -> None:
    """Make a new org's file, unless there is one; two processes that do so at once make one."""
    if path.exists():
        return
    with suppress(OSError):  # the folder is missing, or cannot link: who opens the file says so, or makes it
        handle, written = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_in_wal_mode(template()))
            os.link(written, path)
        finally:
            Path(written).unlink(missing_ok=True)


def _in_wal_mode(content: bytes) -> bytes:
    """The same with a write-ahead log: to begin one later takes a lock that two openers would fight for.

    Source: SQLite, "Database File Format", bytes 18 and 19 of the header.
    """
    return content[:18] + b"\x02\x02" + content[20:]


def bring_up_to_date(of: Store) -> None:
    """Give a database the tables, columns and indexes of the standard objects that it lacks."""
    if of.execute("PRAGMA user_version") == [(edition(),)]:
        return
    with of.transaction():
        for sobject in standard.load():
            of.add_missing(sobject)
        of.execute(f"PRAGMA user_version = {edition()}")
