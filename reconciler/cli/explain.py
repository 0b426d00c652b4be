"""`reconcile explain`: all that is known about one resource."""

from collections.abc import Sequence
from pathlib import Path

import click

from .options import json_option, org_option, states_argument, variables_options


@click.command("explain")
@click.argument("address")
@states_argument
@org_option
@variables_options
@json_option
def command(
    address: str,
    states: Sequence[Path],
    org_name: str | None,
    assigned: Sequence[str],
    var_files: Sequence[Path],
    as_json: bool,
) -> None:
    """Tell where ADDRESS is declared, what is live, what it stands on, what would change, who did what.

    \b
    Example:
        reconcile explain Account/ACME states/quickstart.yaml --org demo
    """
    from reconciler.engine.explain import explain
    from reconciler.render.explain import explanation_to_json, render_explanation
    from reconciler.render.machine import dumps

    from .wiring import Project, open_world, read_states

    project = Project.here()
    org = project.org(org_name)
    desired, secrets = read_states(project, states, org, assigned=assigned, var_files=var_files)
    world = open_world(project, org, secrets)
    told = explain(address, desired, world, project.journal)
    click.echo(dumps(explanation_to_json(told)) if as_json else render_explanation(told))
