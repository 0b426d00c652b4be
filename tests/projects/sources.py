"""What a real project keeps beside its schema: record trees, and permission sets as XML.

Record trees come in two forms: an import plan that names its files in order, and one file with the
rows of each object. `@Name` in a look-up stands for the row whose `referenceId` is `Name`. Values
are kept as the files have them, blank ones left out, numbers and checkboxes sometimes as text.
"""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
TOKENS = ("___NAMESPACE___", "%%%NAMESPACE%%%")
"""What a project replaces with its namespace, or with nothing."""


@dataclass(frozen=True)
class SourceRecord:
    """One row of a tree; ``where`` says which file has it."""

    sobject: str
    reference: str
    fields: Mapping[str, Any]
    where: str

    def parents(self) -> Iterator[str]:
        """The references of the rows that it looks up."""
        for value in self.fields.values():
            if is_reference(value):
                yield value[1:]


def is_reference(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("@")


def read_trees(project: Path) -> list[SourceRecord]:
    """All records of a project, parents first as its own plan or map has them."""
    plan = project / "data" / "sample-data-plan.json"
    if plan.is_file():
        names = [name for step in json.loads(plan.read_text("utf-8")) for name in step["files"]]
        return [record for name in names for record in _records(plan.parent / name)]
    return list(_records(project / "datasets" / "sample.json"))


def _records(path: Path) -> Iterator[SourceRecord]:
    told = json.loads(path.read_text("utf-8"))
    for rows in told.values():
        for row in rows:
            fields = {name: value for name, value in row.items() if name != "attributes"}
            attributes = row["attributes"]
            yield SourceRecord(attributes["type"], attributes["referenceId"], fields, path.name)


def with_parents(chosen: Iterable[SourceRecord], records: Sequence[SourceRecord]) -> list[SourceRecord]:
    """``chosen`` and all that they look up, directly or not, in the order of ``records``."""
    by_reference = {record.reference: record for record in records}
    kept: set[str] = set()
    waiting = [record.reference for record in chosen]
    while waiting:
        reference = waiting.pop()
        if reference not in kept:
            kept.add(reference)
            waiting.extend(by_reference[reference].parents())
    return [record for record in records if record.reference in kept]


@dataclass(frozen=True)
class SourcePermissionSet:
    """One permission set: of each element of its XML the name and what stands beside it."""

    name: str
    label: str
    description: str | None
    license: str | None
    objects: Mapping[str, Mapping[str, bool]]
    fields: Mapping[str, Mapping[str, bool]]
    classes: Sequence[str]
    pages: Sequence[str]
    custom_permissions: Sequence[str]
    user_permissions: Sequence[str]


def read_permission_sets(project: Path) -> list[SourcePermissionSet]:
    """All permission sets below a project's folder, in source and in metadata format, by path."""
    paths = [*project.rglob("*.permissionset-meta.xml"), *project.rglob("*.permissionset")]
    return [read_permission_set(path) for path in sorted(paths)]


def read_permission_set(path: Path) -> SourcePermissionSet:
    content = path.read_text("utf-8")
    for token in TOKENS:
        content = content.replace(token, "")
    root = ElementTree.fromstring(content)
    return SourcePermissionSet(
        name=path.name.partition(".")[0],
        label=_text(root, "label") or "",
        description=_text(root, "description"),
        license=_text(root, "license"),
        objects=_flags(root, "objectPermissions", "object"),
        fields=_flags(root, "fieldPermissions", "field"),
        classes=_enabled(root, "classAccesses", "apexClass"),
        pages=_enabled(root, "pageAccesses", "apexPage"),
        custom_permissions=_enabled(root, "customPermissions", "name"),
        user_permissions=_enabled(root, "userPermissions", "name"),
    )


def _text(element: ElementTree.Element, name: str) -> str | None:
    return element.findtext(NAMESPACE + name)


def _flags(root: ElementTree.Element, element: str, named_by: str) -> dict[str, dict[str, bool]]:
    found: dict[str, dict[str, bool]] = {}
    for item in root.iterfind(NAMESPACE + element):
        parts = {part.tag.removeprefix(NAMESPACE): part.text == "true" for part in item}
        parts.pop(named_by)
        found[_text(item, named_by) or ""] = parts
    return found


def _enabled(root: ElementTree.Element, element: str, named_by: str) -> list[str]:
    flags = _flags(root, element, named_by)
    return [name for name, parts in flags.items() if parts.get("enabled")]


def class_names(project: Path) -> list[str]:
    """Names of the Apex classes that the project has, whose code is not here."""
    listed = (project / "code-files.txt").read_text("utf-8").splitlines()
    return [Path(line).stem for line in listed if line.endswith(".cls")]
