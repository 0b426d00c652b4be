"""The YAML parser's complaints, said so that the file can be mended.

libyaml says "did not find expected <document start>"; the author needs the line and what to write.
`SAYINGS` maps the parser's words (either parser's: they share most) to ours; what is not in the
table is passed on in the parser's words.
"""

import re
from typing import Any

from reconciler.model.errors import Problem
from reconciler.model.source import SourceRef

SAYINGS: tuple[tuple[str, str, str], ...] = (
    ("mapping values are not allowed", "a ': ' stands where no key can be",
     "put the text in quotes if the ': ' belongs to it, or mend the indentation"),
    ("found unexpected ':'", "inside of [ ] and { } this text with ':' needs quotes",
     "put the text in quotes; after a key write ': ' with a blank"),
    ("found unexpected end of stream", "the text in quotes that began{at} is not closed",
     "close the quotes; a quote inside single quotes is written twice"),
    ("found unexpected document indicator", "the text in quotes that began{at} is not closed",
     "close the quotes"),
    ("found unknown escape character", "an escape that YAML does not know, in double quotes",
     r"write each backslash twice, or use single quotes"),
    ("did not find expected hexdecimal number", "an escape without its hexadecimal digits",
     r"write \xNN, \uNNNN or \UNNNNNNNN, or use single quotes"),
    ("found invalid Unicode character escape", "an escape for a character that does not exist",
     r"write characters beyond U+FFFF as \UNNNNNNNN, not as two \uNNNN"),
    ("could not find expected ':'", "a line that is neither 'key: value' nor '- item'",
     "write 'key: value'; put text of several lines in quotes or under '|'"),
    ("did not find expected ',' or ']'", "the list that began{at} is not closed here",
     "put a ',' between its items and a ']' at its end"),
    ("did not find expected ',' or '}'", "the map that began{at} is not closed here",
     "put a ',' between its entries and a '}' at its end"),
    ("did not find expected node content", "a value is missing here",
     "close what is open ('[', '{'), or write the value"),
    ("did not find expected key", "this does not continue the map that began{at}",
     "indent the keys of one map alike"),
    ("did not find expected '-' indicator", "this does not continue the list that began{at}",
     "begin each item with '- ', indented alike"),
    ("block sequence entries are not allowed", "a '- ' stands where no list can begin",
     "begin the list on its own line, or put the text in quotes"),
    ("did not find expected comment or line break", "nothing may follow the '|' or '>' on this line",
     "begin the text on the next line"),
    ("did not find expected <document start>", "this is outside the document's map",
     "mend the indentation: the outermost keys begin in column 1"),
    ("found incompatible YAML document", "the %YAML directive asks for another version of YAML",
     "remove the directive"),
    ("found undefined tag handle", "tags ('!…') are not allowed",
     "remove the tag, or put the text in quotes"),
    ("while scanning a directive", "a '%' cannot begin a value", "put the value in quotes"),
    ("while parsing a tag", "tags ('!…') are not allowed", "remove the tag, or put the text in quotes"),
    ("while scanning a tag", "tags ('!…') are not allowed", "remove the tag, or put the text in quotes"),
    ("while scanning an alias", "aliases ('*…') are not allowed", "put the text in quotes"),
    ("while scanning an anchor", "anchors ('&…') are not allowed", "put the text in quotes"),
)  # fmt: skip

MAX_KEY_CHARACTERS = 1024
"""Source: YAML 1.2.2, "Implicit Keys"."""

_INDENTATION = re.compile(r"[ \t]*")
_BREAKS = re.compile(r"\r\n|\r|\n")


def explain_syntax_error(error: Any, text: str, file: str) -> Problem:
    """Our problem for a ``MarkedYAMLError`` of either parser."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark is not None else (0, 0)
    where = SourceRef(file, line + 1, column + 1)
    written = _line(text, line)
    if tab := _tab_in_indentation(written, column):
        return Problem(
            "a tab is used as indentation",
            SourceRef(file, line + 1, tab),
            "indent with spaces, not with tabs",
        )
    said = f"{error.context or ''} {error.problem or ''}".strip()
    if "cannot start any token" in said:
        character = written[column : column + 1]
        return Problem(f"a value cannot begin with '{character}'", where, "put the value in quotes")
    if "mapping values are not allowed" in said and len(written[:column].strip()) > MAX_KEY_CHARACTERS:
        what = f"a key has more than {MAX_KEY_CHARACTERS:,} characters"
        return Problem(what, SourceRef(file, line + 1, 1), "shorten it")
    for words, what, mend in SAYINGS:
        if words in said:
            if "${" in written and "is not closed here" in what:
                mend = "inside of [ ] and { } write '${name}' in quotes"
            return Problem(what.replace("{at}", _began(error.context_mark)), where, mend)
    return Problem(f"this is not YAML: {said}", where, "look at the indentation and the quotes here")


def _began(mark: Any) -> str:
    return "" if mark is None else f" at line {mark.line + 1}, column {mark.column + 1}"


def _line(text: str, number: int) -> str:
    lines = _BREAKS.split(text)
    return lines[number] if number < len(lines) else ""


def _tab_in_indentation(line: str, column: int) -> int:
    """The column, from one, of a tab among the blanks that begin ``line``; 0 if the trouble is elsewhere."""
    match = _INDENTATION.match(line)
    blanks = match[0] if match else ""
    at = blanks.find("\t")
    return at + 1 if at >= 0 and at <= column <= len(blanks) + 1 else 0
