"""One Salesforce transaction: rows inserted, updated, deleted under Salesforce's rules.

A write goes: may this object be written at all; may it share the transaction (MIXED_DML); each
named field exists, is writable and reads as its type; defaults; parents exist; required fields;
the object's own rules (`rules`); unique keys, which SQLite's indexes watch; stamps. The first
refusal of a row ends it, except that required fields are reported together.

Source: Apex Developer Guide, "Triggers and Order of Execution" and "sObjects That Cannot Be Used
Together in DML Operations"; error texts as in public captures.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from . import deletes, ids
from .access import checks
from .errors import ApiError
from .reading import MultipleMatches, Reading, RequiredFieldMissing, is_key
from .rules import audited, shares
from .rules.guards import Asked, Guard, Guards, guards_of
from .rules.hooks import rules_for
from .rules.references import HIERARCHIES, check_hierarchy
from .tables import Table
from .values import wrong_id

if TYPE_CHECKING:
    from .formula.rules import Rule
    from .org import EmulatedOrg

USER_SETUP_FIELDS = frozenset(
    ["UserRoleId", "IsActive", "ForecastEnabled", "IsPortalEnabled", "Username", "ProfileId"]
)
"""A change to one of these makes a user update a setup write."""


ANY_RULE = "SELECT 1 FROM _components WHERE type = 'ValidationRule' LIMIT 1"


def gone(deleted: bool) -> ApiError:
    """The refusal to touch a row that is in the recycle bin, or that is nowhere."""
    if deleted:
        return ApiError("entity is deleted", code="ENTITY_IS_DELETED", status=404, fields=[])
    return ApiError("invalid cross reference id", code="INVALID_CROSS_REFERENCE_KEY", status=404, fields=[])


class Transaction(Reading):
    """Writes of one request by one user. Made by `EmulatedOrg.transaction`, which undoes it whole."""

    def __init__(self, org: "EmulatedOrg", user: int) -> None:
        super().__init__(org, user)
        self._lanes: dict[bool, str] = {}
        self.duplicates_asked = Asked()
        """What the call says of duplicates."""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part that fails without the rest: an exception undoes it and goes on to the caller."""
        lanes, version = dict(self._lanes), self.org.schema.version
        try:
            with self.store.transaction():
                yield
        except BaseException:
            self._lanes = lanes
            self._alive.clear()
            if self.org.schema.version != version:
                self.org.reread_schema()
            raise

    # -- writes of a row

    def insert(self, sobject: str, fields: Mapping[str, Any]) -> str:
        """Add one row; its 18-character id. Raises `ApiError` and adds nothing when refused.

        Where Salesforce answers the insert of a duplicate with the row that is there (group
        members), so does this.
        """
        table = self.tables[sobject]
        if not table.sobject.createable:
            raise _entity_refused("inserted", table.name)
        if (access := self.access) is not None:
            checks.check_create(access, table)
        table = self.seen(table)
        self.enter_lane(table, "insert", fields)
        row = self._read_row(table, fields)
        return ids.to_text(self._insert_row(table, row))

    def update(self, sobject: str, record_id: str, fields: Mapping[str, Any]) -> None:
        """Set fields of one row; the others keep their values. Stamps move even if nothing changes."""
        table = self.tables[sobject]
        if not table.sobject.updateable:
            raise _entity_refused("updated", table.name)
        number = self.find(table, record_id)
        self.enter_lane(table, "update", fields)
        table = self.seen(table)
        changes = self._read_changes(table, fields)
        if (access := self.access) is not None:
            checks.check_update(self.org, access, table, number, changes)
        check_hierarchy(self, table, number, changes)
        self._update_row(table, number, changes)

    def delete(self, sobject: str, record_id: str) -> None:
        """Delete one row and what hangs on it; into the recycle bin where the object has one."""
        table = self.tables[sobject]
        if not table.sobject.deletable:
            raise _entity_refused("deleted", table.name)
        number = self.find(table, record_id, to_delete=True)
        self.enter_lane(table, "delete", {})
        if (access := self.access) is not None:
            checks.check_delete(self.org, access, table, number)
        if self.guards.locked:
            self.guards.locked.check(self, number)
        told = audited.deletion(self, table, number)
        deletes.delete(self, table, number)
        audited.note(self, told)

    def undelete(self, sobject: str, record_id: str) -> None:
        """Take one row out of the recycle bin, with the rows that were deleted because of it."""
        table = self.tables[sobject]
        number = self._own_id(table, record_id)
        self._check_bin(table, number)
        self.enter_lane(table, "undelete", {})
        deletes.undelete(self, table, number)

    def purge(self, sobject: str, record_id: str) -> None:
        """Take one row out of the recycle bin for good, with the rows that were deleted because of it."""
        table = self.tables[sobject]
        number = self._own_id(table, record_id)
        self._check_bin(table, number)
        deletes.purge(self, table, number)

    def _check_bin(self, table: Table, number: int) -> None:
        if (access := self.access) is not None:
            checks.check_delete(self.org, access, table, number)

    def upsert(
        self,
        sobject: str,
        field: str,
        value: Any,
        fields: Mapping[str, Any],
        *,
        update_only: bool = False,
    ) -> tuple[str, bool]:
        """Update the row whose ``field`` is ``value`` or insert one; its id and whether it is new.

        Raises `MultipleMatches` when several rows have the value, NOT_FOUND for a field that is no
        external id, or for no row with ``update_only``.
        """
        table = self.tables[sobject]
        seen = self.seen(table)
        entry = seen.entries.get(field.lower())
        if entry is None or not is_key(entry):
            raise no_such_key(field)
        if entry.name == "Id":
            if value in (None, ""):
                return self.insert(sobject, fields), True
            self.update(sobject, value, fields)
            return ids.to_text(self._own_id(table, value)), False
        key = entry.read(value)
        if key is None:
            raise ApiError(f"{entry.name} not specified", code="MISSING_ARGUMENT", fields=[entry.name])
        found = self._matches(table, entry, key)
        if len(found) > 1:
            raise MultipleMatches(entry.name, [ids.to_text(each) for each in found])
        if found:
            self.update(sobject, ids.to_text(found[0]), fields)
            return ids.to_text(found[0]), False
        if update_only:
            raise ApiError("The requested resource does not exist", code="NOT_FOUND", status=404)
        return self.insert(sobject, {**fields, entry.name: value}), True

    def inserts_plainly(self, table: Table) -> bool:
        """Whether a new row of this object meets but its values' types, required fields and unique keys.

        Bulk loads then write many at once, past `insert`; whatever `insert` learns to ask must say no here.
        """
        return (
            self.access is None
            and rules_for(table.sobject) is None
            and not table.default_formulas
            and not self.validation.get(table.name)
            and not self.guards.of(table)
        )

    def updates_plainly(self, table: Table, names: Set[str]) -> bool:
        """Whether these fields of a row can be set, or the row deleted, with nothing else to ask or follow.

        `update` and `delete` are then done for many rows at once; what they learn to ask must say no here.
        """
        return (
            self.access is None
            and rules_for(table.sobject) is None
            and not self.validation.get(table.name)
            and not self.guards.of(table)
            and not self.guards.locked
            and "OwnerId" not in names
            and names.isdisjoint(HIERARCHIES.get(table.name, ()))
            and names.isdisjoint(table.columns[at] for at in table.name_parts)
        )

    # -- writing rows

    def _insert_row(self, table: Table, row: list[Any]) -> int:
        """Finish and write a row whose values are read: owner, numbers, own rules, required, stamps."""
        position = table.position
        owner = position.get("OwnerId")
        if owner is not None and row[owner] is None:
            row[owner] = self.user
        if table.name_parts:
            row[position["Name"]] = table.person_name(row)
        for at, field in table.auto_numbers:
            row[at] = self.auto_number(table, field)
        rules = rules_for(table.sobject)
        if rules is None:
            if missing := table.missing(row):
                raise RequiredFieldMissing(missing)
            if validation := self.validation.get(table.name):
                self._validate(validation, table, dict(zip(table.columns, row, strict=True)))
            if guards := self.guards.of(table):
                self._guard(guards, table, None, dict(zip(table.columns, row, strict=True)), {})
            return self.write_row(table, row)
        values = dict(zip(table.columns, row, strict=True))
        if rules.fill:
            rules.fill(self, table, values)
        if missing := table.missing([values[column] for column in table.columns]):
            raise RequiredFieldMissing(missing)
        if rules.check_insert:
            rules.check_insert(self, table, values)
        if validation := self.validation.get(table.name):
            self._validate(validation, table, values)
        if rules.find_same and (same := rules.find_same(self, table, values)) is not None:
            return same
        if guards := self.guards.of(table):
            self._guard(guards, table, None, values, {})
        number = self.write_row(table, [values[column] for column in table.columns])
        if rules.after_insert:
            rules.after_insert(self, table, number, values)
        return number

    def _update_row(self, table: Table, number: int, changes: dict[str, Any]) -> None:
        rules = rules_for(table.sobject)
        if changes.get("OwnerId", 0) is None:
            raise RequiredFieldMissing(["OwnerId"])
        validation, guards = self.validation.get(table.name), self.guards.of(table)
        if self.guards.locked:
            self.guards.locked.check(self, number)
        old = self.row(table, number) if rules or table.name_parts or validation or guards else {}
        if rules and rules.check_update:
            rules.check_update(self, table, number, old, changes)
        if table.name_parts:
            new = [(old | changes)[column] for column in table.columns]
            changes["Name"] = table.person_name(new)
        if validation:
            self._validate(validation, table, old | changes, old)
        if guards:
            self._guard(guards, table, number, old | changes, old)
        if "OwnerId" in changes:
            shares.before_new_owner(self, table, number, changes["OwnerId"])
        self.set_fields(table, number, changes)
        if rules and rules.after_update:
            rules.after_update(self, table, number, old, changes)

    @cached_property
    def guards(self) -> Guards:
        """What the org was told to ask of rows, as it is when the transaction first asks."""
        return guards_of(self.org)

    def _guard(
        self,
        guards: Sequence[Guard],
        table: Table,
        number: int | None,
        new: Mapping[str, Any],
        old: Mapping[str, Any],
    ) -> None:
        for guard in guards:
            guard.check(self, table, number, new, old)

    @cached_property
    def validation(self) -> "Mapping[str, Sequence[Rule]]":
        """The org's validation rules by object, as they are when the transaction first asks."""
        if not self.store.execute(ANY_RULE):
            return {}
        return self.org.formulas.rules()

    def _validate(
        self,
        rules: "Sequence[Rule]",
        table: Table,
        values: Mapping[str, Any],
        old: Mapping[str, Any] | None = None,
    ) -> None:
        from .formula.records import Record, World
        from .formula.rules import check_rules

        check_rules(rules, Record(World(self.org, self.user), table, values, old))

    def find(self, table: Table, record_id: str, *, to_delete: bool = False) -> int:
        """The number of a row that is there. Raises when it is deleted, never was, or is no id."""
        number = self._own_id(table, record_id)
        state = self.store.execute(table.state_sql, (number,))
        if not state:
            shares.refuse_made(self, table, number, to_delete)
        if not state or state[0][0]:
            raise gone(deleted=bool(state))
        access = self.access
        if access is not None and not checks.is_seen(self.org, access, table.sobject, number):
            raise gone(deleted=False)
        return number

    def _own_id(self, table: Table, record_id: str) -> int:
        number = ids.parse(record_id) if isinstance(record_id, str) else None
        if number is None:
            raise ApiError(f"malformed id {record_id}", code="MALFORMED_ID", fields=["Id"])
        if ids.prefix_of(number) != table.sobject.key_prefix:
            raise wrong_id(table.sobject.fields["id"], record_id)
        return number

    # -- what may share a transaction

    def enter_lane(self, table: Table, operation: str, fields: Mapping[str, Any]) -> None:
        """Refuse setup and other objects in one transaction (MIXED_DML_OPERATION)."""
        setup = table.sobject.setup
        if setup and _may_mix(table.name, operation, fields):
            return
        if other := self._lanes.get(not setup):
            raise ApiError(
                "DML operation on setup object is not permitted after you have updated a non-setup "
                f"object (or vice versa): {table.name}, original object: {other}",
                code="MIXED_DML_OPERATION",
                fields=[],
            )
        self._lanes.setdefault(setup, table.name)


def _may_mix(name: str, operation: str, fields: Mapping[str, Any]) -> bool:
    if name == "Group":
        return operation in ("insert", "update")
    if name != "User":
        return False
    if operation == "insert":
        return fields.get("UserRoleId") is None
    return operation == "update" and not USER_SETUP_FIELDS.intersection(fields)


def no_such_key(name: str) -> ApiError:
    return ApiError(
        f"Provided external ID field does not exist or is not accessible: {name}",
        code="NOT_FOUND",
        status=404,
    )


def _entity_refused(done: str, name: str) -> ApiError:
    return ApiError(
        f"entity type cannot be {done}: {name}", code="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", fields=[]
    )
