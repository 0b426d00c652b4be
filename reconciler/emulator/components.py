"""Metadata components as they were written, for the parts of an org that are no rows.

Layouts, flows, validation rules, list views, profiles: what is not emulated as rows is kept as its
XML, by type and full name, and comes back as it went in. What is also rows (permission sets) is kept
too, because rows do not hold all of it.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from typing import Any

from .metadata_xml import Tree, parse
from .store import Store

DDL = (
    "CREATE TABLE IF NOT EXISTS _components (type TEXT NOT NULL COLLATE NOCASE, "
    "full_name TEXT NOT NULL COLLATE NOCASE, xml BLOB NOT NULL, modified INTEGER NOT NULL, "
    "PRIMARY KEY (type, full_name)) WITHOUT ROWID"
)
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


class Components:
    """The stored trees of one org. Names are found without regard to case."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.ensure_table(DDL)

    def put(self, kind: str, full_name: str, xml: bytes, modified_ms: int = 0) -> None:
        self.put_all([(kind, full_name, xml, modified_ms)])

    def put_all(self, rows: Sequence[tuple[str, str, bytes, int]]) -> None:
        self._store.execute_many("INSERT OR REPLACE INTO _components VALUES (?, ?, ?, ?)", rows)

    def xml(self, kind: str, full_name: str) -> bytes | None:
        found = self._store.execute(
            "SELECT xml FROM _components WHERE type = ? AND full_name = ?", (kind, full_name)
        )
        return bytes(found[0][0]) if found else None

    def tree(self, kind: str, full_name: str) -> Tree | None:
        content = self.xml(kind, full_name)
        return None if content is None else parse(content)[1]

    def names(self, kind: str) -> list[str]:
        """Full names of a type, in their order."""
        rows = self._store.execute(
            "SELECT full_name FROM _components WHERE type = ? ORDER BY full_name", (kind,)
        )
        return [row[0] for row in rows]

    def counts(self) -> dict[str, int]:
        """How many components of each type there are."""
        return dict(self._store.execute("SELECT type, count(*) FROM _components GROUP BY type ORDER BY type"))

    def remove(self, kind: str, full_name: str) -> bool:
        """Whether there was one to remove."""
        return bool(
            self._store.changed("DELETE FROM _components WHERE type = ? AND full_name = ?", (kind, full_name))
        )


def to_xml(root: str, tree: Tree) -> bytes:
    """A tree as a component file of its own."""
    element = ElementTree.Element(root, {"xmlns": NAMESPACE})
    _fill(element, tree)
    ElementTree.indent(element, "    ")
    content: bytes = ElementTree.tostring(element, encoding="UTF-8", xml_declaration=True)
    return content + b"\n"


def _fill(parent: ElementTree.Element, tree: Tree) -> None:
    for name, items in tree.items():
        for item in items:
            _fill_one(ElementTree.SubElement(parent, name), item)


def _fill_one(element: ElementTree.Element, item: Any) -> None:
    if isinstance(item, dict):
        _fill(element, item)
    elif item is None:
        element.set("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
        element.set("xsi:nil", "true")
    else:
        element.text = str(item)
