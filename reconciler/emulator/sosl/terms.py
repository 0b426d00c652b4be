"""The words between the braces of `FIND {…}`, and whether a text has them.

Words are joined by AND unless something else stands between; AND binds before AND NOT and OR, and
parentheses before all. A word matches a whole word of the text without regard to case; `*` stands for any
letters, `?` for one, and words in quotes for themselves in that order.

Source: SOQL and SOSL Reference, "FIND {SearchQuery}"; the refusals as users report them.
"""

import re
from collections.abc import Callable
from typing import NoReturn

from ..errors import ApiError

Match = Callable[[str], bool]
TOKEN = re.compile(r'\s*(?:(?P<quote>"(?:\\.|[^"\\])*")|(?P<sign>[()])|(?P<word>(?:\\.|[^\s()"\\])+))')
LONGEST = 10_000


class MalformedSearch(ApiError):
    code = "MALFORMED_SEARCH"


def parse_terms(text: str) -> Match:
    """The test that a text must pass. Raises MALFORMED_SEARCH."""
    if len(text) > LONGEST:
        raise MalformedSearch("Search term is too long")
    tokens = _tokens(text)
    if not tokens:
        raise MalformedSearch("No search term found. The search term must be enclosed in braces.")
    parser = _Parser(tokens)
    match = parser.any_of()
    if parser.rest:
        _refuse(parser.rest[0])
    return match


def plain_words(text: str) -> Match:
    """All words of a text that is no search language, at the start of words of the other."""
    return _all([_word(re.escape(each) + r"\w*") for each in text.split()])


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            _refuse(text[at:].strip())
        tokens.append(found[0].strip())
        at = found.end()
    return tokens


def _refuse(near: str) -> NoReturn:
    raise MalformedSearch(f"line 1:0 unexpected token: '{near}'")


class _Parser:
    """Reads tokens from the front of `rest`."""

    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens

    def _takes(self, word: str) -> bool:
        if self.rest and self.rest[0].upper() == word:
            self.rest = self.rest[1:]
            return True
        return False

    def any_of(self) -> Match:
        parts = [self.all_of()]
        while self._takes("OR"):
            parts.append(self.all_of())
        return parts[0] if len(parts) == 1 else _any(parts)

    def all_of(self) -> Match:
        parts = [self.one()]
        while self.rest and self.rest[0] != ")" and self.rest[0].upper() != "OR":
            if self._takes("AND") and self._takes("NOT"):
                parts.append(_not(self.one()))
            else:
                parts.append(self.one())
        return _all(parts)

    def one(self) -> Match:
        if not self.rest:
            _refuse("<EOF>")
        word, *self.rest = self.rest
        if word == "(":
            inner = self.any_of()
            if not self._takes(")"):
                _refuse("<EOF>")
            return inner
        if word == ")" or word.upper() in ("AND", "OR"):
            _refuse(word)
        if word.startswith('"'):
            words = re.sub(r"\\(.)", r"\1", word[1:-1]).split()
            return _word(r"\W+".join(map(re.escape, words)))
        return _word(_pattern(word))


def _pattern(word: str) -> str:
    letters = re.findall(r"\\.|.", word)
    if len([each for each in letters if each not in "*?"]) < 2:
        raise MalformedSearch(f"search term must be longer than one character: {word}")
    first, *others = _pieces(letters)
    if not others:
        return first
    *middle, last = others
    return first + "".join(rf"(?>\w*?{piece})" for piece in middle) + rf"\w*{last}"


def _pieces(letters: list[str]) -> list[str]:
    """What stands between the stars, as patterns. The first place for each is as good as any later one."""
    pieces = [""]
    for each in letters:
        if each == "*":
            pieces.append("")
        else:
            pieces[-1] += r"\w" if each == "?" else re.escape(each[-1])
    return pieces


def _word(pattern: str) -> Match:
    found = re.compile(rf"(?<!\w){pattern}(?!\w)", re.IGNORECASE)
    return lambda text: found.search(text) is not None


def _all(parts: list[Match]) -> Match:
    return lambda text: all(part(text) for part in parts)


def _any(parts: list[Match]) -> Match:
    return lambda text: any(part(text) for part in parts)


def _not(part: Match) -> Match:
    return lambda text: not part(text)
