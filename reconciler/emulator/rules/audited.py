"""What a user's writes of setup rows leave in the setup audit trail: people, rights, who holds them, groups.

Components that are deployed, or written by the Metadata and Tooling APIs, are noted by whoever writes them
(`metadata.audit`); here are the rows that the data API writes. One write may say several things: a user who
gets another profile and another role leaves two lines. What follows a deletion is not told of by itself.

Source: Object Reference, "SetupAuditTrail"; names of actions as public tools list them. Displays, and the
actions of access to setup entities, licences and queued objects, are in their manner and not verified.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from reconciler.emulator import ids
from reconciler.emulator.metadata.audit import VERBS, WORDS, audit

from .hooks import REGISTRY, Rules, Values

if TYPE_CHECKING:
    from reconciler.emulator.tables import Table
    from reconciler.emulator.writes import Transaction

Line = tuple[str, str, str]
"""Action, section, display."""
PEOPLE: Final = "Manage Users"
CREATED, CHANGED, DELETED = VERBS
OTHERS: Final = {
    "CustomNotificationType": ("CustomNotificationType", "Custom Notifications", "custom notification type"),
    "EmailTemplate": ("EmailTemplate", "Email Templates", "email template"),
    "MutingPermissionSet": ("MutingPermSet", PEOPLE, "muting permission set"),
}
Teller = Callable[["Transaction", str, Values, Values], Iterator[Line]]
"""Tells of a write: what was done, the row, and its changes."""


def _named(tx: "Transaction", number: int | None) -> str:
    """What people call a row that may be of any object."""
    sobject = tx.schema.by_prefix(ids.prefix_of(number)) if number else None
    if (
        number is None
        or sobject is None
        or not tx.store.execute(tx.tables[sobject.name].state_sql, (number,))
    ):
        return "none"
    if sobject.name == "PermissionSet":
        return str(tx.row(tx.tables[sobject.name], number)["Label"])
    if sobject.name == "Group":
        row = tx.row(tx.tables[sobject.name], number)
        return str(row["Name"] or row["DeveloperName"])
    return tx.name_of(tx.tables[sobject.name], number)


def _component(type_name: str, name: str) -> Teller:
    """Of rows that are components too: in the words of a deployment."""

    def tell(tx: "Transaction", done: str, row: Values, changes: Values) -> Iterator[Line]:
        ending, section, what = WORDS.get(type_name) or OTHERS[type_name]
        yield f"{done}{ending}", section, f"{VERBS[done]} {what} {row[name]}"

    return tell


def _user(tx: "Transaction", done: str, row: Values, changes: Values) -> Iterator[Line]:
    who = row["Name"]
    if done == CREATED:
        yield "createduser", PEOPLE, f"Created new user {who}"
        return
    if (active := changes.get("IsActive", row["IsActive"])) != row["IsActive"]:
        word = "Activated" if active else "Deactivated"
        yield f"{word.lower()}user", PEOPLE, f"{word} user {who}"
    for column, what in (("ProfileId", "profile"), ("UserRoleId", "role")):
        if changes.get(column, row[column]) != row[column]:
            before, after = _named(tx, row[column]), _named(tx, changes[column])
            yield f"changed{what}foruser", PEOPLE, f"Changed {what} for user {who} from {before} to {after}"
    for column, what in (("Email", "email"), ("Username", "username")):
        if changes.get(column, row[column]) != row[column]:
            display = f"Changed {what} for user {who} from {row[column]} to {changes[column]}"
            yield f"changed{what}", PEOPLE, display


def _login(tx: "Transaction", done: str, row: Values, changes: Values) -> Iterator[Line]:
    if changes.get("IsFrozen", row["IsFrozen"]) != row["IsFrozen"]:
        word = "Froze" if changes["IsFrozen"] else "Unfroze"
        yield f"{word.lower()}user", PEOPLE, f"{word} user {_named(tx, row['UserId'])}"


def _permission_set(tx: "Transaction", done: str, row: Values, changes: Values) -> Iterator[Line]:
    label = row["Label"]
    if done == CREATED:
        licence = _named(tx, row["LicenseId"])
        told = "no user license" if licence == "none" else f"user license {licence}"
        yield "PermSetCreate", PEOPLE, f"Created permission set {label}: with {told}"
    elif done == DELETED:
        yield "PermSetDelete", PEOPLE, f"Deleted permission set {label}"
    else:
        for name, value in changes.items():
            if name.startswith("Permissions") and value != row[name]:
                word, verb = ("Enable", "enabled") if value else ("Disable", "disabled")
                what = tx.schema["PermissionSet"].fields[name.lower()].label
                display = f"Changed permission set {label}: {what} was {verb}"
                yield f"PermSet{word}UserPerm", PEOPLE, display
            elif name in ("Label", "Name", "Description") and value != row[name]:
                yield "PermSetChanged", PEOPLE, f"Changed permission set {label}: {name} is {value}"


def _assignment(tx: "Transaction", done: str, row: Values, changes: Values) -> Iterator[Line]:
    group = row["PermissionSetGroupId"]
    what = (
        f"Permission set group {_named(tx, group)}"
        if group
        else f"Permission set {_named(tx, row['PermissionSetId'])}"
    )
    ending = "GroupAssign" if group else "Assign"
    who = f"{_named(tx, row['AssigneeId'])} (UserID: [{ids.to_text(row['AssigneeId'])[:15]}])"
    if done == CREATED:
        yield f"PermSet{ending}", PEOPLE, f"{what}: assigned to user {who}"
    elif done == DELETED:
        yield f"PermSet{ending.replace('Assign', 'Unassign')}", PEOPLE, f"{what}: unassigned from user {who}"
    else:
        yield f"PermSet{ending}Changed", PEOPLE, f"{what}: assignment to user {who} was changed"


def _rights(kind: str, name: str) -> Teller:
    """Of rights on objects and fields, which a profile has or a permission set."""

    def tell(tx: "Transaction", done: str, row: Values, changes: Values) -> Iterator[Line]:
        parent = tx.row(tx.tables["PermissionSet"], row["ParentId"])
        what = {"Fls": "field-level security", "Ols": "object permissions"}[kind]
        if parent["ProfileId"]:
            ending = "Custom" if row[name].endswith("__c") else "Standard"
            owner = f"profile {_named(tx, parent['ProfileId'])}"
            yield f"profile{kind}Changed{ending}", PEOPLE, f"Changed {owner}: {what} for {row[name]}"
            return
        action = {"Fls": "PermSetFlsChanged", "Ols": "PermSetEntityPermChanged"}[kind]
        yield action, PEOPLE, f"Changed permission set {parent['Label']}: {what} for {row[name]}"

    return tell


def _held(what: str, column: str) -> Teller:
    """Of what else hangs on a permission set."""

    def tell(tx: "Transaction", done: str, row: Values, changes: Values) -> Iterator[Line]:
        value = row[column]
        named = _named(tx, value) if isinstance(value, int) else value
        label = _named(tx, row["ParentId"])
        yield (
            f"PermSet{what.title().replace(' ', '')}Changed",
            PEOPLE,
            (f"Changed permission set {label}: {what} to {named} was {done}"),
        )

    return tell


def _group(tx: "Transaction", done: str, row: Values, changes: Values) -> Iterator[Line]:
    queue = row["Type"] == "Queue"
    yield from _component("Queue" if queue else "Group", "Name")(tx, done, row, changes)


def _membership(tx: "Transaction", done: str, row: Values, changes: Values) -> Iterator[Line]:
    queue = tx.row(tx.tables["Group"], row["GroupId"])["Type"] == "Queue"
    kind = "queue" if queue else "group"
    section = WORDS["Queue" if queue else "Group"][1]
    verb = "Added {} to" if done == CREATED else "Removed {} from"
    who = verb.format(_named(tx, row["UserOrGroupId"]))
    yield f"{kind}Membership", section, f"{who} {kind} {_named(tx, row['GroupId'])}"


def _served(tx: "Transaction", done: str, row: Values, changes: Values) -> Iterator[Line]:
    verb = "Added {} to" if done == CREATED else "Removed {} from"
    told = f"{verb.format(row['SobjectType'])} queue {_named(tx, row['QueueId'])}"
    yield "queueSupportedObjects", WORDS["Queue"][1], told


def _in_group(tx: "Transaction", done: str, row: Values, changes: Values) -> Iterator[Line]:
    verb = "Added {} to" if done == CREATED else "Removed {} from"
    member, group = _named(tx, row["PermissionSetId"]), _named(tx, row["PermissionSetGroupId"])
    action = "PermSetGroupAddPermSet" if done == CREATED else "PermSetGroupRemovePermSet"
    yield action, PEOPLE, f"{verb.format(f'permission set {member}')} permission set group {group}"


def _license(what: str, column: str, holder: str) -> Teller:
    def tell(tx: "Transaction", done: str, row: Values, changes: Values) -> Iterator[Line]:
        word = "Assign" if done == CREATED else "Unassign"
        told = f"{what} {_named(tx, row[column])}: {word.lower()}ed, user {_named(tx, row[holder])}"
        yield f"{''.join(what.title().split())}{word}", PEOPLE, told

    return tell


TOLD: Final[dict[str, Teller]] = {
    "CustomNotificationType": _component("CustomNotificationType", "MasterLabel"),
    "EmailTemplate": _component("EmailTemplate", "Name"),
    "FieldPermissions": _rights("Fls", "Field"),
    "Group": _group,
    "GroupMember": _membership,
    "MutingPermissionSet": _component("MutingPermissionSet", "MasterLabel"),
    "ObjectPermissions": _rights("Ols", "SobjectType"),
    "PermissionSet": _permission_set,
    "PermissionSetAssignment": _assignment,
    "PermissionSetGroup": _component("PermissionSetGroup", "MasterLabel"),
    "PermissionSetGroupComponent": _in_group,
    "PermissionSetLicenseAssign": _license("permission set license", "PermissionSetLicenseId", "AssigneeId"),
    "PermissionSetTabSetting": _held("tab setting", "Name"),
    "Profile": _component("Profile", "Name"),
    "QueueSobject": _served,
    "SetupEntityAccess": _held("entity access", "SetupEntityId"),
    "User": _user,
    "UserLogin": _login,
    "UserPackageLicense": _license("package license", "PackageLicenseId", "UserId"),
    "UserRole": _component("Role", "Name"),
}
"""Objects whose rows are set-up, and what their writes are told as."""


def _note(tx: "Transaction", lines: Iterator[Line]) -> None:
    for action, section, display in list(lines):
        audit(tx, action, section, display)


def deletion(tx: "Transaction", table: "Table", number: int) -> list[Line]:
    """What is to be told when a row is gone; it must still be there to be named."""
    teller = TOLD.get(table.name)
    return [] if teller is None else list(teller(tx, DELETED, tx.row(table, number), {}))


def note(tx: "Transaction", lines: list[Line]) -> None:
    """Tell of what has been done."""
    _note(tx, iter(lines))


def _with_notes(rules: Rules, teller: Teller) -> Rules:
    """Rules that tell of an insert or update after all that belongs to it is done."""

    def after_insert(tx: "Transaction", table: "Table", number: int, values: Values) -> None:
        if rules.after_insert:
            rules.after_insert(tx, table, number, values)
        _note(tx, teller(tx, CREATED, values, {}))

    def after_update(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
        changed: dict[str, Any] = {name: value for name, value in changes.items() if value != old.get(name)}
        lines = list(teller(tx, CHANGED, old, changed)) if changed else []
        if rules.after_update:
            rules.after_update(tx, table, number, old, changes)
        _note(tx, iter(lines))

    return replace(rules, after_insert=after_insert, after_update=after_update)


def register() -> None:
    """Have the rules in `rules.REGISTRY` tell; call it when they are all there."""
    for name, teller in TOLD.items():
        REGISTRY[name] = _with_notes(REGISTRY.get(name, Rules()), teller)
