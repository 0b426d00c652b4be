"""Rows that are made from components when somebody asks for them.

A mirrored object has one row a component of its type, with the component's id and stamps. What a
column holds follows from its name (`ErrorMessage` is the element `errorMessage`), unless
`ELEMENTS` or a function says otherwise. `_mirror` notes which component a row is.

Source: Tooling API, "Objects"; Metadata API Developer Guide for the elements.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import ids
from ..metadata import deploy_requests
from ..metadata.component_types import component_type
from ..metadata_xml import Tree, flag, text
from ..schema import Field
from ..store import quoted
from ..tables import Table, Tables

if TYPE_CHECKING:
    from ..org import EmulatedOrg

Values = dict[str, Any]
DDL = (
    "CREATE TABLE IF NOT EXISTS _mirror (row INTEGER PRIMARY KEY, object TEXT NOT NULL COLLATE NOCASE, "
    "full_name TEXT NOT NULL COLLATE NOCASE)"
)
DDL_INDEX = "CREATE UNIQUE INDEX IF NOT EXISTS _mirror_name ON _mirror (object, full_name)"
NAME_COLUMNS = ("DeveloperName", "Name", "ValidationName", "SiteName")
LABELS = ("label", "masterLabel", "fullName")


@dataclass(frozen=True, slots=True)
class Mirror:
    """How one object's rows come from components."""

    component: str
    parent: str = ""
    """What parts the object's name from the component's own in a full name; empty where there is none."""
    only: Callable[[str], bool] = lambda name: True
    """Which components have a row, by full name."""


def _is_custom(name: str) -> bool:
    return name.endswith(("__c", "__mdt", "__e", "__b", "__x", "__kav"))


MIRRORS: dict[str, Mirror] = {
    "ApexComponent": Mirror("ApexComponent"),
    "AuraDefinitionBundle": Mirror("AuraDefinitionBundle"),
    "BusinessProcess": Mirror("BusinessProcess", "."),
    "ChatterSettings": Mirror("Settings", "", lambda name: name == "Chatter"),
    "CompactLayout": Mirror("CompactLayout", "."),
    "CustomApplication": Mirror("CustomApplication"),
    "CustomField": Mirror("CustomField", ".", lambda name: _is_custom(name)),
    "CustomObject": Mirror("CustomObject", "", _is_custom),
    "CustomTab": Mirror("CustomTab"),
    "EnhancedNotesSettings": Mirror("Settings", "", lambda name: name == "EnhancedNotes"),
    "FieldSet": Mirror("FieldSet", "."),
    "FlexiPage": Mirror("FlexiPage"),
    "Flow": Mirror("FlowVersion"),
    "FlowDefinition": Mirror("FlowDefinition"),
    "GlobalValueSet": Mirror("GlobalValueSet"),
    "InstalledSubscriberPackage": Mirror("InstalledPackage"),
    "Layout": Mirror("Layout", "-"),
    "LightningComponentBundle": Mirror("LightningComponentBundle"),
    "NamedCredential": Mirror("NamedCredential"),
    "QuickActionDefinition": Mirror("QuickAction", "."),
    "RemoteProxy": Mirror("RemoteSiteSetting"),
    "StaticResource": Mirror("StaticResource"),
    "ValidationRule": Mirror("ValidationRule", "."),
    "WebLink": Mirror("WebLink", "."),
    "WorkflowAlert": Mirror("WorkflowAlert", "."),
    "WorkflowFieldUpdate": Mirror("WorkflowFieldUpdate", "."),
    "WorkflowRule": Mirror("WorkflowRule", "."),
}
ELEMENTS: dict[tuple[str, str], str] = {
    ("RemoteProxy", "EndpointUrl"): "url",
    ("QuickActionDefinition", "Type"): "type",
    ("FlexiPage", "Type"): "type",
    ("NamedCredential", "Endpoint"): "endpoint",
    ("ApexComponent", "MasterLabel"): "label",
    ("ChatterSettings", "IsChatterEnabled"): "enableChatter",
    ("CustomField", "InlineHelpText"): "inlineHelpText",
    ("EnhancedNotesSettings", "IsEnhancedNotesEnabled"): "enableEnhancedNotes",
}
"""Where a column's element is not its own name with a small first letter."""


def component_of(sobject: str) -> str | None:
    """The component type whose components are rows of a mirrored object."""
    found = MIRRORS.get(sobject)
    return found.component if found else None


def refresh(org: "EmulatedOrg", tables: Tables, sobject: str) -> bool:
    """Make the rows of an object anew; False for an object that is not mirrored."""
    mirror = MIRRORS.get(sobject)
    if mirror is None and sobject != deploy_requests.OBJECT:
        return False
    table = tables[sobject]
    org.definitions.refresh_for("EntityDefinition")
    if mirror is None:
        rows = [(row, str(row["Id"])) for row in deploy_requests.rows(org)]
    else:
        rows = list(_rows(org, table, mirror))
    listed = ", ".join(quoted(column) for column in table.columns)
    marks = ", ".join("?" * len(table.columns))
    with org.store.transaction():
        org.store.ensure_table(DDL)
        org.store.ensure_table(DDL_INDEX)
        org.store.execute(f"DELETE FROM {quoted(sobject)}")
        org.store.execute("DELETE FROM _mirror WHERE object = ?", (sobject,))
        org.store.execute_many(
            f"INSERT INTO {quoted(sobject)} ({listed}) VALUES ({marks})",
            [[row.get(column) for column in table.columns] for row, _ in rows],
        )
        org.store.execute_many(
            "INSERT OR REPLACE INTO _mirror VALUES (?, ?, ?)",
            [(row["Id"], sobject, name) for row, name in rows],
        )
    return True


def full_name_of(org: "EmulatedOrg", number: int) -> str | None:
    """The component that a mirrored row is."""
    org.store.ensure_table(DDL)
    found = org.store.execute("SELECT full_name FROM _mirror WHERE row = ?", (number,))
    return found[0][0] if found else None


def row_of(org: "EmulatedOrg", sobject: str, full_name: str) -> int | None:
    """The row of a component, by its number; the object must be fresh."""
    org.store.ensure_table(DDL)
    found = org.store.execute(
        "SELECT row FROM _mirror WHERE object = ? AND full_name = ?", (sobject, full_name)
    )
    return found[0][0] if found else None


def entity_number(org: "EmulatedOrg", name: str | None) -> int | None:
    """The row of an object in EntityDefinition, by its name or durable id."""
    if not name:
        return None
    org.definitions.refresh_for("EntityDefinition")
    found = org.store.execute(
        'SELECT "Id" FROM "EntityDefinition" WHERE "QualifiedApiName" = ? OR "DurableId" = ?',
        (name, name[:15]),
    ) or org.store.execute('SELECT "Id" FROM "EntityDefinition" WHERE "DurableId" = ?', (name,))
    return found[0][0] if found else None


def _rows(org: "EmulatedOrg", table: Table, mirror: Mirror) -> Iterator[tuple[Values, str]]:
    kind = component_type(mirror.component)
    for full_name in kind.names(org):
        if not mirror.only(full_name):
            continue
        tree, facts = kind.read(org, full_name), kind.facts(org, full_name)
        number = ids.parse(facts.id) if facts else None
        if tree is None or facts is None or number is None:
            continue
        stamps = {
            "Id": number,
            "CreatedDate": facts.created_ms // 1000 * 1000,
            "CreatedById": ids.parse(facts.created_by),
            "LastModifiedDate": facts.modified_ms // 1000 * 1000,
            "LastModifiedById": ids.parse(facts.modified_by),
            "SystemModstamp": facts.modified_ms // 1000 * 1000,
        }
        row = {**_columns(org, table, mirror, full_name, tree), **stamps}
        yield row, full_name


def _columns(org: "EmulatedOrg", table: Table, mirror: Mirror, full_name: str, tree: Tree) -> Values:
    owner, parted, own = full_name.partition(mirror.parent) if mirror.parent else ("", "", full_name)
    own = own if parted else full_name
    row: Values = {}
    for field in table.stored:
        if field.name in NAME_COLUMNS and field.name_field:
            row[field.name] = own
        elif field.name == "EntityDefinitionId":
            row[field.name] = entity_number(org, owner or text(tree, "sobjectType"))
        elif field.name in ("TableEnumOrId", "SobjectType"):
            row[field.name] = owner or None
        elif field.name in ("MasterLabel", "Label") and (table.name, field.name) not in ELEMENTS:
            row[field.name] = next((label for each in LABELS if (label := text(tree, each))), own)
        elif field.name == "ManageableState":
            row[field.name] = "unmanaged"
        else:
            row[field.name] = _value(field, tree, ELEMENTS.get((table.name, field.name)))
    special = SPECIAL.get(table.name)
    return {**row, **special(org, full_name, tree)} if special else row


def _value(field: Field, tree: Tree, element: str | None) -> Any:
    name = element or field.name[:1].lower() + field.name[1:]
    if field.type == "boolean":
        return int(flag(tree, name))
    written = text(tree, name)
    if written is None or field.type in ("reference", "id"):
        return None
    if field.type in ("int", "double"):
        try:
            return int(float(written)) if field.type == "int" else float(written)
        except ValueError:
            return None
    return written


# -- objects with columns of their own making


def _custom_object(org: "EmulatedOrg", name: str, tree: Tree) -> Mapping[str, Any]:
    namespace, base = _named(name)
    return {
        "DeveloperName": base,
        "NamespacePrefix": namespace,
        "SharingModel": text(tree, "sharingModel") or "ReadWrite",
        "Language": "en_US",
    }


def _custom_field(org: "EmulatedOrg", full_name: str, tree: Tree) -> Mapping[str, Any]:
    owner, _, name = full_name.partition(".")
    namespace, base = _named(name)
    facts = component_type("CustomObject").facts(org, owner) if _is_custom(owner) else None
    return {
        "DeveloperName": base,
        "NamespacePrefix": namespace,
        "TableEnumOrId": facts.id if facts and facts.id else owner,
    }


def _named(name: str) -> tuple[str | None, str]:
    """Namespace and developer name of a custom API name."""
    base = name.rpartition("__")[0]
    namespace, parted, rest = base.partition("__")
    return (namespace, rest) if parted else (None, base)


def _flow(org: "EmulatedOrg", full_name: str, tree: Tree) -> Mapping[str, Any]:
    name, _, number = full_name.rpartition("-")
    definition = component_type("FlowDefinition").facts(org, name)
    return {
        "MasterLabel": text(tree, "label") or name,
        "DefinitionId": ids.parse(definition.id) if definition else None,
        "VersionNumber": int(number),
        "ProcessType": text(tree, "processType") or "Flow",
        "RunInMode": text(tree, "runInMode") or "DefaultMode",
    }


def _flow_definition(org: "EmulatedOrg", name: str, tree: Tree) -> Mapping[str, Any]:
    versions = component_type("FlowVersion")
    own = [each for each in versions.names(org) if each.rpartition("-")[0].lower() == name.lower()]
    latest = max(own, key=lambda each: int(each.rpartition("-")[2]), default=None)
    active = text(tree, "activeVersionNumber")
    label = text(versions.read(org, latest) or {}, "label") if latest else None
    return {
        "DeveloperName": name,
        "MasterLabel": label or text(tree, "masterLabel") or name,
        "ActiveVersionId": _id_of(org, f"{name}-{active}") if active and active != "0" else None,
        "LatestVersionId": _id_of(org, latest) if latest else None,
    }


def _id_of(org: "EmulatedOrg", version: str) -> int | None:
    facts = component_type("FlowVersion").facts(org, version)
    return ids.parse(facts.id) if facts else None


def _layout(org: "EmulatedOrg", full_name: str, tree: Tree) -> Mapping[str, Any]:
    return {"LayoutType": "Standard", "Name": full_name.partition("-")[2]}


def _tab(org: "EmulatedOrg", name: str, tree: Tree) -> Mapping[str, Any]:
    kinds = (("customObject", "customObject"), ("url", "url"), ("flexiPage", "flexiPage"), ("page", "page"))
    kind = next((word for element, word in kinds if tree.get(element)), "customObject")
    known = org.schema.get(name)
    return {"Type": kind, "MasterLabel": text(tree, "label") or (known.label_plural if known else name)}


def _static_resource(org: "EmulatedOrg", name: str, tree: Tree) -> Mapping[str, Any]:
    try:
        body = base64.b64decode(text(tree, "content") or "")
    except binascii.Error:
        body = b""
    return {
        "Body": body,
        "BodyLength": len(body),
        "CacheControl": text(tree, "cacheControl") or "Private",
    }


def _installed_package(org: "EmulatedOrg", namespace: str, tree: Tree) -> Mapping[str, Any]:
    from . import packages

    found = packages.find(org, namespace, text(tree, "versionNumber") or "")
    return {
        "SubscriberPackageId": found.package if found else None,
        "SubscriberPackageVersionId": found.version if found else None,
        "MinPackageVersionId": found.version if found else None,
    }


SPECIAL: dict[str, Callable[["EmulatedOrg", str, Tree], Mapping[str, Any]]] = {
    "CustomObject": _custom_object,
    "CustomField": _custom_field,
    "Flow": _flow,
    "FlowDefinition": _flow_definition,
    "InstalledSubscriberPackage": _installed_package,
    "Layout": _layout,
    "CustomTab": _tab,
    "StaticResource": _static_resource,
}
