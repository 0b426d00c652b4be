"""Components that are rows: what REST changes shows in the component, and the other way round."""

from typing import Any

import pytest

from reconciler.emulator.metadata.component_types import component_type

from .conftest import LINE, Types, content

ACCOUNT = {"object": "Account", "allowRead": True, "allowCreate": True, "allowEdit": True}


def test_rows_that_rest_wrote_are_in_the_permission_set_that_is_read(types: Types) -> None:
    parent = types.org.has("PermissionSet", Name="Release", Label="Release", PermissionsApiEnabled=True)
    types.org.has("ObjectPermissions", ParentId=parent, SobjectType="Account", PermissionsRead=True)
    types.org.has(
        "FieldPermissions",
        ParentId=parent,
        SobjectType="Account",
        Field="Account.Phone",
        PermissionsRead=True,
    )
    read = types.read("PermissionSet", "Release")
    assert read["label"] == ["Release"]
    assert read["userPermissions"] == [{"enabled": ["true"], "name": ["ApiEnabled"]}]
    assert read["fieldPermissions"] == [
        {"editable": ["false"], "field": ["Account.Phone"], "readable": ["true"]}
    ]
    assert read["objectPermissions"][0]["object"] == ["Account"]


def test_a_permission_set_that_is_written_grants_what_it_lists_and_nothing_else(types: Types) -> None:
    made = types.write(
        "PermissionSet",
        "Release",
        label="Release",
        objectPermissions=[ACCOUNT],
        userPermissions=[{"name": "ApiEnabled", "enabled": True}],
        tabSettings=[{"tab": "standard-Account", "visibility": "Visible"}],
    )
    assert made.created
    (row,) = types.org.rows("ObjectPermissions", ParentId=made.id)
    assert (row["SobjectType"], row["PermissionsEdit"], row["PermissionsDelete"]) == ("Account", True, False)
    assert types.org.rows("PermissionSetTabSetting", ParentId=made.id)[0]["Visibility"] == "DefaultOn"
    types.write("PermissionSet", "Release", label="Release")
    assert types.org.rows("ObjectPermissions", ParentId=made.id) == []
    assert types.org.rows("PermissionSetTabSetting", ParentId=made.id) == []
    assert types.org.rows("PermissionSet", Id=made.id)[0]["PermissionsApiEnabled"] is False


def test_a_permission_set_written_back_as_it_was_read_changes_nothing(types: Types) -> None:
    types.write("PermissionSet", "Release", label="Release", objectPermissions=[ACCOUNT])
    made = types.put("PermissionSet", "Release", types.read("PermissionSet", "Release"))
    assert (made.created, made.changed) == (False, False)


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (
            {"fieldPermissions": [{"field": "Account.Gone__c", "readable": True, "editable": False}]},
            "In field: field - no CustomField named Account.Gone__c found",
        ),
        (
            {"objectPermissions": [{"object": "Gone__c", "allowRead": True}]},
            "In field: object - no CustomObject named Gone__c found",
        ),
        (
            {"classAccesses": [{"apexClass": "Gone", "enabled": True}]},
            "In field: apexClass - no ApexClass named Gone found",
        ),
        (
            {"customPermissions": [{"name": "Gone", "enabled": True}]},
            "In field: customPermission - no CustomPermission named Gone found",
        ),
        (
            {"tabSettings": [{"tab": "Gone__c", "visibility": "Visible"}]},
            "In field: tab - no CustomTab named Gone__c found",
        ),
        (
            {"recordTypeVisibilities": [{"recordType": "Account.Gone", "visible": True}]},
            "In field: recordType - no RecordType named Account.Gone found",
        ),
        ({"userPermissions": [{"name": "Gone", "enabled": True}]}, "Unknown user permission: Gone"),
        ({"license": "Gone"}, "In field: license - no License named Gone found"),
        (
            {"objectPermissions": [{"object": "Account", "allowRead": True, "allowDelete": True}]},
            "Permission Delete Account depends on permission(s): Edit Account",
        ),
    ],
)
def test_a_permission_set_that_names_what_is_not_there_is_not_made(
    types: Types, told: dict[str, Any], problem: str
) -> None:
    assert types.refused("PermissionSet", "Release", label="Release", **told) == problem
    assert types.org.rows("PermissionSet", Name="Release") == []


def test_a_permission_set_that_somebody_has_cannot_be_deleted(types: Types) -> None:
    made = types.write("PermissionSet", "Release", label="Release")
    assigned = types.org.has(
        "PermissionSetAssignment", AssigneeId=types.org.admin_id, PermissionSetId=made.id
    )
    types.not_deleted("PermissionSet", "Release")
    with types.org.transaction() as tx:
        tx.delete("PermissionSetAssignment", assigned)
    assert types.delete("PermissionSet", "Release") == made.id


def test_a_profile_gets_what_is_listed_and_keeps_the_rest(types: Types) -> None:
    before = types.read("Profile", "Admin")
    types.write("Profile", "Admin", layoutAssignments=[{"layout": "Account-Account Layout"}])
    types.write("Profile", "Admin", layoutAssignments=[{"layout": "Contact-Contact Layout"}])
    types.shows("Account.Phone")
    after = types.read("Profile", "Admin")
    for element in ("layoutAssignments", "objectPermissions"):
        assert after[element] == before[element]
    types.write("Profile", "Admin", layoutAssignments=[{"layout": "Account-Other Layout"}])
    changed = types.read("Profile", "Admin")["layoutAssignments"]
    assert [each["layout"] for each in changed if each["layout"][0].startswith("Account-")] == [
        ["Account-Other Layout"]
    ]
    assert len(changed) == len(before["layoutAssignments"])


def test_a_profile_that_is_made_has_a_licence_and_no_rights(types: Types) -> None:
    types.write("Profile", "Sellers", custom=True, userLicense="Salesforce")
    made = types.read("Profile", "Sellers")
    assert made.pop("layoutAssignments") == types.read("Profile", "Standard")["layoutAssignments"]
    assert made == {"custom": ["true"], "userLicense": ["Salesforce"]}
    assert types.refused("Profile", "Others", custom=True, userLicense="Gone").endswith(
        "no UserLicense named Gone found"
    )
    assert types.org.rows("Profile", Name="Others") == []
    types.delete("Profile", "Sellers")
    assert types.org.rows("Profile", Name="Sellers") == []
    assert types.not_deleted("Profile", "Admin") == "You can't delete standard profiles."


def test_a_group_of_permission_sets_has_exactly_its_members_and_is_calculated_anew(types: Types) -> None:
    for name in ("A", "B"):
        types.write("PermissionSet", name, label=name)
    types.write("PermissionSetGroup", "Both", label="Both", permissionSets=["A", "B"])
    assert types.read("PermissionSetGroup", "Both")["status"] == ["Outdated"]
    types.org.settle()
    types.write("PermissionSetGroup", "Both", label="Both", permissionSets=["B"])
    assert types.read("PermissionSetGroup", "Both")["permissionSets"] == ["B"]
    types.org.settle()
    problem = types.refused("PermissionSetGroup", "Both", label="Both", permissionSets=["Gone"])
    assert problem == "In field: permissionSets - no PermissionSet named Gone found"


def test_roles_need_their_parent_and_stay_while_they_have_children(types: Types) -> None:
    types.write("Role", "Boss", name="Boss")
    types.write("Role", "Seller", name="Seller", parentRole="Boss")
    assert types.read("Role", "Seller")["parentRole"] == ["Boss"]
    assert (
        types.refused("Role", "Lost", name="L", parentRole="Gone")
        == "In field: parentRole - no Role named Gone found"
    )
    types.not_deleted("Role", "Boss")
    types.delete("Role", "Seller")
    types.delete("Role", "Boss")
    assert types.org.rows("UserRole") == []


def test_a_queue_has_exactly_the_members_and_objects_it_lists(types: Types) -> None:
    types.write("Group", "Team", name="Team")
    types.write(
        "Queue",
        "Tier_1",
        name="Tier 1",
        queueSobject=[{"sobjectType": "Case"}, {"sobjectType": "Line__c"}],
        queueMembers={"publicGroups": {"publicGroup": "Team"}, "users": {"user": types.org.username}},
    )
    read = types.read("Queue", "Tier_1")
    assert [each["sobjectType"] for each in read["queueSobject"]] == [["Case"], ["Line__c"]]
    assert read["queueMembers"] == [
        {"publicGroups": [{"publicGroup": ["Team"]}], "users": [{"user": [types.org.username]}]}
    ]
    types.write("Queue", "Tier_1", name="Tier 1", queueSobject=[{"sobjectType": "Case"}])
    assert "queueMembers" not in types.read("Queue", "Tier_1")
    problem = types.refused("Queue", "Tier_1", name="T", queueMembers={"users": {"user": "no@x.example"}})
    assert problem == "In field: user - no User named no@x.example found"
    assert types.refused("Queue", "Tier_1", name="T", queueSobject=[{"sobjectType": "Gone__c"}]).endswith(
        "Gone__c found"
    )


def test_custom_metadata_is_rows_of_its_type(types: Types) -> None:
    types.write("CustomObject", "Endpoint__mdt", label="Endpoint", pluralLabel="Endpoints")
    types.write("CustomField", "Endpoint__mdt.Url__c", label="Url", type="Text", length=80)
    types.write("CustomField", "Endpoint__mdt.Tries__c", label="Tries", type="Number", precision=3, scale=0)
    values = [{"field": "Url__c", "value": "https://x"}, {"field": "Tries__c", "value": "3"}]
    made = types.write(
        "CustomMetadata", "Endpoint.Payments", label="Payments", protected=False, values=values
    )
    (row,) = types.org.rows("Endpoint__mdt")
    assert (row["Id"], row["DeveloperName"], row["Url__c"], row["Tries__c"]) == (
        made.id,
        "Payments",
        "https://x",
        3.0,
    )
    assert component_type("CustomMetadata").names(types.org) == ["Endpoint.Payments"]
    again = types.put(
        "CustomMetadata", "Endpoint.Payments", types.read("CustomMetadata", "Endpoint.Payments")
    )
    assert (again.created, again.changed) == (False, False)
    bad = [{"field": "Tries__c", "value": "many"}]
    types.refused("CustomMetadata", "Endpoint.Payments", label="Payments", values=bad)
    types.refused("CustomMetadata", "Gone.Payments", label="Payments")
    types.delete("CustomMetadata", "Endpoint.Payments")
    assert types.org.rows("Endpoint__mdt") == []


def test_code_is_kept_in_its_row_and_must_be_whole(types: Types) -> None:
    source = "trigger Lines on Line__c (before insert, after update) { }"
    told = {"apiVersion": 60.0, "status": "Active", "content": content(source)}
    types.write("ApexTrigger", "Lines", **told)
    (row,) = types.org.rows("ApexTrigger")
    assert (row["TableEnumOrId"], row["UsageBeforeInsert"], row["UsageAfterUpdate"]) == (
        "Line__c",
        True,
        True,
    )
    assert (row["UsageAfterInsert"], row["Body"]) == (False, source)
    inactive = types.write("ApexTrigger", "Lines", **{**told, "status": "Inactive"})
    assert (inactive.created, inactive.changed) == (False, True)
    assert types.org.rows("ApexTrigger")[0]["Status"] == "Inactive"
    for wrong in (
        "trigger Lines on Gone__c (before insert) { }",
        "trigger Lines on Line__c (before insert) {",
        "class A { }",
    ):
        types.refused("ApexTrigger", "Lines", **{**told, "content": content(wrong)})
    assert types.org.rows("ApexTrigger")[0]["Body"] == source


def test_rules_and_layouts_name_fields_that_are_there(types: Types) -> None:
    rule = {"active": True, "errorConditionFormula": "ISBLANK(Code__c)", "errorMessage": "A code is needed"}
    types.write("ValidationRule", "Line__c.Needs_code", **rule)
    assert (
        types.refused(
            "ValidationRule", "Line__c.Needs_code", **{**rule, "errorConditionFormula": "ISBLANK(Gone__c)"}
        )
        == "Field Gone__c does not exist. Check spelling."
    )
    assert types.refused(
        "ValidationRule", "Line__c.Needs_code", **{**rule, "errorDisplayField": "Gone__c"}
    ) == ("In field: errorDisplayField - no CustomField named Line__c.Gone__c found")
    assert types.refused("ValidationRule", "Gone__c.Rule", **rule).endswith("Gone__c")
    item = {"layoutItems": {"field": "Gone__c", "behavior": "Edit"}}
    section = {"layoutColumns": [item], "style": "OneColumn"}
    problem = types.refused("Layout", "Line__c-Line Layout", layoutSections=[section])
    assert problem == "In field: field - no CustomField named Line__c.Gone__c found"


def test_a_list_view_is_known_to_the_data_api(types: Types) -> None:
    made = types.write(
        "ListView", "Line__c.All", label="All Lines", filterScope="Everything", columns=["NAME"]
    )
    (row,) = types.org.query("SELECT Id, Name, DeveloperName, SobjectType FROM ListView").records
    assert (row["Id"], row["Name"], row["SobjectType"]) == (made.id, "All Lines", "Line__c")
    types.delete("ListView", "Line__c.All")
    assert types.org.query("SELECT Id FROM ListView").records == []


def test_everything_that_can_be_read_can_be_written_back(types: Types) -> None:
    types.write("CustomObject", "Flags__c", label="Flags", customSettingsType="Hierarchy")
    types.write("PermissionSet", "Release", label="Release", objectPermissions=[ACCOUNT])
    types.write("RecordType", "Line__c.Big", active=True, label="Big")
    types.write("CustomTab", "Line__c", customObject=True, motif="Custom1: Heart")
    for kind in (
        "CustomObject",
        "CustomField",
        "PermissionSet",
        "RecordType",
        "CustomTab",
        "Layout",
        "Profile",
    ):
        for name in component_type(kind).names(types.org):
            made = types.put(kind, name, types.read(kind, name))
            assert (kind, name, made.created, made.changed) == (kind, name, False, False)


def test_a_name_that_is_not_there_has_no_component(types: Types) -> None:
    for kind in (
        "CustomObject",
        "CustomField",
        "PermissionSet",
        "Queue",
        "Role",
        "ApexClass",
        "Flow",
        "CustomMetadata",
    ):
        assert types.absent(kind, "Gone.Gone")
        assert types.not_deleted(kind, "Gone.Gone") == f"no {kind} named Gone.Gone found"


def test_an_object_written_again_with_nothing_but_parts_stays(types: Types) -> None:
    made = types.write("CustomObject", "Line__c")
    assert (made.created, made.changed) == (False, False)
    assert types.read("CustomObject", "Line__c")["label"] == [LINE["label"]]


@pytest.mark.parametrize(
    ("kind", "told", "problem"),
    [
        (
            "PermissionSet",
            {"label": "P", "fieldPermissions": [{"field": "Account.Phone", "readable": True}] * 2},
            "Field:field, value:Account.Phone appears more than once",
        ),
        (
            "PermissionSet",
            {"label": "P", "fieldPermissions": [{"field": "Account.Name", "readable": True}]},
            "You cannot deploy to a required field: Account.Name",
        ),
        (
            "Profile",
            {"layoutAssignments": [{"layout": "Account-Account Layout", "recordType": "Account.Gone"}]},
            "In field: recordType - no RecordType named Account.Gone found",
        ),
    ],
)
def test_rights_are_named_once_and_lead_to_what_can_have_them(
    types: Types, kind: str, told: dict[str, Any], problem: str
) -> None:
    assert types.refused(kind, "Admin" if kind == "Profile" else "Few", **told) == problem
