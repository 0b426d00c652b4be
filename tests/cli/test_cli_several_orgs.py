"""Two orgs of one project are two orgs, although both are emulated."""

from typing import Any

import pytest

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
