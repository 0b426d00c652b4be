"""Describes: their keys and order, their versions."""

from typing import TYPE_CHECKING

import pytest

from reconciler.emulator.schema import Field

if TYPE_CHECKING:
    from tests.emulator.http.conftest import Client

MASTER = "012000000000000AAA"


@pytest.mark.parametrize(
    "sobject", ["Account", "User", "PermissionSetAssignment", "Organization", "RecordType"]
)
def test_a_describe_has_45_keys_and_57_a_field_in_alphabetical_order(client: "Client", sobject: str) -> None:
    value = client.get(f"/sobjects/{sobject}/describe").json()
    keys = [key for key in value if key != "urls"]
    assert len(value) == 45
    assert keys == sorted(keys)
    for field in value["fields"]:
        assert len(field) == 57
        assert list(field) == sorted(field)


def test_the_global_describe_lists_objects_as_basic_information_does(client: "Client") -> None:
    value = client.get("/sobjects").json()
    assert (value["encoding"], value["maxBatchSize"]) == ("UTF-8", 200)
    account = next(each for each in value["sobjects"] if each["name"] == "Account")
    assert account == client.get("/sobjects/Account").json()["objectDescribe"]
    assert account["urls"]["describe"] == "/services/data/v60.0/sobjects/Account/describe"


def test_every_object_has_the_master_record_type(client: "Client") -> None:
    (info,) = client.get("/sobjects/Account/describe").json()["recordTypeInfos"]
    assert (info["recordTypeId"], info["master"], info["defaultRecordTypeMapping"]) == (MASTER, True, True)


def test_references_and_their_children_are_told_from_both_sides(client: "Client") -> None:
    contact = client.get("/sobjects/Contact/describe").json()
    account_id = next(each for each in contact["fields"] if each["name"] == "AccountId")
    assert (account_id["referenceTo"], account_id["relationshipName"]) == (["Account"], "Account")
    children = client.get("/sobjects/Account/describe").json()["childRelationships"]
    found = next(
        each for each in children if (each["childSObject"], each["field"]) == ("Contact", "AccountId")
    )
    assert found["relationshipName"] == "Contacts"


def test_a_describe_is_sent_again_only_when_it_changed(client: "Client") -> None:
    first = client.get("/sobjects/Account/describe", Accept_Encoding="identity")
    seen, tag = first.headers["Last-Modified"], first.headers["ETag"]
    assert client.get("/sobjects/Account/describe", If_Modified_Since=seen).status_code == 304
    assert client.get("/sobjects/Account/describe", If_None_Match=tag).status_code == 304
    client.org.schema.add_field("Account", Field(name="New__c", type="string", label="New", custom=True))
    changed = client.get("/sobjects/Account/describe", If_Modified_Since=seen)
    assert changed.status_code == 200
    assert "New__c" in [each["name"] for each in changed.json()["fields"]]
    assert client.get("/sobjects/Account/describe", If_None_Match=tag).status_code == 200
