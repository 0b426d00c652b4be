"""The UI API's pages: layouts, all that a record's page needs, what a new record begins as, actions.

Source: User Interface API Developer Guide, "Get Record Layout Metadata", "Get Record UI", "Get Default
Values to Create a Record", "Get Record Actions"; published answers of a Developer Edition at API 49.
"""

from typing import Any

from reconciler.emulator.http import dml
from reconciler.emulator.http.describe_form import MASTER_RECORD_TYPE
from reconciler.emulator.http.endpoints.describes import versioned
from reconciler.emulator.http.endpoints.layouts import Pages, primary_of
from reconciler.emulator.http.endpoints.quick_actions import CREATES
from reconciler.emulator.http.endpoints.ui_api import object_info
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.http.ui_form import (
    LAYOUT_TYPES,
    MODES,
    chosen,
    compact_record_layout,
    layout_fields,
    object_of,
    record_layout,
    record_type_of,
    tag,
    target_of,
    type_infos,
)
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import SObject

BUTTONS = (
    ("Edit", "Edit", "1DCCBF", "edit"),
    ("ChangeOwnerOne", "Change Owner", "0070d2", "change_owner"),
    ("Delete", "Delete", "E6717C", "delete"),
    ("Share", "Sharing", None, "new_custom19"),
    ("PrintableView", "Printable View", None, "new_custom19"),
)
"""The standard buttons of a record: name, label, colour, picture."""
LACKS = ["custom links, Visualforce and canvas items", "form factors"]


@route("GET", "/ui-api/layout/{sobject}", lacks=LACKS)
def read_ui_layout(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """The layout of `recordTypeId`, of the default one unless given, in a mode."""
    target = object_of(org, request, sobject)
    (kind,) = chosen(request.params.get("layoutType"), LAYOUT_TYPES, "LayoutType", "Full")[:1]
    (mode,) = chosen(request.params.get("mode"), MODES, "Mode", "View")[:1]
    wanted = record_type_of(type_infos(org, request, target), request.params.get("recordTypeId"))
    what = f"ui layout {target.name} {kind} {mode} {wanted}"
    return versioned(org, request, what, lambda: layout_of(org, request, target, kind, mode, wanted))


def layout_of(
    org: EmulatedOrg, request: Request, sobject: SObject, kind: str, mode: str, record_type: str
) -> dict[str, Any]:
    """The layout that the caller has for rows of a record type."""
    if kind == "Compact":
        return compact_record_layout(sobject, primary_of(org, request, sobject), mode, record_type)
    described = Pages(org, request, sobject).value(record_type)
    return record_layout(sobject, described, kind, mode, record_type)


def fields_of_layouts(
    org: EmulatedOrg, request: Request, sobject: SObject, record_type: str | None
) -> list[str]:
    """Paths to the fields that the layouts in `layoutTypes` and `modes` show, over references as well."""
    kinds = chosen(request.params.get("layoutTypes"), LAYOUT_TYPES, "LayoutType", "Full")
    modes = chosen(request.params.get("modes"), MODES, "Mode", "View")
    if not sobject.flags.get("layoutable") and not sobject.custom:
        return [field.name for field in sobject.fields.values() if field.stored and field.type != "base64"]
    wanted = record_type or MASTER_RECORD_TYPE
    layouts = [layout_of(org, request, sobject, kind, mode, wanted) for kind in kinds for mode in modes]
    paths = []
    for name in dict.fromkeys(name for layout in layouts for name in layout_fields(layout)):
        field = sobject.fields[name.lower()]
        paths.append(field.name)
        if field.relationship_name and field.reference_to:
            paths += _names_over(org, request, field.relationship_name, field.reference_to)
        if field.compound and sobject.field(field.compound) and field.compound == "Name":
            paths.append(field.compound)
    return list(dict.fromkeys(paths))


def _names_over(org: EmulatedOrg, request: Request, relationship: str, targets: tuple[str, ...]) -> list[str]:
    schema = dml.schema_of(org, request)
    found = [target for name in targets if (target := schema.get(name))]
    if not found or not all(target.field("Name") for target in found):
        return []
    return [f"{relationship}.Id", f"{relationship}.Name"]


@route("GET", "/ui-api/record-ui/{record_ids}", lacks=[*LACKS, "child relationships"])
def read_record_ui(org: EmulatedOrg, request: Request, record_ids: str) -> Reply:
    """Records with the layouts, objects and user states that a page of them needs."""
    from reconciler.emulator.http.endpoints.ui_records import asked_paths, record_of

    kinds = chosen(request.params.get("layoutTypes"), LAYOUT_TYPES, "LayoutType", "Full")
    modes = chosen(request.params.get("modes"), MODES, "Mode", "View")
    layouts: dict[str, Any] = {}
    infos: dict[str, Any] = {}
    records: dict[str, Any] = {}
    states: dict[str, Any] = {}
    for record_id in filter(None, record_ids.split(",")):
        target = target_of(org, request, record_id)
        record = record_of(org, request, record_id, asked_paths(org, request, target, layouts=True))
        wanted = record["recordTypeId"] or MASTER_RECORD_TYPE
        infos[target.name] = object_info(org, request, target)
        records[record["id"]] = record
        made = layouts.setdefault(target.name, {}).setdefault(wanted, {})
        for kind in kinds:
            for mode in modes:
                made.setdefault(kind, {})[mode] = layout = layout_of(org, request, target, kind, mode, wanted)
                _add_user_state(states, layout)
    return ok({"layoutUserStates": states, "layouts": layouts, "objectInfos": infos, "records": records})


def _add_user_state(states: dict[str, Any], layout: dict[str, Any]) -> None:
    """Which sections of a layout the user has closed: none."""
    if not layout["id"]:
        return
    known = states.setdefault(layout["id"], {"id": layout["id"], "sectionUserStates": {}})
    for section in layout["sections"]:
        known["sectionUserStates"][section["id"]] = {"collapsed": False, "id": section["id"]}


@route("GET", "/ui-api/record-defaults/create/{sobject}", lacks=["default formulas"])
def read_create_defaults(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """The layout to create a record with, and a record with what its fields begin as."""
    target = object_of(org, request, sobject)
    wanted = record_type_of(type_infos(org, request, target), request.params.get("recordTypeId"))
    layout = layout_of(org, request, target, "Full", "Create", wanted)
    fields = {}
    for name in sorted(set(layout_fields(layout))):
        field = target.fields[name.lower()]
        chosen_value = next((each for each in field.picklist if each.default), None)
        value = chosen_value.value if chosen_value else False if field.type == "boolean" else None
        fields[name] = {"displayValue": chosen_value.label if chosen_value else None, "value": value}
    record = {
        "apiName": target.name,
        "childRelationships": {},
        "eTag": tag(fields),
        "fields": fields,
        "id": None,
        "lastModifiedById": None,
        "lastModifiedDate": None,
        "recordTypeId": wanted,
        "recordTypeInfo": None,
        "systemModstamp": None,
        "weakEtag": 0,
    }
    infos = {target.name: object_info(org, request, target)}
    return ok({"layout": layout, "objectInfos": infos, "record": record})


# -- actions


@route("GET", "/ui-api/actions/record/{record_ids}", lacks=["actions of the layout's own", "Chatter"])
def read_record_actions(org: EmulatedOrg, request: Request, record_ids: str) -> Reply:
    """The buttons and global actions of records; `actionTypes` leaves others out."""
    kinds = chosen(
        request.params.get("actionTypes"),
        ("CustomButton", "ProductivityAction", "QuickAction", "StandardButton"),
        "PlatformActionType",
        "QuickAction,StandardButton",
    )
    found = {}
    query = f"?{request.query}" if request.query else ""
    for record_id in filter(None, record_ids.split(",")):
        target = target_of(org, request, record_id)
        url = f"{request.data_path}/ui-api/actions/record/{record_id}"
        actions = [
            each for each in _actions(org, request, target, dml.same_id(record_id)) if each["type"] in kinds
        ]
        links = [f"{url}/{each}" for each in ("record-edit", "related-list")]
        links.append(f"{url}/related-list-record/${{relatedRecordId}}")
        found[record_id] = {"actions": actions, "links": links, "url": url + query}
    url = f"{request.data_path}/ui-api/actions/record/{record_ids}{query}"
    return ok({"actions": found, "eTag": tag(found), "url": url})


def _actions(org: EmulatedOrg, request: Request, sobject: SObject, record_id: str) -> list[dict[str, Any]]:
    made: list[tuple[str, str, str | None, str, dict[str, str | None]]] = []
    told: dict[str, str | None]
    for name, (label, kind, creates) in CREATES.items():
        told = {
            "actionTarget": f"{request.data_path}/quickActions/{name}/describe",
            "actionTargetType": "Describe",
            "subtype": kind,
            "targetObject": creates,
            "type": "QuickAction",
        }
        made.append((f"Global.{name}", label, None, "new_custom19", told))
    for name, label, colour, picture in BUTTONS:
        told = {
            "actionTarget": None,
            "actionTargetType": "Invoke",
            "subtype": None,
            "targetObject": sobject.name,
            "type": "StandardButton",
        }
        made.append((name, label, colour, picture, told))
    return [
        {
            "actionListContext": "Record",
            "actionTarget": told["actionTarget"],
            "actionTargetType": told["actionTargetType"],
            "apiName": name,
            "externalId": f"{org.org_id[:15]}:{record_id}::Record:Desktop:{told['type']}:{name}",
            "iconUrl": f"{request.base_url}/img/icon/t4v35/action/{picture}_120.png",
            "id": f"0JVHu{at:010d}AAA",
            "isMassAction": "false",
            "label": label,
            "primaryColor": colour,
            "relatedListRecordId": None,
            "relatedSourceObject": None,
            "section": "Page",
            "sourceObject": record_id,
            "subtype": told["subtype"],
            "targetObject": told["targetObject"],
            "targetUrl": None,
            "type": told["type"],
        }
        for at, (name, label, colour, picture, told) in enumerate(made, 1)
    ]
