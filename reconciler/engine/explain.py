"""All that is known about one resource: declared, live, what it stands on, what it has been through."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.model.errors import Problem, SpecError
from reconciler.model.journal import Journal, PlanRecord
from reconciler.model.state import DesiredState, LiveRow, Resource
from reconciler.model.values import HIDDEN, Secret, Value

from .declared import declared_links
from .plan import by_kind, read_live, resolve_all
from .world import World


@dataclass(frozen=True, slots=True)
class Explanation:
    """``changes``: desired values that are not live; None where the row is not in the org."""

    resource: Resource
    live: LiveRow | None
    changes: Mapping[str, Value] | None
    stands_on: Sequence[str]
    carries: Sequence[str]
    protected_by: str | None
    plans: Sequence[PlanRecord]


def explain(address: str, desired: DesiredState, world: World, journal: Journal) -> Explanation:
    """Costs the describes that are not cached and one read. Raises `SpecError` for an unknown address."""
    resources = list(desired.resources)
    resource = next((each for each in resources if each.key.address == address), None)
    if resource is None:
        near = difflib.get_close_matches(address, [each.key.address for each in resources], 1, 0.5)
        raise SpecError(
            Problem(
                f"no resource is called '{address}'",
                mend=f"did you mean '{near[0]}'?" if near else "'reconcile graph' lists the addresses",
            )
        )
    resolve_all(resources, world)
    links = declared_links(resources)
    found = read_live(by_kind([resource], world), (), world)
    live = found.rows.get(resource.key)
    changes = None if live is None else world.kinds[resource.kind].changes(resource, live)
    return Explanation(
        resource,
        None if live is None else _without_secrets(resource, world.secret_fields.marked(live)),
        changes,
        [parent for child, parent in links if child == address],
        [child for child, parent in links if parent == address],
        journal.protected(world.org.org_id).get(address),
        journal.plans_touching(world.org.org_id, [address]),
    )


def _without_secrets(resource: Resource, live: LiveRow) -> LiveRow:
    """A field that is set from a secret holds one already, which is not shown."""
    hidden = {name: HIDDEN for name, value in resource.fields.items() if isinstance(value, Secret)}
    return replace(live, fields={**live.all_told(), **hidden})
