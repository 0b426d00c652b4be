"""Where a journal is, what is made there, and what it says when the store fails."""

import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from reconciler.journal import open_journal
from reconciler.journal.location import Location, locate, refuse_network_file_system
from reconciler.journal.store import SqlJournal
from reconciler.model.errors import JournalFailed, PlanRefused, UnknownPlan
from reconciler.model.journal import Event, PlanStatus

from .conftest import ORG, Hands, MakeJournal, Sql, sample_plan

FIRST = [PlanStatus.PLANNED]


@pytest.fixture
def file(location: Location) -> Path:
    assert location.file is not None
    return location.file


def test_reading_a_journal_that_is_not_there_finds_nothing_and_makes_nothing(
    tmp_path: Path, journal: SqlJournal
) -> None:
    assert journal.history() == []
    assert list(journal.entries("p1")) == []
    assert journal.protected(ORG) == {}
    assert journal.lease(ORG) is None
    assert journal.verify_chain() == []
    with pytest.raises(UnknownPlan, match="no plan 'p1'"):
        journal.load_plan("p1")
    with pytest.raises(PlanRefused):
        journal.unlock(f"{ORG}:1")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_an_empty_journal(journal: SqlJournal, file: Path) -> None:
    file.parent.mkdir()
    file.touch()
    assert journal.history() == []
    journal.save_plan(sample_plan("p1"))
    assert len(journal.history()) == 1


def test_only_the_user_may_read_what_was_made(journal: SqlJournal, file: Path) -> None:
    journal.save_plan(sample_plan("p1"))
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()} == {0o600}


def test_a_write_is_durable_before_it_returns(journal: SqlJournal) -> None:
    journal.save_plan(sample_plan("p1"))
    with journal._database.writing() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize(
    ("named", "file"),
    [
        ("", "project/.reconcile/journal.db"),
        ("team.db", "team.db"),
        ("team.sqlite3", "team.sqlite3"),
        ("./nonsense", "nonsense"),
        ("folder/journal", "folder/journal"),
        ("/var/lib/journal", "/var/lib/journal"),
        ("postgres/journal.db", "postgres/journal.db"),
        ("~/journal.db", "~/journal.db"),
        ("team//journal.db", "team/journal.db"),
        ("my:journal.db", "my:journal.db"),
        ("C:/team/journal", "C:/team/journal"),
        ("sqlite:///team.db", "team.db"),
        ("sqlite:////var/team%20a.db?mode=x", "/var/team a.db"),
        ("sqlite+pysqlite:///team.db", "team.db"),
    ],
)
def test_the_variable_names_a_file(named: str, file: str) -> None:
    assert locate(Path("project"), {"RECONCILE_JOURNAL": named}).file == Path(file)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_the_variable_names_a_postgresql_database_whose_password_is_never_shown(scheme: str) -> None:
    place = locate(Path(), {"RECONCILE_JOURNAL": f"{scheme}://ada:s3cret@db.example/journal?password=s3cret"})
    assert place.url == "postgresql+psycopg://ada:s3cret@db.example/journal?password=s3cret"
    assert place.shown == f"{scheme}://ada@db.example/journal"
    assert "s3cret" not in repr(place)


@pytest.mark.parametrize("named", ["postgresql://a:s3cret@host:port/db", "postgresql://a:s3cret@[x/db"])
def test_a_url_that_cannot_be_read_is_refused_and_not_repeated(named: str) -> None:
    with pytest.raises(JournalFailed, match="is not a URL") as failed:
        locate(Path(), {"RECONCILE_JOURNAL": named})
    assert "s3cret" not in str(failed.value)


@pytest.mark.parametrize("named", ["mysql://host/db", "sqlite://", "sqlite:///", "http://x/y"])
def test_another_database_is_refused(tmp_path: Path, named: str) -> None:
    with pytest.raises(JournalFailed, match="cannot hold a journal"):
        open_journal(tmp_path, environ={"RECONCILE_JOURNAL": named})


@pytest.mark.parametrize(
    ("named", "hint"),
    [
        ("nonsense", "is 'nonsense', neither a path nor a URL"),
        ("journal.txt", "neither a path nor a URL"),
        ("ada:s3cret@host", "is no URL"),
        ("mysql:/ada:s3cret@host/db", "is no URL"),
        ("ada@s3cret", "neither a path nor a URL"),
        ("postgres//ada:s3cret@host/db", "did you mean postgresql://"),
        ("postgresql:/ada:s3cret@host/db", "did you mean postgresql://"),
        ("postgresql:ada:s3cret@host/db", "did you mean postgresql://"),
        ("potsgresql://ada:s3cret@host/db", "did you mean postgresql://"),
        ("sqlite:/team.db", "did you mean sqlite:///"),
        ("sqlit:///team.db", "did you mean sqlite:///"),
    ],
)
def test_what_is_neither_path_nor_url_is_refused_and_no_file_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(JournalFailed, match="RECONCILE_JOURNAL") as failed:
        open_journal(tmp_path, environ={"RECONCILE_JOURNAL": named})
    assert hint in str(failed.value) and "s3cret" not in str(failed.value)
    assert list(tmp_path.iterdir()) == []


MOUNTS = """\
22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:40 / /home/ada rw shared:9 - {home} server:/home rw
41 22 0:41 / /mnt/team\\040files rw - fuse.sshfs x rw
a line of another form
"""


@pytest.mark.parametrize(
    ("type_", "file", "refused"),
    [
        ("nfs4", "/home/ada/p/journal.db", True),
        ("cifs", "/home/ada/p/journal.db", True),
        ("ext4", "/home/ada/p/journal.db", False),
        ("nfs4", "/home/adam/journal.db", False),
        ("ext4", "/mnt/team files/journal.db", True),
    ],
)
def test_a_network_file_system_is_refused(tmp_path: Path, type_: str, file: str, refused: bool) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(home=type_))
    if not refused:
        refuse_network_file_system(Path(file), mounts)
        return
    with pytest.raises(JournalFailed, match="network file system"):
        refuse_network_file_system(Path(file), mounts)


def test_where_mounts_are_not_told_nothing_is_refused(tmp_path: Path) -> None:
    refuse_network_file_system(tmp_path / "journal.db", tmp_path / "absent")


@pytest.fixture
def begun(journal: SqlJournal) -> SqlJournal:
    """A journal with a run in the middle."""
    plan = sample_plan("p1")
    journal.save_plan(plan)
    run = journal._start_run(plan, "apply", FIRST, 0)
    run.append(Event.INTENDED, {"call": 1})
    return journal


def bodies(journal: SqlJournal) -> list[Any]:
    return [each.body for each in journal.entries("p1")][1:]


def test_a_full_disk_fails_the_intent_and_leaves_what_was_written(
    begun: SqlJournal, make_journal: MakeJournal, sql: Sql, clock: Hands
) -> None:
    clock.seconds += 1000
    [(pages,)] = sql("PRAGMA page_count")
    full = make_journal(pragmas={"max_page_count": str(pages)})
    plan = begun.load_plan("p1")[0]
    with (
        pytest.raises(JournalFailed, match=r"the disk is full\n  mend: free some space"),
        full.open_run(plan, "resume", allowed=[PlanStatus.APPLYING]) as run,
    ):
        while True:
            run.append(Event.INTENDED, {"call": 2, "inverses": [{"x": str(clock())} for _ in range(9999)]})
    assert all(each["call"] in (1, 2) for each in bodies(begun) if "call" in each)
    assert sql("PRAGMA integrity_check") == [("ok",)]
    begun.verify_chain()


def test_a_read_only_journal_can_be_read_and_not_written(
    begun: SqlJournal, make_journal: MakeJournal, clock: Hands
) -> None:
    clock.seconds += 1000
    reader = make_journal(pragmas={"query_only": "ON"})
    assert bodies(reader) == [{"call": 1}]
    with pytest.raises(JournalFailed, match=r"read-only\n  mend: make the file"):
        reader.save_plan(sample_plan("p2"))
    with (
        pytest.raises(JournalFailed, match="read-only"),
        reader.open_run(sample_plan("p1"), "resume", allowed=[PlanStatus.APPLYING]),
    ):
        pass
    assert len(begun.history()) == 1
    assert bodies(begun) == [{"call": 1}]


def test_a_journal_that_stays_locked_is_reported_and_nothing_written(
    begun: SqlJournal, make_journal: MakeJournal, file: Path
) -> None:
    impatient = make_journal(busy_seconds=0.01)
    assert impatient.history()
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalFailed, match="another process keeps it locked"):
        impatient.save_plan(sample_plan("p2"))
    blocker.execute("ROLLBACK")
    blocker.close()
    assert len(begun.history()) == 1


def test_a_store_that_refuses_to_take_the_lease_back_does_not_hide_the_error_inside(
    begun: SqlJournal, make_journal: MakeJournal, clock: Hands
) -> None:
    clock.seconds += 1000

    def refuse(point: str) -> None:
        if point == "before release":
            raise JournalFailed("the disk is full")

    journal = make_journal(points=refuse)
    with (
        pytest.raises(ZeroDivisionError),
        journal.open_run(sample_plan("p1"), "resume", allowed=[PlanStatus.APPLYING]),
    ):
        raise ZeroDivisionError
    assert journal.lease(ORG) is not None  # until it runs out
    clock.seconds += 1000
    assert journal.lease(ORG) is None


@pytest.mark.parametrize("content", [b"no database at all", b"x" * 9000], ids=["short", "long"])
def test_a_file_of_another_sort_is_named_and_left_alone(
    journal: SqlJournal, file: Path, content: bytes
) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    for use in (journal.history, lambda: journal.save_plan(sample_plan("p1"))):
        with pytest.raises(JournalFailed, match=r"journal\.db: it is no SQLite database"):
            use()
    assert file.read_bytes() == content


def test_a_damaged_file_is_named(journal: SqlJournal, file: Path) -> None:
    for number in range(30):
        journal.save_plan(sample_plan(f"p{number}", *(f"A{n}" for n in range(30))))
    journal.close()
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(JournalFailed, match=r"journal\.db: it is damaged"):
        journal.history()


def test_a_database_of_something_else_is_not_written_to(journal: SqlJournal, file: Path) -> None:
    file.parent.mkdir()
    other = sqlite3.connect(file)
    other.execute("CREATE TABLE customer (x)")
    other.commit()
    with pytest.raises(JournalFailed, match="database of something else"):
        journal.save_plan(sample_plan("p1"))
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("customer",)]
    other.close()


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path, journal: SqlJournal) -> None:
    (tmp_path / ".reconcile").write_text("a file is in the way")
    with pytest.raises(JournalFailed, match=r"journal\.db: it cannot be"):
        journal.save_plan(sample_plan("p1"))


def test_a_journal_of_a_newer_version_is_left_alone(
    begun: SqlJournal, make_journal: MakeJournal, sql: Sql
) -> None:
    sql("UPDATE journal_version SET version_num = '9999'")
    newer = make_journal()
    for use in (newer.history, lambda: newer.save_plan(sample_plan("p2"))):
        with pytest.raises(JournalFailed, match=r"newer version of reconcile \(schema 9999(.|\n)*upgrade"):
            use()
    assert sql("SELECT count(*) FROM plan") == [(1,)]
