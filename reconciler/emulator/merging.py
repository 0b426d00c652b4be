"""Up to three rows made one: the master gets fields and children, the others go to the recycle bin.

Source: SOAP API Developer Guide, "merge()".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import ids
from .deletes import AUDIT
from .errors import ApiError
from .store import quoted

if TYPE_CHECKING:
    from .tables import Table
    from .writes import Transaction

MERGEABLE = ("Account", "Case", "Contact", "Individual", "Lead")
MOST_VICTIMS = 2


@dataclass(frozen=True)
class MergeRequest:
    """``fields`` are those of the master that get new values."""

    sobject: str
    master: str
    fields: dict[str, Any]
    victims: tuple[str, ...]


def merge(tx: "Transaction", wanted: MergeRequest) -> dict[str, Any]:
    """Do it; the result in the order of the WSDL. Raises and leaves all as it was when refused."""
    table = tx.org.tables[wanted.sobject]
    if table.name not in MERGEABLE:
        raise _refused(f"merge is not supported for {table.name}", "INVALID_TYPE_FOR_OPERATION")
    if not wanted.victims:
        raise _refused("At least one record to merge is required", "MISSING_ARGUMENT")
    if len(wanted.victims) > MOST_VICTIMS:
        raise _refused(f"Only {MOST_VICTIMS} records can be merged into another", "EXCEEDED_ID_LIMIT")
    master = tx.find(table, wanted.master)
    victims = [tx.find(table, each) for each in wanted.victims]
    if master in victims or len(set(victims)) < len(victims):
        raise _refused("Duplicate id in a merge", "DUPLICATE_VALUE")
    if wanted.fields:
        tx.update(table.name, wanted.master, wanted.fields)
    moved = [child for victim in victims for child in _reparent(tx, table, victim, master)]
    for victim, text in zip(victims, wanted.victims, strict=True):
        tx.delete(table.name, text)
        if "MasterRecordId" in table.position:
            tx.set_fields(table, victim, {"MasterRecordId": master}, by_user=False)
    return {
        "id": ids.to_text(master),
        "mergedRecordIds": [ids.to_text(each) for each in victims],
        "success": True,
        "updatedRelatedIds": [ids.to_text(each) for each in moved],
    }


def _refused(message: str, code: str) -> ApiError:
    return ApiError(message, code=code, fields=[])


def _reparent(tx: "Transaction", table: "Table", victim: int, master: int) -> list[int]:
    """Have the children of one row refer to another; those that this would double stay behind."""
    moved = []
    for relation in tx.schema.children_of(table.name):
        child = tx.tables[relation.child]
        if relation.field in AUDIT or relation.field not in child.position:
            continue
        sql = f'SELECT "Id" FROM {quoted(child.name)} WHERE {quoted(relation.field)} = ?{child.living}'
        for (number,) in tx.store.execute(sql, (victim,)):
            try:
                with tx.savepoint():
                    tx.set_fields(child, number, {relation.field: master})
            except (ApiError, sqlite3.IntegrityError):
                continue
            moved.append(number)
    return moved
