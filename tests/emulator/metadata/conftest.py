"""A desk at which packages are packed, deployed and looked at; one org, forked for each test."""

import base64
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.http import sessions
from reconciler.emulator.http.message import Headers, Reply, Request
from reconciler.emulator.http.service import handle
from reconciler.emulator.metadata import deployments
from reconciler.emulator.metadata.archive import write_zip
from reconciler.emulator.metadata.deploy_result import deploy_result
from reconciler.emulator.metadata.outcome import DeployOptions
from reconciler.emulator.org import EmulatedOrg

METADATA = "http://soap.sforce.com/2006/04/metadata"
ENVELOPE = (
    '<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
    f'xmlns:m="{METADATA}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Header>'
    "<m:SessionHeader><m:sessionId>{session}</m:sessionId></m:SessionHeader>{header}</e:Header>"
    '<e:Body xmlns="' + METADATA + '">{body}</e:Body></e:Envelope>'
)
USUAL = {"singlePackage": True, "rollbackOnError": True}


def component(root: str, content: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="{METADATA}">{content}</{root}>'.encode()


def package(members: Mapping[str, Sequence[str]], version: str = "62.0") -> bytes:
    types = "".join(
        f"<types>{''.join(f'<members>{name}</members>' for name in names)}<name>{kind}</name></types>"
        for kind, names in members.items()
    )
    return component("Package", f"{types}<version>{version}</version>")


def site(url: str = "https://maps.example", **extra: str) -> bytes:
    """A component without references or rows: a trusted site."""
    more = "".join(f"<{name}>{value}</{name}>" for name, value in extra.items())
    return component(
        "CspTrustedSite",
        f"<context>All</context><endpointUrl>{url}</endpointUrl><isActive>true</isActive>{more}",
    )


def line_object(*fields: str) -> bytes:
    """The object Line__c with text fields."""
    made = "".join(
        f"<fields><fullName>{name}</fullName><label>{name}</label><length>20</length><type>Text</type></fields>"
        for name in fields
    )
    return component(
        "CustomObject",
        "<deploymentStatus>Deployed</deploymentStatus>"
        f"{made}<label>Line</label><nameField><label>Line Name</label><type>Text</type></nameField>"
        "<pluralLabel>Lines</pluralLabel><sharingModel>ReadWrite</sharingModel>",
    )


@dataclass
class Desk:
    """An org, and its administrator's ways to deploy to it."""

    org: EmulatedOrg
    token: str

    def submit(self, files: Mapping[str, bytes] | bytes, **options: Any) -> str:
        archive = files if isinstance(files, bytes) else write_zip(files)
        told = DeployOptions.of_json({**USUAL, **options})
        return deployments.submit(self.org, self.org.admin_id, archive, told).text_id

    def result(self, job_id: str) -> dict[str, Any]:
        return deploy_result(self.org, deployments.find(self.org, job_id), details=True)

    def deploy(self, files: Mapping[str, bytes] | bytes, **options: Any) -> dict[str, Any]:
        return self.result(self.submit(files, **options))

    def call(self, body: str, header: str = "", api: str = "64.0", session: str | None = None) -> Reply:
        """One SOAP call."""
        text = ENVELOPE.format(session=self.token if session is None else session, header=header, body=body)
        return handle(
            self.org,
            Request(
                method="POST",
                path=f"/services/Soap/m/{api}",
                headers=Headers({"content-type": "text/xml", "soapaction": '""', "host": "acme.example"}),
                body=text.encode(),
            ),
        )

    def answer(self, body: str, **more: str) -> ET.Element:
        """The response element of a call that succeeds."""
        reply = self.call(body, **more)
        assert reply.status == 200, reply.raw
        found = ET.fromstring(reply.raw or b"").find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
        assert found is not None
        return found[0]


def texts(element: ET.Element, path: str) -> list[str]:
    """Texts of the elements at a path of local names."""
    return [
        each.text or ""
        for each in element.findall("/".join(f"{{{METADATA}}}{name}" for name in path.split("/")))
    ]


def failures(result: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (each["componentType"], each["fullName"], each["problem"])
        for each in result["details"]["componentFailures"]
    ]


def successes(result: Mapping[str, Any]) -> dict[str, str]:
    """What became of each component, by `Type:name`."""
    told = {}
    for each in result["details"]["componentSuccesses"]:
        state = next((word for word in ("created", "deleted", "changed") if each[word]), "same")
        told[f"{each['componentType']}:{each['fullName']}"] = state
    return told


def fault_of(reply: Reply) -> tuple[str, str]:
    text = (reply.raw or b"").decode()
    code, told = (
        re.search("<faultcode>(.*?)</faultcode>", text),
        re.search("<faultstring>(.*?)</faultstring>", text),
    )
    assert reply.status == 500 and code and told, text
    return code[1], told[1]


def encoded(files: Mapping[str, bytes]) -> str:
    return base64.b64encode(write_zip(files)).decode()


@pytest.fixture(scope="package")
def ready() -> Desk:
    org = EmulatedOrg(clock=Clock.fixed())
    return Desk(org, sessions.open_session(org, org.admin_id))


@pytest.fixture
def desk(ready: Desk) -> Desk:
    return Desk(ready.org.fork(), ready.token)
