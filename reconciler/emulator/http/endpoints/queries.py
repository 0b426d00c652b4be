"""Queries and their further pages.

A result longer than a page stays with the front until its locator expires; the address of the next
page carries the locator and how many rows came before. A page may be read again.

Source: REST API Developer Guide, "Query"; SOQL and SOSL Reference, "Change the Batch Size".
"""

import re
from typing import TYPE_CHECKING, Any

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.http.traffic import Cursor, traffic
from reconciler.emulator.org import EmulatedOrg

if TYPE_CHECKING:
    from reconciler.emulator.soql.run import QueryResult

PAGE_ROWS = 2000
FEWEST_PAGE_ROWS = 200
BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
LOCATOR = re.compile(r"([0-9A-Za-z]{15,18})-(\d+)\Z")
LACKS = [
    "rows of child subqueries do not count toward a page, and are never paged themselves",
    "pages are not shortened for long text fields",
]


class InvalidQueryLocator(ApiError):
    """Source: as users report it; seen with 404 and 400."""

    code = "INVALID_QUERY_LOCATOR"

    def __init__(self) -> None:
        super().__init__("invalid query locator")


@route("GET", "/query", lacks=[*LACKS, "plans of reports"])
def query(org: EmulatedOrg, request: Request) -> Reply:
    """Run `q`; the first page of its rows."""
    return _run(org, request, all_rows=False)


@route("GET", "/queryAll", lacks=LACKS)
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


def page_rows(request: Request) -> int:
    """Rows of a page: what the client asks for, within Salesforce's bounds."""
    wanted = BATCH_SIZE.search(request.headers.find("sforce-query-options"))
    return bounded(int(wanted[1])) if wanted else PAGE_ROWS


def bounded(rows: int) -> int:
    """The size of a page that Salesforce gives to who asks for one of ``rows``."""
    return min(PAGE_ROWS, max(FEWEST_PAGE_ROWS, rows))


def _run(org: EmulatedOrg, request: Request, *, all_rows: bool) -> Reply:
    soql = request.params.get("q")
    if soql is None:
        if "explain" in request.params:
            return ok(_explain(org, request, request.params["explain"].strip()))
        raise ApiError("The q parameter is required", code="MALFORMED_QUERY")
    result = org.query(soql, all_rows=all_rows, user_id=request.user_id, version=request.version)
    if request.params.get("columns", "").lower() == "true":
        return ok(_column_metadata(org, result))
    rows = page_rows(request)
    cursor = Cursor(request.user_id, result.records, result.total_size, rows, org.clock.now_ms())
    if len(result.records) <= rows:
        return ok(_page(request, cursor, "", 0, "query"))
    locator = traffic(org).open_cursor(cursor)
    return ok(_page(request, cursor, locator, 0, "queryAll" if all_rows else "query"))


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
    return ok(_page(request, cursor, locator, start, resource))


def resume(org: EmulatedOrg, request: Request, text: str) -> tuple[Cursor, str, int]:
    """The result behind a locator, the locator alone and the first row that was not read yet."""
    found = LOCATOR.match(text)
    cursor = found and traffic(org).cursor(found[1], request.user_id, org.clock.now_ms())
    if not found or not cursor or int(found[2]) > len(cursor.records):
        raise InvalidQueryLocator
    return cursor, found[1], int(found[2])


def _page(request: Request, cursor: Cursor, locator: str, start: int, resource: str) -> dict[str, Any]:
    end = start + cursor.page_rows
    done = end >= len(cursor.records)
    value: dict[str, Any] = {"totalSize": cursor.total_size, "done": done}
    if not done:
        value["nextRecordsUrl"] = f"{request.data_path}/{resource}/{locator}-{end}"
    value["records"] = cursor.records[start:end]
    return value


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
