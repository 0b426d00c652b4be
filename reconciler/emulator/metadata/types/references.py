"""What components name that must be there, as a table: an alert its template, a rule its fields.

`REFERENCES` has a row a type: where a name stands, and what kind of thing it is the name of. `check` refuses
a component that names what the org lacks; `naming` finds the components that name a thing, because what is
named cannot be deleted.

The kind is a component type, or one of four words. ``field`` is a custom field, of the component's object or
with its object before it; ``object`` a custom object; ``user`` a user's name. ``@type`` means that an element
beside the name says what kind it is, by `BY_WORD`. Standard objects and fields that are not known are let
through: an org would have them. ``*`` in a path stands for elements of any name at any depth.

Source: Metadata API Developer Guide, "Metadata Types"; texts as seen in public logs of deployments.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.emulator.metadata.component_types import (
    ComponentProblem,
    StoredType,
    Written,
    component_type,
    register,
)
from reconciler.emulator.metadata_xml import Tree, each, text, texts

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

FIELD, OBJECT, USER = "field", "object", "user"
CUSTOM = ("__c", "__mdt", "__e", "__b", "__x", "__kav")
SHARED = tuple(
    (f"{{}}.{element}", kind)
    for kind, elements in {
        "Group": ("group", "groups"),
        "Queue": ("queue",),
        "Role": (
            *("role", "roles", "roleAndSubordinates", "rolesAndSubordinates"),
            "roleAndSubordinatesInternal",
        ),
    }.items()
    for element in elements
)


def _shared(element: str) -> tuple[tuple[str, str], ...]:
    """Whom something is shared with or from."""
    return tuple((path.format(element), kind) for path, kind in SHARED)


_RULE = (
    ("ruleEntry.template", "EmailTemplate"),
    ("ruleEntry.assignedTo", "@assignedToType"),
    ("ruleEntry.criteriaItems.field", FIELD),
    ("ruleEntry.escalationAction.assignedTo", "@assignedToType"),
    ("ruleEntry.escalationAction.assignedToTemplate", "EmailTemplate"),
    ("ruleEntry.escalationAction.notifyToTemplate", "EmailTemplate"),
)
REFERENCES: dict[str, tuple[tuple[str, str], ...]] = {
    "ApexTestSuite": (("testClassName", "ApexClass"),),
    "ApprovalProcess": (
        ("emailTemplate", "EmailTemplate"),
        ("entryCriteria.criteriaItems.field", FIELD),
        ("approvalStep.entryCriteria.criteriaItems.field", FIELD),
        ("initialSubmissionActions.action.name", "@type"),
        ("finalApprovalActions.action.name", "@type"),
        ("finalRejectionActions.action.name", "@type"),
        ("recallActions.action.name", "@type"),
    ),
    "AssignmentRule": _RULE,
    "AutoResponseRule": _RULE,
    "CompactLayout": (("fields", FIELD),),
    "CustomApplication": (("utilityBar", "FlexiPage"),),
    "CustomTab": (
        ("page", "ApexPage"),
        ("flexiPage", "FlexiPage"),
        ("lwcComponent", "LightningComponentBundle"),
        ("auraComponent", "AuraDefinitionBundle"),
    ),
    "Dashboard": (("*.report", "Report"),),
    "DuplicateRule": (("duplicateRuleMatchRules.matchingRule", "MatchingRule"),),
    "EscalationRule": _RULE,
    "FieldSet": (("displayedFields.field", FIELD), ("availableFields.field", FIELD)),
    "FlexiPage": (("sobjectType", OBJECT),),
    "ListView": _shared("sharedTo"),
    "MatchingRule": (("matchingRuleItems.fieldName", FIELD),),
    "NamedCredential": (("namedCredentialParameters.externalCredential", "ExternalCredential"),),
    "PathAssistant": (("pathAssistantSteps.fieldNames", FIELD), ("fieldName", FIELD), ("entityName", OBJECT)),
    "PlatformEventChannelMember": (("selectedEntity", OBJECT),),
    "QuickAction": (
        ("targetObject", OBJECT),
        ("flowDefinition", "Flow"),
        ("lightningComponent", "AuraDefinitionBundle"),
        ("lightningWebComponent", "LightningComponentBundle"),
        ("page", "ApexPage"),
        ("quickActionLayout.quickActionLayoutColumns.quickActionLayoutItems.field", FIELD),
        ("fieldOverrides.field", FIELD),
    ),
    "RecordType": (("businessProcess", "BusinessProcess"), ("compactLayoutAssignment", "CompactLayout")),
    "ReportType": (("baseObject", OBJECT),),
    "SharingCriteriaRule": (*_shared("sharedTo"), ("criteriaItems.field", FIELD)),
    "SharingOwnerRule": (*_shared("sharedTo"), *_shared("sharedFrom")),
    "WebLink": (("page", "ApexPage"),),
    "WorkflowAlert": (
        ("template", "EmailTemplate"),
        ("recipients.recipient", "@type"),
        ("recipients.field", FIELD),
    ),
    "WorkflowFieldUpdate": (("field", FIELD),),
    "WorkflowOutboundMessage": (("fields", FIELD), ("integrationUser", USER)),
    "WorkflowRule": (
        ("criteriaItems.field", FIELD),
        ("actions.name", "@type"),
        ("workflowTimeTriggers.actions.name", "@type"),
    ),
    "WorkflowTask": (("assignedTo", "@assignedToType"),),
}
"""Where a type's components name others, and of what kind these are."""
BY_WORD = {
    "Alert": "WorkflowAlert",
    "FieldUpdate": "WorkflowFieldUpdate",
    "OutboundMessage": "WorkflowOutboundMessage",
    "Queue": "Queue",
    "Task": "WorkflowTask",
    "User": USER,
    "group": "Group",
    "role": "Role",
    "roleSubordinates": "Role",
    "user": USER,
}
OF_THE_OBJECT = frozenset(
    [
        *("BusinessProcess", "CompactLayout", "MatchingRule", "WorkflowAlert", "WorkflowFieldUpdate"),
        *("WorkflowOutboundMessage", "WorkflowTask"),
    ]
)
"""Components that are named without the object that they belong to."""
OBJECT_ELEMENTS = {"QuickAction": "targetObject", "PathAssistant": "entityName"}
"""Where a type says which object its fields are of, when its name does not."""
HOLDER_OBJECT = "matchRuleSObjectType"
"""The element beside a name that says which object it is of."""
ELSEWHERE = {"WorkflowFieldUpdate": "targetObject"}
"""An element that says that the names are of an object which it does not tell."""
THERE: dict[str, tuple[str, ...]] = {
    "CompactLayout": ("SYSTEM",),
    "MatchingRule": ("Standard_",),
    "EmailTemplate": tuple(
        f"unfiled$public/{first}"
        for first in (
            "Commerce",
            "Communities",
            "Contact",
            "Leads",
            "Marketing",
            "Sales",
            "SUPPORT",
            "Support",
        )
    ),
    "Group": ("AllInternalUsers", "AllCustomerPortalUsers"),
}
"""How names begin of what every org has without a component."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One name in a component: the element that it stands in, of what it is the name, and the full name."""

    element: str
    kind: str
    full_name: str


def references(type_name: str, full_name: str, tree: Tree) -> Iterator[Reference]:
    """What a component names, in the order of the table."""
    owner = full_name.partition(".")[0]
    owner = text(tree, OBJECT_ELEMENTS.get(type_name, "")) or owner
    if tree.get(ELSEWHERE.get(type_name, "")):
        return
    for path, word in REFERENCES.get(type_name, ()):
        *way, element = path.split(".")
        for holder in _at(tree, way):
            kind = BY_WORD.get(text(holder, word[1:]) or "") if word.startswith("@") else word
            for name in texts(holder, element) if kind else ():
                if name and kind:
                    about = text(holder, HOLDER_OBJECT) or owner
                    yield Reference(element, kind, _whole(kind, about, name))


def _at(tree: Tree, way: list[str]) -> Iterator[Tree]:
    if not way:
        yield tree
    elif way[0] == "*":
        yield from _at(tree, way[1:])
        for name in tree:
            for below in each(tree, name):
                yield from _at(below, way)
    else:
        for below in each(tree, way[0]):
            yield from _at(below, way[1:])


def _whole(kind: str, owner: str, name: str) -> str:
    if kind in OF_THE_OBJECT or kind == FIELD:
        return name if "." in name else f"{owner}.{name}"
    return name


def absent(org: "EmulatedOrg", type_name: str, full_name: str, tree: Tree) -> Iterator[Reference]:
    """What a component names and nothing in the org has."""
    return (each_one for each_one in references(type_name, full_name, tree) if not _is_there(org, each_one))


def check(org: "EmulatedOrg", type_name: str, full_name: str, tree: Tree) -> None:
    """Raises the `ComponentProblem` of the first name that nothing in the org has."""
    for each_one in absent(org, type_name, full_name, tree):
        raise not_found(each_one)


CALLED = {FIELD: "CustomField", OBJECT: "CustomObject", USER: "User"}


def not_found(reference: Reference) -> ComponentProblem:
    """The problem of naming what is not there."""
    kind = CALLED.get(reference.kind, reference.kind)
    return ComponentProblem(f"In field: {reference.element} - no {kind} named {reference.full_name} found")


def _is_there(org: "EmulatedOrg", reference: Reference) -> bool:
    kind, name = reference.kind, reference.full_name
    if kind == USER:
        return bool(org.store.execute('SELECT 1 FROM "User" WHERE "Username" = ?', (name,)))
    if kind == OBJECT:
        return name in org.schema or not name.endswith(CUSTOM)
    if kind == FIELD:
        return _is_field(org, name)
    own = name.partition(".")[2] if kind in OF_THE_OBJECT else name
    return own.startswith(THERE.get(kind, ())) or component_type(kind).read(org, name) is not None


def _is_field(org: "EmulatedOrg", full_name: str) -> bool:
    owner, _, name = full_name.partition(".")
    if "." in name or not name.endswith(CUSTOM):
        return True  # a way through other objects, or a field that this org may not know
    sobject = org.schema.get("Task" if owner == "Activity" else owner)
    return sobject is None or sobject.field(name) is not None


def naming(org: "EmulatedOrg", kind: str, full_name: str) -> Iterator[tuple[str, str]]:
    """Types and full names of the stored components that name a thing."""
    wanted = full_name.lower()
    for type_name in REFERENCES:
        for name in org.components.names(type_name):
            tree = org.components.tree(type_name, name) or {}
            if any(
                each_one.kind == kind and each_one.full_name.lower() == wanted
                for each_one in references(type_name, name, tree)
            ):
                yield type_name, name


@dataclass(frozen=True, slots=True)
class ReferringType(StoredType):
    """A tree that must name what is there, and else is kept as it came."""

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        check(tx.org, self.name, full_name, tree)
        return StoredType.write(self, tx, full_name, tree)


OWN_MODULES = frozenset(
    [
        *("CompactLayout", "CustomApplication", "CustomTab", "FieldSet", "FlexiPage", "ListView"),
        *("RecordType", "SharingCriteriaRule", "SharingOwnerRule", "WebLink"),
        *("WorkflowAlert", "WorkflowFieldUpdate", "WorkflowRule", "WorkflowTask"),
    ]
)
"""Types of the table that say more of themselves elsewhere, and call `check` there."""
for _name in REFERENCES:
    if _name not in OWN_MODULES:
        register(ReferringType(_name))
