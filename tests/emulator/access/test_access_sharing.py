"""Which rows are there for whom, by default, owner, role, queue and master."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.emulator.org import EmulatedOrg

OK = "ok"
GONE = "INVALID_CROSS_REFERENCE_KEY"
BARRED = "INSUFFICIENT_ACCESS_OR_READONLY"
NO_PARENT = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
RECORDS = ("Deal__c", "Notice__c", "Paper__c")
PEOPLE = ("boss", "chief", "owner", "junior", "peer", "loner")


@dataclass
class Company:
    """People of a role hierarchy, chief over boss over owner over junior; peer has owner's role."""

    org: EmulatedOrg
    ids: dict[str, str]

    def names(self, who: str, sobject: str = "Deal__c") -> list[str]:
        found = self.org.query(f"SELECT Name FROM {sobject} ORDER BY Name", user_id=self.ids[who])
        return [row["Name"] for row in found.records]

    def level(self, who: str, row: str) -> str:
        found = self.org.query(
            f"SELECT RecordId, MaxAccessLevel FROM UserRecordAccess WHERE UserId = '{self.ids[who]}' "
            f"AND RecordId = '{row}'"
        )
        return str(found.records[0]["MaxAccessLevel"])


@pytest.fixture
def company(org: EmulatedOrg, new_user: Callable[..., str], grant: Callable[..., str]) -> Company:
    roles: dict[str, str] = {}
    for name, above in (("Top", None), ("Middle", "Top"), ("Low", "Middle"), ("Lowest", "Low")):
        roles[name] = org.has("UserRole", Name=name, ParentRoleId=roles[above] if above else None)
    places = {"chief": "Top", "boss": "Middle", "owner": "Low", "peer": "Low", "junior": "Lowest"}
    people = {}
    for name in PEOPLE:
        role = roles.get(places.get(name, ""))
        people[name] = new_user(name, UserRoleId=role)
    granted = grant(people["boss"], {**dict.fromkeys(RECORDS, "rced"), "Item__c": "rced"})
    for name in PEOPLE:
        if name != "boss":
            org.has("PermissionSetAssignment", AssigneeId=people[name], PermissionSetId=granted)
    return Company(org, {**people, "admin": org.admin_id})


LEVELS = {
    # of a row that `owner` owns
    "Deal__c": {
        "owner": "All",
        "boss": "All",
        "chief": "All",
        "peer": "None",
        "junior": "None",
        "loner": "None",
    },
    "Notice__c": {
        "owner": "All",
        "boss": "All",
        "chief": "All",
        "peer": "Read",
        "junior": "Read",
        "loner": "Read",
    },
    "Paper__c": {
        "owner": "All",
        "boss": "All",
        "chief": "All",
        "peer": "Edit",
        "junior": "Edit",
        "loner": "Edit",
    },
}
ACTS = {"None": (GONE, GONE), "Read": (BARRED, BARRED), "Edit": (OK, BARRED), "All": (OK, OK)}


@pytest.mark.parametrize("sobject", RECORDS)
def test_default_owner_and_role_decide_and_all_ways_to_ask_agree(
    company: Company, acting: Callable[[str], Any], sobject: str
) -> None:
    for who, level in {**LEVELS[sobject], "admin": "All"}.items():
        row = company.org.has(sobject, Name="a", OwnerId=company.ids["owner"])
        assert company.level(who, row) == level, who
        assert company.names(who, sobject) == (["a"] if level != "None" else [])
        act = acting(company.ids[who])
        assert act.read(sobject, row) == ("NOT_FOUND" if level == "None" else OK)
        assert (act.update(sobject, row, Name="a"), act.delete(sobject, row)) == ACTS[level]
        for left in company.org.rows(sobject):
            acting(company.org.admin_id).delete(sobject, left["Id"])


def queue_of(org: EmulatedOrg, *members: str) -> str:
    queue = org.has("Group", Name="Desk", Type="Queue", DeveloperName="Desk")
    org.has("QueueSobject", QueueId=queue, SobjectType="Deal__c")
    for member in members:
        org.has("GroupMember", GroupId=queue, UserOrGroupId=member)
    return queue


def role_group(org: EmulatedOrg, role: str, kind: str) -> str:
    (found,) = org.rows("UserRole", Name=role)
    (group,) = org.rows("Group", RelatedId=found["Id"], Type=kind)
    return str(group["Id"])


@pytest.mark.parametrize(
    ("member", "see"),
    [
        ("loner", {"loner"}),
        ("Role", {"owner", "peer", "boss", "chief"}),
        ("RoleAndSubordinates", {"owner", "peer", "junior", "boss", "chief"}),
    ],
)
def test_rows_of_a_queue_are_those_of_its_members_and_of_who_is_above_them(
    company: Company, member: str, see: set[str]
) -> None:
    org = company.org
    who = company.ids[member] if member in company.ids else role_group(org, "Low", member)
    queue = queue_of(org, who)
    row = org.has("Deal__c", Name="a", OwnerId=queue)
    assert {each for each in PEOPLE if company.names(each)} == see
    assert {each for each in PEOPLE if company.level(each, row) == "All"} == see


def test_a_group_within_a_queue_makes_its_members_members(company: Company) -> None:
    group = company.org.has("Group", Name="Team", Type="Regular", DeveloperName="Team")
    company.org.has("GroupMember", GroupId=group, UserOrGroupId=company.ids["loner"])
    company.org.has("Deal__c", Name="a", OwnerId=queue_of(company.org, group))
    assert company.names("loner") == ["a"]
    assert company.names("peer") == []


@pytest.mark.parametrize(("bosses", "see"), [(True, ["a"]), (False, [])])
def test_a_public_group_may_leave_the_managers_of_its_members_out(
    company: Company, bosses: bool, see: list[str]
) -> None:
    org = company.org
    group = org.has("Group", Name="T", Type="Regular", DeveloperName="T", DoesIncludeBosses=bosses)
    org.has("GroupMember", GroupId=group, UserOrGroupId=company.ids["owner"])
    org.has("Deal__c", Name="a", OwnerId=queue_of(org, group))
    assert company.names("owner") == ["a"]
    assert company.names("boss") == see


def test_who_changes_the_role_sees_at_once_what_the_new_one_sees(company: Company) -> None:
    org = company.org
    org.has("Deal__c", Name="a", OwnerId=company.ids["owner"])
    assert company.names("loner") == []
    (top,) = org.rows("UserRole", Name="Top")
    with org.transaction() as tx:
        tx.update("User", company.ids["loner"], {"UserRoleId": top["Id"]})
    assert company.names("loner") == ["a"]


def test_a_detail_is_shared_as_its_master_is(company: Company, acting: Callable[[str], Any]) -> None:
    org = company.org
    deal = org.has("Deal__c", Name="a", OwnerId=company.ids["owner"])
    item = org.has("Item__c", Name="i", Deal__c=deal)
    assert {each for each in PEOPLE if company.names(each, "Item__c")} == {"owner", "boss", "chief"}
    assert acting(company.ids["peer"]).update("Item__c", item, Name="j") == GONE
    assert acting(company.ids["boss"]).update("Item__c", item, Name="j") == OK
    assert acting(company.ids["peer"]).insert("Item__c", Name="k", Deal__c=deal) == NO_PARENT
    assert acting(company.ids["owner"]).insert("Item__c", Name="k", Deal__c=deal) == OK


def test_a_subquery_a_semi_join_and_a_count_leave_hidden_rows_out(company: Company) -> None:
    org = company.org
    for name, who in (("a", "owner"), ("b", "loner")):
        deal = org.has("Deal__c", Name=name, OwnerId=company.ids[who])
        org.has("Item__c", Name=f"item of {name}", Deal__c=deal)
    loner = company.ids["loner"]
    assert org.query("SELECT COUNT() FROM Deal__c", user_id=loner).total_size == 1
    (row,) = org.query("SELECT Name, (SELECT Name FROM Items__r) FROM Deal__c", user_id=loner).records
    assert [each["Name"] for each in row["Items__r"]["records"]] == ["item of b"]
    users = "SELECT Id FROM User WHERE Id IN (SELECT OwnerId FROM Deal__c)"
    assert [each["Id"] for each in org.query(users, user_id=loner).records] == [loner]
    assert len(org.query(users).records) == 2


def test_one_text_asked_by_two_users_is_answered_to_each(company: Company) -> None:
    company.org.has("Deal__c", Name="a", OwnerId=company.ids["owner"])
    company.org.has("Deal__c", Name="b", OwnerId=company.ids["loner"])
    for _ in range(2):
        assert [company.names(each) for each in ("owner", "loner", "admin")] == [["a"], ["b"], ["a", "b"]]


def test_a_row_may_be_given_away_by_its_owner_only(company: Company, acting: Callable[[str], Any]) -> None:
    row = company.org.has("Paper__c", Name="a", OwnerId=company.ids["owner"])
    loner = company.ids["loner"]
    assert acting(company.ids["peer"]).update("Paper__c", row, OwnerId=loner) == BARRED
    assert acting(company.ids["owner"]).update("Paper__c", row, OwnerId=loner) == OK
    assert company.level("loner", row) == "All"


def test_a_reference_to_a_hidden_row_is_refused(
    company: Company, grant: Callable[..., str], acting: Callable[[str], Any]
) -> None:
    company.org.store.execute('UPDATE "Organization" SET "DefaultAccountAccess" = \'None\'')
    grant(company.ids["loner"], {"Account": "r", "Contact": "rce"}, {"Contact.AccountId": "re"})
    hidden = company.org.has("Account", Name="hidden")
    own = company.org.has("Account", Name="own", OwnerId=company.ids["loner"])
    act = acting(company.ids["loner"])
    assert act.names("SELECT Name FROM Account") == ["own"]
    assert act.insert("Contact", LastName="a", AccountId=hidden) == NO_PARENT
    assert act.insert("Contact", LastName="a", AccountId=own) == OK


def test_contacts_are_seen_with_their_account_or_by_their_owner(
    company: Company, grant: Callable[..., str], acting: Callable[[str], Any]
) -> None:
    org, loner = company.org, company.ids["loner"]
    org.store.execute('UPDATE "Organization" SET "DefaultAccountAccess" = \'None\'')
    grant(loner, {"Account": "r", "Contact": "r"})
    own = org.has("Account", Name="own", OwnerId=loner)
    org.has("Contact", LastName="1", AccountId=own)
    org.has("Contact", LastName="2", AccountId=org.has("Account", Name="other"), OwnerId=loner)
    org.has("Contact", LastName="3", OwnerId=loner)
    org.has("Contact", LastName="4")
    assert acting(loner).names("SELECT Name FROM Contact ORDER BY Name") == ["1", "3"]


def test_a_record_that_is_not_there_is_answered_as_one_that_may_not_be_read(company: Company) -> None:
    assert company.level("admin", "001000000000123AAA") == "None"


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        (
            "SELECT MaxAccessLevel FROM UserRecordAccess WHERE UserId = '{u}' AND RecordId = '{u}'",
            "INVALID_FIELD",
        ),
        ("SELECT RecordId FROM UserRecordAccess WHERE UserId = '{u}'", "MALFORMED_QUERY"),
        ("SELECT RecordId FROM UserRecordAccess WHERE RecordId = '{u}'", "MALFORMED_QUERY"),
        ("SELECT RecordId FROM UserRecordAccess", "MALFORMED_QUERY"),
        ("SELECT IsReadable FROM UserEntityAccess", "MALFORMED_QUERY"),
        ("SELECT IsAccessible FROM UserFieldAccess WHERE IsUpdatable = true", "MALFORMED_QUERY"),
    ],
)
def test_a_question_about_access_that_names_too_little_is_refused(
    org: EmulatedOrg, acting: Callable[[str], Any], soql: str, code: str
) -> None:
    assert acting(org.admin_id).query(soql.format(u=org.admin_id)) == code


def test_two_hundred_records_may_be_asked_about_at_once_and_no_more(
    org: EmulatedOrg, acting: Callable[[str], Any]
) -> None:
    ask = "SELECT RecordId FROM UserRecordAccess WHERE UserId = '{}' AND RecordId IN ({})"
    listed = [f"'001{number:012d}'" for number in range(201)]
    whole = org.query(ask.format(org.admin_id, ", ".join(listed[:200])))
    assert whole.total_size == 200
    assert acting(org.admin_id).query(ask.format(org.admin_id, ", ".join(listed))) == "MALFORMED_QUERY"


def test_questions_about_objects_and_fields_agree_with_the_describes(
    org: EmulatedOrg, new_user: Callable[..., str], grant: Callable[..., str]
) -> None:
    user = new_user()
    grant(user, {"Deal__c": "re"}, {"Deal__c.Size__c": "r"}, ["RunReports"])
    before = org.snapshot()
    ask = f"WHERE UserId = '{user}' AND EntityDefinition.QualifiedApiName = 'Deal__c'"
    (entity,) = org.query(
        f"SELECT IsCreatable, IsReadable, IsUpdatable, IsDeletable FROM UserEntityAccess {ask}"
    ).records
    assert [entity[name] for name in ("IsReadable", "IsUpdatable", "IsCreatable", "IsDeletable")] == [
        True, True, False, False,
    ]  # fmt: skip
    fields = org.query(f"SELECT IsAccessible, IsUpdatable FROM UserFieldAccess {ask}").records
    assert len(fields) == len(org.schema["Deal__c"].fields)
    assert sum(row["IsAccessible"] for row in fields) == len(fields) - 1
    (own,) = org.query(
        "SELECT PermissionsRunReports, PermissionsApiEnabled FROM UserPermissionAccess", user_id=user
    ).records
    assert (own["PermissionsRunReports"], own["PermissionsApiEnabled"]) == (True, False)
    assert org.snapshot() == before
    assert org.store.execute('SELECT COUNT(*) FROM "UserFieldAccess"') == [(0,)]
