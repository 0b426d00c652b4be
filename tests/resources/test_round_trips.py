"""Every kind: applied, nothing is left to do; taken back, the org is as it was."""

from typing import Any

import pytest

MADE = {
    "permission set": """
permission_sets:
  Ops:
    label: Operations
    description: runs the shop
    objects: {Gadget__c: [read, create, edit, delete, view_all, modify_all], Account: [read]}
    fields: {Gadget__c.Count__c: [read, edit], Gadget__c.Text__c: [read]}
    custom_permissions: [Override_Margins]
    assigned_to: [ada@acme.example, bob@acme.example]
""",
    "permission set by licence": """
permission_sets:
  Sales_Ops: {label: Sales Ops, license: SalesUserPsl}
""",
    "licence assignment": """
permission_set_licenses:
  SalesUserPsl: {assigned_to: [ada@acme.example]}
""",
    "permission set group": """
permission_sets: {Ops: {label: Ops}, Sales: {label: Sales}}
permission_set_groups:
  Everybody: {label: All, description: two, permission_sets: [Ops, Sales], assigned_to: [ada@acme.example]}
""",
    "roles": """
roles:
  Boss: {label: The Boss}
  Clerk: {label: A Clerk, parent: Boss, description: clerical}
""",
    "public group": """
roles: {Boss: {}}
public_groups:
  Inner: {members: [ada@acme.example]}
  Outer: {members: [{group: Inner}, {role: Boss}, {role_and_subordinates: Boss}, bob@acme.example]}
""",
    "queue": """
queues:
  Tier_1: {label: First, email: tier1@acme.example, objects: [Case, Gadget__c], members: [ada@acme.example]}
records:
  Gadget__c: {$key: Code__c, rows: {G: {Owner: {Queue: Tier_1}}}}
""",
    "records": """
records:
  Account: {$key: Account_Code__c, rows: {ACME: {Name: Acme}}}
  Gadget__c:
    $key: Code__c
    rows:
      G-1:
        Name: one
        Text__c: text
        Long__c: "two\\nlines"
        Count__c: 1.5
        Whole__c: 3
        Price__c: 9.99
        On__c: true
        Day__c: 2031-01-31
        At__c: 2031-01-31T10:00:00+02:00
        Clock__c: "14:30:00"
        Pick__c: Red
        Many__c: [Wed, Mon]
        Mail__c: a@b.example
        Place__Latitude__s: 1.5
        Place__Longitude__s: -2.25
        Account__r: {Account_Code__c: ACME}
        RecordType: {DeveloperName: Large}
      G-2: {Parent__r: {Code__c: G-1}, Owner: {User: {Username: ada@acme.example}}}
""",
    "composite key": """
records:
  Gadget__c: {$key: Code__c, rows: {G-1: {}}}
  Visit__c:
    $key: [Gadget__r, Day__c]
    rows:
      - {Gadget__r: {Code__c: G-1}, Day__c: 2031-01-01, Note__c: first}
      - {Gadget__r: {Code__c: G-1}, Day__c: 2031-01-02, Note__c: second}
""",
    "hierarchy setting": """
custom_settings:
  Limits__c:
    org: {Daily__c: 5}
    profile: {Standard User: {Daily__c: 7}}
    user: {ada@acme.example: {Daily__c: 9, Token__c: x}}
""",
    "list setting": """
custom_settings:
  Regions__c: {list: {EMEA: {Limit__c: 5}, NA: {}}}
""",
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_is_unmade(kit: Any, goes_round: Any, name: str) -> None:
    goes_round(kit, MADE[name])


@pytest.mark.parametrize("name", MADE)
def test_a_revert_can_be_taken_back_and_taken_back_again(kit: Any, name: str) -> None:
    before = kit.org.snapshot()
    plan = kit.plan(MADE[name])
    kit.apply(plan)
    made = kit.org.snapshot()
    back = kit.plan_revert(plan)
    kit.apply(back, verb="revert")
    again = kit.plan_revert(back)
    kit.apply(again, verb="revert")
    assert kit.org.snapshot() == made
    assert kit.plan(MADE[name]).steps == []
    kit.revert(again)
    assert kit.org.snapshot() == before


@pytest.mark.parametrize("name", MADE)
def test_planning_twice_says_the_same(kit: Any, name: str) -> None:
    assert kit.plan(MADE[name]).digest == kit.plan(MADE[name]).digest


@pytest.mark.parametrize("name", MADE)
def test_setup_and_ordinary_objects_are_written_by_separate_calls(kit: Any, name: str) -> None:
    plan = kit.plan(MADE[name])
    lanes: dict[int, set[str]] = {}
    sobjects: dict[int, set[str]] = {}
    for step in plan.steps:
        lanes.setdefault(step.call, set()).add(step.lane.value)
        sobjects.setdefault(step.call, set()).add(step.sobject)
    assert all(len(each) == 1 for each in lanes.values())
    assert all(len(each) == 1 for each in sobjects.values())
