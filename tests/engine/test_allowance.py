"""API calls that are left bound what is begun."""

from typing import Any

import pytest

from reconciler.emulator.http.traffic import traffic
from reconciler.model.errors import PlanRefused

STATE = """
records:
  Account: {$key: Account_Code__c, rows: {ACME: {Name: Acme}}}
"""


def test_a_plan_that_needs_more_calls_than_are_left_is_not_begun_and_stays_good(demo: Any) -> None:
    plan = demo.plan(STATE)
    front = traffic(demo.org)
    front.daily_requests = front.used(demo.org.clock.now_ms()) + 3
    with pytest.raises(PlanRefused, match="API calls"):
        demo.apply(plan)
    assert demo.org.rows("Account") == []
    front.daily_requests = 1_000_000
    assert demo.apply(plan).status.value == "applied"
