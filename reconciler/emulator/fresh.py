"""What a new org has before anybody does anything: its organization, licences, profiles and users."""

from typing import TYPE_CHECKING

from . import ids
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
)
"""Name, definition key, how many."""
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
)
"""Name, licence, the type of its users."""


def furnish(org: "EmulatedOrg", name: str) -> None:
    """Write the rows of a fresh org; called once, inside the transaction that makes it."""
    admin = ids.make("005", 1)
    tx = Transaction(org, admin)
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
    made = tx.system_insert(
        "User",
        Username="admin@emulated.example",
        LastName="Admin",
        FirstName="Ada",
        Email="admin@emulated.example",
        Alias="admin",
        CommunityNickname="admin",
        IsActive=1,
        ProfileId=profiles["System Administrator"],
        UserType="Standard",
        TimeZoneSidKey="America/Los_Angeles",
        LocaleSidKey="en_US",
        LanguageLocaleKey="en_US",
        EmailEncodingKey="UTF-8",
    )
    assert made == admin
    org.set_fact("admin_id", ids.to_text(admin))
