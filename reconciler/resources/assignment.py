"""Permission set assignments and permission set licence assignments: who has what.

A row joins a user with a permission set, a permission set group or a permission set licence and is
found by that pair; only ExpirationDate of a permission set assignment can be changed. The rows have
no LastModifiedDate and no recycle bin: undoing one makes or removes the row again.

Source: Object Reference, "PermissionSetAssignment", "PermissionSetLicenseAssign".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.model.keys import ResourceKey
from reconciler.model.plan import Action, Step
from reconciler.model.promises import AccessChange, Found, Routine
from reconciler.model.state import LiveRow, Origin, Resource, Scope
from reconciler.model.values import Ref, Value, make_ref

from .declare import (
    Declarations,
    Place,
    make,
)
from .lookups import fold_ref
from .members import Members
from .refs import user
from .rows import RowKind
from .setup_objects import only
from .wants import Want

SET, GROUP, LICENSE = "PermissionSetId", "PermissionSetGroupId", "PermissionSetLicenseId"
NAMED_IN: Mapping[str, tuple[str, str]] = {
    SET: ("PermissionSet", "Name"),
    GROUP: ("PermissionSetGroup", "DeveloperName"),
    LICENSE: ("PermissionSetLicense", "DeveloperName"),
}
"""Field of an assignment -> the object it points to and the field that names its rows."""


def target_ref(field: str, name: str) -> Ref:
    sobject, name_field = NAMED_IN[field]
    return make_ref(sobject, {name_field: name})


def _assign(
    kind: str, field: str, username: str, name: str, origin: Origin, fields: dict[str, Any], absent: bool
) -> Resource:
    return make(
        kind,
        kind,
        key_of(kind, field, username, name),
        {"AssigneeId": user(username), field: target_ref(field, name)},
        fields,
        origin,
        absent=absent,
    )


def key_of(kind: str, field: str, username: str, name: str) -> ResourceKey:
    """A group's name carries the word `group`, since a set and a group may share a name."""
    type_ = "PermissionSetGroupAssignment" if field == GROUP else kind
    return ResourceKey(type_, (username, name))


def assign_set(
    username: str, name: str, origin: Origin, *, fields: dict[str, Any] | None = None, absent: bool = False
) -> Resource:
    return _assign("PermissionSetAssignment", SET, username, name, origin, fields or {}, absent)


def assign_group(
    username: str, name: str, origin: Origin, *, fields: dict[str, Any] | None = None, absent: bool = False
) -> Resource:
    return _assign("PermissionSetAssignment", GROUP, username, name, origin, fields or {}, absent)


def assign_license(
    username: str, name: str, origin: Origin, *, fields: dict[str, Any] | None = None, absent: bool = False
) -> Resource:
    return _assign("PermissionSetLicenseAssign", LICENSE, username, name, origin, {}, absent)


ASSIGN = {SET: assign_set, GROUP: assign_group, LICENSE: assign_license}


def declare_assigned(field: str, name: str, members: Members, into: Declarations) -> None:
    """`assigned_to` of a permission set, group or licence; with `exactly` everybody else loses it."""
    for member in members.listed:
        fields: dict[str, Any] = {}
        for key, value in member.details.items():
            if key == "expires" and field != LICENSE:
                fields["ExpirationDate"] = value
            elif key not in ("as", "user"):
                into.problem(f"unknown key '{key}' beside a user", member.source, "known here: user, expires")
        into.merge(
            ASSIGN[field](member.name, name, Place(member.source), fields=fields, absent=member.absent)
        )
    if members.exact and members.source is not None:
        kind = "PermissionSetLicenseAssign" if field == LICENSE else "PermissionSetAssignment"
        sobject, _ = NAMED_IN[field]
        into.scopes.append(
            Scope(
                kind,
                ResourceKey(sobject, (name,)),
                {field: target_ref(field, name)},
                members.source,
                members.budget,
            )
        )


class Assignment(RowKind):
    """What both kinds of assignment share: rows under one owner, named by user and owner."""

    is_link = True
    expires = False

    def owner_of(self, identity: Mapping[str, Value]) -> ResourceKey | None:
        for field, (sobject, _) in NAMED_IN.items():
            value = identity.get(field)
            if isinstance(value, Ref):
                return ResourceKey(sobject, tuple(str(part) for _, part in fold_ref(value).key))
        return None

    def member_template(self, scope: Scope) -> tuple[str, Want]:
        field = next(iter(scope.identity))
        identity: dict[str, Value] = {"AssigneeId": user("x"), field: target_ref(field, "x")}
        samples: dict[str, tuple[Value, ...]] = {"ExpirationDate": (None,)} if self.expires else {}
        return self.name, Want(scope.owner, identity, samples)

    def key_of(self, identity: Mapping[str, Value]) -> ResourceKey:
        assignee = identity["AssigneeId"]
        field = next(name for name in NAMED_IN if isinstance(identity.get(name), Ref))
        target = identity[field]
        assert isinstance(assignee, Ref) and isinstance(target, Ref)
        return key_of(self.name, field, str(assignee.key[0][1]), str(target.key[0][1]))

    def read_whole(self, rows: Sequence[LiveRow], sobject: str) -> Routine[Found]:
        """Without the permission set behind a group: Salesforce fills it, and refuses both in one row."""
        found = yield from super().read_whole(rows, sobject)
        for key, row in found.rows.items():
            kept = {name: value for name, value in row.fields.items() if self._is_kept(name, row)}
            found.rows[key] = replace(row, fields=kept)
        return found

    def _is_kept(self, name: str, row: LiveRow) -> bool:
        return name not in NAMED_IN or name in row.identity

    def access(self, step: Step) -> Iterable[AccessChange]:
        if step.action is Action.UPDATE:
            return
        who, what = step.key.name
        yield AccessChange(who, what, step.action is Action.CREATE)


class PermissionSetAssignment(Assignment):
    name = "PermissionSetAssignment"
    fixed = only("PermissionSetAssignment")
    expires = True


class PermissionSetLicenseAssign(Assignment):
    name = "PermissionSetLicenseAssign"
    fixed = only("PermissionSetLicenseAssign")
