"""Pages on which a user signs in for an app, or for a device that shows a code.

Whoever signs in agrees: every app is taken as approved by the administrator, and every address that an app
wants its answer at as configured. The fields are called as on Salesforce's page, so that what fills that
in fills this.

Source: Salesforce Help, "OAuth 2.0 Web Server Flow", "OAuth 2.0 User-Agent Flow", "OAuth 2.0 Device Flow".
"""

from collections.abc import Mapping
from html import escape
from urllib.parse import quote, urlencode, urlsplit

from reconciler.emulator.http import codes, sessions
from reconciler.emulator.http.endpoints.oauth import CONNECT, WHOLE_SCOPE, form_of, granted, known_client
from reconciler.emulator.http.message import Reply, Request, text_reply
from reconciler.emulator.http.routing import Family, route
from reconciler.emulator.org import EmulatedOrg

AUTHORIZE = "/services/oauth2/authorize"
LACKS = [
    "a page of consent: whoever signs in agrees, also where prompt asks for it",
    "a list of the addresses that apps may be answered at: all are",
]
ASKED = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method",
)  # fmt: skip
WRONG = "Check your username and password. If you still can't sign in, ask your administrator."
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body{{font:1rem/1.5 system-ui,sans-serif;background:#f3f3f3;margin:0}}
main{{max-width:22rem;margin:4rem auto;padding:2rem;background:#fff;border-radius:.5rem}}
label,input,button{{display:block;width:100%;box-sizing:border-box}}
input,button{{font:inherit;padding:.5rem;margin:.25rem 0 1rem}}
button{{background:#0b5cab;color:#fff;border:0;border-radius:.25rem}}
.error{{color:#ba0517}}</style></head>
<body><main><h1>{title}</h1>{inside}</main></body></html>
"""


def _page(title: str, inside: str, status: int = 200) -> Reply:
    html = PAGE.format(title=escape(title), inside=inside)
    return text_reply(status, html, "text/html;charset=UTF-8").with_headers(**{"Cache-Control": "no-store"})


def _form(path: str, hidden: Mapping[str, str], fields: str, error: str, hint: str) -> str:
    """A form for username and password; ``hidden`` comes back with them."""
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in hidden.items()
    )
    told = f'<p class="error" id="error" role="alert">{escape(error)}</p>' if error else ""
    return (
        f'{told}<form method="post" action="{path}">{kept}{fields}'
        '<label for="username">Username</label>'
        f'<input id="username" name="username" value="{escape(hint)}" autocomplete="username" required>'
        '<label for="password">Password</label>'
        '<input id="password" name="pw" type="password" autocomplete="current-password" required>'
        '<button id="Login" name="Login" type="submit" value="Log In">Log In</button></form>'
    )


def _signed_in(org: EmulatedOrg, form: Mapping[str, str]) -> str | None:
    """The id of the user whose name and password the form has; None for all that is wrong with them."""
    user = sessions.find_user(org, form.get("username", ""))
    if user is None or not sessions.check_password(org, user.id, form.get("pw", "")):
        return None
    return user.id if user.may_sign_in else None


# -- for an app


@route("GET", AUTHORIZE, family=Family.OAUTH, lacks=LACKS)
def authorize(org: EmulatedOrg, request: Request) -> Reply:
    """The page to sign in on, for an app that may have what it asks for."""
    form = form_of(request)
    return _refused(org, form) or _sign_in_page(form, "")


@route("POST", AUTHORIZE, family=Family.OAUTH, lacks=LACKS)
def sign_in(org: EmulatedOrg, request: Request) -> Reply:
    """Send the browser on to the app with what the user agreed to."""
    form = form_of(request)
    if refused := _refused(org, form):
        return refused
    if "pw" not in form:
        return _sign_in_page(form, "")
    user_id = _signed_in(org, form)
    if user_id is None:
        return _sign_in_page(form, WRONG)
    if form["response_type"] == "code":
        asked = codes.Asked(
            form["client_id"], form["redirect_uri"], _scope(form), form.get("code_challenge", "")
        )
        return _back(form, "?", {"code": codes.give(org, asked, user_id)})
    told = granted(org, request, user_id, form["client_id"], _scope(form))
    return _back(form, "#", {name: str(value) for name, value in told.value.items()})


def _scope(form: Mapping[str, str]) -> str:
    return form.get("scope", "").strip() or WHOLE_SCOPE


def _sign_in_page(form: Mapping[str, str], error: str) -> Reply:
    hidden = {name: form[name] for name in ASKED if name in form}
    hint = form.get("username", form.get("login_hint", ""))
    return _page("Log in to the emulated org", _form(AUTHORIZE, hidden, "", error, hint))


def _refused(org: EmulatedOrg, form: Mapping[str, str]) -> Reply | None:
    """What is wrong with what the app asks: told in the browser, or to the app where it is known."""
    target = urlsplit(form.get("redirect_uri", ""))
    if not known_client(org, form.get("client_id", "")):
        return _told("invalid_client_id", "client identifier invalid")
    if not target.scheme or target.fragment or target.scheme in ("javascript", "data"):
        return _told("redirect_uri_mismatch", "redirect_uri must match configuration")
    if form.get("response_type") not in ("code", "token"):
        error = {
            "error": "unsupported_response_type",
            "error_description": "response type not supported",
        }
        return _back(form, "?", error)
    return None


def _told(error: str, description: str) -> Reply:
    """As Salesforce tells it: the words of an answer to an app as text."""
    text = f"error={error}&error_description={quote(description)}"
    return text_reply(400, text, "text/html;charset=UTF-8")


def _back(form: Mapping[str, str], mark: str, told: Mapping[str, str]) -> Reply:
    """To the app's address, with ``told`` in its query (`?`) or behind it (`#`)."""
    state = {"state": form["state"]} if "state" in form else {}
    address = form["redirect_uri"]
    joined = "&" if mark == "?" and "?" in address else mark
    target = f"{address}{joined}{urlencode({**told, **state})}"
    return text_reply(302, "", "text/html;charset=UTF-8").with_headers(Location=target)


# -- for a device

CODE_FIELD = (
    '<label for="user_code">Code that your device shows</label>'
    '<input id="user_code" name="user_code" value="{}" autocomplete="off" required>'
)


@route("GET", CONNECT, family=Family.OAUTH)
def connect_page(org: EmulatedOrg, request: Request) -> Reply:
    """The page to type a device's code on."""
    return _connect_page(request.params, "")


@route("POST", CONNECT, family=Family.OAUTH)
def connect(org: EmulatedOrg, request: Request) -> Reply:
    """Let the device have what its user agrees to."""
    form = form_of(request)
    user_id = _signed_in(org, form)
    if user_id is None:
        return _connect_page(form, WRONG)
    if not codes.agree(org, form.get("user_code", ""), user_id):
        return _connect_page(form, "No device waits with this code. Ask for a new one on your device.")
    return _page("Connected", "<p>Your device may use the emulated org. You can close this page.</p>")


def _connect_page(form: Mapping[str, str], error: str) -> Reply:
    field = CODE_FIELD.format(escape(form.get("user_code", "")))
    return _page("Connect a device", _form(CONNECT, {}, field, error, form.get("username", "")))
