"""The database that takes another's place: what a snapshot holds, and what stays of today.

It is put together in a copy of the snapshot, so that one backup, which is one transaction, puts it in its
place: a process that dies on the way leaves the old or the new whole.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

OWN_TABLES = (
    "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND substr(tbl_name, 1, 1) = '_' "
    "ORDER BY type <> 'table', rowid"
)
"""The emulator's own tables, then their indexes and triggers."""


def private_copy(path: Path) -> sqlite3.Connection:
    """A database as it is in a file, in one that SQLite keeps for itself and drops when it is closed."""
    made = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    try:
        made.execute("PRAGMA journal_mode = OFF")
        made.execute("PRAGMA synchronous = OFF")
        address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as file:
            file.backup(made)
    except BaseException:
        made.close()
        raise
    return made


def take_along(made: sqlite3.Connection, current: sqlite3.Connection, keep: Sequence[str]) -> None:
    """Change ``made`` so that the tables in ``keep`` are as they are in ``current``.

    Underscore tables that only the current one has are there, empty.
    """
    for name in keep:
        made.execute(f"DROP TABLE IF EXISTS {_quoted(name)}")
    there = {name for name, _ in made.execute(OWN_TABLES)}
    own = current.execute(OWN_TABLES).fetchall()
    for name, sql in own:
        if name not in there:
            made.execute(sql)
    for name in {name for name, _ in own}.intersection(keep):
        _copy(name, current, made)


def _copy(table: str, source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    rows = source.execute(f"SELECT * FROM {_quoted(table)}").fetchall()  # noqa: S608 - names are ours
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        target.executemany(f"INSERT INTO {_quoted(table)} VALUES ({marks})", rows)  # noqa: S608 - names are ours


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
