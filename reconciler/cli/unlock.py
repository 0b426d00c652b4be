"""`reconcile unlock`: give back the lease of a run that died."""

import click


@click.command("unlock")
@click.argument("lease_id")
def command(lease_id: str) -> None:
    """Give back LEASE_ID, as the message of a held lease names it. A run that still lives is stopped by it.

    \b
    Example:
        reconcile unlock 00D000000000001AAA:7
    """
    from .wiring import Project

    Project.here().journal.unlock(lease_id)
    click.echo(f"Given back: {lease_id}. A run that held it can write nothing more.")
