"""What a write has to pass for the user who writes: rights on the object, on the row, on its parents.

Fields are not asked about here: they are read by the user's own table (`UserAccess.table`), where a
field that is not seen is none and one that is not edited cannot be written.

Source: error codes as in public captures; Security Guide, "Object Permissions".
"""

from typing import TYPE_CHECKING, Any, Final

from ..errors import ApiError
from ..schema import Field, SObject
from ..tables import Table
from .governed import CREATE, DELETE, EDIT, READ, Level, needs_of
from .sharing import model_of, row_level
from .users import UserAccess, not_supported

if TYPE_CHECKING:
    from ..org import EmulatedOrg

OWN_USER_FIELDS: Final = frozenset(
    ["ProfileId", "UserRoleId", "IsActive", "Username", "ManagerId", "FederationIdentifier", "UserType"]
)
"""Fields of a user that nobody changes of the own user without the permission to manage users."""


def no_access() -> ApiError:
    return ApiError(
        "insufficient access rights on object id",
        code="INSUFFICIENT_ACCESS_OR_READONLY",
        fields=[],
        status=403,
    )


def no_access_to_parent() -> ApiError:
    return ApiError(
        "insufficient access rights on cross-reference id",
        code="INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        fields=[],
    )


def check_create(access: UserAccess, table: Table) -> None:
    if not access.may(table.sobject, READ):
        raise not_supported(table.name)
    if access.may(table.sobject, CREATE):
        return
    if needs_of(table.sobject) is not None:
        raise no_access()
    raise ApiError(
        f"entity type cannot be inserted: {table.sobject.label}",
        code="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        fields=[],
    )


def check_update(
    org: "EmulatedOrg", access: UserAccess, table: Table, number: int, changes: dict[str, Any]
) -> None:
    """``changes`` are the stored values by field."""
    if not access.may(table.sobject, EDIT):
        raise no_access()
    if table.name == "User":
        _check_user(access, number, changes)
    elif table.name == "UserLogin":
        _check_login(access, changes)
    level = row_level(org, access, table.sobject, number) or Level.READ
    if level < Level.EDIT:
        raise no_access()
    if "OwnerId" in changes and not may_transfer(org, access, table.sobject, level):
        raise no_access()


TRANSFER: Final = {"Case": "TransferAnyCase", "Lead": "TransferAnyLead"}
"""Permissions to give away what others own, beside that for all objects."""


def may_transfer(org: "EmulatedOrg", access: UserAccess, sobject: SObject, level: Level) -> bool:
    """Whether who may go so far with a row may give it another owner; the right to edit aside."""
    if level is Level.WHOLE:
        return True
    if level is not Level.EDIT:
        return False
    wanted = ["TransferAnyEntity", *filter(None, [TRANSFER.get(sobject.name)])]
    return access.has_any(*wanted) or model_of(org, sobject) == "ReadWriteTransfer"


def _check_user(access: UserAccess, number: int, changes: dict[str, Any]) -> None:
    if access.has_any("ManageUsers", "ManageInternalUsers"):
        return
    if number != access.user or not OWN_USER_FIELDS.isdisjoint(changes):
        raise no_access()


def _check_login(access: UserAccess, changes: dict[str, Any]) -> None:
    if access.has_any("ManageUsers", "ManageInternalUsers"):
        return
    needed = {"IsFrozen": "FreezeUsers", "IsPasswordLocked": "ResetPasswords"}
    if not all(access.has(needed.get(name, "ManageUsers")) for name in changes):
        raise no_access()


def check_delete(org: "EmulatedOrg", access: UserAccess, table: Table, number: int) -> None:
    whole = row_level(org, access, table.sobject, number) is Level.WHOLE
    if not whole or not access.may(table.sobject, DELETE):
        raise no_access()


def is_seen(org: "EmulatedOrg", access: UserAccess, sobject: SObject, number: int) -> bool:
    """Whether a row is there for a user."""
    if not access.may(sobject, READ):
        return False
    return access.sees_all(sobject) or row_level(org, access, sobject, number) is not None


def check_parent(org: "EmulatedOrg", access: UserAccess, field: Field, target: SObject, number: int) -> None:
    """A row may refer to what its writer sees; a detail is added to a master its writer may edit."""
    if not is_seen(org, access, target, number):
        raise no_access_to_parent()
    if field.relationship_order is None or field.write_requires_master_read:
        return
    if not access.may(target, EDIT) or (row_level(org, access, target, number) or Level.READ) < Level.EDIT:
        raise no_access_to_parent()
