"""Validation rules: conditions that refuse a row.

Every active rule of the object is evaluated, and all that hold are reported at once, in the order of
their names (Salesforce promises no order). A condition that comes to a blank or an error does not hold.

Source: Salesforce Help, "Validation Rules"; Metadata API Developer Guide, "ValidationRule".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..metadata_xml import BadXml, flag, parse, text
from .compile import Purpose, Run, wrong_result
from .faults import FormulaError
from .kinds import Kind
from .records import Record

if TYPE_CHECKING:
    from ..schema import SObject
    from .engine import FormulaStore


@dataclass(frozen=True, slots=True)
class Rule:
    """``run`` is None for a condition that cannot be computed; ``gap`` says why."""

    name: str
    message: str
    fields: tuple[str, ...]
    run: Run | None
    gap: FormulaError | None = None


class RuleBroken(ApiError):
    """One or more rules hold; ``further`` are those after the first."""

    code = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def read_rule(formulas: "FormulaStore", sobject: "SObject", name: str, xml: bytes) -> Rule | None:
    """The rule of a component; None for one that is not active."""
    try:
        tree = parse(xml)[1]
    except BadXml as error:
        return Rule(name, "", (), None, FormulaError(str(error)))
    if not flag(tree, "active"):
        return None
    shown = sobject.field(text(tree, "errorDisplayField") or "")
    message = text(tree, "errorMessage") or ""
    fields = (shown.name,) if shown else ()
    try:
        run = compile_condition(formulas, sobject, text(tree, "errorConditionFormula") or "")
    except FormulaError as error:
        return Rule(name, message, fields, None, error)
    return Rule(name, message, fields, run)


def compile_condition(formulas: "FormulaStore", sobject: "SObject", written: str) -> Run:
    """Raises `FormulaError`, also for a formula that is no condition."""
    made = formulas.compile(sobject, written, Purpose.RULE)
    if made.kind not in (Kind.BOOLEAN, Kind.NULL):
        raise wrong_result(made, Kind.BOOLEAN)
    return made.run


def check_rules(rules: Sequence[Rule], record: Record) -> None:
    """Raises `RuleBroken` when a rule holds for the row as it is going to be."""
    broken = [RuleBroken(rule.message, fields=rule.fields) for rule in rules if _holds(rule, record)]
    if broken:
        broken[0].further = tuple(broken[1:])
        raise broken[0]


def _holds(rule: Rule, record: Record) -> bool:
    if rule.run is None:
        return False
    try:
        value: Any = rule.run(record)
    except (ArithmeticError, ValueError, RecursionError):
        return False
    return value is True
