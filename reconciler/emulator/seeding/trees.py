"""Records from files, as projects keep their sample data.

Three forms: a plan (a list of objects with their files, in order), a tree (`{"records": [...]}`, rows
with their children nested), and rows by object (`{"Account": [...], ...}`). A value `@Ref` stands for
the row whose `attributes.referenceId` is `Ref`; it may come earlier or later, so rows are inserted
when all they refer to is there. `RecordType.DeveloperName` names a record type, and a row whose record type
is not there is made without. Values may be texts for booleans and numbers. A row that is refused is
reported, with what refers to it.

Source: Salesforce CLI, "data import tree"; REST API Developer Guide, "sObject Tree".
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError
from reconciler.emulator.writes import Transaction

from .report import LoadReport

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

RECORD_TYPE = "RecordType.DeveloperName"


@dataclass(slots=True)
class Waiting:
    """A row read from a file: its fields, and which of them refer to other rows of the files."""

    sobject: str
    where: str
    fields: dict[str, Any]
    reference: str | None
    references: dict[str, str] = field(default_factory=dict)


def load_records(org: "EmulatedOrg", path: Path, report: LoadReport) -> None:
    """Insert the records of a file, a plan, or a folder (its plans, or all of its files if it has none)."""
    rows: list[Waiting] = []
    for file in _files(path):
        rows += _read(org, file, report)
    with org.transaction() as tx:
        _insert_all(tx, rows, report)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    plans = sorted(path.glob("*plan*.json"))
    return plans or sorted(path.glob("*.json"))


def _read(org: "EmulatedOrg", file: Path, report: LoadReport) -> Iterator[Waiting]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        report.problems.append(f"{file}: {error}")
        return
    if isinstance(told, list):
        for step in told:
            for name in step.get("files", ()) if isinstance(step, dict) else ():
                yield from _read(org, file.parent / name, report)
    elif isinstance(told, dict):
        groups = [told["records"]] if isinstance(told.get("records"), list) else list(told.values())
        for group in groups:
            for record in group if isinstance(group, list) else ():
                yield from _rows(org, file, record, None, report)


def _rows(
    org: "EmulatedOrg", file: Path, record: Any, link: tuple[str, str] | None, report: LoadReport
) -> Iterator[Waiting]:
    """One record and, after it, the children nested in it."""
    attributes = record.get("attributes") if isinstance(record, dict) else None
    sobject = org.schema.get(str(attributes.get("type"))) if isinstance(attributes, dict) else None
    if sobject is None or not isinstance(attributes, dict):
        report.problems.append(f"{file}: there is no object for {str(attributes)[:80]}")
        return
    reference = attributes.get("referenceId")
    row = Waiting(sobject.name, f"{file.name}: {sobject.name} {reference}", {}, reference)
    if link is not None:
        row.references[link[0]] = link[1]
    children: list[tuple[Any, tuple[str, str] | None]] = []
    for name, value in record.items():
        if name == "attributes":
            continue
        if isinstance(value, dict) and isinstance(value.get("records"), list):
            back = next(
                (each.field for each in org.schema.children_of(sobject.name) if each.name == name), None
            )
            children += [(child, (back, str(reference)) if back else None) for child in value["records"]]
        elif isinstance(value, str) and value.startswith("@") and _is_reference(org, sobject.name, name):
            row.references[name] = value[1:]
        else:
            row.fields[name] = value
    yield row
    for child, child_link in children:
        yield from _rows(org, file, child, child_link, report)


def _is_reference(org: "EmulatedOrg", sobject: str, name: str) -> bool:
    found = org.schema[sobject].field(name)
    return found is not None and found.type == "reference"


def _insert_all(tx: Transaction, rows: list[Waiting], report: LoadReport) -> None:
    made: dict[str, Any] = {}
    named = {row.reference for row in rows if row.reference}
    while rows:
        waiting = []
        for row in rows:
            values = {name: made.get(reference) for name, reference in row.references.items()}
            if missing := [ref for ref in row.references.values() if ref not in made]:
                if all(ref in named for ref in missing):
                    waiting.append(row)
                    continue
                report.problems.append(f"{row.where}: nothing is called @{missing[0]}")
                named.discard(row.reference)
                continue
            record_id = _insert(tx, row, values, report)
            if record_id is None:
                named.discard(row.reference)
            elif row.reference:
                made[row.reference] = record_id
        if len(waiting) == len(rows):
            report.problems += [f"{row.where}: refers to rows that refer to it" for row in waiting]
            return
        rows = waiting


def _insert(tx: Transaction, row: Waiting, references: dict[str, Any], report: LoadReport) -> str | None:
    fields = {**row.fields, **references}
    try:
        if developer_name := fields.pop(RECORD_TYPE, None):
            found = tx.find_row("RecordType", {"SobjectType": row.sobject, "DeveloperName": developer_name})
            if found is None:
                report.problems.append(f"{row.where}: there is no record type {developer_name}; made without")
            else:
                fields["RecordTypeId"] = ids.to_text(found)
        with tx.savepoint():
            record_id = tx.insert(row.sobject, fields)
    except ApiError as error:
        report.problems.append(f"{row.where}: {error.code}: {error.message}")
        return None
    report.made_row(row.sobject)
    return record_id
