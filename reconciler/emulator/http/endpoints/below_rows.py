"""What lies below a row's address: the content of its files, the rows it is related to.

The address has the form of an external id's, `/sobjects/Attachment/00P…/Body`; the first segment being an
id of the object tells them apart.

Source: REST API Developer Guide, "sObject Blob Get", "sObject Relationships", "Insert or Update Blob Data".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import base64
from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http import dml
from reconciler.emulator.http.endpoints.fields_asked import field_list
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.multipart import MEDIA, read_parts
from reconciler.emulator.http.routing import JSON_ONLY
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field, SObject
from reconciler.emulator.store import quoted

OCTETS = "application/octet-stream"
WITH_FILES = (*JSON_ONLY, MEDIA)
TYPE_FIELD = "ContentType"
"""The field, where an object has it, that says of what type its file is."""


def find(org: EmulatedOrg, request: Request, sobject: SObject, first: str, second: str) -> Reply | None:
    """The answer for `first/second` below an object; None when these name no part of a row."""
    number = ids.parse(first)
    if number is None or sobject.key_prefix is None or ids.prefix_of(number) != sobject.key_prefix:
        return None
    field = sobject.field(second)
    if field is not None and field.type == "base64":
        return _content(org, request, sobject, number, field)
    if (parent := sobject.parent_path(second)) is not None:
        return _parent(org, request, sobject, number, parent)
    children = dml.schema_of(org, request).children_of(sobject.name)
    child = next((each for each in children if (each.name or "").lower() == second.lower()), None)
    return None if child is None else _children(org, request, child.child, child.field, number)


def _content(org: EmulatedOrg, request: Request, sobject: SObject, number: int, field: Field) -> Reply:
    org.retrieve(sobject.name, ids.to_text(number), ["Id"], user_id=request.user_id)
    kind = quoted(TYPE_FIELD) if sobject.field(TYPE_FIELD) else "NULL"
    sql = f'SELECT {quoted(field.name)}, {kind} FROM {quoted(sobject.name)} WHERE "Id" = ?'
    content, content_type = org.store.execute(sql, (number,))[0]
    if content is None:
        raise NotFound
    return Reply(status=200, raw=bytes(content), content_type=content_type or OCTETS)


def _parent(org: EmulatedOrg, request: Request, sobject: SObject, number: int, field: Field) -> Reply:
    row = org.retrieve(sobject.name, ids.to_text(number), [field.name], user_id=request.user_id)
    parent = row[field.name]
    target = org.schema.by_prefix(parent[:3]) if parent else None
    if target is None:
        raise NotFound
    return ok(
        org.retrieve(
            target.name, parent, field_list(request), version=request.version, user_id=request.user_id
        )
    )


def _children(org: EmulatedOrg, request: Request, child: str, field: str, number: int) -> Reply:
    asked = field_list(request) or [
        each.name for each in dml.schema_of(org, request)[child].fields.values() if each.type != "base64"
    ]
    soql = f"SELECT {', '.join(asked)} FROM {child} WHERE {field} = '{ids.to_text(number)}'"
    found = org.query(soql, user_id=request.user_id, version=request.version)
    return ok({"totalSize": found.total_size, "done": True, "records": found.records})


# -- writing files


def record_in(request: Request, sobject: SObject) -> dict[str, Any]:
    """The fields of a record in a body, with its file where the body has one."""
    if not request.headers.find("content-type").strip().lower().startswith(MEDIA):
        return dml.record_fields(request.json)
    fields: dict[str, Any] = {}
    for part in read_parts(request):
        if part.content_type == "application/json" and sobject.field(part.name) is None:
            fields |= dml.record_fields(Request(method="POST", path="", body=part.content).json)
        else:
            fields |= _file(sobject, part.name, part.filename, part.content)
    return fields


def _file(sobject: SObject, name: str, filename: str | None, content: bytes) -> dict[str, Any]:
    field = sobject.field(name)
    if field is None or field.type != "base64":
        raise ApiError(f"No such column '{name}' on sobject of type {sobject.name}", code="INVALID_FIELD")
    fields: dict[str, Any] = {field.name: base64.b64encode(content).decode("ascii")}
    if filename and sobject.name == "ContentVersion":
        fields = {"PathOnClient": filename, **fields}
    return fields
