"""`reconcile graph`: what stands on what, as a tree, DOT, Mermaid or SVG."""

from collections.abc import Sequence
from pathlib import Path

import click

from .options import org_option, states_argument, targets_option, variables_options


@click.command("graph")
@states_argument
@org_option
@variables_options
@targets_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "dot", "mermaid", "svg"]),
    default="tree",
    show_default=True,
    help="How to draw it.",
)
def command(
    states: Sequence[Path],
    org_name: str | None,
    assigned: Sequence[str],
    var_files: Sequence[Path],
    targets: Sequence[str],
    form: str,
) -> None:
    """Draw the resources of STATES and what they stand on. Changes nothing.

    \b
    Example:
        reconcile graph states/quickstart.yaml --format mermaid
    """
    from reconciler.engine.declared import declared_links
    from reconciler.engine.plan import PlanOptions, select
    from reconciler.render.graph import Picture, render_graph

    from .plan import check_patterns
    from .wiring import Project, open_world, read_states

    project = Project.here()
    org = project.org(org_name)
    desired, secrets = read_states(project, states, org, assigned=assigned, var_files=var_files)
    check_patterns(desired, targets)
    world = open_world(project, org, secrets)
    resources, _ = select(desired, world, PlanOptions(targets))
    nodes = [resource.key.address for resource in resources]
    click.echo(render_graph(Picture(nodes, declared_links(resources)), form))
