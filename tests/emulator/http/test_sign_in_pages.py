"""Signing in on a page: for an app that is sent a code or a token, and for a device that waits."""

import hashlib
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reconciler.emulator.http import sessions

if TYPE_CHECKING:
    from tests.emulator.http.conftest import Client

AUTHORIZE, TOKEN, CONNECT = "/services/oauth2/authorize", "/services/oauth2/token", "/setup/connect"
HOME = "http://localhost:1717/OauthRedirect"
VERIFIER = "v" * 64
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def page(client: "Client", **asked: str) -> Any:
    return client.session.get(client.url + AUTHORIZE, params=asked, timeout=20, allow_redirects=False)


def sign_in(client: "Client", **asked: str) -> Any:
    """Fill the page in as the administrator, unless ``asked`` says otherwise."""
    form = {"username": client.org.username, "pw": client.org.password, **asked}
    return client.session.post(client.url + AUTHORIZE, data=form, timeout=20, allow_redirects=False)


def asked_by(client: "Client", **more: str) -> dict[str, str]:
    usual = {"response_type": "code", "client_id": client.org.client_id, "redirect_uri": HOME}
    return {**usual, "state": "a b&c", **more}


def sent_back(reply: Any) -> dict[str, str]:
    """What the app is told at its address."""
    assert reply.status_code == 302
    target = urlsplit(reply.headers["Location"])
    assert target._replace(query="", fragment="").geturl() == HOME
    return {name: values[0] for name, values in parse_qs(target.query or target.fragment).items()}


def exchange(client: "Client", code: str, **changes: str) -> Any:
    org = client.org
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": org.client_id,
        "client_secret": org.client_secret,
        "redirect_uri": HOME,
        **changes,
    }
    return client.form(TOKEN, **form)


def works(client: "Client", token: str) -> bool:
    return client.get("/limits", Authorization=f"Bearer {token}").status_code == 200


def refusal(reply: Any) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]


def test_the_page_asks_for_name_and_password_and_keeps_what_the_app_asked(client: "Client") -> None:
    reply = page(client, **asked_by(client, state='"><script>alert(1)</script>', login_hint="x@y.example"))
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/html;charset=UTF-8"
    for part in ('id="username"', 'id="password"', 'id="Login"', 'value="x@y.example"', HOME):
        assert part in reply.text
    assert "<script>" not in reply.text


def test_a_code_is_worth_tokens_once(client: "Client") -> None:
    told = sent_back(sign_in(client, **asked_by(client)))
    assert told["state"] == "a b&c"
    value = exchange(client, told["code"]).json()
    assert works(client, value["access_token"])
    assert value["scope"] == "refresh_token api web"
    again = client.form(
        TOKEN,
        grant_type="refresh_token",
        refresh_token=value["refresh_token"],
        client_id=client.org.client_id,
    ).json()
    assert works(client, again["access_token"])
    assert refusal(exchange(client, told["code"])) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "aPrxnonsense=="}, "invalid_grant"),
        ({"redirect_uri": "http://localhost:9/"}, "redirect_uri_mismatch"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client_id"),
        ({"client_id": "PlatformCLI"}, "invalid_grant"),
    ],
)
def test_who_cannot_show_all_of_it_gets_no_tokens(
    client: "Client", changes: dict[str, str], error: str
) -> None:
    code = sent_back(sign_in(client, **asked_by(client)))["code"]
    assert refusal(exchange(client, **{"code": code, **changes})) == (400, error)
    assert exchange(client, code).status_code == 200, "the refusal used the code up"


def test_a_code_lasts_for_a_quarter_of_an_hour(client: "Client") -> None:
    code = sent_back(sign_in(client, **asked_by(client)))["code"]
    client.org.clock.advance(15 * 60 * 1000)
    assert refusal(exchange(client, code)) == (400, "invalid_grant")


def test_an_app_without_a_secret_proves_itself_by_its_challenge(client: "Client") -> None:
    asked = asked_by(client, client_id="PlatformCLI", code_challenge=CHALLENGE, scope="refresh_token api web")
    code = sent_back(sign_in(client, **asked))["code"]
    mine = {"client_id": "PlatformCLI", "client_secret": ""}
    assert refusal(exchange(client, code, **mine)) == (400, "invalid_grant")
    assert refusal(exchange(client, code, **mine, code_verifier="w" * 64)) == (400, "invalid_grant")
    value = exchange(client, code, **mine, code_verifier=VERIFIER).json()
    assert works(client, value["access_token"])


def test_a_token_can_be_sent_behind_the_address(client: "Client") -> None:
    told = sent_back(sign_in(client, **asked_by(client, response_type="token")))
    assert works(client, told["access_token"])
    assert (told["instance_url"], told["state"]) == (client.url, "a b&c")


@pytest.mark.parametrize("wrong", [{"pw": "wrong"}, {"username": "nobody@x.example"}, {"pw": ""}])
def test_who_types_a_wrong_password_may_try_again(client: "Client", wrong: dict[str, str]) -> None:
    reply = sign_in(client, **asked_by(client), **wrong)
    assert (reply.status_code, 'role="alert"' in reply.text) == (200, True)
    assert sent_back(sign_in(client, **asked_by(client)))["code"]


def test_a_user_who_may_not_sign_in_gets_no_further(client: "Client") -> None:
    org = client.org
    user = org.has(
        "User",
        Username="seller@acme.example",
        LastName="Seller",
        Alias="sell",
        Email="seller@acme.example",
        ProfileId=org.rows("Profile", Name="Standard User")[0]["Id"],
        TimeZoneSidKey="Europe/Paris",
        LocaleSidKey="en_US",
        EmailEncodingKey="UTF-8",
        LanguageLocaleKey="en_US",
    )
    sessions.set_password(org, user, "S3cret-enough")
    mine = asked_by(client, username="seller@acme.example", pw="S3cret-enough")
    code = sent_back(sign_in(client, **mine))["code"]
    with org.transaction() as tx:
        tx.update("UserLogin", org.rows("UserLogin", UserId=user)[0]["Id"], {"IsFrozen": True})
    assert sign_in(client, **mine).status_code == 200
    assert refusal(exchange(client, code)) == (400, "inactive_user")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"client_id": "nobody"}, "error=invalid_client_id&error_description=client%20identifier%20invalid"),
        ({"redirect_uri": ""}, "error=redirect_uri_mismatch"),
        ({"redirect_uri": "javascript:alert(1)"}, "error=redirect_uri_mismatch"),
    ],
)
def test_an_app_that_cannot_be_answered_is_told_of_in_the_browser(
    client: "Client", changes: dict[str, str], told: str
) -> None:
    for reply in (
        page(client, **asked_by(client, **changes)),
        sign_in(client, **asked_by(client, **changes)),
    ):
        assert (reply.status_code, told in reply.text) == (400, True)
        assert "Location" not in reply.headers


def test_an_app_that_asks_for_something_unknown_is_told_so(client: "Client") -> None:
    reply = page(client, **asked_by(client, response_type="everything"))
    assert sent_back(reply)["error"] == "unsupported_response_type"


def test_a_device_gets_its_tokens_when_its_user_has_typed_the_code(client: "Client") -> None:
    org = client.org
    waiting = client.form(
        TOKEN, response_type="device_code", client_id="PlatformCLI", scope="refresh_token api"
    ).json()
    poll = {"grant_type": "device", "client_id": "PlatformCLI", "code": waiting["device_code"]}
    assert refusal(client.form(TOKEN, **poll)) == (400, "authorization_pending")
    assert waiting["verification_uri"] == client.url + CONNECT
    assert 'id="user_code"' in client.session.get(client.url + CONNECT, timeout=20).text

    mine = {"username": org.username, "pw": org.password}
    for wrong in ({**mine, "user_code": "NOTTHIS1"}, {"user_code": waiting["user_code"], "pw": "wrong"}):
        assert 'role="alert"' in client.form(CONNECT, **wrong).text
        assert refusal(client.form(TOKEN, **poll)) == (400, "authorization_pending")
    assert "Connected" in client.form(CONNECT, **mine, user_code=waiting["user_code"].lower()).text

    value = client.form(TOKEN, **poll).json()
    assert works(client, value["access_token"])
    assert value["refresh_token"]
    assert refusal(client.form(TOKEN, **poll)) == (400, "invalid_grant")
