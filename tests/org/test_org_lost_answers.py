"""The table of what HTTP clients re-send behind one's back, held as a regression test.

The server processes the call and then loses the answer, or refuses. What counts is how many writes
reached it.
"""

from collections.abc import Callable

import pytest
from urllib3.exceptions import NewConnectionError

from reconciler.model.errors import AuthenticationFailed, NoReply
from reconciler.model.outcome import Applied, Outcome, Refused, Unknown
from reconciler.model.promises import Update
from reconciler.org import SalesforceOrg

from .scripted import TOKEN, Act, Fault, Raw, Reply, ScriptedServer, Waits, created, errors, failed

HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
LOST: list[Act] = [
    Fault.RESET,
    Fault.CLOSE,
    Fault.CUT,
    Reply(502, HTML),
    Reply(503, HTML),
    Reply(504, HTML),
    Reply(500, errors("UNKNOWN_EXCEPTION")),
    Reply(200, '[{"id":"001000000000001AAA","succ'),
    Reply(200, "<html>a captive portal</html>"),
    Reply(200, None),
    Reply(200, "compressed", {"Content-Encoding": "gzip"}),
    Reply(200, {"loggedIn": False}),
    Reply(302, "", {"Location": "https://portal.example/login"}),
    Reply(303, "", {"Location": "http://"}),
    Raw(b"HTTP/1.1 302 Found\r\nLocation: http://\xff\xfe\r\nContent-Length: 0\r\n\r\n"),
    Raw(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n[{"id"'),
    Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]"),
    Raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n[]"),
    Raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
]
PASSING = [
    Reply(503, errors("SERVER_UNAVAILABLE")),
    Reply(429, errors("REQUEST_LIMIT_EXCEEDED")),
    Reply(403, errors("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded.")),
    Reply(400, errors("UNABLE_TO_LOCK_ROW")),
]


def send_create(org: SalesforceOrg) -> list[Outcome]:
    return org.create("Account", [{"Name": "A"}])


def send_update(org: SalesforceOrg) -> list[Outcome]:
    return org.update("Account", [Update("001000000000001AAA", {"Name": "A"})])


def send_conditional_update(org: SalesforceOrg) -> list[Outcome]:
    return org.update(
        "Account", [Update("001000000000001AAA", {"Name": "A"}, "2026-01-31T10:00:00.000+0000")]
    )


def send_delete(org: SalesforceOrg) -> list[Outcome]:
    return org.delete("Account", ["001000000000001AAA"])


Write = Callable[[SalesforceOrg], list[Outcome]]
WRITES: list[Write] = [send_create, send_update, send_conditional_update, send_delete]


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("lost", LOST, ids=str)
def test_a_write_whose_answer_is_lost_reaches_the_org_once(
    org: SalesforceOrg, server: ScriptedServer, lost: Act, write: Write
) -> None:
    server.script = [lost]
    (outcome,) = write(org)
    assert isinstance(outcome, Unknown)
    assert len(server.calls) == 1


@pytest.mark.parametrize("lost", LOST, ids=str)
def test_every_row_of_a_lost_call_is_unknown(org: SalesforceOrg, server: ScriptedServer, lost: Act) -> None:
    server.script = [lost]
    outcomes = org.create("Account", [{"Name": str(number)} for number in range(3)])
    assert [type(outcome) for outcome in outcomes] == [Unknown] * 3


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    "passing", PASSING, ids=lambda reply: f"{reply.status}-{reply.content[0]['errorCode']}"
)
def test_a_definite_refusal_that_passes_is_sent_again(
    org: SalesforceOrg, server: ScriptedServer, waits: Waits, passing: Reply, write: Write
) -> None:
    done = Reply(204) if write is send_conditional_update else Reply(200, created(1))
    server.script = [passing, passing, done]
    assert write(org) == [Applied("001000000000001AAA")]
    assert len(server.calls) == 3
    assert waits.seconds == [0.5, 1.0]


def test_a_refusal_that_does_not_pass_is_reported_after_the_last_attempt(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    server.otherwise = PASSING[0]
    assert send_create(org) == [Refused("SERVER_UNAVAILABLE", "so it is")]
    assert len(server.calls) == 4


def test_an_answer_lost_on_a_repetition_leaves_only_its_rows_in_doubt(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    server.script = [
        Reply(200, [*created(1), failed("UNABLE_TO_LOCK_ROW"), failed("INVALID_FIELD")]),
        Fault.RESET,
    ]
    first, second, third = org.create("Account", [{"Name": each} for each in "abc"])
    assert first == Applied("001000000000001AAA")
    assert isinstance(second, Unknown)
    assert isinstance(third, Refused)
    assert [row["Name"] for row in server.calls[1].json["records"]] == ["b"]


def test_only_locked_rows_are_sent_again(org: SalesforceOrg, server: ScriptedServer, waits: Waits) -> None:
    locked = failed("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
    server.script = [
        Reply(200, [locked, *created(2), locked]),
        Reply(200, [locked, *created(3)]),
        Reply(200, created(1)),
    ]
    outcomes = org.create("Account", [{"Name": each} for each in "abc"])
    assert outcomes == [Applied(f"00100000000000{number}AAA") for number in (1, 2, 3)]
    assert [[row["Name"] for row in call.json["records"]] for call in server.calls] == [
        ["a", "b", "c"],
        ["a", "c"],
        ["a"],
    ]
    assert len(waits.seconds) == 2


def test_a_row_that_stays_locked_is_refused_and_the_others_are_not_sent_again(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    server.otherwise = lambda call: Reply(
        200,
        [*created(1), failed("UNABLE_TO_LOCK_ROW")]
        if len(call.json["records"]) == 2
        else [failed("UNABLE_TO_LOCK_ROW")],
    )
    first, second = org.create("Account", [{"Name": "a"}, {"Name": "b"}])
    assert isinstance(first, Applied)
    assert second == Refused("UNABLE_TO_LOCK_ROW", "so it is")
    assert [len(call.json["records"]) for call in server.calls] == [2, 1, 1, 1]


@pytest.mark.parametrize("lost", [*LOST[:6], *LOST[9:11], *LOST[-4:]], ids=str)
def test_a_read_whose_answer_is_lost_is_asked_again(
    org: SalesforceOrg, server: ScriptedServer, lost: Act
) -> None:
    server.script = [lost, Reply(200, {"totalSize": 0, "done": True, "records": []})]
    assert org.query(["SELECT Id FROM Account"]) == [[]]
    assert len(server.calls) == 2


def test_a_read_that_is_never_answered_says_so(org: SalesforceOrg, server: ScriptedServer) -> None:
    server.otherwise = Fault.CLOSE
    with pytest.raises(NoReply, match="org uat: no usable answer to query"):
        org.query(["SELECT Id FROM Account"])
    assert len(server.calls) == 4


def test_a_call_that_never_left_is_refused_and_not_unknown(
    server: ScriptedServer, org: SalesforceOrg, waits: Waits
) -> None:
    server.stop()
    (outcome,) = send_create(org)
    assert isinstance(outcome, Refused)
    assert outcome.code == "NOT_TAKEN"
    assert "not sent" in outcome.message
    assert server.calls == []
    assert waits.seconds == [0.25, 0.5]


def test_an_org_that_has_answered_before_is_waited_for_longer(
    server: ScriptedServer, org: SalesforceOrg, waits: Waits
) -> None:
    server.script = [Reply(200, created(1), {"Connection": "close"})]
    send_create(org)
    server.stop()
    (outcome,) = send_create(org)
    assert isinstance(outcome, Refused)
    assert waits.seconds == [0.5, 1.0, 2.0]


def test_a_loss_is_no_refusal_because_a_refused_connection_is_being_handled(
    server: ScriptedServer, org: SalesforceOrg
) -> None:
    server.script = [Fault.CLOSE]
    try:
        raise NewConnectionError(None, "refused")  # type: ignore[arg-type]  # no connection here
    except NewConnectionError:
        (outcome,) = send_create(org)
    assert isinstance(outcome, Unknown)
    assert len(server.calls) == 1


def test_a_bodily_answer_to_a_conditional_update_counts_only_when_it_is_of_that_row(
    server: ScriptedServer, org: SalesforceOrg
) -> None:
    server.script = [Reply(200, created(1)[0]), Reply(200, created(2)[0])]
    assert send_conditional_update(org) == [Applied("001000000000001AAA")]
    assert isinstance(send_conditional_update(org)[0], Unknown)


def test_an_expired_access_token_ends_the_call_because_nobody_can_renew_it(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    server.otherwise = Reply(401, errors("INVALID_SESSION_ID", "Session expired or invalid"))
    with pytest.raises(AuthenticationFailed, match="expired or invalid") as refused:
        send_create(org)
    assert refused.value.exit_code == 10
    assert TOKEN not in str(refused.value)
    assert len(server.calls) == 1


def test_the_wait_is_drawn_between_nothing_and_a_bound_that_doubles(waits: Waits) -> None:
    patience = waits.patience()
    for attempt in range(8):
        patience.pause(attempt)
    assert waits.seconds == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_wait_the_server_asks_for_is_kept(org: SalesforceOrg, server: ScriptedServer, waits: Waits) -> None:
    server.script = [Reply(503, errors("SERVER_UNAVAILABLE"), {"Retry-After": "7"}), Reply(200, created(1))]
    send_create(org)
    assert waits.seconds == [7.0]
