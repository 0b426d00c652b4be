"""Writes of the REST resources: which transaction, whose locks, and the shape of a record.

A call is one Salesforce transaction, unless a composite resource opened one around several calls;
then each call is a savepoint in it. Inside, `attempt` makes one record a savepoint of its own, which
is how partial success works while the transaction, and so the rule against mixing setup and other
objects, stays one.

Source: Apex Developer Guide, "Locking Considerations", for the text of a lock that is not had.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError, InvalidField, NotFound
from reconciler.emulator.http.message import Request
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.rules.guards import Asked
from reconciler.emulator.schema import Schema, SObject
from reconciler.emulator.values import wrong_shape
from reconciler.emulator.writes import Transaction

T = TypeVar("T")


class UnableToLockRow(ApiError):
    code = "UNABLE_TO_LOCK_ROW"

    def __init__(self, record_id: str) -> None:
        super().__init__(
            f"unable to obtain exclusive access to this record or 1 records: {record_id}", fields=[]
        )


class NoSuchExternalId(NotFound):
    """Source: recorded answer to a lookup by a field that is no external id."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Provided external ID field does not exist or is not accessible: {name}")


def schema_of(org: EmulatedOrg, request: Request) -> Schema:
    """The objects and fields that the caller sees."""
    return org.access.of(request.user_id).schema


def sobject_of(org: EmulatedOrg, name: str, request: Request | None = None) -> SObject:
    """The object that an address names, as the caller sees it. Raises NOT_FOUND."""
    found = (org.schema if request is None else schema_of(org, request)).get(name)
    if found is None:
        raise NotFound
    return found


def same_id(record_id: str) -> str:
    """The 18-character form of an id that was given as text; other text unchanged."""
    number = ids.parse(record_id)
    return record_id if number is None else ids.to_text(number)


def record_fields(value: Any) -> dict[str, Any]:
    """The fields of a record in a body, without its `attributes`."""
    if not isinstance(value, Mapping):
        raise wrong_shape(value, "SObject")
    return {str(name): each for name, each in value.items() if name != "attributes"}


def refuse_field_in_body(fields: Mapping[str, Any], name: str) -> None:
    """A field that the address gives must not be in the body as well."""
    if any(each.lower() == name.lower() for each in fields):
        raise InvalidField(f"The {name} field should not be specified in the sobject data.", fields=[name])


@contextmanager
def transaction_of(org: EmulatedOrg, request: Request) -> Iterator[Transaction]:
    """The transaction to write in: the shared one, from a savepoint on, or one of the call's own."""
    if request.transaction is not None:
        with request.transaction.savepoint():
            request.transaction.duplicates_asked = duplicates_asked(request)
            yield request.transaction
    else:
        with org.transaction(request.user_id) as transaction:
            transaction.duplicates_asked = duplicates_asked(request)
            yield transaction


def duplicates_asked(request: Request) -> Asked:
    """What the call's `Sforce-Duplicate-Rule-Header` says: `allowSave=true; includeRecordDetails=true`."""
    told = request.headers.find("sforce-duplicate-rule-header").replace(" ", "").lower()
    parts = set(re.split("[;,]", told))
    return Asked(
        allow_save="allowsave=true" in parts,
        details="includerecorddetails=true" in parts,
        as_user="runascurrentuser=true" in parts,
        version=request.version,
    )


def attempt(transaction: Transaction, write: Callable[[], T]) -> T | ApiError:
    """Do one record's write; a refusal undoes that record only and is answered."""
    try:
        with transaction.savepoint():
            return write()
    except ApiError as error:
        return error


def check_lock(request: Request, record_id: str, fields: Mapping[str, Any]) -> None:
    """Raises `UnableToLockRow` when a fault says that somebody else holds this row."""
    if request.locked is not None and request.locked(same_id(record_id), fields):
        raise UnableToLockRow(same_id(record_id))
