"""An org with an object of every field type, look-ups that must and may be empty, and kinds of settings."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.org import EmulatedOrg

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
UNIQUE = "<type>Text</type><length>40</length><externalId>true</externalId><unique>true</unique>"


def picklist(kind: str, *values: str, restricted: bool = True) -> str:
    listed = "".join(
        f"<value><fullName>{each}</fullName><default>false</default><label>{each}</label></value>"
        for each in values
    )
    return (
        f"<type>{kind}</type>"
        + ("<visibleLines>4</visibleLines>" if kind == "MultiselectPicklist" else "")
        + f"<valueSet><restricted>{str(restricted).lower()}</restricted><valueSetDefinition>"
        f"<sorted>false</sorted>{listed}</valueSetDefinition></valueSet>"
    )


def lookup(target: str, children: str, *, required: bool = False) -> str:
    constraint = "<required>true</required>" if required else "<deleteConstraint>SetNull</deleteConstraint>"
    return (
        f"<type>Lookup</type><referenceTo>{target}</referenceTo>"
        f"<relationshipName>{children}</relationshipName>{constraint}"
    )


GADGET = {
    "Code__c": UNIQUE + "<caseSensitive>false</caseSensitive>",
    "Sku__c": UNIQUE + "<caseSensitive>true</caseSensitive>",
    "Text__c": "<type>Text</type><length>20</length>",
    "Long__c": "<type>LongTextArea</type><length>1000</length><visibleLines>3</visibleLines>",
    "Count__c": "<type>Number</type><precision>9</precision><scale>2</scale>",
    "Whole__c": "<type>Number</type><precision>9</precision><scale>0</scale>",
    "Price__c": "<type>Currency</type><precision>18</precision><scale>2</scale>",
    "On__c": "<type>Checkbox</type><defaultValue>false</defaultValue>",
    "Day__c": "<type>Date</type>",
    "At__c": "<type>DateTime</type>",
    "Clock__c": "<type>Time</type>",
    "Pick__c": picklist("Picklist", "Red", "Green", "Blue"),
    "Open__c": picklist("Picklist", "Red", "Green", restricted=False),
    "Many__c": picklist("MultiselectPicklist", "Mon", "Tue", "Wed"),
    "Mail__c": "<type>Email</type>",
    "Url__c": "<type>Url</type>",
    "Place__c": "<type>Location</type><displayLocationInDecimal>true</displayLocationInDecimal>"
    "<scale>5</scale>",
    "Double__c": "<type>Number</type><precision>9</precision><scale>2</scale><formula>Count__c * 2</formula>",
    "Parent__c": lookup("Gadget__c", "Parts"),
    "Account__c": lookup("Account", "Gadgets"),
}
VISIT = {
    "Gadget__c": lookup("Gadget__c", "Visits", required=True),
    "Day__c": "<type>Date</type>",
    "Note__c": "<type>Text</type><length>80</length>",
}
OBJECTS: Mapping[str, Mapping[str, str]] = {
    "Gadget__c": GADGET,
    "Visit__c": VISIT,
    "Left__c": {"Right__c": lookup("Right__c", "Lefts")},
    "Right__c": {"Left__c": lookup("Left__c", "Rights")},
    "Knot__c": {"Other__c": lookup("Knot__c", "Knots", required=True)},
}
SETTINGS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "Regions__c": ("List", {"Limit__c": "<type>Number</type><precision>9</precision><scale>0</scale>"}),
    "Limits__c": (
        "Hierarchy",
        {
            "Daily__c": "<type>Number</type><precision>9</precision><scale>0</scale>",
            "Token__c": "<type>Text</type><length>80</length>",
        },
    ),
}
RECORD_TYPES = ("Small", "Large")


def _write(path: Path, kind: str, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<{kind} xmlns="{NAMESPACE}">{body}</{kind}>', "utf-8")


def _fields(folder: Path, fields: Mapping[str, str]) -> None:
    for name, body in fields.items():
        _write(
            folder / "fields" / f"{name}.field-meta.xml",
            "CustomField",
            f"<fullName>{name}</fullName><label>{name}</label>{body}",
        )


def write_schema(root: Path) -> None:
    for name, fields in OBJECTS.items():
        folder = root / "objects" / name
        label = name.removesuffix("__c")
        _write(
            folder / f"{name}.object-meta.xml",
            "CustomObject",
            f"<label>{label}</label><pluralLabel>{label}s</pluralLabel>"
            "<nameField><label>Name</label><type>Text</type></nameField>"
            "<deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel>",
        )
        _fields(folder, fields)
    for name, (kind, fields) in SETTINGS.items():
        folder = root / "objects" / name
        _write(
            folder / f"{name}.object-meta.xml",
            "CustomObject",
            f"<label>{name}</label><customSettingsType>{kind}</customSettingsType>"
            "<visibility>Public</visibility>",
        )
        _fields(folder, fields)
    for name in RECORD_TYPES:
        _write(
            root / "objects" / "Gadget__c" / "recordTypes" / f"{name}.recordType-meta.xml",
            "RecordType",
            f"<fullName>{name}</fullName><label>{name}</label><active>true</active>",
        )


@pytest.fixture(scope="session")
def kit_org(demo_org: EmulatedOrg, tmp_path_factory: pytest.TempPathFactory) -> EmulatedOrg:
    """The demo org with gadgets, visits, knots and settings; tests fork it."""
    folder = tmp_path_factory.mktemp("kit")
    write_schema(folder)
    org = demo_org.fork()
    assert org.load(folder).problems == []
    return org


@pytest.fixture
def kit(kit_org: EmulatedOrg, demo: Any, tmp_path: Path) -> Iterator[Any]:
    """A stage on a fork of `kit_org`."""
    stage = type(demo)(tmp_path, org=kit_org.fork())
    yield stage
    stage.journal.close()


GoesRound = Callable[..., Any]


@pytest.fixture
def goes_round() -> GoesRound:
    """Apply, plan empty, revert, compare: the law that every kind keeps. Answers with the plan."""

    def check(stage: Any, text: str, *, left_behind: bool = False) -> Any:
        before = stage.org.snapshot()
        plan = stage.plan(text)
        assert stage.org.snapshot() == before, "planning wrote"
        assert plan.steps, "nothing to do"
        result = stage.apply(plan)
        assert result.status.value == "applied", stage.report.events
        assert not result.unmet
        assert stage.addresses(stage.plan(text)) == []
        stage.revert(plan)
        if not left_behind:
            assert stage.org.snapshot() == before
        return plan

    return check
