"""Who uses an object or a field, because what is used cannot be deleted.

Layouts, list views and permissions let go of a field by themselves; formulas, rules, roll-ups, flows
and code do not.

Source: Salesforce Help, "Delete Custom Fields"; the text as seen in public deployments.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.emulator.metadata.component_types import ComponentProblem
from reconciler.emulator.schema import Field, SObject

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
FORMULAS = (("ValidationRule", "Validation Rule"), ("WorkflowRule", "Workflow Rule"), ("Flow", "Flow"))
SOURCES = (("ApexClass", "Apex Class"), ("ApexTrigger", "Apex Trigger"))


def referenced(what: str, kind: str, name: str) -> ComponentProblem:
    """The problem of deleting what something else uses."""
    return ComponentProblem(
        f"This {what} is referenced elsewhere in Salesforce. Remove the usage and try again. : {kind} - "
        f"{name}.",
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


def refuse_used_object(org: "EmulatedOrg", sobject: SObject) -> None:
    """Raises when a field of another object leads to this one."""
    for each in org.schema.children_of(sobject.name):
        owner = org.schema[each.child]
        field = owner.fields[each.field.lower()]
        if field.custom and owner.name != sobject.name:
            raise referenced("custom object", "Custom Field", f"{owner.name}.{field.name}")
    refuse_named_in_code(org, sobject)


def refuse_named_in_code(org: "EmulatedOrg", sobject: SObject) -> None:
    """Raises when a class or a trigger names the object."""
    for label, name in _texts_naming(org, sobject.name, (), SOURCES):
        raise referenced("custom object", label, name)


def refuse_used_field(org: "EmulatedOrg", sobject: SObject, field: Field) -> None:
    """Raises when a formula, a rule, a flow or code names the field."""
    for owner in org.schema:
        for other in owner.fields.values():
            if other is not field and _uses(owner, other, sobject, field):
                raise referenced("custom field", "Custom Field", f"{owner.name}.{other.name}")
    for label, name in _texts_naming(org, field.name, FORMULAS, SOURCES):
        raise referenced("custom field", label, name)


def _uses(owner: SObject, other: Field, sobject: SObject, field: Field) -> bool:
    if other.summary is not None:
        named = {other.summary.get("foreign_key"), other.summary.get("field")}
        return f"{sobject.name}.{field.name}" in named
    if other.formula is None:
        return False
    return owner.name == sobject.name and bool(_word(field.name).search(other.formula))


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)


def _texts_naming(
    org: "EmulatedOrg", name: str, kinds: tuple[tuple[str, str], ...], sources: tuple[tuple[str, str], ...]
) -> Iterator[tuple[str, str]]:
    """Components whose text has a name as a word: what they are called, full name."""
    wanted = _word(name)
    for kind, label in kinds:
        stored = "FlowVersion" if kind == "Flow" else kind
        for full_name in org.components.names(stored):
            content = org.components.xml(stored, full_name) or b""
            if wanted.search(content.decode("utf-8", "replace")):
                yield label, full_name
    for sobject, label in sources:
        for own, body in org.store.execute(
            f'SELECT "Name", "Body" FROM "{sobject}" WHERE "Body" IS NOT NULL'  # noqa: S608 - names are ours
        ):
            if wanted.search(body):
                yield label, own
