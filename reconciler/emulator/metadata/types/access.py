"""Permission sets, their groups, profiles and custom permissions.

A permission set that is written grants what it lists and nothing else; a profile gets what is listed
and keeps the rest, as deployments do.

Source: Metadata API Developer Guide, "PermissionSet", "PermissionSetGroup", "Profile", "CustomPermission".
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from reconciler.emulator.access.rights import withhold
from reconciler.emulator.metadata import standard_layouts
from reconciler.emulator.metadata.component_types import ComponentProblem, Written, component_type, register
from reconciler.emulator.metadata.types import grants
from reconciler.emulator.metadata.types.row_base import (
    Row,
    RowType,
    Strict,
    flags,
    named,
    texts_of,
)
from reconciler.emulator.metadata_xml import Tree, each, flag, text
from reconciler.emulator.seeding.rows import (
    PROFILE_NAMES,
    load_custom_permission,
    load_muting_set,
    load_permission_set,
    load_permission_set_group,
    load_permissions,
)

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

ROWS = frozenset(
    {
        "classAccesses",
        "customPermissions",
        "fieldPermissions",
        "objectPermissions",
        "pageAccesses",
        "tabSettings",
        "tabVisibilities",
        "userPermissions",
    }
)
ROW_NAMES = {row: metadata for metadata, row in PROFILE_NAMES.items()}
MERGED: dict[str, tuple[str, ...]] = {
    "applicationVisibilities": ("application",),
    "customMetadataTypeAccesses": ("name",),
    "customSettingAccesses": ("name",),
    "externalDataSourceAccesses": ("externalDataSource",),
    "flowAccesses": ("flow",),
    "layoutAssignments": ("layout", "recordType"),
    "recordTypeVisibilities": ("recordType",),
    "categoryGroupVisibilities": ("dataCategoryGroup",),
    "profileActionOverrides": ("actionName", "pageOrSobjectType", "recordType", "formFactor"),
}
"""Elements of a profile that rows do not hold, and what tells one entry from another."""


class PermissionSetType(RowType):
    def tree(self, org: "EmulatedOrg", number: int, row: Row) -> Tree:
        licence = named(
            org,
            'SELECT "Name" FROM "UserLicense" WHERE "Id" = ?1 UNION '
            'SELECT "MasterLabel" FROM "PermissionSetLicense" WHERE "Id" = ?1',
            row["LicenseId"],
        )
        return {
            **grants.read_grants(org, number, self.name),
            **texts_of(description=row["Description"]),
            **flags(hasActivationRequired=row["HasActivationRequired"]),
            "label": [row["Label"]],
            "license": licence,
        }

    def put(self, strict: Strict, full_name: str, tree: Tree) -> None:
        known = grants.check(strict, full_name, tree)
        before = self.find(strict.org, full_name)
        if before is not None:
            grants.drop_unlisted(strict, before, tree)
        load_permission_set(strict, full_name, known)
        kind = "Session" if flag(tree, "hasActivationRequired") else "Regular"
        number = self.find(strict.org, full_name) or 0
        strict.tx.set_fields(strict.tx.tables[self.sobject], number, {"Type": kind})


class MutingPermissionSetType(RowType):
    def tree(self, org: "EmulatedOrg", number: int, row: Row) -> Tree:
        granted = sorted(name for name, value in row.items() if name.startswith(grants.PREFIX) and value)
        told: list[Tree] = [
            {"enabled": ["true"], "name": [name.removeprefix(grants.PREFIX)]} for name in granted
        ]
        return {"label": [row["MasterLabel"]], "userPermissions": list(told)}

    def put(self, strict: Strict, full_name: str, tree: Tree) -> None:
        load_muting_set(strict, full_name, tree)
        table, number = strict.tx.tables[self.sobject], self.find(strict.org, full_name) or 0
        wanted = {
            f"{grants.PREFIX}{text(item, 'name')}"
            for item in each(tree, "userPermissions")
            if flag(item, "enabled")
        }
        columns = {name for name in table.columns if name.startswith(grants.PREFIX)}
        if unknown := sorted(wanted - columns):
            raise ComponentProblem(f"Unknown user permission: {unknown[0].removeprefix(grants.PREFIX)}")
        strict.tx.set_fields(table, number, {name: int(name in wanted) for name in columns})


class PermissionSetGroupType(RowType):
    def tree(self, org: "EmulatedOrg", number: int, row: Row) -> Tree:
        members = (
            'SELECT m."{}" FROM "PermissionSetGroupComponent" c JOIN "{}" m ON m."Id" = c."PermissionSetId" '
            'WHERE c."PermissionSetGroupId" = ? ORDER BY 1'
        )
        return {
            **texts_of(description=row["Description"]),
            **flags(hasActivationRequired=row["HasActivationRequired"]),
            "label": [row["MasterLabel"]],
            "mutingPermissionSets": named(
                org, members.format("DeveloperName", "MutingPermissionSet"), number
            ),
            "permissionSets": named(org, members.format("Name", "PermissionSet"), number),
            "status": [row["Status"]],
        }

    def put(self, strict: Strict, full_name: str, tree: Tree) -> None:
        before = self.find(strict.org, full_name)
        old = None if before is None else self.tree(strict.org, before, self.row(strict.org, before))
        if before is not None:
            strict.tx.store.execute(
                'DELETE FROM "PermissionSetGroupComponent" WHERE "PermissionSetGroupId" = ?', (before,)
            )
        load_permission_set_group(strict, full_name, tree)
        number = self.find(strict.org, full_name) or 0
        new = self.tree(strict.org, number, self.row(strict.org, number))
        if any((old or {}).get(name) != new[name] for name in ("permissionSets", "mutingPermissionSets")):
            table = strict.tx.tables[self.sobject]
            strict.tx.set_fields(table, number, {"Status": "Outdated"}, by_user=False)
            strict.org.due.watch_groups()


class CustomPermissionType(RowType):
    def tree(self, org: "EmulatedOrg", number: int, row: Row) -> Tree:
        return {
            **texts_of(description=row["Description"]),
            **flags(isLicensed=row["IsLicensed"]),
            "label": [row["MasterLabel"]],
        }

    def put(self, strict: Strict, full_name: str, tree: Tree) -> None:
        load_custom_permission(strict, full_name, tree)


class ProfileType(RowType):
    """Profiles go by names of their own in metadata: `Admin` is the System Administrator."""

    def names(self, org: "EmulatedOrg") -> list[str]:
        return sorted(ROW_NAMES.get(name, name) for name in super().names(org))

    def find(self, org: "EmulatedOrg", full_name: str) -> int | None:
        own = next(
            (row for name, row in PROFILE_NAMES.items() if name.lower() == full_name.lower()), full_name
        )
        return super().find(org, own)

    def tree(self, org: "EmulatedOrg", number: int, row: Row) -> Tree:
        parent = self._owned(org, number)
        custom = row["Name"] not in ROW_NAMES
        licence = named(org, 'SELECT "Name" FROM "UserLicense" WHERE "Id" = ?', row["UserLicenseId"])
        return {
            **({} if parent is None else grants.read_grants(org, parent, self.name)),
            **flags(custom=custom),
            **texts_of(description=row["Description"]),
            "userLicense": licence,
        }

    def _owned(self, org: "EmulatedOrg", profile: int) -> int | None:
        found = org.store.execute('SELECT "Id" FROM "PermissionSet" WHERE "ProfileId" = ?', (profile,))
        return found[0][0] if found else None

    def read(self, org: "EmulatedOrg", full_name: str) -> Tree | None:
        found = super().read(org, full_name)
        if found is not None:
            found["layoutAssignments"] = list(_all_assignments(org, found))
        return found

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        kept = tx.org.components.tree(self.name, full_name) or {}
        return super().write(tx, full_name, _merged(kept, tree))

    def put(self, strict: Strict, full_name: str, tree: Tree) -> None:
        known = grants.check(strict, full_name, tree)
        self._check_layouts(strict, full_name, tree)
        number = self.find(strict.org, full_name)
        if number is None:
            number = self._create(strict, full_name, tree)
        parent = self._owned(strict.org, number)
        assert parent is not None
        load_permissions(strict, full_name, parent, known)
        told: dict[str, Any] = {}
        if "description" in tree:
            told["Description"] = text(tree, "description")
        for item in each(tree, "userPermissions"):
            told[f"{grants.PREFIX}{text(item, 'name')}"] = int(flag(item, "enabled"))
        strict.tx.set_fields(strict.tx.tables[self.sobject], number, told)

    def _create(self, strict: Strict, full_name: str, tree: Tree) -> int:
        wanted = text(tree, "userLicense") or "Salesforce"
        licence = strict.find("UserLicense", Name=wanted)
        if licence is None:
            strict.missing(full_name, "userLicense", "UserLicense", wanted)
        number = strict.put(
            "Profile", {"Name": full_name}, {"UserLicenseId": licence, "UserType": "Standard"}
        )
        withhold(strict.tx.store, strict.tx.own_permission_set(number, licence or 0))
        return number

    def _check_layouts(self, strict: Strict, full_name: str, tree: Tree) -> None:
        kind = component_type("Layout")
        for item in each(tree, "layoutAssignments"):
            name = unquote(text(item, "layout") or "")
            owner = name.partition("-")[0]
            if owner.endswith(grants.CUSTOM_SUFFIXES) and kind.read(strict.org, name) is None:
                strict.missing(full_name, "layout", "Layout", name)
            record_type = text(item, "recordType")
            if record_type and component_type("RecordType").read(strict.org, record_type) is None:
                strict.missing(full_name, "recordType", "RecordType", record_type)

    def delete(self, tx: "Transaction", full_name: str) -> str:
        if full_name in PROFILE_NAMES:
            raise ComponentProblem(
                "You can't delete standard profiles.", status_code="INSUFFICIENT_ACCESS_OR_READONLY"
            )
        return super().delete(tx, full_name)


def _merged(kept: Tree, new: Tree) -> Tree:
    """A profile's stored elements with the new ones over them, entry by entry."""
    made = {name: items for name, items in kept.items() if name not in ROWS and name != "fullName"}
    for name, items in new.items():
        keys = MERGED.get(name)
        if keys is None or name in ROWS:
            made[name] = items
            continue
        entries = {
            _entry_key(name, item, keys): item for item in made.get(name, ()) if isinstance(item, dict)
        }
        entries |= {_entry_key(name, item, keys): item for item in items if isinstance(item, dict)}
        made[name] = list(entries.values())
    return made


def _all_assignments(org: "EmulatedOrg", profile: Tree) -> Iterator[Tree]:
    """The layout of each object and record type: the one that was said, else the one objects begin with."""
    said: dict[tuple[str, ...], Tree] = {
        _entry_key("layoutAssignments", item, ()): item for item in each(profile, "layoutAssignments")
    }
    by_owner: dict[str, list[str]] = {}
    for name in component_type("Layout").names(org):
        by_owner.setdefault(name.partition("-")[0], []).append(name)
    for owner, known in by_owner.items():
        own: Tree = {"layout": [standard_layouts.first_of(org, owner, known)]}
        first = said.pop((owner, ""), own)
        yield first
        sobject = org.schema.get(owner)
        for info in sobject.record_types if sobject else ():
            record_type = f"{owner}.{info.developer_name}"
            yield said.pop((owner, record_type), {**first, "recordType": [record_type]})
    yield from said.values()


def _entry_key(name: str, item: Tree, keys: tuple[str, ...]) -> tuple[str, ...]:
    if name == "layoutAssignments":  # one layout an object and record type
        return (text(item, "layout") or "").partition("-")[0], text(item, "recordType") or ""
    return tuple(text(item, key) or "" for key in keys)


register(
    PermissionSetType(
        "PermissionSet",
        "PermissionSet",
        "Name",
        {"IsOwnedByProfile": 0, "PermissionSetGroupId": None},
        ROWS | {"description", "hasActivationRequired", "label", "license"},
    )
)
register(
    MutingPermissionSetType(
        "MutingPermissionSet",
        "MutingPermissionSet",
        "DeveloperName",
        held=frozenset(["label", "userPermissions"]),
    )
)
register(
    PermissionSetGroupType(
        "PermissionSetGroup",
        "PermissionSetGroup",
        "DeveloperName",
        held=frozenset(
            [
                "description",
                "hasActivationRequired",
                "label",
                "mutingPermissionSets",
                "permissionSets",
                "status",
            ]
        ),
    )
)
register(
    CustomPermissionType(
        "CustomPermission",
        "CustomPermission",
        "DeveloperName",
        held=frozenset(["description", "isLicensed", "label"]),
    )
)
register(ProfileType("Profile", "Profile", "Name", held=ROWS | {"custom", "description", "userLicense"}))
