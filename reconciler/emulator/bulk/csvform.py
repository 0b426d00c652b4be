"""CSV as Salesforce's bulk loaders read and write it.

The rules and their texts are those of the reader that Salesforce publishes with its client library: a
quote inside a value that is not quoted, text after a closing quote and a quote that is never closed
fail the whole job; a line break inside quotes is a line feed; a line with nothing, or with one empty
value, is no record. A byte order mark is part of the first name, as there.

An upload is cut into parts at record ends, so that no more than one part is read at a time.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice

from .refusals import BatchFailed, unparsable

DELIMITERS = {"COMMA": ",", "BACKQUOTE": "`", "CARET": "^", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
PART_BYTES = 512 * 1024
LONGEST_BYTES = 4 * 1024 * 1024
"""More than any record that can be read takes, in UTF-8 and with its quotes doubled."""
FIELD_CHARACTERS = 131_072
RECORD_CHARACTERS = 400_000
RECORD_COLUMNS = 5_000
GATHERED_LINES = 2_000
AFTER_QUOTE = "expected after"
IN_QUOTES = "unexpected end of data"


def parts(pieces: Iterable[bytes], size: int = PART_BYTES) -> Iterator[bytes]:
    """An upload that comes in pieces, in parts of about ``size`` bytes, each ending where a record ends.

    A record ends at a line feed with an even number of quotes before it; in an upload that has none, at a
    carriage return. Where none is found for long, no record can be read, and the part ends anywhere.
    """
    held, ending = b"", b"\n"
    for piece in pieces:
        held = held + piece if held else piece
        start = 0
        if len(held) > size + LONGEST_BYTES and b"\n" not in held:
            ending = b"\r"
        while end := _record_end(held, start, size, ending):
            yield held[start:end]
            start = end
        held = held[start:]
    if held:
        yield held


def _record_end(held: bytes, start: int, size: int, ending: bytes) -> int:
    """Where the first record ends that ends ``size`` bytes past the start, or later; 0 if that is to come."""
    longest = start + size + LONGEST_BYTES
    counted, odd, at = start, 0, start + size
    while found := held.find(ending, at) + 1:
        odd ^= held.count(b'"', counted, found) % 2
        if not odd or found > longest:
            return found
        counted = at = found
    return longest if len(held) > longest else 0


def read_records(content: bytes, delimiter: str) -> list[list[str]]:
    """The records of a part, blank lines left out. Raises `BatchFailed`.

    A line of one empty value in quotes is a record: so clients write a row whose only cell is empty.
    """
    text = content.decode("utf-8", "replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        records = [
            each
            for each in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            if each
        ]
    except csv.Error as error:
        raise _refusal(str(error)) from error
    _check(text, delimiter, records)
    return records


def _refusal(why: str) -> BatchFailed:
    if AFTER_QUOTE in why:
        return unparsable("Not expecting more text after end quote")
    if IN_QUOTES in why:
        return unparsable("EOF reached before closing an opened quote")
    return unparsable(f"Exceeded max field size: {FIELD_CHARACTERS}")


def _check(text: str, delimiter: str, records: list[list[str]]) -> None:
    has_quotes = '"' in text and any('"' in each for each in chain.from_iterable(records))
    if has_quotes and '"' in _quoted_value(delimiter).sub("", text):
        raise unparsable("Found unescaped quote. A value with quote should be within a quote")
    if not records:
        return
    columns = max(map(len, records))
    if columns > RECORD_COLUMNS:
        raise unparsable(f"Exceeded max number of columns per record : {RECORD_COLUMNS}")
    if columns * max(map(len, chain.from_iterable(records))) > RECORD_CHARACTERS:
        longest = max(sum(map(len, each)) for each in records)
        if longest > RECORD_CHARACTERS:
            raise unparsable(
                f"Exceeded max length for one record: {longest}. Max length for one record should be less "
                f"than or equal to {RECORD_CHARACTERS}"
            )


@lru_cache(maxsize=8)
def _quoted_value(delimiter: str) -> re.Pattern[str]:
    """A well-formed quoted value where a value may begin."""
    return re.compile(rf'(?:(?<=[{re.escape(delimiter)}\n])|\A)"[^"]*(?:""[^"]*)*"')


def check_line_ending(content: bytes, ending: str) -> None:
    """Raise `BatchFailed` when the header ends with another line ending than the job was told."""
    line, found, _ = content.partition(b"\n")
    if found and line.endswith(b"\r") != (ending == "CRLF"):
        raise BatchFailed(
            f"LineEnding is invalid on user data. Current LineEnding setting is {ending}", "ClientInputError"
        )


def quoted_line(cells: Sequence[object], delimiter: str, ending: str) -> str:
    """A line of a result: every value in quotes, None empty."""
    inside = f'"{delimiter}"'.join(
        "" if each is None else str(each).replace('"', '""') if each.__class__ is str else str(each)
        for each in cells
    )
    return f'"{inside}"{ending}'


def gathered(lines: Iterable[str]) -> Iterator[bytes]:
    """The lines as a body in pieces, some thousand lines each."""
    iterator = iter(lines)
    while piece := "".join(islice(iterator, GATHERED_LINES)):
        yield piece.encode()


def header_line(first: Sequence[str], uploaded: Sequence[str], delimiter: str, ending: str) -> str:
    """The first line of a result of rows: our columns in quotes, the uploaded names as they came."""
    plain = io.StringIO()
    csv.writer(plain, delimiter=delimiter, lineterminator=ending).writerow(uploaded)
    ours = "".join(f'"{name}"{delimiter}' for name in first)
    return ours + plain.getvalue()
