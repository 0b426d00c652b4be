"""Files and related rows, below the address of a row."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.http import sessions
from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.http.service import exchange
from reconciler.emulator.org import EmulatedOrg

BOUNDARY = "a-line-between"


@dataclass
class Caller:
    """The administrator's calls, without a network between."""

    org: EmulatedOrg
    token: str

    def call(
        self, method: str, path: str, body: Any = b"", content_type: str = "application/json"
    ) -> tuple[int, Any, dict[str, str]]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        address, _, query = f"/services/data/v60.0{path}".partition("?")
        fields = {"Host": "acme.my.salesforce.com", "Authorization": f"Bearer {self.token}"}
        headers = Headers({**fields, "Content-Type": content_type})
        request = Request(method=method, path=address, query=query, headers=headers, body=raw)
        status, answered, content = exchange(self.org, request)
        if answered.get("Content-Type", "").startswith("application/json"):
            return status, json.loads(content), answered
        return status, content, answered

    def multipart(self, method: str, path: str, *parts: tuple[str, str, bytes]) -> tuple[int, Any]:
        """Send parts of (name, file name or empty, content); those without a file name are JSON."""
        body = b""
        for name, filename, content in parts:
            file = f'; filename="{filename}"' if filename else ""
            kind = "application/octet-stream" if filename else "application/json"
            head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n'
            body += f"{head}Content-Type: {kind}\r\n\r\n".encode() + content + b"\r\n"
        body += f"--{BOUNDARY}--\r\n".encode()
        status, value, _ = self.call(method, path, body, f"multipart/form-data; boundary={BOUNDARY}")
        return status, value


@pytest.fixture
def caller() -> Caller:
    org = EmulatedOrg(clock=Clock.fixed(tick_ms=1000))
    return Caller(org, sessions.open_session(org, org.admin_id))


CONTENT = bytes(range(256))


def test_a_file_sent_in_parts_is_read_as_it_was(caller: Caller) -> None:
    about = json.dumps({"Title": "A"}).encode()
    status, made = caller.multipart(
        "POST",
        "/sobjects/ContentVersion",
        ("entity_content", "", about),
        ("VersionData", "a.png", CONTENT),
    )
    assert (status, made["success"]) == (201, True)
    status, content, headers = caller.call("GET", f"/sobjects/ContentVersion/{made['id']}/VersionData")
    assert (status, content, headers["Content-Type"]) == (200, CONTENT, "application/octet-stream")
    (row,) = caller.org.rows("ContentVersion")
    assert (row["PathOnClient"], row["ContentSize"], row["FileType"]) == ("a.png", 256, "PNG")
    assert row["VersionNumber"] == "1"


def test_a_file_published_on_a_record_is_linked_to_it_and_to_its_owner(caller: Caller) -> None:
    account = caller.org.has("Account", Name="A")
    fields = {"Title": "A", "PathOnClient": "a.txt", "FirstPublishLocationId": account}
    body = {**fields, "VersionData": base64.b64encode(b"hello").decode()}
    status, _, _ = caller.call("POST", "/sobjects/ContentVersion", body)
    assert status == 201
    linked = {row["LinkedEntityId"]: row["ShareType"] for row in caller.org.rows("ContentDocumentLink")}
    assert linked == {caller.org.admin_id: "I", account: "V"}


def test_the_share_of_an_owner_has_an_address_and_is_nobodys_to_write(caller: Caller) -> None:
    caller.org.has("Account", Name="A")
    (share,) = caller.org.query("SELECT Id FROM AccountShare").records
    status, row, _ = caller.call("GET", f"/sobjects/AccountShare/{share['Id']}")
    assert (status, row["RowCause"], row["AccountAccessLevel"]) == (200, "Owner", "All")
    assert caller.call("DELETE", f"/sobjects/AccountShare/{share['Id']}")[0] == 400
    assert (
        caller.call("PATCH", f"/sobjects/AccountShare/{share['Id']}", {"AccountAccessLevel": "Read"})[0]
        == 403
    )


def test_a_second_version_is_the_latest(caller: Caller) -> None:
    first = caller.org.has("ContentVersion", Title="A", PathOnClient="a.txt", VersionData="YQ==")
    (document,) = caller.org.rows("ContentDocument")
    again = {"PathOnClient": "b.txt", "VersionData": "YmI=", "ContentDocumentId": document["Id"]}
    second = caller.org.has("ContentVersion", Title="B", **again)
    latest = {row["Id"]: (row["IsLatest"], row["VersionNumber"]) for row in caller.org.rows("ContentVersion")}
    assert latest == {first: (False, "1"), second: (True, "2")}
    (document,) = caller.org.rows("ContentDocument")
    assert (document["Title"], document["LatestPublishedVersionId"]) == ("B", second)


def test_an_attachments_body_has_the_type_it_was_given(caller: Caller) -> None:
    account = caller.org.has("Account", Name="A")
    about = {"Name": "a.html", "ParentId": account, "ContentType": "text/html"}
    status, made = caller.multipart(
        "POST",
        "/sobjects/Attachment",
        ("entity_attachment", "", json.dumps(about).encode()),
        ("Body", "a.html", b"<p/>"),
    )
    assert status == 201
    path = f"/sobjects/Attachment/{made['id']}"
    _, content, headers = caller.call("GET", f"{path}/Body")
    assert (content, headers["Content-Type"]) == (b"<p/>", "text/html")
    status, _ = caller.multipart("PATCH", path, ("Body", "b.html", b"<b/>"))
    assert status == 204
    assert caller.call("GET", f"{path}/body")[1] == b"<b/>"
    (row,) = caller.org.rows("Attachment")
    assert row["BodyLength"] == 4


@pytest.mark.parametrize("name", ["Nothing", "Title"])
def test_a_part_for_a_field_that_holds_no_file_is_refused(caller: Caller, name: str) -> None:
    status, value = caller.multipart("POST", "/sobjects/ContentVersion", (name, "a.txt", b"x"))
    assert (status, value[0]["errorCode"]) == (400, "INVALID_FIELD")
    assert caller.org.rows("ContentVersion") == []


@pytest.mark.parametrize(
    "body", [b"", b"--a-line-between\r\n", b"no boundary", b"--a-line-between\r\n\r\nx\r\n--a-line-between--"]
)
def test_a_body_that_is_not_made_of_parts_is_refused(caller: Caller, body: bytes) -> None:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    status, value, _ = caller.call("POST", "/sobjects/ContentVersion", body, kind)
    assert (status // 100, isinstance(value, list)) == (4, True)
    assert caller.org.rows("ContentVersion") == []


def test_parents_and_children_are_below_a_row(caller: Caller) -> None:
    account = caller.org.has("Account", Name="A")
    contact = caller.org.has("Contact", LastName="L", AccountId=account)
    _, parent, _ = caller.call("GET", f"/sobjects/Contact/{contact}/Account?fields=Name")
    assert (parent["attributes"]["type"], parent["Name"]) == ("Account", "A")
    _, children, _ = caller.call("GET", f"/sobjects/Account/{account}/Contacts?fields=LastName")
    assert [each["LastName"] for each in children["records"]] == ["L"]
    _, everything, _ = caller.call("GET", f"/sobjects/Account/{account}/Contacts")
    assert everything["records"][0]["Id"] == contact


def test_a_part_of_a_row_that_is_not_there_is_not_found(caller: Caller) -> None:
    contact = caller.org.has("Contact", LastName="L")
    for path in (
        f"Contact/{contact}/Account",
        f"Contact/{contact}/Nothing",
        "Attachment/00P000000000001/Body",
    ):
        status, value, _ = caller.call("GET", f"/sobjects/{path}")
        assert (status, value[0]["errorCode"]) == (404, "NOT_FOUND")


def test_files_belong_to_rows_of_custom_objects_too(caller: Caller, shared: Path) -> None:
    caller.org.load(shared / "orgs" / "dreamhouse")
    broker = caller.org.has("Broker__c", Name="B")
    caller.org.has("Attachment", ParentId=broker, Name="a", Body="YQ==")
    _, children, _ = caller.call("GET", f"/sobjects/Broker__c/{broker}/Attachments?fields=Name")
    assert [each["Name"] for each in children["records"]] == ["a"]
