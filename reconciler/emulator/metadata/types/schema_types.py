"""Custom objects and custom fields: components that are the schema.

Their trees are kept as they were written; the schema follows each write, so that a field is a column
as soon as it is deployed. It is hidden from everybody until a permission set or profile shows it.
What came into the schema by another road gets a tree when somebody asks for one.

Source: Metadata API Developer Guide, "CustomObject", "CustomField".
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.emulator.access.sharing import model_of, set_model
from reconciler.emulator.components import to_xml
from reconciler.emulator.custom_fields import CUSTOM_SUFFIXES, fields_of, name_field
from reconciler.emulator.formula.faults import FormulaError, NotEmulated
from reconciler.emulator.metadata import standard_layouts
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
from reconciler.emulator.metadata.types import field_rules, letting_go, renaming, usage
from reconciler.emulator.metadata_xml import Tree, child, flag, text
from reconciler.emulator.schema import Field, SObject
from reconciler.emulator.seeding import schema as load_schema
from reconciler.emulator.store import quoted

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

SUFFIXES = (*CUSTOM_SUFFIXES, "__kav")
FOLLOWED = ("label", "pluralLabel")


def unknown_object(name: str) -> ComponentProblem:
    """The problem of a part of an object that the org lacks."""
    return ComponentProblem(f"Entity Enumeration Or ID: bad value for restricted picklist field: {name}")


def no_suffix(*, of_field: bool) -> ComponentProblem:
    """The problem of a custom object or field whose name is like a standard one's.

    As users have seen both, forcedotcom/cli issue 155 and b2c-crm-sync issue 71; the code is not verified.
    """
    ends = "__c or __kav or __x or __b or __e or __p or __mdt or __dll or __dlm"
    of_object = "Invalid fullName, must end in a custom suffix ( for ex. __c )"
    return ComponentProblem(
        f"fullName must end with: {ends}" if of_field else of_object,
        status_code="INVALID_FIELD",
        fields=["fullName"],
    )


def _keep(org: "EmulatedOrg", kind: str, full_name: str, tree: Tree) -> None:
    """Give what is in the schema already a component of its own, with an id."""
    with org.store.transaction():
        org.components.put(kind, full_name, to_xml(kind, tree), org.clock.now_ms() // 1000 * 1000)


# -- objects


@dataclass(frozen=True, slots=True)
class CustomObjectType(StoredType):
    name: str = "CustomObject"

    def names(self, org: "EmulatedOrg") -> list[str]:
        return [each.name for each in org.schema if each.custom or _is_customizable(each)]

    def read(self, org: "EmulatedOrg", full_name: str) -> Tree | None:
        sobject = org.schema.get(full_name)
        if sobject is None:
            return None
        kept = org.components.tree(self.name, sobject.name) or {}
        kept.pop("fullName", None)
        if not sobject.custom:
            return kept or {"sharingModel": [model_of(org, sobject)]}
        return {
            **_object_tree(sobject),
            **kept,
            "label": [sobject.label],
            "pluralLabel": [sobject.label_plural],
        }

    def facts(self, org: "EmulatedOrg", full_name: str) -> Facts | None:
        sobject = org.schema.get(full_name)
        if sobject is None:
            return None
        found = stored_facts(org, self.name, sobject.name)
        if found is None and sobject.custom:
            _keep(org, self.name, sobject.name, _object_tree(sobject))
            found = stored_facts(org, self.name, sobject.name)
        return found

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        org = tx.org
        known = org.schema.get(full_name)
        if known is None:
            if not full_name.endswith(SUFFIXES):
                raise (
                    no_suffix(of_field=False) if tree.get("nameField") else no_component(self.name, full_name)
                )
            self._create(tx, full_name, tree)
            written = write_stored(tx, self.name, full_name, tree)
            return Written(written.id, created=True, changed=True)
        before = self.read(org, known.name)
        if before == tree or not tree:  # nothing but the parts of an object was written
            facts = self.facts(org, known.name)
            return Written(facts.id if facts else "", created=False, changed=False)
        if known.custom:
            self._change(org, known, tree)
        else:
            set_model(org, known, text(tree, "sharingModel"))
        written = write_stored(tx, self.name, known.name, tree)
        return Written(written.id, created=False, changed=before != self.read(org, known.name))

    def _create(self, tx: "Transaction", full_name: str, tree: Tree) -> None:
        _check_object(full_name, tree)
        org = tx.org
        made = load_schema.new_object(org, full_name, tree)
        org.additions.add_object(made)
        if made.flags.get("activities"):
            load_schema.allow_activities(org, made.name)
        load_schema.allow_files(org, [made])
        if made.flags.get("layoutable"):
            layout = standard_layouts.custom_name(made)
            write_stored(tx, "Layout", layout, standard_layouts.tree_of(org, layout))

    def _change(self, org: "EmulatedOrg", known: SObject, tree: Tree) -> None:
        _check_object(known.name, tree)
        setting = text(tree, "customSettingsType")
        if bool(known.custom_setting) != bool(setting) and not known.name.endswith(("__mdt", "__e")):
            raise ComponentProblem(
                "Cannot change a custom object into a custom setting, or the other way round",
                status_code="FIELD_INTEGRITY_EXCEPTION",
            )
        label = text(tree, "label") or known.label
        org.additions.update_object(
            known.name,
            label=label,
            label_plural=text(tree, "pluralLabel") or label,
            flags={**known.flags, **_flags(known, tree)},
        )
        if (named := child(tree, "nameField")) and not known.custom_setting:
            org.additions.add_fields(known.name, [name_field(named, label)])
        if known.flags.get("activities"):
            load_schema.allow_activities(org, known.name)

    def delete(self, tx: "Transaction", full_name: str) -> str:
        org = tx.org
        sobject = org.schema.get(full_name)
        if sobject is None:
            raise no_component(self.name, full_name)
        facts = self.facts(org, full_name)
        if not sobject.custom or facts is None:
            raise ComponentProblem(
                f"Cannot delete standard object: {sobject.name}",
                status_code="INSUFFICIENT_ACCESS_OR_READONLY",
            )
        usage.refuse_used_object(org, sobject)
        for child_name, column in usage.HANGING:
            tx.store.execute(
                f"DELETE FROM {quoted(child_name)} WHERE {quoted(column)} = ?",  # noqa: S608 - names are ours
                (sobject.name,),
            )
        for kind, part in list(usage.components_of(org, sobject.name)):
            org.components.remove(kind, part)
        org.additions.remove_object(sobject.name)
        org.components.remove(self.name, sobject.name)
        return facts.id

    def rename(self, tx: "Transaction", old: str, new: str) -> None:
        renaming.rename_object(tx, old, new)


def _is_customizable(sobject: SObject) -> bool:
    """Whether a standard object is a component: those with layouts and triggers are."""
    return bool(sobject.flags.get("layoutable") and sobject.flags.get("triggerable"))


def _check_object(name: str, tree: Tree) -> None:
    if not text(tree, "label"):
        raise ComponentProblem(
            "Must specify a non-empty label for the CustomObject", status_code="REQUIRED_FIELD_MISSING"
        )
    if tree.get("customSettingsType"):
        return
    if not text(tree, "pluralLabel"):
        raise ComponentProblem(
            "Must specify a non-empty plural label for the CustomObject", status_code="REQUIRED_FIELD_MISSING"
        )
    if not name.endswith("__c"):
        return
    named = child(tree, "nameField")
    if text(named, "type") not in ("Text", "AutoNumber"):
        raise ComponentProblem(
            "Must specify a nameField of type Text or AutoNumber", status_code="REQUIRED_FIELD_MISSING"
        )


def _flags(known: SObject, tree: Tree) -> dict[str, object]:
    if "activities" not in known.flags:
        return {}
    return {
        "feedEnabled": flag(tree, "enableFeeds"),
        "searchable": flag(tree, "enableSearch", True),
        "activities": flag(tree, "enableActivities") or bool(known.flags["activities"]),
        "sharingModel": text(tree, "sharingModel") or known.flags.get("sharingModel"),
    }


def _object_tree(sobject: SObject) -> Tree:
    """A component that makes an object of the schema, without its fields."""
    tree: Tree = {"label": [sobject.label], "pluralLabel": [sobject.label_plural]}
    if sobject.custom_setting:
        return {"customSettingsType": [sobject.custom_setting], **tree}
    if sobject.name.endswith(("__mdt", "__e")):
        return tree
    named = sobject.field("Name")
    automatic = named is not None and named.auto_number is not None
    name: Tree = {
        "label": [named.label if named else "Name"],
        "type": ["AutoNumber" if automatic else "Text"],
    }
    if named is not None and automatic:
        name["displayFormat"] = [named.auto_number]
    return {
        "deploymentStatus": ["Deployed"],
        "enableActivities": ["true" if sobject.flags.get("activities") else "false"],
        **tree,
        "nameField": [name],
        "sharingModel": [str(sobject.flags.get("sharingModel") or "ReadWrite")],
    }


# -- fields


@dataclass(frozen=True, slots=True)
class CustomFieldType(StoredType):
    name: str = "CustomField"

    def names(self, org: "EmulatedOrg") -> list[str]:
        live = [f"{sobject.name}.{each.name}" for sobject in org.schema for each in _custom_fields(sobject)]
        known = {each.lower() for each in live}
        kept = [each for each in org.components.names(self.name) if self._is_standard(org, each)]
        return sorted([*live, *(each for each in kept if each.lower() not in known)], key=str.lower)

    def _is_standard(self, org: "EmulatedOrg", full_name: str) -> bool:
        """Whether a kept component is of a standard field, which is in the org without it."""
        owner, _, name = full_name.partition(".")
        return not name.endswith("__c") and (owner in org.schema or owner == "Activity")

    def _field(self, org: "EmulatedOrg", full_name: str) -> tuple[SObject, Field] | None:
        owner, _, name = full_name.partition(".")
        sobject = org.schema.get("Task" if owner == "Activity" else owner)
        found = sobject.field(name) if sobject else None
        return None if sobject is None or found is None else (sobject, found)

    def read(self, org: "EmulatedOrg", full_name: str) -> Tree | None:
        found = self._field(org, full_name)
        kept = org.components.tree(self.name, full_name)
        if kept is not None and (found is not None or self._is_standard(org, full_name)):
            kept.pop("fullName", None)
            return kept
        if found is None:
            return None
        return field_rules.field_tree(found[1]) if found[1].custom else field_rules.standard_tree(found[1])

    def facts(self, org: "EmulatedOrg", full_name: str) -> Facts | None:
        tree = self.read(org, full_name)
        if tree is None:
            return None
        found = stored_facts(org, self.name, full_name)
        sobject, field = self._field(org, full_name) or (None, None)
        if found is None and sobject and field and field.custom:
            _keep(org, self.name, f"{sobject.name}.{field.name}", tree)
            found = stored_facts(org, self.name, full_name)
        return found

    def write(self, tx: "Transaction", full_name: str, tree: Tree) -> Written:
        org = tx.org
        owner, _, name = full_name.partition(".")
        owners = load_schema.owners(org, full_name)
        if not owners:
            raise unknown_object(owner)
        if not name.endswith("__c"):
            if self._field(org, full_name) is None and tree.get("label"):
                raise no_suffix(of_field=True)
            written = write_stored(tx, self.name, full_name, tree)
            return Written(written.id, created=False, changed=written.changed)
        old = self.read(org, full_name)
        field_rules.check(org, full_name, tree, old)
        if old is not None and "type" not in tree:
            tree = {**tree, "type": old["type"]}
        if old == tree:
            facts = self.facts(org, full_name)
            return Written(facts.id if facts else "", created=False, changed=False)
        for each_owner in owners:
            self._apply(tx, each_owner, name, tree)
        spelled = f"{owners[0]}.{name}" if owner != "Activity" else full_name
        written = write_stored(tx, self.name, spelled, tree)
        return Written(written.id, created=old is None, changed=True)

    def _apply(self, tx: "Transaction", owner: str, name: str, tree: Tree) -> None:
        org = tx.org

        def known(other: str, field: str) -> Field | None:
            sobject = org.schema.get(other)
            return sobject.field(field) if sobject else None

        try:
            made = fields_of({**tree, "fullName": [name]}, load_schema.value_sets(org, {}), known)
        except ValueError as error:
            raise ComponentProblem(str(error), status_code="FIELD_INTEGRITY_EXCEPTION") from error
        for each in made:
            _check_formula(org, org.schema[owner], each)
        try:
            org.additions.add_fields(owner, made)
        except sqlite3.IntegrityError as error:
            raise ComponentProblem(
                f"Cannot make {name} unique: rows have the same value", status_code="DUPLICATE_VALUE"
            ) from error
        is_detail = any(each.relationship_order is not None for each in made)
        if is_detail and org.schema[owner].custom and org.schema[owner].field("OwnerId"):
            org.additions.remove_field(owner, "OwnerId")

    def delete(self, tx: "Transaction", full_name: str) -> str:
        org = tx.org
        found = self._field(org, full_name)
        if found is None:
            raise no_component(self.name, full_name)
        sobject, field = found
        facts = self.facts(org, full_name)
        if not field.custom or facts is None:
            raise ComponentProblem(
                f"Cannot delete standard field: {full_name}", status_code="INSUFFICIENT_ACCESS_OR_READONLY"
            )
        usage.refuse_used_field(org, sobject, field)
        for owner in load_schema.owners(org, full_name):
            for each in _with_parts(org.schema[owner], field):
                org.additions.remove_field(owner, each.name)
            tx.store.execute('DELETE FROM "FieldPermissions" WHERE "Field" = ?', (f"{owner}.{field.name}",))
            letting_go.let_go(tx, owner, field.name)
        org.components.remove(self.name, full_name)
        return facts.id

    def rename(self, tx: "Transaction", old: str, new: str) -> None:
        org = tx.org
        found, tree = self._field(org, old), self.read(org, old)
        if found is None or tree is None:
            raise no_component(self.name, old)
        if self._field(org, new) is not None:
            raise ComponentProblem(f"{new} is already in use", status_code="DUPLICATE_DEVELOPER_NAME")
        sobject, field = found
        usage.refuse_used_field(org, sobject, field)
        self.write(tx, new, tree)
        name = new.partition(".")[2]
        if field.stored:
            tx.store.execute(
                f"UPDATE {quoted(sobject.name)} SET {quoted(name)} = {quoted(field.name)}"  # noqa: S608 - names are checked
            )
        tx.store.execute(
            'UPDATE "FieldPermissions" SET "Field" = ? WHERE "Field" = ?',
            (f"{sobject.name}.{name}", f"{sobject.name}.{field.name}"),
        )
        self.delete(tx, old)


def _custom_fields(sobject: SObject) -> Iterator[Field]:
    """Fields that are components: custom ones, without the parts of a location."""
    return (each for each in sobject.fields.values() if each.custom and each.name.endswith("__c"))


def _with_parts(sobject: SObject, field: Field) -> list[Field]:
    parts = [each for each in sobject.fields.values() if each.compound == field.name and each.custom]
    return [*parts, field]


def _check_formula(org: "EmulatedOrg", sobject: SObject, field: Field) -> None:
    try:
        org.formulas.check_field(sobject, field)
    except NotEmulated:
        return
    except FormulaError as error:
        raise ComponentProblem(error.message, status_code="FIELD_INTEGRITY_EXCEPTION") from error


register(CustomObjectType())
register(CustomFieldType())
