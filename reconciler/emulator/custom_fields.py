"""Custom fields and objects: from what metadata says to what describe tells.

Source: Metadata API Developer Guide, "CustomField" and "CustomObject"; describes of public orgs.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import ids
from .metadata_xml import Tree, child, each, flag, number, text, texts
from .schema import Field, PicklistValue, SObject
from .standard import usual

ValueSets = Mapping[str, tuple[PicklistValue, ...]]
"""Values by the name of a global value set."""

UNSORTABLE = {"filterable": False, "sortable": False, "groupable": False, "aggregatable": False}
FORMULA_TYPES = {"Text": "string", "Number": "double", "Checkbox": "boolean", "DateTime": "datetime"}
MULTIPICKLIST_LENGTH = 4099
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'')

TYPES: dict[str, tuple[str, dict[str, Any]]] = {
    "Text": ("string", {"length": 255}),
    "TextArea": ("textarea", {"length": 255, "extra_type_info": "plaintextarea", "groupable": True}),
    "LongTextArea": ("textarea", {"length": 32768, "extra_type_info": "plaintextarea", **UNSORTABLE}),
    "Html": ("textarea", {"length": 32768, "extra_type_info": "richtextarea", "html": True, **UNSORTABLE}),
    "EncryptedText": ("encryptedstring", {"length": 175, "encrypted": True, **UNSORTABLE}),
    "Checkbox": ("boolean", {"nillable": False, "defaulted_on_create": True, "default": False}),
    "Currency": ("currency", {"precision": 18, "scale": 2, "groupable": False}),
    "Number": ("double", {"precision": 18, "scale": 0, "groupable": False}),
    "Percent": ("percent", {"precision": 18, "scale": 2, "groupable": False}),
    "Date": ("date", {}),
    "DateTime": ("datetime", {"groupable": False}),
    "Time": ("time", {"groupable": False}),
    "Email": ("email", {"length": 80}),
    "Phone": ("phone", {"length": 40}),
    "Url": ("url", {"length": 255}),
    "Picklist": ("picklist", {"length": 255}),
    "MultiselectPicklist": (
        "multipicklist",
        {"length": MULTIPICKLIST_LENGTH, "sortable": False, "groupable": False},
    ),
    "Lookup": ("reference", {"length": 18}),
    "MasterDetail": (
        "reference",
        {"length": 18, "cascade_delete": True, "nillable": False, "updateable": False},
    ),
    "Hierarchy": ("reference", {"length": 18, "reference_to": ("User",)}),
    "AutoNumber": (
        "string",
        {"length": 30, "createable": False, "updateable": False, "defaulted_on_create": True},
    ),
    "Summary": ("double", {"precision": 18, "scale": 0, "groupable": False}),
    "MetadataRelationship": ("string", {"length": 255}),
    "ExternalLookup": ("string", {"length": 255}),
    "IndirectLookup": ("string", {"length": 255}),
}
"""Metadata's word for a type, describe's word, and what follows from the type alone."""

CUSTOM_SUFFIXES = ("__c", "__mdt", "__e", "__b", "__x", "__kav")


def fields_of(tree: Tree, sets: ValueSets, known: Callable[[str, str], Field | None]) -> list[Field]:
    """The fields one CustomField component makes: a location makes three, all others one.

    ``known`` finds a field of another object, for roll-ups that take over its type. An unknown type
    raises `ValueError`.
    """
    name, kind = text(tree, "fullName"), text(tree, "type")
    if not name or not kind:
        raise ValueError(f"field {name or '?'} has no {'type' if name else 'name'}")
    if kind == "Location":
        return _location(tree, name)
    if kind not in TYPES:
        raise ValueError(f"field {name} is of the unknown type {kind}")
    described, implied = TYPES[kind]
    made: dict[str, Any] = {**implied, "custom": True, "name": name, "label": text(tree, "label") or name}
    made["help_text"] = text(tree, "inlineHelpText")
    made |= _sizes(tree, kind)
    formula = text(tree, "formula")
    if formula is not None:
        made["blank_as_zero"] = text(tree, "formulaTreatBlanksAs") == "BlankAsZero"
        return [_formula(made, FORMULA_TYPES.get(kind, described), formula)]
    if kind == "Summary":
        return [_summary(tree, made, known)]
    made |= _rules(tree, kind, made)
    if kind == "MetadataRelationship":
        target = text(tree, "referenceTo") or ""
        if target.endswith("__mdt"):
            described, made["length"] = "reference", 18
        else:
            made["definition_of"] = target or None
    if kind in ("Lookup", "MasterDetail", "Hierarchy") or described == "reference":
        made |= _relationship(tree, kind, name, made["nillable"])
    if kind in ("Picklist", "MultiselectPicklist"):
        made |= _picklist(tree, sets)
    return [Field(type=described, **made)]


def _sizes(tree: Tree, kind: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if text(tree, "length") and kind in ("Text", "LongTextArea", "Html", "EncryptedText"):
        made["length"] = number(tree, "length")
    if text(tree, "precision"):
        made |= {"precision": number(tree, "precision"), "scale": number(tree, "scale")}
    return made


def _rules(tree: Tree, kind: str, implied: Mapping[str, Any]) -> dict[str, Any]:
    unique, external = flag(tree, "unique"), flag(tree, "externalId")
    required = flag(tree, "required") or not implied.get("nillable", True)
    made: dict[str, Any] = {
        "unique": unique,
        "external_id": external,
        "id_lookup": external or unique,
        "case_sensitive": unique and flag(tree, "caseSensitive"),
        "nillable": not required,
        "permissionable": not required or kind == "Checkbox",
    }
    if kind == "AutoNumber":
        made |= {"auto_number": text(tree, "displayFormat") or "{0}", "nillable": False}
        made["permissionable"] = True
        made["first_number"] = number(tree, "startingNumber", 1)
    if kind == "Html":
        made["filterable"] = False
    return made | _defaults(text(tree, "defaultValue"), kind)


def _defaults(written: str | None, kind: str) -> dict[str, Any]:
    if not written:
        return {}
    made = {"default": _default(written, kind), "defaulted_on_create": True}
    return made if kind == "Checkbox" else {**made, "default_formula": written}


def _default(written: str, kind: str) -> Any:
    """The literal a default formula is, as stored; None for formulas that are none."""
    if kind == "Checkbox":
        return written.lower() == "true"
    if kind in ("Number", "Currency", "Percent"):
        try:
            return float(written)
        except ValueError:
            return None
    match = LITERAL.fullmatch(written)
    if kind in ("Text", "TextArea", "Email", "Phone", "Url", "Picklist", "LongTextArea") and match:
        return match[1] if match[1] is not None else match[2]
    return None


def _formula(made: dict[str, Any], described: str, formula: str) -> Field:
    made = {key: value for key, value in made.items() if key not in ("default", "defaulted_on_create")}
    made |= {"createable": False, "updateable": False, "calculated": True, "permissionable": True}
    made["nillable"] = described != "boolean"
    if described == "string":
        made["length"] = 1300
    return Field(type=described, formula=formula, **made)


def _summary(tree: Tree, made: dict[str, Any], known: Callable[[str, str], Field | None]) -> Field:
    """A roll-up: the type of what it summarises, or a number for a count."""
    foreign_key, summarised = text(tree, "summaryForeignKey"), text(tree, "summarizedField")
    described = "double"
    source = known(*summarised.split(".", 1)) if summarised and "." in summarised else None
    if source is not None:
        described = source.type
        made |= {"precision": source.precision or 18, "scale": source.scale}
    made |= {"createable": False, "updateable": False, "calculated": True, "permissionable": True}
    filters = [
        [text(item, "field") or "", text(item, "operation") or "", text(item, "value") or ""]
        for item in each(tree, "summaryFilterItems")
    ]
    told = {
        "foreign_key": foreign_key,
        "operation": text(tree, "summaryOperation"),
        "field": summarised,
        "filters": filters,
    }
    return Field(type=described, summary=told, **made)


def _relationship(tree: Tree, kind: str, name: str, nillable: bool) -> dict[str, Any]:
    base = name.removesuffix("__c")
    targets = tuple(texts(tree, "referenceTo")) or ("User",)
    constraint = text(tree, "deleteConstraint")
    child_name = text(tree, "relationshipName")
    made: dict[str, Any] = {
        "reference_to": targets,
        "relationship_name": f"{base}__r",
        "child_relationship_name": f"{child_name}__r" if child_name else None,
        "restricted_delete": constraint == "Restrict" or (kind == "Lookup" and not nillable),
    }
    if constraint == "Cascade":
        made["cascade_delete"] = True
    if kind == "MasterDetail":
        made |= {
            "relationship_order": number(tree, "relationshipOrder"),
            "updateable": flag(tree, "reparentableMasterDetail"),
            "write_requires_master_read": flag(tree, "writeRequiresMasterRead"),
            "restricted_delete": False,
            "permissionable": False,
        }
    return made


def picklist_values(definition: Tree) -> tuple[PicklistValue, ...]:
    """The values of a value set, in its order, or by label where it is sorted."""
    values = []
    for name in ("value", "customValue", "standardValue", "picklistValues"):
        for item in each(definition, name):
            value = text(item, "fullName") or text(item, "valueName") or ""
            values.append(
                PicklistValue(
                    value,
                    text(item, "label") or value,
                    flag(item, "isActive", True),
                    flag(item, "default"),
                )
            )
    if flag(definition, "sorted"):
        values.sort(key=lambda each: each.label.lower())
    return tuple(values)


def _picklist(tree: Tree, sets: ValueSets) -> dict[str, Any]:
    value_set = child(tree, "valueSet")
    controller = text(value_set, "controllingField") or text(tree, "controllingField")
    named = text(value_set, "valueSetName") or text(tree, "globalPicklist")
    if named:
        values = sets.get(named, ())
        restricted = flag(value_set, "restricted", True)
    else:
        values = picklist_values(child(value_set, "valueSetDefinition") or child(tree, "picklist"))
        restricted = flag(value_set, "restricted") or flag(child(tree, "picklist"), "restrictedPicklist")
    return {
        "picklist": values,
        "restricted_picklist": restricted,
        "controller": controller,
        "valid_for": tuple(_settings(value_set, child(tree, "picklist"))) if controller else (),
    }


def _settings(value_set: Tree, old: Tree) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What the values go with, as metadata says it now and as it did before API 38."""
    for tree, item, name, controlling in (
        (value_set, "valueSettings", "valueName", "controllingFieldValue"),
        (old, "picklistValues", "fullName", "controllingFieldValues"),
    ):
        for told in each(tree, item):
            yield text(told, name) or "", tuple(texts(told, controlling))


def _location(tree: Tree, name: str) -> list[Field]:
    label, base = text(tree, "label") or name, name.removesuffix("__c")
    required = flag(tree, "required")
    scale = number(tree, "scale", 6)
    whole = Field(
        name=name,
        type="location",
        label=label,
        custom=True,
        createable=False,
        updateable=False,
        sortable=False,
        groupable=False,
        permissionable=not required,
        extra_type_info=None,
    )
    parts = [
        Field(
            name=f"{base}__{part}__s",
            type="double",
            label=f"{label} ({part})",
            custom=True,
            precision=3 + scale,
            scale=scale,
            nillable=not required,
            groupable=False,
            permissionable=False,
            compound=name,
        )
        for part in ("Latitude", "Longitude")
    ]
    return [whole, *parts]


# -- objects


def object_of(name: str, tree: Tree, prefix: str | None) -> SObject:
    """The object a CustomObject component makes, without its custom fields."""
    label = text(tree, "label") or name.rpartition("__")[0].replace("_", " ") or name
    sobject = SObject(
        name=name,
        label=label,
        label_plural=text(tree, "pluralLabel") or label,
        key_prefix=prefix,
        custom=True,
        has_recycle_bin=False,
    )
    setting = text(tree, "customSettingsType")
    if name.endswith("__mdt"):
        _metadata_type(sobject)
    elif name.endswith("__e"):
        _platform_event(sobject)
    elif setting or text(tree, "customSettingsVisibility"):
        _custom_setting(sobject, setting or "Hierarchy")
    else:
        _ordinary(sobject, tree)
    return sobject


def _ordinary(sobject: SObject, tree: Tree) -> None:
    sobject.has_recycle_bin = True
    sobject.flags = {
        "feedEnabled": flag(tree, "enableFeeds"),
        "layoutable": True,
        "mruEnabled": True,
        "searchable": flag(tree, "enableSearch", True),
        "triggerable": True,
        "activities": flag(tree, "enableActivities"),
        "sharingModel": text(tree, "sharingModel") or "ReadWrite",
    }
    owner = Field(
        name="OwnerId",
        type="reference",
        label="Owner ID",
        length=18,
        nillable=False,
        defaulted_on_create=True,
        reference_to=("Group", "User"),
        relationship_name="Owner",
    )
    _add(sobject, "Id", owner, "IsDeleted", name_field(child(tree, "nameField"), sobject.label))
    _add(sobject, "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
    if sobject.flags["activities"]:
        _add(sobject, "LastActivityDate")
    _add(sobject, "LastViewedDate", "LastReferencedDate")


def name_field(tree: Tree, label: str) -> Field:
    """The Name of a custom object: text that falls back to the id, or an auto-number."""
    automatic = text(tree, "type") == "AutoNumber"
    return Field(
        name="Name",
        type="string",
        label=text(tree, "label") or f"{label} Name",
        length=30 if automatic else 80,
        nillable=not automatic,
        createable=not automatic,
        updateable=not automatic,
        defaulted_on_create=True,
        id_lookup=True,
        name_field=True,
        auto_number=(text(tree, "displayFormat") or "{0}") if automatic else None,
        first_number=number(tree, "startingNumber", 1),
    )


def _custom_setting(sobject: SObject, kind: str) -> None:
    sobject.custom_setting = kind
    sobject.flags = {"layoutable": False, "triggerable": False}
    listed = kind == "List"
    name = Field(
        name="Name",
        type="string",
        label="Name",
        length=38 if listed else 80,
        nillable=not listed,
        unique=listed,
        id_lookup=listed,
        name_field=True,
        defaulted_on_create=not listed,
    )
    owner = Field(
        name="SetupOwnerId",
        type="reference",
        label="Location",
        length=18,
        nillable=False,
        updateable=False,
        defaulted_on_create=True,
        reference_to=("Organization", "Profile", "User"),
        relationship_name="SetupOwner",
        cascade_delete=True,
    )
    _add(sobject, "Id", "IsDeleted", name, owner)
    _add(sobject, "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
    if not listed:
        sobject.unique_keys = (("SetupOwnerId",),)


def _metadata_type(sobject: SObject) -> None:
    sobject.createable = sobject.updateable = sobject.deletable = sobject.undeletable = False
    fixed: dict[str, Any] = {"createable": False, "updateable": False, "nillable": False}
    _add(
        sobject,
        "Id",
        Field(name="DeveloperName", type="string", label="Custom Metadata Record Name", length=40, **fixed),
        Field(name="MasterLabel", type="string", label="Label", length=40, **fixed),
        Field(name="Language", type="picklist", label="Master Language", length=40, default="en_US", **fixed),
        Field(name="NamespacePrefix", type="string", label="Namespace Prefix", length=15, **fixed | NIL),
        Field(name="Label", type="string", label="Label", length=40, **fixed),
        Field(name="QualifiedApiName", type="string", label="Qualified API Name", length=70, **fixed),
        "SystemModstamp",
    )
    sobject.unique_keys = (("DeveloperName",),)


NIL = {"nillable": True}


def _platform_event(sobject: SObject) -> None:
    sobject.updateable = sobject.deletable = sobject.undeletable = sobject.queryable = False
    fixed: dict[str, Any] = {"createable": False, "updateable": False}
    _add(
        sobject,
        "Id",
        Field(name="ReplayId", type="string", label="Replay ID", length=1000, **fixed),
        "CreatedDate",
        "CreatedById",
        Field(name="EventUuid", type="string", label="Event UUID", length=36, **fixed),
    )


def _add(sobject: SObject, *added: Field | str) -> None:
    for each_one in added:
        sobject.add(usual(each_one, sobject.label) if isinstance(each_one, str) else each_one)


FIRST_LETTERS = (("__mdt", "m"), ("__e", "e"), ("__kav", "k"), ("__x", "x"), ("__b", "b"), ("", "a"))
"""How key prefixes of custom objects begin."""


def next_prefix(name: str, taken: Callable[[str], bool]) -> str:
    """The first free key prefix for a custom object: a00, a01, …"""
    letter = next(letter for suffix, letter in FIRST_LETTERS if name.endswith(suffix))
    return next(
        prefix for high in ids.ALPHABET for low in ids.ALPHABET if not taken(prefix := f"{letter}{high}{low}")
    )
