"""Claims about values: what each describe type takes, and what never shows as a change."""

from typing import Any

import pytest

from reconciler.model.errors import SpecError


def gadget(fields: str, key: str = "G") -> str:
    return f"""
records:
  Gadget__c:
    $key: Code__c
    rows:
      {key}: {{{fields}}}
"""


def refusal(stage: Any, text: str) -> str:
    before = stage.org.snapshot()
    with pytest.raises(SpecError) as refused:
        stage.plan(text)
    assert stage.org.snapshot() == before
    return str(refused.value)


@pytest.mark.parametrize(
    ("field", "complaint", "mend"),
    [
        ("Text__c: 017", "017", "quotes"),
        ("Text__c: 17", "'Text__c' must be text, found the number 17", "write '17' in quotes"),
        ("Text__c: true", "must be text, found the truth value true", "'true' in quotes"),
        ("Text__c: 2031-01-01", "must be text, found the date", "in quotes"),
        ("Text__c: [a, b]", "takes one value, found a list", "write one value"),
        ("Text__c: {a: b}", "takes one value, found a map", "relationship name"),
        ("Text__c: this text is longer than twenty", "holds 20 characters, found 31", "shorten"),
        ('Count__c: "1.5"', "must be a number, found the text '1.5'", "leave out the quotes"),
        ("Count__c: many", "must be a number, found 'many'", "1234.5"),
        ("Count__c: 1.234", "keeps 2 decimals, found 1.234", "write 1.23"),
        ("Count__c: 12345678", "holds 7 digits before the point", "smaller"),
        ("Whole__c: 1.5", "keeps 0 decimals", "write 2"),
        ("On__c: maybe", "is a checkbox, found 'maybe'", "true or false"),
        ('On__c: "true"', "is a checkbox, found 'true'", "without quotes"),
        ("On__c: null", "is a checkbox and cannot be empty", "true or false"),
        ("Day__c: 31.12.2031", "is a date, found '31.12.2031'", "2026-01-31"),
        ("Day__c: 2031-02-30", "'2031-02-30' is not a date of the calendar", "exists"),
        ("Day__c: '2031-02-30'", "is a date, found '2031-02-30'", "2026-01-31"),
        ("At__c: 2031-01-31T10:00:00", "'2031-01-31T10:00:00' does not say in which time zone", "zone"),
        ("At__c: '2031-01-31T10:00:00'", "date and time with a zone", "T10:00:00Z"),
        ("At__c: 2031-01-31", "date and time with a zone", "T10:00:00Z"),
        ('Clock__c: "25:00"', "is a time of day, found '25:00'", "'14:30:00'"),
        ("Pick__c: Rde", "'Rde' is not a value of the picklist 'Pick__c'", "did you mean 'Red'?"),
        ("Many__c: [Mon, Sun]", "'Sun' is not a value of the picklist 'Many__c'", "Tue"),
        ("Account__c: 001000000000001AAA", "holds a record id, which differs in every org", "Account__r"),
        ("Account__c: {Name: Acme}", "holds a record id, which differs in every org", "Account__r"),
        ("Account__r: Acme", "'Account__r' must name the parent by a key", "{Name: Acme}"),
        ("Account__r: {Id: 001000000000001AAA}", "names a record id", "a key of its own"),
        ("Double__c: 4", "'Double__c' of Gadget__c is read-only", "formula"),
        ("CreatedDate: 2031-01-31T10:00:00Z", "'CreatedDate' of Gadget__c is read-only", "leave it out"),
        ("Txet__c: x", "Gadget__c has no field 'Txet__c'", "did you mean 'Text__c'?"),
        ("Acount__r: {Name: x}", "Gadget__c has no field 'Acount__r'", "did you mean 'Account__r'?"),
        ("Owner: {Account: {Name: x}}", "'Owner' cannot point to 'Account'", "Owner"),
        ("Owner: ada@acme.example", "'Owner' may point to", "say which"),
        ("RecordType: {DeveloperName: Huge}", "names RecordType DeveloperName=Huge", "spelling"),
        ("Account__r: {Account_Code__c: NOPE}", "names Account NOPE, which is not in the org", "spelling"),
        ("Parent__r: {Code__c: NOPE}", "names Gadget__c NOPE, which is not in the org", "spelling"),
    ],
)
def test_a_value_that_the_field_cannot_hold_is_refused_at_its_place(
    kit: Any, field: str, complaint: str, mend: str
) -> None:
    said = refusal(kit, gadget(field))
    assert complaint in said
    assert mend in said
    line = next(each for each in said.splitlines() if complaint.partition("'")[0][:8] in each)
    assert "state.yaml:6:" in line
    assert int(line.split("state.yaml:6:")[1].split(":")[0]) > 6


def test_all_problems_come_in_one_run_in_line_order(kit: Any) -> None:
    said = refusal(
        kit,
        """
        records:
          Gadget__c:
            $key: Code__c
            rows:
              A: {Count__c: many, Txet__c: x}
              B: {Day__c: never}
          Nonsense__c: {$key: Name, rows: {X: {}}}
        """,
    )
    places = [
        line.split("state.yaml:")[1].split(":")[0] for line in said.splitlines() if "state.yaml:" in line
    ]
    assert places == ["6", "6", "7", "8"]
    assert "no object 'Nonsense__c'" in said


SAME = [
    ("Count__c: 1.5", "Count__c: 1.50"),
    ("Count__c: 2", "Count__c: 2.00"),
    ("Price__c: 1000", "Price__c: 1000.0"),
    ("Many__c: [Wed, Mon]", "Many__c: [Mon, Wed]"),
    ("Many__c: [Wed, Mon]", "Many__c: Wed;Mon"),
    ("Many__c: [Mon]", "Many__c: Mon"),
    ("Pick__c: Red", "Pick__c: red"),
    ("At__c: 2031-01-31T10:00:00Z", "At__c: 2031-01-31T12:00:00+02:00"),
    ("At__c: 2031-01-31T10:00:00Z", "At__c: '2031-01-31T10:00:00.000+0000'"),
    ('Clock__c: "14:30:00"', 'Clock__c: "14:30"'),
    ('Clock__c: "14:30:00"', 'Clock__c: "14:30:00.000Z"'),
    ('Text__c: "x"', 'Text__c: "  x "'),
    ('Text__c: ""', "Text__c: null"),
    ("Text__c: null", 'Text__c: "   "'),
    ("Mail__c: Ada@Acme.example", "Mail__c: ada@acme.example"),
    ('Long__c: "a\\nb"', 'Long__c: "a\\r\\nb"'),
    ('Long__c: "a\\r\\nb"', 'Long__c: "a\\nb"'),
    ("Account__r: {Account_Code__c: ACME}", "Account__r: {Account_Code__c: acme}"),
    ("Account__r: {Account_Code__c: ACME}", "Account__r: {Name: Acme Inc}"),
    ("Owner: {User: {Username: ada@acme.example}}", "Owner: {Username: ADA@acme.example}"),
    ("RecordType: {DeveloperName: Large}", "RecordType: Large"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_to_write_one_value_never_show_as_a_change(kit: Any, one: str, other: str) -> None:
    account = "  Account: {$key: Account_Code__c, rows: {ACME: {Name: Acme Inc}}}\n"
    kit.apply(gadget(one) + account)
    assert kit.addresses(kit.plan(gadget(other) + account)) == []


CHANGES = [
    ("Text__c: x", "Text__c: X"),
    ("Count__c: 1.5", "Count__c: 1.51"),
    ("Count__c: 0", "Count__c: null"),
    ("Count__c: null", "Count__c: 0"),
    ("On__c: true", "On__c: false"),
    ("Many__c: [Mon, Tue]", "Many__c: [Mon]"),
    ("Many__c: [Mon]", "Many__c: []"),
    ("Day__c: 2031-01-31", "Day__c: null"),
    ("At__c: 2031-01-31T10:00:00Z", "At__c: 2031-01-31T10:00:00+01:00"),
    ("Text__c: x", 'Text__c: ""'),
    ("Parent__r: {Code__c: G}", "Parent__r: null"),
    ("Owner: {Username: ada@acme.example}", "Owner: {Username: bob@acme.example}"),
    ("RecordType: {DeveloperName: Large}", "RecordType: {DeveloperName: Small}"),
    ("Place__Latitude__s: 1.5, Place__Longitude__s: 2", "Place__Latitude__s: 1.50001"),
]


@pytest.mark.parametrize(("one", "other"), CHANGES)
def test_two_different_values_are_one_change_that_goes_round(
    kit: Any, goes_round: Any, one: str, other: str
) -> None:
    kit.apply(gadget(one))
    plan = goes_round(kit, gadget(other))
    assert kit.addresses(plan) == ["update Gadget__c/G"]
    assert len(plan.steps[0].after) == 1


@pytest.mark.parametrize(
    "field", ["place__latitude__s: 1.5", "TEXT__C: x", "account__R: {account_code__c: ACME}"]
)
def test_field_names_may_be_written_in_any_case(kit: Any, field: str) -> None:
    kit.apply("records: {Account: {$key: Account_Code__c, rows: {ACME: {Name: Acme}}}}")
    text = gadget(field)
    kit.apply(text)
    assert kit.plan(text).steps == []


def test_one_field_under_two_spellings_is_refused(kit: Any) -> None:
    assert "Text__c" in refusal(kit, gadget("Text__c: one, TEXT__c: two"))
