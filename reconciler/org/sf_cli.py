"""Borrowing a session from the `sf` command.

Newer versions no longer show tokens in `sf org display`; they have a command of their own for that.
Older ones lack the command and still show the token. So: ask display for address and user, take the
token from it only when it is one, else ask for it.

Source: Salesforce CLI release notes 2.136.8.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.errors import AuthenticationFailed, Problem

from .redaction import excerpt

SF_SECONDS = 90.0
HIDDEN = "[REDACTED]"

_QUIET = {
    "NO_COLOR": "1",
    "FORCE_COLOR": "0",
    "SF_DISABLE_TELEMETRY": "true",
    "SF_SKIP_NEW_VERSION_CHECK": "true",
    "SF_AUTOUPDATE_DISABLE": "true",
}


@dataclass(frozen=True, slots=True)
class SfSession:
    instance_url: str
    username: str | None
    access_token: str = field(repr=False)


def read_sf_cli(alias: str, seconds: float = SF_SECONDS, ca_file: str | None = None) -> SfSession:
    """The session that `sf` holds for ``alias``. Takes seconds: `sf` is slow to start.

    ``ca_file`` names authorities that `sf` trusts too when it renews the session.

    Raises `AuthenticationFailed` when `sf` is missing, silent, or not signed in.
    """
    if alias.startswith("-") or not alias.strip():
        raise _failed(f"{alias!r} is no alias", "name an alias or user name from 'sf org list'")
    environ = {**os.environ, **_QUIET}
    if ca_file is not None:
        environ["NODE_EXTRA_CA_CERTS"] = ca_file
    shown = _run(["org", "display"], alias, seconds, environ)
    url, token, username = (_text(shown, name) for name in ("instanceUrl", "accessToken", "username"))
    if not url:
        raise _failed(f"sf names no address for {alias!r}", f"sf org login web --alias {alias}")
    if not token or HIDDEN in token:
        token = _text(_run(["org", "auth", "show-access-token"], alias, seconds, environ), "accessToken")
    if not token or HIDDEN in token or not token.isprintable() or " " in token:
        raise _failed(f"sf gives no access token for {alias!r}", f"sf org login web --alias {alias}")
    return SfSession(url, username, token)


def _run(command: Sequence[str], alias: str, seconds: float, environ: Mapping[str, str]) -> Mapping[str, Any]:
    program = shutil.which("sf")
    if program is None:
        raise _failed("the command 'sf' is not installed", "install the Salesforce CLI")
    shown = "sf " + " ".join(command)
    try:
        status, output, errors = _finish(
            [program, *command, "--target-org", alias, "--json"], seconds, environ
        )
    except subprocess.TimeoutExpired:
        raise _failed(f"'{shown}' gave no answer in {seconds:g} s", "run it by hand to see why") from None
    except OSError as error:
        raise _failed(f"'{shown}' cannot be run ({error.strerror})", "check the Salesforce CLI") from None
    reply = _object(output)
    result = reply.get("result")
    if status == 0 and isinstance(result, dict):
        return result
    if status == 0 and isinstance(result, str):
        return {"accessToken": result}
    said = str(reply.get("message") or "") or errors.decode("utf-8", "replace") or "no message"
    name = str(reply.get("name") or f"exit {status}")
    raise _failed(
        f"'{shown}' failed for {alias!r} ({excerpt(name, limit=80)}: {excerpt(said, limit=300)})",
        f"sf org login web --alias {alias}",
    )


def _finish(arguments: Sequence[str], seconds: float, environ: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """Run to the end, or end it with all it started: `sf` is often a shell script around node."""
    with subprocess.Popen(  # noqa: S603  # the program is found on PATH, arguments are a list
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
        start_new_session=True,
    ) as child:
        try:
            output, errors = child.communicate(timeout=seconds)
        except BaseException:
            _end(child)
            raise
        return child.returncode, output, errors


def _end(child: "subprocess.Popen[bytes]") -> None:
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()


def _object(output: bytes) -> Mapping[str, Any]:
    """The JSON object in ``output``; warnings that some versions print before it are passed over."""
    text = output.decode("utf-8", "replace")
    try:
        found = json.loads(text[text.find("{") :]) if "{" in text else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(result: Mapping[str, Any], name: str) -> str | None:
    value = result.get(name)
    return value.strip() if isinstance(value, str) and value.strip() else None


def _failed(what: str, mend: str) -> AuthenticationFailed:
    return AuthenticationFailed(Problem(what, mend=mend), code="SF_CLI")
