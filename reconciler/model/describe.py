"""What the org's describe tells of an object, reduced to what reconciling needs."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInfo:
    """One field. ``type`` is describe's word. ``required``: must be given on create."""

    name: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted: bool = False
    unique: bool = False
    external_id: bool = False
    id_lookup: bool = False
    case_sensitive: bool = False
    calculated: bool = False
    filterable: bool = True
    permissionable: bool = True
    restricted: bool = False
    picklist: tuple[str, ...] = ()
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None

    @property
    def required(self) -> bool:
        return self.createable and not self.nillable and not self.defaulted and self.type != "boolean"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """One object. ``fields`` by lower-case name; ``relationships`` lower-case path name -> its field."""

    name: str
    key_prefix: str | None
    label: str
    custom_setting: bool
    createable: bool
    updateable: bool
    deletable: bool
    fields: Mapping[str, FieldInfo]
    relationships: Mapping[str, FieldInfo]

    def field(self, name: str) -> FieldInfo | None:
        return self.fields.get(name.lower())
