"""Which files a state may name, and how they are opened.

A state under review is not trusted with the disk: what it includes must be a regular file under
the root, after every `..` and symbolic link is followed. Files that the operator names on the
command line are trusted as far as their path goes.

The root is, going up from the first state, the nearest directory that holds `.git`, `orgs.yaml` or
`.reconcile` (a project), otherwise the state's own directory. It is the project rather than the
directory so that `states/uat.yaml` may include `../shared/queues.yaml`.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from reconciler.model.errors import Problem
from reconciler.model.source import SourceRef

from .yaml_reader import MAX_FILE_BYTES, too_large

ORGS_FILE = "orgs.yaml"
ROOT_MARKS = (".git", ORGS_FILE, ".reconcile")
YAML_SUFFIXES = (".yaml", ".yml")

_MEND_PATH = "name a file below the project's directory, by a path relative to this file"


def find_root(start: Path) -> Path:
    """The directory that includes of a state in ``start`` (a file or directory) must stay under."""
    directory = start if start.is_dir() else start.parent
    directory = directory.resolve()
    for each in (directory, *directory.parents):
        if any((each / mark).exists() for mark in ROOT_MARKS):
            return each
    return directory


def check_included(
    written: str, base: Path, root: Path, where: SourceRef, problems: list[Problem]
) -> Path | None:
    """The real path that ``written`` names from ``base``: existing and under ``root``; or a problem."""
    if "\x00" in written or not written.strip():
        problems.append(Problem("the path is empty or holds a NUL character", where, _MEND_PATH))
        return None
    if Path(written).is_absolute() or written.startswith(("/", "\\", "~")) or written[1:2] == ":":
        problems.append(Problem(f"'{written}' is an absolute path", where, _MEND_PATH))
        return None
    try:
        real = (base / written).resolve()
        exists = real.exists()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name too long, no permission
        problems.append(Problem(f"'{written}' cannot be followed", where, _MEND_PATH))
        return None
    if not real.is_relative_to(root.resolve()):
        problems.append(Problem(f"'{written}' leads outside of {root}", where, _MEND_PATH))
        return None
    if not exists:
        problems.append(Problem(f"'{written}' does not exist", where, f"it was looked for in {base}"))
        return None
    return real


def open_regular(path: Path, name: str, where: SourceRef | None, problems: list[Problem]) -> BinaryIO | None:
    """``path`` open for reading if it is a regular file, never waiting on a FIFO or device; or a problem.

    ``name`` is how messages call it, ``where`` the line that names it.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problems.append(Problem(f"'{name}' cannot be read: {reason}", where, "name a readable file"))
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        problems.append(Problem(f"'{name}' is not a regular file", where, "name a regular file"))
        return None
    return os.fdopen(descriptor, "rb")


def open_included(
    path: Path, name: str, root: Path, where: SourceRef, problems: list[Problem]
) -> BinaryIO | None:
    """As `open_regular` for a path from `check_included`; a link that was changed since is refused."""
    stream = open_regular(path, name, where, problems)
    if stream is None:
        return None
    opened = os.fstat(stream.fileno())
    try:
        real = path.resolve(strict=True)
        same = real.is_relative_to(root.resolve()) and os.path.samestat(opened, real.stat())
    except (OSError, RuntimeError):
        same = False
    if not same:
        stream.close()
        problems.append(Problem(f"'{name}' changed while it was opened", where, "run it again"))
        return None
    return stream


def read_all(stream: BinaryIO, name: str, problems: list[Problem]) -> bytes | None:
    """The bytes of a state file, looked at for their size before they are read."""
    with stream:
        size = os.fstat(stream.fileno()).st_size
        if size > MAX_FILE_BYTES:
            problems.append(too_large(name, size))
            return None
        try:
            return stream.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            problems.append(Problem(f"'{name}' cannot be read: {error.strerror}", SourceRef(name, 1, 1)))
            return None


def yaml_files(directory: Path) -> Sequence[Path]:
    """The `*.yaml` and `*.yml` files right in ``directory``, by name, but for hidden ones and orgs.yaml."""
    return sorted(
        each
        for each in directory.iterdir()
        if each.suffix in YAML_SUFFIXES
        and not each.name.startswith(".")
        and each.name != ORGS_FILE
        and not each.is_dir()
    )
