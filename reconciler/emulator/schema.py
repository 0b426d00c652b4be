"""What an org has: objects, fields, relationships, record types. Describe, SOQL and writes read it.

Names are found without regard to case and spelled as declared. The standard objects come from
compact files of our own (`standard/`), custom ones from a project's metadata (`seeding`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class PicklistValue:
    value: str
    label: str
    active: bool = True
    default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field, with what describe tells of it. ``type`` is describe's word (`string`, `reference`…)."""

    name: str
    type: str
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted_on_create: bool = False
    default: Any = None
    unique: bool = False
    external_id: bool = False
    id_lookup: bool = False
    case_sensitive: bool = False
    name_field: bool = False
    custom: bool = False
    calculated: bool = False
    formula: str | None = None
    blank_as_zero: bool = False
    """Whether a formula takes the blank numbers it names for zero."""
    default_formula: str | None = None
    """The default of a custom field as it is written; ``default`` is its value where that is a literal."""
    auto_number: str | None = None
    """Display format of an auto-number, `A-{0000}`."""
    first_number: int = 1
    """Where an auto-number begins."""
    summary: Any = None
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    """Name of the path to the parent (`Account`, `Parent__r`)."""
    child_relationship_name: str | None = None
    """Name of the path from the parent to these rows (`Contacts`)."""
    cascade_delete: bool = False
    restricted_delete: bool = False
    relationship_order: int | None = None
    write_requires_master_read: bool = False
    picklist: tuple[PicklistValue, ...] = ()
    restricted_picklist: bool = False
    controller: str | None = None
    valid_for: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Of a picklist that another field controls: a value, and the controlling values it goes with."""
    filterable: bool = True
    sortable: bool = True
    groupable: bool = True
    aggregatable: bool = True
    permissionable: bool = False
    withheld: bool = False
    """A standard field that a new org shows to nobody, until a permission does."""
    definition_of: str | None = None
    """What a custom metadata type's field names: `EntityDefinition`, `FieldDefinition`."""
    compound: str | None = None
    """The compound field this is a part of (`BillingAddress`, `Name`)."""
    html: bool = False
    encrypted: bool = False
    extra_type_info: str | None = None
    help_text: str | None = None
    search_prefilterable: bool = False
    name_pointing: bool | None = None
    """Whether a path over the reference leads to a Name; None where that follows from its targets."""
    byte_length: int | None = None
    """None where it follows from the length."""

    @property
    def stored(self) -> bool:
        """Whether the table has a column for it: not for addresses, locations and formulas."""
        return self.type not in ("address", "location") and not self.computed

    @property
    def computed(self) -> bool:
        """Whether it is a formula or a roll-up, whose value is made when it is asked for."""
        return self.formula is not None or self.summary is not None


@dataclass(frozen=True, slots=True)
class RecordTypeInfo:
    developer_name: str
    label: str
    active: bool = True
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ChildRelationship:
    child: str
    field: str
    name: str | None
    cascade_delete: bool
    restricted_delete: bool


@dataclass(slots=True, kw_only=True)
class SObject:
    """One object. ``fields`` is keyed by the lower-case name, in describe's order."""

    name: str
    label: str
    label_plural: str
    key_prefix: str | None
    fields: dict[str, Field] = field(default_factory=dict)
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    queryable: bool = True
    undeletable: bool = True
    custom: bool = False
    custom_setting: str | None = None
    """`Hierarchy` or `List` for a custom setting."""
    setup: bool = False
    """Whether its rows may not share a transaction with other objects (MIXED_DML)."""
    has_recycle_bin: bool = True
    unique_keys: tuple[tuple[str, ...], ...] = ()
    """Field combinations that identify a row, beyond single unique fields."""
    record_types: list[RecordTypeInfo] = field(default_factory=list)
    filter_required: tuple[str, ...] = ()
    """Objects over metadata demand a filter on one of these."""
    flags: dict[str, Any] = field(default_factory=dict)
    """Further describe flags that differ from the usual (`feedEnabled`, `mergeable`…)."""

    def copy(self) -> "SObject":
        """The same object with collections of its own; fields are values and are shared."""
        return replace(
            self, fields=dict(self.fields), record_types=list(self.record_types), flags=dict(self.flags)
        )

    def field(self, name: str) -> Field | None:
        return self.fields.get(name.lower())

    def add(self, new: Field) -> None:
        self.fields[new.name.lower()] = new

    def parent_path(self, relationship: str) -> Field | None:
        """The reference field whose relationship name is ``relationship``."""
        wanted = relationship.lower()
        for candidate in self.fields.values():
            if candidate.relationship_name and candidate.relationship_name.lower() == wanted:
                return candidate
        return None


class Schema:
    """All objects of an org, by name without regard to case.

    An object may be promised: it is made when somebody asks for it, and what asks for all makes all.
    """

    def __init__(self) -> None:
        self._objects: dict[str, SObject] = {}
        self._promised: Mapping[str, Callable[[], SObject]] = {}
        """How to make the objects that are not there yet; those that are there come first."""
        self._by_prefix: dict[str, str] = {}
        """Names in lower case."""
        self._children: dict[str, list[ChildRelationship]] | None = None
        self.version = 0
        """Counts changes, so that what was compiled from the schema knows it is stale."""

    def copy(self) -> "Schema":
        """A schema that can be changed without changing this one."""
        twin = Schema()
        for name, sobject in list(self._objects.items()):
            twin._objects[name] = sobject.copy()
        twin._promised, twin._by_prefix = self._promised, dict(self._by_prefix)
        twin.touch()
        return twin

    def become(self, other: "Schema") -> None:
        """Hold what ``other`` holds; ``other`` is not to be used afterwards."""
        self._objects, self._promised = other._objects, other._promised
        self._by_prefix = other._by_prefix
        self.touch()

    def __iter__(self) -> Iterator[SObject]:
        return iter([self[name] for name in sorted({*self._objects, *self._promised})])

    def __contains__(self, name: str) -> bool:
        lowered = name.lower()
        return lowered in self._objects or lowered in self._promised

    def get(self, name: str) -> SObject | None:
        lowered = name.lower()
        found = self._objects.get(lowered)
        if found is None and lowered in self._promised:
            found = self._objects.setdefault(lowered, self._promised[lowered]())
        return found

    def __getitem__(self, name: str) -> SObject:
        found = self.get(name)
        if found is None:
            raise KeyError(name.lower())
        return found

    def by_prefix(self, prefix: str) -> SObject | None:
        name = self._by_prefix.get(prefix)
        return None if name is None else self.get(name)

    def promise(self, prefixes: Mapping[str, str], makers: Mapping[str, Callable[[], SObject]]) -> None:
        """Have these objects, by name in lower case, and their key prefixes; each is made when asked for."""
        self._promised = {**self._promised, **makers}
        self._by_prefix |= prefixes
        self.touch()

    def add(self, sobject: SObject) -> None:
        self._objects[sobject.name.lower()] = sobject
        if sobject.key_prefix:
            self._by_prefix[sobject.key_prefix] = sobject.name.lower()
        self.touch()

    def touch(self) -> None:
        """Something changed: forget what was derived from the schema."""
        self._children = None
        self.version += 1

    def remove(self, name: str) -> None:
        gone, lowered = self[name], name.lower()
        del self._objects[lowered]
        self._promised = {each: maker for each, maker in self._promised.items() if each != lowered}
        if gone.key_prefix and self._by_prefix.get(gone.key_prefix) == lowered:
            del self._by_prefix[gone.key_prefix]
        self.touch()

    def add_field(self, sobject: str, new: Field) -> None:
        self[sobject].add(new)
        self.touch()

    def replace_field(self, sobject: str, name: str, **changes: Any) -> None:
        owner = self[sobject]
        owner.add(replace(owner.fields[name.lower()], **changes))
        self.touch()

    def children_of(self, name: str) -> list[ChildRelationship]:
        """Reference fields of other objects that point here, with the path's name from here."""
        if self._children is None:
            found: dict[str, list[ChildRelationship]] = {}
            for sobject in self:
                for each in sobject.fields.values():
                    for parent in each.reference_to:
                        found.setdefault(parent.lower(), []).append(
                            ChildRelationship(
                                sobject.name,
                                each.name,
                                each.child_relationship_name,
                                each.cascade_delete,
                                each.restricted_delete,
                            )
                        )
            self._children = found
        return self._children.get(name.lower(), [])
