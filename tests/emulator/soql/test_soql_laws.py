"""Laws of the language, tried with values nobody thought of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.soql.moments import LITERALS, NUMBERED, Calendar
from reconciler.emulator.soql.parse import parse
from reconciler.emulator.soql.refusals import Fault

from .conftest import FIELDS, NOW

SHARED_ORG = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


@pytest.fixture(scope="module")
def blank() -> Iterator[EmulatedOrg]:
    org = EmulatedOrg()
    org.additions.add_fields("Account", FIELDS)
    yield org
    org.close()


class Undone(Exception):
    """Ends a transaction without keeping it."""


def with_rows(org: EmulatedOrg, rows: list[dict[str, Any]], ask: Callable[[], None]) -> None:
    """Ask while the rows are there; afterwards they are not."""
    with pytest.raises(Undone), org.transaction() as tx:
        for number, row in enumerate(rows):
            tx.insert("Account", {"Name": "n", "Key__c": str(number), **row})
        ask()
        raise Undone


def quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n'\\%_\"\t"), min_size=1, max_size=30
).filter(lambda text: text.strip() == text)


@SHARED_ORG
@given(text=TEXTS)
def test_any_text_finds_exactly_the_row_that_has_it(blank: EmulatedOrg, text: str) -> None:
    def ask() -> None:
        for condition in (f"= {quote(text)}", f"IN ({quote(text)})", f"IN ({quote(text)}, 'other')"):
            found = blank.query(f"SELECT Exact__c FROM Account WHERE Exact__c {condition}").records
            assert [row["Exact__c"] for row in found] == [text]

    with_rows(blank, [{"Exact__c": text}, {"Exact__c": text + "!"}, {}], ask)


@SHARED_ORG
@given(text=TEXTS, other=TEXTS)
def test_like_with_wildcards_escaped_is_equality(blank: EmulatedOrg, text: str, other: str) -> None:
    assume(text.lower() != other.lower())
    pattern = quote(text).replace("%", "\\%").replace("_", "\\_")

    def ask() -> None:
        found = blank.query(f"SELECT Exact__c FROM Account WHERE Exact__c LIKE {pattern}").records
        assert [row["Exact__c"] for row in found] == [text]

    with_rows(blank, [{"Exact__c": text}, {"Exact__c": other}], ask)


# -- conditions against a plain evaluation


@dataclass(frozen=True)
class Test:
    """A condition and what it says of a row."""

    __test__ = False

    soql: str
    holds: Callable[[dict[str, Any]], bool]


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a is not None and a < b,
    "<=": lambda a, b: a is not None and a <= b,
    ">": lambda a, b: a is not None and a > b,
    ">=": lambda a, b: a is not None and a >= b,
}
NUMBERS = st.integers(-2, 2)
WORDS = st.sampled_from(["a", "b", "c"])


def compared(name: str, values: st.SearchStrategy[Any], operators: list[str]) -> st.SearchStrategy[Test]:
    def make(operator: str, value: Any) -> Test:
        written = quote(value) if isinstance(value, str) else str(value).lower()
        return Test(f"{name} {operator} {written}", lambda row: OPERATORS[operator](row[name], value))

    return st.builds(make, st.sampled_from(operators), values)


def listed(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Test]:
    def make(chosen: list[Any], negated: bool) -> Test:
        written = ", ".join(
            "null" if v is None else quote(v) if isinstance(v, str) else str(v) for v in chosen
        )
        word = "NOT IN" if negated else "IN"
        return Test(f"{name} {word} ({written})", lambda row: (row[name] in chosen) is not negated)

    return st.builds(make, st.lists(values | st.none(), min_size=1, max_size=3), st.booleans())


LEAVES = st.one_of(
    compared("Size__c", NUMBERS, list(OPERATORS)),
    compared("Exact__c", WORDS, list(OPERATORS)),
    compared("Live__c", st.booleans(), ["=", "!="]),
    listed("Size__c", NUMBERS),
    listed("Exact__c", WORDS),
    st.sampled_from(
        [
            Test("Size__c = null", lambda row: row["Size__c"] is None),
            Test("Exact__c != null", lambda row: row["Exact__c"] is not None),
            Test("Live__c = null", lambda row: not row["Live__c"]),
        ]
    ),
)


def joined(tests: st.SearchStrategy[Test]) -> st.SearchStrategy[Test]:
    def every(parts: list[Test]) -> Test:
        return Test(
            "(" + " AND ".join(part.soql for part in parts) + ")",
            lambda row: all(p.holds(row) for p in parts),
        )

    def some(parts: list[Test]) -> Test:
        return Test(
            "(" + " OR ".join(part.soql for part in parts) + ")", lambda row: any(p.holds(row) for p in parts)
        )

    def never(part: Test) -> Test:
        return Test(f"(NOT {part.soql})", lambda row: not part.holds(row))

    lists = st.lists(tests, min_size=2, max_size=3)
    return st.one_of(st.builds(every, lists), st.builds(some, lists), st.builds(never, tests))


ROWS = st.lists(
    st.fixed_dictionaries(
        {"Size__c": NUMBERS | st.none(), "Exact__c": WORDS | st.none(), "Live__c": st.booleans()}
    ),
    min_size=1,
    max_size=6,
)


@SHARED_ORG
@given(rows=ROWS, test=st.recursive(LEAVES, joined, max_leaves=8))
def test_a_condition_finds_what_a_plain_reading_of_it_finds(
    blank: EmulatedOrg, rows: list[dict[str, Any]], test: Test
) -> None:
    def ask() -> None:
        found = blank.query(f"SELECT Key__c FROM Account WHERE {test.soql} ORDER BY Key__c").records
        assert [int(row["Key__c"]) for row in found] == [n for n, row in enumerate(rows) if test.holds(row)]

    with_rows(blank, rows, ask)


# -- relative dates


@given(
    day=st.dates(date(1901, 1, 1), date(2099, 12, 31)),
    fiscal=st.integers(1, 12),
    unit=st.sampled_from(["WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR"]),
)
def test_last_this_and_next_follow_each_other_without_gap(day: date, fiscal: int, unit: str) -> None:
    calendar = Calendar(NOW + (day - NOW.date()), fiscal_month=fiscal)
    last, this, following = (calendar.days(f"{word}_{unit}", None) for word in ("LAST", "THIS", "NEXT"))
    assert last[1] == this[0]
    assert this[1] == following[0]
    assert this[0] <= day < this[1]


@given(name=st.sampled_from(sorted(NUMBERED)), number=st.integers(1, 40))
def test_a_numbered_literal_is_a_stretch_of_days(name: str, number: int) -> None:
    first, past = Calendar(NOW).days(name, number)
    assert first < past
    today = NOW.date()
    if name == "LAST_N_DAYS":
        assert (past - first, past) == (timedelta(days=number + 1), today + timedelta(days=1))
    elif name.startswith("LAST_N"):
        assert past <= today
    elif name.startswith("NEXT_N"):
        assert first > today
    else:
        assert past <= today


@pytest.mark.parametrize("name", sorted(LITERALS))
def test_every_literal_is_a_stretch_of_days(name: str) -> None:
    first, past = Calendar(NOW).days(name, None)
    assert first < past


# -- damaged input


PIECES = st.sampled_from(
    [
        "SELECT",
        "Id",
        "FROM",
        "Account",
        "WHERE",
        "Name",
        "=",
        "'x'",
        "AND",
        "OR",
        "NOT",
        "(",
        ")",
        ",",
        ".",
        "IN",
        "null",
        "ORDER BY",
        "GROUP BY",
        "LIMIT",
        "1",
        "COUNT",
        "TYPEOF",
        "WHEN",
        "END",
        "HAVING",
        "TODAY",
        "2020-01-01",
        "'",
        "\\",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(PIECES | st.text(max_size=4), max_size=14))
def test_any_text_is_answered_or_refused(blank: EmulatedOrg, pieces: list[str]) -> None:
    text = " ".join(pieces)
    try:
        parse(text)
    except Fault as fault:
        assert fault.reason
    try:
        blank.query(text)
    except ApiError as error:
        assert error.status == 400
