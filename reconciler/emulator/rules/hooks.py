"""Where an object's own rules hook into the general way of a write.

The general code (`writes`, `deletes`) asks `rules_for`; the rules themselves are in
`setup` (users, groups, roles) and `access` (permission sets and what hangs on them).
Each hook is handed the transaction, the compiled table and stored values; a check refuses by
raising `ApiError` and may change the values it was given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.emulator.schema import SObject

if TYPE_CHECKING:
    from reconciler.emulator.tables import Table
    from reconciler.emulator.writes import Transaction

Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Hooks of one object, in the order they are called; each may be absent."""

    fill: "Callable[[Transaction, Table, Values], None] | None" = None
    """Give a new row what the platform gives it, before required fields are checked."""
    check_insert: "Callable[[Transaction, Table, Values], None] | None" = None
    find_same: "Callable[[Transaction, Table, Values], int | None] | None" = None
    """The row that already is what is being inserted, where Salesforce answers with it."""
    after_insert: "Callable[[Transaction, Table, int, Values], None] | None" = None
    check_update: "Callable[[Transaction, Table, int, Values, Values], None] | None" = None
    """Called with the row's number, its old values and the changes."""
    after_update: "Callable[[Transaction, Table, int, Values, Values], None] | None" = None
    check_delete: "Callable[[Transaction, Table, int, Values], None] | None" = None
    after_delete: "Callable[[Transaction, Table, int, Values], None] | None" = None


REGISTRY: dict[str, Rules] = {}
"""Rules by object name; modules of rules fill it when they are imported."""


SHARES = "share objects"
"""The key of the rules that all share objects have in common."""


def rules_for(sobject: SObject) -> Rules | None:
    if sobject.custom_setting:
        return REGISTRY.get(f"custom setting {sobject.custom_setting}")
    if sobject.flags.get("associateEntityType") == "Share":
        return REGISTRY.get(SHARES)
    return REGISTRY.get(sobject.name)
