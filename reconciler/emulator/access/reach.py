"""Whose rows a user has, and in which groups a user is: by role, by queue, by public group.

A user has the own rows, those of users in roles below, and of the queues that any of these is in. A row
shared with a group is shared with its members, and with who is above them in the role hierarchy unless the
group leaves the managers of its members out (`DoesIncludeBosses`).

The answers follow from rows of User, UserRole, Group and GroupMember alone; they hold while no such row
changes (`rights.version`).

Source: Security Guide, "Role Hierarchy", "Public Groups", "Queues"; Object Reference, "Group".
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..store import Store

REACH: Final = """WITH RECURSIVE
  above(id) AS (
    SELECT "UserRoleId" FROM "User" WHERE "Id" = ?1 AND "UserRoleId" IS NOT NULL
    UNION SELECT r."ParentRoleId" FROM "UserRole" r JOIN above ON r."Id" = above.id
    WHERE r."ParentRoleId" IS NOT NULL),
  own(id) AS (SELECT "UserRoleId" FROM "User" WHERE "Id" = ?1 AND "UserRoleId" IS NOT NULL),
  below(id) AS (
    SELECT r."Id" FROM "UserRole" r JOIN own ON r."ParentRoleId" = own.id
    UNION SELECT r."Id" FROM "UserRole" r JOIN below ON r."ParentRoleId" = below.id),
  mine(id, direct) AS (
    SELECT ?1, 1
    UNION SELECT "Id", 0 FROM "User" WHERE "UserRoleId" IN (SELECT id FROM below)
    UNION SELECT "Id", 1 FROM "Group" WHERE "Type" = 'Organization'
    UNION SELECT "Id", "RelatedId" IN (SELECT id FROM own) FROM "Group" WHERE "Type" = 'Role'
      AND "RelatedId" IN (SELECT id FROM own UNION SELECT id FROM below)
    UNION SELECT "Id", "RelatedId" IN (SELECT id FROM above) FROM "Group"
      WHERE "Type" IN ('RoleAndSubordinates', 'RoleAndSubordinatesInternal')
      AND "RelatedId" IN (SELECT id FROM above UNION SELECT id FROM below)
    UNION SELECT m."GroupId", mine.direct FROM mine JOIN "GroupMember" m ON m."UserOrGroupId" = mine.id
      JOIN "Group" g ON g."Id" = m."GroupId"
      WHERE mine.direct OR g."Type" <> 'Regular' OR g."DoesIncludeBosses")
SELECT DISTINCT id FROM mine ORDER BY id"""
MEMBERS: Final = """WITH RECURSIVE
  held(id) AS (
    SELECT ?1
    UNION SELECT m."UserOrGroupId" FROM held JOIN "GroupMember" m ON m."GroupId" = held.id),
  roles(id, down) AS (
    SELECT "RelatedId", "Type" <> 'Role' FROM "Group" JOIN held ON "Group"."Id" = held.id
      WHERE "Type" IN ('Role', 'RoleAndSubordinates', 'RoleAndSubordinatesInternal')
    UNION SELECT r."Id", 1 FROM roles JOIN "UserRole" r ON r."ParentRoleId" = roles.id WHERE roles.down)
SELECT id FROM held
UNION SELECT "Id" FROM "User" WHERE "UserRoleId" IN (SELECT id FROM roles)"""


def reach_of(store: "Store", user: int) -> list[int]:
    """Users and groups that stand for a user: what these own, or is shared with them, the user has."""
    return [row[0] for row in store.execute(REACH, (user,))]


def owners_in(store: "Store", group: int) -> list[int]:
    """Users and queues whose rows a rule means that shares what a group owns."""
    return sorted(row[0] for row in store.execute(MEMBERS, (group,)))
