"""What components may be called: letters, digits and single underscores, after a namespace if there is one.

Source: Metadata API Developer Guide, "Metadata"; the text as of rows with such names; what stands for the
name in it not verified.
"""

import re

from reconciler.emulator.metadata.component_types import ComponentProblem

NAME = re.compile(r"(?:[A-Za-z][A-Za-z0-9]{0,14}__)?[A-Za-z](?:_?[A-Za-z0-9])*\Z")
LABELS: dict[str, str] = {
    "CspTrustedSite": "Trusted Site Name",
    "CustomApplication": "Developer Name",
    "CustomLabel": "Name",
    "CustomNotificationType": "API Name",
    "CustomPermission": "Name",
    "ExternalCredential": "Name",
    "FlexiPage": "Developer Name",
    "Flow": "Flow API Name",
    "GlobalValueSet": "Name",
    "Group": "Group Name",
    "MutingPermissionSet": "Name",
    "NamedCredential": "Name",
    "PermissionSet": "Permission Set Name",
    "PermissionSetGroup": "API Name",
    "Queue": "Queue Name",
    "RemoteSiteSetting": "Remote Site Name",
    "Role": "Role Name",
    "StaticResource": "Name",
    "ValidationRule": "Rule Name",
    "WebLink": "Name",
    "WorkflowAlert": "Unique Name",
    "WorkflowFieldUpdate": "Unique Name",
}
"""Types whose components have developer names, and what the name is called."""


def check(type_name: str, full_name: str) -> None:
    """Raises the `ComponentProblem` of a name that no component of the type can have."""
    label = LABELS.get(type_name)
    own = full_name.rpartition("-")[0] if type_name == "Flow" and "-" in full_name else full_name
    if label and not NAME.fullmatch(own.partition(".")[2] or own):
        raise ComponentProblem(
            f"The {label} can only contain underscores and alphanumeric characters. It must be unique, begin "
            "with a letter, not include spaces, not end with an underscore, and not contain two consecutive "
            "underscores.",
            status_code="FIELD_INTEGRITY_EXCEPTION",
            fields=["fullName"],
        )
