"""Components that live as rows: roles, groups, queues, permissions and who holds them, custom metadata.

A component whose row exists changes it, as a deployment does: what it lists is set, what it does not
list stays. What refers to something that is not there is reported; fields and objects of other
packages, and the code that rights are given on, are made up instead.

Source: Metadata API Developer Guide, "PermissionSet", "PermissionSetGroup", "Group", "Queue", "Role",
"CustomPermission", "CustomMetadata".
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from reconciler.emulator.access.rights import withhold
from reconciler.emulator.errors import ApiError
from reconciler.emulator.metadata_xml import Tree, child, each, flag, text, texts
from reconciler.emulator.writes import Transaction

from .report import Found, LoadReport
from .schema import stub_field

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

OBJECT_RIGHTS = {
    "allowRead": "PermissionsRead",
    "allowCreate": "PermissionsCreate",
    "allowEdit": "PermissionsEdit",
    "allowDelete": "PermissionsDelete",
    "viewAllRecords": "PermissionsViewAllRecords",
    "modifyAllRecords": "PermissionsModifyAllRecords",
    "viewAllFields": "PermissionsViewAllFields",
}
"""Metadata's words for rights on an object, and the fields of ObjectPermissions."""
TAB_VISIBILITY = {
    "Visible": "DefaultOn",
    "Available": "DefaultOff",
    "DefaultOn": "DefaultOn",
    "DefaultOff": "DefaultOff",
}
SAID = {
    "User": "user",
    "Group": "group",
    "Role": "role",
    "PermissionSet": "permission set",
    "License": "licence",
    "CustomObject": "object",
}
"""What a seed's report calls a kind of thing that is missing."""
ACCESSES = (
    ("classAccesses", "apexClass", "ApexClass", "Name"),
    ("pageAccesses", "apexPage", "ApexPage", "Name"),
    ("customPermissions", "name", "CustomPermission", "DeveloperName"),
)
"""Element, its name, the object whose row is the setup entity, the field that names it."""


class Loading:
    """One seed being written as rows by the platform."""

    makes_up = True
    """Whether what is named but was left out of the project is made up: fields and objects of other packages,
    classes, pages and custom permissions that rights are given on. Where a seed is, they were too."""

    def __init__(self, org: "EmulatedOrg", report: LoadReport, tx: Transaction | None = None) -> None:
        self.org = org
        self.tx = tx or Transaction(org, org.admin_number)
        self.report = report

    def put(self, sobject: str, key: dict[str, Any], values: dict[str, Any]) -> int:
        self.report.made_row(sobject)
        return self.tx.put_row(sobject, key, values)

    def find(self, sobject: str, **where: Any) -> int | None:
        return self.tx.find_row(sobject, where)

    def problem(self, where: str, what: str) -> None:
        self.report.problems.append(f"{where}: {what}")

    def missing(self, where: str, element: str, kind: str, name: str | None) -> None:
        """An element names something that is not there."""
        self.problem(where, f"there is no {SAID.get(kind, kind)} {name}")


def load_rows(org: "EmulatedOrg", found: Found, report: LoadReport) -> None:
    """Write the rows of a seed, each type after those it refers to."""
    loading = Loading(org, report)
    for kind, load in LOADERS:
        for full_name, (tree, _) in found.get(kind, {}).items():
            load(loading, full_name, tree)


def load_role(loading: Loading, name: str, tree: Tree) -> None:
    parent_name = text(tree, "parentRole")
    parent = loading.find("UserRole", DeveloperName=parent_name) if parent_name else None
    if parent_name and parent is None:
        parent = _put_role(loading, parent_name, {"Name": parent_name})
    values = {
        "Name": text(tree, "name") or name,
        "ParentRoleId": parent,
        "RollupDescription": text(tree, "description") or None,
    }
    _put_role(loading, name, values)


def _put_role(loading: Loading, name: str, values: dict[str, Any]) -> int:
    role = loading.put("UserRole", {"DeveloperName": name}, values)
    for kind in ("Role", "RoleAndSubordinates"):
        loading.put("Group", {"RelatedId": role, "Type": kind}, {"DeveloperName": name})
    return role


def load_group(loading: Loading, name: str, tree: Tree) -> None:
    values = {
        "Name": text(tree, "name") or name,
        "DoesIncludeBosses": int(flag(tree, "doesIncludeBosses")),
        "Description": text(tree, "description"),
    }
    loading.put("Group", {"DeveloperName": name, "Type": "Regular"}, values)


def load_queue(loading: Loading, name: str, tree: Tree) -> None:
    values = {
        "Name": text(tree, "name") or name,
        "Email": text(tree, "email"),
        "DoesSendEmailToMembers": int(flag(tree, "doesSendEmailToMembers")),
    }
    queue = loading.put("Group", {"DeveloperName": name, "Type": "Queue"}, values)
    for served in each(tree, "queueSobject"):
        sobject = text(served, "sobjectType")
        if sobject and sobject in loading.org.schema:
            spelled = loading.org.schema[sobject].name
            loading.put("QueueSobject", {"QueueId": queue, "SobjectType": spelled}, {})
        else:
            loading.missing(name, "sobjectType", "CustomObject", sobject)
    for member in _queue_members(loading, name, child(tree, "queueMembers")):
        loading.put("GroupMember", {"GroupId": queue, "UserOrGroupId": member}, {})


def _queue_members(loading: Loading, queue: str, members: Tree) -> Iterator[int]:
    """Users by username; groups and roles by the row of their group."""
    for username in texts(child(members, "users"), "user"):
        found = loading.find("User", Username=username)
        yield from _known(loading, queue, ("user", "User"), username, found)
    for name in texts(child(members, "publicGroups"), "publicGroup"):
        found = loading.find("Group", DeveloperName=name, Type="Regular")
        yield from _known(loading, queue, ("publicGroup", "Group"), name, found)
    for name in texts(child(members, "roles"), "role"):
        found = loading.find("Group", DeveloperName=name, Type="Role")
        yield from _known(loading, queue, ("role", "Role"), name, found)
    for element in ("roleAndSubordinates", "roleAndSubordinatesInternal"):
        for name in texts(child(members, element), element.removesuffix("Internal")):
            found = loading.find("Group", DeveloperName=name, Type="RoleAndSubordinates")
            yield from _known(loading, queue, (element, "Role"), name, found)


def _known(
    loading: Loading, where: str, what: tuple[str, str], name: str, found: int | None
) -> Iterator[int]:
    if found is None:
        loading.missing(where, *what, name)
    else:
        yield found


def load_custom_permission(loading: Loading, name: str, tree: Tree) -> None:
    values = {
        "MasterLabel": text(tree, "label") or name,
        "Description": text(tree, "description"),
        "IsLicensed": int(flag(tree, "isLicensed")),
    }
    loading.put("CustomPermission", {"DeveloperName": name}, values)


def _load_code(sobject: str) -> "Callable[[Loading, str, Tree], None]":
    """The row of a class or page, which permissions may name; its source comes later."""

    def load(loading: Loading, name: str, tree: Tree) -> None:
        values: dict[str, Any] = {"ApiVersion": float(text(tree, "apiVersion") or 64)}
        if sobject == "ApexPage":
            values |= {"MasterLabel": text(tree, "label") or name, "ControllerType": "3", "Markup": ""}
        else:
            values |= {"Status": text(tree, "status") or "Active"}
            if not tree:
                values["Body"] = f"public class {name} {{\n}}"
        loading.put(sobject, {"Name": name}, values)

    return load


# -- permission sets


def load_permission_set(loading: Loading, name: str, tree: Tree) -> None:
    values: dict[str, Any] = {
        "Label": text(tree, "label") or name,
        "Description": text(tree, "description"),
        "HasActivationRequired": int(flag(tree, "hasActivationRequired")),
        "IsCustom": 1,
    }
    if license_name := text(tree, "license"):
        found = loading.find("UserLicense", Name=license_name) or loading.find(
            "PermissionSetLicense", MasterLabel=license_name
        )
        if found is None:
            loading.missing(name, "license", "License", license_name)
        values["LicenseId"] = found
    parent = loading.put("PermissionSet", {"Name": name, "IsOwnedByProfile": 0}, values)
    load_permissions(loading, name, parent, tree)


def load_permissions(loading: Loading, name: str, parent: int, tree: Tree) -> None:
    """The rows that hang on one permission set or profile; what is not listed stays."""
    _user_permissions(loading, name, parent, tree)
    for item in each(tree, "objectPermissions"):
        _object_permissions(loading, name, parent, item)
    for item in each(tree, "fieldPermissions"):
        _field_permissions(loading, name, parent, item)
    for element, label, sobject, field in ACCESSES:
        for item in each(tree, element):
            _setup_access(
                loading, name, parent, (text(item, label) or "", sobject, field), flag(item, "enabled")
            )
    for element in ("tabSettings", "tabVisibilities"):
        for item in each(tree, element):
            _tab_setting(loading, parent, item)


def _user_permissions(loading: Loading, name: str, parent: int, tree: Tree) -> None:
    table = loading.org.tables["PermissionSet"]
    values: dict[str, Any] = {}
    for item in each(tree, "userPermissions"):
        column = f"Permissions{text(item, 'name')}"
        entry = table.entries.get(column.lower())
        if entry is None:
            loading.problem(name, f"Unknown user permission: {text(item, 'name')}")
        else:
            values[entry.name] = int(flag(item, "enabled"))
    if values:
        loading.tx.set_fields(table, parent, values)


def _object_permissions(loading: Loading, name: str, parent: int, item: Tree) -> None:
    sobject = text(item, "object") or ""
    known = loading.org.schema.get(sobject)
    if known is None:
        loading.missing(name, "object", "CustomObject", sobject)
        return
    rights = {column: int(flag(item, word)) for word, column in OBJECT_RIGHTS.items()}
    key = {"ParentId": parent, "SobjectType": known.name}
    if any(rights.values()):
        loading.put("ObjectPermissions", key, rights)
    else:
        loading.tx.drop_row("ObjectPermissions", key)


def _field_permissions(loading: Loading, name: str, parent: int, item: Tree) -> None:
    full_name = text(item, "field") or ""
    owner, _, field_name = full_name.partition(".")
    sobject = loading.org.schema.get(owner)
    field = sobject.field(field_name) if sobject else None
    if field is None and loading.makes_up:
        field = stub_field(loading.org, full_name, loading.report)
    if field is None:
        loading.problem(name, f"In field: field - no CustomField named {full_name} found")
        return
    owner = loading.org.schema[owner].name
    key: dict[str, Any] = {"ParentId": parent, "Field": f"{owner}.{field.name}"}
    rights = {
        "SobjectType": owner,
        "PermissionsRead": int(flag(item, "readable")),
        "PermissionsEdit": int(flag(item, "editable")),
    }
    if rights["PermissionsRead"] or rights["PermissionsEdit"]:
        loading.put("FieldPermissions", key, rights)
    else:
        loading.tx.drop_row("FieldPermissions", key)
        withhold(loading.tx.store, parent, key["Field"])


def _setup_access(
    loading: Loading, name: str, parent: int, target: tuple[str, str, str], enabled: bool
) -> None:
    entity_name, sobject, field = target
    entity = loading.find(sobject, **{field: entity_name})
    if entity is None and loading.makes_up and entity_name.isidentifier():
        dict(LOADERS)[sobject](loading, entity_name, {})
        loading.report.stubs.append(f"{sobject} {entity_name}")
        entity = loading.find(sobject, **{field: entity_name})
    if entity is None:
        element = next(label for _, label, kind, _ in ACCESSES if kind == sobject)
        loading.missing(name, element, sobject, entity_name)
        return
    key = {"ParentId": parent, "SetupEntityId": entity}
    if enabled:
        loading.put("SetupEntityAccess", key, {"SetupEntityType": sobject})
    else:
        loading.tx.drop_row("SetupEntityAccess", key)


def _tab_setting(loading: Loading, parent: int, item: Tree) -> None:
    tab, visibility = text(item, "tab"), TAB_VISIBILITY.get(text(item, "visibility") or "")
    if not tab:
        return
    key = {"ParentId": parent, "Name": tab}
    if visibility:
        loading.put("PermissionSetTabSetting", key, {"Visibility": visibility})
    else:
        loading.tx.drop_row("PermissionSetTabSetting", key)


def load_permission_set_group(loading: Loading, name: str, tree: Tree) -> None:
    values = {
        "MasterLabel": text(tree, "label") or name,
        "Description": text(tree, "description"),
        "Status": "Updated",
        "HasActivationRequired": int(flag(tree, "hasActivationRequired")),
    }
    group = loading.put("PermissionSetGroup", {"DeveloperName": name}, values)
    loading.put(
        "PermissionSet", {"PermissionSetGroupId": group}, {"Name": name, "Label": name, "Type": "Group"}
    )
    members = [("PermissionSet", "Name", "permissionSets")]
    members.append(("MutingPermissionSet", "DeveloperName", "mutingPermissionSets"))
    for sobject, field, element in members:
        for member in texts(tree, element):
            found = loading.find(sobject, **{field: member})
            for number in _known(loading, name, (element, sobject), member, found):
                loading.put(
                    "PermissionSetGroupComponent",
                    {"PermissionSetGroupId": group, "PermissionSetId": number},
                    {},
                )


def load_muting_set(loading: Loading, name: str, tree: Tree) -> None:
    loading.put("MutingPermissionSet", {"DeveloperName": name}, {"MasterLabel": text(tree, "label") or name})


def load_profile(loading: Loading, name: str, tree: Tree) -> None:
    """A profile that the org lacks is made when it is custom; one it has gets what is listed."""
    named = PROFILE_NAMES.get(name, name)
    profile = loading.find("Profile", Name=named)
    if profile is None:
        licence = loading.find("UserLicense", Name=text(tree, "userLicense") or "Salesforce")
        if not flag(tree, "custom") or licence is None:
            return
        profile = loading.put("Profile", {"Name": named}, {"UserLicenseId": licence, "UserType": "Standard"})
        loading.tx.own_permission_set(profile, licence)
    parent = loading.find("PermissionSet", ProfileId=profile)
    if parent is not None:
        load_permissions(loading, f"profile {named}", parent, tree)


PROFILE_NAMES = {
    "Admin": "System Administrator",
    "Standard": "Standard User",
    "ReadOnly": "Read Only",
    "SolutionManager": "Solution Manager",
    "MarketingProfile": "Marketing User",
    "ContractManager": "Contract Manager",
    "MinimumAccess": "Minimum Access - Salesforce",
    "StandardAul": "Standard Platform User",
}
"""Full names of standard profiles in metadata, and the names their rows have."""


# -- custom metadata


def load_custom_metadata(loading: Loading, name: str, tree: Tree) -> None:
    type_name, _, record = name.partition(".")
    sobject = loading.org.schema.get(f"{type_name}__mdt")
    if sobject is None:
        loading.problem(name, f"there is no custom metadata type {type_name}__mdt")
        return
    table = loading.org.tables[sobject.name]
    label = text(tree, "label") or record
    values: dict[str, Any] = {"MasterLabel": label, "Label": label, "QualifiedApiName": record}
    for item in each(tree, "values"):
        entry = table.entries.get((text(item, "field") or "").lower())
        if entry is None or entry.position < 0:
            full_name = f"{sobject.name}.{text(item, 'field')}"
            loading.problem(name, f"In field: field - no CustomField named {full_name} found")
            continue
        written = text(item, "value")
        if (target := sobject.fields[entry.name.lower()].reference_to) and written:
            values[entry.name] = _metadata_target(loading, name, entry.name, target[0], written)
            continue
        try:
            values[entry.name] = entry.read(written)
        except ApiError as error:
            loading.problem(name, error.message)
    loading.put(sobject.name, {"DeveloperName": record}, values)


def _metadata_target(loading: Loading, where: str, field: str, sobject: str, record: str) -> int | None:
    """The record of custom metadata that another names; one that a seed brings later is made now."""
    found = loading.find(sobject, DeveloperName=record)
    if found is None and loading.makes_up:
        labels = {"MasterLabel": record, "Label": record, "QualifiedApiName": record}
        return loading.put(sobject, {"DeveloperName": record}, labels)
    if found is None:
        full_name = f"{sobject.removesuffix('__mdt')}.{record}"
        loading.missing(where, field, "CustomMetadata", full_name)
    return found


# -- what the administrator sees


def show_to_administrator(org: "EmulatedOrg", found: Found, report: LoadReport) -> None:
    """Let the System Administrator profile see what came with the seed or was made up for it.

    Whoever installs a project or a package for administrators sees its objects and fields too.
    """
    loading = Loading(org, report)
    profile = loading.find("Profile", Name="System Administrator")
    parent = loading.find("PermissionSet", ProfileId=profile)
    if parent is None:
        return
    rights = {column: 1 for column in OBJECT_RIGHTS.values() if column != "PermissionsViewAllFields"}
    for name in dict.fromkeys([*found.get("CustomObject", {}), *report.stubs]):
        known = loading.org.schema.get(name)
        if known and known.custom and known.deletable and not known.custom_setting:
            loading.put("ObjectPermissions", {"ParentId": parent, "SobjectType": known.name}, rights)
    for full_name in dict.fromkeys([*found.get("CustomField", {}), *report.stubs]):
        owner, _, name = full_name.partition(".")
        sobject = loading.org.schema.get(owner)
        field = sobject.field(name) if sobject else None
        if sobject is None or field is None or not field.permissionable:
            continue
        granted = {
            "SobjectType": sobject.name,
            "PermissionsRead": 1,
            "PermissionsEdit": int(field.updateable),
        }
        loading.put(
            "FieldPermissions", {"ParentId": parent, "Field": f"{sobject.name}.{field.name}"}, granted
        )


LOADERS: tuple[tuple[str, Callable[[Loading, str, Tree], None]], ...] = (
    ("Role", load_role),
    ("Group", load_group),
    ("Queue", load_queue),
    ("CustomPermission", load_custom_permission),
    ("ApexClass", _load_code("ApexClass")),
    ("ApexPage", _load_code("ApexPage")),
    ("CustomMetadata", load_custom_metadata),
    ("PermissionSet", load_permission_set),
    ("MutingPermissionSet", load_muting_set),
    ("PermissionSetGroup", load_permission_set_group),
    ("Profile", load_profile),
)
"""Types that live as rows, in the order they are written."""
