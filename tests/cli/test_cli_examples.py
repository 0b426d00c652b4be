"""Every example that a help text shows is run."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import click
import pytest

from reconciler.cli.main import main

from .conftest import STATES
from .test_cli_exit_codes import free_the_nickname, refused_for_a_taken_nickname

PLAN_ID = "2031-05-04-uat-1f3ak"
LEASE_ID = "00D000000000001AAA:7"
EXAMPLE = re.compile(r"^\s*(reconcile .*)$", re.MULTILINE)
EXPECTED = {"unlock": 5}
"""A lease that nobody holds is refused; the code of every other example is 0."""


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def examples() -> list[str]:
    return [
        line
        for _, command in commands(main)
        for line in EXAMPLE.findall((command.help or "").partition("Example")[2])
    ]


def test_every_command_has_an_example_of_its_own() -> None:
    for path, command in commands(main):
        shown = EXAMPLE.findall((command.help or "").partition("Example")[2])
        assert shown, path
        assert all(line.startswith(" ".join(("reconcile", *path))) for line in shown)


@pytest.fixture
def project(cli: Any) -> Any:
    """What the examples speak of: states, a project's folder, records."""
    cli.write("states/quickstart.yaml", (STATES / "quickstart.yaml").read_text())
    shutil.copytree(STATES.parent / "reconciler" / "cli" / "demo_schema", cli.folder / "force-app")
    record = {"attributes": {"type": "Country__c", "referenceId": "c1"}, "Name": "Germany", "Iso__c": "DE"}
    cli.write("data/countries.json", json.dumps({"records": [record]}))
    plan = [{"sobject": "Country__c", "saveRefs": False, "resolveRefs": False, "files": ["countries.json"]}]
    cli.write("data/plan.json", json.dumps(plan))
    return cli


def prepared(cli: Any, verb: str) -> str:
    """The id of a plan that ``verb`` can be asked of."""
    if verb == "resume":
        plan_id = refused_for_a_taken_nickname(cli)
        free_the_nickname(cli)
        return plan_id
    assert cli("plan", "states/quickstart.yaml", "--org", "demo").code == 0
    plan_id = str(cli.newest())
    if verb == "revert":
        assert cli("apply", plan_id).code == 0
    return plan_id


def keep_an_org(cli: Any) -> None:
    """A file with an org, and a snapshot of it named as the examples name it."""
    assert cli("emulator", "seed", "--db", "demo.db", "force-app").code == 0
    assert cli("emulator", "snapshot", "clean", "--db", "demo.db").code == 0


@pytest.mark.parametrize("line", [each for each in examples() if " serve " not in each])
def test_the_example_runs(project: Any, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    command, _, target = line.partition(" > ")
    words = shlex.split(command)[1:]
    if PLAN_ID in words:
        words[words.index(PLAN_ID)] = prepared(project, words[0])
    if words[:2] in (["emulator", "snapshot"], ["emulator", "reset"]):
        keep_an_org(project)
    if words[0] in ("apply", "revert"):
        words.append("--auto-approve")
    said = project(*words)
    assert said.code == EXPECTED.get(words[0], 0), said.err
    if target:
        assert json.loads(said.out)


def test_the_example_of_serving_serves(project: Any) -> None:
    line = next(each for each in examples() if " serve " in each)
    words = shlex.split(line)[1:]
    words[words.index("--port") + 1] = "0"  # 8080 may be taken
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *words], cwd=project.folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["url"].startswith("http://127.0.0.1:")
    finally:
        process.terminate()
    assert process.wait(10) == 0
