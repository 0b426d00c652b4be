"""One row by an external id: read, upsert, delete.

An upsert that creates answers 201, one that updates 200; before version 46 neither said `created`
and an update answered 204. When several rows have the value nothing is written and the answer, 300,
lists their addresses.

Source: REST API Developer Guide, "sObject Rows by External ID"; recordings.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.errors import NotFound
from reconciler.emulator.http import conditional, dml
from reconciler.emulator.http.endpoints import below_rows, rows
from reconciler.emulator.http.message import Reply, Request, no_content, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.reading import MultipleMatches
from reconciler.emulator.schema import Field, SObject
from reconciler.emulator.store import quoted

CREATED_SINCE = 46
"""First version whose upserts tell `created`."""

NUMBERS = ("double", "int", "currency", "percent", "long")


def key_field(sobject: SObject, name: str) -> Field:
    """The external id field of an address. Raises NOT_FOUND for a field that does not identify rows."""
    field = sobject.field(name)
    if field is None or not (field.external_id or field.id_lookup or field.name == "Id"):
        raise dml.NoSuchExternalId(name)
    return field


def find_rows(org: EmulatedOrg, sobject: SObject, field: Field, value: str) -> list[str]:
    """Ids of the living rows with this value, compared as the field compares."""
    wanted: Any = value
    if field.type in ("id", "reference"):
        wanted = ids.parse(value)
    elif field.type in NUMBERS:
        try:
            wanted = float(value)
        except ValueError:
            return []
    living = ' AND "IsDeleted" = 0' if sobject.field("IsDeleted") else ""
    sql = f'SELECT "Id" FROM {quoted(sobject.name)} WHERE {quoted(field.name)} = ?{living} ORDER BY "Id"'
    return [ids.to_text(number) for (number,) in org.store.execute(sql, (wanted,))]


def _several(request: Request, sobject: SObject, record_ids: list[str]) -> Reply:
    return ok([f"{request.data_path}/sobjects/{sobject.name}/{each}" for each in record_ids], 300)


def _the_row(org: EmulatedOrg, request: Request, sobject: SObject, field: Field, value: str) -> str | Reply:
    found = find_rows(org, sobject, field, value)
    if not found:
        raise NotFound
    return found[0] if len(found) == 1 else _several(request, sobject, found)


@route("GET", "/sobjects/{sobject}/{field}/{value}")
def read_by_external_id(org: EmulatedOrg, request: Request, sobject: str, field: str, value: str) -> Reply:
    """The row with this external id, 300 and the addresses when there are several; or a part of a row."""
    target = dml.sobject_of(org, sobject, request)
    below = below_rows.find(org, request, target, field, value)
    if below is not None:
        return below
    found = _the_row(org, request, target, key_field(target, field), value)
    return found if isinstance(found, Reply) else rows.read_one(org, request, target, found)


@route("PATCH", "/sobjects/{sobject}/{field}/{value}", lacks=["assignment rules"])
def upsert_record(org: EmulatedOrg, request: Request, sobject: str, field: str, value: str) -> Reply:
    """Update the row with this external id, or create it; never with `updateOnly=true`."""
    target = dml.sobject_of(org, sobject, request)
    key = key_field(target, field)
    fields = dml.record_fields(request.json)
    dml.refuse_field_in_body(fields, key.name)
    if key.name != "Id":
        dml.refuse_field_in_body(fields, "Id")
    try:
        record_id, created = _upsert(org, request, target, key, value, fields)
    except MultipleMatches as several:
        return _several(request, target, several.ids)
    more = {"created": created} if request.version_number >= CREATED_SINCE else {}
    if created:
        return rows.created(request, target, record_id, **more)
    if request.version_number < CREATED_SINCE:
        return no_content()
    reply = rows.created(request, target, record_id, **more)
    reply.status = 200
    return reply


def _upsert(
    org: EmulatedOrg, request: Request, sobject: SObject, key: Field, value: str, fields: dict[str, Any]
) -> tuple[str, bool]:
    update_only = request.params.get("updateOnly", "").lower() == "true"
    with dml.transaction_of(org, request) as transaction:
        if key.name == "Id":
            record_id = rows.row_id(org, sobject, value)
            dml.check_lock(request, record_id, fields)
            rows.update_one(org, request, sobject, record_id, fields)
            return record_id, False
        found = find_rows(org, sobject, key, value)
        for record_id in found[:1]:
            conditional.check_write(org, request, sobject, record_id)
        dml.check_lock(request, found[0] if found else "", {**fields, key.name: value})
        return transaction.upsert(sobject.name, key.name, value, fields, update_only=update_only)


@route("DELETE", "/sobjects/{sobject}/{field}/{value}")
def delete_by_external_id(org: EmulatedOrg, request: Request, sobject: str, field: str, value: str) -> Reply:
    """Delete the row with this external id."""
    target = dml.sobject_of(org, sobject, request)
    found = _the_row(org, request, target, key_field(target, field), value)
    if isinstance(found, Reply):
        return found
    rows.delete_one(org, request, target, found)
    return no_content()
