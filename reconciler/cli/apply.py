"""`reconcile apply`: run a reviewed plan by id or file, or plan, ask and run."""

from collections.abc import Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import (
    auto_approve_option,
    excludes_option,
    json_option,
    lock_option,
    org_option,
    parallelism_option,
    targets_option,
    variables_options,
)

if TYPE_CHECKING:
    from reconciler.model.plan import Plan

    from .wiring import Project


@click.command("apply")
@click.argument("what", nargs=-1, metavar="[PLAN_ID|FILE|STATES...]")
@org_option
@variables_options
@targets_option
@excludes_option
@click.option("--expect-digest", metavar="DIGEST", help="Refuse a plan with another digest.")
@auto_approve_option
@click.option(
    "--on-failure",
    type=click.Choice(["go-on", "stop", "revert"]),
    default="go-on",
    help="After a refused step: go on with what does not stand on it, stop, or take everything back.",
)
@lock_option
@parallelism_option
@json_option
def command(
    what: Sequence[str],
    org_name: str | None,
    assigned: tuple[str, ...],
    var_files: Sequence[Path],
    targets: Sequence[str],
    excludes: Sequence[str],
    expect_digest: str | None,
    auto_approve: Set[str] | None,
    on_failure: str,
    wait_seconds: float,
    parallelism: int | None,
    as_json: bool,
) -> int:
    """Run a plan that was reviewed, or plan STATES, show the plan and ask.

    A plan named by its id or file asks nothing: it was reviewed. Only 'yes' starts a fresh one.

    \b
    Examples:
        reconcile apply 2031-05-04-uat-1f3ak
        reconcile apply states/quickstart.yaml --org demo
    """
    from .plan import make
    from .running import run_plan, secrets_of
    from .wiring import Project, open_world, plan_or_file

    project = Project.here()
    named = plan_or_file(project, what[0]) if len(what) == 1 else None
    if named is not None:
        plan, record = named
        plain = [each for each in assigned if each.partition("=")[0] not in plan.secrets]
        _refuse_choosing(plan, targets=targets, excludes=excludes, var_files=var_files, vars=plain)
        _expect(plan, expect_digest)
        if record is None:  # kept here too: a plan from a file is single-use and can be taken back
            project.journal.save_plan(plan)
        org = project.org(org_name or plan.org_name)
        world = open_world(project, org, secrets_of(project, plan, assigned), parallelism=parallelism)
    else:
        plan, world = make(
            project,
            [Path(each) for each in what],
            org_name,
            assigned=assigned,
            var_files=var_files,
            targets=targets,
            excludes=excludes,
            parallelism=parallelism,
        )
        _expect(plan, expect_digest)
        _refuse_unreviewed(project, plan, expect_digest)
        if not agreed(plan, auto_approve, as_json=as_json):
            return 0
    return run_plan(
        project, plan, world, verb="apply", wait_seconds=wait_seconds, as_json=as_json, on_failure=on_failure
    )


def _refuse_choosing(plan: "Plan", **given: Sequence[object]) -> None:
    """A reviewed plan is applied whole: what would have changed it came too late; it takes secrets alone.

    Raises `PlanRefused`.
    """
    from reconciler.model.errors import PlanRefused, Problem

    late = [f"--{name.rstrip('s').replace('_', '-')}" for name, values in given.items() if values]
    if late:
        raise PlanRefused(
            Problem(
                f"plan {plan.plan_id} is applied as it was reviewed, {', '.join(late)} cannot change it",
                mend=f"plan again with {' and '.join(late)}, nothing was applied",
            )
        )


def _expect(plan: "Plan", digest: str | None) -> None:
    from reconciler.model.errors import PlanRefused, Problem

    if digest is not None and digest not in (plan.digest, plan.digest.removeprefix("sha256:")):
        raise PlanRefused(
            Problem(
                f"plan {plan.plan_id} has digest {plan.digest}, expected was {digest}",
                mend="it is not the plan that was reviewed: review this one, nothing was applied",
            )
        )


def _refuse_unreviewed(project: "Project", plan: "Plan", digest: str | None) -> None:
    """A protected org takes only plans that were made before and named by id, file or digest."""
    from reconciler.model.errors import PlanRefused, Problem

    if plan.steps and project.org(plan.org_name).protect and digest is None:
        raise PlanRefused(
            Problem(
                f"org {plan.org_name} is protected: it takes only a plan that was reviewed",
                mend=f"review it with 'reconcile show {plan.plan_id}', then 'reconcile apply {plan.plan_id}'",
            )
        )


def agreed(plan: "Plan", auto_approve: Set[str] | None, *, as_json: bool) -> bool:
    """Show the plan and ask; an empty one is said and run for what it protects."""
    from reconciler.model.errors import PlanRefused, Problem
    from reconciler.render.machine import dumps, plan_to_json
    from reconciler.render.text import count, render_plan

    from .wiring import confirm

    if as_json:
        click.echo(dumps({**plan_to_json(plan), "type": "plan"}))
    else:
        click.echo(render_plan(plan, heading=f"org '{plan.org_name}': {count(len(plan.steps), 'step')}"))
    if not plan.steps:
        return bool(plan.protects or plan.unprotects)
    if auto_approve is not None:
        actions = {step.action.value for step in plan.steps}
        if actions <= auto_approve:
            return True
        raise PlanRefused(
            Problem(
                f"the plan holds {', '.join(sorted(actions - auto_approve))}, "
                f"approved is only {', '.join(sorted(auto_approve))}",
                mend=f"review it, then 'reconcile apply {plan.plan_id}'",
            )
        )
    question = (
        f"Take {count(len(plan.steps), 'step')} back in {plan.org_name}?"
        if plan.reverts
        else f"Apply {count(len(plan.steps), 'step')} to {plan.org_name}?"
    )
    answer = confirm(question)
    if answer is None:
        raise PlanRefused(
            Problem(
                "nobody is here to agree to the plan; nothing was changed",
                mend=f"review it, then 'reconcile apply {plan.plan_id}'; or add --auto-approve",
            )
        )
    if not answer:
        click.echo("Not applied.", err=as_json)
    return answer
