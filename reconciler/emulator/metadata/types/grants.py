"""The elements of permission sets and profiles that are rows, and how rows follow them.

Access is rows: `ObjectPermissions`, `FieldPermissions`, `SetupEntityAccess`, tab settings, and a column
for each user permission. `read_grants` makes elements of them, `check` refuses what refers to nothing,
`drop_unlisted` takes away what a permission set no longer lists.

Standard objects and fields that the emulated org does not know are passed over: an org would have them.

Source: Metadata API Developer Guide, "PermissionSet", "Profile"; texts as seen in public deployments.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reconciler.emulator.metadata.component_types import ComponentProblem, component_type
from reconciler.emulator.metadata_xml import Tree, each, flag, text
from reconciler.emulator.rules.access import IMPLIED, WORDS
from reconciler.emulator.seeding.rows import ACCESSES, OBJECT_RIGHTS, TAB_VISIBILITY

if TYPE_CHECKING:
    from reconciler.emulator.metadata.types.row_base import Strict
    from reconciler.emulator.org import EmulatedOrg

PREFIX = "Permissions"
CUSTOM_SUFFIXES = ("__c", "__mdt", "__e", "__b", "__x", "__kav")
REFERENCES = (
    ("applicationVisibilities", "application", "CustomApplication"),
    ("externalDataSourceAccesses", "externalDataSource", "ExternalDataSource"),
    ("recordTypeVisibilities", "recordType", "RecordType"),
    ("flowAccesses", "flow", "Flow"),
)
"""Element, its name, the type of component that it names."""
ONCE = (
    *((element, label) for element, label, _ in REFERENCES),
    *((element, label) for element, label, _, _ in ACCESSES),
    ("fieldPermissions", "field"),
    ("objectPermissions", "object"),
    ("tabSettings", "tab"),
    ("tabVisibilities", "tab"),
    ("userPermissions", "name"),
)
"""Elements that may name a thing once only, and what names it."""
TYPE_ACCESSES = ("customMetadataTypeAccesses", "customSettingAccesses")
VISIBLE = {
    "PermissionSet": {"DefaultOn": "Visible", "DefaultOff": "Available"},
    "Profile": {"DefaultOn": "DefaultOn", "DefaultOff": "DefaultOff"},
}
"""What a tab's setting is called in each type."""


def _bool(value: Any) -> list[str]:
    return ["true" if value else "false"]


# -- from rows


def read_grants(org: "EmulatedOrg", parent: int, kind: str) -> Tree:
    """The elements that one permission set's rows hold."""
    made: Tree = {}
    for element, label, sobject, field in ACCESSES:
        rows = org.store.execute(
            f'SELECT e."{field}" FROM "SetupEntityAccess" a JOIN "{sobject}" e ON e."Id" = a."SetupEntityId" '  # noqa: S608 - names are ours
            'WHERE a."ParentId" = ? ORDER BY 1',
            (parent,),
        )
        made[element] = [{label: [name], "enabled": ["true"]} for (name,) in rows]
    made["fieldPermissions"] = [
        {"editable": _bool(edit), "field": [name], "readable": _bool(read)}
        for name, read, edit in org.store.execute(
            'SELECT "Field", "PermissionsRead", "PermissionsEdit" FROM "FieldPermissions" '
            'WHERE "ParentId" = ? ORDER BY 1',
            (parent,),
        )
    ]
    made["objectPermissions"] = _object_permissions(org, parent)
    made["tabSettings" if kind == "PermissionSet" else "tabVisibilities"] = [
        {"tab": [name], "visibility": [VISIBLE[kind].get(visibility, visibility)]}
        for name, visibility in org.store.execute(
            'SELECT "Name", "Visibility" FROM "PermissionSetTabSetting" WHERE "ParentId" = ? ORDER BY 1',
            (parent,),
        )
    ]
    made["userPermissions"] = [
        {"enabled": ["true"], "name": [name]} for name in sorted(_user_permissions(org, parent))
    ]
    return made


def _object_permissions(org: "EmulatedOrg", parent: int) -> list[Tree]:
    columns = ", ".join(f'"{column}"' for column in OBJECT_RIGHTS.values())
    rows = org.store.execute(
        f'SELECT "SobjectType", {columns} FROM "ObjectPermissions" WHERE "ParentId" = ? ORDER BY 1',  # noqa: S608 - names are ours
        (parent,),
    )
    found = []
    for name, *granted in rows:
        item: Tree = {word: _bool(each) for word, each in zip(OBJECT_RIGHTS, granted, strict=True)}
        found.append({**item, "object": [name]})
    return found


def _user_permissions(org: "EmulatedOrg", parent: int) -> Iterator[str]:
    table = org.tables["PermissionSet"]
    row = dict(zip(table.columns, org.store.execute(table.select_sql, (parent,))[0], strict=True))
    return (name.removeprefix(PREFIX) for name, value in row.items() if name.startswith(PREFIX) and value)


# -- does what is named exist


def check(strict: "Strict", full_name: str, tree: Tree) -> Tree:
    """The tree without what an org would know and this one does not. Raises `ComponentProblem`."""
    org = strict.org
    _check_once(tree)
    for element, label, kind in REFERENCES:
        for item in each(tree, element):
            _check_named(org, strict, full_name, label, kind, text(item, label) or "")
    for element in TYPE_ACCESSES:
        for item in each(tree, element):
            if (name := text(item, "name") or "") not in org.schema:
                strict.missing(full_name, "name", "CustomObject", name)
    for item in each(tree, "externalCredentialPrincipalAccesses"):
        name = text(item, "externalCredentialPrincipal") or ""
        if component_type("ExternalCredential").read(org, name.rpartition("-")[0]) is None:
            strict.missing(full_name, "externalCredentialPrincipal", "ExternalCredentialPrincipal", name)
    for item in (*each(tree, "tabSettings"), *each(tree, "tabVisibilities")):
        _check_tab(org, strict, full_name, item)
    known = dict(tree)
    known["objectPermissions"] = [item for item in each(tree, "objectPermissions") if _is_known(org, item)]
    for item in each(known, "objectPermissions"):
        _check_implied(text(item, "object") or "", item)
    known["fieldPermissions"] = list(_known_fields(org, tree))
    return known


def _check_once(tree: Tree) -> None:
    for element, label in ONCE:
        seen: set[str] = set()
        for item in each(tree, element):
            name = text(item, label) or ""
            if name.lower() in seen:
                raise ComponentProblem(
                    f"Field:{label}, value:{name} appears more than once", status_code="INVALID_FIELD"
                )
            seen.add(name.lower())


def _check_named(org: "EmulatedOrg", strict: "Strict", where: str, label: str, kind: str, name: str) -> None:
    standard = name.startswith("standard__") or (kind == "RecordType" and name.startswith("PersonAccount."))
    if not standard and component_type(kind).read(org, name) is None:
        strict.missing(where, label, kind, name)


def _check_tab(org: "EmulatedOrg", strict: "Strict", where: str, item: Tree) -> None:
    name, visibility = text(item, "tab") or "", text(item, "visibility") or ""
    if visibility not in TAB_VISIBILITY and visibility not in ("None", "Hidden"):
        raise ComponentProblem(
            f"'{visibility}' is not a valid value for the enum 'PermissionSetTabVisibility'"
        )
    if name.startswith("standard-") or (name.endswith(CUSTOM_SUFFIXES) and name in org.schema):
        return
    if component_type("CustomTab").read(org, name) is None:
        strict.missing(where, "tab", "CustomTab", name)


def _is_known(org: "EmulatedOrg", item: Tree) -> bool:
    name = text(item, "object") or ""
    return name in org.schema or name.endswith(CUSTOM_SUFFIXES) or not name


def _check_implied(sobject: str, item: Tree) -> None:
    granted = {column for word, column in OBJECT_RIGHTS.items() if flag(item, word)}
    for right, needed in IMPLIED.items():
        missing = [f"{WORDS[other]} {sobject}" for other in needed if other not in granted]
        if right in granted and missing:
            raise ComponentProblem(
                f"Permission {WORDS[right]} {sobject} depends on permission(s): {', '.join(missing)}",
                status_code="FIELD_INTEGRITY_EXCEPTION",
            )


def _known_fields(org: "EmulatedOrg", tree: Tree) -> Iterator[Tree]:
    for item in each(tree, "fieldPermissions"):
        full_name = text(item, "field") or ""
        owner, _, name = full_name.partition(".")
        sobject = org.schema.get(owner)
        found = sobject.field(name) if sobject else None
        if found is None and not owner.endswith(CUSTOM_SUFFIXES) and not name.endswith(CUSTOM_SUFFIXES):
            continue
        granted = flag(item, "readable") or flag(item, "editable")
        if found is not None and granted and not found.permissionable:
            if not found.custom and (found.nillable or not found.updateable):
                continue
            raise ComponentProblem(
                f"You cannot deploy to a required field: {full_name}",
                status_code="FIELD_INTEGRITY_EXCEPTION",
            )
        if flag(item, "editable") and item.get("readable") and not flag(item, "readable"):
            raise ComponentProblem(
                f"Permission Edit {full_name} depends on permission(s): Read {full_name}",
                status_code="FIELD_INTEGRITY_EXCEPTION",
            )
        yield {**item, "readable": ["true"]} if flag(item, "editable") else item


# -- what is no longer listed


def drop_unlisted(strict: "Strict", parent: int, tree: Tree) -> None:
    """Take away rows and user permissions that a permission set does not list any more."""
    tx = strict.tx
    keep = {
        "ObjectPermissions": ("SobjectType", _names(tree, "objectPermissions", "object")),
        "FieldPermissions": ("Field", _names(tree, "fieldPermissions", "field")),
        "PermissionSetTabSetting": ("Name", _names(tree, "tabSettings", "tab")),
    }
    for sobject, (column, named) in keep.items():
        for number, name in tx.store.execute(
            f'SELECT "Id", "{column}" FROM "{sobject}" WHERE "ParentId" = ?',  # noqa: S608 - names are ours
            (parent,),
        ):
            if name.lower() not in named:
                tx.drop_row(sobject, {"Id": number})
    for element, label, sobject, field in ACCESSES:
        named = _names(tree, element, label)
        rows = tx.store.execute(
            f'SELECT a."Id", e."{field}" FROM "SetupEntityAccess" a JOIN "{sobject}" e '  # noqa: S608 - names are ours
            'ON e."Id" = a."SetupEntityId" WHERE a."ParentId" = ?',
            (parent,),
        )
        for number, name in rows:
            if name.lower() not in named:
                tx.drop_row("SetupEntityAccess", {"Id": number})
    listed = _names(tree, "userPermissions", "name")
    gone = [name for name in _user_permissions(strict.org, parent) if name.lower() not in listed]
    if gone:
        tx.set_fields(tx.tables["PermissionSet"], parent, {f"{PREFIX}{name}": 0 for name in gone})


def _names(tree: Tree, element: str, label: str) -> set[str]:
    return {(text(item, label) or "").lower() for item in each(tree, element)}
