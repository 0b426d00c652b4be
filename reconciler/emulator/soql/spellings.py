"""Spellings of a text that SOQL takes for the same, as far as the store does not know it by itself.

The store compares without regard to the case of ASCII letters. A text with other letters that have cases is
looked for in each of its spellings, by which an index still serves; of a text with many such letters in
the usual ones only.
"""

from collections.abc import Iterable, Iterator
from itertools import product

MOST_LETTERS = 5


def spellings(text: str) -> list[str]:
    """The text, and what it is with its letters beyond ASCII in the other case.

    >>> spellings("Zoë")
    ['Zoë', 'ZoË']
    """
    if text.isascii():
        return [text]
    choices = [_cases(each) for each in text]
    if sum(len(each) > 1 for each in choices) <= MOST_LETTERS:
        return ["".join(each) for each in product(*choices)]
    return list(dict.fromkeys([text, text.lower(), text.upper(), text.title()]))


def _cases(letter: str) -> list[str]:
    if letter.isascii():
        return [letter]
    other = letter.swapcase()
    return [letter, other] if len(other) == 1 and other != letter else [letter]


def each_spelling(values: Iterable[object]) -> Iterator[object]:
    """The values with those of their spellings that are texts."""
    for value in values:
        if isinstance(value, str):
            yield from spellings(value)
        else:
            yield value
