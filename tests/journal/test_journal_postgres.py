"""What only the shared store does: its own clock, its own settings, its own ways to fail."""

import builtins
import threading
from pathlib import Path
from typing import Any

import pytest

from reconciler.journal.database import Database
from reconciler.journal.location import Location, locate
from reconciler.journal.store import SqlJournal
from reconciler.model.errors import JournalFailed, LeaseHeld
from reconciler.model.journal import Event, PlanStatus
from reconciler.model.plan import Plan

from .conftest import LEASE_SECONDS, ORG, START_SECONDS, Hands, MakeJournal, Sql, sample_plan

FIRST = [PlanStatus.PLANNED]
on_postgresql = pytest.mark.parametrize("location", ["postgresql"], indirect=True)


@on_postgresql
def test_leases_go_by_the_databases_clock_and_not_by_a_workers(
    journal: SqlJournal, clock: Hands, sql: Sql
) -> None:
    plan = sample_plan("p1")
    journal.save_plan(plan)
    clock.seconds = START_SECONDS - 1e9
    run = journal._start_run(plan, "apply", FIRST, 0)
    [(database_seconds,)] = sql("SELECT extract(epoch FROM clock_timestamp())")
    lease = journal.lease(ORG)
    assert lease is not None
    assert lease.expires_at == pytest.approx(float(database_seconds) + LEASE_SECONDS, abs=30)
    run.append(Event.INTENDED, {})


@on_postgresql
@pytest.mark.parametrize("setting", ["synchronous_commit"])
def test_a_database_that_may_lose_a_commit_is_refused(
    location: Location, setting: str, tmp_path: Path
) -> None:
    careless = locate(tmp_path, {"RECONCILE_JOURNAL": f"{location.url}%20-c{setting}=off"})
    database = Database(careless)
    with pytest.raises(JournalFailed, match=f"{setting} is off"), database.writing():
        pass
    assert sample_tables(location) == []


def sample_tables(location: Location) -> list[str]:
    from sqlalchemy import create_engine, inspect

    engine = create_engine(location.url)
    try:
        return inspect(engine).get_table_names()
    finally:
        engine.dispose()


@on_postgresql
def test_of_threads_that_take_a_new_org_at_once_one_gets_it(make_journal: MakeJournal) -> None:
    plans = [sample_plan(f"p{number}") for number in range(4)]
    for plan in plans:
        make_journal().save_plan(plan)
    start, end = threading.Barrier(len(plans)), threading.Barrier(len(plans))
    results = []

    def take(plan: Plan) -> None:
        journal = make_journal(plan.plan_id)
        start.wait(30)
        try:
            with journal.open_run(plan, "apply", allowed=FIRST):
                results.append("won")
                end.wait(30)
        except LeaseHeld:
            results.append("held")
            end.wait(30)

    threads = [threading.Thread(target=take, args=[plan]) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["held", "held", "held", "won"]


@on_postgresql
def test_a_run_goes_on_after_the_database_dropped_its_connections(journal: SqlJournal, sql: Sql) -> None:
    plan = sample_plan("p1")
    journal.save_plan(plan)
    run = journal._start_run(plan, "apply", FIRST, 0)
    sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    run.append(Event.INTENDED, {"call": 1})
    assert [each.event for each in journal.entries("p1")] == [Event.RUN_STARTED, Event.INTENDED]


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    place = locate(tmp_path, {"RECONCILE_JOURNAL": "postgresql://ada:s3cret@127.0.0.1:9/journal"})
    with (
        pytest.raises(
            JournalFailed, match=r"journal postgresql://ada@127\.0\.0\.1:9/journal: (.|\n)*mend"
        ) as failed,
        Database(place).reading(),
    ):
        pass
    assert "s3cret" not in str(failed.value)


def test_a_missing_driver_is_named_with_the_extra_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_module = builtins.__import__

    def without_psycopg(name: str, *more: Any) -> Any:
        if name.partition(".")[0] == "psycopg":
            raise ModuleNotFoundError(name)
        return import_module(name, *more)

    monkeypatch.setattr(builtins, "__import__", without_psycopg)
    place = locate(tmp_path, {"RECONCILE_JOURNAL": "postgresql://127.0.0.1:9/journal"})
    with (
        pytest.raises(JournalFailed, match=r"pip install 'reconciler\[postgres\]'"),
        Database(place).reading(),
    ):
        pass
