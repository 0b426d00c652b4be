"""The rights of a user, read from the rows that grant them.

What counts: the permission set of the profile; permission sets assigned, unless the assignment
expired or was revoked or the set waits for a session to activate it; the members of assigned groups
as they were when the group was last calculated, less what its muting permission set takes away.

Standard fields of a profile are seen without a row: an org would have some thousand of them, alike
in all orgs. A row, or a withdrawal noted in `_withheld`, says otherwise; `*` withholds them all, as a
profile has it that was made from nothing.

Triggers of SQLite mark every change of a row that may matter, whoever made it, a rolled back
transaction and another process included: rights that were worked out hold while the mark stands.

Source: Object Reference, "PermissionSet", "PermissionSetAssignment", "PermissionSetGroup",
"MutingPermissionSet".
"""

# ruff: noqa: S608 - names are ours, values are bound

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .governed import COLUMNS

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from ..store import Store

EVERYTHING: Final = "*"
PREFIX: Final = "Permissions"
WATCHED: Final = (
    "PermissionSet",
    "PermissionSetAssignment",
    "PermissionSetGroup",
    "PermissionSetGroupComponent",
    "MutingPermissionSet",
    "ObjectPermissions",
    "FieldPermissions",
    "_withheld",
    "UserRole",
    "Group",
    "GroupMember",
)
TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS _rights_version (version INTEGER NOT NULL)",
    "INSERT INTO _rights_version SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM _rights_version)",
    "CREATE TABLE IF NOT EXISTS _withheld (parent INTEGER NOT NULL, field TEXT NOT NULL COLLATE NOCASE, "
    "PRIMARY KEY (parent, field))",
    "CREATE TABLE IF NOT EXISTS _calculated (grp INTEGER NOT NULL, member INTEGER NOT NULL)",
)
"""``_calculated`` holds the members a group had when it was last calculated, while it is not now."""
MARK: Final = "UPDATE _rights_version SET version = random()"
"""A count would come again after a transaction was rolled back, and find what was worked out inside it."""


def _triggers() -> Iterator[str]:
    for table in WATCHED:
        for event in ("INSERT", "UPDATE", "DELETE"):
            yield (
                f'CREATE TRIGGER IF NOT EXISTS "_rights_{table}_{event}" AFTER {event} ON "{table}" '
                f"BEGIN {MARK}; END"
            )
    yield (
        f'CREATE TRIGGER IF NOT EXISTS _rights_user AFTER UPDATE OF "ProfileId" ON "User" BEGIN {MARK}; END'
    )
    yield (
        f'CREATE TRIGGER IF NOT EXISTS _reach_user AFTER UPDATE OF "UserRoleId" ON "User" BEGIN {MARK}; END'
    )
    for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        yield (
            f"CREATE TRIGGER IF NOT EXISTS _sharing_rule_{event} AFTER {event} ON _components "
            f"WHEN {row}.type IN ('SharingOwnerRule', 'SharingCriteriaRule') BEGIN {MARK}; END"
        )
    yield f'CREATE TRIGGER IF NOT EXISTS _reach_new_user AFTER INSERT ON "User" BEGIN {MARK}; END'
    keep = (
        'DELETE FROM _calculated WHERE grp = {row}."PermissionSetGroupId"; INSERT INTO _calculated '
        'SELECT "PermissionSetGroupId", "PermissionSetId" FROM "PermissionSetGroupComponent" '
        'WHERE "PermissionSetGroupId" = {row}."PermissionSetGroupId";'
    )
    for event, row in (("INSERT", "NEW"), ("DELETE", "OLD")):
        yield (
            f"CREATE TRIGGER IF NOT EXISTS _calculated_{event} BEFORE {event} ON "
            '"PermissionSetGroupComponent" WHEN (SELECT "Status" FROM "PermissionSetGroup" '
            f'WHERE "Id" = {row}."PermissionSetGroupId") = \'Updated\' BEGIN {keep.format(row=row)} END'
        )
    yield from _outdating()
    yield (
        'CREATE TRIGGER IF NOT EXISTS _withheld_row AFTER DELETE ON "FieldPermissions" WHEN EXISTS '
        '(SELECT 1 FROM "PermissionSet" WHERE "Id" = OLD."ParentId" AND "IsOwnedByProfile" = 1) '
        'BEGIN INSERT OR IGNORE INTO _withheld VALUES (OLD."ParentId", OLD."Field"); END'
    )


def _outdating() -> Iterator[str]:
    """A group is to be calculated anew when what a member grants, or mutes, changes."""
    outdate = (
        'UPDATE "PermissionSetGroup" SET "Status" = \'Outdated\' WHERE "Status" = \'Updated\' AND "Id" IN '
        '(SELECT "PermissionSetGroupId" FROM "PermissionSetGroupComponent" '
        'WHERE "PermissionSetId" = {row}."{name}");'
    )
    for table in ("ObjectPermissions", "FieldPermissions", "SetupEntityAccess"):
        for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            yield (
                f'CREATE TRIGGER IF NOT EXISTS "_outdated_{table}_{event}" AFTER {event} ON "{table}" '
                f"BEGIN {outdate.format(row=row, name='ParentId')} END"
            )
    for table in ("PermissionSet", "MutingPermissionSet"):
        yield (
            f'CREATE TRIGGER IF NOT EXISTS "_outdated_{table}" AFTER UPDATE ON "{table}" '
            f"BEGIN {outdate.format(row='NEW', name='Id')} END"
        )


def install(store: "Store") -> None:
    """Make the tables and triggers of this module; those of the permission rows exist by now."""
    for statement in (*TABLES, *_triggers()):
        store.execute(statement)


def version(store: "Store") -> int:
    """Another number after every change that may have changed somebody's rights."""
    return int(store.recall("SELECT version FROM _rights_version")[0][0])


def withhold(store: "Store", parent: int, name: str = EVERYTHING) -> None:
    """Take from a profile's permission set the sight of a standard field (`Account.Phone`) without a row."""
    store.execute("INSERT OR IGNORE INTO _withheld VALUES (?, ?)", (parent, name))


@dataclass(slots=True)
class Grants:
    """Rights being added up. Names of objects and fields are in lower case."""

    permissions: set[str] = field(default_factory=set)
    objects: dict[str, int] = field(default_factory=dict)
    readable: set[str] = field(default_factory=set)
    editable: set[str] = field(default_factory=set)

    def add(self, other: "Grants") -> None:
        self.permissions |= other.permissions
        for name, bits in other.objects.items():
            self.objects[name] = self.objects.get(name, 0) | bits
        self.readable |= other.readable
        self.editable |= other.editable

    def take(self, other: "Grants") -> None:
        """Subtract what is muted."""
        self.permissions -= other.permissions
        for name, bits in other.objects.items():
            self.objects[name] = self.objects.get(name, 0) & ~bits
        self.readable -= other.readable
        self.editable -= other.editable


@dataclass(frozen=True, slots=True)
class Rights:
    """What one user may do. ``permissions`` are system permissions without `Permissions`."""

    permissions: frozenset[str]
    objects: frozenset[tuple[str, int]]
    readable: frozenset[str]
    editable: frozenset[str]
    standard_fields: bool
    """Whether standard fields are seen without a row, those in ``decided`` aside."""
    decided: frozenset[str]


NOBODY: Final = Rights(frozenset(), frozenset(), frozenset(), frozenset(), False, frozenset())


def read_rights(org: "EmulatedOrg", user: int) -> Rights:
    """Add up the rights of a user. Costs some five queries."""
    store = org.store
    profile = store.execute(
        'SELECT p."Id" FROM "User" u JOIN "PermissionSet" p ON p."ProfileId" = u."ProfileId" '
        'WHERE u."Id" = ?',
        (user,),
    )
    assigned = store.execute(
        'SELECT p."Id", p."PermissionSetGroupId" FROM "PermissionSetAssignment" a JOIN "PermissionSet" p '
        'ON p."Id" = a."PermissionSetId" WHERE a."AssigneeId" = ? AND a."IsActive" = 1 '
        'AND a."IsRevoked" = 0 AND p."IsOwnedByProfile" = 0 AND p."HasActivationRequired" = 0',
        (user,),
    )
    total = read_grants(org, [row[0] for row in profile] + [row[0] for row in assigned if row[1] is None])
    for _, group in assigned:
        if group is not None:
            total.add(_group_grants(org, group))
    shown, decided = _standard_fields(org, profile[0][0]) if profile else (False, set())
    return Rights(
        frozenset(total.permissions),
        frozenset(total.objects.items()),
        frozenset(total.readable),
        frozenset(total.editable),
        shown,
        frozenset(decided),
    )


def _standard_fields(org: "EmulatedOrg", parent: int) -> tuple[bool, set[str]]:
    withheld = {
        row[0] for row in org.store.execute("SELECT field FROM _withheld WHERE parent = ?", (parent,))
    }
    if EVERYTHING in withheld:
        return False, set()
    told = org.store.execute('SELECT "Field" FROM "FieldPermissions" WHERE "ParentId" = ?', (parent,))
    return True, {name.lower() for name in withheld} | {row[0].lower() for row in told}


def _group_grants(org: "EmulatedOrg", group: int) -> Grants:
    state = org.store.execute(
        'SELECT "Status", "HasActivationRequired" FROM "PermissionSetGroup" WHERE "Id" = ?', (group,)
    )
    if not state or state[0][1]:
        return Grants()
    members = org.store.execute(
        'SELECT "PermissionSetId" FROM "PermissionSetGroupComponent" WHERE "PermissionSetGroupId" = ?'
        if state[0][0] == "Updated"
        else "SELECT member FROM _calculated WHERE grp = ?",
        (group,),
    )
    found = [row[0] for row in members]
    total = read_grants(org, found)
    total.take(read_grants(org, found, "MutingPermissionSet"))
    return total


def read_grants(org: "EmulatedOrg", parents: Iterable[int], kind: str = "PermissionSet") -> Grants:
    """What these permission sets grant together; ids of another kind are passed over."""
    table = org.tables[kind]
    listed = ", ".join(f'p."{name}"' for name in table.columns if name.startswith(PREFIX))
    wanted = json.dumps(list(parents))
    total = Grants()
    held: list[int] = []
    for number, *flags in org.store.execute(
        f'SELECT p."Id", {listed} FROM "{kind}" p WHERE p."Id" IN (SELECT value FROM json_each(?))', (wanted,)
    ):
        held.append(number)
        total.permissions.update(
            name for name, granted in zip(_permission_names(table.columns), flags, strict=True) if granted
        )
    if held:
        _add_rows(org, json.dumps(held), total)
    return total


def _permission_names(columns: list[str]) -> list[str]:
    return [name.removeprefix(PREFIX) for name in columns if name.startswith(PREFIX)]


def _add_rows(org: "EmulatedOrg", parents: str, total: Grants) -> None:
    among = 'WHERE "ParentId" IN (SELECT value FROM json_each(?))'
    listed = ", ".join(f'"{name}"' for name in COLUMNS)
    rows: list[tuple[Any, ...]] = org.store.execute(
        f'SELECT "SobjectType", {listed} FROM "ObjectPermissions" {among}', (parents,)
    )
    for name, *flags in rows:
        bits = sum(bit for bit, granted in zip(COLUMNS.values(), flags, strict=True) if granted)
        total.objects[name.lower()] = total.objects.get(name.lower(), 0) | bits
    for name, read, edit in org.store.execute(
        f'SELECT "Field", "PermissionsRead", "PermissionsEdit" FROM "FieldPermissions" {among}', (parents,)
    ):
        if read or edit:
            total.readable.add(name.lower())
        if edit:
            total.editable.add(name.lower())
