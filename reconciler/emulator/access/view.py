"""The schema as one set of rights shows it, and the tables a write of theirs is read by.

A view is a schema of its own that shares with the org's whatever the rights leave as it is. Where
they change nothing it is the org's schema itself.

Source: Security Guide, "Field Permissions"; Object Reference, "FieldPermissions": a part of an
address follows the address.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Final

from ..schema import Field, Schema, SObject
from ..tables import Entry, Table
from .governed import CREATE, DELETE, EDIT, READ, VIEW_FIELDS, needs_of, rights_on
from .rights import Rights

READ_ONLY: Final[dict[str, Any]] = {"createable": False, "updateable": False}


@dataclass(frozen=True, slots=True)
class View:
    """``bits`` is what may be done with each object that can be seen, by name."""

    schema: Schema
    bits: Mapping[str, int]
    whole: bool
    """Whether nothing is hidden or narrowed, so that the schema is the org's own."""
    open: bool
    """Whether nothing is, but for the fields that a new org shows to nobody."""


def view_of(schema: Schema, rights: Rights) -> View:
    """What these rights show of a schema. Costs some milliseconds."""
    objects = dict(rights.objects)
    bits = {each.name: rights_on(each, rights.permissions, objects) for each in schema}
    seen = {each.name: _object(each, bits[each.name], rights) for each in schema if bits[each.name] & READ}
    hidden = {each.name for each in schema if each.name not in seen}
    shown = {name: bits[name] for name in seen}
    if not hidden and all(schema[name] is each for name, each in seen.items()):
        return View(schema, shown, whole=True, open=True)
    made = Schema()
    for sobject in seen.values():
        made.add(_without_paths(sobject, hidden) if hidden else sobject)
    is_open = not hidden and all(_is_open(schema[name], each) for name, each in seen.items())
    return View(made, shown, whole=False, open=is_open)


FLAGS = ("createable", "updateable", "deletable", "undeletable")


def _is_open(sobject: SObject, seen: SObject) -> bool:
    return seen is sobject or (
        all(getattr(seen, name) is getattr(sobject, name) for name in FLAGS)
        and all(field.withheld or seen.fields.get(key) is field for key, field in sobject.fields.items())
    )


def _object(sobject: SObject, bits: int, rights: Rights) -> SObject:
    """The object as it is seen: itself where nothing differs."""
    fields = {}
    same = True
    for key, field in sobject.fields.items():
        seen = field_seen(sobject, field, bits, rights)
        same = same and seen is field
        if seen is not None:
            fields[key] = seen
    flags: dict[str, Any] = {
        "createable": sobject.createable and bool(bits & CREATE),
        "updateable": sobject.updateable and bool(bits & EDIT),
        "deletable": sobject.deletable and bool(bits & DELETE),
        "undeletable": sobject.undeletable and bool(bits & DELETE),
    }
    same = same and all(getattr(sobject, name) is value for name, value in flags.items())
    return sobject if same else replace(sobject.copy(), fields=fields, **flags)


def field_seen(sobject: SObject, field: Field, bits: int, rights: Rights) -> Field | None:
    """The field as it is seen: itself, one that cannot be written, or nothing."""
    if not field.permissionable or (needs_of(sobject) is not None and sobject.name != "User"):
        return field
    names = [f"{sobject.name}.{each}".lower() for each in (field.name, field.compound) if each]
    if not (field.custom or field.withheld) and rights.standard_fields and rights.decided.isdisjoint(names):
        return field
    if not rights.editable.isdisjoint(names):
        return field
    readable = bits & VIEW_FIELDS or "ViewAllFieldsGlobal" in rights.permissions
    if not readable and rights.readable.isdisjoint(names):
        return None
    return replace(field, **READ_ONLY) if field.createable or field.updateable else field


def _without_paths(sobject: SObject, hidden: set[str]) -> SObject:
    """The object without the paths that lead to hidden ones alone."""
    cut = {
        key: replace(field, relationship_name=None)
        for key, field in sobject.fields.items()
        if field.relationship_name and field.reference_to and hidden.issuperset(field.reference_to)
    }
    return replace(sobject.copy(), fields=sobject.fields | cut) if cut else sobject


def narrowed(table: Table, sobject: SObject) -> Table:
    """The table by which a client's values are read: names it may not see are none, others are read-only."""
    twin = copy(table)
    twin.entries, twin.plain = {}, {}
    for name, entry in table.entries.items():
        field = sobject.field(name)
        if field is not None:
            twin.entries[name] = entry if field is entry.field else Entry(field, entry.position)
    twin.parents = {
        path: twin.entries[entry.name] for path, entry in table.parents.items() if entry.name in twin.entries
    }
    return twin
