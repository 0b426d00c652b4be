"""`reconcile revert`: take a plan back by its id, three ways, as a plan of its own."""

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

import click

from .options import (
    auto_approve_option,
    json_option,
    lock_option,
    org_option,
    parallelism_option,
    targets_option,
)

if TYPE_CHECKING:
    from reconciler.model.plan import Plan

    from .wiring import Project


@click.command("revert")
@click.argument("plan_id")
@org_option
@targets_option
@click.option(
    "--on-conflict",
    type=click.Choice(["fail", "skip", "force"]),
    default="fail",
    help="What somebody moved since: fail, leave it alone, or overwrite it.",
)
@click.option("--dry-run", is_flag=True, help="Only show the plan.")
@click.option(
    "--var", "assigned", multiple=True, metavar="NAME=VALUE", help="A secret variable's value. Repeatable."
)
@auto_approve_option
@lock_option
@parallelism_option
@json_option
def command(
    plan_id: str,
    org_name: str | None,
    targets: Sequence[str],
    on_conflict: str,
    dry_run: bool,
    assigned: tuple[str, ...],
    auto_approve: Set[str] | None,
    wait_seconds: float,
    parallelism: int | None,
    as_json: bool,
) -> int:
    """Take back what PLAN_ID did, last step first. Shows the plan and asks.

    What is still ours is undone, what is as before is left, what somebody moved is a conflict.

    \b
    Example:
        reconcile revert 2031-05-04-uat-1f3ak
    """
    from reconciler.engine.apply import Orders, check_plan
    from reconciler.engine.revert import refuse_brought_back

    from .apply import agreed
    from .running import run_plan, secrets_of
    from .way_back import make
    from .wiring import Project, open_world, plan_of_journal

    project = Project.here()
    plan, _ = plan_of_journal(project, plan_id)
    refuse_brought_back(plan.plan_id, lambda each: project.journal.record(each).reverted_by)
    org = project.org(org_name or plan.org_name)
    secrets: dict[str, str] = {}  # filled in once it is known which ones the way back sets
    world = open_world(project, org, secrets, parallelism=parallelism)
    check_plan(plan, world, Orders(verb="resume"))
    if not as_json:
        for line in later_plans(project, plan):
            click.echo(line)
    back = make(project, plan, world, on_conflict=on_conflict, targets=targets, keep=not dry_run)
    if dry_run:
        _show(back, as_json=as_json)
        return 0
    secrets.update(secrets_of(project, back, assigned))
    if not agreed(back, auto_approve, as_json=as_json):
        return 0
    return run_plan(project, back, world, verb="revert", wait_seconds=wait_seconds, as_json=as_json)


def later_plans(project: "Project", plan: "Plan") -> list[str]:
    """Plans applied since that touched the same resources: they are named before anything is asked."""
    addresses = sorted({step.address for step in plan.steps})
    return [
        f"note: plan {record.plan_id} ({record.status.value}) touched some of the same resources since"
        for record in project.journal.plans_touching(plan.org_id, addresses, plan.plan_id)
    ]


def _show(plan: "Plan", *, as_json: bool) -> None:
    from reconciler.render.machine import dumps, plan_to_json
    from reconciler.render.text import count, render_plan

    if as_json:
        click.echo(dumps({**plan_to_json(plan), "type": "plan"}))
    else:
        heading = f"org '{plan.org_name}': {count(len(plan.steps), 'step')} back"
        click.echo(render_plan(plan, heading=heading, runnable=False))
