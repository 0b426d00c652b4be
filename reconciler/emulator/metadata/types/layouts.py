"""Page layouts: those that somebody wrote, kept as trees, and those that objects have by themselves.

A layout that nobody made is no row anywhere; it becomes one when it is written or renamed, and keeps its id.
One that was deleted is noted, so that it does not come back.

Source: Metadata API Developer Guide, "Layout".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from reconciler.emulator import ids
from reconciler.emulator.components import PREFIXES, to_xml
from reconciler.emulator.metadata import standard_layouts
from reconciler.emulator.metadata.component_types import (
    ComponentProblem,
    Facts,
    StoredType,
    Written,
    no_component,
    register,
)
from reconciler.emulator.metadata.types.parts import is_missing, missing_field
from reconciler.emulator.metadata.types.schema_types import unknown_object
from reconciler.emulator.metadata_xml import Tree, each, texts

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

NAME = "Layout"
PAST_ROWS = 2**34
"""Ids from there on are those of layouts that nobody made."""
CUSTOM = ("__c", "__mdt", "__e")


@dataclass(frozen=True, slots=True)
class LayoutType(StoredType):
    name: str = NAME

    def names(self, org: "EmulatedOrg") -> list[str]:
        stored = org.components.names(NAME)
        gone = org.components.gone(NAME)
        own = [name for name in standard_layouts.names(org, stored) if name.lower() not in gone]
        return sorted([*(name for name in stored if _has_owner(org, name)), *own])

    def read(self, org: "EmulatedOrg", full_name: str) -> Tree | None:
        if (own := self._own(org, full_name)) is not None:
            return standard_layouts.tree_of(org, own)
        return StoredType.read(self, org, full_name)

    def _own(self, org: "EmulatedOrg", full_name: str) -> str | None:
        """The name of the layout if it is one that nobody made."""
        stored = org.components.names(NAME)
        found = standard_layouts.spelled(org, full_name, stored)
        return None if found is None or found.lower() in org.components.gone(NAME) else found

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        self._check(tx.org, full_name, tree)
        if (own := self._own(tx.org, full_name)) is not None:
            if tree == standard_layouts.tree_of(tx.org, own):
                return Written(ids.to_text(_number(own)), created=False, changed=False)
            self._keep(tx, own)
        tx.org.components.note_gone(NAME, full_name, gone=False)
        return StoredType.write(self, tx, full_name, tree)

    def _keep(self, tx: "Transaction", own: str) -> None:
        """Make a layout that nobody made one that is kept, as if it had been made with the org."""
        xml = to_xml(NAME, standard_layouts.tree_of(tx.org, own))
        tx.org.components.put(NAME, own, xml, _birthday(tx.org), tx.org.admin_number, number=_number(own))

    def _check(self, org: "EmulatedOrg", full_name: str, tree: Tree) -> None:
        sobject = standard_layouts.owner_of(org, full_name)
        owner = full_name.partition("-")[0]
        if sobject is None:
            if owner.endswith(CUSTOM):
                raise unknown_object(owner)
            return
        for field in _fields(tree):
            if is_missing(sobject, field):
                raise missing_field("field", sobject, field)

    def delete(self, tx: "Transaction", full_name: str) -> str:
        facts = self.facts(tx.org, full_name)
        if facts is None:
            raise no_component(NAME, full_name)
        tx.org.components.remove(NAME, full_name)
        self._forget(tx, full_name)
        return facts.id

    def _forget(self, tx: "Transaction", full_name: str) -> None:
        if self._own(tx.org, full_name) is not None:
            tx.org.components.note_gone(NAME, full_name, gone=True)

    def rename(self, tx: "Transaction", old: str, new: str) -> None:
        if (own := self._own(tx.org, old)) is not None:
            self._keep(tx, own)
        if old.lower() != new.lower() and self._own(tx.org, new) is not None:
            raise ComponentProblem(f"{new} is already in use", status_code="DUPLICATE_DEVELOPER_NAME")
        StoredType.rename(self, tx, old, new)
        self._forget(tx, old)

    def facts(self, org: "EmulatedOrg", full_name: str) -> Facts | None:
        own = self._own(org, full_name)
        if own is None:
            return StoredType.facts(self, org, full_name)
        born = _birthday(org)
        return Facts(ids.to_text(_number(own)), born, org.admin_id, born, org.admin_id)


def _has_owner(org: "EmulatedOrg", full_name: str) -> bool:
    owner = full_name.partition("-")[0]
    return owner in standard_layouts.OWNERS or owner in org.schema


def _number(own: str) -> int:
    return ids.make(PREFIXES[NAME], PAST_ROWS + crc32(own.encode()))


def _birthday(org: "EmulatedOrg") -> int:
    return int(org.store.execute('SELECT "CreatedDate" FROM "Organization"')[0][0])


def _fields(tree: Tree) -> Iterator[str]:
    for section in each(tree, "layoutSections"):
        for column in each(section, "layoutColumns"):
            for item in each(column, "layoutItems"):
                yield from texts(item, "field")


register(LayoutType())
