"""No secret shows: every secret is a canary, every answer echoes what it was sent, all output is searched."""

import logging
import traceback
from collections.abc import Callable

import pytest

from reconciler.model.errors import ReconcileError
from reconciler.org import (
    AccessTokenSignIn,
    ClientCredentialsSignIn,
    JwtSignIn,
    PasswordSignIn,
    SalesforceOrg,
    SecretText,
    SignIn,
    connect,
)

from .scripted import Call, Reply, ScriptedServer, Waits, errors

CANARIES = {
    "token": "00D000000000001!AQ.canaryToken1f3a",
    "password": "canaryPassword-77",
    "security token": "canarySecurityToken88",
    "secret": "canaryClientSecret99",
    "key": "canaryPrivateKey55",
}
KEY = f"-----BEGIN PRIVATE KEY-----\n{CANARIES['key']}\n-----END PRIVATE KEY-----"

WAYS: dict[str, SignIn] = {
    "token": AccessTokenSignIn(SecretText(CANARIES["token"])),
    "jwt": JwtSignIn(client_id="c", username="u", key_pem=SecretText(KEY)),
    "client credentials": ClientCredentialsSignIn(
        client_id="c", client_secret=SecretText(CANARIES["secret"])
    ),
    "oauth password": PasswordSignIn(
        username="u",
        password=SecretText(CANARIES["password"]),
        security_token=SecretText(CANARIES["security token"]),
        client_id="c",
        client_secret=SecretText(CANARIES["secret"]),
    ),
    "soap": PasswordSignIn(
        username="u",
        password=SecretText(CANARIES["password"]),
        security_token=SecretText(CANARIES["security token"]),
    ),
}


def echo(call: Call) -> str:
    return f"{call.headers} {call.body.decode()}"


ANSWERS: dict[str, Callable[[Call], Reply]] = {
    "oauth error": lambda call: Reply(400, {"error": "invalid_grant", "error_description": echo(call)}),
    "errors": lambda call: Reply(400, errors("INVALID_FIELD", echo(call))),
    "server error": lambda call: Reply(500, errors("UNKNOWN_EXCEPTION", echo(call))),
    "html": lambda call: Reply(502, f"<html>{echo(call)}</html>"),
    "fault": lambda call: Reply(500, f"<faultcode>sf:X</faultcode><faultstring>{echo(call)}</faultstring>"),
    "redirect": lambda call: Reply(
        302, None, {"Location": "https://x.example/?" + call.body.decode()[:2000]}
    ),
    "session": lambda call: Reply(401, errors("INVALID_SESSION_ID", echo(call))),
    "cut json": lambda call: Reply(200, '{"access_token": "' + echo(call)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("answer", ANSWERS)
def test_no_secret_reaches_a_message_a_repr_or_a_log(
    server: ScriptedServer,
    waits: Waits,
    way: str,
    answer: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    server.otherwise = ANSWERS[answer]
    org = connect("uat", server.url, WAYS[way], patience=waits.patience(attempts=2))
    shown = [repr(org), repr(WAYS[way])]
    for act in (_query, _create, _describe):
        try:
            shown.append(repr(act(org)))
        except ReconcileError as error:
            shown.append("".join(traceback.format_exception(error)))
            shown.extend(map(repr, error.problems))
    shown.append(caplog.text)
    shown.extend(capfd.readouterr())
    leaked = [name for name, canary in CANARIES.items() if any(canary in text for text in shown)]
    assert leaked == []


def _query(org: SalesforceOrg) -> object:
    return org.query(["SELECT Id FROM Account"])


def _create(org: SalesforceOrg) -> object:
    return org.create("Account", [{"Name": "A"}])


def _describe(org: SalesforceOrg) -> object:
    return org.describe(["Account"])
