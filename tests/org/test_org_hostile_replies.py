"""An org behind something that answers in its place: whole runs over real HTTP.

The front passes every call on to an emulated org and gives its answers back, except to writes: those
are done and then answered with something that is not Salesforce's.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from reconciler.emulator.http import sessions
from reconciler.emulator.http.server import Server
from reconciler.engine.world import World
from reconciler.model.errors import AuthenticationFailed, OrgError
from reconciler.model.journal import PlanStatus
from reconciler.org import (
    AccessTokenSignIn,
    ClientCredentialsSignIn,
    PasswordSignIn,
    SalesforceOrg,
    SecretText,
    SignIn,
    Timeouts,
    connect,
)
from reconciler.resources.registry import make_kinds
from tests.conftest import Stage

from .scripted import Act, Call, Done, Fault, Raw, Reply, ScriptedServer, Waits

LOGIN_PAGE = "<!doctype html><html><title>Sign in to the network</title></html>"
HOSTILE: dict[str, Done] = {
    "a login page": Reply(200, LOGIN_PAGE, {"Content-Type": "text/html"}),
    "a proxy's page": Reply(502, LOGIN_PAGE, {"Content-Type": "text/html"}),
    "an empty 200": Reply(200, None),
    "another program's JSON": Reply(200, {"status": "ok"}),
    "no gzip": Reply(200, "plain", {"Content-Encoding": "gzip"}),
    "a cut body": Fault.CUT,
    "a reset": Fault.RESET,
    "a redirect to a page": Reply(302, None, {"Location": "https://portal.example/login"}),
    "a redirect to nowhere": Reply(303, None, {"Location": "http://"}),
    "a redirect in no encoding": Raw(b"HTTP/1.1 302 Found\r\nLocation: \xff\r\nContent-Length: 0\r\n\r\n"),
    "chunks that are none": Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "another protocol": Raw(b"220 smtp.example ESMTP\r\n"),
}
BEFORE = """
records:
  Account:
    $key: Account_Code__c
    rows:
      ACME: {Name: Acme Corporation, Tier__c: Silver}
      BOLT: {Name: Bolt}
"""
AFTER = BEFORE.replace("Silver", "Gold").replace("{Name: Bolt}", "{$absent: true}")


SIGN_INS: list[SignIn] = [
    ClientCredentialsSignIn(client_id="3MVG9", client_secret=SecretText("canary")),
    PasswordSignIn(username="ada@example.com", password=SecretText("canary")),
]


class Front:
    """A server before an emulated org. ``instead`` answers the writes, ``always`` everything."""

    def __init__(self, behind: str, server: ScriptedServer) -> None:
        self.instead: Done | None = None
        self.always: Act | None = None
        self.writes = 0
        self._behind = behind
        self._server = server
        self._session = requests.Session()
        self._session.trust_env = False
        server.otherwise = self._act

    def _act(self, call: Call) -> Done:
        if self.always is not None:
            return self.always if isinstance(self.always, Done) else self.always(call)
        answer = self._session.request(
            call.method,
            self._behind + call.path,
            data=call.body,
            headers={
                name: call.headers[name] for name in ("Authorization", "Content-Type") if name in call.headers
            },
            timeout=30,
        )
        writes = call.method in ("PATCH", "DELETE") or call.path.endswith("/composite/sobjects")
        self.writes += writes
        if writes and self.instead is not None:
            return self.instead
        return Reply(answer.status_code, answer.text or None)


@pytest.fixture
def front(demo: Stage, server: ScriptedServer) -> Iterator[Front]:
    with Server(demo.org) as behind:
        yield Front(behind.url, server)


@pytest.fixture
def world(demo: Stage, server: ScriptedServer, front: Front, waits: Waits) -> Callable[[], World]:
    def make() -> World:
        how = AccessTokenSignIn(SecretText(sessions.open_session(demo.org, demo.org.admin_id)))
        timeouts = Timeouts(connect=5, read=5, write=5)
        client = connect("stage", server.url, how, patience=waits.patience(), timeouts=timeouts)
        kinds, lookups = make_kinds(client, {})
        return World(client, kinds, lookups)

    return make


def accounts(stage: Stage) -> list[tuple[Any, Any]]:
    return sorted((row["Account_Code__c"], row["Tier__c"]) for row in stage.org.rows("Account"))


IN_A_RUN = ("a login page", "an empty 200", "no gzip", "a reset", "a redirect to nowhere")
"""The others differ in how they are read, which `test_org_lost_answers` holds for each kind of write."""


@pytest.mark.parametrize("reply", [HOSTILE[each] for each in IN_A_RUN], ids=IN_A_RUN)
def test_a_run_whose_writes_are_answered_by_something_else_is_settled_by_looking(
    demo: Stage, front: Front, world: Callable[[], World], reply: Done
) -> None:
    front.instead = reply
    created = demo.plan(BEFORE, world=world())
    assert demo.apply(created, world=world()).status is PlanStatus.APPLIED
    assert accounts(demo) == [("ACME", "Silver"), ("BOLT", None)]
    changed = demo.plan(AFTER, world=world())
    assert demo.apply(changed, world=world()).status is PlanStatus.APPLIED
    assert accounts(demo) == [("ACME", "Gold")]
    assert front.writes == 3  # one create, one update, one delete: nothing was sent twice
    back = demo.plan_revert(changed, world=world())
    assert demo.apply(back, verb="revert", world=world()).status is PlanStatus.APPLIED
    assert accounts(demo) == [("ACME", "Silver"), ("BOLT", None)]


@pytest.mark.parametrize("reply", HOSTILE.values(), ids=list(HOSTILE))
def test_a_plan_whose_reads_are_answered_by_something_else_ends_with_what_to_check(
    demo: Stage, front: Front, world: Callable[[], World], reply: Done
) -> None:
    front.always = reply
    with pytest.raises(OrgError, match="org stage") as refused:
        demo.plan(BEFORE, world=world())
    assert refused.value.exit_code == 1
    assert front.writes == 0
    assert accounts(demo) == []


@pytest.mark.parametrize("reply", HOSTILE.values(), ids=list(HOSTILE))
@pytest.mark.parametrize("how", SIGN_INS, ids=["OAuth", "SOAP"])
def test_a_sign_in_that_is_answered_by_something_else_ends_with_what_to_check(
    server: ScriptedServer, waits: Waits, reply: Done, how: SignIn
) -> None:
    server.otherwise = reply
    with pytest.raises(OrgError) as refused:
        _ = connect("uat", server.url, how, patience=waits.patience()).org_id
    assert refused.value.problems[0].mend
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("token", ["a\nX-Other: b", "tökén", "\u2192", "two words", "", 7, None])
def test_a_token_that_cannot_stand_in_a_header_is_no_token(
    server: ScriptedServer, waits: Waits, token: Any
) -> None:
    server.otherwise = Reply(200, {"access_token": token, "instance_url": server.url})
    with pytest.raises(AuthenticationFailed, match="no token"):
        _ = connect("uat", server.url, SIGN_INS[0], patience=waits.patience()).org_id
    assert len(server.calls) == 1


@pytest.mark.parametrize("usage", ["9" * 5000 + "/1", "-1/x", "/", "api-usage=", "1/" + "9" * 5000])
def test_a_strange_header_of_limits_is_passed_over(
    org: SalesforceOrg, server: ScriptedServer, usage: str
) -> None:
    headers = {"Sforce-Limit-Info": f"api-usage={usage}", "Retry-After": "9" * 5000}
    server.otherwise = Reply(200, {"totalSize": 0, "done": True, "records": []}, headers)
    assert org.query(["SELECT Id FROM Account"]) == [[]]
    assert org.calls_left is None
