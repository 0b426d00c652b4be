"""What programs and people read: JSON alone on standard output, no colours in a log, pictures that open."""

import io
import json
import re
import stat
from typing import Any
from xml.etree import ElementTree

import pytest

PLAN_KEYS = {
    "format_version",
    "plan_id",
    "digest",
    "org",
    "release",
    "reverts",
    "created_at",
    "expires_at",
    "resource_changes",
    "summary",
    "impact",
    "warnings",
}
CHANGE_KEYS = {"address", "type", "change", "action_reason", "source", "reversibility", "inverse"}


def test_a_plan_as_json_has_the_promised_keys(cli: Any) -> None:
    said = cli("plan", "quickstart.yaml", "--org", "demo", "--json")
    assert (said.code, said.err) == (0, "")
    plan = said.json
    assert set(plan) >= PLAN_KEYS
    assert plan["format_version"] == "1.0"
    assert plan["org"]["name"] == "demo"
    assert plan["summary"] == {"create": 13, "update": 0, "delete": 0}
    for change in plan["resource_changes"]:
        assert set(change) >= CHANGE_KEYS
        assert set(change["change"]) == {"actions", "before", "after"}
        assert change["change"]["actions"] == ["create"]
        assert change["change"]["before"] is None
        assert re.fullmatch(r"quickstart\.yaml:\d+:\d+", change["source"])


def test_the_same_state_plans_to_the_same_digest(cli: Any) -> None:
    plans = [cli("plan", "quickstart.yaml", "--org", "demo", "--json").json for _ in range(2)]
    assert plans[0]["digest"] == plans[1]["digest"]
    assert plans[0]["plan_id"] != plans[1]["plan_id"]
    assert plans[0]["resource_changes"] == plans[1]["resource_changes"]


def test_an_apply_as_json_is_one_event_a_line_and_the_first_names_the_plan(cli: Any) -> None:
    said = cli("apply", "quickstart.yaml", "--org", "demo", "--auto-approve", "--json")
    assert (said.code, said.err) == (0, "")
    events = said.events
    assert events[0]["type"] == "plan"
    plan_id = events[0]["plan_id"]
    assert all(event["format_version"] == "1.0" and event["plan_id"] == plan_id for event in events)
    assert events[1]["type"] == "run_started"
    assert events[-1]["type"] == "run_finished"
    assert (events[-1]["done"], events[-1]["failed"]) == (13, 0)
    assert sum(event["type"] == "step_done" for event in events) == 13


def test_a_stored_plan_applied_as_json_begins_with_its_id(cli: Any) -> None:
    cli("plan", "quickstart.yaml", "--org", "demo")
    plan_id = cli.newest()
    events = cli("apply", plan_id, "--json").events
    assert events[0]["plan_id"] == plan_id
    assert events[-1]["status"] == "applied"


def test_a_question_is_no_part_of_json(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    said = cli("apply", "quickstart.yaml", "--org", "demo", "--json")
    assert [event["type"] for event in said.events] == ["plan"]
    assert "Only 'yes' is accepted" in said.err


def test_refusals_of_a_run_are_events_with_line_and_code(cli: Any) -> None:
    cli.write(
        "twins.yaml",
        "reconcile: 1\nusers:\n"
        "  a@acme.example: {LastName: A, Email: a@b.example, Profile: {Name: Standard User},"
        " CommunityNickname: twin}\n"
        "  b@acme.example: {LastName: B, Email: b@b.example, Profile: {Name: Standard User},"
        " CommunityNickname: twin}\n"
        "permission_sets: {R: {label: R, assigned_to: [b@acme.example]}}\n",
    )
    said = cli("apply", "twins.yaml", "--org", "demo", "--auto-approve", "--json")
    assert said.code == 6
    refused = next(event for event in said.events if event["type"] == "step_refused")
    assert (refused["code"], refused["source"]) == ("DUPLICATE_COMM_NICKNAME", "twins.yaml:4:3")
    skipped = next(event for event in said.events if event["type"] == "step_skipped")
    assert skipped["because"] == "User/b@acme.example"
    shown = cli("show", cli.newest(), "--json").json
    assert sorted(step["status"] for step in shown["steps"]) == ["done", "done", "failed", "skipped"]


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (["validate", "quickstart.yaml"], {"type", "files", "resources", "warnings"}),
        (["history"], {"plans"}),
        (["orgs", "list"], {"orgs"}),
        (["orgs", "check", "demo"], {"name", "org_id", "edition", "is_sandbox"}),
        (
            ["explain", "Price_Rule__c/EMEA-1", "quickstart.yaml"],
            {"address", "kind", "source", "desired", "live", "stands_on", "carries", "plans"},
        ),
    ],
)
def test_every_json_is_one_versioned_value(cli: Any, arguments: list[str], keys: set[str]) -> None:
    said = cli(*arguments, "--json")
    assert (said.code, said.err) == (0, "")
    assert said.out.count("\n") == 1
    assert set(said.json) >= {"format_version"} | keys


def test_explain_tells_both_directions_and_who(cli: Any) -> None:
    cli("apply", "quickstart.yaml", "--org", "demo", "--auto-approve")
    told = cli("explain", "Price_Rule__c/EMEA-1", "quickstart.yaml", "--json").json
    assert told["stands_on"] == ["Account/ACME"]
    assert told["carries"] == ["Price_Rule__c/EMEA-2"]
    assert told["plans"][0]["plan_id"] == cli.newest()
    assert "(holds)" in cli("explain", "Price_Rule__c/EMEA-1", "quickstart.yaml").out


COMMANDS = [
    ["plan", "quickstart.yaml", "--org", "demo"],
    ["apply", "quickstart.yaml", "--org", "demo", "--auto-approve"],
    ["history"],
    ["graph", "quickstart.yaml"],
    ["explain", "Account/ACME", "quickstart.yaml"],
    ["plan", "nowhere.yaml"],
]


@pytest.mark.parametrize("arguments", COMMANDS)
def test_what_is_no_terminal_gets_no_colour_codes(cli: Any, arguments: list[str]) -> None:
    said = cli(*arguments)
    assert "\x1b" not in said.out + said.err


def test_lines_of_a_plan_fit_a_wide_terminal(cli: Any) -> None:
    said = cli("plan", "quickstart.yaml", "--org", "demo")
    assert max(map(len, said.out.splitlines())) <= 120
    assert said.last.startswith("Plan: 13 to create")


def test_hostile_names_cannot_write_to_the_terminal(cli: Any) -> None:
    cli.write(
        "state.yaml",
        "reconcile: 1\nrecords:\n  Account:\n    $key: Account_Code__c\n    rows:\n"
        '      "A\\u001b[31m\\u202eB": {Name: "x\\u001b]0;title\\u0007"}\n',
    )
    said = cli("plan", "state.yaml", "--org", "demo")
    assert "\x1b" not in said.out + said.err and "\u202e" not in said.out + said.err


def test_a_plan_file_is_for_its_owner_alone_and_runs_once(cli: Any) -> None:
    assert cli("plan", "quickstart.yaml", "--org", "demo", "--out", "day.plan").code == 0
    path = cli.folder / "day.plan"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert cli("show", "day.plan").code == 0
    assert cli("apply", "day.plan").code == 0
    assert cli("apply", "day.plan").code == 3


def test_a_flag_that_is_declared_false_is_seen_in_the_plan_that_makes_it(cli: Any) -> None:
    out = cli("plan", "quickstart.yaml").out
    assert "Feature_Flags__c/profile/System Administrator  " in out
    assert "      New_Pricing__c: false\n" in out
    assert "PermissionsDelete" not in out


def test_a_used_plan_no_longer_says_how_to_run_it(cli: Any) -> None:
    cli("plan", "quickstart.yaml", "--org", "demo")
    plan_id = cli.newest()
    assert f"reconcile apply {plan_id}" in cli("show", plan_id).out
    cli("apply", plan_id)
    assert f"reconcile apply {plan_id}" not in cli("show", plan_id).out


def test_default_states_are_named_by_their_place_in_the_project(cli: Any) -> None:
    cli("init")
    said = cli("plan", "--org", "demo")
    assert "states/first.yaml:" in said.out
    assert str(cli.folder) not in said.out


def test_the_svg_is_well_formed_and_shows_every_resource(cli: Any) -> None:
    root = ElementTree.fromstring(cli("graph", "quickstart.yaml", "--format", "svg").out)
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Account/ACME", "Price_Rule__c/EMEA-2", "Queue/Tier_1"} <= texts
    assert len(texts) == 13


@pytest.mark.parametrize(
    ("form", "begins", "link"),
    [
        ("tree", "User/", "\n    Price_Rule__c/EMEA-2"),
        ("dot", "digraph reconcile {", '"Account/ACME" -> "Price_Rule__c/EMEA-1";'),
        ("mermaid", "flowchart LR", " --> "),
    ],
)
def test_graphs_show_what_stands_on_what(cli: Any, form: str, begins: str, link: str) -> None:
    said = cli("graph", "quickstart.yaml", "--format", form)
    assert said.code == 0
    assert said.out.startswith(begins)
    assert link in said.out


def test_the_schema_knows_every_word_of_the_quickstart(cli: Any) -> None:
    schema = json.loads(cli("schema").out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"reconcile", "users", "permission_sets", "queues", "records", "custom_settings"} <= set(
        schema["properties"]
    )
    assert json.loads(cli("schema", "--orgs").out)["properties"]["orgs"]
