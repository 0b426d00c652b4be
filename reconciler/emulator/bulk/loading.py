"""Rows written by the chunk: 200 records a Salesforce transaction, each refused alone.

A chunk is first written as if nothing were wrong, in one savepoint. A refusal undoes that and the
chunk is written again with a savepoint a record, so that only what is refused stays out. Where nothing but
the types of the values decides, all 200 take a few statements: inserts as `plain_insert` says, the others as
`alike` does.

Source: Bulk API Developer Guide, "How Requests Are Processed"; Apex Developer Guide, "Bulk DML
Exception Handling".
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from .. import alike, ids
from ..errors import ApiError
from ..tables import Table
from ..writes import Transaction
from .refusals import of_a_row
from .results import Outcome
from .uploads import Record

if TYPE_CHECKING:
    from ..org import EmulatedOrg

CHUNK_RECORDS = 200
BATCH_RECORDS = 10_000
DELETES = ("delete", "hardDelete")
RowFault = Callable[[str, Record], ApiError | None]
"""A fault: the refusal that the record with this id and these values shall meet."""


def no_fault(record_id: str, record: Record) -> ApiError | None:
    return None


@dataclass(frozen=True)
class Task:
    """What is done with each record, for whom and in whose name."""

    org: "EmulatedOrg"
    user: int
    table: Table
    operation: str
    external_id: str | None = None
    fault: RowFault = no_fault
    columns: dict[str, int] = field(default_factory=dict)
    """Places of the columns of a CSV by field name in lower case, for texts of refusals."""

    def write_chunk(self, records: Sequence[Record]) -> list[Outcome]:
        """Write up to 200 records as one transaction; one outcome each, in order."""
        with self.org.store.transaction():
            done = self._write_alike(Transaction(self.org, self.user), records)
        if done is not None:
            return done
        twice = self._keys_given_twice(records)
        try:
            with self.org.store.transaction():
                transaction = Transaction(self.org, self.user)
                return [self._write(transaction, each, twice) for each in records]
        except ApiError:
            pass  # at least one is refused: find out which
        with self.org.store.transaction():
            transaction = Transaction(self.org, self.user)
            return [self._attempt(transaction, each, twice) for each in records]

    def _write_alike(self, transaction: Transaction, records: Sequence[Record]) -> list[Outcome] | None:
        """All of them, or None and nothing done."""
        made: list[str] | None = None
        if self.fault is not no_fault or self.operation in ("insert", "hardDelete"):
            return None
        if self.operation == "upsert":
            name, key = self.table.name, self.external_id or "Id"
            done = alike.upsert_alike(transaction, name, key, records)
            return None if done is None else [Outcome(ids.parse(each) or 0, new) for each, new in done]
        if self.operation == "update":
            made = alike.update_alike(transaction, self.table.name, records)
        else:
            made = alike.delete_alike(transaction, self.table, [_value(each, "Id") for each in records])
        return None if made is None else [Outcome(ids.parse(each) or 0) for each in made]

    def _attempt(self, transaction: Transaction, record: Record, twice: frozenset[str]) -> Outcome:
        try:
            with transaction.savepoint():
                return self._write(transaction, record, twice)
        except ApiError as error:
            number = ids.parse(str(_value(record, "Id") or "")) if self.operation != "insert" else None
            known = number if number and self.org.store.execute(self.table.state_sql, (number,)) else 0
            return Outcome(known, False, of_a_row(error, self.columns))

    def _write(self, transaction: Transaction, record: Record, twice: frozenset[str]) -> Outcome:
        if refusal := self.fault(str(_value(record, "Id") or ""), record):
            raise refusal
        if self.operation == "insert":
            return self._insert(transaction, record)
        if self.operation == "upsert":
            return self._upsert(transaction, record, twice)
        record_id, values = _take(record, "Id")
        if not isinstance(record_id, str) or not record_id:
            doing = "delete" if self.operation in DELETES else "update"
            raise ApiError(f"Id not specified in {_article(doing)} call", code="MISSING_ARGUMENT", fields=[])
        if self.operation == "update":
            transaction.update(self.table.name, record_id, values)
        else:
            transaction.delete(self.table.name, record_id)
            if self.operation == "hardDelete" and self.table.has_bin:
                transaction.purge(self.table.name, record_id)
        return Outcome(ids.parse(record_id) or 0)

    def _insert(self, transaction: Transaction, record: Record) -> Outcome:
        given, values = _take(record, "Id")
        if given:
            raise ApiError(
                "cannot specify Id in an insert call", code="INVALID_FIELD_FOR_INSERT_UPDATE", fields=["Id"]
            )
        return Outcome(ids.parse(transaction.insert(self.table.name, values)) or 0, created=True)

    def _upsert(self, transaction: Transaction, record: Record, twice: frozenset[str]) -> Outcome:
        key = self.external_id or "Id"
        value, values = _take(record, key)
        if value is not None and str(value).lower() in twice:
            raise ApiError(f"Duplicate external id specified: {value}", code="DUPLICATE_VALUE", fields=[key])
        record_id, created = transaction.upsert(self.table.name, key, value, values)
        return Outcome(ids.parse(record_id) or 0, created)

    def _keys_given_twice(self, records: Sequence[Record]) -> frozenset[str]:
        if self.operation != "upsert":
            return frozenset()
        given = (_value(each, self.external_id or "Id") for each in records)
        counted = Counter(str(each).lower() for each in given if each)
        return frozenset(key for key, count in counted.items() if count > 1)


def _article(verb: str) -> str:
    return f"{'an' if verb[0] in 'aeiou' else 'a'} {verb}"


def _value(record: Record, name: str) -> Any:
    if name in record:
        return record[name]
    lower = name.lower()
    return next((each for key, each in record.items() if key.lower() == lower), None)


def _take(record: Record, name: str) -> tuple[Any, dict[str, Any]]:
    """A value by its name in any case, and the rest of the record."""
    values = dict(record)
    if name in values:
        return values.pop(name), values
    lower = name.lower()
    for key in values:
        if key.lower() == lower:
            return values.pop(key), values
    return None, values


def chunks(records: Iterable[Any], size: int = CHUNK_RECORDS) -> Iterator[list[Any]]:
    iterator = iter(records)
    while chunk := list(islice(iterator, size)):
        yield chunk
