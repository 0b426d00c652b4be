"""Scripts can trust the exit codes, and what each code leaves behind."""

import io
from datetime import timedelta
from typing import Any

import pytest

from reconciler.cli import wiring
from reconciler.cli.demo import _edit

TWINS = """\
reconcile: 1
users:
  ada@acme.example: {LastName: A, Email: a@b.example, Profile: {Name: Standard User}, CommunityNickname: twin}
  bea@acme.example: {LastName: B, Email: b@b.example, Profile: {Name: Standard User}, CommunityNickname: twin}
permission_sets:
  Readers: {label: Readers, assigned_to: [bea@acme.example]}
"""
"""The org refuses the second nickname; the assignment stands on its user."""


def planned(cli: Any, *more: str) -> str:
    assert cli("plan", "quickstart.yaml", "--org", "demo", *more).code == 0
    return str(cli.newest())


def applied(cli: Any) -> str:
    plan_id = planned(cli)
    assert cli("apply", plan_id).code == 0
    return plan_id


def status(cli: Any, plan_id: str) -> str:
    plans = cli("history", "--json").json["plans"]
    return next(str(each["status"]) for each in plans if each["plan_id"] == plan_id)


def refused_for_a_taken_nickname(cli: Any) -> str:
    """A plan of which one step was refused; `free_the_nickname` mends the cause."""
    user = "{{LastName: X, Email: x@b.example, Profile: {{Name: Standard User}}, CommunityNickname: {}}}"
    cli.write("holder.yaml", f"reconcile: 1\nusers:\n  holder@acme.example: {user.format('taken')}\n")
    cli.write("late.yaml", f"reconcile: 1\nusers:\n  late@acme.example: {user.format('taken')}\n")
    assert cli("apply", "holder.yaml", "--org", "demo", "--auto-approve").code == 0
    assert cli("apply", "late.yaml", "--org", "demo", "--auto-approve").code == 6
    return str(cli.newest())


def free_the_nickname(cli: Any) -> None:
    path = cli.folder / "holder.yaml"
    path.write_text(path.read_text().replace("taken", "free"))
    assert cli("apply", "holder.yaml", "--org", "demo", "--auto-approve").code == 0


def todo(cli: Any, state: str = "quickstart.yaml") -> int:
    return len(cli("plan", state, "--org", "demo", "--json").json["resource_changes"])


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_plan_with_changes_is_2_only_when_asked(cli: Any) -> None:
    assert cli("plan", "quickstart.yaml", "--org", "demo").code == 0
    assert cli("plan", "quickstart.yaml", "--org", "demo", "--detailed-exitcode").code == 2
    applied(cli)
    assert cli("plan", "quickstart.yaml", "--org", "demo", "--detailed-exitcode").code == 0


def test_a_used_plan_is_3_and_does_nothing(cli: Any) -> None:
    plan_id = applied(cli)
    said = cli("apply", plan_id)
    assert (said.code, said.out) == (3, "")
    assert "is applied already" in said.err
    assert status(cli, plan_id) == "applied"


def test_a_plan_that_somebody_overtook_is_3_and_writes_nothing(cli: Any) -> None:
    applied(cli)
    plan_id = planned(cli, "--var", "margin=14")
    _edit(Margin__c=20)
    said = cli("apply", plan_id)
    assert said.code == 3
    assert "Price_Rule__c/EMEA-1" in said.err and "20" in said.err
    assert "quickstart.yaml:" in said.err
    live = cli("explain", "Price_Rule__c/EMEA-1", "quickstart.yaml", "--json").json["live"]
    assert "20" in str(live["Margin__c"])


def test_an_expired_plan_is_3_and_stays_unused(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "PLAN_LIFE", timedelta(seconds=-1))
    plan_id = planned(cli)
    said = cli("apply", plan_id)
    assert (said.code, said.out) == (3, "")
    assert "expired" in said.err and "mend: " in said.err
    assert todo(cli) == 13


def test_a_plan_of_another_org_is_refused(cli: Any) -> None:
    cli.write("orgs.yaml", "orgs:\n  demo: {emulated: true}\n  other: {emulated: true}\n")
    assert cli("plan", "quickstart.yaml", "--org", "demo", "--out", "day.plan").code == 0
    for named in ("day.plan", cli.newest()):
        said = cli("apply", named, "--org", "other")
        assert (said.code, said.out) == (5, "")
        assert "was made for org demo" in said.err and "this is other" in said.err
    assert todo(cli) == 13
    assert len(cli("plan", "quickstart.yaml", "--org", "other", "--json").json["resource_changes"]) == 13


def test_another_digest_is_5_and_writes_nothing(cli: Any) -> None:
    plan_id = planned(cli)
    said = cli("apply", plan_id, "--expect-digest", "sha256:0")
    assert (said.code, said.out) == (5, "")
    assert "mend: " in said.err
    assert status(cli, plan_id) == "planned"


def test_the_right_digest_is_let_through(cli: Any) -> None:
    cli("plan", "quickstart.yaml", "--org", "demo")
    digest = cli("show", cli.newest(), "--json").json["digest"]
    assert cli("apply", cli.newest(), "--expect-digest", digest).code == 0


def test_a_protected_org_takes_only_a_reviewed_plan(cli: Any) -> None:
    cli.write("orgs.yaml", "orgs: {demo: {emulated: true, protect: true}}\n")
    said = cli("apply", "quickstart.yaml", "--org", "demo", "--auto-approve")
    assert (said.code, said.out) == (5, "")
    assert todo(cli) == 13
    assert cli("apply", cli.newest()).code == 0


def test_actions_that_were_not_approved_are_5(cli: Any) -> None:
    said = cli("apply", "quickstart.yaml", "--org", "demo", "--auto-approve=update")
    assert said.code == 5
    assert "the plan holds create, approved is only update" in said.err
    assert todo(cli) == 13


def test_approved_actions_run(cli: Any) -> None:
    assert cli("apply", "quickstart.yaml", "--org", "demo", "--auto-approve=create,update").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["apply", "--auto-approve", "quickstart.yaml", "--org", "demo"],
        ["apply", "quickstart.yaml", "--org", "demo", "--auto-approve"],
        ["apply", "--org", "demo", "--auto-approve", "--", "quickstart.yaml"],
    ],
)
def test_auto_approve_swallows_no_argument(cli: Any, arguments: list[str]) -> None:
    said = cli(*arguments)
    assert said.code == 0, said.err
    assert todo(cli) == 0


@pytest.mark.parametrize("text", ["no\n", "y\n", "YES\n", "\n"])
def test_anything_but_yes_applies_nothing(cli: Any, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    answer(monkeypatch, text)
    said = cli("apply", "quickstart.yaml", "--org", "demo")
    assert said.code == 0
    assert said.last == "Not applied."
    assert todo(cli) == 13


def test_yes_applies(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "yes\n")
    assert cli("apply", "quickstart.yaml", "--org", "demo").code == 0
    assert todo(cli) == 0


def test_where_nobody_can_answer_nothing_is_applied(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "")
    said = cli("apply", "quickstart.yaml", "--org", "demo")
    assert said.code == 5
    assert "nobody is here to agree" in said.err
    assert todo(cli) == 13


NO_WAY_BACK = """\
reconcile: 1
variables: {pin: {type: secret}}
records: {Account: {$key: Account_Code__c, rows: {A: {Name: a, Phone: "${pin}"}, B: {Name: b}}}}
"""


def test_a_step_with_no_way_back_is_refused_when_all_must_have_one(cli: Any) -> None:
    cli.write("pin.yaml", NO_WAY_BACK)
    reversible = cli("plan", "pin.yaml", "--org", "demo", "--var", "pin=1", "--require-reversible")
    assert reversible.code == 0, reversible.err  # rows that are made can be deleted
    assert cli("apply", "pin.yaml", "--org", "demo", "--var", "pin=1", "--auto-approve").code == 0
    plans = cli("history", "--json").json["plans"]
    said = cli("plan", "pin.yaml", "--org", "demo", "--var", "pin=2", "--require-reversible")
    assert (said.code, said.out) == (5, "")
    why = "Account/A cannot be taken back: the former value of Phone is a secret and was not stored"
    assert f"pin.yaml:3:51: {why}" in said.err
    assert "leave out --require-reversible" in said.err
    assert "Account/B" not in said.err
    assert cli("history", "--json").json["plans"] == plans
    assert cli("plan", "pin.yaml", "--org", "demo", "--var", "pin=2").code == 0


def test_a_step_whose_way_back_leaves_something_is_none_without_a_way_back(cli: Any) -> None:
    said = cli("plan", "quickstart.yaml", "--org", "demo", "--require-reversible")
    assert said.code == 0
    assert "compensating" in said.out


def test_a_plan_that_was_taken_back_and_made_again_is_refused_with_the_plan_to_take_back(cli: Any) -> None:
    cli.write("row.yaml", "reconcile: 1\nrecords: {Account: {$key: Account_Code__c, rows: {A: {Name: a}}}}\n")
    assert cli("apply", "row.yaml", "--org", "demo", "--auto-approve").code == 0
    first = cli.newest()
    ran = [first]
    for _ in range(4):  # back and forth and back and forth
        assert cli("revert", ran[-1], "--auto-approve").code == 0
        ran.append(cli.newest())
    plans = cli("history", "--json").json["plans"]
    for arguments in ([first], [first, "--dry-run"], [first, "--on-conflict", "force"], [ran[2]]):
        said = cli("revert", *arguments, "--auto-approve")
        assert (said.code, said.out) == (5, ""), arguments
        assert (
            f"plan {arguments[0]} was taken back, and what it did was made again by plan {ran[4]}" in said.err
        )
        assert f"'reconcile revert {ran[4]}'" in said.err
    assert cli("history", "--json").json["plans"] == plans
    assert cli("plan", "row.yaml", "--org", "demo").last.startswith("Plan: nothing to do")
    assert cli("revert", ran[4], "--auto-approve").code == 0
    assert cli("revert", first, "--auto-approve").last == "Plan: nothing to take back."


def test_a_partly_applied_plan_is_6_with_the_line_and_code_of_the_refusal(cli: Any) -> None:
    cli.write("twins.yaml", TWINS)
    said = cli("apply", "twins.yaml", "--org", "demo", "--auto-approve")
    assert said.code == 6
    assert "✗ User/bea@acme.example: create refused" in said.out
    assert "DUPLICATE_COMM_NICKNAME" in said.out
    assert "from: twins.yaml:4:3" in said.out
    assert "Readers: skipped because of User/bea@acme.example" in said.out
    plan_id = cli.newest()
    assert f"reconcile resume {plan_id}" in said.out
    assert cli("resume", plan_id).code == 6
    assert status(cli, plan_id) == "partly"


def test_a_partly_applied_plan_goes_on_once_the_cause_is_mended(cli: Any) -> None:
    plan_id = refused_for_a_taken_nickname(cli)
    free_the_nickname(cli)
    said = cli("resume", plan_id)
    assert said.code == 0, said.out
    assert status(cli, plan_id) == "applied"


def test_a_plan_whose_earlier_steps_were_moved_meanwhile_is_7(cli: Any) -> None:
    cli.write("twins.yaml", TWINS)
    assert cli("apply", "twins.yaml", "--org", "demo", "--auto-approve").code == 6
    plan_id = cli.newest()
    cli.write(
        "ada.yaml",
        "reconcile: 1\nusers:\n  ada@acme.example:\n"
        "    {LastName: A, Email: a@b.example, Profile: {Name: Standard User}, CommunityNickname: ada}\n",
    )
    assert cli("apply", "ada.yaml", "--org", "demo", "--auto-approve").code == 0
    said = cli("resume", plan_id)
    assert said.code == 7
    assert "does not hold: User/ada@acme.example" in said.out
    assert "complete!" not in said.out


def test_a_partly_applied_plan_can_be_taken_back(cli: Any) -> None:
    cli.write("twins.yaml", TWINS)
    assert cli("apply", "twins.yaml", "--org", "demo", "--auto-approve").code == 6
    assert cli("revert", cli.newest(), "--auto-approve").code == 0
    left = {
        step["address"]
        for step in cli("plan", "twins.yaml", "--org", "demo", "--json").json["resource_changes"]
    }
    assert {"PermissionSet/Readers", "User/bea@acme.example"} <= left


def test_after_a_refusal_stop_sends_nothing_more(cli: Any) -> None:
    cli.write("twins.yaml", TWINS)
    said = cli("apply", "twins.yaml", "--org", "demo", "--auto-approve", "--on-failure=stop")
    assert said.code == 6
    assert "PermissionSet/Readers: created" not in said.out


def test_a_failure_that_takes_itself_back_is_8(cli: Any) -> None:
    cli.write("twins.yaml", TWINS)
    said = cli("apply", "twins.yaml", "--org", "demo", "--auto-approve", "--on-failure=revert")
    assert said.code == 8
    assert "Revert complete!" in said.out
    left = {
        step["address"]
        for step in cli("plan", "twins.yaml", "--org", "demo", "--json").json["resource_changes"]
    }
    assert "PermissionSet/Readers" in left


def test_a_conflict_of_a_revert_is_9_told_three_ways_and_nothing_is_taken_back(cli: Any) -> None:
    plan_id = applied(cli)
    _edit(Margin__c=20)
    said = cli("revert", plan_id, "--auto-approve")
    assert said.code == 9
    assert "Price_Rule__c/EMEA-1" in said.err
    assert "12.5" in said.err and "20" in said.err
    assert "--on-conflict" in said.err
    assert todo(cli) == 1


def test_a_conflict_can_be_left_alone(cli: Any) -> None:
    plan_id = applied(cli)
    _edit(Margin__c=20)
    said = cli("revert", plan_id, "--auto-approve", "--on-conflict=skip")
    assert said.code == 0, said.err
    live = cli("explain", "Price_Rule__c/EMEA-1", "quickstart.yaml", "--json").json
    assert live["live"] is not None


def test_a_conflict_can_be_overwritten(cli: Any) -> None:
    plan_id = applied(cli)
    _edit(Margin__c=20)
    assert cli("revert", plan_id, "--auto-approve", "--on-conflict=force").code == 0
    live = cli("explain", "Price_Rule__c/EMEA-1", "quickstart.yaml", "--json").json
    assert live["live"] is None


def test_a_dry_run_of_a_revert_changes_and_keeps_nothing(cli: Any) -> None:
    plan_id = applied(cli)
    said = cli("revert", plan_id, "--dry-run")
    assert said.code == 0
    assert said.last.startswith("Plan: ")
    assert "carried out by" not in said.out
    assert cli.newest() == plan_id
    assert todo(cli) == 0


def test_a_part_of_a_plan_can_be_taken_back(cli: Any) -> None:
    plan_id = applied(cli)
    assert cli("revert", plan_id, "--target", "Price_Rule__c/EMEA-2", "--auto-approve").code == 0
    steps = cli("plan", "quickstart.yaml", "--org", "demo", "--json").json["resource_changes"]
    assert [step["address"] for step in steps] == ["Price_Rule__c/EMEA-2"]


def test_a_target_brings_the_records_it_stands_on(cli: Any) -> None:
    said = cli("plan", "quickstart.yaml", "--org", "demo", "--target", "Price_Rule__c/EMEA-2", "--json")
    assert said.json["partial"] is True
    assert {step["address"] for step in said.json["resource_changes"]} == {
        "Account/ACME",
        "Price_Rule__c/EMEA-1",
        "Price_Rule__c/EMEA-2",
    }


def test_a_target_brings_the_setup_it_stands_on(cli: Any) -> None:
    target = "GroupMember/Queue/Tier_1/release.bot@acme.example"
    said = cli("plan", "quickstart.yaml", "--org", "demo", "--target", target, "--json")
    assert said.json["partial"] is True
    addresses = {step["address"] for step in said.json["resource_changes"]}
    assert {target, "Queue/Tier_1", "User/release.bot@acme.example"} <= addresses
    assert "Account/ACME" not in addresses


def test_an_exclude_leaves_out_what_it_matches(cli: Any) -> None:
    said = cli("plan", "quickstart.yaml", "--org", "demo", "--exclude", "Feature_Flags__c/*", "--json")
    assert said.json["partial"] is True
    assert len(said.json["resource_changes"]) == 11
