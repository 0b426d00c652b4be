"""Text search, in a small part: words looked for in the name fields, answered as ids.

Source: SOQL and SOSL Reference, "SOSL Syntax"; REST API Developer Guide, "Search" and
"Parameterized Search"; shapes and the refusal as recorded.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import re
from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.access.sharing import seen_sql
from reconciler.emulator.errors import ApiError, InvalidField, InvalidType
from reconciler.emulator.http import dml
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Schema, SObject
from reconciler.emulator.store import quoted

FIND = re.compile(r"\s*FIND\s*\{((?:\\.|[^{}\\])*)\}\s*(.*)\Z", re.IGNORECASE | re.DOTALL)
RETURNING = re.compile(r"\bRETURNING\s+(.*?)(?:\s+(?:WITH|LIMIT|UPDATE)\b.*)?\Z", re.IGNORECASE | re.DOTALL)
TARGET = re.compile(r"(\w+)\s*(?:\(([^()]*)\))?\s*(?:,|\Z)")
LIMIT = re.compile(r"\bLIMIT\s+(\d+)", re.IGNORECASE)
ENVELOPE_SINCE = 37
MOST_ROWS = 2000
SEARCHED_TYPES = ("string", "email", "phone", "textarea", "url")
LACKS = [
    "all of SOSL but FIND {words} [IN …] [RETURNING objects(fields)] [LIMIT n]",
    "ranking, synonyms, snippets",
]


class MalformedSearch(ApiError):
    code = "MALFORMED_SEARCH"


@route("GET", "/search", lacks=LACKS)
def search(org: EmulatedOrg, request: Request) -> Reply:
    """Run the SOSL in `q`."""
    found = FIND.match(request.params.get("q", ""))
    if found is None:
        raise MalformedSearch("No search term found. The search term must be enclosed in braces.")
    rest = found[2]
    limit = LIMIT.search(rest)
    most = min(MOST_ROWS, int(limit[1])) if limit else MOST_ROWS
    rows: list[dict[str, Any]] = []
    for sobject, fields in _targets(org, request, rest):
        rows += _find(org, request, sobject, fields, _words(found[1]), most - len(rows))
    return ok({"searchRecords": rows} if request.version_number >= ENVELOPE_SINCE else rows)


@route("GET", "/parameterizedSearch", lacks=LACKS)
def parameterized_search(org: EmulatedOrg, request: Request) -> Reply:
    """Look for the words in `q`, in the objects of `sobject`."""
    params = {name.lower(): value for name, value in request.params.items()}
    return ok({"searchRecords": _search_words(org, request, params)})


@route("POST", "/parameterizedSearch", lacks=LACKS)
def parameterized_search_by_body(org: EmulatedOrg, request: Request) -> Reply:
    """As by GET, with `q` and `sobjects` in the body."""
    body = request.json if isinstance(request.json, dict) else {}
    names = ",".join(str(each.get("name", "")) for each in body.get("sobjects", []) if isinstance(each, dict))
    return ok({"searchRecords": _search_words(org, request, {"q": str(body.get("q", "")), "sobject": names})})


def _search_words(org: EmulatedOrg, request: Request, params: dict[str, str]) -> list[dict[str, Any]]:
    if not params.get("q", "").strip():
        raise MalformedSearch("No search term found. The search term must be enclosed in braces.")
    names = [each.strip() for each in params.get("sobject", "").split(",") if each.strip()]
    schema = dml.schema_of(org, request)
    sobjects = [_sobject(schema, name) for name in names] or _searchable(schema)
    rows: list[dict[str, Any]] = []
    for sobject in sobjects:
        rows += _find(org, request, sobject, ["Id"], _words(params["q"]), MOST_ROWS - len(rows))
    return rows


def _sobject(schema: Schema, name: str) -> SObject:
    found = schema.get(name)
    if found is None:
        raise InvalidType(f"sObject type '{name}' is not supported.")
    return found


def _searchable(schema: Schema) -> list[SObject]:
    return [each for each in schema if each.key_prefix and not each.setup and each.field("OwnerId")]


def _targets(org: EmulatedOrg, request: Request, rest: str) -> list[tuple[SObject, list[str]]]:
    returning = RETURNING.search(rest)
    if returning is None:
        return [(sobject, ["Id"]) for sobject in _searchable(dml.schema_of(org, request))]
    targets = []
    for name, inside in TARGET.findall(returning[1]):
        sobject = _sobject(dml.schema_of(org, request), name)
        listed = re.split(r"\s+(?:WHERE|ORDER|LIMIT)\b", inside or "Id", flags=re.IGNORECASE)[0]
        fields = [each.strip() for each in listed.split(",") if each.strip()]
        for field in fields:
            if sobject.field(field) is None:
                raise InvalidField(f"No such column '{field}' on sobject of type {sobject.name}")
        targets.append((sobject, fields))
    return targets


def _words(term: str) -> list[str]:
    plain = re.sub(r"\\(.)", r"\1", term)
    return [each.strip('"*?') for each in plain.split() if each.strip('"*?')]


def _find(
    org: EmulatedOrg, request: Request, sobject: SObject, fields: list[str], words: list[str], most: int
) -> list[dict[str, Any]]:
    columns = [
        f.name for f in sobject.fields.values() if f.stored and f.type in SEARCHED_TYPES and f.filterable
    ]
    if not columns or not words or most <= 0:
        return []
    text = " || ' ' || ".join(f"COALESCE({quoted(name)}, '')" for name in columns)
    wanted = " AND ".join(f"({text}) LIKE ? ESCAPE '\\'" for _ in words)
    living = ' AND "IsDeleted" = 0' if sobject.field("IsDeleted") else ""
    patterns = ["%" + re.sub(r"([\\%_])", r"\\\1", word) + "%" for word in words]
    values: list[Any] = [*patterns, most]
    shared = seen_sql(org, request.user_id, sobject, values)
    sql = (
        f'SELECT "Id" FROM {quoted(sobject.name)} t WHERE {wanted}{living}{shared} '
        f'ORDER BY "Id" LIMIT ?{len(patterns) + 1}'
    )
    found = org.store.execute(sql, values)
    return [
        org.retrieve(
            sobject.name, ids.to_text(number), fields, version=request.version, user_id=request.user_id
        )
        for (number,) in found
    ]
