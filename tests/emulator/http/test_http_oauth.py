"""Signing in: grants, refusals, the life of a session, identity."""

import hashlib
import hmac
import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from reconciler.emulator.http import sessions

if TYPE_CHECKING:
    from tests.emulator.http.conftest import Client

TOKEN = "/services/oauth2/token"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def refusal(reply: Any) -> tuple[int, str, str]:
    return reply.status_code, reply.json()["error"], reply.json()["error_description"]


def sign_in(client: "Client", **changes: str) -> Any:
    org = client.org
    form = {
        "grant_type": "password",
        "client_id": org.client_id,
        "client_secret": org.client_secret,
        "username": org.username,
        "password": org.password,
    }
    return client.form(TOKEN, **{**form, **changes})


def works(client: "Client", token: str) -> bool:
    return client.get("/limits", Authorization=f"Bearer {token}").status_code == 200


def test_a_password_gives_a_token_that_clients_recognise_and_a_signature_that_holds(client: "Client") -> None:
    org, value = client.org, sign_in(client).json()
    assert re.fullmatch(r"(00D\w{12,15})![.\w]*", value["access_token"])
    assert value["access_token"].startswith(org.org_id[:15] + "!")
    assert value["instance_url"] == client.url
    assert value["id"] == f"{client.url}/id/{org.org_id}/{org.admin_id}"
    assert all(isinstance(each, str) for each in value.values())
    signed = hmac.new(org.client_secret.encode(), (value["id"] + value["issued_at"]).encode(), hashlib.sha256)
    assert value["signature"] == b64encode(signed.digest()).decode()
    assert works(client, value["access_token"])


def test_the_security_token_may_follow_the_password(client: "Client") -> None:
    org = client.org
    with_token = org.password + sessions.security_token(org, org.admin_id)
    assert sign_in(client, password=with_token).status_code == 200


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"password": "wrong"}, (400, "invalid_grant", "authentication failure")),
        ({"username": "nobody@x.example"}, (400, "invalid_grant", "authentication failure")),
        ({"client_id": "x"}, (400, "invalid_client_id", "client identifier invalid")),
        ({"client_secret": "x"}, (400, "invalid_client", "invalid client credentials")),
        ({"client_secret": "ß"}, (400, "invalid_client", "invalid client credentials")),
        ({"grant_type": ""}, (400, "invalid_request", "missing required parameter: grant_type")),
        ({"grant_type": "magic"}, (400, "unsupported_grant_type", "grant type not supported")),
        (
            {"grant_type": "refresh_token", "refresh_token": "x"},
            (400, "invalid_grant", "expired access/refresh token"),
        ),
    ],
)
def test_a_grant_that_does_not_hold_is_refused(
    client: "Client", changes: dict[str, str], expected: tuple[int, str, str]
) -> None:
    assert refusal(sign_in(client, **changes)) == expected


def test_client_credentials_come_by_form_or_basic_and_are_the_administrators(client: "Client") -> None:
    org = client.org
    secret = {"client_id": org.client_id, "client_secret": org.client_secret}
    by_form = client.form(TOKEN, grant_type="client_credentials", **secret)
    by_basic = client.session.post(
        client.url + TOKEN,
        data={"grant_type": "client_credentials"},
        auth=(org.client_id, org.client_secret),
        timeout=20,
    )
    for reply in (by_form, by_basic):
        assert reply.json()["id"].endswith(org.admin_id)
        assert works(client, reply.json()["access_token"])


def test_client_credentials_are_refused_on_a_shared_host(client: "Client") -> None:
    reply = client.session.post(
        client.url + TOKEN,
        data={"grant_type": "client_credentials"},
        auth=(client.org.client_id, client.org.client_secret),
        headers={"Host": "login.salesforce.com"},
        timeout=20,
    )
    assert refusal(reply) == (400, "invalid_grant", "request not supported on this domain")


def test_a_refresh_token_gives_new_sessions_until_it_is_revoked(client: "Client") -> None:
    org = client.org
    refresh = sessions.open_session(
        org, org.admin_id, client_id=org.client_id, kind=sessions.TokenKind.REFRESH
    )
    form = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": org.client_id}
    token = client.form(TOKEN, **form).json()["access_token"]
    assert works(client, token)
    assert client.form("/services/oauth2/revoke", token=refresh).status_code == 200
    assert not works(client, token)
    assert refusal(client.form(TOKEN, **form))[1] == "invalid_grant"


def test_a_revoked_access_token_ends_alone(client: "Client") -> None:
    other = sign_in(client).json()["access_token"]
    assert client.form("/services/oauth2/revoke", token=other).status_code == 200
    assert not works(client, other)
    assert works(client, client.token)
    assert client.form("/services/oauth2/revoke", token=other).status_code == 400


def test_introspection_tells_whether_a_token_lives(client: "Client") -> None:
    secret = {"client_id": client.org.client_id, "client_secret": client.org.client_secret}
    found = client.form("/services/oauth2/introspect", token=client.token, **secret).json()
    assert (found["active"], found["username"]) == (True, client.org.username)
    assert client.form("/services/oauth2/introspect", token="x", **secret).json() == {"active": False}


# -- the life of a session


def test_a_session_ends_two_hours_after_its_last_call(client: "Client") -> None:
    for _ in range(3):
        client.org.clock.advance(90 * 60 * 1000)
        assert works(client, client.token)
    client.org.clock.advance(121 * 60 * 1000)
    assert not works(client, client.token)


@pytest.mark.parametrize("ending", ["deactivated", "frozen"])
def test_a_user_who_is_put_out_has_no_session(client: "Client", ending: str) -> None:
    org = client.org
    profile = org.rows("Profile", Name="Standard User")[0]["Id"]
    user = org.has(
        "User",
        Username="ada@x.example",
        LastName="Ada",
        Alias="ada",
        Email="ada@x.example",
        TimeZoneSidKey="GMT",
        LocaleSidKey="en_US",
        EmailEncodingKey="UTF-8",
        LanguageLocaleKey="en_US",
        ProfileId=profile,
    )
    token = sessions.open_session(org, user)
    assert works(client, token)
    with org.transaction() as transaction:
        if ending == "deactivated":
            transaction.update("User", user, {"IsActive": False})
        else:
            login = org.rows("UserLogin", UserId=user)[0]["Id"]
            transaction.update("UserLogin", login, {"IsFrozen": True})
    assert not works(client, token)


# -- assertions


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def claims(client: "Client", **changes: Any) -> dict[str, Any]:
    return {
        "iss": client.org.client_id,
        "sub": client.org.username,
        "aud": "https://login.salesforce.com",
        "exp": str(client.org.clock.now_ms() // 1000 + 180),
        **changes,
    }


def assert_jwt(client: "Client", key: rsa.RSAPrivateKey, **changes: Any) -> Any:
    signed = jwt.encode(claims(client, **changes), key, algorithm="RS256")
    return client.form(TOKEN, grant_type=BEARER, assertion=signed)


def test_a_signed_assertion_gives_a_session(client: "Client", key: rsa.RSAPrivateKey) -> None:
    sessions.register_certificate(client.org, certificate(key))
    for audience in ("https://login.salesforce.com", "https://test.salesforce.com", client.url, [client.url]):
        reply = assert_jwt(client, key, aud=audience)
        assert reply.status_code == 200, reply.text
        assert works(client, reply.json()["access_token"])
        assert "refresh_token" not in reply.json()


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"aud": "https://elsewhere.example"}, "invalid_grant", "audience is invalid"),
        ({"aud": None}, "invalid_grant", "audience is invalid"),
        ({"iss": "x"}, "invalid_client_id", "client identifier invalid"),
        ({"sub": "nobody@x.example"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"exp": "soon"}, "invalid_grant", "invalid assertion"),
        ({"exp": None}, "invalid_grant", "invalid assertion"),
        ({"exp": 1}, "invalid_grant", "assertion is expired"),
    ],
)
def test_an_assertion_that_claims_too_much_is_refused(
    client: "Client", key: rsa.RSAPrivateKey, changes: dict[str, Any], code: str, text: str
) -> None:
    sessions.register_certificate(client.org, certificate(key))
    assert refusal(assert_jwt(client, key, **changes)) == (400, code, text)


@pytest.mark.parametrize("forgery", ["other key", "no key", "not registered", "rubbish"])
def test_a_signature_that_is_not_the_keys_is_refused(
    client: "Client", key: rsa.RSAPrivateKey, forgery: str
) -> None:
    if forgery != "not registered":
        sessions.register_certificate(client.org, certificate(key))
    other = rsa.generate_private_key(65537, 2048) if forgery == "other key" else key
    signed = jwt.encode(claims(client), other, algorithm="RS256")
    if forgery == "no key":
        signed = jwt.encode(claims(client), "", algorithm="none")
    elif forgery == "rubbish":
        signed = "a.b.c"
    reply = client.form(TOKEN, grant_type=BEARER, assertion=signed)
    assert refusal(reply) == (400, "invalid_grant", "invalid assertion")


@pytest.mark.parametrize(
    "pem", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_not_registered(client: "Client", pem: bytes) -> None:
    with pytest.raises(ValueError):
        sessions.register_certificate(client.org, pem)
    assert sessions.certificates(client.org) == []


# -- who am I


def test_userinfo_and_identity_speak_of_the_caller(client: "Client") -> None:
    org = client.org
    info = client.get("/services/oauth2/userinfo").json()
    assert (info["user_id"], info["organization_id"]) == (org.admin_id, org.org_id)
    assert info["preferred_username"] == org.username
    assert info["urls"]["query"] == f"{client.url}/services/data/v{{version}}/query/"
    identity = client.get(f"/id/{org.org_id}/{org.admin_id}").json()
    assert (identity["username"], identity["urls"]) == (org.username, info["urls"])


@pytest.mark.parametrize(("header", "text"), [("Bearer x", "Bad_OAuth_Token"), ("", "Missing_OAuth_Token")])
def test_a_bad_token_has_no_identity(client: "Client", header: str, text: str) -> None:
    client.token = ""
    headers = {"Authorization": header} if header else {}
    for path in ("/services/oauth2/userinfo", f"/id/{client.org.org_id}/{client.org.admin_id}"):
        reply = client.get(path, **headers)
        assert (reply.status_code, reply.text) == (403, text)


def test_the_way_into_the_user_interface_is_given_to_the_signed_in(client: "Client") -> None:
    assert client.get("/services/oauth2/singleaccess").json()["frontdoor_uri"].startswith(client.url)
    assert client.get("/services/oauth2/singleaccess", Authorization="Bearer x").status_code == 401


# -- passwords


def test_a_password_can_be_set_and_reset(client: "Client") -> None:
    address = f"/sobjects/User/{client.org.admin_id}/password"
    assert client.get(address).json() == {"isExpired": False}
    assert client.get(address.replace("User", "user")).json() == {"isExpired": False}
    assert client.post(address, {"NewPassword": "correct-horse-7"}).status_code == 204
    assert sign_in(client, password="correct-horse-7").status_code == 200
    assert sign_in(client).status_code == 400
    generated = client.delete(address).json()["NewPassword"]
    assert sign_in(client, password=generated).status_code == 200


def test_a_weak_password_is_refused_and_the_old_one_stays(client: "Client") -> None:
    reply = client.post(f"/sobjects/User/{client.org.admin_id}/password", {"NewPassword": "weak"})
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, "INVALID_NEW_PASSWORD")
    assert sign_in(client).status_code == 200
