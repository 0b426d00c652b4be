"""Share objects: the list of who has access to which row of an object, one a shared object.

`AccountShare` and its like come with the standard schema. A custom object has one while its org-wide default
leaves somebody out and no master shares its rows: `Deal__c` has `Deal__Share`. The table of a share object
holds the rows that people made, whose cause is Manual or a reason of the org's own. The rows of owners and
of sharing rules follow from others and are made when somebody asks for them (`share_rows`).

Source: Object Reference, "StandardObjectNameShare" and "CustomObjectName__Share"; Apex Developer Guide,
"Sharing a Record Using Apex"; key prefix and labels as in describes.
"""

from typing import Any, Final

from ..schema import Field, PicklistValue, Schema, SObject
from ..standard import usual

CUSTOM_PREFIX: Final = "02c"
"""Of the rows of every custom object's shares."""
OWNER_ROW, RULE_ROW = 1 << 40, 1 << 41
"""Serial numbers from which ids are made of rows that follow from others."""
ROW_BITS: Final = 30
ROW: Final = (1 << ROW_BITS) - 1
SHARED_BY_DEFAULT: Final = frozenset({"ReadWrite", "ReadWriteTransfer", "FullAccess"})
ORDINARY: Final = "__c"


def parent_of(sobject: SObject) -> str | None:
    """The object whose rows a share object shares; None for any other object."""
    return sobject.flags.get("associateParentEntity") if is_share(sobject) else None


def is_share(sobject: SObject) -> bool:
    return sobject.flags.get("associateEntityType") == "Share"


def share_name(name: str) -> str:
    """What the share object of an object is called.

    >>> share_name("Account"), share_name("Deal__c")
    ('AccountShare', 'Deal__Share')
    """
    return f"{name.removesuffix(ORDINARY)}__Share" if name.endswith(ORDINARY) else f"{name}Share"


def share_of(schema: Schema, sobject: SObject) -> SObject | None:
    """The share object of an object, if it has one."""
    found = schema.get(share_name(sobject.name))
    return found if found is not None and parent_of(found) == sobject.name else None


def parent_field(share: SObject) -> str:
    """The field that says which row is shared."""
    return "ParentId" if share.field("ParentId") else f"{parent_of(share)}Id"


def level_field(share: SObject) -> str:
    """The field that says how far."""
    return "AccessLevel" if share.field("AccessLevel") else f"{parent_of(share)}AccessLevel"


def wants_share(sobject: SObject) -> bool:
    """Whether a custom object has a share object: an ordinary one, with rows that not everybody may edit."""
    if not sobject.custom or sobject.custom_setting or not sobject.name.endswith(ORDINARY):
        return False
    if any(each.relationship_order is not None for each in sobject.fields.values()):
        return False
    model = str(sobject.flags.get("sharingModel") or "ReadWrite")
    return model not in SHARED_BY_DEFAULT and model != "ControlledByParent"


def share_object(sobject: SObject) -> SObject:
    """The share object of a custom object."""
    label = f"Share: {sobject.label}"
    made = SObject(
        name=share_name(sobject.name),
        label=label,
        label_plural=label,
        key_prefix=CUSTOM_PREFIX,
        has_recycle_bin=False,
        undeletable=False,
        flags={
            **dict.fromkeys(
                ("layoutable", "mruEnabled", "replicateable", "searchable", "triggerable"), False
            ),
            "associateEntityType": "Share",
            "associateParentEntity": sobject.name,
        },
    )
    shared: dict[str, Any] = {"length": 18, "nillable": False, "updateable": False, "cascade_delete": True}
    made.add(usual("Id", label))
    made.add(
        Field(
            name="ParentId",
            type="reference",
            label="Parent ID",
            reference_to=(sobject.name,),
            relationship_name="Parent",
            child_relationship_name="Shares",
            **shared,
        )
    )
    made.add(
        Field(
            name="UserOrGroupId",
            type="reference",
            label="User/Group ID",
            reference_to=("Group", "User"),
            relationship_name="UserOrGroup",
            **shared,
        )
    )
    made.add(_picklist("AccessLevel", "Access Level", LEVELS, nillable=False, restricted_picklist=True))
    made.add(_picklist("RowCause", "Row Cause", CAUSES, updateable=False))
    for name in ("LastModifiedDate", "LastModifiedById", "IsDeleted"):
        made.add(usual(name, label))
    return made


def _picklist(name: str, label: str, values: tuple[tuple[str, str], ...], **flags: Any) -> Field:
    shown = tuple(PicklistValue(*each) for each in values)
    return Field(name=name, type="picklist", label=label, length=40, picklist=shown, **flags)


LEVELS: Final = (("Read", "Read Only"), ("Edit", "Read/Write"), ("All", "Owner"))
CAUSES: Final = (("Owner", "Owner"), ("Manual", "Manual Sharing"), ("Rule", "Sharing Rule"))
"""Causes of a custom object's shares; reasons of the org's own come to them."""
