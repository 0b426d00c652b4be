"""What Salesforce does not save: wrong names, wrong types, functions out of their place."""

import pytest

from reconciler.emulator.formula.compile import Purpose
from reconciler.emulator.formula.faults import FormulaError, NotEmulated
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field

REFUSED = [
    ("Nothing__c", "Field Nothing__c does not exist. Check spelling."),
    ("Account__r.Nothing__c", "Field Account__r.Nothing__c does not exist. Check spelling."),
    ("Nobody__r.Name", "Field Nobody__r.Name does not exist. Check spelling."),
    ("$Setup.Nothing__c.X__c", "Field $Setup.Nothing__c.X__c does not exist. Check spelling."),
    ("$Label.nothing", "Field $Label.nothing does not exist. Check spelling."),
    ("$Nothing.X", "Field $Nothing.X does not exist. Check spelling."),
    ("Owner:Account.Name", "account is an invalid object type for the owner field. Check spelling."),
    ("NOSUCH(1)", "Unknown function NOSUCH. Check spelling."),
    ("LEFT('a')", "Incorrect number of parameters for function 'LEFT()'. Expected 2, received 1"),
    ("LEN('a', 'b')", "Incorrect number of parameters for function 'LEN()'. Expected 1, received 2"),
    ("TODAY(1)", "Incorrect number of parameters for function 'TODAY()'. Expected 0, received 1"),
    ("CASE(1, 2, 3)", "Incorrect number of parameters for function 'CASE()'. Expected 4, received 3"),
    ("LEFT(1, 2)", "Incorrect parameter type for function 'LEFT()'. Expected Text, received Number"),
    ("YEAR(NOW())", "Incorrect parameter type for function 'YEAR()'. Expected Date, received DateTime"),
    ("IF('a', 1, 2)", "Incorrect parameter type for function 'IF()'. Expected Boolean, received Text"),
    ("IF(TRUE, 1, 'a')", "Incorrect parameter type for function 'IF()'. Expected Number, received Text"),
    ("1 + 'a'", "Incorrect parameter type for operator '+'. Expected Number, Date, DateTime, received Text"),
    ("1 & 'a'", "Incorrect parameter type for operator '&'. Expected Text, received Number"),
    ("'a' * 2", "Incorrect parameter type for operator '*'. Expected Number, received Text"),
    ("1 = 'a'", "Incorrect parameter type for operator '='. Expected Number, received Text"),
    ("TODAY() < NOW()", "Incorrect parameter type for operator '<'. Expected Date, received DateTime"),
    ("1 && TRUE", "Incorrect parameter type for operator '&&'. Expected Boolean, received Number"),
    ("ISBLANK(Flag__c)", "Incorrect argument type for function 'ISBLANK()'. "),
    (
        "Stage__c = 'Won'",
        "Field Stage__c is a picklist field. Picklist fields are only supported in certain functions.",
    ),
    (
        "Account__r.Type = 'Other'",
        "Field Account__r.Type is a picklist field. Picklist fields are only supported in certain functions.",
    ),
    (
        "Tags__c & 'x'",
        "Field Tags__c is a multi-select picklist field. "
        "Multi-select picklist fields are only supported in certain functions.",
    ),
    (
        "ISPICKVAL(Word__c, 'a')",
        "Incorrect parameter type for function 'ISPICKVAL()'. Expected Picklist, received Text",
    ),
    (
        "ISPICKVAL(Stage__c, Word__c)",
        "Incorrect parameter type for function 'ISPICKVAL()'. Expected Text Literal, received Text",
    ),
    ("PRIORVALUE('a')", "Incorrect parameter for function 'PRIORVALUE()'. Expected Text field reference."),
]


@pytest.mark.parametrize(("formula", "message"), REFUSED)
def test_a_wrong_formula_is_refused_in_salesforces_words(
    thing_org: EmulatedOrg, formula: str, message: str
) -> None:
    with pytest.raises(FormulaError) as refused:
        thing_org.formulas.compile(thing_org.schema["Thing__c"], formula, Purpose.RULE)
    assert refused.value.message == message


@pytest.mark.parametrize("function", ["ISNEW()", "ISCHANGED(Word__c)", "PRIORVALUE(Word__c)", "ISCLONE()"])
def test_functions_of_rules_have_no_place_in_fields(thing_org: EmulatedOrg, function: str) -> None:
    sobject = thing_org.schema["Thing__c"]
    thing_org.formulas.compile(sobject, function, Purpose.RULE)
    with pytest.raises(FormulaError, match="may not be used in this type of formula"):
        thing_org.formulas.compile(sobject, function, Purpose.FIELD)


@pytest.mark.parametrize("formula", ["GETRECORDIDS('x')", "LINKTO('a', 'b', 'c')", "$Resource.Picture"])
def test_what_only_this_org_lacks_is_told_apart(thing_org: EmulatedOrg, formula: str) -> None:
    with pytest.raises(NotEmulated, match="is not emulated"):
        thing_org.formulas.compile(thing_org.schema["Thing__c"], formula, Purpose.FIELD)


@pytest.mark.parametrize(
    ("kind", "formula", "message"),
    [
        ("double", "'a'", r"Formula result is data type \(Text\), incompatible .* \(Number\)\."),
        ("string", "1", r"Formula result is data type \(Number\), incompatible .* \(Text\)\."),
        ("date", "NOW()", r"Formula result is data type \(DateTime\), incompatible .* \(Date\)\."),
        ("boolean", "Stage__c", r"Field Stage__c is a picklist field"),
    ],
)
def test_a_formula_must_result_in_the_type_of_its_field(
    thing_org: EmulatedOrg, kind: str, formula: str, message: str
) -> None:
    field = Field(name="New__c", type=kind, label="New", formula=formula, custom=True)
    with pytest.raises(FormulaError, match=message):
        thing_org.formulas.check_field(thing_org.schema["Thing__c"], field)


def test_the_condition_of_a_rule_must_be_a_condition(thing_org: EmulatedOrg) -> None:
    thing_org.formulas.check_rule(thing_org.schema["Thing__c"], "Amount__c > 1")
    with pytest.raises(FormulaError, match="incompatible with expected data type"):
        thing_org.formulas.check_rule(thing_org.schema["Thing__c"], "Amount__c + 1")
