"""Described things as the partner and enterprise APIs write them: elements in the WSDL's order.

Clients made from the WSDL read one element after the other and stop at one that is not next, so order and
presence are part of the contract where REST leaves them open. A row of `SHAPES` is a type of the WSDL: its
elements in their order; `?` marks one that is written nil where it has no value (others are left out), and
`>` names the type of what is inside. What has no row is written as it comes.

Source: partner WSDL of API 47.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.emulator.http.soap_records import tree
from reconciler.emulator.http.soapform import element

SHAPES: dict[str, tuple[str, ...]] = {
    "AppMenu": ("appMenuItems>AppMenuItem",),
    "AppMenuItem": ("colors>Color", "content", "icons>Icon", "label", "name", "type", "url"),
    "AvailableQuickAction": ("actionEnumOrId", "label", "name", "type"),
    "Button": (
        "behavior", "colors>Color", "content", "contentSource", "custom", "encoding", "height", "icons>Icon",
        "label?", "menubar?", "name?", "overridden", "resizeable?", "scrollbars?", "showsLocation?",
        "showsStatus?", "toolbar?", "url", "width", "windowPosition",
    ),
    "ButtonSection": ("detailButtons>Button",),
    "Color": ("color", "context", "theme"),
    "Column": ("field", "format?", "label", "name"),
    "CompactLayout": (
        "actions>Button", "fieldItems>Item", "id?", "imageItems>Item", "label", "name", "objectType",
    ),
    "CompactLayouts": (
        "compactLayouts>CompactLayout", "defaultCompactLayoutId?",
        "recordTypeCompactLayoutMappings>CompactMapping",
    ),
    "CompactMapping": (
        "available", "compactLayoutId?", "compactLayoutName", "recordTypeId", "recordTypeName",
    ),
    "Component": ("displayLines", "tabOrder", "type", "value?", "components>Component", "fieldType"),
    "Icon": ("contentType", "height?", "theme", "url", "width?"),
    "Item": (
        "editableForNew", "editableForUpdate", "label?", "layoutComponents>Component", "placeholder",
        "required",
    ),
    "Layout": (
        "buttonLayoutSection>ButtonSection", "detailLayoutSections>Section", "editLayoutSections>Section",
        "id?", "quickActionList>QuickActionList", "relatedLists>RelatedList", "saveOptions",
    ),
    "Layouts": ("layouts>Layout", "recordTypeMappings>Mapping", "recordTypeSelectorRequired"),
    "Mapping": (
        "active", "available", "defaultRecordTypeMapping", "developerName", "layoutId", "master", "name",
        "picklistsForRecordType>Picklist", "recordTypeId?",
    ),
    "Picklist": ("picklistName", "picklistValues>PicklistEntry"),
    "PicklistEntry": ("active", "defaultValue", "label?", "validFor", "value"),
    "QuickAction": (
        "accessLevelRequired?", "actionEnumOrId", "canvasApplicationId?", "canvasApplicationName?",
        "colors>Color", "contextSobjectType?", "defaultValues", "flowDevName?", "flowRecordIdVar?", "height?",
        "iconName?", "iconUrl?", "icons>Icon", "label", "layout?", "lightningComponentBundleId?",
        "lightningComponentBundleName?", "lightningComponentQualifiedName?", "miniIconUrl?",
        "mobileExtensionDisplayMode?", "mobileExtensionId?", "name", "showQuickActionLcHeader",
        "showQuickActionVfHeader", "targetParentField?", "targetRecordTypeId?", "targetSobjectType?", "type",
        "visualforcePageName?", "visualforcePageUrl?", "width?",
    ),
    "QuickActionList": ("quickActionListItems>QuickActionItem",),
    "QuickActionItem": (
        "accessLevelRequired?", "colors>Color", "iconUrl?", "icons>Icon", "label", "miniIconUrl",
        "quickActionName", "targetSobjectType?", "type", "urls",
    ),
    "RelatedList": (
        "accessLevelRequiredForCreate?", "buttons>Button", "columns>RelatedListColumn", "custom", "field?",
        "label", "limitRows", "name", "sobject?", "sort>RelatedListSort",
    ),
    "RelatedListColumn": ("field?", "fieldApiName", "format?", "label", "lookupId", "name", "sortable"),
    "RelatedListSort": ("ascending", "column"),
    "Row": ("layoutItems>Item", "numItems"),
    "SearchLayout": ("errorMsg?", "label?", "limitRows?", "objectType", "searchColumns>Column"),
    "SearchScope": ("keyPrefix", "name"),
    "Section": (
        "collapsed", "columns", "heading?", "layoutRows>Row", "layoutSectionId?", "parentLayoutId", "rows",
        "tabOrder", "useCollapsibleSection", "useHeading",
    ),
    "Theme": ("themeItems>ThemeItem",),
    "ThemeItem": ("colors>Color", "icons>Icon", "name"),
}  # fmt: skip
OBJECT_NILS = (
    "defaultImplementation", "implementedBy", "implementsInterfaces", "keyPrefix", "networkScopeFieldName",
    "urlDetail", "urlEdit", "urlNew",
)  # fmt: skip
"""Keys of a described object that are nil and not absent where they have no value."""


def shaped(value: Mapping[str, Any], shape: str) -> str:
    """The inside of an element of this type."""
    return "".join(_part(entry, value) for entry in SHAPES[shape])


def _part(entry: str, value: Mapping[str, Any]) -> str:
    told, _, inner = entry.partition(">")
    name = told.removesuffix("?")
    found = value.get(name)
    if found is None:
        return element(name, None) if told.endswith("?") else ""
    many = found if isinstance(found, list) else [found]
    if not inner:
        return tree({name: many})
    return "".join(f"<{name}{_kind(inner, each)}>{shaped(each, inner)}</{name}>" for each in many)


def _kind(shape: str, value: Mapping[str, Any]) -> str:
    """A component that shows a field says so: it has more elements than others."""
    return ' xsi:type="FieldLayoutComponent"' if shape == "Component" and "fieldType" in value else ""


def described_object(value: Mapping[str, Any]) -> str:
    """The inside of a described object, whose keys stand in the order of the alphabet."""
    nils = [name for name in OBJECT_NILS if name in value and value[name] is None]
    parts = {name: tree({name: each}) for name, each in value.items() if each is not None}
    if "fields" in parts:
        parts["fields"] = "".join(f"<fields>{_described_field(each)}</fields>" for each in value["fields"])
    parts |= {name: element(name, None) for name in nils}
    return "".join(parts[name] for name in sorted(parts))


def _described_field(value: Mapping[str, Any]) -> str:
    """The inside of a described field, in the order of the alphabet; elements of its values may be nil."""
    parts = []
    for name, each in sorted(value.items()):
        if name == "picklistValues":
            parts += [f"<{name}>{shaped(one, 'PicklistEntry')}</{name}>" for one in each]
        else:
            parts.append(tree({name: each}))
    return "".join(parts)
