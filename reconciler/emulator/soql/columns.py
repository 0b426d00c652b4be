"""What `columns=true` tells of a query's columns.

A plain field is a column; a parent path is a column of the relationship's name with join columns;
a child subquery likewise, marked aggregate; a function is marked aggregate and named by its alias.

Source: what public clients read of the reply.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..schema import Field

NUMBER_TYPES: Final = frozenset({"int", "long", "double", "currency", "percent"})
APEX_TYPES: Final = {
    "id": "Id",
    "reference": "Id",
    "boolean": "Boolean",
    "int": "Integer",
    "long": "Long",
    "double": "Double",
    "currency": "Decimal",
    "percent": "Decimal",
    "date": "Date",
    "datetime": "Datetime",
    "time": "Time",
    "base64": "Blob",
    "address": "Address",
    "location": "Location",
}


@dataclass(slots=True)
class ColumnInfo:
    name: str
    display_name: str
    about: Field | None = None
    aggregate: bool = False
    joined: "list[ColumnInfo]" = field(default_factory=list)
    foreign_key: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The member of `columnMetadata`."""
        kind = self.about.type if self.about else ""
        number, boolean = kind in NUMBER_TYPES, kind == "boolean"
        return {
            "aggregate": self.aggregate,
            "apexType": APEX_TYPES.get(kind, "String") if self.about else None,
            "booleanType": boolean,
            "columnName": self.name,
            "custom": bool(self.about and self.about.custom),
            "displayName": self.display_name,
            "foreignKeyName": self.foreign_key,
            "insertable": bool(self.about and self.about.createable),
            "joinColumns": [each.to_json() for each in self.joined],
            "numberType": number,
            "textType": self.about is not None and not (number or boolean),
            "updatable": bool(self.about and self.about.updateable),
        }


def add_path(columns: list[ColumnInfo], parents: Sequence[str], found: Field) -> None:
    """Put a field into the list, under the column of its parent path."""
    for parent in parents:
        same = next((each for each in columns if each.name == parent and each.joined), None)
        if same is None:
            same = ColumnInfo(parent, parent, foreign_key=parent)
            columns.append(same)
        columns = same.joined
    columns.append(ColumnInfo(found.name, found.name, found))
