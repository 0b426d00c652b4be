"""Describes, reduced to `ObjectInfo` and kept on disk.

A describe is hundreds of kilobytes and changes with a release. One file an object lies under
``<cache>/<org id>/v<version>/``, readable by its owner only, written whole or not at all. It is used
unasked for a day; then the org is asked whether it changed. A file that cannot be read, or was made
for another user (who may see other fields), is as good as none.

Names the API could not have (a path, a space) are absent without a call.

Source: REST API Developer Guide, "sObject Describe", "Describe Global", "Conditional Request Headers".
"""

import contextlib
import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.model.describe import FieldInfo, ObjectInfo
from reconciler.model.errors import OrgError, Problem

from .answers import Answer, Meaning
from .queries import Each, composite
from .wire import Wire

CACHE_FORMAT = 2
FRESH_SECONDS = 24 * 3600.0
DESCRIBES_PER_CALL = 5
"""A composite call takes 25 reads; five describes are already megabytes, and calls run in parallel."""

_API_NAME = re.compile(r"[A-Za-z]\w{0,79}", re.ASCII)
_UNKNOWN_OBJECT = frozenset({"NOT_FOUND", "INVALID_TYPE"})

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A describe from the disk: when it was last confirmed, and what the org calls its version."""

    info: ObjectInfo
    fetched_at: float
    last_modified: str | None


class Describes:
    """The describes of one org: in memory, then on disk, then from the org."""

    def __init__(
        self,
        wire: Wire,
        each: Each,
        org_id: Callable[[], str],
        directory: Path | None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._wire = wire
        self._each = each
        self._org_id = org_id
        self._directory = directory
        self._now = now
        self._known: dict[str, ObjectInfo | None] = {}

    def describe(self, names: Iterable[str]) -> Mapping[str, ObjectInfo]:
        return self._of(dict.fromkeys(names), past_cache=False)

    def refresh(self, names: Iterable[str]) -> Mapping[str, ObjectInfo]:
        wanted = dict.fromkeys(names)
        for name in wanted:
            self._known.pop(name.lower(), None)
        return self._of(wanted, past_cache=True)

    def object_names(self) -> Sequence[str]:
        """From the global describe. Asked each time: it is for a mistake, and those are mended."""
        answer = self._wire.exchange("GET", f"{self._wire.data_path}/sobjects", repeatable=True)
        if answer.meaning is not Meaning.ANSWERED:
            raise self._wire.error(answer, "describe of all objects")
        try:
            return [str(each["name"]) for each in answer.content["sobjects"]]
        except (KeyError, TypeError) as error:
            raise OrgError(
                Problem(f"org {self._wire.name}: the list of its objects is damaged ({error!r})"),
                code="DAMAGED_ANSWER",
            ) from error

    def _of(self, names: Iterable[str], *, past_cache: bool) -> Mapping[str, ObjectInfo]:
        names = list(names)
        missing = list(
            {n.lower(): n for n in names if _API_NAME.fullmatch(n) and n.lower() not in self._known}.values()
        )
        kept = {} if past_cache else self._from_disk(missing)
        for name, each in kept.items():
            if 0 <= self._now() - each.fetched_at < FRESH_SECONDS:
                self._known[name.lower()] = each.info
        stale = [name for name in missing if name.lower() not in self._known]
        groups = [stale[at : at + DESCRIBES_PER_CALL] for at in range(0, len(stale), DESCRIBES_PER_CALL)]
        self._each(lambda group: self._fetch(group, kept), groups)
        found = {name: self._known.get(name.lower()) for name in names}
        return {name: info for name, info in found.items() if info is not None}

    def _fetch(self, names: Sequence[str], kept: Mapping[str, _Kept]) -> None:
        for name, answer in zip(names, self._ask(names, kept), strict=True):
            self._known[name.lower()] = self._take(name, answer, kept.get(name))

    def _ask(self, names: Sequence[str], kept: Mapping[str, _Kept]) -> Sequence[Answer]:
        paths = [f"{self._wire.data_path}/sobjects/{name}/describe" for name in names]
        conditions = [_condition(kept.get(name)) for name in names]
        if len(names) == 1:
            return [self._wire.exchange("GET", paths[0], headers=conditions[0], repeatable=True)]
        answers = composite(self._wire, paths, conditions)
        return [
            self._wire.exchange("GET", path, headers=condition, repeatable=True)
            if answer.meaning in (Meaning.PASSING, Meaning.UNKNOWN)
            else answer
            for answer, path, condition in zip(answers, paths, conditions, strict=True)
        ]

    def _take(self, name: str, answer: Answer, kept: _Kept | None) -> ObjectInfo | None:
        if answer.meaning is Meaning.NOT_MODIFIED and kept:
            self._to_disk(name, kept.info, kept.last_modified)
            return kept.info
        if answer.status == 404 and answer.code in _UNKNOWN_OBJECT:
            return None
        if answer.meaning is not Meaning.ANSWERED:
            raise self._wire.error(answer, f"describe of {name}")
        try:
            info = reduce_describe(answer.content)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise OrgError(
                Problem(f"org {self._wire.name}: the describe of {name} is damaged ({error!r})"),
                code="DAMAGED_ANSWER",
            ) from error
        self._to_disk(name, info, answer.headers.get("Last-Modified"))
        return info

    def _from_disk(self, names: Sequence[str]) -> dict[str, _Kept]:
        if self._directory is None or not names:
            return {}
        found = {name: self._read(self._file(name)) for name in names}
        return {name: kept for name, kept in found.items() if kept is not None}

    def _read(self, path: Path) -> _Kept | None:
        try:
            stored = json.loads(path.read_bytes())
            if stored["format"] != CACHE_FORMAT or stored["user"] != self._user():
                return None
            last_modified = stored["last_modified"]
            return _Kept(
                info_from_json(stored["object"]),
                float(stored["fetched_at"]),
                last_modified if isinstance(last_modified, str) else None,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def _to_disk(self, name: str, info: ObjectInfo, last_modified: str | None) -> None:
        if self._directory is None:
            return
        stored = {
            "format": CACHE_FORMAT,
            "fetched_at": self._now(),
            "user": self._user(),
            "last_modified": last_modified,
            "object": info_to_json(info),
        }
        try:
            _write_whole(self._file(name), json.dumps(stored, separators=(",", ":")).encode())
        except OSError as error:
            logger.warning("the describe of %s is not kept: %s", name, error.strerror)

    def _file(self, name: str) -> Path:
        assert self._directory is not None
        return self._directory / self._org_id() / f"v{self._wire.version}" / f"{name}.json"

    def _user(self) -> str:
        access = self._wire.access
        return access.username or access.user_id or ""


def _condition(kept: _Kept | None) -> dict[str, str]:
    return {"If-Modified-Since": kept.last_modified} if kept and kept.last_modified else {}


def _write_whole(path: Path, content: bytes) -> None:
    """Write by way of a new file, so that a reader sees the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)  # noqa: PTH105  # both are plain paths here
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise


def reduce_describe(described: Any) -> ObjectInfo:
    """`ObjectInfo` out of a describe's body; a damaged one raises KeyError, TypeError or AttributeError."""
    fields = [_reduce_field(each) for each in described["fields"]]
    return ObjectInfo(
        name=str(described["name"]),
        key_prefix=described.get("keyPrefix"),
        label=str(described.get("label") or described["name"]),
        custom_setting=bool(described.get("customSetting")),
        createable=bool(described.get("createable")),
        updateable=bool(described.get("updateable")),
        deletable=bool(described.get("deletable")),
        fields={each.name.lower(): each for each in fields},
        relationships={each.relationship.lower(): each for each in fields if each.relationship},
    )


def _reduce_field(described: Mapping[str, Any]) -> FieldInfo:
    return FieldInfo(
        name=str(described["name"]),
        type=str(described["type"]),
        length=int(described.get("length") or 0),
        precision=int(described.get("precision") or described.get("digits") or 0),
        scale=int(described.get("scale") or 0),
        nillable=bool(described.get("nillable", True)),
        createable=bool(described.get("createable", True)),
        updateable=bool(described.get("updateable", True)),
        defaulted=bool(described.get("defaultedOnCreate")),
        unique=bool(described.get("unique")),
        external_id=bool(described.get("externalId")),
        id_lookup=bool(described.get("idLookup")),
        case_sensitive=bool(described.get("caseSensitive")),
        calculated=bool(described.get("calculated")),
        filterable=bool(described.get("filterable", True)),
        permissionable=bool(described.get("permissionable", True)),
        restricted=bool(described.get("restrictedPicklist")),
        picklist=tuple(
            str(each["value"]) for each in described.get("picklistValues") or () if each.get("active", True)
        ),
        reference_to=tuple(map(str, described.get("referenceTo") or ())),
        relationship=described.get("relationshipName"),
    )


def info_to_json(info: ObjectInfo) -> dict[str, Any]:
    stored = {name: getattr(info, name) for name in info.__slots__ if name not in ("fields", "relationships")}
    return {**stored, "fields": [_field_to_json(each) for each in info.fields.values()]}


def _field_to_json(field: FieldInfo) -> dict[str, Any]:
    """As `dataclasses.asdict`, at a fifth of its cost: an object has hundreds of fields."""
    return {name: getattr(field, name) for name in field.__slots__}


def info_from_json(stored: Mapping[str, Any]) -> ObjectInfo:
    """Raises KeyError, TypeError or AttributeError for other content."""
    fields = [
        FieldInfo(
            **{**each, "picklist": tuple(each["picklist"]), "reference_to": tuple(each["reference_to"])}
        )
        for each in stored["fields"]
    ]
    return ObjectInfo(
        **{
            **stored,
            "fields": {each.name.lower(): each for each in fields},
            "relationships": {each.relationship.lower(): each for each in fields if each.relationship},
        }
    )
