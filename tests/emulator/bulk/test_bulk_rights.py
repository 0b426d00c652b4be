"""Bulk jobs of users who may not do everything, what a day allows, and the back door."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.emulator.http import sessions
from reconciler.emulator.http.control import control
from reconciler.emulator.http.faults import Faults
from reconciler.emulator.http.message import Request
from reconciler.emulator.org import EmulatedOrg

if TYPE_CHECKING:
    from tests.emulator.bulk.conftest import Bulk


@pytest.fixture
def narrow(org: EmulatedOrg, bulk_type: Any) -> Callable[..., Any]:
    """A client of a user who sees accounts, their names, and what else is granted."""

    def make(*fields: str, **rights: bool) -> Any:
        profile = org.rows("Profile", Name="Minimum Access - Salesforce")[0]["Id"]
        user = org.has(
            "User", Username="n@acme.example", LastName="N", Email="n@acme.example", Alias="n",
            ProfileId=profile, TimeZoneSidKey="GMT", LocaleSidKey="en_US", LanguageLocaleKey="en_US",
            EmailEncodingKey="UTF-8",
        )  # fmt: skip
        permissions = {f"Permissions{name}": value for name, value in rights.items()}
        granted = org.has("PermissionSet", Name="Narrow", Label="Narrow", PermissionsApiEnabled=True)
        org.has(
            "ObjectPermissions", ParentId=granted, SobjectType="Account", PermissionsRead=True, **permissions
        )
        for name in fields:
            org.has(
                "FieldPermissions",
                ParentId=granted,
                SobjectType="Account",
                Field=f"Account.{name}",
                PermissionsRead=True,
                PermissionsEdit=True,
            )
        org.has("PermissionSetAssignment", AssigneeId=user, PermissionSetId=granted)
        return bulk_type(org, token=sessions.open_session(org, user))

    return make


def test_a_field_that_the_user_does_not_see_is_not_found(
    narrow: Callable[..., Any], org: EmulatedOrg
) -> None:
    client = narrow("Site", Create=True)
    assert client.job(client.ingest("Name,Site\nA,S\n"))["state"] == "JobComplete"
    told = client.job(client.ingest("Name,Fax\nB,1\n"))
    assert (told["state"], told["errorMessage"]) == ("Failed", "InvalidBatch : Field name not found : Fax")
    assert [row["Name"] for row in org.rows("Account")] == ["A"]
    assert org.rows("Account")[0]["Site"] == "S"


def test_a_job_is_aborted_by_who_made_it_or_manages_data_integrations(
    narrow: Callable[..., Any], bulk: "Bulk", org: EmulatedOrg
) -> None:
    other = narrow("Site", Create=True)
    mine, theirs = bulk.open(), other.open()
    answer = other.call("PATCH", f"/ingest/{mine}", {"state": "Aborted"})
    assert (answer.status, answer.json[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    assert bulk.job(mine)["state"] == "Open"
    assert bulk.call("PATCH", f"/ingest/{theirs}", {"state": "Aborted"}).json["state"] == "Aborted"
    assert bulk.call("PATCH", f"/ingest/{mine}", {"state": "Aborted"}).json["state"] == "Aborted"


def test_an_object_that_the_user_may_not_write_is_refused(
    narrow: Callable[..., Any], org: EmulatedOrg
) -> None:
    client = narrow()
    for operation, message in (
        ("insert", "No create access for object:Account"),
        ("delete", "No delete access for object:Account"),
    ):
        answer = client.call("POST", "/ingest", {"object": "Account", "operation": operation})
        assert (answer.status, answer.json[0]["message"]) == (400, message)
    answer = client.call("POST", "/ingest", {"object": "Contact", "operation": "insert"})
    assert answer.json[0]["message"] == "Unable to find object: Contact"
    assert client.call("GET", "/ingest").json["records"] == []


def test_rows_that_the_user_may_not_edit_are_refused_one_by_one(
    narrow: Callable[..., Any], org: EmulatedOrg
) -> None:
    theirs = org.has("Account", Name="Theirs")
    client = narrow("Phone", Create=True, Edit=True)
    own = client.result(client.ingest("Name\nOwn\n"), "successfulResults")[1][0]
    job = client.ingest(f"Id,Name\n{own},New\n{theirs},New\n", operation="update")
    told = client.job(job)
    names = {row["Id"]: row["Name"] for row in org.rows("Account")}
    assert names[own] == "New"
    assert told["numberRecordsFailed"] == (names[theirs] == "Theirs")


def test_a_query_answers_what_the_user_sees(narrow: Callable[..., Any]) -> None:
    client = narrow()
    answer = client.call("POST", "/query", {"operation": "query", "query": "SELECT Id, Fax FROM Account"})
    assert (answer.status, answer.json[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_limits_count_batches_and_query_jobs(bulk: "Bulk") -> None:
    bulk.job(bulk.ingest("Name\nA\n"))
    bulk.query("SELECT Id FROM Account")
    limits = bulk.call("GET", "/services/data/v60.0/limits").json
    assert limits["DailyBulkApiBatches"] == {"Max": 15_000, "Remaining": 14_999}
    assert limits["DailyBulkV2QueryJobs"] == {"Max": 10_000, "Remaining": 9_999}


def test_the_back_door_sets_how_long_jobs_take(bulk: "Bulk", org: EmulatedOrg) -> None:
    def send(method: str, body: bytes = b"") -> tuple[int, Any]:
        reply = control(org, Faults(), Request(method=method, path="/__emulator__/bulk", body=body))
        return reply.status, reply.value

    assert send("POST", b'{"queue_ms": 5}')[1]["queue_ms"] == 5
    assert send("POST", b'{"other": 5}')[0] == 400
    assert send("POST", b"[]")[0] == 400
    assert send("GET")[1]["queue_ms"] == 5
    assert bulk.job(bulk.ingest("Name\nA\n"))["state"] == "UploadComplete"
