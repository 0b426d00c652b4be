"""One row by its id: create, read, update, delete.

A row that is gone refuses in two ways: reading it is NOT_FOUND, changing it says whether it lies in
the recycle bin (ENTITY_IS_DELETED) or never was (INVALID_CROSS_REFERENCE_KEY), both as 404.

Source: REST API Developer Guide, "sObject Basic Information" and "sObject Rows"; recordings.
"""

from typing import Any

from reconciler.emulator import events, ids
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http import conditional, dml
from reconciler.emulator.http.endpoints import below_rows
from reconciler.emulator.http.endpoints.fields_asked import field_list
from reconciler.emulator.http.message import Reply, Request, no_content, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import SObject


class MalformedId(ApiError):
    """Source: REST API Developer Guide, "Status Codes and Error Responses"."""

    code = "MALFORMED_ID"

    def __init__(self, sobject: SObject, record_id: str) -> None:
        super().__init__(f"{sobject.label} ID: id value of incorrect type: {record_id}", fields=["Id"])


def row_id(org: EmulatedOrg, sobject: SObject, text: str) -> str:
    """The 18-character id in an address. Raises for text that is no id, and for another object's."""
    number = ids.parse(text)
    if number is None:
        raise dml.NoSuchExternalId(text)
    if sobject.key_prefix is not None and ids.prefix_of(number) != sobject.key_prefix:
        raise MalformedId(sobject, text)
    return ids.to_text(number)


@route(
    "POST",
    "/sobjects/{sobject}",
    lacks=["assignment rules (Sforce-Auto-Assign)"],
    media=below_rows.WITH_FILES,
)
def create_record(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """Create one record. Answers 201 with the new 18-character id and its address."""
    target = dml.sobject_of(org, sobject, request)
    fields = below_rows.record_in(request, target)
    with dml.transaction_of(org, request) as transaction:
        dml.check_lock(request, "", fields)
        record_id = transaction.insert(target.name, fields)
        told = events.publish(transaction, target, record_id)
    return created(request, target, record_id, errors=told)


def created(request: Request, sobject: SObject, record_id: str, **more: Any) -> Reply:
    """201, in the form that upserts share."""
    value = {"id": record_id, "success": True, "errors": [], **more}
    return ok(value, 201, Location=f"{request.data_path}/sobjects/{sobject.name}/{record_id}")


@route("GET", "/sobjects/{sobject}/{record_id}")
def read_record(org: EmulatedOrg, request: Request, sobject: str, record_id: str) -> Reply:
    """All fields of a row, or those in `fields`. Honours the conditional headers."""
    target = dml.sobject_of(org, sobject, request)
    try:
        wanted = row_id(org, target, record_id)
    except MalformedId as error:
        raise NotFound from error
    return read_one(org, request, target, wanted)


def read_one(org: EmulatedOrg, request: Request, sobject: SObject, record_id: str) -> Reply:
    """The row with this id, unless the request's conditions say otherwise (304, 412)."""
    version = conditional.row_version(org, request, sobject, record_id)
    if refused := conditional.refuse_read(request, version):
        return refused
    value = org.retrieve(
        sobject.name, record_id, field_list(request), version=request.version, user_id=request.user_id
    )
    return ok(value, 200, **version.headers)


@route(
    "PATCH",
    "/sobjects/{sobject}/{record_id}",
    lacks=["assignment rules"],
    media=below_rows.WITH_FILES,
)
def update_record(org: EmulatedOrg, request: Request, sobject: str, record_id: str) -> Reply:
    """Set fields of a row. Answers 204; 412 when a condition in the headers does not hold."""
    target = dml.sobject_of(org, sobject, request)
    wanted = row_id(org, target, record_id)
    fields = below_rows.record_in(request, target)
    dml.refuse_field_in_body(fields, "Id")
    update_one(org, request, target, wanted, fields)
    return no_content()


def update_one(
    org: EmulatedOrg, request: Request, sobject: SObject, record_id: str, fields: dict[str, Any]
) -> None:
    """Check the conditions and write, in one transaction. Raises."""
    with dml.transaction_of(org, request) as transaction:
        conditional.check_write(org, request, sobject, record_id)
        dml.check_lock(request, record_id, fields)
        transaction.update(sobject.name, record_id, fields)


@route("DELETE", "/sobjects/{sobject}/{record_id}")
def delete_record(org: EmulatedOrg, request: Request, sobject: str, record_id: str) -> Reply:
    """Delete a row. Answers 204."""
    target = dml.sobject_of(org, sobject, request)
    delete_one(org, request, target, row_id(org, target, record_id))
    return no_content()


def delete_one(org: EmulatedOrg, request: Request, sobject: SObject, record_id: str) -> None:
    with dml.transaction_of(org, request) as transaction:
        dml.check_lock(request, record_id, {})
        transaction.delete(sobject.name, record_id)
