"""Which lines tests covered, as far as it was declared.

Each method of a test class covers what is declared for the class. The aggregate of a class or
trigger is the union of what was covered so far; the org's is the share of all those lines.

Source: Tooling API, "ApexCodeCoverage", "ApexCodeCoverageAggregate", "ApexOrgWideCoverage".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import ids
from ..writes import Transaction
from . import apex, virtual

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from .test_runs import MethodResult

Lines = tuple[set[int], set[int]]
"""Covered and uncovered lines."""


def keep(org: "EmulatedOrg", inner: Transaction, outcomes: "Sequence[MethodResult]") -> None:
    """Note what these methods covered."""
    for each in outcomes:
        if each.outcome == "Skip":
            continue
        for target, lines in _declared(org, each.class_name):
            _put(org, inner, "ApexCodeCoverage", _key(target, each), lines)
    for target in dict.fromkeys(t for each in outcomes for t, _ in _declared(org, each.class_name)):
        _put(org, inner, "ApexCodeCoverageAggregate", {"ApexClassOrTriggerId": target}, _union(org, target))
    _keep_whole(inner)


def _key(target: int, each: "MethodResult") -> dict[str, Any]:
    return {
        "ApexClassOrTriggerId": target,
        "ApexTestClassId": each.class_id,
        "TestMethodName": each.method,
    }


def _declared(org: "EmulatedOrg", test_class: str) -> Iterator[tuple[int, Lines]]:
    told = (apex.class_for(org, test_class) or {}).get("covers") or {}
    for name, lines in told.items():
        for sobject in ("ApexClass", "ApexTrigger"):
            found = org.store.execute(
                f'SELECT "Id" FROM "{sobject}" WHERE "Name" = ?',  # noqa: S608 - names are ours
                (name,),
            )
            if found:
                yield found[0][0], (set(lines.get("covered") or ()), set(lines.get("uncovered") or ()))


def _put(org: "EmulatedOrg", inner: Transaction, sobject: str, key: dict[str, Any], lines: Lines) -> None:
    covered, uncovered = lines[0], lines[1] - lines[0]
    counts = {"NumLinesCovered": len(covered), "NumLinesUncovered": len(uncovered)}
    number = inner.put_row(sobject, key, counts)
    told = {"coveredLines": sorted(covered), "uncoveredLines": sorted(uncovered)}
    virtual.keep(org, number, "Coverage", told)


def _union(org: "EmulatedOrg", target: int) -> Lines:
    covered: set[int] = set()
    uncovered: set[int] = set()
    for (number,) in org.store.execute(
        'SELECT "Id" FROM "ApexCodeCoverage" WHERE "ApexClassOrTriggerId" = ?', (target,)
    ):
        lines = virtual.kept(org, number, "Coverage") or {}
        covered.update(lines.get("coveredLines", ()))
        uncovered.update(lines.get("uncoveredLines", ()))
    return covered, uncovered - covered


def _keep_whole(inner: Transaction) -> None:
    covered, uncovered = inner.store.execute(
        'SELECT ifnull(sum("NumLinesCovered"), 0), ifnull(sum("NumLinesUncovered"), 0) '
        'FROM "ApexCodeCoverageAggregate"'
    )[0]
    whole = covered + uncovered
    known = inner.store.execute('SELECT "Id" FROM "ApexOrgWideCoverage"')
    percent = {"PercentCovered": round(100 * covered / whole) if whole else 0}
    if known:
        inner.set_fields(inner.tables["ApexOrgWideCoverage"], known[0][0], percent)
    else:
        inner.system_insert("ApexOrgWideCoverage", **percent)


def told(org: "EmulatedOrg", test_classes: Sequence[str]) -> list[Mapping[str, Any]]:
    """What was covered, as the reply of a synchronous run tells it."""
    found: list[Mapping[str, Any]] = []
    for target in dict.fromkeys(t for name in test_classes for t, _ in _declared(org, name)):
        covered, uncovered = _union(org, target)
        sobject = "ApexTrigger" if ids.prefix_of(target) == "01q" else "ApexClass"
        name = org.store.execute(f'SELECT "Name" FROM "{sobject}" WHERE "Id" = ?', (target,))[0][0]  # noqa: S608 - names are ours
        found.append(
            {
                "id": ids.to_text(target),
                "locationsNotCovered": [
                    {"column": 0, "line": line, "numExecutions": 0, "time": -1.0}
                    for line in sorted(uncovered)
                ],
                "name": name,
                "namespace": None,
                "numLocations": len(covered) + len(uncovered),
                "numLocationsNotCovered": len(uncovered),
                "type": "Trigger" if sobject == "ApexTrigger" else "Class",
            }
        )
    return found
