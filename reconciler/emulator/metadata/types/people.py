"""Roles, public groups and queues: rows of UserRole and Group, and what hangs on them.

A queue that is written has exactly the members and objects that it lists.

Source: Metadata API Developer Guide, "Role", "Group", "Queue".
"""

from typing import TYPE_CHECKING, Any

from reconciler.emulator import ids
from reconciler.emulator.metadata.component_types import ComponentProblem, register
from reconciler.emulator.metadata.types.row_base import Row, RowType, Strict, flags, named, texts_of
from reconciler.emulator.metadata_xml import Tree, each, text
from reconciler.emulator.seeding.rows import load_group, load_queue, load_role

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg


class RoleType(RowType):
    def tree(self, org: "EmulatedOrg", number: int, row: Row) -> Tree:
        parent = named(org, 'SELECT "DeveloperName" FROM "UserRole" WHERE "Id" = ?', row["ParentRoleId"])
        return {
            "caseAccessLevel": [row["CaseAccessForAccountOwner"] or "Edit"],
            "contactAccessLevel": [row["ContactAccessForAccountOwner"] or "Edit"],
            **texts_of(description=row["RollupDescription"]),
            "mayForecastManagerShare": ["false"],
            "name": [row["Name"]],
            "opportunityAccessLevel": [row["OpportunityAccessForAccountOwner"] or "Edit"],
            "parentRole": parent,
        }

    def put(self, strict: Strict, full_name: str, tree: Tree) -> None:
        parent = text(tree, "parentRole")
        if parent and strict.find("UserRole", DeveloperName=parent) is None:
            strict.missing(full_name, "parentRole", "Role", parent)
        load_role(strict, full_name, tree)
        levels = {
            "CaseAccessForAccountOwner": text(tree, "caseAccessLevel"),
            "ContactAccessForAccountOwner": text(tree, "contactAccessLevel"),
            "OpportunityAccessForAccountOwner": text(tree, "opportunityAccessLevel"),
        }
        number = self.find(strict.org, full_name) or 0
        told: dict[str, Any] = {name: level for name, level in levels.items() if level}
        strict.tx.set_fields(strict.tx.tables["UserRole"], number, told)


class GroupType(RowType):
    def tree(self, org: "EmulatedOrg", number: int, row: Row) -> Tree:
        return {
            **texts_of(description=row.get("Description")),
            **flags(doesIncludeBosses=row["DoesIncludeBosses"]),
            "name": [row["Name"]],
        }

    def put(self, strict: Strict, full_name: str, tree: Tree) -> None:
        load_group(strict, full_name, tree)


class QueueType(RowType):
    def tree(self, org: "EmulatedOrg", number: int, row: Row) -> Tree:
        served = named(
            org, 'SELECT "SobjectType" FROM "QueueSobject" WHERE "QueueId" = ? ORDER BY "Id"', number
        )
        return {
            **flags(doesSendEmailToMembers=row["DoesSendEmailToMembers"]),
            **texts_of(email=row["Email"]),
            "name": [row["Name"]],
            "queueMembers": self._members(org, number),
            "queueSobject": [{"sobjectType": [each_one]} for each_one in served],
        }

    def _members(self, org: "EmulatedOrg", number: int) -> list[Tree]:
        found: dict[str, list[str]] = {}
        for (member,) in org.store.execute(
            'SELECT "UserOrGroupId" FROM "GroupMember" WHERE "GroupId" = ? ORDER BY "Id"', (number,)
        ):
            if ids.prefix_of(member) == "005":
                found.setdefault("users", []).extend(
                    named(org, 'SELECT "Username" FROM "User" WHERE "Id" = ?', member)
                )
                continue
            for kind, name in org.store.execute(
                'SELECT "Type", "DeveloperName" FROM "Group" WHERE "Id" = ?', (member,)
            ):
                if kind in MEMBERS:
                    found.setdefault(MEMBERS[kind], []).append(name)
        members = {name: [{ITEMS[name]: listed}] for name, listed in sorted(found.items())}
        return [members] if members else []

    def put(self, strict: Strict, full_name: str, tree: Tree) -> None:
        for served in each(tree, "queueSobject"):
            name = text(served, "sobjectType") or ""
            known = strict.org.schema.get(name)
            if known is None or known.field("OwnerId") is None:
                raise ComponentProblem(f"In field: sobjectType - no sObject named {name} found")
        if (known_queue := self.find(strict.org, full_name)) is not None:
            for sobject, column in (("QueueSobject", "QueueId"), ("GroupMember", "GroupId")):
                strict.tx.store.execute(
                    f'DELETE FROM "{sobject}" WHERE "{column}" = ?',  # noqa: S608 - names are ours
                    (known_queue,),
                )
        load_queue(strict, full_name, tree)


MEMBERS = {
    "Regular": "publicGroups",
    "Role": "roles",
    "RoleAndSubordinates": "roleAndSubordinates",
    "RoleAndSubordinatesInternal": "roleAndSubordinatesInternal",
}
"""Types of groups, and the element that lists those that are members."""
ITEMS = {
    "publicGroups": "publicGroup",
    "roles": "role",
    "roleAndSubordinates": "roleAndSubordinate",
    "roleAndSubordinatesInternal": "roleAndSubordinateInternal",
    "users": "user",
}

register(
    RoleType(
        "Role",
        "UserRole",
        "DeveloperName",
        held=frozenset(
            {
                "caseAccessLevel",
                "contactAccessLevel",
                "description",
                "mayForecastManagerShare",
                "name",
                "opportunityAccessLevel",
                "parentRole",
            }
        ),
    )
)
register(
    GroupType(
        "Group",
        "Group",
        "DeveloperName",
        {"Type": "Regular"},
        frozenset(["name", "doesIncludeBosses", "description"]),
    )
)
register(
    QueueType(
        "Queue",
        "Group",
        "DeveloperName",
        {"Type": "Queue"},
        frozenset(["name", "email", "doesSendEmailToMembers", "queueMembers", "queueSobject"]),
    )
)
