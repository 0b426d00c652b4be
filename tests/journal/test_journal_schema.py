"""The schema: migrations and code agree, and a current journal opens without Alembic."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import inspect

from reconciler.journal import open_journal, tables
from reconciler.journal.store import SqlJournal
from reconciler.model.journal import PlanStatus, SecretField
from reconciler.model.values import Secret

from .conftest import ORG, MakeJournal, sample_plan, sample_step

on_both_stores = pytest.mark.parametrize("location", ["sqlite", "postgresql"], indirect=True)


@on_both_stores
def test_the_migrations_make_what_the_code_expects(journal: SqlJournal) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    journal.save_plan(sample_plan("p1"))
    with journal._database.writing() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": tables.VERSION_TABLE})
        assert compare_metadata(context, tables.metadata) == []


def test_the_newest_revision_is_the_one_the_code_knows() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from reconciler.journal import migrations

    config = Config()
    config.set_main_option("script_location", str(migrations.__path__[0]))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert script.get_current_head() == tables.HEAD
    assert {each.revision for each in script.walk_revisions()} == tables.KNOWN


@on_both_stores
def test_the_first_revision_can_be_taken_back_to_nothing(journal: SqlJournal) -> None:
    from alembic import command
    from alembic.config import Config

    from reconciler.journal import migrations

    journal.save_plan(sample_plan("p1"))
    config = Config()
    config.set_main_option("script_location", str(migrations.__path__[0]))
    config.set_main_option("path_separator", "os")
    with journal._database.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        left = set(inspect(connection).get_table_names()) - {"sqlite_sequence"}
    assert left == {tables.VERSION_TABLE}


@on_both_stores
def test_secrets_that_plans_wrote_before_they_were_remembered_are_remembered(
    journal: SqlJournal, make_journal: MakeJournal
) -> None:
    from alembic import command
    from alembic.config import Config

    from reconciler.journal import migrations

    secret = replace(sample_step("ACME"), after={"Tier__c": "Gold", "Pin__c": Secret("pin")})
    plans = [sample_plan(name, steps=[secret], secrets=("pin",)) for name in ("p1", "p2")]
    for plan in (*plans, sample_plan("p3")):
        journal.save_plan(plan)
    for begun in (plans[0], sample_plan("p3")):
        with journal.open_run(begun, "apply", allowed=[PlanStatus.PLANNED]) as run:
            run.finish(PlanStatus.APPLIED)
    config = Config()
    config.set_main_option("script_location", str(migrations.__path__[0]))
    config.set_main_option("path_separator", "os")
    with journal._database.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    later = make_journal()
    assert later.secret_fields(ORG) == [SecretField("Account/ACME", "Pin__c")]
    assert later.record("p1").status is PlanStatus.APPLIED
    later.verify_chain()


def imported_by(code: str) -> set[str]:
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    return set(subprocess.check_output([sys.executable, "-c", f"{code}\n{report}"], text=True).split())


def test_naming_a_journal_imports_no_database() -> None:
    assert imported_by("import reconciler.journal").isdisjoint({"sqlalchemy", "alembic", "sqlite3"})


def test_a_current_journal_opens_without_alembic(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, environ={})
    journal.save_plan(sample_plan("p1"))
    journal.close()
    code = (
        "from pathlib import Path; from reconciler.journal import open_journal\n"
        f"assert open_journal(Path({str(tmp_path)!r}), environ={{}}).history()"
    )
    assert imported_by(code).isdisjoint({"alembic", "mako"})


def test_an_append_reads_its_fence_by_key_and_a_plan_its_entries_by_index(journal: SqlJournal) -> None:
    journal.save_plan(sample_plan("p1"))
    queries = [
        "SELECT * FROM entry WHERE plan_id = 'p1' AND seq > 7 ORDER BY seq LIMIT 100",
        "SELECT max(run) FROM entry WHERE plan_id = 'p1'",
        "SELECT * FROM entry WHERE (org_id, position) > ('x', 1) ORDER BY org_id, position LIMIT 100",
        "SELECT * FROM plan WHERE org_id = 'x' ORDER BY number DESC LIMIT 10",
        "SELECT * FROM plan WHERE reverts IN ('a', 'b')",
        "SELECT * FROM lease WHERE org_id = 'x'",
        "SELECT * FROM touched WHERE address_hash IN (1, 2)",
    ]
    with journal._database.writing() as connection:
        for query in queries:
            how = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
            assert all(each.startswith("SEARCH") for each in how), (query, how)
