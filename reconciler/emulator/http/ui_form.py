"""What the UI API says of things: values with what a page shows in their place, layouts, refusals.

Source: User Interface API Developer Guide, "Field Value", "Record", "Record Layout", "Status Codes and Error
Responses", "All Supported Objects"; answers of a Developer Edition at API 49 that were published. How values
are shown in other locales than en_US was not verified.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http import dml
from reconciler.emulator.http.describe_form import MASTER_RECORD_TYPE, record_type_infos
from reconciler.emulator.http.endpoints.describes import record_type_ids
from reconciler.emulator.http.jsonform import write_json
from reconciler.emulator.http.message import Request
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field, SObject

SUPPORTED = frozenset(
    (
        "Account", "Asset", "Attachment", "Campaign", "CampaignMember", "CampaignMemberStatus", "Case",
        "CollaborationGroup", "Contact", "ContentDocument", "ContentVersion", "ContentWorkspace", "Contract",
        "ContractContactRole", "Individual", "Lead", "ListEmail", "Note", "Opportunity",
        "OpportunityLineItem", "Order", "OrderItem", "Pricebook2", "PricebookEntry", "Product2", "RecordType",
        "User",
    )
)  # fmt: skip
"""Standard objects that the UI API knows; it knows custom ones too, but no settings and no metadata types."""
WITHOUT_RECORD_TYPES = frozenset(["User", "RecordType", "ContentDocument", "ContentWorkspace", "Note"])
"""Objects whose records have no record type at all; those of others have the master at least."""
MAX_BATCH = 200
LAYOUT_TYPES, MODES = ("Compact", "Full"), ("Create", "Edit", "View")
NOT_SHOWN_PARTS = ("Latitude", "Longitude", "GeocodeAccuracy")
WITH_STAMP = {"CreatedById": "CreatedDate", "LastModifiedById": "LastModifiedDate"}
"""Items that show two fields."""


class NotInUiApi(ApiError):
    code = "INVALID_TYPE"

    def __init__(self, name: str) -> None:
        super().__init__(f"Object {name} is not supported in UI API")


class IllegalParameter(ApiError):
    code = "ILLEGAL_QUERY_PARAMETER_VALUE"


class NoAccess(ApiError):
    """A row that is there and that the caller may not see. The text is not verified."""

    status, code = 403, "INSUFFICIENT_ACCESS"

    def __init__(self) -> None:
        super().__init__(
            "You don't have access to this record. Ask your administrator for help or to request access."
        )


# -- objects and ids


def is_supported(sobject: SObject) -> bool:
    custom = sobject.name.endswith("__c") and sobject.custom_setting is None
    return custom or sobject.name in SUPPORTED


def object_of(org: EmulatedOrg, request: Request, name: str) -> SObject:
    """The object that an address names. Raises NOT_FOUND, and INVALID_TYPE for one the UI API lacks."""
    found = dml.sobject_of(org, name, request)
    if not is_supported(found):
        raise NotInUiApi(found.name)
    return found


def target_of(org: EmulatedOrg, request: Request, record_id: str) -> SObject:
    """The object of an id. Raises for what is no id, and as `object_of` does."""
    if ids.parse(record_id) is None:
        raise IllegalParameter(f"recordId should be a valid record ID: {record_id}")
    found = dml.schema_of(org, request).by_prefix(record_id[:3])
    if found is None:
        raise NotFound
    return object_of(org, request, found.name)


def chosen(value: str | None, known: Sequence[str], kind: str, default: str) -> list[str]:
    """The words of a list parameter. Raises for one there is not; the text is not verified for REST."""
    found = []
    for each in (value or default).split(","):
        word = each.strip()
        if word not in known:
            message = f"Value: {word} could not be parsed into a valid enum value of type: {kind}"
            raise IllegalParameter(message)
        found.append(word)
    return found


def type_infos(org: EmulatedOrg, request: Request, sobject: SObject) -> dict[str, dict[str, Any]]:
    """The record types of an object as the UI API tells of them, by id."""
    keys = ("available", "defaultRecordTypeMapping", "master", "name", "recordTypeId")
    infos = record_type_infos(sobject, request.data_path, record_type_ids(org, sobject))
    return {info["recordTypeId"]: {name: info[name] for name in keys} for info in infos}


def record_type_of(infos: Mapping[str, Mapping[str, Any]], given: str | None) -> str:
    """The record type that is asked for, or the default one. Raises; the text is not verified."""
    if not given:
        return next(name for name, info in infos.items() if info["defaultRecordTypeMapping"])
    found = next((name for name in infos if name[:15] == given[:15] and len(given) in (15, 18)), None)
    if found is None:
        raise IllegalParameter(f"recordTypeId should be a valid record type ID: {given}")
    return found


def tag(value: Any) -> str:
    return hashlib.md5(write_json(value), usedforsecurity=False).hexdigest()


def name_fields(sobject: SObject) -> list[str]:
    named = [field.name for field in sobject.fields.values() if field.name_field]
    return [name for name in ("FirstName", "LastName") if sobject.field(name)] + named or ["Id"]


# -- values


def zone_of(org: EmulatedOrg, user_id: str) -> ZoneInfo:
    """The time zone of a user."""
    return ZoneInfo(org.retrieve("User", user_id, ["TimeZoneSidKey"])["TimeZoneSidKey"] or "GMT")


def value_of(field: Field, value: Any, zone: ZoneInfo) -> dict[str, Any]:
    """A value, and what is shown for it where that is something else."""
    told = value.replace("+0000", "Z") if field.type == "datetime" and value else value
    return {"displayValue": None if value is None else _shown(field, value, zone), "value": told}


def _shown(field: Field, value: Any, zone: ZoneInfo) -> str | None:
    if field.type == "picklist":
        return next((each.label for each in field.picklist if each.value == value), str(value))
    if field.type == "multipicklist":
        labels = {each.value: each.label for each in field.picklist}
        return ";".join(labels.get(each, each) for each in str(value).split(";"))
    if field.type == "currency":
        return f"{'-' if value < 0 else ''}${abs(value):,.{field.scale}f}"
    if field.type == "percent":
        return f"{value:,.{field.scale}f}%"
    if field.type == "date":
        return _day(date.fromisoformat(value))
    if field.type == "datetime":
        moment = datetime.fromisoformat(value).astimezone(zone)
        hour = moment.hour % 12 or 12
        return f"{_day(moment)}, {hour}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"
    return None


def _day(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def record_type_id(sobject: SObject, row: Mapping[str, Any]) -> str | None:
    if sobject.name in WITHOUT_RECORD_TYPES:
        return None
    return row.get("RecordTypeId") or MASTER_RECORD_TYPE


# -- layouts


def record_layout(
    sobject: SObject, described: Mapping[str, Any], layout_type: str, mode: str, record_type: str
) -> dict[str, Any]:
    """A layout as the UI API tells it, from the one that describe tells."""
    key = "detailLayoutSections" if mode == "View" else "editLayoutSections"
    value = {
        "id": described["id"],
        "layoutType": layout_type,
        "mode": mode,
        "objectApiName": sobject.name,
        "recordTypeId": record_type,
        "saveOptions": [],
        "sections": [_section(sobject, section, mode) for section in described[key]],
    }
    return {"eTag": tag(value), **value}


def compact_record_layout(
    sobject: SObject, described: Mapping[str, Any], mode: str, record_type: str
) -> dict[str, Any]:
    """A compact layout in the same form: one section with its fields one below the other."""
    rows = [{"layoutItems": [item]} for item in described["fieldItems"]]
    section = {
        "columns": 1,
        "heading": described["label"],
        "layoutSectionId": None,
        "layoutRows": rows,
        "useHeading": False,
    }
    made = {"id": described["id"], "detailLayoutSections": [section], "editLayoutSections": [section]}
    return record_layout(sobject, made, "Compact", mode, record_type)


def _section(sobject: SObject, section: Mapping[str, Any], mode: str) -> dict[str, Any]:
    rows = []
    for row in section["layoutRows"]:
        items = [_item(sobject, item) for item in row["layoutItems"]]
        kept = [item for item in items if mode != "Create" or item["editableForNew"]]
        if kept:
            rows.append({"layoutItems": kept})
    return {
        "collapsible": False,
        "columns": section["columns"],
        "heading": section["heading"],
        "id": section["layoutSectionId"],
        "layoutRows": rows,
        "rows": len(rows),
        "useHeading": section["useHeading"],
    }


def _item(sobject: SObject, item: Mapping[str, Any]) -> dict[str, Any]:
    named = [component["value"] for component in item["layoutComponents"]]
    field = sobject.field(named[0]) if named else None
    if field is None:
        return {
            "editableForNew": False,
            "editableForUpdate": False,
            "label": "",
            "layoutComponents": [{"apiName": None, "componentType": "EmptySpace"}],
            "lookupIdApiName": None,
            "required": False,
            "sortable": False,
        }
    fixed = field.name == "OwnerId"  # an owner is given by an action of its own
    lookup = field.name if field.type == "reference" else "Id" if field.name_field else None
    return {
        "editableForNew": item["editableForNew"] and not fixed,
        "editableForUpdate": item["editableForUpdate"] and not fixed,
        "label": f"{sobject.label} Owner" if fixed else item["label"],
        "layoutComponents": [
            {"apiName": each.name, "componentType": "Field", "label": each.label}
            for each in components(sobject, field)
        ],
        "lookupIdApiName": lookup,
        "required": item["required"] and not fixed,
        "sortable": False,
    }


def components(sobject: SObject, field: Field) -> list[Field]:
    """The fields that stand for one on a page: the parts of an address and of a name, a person and a time."""
    parts = [each for each in sobject.fields.values() if each.compound == field.name and each is not field]
    if parts:
        order = ("Salutation", "FirstName", "LastName")
        shown = [each for each in parts if not each.name.endswith(NOT_SHOWN_PARTS)]
        return sorted(shown, key=lambda each: order.index(each.name) if each.name in order else 0)
    stamp = sobject.field(WITH_STAMP.get(field.name, ""))
    return [field, stamp] if stamp else [field]


def layout_fields(layout: Mapping[str, Any]) -> Iterator[str]:
    """The names of the fields of a layout, as often as they are there."""
    for section in layout["sections"]:
        for row in section["layoutRows"]:
            for item in row["layoutItems"]:
                for component in item["layoutComponents"]:
                    if component["apiName"]:
                        yield component["apiName"]


# -- batches


def batch(named: str, make: Callable[[str], Any]) -> dict[str, Any]:
    """What ``make`` answers for each of the names between commas; each result has its own status."""
    wanted = [each.strip() for each in named.split(",") if each.strip()]
    if len(wanted) > MAX_BATCH:
        raise IllegalParameter(f"At most {MAX_BATCH} can be asked for at once")
    results: list[dict[str, Any]] = []
    for each in wanted:
        try:
            results.append({"result": make(each), "statusCode": 200})
        except ApiError as error:
            refusal = [{"errorCode": error.code, "message": error.message}]
            results.append({"result": refusal, "statusCode": error.status})
    return {"hasErrors": any(each["statusCode"] != 200 for each in results), "results": results}
