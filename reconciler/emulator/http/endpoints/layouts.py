"""Layouts of objects: pages, compact layouts, approval pages, layouts by name.

Which page a record type has is what the profile of the caller says; without a word from it, it is the
object's first. An object without a stored layout has one by itself, made of its fields.

Source: REST API Developer Guide, "sObject Layouts", "sObject Compact Layouts", "sObject Approval Layouts",
"sObject Named Layouts", "Compact Layouts".
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http import dml
from reconciler.emulator.http.describe_form import MASTER_RECORD_TYPE, record_type_infos
from reconciler.emulator.http.endpoints.describes import record_type_ids, versioned
from reconciler.emulator.http.layout_form import Page, compact_layout, layout, record_type_mapping
from reconciler.emulator.http.message import Reply, Request
from reconciler.emulator.http.record_type_values import picklists, values_of
from reconciler.emulator.http.routing import route
from reconciler.emulator.metadata import standard_layouts
from reconciler.emulator.metadata_xml import Tree, each, text, texts
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import SObject

LAYOUT, COMPACT, APPROVAL = "00h", "0AH", "0AJ"
MAX_OBJECTS = 100
PAST_ROWS = 2**34
"""Ids from there on are those of layouts that nobody made."""
LACKS = ["feeds, highlights, buttons of the org's own, expanded lookups"]


@route("GET", "/sobjects/{sobject}/describe/layouts", lacks=LACKS)
def list_layouts(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """The pages of an object by record type; of an object with several record types only which they are."""
    target = _laid_out(org, request, sobject)
    pages = Pages(org, request, target)

    def make() -> dict[str, Any]:
        mappings = pages.mappings()
        several = len(mappings) > 1
        return {
            "layouts": None if several else [pages.value(MASTER_RECORD_TYPE)],
            "recordTypeMappings": mappings,
            "recordTypeSelectorRequired": [several],
        }

    return versioned(org, request, f"layouts {target.name}", make)


@route("GET", "/sobjects/{sobject}/describe/layouts/{record_type}", lacks=LACKS)
def read_layout(org: EmulatedOrg, request: Request, sobject: str, record_type: str) -> Reply:
    """The page of a record type."""
    target = _laid_out(org, request, sobject)
    pages = Pages(org, request, target)
    wanted = _known(record_type, pages.infos)
    return versioned(org, request, f"layout {target.name} {wanted}", lambda: pages.value(wanted))


@route("GET", "/sobjects/{sobject}/describe/namedLayouts/{name}", lacks=LACKS)
def read_named_layout(org: EmulatedOrg, request: Request, sobject: str, name: str) -> Reply:
    """A page that is called by its name; users have one."""
    target = _laid_out(org, request, sobject)
    if name not in target.flags.get("named", ()):
        raise NotFound
    pages = Pages(org, request, target, named=name)
    return versioned(org, request, f"named {name}", lambda: {"layouts": [pages.value(MASTER_RECORD_TYPE)]})


def _laid_out(org: EmulatedOrg, request: Request, name: str) -> SObject:
    target = dml.sobject_of(org, name, request)
    if not target.flags.get("layoutable"):
        raise NotFound
    return target


def _known(record_type: str, infos: Sequence[Mapping[str, Any]]) -> str:
    """The id of a record type, given in either length. The master's is no row's. Raises NOT_FOUND."""
    found = [info["recordTypeId"] for info in infos if info["recordTypeId"][:15] == record_type[:15]]
    if not found:
        raise NotFound
    return str(found[0])


class Pages:
    """The layouts of one object, as one caller gets them."""

    def __init__(
        self, org: EmulatedOrg, request: Request, sobject: SObject, named: str | None = None
    ) -> None:
        from reconciler.emulator.metadata.component_types import component_type

        self.org, self.request, self.sobject = org, request, sobject
        owner = named or sobject.name
        self.schema = dml.schema_of(org, request)
        known = record_type_ids(org, sobject)
        self.infos = record_type_infos(sobject, request.data_path, known)
        self.record_types = {each["recordTypeId"]: each["developerName"] for each in self.infos}
        self.kind = component_type("Layout")
        self.names = [name for name in self.kind.names(org) if name.partition("-")[0] == owner]
        self.assigned = _assignments(org, request.user_id, owner)
        self.first = standard_layouts.first_of(org, owner, self.names) if self.names else None

    def mappings(self) -> list[dict[str, Any]]:
        fields = picklists(self.sobject)
        return [
            record_type_mapping(
                info,
                self.page(info["recordTypeId"]).id,
                info["urls"]["layout"],
                self.sobject,
                [
                    (field, values_of(self.org, self.sobject, info["developerName"], field))
                    for field in fields
                ],
            )
            for info in self.infos
        ]

    def value(self, record_type: str) -> dict[str, Any]:
        return layout(self.schema, self.sobject, self.page(record_type))

    def page(self, record_type: str) -> Page:
        developer_name = self.record_types[record_type]
        wanted = self.assigned.get("" if developer_name == "Master" else developer_name)
        name = next((each for each in self.names if each == wanted), self.first)
        if name is None:
            return Page(
                ids.to_text(ids.make(LAYOUT, PAST_ROWS + zlib.crc32(self.sobject.name.encode()))), None
            )
        facts = self.kind.facts(self.org, name)
        return Page(facts.id if facts else "", self.kind.read(self.org, name))


def _assignments(org: EmulatedOrg, user_id: str, owner: str) -> dict[str, str]:
    """The layout by record type, empty for the master, that the profile of a user says."""
    found = {}
    for item in each(_profile(org, user_id), "layoutAssignments"):
        name = unquote(text(item, "layout") or "")
        if name.partition("-")[0] == owner:
            found[(text(item, "recordType") or "").rpartition(".")[2]] = name
    return found


def _profile(org: EmulatedOrg, user_id: str) -> Tree:
    from reconciler.emulator.metadata.types.access import ROW_NAMES

    profile = org.retrieve("User", user_id, ["ProfileId"])["ProfileId"]
    name = org.retrieve("Profile", profile, ["Name"])["Name"] if profile else ""
    stored = org.components.tree("Profile", ROW_NAMES.get(name, name))
    return stored or org.components.tree("Profile", name) or {}


# -- compact layouts


@route("GET", "/sobjects/{sobject}/describe/compactLayouts", lacks=["actions, images"])
def list_compact_layouts(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """The compact layouts of an object, and which of them its record types have."""
    target = _laid_out(org, request, sobject)
    return versioned(org, request, f"compact {target.name}", lambda: _compact(org, request, target))


@route("GET", "/sobjects/{sobject}/describe/compactLayouts/primary", lacks=["actions, images"])
def primary_compact_layout(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """The compact layout that rows of no record type have."""
    target = _laid_out(org, request, sobject)
    return versioned(org, request, f"primary {target.name}", lambda: primary_of(org, request, target))


@route("GET", "/compactLayouts", lacks=["actions, images"])
def compact_layouts_of(org: EmulatedOrg, request: Request) -> Reply:
    """The primary compact layouts of the objects in `q`, by object."""
    names = [name.strip() for name in request.params.get("q", "").split(",") if name.strip()]
    if not names:
        raise ApiError("The q parameter is required", code="MISSING_ARGUMENT")
    if len(names) > MAX_OBJECTS:
        raise ApiError(f"At most {MAX_OBJECTS} objects can be named", code="EXCEEDED_ID_LIMIT")
    targets = [_laid_out(org, request, name) for name in names]

    def make() -> dict[str, Any]:
        return {target.name: primary_of(org, request, target) for target in targets}

    return versioned(org, request, f"compact {','.join(names)}", make)


def _compact_layouts(org: EmulatedOrg, request: Request, sobject: SObject) -> list[dict[str, Any]]:
    schema = dml.schema_of(org, request)
    named = next((field.name for field in sobject.fields.values() if field.name_field), "Id")
    made = [
        compact_layout(schema, sobject, record_id=None, name="SYSTEM", label="System Default", fields=[named])
    ]
    for full_name in org.components.names("CompactLayout"):
        owner, _, name = full_name.partition(".")
        if owner != sobject.name:
            continue
        tree = org.components.tree("CompactLayout", full_name) or {}
        facts = org.components.facts("CompactLayout", full_name)
        record_id = ids.to_text(facts.id) if facts is not None and facts.id is not None else None
        label = text(tree, "label") or name
        made.append(
            compact_layout(
                schema, sobject, record_id=record_id, name=name, label=label, fields=texts(tree, "fields")
            )
        )
    return made


def _chosen(org: EmulatedOrg, sobject: SObject, layouts: list[dict[str, Any]]) -> dict[str, Any]:
    tree = org.components.tree("CustomObject", sobject.name) or {}
    wanted = text(tree, "compactLayoutAssignment") or "SYSTEM"
    return next((each for each in layouts if each["name"] == wanted), layouts[0])


def primary_of(org: EmulatedOrg, request: Request, sobject: SObject) -> dict[str, Any]:
    return _chosen(org, sobject, _compact_layouts(org, request, sobject))


def _compact(org: EmulatedOrg, request: Request, sobject: SObject) -> dict[str, Any]:
    layouts = _compact_layouts(org, request, sobject)
    chosen = _chosen(org, sobject, layouts)
    base = f"{request.data_path}/sobjects/{sobject.name}/describe/compactLayouts"
    infos = record_type_infos(sobject, request.data_path, record_type_ids(org, sobject))
    mappings = [
        {
            "available": info.get("available"),
            "compactLayoutId": chosen["id"],
            "compactLayoutName": chosen["name"],
            "recordTypeId": info["recordTypeId"],
            "recordTypeName": info["name"],
            "urls": {"compactLayout": f"{base}/{info['recordTypeId']}"},
        }
        for info in infos
    ]
    return {
        "compactLayouts": layouts,
        "defaultCompactLayoutId": chosen["id"],
        "recordTypeCompactLayoutMappings": mappings,
        "urls": {"primary": f"{base}/primary"},
    }


@route("GET", "/sobjects/{sobject}/describe/compactLayouts/{record_type}", lacks=["actions, images"])
def compact_layout_of(org: EmulatedOrg, request: Request, sobject: str, record_type: str) -> Reply:
    """The compact layout of a record type."""
    target = _laid_out(org, request, sobject)
    infos = record_type_infos(target, request.data_path, record_type_ids(org, target))
    _known(record_type, infos)
    return versioned(org, request, f"primary {target.name}", lambda: primary_of(org, request, target))


# -- approvals


@route("GET", "/sobjects/{sobject}/describe/approvalLayouts", lacks=["items of the layouts"])
def list_approval_layouts(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """The approval pages of an object: one for each approval process."""
    target = _laid_out(org, request, sobject)
    return versioned(
        org, request, f"approvals {target.name}", lambda: {"approvalLayouts": _approvals(org, target)}
    )


@route("GET", "/sobjects/{sobject}/describe/approvalLayouts/{name}", lacks=["items of the layouts"])
def read_approval_layout(org: EmulatedOrg, request: Request, sobject: str, name: str) -> Reply:
    """The approval page of one process."""
    target = _laid_out(org, request, sobject)
    found = [each for each in _approvals(org, target) if each["name"] == name]
    if not found:
        raise NotFound
    return versioned(org, request, f"approval {target.name} {name}", lambda: {"approvalLayouts": found})


def _approvals(org: EmulatedOrg, sobject: SObject) -> list[dict[str, Any]]:
    made = []
    for at, full_name in enumerate(org.components.names("ApprovalProcess"), 1):
        owner, _, name = full_name.partition(".")
        if owner == sobject.name:
            tree = org.components.tree("ApprovalProcess", full_name) or {}
            record_id = ids.to_text(ids.make(APPROVAL, at))
            made.append(
                {"id": record_id, "label": text(tree, "label") or name, "layoutItems": [], "name": name}
            )
    return made
