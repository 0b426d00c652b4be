"""What a client sent for a row, as stored values: fields found by name, values read, parents looked up.

Each named field must exist, be writable and read as its type; a reference must lead to a living row that the
writer sees. The first refusal ends the row, except that fields of the same fault are named together.

Source: REST API Developer Guide, "Relate by External ID"; error texts as in public captures.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import ids
from .access import checks
from .errors import ApiError, InvalidField
from .rows import Rows
from .rules.references import CHECKS
from .store import quoted
from .tables import Entry, Table
from .values import wrong_id

if TYPE_CHECKING:
    from .access.users import UserAccess

TEXTS = ("string", "email", "phone", "url")
MASTER_RECORD_TYPE = ids.make("012", 0)
"""`012000000000000AAA`: means no record type."""


class MultipleMatches(ApiError):
    """An external id that finds several rows; HTTP answers 300 with their addresses."""

    status, code = 300, "DUPLICATE_EXTERNAL_ID"

    def __init__(self, field: str, found: list[str]) -> None:
        self.ids = found
        super().__init__(
            f"{field}: more than one record found for external id field: [{', '.join(found)}]", fields=[]
        )


class RequiredFieldMissing(ApiError):
    """Source: REST API Developer Guide, "Status Codes and Error Responses"."""

    code = "REQUIRED_FIELD_MISSING"

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"Required fields are missing: [{', '.join(names)}]", fields=names)


class NotWritable(ApiError):
    code = "INVALID_FIELD_FOR_INSERT_UPDATE"

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of "
            "this field and verify that it is read/write for your profile or permission set.",
            fields=names,
        )


class Reading(Rows):
    """The part of a `Transaction` that reads; it asks for the writer's access where parents are concerned."""

    _access: "UserAccess | None" = None

    @property
    def access(self) -> "UserAccess | None":
        """What the user may do, as of the first write that asked; None for who may do everything."""
        if self._access is None:
            self._access = self.org.access.of(self.user)
        return None if self._access.unlimited else self._access

    def seen(self, table: Table) -> Table:
        """The table as the user's values are read by it; the Tooling API alone has some of its own."""
        if self._access is None:
            self._access = self.org.access.of(self.user)
        view = self._access.view
        if view.whole or (view.open and table.name not in view.schema):
            return table
        return self._access.table(table)

    def _read_row(self, table: Table, fields: Mapping[str, Any]) -> list[Any]:
        row = table.template.copy()
        for at, field in table.default_formulas:
            row[at] = self.org.formulas.default(table, field, self.user)
        entries = table.entries
        refused: list[str] = []
        for key, value in fields.items():
            entry = entries.get(key) or self._other_key(table, key)
            if entry is None:
                continue
            if not entry.createable:
                refused.append(entry.name)
                continue
            row[entry.position] = (
                self._read(table, entry, key, value) if entry.is_reference else entry.read(value)
            )
        if refused:
            raise NotWritable(refused)
        for at in table.kept_defaults:
            if row[at] is None:
                row[at] = table.template[at]
        return row

    def _read_changes(self, table: Table, fields: Mapping[str, Any]) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        refused: list[str] = []
        missing: list[str] = []
        for key, value in fields.items():
            entry = table.entries.get(key) or self._other_key(table, key)
            if entry is None:
                continue
            if entry.name == "Id":
                raise InvalidField("The Id field should not be specified in the sobject data.")
            if not entry.updateable:
                refused.append(entry.name)
                continue
            stored = self._read(table, entry, key, value)
            if stored is None and entry.name in table.required_names:
                missing.append(entry.name)
            changes[entry.name] = stored
        if refused:
            raise NotWritable(refused)
        if missing:
            raise RequiredFieldMissing(missing)
        return changes

    def _other_key(self, table: Table, key: str) -> Entry | None:
        """What a key means that is not a field as spelled; None for `attributes`, which is no field."""
        if key == "attributes":
            return None
        lower = key.lower()
        found = table.entries.get(lower) or table.parents.get(lower)
        if found is None:
            raise InvalidField(f"No such column '{key}' on sobject of type {table.name}")
        return found

    def _read(self, table: Table, entry: Entry, key: str, value: Any) -> Any:
        if not entry.is_reference:
            return entry.read(value)
        if isinstance(value, Mapping):
            return self._parent_by_key(entry, value)
        if value is not None and key.lower() != entry.name.lower():
            raise InvalidField(f"No such column '{key}' on sobject of type {table.name}")
        number = entry.read(value)
        if number is None or number == MASTER_RECORD_TYPE:
            return None
        if number not in self._alive:
            self._check_parent(entry, number, value)
        if check := CHECKS.get(entry.name):
            check(self, table, number)
        return number

    def read_value(self, table: Table, entry: Entry, key: str, value: Any) -> Any:
        """The stored value of what a client sent for a field; a parent is looked up. Raises `ApiError`."""
        return self._read(table, entry, key, value)

    def _check_parent(self, entry: Entry, number: int, text: str) -> None:
        target = self.schema.by_prefix(ids.prefix_of(number))
        if target is None or target.name not in entry.field.reference_to:
            raise wrong_id(entry.field, text, "FIELD_INTEGRITY_EXCEPTION")
        state = self.store.execute(self.tables[target.name].state_sql, (number,))
        if not state:
            raise ApiError("invalid cross reference id", code="INVALID_CROSS_REFERENCE_KEY", fields=[])
        if state[0][0]:
            raise ApiError("entity is deleted", code="ENTITY_IS_DELETED", fields=[])
        if (access := self.access) is not None:
            checks.check_parent(self.org, access, entry.field, target, number)
        self._alive.add(number)

    def _parent_by_key(self, entry: Entry, value: Mapping[str, Any]) -> int | None:
        """The parent that ``{"Ext__c": "x"}`` names. Source: REST guide, "Relate by External ID"."""
        attributes = value.get("attributes")
        wanted = attributes.get("type") if isinstance(attributes, Mapping) else value.get("type")
        given = {name: each for name, each in value.items() if name not in ("attributes", "type")}
        targets = [
            name
            for name in entry.field.reference_to
            if name in self.schema and (not wanted or name.lower() == str(wanted).lower())
        ]
        if len(given) != 1 or not targets:
            raise InvalidField(
                f"The external foreign key reference does not reference a valid entity: "
                f"{entry.field.relationship_name}"
            )
        (name, key), *_ = given.items()
        for target in targets:
            table = self.tables[target]
            parent_key = table.entries.get(name.lower())
            if parent_key is None or not is_key(parent_key):
                continue
            stored = _as_stored(parent_key, key)
            found = self._matches(table, parent_key, stored) if stored is not None else []
            if len(found) > 1:
                raise MultipleMatches(parent_key.name, [ids.to_text(each) for each in found])
            if found:
                return found[0]
            raise InvalidField(
                f"Foreign key external ID: {key} not found for field {parent_key.name} in entity {table.name}"
            )
        raise InvalidField(
            f"Field name provided, {name} is not an External ID or indexed field for {targets[0]}"
        )

    def _matches(self, table: Table, entry: Entry, key: Any) -> list[int]:
        sql = f'SELECT "Id" FROM {quoted(table.name)} WHERE {quoted(entry.name)} = ?{table.living} LIMIT 20'
        return [row[0] for row in self.store.execute(sql, (key,))]


def is_key(entry: Entry) -> bool:
    """Whether rows can be found by this field: external ids, unique and id-lookup fields, the id."""
    field = entry.field
    return field.external_id or field.id_lookup or field.unique or field.name == "Id"


def _as_stored(entry: Entry, key: Any) -> Any:
    """A parent's key as it would be stored; a text that no row can have is as it is, and finds none."""
    try:
        return entry.read(key)
    except ApiError:
        if isinstance(key, str) and entry.field.type in TEXTS:
            return key
        raise
