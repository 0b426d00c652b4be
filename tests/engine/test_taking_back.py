"""Claims about reverts: three values compared, conflicts by policy, parts of a plan, reverts of reverts."""

from typing import Any

import pytest

from reconciler.emulator.http.faults import FaultKind
from reconciler.engine.revert import refuse_brought_back
from reconciler.model.errors import PlanRefused, PlanStale, ReconcileError, RevertConflict, SpecError

ACCOUNTS = "records: {Account: {$key: Account_Code__c, rows: {%s}}}"
ONE = ACCOUNTS % "A: {Name: ours, Phone: '1'}"
GONE = ACCOUNTS % "A: {$absent: true}"


def accounts(stage: Any) -> dict[str, tuple[str, str | None]]:
    return {row["Account_Code__c"]: (row["Name"], row["Phone"]) for row in stage.org.rows("Account")}


def edit(stage: Any, code: str, **fields: Any) -> None:
    with stage.org.transaction(stage.org.admin_id) as transaction:
        for row in stage.org.rows("Account", Account_Code__c=code):
            transaction.update("Account", row["Id"], fields)


def remove(stage: Any, code: str) -> None:
    with stage.org.transaction(stage.org.admin_id) as transaction:
        for row in stage.org.rows("Account", Account_Code__c=code):
            transaction.delete("Account", row["Id"])


def conflict(stage: Any, plan: Any, **more: Any) -> str:
    before = stage.org.snapshot()
    with pytest.raises(RevertConflict) as raised:
        stage.revert(plan, **more)
    assert stage.org.snapshot() == before
    assert raised.value.exit_code == 9
    return str(raised.value)


@pytest.fixture
def updated(demo: Any) -> Any:
    """A row that a plan changed from 'before' to 'ours'; the plan is ``stage.it``."""
    demo.org.has("Account", Name="before", Account_Code__c="A", Phone="0")
    demo.it = demo.plan(ONE)
    demo.apply(demo.it)
    return demo


# ── updates ──────────────────────────────────────────────────────────────────────────────────────


def test_a_moved_field_is_a_conflict_that_tells_all_three_values_and_who(updated: Any) -> None:
    edit(updated, "A", Name="theirs")
    said = conflict(updated, updated.it)
    assert "Account/A: Name was 'before' before, 'ours' by us, is 'theirs' now" in said
    assert updated.org.username in said
    assert "--on-conflict=skip" in said and "--on-conflict=force" in said


def test_skip_takes_back_the_fields_that_are_ours_and_leaves_the_rest(updated: Any) -> None:
    edit(updated, "A", Name="theirs")
    back = updated.plan_revert(updated.it, on_conflict="skip")
    assert any("left alone" in each and "theirs" in each for each in back.warnings)
    updated.apply(back, verb="revert")
    assert accounts(updated) == {"A": ("theirs", "0")}


def test_force_overwrites_and_says_so_and_can_be_taken_back_itself(updated: Any) -> None:
    edit(updated, "A", Name="theirs")
    back = updated.plan_revert(updated.it, on_conflict="force")
    assert any("overwritten" in each and "theirs" in each for each in back.warnings)
    updated.apply(back, verb="revert")
    assert accounts(updated) == {"A": ("before", "0")}
    updated.revert(back)
    assert accounts(updated) == {"A": ("theirs", "1")}


def test_a_field_that_is_as_before_already_is_nothing_to_do(updated: Any) -> None:
    edit(updated, "A", Name="before")
    back = updated.plan_revert(updated.it)
    (step,) = back.steps
    assert set(step.after) == {"Phone"}
    edit(updated, "A", Phone="0")
    assert updated.plan_revert(updated.it).steps == []


def test_a_field_that_the_plan_did_not_touch_is_no_conflict_and_is_kept(updated: Any) -> None:
    edit(updated, "A", Website="kept.example")
    updated.revert(updated.it)
    assert updated.org.rows("Account")[0]["Website"] == "kept.example"


@pytest.mark.parametrize("policy", ["fail", "skip", "force"])
def test_a_changed_row_that_somebody_deleted_is_a_conflict(updated: Any, policy: str) -> None:
    remove(updated, "A")
    if policy == "fail":
        assert "Account/A" in conflict(updated, updated.it)
    else:
        assert updated.plan_revert(updated.it, on_conflict=policy).steps == []


def test_a_changed_row_that_somebody_remade_keeps_what_is_not_ours(updated: Any) -> None:
    remove(updated, "A")
    updated.org.has("Account", Name="remade", Account_Code__c="A", Phone="9")
    assert "remade" in conflict(updated, updated.it)
    updated.revert(updated.it, on_conflict="skip")
    assert accounts(updated) == {"A": ("remade", "9")}


# ── creates ──────────────────────────────────────────────────────────────────────────────────────


def test_a_made_row_that_somebody_changed_is_not_deleted_unless_forced(demo: Any) -> None:
    plan = demo.plan(ONE)
    demo.apply(plan)
    edit(demo, "A", Name="theirs")
    assert "Name" in conflict(demo, plan)
    demo.revert(plan, on_conflict="skip")
    assert accounts(demo) == {"A": ("theirs", "1")}
    forced = demo.plan_revert(plan, on_conflict="force")
    demo.apply(forced, verb="revert")
    assert accounts(demo) == {}
    demo.revert(forced)
    assert accounts(demo) == {"A": ("theirs", "1")}


def test_a_made_row_that_somebody_deleted_is_nothing_to_do(demo: Any) -> None:
    plan = demo.plan(ONE)
    demo.apply(plan)
    remove(demo, "A")
    assert demo.plan_revert(plan).steps == []


def test_a_made_row_that_somebody_remade_alike_is_still_not_ours(demo: Any) -> None:
    plan = demo.plan(ONE)
    demo.apply(plan)
    remove(demo, "A")
    demo.org.has("Account", Name="ours", Account_Code__c="A", Phone="1")
    assert "Account/A: the row" in conflict(demo, plan)
    demo.revert(plan, on_conflict="skip")
    assert accounts(demo) == {"A": ("ours", "1")}


# ── deletes ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def deleted(demo: Any) -> Any:
    demo.org.has("Account", Name="before", Account_Code__c="A", Phone="0", Website="old.example")
    demo.it = demo.plan(GONE)
    demo.apply(demo.it)
    return demo


def test_a_deleted_row_comes_back_with_fields_that_no_state_mentions(deleted: Any) -> None:
    deleted.revert(deleted.it)
    assert deleted.org.rows("Account")[0]["Website"] == "old.example"


def test_a_row_whose_key_the_file_writes_in_another_case_is_deleted_and_comes_back_as_it_was(
    demo: Any,
) -> None:
    demo.org.has("Account", Name="a", Account_Code__c="Key")
    plan = demo.plan(ACCOUNTS % "KEY: {$absent: true}")
    assert demo.apply(plan).status.value == "applied"
    assert accounts(demo) == {}
    demo.revert(plan)
    assert accounts(demo) == {"Key": ("a", None)}


def test_a_deleted_row_that_somebody_made_anew_differently_is_a_conflict(deleted: Any) -> None:
    deleted.org.has("Account", Name="theirs", Account_Code__c="A")
    assert "made anew by somebody, and different" in conflict(deleted, deleted.it)
    deleted.revert(deleted.it, on_conflict="skip")
    assert accounts(deleted) == {"A": ("theirs", None)}


def test_force_gives_a_row_made_anew_its_former_values(deleted: Any) -> None:
    deleted.org.has("Account", Name="theirs", Account_Code__c="A", Phone="0")
    back = deleted.plan_revert(deleted.it, on_conflict="force")
    deleted.apply(back, verb="revert")
    assert accounts(deleted) == {"A": ("before", "0")}
    assert deleted.org.rows("Account")[0]["Website"] == "old.example"
    deleted.revert(back)
    assert accounts(deleted) == {"A": ("theirs", "0")}


def test_a_deleted_row_that_somebody_made_anew_alike_is_nothing_to_do(deleted: Any) -> None:
    deleted.revert(deleted.it)
    assert deleted.plan_revert(deleted.it).steps == []


# ── parts, chains, later plans ───────────────────────────────────────────────────────────────────


def test_a_target_takes_back_that_part_alone_and_the_rest_can_follow(demo: Any) -> None:
    before = demo.org.snapshot()
    plan = demo.plan(ACCOUNTS % "A: {Name: a}, B: {Name: b}")
    demo.apply(plan)
    part = demo.plan_revert(plan, targets=["Account/A"])
    assert part.partial and [step.address for step in part.steps] == ["Account/A"]
    demo.apply(part, verb="revert")
    assert set(accounts(demo)) == {"B"}
    demo.revert(plan)
    assert demo.org.snapshot() == before


def test_a_target_that_the_plan_did_not_touch_is_refused(demo: Any) -> None:
    plan = demo.plan(ONE)
    demo.apply(plan)
    with pytest.raises(SpecError, match="did nothing to Account/B"):
        demo.plan_revert(plan, targets=["Account/B"])


def test_reverts_of_reverts_go_back_and_forth(updated: Any) -> None:
    plan = updated.it
    for expected in ("before", "ours", "before", "ours"):
        plan = updated.plan_revert(plan)
        updated.apply(plan, verb="revert")
        assert accounts(updated)["A"][0] == expected


def test_what_a_later_plan_changed_is_a_conflict_for_the_earlier_one(updated: Any) -> None:
    later = updated.plan(ACCOUNTS % "A: {Name: later}")
    updated.apply(later)
    assert "is 'later' now" in conflict(updated, updated.it)
    updated.revert(later)
    updated.revert(updated.it)
    assert accounts(updated) == {"A": ("before", "0")}


def test_a_revert_of_a_plan_that_did_nothing_is_empty(demo: Any) -> None:
    assert demo.plan_revert(demo.plan(ONE)).steps == []


def test_a_revert_is_a_plan_that_goes_stale_and_runs_once(updated: Any) -> None:
    back = updated.plan_revert(updated.it)
    edit(updated, "A", Name="theirs")
    with pytest.raises(PlanStale):
        updated.apply(back, verb="revert")
    assert accounts(updated)["A"][0] == "theirs"


def test_an_edit_in_the_middle_of_a_revert_is_kept(demo: Any) -> None:
    plan = demo.plan(ACCOUNTS % "A: {Name: a}" + "\n" + "permission_sets: {Ops: {}}")
    demo.apply(plan)
    back = demo.plan_revert(plan)
    demo.faults.add(
        FaultKind.HOOK,
        method="DELETE|POST|PATCH",
        path="sobjects",
        after=lambda *_: edit(demo, "A", Name="theirs"),
    )
    result = demo.apply(back, verb="revert")
    if result.status.value == "partly":
        assert accounts(demo) == {"A": ("theirs", None)}
    else:
        assert accounts(demo) == {}  # it was gone before the edit


def test_a_revert_with_a_lost_answer_is_settled(updated: Any) -> None:
    updated.faults.add(FaultKind.LOSE_AFTER, method="PATCH", path="sobjects", times=1)
    updated.revert(updated.it)
    assert accounts(updated) == {"A": ("before", "0")}


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────

SECRET = "hunter2-very-secret"
WITH_SECRET = "variables: {pin: {type: secret}}\n" + ACCOUNTS % 'A: {Name: ours, Description: "${pin}"}'


def files_of(stage: Any) -> bytes:
    return b"".join(path.read_bytes() for path in stage.folder.rglob("*") if path.is_file())


def test_a_secret_reaches_the_org_and_nothing_else(demo: Any) -> None:
    plan = demo.plan(WITH_SECRET, assigned={"pin": SECRET})
    assert plan.secrets == ("pin",)
    assert SECRET not in str(plan.to_json()) and SECRET not in repr(plan)
    result = demo.apply(plan)
    assert demo.org.rows("Account")[0]["Description"] == SECRET
    assert SECRET.encode() not in files_of(demo)
    assert SECRET not in str(demo.report.events) and SECRET not in str(result.unmet)
    assert SECRET not in str([entry.body for entry in demo.journal.entries(plan.plan_id)])


def test_a_secret_that_is_there_is_no_change_and_another_one_is(demo: Any) -> None:
    demo.apply(demo.plan(WITH_SECRET, assigned={"pin": SECRET}))
    assert demo.plan(WITH_SECRET, assigned={"pin": SECRET}).steps == []
    changed = demo.plan(WITH_SECRET, assigned={"pin": "another"})
    assert [set(step.after) for step in changed.steps] == [{"Description"}]
    assert SECRET not in str(changed.to_json())


def test_a_former_value_under_a_secret_is_not_stored_and_the_plan_says_so(demo: Any) -> None:
    demo.org.has("Account", Name="before", Account_Code__c="A", Description=SECRET)
    plan = demo.plan(WITH_SECRET, assigned={"pin": "new"})
    (step,) = plan.steps
    assert step.reversibility.value == "compensating" and "was not stored" in step.remark
    demo.apply(plan)
    demo.revert(plan)
    row = demo.org.rows("Account")[0]
    assert (row["Name"], row["Description"]) == ("before", "new")
    assert SECRET.encode() not in files_of(demo)


def test_a_plan_with_a_secret_is_applied_only_when_it_is_given_again(demo: Any) -> None:
    plan = demo.plan(WITH_SECRET, assigned={"pin": SECRET})
    demo.secrets = {}
    before = demo.org.snapshot()
    try:
        result = demo.apply(plan)
        assert result.status.value == "partly"
        assert "pin" in str(demo.report.events)
    except ReconcileError as error:
        assert "pin" in str(error)
    assert demo.org.snapshot() == before
    demo.secrets = {"pin": SECRET}
    demo.resume(plan)
    assert demo.org.rows("Account")[0]["Description"] == SECRET


def test_a_row_made_with_a_secret_is_unmade_and_made_again_with_it(demo: Any) -> None:
    plan = demo.plan(WITH_SECRET, assigned={"pin": SECRET})
    demo.apply(plan)
    back = demo.plan_revert(plan)
    demo.apply(back, verb="revert")
    assert demo.org.rows("Account") == []
    assert SECRET.encode() not in files_of(demo)


# ── protection ───────────────────────────────────────────────────────────────────────────────────


def test_a_revert_never_deletes_what_a_later_plan_put_under_protection(demo: Any) -> None:
    plan = demo.plan(ONE)
    demo.apply(plan)
    demo.apply(ONE.replace("{Name", "{$protect: true, Name"))
    before = demo.org.snapshot()
    with pytest.raises(PlanRefused):
        demo.revert(plan)
    assert demo.org.snapshot() == before


def test_a_plan_that_was_taken_back_in_the_middle_is_not_resumed(demo: Any) -> None:
    plan = demo.plan(ACCOUNTS % "A: {Name: a}")

    def die(name: str) -> None:
        if name == "before finish":
            raise KeyboardInterrupt

    demo.points = die
    with pytest.raises(KeyboardInterrupt):
        demo.apply(plan)
    demo.points = lambda name: None
    demo.seconds += 100_000
    demo.revert(plan)
    with pytest.raises(PlanStale, match="plan-1 was taken back by plan plan-2"):
        demo.resume(plan)
    assert accounts(demo) == {}
    assert demo.status(plan).value == "applying"


# ── back and forth ───────────────────────────────────────────────────────────────────────────────

CHAINS = {
    "never taken back": ({}, "P", []),
    "taken back": ({"P": ["R1"]}, "P", []),
    "made again": ({"P": ["R1"], "R1": ["R2"]}, "P", ["R2"]),
    "made again and taken back by the right plan": ({"P": ["R1"], "R1": ["R2"], "R2": ["R3"]}, "P", []),
    "twice": ({"P": ["R1"], "R1": ["R2"], "R2": ["R3"], "R3": ["R4"]}, "P", ["R4"]),
    "one part of two": ({"P": ["R1", "S1"], "S1": ["S2"]}, "P", ["S2"]),
    "both parts": ({"P": ["R1", "S1"], "R1": ["R2"], "S1": ["S2"]}, "P", ["R2", "S2"]),
    "made again in parts": ({"P": ["R1"], "R1": ["R2", "S2"], "R2": ["R3"]}, "P", ["S2"]),
    "a revert that stands": ({"P": ["R1"], "R1": ["R2"], "R2": ["R3"]}, "R1", ["R3"]),
}


@pytest.mark.parametrize(("reverts", "plan_id", "standing"), CHAINS.values(), ids=CHAINS)
def test_what_stands_of_a_plan_that_went_back_and_forth_is_named(
    reverts: dict[str, list[str]], plan_id: str, standing: list[str]
) -> None:
    def ask() -> None:
        refuse_brought_back(plan_id, lambda each: reverts.get(each, []))

    if not standing:
        ask()
        return
    with pytest.raises(PlanRefused) as refused:
        ask()
    assert f"made again by plan {', '.join(standing)};" in str(refused.value)
    assert all(f"reconcile revert {each}" in str(refused.value) for each in standing)
