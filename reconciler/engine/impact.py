"""What a plan means in numbers: rows per object, who gains and loses which access, API calls."""

from collections.abc import Sequence

from reconciler.model.plan import Action, Impact, Step

from .world import World

READ_CALLS = 2
"""Calls that an apply spends on looking before the first write and after the last."""


def count_impact(steps: Sequence[Step], world: World) -> Impact:
    """Counts over ordered steps; ``calls_to_apply`` is a close estimate, retries left out."""
    rows: dict[str, dict[str, int]] = {}
    gaining: dict[str, dict[str, None]] = {}
    losing: dict[str, dict[str, None]] = {}
    for step in steps:
        counts = rows.setdefault(step.sobject, {})
        counts[step.action.value] = counts.get(step.action.value, 0) + 1
        for change in world.kinds[step.kind].access(step):
            side = gaining if change.gains else losing
            side.setdefault(change.who, {})[change.what] = None
    writes = {step.call for step in steps}
    rereads = {step.call for step in steps if step.action is not Action.CREATE}
    return Impact(
        rows=rows,
        gaining={who: tuple(what) for who, what in gaining.items()},
        losing={who: tuple(what) for who, what in losing.items()},
        calls_to_apply=len(writes) + len(rereads) + READ_CALLS if steps else 0,
        calls_left=None,
    )
