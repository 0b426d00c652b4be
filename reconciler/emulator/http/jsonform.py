"""JSON as Salesforce reads and writes it.

It is written compact, or with `X-PrettyPrint` in the style of the Jackson library. It is read
strictly; a body that is no JSON is refused with a text in Jackson's manner, made from the place
where Python's parser stopped. That one is only asked where orjson, some times faster, has given up.
"""

import json
from typing import Any, NoReturn

import orjson

from reconciler.emulator.errors import ApiError

PRETTY_LIMIT_BYTES = 64 * 1024
"""Longer bodies are written compact whatever was asked: no client reads the blanks."""

NUMBER_CHARACTERS = 1_000
"""Of a number, as Jackson has it; that Salesforce leaves it there was not verified."""

INDENT = "  "


class JsonParserError(ApiError):
    """Source: REST API Developer Guide, "Status Codes and Error Responses"; texts as seen."""

    code = "JSON_PARSER_ERROR"


def _refuse_constant(name: str) -> NoReturn:
    raise JsonParserError(f"Non-standard token '{name}': enable JsonParser.Feature to allow")


def _whole_number(digits: str) -> int:
    if len(digits) > NUMBER_CHARACTERS:
        raise JsonParserError(
            f"Number value length ({len(digits)}) exceeds the maximum allowed ({NUMBER_CHARACTERS}, from "
            "`StreamReadConstraints.getMaxNumberLength()`)"
        )
    return int(digits)


def parse_json(body: bytes) -> Any:
    """The value in ``body``. Raises `JsonParserError` for anything that is not one JSON value."""
    if not body.strip():
        raise JsonParserError("The HTTP entity body is required, but this request has no entity body.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_slowly(body)


def _parse_slowly(body: bytes) -> Any:
    """As `parse_json`, for what orjson does not take: faults, a byte order mark, half surrogates."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise JsonParserError(f"Invalid UTF-8 start byte 0x{body[error.start]:02x}") from error
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        raise JsonParserError(_explain(error)) from error
    except RecursionError as error:
        raise JsonParserError("Document nesting depth exceeds the maximum allowed") from error


_EXPECTED = {
    "Expecting property name enclosed in double quotes": "was expecting double-quote to start field name",
    "Expecting ':' delimiter": "was expecting a colon to separate field name and value",
    "Expecting ',' delimiter": "was expecting comma to separate entries",
    "Expecting value": "expected a valid value (number, String, array, object, 'true', 'false' or 'null')",
    "Illegal trailing comma before end of object": "was expecting double-quote to start field name",
    "Illegal trailing comma before end of array": "expected a value",
    "Extra data": "expected end of input",
}


def _explain(error: json.JSONDecodeError) -> str:
    at = error.pos
    while at < len(error.doc) and error.doc[at] in " \t\r\n":
        at += 1
    place = f"at [line:{error.doc.count(chr(10), 0, at) + 1}, column:{at - error.doc.rfind(chr(10), 0, at)}]"
    if at >= len(error.doc):
        return f"Unexpected end-of-input {place}"
    char = error.doc[at]
    expected = _EXPECTED.get(error.msg, error.msg)
    return f"Unexpected character ('{char}' (code {ord(char)})): {expected} {place}"


def write_json(value: Any, *, pretty: bool = False) -> bytes:
    """``value`` as UTF-8 JSON."""
    compact = _compact(value)
    if pretty and len(compact) <= PRETTY_LIMIT_BYTES:
        return _pretty(value, "").encode("utf-8", "replace")
    return compact


def _compact(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # half surrogates, numbers past 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _pretty(value: Any, indent: str) -> str:
    """Jackson's default pretty printer: objects one entry a line, arrays on one line."""
    if isinstance(value, dict):
        if not value:
            return "{ }"
        inner = indent + INDENT
        entries = ",\n".join(
            f"{inner}{json.dumps(str(key), ensure_ascii=False)} : {_pretty(each, inner)}"
            for key, each in value.items()
        )
        return f"{{\n{entries}\n{indent}}}"
    if isinstance(value, list | tuple):
        return f"[ {', '.join(_pretty(each, indent) for each in value)} ]" if value else "[ ]"
    return json.dumps(value, ensure_ascii=False)
