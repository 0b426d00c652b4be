"""A custom object under another name: its rows, ids, rights, parts and the look-ups to it stay.

Code names objects by their API names, so an object that code names keeps its name.

Source: Metadata API Developer Guide, "renameMetadata()"; that it is so with objects, jsforce's live suite.
"""

import re
from typing import TYPE_CHECKING

from reconciler.emulator.metadata.component_types import ComponentProblem, no_component, write_stored
from reconciler.emulator.metadata.types import usage
from reconciler.emulator.store import quoted

if TYPE_CHECKING:
    from reconciler.emulator.writes import Transaction

KIND = "CustomObject"
NAME = re.compile(r"[A-Za-z](_?[A-Za-z0-9])*(__(?:c|e|b|x|mdt))")


def rename_object(tx: "Transaction", old: str, new: str) -> None:
    """Raises `ComponentProblem`, and changes nothing, for a name that cannot be given or taken away."""
    org = tx.org
    sobject = org.schema.get(old)
    if sobject is None:
        raise no_component(KIND, old)
    form = NAME.fullmatch(new)
    if not sobject.custom or form is None or not sobject.name.endswith(form[2]):
        raise ComponentProblem(
            f"Cannot rename {sobject.name} to {new}", status_code="FIELD_INTEGRITY_EXCEPTION"
        )
    if new in org.schema and new.lower() != sobject.name.lower():
        raise ComponentProblem(f"{new} is already in use", status_code="DUPLICATE_DEVELOPER_NAME")
    usage.refuse_named_in_code(org, sobject)
    parts = list(usage.components_of(org, sobject.name))
    leading = [f"{each.child}.{each.field}" for each in org.schema.children_of(sobject.name)]
    org.additions.rename_object(sobject.name, new)
    for full_name in leading:
        tree = org.components.tree("CustomField", full_name)
        if tree is not None and "referenceTo" in tree:
            write_stored(tx, "CustomField", full_name, {**tree, "referenceTo": [new]})
    for kind, part in parts:
        org.components.rename(kind, part, new + part[len(sobject.name) :])
    org.components.rename(KIND, sobject.name, new)
    for table, column in usage.HANGING:
        tx.store.execute(
            f"UPDATE {quoted(table)} SET {quoted(column)} = ? WHERE {quoted(column)} = ?",  # noqa: S608 - names are ours
            (new, sobject.name),
        )
    tx.store.execute(
        'UPDATE "FieldPermissions" SET "Field" = ? || substr("Field", ?) WHERE "SobjectType" = ?',
        (new, len(sobject.name) + 1, new),
    )
