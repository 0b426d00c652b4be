"""A client of both bulk APIs that calls an org in this process."""

import csv
import io
import json
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.http import sessions
from reconciler.emulator.http.faults import Delivery, Faults, deliver
from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field

DATA, ASYNC = "/services/data/v60.0", "/services/async/60.0/job"
NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
XML, CSV, JSON = "application/xml", "text/csv", "application/json"


@dataclass
class Answer:
    """What came back; ``json`` and ``rows`` read it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def rows(self) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.text)))

    def tag(self, name: str) -> str:
        """The text of the first element of this name."""
        found = re.search(rf"<{name}>(.*?)</{name}>", self.text)
        assert found, self.text
        return found[1]


@dataclass
class Bulk:
    """Calls as the administrator, or as another user by his token."""

    org: EmulatedOrg
    faults: Faults = field(default_factory=Faults)
    token: str = ""
    classic_jobs: ClassVar[str] = ASYNC

    def __post_init__(self) -> None:
        self.token = self.token or sessions.open_session(self.org, self.org.admin_id)

    def call(self, method: str, address: str, body: Any = b"", kind: str = JSON, **headers: str) -> Answer:
        """Send; a path without `/services` is below the jobs of 2.0."""
        whole = address if address.startswith("/services") else f"{DATA}/jobs{address}"
        path, _, query = whole.partition("?")
        if isinstance(body, dict | list):
            body = json.dumps(body)
        raw = body.encode() if isinstance(body, str) else body
        fields = {
            "authorization": f"Bearer {self.token}",
            "x-sfdc-session": self.token,
            "host": "acme.example",
        }
        if kind:
            fields["content-type"] = kind
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(method=method, path=path, query=query, headers=Headers(fields), body=raw)
        delivery: Delivery = deliver(self.org, request, self.faults)
        return Answer(delivery.status, delivery.headers, delivery.body)

    # -- 2.0

    def open(self, sobject: str = "Account", operation: str = "insert", **more: Any) -> str:
        """A new ingest job; its id."""
        answer = self.call("POST", "/ingest", {"object": sobject, "operation": operation, **more})
        assert answer.status == 200, answer.text
        return str(answer.json["id"])

    def upload(self, job: str, content: str | bytes) -> Answer:
        return self.call("PUT", f"/ingest/{job}/batches", content, CSV)

    def close(self, job: str) -> Answer:
        return self.call("PATCH", f"/ingest/{job}", {"state": "UploadComplete"})

    def ingest(
        self, content: str | bytes, sobject: str = "Account", operation: str = "insert", **more: Any
    ) -> str:
        """Open, upload and close; the job's id."""
        job = self.open(sobject, operation, **more)
        assert self.upload(job, content).status == 201
        assert self.close(job).status == 200
        return job

    def job(self, job: str, kind: str = "ingest") -> dict[str, Any]:
        answer = self.call("GET", f"/{kind}/{job}")
        assert answer.status == 200, answer.text
        return dict(answer.json)

    def result(self, job: str, kind: str) -> list[list[str]]:
        answer = self.call("GET", f"/ingest/{job}/{kind}")
        assert answer.status == 200, answer.text
        return answer.rows

    def errors(self, job: str) -> list[str]:
        """The errors of a job's refused rows, in order."""
        return [row[1] for row in self.result(job, "failedResults")[1:]]

    def query(self, soql: str, operation: str = "query", **more: Any) -> str:
        answer = self.call("POST", "/query", {"operation": operation, "query": soql, **more})
        assert answer.status == 200, answer.text
        return str(answer.json["id"])

    def page(self, job: str, **params: str) -> Answer:
        asked = "&".join(f"{name}={value}" for name, value in params.items())
        return self.call("GET", f"/query/{job}/results" + (f"?{asked}" if asked else ""))

    # -- 1.0

    def classic(self, sobject: str, operation: str, content_type: str = "CSV", **more: str) -> str:
        """A new job of 1.0, made in XML; its id."""
        members = {"operation": operation, "object": sobject, **more, "contentType": content_type}
        answer = self.call("POST", ASYNC, job_info(**members), XML)
        assert answer.status == 201, answer.text
        return answer.tag("id")

    def batch(self, job: str, content: str) -> str:
        answer = self.call("POST", f"{ASYNC}/{job}/batch", content, CSV)
        assert answer.status == 201, answer.text
        return answer.tag("id")

    def batch_result(self, job: str, batch: str) -> list[list[str]]:
        answer = self.call("GET", f"{ASYNC}/{job}/batch/{batch}/result", kind="")
        assert answer.status == 200, answer.text
        return answer.rows

    def told(self, **members: str) -> str:
        """A `jobInfo` in XML."""
        return job_info(**members)


def job_info(**members: str) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
    return f'<?xml version="1.0"?><jobInfo xmlns="{NAMESPACE}">{inner}</jobInfo>'


@pytest.fixture(scope="session")
def fresh_org() -> EmulatedOrg:
    """Tests fork it, which is quicker than making one each."""
    return EmulatedOrg(clock=Clock.fixed())


@pytest.fixture
def org(fresh_org: EmulatedOrg) -> EmulatedOrg:
    return fresh_org.fork()


@pytest.fixture
def keyed(org: EmulatedOrg) -> EmulatedOrg:
    """Account has a unique external id."""
    field = Field(
        name="Code__c",
        type="string",
        label="Code",
        length=40,
        external_id=True,
        id_lookup=True,
        unique=True,
        custom=True,
    )
    org.schema.add_field("Account", field)
    org.store.add_column(org.schema["Account"], field)
    return org


@pytest.fixture
def bulk(org: EmulatedOrg) -> Bulk:
    return Bulk(org)


@pytest.fixture(scope="session")
def bulk_type() -> type[Bulk]:
    """The client itself, for orgs that a test makes."""
    return Bulk
