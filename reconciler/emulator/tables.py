"""What a write to one object needs to know, worked out once and kept until the schema changes.

A row is built as a list in column order from a template that holds the defaults; each named value
goes through its field's reader to its place. Nothing of the schema is looked at per row.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING, Any

from .errors import ApiError, InvalidField
from .schema import Field, Schema, SObject
from .store import quoted
from .values import Reader, Writer, reader, writer

if TYPE_CHECKING:
    from .deletes import Below
    from .plain_rows import PlainRows

PERSON_NAMES = ("FirstName", "MiddleName", "LastName", "Suffix")
"""Parts of a person's Name in their order; the salutation is left out, as Salesforce does."""

KEPT_UPDATES = 256

STAMPS = ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")


class Entry:
    """One field a client may name in a write."""

    __slots__ = ("createable", "field", "is_reference", "name", "position", "read", "updateable")

    def __init__(self, field: Field, position: int) -> None:
        self.field = field
        self.name = field.name
        self.position = position
        self.read: Reader = reader(field)
        self.createable = field.createable and position >= 0
        self.updateable = field.updateable and position >= 0
        self.is_reference = field.type == "reference"


class Table:
    """The compiled form of one object."""

    def __init__(self, sobject: SObject) -> None:
        self.sobject = sobject
        self.name = sobject.name
        self.stored = [field for field in sobject.fields.values() if field.stored]
        self.columns = [field.name for field in self.stored]
        self.position = {name: at for at, name in enumerate(self.columns)}
        self.entries = self._entries()
        self.parents = {
            field.relationship_name.lower(): self.entries[field.name]
            for field in sobject.fields.values()
            if field.relationship_name and field.type == "reference"
        }
        self.required = [
            (self.position[field.name], field.name)
            for field in self.stored
            if not field.nillable and field.type not in ("boolean", "id") and field.createable
        ]
        self.required_names = {name for _, name in self.required}
        self.template = [_default(field) for field in self.stored]
        self.kept_defaults = [
            at
            for at, field in enumerate(self.stored)
            if field.type == "picklist" and not field.custom and not field.nillable and self.template[at]
        ]
        """Places of states such as a lead's: a new row with none, or a blank one, has the default.

        Source: django-salesforce's live suite, which makes leads with a blank Status.
        """
        self.created_stamps = [
            (self.position[name], name.endswith("ById")) for name in STAMPS if name in self.position
        ]
        """Places of the stamps of a new row, and whether it is the user's id or the time."""
        self.auto_numbers = [
            (self.position[field.name], field) for field in self.stored if field.auto_number is not None
        ]
        self.default_formulas = [
            (self.position[field.name], field)
            for field in self.stored
            if field.default_formula is not None and field.default is None
        ]
        """Places of values that are computed anew for each row, before the row's own are read."""
        self.has_bin = sobject.has_recycle_bin and "IsDeleted" in self.position
        self.living = ' AND "IsDeleted" = 0' if self.has_bin else ""
        self.name_parts = self._name_parts()
        name = sobject.field("Name")
        self.names_itself = self.position["Name"] if name and sobject.custom and name.nillable else 0
        """Place of a name that falls back to the id; 0 where there is none."""
        listed = ", ".join(quoted(column) for column in self.columns)
        marks = ", ".join("?" * len(self.columns))
        self.insert_sql = f"INSERT INTO {quoted(self.name)} ({listed}) VALUES ({marks})"
        self.select_sql = f'SELECT {listed} FROM {quoted(self.name)} WHERE "Id" = ?'
        self.state_sql = (
            f'SELECT {"IsDeleted" if self.has_bin else "0"} FROM {quoted(self.name)} WHERE "Id" = ?'
        )
        self._writers: dict[str, Writer] = {}
        self._updates: dict[tuple[str, ...], str] = {}
        self.plain: dict[tuple[str, ...], PlainRows | None] = {}
        """The quick ways to insert many rows, by the fields they give; made by `plain_rows`."""
        self.below: Below | None = None
        """What may hang on the object's rows; made by `deletes` for the first that goes."""

    def _entries(self) -> dict[str, Entry]:
        """Every field by its name as spelled and in lower case."""
        found = {}
        for field in self.sobject.fields.values():
            entry = Entry(field, self.position.get(field.name, -1))
            found[field.name] = found[field.name.lower()] = entry
        return found

    def _name_parts(self) -> list[int]:
        """Places of the parts Name is made of, for people; empty for everything else."""
        if not {"FirstName", "LastName", "Name"} <= self.position.keys():
            return []
        if self.sobject.fields["name"].createable:
            return []
        return [self.position[part] for part in PERSON_NAMES if part in self.position]

    def entry(self, name: str) -> Entry:
        """The entry for a name a client wrote. Raises INVALID_FIELD for one the object lacks."""
        found = self.entries.get(name) or self.entries.get(name.lower())
        if found is None:
            raise InvalidField(f"No such column '{name}' on sobject of type {self.name}")
        return found

    def of(self, sobject: SObject) -> "Table":
        """The same table for a copy of its object, with what was worked out shared: that is never changed."""
        twin = copy(self)
        twin.sobject = sobject
        return twin

    def writer(self, field: Field) -> Writer:
        made = self._writers.get(field.name)
        if made is None:
            made = self._writers[field.name] = writer(field)
        return made

    def update_sql(self, columns: tuple[str, ...]) -> str:
        """The statement that sets these columns of one row; many rows are changed in the same ones."""
        made = self._updates.get(columns)
        if made is None:
            if len(self._updates) >= KEPT_UPDATES:
                self._updates.clear()
            assignments = ", ".join(f"{quoted(column)} = ?" for column in columns)
            made = f'UPDATE {quoted(self.name)} SET {assignments} WHERE "Id" = ?'
            self._updates[columns] = made
        return made

    def missing(self, row: list[Any]) -> list[str]:
        return [name for at, name in self.required if row[at] is None]

    def person_name(self, row: list[Any]) -> str | None:
        return " ".join(row[at] for at in self.name_parts if row[at]) or None


def _default(field: Field) -> Any:
    """The stored default of a field: the checkbox's, the picklist's, or the literal one of the schema."""
    if field.type == "boolean":
        return 1 if field.default is True else 0
    if field.default is not None and not isinstance(field.default, bool):
        return field.default
    if field.type == "picklist" and (field.custom or field.defaulted_on_create or not field.nillable):
        return next((each.value for each in field.picklist if each.default and each.active), None)
    return None


class Tables:
    """The compiled tables of an org, by name without regard to case."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._version = schema.version
        self._made: dict[str, Table] = {}

    def fork(self, schema: Schema) -> "Tables":
        """The tables of ``schema``, an unchanged copy of this one's; those already compiled are not again."""
        twin = Tables(schema)
        if self._version == self._schema.version:
            twin._made = {name: table.of(schema[table.name]) for name, table in self._made.items()}
        return twin

    def __getitem__(self, name: str) -> Table:
        """The table of an object. Raises NOT_FOUND for one the org lacks."""
        if self._version != self._schema.version:
            self._made.clear()
            self._version = self._schema.version
        table = self._made.get(name)
        if table is None:
            sobject = self._schema.get(name)
            if sobject is None:
                raise ApiError("The requested resource does not exist", code="NOT_FOUND", status=404)
            table = self._made.get(sobject.name) or Table(sobject)
            self._made[sobject.name] = self._made[name] = table
        return table

    def all(self) -> Iterator[Table]:
        return (self[sobject.name] for sobject in self._schema)
