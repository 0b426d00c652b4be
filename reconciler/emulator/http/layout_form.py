"""Page layouts as describe tells them: from a stored Layout, or from the fields of an object that has none.

Keys are those the describe of layouts has from API 32 on, in the order of the alphabet. Their values
are the layout's; what a layout has for the user interface alone (feeds, buttons of its own) is empty.

Source: REST API Developer Guide, "sObject Layouts", "sObject Compact Layouts"; Metadata API Developer
Guide, "Layout", "CompactLayout". Not recorded: the keys are as the guides list them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.http.column_names import find_field
from reconciler.emulator.http.describe_form import describe_field, picklist_value
from reconciler.emulator.metadata_xml import Tree, child, each, flag, text, texts
from reconciler.emulator.schema import ChildRelationship, Field, PicklistValue, Schema, SObject

COLUMNS = {"OneColumn": 1, "TwoColumnsTopToBottom": 2, "TwoColumnsLeftToRight": 2, "CustomLinks": 3}
STANDARD_BUTTONS = ("Edit", "Delete", "Clone", "Share")
NOT_LAID_OUT = ("Id", "IsDeleted", "SystemModstamp", "MasterRecordId", "LastViewedDate", "LastReferencedDate")
SYSTEM_SECTION = ("CreatedById", "LastModifiedById")
DISPLAY_LINES = 1


@dataclass(frozen=True)
class Page:
    """One layout of an object: its id and, unless it is the one that objects have by themselves, its tree."""

    id: str
    tree: Tree | None


def layout(schema: Schema, sobject: SObject, page: Page) -> dict[str, Any]:
    """One layout, as `layouts` lists it and a record type's address answers it."""
    sections = list(_sections(schema, sobject, page))
    return {
        "buttonLayoutSection": {"detailButtons": [_button(name) for name in STANDARD_BUTTONS]},
        "detailLayoutSections": [each for each, heading, _ in _shown(sections) if heading is not None],
        "editLayoutSections": [each for each, _, edited in _shown(sections) if edited],
        "feedView": None,
        "highlightsPanelLayoutSection": None,
        "id": page.id,
        "multirowEditLayoutSections": [],
        "offlineLinks": [],
        "quickActionList": {"quickActionListItems": _quick_actions(page.tree)},
        "relatedContent": None,
        "relatedLists": list(_related_lists(schema, sobject, page.tree)),
        "saveOptions": [],
    }


def _shown(
    sections: Sequence[tuple[dict[str, Any], bool]],
) -> Iterator[tuple[dict[str, Any], str | None, bool]]:
    """Each section, its heading and whether it has anything to edit."""
    for section, custom in sections:
        items = [item for row in section["layoutRows"] for item in row["layoutItems"]]
        edited = custom or any(each["editableForNew"] or each["editableForUpdate"] for each in items)
        yield section, section["heading"], edited


def _button(name: str) -> dict[str, Any]:
    return {
        "behavior": None,
        "colors": [],
        "content": None,
        "contentSource": None,
        "custom": False,
        "encoding": None,
        "height": None,
        "icons": [],
        "label": name,
        "menubar": False,
        "name": name,
        "overridden": False,
        "resizeable": False,
        "scrollbars": False,
        "showsLocation": False,
        "showsStatus": False,
        "toolbar": False,
        "url": None,
        "width": None,
        "windowPosition": None,
    }


def _sections(schema: Schema, sobject: SObject, page: Page) -> Iterator[tuple[dict[str, Any], bool]]:
    if page.tree is None:
        yield from _default_sections(schema, sobject, page)
        return
    for at, section in enumerate(each(page.tree, "layoutSections")):
        columns = list(each(section, "layoutColumns"))
        wide = COLUMNS.get(text(section, "style") or "", 2)
        cells = [list(each(column, "layoutItems")) for column in columns]
        rows = []
        for line in range(max(map(len, cells), default=0)):
            found = [_cell(schema, sobject, column, line) for column in cells]
            rows.append({"layoutItems": found, "numItems": len(found)})
        if not rows:
            continue
        label = text(section, "label") or ""
        made = _section(page, at, label, wide, rows)
        made["useHeading"] = flag(section, "detailHeading")
        yield made, flag(section, "customLabel")


def _cell(schema: Schema, sobject: SObject, column: Sequence[Tree], line: int) -> dict[str, Any]:
    item: Tree = column[line] if line < len(column) else {}
    field = sobject.field(text(item, "field") or "")
    return (
        _placeholder() if field is None else _item(schema, sobject, field, text(item, "behavior") or "Edit")
    )


def _default_sections(schema: Schema, sobject: SObject, page: Page) -> Iterator[tuple[dict[str, Any], bool]]:
    parts = {field.compound for field in sobject.fields.values() if field.compound}
    mine = [
        field
        for field in sobject.fields.values()
        if field.name not in (*NOT_LAID_OUT, *SYSTEM_SECTION)
        and not (field.compound and field.compound != field.name)
        and (field.createable or field.updateable or field.name in parts)
    ]
    stamps = [found for name in SYSTEM_SECTION if (found := sobject.field(name))]
    for at, (label, fields) in enumerate(
        ((f"{sobject.label} Information", mine), ("System Information", stamps))
    ):
        items = [_item(schema, sobject, field, "Edit") for field in fields]
        pairs = [items[start : start + 2] for start in range(0, len(items), 2)]
        yield (
            _section(page, at, label, 2, [{"layoutItems": pair, "numItems": len(pair)} for pair in pairs]),
            False,
        )


def _section(page: Page, at: int, heading: str, columns: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "collapsed": False,
        "columns": columns,
        "heading": heading,
        "layoutRows": rows,
        "layoutSectionId": _section_id(page, at),
        "parentLayoutId": page.id,
        "rows": len(rows),
        "tabOrder": "TopToBottom" if columns > 1 else "LeftToRight",
        "useCollapsibleSection": False,
        "useHeading": True,
    }


def _section_id(page: Page, at: int) -> str:
    plain = f"01B{page.id[3:12]}{at:03d}"
    return plain + ids.suffix(plain)


def _item(schema: Schema, sobject: SObject, field: Field, behavior: str) -> dict[str, Any]:
    editable = behavior != "Readonly"
    required = behavior == "Required" or (
        field.createable and not field.nillable and not field.defaulted_on_create
    )
    component = {
        "details": describe_field(schema, sobject, field),
        "displayLines": DISPLAY_LINES,
        "tabOrder": 1,
        "type": "Field",
        "value": field.name,
    }
    return {
        "editableForNew": editable and field.createable,
        "editableForUpdate": editable and field.updateable,
        "label": field.label.removesuffix(" ID") if field.type == "reference" else field.label,
        "layoutComponents": [component],
        "placeholder": False,
        "required": required and field.type != "boolean",
    }


def _placeholder() -> dict[str, Any]:
    return {
        "editableForNew": False,
        "editableForUpdate": False,
        "label": "",
        "layoutComponents": [],
        "placeholder": True,
        "required": False,
    }


def _quick_actions(tree: Tree | None) -> list[dict[str, Any]]:
    names = [
        name
        for item in each(child(tree or {}, "quickActionList"), "quickActionListItems")
        for name in texts(item, "quickActionName")
    ]
    return [{"quickActionName": name, "label": name.rpartition(".")[2]} for name in names]


def _related_lists(schema: Schema, sobject: SObject, tree: Tree | None) -> Iterator[dict[str, Any]]:
    children = [child for child in schema.children_of(sobject.name) if child.name]
    if tree is None:
        wanted: Iterable[tuple[ChildRelationship, list[str]]] = []
    else:
        wanted = [
            (found, texts(item, "fields"))
            for item in each(tree, "relatedLists")
            if (found := _relation(children, text(item, "relatedList") or ""))
        ]
    for relation, fields in wanted:
        owner = schema[relation.child]
        columns = [field for name in fields if (field := find_field(owner, name))] or _first_columns(owner)
        yield {
            "accessLevelRequiredForCreate": None,
            "buttons": [],
            "columns": [_column(owner, field) for field in columns],
            "custom": owner.custom,
            "field": relation.field,
            "label": owner.label_plural,
            "limitRows": 5,
            "name": relation.name,
            "sobject": owner.name,
            "sort": [],
        }


def _relation(children: Sequence[ChildRelationship], named: str) -> ChildRelationship | None:
    """The relationship a related list is called by: `Account.Ext__c` of a child, or a path."""
    owner, dot, field = named.partition(".")
    for found in children:
        if dot and (found.child, found.field) == (owner, field):
            return found
        if named in (found.name, f"Related{found.child}List"):
            return found
    return None


def _first_columns(owner: SObject) -> list[Field]:
    """What a related list shows that names no columns: there is always one."""
    fields = list(owner.fields.values())
    named = [field for field in fields if field.name_field or field.name in ("Title", "Status")]
    return (named or fields)[:1]


def _column(owner: SObject, field: Field) -> dict[str, Any]:
    return {
        "field": f"{owner.name}.{field.name}",
        "fieldApiName": field.name,
        "format": "datetime" if field.type == "datetime" else None,
        "label": field.label,
        "lookupId": f"{owner.name}.Id" if field.name_field else None,
        "name": field.name,
        "sortable": field.sortable,
    }


def record_type_mapping(
    info: Mapping[str, Any],
    layout_id: str,
    url: str,
    sobject: SObject,
    values: Sequence[tuple[Field, Sequence[PicklistValue]]],
) -> dict[str, Any]:
    """A record type's entry in `recordTypeMappings`, from its entry in the object's describe.

    ``values`` are those that the record type has, by field.
    """
    picklists = [
        {
            "picklistName": field.name,
            "picklistValues": [picklist_value(sobject, field, each) for each in found],
        }
        for field, found in values
    ]
    known = {name: info.get(name) for name in ("active", "available", "defaultRecordTypeMapping")}
    return {
        **known,
        "developerName": info.get("developerName"),
        "layoutId": layout_id,
        "master": info.get("master"),
        "name": info["name"],
        "picklistsForRecordType": picklists or None,
        "recordTypeId": info["recordTypeId"],
        "urls": {"layout": url},
    }


def compact_layout(
    schema: Schema, sobject: SObject, *, record_id: str | None, name: str, label: str, fields: Sequence[str]
) -> dict[str, Any]:
    """One compact layout; the one that objects have by themselves has no id."""
    found = [field for each_name in fields if (field := sobject.field(each_name))]
    return {
        "actions": [],
        "fieldItems": [_item(schema, sobject, field, "Edit") for field in found],
        "id": record_id,
        "imageItems": [],
        "label": label,
        "name": name,
        "objectType": sobject.name,
    }
