"""A release goes the whole road on one org: plan, apply, plan again, revert."""

from typing import Any

STATE = """
users:
  bot@acme.example:
    LastName: Bot
    Email: ops@acme.example
    Profile: {Name: Standard User}
    permission_sets: [Ops]
permission_sets:
  Ops:
    label: Ops
    objects: {Account: [read, create, edit]}
    fields: {Account.Fax: [read]}
    assigned_to: {includes: [bot@acme.example]}
public_groups:
  Everyone_Ops: {members: [bot@acme.example]}
queues:
  Tier_1: {objects: [Case], members: {includes: [bot@acme.example]}}
records:
  Account:
    $key: Name
    rows:
      ACME: {Phone: "1", AnnualRevenue: 12, Owner: {Username: bot@acme.example}}
      ACME Sub: {Parent: {Name: ACME}}
"""


def test_a_release_is_planned_applied_found_and_taken_back(stage: Any) -> None:
    before = stage.org.snapshot()
    plan = stage.plan(STATE)
    result = stage.apply(plan)
    assert result.status.value == "applied", stage.report.events
    assert not result.unmet
    assert stage.plan(STATE).steps == []
    assert [row["Phone"] for row in stage.org.rows("Account", Name="ACME")] == ["1"]
    stage.revert(plan)
    after = stage.org.snapshot()
    users = [row for row in after.pop("User") if row["Username"] == "bot@acme.example"]
    assert [user.get("IsActive", False) for user in users] == [False]
    before.pop("User")
    for content in (before, after):
        content.pop("UserLogin")
        content["PermissionSetAssignment"] = [
            row for row in content["PermissionSetAssignment"] if "bot@acme.example" not in row["AssigneeId"]
        ]
    assert after == before
