"""The API versions this org has, and the one an address asks for.

Source: REST API Developer Guide, "API End-of-Life Policy" and "Status Codes and Error Responses".
"""

import re
from functools import lru_cache

from reconciler.emulator.errors import ApiError, NotFound

NEWEST, OLDEST, FIRST_EVER = 68, 31, 7
"""Winter '27; the sf CLI begins its projects with it."""
VERSION = re.compile(r"v(\d{1,3})\.0\Z")
DATA = "/services/data/"


class VersionRetired(ApiError):
    """410 for what was removed; text not verified."""

    status, code = 410, "UNSUPPORTED_API_VERSION"

    def __init__(self) -> None:
        super().__init__("The requested resource has been retired or removed.")


def version_of(path: str) -> str:
    """`59.0` of an address; the newest for one without version.

    Raises `VersionRetired`, or NOT_FOUND for a version that never was.
    """
    segment = path.removeprefix(DATA).partition("/")[0] if path.startswith(DATA) else ""
    return _version(segment) if segment else f"{NEWEST}.0"


@lru_cache(maxsize=128)
def _version(segment: str) -> str:
    found = VERSION.match(segment)
    if found is None or not FIRST_EVER <= int(found[1]) <= NEWEST:
        raise NotFound
    if int(found[1]) < OLDEST:
        raise VersionRetired
    return f"{int(found[1])}.0"
