"""Claims about what is shown of fields that are set from secrets."""

from typing import Any

import pytest

from reconciler.engine.explain import explain
from reconciler.render.explain import explanation_to_json, render_explanation

STATE = """
variables: {pin: {type: secret}}
records: {Account: {$key: Account_Code__c, rows: {A: {Name: Acme, Description: "${pin}"}}}}
"""


@pytest.mark.parametrize("given", ["the-live-secret", "another-secret"])
def test_explain_shows_neither_the_live_secret_nor_the_given_one(demo: Any, given: str) -> None:
    demo.org.has("Account", Name="Acme", Account_Code__c="A", Description="the-live-secret")
    desired = demo.load(STATE, assigned={"pin": given})
    told = explain("Account/A", desired, demo.world(), demo.journal)
    shown = render_explanation(told) + str(explanation_to_json(told))
    assert "the-live-secret" not in shown and given not in shown
    assert ("Description" in (told.changes or {})) == (given != "the-live-secret")
