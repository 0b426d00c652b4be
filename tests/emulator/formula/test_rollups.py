"""Roll-up summaries, auto-numbers and defaults: what a row gets from its children, its order and its time."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg

from .conftest import NOW, custom_field, custom_object, formula_field, load

MASTER = (
    "<fields><fullName>Parent__c</fullName><label>Parent</label><type>MasterDetail</type>"
    "<referenceTo>Parent__c</referenceTo><relationshipName>Lines</relationshipName>"
    "<relationshipOrder>0</relationshipOrder><reparentableMasterDetail>true</reparentableMasterDetail></fields>"
)


def summary(name: str, operation: str, field: str = "", *filters: tuple[str, str, str]) -> str:
    items = "".join(
        f"<summaryFilterItems><field>Line__c.{on}</field><operation>{test}</operation>"
        f"<value>{value}</value></summaryFilterItems>"
        for on, test, value in filters
    )
    summarised = f"<summarizedField>Line__c.{field}</summarizedField>" if field else ""
    return custom_field(
        name,
        "Summary",
        f"<summaryForeignKey>Line__c.Parent__c</summaryForeignKey>{summarised}"
        f"<summaryOperation>{operation}</summaryOperation>{items}",
    )


ROLLUPS = [
    summary("Lines__c", "count"),
    summary("Total__c", "sum", "Amount__c"),
    summary("Doubled__c", "sum", "Double__c"),
    summary("Least__c", "min", "Amount__c"),
    summary("Last__c", "max", "Day__c"),
    summary("Open__c", "count", "", ("Stage__c", "equals", "Open, Waiting")),
    summary("Others__c", "count", "", ("Stage__c", "notEqual", "Open,Waiting")),
    summary(
        "Dear__c", "sum", "Amount__c", ("Amount__c", "greaterOrEqual", "10"), ("Paid__c", "equals", "True")
    ),
    summary("Undated__c", "count", "", ("Day__c", "equals", "")),
    summary("Named__c", "count", "", ("Note__c", "startsWith", "a"), ("Note__c", "notContain", "z")),
    formula_field("Average__c", "Number", "Total__c / Lines__c", "<precision>9</precision><scale>1</scale>"),
]
LINE = custom_object(
    "Line",
    MASTER,
    custom_field("Amount__c", "Number", "<precision>9</precision><scale>2</scale>"),
    custom_field("Day__c", "Date", ""),
    custom_field("Stage__c", "Text", "<length>20</length>"),
    custom_field("Note__c", "Text", "<length>20</length>"),
    custom_field("Paid__c", "Checkbox", "<defaultValue>false</defaultValue>"),
    formula_field("Double__c", "Number", "Amount__c * 2", "<precision>9</precision><scale>2</scale>"),
    more="<sharingModel>ControlledByParent</sharingModel>",
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> EmulatedOrg:
    org = EmulatedOrg(clock=Clock.fixed(NOW))
    objects = {"Parent__c": custom_object("Parent", *ROLLUPS), "Line__c": LINE}
    load(org, tmp_path_factory.mktemp("rollups"), objects)
    one = org.has("Parent__c", Name="one")
    org.has("Parent__c", Name="none")
    lines: list[dict[str, Any]] = [
        {"Amount__c": 0.1, "Day__c": "2024-01-01", "Stage__c": "Open", "Note__c": "abc"},
        {"Amount__c": 0.2, "Day__c": "2024-03-01", "Stage__c": "waiting", "Note__c": "Axe"},
        {"Amount__c": 30, "Stage__c": "Done", "Paid__c": True, "Note__c": "azz"},
        {"Amount__c": 40},
    ]
    for line in lines:
        org.has("Line__c", Parent__c=one, **line)
    return org


def told(org: EmulatedOrg, name: str, *fields: str) -> list[Any]:
    (record,) = org.query(f"SELECT {', '.join(fields)} FROM Parent__c WHERE Name = '{name}'").records
    return [record[field] for field in fields]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Lines__c", 4.0),
        ("Total__c", 70.3),
        ("Doubled__c", 140.6),
        ("Least__c", 0.1),
        ("Last__c", "2024-03-01"),
        ("Open__c", 2.0),
        ("Others__c", 2.0),
        ("Dear__c", 30.0),
        ("Undated__c", 2.0),
        ("Named__c", 2.0),
        ("Average__c", 17.6),
    ],
)
def test_a_rollup_counts_the_rows_below_that_its_filters_take(
    base: EmulatedOrg, field: str, value: Any
) -> None:
    assert told(base, "one", field) == [value]
    (row,) = base.rows("Parent__c", Name="one")
    assert row[field] == value


def test_no_rows_below_count_and_sum_to_zero_and_have_no_least(base: EmulatedOrg) -> None:
    assert told(base, "none", "Lines__c", "Total__c", "Least__c", "Last__c", "Average__c") == [
        0.0,
        0.0,
        None,
        None,
        None,
    ]


def test_a_rollup_follows_every_way_its_rows_change(base: EmulatedOrg) -> None:
    org = base.fork()
    (none,) = org.rows("Parent__c", Name="none")
    dearest = org.rows("Line__c", Amount__c=40.0)[0]["Id"]

    def after(change: Any) -> list[Any]:
        with org.transaction() as tx:
            change(tx)
        return [*told(org, "one", "Lines__c", "Total__c"), *told(org, "none", "Lines__c", "Total__c")]

    assert after(lambda tx: tx.update("Line__c", dearest, {"Amount__c": 41})) == [4.0, 71.3, 0.0, 0.0]
    assert after(lambda tx: tx.update("Line__c", dearest, {"Parent__c": none["Id"]})) == [
        3.0,
        30.3,
        1.0,
        41.0,
    ]
    assert after(lambda tx: tx.delete("Line__c", dearest)) == [3.0, 30.3, 0.0, 0.0]
    assert after(lambda tx: tx.undelete("Line__c", dearest)) == [3.0, 30.3, 1.0, 41.0]


def test_rollups_are_filtered_and_sorted(base: EmulatedOrg) -> None:
    found = base.query("SELECT Name FROM Parent__c WHERE Total__c < 50 ORDER BY Lines__c DESC").records
    assert [each["Name"] for each in found] == ["none"]


# -- auto-numbers and defaults


@pytest.mark.parametrize(
    ("display", "start", "numbers"),
    [
        ("A-{0000}", "", ["A-0001", "A-0002"]),
        ("{0}", "99", ["99", "100"]),
        ("INV-{YYYY}{MM}{DD}-{000}", "7", ["INV-20240229-007", "INV-20240229-008"]),
        ("{YY}/{00000}", "", ["24/00001", "24/00002"]),
    ],
)
def test_auto_numbers_count_from_their_start_in_their_format(
    tmp_path: Path, display: str, start: str, numbers: list[str]
) -> None:
    org = EmulatedOrg(clock=Clock.fixed(NOW))
    counted = f"<displayFormat>{display}</displayFormat>"
    counted += f"<startingNumber>{start}</startingNumber>" if start else ""
    field = custom_field("Number__c", "AutoNumber", counted)
    load(
        org,
        tmp_path,
        {"Bill__c": custom_object("Bill", field, name_field=f"<type>AutoNumber</type>{counted}")},
    )
    org.has("Bill__c")
    org.has("Bill__c")
    assert [row["Number__c"] for row in org.rows("Bill__c")] == numbers
    assert [row["Name"] for row in org.rows("Bill__c")] == numbers
    org.close()


DEFAULTS = {
    "Day__c": ("Date", "TODAY() + 7", "2024-03-07"),
    "Now_Day__c": ("Date", "NOW()", "2024-02-29"),
    "At__c": ("DateTime", "NOW() + 1/24", "2024-03-01T00:30:05.000+0000"),
    "Who__c": ("Text", "$User.Username + '!'", None),
    "Whose__c": ("Text", "$Profile.Name", "System Administrator"),
    "Count__c": ("Number", "2 * 3", 6.0),
    "Fixed__c": ("Number", "5", 5.0),
    "Word__c": ("Text", '"as is"', "as is"),
    "Share__c": ("Percent", "0.25", 0.25),
    "Wrong__c": ("Text", "NOSUCH()", None),
}
SIZES = {"Text": "<length>80</length>", "Number": "<precision>9</precision><scale>2</scale>"}
SIZES["Percent"] = SIZES["Number"]


@pytest.fixture(scope="module")
def defaults(tmp_path_factory: pytest.TempPathFactory) -> EmulatedOrg:
    org = EmulatedOrg(clock=Clock.fixed(NOW))
    fields = [
        custom_field(name, kind, SIZES.get(kind, "") + f"<defaultValue>{written}</defaultValue>")
        for name, (kind, written, _) in DEFAULTS.items()
    ]
    load(org, tmp_path_factory.mktemp("defaults"), {"Note__c": custom_object("Note", *fields)})
    return org


def test_a_default_is_computed_for_a_field_that_is_not_sent(defaults: EmulatedOrg) -> None:
    org = defaults.fork()
    org.has("Note__c", Name="one")
    (row,) = org.rows("Note__c")
    wanted = {name: value for name, (_, _, value) in DEFAULTS.items()} | {"Who__c": f"{org.username}!"}
    assert {name: row[name] for name in wanted} == wanted


def test_a_default_yields_to_what_is_sent_even_to_null(defaults: EmulatedOrg) -> None:
    org = defaults.fork()
    org.has("Note__c", Name="one", Day__c=None, count__c=1, Word__c="")
    (row,) = org.rows("Note__c")
    assert (row["Day__c"], row["Count__c"], row["Word__c"]) == (None, 1.0, None)


def test_a_default_that_cannot_be_computed_is_named(defaults: EmulatedOrg) -> None:
    assert defaults.formula_gaps() == ["Note__c.Wrong__c: Unknown function NOSUCH. Check spelling."]


def test_a_computed_default_fills_a_required_field(tmp_path: Path) -> None:
    org = EmulatedOrg(clock=Clock.fixed(NOW))
    field = custom_field("Day__c", "Date", "<required>true</required><defaultValue>TODAY()</defaultValue>")
    load(org, tmp_path, {"Note__c": custom_object("Note", field)})
    org.has("Note__c")
    with pytest.raises(ApiError) as refused:
        org.has("Note__c", Day__c=None)
    assert refused.value.code == "REQUIRED_FIELD_MISSING"
    assert [row["Day__c"] for row in org.rows("Note__c")] == ["2024-02-29"]
    org.close()
