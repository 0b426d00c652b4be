"""Claims about what a delete takes along and how it comes back."""

from collections.abc import Callable

import pytest

from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.org import EmulatedOrg

Refused = Callable[..., ApiError]
Remove = Callable[..., None]


def undelete(org: EmulatedOrg, sobject: str, record_id: str) -> None:
    with org.transaction() as tx:
        tx.undelete(sobject, record_id)


def test_a_deleted_row_is_found_no_more(org: EmulatedOrg, remove: Remove) -> None:
    account = org.has("Account", Name="A")
    remove(org, "Account", account)
    assert org.rows("Account") == []
    with pytest.raises(NotFound):
        org.retrieve("Account", account)


def test_a_second_delete_says_that_the_row_is_deleted(
    org: EmulatedOrg, refused: Refused, remove: Remove
) -> None:
    account = org.has("Account", Name="A")
    remove(org, "Account", account)
    error = refused(lambda: remove(org, "Account", account), "ENTITY_IS_DELETED")
    assert (error.status, error.message, error.fields) == (404, "entity is deleted", [])


def test_children_go_and_come_with_their_parent(org: EmulatedOrg, remove: Remove) -> None:
    account = org.has("Account", Name="A")
    contact = org.has("Contact", LastName="L", AccountId=account)
    before = org.snapshot()
    remove(org, "Account", account)
    assert org.rows("Contact") == []
    undelete(org, "Account", account)
    assert org.retrieve("Contact", contact, ["AccountId"])["AccountId"] == account
    assert org.snapshot() == before


def test_a_lookup_is_cleared_and_set_again(org: EmulatedOrg, remove: Remove) -> None:
    parent, child = org.has("Account", Name="P"), org.has("Account", Name="C")
    with org.transaction() as tx:
        tx.update("Account", child, {"ParentId": parent})
    remove(org, "Account", parent)
    assert org.retrieve("Account", child, ["ParentId"])["ParentId"] is None
    undelete(org, "Account", parent)
    assert org.retrieve("Account", child, ["ParentId"])["ParentId"] == parent


def test_a_lookup_that_was_replaced_meanwhile_is_left_alone(org: EmulatedOrg, remove: Remove) -> None:
    old, new = org.has("Account", Name="Old"), org.has("Account", Name="New")
    child = org.has("Account", Name="C", ParentId=old)
    remove(org, "Account", old)
    with org.transaction() as tx:
        tx.update("Account", child, {"ParentId": new})
    undelete(org, "Account", old)
    assert org.retrieve("Account", child, ["ParentId"])["ParentId"] == new


def test_a_row_that_others_need_is_not_deleted(org: EmulatedOrg, refused: Refused, remove: Remove) -> None:
    account = org.has("Account", Name="Acme")
    org.has("Contact", LastName="L", AccountId=account)
    org.has("Case", AccountId=account)
    error = refused(lambda: remove(org, "Account", account), "DELETE_FAILED")
    assert error.message == (
        "Your attempt to delete Acme could not be completed because it is associated with the "
        "following cases.: 00000001"
    )


def test_a_row_that_is_not_in_the_bin_cannot_come_back(org: EmulatedOrg, refused: Refused) -> None:
    account = org.has("Account", Name="A")
    refused(lambda: undelete(org, "Account", account), "UNDELETE_FAILED")


def test_a_setup_row_is_gone_for_good(
    org: EmulatedOrg, remove: Remove, refused: Refused, new_user: Callable[..., str]
) -> None:
    granted = org.has("PermissionSet", Name="P", Label="P")
    key = {"AssigneeId": new_user(), "PermissionSetId": granted}
    first = org.has("PermissionSetAssignment", **key)
    remove(org, "PermissionSetAssignment", first)
    error = refused(lambda: remove(org, "PermissionSetAssignment", first), "INVALID_CROSS_REFERENCE_KEY")
    assert error.status == 404
    assert org.has("PermissionSetAssignment", **key) != first


def test_users_are_not_deleted(
    org: EmulatedOrg, refused: Refused, remove: Remove, new_user: Callable[..., str]
) -> None:
    user = new_user()
    refused(lambda: remove(org, "User", user), "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")


def test_a_purged_row_is_gone_with_what_was_deleted_because_of_it(
    org: EmulatedOrg, refused: Refused, remove: Remove
) -> None:
    account = org.has("Account", Name="A")
    org.has("Contact", LastName="L", AccountId=account)
    remove(org, "Account", account)
    with org.transaction() as tx:
        tx.purge("Account", account)
    refused(lambda: undelete(org, "Account", account), "UNDELETE_FAILED")
    assert org.store.execute('SELECT count(*) FROM "Contact"') == [(0,)]
    error = refused(lambda: remove(org, "Account", account), "INVALID_CROSS_REFERENCE_KEY")
    assert error.status == 404
