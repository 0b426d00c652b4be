"""Lightning pages: the components on them and the fields they show must be there.

Source: Metadata API Developer Guide, "FlexiPage"; texts as seen in public logs of deployments.
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
from reconciler.emulator.metadata.types import references
from reconciler.emulator.metadata_xml import Tree, child, each, text

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

OWN = "c:"
"""What the org's own components are called by, Salesforce's have other prefixes."""
RECORD = "Record."
BUNDLES = ("LightningComponentBundle", "AuraDefinitionBundle")


@dataclass(frozen=True, slots=True)
class FlexiPageType(StoredType):
    name: str = "FlexiPage"

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        references.check(tx.org, self.name, full_name, tree)
        for component in component_names(tree):
            if component.startswith(OWN) and not _has_bundle(tx.org, component.removeprefix(OWN)):
                raise ComponentProblem(
                    f"We couldn't retrieve the design time component information for component {component}.",
                    status_code="FIELD_INTEGRITY_EXCEPTION",
                )
        sobject = tx.org.schema.get(text(tree, "sobjectType") or "")
        for field in field_names(tree):
            if sobject and field.endswith("__c") and sobject.field(field) is None:
                raise ComponentProblem(
                    "Something went wrong. We couldn't retrieve or load the information on the field: "
                    f"{RECORD}{field}.",
                    status_code="FIELD_INTEGRITY_EXCEPTION",
                )
        return StoredType.write(self, tx, full_name, tree)


def _has_bundle(org: "EmulatedOrg", name: str) -> bool:
    return any(component_type(kind).read(org, name) is not None for kind in BUNDLES)


def _items(tree: Tree) -> Iterator[Tree]:
    for region in each(tree, "flexiPageRegions"):
        yield from ({"componentInstance": [item]} for item in each(region, "componentInstances"))
        yield from each(region, "itemInstances")


def component_names(tree: Tree) -> Iterator[str]:
    """The components on a page, as `c:name` and the like."""
    for item in _items(tree):
        if name := text(child(item, "componentInstance"), "componentName"):
            yield name


def field_names(tree: Tree) -> Iterator[str]:
    """The fields of the page's own record that it shows by themselves."""
    for item in _items(tree):
        name = text(child(item, "fieldInstance"), "fieldItem") or ""
        if name.startswith(RECORD):
            yield name.removeprefix(RECORD)


register(FlexiPageType())
