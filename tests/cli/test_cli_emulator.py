"""Claims about `reconcile emulator`: snapshots, resets, what is lacking."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.org import EmulatedOrg


@contextmanager
def opened(path: Path) -> Iterator[EmulatedOrg]:
    org = EmulatedOrg(path)
    yield org
    org.close()


def accounts(path: Path) -> list[str]:
    with opened(path) as org:
        return [row["Name"] for row in org.rows("Account")]


def test_an_org_in_a_file_goes_back_to_a_snapshot_by_name(cli: Any) -> None:
    db = cli.folder / "org.db"
    with opened(db) as org:
        org.has("Account", Name="A")
    assert cli("emulator", "snapshot", "clean", "--db", "org.db").out == "Kept: clean.\n"
    with opened(db) as org:
        org.has("Account", Name="B")
    assert cli("emulator", "snapshot", "--db", "org.db").out == "clean\n"
    assert cli("emulator", "reset", "--db", "org.db", "--to", "clean").out == "Back at: clean.\n"
    assert accounts(db) == ["A"]
    assert cli("emulator", "snapshot", "clean", "--remove", "--db", "org.db").out == "Forgotten: clean.\n"
    assert cli("emulator", "snapshot", "--db", "org.db").out == ""


def test_a_served_org_goes_back_to_how_it_began_while_its_clients_stay_signed_in(
    cli: Any, serve: Any
) -> None:
    served = serve("--db", "org.db")
    begun = served.values("SELECT COUNT(Id) n FROM Account")
    with opened(cli.folder / "org.db") as org:
        org.has("Account", Name="A")
    assert served.values("SELECT Name FROM Account") == ["A"]
    assert cli("emulator", "reset", "--db", "org.db").out == "Back at: start.\n"
    assert served.values("SELECT COUNT(Id) n FROM Account") == begun
    assert served.values("SELECT Name FROM Account") == []


@pytest.mark.parametrize("option", ["--db", "--jwt-cert"])
def test_a_file_that_is_something_else_is_named_and_stays_what_it_is(cli: Any, option: str) -> None:
    path = cli.folder / "notes.txt"
    path.write_text("buy milk\n" * 100, "utf-8")
    refused = cli("emulator", "serve", option, str(path))
    assert (refused.code, refused.out) == (1, "")
    assert str(path) in refused.err
    assert "Traceback" not in refused.err
    assert path.read_text("utf-8") == "buy milk\n" * 100


def test_an_org_of_the_project_goes_back_and_is_forgotten(cli: Any) -> None:
    with opened(cli.folder / ".reconcile" / "demo.db"):
        pass
    assert cli("emulator", "snapshot", "clean").code == 0
    with opened(cli.folder / ".reconcile" / "demo.db") as org:
        org.has("Account", Name="A")
    assert cli("emulator", "reset", "demo", "--to", "clean").code == 0
    assert accounts(cli.folder / ".reconcile" / "demo.db") == []
    assert cli("emulator", "reset").out == "Forgotten: demo.\n"
    assert not (cli.folder / ".reconcile" / "demo.db").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["reset", "--db", "org.db", "--to", "nothing"], "there is no snapshot 'nothing'"),
        (["reset", "--db", "org.db"], "there is no snapshot 'start'"),
        (["reset", "demo", "--db", "org.db"], "NAME or --db, not both"),
        (["reset", "--db", "missing.db"], "does not exist"),
        (["reset", "--to", "clean"], "was not used yet"),
        (["snapshot", "a/b", "--db", "org.db"], "is no name for a snapshot"),
        (["snapshot", "--remove", "--db", "org.db"], "--remove needs the NAME"),
        (["snapshot", "nothing", "--remove", "--db", "org.db"], "there is no snapshot 'nothing'"),
        (["snapshot", "clean", "--db", "quickstart.yaml"], "quickstart.yaml"),
    ],
)
def test_what_cannot_be_taken_back_is_said_and_nothing_changes(
    cli: Any, arguments: list[str], told: str
) -> None:
    with opened(cli.folder / "org.db") as org:
        org.has("Account", Name="A")
    said = cli("emulator", *arguments)
    assert said.code != 0
    assert told in said.out + said.err
    assert accounts(cli.folder / "org.db") == ["A"]
    assert not (cli.folder / "missing.db").exists()


def test_what_is_lacking_is_listed_by_address_for_people_and_programs(cli: Any) -> None:
    found = cli("emulator", "gaps", "--json").json["gaps"]
    addresses = [each["where"] for each in found]
    assert "GET /services/data/vN/query" in addresses
    assert "/services/apexrest" in addresses
    assert all(each["lacks"] for each in found)
    lines = cli("emulator", "gaps").out.splitlines()
    assert len(lines) == sum(len(each["lacks"]) for each in found)
    assert any(line.startswith("GET /services/data/vN/query ") for line in lines)
