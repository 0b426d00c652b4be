"""A SOSL statement taken apart.

What stands in the parentheses of RETURNING is SOQL without its FROM, and is handed on as such.

Source: SOQL and SOSL Reference, "SOSL Syntax".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .terms import MalformedSearch

FIND = re.compile(r"\s*FIND\s*\{((?:\\.|[^{}\\])*)\}\s*(.*)\Z", re.IGNORECASE | re.DOTALL)
CLAUSE = re.compile(r"\b(IN|RETURNING|WITH|LIMIT|UPDATE)\b", re.IGNORECASE)
SCOPE = re.compile(r"(ALL|NAME|EMAIL|PHONE|SIDEBAR)\s+FIELDS\s*\Z", re.IGNORECASE)
OBJECT = re.compile(r"\s*(\w+)\s*")
NO_TERM = "No search term found. The search term must be enclosed in braces."
MOST_ROWS = 2000


@dataclass(frozen=True)
class Target:
    """One object of RETURNING: its fields and what follows them (`WHERE … ORDER BY … LIMIT …`)."""

    sobject: str
    fields: tuple[str, ...] = ("Id",)
    rest: str = ""


@dataclass(frozen=True)
class Statement:
    """``scope`` is ALL, NAME, EMAIL, PHONE or SIDEBAR; no targets mean every searchable object."""

    terms: str
    scope: str = "ALL"
    targets: tuple[Target, ...] = ()
    limit: int = MOST_ROWS


def parse(text: str) -> Statement:
    """Raises MALFORMED_SEARCH."""
    found = FIND.match(text)
    if found is None:
        raise MalformedSearch(NO_TERM)
    scope, targets, limit = "ALL", (), MOST_ROWS
    made: tuple[Target, ...] = targets
    for word, content in _clauses(found[2]):
        if word == "IN":
            named = SCOPE.match(content)
            if named is None:
                raise MalformedSearch(f"line 1:0 unexpected token: '{content}'")
            scope = named[1].upper()
        elif word == "RETURNING":
            made = tuple(_targets(content))
        elif word == "LIMIT":
            if not content.isdigit():
                raise MalformedSearch(f"line 1:0 unexpected token: '{content}'")
            limit = min(MOST_ROWS, int(content))
    return Statement(found[1], scope, made, limit)


def _clauses(text: str) -> Iterator[tuple[str, str]]:
    """The clauses after the braces, each word with what follows it outside of parentheses."""
    starts = [found for found in CLAUSE.finditer(text) if _depth(text, found.start()) == 0]
    if text.strip() and (not starts or text[: starts[0].start()].strip()):
        raise MalformedSearch(f"line 1:0 unexpected token: '{text.split()[0]}'")
    for at, found in enumerate(starts):
        end = starts[at + 1].start() if at + 1 < len(starts) else len(text)
        yield found[1].upper(), text[found.end() : end].strip()


def _depth(text: str, end: int) -> int:
    """How many parentheses are open there; those in quotes do not count."""
    plain = re.sub(r"'(?:\\.|[^'\\])*'", "", text[:end])
    return plain.count("(") - plain.count(")")


def _targets(text: str) -> Iterator[Target]:
    at = 0
    while True:
        found = OBJECT.match(text, at)
        if found is None:
            raise MalformedSearch(f"line 1:0 unexpected token: '{text[at:].strip() or '<EOF>'}'")
        at = found.end()
        if text[at : at + 1] == "(":
            end = _closing(text, at)
            yield _target(found[1], text[at + 1 : end])
            at = end + 1
        else:
            yield Target(found[1])
        rest = text[at:].lstrip()
        if not rest:
            return
        if rest[0] != ",":
            raise MalformedSearch(f"line 1:0 unexpected token: '{rest.split()[0]}'")
        at = len(text) - len(rest) + 1


def _closing(text: str, start: int) -> int:
    for at in range(start, len(text)):
        if text[at] == ")" and _depth(text[start:], at - start + 1) == 0:
            return at
    raise MalformedSearch("line 1:0 expecting a right parentheses, found '<EOF>'")


def _target(name: str, inside: str) -> Target:
    found = re.search(r"\s+(?:USING|WHERE|ORDER\s+BY|LIMIT|OFFSET)\b", inside, re.IGNORECASE)
    listed, rest = (inside[: found.start()], inside[found.start() :]) if found else (inside, "")
    fields = tuple(each.strip() for each in listed.split(",") if each.strip())
    return Target(name, fields or ("Id",), rest.strip())
