"""How Salesforce says no to a query: a window of the text, a caret, the place, the reason.

The window is the stretch of the erring line from `BEFORE` characters ahead of the place to
`AFTER` behind it, both ends widened to whole words; comma and white space part words. Row and
column count from 1. A fault that belongs to no place has the reason alone.

Source: replies recorded from orgs and pasted into public issue threads.
"""

from typing import Final

from ..errors import ApiError, InvalidField, InvalidType, MalformedQuery

BEFORE: Final = 30
AFTER: Final = 31

NAMES_HINT: Final = "Please reference your WSDL or the describe call for the appropriate names."


class Fault(Exception):
    """A refusal that knows the offset in the query; `placed` makes the reply of it."""

    def __init__(
        self, kind: type[ApiError], reason: str, at: int | None = None, code: str | None = None
    ) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.at, self.code = kind, reason, at, code


def placed(fault: Fault, query: str) -> ApiError:
    """The error to answer: with the window around the place, if the fault has one."""
    message = fault.reason if fault.at is None else window(query, fault.at) + fault.reason
    return fault.kind(message, code=fault.code)


def window(query: str, at: int) -> str:
    """The lines ahead of the reason.

    >>> window("SELECT Id, Foo FROM Account", 11)
    '\\nSELECT Id, Foo FROM Account\\n           ^\\nERROR at Row:1:Column:12\\n'
    """
    query = query.rstrip()
    at = min(at, len(query))
    row = query.count("\n", 0, at) + 1
    line_start = query.rfind("\n", 0, at) + 1
    line_end = query.find("\n", at)
    line = query[line_start : len(query) if line_end < 0 else line_end].rstrip("\r")
    column = at - line_start
    begin, end = max(0, column - BEFORE), min(len(line), column + AFTER)
    while begin > 0 and not _parts_words(line[begin - 1]):
        begin -= 1
    while end < len(line) and not _parts_words(line[end]):
        end += 1
    caret = " " * (column - begin) + "^"
    return f"\n{line[begin:end]}\n{caret}\nERROR at Row:{row}:Column:{column + 1}\n"


def _parts_words(char: str) -> bool:
    return char == "," or char.isspace()


def malformed(reason: str, at: int | None = None) -> Fault:
    return Fault(MalformedQuery, reason, at)


def unexpected(token: str, at: int) -> Fault:
    return malformed(f"unexpected token: '{token}'", at)


def invalid_field(reason: str, at: int | None = None) -> Fault:
    return Fault(InvalidField, reason, at)


def invalid_filter(reason: str, at: int | None = None) -> Fault:
    return Fault(ApiError, reason, at, "INVALID_QUERY_FILTER_OPERATOR")


def not_emulated(what: str, at: int | None = None) -> Fault:
    """For what real orgs answer and this one does not, so that nobody takes silence for an answer."""
    return Fault(ApiError, f"the emulated org does not support {what}", at, "FUNCTIONALITY_NOT_ENABLED")


def no_such_column(name: str, entity: str, at: int) -> Fault:
    return invalid_field(
        f"No such column '{name}' on entity '{entity}'. If you are attempting to use a custom field, be "
        f"sure to append the '__c' after the custom field name. {NAMES_HINT}",
        at,
    )


def no_such_object(name: str, at: int) -> Fault:
    return Fault(
        InvalidType,
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure "
        f"to append the '__c' after the entity name. {NAMES_HINT}",
        at,
    )


def no_such_parent(name: str, at: int) -> Fault:
    return invalid_field(
        f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
        f"relationship, be sure to append the '__r' after the custom relationship name. {NAMES_HINT}",
        at,
    )


def no_such_children(name: str, at: int) -> Fault:
    return Fault(
        InvalidType,
        f"Didn't understand relationship '{name}' in FROM part of query call. If you are attempting to "
        f"use a custom relationship, be sure to append the '__r' after the custom relationship name. "
        f"{NAMES_HINT}",
        at,
    )
