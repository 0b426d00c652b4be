"""What is around a command fails: who reads it, the disk, damaged files, the way to the org."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

OBJECT = """<?xml version="1.0" encoding="UTF-8"?>
<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">
  <label>A</label><pluralLabel>As</pluralLabel><nameField><label>Name</label><type>Text</type></nameField>
  <deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel>
</CustomObject>
"""
STATE = """reconcile: 1
records:
  Account: {$key: Account_Code__c, rows: {A: {Name: "Æther → \N{GRINNING FACE}"}}}
"""
RECONCILE = [sys.executable, "-m", "reconciler"]
posix = pytest.mark.skipif(os.name != "posix", reason="pipes and devices are those of POSIX")


def told(said: Any, *parts: str) -> None:
    """The command failed with these words on standard error, and with nothing else anywhere."""
    assert said.code == 1, said.out + said.err
    assert said.out == ""
    assert "Traceback" not in said.err
    for part in (*parts, "mend:"):
        assert part in said.err


# ── nobody reads ─────────────────────────────────────────────────────────────────────────────────


@posix
def test_a_run_whose_output_nobody_reads_any_more_is_carried_to_its_end(cli: Any) -> None:
    cli("plan", "quickstart.yaml")
    plan_id = cli.newest()
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run(
        [*RECONCILE, "apply", plan_id], cwd=cli.folder, stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert "the run goes on" in run.stderr
    assert "Traceback" not in run.stderr
    assert run.returncode == 0
    assert cli("history", "--json").json["plans"][0]["status"] == "applied"
    assert cli("plan", "quickstart.yaml", "--detailed-exitcode").code == 0


@posix
def test_a_plan_that_nobody_reads_ends_quietly(cli: Any) -> None:
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run(
        [*RECONCILE, "plan", "quickstart.yaml"],
        cwd=cli.folder,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert (run.returncode, run.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
@pytest.mark.parametrize("arguments", [["plan", "quickstart.yaml"], ["schema"], ["--help"]])
def test_a_full_disk_under_the_output_is_said(cli: Any, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [*RECONCILE, *arguments], cwd=cli.folder, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert run.returncode == 1
    assert run.stderr.strip() == "the output cannot be written: No space left on device"


@pytest.mark.parametrize("coding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_of_few_characters_gets_what_it_can_show(cli: Any, coding: str) -> None:
    environ = {**os.environ, "PYTHONIOENCODING": coding, "LC_ALL": "C"}
    run = subprocess.run(
        [*RECONCILE, "plan", "quickstart.yaml"], cwd=cli.folder, env=environ, capture_output=True
    )
    assert (run.returncode, run.stderr) == (0, b"")
    assert run.stdout.splitlines()[-1].startswith(b"Plan: 13 to create")


def test_json_in_a_file_is_utf_8_whatever_the_locale_is(cli: Any) -> None:
    cli.write("state.yaml", STATE)
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONIOENCODING"}
    environ |= {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = [*RECONCILE, "plan", "state.yaml", "--json"]
    run = subprocess.run(command, cwd=cli.folder, env=environ, capture_output=True)
    assert run.returncode == 0, run.stderr
    change = json.loads(run.stdout.decode("utf-8"))["resource_changes"][0]["change"]
    assert change["after"]["Name"] == "Æther → \N{GRINNING FACE}"


# ── damaged or missing files ─────────────────────────────────────────────────────────────────────


def test_a_damaged_emulated_org_is_told_and_can_be_forgotten(cli: Any) -> None:
    file = cli.folder / ".reconcile" / "demo.db"
    file.write_bytes(b"not a database, but long enough to be looked at as one" * 50)
    told(cli("plan", "quickstart.yaml"), "demo.db", "reconcile emulator reset demo")
    assert cli("emulator", "reset", "demo").code == 0
    assert cli("plan", "quickstart.yaml").code == 0


def test_a_seed_that_is_none_leaves_no_half_made_org(cli: Any) -> None:
    orgs = "orgs:\n  demo: {emulated: true, seed: [nowhere]}\n"
    cli.write("orgs.yaml", orgs)
    for _ in range(2):
        told(cli("plan", "quickstart.yaml"), "nowhere", "'seed' in orgs.yaml")
    assert not (cli.folder / ".reconcile" / "demo.db").exists()


def test_a_file_in_the_place_of_the_project_s_folder_is_told(cli: Any) -> None:
    (cli.folder / ".reconcile").rmdir()
    cli.write(".reconcile", "a file")
    cli.write("orgs.yaml", "orgs: {demo: {emulated: true}}\n")
    told(cli("plan", "quickstart.yaml"), ".reconcile")


def test_a_damaged_journal_is_told_before_anything_is_sent(cli: Any) -> None:
    cli("plan", "quickstart.yaml")
    plan_id = cli.newest()
    for file in (cli.folder / ".reconcile").glob("journal.db*"):
        file.write_bytes(b"not a database, but long enough to be looked at as one" * 50)
    for arguments in (["apply", plan_id], ["revert", plan_id], ["history"], ["plan", "quickstart.yaml"]):
        told(cli(*arguments), "journal.db")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["serve", "--db", "no/such/folder/x.db"], "unable to open database file"),
        (["serve", "--db", "quickstart.yaml"], "quickstart.yaml is not the database"),
        (["serve", "--jwt-cert", "quickstart.yaml"], "--jwt-cert"),
        (["serve", "--host", "192.0.2.1"], "address"),
        (["seed", "--db", "quickstart.yaml"], "quickstart.yaml is not the database"),
    ],
)
def test_an_emulated_org_that_cannot_be_served_says_why(cli: Any, arguments: list[str], says: str) -> None:
    process = cli.start("emulator", *arguments)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "Traceback" not in err
    assert says in err


def test_a_seed_tells_what_it_loaded_and_what_it_left_out(cli: Any) -> None:
    folder = cli.write("seed/objects/A__c/A__c.object-meta.xml", OBJECT).parents[2]
    cli.write("seed/objects/B__c/B__c.object-meta.xml", "<CustomObject")
    said = cli("emulator", "seed", "--db", "x.db", str(folder))
    assert (said.code, said.out) == (0, "Loaded: 1 objects, 0 fields, 1 rows.\n"), said
    assert "B__c.object-meta.xml" in said.err
    assert cli("emulator", "seed", "--db", "x.db", "--records", "quickstart.yaml").code == 1


# ── the way to the org ───────────────────────────────────────────────────────────────────────────


def test_an_org_that_cannot_be_reached_is_told_with_what_to_check(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_TOKEN", "canary-5e1d")
    cli.write(
        "orgs.yaml", 'orgs: {ci: {url: "http://127.0.0.1:9", sign_in: {access_token: {env: CI_TOKEN}}}}\n'
    )
    said = cli("plan", "quickstart.yaml")
    told(said, "org ci cannot be reached", "check its url")
    assert "canary" not in said.err
    assert cli("history", "--json").json["plans"] == []
