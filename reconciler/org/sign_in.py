"""Signing in: from what orgs.yaml names to a token and the org's address.

Five ways. A JWT signed with a key (servers, CI), client credentials (servers; only at the org's own
host), user name and password (over OAuth with a client id, else the SOAP login that Salesforce is
retiring), a ready access token, and whatever the `sf` command is signed in to. Tokens stay in memory.

Every refusal is an `AuthenticationFailed` with Salesforce's error and what to check, from `MENDS`. An
answer that did not come, or that Salesforce did not write, is `NoReply`: the caller may try again,
since a sign-in has no effect. Where no connection came about, `NotSent` says why.

Sources: Salesforce Help, "OAuth Authorization Flows"; SOAP API Developer Guide, "login()".
"""

import base64
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape, unescape
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from reconciler.model.errors import AuthenticationFailed, NoReply, Problem

from .addresses import PRODUCTION_LOGIN, SANDBOX_LOGIN, login_audience, org_address, org_address_from_sign_in
from .ids import is_record_id, long_id
from .redaction import excerpt
from .secrets import SecretText
from .sf_cli import read_sf_cli
from .transport import Lost, Transport

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_SECONDS = 180
LAST_SOAP_LOGIN_VERSION = 64.0
ANSWER_SECONDS = 60.0
FORM = "application/x-www-form-urlencoded"

MENDS: Mapping[str, str] = {
    "invalid_client_id": "check client_id: the consumer key of the connected app, in this org",
    "invalid_client": "check client_secret and that the app's flow is enabled",
    "invalid_grant": "check user name, password or key; for jwt that the user is pre-authorized for the app,"
    " that the certificate belongs to the key, and the audience (login or test)",
    "invalid_app_access": "let the user's profile or a permission set use the connected app",
    "unsupported_grant_type": "enable this flow on the connected app",
    "inactive_user": "activate the user",
    "inactive_org": "the org is locked or deleted",
    "INVALID_LOGIN": "check user name, password and security token, and that the org allows SOAP login",
    "LOGIN_MUST_USE_SECURITY_TOKEN": "add security_token, or sign in from a trusted address",
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": "set a new password",
    "PASSWORD_LOCKOUT": "wait, or let an administrator unlock the user",
    "API_DISABLED_FOR_ORG": "this edition has no API access",
    "API_CURRENTLY_DISABLED": "give the user the permission API Enabled",
    "UNSUPPORTED_API_VERSION": "set api_version to one the org offers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtSignIn:
    """``audience``: who the JWT is for; by default the login host that goes with the org's address."""

    client_id: str
    username: str
    key_pem: SecretText
    audience: str | None = None
    renewable: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentialsSignIn:
    client_id: str
    client_secret: SecretText
    renewable: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSignIn:
    username: str
    password: SecretText
    security_token: SecretText | None = None
    client_id: str | None = None
    client_secret: SecretText | None = None
    renewable: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class AccessTokenSignIn:
    token: SecretText
    renewable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class SfCliSignIn:
    """``alias``: an alias or user name that `sf` knows."""

    alias: str
    renewable: ClassVar[bool] = True


SignIn = JwtSignIn | ClientCredentialsSignIn | PasswordSignIn | AccessTokenSignIn | SfCliSignIn


@dataclass(frozen=True, slots=True)
class Access:
    """A session: where, with what, and as whom as far as the sign-in said."""

    url: str
    token: SecretText
    org_id: str | None = None
    user_id: str | None = None
    username: str | None = None

    def same_org(self, other: "Access") -> bool:
        if self.org_id and other.org_id:
            return self.org_id == other.org_id
        return self.url == other.url


def sign_in(
    how: SignIn, url: str | None, transport: Transport, version: str, connect_seconds: float = 10.0
) -> Access:
    """Sign in to the org at ``url``; without one, at production's login host.

    Raises `AuthenticationFailed`, or `NoReply` when trying again may help, or `NotSent`.
    """
    at = org_address(url) if url else PRODUCTION_LOGIN
    desk = _Desk(transport, at, connect_seconds)
    match how:
        case AccessTokenSignIn(token):
            return _with_token(token, url)
        case SfCliSignIn(alias):
            return _from_sf_cli(alias, url, transport.ca_file)
        case JwtSignIn():
            fields = {"grant_type": JWT_GRANT, "assertion": _assertion(how, at)}
            return desk.token(
                fields, as_whom=how.username, username=how.username, known=[fields["assertion"]]
            )
        case ClientCredentialsSignIn():
            return _by_client_credentials(how, desk)
        case PasswordSignIn(client_id=None):
            return desk.soap_login(how, version)
        case PasswordSignIn():
            return _by_password(how, desk)


def org_id_of_token(token: str) -> str | None:
    """The org a session id belongs to; None for tokens that do not say."""
    org_id, mark, _ = token.partition("!")
    return long_id(org_id) if mark and org_id.startswith("00D") and is_record_id(org_id) else None


def _with_token(token: SecretText, url: str | None) -> Access:
    clear = token.reveal()
    if not url:
        raise _failed("an access token needs the org's url", "add url: to the org in orgs.yaml")
    if not _is_token(clear) or clear.startswith("[REDACTED]"):
        raise _failed(
            "the access token is not a token", "store the bare token; 'sf org display' no longer shows it"
        )
    return Access(org_address(url), token, org_id=org_id_of_token(clear))


def _from_sf_cli(alias: str, url: str | None, ca_file: str | None) -> Access:
    found = read_sf_cli(alias, ca_file=ca_file)
    address = org_address(found.instance_url)
    if url and urlsplit(org_address(url)).hostname != urlsplit(address).hostname:
        raise _failed(
            f"sf's org {alias!r} is at {address}, not at {url}", "correct the alias or the url in orgs.yaml"
        )
    token = SecretText(found.access_token)
    return Access(address, token, org_id_of_token(found.access_token), username=found.username)


def _by_client_credentials(how: ClientCredentialsSignIn, desk: "_Desk") -> Access:
    if desk.at in (PRODUCTION_LOGIN, SANDBOX_LOGIN):
        raise _failed(
            "client credentials are taken by the org's own host only",
            "add url: with the My Domain address to the org in orgs.yaml",
        )
    secret = how.client_secret.reveal()
    pair = base64.b64encode(f"{how.client_id}:{secret}".encode()).decode()
    return desk.token(
        {"grant_type": "client_credentials"},
        as_whom=f"app {excerpt(how.client_id, limit=12)}",
        headers={"Authorization": f"Basic {pair}"},
        known=[secret, pair],
    )


def _by_password(how: PasswordSignIn, desk: "_Desk") -> Access:
    password = how.password.reveal() + (how.security_token.reveal() if how.security_token else "")
    fields = {
        "grant_type": "password",
        "client_id": how.client_id or "",
        "username": how.username,
        "password": password,
    }
    if how.client_secret:
        fields["client_secret"] = how.client_secret.reveal()
    known = [password, *_clear_values(how)]
    return desk.token(fields, as_whom=how.username, username=how.username, known=known)


def _clear_values(how: PasswordSignIn) -> list[str]:
    return [each.reveal() for each in (how.password, how.security_token, how.client_secret) if each]


def _assertion(how: JwtSignIn, at: str) -> str:
    import jwt

    claims = {
        "iss": how.client_id,
        "sub": how.username,
        "aud": how.audience or login_audience(at),
        "exp": int(time.time()) + JWT_SECONDS,
    }
    try:
        return jwt.encode(claims, how.key_pem.reveal(), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        # The library's text may quote the key.
        raise _failed(
            f"the key of {how.username} cannot sign ({type(error).__name__})",
            "the key must be an RSA private key in PEM without a passphrase",
        ) from None


@dataclass(frozen=True, slots=True)
class _Desk:
    """The sign-in endpoints at one address."""

    transport: Transport
    at: str
    connect_seconds: float

    def token(
        self,
        fields: Mapping[str, str],
        *,
        as_whom: str,
        username: str | None = None,
        headers: Mapping[str, str] | None = None,
        known: list[str],
    ) -> Access:
        status, content = self._post(
            "/services/oauth2/token",
            urlencode(fields).encode(),
            {
                "Content-Type": "application/x-www-form-urlencoded",
                "Accept": "application/json",
                **(headers or {}),
            },
        )
        reply = _object(content)
        token, instance = reply.get("access_token"), reply.get("instance_url")
        if status == 200 and isinstance(token, str) and _is_token(token) and isinstance(instance, str):
            org_id, user_id = _ids_of_identity(reply.get("id"))
            address = org_address_from_sign_in(instance, self.at)
            return Access(
                address, SecretText(token), org_id or org_id_of_token(token), user_id, username=username
            )
        code = reply.get("error")
        if isinstance(code, str):
            raise self._refused(as_whom, code, str(reply.get("error_description") or ""), status, known)
        raise self._no_answer(status, content, known)

    def soap_login(self, how: PasswordSignIn, version: str) -> Access:
        known = _clear_values(how)
        password = "".join(each.reveal() for each in (how.password, how.security_token) if each)
        status, content = self._post(
            f"/services/Soap/u/{min(float(version), LAST_SOAP_LOGIN_VERSION):.1f}",
            _LOGIN.format(username=escape(how.username), password=escape(password)).encode(),
            {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": "login"},
        )
        text = content.decode("utf-8", "replace")
        token, server = _element(text, "sessionId"), _element(text, "serverUrl")
        if status == 200 and _is_token(token) and server:
            return Access(
                org_address_from_sign_in(server, self.at),
                SecretText(token),
                long_id(_element(text, "organizationId")) or org_id_of_token(token),
                _element(text, "userId") or None,
                how.username,
            )
        code = _element(text, "exceptionCode") or _element(text, "faultcode").rpartition(":")[2]
        if not code:
            raise self._no_answer(status, content, [*known, password])
        message = _element(text, "exceptionMessage") or _element(text, "faultstring")
        raise self._refused(how.username, code, message, status, [*known, password])

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            answer = self.transport.send(
                "POST",
                self.at + path,
                body=body,
                headers=headers,
                timeout=(self.connect_seconds, ANSWER_SECONDS),
            )
        except Lost as error:
            raise NoReply(
                Problem(
                    f"no answer from {self.at} to the sign-in ({error})", mend="check url, network and proxy"
                ),
                code="NO_REPLY",
            ) from None
        if 300 <= answer.status < 400:
            elsewhere = excerpt(answer.headers.get("Location", "elsewhere"), limit=100)
            raise _failed(
                f"the sign-in at {self.at} was redirected to {elsewhere}; not followed",
                "give the org's own address as url",
                answer.status,
            )
        return answer.status, answer.content

    def _refused(
        self, as_whom: str, code: str, message: str, status: int, known: list[str]
    ) -> AuthenticationFailed:
        code = excerpt(code, known, limit=80)
        said = f"{code}: {excerpt(message, known, limit=300)}" if message else code
        return AuthenticationFailed(
            Problem(
                f"sign-in to {self.at} as {as_whom} was refused ({said})",
                mend=MENDS.get(code, "check the sign_in of this org in orgs.yaml"),
            ),
            code=code,
            status=status,
        )

    def _no_answer(self, status: int, content: bytes, known: list[str]) -> NoReply | AuthenticationFailed:
        said = excerpt(content[:2000].decode("utf-8", "replace"), known, limit=160)
        problem = Problem(
            f"{self.at} answered the sign-in with HTTP {status} and no token ({said})",
            mend="check that the url is an org's or a login host's",
        )
        if status == 429 or status >= 500:
            return NoReply(problem, code="NO_REPLY", status=status)
        return AuthenticationFailed(problem, code="NO_TOKEN", status=status)


_LOGIN = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:p="urn:partner.soap.sforce.com">'
    "<e:Body><p:login><p:username>{username}</p:username><p:password>{password}</p:password></p:login></e:Body>"
    "</e:Envelope>"
)


def _element(text: str, name: str) -> str:
    """The text of the first element ``name``, whatever its prefix; empty when there is none."""
    found = re.search(rf"<(?:\w+:)?{name}(?:\s[^>]*)?>([^<]*)<", text)
    return unescape(found.group(1)).strip() if found else ""


def _is_token(text: str) -> bool:
    """Whether ``text`` can stand in a header."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _ids_of_identity(identity: object) -> tuple[str | None, str | None]:
    """Org id and user id out of an identity address: ``https://…/id/00D…/005…``."""
    parts = identity.rstrip("/").split("/")[-2:] if isinstance(identity, str) else []
    if len(parts) == 2 and all(map(is_record_id, parts)) and parts[0].startswith("00D"):
        return long_id(parts[0]), long_id(parts[1])
    return None, None


def _failed(what: str, mend: str, status: int = 0) -> AuthenticationFailed:
    return AuthenticationFailed(Problem(what, mend=mend), code="SIGN_IN", status=status)
