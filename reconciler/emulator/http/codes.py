"""Codes by which an app gets the tokens of a user who agreed in a browser: once, and for a while.

A code of the web server flow is made when the user has signed in; whoever shows it, the address it was sent
to and, where the app gave a challenge, what fits that challenge, is the app. A device's code waits until a
user types the short one that the device shows.

Source: RFC 6749, section 4.1; RFC 7636; RFC 8628; Salesforce Help, "OAuth 2.0 Web Server Flow", "OAuth 2.0
Device Flow". Texts of the refusals are unverified.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from reconciler.emulator import ids
from reconciler.emulator.http.oauth_errors import OAuthRefusal
from reconciler.emulator.org import EmulatedOrg

SECONDS = 15 * 60
DEVICE_SECONDS = 10 * 60
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
DDL = """CREATE TABLE IF NOT EXISTS "_code" (code TEXT PRIMARY KEY, user_code TEXT, client_id TEXT NOT NULL,
  redirect_uri TEXT NOT NULL, scope TEXT NOT NULL, challenge TEXT NOT NULL, user INTEGER,
  until_ms INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0)"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an app asked for. ``challenge`` is that of PKCE, made by SHA-256; empty without."""

    client_id: str
    redirect_uri: str
    scope: str
    challenge: str = ""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What became of a code: whose tokens the app may have."""

    user_id: str
    scope: str


def give(org: EmulatedOrg, asked: Asked, user_id: str) -> str:
    """A code for a user who agreed."""
    code = f"aPrx{secrets.token_urlsafe(48)}=="
    _note(org, code, None, asked, user_id, SECONDS)
    return code


def give_device(org: EmulatedOrg, asked: Asked) -> tuple[str, str]:
    """A device's code, and the short one for its user to type."""
    code, short = secrets.token_urlsafe(64), "".join(secrets.choice(LETTERS) for _ in range(8))
    _note(org, code, short, asked, None, DEVICE_SECONDS)
    return code, short


def _note(
    org: EmulatedOrg, code: str, short: str | None, asked: Asked, user_id: str | None, seconds: int
) -> None:
    org.store.ensure_table(DDL)
    number = None if user_id is None else ids.parse(user_id)
    until = org.clock.now_ms() + seconds * 1000
    org.store.execute(
        'INSERT INTO "_code" VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)',
        (code, short, asked.client_id, asked.redirect_uri, asked.scope, asked.challenge, number, until),
    )


def agree(org: EmulatedOrg, short: str, user_id: str) -> bool:
    """A user typed a device's short code; False where there is no such code, or no longer."""
    org.store.ensure_table(DDL)
    with org.store.transaction():
        waiting = org.store.execute(
            'SELECT code FROM "_code" WHERE user_code = ? AND user IS NULL AND until_ms > ?',
            (short.strip().replace("-", "").upper(), org.clock.now_ms()),
        )
        for (code,) in waiting:
            org.store.execute('UPDATE "_code" SET user = ? WHERE code = ?', (ids.parse(user_id), code))
    return bool(waiting)


def take(org: EmulatedOrg, code: str, client_id: str, redirect_uri: str, verifier: str) -> Agreed:
    """What the code of the web server flow is worth; it is used up. Raises `OAuthRefusal`."""
    asked, user, fresh = _found(org, code, "invalid authorization code")
    if user is None or asked.client_id != client_id:
        raise OAuthRefusal("invalid_grant", "invalid authorization code")
    if not fresh:
        raise OAuthRefusal("invalid_grant", "expired authorization code")
    if redirect_uri != asked.redirect_uri:
        raise OAuthRefusal("redirect_uri_mismatch", "redirect_uri must match configuration")
    if asked.challenge and not hmac.compare_digest(asked.challenge, _challenge(verifier)):
        raise OAuthRefusal("invalid_grant", "invalid code verifier")
    _use_up(org, code)
    return Agreed(ids.to_text(user), asked.scope)


def is_challenged(org: EmulatedOrg, code: str) -> bool:
    """Whether whoever shows the code must prove that it was given to them, which serves for a secret."""
    org.store.ensure_table(DDL)
    return bool(org.store.execute("SELECT 1 FROM \"_code\" WHERE code = ? AND challenge <> ''", (code,)))


def take_device(org: EmulatedOrg, code: str, client_id: str) -> Agreed:
    """The same of a device's code, as soon as its user agreed. Raises `OAuthRefusal`."""
    asked, user, fresh = _found(org, code, "invalid device code")
    if asked.client_id != client_id or not fresh:
        raise OAuthRefusal("invalid_grant", "invalid device code")
    if user is None:
        raise OAuthRefusal("authorization_pending", "not yet authorized")
    _use_up(org, code)
    return Agreed(ids.to_text(user), asked.scope)


def _found(org: EmulatedOrg, code: str, unknown: str) -> tuple[Asked, int | None, bool]:
    """What was asked, who agreed, and whether there is still time."""
    org.store.ensure_table(DDL)
    rows = org.store.execute(
        'SELECT client_id, redirect_uri, scope, challenge, user, until_ms FROM "_code" '
        "WHERE code = ? AND used = 0",
        (code,),
    )
    for client_id, redirect_uri, scope, challenge, user, until in rows:
        return Asked(client_id, redirect_uri, scope, challenge), user, until > org.clock.now_ms()
    raise OAuthRefusal("invalid_grant", unknown)


def _use_up(org: EmulatedOrg, code: str) -> None:
    """Of two who show the same code at once, one is too late. Raises `OAuthRefusal` for that one."""
    with org.store.transaction():
        if not org.store.execute('SELECT 1 FROM "_code" WHERE code = ? AND used = 0', (code,)):
            raise OAuthRefusal("invalid_grant", "invalid authorization code")
        org.store.execute('UPDATE "_code" SET used = 1 WHERE code = ?', (code,))


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")
