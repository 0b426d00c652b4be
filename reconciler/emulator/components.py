"""Metadata components as they were written, for the parts of an org that are no rows.

Layouts, flows, validation rules, list views, profiles: what is not emulated as rows is kept as its
XML, by type and full name, and comes back as it went in. What is also rows (permission sets) is kept
too, because rows do not hold all of it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from . import ids
from .metadata_xml import Tree, parse
from .store import Store

DDL = (
    "CREATE TABLE IF NOT EXISTS _components (type TEXT NOT NULL COLLATE NOCASE, "
    "full_name TEXT NOT NULL COLLATE NOCASE, xml BLOB NOT NULL, modified INTEGER NOT NULL, "
    "id INTEGER, created INTEGER NOT NULL DEFAULT 0, created_by INTEGER, modified_by INTEGER, "
    "PRIMARY KEY (type, full_name)) WITHOUT ROWID"
)
STAMP_DDL = (
    "CREATE TABLE IF NOT EXISTS _components_stamp (stamp INTEGER NOT NULL)",
    *(
        f"CREATE TRIGGER IF NOT EXISTS _components_{event} AFTER {event} ON _components "  # noqa: S608 - own names
        "BEGIN DELETE FROM _components_stamp; INSERT INTO _components_stamp VALUES (random()); END"
        for event in ("insert", "update", "delete")
    ),
)
"""A random stamp and no count: the write after one that was undone must not look like it."""
GONE_DDL = (
    "CREATE TABLE IF NOT EXISTS _components_gone (type TEXT NOT NULL COLLATE NOCASE, "
    "full_name TEXT NOT NULL COLLATE NOCASE, PRIMARY KEY (type, full_name)) WITHOUT ROWID"
)
"""Components that every org has by itself, and that this one has no more."""
LATER_COLUMNS = (
    "id INTEGER",
    "created INTEGER NOT NULL DEFAULT 0",
    "created_by INTEGER",
    "modified_by INTEGER",
)
"""Those that a file of an earlier version lacks."""
PUT = (
    "INSERT INTO _components (type, full_name, xml, modified, id, created, created_by, modified_by) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (type, full_name) DO UPDATE SET "
    "xml = excluded.xml, modified = excluded.modified, modified_by = excluded.modified_by"
)
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"

PREFIXES = {
    "ApexComponent": "099",
    "ApexPage": "066",
    "ApexTrigger": "01q",
    "ApprovalProcess": "04a",
    "AssignmentRule": "01Q",
    "AuraDefinitionBundle": "0Ab",
    "AutoResponseRule": "01Q",
    "BusinessProcess": "019",
    "CompactLayout": "0AH",
    "ConnectedApp": "0H4",
    "ContentAsset": "03S",
    "CspTrustedSite": "08y",
    "CustomApplication": "02u",
    "CustomField": "00N",
    "CustomLabel": "101",
    "CustomNotificationType": "0ML",
    "CustomObject": "01I",
    "CustomSite": "0DM",
    "CustomTab": "01r",
    "Dashboard": "01Z",
    "Document": "015",
    "DuplicateRule": "0Bm",
    "EmailTemplate": "00X",
    "EscalationRule": "01Q",
    "ExternalCredential": "0pr",
    "FieldSet": "0IX",
    "FlexiPage": "0M0",
    "Flow": "301",
    "FlowDefinition": "300",
    "FlowVersion": "301",
    "GlobalValueSet": "0Nt",
    "HomePageLayout": "0Cx",
    "InstalledPackage": "0A3",
    "Layout": "00h",
    "LightningComponentBundle": "0Rb",
    "LightningMessageChannel": "0Mc",
    "ListView": "00B",
    "MatchingRule": "0JD",
    "NamedCredential": "0XA",
    "Network": "0DB",
    "PathAssistant": "0Cu",
    "PlatformEventChannel": "0YL",
    "PlatformEventChannelMember": "0v8",
    "QuickAction": "09D",
    "RemoteSiteSetting": "0rp",
    "Report": "00O",
    "ReportType": "070",
    "SharingCriteriaRule": "02c",
    "SharingOwnerRule": "02c",
    "StaticResource": "081",
    "ValidationRule": "03d",
    "WebLink": "00b",
    "WorkflowAlert": "01W",
    "WorkflowFieldUpdate": "04Y",
    "WorkflowRule": "01Q",
    "WorkflowTask": "01V",
}
"""Key prefixes of components that are kept here and nowhere else; those of rows have their row's id."""
OTHER_PREFIX = "0QR"
"""Of types whose prefix is not known to us: an id that leads nowhere."""


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """Times in milliseconds, ids as numbers; None where an earlier version did not note it."""

    id: int | None
    created: int
    created_by: int | None
    modified: int
    modified_by: int | None


class Components:
    """The stored trees of one org. Names are found without regard to case."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.ensure_table(DDL)
        columns = {row[1] for row in store.execute("PRAGMA table_info(_components)")}
        for column in LATER_COLUMNS:
            if column.split()[0] not in columns:
                store.execute(f"ALTER TABLE _components ADD COLUMN {column}")
        store.ensure_table(GONE_DDL)
        for statement in STAMP_DDL:
            store.execute(statement)

    @property
    def stamp(self) -> int | None:
        """Another after each write, whoever wrote, and the old one again when a write was undone."""
        found = self._store.execute("SELECT stamp FROM _components_stamp")
        return found[0][0] if found else None

    def put(
        self,
        kind: str,
        full_name: str,
        xml: bytes,
        modified_ms: int = 0,
        user: int | None = None,
        *,
        number: int | None = None,
    ) -> None:
        """Keep a component; one that is there already keeps its id and who made it, others get the next."""
        self.put_all([(kind, full_name, xml, modified_ms)], user, number)

    def put_all(
        self,
        rows: Sequence[tuple[str, str, bytes, int]],
        user: int | None = None,
        number: int | None = None,
    ) -> None:
        made = []
        for kind, full_name, xml, modified in rows:
            own = (number or self._next_id(kind)) if self.facts(kind, full_name) is None else None
            made.append((kind, full_name, xml, modified, own, modified, user, user))
        self._store.execute_many(PUT, made)

    def note_gone(self, kind: str, full_name: str, *, gone: bool) -> None:
        """Note whether the org has given up a component that every org has by itself."""
        note = "INSERT OR IGNORE INTO _components_gone VALUES (?, ?)"
        forget = "DELETE FROM _components_gone WHERE type = ? AND full_name = ?"
        self._store.execute(note if gone else forget, (kind, full_name))

    def gone(self, kind: str) -> set[str]:
        """Names, in lower case, of the components that `note_gone` told of."""
        rows = self._store.execute("SELECT full_name FROM _components_gone WHERE type = ?", (kind,))
        return {name.lower() for (name,) in rows}

    def _next_id(self, kind: str) -> int:
        prefix = PREFIXES.get(kind, OTHER_PREFIX)
        return ids.make(prefix, self._store.next_serial(prefix))

    def facts(self, kind: str, full_name: str) -> StoredFacts | None:
        """Id and stamps of a component; None when it is not there."""
        found = self._store.execute(
            "SELECT id, created, created_by, modified, modified_by FROM _components "
            "WHERE type = ? AND full_name = ?",
            (kind, full_name),
        )
        return StoredFacts(*found[0]) if found else None

    def rename(self, kind: str, old: str, new: str) -> None:
        """Give a component that is there another name; its id stays."""
        self._store.execute(
            "UPDATE _components SET full_name = ? WHERE type = ? AND full_name = ?", (new, kind, old)
        )

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


INDENT = " " * 4
MARKS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "\r": "&#13;"})
"""What Salesforce escapes in texts; a carriage return would not come back otherwise."""


def to_xml(root: str, tree: Tree) -> bytes:
    """A tree as a component file of its own, laid out as Salesforce does.

    >>> print(to_xml("CustomTab", {"label": ["Ada's"], "motif": [""]}).decode(), end="")
    <?xml version="1.0" encoding="UTF-8"?>
    <CustomTab xmlns="http://soap.sforce.com/2006/04/metadata">
        <label>Ada&apos;s</label>
        <motif/>
    </CustomTab>
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<{root} xmlns="{NAMESPACE}">']
    lines += [line for name, items in tree.items() for item in items for line in _lines(name, item, INDENT)]
    return "\n".join([*lines, f"</{root}>", ""]).encode()


def _lines(name: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, dict):
        yield f"{indent}<{name}>"
        for below, items in item.items():
            for each in items:
                yield from _lines(below, each, indent + INDENT)
        yield f"{indent}</{name}>"
    elif item is None:
        yield f'{indent}<{name} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>'
    elif item == "":
        yield f"{indent}<{name}/>"
    else:
        yield f"{indent}<{name}>{_allowed(str(item)).translate(MARKS)}</{name}>"


FORBIDDEN = "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"


def _allowed(text: str) -> str:
    """Without what no XML can hold."""
    return re.sub(FORBIDDEN, "", text)
