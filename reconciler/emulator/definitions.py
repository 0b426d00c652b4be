"""EntityDefinition and FieldDefinition: the schema, as rows that SOQL can ask.

The rows are made when somebody asks for them and the schema has changed since. They refer to each
other by durable ids, which are names for standard objects and fields and ids for custom ones.

Source: Object Reference, "EntityDefinition", "FieldDefinition".
"""

from typing import Any

from . import ids
from .schema import Field, Schema, SObject
from .store import Store, quoted

ENTITY, FIELD = "4ie", "4fe"
CUSTOM_OBJECT, CUSTOM_FIELD = "01I", "00N"
UNNOTED = 1 << 40
"""Serial numbers from which ids are made for what has none as a component."""

DATA_TYPES = {
    "boolean": "Checkbox",
    "date": "Date",
    "datetime": "Date/Time",
    "time": "Time",
    "email": "Email",
    "phone": "Phone",
    "url": "URL",
    "picklist": "Picklist",
    "multipicklist": "Picklist (Multi-Select)",
    "combobox": "Picklist",
    "address": "Address",
    "location": "Geolocation",
    "base64": "Base64",
    "id": "Lookup()",
}
"""What FieldDefinition.DataType calls a type that has no size."""


def data_type(field: Field) -> str:
    """The type as Setup words it.

    >>> data_type(Field(name="A__c", type="string", label="A", length=80))
    'Text(80)'
    """
    if field.auto_number is not None:
        return "Auto Number"
    if field.summary is not None:
        return f"Roll-Up Summary ({str(field.summary.get('operation')).upper()})"
    base = _base_type(field)
    if field.formula is not None:
        return f"Formula ({base.partition('(')[0]})"
    if field.external_id:
        base += " (External ID)"
    if field.unique:
        base += " (Unique Case Sensitive)" if field.case_sensitive else " (Unique Case Insensitive)"
    return base


def _base_type(field: Field) -> str:
    if field.type == "reference":
        kind = "Master-Detail" if field.relationship_order is not None else "Lookup"
        return f"{kind}({','.join(field.reference_to)})"
    if field.type in ("double", "currency", "percent"):
        word = {"double": "Number", "currency": "Currency", "percent": "Percent"}[field.type]
        return f"{word}({field.precision - field.scale}, {field.scale})"
    if field.type in ("int", "long"):
        return f"Number({field.digits or 9}, 0)"
    if field.type == "textarea":
        word = "Rich Text Area" if field.html else "Text Area" if field.sortable else "Long Text Area"
        return f"{word}({field.length})"
    return DATA_TYPES.get(field.type) or f"Text({field.length})"


class Definitions:
    """The definition tables of one org."""

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store
        self._made_from = -1
        self._durable: dict[int, str] = {}

    def refresh_for(self, wanted: str) -> None:
        """Make the rows anew if ``wanted`` (an object's name or a query) may read them.

        Costs some 30 ms once after a change of the schema.
        """
        if "definition" in wanted.lower() and self._made_from != self._schema.version:
            with self._store.transaction():
                self._refresh()
            self._made_from = self._schema.version

    def durable_id(self, number: int | None) -> str | None:
        """How others refer to an object: its name, or its id if it is custom."""
        return None if number is None else self._durable.get(number)

    def number_of(self, durable_id: str) -> int | None:
        """The row of an object by its durable id or name; for filters on EntityDefinitionId."""
        self.refresh_for("EntityDefinition")
        wanted = durable_id.lower()
        return next((number for number, each in self._durable.items() if each.lower() == wanted), None)

    def _refresh(self) -> None:
        entities, fields = [], []
        self._durable.clear()
        known = self._component_ids()
        serial = 0
        for at, sobject in enumerate(self._schema, 1):
            number = ids.make(ENTITY, at)
            own = known.get(("CustomObject", sobject.name.lower()), ids.make(CUSTOM_OBJECT, at + UNNOTED))
            durable = ids.to_text(own)[:15] if sobject.custom else sobject.name
            self._durable[number] = durable
            entities.append(_entity(sobject, number, durable))
            for field in sobject.fields.values():
                serial += 1
                noted = known.get(("CustomField", f"{sobject.name}.{field.name}".lower()))
                fields.append(_field(sobject, field, serial, number, durable, noted))
        self._replace("EntityDefinition", entities)
        self._replace("FieldDefinition", fields)

    def _component_ids(self) -> dict[tuple[str, str], int]:
        """The ids that custom objects and fields have as components, by type and lower-case name."""
        rows = self._store.execute(
            "SELECT type, full_name, id FROM _components WHERE type IN ('CustomObject', 'CustomField') "
            "AND id IS NOT NULL"
        )
        return {(kind, name.lower()): number for kind, name, number in rows}

    def _replace(self, name: str, rows: list[dict[str, Any]]) -> None:
        columns = list(rows[0])
        listed = ", ".join(quoted(column) for column in columns)
        marks = ", ".join("?" * len(columns))
        self._store.execute(f"DELETE FROM {quoted(name)}")  # noqa: S608 - names are ours
        sql = f"INSERT INTO {quoted(name)} ({listed}) VALUES ({marks})"  # noqa: S608 - names are ours
        self._store.execute_many(sql, [tuple(row.values()) for row in rows])


def _developer_name(name: str) -> str:
    for suffix in ("__c", "__mdt", "__e", "__s"):
        name = name.removesuffix(suffix)
    return name.rpartition("__")[2]


def _namespace(name: str) -> str | None:
    parts = name.split("__")
    return parts[0] if len(parts) == 3 else None


def _entity(sobject: SObject, number: int, durable: str) -> dict[str, Any]:
    flags = sobject.flags
    return {
        "Id": number,
        "DurableId": durable,
        "QualifiedApiName": sobject.name,
        "NamespacePrefix": _namespace(sobject.name),
        "DeveloperName": _developer_name(sobject.name),
        "MasterLabel": sobject.label,
        "Label": sobject.label,
        "PluralLabel": sobject.label_plural,
        "KeyPrefix": sobject.key_prefix,
        "IsCustomizable": int(sobject.custom or bool(flags.get("layoutable"))),
        "IsCustomSetting": int(sobject.custom_setting is not None),
        "IsApexTriggerable": int(bool(flags.get("triggerable"))),
        "IsTriggerable": int(bool(flags.get("triggerable"))),
        "IsLayoutable": int(bool(flags.get("layoutable"))),
        "IsSearchable": int(bool(flags.get("searchable"))),
        "IsFeedEnabled": int(bool(flags.get("feedEnabled"))),
        "IsMruEnabled": int(bool(flags.get("mruEnabled"))),
        "IsReplicateable": int(flags.get("replicateable") is not False),
        "IsRetrieveable": int(flags.get("retrieveable") is not False),
        "IsQueryable": int(sobject.queryable),
        "IsEverCreatable": int(sobject.createable),
        "IsEverUpdatable": int(sobject.updateable),
        "IsEverDeletable": int(sobject.deletable),
        "IsIdEnabled": 1,
        "InternalSharingModel": str(flags.get("sharingModel") or "ReadWrite"),
        "ExternalSharingModel": "Private",
    }


def _field(
    sobject: SObject, field: Field, serial: int, entity: int, durable: str, noted: int | None
) -> dict[str, Any]:
    own = field.name.removesuffix("Id")
    if field.custom:
        own = ids.to_text(noted or ids.make(CUSTOM_FIELD, serial + UNNOTED))[:15]
    return {
        "Id": ids.make(FIELD, serial),
        "DurableId": f"{durable}.{own}",
        "QualifiedApiName": field.name,
        "EntityDefinitionId": entity,
        "NamespacePrefix": _namespace(field.name),
        "DeveloperName": _developer_name(field.name) if field.custom else field.name.removesuffix("Id"),
        "MasterLabel": field.label,
        "Label": field.label,
        "Length": field.length,
        "Precision": field.precision,
        "Scale": field.scale,
        "DataType": data_type(field),
        "ExtraTypeInfo": field.extra_type_info,
        "IsCalculated": int(field.calculated),
        "IsHtmlFormatted": int(field.html),
        "IsNameField": int(field.name_field),
        "IsNillable": int(field.nillable),
        "IsIndexed": int(field.unique or field.external_id or field.type in ("id", "reference")),
        "IsApiFilterable": int(field.filterable),
        "IsApiSortable": int(field.sortable),
        "IsApiGroupable": int(field.groupable),
        "IsCompound": int(field.type in ("address", "location")),
        "IsPolymorphicForeignKey": int(len(field.reference_to) > 1),
        "RelationshipName": field.relationship_name,
    }
