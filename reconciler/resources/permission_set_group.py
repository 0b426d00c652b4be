"""Permission set groups, the sets they bundle and who has them; permission set licences.

A change of its sets makes a group Outdated until Salesforce has recalculated it, so the access that
it gives follows later. Licences cannot be made; the section holds who is assigned one.

Source: Object Reference, "PermissionSetGroup", "PermissionSetGroupComponent", "PermissionSetLicense".
"""

from collections.abc import Mapping

from reconciler.model.keys import ResourceKey
from reconciler.model.plan import Lane, Step
from reconciler.model.state import Scope
from reconciler.model.values import Ref, Value, make_ref
from reconciler.spec.nodes import MapNode

from .assignment import GROUP, LICENSE, declare_assigned
from .declare import (
    Declarations,
    MemberList,
    Place,
    Section,
    Strict,
    body_schema,
    entries,
    make,
    own_texts,
    read_common,
    read_former,
    split_body,
)
from .lookups import fold_ref
from .members import read_members
from .permission_set import set_ref
from .rows import RowKind
from .setup_objects import only
from .wants import Want


class GroupBody(Strict):
    label: str | None = None
    description: str | None = None
    permission_sets: MemberList | None = None
    assigned_to: MemberList | None = None


class LicenseBody(Strict):
    assigned_to: MemberList | None = None


def group_ref(name: str) -> Ref:
    return make_ref("PermissionSetGroup", {"DeveloperName": name})


def declare_groups(node: MapNode, into: Declarations) -> None:
    for name, body in entries(node, "permission_set_groups", into):
        label = f"permission set group '{name}'"
        common = read_common(body, into, label)
        said, fields = split_body(body, tuple(GroupBody.model_fields), label, into)
        own_texts(said, fields, body, {"label": "MasterLabel", "description": "Description"}, into)
        key = ResourceKey("PermissionSetGroup", (name,))
        group = make(
            "PermissionSetGroup", "PermissionSetGroup", key, {"DeveloperName": name}, fields, body, common
        )
        if "MasterLabel" not in fields:
            group.on_create["MasterLabel"] = name.replace("_", " ")
        if (former := read_former(common, body, name, into)) is not None:
            group.was = {"DeveloperName": former}
        into.add(group)
        if common.absent:
            continue
        if "permission_sets" in said:
            _declare_components(name, said["permission_sets"], body, into)
        if "assigned_to" in said:
            place = body.value_source("assigned_to")
            members = read_members(
                said["assigned_to"], place, f"assigned_to of {label}", into, words=("user",)
            )
            declare_assigned(GROUP, name, members, into)


def _declare_components(name: str, value: object, body: MapNode, into: Declarations) -> None:
    place = body.value_source("permission_sets")
    members = read_members(value, place, f"permission_sets of '{name}'", into)
    for member in members.listed:
        into.add(
            make(
                "PermissionSetGroupComponent",
                "PermissionSetGroupComponent",
                ResourceKey("PermissionSetGroupComponent", (name, member.name)),
                {"PermissionSetGroupId": group_ref(name), "PermissionSetId": set_ref(member.name)},
                {},
                Place(member.source),
                absent=member.absent,
            )
        )
    if members.exact:
        into.scopes.append(
            Scope(
                "PermissionSetGroupComponent",
                ResourceKey("PermissionSetGroup", (name,)),
                {"PermissionSetGroupId": group_ref(name)},
                place,
                members.budget,
            )
        )


def declare_licenses(node: MapNode, into: Declarations) -> None:
    for name, body in entries(node, "permission_set_licenses", into):
        label = f"permission set licence '{name}'"
        said, fields = split_body(body, tuple(LicenseBody.model_fields), label, into)
        for field in (*fields, *(key for key in body if key.startswith("$"))):
            into.problem(
                f"'{field}' of a permission set licence cannot be set",
                body.key_source(field),
                "known here: assigned_to",
            )
        if "assigned_to" in said:
            place = body.value_source("assigned_to")
            members = read_members(
                said["assigned_to"], place, f"assigned_to of {label}", into, words=("user",)
            )
            declare_assigned(LICENSE, name, members, into)


GROUPS = Section(
    "permission_set_groups",
    declare_groups,
    lambda: body_schema(GroupBody, "Permission set groups by API name"),
)
LICENSES = Section(
    "permission_set_licenses",
    declare_licenses,
    lambda: body_schema(LicenseBody, "Permission set licences by API name"),
)


class PermissionSetGroup(RowKind):
    name = "PermissionSetGroup"
    lane = Lane.SETUP


class PermissionSetGroupComponent(RowKind):
    name = "PermissionSetGroupComponent"
    fixed = only("PermissionSetGroupComponent")
    is_link = True

    def owner_of(self, identity: Mapping[str, Value]) -> ResourceKey | None:
        group = identity.get("PermissionSetGroupId")
        if not isinstance(group, Ref):
            return None
        return ResourceKey("PermissionSetGroup", tuple(str(part) for _, part in fold_ref(group).key))

    def is_listed(self, identity: Mapping[str, Value]) -> bool:
        """A muting set is a component too, and is none of the sets that the group bundles."""
        permission_set = identity.get("PermissionSetId")
        return isinstance(permission_set, Ref) and permission_set.key[0][0] == "Name"

    def member_template(self, scope: Scope) -> tuple[str, Want]:
        identity: dict[str, Value] = {"PermissionSetGroupId": group_ref("x"), "PermissionSetId": set_ref("x")}
        return self.name, Want(scope.owner, identity, {})

    def key_of(self, identity: Mapping[str, Value]) -> ResourceKey:
        group, permission_set = identity["PermissionSetGroupId"], identity["PermissionSetId"]
        assert isinstance(group, Ref) and isinstance(permission_set, Ref)
        return ResourceKey(self.name, (str(group.key[0][1]), str(permission_set.key[0][1])))

    def side_effects(self, step: Step) -> tuple[str, ...]:
        return ("Salesforce recalculates the group; its access follows later",)
