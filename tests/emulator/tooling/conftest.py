"""An org with a few components behind the in-process transport, furnished once and forked a test."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from reconciler.emulator.clock import Clock
from reconciler.emulator.http import sessions
from reconciler.emulator.http.adapter import EmulatorAdapter
from reconciler.emulator.http.faults import Faults
from reconciler.emulator.metadata.component_types import component_type
from reconciler.emulator.metadata_xml import Tree
from reconciler.emulator.org import EmulatedOrg

HOST = "https://acme.my.salesforce.com"
DATA = "/services/data/v60.0"
RULE: Tree = {
    "active": ["true"],
    "errorConditionFormula": ["ISBLANK(Phone)"],
    "errorMessage": ["A phone is needed"],
}
TEST_SOURCE = """@IsTest
private class OrderTest {
    @IsTest static void ships() { System.assert(true); }
    @IsTest static void fails() { System.assert(false); }
}"""


def write(org: EmulatedOrg, kind: str, full_name: str, tree: Tree) -> str:
    """Deploy one component; its id."""
    with org.transaction() as tx:
        return component_type(kind).write(tx, full_name, tree).id


def encoded(source: str) -> list[Any]:
    return [base64.b64encode(source.encode()).decode()]


def code(source: str) -> Tree:
    return {"apiVersion": ["60.0"], "status": ["Active"], "content": encoded(source)}


@pytest.fixture(scope="session")
def furnished() -> EmulatedOrg:
    org = EmulatedOrg(clock=Clock.fixed(tick_ms=1000))
    write(org, "ValidationRule", "Account.Needs_phone", RULE)
    for label in ("First", "Second"):
        write(org, "Flow", "Order_Router", {"label": [label], "status": ["Active"], "processType": ["Flow"]})
    write(org, "ApexClass", "Order", code("public class Order { }"))
    write(org, "ApexClass", "Nightly", code("global class Nightly implements Schedulable { }"))
    write(org, "ApexClass", "OrderTest", code(TEST_SOURCE))
    return org


@pytest.fixture
def org(furnished: EmulatedOrg) -> EmulatedOrg:
    return furnished.fork()


@dataclass
class Tooling:
    """A signed-in client of the Tooling API."""

    org: EmulatedOrg
    session: requests.Session

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        whole = path if path.startswith("/services/") else f"{DATA}/tooling{path}"
        return self.session.request(method, HOST + whole, **more)

    def query(self, soql: str) -> dict[str, Any]:
        reply = self.call("GET", "/query", params={"q": soql})
        assert reply.status_code == 200, reply.text
        told: dict[str, Any] = reply.json()
        return told

    def rows(self, soql: str) -> list[dict[str, Any]]:
        return [
            {name: value for name, value in row.items() if name != "attributes"}
            for row in self.query(soql)["records"]
        ]

    def execute(self, script: str) -> dict[str, Any]:
        told: dict[str, Any] = self.call("GET", "/executeAnonymous", params={"anonymousBody": script}).json()
        return told

    def refusal(self, reply: requests.Response) -> tuple[int, str]:
        (error,) = reply.json()
        return reply.status_code, error["errorCode"]


@pytest.fixture
def sign_in(org: EmulatedOrg) -> Iterator[Callable[[str], Tooling]]:
    """Makes a client of the user with an id."""
    made: list[requests.Session] = []

    def open_one(user_id: str) -> Tooling:
        session = requests.Session()
        made.append(session)
        session.mount("https://", EmulatorAdapter(org, Faults()))
        session.headers["Authorization"] = f"Bearer {sessions.open_session(org, user_id)}"
        return Tooling(org, session)

    yield open_one
    for each in made:
        each.close()


@pytest.fixture
def tooling(org: EmulatedOrg, sign_in: Callable[[str], Tooling]) -> Tooling:
    return sign_in(org.admin_id)
