"""Plans: stored once, read back whole, listed newest first."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from reconciler.journal import new_plan_id
from reconciler.journal.body import pack
from reconciler.journal.store import SqlJournal
from reconciler.model.errors import JournalFailed, PlanRefused, UnknownPlan
from reconciler.model.journal import Event, PlanStatus
from reconciler.model.plan import Plan

from .conftest import ORG, OTHER_ORG, Hands, MakeJournal, Sql, sample_plan

on_both_stores = pytest.mark.parametrize("location", ["sqlite", "postgresql"], indirect=True)
FIRST = [PlanStatus.PLANNED]


def apply(journal: SqlJournal, plan: Plan, status: PlanStatus = PlanStatus.APPLIED, **finishing: Any) -> Plan:
    journal.save_plan(plan)
    with journal.open_run(plan, "apply", allowed=FIRST) as run:
        run.finish(status, **finishing)
    return plan


@on_both_stores
def test_a_saved_plan_comes_back_the_same(journal: SqlJournal, make_journal: MakeJournal) -> None:
    plan = sample_plan("p1", "ACME", "Émile / 50%", release="summer", warnings=("mind the gap",))
    journal.save_plan(plan)
    loaded, record = make_journal().load_plan("p1")
    assert loaded == plan
    assert (record.status, record.steps, record.release, record.actor) == (
        PlanStatus.PLANNED,
        2,
        "summer",
        "ada",
    )


def test_saving_a_plan_twice_keeps_one(journal: SqlJournal) -> None:
    journal.save_plan(sample_plan("p1"))
    journal.save_plan(sample_plan("p1"))
    assert [each.plan_id for each in journal.history()] == ["p1"]


@on_both_stores
def test_another_plan_may_not_take_an_id(journal: SqlJournal) -> None:
    journal.save_plan(sample_plan("p1", "ACME"))
    with pytest.raises(PlanRefused, match="another plan with the id p1"):
        journal.save_plan(sample_plan("p1", "OTHER"))
    assert journal.load_plan("p1")[0].steps[0].address == "Account/ACME"


def test_an_unknown_id_is_refused_and_the_nearest_named(journal: SqlJournal) -> None:
    journal.save_plan(sample_plan("2031-05-04-uat-1f3ak"))
    with pytest.raises(UnknownPlan, match="did you mean '2031-05-04-uat-1f3ak'"):
        journal.record("2031-05-04-uat-1f3ax")
    with pytest.raises(UnknownPlan, match="no plan 'zzz'"):
        journal.load_plan("zzz")


@on_both_stores
def test_history_is_newest_first_and_knows_one_org_from_another(journal: SqlJournal) -> None:
    for plan_id, org in [("p1", ORG), ("p2", OTHER_ORG), ("p3", ORG)]:
        journal.save_plan(sample_plan(plan_id, org_id=org))
    assert [each.plan_id for each in journal.history()] == ["p3", "p2", "p1"]
    assert [each.plan_id for each in journal.history(ORG)] == ["p3", "p1"]
    assert [each.plan_id for each in journal.history(limit=1)] == ["p3"]


def test_a_plan_names_the_reverts_that_ran_and_no_others(journal: SqlJournal) -> None:
    apply(journal, sample_plan("p1"))
    journal.save_plan(sample_plan("never-ran", reverts="p1"))
    apply(journal, sample_plan("r1", reverts="p1"))
    assert journal.record("p1").reverted_by == ("r1",)
    assert [each.reverted_by for each in journal.history() if each.plan_id == "p1"] == [("r1",)]


@on_both_stores
def test_plans_touching_an_address_are_those_begun_after(journal: SqlJournal) -> None:
    apply(journal, sample_plan("p1", "ACME"))
    apply(journal, sample_plan("p2", "OTHER"))
    apply(journal, sample_plan("p3", "OTHER", "ACME"), PlanStatus.PARTLY)
    apply(journal, sample_plan("elsewhere", "ACME", org_id=OTHER_ORG))
    apply(journal, sample_plan("refused", "ACME"), PlanStatus.REFUSED)
    journal.save_plan(sample_plan("never-ran", "ACME"))
    apply(journal, sample_plan("p4", "ACME"))
    addresses = ["Account/ACME", "Account/NOBODY"]
    assert [each.plan_id for each in journal.plans_touching(ORG, addresses, "p1")] == ["p3", "p4"]
    assert journal.plans_touching(ORG, addresses, "p4") == []
    assert journal.plans_touching(ORG, [], "p1") == []


def test_plans_touching_finds_the_one_among_ten_thousand_addresses(journal: SqlJournal) -> None:
    apply(journal, sample_plan("p1", "ACME"))
    apply(journal, sample_plan("p2", "ACME", *(f"A{n}" for n in range(1200))))
    addresses = [f"Account/A{n}" for n in range(10_000)]
    assert [each.plan_id for each in journal.plans_touching(ORG, addresses, "p1")] == ["p2"]


def test_a_plan_that_a_dead_run_left_counts_as_touching(journal: SqlJournal, clock: Hands) -> None:
    apply(journal, sample_plan("p1"))
    dead = sample_plan("p2")
    journal.save_plan(dead)
    with journal.open_run(dead, "apply", allowed=FIRST) as run:
        run.append(Event.INTENDED, {"call": 1})
    assert [each.plan_id for each in journal.plans_touching(ORG, ["Account/ACME"], "p1")] == ["p2"]


@on_both_stores
def test_protections_outlive_the_plan_that_made_them(journal: SqlJournal) -> None:
    apply(journal, sample_plan("p1"), protects=["Account/ACME", "Account/B"])
    apply(journal, sample_plan("p2"), protects=["Account/ACME", "Account/ACME"], unprotects=["Account/B"])
    assert journal.protected(ORG) == {"Account/ACME": "p1"}
    assert journal.protected(OTHER_ORG) == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no zlib",
        pack({"plan_format": "1.0"}),
        pack(sample_plan("other").to_json()),
        pack({"steps": None}),
    ],
    ids=["empty", "not deflated", "incomplete", "another plan", "nonsense"],
)
def test_a_damaged_plan_is_named_and_not_read(journal: SqlJournal, sql: Sql, body: Any) -> None:
    journal.save_plan(sample_plan("p1"))
    sql("UPDATE plan SET body = :body", body=body)
    with pytest.raises(JournalFailed, match="plan p1 is damaged"):
        journal.load_plan("p1")


def test_a_damaged_status_is_named(journal: SqlJournal, sql: Sql) -> None:
    journal.save_plan(sample_plan("p1"))
    sql("UPDATE plan SET status = 'nonsense'")
    with pytest.raises(JournalFailed, match="plan p1 is damaged"):
        journal.history()


def test_a_plan_id_needs_no_quotes_and_sorts_by_day() -> None:
    now = datetime(2031, 5, 4, 10, tzinfo=UTC)
    assert re.fullmatch(r"2031-05-04-acme-uat-2-[0-9a-z]{5}", new_plan_id(now, "ACME UAT/2"))
    assert re.fullmatch(r"2031-05-04-org-[0-9a-z]{5}", new_plan_id(now, "日本"))
    assert new_plan_id(now, "zzz") < new_plan_id(now + timedelta(days=1), "aaa")


def test_the_day_of_a_plan_id_is_utc() -> None:
    late = datetime(2031, 5, 4, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    assert new_plan_id(late, "uat").startswith("2031-05-05-uat-")


def test_plan_ids_of_one_moment_differ() -> None:
    now = datetime(2031, 5, 4, tzinfo=UTC)
    assert len({new_plan_id(now, "uat") for _ in range(50)}) == 50
