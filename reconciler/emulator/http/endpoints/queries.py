"""Queries and their further pages.

A result longer than a page stays with the front until its locator expires; the address of the next
page carries the locator and how many rows came before.

Source: REST API Developer Guide, "Query".
"""

from typing import TYPE_CHECKING, Any

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.paging import open_result, page_of, page_rows, resume
from reconciler.emulator.http.routing import route
from reconciler.emulator.http.traffic import Cursor
from reconciler.emulator.org import EmulatedOrg

if TYPE_CHECKING:
    from reconciler.emulator.soql.run import QueryResult


@route(
    "GET",
    "/query",
    lacks=["plans of reports", "texts are sorted, grouped and unique without case of ASCII letters only"],
)
def query(org: EmulatedOrg, request: Request) -> Reply:
    """Run `q`; the first page of its rows."""
    return _run(org, request, all_rows=False)


@route("GET", "/queryAll")
def query_all(org: EmulatedOrg, request: Request) -> Reply:
    """As `query`, with the rows in the recycle bin."""
    return _run(org, request, all_rows=True)


@route("GET", "/query/{locator}")
def query_more(org: EmulatedOrg, request: Request, locator: str) -> Reply:
    """A further page."""
    return _next_page(org, request, locator, "query")


@route("GET", "/queryAll/{locator}")
def query_all_more(org: EmulatedOrg, request: Request, locator: str) -> Reply:
    """A further page."""
    return _next_page(org, request, locator, "queryAll")


def _run(org: EmulatedOrg, request: Request, *, all_rows: bool) -> Reply:
    soql = request.params.get("q")
    if soql is None:
        if "explain" in request.params:
            return ok(_explain(org, request, request.params["explain"].strip()))
        raise ApiError("The q parameter is required", code="MALFORMED_QUERY")
    result = org.query(soql, all_rows=all_rows, user_id=request.user_id, version=request.version)
    if request.params.get("columns", "").lower() == "true":
        return ok(_column_metadata(org, result))
    cursor = open_result(org, request.user_id, result, page_rows(request))
    return ok(_page(org, request, cursor, "", 0, "queryAll" if all_rows else "query"))


def _explain(org: EmulatedOrg, request: Request, what: str) -> dict[str, Any]:
    """The plans of a query, or of the one that a list view is."""
    from reconciler.emulator.soql.explain import explain

    soql = what
    if ids.parse(what) is not None:
        from reconciler.emulator.http.endpoints.list_views import query_of

        soql = query_of(org, request, what)
    return explain(org, soql, user_id=request.user_id, version=request.version)


def _next_page(org: EmulatedOrg, request: Request, text: str, resource: str) -> Reply:
    cursor, locator, start = resume(org, request, text)
    return ok(_page(org, request, cursor, locator, start, resource))


def _page(
    org: EmulatedOrg, request: Request, cursor: Cursor, locator: str, start: int, resource: str
) -> dict[str, Any]:
    def address(further: str) -> str:
        return f"{request.data_path}/{resource}/{further}"

    records, further = page_of(org, cursor, locator, start, address)
    value: dict[str, Any] = {"totalSize": cursor.total_size, "done": further is None}
    if further is not None:
        value["nextRecordsUrl"] = address(further)
    return {**value, "records": records}


def _column_metadata(org: EmulatedOrg, result: "QueryResult") -> dict[str, Any]:
    """What a query's columns are, without its rows."""
    sobject = org.schema.get(result.sobject)
    return {
        **result.column_metadata(),
        "entityName": result.sobject,
        "groupBy": result.is_aggregate,
        "idSelected": any(each.name == "Id" for each in result.columns),
        "keyPrefix": sobject.key_prefix if sobject else None,
    }
