"""The UI API: what an object is, and its picklists.

Source: User Interface API Developer Guide, "Get Object Metadata", "Get Values for All Picklist Fields of a
Record Type"; the directory and the fields of an object as a Developer Edition told them at API 49.
"""

from collections.abc import Sequence
from typing import Any

from reconciler.emulator.dependent import controlling_values, places
from reconciler.emulator.errors import NotFound
from reconciler.emulator.http import dml
from reconciler.emulator.http.describe_form import describe
from reconciler.emulator.http.endpoints.describes import record_type_ids, versioned
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.record_type_values import picklists, values_of
from reconciler.emulator.http.routing import route
from reconciler.emulator.http.ui_form import (
    batch,
    is_supported,
    name_fields,
    object_of,
    record_type_of,
    tag,
    type_infos,
)
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field, PicklistValue, SObject

DATA_TYPES = {
    "combobox": "ComboBox",
    "datetime": "DateTime",
    "encryptedstring": "EncryptedString",
    "id": "String",
    "multipicklist": "MultiPicklist",
    "textarea": "TextArea",
}
"""Types whose name is not the describe's with a capital."""
LACKS = ["colours and icons of objects"]
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


# -- objects


@route("GET", "/ui-api/favorites", lacks=["favourites can be read only, there are none"])
def list_favorites(org: EmulatedOrg, request: Request) -> Reply:
    """What the user marked: nothing."""
    return ok({"favorites": []})


@route("GET", "/ui-api/object-info")
def list_objects(org: EmulatedOrg, request: Request) -> Reply:
    """The objects of the UI, by name."""
    shown = [each for each in dml.schema_of(org, request) if is_supported(each)]
    base = f"{request.data_path}/ui-api/object-info"
    objects = {
        each.name: {
            "apiName": each.name,
            "keyPrefix": each.key_prefix,
            "label": each.label,
            "labelPlural": each.label_plural,
            "nameFields": name_fields(each),
            "objectInfoUrl": f"{base}/{each.name}",
        }
        for each in shown
    }
    return ok({"eTag": tag(objects), "objects": objects})


@route("GET", "/ui-api/object-info/{sobject}", lacks=LACKS)
def read_object(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """One object with its fields by name."""
    target = object_of(org, request, sobject)
    return versioned(org, request, f"ui {target.name}", lambda: object_info(org, request, target))


@route("GET", "/ui-api/object-info/batch/{names}", lacks=LACKS)
def read_objects(org: EmulatedOrg, request: Request, names: str) -> Reply:
    """Several objects; each result has its own status."""
    return ok(batch(names, lambda name: object_info(org, request, object_of(org, request, name))))


def object_info(org: EmulatedOrg, request: Request, target: SObject) -> dict[str, Any]:
    schema = dml.schema_of(org, request)
    told = describe(schema, target, "/services/data/v60.0", request.base_url, record_type_ids(org, target))
    infos = type_infos(org, request, target)
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
        "dependentFields": _dependent(target),
        "fields": {each["name"]: _field_info(org, target, each) for each in told["fields"]},
        "nameFields": name_fields(target),
        "recordTypeInfos": infos,
        "themeInfo": {"color": "0070D2", "iconUrl": f"{request.base_url}/img/icon/custom.png"},
    }
    return dict(sorted({**value, "eTag": tag(value)}.items()))


def _dependent(sobject: SObject, controllers: Sequence[Field] | None = None) -> dict[str, Any]:
    """The fields that control others, the uppermost first, and below each those that it controls."""
    fields = list(sobject.fields.values())
    found = {}
    for each in [one for one in fields if not one.controller] if controllers is None else controllers:
        controlled = [other for other in fields if (other.controller or "").lower() == each.name.lower()]
        if controlled:
            found[each.name] = {
                other.name: _dependent(sobject, [other]).get(other.name, {}) for other in controlled
            }
    return found


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
            {"apiName": each.name, "nameFields": name_fields(each)} for each in targets if each
        ],
        "required": not told["nillable"],
    }
    return dict(sorted(value.items()))


@route("GET", "/ui-api/object-info/{sobject}/picklist-values/{record_type}", lacks=LACKS)
def list_picklists(org: EmulatedOrg, request: Request, sobject: str, record_type: str) -> Reply:
    """The picklists of a record type by field."""
    target, wanted, developer_name = _record_type(org, request, sobject, record_type)
    base = f"{request.data_path}/ui-api/object-info/{target.name}/picklist-values/{wanted}"
    values = {
        each.name: _picklist(
            target, each, values_of(org, target, developer_name, each), f"{base}/{each.name}"
        )
        for each in picklists(target)
    }
    return ok({"eTag": tag(values), "picklistFieldValues": values})


@route("GET", "/ui-api/object-info/{sobject}/picklist-values/{record_type}/{field}", lacks=LACKS)
def read_picklist(org: EmulatedOrg, request: Request, sobject: str, record_type: str, field: str) -> Reply:
    """The values of one picklist."""
    target, wanted, developer_name = _record_type(org, request, sobject, record_type)
    found = target.field(field)
    if found is None or found not in picklists(target):
        raise NotFound
    url = f"{request.data_path}/ui-api/object-info/{target.name}/picklist-values/{wanted}/{found.name}"
    return ok(_picklist(target, found, values_of(org, target, developer_name, found), url))


def _record_type(
    org: EmulatedOrg, request: Request, sobject: str, record_type: str
) -> tuple[SObject, str, str]:
    """The object of an address, the id of its record type and the developer name of that."""
    target = object_of(org, request, sobject)
    wanted = record_type_of(type_infos(org, request, target), record_type)
    names = {record_id: name for name, record_id in record_type_ids(org, target).items()}
    return target, wanted, names.get(wanted, "Master")


def _picklist(sobject: SObject, field: Field, values: list[PicklistValue], url: str) -> dict[str, Any]:
    made: list[dict[str, Any]] = [
        {
            "attributes": None,
            "label": each.label,
            "validFor": places(sobject, field, each.value),
            "value": each.value,
        }
        for each in values
    ]
    default = next((told for told, each in zip(made, values, strict=True) if each.default), None)
    return {
        "controllerValues": {each: at for at, each in enumerate(controlling_values(sobject, field))},
        "defaultValue": default,
        "eTag": tag(made),
        "url": url,
        "values": made,
    }
