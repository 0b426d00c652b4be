"""Where the journal is: a SQLite file by default, a PostgreSQL database for a team.

``RECONCILE_JOURNAL`` holds a path, ``sqlite:///path`` or ``postgresql://user@host/database``; a path has
a folder in it or ends like `.db`, so that a word gone wrong makes no new journal. Without it the
journal is ``.reconcile/journal.db`` under the project's directory.

A SQLite file in write-ahead mode needs shared memory and honest locks between its readers, which
network file systems do not give (https://sqlite.org/wal.html, section 1), so those are refused
where the operating system tells the type of a mount.
"""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reconciler.model.errors import JournalFailed, Problem

VARIABLE = "RECONCILE_JOURNAL"
PLACES = "a file's path such as team/journal.db, or to postgresql://user@host/database"
ENDINGS = frozenset((".db", ".sqlite", ".sqlite3"))
LIKE_A_URL = re.compile(r"([A-Za-z][A-Za-z0-9+]+)(?::|//)")
"""A scheme and its separator, or what is left of one; a drive has a single letter."""
DEFAULT_FILE = Path(".reconcile", "journal.db")
MOUNTS = Path("/proc/self/mountinfo")
NETWORK_FILE_SYSTEMS = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs", "sshfs")
)


@dataclass(frozen=True, slots=True)
class Location:
    """``file`` for SQLite, ``url`` for PostgreSQL; ``shown`` is what messages print, without a password."""

    shown: str
    file: Path | None = None
    url: str = field(default="", repr=False)


def locate(directory: Path, environ: Mapping[str, str] = os.environ) -> Location:
    """The journal of the project in ``directory``. Touches nothing. `JournalFailed` for other databases."""
    named = environ.get(VARIABLE, "").strip()
    if not named:
        return _in_file(directory / DEFAULT_FILE)
    scheme, separator, rest = named.partition("://")
    dialect = scheme.partition("+")[0].lower()
    if not separator:
        return _in_file(_path(named))
    if dialect == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        return _in_file(Path(unquote(rest[1:].partition("?")[0])))
    if dialect in ("postgresql", "postgres"):
        return Location(shown=_without_password(named), url=f"postgresql+psycopg://{rest}")
    raise JournalFailed(
        Problem(
            f"{VARIABLE} names a {scheme} database, which cannot hold a journal",
            mend=_nearest(dialect) or f"set {VARIABLE} to {PLACES}",
        )
    )


def refuse_network_file_system(file: Path, mounts: Path = MOUNTS) -> None:
    """Raise `JournalFailed` when ``file`` is known to be on a file system shared between machines."""
    type_ = _file_system(file, mounts)
    if type_ and type_.removeprefix("fuse.") in NETWORK_FILE_SYSTEMS:
        raise JournalFailed(
            Problem(
                f"the journal {file} would be on a network file system ({type_}), "
                "where two machines could both hold an org",
                mend=f"set {VARIABLE} to a file on a local disk, or to a PostgreSQL database that all share",
            )
        )


def _path(named: str) -> Path:
    """``named`` as a path. Raises `JournalFailed` for what is more likely a URL or a word gone wrong.

    A URL may hold a password, so that only its scheme is repeated.
    """
    scheme = LIKE_A_URL.match(named)
    near = None if scheme is None else _nearest(scheme[1].lower())
    if scheme is not None and (near or "@" in named):
        mend = near or f"set {VARIABLE} to {PLACES}"
        raise JournalFailed(Problem(f"{VARIABLE} is no URL: after '{scheme[1]}' comes '://'", mend=mend))
    path = Path(named)
    if path.name == named and path.suffix not in ENDINGS and "\\" not in named:
        what = "is neither a path nor a URL" if "@" in named else f"is '{named}', neither a path nor a URL"
        raise JournalFailed(
            Problem(f"{VARIABLE} {what}", mend=f"set {VARIABLE} to {PLACES}; a file here is named ./NAME")
        )
    return path


def _nearest(dialect: str) -> str | None:
    near = difflib.get_close_matches(dialect, ("postgresql", "postgres", "sqlite"), 1, 0.7)
    return None if not near else f"did you mean {'sqlite:///' if near[0] == 'sqlite' else 'postgresql://'}…?"


def _in_file(file: Path) -> Location:
    return Location(shown=str(file), file=file)


def _without_password(url: str) -> str:
    """Raises `JournalFailed` for what is no URL at all, without repeating it."""
    try:
        parts = urlsplit(url)
        assert parts.port is None or parts.port > 0
    except (ValueError, AssertionError):
        raise JournalFailed(
            Problem(f"{VARIABLE} is not a URL", mend="write postgresql://user@host:port/database")
        ) from None
    user, at, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=user.partition(":")[0] + at + host, query="").geturl()


def _file_system(file: Path, mounts: Path) -> str | None:
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return None
    target = os.path.realpath(file)
    found, type_ = "", None
    for line in lines:  # https://www.kernel.org/doc/Documentation/filesystems/proc.txt, section 3.5
        before, _, after = line.partition(" - ")
        if len(before.split()) < 5 or not after:
            continue
        mount = before.split()[4].replace("\\040", " ")
        inside = target == mount or target.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(found):
            found, type_ = mount, after.split()[0]
    return type_
