"""The describes of standard objects are those of real orgs, as far as one org's can be another's.

Compared with the newest recording of each object: which fields there are, in their order, and every
value of each that does not depend on what an org was given (labels, picklists, custom fields).
"""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.http.describe_form import describe, version_in
from reconciler.emulator.org import EmulatedOrg

RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "recordings" / "describe"
ASSUMED_VERSION, ASSUMED_OLDER = 52.0, 49.0
"""Of recordings whose version the recorder masked: the second for those without the keys of the first."""
OF_THE_ORG = ("picklistValues", "label", "inlineHelpText")
BY_FEATURE = {
    "Account": {
        "BillingStateCode",
        "BillingCountryCode",
        "ShippingStateCode",
        "ShippingCountryCode",
        "OperatingHoursId",
    }
}
"""Fields of features that the emulated org has not switched on."""
SINCE_THEN = {
    ("Contact", "LeadSource", "length"),
    ("Contact", "LeadSource", "byteLength"),
    ("Event", "OwnerId", "polymorphicForeignKey"),
    ("Event", "OwnerId", "referenceTo"),
    ("GroupMember", "UserOrGroupId", "referenceTo"),
}
"""What is otherwise here: by the version, or because there are no calendars."""
ADDED_TO_ALL = ("sobjectDescribeOption",)
"""A key that all versions have got since some of the recordings were made."""
ADDED_CHILDREN = {("ListEmail", "RelatedToId")}
PLURAL_SINCE = {"Profile"}
"""Objects whose plural a newer global describe tells."""
CREATED_IN_FEEDS = ("EntitySubscription", "FeedComment", "FeedItem", "Vote")
RENAMED_SINCE = {
    "PermissionsManageTwoFactor",
    "PermissionsDelegatedTwoFactor",
    "PermissionsCanEditPrompts",
    "PermissionsManageC360AConnections",
}
LATER = {("Profile", "createable"), ("PermissionSetAssignment", "updateable")}


def newest() -> dict[str, tuple[float, dict[str, Any]]]:
    found: dict[str, tuple[float, dict[str, Any]]] = {}
    for path in sorted(RECORDINGS.glob("*.json")) if RECORDINGS.is_dir() else []:
        recording = json.loads(path.read_text(encoding="utf-8"))
        body = recording["response"].get("body")
        if isinstance(body, dict) and not body["custom"] and body["name"] != "Knowledge__kav":
            assumed = ASSUMED_VERSION if "associateEntityType" in body else ASSUMED_OLDER
            version = float(recording["recorded"].get("api_version") or assumed)
            known = found.get(body["name"])
            if known is None or version > known[0]:
                found[body["name"]] = (version, body)
    return found


NEWEST = newest()


@pytest.fixture(scope="module")
def org() -> EmulatedOrg:
    return EmulatedOrg()


def described(org: EmulatedOrg, name: str, version: float) -> dict[str, Any]:
    return describe(org.schema, org.schema[name], f"/services/data/v{version}", "https://acme.example", {})


@pytest.mark.skipif(not NEWEST, reason="the recorded exchanges are not beside the repository")
@pytest.mark.parametrize("name", sorted(NEWEST))
def test_an_object_has_the_fields_of_a_real_one_and_they_are_alike(org: EmulatedOrg, name: str) -> None:
    version, real = NEWEST[name]
    ours = {each["name"]: each for each in described(org, name, version)["fields"]}
    wanted = [each for each in real["fields"] if not each["custom"]]
    names = [each["name"] for each in wanted if each["name"] not in BY_FEATURE.get(name, ())]
    assert [each for each in names if each not in ours] == []
    common = [each for each in names if each in ours]
    assert [each for each in ours if each in common] == common
    for field in wanted:
        if field["name"] in ours:
            assert differences(name, field, ours[field["name"]]) == {}, field["name"]


def differences(sobject: str, real: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in real.items():
        mine = ours[key]
        if key in OF_THE_ORG or (sobject, real["name"], key) in SINCE_THEN:
            continue
        if key == "referenceTo" and set(mine) <= set(value):
            continue
        if key == "createable" and sobject == "Profile":
            continue
        if mine != value:
            found[key] = (value, mine)
    return found


@pytest.mark.skipif(not NEWEST, reason="the recorded exchanges are not beside the repository")
@pytest.mark.parametrize("name", sorted(NEWEST))
def test_an_object_may_do_what_a_real_one_may(org: EmulatedOrg, name: str) -> None:
    version, real = NEWEST[name]
    ours = described(org, name, version)
    assert [key for key in ours if key not in ADDED_TO_ALL] == [
        key for key in real if key not in ADDED_TO_ALL
    ]
    for key, value in real.items():
        if isinstance(value, bool) and (name, key) not in LATER:
            assert ours[key] == value, key
    assert ours["keyPrefix"] == real["keyPrefix"]
    names = [each["name"] for each in real["supportedScopes"]]
    assert names == [each["name"] for each in ours["supportedScopes"]] or version < ASSUMED_VERSION


RELATED = {("UserRole", "ParentRoleId"), *((name, "CreatedById") for name in CREATED_IN_FEEDS)}
"""Relationships whose flags are told otherwise here: they say what the emulated org does with the rows."""


@pytest.mark.skipif(not NEWEST, reason="the recorded exchanges are not beside the repository")
@pytest.mark.parametrize("name", sorted(NEWEST))
def test_an_object_has_the_children_of_a_real_one(org: EmulatedOrg, name: str) -> None:
    version, real = NEWEST[name]
    ours = children(described(org, name, version))
    recorded = children(real)
    known = {each for each in recorded if each[0] in org.schema and org.schema[each[0]].field(each[1])}
    assert known <= ours.keys()
    assert ours.keys() - recorded.keys() <= ADDED_CHILDREN
    for each in known - RELATED:
        assert ours[each] == {key: recorded[each][key] for key in ours[each]}, each


def children(described_object: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["childSObject"], each["field"]): each for each in described_object["childRelationships"]}


@pytest.mark.skipif(not NEWEST, reason="the recorded exchanges are not beside the repository")
@pytest.mark.parametrize("name", sorted(NEWEST))
def test_an_object_calls_itself_and_its_rows_as_a_real_one(org: EmulatedOrg, name: str) -> None:
    version, real = NEWEST[name]
    ours = described(org, name, version)
    assert ours["label"] == real["label"]
    assert ours["labelPlural"] == real["labelPlural"] or name in PLURAL_SINCE
    labels = {each["name"]: each["label"] for each in real["fields"]}
    for field in ours["fields"]:
        if field["name"] in labels and field["name"] not in RENAMED_SINCE:
            assert field["label"] == labels[field["name"]], field["name"]


@pytest.mark.parametrize(
    ("version", "top", "fields"), [(26, 28, 43), (32, 28, 43), (42, 36, 55), (50, 45, 57)]
)
def test_older_versions_have_fewer_keys(org: EmulatedOrg, version: int, top: int, fields: int) -> None:
    value = described(org, "Account", float(version))
    assert version_in(f"/services/data/v{version}.0") == version
    assert (len(value), len(value["fields"][0])) == (top, fields)


def test_a_default_that_the_platform_sets_is_told_only_where_salesforce_tells_it(org: EmulatedOrg) -> None:
    fields = {each["name"]: each for each in described(org, "User", 60.0)["fields"]}
    assert fields["IsActive"]["defaultValue"] is False
    assert fields["UserPermissionsMarketingUser"]["defaultValue"] is None
    case = {each["name"]: each for each in described(org, "Case", 60.0)["fields"]}
    assert case["Status"]["defaultValue"] == "New"


def test_more_than_sixty_standard_objects_are_described(org: EmulatedOrg) -> None:
    assert sum(not each.custom for each in org.schema) > 150
    for sobject in org.schema:
        value = described(org, sobject.name, 60.0)
        assert len({each["name"] for each in value["fields"]}) == len(value["fields"])


def test_the_record_that_access_is_asked_of_is_described_as_a_picklist(org: EmulatedOrg) -> None:
    fields = {each["name"]: each for each in described(org, "UserRecordAccess", 60.0)["fields"]}
    record, user = fields["RecordId"], fields["UserId"]
    assert (record["type"], record["soapType"], record["referenceTo"]) == ("picklist", "xsd:string", [])
    assert (user["type"], user["soapType"], user["referenceTo"]) == ("reference", "tns:ID", ["User"])
