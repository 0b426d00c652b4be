"""Roles: found by DeveloperName, hung under a parent role.

Source: Object Reference, "UserRole". A role that users hold cannot be deleted.
"""

from collections.abc import Iterable

from reconciler.model.keys import ResourceKey
from reconciler.model.plan import Lane, Step
from reconciler.model.values import Ref, make_ref
from reconciler.spec.nodes import MapNode
from reconciler.spec.typed import as_text

from .declare import (
    Declarations,
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
from .fields import is_empty
from .rows import RowKind


class RoleBody(Strict):
    label: str | None = None
    parent: str | None = None
    description: str | None = None


def declare(node: MapNode, into: Declarations) -> None:
    for name, body in entries(node, "roles", into):
        label = f"role '{name}'"
        common = read_common(body, into, label)
        said, fields = split_body(body, tuple(RoleBody.model_fields), label, into)
        own_texts(said, fields, body, {"label": "Name", "description": "RollupDescription"}, into)
        if "parent" in said:
            parent = said["parent"]
            text = (
                None
                if is_empty(parent)
                else as_text(parent, body.value_source("parent"), "'parent'", into.problems)
            )
            fields["ParentRoleId"] = None if text is None else make_ref("UserRole", {"DeveloperName": text})
        key = ResourceKey("UserRole", (name,))
        role = make("UserRole", "UserRole", key, {"DeveloperName": name}, fields, body, common)
        if "Name" not in fields:
            role.on_create["Name"] = name.replace("_", " ")
        if (former := read_former(common, body, name, into)) is not None:
            role.was = {"DeveloperName": former}
        into.add(role)


SECTION = Section("roles", declare, lambda: body_schema(RoleBody, "Roles by API name"))


class UserRole(RowKind):
    name = "UserRole"
    lane = Lane.SETUP
    filled_by_org = frozenset(["OpportunityAccessForAccountOwner"])

    def provides(self, step: Step) -> Iterable[Ref]:
        """Groups that Salesforce keeps for each role, by which roles are members of groups."""
        for type_ in ("Role", "RoleAndSubordinates"):
            yield make_ref("Group", {"DeveloperName": step.identity["DeveloperName"], "Type": type_})

    def side_effects(self, step: Step) -> tuple[str, ...]:
        return ("sharing is recalculated",) if "ParentRoleId" in (step.after or {}) else ()
