"""Records of any object, found by a natural key: one field or several, look-ups among them.

`rows` is a map by key for a key of one field, or a list of rows that name their key fields; `from`
reads rows of a CSV or JSON Lines file, whose columns are field names or paths to a parent's key
(`Account__r.Account_Code__c`). Rows are walked by hand: there may be many thousands.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.model.errors import SpecError
from reconciler.model.keys import ResourceKey
from reconciler.model.plan import Action, Lane, Step
from reconciler.model.source import SourceRef, Written
from reconciler.model.state import Budget, Resource
from reconciler.spec.json_schema import dollar_keys
from reconciler.spec.nodes import ListNode, MapNode, is_null
from reconciler.spec.rows import open_rows
from reconciler.spec.typed import as_text, as_texts, check_key

from .declare import (
    NOTHING_SAID,
    Common,
    Declarations,
    Place,
    Section,
    entries,
    is_api_name,
    make,
    read_budget,
    read_common,
    refuse_name,
    unknown_key,
)
from .fields import Cell, is_empty
from .rows import RowKind

WORDS = ("$key", "rows", "from", "$limit", "$create_only", "$ignore")
DECLARED_ELSEWHERE: Mapping[str, str] = {
    "User": "users",
    "UserLogin": "users",
    "UserRole": "roles",
    "PermissionSet": "permission_sets",
    "PermissionSetAssignment": "permission_sets",
    "ObjectPermissions": "permission_sets",
    "FieldPermissions": "permission_sets",
    "SetupEntityAccess": "permission_sets",
    "PermissionSetGroup": "permission_set_groups",
    "PermissionSetGroupComponent": "permission_set_groups",
    "PermissionSetLicenseAssign": "permission_set_licenses",
    "Group": "public_groups or queues",
    "GroupMember": "public_groups or queues",
    "QueueSobject": "queues",
}
"""Objects with a section of their own, which knows their rules."""


def declare(node: MapNode, into: Declarations) -> None:
    for sobject, body in entries(node, "records", into):
        if sobject in DECLARED_ELSEWHERE:
            into.problem(
                f"{sobject} is not declared under records",
                node.key_source(sobject),
                f"declare it under {DECLARED_ELSEWHERE[sobject]}",
            )
            continue
        _declare_object(sobject, body, node.key_source(sobject), into)


@dataclass(frozen=True, slots=True)
class _Table:
    """What all rows of one entry under `records` share."""

    sobject: str
    source: SourceRef
    key_fields: tuple[str, ...]
    shared: Common
    budget: Budget | None


def _declare_object(sobject: str, body: MapNode, source: SourceRef, into: Declarations) -> None:
    label = f"records of {sobject}"
    for key in body:
        if key not in WORDS:
            unknown_key(key, WORDS, label, body.key_source(key), into)
    key_fields = _key_fields(sobject, body, into)
    if key_fields is None:
        return
    shared = Common()
    for word in ("$create_only", "$ignore"):
        if word in body:
            part = MapNode.made({word: body[word]}, body.value_source(word))
            said = read_common(part, into, label)
            shared.create_only |= said.create_only
            shared.ignore |= said.ignore
    budget = None
    if "$limit" in body:
        budget = read_budget(body["$limit"], label, body.value_source("$limit"), into)
    table = _Table(sobject, source, key_fields, shared, budget)
    if "rows" in body:
        _declare_rows(table, body, into)
    if "from" in body:
        _declare_file(table, body, into)
    if "rows" not in body and "from" not in body:
        into.problem(f"{label} name no rows", body.source, "add rows: or from:")


def _key_fields(sobject: str, body: MapNode, into: Declarations) -> tuple[str, ...] | None:
    value = body.get("$key")
    if value is None or is_null(value):
        into.problem(
            f"records of {sobject} need a $key",
            body.source,
            "write $key: and the field that finds a row in any org",
        )
        return None
    where = body.value_source("$key")
    before = len(into.problems)
    names: list[str] = []
    for text, place in as_texts(value, where, "'$key'", into.problems) or ():
        if text.lower() == "id":
            into.problem("record ids differ in every org", place, "choose a field with a value of your own")
        elif text.lower() in [each.lower() for each in names]:
            into.problem(f"'$key' names {text} twice", place, "keep one of the two")
        elif "." in text or not text.strip():
            into.problem(
                f"'$key' must name fields of {sobject}, found '{text}'",
                place,
                "name a field, or the relationship to a parent: its key stands in the row",
            )
        names.append(Written.at(text, place))
    if len(into.problems) > before:
        return None
    if not names:
        into.problem("'$key' names no field", where, "write the field that finds a row in any org")
        return None
    return tuple(names)


def _declare_rows(table: _Table, body: MapNode, into: Declarations) -> None:
    rows, sobject, key_fields = body["rows"], table.sobject, table.key_fields
    if isinstance(rows, ListNode):
        for at, row in enumerate(rows):
            if not isinstance(row, MapNode):
                into.problem(
                    f"a row of {sobject} must be a map", rows.item_source(at), "write {Field: value}"
                )
                continue
            fields = {name: value for name, value in row.items() if name[0] != "$"}
            _add(table, fields, row, row, into)
        return
    if not isinstance(rows, MapNode):
        into.problem(
            f"rows of {sobject} must be a map or a list", body.value_source("rows"), "write one key a line"
        )
        return
    if len(key_fields) != 1:
        into.problem(
            f"rows of {sobject} with a key of several fields must be a list",
            body.value_source("rows"),
            "write - {" + ": ..., ".join(key_fields) + ": ...}",
        )
        return
    (key_field,) = key_fields
    for key, row in rows.items():
        if key[0:1] == "$" or not key:  # the reader has refused an empty key
            continue
        check_key(rows, key, f"rows of {sobject}", into.problems)
        if isinstance(row, MapNode):
            fields = {name: value for name, value in row.items() if name[:1] != "$"}
            if key_field in fields:
                into.problem(
                    f"'{key_field}' is the key of {sobject} and stands before the colon already",
                    row.key_source(key_field),
                    "leave it out of the row",
                )
                continue
        elif is_null(row):
            row, fields = MapNode.made({}, rows.key_source(key)), {}
        else:
            into.problem(
                f"row '{key}' of {sobject} must be a map", rows.value_source(key), "write {Field: value}"
            )
            continue
        _add(table, {key_field: Cell(key), **fields}, row, row, into)


def _declare_file(table: _Table, body: MapNode, into: Declarations) -> None:
    where = body.value_source("from")
    path = as_text(body["from"], where, "'from'", into.problems)
    if path is None:
        return
    content = hashlib.sha256()
    try:
        name = (Path(where.file).parent / path).as_posix()
        columns = _Columns(table, name, has_header=path.lower().endswith(".csv"))
        for line, cells in open_rows(path, where, into.root):
            content.update(repr(list(cells.items())).encode())
            if columns.are_usable(cells, line, into):
                _add(table, columns.nested(cells), None, Place(SourceRef(name, line, 1)), into)
    except SpecError as error:
        into.problems.extend(error.problems)
    into.record_files[f"{table.sobject} {path}"] = content.hexdigest()


class _Columns:
    """The columns of a record file: a wrong one is told once, at the header or where it is met first."""

    def __init__(self, table: _Table, file: str, *, has_header: bool) -> None:
        self.table = table
        self.file = file
        self.has_header = has_header
        self.names: dict[str, Written] = {}
        self.usable = True

    def are_usable(self, cells: Mapping[str, str], line: int, into: Declarations) -> bool:
        if self.names.keys() >= cells.keys():
            return self.usable
        where = SourceRef(self.file, 1 if self.has_header else line, 1)
        for column in cells:
            if column not in self.names:
                self.names[column] = Written.at(column, where)
                relationship = column.partition(".")[0]
                self.names.setdefault(relationship, Written.at(relationship, where))
                self._check(column, where, into)
        if self.has_header:
            lacking = [name for name in self.table.key_fields if name not in self.names]
            for name in lacking:
                what = f"the columns of {self.table.sobject} lack its key field '{name}'"
                into.problem(what, where, f"add a column {name}, or choose another $key")
            self.usable = self.usable and not lacking
        return self.usable

    def _check(self, column: str, where: SourceRef, into: Declarations) -> None:
        if all(is_api_name(part) for part in column.split(".")):
            return
        self.usable = False
        into.problem(
            f"the column '{column}' is no field of Salesforce",
            where,
            "name it by its API name, or by a path to a parent's key, as in Account__r.Code__c",
        )

    def nested(self, cells: Mapping[str, str]) -> dict[str, Any]:
        """Columns like `Account__r.Code__c` as the map that a row in YAML would hold; blank: no parent."""
        fields: dict[str, Any] = {}
        for column, text in cells.items():
            cell = Cell(text)
            if "." not in column:
                fields[self.names[column]] = cell
                continue
            relationship, _, path = column.partition(".")
            name = self.names[relationship]
            if not cell or cell == "#N/A":
                fields.setdefault(name, None)
                continue
            parent = fields.get(name)
            if parent is None:
                parent = fields[name] = {}
            parent[path] = cell
        return fields


def _add(table: _Table, fields: dict[str, Any], row: MapNode | None, origin: Any, into: Declarations) -> None:
    sobject, key_fields, shared = table.sobject, table.key_fields, table.shared
    if row is not None:
        for name in fields:
            if not is_api_name(name):
                refuse_name(name, sobject, row.key_source(name), into)
    identity: dict[str, Any] = {}
    parts: list[str] = []
    for name in key_fields:
        if name not in fields:
            into.problem(
                f"a row of {sobject} lacks its key field '{name}'", origin.source, f"add {name}: to the row"
            )
            return
        identity[name] = value = fields.pop(name)
        parts.append(_part(value))
    if not all(parts):
        into.problem(
            f"a row of {sobject} has an empty key", origin.source, f"fill in {', '.join(key_fields)}"
        )
        return
    common = NOTHING_SAID if row is None else read_common(row, into, f"{sobject} '{parts[0]}'")
    resource = make("Record", sobject, ResourceKey(sobject, tuple(parts)), identity, fields, origin, common)
    if shared.create_only or shared.ignore:
        resource.create_only |= shared.create_only
        resource.ignore |= shared.ignore
    if resource.budget is None:
        resource.budget = table.budget
    resource.object_source = table.source
    if row is not None and common.was is not None:
        _set_former(resource, key_fields, row, into)
    into.add(resource)


def _set_former(resource: Resource, key_fields: tuple[str, ...], row: MapNode, into: Declarations) -> None:
    was = row["$was"]
    where = row.value_source("$was")
    if len(key_fields) == 1 and not isinstance(was, MapNode | ListNode):
        former = as_text(was, where, "'$was'", into.problems)
        if former is None:
            return
        resource.was = {key_fields[0]: Cell(former)}
    elif isinstance(was, MapNode) and set(was) == set(key_fields):
        resource.was = {name: was[name] for name in key_fields}
    else:
        into.problem(
            f"$was of {resource.key.address} must name the former key",
            where,
            "write {" + ": ..., ".join(key_fields) + ": ...}",
        )
        return
    parts = tuple(_part(value) for value in resource.was.values())
    if parts == resource.key.name or not all(parts):
        into.problem(
            f"$was of {resource.key.address} must name a former key, another than this",
            where,
            "write the key that the row had, or take it out",
        )


def _part(value: Any) -> str:
    """The value as a part of an address: text, or the parts of a parent's key."""
    if isinstance(value, Mapping):
        return ",".join(_part(each) for each in value.values())
    return "" if is_empty(value) or not str(value).strip() else str(value)


def _schema() -> dict[str, Any]:
    row = {
        "type": "object",
        "properties": dollar_keys(),
        "patternProperties": {r"^[A-Za-z][A-Za-z0-9_]*$": {}},
        "additionalProperties": False,
    }
    name_or_names = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    body = {
        "type": "object",
        "required": ["$key"],
        "anyOf": [{"required": ["rows"]}, {"required": ["from"]}],
        "properties": {
            **dollar_keys("$for_each", "$when"),
            "$key": {**name_or_names, "description": "the field or fields that find a row in any org"},
            "rows": {
                "anyOf": [
                    {
                        "type": "object",
                        "properties": dollar_keys("$when"),
                        "additionalProperties": {"anyOf": [row, {"type": "null"}]},
                    },
                    {"type": "array", "items": row},
                ]
            },
            "from": {"type": "string", "description": "a CSV or JSON Lines file beside this one"},
            "$limit": {"type": ["integer", "string"]},
            "$create_only": name_or_names,
            "$ignore": name_or_names,
        },
        "additionalProperties": False,
    }
    return {"type": "object", "description": "Records by object", "additionalProperties": body}


SECTION = Section("records", declare, _schema)


class Record(RowKind):
    name = "Record"
    lane = Lane.ORDINARY

    def is_repeatable(self, step: Step) -> bool:
        """A create is, where a field of the key is unique in the org."""
        if step.action is not Action.CREATE:
            return True
        info = self.describes.known(step.sobject)
        return any((field := info.field(name)) is not None and field.unique for name in step.identity)
