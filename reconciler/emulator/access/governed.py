"""What governs an object: which rights, permissions or other object decide what a user may do with it.

Records are governed by rows of ObjectPermissions. Details follow the object they hang on: changing
them is editing it. Setup objects ask for system permissions. The rest, files and notes among it, is
open to everybody who may sign in.

Source: Object Reference, "Special Access Rules" of the objects; Security Guide, "User Permissions".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from ..schema import SObject
from .shares import parent_of

READ, CREATE, EDIT, DELETE, VIEW_ALL, MODIFY_ALL, VIEW_FIELDS = (1 << place for place in range(7))
ALL: Final = READ | CREATE | EDIT | DELETE | VIEW_ALL | MODIFY_ALL
WRITE: Final = CREATE | EDIT | DELETE
COLUMNS: Final = {
    "PermissionsRead": READ,
    "PermissionsCreate": CREATE,
    "PermissionsEdit": EDIT,
    "PermissionsDelete": DELETE,
    "PermissionsViewAllRecords": VIEW_ALL,
    "PermissionsModifyAllRecords": MODIFY_ALL,
    "PermissionsViewAllFields": VIEW_FIELDS,
}


class Level(IntEnum):
    """How far a user may go with one row, rights on its object aside."""

    READ = 1
    EDIT = 2
    WHOLE = 3
    """Delete, transfer, share."""


RECORDS: Final = frozenset(
    {
        "Account",
        "Asset",
        "Campaign",
        "Case",
        "Contact",
        "Contract",
        "Lead",
        "Opportunity",
        "Order",
        "Pricebook2",
        "Product2",
    }
)
"""Standard objects whose rights are rows of ObjectPermissions, as those of every custom object are."""
DETAILS: Final = {
    "OpportunityLineItem": ("Opportunity", "OpportunityId"),
    "OpportunityContactRole": ("Opportunity", "OpportunityId"),
    "CampaignMember": ("Campaign", "CampaignId"),
    "PricebookEntry": ("Pricebook2", "Pricebook2Id"),
    "OrderItem": ("Order", "OrderId"),
    "CaseComment": ("Case", "ParentId"),
}
"""Objects without rights of their own, the object they follow, and the reference to it."""
ACTIVITIES: Final = {"Task": "EditTask", "Event": "EditEvent"}


@dataclass(frozen=True, slots=True)
class Needs:
    """System permissions, any of which lets a user read or write; none are needed where it is empty."""

    write: tuple[str, ...]
    read: tuple[str, ...] = ()


_SETS: Final = Needs(("ManageProfilesPermissionsets",))
_ASSIGNS: Final = Needs(("AssignPermissionSets",))
_PEOPLE: Final = Needs(("ManageUsers", "ManageInternalUsers"))
_CUSTOMIZES: Final = Needs(("CustomizeApplication",))
_CODE: Final = Needs(("AuthorApex",), ("ViewSetup", "AuthorApex"))
_WATCHES: Final = Needs(("CustomizeApplication",), ("ViewSetup",))
SETUP: Final[Mapping[str, Needs]] = {
    "Profile": _SETS,
    "PermissionSet": _SETS,
    "PermissionSetGroup": _SETS,
    "PermissionSetGroupComponent": _SETS,
    "MutingPermissionSet": _SETS,
    "ObjectPermissions": _SETS,
    "FieldPermissions": _SETS,
    "SetupEntityAccess": _SETS,
    "PermissionSetTabSetting": _SETS,
    "PermissionSetAssignment": _ASSIGNS,
    "PermissionSetLicenseAssign": _ASSIGNS,
    "UserPackageLicense": _PEOPLE,
    "User": _PEOPLE,
    "UserLogin": Needs(("ManageUsers", "ManageInternalUsers", "FreezeUsers", "ResetPasswords")),
    "UserRole": Needs(("ManageRoles", "ManageUsers")),
    "Group": _PEOPLE,
    "GroupMember": _PEOPLE,
    "QueueSobject": _PEOPLE,
    "ApexClass": _CODE,
    "ApexTrigger": _CODE,
    "ApexPage": _CODE,
    "CronTrigger": _WATCHES,
    "CronJobDetail": _WATCHES,
    "AsyncApexJob": _WATCHES,
    "FlowDefinitionView": _WATCHES,
    "FlowVersionView": _WATCHES,
    "SetupAuditTrail": _WATCHES,
    "OrgWideEmailAddress": _CUSTOMIZES,
    "Organization": _CUSTOMIZES,
    "RecordType": _CUSTOMIZES,
    "BusinessHours": Needs(("ManageBusinessHourHolidays", "CustomizeApplication")),
    "Holiday": Needs(("ManageBusinessHourHolidays", "CustomizeApplication")),
    "EmailTemplate": Needs(("EditPublicTemplates", "EmailTemplateManagement")),
}
_SETTINGS: Final = Needs(("CustomizeApplication",), ("CustomizeApplication", "ViewAllCustomSettings"))
_TYPES: Final = Needs(("CustomizeApplication",), ("CustomizeApplication", "ModifyMetadata"))


def needs_of(sobject: SObject) -> Needs | None:
    """The system permissions that govern a setup object; None for one that they do not."""
    if sobject.custom_setting:
        return _SETTINGS
    if sobject.name.endswith("__mdt"):
        return _TYPES
    return SETUP.get(sobject.name)


def is_record(sobject: SObject) -> bool:
    """Whether rows of ObjectPermissions decide."""
    return sobject.name in RECORDS or (sobject.custom and needs_of(sobject) is None)


def rights_on(sobject: SObject, permissions: frozenset[str], objects: Mapping[str, int]) -> int:
    """What may be done with an object, as bits, by system permissions and by ObjectPermissions rows.

    ``objects`` is keyed by the lower-case name.
    """
    if (needs := needs_of(sobject)) is not None:
        return _setup_rights(sobject, needs, permissions)
    if sobject.name in ACTIVITIES:
        return ALL if ACTIVITIES[sobject.name] in permissions else READ | VIEW_ALL
    if (detail := DETAILS.get(sobject.name)) is not None:
        whole = _record_rights(detail[0], permissions, objects)
        return whole | WRITE if whole & EDIT else whole & ~WRITE
    if is_record(sobject):
        return _record_rights(sobject.name, permissions, objects)
    if (shared := parent_of(sobject)) is not None:
        whole = _record_rights(shared, permissions, objects)
        return whole | WRITE if whole & READ else 0
    return ALL


def _record_rights(name: str, permissions: frozenset[str], objects: Mapping[str, int]) -> int:
    bits = objects.get(name.lower(), 0)
    if "ModifyAllData" in permissions:
        return bits | ALL
    return bits | READ | VIEW_ALL if "ViewAllData" in permissions else bits


def _setup_rights(sobject: SObject, needs: Needs, permissions: frozenset[str]) -> int:
    if needs.read and permissions.isdisjoint(needs.read):
        return 0
    if not permissions.isdisjoint(needs.write):
        return ALL
    return READ | VIEW_ALL | (EDIT if sobject.name == "User" else 0)  # everybody has an own user
