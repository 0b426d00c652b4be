"""Comparing steps with what is live: before writing, after a lost answer, and after the last step."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.model.errors import Problem
from reconciler.model.keys import ResourceKey
from reconciler.model.plan import Action, Step
from reconciler.model.state import LiveRow
from reconciler.model.values import HIDDEN, Fields, Ref, Secret, Value, make_ref, to_json

from .world import World, pump


class Presence(StrEnum):
    """Whether a row is there, where a value would stand in a comparison of fields."""

    ABSENT = "absent"
    PRESENT = "present"


ABSENT, PRESENT = Presence.ABSENT, Presence.PRESENT


@dataclass(frozen=True, slots=True)
class Moved:
    """A field that is not as the plan expects it; ``field`` is empty where the row itself came or went."""

    step: Step
    field: str
    planned: Value
    live: Value

    def problem(self) -> Problem:
        if not self.field:
            what = f"{self.step.address} is {self.live}, the plan expects it {self.planned}"
        else:
            what = (
                f"{self.step.address}: {self.field} is {show(self.live)}, "
                f"the plan expects {show(self.planned)}"
            )
        return Problem(what, self.step.source, None)


def show(value: Value) -> str:
    if isinstance(value, str) and not isinstance(value, Presence):
        return f"'{value}'"
    if value == HIDDEN:
        return "a secret"
    return "empty" if value is None else str(value)


def read_rows(steps: Sequence[Step], world: World, refs: Sequence[Ref] = ()) -> dict[ResourceKey, LiveRow]:
    """The live rows that ``steps`` touch, with the fields they touch; ``refs`` are looked up along."""
    by_kind: dict[str, list[Step]] = {}
    for step in steps:
        by_kind.setdefault(step.kind, []).append(step)
    reads = [world.kinds[name].read_again(each) for name, each in by_kind.items()]
    answers = pump(world.org, [*reads, world.lookups.find(refs)])
    return {
        key: world.secret_fields.marked(row)
        for found in answers
        if found is not None
        for key, row in found.rows.items()
    }


def moved_from(step: Step, row: LiveRow | None, expected: Fields | None) -> list[Moved]:
    """How the live ``row`` is not ``expected`` (`before` or `after` of the step)."""
    if expected is None:
        return [] if row is None else [Moved(step, "", ABSENT, PRESENT)]
    if row is None:
        return [Moved(step, "", PRESENT, ABSENT)]
    return [
        Moved(step, name, value, row.told(name))
        for name, value in expected.items()
        if name in row.fields and not alike(row.fields[name], value)
    ]


def alike(live: Value, expected: Value) -> bool:
    """Equal, or a secret, whose live value is not ours to know."""
    if isinstance(expected, Secret):
        return True
    if live == expected and isinstance(live, bool) == isinstance(expected, bool):
        return True
    return _loose(live) == _loose(expected)


def _loose(value: Value) -> object:
    """Salesforce lowers the case of some texts and keeps line ends as they come."""
    if isinstance(value, str):
        return value.replace("\r\n", "\n")
    if value is None or isinstance(value, bool):
        return value
    data = to_json(value)
    return _folded(data)


def _folded(data: object) -> object:
    if isinstance(data, Mapping):
        return {name: _folded(each) for name, each in data.items()}
    return data.casefold() if isinstance(data, str) else data


def is_as_after(step: Step, row: LiveRow | None) -> bool:
    return not moved_from(step, row, step.after)


def is_as_before(step: Step, row: LiveRow | None) -> bool:
    return not moved_from(step, row, step.before if step.action is not Action.CREATE else None)


def announce_renames(steps: Iterable[Step], world: World) -> None:
    """Tell the look-ups of rows that ``steps`` rename: they are found by either key, before and after."""
    for step in steps:
        if step.action is Action.UPDATE:
            announce_rename(step.sobject, step.identity, as_left(step).identity, world)


def announce_rename(sobject: str, former: Fields, now: Fields, world: World) -> None:
    """As `announce_renames`. Rows whose key holds a look-up are named by no other row's look-up."""
    if former != now and not any(isinstance(value, Ref) for value in (*former.values(), *now.values())):
        world.lookups.rename(make_ref(sobject, former), make_ref(sobject, now))


def as_left(step: Step) -> Step:
    """The step with the identity its row has afterwards: a renamed row is found by its new key."""
    after = step.after or {}
    renamed = {name: after.get(name, value) for name, value in step.identity.items()}
    return replace(step, identity=renamed) if renamed != dict(step.identity) else step
