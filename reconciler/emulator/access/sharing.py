"""Which rows of an object a user sees, may edit, or has whole: a condition in SQL, or none.

What the org-wide default of an object leaves private belongs to its owner; to who is above the owner
in the role hierarchy; and, where a queue owns it, to the queue's members. It may be shared by hand and by
rules (`shares`, `sharing_rules`). An account is read by whoever has a contact, a case or an opportunity of
it; these are seen by the account's owner as far as the owner's role says, and as far as a share of the
account says. A detail is shared as its master is, and so are the shares of a row.

Source: Security Guide, "Organization-Wide Sharing Defaults", "Role Hierarchy", "Queues", "Sharing Rules",
"Built-in Sharing Behavior". That whoever sees a row sees its shares is not verified.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from .. import ids
from ..schema import Field, Schema, SObject
from ..store import quoted
from .governed import DETAILS, EDIT, MODIFY_ALL, READ, VIEW_ALL, Level, is_record
from .shares import OWNER_ROW, ROW, level_field, parent_field, parent_of, share_of
from .sharing_rules import LEVELS, RELATED

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from .users import UserAccess

LACKS: Final = [
    "teams, territories, sharing sets and guest rules share no rows",
    "managers' groups are not made; a criteria rule on a field of another object shares nothing",
    "fields of a parent row that the caller may not see are answered",
]


PUBLIC: Final[dict[str, Level | None]] = {
    "Private": None,
    "Read": Level.READ,
    "ReadWrite": Level.EDIT,
    "ReadWriteTransfer": Level.EDIT,
    "FullAccess": Level.WHOLE,
}
"""What everybody may do with the rows of an object, by its org-wide default."""
CONTROLLED: Final = "ControlledByParent"
ACCOUNT: Final = "Account"
DEFAULTS: Final = {
    "Account": ("DefaultAccountAccess", "ReadWrite"),
    "Asset": (None, CONTROLLED),
    "Campaign": ("DefaultCampaignAccess", "FullAccess"),
    "Case": ("DefaultCaseAccess", "ReadWriteTransfer"),
    "Contact": ("DefaultContactAccess", CONTROLLED),
    "Contract": (None, CONTROLLED),
    "Lead": ("DefaultLeadAccess", "ReadWriteTransfer"),
    "Opportunity": ("DefaultOpportunityAccess", "ReadWrite"),
    "Order": (None, CONTROLLED),
    "Pricebook2": (None, "FullAccess"),
    "Product2": (None, "FullAccess"),
}
"""Standard objects: the field of Organization that holds the default, and what a fresh org has."""
ORGANIZATION_WORDS: Final = {
    "None": "Private",
    "Read": "Read",
    "Edit": "ReadWrite",
    "ReadEditTransfer": "ReadWriteTransfer",
    "All": "FullAccess",
    CONTROLLED: CONTROLLED,
}
PARENTS: Final = {"Contact": "AccountId", "Asset": "AccountId", "Contract": "AccountId", "Order": "AccountId"}
OWN: Final = {
    "PermissionSetAssignment": '{a}."AssigneeId" = {me}',
    "PermissionSet": '{a}."Id" IN ({held})',
    "ObjectPermissions": '{a}."ParentId" IN ({held})',
    "FieldPermissions": '{a}."ParentId" IN ({held})',
    "SetupEntityAccess": '{a}."ParentId" IN ({held})',
    "PermissionSetTabSetting": '{a}."ParentId" IN ({held})',
}
"""Setup rows of which a user who may not view the setup sees the own ones."""
HELD: Final = 'SELECT "PermissionSetId" FROM "PermissionSetAssignment" WHERE "AssigneeId" = {me}'
DEFINITIONS: Final = {
    "EntityDefinition": '{a}."QualifiedApiName"',
    "FieldDefinition": '(SELECT e."QualifiedApiName" FROM "EntityDefinition" e '
    'WHERE e."Id" = {a}."EntityDefinitionId") || \'.\' || {a}."QualifiedApiName"',
}
MAY_SEE_SETUP: Final = ("ViewSetup", "ManageUsers", "AssignPermissionSets", "ManageProfilesPermissionsets")

Bind = Callable[[Any], str]


def filter_sql(org: "EmulatedOrg", access: "UserAccess", sobject: SObject, alias: str, bind: Bind) -> str:
    """The condition on rows that the user sees; empty where the user sees all.

    ``bind`` turns a value into a placeholder. Who owns what for the user is read once a call.
    """
    if sobject.name in DEFINITIONS:
        return _defined(access, sobject.name, alias, bind)
    if (own := OWN.get(sobject.name)) is not None:
        if access.has_any(*MAY_SEE_SETUP):
            return ""
        me = bind(access.user)
        return own.format(a=alias, me=me, held=HELD.format(me=me))
    if access.sees_all(sobject):
        return ""
    return _Sharing(org, access, bind).condition(sobject, alias, Level.READ) or ""


def seen_sql(org: "EmulatedOrg", user_id: str, sobject: SObject, values: list[Any]) -> str:
    """` AND …` for a statement over rows named `t`, which numbers its placeholders; adds to ``values``."""
    condition = filter_sql(org, org.access.of(user_id), sobject, "t", _numbered(values))
    return f" AND {condition}" if condition else ""


def _defined(access: "UserAccess", name: str, alias: str, bind: Bind) -> str:
    """Objects and fields that the user does not see are not told of either."""
    if access.view.whole:
        return ""
    if name == "EntityDefinition":
        shown = [each.name for each in access.schema]
    else:
        shown = [f"{each.name}.{field.name}" for each in access.schema for field in each.fields.values()]
    listed = bind(json.dumps(shown))
    return f"{DEFINITIONS[name].format(a=alias)} IN (SELECT value FROM json_each({listed}))"


def row_level(org: "EmulatedOrg", access: "UserAccess", sobject: SObject, number: int) -> Level | None:
    """How far a user may go with one row, rights on its object aside; None for a row that is not seen.

    A setup row is whole: permissions decide about those, not sharing.
    """
    if (shared := parent_of(sobject)) is not None:
        return _level_of_share(org, access, sobject, org.schema[shared], number)
    if not is_record(sobject) and sobject.name not in DETAILS:
        return Level.WHOLE
    if access.may(sobject, MODIFY_ALL):
        return Level.WHOLE
    for level in (Level.WHOLE, Level.EDIT, Level.READ):
        if level is Level.READ and access.may(sobject, VIEW_ALL):
            return level
        values: list[Any] = [number]
        condition = _Sharing(org, access, _numbered(values)).condition(sobject, "t", level)
        sql = f'SELECT 1 FROM {quoted(sobject.name)} t WHERE t."Id" = ?1 AND {condition or "1"}'
        if org.store.execute(sql, values):
            return level
    return None


def _level_of_share(
    org: "EmulatedOrg", access: "UserAccess", share: SObject, target: SObject, number: int
) -> Level | None:
    """Whoever has a row whole writes its shares; whoever sees it sees them."""
    sql = f'SELECT {quoted(parent_field(share))} FROM {quoted(share.name)} WHERE "Id" = ?'
    found = org.store.execute(sql, (number,))
    if not found:  # of an owner or a rule, and nobody's to write
        row = ids.make(target.key_prefix or "", number & ROW) if number & ids.SERIAL_MASK >= OWNER_ROW else 0
        return Level.READ if is_living(org, target, row) and row_level(org, access, target, row) else None
    level = row_level(org, access, target, found[0][0])
    return level if level in (None, Level.WHOLE) else Level.READ


def is_living(org: "EmulatedOrg", sobject: SObject, number: int) -> bool:
    state = org.store.execute(org.tables[sobject.name].state_sql, (number,))
    return bool(state) and not state[0][0]


def _numbered(values: list[Any]) -> Bind:
    def bind(value: Any) -> str:
        values.append(value)
        return f"?{len(values)}"

    return bind


def model_of(org: "EmulatedOrg", sobject: SObject) -> str:
    """The org-wide default of an object, in the words of metadata."""
    if sobject.name in DETAILS or (sobject.custom and master_of(sobject)):
        return CONTROLLED
    told = sobject.flags.get("sharingModel")
    column, usual = DEFAULTS.get(sobject.name, (None, "ReadWrite"))
    if not told and column:
        rows = org.store.execute(f'SELECT "{column}" FROM "Organization"')
        told = ORGANIZATION_WORDS.get(rows[0][0]) if rows else None
    return str(told or usual)


def set_model(org: "EmulatedOrg", sobject: SObject, word: str | None) -> None:
    """Follow what an object's file says of its org-wide default; nothing where it says nothing known."""
    if word not in PUBLIC and word != CONTROLLED:
        return
    column = DEFAULTS.get(sobject.name, (None, ""))[0]
    if column is not None:
        kept = next(each for each, told in ORGANIZATION_WORDS.items() if told == word)
        org.store.execute(f'UPDATE "Organization" SET {quoted(column)} = ?', (kept,))
        org.schema.touch()  # queries that were compiled while everybody saw all are no longer right
    elif sobject.flags.get("sharingModel") != word:
        org.additions.update_object(sobject.name, flags={**sobject.flags, "sharingModel": word})


def master_of(sobject: SObject) -> Field | None:
    """The reference that an object's rows are shared by."""
    if (name := PARENTS.get(sobject.name)) is not None:
        return sobject.field(name)
    if sobject.name in DETAILS:
        return sobject.field(DETAILS[sobject.name][1])
    masters = [each for each in sobject.fields.values() if each.relationship_order is not None]
    return min(masters, key=lambda each: each.relationship_order or 0, default=None)


class _Sharing:
    """Conditions for one user, whose owners are looked up once."""

    def __init__(self, org: "EmulatedOrg", access: "UserAccess", bind: Bind) -> None:
        self.org, self.access, self.bind = org, access, bind
        self.schema: Schema = org.schema
        self._owners: str | None = None

    def condition(self, sobject: SObject, alias: str, level: Level) -> str | None:
        """What a row must fulfil; None when all do.

        A user may see too little of the object to tell how it is shared: that is asked of the whole one.
        """
        sobject = self.schema.get(sobject.name) or sobject
        if (shared := parent_of(sobject)) is not None:
            return self._as_shared(self.schema[shared], f"{alias}.{quoted(parent_field(sobject))}", alias)
        model = model_of(self.org, sobject)
        if model == CONTROLLED:
            return self._by_master(sobject, alias, level)
        public = PUBLIC.get(model, Level.EDIT)
        if public is not None and level <= public:
            return None
        return self._private(sobject, alias, level)

    def _as_shared(self, target: SObject, column: str, alias: str) -> str | None:
        if self.access.sees_all(target):
            return None
        inner = self.condition(target, f"{alias}s", Level.READ)
        return (
            None if inner is None else _there_is(target, f"{alias}s", f'{alias}s."Id" = {column} AND {inner}')
        )

    def _private(self, sobject: SObject, alias: str, level: Level, *, implied: bool = True) -> str | None:
        """A row that the default does not give: owned, shared, or implied by rows it hangs together with."""
        owned = self._owned(sobject, alias)
        if owned is None or level is Level.WHOLE:
            return owned
        ways = [owned, *self._shared(sobject, alias, level)]
        if implied:
            ways += self._implied(sobject, alias, level)
        return f"({' OR '.join(ways)})" if len(ways) > 1 else owned

    def _reach(self) -> str:
        if self._owners is None:
            self._owners = self.bind(json.dumps(self.access.reach))
        return f"(SELECT value FROM json_each({self._owners}))"

    def _owned(self, sobject: SObject, alias: str) -> str | None:
        if sobject.field("OwnerId") is None:
            return None
        return f'{alias}."OwnerId" IN {self._reach()}'

    def _shared(self, sobject: SObject, alias: str, level: Level) -> Iterator[str]:
        """By hand, and by the rules that share with the user."""
        share = share_of(self.schema, sobject)
        if share is not None:
            yield self._by_hand(share, f'{alias}."Id"', alias, level_field(share), level)
        for rule in self.access.rules(sobject.name):
            if rule.level >= level:
                yield rule.sql(alias, self.bind)

    def _by_hand(self, share: SObject, row: str, alias: str, column: str, level: Level) -> str:
        words = ", ".join(f"'{word}'" for word, each in LEVELS.items() if each >= level)
        return _there_is(
            share,
            f"{alias}h",
            f'{alias}h.{quoted(parent_field(share))} = {row} AND {alias}h."UserOrGroupId" IN {self._reach()} '
            f"AND {alias}h.{quoted(column)} IN ({words})",
        )

    def _implied(self, sobject: SObject, alias: str, level: Level) -> Iterator[str]:
        if sobject.name == ACCOUNT and level is Level.READ:
            yield from self._by_children(alias)
        elif sobject.name in RELATED:
            yield from self._by_account(sobject, alias, level)

    def _by_children(self, alias: str) -> Iterator[str]:
        for name in RELATED:
            below = self.schema.get(name)
            if below is None or model_of(self.org, below) == CONTROLLED:
                continue
            inner = self._private(below, f"{alias}c", Level.READ, implied=False)
            here = f'{alias}c."AccountId" = {alias}."Id" AND {alias}c."IsDeleted" = 0'
            yield _there_is(below, f"{alias}c", f"{here} AND {inner}")

    def _by_account(self, sobject: SObject, alias: str, level: Level) -> Iterator[str]:
        account, above = self.schema[ACCOUNT], f"{alias}a"
        row, column = f'{alias}."AccountId"', f"{sobject.name}AccessLevel"
        words = ", ".join(f"'{word}'" for word, each in LEVELS.items() if each >= level)
        if (share := share_of(self.schema, account)) is not None:
            yield self._by_hand(share, row, alias + "x", column, level)
        told = (
            f'SELECT r."{sobject.name}AccessForAccountOwner" FROM "User" u JOIN "UserRole" r '
            f'ON r."Id" = u."UserRoleId" WHERE u."Id" = {above}."OwnerId"'
        )
        ways = [f"({self._owned(account, above)} AND ({told}) IN ({words}))"]
        ways += [
            rule.sql(above, self.bind)
            for rule in self.access.rules(ACCOUNT)
            if rule.related.get(sobject.name, 0) >= level
        ]
        yield _there_is(account, above, f'{above}."Id" = {row} AND ({" OR ".join(ways)})')

    def _by_master(self, sobject: SObject, alias: str, level: Level) -> str | None:
        """A detail is edited and deleted by whoever may edit its master."""
        reference = master_of(sobject)
        target = self.schema.get(reference.reference_to[0]) if reference and reference.reference_to else None
        if reference is None or target is None:
            return self._owned(sobject, alias)
        needed = Level.READ if level is Level.READ or reference.write_requires_master_read else Level.EDIT
        all_rows = MODIFY_ALL | VIEW_ALL if needed is Level.READ else MODIFY_ALL
        if self.access.may(target, all_rows):
            return None
        if not self.access.may(target, READ if needed is Level.READ else EDIT):
            return "0"
        inner = self.condition(target, f"{alias}m", needed)
        if inner is None:
            return None
        column = f"{alias}.{quoted(reference.name)}"
        seen = _there_is(target, f"{alias}m", f'{alias}m."Id" = {column} AND {inner}')
        own = self._owned(sobject, alias) if reference.nillable else None
        return f"({seen} OR ({column} IS NULL AND {own}))" if own else seen


def _there_is(sobject: SObject, alias: str, condition: str) -> str:
    """Asked for each row by an index: a list of all such rows would be made anew for every row written."""
    return f"EXISTS (SELECT 1 FROM {quoted(sobject.name)} {alias} WHERE {condition})"
