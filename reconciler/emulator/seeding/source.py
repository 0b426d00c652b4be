"""A project's metadata into an org: which files there are, and in what order they make sense.

Both layouts are read: source format (`X.field-meta.xml`, objects in a folder each) and metadata
format (`X.object` with everything inside). A folder with `sfdx-project.json` is read by its package
directories, and `unpackaged/pre`, which such projects deploy first; any other folder whole.
Namespace tokens, which the projects replace when they deploy, are replaced by no namespace.

First value sets, then all objects, then all fields (roll-ups last, they take over types), then what
lives in rows: record types, roles, groups, permissions. A component that cannot be read or refers
to what is not there is reported and left out; the rest is loaded.

Source: Metadata API Developer Guide, "Metadata Types"; Salesforce DX Developer Guide, "Source Format".
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.emulator import metadata_xml
from reconciler.emulator.components import to_xml
from reconciler.emulator.metadata_xml import BadXml, Tree, each, text
from reconciler.emulator.writes import Transaction

from . import rows as load_rows
from . import schema as load_schema
from .components import BUNDLES, META, bundle_of, components_of
from .declared import load_declared
from .made_up import make_up_named
from .report import Found, LoadReport

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

TOKEN = re.compile(
    rb"(?:%%%|___)(?:MANAGED_OR_)?(NAMESPACED_ORG|NAMESPACE_OR_C|NAMESPACE_DOT|NAMESPACE)(?:%%%|___)"
)
CONTENT_FOLDERS = frozenset(["staticresources"])
"""Types whose components may be folders: what is in them is content."""
SKIPPED_FOLDERS = frozenset(["node_modules", "lwc", "aura", "__tests__", "datasets"])

WRITTEN_AS_DEPLOYED = ("ApexClass", "ApexPage", "ApexTrigger", "ListView", "Flow", "FlowDefinition")
"""Types that are written through their component type, in this order, as a deployment does."""
OBJECT_PARTS = {
    "fields": "CustomField",
    "recordTypes": "RecordType",
    "validationRules": "ValidationRule",
    "listViews": "ListView",
    "fieldSets": "FieldSet",
    "compactLayouts": "CompactLayout",
    "webLinks": "WebLink",
    "businessProcesses": "BusinessProcess",
    "sharingReasons": "SharingReason",
    "indexes": "Index",
}
"""Elements of an object file that are components of their own, and their types."""


@dataclass(slots=True)
class Source:
    """The components found, by type and full name; and those that could not be read."""

    components: Found = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, kind: str, full_name: str, tree: Tree, xml: bytes) -> None:
        self.components.setdefault(kind, {})[full_name] = (tree, xml)


def without_tokens(content: bytes) -> bytes:
    """The bytes with every namespace token replaced as for an org without a namespace."""
    return TOKEN.sub(lambda match: b"c" if match[1] == b"NAMESPACE_OR_C" else b"", content)


def find_source(folder: Path) -> Source:
    """Read every component below a folder. Raises `NotADirectoryError` when there is none."""
    if not folder.is_dir():
        raise NotADirectoryError(str(folder))
    found = Source()
    for root in _roots(folder):
        for path in _files(root):
            _read_file(found, path)
        for path in _bundles(root):
            _read_bundle(found, path)
    return found


def _roots(folder: Path) -> list[Path]:
    project = folder / "sfdx-project.json"
    if not project.is_file():
        return [folder]
    told = json.loads(project.read_text(encoding="utf-8"))
    packages = [folder / each["path"] for each in told.get("packageDirectories", ()) if each.get("path")]
    first = folder / "unpackaged" / "pre"
    return [root for root in (first, *packages) if root.is_dir()]


def _files(root: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(root):
        if Path(where).name in CONTENT_FOLDERS:
            folders.clear()
        folders[:] = sorted(each for each in folders if each not in SKIPPED_FOLDERS and each[0] != ".")
        for name in sorted(names):
            yield Path(where) / name


def _bundles(root: Path) -> Iterator[Path]:
    for where, folders, _ in os.walk(root):
        folders[:] = sorted(each for each in folders if each != "node_modules" and each[0] != ".")
        if Path(where).name in BUNDLES:
            yield from (Path(where) / each for each in folders)
            folders.clear()


def _read_bundle(found: Source, path: Path) -> None:
    try:
        bundle = bundle_of(path, without_tokens)
    except BadXml as error:
        found.problems.append(str(error))
        return
    if bundle is not None:
        found.add(*bundle)


def _read_file(found: Source, path: Path) -> None:
    name = without_tokens(path.name.encode()).decode()
    stem = name.removesuffix(META)
    base, _, suffix = stem.rpartition(".")
    is_meta = name.endswith(META)
    if not base or not (is_meta or suffix in METADATA_SUFFIXES) or name == "package.xml":
        return
    if suffix == "md" and not is_meta and path.parent.name != "customMetadata":
        return  # prose
    try:
        content = without_tokens(path.read_bytes())
        kind, tree = metadata_xml.parse(content)
    except BadXml as error:
        found.problems.append(f"{path}: {error}")
        return
    parent = path.parent.parent.name if path.parent.name in OBJECT_PARTS else ""
    if parent:
        parent = without_tokens(parent.encode()).decode()
        base = f"{parent}.{base}"
    if kind == "CustomObject":
        _split_object(found, base, tree)
    for component in components_of(path, kind, base, tree, content, without_tokens):
        found.add(*component)


METADATA_SUFFIXES = frozenset(
    [
        "object",
        "permissionset",
        "profile",
        "permissionsetgroup",
        "mutingpermissionset",
        "group",
        "queue",
        "role",
        "md",
        "layout",
        "globalValueSet",
        "standardValueSet",
        "customPermission",
        "flow",
        "tab",
        "app",
        "settings",
        "sharingRules",
        "workflow",
        "labels",
        "site",
        "network",
        "duplicateRule",
        "matchingRule",
    ]
)
"""Suffixes of the metadata format; source format is known by its `-meta.xml`."""


def _split_object(found: Source, name: str, tree: Tree) -> None:
    """Take the parts of an object file out of it, as components of their own."""
    for element, kind in OBJECT_PARTS.items():
        for part in each(tree, element):
            if part_name := text(part, "fullName"):
                found.add(kind, f"{name}.{part_name}", part, to_xml(kind, part))
        tree.pop(element, None)


# -- into the org


def _write_as_deployed(org: "EmulatedOrg", found: Found, report: LoadReport) -> None:
    from reconciler.emulator.metadata.component_types import ComponentProblem, component_type

    tx = Transaction(org, org.admin_number)
    for kind in WRITTEN_AS_DEPLOYED:
        for full_name, (tree, _) in found.get(kind, {}).items():
            own = {name: items for name, items in tree.items() if name != "fullName"}
            try:
                with tx.savepoint():
                    component_type(kind).write(tx, full_name, own)
            except ComponentProblem as error:
                report.problems.append(f"{full_name}: {error.problem}")


def _show_rows(org: "EmulatedOrg", found: Found) -> None:
    """Make the rows of what is kept as trees, folders first."""
    from reconciler.emulator.metadata.types import shown_rows

    tx = Transaction(org, org.admin_number)
    for kind in shown_rows.ROWS:
        for full_name, (tree, _) in sorted(found.get(kind, {}).items(), key=lambda item: "/" in item[0]):
            shown_rows.show(tx, kind, full_name, tree)


def load_source(org: "EmulatedOrg", folder: Path, report: LoadReport) -> None:
    """Load one folder; see the head of this module for the order."""
    found = find_source(folder)
    report.problems += found.problems
    with org.store.transaction():
        load_schema.load_schema(org, found.components, report)
        load_rows.load_rows(org, found.components, report)
        now = org.clock.now_ms()
        org.components.put_all(
            [
                (kind, full_name, xml, now)
                for kind, named in found.components.items()
                if kind not in WRITTEN_AS_DEPLOYED
                for full_name, (_, xml) in named.items()
            ]
        )
        make_up_named(org, found.components, report)
        load_rows.show_to_administrator(org, found.components, report)
        _write_as_deployed(org, found.components, report)
        _show_rows(org, found.components)
        for kind, named in found.components.items():
            report.kept[kind] = report.kept.get(kind, 0) + len(named)
    report.problems += load_declared(org, folder)
