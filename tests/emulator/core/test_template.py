"""Claims about the database that new orgs begin as, where it is kept, and files of earlier editions."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulator import grammars, template
from reconciler.emulator.org import EmulatedOrg

ROOT = Path(__file__).parents[3]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    template.template.cache_clear()
    yield tmp_path / "reconcile"
    template.template.cache_clear()


def begun() -> dict[str, object]:
    org = EmulatedOrg()
    found = org.snapshot()
    org.close()
    return found


def test_the_database_is_kept_once_and_read_by_the_next_process(cache: Path) -> None:
    made = template.template()
    (kept,) = cache.iterdir()
    before = kept.stat().st_mtime_ns
    template.template.cache_clear()
    assert template.template() == made
    assert (list(cache.iterdir()), kept.stat().st_mtime_ns) == ([kept], before)


@pytest.mark.parametrize("content", [b"", b"1234", b"1234no database"])
def test_a_damaged_file_is_made_anew(cache: Path, content: bytes) -> None:
    made = template.template()
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    for damage in (content, whole[:-1], whole[:5000] + b"\x00" + whole[5001:] + b"x"):
        kept.write_bytes(damage)
        template.template.cache_clear()
        assert template.template() == made
        assert kept.read_bytes() == whole


def test_files_of_other_editions_go_when_one_is_written(cache: Path) -> None:
    cache.mkdir()
    (cache / "emulated-org-00000001").write_bytes(b"old")
    (cache / "else.db").write_bytes(b"another's")
    template.template()
    assert sorted(each.name for each in cache.iterdir()) == [
        "else.db",
        f"emulated-org-{template.edition():08x}",
    ]


def test_an_org_begins_without_a_cache_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = begun()
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    template.template.cache_clear()
    assert begun() == expected
    template.template.cache_clear()


def schema_of(path: Path) -> set[tuple[str, str]]:
    connection = sqlite3.connect(path)
    found = set(connection.execute("SELECT type, name FROM sqlite_master"))
    connection.close()
    return found


def test_a_file_of_an_earlier_edition_gets_what_it_lacks_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "org.db"
    org = EmulatedOrg(path)
    org.has("Account", Name="A", Site="s")
    org.close()
    whole = schema_of(path)
    connection = sqlite3.connect(path)
    connection.executescript(
        'DROP TABLE "Lead"; ALTER TABLE "Account" DROP COLUMN "Fax"; '
        'ALTER TABLE "Contact" DROP COLUMN "Title"; '
        'DROP INDEX "_Contact_AccountId"; PRAGMA user_version = 7'
    )
    connection.close()
    again = EmulatedOrg(path)
    assert schema_of(path) == whole
    assert [(row["Name"], row["Site"], row["Fax"]) for row in again.rows("Account")] == [("A", "s", None)]
    again.has("Lead", LastName="L", Company="C")
    again.close()


def test_going_back_to_a_snapshot_of_an_earlier_edition_gives_it_what_it_lacks(tmp_path: Path) -> None:
    org = EmulatedOrg(tmp_path / "org.db")
    org.snapshots.take("old")
    (kept,) = (tmp_path / "org.db.snapshots").iterdir()
    connection = sqlite3.connect(kept)
    connection.executescript('DROP TABLE "Lead"; PRAGMA user_version = 7; PRAGMA journal_mode = DELETE')
    connection.close()
    org.snapshots.go_back("old")
    org.has("Lead", LastName="L", Company="C")
    org.close()


def test_processes_that_make_one_file_at_once_make_one_org(tmp_path: Path) -> None:
    code = (
        "import sys; from reconciler.emulator.org import EmulatedOrg; "
        f"org = EmulatedOrg({str(tmp_path / 'org.db')!r}, name=sys.argv[1]); "
        "org.has('Account', Name=sys.argv[1]); print(org.org_id)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(at)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for at in range(3)
    ]
    said = {each.communicate()[0] for each in started}
    assert [each.returncode for each in started] == [0, 0, 0]
    assert len(said) == 1
    org = EmulatedOrg(tmp_path / "org.db")
    assert sorted(row["Name"] for row in org.rows("Account")) == ["0", "1", "2"]
    org.close()
    assert not [each for each in tmp_path.iterdir() if not each.name.startswith("org.db")]


@pytest.mark.parametrize("damage", [b"", b"no grammar", None])
def test_a_damaged_or_another_grammar_is_made_anew(cache: Path, damage: bytes | None) -> None:
    made = grammars.lalr("test", 'start: "a" "b"', None)
    (kept,) = cache.iterdir()
    if damage is None:
        grammars.lalr("test", 'start: "x"', None)
    else:
        kept.write_bytes(kept.read_bytes()[: len(kept.read_bytes()) // 2] if damage == b"" else damage)
    for _ in range(2):
        assert grammars.lalr("test", 'start: "a" "b"', None).parse("ab") == made.parse("ab")


def test_a_grammar_is_parsed_without_a_cache_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert grammars.lalr("test", 'start: "a"', None).parse("a").data == "start"
