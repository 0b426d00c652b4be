"""Files in the user's cache: what costs much to make and follows from the code alone.

They are named for what they hold, with a digest of all that it follows from. Nothing depends on them: one
that is missing or damaged is made anew, and where none can be written, each process makes its own.
"""

import os
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path

CHECK_BYTES = 4


def folder() -> Path | None:
    """Where the files are; None for a user without a home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reconcile"
    except RuntimeError:
        return None


def read(kind: str, digest: str) -> bytes | None:
    """What was kept; None where there is nothing, or not the whole of it."""
    where = folder()
    if where is None:
        return None
    try:
        content = (where / f"{kind}-{digest}").read_bytes()
    except OSError:
        return None
    check, content = content[:CHECK_BYTES], content[CHECK_BYTES:]
    return content if check == zlib.crc32(content).to_bytes(CHECK_BYTES) else None


def write(kind: str, digest: str, content: bytes) -> None:
    """Keep something, whole or not at all, in the place of what was kept of its kind."""
    where = folder()
    if where is None:
        return
    path = where / f"{kind}-{digest}"
    with suppress(OSError):
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, written = tempfile.mkstemp(prefix=f".{kind}-", dir=where)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(zlib.crc32(content).to_bytes(CHECK_BYTES) + content)
            Path(written).replace(path)
        finally:
            Path(written).unlink(missing_ok=True)
        for former in where.glob(f"{kind}-*"):
            if former != path:
                former.unlink(missing_ok=True)
