"""What a delete takes along, and how it comes back.

Deleting a row deletes the rows whose reference cascades, clears the plain references to it, and is
refused while a restricting reference points to it. Where the object has a recycle bin the row
stays with IsDeleted set, and a note in `_bin` says what else was done because of it, so that
undelete can do the opposite: cascaded rows return, and a cleared reference is set again unless it
was given another value meanwhile.

Source: Apex Developer Guide, "Deleting Records" and "Restoring Deleted Records"; relationships as
describe gives them.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ApiError
from .rules.hooks import rules_for
from .schema import ChildRelationship
from .store import quoted

if TYPE_CHECKING:
    from .tables import Table
    from .writes import Transaction

BIN_DDL = (
    "CREATE TABLE IF NOT EXISTS _bin (root INTEGER NOT NULL, object TEXT NOT NULL, row INTEGER NOT NULL, "
    "field TEXT, target INTEGER)"
)
"""What deleting ``root`` did: ``field`` null is a row deleted with it, else a reference it cleared."""
BIN_INDEX = "CREATE INDEX IF NOT EXISTS _bin_root ON _bin (root)"
AUDIT = frozenset(["CreatedById", "LastModifiedById"])


def delete(tx: "Transaction", table: "Table", number: int) -> None:
    """Delete a living row with its consequences. Raises and leaves all as it was when refused."""
    with tx.savepoint():
        _delete(tx, table, number, number)


def delete_bare(tx: "Transaction", table: "Table", numbers: Sequence[int]) -> bool:
    """Delete living rows whose object has no rules, if nothing hangs on any of them; whether it was done."""
    listed = json.dumps(numbers)
    if _below(tx, table).hanging(tx, listed):
        return False
    which = '"Id" IN (SELECT value FROM json_each(?))'
    if table.has_bin:
        stamps = {"IsDeleted": 1, **tx.stamps(table)}
        assignments = ", ".join(f"{quoted(column)} = ?" for column in stamps)
        sql = f"UPDATE {quoted(table.name)} SET {assignments} WHERE {which}"
        tx.store.execute(sql, (*stamps.values(), listed))
    else:
        tx.store.execute(f"DELETE FROM {quoted(table.name)} WHERE {which}", (listed,))
    for number in numbers:
        tx.forget(number)
    return True


def drop(tx: "Transaction", table: "Table", number: int) -> None:
    """As the platform: delete a row that has no recycle bin, without asking its rules."""
    _take_along(tx, table, number, number)
    tx.store.execute(f'DELETE FROM {quoted(table.name)} WHERE "Id" = ?', (number,))
    tx.forget(number)


def _delete(tx: "Transaction", table: "Table", number: int, root: int) -> None:
    rules = rules_for(table.sobject)
    old: dict[str, Any] = tx.row(table, number) if rules else {}
    if rules and rules.check_delete:
        rules.check_delete(tx, table, number, old)
    _take_along(tx, table, number, root)
    name = quoted(table.name)
    if table.has_bin:
        tx.set_fields(table, number, {"IsDeleted": 1})
        if number != root:
            tx.store.execute("INSERT INTO _bin VALUES (?, ?, ?, NULL, NULL)", (root, table.name, number))
    else:
        tx.store.execute(f'DELETE FROM {name} WHERE "Id" = ?', (number,))
    tx.forget(number)
    if rules and rules.after_delete:
        rules.after_delete(tx, table, number, old)


PROBES_A_QUERY = 100
"""Below the terms that SQLite allows in one compound query."""


@dataclass(frozen=True, slots=True)
class Below:
    """What may hang on the rows of one object, and the queries that say for a row which of it does."""

    relations: Sequence[ChildRelationship]
    probes: Sequence[str]
    """Each answers places in ``relations`` where a row refers to one of those in the JSON list ``?1``."""

    def hanging(self, tx: "Transaction", listed: str) -> list[ChildRelationship]:
        found = [at for sql in self.probes for (at,) in tx.store.execute(sql, (listed,))]
        return [self.relations[at] for at in found]


def _below(tx: "Transaction", table: "Table") -> Below:
    if table.below is None:
        relations: list[ChildRelationship] = []
        terms: list[str] = []
        for relation in tx.schema.children_of(table.name):
            child = tx.tables[relation.child]
            if relation.field in AUDIT or relation.field not in child.position:
                continue
            where = f"{quoted(relation.field)} IN (SELECT value FROM json_each(?1)){child.living}"
            terms.append(
                f"SELECT {len(relations)} WHERE EXISTS (SELECT 1 FROM {quoted(child.name)} WHERE {where})"
            )
            relations.append(relation)
        parts = [terms[at : at + PROBES_A_QUERY] for at in range(0, len(terms), PROBES_A_QUERY)]
        table.below = Below(relations, [" UNION ALL ".join(part) for part in parts])
    return table.below


def _take_along(tx: "Transaction", table: "Table", number: int, root: int) -> None:
    for relation in _below(tx, table).hanging(tx, f"[{number}]"):
        child = tx.tables[relation.child]
        sql = f'SELECT "Id" FROM {quoted(child.name)} WHERE {quoted(relation.field)} = ?{child.living}'
        rows = [row[0] for row in tx.store.execute(sql, (number,))]
        if not rows:
            continue
        if relation.restricted_delete:
            raise _delete_failed(tx, table, number, child, rows)
        for row in rows:
            _follow(tx, child, row, relation, number, root)


def _follow(
    tx: "Transaction", child: "Table", row: int, relation: ChildRelationship, parent: int, root: int
) -> None:
    if relation.cascade_delete:
        if tx.store.execute(child.state_sql, (row,)) and tx.is_living(child, row):
            _delete(tx, child, row, root)
        return
    tx.set_fields(child, row, {relation.field: None}, by_user=False)
    tx.store.execute(
        "INSERT INTO _bin VALUES (?, ?, ?, ?, ?)", (root, child.name, row, relation.field, parent)
    )


def _delete_failed(
    tx: "Transaction", table: "Table", number: int, child: "Table", rows: list[int]
) -> ApiError:
    plural = child.sobject.label_plural.lower()
    shown = ", ".join(tx.name_of(child, row) for row in rows[:5])
    return ApiError(
        f"Your attempt to delete {tx.name_of(table, number)} could not be completed because it is "
        f"associated with the following {plural}.: {shown}",
        code="DELETE_FAILED",
        fields=[],
    )


def undelete(tx: "Transaction", table: "Table", number: int) -> None:
    """Bring a row back from the recycle bin. Raises UNDELETE_FAILED when it is not in it."""
    state = tx.store.execute(table.state_sql, (number,)) if table.has_bin else []
    if not state or not state[0][0]:
        raise ApiError("Entity is not in the recycle bin", code="UNDELETE_FAILED", fields=[])
    with tx.savepoint():
        tx.set_fields(table, number, {"IsDeleted": 0})
        notes = tx.store.execute("SELECT object, row, field, target FROM _bin WHERE root = ?", (number,))
        for name, row, field, target in notes:
            child = tx.tables[name]
            if field is None:
                tx.set_fields(child, row, {"IsDeleted": 0})
            elif tx.is_living(child, row) and tx.row(child, row)[field] is None:
                tx.set_fields(child, row, {field: target}, by_user=False)
        tx.store.execute("DELETE FROM _bin WHERE root = ?", (number,))


def purge(tx: "Transaction", table: "Table", number: int) -> None:
    """Take a row out of the recycle bin for good. Raises when it is not in it."""
    state = tx.store.execute(table.state_sql, (number,)) if table.has_bin else []
    if not state or not state[0][0]:
        raise ApiError("Entity is not in the recycle bin", code="INVALID_CROSS_REFERENCE_KEY", fields=[])
    along = tx.store.execute("SELECT object, row FROM _bin WHERE root = ? AND field IS NULL", (number,))
    for name, row in [*along, (table.name, number)]:
        tx.store.execute(f'DELETE FROM {quoted(name)} WHERE "Id" = ?', (row,))
    tx.store.execute("DELETE FROM _bin WHERE root = ?", (number,))
