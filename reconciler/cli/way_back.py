"""The plan that takes another back: for `revert`, and for an apply that is to be taken back when it fails."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.engine.world import World
    from reconciler.model.plan import Plan

    from .wiring import Project


def make(
    project: "Project",
    plan: "Plan",
    world: "World",
    *,
    on_conflict: str,
    targets: Sequence[str],
    keep: bool = True,
) -> "Plan":
    """The plan that takes ``plan`` back; stored unless it is empty or only looked at."""
    from reconciler.engine.life import Lives
    from reconciler.engine.revert import OnConflict, make_revert

    from .wiring import new_header

    lives = Lives.of(len(plan.steps), project.journal.entries(plan.plan_id))
    back = make_revert(
        plan,
        lives,
        world,
        new_header(world.org.name),
        on_conflict=OnConflict(on_conflict),
        targets=targets,
        protected=project.journal.protected(world.org.org_id),
    )
    if keep and (back.steps or back.unprotects or back.protects):
        project.journal.save_plan(back)
    return back
