"""Rows the user looked at or changed last. Looking is not recorded here, changes are.

Source: REST API Developer Guide, "Recently Viewed Items".
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from collections.abc import Iterable
from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.access.sharing import seen_sql
from reconciler.emulator.errors import ApiError
from reconciler.emulator.http import dml
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import SObject
from reconciler.emulator.store import quoted

DEFAULT_ROWS, MOST_ROWS = 10, 200


@route("GET", "/recent", lacks=["views: only changes made by the user are known"])
def list_recent(org: EmulatedOrg, request: Request) -> Reply:
    """The rows the caller changed last, newest first; `limit` of them."""
    text = request.params.get("limit", str(DEFAULT_ROWS))
    if not text.isdigit():
        raise ApiError(f"Invalid limit: {text}", code="INVALID_PARAMETER_VALUE")
    shown = [each for each in dml.schema_of(org, request) if not each.setup and each.key_prefix]
    return ok(recent_rows(org, request, shown, min(int(text), MOST_ROWS)))


def recent_rows(
    org: EmulatedOrg, request: Request, sobjects: Iterable[SObject], most: int
) -> list[dict[str, Any]]:
    """`attributes`, `Id` and `Name` of the rows of these objects that the caller changed last."""
    user = ids.parse(request.user_id)
    found: list[tuple[int, int, SObject, Any, str]] = []
    for sobject in sobjects:
        name = next((each.name for each in sobject.fields.values() if each.name_field and each.stored), None)
        if name is None or not sobject.field("LastModifiedDate") or not sobject.field("LastModifiedById"):
            continue
        living = ' AND "IsDeleted" = 0' if sobject.field("IsDeleted") else ""
        values: list[Any] = [user, most]
        shared = seen_sql(org, request.user_id, sobject, values)
        rows = org.store.execute(
            f'SELECT "LastModifiedDate", "Id", {quoted(name)} FROM {quoted(sobject.name)} t '
            f'WHERE "LastModifiedById" = ?1{living}{shared} '
            'ORDER BY "LastModifiedDate" DESC, "Id" DESC LIMIT ?2',
            values,
        )
        found += [(stamp or 0, number, sobject, value, name) for stamp, number, value in rows]
    found.sort(key=lambda each: each[:2], reverse=True)
    return [
        {
            "attributes": {
                "type": sobject.name,
                "url": f"{request.data_path}/sobjects/{sobject.name}/{ids.to_text(number)}",
            },
            "Id": ids.to_text(number),
            name: value,
        }
        for _, number, sobject, value, name in found[:most]
    ]
