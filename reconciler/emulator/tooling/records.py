"""Writes of the Tooling API's rows.

What a row is decides where a write goes: a component (its `Metadata`, its `Body`) is written through
its component type, exactly as a deploy would; everything else is a row under the general rules.

Source: Tooling API, "sObject Rows"; "MetadataContainer", "ContainerAsyncRequest" for code in containers.
"""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .. import ids
from ..errors import ApiError, InvalidField, NotFound
from ..metadata import developer_names, shapes
from ..metadata.audit import audit_component
from ..metadata.component_types import ComponentProblem, component_type
from ..metadata_xml import Tree
from ..reading import NotWritable, RequiredFieldMissing
from ..schema import SObject
from ..writes import Transaction, gone
from . import components_of_rows, containers, json_form, packages, virtual
from .view import SHARED, tooling

if TYPE_CHECKING:
    from ..org import EmulatedOrg

Fields = Mapping[str, Any]
CONTENT: dict[str, str] = {
    "ApexClass": "Body",
    "ApexTrigger": "Body",
    "ApexPage": "Markup",
    "ApexComponent": "Markup",
    "StaticResource": "Body",
}
"""The column that holds what the component's file holds."""
ALREADY_BASE64 = frozenset(["StaticResource"])
COLUMNS: dict[str, dict[str, str]] = {
    "ApexClass": {"ApiVersion": "apiVersion", "Status": "status"},
    "ApexTrigger": {"ApiVersion": "apiVersion", "Status": "status"},
    "ApexPage": {"ApiVersion": "apiVersion", "MasterLabel": "label", "Description": "description"},
    "ApexComponent": {"ApiVersion": "apiVersion", "MasterLabel": "label", "Description": "description"},
    "StaticResource": {
        "ContentType": "contentType",
        "CacheControl": "cacheControl",
        "Description": "description",
    },
}
"""Columns that may be written in place of the element of `Metadata`."""
IGNORED = frozenset(["attributes", "TableEnumOrId", "NamespacePrefix"])
DEFAULT_API_VERSION = "64.0"


class FromProblem(ApiError):
    """A component's problem as a refusal of REST."""

    def __init__(self, problem: ComponentProblem) -> None:
        super().__init__(problem.problem, code=problem.status_code, fields=problem.fields)


@contextmanager
def problems_refused() -> Iterator[None]:
    try:
        yield
    except ComponentProblem as problem:
        raise FromProblem(problem) from problem


def find(org: "EmulatedOrg", name: str) -> SObject:
    """The Tooling object of a name. Raises NOT_FOUND."""
    found = tooling(org).schema.get(name)
    if found is None:
        raise NotFound
    return found


def create(org: "EmulatedOrg", tx: Transaction, sobject: SObject, fields: Fields) -> str:
    """Add a row; its id. Raises `ApiError`."""
    if components_of_rows.written_as(sobject.name) and not _is_plain(sobject, fields):
        return _create_component(org, tx, sobject, fields)
    return _insert(org, tx, sobject, fields)


def _is_plain(sobject: SObject, fields: Fields) -> bool:
    """Whether a shared object's row is written as a row: when no part of it is metadata."""
    given = {name.lower() for name in fields}
    return sobject.name in SHARED and sobject.name not in CONTENT and not given & virtual.METADATA


def _insert(org: "EmulatedOrg", tx: Transaction, sobject: SObject, fields: Fields) -> str:
    complex_names = set(virtual.KEPT.get(sobject.name, ()))
    plain = {name: value for name, value in fields.items() if name not in complex_names}
    if sobject.name in SHARED:
        return tx.insert(sobject.name, plain)
    inner = tooling(org).transaction(tx)
    containers.check(inner, sobject.name, plain)
    record_id = inner.insert(sobject.name, plain)
    for name in complex_names & fields.keys():
        if fields[name] is not None:
            virtual.keep(org, ids.parse(record_id) or 0, name, fields[name])
    containers.after_insert(org, tx, sobject.name, record_id)
    packages.after_insert(org, tx, sobject.name, record_id)
    return record_id


def update(org: "EmulatedOrg", tx: Transaction, sobject: SObject, record_id: str, fields: Fields) -> None:
    """Change a row that is there. Raises `ApiError`."""
    if components_of_rows.written_as(sobject.name) and not _is_plain(sobject, fields):
        _update_component(org, tx, sobject, record_id, fields)
    elif sobject.name in SHARED:
        tx.update(sobject.name, record_id, fields)
    else:
        complex_names = set(virtual.KEPT.get(sobject.name, ()))
        plain = {name: value for name, value in fields.items() if name not in complex_names}
        tooling(org).transaction(tx).update(sobject.name, record_id, plain)
        for name in complex_names & fields.keys():
            virtual.keep(org, ids.parse(record_id) or 0, name, fields[name])


def delete(org: "EmulatedOrg", tx: Transaction, sobject: SObject, record_id: str) -> None:
    """Take a row away. Raises `ApiError`."""
    component = components_of_rows.component_of(sobject.name)
    if component and sobject.name not in ("PermissionSet", "PermissionSetGroup", "Profile", "UserRole"):
        full_name = _full_name(org, sobject, record_id)
        with problems_refused():
            component_type(component).delete(tx, full_name)
            audit_component(
                tx, "deleted", components_of_rows.written_as(sobject.name) or component, full_name
            )
    elif sobject.name in SHARED:
        tx.delete(sobject.name, record_id)
    else:
        tooling(org).transaction(tx).delete(sobject.name, record_id)


def _full_name(org: "EmulatedOrg", sobject: SObject, record_id: str) -> str:
    """The component that a row is. Raises for a row that is not there."""
    number = tooling(org).row_number(sobject, record_id)
    found = None if number is None else components_of_rows.full_name(org, sobject.name, number)
    if found is None:
        raise gone(deleted=False)
    return found


# -- components


def _create_component(org: "EmulatedOrg", tx: Transaction, sobject: SObject, fields: Fields) -> str:
    type_name = components_of_rows.written_as(sobject.name) or ""
    full_name = _named(sobject, fields)
    kind = component_type(type_name)
    if sobject.name != "Flow" and kind.read(org, full_name) is not None:
        raise ApiError(
            f"duplicate value found: {_name_column(sobject)} duplicates value on record with id: "
            f"{(components_of_rows.row_id(org, sobject.name, full_name) or '<unknown>')[:15]}",
            code="DUPLICATE_VALUE",
            fields=[],
        )
    tree = _tree(sobject, fields, {})
    _check(type_name, tree, version=None)
    with problems_refused():
        developer_names.check(type_name, full_name)
        written = kind.write(tx, full_name, tree)
        audit_component(tx, "created" if written.created else "changed", type_name, full_name)
    return components_of_rows.row_id(org, sobject.name, full_name) or written.id


def _update_component(
    org: "EmulatedOrg", tx: Transaction, sobject: SObject, record_id: str, fields: Fields
) -> None:
    full_name = _full_name(org, sobject, record_id)
    type_name = components_of_rows.component_of(sobject.name) or ""
    kind = component_type(type_name)
    old = kind.read(org, full_name)
    if old is None:
        raise gone(deleted=False)
    given = {name: value for name, value in fields.items() if name not in IGNORED}
    wanted = given.get("FullName")
    metadata = "Metadata" in given
    tree = _tree(sobject, given, {} if metadata else old)
    if metadata and "content" in old and "content" not in tree:
        tree["content"] = old["content"]
    _check(components_of_rows.written_as(sobject.name) or type_name, tree, version=None)
    with problems_refused():
        if kind.write(tx, full_name, tree).changed:
            audited = components_of_rows.written_as(sobject.name) or type_name
            audit_component(tx, "changed", audited, full_name)
        if isinstance(wanted, str) and wanted and wanted != full_name and sobject.name != "Flow":
            kind.rename(tx, full_name, wanted)


def _named(sobject: SObject, fields: Fields) -> str:
    column = _name_column(sobject)
    for name in ("FullName", column):
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    body = fields.get("Body")
    if isinstance(body, str) and (found := containers.declared_name(sobject.name, body)):
        return found
    raise RequiredFieldMissing([column if sobject.name in CONTENT else "FullName"])


def _name_column(sobject: SObject) -> str:
    return next((each.name for each in sobject.fields.values() if each.name_field), "Name")


def _tree(sobject: SObject, fields: Fields, known: Tree) -> Tree:
    """The component's tree from what was sent: `Metadata`, the columns beside it, the body."""
    columns, content = COLUMNS.get(sobject.name, {}), CONTENT.get(sobject.name)
    tree: Tree = dict(known)
    refused = []
    for name, value in fields.items():
        if name in IGNORED or name in ("FullName", _name_column(sobject)):
            continue
        if name == "Metadata":
            tree = {**json_form.to_tree(value), **{each: tree[each] for each in ("content",) if each in tree}}
        elif name == content:
            tree["content"] = [_encoded(sobject.name, name, value)]
        elif name in columns:
            if value is not None:
                tree[columns[name]] = [str(value)]
        elif sobject.field(name) is None:
            raise InvalidField(f"No such column '{name}' on sobject of type {sobject.name}")
        else:
            refused.append(name)
    if refused:
        raise NotWritable(refused)
    return _with_defaults(sobject, tree)


def _with_defaults(sobject: SObject, tree: Tree) -> Tree:
    """What Salesforce fills in for code that was sent without its settings."""
    if sobject.name in ("ApexClass", "ApexTrigger"):
        return {"apiVersion": [DEFAULT_API_VERSION], "status": ["Active"], **tree}
    if sobject.name in ("ApexPage", "ApexComponent"):
        return {"apiVersion": [DEFAULT_API_VERSION], **tree}
    if sobject.name == "StaticResource":
        return {"cacheControl": ["Private"], **tree}
    return tree


def _encoded(sobject: str, name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise RequiredFieldMissing([name])
    if sobject in ALREADY_BASE64:
        return value
    return base64.b64encode(value.encode()).decode()


def _check(type_name: str, tree: Tree, version: float | None) -> None:
    """Refuse what the type does not allow, and a `Metadata` that is only a part. Raises `ApiError`."""
    if problem := shapes.misfit(type_name, tree, version or shapes.NEWEST):
        raise ApiError(problem, code="JSON_PARSER_ERROR")
    if names := shapes.missing(type_name, tree):
        raise ApiError(
            f"Required fields are missing: [{', '.join(names)}]", code="REQUIRED_FIELD_MISSING", fields=names
        )
