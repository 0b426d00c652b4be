"""Two orgs of one project are two orgs, although both are emulated."""

from typing import Any

import pytest

STATE = """\
reconcile: 1
records:
  Account:
    $key: Account_Code__c
    rows:
      ACME: {Name: Acme Corporation, Tier__c: Gold}
"""
ORGS = "orgs:\n  demo: {emulated: true}\n  other: {emulated: true}\n"


@pytest.fixture
def two(cli: Any) -> Any:
    cli.write("orgs.yaml", ORGS)
    return cli


def test_a_plan_for_one_emulated_org_is_refused_by_another(two: Any) -> None:
    assert two("plan", "quickstart.yaml", "--org", "demo", "--out", "reviewed.plan").code == 0
    for named in (two.newest(), "reviewed.plan"):
        said = two("apply", named, "--org", "other")
        assert said.code == 5, said.out + said.err
        assert "was made for org demo" in said.err
    assert two("history", "--json").json["plans"][0]["status"] == "planned"
    planned = two("plan", "quickstart.yaml", "--org", "other")
    assert planned.last.startswith("Plan: 13 to create")


def test_served_orgs_of_two_names_have_two_ids_that_stay(serve: Any) -> None:
    ids = [serve("--name", name).ready["org_id"] for name in ("uat", "prod", "uat")]
    assert ids[0] == ids[2] != ids[1]
    assert all(len(each) == 18 and each.startswith("00D") for each in ids)


def test_served_orgs_without_a_name_are_each_their_own_and_plans_do_not_cross(
    cli: Any, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = serve(), serve()
    assert one.ready["org_id"] != other.ready["org_id"]
    orgs = {"one": one, "other": other}
    way = "sign_in: {access_token: {env: %s}}"
    both = [f'  {name}: {{url: "{served.url}", {way % name.upper()}}}' for name, served in orgs.items()]
    cli.write("orgs.yaml", "\n".join(["orgs:", *both, ""]))
    monkeypatch.setenv("ONE", one.ready["access_token"])
    monkeypatch.setenv("OTHER", other.ready["access_token"])
    cli.write("state.yaml", STATE)
    assert cli("plan", "state.yaml", "--org", "one").code == 0
    said = cli("apply", cli.newest(), "--org", "other")
    assert said.code == 5, said.err
    assert "was made for org one" in said.err
    monkeypatch.setenv("ONE", other.ready["access_token"])
    cli.write("orgs.yaml", f'orgs: {{one: {{url: "{other.url}", {way % "ONE"}}}}}\n')  # one is re-pointed
    said = cli("apply", cli.newest())
    assert said.code == 5, said.err
    assert other.values("SELECT Name FROM Account") == []


def test_an_org_that_is_kept_in_a_file_keeps_its_id(serve: Any) -> None:
    assert serve("--db", "a.db").ready["org_id"] == serve("--db", "a.db").ready["org_id"]


def test_without_a_name_the_only_real_org_is_meant_and_several_must_be_told_apart(
    two: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert two("history", "--org", "other").code == 0
    assert "org 'other'" in two("plan", "quickstart.yaml").out
    two.write("orgs.yaml", ORGS + "  third: {emulated: true}\n")
    said = two("plan", "quickstart.yaml")
    assert said.code == 1
    assert "add --org, one of: demo, other, third" in said.err
    monkeypatch.setenv("RECONCILE_ORG", "third")
    assert "org 'third'" in two("plan", "quickstart.yaml").out
