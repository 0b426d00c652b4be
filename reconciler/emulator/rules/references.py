"""What references may point to in any object that has them: the owner, the record type, the row above.

Source: SOAP API Developer Guide, "OwnerId"; error texts as in public captures.
"""

from typing import TYPE_CHECKING, Any

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError

if TYPE_CHECKING:
    from reconciler.emulator.rows import Rows
    from reconciler.emulator.tables import Table

USER_PREFIX = "005"


def check_owner(tx: "Rows", table: "Table", owner: int) -> None:
    """An owner is an active user, or a queue that serves the object."""
    if ids.prefix_of(owner) == USER_PREFIX:
        active = tx.store.execute('SELECT "IsActive" FROM "User" WHERE "Id" = ?', (owner,))
        if not active[0][0]:
            raise ApiError(
                f"operation performed with inactive user [{ids.to_text(owner)}] as owner of "
                f"{table.sobject.label.lower()}",
                code="INACTIVE_OWNER_OR_USER",
                fields=["OwnerId"],
            )
        return
    served = tx.find_row("QueueSobject", {"QueueId": owner, "SobjectType": table.name})
    if served is None:
        raise ApiError(
            "Queue not associated with this SObject type",
            code="FIELD_INTEGRITY_EXCEPTION",
            fields=["OwnerId"],
        )


def check_record_type(tx: "Rows", table: "Table", record_type: int) -> None:
    """A record type is of this object, and active."""
    row = tx.row(tx.org.tables["RecordType"], record_type)
    if row["SobjectType"] != table.name or not row["IsActive"]:
        raise ApiError(
            f"Record Type ID: this ID value isn't valid for the user: {ids.to_text(record_type)}",
            code="INVALID_CROSS_REFERENCE_KEY",
            fields=["RecordTypeId"],
        )


CHECKS = {"OwnerId": check_owner, "RecordTypeId": check_record_type}
"""By the field's name; called with a reference that is known to exist."""


HIERARCHIES = {
    "Account": ("ParentId",),
    "Campaign": ("ParentId",),
    "Contact": ("ReportsToId",),
    "User": ("ManagerId",),
}
"""References to the row above; what is above a row must not be below it too. Text not verified."""


def check_hierarchy(tx: "Rows", table: "Table", number: int, changes: dict[str, Any]) -> None:
    """No row is above itself, whatever is between."""
    for name in HIERARCHIES.get(table.name, ()):
        above = changes.get(name)
        seen = {number}
        while above is not None:
            if above == number:
                raise ApiError(
                    "attempt to violate hierarchy constraints", code="CIRCULAR_DEPENDENCY", fields=[name]
                )
            if above in seen:
                break
            seen.add(above)
            above = tx.row(table, above)[name]
