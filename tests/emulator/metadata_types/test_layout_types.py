"""Page layouts: every object has one from the beginning, which is a component like any other."""

from pathlib import Path

import pytest

from reconciler.emulator.metadata.component_types import ComponentProblem, component_type
from reconciler.emulator.metadata.shapes import misfit
from reconciler.emulator.org import EmulatedOrg

from .conftest import Types, tree
from .test_schema_types import behaviors

ACCOUNT, OTHER = "Account-Account Layout", "Account-Other Layout"


def names(types: Types) -> list[str]:
    return component_type("Layout").names(types.org)


def assigned(types: Types, owner: str, profile: str = "Admin") -> dict[str, str]:
    """The layouts that a profile gives an object, by record type."""
    return {
        item.get("recordType", [""])[0]: item["layout"][0]
        for item in types.read("Profile", profile)["layoutAssignments"]
        if item["layout"][0].startswith(f"{owner}-")
    }


def test_standard_objects_have_a_layout_before_anybody_made_one(types: Types) -> None:
    assert {ACCOUNT, "Case-Case Layout", "CaseClose-Close Case Layout"} <= set(names(types))
    assert "Product2-Product Layout" in names(types)
    found = behaviors(types, ACCOUNT)
    assert (found["Name"], found["Phone"], found["CreatedById"]) == ("Required", "Edit", "Readonly")
    assert {"BillingAddress", "Description"} <= found.keys()
    assert not {"Id", "BillingCity", "IsDeleted"} & found.keys()
    assert next(iter(found)) == "Name"
    contact = behaviors(types, "Contact-Contact Layout")
    assert contact["Name"] == "Required"
    assert "LastName" not in contact


def test_each_layout_has_the_shape_of_the_wsdl_and_can_be_written_back(types: Types) -> None:
    for name in names(types):
        found = types.read("Layout", name)
        assert misfit("Layout", found) is None
        assert types.put("Layout", name, found).changed is False


def test_a_standard_layout_that_is_changed_keeps_its_id(types: Types) -> None:
    before = component_type("Layout").facts(types.org, ACCOUNT)
    section = {
        "layoutColumns": [{"layoutItems": [{"behavior": "Edit", "field": "Site"}]}],
        "style": "OneColumn",
    }
    made = types.write("Layout", "account-account layout", layoutSections=[section])
    after = component_type("Layout").facts(types.org, ACCOUNT)
    assert before is not None and after is not None
    assert (made.id, made.created, made.changed) == (before.id, False, True)
    assert (after.id, after.created_ms) == (before.id, before.created_ms)
    assert list(behaviors(types, ACCOUNT)) == ["Site"]
    assert names(types).count(ACCOUNT) == 1


def test_a_standard_layout_that_was_deleted_stays_away_until_it_is_written_again(types: Types) -> None:
    types.delete("Layout", ACCOUNT)
    assert types.absent("Layout", ACCOUNT)
    assert ACCOUNT not in names(types)
    assert ACCOUNT not in names(Types(types.org.fork()))
    types.not_deleted("Layout", ACCOUNT)
    types.write("Layout", ACCOUNT, emailDefault=False)
    types.delete("Layout", ACCOUNT)
    assert types.absent("Layout", ACCOUNT)


def test_a_renamed_standard_layout_is_not_there_twice(types: Types) -> None:
    with types.org.transaction() as tx:
        component_type("Layout").rename(tx, ACCOUNT, OTHER)
    assert [name for name in names(types) if name.startswith("Account-")] == [OTHER]
    with pytest.raises(ComponentProblem), types.org.transaction() as tx:
        component_type("Layout").rename(tx, OTHER, "Contact-Contact Layout")
    assert "Contact-Contact Layout" in names(types)


def test_a_layout_of_an_object_that_is_not_there_is_refused(types: Types) -> None:
    assert types.refused("Layout", "Gone__c-Gone Layout", emailDefault=False).endswith("Gone__c")


def test_profiles_give_each_object_and_record_type_a_layout(types: Types) -> None:
    types.write("RecordType", "Account.Partner", active=True, label="Partner")
    assert assigned(types, "Account") == {"": ACCOUNT, "Account.Partner": ACCOUNT}
    assert assigned(types, "Account", "Standard")[""] == ACCOUNT
    types.write("Layout", OTHER, emailDefault=False)
    types.put(
        "Profile", "Admin", tree({"layoutAssignments": [{"layout": OTHER, "recordType": "Account.Partner"}]})
    )
    assert assigned(types, "Account") == {"": ACCOUNT, "Account.Partner": OTHER}
    types.write("Profile", "Admin", layoutAssignments=[{"layout": OTHER}])
    assert assigned(types, "Account") == {"": OTHER, "Account.Partner": OTHER}


def test_an_object_of_a_project_without_layouts_has_one(types: Types, shared: Path) -> None:
    org = EmulatedOrg()
    org.load(shared / "orgs" / "dreamhouse")
    stored = {name.partition("-")[0] for name in org.components.names("Layout")}
    laid_out = [each for each in org.schema if each.custom and each.flags.get("layoutable")]
    assert laid_out
    for sobject in laid_out:
        own = f"{sobject.name}-{sobject.label} Layout"
        assert (own in component_type("Layout").names(org)) or sobject.name in stored
