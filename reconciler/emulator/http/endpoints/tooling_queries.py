"""Queries of the Tooling API, and what there is to query.

Results carry more keys than those of the data API, child results too. Pages work as there.

Source: Tooling API, "REST Resources"; keys and their order as recorded.
"""

from typing import Any

from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http.describe_form import describe, global_entry
from reconciler.emulator.http.endpoints.describes import MAX_BATCH
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.paging import open_result, page_of, page_rows, resume
from reconciler.emulator.http.routing import route
from reconciler.emulator.http.traffic import Cursor
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import SObject
from reconciler.emulator.soql.run import CHILD_KEYS, QueryResult
from reconciler.emulator.tooling import records, view

UNTRACKED = frozenset(["sourcemember"])
"""Clients ask for its describe to learn whether the org tracks sources; it is not found where it does not."""
LACKS = ["objects that no client is known to ask for", "SymbolTable is null"]


def tooling_path(request: Request) -> str:
    return f"{request.data_path}{view.AREA}"


@route("GET", "/tooling")
def resources(org: EmulatedOrg, request: Request) -> Reply:
    """Where the resources are."""
    base = tooling_path(request)
    names = ("query", "search", "sobjects", "executeAnonymous", "runTestsAsynchronous", "runTestsSynchronous")
    return ok({"tooling": base, **{name: f"{base}/{name}" for name in names}})


@route("GET", "/tooling/query", lacks=LACKS)
def query(org: EmulatedOrg, request: Request) -> Reply:
    """Run `q`; the first page of its rows."""
    soql = request.params.get("q")
    if soql is None:
        raise ApiError("The q parameter is required", code="MALFORMED_QUERY")
    result = view.tooling(org).query(soql, user_id=request.user_id, version=request.version)
    if request.params.get("columns", "").lower() == "true":
        return ok(_columns(org, result))
    cursor = open_result(org, request.user_id, result, page_rows(request))
    return ok(_page(org, request, cursor, "", 0, _entity(result)))


@route("GET", "/tooling/query/{locator}")
def query_more(org: EmulatedOrg, request: Request, locator: str) -> Reply:
    """A further page."""
    cursor, own, start = resume(org, request, locator)
    records = cursor.records[start : start + 1]
    entity = records[0]["attributes"]["type"] if records else None
    return ok(_page(org, request, cursor, own, start, entity))


def _entity(result: QueryResult) -> str | None:
    if result.is_aggregate and not result.is_count:
        return "AggregateResult"
    return result.sobject if result.records else None


def _page(
    org: EmulatedOrg, request: Request, cursor: Cursor, locator: str, start: int, entity: str | None
) -> dict[str, Any]:
    def address(further: str) -> str:
        return f"{tooling_path(request)}/query/{further}"

    records, further = page_of(org, cursor, locator, start, address)
    page = [_with_child_keys(each) for each in records]
    value: dict[str, Any] = {"size": len(page), "totalSize": cursor.total_size, "done": further is None}
    if not cursor.records and cursor.total_size:
        value["size"] = cursor.total_size
    if further is not None:
        value["nextRecordsUrl"] = address(further)
    return {**value, "queryLocator": further, "entityTypeName": entity, "records": page}


def _with_child_keys(record: dict[str, Any]) -> dict[str, Any]:
    """The record with the results of its subqueries in the form of the Tooling API."""
    return {
        name: _child(value) if isinstance(value, dict) and value.keys() >= CHILD_KEYS else value
        for name, value in record.items()
    }


def _child(value: dict[str, Any]) -> dict[str, Any]:
    rows, address = value["records"], value.get("nextRecordsUrl")
    return {
        "size": len(rows),
        "totalSize": value["totalSize"],
        "done": value["done"],
        **({"nextRecordsUrl": address} if address else {}),
        "queryLocator": address.rpartition("/")[2] if address else None,
        "entityTypeName": rows[0]["attributes"]["type"] if rows else None,
        "records": [_with_child_keys(each) for each in rows],
    }


def _columns(org: EmulatedOrg, result: QueryResult) -> dict[str, Any]:
    sobject = view.tooling(org).schema.get(result.sobject)
    return {
        **result.column_metadata(),
        "entityName": result.sobject,
        "groupBy": result.is_aggregate,
        "idSelected": any(each.name == "Id" for each in result.columns),
        "keyPrefix": sobject.key_prefix if sobject else None,
    }


@route("GET", "/tooling/sobjects")
def describe_global(org: EmulatedOrg, request: Request) -> Reply:
    """All objects of the Tooling API."""
    entries = [global_entry(each, tooling_path(request)) for each in view.tooling(org).schema]
    return ok({"encoding": "UTF-8", "maxBatchSize": MAX_BATCH, "sobjects": entries})


@route("GET", "/tooling/sobjects/{sobject}")
def basic_information(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """One object as the global describe lists it."""
    target = records.find(org, sobject)
    return ok({"objectDescribe": global_entry(target, tooling_path(request)), "recentItems": []})


@route(
    "GET", "/tooling/sobjects/{sobject}/describe", lacks=["source tracking: the org says that it has none"]
)
def describe_sobject(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """The whole describe of an object, with the fields that are no columns."""
    if sobject.lower() in UNTRACKED:
        raise NotFound
    target = records.find(org, sobject)
    told = view.own_fields(target)
    whole = _with_fields(target, told)
    schema = view.tooling(org).schema
    return ok(describe(schema, whole, tooling_path(request), request.base_url, {}))


def _with_fields(sobject: SObject, fields: list[Any]) -> SObject:
    twin = sobject.copy()
    twin.fields = {each.name.lower(): each for each in fields}
    return twin


@route("GET", "/tooling/search", lacks=["everything but names: FIND {words} RETURNING objects"])
def search(org: EmulatedOrg, request: Request) -> Reply:
    """Components whose names have the words of the SOSL in `q`."""
    from reconciler.emulator.sosl.statement import parse as parse_search

    wanted = parse_search(request.params.get("q", ""))
    targets = [target.sobject for target in wanted.targets] or ["ApexClass", "ApexTrigger", "ApexPage"]
    rows: list[dict[str, Any]] = []
    for each in targets:
        rows += _named(org, request, records.find(org, each), wanted.terms)
    return ok({"searchRecords": rows})


def _named(org: EmulatedOrg, request: Request, sobject: SObject, words: str) -> list[dict[str, Any]]:
    name = next((each.name for each in sobject.fields.values() if each.name_field), None)
    if name is None:
        return []
    escaped = words.strip("*").replace("\\", "\\\\").replace("'", "\\'")
    soql = f"SELECT Id FROM {sobject.name} WHERE {name} LIKE '%{escaped}%' LIMIT 200"  # noqa: S608 - SOQL
    return list(view.tooling(org).query(soql, user_id=request.user_id, version=request.version).records)
