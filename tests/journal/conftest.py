"""Journals on both stores, plans to put in them, a clock that stands still until moved."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from reconciler.journal.database import Database
from reconciler.journal.location import Location, locate
from reconciler.journal.store import SqlJournal
from reconciler.model.keys import ResourceKey
from reconciler.model.plan import Action, Plan, Step

ORG = "00D000000000001EAA"
OTHER_ORG = "00D000000000002EAA"
START_SECONDS = 1_935_655_200.0
LEASE_SECONDS = 60.0


def sample_step(name: str) -> Step:
    return Step(
        kind="Record",
        sobject="Account",
        key=ResourceKey("Account", (name,)),
        identity={"Code__c": name},
        action=Action.UPDATE,
        before={"Tier__c": "Silver"},
        after={"Tier__c": "Gold"},
    )


def sample_plan(plan_id: str = "2031-05-04-uat-1", *names: str, **changes: Any) -> Plan:
    plan = Plan(
        plan_id=plan_id,
        org_id=ORG,
        org_name="uat",
        steps=[sample_step(name) for name in names or ("ACME",)],
        state_digest="sha256:00",
        created_at="2031-05-04T10:00:00Z",
        expires_at="2031-05-05T10:00:00Z",
    )
    return replace(plan, **changes)


class Hands:
    """A clock, ticks and a sleep that only tests move."""

    def __init__(self) -> None:
        self.seconds = START_SECONDS
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """A new journal's place. A test that says nothing gets SQLite; `on_both_stores` gives each in turn."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return locate(tmp_path, {})
    server = request.getfixturevalue("postgres")
    return locate(tmp_path, {"RECONCILE_JOURNAL": server.new_journal()})


MakeJournal = Callable[..., SqlJournal]
Sql = Callable[..., list[Any]]
Save = Callable[..., Any]


@pytest.fixture
def make_journal(location: Location, clock: Hands) -> Iterator[MakeJournal]:
    """Opens the test's journal again, as another process would."""
    opened: list[SqlJournal] = []

    def make(
        holder: str = "ada@laptop pid 1", pragmas: dict[str, str] | None = None, **more: Any
    ) -> SqlJournal:
        database = Database(
            location, clock=clock, busy_seconds=more.pop("busy_seconds", 5.0), pragmas=pragmas
        )
        options: dict[str, Any] = {
            "ticks": clock,
            "sleep": clock.sleep,
            "lease_seconds": LEASE_SECONDS,
            **more,
        }
        opened.append(SqlJournal(database, actor="ada", holder=holder, **options))
        return opened[-1]

    yield make
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(make_journal: MakeJournal) -> SqlJournal:
    return make_journal()


@pytest.fixture
def sql(location: Location) -> Iterator[Sql]:
    """Runs a statement behind the journal's back; answers its rows."""
    database = Database(location)

    def run(statement: str, **values: Any) -> list[Any]:
        with database.writing() as connection:
            result = connection.execute(text(statement), values)
            return list(result) if result.returns_rows else []

    yield run
    database.dispose()


class PostgresServer:
    def __init__(self, port: int) -> None:
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self._journals = 0

    def new_journal(self) -> str:
        """The URL of an empty schema."""
        import psycopg

        self._journals += 1
        schema = f"journal_{self._journals}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}".encode())
        return f"{self.url}?options=-csearch_path%3D{schema}"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A cluster of our own, never the system's."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which("initdb")
    if not programs and not found:
        pytest.skip("no PostgreSQL server is installed")
    folder = programs[-1] if programs else Path(str(found)).parent
    if os.getuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("PostgreSQL does not run as root, and there is no setpriv to leave it")
    data = _folder_for_postgres()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1"
    try:
        _as_postgres(folder / "initdb", "-A", "trust", "-U", "postgres", "-D", data / "cluster")
        _as_postgres(
            folder / "pg_ctl", "-D", data / "cluster", "-o", options, "-l", data / "log", "-w", "start"
        )
        yield PostgresServer(port)
        _as_postgres(folder / "pg_ctl", "-D", data / "cluster", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _folder_for_postgres() -> Path:
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="journal-pg-"))  # short: a socket's path has 107 characters
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    return folder


def _as_postgres(*command: object) -> None:
    leave_root = (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    )
    subprocess.run(
        [*leave_root, *map(str, command)],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
