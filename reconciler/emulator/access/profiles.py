"""What the standard profiles of a fresh org grant, as compact data.

The administrator's grants everything that there is, save what nobody has by default.

Source: Salesforce Help, "Standard Profiles"; profiles of fresh Developer Edition orgs.
"""

from dataclasses import dataclass
from typing import Final

from .governed import ALL, CREATE, DELETE, EDIT, READ, RECORDS

ADMINISTRATOR: Final = "System Administrator"
NEVER_GRANTED: Final = frozenset({"ApiUserOnly", "BulkApiHardDelete", "ViewAllFieldsGlobal"})
"""What even the administrator's profile does not grant by itself; the second as recorded."""

_FULL: Final = READ | CREATE | EDIT | DELETE
_EVERYBODY: Final = ("ChatterInternalUser", "ViewHelpLink", "LightningConsoleAllowedForUser")
_WORKS: Final = (
    *_EVERYBODY,
    "ActivitiesAccess",
    "ApiEnabled",
    "AllowUniversalSearch",
    "AssignTopics",
    "CreateTopics",
    "EditEvent",
    "EditTask",
    "EmailMass",
    "EmailSingle",
    "ExportReport",
    "ImportPersonal",
    "RunFlow",
    "RunReports",
    "SelectFilesFromSalesforce",
    "UseWebLink",
    "ViewRoles",
    "ViewSetup",
)
_SELLS: Final = (*_WORKS, "ConvertLeads", "EditOppLineItemUnitPrice", "SubmitMacrosAllowed")
_SALES_RECORDS: Final = {
    **dict.fromkeys(
        ("Account", "Asset", "Case", "Contact", "Contract", "Lead", "Opportunity", "Order"), _FULL
    ),
    **dict.fromkeys(("Campaign", "Pricebook2", "Product2"), READ),
}


@dataclass(frozen=True, slots=True)
class Granted:
    """What one profile grants. ``objects`` are bits by object."""

    permissions: tuple[str, ...] = ()
    objects: tuple[tuple[str, int], ...] = ()
    standard_fields: bool = True
    """Whether standard fields are seen without a row."""


def _sells(*more: str, **objects: int) -> Granted:
    return Granted((*_SELLS, *more), tuple((_SALES_RECORDS | objects).items()))


GRANTED: Final = {
    "Standard User": _sells(),
    "Read Only": Granted(_WORKS, tuple(dict.fromkeys(sorted(RECORDS), READ).items())),
    "Solution Manager": _sells("ManageCategories", "ManageSolutions"),
    "Marketing User": _sells("ImportLeads", "ManageLeads", Campaign=_FULL),
    "Contract Manager": _sells("ActivateContract", "DeleteActivatedContract"),
    "Minimum Access - Salesforce": Granted(_EVERYBODY, standard_fields=False),
    "Standard Platform User": Granted(
        _WORKS, (("Account", _FULL), ("Asset", _FULL), ("Contact", _FULL), ("Contract", _FULL))
    ),
    "Identity User": Granted(("IdentityEnabled",), standard_fields=False),
    "Chatter Free User": Granted(standard_fields=False),
    "Customer Community User": Granted(("ApiEnabled", "UseWebLink")),
    "Analytics Cloud Integration User": Granted(("ApiEnabled", "ViewAllData", "ViewSetup")),
    "Minimum Access - API Only Integrations": Granted(("ApiEnabled", "ApiUserOnly"), standard_fields=False),
}


def object_rights(profile: str) -> dict[str, int]:
    """The rights on standard objects that a profile grants, as bits by object."""
    if profile == ADMINISTRATOR:
        return dict.fromkeys(sorted(RECORDS), ALL)
    granted = GRANTED.get(profile)
    return dict(granted.objects) if granted else {}
