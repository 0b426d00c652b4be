"""Claims about objects that are made when somebody asks for them: nobody can tell."""

import pytest

from reconciler.emulator import standard
from reconciler.emulator.schema import Field, Schema


@pytest.fixture
def schema() -> Schema:
    return standard.load()


def test_all_objects_are_there_in_order_whatever_was_asked_before(schema: Schema) -> None:
    names = [each.name for each in schema]
    other = standard.load()
    assert other["contact"].name == "Contact"
    assert [each.name for each in other] == names
    assert names == sorted(names, key=str.lower)
    assert {"Account", "User", "PermissionSet"} <= set(names)


def test_an_object_is_found_by_name_in_any_case_and_by_prefix(schema: Schema) -> None:
    found = schema.by_prefix("003")
    assert found is not None
    assert found is schema["CONTACT"] is schema.get("contact")
    assert "contact" in schema
    assert "Nothing" not in schema
    assert schema.get("Nothing") is schema.by_prefix("zzz") is None
    with pytest.raises(KeyError):
        schema["Nothing"]


def test_an_object_that_was_asked_for_stays_the_same(schema: Schema) -> None:
    found = schema["Account"]
    assert next(each for each in schema if each.name == "Account") is found


def test_a_change_in_one_schema_is_in_no_other(schema: Schema) -> None:
    copied = schema.copy()
    schema.add_field("Account", Field(name="New__c", type="string", label="New"))
    schema.remove("Contact")
    assert copied["Account"].field("New__c") is None
    assert "Contact" in copied
    assert standard.load()["Account"].field("New__c") is None
    assert "Contact" not in schema
    assert schema.by_prefix("003") is None
    assert "Contact" not in [each.name for each in schema]


def test_a_copy_has_what_was_changed_before(schema: Schema) -> None:
    schema.add_field("Account", Field(name="New__c", type="string", label="New"))
    assert schema.copy()["Account"].field("New__c") is not None


def test_children_are_found_though_their_objects_were_never_asked_for(schema: Schema) -> None:
    assert "Contacts" in [each.name for each in schema.children_of("Account")]


def test_asking_does_not_count_as_a_change(schema: Schema) -> None:
    version = schema.version
    assert list(schema)
    assert schema.version == version
