"""Entries: any JSON comes back, order is kept, and a change behind the journal's back shows."""

import math
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.journal.body import pack, unpack
from reconciler.journal.chain import ChainHead
from reconciler.journal.location import Location
from reconciler.journal.store import SqlJournal
from reconciler.model.errors import JournalFailed
from reconciler.model.journal import Event, PlanStatus

from .conftest import ORG, OTHER_ORG, Hands, MakeJournal, Sql, sample_plan

on_both_stores = pytest.mark.parametrize("location", ["sqlite", "postgresql"], indirect=True)
FIRST = [PlanStatus.PLANNED]

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text() | st.text("\x00\x7f\udfffé")  # and half a character
values = st.recursive(scalars | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner))
bodies = st.dictionaries(texts, values)


@settings(max_examples=40, deadline=None)
@given(bodies)
def test_any_json_comes_back_the_same_and_in_its_order(body: Any) -> None:
    again = unpack(pack(body), "x")
    assert again == body
    assert list(again) == list(body)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_lacks_is_refused_before_it_is_written(journal: SqlJournal, number: float) -> None:
    plan = sample_plan("p1")
    journal.save_plan(plan)
    with journal.open_run(plan, "apply", allowed=FIRST) as run:
        with pytest.raises(ValueError, match="Out of range float"):
            run.append(Event.INTENDED, {"x": number})
        run.append(Event.INTENDED, {"x": 1})
    assert [each.body for each in journal.entries("p1")][1:] == [{"x": 1}]


@on_both_stores
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(bodies, max_size=3))
def test_what_was_appended_is_read_by_another_process(
    location: Location, written: list[dict[str, Any]]
) -> None:
    from reconciler.journal.database import Database
    from reconciler.journal.store import SqlJournal

    def opened() -> SqlJournal:
        return SqlJournal(Database(location), actor="ada", holder="ada")

    journal, reader = opened(), opened()
    plan = sample_plan(f"p{len(journal.history())}")
    journal.save_plan(plan)
    with journal.open_run(plan, "apply", allowed=FIRST) as run:
        seqs = [run.append(Event.OUTCOME, body) for body in written]
    read = list(reader.entries(plan.plan_id))[1:]
    assert [(each.seq, each.body) for each in read] == list(zip(seqs, written, strict=True))
    journal.close()
    reader.close()


def test_an_entry_says_when_by_the_journals_clock(journal: SqlJournal, clock: Hands) -> None:
    plan = sample_plan("p1")
    journal.save_plan(plan)
    with journal.open_run(plan, "apply", allowed=FIRST):
        pass
    assert [each.at for each in journal.entries("p1")] == ["2031-05-04T10:00:00Z"]


def test_reading_a_long_history_takes_no_more_memory_than_a_page(journal: SqlJournal) -> None:
    plan = sample_plan("p1")
    journal.save_plan(plan)
    body = {"steps": ["x" * 100_000]}
    with journal.open_run(plan, "apply", allowed=FIRST) as run:
        for _ in range(450):
            run.append(Event.OUTCOME, body)
    tracemalloc.start()
    count = sum(1 for _ in journal.entries("p1"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 451
    assert peak < 10_000_000  # 45 MB of bodies


def test_two_runs_of_one_org_do_not_mix(journal: SqlJournal) -> None:
    for plan_id in ("p1", "p2"):
        plan = sample_plan(plan_id)
        journal.save_plan(plan)
        with journal.open_run(plan, "apply", allowed=FIRST) as run:
            run.append(Event.INTENDED, {"of": plan_id})
    assert [each.body for each in journal.entries("p2")][1:] == [{"of": "p2"}]
    assert list(journal.entries("p3")) == []


def test_a_damaged_entry_is_named(journal: SqlJournal, sql: Sql) -> None:
    plan = sample_plan("p1")
    journal.save_plan(plan)
    with journal.open_run(plan, "apply", allowed=FIRST):
        pass
    sql("UPDATE entry SET body = :body", body=b"damaged")
    with pytest.raises(JournalFailed, match="entry 1 of plan p1 is damaged"):
        list(journal.entries("p1"))


@pytest.fixture
def chained(journal: SqlJournal) -> SqlJournal:
    """Two orgs, three entries each."""
    for plan_id, org in (("p1", ORG), ("p2", OTHER_ORG)):
        plan = sample_plan(plan_id, org_id=org)
        journal.save_plan(plan)
        with journal.open_run(plan, "apply", allowed=FIRST) as run:
            run.append(Event.INTENDED, {"call": 1})
            run.finish(PlanStatus.APPLIED)
    return journal


@on_both_stores
def test_an_untouched_journal_verifies_and_tells_the_heads_of_its_chains(chained: SqlJournal) -> None:
    heads = chained.verify_chain()
    assert [(head.org_id, head.size) for head in heads] == [(ORG, 3), (OTHER_ORG, 3)]
    assert [ChainHead.parse(str(head)) for head in heads] == list(heads)
    assert chained.verify_chain(heads) == heads


def test_a_journal_that_went_on_still_has_the_heads_noted_before(chained: SqlJournal) -> None:
    noted = chained.verify_chain()
    plan = sample_plan("p3")
    chained.save_plan(plan)
    with chained.open_run(plan, "apply", allowed=FIRST):
        pass
    assert [head.size for head in chained.verify_chain(noted)] == [4, 3]


TAMPERING = {
    "a body": "UPDATE entry SET body = (SELECT body FROM entry WHERE seq = 3) WHERE seq = 2",
    "a time": "UPDATE entry SET at = '2031-05-04T10:00:01Z' WHERE seq = 2",
    "an event": "UPDATE entry SET event = 'settled' WHERE seq = 2",
    "a fence": "UPDATE entry SET fence = 2 WHERE seq = 2",
    "a run": "UPDATE entry SET run = 2 WHERE seq = 2",
    "a key": "UPDATE entry SET key_id = 'other' WHERE seq = 2",
    "a nonce": "UPDATE entry SET nonce = body WHERE seq = 2",
    "another plan": "UPDATE entry SET plan_id = 'p2' WHERE seq = 2",
    "a hash": "UPDATE entry SET hash = prev_hash WHERE seq = 3",
    "a previous hash": "UPDATE entry SET prev_hash = hash WHERE seq = 2",
    "the first removed": "DELETE FROM entry WHERE seq = 1",
    "one removed": "DELETE FROM entry WHERE seq = 2",
    "the last removed": "DELETE FROM entry WHERE seq = 3",
    "one moved": "UPDATE entry SET position = 7 WHERE seq = 2",
    "all of an org removed": f"DELETE FROM entry WHERE org_id = '{ORG}'",
    "the lease row removed": f"DELETE FROM lease WHERE org_id = '{ORG}'",
    "the head set back": f"UPDATE lease SET chain_size = 2 WHERE org_id = '{ORG}'",
    "a plan's content": "UPDATE plan SET body = (SELECT max(body) FROM plan)",
    "a plan damaged": "UPDATE plan SET body = 'x' WHERE plan_id = 'p1'",
}


@pytest.mark.parametrize("change", TAMPERING.values(), ids=TAMPERING.keys())
def test_a_change_behind_the_journals_back_is_found(chained: SqlJournal, sql: Sql, change: str) -> None:
    sql(change)
    with pytest.raises(JournalFailed, match="somebody changed the journal"):
        chained.verify_chain()


def test_an_org_wiped_out_is_found_by_its_plan(chained: SqlJournal, sql: Sql) -> None:
    sql(f"DELETE FROM entry WHERE org_id = '{ORG}'")
    sql(f"DELETE FROM lease WHERE org_id = '{ORG}'")
    with pytest.raises(JournalFailed, match="plan p1 ran, but its entries are missing"):
        chained.verify_chain()


def test_a_cut_and_mended_chain_is_found_against_a_head_noted_before(chained: SqlJournal, sql: Sql) -> None:
    noted = chained.verify_chain()
    sql("DELETE FROM entry WHERE seq = 3")
    sql(
        "UPDATE lease SET chain_size = 2, chain_head = (SELECT hash FROM entry WHERE seq = 2) "
        f"WHERE org_id = '{ORG}'"
    )
    chained.verify_chain()
    with pytest.raises(JournalFailed, match="shorter than the one noted"):
        chained.verify_chain(noted)


def test_a_chain_made_anew_is_found_against_a_head_noted_before(
    chained: SqlJournal, sql: Sql, make_journal: MakeJournal
) -> None:
    noted = chained.verify_chain()
    for table in ("touched", "protection", "entry", "lease", "plan"):
        sql(f"DELETE FROM {table}")
    plan = sample_plan("p1", "OTHER")
    chained.save_plan(plan)
    with chained.open_run(plan, "apply", allowed=FIRST) as run:
        run.append(Event.INTENDED, {"call": 1})
        run.finish(PlanStatus.APPLIED)
    chained.verify_chain()
    with pytest.raises(JournalFailed, match="not the one noted") as failed:
        chained.verify_chain(noted)
    assert len(failed.value.problems) == 2  # and the other org's chain is gone


@pytest.mark.parametrize("noted", ["", "x", f"{ORG}:3:zz", f"{ORG}:x:{'00' * 32}", f"{ORG}:3:00"])
def test_a_noted_head_of_another_form_is_refused(noted: str) -> None:
    with pytest.raises(ValueError):
        ChainHead.parse(noted)
