"""When two values are alike, as matching rules see it.

`Exact` compares without regard to case. The fuzzy methods bring both values to a plain form (letters and
digits, without legal forms, the words of addresses shortened) and take them for alike when enough of the
letters stand in the same order: as much as Salesforce's table of thresholds says. Its own algorithms
(Jaro-Winkler, metaphones, nicknames) are more, so that at the edge the two may disagree.

Source: Salesforce Help, "Matching Methods Used with Matching Rules".
"""

import re
from collections.abc import Callable, Mapping
from difflib import SequenceMatcher
from typing import Any, Final

PLAIN: Final = re.compile(r"[^a-z0-9]+")
LEGAL: Final = re.compile(
    r"\b(inc|incorporated|corp|corporation|co|company|ltd|limited|llc|llp|plc|gmbh|ag|sa|bv|the)\b"
)
WAYS: Final = {
    "street": "st",
    "avenue": "ave",
    "road": "rd",
    "boulevard": "blvd",
    "drive": "dr",
    "lane": "ln",
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
}


def _plain(value: str) -> str:
    return PLAIN.sub(" ", value.lower()).strip()


def _company(value: str) -> str:
    plain = _plain(value)
    return " ".join(LEGAL.sub(" ", plain).split()) or plain


def _street(value: str) -> str:
    return " ".join(WAYS.get(word, word) for word in _plain(value).split())


def _digits(value: str) -> str:
    return re.sub(r"\D", "", value)[-10:]


def _zip(value: str) -> str:
    return re.sub(r"[^a-z0-9]", "", value.lower())[:5]


METHODS: Final[Mapping[str, tuple[Callable[[str], str], float]]] = {
    "FirstName": (_plain, 0.85),
    "LastName": (_plain, 0.90),
    "CompanyName": (_company, 0.70),
    "Phone": (_digits, 0.80),
    "City": (_plain, 0.85),
    "Street": (_street, 0.80),
    "Zip": (_zip, 0.80),
    "Title": (_plain, 0.50),
}
"""The plain form that a method compares, and how much of it must be the same."""


def alike(method: str, one: Any, other: Any) -> bool:
    """
    >>> alike("CompanyName", "Acme, Inc.", "ACME")
    True
    >>> alike("Exact", "Acme", "Acme Inc")
    False
    """
    if method not in METHODS:
        return bool(_exact(one) == _exact(other))
    plain, least = METHODS[method]
    first, second = plain(str(one)), plain(str(other))
    return first == second or SequenceMatcher(None, first, second).ratio() >= least


def _exact(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value
