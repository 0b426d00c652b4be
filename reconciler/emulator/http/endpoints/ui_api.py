"""The UI API, in its core: what an object is, its picklists, records read and written.

Values come with what a page shows in their place. A refused write is told as one object whose `output`
sorts the errors by field.

Source: User Interface API Developer Guide, "Get Object Metadata", "Get Values for All Picklist Fields of a
Record Type", "Get a Record", "Create a Record", "Update a Record". Not recorded.
"""

import hashlib
from datetime import datetime
from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError, InvalidField, NotFound
from reconciler.emulator.http import conditional, dml
from reconciler.emulator.http.describe_form import MASTER_RECORD_TYPE, describe
from reconciler.emulator.http.endpoints.describes import record_type_ids, versioned
from reconciler.emulator.http.jsonform import write_json
from reconciler.emulator.http.message import Reply, Request, no_content, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field, SObject

DATA_TYPES = {
    "datetime": "DateTime",
    "textarea": "TextArea",
    "multipicklist": "MultiPicklist",
    "id": "String",
}
"""Types whose name is not the describe's with a capital."""
MAX_BATCH = 200
LACKS = ["layouts, actions, lists, favourites, GraphQL", "child relationships of records"]
TAKEN_OVER = (
    "calculated", "compoundFieldName", "controllerName", "createable", "custom", "extraTypeInfo",
    "filterable", "filteredLookupInfo", "highScaleNumber", "htmlFormatted", "inlineHelpText", "label",
    "length", "maskType",
    "nameField", "polymorphicForeignKey", "precision", "referenceTargetField", "relationshipName", "scale",
    "searchPrefilterable", "sortable", "unique", "updateable",
)  # fmt: skip
OBJECT_KEYS = (
    "associateEntityType", "associateParentEntity", "compactLayoutable", "createable", "custom", "deletable",
    "feedEnabled", "keyPrefix", "label", "labelPlural", "layoutable", "mruEnabled", "queryable", "searchable",
    "searchLayoutable", "updateable",
)  # fmt: skip
FAILED = {
    "POST": "An error occurred while trying to create the record. Please try again.",
    "PATCH": "An error occurred while trying to update the record. Please try again.",
    "DELETE": "An error occurred while trying to delete the record. Please try again.",
}


# -- objects


@route("GET", "/ui-api/object-info", lacks=LACKS)
def list_objects(org: EmulatedOrg, request: Request) -> Reply:
    """The objects of the UI, by name."""
    shown = [each for each in dml.schema_of(org, request) if each.flags.get("layoutable")]
    base = f"{request.data_path}/ui-api/object-info"
    objects = {
        each.name: {
            "apiName": each.name,
            "keyPrefix": each.key_prefix,
            "label": each.label,
            "labelPlural": each.label_plural,
            "nameFields": _name_fields(each),
            "objectInfoUrl": f"{base}/{each.name}",
        }
        for each in shown
    }
    return ok({"eTag": _tag(objects), "objects": objects})


@route("GET", "/ui-api/object-info/{sobject}", lacks=LACKS)
def read_object(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """One object with its fields by name."""
    target = dml.sobject_of(org, sobject, request)
    return versioned(org, request, f"ui {target.name}", lambda: _object_info(org, request, target))


def _object_info(org: EmulatedOrg, request: Request, target: SObject) -> dict[str, Any]:
    schema = dml.schema_of(org, request)
    told = describe(schema, target, "/services/data/v60.0", request.base_url, record_type_ids(org, target))
    infos = {
        info["recordTypeId"]: {
            name: info[name]
            for name in ("available", "defaultRecordTypeMapping", "master", "name", "recordTypeId")
        }
        for info in told["recordTypeInfos"]
    }
    children = [
        {
            "childObjectApiName": each["childSObject"],
            "fieldName": each["field"],
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": each["relationshipName"],
        }
        for each in told["childRelationships"]
    ]
    value = {
        **{name: told[name] for name in OBJECT_KEYS},
        "apiName": target.name,
        "childRelationships": children,
        "defaultRecordTypeId": next((k for k, v in infos.items() if v["defaultRecordTypeMapping"]), None),
        "dependentFields": {},
        "fields": {each["name"]: _field_info(org, target, each) for each in told["fields"]},
        "nameFields": _name_fields(target),
        "recordTypeInfos": infos,
        "themeInfo": {"color": "0070D2", "iconUrl": f"{request.base_url}/img/icon/custom.png"},
    }
    return dict(sorted({**value, "eTag": _tag(value)}.items()))


def _field_info(org: EmulatedOrg, sobject: SObject, told: dict[str, Any]) -> dict[str, Any]:
    kind = told["type"]
    targets = [org.schema.get(name) for name in told["referenceTo"]]
    value = {
        **{name: told[name] for name in TAKEN_OVER},
        "apiName": told["name"],
        "compound": kind in ("address", "location") or told["compoundFieldName"] == told["name"],
        "compoundComponentName": None,
        "controllingFields": [told["controllerName"]] if told["controllerName"] else [],
        "dataType": DATA_TYPES.get(kind, kind.capitalize()),
        "reference": kind == "reference",
        "referenceToInfos": [
            {"apiName": each.name, "nameFields": _name_fields(each)} for each in targets if each
        ],
        "required": told["createable"] and not told["nillable"] and not told["defaultedOnCreate"],
    }
    return dict(sorted(value.items()))


def _name_fields(sobject: SObject) -> list[str]:
    named = [field.name for field in sobject.fields.values() if field.name_field]
    return [name for name in ("FirstName", "LastName") if sobject.field(name)] + named or ["Id"]


def _tag(value: Any) -> str:
    return hashlib.md5(write_json(value), usedforsecurity=False).hexdigest()


@route("GET", "/ui-api/object-info/{sobject}/picklist-values/{record_type}", lacks=LACKS)
def list_picklists(org: EmulatedOrg, request: Request, sobject: str, record_type: str) -> Reply:
    """The picklists of a record type by field."""
    target = dml.sobject_of(org, sobject, request)
    base = f"{request.data_path}/ui-api/object-info/{target.name}/picklist-values/{record_type}"
    fields = [each for each in target.fields.values() if each.type in ("picklist", "multipicklist")]
    values = {each.name: _picklist(each, f"{base}/{each.name}") for each in fields}
    return ok({"eTag": _tag(values), "picklistFieldValues": values})


@route("GET", "/ui-api/object-info/{sobject}/picklist-values/{record_type}/{field}", lacks=LACKS)
def read_picklist(org: EmulatedOrg, request: Request, sobject: str, record_type: str, field: str) -> Reply:
    """The values of one picklist."""
    target = dml.sobject_of(org, sobject, request)
    found = target.field(field)
    if found is None or found.type not in ("picklist", "multipicklist"):
        raise NotFound
    url = f"{request.data_path}/ui-api/object-info/{target.name}/picklist-values/{record_type}/{found.name}"
    return ok(_picklist(found, url))


def _picklist(field: Field, url: str) -> dict[str, Any]:
    values: list[dict[str, Any]] = [
        {"attributes": None, "label": each.label, "validFor": [], "value": each.value}
        for each in field.picklist
        if each.active
    ]
    default = next((value for value, each in zip(values, field.picklist, strict=False) if each.default), None)
    return {
        "controllerValues": {},
        "defaultValue": default,
        "eTag": _tag(values),
        "url": url,
        "values": values,
    }


# -- records


@route("GET", "/ui-api/records/{record_id}", lacks=LACKS)
def read_record(org: EmulatedOrg, request: Request, record_id: str) -> Reply:
    """The fields in `fields` and those of `optionalFields` that there are, or with `layoutTypes` all."""
    return ok(_record(org, request, record_id, _asked(request)))


@route("GET", "/ui-api/records/batch/{record_ids}", lacks=LACKS)
def read_records(org: EmulatedOrg, request: Request, record_ids: str) -> Reply:
    """Several records; each result has its own status."""
    wanted = [each for each in record_ids.split(",") if each]
    if len(wanted) > MAX_BATCH:
        raise ApiError(f"At most {MAX_BATCH} records can be read", code="ILLEGAL_QUERY_PARAMETER_VALUE")
    results = []
    for record_id in wanted:
        try:
            results.append({"result": _record(org, request, record_id, _asked(request)), "statusCode": 200})
        except ApiError as error:
            refusal = [{"errorCode": error.code, "message": error.message}]
            results.append({"result": refusal, "statusCode": error.status})
    failed = any(each["statusCode"] != 200 for each in results)
    return ok({"hasErrors": failed, "results": results})


def _asked(request: Request) -> tuple[list[str], list[str]] | None:
    """The fields that must be there and those that may; None for all of the layout."""
    fields, optional = (
        [each.strip() for each in request.params.get(name, "").split(",") if each.strip()]
        for name in ("fields", "optionalFields")
    )
    if fields or optional:
        return fields, optional
    if "layoutTypes" in request.params:
        return None
    raise ApiError("Specify at least one of fields, optionalFields or layoutTypes", code="MISSING_PARAM")


def _target(org: EmulatedOrg, request: Request, record_id: str) -> SObject:
    found = dml.schema_of(org, request).by_prefix(record_id[:3])
    if found is None or ids.parse(record_id) is None:
        raise NotFound
    return found


def _record(
    org: EmulatedOrg, request: Request, record_id: str, asked: tuple[list[str], list[str]] | None
) -> dict[str, Any]:
    target = _target(org, request, record_id)
    if asked is None:
        paths = [each.name for each in target.fields.values() if each.type != "base64"]
    else:
        paths = _paths(org, target, *asked)
    select = list(dict.fromkeys(["Id", *paths, *_stamps(target)]))
    soql = f"SELECT {', '.join(select)} FROM {target.name} WHERE Id = '{dml.same_id(record_id)}'"  # noqa: S608
    rows = org.query(soql, user_id=request.user_id, version=request.version).records
    if not rows:
        raise NotFound
    return _shown(org, target, rows[0], paths)


def _stamps(sobject: SObject) -> list[str]:
    names = ("LastModifiedById", "LastModifiedDate", "SystemModstamp", "RecordTypeId")
    return [name for name in names if sobject.field(name)]


def _paths(org: EmulatedOrg, target: SObject, required: list[str], optional: list[str]) -> list[str]:
    """The paths below the object that the named fields mean. Raises for a required one there is not."""
    found = []
    for name in required:
        owner, _, path = name.partition(".")
        if owner.lower() != target.name.lower() or not _exists(org, target, path):
            raise InvalidField(f"No such column '{path or name}' on entity '{target.name}'.")
        found.append(path)
    for name in optional:
        owner, _, path = name.partition(".")
        if owner.lower() == target.name.lower() and _exists(org, target, path):
            found.append(path)
    return list(dict.fromkeys(found))


def _exists(org: EmulatedOrg, sobject: SObject, path: str) -> bool:
    first, dot, rest = path.partition(".")
    if not dot:
        return sobject.field(first) is not None
    parent = sobject.parent_path(first)
    targets = [org.schema[name] for name in parent.reference_to if name in org.schema] if parent else []
    return any(_exists(org, target, rest) for target in targets)


def _shown(org: EmulatedOrg, sobject: SObject, row: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for path in paths:
        first, dot, _ = path.partition(".")
        if not dot:
            field = sobject.fields[first.lower()]
            if field.name in row:
                fields[field.name] = _value(field, row[field.name])
            continue
        name = next((key for key in row if key.lower() == first.lower()), first)
        parent = row.get(name)
        if parent is None:
            fields[name] = {"displayValue": None, "value": None}
            continue
        target = org.schema[parent["attributes"]["type"]]
        deeper = [each.partition(".")[2] for each in paths if each.partition(".")[0].lower() == first.lower()]
        label = next((parent[each] for each in _name_fields(target) if each in parent), None)
        fields[name] = {"displayValue": label, "value": _shown(org, target, parent, deeper)}
    record_type = row.get("RecordTypeId") or MASTER_RECORD_TYPE
    value = {
        "apiName": sobject.name,
        "childRelationships": {},
        "fields": dict(sorted(fields.items())),
        "id": row.get("Id") or row["attributes"]["url"].rpartition("/")[2],
        "lastModifiedById": row.get("LastModifiedById"),
        "lastModifiedDate": _moment(row.get("LastModifiedDate")),
        "recordTypeId": record_type if sobject.record_types else None,
        "recordTypeInfo": None,
        "systemModstamp": _moment(row.get("SystemModstamp")),
    }
    return dict(
        sorted({**value, "eTag": _tag(value), "weakEtag": _milliseconds(row.get("SystemModstamp"))}.items())
    )


def _milliseconds(stamp: str | None) -> int:
    return int(datetime.fromisoformat(stamp).timestamp() * 1000) if stamp else 0


def _moment(value: Any) -> Any:
    return value.replace("+0000", "Z") if isinstance(value, str) else value


def _value(field: Field, value: Any) -> dict[str, Any]:
    shown = None
    if field.type == "picklist" and value is not None:
        shown = next((each.label for each in field.picklist if each.value == value), value)
    return {"displayValue": shown, "value": _moment(value) if field.type == "datetime" else value}


@route("POST", "/ui-api/records", lacks=["duplicate rules"])
def create_record(org: EmulatedOrg, request: Request) -> Reply:
    """Create the record of `apiName` with `fields`; it is answered whole."""
    body = _body(request)
    target = dml.schema_of(org, request).get(str(body.get("apiName", "")))
    if target is None:
        raise NotFound
    try:
        with dml.transaction_of(org, request) as transaction:
            record_id = transaction.insert(target.name, dml.record_fields(body.get("fields") or {}))
    except ApiError as error:
        return _refused("POST", target, error)
    return ok(_record(org, request, record_id, None), 201)


@route("PATCH", "/ui-api/records/{record_id}", lacks=["duplicate rules"])
def update_record(org: EmulatedOrg, request: Request, record_id: str) -> Reply:
    """Set the fields in `fields`; the record is answered whole."""
    target = _target(org, request, record_id)
    fields = dml.record_fields(_body(request).get("fields") or {})
    wanted = dml.same_id(record_id)
    with dml.transaction_of(org, request) as transaction:
        conditional.check_write(org, request, target, wanted)
        try:
            with transaction.savepoint():
                transaction.update(target.name, wanted, {k: v for k, v in fields.items() if k != "Id"})
        except ApiError as error:
            return _refused("PATCH", target, error)
    return ok(_record(org, request, wanted, None))


@route("DELETE", "/ui-api/records/{record_id}")
def delete_record(org: EmulatedOrg, request: Request, record_id: str) -> Reply:
    """Delete a record. Answers 204."""
    target = _target(org, request, record_id)
    try:
        with dml.transaction_of(org, request) as transaction:
            transaction.delete(target.name, dml.same_id(record_id))
    except ApiError as error:
        return _refused("DELETE", target, error)
    return no_content()


def _body(request: Request) -> dict[str, Any]:
    if not isinstance(request.json, dict):
        raise ApiError("The request body must be an object", code="JSON_PARSER_ERROR")
    return request.json


def _refused(method: str, sobject: SObject, error: ApiError) -> Reply:
    """A refused write: errors of fields by field, others in a list."""
    by_field: dict[str, list[dict[str, Any]]] = {}
    errors = []
    for each_error in (error, *error.further):
        one = {
            "constituentField": None,
            "duplicateRecordError": None,
            "errorCode": each_error.code,
            "message": each_error.message,
        }
        names = [name for name in each_error.fields or () if sobject.field(name)]
        for name in names:
            label = sobject.fields[name.lower()].label
            by_field.setdefault(name, []).append({**one, "field": name, "fieldLabel": label})
        if not names:
            errors.append({**one, "field": None, "fieldLabel": None})
    output = {"errors": errors, "fieldErrors": by_field}
    value = {
        "enhancedErrorType": "RecordError",
        "message": FAILED[method],
        "output": output,
        "statusCode": error.status,
    }
    return ok(value, error.status)
