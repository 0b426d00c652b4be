"""Which component a row of a Tooling object is, and the other way round.

Mirrored objects note it (`mirrors`). Objects whose rows are the component itself (an Apex class, a
permission set) are named by their columns, as `NAMED` says.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import ids
from ..metadata.component_types import component_type
from . import mirrors

if TYPE_CHECKING:
    from ..org import EmulatedOrg

Row = dict[str, Any]
NAMED: dict[str, tuple[str, Callable[[Row], str]]] = {
    "ApexClass": ("ApexClass", lambda row: row["Name"]),
    "ApexTrigger": ("ApexTrigger", lambda row: row["Name"]),
    "ApexPage": ("ApexPage", lambda row: row["Name"]),
    "CustomPermission": ("CustomPermission", lambda row: row["DeveloperName"]),
    "PermissionSet": ("PermissionSet", lambda row: row["Name"]),
    "PermissionSetGroup": ("PermissionSetGroup", lambda row: row["DeveloperName"]),
    "Profile": ("Profile", lambda row: row["Name"]),
    "RecordType": ("RecordType", lambda row: f"{row['SobjectType']}.{row['DeveloperName']}"),
    "UserRole": ("Role", lambda row: row["DeveloperName"]),
}
"""Component type of an object whose rows are components, and the full name of a row."""
ALL = (*mirrors.MIRRORS, *NAMED)
WRITTEN_AS = {"Flow": "Flow"}
"""Where what is written is not the type that rows come from: a flow's versions are made by the flow."""


def component_of(sobject: str) -> str | None:
    """The component type that the rows of an object are; None for objects that are plain rows."""
    if sobject in NAMED:
        return NAMED[sobject][0]
    return mirrors.component_of(sobject)


def written_as(sobject: str) -> str | None:
    """The component type that a write to an object goes to."""
    return WRITTEN_AS.get(sobject) or component_of(sobject)


def full_name(org: "EmulatedOrg", sobject: str, number: int) -> str | None:
    """The full name of the component that a row is; None when the row is none."""
    if sobject not in NAMED:
        return mirrors.full_name_of(org, number)
    table = org.tables[sobject]
    found = org.store.execute(table.select_sql, (number,))
    return NAMED[sobject][1](dict(zip(table.columns, found[0], strict=True))) if found else None


def row_id(org: "EmulatedOrg", sobject: str, name: str) -> str | None:
    """The id of the row of a component."""
    component = component_of(sobject)
    facts = component_type(component).facts(org, name) if component else None
    return facts.id if facts and ids.parse(facts.id) is not None else None
