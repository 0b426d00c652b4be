"""Signing in over a scripted login host: what is sent, what is believed, what a refusal says."""

import base64
import threading
from collections.abc import Iterator
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from reconciler.model.errors import AuthenticationFailed, NoReply
from reconciler.model.outcome import Applied, Unknown
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
from reconciler.org.adapter import certificates, tls_context
from reconciler.org.transport import Transport

from .scripted import TOKEN, Act, Call, Fault, Reply, ScriptedServer, Waits, created, errors

ID = "001000000000001AAA"


@pytest.fixture(scope="module")
def key() -> Iterator[rsa.RSAPrivateKey]:
    yield rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> SecretText:
    form = serialization.PrivateFormat.PKCS8
    raw = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return SecretText(raw.decode())


def opened(server: ScriptedServer, how: SignIn, waits: Waits | None = None) -> SalesforceOrg:
    return connect("uat", server.url, how, api_version="60.0", patience=(waits or Waits()).patience())


def token_reply(server: ScriptedServer, token: str = TOKEN) -> Reply:
    identity = "https://login.salesforce.com/id/00D000000000001/005000000000001"
    return Reply(
        200, {"access_token": token, "instance_url": server.url, "id": identity, "token_type": "Bearer"}
    )


def soap_reply(server: ScriptedServer) -> Reply:
    text = (
        "<e:Envelope><e:Body><loginResponse><result>"
        f"<serverUrl>{server.url}/services/Soap/u/60.0/00D000000000001</serverUrl><sessionId>{TOKEN}</sessionId>"
        "<userId>005000000000001AAA</userId><userInfo><organizationId>00D000000000001EAA</organizationId></userInfo>"
        "</result></loginResponse></e:Body></e:Envelope>"
    )
    return Reply(200, text, {"Content-Type": "text/xml"})


def form(call: Call) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(call.body.decode()).items()}


PASSWORD = PasswordSignIn(
    username="ada@example.com", password=SecretText("pa<ss&1"), security_token=SecretText("tok")
)
APP = ClientCredentialsSignIn(client_id="3MVG9", client_secret=SecretText("shh"))


def test_nothing_is_sent_before_the_first_question(server: ScriptedServer) -> None:
    opened(server, APP)
    assert server.calls == []


def test_a_jwt_is_signed_for_the_user_and_lives_three_minutes(
    server: ScriptedServer, key: rsa.RSAPrivateKey
) -> None:
    server.script = [token_reply(server)]
    org = opened(server, JwtSignIn(client_id="3MVG9", username="ada@example.com", key_pem=pem(key)))
    assert (org.org_id, org.username) == ("00D000000000001EAA", "ada@example.com")
    (call,) = server.calls
    assert call.path == "/services/oauth2/token"
    sent = form(call)
    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(sent["assertion"], key.public_key(), algorithms=["RS256"], audience=server.url)
    assert (claims["iss"], claims["sub"]) == ("3MVG9", "ada@example.com")


def test_the_audience_that_was_given_is_the_one_sent(server: ScriptedServer, key: rsa.RSAPrivateKey) -> None:
    server.script = [token_reply(server)]
    audience = "https://test.salesforce.com"
    _ = opened(server, JwtSignIn(client_id="c", username="u", key_pem=pem(key), audience=audience)).org_id
    assertion = form(server.calls[0])["assertion"]
    jwt.decode(assertion, key.public_key(), algorithms=["RS256"], audience=audience)


def test_a_key_that_cannot_sign_is_refused_unquoted_and_nothing_is_sent(server: ScriptedServer) -> None:
    broken = SecretText("-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----")
    with pytest.raises(AuthenticationFailed, match="cannot sign") as refused:
        _ = opened(server, JwtSignIn(client_id="c", username="u", key_pem=broken)).org_id
    assert "canary" not in str(refused.value)
    assert server.calls == []


def test_client_credentials_go_in_a_basic_header(server: ScriptedServer) -> None:
    server.script = [token_reply(server)]
    assert opened(server, APP).org_id == "00D000000000001EAA"
    (call,) = server.calls
    assert form(call) == {"grant_type": "client_credentials"}
    assert base64.b64decode(call.headers["Authorization"].split()[1]) == b"3MVG9:shh"


def test_a_password_with_a_client_id_goes_over_oauth(server: ScriptedServer) -> None:
    server.script = [token_reply(server)]
    how = PasswordSignIn(
        username="ada@example.com",
        password=SecretText("pa<ss&1"),
        security_token=SecretText("tok"),
        client_id="3MVG9",
        client_secret=SecretText("shh"),
    )
    assert opened(server, how).username == "ada@example.com"
    assert form(server.calls[0]) == {
        "grant_type": "password",
        "client_id": "3MVG9",
        "client_secret": "shh",
        "username": "ada@example.com",
        "password": "pa<ss&1tok",
    }


def test_a_password_without_a_client_id_goes_over_soap(server: ScriptedServer) -> None:
    server.script = [soap_reply(server)]
    org = opened(server, PASSWORD)
    assert (org.org_id, org.username, org.url) == ("00D000000000001EAA", "ada@example.com", server.url)
    (call,) = server.calls
    assert (call.path, call.headers["SOAPAction"]) == ("/services/Soap/u/60.0", "login")
    assert b"<p:password>pa&lt;ss&amp;1tok</p:password>" in call.body


def test_soap_login_asks_no_version_that_has_lost_it(server: ScriptedServer) -> None:
    server.script = [soap_reply(server)]
    _ = connect("uat", server.url, PASSWORD, api_version="67.0").org_id
    assert server.calls[0].path == "/services/Soap/u/64.0"


def test_an_access_token_tells_the_org_without_a_call(server: ScriptedServer, org: SalesforceOrg) -> None:
    assert org.org_id == "00D000000000001EAA"
    assert org.username is None
    assert server.calls == []


def test_a_token_that_does_not_tell_the_org_costs_one_query(server: ScriptedServer) -> None:
    row = {"attributes": {"type": "Organization"}, "Id": "00D000000000062EAA", "IsSandbox": True}
    server.script = [Reply(200, {"totalSize": 1, "done": True, "records": [row]})]
    org = opened(server, AccessTokenSignIn(SecretText("opaque")))
    assert (org.org_id, org.org_id, org.is_sandbox) == ("00D000000000062EAA", "00D000000000062EAA", True)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "token", ["[REDACTED] Use 'sf org auth show-access-token' to view", "two words", "ä", "a\nb"]
)
def test_what_is_no_token_is_refused_before_it_is_sent(server: ScriptedServer, token: str) -> None:
    with pytest.raises(AuthenticationFailed, match="not a token") as refused:
        _ = opened(server, AccessTokenSignIn(SecretText(token))).org_id
    assert token not in str(refused.value)
    assert server.calls == []


@pytest.mark.parametrize(
    ("reply", "says", "mend"),
    [
        (
            Reply(400, {"error": "invalid_grant", "error_description": "user hasn't approved this consumer"}),
            "(invalid_grant: user hasn't approved this consumer)",
            "pre-authorized",
        ),
        (Reply(400, {"error": "invalid_client_id"}), "(invalid_client_id)", "consumer key"),
        (Reply(400, {"error": "something_new", "error_description": "x"}), "(something_new: x)", "orgs.yaml"),
        (Reply(404, "<html>not here</html>"), "HTTP 404 and no token", "check that the url"),
        (Reply(200, {"access_token": TOKEN}), "HTTP 200 and no token", "check that the url"),
        (
            Reply(302, None, {"Location": "https://evil.example/"}),
            "redirected to https://evil.example/",
            "own address",
        ),
    ],
)
def test_a_refused_sign_in_says_what_salesforce_said_and_what_to_check(
    server: ScriptedServer, reply: Reply, says: str, mend: str
) -> None:
    server.otherwise = reply
    with pytest.raises(AuthenticationFailed) as refused:
        opened(server, APP).query(["SELECT Id FROM Account"])
    assert says in str(refused.value)
    assert mend in str(refused.value)
    assert refused.value.exit_code == 10
    assert TOKEN not in str(refused.value)
    assert len(server.calls) == 1


def test_a_soap_fault_says_its_code_and_message(server: ScriptedServer) -> None:
    fault = (
        "<soapenv:Fault><faultcode>INVALID_LOGIN</faultcode><faultstring>INVALID_LOGIN: no</faultstring>"
        "<detail><sf:LoginFault><sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode><sf:exceptionMessage>"
        "Invalid username, password, security token; or user locked out."
        "</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
    )
    server.otherwise = Reply(500, fault, {"Content-Type": "text/xml"})
    with pytest.raises(AuthenticationFailed, match=r"INVALID_LOGIN: Invalid username.*locked out") as refused:
        _ = opened(server, PASSWORD).org_id
    assert refused.value.code == "INVALID_LOGIN"
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "lost", [Fault.RESET, Fault.CLOSE, Reply(503, "<html>down</html>"), Reply(502, "")], ids=str
)
def test_a_sign_in_that_is_not_answered_is_tried_again(
    server: ScriptedServer, waits: Waits, lost: Act
) -> None:
    server.script = [lost, lost, token_reply(server)]
    assert opened(server, APP, waits).org_id == "00D000000000001EAA"
    assert len(waits.seconds) == 2


def test_a_sign_in_that_is_never_answered_ends(server: ScriptedServer, waits: Waits) -> None:
    server.otherwise = Fault.CLOSE
    with pytest.raises(NoReply, match="no answer from"):
        _ = opened(server, APP, waits).org_id
    assert len(server.calls) == 4


def test_a_token_for_a_foreign_host_is_not_used(server: ScriptedServer) -> None:
    server.otherwise = Reply(200, {"access_token": TOKEN, "instance_url": "https://evil.example"})
    with pytest.raises(AuthenticationFailed, match=r"evil\.example"):
        opened(server, APP).query(["SELECT Id FROM Account"])
    assert len(server.calls) == 1


OTHER_ORG = {"access_token": "00D000000000002!AQ.x"}
EXPIRED = Reply(401, errors("INVALID_SESSION_ID", "Session expired or invalid"))


def test_an_expired_session_is_renewed_once_and_the_same_call_sent_again(server: ScriptedServer) -> None:
    fresh = TOKEN + "2"
    server.script = [token_reply(server), EXPIRED, token_reply(server, fresh), Reply(200, created(1))]
    assert opened(server, APP).create("Account", [{"Name": "A"}]) == [Applied(ID)]
    _, first, _, second = server.calls
    assert first.body == second.body
    assert second.headers["Authorization"] == f"Bearer {fresh}"


def test_a_renewal_that_leads_to_another_org_is_refused_and_nothing_is_sent_there(
    server: ScriptedServer,
) -> None:
    server.script = [token_reply(server), EXPIRED, Reply(200, OTHER_ORG | {"instance_url": server.url})]
    with pytest.raises(AuthenticationFailed, match="another org"):
        opened(server, APP).create("Account", [{"Name": "A"}])
    assert len(server.calls) == 3


@pytest.mark.parametrize("url", [None, "https://login.salesforce.com", "https://test.salesforce.com"])
def test_client_credentials_want_the_orgs_own_host(url: str | None) -> None:
    with pytest.raises(AuthenticationFailed, match="own host"):
        _ = connect("uat", url, APP).org_id


def test_a_second_401_ends_the_call(server: ScriptedServer) -> None:
    server.script = [token_reply(server), EXPIRED, token_reply(server), EXPIRED]
    with pytest.raises(AuthenticationFailed, match="a new session was refused too"):
        opened(server, APP).create("Account", [{"Name": "A"}])
    assert len(server.calls) == 4


def test_a_write_lost_after_a_renewal_is_unknown(server: ScriptedServer) -> None:
    server.script = [token_reply(server), EXPIRED, token_reply(server), Fault.RESET]
    (outcome,) = opened(server, APP).create("Account", [{"Name": "A"}])
    assert isinstance(outcome, Unknown)
    assert len(server.calls) == 4


def test_threads_that_meet_one_expired_session_renew_it_once(server: ScriptedServer) -> None:
    lock, tokens = threading.Lock(), [TOKEN + "1", TOKEN + "2"]
    issued: list[str] = []

    def act(call: Call) -> Reply:
        if call.path.endswith("/token"):
            with lock:
                issued.append(tokens[len(issued)])
                return token_reply(server, issued[-1])
        if call.headers["Authorization"] != f"Bearer {tokens[1]}":
            return EXPIRED
        parts = [
            {"referenceId": each["referenceId"], "httpStatusCode": 200, "body": {"done": True, "records": []}}
            for each in call.json["compositeRequest"]
        ]
        return Reply(200, {"compositeResponse": parts})

    server.otherwise = act
    assert opened(server, APP).query(["SELECT Id FROM Account"] * 20) == [[]] * 20
    assert issued == tokens


def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    elsewhere = ScriptedServer()
    try:
        server.otherwise = Reply(302, None, {"Location": elsewhere.url + "/services/data"})
        with pytest.raises(Exception, match="not followed"):
            org.query(["SELECT Id FROM Account"])
        (outcome,) = org.create("Account", [{"Name": "A"}])
        assert "not followed" in str(outcome)
        assert elsewhere.calls == []
    finally:
        elsewhere.stop()


def test_a_netrc_password_does_not_replace_the_token(
    org: SalesforceOrg,
    server: ScriptedServer,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path_factory.mktemp("home") / ".netrc"
    netrc.write_text("default login ada password canary\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.script = [Reply(200, created(1), {"Set-Cookie": "sid=x; Path=/"}), Reply(200, created(1))]
    for _ in range(2):
        org.create("Account", [{}])
    assert {call.headers["Authorization"] for call in server.calls} == {f"Bearer {TOKEN}"}
    assert "Cookie" not in server.calls[1].headers


def test_proxies_of_the_environment_are_used_for_orgs_and_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "intern.my.salesforce.com")
    transport = Transport()
    assert transport._proxies_for("https://acme.my.salesforce.com/x")["https"] == "http://proxy.example:3128"
    assert transport._proxies_for("https://intern.my.salesforce.com/x") == {}
    assert transport._proxies_for("http://127.0.0.1:8080/x") == {}


def test_all_sessions_of_the_process_share_one_tls_context_that_verifies() -> None:
    import ssl

    one, other = Transport().session, Transport().session
    contexts = {
        id(session.get_adapter("https://x").poolmanager.connection_pool_kw["ssl_context"])  # type: ignore[attr-defined]  # ours is an HTTPAdapter
        for session in (one, other)
    }
    assert contexts == {id(tls_context(certificates(None)))}
    assert tls_context(certificates(None)).verify_mode is ssl.CERT_REQUIRED
