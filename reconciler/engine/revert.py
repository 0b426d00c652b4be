"""Taking a plan back: the inverses of what was done, last first, as a plan of its own.

For every field three values are compared: before the plan, ours, now. Ours still there: undone.
Already as before: nothing to do. Anything else was moved by somebody and is a conflict, which
fails, is skipped or is forced. The result is a plan, so it is shown, fingerprinted, journaled,
resumable and can itself be taken back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler.model.errors import PlanRefused, Problem, RevertConflict, SpecError
from reconciler.model.keys import ResourceKey, matches
from reconciler.model.plan import Action, Inverse, Plan, Step
from reconciler.model.state import LiveRow
from reconciler.model.values import Fields, Secret, Value, digest

from .impact import count_impact
from .life import Lives, Status
from .looking import ABSENT, PRESENT, alike, announce_renames, as_left, read_rows, show
from .order import CycleFound, Drafted, name_deleted_parents, order
from .plan import PlanHeader, describe_ways_back, secret_names
from .policy import protection_problems, refuse
from .world import World, pump


class OnConflict(StrEnum):
    FAIL = "fail"
    SKIP = "skip"
    FORCE = "force"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that is neither ours nor as before; ``field`` is empty where the row itself came or went."""

    step: Step
    field: str
    before: Value
    ours: Value
    now: Value
    moved_at: str | None
    moved_by: str | None

    def problem(self) -> Problem:
        who = f" by {self.moved_by}" if self.moved_by else ""
        when = f" (last changed{who} at {self.moved_at})" if self.moved_at else ""
        name = self.field or "the row"
        return Problem(
            f"{self.step.address}: {name} was {show(self.before)} before, {show(self.ours)} by us, "
            f"is {show(self.now)} now{when}",
            self.step.source,
        )


@dataclass(slots=True)
class _Back:
    """One inverse in the making."""

    number: int
    original: Step
    step: Step
    row: LiveRow | None


@dataclass(slots=True)
class _Making:
    backs: list[_Back] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def make_revert(
    plan: Plan,
    lives: Lives,
    world: World,
    header: PlanHeader,
    *,
    on_conflict: OnConflict,
    targets: Sequence[str],
    protected: Mapping[str, str],
) -> Plan:
    """The plan that takes back what ``plan`` did. Changes nothing.

    Costs one query per 2,000 touched rows and shape. Raises `RevertConflict` (exit 9) with every
    conflict three ways under the policy `fail`, `PlanRefused` for rows under `$protect`.
    """
    world.secret_fields.refresh()
    numbers = [
        number
        for number in lives.numbers(Status.DONE, Status.IN_DOUBT)
        if not targets or any(matches(plan.steps[number].address, each) for each in targets)
    ]
    if targets and not numbers:
        raise SpecError(
            Problem(
                f"plan {plan.plan_id} did nothing to {', '.join(targets)}",
                mend=f"'reconcile show {plan.plan_id}' lists what it did",
            )
        )
    making = _compare(plan, lives, numbers, world, on_conflict)
    making.conflicts = _with_names(making.conflicts, world)
    if making.conflicts and on_conflict is OnConflict.FAIL:
        raise RevertConflict(*_conflict_report(plan, making.conflicts))
    making.warnings += [
        f"left alone: {each.problem().what}" for each in making.conflicts if on_conflict is OnConflict.SKIP
    ]
    making.warnings += [
        f"overwritten: {each.problem().what}" for each in making.conflicts if on_conflict is OnConflict.FORCE
    ]
    steps = _ordered(plan, making, world)
    free = set(plan.protects)
    refuse(protection_problems(steps, protected, (), released=free))
    return Plan(
        plan_id=header.plan_id,
        org_id=plan.org_id,
        org_name=world.org.name,
        steps=steps,
        state_digest=digest({"reverts": plan.plan_id, "digest": plan.digest}),
        created_at=header.created_at,
        expires_at=header.expires_at,
        release=plan.release,
        reverts=plan.plan_id,
        impact=count_impact(steps, world),
        protects=() if targets else plan.unprotects,
        unprotects=() if targets else plan.protects,
        warnings=tuple(making.warnings),
        partial=bool(targets),
        secrets=secret_names(steps),
    )


def refuse_brought_back(plan_id: str, reverted_by: Callable[[str], Sequence[str]]) -> None:
    """Refuse a plan that was taken back and whose taking back was: what it did is another plan's now.

    ``reverted_by`` names the plans that took one back, as far as they ran. Raises `PlanRefused`.
    """
    standing = _brought_back(plan_id, reverted_by)
    if standing:
        made_again = (
            f"plan {plan_id} was taken back, and what it did was made again by plan {', '.join(standing)}"
        )
        commands = ", then ".join(f"'reconcile revert {each}'" for each in reversed(standing))
        raise PlanRefused(Problem(f"{made_again}; nothing was written", mend=f"take that back: {commands}"))


def _brought_back(plan_id: str, reverted_by: Callable[[str], Sequence[str]]) -> list[str]:
    """The reverts of reverts of the plan that stand; several where it was taken back in parts."""
    return [
        standing
        for back in reverted_by(plan_id)
        for forth in reverted_by(back)
        for standing in _brought_back(forth, reverted_by) or [forth]
        if not _taken_back(standing, reverted_by)
    ]


def _taken_back(plan_id: str, reverted_by: Callable[[str], Sequence[str]]) -> bool:
    return any(not _taken_back(back, reverted_by) for back in reverted_by(plan_id))


def _with_names(conflicts: Sequence[Conflict], world: World) -> list[Conflict]:
    """The conflicts with usernames where they hold the ids of users."""
    pump(world.org, [world.lookups.name_ids([each.moved_by for each in conflicts if each.moved_by])])
    return [
        replace(each, moved_by=str(world.lookups.named(each.moved_by, "User").key[0][1]))
        if each.moved_by
        else each
        for each in conflicts
    ]


def _conflict_report(plan: Plan, conflicts: Sequence[Conflict]) -> list[Problem]:
    moved = "1 value was" if len(conflicts) == 1 else f"{len(conflicts)} values were"
    return [
        *(each.problem() for each in conflicts),
        Problem(
            f"{moved} moved since plan {plan.plan_id}; nothing was written",
            mend="take back the rest with --on-conflict=skip, or overwrite with --on-conflict=force",
        ),
    ]


# ── three ways ───────────────────────────────────────────────────────────────────────────────────


def _compare(plan: Plan, lives: Lives, numbers: Sequence[int], world: World, policy: OnConflict) -> _Making:
    making = _Making()
    announce_renames(plan.steps, world)
    originals = [plan.steps[number] for number in numbers]
    inverses = [world.kinds[step.kind].inverse(step) for step in originals]
    looked_at = [as_left(step) for step in originals] + [each.step for each in inverses if each.step]
    rows = read_rows(looked_at, world)
    remade = {step.key for step in originals if step.action is Action.DELETE and step.key not in rows}
    for number, original, back in zip(
        reversed(numbers), reversed(originals), reversed(inverses), strict=True
    ):
        if back.step is None:
            making.warnings.append(f"cannot be taken back: {original.address}: {back.remark}")
            continue
        if back.remark:
            making.warnings.append(f"{original.address}: {back.remark}")
        row = rows.get(original.key)
        if original.key in remade and back.step.action is Action.UPDATE:
            step: Step | None = back.step  # once the row is made again
        else:
            step = _undo(original, back, row, lives.steps[number].record_id, making, policy)
        if step is not None:
            making.backs.append(_Back(number, original, step, row))
    return making


def _undo(
    original: Step,
    back: Inverse,
    row: LiveRow | None,
    made_id: str | None,
    making: _Making,
    policy: OnConflict,
) -> Step | None:
    """The inverse as far as it is still needed; None where nothing is left to undo."""
    step = back.step
    assert step is not None
    if step.action is Action.CREATE:
        return _undo_delete(original, step, row, making, policy)
    if row is None:
        if original.action is Action.CREATE:
            return None  # somebody removed what we made: as before already
        making.conflicts.append(_whole(original, PRESENT, PRESENT, ABSENT, row))
        return None
    if step.action is Action.DELETE:
        return _undo_create(original, step, row, made_id, making, policy)
    return _undo_update(original, step, row, making, policy)


def _undo_delete(
    original: Step, step: Step, row: LiveRow | None, making: _Making, policy: OnConflict
) -> Step | None:
    if row is None:
        return step
    former = {
        name: value
        for name, value in (step.after or {}).items()
        if name in row.fields and not alike(row.fields[name], value)
    }
    if not former:
        return None
    making.conflicts.append(_whole(original, PRESENT, ABSENT, "made anew by somebody, and different", row))
    if policy is not OnConflict.FORCE:
        return None
    return replace(step, action=Action.UPDATE, before=_now(former, row), after=former)


def _undo_create(
    original: Step, step: Step, row: LiveRow, made_id: str | None, making: _Making, policy: OnConflict
) -> Step | None:
    if made_id and row.record_id[:15] != made_id[:15]:
        making.conflicts.append(_whole(original, ABSENT, f"row {made_id}", f"row {row.record_id}", row))
        return replace(step, before=_now(step.before, row)) if policy is OnConflict.FORCE else None
    moved = [
        Conflict(original, name, ABSENT, ours, row.told(name), row.modified, row.modified_by)
        for name, ours in (step.before or {}).items()
        if name in row.fields and not alike(row.fields[name], ours)
    ]
    making.conflicts.extend(moved)
    if moved and policy is not OnConflict.FORCE:
        return None
    return replace(step, before=_now(step.before, row))


def _undo_update(
    original: Step, step: Step, row: LiveRow, making: _Making, policy: OnConflict
) -> Step | None:
    before: dict[str, Value] = {}
    after: dict[str, Value] = {}
    for name, back_to in (step.after or {}).items():
        ours = (step.before or {}).get(name)
        now = row.fields.get(name)
        told = row.told(name) if name in row.fields else None
        if alike(now, back_to):
            continue
        if not alike(now, ours):
            making.conflicts.append(
                Conflict(original, name, back_to, ours, told, row.modified, row.modified_by)
            )
            if policy is not OnConflict.FORCE:
                continue
        before[name], after[name] = ours if isinstance(ours, Secret) else told, back_to
    if not after:
        return None
    return replace(step, before=before, after=after)


def _whole(original: Step, before: Value, ours: Value, now: Value, row: LiveRow | None) -> Conflict:
    return Conflict(
        original,
        "",
        before,
        ours,
        now,
        row.modified if row is not None else None,
        row.modified_by if row is not None else None,
    )


def _now(fields: Fields | None, row: LiveRow) -> dict[str, Value]:
    return {
        name: row.told(name) if name in row.fields and not isinstance(value, Secret) else value
        for name, value in (fields or {}).items()
    }


# ── ordering ─────────────────────────────────────────────────────────────────────────────────────


def _ordered(plan: Plan, making: _Making, world: World) -> list[Step]:
    """The inverses in an order that undoes what stands on a step before the step itself."""
    backs = making.backs
    at = {back.number: place for place, back in enumerate(backs)}
    after: dict[int, list[int]] = {place: [] for place in range(len(backs))}
    for back in backs:
        for need in plan.steps[back.number].needs:
            if need in at:
                after[at[need]].append(at[back.number])
    drafted = [
        Drafted(
            back.step,
            record_id=back.row.record_id if back.step.action is Action.DELETE and back.row else None,
            after=after[place],
        )
        for place, back in enumerate(backs)
    ]
    _read_whole(drafted, backs, world)
    try:
        return [describe_ways_back(step, world) for step in order(drafted, world)]
    except CycleFound as cycle:
        raise SpecError(cycle.problem) from cycle


def _read_whole(drafted: list[Drafted], backs: Sequence[_Back], world: World) -> None:
    """What is deleted is read whole, so that taking back the taking back brings all of it."""
    groups: dict[tuple[str, str], list[int]] = {}
    for place, each in enumerate(drafted):
        if each.step.action is Action.DELETE and backs[place].row is not None:
            groups.setdefault((each.step.kind, each.step.sobject), []).append(place)
    routines = [
        world.kinds[kind].read_whole([row for place in places if (row := backs[place].row)], sobject)
        for (kind, sobject), places in groups.items()
    ]
    unlinked: dict[ResourceKey, dict[str, Value]] = {}
    for each in drafted:  # what a step before the delete has changed by then
        if each.step.action is Action.UPDATE:
            unlinked.setdefault(each.step.key, {}).update(each.step.after or {})
    befores: dict[int, Mapping[str, Value]] = {}
    for places, found in zip(groups.values(), pump(world.org, routines), strict=True):
        for place in places:
            step = drafted[place].step
            whole = found.rows.get(step.key)
            if whole is not None:
                whole = world.secret_fields.marked(whole)
                befores[place] = {**whole.all_told(), **unlinked.get(step.key, {}), **(step.before or {})}
    for place, before in name_deleted_parents(befores, drafted).items():
        each = drafted[place]
        drafted[place] = replace(each, step=replace(each.step, before=before))
