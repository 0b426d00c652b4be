"""What an answer means for the rows that were sent: the outcome policy, as a table.

The question is always: did it have its effect? A Salesforce error body says no; some of those pass
by themselves and are worth another try. An answer that Salesforce did not write, or one that stops
in the middle, says nothing: the effect is unknown, and only looking at the org can tell.

Rows of `POLICY` are tried in order; the first that fits decides. Sources: REST API Developer
Guide, "Status Codes and Error Responses" and "Conditional Request Headers"; RFC 9110 section 15.5
for the statuses that say a request was not acted upon.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reconciler.model.outcome import Applied, Outcome, Refused, Unknown

from .ids import is_record_id, long_id, same_id
from .obstacles import Obstacle
from .redaction import excerpt, redact


class Body(StrEnum):
    """What kind of body came. ERRORS: Salesforce's array of errors. FOREIGN: HTML, a cut body, other text."""

    EMPTY = "empty"
    JSON = "json"
    ERRORS = "errors"
    FOREIGN = "foreign"


class Meaning(StrEnum):
    ANSWERED = "answered"
    NOT_MODIFIED = "not_modified"
    MOVED = "moved"
    REFUSED = "refused"
    PASSING = "passing"
    """Refused for now: no effect, and likely to be taken later."""
    SESSION = "session"
    """Refused for want of a valid session: no effect; sign in again."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    """Empty ``bodies`` or ``codes`` fit all. ``statuses`` is a range's ends, both included."""

    statuses: tuple[int, int]
    meaning: Meaning
    bodies: Collection[Body] = ()
    codes: Collection[str] = ()

    def fits(self, status: int, body: Body, codes: Collection[str]) -> bool:
        low, high = self.statuses
        return (
            low <= status <= high
            and (not self.bodies or body in self.bodies)
            and (not self.codes or any(code in self.codes for code in codes))
        )


ROW_LOCKED = "UNABLE_TO_LOCK_ROW"
PASSING_CODES = frozenset(
    {ROW_LOCKED, "SERVER_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE"}
)
"""Definite refusals that pass by themselves."""

STOPPED_CODES = frozenset({"REQUEST_RUNNING_TOO_LONG", "UNKNOWN_EXCEPTION"})
"""Salesforce broke off in the middle; it promises a rollback, which we check rather than believe."""

GONE_CODES = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"})

ERRORS = (Body.ERRORS,)
POLICY: tuple[Rule, ...] = (
    Rule((401, 401), Meaning.SESSION),
    Rule((200, 203), Meaning.ANSWERED, bodies=(Body.JSON,)),
    Rule((204, 204), Meaning.ANSWERED, bodies=(Body.EMPTY,)),
    Rule((304, 304), Meaning.NOT_MODIFIED),
    Rule((301, 303), Meaning.UNKNOWN),  # may lead to the result of what was done; not followed
    Rule((300, 399), Meaning.REFUSED),  # several rows match, or to be sent elsewhere; not followed
    Rule((412, 412), Meaning.MOVED),
    Rule((400, 599), Meaning.UNKNOWN, bodies=ERRORS, codes=STOPPED_CODES),
    Rule((400, 599), Meaning.PASSING, bodies=ERRORS, codes=PASSING_CODES),
    Rule((429, 429), Meaning.PASSING, bodies=ERRORS),
    Rule((503, 503), Meaning.PASSING, bodies=ERRORS),
    Rule((400, 499), Meaning.REFUSED, bodies=ERRORS),
    # Without Salesforce's errors: statuses by which a server says that it did not act.
    Rule((400, 400), Meaning.REFUSED),
    Rule((404, 405), Meaning.REFUSED),
    Rule((407, 407), Meaning.REFUSED),
    Rule((410, 411), Meaning.REFUSED),
    Rule((413, 415), Meaning.REFUSED),
    Rule((431, 431), Meaning.REFUSED),
    Rule((100, 599), Meaning.UNKNOWN),
)


@dataclass(frozen=True, slots=True)
class ApiError:
    """One error of Salesforce's, redacted."""

    code: str
    message: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came, judged. ``content`` is the decoded JSON of a JSON body, else None."""

    status: int
    meaning: Meaning
    content: Any = None
    errors: Sequence[ApiError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""
    """What came, in words, when it is not Salesforce's errors."""
    obstacle: Obstacle | None = None
    """What kept the call from leaving, when nothing was sent."""

    @property
    def code(self) -> str:
        return self.errors[0].code if self.errors else ""

    @property
    def message(self) -> str:
        return "; ".join(error.message for error in self.errors) or self.remark

    @property
    def fields(self) -> tuple[str, ...]:
        return self.errors[0].fields if self.errors else ()


def judge(status: int, raw: bytes, headers: Mapping[str, str]) -> Answer:
    """What an answer with ``status`` and body ``raw`` means."""
    if not raw.strip():
        return judge_content(status, None, headers)
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        start = excerpt(raw[:2000].decode("utf-8", "replace"), limit=160)
        remark = _redirection(status, headers) or f"HTTP {status} without a Salesforce body: {start}"
        return Answer(status, meaning_of(status, Body.FOREIGN), headers=headers, remark=remark)
    return judge_content(status, content, headers)


def judge_content(status: int, content: Any, headers: Mapping[str, str]) -> Answer:
    """As `judge`, for a body already decoded; None is an empty one."""
    errors = read_errors(content) if is_errors(content) else ()
    kind = Body.EMPTY if content is None else Body.ERRORS if errors else Body.JSON
    return Answer(
        status=status,
        meaning=meaning_of(status, kind, [error.code for error in errors]),
        content=content,
        errors=errors,
        headers=headers,
        remark="" if errors else _redirection(status, headers) or _bare(status, content),
    )


def meaning_of(status: int, body: Body, codes: Collection[str] = ()) -> Meaning:
    return next((rule.meaning for rule in POLICY if rule.fits(status, body, codes)), Meaning.UNKNOWN)


def is_errors(content: Any) -> bool:
    """Whether ``content`` is Salesforce's error form: a list of ``{message, errorCode[, fields]}``."""
    return (
        isinstance(content, list)
        and bool(content)
        and all(isinstance(each, dict) and isinstance(each.get("errorCode"), str) for each in content)
    )


def read_errors(errors: Any) -> tuple[ApiError, ...]:
    """Errors out of either form: `errorCode` in an error body, `statusCode` in a row's result."""
    return tuple(_read_error(each) for each in errors if isinstance(each, dict))


def _read_error(error: Mapping[str, Any]) -> ApiError:
    code = error.get("errorCode", error.get("statusCode"))
    names = error.get("fields")
    return ApiError(
        code=code if isinstance(code, str) else "UNKNOWN",
        message=redact(str(error.get("message") or "")).strip(),
        fields=tuple(map(str, names)) if isinstance(names, list) else (),
    )


def _bare(status: int, content: Any) -> str:
    return f"HTTP {status}" + (" with an empty body" if content is None else "")


def _redirection(status: int, headers: Mapping[str, str]) -> str:
    target = headers.get("Location")
    if not target or not 300 <= status < 400:
        return ""
    return f"HTTP {status}, redirected to {excerpt(target, limit=100)}; not followed"


def read_results(results: Any, sent: Sequence[str | None], *, deleting: bool = False) -> list[Outcome]:
    """The outcome of each row of a collections call, in the order sent.

    ``sent`` holds the record id of each row, None for rows to create. An answer that does not fit
    what was sent (another length, another row's id) says nothing about any row: all are `Unknown`.
    """
    if not isinstance(results, list) or len(results) != len(sent):
        return _all_unknown(sent, f"the answer does not hold one result for each of {len(sent)} rows")
    outcomes = [
        read_result(result, record_id, deleting=deleting)
        for result, record_id in zip(results, sent, strict=True)
    ]
    if any(outcome is None for outcome in outcomes):
        return _all_unknown(sent, "the answer's results are not in the order of the rows sent")
    return [outcome for outcome in outcomes if outcome is not None]


def read_result(result: Any, record_id: str | None, *, deleting: bool = False) -> Outcome | None:
    """One row's outcome; None when the result speaks of another row."""
    if not isinstance(result, dict) or not isinstance(result.get("success"), bool):
        return Unknown("the answer holds no result for this row")
    answered = result.get("id")
    if record_id and is_record_id(answered) and not same_id(answered, record_id):
        return None
    if result["success"]:
        if not is_record_id(answered):
            return (
                Applied(long_id(record_id))
                if record_id
                else Unknown("the answer holds no id for the new row")
            )
        return Applied(long_id(answered))
    errors = read_errors(result.get("errors") or ())
    if not errors:
        return Unknown("the row failed without an error")
    return refusal(errors, record_id, deleting=deleting)


def refusal(errors: Sequence[ApiError], record_id: str | None, *, deleting: bool = False) -> Outcome:
    """What Salesforce's errors mean for a row: gone is as good as deleted, and news for an update."""
    first = errors[0]
    if deleting and record_id and first.code in GONE_CODES:
        return Applied(long_id(record_id))
    gone = record_id is not None and first.code == "ENTITY_IS_DELETED" and not first.fields
    message = "; ".join(error.message for error in errors if error.message)
    return Refused(code=first.code, message=message, fields=first.fields, moved=gone)


def _all_unknown(sent: Sequence[str | None], why: str) -> list[Outcome]:
    return [Unknown(why) for _ in sent]
