"""Describes: their keys and order, their versions."""

from pathlib import Path
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


SUBURBS = (
    "<fullName>Suburb__c</fullName><label>Suburb</label><type>Picklist</type>"
    "<valueSet><controllingField>City__c</controllingField><valueSetDefinition><sorted>false</sorted>"
    "<value><fullName>East</fullName><default>false</default><label>East</label></value>"
    "<value><fullName>West</fullName><default>false</default><label>West</label></value>"
    "<value><fullName>None</fullName><default>false</default><label>None</label></value></valueSetDefinition>"
    "<valueSettings><controllingFieldValue>C0</controllingFieldValue>"
    "<controllingFieldValue>C25</controllingFieldValue><valueName>East</valueName></valueSettings>"
    "<valueSettings><controllingFieldValue>C9</controllingFieldValue><valueName>West</valueName></valueSettings>"
    "</valueSet>"
)


def test_a_dependent_picklist_says_which_values_go_with_which(client: "Client", tmp_path: Path) -> None:
    values = "".join(f"<value><fullName>C{n}</fullName><label>C{n}</label></value>" for n in range(30))
    cities = (
        "<fullName>City__c</fullName><label>City</label><type>Picklist</type>"
        f"<valueSet><valueSetDefinition><sorted>false</sorted>{values}</valueSetDefinition></valueSet>"
    )
    folder = tmp_path / "objects" / "Account" / "fields"
    folder.mkdir(parents=True)
    for name, body in (("City__c", cities), ("Suburb__c", SUBURBS)):
        (folder / f"{name}.field-meta.xml").write_text(f"<CustomField>{body}</CustomField>")
    assert client.org.load(tmp_path).remarks() == []
    suburb = client.org.fork().schema["Account"].field("Suburb__c")
    assert suburb and suburb.valid_for == (("East", ("C0", "C25")), ("West", ("C9",)))
    fields = {each["name"]: each for each in client.get("/sobjects/Account/describe").json()["fields"]}
    told = fields["Suburb__c"]
    assert (told["controllerName"], told["dependentPicklist"]) == ("City__c", True)
    bits = {each["value"]: each["validFor"] for each in told["picklistValues"]}
    assert bits == {"East": "gAAAQAAA", "West": "AEAA", "None": "AAAA"}
    assert {each["validFor"] for each in fields["City__c"]["picklistValues"]} == {None}

    base = f"/ui-api/object-info/Account/picklist-values/{MASTER}/Suburb__c"
    shown = client.get(base).json()
    assert shown["controllerValues"]["C25"] == 25
    assert [each["validFor"] for each in shown["values"]] == [[0, 25], [9], []]
    dependent = client.get("/ui-api/object-info/Account").json()["dependentFields"]
    assert dependent["City__c"] == {"Suburb__c": {}}


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
