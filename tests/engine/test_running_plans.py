"""Claims about applying: what is refused, what fails in part, what is retried, settled and resumed."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.emulator.http.faults import FaultKind
from reconciler.emulator.http.traffic import traffic
from reconciler.model.errors import (
    Interrupted,
    LeaseHeld,
    OrgError,
    PlanRefused,
    PlanStale,
    ReconcileError,
    SpecError,
    Stuck,
)
from reconciler.model.plan import Plan

ONE = "records: {Account: {$key: Account_Code__c, rows: {ACME: {Name: %s}}}}"
RULES = """
records:
  Account: {$key: Account_Code__c, rows: {ACME: {Name: Acme, Tier__c: Gold}}}
  Price_Rule__c:
    $key: Code__c
    rows:
      A: {Name: first, Account__r: {Account_Code__c: ACME}}
      B: {Name: second, Follows__r: {Code__c: A}}
      C: {Name: apart}
"""


def refused(stage: Any, plan: Any, error: type[ReconcileError], **more: Any) -> ReconcileError:
    """The error; nothing is written."""
    before = stage.org.snapshot()
    with pytest.raises(error) as raised:
        stage.apply(plan, **more)
    assert stage.org.snapshot() == before
    return raised.value


def rename(stage: Any, name: str, sobject: str = "Account") -> None:
    with stage.org.transaction(stage.org.admin_id) as transaction:
        for row in stage.org.rows(sobject):
            transaction.update(sobject, row["Id"], {"Name": name})


def events(stage: Any, word: str) -> list[Any]:
    return [each for each in stage.report.events if each[0] == word]


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_of_another_org_is_refused(new_stage: Callable[[], Any]) -> None:
    one, other = new_stage(), new_stage()
    plan = replace(one.plan(ONE % "Acme"), org_id="00D000000000099AAA")
    other.journal.save_plan(plan)
    error = refused(other, plan, PlanRefused)
    assert error.exit_code == 5 and "00D000000000099AAA" in str(error)


def test_an_expired_plan_is_refused(demo: Any) -> None:
    plan = replace(demo.plan(ONE % "Acme"), plan_id="old", expires_at="2031-05-04T10:30:00Z")
    demo.journal.save_plan(plan)
    error = refused(demo, plan, PlanStale)
    assert error.exit_code == 3 and "expired at 2031-05-04T10:30:00Z" in str(error)


def test_a_plan_that_was_applied_is_not_applied_again_even_when_the_org_is_as_before(demo: Any) -> None:
    plan = demo.plan(ONE % "Acme")
    demo.apply(plan)
    demo.revert(plan)
    assert refused(demo, plan, PlanStale).exit_code == 3


def test_a_field_that_moved_is_named_with_both_values_and_its_line(demo: Any) -> None:
    demo.apply(ONE % "Acme")
    plan = demo.plan(ONE % "Wanted")
    rename(demo, "Moved")
    error = refused(demo, plan, PlanStale)
    assert "Account/ACME: Name is 'Moved', the plan expects 'Acme'" in str(error)
    assert "state.yaml:2:" in str(error)
    assert demo.status(plan).value == "refused"


def test_a_row_that_came_or_went_in_the_meantime_refuses_the_plan(demo: Any) -> None:
    create = demo.plan(ONE % "Acme")
    row = demo.org.has("Account", Name="theirs", Account_Code__c="ACME")
    assert "is present, the plan expects it absent" in str(refused(demo, create, PlanStale))
    update = demo.plan(ONE % "Acme")
    with demo.org.transaction(demo.org.admin_id) as transaction:
        transaction.delete("Account", row)
    assert "is absent, the plan expects it present" in str(refused(demo, update, PlanStale))


def test_an_edit_of_a_field_that_the_plan_does_not_touch_refuses_nothing(demo: Any) -> None:
    demo.apply(ONE % "Acme")
    plan = demo.plan(ONE % "Wanted")
    with demo.org.transaction(demo.org.admin_id) as transaction:
        transaction.update("Account", demo.org.rows("Account")[0]["Id"], {"Phone": "1"})
    assert demo.apply(plan).status.value == "applied"


@pytest.mark.parametrize("lost", ["steps", "secrets", "org_id", "digest"])
def test_a_cut_plan_is_not_loaded(demo: Any, lost: str) -> None:
    data = demo.plan(ONE % "Acme").to_json()
    data.pop(lost)
    with pytest.raises((ValueError, KeyError)):
        Plan.from_json(data)


def test_a_plan_of_which_a_value_was_changed_is_not_loaded(demo: Any) -> None:
    text = json.dumps(demo.plan(ONE % "Acme").to_json())
    with pytest.raises(ValueError, match="digest"):
        Plan.from_json(json.loads(text.replace('"Acme"', '"Evil"')))


def test_a_run_that_holds_the_lease_keeps_others_out(demo: Any) -> None:
    first, second = demo.plan(ONE % "Acme"), demo.plan(ONE % "Other")
    errors: list[ReconcileError] = []

    def meanwhile(*anything: Any) -> None:
        with pytest.raises(LeaseHeld) as held:
            demo.apply(second)
        errors.append(held.value)

    demo.faults.add(FaultKind.HOOK, method="POST", path="sobjects", before=meanwhile)
    assert demo.apply(first).status.value == "applied"
    assert errors[0].exit_code == 4
    assert [row["Name"] for row in demo.org.rows("Account")] == ["Acme"]


# ── the window between the last look and the write ───────────────────────────────────────────────


def test_a_single_update_is_refused_when_the_row_moves_right_before_the_write(demo: Any) -> None:
    demo.apply(ONE % "Acme")
    plan = demo.plan(ONE % "Wanted")
    demo.org.clock.advance(5_000)
    fault = demo.faults.add(
        FaultKind.HOOK, method="PATCH", path="Account", before=lambda *_: rename(demo, "Theirs")
    )
    result = demo.apply(plan)
    assert fault.fired == 1
    assert result.status.value == "partly"
    assert [row["Name"] for row in demo.org.rows("Account")] == ["Theirs"]
    refusal = result.lives.steps[0].refusal
    assert refusal is not None and refusal.moved


def test_a_row_that_moves_during_a_run_is_left_alone_and_the_rest_goes_on(demo: Any) -> None:
    demo.apply(RULES)
    plan = demo.plan(RULES.replace("Gold", "Silver").replace("name: apart", "x").replace("apart", "together"))
    demo.faults.add(
        FaultKind.HOOK,
        method="PATCH|POST",
        path="sobjects",
        after=lambda *_: rename(demo, "moved", "Price_Rule__c"),
    )
    result = demo.apply(plan)
    assert result.status.value == "partly"
    assert demo.org.rows("Account")[0]["Tier__c"] == "Silver"
    assert {row["Name"] for row in demo.org.rows("Price_Rule__c")} == {"moved"}


# ── partial failure ──────────────────────────────────────────────────────────────────────────────


def test_what_stands_on_a_failed_row_is_skipped_because_of_it_and_the_rest_is_done(demo: Any) -> None:
    plan = demo.plan(RULES)
    demo.faults.add(FaultKind.LOCK, method="POST", path="sobjects", rows=['"Code__c": "A"'], times=None)
    result = demo.apply(plan)
    assert result.status.value == "partly"
    assert {row["Code__c"] for row in demo.org.rows("Price_Rule__c")} == {"C"}
    assert events(demo, "skipped") == [("skipped", "Price_Rule__c/B", "Price_Rule__c/A")]
    assert len(demo.org.rows("Account")) == 1
    demo.faults.clear()
    assert demo.resume(plan).status.value == "applied"
    assert demo.plan(RULES).steps == []
    demo.revert(plan)
    assert demo.org.rows("Price_Rule__c") == []


def test_a_partly_applied_plan_is_taken_back_as_far_as_it_came(demo: Any) -> None:
    before = demo.org.snapshot()
    plan = demo.plan(RULES)
    demo.faults.add(FaultKind.LOCK, method="POST", path="sobjects", rows=['"Code__c": "A"'], times=None)
    demo.apply(plan)
    demo.faults.clear()
    back = demo.plan_revert(plan)
    assert {step.address for step in back.steps} == {"Account/ACME", "Price_Rule__c/C"}
    demo.apply(back, verb="revert")
    assert demo.org.snapshot() == before


def test_a_run_told_to_stop_at_failures_sends_nothing_after_one(demo: Any) -> None:
    plan = demo.plan(RULES)
    demo.faults.add(FaultKind.LOCK, method="POST", path="sobjects", rows=["ACME"], times=None)
    result = demo.apply(plan, on_failure="stop")
    assert result.status.value == "partly"
    assert demo.org.rows("Price_Rule__c") == []


def test_a_stop_between_two_calls_is_resumable(demo: Any) -> None:
    plan = demo.plan(RULES)
    answers = iter([False, True])
    with pytest.raises(Interrupted) as stopped:
        demo.apply(plan, stop=lambda: next(answers))
    assert stopped.value.exit_code == 130 and "1 of 4 steps are done" in str(stopped.value)
    assert demo.resume(plan).status.value == "applied"
    assert demo.plan(RULES).steps == []


def test_a_resume_refuses_what_moved_since(demo: Any) -> None:
    demo.apply(RULES)
    changed = RULES.replace("Gold", "Silver").replace("first", "changed")
    plan = demo.plan(changed)
    answers = iter([False, True])
    with pytest.raises(Interrupted):
        demo.apply(plan, stop=lambda: next(answers))
    rename(demo, "theirs", "Price_Rule__c")
    assert "theirs" in str(refused(demo, plan, PlanStale, verb="resume"))


@pytest.mark.parametrize("verb", ["resume"])
def test_a_plan_that_was_not_begun_is_not_resumed(demo: Any, verb: str) -> None:
    refused(demo, demo.plan(ONE % "Acme"), ReconcileError, verb=verb)


# ── retries and lost answers ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [FaultKind.THROTTLE, FaultKind.LOCK])
def test_a_passing_refusal_is_sent_again(demo: Any, kind: FaultKind) -> None:
    fault = demo.faults.add(kind, method="POST", path="sobjects", times=1)
    assert demo.apply(RULES).status.value == "applied"
    assert fault.fired == 1
    assert demo.plan(RULES).steps == []


@pytest.mark.parametrize("kind", [FaultKind.LOSE_AFTER, FaultKind.LOSE_BEFORE, FaultKind.CUT])
def test_a_lost_answer_is_looked_for_in_the_org(demo: Any, kind: FaultKind) -> None:
    demo.apply(RULES)
    changed = RULES.replace("Gold", "Silver").replace("apart", "together")
    fault = demo.faults.add(kind, method="POST|PATCH|DELETE", path="sobjects", times=2)
    assert demo.apply(changed).status.value == "applied"
    assert fault.fired == 2
    assert events(demo, "settling") or kind is FaultKind.CUT  # an answer without a body cannot be cut
    assert demo.plan(changed).steps == []


@pytest.mark.parametrize("kind", [FaultKind.LOSE_AFTER, FaultKind.LOSE_BEFORE])
def test_a_rename_whose_answer_is_lost_is_found_under_either_key(demo: Any, kind: FaultKind) -> None:
    demo.apply(ONE % "Acme")
    text = (ONE % "Acme").replace("ACME: {", "NEW: {$was: ACME, ")
    demo.faults.add(kind, method="PATCH", path="sobjects", times=1)
    assert demo.apply(text).status.value == "applied"
    assert [row["Account_Code__c"] for row in demo.org.rows("Account")] == ["NEW"]


def test_a_delete_whose_answer_is_lost_is_done(demo: Any) -> None:
    demo.apply(ONE % "Acme")
    text = (ONE % "x").replace("Name: x", "$absent: true")
    plan = demo.plan(text)
    demo.faults.add(FaultKind.LOSE_AFTER, method="DELETE", path="sobjects", times=1)
    assert demo.apply(plan).status.value == "applied"
    demo.revert(plan)
    assert [row["Name"] for row in demo.org.rows("Account")] == ["Acme"]


def test_an_org_that_never_answers_leaves_a_plan_that_can_be_gone_on_with(demo: Any) -> None:
    plan = demo.plan(RULES)
    demo.faults.add(FaultKind.LOSE_BEFORE, method="POST", path="sobjects", times=None)
    try:
        result = demo.apply(plan)
        assert result.status.value == "partly"
    except (OrgError, Stuck):
        assert demo.status(plan).value in ("partly", "planned")
    assert demo.org.rows("Account") == []
    demo.faults.clear()
    demo.apply(plan, verb="apply" if demo.status(plan).value == "planned" else "resume")
    assert demo.plan(RULES).steps == []


def test_a_row_that_is_neither_as_before_nor_as_after_is_left_to_the_operator(demo: Any) -> None:
    demo.apply(ONE % "Acme")
    plan = demo.plan(ONE % "Wanted")
    demo.faults.add(FaultKind.HOOK, method="PATCH", path="sobjects", after=lambda *_: rename(demo, "third"))
    demo.faults.add(FaultKind.LOSE_AFTER, method="PATCH", path="sobjects", times=1)
    with pytest.raises(Stuck) as stuck:
        demo.apply(plan)
    assert stuck.value.exit_code == 6 and "Account/ACME is in doubt" in str(stuck.value)
    assert f"reconcile resume {plan.plan_id}" in str(stuck.value)
    rename(demo, "Wanted")
    assert demo.resume(plan).status.value == "applied"


# ── what a plan says of itself ───────────────────────────────────────────────────────────────────


def test_the_calls_of_a_plan_are_about_what_it_says(demo: Any) -> None:
    for text in (RULES, RULES.replace("Gold", "Silver").replace("first", "other")):
        plan = demo.plan(text)
        traffic(demo.org).calls.clear()
        demo.apply(plan)
        made = len([call for call in traffic(demo.org).calls if "/services/data" in call[1]])
        assert made - 3 <= plan.impact.calls_to_apply <= made + 3


def test_a_plan_says_how_many_rows_of_what_it_makes_changes_and_removes(demo: Any) -> None:
    demo.apply(RULES)
    text = RULES.replace("Gold", "Silver").replace(
        "C: {Name: apart}", "C: {$absent: true}\n      D: {Name: d}"
    )
    plan = demo.plan(text)
    assert plan.impact.rows == {
        "Account": {"update": 1},
        "Price_Rule__c": {"create": 1, "delete": 1},
    }


def test_a_plan_that_must_be_reversible_refuses_what_is_not(demo: Any) -> None:
    text = "variables: {pin: {type: secret}}\n" + (ONE % "x").replace("Name: x", 'Phone: "${pin}"')
    demo.org.has("Account", Name="Acme", Account_Code__c="ACME", Phone="1")
    plan = demo.plan(text, assigned={"pin": "1234"})
    assert plan.steps[0].reversibility.value == "none"
    with pytest.raises(PlanRefused, match="cannot be taken back"):
        demo.plan(text, assigned={"pin": "1234"}, require_reversible=True)


# ── choosing ─────────────────────────────────────────────────────────────────────────────────────


def test_a_target_comes_with_what_it_stands_on(demo: Any) -> None:
    plan = demo.plan(RULES, targets=["Price_Rule__c/B"])
    assert {step.address for step in plan.steps} == {"Account/ACME", "Price_Rule__c/A", "Price_Rule__c/B"}
    assert plan.partial


def test_a_type_and_a_pattern_are_targets(demo: Any) -> None:
    assert {step.address for step in demo.plan(RULES, targets=["Account"]).steps} == {"Account/ACME"}
    assert {step.address for step in demo.plan(RULES, targets=["Price_Rule__c/C*"]).steps} == {
        "Price_Rule__c/C"
    }


def test_what_is_excluded_is_left_out_and_what_needs_it_is_told(demo: Any) -> None:
    assert "Price_Rule__c/C" not in {
        step.address for step in demo.plan(RULES, excludes=["Price_Rule__c/C"]).steps
    }
    before = demo.org.snapshot()
    with pytest.raises(SpecError, match="names Price_Rule__c A, which is not in the org nor declared"):
        demo.plan(RULES, excludes=["Price_Rule__c/A"])
    assert demo.org.snapshot() == before


def test_an_unknown_target_is_refused(demo: Any) -> None:
    with pytest.raises(SpecError, match="no resource is called Account/NOPE"):
        demo.plan(RULES, targets=["Account/NOPE"])


def test_a_target_of_a_permission_set_leaves_other_exact_scopes_alone(demo: Any) -> None:
    demo.apply(
        "permission_sets: {A: {assigned_to: [ada@acme.example]}, B: {assigned_to: [ada@acme.example]}}"
    )
    text = "permission_sets: {A: {assigned_to: {exactly: []}}, B: {assigned_to: {exactly: []}}}"
    plan = demo.plan(text, targets=["PermissionSet/A"])
    assert demo.addresses(plan) == ["delete PermissionSetAssignment/ada@acme.example/A"]


TWO = "permission_sets: {A: {assigned_to: {exactly: [ada@acme.example]}}, B: {}}"


@pytest.mark.parametrize("targets", [["PermissionSet/A"], ["PermissionSetAssignment"], ["PermissionSet"]])
def test_a_targeted_exact_list_keeps_who_stands_in_it(demo: Any, targets: list[str]) -> None:
    demo.apply("permission_sets: {A: {assigned_to: [ada@acme.example, bob@acme.example]}}")
    plan = demo.plan(TWO, targets=targets)
    assert "delete PermissionSetAssignment/bob@acme.example/A" in demo.addresses(plan)
    assert "delete PermissionSetAssignment/ada@acme.example/A" not in demo.addresses(plan)


@pytest.mark.parametrize("name", ["ada", "bob"])
def test_an_excluded_member_is_left_as_it_is_by_an_exact_list(demo: Any, name: str) -> None:
    demo.apply("permission_sets: {A: {assigned_to: [ada@acme.example, bob@acme.example]}, B: {}}")
    plan = demo.plan(TWO, excludes=[f"PermissionSetAssignment/{name}@acme.example/A"])
    expected = {"ada": ["delete PermissionSetAssignment/bob@acme.example/A"], "bob": []}
    assert demo.addresses(plan) == expected[name]


def test_a_targeted_exact_list_that_is_not_filled_yet_is_filled(demo: Any) -> None:
    plan = demo.plan(TWO, targets=["PermissionSet/A"])
    assert demo.addresses(plan) == [
        "create PermissionSet/A",
        "create PermissionSetAssignment/ada@acme.example/A",
    ]


# ── calls that outlive their client ──────────────────────────────────────────────────────────────


BY_NAME = "records: {Account: {$key: Name, rows: {Acme: {Industry: Banking}}}}"


class Waits:
    """Counts the waits of a run; after some of them a call that was still under way lands."""

    def __init__(self, stage: Any, lands_after: int) -> None:
        self.stage, self.lands_after, self.seconds = stage, lands_after, list[float]()

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if len(self.seconds) == self.lands_after:
            self.stage.org.has("Account", Name="Acme", Industry="Banking")


@pytest.mark.parametrize("lands_after", [1, 2, 4])
def test_a_create_that_lands_late_is_not_made_twice(demo: Any, lands_after: int) -> None:
    demo.faults.add(FaultKind.LOSE_BEFORE, method="POST", path="sobjects", times=1)
    assert demo.apply(BY_NAME, pause=Waits(demo, lands_after)).status.value == "applied"
    assert len(demo.org.rows("Account", Name="Acme")) == 1


def test_a_create_that_the_org_holds_unique_is_sent_again_after_a_short_wait(demo: Any) -> None:
    waits = Waits(demo, lands_after=0)
    demo.faults.add(FaultKind.LOSE_BEFORE, method="POST", path="sobjects", times=1)
    assert demo.apply(ONE % "Acme", pause=waits).status.value == "applied"
    assert waits.seconds == [3.0]
