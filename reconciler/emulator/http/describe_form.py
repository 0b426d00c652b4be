"""The describe of objects and fields: 45 keys and 57 a field from API 50 on, fewer before.

Values that no field of this schema can differ in stand in `FIELD_CONSTANTS` and `OBJECT_FLAGS`; the
rest is read from the schema. Keys come in alphabetical order, as Salesforce writes them; the version
in which a key is first known to be there stands in `SINCE`.

Source: REST API Developer Guide, "sObject Describe"; keys and constants as recorded.
"""

from typing import Any

from reconciler.emulator.dependent import valid_for
from reconciler.emulator.schema import (
    ChildRelationship,
    Field,
    PicklistValue,
    RecordTypeInfo,
    Schema,
    SObject,
)

MASTER_RECORD_TYPE = "012000000000000AAA"

SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
    "base64": "xsd:base64Binary",
    "long": "xsd:long",
    "address": "urn:address",
    "location": "urn:location",
    "anyType": "xsd:anyType",
}
"""All other types are `xsd:string`."""

BYTES_PER_CHARACTER = 3
NOT_COUNTED_IN_CHARACTERS = frozenset(("id", "reference", "base64"))

FIELD_CONSTANTS: dict[str, Any] = {
    "aiPredictionField": False,
    "deprecatedAndHidden": False,
    "displayLocationInDecimal": False,
    "filteredLookupInfo": None,
    "highScaleNumber": False,
    "mask": None,
    "maskType": None,
    "referenceTargetField": None,
}

GLOBAL_FLAGS: dict[str, Any] = {
    "activateable": False,
    "associateEntityType": None,
    "associateParentEntity": None,
    "deepCloneable": False,
    "deprecatedAndHidden": False,
    "feedEnabled": False,
    "hasSubtypes": False,
    "isInterface": False,
    "isSubtype": False,
    "layoutable": True,
    "mergeable": False,
    "mruEnabled": True,
    "replicateable": True,
    "retrieveable": True,
    "searchable": True,
    "triggerable": True,
}
"""Flags of an object that both describes carry; an object's own `flags` overrule them."""

OBJECT_FLAGS: dict[str, Any] = {
    "actionOverrides": [],
    "defaultImplementation": None,
    "extendedBy": None,
    "extendsInterfaces": None,
    "implementedBy": None,
    "implementsInterfaces": None,
    "listviewable": None,
    "lookupLayoutable": None,
    "namedLayoutInfos": [],
    "networkScopeFieldName": None,
    "sobjectDescribeOption": "FULL",
}

SINCE: dict[str, dict[str, int]] = {
    "field": {
        **dict.fromkeys(("aggregatable", "compoundFieldName", "encrypted", "extraTypeInfo"), 33),
        **dict.fromkeys(("filteredLookupInfo", "highScaleNumber", "mask", "maskType"), 33),
        **dict.fromkeys(("polymorphicForeignKey", "queryByDistance", "referenceTargetField"), 33),
        **dict.fromkeys(("searchPrefilterable",), 33),
        **dict.fromkeys(("aiPredictionField", "formulaTreatNullNumberAsZero"), 43),
    },
    "object": {
        **dict.fromkeys(("actionOverrides", "compactLayoutable", "namedLayoutInfos"), 33),
        **dict.fromkeys(("networkScopeFieldName", "supportedScopes"), 33),
        **dict.fromkeys(("hasSubtypes", "isSubtype", "mruEnabled"), 38),
        **dict.fromkeys(("deepCloneable", "defaultImplementation", "implementedBy"), 47),
        **dict.fromkeys(("implementsInterfaces", "isInterface"), 47),
        **dict.fromkeys(("extendedBy", "extendsInterfaces"), 48),
        **dict.fromkeys(("associateEntityType", "associateParentEntity"), 50),
    },
    "record type": {"active": 33, "master": 33, "urls": 33, "developerName": 43},
    "child": {"junctionIdListNames": 33, "junctionReferenceTo": 33},
    "urls": {"approvalLayouts": 33, "compactLayouts": 33, "layouts": 33, "listviews": 33, "quickActions": 33},
}
"""Keys that older versions lack. Recorded at 26, 32, 37, 42, 46 and from 50 on, and in the
partner WSDL of 47; between is a guess."""


PARTS = {"fields": "field", "childRelationships": "child", "recordTypeInfos": "record type"}


def known_at(version: int, what: str, value: dict[str, Any]) -> dict[str, Any]:
    """The keys that a version has."""
    since = SINCE[what]
    return {key: each for key, each in value.items() if since.get(key, 0) <= version}


LAYOUT_URLS = ("compactLayouts", "approvalLayouts", "listviews", "quickActions", "layouts")
PAGE_URLS = ("uiDetailTemplate", "uiEditTemplate", "uiNewRecord")


ASSOCIATED = {
    "CaseComment": ("Comment", "Case"),
    "CaseTeamMember": ("TeamMember", "Case"),
    "CaseTeamRole": ("TeamRole", "Case"),
    "OpportunityFieldHistory": ("History", "Opportunity"),
}
"""Objects that belong to another, as what and to which; others follow from their names."""
ON_THEIR_OWN = frozenset(
    ["ActivityHistory", "LoginHistory", "OpportunityHistory", "ProcessInstanceHistory", "VerificationHistory"]
)
"""Objects whose names end so without meaning it."""


def associated(name: str) -> tuple[str | None, str | None]:
    """What an object is to another one, and to which.

    >>> associated("AccountHistory"), associated("Deal__Share"), associated("Account")
    (('History', 'Account'), ('Share', 'Deal__c'), (None, None))
    """
    if name in ASSOCIATED:
        return ASSOCIATED[name]
    for kind in ("Feed", "History", "Share"):
        parent = name.removesuffix(kind)
        if parent not in (name, "", "News", "UserProfile") and name not in ON_THEIR_OWN:
            return kind, f"{parent}c" if parent.endswith("__") else parent
    return None, None


def global_entry(sobject: SObject, data_path: str) -> dict[str, Any]:
    """One object as the global describe lists it."""
    kind, parent = associated(sobject.name)
    entry = {
        **GLOBAL_FLAGS,
        "associateEntityType": kind,
        "associateParentEntity": parent,
        "createable": sobject.createable,
        "custom": sobject.custom,
        "customSetting": sobject.custom_setting is not None,
        "deletable": sobject.deletable,
        "keyPrefix": sobject.key_prefix,
        "label": sobject.label,
        "labelPlural": sobject.label_plural,
        "name": sobject.name,
        "queryable": sobject.queryable,
        "undeletable": sobject.undeletable,
        "updateable": sobject.updateable,
    }
    entry |= {key: value for key, value in sobject.flags.items() if key in GLOBAL_FLAGS}
    layouts = bool(entry["layoutable"])
    version = version_in(data_path)
    entry = known_at(version, "object", dict(sorted(entry.items())))
    entry["urls"] = object_urls(sobject, data_path, layouts=layouts)
    return entry


def version_in(data_path: str) -> int:
    """The version whose describe is asked, by the start of its addresses."""
    return int(data_path.rpartition("/v")[2].partition(".")[0])


def object_urls(
    sobject: SObject, data_path: str, *, layouts: bool, base_url: str | None = None
) -> dict[str, str]:
    """Where the object's resources are; with ``base_url`` its pages as well, in the recorded order."""
    base = f"{data_path}/sobjects/{sobject.name}"
    urls = {
        "compactLayouts": f"{base}/describe/compactLayouts",
        "rowTemplate": f"{base}/{{ID}}",
        "approvalLayouts": f"{base}/describe/approvalLayouts",
        "uiDetailTemplate": f"{base_url}/{{ID}}",
        "uiEditTemplate": f"{base_url}/{{ID}}/e",
        "listviews": f"{base}/listviews",
        "describe": f"{base}/describe",
        "uiNewRecord": f"{base_url}/{sobject.key_prefix}/e",
        "quickActions": f"{base}/quickActions",
        "layouts": f"{base}/describe/layouts",
        "sobject": base,
    }
    left_out = (() if layouts else LAYOUT_URLS) + (() if layouts and base_url else PAGE_URLS)
    kept = {name: url for name, url in urls.items() if name not in left_out}
    return known_at(version_in(data_path), "urls", kept)


def describe(
    schema: Schema, sobject: SObject, data_path: str, base_url: str, record_type_ids: dict[str, str]
) -> dict[str, Any]:
    """The whole describe. ``record_type_ids`` finds a record type's id by its developer name."""
    value = {
        **OBJECT_FLAGS,
        **{key: each for key, each in global_entry(sobject, data_path).items() if key != "urls"},
        "childRelationships": [
            _child(each) for each in schema.children_of(sobject.name) if _is_told(sobject, each)
        ],
        "fields": [_Shape(schema, sobject, each).value() for each in sobject.fields.values()],
        "namedLayoutInfos": _named_layouts(sobject, data_path),
        "recordTypeInfos": record_type_infos(sobject, data_path, record_type_ids),
        "supportedScopes": _scopes(sobject),
    }
    value["compactLayoutable"] = value["layoutable"]
    value["searchLayoutable"] = value["layoutable"] and value["searchable"]
    value |= {key: each for key, each in sobject.flags.items() if key in value}
    version = version_in(data_path)
    value = known_at(version, "object", dict(sorted(value.items())))
    for part, key in (
        ("field", "fields"),
        ("child", "childRelationships"),
        ("record type", "recordTypeInfos"),
    ):
        value[key] = [known_at(version, part, each) for each in value[key]]
    layouts = bool(value["layoutable"])
    value["urls"] = object_urls(sobject, data_path, layouts=layouts, base_url=base_url)
    return value


def _named_layouts(sobject: SObject, data_path: str) -> list[dict[str, Any]]:
    base = f"{data_path}/sobjects/{sobject.name}/describe/namedLayouts"
    return [{"name": name, "urls": {"layout": f"{base}/{name}"}} for name in sobject.flags.get("named", ())]


UNTOLD = frozenset({("EmailMessage", "FromId"), ("Dashboard", "OwnerId")})
"""References that no describe lists among the children of their targets."""
NOT_OF_GROUPS = frozenset(
    ["OwnerId", "LinkedEntityId", "FirstPublishLocationId", "ActorId", "OriginalActorId"]
)


def _is_told(sobject: SObject, each: ChildRelationship) -> bool:
    """Whether a describe lists a relationship: not that of merged rows, and of groups not what they own.

    Source: recorded describes.
    """
    if each.field == "MasterRecordId" or (each.child, each.field) in UNTOLD:
        return False
    return sobject.name != "Group" or each.field not in NOT_OF_GROUPS


def _child(each: ChildRelationship) -> dict[str, Any]:
    return {
        "cascadeDelete": each.cascade_delete,
        "childSObject": each.child,
        "deprecatedAndHidden": False,
        "field": each.field,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": each.name,
        "restrictedDelete": each.restricted_delete,
    }


SCOPES = {
    "all_active_campaigns": "All active {}",
    "delegated": "My delegated {}",
    "everything": "All {}",
    "genericteam": "My case teams {}",
    "mine": "My {}",
    "my_active_campaigns": "My active {}",
    "queue_owned": "Queue owned {}",
    "scopingRule": "Filter by scope",
    "single_entity_scope": "Select a campaign:",
    "team": "My team's {}",
    "team_by_role": "My role-based team's {}",
    "user_owned": "User owned {}",
}
"""The words of a scope, around the object's plural."""


def scopes_of(sobject: SObject) -> tuple[str, ...]:
    """The scopes a query may use, in their order."""
    told: tuple[str, ...] | None = sobject.flags.get("scopes")
    if told is None:
        told = ("mine",) if sobject.field("OwnerId") else ()
    return tuple(sorted({"everything", *told}, key=str.lower))


def _scopes(sobject: SObject) -> list[dict[str, str]]:
    plural = sobject.label_plural.lower()
    return [{"label": SCOPES[name].format(plural), "name": name} for name in scopes_of(sobject)]


def record_type_infos(sobject: SObject, data_path: str, ids: dict[str, str]) -> list[dict[str, Any]]:
    """The record types of an object as describe lists them, the master last. ``ids`` is by developer name."""
    master = RecordTypeInfo("Master", "Master")
    infos = [
        _record_type(sobject, each, ids.get(each.developer_name, ""), data_path)
        for each in sobject.record_types
    ]
    infos.append(_record_type(sobject, master, MASTER_RECORD_TYPE, data_path))
    if not any(each["defaultRecordTypeMapping"] for each in infos):
        infos[0 if len(infos) > 1 else -1]["defaultRecordTypeMapping"] = True
    return infos


def _record_type(
    sobject: SObject, info: RecordTypeInfo, record_type_id: str, data_path: str
) -> dict[str, Any]:
    layout = f"{data_path}/sobjects/{sobject.name}/describe/layouts/{record_type_id}"
    return {
        "active": info.active,
        "available": info.active,
        "defaultRecordTypeMapping": False,
        "developerName": info.developer_name,
        "master": record_type_id == MASTER_RECORD_TYPE,
        "name": info.label,
        "recordTypeId": record_type_id,
        "urls": {"layout": layout},
    }


def describe_field(schema: Schema, sobject: SObject, field: Field) -> dict[str, Any]:
    """One field, as it stands in the describe of its object."""
    return _Shape(schema, sobject, field).value()


class _Shape:
    """One field's describe: what is read from the schema, joined with what never differs."""

    def __init__(self, schema: Schema, sobject: SObject, field: Field) -> None:
        self.schema, self.sobject, self.field = schema, sobject, field

    def value(self) -> dict[str, Any]:
        field = self.field
        kind = TOLD_AS.get((self.sobject.name, field.name), field.type)
        return dict(
            sorted(
                {
                    **FIELD_CONSTANTS,
                    "aggregatable": field.aggregatable,
                    "autoNumber": field.auto_number is not None,
                    "byteLength": self._byte_length(),
                    "calculated": field.calculated or field.formula is not None or field.summary is not None,
                    "calculatedFormula": field.formula,
                    "cascadeDelete": field.custom and field.cascade_delete,
                    "caseSensitive": field.custom and field.case_sensitive,
                    "compoundFieldName": field.compound,
                    "controllerName": field.controller,
                    "createable": field.createable,
                    "custom": field.custom,
                    "defaultValue": self._default(),
                    "defaultValueFormula": field.default_formula,
                    "defaultedOnCreate": field.defaulted_on_create,
                    "dependentPicklist": field.controller is not None,
                    "digits": field.digits,
                    "encrypted": field.encrypted,
                    "externalId": field.external_id,
                    "extraTypeInfo": field.extra_type_info,
                    "filterable": field.filterable,
                    "formulaTreatNullNumberAsZero": field.blank_as_zero,
                    "groupable": field.groupable,
                    "htmlFormatted": field.html,
                    "idLookup": field.id_lookup,
                    "inlineHelpText": field.help_text,
                    "label": field.label,
                    "length": field.length,
                    "name": field.name,
                    "nameField": field.name_field,
                    "namePointing": self._points_to_names(),
                    "nillable": field.nillable,
                    "permissionable": field.permissionable,
                    "picklistValues": [self._picklist_value(each) for each in field.picklist],
                    "polymorphicForeignKey": len(field.reference_to) > 1,
                    "precision": field.precision,
                    "queryByDistance": field.type in ("address", "location"),
                    "referenceTo": list(field.reference_to),
                    "relationshipName": field.relationship_name,
                    "relationshipOrder": field.relationship_order,
                    "restrictedDelete": field.custom and field.restricted_delete,
                    "restrictedPicklist": field.restricted_picklist,
                    "scale": field.scale,
                    "searchPrefilterable": field.search_prefilterable,
                    "soapType": SOAP_TYPES.get(kind, "xsd:string"),
                    "sortable": field.sortable,
                    "type": kind,
                    "unique": field.custom and field.unique,
                    "updateable": field.updateable,
                    "writeRequiresMasterRead": field.write_requires_master_read,
                }.items()
            )
        )

    def _picklist_value(self, each: PicklistValue) -> dict[str, Any]:
        told = picklist_value(self.sobject, self.field, each)
        return {**told, "label": None} if (self.sobject.name, self.field.name) in UNLABELLED else told

    def _points_to_names(self) -> bool:
        told = self.field.name_pointing
        return len(self.field.reference_to) > 1 if told is None else told

    def _byte_length(self) -> int:
        field = self.field
        if field.byte_length is not None:
            return field.byte_length
        return field.length if field.type in NOT_COUNTED_IN_CHARACTERS else field.length * BYTES_PER_CHARACTER

    def _default(self) -> Any:
        """What describe tells of the default; the platform's own of standard fields it does not tell."""
        field = self.field
        chosen = next((each.value for each in field.picklist if each.default), None)
        if field.type == "boolean":
            return (bool(field.default) if field.custom else False) if field.defaulted_on_create else None
        if chosen is not None and field.type in ("picklist", "combobox"):
            return chosen
        if field.default_formula is not None or callable(field.default):
            return None
        return field.default if field.custom else None


UNLABELLED = frozenset({("Group", "Type"), ("PermissionSet", "Type")})
"""Picklists whose values have no labels, as recorded."""
TOLD_AS = {("UserRecordAccess", "RecordId"): "picklist"}
"""Fields that hold an id and are not described as a reference. Unverified."""


def picklist_value(sobject: SObject, field: Field, each: PicklistValue) -> dict[str, Any]:
    """One value, as describes of objects and of layouts tell it."""
    return {
        "active": each.active,
        "defaultValue": each.default,
        "label": each.label,
        "validFor": valid_for(sobject, field, each.value),
        "value": each.value,
    }
