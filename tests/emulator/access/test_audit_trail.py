"""Every write of a setup row leaves its line in the setup audit trail, in the transaction that makes it."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.rules.audited import TOLD


def trail(org: EmulatedOrg, since: int = 0) -> list[tuple[str, str]]:
    return [(row["Action"], row["Display"]) for row in org.rows("SetupAuditTrail")][since:]


class Desk:
    """Writes as the administrator and tells what the trail says of it."""

    def __init__(self, org: EmulatedOrg) -> None:
        self.org = org

    def made(self, sobject: str, **fields: Any) -> tuple[str, list[tuple[str, str]]]:
        before = len(trail(self.org))
        row = self.org.has(sobject, **fields)
        return row, trail(self.org, before)

    def changed(self, sobject: str, row: str, **fields: Any) -> list[tuple[str, str]]:
        before = len(trail(self.org))
        with self.org.transaction() as tx:
            tx.update(sobject, row, fields)
        return trail(self.org, before)

    def deleted(self, sobject: str, row: str) -> list[tuple[str, str]]:
        before = len(trail(self.org))
        with self.org.transaction() as tx:
            tx.delete(sobject, row)
        return trail(self.org, before)


@pytest.fixture
def desk(org: EmulatedOrg) -> Desk:
    return Desk(org)


def test_people_and_their_places(desk: Desk, new_user: Callable[..., str]) -> None:
    org = desk.org
    user = new_user("ann")
    assert trail(org)[-1] == ("createduser", "Created new user Ann")
    role, told = desk.made("UserRole", Name="Boss")
    assert told == [("createdRole", "Created role Boss")]
    (profile,) = org.rows("Profile", Name="Standard User")
    assert desk.changed("User", user, UserRoleId=role, ProfileId=profile["Id"], Title="T") == [
        (
            "changedprofileforuser",
            "Changed profile for user Ann from Minimum Access - Salesforce to Standard User",
        ),
        ("changedroleforuser", "Changed role for user Ann from none to Boss"),
    ]
    assert desk.changed("User", user, Title="U") == []
    (login,) = org.rows("UserLogin", UserId=user)
    assert desk.changed("UserLogin", login["Id"], IsFrozen=True) == [("frozeuser", "Froze user Ann")]
    assert desk.changed("User", user, IsActive=False) == [("deactivateduser", "Deactivated user Ann")]


def test_permission_sets_and_who_holds_them(desk: Desk, new_user: Callable[..., str]) -> None:
    user = new_user("ann")
    granted, told = desk.made("PermissionSet", Name="Sells", Label="Sells")
    assert told == [("PermSetCreate", "Created permission set Sells: with no user license")]
    assert desk.changed("PermissionSet", granted, PermissionsApiEnabled=True) == [
        ("PermSetEnableUserPerm", "Changed permission set Sells: API Enabled was enabled")
    ]
    rights = {"ParentId": granted, "SobjectType": "Deal__c", "PermissionsRead": True}
    assert desk.made("ObjectPermissions", **rights)[1][0][0] == "PermSetEntityPermChanged"
    seen = {**rights, "Field": "Deal__c.Size__c"}
    assert desk.made("FieldPermissions", **seen)[1][0][0] == "PermSetFlsChanged"
    assignment, told = desk.made("PermissionSetAssignment", AssigneeId=user, PermissionSetId=granted)
    assert told == [("PermSetAssign", f"Permission set Sells: assigned to user Ann (UserID: [{user[:15]}])")]
    assert desk.deleted("PermissionSetAssignment", assignment)[0][0] == "PermSetUnassign"
    group, _ = desk.made("PermissionSetGroup", DeveloperName="All", MasterLabel="All")
    part, told = desk.made("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=granted)
    assert told[0][0] == "PermSetGroupAddPermSet"
    assert desk.deleted("PermissionSetGroupComponent", part)[0][0] == "PermSetGroupRemovePermSet"
    assert desk.deleted("PermissionSet", granted) == [("PermSetDelete", "Deleted permission set Sells")]


def test_queues_and_groups(desk: Desk, new_user: Callable[..., str]) -> None:
    user = new_user("ann")
    queue, told = desk.made("Group", Name="Desk", Type="Queue")
    assert told == [("createdQueue", "Created queue Desk")]
    served, told = desk.made("QueueSobject", QueueId=queue, SobjectType="Case")
    assert told == [("queueSupportedObjects", "Added Case to queue Desk")]
    member, told = desk.made("GroupMember", GroupId=queue, UserOrGroupId=user)
    assert told == [("queueMembership", "Added Ann to queue Desk")]
    assert desk.deleted("GroupMember", member) == [("queueMembership", "Removed Ann from queue Desk")]
    assert desk.deleted("QueueSobject", served)[0][1] == "Removed Case from queue Desk"
    assert desk.deleted("Group", queue) == [("deletedQueue", "Deleted queue Desk")]


def test_who_writes_a_line_is_who_made_the_change(org: EmulatedOrg, new_user: Callable[..., str]) -> None:
    user = new_user("ann", profile="System Administrator")
    with org.transaction(user) as tx:
        tx.insert("Group", {"Name": "G", "Type": "Regular"})
    assert org.rows("SetupAuditTrail")[-1]["CreatedById"] == user


def test_a_refused_write_leaves_no_line(desk: Desk) -> None:
    before = trail(desk.org)
    with pytest.raises(ApiError):
        desk.org.has("PermissionSet", Name="9", Label="Nine")
    assert trail(desk.org) == before


def test_every_setup_object_that_clients_write_is_told_of(org: EmulatedOrg) -> None:
    silent = {
        each.name
        for each in org.schema
        if each.setup and (each.createable or each.updateable) and each.name not in TOLD
    }
    assert silent == set()
