"""Claims about fields that an earlier plan set from a secret, read by states that no longer say so."""

import traceback
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.emulator.http.faults import FaultKind
from reconciler.engine.explain import explain
from reconciler.model.errors import PlanStale, ReconcileError, RevertConflict
from reconciler.render.explain import explanation_to_json, render_explanation
from reconciler.render.machine import dumps, error_to_json, plan_to_json
from reconciler.render.text import render_plan, render_problems

CANARY = "canary-5f1e9b"
ACCOUNTS = "records: {Account: {$key: Account_Code__c, rows: {%s}}}"
SECRETLY = "variables: {pin: {type: secret}}\n" + ACCOUNTS % 'A: {Name: Acme, Description: "${pin}"}'
GONE = ACCOUNTS % "A: {$absent: true}"
PLAINLY = ACCOUNTS % "A: {Description: plain}"


def shown(plan: Any) -> str:
    printed = dumps(plan_to_json(plan)) + render_plan(plan, heading="plan")
    return printed + str(plan.to_json()) + repr(plan)


def stored(stage: Any) -> bytes:
    """Every byte on disk but the state files', the write-ahead log among them; bodies inflated."""
    files = [path for path in stage.folder.rglob("*") if path.is_file() and path.suffix != ".yaml"]
    assert any(path.name.endswith("-wal") for path in files)
    bodies = [stage.journal.load_plan(each.plan_id)[0].to_json() for each in stage.journal.history()]
    entries = [
        entry.body for each in stage.journal.history() for entry in stage.journal.entries(each.plan_id)
    ]
    return b"".join(path.read_bytes() for path in files) + repr([bodies, entries]).encode()


def description(stage: Any) -> Any:
    return [row["Description"] for row in stage.org.rows("Account")]


@pytest.fixture
def kept(demo: Any) -> Any:
    """A stage on which a plan has set a field from a secret that nothing gives any more."""
    demo.it = demo.plan(SECRETLY, assigned={"pin": CANARY})
    assert demo.apply(demo.it).status.value == "applied"
    demo.secrets = {}
    return demo


@pytest.mark.parametrize(
    "text",
    [
        GONE,
        ACCOUNTS % "A: {$absent: true, Description: x}",
        PLAINLY,
        ACCOUNTS % "a: {$absent: true}",
        "records: {Account: {$key: Name, rows: {Acme: {$absent: true}}}}",
        "records: {Account: {$key: Name, rows: {Acme: {Description: plain}}}}",
    ],
)
def test_a_secret_of_an_earlier_plan_is_in_no_plan_journal_or_output(kept: Any, text: str) -> None:
    plan = kept.plan(text)
    result = kept.apply(plan)
    back = kept.plan_revert(plan)
    kept.apply(back, verb="revert")
    assert plan.steps and result.status.value == "applied"
    assert CANARY not in shown(plan) + shown(back) + str(kept.report.events) + str(result.unmet)
    assert CANARY.encode() not in stored(kept)


def test_a_deleted_row_comes_back_without_its_secret_and_the_plan_says_so_first(kept: Any) -> None:
    with kept.org.transaction(kept.org.admin_id) as transaction:
        transaction.update("Account", kept.org.rows("Account")[0]["Id"], {"Phone": "1"})
    plan = kept.plan(GONE)
    (step,) = plan.steps
    assert step.reversibility.value == "compensating"
    assert "Description stays empty: it is a secret and was not stored" in step.remark
    kept.apply(plan)
    kept.revert(plan)
    (row,) = kept.org.rows("Account")
    assert (row["Name"], row["Phone"], row["Description"]) == ("Acme", "1", None)


def test_a_row_that_cannot_be_made_without_its_secret_is_irreversible(demo: Any) -> None:
    text = "variables: {pin: {type: secret}}\n" + ACCOUNTS % 'A: {Name: "${pin}"}'
    demo.apply(demo.plan(text, assigned={"pin": CANARY}))
    demo.secrets = {}
    (step,) = demo.plan(GONE).steps
    assert (step.reversibility.value, step.undo) == ("none", None)
    assert "no row can be made without Name" in step.remark and CANARY not in step.remark


def test_a_secret_that_this_run_knows_comes_back_with_the_row(kept: Any) -> None:
    both = SECRETLY.replace("A: {", "A: {$absent: true, ")
    plan = kept.plan(both, assigned={"pin": CANARY})
    kept.apply(plan)
    back = kept.plan_revert(plan)
    assert back.secrets == ("pin",)
    kept.apply(back, verb="revert")
    assert description(kept) == [CANARY]
    assert CANARY not in shown(plan) + shown(back)
    assert CANARY.encode() not in stored(kept)


def test_a_declared_secret_of_a_row_that_goes_is_not_stored_even_when_it_is_another_one(demo: Any) -> None:
    demo.org.has("Account", Name="Acme", Account_Code__c="A", Description=CANARY)
    plan = demo.plan(SECRETLY.replace("A: {", "A: {$absent: true, "), assigned={"pin": "another"})
    demo.apply(plan)
    assert CANARY not in shown(plan)
    assert CANARY.encode() not in stored(demo)


def test_a_field_that_holds_something_else_since_is_remembered_no_more(kept: Any) -> None:
    kept.apply(kept.plan(PLAINLY))
    assert description(kept) == ["plain"]
    assert kept.journal.secret_fields(kept.org.org_id) == []
    plan = kept.plan(PLAINLY.replace("plain", "other"))
    assert plan.steps[0].before == {"Description": "plain"}
    assert plan.steps[0].reversibility.value == "exact"


def test_a_row_made_anew_in_its_place_without_a_secret_hides_nothing(kept: Any) -> None:
    kept.apply(GONE)
    kept.apply(ACCOUNTS % "A: {Name: Acme, Description: plain}")
    assert kept.plan(GONE).steps[0].before["Description"] == "plain"


def test_a_renamed_row_keeps_its_secret_also_when_its_former_key_is_taken(kept: Any) -> None:
    kept.apply(ACCOUNTS % "B: {$was: A}")
    kept.apply(ACCOUNTS % "A: {Name: new, Description: open}")
    plan = kept.plan(ACCOUNTS % "A: {$absent: true}, B: {$absent: true}")
    befores = {step.address: step.before["Description"] for step in plan.steps}
    assert befores["Account/A"] == "open"
    assert CANARY not in shown(plan)


def test_a_secret_whose_answer_was_lost_is_remembered(demo: Any) -> None:
    plan = demo.plan(SECRETLY, assigned={"pin": CANARY})
    demo.faults.add(FaultKind.LOSE_AFTER, method="POST", path="sobjects", times=1)
    demo.apply(plan)
    (remembered,) = demo.journal.secret_fields(demo.org.org_id)
    assert (remembered.address, remembered.field) == ("Account/A", "Description")
    assert remembered.record_id == demo.org.rows("Account")[0]["Id"]


def test_a_secret_is_remembered_before_it_is_sent(demo: Any) -> None:
    class Died(BaseException):
        """The process ends here."""

    def die(name: str) -> None:
        if name == "after intended":
            raise Died

    plan = demo.plan(SECRETLY, assigned={"pin": CANARY})
    demo.points = die
    with pytest.raises(Died):
        demo.apply(plan)
    assert [each.field for each in demo.journal.secret_fields(demo.org.org_id)] == ["Description"]


def test_a_plan_that_was_not_applied_makes_no_secret(demo: Any) -> None:
    demo.plan(SECRETLY, assigned={"pin": CANARY})
    assert demo.journal.secret_fields(demo.org.org_id) == []


def test_a_secret_is_one_orgs(kept: Any) -> None:
    assert kept.journal.secret_fields("00D000000000009EAA") == []


def test_a_plan_that_a_secret_made_stale_does_not_tell_it(demo: Any) -> None:
    demo.org.has("Account", Name="Acme", Account_Code__c="A", Description="before")
    stale = demo.plan(PLAINLY)
    demo.apply(demo.plan(SECRETLY, assigned={"pin": CANARY}))
    with pytest.raises(PlanStale) as refused:
        demo.apply(stale)
    assert "Description is a secret, the plan expects 'before'" in str(refused.value)
    assert CANARY not in "".join(traceback.format_exception(refused.value))
    assert CANARY.encode() not in stored(demo)
    assert description(demo) == [CANARY]


@pytest.mark.parametrize("policy", ["fail", "skip", "force"])
def test_a_revert_under_a_later_secret_does_not_tell_it(demo: Any, policy: str) -> None:
    demo.org.has("Account", Name="Acme", Account_Code__c="A", Description="before")
    plan = demo.plan(PLAINLY)
    demo.apply(plan)
    demo.apply(demo.plan(SECRETLY, assigned={"pin": CANARY}))
    demo.secrets = {}
    if policy == "fail":
        with pytest.raises(RevertConflict) as refused:
            demo.plan_revert(plan)
        assert "'before' before, 'plain' by us, is a secret now" in str(refused.value)
        assert CANARY not in render_problems(refused.value.problems) + dumps(error_to_json(refused.value))
    else:
        back = demo.plan_revert(plan, on_conflict=policy)
        assert CANARY not in shown(back)
        demo.apply(back, verb="revert")
    assert CANARY.encode() not in stored(demo)
    assert description(demo) == [{"fail": CANARY, "skip": CANARY, "force": "before"}[policy]]


@pytest.mark.parametrize("policy", ["fail", "force"])
def test_the_revert_of_a_create_under_a_later_secret_does_not_tell_it(demo: Any, policy: str) -> None:
    made = demo.plan(ACCOUNTS % "A: {Name: Acme, Description: plain}")
    demo.apply(made)
    demo.apply(demo.plan(SECRETLY, assigned={"pin": CANARY}))
    demo.secrets = {}
    try:
        back = demo.plan_revert(made, on_conflict=policy)
        assert CANARY not in shown(back)
        demo.apply(back, verb="revert")
    except RevertConflict as conflict:
        assert CANARY not in str(conflict)
    assert len(demo.org.rows("Account")) == (1 if policy == "fail" else 0)
    assert CANARY.encode() not in stored(demo)


def test_explain_does_not_tell_a_secret_of_an_earlier_plan(kept: Any) -> None:
    told = explain("Account/A", kept.load(PLAINLY), kept.world(), kept.journal)
    assert CANARY not in render_explanation(told) + str(explanation_to_json(told))


# ── any road ─────────────────────────────────────────────────────────────────────────────────────

ROADS = {
    "secret": SECRETLY,
    "plain": PLAINLY,
    "gone": GONE,
    "name": ACCOUNTS % "A: {Name: other}",
    "renamed": ACCOUNTS % "B: {$was: A}",
    "other key": "records: {Account: {$key: Name, rows: {Acme: {Description: plain}}}}",
    "back": "",
    "force": "",
}


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(road=st.lists(st.sampled_from(sorted(ROADS)), min_size=2, max_size=6))
def test_on_no_road_does_a_secret_reach_the_disk_or_the_screen(new_stage: Any, road: list[str]) -> None:
    """Planned, applied and taken back in any order; whoever does not name the secret is not given it."""
    stage = new_stage()
    said = ""
    plans: list[Any] = []
    for word in ["secret", *road]:
        try:
            if word in ("back", "force"):
                plan = stage.plan_revert(plans[-1], on_conflict="force" if word == "force" else "fail")
            else:
                given_ = {"pin": CANARY} if word == "secret" else {}
                plan = stage.plan(ROADS[word], assigned=given_)
            plans.append(plan)
            said += shown(plan)
            stage.apply(plan, verb="revert" if plan.reverts else "apply")
        except ReconcileError as error:
            said += "".join(traceback.format_exception(error))
    assert CANARY not in said + str(stage.report.events)
    assert CANARY.encode() not in stored(stage)


ECHOING = {
    "a number": 'Price_Rule__c: {$key: Code__c, rows: {A: {Name: a, Margin__c: "${pin}"}}}',
    "a date": 'Price_Rule__c: {$key: Code__c, rows: {A: {Name: a, Valid_From__c: "${pin}"}}}',
    "a picklist": 'Account: {$key: Account_Code__c, rows: {A: {Name: a, Tier__c: "${pin}"}}}',
    "a checkbox": 'Price_Rule__c: {$key: Code__c, rows: {A: {Name: a, Active__c: "${pin}"}}}',
    "a short text": 'Account: {$key: Account_Code__c, rows: {A: {Name: a, Phone: "${pin}"}}}',
}


@pytest.mark.parametrize("records", ECHOING.values(), ids=ECHOING)
@pytest.mark.parametrize("twice", [False, True])
def test_an_org_that_refuses_a_secret_by_its_value_is_quoted_without_it(
    demo: Any, records: str, twice: bool
) -> None:
    secret = CANARY * 9
    if twice:  # several rows go by another endpoint
        records = records.replace("rows: {A: ", "rows: {B: {Name: b}, A: ")
    state = "variables: {pin: {type: secret}}\nrecords: {" + records + "}"
    plan = demo.plan(state, assigned={"pin": secret})
    result = demo.apply(plan)
    assert result.status.value in ("partly", "applied")
    assert CANARY not in str(demo.report.events)
    assert CANARY.encode() not in stored(demo)
