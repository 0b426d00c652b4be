"""The states that come with the project are run, and so is the demo."""

import shutil
from pathlib import Path
from typing import Any

import pytest

STATES = Path(__file__).resolve().parents[2] / "states"
CANARY = "s3cr3t-canary-7c1f"


def test_the_quickstart_goes_the_whole_road(cli: Any) -> None:
    planned = cli("plan", "quickstart.yaml", "--org", "demo", "--detailed-exitcode")
    assert planned.code == 2
    assert planned.last.startswith("Plan: 13 to create, 0 to update, 0 to delete.")
    plan_id = cli.newest()
    applied = cli("apply", plan_id)
    assert applied.code == 0, applied.err
    assert "Apply complete! 13 done" in applied.out
    assert cli("plan", "quickstart.yaml", "--org", "demo", "--detailed-exitcode").code == 0
    assert cli("apply", plan_id).code == 3
    reverted = cli("revert", plan_id, "--auto-approve")
    assert reverted.code == 0, reverted.err
    assert "Revert complete! 13 done" in reverted.out
    assert f"taken back by {cli.newest()}" in cli("show", plan_id).out


def test_the_demo_ends_with_the_org_as_before(cli: Any) -> None:
    said = cli("demo", "quickstart.yaml")
    assert said.code == 0, said.err
    assert said.last == "# The org is as before, but for the inactive user that the plan announced."


@pytest.fixture
def release_day(cli: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    shutil.copytree(STATES / "release-day", cli.folder, dirs_exist_ok=True)
    monkeypatch.setenv("RELEASE_DAY_CRM_TOKEN", CANARY)
    return cli


def test_release_day_goes_the_whole_road_and_its_secret_is_nowhere_in_clear(release_day: Any) -> None:
    cli = release_day
    applied = cli("apply", "main.yaml", "--org", "demo", "--auto-approve")
    assert applied.code == 0, applied.err
    again = cli("plan", "main.yaml", "--org", "demo")
    assert again.last == "Plan: nothing to do, the org is as declared.", again.out
    plan_id = cli.newest()
    reverted = cli("revert", plan_id, "--auto-approve")
    assert reverted.code == 0, reverted.out + reverted.err
    for said in (applied, again, reverted, cli("show", plan_id), cli("show", plan_id, "--json")):
        assert CANARY not in said.out + said.err
    kept = [
        path
        for path in (cli.folder / ".reconcile").rglob("*")
        if path.is_file() and "demo.db" not in path.name
    ]
    assert all(CANARY.encode() not in path.read_bytes() for path in kept)


def test_release_day_is_valid_offline_for_every_org(release_day: Any) -> None:
    said = release_day("validate", "main.yaml")
    assert said.code == 0, said.err
    assert said.last.startswith("Valid: ")
