"""Permission sets: their own row, what they permit, and who has them.

Object and field permissions are rows of their own in which a row is access and no row is none: an
empty list removes the row. `objects` and `fields` own all the rights of the objects and fields they
name, and nothing of those they do not. Setup entity access (custom permissions, Apex classes and
pages) is a row that is there or not.

Source: Object Reference, "PermissionSet", "ObjectPermissions", "FieldPermissions",
"SetupEntityAccess"; which rights need which is from "ObjectPermissions".
"""

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model.describe import FieldInfo
from reconciler.model.errors import Problem
from reconciler.model.keys import ResourceKey
from reconciler.model.plan import Action, Lane, Step
from reconciler.model.promises import AccessChange
from reconciler.model.state import Resource
from reconciler.model.values import Ref, make_ref
from reconciler.spec.nodes import ListNode, MapNode
from reconciler.spec.typed import as_one_of, as_text

from .api_names import Granted
from .assignment import SET, declare_assigned
from .declare import (
    Declarations,
    FieldRight,
    MemberList,
    Names,
    ObjectRight,
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
from .grants import GrantKind
from .members import read_members
from .rows import RowKind
from .setup_objects import FIELD_RIGHTS, OBJECT_RIGHTS, only


class PermissionSetBody(Strict):
    label: str | None = None
    description: str | None = None
    license: str | None = None
    objects: dict[str, list[ObjectRight]] | None = None
    fields: dict[str, list[FieldRight]] | None = None
    custom_permissions: Names | None = None
    apex_classes: Names | None = None
    apex_pages: Names | None = None
    assigned_to: MemberList | None = None


WORDS = tuple(PermissionSetBody.model_fields)
NEEDED_RIGHTS: Mapping[str, tuple[str, ...]] = {
    "create": ("read",),
    "edit": ("read",),
    "delete": ("read", "edit"),
    "view_all": ("read",),
    "modify_all": ("read", "edit", "delete", "view_all"),
}
"""Right -> the rights it cannot do without."""
SETUP_ENTITIES: Mapping[str, tuple[str, str]] = {
    "custom_permissions": ("CustomPermission", "DeveloperName"),
    "apex_classes": ("ApexClass", "Name"),
    "apex_pages": ("ApexPage", "Name"),
}
"""Word -> the object of the entity and the field that names its rows."""


def set_ref(name: str) -> Ref:
    return make_ref("PermissionSet", {"Name": name})


def declare(node: MapNode, into: Declarations) -> None:
    for name, body in entries(node, "permission_sets", into):
        label = f"permission set '{name}'"
        common = read_common(body, into, label)
        said, fields = split_body(body, WORDS, label, into)
        _own_words(said, fields, body, into)
        resource = make(
            "PermissionSet",
            "PermissionSet",
            ResourceKey("PermissionSet", (name,)),
            {"Name": name},
            fields,
            body,
            common,
        )
        if "Label" not in fields:
            resource.on_create["Label"] = name.replace("_", " ")
        if (former := read_former(common, body, name, into)) is not None:
            resource.was = {"Name": former}
        into.add(resource)
        if common.absent:
            continue
        _declare_objects(name, said.get("objects"), body, into)
        _declare_fields(name, said.get("fields"), body, into)
        for word in SETUP_ENTITIES:
            if word in said:
                _declare_entities(name, word, said[word], body, into)
        if "assigned_to" in said:
            place = body.value_source("assigned_to")
            members = read_members(
                said["assigned_to"], place, f"assigned_to of {label}", into, words=("user",)
            )
            declare_assigned(SET, name, members, into)


def _own_words(said: Mapping[str, Any], fields: dict[str, Any], body: MapNode, into: Declarations) -> None:
    own_texts(said, fields, body, {"label": "Label", "description": "Description"}, into)
    if "license" in said:
        name = as_text(said["license"], body.value_source("license"), "'license'", into.problems)
        fields["LicenseId"] = make_ref("PermissionSetLicense", {"DeveloperName": name or ""})


def _declare_objects(set_name: str, value: Any, body: MapNode, into: Declarations) -> None:
    for sobject, rights, place in _rights(value, "objects", body, OBJECT_RIGHTS, into):
        for right in rights:
            lacking = [need for need in NEEDED_RIGHTS.get(right, ()) if need not in rights]
            if lacking:
                into.problem(
                    f"'{right}' on {sobject} needs {' and '.join(lacking)}",
                    place.source,
                    f"add {', '.join(lacking)}",
                )
        key = ResourceKey("ObjectPermissions", (set_name, sobject))
        fields: dict[str, Any] = {field: right in rights for right, field in OBJECT_RIGHTS.items()}
        into.add(
            make(
                "ObjectPermissions",
                "ObjectPermissions",
                key,
                {"ParentId": set_ref(set_name), "SobjectType": sobject},
                {} if not rights else fields,
                place,
                absent=not rights,
            )
        )


def _declare_fields(set_name: str, value: Any, body: MapNode, into: Declarations) -> None:
    for name, rights, place in _rights(value, "fields", body, FIELD_RIGHTS, into):
        sobject, dot, _ = name.partition(".")
        if not dot:
            into.problem(
                f"'{name}' must name object and field", place.source, f"write it like Account.{name}"
            )
            continue
        if "edit" in rights and "read" not in rights:
            into.problem(f"'edit' on {name} needs read", place.source, "add read")
        resource = make(
            "FieldPermissions",
            "FieldPermissions",
            ResourceKey("FieldPermissions", (set_name, name)),
            {"ParentId": set_ref(set_name), "Field": name},
            {} if not rights else {field: right in rights for right, field in FIELD_RIGHTS.items()},
            place,
            absent=not rights,
        )
        resource.on_create["SobjectType"] = sobject
        resource.needs = (ResourceKey("ObjectPermissions", (set_name, sobject)),)
        into.add(resource)


def _rights(
    value: Any, word: str, body: MapNode, known: Mapping[str, str], into: Declarations
) -> Iterable[tuple[str, list[str], Place]]:
    if value is None:
        return
    if not isinstance(value, MapNode):
        into.problem(
            f"'{word}' must be a map of names to rights", body.value_source(word), "write Account: [read]"
        )
        return
    for name, rights in value.items():
        place = Place(value.key_source(name))
        if not isinstance(rights, ListNode):
            into.problem(
                f"the rights on {name} must be a list", value.value_source(name), "write [read, edit] or []"
            )
            continue
        for at, each in enumerate(rights):
            as_one_of(each, rights.item_source(at), f"a right on {name}", into.problems, known)
        yield str(name), [str(each) for each in rights if isinstance(each, str) and each in known], place


def _declare_entities(set_name: str, word: str, value: Any, body: MapNode, into: Declarations) -> None:
    sobject, name_field = SETUP_ENTITIES[word]
    members = read_members(value, body.value_source(word), f"'{word}' of permission set '{set_name}'", into)
    if members.exact:
        into.problem(
            f"'{word}' cannot be exact",
            body.value_source(word),
            "list what to add, and what to remove under excludes",
        )
    for member in members.listed:
        key = ResourceKey("SetupEntityAccess", (set_name, sobject, member.name))
        identity = {
            "ParentId": set_ref(set_name),
            "SetupEntityId": make_ref(sobject, {name_field: member.name}),
        }
        into.add(
            make(
                "SetupEntityAccess",
                "SetupEntityAccess",
                key,
                dict(identity),
                {},
                Place(member.source),
                absent=member.absent,
            )
        )


SECTION = Section(
    "permission_sets", declare, lambda: body_schema(PermissionSetBody, "Permission sets by API name")
)


class PermissionSet(RowKind):
    name = "PermissionSet"
    lane = Lane.SETUP

    def is_default(self, field: FieldInfo, raw: Any) -> bool:
        """A new permission set permits nothing; there are hundreds of permissions."""
        return raw is False


class _Permissions(GrantKind):
    is_link = True

    def access(self, step: Step) -> Iterable[AccessChange]:
        set_name, what = step.key.name
        before, after = step.before or {}, step.after or {}
        for word, field in (OBJECT_RIGHTS if self.name == "ObjectPermissions" else FIELD_RIGHTS).items():
            had, has = bool(before.get(field)), bool(after.get(field))
            if had != has:
                yield AccessChange(f"holders of {set_name}", f"{word} {what}", has)


class ObjectPermissions(_Permissions):
    name = "ObjectPermissions"
    fixed = only("ObjectPermissions")

    def granted_on(self, resource: Resource) -> str:
        return resource.key.name[1]

    def grant_problem(self, granted: Granted, resource: Resource) -> Problem | None:
        return granted.object_problem(resource.key.name[1], resource.source)


class FieldPermissions(_Permissions):
    name = "FieldPermissions"
    fixed = only("FieldPermissions")

    def granted_on(self, resource: Resource) -> str:
        return resource.key.name[1].partition(".")[0]

    def grant_problem(self, granted: Granted, resource: Resource) -> Problem | None:
        return granted.field_problem(resource.key.name[1], resource.source)


class SetupEntityAccess(RowKind):
    name = "SetupEntityAccess"
    fixed = only("SetupEntityAccess")
    is_link = True

    def access(self, step: Step) -> Iterable[AccessChange]:
        set_name, sobject, what = step.key.name
        yield AccessChange(f"holders of {set_name}", f"{sobject} {what}", step.action is Action.CREATE)
