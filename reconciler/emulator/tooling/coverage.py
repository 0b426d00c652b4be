"""Which lines tests covered, as far as it was declared.

Each method of a test class covers what is declared for the class. The aggregate of a class or
trigger is the union of what was covered so far; the org's is the share of all those lines.

A deployment that runs tests demands coverage (`demand`): of named tests three quarters of each class and
trigger that is deployed, of all tests three quarters of the org's code and something of each trigger. What
nobody declared the lines of is let through.

Source: Tooling API, "ApexCodeCoverage", "ApexCodeCoverageAggregate", "ApexOrgWideCoverage"; Metadata API
Developer Guide, "Running Tests in a Deployment"; the texts as seen in public logs of deployments.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import ids
from ..writes import Transaction
from . import apex, virtual

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from .test_runs import MethodResult

Lines = tuple[set[int], set[int]]
"""Covered and uncovered lines."""
DEMANDED_PERCENT = 75


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
        found.append(
            {
                "id": ids.to_text(target),
                "locationsNotCovered": [
                    {"column": 0, "line": line, "numExecutions": 0, "time": -1.0}
                    for line in sorted(uncovered)
                ],
                "name": _name(org, target),
                "namespace": None,
                "numLocations": len(covered) + len(uncovered),
                "numLocationsNotCovered": len(uncovered),
                "type": "Trigger" if _is_trigger(target) else "Class",
            }
        )
    return found


def demand(
    org: "EmulatedOrg", test_classes: Sequence[str], selected: Sequence[str] | None
) -> list[dict[str, Any]]:
    """The CodeCoverageWarnings of a deployment whose tests are ``test_classes``; each fails it.

    ``selected`` are the names of the classes and triggers deployed, each of which must be covered; None
    asks for all the org's code together.
    """
    covered = _lines(org, test_classes)
    known = _lines(org, apex.declared(org)["classes"])
    shares = {
        target: (len(covered.get(target, _NO_LINES)[0]), len(inside | outside))
        for target, (inside, outside) in known.items()
        if inside | outside
    }
    if selected is None:
        return [*_of_all(shares), *_of_each(org, {t: s for t, s in shares.items() if _is_trigger(t)}, 1)]
    wanted = {name.lower() for name in selected}
    chosen = {target: share for target, share in shares.items() if _name(org, target).lower() in wanted}
    return list(_of_each(org, chosen, DEMANDED_PERCENT))


_NO_LINES: Lines = (set(), set())


def _lines(org: "EmulatedOrg", test_classes: Iterable[str]) -> dict[int, Lines]:
    """The lines that these tests are declared to cover and to leave, by class or trigger."""
    found: dict[int, Lines] = {}
    for name in test_classes:
        for target, (covered, uncovered) in _declared(org, name):
            before = found.get(target, _NO_LINES)
            found[target] = (before[0] | covered, before[1] | uncovered)
    return found


def _of_all(shares: Mapping[int, tuple[int, int]]) -> Iterator[dict[str, Any]]:
    covered, whole = (sum(each[at] for each in shares.values()) for at in (0, 1))
    if whole and 100 * covered < DEMANDED_PERCENT * whole:
        percent = 100 * covered // whole
        text = (
            f"Average test coverage across all Apex Classes and Triggers is {percent}%, "
            f"at least {DEMANDED_PERCENT}% test coverage is required."
        )
        yield {"id": None, "message": text, "name": None, "namespace": None}


def _of_each(
    org: "EmulatedOrg", shares: Mapping[int, tuple[int, int]], percent: int
) -> Iterator[dict[str, Any]]:
    for target, (covered, whole) in shares.items():
        if 100 * covered >= percent * whole:
            continue
        kind = "Trigger" if _is_trigger(target) else "Class"
        share = f"{100 * covered / whole:.3f}".rstrip("0").rstrip(".")
        yield {
            "id": ids.to_text(target),
            "message": f"Test coverage of selected Apex {kind} is {share}%, "
            f"at least {percent}% test coverage is required",
            "name": _name(org, target),
            "namespace": None,
        }


def _is_trigger(target: int) -> bool:
    return ids.prefix_of(target) == "01q"


def _name(org: "EmulatedOrg", target: int) -> str:
    sobject = "ApexTrigger" if _is_trigger(target) else "ApexClass"
    return str(org.store.execute(f'SELECT "Name" FROM "{sobject}" WHERE "Id" = ?', (target,))[0][0])  # noqa: S608 - names are ours
