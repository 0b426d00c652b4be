"""Rows of the Tooling API by their id.

Source: Tooling API, "sObject Rows"; bodies of logs as the public apex library reads them.
"""

from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http import dml
from reconciler.emulator.http.endpoints.composite import composite
from reconciler.emulator.http.endpoints.fields_asked import field_list
from reconciler.emulator.http.endpoints.tooling_access import check_customizes
from reconciler.emulator.http.endpoints.tooling_queries import tooling_path
from reconciler.emulator.http.message import Reply, Request, no_content, ok, text_reply
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import SObject
from reconciler.emulator.tooling import records, view, virtual


def row_id(sobject: SObject, text: str) -> str:
    """The 18-character id in an address. Raises for text that is no id of the object."""
    number = ids.parse(text)
    if number is None or ids.prefix_of(number) != sobject.key_prefix:
        raise ApiError(
            f"{sobject.label} ID: id value of incorrect type: {text}", code="MALFORMED_ID", fields=["Id"]
        )
    return ids.to_text(number)


@route("POST", "/tooling/sobjects/{sobject}", lacks=["objects whose rows Salesforce makes by itself"])
def create_record(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """Make a component or a row. Answers 201 with its id."""
    target = records.find(org, sobject)
    fields = dml.record_fields(request.json)
    check_customizes(org, request.user_id)
    with dml.transaction_of(org, request) as transaction:
        record_id = records.create(org, transaction, target, fields)
    value = {"id": record_id, "success": True, "errors": [], "warnings": [], "infos": []}
    return ok(value, 201, Location=f"{tooling_path(request)}/sobjects/{target.name}/{record_id}")


@route("GET", "/tooling/sobjects/{sobject}/{record_id}")
def read_record(org: EmulatedOrg, request: Request, sobject: str, record_id: str) -> Reply:
    """All fields of a row with its `Metadata`, or those in `fields`."""
    target = records.find(org, sobject)
    try:
        wanted = row_id(target, record_id)
    except ApiError as error:
        raise NotFound from error
    names = field_list(request) or [each.name for each in view.own_fields(target)]
    soql = f"SELECT {', '.join(names)} FROM {target.name} WHERE Id = '{wanted}'"  # noqa: S608 - SOQL
    found = view.tooling(org).query(soql, user_id=request.user_id, version=request.version).records
    if not found:
        raise NotFound
    return ok(found[0])


@route("PATCH", "/tooling/sobjects/{sobject}/{record_id}")
def update_record(org: EmulatedOrg, request: Request, sobject: str, record_id: str) -> Reply:
    """Change a component (its whole `Metadata`) or a row. Answers 204."""
    target = records.find(org, sobject)
    wanted = row_id(target, record_id)
    fields = dml.record_fields(request.json)
    dml.refuse_field_in_body(fields, "Id")
    check_customizes(org, request.user_id)
    with dml.transaction_of(org, request) as transaction:
        dml.check_lock(request, wanted, fields)
        records.update(org, transaction, target, wanted, fields)
    return no_content()


@route("DELETE", "/tooling/sobjects/{sobject}/{record_id}")
def delete_record(org: EmulatedOrg, request: Request, sobject: str, record_id: str) -> Reply:
    """Delete a component or a row. Answers 204."""
    target = records.find(org, sobject)
    wanted = row_id(target, record_id)
    check_customizes(org, request.user_id)
    with dml.transaction_of(org, request) as transaction:
        dml.check_lock(request, wanted, {})
        records.delete(org, transaction, target, wanted)
    return no_content()


@route("GET", "/tooling/sobjects/{sobject}/{record_id}/{field}")
def read_field(org: EmulatedOrg, request: Request, sobject: str, record_id: str, field: str) -> Reply:
    """What a row holds as text: the body of a log, of a class."""
    target = records.find(org, sobject)
    number = view.tooling(org).row_number(target, row_id(target, record_id))
    if number is None:
        raise NotFound
    value: Any = virtual.kept(org, number, field)
    if value is None:
        known = target.field(field)
        if known is None or not known.stored:
            raise NotFound
        table = view.tooling(org).tables[target.name]
        row = dict(zip(table.columns, org.store.execute(table.select_sql, (number,))[0], strict=True))
        value = row[known.name]
    if isinstance(value, bytes):
        return Reply(raw=value, content_type="application/octet-stream")
    return text_reply(200, str(value or ""), "text/plain;charset=UTF-8")


@route("POST", "/tooling/composite", lacks=["subrequests to resources other than rows and queries"])
def tooling_composite(org: EmulatedOrg, request: Request) -> Reply:
    """Subrequests to the Tooling API, in order; as the data API's composite."""
    return composite(org, request)
