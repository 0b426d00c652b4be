"""What rights on an object let a user do with it."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.emulator.org import EmulatedOrg

OK = "ok"
GONE = "INVALID_CROSS_REFERENCE_KEY"
HIDDEN = "INVALID_TYPE"
BARRED = "INSUFFICIENT_ACCESS_OR_READONLY"
NO_INSERT = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
TABLE = [
    # rights, query, insert, update and delete of an own row, of another's
    ("", HIDDEN, HIDDEN, (GONE, GONE), (GONE, GONE)),
    ("r", OK, NO_INSERT, (BARRED, BARRED), (GONE, GONE)),
    ("rc", OK, OK, (BARRED, BARRED), (GONE, GONE)),
    ("re", OK, NO_INSERT, (OK, BARRED), (GONE, GONE)),
    ("red", OK, NO_INSERT, (OK, OK), (GONE, GONE)),
    ("rV", OK, NO_INSERT, (BARRED, BARRED), (BARRED, BARRED)),
    ("reV", OK, NO_INSERT, (OK, BARRED), (BARRED, BARRED)),
    ("redV", OK, NO_INSERT, (OK, OK), (BARRED, BARRED)),
    ("redVM", OK, NO_INSERT, (OK, OK), (OK, OK)),
    ("rcedVM", OK, OK, (OK, OK), (OK, OK)),
]


@pytest.mark.parametrize(("rights", "query", "insert", "own", "others"), TABLE, ids=lambda each: str(each))
def test_rights_on_a_private_object_decide_what_is_answered(
    org: EmulatedOrg,
    new_user: Callable[..., str],
    grant: Callable[..., str],
    acting: Callable[[str], Any],
    rights: str,
    query: str,
    insert: str,
    own: tuple[str, str],
    others: tuple[str, str],
) -> None:
    user = new_user()
    grant(user, {"Deal__c": rights})
    mine, other = org.has("Deal__c", Name="mine", OwnerId=user), org.has("Deal__c", Name="other")
    act = acting(user)
    assert act.query("SELECT Id FROM Deal__c") == query
    assert act.insert("Deal__c", Name="new") == insert
    assert (act.update("Deal__c", mine, Name="x"), act.delete("Deal__c", mine)) == own
    assert (act.update("Deal__c", other, Name="x"), act.delete("Deal__c", other)) == others


@pytest.mark.parametrize(
    ("permission", "read", "write"),
    [(None, HIDDEN, GONE), ("ViewAllData", OK, BARRED), ("ModifyAllData", OK, OK)],
)
def test_system_permissions_reach_objects_without_rows_of_rights(
    org: EmulatedOrg,
    new_user: Callable[..., str],
    grant: Callable[..., str],
    acting: Callable[[str], Any],
    permission: str | None,
    read: str,
    write: str,
) -> None:
    user = new_user()
    grant(user, permissions=[permission] if permission else [])
    row = org.has("Deal__c", Name="a")
    assert acting(user).query("SELECT Id FROM Deal__c") == read
    assert acting(user).update("Deal__c", row, Name="b") == write


def test_an_object_that_may_not_be_read_is_refused_as_one_that_is_not_there(
    org: EmulatedOrg, new_user: Callable[..., str], acting: Callable[[str], Any]
) -> None:
    user = new_user()
    with pytest.raises(Exception, match="sObject type 'Account' is not supported"):
        org.query("SELECT Id FROM Account", user_id=user)
    assert acting(user).query("SELECT Id, (SELECT Id FROM Contacts) FROM Account") == HIDDEN
    assert acting(user).query("SELECT Id FROM User WHERE Id IN (SELECT OwnerId FROM Account)") == HIDDEN


def test_a_path_to_a_hidden_parent_is_none(
    org: EmulatedOrg, new_user: Callable[..., str], grant: Callable[..., str], acting: Callable[[str], Any]
) -> None:
    user = new_user()
    grant(user, {"Item__c": "r"}, permissions=[])
    assert acting(user).query("SELECT Id, Deal__c FROM Item__c") == OK
    assert acting(user).query("SELECT Deal__r.Name FROM Item__c") == "INVALID_FIELD"


DETAILS = [
    ("r", ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", BARRED)),
    ("re", ("ok", "ok")),
]


@pytest.mark.parametrize(("rights", "answers"), DETAILS)
def test_a_detail_without_rights_of_its_own_follows_what_it_hangs_on(
    org: EmulatedOrg,
    new_user: Callable[..., str],
    grant: Callable[..., str],
    acting: Callable[[str], Any],
    rights: str,
    answers: tuple[str, str],
) -> None:
    user = new_user()
    grant(user, {"Case": rights})
    case = org.has("Case", Subject="a", OwnerId=user)
    comment = org.has("CaseComment", ParentId=case, CommentBody="a")
    act = acting(user)
    assert act.query("SELECT Id FROM CaseComment") == OK
    answered = (
        act.insert("CaseComment", ParentId=case, CommentBody="b"),
        act.update("CaseComment", comment, CommentBody="c"),
    )
    assert answered == answers


def test_the_describes_tell_what_the_user_may_do(
    org: EmulatedOrg, new_user: Callable[..., str], grant: Callable[..., str]
) -> None:
    user = new_user()
    grant(user, {"Deal__c": "re"})
    schema = org.access.of(user).schema
    deal = schema["Deal__c"]
    assert (deal.createable, deal.updateable, deal.deletable, deal.undeletable) == (False, True, False, False)
    assert "Notice__c" not in schema
    assert "Account" not in schema
    assert {"User", "Profile", "Organization"} <= {each.name for each in schema}


def test_the_administrator_is_handed_the_objects_themselves_but_those_with_withheld_fields(
    org: EmulatedOrg,
) -> None:
    seen = org.access.of(org.admin_id).schema
    withheld = {each.name for each in org.schema if any(field.withheld for field in each.fields.values())}
    assert {each.name for each in org.schema if seen[each.name] is not each} == withheld
    assert "Account" not in withheld


def test_definitions_of_what_is_hidden_are_not_told(
    org: EmulatedOrg, new_user: Callable[..., str], grant: Callable[..., str]
) -> None:
    user = new_user()
    grant(user, {"Deal__c": "r"}, {"Deal__c.Size__c": "r"})
    names = "SELECT QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName IN ('Deal__c', 'Account')"
    assert [row["QualifiedApiName"] for row in org.query(names, user_id=user).records] == ["Deal__c"]
    fields = (
        "SELECT QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = 'Deal__c' "
        "AND QualifiedApiName IN ('Size__c', 'Mood__c')"
    )
    assert [row["QualifiedApiName"] for row in org.query(fields, user_id=user).records] == ["Size__c"]
