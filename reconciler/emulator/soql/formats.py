"""toLabel() and format(): values as a person reads them.

The emulated org speaks English (United States): labels are the schema's, dates are month first,
money has the sign of the dollar. Other locales of users are not followed.

Source: SOQL and SOSL Reference, "toLabel()", "FORMAT()".
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ..schema import Field
from .scope import Asking
from .shape import Convert, converter, each_value


def labelled(found: Field) -> Convert | None:
    """Values of a picklist replaced by their labels; several in one value each by theirs."""
    labels = {each.value: each.label for each in found.picklist}
    if not labels:
        return converter(found)

    def label(value: str | None) -> str | None:
        return None if value is None else ";".join(labels.get(part, part) for part in value.split(";"))

    return each_value(label)


def formatted(asking: Asking, found: Field) -> Convert | None:
    """Numbers, dates and times as text."""
    if found.type == "datetime":
        zone = asking.calendar().zone
        return each_value(lambda value: None if value is None else _clock(value, zone))
    makers: dict[str, Callable[[Any, int], str]] = {
        "currency": _money,
        "int": _number,
        "double": _number,
        "percent": _percent,
        "date": _day,
    }
    make = makers.get(found.type)
    if make is None:
        return converter(found)
    scale = found.scale
    return each_value(lambda value: None if value is None else make(value, scale))


def _number(value: Any, scale: int) -> str:
    return f"{value:,.{scale}f}" if scale else f"{value:,g}" if value == int(value) else f"{value:,}"


def _money(value: float, scale: int) -> str:
    return f"{'-' if value < 0 else ''}${abs(value):,.{scale or 2}f}"


def _percent(value: float, scale: int) -> str:
    return _number(value, scale) + "%"


def _day(value: str, _scale: int) -> str:
    year, month, day = value.split("-")
    return f"{int(month)}/{int(day)}/{year}"


def _clock(value: int, zone: Any) -> str:
    moment = datetime.fromtimestamp(value / 1000, UTC).astimezone(zone)
    hour = moment.hour % 12 or 12
    return f"{moment.month}/{moment.day}/{moment.year}, {hour}:{moment.minute:02d} {moment:%p}"
