"""`reconcile emulator`: the emulated org as a server for any Salesforce client."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.seeding.report import LoadReport

EXISTING_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group("emulator")
def command() -> None:
    """Serve the emulated org, seed it, keep snapshots of it, take it back to one."""


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
    from reconciler.emulator.http.process import main_serve

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

    Tells what was made up, what was left out and why; exit 1 when nothing at all could be loaded.

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
    for each in report.remarks():
        click.echo(safe(each), err=True)


@command.command("snapshot")
@click.argument("name", required=False)
@click.option("--db", type=EXISTING_FILE, help="The org's file; without it, the project's org 'demo'.")
@click.option("--org", "org_name", default="demo", show_default=True, help="An emulated org of this project.")
@click.option("--remove", is_flag=True, help="Forget the snapshot NAME.")
def snapshot(name: str | None, db: Path | None, org_name: str, remove: bool) -> None:
    """Keep what an emulated org holds as snapshot NAME; without NAME, list what is kept.

    The org may be served meanwhile. 'reset --to NAME' goes back to it.

    \b
    Example:
        reconcile emulator snapshot clean --db demo.db
    """
    if remove and name is None:
        raise click.UsageError("--remove needs the NAME of a snapshot")
    with _opened(db, org_name) as org:
        if name is None:
            for each in org.snapshots.names():
                click.echo(each)
        elif remove:
            org.snapshots.remove(name)
            click.echo(f"Forgotten: {name}.")
        else:
            org.snapshots.take(name)
            click.echo(f"Kept: {name}.")


@command.command("reset")
@click.argument("name", required=False)
@click.option("--db", type=EXISTING_FILE, help="The file of the org, in place of NAME.")
@click.option("--to", "to", metavar="SNAPSHOT", help="Go back to this snapshot.")
def reset(name: str | None, db: Path | None, to: str | None) -> None:
    """Take an emulated org back: the org NAME of this project ('demo' unless named), or that in a file.

    With --to it is again what it was at that snapshot, also while it is served; sessions stay open. Without
    it, a project's org is forgotten, and the next use makes a new one; the org in a file is again as it was
    when 'serve' had made and seeded it.

    \b
    Example:
        reconcile emulator reset demo
        reconcile emulator reset --db demo.db --to clean
    """
    from .demo_org import forget

    if db and name:
        raise click.UsageError("NAME or --db, not both")
    if db or to:
        from reconciler.emulator.kept_snapshots import START

        with _opened(db, name or "demo") as org:
            org.snapshots.go_back(to or START)
        click.echo(f"Back at: {to or START}.")
    else:
        forget(_file_of(name or "demo"))
        click.echo(f"Forgotten: {name or 'demo'}.")


def _file_of(name: str) -> Path:
    """The file of an emulated org of this project."""
    from .wiring import Project

    project = Project.here()
    org = project.org(name)
    if not org.emulated:
        raise click.ClickException(f"{name} is no emulated org")
    return project.folder / f"{name}.db"


@contextmanager
def _opened(db: Path | None, name: str) -> "Iterator[EmulatedOrg]":
    """An org that is there, and what is wrong with it or its snapshots as our error."""
    from reconciler.emulator.kept_snapshots import BadName, NoSnapshot
    from reconciler.emulator.org import EmulatedOrg

    from .demo_org import opening

    file = db or _file_of(name)
    if not file.exists():
        raise click.ClickException(f"{name} was not used yet: there is nothing to keep or to take back")
    try:
        with opening(f"in {file}", "name the file of an emulated org, and a snapshot that is in order"):
            org = EmulatedOrg(file)
            try:
                yield org
            finally:
                org.close()
    except (BadName, NoSnapshot) as error:
        raise click.ClickException(str(error)) from error


@command.command("gaps")
@click.option("--json", "as_json", is_flag=True, help="As JSON: a list of what lacks what.")
@click.option("--db", type=EXISTING_FILE, help="Also the formulas of the org in this file.")
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Also the formulas of this project. Repeatable.",
)
def gaps(as_json: bool, db: Path | None, seeds: Sequence[Path]) -> None:
    """List what the emulated org lacks: for each address, and then whole families of them.

    Of an org or a project, also the formulas, roll-ups, defaults and validation rules that it cannot
    compute. A project is loaded into memory, over the org if both are named.

    \b
    Example:
        reconcile emulator gaps --seed force-app
    """
    from reconciler.emulator.http import routing
    from reconciler.render.machine import FORMAT_VERSION, dumps

    found = [*routing.gaps(), *_formula_gaps(db, seeds)]
    if as_json:
        click.echo(dumps({"format_version": FORMAT_VERSION, "gaps": found}))
        return
    width = max(len(each["where"]) for each in found)
    for each in found:
        for line, lacks in enumerate(each["lacks"]):
            click.echo(f"{'' if line else each['where']:<{width}}  {lacks}")


def _formula_gaps(db: Path | None, seeds: Sequence[Path]) -> list[dict[str, Any]]:
    """The org in the file is not changed."""
    if db is None and not seeds:
        return []
    from reconciler.emulator.org import EmulatedOrg

    from .demo_org import opening

    with opening("to be looked at", "see --db and --seed"):
        org = EmulatedOrg(db)
        looked_at = org.fork()
        org.close()
        looked_at.load(*seeds)
    lines = [line.partition(": ") for line in looked_at.formula_gaps()]
    looked_at.close()
    return [{"where": where, "lacks": [why]} for where, _, why in lines]
