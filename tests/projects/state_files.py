"""State files from a project's own records and permission sets, as its team would write them.

Each object has a natural key; look-ups are written by the parent's key, which may itself hold a
look-up. Rows without a key of their own get one in a field that is made for it (`SEED_KEY`). Values
are written as the field's type demands: numbers, days and checkboxes bare, text in quotes. Moments
too, because a bare colon in a flow map sends the file to the parser that takes twenty times as long.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field

from .sources import SourcePermissionSet, SourceRecord, is_reference

SEED_KEY = "Seed_Key__c"
RECORD_TYPE = "RecordType.DeveloperName"
NUMBERS = frozenset(["int", "double", "currency", "percent", "long"])
BARE = NUMBERS | {"date"}
OBJECT_WORDS = {
    "allowRead": "read",
    "allowCreate": "create",
    "allowEdit": "edit",
    "allowDelete": "delete",
    "viewAllRecords": "view_all",
    "modifyAllRecords": "modify_all",
}
FIELD_WORDS = {"readable": "read", "editable": "edit"}
"""Words of the Metadata API and of a state, in the order of a state."""

Keys = Mapping[str, tuple[str, ...]]
"""Object -> the fields that together find a row in any org; look-ups by their field name."""


def field_of(org: EmulatedOrg, sobject: str, name: str) -> Field:
    found = org.schema[sobject].field(name)
    assert found is not None, f"{sobject} has no field {name}"
    return found


Row = dict[str, Any]
"""Words of a state -> text of a scalar, or the same for a parent's key."""


class RecordFiles:
    """Writes records of one project, with look-ups by natural key."""

    def __init__(self, org: EmulatedOrg, records: Sequence[SourceRecord], keys: Keys) -> None:
        self.org = org
        self.keys = keys
        self._by_reference = {record.reference: record for record in records}

    def text(self, records: Iterable[SourceRecord]) -> str:
        """The `records` section of a state for ``records``, which are a part of the project's."""
        parts = (self._rows(sobject, rows) for sobject, rows in by_object(records).items())
        return "records:\n" + "".join(parts)

    def _rows(self, sobject: str, records: Iterable[SourceRecord]) -> str:
        words = self._words(sobject)
        plain = words == list(self.keys[sobject]) and len(words) == 1
        lines = [f"  {sobject}:\n    $key: {words[0] if plain else _flow(words)}\n    rows:\n"]
        for record in records:
            row = self._row(record, _scalar)
            lines.append(f"      {row.pop(words[0])}: {_map(row)}\n" if plain else f"      - {_map(row)}\n")
        return "".join(lines)

    def text_with_files(self, records: Iterable[SourceRecord], folder: Path, suffix: str) -> str:
        """The `records` section of a state whose rows are in files beside it, one an object."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = ["records:\n"]
        for sobject, rows in by_object(records).items():
            name = f"{sobject}.{suffix}"
            WRITERS[suffix](folder / name, [self._row(record, _cell) for record in rows])
            lines.append(f"  {sobject}: {{$key: {_flow(self._words(sobject))}, from: {name}}}\n")
        return "".join(lines)

    def _words(self, sobject: str) -> list[str]:
        return [self._word(sobject, name) for name in self.keys[sobject]]

    def _word(self, sobject: str, name: str) -> str:
        """How a state calls a field: a look-up by its relationship."""
        return field_of(self.org, sobject, name).relationship_name or name

    def _row(self, record: SourceRecord, scalar: Callable[[Field, Any], str]) -> Row:
        row: Row = {}
        for name, value in record.fields.items():
            if name == RECORD_TYPE:
                text = scalar(field_of(self.org, "RecordType", "DeveloperName"), value)
                row["RecordType"] = {"DeveloperName": text}
            elif is_reference(value):
                parent = self._by_reference[value[1:]]
                named = self._row(parent, scalar)
                key = {word: named[word] for word in self._words(parent.sobject)}
                row[self._word(record.sobject, name)] = key
            else:
                row[name] = scalar(field_of(self.org, record.sobject, name), value)
        if SEED_KEY in self.keys[record.sobject]:
            row[SEED_KEY] = scalar(field_of(self.org, record.sobject, SEED_KEY), record.reference)
        return row


def by_object(records: Iterable[SourceRecord]) -> dict[str, list[SourceRecord]]:
    grouped: dict[str, list[SourceRecord]] = {}
    for record in records:
        grouped.setdefault(record.sobject, []).append(record)
    return grouped


def _scalar(field: Field, value: Any) -> str:
    """As YAML has it."""
    if field.type == "boolean":
        return str(value).lower()
    return str(value) if field.type in BARE else json.dumps(value, ensure_ascii=False)


def _cell(field: Field, value: Any) -> str:
    """As a cell of a file has it."""
    return str(value)


def _map(row: Mapping[str, Any]) -> str:
    return (
        "{" + ", ".join(f"{name}: {_map(v) if isinstance(v, dict) else v}" for name, v in row.items()) + "}"
    )


def _flow(items: Iterable[str]) -> str:
    return "[" + ", ".join(items) + "]"


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    cells = [dict(_flat(row, "")) for row in rows]
    columns = dict.fromkeys(column for row in cells for column in row)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(columns))
        writer.writeheader()
        writer.writerows(cells)


def _flat(row: Row, prefix: str) -> Iterator[tuple[str, str]]:
    """A parent's key as columns named by their path."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _write_jsonl(path: Path, rows: Sequence[Row]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


WRITERS: Mapping[str, Callable[[Path, Sequence[Row]], None]] = {"csv": _write_csv, "jsonl": _write_jsonl}
"""Record files by suffix."""


def permission_sets_text(org: EmulatedOrg, sets: Iterable[SourcePermissionSet]) -> str:
    """The `permission_sets` section of a state. What the org lacks is left out."""
    return "permission_sets:\n" + "".join(_permission_set(org, each) for each in sets)


def _permission_set(org: EmulatedOrg, told: SourcePermissionSet) -> str:
    lines = [f"  {told.name}:\n    label: {json.dumps(told.label)}\n"]
    if told.description:
        lines.append(f"    description: {json.dumps(told.description, ensure_ascii=False)}\n")
    for name in user_permissions(org, told):
        lines.append(f"    {name}: true\n")
    objects = object_rights(org, told)
    if objects:
        lines.append("    objects:\n")
        lines += [f"      {name}: {_flow(words)}\n" for name, words in objects.items()]
    fields = field_rights(org, told)
    if fields:
        lines.append("    fields:\n")
        lines += [f"      {name}: {_flow(words)}\n" for name, words in fields.items()]
    for word, names in setup_entities(org, told).items():
        if names:
            lines.append(f"    {word}: {_flow(names)}\n")
    return "".join(lines)


def user_permissions(org: EmulatedOrg, told: SourcePermissionSet) -> list[str]:
    """Fields of the permission set's own row."""
    names = [f"Permissions{name}" for name in told.user_permissions]
    return [name for name in names if org.schema["PermissionSet"].field(name)]


def object_rights(org: EmulatedOrg, told: SourcePermissionSet) -> dict[str, list[str]]:
    return {
        org.schema[name].name: words
        for name, flags in told.objects.items()
        if name in org.schema and (words := _words_of(flags, OBJECT_WORDS))
    }


def field_rights(org: EmulatedOrg, told: SourcePermissionSet) -> dict[str, list[str]]:
    """By full name, of the fields that the org has and that can be permitted."""
    rights = {}
    for full_name, flags in told.fields.items():
        owner, _, name = full_name.partition(".")
        field = org.schema[owner].field(name) if owner in org.schema else None
        words = _words_of(flags, FIELD_WORDS)
        if field is not None and field.permissionable and words:
            rights[f"{org.schema[owner].name}.{field.name}"] = words
    return rights


def setup_entities(org: EmulatedOrg, told: SourcePermissionSet) -> dict[str, list[str]]:
    classes = {row["Name"] for row in org.rows("ApexClass")}
    pages = {row["Name"] for row in org.rows("ApexPage")}
    custom = {row["DeveloperName"] for row in org.rows("CustomPermission")}
    return {
        "apex_classes": [name for name in told.classes if name in classes],
        "apex_pages": [name for name in told.pages if name in pages],
        "custom_permissions": [name for name in told.custom_permissions if name in custom],
    }


def _words_of(flags: Mapping[str, bool], words: Mapping[str, str]) -> list[str]:
    return [word for flag, word in words.items() if flags.get(flag)]


def write_state(folder: Path, *sections: str) -> Path:
    """One file that includes a file for each section; the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for section in sections:
        name = f"{section.partition(':')[0]}.yaml"
        (folder / name).write_text(section, encoding="utf-8")
        names.append(name)
    state = folder / "state.yaml"
    state.write_text(f"reconcile: 1\ninclude: {_flow(names)}\n", encoding="utf-8")
    return state
