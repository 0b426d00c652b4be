"""`reconcile resume`: go on with a plan that a dead, stopped or partly failed run left."""

import click

from .options import json_option, lock_option, org_option, parallelism_option


@click.command("resume")
@click.argument("plan_id")
@org_option
@click.option(
    "--var", "assigned", multiple=True, metavar="NAME=VALUE", help="A secret variable's value. Repeatable."
)
@lock_option
@parallelism_option
@json_option
def command(
    plan_id: str,
    org_name: str | None,
    assigned: tuple[str, ...],
    wait_seconds: float,
    parallelism: int | None,
    as_json: bool,
) -> int:
    """Go on with PLAN_ID: settle what is in doubt by looking, then send what is left.

    \b
    Example:
        reconcile resume 2031-05-04-uat-1f3ak
    """
    from .running import run_plan, secrets_of
    from .wiring import Project, open_world, plan_of_journal

    project = Project.here()
    plan, _ = plan_of_journal(project, plan_id)
    org = project.org(org_name or plan.org_name)
    world = open_world(project, org, secrets_of(project, plan, assigned), parallelism=parallelism)
    return run_plan(project, plan, world, verb="resume", wait_seconds=wait_seconds, as_json=as_json)
