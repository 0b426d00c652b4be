"""Exchanges that go wrong on purpose: an org that loses replies, locks rows, throttles, stalls.

A fault names the calls it is for (method, address, body, the how-manieth) and what happens to them.
`deliver` is the one way both transports take: it logs the call, applies the faults before the
effect, lets the service answer, and applies those after it. A fault that fired counts it, so a test
can tell that it met the fault it asked for.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from threading import Event, Lock
from typing import Any
from urllib.parse import unquote_plus

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http import sessions
from reconciler.emulator.http.envelope import encode, rest_refusal, stream
from reconciler.emulator.http.message import Reply, Request, ok, text_reply
from reconciler.emulator.http.service import handle
from reconciler.emulator.http.traffic import RequestLimitExceeded, traffic
from reconciler.emulator.org import EmulatedOrg

Hook = Callable[[EmulatedOrg, Request], object]

UNAVAILABLE_PAGE = (
    "<html><head><title>503 Service Unavailable</title></head>"
    "<body><h1>Service Unavailable</h1><p>The server is down for maintenance.</p></body></html>"
)


class FaultKind(StrEnum):
    STATUS = "status"
    """Answer ``status`` with ``reply``; before the effect, or after it with ``after_effect``."""
    LOSE_BEFORE = "lose_before"
    """Close the connection unanswered; nothing happened in the org."""
    LOSE_AFTER = "lose_after"
    """Close the connection unanswered; the org did what was asked."""
    DELAY = "delay"
    """Wait ``seconds`` before the effect."""
    HOLD = "hold"
    """Wait before the effect until the faults are cleared; ``seconds`` at the longest, if more than 0."""
    LOCK = "lock"
    """Refuse writes to ``rows`` with UNABLE_TO_LOCK_ROW."""
    FAIL_ROWS = "fail_rows"
    """Refuse ``rows`` of a bulk job with the `statusCode`, `message` and `fields` of ``reply``."""
    STALL = "stall"
    """Let a bulk job stand still until the faults are cleared."""
    EXPIRE = "expire"
    """End all sessions first."""
    THROTTLE = "throttle"
    """REQUEST_LIMIT_EXCEEDED."""
    UNAVAILABLE = "unavailable"
    """503 with an HTML page; before the effect, or after it with ``after_effect``."""
    CUT = "cut"
    """Send half of the answer's body, then close; the org did what was asked."""
    HOOK = "hook"
    """Call ``before`` and ``after`` around the effect."""


class ReplyLost(Exception):
    """The connection closes without an answer."""


@dataclass(kw_only=True)
class Fault:
    """One rule. Patterns are regular expressions searched for; the address is percent-decoded.

    ``skip`` calls that match go by first, then ``times`` are hit (None: all). ``rows`` of a lock are
    ids, or patterns searched for in the id and the new values as JSON; without them all rows are.
    """

    kind: FaultKind
    method: str = ""
    path: str = ""
    body: str = ""
    skip: int = 0
    times: int | None = 1
    status: int = 500
    reply: Any = None
    seconds: float = 0.0
    rows: list[str] = field(default_factory=list)
    after_effect: bool = False
    before: Hook | None = None
    after: Hook | None = None
    matched: int = 0
    fired: int = 0
    cleared: Event = field(default_factory=Event, repr=False, compare=False)

    def matches(self, request: Request) -> bool:
        address = unquote_plus(request.path) + ("?" + unquote_plus(request.query) if request.query else "")
        return (
            re.search(self.method, request.method) is not None
            and re.search(self.path, address) is not None
            and (not self.body or re.search(self.body, _text(request)) is not None)
        )

    def take(self) -> bool:
        """Whether this match is to be hit; counts it."""
        self.matched += 1
        hit = self.matched > self.skip and (self.times is None or self.fired < self.times)
        self.fired += hit
        return hit

    def locks(self, record_id: str, values: Mapping[str, Any]) -> bool:
        text = record_id + json.dumps(values, default=str)
        return not self.rows or any(re.search(each, text) for each in self.rows)

    def row_refusal(self) -> ApiError:
        """What a row that this fault is for is refused with."""
        told = self.reply if isinstance(self.reply, dict) else {}
        return ApiError(
            str(told.get("message", "An unexpected error occurred.")),
            code=str(told.get("statusCode", "UNKNOWN_EXCEPTION")),
            fields=[str(each) for each in told.get("fields", [])],
        )


def _text(request: Request) -> str:
    return b"".join(request.body_pieces()).decode("utf-8", "replace")


SETTABLE = frozenset(each.name for each in fields(Fault)) - {"before", "after", "matched", "fired", "cleared"}


def fault_from_json(value: Any) -> Fault:
    """A fault as another process describes it. Raises ValueError for what is none."""
    if not isinstance(value, dict) or not value.keys() <= SETTABLE or "kind" not in value:
        raise ValueError(f"a fault is an object with kind and some of {', '.join(sorted(SETTABLE))}")
    fault = Fault(**{**value, "kind": FaultKind(value["kind"])})
    for pattern in (fault.method, fault.path, fault.body, *fault.rows):
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return fault


class Faults:
    """The faults of one transport, in the order they were added; all that match a call are applied."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = Lock()

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._faults))

    def add(self, kind: FaultKind | str, **what: Any) -> Fault:
        """Add a fault; answers it, to look at ``fired``."""
        fault = Fault(kind=FaultKind(kind), **what)
        self.append(fault)
        return fault

    def append(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            for fault in self._faults:
                fault.cleared.set()
            self._faults.clear()

    def hitting(self, request: Request) -> list[Fault]:
        """The faults this call meets, each counted."""
        if not self._faults:
            return []
        with self._lock:
            return [each for each in self._faults if each.matches(request) and each.take()]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What goes back over the wire; with ``cut`` only that many bytes of the body, then nothing.

    With ``pieces`` the body is long and made while it is sent.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    cut: int | None = None
    pieces: Iterator[bytes] | None = None


def deliver(
    org: EmulatedOrg,
    request: Request,
    faults: Faults,
    *,
    sleep: Callable[[float], None] = time.sleep,
    streams: bool = False,
) -> Delivery:
    """Answer a call through its faults. Raises `ReplyLost`.

    With ``streams`` a long answer comes as pieces, else whole.
    """
    traffic(org).log(request.method, request.path + (f"?{request.query}" if request.query else ""))
    hits = faults.hitting(request)
    if not hits:
        return _encoded(request, handle(org, request), streams=streams)
    reply = _before(org, request, hits, sleep)
    if reply is None:
        reply = _after(org, request, hits, handle(org, request))
    cut = any(each.kind is FaultKind.CUT for each in hits)
    delivery = _encoded(request, reply, streams=streams and not cut)
    return replace(delivery, cut=len(delivery.body) // 2) if cut else delivery


def _encoded(request: Request, reply: Reply, *, streams: bool) -> Delivery:
    if streams and (found := stream(request, reply)) is not None:
        headers, pieces = found
        return Delivery(reply.status, headers, b"", pieces=pieces)
    return Delivery(reply.status, *encode(request, reply))


def _before(
    org: EmulatedOrg, request: Request, hits: list[Fault], sleep: Callable[[float], None]
) -> Reply | None:
    """Apply what comes before the effect; a reply when there shall be no effect."""
    for fault in hits:
        if fault.kind is FaultKind.DELAY:
            sleep(fault.seconds)
        elif fault.kind is FaultKind.HOLD:
            fault.cleared.wait(fault.seconds or None)
        elif fault.kind is FaultKind.EXPIRE:
            sessions.end_all_sessions(org)
        elif fault.kind is FaultKind.HOOK and fault.before is not None:
            fault.before(org, request)
        elif fault.kind is FaultKind.LOSE_BEFORE:
            raise ReplyLost
    _disturb_rows(request, hits)
    for fault in hits:
        if not fault.after_effect and (reply := _instead(fault)) is not None:
            return reply
    return None


def _disturb_rows(request: Request, hits: list[Fault]) -> None:
    """Hand the faults that are about rows and jobs on with the request."""
    locks = [fault for fault in hits if fault.kind is FaultKind.LOCK]
    if locks:
        request.locked = lambda record_id, values: any(each.locks(record_id, values) for each in locks)
    refusing = [fault for fault in hits if fault.kind is FaultKind.FAIL_ROWS]
    if refusing:
        request.refused = lambda record_id, values: next(
            (each.row_refusal() for each in refusing if each.locks(record_id, values)), None
        )
    stalls = [fault for fault in hits if fault.kind is FaultKind.STALL]
    if stalls:
        request.stalled = lambda: not all(each.cleared.is_set() for each in stalls)


def _after(org: EmulatedOrg, request: Request, hits: list[Fault], reply: Reply) -> Reply:
    for fault in hits:
        if fault.kind is FaultKind.HOOK and fault.after is not None:
            fault.after(org, request)
    if any(fault.kind is FaultKind.LOSE_AFTER for fault in hits):
        raise ReplyLost
    for fault in hits:
        if fault.after_effect and (instead := _instead(fault)) is not None:
            return instead
    return reply


def _instead(fault: Fault) -> Reply | None:
    """The answer that a fault puts in the place of the org's."""
    if fault.kind is FaultKind.STATUS:
        if isinstance(fault.reply, str):
            return text_reply(fault.status, fault.reply, "text/html;charset=UTF-8")
        default = [{"message": "An unexpected error occurred.", "errorCode": "UNKNOWN_EXCEPTION"}]
        return ok(default if fault.reply is None else fault.reply, fault.status)
    if fault.kind is FaultKind.THROTTLE:
        return rest_refusal(RequestLimitExceeded())
    if fault.kind is FaultKind.UNAVAILABLE:
        return text_reply(503, UNAVAILABLE_PAGE, "text/html;charset=UTF-8")
    return None
