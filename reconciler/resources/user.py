"""Users: found by Username, deactivated instead of deleted, frozen through UserLogin.

A user cannot be deleted, so `$absent` means inactive, and taking back the making of one leaves an
inactive user and a Username that stays taken worldwide; its role and manager are emptied, because
a role that a user holds cannot be deleted. A new user needs an alias, a time zone and
three locale keys; what the file leaves out is taken from the org's own defaults and shown in the
plan. `permission_sets` and its siblings declare assignments; they merge with what permission sets
declare under `assigned_to`.

Source: Object Reference, "User", "UserLogin"; Salesforce Help, "Deactivate Users".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from reconciler.model.keys import ResourceKey
from reconciler.model.plan import Action, Inverse, Lane, Reversibility, Step
from reconciler.model.promises import AccessChange, Found, Routine
from reconciler.model.state import LiveRow, Resource
from reconciler.model.values import Ref, Value
from reconciler.spec.nodes import MapNode
from reconciler.spec.typed import as_bool

from . import soql
from .assignment import assign_group, assign_license, assign_set
from .declare import (
    Declarations,
    Names,
    Place,
    Section,
    Strict,
    body_schema,
    entries,
    make,
    read_common,
    refuse_former,
    split_body,
)
from .members import read_members
from .refs import user as user_ref
from .rows import RowKind
from .setup_objects import only

USERNAME = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")


class UserBody(Strict):
    permission_sets: Names | None = None
    permission_set_groups: Names | None = None
    permission_set_licenses: Names | None = None
    frozen: bool = False


WORDS = tuple(UserBody.model_fields)
ASSIGNERS = {
    "permission_sets": assign_set,
    "permission_set_groups": assign_group,
    "permission_set_licenses": assign_license,
}


def declare(node: MapNode, into: Declarations) -> None:
    for username, body in entries(node, "users", into):
        label = f"user '{username}'"
        if not USERNAME.match(username):
            into.problem(
                f"a username has the form of an e-mail address, found '{username}'",
                node.key_source(username),
                "write it like ada@acme.example",
            )
        common = read_common(body, into, label)
        refuse_former(common, body, label, into)
        said, fields = split_body(body, WORDS, label, into)
        if common.absent:
            fields = {"IsActive": False}
        into.add(
            make(
                "User",
                "User",
                ResourceKey("User", (username,)),
                {"Username": username},
                fields,
                body,
                common,
            )
        )
        if common.absent:
            continue
        for word, assign in ASSIGNERS.items():
            if word in said:
                members = read_members(said[word], body.value_source(word), f"'{word}' of {label}", into)
                if members.exact or members.budget is not None:
                    into.problem(
                        f"'{word}' of a user cannot be exact",
                        body.value_source(word),
                        "list what the user has; who has it, and nobody else, is said under its assigned_to",
                    )
                for member in members.listed:
                    into.merge(assign(username, member.name, Place(member.source), absent=member.absent))
        if "frozen" in said:
            _declare_frozen(username, said["frozen"], body, into)


def _declare_frozen(username: str, value: Any, body: MapNode, into: Declarations) -> None:
    frozen = as_bool(value, body.value_source("frozen"), "'frozen'", into.problems)
    if frozen is None:
        return
    key = ResourceKey("UserLogin", (username,))
    place = Place(body.value_source("frozen"))
    into.add(make("UserLogin", "UserLogin", key, {"UserId": user_ref(username)}, {"IsFrozen": frozen}, place))


SECTION = Section("users", declare, lambda: body_schema(UserBody, "Users by Username"))


class User(RowKind):
    name = "User"
    lane = Lane.SETUP
    deletes = False
    also_read: ClassVar[Mapping[str, tuple[Value, ...]]] = {"IsActive": (True,)}
    filled_by_org = frozenset(["CommunityNickname"])

    def remarks(self, resource: Resource, live: LiveRow) -> Iterable[str]:
        if live.fields["IsActive"] is False and "IsActive" not in resource.fields:
            yield (
                f"user {resource.key.name[0]} is inactive, and nothing can be assigned to an inactive user; "
                "say IsActive: true to activate it"
            )

    def creation_defaults(self, resources: Sequence[Resource]) -> Routine[None]:
        """One query for the org's own locale and time zone, when a user will be made."""
        answers = yield [
            soql.select("Organization", ["DefaultLocaleSidKey", "LanguageLocaleKey", "TimeZoneSidKey"])
        ]
        org = answers[0][0] if answers[0] else {}
        for resource in resources:
            username = resource.key.name[0]
            defaults: dict[str, Value] = {
                "Alias": re.sub(r"[^A-Za-z0-9]", "", username.partition("@")[0])[:8] or "user",
                "EmailEncodingKey": "UTF-8",
                "LanguageLocaleKey": org.get("LanguageLocaleKey") or "en_US",
                "LocaleSidKey": org.get("DefaultLocaleSidKey") or "en_US",
                "TimeZoneSidKey": org.get("TimeZoneSidKey") or "GMT",
            }
            for name, value in defaults.items():
                if name not in resource.fields:
                    resource.on_create.setdefault(name, value)

    def readies(self, step: Step) -> bool:
        """Nothing can be assigned to an inactive user, and nothing given to one to own."""
        return (step.after or {}).get("IsActive") is True

    def inverse(self, step: Step) -> Inverse:
        if step.action is Action.CREATE:
            left = {
                name: value
                for name, value in (step.after or {}).items()
                if isinstance(value, Ref) and self.can_wait(step.sobject, name)
            }
            back = self._back(
                step,
                Action.UPDATE,
                before={"IsActive": True, **left},
                after={"IsActive": False, **dict.fromkeys(left)},
            )
            return Inverse(
                back,
                Reversibility.COMPENSATING,
                "an inactive user stays behind, because users cannot be deleted; the username stays taken",
            )
        return super().inverse(step)

    def side_effects(self, step: Step) -> tuple[str, ...]:
        touched = set(step.after or {})
        effects = []
        if "Email" in touched and step.action is Action.UPDATE:
            effects.append("Salesforce may mail the old and the new address to confirm the change")
        if touched & {"UserRoleId", "ProfileId"} and step.action is Action.UPDATE:
            effects.append("sharing is recalculated")
        return tuple(effects)

    def access(self, step: Step) -> Iterable[AccessChange]:
        after = step.after or {}
        who = step.key.name[0]
        if step.action is Action.CREATE:
            yield AccessChange(who, f"a login with {after.get('ProfileId')}", True)
        elif "IsActive" in after:
            yield AccessChange(who, "login", bool(after["IsActive"]))
        elif "ProfileId" in after:
            yield AccessChange(who, str((step.before or {}).get("ProfileId")), False)
            yield AccessChange(who, str(after["ProfileId"]), True)


class UserLogin(RowKind):
    name = "UserLogin"
    fixed = only("UserLogin")
    must_exist = True

    def access(self, step: Step) -> Iterable[AccessChange]:
        yield AccessChange(step.key.name[0], "login", not (step.after or {}).get("IsFrozen", False))

    def read_whole(self, rows: Sequence[LiveRow], sobject: str) -> Routine[Found]:
        raise NotImplementedError("a login cannot be deleted")
