"""Leases and fences: one org, one writer; whoever lost it can write nothing."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.journal.runs import HeldRun
from reconciler.journal.store import SqlJournal
from reconciler.model.errors import LeaseHeld, LeaseLost, PlanRefused, PlanStale, UnknownPlan
from reconciler.model.journal import Event, Lease, PlanStatus

from .conftest import LEASE_SECONDS, ORG, OTHER_ORG, Hands, MakeJournal, Save, Sql, sample_plan

on_both_stores = pytest.mark.parametrize("location", ["sqlite", "postgresql"], indirect=True)
FIRST = [PlanStatus.PLANNED]
AGAIN = [PlanStatus.APPLYING, PlanStatus.PARTLY]


@pytest.fixture
def saved(journal: SqlJournal) -> Save:
    def save(*plan_ids: Any, **changes: Any) -> Any:
        plans = [sample_plan(plan_id, **changes) for plan_id in plan_ids]
        for plan in plans:
            journal.save_plan(plan)
        return plans[0] if len(plans) == 1 else plans

    return save


def held(journal: SqlJournal, org_id: str) -> Lease:
    lease = journal.lease(org_id)
    assert lease is not None
    return lease


def events(journal: SqlJournal, plan_id: str) -> list[Event]:
    return [each.event for each in journal.entries(plan_id)]


@on_both_stores
def test_an_org_is_held_while_a_run_is_open_and_free_after(journal: SqlJournal, saved: Save) -> None:
    plan = saved("p1")
    with journal.open_run(plan, "apply", allowed=FIRST):
        lease = held(journal, ORG)
        assert (lease.holder, lease.fence, lease.plan_id) == ("ada@laptop pid 1", 1, "p1")
        assert journal.lease(OTHER_ORG) is None
    assert journal.lease(ORG) is None


@on_both_stores
def test_a_second_run_on_the_org_is_refused_and_writes_nothing(
    journal: SqlJournal, make_journal: MakeJournal, saved: Save
) -> None:
    first, second = saved("p1", "p2")
    with journal.open_run(first, "apply", allowed=FIRST) as run:
        with (
            pytest.raises(LeaseHeld, match=rf"held by ada@laptop pid 1 for plan p1(.|\n)*unlock {ORG}:1"),
            make_journal("bob@ci pid 2").open_run(second, "apply", allowed=FIRST),
        ):
            pass
        run.append(Event.INTENDED, {})
    assert events(journal, "p2") == []
    assert journal.record("p2").status is PlanStatus.PLANNED


def test_two_orgs_are_held_at_once(journal: SqlJournal, saved: Save) -> None:
    here, there = saved("p1"), saved("p2", org_id=OTHER_ORG)
    with journal.open_run(here, "apply", allowed=FIRST), journal.open_run(there, "apply", allowed=FIRST):
        assert held(journal, ORG).plan_id == "p1"
        assert held(journal, OTHER_ORG).plan_id == "p2"


@on_both_stores
def test_the_fence_rises_with_every_holder(journal: SqlJournal, saved: Save) -> None:
    fences = []
    for plan in saved("p1", "p2", "p3"):
        with journal.open_run(plan, "apply", allowed=FIRST):
            fences.append(held(journal, ORG).fence)
    assert fences == [1, 2, 3]


@on_both_stores
def test_a_plan_runs_once(journal: SqlJournal, saved: Save) -> None:
    plan = saved("p1")
    with journal.open_run(plan, "apply", allowed=FIRST) as run:
        run.finish(PlanStatus.APPLIED)
    written = list(journal.entries("p1"))
    with (
        pytest.raises(PlanStale, match="applied already"),
        journal.open_run(plan, "apply", allowed=FIRST),
    ):
        pass
    assert list(journal.entries("p1")) == written
    assert journal.lease(ORG) is None


def test_a_plan_that_a_dead_run_left_is_resumed_as_its_second_run(journal: SqlJournal, saved: Save) -> None:
    plan = saved("p1")
    with journal.open_run(plan, "apply", allowed=FIRST) as run:
        run.append(Event.INTENDED, {"call": 1})
    with (
        pytest.raises(PlanStale, match="reconcile resume p1"),
        journal.open_run(plan, "apply", allowed=FIRST),
    ):
        pass
    with journal.open_run(plan, "resume", allowed=AGAIN) as run:
        run.finish(PlanStatus.APPLIED)
    assert [(each.run, each.event) for each in journal.entries("p1")] == [
        (1, Event.RUN_STARTED),
        (1, Event.INTENDED),
        (2, Event.RUN_STARTED),
        (2, Event.RUN_FINISHED),
    ]


def test_a_plan_that_was_never_saved_is_refused_and_the_org_stays_free(journal: SqlJournal) -> None:
    with (
        pytest.raises(UnknownPlan, match="no plan 'p1'"),
        journal.open_run(sample_plan("p1"), "apply", allowed=FIRST),
    ):
        pass
    assert journal.lease(ORG) is None


def test_a_plan_with_other_steps_than_the_saved_one_is_refused(journal: SqlJournal, saved: Save) -> None:
    saved("p1")
    with (
        pytest.raises(PlanRefused, match="not the one of that id"),
        journal.open_run(sample_plan("p1", "OTHER"), "apply", allowed=FIRST),
    ):
        pass
    assert journal.record("p1").status is PlanStatus.PLANNED


def test_a_dead_holder_keeps_the_org_until_its_lease_ran_out(
    journal: SqlJournal, make_journal: MakeJournal, saved: Save, clock: Hands
) -> None:
    dead, next_ = saved("p1", "p2")
    run = journal._start_run(dead, "apply", FIRST, 0)  # and no heartbeat: the process died
    clock.seconds += LEASE_SECONDS - 1
    with pytest.raises(LeaseHeld), make_journal("bob").open_run(next_, "apply", allowed=FIRST):
        pass
    clock.seconds += 2
    with make_journal("bob").open_run(next_, "apply", allowed=FIRST):
        assert held(journal, ORG).holder == "bob"
        with pytest.raises(LeaseLost, match="bob holds it now, for plan p2"):
            run.append(Event.INTENDED, {"call": 1})
    assert events(journal, "p1") == [Event.RUN_STARTED]


@on_both_stores
@pytest.mark.parametrize("act", ["append", "finish", "renew", "guard"])
def test_a_holder_that_froze_while_the_org_was_taken_over_can_do_nothing(
    journal: SqlJournal, make_journal: MakeJournal, saved: Save, sql: Sql, clock: Hands, act: str
) -> None:
    frozen, next_ = saved("p1", "p2")
    run = journal._start_run(frozen, "apply", FIRST, 0)
    sql("UPDATE lease SET expires_at = 0")
    clock.seconds += LEASE_SECONDS
    other = make_journal("bob")
    with other.open_run(next_, "apply", allowed=FIRST) as taken:
        acts: dict[str, Callable[[], object]] = {
            "append": lambda: run.append(Event.INTENDED, {}),
            "finish": lambda: run.finish(PlanStatus.APPLIED, protects=["Account/ACME"]),
            "renew": run.renew,
            "guard": lambda: run.guard(1),
        }
        with pytest.raises(LeaseLost):
            acts[act]()
        run.release()  # gives back only its own
        taken.append(Event.INTENDED, {})
    assert events(journal, "p1") == [Event.RUN_STARTED]
    assert journal.record("p1").status is PlanStatus.APPLYING
    assert journal.protected(ORG) == {}


def test_nothing_can_be_written_after_the_lease_was_given_back(journal: SqlJournal, saved: Save) -> None:
    with journal.open_run(saved("p1"), "apply", allowed=FIRST) as run:
        pass
    with pytest.raises(LeaseLost):
        run.append(Event.INTENDED, {})
    assert events(journal, "p1") == [Event.RUN_STARTED]


def test_the_guard_costs_nothing_while_the_lease_outlives_the_call(
    journal: SqlJournal, saved: Save, sql: Sql
) -> None:
    run = journal._start_run(saved("p1"), "apply", FIRST, 0)
    before = sql("SELECT expires_at FROM lease")
    run.guard(LEASE_SECONDS / 2)
    assert sql("SELECT expires_at FROM lease") == before


@on_both_stores
def test_the_guard_makes_the_lease_outlive_a_long_call(journal: SqlJournal, saved: Save, sql: Sql) -> None:
    run = journal._start_run(saved("p1"), "apply", FIRST, 0)
    [(before,)] = sql("SELECT expires_at FROM lease")
    run.guard(600)
    [(after,)] = sql("SELECT expires_at FROM lease")
    assert after - before > 500
    run.renew()  # a heartbeat does not shorten it
    assert sql("SELECT expires_at FROM lease") == [(after,)]


def test_a_renewal_that_took_longer_than_the_lease_is_no_renewal(make_journal: MakeJournal) -> None:
    ticks = iter([0.0, 0.0, LEASE_SECONDS, LEASE_SECONDS, 10_000.0])  # the last: when the renewal is done
    journal = make_journal(ticks=lambda: next(ticks))
    plan = sample_plan("p1")
    journal.save_plan(plan)
    run = journal._start_run(plan, "apply", FIRST, 0)
    with pytest.raises(LeaseLost):
        run.guard(10)


def test_every_append_renews_the_lease(journal: SqlJournal, saved: Save, clock: Hands) -> None:
    run = journal._start_run(saved("p1"), "apply", FIRST, 0)
    clock.seconds += LEASE_SECONDS / 2
    run.append(Event.INTENDED, {})
    assert held(journal, ORG).expires_at == clock() + LEASE_SECONDS


def test_the_heartbeat_renews_while_the_run_is_silent(
    make_journal: MakeJournal, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = make_journal(lease_seconds=0.003)
    plan = sample_plan("p1")
    journal.save_plan(plan)
    beaten, renew = threading.Event(), HeldRun.renew

    def renew_and_tell(run: HeldRun) -> None:
        renew(run)
        beaten.set()

    with journal.open_run(plan, "apply", allowed=FIRST):
        clock.seconds += 1000
        monkeypatch.setattr(HeldRun, "renew", renew_and_tell)
        assert beaten.wait(10)
        assert held(journal, ORG).plan_id == "p1"


def test_waiting_takes_the_org_when_it_becomes_free(
    journal: SqlJournal, make_journal: MakeJournal, saved: Save, clock: Hands
) -> None:
    dead, next_ = saved("p1", "p2")
    journal._start_run(dead, "apply", FIRST, 0)
    with make_journal("bob").open_run(next_, "apply", allowed=FIRST, wait_seconds=LEASE_SECONDS + 5):
        assert held(journal, ORG).holder == "bob"
    assert len(set(clock.slept)) > 10  # jitter: no two waiters march in step


def test_waiting_ends_with_the_time_it_was_given(
    journal: SqlJournal, make_journal: MakeJournal, saved: Save, clock: Hands
) -> None:
    dead, next_ = saved("p1", "p2")
    journal._start_run(dead, "apply", FIRST, 0)
    with (
        pytest.raises(LeaseHeld),
        make_journal("bob").open_run(next_, "apply", allowed=FIRST, wait_seconds=5),
    ):
        pass
    assert sum(clock.slept) == pytest.approx(5)


@on_both_stores
def test_unlocking_frees_the_org_stops_its_holder_and_leaves_a_trace(
    journal: SqlJournal, make_journal: MakeJournal, saved: Save
) -> None:
    run = journal._start_run(saved("p1"), "apply", FIRST, 0)
    make_journal("bob").unlock(f"{ORG}:1")
    assert journal.lease(ORG) is None
    with pytest.raises(LeaseLost):
        run.append(Event.INTENDED, {})
    last = list(journal.entries("p1"))[-1]
    assert (last.event, last.body["result"]) == (Event.RUN_FINISHED, "unlocked")
    assert journal.record("p1").status is PlanStatus.APPLYING
    journal.verify_chain()


@pytest.mark.parametrize("lease_id", [f"{ORG}:2", f"{ORG}:0", f"{OTHER_ORG}:1", ORG, "", "nonsense:x"])
def test_another_lease_id_unlocks_nothing(journal: SqlJournal, saved: Save, lease_id: str) -> None:
    run = journal._start_run(saved("p1"), "apply", FIRST, 0)
    with pytest.raises(PlanRefused, match="no lease"):
        journal.unlock(lease_id)
    run.append(Event.INTENDED, {})


def test_a_lease_given_back_cannot_be_unlocked(journal: SqlJournal, saved: Save) -> None:
    with journal.open_run(saved("p1"), "apply", allowed=FIRST):
        pass
    with pytest.raises(PlanRefused, match="nobody holds"):
        journal.unlock(f"{ORG}:1")


def test_an_error_inside_the_run_frees_the_org_and_leaves_the_plan_to_resume(
    journal: SqlJournal, saved: Save
) -> None:
    with pytest.raises(ZeroDivisionError), journal.open_run(saved("p1"), "apply", allowed=FIRST):
        raise ZeroDivisionError
    assert journal.lease(ORG) is None
    assert journal.record("p1").status is PlanStatus.APPLYING
