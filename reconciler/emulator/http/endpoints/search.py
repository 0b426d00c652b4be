"""Text search: SOSL, its form as parameters, suggestions, and what is searched.

Source: REST API Developer Guide, "Search", "Parameterized Search", "Search Suggested Records", "Search
Scope and Order", "Search Result Layouts"; shapes and the refusal as recorded.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.emulator.errors import ApiError, InvalidType
from reconciler.emulator.http import dml
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import SObject
from reconciler.emulator.sosl.run import is_searched
from reconciler.emulator.sosl.run import search as run_search
from reconciler.emulator.sosl.statement import MOST_ROWS, NO_TERM, Statement, Target, parse
from reconciler.emulator.sosl.terms import MalformedSearch, Match, parse_terms, plain_words

ENVELOPE_SINCE = 37
SUGGESTED_ROWS = 5
LACKS = ["ranking, synonyms, stemming and snippets", "WITH clauses change nothing", "data categories"]


@route("GET", "/search", lacks=LACKS)
def search(org: EmulatedOrg, request: Request) -> Reply:
    """Run the SOSL in `q`."""
    wanted = parse(request.params.get("q", ""))
    rows = _run(org, request, wanted, parse_terms(wanted.terms))
    return ok({"searchRecords": rows} if request.version_number >= ENVELOPE_SINCE else rows)


@route("GET", "/parameterizedSearch", lacks=LACKS)
def parameterized_search(org: EmulatedOrg, request: Request) -> Reply:
    """Look for the words in `q`, in the objects of `sobject`; parameters are named without regard to case."""
    params = {name.lower(): value for name, value in request.params.items()}
    fields = _listed(params.get("fields", ""))
    targets = []
    for name in _listed(params.get("sobject", "")):
        own = {
            key.partition(".")[2]: value
            for key, value in params.items()
            if key.startswith(f"{name.lower()}.")
        }
        about: dict[str, Any] = {"name": name, "fields": _listed(own.get("fields", "")) or fields}
        about |= {"where": own.get("where"), "orderBy": own.get("orderby"), "limit": own.get("limit")}
        targets.append(_target(about, params.get("defaultlimit")))
    return _by_words(org, request, params.get("q", ""), targets, params.get("in"), params.get("overalllimit"))


@route("POST", "/parameterizedSearch", lacks=LACKS)
def parameterized_search_by_body(org: EmulatedOrg, request: Request) -> Reply:
    """As by GET, with the parameters in the body."""
    body = request.json
    if not isinstance(body, dict):
        raise ApiError("The request body must be an object", code="JSON_PARSER_ERROR")
    sobjects = [each for each in _list(body, "sobjects") if isinstance(each, dict)]
    shared = _list(body, "fields")
    targets = [
        _target({**each, "fields": _list(each, "fields") or shared}, body.get("defaultLimit"))
        for each in sobjects
    ]
    return _by_words(org, request, str(body.get("q", "")), targets, body.get("in"), body.get("overallLimit"))


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name) or []
    if not isinstance(value, list):
        raise ApiError(f"{name} must be a list", code="JSON_PARSER_ERROR")
    return value


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _target(about: Mapping[str, Any], default_limit: Any) -> Target:
    limit = about.get("limit") or default_limit
    parts = [
        f"WHERE {about['where']}" if about.get("where") else "",
        f"ORDER BY {about['orderBy']}" if about.get("orderBy") else "",
        f"LIMIT {_number(limit)}" if limit else "",
    ]
    fields = tuple(str(each) for each in about.get("fields") or ("Id",))
    return Target(str(about.get("name", "")), fields, " ".join(filter(None, parts)))


def _number(value: Any) -> int:
    if not str(value).isdigit():
        raise ApiError(f"Invalid limit: {value}", code="INVALID_PARAMETER_VALUE")
    return int(value)


def _by_words(
    org: EmulatedOrg, request: Request, words: str, targets: list[Target], scope: Any, limit: Any
) -> Reply:
    if not words.strip():
        raise MalformedSearch(NO_TERM)
    most = min(MOST_ROWS, _number(limit)) if limit else MOST_ROWS
    group = str(scope or "ALL").upper().split()[0]
    if group not in ("ALL", "NAME", "EMAIL", "PHONE", "SIDEBAR"):
        raise ApiError(f"Invalid search scope: {scope}", code="INVALID_PARAMETER_VALUE")
    wanted = Statement(words, group, tuple(targets), most)
    return ok({"searchRecords": _run(org, request, wanted, plain_words(words))})


def _run(org: EmulatedOrg, request: Request, wanted: Statement, match: Match) -> list[dict[str, Any]]:
    return run_search(org, wanted, match, user_id=request.user_id, version=request.version)


@route("GET", "/search/suggestions", lacks=["ranking by what users looked at"])
def suggest(org: EmulatedOrg, request: Request) -> Reply:
    """Rows whose name has words that begin as those in `q`."""
    words, names = request.params.get("q", "").strip(), _listed(request.params.get("sobject", ""))
    if not words or not names:
        raise ApiError("The q and sobject parameters are required", code="MALFORMED_SEARCH")
    most = _number(request.params.get("limit", SUGGESTED_ROWS))
    targets = []
    for name in names:
        sobject = _sobject(org, request, name)
        named = next((each.name for each in sobject.fields.values() if each.name_field), "Id")
        targets.append(Target(sobject.name, ("Id", named) if named != "Id" else ("Id",)))
    wanted = Statement(words, "NAME", tuple(targets), most + 1)
    rows = _run(org, request, wanted, plain_words(words))
    return ok({"autoSuggestResults": rows[:most], "hasMoreResults": len(rows) > most})


def _sobject(org: EmulatedOrg, request: Request, name: str) -> SObject:
    found = dml.schema_of(org, request).get(name)
    if found is None:
        raise InvalidType(f"sObject type '{name}' is not supported.")
    return found


@route("GET", "/search/scopeOrder", lacks=["the order of a user: it is that of the names"])
def scope_order(org: EmulatedOrg, request: Request) -> Reply:
    """The objects that are searched when none are named."""
    found = [each.name for each in dml.schema_of(org, request) if is_searched(each)]
    base = f"{request.data_path}/sobjects"
    return ok([{"type": name, "url": f"{base}/{name}/describe"} for name in found])


@route("GET", "/search/layout", lacks=["search layouts of the org: columns are the name field alone"])
def result_layouts(org: EmulatedOrg, request: Request) -> Reply:
    """How results of the objects in `q` are laid out."""
    layouts = []
    for name in _listed(request.params.get("q", "")):
        sobject = _sobject(org, request, name)
        named = next((each for each in sobject.fields.values() if each.name_field), sobject.fields["id"])
        column = {"field": f"{sobject.name}.{named.name}", "format": None, "label": named.label}
        layouts.append(
            {
                "errorMsg": None,
                "label": "Search Results",
                "limitRows": 25,
                "objectType": sobject.name,
                "searchColumns": [{**column, "name": named.name}],
            }
        )
    return ok(layouts)
