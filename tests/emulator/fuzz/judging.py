"""Sends damaged requests to a copy of an org, and says what an answer has that none of Salesforce's has.

An answer is wrong when it is an unexpected error, when it shows what we are written in, when a refusal is not
of the form that its surface has, and when something changed though the request was refused.
"""

import json
import logging
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote

from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.http.service import exchange
from reconciler.emulator.org import EmulatedOrg
from tests.emulator.fuzz.mutations import damaged_json, damaged_soql, damaged_text, damaged_xml, word
from tests.emulator.fuzz.sound import Ask
from tests.emulator.strictness.asking import Desk

PLACE = re.compile(r"(?<!@)\{([a-z0-9_]+(?:\.[A-Za-z_]+)?)\}")
OURS = re.compile(
    r"Traceback \(most|File \"|NoneType|<class '|object at 0x|sqlite3?\.|reconciler\.|KeyError|TypeError|"
    r"ValueError|not subscriptable|argument must be|unhashable|has no attribute|invalid literal for|"
    r"list index|no such column: |near \"|codec can't|not well-formed \(invalid token\)|"
    r"mismatched tag: line|unbound prefix: line"
)
"""Words of Python, of SQLite and of expat."""
HEADER_WORDS = ("Sforce-Call-Options", "Sforce-Query-Options", "If-Match", "If-Unmodified-Since", "Accept")
CODE = re.compile(r"[A-Za-z][A-Za-z_0-9]*(:[A-Z_]+)?")


@dataclass
class Exchange:
    request: Request
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    def __str__(self) -> str:
        asked = self.request
        address = f"{asked.method} {asked.path}{'?' if asked.query else ''}{asked.query}"
        sent = f"{address}\n{dict(asked.headers)}\n{asked.body[:1500]!r}"
        return f"{sent}\n-> {self.status} {self.content[:800]!r}"


class Wrong(AssertionError):
    """What is wrong, and with which exchange; ``cause`` is the unexpected error's traceback."""

    def __init__(self, what: str, seen: Exchange, cause: BaseException | None = None) -> None:
        super().__init__(f"{what}\n{seen}")
        self.what, self.cause = what, cause


class Stage:
    """A desk, and a copy of its org that nothing was written to yet: a new one only when something was."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._copy, self._held, self._written = desk.org, _held(desk.org), -1

    def copy(self) -> EmulatedOrg:
        if _changes(self._copy) != self._written:
            self._copy = self.desk.org.fork()
            self._written = _changes(self._copy)
        return self._copy

    def held(self, org: EmulatedOrg) -> Any:
        return self._held if _changes(org) == self._written else _held(org)


def play(stage: Stage, story: Sequence[Ask], random: Random | None) -> Iterator[Exchange]:
    """Send a story to a copy of the stage's org with some of it damaged, none without ``random``.

    Raises `Wrong`.
    """
    desk, org = stage.desk, stage.copy()
    damaged = random.randrange(len(story)) if random else -1
    answers: list[dict[str, Any]] = []
    for number, ask in enumerate(story):
        request = _request(
            ask, desk, answers, random if number == damaged or (random and not random.randrange(6)) else None
        )
        before = stage.held(org) if _may_change(request) else None
        written = _changes(org)
        seen = Exchange(request)
        with Heeded(seen):
            seen.status, seen.headers, seen.content = exchange(org, request)
        check(seen)
        if seen.status >= 400 and before is not None and _changes(org) != written and _held(org) != before:
            raise Wrong("refused, and yet something changed", seen)
        answers.append(_answer(seen))
        yield seen


def _may_change(request: Request) -> bool:
    """Whether to look if a refusal changed something: signing in and asking leave their own traces."""
    return request.method != "GET" and "/oauth2/" not in request.path


def _changes(org: EmulatedOrg) -> int:
    return int(org.store.execute("SELECT total_changes()")[0][0])


def _held(org: EmulatedOrg) -> Any:
    kept = ("_bin", "_schema", "_components")
    return org.snapshot(), [sorted(map(repr, org.store.execute(f"SELECT * FROM {each}"))) for each in kept]


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            self.errors.append(record.exc_info[1])


class Heeded:
    """Around an exchange: an error that the service caught and logged is raised as `Wrong`."""

    def __init__(self, seen: Exchange) -> None:
        self.seen, self.heard = seen, _Heard()

    def __enter__(self) -> None:
        logging.getLogger("reconciler").addHandler(self.heard)

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        logging.getLogger("reconciler").removeHandler(self.heard)
        cause = error or next(iter(self.heard.errors), None)
        if cause is not None and not isinstance(cause, KeyboardInterrupt):
            raise Wrong(f"unexpected {type(cause).__name__}: {cause}", self.seen, cause)


# -- sending


def _request(ask: Ask, desk: Desk, answers: Sequence[Mapping[str, Any]], random: Random | None) -> Request:
    def value(match: re.Match[str]) -> str:
        first, _, rest = match[1].partition(".")
        if rest and first.isdigit():
            return str(answers[int(first) - 1].get(rest, "x"))
        return desk.sessions.get(rest, match[0]) if first == "session" else desk.ids.get(match[1], match[0])

    def filled(text: str) -> str:
        return PLACE.sub(value, text)

    method, path, query, text = ask.method, filled(ask.path), filled(ask.query), filled(ask.text)
    body = text.encode()
    sent = None if ask.value is None else json.loads(filled(json.dumps(ask.value)))
    if sent is not None:
        body = json.dumps(sent).encode()
    headers = {"Host": "acme.my.salesforce.com", "Authorization": f"Bearer {desk.sessions['admin']}"}
    headers |= {name: filled(each) for name, each in ask.headers.items()}
    if body:
        headers["Content-Type"] = ask.kind
    if random is not None:
        act = random.randrange(12)
        if act == 0:
            method = random.choice(("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"))
        elif act == 1:
            parts = path.split("/")
            parts[random.randrange(4, len(parts)) if len(parts) > 4 else -1] = word(random)
            path = "/".join(parts)
        elif act == 2:
            headers[random.choice((*HEADER_WORDS, *ask.headers, "Content-Type"))] = _line(word(random))
        elif ask.is_soql:
            query = "q=" + damaged_soql(random, query[2:])
        elif sent is not None:
            body = damaged_json(random, sent)
        elif text:
            body = damaged_xml(random, text) if ask.is_xml else damaged_text(random, text)
        elif query:
            query = damaged_text(random, query).decode("utf-8", "replace")
        else:
            query = f"{random.choice(('fields', 'limit', 'q', 'ids', word(random)))}={word(random)}"
    return Request(
        method=method,
        path=quote(path, safe="/%!@:", errors="replace"),
        query=quote(query, safe="=&%+:/?,()'", errors="replace"),
        headers=Headers(headers),
        body=body,
    )


def _line(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1").replace("\n", " ").replace("\x00", "")


def _answer(seen: Exchange) -> dict[str, Any]:
    """What later requests of a story may name: the members of a JSON object, or the id of an XML one."""
    if seen.content and seen.headers.get("Content-Type", "").startswith("application/json"):
        found = json.loads(seen.content or b"null")
        return found if isinstance(found, dict) else {}
    if match := re.search(rb"<id>(\w+)</id>", seen.content):
        return {"id": match[1].decode()}
    return {}


# -- judging


def check(seen: Exchange) -> None:
    """Raises `Wrong` when no org of Salesforce's would answer so."""
    text = seen.content.decode("utf-8", "replace")
    if (shown := OURS.search(text)) and shown[0].encode() not in seen.request.body:
        raise Wrong(f"shows our insides: {shown[0]}", seen)
    kind = seen.headers.get("Content-Type", "")
    soap = seen.request.path.startswith("/services/Soap/")
    if seen.status >= 500 and not soap:
        raise Wrong("an error of ours", seen)
    if seen.request.method == "HEAD":
        return
    if kind.startswith("application/json"):
        _check_json(seen, text)
    elif "xml" in kind and seen.content:
        if seen.status >= 400 or not seen.request.path.endswith("/request"):  # that tells what was sent
            _check_xml(seen, soap)
    elif seen.status >= 400 and seen.content and not kind.startswith("text/html"):
        raise Wrong(f"a refusal in {kind or 'nothing'}", seen)


def _check_json(seen: Exchange, text: str) -> None:
    try:
        value = json.loads(text, parse_constant=lambda name: _no_number(name, seen))
    except ValueError as error:
        raise Wrong(f"no JSON: {error}", seen) from error
    if seen.status < 400:
        return
    if "/ui-api/" in seen.request.path and isinstance(value, dict):
        if not {"enhancedErrorType", "message", "output", "statusCode"} <= set(value):
            raise Wrong("no refusal of the UI API's form", seen)
    elif "/oauth2/" in seen.request.path and seen.status not in (404, 405):
        if not isinstance(value, dict) or not isinstance(value.get("error"), str):
            raise Wrong("no refusal of OAuth's form", seen)
    elif "/services/async/" in seen.request.path:
        if not isinstance(value, dict) or set(value) != {"exceptionCode", "exceptionMessage"}:
            raise Wrong("no refusal of Bulk 1.0's form", seen)
    else:
        _check_errors(value, seen)


def _no_number(name: str, seen: Exchange) -> Any:
    raise Wrong(f"a number that JSON has not: {name}", seen)


def _check_errors(value: Any, seen: Exchange) -> None:
    sound = isinstance(value, list) and value and all(isinstance(each, dict) for each in value)
    if sound and all(set(each) == ACTION_KEYS for each in value):
        return
    if isinstance(value, dict) and set(value) == TREE_KEYS and value["hasErrors"]:
        return
    for each in value if sound else [{}]:
        known = {"message", "errorCode"} <= set(each) <= KEYS
        if not known or not isinstance(each["message"], str) or not CODE.fullmatch(str(each["errorCode"])):
            raise Wrong("no list of message and errorCode", seen)
        if not all(isinstance(name, str) for name in each.get("fields") or ()):
            raise Wrong("fields that are no names", seen)


TREE_KEYS = {"hasErrors", "results"}
ACTION_KEYS = {"actionName", "errors", "isSuccess", "outputValues"}
KEYS = {
    "message",
    "errorCode",
    "fields",
    "extendedErrorDetails",
    "enhancedErrorType",
    "output",
    "duplicateResult",
}


def _check_xml(seen: Exchange, soap: bool) -> None:
    try:
        root = ET.fromstring(seen.content)
    except ET.ParseError as error:
        raise Wrong(f"no XML: {error}", seen) from error
    names = {each.tag.rpartition("}")[2]: (each.text or "") for each in root.iter()}
    if soap and seen.status >= 400 and not (names.get("faultcode") and "faultstring" in names):
        raise Wrong("a refusal that is no fault", seen)
    if not soap and seen.status >= 400 and not names.get("exceptionCode"):
        raise Wrong("no refusal of Bulk 1.0's form", seen)
