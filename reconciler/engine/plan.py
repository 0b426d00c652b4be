"""From desired state to a plan: type, read, diff, check, order. Changes nothing in the org.

Only what differs becomes a step, so the work after the read grows with the changes. A look-up
that neither the org nor the plan can satisfy, an unwritable field, a missing required field are
problems with the line that holds them; all of a run are reported at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.model.errors import Problem, SpecError
from reconciler.model.keys import ResourceKey, matches
from reconciler.model.plan import Action, Plan, Step, Undo
from reconciler.model.promises import Found
from reconciler.model.state import DesiredState, LiveRow, Resource, Scope
from reconciler.model.values import HIDDEN, Ref, Secret, Value

from .ambiguous import placed
from .choosing import only, without
from .impact import count_impact
from .looking import announce_rename
from .order import CycleFound, Drafted, name_deleted_parents, order
from .policy import (
    Damage,
    PlanLimits,
    irreversible_problems,
    limit_problems,
    protection_problems,
    refuse,
)
from .rows_index import RowsIndex, refs_in, rows_of
from .world import World, pump

FORMER = "former key of"
"""How kinds mark the live row of a former key, see `Resource.was`."""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the operator asked of a plan. Patterns are addresses, types, or either with ``*``."""

    targets: Sequence[str] = ()
    excludes: Sequence[str] = ()
    require_reversible: bool = False
    limits: PlanLimits = field(default_factory=PlanLimits)


@dataclass(frozen=True, slots=True)
class PlanHeader:
    """What a plan carries that does not come from the diff: its id and times, made by the caller."""

    plan_id: str
    created_at: str
    expires_at: str


@dataclass(slots=True)
class _Draft:
    """A plan in the making."""

    drafted: list[Drafted] = field(default_factory=list)
    sources: list[Resource | None] = field(default_factory=list)
    deleted: list[tuple[int, LiveRow]] = field(default_factory=list)
    damage: Damage = field(default_factory=Damage)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, each: Drafted, resource: Resource | None) -> int:
        self.drafted.append(each)
        self.sources.append(resource)
        return len(self.drafted) - 1


def make_plan(
    desired: DesiredState,
    world: World,
    header: PlanHeader,
    *,
    protected: Callable[[], Mapping[str, str]],
    options: PlanOptions,
) -> Plan:
    """The steps that bring the org to ``desired``.

    Costs the describes that are not cached and one query per 2,000 keys of a shape, five to a call;
    with changes, one more round for the look-ups they name. ``protected`` is asked only when rows would
    be deleted or the files speak of protection. Raises `SpecError` with all problems,
    `PlanRefused` for budgets and protections.
    """
    world.secret_fields.refresh()
    resources, scopes = select(desired, world, options)
    with placed(resources):
        live = read_live(by_kind(resources, world), scopes, world)
    draft = _Draft()
    _draft_resources(resources, live, draft, world)
    _draft_extras(desired.resources, scopes, live, draft, world, options.excludes)
    _fill_creates(draft, world)
    _read_deleted(draft, world)
    with placed(resources):
        draft.problems.extend(_dangling(draft, world))
    draft.problems.extend(live.problems)
    if draft.problems:
        raise SpecError.of(draft.problems)
    try:
        steps = [describe_ways_back(step, world) for step in order(draft.drafted, world)]
    except CycleFound as cycle:
        raise SpecError(cycle.problem) from cycle
    declared = [resource.key.address for resource in resources if resource.protect]
    speaks = any(resource.protect is not None for resource in resources)
    kept = protected() if steps or speaks else {}
    refuse(
        [
            *draft.damage.problems(),
            *protection_problems(steps, kept, declared),
            *(irreversible_problems(steps) if options.require_reversible else ()),
            *limit_problems(steps, count_impact(steps, world), options.limits),
        ]
    )
    return assemble(steps, desired, header, world, draft.warnings, declared, kept, options)


def assemble(
    steps: Sequence[Step],
    desired: DesiredState,
    header: PlanHeader,
    world: World,
    warnings: Sequence[str],
    declared: Sequence[str],
    protected: Mapping[str, str],
    options: PlanOptions,
) -> Plan:
    """The plan around ordered steps. ``declared`` are the addresses under `$protect`."""
    released = {resource.key.address for resource in desired.resources if resource.protect is False}
    return Plan(
        plan_id=header.plan_id,
        org_id=world.org.org_id,
        org_name=world.org.name,
        steps=steps,
        state_digest=desired.digest,
        created_at=header.created_at,
        expires_at=header.expires_at,
        release=desired.release,
        impact=replace(count_impact(steps, world), calls_left=world.org.calls_left),
        protects=tuple(address for address in declared if address not in protected),
        unprotects=tuple(sorted(released & set(protected))),
        warnings=(*desired.warnings, *warnings),
        partial=bool(options.targets or options.excludes),
        secrets=secret_names(steps),
    )


def secret_names(steps: Sequence[Step]) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                value.name
                for step in steps
                for value in (step.after or {}).values()
                if isinstance(value, Secret)
            }
            - {HIDDEN.name}
        )
    )


def select(desired: DesiredState, world: World, options: PlanOptions) -> tuple[list[Resource], list[Scope]]:
    """The resources that take part, typed.

    What is excluded is not typed, so it may be unknown to the org; what a target stands on is found by
    its look-ups, which are known once they are typed. Raises `SpecError` with all problems.
    """
    resources, scopes = without(desired, options.excludes)
    resolve_all(resources, world)
    return only(options.targets, resources, scopes) if options.targets else (resources, scopes)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def by_kind(resources: Sequence[Resource], world: World) -> dict[str, list[Resource]]:
    """The resources of each kind, in the order of kinds."""
    grouped: dict[str, list[Resource]] = {name: [] for name in world.kinds}
    for resource in resources:
        grouped[resource.kind].append(resource)
    return {name: each for name, each in grouped.items() if each}


def resolve_all(resources: Sequence[Resource], world: World) -> None:
    """Type all fields by the org's describes, fetched together, and tell the look-ups of renamed rows.

    Raises `SpecError` with all problems.
    """
    grouped = by_kind(resources, world)
    names = {name for kind, each in grouped.items() for name in world.kinds[kind].sobjects(each)}
    if names:
        world.org.describe(sorted(names))
    problems = [problem for kind, each in grouped.items() for problem in world.kinds[kind].resolve(each)]
    if problems:
        raise SpecError.of(problems)
    for resource in resources:
        if resource.was is not None:
            announce_rename(resource.sobject, resource.was, resource.identity, world)


def read_live(grouped: Mapping[str, Sequence[Resource]], scopes: Sequence[Scope], world: World) -> Found:
    """What the org holds for all resources and scopes, in as few calls as the API allows."""
    of_kind: dict[str, list[Scope]] = {}
    for scope in scopes:
        of_kind.setdefault(scope.kind, []).append(scope)
    names = list(dict.fromkeys((*grouped, *of_kind)))
    routines = [world.kinds[name].read_live(grouped.get(name, ()), of_kind.get(name, ())) for name in names]
    whole = Found()
    for found in pump(world.org, routines):
        whole.rows.update(found.rows)
        whole.problems.extend(found.problems)
        for owner, rows in found.members.items():
            whole.members.setdefault(owner, []).extend(rows)
    return whole


# ── diffing ──────────────────────────────────────────────────────────────────────────────────────


def _draft_resources(resources: Sequence[Resource], live: Found, draft: _Draft, world: World) -> None:
    renamed = _renamed(resources, live)
    for resource in resources:
        row = live.rows.get(resource.key)
        if resource.was is not None:
            row = _former_or_present(resource, row, live, draft)
        elif row is not None and (other := renamed.get(row.record_id)) is not None:
            if resource.absent:
                continue  # the rename makes its key free
            draft.problems.append(_declared_and_renamed(resource, other))
        if row is not None:
            draft.damage.there(resource.budget)
        kind = world.kinds[resource.kind]
        if resource.absent and (row is None or kind.deletes):
            if row is not None:
                draft.damage.hit(resource.budget)
                _draft_delete(resource, row, "declared absent", draft, world)
            continue
        if row is None:
            _draft_create(resource, draft, world)
            continue
        draft.warnings.extend(kind.remarks(resource, row))
        changed = kind.changes(resource, row)
        if changed:
            draft.damage.hit(resource.budget)
            draft.problems.extend(kind.check(resource, row, changed))
            _draft_update(resource, row, changed, draft, world)


def _renamed(resources: Sequence[Resource], live: Found) -> dict[str, Resource]:
    """Live rows by their ids that are found under a former key, with who renames them."""
    return {
        row.record_id: resource
        for resource in resources
        if resource.was is not None and (row := live.rows.get(_former_key(resource.key))) is not None
    }


def _former_key(key: ResourceKey) -> ResourceKey:
    return ResourceKey(key.type, (FORMER, *key.name))


def _declared_and_renamed(resource: Resource, other: Resource) -> Problem:
    return Problem(
        f"{resource.key.address} is declared and is also the former key of {other.key.address} "
        f"at {other.source}",
        resource.source,
        "take it out, or take out the $was",
    )


def _former_or_present(resource: Resource, row: LiveRow | None, live: Found, draft: _Draft) -> LiveRow | None:
    former = live.rows.get(_former_key(resource.key))
    if former is not None and row is not None and former.record_id != row.record_id:
        draft.problems.append(
            Problem(
                f"{resource.key.address} and its former key are two rows: "
                f"{row.record_id} and {former.record_id}",
                resource.source,
                "take out $was, or merge the rows",
            )
        )
    return row or former


def _draft_create(resource: Resource, draft: _Draft, world: World) -> None:
    fields = {**resource.identity, **resource.on_create, **resource.fields}
    step = Step(
        kind=resource.kind,
        sobject=resource.sobject,
        key=resource.key,
        identity=resource.identity,
        action=Action.CREATE,
        before=None,
        after=fields,
        lane=world.kinds[resource.kind].lane,
        reason="not in the org",
        source=resource.source,
    )
    draft.add(Drafted(step, resource.needs, resource.depends_on), resource)


def _draft_update(
    resource: Resource, row: LiveRow, changed: Mapping[str, Value], draft: _Draft, world: World
) -> None:
    row = world.secret_fields.marked(row)
    before: dict[str, Value] = {}
    for name, value in changed.items():
        if isinstance(value, Secret):
            before[name] = HIDDEN
        else:
            before[name] = row.told(name) if name in row.fields else row.identity.get(name)
    renamed = any(name in resource.identity for name in changed)
    step = Step(
        kind=resource.kind,
        sobject=resource.sobject,
        key=resource.key,
        identity=row.identity if renamed else resource.identity,
        action=Action.UPDATE,
        before=before,
        after=dict(changed),
        lane=world.kinds[resource.kind].lane,
        reason="renamed" if renamed else "differs",
        source=resource.source,
    )
    draft.add(Drafted(step, resource.needs, resource.depends_on), resource)


def _draft_delete(
    resource: Resource | None,
    row: LiveRow,
    reason: str,
    draft: _Draft,
    world: World,
    *,
    scope: Scope | None = None,
) -> None:
    kind_name = resource.kind if resource is not None else scope.kind if scope is not None else ""
    row = _marked(resource, row, world)
    step = Step(
        kind=kind_name,
        sobject=resource.sobject if resource is not None else kind_name,
        key=row.key,
        identity=row.identity,
        action=Action.DELETE,
        before={**row.identity, **row.all_told()},
        after=None,
        lane=world.kinds[kind_name].lane,
        reason=reason,
        source=resource.source if resource is not None else scope.source if scope is not None else None,
    )
    depends_on = resource.depends_on if resource is not None else ()
    number = draft.add(Drafted(step, depends_on=depends_on, record_id=row.record_id), resource)
    draft.deleted.append((number, row))


def _marked(resource: Resource | None, row: LiveRow, world: World) -> LiveRow:
    """The row that goes, with what it holds of secrets by the journal and by the files."""
    declared = {} if resource is None else resource.fields
    secret = frozenset(name for name, value in declared.items() if isinstance(value, Secret))
    return world.secret_fields.marked(replace(row, secret=secret) if secret else row)


def _draft_extras(
    declared: Sequence[Resource],
    scopes: Sequence[Scope],
    live: Found,
    draft: _Draft,
    world: World,
    excludes: Sequence[str],
) -> None:
    """Live members of exact scopes that no file names are removed; what is excluded is left alone."""
    addresses = {resource.key.address.casefold() for resource in declared}
    for scope in scopes:
        rows = live.members.get(scope.owner, [])
        mine = [row for row in rows if _is_member(scope, row)]
        draft.damage.there(scope.budget, len(mine))
        for row in mine:
            address = row.key.address
            if address.casefold() not in addresses and not any(matches(address, each) for each in excludes):
                draft.damage.hit(scope.budget)
                _draft_delete(
                    None, row, f"not listed under exactly at {scope.source}", draft, world, scope=scope
                )


def _is_member(scope: Scope, row: LiveRow) -> bool:
    """Scopes of two kinds may share an owner (a queue's members and its objects)."""
    return next(iter(scope.identity)) in row.identity


def _fill_creates(draft: _Draft, world: World) -> None:
    """Ask the kinds for what the org demands of new rows, then check that nothing is missing."""
    numbers_of: dict[str, list[int]] = {}
    for number, each in enumerate(draft.drafted):
        if each.step.action is Action.CREATE:
            numbers_of.setdefault(each.step.kind, []).append(number)
    routines = []
    for name, numbers in numbers_of.items():
        resources = [resource for number in numbers if (resource := draft.sources[number]) is not None]
        routines.append(world.kinds[name].creation_defaults(resources))
    pump(world.org, routines)
    for numbers in numbers_of.values():
        for number in numbers:
            resource = draft.sources[number]
            each = draft.drafted[number]
            if resource is not None:
                after = {**resource.identity, **resource.on_create, **resource.fields}
                draft.drafted[number] = Drafted(replace(each.step, after=after), each.needs, each.depends_on)
                draft.problems.extend(world.kinds[resource.kind].check(resource, None, resource.fields))


def _read_deleted(draft: _Draft, world: World) -> None:
    """Read deleted rows whole, so that each can be made again; look-ups among them by key."""
    if not draft.deleted:
        return
    groups: dict[tuple[str, str], list[tuple[int, LiveRow]]] = {}
    for number, row in draft.deleted:
        step = draft.drafted[number].step
        groups.setdefault((step.kind, step.sobject), []).append((number, row))
    routines = [
        world.kinds[kind].read_whole([row for _, row in rows], sobject)
        for (kind, sobject), rows in groups.items()
    ]
    befores: dict[int, Mapping[str, Value]] = {}
    for ((_, _), rows), found in zip(groups.items(), pump(world.org, routines), strict=True):
        for number, row in rows:
            whole = found.rows.get(row.key)
            befores[number] = replace(whole, secret=row.secret).all_told() if whole is not None else {}
    for number, drafted in enumerate(draft.drafted):
        if drafted.step.action is Action.UPDATE and drafted.step.before is not None:
            befores[number] = drafted.step.before  # a row that moves away from one that is deleted
    for number, before in name_deleted_parents(befores, draft.drafted).items():
        each = draft.drafted[number]
        draft.drafted[number] = replace(each, step=replace(each.step, before=before))


# ── checking ─────────────────────────────────────────────────────────────────────────────────────


def _dangling(draft: _Draft, world: World) -> list[Problem]:
    """Look-ups of changed rows that neither the org nor this plan can satisfy."""
    wanted: list[tuple[int, str, Ref]] = []
    for number, each in enumerate(draft.drafted):
        if each.step.action is not Action.DELETE:
            for name, ref in {**dict(refs_in(each.step.identity)), **dict(refs_in(each.step.after))}.items():
                wanted.append((number, name, ref))
    if not wanted:
        return []
    made = RowsIndex(
        row
        for number, each in enumerate(draft.drafted)
        if each.step.action is not Action.DELETE
        for row in rows_of(number, each.step, world)
    )
    unmet = [each for each in wanted if made.find(each[2]) is None]
    pump(world.org, [world.lookups.find([ref for _, _, ref in unmet])])
    gone = _gone(draft)
    problems = []
    near = _near([ref for _, _, ref in unmet if world.lookups.id_of(ref) is None], draft, world)
    for number, name, ref in unmet:
        record_id = world.lookups.id_of(ref)
        resource = draft.sources[number]
        where = resource.origin.source_of(name) if resource is not None else None
        if record_id is None:
            problems.append(
                Problem(
                    f"{draft.drafted[number].step.address} names {ref}, which is not in the org nor declared",
                    where,
                    f"did you mean '{near[ref]}'?" if ref in near else "check the spelling, or declare it",
                )
            )
        elif record_id[:15] in gone and draft.drafted[number].step.kind == gone[record_id[:15]].kind:
            problems.append(
                Problem(
                    f"{draft.drafted[number].step.address} names {ref}, which this plan deletes",
                    where,
                    "keep the row, or point elsewhere",
                )
            )
    return problems


def _near(missing: Sequence[Ref], draft: _Draft, world: World) -> Mapping[Ref, str]:
    """What missing rows were probably meant to be called, among those of the org and of the plan."""
    if not missing:
        return {}
    made: dict[str, list[str]] = {}
    for each in draft.drafted:
        if each.step.action is Action.CREATE:
            texts = [value for value in each.step.identity.values() if isinstance(value, str)]
            made.setdefault(each.step.sobject, []).extend(texts)
    [near] = pump(world.org, [world.lookups.near({ref: made.get(ref.sobject, ()) for ref in missing})])
    return near


def _gone(draft: _Draft) -> dict[str, Step]:
    return {each.record_id[:15]: each.step for each in draft.drafted if each.record_id is not None}


def describe_ways_back(step: Step, world: World) -> Step:
    """The step with how it can be undone and what it may set off besides."""
    kind = world.kinds[step.kind]
    back = kind.inverse(step)
    return replace(
        step,
        reversibility=back.reversibility,
        remark=back.remark,
        side_effects=kind.side_effects(step),
        undo=None if back.step is None else _undo(step, back.step),
    )


def _undo(step: Step, back: Step) -> Undo:
    """The inverse in short; what merely mirrors the step is not stored twice."""
    return Undo(back.action, None if back.after == step.before else back.after)
