"""The org that wrong requests are sent to: fields of all types, rows, and users with few rights."""

from typing import Any

from reconciler.emulator.clock import Clock
from reconciler.emulator.http import sessions
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.rules import locks
from reconciler.emulator.schema import Field, PicklistValue

from .asking import Desk

TIERS = tuple(PicklistValue(each, each) for each in ("Gold", "Silver", "Bronze"))
MORE: dict[str, dict[str, Any]] = {
    "Key__c": {"type": "string", "length": 20, "external_id": True, "unique": True},
    "Other__c": {"type": "string", "length": 20, "external_id": True},
    "Tier__c": {"type": "picklist", "length": 40, "picklist": TIERS, "restricted_picklist": True},
    "Tags__c": {"type": "multipicklist", "length": 99, "picklist": TIERS, "restricted_picklist": True},
    "Score__c": {"type": "double", "precision": 4, "scale": 1},
    "Size__c": {"type": "int", "digits": 8},
    "Live__c": {"type": "boolean", "nillable": False, "default": False},
    "Day__c": {"type": "date"},
    "Moment__c": {"type": "datetime"},
    "Hour__c": {"type": "time"},
    "Mail__c": {"type": "email", "length": 80},
    "Site__c": {"type": "url", "length": 255},
    "Main__c": {"type": "reference", "reference_to": ("Contact",), "relationship_name": "Main__r"},
    "Notes__c": {
        "type": "textarea",
        "length": 32768,
        "filterable": False,
        "sortable": False,
        "groupable": False,
        "aggregatable": False,
    },
}
"""Fields of Account, by name."""
COMPONENTS = {
    "MatchingRule Lead.Same_Mail": "<matchingRuleItems>"
    "<blankValueBehavior>NullNotAllowed</blankValueBehavior><fieldName>Email</fieldName><matchingMethod>Exact</matchingMethod></matchingRuleItems>"
    "<ruleStatus>Active</ruleStatus>",
    "DuplicateRule Lead.No_Doubles": "<actionOnInsert>Block</actionOnInsert>"
    "<actionOnUpdate>Allow</actionOnUpdate>"
    "<alertText>Use one of these records?</alertText><duplicateRuleMatchRules>"
    "<matchRuleSObjectType>Lead</matchRuleSObjectType><matchingRule>Same_Mail</matchingRule>"
    "</duplicateRuleMatchRules><isActive>true</isActive><operationsOnUpdate>Alert</operationsOnUpdate>",
    "CustomField Account.Main__c": "<lookupFilter><active>true</active>"
    "<errorMessage>Pick another.</errorMessage>"
    "<filterItems><field>Contact.LastName</field><operation>equals</operation><value>Nobody</value>"
    "</filterItems><isOptional>false</isOptional></lookupFilter>",
    "ValidationRule Opportunity.Not_So_Big": "<active>true</active><errorConditionFormula>Amount &gt; 1000000"
    "</errorConditionFormula><errorDisplayField>Amount</errorDisplayField>"
    "<errorMessage>Ask the board first.</errorMessage>",
    "ValidationRule Opportunity.Step_By_Step": "<active>true</active><errorConditionFormula>"
    "AND(ISCHANGED(StageName), ISPICKVAL(StageName, &quot;Closed Won&quot;), ISBLANK(NextStep))"
    "</errorConditionFormula><errorMessage>What comes next?</errorMessage>",
}
"""What the org was told to ask of rows, by type and full name."""
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
USERS = {
    "narrow": "Minimum Access - Salesforce",
    "outside": "Minimum Access - Salesforce",
    "reader": "Minimum Access - Salesforce",
    "inactive": "Standard User",
    "frozen": "Standard User",
}
"""By permission sets `reader` may use the API and read accounts, `narrow` may use the API alone."""


def _fields() -> list[Field]:
    return [
        Field(name=name, label=name.removesuffix("__c"), custom=True, **more) for name, more in MORE.items()
    ]


def make_desk() -> Desk:
    org = EmulatedOrg(clock=Clock.fixed(tick_ms=1000), name="strictness")
    org.additions.add_fields("Account", _fields())
    rows = {
        "account": org.has("Account", Name="Acme", Key__c="K1", Other__c="O1", Industry="Media"),
        "twin": org.has("Account", Name="Twin", Key__c="K2", Other__c="O1"),
        "gone": org.has("Account", Name="Gone"),
        "contact": org.has("Contact", LastName="Doe", Email="doe@acme.example"),
        "opportunity": org.has("Opportunity", Name="Big", StageName="Prospecting", CloseDate="2031-01-01"),
        "lead": org.has("Lead", LastName="Lee", Company="Lee", Email="lee@acme.example"),
        "other_lead": org.has("Lead", LastName="Low", Company="Low"),
        "kase": org.has("Case", Subject="S"),
        "set": org.has("PermissionSet", Name="Sellers", Label="Sellers"),
        "spare_set": org.has("PermissionSet", Name="Spare", Label="Spare"),
        "group": org.has("Group", Name="All", DeveloperName="AllOfUs", Type="Regular"),
        "queue": org.has("Group", Name="Queue", DeveloperName="Tier_1", Type="Queue"),
        "admin": org.admin_id,
        "org": org.org_id,
        "nobody": "001Hu0000099999AAA",
    }
    for name, profile in USERS.items():
        rows[name] = _user(org, name, profile)
    (standard,) = org.rows("Profile", Name="Standard User")
    rows["profile"] = standard["Id"]
    api = org.has("PermissionSet", Name="Api", Label="Api", PermissionsApiEnabled=True)
    for name in ("narrow", "reader"):
        org.has("PermissionSetAssignment", AssigneeId=rows[name], PermissionSetId=api)
    reading = {"ParentId": rows["set"], "SobjectType": "Account", "PermissionsRead": True}
    rows["rights"] = org.has("ObjectPermissions", **reading)
    rows["assignment"] = org.has(
        "PermissionSetAssignment", AssigneeId=rows["reader"], PermissionSetId=rows["set"]
    )
    rows["member"] = org.has("GroupMember", GroupId=rows["group"], UserOrGroupId=rows["reader"])
    for name, inside in COMPONENTS.items():
        kind, _, full_name = name.partition(" ")
        org.components.put(kind, full_name, f'<{kind} xmlns="{NAMESPACE}">{inside}</{kind}>'.encode())
    rows["editor"] = _user(org, "editor", "Marketing User")
    rows["locked"] = org.has("Account", Name="Locked", OwnerId=rows["editor"])
    locks.lock(org, [rows["locked"]])
    rows["license"] = standard["UserLicenseId"]
    rows["admin_login"] = org.rows("UserLogin", UserId=org.admin_id)[0]["Id"]
    rows |= {"client": org.client_id, "secret": org.client_secret}
    tokens = {"admin": sessions.open_session(org, org.admin_id)}
    tokens |= {name: sessions.open_session(org, rows[name]) for name in (*USERS, "editor")}
    tokens["garbage"] = f"{org.org_id[:15]}!AQnonsense"
    with org.transaction() as tx:
        tx.delete("Account", rows["gone"])
    with org.transaction() as tx:
        tx.update("User", rows["inactive"], {"IsActive": False})
    (login,) = org.rows("UserLogin", UserId=rows["frozen"])
    with org.transaction() as tx:
        tx.update("UserLogin", login["Id"], {"IsFrozen": True})
    desk = Desk(org, tokens, rows)
    desk.send(
        {"ask": "GET /tooling/query?q=SELECT+Id+FROM+CustomField"}
    )  # the fields' components are made by the first
    return desk


def _user(org: EmulatedOrg, name: str, profile: str) -> str:
    (found,) = org.rows("Profile", Name=profile)
    return org.has(
        "User",
        Username=f"{name}@acme.example",
        LastName=name.title(),
        Email=f"{name}@acme.example",
        Alias=name[:8],
        ProfileId=found["Id"],
        TimeZoneSidKey="America/Los_Angeles",
        LocaleSidKey="en_US",
        LanguageLocaleKey="en_US",
        EmailEncodingKey="UTF-8",
    )
