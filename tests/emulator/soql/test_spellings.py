"""A text is found whatever the case of its letters, those beyond ASCII too."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.soql.spellings import MOST_LETTERS, spellings

WORDS = st.text(alphabet="aBzéÉüÜñßłŁдДωΩ中_ ", min_size=1, max_size=12)


@pytest.fixture(scope="module")
def org() -> EmulatedOrg:
    made = EmulatedOrg()
    for name in ("Zoë Müller", "ZOË MÜLLER & Co", "Straße", "plain", "ДОМ"):
        made.has("Account", Name=name)
    return made


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("Name = 'zoË mÜller'", ["Zoë Müller"]),
        ("Name != 'ZOË MÜLLER'", ["Straße", "ZOË MÜLLER & Co", "plain", "ДОМ"]),
        ("Name LIKE 'zOË%'", ["ZOË MÜLLER & Co", "Zoë Müller"]),
        ("(NOT Name LIKE 'zOË%')", ["Straße", "plain", "ДОМ"]),
        ("Name IN ('ZOË MÜLLER', 'PLAIN', 'дом')", ["Zoë Müller", "plain", "ДОМ"]),
        ("Name NOT IN ('ZOË MÜLLER', 'PLAIN', 'дом')", ["Straße", "ZOË MÜLLER & Co"]),
        ("Name = 'Zoe Muller'", []),
        ("Name = 'STRASSE'", []),
    ],
)
def test_letters_beyond_ascii_have_no_case_either(org: EmulatedOrg, condition: str, found: list[str]) -> None:
    records = org.query(f"SELECT Name FROM Account WHERE {condition}").records
    assert sorted(each["Name"] for each in records) == sorted(found)


def test_the_index_still_serves(org: EmulatedOrg) -> None:
    """What a condition asks of the store is a list of values of the bare column."""
    asked: list[str] = []
    org.store.connection.set_trace_callback(asked.append)
    org.query("SELECT Id FROM Account WHERE Name = 'zoË'")
    org.store.connection.set_trace_callback(None)
    (sql,) = [each for each in asked if '"Account"' in each]
    assert '"Name" IN (' in sql


@given(WORDS)
@settings(max_examples=200, deadline=None)
def test_a_text_is_found_by_what_it_is_with_one_letter_in_the_other_case(text: str) -> None:
    found = spellings(text)
    assert found[0] == text
    assert len(found) <= 2**MOST_LETTERS
    letters = [at for at, each in enumerate(text) if not each.isascii() and len(each.swapcase()) == 1]
    if len(letters) <= MOST_LETTERS:
        for at in letters:
            assert text[:at] + text[at].swapcase() + text[at + 1 :] in found
