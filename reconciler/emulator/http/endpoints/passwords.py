"""A user's password: whether it is expired, setting it, resetting it.

Source: REST API Developer Guide, "sObject User Password".
"""

import secrets

from reconciler.emulator.access.checks import no_access
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http import dml, sessions
from reconciler.emulator.http.message import Reply, Request, no_content, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg

SHORTEST_PASSWORD = 8
RESETTERS = ("ManageUsers", "ManageInternalUsers", "ResetPasswords")
"""Permissions, any of which lets a user change another's password."""


class InvalidNewPassword(ApiError):
    code = "INVALID_NEW_PASSWORD"


def known_user(org: EmulatedOrg, user_id: str, *, by: str) -> str:
    """The 18-character id of a user that exists, whose password ``by`` may change. Raises NOT_FOUND.

    Others' passwords take the permission to manage users or to reset passwords.
    """
    user = sessions.user_by_id(org, user_id)
    if user is None:
        raise NotFound
    if user.id != by and not org.access.of(by).has_any(
        "ManageUsers", "ManageInternalUsers", "ResetPasswords"
    ):
        raise no_access()
    return user.id


def change_password(org: EmulatedOrg, user_id: str, password: object, *, session: str) -> None:
    """Set a password and end the user's sessions, but the one of the caller.

    Raises INVALID_NEW_PASSWORD for one the default policy refuses.
    """
    if not isinstance(password, str) or len(password) < SHORTEST_PASSWORD:
        raise InvalidNewPassword(f"Your password must be at least {SHORTEST_PASSWORD} characters long.")
    if not (any(each.isalpha() for each in password) and any(each.isdigit() for each in password)):
        raise InvalidNewPassword("Your password must include letters and numbers")
    sessions.set_password(org, user_id, password)
    sessions.end_sessions_of(org, user_id, but=session)


def _token(request: Request) -> str:
    return request.session.token if request.session else ""


@route("GET", "/sobjects/User/{user_id}/password", lacks=["expiry of passwords"])
def password_state(org: EmulatedOrg, request: Request, user_id: str) -> Reply:
    """Whether the password is expired: never here."""
    known_user(org, user_id, by=request.user_id)
    return ok({"isExpired": False})


@route("POST", "/sobjects/User/{user_id}/password", lacks=["password policies but the shortest"])
def set_password(org: EmulatedOrg, request: Request, user_id: str) -> Reply:
    """Set `NewPassword`."""
    wanted = known_user(org, user_id, by=request.user_id)
    fields = dml.record_fields(request.json)
    change_password(org, wanted, fields.get("NewPassword"), session=_token(request))
    return no_content()


@route("DELETE", "/sobjects/User/{user_id}/password")
def reset_password(org: EmulatedOrg, request: Request, user_id: str) -> Reply:
    """Replace the password with a generated one, which is answered."""
    wanted = known_user(org, user_id, by=request.user_id)
    generated = f"{secrets.token_urlsafe(9)}7a"
    change_password(org, wanted, generated, session=_token(request))
    return ok({"NewPassword": generated})
