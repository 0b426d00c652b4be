"""Public groups and queues: rows of Group, their members, and the objects a queue may own.

Both are found by DeveloperName and Type. A member is a user, a public group, a role or a role with
its subordinates; roles are members by the group that Salesforce keeps for each role. Members and
queue objects are rows that are there or not.

Source: Object Reference, "Group", "GroupMember", "QueueSobject".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.errors import Problem
from reconciler.model.keys import ResourceKey
from reconciler.model.plan import Action, Step
from reconciler.model.promises import AccessChange
from reconciler.model.source import SourceRef
from reconciler.model.state import Resource, Scope
from reconciler.model.values import Ref, Value, make_ref
from reconciler.spec.nodes import MapNode

from .api_names import Granted
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
    unknown_key,
)
from .grants import GrantKind
from .lookups import fold_ref
from .members import Member, read_members
from .refs import public_group, queue, user
from .rows import RowKind
from .setup_objects import only
from .wants import Want


class PublicGroupBody(Strict):
    label: str | None = None
    members: MemberList | None = None


class QueueBody(Strict):
    label: str | None = None
    email: str | None = None
    objects: MemberList | None = None
    members: MemberList | None = None


MEMBER_TYPES: Mapping[str, str] = {
    "group": "Regular",
    "role": "Role",
    "role_and_subordinates": "RoleAndSubordinates",
}
"""Word for a member that is no user -> the Type of its Group row."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One of the two sorts of Group this module declares."""

    section: str
    type: str
    group_type: str
    words: tuple[str, ...]

    def ref(self, name: str) -> Ref:
        return queue(name) if self.group_type == "Queue" else public_group(name)


PUBLIC = Sort("public_groups", "Group", "Regular", tuple(PublicGroupBody.model_fields))
QUEUE = Sort("queues", "Queue", "Queue", tuple(QueueBody.model_fields))
SORT_BY_GROUP_TYPE = {"Regular": PUBLIC, "Queue": QUEUE}


def _declare(sort: Sort, node: MapNode, into: Declarations) -> None:
    for name, body in entries(node, sort.section, into):
        label = f"{sort.type.lower()} '{name}'"
        common = read_common(body, into, label)
        said, fields = split_body(body, sort.words, label, into)
        own_texts(said, fields, body, {"label": "Name", "email": "Email"}, into)
        key = ResourceKey(sort.type, (name,))
        identity: dict[str, Value] = {"DeveloperName": name, "Type": sort.group_type}
        group = make("Group", "Group", key, identity, fields, body, common)
        if "Name" not in fields:
            group.on_create["Name"] = name.replace("_", " ")[:40]
        if (former := read_former(common, body, name, into)) is not None:
            group.was = {"DeveloperName": former, "Type": sort.group_type}
        into.add(group)
        if common.absent:
            continue
        if "objects" in said:
            _declare_objects(sort, name, said["objects"], body, into)
        if "members" in said:
            _declare_members(sort, name, said["members"], body, into)


def _declare_objects(sort: Sort, name: str, value: Any, body: MapNode, into: Declarations) -> None:
    place = body.value_source("objects")
    members = read_members(value, place, f"objects of queue '{name}'", into)
    for member in members.listed:
        into.add(
            make(
                "QueueSobject",
                "QueueSobject",
                ResourceKey("QueueSobject", (name, member.name)),
                {"QueueId": sort.ref(name), "SobjectType": member.name},
                {},
                Place(member.source),
                absent=member.absent,
            )
        )
    if members.exact:
        owner = ResourceKey(sort.type, (name,))
        into.scopes.append(Scope("QueueSobject", owner, {"QueueId": sort.ref(name)}, place, members.budget))


def _declare_members(sort: Sort, name: str, value: Any, body: MapNode, into: Declarations) -> None:
    place = body.value_source("members")
    words = ("user", *MEMBER_TYPES)
    members = read_members(value, place, f"members of {sort.type.lower()} '{name}'", into, words=words)
    for member in members.listed:
        for key in member.details.keys() - {"as"}:
            unknown_key(str(key), words, f"a member of '{name}'", member.source, into)
        member_ref, member_name = _member(member)
        into.add(
            make(
                "GroupMember",
                "GroupMember",
                ResourceKey("GroupMember", (sort.group_type, name, member_name)),
                {"GroupId": sort.ref(name), "UserOrGroupId": member_ref},
                {},
                Place(member.source),
                absent=member.absent,
            )
        )
    if members.exact:
        _scope_members(sort, name, place, members.budget, into)


def _scope_members(sort: Sort, name: str, place: SourceRef, budget: Any, into: Declarations) -> None:
    owner = ResourceKey(sort.type, (name,))
    into.scopes.append(Scope("GroupMember", owner, {"GroupId": sort.ref(name)}, place, budget))


def _member(member: Member) -> tuple[Ref, str]:
    """The look-up of a member, and its name in an address (`role:Sales` for what is no user)."""
    word = str(member.details.get("as", "user"))
    if word == "user":
        return user(member.name), member.name
    return make_ref(
        "Group", {"DeveloperName": member.name, "Type": MEMBER_TYPES[word]}
    ), f"{word}:{member.name}"


PUBLIC_GROUPS = Section(
    "public_groups",
    lambda node, into: _declare(PUBLIC, node, into),
    lambda: body_schema(PublicGroupBody, "Public groups by API name"),
)
QUEUES = Section(
    "queues",
    lambda node, into: _declare(QUEUE, node, into),
    lambda: body_schema(QueueBody, "Queues by API name"),
)


class Group(RowKind):
    name = "Group"


def _group_owner(ref: Value) -> ResourceKey | None:
    if not isinstance(ref, Ref):
        return None
    return ResourceKey("Group", tuple(str(part) for _, part in fold_ref(ref).key))


class GroupMember(RowKind):
    name = "GroupMember"
    fixed = only("GroupMember")
    is_link = True

    def owner_of(self, identity: Mapping[str, Value]) -> ResourceKey | None:
        return _group_owner(identity.get("GroupId"))

    def member_template(self, scope: Scope) -> tuple[str, Want]:
        identity: dict[str, Value] = {"GroupId": public_group("x"), "UserOrGroupId": user("x")}
        return self.name, Want(scope.owner, identity, {})

    def key_of(self, identity: Mapping[str, Value]) -> ResourceKey:
        group, member = identity["GroupId"], identity["UserOrGroupId"]
        assert isinstance(group, Ref) and isinstance(member, Ref)
        keys = dict(group.key)
        return ResourceKey(self.name, (str(keys["Type"]), str(keys["DeveloperName"]), _member_name(member)))

    def side_effects(self, step: Step) -> tuple[str, ...]:
        return ("sharing is recalculated",)

    def access(self, step: Step) -> Iterable[AccessChange]:
        _, group, member = step.key.name
        yield AccessChange(member, f"membership of {group}", step.action is Action.CREATE)


def _member_name(member: Ref) -> str:
    if member.sobject == "User":
        return str(member.key[0][1])
    keys = dict(member.key)
    words = {type_: word for word, type_ in MEMBER_TYPES.items()}
    return f"{words.get(str(keys.get('Type')), 'group')}:{keys.get('DeveloperName', member)}"


class QueueSobject(GrantKind):
    name = "QueueSobject"
    fixed = only("QueueSobject")
    is_link = True

    def granted_on(self, resource: Resource) -> str:
        return resource.key.name[1]

    def grant_problem(self, granted: Granted, resource: Resource) -> Problem | None:
        return granted.queue_problem(resource.key.name[1], resource.source)

    def owner_of(self, identity: Mapping[str, Value]) -> ResourceKey | None:
        return _group_owner(identity.get("QueueId"))

    def member_template(self, scope: Scope) -> tuple[str, Want]:
        return self.name, Want(scope.owner, {"QueueId": queue("x"), "SobjectType": "x"}, {})

    def key_of(self, identity: Mapping[str, Value]) -> ResourceKey:
        group = identity["QueueId"]
        assert isinstance(group, Ref)
        return ResourceKey(self.name, (str(dict(group.key)["DeveloperName"]), str(identity["SobjectType"])))
