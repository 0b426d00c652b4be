"""`reconcile validate`: everything that can be known about states without an org."""

from collections.abc import Sequence
from pathlib import Path

import click

from .options import json_option, org_option, states_argument, variables_options


@click.command("validate")
@states_argument
@org_option
@variables_options
@json_option
def command(
    states: Sequence[Path],
    org_name: str | None,
    assigned: Sequence[str],
    var_files: Sequence[Path],
    as_json: bool,
) -> None:
    """Check STATES offline: syntax, words, types, references, cycles. All problems at once.

    With --org the variables of that org are used; the org itself is not asked.

    \b
    Example:
        reconcile validate states/
    """
    from reconciler.render.machine import FORMAT_VERSION, dumps
    from reconciler.render.text import count

    from .wiring import Project, read_states

    project = Project.here()
    org = project.org(org_name) if org_name else None
    desired, _ = read_states(project, states, org, assigned=assigned, var_files=var_files)
    if as_json:
        content = {
            "type": "validated",
            "files": list(desired.files),
            "resources": len(desired.resources),
            "warnings": list(desired.warnings),
        }
        click.echo(dumps({"format_version": FORMAT_VERSION, **content}))
        return
    for warning in desired.warnings:
        click.echo(click.style(f"warning: {warning}", fg="yellow"))
    click.echo(f"Valid: {count(len(desired.resources), 'resource')} in {count(len(desired.files), 'file')}.")
