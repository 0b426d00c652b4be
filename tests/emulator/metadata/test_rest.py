"""Deployments over REST, as clients send them."""

import json
from typing import Any

import pytest

from reconciler.emulator.http.message import Headers, Reply, Request
from reconciler.emulator.http.service import handle
from reconciler.emulator.metadata import deployments
from reconciler.emulator.metadata.archive import write_zip
from reconciler.emulator.metadata.delays import configure

from .conftest import Desk, package, site

SITES = {"package.xml": package({"CspTrustedSite": ["Maps"]}), "cspTrustedSites/Maps.cspTrustedSite": site()}
ROOT = "/services/data/v60.0/metadata/deployRequest"


def call(
    desk: Desk,
    method: str,
    path: str = "",
    body: bytes = b"",
    media: str = "application/json",
    query: str = "",
) -> Reply:
    fields = {"authorization": f"Bearer {desk.token}", "host": "acme.example"}
    if body:
        fields["content-type"] = media
    return handle(
        desk.org, Request(method=method, path=ROOT + path, query=query, headers=Headers(fields), body=body)
    )


def parts(options: Any, archive: bytes, name: str = "json", boundary: str = "b-1") -> tuple[bytes, str]:
    told = json.dumps({"deployOptions": options}).encode()
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n'
        "Content-Type: application/json\r\n\r\n"
    ).encode() + told
    body += (
        f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="deploy.zip"\r\n'
        "Content-Type: application/zip\r\n\r\n"
    ).encode() + archive
    return body + f"\r\n--{boundary}--\r\n".encode(), f'multipart/form-data; boundary="{boundary}"'


@pytest.mark.parametrize("name", ["json", "entity_content"])
@pytest.mark.parametrize("yes", [True, "true"])
def test_a_deployment_goes_in_as_parts(desk: Desk, name: str, yes: object) -> None:
    body, media = parts({"singlePackage": yes, "rollbackOnError": yes}, write_zip(SITES), name)
    made = call(desk, "POST", body=body, media=media)
    assert made.status == 201
    assert (made.value["deployResult"]["status"], made.value["deployResult"]["done"]) == ("Pending", False)
    assert made.value["deployOptions"]["singlePackage"] is True
    told = call(desk, "GET", f"/{made.value['id']}", query="includeDetails=true").value
    assert told["deployResult"]["status"] == "Succeeded"
    assert [each["fullName"] for each in told["deployResult"]["details"]["componentSuccesses"]] == [
        "Maps",
        "package.xml",
    ]
    assert told["url"].endswith(f"{ROOT}/{made.value['id']}")
    assert desk.org.components.names("CspTrustedSite") == ["Maps"]


def test_an_archive_may_hold_the_delimiters_bytes(desk: Desk) -> None:
    archive = write_zip({**SITES, "cspTrustedSites/x.txt": b"\r\n--b-2\r\n"})
    body, media = parts({"singlePackage": True}, archive, boundary="b-1")
    made = call(desk, "POST", body=body, media=media)
    assert call(desk, "GET", f"/{made.value['id']}").value["deployResult"]["status"] == "Succeeded"


def test_a_validation_is_deployed(desk: Desk) -> None:
    job = desk.submit(SITES, checkOnly=True, testLevel="RunLocalTests")
    assert desk.result(job)["status"] == "Succeeded"
    made = call(desk, "POST", body=json.dumps({"validatedDeployRequestId": job}).encode())
    assert made.status == 201
    assert call(desk, "GET", f"/{made.value['id']}").value["deployResult"]["status"] == "Succeeded"
    assert desk.org.components.names("CspTrustedSite") == ["Maps"]


def test_a_deployment_is_cancelled(desk: Desk) -> None:
    configure(desk.org, deploy_pending_ms=100)
    job = desk.submit(SITES)
    reply = call(desk, "PATCH", f"/{job}", body=b'{"deployResult": {"status": "Canceling"}}')
    assert (reply.status, reply.value["deployResult"]["status"]) == (202, "Canceled")
    again = call(desk, "PATCH", f"/{job}", body=b'{"deployResult": {"status": "Canceling"}}')
    assert (again.status, again.value[0]["errorCode"]) == (400, "INVALID_ID_FIELD")


@pytest.mark.parametrize(
    ("body", "media", "code"),
    [
        (b"{}", "application/json", "REQUIRED_FIELD_MISSING"),
        (b'{"validatedDeployRequestId": "nope"}', "application/json", "INVALID_CROSS_REFERENCE_KEY"),
        (b"--b\r\n", "multipart/form-data; boundary=b", "INVALID_MULTIPART_REQUEST"),
        (b"x", "multipart/form-data", "INVALID_MULTIPART_REQUEST"),
        (*parts({}, b"")[:1], "multipart/form-data; boundary=other", "INVALID_MULTIPART_REQUEST"),
        (*parts({"testLevel": "Some"}, b"x"), "INVALID_OPERATION"),
        (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b", "REQUIRED_FIELD_MISSING"),
    ],
)
def test_what_is_no_deployment_is_refused(desk: Desk, body: bytes, media: str, code: str) -> None:
    reply = call(desk, "POST", body=body, media=media)
    assert (400 <= reply.status < 500, reply.value[0]["errorCode"]) == (True, code)
    assert deployments.history(desk.org) == []


def test_an_unknown_deployment_is_refused(desk: Desk) -> None:
    reply = call(desk, "GET", "/0AfHu0000000999KAA")
    assert reply.value[0]["errorCode"] == "INVALID_CROSS_REFERENCE_KEY"
