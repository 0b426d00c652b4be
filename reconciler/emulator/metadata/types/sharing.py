"""Sharing rules as components, and the org-wide default that an object's file sets.

A rule says whom it shares with, how far, and whose rows or which. That these are there, `references` asks.

Source: Metadata API Developer Guide, "SharingRules", "CustomObject". Texts in the manner of other types, not
verified.
"""

from typing import TYPE_CHECKING

from reconciler.emulator.access.sharing_rules import (
    CRITERIA_RULE,
    OWNER_RULE,
    checked_logic,
    criteria_terms,
)
from reconciler.emulator.formula.faults import FormulaError, NotEmulated
from reconciler.emulator.metadata.component_types import ComponentProblem, register
from reconciler.emulator.metadata.types.parts import PartType
from reconciler.emulator.metadata_xml import Tree, text
from reconciler.emulator.schema import SObject

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

LEVELS = ("Read", "Edit")


def _check_rule(org: "EmulatedOrg", sobject: SObject, name: str, tree: Tree) -> None:
    if not text(tree, "label"):
        raise _missing("label")
    level = text(tree, "accessLevel")
    if level not in LEVELS:
        raise ComponentProblem(
            f"Invalid access level: {level}", status_code="INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        )
    _check_given(tree, "sharedTo")


def _missing(element: str) -> ComponentProblem:
    return ComponentProblem(
        f"Required field is missing: {element}", status_code="REQUIRED_FIELD_MISSING", fields=[element]
    )


def _check_given(tree: Tree, element: str) -> None:
    if not tree.get(element):
        raise _missing(element)


def _check_owner_rule(org: "EmulatedOrg", sobject: SObject, name: str, tree: Tree) -> None:
    _check_rule(org, sobject, name, tree)
    _check_given(tree, "sharedFrom")


def _check_criteria_rule(org: "EmulatedOrg", sobject: SObject, name: str, tree: Tree) -> None:
    _check_rule(org, sobject, name, tree)
    try:
        terms = criteria_terms(org, sobject, tree)
        if logic := text(tree, "booleanFilter"):
            checked_logic(logic, len(terms))
    except NotEmulated:
        return
    except FormulaError as error:
        raise ComponentProblem(error.message, status_code="FIELD_INTEGRITY_EXCEPTION") from error


register(PartType(OWNER_RULE, _check_owner_rule))
register(PartType(CRITERIA_RULE, _check_criteria_rule))
