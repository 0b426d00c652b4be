"""Which values of a picklist a record type has.

A record type names them in its metadata; a picklist that it does not name has all its values.

Source: Metadata API Developer Guide, "RecordType".
"""

from dataclasses import replace
from urllib.parse import unquote

from reconciler.emulator.metadata_xml import each, flag, text
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field, PicklistValue, SObject

PICKLISTS = ("picklist", "multipicklist")


def picklists(sobject: SObject) -> list[Field]:
    return [field for field in sobject.fields.values() if field.type in PICKLISTS]


def values_of(org: EmulatedOrg, sobject: SObject, record_type: str, field: Field) -> list[PicklistValue]:
    """The active values of a picklist; ``record_type`` is a developer name, `Master` has all."""
    active = [value for value in field.picklist if value.active]
    tree = org.components.tree("RecordType", f"{sobject.name}.{record_type}") or {}
    for item in each(tree, "picklistValues"):
        if (text(item, "picklist") or "").lower() != field.name.lower():
            continue
        named = {unquote(text(value, "fullName") or ""): value for value in each(item, "values")}
        return [
            replace(value, default=flag(named[value.value], "default"))
            for value in active
            if value.value in named
        ]
    return active
