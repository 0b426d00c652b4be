"""Queries that Salesforce refuses: the code, and the text where it is known."""

import json
from pathlib import Path

import pytest

from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field
from reconciler.emulator.soql.refusals import window

from .conftest import Refusal

RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "recordings" / "query"

MALFORMED, FIELD, TYPE = "MALFORMED_QUERY", "INVALID_FIELD", "INVALID_TYPE"
FILTER = "INVALID_QUERY_FILTER_OPERATOR"
JOINS = "EXCEEDED_MAX_SEMIJOIN_SUBSELECTS"
IN_CONTACT = "Id IN (SELECT AccountId FROM Contact)"

REFUSED = [
    # not a query
    ("", MALFORMED, "A query string has to be specified"),
    ("   ", MALFORMED, "A query string has to be specified"),
    ("SELECT", MALFORMED, "unexpected token: '<EOF>'"),
    ("SELECT Id", MALFORMED, "unexpected token: '<EOF>'"),
    ("SELECT Id,", MALFORMED, "unexpected token: '<EOF>'"),
    ("SELECT Id, FROM Account", MALFORMED, "unexpected token: 'FROM'"),
    ("SELECT FROM Account", MALFORMED, "unexpected token: 'FROM'"),
    ("SELEC Id FROM Account", MALFORMED, "unexpected token: 'SELEC'"),
    ("q=SELECT Id FROM Account", MALFORMED, "unexpected token: 'q'"),
    ("SELECT Id FROM", MALFORMED, "unexpected token: '<EOF>'"),
    ("SELECT Id FROM Account WHERE", MALFORMED, "unexpected token: '<EOF>'"),
    ("SELECT Id FROM Account ORDER BY", MALFORMED, "unexpected token: '<EOF>'"),
    ("SELECT Id FROM Account LIMIT", MALFORMED, "unexpected token: '<EOF>'"),
    ("SELECT Id FROM Account LIMIT -1", MALFORMED, "unexpected token: '-1'"),
    ("SELECT Id FROM Account LIMIT 1.5", MALFORMED, "unexpected token: '1.5'"),
    ("SELECT Id FROM Account OFFSET 'x'", MALFORMED, "unexpected token: ''x''"),
    ("SELECT Id FROM Account ALL ROWS", MALFORMED, "unexpected token: 'ROWS'"),
    ("SELECT Id FROM Account LIMIT 1 WHERE Name = 'x'", MALFORMED, "unexpected token: 'WHERE'"),
    ("SELECT Id FROM Account; DROP TABLE Account", MALFORMED, "no viable alternative at character ';'"),
    ("SELECT * FROM Account", MALFORMED, "no viable alternative at character '*'"),
    ("SELECT Id FROM Account -- all", MALFORMED, "unexpected token: '--'"),
    ("SELECT Contact..Name FROM Contact", MALFORMED, "unexpected token: '..Name'"),
    ("SELECT Id FROM Account WHERE Name = 'abc", MALFORMED, "mismatched character '<EOF>' expecting '''"),
    ('SELECT Id FROM Account WHERE Name = "abc"', MALFORMED, "no viable alternative at character '\"'"),
    ("SELECT Id FROM Account WHERE Name = “abc”", MALFORMED, "no viable alternative at character '“'"),
    ("SELECT Id FROM Account WHERE Name = 'a\\qb'", MALFORMED, "Illegal character sequence '\\q'"),
    ("SELECT Id FROM Account WHERE Name = :bound", MALFORMED, "unexpected token: ':bound'"),
    ("SELECT Id FROM Account WHERE Name = bound", MALFORMED, "unexpected token: 'bound'"),
    ("SELECT Id FROM Account WHERE Name IS NULL", MALFORMED, "unexpected token: 'IS'"),
    ("SELECT Id FROM Account WHERE Name == 'x'", MALFORMED, "unexpected token: '='"),
    ("SELECT Id FROM Account WHERE Name IN ()", MALFORMED, "unexpected token: ')'"),
    ("SELECT Id FROM Account WHERE Name = 'x' LastName = 'y'", MALFORMED, "unexpected token: 'LastName'"),
    ("SELECT Id FROM Account WHERE Day__c = 2024-13-01", MALFORMED, "invalid date"),
    ("SELECT Id FROM Account WHERE Day__c = 2023-02-29", MALFORMED, "invalid date"),
    ("SELECT Id FROM Account WHERE Day__c = 1600-01-01", MALFORMED, "invalid date"),
    ("SELECT Id FROM Account WHERE Day__c = LAST_N_DAYS:99999999", MALFORMED, "invalid date literal"),
    ("SELECT Id FROM Account WHERE (Name = 'x'", MALFORMED, "expecting a right parentheses, found '<EOF>'"),
    ("SELECT Id FROM Account WHERE Name = 'x')", MALFORMED, "unexpected token: ')'"),
    ("SELECT Id FROM Account WHERE Name='a' AND Name='b' OR Name='c'", MALFORMED, "unexpected token: 'OR'"),
    ("SELECT Id FROM Account WHERE Name='a' OR Name='b' AND Name='c'", MALFORMED, "unexpected token: 'AND'"),
    ("SELECT Id FROM Account where", MALFORMED, "unexpected token: '<EOF>'"),
    ("SELECT Id FROM Account WITH NOTHING", MALFORMED, "unexpected token: 'NOTHING'"),
    ("SELECT Id FROM Account USING SCOPE nobody", MALFORMED, "unexpected token: 'nobody'"),
    # names
    ("SELECT Id FROM Nothing", TYPE, "sObject type 'Nothing' is not supported."),
    ("SELECT Id FROM Account.Contacts", TYPE, "sObject type 'Account.Contacts' is not supported."),
    ("SELECT Foo FROM Account", FIELD, "No such column 'Foo' on entity 'Account'."),
    ("SELECT Id FROM Account WHERE Foo = 1", FIELD, "No such column 'Foo' on entity 'Account'."),
    ("SELECT Id FROM Account ORDER BY Foo", FIELD, "No such column 'Foo' on entity 'Account'."),
    ("SELECT Account.Foo FROM Contact", FIELD, "No such column 'Foo' on entity 'Account'."),
    ("SELECT Owner.CompanyName FROM Case", FIELD, "No such column 'CompanyName' on entity 'Name'."),
    ("SELECT Foo.Name FROM Account", FIELD, "Didn't understand relationship 'Foo' in field path."),
    ("SELECT Parent.Foo.Name FROM Account", FIELD, "Didn't understand relationship 'Foo' in field path."),
    ("SELECT Contact.Name FROM Account", FIELD, "Didn't understand relationship 'Contact' in field path."),
    ("SELECT (SELECT Id FROM Foos) FROM Account", TYPE, "Didn't understand relationship 'Foos' in FROM part"),
    ("SELECT (SELECT Foo FROM Contacts) FROM Account", FIELD, "No such column 'Foo' on entity 'Contact'."),
    ("SELECT Id, Id FROM Account", FIELD, "duplicate field selected: Id"),
    ("SELECT Parent.Name, parent.name FROM Account", FIELD, "duplicate field selected: Parent.Name"),
    ("SELECT Id, FIELDS(ALL) FROM Account LIMIT 1", FIELD, "duplicate field selected: Id"),
    ("SELECT FIELDS(ALL) FROM Account", MALFORMED, "must have a LIMIT of at most 200"),
    ("SELECT FIELDS(CUSTOM) FROM Account LIMIT 201", MALFORMED, "must have a LIMIT of at most 200"),
    ("SELECT FIELDS(SOME) FROM Account LIMIT 1", MALFORMED, ""),
    ("SELECT Name n FROM Account", MALFORMED, "only aggregate expressions use field aliasing"),
    ("SELECT NAME(Id) FROM Account", MALFORMED, ""),
    ("SELECT Parent.Parent.Parent.Parent.Parent.Parent.Name FROM Account", MALFORMED, "at most 5 levels"),
    # values
    ("SELECT Id FROM Account WHERE Id = 'abc'", FILTER, "invalid ID field: abc"),
    ("SELECT Id FROM Account WHERE ParentId IN ('abc')", FILTER, "invalid ID field: abc"),
    ("SELECT Id FROM Account WHERE Id LIKE '001%'", FILTER, "invalid operator on id field"),
    ("SELECT Id FROM Account WHERE Size__c LIKE '1%'", FILTER, "invalid operator on int field"),
    ("SELECT Id FROM Account WHERE Live__c > true", FILTER, "invalid operator on boolean field"),
    ("SELECT Id FROM Account WHERE Name INCLUDES ('x')", FILTER, "only valid on multipicklist field"),
    ("SELECT Id FROM Account WHERE Colours__c IN ('Red')", FILTER, "invalid operator on multipicklist field"),
    ("SELECT Id FROM Account WHERE Name > null", FILTER, ""),
    (
        "SELECT Id FROM Account WHERE Name = 5",
        FIELD,
        "value of filter criterion for field 'Name' must be of type string and should be enclosed in quotes",
    ),
    (
        "SELECT Id FROM Account WHERE Size__c = '5'",
        FIELD,
        "value of filter criterion for field 'Size__c' must be of type int and should not be "
        "enclosed in quotes",
    ),
    ("SELECT Id FROM Account WHERE Size__c IN (1, '5')", FIELD, "must be of type int"),
    ("SELECT Id FROM Account WHERE Live__c = 'true'", FIELD, "must be of type boolean"),
    (
        "SELECT Id FROM Account WHERE CreatedDate > '2020-01-01'",
        FIELD,
        "value of filter criterion for field 'CreatedDate' must be of type dateTime and should "
        "not be enclosed in quotes",
    ),
    ("SELECT Id FROM Account WHERE CreatedDate > 2020-01-01", FIELD, "must be of type dateTime"),
    ("SELECT Id FROM Account WHERE Day__c > 2020-01-01T00:00:00Z", FIELD, "must be of type date"),
    ("SELECT Id FROM Account WHERE Name = TODAY", FIELD, "must be of type string"),
    # fields that cannot be used so
    (
        "SELECT Id FROM Account WHERE Notes__c = 'x'",
        FIELD,
        "field 'Notes__c' can not be filtered in a query call",
    ),
    (
        "SELECT Id FROM Account WHERE Spot__c = null",
        FIELD,
        "field 'Spot__c' can not be filtered in a query call",
    ),
    ("SELECT Id FROM Account ORDER BY Notes__c", FIELD, "field 'Notes__c' can not be sorted in a query call"),
    ("SELECT Id FROM Account ORDER BY Colours__c", FIELD, "field 'Colours__c' can not be sorted"),
    ("SELECT COUNT(Id) FROM Account GROUP BY Notes__c", FIELD, "field 'Notes__c' can not be grouped"),
    ("SELECT SUM(Name) FROM Account", FIELD, "field Name does not support aggregate operator SUM"),
    ("SELECT MAX(Live__c) FROM Account", FIELD, "field Live__c does not support aggregate operator MAX"),
    ("SELECT MIN(Notes__c) FROM Account", FIELD, "field Notes__c does not support aggregate operator MIN"),
    ("SELECT Id FROM Account WHERE CALENDAR_YEAR(Name) = 1", FIELD, ""),
    ("SELECT Id FROM Account WHERE HOUR_IN_DAY(Day__c) = 1", FIELD, ""),
    ("SELECT TYPEOF Account WHEN Account THEN Name END FROM Contact", MALFORMED, ""),
    ("SELECT TYPEOF Foo WHEN Account THEN Name END FROM Task", FIELD, "Didn't understand relationship 'Foo'"),
    # aggregates
    ("SELECT Name, COUNT(Id) FROM Account", MALFORMED, "Field must be grouped or aggregated: Name"),
    (
        "SELECT Name, Industry FROM Account GROUP BY Name",
        MALFORMED,
        "must be grouped or aggregated: Industry",
    ),
    (
        "SELECT Name FROM Account GROUP BY Name HAVING Industry = 'x'",
        MALFORMED,
        "must be grouped or aggregated",
    ),
    ("SELECT Name FROM Account GROUP BY Name ORDER BY Industry", MALFORMED, "must be grouped or aggregated"),
    ("SELECT CALENDAR_YEAR(Day__c) FROM Account", MALFORMED, ""),
    ("SELECT COUNT(), Name FROM Account", MALFORMED, ""),
    ("SELECT COUNT() FROM Account ORDER BY Name", MALFORMED, ""),
    ("SELECT MAX(Day__c) FROM Account LIMIT 1", MALFORMED, ""),
    ("SELECT Name FROM Account HAVING COUNT(Id) > 1", MALFORMED, ""),
    ("SELECT COUNT(Id) FROM Account HAVING COUNT(Id) > 1", MALFORMED, ""),
    ("SELECT Name, Account.Name FROM Account GROUP BY Name", MALFORMED, "duplicate alias: Name"),
    ("SELECT Name, COUNT(Id) name FROM Account GROUP BY Name", MALFORMED, "duplicate alias: name"),
    ("SELECT GROUPING(Name) FROM Account GROUP BY Name", MALFORMED, ""),
    ("SELECT Name FROM Account GROUP BY ROLLUP(Name), Industry", MALFORMED, ""),
    ("SELECT Name FROM Account GROUP BY ROLLUP(Name, Industry, Live__c, Day__c)", MALFORMED, ""),
    ("SELECT COUNT(Id), (SELECT Id FROM Contacts) FROM Account", MALFORMED, ""),
    ("SELECT (SELECT COUNT(Id) FROM Contacts) FROM Account", MALFORMED, ""),
    # semi-joins and subqueries
    (f"SELECT Id FROM Account WHERE {IN_CONTACT} OR Name = 'x'", MALFORMED, ""),
    (f"SELECT Id FROM Account WHERE (NOT {IN_CONTACT})", MALFORMED, ""),
    (
        f"SELECT Id FROM Account WHERE {IN_CONTACT} AND {IN_CONTACT} AND {IN_CONTACT}",
        JOINS,
        "Maximum 2 semi join",
    ),
    ("SELECT Id FROM Account WHERE Id IN (SELECT ParentId FROM Account)", MALFORMED, "same object type"),
    ("SELECT Id FROM Account WHERE Id IN (SELECT LastName FROM Contact)", MALFORMED, ""),
    ("SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Contact)", MALFORMED, ""),
    ("SELECT Id FROM Account WHERE Parent.Id IN (SELECT AccountId FROM Contact)", MALFORMED, ""),
    ("SELECT Id FROM Account WHERE Id IN (SELECT Account.Id FROM Contact)", MALFORMED, ""),
    ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact LIMIT 1)", MALFORMED, ""),
    ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact ORDER BY Id)", MALFORMED, ""),
    ("SELECT Id FROM Account WHERE Id IN (SELECT COUNT() FROM Contact)", MALFORMED, ""),
    ("SELECT Id FROM Account WHERE Id IN (SELECT WhatId FROM Task)", MALFORMED, ""),
    (
        "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact "
        "WHERE Id IN (SELECT WhoId FROM Case))",
        MALFORMED,
        "",
    ),
    ("SELECT Id, (SELECT Id FROM Contacts OFFSET 1) FROM Account", MALFORMED, ""),
    # limits
    (
        "SELECT Id FROM Account OFFSET 2001",
        "NUMBER_OUTSIDE_VALID_RANGE",
        "Maximum SOQL offset allowed is 2000",
    ),
    ("SELECT Id FROM Account WHERE Name = '" + "x" * 4001 + "'", MALFORMED, ""),
    (
        "SELECT Id FROM Account WHERE Name = '" + "x" * 100_000 + "'",
        MALFORMED,
        "longer than 100000 characters",
    ),
    ("SELECT Id FROM Account WHERE " + "(" * 300 + "Name = 'x'" + ")" * 299, MALFORMED, "right parentheses"),
    ("SELECT Id FROM Account WHERE " + "NOT " * 300 + "Name = 'x'", MALFORMED, "too complicated"),
    ("SELECT Id FROM FieldDefinition", MALFORMED, "a filter on a reified column is required"),
    ("SELECT Id FROM Account WITH DATA CATEGORY Geo__c AT (fr__c, us__c)", "FUNCTIONALITY_NOT_ENABLED", ""),
]


@pytest.mark.parametrize(("soql", "code", "text"), REFUSED, ids=[soql[:70] for soql, _, _ in REFUSED])
def test_a_wrong_query_is_refused_with_the_code_and_text(
    refusal: Refusal, soql: str, code: str, text: str
) -> None:
    error = refusal(soql)
    assert (error.code, error.status) == (code, 400)
    assert text in error.message


def test_the_recorded_refusal_is_ours_to_the_letter(org: EmulatedOrg, refusal: Refusal) -> None:
    recording = RECORDINGS / "get-query-sObject-400-snowfakery.json"
    if not recording.is_file():
        pytest.skip("the recordings are not beside the repository")
    (told,) = json.loads(recording.read_text())["response"]["body"]
    error = refusal("SELECT Xyzzy FROM Xyzzy ")
    assert (error.message, error.code) == (told["message"], told["errorCode"])


LONG = "Aaaaaaaaaaaaaaaaaaaa,Bbbbbbbbbbbbbbbbbbbbbbbbb,Foo,Ccccccccccccccccccccccccccccccc__c"


@pytest.mark.parametrize(
    ("query", "word", "shown", "place"),
    [
        ("SELECT Id, Foo FROM Account", "Foo", "SELECT Id, Foo FROM Account", "Row:1:Column:12"),
        (
            "SELECT Id, Kind, Status FROM FlowDefinition WHERE Kind = 'x'",
            "Kind",
            "SELECT Id, Kind, Status FROM FlowDefinition",
            "Row:1:Column:12",
        ),
        (
            "SELECT Id FROM Space WHERE SpaceDefinition.DeveloperName = 'x'",
            "Space",
            "SELECT Id FROM Space WHERE SpaceDefinition.DeveloperName",
            "Row:1:Column:16",
        ),
        (f"SELECT {LONG},Ddd FROM X", "Foo", LONG, "Row:1:Column:55"),
        ("SELECT Id\nFROM Account\nWHERE Foo = 1", "Foo", "WHERE Foo = 1", "Row:3:Column:7"),
    ],
)
def test_the_window_shows_whole_words_around_the_place(query: str, word: str, shown: str, place: str) -> None:
    caret = " " * shown.index(word) + "^"
    assert window(query, query.index(word)) == f"\n{shown}\n{caret}\nERROR at {place}\n"


def test_child_subqueries_nest_only_from_version_58(refusal: Refusal, org: EmulatedOrg) -> None:
    soql = "SELECT (SELECT (SELECT Id FROM Contacts) FROM ChildAccounts) FROM Account"
    assert refusal(soql, version="57.0").code == MALFORMED
    assert org.query(soql, version="58.0").total_size == 4


def test_child_subqueries_nest_five_levels(refusal: Refusal, org: EmulatedOrg) -> None:
    def nested(levels: int) -> str:
        inner = "" if levels == 0 else f", ({nested(levels - 1)})"
        return f"SELECT Id{inner} FROM ChildAccounts"

    assert org.query(nested(5)[: -len("ChildAccounts")] + "Account").total_size == 4
    assert refusal(nested(6)[: -len("ChildAccounts")] + "Account").code == MALFORMED


def test_a_query_has_at_most_20_child_subqueries_and_55_parents() -> None:
    org = EmulatedOrg()
    lookups = [
        Field(
            name=f"Account{number}__c",
            type="reference",
            label="Account",
            reference_to=("Account",),
            relationship_name=f"Account{number}__r",
            child_relationship_name=f"Kids{number}__r",
            custom=True,
        )
        for number in range(21)
    ]
    org.additions.add_fields("Contact", lookups)
    parts = [f"(SELECT Id FROM Kids{number}__r)" for number in range(21)]
    assert org.query(f"SELECT {', '.join(parts[:20])} FROM Account").total_size == 0
    with pytest.raises(ApiError) as caught:
        org.query(f"SELECT {', '.join(parts)} FROM Account")
    assert caught.value.code == MALFORMED
    paths = [
        f"Account{number}__r.{deeper}Name" for number in range(21) for deeper in ("", "Parent.", "Owner.")
    ]
    assert org.query(f"SELECT {', '.join(paths[:55])} FROM Contact").total_size == 0
    with pytest.raises(ApiError) as caught:
        org.query(f"SELECT {', '.join(paths)} FROM Contact")
    assert caught.value.code == MALFORMED
    org.close()


def test_more_groups_than_a_page_are_refused_unless_limited() -> None:
    org = EmulatedOrg()
    with org.transaction() as tx:
        for number in range(2_001):
            tx.insert("Account", {"Name": f"n{number}"})
    with pytest.raises(ApiError) as caught:
        org.query("SELECT Name FROM Account GROUP BY Name")
    assert caught.value.code == "EXCEEDED_ID_LIMIT"
    assert org.query("SELECT Name FROM Account GROUP BY Name LIMIT 2001").total_size == 2001
    org.close()


def test_a_refused_query_is_refused_again(refusal: Refusal) -> None:
    first, second = refusal("SELECT Foo FROM Account"), refusal("SELECT Foo FROM Account")
    assert first.message == second.message
