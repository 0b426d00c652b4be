"""Conditional requests on rows and describes.

A row's version is its time of last change in whole seconds, as the headers carry it; account rows
have an entity tag as well. A condition on a write is looked at inside the transaction that writes,
so nothing comes between. Two changes within one second are not told apart, as in Salesforce.

Source: REST API Developer Guide, "Conditional Request Headers". The body of a 412 is not documented;
ours has the code PRECONDITION_FAILED.
"""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache

from reconciler.emulator import ids
from reconciler.emulator.access.checks import is_seen
from reconciler.emulator.access.share_rows import find_row
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http.message import Reply, Request
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import SObject

STAMPS = ("LastModifiedDate", "SystemModstamp", "CreatedDate")
WITH_ENTITY_TAG = ("Account",)


class PreconditionFailed(ApiError):
    status, code = 412, "PRECONDITION_FAILED"

    def __init__(self) -> None:
        super().__init__("Precondition failed")


class BadConditionalHeader(ApiError):
    """Source: "Conditional Request Headers": 400 for a value that cannot be read; text not verified."""

    code = "INVALID_HEADER"

    def __init__(self, name: str, value: str) -> None:
        super().__init__(f"Invalid value for header {name}: {value}")


@dataclass(frozen=True, slots=True)
class Version:
    """What is known of the state of a row or describe: the second of its last change, its tag."""

    seconds: int | None
    tag: str | None

    @property
    def headers(self) -> dict[str, str]:
        found = {}
        if self.tag is not None:
            found["ETag"] = f'"{self.tag}"'
        if self.seconds is not None:
            found["Last-Modified"] = http_date(self.seconds)
        return found


@lru_cache(maxsize=512)
def http_date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


def row_version(org: EmulatedOrg, request: Request, sobject: SObject, record_id: str) -> Version:
    """The version of a row. Raises NOT_FOUND when it is gone."""
    number = ids.parse(record_id) or 0
    table = org.tables[sobject.name]
    rows = org.store.recall(table.select_sql, number)
    if not rows and (made := find_row(org, table, number)) is not None:
        rows = [made]
    gone = not rows or (table.has_bin and rows[0][table.position["IsDeleted"]])
    if gone or not is_seen(org, org.access.of(request.user_id), sobject, number):
        raise NotFound
    stamp = next((name for name in STAMPS if name in table.position), None)
    changed_ms = None if stamp is None else rows[0][table.position[stamp]]
    tag = _entity_tag(org, sobject, record_id, rows[0]) if sobject.name in WITH_ENTITY_TAG else None
    return Version(_whole_seconds(changed_ms), tag)


def _whole_seconds(changed_ms: int | None) -> int | None:
    return None if changed_ms is None else changed_ms // 1000


def _entity_tag(org: EmulatedOrg, sobject: SObject, record_id: str, row: tuple[object, ...]) -> str:
    """Of what is stored and what is computed: that may change by other rows, or by time."""
    computed = [field.name for field in sobject.fields.values() if field.computed]
    shown = org.retrieve(sobject.name, record_id, computed) if computed else None
    return b64encode(hashlib.sha256(repr((row, shown) if computed else row).encode()).digest()).decode()


def refuse_read(request: Request, version: Version) -> Reply | None:
    """304 or 412 when the conditions of a read do not hold, else None."""
    if not _still_the_one(request, version):
        raise PreconditionFailed
    unchanged = _not_modified(request, version)
    return Reply(status=304, empty=True, headers=version.headers) if unchanged else None


def check_write(org: EmulatedOrg, request: Request, sobject: SObject, record_id: str) -> None:
    """Raises `PreconditionFailed` when the conditions of a write do not hold; call it while writing."""
    if not CONDITIONS.isdisjoint(request.headers):
        try:
            version = row_version(org, request, sobject, record_id)
        except NotFound:
            return  # the write itself says how the row is gone
        if not _still_the_one(request, version) or _not_modified(request, version):
            raise PreconditionFailed


CONDITIONS = frozenset(("if-match", "if-none-match", "if-modified-since", "if-unmodified-since"))


def _still_the_one(request: Request, version: Version) -> bool:
    """`If-Match`, and without it `If-Unmodified-Since`."""
    tags = request.headers.get("if-match")
    if tags is not None and version.tag is not None:
        return _matches(tags, version.tag)
    since = _seconds(request, "If-Unmodified-Since")
    return since is None or version.seconds is None or version.seconds <= since


def _not_modified(request: Request, version: Version) -> bool:
    """`If-None-Match`, and without it `If-Modified-Since`."""
    tags = request.headers.get("if-none-match")
    if tags is not None and version.tag is not None:
        return _matches(tags, version.tag)
    since = _seconds(request, "If-Modified-Since")
    return since is not None and version.seconds is not None and version.seconds <= since


def _matches(header: str, tag: str) -> bool:
    """Whether a list of entity tags has this one, compressed or not, weak or not."""
    given = (each.strip().removeprefix("W/").strip('"') for each in header.split(","))
    return any(
        each == "*" or each == tag or each.removesuffix("-gzip").rstrip("-") == tag.rstrip("-")
        for each in given
    )


def _seconds(request: Request, name: str) -> int | None:
    value = request.headers.get(name.lower())
    if value is None:
        return None
    try:
        parsed = parsedate_to_datetime(value)
    except (TypeError, ValueError) as error:
        if request.method in ("GET", "HEAD"):
            return None
        raise BadConditionalHeader(name, value) from error
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())
