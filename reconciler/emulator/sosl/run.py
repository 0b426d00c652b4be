"""Searching: the rows whose texts match, read as a query of the same user reads them.

Source: SOQL and SOSL Reference, "IN SearchGroup", "RETURNING FieldSpec".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import ids
from ..errors import InvalidType
from ..schema import Field, SObject
from ..store import quoted
from .statement import Statement, Target
from .terms import Match

if TYPE_CHECKING:
    from ..org import EmulatedOrg

TEXTS = ("string", "email", "phone", "textarea", "url", "combobox", "encryptedstring")
GROUPS: dict[str, tuple[str, ...]] = {
    "ALL": TEXTS,
    "EMAIL": ("email",),
    "NAME": (),
    "PHONE": ("phone",),
    "SIDEBAR": ("email", "phone"),
}
"""Types of the fields that a group searches; all but EMAIL and PHONE search names too."""
WITHOUT_NAMES = ("EMAIL", "PHONE")
NAMES = ("FirstName", "LastName", "Title", "Subject", "CaseNumber", "DeveloperName")
CHUNK = 2000


def search(
    org: "EmulatedOrg", wanted: Statement, match: Match, *, user_id: str, version: str
) -> list[dict[str, Any]]:
    """The rows found, in the order of the targets; at most `wanted.limit`."""
    schema = org.access.of(user_id).schema
    rows: list[dict[str, Any]] = []
    for target in wanted.targets or _everything(list(schema)):
        sobject = schema.get(target.sobject)
        if sobject is None:
            raise InvalidType(f"sObject type '{target.sobject}' is not supported.")
        found = _matching(org, sobject, wanted.scope, match)
        soql = _soql(sobject, target, found[:CHUNK])
        records = org.query(soql, user_id=user_id, version=version).records
        rows += records[: wanted.limit - len(rows)]
        if len(rows) >= wanted.limit:
            break
    return rows


def _everything(sobjects: Sequence[SObject]) -> list[Target]:
    return [Target(each.name) for each in sobjects if is_searched(each)]


def is_searched(sobject: SObject) -> bool:
    """Whether a search that names no objects looks into this one."""
    return bool(sobject.key_prefix and sobject.flags.get("searchable") and sobject.flags.get("layoutable"))


def searched_fields(sobject: SObject, scope: str) -> list[Field]:
    """The fields of an object that a group of SOSL means."""
    types = GROUPS[scope]
    return [
        field
        for field in sobject.fields.values()
        if field.stored
        and (
            field.type in types or (scope not in WITHOUT_NAMES and (field.name_field or field.name in NAMES))
        )
    ]


def _matching(org: "EmulatedOrg", sobject: SObject, scope: str, match: Match) -> list[str]:
    columns = [quoted(field.name) for field in searched_fields(sobject, scope)]
    if not columns:
        return []
    living = ' WHERE "IsDeleted" = 0' if sobject.field("IsDeleted") else ""
    rows = org.store.execute(f'SELECT "Id", {", ".join(columns)} FROM {quoted(sobject.name)}{living}')
    return [
        ids.to_text(number)
        for number, *texts in rows
        if match("\n".join(str(each) for each in texts if each is not None))
    ]


def _soql(sobject: SObject, target: Target, found: Sequence[str]) -> str:
    """The query that reads the found rows as the target asks for them."""
    listed = ", ".join(f"'{each}'" for each in found) or "null"
    mine = f"Id IN ({listed})"
    rest = target.rest
    if rest[:5].upper() == "WHERE":
        end = _end_of_condition(rest)
        rest = f"WHERE ({rest[5:end].strip()}) AND {mine} {rest[end:]}"
    else:
        rest = f"WHERE {mine} {rest}"
    return f"SELECT {', '.join(target.fields)} FROM {sobject.name} {rest}"


def _end_of_condition(text: str) -> int:
    """Where the condition ends: before the next clause that stands outside of quotes and parentheses."""
    depth, at, quote = 0, 0, False
    while at < len(text):
        char = text[at]
        if quote:
            at += char == "\\"
            quote = text[at : at + 1] != "'"
        elif char == "'":
            quote = True
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif depth == 0 and char.isspace() and _is_clause(text[at:].lstrip()):
            return at
        at += 1
    return len(text)


def _is_clause(text: str) -> bool:
    words = text[:20].upper().split()
    return bool(words) and (words[0] in ("LIMIT", "OFFSET") or words[:2] == ["ORDER", "BY"])
