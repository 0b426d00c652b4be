"""The token endpoint and its neighbours.

Grants are a table. Every success has the same members; `signature` lets a client prove that the
answer is the org's. Client credentials are the administrator's, and are refused on the hosts that
belong to no org.

Source: Salesforce Help, "OAuth Authorization Flows"; RFC 7009 (revoke), RFC 7662 (introspect);
texts as recorded or as users report them.
"""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable
from urllib.parse import parse_qsl, quote, unquote

from reconciler.emulator.http import codes, sessions
from reconciler.emulator.http.message import Reply, Request, ok, text_reply
from reconciler.emulator.http.oauth_errors import OAuthRefusal
from reconciler.emulator.http.routing import Family, route
from reconciler.emulator.http.sessions import TokenKind
from reconciler.emulator.org import EmulatedOrg

SHARED_HOSTS = ("login.salesforce.com", "test.salesforce.com")
SCOPE = "api web"
WHOLE_SCOPE = "refresh_token api web"
"""All that an app may ask for, which it gets when it names nothing."""
PUBLIC_CLIENTS = frozenset(["PlatformCLI"])
"""Apps that every org knows, and that have no secret: the sf CLI's."""
CONNECT = "/setup/connect"
POLL_SECONDS = 5
LONG = frozenset(["refresh_token", "offline_access"])
"""Scopes that bring a refresh token."""
Form = dict[str, str]
Grant = Callable[[EmulatedOrg, Request, Form], Reply]


def form_of(request: Request) -> Form:
    """The fields of the body, over those of the address."""
    try:
        body = request.body.decode("ascii")
    except UnicodeDecodeError as error:
        raise OAuthRefusal("invalid_request", "malformed body") from error
    return {**request.params, **dict(parse_qsl(body, keep_blank_values=True))}


def _client(request: Request, form: Form) -> tuple[str, str | None]:
    """Client id and secret, from HTTP Basic or from the form."""
    kind, _, text = request.headers.find("authorization").partition(" ")
    if kind.lower() == "basic":
        try:
            name, _, secret = b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise OAuthRefusal("invalid_client", "invalid client credentials") from error
        return unquote(name), unquote(secret)
    return form.get("client_id", ""), form.get("client_secret")


def known_client(org: EmulatedOrg, client_id: str) -> bool:
    """Whether an app has this id: the org's own, or one that every org has."""
    return client_id == org.client_id or client_id in PUBLIC_CLIENTS


def _check_client(org: EmulatedOrg, request: Request, form: Form, *, secret_needed: bool) -> str:
    client_id, secret = _client(request, form)
    if not known_client(org, client_id):
        raise OAuthRefusal("invalid_client_id", "client identifier invalid")
    if client_id in PUBLIC_CLIENTS:
        return client_id
    if (secret is not None or secret_needed) and not hmac.compare_digest(
        (secret or "").encode(), org.client_secret.encode()
    ):
        raise OAuthRefusal("invalid_client", "invalid client credentials")
    return client_id


def granted(
    org: EmulatedOrg,
    request: Request,
    user_id: str,
    client_id: str,
    scope: str = SCOPE,
    refresh_token: str | None = None,
) -> Reply:
    token = sessions.open_session(org, user_id, client_id=client_id, scope=scope)
    identity = f"{request.base_url}/id/{org.org_id}/{user_id}"
    issued_at = str(org.clock.now_ms())
    signature = hmac.new(org.client_secret.encode(), (identity + issued_at).encode(), hashlib.sha256)
    value = {"access_token": token}
    if refresh_token is not None:
        value["refresh_token"] = refresh_token
    value |= {
        "signature": b64encode(signature.digest()).decode(),
        "scope": scope,
        "instance_url": request.base_url,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued_at,
    }
    return ok(value)


def _password(org: EmulatedOrg, request: Request, form: Form) -> Reply:
    if "username" not in form or not form.get("client_id"):
        raise OAuthRefusal("invalid_grant", "authentication failure")
    client_id = _check_client(org, request, form, secret_needed=True)
    user = sessions.find_user(org, form["username"])
    if user is None or not sessions.check_password(org, user.id, form.get("password", "")):
        raise OAuthRefusal("invalid_grant", "authentication failure")
    if not user.may_sign_in:
        raise OAuthRefusal("inactive_user", "user is inactive")
    return granted(org, request, user.id, client_id)


def _client_credentials(org: EmulatedOrg, request: Request, form: Form) -> Reply:
    if request.headers.find("host").partition(":")[0].lower() in SHARED_HOSTS:
        raise OAuthRefusal("invalid_grant", "request not supported on this domain")
    client_id = _check_client(org, request, form, secret_needed=True)
    user = sessions.user_by_id(org, org.admin_id)
    if user is None or not user.may_sign_in:
        raise OAuthRefusal("invalid_grant", "no client credentials user enabled")
    return granted(org, request, user.id, client_id)


def _jwt_bearer(org: EmulatedOrg, request: Request, form: Form) -> Reply:
    from reconciler.emulator.http import jwt_bearer

    user = jwt_bearer.subject(org, request, form.get("assertion", ""))
    return granted(org, request, user.id, org.client_id)


def _refresh(org: EmulatedOrg, request: Request, form: Form) -> Reply:
    client_id = _check_client(org, request, form, secret_needed=False)
    found = sessions.find_token(org, form.get("refresh_token", ""), TokenKind.REFRESH)
    if found is None or found.client_id != client_id:
        raise OAuthRefusal("invalid_grant", "expired access/refresh token")
    return granted(org, request, found.user_id, client_id, found.scope)


def _code(org: EmulatedOrg, request: Request, form: Form) -> Reply:
    """A secret may be left out where the code has a challenge: an app on a desk cannot keep one."""
    code = form.get("code", "")
    client_id = _check_client(org, request, form, secret_needed=not codes.is_challenged(org, code))
    verifier = form.get("code_verifier", "")
    agreed = codes.take(org, code, client_id, form.get("redirect_uri", ""), verifier)
    return _granted_for_long(org, request, agreed, client_id)


def _device(org: EmulatedOrg, request: Request, form: Form) -> Reply:
    client_id = _check_client(org, request, form, secret_needed=False)
    return _granted_for_long(org, request, codes.take_device(org, form.get("code", ""), client_id), client_id)


def _granted_for_long(org: EmulatedOrg, request: Request, agreed: codes.Agreed, client_id: str) -> Reply:
    """As `granted`, with a refresh token where the app asked for one."""
    user = sessions.user_by_id(org, agreed.user_id)
    if user is None or not user.may_sign_in:
        raise OAuthRefusal("inactive_user", "user is inactive")
    refresh = None
    if LONG & set(agreed.scope.split()):
        kind = TokenKind.REFRESH
        refresh = sessions.open_session(org, user.id, client_id=client_id, scope=agreed.scope, kind=kind)
    return granted(org, request, user.id, client_id, agreed.scope, refresh)


def _device_code(org: EmulatedOrg, request: Request, form: Form) -> Reply:
    """A code for a device to ask with, and a short one for its user."""
    client_id = _check_client(org, request, form, secret_needed=False)
    scope = form.get("scope", "").strip() or WHOLE_SCOPE
    code, short = codes.give_device(org, codes.Asked(client_id, "", scope))
    return ok(
        {
            "user_code": short,
            "device_code": code,
            "interval": POLL_SECONDS,
            "verification_uri": f"{request.base_url}{CONNECT}",
        }
    )


GRANTS: dict[str, Grant] = {
    "authorization_code": _code,
    "device": _device,
    "password": _password,
    "client_credentials": _client_credentials,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": _jwt_bearer,
    "refresh_token": _refresh,
}


@route(
    "POST",
    "/services/oauth2/token",
    family=Family.OAUTH,
    lacks=[
        "token exchange and hybrid grants",
        "id_token",
        "JWT-form access tokens",
    ],
)
def token(org: EmulatedOrg, request: Request) -> Reply:
    """Exchange a grant for an access token."""
    form = form_of(request)
    kind = form.get("grant_type")
    if not kind and form.get("response_type") == "device_code":
        return _device_code(org, request, form)
    if not kind:
        raise OAuthRefusal("invalid_request", "missing required parameter: grant_type")
    grant = GRANTS.get(kind)
    if grant is None:
        raise OAuthRefusal("unsupported_grant_type", "grant type not supported")
    return grant(org, request, form)


@route("POST", "/services/oauth2/revoke", family=Family.OAUTH)
def revoke(org: EmulatedOrg, request: Request) -> Reply:
    """Forget the access or refresh `token`. 200, or 400 for one that is not known."""
    if not sessions.end_session(org, form_of(request).get("token", "")):
        raise OAuthRefusal("unsupported_token_type", "this token type is not supported")
    return text_reply(200, "", "text/html;charset=UTF-8")


@route("GET", "/services/oauth2/revoke", family=Family.OAUTH)
def revoke_by_address(org: EmulatedOrg, request: Request) -> Reply:
    """As by POST."""
    return revoke(org, request)


@route("POST", "/services/oauth2/introspect", family=Family.OAUTH)
def introspect(org: EmulatedOrg, request: Request) -> Reply:
    """Whether `token` is alive, and whose it is."""
    form = form_of(request)
    client_id = _check_client(org, request, form, secret_needed=True)
    given = form.get("token", "")
    found = sessions.find_token(org, given) or sessions.find_token(org, given, TokenKind.REFRESH)
    if found is None:
        return ok({"active": False})
    user = sessions.user_by_id(org, found.user_id)
    ends = found.used_ms // 1000 + sessions.SESSION_SECONDS
    return ok(
        {
            "active": True,
            "scope": found.scope,
            "client_id": client_id,
            "username": user.username if user else None,
            "sub": f"{request.base_url}/id/{org.org_id}/{found.user_id}",
            "token_type": "access_token" if given.startswith("00D") else "refresh_token",
            "exp": ends,
            "iat": found.created_ms // 1000,
            "nbf": found.created_ms // 1000,
        }
    )


@route("GET", "/services/oauth2/singleaccess", family=Family.OAUTH, lacks=["a user interface to open"])
def single_access(org: EmulatedOrg, request: Request) -> Reply:
    """An address that would open the org in a browser."""
    given = request.headers.find("authorization")
    session = sessions.resume(org, sessions.bearer_token(given), api=False)
    target = quote(form_of(request).get("redirect_uri", ""), safe="")
    return ok(
        {"frontdoor_uri": f"{request.base_url}/secur/frontdoor.jsp?otp={session.token[-12:]}&retURL={target}"}
    )


@route("POST", "/services/oauth2/singleaccess", family=Family.OAUTH, lacks=["a user interface to open"])
def single_access_by_form(org: EmulatedOrg, request: Request) -> Reply:
    """As by GET."""
    return single_access(org, request)
