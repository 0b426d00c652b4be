"""What lets go of a field that is deleted: layouts, list views, field sets and the like.

`PLACES` says where each type of component lists fields. A place that has the deleted one is taken out of the
tree that is kept, so that what is retrieved can be deployed again.

Source: Salesforce Help, "Delete Custom Fields".
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.emulator.metadata.component_types import write_stored
from reconciler.emulator.metadata_xml import Tree, text

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

PLACES: dict[str, tuple[tuple[str, str], ...]] = {
    "CompactLayout": (("fields", ""),),
    "FieldSet": (("displayedFields", "field"), ("availableFields", "field")),
    "Layout": (
        ("layoutSections.layoutColumns.layoutItems", "field"),
        ("miniLayout.fields", ""),
        ("multilineLayoutFields", ""),
    ),
    "ListView": (("columns", ""), ("filters", "field")),
    "PathAssistant": (("pathAssistantSteps.fieldNames", ""),),
    "QuickAction": (
        ("quickActionLayout.quickActionLayoutColumns.quickActionLayoutItems", "field"),
        ("fieldOverrides", "field"),
    ),
    "RecordType": (("picklistValues", "picklist"),),
}
"""By type: the path to what is taken out, and the element of it that names the field; itself where empty."""


def let_go(tx: "Transaction", sobject: str, field: str) -> None:
    """Take a field out of all components that let go of it, a look-up's related lists too."""
    for kind, places in PLACES.items():
        for name, tree in _of_object(tx.org, kind, sobject):
            taken = [_without(tree, path.split("."), element, field) for path, element in places]
            if any(taken):
                write_stored(tx, kind, name, tree)
    for name in tx.org.components.names("Layout"):
        tree = tx.org.components.tree("Layout", name) or {}
        if _without(tree, ["relatedLists"], "relatedList", f"{sobject}.{field}"):
            write_stored(tx, "Layout", name, tree)


def _of_object(org: "EmulatedOrg", kind: str, sobject: str) -> Iterator[tuple[str, Tree]]:
    wanted = sobject.lower()
    for name in org.components.names(kind):
        tree = org.components.tree(kind, name) or {}
        owner = name.partition("-" if kind == "Layout" else ".")[0]
        about = text(tree, "targetObject") or text(tree, "entityName") or owner
        if about.lower() == wanted:
            yield name, tree


def _without(tree: Tree, path: list[str], element: str, field: str) -> bool:
    """Take out what names the field; whether anything did."""
    name, *rest = path
    items = tree.get(name, [])
    if rest:
        taken = [_without(each, rest, element, field) for each in items if isinstance(each, dict)]
        return any(taken)
    kept = [
        each
        for each in items
        if ((text(each, element) or "") if isinstance(each, dict) else str(each or "")).strip().lower()
        != field.lower()
    ]
    if len(kept) == len(items):
        return False
    if kept:
        tree[name] = kept
    else:
        del tree[name]
    return True
