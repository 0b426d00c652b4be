"""Rules of profiles, permission sets, what hangs on them, and who holds them.

A row is access and no row is none: a row that grants nothing is not kept. Rights imply others; a
profile and a group of permission sets own a permission set each, which nobody writes directly.

Source: Object Reference, "PermissionSet", "PermissionSetAssignment", "ObjectPermissions",
"FieldPermissions", "SetupEntityAccess", "PermissionSetGroup", "PermissionSetLicenseAssign".
"""

from typing import TYPE_CHECKING

from reconciler.emulator import ids
from reconciler.emulator.access.rights import withhold
from reconciler.emulator.values import bad_picklist_value

from .hooks import REGISTRY, Rules, Values
from .setup import check_api_name, check_free_name, delete_failed, license_exceeded, no_access, refused

if TYPE_CHECKING:
    from reconciler.emulator.tables import Table
    from reconciler.emulator.writes import Transaction

READ, CREATE, EDIT, DELETE = "PermissionsRead", "PermissionsCreate", "PermissionsEdit", "PermissionsDelete"
VIEW_ALL, MODIFY_ALL = "PermissionsViewAllRecords", "PermissionsModifyAllRecords"
VIEW_FIELDS = "PermissionsViewAllFields"
IMPLIED: dict[str, tuple[str, ...]] = {
    CREATE: (READ,),
    EDIT: (READ,),
    DELETE: (READ, EDIT),
    VIEW_ALL: (READ,),
    VIEW_FIELDS: (READ,),
    MODIFY_ALL: (READ, EDIT, DELETE, VIEW_ALL),
}
"""Rights on an object, and those that must be granted with them."""
WORDS = {
    READ: "Read",
    CREATE: "Create",
    EDIT: "Edit",
    DELETE: "Delete",
    VIEW_ALL: "View All",
    MODIFY_ALL: "Modify All",
    VIEW_FIELDS: "View All Fields",
}
HELD = ("ObjectPermissions", "FieldPermissions", "SetupEntityAccess", "PermissionSetTabSetting")
"""Objects whose rows hang on a permission set."""


# -- profiles


def _check_profile_name(tx: "Transaction", own: int, name: str | None) -> None:
    if name and tx.find_row("Profile", {"Name": name}) not in (None, own):
        raise refused("FIELD_INTEGRITY_EXCEPTION", "The profile name is already in use: Name", "Name")


def _fill_profile(tx: "Transaction", table: "Table", values: Values) -> None:
    values["UserType"] = values["UserType"] or "Standard"


def _check_new_profile(tx: "Transaction", table: "Table", values: Values) -> None:
    _check_profile_name(tx, 0, values["Name"])


def _after_profile(tx: "Transaction", table: "Table", number: int, values: Values) -> None:
    withhold(tx.store, tx.own_permission_set(number, values["UserLicenseId"]))


def _check_profile(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    _check_profile_name(tx, number, changes.get("Name"))


def _check_profile_delete(tx: "Transaction", table: "Table", number: int, old: Values) -> None:
    users = tx.store.execute('SELECT "Name" FROM "User" WHERE "ProfileId" = ? LIMIT 5', (number,))
    if users:
        raise delete_failed(old["Name"], "users", ", ".join(row[0] for row in users))
    _drop_owned(tx, {"ProfileId": number})


def _drop_owned(tx: "Transaction", key: Values) -> None:
    """Take away the permission set that belongs to a profile or a group, with all it holds."""
    owned = tx.find_row("PermissionSet", key)
    if owned is None:
        return
    for held in HELD:
        tx.store.execute(f'DELETE FROM "{held}" WHERE "ParentId" = ?', (owned,))  # noqa: S608 - names are ours
    tx.drop_row("PermissionSet", {"Id": owned})


# -- permission sets


def _fill_set(tx: "Transaction", table: "Table", values: Values) -> None:
    values["IsCustom"] = 1
    values["Type"] = "Session" if values["HasActivationRequired"] else "Regular"


def _check_new_set(tx: "Transaction", table: "Table", values: Values) -> None:
    _check_set_name(tx, table, 0, values["Name"])


def _check_set_name(tx: "Transaction", table: "Table", own: int, name: str) -> None:
    check_api_name(table, "Name", name)
    holders = tx.store.execute(
        'SELECT "Id" FROM "PermissionSet" WHERE "Name" = ? AND "PermissionSetGroupId" IS NULL '
        'AND "NamespacePrefix" IS NULL',
        (name,),
    )
    if any(row[0] != own for row in holders):
        check_free_name(tx, table, own, {"Id": holders[0][0]}, "Name")


def _check_set(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    if old["IsOwnedByProfile"] or old["PermissionSetGroupId"] is not None:
        raise no_access()
    if name := changes.get("Name"):
        _check_set_name(tx, table, number, name)


def _check_set_delete(tx: "Transaction", table: "Table", number: int, old: Values) -> None:
    if old["IsOwnedByProfile"] or old["PermissionSetGroupId"] is not None:
        raise no_access()
    _refuse_assigned(tx, old["Label"], {"PermissionSetId": number})


def _refuse_assigned(tx: "Transaction", name: str, key: Values) -> None:
    if (row := tx.find_row("PermissionSetAssignment", key)) is not None:
        raise delete_failed(name, "permission set assignments", ids.to_text(row))


# -- rights on objects and fields


def _check_rights(
    tx: "Transaction", table: "Table", values: Values, implied: dict[str, tuple[str, ...]]
) -> None:
    for right, needed in implied.items():
        missing = [WORDS[each] for each in needed if not values[each]]
        if values.get(right) and missing:
            what = values["SobjectType"]
            listed = ", ".join(f"{word} {what}" for word in missing)
            raise refused(
                "FIELD_INTEGRITY_EXCEPTION",
                f"Permission {WORDS[right]} {what} depends on permission(s): {listed}",
            )


def _check_new_object_rights(tx: "Transaction", table: "Table", values: Values) -> None:
    sobject = tx.org.schema.get(values["SobjectType"])
    if sobject is None:
        raise bad_picklist_value(table.sobject.fields["sobjecttype"], values["SobjectType"])
    values["SobjectType"] = sobject.name
    _check_rights(tx, table, values, IMPLIED)
    _refuse_nothing(values)


def _refuse_nothing(values: Values) -> None:
    if not values[READ]:
        raise refused("FIELD_INTEGRITY_EXCEPTION", "A permission row must grant at least Read.", READ)


def _check_object_rights(
    tx: "Transaction", table: "Table", number: int, old: Values, changes: Values
) -> None:
    _check_rights(tx, table, old | changes, IMPLIED)


def _drop_if_nothing(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    new = old | changes
    if not any(new.get(right) for right in WORDS):
        tx.drop_row(table.name, {"Id": number})


def _check_new_field_rights(tx: "Transaction", table: "Table", values: Values) -> None:
    owner, _, name = values["Field"].partition(".")
    sobject = tx.org.schema.get(owner)
    field = sobject.field(name) if sobject else None
    if sobject is None or field is None or not field.permissionable:
        raise bad_picklist_value(table.sobject.fields["field"], values["Field"])
    if values["SobjectType"].lower() != owner.lower():
        raise bad_picklist_value(table.sobject.fields["sobjecttype"], values["SobjectType"])
    values["SobjectType"], values["Field"] = sobject.name, f"{sobject.name}.{field.name}"
    _check_rights(tx, table, values, {EDIT: (READ,)})
    _refuse_nothing(values)


def _check_field_rights(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    _check_rights(tx, table, old | changes, {EDIT: (READ,)})


def _fill_access(tx: "Transaction", table: "Table", values: Values) -> None:
    if (entity := values["SetupEntityId"]) is not None:
        target = tx.org.schema.by_prefix(ids.prefix_of(entity))
        values["SetupEntityType"] = target.name if target else None


# -- assignments


def _check_new_assignment(tx: "Transaction", table: "Table", values: Values) -> None:
    group = values["PermissionSetGroupId"]
    if group is not None and values["PermissionSetId"] is not None:
        raise refused(
            "FIELD_INTEGRITY_EXCEPTION",
            "Specify a permission set or a permission set group, not both.",
            "PermissionSetId",
            "PermissionSetGroupId",
        )
    if group is not None:
        values["PermissionSetId"] = tx.find_row("PermissionSet", {"PermissionSetGroupId": group})
    if values["PermissionSetId"] is None:
        raise refused(
            "REQUIRED_FIELD_MISSING", "Required fields are missing: [PermissionSetId]", "PermissionSetId"
        )
    _refuse_twice(tx, values)
    user = tx.row(tx.org.tables["User"], values["AssigneeId"])
    granted = tx.row(tx.org.tables["PermissionSet"], values["PermissionSetId"])
    if not user["IsActive"]:
        raise refused(
            "INACTIVE_OWNER_OR_USER",
            f"operation performed with inactive user [{ids.to_text(user['Id'])}] as assignee",
            "AssigneeId",
        )
    if granted["IsOwnedByProfile"] or (granted["PermissionSetGroupId"] is not None and group is None):
        raise refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", "PermissionSetId")
    _check_license(tx, user, granted)
    values["IsActive"] = _is_active(tx, values)


def _refuse_twice(tx: "Transaction", values: Values) -> None:
    key = {"AssigneeId": values["AssigneeId"], "PermissionSetId": values["PermissionSetId"]}
    if tx.find_row("PermissionSetAssignment", key) is not None:
        user, granted = ids.to_text(key["AssigneeId"])[:15], ids.to_text(key["PermissionSetId"])[:15]
        raise refused(
            "DUPLICATE_VALUE",
            f"Duplicate PermissionSetAssignment.  Assignee: {user}; Permission Set: {granted}",
            "AssigneeId",
            "PermissionSetId",
        )


def _check_license(tx: "Transaction", user: Values, granted: Values) -> None:
    """The licence of the permission set: a user licence must be the user's, another is assigned along."""
    licence = granted["LicenseId"]
    if licence is None:
        return
    if ids.prefix_of(licence) == "100":
        if tx.row(tx.org.tables["Profile"], user["ProfileId"])["UserLicenseId"] != licence:
            label = tx.row(tx.org.tables["UserLicense"], licence)["Name"]
            raise refused(
                "FIELD_INTEGRITY_EXCEPTION",
                f"Can't assign permission set {granted['Label']} to user {user['Name']}. The user license "
                f"doesn't allow the permission: {label}",
                "PermissionSetId",
            )
        return
    key = {"AssigneeId": user["Id"], "PermissionSetLicenseId": licence}
    if tx.find_row("PermissionSetLicenseAssign", key) is None:
        _take_set_license(tx, licence)
        tx.system_insert("PermissionSetLicenseAssign", **key)


def _is_active(tx: "Transaction", values: Values) -> int:
    expires = values["ExpirationDate"]
    return int(expires is None or expires > tx.stamp)


def _check_assignment(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    changes["IsActive"] = _is_active(tx, old | changes)


def _watch_expiry(tx: "Transaction", table: "Table", number: int, *_: Values) -> None:
    tx.org.due.watch_expiry()


def _check_assignment_delete(tx: "Transaction", table: "Table", number: int, old: Values) -> None:
    if tx.row(tx.org.tables["PermissionSet"], old["PermissionSetId"])["IsOwnedByProfile"]:
        raise no_access()


# -- groups of permission sets


def _check_new_group(tx: "Transaction", table: "Table", values: Values) -> None:
    values["Status"] = "Updated"
    check_api_name(table, "DeveloperName", values["DeveloperName"])
    check_free_name(tx, table, 0, {"DeveloperName": values["DeveloperName"]}, "DeveloperName")


def _after_group(tx: "Transaction", table: "Table", number: int, values: Values) -> None:
    tx.system_insert(
        "PermissionSet",
        Name=values["DeveloperName"],
        Label=values["MasterLabel"],
        Type="Group",
        IsCustom=1,
        PermissionSetGroupId=number,
    )


def _check_group(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    if name := changes.get("DeveloperName"):
        check_api_name(table, "DeveloperName", name)
        check_free_name(tx, table, number, {"DeveloperName": name}, "DeveloperName")


def _after_group_update(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    new = old | changes
    key = {"PermissionSetGroupId": number}
    tx.put_row("PermissionSet", key, {"Name": new["DeveloperName"], "Label": new["MasterLabel"]})


def _check_group_delete(tx: "Transaction", table: "Table", number: int, old: Values) -> None:
    _refuse_assigned(tx, old["MasterLabel"], {"PermissionSetGroupId": number})
    _drop_owned(tx, {"PermissionSetGroupId": number})


def _check_new_component(tx: "Transaction", table: "Table", values: Values) -> None:
    if ids.prefix_of(values["PermissionSetId"]) != "0PS":
        return
    member = tx.row(tx.org.tables["PermissionSet"], values["PermissionSetId"])
    if member["IsOwnedByProfile"] or member["PermissionSetGroupId"] is not None:
        raise refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", "PermissionSetId")


def _after_component(tx: "Transaction", table: "Table", number: int, values: Values) -> None:
    """What a group grants is calculated anew when its members change, and not at once."""
    groups = tx.org.tables["PermissionSetGroup"]
    if tx.is_living(groups, values["PermissionSetGroupId"]):
        tx.set_fields(groups, values["PermissionSetGroupId"], {"Status": "Outdated"}, by_user=False)
        tx.org.due.watch_groups()


# -- permission set and package licences


def _take_set_license(tx: "Transaction", licence: int) -> None:
    _take(tx, "PermissionSetLicense", "TotalLicenses", licence)


def _take(tx: "Transaction", sobject: str, total: str, licence: int) -> None:
    row = tx.row(tx.org.tables[sobject], licence)
    if 0 <= row[total] <= row["UsedLicenses"]:
        raise license_exceeded()
    _count(tx, sobject, licence, 1)


def _count(tx: "Transaction", sobject: str, licence: int, by: int) -> None:
    sql = f'UPDATE "{sobject}" SET "UsedLicenses" = "UsedLicenses" + ? WHERE "Id" = ?'  # noqa: S608 - names are ours
    tx.store.execute(sql, (by, licence))


def _check_new_license(tx: "Transaction", table: "Table", values: Values) -> None:
    key = {name: values[name] for name in ("AssigneeId", "PermissionSetLicenseId")}
    if tx.find_row("PermissionSetLicenseAssign", key) is None:  # else the unique key refuses it
        _take_set_license(tx, values["PermissionSetLicenseId"])


def _after_license_delete(tx: "Transaction", table: "Table", number: int, old: Values) -> None:
    _count(tx, "PermissionSetLicense", old["PermissionSetLicenseId"], -1)


def _check_license_delete(tx: "Transaction", table: "Table", number: int, old: Values) -> None:
    """A licence stays while a permission set that needs it is assigned."""
    needs = tx.store.execute(
        'SELECT p."Label" FROM "PermissionSetAssignment" a JOIN "PermissionSet" p ON p."Id" = '
        'a."PermissionSetId" WHERE a."AssigneeId" = ? AND p."LicenseId" = ? LIMIT 5',
        (old["AssigneeId"], old["PermissionSetLicenseId"]),
    )
    if needs:
        raise delete_failed(
            "Permission Set License Assignment", "permission sets", ", ".join(row[0] for row in needs)
        )


def _check_new_package_license(tx: "Transaction", table: "Table", values: Values) -> None:
    _take(tx, "PackageLicense", "AllowedLicenses", values["PackageLicenseId"])


def _after_package_license_delete(tx: "Transaction", table: "Table", number: int, old: Values) -> None:
    _count(tx, "PackageLicense", old["PackageLicenseId"], -1)


def register() -> None:
    """Hook the rules into `rules.REGISTRY`."""
    REGISTRY.update(
        {
            "Profile": Rules(
                fill=_fill_profile,
                check_insert=_check_new_profile,
                after_insert=_after_profile,
                check_update=_check_profile,
                check_delete=_check_profile_delete,
            ),
            "PermissionSet": Rules(
                fill=_fill_set,
                check_insert=_check_new_set,
                check_update=_check_set,
                check_delete=_check_set_delete,
            ),
            "ObjectPermissions": Rules(
                check_insert=_check_new_object_rights,
                check_update=_check_object_rights,
                after_update=_drop_if_nothing,
            ),
            "FieldPermissions": Rules(
                check_insert=_check_new_field_rights,
                check_update=_check_field_rights,
                after_update=_drop_if_nothing,
            ),
            "SetupEntityAccess": Rules(fill=_fill_access),
            "PermissionSetAssignment": Rules(
                check_insert=_check_new_assignment,
                after_insert=_watch_expiry,
                check_update=_check_assignment,
                after_update=_watch_expiry,
                check_delete=_check_assignment_delete,
            ),
            "PermissionSetGroup": Rules(
                check_insert=_check_new_group,
                after_insert=_after_group,
                check_update=_check_group,
                after_update=_after_group_update,
                check_delete=_check_group_delete,
            ),
            "PermissionSetGroupComponent": Rules(
                check_insert=_check_new_component,
                after_insert=_after_component,
                after_delete=_after_component,
            ),
            "PermissionSetLicenseAssign": Rules(
                check_insert=_check_new_license,
                check_delete=_check_license_delete,
                after_delete=_after_license_delete,
            ),
            "UserPackageLicense": Rules(
                check_insert=_check_new_package_license, after_delete=_after_package_license_delete
            ),
        }
    )
