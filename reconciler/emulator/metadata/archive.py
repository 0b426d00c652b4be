"""Zip files from strangers into a dictionary of files, within Salesforce's limits, and back.

Nothing is written to a disk. An archive that says itself that it is too large is not unpacked; of others
the sizes are counted while unpacking, not believed. Names that climb out of the archive are refused.

Source: Salesforce Developer Limits, "Metadata Limits"; texts not verified.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import PurePosixPath

from reconciler.emulator.errors import ApiError

Files = dict[str, bytes]

MOST_ZIP_BYTES = 39 * 1024 * 1024
MOST_FILES = 10_000
MOST_RAW_BYTES = 600 * 1024 * 1024
CHUNK = 1 << 20
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The same files make the same bytes."""


class BadArchive(ApiError):
    """No zip file, or one that is not taken."""

    code = "INVALID_OPERATION"


class LimitExceeded(ApiError):
    code = "LIMIT_EXCEEDED"


def read_zip(content: bytes) -> Files:
    """Every file by its path. Raises `BadArchive`, or `LimitExceeded` for what is too large."""
    if len(content) > MOST_ZIP_BYTES:
        raise LimitExceeded("Maximum size of request reached. Maximum size of request is 52428800 bytes.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [each for each in archive.infolist() if not each.is_dir()]
            if len(entries) > MOST_FILES:
                raise LimitExceeded(f"Maximum number of files in the zip exceeded: {MOST_FILES}")
            return _unpack(archive, entries)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise BadArchive(f"Unable to read the zip file: {error}") from error
    except RuntimeError as error:  # a password is needed
        raise BadArchive("Unable to read the zip file: it is encrypted") from error


def _unpack(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> Files:
    files: Files = {}
    left = MOST_RAW_BYTES
    if sum(entry.file_size for entry in entries) > left:
        raise _too_much()
    for entry in entries:
        name = _safe(entry.filename)
        with archive.open(entry) as file:
            chunks = []
            while chunk := file.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise _too_much()
                chunks.append(chunk)
        files[name] = b"".join(chunks)
    return files


def _too_much() -> LimitExceeded:
    return LimitExceeded(f"Maximum size of unzipped files exceeded: {MOST_RAW_BYTES} bytes")


def _safe(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name or ":" in path.parts[0]:
        raise BadArchive(f"Invalid file path in the zip: {name}")
    return str(path)


def write_zip(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files, in their order."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()
