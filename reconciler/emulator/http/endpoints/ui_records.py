"""The UI API's records: read with what a page shows in place of their values, created, changed, deleted.

A refused write is told as one object whose `output` sorts the errors by field; other refusals are a list.

Source: User Interface API Developer Guide, "Get a Record", "Get Child Records", "Create a Record", "Update a
Record", "Delete a Record", "Error with Output"; answers and refusals of real orgs that were published.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http import conditional, dml
from reconciler.emulator.http.endpoints.ui_layouts import fields_of_layouts
from reconciler.emulator.http.message import Reply, Request, no_content, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.http.ui_form import (
    IllegalParameter,
    NoAccess,
    batch,
    name_fields,
    object_of,
    record_type_id,
    tag,
    target_of,
    type_infos,
    value_of,
    zone_of,
)
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.rules.guards import Asked
from reconciler.emulator.schema import Field, SObject

FAILED = {
    "POST": "An error occurred while trying to create the record. Please try again.",
    "PATCH": "An error occurred while trying to update the record. Please try again.",
    "DELETE": "An error occurred while trying to delete the record. Please try again.",
}
STAMPS = ("LastModifiedById", "LastModifiedDate", "SystemModstamp", "RecordTypeId")
CHILD_ROWS, MOST_CHILD_ROWS = 5, 1999
LACKS = ["child relationships of records in the record itself"]
TEXTS = ("string", "textarea", "picklist", "multipicklist", "phone", "email", "url", "reference", "combobox")


class NothingAsked(ApiError):
    code = "INVALID_INPUT_COMBINATION"

    def __init__(self) -> None:
        super().__init__("Must provide either 'fields' or 'layoutTypes'.")


class BodyNotUnderstood(ApiError):
    code = "POST_BODY_PARSE_ERROR"


# -- reading


@route("GET", "/ui-api/records/{record_id}", lacks=LACKS)
def read_record(org: EmulatedOrg, request: Request, record_id: str) -> Reply:
    """The fields in `fields` and those of `optionalFields` that there are, or those of `layoutTypes`."""
    target = target_of(org, request, record_id)
    return ok(record_of(org, request, record_id, asked_paths(org, request, target)))


@route("GET", "/ui-api/records/batch/{record_ids}", lacks=LACKS)
def read_records(org: EmulatedOrg, request: Request, record_ids: str) -> Reply:
    """Several records; each result has its own status."""

    def make(record_id: str) -> dict[str, Any]:
        target = target_of(org, request, record_id)
        return record_of(org, request, record_id, asked_paths(org, request, target))

    return ok(batch(record_ids, make))


def asked_paths(org: EmulatedOrg, request: Request, target: SObject, *, layouts: bool = False) -> list[str]:
    """The paths below the object that a request asks for. Raises for a required one of another object.

    A required one that there is not stays among them: the query that reads the row refuses it.
    """
    fields, optional = (
        [each.strip() for each in request.params.get(name, "").split(",") if each.strip()]
        for name in ("fields", "optionalFields")
    )
    paths = []
    if layouts or "layoutTypes" in request.params:
        paths += fields_of_layouts(org, request, target, None)
    elif not fields and not optional:
        raise NothingAsked
    for name in fields:
        owner, _, path = name.partition(".")
        if owner.lower() != target.name.lower() or not path:
            raise IllegalParameter(f"{name} is not a valid field of {target.name}")
        paths.append(path)
    for name in optional:
        owner, _, path = name.partition(".")
        if owner.lower() == target.name.lower() and _exists(org, request, target, path):
            paths.append(path)
    return list(dict.fromkeys(paths))


def _exists(org: EmulatedOrg, request: Request, sobject: SObject, path: str) -> bool:
    first, dot, rest = path.partition(".")
    if not dot:
        return sobject.field(first) is not None
    parent = sobject.parent_path(first)
    schema = dml.schema_of(org, request)
    targets = [found for name in (parent.reference_to if parent else ()) if (found := schema.get(name))]
    return any(_exists(org, request, target, rest) for target in targets)


def record_of(org: EmulatedOrg, request: Request, record_id: str, paths: list[str]) -> dict[str, Any]:
    """One record with the values at these paths. Raises NOT_FOUND, INSUFFICIENT_ACCESS, INVALID_FIELD."""
    target = target_of(org, request, record_id)
    rows = _rows(org, request, target, paths, f"Id = '{dml.same_id(record_id)}'")
    if not rows:
        raise NoAccess if org.rows(target.name, Id=dml.same_id(record_id)) else NotFound
    return Shown(org, request).record(target, rows[0], paths)


def _rows(
    org: EmulatedOrg, request: Request, sobject: SObject, paths: list[str], where: str
) -> list[dict[str, Any]]:
    stamps = [name for name in STAMPS if sobject.field(name)]
    select = list(dict.fromkeys(["Id", *(_spelled(sobject, path) for path in paths), *stamps]))
    soql = f"SELECT {', '.join(select)} FROM {sobject.name} WHERE {where}"  # noqa: S608 - SOQL of known names
    return list(org.query(soql, user_id=request.user_id, version=request.version).records)


def _spelled(sobject: SObject, path: str) -> str:
    field = sobject.field(path)
    return field.name if field else path


class Shown:
    """Rows of queries as the UI API shows them to one user."""

    def __init__(self, org: EmulatedOrg, request: Request) -> None:
        self.org, self.request = org, request
        self.zone = zone_of(org, request.user_id)

    def record(self, sobject: SObject, row: dict[str, Any], paths: list[str]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for path in paths:
            first, dot, _ = path.partition(".")
            if dot:
                name = next((key for key in row if key.lower() == first.lower()), first)
                fields[name] = self._parent(row.get(name), first, paths)
            elif (field := sobject.field(first)) and field.name in row:
                fields[field.name] = value_of(field, row[field.name], self.zone)
        own_type = record_type_id(sobject, row)
        infos = type_infos(self.org, self.request, sobject) if row.get("RecordTypeId") else {}
        value = {
            "apiName": sobject.name,
            "childRelationships": {},
            "fields": dict(sorted(fields.items())),
            "id": row.get("Id") or row["attributes"]["url"].rpartition("/")[2],
            "lastModifiedById": row.get("LastModifiedById"),
            "lastModifiedDate": _moment(row.get("LastModifiedDate")),
            "recordTypeId": own_type,
            "recordTypeInfo": infos.get(own_type or ""),
            "systemModstamp": _moment(row.get("SystemModstamp")),
        }
        stamps = {"eTag": tag(value), "weakEtag": _milliseconds(row.get("SystemModstamp"))}
        return dict(sorted({**value, **stamps}.items()))

    def _parent(self, parent: dict[str, Any] | None, first: str, paths: list[str]) -> dict[str, Any]:
        if parent is None:
            return {"displayValue": None, "value": None}
        target = self.org.schema[parent["attributes"]["type"]]
        deeper = [each.partition(".")[2] for each in paths if each.partition(".")[0].lower() == first.lower()]
        named = [*(each for each in ("Name",) if each in parent), *name_fields(target)]
        label = next((parent[each] for each in named if each in parent), None)
        return {
            "displayValue": label,
            "value": self.record(target, parent, [each for each in deeper if each]),
        }


def _milliseconds(stamp: str | None) -> int:
    return int(datetime.fromisoformat(stamp).timestamp() * 1000) if stamp else 0


def _moment(value: Any) -> Any:
    return value.replace("+0000", "Z") if isinstance(value, str) else value


@route("GET", "/ui-api/records/{record_id}/child-relationships/{name}", lacks=["sorting"])
def read_children(org: EmulatedOrg, request: Request, record_id: str, name: str) -> Reply:
    """A page of the rows below a record over a relationship."""
    target = target_of(org, request, record_id)
    schema = dml.schema_of(org, request)
    relation = next((each for each in schema.children_of(target.name) if each.name == name), None)
    if relation is None:
        raise NotFound
    owner = object_of(org, request, relation.child)
    size = number_of(request, "pageSize", CHILD_ROWS, 1, MOST_CHILD_ROWS)
    page = number_of(request, "page", 1, 1, 10**6)
    paths = list(dict.fromkeys(["Id", *asked_paths(org, request, owner)]))
    where = f"{relation.field} = '{dml.same_id(record_id)}' ORDER BY Id"
    rows = _rows(org, request, owner, paths, f"{where} LIMIT {size + 1} OFFSET {(page - 1) * size}")
    shown = Shown(org, request)
    records = [shown.record(owner, row, paths) for row in rows[:size]]
    url = f"{request.data_path}/ui-api/records/{dml.same_id(record_id)}/child-relationships/{name}"
    fields = f"fields={request.params.get('fields', '')}"

    def at(number: int | None) -> str | None:
        return None if number is None else f"{url}?{fields}&page={number}&pageSize={size}"

    after = page + 1 if len(rows) > size else None
    before = page - 1 if page > 1 else None
    return ok(
        {
            "count": len(records),
            "currentPageToken": str(page),
            "currentPageUrl": at(page),
            "nextPageToken": str(after) if after else None,
            "nextPageUrl": at(after),
            "previousPageToken": str(before) if before else None,
            "previousPageUrl": at(before),
            "records": records,
        }
    )


def number_of(request: Request, name: str, default: int, least: int, most: int) -> int:
    written = request.params.get(name, str(default))
    if not written.isdigit() or not least <= int(written) <= most:
        raise IllegalParameter(f"{name} should be between {least} and {most}: {written}")
    return int(written)


# -- writing


@route("POST", "/ui-api/records")
def create_record(org: EmulatedOrg, request: Request) -> Reply:
    """Create the record of `apiName` with `fields`; it is answered with the fields of its layout."""
    body = _body(request)
    if not body.get("apiName"):
        raise IllegalParameter("apiName is required for POST.")
    target = object_of(org, request, str(body["apiName"]))
    fields = _fields(target, body)
    try:
        with dml.transaction_of(org, request) as transaction:
            transaction.duplicates_asked = _duplicates_asked(request, body)
            record_id = transaction.insert(target.name, fields)
    except ApiError as error:
        return _refused("POST", target, error)
    return ok(_written(org, request, target, record_id, fields), 201)


@route("PATCH", "/ui-api/records/{record_id}")
def update_record(org: EmulatedOrg, request: Request, record_id: str) -> Reply:
    """Set the fields in `fields`; the record is answered with the fields of its layout."""
    target = target_of(org, request, record_id)
    body = _body(request)
    fields = _fields(target, body)
    wanted = dml.same_id(record_id)
    with dml.transaction_of(org, request) as transaction:
        transaction.duplicates_asked = _duplicates_asked(request, body)
        try:
            with transaction.savepoint():
                _check_condition(org, request, target, wanted)
                transaction.update(target.name, wanted, {k: v for k, v in fields.items() if k != "Id"})
        except ApiError as error:
            return _refused("PATCH", target, error)
    return ok(_written(org, request, target, wanted, fields))


def _duplicates_asked(request: Request, body: Mapping[str, Any]) -> Asked:
    """A body says what a header says elsewhere."""
    allowed = body.get("allowSaveOnDuplicate") is True
    return replace(dml.duplicates_asked(request), allow_save=allowed)


class Collision(ApiError):
    """Somebody else wrote since the time of `If-Unmodified-Since`."""

    code = "CollisionDetectedException"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"This record was modified by {name} during your edit session. Make a note of the data you "
            "entered, then reload the record and enter your updates again."
        )


def _check_condition(org: EmulatedOrg, request: Request, sobject: SObject, record_id: str) -> None:
    try:
        conditional.check_write(org, request, sobject, record_id)
    except conditional.PreconditionFailed as error:
        row = org.retrieve(sobject.name, record_id, ["LastModifiedById"])
        raise Collision(org.retrieve("User", row["LastModifiedById"], ["Name"])["Name"]) from error


@route("DELETE", "/ui-api/records/{record_id}")
def delete_record(org: EmulatedOrg, request: Request, record_id: str) -> Reply:
    """Delete a record. Answers 204."""
    target = target_of(org, request, record_id)
    try:
        with dml.transaction_of(org, request) as transaction:
            transaction.delete(target.name, dml.same_id(record_id))
    except ApiError as error:
        return _refused("DELETE", target, error)
    return no_content()


def _written(
    org: EmulatedOrg, request: Request, target: SObject, record_id: str, fields: dict[str, Any]
) -> dict[str, Any]:
    named = [field.name for name in fields if (field := target.field(name))]
    paths = [*fields_of_layouts(org, request, target, None), *named]
    return record_of(org, request, record_id, list(dict.fromkeys(paths)))


def _body(request: Request) -> dict[str, Any]:
    if not request.body and request.transaction is None:
        raise IllegalParameter(f"Record input is required for {request.method}.")
    if not isinstance(request.json, dict):
        raise BodyNotUnderstood("The request body must be an object")
    return request.json


def _fields(sobject: SObject, body: dict[str, Any]) -> dict[str, Any]:
    """The values of a body by field. Raises for fields there are not and values of another type."""
    given = body.get("fields") or {}
    if not isinstance(given, dict):
        raise BodyNotUnderstood("fields must be an object")
    for name, value in given.items():
        field = sobject.field(name)
        if field is None:
            raise BodyNotUnderstood(f"Field {name} does not exist.")
        _check_type(sobject, field, value)
    return {str(name): value for name, value in given.items()}


def _check_type(sobject: SObject, field: Field, value: Any) -> None:
    wanted = "String" if field.type in TEXTS else None
    given = {bool: "Boolean", int: "Integer", float: "BigDecimal", str: "String"}.get(type(value))
    if wanted and given and given != wanted:
        raise BodyNotUnderstood(
            f"Value for field '{field.name}' in object '{sobject.name}' with data type "
            f"'{field.type.upper()}' should be a {wanted} but instead is a {given}."
        )


def _duplicate_error(error: ApiError) -> dict[str, Any] | None:
    """What a duplicate rule found; the keys are not verified."""
    found: dict[str, Any] = next(iter(error.detail.values()), {})
    results = [
        {
            "apiName": each["entityType"],
            "isAllowSave": found["allowSave"],
            "matchRule": each["rule"],
            "recordIds": [record["record"]["Id"] for record in each["matchRecords"]],
        }
        for each in found.get("matchResults", ())
    ]
    return {"matchResults": results} if results else None


def _refused(method: str, sobject: SObject, error: ApiError) -> Reply:
    """A refused write: errors of fields by field, others in a list."""
    if error.status == NotFound.status:  # of a row that is gone nothing else is said
        raise NotFound from error
    by_field: dict[str, list[dict[str, Any]]] = {}
    errors = []
    for each_error in (error, *error.further):
        one = {
            "constituentField": None,
            "duplicateRecordError": _duplicate_error(each_error),
            "errorCode": each_error.code,
            "field": None,
            "fieldLabel": None,
            "message": each_error.message,
        }
        names = [name for name in each_error.fields or () if sobject.field(name)]
        for name in names:
            label = sobject.fields[name.lower()].label
            part = None if each_error.code == "INVALID_EMAIL_ADDRESS" else name
            told = {**one, "constituentField": part, "field": name, "fieldLabel": label}
            by_field.setdefault(name, []).append(told)
        if not names:
            errors.append(one)
    output = {"errors": errors, "fieldErrors": by_field}
    value = {
        "enhancedErrorType": "RecordError",
        "message": FAILED[method],
        "output": output,
        "statusCode": error.status,
    }
    return ok(value, error.status)
