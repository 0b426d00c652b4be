"""What an org holds, told without ids, so that two orgs can be compared.

A reference becomes the natural key of the row it points to: a unique field, an external id, a name.
Stamps, auto-numbers, formulas and counts that follow from other rows are left out, and so is the recycle bin:
a row made anew looks like the row that was.
"""

# ruff: noqa: S608 - names come from the schema

import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from . import ids
from .metadata_xml import BadXml, parse
from .schema import Field
from .store import quoted
from .tables import Table
from .value_rows import SOURCES

if TYPE_CHECKING:
    from .org import EmulatedOrg

STAMPS = frozenset(
    {
        "Id",
        "IsDeleted",
        "CreatedDate",
        "CreatedById",
        "LastModifiedDate",
        "LastModifiedById",
        "SystemModstamp",
        "LastViewedDate",
        "LastReferencedDate",
        "LastLoginDate",
        "LastPasswordChangeDate",
        "UsedLicensesLastUpdated",
        "NextFireTime",
        "PreviousFireTime",
        "StartTime",
        "TimesTriggered",
    }
)
NOT_CONTENT = frozenset(
    {
        "AsyncApexJob",
        "EntityDefinition",
        "FieldDefinition",
        "FlowDefinitionView",
        "FlowVersionView",
        "LoginHistory",
        "SetupAuditTrail",
        *SOURCES,
    }
)
"""Objects whose rows follow from others, or tell what happened."""
KEYS: dict[str, tuple[str, ...]] = {
    "Group": ("Type", "DeveloperName"),
    "RecordType": ("SobjectType", "DeveloperName"),
    "PermissionSet": ("ProfileId", "PermissionSetGroupId", "Name"),
    "User": ("Username",),
    "UserRole": ("DeveloperName",),
    "Pricebook2": ("Name",),
}
"""What identifies a row where it is not its first unique field, external id or name."""


def living_rows(org: "EmulatedOrg", table: Table) -> Iterator[dict[str, Any]]:
    """Rows that are not deleted, as JSON values by field, in id order."""
    computed = [field for field in table.sobject.fields.values() if field.computed]
    columns = ", ".join(quoted(column) for column in table.columns)
    sql = f'SELECT {columns} FROM {quoted(table.name)} WHERE 1{table.living} ORDER BY "Id"'
    for row in org.store.execute(sql):
        told = {
            field.name: table.writer(field)(value) for field, value in zip(table.stored, row, strict=True)
        }
        if computed:
            values = dict(zip(table.columns, row, strict=True))
            for field in computed:
                told[field.name] = table.writer(field)(org.formulas.value(table, field, values))
        yield told


def take_snapshot(org: "EmulatedOrg") -> dict[str, Any]:
    return _Snapshot(org).take()


class _Snapshot:
    def __init__(self, org: "EmulatedOrg") -> None:
        self._org = org
        self._names: dict[int, str] = {}

    def take(self) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for table in self._org.tables.all():
            if table.name in NOT_CONTENT:
                continue
            if rows := self._rows(table):
                content[table.name] = rows
        if components := self._components():
            content["_components"] = components
        return content

    def _rows(self, table: Table) -> list[dict[str, Any]]:
        told = [field for field in table.stored if self._is_content(field)]
        columns = ", ".join(quoted(column) for column in ["Id", *(field.name for field in told)])
        sql = f"SELECT {columns} FROM {quoted(table.name)} WHERE 1{table.living}"
        rows = []
        for number, *values in self._org.store.execute(sql):
            row = {}
            for field, value in zip(told, values, strict=True):
                if value is None or (value == 0 and field.type == "boolean"):
                    continue
                row[field.name] = self._value(field, value, number)
            rows.append(row)
        return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))

    def _is_content(self, field: Field) -> bool:
        return field.name not in STAMPS and field.auto_number is None

    def _value(self, field: Field, value: Any, number: int) -> Any:
        if field.type == "reference":
            return self._name(value)
        if isinstance(value, bytes):
            return hashlib.sha256(value).hexdigest()
        if isinstance(value, str) and _holds_id(field, value):
            return "(its id)"
        return value

    def _name(self, number: int) -> str:
        """The natural key of a row, with its object."""
        known = self._names.get(number)
        if known is None:
            self._names[number] = ids.to_text(number)  # what a circle of names falls back to
            known = self._names[number] = self._find_name(number)
        return known

    def _find_name(self, number: int) -> str:
        sobject = self._org.schema.by_prefix(ids.prefix_of(number))
        if sobject is None:
            return ids.to_text(number)
        table = self._org.tables[sobject.name]
        found = self._org.store.execute(table.select_sql, (number,))
        if not found:
            return ids.to_text(number)
        row = dict(zip(table.columns, found[0], strict=True))
        parts = [
            str(self._value(sobject.fields[name.lower()], row[name], number))
            for name in self._key(table)
            if row.get(name) is not None
        ]
        return f"{table.name} {' '.join(parts[:1] if table.name == 'PermissionSet' else parts)}"

    def _key(self, table: Table) -> tuple[str, ...]:
        if table.name in KEYS:
            return KEYS[table.name]
        if table.sobject.unique_keys:
            return table.sobject.unique_keys[0]
        content = [field for field in table.stored if self._is_content(field)]
        keys = tuple(field.name for field in content if field.unique or field.external_id)
        return keys or tuple(field.name for field in content if field.name_field)

    def _components(self) -> dict[str, str]:
        rows = self._org.store.execute("SELECT type, full_name, xml FROM _components ORDER BY 1, 2")
        return {f"{kind} {name}": component_digest(xml) for kind, name, xml in rows}


@lru_cache(maxsize=8192)
def component_digest(xml: bytes) -> str:
    """Of what a component says, however its file is laid out and in whatever order its elements come."""
    try:
        told = json.dumps(parse(xml)[1], sort_keys=True).encode()
    except BadXml:
        told = xml
    return hashlib.sha256(told).hexdigest()


def _holds_id(field: Field, value: str) -> bool:
    """Names that were made of an id: of a row without a name, of a profile's own permission set."""
    return field.name in ("Name", "Label") and len(value) in (15, 19) and ids.parse(value[-18:]) is not None
