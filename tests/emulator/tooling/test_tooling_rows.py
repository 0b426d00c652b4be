"""Rows of the Tooling API: metadata that is read, changed and written whole; code; flags; containers."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.emulator.errors import InvalidField

from .conftest import Tooling, write

BODY = "public class Made { }"


def rule_id(tooling: Tooling) -> Any:
    return tooling.rows("SELECT Id FROM ValidationRule")[0]["Id"]


def metadata(tooling: Tooling, sobject: str, where: str = "") -> Any:
    return tooling.rows(f"SELECT Metadata FROM {sobject} {where}")[0]["Metadata"]


def test_a_rule_is_switched_off_by_writing_its_metadata_whole(tooling: Tooling) -> None:
    told = metadata(tooling, "ValidationRule")
    reply = tooling.call(
        "PATCH", f"/sobjects/ValidationRule/{rule_id(tooling)}", json={"Metadata": {**told, "active": False}}
    )
    assert (reply.status_code, reply.content) == (204, b"")
    assert metadata(tooling, "ValidationRule") == {**told, "active": False}
    assert tooling.org.has("Account", Name="without a phone")


def test_a_part_of_the_metadata_is_refused(tooling: Tooling) -> None:
    reply = tooling.call(
        "PATCH", f"/sobjects/ValidationRule/{rule_id(tooling)}", json={"Metadata": {"active": False}}
    )
    assert tooling.refusal(reply) == (400, "REQUIRED_FIELD_MISSING")
    assert metadata(tooling, "ValidationRule")["active"] is True


def test_a_column_that_follows_from_the_metadata_cannot_be_written(tooling: Tooling) -> None:
    reply = tooling.call("PATCH", f"/sobjects/ValidationRule/{rule_id(tooling)}", json={"Active": False})
    assert tooling.refusal(reply) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    assert metadata(tooling, "ValidationRule")["active"] is True


def test_a_field_that_is_made_is_a_column_until_it_is_deleted(tooling: Tooling) -> None:
    body = {"FullName": "Account.Tier__c", "Metadata": {"label": "Tier", "type": "Text", "length": 80}}
    made = tooling.call("POST", "/sobjects/CustomField", json=body)
    assert made.status_code == 201
    record_id = made.json()["id"]
    assert record_id.startswith("00N")
    with pytest.raises(InvalidField):  # nobody sees it before a permission set or profile shows it
        tooling.org.has("Account", Name="A", Phone="1", Tier__c="Gold")
    shown = {"field": ["Account.Tier__c"], "readable": ["true"], "editable": ["true"]}
    write(tooling.org, "Profile", "Admin", {"fieldPermissions": [shown]})
    account = tooling.org.has("Account", Name="A", Phone="1", Tier__c="Gold")
    assert tooling.org.retrieve("Account", account, ["Tier__c"])["Tier__c"] == "Gold"
    again = tooling.call("POST", "/sobjects/CustomField", json=body)
    assert tooling.refusal(again) == (400, "DUPLICATE_VALUE")
    longer = {"Metadata": {"label": "Tier", "type": "Text", "length": 90}}
    assert tooling.call("PATCH", f"/sobjects/CustomField/{record_id}", json=longer).status_code == 204
    assert tooling.org.schema["Account"].fields["tier__c"].length == 90
    assert tooling.call("DELETE", f"/sobjects/CustomField/{record_id}").status_code == 204
    assert tooling.org.schema["Account"].field("Tier__c") is None
    gone = tooling.call("DELETE", f"/sobjects/CustomField/{record_id}")
    assert tooling.refusal(gone) == (404, "INVALID_CROSS_REFERENCE_KEY")


@pytest.mark.parametrize(
    "told",
    [
        {"label": "Tier", "type": "Text"},
        {"label": "Tier", "type": "Nonsense"},
        {"label": "Tier", "type": "Text", "length": "long"},
        {"label": "Tier", "type": "Text", "length": 80, "nonsense": 1},
        {"type": "Text", "length": 80},
        "Text",
    ],
)
def test_a_field_that_salesforce_would_not_save_is_not_made(tooling: Tooling, told: Any) -> None:
    reply = tooling.call(
        "POST", "/sobjects/CustomField", json={"FullName": "Account.Tier__c", "Metadata": told}
    )
    assert reply.status_code == 400
    assert reply.json()[0]["errorCode"]
    assert tooling.org.schema["Account"].field("Tier__c") is None


def test_a_class_is_made_read_changed_and_deleted(tooling: Tooling) -> None:
    made = tooling.call("POST", "/sobjects/ApexClass", json={"Name": "Made", "Body": BODY})
    record_id = made.json()["id"]
    read = tooling.call("GET", f"/sobjects/ApexClass/{record_id}").json()
    assert (read["Body"], read["Status"], read["FullName"]) == (BODY, "Active", "Made")
    assert read["Metadata"]["apiVersion"] == 64.0
    assert "/tooling/sobjects/ApexClass/" in read["attributes"]["url"]
    changed = "public class Made { Integer i; }"
    tooling.call("PATCH", f"/sobjects/ApexClass/{record_id}", json={"Body": changed})
    assert tooling.call("GET", f"/sobjects/ApexClass/{record_id}/Body").text == changed
    assert tooling.call("DELETE", f"/sobjects/ApexClass/{record_id}").status_code == 204
    assert tooling.call("GET", f"/sobjects/ApexClass/{record_id}").status_code == 404


@pytest.mark.parametrize("body", ["public class Made {", "public class Other { }", None])
def test_a_class_that_does_not_compile_is_not_made(tooling: Tooling, body: Any) -> None:
    reply = tooling.call("POST", "/sobjects/ApexClass", json={"Name": "Made", "Body": body})
    assert reply.status_code == 400
    assert tooling.rows("SELECT Id FROM ApexClass WHERE Name = 'Made'") == []


def test_a_static_resource_keeps_its_bytes(tooling: Tooling) -> None:
    body = base64.b64encode(b"\x00\x01logo").decode()
    told = {"Name": "logo", "ContentType": "image/png", "Body": body, "CacheControl": "Public"}
    assert tooling.call("POST", "/sobjects/StaticResource", json=told).status_code == 201
    row = tooling.rows("SELECT Name, ContentType, BodyLength, CacheControl FROM StaticResource")
    assert row == [{"Name": "logo", "ContentType": "image/png", "BodyLength": 6, "CacheControl": "Public"}]


def test_an_id_of_another_object_is_malformed(tooling: Tooling) -> None:
    reply = tooling.call("DELETE", f"/sobjects/ApexClass/{rule_id(tooling)}")
    assert tooling.refusal(reply) == (400, "MALFORMED_ID")
    assert len(tooling.rows("SELECT Id FROM ValidationRule")) == 1


def test_a_trace_flag_needs_a_debug_level_and_a_log_comes_while_it_lasts(tooling: Tooling) -> None:
    tooling.execute("System.debug('unseen');")
    reply = tooling.call("POST", "/sobjects/TraceFlag", json={"LogType": "USER_DEBUG"})
    assert tooling.refusal(reply) == (400, "REQUIRED_FIELD_MISSING")
    level = tooling.call(
        "POST", "/sobjects/DebugLevel", json={"DeveloperName": "L", "MasterLabel": "L"}
    ).json()
    flag = {
        "TracedEntityId": tooling.org.admin_id,
        "DebugLevelId": level["id"],
        "LogType": "USER_DEBUG",
        "ExpirationDate": "2031-01-01T00:00:00.000+0000",
    }
    assert tooling.call("POST", "/sobjects/TraceFlag", json=flag).status_code == 201
    tooling.execute("System.debug('seen');")
    (log,) = tooling.rows("SELECT Id, Operation, Status, LogUser.Name FROM ApexLog")
    assert (log["Status"], log["LogUser"]["Name"]) == ("Success", "Ada Admin")
    assert "|USER_DEBUG|[1]|DEBUG|seen" in tooling.call("GET", f"/sobjects/ApexLog/{log['Id']}/Body").text


def in_container(tooling: Tooling, body: Any, check_only: bool = False) -> Any:
    container = tooling.call("POST", "/sobjects/MetadataContainer", json={"Name": "box"}).json()["id"]
    class_id = tooling.rows("SELECT Id FROM ApexClass WHERE Name = 'Order'")[0]["Id"]
    member = {"MetadataContainerId": container, "ContentEntityId": class_id, "Body": body}
    assert tooling.call("POST", "/sobjects/ApexClassMember", json=member).status_code == 201
    asked = {"MetadataContainerId": container, "IsCheckOnly": check_only}
    request_id = tooling.call("POST", "/sobjects/ContainerAsyncRequest", json=asked).json()["id"]
    return tooling.call("GET", f"/sobjects/ContainerAsyncRequest/{request_id}").json()


def order_body(tooling: Tooling) -> Any:
    return tooling.rows("SELECT Body FROM ApexClass WHERE Name = 'Order'")[0]["Body"]


def test_code_in_a_container_is_saved_when_it_is_asked_for(tooling: Tooling) -> None:
    done = in_container(tooling, "public class Order { Integer i; }")
    assert (done["State"], done["DeployDetails"]["componentFailures"]) == ("Completed", [])
    assert order_body(tooling) == "public class Order { Integer i; }"


def test_a_check_saves_nothing(tooling: Tooling) -> None:
    assert in_container(tooling, "public class Order { Integer i; }", check_only=True)["State"] == "Completed"
    assert order_body(tooling) == "public class Order { }"


def test_code_in_a_container_that_does_not_compile_says_where(tooling: Tooling) -> None:
    done = in_container(tooling, "public class Order {\n  void f() { ]\n}")
    assert done["State"] == "Failed"
    (failure,) = done["DeployDetails"]["componentFailures"]
    assert (failure["lineNumber"], failure["columnNumber"]) == (2, 14)
    assert order_body(tooling) == "public class Order { }"


def test_who_may_not_customize_changes_nothing(tooling: Tooling, sign_in: Callable[[str], Tooling]) -> None:
    profile = tooling.org.rows("Profile", Name="Standard User")[0]["Id"]
    user = tooling.org.has(
        "User",
        Username="u@x.example",
        LastName="U",
        Email="u@x.example",
        Alias="u",
        ProfileId=profile,
        TimeZoneSidKey="GMT",
        LocaleSidKey="en_US",
        LanguageLocaleKey="en_US",
        EmailEncodingKey="UTF-8",
    )
    theirs = sign_in(user)
    reply = theirs.call("DELETE", f"/sobjects/ValidationRule/{rule_id(tooling)}")
    assert theirs.refusal(reply) == (403, "INSUFFICIENT_ACCESS")
    assert theirs.call("GET", "/executeAnonymous", params={"anonymousBody": ""}).status_code == 403
    assert len(tooling.rows("SELECT Id FROM ValidationRule")) == 1


def test_changes_are_in_the_audit_trail(tooling: Tooling) -> None:
    told = metadata(tooling, "ValidationRule")
    tooling.call(
        "PATCH", f"/sobjects/ValidationRule/{rule_id(tooling)}", json={"Metadata": {**told, "active": False}}
    )
    assert tooling.org.query("SELECT Action FROM SetupAuditTrail").records[0]["Action"] == "changedValidation"


def test_layouts_are_written_whole(tooling: Tooling) -> None:
    write(tooling.org, "Layout", "Account-Account Layout", {"emailDefault": ["false"]})
    where = "WHERE TableEnumOrId = 'Account'"
    (row,) = tooling.rows(f"SELECT Id, Name, FullName, TableEnumOrId FROM Layout {where}")
    assert (row["Name"], row["FullName"], row["TableEnumOrId"]) == (
        "Account Layout",
        "Account-Account Layout",
        "Account",
    )
    told = metadata(tooling, "Layout", where)
    section = {
        "layoutColumns": [{"layoutItems": [{"behavior": "Required", "field": "Name"}]}],
        "style": "OneColumn",
    }
    reply = tooling.call(
        "PATCH", f"/sobjects/Layout/{row['Id']}", json={"Metadata": {**told, "layoutSections": [section]}}
    )
    assert reply.status_code == 204
    items = metadata(tooling, "Layout", where)["layoutSections"][0]["layoutColumns"][0]["layoutItems"]
    assert (items[0]["field"], items[0]["behavior"]) == ("Name", "Required")


def test_the_data_api_knows_code_logs_and_resources_too(tooling: Tooling) -> None:
    body = base64.b64encode(b"logo").decode()
    told = {"Name": "logo", "ContentType": "text/plain", "Body": body}
    record_id = tooling.call("POST", "/sobjects/StaticResource", json=told).json()["id"]
    (row,) = tooling.org.query("SELECT Id, BodyLength FROM StaticResource").records
    assert (row["Id"], row["BodyLength"]) == (record_id, 4)
    assert tooling.call("GET", f"/sobjects/StaticResource/{record_id}/Body").content == b"logo"
    tooling.call("POST", "/runTestsAsynchronous", json={"classNames": "OrderTest"})
    found = tooling.org.query("SELECT Outcome FROM ApexTestResult WHERE ApexClass.Name = 'OrderTest'").records
    assert [each["Outcome"] for each in found] == ["Pass", "Pass"]
    tooling.call("DELETE", f"/sobjects/StaticResource/{record_id}")
    assert tooling.org.query("SELECT Id FROM StaticResource").records == []
