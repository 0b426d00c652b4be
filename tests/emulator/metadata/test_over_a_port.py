"""The Metadata API through a real port, as clients reach it."""

import requests

from reconciler.emulator.http.server import Server
from reconciler.emulator.metadata.archive import write_zip

from .conftest import ENVELOPE, Desk, encoded, package, site
from .test_rest import parts

SITES = {"package.xml": package({"CspTrustedSite": ["Maps"]}), "cspTrustedSites/Maps.cspTrustedSite": site()}


def test_both_ways_in_lead_to_the_same_deployment(desk: Desk) -> None:
    with Server(desk.org) as server, requests.Session() as session:
        session.trust_env = False
        options = "<singlePackage>true</singlePackage>"
        body = f"<deploy><ZipFile>{encoded(SITES)}</ZipFile><DeployOptions>{options}</DeployOptions></deploy>"
        text = ENVELOPE.format(session=desk.token, header="", body=body)
        address = f"{server.url}/services/Soap/m/64.0/{desk.org.org_id[:15]}"

        def chunks() -> list[bytes]:
            return [text.encode()[at : at + 100] for at in range(0, len(text.encode()), 100)]

        queued = session.post(address, data=iter(chunks()), headers={"SOAPAction": '""'}, timeout=20)
        assert (queued.status_code, queued.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
        job = queued.text.partition("<id>")[2].partition("</id>")[0]
        rest = f"{server.url}/services/data/v64.0/metadata/deployRequest"
        session.headers["Authorization"] = f"Bearer {desk.token}"
        told = session.get(f"{rest}/{job}?includeDetails=true", timeout=20).json()["deployResult"]
        assert (told["status"], told["numberComponentsDeployed"]) == ("Succeeded", 1)
        content, media = parts({"singlePackage": True}, write_zip(SITES))
        made = session.post(rest, data=content, headers={"Content-Type": media}, timeout=20)
        assert made.status_code == 201
        told = session.get(f"{rest}/{made.json()['id']}?includeDetails=true", timeout=20).json()[
            "deployResult"
        ]
        assert [each["created"] for each in told["details"]["componentSuccesses"]] == [False, False]
