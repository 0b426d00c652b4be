"""The setup audit trail: who changed what of the set-up, as one line a change.

Whoever makes a change on behalf of a user notes it, in the transaction that makes it; component types
do not, their callers do.

Source: Object Reference, "SetupAuditTrail"; actions and texts as seen in public captures, the rest is
in their manner and not verified.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.emulator.writes import Transaction

LONGEST = 255

WORDS: dict[str, tuple[str, str, str]] = {
    "ApexClass": ("ApexClass", "Apex Class", "Apex Class"),
    "ApexComponent": ("ApexComponent", "Component", "Visualforce Component"),
    "ApexPage": ("ApexPage", "Page", "Visualforce Page"),
    "ApexTrigger": ("ApexTrigger", "Apex Trigger", "Apex Trigger"),
    "AssignmentRule": ("AssignmentRule", "Assignment Rules", "assignment rule"),
    "CustomApplication": ("CustomApp", "Custom Apps", "custom app"),
    "CustomField": ("CF", "Custom Objects", "custom field"),
    "CustomLabel": ("CustomLabel", "Custom Labels", "custom label"),
    "CustomMetadata": ("CustomMetadata", "Custom Metadata Types", "custom metadata record"),
    "CustomObject": ("CustEnt", "Custom Objects", "custom object"),
    "CustomPermission": ("CustomPermission", "Custom Permissions", "custom permission"),
    "CustomTab": ("CustTab", "Tabs", "custom tab"),
    "Flow": ("Flow", "Flows", "flow"),
    "FlowDefinition": ("FlowDefinition", "Flows", "flow definition"),
    "Group": ("Group", "Public Groups", "public group"),
    "Layout": ("Layout", "Page Layouts", "page layout"),
    "NamedCredential": ("NamedCredential", "Named Credentials", "named credential"),
    "PermissionSet": ("PermSet", "Manage Users", "permission set"),
    "PermissionSetGroup": ("PermSetGroup", "Manage Users", "permission set group"),
    "Profile": ("Profile", "Manage Users", "profile"),
    "Queue": ("Queue", "Queues", "queue"),
    "RecordType": ("RecordType", "Record Types", "record type"),
    "RemoteSiteSetting": ("RemoteProxy", "Remote Site Settings", "remote site"),
    "Role": ("Role", "Manage Users", "role"),
    "ValidationRule": ("Validation", "Validation Rules", "validation rule"),
    "WorkflowRule": ("WorkflowRule", "Workflow Rule", "workflow rule"),
}
"""By type: what actions end in, the section, what a display calls it."""
VERBS = {"created": "Created", "changed": "Changed", "deleted": "Deleted"}


def audit(tx: "Transaction", action: str, section: str, display: str) -> None:
    """Note one change in the audit trail of the transaction's org, by its user and at its time."""
    tx.system_insert("SetupAuditTrail", Action=action, Section=section, Display=display[:LONGEST])


def audit_component(tx: "Transaction", verb: str, type_name: str, full_name: str) -> None:
    """Note that a component was `created`, `changed` or `deleted`."""
    ending, section, what = WORDS.get(type_name, (type_name, type_name, type_name))
    owner, _, name = full_name.partition(".")
    display = f"{VERBS[verb]} {what} {name} on {owner}" if name else f"{VERBS[verb]} {what} {full_name}"
    audit(tx, f"{verb}{ending}", section, display)
