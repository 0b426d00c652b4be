"""Who is calling: sessions, refresh tokens, passwords, certificates; all kept in the org's store.

A session ends by itself after two hours without a call, and at once when its user is deactivated
or frozen. Access tokens look as clients expect them, org id and then letters, digits, `_` and `.`.

Source: REST API Developer Guide; the token's form as the `sf` command line checks it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from weakref import WeakSet

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg

SESSION_SECONDS = 2 * 60 * 60
TOUCH_MS = 60_000
"""How stale the time of the last call may be in the store."""

TABLES = (
    """CREATE TABLE IF NOT EXISTS "_token" (token TEXT PRIMARY KEY, kind TEXT NOT NULL,
       user INTEGER NOT NULL, client_id TEXT, scope TEXT NOT NULL, created_ms INTEGER NOT NULL,
       used_ms INTEGER NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS "_password" (user INTEGER PRIMARY KEY, digest TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS "_jwt_certificate" (pem TEXT PRIMARY KEY)""",
)


class TokenKind(StrEnum):
    ACCESS = "access"
    REFRESH = "refresh"


class InvalidSession(ApiError):
    """Source: recorded answers to an expired session."""

    status, code = 401, "INVALID_SESSION_ID"

    def __init__(self, message: str = "Session expired or invalid") -> None:
        super().__init__(message)


class ApiDisabled(ApiError):
    """Source: as users report it for a user without the permission `API Enabled`."""

    status, code = 403, "API_DISABLED_FOR_ORG"

    def __init__(self) -> None:
        super().__init__("API is not enabled for this Organization or Partner")


class InvalidAuthHeader(ApiError):
    status, code = 401, "INVALID_AUTH_HEADER"

    def __init__(self) -> None:
        super().__init__("INVALID_HEADER_TYPE")


@dataclass(frozen=True, slots=True)
class Session:
    token: str
    user_id: str
    client_id: str | None
    scope: str
    created_ms: int
    used_ms: int


@dataclass(frozen=True, slots=True)
class UserRow:
    """What signing in needs to know of a user."""

    id: str
    username: str
    active: bool
    frozen: bool

    @property
    def may_sign_in(self) -> bool:
        return self.active and not self.frozen


_PREPARED: "WeakSet[EmulatedOrg]" = WeakSet()


def prepare(org: EmulatedOrg) -> None:
    """Make the tables of this module, once an org."""
    if org not in _PREPARED:
        for ddl in TABLES:
            org.store.ensure_table(ddl)
        _PREPARED.add(org)


_USER = """SELECT u."Id", u."Username", u."IsActive",
  COALESCE((SELECT MAX(l."IsFrozen") FROM "UserLogin" l WHERE l."UserId" = u."Id"), 0) FROM "User" u """


def _user(rows: Sequence[tuple[object, ...]]) -> UserRow | None:
    for number, username, active, frozen in rows:
        assert isinstance(number, int)
        return UserRow(ids.to_text(number), str(username), bool(active), bool(frozen))
    return None


def find_user(org: EmulatedOrg, username: str) -> UserRow | None:
    """The user with this name, in any case; active or not."""
    return _user(org.store.execute(_USER + 'WHERE u."Username" = ?', (username,)))


def user_by_id(org: EmulatedOrg, user_id: str) -> UserRow | None:
    return _user(org.store.execute(_USER + 'WHERE u."Id" = ?', (ids.parse(user_id),)))


def open_session(
    org: EmulatedOrg,
    user_id: str,
    *,
    client_id: str | None = None,
    scope: str = "api web",
    kind: TokenKind = TokenKind.ACCESS,
) -> str:
    """A new token for the user: an access token, or a refresh token."""
    prepare(org)
    now = org.clock.now_ms()
    if kind is TokenKind.ACCESS:
        token = f"{org.org_id[:15]}!AQ{secrets.token_hex(40)}.{secrets.token_hex(6)}"
    else:
        token = f"5Aep{secrets.token_hex(36)}"
    org.store.execute(
        'INSERT INTO "_token" VALUES (?, ?, ?, ?, ?, ?, ?)',
        (token, kind, ids.parse(user_id), client_id, scope, now, now),
    )
    return token


def find_token(org: EmulatedOrg, token: str, kind: TokenKind = TokenKind.ACCESS) -> Session | None:
    """The living session, or refresh token, behind ``token``; None when it has ended.

    Neither counts as used by being found, see `resume`.
    """
    prepare(org)
    rows = org.store.recall(
        """SELECT t.user, t.client_id, t.scope, t.created_ms, t.used_ms FROM "_token" t
           JOIN "User" u ON u."Id" = t.user WHERE t.token = ? AND t.kind = ? AND u."IsActive" = 1
           AND NOT EXISTS (SELECT 1 FROM "UserLogin" l WHERE l."UserId" = t.user AND l."IsFrozen" = 1)""",
        token,
        kind,
    )
    for user, client_id, scope, created_ms, used_ms in rows:
        if kind is TokenKind.ACCESS and org.clock.now_ms() - used_ms > SESSION_SECONDS * 1000:
            return None
        return Session(token, ids.to_text(user), client_id, scope, created_ms, used_ms)
    return None


def resume(org: EmulatedOrg, token: str, *, api: bool = True) -> Session:
    """The session of a call, kept alive by it. Raises `InvalidSession`.

    With ``api`` the call is one of the API's, which asks for the permission: raises `ApiDisabled`.
    """
    session = find_token(org, token)
    if session is None:
        raise InvalidSession
    if api and not may_use_api(org, session.user_id):
        raise ApiDisabled
    now = org.clock.now_ms()
    if now - session.used_ms > TOUCH_MS:
        org.store.execute('UPDATE "_token" SET used_ms = ? WHERE token = ?', (now, token))
    return session


def may_use_api(org: EmulatedOrg, user_id: str) -> bool:
    return org.access.of(user_id).has("ApiEnabled")


def end_session(org: EmulatedOrg, token: str) -> bool:
    """Forget a token. A refresh token takes the access tokens of its user and client along.

    False when there was none.
    """
    prepare(org)
    found = org.store.execute('SELECT kind, user, client_id FROM "_token" WHERE token = ?', (token,))
    for kind, user, client_id in found:
        org.store.execute('DELETE FROM "_token" WHERE token = ?', (token,))
        if kind == TokenKind.REFRESH:
            org.store.execute(
                'DELETE FROM "_token" WHERE user = ? AND client_id IS ? AND kind = ?',
                (user, client_id, TokenKind.ACCESS),
            )
    return bool(found)


def end_sessions_of(org: EmulatedOrg, user_id: str, *, but: str = "") -> None:
    """End the sessions of a user, ``but`` one token's. Refresh tokens stay."""
    prepare(org)
    org.store.execute(
        'DELETE FROM "_token" WHERE user = ? AND kind = ? AND token <> ?',
        (ids.parse(user_id), TokenKind.ACCESS, but),
    )


def end_all_sessions(org: EmulatedOrg) -> None:
    """Expire every access token at once: what a test calls an expired session."""
    prepare(org)
    org.store.execute('DELETE FROM "_token" WHERE kind = ?', (TokenKind.ACCESS,))


def bearer_token(authorization: str) -> str:
    """The token in an Authorization header. Raises `InvalidAuthHeader` for another kind of header."""
    kind, _, token = authorization.strip().partition(" ")
    if kind.lower() not in ("bearer", "oauth") or not token.strip():
        raise InvalidAuthHeader
    return token.strip()


# -- passwords -------------------------------------------------------------------------------------


def _digest(org: EmulatedOrg, user_id: str, password: str) -> str:
    return hashlib.sha256(f"{org.org_id}:{user_id}:{password}".encode()).hexdigest()


def security_token(org: EmulatedOrg, user_id: str) -> str:
    """What the user may append to the password; the same as long as the org lives."""
    return hmac.new(org.client_secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()[:24]


def set_password(org: EmulatedOrg, user_id: str, password: str) -> None:
    prepare(org)
    org.store.execute(
        'INSERT OR REPLACE INTO "_password" VALUES (?, ?)',
        (ids.parse(user_id), _digest(org, user_id, password)),
    )


def check_password(org: EmulatedOrg, user_id: str, given: str) -> bool:
    """Whether ``given`` is the user's password, alone or followed by the security token.

    A user has none until one is set, except the administrator.
    """
    prepare(org)
    rows = org.store.execute('SELECT digest FROM "_password" WHERE user = ?', (ids.parse(user_id),))
    if rows:
        expected = rows[0][0]
    elif user_id == org.admin_id:
        expected = _digest(org, user_id, org.password)
    else:
        return False
    plain = given.removesuffix(security_token(org, user_id))
    return any(hmac.compare_digest(_digest(org, user_id, each), expected) for each in (given, plain))


# -- certificates ------------------------------------------------------------------------------------


def register_certificate(org: EmulatedOrg, pem: bytes) -> None:
    """Trust a PEM certificate, or public key, to sign JWT assertions. Raises ValueError for others."""
    from reconciler.emulator.http.jwt_bearer import public_key

    try:
        public_key(pem)
    except ValueError as error:
        raise ValueError("no certificate and no public key in PEM") from error
    prepare(org)
    org.store.execute('INSERT OR IGNORE INTO "_jwt_certificate" VALUES (?)', (pem.decode("ascii"),))


def certificates(org: EmulatedOrg) -> list[bytes]:
    prepare(org)
    return [pem.encode("ascii") for (pem,) in org.store.execute('SELECT pem FROM "_jwt_certificate"')]
