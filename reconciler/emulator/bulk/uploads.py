"""What clients upload, kept in parts, and read again from any record on.

A record is a mapping of the fields to write: the values of a CSV row under its header's names, or an
object of a JSON or XML batch. An empty CSV value is left out, `#N/A` is null; a column
`Parent__r.Key__c` names the parent by its key, `User:Owner.Username` says which kind of parent.

Source: Bulk API Developer Guide, "Prepare CSV Files".
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

from ..schema import Field, Schema, SObject
from ..turns import turns
from . import csvform
from .refusals import BatchFailed, no_such_field

if TYPE_CHECKING:
    from ..org import EmulatedOrg

NULL = "#N/A"
COMPLETE, BEGUN = -1, -2
"""Numbers of parts that hold nothing of the upload: it is all there; somebody is at it."""
PARTS_AT_ONCE = 8
UNNAMED = frozenset({"attributes", "type"})
"""Members of a record that are no fields: they say what it is."""
Record = Mapping[str, Any]
Found = TypeVar("Found")


def keep(org: "EmulatedOrg", owner: int, body: bytes) -> None:
    """Keep an upload, in place of the one there was."""
    with org.store.transaction():
        drop(org, owner)
        _add(org, owner, enumerate(csvform.parts([body])))
        _add(org, owner, [(COMPLETE, b"")])


def keep_large(org: "EmulatedOrg", owner: int, pieces: Iterable[bytes]) -> bool:
    """Keep an upload that comes in pieces, in some transactions, between which others have their turns.

    Until all of it is there, there is none. False when it is not kept, because another has begun since.
    """
    mine = secrets.token_bytes(8)
    with org.store.transaction():
        drop(org, owner)
        _add(org, owner, [(BEGUN, mine)])
    numbered = enumerate(csvform.parts(pieces))
    while group := list(islice(numbered, PARTS_AT_ONCE)):
        with org.store.transaction():
            if part(org, owner, BEGUN) != mine:
                return False
            _add(org, owner, group)
        turns(org).pass_on()
    with org.store.transaction():
        if part(org, owner, BEGUN) != mine:
            return False
        org.store.execute("DELETE FROM _bulk_upload WHERE owner = ? AND part = ?", (owner, BEGUN))
        _add(org, owner, [(COMPLETE, b"")])
    return True


def _add(org: "EmulatedOrg", owner: int, numbered: Iterable[tuple[int, bytes]]) -> None:
    rows = [(owner, number, content) for number, content in numbered]
    org.store.execute_many("INSERT INTO _bulk_upload VALUES (?, ?, ?)", rows)


def drop(org: "EmulatedOrg", owner: int) -> None:
    _LAST.pop(org, None)
    org.store.execute("DELETE FROM _bulk_upload WHERE owner = ?", (owner,))


def is_kept(org: "EmulatedOrg", owner: int) -> bool:
    """Whether there is an upload, whole."""
    return part(org, owner, COMPLETE) is not None


def drop_unfinished(org: "EmulatedOrg", owner: int) -> None:
    """Forget what there is of an upload whose process died on the way."""
    if not is_kept(org, owner):
        drop(org, owner)


def part(org: "EmulatedOrg", owner: int, number: int) -> bytes | None:
    """One part of an upload; None past the last."""
    rows = org.store.execute("SELECT content FROM _bulk_upload WHERE owner = ? AND part = ?", (owner, number))
    return rows[0][0] if rows else None


def whole(org: "EmulatedOrg", owner: int) -> bytes:
    rows = org.store.execute(
        "SELECT content FROM _bulk_upload WHERE owner = ? AND part >= 0 ORDER BY part", (owner,)
    )
    return b"".join(content for (content,) in rows)


def records_of(org: "EmulatedOrg", owner: int, delimiter: str, number: int) -> list[list[str]] | None:
    """The records of one part; None past the last."""

    def read() -> list[list[str]] | None:
        content = part(org, owner, number)
        return None if content is None else csvform.read_records(content, delimiter)

    return remembered(org, owner, (delimiter, number), read)


def count(org: "EmulatedOrg", owner: int, delimiter: str) -> int:
    """How many records an upload has, its header among them. Raises `csvform.BatchFailed`."""
    return sum(len(records) for _, _, records in read_from(org, owner, delimiter, 0, 0))


def remembered(org: "EmulatedOrg", owner: int, what: object, read: Callable[[], Found]) -> Found:
    """What was read last of an upload is not read again, as long as the org is the same."""
    key = org.store.catch_up(), owner, what
    last = _LAST.get(org)
    if last is None or last[0] != key:
        last = _LAST[org] = key, read()
    return cast(Found, last[1])


_LAST: "WeakKeyDictionary[EmulatedOrg, tuple[object, Any]]" = WeakKeyDictionary()


def read_from(
    org: "EmulatedOrg", owner: int, delimiter: str, number: int, record: int
) -> Iterator[tuple[int, int, list[list[str]]]]:
    """The CSV records from one on, a part at a time: its number, the first record's place, the records.

    Raises `csvform.BatchFailed`.
    """
    while (records := records_of(org, owner, delimiter, number)) is not None:
        if record < len(records):
            yield number, record, records[record:] if record else records
        number, record = number + 1, 0


# -- the header


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the field or relationship it names, and of a parent's key the key and kind."""

    name: str
    key: str
    parent_key: str | None = None
    parent_kind: str | None = None
    field: Field | None = None

    def value(self, cell: str) -> tuple[str, Any]:
        """The key and value that a cell, which is not empty, sets in a record."""
        if self.parent_key is None or self.field is None:
            return self.key, None if cell == NULL else cell
        if cell == NULL:
            return self.field.name, None
        named: dict[str, Any] = {self.parent_key: cell}
        if self.parent_kind:
            named["attributes"] = {"type": self.parent_kind}
        return self.key, named


def columns_of(schema: Schema, sobject: SObject, names: Sequence[str]) -> list[Column]:
    """What the names of a header mean. Raises `BatchFailed` for one that is no field, and for one twice."""
    columns = [_column(schema, sobject, name) for name in names]
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise BatchFailed(f"Field name duplicated : {name}")
        seen.add(name.lower())
    return columns


def check_names(sobject: SObject, records: Iterable[Record]) -> None:
    """Raise `BatchFailed` where a record of a JSON or XML batch names what its object does not have."""
    for name in dict.fromkeys(chain.from_iterable(records)):
        if name.lower() not in UNNAMED and sobject.field(name) is None and sobject.parent_path(name) is None:
            raise no_such_field(name)


def _column(schema: Schema, sobject: SObject, name: str) -> Column:
    path, _, key = name.strip().partition(".")
    if not key:
        found = sobject.field(path)
        if found is None:
            raise no_such_field(name)
        return Column(name, found.name, field=found)
    kind, _, relationship = path.rpartition(":")
    parent = sobject.parent_path(relationship)
    if parent is None or parent.relationship_name is None or not _is_key(schema, parent, kind, key):
        raise no_such_field(name)
    return Column(name, parent.relationship_name, key, kind or None, parent)


def _is_key(schema: Schema, parent: Field, kind: str, key: str) -> bool:
    targets = [each for each in parent.reference_to if not kind or each.lower() == kind.lower()]
    for target in targets:
        sobject = schema.get(target)
        found = sobject.field(key) if sobject else None
        if found and (found.external_id or found.id_lookup or found.unique or found.name == "Id"):
            return True
    return False


def record_of(columns: Sequence[Column], cells: Sequence[str]) -> Record:
    """The record of one CSV row. Values past the header are left out, missing ones are empty."""
    return dict(column.value(cell) for column, cell in zip(columns, cells, strict=False) if cell)
