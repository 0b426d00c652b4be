"""Rows shared by hand and by rule: who gets them, who may share them, and what the share objects tell."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.errors import ApiError
from reconciler.emulator.metadata.component_types import ComponentProblem, component_type
from reconciler.emulator.metadata_xml import Tree
from reconciler.emulator.org import EmulatedOrg

from .conftest import NARROW, Acting

GONE = "INVALID_CROSS_REFERENCE_KEY"
BARRED = "INSUFFICIENT_ACCESS_OR_READONLY"
TRIVIAL = "FIELD_INTEGRITY_EXCEPTION"
OWN_ACCOUNTS = {"Account": "rced", "Opportunity": "rced", "Case": "rced", "Contact": "rced", "Lead": "rced"}


class Office:
    """`top` is above `ann` and `bob`; `eve` has no role. All have the rights on every object."""

    def __init__(self, org: EmulatedOrg, people: dict[str, str], roles: dict[str, str]) -> None:
        self.org, self.people, self.roles = org, people, roles

    def __getitem__(self, who: str) -> str:
        return self.people[who]

    def acting(self, who: str) -> Acting:
        return Acting(self.org, self.people[who])

    def see(self, sobject: str, row: str) -> set[str]:
        """Who finds the row, asked in three ways that must agree."""
        found = set()
        for who, user in self.people.items():
            query = self.org.query(f"SELECT Id FROM {sobject} WHERE Id = '{row}'", user_id=user).records
            seen = self.acting(who).read(sobject, row, "Id") == "ok"
            assert seen == bool(query) == (self.level(who, row) != "None"), who
            if seen:
                found.add(who)
        return found

    def edit(self, row: str) -> set[str]:
        return {who for who in self.people if self.level(who, row) not in ("None", "Read")}

    def level(self, who: str, row: str) -> str:
        (told,) = self.org.query(
            f"SELECT RecordId, MaxAccessLevel FROM UserRecordAccess WHERE UserId = '{self.people[who]}' "
            f"AND RecordId = '{row}'"
        ).records
        return str(told["MaxAccessLevel"])

    def rule(self, kind: str, full_name: str, **tree: Any) -> None:
        told: Tree = {
            "accessLevel": ["Read"],
            "label": ["R"],
            **{name: [value] for name, value in tree.items()},
        }
        with self.org.transaction() as tx:
            component_type(kind).write(tx, full_name, told)


@pytest.fixture(scope="module")
def furnished_office(furnished: EmulatedOrg) -> Iterator[EmulatedOrg]:
    org = furnished.fork()
    org.store.execute(
        'UPDATE "Organization" SET "DefaultAccountAccess" = \'None\', "DefaultLeadAccess" = \'Read\', '
        "\"DefaultOpportunityAccess\" = 'None', \"DefaultCaseAccess\" = 'None'"
    )
    top = org.has("UserRole", Name="Top", DeveloperName="Top")
    desk = org.has("UserRole", Name="Desk", DeveloperName="Desk", ParentRoleId=top)
    granted = org.has("PermissionSet", Name="Works", Label="Works")
    for name in ("Deal__c", "Item__c", "Notice__c", *OWN_ACCOUNTS):
        rights = ("Read", "Create", "Edit", "Delete")
        flags = {f"Permissions{right}": True for right in rights}
        org.has("ObjectPermissions", ParentId=granted, SobjectType=name, **flags)
    for field in ("Deal__c.Size__c", "Deal__c.Mood__c", "Opportunity.AccountId", "Case.AccountId"):
        sobject = field.partition(".")[0]
        org.has(
            "FieldPermissions", ParentId=granted, SobjectType=sobject, Field=field,
            PermissionsRead=True, PermissionsEdit=True,
        )  # fmt: skip
    (profile,) = org.rows("Profile", Name=NARROW)
    for name, role in (("top", top), ("ann", desk), ("bob", desk), ("eve", None)):
        user = org.has(
            "User", Username=f"{name}@acme.example", LastName=name, Email="a@acme.example", Alias=name,
            ProfileId=profile["Id"], TimeZoneSidKey="GMT", LocaleSidKey="en_US", LanguageLocaleKey="en_US",
            EmailEncodingKey="UTF-8", UserRoleId=role,
        )  # fmt: skip
        org.has("PermissionSetAssignment", AssigneeId=user, PermissionSetId=granted)
    yield org
    org.close()


@pytest.fixture
def office(furnished_office: EmulatedOrg) -> Iterator[Office]:
    org = furnished_office.fork()
    people = {
        row["Alias"]: row["Id"] for row in org.rows("User") if row["Alias"] in ("top", "ann", "bob", "eve")
    }
    yield Office(org, people, {row["DeveloperName"]: row["Id"] for row in org.rows("UserRole")})
    org.close()


def refusal(act: Callable[[], Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        act()
    return caught.value


# -- by hand


def test_a_share_gives_a_row_to_its_holder_and_those_above_as_far_as_it_says(office: Office) -> None:
    org = office.org
    deal = org.has("Deal__c", Name="a", OwnerId=office["eve"])
    assert office.see("Deal__c", deal) == {"eve"}
    share = org.has("Deal__Share", ParentId=deal, UserOrGroupId=office["ann"], AccessLevel="Read")
    assert office.see("Deal__c", deal) == {"eve", "ann", "top"}
    assert office.edit(deal) == {"eve"}
    assert office.acting("ann").update("Deal__c", deal, Name="b") == BARRED
    with org.transaction() as tx:
        tx.update("Deal__Share", share, {"AccessLevel": "Edit"})
    assert office.edit(deal) == {"eve", "ann", "top"}
    assert office.acting("ann").update("Deal__c", deal, Name="b") == "ok"
    assert office.acting("ann").delete("Deal__c", deal) == BARRED
    with org.transaction() as tx:
        tx.delete("Deal__Share", share)
    assert office.see("Deal__c", deal) == {"eve"}
    assert office.acting("ann").update("Deal__c", deal, Name="c") == GONE


def test_a_share_with_a_group_is_one_with_its_members(office: Office) -> None:
    org = office.org
    deal = org.has("Deal__c", Name="a", OwnerId=office["eve"])
    (group,) = org.rows("Group", Type="Role", DeveloperName="Desk")
    org.has("Deal__Share", ParentId=deal, UserOrGroupId=group["Id"], AccessLevel="Read")
    assert office.see("Deal__c", deal) == {"eve", "ann", "bob", "top"}


def test_what_hangs_on_a_shared_row_is_shared_with_it(office: Office) -> None:
    org = office.org
    deal = org.has("Deal__c", Name="a", OwnerId=office["eve"])
    item = org.has("Item__c", Name="i", Deal__c=deal)
    org.has("Deal__Share", ParentId=deal, UserOrGroupId=office["bob"], AccessLevel="Read")
    assert office.see("Item__c", item) == {"eve", "bob", "top"}
    assert office.acting("bob").update("Item__c", item, Name="j") == BARRED


def test_only_who_has_a_row_whole_shares_it(office: Office) -> None:
    org = office.org
    deal = org.has("Deal__c", Name="a", OwnerId=office["ann"])
    share = {"ParentId": deal, "UserOrGroupId": office["eve"], "AccessLevel": "Edit"}
    no_parent = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
    assert office.acting("bob").insert("Deal__Share", **share) == no_parent
    org.has("Deal__Share", **{**share, "UserOrGroupId": office["bob"]})
    assert office.acting("bob").insert("Deal__Share", **share) == no_parent
    assert office.acting("top").insert("Deal__Share", **share) == "ok"
    (made,) = org.rows("Deal__Share", UserOrGroupId=office["eve"])
    assert office.acting("eve").delete("Deal__Share", made["Id"]) == BARRED
    assert office.acting("ann").delete("Deal__Share", made["Id"]) == "ok"


def test_a_second_share_of_a_row_with_somebody_changes_the_first(office: Office) -> None:
    org = office.org
    deal = org.has("Deal__c", Name="a", OwnerId=office["ann"])
    first = org.has("Deal__Share", ParentId=deal, UserOrGroupId=office["eve"], AccessLevel="Read")
    again = org.has("Deal__Share", ParentId=deal, UserOrGroupId=office["eve"], AccessLevel="Edit")
    assert first == again
    assert [row["AccessLevel"] for row in org.rows("Deal__Share")] == ["Edit"]


def test_a_new_owner_ends_what_was_shared_by_hand(office: Office) -> None:
    org = office.org
    deal = org.has("Deal__c", Name="a", OwnerId=office["ann"])
    org.has("Deal__Share", ParentId=deal, UserOrGroupId=office["eve"], AccessLevel="Read")
    assert office.acting("ann").update("Deal__c", deal, OwnerId=office["ann"], Name="b") == "ok"
    assert office.see("Deal__c", deal) == {"ann", "top", "eve"}
    assert office.acting("ann").update("Deal__c", deal, OwnerId=office["bob"]) == "ok"
    assert office.see("Deal__c", deal) == {"bob", "top"}


def test_a_row_and_a_group_take_their_shares_along(office: Office) -> None:
    org = office.org
    group = org.has("Group", Name="G", Type="Regular", DeveloperName="G")
    deals = [org.has("Deal__c", Name=name, OwnerId=office["ann"]) for name in "ab"]
    for deal in deals:
        org.has("Deal__Share", ParentId=deal, UserOrGroupId=group, AccessLevel="Read")
    with org.transaction() as tx:
        tx.delete("Deal__c", deals[0])
    assert [row["ParentId"] for row in org.rows("Deal__Share")] == [deals[1]]
    with org.transaction() as tx:
        tx.delete("Group", group)
    assert org.rows("Deal__Share") == []


REFUSED = [
    (
        "Deal__Share",
        {"AccessLevel": "All"},
        TRIVIAL,
        "(trivial share level All, for organization with default level None)",
    ),
    (
        "Notice__Share",
        {"AccessLevel": "Read"},
        TRIVIAL,
        "trivial share level Read, for organization with default level Read",
    ),
    (
        "LeadShare",
        {"LeadAccessLevel": "Read"},
        TRIVIAL,
        "LeadAccessLevel (trivial share level Read, for organization",
    ),
    ("Deal__Share", {"AccessLevel": "Read", "RowCause": "Owner"}, TRIVIAL, "RowCause"),
    ("Deal__Share", {"AccessLevel": "None"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Access Level"),
    ("Deal__Share", {}, "REQUIRED_FIELD_MISSING", "[AccessLevel]"),
    ("AccountShare", {"AccountAccessLevel": "Read"}, "REQUIRED_FIELD_MISSING", "[OpportunityAccessLevel]"),
    (
        "AccountShare",
        {"AccountAccessLevel": "All", "OpportunityAccessLevel": "None"},
        "INVALID_ACCESS_LEVEL",
        "(All, None, None, ControlledByParent) are below organization levels (None, None, None, ",
    ),
]


@pytest.mark.parametrize(("share", "fields", "code", "says"), REFUSED)
def test_a_share_that_says_nothing_or_too_much_is_refused(
    office: Office, share: str, fields: dict[str, str], code: str, says: str
) -> None:
    org = office.org
    parents = {
        "Deal__Share": "Deal__c",
        "Notice__Share": "Notice__c",
        "LeadShare": "Lead",
        "AccountShare": "Account",
    }
    named = {"LastName": "a", "Company": "b"} if share == "LeadShare" else {"Name": "a"}
    row = org.has(parents[share], **named)
    reference = "ParentId" if "__" in share else f"{parents[share]}Id"
    before = org.snapshot()
    error = refusal(lambda: org.has(share, **{reference: row, "UserOrGroupId": office["ann"], **fields}))
    assert error.code == code
    assert says in error.message
    assert org.snapshot() == before


def test_a_row_is_not_shared_with_an_inactive_user(office: Office) -> None:
    org = office.org
    deal = org.has("Deal__c", Name="a")
    with org.transaction() as tx:
        tx.update("User", office["eve"], {"IsActive": False})
    share = {"ParentId": deal, "UserOrGroupId": office["eve"], "AccessLevel": "Read"}
    assert refusal(lambda: org.has("Deal__Share", **share)).code == "INACTIVE_OWNER_OR_USER"
    assert org.rows("Deal__Share") == []


def test_contacts_that_follow_their_account_are_not_shared_by_themselves(office: Office) -> None:
    contact = office.org.has("Contact", LastName="a")
    share = {"ContactId": contact, "UserOrGroupId": office["ann"], "ContactAccessLevel": "Edit"}
    error = refusal(lambda: office.org.has("ContactShare", **share))
    assert (error.code, office.org.rows("ContactShare")) == ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", [])


# -- what share objects tell


def causes(office: Office, soql: str, who: str | None = None) -> list[tuple[str, str]]:
    user = office[who] if who else None
    return sorted(
        (row["RowCause"], row["UserOrGroupId"]) for row in office.org.query(soql, user_id=user).records
    )


def test_a_share_object_lists_owner_hand_and_rule(office: Office) -> None:
    org = office.org
    deal = org.has("Deal__c", Name="a", OwnerId=office["ann"])
    org.has("Deal__Share", ParentId=deal, UserOrGroupId=office["eve"], AccessLevel="Read")
    office.rule(
        "SharingOwnerRule", "Deal__c.Desk", sharedFrom={"role": ["Desk"]}, sharedTo={"allInternalUsers": [""]}
    )
    (everybody,) = org.rows("Group", Type="Organization")
    ask = f"SELECT Id, RowCause, UserOrGroupId, AccessLevel FROM Deal__Share WHERE ParentId = '{deal}'"
    told = [("Manual", office["eve"]), ("Owner", office["ann"]), ("Rule", everybody["Id"])]
    assert causes(office, ask) == causes(office, ask, "ann") == sorted(told)
    assert causes(office, f"{ask} AND RowCause = 'rule'") == [told[2]]
    assert org.query("SELECT COUNT() FROM Deal__Share").total_size == 3
    (row,) = org.query("SELECT Name, (SELECT RowCause FROM Shares) FROM Deal__c").records
    assert sorted(each["RowCause"] for each in row["Shares"]["records"]) == ["Manual", "Owner", "Rule"]
    named = org.query(
        "SELECT Id FROM Deal__c WHERE Id IN (SELECT ParentId FROM Deal__Share WHERE RowCause = 'Owner')"
    )
    assert [each["Id"] for each in named.records] == [deal]
    for each in org.query(ask).records:
        assert org.retrieve("Deal__Share", each["Id"], ["RowCause"])["RowCause"] == each["RowCause"]
        assert len(org.query(f"SELECT Id FROM Deal__Share WHERE Id = '{each['Id']}'").records) == 1
        assert office.acting("bob").read("Deal__Share", each["Id"], "Id") == "ok"


def test_shares_of_hidden_rows_are_hidden(office: Office) -> None:
    org = office.org
    deal = org.has("Deal__c", Name="a", OwnerId=office["ann"])
    share = org.has("Deal__Share", ParentId=deal, UserOrGroupId=office["bob"], AccessLevel="Read")
    assert causes(office, "SELECT RowCause, UserOrGroupId FROM Deal__Share", "eve") == []
    assert office.acting("eve").read("Deal__Share", share, "Id") == "NOT_FOUND"
    assert office.acting("bob").read("Deal__Share", share, "Id") == "ok"


def test_shares_of_owners_and_rules_are_not_written(office: Office) -> None:
    org = office.org
    deal = org.has("Deal__c", Name="a", OwnerId=office["ann"])
    (owner,) = org.query("SELECT Id FROM Deal__Share").records
    act = office.acting("ann")
    assert act.delete("Deal__Share", owner["Id"]) == "DELETE_FAILED"
    assert act.update("Deal__Share", owner["Id"], AccessLevel="Read") == BARRED
    assert office.see("Deal__c", deal) == {"ann", "top"}


def test_an_object_has_a_share_object_while_its_default_leaves_somebody_out(office: Office) -> None:
    org = office.org
    assert ["Deal__Share" in org.schema, "Notice__Share" in org.schema] == [True, True]
    assert ["Paper__Share" in org.schema, "Item__Share" in org.schema] == [False, False]
    deal = org.has("Deal__c", Name="a", OwnerId=office["ann"])
    org.has("Deal__Share", ParentId=deal, UserOrGroupId=office["bob"], AccessLevel="Read")
    flags = org.schema["Deal__c"].flags
    org.additions.update_object("Deal__c", flags={**flags, "sharingModel": "ReadWrite"})
    assert "Deal__Share" not in org.schema
    assert office.see("Deal__c", deal) == {"ann", "bob", "eve", "top"}
    org.additions.update_object("Deal__c", flags={**flags, "sharingModel": "Private"})
    assert office.see("Deal__c", deal) == {"ann", "top"}
    assert org.query("SELECT RowCause FROM Deal__Share").records[0]["RowCause"] == "Owner"


def test_shares_are_the_same_in_a_file_that_is_opened_again(tmp_path: Path, office: Office) -> None:
    org = EmulatedOrg(tmp_path / "org.db")
    from .conftest import write_object

    write_object(tmp_path / "seed", "Deal__c", "Private")
    org.load(tmp_path / "seed")
    deal = org.has("Deal__c", Name="a")
    org.has("Deal__Share", ParentId=deal, UserOrGroupId=org.rows("User")[1]["Id"], AccessLevel="Read")
    org.additions.rename_object("Deal__c", "Trade__c")
    before = org.query("SELECT Id, RowCause, Parent.Name FROM Trade__Share").records
    assert len(before) == 2
    org.close()
    again = EmulatedOrg(tmp_path / "org.db")
    assert again.query("SELECT Id, RowCause, Parent.Name FROM Trade__Share").records == before
    assert "Deal__Share" not in again.schema
    again.additions.remove_object("Trade__c")
    assert "Trade__Share" not in again.schema
    again.close()


# -- by rule


def test_an_owner_rule_shares_what_a_role_owns_with_a_group(office: Office) -> None:
    org = office.org
    group = org.has("Group", Name="G", Type="Regular", DeveloperName="G")
    org.has("GroupMember", GroupId=group, UserOrGroupId=office["eve"])
    deal = org.has("Deal__c", Name="a", OwnerId=office["bob"])
    other = org.has("Deal__c", Name="b")
    assert office.see("Deal__c", deal) == {"bob", "top"}
    office.rule(
        "SharingOwnerRule", "Deal__c.R", accessLevel="Edit",
        sharedFrom={"roleAndSubordinates": ["Top"]}, sharedTo={"group": ["G"]},
    )  # fmt: skip
    assert office.see("Deal__c", deal) == office.edit(deal) == {"bob", "top", "eve"}
    assert office.see("Deal__c", other) == set()
    assert office.acting("eve").update("Deal__c", deal, Name="b") == "ok"
    with org.transaction() as tx:
        component_type("SharingOwnerRule").delete(tx, "Deal__c.R")
    assert office.see("Deal__c", deal) == {"bob", "top"}


CRITERIA = [
    ([("Size__c", "equals", "big,huge")], "", {"big", "huge"}),
    ([("Size__c", "notEqual", "big")], "", {"small", "huge", "none"}),
    ([("Size__c", "equals", "")], "", {"none"}),
    ([("Size__c", "startsWith", "b"), ("Mood__c", "equals", "good")], "", {"big"}),
    ([("Size__c", "equals", "big"), ("Size__c", "equals", "small")], "1 OR 2", {"big", "small"}),
    (
        [("Size__c", "equals", "big"), ("Size__c", "equals", "small"), ("Mood__c", "equals", "bad")],
        "(1 OR 2) AND 3",
        {"small"},
    ),
    ([("Name", "contains", "UG")], "", {"huge"}),
]


@pytest.mark.parametrize(("items", "logic", "see"), CRITERIA)
def test_a_criteria_rule_shares_the_rows_that_fulfil_it(
    office: Office, items: list[tuple[str, str, str]], logic: str, see: set[str]
) -> None:
    org = office.org
    for name, mood in (("big", "good"), ("small", "bad"), ("huge", "good"), ("none", None)):
        org.has("Deal__c", Name=name, Size__c=None if name == "none" else name, Mood__c=mood)
    criteria = [
        dict(zip(("field", "operation", "value"), ([each] for each in item), strict=True)) for item in items
    ]
    with org.transaction() as tx:
        component_type("SharingCriteriaRule").write(
            tx,
            "Deal__c.C",
            {
                "accessLevel": ["Read"],
                "label": ["C"],
                "sharedTo": [{"role": ["Desk"]}],
                "criteriaItems": criteria,
                **({"booleanFilter": [logic]} if logic else {}),
            },
        )
    assert set(office.acting("ann").names("SELECT Name FROM Deal__c")) == see
    assert set(office.acting("top").names("SELECT Name FROM Deal__c")) == see
    assert office.acting("eve").names("SELECT Name FROM Deal__c") == []
    row = org.rows("Deal__c", Name=min(see))[0]["Id"]
    assert office.see("Deal__c", row) == {"ann", "bob", "top"}
    assert len(org.query("SELECT Id FROM Deal__Share WHERE RowCause = 'Rule'").records) == len(see)


WRONG_RULES = [
    (
        "SharingOwnerRule",
        {"sharedTo": {"group": ["No"]}, "sharedFrom": {"role": ["Desk"]}},
        "no Group named No found",
    ),
    (
        "SharingOwnerRule",
        {"sharedTo": {"role": ["Desk"]}, "sharedFrom": {"role": ["No"]}},
        "no Role named No found",
    ),
    ("SharingOwnerRule", {"sharedTo": {"role": ["Desk"]}}, "Required field is missing: sharedFrom"),
    ("SharingOwnerRule", {"sharedTo": {"role": ["Desk"]}, "accessLevel": "All"}, "Invalid access level: All"),
    (
        "SharingCriteriaRule",
        {
            "sharedTo": {"role": ["Desk"]},
            "criteriaItems": {"field": ["No__c"], "operation": ["equals"], "value": ["1"]},
        },
        "No__c",
    ),
    (
        "SharingCriteriaRule",
        {
            "sharedTo": {"role": ["Desk"]},
            "criteriaItems": {"field": ["Name"], "operation": ["equals"], "value": ["1"]},
            "booleanFilter": "1 AND 2",
        },
        "1 AND 2",
    ),
]


@pytest.mark.parametrize(("kind", "tree", "says"), WRONG_RULES)
def test_a_rule_that_names_what_is_not_there_is_refused(
    office: Office, kind: str, tree: dict[str, Any], says: str
) -> None:
    with pytest.raises(ComponentProblem, match=says):
        office.rule(kind, "Deal__c.R", **tree)
    assert office.org.components.names(kind) == []


def test_a_rule_that_shares_nothing_here_is_named(office: Office) -> None:
    org = office.org
    before = org.formula_gaps()
    office.rule(
        "SharingOwnerRule",
        "Deal__c.R",
        sharedFrom={"role": ["Desk"]},
        sharedTo={"managers": ["ann@acme.example"]},
    )
    assert org.formula_gaps() == [*before, "SharingOwnerRule Deal__c.R: whom it shares with is not emulated"]


# -- accounts and what hangs on them


def test_an_account_is_read_by_whoever_has_an_opportunity_of_it(office: Office) -> None:
    org = office.org
    account = org.has("Account", Name="a", OwnerId=office["eve"])
    sale = {"StageName": "Prospecting", "CloseDate": "2031-05-04", "AccountId": account}
    opportunity = org.has("Opportunity", Name="o", OwnerId=office["ann"], **sale)
    assert office.see("Account", account) == {"eve", "ann", "top"}
    assert office.edit(account) == {"eve"}
    with org.transaction() as tx:
        tx.delete("Opportunity", opportunity)
    assert office.see("Account", account) == {"eve"}


def test_an_accounts_owner_sees_what_hangs_on_it_as_far_as_the_role_says(office: Office) -> None:
    org = office.org
    account = org.has("Account", Name="a", OwnerId=office["ann"])
    case = org.has("Case", Subject="c", AccountId=account, OwnerId=office["eve"])
    assert office.see("Case", case) == office.edit(case) == {"eve", "ann", "top"}
    with org.transaction() as tx:
        tx.update("UserRole", office.roles["Desk"], {"CaseAccessForAccountOwner": "Read"})
    assert (office.see("Case", case), office.edit(case)) == ({"eve", "ann", "top"}, {"eve"})
    with org.transaction() as tx:
        tx.update("UserRole", office.roles["Desk"], {"CaseAccessForAccountOwner": "None"})
    assert office.see("Case", case) == {"eve"}


def test_a_share_of_an_account_says_how_far_its_cases_are_shared(office: Office) -> None:
    org = office.org
    account = org.has("Account", Name="a", OwnerId=office["eve"])
    case = org.has("Case", Subject="c", AccountId=account)
    contact = org.has("Contact", LastName="c", AccountId=account)
    org.has(
        "AccountShare", AccountId=account, UserOrGroupId=office["bob"], AccountAccessLevel="Read",
        OpportunityAccessLevel="None", CaseAccessLevel="Edit",
    )  # fmt: skip
    assert office.see("Account", account) == {"eve", "bob", "top"}
    assert office.see("Case", case) == office.edit(case) == {"bob", "top"}
    assert office.see("Contact", contact) == {"eve", "bob", "top"}


def test_a_rule_of_accounts_says_how_far_their_opportunities_are_shared(office: Office) -> None:
    org = office.org
    account = org.has("Account", Name="a", OwnerId=office["eve"], Industry="Energy")
    sale = {"StageName": "Prospecting", "CloseDate": "2031-05-04", "AccountId": account}
    opportunity = org.has("Opportunity", Name="o", **sale)
    told = {"accountSettings": {"opportunityAccessLevel": ["Read"], "caseAccessLevel": ["None"]}}
    item = {"field": ["Industry"], "operation": ["equals"], "value": ["Energy"]}
    office.rule("SharingCriteriaRule", "Account.E", sharedTo={"role": ["Desk"]}, criteriaItems=item, **told)
    assert office.see("Account", account) == {"eve", "ann", "bob", "top"}
    assert office.see("Opportunity", opportunity) == {"ann", "bob", "top"}
    (row,) = org.query("SELECT OpportunityAccessLevel FROM AccountShare WHERE RowCause = 'Rule'").records
    assert row["OpportunityAccessLevel"] == "Read"


def test_an_objects_file_sets_its_default(office: Office) -> None:
    org = office.org
    lead = org.has("Lead", LastName="a", Company="b", OwnerId=office["ann"])
    assert office.see("Lead", lead) == {"ann", "bob", "eve", "top"}
    with org.transaction() as tx:
        component_type("CustomObject").write(tx, "Lead", {"sharingModel": ["Private"]})
    assert office.see("Lead", lead) == {"ann", "top"}
    assert org.rows("Organization")[0]["DefaultLeadAccess"] == "None"
