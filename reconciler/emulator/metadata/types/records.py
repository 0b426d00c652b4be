"""Components that are single rows: record types, custom metadata, Apex, pages.

Source: Metadata API Developer Guide, "RecordType", "CustomMetadata", "ApexClass", "ApexTrigger", "ApexPage".
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from reconciler.emulator import ids
from reconciler.emulator.metadata.component_types import (
    ComponentProblem,
    Facts,
    StoredType,
    Written,
    no_component,
    register,
    stored_facts,
    write_stored,
)
from reconciler.emulator.metadata.types import references, usage
from reconciler.emulator.metadata.types.row_base import (
    Row,
    RowType,
    Strict,
    flags,
    refused_as_problem,
    row_facts,
    texts_of,
)
from reconciler.emulator.metadata.types.schema_types import unknown_object
from reconciler.emulator.metadata_xml import Tree, each, flag, text
from reconciler.emulator.schema import Field, SObject
from reconciler.emulator.seeding.rows import load_custom_metadata
from reconciler.emulator.seeding.schema import add_record_type
from reconciler.emulator.store import quoted
from reconciler.emulator.tooling import apex_source, schedules

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

DEVELOPER_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*\Z")


def bad_name(name: str) -> ComponentProblem:
    return ComponentProblem(
        f"The developer name {name} can only contain alphanumeric characters and underscores, must begin "
        "with a letter, cannot end with an underscore or contain two consecutive underscore characters, and "
        "must be unique",
        status_code="FIELD_INTEGRITY_EXCEPTION",
    )


# -- record types


@dataclass(frozen=True, slots=True)
class RecordTypeType(StoredType):
    """Rows of RecordType; picklist values by record type are kept as they were written."""

    name: str = "RecordType"

    def names(self, org: "EmulatedOrg") -> list[str]:
        rows = org.store.execute('SELECT "SobjectType", "DeveloperName" FROM "RecordType" ORDER BY 1, 2')
        return [f"{owner}.{name}" for owner, name in rows]

    def _row(self, org: "EmulatedOrg", full_name: str) -> Row | None:
        owner, _, name = full_name.partition(".")
        table = org.tables["RecordType"]
        found = org.store.execute(
            'SELECT "Id" FROM "RecordType" WHERE "SobjectType" = ? AND "DeveloperName" = ?', (owner, name)
        )
        if not found:
            return None
        return dict(zip(table.columns, org.store.execute(table.select_sql, found[0])[0], strict=True))

    def read(self, org: "EmulatedOrg", full_name: str) -> Tree | None:
        row = self._row(org, full_name)
        if row is None:
            return None
        kept = org.components.tree(self.name, full_name) or {}
        for element in ("fullName", "description"):
            kept.pop(element, None)
        live: Tree = {**flags(active=row["IsActive"]), **texts_of(description=row["Description"])}
        return {**kept, **live, "label": [row["Name"]]}

    def facts(self, org: "EmulatedOrg", full_name: str) -> Facts | None:
        row = self._row(org, full_name)
        return None if row is None else row_facts(org, row["Id"], row)

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        owner, _, name = full_name.partition(".")
        sobject = tx.org.schema.get(owner)
        if sobject is None:
            raise unknown_object(owner)
        if not DEVELOPER_NAME.fullmatch(name):
            raise bad_name(name)
        for item in each(tree, "picklistValues"):
            _check_picklist(sobject, item)
        references.check(tx.org, self.name, full_name, tree)
        before = self.read(tx.org, full_name)
        add_record_type(tx, sobject.name, name, tree)
        write_stored(tx, self.name, full_name, tree)
        self._link_process(tx, full_name, tree)
        facts = self.facts(tx.org, full_name)
        return Written(facts.id if facts else "", before is None, before != self.read(tx.org, full_name))

    def _link_process(self, tx: "Transaction", full_name: str, tree: Tree) -> None:
        """Let the row point to the business process that the record type names."""
        process = f"{full_name.partition('.')[0]}.{text(tree, 'businessProcess')}"
        facts = stored_facts(tx.org, "BusinessProcess", process)
        row = self._row(tx.org, full_name)
        if row is not None:
            number = ids.parse(facts.id) if facts else None
            tx.set_fields(tx.tables["RecordType"], row["Id"], {"BusinessProcessId": number})

    def delete(self, tx: "Transaction", full_name: str) -> str:
        if self._row(tx.org, full_name) is None:
            raise no_component(self.name, full_name)
        raise ComponentProblem(
            "Cannot delete record type through API", status_code="INSUFFICIENT_ACCESS_OR_READONLY"
        )

    def rename(self, tx: "Transaction", old: str, new: str) -> None:
        raise ComponentProblem(
            "Cannot rename record type through API", status_code="INSUFFICIENT_ACCESS_OR_READONLY"
        )


def _check_picklist(sobject: SObject, item: Tree) -> None:
    """Raises for a picklist that the object lacks, and for a value that the picklist lacks."""
    name = text(item, "picklist") or ""
    field = sobject.field(name)
    if field is None:
        if name.endswith("__c"):
            raise ComponentProblem(f"Picklist field {name} could not be found")
        return
    known = {each_one.value.lower() for each_one in field.picklist}
    for value in each(item, "values"):
        wanted = unquote(text(value, "fullName") or "")
        if known and wanted.lower() not in known:
            raise ComponentProblem(f"Picklist value: {wanted} in picklist: {name} not found")


# -- custom metadata


@dataclass(frozen=True, slots=True)
class CustomMetadataType(StoredType):
    """`Endpoint.Payments` is the row Payments of Endpoint__mdt."""

    name: str = "CustomMetadata"

    def names(self, org: "EmulatedOrg") -> list[str]:
        found = []
        for sobject in org.schema:
            if sobject.name.endswith("__mdt"):
                rows = org.store.execute(f'SELECT "DeveloperName" FROM {quoted(sobject.name)} ORDER BY 1')  # noqa: S608 - names are ours
                found += [f"{sobject.name.removesuffix('__mdt')}.{row[0]}" for row in rows]
        return found

    def _row(self, org: "EmulatedOrg", full_name: str) -> Row | None:
        kind, _, name = full_name.partition(".")
        sobject = org.schema.get(f"{kind.removesuffix('__mdt')}__mdt")
        if sobject is None:
            return None
        table = org.tables[sobject.name]
        found = org.store.execute(
            f'SELECT "Id" FROM {quoted(sobject.name)} WHERE "DeveloperName" = ?',  # noqa: S608 - names are ours
            (name,),
        )
        if not found:
            return None
        return dict(zip(table.columns, org.store.execute(table.select_sql, found[0])[0], strict=True))

    def _fields(self, org: "EmulatedOrg", full_name: str) -> list[Field]:
        sobject = org.schema[f"{full_name.partition('.')[0].removesuffix('__mdt')}__mdt"]
        return [field for field in sobject.fields.values() if field.custom and field.stored]

    def read(self, org: "EmulatedOrg", full_name: str) -> Tree | None:
        row = self._row(org, full_name)
        if row is None:
            return None
        kept = org.components.tree(self.name, full_name) or {}
        values: list[Tree] = [
            {"field": [field.name], "value": [_written(org, field, row[field.name])]}
            for field in self._fields(org, full_name)
        ]
        protected = kept.get("protected") or ["false"]
        tree: Tree = {"label": [row["MasterLabel"]], "protected": protected, "values": list(values)}
        if "description" in kept:
            tree["description"] = kept["description"]
        return tree

    def facts(self, org: "EmulatedOrg", full_name: str) -> Facts | None:
        row = self._row(org, full_name)
        if row is None:
            return None
        kept = stored_facts(org, self.name, full_name)
        own = row_facts(org, row["Id"], row)
        return (
            own
            if kept is None
            else Facts(own.id, kept.created_ms, kept.created_by, kept.modified_ms, kept.modified_by)
        )

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        kind, _, name = full_name.partition(".")
        sobject = tx.org.schema.get(f"{kind.removesuffix('__mdt')}__mdt")
        if sobject is None:
            raise ComponentProblem(f"Custom metadata type {kind} is not available in this organization")
        if not DEVELOPER_NAME.fullmatch(name):
            raise bad_name(name)
        before = self.read(tx.org, full_name)
        self._check(sobject.fields, tree, before)
        own_name = f"{sobject.name.removesuffix('__mdt')}.{name}"
        with refused_as_problem():
            load_custom_metadata(Strict(tx), own_name, tree)
        write_stored(tx, self.name, own_name, {**tree, "values": []})
        facts = self.facts(tx.org, own_name)
        return Written(facts.id if facts else "", before is None, before != self.read(tx.org, own_name))

    def _check(self, fields: dict[str, Field], tree: Tree, before: Tree | None) -> None:
        given = {(text(item, "field") or "").lower(): item for item in each(tree, "values")}
        for field in fields.values():
            needed = field.custom and not field.nillable and field.type != "boolean" and field.default is None
            item = given.get(field.name.lower())
            blank = item is None or text(item, "value") in (None, "")
            if needed and blank and (item is not None or before is None):
                raise ComponentProblem(
                    f"Required field is missing: {field.name}",
                    status_code="REQUIRED_FIELD_MISSING",
                    fields=[field.name],
                )

    def delete(self, tx: "Transaction", full_name: str) -> str:
        row = self._row(tx.org, full_name)
        if row is None:
            raise no_component(self.name, full_name)
        kind = full_name.partition(".")[0].removesuffix("__mdt")
        tx.drop_row(f"{kind}__mdt", {"Id": row["Id"]})
        tx.org.components.remove(self.name, full_name)
        return ids.to_text(row["Id"])


def _written(org: "EmulatedOrg", field: Field, value: Any) -> str | None:
    """A stored value as metadata writes it; a record by its name."""
    if field.type == "reference" and value is not None:
        target = quoted(field.reference_to[0])
        found = org.store.execute(f'SELECT "DeveloperName" FROM {target} WHERE "Id" = ?', (value,))  # noqa: S608 - names are ours
        return found[0][0] if found else None
    if field.type == "boolean":
        return "true" if value else "false"
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return f"{value:.1f}"
    return str(value)


# -- code


class CodeType(RowType):
    """Source that is a row: the content of the component is the body of the row."""

    def tree(self, org: "EmulatedOrg", number: int, row: Row) -> Tree:
        body = row["Body"]
        return {
            "apiVersion": [f"{row['ApiVersion']:.1f}"],
            "content": [] if body is None else [base64.b64encode(body.encode()).decode()],
            "status": [row["Status"] or "Active"],
        }

    def put(self, strict: Strict, full_name: str, tree: Tree) -> None:
        source = content_of(tree)
        number = self.find(strict.org, full_name)
        if source is not None:
            self.check(strict, full_name, source)
        if number is not None and schedules.has_jobs(strict.org, number) and source is not None:
            old = self.row(strict.org, number)["Body"]
            if old is not None and old != source:
                raise ComponentProblem(
                    "This schedulable class has jobs pending or in progress", status_code="DEPENDENCY_EXISTS"
                )
        values: dict[str, Any] = {
            "ApiVersion": float(text(tree, "apiVersion") or 64),
            "Status": text(tree, "status") or "Active",
            "IsValid": 1,
        }
        if source is not None:
            values |= {"Body": source, "LengthWithoutComments": len(apex_source.plain(source))}
        strict.put(self.sobject, {self.key: full_name}, {**values, **self.more(source)})

    def more(self, source: str | None) -> dict[str, Any]:
        """Further columns that follow from the source."""
        return {}

    def check(self, strict: Strict, full_name: str, source: str) -> None:
        """Refuse what does not compile, as far as it is read. Raises `ComponentProblem`."""
        if problem := apex_source.problem_of(source):
            raise ComponentProblem(
                problem.text, status_code="INVALID_FIELD", line=problem.line, column=problem.column
            )
        declared = apex_source.declared_name(source)
        if declared is None or declared.lower() != full_name.lower():
            raise ComponentProblem(
                f"Invalid name: the file declares {declared or 'nothing'}, the component is {full_name}",
                status_code="INVALID_FIELD",
                line=1,
                column=1,
            )

    def delete(self, tx: "Transaction", full_name: str) -> str:
        number = self.find(tx.org, full_name)
        if number is not None and schedules.has_jobs(tx.org, number):
            raise ComponentProblem(
                "This schedulable class has jobs pending or in progress", status_code="DEPENDENCY_EXISTS"
            )
        usage.refuse_named(tx.org, self.name, full_name)
        return super().delete(tx, full_name)


class TriggerType(CodeType):
    def more(self, source: str | None) -> dict[str, Any]:
        found = apex_source.trigger_of(source or "")
        if found is None:
            return {}
        events = {f"Usage{event.title().replace(' ', '')}": 1 for event in found[1]}
        return {
            "TableEnumOrId": found[0],
            **dict.fromkeys(EVENTS, 0),
            **{k: v for k, v in events.items() if k in EVENTS},
        }

    def check(self, strict: Strict, full_name: str, source: str) -> None:
        super().check(strict, full_name, source)
        found = apex_source.trigger_of(source)
        if found is None:
            raise ComponentProblem("Unexpected token.", status_code="INVALID_FIELD", line=1, column=1)
        if found[0] not in strict.org.schema:
            raise ComponentProblem(
                f"SObject type is invalid: {found[0]}", status_code="INVALID_FIELD", line=1, column=1
            )


EVENTS = (
    "UsageBeforeInsert",
    "UsageAfterInsert",
    "UsageBeforeUpdate",
    "UsageAfterUpdate",
    "UsageBeforeDelete",
    "UsageAfterDelete",
    "UsageAfterUndelete",
)


class PageType(RowType):
    def tree(self, org: "EmulatedOrg", number: int, row: Row) -> Tree:
        return {
            "apiVersion": [f"{row['ApiVersion']:.1f}"],
            **flags(
                availableInTouch=row["IsAvailableInTouch"],
                confirmationTokenRequired=row["IsConfirmationTokenRequired"],
            ),
            "content": [base64.b64encode((row["Markup"] or "").encode()).decode()],
            **texts_of(description=row["Description"]),
            "label": [row["MasterLabel"]],
        }

    def put(self, strict: Strict, full_name: str, tree: Tree) -> None:
        values: dict[str, Any] = {
            "ApiVersion": float(text(tree, "apiVersion") or 64),
            "MasterLabel": text(tree, "label") or full_name,
            "Description": text(tree, "description"),
            "ControllerType": "3",
            "IsAvailableInTouch": int(flag(tree, "availableInTouch")),
            "IsConfirmationTokenRequired": int(flag(tree, "confirmationTokenRequired")),
        }
        source = content_of(tree)
        if source is not None or self.find(strict.org, full_name) is None:
            values["Markup"] = source or ""
        strict.put(self.sobject, {self.key: full_name}, values)

    def delete(self, tx: "Transaction", full_name: str) -> str:
        usage.refuse_named(tx.org, self.name, full_name)
        return super().delete(tx, full_name)


@dataclass(frozen=True, slots=True)
class HeldType(StoredType):
    """A tree that cannot be deleted while something uses it."""

    def delete(self, tx: "Transaction", full_name: str) -> str:
        usage.refuse_named(tx.org, self.name, full_name)
        return StoredType.delete(self, tx, full_name)


def content_of(tree: Tree) -> str | None:
    """The text of a component's content; None where it has none."""
    encoded = text(tree, "content")
    if encoded is None:
        return None
    try:
        return base64.b64decode(encoded).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise ComponentProblem("content is not base64", status_code="INVALID_FIELD") from error


HELD = frozenset(["apiVersion", "content", "status"])
PAGE_HELD = HELD | {"availableInTouch", "confirmationTokenRequired", "description", "label"}
register(RecordTypeType())
register(CustomMetadataType())
register(CodeType("ApexClass", "ApexClass", "Name", {"NamespacePrefix": None}, HELD))
register(TriggerType("ApexTrigger", "ApexTrigger", "Name", {"NamespacePrefix": None}, HELD))
register(PageType("ApexPage", "ApexPage", "Name", {"NamespacePrefix": None}, PAGE_HELD))
for _name in ("AuraDefinitionBundle", "LightningComponentBundle"):
    register(HeldType(_name))
