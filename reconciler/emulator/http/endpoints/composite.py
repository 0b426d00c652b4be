"""Up to 25 calls in one, later ones using what earlier ones answered.

With `allOrNone` all subrequests share one transaction and a failure turns every other one, also
those before it, into PROCESSING_HALTED. Without it each commits by itself; one that refers to a
failed one cannot run and is halted alone.

A reference is `@{id.path}`, where the path goes through objects and lists (`records[0].Id`). A string
that is nothing but a reference takes the value's type, one inside other text its text.

Source: REST API Developer Guide, "Composite" and "Using Reference IDs".
"""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from reconciler.emulator.bounds import Bound, most
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http import routing
from reconciler.emulator.http.api_version import version_of
from reconciler.emulator.http.envelope import rest_refusal
from reconciler.emulator.http.message import Headers, Reply, Request, ok
from reconciler.emulator.http.routing import Family, route
from reconciler.emulator.org import EmulatedOrg

METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
FORBIDDEN_HEADERS = ("accept", "authorization", "content-type")
REFERENCE_ID = re.compile(r"[A-Za-z0-9]\w*\Z", re.ASCII)
REFERENCE = re.compile(r"@\{([^{}]*)\}")
STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
COUNTED = re.compile(r"/services/data/v\d+\.0/(query|queryAll|composite/sobjects)(/|\?|\Z)")
ALLOWED = re.compile(
    r"/services/data/v\d+\.0/(sobjects|query|queryAll|composite/sobjects|limits|search|parameterizedSearch|recent)"
    r"(/|\?|\Z)|/services/data/v\d+\.0/?\Z"
)
ALLOWED_TOOLING = re.compile(r"/services/data/v\d+\.0/tooling/(sobjects|query)(/|\?|\Z)")
ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."


class ProcessingHalted(ApiError):
    code = "PROCESSING_HALTED"


class BadComposite(ApiError):
    """The whole call is refused; texts not verified."""

    code = "INVALID_INPUT"


class RolledBack(Exception):
    """Leaves the transaction of an all-or-none composite that failed."""


@route(
    "POST",
    "/composite",
    lacks=[
        "collateSubrequests changes nothing",
    ],
)
def composite(org: EmulatedOrg, request: Request) -> Reply:
    """Run subrequests in order. The call itself is 200 when it is well formed."""
    body = request.json
    if not isinstance(body, dict):
        raise ApiError("The request body must be an object", code="JSON_PARSER_ERROR")
    entries = checked_entries(body.get("compositeRequest"), most(org, Bound.COMPOSITE_SUBREQUESTS))
    queries = most(org, Bound.COMPOSITE_QUERIES)
    if sum(bool(COUNTED.match(each["url"])) for each in entries) > queries:
        raise BadComposite(
            f"The request can't contain more than {queries} query or sObject collections operations."
        )
    results = run_entries(org, request, entries, all_or_none=body.get("allOrNone") is True)
    return ok({"compositeResponse": results})


def checked_entries(entries: Any, most: int) -> list[dict[str, Any]]:
    """The subrequests, if their form allows running any. Raises `BadComposite`."""
    if not isinstance(entries, list) or not entries:
        raise ApiError("At least 1 composite subrequest is required", code="REQUIRED_FIELD_MISSING")
    if len(entries) > most:
        raise BadComposite(f"The number of subrequests in the request exceeded the limit of {most}.")
    seen: set[str] = set()
    for entry in entries:
        _check_entry(entry, seen)
    return entries


def _check_entry(entry: Any, seen: set[str]) -> None:
    if not isinstance(entry, dict):
        raise ApiError("A composite subrequest must be an object", code="JSON_PARSER_ERROR")
    for name in ("method", "url", "referenceId"):
        if not isinstance(entry.get(name), str) or not entry[name]:
            raise ApiError(f"{name} is required in a composite subrequest", code="REQUIRED_FIELD_MISSING")
    if entry["method"] not in METHODS:
        raise BadComposite(f"Invalid method: {entry['method']}")
    if not REFERENCE_ID.match(entry["referenceId"]):
        raise BadComposite(f"Invalid reference ID: {entry['referenceId']}")
    if entry["referenceId"] in seen:
        raise BadComposite(f"Duplicate reference ID: {entry['referenceId']}")
    seen.add(entry["referenceId"])
    for name in entry.get("httpHeaders") or {}:
        if name.lower() in FORBIDDEN_HEADERS:
            raise BadComposite(f"Header {name} is not allowed in a composite subrequest")


def run_entries(
    org: EmulatedOrg, request: Request, entries: list[dict[str, Any]], *, all_or_none: bool
) -> list[dict[str, Any]]:
    """The results of the subrequests, in order, as `compositeResponse` writes them."""
    if not all_or_none:
        return _run_each(org, request, entries, stop=False)
    results: list[dict[str, Any]] = []
    try:
        with org.transaction(request.user_id) as transaction:
            shared = replace(request, transaction=transaction)
            results = _run_each(org, shared, entries, stop=True)
            if any(_failed(each) for each in results):
                raise RolledBack
    except RolledBack:
        results = halted(entries, results)
    return results


def _run_each(
    org: EmulatedOrg, request: Request, entries: list[dict[str, Any]], *, stop: bool
) -> list[dict[str, Any]]:
    answers: dict[str, Reply] = {}
    results = []
    for entry in entries:
        reply = _run_one(org, request, entry, answers)
        answers[entry["referenceId"]] = reply
        results.append(_result(entry, reply))
        if stop and _failed(results[-1]):
            break
    return results


def _failed(result: dict[str, Any]) -> bool:
    """Whether a subrequest failed; one over a collection fails with any of its records."""
    body = result["body"]
    inner = isinstance(body, list) and any(
        isinstance(each, dict) and each.get("success") is False for each in body
    )
    return (result["httpStatusCode"] >= 300 and result["httpStatusCode"] != 304) or inner


def halted(entries: list[dict[str, Any]], results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All results of an undone call: the failed ones as they are, the others halted."""
    known = {each["referenceId"]: each for each in results if _failed(each)}
    refusal = rest_refusal(ProcessingHalted(ROLLED_BACK))
    return [known.get(entry["referenceId"]) or _result(entry, refusal) for entry in entries]


def _result(entry: dict[str, Any], reply: Reply) -> dict[str, Any]:
    return {
        "body": None if reply.empty else reply.value,
        "httpHeaders": dict(reply.headers),
        "httpStatusCode": reply.status,
        "referenceId": entry["referenceId"],
    }


def _run_one(org: EmulatedOrg, request: Request, entry: dict[str, Any], answers: dict[str, Reply]) -> Reply:
    try:
        url = _resolve_url(entry["url"], answers)
        value = _resolve(entry.get("body"), answers)
        return run_subrequest(
            org, request, entry["method"], url, value, Headers(entry.get("httpHeaders") or {})
        )
    except ApiError as error:
        return rest_refusal(error)


def run_subrequest(
    org: EmulatedOrg, request: Request, method: str, url: str, value: Any, headers: Headers | None = None
) -> Reply:
    """Answer one call inside another. Refusals are answered, not raised."""
    if not (ALLOWED_TOOLING if "/tooling/" in request.path else ALLOWED).match(url):
        return rest_refusal(ProcessingHalted(f"The url {url} is not supported in a composite subrequest."))
    sub = request.sub(method, url, value, headers)
    try:
        sub.version = version_of(sub.path)
        match = routing.find(method, sub.path)
        if match is None or match.route.family is not Family.REST:
            raise NotFound
        return match.answer(org, sub)
    except ApiError as error:
        return rest_refusal(error)


# -- references --------------------------------------------------------------------------------------


def _resolve(value: Any, answers: dict[str, Reply]) -> Any:
    if isinstance(value, str):
        if (whole := REFERENCE.fullmatch(value)) is not None:
            return _look_up(whole[1], answers)
        return REFERENCE.sub(lambda found: _as_text(_look_up(found[1], answers)), value)
    if isinstance(value, dict):
        return {name: _resolve(each, answers) for name, each in value.items()}
    if isinstance(value, list):
        return [_resolve(each, answers) for each in value]
    return value


def _resolve_url(url: str, answers: dict[str, Reply]) -> str:
    return REFERENCE.sub(lambda found: quote(_as_text(_look_up(found[1], answers)), safe=""), url)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _look_up(path: str, answers: dict[str, Reply]) -> Any:
    reference, _, rest = path.partition(".")
    name, bracket, index = reference.partition("[")
    rest = bracket + index + ("." + rest if rest else "") if bracket else rest
    reply = answers.get(name)
    if reply is None or reply.failed:
        raise ProcessingHalted(f"Invalid reference specified. No value for {path} found in {name}")
    value = reply.value
    for step in STEP.finditer(rest):
        try:
            value = value[int(step[2])] if step[2] is not None else value[step[1]]
        except (KeyError, IndexError, TypeError) as error:
            raise ProcessingHalted(
                f"Invalid reference specified. No value for {path} found in {name}"
            ) from error
    return value
