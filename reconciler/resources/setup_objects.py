"""The setup objects that are the same in every org, so that no describe call is spent on them.

Source: Object Reference, the pages of these objects. A change of type or of writability here would
show in the first live test; further fields do no harm.
"""

from collections.abc import Mapping

from reconciler.model.describe import FieldInfo, ObjectInfo


def _reference(name: str, relationship: str | None, *targets: str, nillable: bool = False) -> FieldInfo:
    return FieldInfo(
        name=name,
        type="reference",
        nillable=nillable,
        updateable=False,
        reference_to=targets,
        relationship=relationship,
    )


def _text(name: str, *, updateable: bool = False, nillable: bool = False, length: int = 80) -> FieldInfo:
    return FieldInfo(name=name, type="string", length=length, nillable=nillable, updateable=updateable)


def _flag(name: str) -> FieldInfo:
    return FieldInfo(name=name, type="boolean", nillable=False, defaulted=True)


_ID = FieldInfo(name="Id", type="id", createable=False, updateable=False, nillable=False, defaulted=True)
OBJECT_RIGHTS: Mapping[str, str] = {
    "read": "PermissionsRead",
    "create": "PermissionsCreate",
    "edit": "PermissionsEdit",
    "delete": "PermissionsDelete",
    "view_all": "PermissionsViewAllRecords",
    "modify_all": "PermissionsModifyAllRecords",
}
FIELD_RIGHTS: Mapping[str, str] = {"read": "PermissionsRead", "edit": "PermissionsEdit"}


def _object(
    name: str, prefix: str, *fields: FieldInfo, updateable: bool = False, createable: bool = True
) -> ObjectInfo:
    every = (_ID, *fields)
    return ObjectInfo(
        name=name,
        key_prefix=prefix,
        label=name,
        custom_setting=False,
        createable=createable,
        updateable=updateable,
        deletable=createable,
        fields={field.name.lower(): field for field in every},
        relationships={field.relationship.lower(): field for field in every if field.relationship},
    )


_PARENT = _reference("ParentId", "Parent", "PermissionSet")
OBJECTS: Mapping[str, ObjectInfo] = {
    info.name: info
    for info in (
        _object(
            "PermissionSetAssignment",
            "0Pa",
            _reference("AssigneeId", "Assignee", "User"),
            _reference("PermissionSetId", "PermissionSet", "PermissionSet", nillable=True),
            _reference("PermissionSetGroupId", "PermissionSetGroup", "PermissionSetGroup", nillable=True),
            FieldInfo(name="ExpirationDate", type="datetime"),
            updateable=True,
        ),
        _object(
            "PermissionSetLicenseAssign",
            "2LA",
            _reference("AssigneeId", "Assignee", "User"),
            _reference("PermissionSetLicenseId", "PermissionSetLicense", "PermissionSetLicense"),
        ),
        _object(
            "PermissionSetGroupComponent",
            "0PM",
            _reference("PermissionSetGroupId", "PermissionSetGroup", "PermissionSetGroup"),
            _reference("PermissionSetId", "PermissionSet", "PermissionSet", "MutingPermissionSet"),
        ),
        _object(
            "ObjectPermissions",
            "110",
            _PARENT,
            _text("SobjectType"),
            *(_flag(name) for name in OBJECT_RIGHTS.values()),
            updateable=True,
        ),
        _object(
            "FieldPermissions",
            "01k",
            _PARENT,
            _text("SobjectType"),
            _text("Field", length=255),
            *(_flag(name) for name in FIELD_RIGHTS.values()),
            updateable=True,
        ),
        _object(
            "SetupEntityAccess",
            "0J0",
            _PARENT,
            _reference("SetupEntityId", "SetupEntity", "CustomPermission", "ApexClass", "ApexPage"),
        ),
        _object(
            "GroupMember",
            "011",
            _reference("GroupId", "Group", "Group"),
            _reference("UserOrGroupId", "UserOrGroup", "Group", "User"),
        ),
        _object(
            "QueueSobject",
            "03g",
            _reference("QueueId", "Queue", "Group"),
            _text("SobjectType"),
        ),
        _object(
            "UserLogin",
            "0Yw",
            _reference("UserId", None, "User"),  # it has no relationship to read through
            FieldInfo(name="IsFrozen", type="boolean", nillable=False, defaulted=True, createable=False),
            updateable=True,
            createable=False,
        ),
    )
}  # fmt: skip


def only(*names: str) -> Mapping[str, ObjectInfo]:
    return {name: OBJECTS[name] for name in names}
