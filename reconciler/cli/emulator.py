"""`reconcile emulator`: the emulated org as a server for any Salesforce client."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reconciler.emulator.load_report import LoadReport


@click.group("emulator")
def command() -> None:
    """Serve the emulated org, or reset it."""


@command.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option("--db", type=click.Path(path_type=Path, dir_okay=False), help="Keep the org in this file.")
@click.option(
    "--name", help="A new org's name, which its id goes with; without it each new org has an id of its own."
)
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A project's folder, whose objects and permission sets the org gets. Repeatable.",
)
@click.option("--tls", is_flag=True, help="Speak TLS with a certificate made for this run.")
@click.option(
    "--jwt-cert",
    "certificates",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Certificate (PEM) that JWT sign-ins are verified with. Repeatable.",
)
def serve(
    host: str,
    port: int,
    db: Path | None,
    name: str | None,
    seeds: Sequence[Path],
    tls: bool,
    certificates: Sequence[Path],
) -> None:
    """Serve an org until it is told to stop. Prints one JSON line when it is ready.

    \b
    Example:
        reconcile emulator serve --port 8080 --db demo.db --seed force-app
    """
    from reconciler.emulator.http.server import main_serve

    from .demo_org import opening

    with opening("to be served", "see --db, --seed, --jwt-cert, --host and --port"):
        main_serve(
            host=host,
            port=port,
            db=db,
            name=name,
            seeds=seeds,
            tls=tls,
            jwt_certificates=certificates,
        )


@command.command("seed")
@click.option("--db", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The org's file.")
@click.option(
    "--records", multiple=True, type=click.Path(path_type=Path, exists=True), help="A record tree or plan."
)
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False))
def seed(db: Path, records: Sequence[Path], folders: Sequence[Path]) -> int:
    """Load FOLDERS (objects, permission sets, groups) and record trees into an org's file.

    Tells what was left out and why; exit 1 when nothing at all could be loaded.

    \b
    Example:
        reconcile emulator seed --db demo.db force-app --records data/plan.json
    """
    from reconciler.emulator.fresh import own_name
    from reconciler.emulator.org import EmulatedOrg

    from .demo_org import opening

    with opening(f"in {db}", "name the org's file and folders with objects in source format"):
        org = EmulatedOrg(db, name=own_name())
        reports = [org.load(*folders)] if folders else []
        reports += [org.load_records(*records)] if records else []
        org.close()
    for report in reports:
        _tell(report)
    return 0 if not reports or any(each.objects or each.fields or each.rows for each in reports) else 1


def _tell(report: "LoadReport") -> None:
    from reconciler.render.text import safe

    rows = sum(report.rows.values())
    click.echo(f"Loaded: {len(report.objects)} objects, {len(report.fields)} fields, {rows} rows.")
    for each in report.problems:
        click.echo(safe(f"left out: {each}"), err=True)


@command.command("reset")
@click.argument("name", default="demo")
def reset(name: str) -> None:
    """Forget the emulated org NAME of this project; the next use makes a new one.

    \b
    Example:
        reconcile emulator reset demo
    """
    from .demo_org import forget
    from .wiring import Project

    project = Project.here()
    org = project.org(name)
    if not org.emulated:
        raise click.ClickException(f"{name} is no emulated org")
    forget(project.folder / f"{name}.db")
    click.echo(f"Forgotten: {name}.")


@command.command("gaps")
def gaps() -> None:
    """List what the emulated org lacks.

    \b
    Example:
        reconcile emulator gaps
    """
    from reconciler.emulator.http.routing import gaps as find_gaps

    for each in find_gaps():
        click.echo(f"{each['where']}: {', '.join(each['lacks'])}")
