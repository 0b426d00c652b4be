"""What formulas come to: numbers and dates as their digits, a blank as None."""

from typing import Any

import pytest

from reconciler.emulator.formula.faults import EvaluationError

from .conftest import Evaluate

OPERATORS = [
    ("1 + 2 * 3", "7"),
    ("(1 + 2) * 3", "9"),
    ("2 * 3 ^ 2", "36"),
    ("-2 ^ 2", "4"),
    ("2 ^ 3 ^ 2", "64"),
    ("2 ^ -2", "0.25"),
    ("0 ^ 0", "1"),
    ("10 - 4 - 3", "3"),
    ("0.1 + 0.2", "0.3"),
    ("1 / 3 * 3", "0." + "9" * 39),
    ("12 / 4 / 3", "1"),
    ("1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3", True),
    ("1 = 1 && 1 == 1.0 && 1 <> 2 && 1 != 2", True),
    ("TRUE || FALSE && FALSE", True),
    ("!FALSE", True),
    ("NOT TRUE || TRUE", True),
    ("'a' & 'b' + \"c\"", "abc"),
    ("'a' = 'A'", False),
    ("'B' > 'A'", True),
    ("1 /* one */ + /* two */ 2", "3"),
    ("IF(1 = 1, 'yes', NULL)", "yes"),
    ("NULL + 1", None),
    ("'a' + NULL", "a"),
    ("'line\\nbreak \\'quoted\\' \\\\ '", "line\nbreak 'quoted' \\ "),
]


@pytest.mark.parametrize(("formula", "value"), OPERATORS)
def test_operators_have_salesforces_precedence_and_digits(
    value_of: Evaluate, formula: str, value: Any
) -> None:
    assert value_of(formula) == value


LOGIC = [
    ("AND(TRUE, 1 < 2, FALSE)", False),
    ("OR(FALSE, FALSE, 1 < 2)", True),
    ("NOT(1 > 2)", True),
    ("IF(Flag__c, 1, 2)", "2"),
    ("IF(FALSE, 1/0, 2)", "2"),
    ("AND(FALSE, 1/0 = 1)", False),
    ("OR(TRUE, 1/0 = 1)", True),
    ("IFS(FALSE, 'a', TRUE, 'b', 'c')", "b"),
    ("IFS(FALSE, 'a', FALSE, 'b', 'c')", "c"),
    ("CASE(2, 1, 'one', 2, 'two', 'many')", "two"),
    ("CASE('x', 'y', 1, 0)", "0"),
    ("CASE(Stage__c, 'Open', 1, 'Won', 2, 3)", "2"),
    ("CASE(Day__c, DATE(2024, 2, 28), 'the day', 'another')", "the day"),
    ("IN('b', 'a', 'b')", True),
    ("IFERROR(1/0, 7)", "7"),
    ("IFERROR(VALUE('x'), 7)", "7"),
    ("ISPICKVAL(Stage__c, 'Won')", True),
    ("ISPICKVAL(Stage__c, 'won')", False),
    ("TEXT(Stage__c) & '!'", "Won!"),
    ("INCLUDES(Tags__c, 'Lost')", True),
    ("INCLUDES(Tags__c, 'Won')", False),
    ("BLANKVALUE(Stage__c, 'none')", "Won"),
    ("OR($User.UIThemeDisplayed = 'Theme4t', $User.UITheme = 'Theme4d')", True),
]


@pytest.mark.parametrize(("formula", "value"), LOGIC)
def test_logic_takes_the_first_that_fits_and_evaluates_no_more(
    value_of: Evaluate, formula: str, value: Any
) -> None:
    assert value_of(formula, Stage__c="Won", Tags__c="Open;Lost", Day__c="2024-02-28") == value


BLANKS = [
    ("ISBLANK(Word__c)", True),
    ("ISNULL(Word__c)", False),
    ("ISBLANK(Amount__c)", True),
    ("ISNULL(Amount__c)", True),
    ("ISBLANK(Day__c) && ISBLANK(Stage__c) && ISBLANK(Tags__c) && ISBLANK(Account__c)", True),
    ("ISBLANK('')", True),
    ("BLANKVALUE(Word__c, 'x')", "x"),
    ("NULLVALUE(Word__c, 'x')", None),
    ("NULLVALUE(Amount__c, 5)", "5"),
    ("Word__c = ''", True),
    ("Word__c <> 'x'", True),
    ("Word__c = NULL", True),
    ("Amount__c > 1", None),
    ("Amount__c = 0", None),
    ("NOT(Amount__c > 1)", None),
    ("AND(NOT(Amount__c > 1))", False),
    ("Day__c + 1", None),
    ("'a' & Word__c & 'b'", "ab"),
    ("Amount__c + 1", None),
    ("LEN(Word__c)", "0"),
    ("FIND('a', Word__c)", "0"),
    ("LEFT(Word__c, 1)", None),
    ("CONTAINS(Word__c, '')", True),
    ("CONTAINS(Word__c, 'a')", None),
    ("BEGINS('abc', Word__c)", True),
    ("ISPICKVAL(Stage__c, '')", True),
    ("CASE(Word__c, '', 'empty', 'full')", "empty"),
    ("Flag__c", False),
    ("MAX(Amount__c, 1)", None),
    ("Account__r.Name", None),
    ("Account__r.Name & 'x'", "x"),
    ("TEXT(Amount__c)", None),
    ("VALUE(Word__c)", None),
    ("REGEX(Word__c, '')", True),
    ("UPPER(Word__c)", None),
    ("DATEVALUE(Moment__c)", None),
    ("HYPERLINK(Word__c, 'x')", '<a href="" target="_blank">x</a>'),
]


@pytest.mark.parametrize(("formula", "value"), BLANKS)
def test_a_blank_is_treated_as_a_blank(value_of: Evaluate, formula: str, value: Any) -> None:
    assert value_of(formula) == value


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("Amount__c + 1", "1"),
        ("ISBLANK(Amount__c)", False),
        ("Price__c = 0 && Share__c = 0", True),
        ("ISBLANK(Day__c)", True),
        ("1 + Day__c", None),
        ("Word__c & 'x'", "x"),
    ],
)
def test_a_blank_number_is_zero_where_the_field_says_so(value_of: Evaluate, formula: str, value: Any) -> None:
    assert value_of(formula, blank_as_zero=True) == value


NUMBERS = [
    ("ABS(-3.5)", "3.5"),
    ("ROUND(2.5, 0)", "3"),
    ("ROUND(-2.5, 0)", "-3"),
    ("ROUND(1.005, 2)", "1.01"),
    ("ROUND(1234.5, -2)", "1200"),
    ("TRUNC(2.79, 1)", "2.7"),
    ("TRUNC(-2.79)", "-2"),
    ("MROUND(17, 5)", "15"),
    ("MROUND(7.5, 5)", "10"),
    ("CEILING(2.1)", "3"),
    ("CEILING(-2.1)", "-3"),
    ("MCEILING(-2.1)", "-2"),
    ("FLOOR(2.9)", "2"),
    ("FLOOR(-2.9)", "-2"),
    ("MFLOOR(-2.1)", "-3"),
    ("FLOOR(1/3*3)", "1"),
    ("MOD(7, 3)", "1"),
    ("MOD(-7, 3)", "-1"),
    ("MAX(1, 5, 3) - MIN(4, 2, 8)", "3"),
    ("SQRT(9)", "3"),
    ("ROUND(EXP(1), 4)", "2.7183"),
    ("ROUND(LN(EXP(2)), 6)", "2"),
    ("LOG(1000)", "3"),
    ("ROUND(PI(), 3)", "3.142"),
    ("Share__c * 200", "25"),
    ("Amount__c / Price__c", "0.5"),
    ("TEXT(10 / 4) & TEXT(100) & TEXT(0.50)", "2.51000.5"),
    ("TEXT(-0.000)", "0"),
    ("VALUE('12.50') + VALUE('-1e2')", "-87.5"),
    ("ISNUMBER('12,5')", False),
    ("ISNUMBER('-12.5')", True),
    ("CURRENCYRATE('USD')", "1"),
    ("ROUND(DISTANCE(GEOLOCATION(48.8566, 2.3522), GEOLOCATION(51.5072, -0.1276), 'km'), 0)", "344"),
    ("ROUND(DISTANCE(Spot__c, GEOLOCATION(51.5072, -0.1276), 'mi'), 0)", "213"),
]


@pytest.mark.parametrize(("formula", "value"), NUMBERS)
def test_numbers_are_decimals(value_of: Evaluate, formula: str, value: Any) -> None:
    place = {"Spot__Latitude__s": 48.8566, "Spot__Longitude__s": 2.3522}
    assert value_of(formula, Amount__c=2, Price__c=4, Share__c=12.5, **place) == value


TEXTS = [
    ("LEFT('abc', 2) & RIGHT('abc', 2) & MID('abcde', 2, 3)", "abbcbcd"),
    ("LEFT('abc', 9)", "abc"),
    ("LEFT('abc', 0)", None),
    ("RIGHT('abc', -1)", None),
    ("MID('abc', 0, 2)", "ab"),
    ("MID('abc', 4, 2)", None),
    ("LEN('héllo')", "5"),
    ("FIND('b', 'abcb')", "2"),
    ("FIND('b', 'abcb', 3)", "4"),
    ("FIND('x', 'abc')", "0"),
    ("FIND('B', 'abc')", "0"),
    ("SUBSTITUTE('a-b-c', '-', '+')", "a+b+c"),
    ("TRIM('  a b  ')", "a b"),
    ("UPPER('aß') & LOWER('ÀB')", "ASSàb"),
    ("INITCAP('mr. o''neil')".replace("''", "_"), "Mr. O_Neil"),
    ("CONTAINS('abc', 'bc')", True),
    ("CONTAINS('abc', 'BC')", False),
    ("BEGINS('abc', 'ab')", True),
    ("LPAD('7', 3, '0') & RPAD('7', 3, 'xy')", "0077xy"),
    ("LPAD('abc', 2)", "ab"),
    ("LPAD('abc', 0, 'x')", None),
    ("LPAD('a', 3)", "  a"),
    ("REVERSE('abc')", "cba"),
    ("ASCII('A') + 1", "66"),
    ("CHR(65) & UNICHR(8364)", "A€"),
    ("REGEX('12345-6789', '\\\\d{5}(-\\\\d{4})?')", True),
    ("REGEX('x12345', '\\\\d{5}')", False),
    ("REGEX('Zoë', '[\\\\p{Alpha}]+')", False),
    ("'a' & BR() & 'b'", "a<br>b"),
    ("HYPERLINK('/x', 'here', '_self')", '<a href="/x" target="_self">here</a>'),
    ("IMAGE('/i.png', 'pic')", '<img src="/i.png" alt="pic" border="0"/>'),
    (
        "IMAGE('/i.png', 'pic', 10, 20)",
        '<img src="/i.png" alt="pic" style="height:10px; width:20px;" border="0"/>',
    ),
    ("CASESAFEID('001000000000001')", "001000000000001AAA"),
    ("CASESAFEID('no id')", "no id"),
]


@pytest.mark.parametrize(("formula", "value"), TEXTS)
def test_texts_are_counted_from_one_and_compared_with_case(
    value_of: Evaluate, formula: str, value: Any
) -> None:
    assert value_of(formula) == value


DATES = [
    ("TODAY()", "2024-02-29"),
    ("NOW()", "2024-02-29 23:30:05"),
    ("TIMENOW()", "23:30:05.000"),
    ("DATE(2024, 2, 29) + 1.9", "2024-03-01"),
    ("1 + DATE(2024, 2, 29)", "2024-03-01"),
    ("DATE(2024, 3, 1) - DATE(2024, 2, 1)", "29"),
    ("NOW() + 0.5", "2024-03-01 11:30:05"),
    ("(NOW() - DATETIMEVALUE('2024-02-29 11:30:05')) * 24", "12"),
    ("DATEVALUE('2024-02-29')", "2024-02-29"),
    ("DATEVALUE(Moment__c)", "2024-01-31"),
    ("DATETIMEVALUE(DATE(2024, 2, 29))", "2024-02-29 00:00:00"),
    ("TIMEVALUE('10:40:55.666') + 1000", "10:40:56.666"),
    ("TIMEVALUE('23:59:59.000') + 2000", "00:00:01.000"),
    ("TIMEVALUE('01:00:00.000') - TIMEVALUE('23:00:00.000')", "7200000"),
    ("TIMEVALUE(Moment__c)", "12:00:00.000"),
    ("HOUR(Hour__c) * 10000 + MINUTE(Hour__c) * 100 + SECOND(Hour__c)", "101520"),
    ("MILLISECOND(Hour__c)", "125"),
    ("YEAR(Day__c) * 10000 + MONTH(Day__c) * 100 + DAY(Day__c)", "20240131"),
    ("WEEKDAY(DATE(2024, 2, 25))", "1"),
    ("WEEKDAY(DATE(2024, 3, 2))", "7"),
    ("ADDMONTHS(DATE(2024, 1, 31), 1)", "2024-02-29"),
    ("ADDMONTHS(DATE(2024, 2, 29), 1)", "2024-03-31"),
    ("ADDMONTHS(DATE(2024, 1, 30), 1)", "2024-02-29"),
    ("ADDMONTHS(DATE(2024, 1, 15), -13)", "2022-12-15"),
    ("ADDMONTHS(Moment__c, 1)", "2024-02-29 12:00:00"),
    ("ISOWEEK(DATE(2021, 1, 3)) * 10000 + ISOYEAR(DATE(2021, 1, 3))", "532020"),
    ("DAYOFYEAR(DATE(2024, 12, 31))", "366"),
    ("UNIXTIMESTAMP(DATE(1970, 1, 2))", "86400"),
    ("FROMUNIXTIME(86400)", "1970-01-02 00:00:00"),
    ("FORMATDURATION(100000)", "27:46:40"),
    ("FORMATDURATION(100000, TRUE)", "1:03:46:40"),
    ("FORMATDURATION(Moment__c, NOW())", "29:11:30:05"),
    ("TEXT(Day__c) & ' ' & TEXT(Moment__c) & ' ' & TEXT(Hour__c)", None),
    ("$System.OriginDateTime", "1900-01-01 00:00:00"),
    ("Day__c < TODAY() && Moment__c < NOW()", True),
]


@pytest.mark.parametrize(("formula", "value"), DATES)
def test_days_moments_and_times_are_reckoned_apart(value_of: Evaluate, formula: str, value: Any) -> None:
    if value is None:
        value = "2024-01-31 2024-01-31 12:00:00Z 10:15:20.125"
    found = value_of(formula, Day__c="2024-01-31", Moment__c="2024-01-31T12:00:00Z", Hour__c="10:15:20.125Z")
    assert found == value


ERRORS = [
    "1 / 0",
    "MOD(1, 0)",
    "VALUE('1,000')",
    "SQRT(-1)",
    "LN(0)",
    "DATE(2023, 2, 29)",
    "DATEVALUE('2024-02-30')",
    "DATEVALUE('yesterday')",
    "DATETIMEVALUE('2024-02-29')",
    "TIMEVALUE('25:00:00.000')",
    "DATE(9999, 12, 31) + 1",
    "10 ^ 100",
    "EXP(1000)",
    "REGEX('a', '(')",
    "GEOLOCATION(91, 0)",
    "DISTANCE(GEOLOCATION(1, 1), GEOLOCATION(2, 2), 'leagues')",
]


@pytest.mark.parametrize("formula", ERRORS)
def test_what_has_no_result_is_an_error_of_the_row(value_of: Evaluate, formula: str) -> None:
    with pytest.raises((EvaluationError, ArithmeticError, ValueError)):
        value_of(formula)
