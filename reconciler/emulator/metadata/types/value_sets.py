"""Value sets: values that several picklists share, and those of standard picklists; the fields follow.

Source: Metadata API Developer Guide, "GlobalValueSet", "StandardValueSet".
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.emulator.custom_fields import picklist_values
from reconciler.emulator.metadata.component_types import (
    ComponentProblem,
    StoredType,
    Written,
    register,
    write_stored,
)
from reconciler.emulator.metadata.types import field_rules, usage
from reconciler.emulator.metadata_xml import Tree, child, text
from reconciler.emulator.schema import Field
from reconciler.emulator.seeding import schema as load_schema

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction


@dataclass(frozen=True, slots=True)
class GlobalValueSetType(StoredType):
    """Values that several fields share; the fields follow."""

    name: str = "GlobalValueSet"

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        field_rules.check_values(tree)
        written = write_stored(tx, self.name, full_name, tree)
        values = picklist_values(tree)
        for owner, field in _using(tx.org, full_name) if written.changed else ():
            tx.org.additions.add_fields(owner, [replace(field, picklist=values)])
        return written

    def delete(self, tx: "Transaction", full_name: str) -> str:
        used = [f"{owner}.{field.name}" for owner, field in _using(tx.org, full_name)]
        if used:
            raise usage.referenced("global value set", "Custom Field", used[0])
        return StoredType.delete(self, tx, full_name)


def _using(org: "EmulatedOrg", value_set: str) -> Iterator[tuple[str, Field]]:
    """Fields whose values are a global value set, with their objects."""
    for full_name in org.components.names("CustomField"):
        tree = org.components.tree("CustomField", full_name) or {}
        named = text(child(tree, "valueSet"), "valueSetName") or text(tree, "globalPicklist")
        if named and named.lower() == value_set.lower():
            for owner in load_schema.owners(org, full_name):
                found = org.schema[owner].field(full_name.partition(".")[2])
                if found is not None:
                    yield owner, found


@dataclass(frozen=True, slots=True)
class StandardValueSetType(StoredType):
    """Values of standard picklists, as the fields have them now."""

    name: str = "StandardValueSet"

    def names(self, org: "EmulatedOrg") -> list[str]:
        return sorted(load_schema.STANDARD_VALUE_SETS)

    def _fields(self, org: "EmulatedOrg", full_name: str) -> list[tuple[str, Field]]:
        sets = load_schema.STANDARD_VALUE_SETS
        found = []
        for each in next((sets[name] for name in sets if name.lower() == full_name.lower()), ()):
            owner, _, name = each.partition(".")
            sobject = org.schema.get(owner)
            field = sobject.field(name) if sobject else None
            if field is not None:
                found.append((owner, field))
        return found

    def read(self, org: "EmulatedOrg", full_name: str) -> Tree | None:
        fields = self._fields(org, full_name)
        if not fields:
            return StoredType.read(self, org, full_name)
        kept = {
            text(item, "fullName"): item
            for item in (org.components.tree(self.name, full_name) or {}).get("standardValue", ())
        }
        values = [
            {**kept.get(each.value, {}), **field_rules.value_tree(each)} for each in fields[0][1].picklist
        ]
        return {"sorted": ["false"], "standardValue": list(values)}

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        fields = self._fields(tx.org, full_name)
        if not fields and full_name not in load_schema.STANDARD_VALUE_SETS:
            return write_stored(tx, self.name, full_name, tree)
        before = self.read(tx.org, full_name)
        values = picklist_values(tree)
        for owner, field in fields:
            tx.org.additions.add_fields(owner, [replace(field, picklist=values)])
        written = write_stored(tx, self.name, full_name, tree)
        return Written(written.id, created=False, changed=before != self.read(tx.org, full_name))

    def delete(self, tx: "Transaction", full_name: str) -> str:
        raise ComponentProblem(
            f"Cannot delete standard value set: {full_name}", status_code="INSUFFICIENT_ACCESS_OR_READONLY"
        )


register(GlobalValueSetType())
register(StandardValueSetType())
