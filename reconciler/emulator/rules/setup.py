"""Rules of users, their logins and licences, roles, groups and queues.

Source: Object Reference, "User", "UserLogin", "UserRole", "Group", "GroupMember", "QueueSobject";
error texts as in public captures, where there are any.
"""

import re
from typing import TYPE_CHECKING, Any

from reconciler.emulator import deletes, ids
from reconciler.emulator.errors import ApiError
from reconciler.emulator.rows import duplicate_value
from reconciler.emulator.values import EMAIL, bad_picklist_value

from .hooks import REGISTRY, Rules, Values

if TYPE_CHECKING:
    from reconciler.emulator.tables import Table
    from reconciler.emulator.writes import Transaction

ADMIN_PROFILE = "System Administrator"
API_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")
CREATABLE_GROUPS = ("Regular", "Queue")
DUPLICATE_USERNAME = (
    "Duplicate Username.<br>The username already exists in this or another Salesforce organization. "
    "Usernames must be unique across all Salesforce organizations. To resolve, use a different username "
    "(it doesn't need to match the user's email address). "
)


def refused(code: str, message: str, *fields: str, status: int | None = None) -> ApiError:
    return ApiError(message, code=code, fields=fields, status=status)


def license_exceeded() -> ApiError:
    return refused("LICENSE_LIMIT_EXCEEDED", "License Limit Exceeded")


def no_access() -> ApiError:
    return refused("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", status=403)


def delete_failed(name: str, plural: str, shown: str) -> ApiError:
    return refused(
        "DELETE_FAILED",
        f"Your attempt to delete {name} could not be completed because it is associated with the "
        f"following {plural}.: {shown}",
    )


def api_name_from(label: str) -> str:
    """The API name Salesforce proposes for a label."""
    name = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9]", "_", label)).strip("_")
    return name if name[:1].isalpha() else f"X{name}"


def check_api_name(table: "Table", column: str, name: str) -> None:
    if API_NAME.fullmatch(name):
        return
    label = table.sobject.fields[column.lower()].label
    raise refused(
        "FIELD_INTEGRITY_EXCEPTION",
        f"The {label} can only contain underscores and alphanumeric characters. It must be unique, begin "
        "with a letter, not include spaces, not end with an underscore, and not contain two consecutive "
        f"underscores.: {name}",
        column,
    )


def check_free_name(tx: "Transaction", table: "Table", own: int, key: dict[str, Any], column: str) -> None:
    """Refuse a developer name that another row has."""
    holder = tx.find_row(table.name, key)
    if holder is not None and holder != own:
        error = duplicate_value([column], holder)
        raise refused("DUPLICATE_DEVELOPER_NAME", error.message, column)


# -- users


def _fill_user(tx: "Transaction", table: "Table", values: Values) -> None:
    if values["ProfileId"] is not None:
        values["UserType"] = _profile_field(tx, values["ProfileId"], "UserType")
    if values["CommunityNickname"] is None:
        values["CommunityNickname"] = _free_nickname(tx, (values["Username"] or "User").partition("@")[0])


def _free_nickname(tx: "Transaction", wanted: str) -> str:
    wanted = wanted[:34]
    if tx.find_row("User", {"CommunityNickname": wanted}) is None:
        return wanted
    return f"{wanted}{tx.store.next_serial('User.CommunityNickname')}"


def _profile_field(tx: "Transaction", profile: int, column: str) -> Any:
    return tx.row(tx.org.tables["Profile"], profile)[column]


def _check_new_user(tx: "Transaction", table: "Table", values: Values) -> None:
    _check_names(tx, 0, values)
    if values["IsActive"]:
        take_license(tx, values["ProfileId"])


def _check_names(tx: "Transaction", own: int, changes: Values) -> None:
    username = changes.get("Username")
    if username:
        if not EMAIL.fullmatch(username):
            raise refused("INVALID_EMAIL_ADDRESS", f"Username: invalid email address: {username}", "Username")
        if tx.find_row("User", {"Username": username}) not in (None, own):
            raise refused("DUPLICATE_USERNAME", DUPLICATE_USERNAME, "Username")
    nickname = changes.get("CommunityNickname")
    if nickname and tx.find_row("User", {"CommunityNickname": nickname}) not in (None, own):
        raise refused(
            "DUPLICATE_COMM_NICKNAME",
            "Another user has already selected this nickname.<br>Please select another.",
            "CommunityNickname",
        )


def take_license(tx: "Transaction", profile: int) -> None:
    """Count an active user more on the licence of a profile."""
    _take_license(tx, _profile_field(tx, profile, "UserLicenseId"))


def _take_license(tx: "Transaction", license_id: int) -> None:
    """Count one user more on a licence. Raises LICENSE_LIMIT_EXCEEDED when all are used."""
    row = tx.row(tx.org.tables["UserLicense"], license_id)
    if row["UsedLicenses"] >= row["TotalLicenses"]:
        raise license_exceeded()
    tx.store.execute(
        'UPDATE "UserLicense" SET "UsedLicenses" = "UsedLicenses" + 1 WHERE "Id" = ?', (license_id,)
    )


def _free_license(tx: "Transaction", license_id: int) -> None:
    tx.store.execute(
        'UPDATE "UserLicense" SET "UsedLicenses" = "UsedLicenses" - 1 WHERE "Id" = ?', (license_id,)
    )


def _after_user(tx: "Transaction", table: "Table", number: int, values: Values) -> None:
    """What comes with every user: a login row, and the assignment of the profile's permission set."""
    tx.system_insert("UserLogin", UserId=number)
    assign_profile(tx, number, values["ProfileId"])


def assign_profile(tx: "Transaction", user: int, profile: int) -> None:
    """Assign the permission set that a profile owns."""
    owned = tx.find_row("PermissionSet", {"ProfileId": profile})
    if owned is not None:
        tx.system_insert("PermissionSetAssignment", AssigneeId=user, PermissionSetId=owned)


def _check_user(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    _check_names(tx, number, changes)
    new = old | changes
    if new["ProfileId"] != old["ProfileId"]:
        changes["UserType"] = _profile_field(tx, new["ProfileId"], "UserType")
    _keep_an_admin(tx, number, old, new)
    before = _profile_field(tx, old["ProfileId"], "UserLicenseId") if old["IsActive"] else None
    after = _profile_field(tx, new["ProfileId"], "UserLicenseId") if new["IsActive"] else None
    if after != before:
        if after is not None:
            _take_license(tx, after)
        if before is not None:
            _free_license(tx, before)


def _keep_an_admin(tx: "Transaction", number: int, old: Values, new: Values) -> None:
    admin = tx.find_row("Profile", {"Name": ADMIN_PROFILE})
    stays = new["IsActive"] and new["ProfileId"] == admin
    if stays or not old["IsActive"] or old["ProfileId"] != admin:
        return
    others = tx.store.execute(
        'SELECT 1 FROM "User" WHERE "ProfileId" = ? AND "IsActive" = 1 AND "Id" <> ? LIMIT 1', (admin, number)
    )
    if not others:
        raise refused("CANNOT_DISABLE_LAST_ADMIN", "You can't disable the last active system administrator.")


def _after_user_update(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    profile: Any = changes.get("ProfileId", old["ProfileId"])
    if profile == old["ProfileId"]:
        return
    owned = tx.find_row("PermissionSet", {"ProfileId": old["ProfileId"]})
    tx.drop_row("PermissionSetAssignment", {"AssigneeId": number, "PermissionSetId": owned})
    assign_profile(tx, number, profile)


def _check_login(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    if changes.get("IsFrozen") and old["UserId"] == tx.user:
        raise refused("CANNOT_FREEZE_SELF", "You can't freeze your own user account.", "IsFrozen")
    if changes.get("IsPasswordLocked") and not old["IsPasswordLocked"]:
        raise refused(
            "FIELD_INTEGRITY_EXCEPTION", "A password can be unlocked, not locked.", "IsPasswordLocked"
        )


# -- roles


def _fill_role(tx: "Transaction", table: "Table", values: Values) -> None:
    if values["DeveloperName"] is None and values["Name"]:
        values["DeveloperName"] = api_name_from(values["Name"])


def _check_new_role(tx: "Transaction", table: "Table", values: Values) -> None:
    check_api_name(table, "DeveloperName", values["DeveloperName"])
    check_free_name(tx, table, 0, {"DeveloperName": values["DeveloperName"]}, "DeveloperName")


def _after_role(tx: "Transaction", table: "Table", number: int, values: Values) -> None:
    """A role is a member of groups by two groups of its own: itself, and with its subordinates."""
    for kind in ("Role", "RoleAndSubordinates"):
        tx.put_row("Group", {"RelatedId": number, "Type": kind}, {"DeveloperName": values["DeveloperName"]})


def _check_role(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    if name := changes.get("DeveloperName"):
        check_api_name(table, "DeveloperName", name)
        check_free_name(tx, table, number, {"DeveloperName": name}, "DeveloperName")
    above = changes.get("ParentRoleId")
    while above is not None:
        if above == number:
            raise refused("CIRCULAR_DEPENDENCY", "A role can't be below itself.", "ParentRoleId")
        above = tx.row(table, above)["ParentRoleId"]


def _after_role_update(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    if "DeveloperName" in changes:
        _after_role(tx, table, number, old | changes)


def _check_role_delete(tx: "Transaction", table: "Table", number: int, old: Values) -> None:
    users = tx.store.execute('SELECT "Name" FROM "User" WHERE "UserRoleId" = ? LIMIT 5', (number,))
    if users:
        raise delete_failed(old["Name"], "users", ", ".join(row[0] for row in users))
    groups = tx.org.tables["Group"]
    for kind in ("Role", "RoleAndSubordinates"):
        if (group := tx.find_row("Group", {"RelatedId": number, "Type": kind})) is not None:
            deletes.drop(tx, groups, group)


# -- groups and queues


def _fill_group(tx: "Transaction", table: "Table", values: Values) -> None:
    values["Type"] = values["Type"] or "Regular"
    if values["DeveloperName"] is None and values["Name"]:
        values["DeveloperName"] = api_name_from(values["Name"])


def _check_new_group(tx: "Transaction", table: "Table", values: Values) -> None:
    if values["Type"] not in CREATABLE_GROUPS:
        raise bad_picklist_value(table.sobject.fields["type"], values["Type"])
    check_api_name(table, "DeveloperName", values["DeveloperName"])
    key = {"DeveloperName": values["DeveloperName"], "Type": values["Type"]}
    check_free_name(tx, table, 0, key, "DeveloperName")


def _check_group(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    if old["Type"] not in CREATABLE_GROUPS:
        raise no_access()
    if name := changes.get("DeveloperName"):
        check_api_name(table, "DeveloperName", name)
        check_free_name(tx, table, number, {"DeveloperName": name, "Type": old["Type"]}, "DeveloperName")


def _check_group_delete(tx: "Transaction", table: "Table", number: int, old: Values) -> None:
    if old["Type"] not in CREATABLE_GROUPS:
        raise no_access()
    if old["Type"] == "Queue":
        for (served,) in tx.store.execute(
            'SELECT "SobjectType" FROM "QueueSobject" WHERE "QueueId" = ?', (number,)
        ):
            _refuse_owner(tx, old["Name"], number, served)


def _refuse_owner(tx: "Transaction", name: str, queue: int, served: str) -> None:
    """Refuse to take a queue from the records it owns."""
    owned = tx.org.tables[served]
    if "OwnerId" in owned.position and (row := tx.find_row(served, {"OwnerId": queue})) is not None:
        raise delete_failed(name, owned.sobject.label_plural.lower(), tx.name_of(owned, row))


def _find_member(tx: "Transaction", table: "Table", values: Values) -> int | None:
    return tx.find_row(
        "GroupMember", {"GroupId": values["GroupId"], "UserOrGroupId": values["UserOrGroupId"]}
    )


def _check_new_member(tx: "Transaction", table: "Table", values: Values) -> None:
    groups = tx.org.tables["Group"]
    if tx.row(groups, values["GroupId"])["Type"] not in CREATABLE_GROUPS:
        raise no_access()
    if _contains(tx, values["UserOrGroupId"], values["GroupId"]):
        raise refused("CIRCULAR_DEPENDENCY", "A group can't be a member of itself.", "UserOrGroupId")


def _contains(tx: "Transaction", holder: int, wanted: int) -> bool:
    """Whether a group is, or holds by way of its members, another."""
    seen: set[int] = set()
    todo = [holder]
    while todo:
        group = todo.pop()
        if group == wanted:
            return True
        if group in seen:
            continue
        seen.add(group)
        members = tx.store.execute('SELECT "UserOrGroupId" FROM "GroupMember" WHERE "GroupId" = ?', (group,))
        todo += [row[0] for row in members if ids.prefix_of(row[0]) == "00G"]
    return False


def _check_new_served(tx: "Transaction", table: "Table", values: Values) -> None:
    served = tx.org.schema.get(values["SobjectType"])
    owner = served.field("OwnerId") if served else None
    if served is None or owner is None or "Group" not in owner.reference_to:
        raise bad_picklist_value(table.sobject.fields["sobjecttype"], values["SobjectType"])
    values["SobjectType"] = served.name
    if tx.row(tx.org.tables["Group"], values["QueueId"])["Type"] != "Queue":
        raise refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", "QueueId")


def _check_served_delete(tx: "Transaction", table: "Table", number: int, old: Values) -> None:
    if old["SobjectType"] in tx.org.schema:
        _refuse_owner(tx, old["SobjectType"], old["QueueId"], old["SobjectType"])


# -- custom settings


def _fill_setting(tx: "Transaction", table: "Table", values: Values) -> None:
    values["SetupOwnerId"] = values["SetupOwnerId"] or ids.parse(tx.org.org_id)


def register() -> None:
    """Hook the rules into `rules.REGISTRY`."""
    REGISTRY.update(
        {
            "User": Rules(
                fill=_fill_user,
                check_insert=_check_new_user,
                after_insert=_after_user,
                check_update=_check_user,
                after_update=_after_user_update,
            ),
            "UserLogin": Rules(check_update=_check_login),
            "UserRole": Rules(
                fill=_fill_role,
                check_insert=_check_new_role,
                after_insert=_after_role,
                check_update=_check_role,
                after_update=_after_role_update,
                check_delete=_check_role_delete,
            ),
            "Group": Rules(
                fill=_fill_group,
                check_insert=_check_new_group,
                check_update=_check_group,
                check_delete=_check_group_delete,
            ),
            "GroupMember": Rules(check_insert=_check_new_member, find_same=_find_member),
            "QueueSobject": Rules(check_insert=_check_new_served, check_delete=_check_served_delete),
            "custom setting List": Rules(fill=_fill_setting),
            "custom setting Hierarchy": Rules(fill=_fill_setting),
        }
    )
