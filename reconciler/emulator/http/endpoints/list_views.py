"""List views: what there are, what they ask for, and the rows they show, as text for people.

A view is a stored ListView with a row by which the API knows it. Its columns and filters are written in
the metadata's way (`CASES.CASE_NUMBER`, `ACCOUNT.NAME`, `Region__c`) and read here as fields; what means no
field is left out.

Source: REST API Developer Guide, "sObject List Views", "List View Describe", "List View Results"; the
result as recorded; Metadata API Developer Guide, "ListView".
"""

# ruff: noqa: S608 - what is made here is SOQL; names come from the schema, texts are quoted

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http import dml
from reconciler.emulator.http.column_names import PATHS, find_field
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.metadata_xml import Tree, each, text, texts
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field, Schema, SObject

PAGE_ROWS, MOST_ROWS = 25, 2000
HIDDEN = ("Id", "CreatedDate", "LastModifiedDate", "SystemModstamp")
LABELS = {
    "picklist": ("Low to High", "High to Low"),
    "date": ("Old to New", "New to Old"),
    "datetime": ("Old to New", "New to Old"),
    "boolean": ("Unselected to Selected", "Selected to Unselected"),
    **dict.fromkeys(("phone", "int", "double", "currency", "percent"), ("9-0", "0-9")),
}
"""What ascending and descending are called by type; texts are `Z-A` and `A-Z`."""
OPERATIONS = {
    "equals": "{field} = {value}",
    "notEqual": "{field} != {value}",
    "lessThan": "{field} < {value}",
    "greaterThan": "{field} > {value}",
    "lessOrEqual": "{field} <= {value}",
    "greaterOrEqual": "{field} >= {value}",
    "contains": "{field} LIKE '%{plain}%'",
    "notContain": "(NOT {field} LIKE '%{plain}%')",
    "startsWith": "{field} LIKE '{plain}%'",
    "includes": "{field} INCLUDES ({value})",
    "excludes": "{field} EXCLUDES ({value})",
}
NUMBERS = ("int", "double", "currency", "percent", "long")
LACKS = ["filters by teams, queues, territories and campaigns", "boolean filters of the metadata"]


@dataclass(frozen=True)
class Column:
    path: str
    label: str
    type: str
    sortable: bool

    @property
    def selected(self) -> str:
        return f"toLabel({self.path})" if self.type == "picklist" and "." not in self.path else self.path


class View:
    """One list view and what it means in terms of the schema."""

    def __init__(self, org: EmulatedOrg, request: Request, sobject: SObject, row: dict[str, Any]) -> None:
        self.org, self.request, self.sobject, self.row = org, request, sobject, row
        self.schema = dml.schema_of(org, request)
        name = f"{sobject.name}.{row['DeveloperName']}"
        self.tree: Tree = org.components.tree("ListView", name) or {}

    @property
    def entry(self) -> dict[str, Any]:
        url = f"{self.request.data_path}/sobjects/{self.sobject.name}/listviews/{self.row['Id']}"
        return {
            "describeUrl": f"{url}/describe",
            "developerName": self.row["DeveloperName"],
            "id": self.row["Id"],
            "label": self.row["Name"],
            "resultsUrl": f"{url}/results",
            "soqlCompatible": True,
            "url": url,
        }

    @property
    def scope(self) -> str:
        return {"Mine": "mine", "Team": "team"}.get(text(self.tree, "filterScope") or "", "everything")

    def columns(self) -> list[Column]:
        shown = [found for name in texts(self.tree, "columns") if (found := self._column(name))]
        if not shown:
            named = next((f.name for f in self.sobject.fields.values() if f.name_field), "Id")
            shown = [found for found in (self._column(named),) if found]
        return shown

    def hidden(self) -> list[Column]:
        found = (self.sobject.field(name) for name in HIDDEN)
        return [Column(field.name, field.label, field.type, sortable=False) for field in found if field]

    def _column(self, name: str) -> Column | None:
        field = find_field(self.sobject, name)
        if field is not None:
            return Column(field.name, field.label, field.type, field.sortable)
        relationship, dot, rest = PATHS.get(name, "").partition(".")
        parent = self.sobject.parent_path(relationship) if dot else None
        target = (
            next((self.schema.get(n) for n in ("User", *parent.reference_to) if self.schema.get(n)), None)
            if parent
            else None
        )
        field = target.field(rest) if target else None
        if field is None:
            return None
        label = f"{self.sobject.label} {relationship} {field.label}"
        return Column(f"{relationship}.{field.name}", label, field.type, field.sortable)

    def conditions(self) -> Iterator[dict[str, Any]]:
        for item in each(self.tree, "filters"):
            field = find_field(self.sobject, text(item, "field") or "")
            operation = text(item, "operation") or "equals"
            if field is not None and operation in OPERATIONS:
                yield {"field": field, "operation": operation, "values": _values(text(item, "value") or "")}

    def soql(self, select: Sequence[str]) -> str:
        scope = " USING SCOPE mine" if self.scope == "mine" else ""
        where = " AND ".join(_condition(each) for each in self.conditions())
        order = ", ".join(f"{path} {way}" for path, way in self.order())
        return (
            f"SELECT {', '.join(select)} FROM {self.sobject.name}{scope}"
            f"{f' WHERE {where}' if where else ''} ORDER BY {order}"
        )

    def order(self) -> list[tuple[str, str]]:
        first = next((column.path for column in self.columns() if column.sortable), None)
        ordered = [(first, "ASC NULLS FIRST")] if first else []
        return [*ordered, ("Id", "ASC NULLS FIRST")]


def _values(written: str) -> list[str]:
    return [value.strip() for value in written.split(",")] if written else [""]


def _condition(condition: dict[str, Any]) -> str:
    field: Field = condition["field"]
    values: list[str] = condition["values"]
    pattern = OPERATIONS[condition["operation"]]
    if condition["operation"] in ("includes", "excludes"):
        return pattern.format(field=field.name, value=", ".join(_literal(field, value) for value in values))
    joined = " AND " if condition["operation"] in ("notEqual", "notContain") else " OR "
    parts = [
        pattern.format(field=field.name, value=_literal(field, value), plain=_escaped(value))
        for value in values
    ]
    return parts[0] if len(parts) == 1 else f"({joined.join(parts)})"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _literal(field: Field, value: str) -> str:
    if value == "":
        return "null"
    if field.type == "boolean":
        return "true" if value.lower() in ("1", "true") else "false"
    if field.type in NUMBERS or field.type in ("date", "datetime"):
        return value
    return f"'{_escaped(value)}'"


# -- the resources


def views_of(org: EmulatedOrg, request: Request, name: str) -> list[View]:
    sobject = dml.sobject_of(org, name, request)
    rows = sorted(org.rows("ListView", SobjectType=sobject.name), key=lambda row: str(row["Name"]).lower())
    return [View(org, request, sobject, row) for row in rows]


def view_of(org: EmulatedOrg, request: Request, name: str, view: str) -> View:
    wanted = dml.same_id(view)
    found = next((each for each in views_of(org, request, name) if each.row["Id"] == wanted), None)
    if found is None:
        raise NotFound
    return found


def query_of(org: EmulatedOrg, request: Request, view: str) -> str:
    """The SOQL that a list view is. Raises NOT_FOUND."""
    rows = org.rows("ListView", Id=dml.same_id(view))
    if not rows:
        raise NotFound
    return view_of(org, request, str(rows[0]["SobjectType"]), view).soql(["Id"])


@route("GET", "/sobjects/{sobject}/listviews")
def list_list_views(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """The views of an object, by label."""
    return _listed(org, request, sobject)


@route("GET", "/sobjects/{sobject}/listviews/recent", lacks=["who looked at what: all views are listed"])
def list_recent_views(org: EmulatedOrg, request: Request, sobject: str) -> Reply:
    """The views of an object that were looked at last."""
    return _listed(org, request, sobject)


def _listed(org: EmulatedOrg, request: Request, name: str) -> Reply:
    sobject = dml.sobject_of(org, name, request)
    views = [each.entry for each in views_of(org, request, name)]
    return ok(
        {
            "done": True,
            "listviews": views,
            "nextRecordsUrl": None,
            "size": len(views),
            "sobjectType": sobject.name,
        }
    )


@route("GET", "/sobjects/{sobject}/listviews/{view}")
def read_list_view(org: EmulatedOrg, request: Request, sobject: str, view: str) -> Reply:
    """One view."""
    return ok(view_of(org, request, sobject, view).entry)


@route("GET", "/sobjects/{sobject}/listviews/{view}/describe", lacks=LACKS)
def describe_list_view(org: EmulatedOrg, request: Request, sobject: str, view: str) -> Reply:
    """The columns of a view, its order and the query that it is."""
    found = view_of(org, request, sobject, view)
    columns = [*found.columns(), *found.hidden()]
    select = list(dict.fromkeys(column.selected for column in columns))
    return ok(
        {
            "columns": _columns(found),
            "id": found.row["Id"],
            "orderBy": [
                {"fieldNameOrPath": path, "nullsPosition": "first", "sortDirection": "ascending"}
                for path, _ in found.order()
            ],
            "query": found.soql(select),
            "relatedEntityId": None,
            "scope": found.scope,
            "scopeEntityId": None,
            "sobjectType": found.sobject.name,
            "whereCondition": _where(found),
        }
    )


def _where(view: View) -> dict[str, Any]:
    conditions = [
        {
            "field": condition["field"].name,
            "operator": condition["operation"],
            "values": [_literal(condition["field"], value) for value in condition["values"]],
        }
        for condition in view.conditions()
    ]
    return {"conditions": conditions, "conjunction": "and"}


@route("GET", "/sobjects/{sobject}/listviews/{view}/results", lacks=LACKS)
def list_view_results(org: EmulatedOrg, request: Request, sobject: str, view: str) -> Reply:
    """The rows of a view; `limit` of them after `offset`."""
    found = view_of(org, request, sobject, view)
    limit = min(_number(request, "limit", PAGE_ROWS), MOST_ROWS)
    offset = _number(request, "offset", 0)
    columns = [*found.columns(), *found.hidden()]
    select = list(dict.fromkeys(column.path for column in columns))
    soql = f"{found.soql(select)} LIMIT {limit} OFFSET {offset}"
    rows = org.query(soql, user_id=request.user_id, version=request.version).records
    labels = _labels(found.schema, found.sobject, columns)
    records = [
        {
            "columns": [
                {"fieldNameOrPath": column.path, "value": _shown(column, row, labels)} for column in columns
            ]
        }
        for row in rows
    ]
    return ok(
        {
            "columns": _columns(found),
            "developerName": found.row["DeveloperName"],
            "done": True,
            "id": found.row["Id"],
            "label": found.row["Name"],
            "records": records,
            "size": len(records),
        }
    )


def _number(request: Request, name: str, default: int) -> int:
    written = request.params.get(name, str(default))
    if not written.isdigit():
        raise ApiError(f"Invalid {name}: {written}", code="INVALID_PARAMETER_VALUE")
    return int(written)


def _labels(schema: Schema, sobject: SObject, columns: Sequence[Column]) -> dict[str, dict[str, str]]:
    fields = [
        field for column in columns if (field := sobject.field(column.path)) and field.type == "picklist"
    ]
    return {field.name: {value.value: value.label for value in field.picklist} for field in fields}


def _shown(column: Column, row: dict[str, Any], labels: dict[str, dict[str, str]]) -> str | None:
    """A value as text for people."""
    value: Any = row
    for step in column.path.split("."):
        value = None if value is None else value.get(step)
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if column.type == "datetime":
        moment = datetime.fromisoformat(value).astimezone(UTC)
        return moment.strftime("%a %b %d %H:%M:%S GMT %Y")
    return labels.get(column.path, {}).get(str(value), str(value))


def _columns(view: View) -> list[dict[str, Any]]:
    made = []
    ordered = view.order()[0][0]
    for column in view.columns():
        sorted_by = column.path == ordered
        ascending, descending = LABELS.get(column.type, ("Z-A", "A-Z"))
        made.append(
            _told(
                column,
                ascending,
                descending,
                sort="ascending" if sorted_by else None,
                index=0 if sorted_by else None,
            )
        )
    return [*made, *(_told(column, None, None, hidden=True) for column in view.hidden())]


def _told(
    column: Column,
    ascending: str | None,
    descending: str | None,
    *,
    hidden: bool = False,
    sort: str | None = None,
    index: int | None = None,
) -> dict[str, Any]:
    return {
        "ascendingLabel": ascending,
        "descendingLabel": descending,
        "fieldNameOrPath": column.path,
        "hidden": hidden,
        "label": column.label,
        "selectListItem": column.selected,
        "sortDirection": sort,
        "sortIndex": index,
        "sortable": column.sortable and not hidden,
        "type": column.type,
    }
