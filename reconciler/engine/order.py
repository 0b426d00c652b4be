"""The order of steps: what stands on what, cycles in two passes, and steps gathered into API calls.

Edges: a step that names a row made, renamed or activated by another comes after it; a row is deleted after
everything that still names it is gone or points elsewhere; what `$depends_on` and the kinds' own
rules say. A cycle through look-ups that may be empty is broken: the row is made without the look-up
and linked by a later update. Any other cycle is an error that names its path.

Calls hold at most 200 steps of one action on one sObject and one lane, because Salesforce refuses
setup and ordinary objects in one transaction. Gathering is greedy over what is ready, in the order of
lanes, kinds and source lines, so the same steps always come out the same way.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from reconciler.model.errors import Problem
from reconciler.model.keys import ResourceKey, matches
from reconciler.model.plan import Action, Lane, Step
from reconciler.model.promises import MAX_COLLECTION_RECORDS
from reconciler.model.values import Ref, Value, make_ref

from .rows_index import RowsIndex, refs_in, rows_of
from .world import World

Edges = dict[int, dict[int, str]]
"""Step number -> the steps it stands on, each with the field that says so ("" for other reasons)."""


@dataclass(slots=True)
class Drafted:
    """A step before it is ordered, with what it stands on by rules and by `$depends_on`."""

    step: Step
    needs: Sequence[ResourceKey] = ()
    depends_on: Sequence[str] = ()
    record_id: str | None = None
    """The row a delete removes; deletes of rows that name it by id come first."""
    after: Sequence[int] = ()
    """Numbers of drafted steps that must come first, known by the caller (a revert's reversed order)."""


def order(drafted: Sequence[Drafted], world: World) -> list[Step]:
    """The steps in the order of writing, numbered, with their calls. Raises nothing; see `find_cycles`."""
    linked, edges = _break_cycles(list(drafted), world)
    steps = [each.step for each in linked]
    sequence, calls = _gather(steps, edges, world)
    place = {number: at for at, number in enumerate(sequence)}
    return [
        replace(
            steps[number],
            needs=tuple(sorted(place[other] for other in edges.get(number, ()))),
            call=calls[number],
        )
        for number in sequence
    ]


class CycleFound(Exception):
    """Steps that stand on each other, and no look-up among them can wait."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


# ── edges ────────────────────────────────────────────────────────────────────────────────────────


def _edges(drafted: Sequence[Drafted], world: World) -> Edges:
    edges: Edges = defaultdict(dict)
    made, gone = _indexes(drafted, world)
    readied = _readied(drafted, world)
    by_key: dict[ResourceKey, int] = {}
    for number, each in enumerate(drafted):
        if each.step.action is not Action.DELETE:
            by_key.setdefault(each.step.key, number)
    gone_by_id = {
        each.record_id[:15]: number for number, each in enumerate(drafted) if each.record_id is not None
    }
    for number, each in enumerate(drafted):
        step = each.step
        if step.action is not Action.DELETE:
            for name, ref in (*refs_in(step.after), *refs_in(step.identity)):
                other = made.find(ref)
                if other is None and readied is not None:
                    other = readied.find(ref)
                    if other is not None and drafted[other].step.kind == step.kind:
                        continue  # rows of one kind may name each other while they change
                if other is not None and (other != number or step.action is Action.CREATE):
                    edges[number][other] = name  # a row that names itself is a cycle of one
        if step.before is not None:
            for name, ref in refs_in(step.before):
                other = gone_by_id.get(str(ref.key[0][1])) if _by_id(ref) else gone.find(ref)
                if other is not None and other != number:
                    edges[other].setdefault(number, name)
        for key in each.needs:
            if key in by_key and by_key[key] != number:
                edges[number].setdefault(by_key[key], "")
        for other in each.after:
            edges[number].setdefault(other, "")
    _add_same_row(drafted, edges)
    _add_declared(drafted, edges)
    return edges


ON_ONE_ROW = {Action.CREATE: 0, Action.UPDATE: 1, Action.DELETE: 2}
"""A row is made, then changed, then removed."""


def _add_same_row(drafted: Sequence[Drafted], edges: Edges) -> None:
    rows: dict[ResourceKey, list[int]] = {}
    for number, each in enumerate(drafted):
        rows.setdefault(each.step.key, []).append(number)
    for numbers in rows.values():
        for number in numbers:
            for other in numbers:
                if ON_ONE_ROW[drafted[other].step.action] < ON_ONE_ROW[drafted[number].step.action]:
                    edges[number].setdefault(other, "")


def _by_id(ref: Ref) -> bool:
    return bool(ref.key) and ref.key[0][0] == "Id"


def _indexes(drafted: Sequence[Drafted], world: World) -> tuple[RowsIndex, RowsIndex]:
    """Rows that will be made or renamed, and rows that will be deleted."""
    made: list[tuple[int, str, Mapping[str, Value]]] = []
    gone: list[tuple[int, str, Mapping[str, Value]]] = []
    for number, each in enumerate(drafted):
        step = each.step
        if step.action is Action.DELETE:
            gone.extend(rows_of(number, step, world))
        elif step.action is Action.CREATE or any(name in step.identity for name in step.after or {}):
            made.extend(rows_of(number, step, world))
    return RowsIndex(made), RowsIndex(gone)


def _readied(drafted: Sequence[Drafted], world: World) -> RowsIndex | None:
    """Rows that an update makes fit to be named; None where there are none, as in most plans."""
    rows = [
        row
        for number, each in enumerate(drafted)
        if each.step.action is Action.UPDATE and world.kinds[each.step.kind].readies(each.step)
        for row in rows_of(number, each.step, world)
    ]
    return RowsIndex(rows) if rows else None


def _add_declared(drafted: Sequence[Drafted], edges: Edges) -> None:
    patterns = [(number, pattern) for number, each in enumerate(drafted) for pattern in each.depends_on]
    if not patterns:
        return
    addresses = [each.step.address for each in drafted]
    for number, pattern in patterns:
        deleting = drafted[number].step.action is Action.DELETE
        for other, address in enumerate(addresses):
            if other == number or not matches(address, pattern):
                continue
            if deleting and drafted[other].step.action is Action.DELETE:
                edges[other].setdefault(number, "")
            elif not deleting:
                edges[number].setdefault(other, "")


# ── cycles ───────────────────────────────────────────────────────────────────────────────────────


def _break_cycles(drafted: list[Drafted], world: World) -> tuple[list[Drafted], Edges]:
    """Leave look-ups that can wait out of creates on a cycle and link them by later updates."""
    edges = _edges(drafted, world)
    while not _is_ordered(edges):
        import networkx as nx

        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_edges_from((number, other) for number, others in edges.items() for other in others)
        knots = [
            knot
            for knot in nx.strongly_connected_components(graph)
            if len(knot) > 1 or graph.has_edge(*(2 * tuple(knot)))
        ]
        for knot in sorted(knots, key=min):
            cycle = [edge[0] for edge in nx.find_cycle(graph.subgraph(sorted(knot)))]
            _open_cycle(cycle, drafted, edges, world)
    return drafted, edges


def _is_ordered(edges: Edges) -> bool:
    """Whether nothing stands on itself; most plans do not, and are spared the import of a graph library."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError:
        return False
    return True


def _open_cycle(cycle: Sequence[int], drafted: list[Drafted], edges: Edges, world: World) -> None:
    for number, other in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
        field_name = edges[number][other]
        waiting = drafted[number].step
        if not field_name or field_name in waiting.identity:
            continue
        kind = world.kinds[waiting.kind]
        if waiting.action is Action.CREATE and kind.can_wait(waiting.sobject, field_name):
            _link_later(number, other, field_name, drafted, edges)
            return
    for number, other in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
        field_name, naming = edges[number][other], drafted[other].step
        if not field_name or naming.action is not Action.DELETE:
            continue
        if world.kinds[naming.kind].can_wait(naming.sobject, field_name):
            _unlink_first(number, other, field_name, drafted, edges)
        else:
            del edges[number][other]  # the org empties the look-up by itself, or refuses
        return
    raise CycleFound(_describe_cycle(cycle, drafted, edges))


def _link_later(number: int, other: int, field_name: str, drafted: list[Drafted], edges: Edges) -> None:
    each = drafted[number]
    step = each.step
    after = dict(step.after or {})
    value = after.pop(field_name)
    drafted[number] = replace_step(each, replace(step, after=after))
    link = replace(
        step,
        action=Action.UPDATE,
        before={field_name: None},
        after={field_name: value},
        reason=f"links {field_name} once both rows are there",
    )
    drafted.append(Drafted(link))
    del edges[number][other]
    edges[len(drafted) - 1] = {number: "", other: ""}


def replace_step(each: Drafted, step: Step) -> Drafted:
    return Drafted(step, each.needs, each.depends_on, each.record_id, each.after)


def _unlink_first(number: int, other: int, field_name: str, drafted: list[Drafted], edges: Edges) -> None:
    """``other`` names ``number`` and both are deleted: the look-up is emptied before either of them."""
    each = drafted[other]
    step = each.step
    before = dict(step.before or {})
    value = before[field_name]
    drafted[other] = replace(each, step=replace(step, before={**before, field_name: None}))
    unlink = replace(
        step,
        action=Action.UPDATE,
        before={field_name: value},
        after={field_name: None},
        reason=f"empties {field_name}, so that both rows can be removed",
    )
    drafted.append(Drafted(unlink))
    del edges[number][other]
    edges[number][len(drafted) - 1] = ""
    edges[other][len(drafted) - 1] = ""


def _describe_cycle(cycle: Sequence[int], drafted: Sequence[Drafted], edges: Edges) -> Problem:
    parts = []
    for number, other in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
        by = edges[number][other] or "$depends_on"
        parts.append(f"{drafted[number].step.address} needs {drafted[other].step.address} ({by})")
    first = drafted[cycle[0]].step
    return Problem(
        "these stand on each other: " + "; ".join(parts),
        first.source,
        "take one of the look-ups or $depends_on out, or make one of the fields optional in the org",
    )


# ── calls ────────────────────────────────────────────────────────────────────────────────────────


def _phase(step: Step) -> int:
    if step.action is Action.DELETE:
        return 2 if step.lane is Lane.ORDINARY else 3
    return 0 if step.lane is Lane.SETUP else 1


def _gather(steps: Sequence[Step], edges: Edges, world: World) -> tuple[list[int], dict[int, int]]:
    """The order of all steps and the number of the call each goes with."""
    rank = {name: at for at, name in enumerate(world.kinds)}

    def group_of(step: Step) -> tuple[int, int, str, str, str]:
        at = rank[step.kind]
        return (
            _phase(step),
            -at if step.action is Action.DELETE else at,
            step.sobject,
            step.action.value,
            step.kind,
        )

    waiting = {number: set(edges.get(number, ())) for number in range(len(steps))}
    dependants: dict[int, list[int]] = defaultdict(list)
    for number, others in edges.items():
        for other in others:
            dependants[other].append(number)
    groups = [group_of(step) for step in steps]
    left: dict[tuple[int, int, str, str, str], int] = defaultdict(int)
    ready: dict[tuple[int, int, str, str, str], list[int]] = defaultdict(list)
    for number, group in enumerate(groups):
        left[group] += 1
        if not waiting[number]:
            ready[group].append(number)
    sequence: list[int] = []
    calls: dict[int, int] = {}
    call = 0
    while len(sequence) < len(steps):
        candidates = [group for group, numbers in ready.items() if numbers]
        group = min(candidates, key=lambda each: (each[0], len(ready[each]) < left[each], *each[1:]))
        batch = sorted(ready[group])[:MAX_COLLECTION_RECORDS]
        ready[group] = sorted(ready[group])[MAX_COLLECTION_RECORDS:]
        left[group] -= len(batch)
        for number in batch:
            sequence.append(number)
            calls[number] = call
            for dependant in dependants[number]:
                waiting[dependant].discard(number)
                if not waiting[dependant]:
                    ready[groups[dependant]].append(dependant)
        call += 1
    return sequence, calls


def name_deleted_parents(
    befores: Mapping[int, Mapping[str, Value]], drafted: Sequence[Drafted]
) -> dict[int, dict[str, Value]]:
    """Look-ups by id to rows that the same plan deletes, by those rows' keys: ids change when made anew."""
    by_id = {each.record_id[:15]: each.step for each in drafted if each.record_id is not None}
    named: dict[int, dict[str, Value]] = {}
    for number, before in befores.items():
        named[number] = {name: _named(value, by_id) for name, value in before.items()}
    return named


def _named(value: Value, by_id: Mapping[str, Step]) -> Value:
    if type(value) is Ref and _by_id(value):
        step = by_id.get(str(value.key[0][1]))
        if step is not None and not any(isinstance(part, Ref) for part in step.identity.values()):
            return make_ref(step.sobject, dict(step.identity))
    return value
