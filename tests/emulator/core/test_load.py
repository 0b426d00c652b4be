"""Claims about seeds: metadata folders and record trees."""

import json
from pathlib import Path

import pytest

from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.seeding.source import find_source, without_tokens

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
NS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'


def write(folder: Path, name: str, root: str, body: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEAD}<{root} {NS}>{body}</{root}>", encoding="utf-8")


def write_field(folder: Path, name: str, kind: str, more: str = "", owner: str = "Price_Rule__c") -> None:
    body = f"<fullName>{name}</fullName><label>{name}</label><type>{kind}</type>{more}"
    write(folder, f"objects/{owner}/fields/{name}.field-meta.xml", "CustomField", body)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with one object, a detail of it, and who may see them."""
    write(
        tmp_path,
        "objects/Price_Rule__c/Price_Rule__c.object-meta.xml",
        "CustomObject",
        "<label>Price Rule</label><pluralLabel>Price Rules</pluralLabel>"
        "<enableActivities>true</enableActivities>"
        "<nameField><type>Text</type><label>Rule</label></nameField>",
    )
    write_field(
        tmp_path, "Code__c", "Text", "<length>10</length><externalId>true</externalId><unique>true</unique>"
    )
    write_field(tmp_path, "Margin__c", "Number", "<precision>5</precision><scale>2</scale>")
    write_field(tmp_path, "Active__c", "Checkbox", "<defaultValue>true</defaultValue>")
    write_field(tmp_path, "Place__c", "Location", "<scale>6</scale>")
    write_field(tmp_path, "Double__c", "Number", "<formula>Margin__c * 2</formula><precision>5</precision>")
    write_field(
        tmp_path,
        "Account__c",
        "Lookup",
        "<referenceTo>Account</referenceTo><relationshipName>Price_Rules</relationshipName>",
    )
    write_field(
        tmp_path,
        "Tier__c",
        "Picklist",
        "<valueSet><restricted>true</restricted><valueSetDefinition><value><fullName>Gold</fullName>"
        "<default>true</default></value><value><fullName>Silver</fullName></value></valueSetDefinition></valueSet>",
    )
    write(
        tmp_path,
        "objects/Line__c.object",
        "CustomObject",
        "<label>Line</label><nameField><type>AutoNumber</type><displayFormat>L-{000}</displayFormat></nameField>"
        "<fields><fullName>Rule__c</fullName><label>Rule</label><type>MasterDetail</type>"
        "<referenceTo>Price_Rule__c</referenceTo><relationshipName>Lines</relationshipName>"
        "<relationshipOrder>0</relationshipOrder></fields>"
        "<validationRules><fullName>Always</fullName><active>true</active></validationRules>",
    )
    write(
        tmp_path,
        "permissionsets/Pricing.permissionset-meta.xml",
        "PermissionSet",
        "<label>Pricing</label><objectPermissions><object>Price_Rule__c</object><allowRead>true</allowRead>"
        "</objectPermissions><fieldPermissions><field>Price_Rule__c.Margin__c</field><readable>true</readable>"
        "<editable>false</editable></fieldPermissions><fieldPermissions><field>Price_Rule__c.Gone__c</field>"
        "<readable>true</readable></fieldPermissions>",
    )
    write(
        tmp_path,
        "customPermissions/Override.customPermission-meta.xml",
        "CustomPermission",
        "<label>O</label>",
    )
    write(
        tmp_path,
        "queues/Tier_1.queue-meta.xml",
        "Queue",
        "<name>Tier 1</name><queueSobject><sobjectType>Price_Rule__c</sobjectType></queueSobject>"
        "<queueMembers><users><user>nobody@acme.example</user></users></queueMembers>",
    )
    return tmp_path


def test_a_seed_brings_objects_fields_and_permissions(org: EmulatedOrg, project: Path) -> None:
    report = org.load(project)
    assert set(report.objects) == {"Price_Rule__c", "Line__c"}
    assert "Price_Rule__c.Margin__c" in report.fields
    rule = org.schema["Price_Rule__c"]
    assert (rule.label_plural, rule.key_prefix) == ("Price Rules", "a01")
    (granted,) = org.rows("PermissionSet", Name="Pricing")
    (field,) = org.rows("FieldPermissions", ParentId=granted["Id"])
    assert (field["Field"], field["PermissionsRead"], field["PermissionsEdit"]) == (
        "Price_Rule__c.Margin__c",
        True,
        False,
    )
    assert org.rows("QueueSobject", SobjectType="Price_Rule__c")
    assert org.rows("CustomPermission", DeveloperName="Override")


def test_what_a_seed_refers_to_in_vain_is_reported_and_the_rest_loaded(
    org: EmulatedOrg, project: Path
) -> None:
    report = org.load(project)
    assert "Pricing: In field: field - no CustomField named Price_Rule__c.Gone__c found" in report.problems
    assert "Tier_1: there is no user nobody@acme.example" in report.problems
    assert org.rows("Group", DeveloperName="Tier_1", Type="Queue")


def test_code_that_a_seeded_permission_set_names_was_in_that_org(org: EmulatedOrg, tmp_path: Path) -> None:
    write(
        tmp_path,
        "permissionsets/Pricing.permissionset-meta.xml",
        "PermissionSet",
        "<label>Pricing</label><classAccesses><apexClass>Pricer</apexClass><enabled>true</enabled></classAccesses>"
        "<pageAccesses><apexPage>Prices</apexPage><enabled>true</enabled></pageAccesses>"
        "<classAccesses><apexClass>no name</apexClass><enabled>true</enabled></classAccesses>",
    )
    for _ in range(2):
        report = org.load(tmp_path)
        assert report.problems == ["Pricing: there is no ApexClass no name"]
        (made,) = org.rows("ApexClass", Name="Pricer")
        assert made["Body"] == "public class Pricer {\n}"
    (granted,) = org.rows("PermissionSet", Name="Pricing")
    named = {row["SetupEntityType"] for row in org.rows("SetupEntityAccess", ParentId=granted["Id"])}
    assert named == {"ApexClass", "ApexPage"}


def test_rows_of_a_seeded_object_follow_its_fields(org: EmulatedOrg, project: Path) -> None:
    org.load(project)
    account = org.has("Account", Name="A")
    row = org.retrieve(
        "Price_Rule__c",
        org.has(
            "Price_Rule__c", Code__c="E1", Account__c=account, Place__Latitude__s=1, Place__Longitude__s=2
        ),
    )
    assert row["Name"] == row["Id"][:15]
    assert (row["Active__c"], row["Tier__c"], row["Double__c"]) == (True, "Gold", None)
    assert row["Place__c"] == {"latitude": 1.0, "longitude": 2.0}


def test_a_detail_goes_with_its_master_and_has_no_owner(org: EmulatedOrg, project: Path) -> None:
    org.load(project)
    rule = org.has("Price_Rule__c", Name="R")
    line = org.retrieve("Line__c", org.has("Line__c", Rule__c=rule))
    assert line["Name"] == "L-001"
    assert "OwnerId" not in line
    with org.transaction() as tx:
        tx.delete("Price_Rule__c", rule)
    assert org.rows("Line__c") == []


def test_what_came_with_a_seed_is_visible_to_the_administrator(org: EmulatedOrg, project: Path) -> None:
    org.load(project)
    (profile,) = org.rows("Profile", Name="System Administrator")
    (owned,) = org.rows("PermissionSet", ProfileId=profile["Id"])
    seen = {row["SobjectType"] for row in org.rows("ObjectPermissions", ParentId=owned["Id"])}
    assert {"Price_Rule__c", "Line__c", "Account"} <= seen
    fields = {row["Field"] for row in org.rows("FieldPermissions", ParentId=owned["Id"])}
    assert "Price_Rule__c.Code__c" in fields


def test_components_that_are_no_rows_come_back_as_they_were(org: EmulatedOrg, project: Path) -> None:
    org.load(project)
    assert org.components.tree("ValidationRule", "Line__c.Always") == {
        "fullName": ["Always"],
        "active": ["true"],
    }
    xml = org.components.xml("PermissionSet", "pricing")
    assert xml == (project / "permissionsets/Pricing.permissionset-meta.xml").read_bytes()


def test_loading_a_seed_twice_changes_nothing(org: EmulatedOrg, project: Path) -> None:
    org.load(project)
    before = org.snapshot()
    org.load(project)
    assert org.snapshot() == before


def test_a_seed_is_still_there_when_the_file_is_opened_again(tmp_path: Path, project: Path) -> None:
    path = tmp_path / "org.db"
    first = EmulatedOrg(path)
    first.load(project)
    rule = first.has("Price_Rule__c", Code__c="E1", Name="R")
    before, known = first.snapshot(), (first.org_id, first.username, first.password, first.client_id)
    first.close()
    again = EmulatedOrg(path)
    assert again.snapshot() == before
    assert (again.org_id, again.username, again.password, again.client_id) == known
    assert again.retrieve("Price_Rule__c", rule, ["Code__c"])["Code__c"] == "E1"
    assert again.schema["Line__c"].fields["rule__c"].cascade_delete
    assert again.has("Price_Rule__c") > rule
    again.close()


def test_groups_roles_and_profiles_become_rows(org: EmulatedOrg, tmp_path: Path) -> None:
    write(tmp_path, "roles/CEO.role-meta.xml", "Role", "<name>CEO</name>")
    write(tmp_path, "roles/CFO.role-meta.xml", "Role", "<name>CFO</name><parentRole>CEO</parentRole>")
    write(tmp_path, "groups/All.group-meta.xml", "Group", "<name>All of us</name>")
    write(tmp_path, "permissionsets/A.permissionset", "PermissionSet", "<label>A</label>")
    write(
        tmp_path,
        "permissionsetgroups/G.permissionsetgroup-meta.xml",
        "PermissionSetGroup",
        "<label>G</label><permissionSets>A</permissionSets><permissionSets>Gone</permissionSets>",
    )
    write(
        tmp_path,
        "profiles/Bot.profile-meta.xml",
        "Profile",
        "<custom>true</custom><userLicense>Salesforce</userLicense><userPermissions><enabled>true</enabled>"
        "<name>ApiEnabled</name></userPermissions>",
    )
    report = org.load(tmp_path)
    ceo, cfo = (org.rows("UserRole", DeveloperName=name)[0] for name in ("CEO", "CFO"))
    assert cfo["ParentRoleId"] == ceo["Id"]
    assert {row["Type"] for row in org.rows("Group", RelatedId=cfo["Id"])} == {"Role", "RoleAndSubordinates"}
    assert org.rows("Group", DeveloperName="All", Name="All of us", Type="Regular")
    (group,) = org.rows("PermissionSetGroup", DeveloperName="G")
    assert len(org.rows("PermissionSetGroupComponent", PermissionSetGroupId=group["Id"])) == 1
    assert report.problems == ["G: there is no permission set Gone"]
    (profile,) = org.rows("Profile", Name="Bot")
    (owned,) = org.rows("PermissionSet", ProfileId=profile["Id"])
    assert owned["PermissionsApiEnabled"] is True


def test_a_global_value_set_serves_the_fields_that_name_it(org: EmulatedOrg, tmp_path: Path) -> None:
    values = "<customValue><fullName>Gold</fullName><default>false</default></customValue>"
    write(tmp_path, "globalValueSets/Tier.globalValueSet-meta.xml", "GlobalValueSet", values)
    more = "<valueSet><valueSetName>Tier</valueSetName></valueSet>"
    write_field(tmp_path, "Tier__c", "Picklist", more, owner="Account")
    org.load(tmp_path)
    org.has("Account", Name="A", Tier__c="gold")
    with pytest.raises(ApiError, match="bad value for restricted picklist field: Tin"):
        org.has("Account", Name="A", Tier__c="Tin")
    assert [row["Tier__c"] for row in org.rows("Account")] == ["Gold"]


def test_a_field_that_rows_contradict_is_reported_and_left_as_it_was(
    org: EmulatedOrg, tmp_path: Path
) -> None:
    write_field(tmp_path, "Key__c", "Text", "<length>9</length>", owner="Account")
    org.load(tmp_path)
    for _ in range(2):
        org.has("Account", Name="A", Key__c="K")
    write_field(tmp_path, "Key__c", "Text", "<length>9</length><unique>true</unique>", owner="Account")
    report = org.load(tmp_path)
    assert report.problems[0].startswith("Account: rows contradict a unique field")
    assert not org.schema["Account"].fields["key__c"].unique


def test_a_field_that_becomes_a_formula_and_back_keeps_its_values(org: EmulatedOrg, tmp_path: Path) -> None:
    write_field(tmp_path, "Key__c", "Text", "<length>9</length>", owner="Account")
    org.load(tmp_path)
    account = org.has("Account", Name="A", Key__c="K")
    for more, seen in (("<formula>Name</formula>", "A"), ("<length>9</length>", "K")):
        write_field(tmp_path, "Key__c", "Text", more, owner="Account")
        org.load(tmp_path)
        assert org.retrieve("Account", account, ["Key__c"])["Key__c"] == seen


def test_broken_xml_is_reported_and_left_out(org: EmulatedOrg, project: Path) -> None:
    (project / "objects/Price_Rule__c/fields/Bad__c.field-meta.xml").write_text(
        "<CustomField>", encoding="utf-8"
    )
    bomb = '<!DOCTYPE a [<!ENTITY b "c">]><Layout>&b;</Layout>'
    (project / "Bomb.layout-meta.xml").write_text(bomb, encoding="utf-8")
    problems = "\n".join(org.load(project).problems)
    assert "Bad__c.field-meta.xml" in problems
    assert "document types are not accepted" in problems
    assert "Price_Rule__c" in org.schema


def test_namespace_tokens_are_replaced_by_no_namespace() -> None:
    given = b"%%%NAMESPACE%%%A__c ___NAMESPACE___B__c %%%NAMESPACE_OR_C%%%:x %%%NAMESPACED_ORG%%%C"
    assert without_tokens(given) == b"A__c B__c c:x C"


def test_a_folder_that_is_not_there_is_an_error(org: EmulatedOrg, tmp_path: Path) -> None:
    before = org.snapshot()
    with pytest.raises(NotADirectoryError):
        org.load(tmp_path / "nothing")
    assert org.snapshot() == before


# -- records


def test_records_refer_to_each_other_in_any_order(org: EmulatedOrg, tmp_path: Path) -> None:
    contacts = [
        {"attributes": {"type": "Contact", "referenceId": "C1"}, "LastName": "L", "AccountId": "@A1"},
        {"attributes": {"type": "Contact", "referenceId": "C2"}, "LastName": "M", "AccountId": "@Nobody"},
    ]
    account = {
        "attributes": {"type": "Account", "referenceId": "A1"},
        "Name": "A",
        "NumberOfEmployees": "3",
        "Contacts": {"records": [{"attributes": {"type": "Contact", "referenceId": "C3"}, "LastName": "N"}]},
    }
    (tmp_path / "contacts.json").write_text(json.dumps({"records": contacts}), encoding="utf-8")
    (tmp_path / "accounts.json").write_text(json.dumps({"records": [account]}), encoding="utf-8")
    plan = [
        {"sobject": "Contact", "files": ["contacts.json"]},
        {"sobject": "Account", "files": ["accounts.json"]},
    ]
    (tmp_path / "sample-data-plan.json").write_text(json.dumps(plan), encoding="utf-8")
    report = org.load_records(tmp_path)
    (made,) = org.rows("Account")
    assert made["NumberOfEmployees"] == 3
    assert {row["LastName"] for row in org.rows("Contact", AccountId=made["Id"])} == {"L", "N"}
    assert report.problems == ["contacts.json: Contact C2: nothing is called @Nobody"]


# -- the example orgs


@pytest.mark.parametrize(("name", "objects"), [("dreamhouse", 2), ("ebikes", 5), ("pmm", 12), ("npsp", 45)])
def test_the_example_orgs_load(org: EmulatedOrg, seeds: Path, name: str, objects: int) -> None:
    report = org.load(seeds / name)
    assert len(report.objects) >= objects
    assert report.problems == []


def test_every_component_file_of_the_example_orgs_can_be_read(seeds: Path) -> None:
    for folder in ("dreamhouse", "ebikes", "npsp", "pmm"):
        for part in (seeds / folder, seeds / folder / "unpackaged"):
            if part.is_dir():
                assert find_source(part).problems == []


def test_the_sample_records_of_the_example_orgs_load(org: EmulatedOrg, seeds: Path) -> None:
    for name in ("dreamhouse", "ebikes"):
        org.load(seeds / name)
        assert org.load_records(seeds / name / "data").problems == []
    assert len(org.rows("Broker__c")) == 8
    assert len(org.rows("Product__c")) == 16


def test_a_dataset_with_texts_for_numbers_and_booleans_loads(org: EmulatedOrg, seeds: Path) -> None:
    org.load(seeds / "npsp" / "unpackaged" / "pre", seeds / "pmm")
    report = org.load_records(seeds / "pmm" / "datasets" / "sample.json")
    assert sum(report.rows.values()) == 1263
    assert report.problems == [
        "sample.json: Account AccountRef76: there is no record type Branch; made without"
    ]


def test_settings_of_a_standard_field_are_kept_and_the_field_stays_what_it_is(tmp_path: Path) -> None:
    write(
        tmp_path, "objects/Contact/fields/Title.field-meta.xml", "CustomField", "<fullName>Title</fullName>"
    )
    write_field(tmp_path, "LeadSource", "Picklist", "<trackHistory>true</trackHistory>", owner="Contact")
    org = EmulatedOrg()
    before = org.schema["Contact"].field("LeadSource")
    assert org.load(tmp_path).remarks() == []
    assert org.schema["Contact"].field("LeadSource") == before
    assert org.components.names("CustomField") == ["Contact.LeadSource", "Contact.Title"]


def test_prose_and_content_beside_metadata_are_no_components(tmp_path: Path) -> None:
    for name in (
        "README.md",
        "docs/Classes.md",
        "staticresources/manual/chapter.md",
        "staticresources/manual/x.app",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# Read me\n", "utf-8")
    write(
        tmp_path,
        "staticresources/manual.resource-meta.xml",
        "StaticResource",
        "<contentType>application/zip</contentType>",
    )
    write(tmp_path, "customMetadata/Rate.Low.md", "CustomMetadata", "<label>Low</label>")
    found = find_source(tmp_path)
    assert found.problems == []
    assert {kind: list(named) for kind, named in found.components.items()} == {
        "CustomMetadata": ["Rate.Low"],
        "StaticResource": ["manual"],
    }
