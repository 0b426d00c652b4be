"""Claims about objects that get another name."""

from pathlib import Path

import pytest

from reconciler.emulator.metadata.component_types import ComponentProblem, component_type
from reconciler.emulator.org import EmulatedOrg
from tests.emulator.metadata_types.conftest import LINE, TEXT, Types


def renamed(types: Types, old: str, new: str) -> None:
    with types.org.transaction() as tx:
        component_type("CustomObject").rename(tx, old, new)


@pytest.fixture
def ordered(types: Types) -> Types:
    """Line__c with a shown field, a row, a rule, a record type, and Order__c that leads to it."""
    types.write("CustomObject", "Order__c", **{**LINE, "label": "Order"})
    look_up = {"type": "Lookup", "referenceTo": "Line__c", "relationshipName": "Orders", "label": "Line"}
    types.write("CustomField", "Order__c.Line__c", **look_up)
    types.write("RecordType", "Line__c.Big", active=True, label="Big")
    types.shows("Line__c.Code__c", "Order__c.Line__c")
    allowed = {"object": "Line__c", "allowRead": True}
    types.write("PermissionSet", "Lines", label="Lines", objectPermissions=allowed)
    return types


def test_rows_rights_parts_and_look_ups_go_with_a_renamed_object(ordered: Types) -> None:
    org = ordered.org
    line = org.has("Line__c", Name="one", Code__c="1")
    org.has("Order__c", Name="two", Line__c=line)
    renamed(ordered, "Line__c", "Row__c")
    assert [(row["Id"], row["Code__c"]) for row in org.rows("Row__c")] == [(line, "1")]
    assert "Line__c" not in org.schema
    assert ordered.read("CustomField", "Order__c.Line__c")["referenceTo"] == ["Row__c"]
    (right,) = org.rows("FieldPermissions", Field="Row__c.Code__c")
    assert right["SobjectType"] == "Row__c"
    assert org.rows("ObjectPermissions", SobjectType="Row__c")
    assert org.rows("ObjectPermissions", SobjectType="Line__c") == []
    assert [row["DeveloperName"] for row in org.rows("RecordType", SobjectType="Row__c")] == ["Big"]
    assert ordered.read("CustomObject", "Row__c")["label"] == ["Line"]
    assert ordered.absent("CustomObject", "Line__c")


Refusal = tuple[str, str, str]
REFUSED: list[Refusal] = [
    ("Nothing__c", "Row__c", "INVALID_CROSS_REFERENCE_KEY"),
    ("Line__c", "Order__c", "DUPLICATE_DEVELOPER_NAME"),
    ("Line__c", "Row", "FIELD_INTEGRITY_EXCEPTION"),
    ("Line__c", "1Row__c", "FIELD_INTEGRITY_EXCEPTION"),
    ("Line__c", "Row__mdt", "FIELD_INTEGRITY_EXCEPTION"),
    ("Account", "Client__c", "FIELD_INTEGRITY_EXCEPTION"),
]


@pytest.mark.parametrize(("old", "new", "code"), REFUSED)
def test_a_name_that_cannot_be_given_changes_nothing(ordered: Types, old: str, new: str, code: str) -> None:
    with pytest.raises(ComponentProblem) as refused:
        renamed(ordered, old, new)
    assert refused.value.status_code == code
    assert {"Line__c", "Order__c", "Account"} <= {each.name for each in ordered.org.schema}


def test_an_object_that_code_names_keeps_its_name(ordered: Types) -> None:
    with ordered.org.transaction() as tx:
        tx.insert(
            "ApexClass", {"Name": "Lines", "ApiVersion": 60, "Body": "public class Lines { Line__c one; }"}
        )
    with pytest.raises(ComponentProblem, match="referenced elsewhere"):
        renamed(ordered, "Line__c", "Row__c")
    assert "Line__c" in ordered.org.schema


def test_a_renaming_that_is_undone_leaves_the_schema_as_it_was(ordered: Types) -> None:
    with pytest.raises(KeyError), ordered.org.transaction() as tx:
        component_type("CustomObject").rename(tx, "Line__c", "Row__c")
        raise KeyError
    assert "Row__c" not in ordered.org.schema
    ordered.org.has("Line__c", Name="still")


def test_a_renamed_object_has_its_new_name_in_a_file_that_is_opened_again(tmp_path: Path) -> None:
    first = Types(EmulatedOrg(tmp_path / "org.db"))
    first.write("CustomObject", "Line__c", **LINE)
    first.write("CustomField", "Line__c.Code__c", **{**TEXT, "unique": True})
    first.shows("Line__c.Code__c")
    first.org.has("Line__c", Name="one", Code__c="1")
    renamed(first, "Line__c", "Row__c")
    first.org.close()
    again = EmulatedOrg(tmp_path / "org.db")
    assert "Line__c" not in again.schema
    assert [row["Code__c"] for row in again.rows("Row__c")] == ["1"]
