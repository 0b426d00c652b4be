"""An org with an object to compute on, and one way to ask for the value of a formula."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.formula.compile import Purpose
from reconciler.emulator.formula.kinds import number_text
from reconciler.emulator.formula.records import Record, World
from reconciler.emulator.org import EmulatedOrg

NOW = datetime(2024, 2, 29, 23, 30, 5, tzinfo=UTC)
"""A Thursday that is still the 29th in Paris's west and already the 1st of March in Tokyo."""
SHARED = Path(__file__).resolve().parents[4] / "shared"

FIELDS = {
    "Word__c": ("Text", "<length>80</length>"),
    "Other__c": ("Text", "<length>80</length>"),
    "Amount__c": ("Number", "<precision>18</precision><scale>4</scale>"),
    "Price__c": ("Currency", "<precision>18</precision><scale>2</scale>"),
    "Share__c": ("Percent", "<precision>18</precision><scale>2</scale>"),
    "Flag__c": ("Checkbox", "<defaultValue>false</defaultValue>"),
    "Day__c": ("Date", ""),
    "Moment__c": ("DateTime", ""),
    "Hour__c": ("Time", ""),
    "Stage__c": ("Picklist", "<valueSet><valueSetDefinition>{}</valueSetDefinition></valueSet>"),
    "Tags__c": ("MultiselectPicklist", "<valueSet><valueSetDefinition>{}</valueSetDefinition></valueSet>"),
    "Spot__c": ("Location", "<scale>5</scale>"),
    "Account__c": (
        "Lookup",
        "<referenceTo>Account</referenceTo><relationshipName>Things</relationshipName>",
    ),
}
VALUES = "".join(
    f"<value><fullName>{each}</fullName><label>{each} it is</label></value>"
    for each in ("Open", "Won", "Lost")
)


def custom_field(name: str, kind: str, more: str) -> str:
    return f"<fields><fullName>{name}</fullName><label>{name}</label><type>{kind}</type>{more}</fields>"


def formula_field(name: str, kind: str, formula: str, more: str = "") -> str:
    written = formula.replace("&", "&amp;").replace("<", "&lt;")
    return custom_field(name, kind, f"<formula>{written}</formula>{more}")


def rule(name: str, condition: str, message: str, *, field: str = "", active: str = "true") -> str:
    written = condition.replace("&", "&amp;").replace("<", "&lt;")
    shown = f"<errorDisplayField>{field}</errorDisplayField>" if field else ""
    return (
        f"<validationRules><fullName>{name}</fullName><active>{active}</active>"
        f"<errorConditionFormula>{written}</errorConditionFormula>{shown}"
        f"<errorMessage>{message}</errorMessage></validationRules>"
    )


def custom_object(label: str, *parts: str, name_field: str = "<type>Text</type>", more: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">'
        f"<label>{label}</label><pluralLabel>{label}s</pluralLabel>"
        f"<nameField><label>Name</label>{name_field}</nameField>{more}{''.join(parts)}</CustomObject>"
    )


THING_FIELDS = [custom_field(name, kind, more.format(VALUES)) for name, (kind, more) in FIELDS.items()]


def load(org: EmulatedOrg, folder: Path, objects: dict[str, str], labels: str = "") -> None:
    """Load object files, and one of labels."""
    (folder / "objects").mkdir(exist_ok=True)
    for name, content in objects.items():
        (folder / "objects" / f"{name}.object").write_text(content)
    if labels:
        (folder / "labels").mkdir()
        (folder / "labels" / "CustomLabels.labels").write_text(labels)
    report = org.load(folder)
    assert report.problems == []


@pytest.fixture(scope="package")
def thing_org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedOrg]:
    """An org with Thing__c, which has a field of each type; forked, never written to."""
    org = EmulatedOrg(clock=Clock.fixed(NOW))
    load(org, tmp_path_factory.mktemp("things"), {"Thing__c": custom_object("Thing", *THING_FIELDS)})
    yield org
    org.close()


@pytest.fixture
def org(thing_org: EmulatedOrg) -> Iterator[EmulatedOrg]:
    made = thing_org.fork()
    yield made
    made.close()


Evaluate = Callable[..., Any]


def plain(value: Any) -> Any:
    """A value as the tables of the tests write it."""
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, time):
        return f"{value:%H:%M:%S}.{value.microsecond // 1000:03d}"
    return str(value) if isinstance(value, date) else value


def evaluate(org: EmulatedOrg, formula: str, blank_as_zero: bool = False, **values: Any) -> Any:
    table = org.tables["Thing__c"]
    made = org.formulas.compile(table.sobject, formula, Purpose.RULE, blank_as_zero=blank_as_zero)
    stored = {name: table.entry(name).read(value) for name, value in values.items()}
    world = World(org, org.admin_number)
    return plain(made.run(Record(world, table, {"Flag__c": 0, **stored})))


@pytest.fixture(scope="package")
def value_of(thing_org: EmulatedOrg) -> Evaluate:
    """The value of a formula on a Thing__c with these values."""
    return lambda formula, **values: evaluate(thing_org, formula, **values)


@pytest.fixture(scope="session")
def seeds() -> Path:
    folder = SHARED / "orgs"
    if not folder.is_dir():
        pytest.skip("the example orgs are not beside the repository")
    return folder
