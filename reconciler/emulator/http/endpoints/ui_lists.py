"""The UI API's list views: which there are, what one shows, and its rows.

A view is named by its object and developer name, or by its id.

Source: User Interface API Developer Guide, "Get a Collection of List Views", "Get List View Records and
Metadata"; the collection as a Developer Edition answered it at API 49.
"""

from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.errors import NotFound
from reconciler.emulator.http import dml
from reconciler.emulator.http.endpoints.list_views import View, view_of, views_of
from reconciler.emulator.http.endpoints.ui_records import Shown, number_of
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.http.ui_form import IllegalParameter, object_of, tag
from reconciler.emulator.metadata_xml import text
from reconciler.emulator.org import EmulatedOrg

SUMMARY_ROWS, PAGE_ROWS, MOST_ROWS = 20, 50, 2000
LACKS = ["recently viewed lists", "widths of columns", "searches", "changed lists"]


@route("GET", "/ui-api/list-ui/{named}", lacks=LACKS)
def list_or_read(org: EmulatedOrg, request: Request, named: str) -> Reply:
    """The views of an object, or by its id one view with its rows."""
    if ids.parse(named) is not None and named[:3] == "00B":
        return ok(_with_rows(org, request, _by_id(org, request, named)))
    target = object_of(org, request, named)
    size = number_of(request, "pageSize", SUMMARY_ROWS, 1, MOST_ROWS)
    start = number_of(request, "pageToken", 0, 0, 10**6)
    views = views_of(org, request, target.name)
    base = f"{request.data_path}/ui-api/list-ui/{target.name}"
    lists = [
        {
            "apiName": view.row["DeveloperName"],
            "id": view.row["Id"],
            "label": view.row["Name"],
            "listUiUrl": f"{base}/{view.row['DeveloperName']}",
        }
        for view in views[start : start + size]
    ]
    pages = _pages(base, start, size, len(views))
    value = {
        "count": len(lists),
        "currentPageToken": pages["currentPageToken"],
        "currentPageUrl": pages["currentPageUrl"],
        "eTag": tag(lists),
        "lists": lists,
        "nextPageToken": pages["nextPageToken"],
        "nextPageUrl": pages["nextPageUrl"],
        "objectApiName": target.name,
        "pageSize": size,
        "previousPageToken": pages["previousPageToken"],
        "previousPageUrl": pages["previousPageUrl"],
        "queryString": request.params.get("q"),
        "recentListsOnly": request.params.get("recentListsOnly", "false").lower() == "true",
    }
    return ok(value)


@route("GET", "/ui-api/list-ui/{sobject}/{view}", lacks=LACKS)
def read_list_ui(org: EmulatedOrg, request: Request, sobject: str, view: str) -> Reply:
    """A view with its rows."""
    return ok(_with_rows(org, request, _by_name(org, request, sobject, view)))


@route("GET", "/ui-api/list-info/{view}", lacks=LACKS)
def read_list_info_by_id(org: EmulatedOrg, request: Request, view: str) -> Reply:
    """What a view shows."""
    return ok(_info(_by_id(org, request, view)))


@route("GET", "/ui-api/list-info/{sobject}/{view}", lacks=LACKS)
def read_list_info(org: EmulatedOrg, request: Request, sobject: str, view: str) -> Reply:
    """What a view shows."""
    return ok(_info(_by_name(org, request, sobject, view)))


@route("GET", "/ui-api/list-records/{view}", lacks=LACKS)
def read_list_records_by_id(org: EmulatedOrg, request: Request, view: str) -> Reply:
    """The rows of a view."""
    return ok(_records(org, request, _by_id(org, request, view)))


@route("GET", "/ui-api/list-records/{sobject}/{view}", lacks=LACKS)
def read_list_records(org: EmulatedOrg, request: Request, sobject: str, view: str) -> Reply:
    """The rows of a view."""
    return ok(_records(org, request, _by_name(org, request, sobject, view)))


def _by_id(org: EmulatedOrg, request: Request, view: str) -> View:
    if ids.parse(view) is None:
        raise IllegalParameter(f"listViewId should be a valid record ID: {view}")
    rows = org.rows("ListView", Id=dml.same_id(view))
    if not rows:
        raise NotFound
    return view_of(org, request, object_of(org, request, str(rows[0]["SobjectType"])).name, view)


def _by_name(org: EmulatedOrg, request: Request, sobject: str, view: str) -> View:
    views = views_of(org, request, object_of(org, request, sobject).name)
    found = next((each for each in views if str(each.row["DeveloperName"]).lower() == view.lower()), None)
    if found is None:
        raise NotFound
    return found


def _with_rows(org: EmulatedOrg, request: Request, view: View) -> dict[str, Any]:
    value = {"info": _info(view), "records": _records(org, request, view)}
    return {"eTag": tag(value), **value}


def _reference(view: View) -> dict[str, Any]:
    return {
        "id": view.row["Id"],
        "listViewApiName": view.row["DeveloperName"],
        "objectApiName": view.sobject.name,
        "type": "listView",
    }


def _info(view: View) -> dict[str, Any]:
    columns = [
        {
            "fieldApiName": column.path,
            "label": column.label,
            "lookupId": "Id" if (field := view.sobject.field(column.path)) and field.name_field else None,
            "sortable": column.sortable,
        }
        for column in view.columns()
    ]
    filters = [
        {
            "fieldApiName": condition["field"].name,
            "label": condition["field"].label,
            "operandLabels": condition["values"],
            "operator": condition["operation"][0].upper() + condition["operation"][1:],
        }
        for condition in view.conditions()
    ]
    value = {
        "cloneable": True,
        "createable": True,
        "deletable": True,
        "displayColumns": columns,
        "filterLogicString": text(view.tree, "booleanFilter"),
        "filteredByInfo": filters,
        "label": view.row["Name"],
        "listReference": _reference(view),
        "orderedByInfo": [
            {"fieldApiName": column["fieldApiName"], "isAscending": True, "label": column["label"]}
            for column in columns
            if column["fieldApiName"] == view.order()[0][0]
        ],
        "updateable": True,
        "userPreferences": {"columnWidths": {}, "columnWrap": {}},
        "visibility": "Public",
        "visibilityEditable": True,
    }
    return dict(sorted({**value, "eTag": tag(value)}.items()))


def _records(org: EmulatedOrg, request: Request, view: View) -> dict[str, Any]:
    size = number_of(request, "pageSize", PAGE_ROWS, 1, MOST_ROWS)
    start = number_of(request, "pageToken", 0, 0, MOST_ROWS)
    paths = list(dict.fromkeys(["Id", *(column.path for column in view.columns())]))
    stamps = [
        name
        for name in ("LastModifiedById", "LastModifiedDate", "SystemModstamp")
        if view.sobject.field(name)
    ]
    soql = view.soql(list(dict.fromkeys([*paths, *stamps])))
    rows = org.query(
        f"{soql} LIMIT {size + 1} OFFSET {start}", user_id=request.user_id, version=request.version
    ).records
    shown = Shown(org, request)
    records = [shown.record(view.sobject, row, paths) for row in rows[:size]]
    base = f"{request.data_path}/ui-api/list-records/{view.row['Id']}"
    return {
        "count": len(records),
        **_pages(base, start, size, start + len(rows)),
        "fields": [f"{view.sobject.name}.{path}" for path in paths],
        "listInfoETag": _info(view)["eTag"],
        "listReference": _reference(view),
        "optionalFields": [],
        "pageSize": size,
        "records": records,
        "sortBy": [view.order()[0][0]],
    }


def _pages(base: str, start: int, size: int, total: int) -> dict[str, Any]:
    """Tokens and addresses of this page and its neighbours."""

    def at(token: int | None) -> tuple[str | None, str | None]:
        return (None, None) if token is None else (str(token), f"{base}?pageSize={size}&pageToken={token}")

    found = {
        "current": at(start),
        "next": at(start + size if start + size < total else None),
        "previous": at(max(0, start - size) if start else None),
    }
    return {
        f"{name}Page{what}": each[place]
        for name, each in found.items()
        for place, what in enumerate(("Token", "Url"))
    }
