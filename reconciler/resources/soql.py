"""The one place that writes SOQL. Values are quoted, names are checked; nothing is passed through.

Source: SOQL and SOSL Reference, "Quoted String Escape Sequences"; limit of 100,000 characters from
"SOQL and SOSL Limits". Literals longer than 4,000 characters are refused by Salesforce.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from reconciler.model.values import Scalar

MAX_CHARACTERS = 90_000
"""Of one IN list; leaves room for the rest of the statement under Salesforce's 100,000."""
MAX_KEYS = 2_000
"""Keys in one query: one page of answers."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*\Z")
_ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)


def literal(value: Scalar) -> str:
    r"""The value as SOQL writes it.

    >>> literal("O'Hara")
    "'O\\'Hara'"
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + value.translate(_ESCAPES) + "'"


def name(text: str) -> str:
    """A field path or object name, or ValueError: identifiers never carry anything else."""
    if not NAME.match(text):
        raise ValueError(f"not a Salesforce name: {text!r}")
    return text


def select(
    sobject: str,
    paths: Iterable[str],
    conditions: Sequence[str] = (),
    *,
    order_by: str | None = None,
    limit: int | None = None,
) -> str:
    columns = ", ".join(name(path) for path in dict.fromkeys(paths))
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = f" ORDER BY {name(order_by)}" if order_by else ""
    most = f" LIMIT {limit:d}" if limit is not None else ""
    return f"SELECT {columns} FROM {name(sobject)}{where}{order}{most}"  # noqa: S608  names are checked above


def is_in(path: str, values: Sequence[str]) -> str:
    """``values`` are literals already."""
    if len(values) == 1:
        return f"{name(path)} = {values[0]}"
    return f"{name(path)} IN ({','.join(values)})"


def chunks(literals: Iterable[str]) -> Iterator[list[str]]:
    """Cut literals into IN lists that one query can hold."""
    chunk: list[str] = []
    size = 0
    for each in literals:
        if chunk and (len(chunk) == MAX_KEYS or size + len(each) > MAX_CHARACTERS):
            yield chunk
            chunk, size = [], 0
        chunk.append(each)
        size += len(each) + 1
    if chunk:
        yield chunk
