"""Snapshots of an org under names, and the way back to one.

A snapshot is a whole database: bytes for an org in memory, a file for an org in a file, in a folder
beside it (`demo.db` has `demo.db.snapshots/`), so that every process that opens the org finds them. It is
taken and put back page by page by SQLite's own backup, which is one transaction: who reads or writes
meanwhile, in this process or another, sees the org before or after and nothing between.

Going back changes what the org holds, not who speaks with it: sessions that are open stay open, and tables
that were made since are there, empty. Ids are given out again as they were after the snapshot, so a run
repeats itself.
"""

import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .replacing import private_copy

if TYPE_CHECKING:
    from .org import EmulatedOrg

START = "start"
"""The snapshot that a server takes of a new org once it is seeded, and what is gone back to unless named."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SUFFIX = ".db"
KEPT_TABLES = ("_token",)
"""What going back leaves as it is."""


class BadName(ValueError):
    """A name that cannot be that of a file."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"'{name}' is no name for a snapshot: up to 64 letters, digits, '.', '_' and '-', "
            "the first a letter or a digit"
        )


class NoSnapshot(LookupError):
    """Nothing is kept under a name; says what is."""

    def __init__(self, name: str, kept: list[str]) -> None:
        there = f"there are: {', '.join(kept)}" if kept else "there is none"
        super().__init__(f"there is no snapshot '{name}'; {there}")


class KeptSnapshots:
    """The named snapshots of one org."""

    def __init__(self, org: "EmulatedOrg", kept: dict[str, bytes] | None = None) -> None:
        self._org = org
        self._kept = dict(kept or {})
        """Those of an org in memory."""

    def copy_for(self, twin: "EmulatedOrg") -> "KeptSnapshots":
        """Those of a fork, which is in memory: it has what this org has in memory."""
        return KeptSnapshots(twin, self._kept)

    def names(self) -> list[str]:
        folder = self._folder
        found = self._kept if folder is None else (each.stem for each in folder.glob(f"*{SUFFIX}"))
        return sorted(each for each in found if NAME.fullmatch(each))

    def take(self, name: str) -> None:
        """Keep what the org holds now under a name; what was kept under it is replaced.

        Costs some milliseconds, and a second for each 500 MB. Raises `BadName`.
        """
        _check(name)
        folder = self._folder
        if folder is None:
            self._kept[name] = self._org.store.serialize()
            return
        folder.mkdir(exist_ok=True)
        handle, written = tempfile.mkstemp(prefix=".new-", dir=folder)
        os.close(handle)
        try:
            with closing(sqlite3.connect(written, isolation_level=None)) as target:
                target.execute("PRAGMA synchronous = OFF")
                self._org.store.backup_to(target)
            _sync(Path(written))
            Path(written).replace(folder / f"{name}{SUFFIX}")
        except BaseException:
            Path(written).unlink(missing_ok=True)
            raise

    def go_back(self, name: str = START) -> None:
        """Make the org what it was when the snapshot was taken, all of it or nothing.

        Waits for transactions that are open. Raises `NoSnapshot`, and `sqlite3.DatabaseError` for a file
        that is none.
        """
        with self._open(name) as source:
            self._org.become(source, keep=KEPT_TABLES)

    def remove(self, name: str) -> None:
        """Forget a snapshot. Raises `NoSnapshot`."""
        self._find(name)
        if self._folder is None:
            del self._kept[name]
        else:
            (self._folder / f"{name}{SUFFIX}").unlink(missing_ok=True)

    @property
    def _folder(self) -> Path | None:
        path = self._org.store.path
        return None if path is None else path.with_name(path.name + ".snapshots")

    def _find(self, name: str) -> None:
        if name not in (kept := self.names()):
            raise NoSnapshot(name, kept)

    @contextmanager
    def _open(self, name: str) -> Iterator[sqlite3.Connection]:
        self._find(name)
        folder = self._folder
        if folder is None:
            source = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            source.deserialize(self._kept[name])
        else:
            source = private_copy(folder / f"{name}{SUFFIX}")
        with closing(source):
            source.execute('SELECT 1 FROM "_serial", "_org" LIMIT 1').fetchone()  # raises for what is no org
            yield source


def _check(name: str) -> None:
    if not NAME.fullmatch(name):
        raise BadName(name)


def _sync(path: Path) -> None:
    """To the disk with it, before it takes the place of another."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
