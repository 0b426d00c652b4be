"""`reconcile history`: the plans of this journal."""

import click

from .options import json_option, org_option


@click.command("history")
@org_option
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many plans.")
@json_option
def command(org_name: str | None, limit: int, as_json: bool) -> None:
    """List plans, newest first: for which org, what became of them, by whom.

    \b
    Example:
        reconcile history --org demo
    """
    from reconciler.render.history import render_history
    from reconciler.render.machine import dumps, history_to_json

    from .wiring import Project

    project = Project.here()
    records = [
        record
        for record in project.journal.history(None, None if org_name else limit)
        if org_name is None or record.org_name == org_name
    ][:limit]
    click.echo(dumps(history_to_json(records)) if as_json else render_history(records))
