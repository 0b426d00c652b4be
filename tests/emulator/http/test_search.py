"""Text search: SOSL and its parameters."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.http.test_below_rows import Caller, caller

__all__ = ["caller"]


@pytest.fixture
def books(caller: Caller) -> Caller:
    org = caller.org
    engines = org.has("Account", Name="Analytical Engines", Site="London", Phone="555-0100")
    org.has("Account", Name="Engine Works", Description="makes analytical things")
    org.has("Account", Name="Enginery")
    org.has("Contact", LastName="Lovelace", FirstName="Ada", Email="ada@engines.example", AccountId=engines)
    return caller


def found(caller: Caller, sosl: str) -> list[dict[str, Any]]:
    status, value, _ = caller.call("GET", f"/search?q={quote(sosl)}")
    assert status == 200, value
    return value["searchRecords"]  # type: ignore[no-any-return]


def names(caller: Caller, sosl: str) -> list[str]:
    return [each.get("Name", each["attributes"]["type"]) for each in found(caller, sosl)]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("Engine", ["Engine Works"]),
        ("engin*", ["Analytical Engines", "Engine Works", "Enginery"]),
        ("Engine?", ["Analytical Engines"]),
        ("analytical engines", ["Analytical Engines"]),
        ('"Engine Works"', ["Engine Works"]),
        ("analytical", ["Analytical Engines", "Engine Works"]),
        ("analytical AND NOT works", ["Analytical Engines"]),
        ("Enginery OR London", ["Analytical Engines", "Enginery"]),
        ("(Enginery OR works) AND makes", ["Engine Works"]),
        ("*n*gine*s", ["Analytical Engines"]),
        ("555-0100", ["Analytical Engines"]),
        ("nobody", []),
    ],
)
def test_words_find_whole_words(books: Caller, terms: str, expected: list[str]) -> None:
    sosl = f"FIND {{{terms}}} RETURNING Account(Name ORDER BY Name)"
    assert sorted(names(books, sosl)) == sorted(expected)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [("NAME", ["Analytical Engines"]), ("ALL", ["Analytical Engines", "Engine Works"]), ("EMAIL", [])],
)
def test_a_group_of_fields_is_searched(books: Caller, scope: str, expected: list[str]) -> None:
    sosl = f"FIND {{analytical}} IN {scope} FIELDS RETURNING Account(Name ORDER BY Name)"
    assert names(books, sosl) == expected


def test_what_is_returned_is_filtered_ordered_and_limited(books: Caller) -> None:
    inside = "Name, Site WHERE Name LIKE 'E%' AND (Phone = null) ORDER BY Name DESC LIMIT 1"
    row, _ = found(books, f"FIND {{engin*}} RETURNING Account({inside}), Contact(Id) LIMIT 5")
    assert (row["Name"], row["Site"]) == ("Enginery", None)


def test_without_objects_ids_of_all_kinds_are_found(books: Caller) -> None:
    rows = found(books, "FIND {engine* OR Lovelace}")
    assert {row["attributes"]["type"] for row in rows} == {"Account", "Contact"}
    assert all(list(row) == ["attributes", "Id"] for row in rows)


@pytest.mark.parametrize(
    ("sosl", "code"),
    [
        ("", "MALFORMED_SEARCH"),
        ("FIND Acme", "MALFORMED_SEARCH"),
        ("FIND {}", "MALFORMED_SEARCH"),
        ("FIND {a}", "MALFORMED_SEARCH"),
        ("FIND {(Acme}", "MALFORMED_SEARCH"),
        ("FIND {Acme} IN SOME FIELDS", "MALFORMED_SEARCH"),
        ("FIND {Acme} RETURNING", "MALFORMED_SEARCH"),
        ("FIND {Acme} RETURNING Account(Name", "MALFORMED_SEARCH"),
        ("FIND {Acme} LIMIT many", "MALFORMED_SEARCH"),
        ("FIND {Acme} RETURNING Nothing", "INVALID_TYPE"),
        ("FIND {Acme} RETURNING Account(Nothing)", "INVALID_FIELD"),
    ],
)
def test_a_wrong_search_is_refused(books: Caller, sosl: str, code: str) -> None:
    status, value, _ = books.call("GET", f"/search?q={quote(sosl)}")
    assert (status, value[0]["errorCode"]) == (400, code)


def test_many_stars_take_no_time(books: Caller) -> None:
    books.org.has("Account", Name="x", Description="a" * 30_000)
    assert names(books, f"FIND {{{'*a' * 40}*b}} RETURNING Account(Name)") == []


def test_parameters_say_the_same_by_get_and_post(books: Caller) -> None:
    query = "q=engine&sobject=Account&Account.fields=Name&Account.where=Phone+%3D+null&Account.limit=5"
    _, by_get, _ = books.call("GET", f"/parameterizedSearch?{query}&Account.orderBy=Name")
    about = {"name": "Account", "where": "Phone = null", "orderBy": "Name", "limit": 5}
    body = {"q": "engine", "sobjects": [about], "fields": ["Name"], "in": "ALL"}
    _, by_post, _ = books.call("POST", "/parameterizedSearch", body)
    assert by_get == by_post
    assert [each["Name"] for each in by_get["searchRecords"]] == ["Engine Works", "Enginery"]


@pytest.mark.parametrize("query", ["", "q=", "q=a&in=SOME", "q=a&overallLimit=x", "q=a&sobject=Nothing"])
def test_wrong_parameters_are_refused(books: Caller, query: str) -> None:
    assert books.call("GET", f"/parameterizedSearch?{query}")[0] == 400


def test_lists_of_parameters_must_be_lists(books: Caller) -> None:
    for body in ({"q": "engine", "fields": 5}, {"q": "engine", "sobjects": 5}):
        status, value, _ = books.call("POST", "/parameterizedSearch", body)
        assert (status, value[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_suggestions_have_names(books: Caller) -> None:
    _, value, _ = books.call("GET", "/search/suggestions?q=engi&sobject=Account&limit=2")
    assert ([each["Name"][:6] for each in value["autoSuggestResults"]], value["hasMoreResults"]) == (
        ["Analyt", "Engine"],
        True,
    )
    _, scopes, _ = books.call("GET", "/search/scopeOrder")
    assert "Account" in [each["type"] for each in scopes]
    _, layouts, _ = books.call("GET", "/search/layout?q=Account,Contact")
    assert [each["objectType"] for each in layouts] == ["Account", "Contact"]
