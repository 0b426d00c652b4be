"""Functions on columns: parts of dates, distances, labels. Aggregates are in `aggregates`.

Date functions read a datetime in UTC unless it is wrapped in convertTimezone(), which moves it to
the zone of the user. Weeks are counted from the first of the month or year, not from a weekday.

Source: SOQL and SOSL Reference, "Date Functions", "Location-Based SOQL Queries".
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from ..schema import Field
from ..store import quoted
from .refusals import invalid_field, malformed
from .scope import Asking, Column, Row, Scope
from .tree import Call, Expression, Number, Path, Text

DATE_FUNCTIONS: Final[dict[str, str]] = {
    "calendar_month": "{m}",
    "calendar_quarter": "({m} + 2) / 3",
    "calendar_year": "{Y}",
    "day_in_month": "{d}",
    "day_in_week": "{w} + 1",
    "day_in_year": "{j}",
    "day_only": "strftime('%Y-%m-%d', {time})",
    "fiscal_month": "({m} - {fiscal} + 12) % 12 + 1",
    "fiscal_quarter": "({m} - {fiscal} + 12) % 12 / 3 + 1",
    "fiscal_year": "{Y} + ({fiscal} > 1 AND {m} >= {fiscal})",
    "hour_in_day": "{H}",
    "week_in_month": "({d} - 1) / 7 + 1",
    "week_in_year": "({j} - 1) / 7 + 1",
}
NEEDS_TIME: Final = frozenset({"hour_in_day", "day_only"})
NEEDS_FISCAL: Final = frozenset({"fiscal_month", "fiscal_quarter", "fiscal_year"})
EARTH_RADIUS: Final = {"mi": 3958.761, "km": 6371.009}
PARTS: Final = "YmdwjH"


def column(scope: Scope, expression: Expression) -> Column:
    """The column of a path or of a function that is no aggregate."""
    if isinstance(expression, Path):
        return scope.column(expression)
    if expression.name in DATE_FUNCTIONS:
        return _date_function(scope, expression)
    if expression.name == "distance":
        return _distance(scope, expression)
    if expression.name == "tolabel":
        return _label(scope.column(only_path(expression)), expression.at)
    if expression.name == "convertcurrency":
        return scope.column(only_path(expression))
    raise malformed(f"unexpected token: '{expression.said}'", expression.at)


def _label(found: Column, at: int) -> Column:
    """A picklist's label, to filter or sort by; a value that is not in the list stands for itself."""
    cases = " ".join(
        f"WHEN {text_sql(each.value)} THEN {text_sql(each.label)}" for each in found.field.picklist
    )
    if not cases:
        return found
    sql = f"(CASE {found.sql} {cases} ELSE {found.sql} END COLLATE NOCASE)"
    return Column(sql, Field(name=found.field.name, type="string", label=""), found.place, at, derived=True)


def text_sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def only_path(call: Call) -> Path:
    """The one path in a function's parentheses."""
    if len(call.args) == 1 and isinstance(call.args[0], Path):
        return call.args[0]
    if len(call.args) == 1 and isinstance(call.args[0], Call):
        return only_path(call.args[0])
    raise malformed(f"unexpected token: '{call.said}'", call.at)


def _date_function(scope: Scope, call: Call) -> Column:
    inner = call.args[0] if len(call.args) == 1 else None
    local = isinstance(inner, Call) and inner.name == "converttimezone"
    path = only_path(inner) if isinstance(inner, Call) and local else inner
    if not isinstance(path, Path):
        raise malformed(f"unexpected token: '{call.said}'", call.at)
    base = scope.column(path)
    if base.field.type not in ("date", "datetime") or (
        base.field.type == "date" and (local or call.name in NEEDS_TIME)
    ):
        raise invalid_field(
            f"field '{base.field.name}' does not support function {call.name.upper()}", path.at
        )
    time = base.sql
    if base.field.type == "datetime":
        sql = _local(scope.asking, base.sql) if local else base.sql
        time = f"{sql} / 1000.0, 'unixepoch'"
    sql = "(" + DATE_FUNCTIONS[call.name].format(
        time=time,
        fiscal=scope.asking.calendar().fiscal_month if call.name in NEEDS_FISCAL else 1,
        **{part: f"CAST(strftime('%{part}', {time}) AS INTEGER)" for part in PARTS},
    )
    kind = "date" if call.name == "day_only" else "int"
    return Column(sql + ")", Field(name=base.field.name, type=kind, label=""), base.place, call.at, True)


def _local(asking: Asking, sql: str) -> str:
    zone = getattr(asking.calendar().zone, "key", "UTC")
    register(asking, "_soql_local", 2, _local_ms)
    return f"_soql_local({sql}, {asking.bind(zone)})"


def _local_ms(milliseconds: int | None, zone: str) -> int | None:
    if milliseconds is None:
        return None
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(_zone(zone))
    return milliseconds + int((moment.utcoffset() or moment - moment).total_seconds()) * 1000


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def register(asking: Asking, name: str, arguments: int, function: Callable[..., Any]) -> None:
    with asking.org.store.lock:
        asking.org.store.connection.create_function(name, arguments, function, deterministic=True)


def _distance(scope: Scope, call: Call) -> Column:
    if len(call.args) != 3 or not isinstance(call.args[2], Text):
        raise malformed("unexpected token: 'DISTANCE'", call.at)
    unit = call.args[2].value.lower()
    if unit not in EARTH_RADIUS:
        raise malformed(f"invalid unit '{call.args[2].value}' in DISTANCE", call.args[2].at)
    points = [_point(scope, each, call.at) for each in call.args[:2]]
    register(scope.asking, "_soql_distance", 5, _kilometres_or_miles)
    sql = f"_soql_distance({points[0]}, {points[1]}, {EARTH_RADIUS[unit]})"
    return Column(sql, Field(name="DISTANCE", type="double", label=""), scope.root, call.at, True)


def _point(scope: Scope, argument: Any, at: int) -> str:
    """Latitude and longitude of a location field or GEOLOCATION(), as two SQL values."""
    if isinstance(argument, Path):
        found = scope.column(argument)
        if found.field.type not in ("location", "address") or not isinstance(found.place, Row):
            raise invalid_field(f"field '{found.field.name}' is not a location", argument.at)
        parts = compound_parts(found)
        return f"{parts['Latitude']}, {parts['Longitude']}"
    if isinstance(argument, Call) and argument.name == "geolocation" and len(argument.args) == 2:
        latitude, longitude = argument.args
        if isinstance(latitude, Number) and isinstance(longitude, Number):
            return f"{scope.asking.bind(latitude.value)}, {scope.asking.bind(longitude.value)}"
    raise malformed("unexpected token: 'DISTANCE'", at)


def compound_parts(found: Column) -> dict[str, str]:
    """The stored parts of an address or location: the part's word to its SQL."""
    place, name = found.place, found.field.name
    if not isinstance(place, Row):
        return {}
    base = name.removesuffix("__c") + "__" if name.endswith("__c") else name.removesuffix("Address")
    parts = {"Latitude": "NULL", "Longitude": "NULL"}
    for each in place.sobject.fields.values():
        inside = each.compound == name or (each.compound is None and name.endswith("__c"))
        if inside and each.stored and each.name.startswith(base) and each.name != name:
            parts[each.name[len(base) :].removesuffix("__s")] = f"{place.alias}.{quoted(each.name)}"
    return parts


def _kilometres_or_miles(
    latitude: float | None, longitude: float | None, other: float | None, across: float | None, radius: float
) -> float | None:
    if latitude is None or longitude is None or other is None or across is None:
        return None
    north, east = math.radians(other - latitude), math.radians(across - longitude)
    bow = (
        math.sin(north / 2) ** 2
        + math.cos(math.radians(latitude)) * math.cos(math.radians(other)) * math.sin(east / 2) ** 2
    )
    return 2 * radius * math.asin(min(1.0, math.sqrt(bow)))
