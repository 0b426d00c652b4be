"""`reconcile init`: a first state and orgs.yaml, to be changed."""

from importlib.resources import files
from pathlib import Path

import click


@click.command("init")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Write a first state and orgs.yaml into FOLDER. Overwrites nothing.

    \b
    Example:
        reconcile init
    """
    samples = files("reconciler.cli") / "samples"
    written = []
    for name in ("orgs.yaml", "states/first.yaml"):
        target = folder / name
        if target.exists():
            click.echo(f"kept: {target} exists")
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((samples / name).read_text(encoding="utf-8"), encoding="utf-8")
        written.append(target)
    for target in written:
        click.echo(f"written: {target}")
    click.echo("Now: reconcile plan --org demo")
