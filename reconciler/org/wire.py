"""Calls to one org: signed in, repeated when that is safe, judged.

A call is repeated in three cases only. Refused for now (row locks, throttling, 503 with Salesforce's
errors) or never left: nothing happened, so anything may go again, with exponential backoff and full
jitter. A read: may always go again. A session that is no longer valid: sign in once, send once more.
A write whose answer was lost is never sent again from here.

What keeps a call from leaving is judged by `obstacles`. Until something has answered, attempts are few
and close together, because the address is more likely wrong than the network is down; afterwards a run
is under way and waits as long as for anything else. A certificate that is not trusted is not tried again.

Write calls wait for their answer longer than Salesforce's own limit of ten minutes a call: giving up
earlier would let us read the org while the write is still under way.
"""

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from reconciler.model.errors import AuthenticationFailed, NoReply, OrgError, Problem

from .answers import Answer, Meaning, judge
from .obstacles import Obstacle
from .redaction import excerpt
from .sign_in import Access, SignIn, sign_in
from .transport import Lost, NotSent, Transport

logger = logging.getLogger(__name__)

DEFAULT_API_VERSION = "62.0"
MAX_RETRY_AFTER_SECONDS = 60.0
STAND_IN = (
    "something else may answer in the org's place: check its url, the network's sign-in page and the proxy"
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect; between two pieces of the answer to a read, to a write."""

    connect: float = 10.0
    read: float = 300.0
    write: float = 610.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try again. ``sleep`` and ``draw`` (0 to 1) are passed in by tests."""

    attempts: int = 6
    first_seconds: float = 0.5
    longest_seconds: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = field(default=random.random)

    def pause(self, attempt: int, at_least_seconds: float = 0.0) -> None:
        """Wait before attempt number ``attempt + 1``, somewhere between nothing and twice the last bound."""
        bound = min(self.longest_seconds, self.first_seconds * 2**attempt)
        self.sleep(max(self.draw() * bound, min(at_least_seconds, MAX_RETRY_AFTER_SECONDS)))

    def at_first_contact(self) -> "Patience":
        """For an org that has not answered yet; some tenths of a second in all."""
        return replace(self, first_seconds=0.25, longest_seconds=0.5)


class Wire:
    """The calls of one org. Threads may share it. Signs in on the first call."""

    def __init__(
        self,
        name: str,
        url: str | None,
        how: SignIn,
        transport: Transport,
        *,
        version: str = DEFAULT_API_VERSION,
        patience: Patience | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.name = name
        self.version = version
        self.patience = patience or Patience()
        self.calls_made = 0
        self.calls_left: int | None = None
        self._url = url
        self._how = how
        self._transport = transport
        self._timeouts = timeouts or Timeouts()
        self._line: _Line | None = None
        self._lock = Lock()
        self._counting = Lock()

    @property
    def access(self) -> Access:
        """Who we are and where. Signs in when that has not happened yet."""
        return self._open_line().access

    @property
    def data_path(self) -> str:
        return f"/services/data/v{self.version}"

    def close(self) -> None:
        self._transport.close()

    def read(self, method: str, path: str, body: Any = None, *, about: str) -> Answer:
        """Send a call without effect and return its answer; 304 too.

        Raises `NoReply` when no whole answer came after all attempts, `OrgError` with Salesforce's
        code otherwise; ``about`` says in the message what was asked.
        """
        answer = self.exchange(method, path, body, repeatable=True)
        if answer.meaning in (Meaning.ANSWERED, Meaning.NOT_MODIFIED):
            return answer
        raise self.error(answer, about)

    def error(self, answer: Answer, about: str) -> OrgError:
        reason = f"{answer.code}: {answer.message}" if answer.code else answer.message
        problem = Problem(f"org {self.name}: {about} refused ({excerpt(reason)})")
        if answer.obstacle is not None:
            return self._unreachable(answer.obstacle)
        if answer.meaning is Meaning.UNKNOWN:
            problem = Problem(
                f"org {self.name}: no usable answer to {about} ({excerpt(reason)})",
                mend=None if answer.errors else STAND_IN,
            )
            return NoReply(problem, code=answer.code or "NO_REPLY", status=answer.status)
        return OrgError(problem, code=answer.code, status=answer.status)

    def exchange(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Answer:
        """Send a call and judge its answer, after all the attempts it may have.

        ``path`` begins with a slash. The answer's meaning is never SESSION; PASSING means the
        attempts are used up and nothing happened. Raises `AuthenticationFailed`, or `NoReply` from the
        login host, when there is no session; then the call had no effect. So it is with `OrgError`, when
        there is no way to the login host.
        """
        content = None if body is None else encode_json(body)
        renewed = False
        attempt = 0
        while True:
            line = self._open_line()
            answer = self._send_once(line, method, path, content, headers or {}, repeatable)
            if answer.meaning is Meaning.SESSION:
                if renewed:
                    raise self._session_refused(answer)
                renewed = True
                self._renew(line)
                continue
            lost = answer.meaning is Meaning.UNKNOWN and not 300 <= answer.status < 400
            again = answer.meaning is Meaning.PASSING or (repeatable and lost)
            attempt += 1
            if not again or attempt >= self._attempts(answer.obstacle):
                return answer
            logger.info("org %s: %s again, attempt %d", self.name, method, attempt + 1)
            self._pause(attempt, answer.obstacle, _retry_after(answer))

    def _attempts(self, obstacle: Obstacle | None) -> int:
        """How many attempts a call has; fewer where an obstacle lasts, or nothing ever answered."""
        if obstacle is None or (self._transport.answered and not obstacle.lasting):
            return self.patience.attempts
        return min(self.patience.attempts, obstacle.first_tries)

    def _pause(self, attempt: int, obstacle: Obstacle | None = None, at_least_seconds: float = 0.0) -> None:
        """Wait after attempt number ``attempt``."""
        first = obstacle is not None and not self._transport.answered
        patience = self.patience.at_first_contact() if first else self.patience
        patience.pause(attempt - 1, at_least_seconds)

    def _unreachable(self, obstacle: Obstacle) -> OrgError:
        problem = Problem(f"org {self.name} cannot be reached: {obstacle.what}", mend=obstacle.mend)
        return OrgError(problem, code=obstacle.code)

    def _send_once(
        self,
        line: "_Line",
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        repeatable: bool,
    ) -> Answer:
        wait = self._timeouts.read if repeatable else self._timeouts.write
        with self._counting:
            self.calls_made += 1
        try:
            raw = self._transport.send(
                method,
                line.base + path,
                body=content,
                headers={**line.headers, **headers},
                timeout=(self._timeouts.connect, wait),
            )
        except NotSent as error:
            return Answer(0, Meaning.PASSING, remark=f"not sent: {error}", obstacle=error.obstacle)
        except Lost as error:
            return Answer(0, Meaning.UNKNOWN, remark=f"the answer was lost: {error}")
        self._note_limits(raw.headers)
        return judge(raw.status, raw.content, raw.headers)

    def _note_limits(self, headers: Mapping[str, str]) -> None:
        left = calls_left(headers.get("Sforce-Limit-Info", ""))
        if left is not None:
            self.calls_left = left

    def _open_line(self) -> "_Line":
        with self._lock:
            if self._line is None:
                self._line = self._sign_in()
            return self._line

    def _renew(self, stale: "_Line") -> None:
        """Sign in again, unless another thread has done so since ``stale`` was used."""
        with self._lock:
            if self._line is not stale:
                return
            if not self._how.renewable:
                raise AuthenticationFailed(
                    Problem(
                        f"org {self.name}: the access token is expired or invalid (INVALID_SESSION_ID)",
                        mend="get a new one; a sign-in by jwt or sf_cli renews itself",
                    ),
                    code="INVALID_SESSION_ID",
                    status=401,
                )
            line = self._sign_in()
            if not line.access.same_org(stale.access):
                raise AuthenticationFailed(
                    Problem(
                        f"org {self.name}: signing in again led to another org than before",
                        mend="start over with a new plan; the sign-in was re-pointed meanwhile",
                    ),
                    code="OTHER_ORG",
                )
            self._line = line

    def _sign_in(self) -> "_Line":
        attempt = 0
        while True:
            attempt += 1
            try:
                access = sign_in(self._how, self._url, self._transport, self.version, self._timeouts.connect)
                return _Line.to(access, self.version, self._transport)
            except NotSent as error:
                if attempt >= self._attempts(error.obstacle):
                    raise self._unreachable(error.obstacle) from error
                self._pause(attempt, error.obstacle)
            except NoReply:
                if attempt >= self.patience.attempts:
                    raise
                self._pause(attempt)

    def _session_refused(self, answer: Answer) -> AuthenticationFailed:
        return AuthenticationFailed(
            Problem(
                f"org {self.name}: a new session was refused too ({excerpt(answer.code or answer.message)})",
                mend="check that the user may use the API and that no policy ends the session",
            ),
            code=answer.code or "INVALID_SESSION_ID",
            status=answer.status,
        )


@dataclass(frozen=True)
class _Line:
    """A session in use: where calls go and the headers they carry. Its repr shows no token."""

    access: Access
    base: str
    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def to(cls, access: Access, version: str, transport: Transport) -> "_Line":
        from simple_salesforce.api import Salesforce

        session = Salesforce(
            session_id=access.token.reveal(),
            instance_url=access.url,
            version=version,
            session=transport.session,
        )
        headers = {name: text for name, text in session.headers.items() if name != "X-PrettyPrint"}
        # Addresses are ours: simple-salesforce writes https into each, and here it may be plain http.
        return cls(access, access.url, {**headers, "Accept": "application/json"})


def encode_json(content: Any) -> bytes:
    """Compact JSON. Raises ValueError for what JSON cannot hold."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()


def calls_left(limit_info: str) -> int | None:
    """What an answer's `Sforce-Limit-Info` leaves of the day's calls.

    >>> calls_left("api-usage=25/5000; per-app-api-usage=17/250(appName=sample)")
    4975
    """
    for part in limit_info.replace(",", ";").split(";"):
        name, _, usage = part.strip().partition("=")
        used, _, most = usage.partition("/")
        if name == "api-usage" and _is_count(used) and _is_count(most):
            return max(0, int(most) - int(used))
    return None


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) < 19  # int() refuses thousands of digits


def _retry_after(answer: Answer) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0
