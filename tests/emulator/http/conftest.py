"""A fresh org behind both transports, and a client that knows nothing of either."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from reconciler.emulator.clock import Clock
from reconciler.emulator.http import sessions
from reconciler.emulator.http.adapter import EmulatorAdapter
from reconciler.emulator.http.faults import Faults
from reconciler.emulator.http.server import Server
from reconciler.emulator.org import EmulatedOrg

DATA = "/services/data/v60.0"


@dataclass
class Client:
    """A requests session signed in to an org; paths below the data root may leave it out."""

    org: EmulatedOrg
    url: str
    session: requests.Session
    faults: Faults
    token: str = ""
    sent: list[requests.Response] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Send; ``body`` goes as JSON unless it is bytes. Header names have underscores for dashes."""
        whole = path if path.startswith(("/services/", "/id/", "/__", "/cometd/")) else DATA + path
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            fields.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields.setdefault("Content-Type", "application/json")
        reply = self.session.request(method, self.url + whole, data=body, headers=fields, timeout=20)
        self.sent.append(reply)
        return reply

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> requests.Response:
        return self.call("DELETE", path, **headers)

    def form(self, path: str, **fields: str) -> requests.Response:
        """Post a form without a session."""
        return self.session.post(self.url + path, data=fields, timeout=20)


@pytest.fixture
def org() -> EmulatedOrg:
    return EmulatedOrg(clock=Clock.fixed(tick_ms=1000))


@pytest.fixture(params=["in-process", "server"])
def client(request: pytest.FixtureRequest, org: EmulatedOrg) -> Iterator[Client]:
    """The administrator's client, once over each transport."""
    faults = Faults()
    token = sessions.open_session(org, org.admin_id)
    with requests.Session() as session:
        session.trust_env = False
        if request.param == "in-process":
            url = "https://acme.my.salesforce.com"
            session.mount("https://", EmulatorAdapter(org, faults))
            yield Client(org, url, session, faults, token)
        else:
            with Server(org, faults=faults) as server:
                yield Client(org, server.url, session, faults, token)
