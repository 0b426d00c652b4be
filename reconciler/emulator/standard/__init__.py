"""The standard objects, as compact files of our own, one line a field.

A file is a run of blocks. A block begins with an object and goes on with its fields::

    @Account 001 | Account | Accounts | undelete merge
    Name         string 255 req name | Account Name
    OwnerId      reference User def req rel:Owner kids: | Owner ID
    Type         picklist 40 | Account Type | Prospect;Customer - Direct;Other
    CreatedById

First the name, the type and its size (`255` characters, `18,2` precision and scale, `8` digits),
then words from `FIELD_WORDS` and `key:value` pairs from `FIELD_KEYS`; after bars the label and the
picklist values (`value=label`, a star marks the default, a minus an inactive one; `=name` is a list
of `lists.txt`). A bare name is
one of `USUAL`, the fields that are alike everywhere, but for a label that may follow. `%permissions`
stands for the user permissions of `permissions.txt`, which profiles and permission sets share.

Source: describes and field lists of public orgs at API 46 to 64; the facts, not the texts.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from ..schema import Field, PicklistValue, Schema, SObject

FOLDER = Path(__file__).parent
SHAPES: dict[str, dict[str, Any]] = {
    "id": {"length": 18, "id_lookup": True, "createable": False, "updateable": False, "nillable": False},
    "reference": {"length": 18},
    "datetime": {"groupable": False},
    "boolean": {"nillable": False, "defaulted_on_create": True, "default": False},
    "double": {"groupable": False},
    "currency": {"groupable": False},
    "percent": {"groupable": False},
    "address": {"createable": False, "updateable": False, "sortable": False, "groupable": False},
    "location": {"createable": False, "updateable": False, "sortable": False, "groupable": False},
    "base64": {"filterable": False, "sortable": False, "groupable": False, "aggregatable": False},
    "email": {"length": 80},
    "phone": {"length": 40},
    "url": {"length": 255},
}
"""What a type implies unless a line says otherwise."""

READ_ONLY = {"createable": False, "updateable": False}
FIELD_WORDS: dict[str, dict[str, Any]] = {
    "req": {"nillable": False},
    "nil": {"nillable": True},
    "def": {"defaulted_on_create": True},
    "ro": READ_ONLY,
    "create": {"updateable": False},
    "edit": {"createable": False},
    "uniq": {"unique": True},
    "ext": {"external_id": True},
    "key": {"id_lookup": True},
    "cs": {"case_sensitive": True},
    "name": {"name_field": True},
    "calc": {"calculated": True},
    "restricted": {"restricted_picklist": True},
    "perm": {"permissionable": True},
    "withheld": {"permissionable": True, "withheld": True},
    "nofilter": {"filterable": False},
    "nosort": {"sortable": False},
    "nogroup": {"groupable": False},
    "noagg": {"aggregatable": False},
    "long": {"filterable": False, "sortable": False, "groupable": False, "aggregatable": False},
    "html": {"html": True},
    "enc": {"encrypted": True},
    "true": {"default": True},
    "cascade": {"cascade_delete": True},
    "restrict": {"restricted_delete": True},
    "masterread": {"write_requires_master_read": True},
    "undef": {"defaulted_on_create": False},
    "pre": {"search_prefilterable": True},
    "point": {"name_pointing": True},
    "nopoint": {"name_pointing": False},
    "agg": {"aggregatable": True},
    "nokey": {"id_lookup": False},
}
FIELD_KEYS = {
    "rel": "relationship_name",
    "kids": "child_relationship_name",
    "in": "compound",
    "xt": "extra_type_info",
    "auto": "auto_number",
    "ctl": "controller",
    "value": "default",
    "bytes": "byte_length",
}
STAMP = {"type": "datetime", **READ_ONLY, "nillable": False, "defaulted_on_create": True, "groupable": False}
BY = {
    "type": "reference",
    "length": 18,
    "reference_to": ("User",),
    **READ_ONLY,
    "nillable": False,
    "defaulted_on_create": True,
}
USUAL: dict[str, dict[str, Any]] = {
    "Id": {"type": "id", **SHAPES["id"], "defaulted_on_create": True},
    "IsDeleted": {
        "type": "boolean",
        **SHAPES["boolean"],
        **READ_ONLY,
        "aggregatable": False,
        "label": "Deleted",
    },
    "CreatedDate": {**STAMP, "label": "Created Date"},
    "CreatedById": {**BY, "label": "Created By ID", "relationship_name": "CreatedBy"},
    "LastModifiedDate": {**STAMP, "label": "Last Modified Date"},
    "LastModifiedById": {**BY, "label": "Last Modified By ID", "relationship_name": "LastModifiedBy"},
    "SystemModstamp": {**STAMP, "label": "System Modstamp"},
    "LastViewedDate": {**STAMP, "nillable": True, "defaulted_on_create": False, "label": "Last Viewed Date"},
    "LastReferencedDate": {
        **STAMP,
        "nillable": True,
        "defaulted_on_create": False,
        "label": "Last Referenced Date",
    },
    "LastActivityDate": {"type": "date", **READ_ONLY, "label": "Last Activity"},
}
OBJECT_WORDS: dict[str, dict[str, Any]] = {
    "readonly": {"createable": False, "updateable": False, "deletable": False, "undeletable": False},
    "nocreate": {"createable": False},
    "noupdate": {"updateable": False},
    "nodelete": {"deletable": False, "undeletable": False},
    "noundelete": {"undeletable": False},
    "setup": {"setup": True},
}
FLAGS = (
    "activateable",
    "deepCloneable",
    "feedEnabled",
    "hasSubtypes",
    "isInterface",
    "isSubtype",
    "layoutable",
    "mergeable",
    "mruEnabled",
    "searchable",
    "triggerable",
)
"""What a standard object is only if its first line says so."""


def load() -> Schema:
    """A new schema with every standard object; each is parsed when it is first asked for in a process."""
    prefixes, makers = _promises()
    schema = Schema()
    schema.promise(prefixes, makers)
    return schema


@cache
def _promises() -> tuple[dict[str, str], dict[str, Callable[[], SObject]]]:
    """Names by key prefix, and how each object is made; names in lower case."""
    prefixes: dict[str, str] = {}
    makers: dict[str, Callable[[], SObject]] = {}
    for path in sorted(FOLDER.glob("*.objects")):
        for block in blocks(path.read_text(encoding="utf-8")):
            name, _, prefix = block.partition("|")[0].partition("\n")[0].strip().partition(" ")
            makers[name.lower()] = partial(_made, block)
            if prefix:
                prefixes[prefix.strip()] = name.lower()
    return prefixes, makers


def _made(block: str) -> SObject:
    return _parsed(block).copy()


@cache
def _parsed(block: str) -> SObject:
    return _parse_object(block)


def parse(text: str) -> Iterator[SObject]:
    """The objects of one file, in its order."""
    return map(_parse_object, blocks(text))


def blocks(text: str) -> list[str]:
    """The objects of one file, in its order, each without the sign it begins with."""
    return re.split(r"^@", text, flags=re.MULTILINE)[1:]


def _parse_object(block: str) -> SObject:
    head, *lines = block.splitlines()
    made = _parse_head(head)
    for line in lines:
        if not line or line[0] == "#":
            continue
        if line == "IsDeleted":
            made.has_recycle_bin = not made.flags.pop("nobin", False)
            made.add(_usual(line))
        elif line == "%permissions":
            for field in _permissions():
                made.add(field)
        else:
            made.add(_parse_field(line, made))
    return made


def _parse_head(line: str) -> SObject:
    parts = [part.strip() for part in line.split("|")]
    name, _, prefix = parts[0].partition(" ")
    changes: dict[str, Any] = {}
    flags: dict[str, Any] = dict.fromkeys(FLAGS, False)
    for word in parts[3].split() if len(parts) > 3 else ():
        if word in OBJECT_WORDS:
            changes |= OBJECT_WORDS[word]
        elif word.startswith("unique:"):
            keys = tuple(tuple(key.split("+")) for key in word[7:].split(","))
            changes["unique_keys"] = keys
        elif word.startswith("filter:"):
            changes["filter_required"] = tuple(word[7:].split(","))
        elif word.startswith("shareof:"):
            flags |= {"associateEntityType": "Share", "associateParentEntity": word[8:]}
        elif word.startswith(("scopes:", "named:")):
            flag, _, value = word.partition(":")
            flags[flag] = tuple(value.split(","))
        else:
            flag, _, value = word.partition("=")
            flags[flag] = value != "no"
    return SObject(
        name=name,
        label=parts[1],
        label_plural=parts[2],
        key_prefix=prefix or None,
        has_recycle_bin=False,
        flags=flags,
        **changes,
    )


def _parse_field(line: str, owner: SObject) -> Field:
    head, _, rest = line.partition("|")
    label, _, values = rest.partition("|")
    words = head.split()
    name = words[0]
    label = label.strip()
    if len(words) == 1:
        found = usual(name, owner.label)
        return replace(found, label=label) if label else found
    kind = words[1]
    made: dict[str, Any] = {"label": label or name, **SHAPES.get(kind, {})}
    for word in words[2:]:
        if word in FIELD_WORDS:
            made |= FIELD_WORDS[word]
        elif word[0].isdigit():
            made |= _size(kind, word)
        elif ":" in word:
            key, _, value = word.partition(":")
            made[FIELD_KEYS[key]] = int(value) if key == "bytes" else value or None
        else:
            made["reference_to"] = tuple(word.split(","))
    if values:
        made["picklist"] = _picklist(values.strip())
    if made.get("default") and isinstance(made["default"], str) and kind in ("int", "double"):
        made["default"] = float(made["default"]) if kind == "double" else int(made["default"])
    return Field(name=name, type=kind, **made)


def usual(name: str, owner_label: str) -> Field:
    """A field that is alike in every object, by its name."""
    return Field(name=name, label=f"{owner_label} ID", **USUAL[name]) if name == "Id" else _usual(name)


@cache
def _usual(name: str) -> Field:
    return Field(name=name, **USUAL[name])


def _size(kind: str, word: str) -> dict[str, Any]:
    if "," in word:
        precision, scale = word.split(",")
        return {"precision": int(precision), "scale": int(scale)}
    return {"digits" if kind in ("int", "long") else "length": int(word)}


def _picklist(text: str) -> tuple[PicklistValue, ...]:
    if text.startswith("="):
        return _lists()[text[1:]]
    values = []
    for part in text.split(";"):
        active, default = not part.startswith("-"), part.endswith("*")
        value, _, label = part.removeprefix("-").removesuffix("*").partition("=")
        values.append(PicklistValue(value, label or value, active, default))
    return tuple(values)


@cache
def _lists() -> dict[str, tuple[PicklistValue, ...]]:
    """Picklists that several objects share: time zones, locales, languages."""
    text = (FOLDER / "lists.txt").read_text(encoding="utf-8")
    return {
        name: _picklist(values) for name, _, values in (line.partition(" ") for line in text.splitlines())
    }


@cache
def _permissions() -> tuple[Field, ...]:
    text = (FOLDER / "permissions.txt").read_text(encoding="utf-8")
    shape = {
        **SHAPES["boolean"],
        "defaulted_on_create": False,
        "aggregatable": False,
        "groupable": False,
        "sortable": False,
    }
    return tuple(
        Field(name="Permissions" + name, type="boolean", **{"label": label, **shape})
        for name, _, label in (line.partition("|") for line in text.splitlines() if line)
    )
