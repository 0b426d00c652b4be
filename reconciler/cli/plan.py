"""`reconcile plan`: what would be done, for review. Changes nothing in the org."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import (
    excludes_option,
    json_option,
    org_option,
    parallelism_option,
    states_argument,
    targets_option,
    variables_options,
)

if TYPE_CHECKING:
    from reconciler.engine.world import World
    from reconciler.model.plan import Plan
    from reconciler.model.state import DesiredState

    from .wiring import Project


def make(
    project: "Project",
    states: Sequence[Path],
    org_name: str | None,
    *,
    assigned: Sequence[str] = (),
    var_files: Sequence[Path] = (),
    targets: Sequence[str] = (),
    excludes: Sequence[str] = (),
    require_reversible: bool = False,
    parallelism: int | None = None,
) -> "tuple[Plan, World]":
    """Read the states, look at the org, and store the plan unless it is empty."""
    from reconciler.engine.plan import PlanOptions, make_plan
    from reconciler.engine.policy import PlanLimits

    from .wiring import new_header, open_world, read_states

    org = project.org(org_name)
    desired, secrets = read_states(project, states, org, assigned=assigned, var_files=var_files)
    check_patterns(desired, (*targets, *excludes))
    world = open_world(project, org, secrets, parallelism=parallelism)
    plan = make_plan(
        desired,
        world,
        new_header(org.name),
        protected=lambda: project.journal.protected(world.org.org_id),
        options=PlanOptions(targets, excludes, require_reversible, PlanLimits(**org.limits.model_dump())),
    )
    if plan.steps or plan.protects or plan.unprotects:
        project.journal.save_plan(plan)
    return plan, world


def check_patterns(desired: "DesiredState", patterns: Sequence[str]) -> None:
    """Refuse a --target or --exclude that finds nothing: a misspelt one would plan too much.

    Raises `SpecError` naming all of them.
    """
    import difflib

    from reconciler.model.errors import Problem, SpecError
    from reconciler.model.keys import matches

    if not patterns:
        return
    addresses = [each.key.address for each in desired.resources]
    addresses += [name for scope in desired.scopes for name in (scope.kind, scope.owner.address)]
    problems = []
    for pattern in patterns:
        if not any(matches(address, pattern) for address in addresses):
            near = difflib.get_close_matches(pattern, addresses, 1)
            mend = f"did you mean '{near[0]}'?" if near else "'reconcile graph' lists the addresses"
            problems.append(Problem(f"no resource is called '{pattern}'", mend=mend))
    if problems:
        raise SpecError(*problems)


@click.command("plan")
@states_argument
@org_option
@variables_options
@targets_option
@excludes_option
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Also write the plan to FILE.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is something to do.")
@click.option("--require-reversible", is_flag=True, help="Refuse a plan with a step that has no way back.")
@parallelism_option
@json_option
def command(
    states: Sequence[Path],
    org_name: str | None,
    assigned: Sequence[str],
    var_files: Sequence[Path],
    targets: Sequence[str],
    excludes: Sequence[str],
    out: Path | None,
    detailed_exitcode: bool,
    require_reversible: bool,
    parallelism: int | None,
    as_json: bool,
) -> int:
    """Show the steps that would bring ORG to STATES. Changes nothing.

    \b
    Example:
        reconcile plan states/quickstart.yaml --org demo
    """
    from reconciler.render.machine import dumps, plan_to_json
    from reconciler.render.text import count, render_plan

    from .plan_files import write_plan_file
    from .wiring import Project

    project = Project.here()
    plan, _ = make(
        project,
        states,
        org_name,
        assigned=assigned,
        var_files=var_files,
        targets=targets,
        excludes=excludes,
        require_reversible=require_reversible,
        parallelism=parallelism,
    )
    if out is not None:
        write_plan_file(plan, out)
    if as_json:
        click.echo(dumps(plan_to_json(plan)))
    else:
        click.echo(render_plan(plan, heading=f"org '{plan.org_name}': {count(len(plan.steps), 'step')}"))
    return 2 if detailed_exitcode and plan.steps else 0
