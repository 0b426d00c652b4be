"""Components that are kept as trees and must refer to what is there: rules, layouts, list views, tabs.

What most of them name is in `references`; the checks of a type of its own are here.

Source: Metadata API Developer Guide; texts as seen in public deployments.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.emulator import ids
from reconciler.emulator.formula.faults import FormulaError, NotEmulated
from reconciler.emulator.metadata.component_types import (
    ComponentProblem,
    Facts,
    StoredType,
    Written,
    register,
)
from reconciler.emulator.metadata.types import references
from reconciler.emulator.metadata.types.row_base import row_facts
from reconciler.emulator.metadata.types.schema_types import unknown_object
from reconciler.emulator.metadata_xml import Tree, each, text, texts
from reconciler.emulator.schema import SObject

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

LONGEST_RULE_NAME, LONGEST_MESSAGE, LONGEST_LABEL = 40, 255, 1000


def missing_field(element: str, sobject: SObject, name: str) -> ComponentProblem:
    return ComponentProblem(f"In field: {element} - no CustomField named {sobject.name}.{name} found")


def is_missing(sobject: SObject, name: str) -> bool:
    """Whether a custom field is named that the object lacks; unknown standard ones are let through."""
    return name.endswith("__c") and "." not in name and sobject.field(name) is None


@dataclass(frozen=True, slots=True)
class PartType(StoredType):
    """A tree that belongs to an object."""

    name: str
    check: Callable[["EmulatedOrg", SObject, str, Tree], None]

    def names(self, org: "EmulatedOrg") -> list[str]:
        return [each_one for each_one in org.components.names(self.name) if self._owner(org, each_one)]

    def _owner(self, org: "EmulatedOrg", full_name: str) -> SObject | None:
        owner = full_name.partition(".")[0]
        return org.schema.get("Task" if owner in ("Activity", "Global") else owner)

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        sobject = self._owner(tx.org, full_name)
        owner, _, name = full_name.partition(".")
        if sobject is None:
            raise unknown_object(owner)
        self.check(tx.org, sobject, name, tree)
        references.check(tx.org, self.name, full_name, tree)
        return StoredType.write(self, tx, full_name, tree)


def _check_rule(org: "EmulatedOrg", sobject: SObject, name: str, tree: Tree) -> None:
    for element in ("errorConditionFormula", "errorMessage"):
        if not text(tree, element):
            raise ComponentProblem(
                f"Required field is missing: {element}",
                status_code="REQUIRED_FIELD_MISSING",
                fields=[element],
            )
    if len(name) > LONGEST_RULE_NAME or len(text(tree, "errorMessage") or "") > LONGEST_MESSAGE:
        element = "fullName" if len(name) > LONGEST_RULE_NAME else "errorMessage"
        most = LONGEST_RULE_NAME if element == "fullName" else LONGEST_MESSAGE
        raise ComponentProblem(
            f"Value too long for field: {element} maximum length is:{most}", status_code="STRING_TOO_LONG"
        )
    shown = text(tree, "errorDisplayField")
    if shown and is_missing(sobject, shown):
        raise missing_field("errorDisplayField", sobject, shown)
    try:
        org.formulas.check_rule(sobject, text(tree, "errorConditionFormula") or "")
    except NotEmulated:
        return
    except FormulaError as error:
        raise ComponentProblem(error.message, status_code="FIELD_INTEGRITY_EXCEPTION") from error


def _check_list_view(org: "EmulatedOrg", sobject: SObject, name: str, tree: Tree) -> None:
    named = [*texts(tree, "columns"), *(text(item, "field") or "" for item in each(tree, "filters"))]
    for field in named:
        if is_missing(sobject, field):
            raise ComponentProblem(f"Could not resolve list view column: {field}")


def _check_nothing(org: "EmulatedOrg", sobject: SObject, name: str, tree: Tree) -> None:
    """Only the object must be there."""


@dataclass(frozen=True, slots=True)
class ListViewType(PartType):
    """A tree with a row in ListView, by which the data API knows it."""

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        written = PartType.write(self, tx, full_name, tree)
        owner, _, name = full_name.partition(".")
        known = tx.org.schema.get(owner)
        row = tx.put_row(
            "ListView",
            {"SobjectType": known.name if known else owner, "DeveloperName": name},
            {"Name": text(tree, "label") or name, "IsSoqlCompatible": 1},
        )
        return Written(ids.to_text(row), written.created, written.changed)

    def _row(self, org: "EmulatedOrg", full_name: str) -> int | None:
        owner, _, name = full_name.partition(".")
        found = org.store.execute(
            'SELECT "Id" FROM "ListView" WHERE "SobjectType" = ? AND "DeveloperName" = ?', (owner, name)
        )
        return found[0][0] if found else None

    def delete(self, tx: "Transaction", full_name: str) -> str:
        row = self._row(tx.org, full_name)
        deleted = PartType.delete(self, tx, full_name)
        if row is not None:
            tx.drop_row("ListView", {"Id": row})
        return deleted if row is None else ids.to_text(row)

    def facts(self, org: "EmulatedOrg", full_name: str) -> Facts | None:
        row = self._row(org, full_name)
        if row is None or org.components.xml(self.name, full_name) is None:
            return PartType.facts(self, org, full_name)
        table = org.tables["ListView"]
        values = dict(zip(table.columns, org.store.execute(table.select_sql, (row,))[0], strict=True))
        return row_facts(org, row, values)


@dataclass(frozen=True, slots=True)
class TabType(StoredType):
    """A tab of an object, a page or an address."""

    name: str = "CustomTab"

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        if text(tree, "customObject") == "true" and full_name not in tx.org.schema:
            raise ComponentProblem(f"In field: customObject - no CustomObject named {full_name} found")
        references.check(tx.org, self.name, full_name, tree)
        return StoredType.write(self, tx, full_name, tree)


@dataclass(frozen=True, slots=True)
class LabelType(StoredType):
    """A text with a name."""

    name: str = "CustomLabel"

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        if len(text(tree, "value") or "") > LONGEST_LABEL:
            raise ComponentProblem(
                f"Value too long for field: Value maximum length is:{LONGEST_LABEL}",
                status_code="STRING_TOO_LONG",
                fields=["value"],
            )
        return StoredType.write(self, tx, full_name, tree)


@dataclass(frozen=True, slots=True)
class ApplicationType(StoredType):
    """An application and its tabs."""

    name: str = "CustomApplication"

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        tabs = {each_one.lower() for each_one in tx.org.components.names("CustomTab")}
        for tab in texts(tree, "tabs"):
            known = tab.startswith("standard-") or tab.lower() in tabs
            if not known and tab.endswith("__c") and tab not in tx.org.schema:
                raise ComponentProblem(f"In field: tab - no CustomTab named {tab} found")
        references.check(tx.org, self.name, full_name, tree)
        return StoredType.write(self, tx, full_name, tree)


register(PartType("ValidationRule", _check_rule))
register(ListViewType("ListView", _check_list_view))
for _name in (
    *("CompactLayout", "FieldSet", "WorkflowRule", "WorkflowAlert", "WorkflowFieldUpdate", "WorkflowTask"),
    *("BusinessProcess", "WebLink", "SharingReason"),
):
    register(PartType(_name, _check_nothing))
register(TabType())
register(LabelType())
register(ApplicationType())
