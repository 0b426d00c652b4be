"""The part of the schema that is not standard, kept with the rows.

Whatever is added to an org's schema goes through here: it changes the schema, makes the table or
the column, and notes the addition in `_schema`, so that a file opened later has the same objects.
A note is the JSON of what differs from the defaults of the dataclass; the newest for a name counts.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from typing import Any

from .access.shares import share_name, share_object, share_of, wants_share
from .schema import Field, PicklistValue, RecordTypeInfo, Schema, SObject
from .store import Store

DDL = (
    "CREATE TABLE IF NOT EXISTS _schema (object TEXT NOT NULL, field TEXT NOT NULL, content TEXT NOT NULL, "
    "PRIMARY KEY (object, field))"
)
"""``field`` is empty for the object itself."""
NOTE = "INSERT OR REPLACE INTO _schema VALUES (?, ?, ?)"
FIELD_DEFAULTS = {each.name: each.default for each in dataclass_fields(Field)}
OBJECT_PARTS = tuple(
    each.name for each in dataclass_fields(SObject) if each.name not in ("fields", "record_types")
)


class Additions:
    """Changes to one org's schema that last."""

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store
        store.ensure_table(DDL)

    def add_object(self, sobject: SObject) -> None:
        """Add an object with the fields it has, or replace what is told of one that exists."""
        self.add_objects([sobject])

    def add_objects(self, sobjects: Iterable[SObject]) -> None:
        made = list(sobjects)
        with self._store.transaction():
            for sobject in made:
                self._schema.add(sobject)
                self._store.execute(NOTE, (sobject.name, "", json.dumps(object_to_json(sobject))))
                rows = [
                    (sobject.name, each.name, json.dumps(field_to_json(each)))
                    for each in sobject.fields.values()
                ]
                self._store.execute_many(NOTE, rows)
            self._store.create_tables(made)
            for sobject in made:
                self._follow_sharing(sobject)

    def _follow_sharing(self, owner: SObject) -> None:
        """Give an object the share object that it should have, or take away what it no longer has."""
        share = share_of(self._schema, owner)
        if wants_share(owner) and share is None:
            self.add_object(share_object(owner))
        elif owner.custom and share is not None and not wants_share(owner):
            self.remove_object(share.name)

    def add_fields(self, sobject: str, added: Iterable[Field]) -> None:
        """Add fields, or put new definitions in place of old ones of the same name.

        A field keeps its values when its definition changes; the column's type does not change. Raises
        `sqlite3.IntegrityError`, and adds nothing, when rows have a value twice that is to be unique.
        """
        owner = self._schema[sobject]
        new = list(added)
        with self._store.transaction():
            for field in new:
                known = owner.field(field.name)
                if field.stored and not (known and known.stored):
                    self._store.add_column(owner, field)
                elif known is not None:
                    self._store.reindex(owner, known, field)
                self._store.execute(NOTE, (owner.name, field.name, json.dumps(field_to_json(field))))
        for field in new:
            self._schema.add_field(owner.name, field)
        if any(field.relationship_order is not None for field in new):
            self._follow_sharing(owner)

    def remove_field(self, sobject: str, name: str) -> None:
        """Take a custom field and its values away."""
        owner = self._schema[sobject]
        field = owner.fields[name.lower()]
        with self._store.transaction():
            del owner.fields[name.lower()]
            self._schema.touch()
            self._store.execute(
                "DELETE FROM _schema WHERE object = ? AND field = ?", (owner.name, field.name)
            )
            if field.stored:
                self._store.drop_column(owner, field)

    def remove_object(self, name: str) -> None:
        """Take a custom object and its rows away."""
        owner = self._schema[name]
        with self._store.transaction():
            if (share := share_of(self._schema, owner)) is not None:
                self.remove_object(share.name)
            self._schema.remove(owner.name)
            self._store.execute("DELETE FROM _schema WHERE object = ?", (owner.name,))
            self._store.drop_table(owner)

    def rename_object(self, name: str, new: str) -> None:
        """Give a custom object another name; its rows stay, and fields that led to it still do."""
        owner = self._schema[name]
        twin = replace(owner, name=new)
        share = share_of(self._schema, owner)
        with self._store.transaction():
            self._store.rename_table(owner, twin)
            self._store.execute("UPDATE _schema SET object = ? WHERE object = ?", (new, owner.name))
            self._store.execute(NOTE, (new, "", json.dumps(object_to_json(twin))))
            self._schema.remove(owner.name)
            self._schema.add(twin)
            for each in self._schema:
                led = [field for field in each.fields.values() if owner.name in field.reference_to]
                self.add_fields(each.name, [_leading_to(field, owner.name, new) for field in led])
            if share is not None:
                self.update_object(share.name, flags={**share.flags, "associateParentEntity": new})
                self.rename_object(share.name, share_name(new))

    def update_object(self, name: str, **changes: Any) -> None:
        """Change what describe tells of an object, its fields aside."""
        owner = self._schema[name]
        for part, value in changes.items():
            setattr(owner, part, value)
        self._schema.touch()
        self._store.execute(NOTE, (owner.name, "", json.dumps(object_to_json(owner))))
        self._follow_sharing(owner)

    def changed_objects(self) -> list[str]:
        """Names of the objects that are not as they come with the standard schema."""
        return [row[0] for row in self._store.execute("SELECT DISTINCT object FROM _schema")]

    def reload(self) -> None:
        """Put into the schema what the store has noted; the tables are there already."""
        notes = self._store.execute("SELECT object, field, content FROM _schema ORDER BY rowid")
        for name, field, content in notes:
            if not field:
                self._reload_object(name, json.loads(content))
        for name, field, content in notes:
            if field:
                self._schema.add_field(name, field_from_json(json.loads(content)))

    def _reload_object(self, name: str, told: Mapping[str, Any]) -> None:
        sobject = object_from_json(told)
        if known := self._schema.get(name):
            sobject.fields = known.fields
        self._schema.add(sobject)


def _leading_to(field: Field, old: str, new: str) -> Field:
    return replace(field, reference_to=tuple(new if each == old else each for each in field.reference_to))


def field_to_json(field: Field) -> dict[str, Any]:
    told = {
        name: getattr(field, name)
        for name, default in FIELD_DEFAULTS.items()
        if getattr(field, name) != default
    }
    if field.picklist:
        told["picklist"] = [[each.value, each.label, each.active, each.default] for each in field.picklist]
    return told


def field_from_json(told: Mapping[str, Any]) -> Field:
    made = dict(told)
    if "picklist" in made:
        made["picklist"] = tuple(PicklistValue(*each) for each in made["picklist"])
    if "reference_to" in made:
        made["reference_to"] = tuple(made["reference_to"])
    if "valid_for" in made:
        made["valid_for"] = tuple((value, tuple(controlling)) for value, controlling in made["valid_for"])
    return Field(**made)


def object_to_json(sobject: SObject) -> dict[str, Any]:
    told = {name: getattr(sobject, name) for name in OBJECT_PARTS}
    told["record_types"] = [
        [each.developer_name, each.label, each.active, each.description] for each in sobject.record_types
    ]
    return told


def object_from_json(told: Mapping[str, Any]) -> SObject:
    made = dict(told)
    made["record_types"] = [RecordTypeInfo(*each) for each in made["record_types"]]
    made["unique_keys"] = tuple(tuple(key) for key in made["unique_keys"])
    made["filter_required"] = tuple(made["filter_required"])
    return SObject(**made)
