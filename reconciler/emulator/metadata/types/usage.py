"""Who uses an object, a field or code, because what is used cannot be deleted.

Formulas, roll-ups, active validation rules, rules, flows, pages with the field on them and code hold a field;
layouts, list views, field sets and permissions let go of it by themselves (`letting_go`).

Source: Salesforce Help, "Delete Custom Fields"; a public list of what was tried; the text as seen in public
deployments.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from reconciler.emulator.metadata.component_types import ComponentProblem
from reconciler.emulator.metadata.types import flow_references, pages, references
from reconciler.emulator.metadata_xml import Tree, flag, text
from reconciler.emulator.schema import Field, SObject
from reconciler.emulator.tooling import apex_source

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

HANGING = (
    ("ObjectPermissions", "SobjectType"),
    ("FieldPermissions", "SobjectType"),
    ("QueueSobject", "SobjectType"),
    ("RecordType", "SobjectType"),
    ("PermissionSetTabSetting", "Name"),
)
"""Rows that go when an object goes, and the column that has its name."""
PARTS = (
    *("CustomField", "ValidationRule", "ListView", "RecordType", "FieldSet", "CompactLayout", "WebLink"),
    *("BusinessProcess", "SharingReason", "Index", "WorkflowRule", "WorkflowFieldUpdate", "WorkflowAlert"),
)
"""Types of components that are parts of an object."""
HOLDERS = {
    "ApprovalProcess": "Approval Process",
    "AssignmentRule": "Assignment Rule",
    "AutoResponseRule": "Auto-Response Rule",
    "EscalationRule": "Escalation Rule",
    "MatchingRule": "Matching Rule",
    "SharingCriteriaRule": "Sharing Rule",
    "WorkflowAlert": "Email Alert",
    "WorkflowFieldUpdate": "Field Update",
    "WorkflowOutboundMessage": "Outbound Message",
    "WorkflowRule": "Workflow Rule",
}
"""Types of `references` whose components hold what they name, and what they are called."""
SOURCES = (("ApexClass", "Apex Class"), ("ApexTrigger", "Apex Trigger"))
Users = Iterator[tuple[str, str]]
"""What users are called, and their full names."""


def referenced(what: str, kind: str, name: str) -> ComponentProblem:
    """The problem of deleting what something else uses."""
    return _in_use(what, [(kind, name)])


def _in_use(what: str, users: Iterable[tuple[str, str]]) -> ComponentProblem:
    named = ", ".join(f"{kind} - {name}" for kind, name in dict.fromkeys(users))
    return ComponentProblem(
        f"This {what} is referenced elsewhere in Salesforce. Remove the usage and try again. : {named}.",
        status_code="DELETE_FAILED",
    )


def components_of(org: "EmulatedOrg", sobject: str) -> Iterator[tuple[str, str]]:
    """Types and full names of the components that belong to an object."""
    for kind in PARTS:
        for name in org.components.names(kind):
            if name.partition(".")[0].lower() == sobject.lower():
                yield kind, name
    for name in org.components.names("Layout"):
        if name.partition("-")[0].lower() == sobject.lower():
            yield "Layout", name
    for name in org.components.names("CustomTab"):
        if name.lower() == sobject.lower():
            yield "CustomTab", name


# -- objects


def refuse_used_object(org: "EmulatedOrg", sobject: SObject) -> None:
    """Raises when a field of another object leads to this one, or a flow or code works with it."""
    users = [
        ("Custom Field", f"{each.child}.{org.schema[each.child].fields[each.field.lower()].name}")
        for each in org.schema.children_of(sobject.name)
        if org.schema[each.child].fields[each.field.lower()].custom and each.child != sobject.name
    ]
    users += [
        ("Flow", name)
        for name, tree in _trees(org, "FlowVersion")
        if flow_references.names_object(tree, sobject.name)
    ]
    if users := [*users, *_code_naming(org, sobject.name)]:
        raise _in_use("custom object", users)


def refuse_named_in_code(org: "EmulatedOrg", sobject: SObject) -> None:
    """Raises when a class or a trigger names the object."""
    if users := list(_code_naming(org, sobject.name)):
        raise _in_use("custom object", users)


# -- fields


def refuse_used_field(org: "EmulatedOrg", sobject: SObject, field: Field) -> None:
    """Raises when a formula, a rule, a flow, a page or code uses the field."""
    if users := list(_users_of_field(org, sobject, field)):
        raise _in_use("custom field", users)


def _users_of_field(org: "EmulatedOrg", sobject: SObject, field: Field) -> Users:
    for owner in org.schema:
        for other in owner.fields.values():
            if other is not field and _field_uses(org, owner, other, sobject, field):
                yield "Custom Field", f"{owner.name}.{other.name}"
    for name, tree in _trees(org, "ValidationRule"):
        formula = text(tree, "errorConditionFormula")
        if flag(tree, "active") and _formula_uses(org, name.partition(".")[0], formula, sobject, field):
            yield "Validation Rule", name
    for name, tree in _trees(org, "WorkflowRule"):
        if _formula_uses(org, name.partition(".")[0], text(tree, "formula"), sobject, field):
            yield "Workflow Rule", name
    yield from _holding(org, references.FIELD, f"{sobject.name}.{field.name}")
    for name, tree in _trees(org, "FlexiPage"):
        shown = {each.lower() for each in pages.field_names(tree)}
        if (text(tree, "sobjectType") or "").lower() == sobject.name.lower() and field.name.lower() in shown:
            yield "Lightning Page", name
    for name, tree in _trees(org, "FlowVersion"):
        if _flow_uses(org, name, tree, sobject.name, field.name):
            yield "Flow", name
    if not _others_have(org, sobject, field):
        yield from _code_naming(org, field.name)
    else:
        naming_object = set(_code_naming(org, sobject.name))
        yield from (each for each in _code_naming(org, field.name) if each in naming_object)


def _holding(org: "EmulatedOrg", kind: str, full_name: str) -> Users:
    """The components of other types that name a thing and hold it."""
    for type_name, name in references.naming(org, kind, full_name):
        if type_name in HOLDERS:
            yield HOLDERS[type_name], name


def _others_have(org: "EmulatedOrg", sobject: SObject, field: Field) -> bool:
    return any(other is not sobject and other.field(field.name) for other in org.schema)


def _trees(org: "EmulatedOrg", kind: str) -> Iterator[tuple[str, Tree]]:
    for name in org.components.names(kind):
        yield name, org.components.tree(kind, name) or {}


def _flow_uses(org: "EmulatedOrg", name: str, tree: Tree, sobject: str, field: str) -> bool:
    """Whether a flow names the field, or works with the object and has the field in a reference."""
    if flow_references.names_field(tree, sobject, field):
        return True
    source = (org.components.xml("FlowVersion", name) or b"").decode("utf-8", "replace")
    return flow_references.names_object(tree, sobject) and bool(
        re.search(rf"\.{re.escape(field)}(?!\w)", source, re.IGNORECASE)
    )


def _field_uses(org: "EmulatedOrg", owner: SObject, other: Field, sobject: SObject, field: Field) -> bool:
    if other.summary is not None:
        named = {other.summary.get("foreign_key"), other.summary.get("field")}
        return f"{sobject.name}.{field.name}" in named
    return _formula_uses(org, owner.name, other.formula, sobject, field)


def _formula_uses(
    org: "EmulatedOrg", owner: str, formula: str | None, sobject: SObject, field: Field
) -> bool:
    """Whether a formula of ``owner`` reads the field: of its own object, or of one it leads to."""
    if not formula:
        return False
    for found in re.finditer(rf"(?:(\w+)\.)?(?<!\w){re.escape(field.name)}(?!\w)", formula, re.IGNORECASE):
        way = found[1]
        if (way is None and owner.lower() == sobject.name.lower()) or (way and _leads_to(org, way, sobject)):
            return True
    return False


def _leads_to(org: "EmulatedOrg", relationship: str, sobject: SObject) -> bool:
    return any(
        (each.relationship_name or "").lower() == relationship.lower() and sobject.name in each.reference_to
        for owner in org.schema
        for each in owner.fields.values()
        if each.relationship_name
    )


# -- code and what components show


def refuse_named(org: "EmulatedOrg", kind: str, name: str) -> None:
    """Raises when a component, a flow or other code uses a class, a page, a bundle or a mail template."""
    users = [
        (HOLDERS.get(type_name, type_name), each) for type_name, each in references.naming(org, kind, name)
    ]
    if kind == "ApexClass":
        users += [
            ("Flow", each)
            for each, tree in _trees(org, "FlowVersion")
            if flow_references.names_class(tree, name)
        ]
        if name not in org.schema:
            users += [each for each in _code_naming(org, name) if each != ("Apex Class", name)]
    if kind in BUNDLES:
        users += [
            ("Lightning Page", each)
            for each, tree in _trees(org, "FlexiPage")
            if f"{pages.OWN}{name}".lower() in {shown.lower() for shown in pages.component_names(tree)}
        ]
    if users:
        raise _in_use(CALLED[kind], users)


BUNDLES = pages.BUNDLES
CALLED = {
    "ApexClass": "apex class",
    "ApexPage": "visualforce page",
    "ApexTrigger": "apex trigger",
    "AuraDefinitionBundle": "lightning component",
    "EmailTemplate": "email template",
    "LightningComponentBundle": "lightning web component",
}
"""What cannot be deleted while it is used, and what it is called then."""


def _code_naming(org: "EmulatedOrg", name: str) -> Users:
    """Classes and triggers that have a name as a word outside of comments and texts."""
    wanted = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
    for sobject, label in SOURCES:
        for own, body in org.store.execute(
            f'SELECT "Name", "Body" FROM "{sobject}" WHERE "Body" IS NOT NULL'  # noqa: S608 - names are ours
        ):
            if wanted.search(body) and wanted.search(apex_source.plain(body)):
                yield label, own
