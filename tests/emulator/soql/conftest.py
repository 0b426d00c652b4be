"""An org with rows to ask about; nothing in these tests writes to it after it is made."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field, PicklistValue

NOW = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
"""A Thursday; the week began on Sunday the 25th."""

COLOURS = tuple(PicklistValue(each, each + " paint") for each in ("Red", "Green", "Blue"))
FIELDS = [
    Field(name="Key__c", type="string", label="Key", length=40, external_id=True, custom=True),
    Field(name="Exact__c", type="string", label="Exact", length=40, case_sensitive=True, custom=True),
    Field(name="Colour__c", type="picklist", label="Colour", length=40, picklist=COLOURS, custom=True),
    Field(name="Colours__c", type="multipicklist", label="Colours", length=99, picklist=COLOURS, custom=True),
    Field(name="Score__c", type="double", label="Score", precision=10, scale=2, custom=True),
    Field(name="Size__c", type="int", label="Size", digits=8, custom=True),
    Field(name="Live__c", type="boolean", label="Live", nillable=False, default=False, custom=True),
    Field(name="Day__c", type="date", label="Day", custom=True),
    Field(name="Moment__c", type="datetime", label="Moment", custom=True),
    Field(name="Hour__c", type="time", label="Hour", custom=True),
    Field(
        name="Notes__c",
        type="textarea",
        label="Notes",
        length=32768,
        filterable=False,
        sortable=False,
        groupable=False,
        aggregatable=False,
        custom=True,
    ),
    Field(name="Spot__c", type="location", label="Spot", custom=True),
    Field(
        name="Spot__Latitude__s",
        type="double",
        label="Spot",
        precision=18,
        scale=15,
        compound="Spot__c",
        custom=True,
    ),
    Field(
        name="Spot__Longitude__s",
        type="double",
        label="Spot",
        precision=18,
        scale=15,
        compound="Spot__c",
        custom=True,
    ),
]

ACCOUNTS: dict[str, dict[str, Any]] = {
    "acme": {
        "Name": "Acme",
        "Key__c": "A1",
        "Exact__c": "Acme",
        "Colour__c": "Green",
        "Colours__c": "Red;Blue",
        "Score__c": 1.5,
        "Size__c": 10,
        "Live__c": True,
        "Day__c": "2024-02-29",
        "Moment__c": "2024-02-29T01:00:00.000Z",
        "Hour__c": "10:15:00.000Z",
        "Notes__c": "long",
        "Industry": "Media",
        "BillingCity": "Paris",
        "BillingCountry": "France",
        "Spot__Latitude__s": 48.8566,
        "Spot__Longitude__s": 2.3522,
    },
    "beta": {
        "Name": "beta",
        "Key__c": "B2",
        "Exact__c": "acme",
        "Colour__c": "Red",
        "Colours__c": "Green",
        "Score__c": 2.5,
        "Size__c": 20,
        "Live__c": False,
        "Day__c": "2024-02-28",
        "Moment__c": "2024-02-28T23:00:00.000Z",
        "Industry": "Media",
        "Spot__Latitude__s": 51.5072,
        "Spot__Longitude__s": -0.1276,
    },
    "gamma": {
        "Name": "Gamma 100%",
        "Key__c": "C3",
        "Colour__c": "Blue",
        "Colours__c": "Red;Green;Blue",
        "Score__c": -4.0,
        "Size__c": 20,
        "Live__c": True,
        "Day__c": "2023-12-31",
        "Moment__c": "2023-12-31T12:00:00.000Z",
        "Industry": "Energy",
    },
    "delta": {"Name": "Del_ta", "Key__c": "D4"},
}


def make_org() -> EmulatedOrg:
    org = EmulatedOrg(clock=Clock.fixed(NOW))
    org.additions.add_fields("Account", FIELDS)
    made: dict[str, str] = {}
    for name, fields in ACCOUNTS.items():
        made[name] = org.has("Account", **fields)
    with org.transaction() as tx:
        tx.update("Account", made["beta"], {"ParentId": made["acme"]})
        tx.update("Account", made["gamma"], {"ParentId": made["beta"]})
    ann = org.has("Contact", LastName="Ann", FirstName="A", AccountId=made["acme"], Email="ann@example.com")
    org.has("Contact", LastName="Bob", AccountId=made["acme"], ReportsToId=ann)
    org.has("Contact", LastName="Cid", AccountId=made["beta"])
    org.has("Contact", LastName="Dan")
    queue = org.has("Group", Name="Triage", Type="Queue", DeveloperName="Triage")
    org.has("QueueSobject", QueueId=queue, SobjectType="Case")
    org.has("Case", Subject="one", AccountId=made["acme"], ContactId=ann, OwnerId=queue)
    org.has("Case", Subject="two", AccountId=made["beta"])
    lead = org.has("Lead", LastName="Lee", Company="Leeco")
    org.has("Task", Subject="call", WhoId=ann, WhatId=made["acme"])
    org.has("Task", Subject="mail", WhoId=lead)
    org.has("Task", Subject="idle")
    gone = org.has("Account", Name="Gone", Key__c="Z9")
    with org.transaction() as tx:
        tx.delete("Account", gone)
    return org


@pytest.fixture(scope="module")
def org() -> Iterator[EmulatedOrg]:
    made = make_org()
    yield made
    made.close()


Refusal = Callable[..., ApiError]


@pytest.fixture
def refusal(org: EmulatedOrg) -> Refusal:
    """Run a query that must be refused; what it answered."""

    def run(soql: str, **options: Any) -> ApiError:
        with pytest.raises(ApiError) as caught:
            org.query(soql, **options)
        return caught.value

    return run
