"""A secret through the whole command line: what it prints, what it leaves on disk, what it asks for again."""

from typing import Any

import pytest

CANARY = "canary-77ab01"
SECRETLY = """\
reconcile: 1
variables: {pin: {type: secret}}
records: {Account: {$key: Account_Code__c, rows: {A: {Name: Acme, Description: "${pin}"}}}}
"""
GONE = """\
reconcile: 1
records: {Account: {$key: Account_Code__c, rows: {A: {$absent: true}}}}
"""


@pytest.fixture
def keeper(cli: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project in which a plan has set a field from a secret; the environment holds it no more."""
    cli.write("secretly.yaml", SECRETLY)
    cli.write("gone.yaml", GONE)
    monkeypatch.setenv("RECONCILE_VAR_pin", CANARY)
    applied = cli("apply", "secretly.yaml", "--auto-approve")
    assert applied.code == 0, applied.err
    cli.made = cli.newest()
    cli.said = applied.out + applied.err
    monkeypatch.delenv("RECONCILE_VAR_pin")
    return cli


def on_disk(cli: Any) -> bytes:
    """All that the product keeps, but the emulated org itself, which holds the secret as an org does."""
    files = [path for path in (cli.folder / ".reconcile").rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files if not path.name.startswith("demo.db"))


def test_no_command_tells_a_secret_of_an_earlier_plan(keeper: Any) -> None:
    said = keeper.said
    for command in (
        ["plan", "gone.yaml", "--out", "plan.json"],
        ["plan", "gone.yaml", "--json"],
        ["explain", "Account/A", "gone.yaml"],
        ["apply", "gone.yaml", "--auto-approve", "--json"],
        ["revert", keeper.made, "--dry-run"],
    ):
        answer = keeper(*command)
        assert answer.code == 0, (command, answer.err)
        said += answer.out + answer.err
    for command in (["show", keeper.newest()], ["show", keeper.newest(), "--json"], ["history", "--json"]):
        said += keeper(*command).out
    back = keeper("revert", keeper.newest(), "--auto-approve")
    assert back.code == 0, back.err
    assert "Description stays empty" in said
    assert CANARY not in said + back.out + back.err + (keeper.folder / "plan.json").read_text()
    assert CANARY.encode() not in on_disk(keeper)


def test_taking_back_a_revert_of_a_secret_asks_for_it_and_writes_nothing_without_it(
    keeper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keeper("revert", keeper.made, "--auto-approve").code == 0
    gone = keeper.newest()
    refused = keeper("revert", gone, "--auto-approve")
    assert refused.code == 5
    assert "secrets that have no value here: pin" in refused.err
    assert keeper("plan", "gone.yaml").last == "Plan: nothing to do, the org is as declared."
    again = keeper("revert", gone, "--auto-approve", "--var", f"pin={CANARY}")
    assert again.code == 0, again.out + again.err
    monkeypatch.setenv("RECONCILE_VAR_pin", CANARY)
    assert keeper("plan", "secretly.yaml").last == "Plan: nothing to do, the org is as declared."
    assert CANARY.encode() not in on_disk(keeper)
