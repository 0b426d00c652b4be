"""Sharing rules as conditions: which rows a rule shares, with whom, and how far.

A rule means the rows that somebody owns, or those whose fields fulfil its criteria, and shares them with a
group: a public one, or that of a role. A rule whose criteria are not emulated shares nothing; `unread` names
those. What follows from groups and roles is worked out once and holds while no rule, group, role or field
changes.

Source: Metadata API Developer Guide, "SharingRules".
"""

# ruff: noqa: S608 - names are ours, values are bound

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from ..metadata_xml import Tree, child, each, text
from .governed import Level
from .reach import owners_in

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from ..schema import SObject

Bind = Callable[[Any], str]
OWNER_RULE, CRITERIA_RULE = "SharingOwnerRule", "SharingCriteriaRule"
PARTIES: Final = {
    "allInternalUsers": ("Organization",),
    "group": ("Regular",),
    "queue": ("Queue",),
    "role": ("Role",),
    "roleAndSubordinates": ("RoleAndSubordinates",),
    "roleAndSubordinatesInternal": ("RoleAndSubordinatesInternal", "RoleAndSubordinates"),
}
"""Elements of `sharedTo` and `sharedFrom`, and the types of the groups that they name."""
EVERYBODY: Final = "allInternalUsers"
RELATED: Final = {
    "Case": "caseAccessLevel",
    "Contact": "contactAccessLevel",
    "Opportunity": "opportunityAccessLevel",
}
"""What a rule of accounts says of the rows below them."""


ROW: Final = "{row}"
"""Stands for the alias of a row in the terms of a rule."""
LEVELS: Final = {"Read": Level.READ, "Edit": Level.EDIT, "All": Level.WHOLE}


@dataclass(frozen=True, slots=True)
class SharingRule:
    """One rule, ready to be asked."""

    sobject: str
    name: str
    group: int
    level: Level
    related: Mapping[str, Level] = field(default_factory=dict)
    owners: tuple[int, ...] | None = None
    """Whose rows it shares; None where criteria say which."""
    terms: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    logic: str = ""

    def sql(self, alias: str, bind: Bind) -> str:
        """The condition that a row under an alias is shared by the rule."""
        if self.owners is not None:
            listed = bind(json.dumps(self.owners))
            return f'{alias}."OwnerId" IN (SELECT value FROM json_each({listed}))'
        made = [_bound(sql.replace(ROW, alias), values, bind) for sql, values in self.terms]
        return re.sub(r"\d+", lambda found: made[int(found[0]) - 1], self.logic) if made else "0"


def _bound(sql: str, values: tuple[Any, ...], bind: Bind) -> str:
    left = iter(values)
    return re.sub(r"\?", lambda _: bind(next(left)), sql)


def read_rules(org: "EmulatedOrg") -> dict[str, list[SharingRule]]:
    """The rules of an org by object. Costs a look at each."""
    found: dict[str, list[SharingRule]] = {}
    for rule in _each_rule(org, []):
        found.setdefault(rule.sobject, []).append(rule)
    return found


def unread(org: "EmulatedOrg") -> list[str]:
    """A line for each rule that shares nothing, and why."""
    problems: list[str] = []
    for _ in _each_rule(org, problems):
        pass
    return problems


def _each_rule(org: "EmulatedOrg", problems: list[str]) -> Iterator[SharingRule]:
    from ..formula.faults import FormulaError

    for kind in (OWNER_RULE, CRITERIA_RULE):
        for full_name in org.components.names(kind):
            owner, _, name = full_name.partition(".")
            sobject, tree = org.schema.get(owner), org.components.tree(kind, full_name)
            if sobject is None or tree is None:
                continue
            group = find_party(org, child(tree, "sharedTo"))
            level = LEVELS.get(text(tree, "accessLevel") or "Read", Level.READ)
            if group is None:
                problems.append(f"{kind} {full_name}: whom it shares with is not emulated")
                continue
            told = child(tree, "accountSettings")
            related = {
                below: LEVELS[word]
                for below, element in RELATED.items()
                if (word := text(told, element)) in LEVELS
            }
            rule = SharingRule(sobject.name, name, group, level, related)
            try:
                yield _owned(org, rule, tree) if kind == OWNER_RULE else _chosen(org, rule, sobject, tree)
            except FormulaError as error:
                problems.append(f"{kind} {full_name}: {error.message}")


def _owned(org: "EmulatedOrg", rule: SharingRule, tree: Tree) -> SharingRule:
    source = child(tree, "sharedFrom")
    if EVERYBODY in source:
        people = org.store.execute('SELECT "Id" FROM "User"')
        return replace(rule, owners=tuple(row[0] for row in people))
    group = find_party(org, source)
    return replace(rule, owners=() if group is None else tuple(owners_in(org.store, group)))


def _chosen(org: "EmulatedOrg", rule: SharingRule, sobject: "SObject", tree: Tree) -> SharingRule:
    terms = criteria_terms(org, sobject, tree)
    logic = text(tree, "booleanFilter") or " AND ".join(str(at) for at in range(1, len(terms) + 1))
    return replace(rule, terms=terms, logic=f"({checked_logic(logic, len(terms))})" if terms else "")


def criteria_terms(
    org: "EmulatedOrg", sobject: "SObject", tree: Tree
) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """The criteria of a rule in their order. Raises `FormulaError`, or `NotEmulated`."""
    from ..formula.rollups import filter_terms

    items = [
        [text(item, part) or "" for part in ("field", "operation", "value")]
        for item in each(tree, "criteriaItems")
    ]
    made = filter_terms(sobject, org.tables, items, ROW)
    return tuple((sql, tuple(values)) for sql, values in made)


def checked_logic(logic: str, terms: int) -> str:
    """Filter logic such as `1 AND (2 OR 3)`. Raises `FormulaError` for anything else."""
    from ..formula.faults import FormulaError

    words = re.findall(r"\d+|\(|\)|[A-Za-z]+|\S", logic)
    shape = " ".join("T" if word.isdigit() and 1 <= int(word) <= terms else word.upper() for word in words)
    before = ""
    while shape != before:
        before, shape = shape, PART_OF_LOGIC.sub("T", shape)
    if shape != "T":
        raise FormulaError(f"The filter logic {logic} cannot be read")
    return " ".join(words)


PART_OF_LOGIC: Final = re.compile(r"\( T \)|NOT T|T (?:AND|OR) T")


def find_party(org: "EmulatedOrg", told: Tree) -> int | None:
    """The group that `sharedTo` or `sharedFrom` names; None where it is not there, or of another kind."""
    for element, kinds in PARTIES.items():
        for name in told.get(element, ()):
            for kind in kinds:
                where, params = ('"Type" = ?', [kind])
                if element != EVERYBODY:
                    where, params = where + ' AND "DeveloperName" = ?', [kind, name]
                found = org.store.execute(f'SELECT "Id" FROM "Group" WHERE {where}', params)
                if found:
                    return int(found[0][0])
    return None
