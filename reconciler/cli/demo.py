"""`reconcile demo`: a release goes the whole road on an embedded org made for the occasion.

Everything is done by the commands a user types, in a folder that is removed afterwards; only
"somebody", who edits the org behind our back, is not a command.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click


@click.command("demo")
@click.argument("state", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def command(state: Path) -> int:
    """Plan, apply, prove and take back STATE on an emulated org that is made for this run.

    \b
    Example:
        reconcile demo states/quickstart.yaml
    """
    with _scene(state) as name:
        return _play(name)


@contextmanager
def _scene(state: Path) -> Iterator[str]:
    """A project of its own, with the state under the name it was given."""
    here = Path.cwd()
    name = state.name if state.is_absolute() else state.as_posix()
    with tempfile.TemporaryDirectory(prefix="reconcile-demo-") as folder:
        target = Path(folder) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(state, target)
        (Path(folder) / ".reconcile").mkdir(mode=0o700)
        os.chdir(folder)
        try:
            yield name
        finally:
            os.chdir(here)


def _play(state: str) -> int:
    before = _picture()
    _run("plan", state, "--org", "demo")
    first = _newest()
    _run("apply", first)
    _run("plan", state, "--org", "demo")
    _say("Next week: a higher margin is planned, and somebody edits the same field before it is applied.")
    _run("plan", state, "--org", "demo", "--var", "margin=14")
    second = _newest()
    _edit(Margin__c=20)
    _run("apply", second, expect=3)
    _say("The first plan is taken back. What somebody moved is a conflict, until we say to overwrite it.")
    _run("revert", first, expect=9)
    _run("revert", first, "--on-conflict=force", "--auto-approve")
    same = _picture() == before
    _say(
        "The org is as before, but for the inactive user that the plan announced."
        if same
        else "The org differs!"
    )
    return 0 if same else 1


def _run(*arguments: str, expect: int = 0) -> None:
    from .main import execute

    click.echo(click.style("$ reconcile " + " ".join(arguments), bold=True))
    code = execute(list(arguments))
    click.echo("" if code == 0 else f"(exit code {code})\n")
    if code != expect:
        raise click.ClickException(f"expected exit code {expect}, got {code}")


def _say(text: str) -> None:
    click.echo(click.style(f"# {text}", fg="cyan"))


def _newest() -> str:
    from .wiring import Project

    return Project.here().journal.history(None, 1)[0].plan_id


@contextmanager
def _opened() -> Iterator[Any]:
    from .demo_org import open_emulated_org
    from .wiring import Project

    project = Project.here()
    org = open_emulated_org(project.folder, project.org("demo"))
    try:
        yield org
    finally:
        org.close()


def _edit(**fields: Any) -> None:
    with _opened() as org:
        row = org.rows("Price_Rule__c", Code__c="EMEA-1")[0]
        with org.transaction(org.admin_id) as transaction:
            transaction.update("Price_Rule__c", row["Id"], fields)
    what = ", ".join(f"{name} to {value}" for name, value in fields.items())
    click.echo(click.style(f"# Somebody sets {what} on price rule EMEA-1.\n", fg="cyan"))


def _picture() -> Any:
    """The org's content by natural keys, without the user who cannot be deleted."""
    with _opened() as org:
        content = org.snapshot()
    people = ("User", "UserLogin", "UserLicense", "PermissionSetAssignment")
    return {name: rows for name, rows in content.items() if name not in people}
