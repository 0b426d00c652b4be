"""What is told about one resource."""

from typing import Any

import pytest

from reconciler.engine.explain import explain
from reconciler.model.errors import SpecError

STATE = """
records:
  Account:
    $key: Account_Code__c
    rows: {ACME: {Name: Acme, Tier__c: Gold}}
  Price_Rule__c:
    $key: Code__c
    rows: {R1: {Name: Rule, Account__r: {Account_Code__c: ACME}}}
"""


def test_a_resource_is_explained_before_and_after_it_is_there(demo: Any) -> None:
    told = explain("Account/ACME", demo.load(STATE), demo.world(), demo.journal)
    assert told.live is None and told.plans == [] and told.carries == ["Price_Rule__c/R1"]
    plan = demo.plan(STATE)
    demo.apply(plan)
    told = explain("Account/ACME", demo.load(STATE.replace("Gold", "Silver")), demo.world(), demo.journal)
    assert told.live is not None and told.changes == {"Tier__c": "Silver"}
    assert [record.plan_id for record in told.plans] == [plan.plan_id]
    assert told.resource.source.line == 5


def test_an_unknown_address_names_the_nearest(demo: Any) -> None:
    with pytest.raises(SpecError, match="did you mean 'Account/ACME'"):
        explain("Account/ACNE", demo.load(STATE), demo.world(), demo.journal)
