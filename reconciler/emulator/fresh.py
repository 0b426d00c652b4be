"""What a new org has before anybody does anything: its organization, licences, profiles and users."""

import secrets
from typing import TYPE_CHECKING, Any
from zlib import crc32

from . import ids
from .access.governed import COLUMNS
from .access.profiles import GRANTED, NEVER_GRANTED, object_rights
from .access.rights import PREFIX, withhold
from .rules import setup as setup_rules
from .writes import Transaction

if TYPE_CHECKING:
    from .org import EmulatedOrg

USER_LICENSES = (
    ("Salesforce", "SFDC", 100),
    ("Salesforce Platform", "AUL", 100),
    ("Identity", "PID_Identity", 10),
    ("Chatter Free", "PID_CHATTER", 5000),
    ("Customer Community", "PID_Customer_Community", 50),
    ("Guest User License", "PID_Guest_User", 25),
    ("Analytics Cloud Integration User", "PID_Analytics_Cloud_Integration_User", 2),
    ("Salesforce Integration", "PID_Salesforce_Integration", 5),
    ("Cloud Integration User", "PID_Cloud_Integration_User", 1),
)
"""Name, definition key, how many. The key of the Platform Integration User's licence is not verified."""
PROFILES = (
    ("System Administrator", "Salesforce", "Standard"),
    ("Standard User", "Salesforce", "Standard"),
    ("Read Only", "Salesforce", "Standard"),
    ("Solution Manager", "Salesforce", "Standard"),
    ("Marketing User", "Salesforce", "Standard"),
    ("Contract Manager", "Salesforce", "Standard"),
    ("Minimum Access - Salesforce", "Salesforce", "Standard"),
    ("Standard Platform User", "Salesforce Platform", "Standard"),
    ("Identity User", "Identity", "Standard"),
    ("Chatter Free User", "Chatter Free", "CsnOnly"),
    ("Customer Community User", "Customer Community", "CspLitePortal"),
    ("Analytics Cloud Integration User", "Analytics Cloud Integration User", "Standard"),
    ("Minimum Access - API Only Integrations", "Salesforce Integration", "Standard"),
)
"""Name, licence, the type of its users."""

UNNAMED = "Emulated Org"
"""The name of an org that was given none; its id is the first of all."""

AUTOMATED_USERS = (
    ("Automated Process", "autoproc", "AutomatedProcess"),
    ("Platform Integration User", "cloud", "CloudIntegrationUser"),
)
"""Users nobody made, which every org has: last name, alias, type."""
PERMISSION_SET_LICENSES = (
    ("CRM User", "CRMUserPsl", 50),
    ("Sales User", "SalesUserPsl", 50),
    ("Service User", "ServiceUserPsl", 50),
    ("Identity Connect", "IdentityConnect", 10),
)
"""Label, key, how many."""
DEFAULT_ACCESS = {
    "DefaultAccountAccess": "Edit",
    "DefaultContactAccess": "ControlledByParent",
    "DefaultOpportunityAccess": "Edit",
    "DefaultLeadAccess": "ReadEditTransfer",
    "DefaultCaseAccess": "ReadEditTransfer",
    "DefaultCalendarAccess": "HideDetailsInsert",
    "DefaultPricebookAccess": "ReadSelect",
    "DefaultCampaignAccess": "All",
}
"""Org-wide defaults of a fresh org."""
LOCALE = {
    "TimeZoneSidKey": "America/Los_Angeles",
    "LocaleSidKey": "en_US",
    "LanguageLocaleKey": "en_US",
    "EmailEncodingKey": "UTF-8",
}


def own_name() -> str:
    """A name that no other org has, for an org whose id must be its own."""
    return f"{UNNAMED} {secrets.token_hex(4)}"


def furnish(org: "EmulatedOrg", name: str) -> None:
    """Write the rows of a fresh org; called once, inside the transaction that makes it."""
    admin = ids.make("005", 1)
    tx = Transaction(org, admin)
    if name != UNNAMED:  # orgs of two names are two orgs: what is meant for one must not fit the other
        tx.store.next_serial("00D", first=crc32(name.encode()))
    organization = tx.system_insert(
        "Organization",
        Name=name,
        OrganizationType="Developer Edition",
        InstanceName="EMU1",
        IsSandbox=0,
        DefaultLocaleSidKey="en_US",
        TimeZoneSidKey="America/Los_Angeles",
        LanguageLocaleKey="en_US",
        UiSkin="Theme3",
        FiscalYearStartMonth=1,
        **DEFAULT_ACCESS,
    )
    org.set_fact("org_id", ids.to_text(organization))
    licenses = {
        label: tx.system_insert(
            "UserLicense",
            Name=label,
            MasterLabel=label,
            LicenseDefinitionKey=key,
            TotalLicenses=total,
            UsedLicenses=0,
            Status="Active",
        )
        for label, key, total in USER_LICENSES
    }
    profiles = {}
    for label, license_name, user_type in PROFILES:
        profile = tx.system_insert(
            "Profile", Name=label, UserLicenseId=licenses[license_name], UserType=user_type
        )
        profiles[label] = profile
        tx.own_permission_set(profile, licenses[license_name])
    _permit(tx, profiles)
    people = {**LOCALE, "FirstName": "Ada", "LastName": "Admin", "UserType": "Standard"}
    made = _add_user(tx, "admin@emulated.example", "admin", profiles["System Administrator"], people)
    assert made == admin
    org.set_fact("admin_id", ids.to_text(admin))
    for last_name, alias, user_type in AUTOMATED_USERS:
        username = f"{alias}@{ids.to_text(organization)[:15].lower()}.emulated.example"
        _add_user(tx, username, alias, None, {**LOCALE, "LastName": last_name, "UserType": user_type})
    _add_defaults(tx)


def _permit(tx: Transaction, profiles: dict[str, int]) -> None:
    """User permissions and object rights of the standard profiles: all for the administrator."""
    known = [name for name in tx.org.tables["Profile"].columns if name.startswith(PREFIX)]
    everything = [name for name in known if name.removeprefix(PREFIX) not in NEVER_GRANTED]
    for label, profile in profiles.items():
        profile_grants = GRANTED.get(label)
        names = [f"{PREFIX}{each}" for each in profile_grants.permissions] if profile_grants else everything
        granted = dict.fromkeys(names, 1)
        owned = tx.find_row("PermissionSet", {"ProfileId": profile})
        assert owned is not None
        if granted:
            tx.set_fields(tx.org.tables["Profile"], profile, granted)
            tx.set_fields(tx.org.tables["PermissionSet"], owned, granted)
        if profile_grants and not profile_grants.standard_fields:
            withhold(tx.store, owned)
        for sobject, bits in object_rights(label).items():
            rights = {name: 1 for name, bit in COLUMNS.items() if bits & bit}
            tx.system_insert("ObjectPermissions", ParentId=owned, SobjectType=sobject, **rights)


def _add_user(tx: Transaction, username: str, alias: str, profile: int | None, values: dict[str, Any]) -> int:
    user = tx.system_insert(
        "User",
        Username=username,
        Email=username,
        Alias=alias[:8],
        CommunityNickname=alias,
        ProfileId=profile,
        IsActive=1,
        **values,
    )
    tx.system_insert("UserLogin", UserId=user)
    if profile is not None:
        setup_rules.take_license(tx, profile)
        setup_rules.assign_profile(tx, user, profile)
    return user


def _add_defaults(tx: Transaction) -> None:
    for label, key, total in PERMISSION_SET_LICENSES:
        tx.system_insert(
            "PermissionSetLicense",
            DeveloperName=key,
            MasterLabel=label,
            Language="en_US",
            PermissionSetLicenseKey=key,
            TotalLicenses=total,
            Status="Active",
        )
    for kind in ("Organization",):
        tx.system_insert("Group", Name=None, DeveloperName="AllInternalUsers", Type=kind, OwnerId=tx.user)
    tx.system_insert("Pricebook2", Name="Standard Price Book", IsActive=1, IsStandard=1)
    days = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
    hours = {f"{day}{end}Time": "00:00:00.000Z" for day in days for end in ("Start", "End")}
    tx.system_insert(
        "BusinessHours",
        Name="Default",
        IsActive=1,
        IsDefault=1,
        TimeZoneSidKey=LOCALE["TimeZoneSidKey"],
        **hours,
    )
