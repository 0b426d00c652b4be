"""Objects, fields, value sets, record types: what is deployed is the schema, what is deleted is gone."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.errors import InvalidField
from reconciler.emulator.metadata.component_types import component_type
from reconciler.emulator.metadata_xml import each
from reconciler.emulator.org import EmulatedOrg

from .conftest import LINE, TEXT, Types, content


def layouts_of_custom_objects(types: Types) -> list[str]:
    return [name for name in component_type("Layout").names(types.org) if "__c-" in name]


def behaviors(types: Types, layout: str) -> dict[str, str]:
    """What can be done with each field of a layout."""
    return {
        item["field"][0]: item["behavior"][0]
        for section in types.read("Layout", layout)["layoutSections"]
        for column in each(section, "layoutColumns")
        for item in each(column, "layoutItems")
    }


def test_a_deployed_object_takes_rows_and_has_a_layout(types: Types) -> None:
    assert types.org.schema["Line__c"].key_prefix == "a00"
    assert layouts_of_custom_objects(types) == ["Line__c-Line Layout"]
    assert behaviors(types, "Line__c-Line Layout")["Name"] == "Edit"
    types.write(
        "Profile", "Admin", objectPermissions=[{"object": "Line__c", "allowRead": True, "allowCreate": True}]
    )
    assert types.org.has("Line__c", Name="L").startswith("a00")


@pytest.mark.parametrize(
    ("left_out", "problem"),
    [
        ("label", "Must specify a non-empty label for the CustomObject"),
        ("pluralLabel", "Must specify a non-empty plural label for the CustomObject"),
        ("nameField", "Must specify a nameField of type Text or AutoNumber"),
    ],
)
def test_an_object_that_lacks_what_it_needs_is_not_made(types: Types, left_out: str, problem: str) -> None:
    told = {name: value for name, value in LINE.items() if name != left_out}
    assert types.refused("CustomObject", "Other__c", **told) == problem
    assert types.org.schema.get("Other__c") is None


def test_what_is_changed_of_an_object_shows_in_the_schema(types: Types) -> None:
    made = types.write("CustomObject", "Line__c", **{**LINE, "label": "Row", "pluralLabel": "Rows"})
    assert (made.created, made.changed) == (False, True)
    assert types.org.schema["Line__c"].label_plural == "Rows"
    assert types.read("CustomObject", "Line__c")["label"] == ["Row"]


def test_a_deployed_field_is_a_column_that_nobody_sees_until_it_is_shown(types: Types) -> None:
    with pytest.raises(InvalidField):
        types.org.query("SELECT Code__c FROM Line__c", user_id=types.org.admin_id)
    types.shows("Line__c.Code__c")
    assert types.org.query("SELECT Code__c FROM Line__c").records == []


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"type": "Text", "length": 20}, "Must specify a non-empty label for the CustomField"),
        ({"label": "X", "length": 20}, "Required field is missing: type"),
        ({"label": "X", "type": "Text"}, "Must specify 'length' for a CustomField of type Text"),
        (
            {"label": "X", "type": "Number", "precision": 18},
            "Must specify 'scale' for a CustomField of type Number",
        ),
        (
            {"label": "X", "type": "Checkbox"},
            "Must specify 'defaultValue' for a CustomField of type Checkbox",
        ),
        ({"label": "X", "type": "Picklist"}, "Must specify 'valueSet' for a CustomField of type Picklist"),
        (
            {"label": "X", "type": "Lookup", "referenceTo": "Gone__c"},
            "referenceTo value of 'Gone__c' does not resolve to a valid sObject type",
        ),
        (
            {"label": "X", "type": "Picklist", "valueSet": {"valueSetName": "Gone"}},
            "In field: valueSetName - no GlobalValueSet named Gone found",
        ),
        (
            {"label": "X", "type": "Checkbox", "defaultValue": False, "externalId": True},
            "Can not specify 'externalId' for a CustomField of type Checkbox",
        ),
        (
            {"label": "X", "type": "Url", "unique": True},
            "Can not specify 'unique' for a CustomField of type Url",
        ),
        (
            {
                "label": "X",
                "type": "Lookup",
                "referenceTo": "Account",
                "relationshipName": "Xs",
                "required": True,
            },
            "field integrity exception: unknown (must specify either cascade delete or restrict delete for "
            "required lookup foreign key)",
        ),
        (
            {"label": "X", "type": "Text", "formula": "Gone__c & 'x'"},
            "Field Gone__c does not exist. Check spelling.",
        ),
    ],
)
def test_a_field_that_salesforce_would_not_save_is_not_made(
    types: Types, told: dict[str, Any], problem: str
) -> None:
    assert types.refused("CustomField", "Line__c.X__c", **told) == problem
    assert types.org.schema["Line__c"].field("X__c") is None


def test_a_number_without_a_format_counts_from_one(types: Types) -> None:
    types.write("CustomField", "Line__c.Short__c", label="Short", type="AutoNumber", externalId=False)
    types.shows("Line__c.Short__c")
    line = types.org.has("Line__c", Name="L")
    assert types.org.rows("Line__c", Id=line)[0]["Short__c"] == "1"


def test_a_custom_metadata_type_names_definitions_of_the_schema(types: Types) -> None:
    types.write("CustomObject", "Rate__mdt", label="Rate", pluralLabel="Rates")
    told = {"label": "Of", "type": "MetadataRelationship", "relationshipName": "Rates", "unique": True}
    for number, target in enumerate(("EntityDefinition", "FieldDefinition", "EntityParticle")):
        name = f"Rate__mdt.Of{number}__c"
        types.write("CustomField", name, **told, referenceTo=target)
        assert types.read("CustomField", name)["referenceTo"] == [target]
    lookup = {"label": "Of", "type": "Lookup", "referenceTo": "EntityParticle"}
    assert "EntityParticle" in types.refused("CustomField", "Line__c.Of__c", **lookup)


def test_two_look_ups_to_an_object_have_names_of_their_own(types: Types) -> None:
    link = {"label": "X", "type": "Lookup", "referenceTo": "Account", "relationshipName": "Lines"}
    types.write("CustomField", "Line__c.X__c", **link)
    told = types.refused("CustomField", "Line__c.Y__c", **link)
    assert told == "There is already a Child Relationship named Lines on Account."
    types.write("CustomField", "Line__c.X__c", **{**link, "label": "Same"})


def test_a_field_of_an_object_that_is_not_there_is_refused(types: Types) -> None:
    problem = types.refused("CustomField", "Gone__c.X__c", **TEXT)
    assert problem == "Entity Enumeration Or ID: bad value for restricted picklist field: Gone__c"


def test_the_same_field_again_changes_nothing_and_another_length_does(types: Types) -> None:
    first = types.write("CustomField", "Line__c.Code__c", **TEXT)
    assert (first.created, first.changed) == (False, False)
    longer = types.write("CustomField", "Line__c.Code__c", **{**TEXT, "length": 40})
    assert (longer.id, longer.changed) == (first.id, True)
    assert types.org.schema["Line__c"].fields["code__c"].length == 40


def test_a_field_keeps_its_family_of_types(types: Types) -> None:
    told = {"label": "Code", "type": "Checkbox", "defaultValue": False}
    assert "Cannot change field type from Text to Checkbox" in types.refused(
        "CustomField", "Line__c.Code__c", **told
    )
    assert types.org.schema["Line__c"].fields["code__c"].type == "string"


@pytest.mark.parametrize(
    ("kind", "full_name", "told"),
    [
        ("CustomField", "Line__c.Formula__c", {"label": "F", "type": "Text", "formula": "Code__c & 'x'"}),
        (
            "ValidationRule",
            "Line__c.Rule",
            {"active": True, "errorConditionFormula": "ISBLANK(Code__c)", "errorMessage": "no"},
        ),
        (
            "Flow",
            "Uses",
            {
                "label": "Uses",
                "start": {"object": "Line__c", "filters": {"field": "Code__c", "operator": "IsNull"}},
            },
        ),
        ("WorkflowFieldUpdate", "Line__c.Set", {"field": "Code__c", "name": "Set", "operation": "Null"}),
        (
            "WorkflowRule",
            "Line__c.When",
            {"criteriaItems": {"field": "Line__c.Code__c", "operation": "equals", "value": "x"}},
        ),
        (
            "FlexiPage",
            "Page",
            {
                "sobjectType": "Line__c",
                "flexiPageRegions": {"itemInstances": {"fieldInstance": {"fieldItem": "Record.Code__c"}}},
            },
        ),
        (
            "ApexClass",
            "Uses",
            {"apiVersion": "62.0", "content": content("class Uses { String s = l.Code__c; }")},
        ),
    ],
)
def test_a_field_that_is_used_cannot_be_deleted(
    types: Types, kind: str, full_name: str, told: dict[str, Any]
) -> None:
    types.write(kind, full_name, **told)
    assert "This custom field is referenced elsewhere" in types.not_deleted("CustomField", "Line__c.Code__c")
    types.delete(kind, full_name)
    types.delete("CustomField", "Line__c.Code__c")
    assert types.org.schema["Line__c"].field("Code__c") is None


@pytest.mark.parametrize(
    ("kind", "full_name", "told"),
    [
        (
            "ValidationRule",
            "Line__c.Rule",
            {"active": False, "errorConditionFormula": "ISBLANK(Code__c)", "errorMessage": "no"},
        ),
        ("Flow", "Other", {"label": "O", "start": {"object": "Account", "filters": {"field": "Code__c"}}}),
        ("ApexClass", "Other", {"apiVersion": "62.0", "content": content("class Other { /* Code__c */ }")}),
    ],
)
def test_what_does_not_work_with_a_field_lets_it_be_deleted(
    types: Types, kind: str, full_name: str, told: dict[str, Any]
) -> None:
    types.write("CustomField", "Account.Code__c", **TEXT)
    types.write(kind, full_name, **told)
    types.delete("CustomField", "Line__c.Code__c")
    assert types.org.schema["Line__c"].field("Code__c") is None


def test_all_users_of_a_field_are_told(types: Types) -> None:
    for name in ("One", "Two"):
        rule = {"active": True, "errorConditionFormula": "ISBLANK(Code__c)", "errorMessage": "no"}
        types.write("ValidationRule", f"Line__c.{name}", **rule)
    told = types.not_deleted("CustomField", "Line__c.Code__c")
    assert told.endswith("try again. : Validation Rule - Line__c.One, Validation Rule - Line__c.Two.")


def test_formulas_of_other_objects_hold_a_field(types: Types) -> None:
    lookup = {"label": "L", "type": "Lookup", "referenceTo": "Line__c", "relationshipName": "Accounts"}
    types.write("CustomField", "Account.Line__c", **lookup)
    types.write("CustomField", "Account.Far__c", label="F", type="Text", formula="Line__r.Code__c")
    assert "Custom Field - Account.Far__c." in types.not_deleted("CustomField", "Line__c.Code__c")


def test_a_deleted_field_is_gone_from_layouts_and_lists(types: Types) -> None:
    name = "Line__c-Line Layout"
    layout = types.read("Layout", name)
    item = {"behavior": ["Edit"], "field": ["Code__c"]}
    kept = {"behavior": ["Required"], "field": ["Name"]}
    section = {"style": ["OneColumn"], "layoutColumns": [{"layoutItems": [kept, item]}]}
    types.put("Layout", name, {**layout, "layoutSections": [section]})
    types.write("ListView", "Line__c.All", label="All", filterScope="Everything", columns=["NAME", "Code__c"])
    types.write("FieldSet", "Line__c.Few", label="F", displayedFields=[{"field": "Code__c"}])
    types.write("CompactLayout", "Line__c.Short", label="S", fields=["Name", "Code__c"])
    types.delete("CustomField", "Line__c.Code__c")
    assert types.read("Layout", name)["layoutSections"][0]["layoutColumns"] == [{"layoutItems": [kept]}]
    assert types.read("ListView", "Line__c.All")["columns"] == ["NAME"]
    assert "displayedFields" not in types.read("FieldSet", "Line__c.Few")
    assert types.read("CompactLayout", "Line__c.Short")["fields"] == ["Name"]
    types.put("Layout", name, types.read("Layout", name))


def test_code_that_is_used_cannot_be_deleted(types: Types) -> None:
    for name, source in (("Base", "virtual class Base {}"), ("Sub", "class Sub extends Base {}")):
        types.write("ApexClass", name, apiVersion="62.0", content=content(source))
    types.write("LightningComponentBundle", "tile")
    shown = {"itemInstances": {"componentInstance": {"componentName": "c:tile"}}}
    types.write("FlexiPage", "Home", flexiPageRegions=shown)
    assert types.not_deleted("ApexClass", "Base").endswith("try again. : Apex Class - Sub.")
    assert types.not_deleted("LightningComponentBundle", "tile").endswith("Lightning Page - Home.")
    for kind, name in (("ApexClass", "Sub"), ("ApexClass", "Base"), ("FlexiPage", "Home")):
        types.delete(kind, name)
    types.delete("LightningComponentBundle", "tile")


def test_a_deleted_field_leaves_no_permissions(types: Types) -> None:
    types.shows("Line__c.Code__c")
    types.delete("CustomField", "Line__c.Code__c")
    assert types.org.rows("FieldPermissions", Field="Line__c.Code__c") == []
    assert types.absent("CustomField", "Line__c.Code__c")


def test_an_object_that_is_pointed_to_cannot_be_deleted_and_takes_all_along_when_it_can(types: Types) -> None:
    lookup = {"label": "Line", "type": "Lookup", "referenceTo": "Line__c", "relationshipName": "Accounts"}
    types.write("CustomField", "Account.Line__c", **lookup)
    assert "Account.Line__c" in types.not_deleted("CustomObject", "Line__c")
    types.delete("CustomField", "Account.Line__c")
    types.delete("CustomObject", "Line__c")
    assert types.org.schema.get("Line__c") is None
    assert "Line__c.Code__c" not in component_type("CustomField").names(types.org)
    assert layouts_of_custom_objects(types) == []


def test_a_standard_object_cannot_be_deleted(types: Types) -> None:
    assert "standard object" in types.not_deleted("CustomObject", "Account")


def test_a_detail_has_no_owner_of_its_own(types: Types) -> None:
    told = {"label": "A", "type": "MasterDetail", "referenceTo": "Account", "relationshipName": "Lines"}
    types.write("CustomField", "Line__c.Account__c", **told)
    assert types.org.schema["Line__c"].field("OwnerId") is None


def test_fields_follow_their_global_value_set_which_stays_while_it_is_used(types: Types) -> None:
    def values(*names: str) -> list[dict[str, Any]]:
        return [{"fullName": each, "default": False, "label": each} for each in names]

    types.write("GlobalValueSet", "Tiers", masterLabel="Tiers", sorted=False, customValue=values("Gold"))
    told = {"label": "Tier", "type": "Picklist", "valueSet": {"valueSetName": "Tiers"}}
    types.write("CustomField", "Account.Tier__c", **told)
    types.write(
        "GlobalValueSet", "Tiers", masterLabel="Tiers", sorted=False, customValue=values("Gold", "Tin")
    )
    picklist = types.org.schema["Account"].fields["tier__c"].picklist
    assert [each.value for each in picklist] == ["Gold", "Tin"]
    assert "referenced elsewhere" in types.not_deleted("GlobalValueSet", "Tiers")


def test_a_standard_value_set_is_what_the_fields_have(types: Types) -> None:
    before = types.read("StandardValueSet", "Industry")
    assert before["standardValue"]
    types.write(
        "StandardValueSet", "Industry", sorted=False, standardValue=[{"fullName": "Tea", "default": False}]
    )
    for owner in ("Account", "Lead"):
        assert [each.value for each in types.org.schema[owner].fields["industry"].picklist] == ["Tea"]
    assert [each["fullName"] for each in types.read("StandardValueSet", "Industry")["standardValue"]] == [
        ["Tea"]
    ]


def test_a_record_type_is_a_row_and_is_not_deleted(types: Types) -> None:
    made = types.write("RecordType", "Line__c.Big", active=True, label="Big")
    (row,) = types.org.rows("RecordType", SobjectType="Line__c")
    assert (row["Id"], row["DeveloperName"], row["IsActive"]) == (made.id, "Big", True)
    assert types.not_deleted("RecordType", "Line__c.Big") == "Cannot delete record type through API"
    types.write("RecordType", "Line__c.Big", active=False, label="Big")
    assert types.read("RecordType", "Line__c.Big")["active"] == ["false"]


def test_what_came_by_another_road_can_be_read_and_written_back_unchanged(
    types: Types, tmp_path: Path
) -> None:
    folder = tmp_path / "objects"
    folder.mkdir()
    (folder / "Seed__c.object").write_text(
        '<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><fields><fullName>A__c</fullName>'
        "<label>A</label><type>Currency</type><precision>18</precision><scale>2</scale></fields>"
        "<label>Seed</label><pluralLabel>Seeds</pluralLabel><nameField><type>AutoNumber</type>"
        "<displayFormat>S-{0}</displayFormat><label>No</label></nameField></CustomObject>"
    )
    types.org.load(tmp_path)
    for kind, name in (
        ("CustomObject", "Seed__c"),
        ("CustomField", "Seed__c.A__c"),
        ("CustomField", "Line__c.Code__c"),
    ):
        made = types.put(kind, name, types.read(kind, name))
        assert (made.created, made.changed) == (False, False)


def test_a_refused_deployment_leaves_the_schema_as_it_was(types: Types) -> None:
    with pytest.raises(KeyError), types.org.transaction() as tx:
        component_type("CustomField").write(tx, "Account.New__c", {"label": ["N"], "type": ["Date"]})
        raise KeyError
    assert types.org.schema["Account"].field("New__c") is None
    assert types.absent("CustomField", "Account.New__c")


def test_the_schema_is_the_same_in_a_file_that_is_opened_again(tmp_path: Path) -> None:
    first = Types(EmulatedOrg(tmp_path / "org.db"))
    first.write("CustomObject", "Line__c", **LINE)
    written = first.write("CustomField", "Line__c.Code__c", **TEXT)
    first.org.close()
    again = Types(EmulatedOrg(tmp_path / "org.db"))
    assert again.write("CustomField", "Line__c.Code__c", **TEXT).id == written.id
    assert again.org.schema["Line__c"].fields["code__c"].length == 20


def test_what_the_platform_computes_cannot_become_what_users_write(types: Types) -> None:
    formula = {"label": "F", "type": "Text", "formula": "Name"}
    types.write("CustomField", "Line__c.F__c", **formula)
    told = types.refused("CustomField", "Line__c.F__c", **TEXT)
    assert told == "Cannot update a field from a Formula to something else"
    told = types.refused("CustomField", "Line__c.Code__c", **formula)
    assert told == "Cannot update a field to a Formula from something else"


def test_a_standard_field_is_read_by_its_name_and_not_listed(types: Types) -> None:
    assert types.read("CustomField", "Account.Industry")["type"] == ["Picklist"]
    assert types.absent("CustomField", "Account.CreatedDate")
    assert "Account.Industry" not in component_type("CustomField").names(types.org)
    told = types.read("CustomField", "Account.Industry")
    assert not types.put("CustomField", "Account.Industry", told).created
    assert types.refused("CustomField", "Account.Speed", label="Speed", type="Text", length=9).startswith(
        "fullName must end with"
    )
