"""Platform events: a row of an `__e` object is published, not kept to be changed or queried.

Each gets its place in the stream and a name of its own; whoever published it is told the name.

Source: Platform Events Developer Guide, "Publish Event Messages with REST API", "EventUuid".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import uuid
from typing import TYPE_CHECKING, Any

from . import ids
from .schema import Schema, SObject
from .store import Store, quoted

if TYPE_CHECKING:
    from .writes import Transaction

SUFFIX = "__e"
ENQUEUED = "OPERATION_ENQUEUED"
HOUR_MS = 3_600_000


def is_event(sobject: SObject) -> bool:
    return sobject.name.endswith(SUFFIX)


def publish(tx: "Transaction", sobject: SObject, record_id: str) -> list[dict[str, Any]]:
    """Give a new event its name and place; what its result says beside success. Nothing for other rows."""
    if not is_event(sobject):
        return []
    name = str(uuid.uuid5(uuid.NAMESPACE_OID, record_id))
    place = str(tx.store.next_serial("events"))
    tx.store.execute(
        f'UPDATE {quoted(sobject.name)} SET "EventUuid" = ?, "ReplayId" = ? WHERE "Id" = ?',
        (name, place, ids.parse(record_id)),
    )
    return [{"statusCode": ENQUEUED, "message": name, "fields": []}]


def published_since(schema: Schema, store: Store, since_ms: int) -> int:
    """How many events were published from then on."""
    return sum(
        store.execute(f'SELECT COUNT(*) FROM {quoted(each.name)} WHERE "CreatedDate" >= ?', (since_ms,))[0][0]
        for each in schema
        if is_event(each)
    )
