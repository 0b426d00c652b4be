"""What a flow names: objects and their fields, Apex actions, other flows.

A flow that is to be active must name what is there; a draft may wait for it. What flows name, active or not,
cannot be deleted.

Source: Metadata API Developer Guide, "Flow"; texts as seen in public logs of deployments, those of objects,
actions and flows not verified.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.emulator.metadata.component_types import ComponentProblem
from reconciler.emulator.metadata_xml import Tree, each, text, texts

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

CUSTOM = ("__c", "__mdt", "__e", "__b", "__x", "__kav")
ON_AN_OBJECT = (
    "recordLookups",
    "recordCreates",
    "recordUpdates",
    "recordDeletes",
    "start",
    "dynamicChoiceSets",
)
"""Elements that work on the object in their `object`."""
FIELDS_IN = ("filters", "inputAssignments", "outputAssignments")
FIELDS_AS = ("queriedFields", "sortField", "displayField", "valueField", "picklistField")
OBJECT, FIELD, APEX, FLOW = "object", "field", "apex", "flow"


@dataclass(frozen=True, slots=True)
class Named:
    """One name in a flow; of a field with its object."""

    kind: str
    name: str
    sobject: str = ""


def named(tree: Tree) -> Iterator[Named]:
    """Everything that a flow names."""
    for element in ON_AN_OBJECT:
        for item in each(tree, element):
            sobject = text(item, "object") or text(item, "picklistObject")
            if sobject:
                yield Named(OBJECT, sobject)
                yield from (Named(FIELD, name, sobject) for name in _fields(item) if name)
    for item in each(tree, "variables"):
        if sobject := text(item, "objectType"):
            yield Named(OBJECT, sobject)
    for item in each(tree, "actionCalls"):
        if text(item, "actionType") == "apex" and (name := text(item, "actionName")):
            yield Named(APEX, name)
    for item in each(tree, "subflows"):
        if name := text(item, "flowName"):
            yield Named(FLOW, name)


def _fields(item: Tree) -> Iterator[str]:
    for element in FIELDS_IN:
        for below in each(item, element):
            yield text(below, "field") or ""
    for element in FIELDS_AS:
        yield from texts(item, element)


def absent(org: "EmulatedOrg", tree: Tree) -> Iterator[Named]:
    """What a flow names and nothing in the org has."""
    return (one for one in named(tree) if _problem(org, one))


def check(org: "EmulatedOrg", tree: Tree) -> None:
    """Raises the `ComponentProblem` of the first name that nothing in the org has."""
    for each_one in named(tree):
        if problem := _problem(org, each_one):
            raise ComponentProblem(
                f"field integrity exception: unknown ({problem})", status_code="FIELD_INTEGRITY_EXCEPTION"
            )


def _problem(org: "EmulatedOrg", one: Named) -> str | None:
    if one.kind == OBJECT:
        if one.name.endswith(CUSTOM) and one.name not in org.schema:
            return f'The object "{one.name}" doesn\'t exist.'
    elif one.kind == FIELD:
        sobject = org.schema.get(one.sobject)
        if sobject and one.name.endswith("__c") and sobject.field(one.name) is None:
            return f'The field "{one.name}" for the object "{one.sobject}" doesn\'t exist.'
    elif one.kind == APEX and not org.store.execute(
        'SELECT 1 FROM "ApexClass" WHERE "Name" = ?', (one.name,)
    ):
        return "We can't find an action with the name and action type that you specified."
    return None


def names_field(tree: Tree, sobject: str, field: str) -> bool:
    """Whether a flow filters by a field, reads it or sets it."""
    wanted = field.lower()
    return any(
        one.kind == FIELD and one.name.lower() == wanted and one.sobject.lower() == sobject.lower()
        for one in named(tree)
    )


def names_object(tree: Tree, sobject: str) -> bool:
    return any(one.kind == OBJECT and one.name.lower() == sobject.lower() for one in named(tree))


def names_class(tree: Tree, name: str) -> bool:
    return any(one.kind == APEX and one.name.lower() == name.lower() for one in named(tree))
