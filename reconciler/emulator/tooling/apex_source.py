"""As much of Apex as can be read without compiling it: what a source declares, and whether it is whole.

Comments and string literals are set aside first, so that braces in them count for nothing.
"""

import re
from dataclasses import dataclass

TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\\n])*'", re.DOTALL)
UNCLOSED = re.compile(r"/\*|'")
CLASS = re.compile(r"\b(?:class|interface|enum)\s+([A-Za-z]\w*)", re.IGNORECASE)
TRIGGER = re.compile(r"\s*trigger\s+([A-Za-z]\w*)\s+on\s+([A-Za-z]\w*)\s*\(([^)]*)\)", re.IGNORECASE)
TEST_CLASS = re.compile(r"@\s*IsTest\b", re.IGNORECASE)
TEST_METHOD = re.compile(
    r"(?:@\s*IsTest\b(?:\s*\([^)]*\))?\s*(?:(?:public|private|global|static)\s+)*static\s+(?:\w+\s+)*?void"
    r"|\btestMethod\s+(?:\w+\s+)*?void)\s+([A-Za-z]\w*)\s*\(",
    re.IGNORECASE,
)
PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """What is wrong with a source, and where; lines and columns count from 1."""

    text: str
    line: int
    column: int


def plain(source: str) -> str:
    """The source with blanks in place of comments and of the insides of strings, at the same places."""

    def blank(match: re.Match[str]) -> str:
        found = match[0]
        if found[0] == "'":
            return "'" + " " * (len(found) - 2) + "'"
        return re.sub(r"[^\n]", " ", found)

    return TOKEN.sub(blank, source)


def uncommented(source: str) -> str:
    """The source with blanks in place of comments, at the same places."""
    return TOKEN.sub(
        lambda match: match[0] if match[0][0] == "'" else re.sub(r"[^\n]", " ", match[0]), source
    )


def place(source: str, at: int) -> tuple[int, int]:
    """Line and column of an offset."""
    return source.count("\n", 0, at) + 1, at - (source.rfind("\n", 0, at) + 1) + 1


def problem_of(source: str) -> SyntaxProblem | None:
    """The first thing that keeps a source from being read at all."""
    text = plain(source)
    open_marks: list[tuple[str, int]] = []
    inside = False
    for at, mark in enumerate(text):
        if mark == "'":
            inside = not inside
            if inside and text.find("'", at + 1) < 0:
                return SyntaxProblem(
                    "Illegal string literal: Line breaks not allowed in string literals", *place(source, at)
                )
        elif inside:
            continue
        elif mark in "([{":
            open_marks.append((mark, at))
        elif mark in PAIRS and (not open_marks or open_marks.pop()[0] != PAIRS[mark]):
            return SyntaxProblem(f"Unexpected token '{mark}'.", *place(source, at))
    if open_marks or "/*" in text:
        return SyntaxProblem("Unexpected token '<EOF>'.", *place(source, max(0, len(source.rstrip()) - 1)))
    return None


def declared_name(source: str) -> str | None:
    """The name of the class or trigger that a source declares."""
    text = plain(source)
    found = TRIGGER.match(text) or CLASS.search(text)
    return found[1] if found else None


def trigger_of(source: str) -> tuple[str, list[str]] | None:
    """The object of a trigger and its events (`before insert`), in lower case."""
    found = TRIGGER.match(plain(source))
    if found is None:
        return None
    return found[2], [" ".join(each.lower().split()) for each in found[3].split(",") if each.strip()]


def is_test_class(source: str) -> bool:
    """Whether the class itself is marked as a test, before its name."""
    text = plain(source)
    found = CLASS.search(text)
    return bool(found and TEST_CLASS.search(text, 0, found.start())) or bool(test_methods(source))


def test_methods(source: str) -> list[str]:
    """Names of the test methods of a class, in their order."""
    return list(dict.fromkeys(TEST_METHOD.findall(plain(source))))
