"""Look-ups name parents by keys of any type; the parent's own describe says what a key's value is."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.model.errors import SpecError

SLOT_FIELDS = {
    "Starts__c": "<type>DateTime</type>",
    "Day__c": "<type>Date</type>",
    "Number__c": "<type>Number</type><precision>9</precision><scale>2</scale>",
    "Code__c": "<type>Text</type><length>20</length><externalId>true</externalId>"
    "<unique>true</unique><caseSensitive>true</caseSensitive>",
}
VISIT_FIELDS = {
    "Slot__c": "<type>Lookup</type><referenceTo>Slot__c</referenceTo>"
    "<relationshipName>Visits</relationshipName>"
}
SLOTS = """
records:
  Slot__c:
    $key: Name
    rows:
      Early: {Starts__c: "2031-05-04T08:00:00+02:00", Day__c: 2031-05-04, Number__c: 12.5, Code__c: "Abc"}
      Late: {Starts__c: "2031-05-04T20:00:00Z", Day__c: 2031-05-05, Number__c: 13, Code__c: "017"}
"""


def _object(folder: Path, name: str, fields: dict[str, str]) -> None:
    def write(path: Path, kind: str, body: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'<{kind} xmlns="http://soap.sforce.com/2006/04/metadata">{body}</{kind}>', "utf-8")

    label = name.removesuffix("__c")
    write(
        folder / name / f"{name}.object-meta.xml",
        "CustomObject",
        f"<label>{label}</label><pluralLabel>{label}s</pluralLabel>"
        "<nameField><label>Name</label><type>Text</type></nameField>"
        "<deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel>",
    )
    for field, body in fields.items():
        path = folder / name / "fields" / f"{field}.field-meta.xml"
        write(path, "CustomField", f"<fullName>{field}</fullName><label>{field}</label>{body}")


@pytest.fixture
def slots(demo: Any, tmp_path: Path) -> Any:
    _object(tmp_path / "objects", "Slot__c", SLOT_FIELDS)
    _object(tmp_path / "objects", "Visit__c", VISIT_FIELDS)
    assert demo.org.load(tmp_path).problems == []
    return demo


def visit(parent: str) -> str:
    return f"  Visit__c:\n    $key: Name\n    rows:\n      V: {{Slot__r: {parent}}}\n"


def ids_of(stage: Any) -> dict[str, str]:
    return {row["Name"]: row["Id"] for row in stage.org.rows("Slot__c")}


WAYS = [
    "{Starts__c: 2031-05-04T06:00:00Z}",
    "{Starts__c: '2031-05-04T08:00:00+02:00'}",
    "{Day__c: 2031-05-04}",
    "{Number__c: 12.50}",
    "{Code__c: Abc}",
    "{Starts__c: 2031-05-04T06:00:00Z, Name: early}",
]


@pytest.mark.parametrize("parent", WAYS)
@pytest.mark.parametrize("parent_is_there", [True, False])
def test_a_parent_is_found_by_a_key_of_any_type_in_the_org_or_the_same_plan(
    slots: Any, parent: str, parent_is_there: bool
) -> None:
    if parent_is_there:
        slots.apply(SLOTS)
    text = SLOTS + visit(parent)
    plan = slots.plan(text)
    assert slots.apply(plan).status.value == "applied", slots.report.events
    assert [row["Slot__c"] for row in slots.org.rows("Visit__c")] == [ids_of(slots)["Early"]]
    assert slots.plan(text).steps == []
    slots.revert(plan)
    assert slots.org.rows("Visit__c") == []


@pytest.mark.parametrize("parent", WAYS)
def test_a_row_can_be_keyed_by_a_parent_of_any_key(slots: Any, parent: str) -> None:
    slots.apply(SLOTS)
    text = f"records:\n  Visit__c:\n    $key: Slot__r\n    rows:\n      - {{Slot__r: {parent}, Name: V}}\n"
    plan = slots.plan(text)
    slots.apply(plan)
    assert slots.plan(text).steps == []
    assert slots.apply(text.replace("Name: V", "Name: W")).status.value == "applied"
    assert [row["Name"] for row in slots.org.rows("Visit__c")] == ["W"]


def test_a_moved_parent_is_put_back_by_the_key_it_had(slots: Any) -> None:
    slots.apply(SLOTS + visit("{Starts__c: 2031-05-04T06:00:00Z}"))
    before = slots.org.snapshot()
    plan = slots.plan(SLOTS + visit("{Starts__c: 2031-05-04T20:00:00Z}"))
    slots.apply(plan)
    assert [row["Slot__c"] for row in slots.org.rows("Visit__c")] == [ids_of(slots)["Late"]]
    slots.revert(plan)
    assert slots.org.snapshot() == before


@pytest.mark.parametrize(
    ("parent", "complaint"),
    [
        ("{Cod__c: Abc}", "Slot__c has no field 'Cod__c'"),
        ("{Code__c: 17}", "'Code__c' must be text, found the number 17"),
        ("{Number__c: '12.5'}", "'Number__c' must be a number, found the text '12.5'"),
        ("{Starts__c: 2031-05-04}", "'Starts__c' is a date and time with a zone"),
        ("{Day__c: tomorrow}", "'Day__c' is a date, found 'tomorrow'"),
    ],
)
def test_a_key_that_the_parent_cannot_have_is_refused_at_its_line(
    slots: Any, parent: str, complaint: str
) -> None:
    slots.apply(SLOTS)
    before = slots.org.snapshot()
    with pytest.raises(SpecError) as refused:
        slots.plan(SLOTS + visit(parent))
    assert complaint in str(refused.value)
    assert "state.yaml:11:" in str(refused.value)
    assert slots.org.snapshot() == before


def test_a_column_of_a_file_names_a_parent_by_a_number_or_a_date(slots: Any) -> None:
    (slots.folder / "visits.csv").write_text(
        "Name,Slot__r.Number__c,Slot__r.Day__c\nV,12.50,2031-05-04\nW,13,2031-05-05\n", "utf-8"
    )
    text = SLOTS + "  Visit__c: {$key: Name, from: visits.csv}\n"
    assert slots.apply(text).status.value == "applied"
    named = {row["Name"]: row["Slot__c"] for row in slots.org.rows("Visit__c")}
    assert named == {"V": ids_of(slots)["Early"], "W": ids_of(slots)["Late"]}
    assert slots.plan(text).steps == []
