"""What a custom field must say to be saved, and what says it for a field that nobody wrote down.

`check` refuses a definition as Salesforce does; `field_tree` is the way back, from the schema to the
component, for fields that came into the org by another road.

Source: Metadata API Developer Guide, "CustomField"; texts as seen in public deployments.
"""

import re
from typing import TYPE_CHECKING, Any

from reconciler.emulator.custom_fields import picklist_values
from reconciler.emulator.metadata.component_types import ComponentProblem
from reconciler.emulator.metadata_xml import Tree, child, flag, number, text, texts
from reconciler.emulator.schema import Field, PicklistValue

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*\Z")
DEMANDED: dict[str, tuple[str, ...]] = {
    "Text": ("length",),
    "LongTextArea": ("length", "visibleLines"),
    "Html": ("length", "visibleLines"),
    "EncryptedText": ("length", "maskChar", "maskType"),
    "Number": ("precision", "scale"),
    "Currency": ("precision", "scale"),
    "Percent": ("precision", "scale"),
    "Checkbox": ("defaultValue",),
    "Lookup": ("referenceTo",),
    "MasterDetail": ("referenceTo", "relationshipName"),
    "Summary": ("summaryForeignKey", "summaryOperation"),
    "MultiselectPicklist": ("visibleLines",),
}
"""What a type needs beside its label; formulas need less."""
LENGTHS = {
    "Text": (1, 255),
    "EncryptedText": (1, 175),
    "LongTextArea": (256, 131_072),
    "Html": (256, 131_072),
}
KEYS = {
    "externalId": frozenset(["AutoNumber", "Email", "Number", "Text"]),
    "unique": frozenset(["Email", "MetadataRelationship", "Number", "Text"]),
}
"""The types of which fields may be keys, and how."""
DEFINITIONS = frozenset(["EntityDefinition", "EntityParticle", "FieldDefinition"])
"""What a metadata relationship may name beside custom metadata types."""
FORMULA_TYPES = frozenset(["Checkbox", "Currency", "Date", "DateTime", "Number", "Percent", "Text", "Time"])
FAMILIES = (
    frozenset(
        {
            "Text",
            "TextArea",
            "LongTextArea",
            "Html",
            "Email",
            "Phone",
            "Url",
            "Picklist",
            "AutoNumber",
            "MultiselectPicklist",
        }
    ),
    frozenset(["Number", "Currency", "Percent", "Text", "AutoNumber"]),
    frozenset(["Date", "DateTime"]),
    frozenset(["Lookup", "MasterDetail"]),
)
"""Types between which a field may change."""


def check(org: "EmulatedOrg", full_name: str, tree: Tree, old: Tree | None) -> None:
    """Raises the `ComponentProblem` of a definition that Salesforce would not save."""
    name = full_name.partition(".")[2]
    kind = text(tree, "type") or (text(old, "type") if old else None)
    if not NAME.fullmatch(name.removesuffix("__c")):
        raise _invalid(
            f"The field name you provided {name} on object {full_name.partition('.')[0]} can only contain "
            "alphanumeric characters, must begin with a letter, cannot end with an underscore or contain two "
            "consecutive underscore characters, and must be unique"
        )
    if not kind:
        raise _missing("type")
    if not text(tree, "label"):
        raise ComponentProblem(
            "Must specify a non-empty label for the CustomField", status_code="REQUIRED_FIELD_MISSING"
        )
    _check_demanded(kind, tree)
    _check_length(kind, tree)
    check_values(child(child(tree, "valueSet"), "valueSetDefinition"))
    _check_allowed(kind, tree)
    _check_references(org, tree)
    _check_relationship(org, full_name, kind, tree)
    if old is not None:
        _check_change(kind, tree, old)


def _check_demanded(kind: str, tree: Tree) -> None:
    if tree.get("formula"):
        if kind not in FORMULA_TYPES:
            raise _invalid(f"Can not specify 'formula' for a CustomField of type {kind}")
        return
    for name in DEMANDED.get(kind, ()):
        if not text(tree, name):
            raise _invalid(f"Must specify '{name}' for a CustomField of type {kind}")
    if kind in ("Picklist", "MultiselectPicklist"):
        value_set = child(tree, "valueSet") or child(tree, "picklist")
        if not value_set and not text(tree, "globalPicklist"):
            raise _invalid(f"Must specify 'valueSet' for a CustomField of type {kind}")


def _check_allowed(kind: str, tree: Tree) -> None:
    for name, kinds in KEYS.items():
        if flag(tree, name) and (kind not in kinds or tree.get("formula")):
            raise _invalid(f"Can not specify '{name}' for a CustomField of type {kind}")


def _check_relationship(org: "EmulatedOrg", full_name: str, kind: str, tree: Tree) -> None:
    """Raises for a required look-up whose rows could lose it, and for a name that another look-up has."""
    if kind == "Lookup" and flag(tree, "required") and not tree.get("deleteConstraint"):
        raise _invalid(
            "field integrity exception: unknown (must specify either cascade delete or restrict delete for "
            "required lookup foreign key)"
        )
    name, (owner, _, field) = text(tree, "relationshipName"), full_name.lower().partition(".")
    for target in texts(tree, "referenceTo") if name and kind in ("Lookup", "MasterDetail") else ():
        for other in org.schema.children_of(target):
            itself = other.field.lower() == field and owner in (other.child.lower(), "activity")
            if not itself and (other.name or "").lower() == f"{name}__r".lower():
                raise _invalid(f"There is already a Child Relationship named {name} on {target}.")


def check_values(definition: Tree) -> None:
    """Raises for two values of a value set that have one label."""
    seen: set[str] = set()
    for value in picklist_values(definition):
        if value.active and value.label.lower() in seen:
            raise ComponentProblem(f"Duplicate label: {value.label}", status_code="DUPLICATE_VALUE")
        seen.add(value.label.lower())


def _check_length(kind: str, tree: Tree) -> None:
    if kind in LENGTHS and text(tree, "length"):
        low, high = LENGTHS[kind]
        if not low <= number(tree, "length") <= high:
            raise _invalid(f"Invalid length: the length of a CustomField of type {kind} is {low} to {high}")
    if kind in ("Number", "Currency", "Percent") and not tree.get("formula"):
        precision, scale = number(tree, "precision"), number(tree, "scale")
        if not 1 <= precision <= 18 or not 0 <= scale <= precision:
            raise _invalid("Precision must be between 1 and 18, and scale between 0 and the precision")


def _check_references(org: "EmulatedOrg", tree: Tree) -> None:
    for target in texts(tree, "referenceTo"):
        defined = target in DEFINITIONS and text(tree, "type") == "MetadataRelationship"
        if target not in org.schema and not defined:
            raise ComponentProblem(
                f"referenceTo value of '{target}' does not resolve to a valid sObject type"
            )
    named = text(child(tree, "valueSet"), "valueSetName") or text(tree, "globalPicklist")
    if named and org.components.tree("GlobalValueSet", named) is None:
        raise ComponentProblem(f"In field: valueSetName - no GlobalValueSet named {named} found")
    for element in ("summaryForeignKey", "summarizedField"):
        full_name = text(tree, element)
        if full_name:
            owner, _, field = full_name.partition(".")
            known = org.schema.get(owner)
            if known is None or known.field(field) is None:
                raise ComponentProblem(f"In field: {element} - no CustomField named {full_name} found")


def _check_change(kind: str, tree: Tree, old: Tree) -> None:
    before = text(old, "type") or kind
    was, is_now = (_made_by(each, text(each, "type") or kind) for each in (old, tree))
    if was != is_now:
        told = f"to a {is_now} from something else" if is_now else f"from a {was} to something else"
        raise _invalid(f"Cannot update a field {told}")
    if before != kind and not old.get("formula") and not any({before, kind} <= each for each in FAMILIES):
        raise _invalid(f"Cannot change field type from {before} to {kind}")
    if kind in ("Lookup", "MasterDetail") and texts(tree, "referenceTo") != texts(old, "referenceTo"):
        raise _invalid("Cannot update referenceTo")


def _made_by(tree: Tree, kind: str) -> str:
    """What the platform computes a field's values by; empty where users write them."""
    return "Formula" if tree.get("formula") else kind if kind == "Summary" else ""


def _invalid(problem: str) -> ComponentProblem:
    return ComponentProblem(problem, status_code="FIELD_INTEGRITY_EXCEPTION")


def _missing(name: str) -> ComponentProblem:
    return ComponentProblem(
        f"Required field is missing: {name}", status_code="REQUIRED_FIELD_MISSING", fields=[name]
    )


# -- from the schema


SIMPLE = {
    "date": "Date",
    "datetime": "DateTime",
    "time": "Time",
    "email": "Email",
    "phone": "Phone",
    "url": "Url",
    "double": "Number",
    "int": "Number",
    "currency": "Currency",
    "percent": "Percent",
    "boolean": "Checkbox",
    "location": "Location",
    "encryptedstring": "EncryptedText",
    "picklist": "Picklist",
    "multipicklist": "MultiselectPicklist",
}


def type_of(field: Field) -> str:
    """Metadata's word for a field's type."""
    if field.auto_number is not None:
        return "AutoNumber"
    if field.summary is not None:
        return "Summary"
    if field.type == "reference":
        return "MasterDetail" if field.relationship_order is not None else "Lookup"
    if field.type == "textarea":
        return (
            "Html" if field.html else "TextArea" if field.sortable or field.length <= 255 else "LongTextArea"
        )
    return SIMPLE.get(field.type, "Text")


def standard_tree(field: Field) -> Tree | None:
    """What metadata tells of a standard field: of system fields and parts of others nothing."""
    if not field.updateable or field.compound:
        return None
    return {"trackFeedHistory": ["false"], "type": [type_of(field)]}


def field_tree(field: Field) -> Tree:
    """A component that makes this field."""
    kind = type_of(field)
    tree: Tree = {"externalId": [_word(field.external_id)], "label": [field.label]}
    tree["type"] = [kind]
    if field.help_text:
        tree["inlineHelpText"] = [field.help_text]
    if field.formula is not None:
        tree["formula"] = [field.formula]
    elif field.type == "boolean":
        tree["defaultValue"] = [_word(field.default)]
    elif kind != "Summary":
        tree["required"] = [_word(not field.nillable)]
    if kind in ("Text", "LongTextArea", "Html", "EncryptedText") and field.formula is None:
        tree["length"] = [str(field.length)]
    if kind in ("Text", "Number", "Email"):
        tree["unique"] = [_word(field.unique)]
    if kind in ("LongTextArea", "Html", "MultiselectPicklist"):
        tree["visibleLines"] = ["3"]
    if kind in ("Number", "Currency", "Percent"):
        tree |= {"precision": [str(field.precision)], "scale": [str(field.scale)]}
    if kind == "AutoNumber":
        tree["displayFormat"] = [field.auto_number]
    return {**tree, **_of_relations(field, kind), **_of_values(field, kind)}


def _of_relations(field: Field, kind: str) -> Tree:
    if kind not in ("Lookup", "MasterDetail"):
        return {}
    made: Tree = {"referenceTo": list(field.reference_to[:1])}
    if field.child_relationship_name:
        made["relationshipName"] = [field.child_relationship_name.removesuffix("__r")]
    if kind == "MasterDetail":
        made |= {
            "relationshipOrder": [str(field.relationship_order)],
            "reparentableMasterDetail": [_word(field.updateable)],
            "writeRequiresMasterRead": [_word(field.write_requires_master_read)],
        }
    return made


def _of_values(field: Field, kind: str) -> Tree:
    if kind not in ("Picklist", "MultiselectPicklist"):
        return {}
    definition: Tree = {"sorted": ["false"], "value": [value_tree(each) for each in field.picklist]}
    value_set: Tree = {"restricted": [_word(field.restricted_picklist)], "valueSetDefinition": [definition]}
    if field.controller:
        value_set["controllingField"] = [field.controller]
        value_set["valueSettings"] = [
            {"controllingFieldValue": list(controlling), "valueName": [value]}
            for value, controlling in field.valid_for
        ]
    return {"valueSet": [value_set]}


def value_tree(value: PicklistValue) -> dict[str, Any]:
    """One value of a value set."""
    made = {"fullName": [value.value], "default": [_word(value.default)], "label": [value.label]}
    return made if value.active else {**made, "isActive": ["false"]}


def _word(value: Any) -> str:
    return "true" if value else "false"
