"""Claims about users, licences, roles, groups and queues."""

from collections.abc import Callable

from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg

Refused = Callable[..., ApiError]
Write = Callable[..., None]
NewUser = Callable[..., str]


def used(org: EmulatedOrg, name: str = "Salesforce") -> int:
    (row,) = org.rows("UserLicense", Name=name)
    return int(row["UsedLicenses"])


def test_a_new_user_has_a_login_a_nickname_and_the_permission_set_of_the_profile(
    org: EmulatedOrg, new_user: NewUser
) -> None:
    user = new_user("ada")
    row = org.retrieve("User", user)
    assert (row["IsActive"], row["UserType"], row["CommunityNickname"]) == (True, "Standard", "ada")
    assert [each["IsFrozen"] for each in org.rows("UserLogin", UserId=user)] == [False]
    (assignment,) = org.rows("PermissionSetAssignment", AssigneeId=user)
    granted = org.retrieve("PermissionSet", assignment["PermissionSetId"])
    assert granted["ProfileId"] == row["ProfileId"]


def test_a_username_is_unique_and_an_address(org: EmulatedOrg, refused: Refused, new_user: NewUser) -> None:
    new_user("ada")
    error = refused(lambda: new_user("eve", Username="ADA@acme.example"), "DUPLICATE_USERNAME")
    assert error.message.startswith("Duplicate Username.<br>")
    refused(lambda: new_user("eve", Username="eve"), "INVALID_EMAIL_ADDRESS")


def test_licences_are_counted_and_run_out(
    org: EmulatedOrg, refused: Refused, change: Write, new_user: NewUser
) -> None:
    org.set_license_total("Salesforce", used(org) + 1)
    ada = new_user("ada")
    refused(lambda: new_user("eve"), "LICENSE_LIMIT_EXCEEDED")
    change(org, "User", ada, IsActive=False)
    eve = new_user("eve")
    refused(lambda: change(org, "User", ada, IsActive=True), "LICENSE_LIMIT_EXCEEDED")
    change(org, "User", eve, IsActive=False)
    change(org, "User", ada, IsActive=True)


def test_the_last_administrator_stays(
    org: EmulatedOrg, refused: Refused, change: Write, new_user: NewUser
) -> None:
    refused(lambda: change(org, "User", org.admin_id, IsActive=False), "CANNOT_DISABLE_LAST_ADMIN")
    new_user("ada", profile="System Administrator")
    change(org, "User", org.admin_id, IsActive=False)


def test_nobody_freezes_himself(org: EmulatedOrg, refused: Refused, change: Write, new_user: NewUser) -> None:
    (own,) = org.rows("UserLogin", UserId=org.admin_id)
    refused(lambda: change(org, "UserLogin", own["Id"], IsFrozen=True), "CANNOT_FREEZE_SELF")
    (other,) = org.rows("UserLogin", UserId=new_user())
    change(org, "UserLogin", other["Id"], IsFrozen=True)


def test_another_profile_brings_another_permission_set(
    org: EmulatedOrg, change: Write, new_user: NewUser
) -> None:
    user = new_user()
    (other,) = org.rows("Profile", Name="Read Only")
    change(org, "User", user, ProfileId=other["Id"])
    (assignment,) = org.rows("PermissionSetAssignment", AssigneeId=user)
    assert org.retrieve("PermissionSet", assignment["PermissionSetId"])["ProfileId"] == other["Id"]


def test_a_role_has_groups_of_its_own_and_stays_while_users_have_it(
    org: EmulatedOrg, refused: Refused, change: Write, remove: Write, new_user: NewUser
) -> None:
    role = org.has("UserRole", Name="Sales Lead")
    assert {row["Type"] for row in org.rows("Group", RelatedId=role)} == {"Role", "RoleAndSubordinates"}
    user = new_user(UserRoleId=role)
    refused(lambda: remove(org, "UserRole", role), "DELETE_FAILED")
    change(org, "User", user, UserRoleId=None)
    remove(org, "UserRole", role)
    assert org.rows("Group", RelatedId=role) == []


def test_a_role_is_not_below_itself(org: EmulatedOrg, refused: Refused, change: Write) -> None:
    top = org.has("UserRole", Name="Top")
    low = org.has("UserRole", Name="Low", ParentRoleId=top)
    refused(lambda: change(org, "UserRole", top, ParentRoleId=low), "CIRCULAR_DEPENDENCY")


def test_a_member_inserted_twice_is_one_member(org: EmulatedOrg, new_user: NewUser) -> None:
    group, user = org.has("Group", Name="G", Type="Regular"), new_user()
    first = org.has("GroupMember", GroupId=group, UserOrGroupId=user)
    assert org.has("GroupMember", GroupId=group, UserOrGroupId=user) == first
    assert len(org.rows("GroupMember")) == 1


def test_groups_do_not_hold_themselves(org: EmulatedOrg, refused: Refused) -> None:
    outer, inner = (org.has("Group", Name=name, Type="Regular") for name in ("Outer", "Inner"))
    org.has("GroupMember", GroupId=outer, UserOrGroupId=inner)
    refused(lambda: org.has("GroupMember", GroupId=inner, UserOrGroupId=outer), "CIRCULAR_DEPENDENCY")


def test_a_queue_owns_only_what_it_serves_and_stays_while_it_owns(
    org: EmulatedOrg, refused: Refused, remove: Write, change: Write
) -> None:
    queue = org.has("Group", Name="Tier 1", Type="Queue")
    refused(lambda: org.has("Case", OwnerId=queue), "FIELD_INTEGRITY_EXCEPTION")
    org.has("QueueSobject", QueueId=queue, SobjectType="case")
    case = org.has("Case", OwnerId=queue)
    refused(lambda: remove(org, "Group", queue), "DELETE_FAILED")
    change(org, "Case", case, OwnerId=org.admin_id)
    remove(org, "Group", queue)
    assert org.rows("QueueSobject") == []


def test_a_queue_serves_objects_that_queues_may_own(org: EmulatedOrg, refused: Refused) -> None:
    queue = org.has("Group", Name="Tier 1", Type="Queue")
    for name in ("Account", "Nothing__c"):
        refused(
            lambda name=name: org.has("QueueSobject", QueueId=queue, SobjectType=name),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        )


def test_an_inactive_user_owns_nothing_new(
    org: EmulatedOrg, refused: Refused, change: Write, new_user: NewUser
) -> None:
    user = new_user()
    change(org, "User", user, IsActive=False)
    error = refused(lambda: org.has("Account", Name="A", OwnerId=user), "INACTIVE_OWNER_OR_USER")
    assert error.message == f"operation performed with inactive user [{user}] as owner of account"
