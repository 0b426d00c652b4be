"""Validation rules refuse rows, all of those that hold at once, and follow what becomes of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg

from .conftest import NOW, THING_FIELDS, custom_object, load, rule

RULES = [
    rule("A_Positive", "Amount__c < 0", "Not below zero", field="Amount__c"),
    rule("B_Small", "Amount__c < -10", "Far too low"),
    rule("C_Off", "TRUE", "Never", active="false"),
    rule("D_Frozen", "NOT(ISNEW()) && ISCHANGED(Word__c)", "The word stays", field="Word__c"),
    rule("E_Rising", "PRIORVALUE(Price__c) > Price__c", "Prices rise", field="Price__c"),
    rule("F_Account", "TEXT(Account__r.Industry) <> 'Media' && NOT(ISBLANK(Account__c))", "Media only"),
    rule("G_Error", "1 / Amount__c > 1000", "A division by zero is no reason"),
    rule("H_Open", "ISNEW() && ISPICKVAL(Stage__c, 'Lost')", "No lost beginnings", field="Stage__c"),
    rule("I_Unknown", "NOSUCH()", "Cannot be known"),
]


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> EmulatedOrg:
    org = EmulatedOrg(clock=Clock.fixed(NOW))
    load(org, tmp_path_factory.mktemp("rules"), {"Thing__c": custom_object("Thing", *THING_FIELDS, *RULES)})
    org.has("Thing__c", Name="one", Amount__c=5, Word__c="w", Price__c=10)
    return org


@pytest.fixture
def org(ruled: EmulatedOrg) -> EmulatedOrg:
    return ruled.fork()


def refusal(org: EmulatedOrg, write: Callable[[], Any]) -> list[tuple[str, list[str] | None]]:
    """The messages and fields of a write that must be refused and must change nothing."""
    before = org.snapshot()
    with pytest.raises(ApiError) as refused:
        write()
    assert org.snapshot() == before
    every = [refused.value, *refused.value.further]
    assert {each.code for each in every} == {"FIELD_CUSTOM_VALIDATION_EXCEPTION"}
    return [(each.message, each.fields) for each in every]


def change(org: EmulatedOrg, **fields: Any) -> None:
    (row,) = org.rows("Thing__c", Name="one")
    with org.transaction() as tx:
        tx.update("Thing__c", row["Id"], fields)


def test_a_rule_refuses_with_its_message_and_its_field(org: EmulatedOrg) -> None:
    wanted = [("Not below zero", ["Amount__c"])]
    assert refusal(org, lambda: org.has("Thing__c", Amount__c=-1)) == wanted
    assert refusal(org, lambda: change(org, Amount__c=-1)) == wanted


def test_all_rules_that_hold_are_told_and_one_at_the_top_has_no_field(org: EmulatedOrg) -> None:
    wanted = [("Not below zero", ["Amount__c"]), ("Far too low", [])]
    assert refusal(org, lambda: org.has("Thing__c", Amount__c=-11)) == wanted


def test_a_rule_compares_with_what_was(org: EmulatedOrg) -> None:
    assert refusal(org, lambda: change(org, Word__c="x")) == [("The word stays", ["Word__c"])]
    assert refusal(org, lambda: change(org, Price__c=9)) == [("Prices rise", ["Price__c"])]
    change(org, Word__c="w", Price__c=11)
    org.has("Thing__c", Word__c="new rows have no past", Price__c=1)


def test_a_rule_of_new_rows_lets_old_ones_be(org: EmulatedOrg) -> None:
    assert refusal(org, lambda: org.has("Thing__c", Stage__c="Lost")) == [
        ("No lost beginnings", ["Stage__c"])
    ]
    change(org, Stage__c="Lost")


def test_a_rule_reads_the_parent(org: EmulatedOrg) -> None:
    media, mining = (
        org.has("Account", Name="A", Industry="Media"),
        org.has("Account", Name="B", Industry="Mining"),
    )
    assert refusal(org, lambda: org.has("Thing__c", Account__c=mining)) == [("Media only", [])]
    assert refusal(org, lambda: change(org, Account__c=mining)) == [("Media only", [])]
    org.has("Thing__c", Account__c=media)


def test_a_rule_that_errs_or_comes_to_a_blank_does_not_hold(org: EmulatedOrg) -> None:
    org.has("Thing__c", Amount__c=0)
    org.has("Thing__c")


def test_required_fields_are_asked_before_rules(org: EmulatedOrg) -> None:
    """And formats before both."""
    with pytest.raises(ApiError) as refused:
        change(org, Amount__c=-1, OwnerId=None)
    assert refused.value.code == "REQUIRED_FIELD_MISSING"
    with pytest.raises(ApiError) as refused:
        change(org, Amount__c=-1, Price__c="dear")
    assert refused.value.code != "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def test_the_platforms_own_writes_are_not_validated(org: EmulatedOrg) -> None:
    account = org.has("Account", Name="A", Industry="Media")
    thing = org.has("Thing__c", Account__c=account)
    with org.transaction() as tx:
        tx.update("Account", account, {"Industry": "Mining"})
    with org.transaction() as tx:
        tx.delete("Account", account)  # clears the reference, though the rule would not have it saved
    assert org.rows("Thing__c", Id=thing)[0]["Account__c"] is None


def test_a_rule_that_cannot_be_computed_is_named_and_refuses_nothing(org: EmulatedOrg) -> None:
    assert org.formula_gaps() == ["Thing__c.I_Unknown: Unknown function NOSUCH. Check spelling."]


XML = (
    '<ValidationRule xmlns="http://soap.sforce.com/2006/04/metadata"><fullName>A_Positive</fullName>'
    "<active>{}</active><errorConditionFormula>Amount__c &lt; 0</errorConditionFormula>"
    "<errorMessage>{}</errorMessage></ValidationRule>"
)


def test_a_rule_that_is_switched_off_or_rewritten_counts_at_once(org: EmulatedOrg) -> None:
    put = org.components.put
    put("ValidationRule", "Thing__c.A_Positive", XML.format("false", "x").encode())
    org.has("Thing__c", Amount__c=-1)
    put("ValidationRule", "Thing__c.A_Positive", XML.format("true", "Anew").encode())
    assert refusal(org, lambda: org.has("Thing__c", Amount__c=-1)) == [("Anew", [])]
    org.components.remove("ValidationRule", "Thing__c.A_Positive")
    org.has("Thing__c", Amount__c=-1)


def test_a_rule_whose_change_was_undone_is_as_it_was(org: EmulatedOrg) -> None:
    with pytest.raises(ZeroDivisionError), org.transaction() as tx:
        org.components.put("ValidationRule", "Thing__c.A_Positive", XML.format("false", "x").encode())
        tx.insert("Thing__c", {"Amount__c": -1})
        raise ZeroDivisionError
    assert refusal(org, lambda: org.has("Thing__c", Amount__c=-1)) == [("Not below zero", ["Amount__c"])]


def test_a_rule_written_by_another_process_is_followed(ruled: EmulatedOrg, tmp_path: Path) -> None:
    file = tmp_path / "org.db"
    first = EmulatedOrg(file, clock=Clock.fixed(NOW))
    load(first, tmp_path, {"Thing__c": custom_object("Thing", *THING_FIELDS, RULES[0])})
    second = EmulatedOrg(file, clock=Clock.fixed(NOW))
    with pytest.raises(ApiError):
        second.has("Thing__c", Amount__c=-1)
    first.components.put("ValidationRule", "Thing__c.A_Positive", XML.format("false", "x").encode())
    second.has("Thing__c", Amount__c=-1)
    first.close()
    second.close()


def test_one_bad_row_of_many_fails_alone(org: EmulatedOrg) -> None:
    with org.transaction() as tx:
        for amount in (1, -1, 2):
            try:
                with tx.savepoint():
                    tx.insert("Thing__c", {"Amount__c": amount})
            except ApiError as error:
                assert error.message == "Not below zero"
    assert sorted(row["Amount__c"] for row in org.rows("Thing__c")) == [1.0, 2.0, 5.0]


def test_an_object_without_rules_does_not_load_the_language() -> None:
    org = EmulatedOrg()
    org.has("Account", Name="Acme")
    assert "formulas" not in vars(org)
    org.close()
