"""One call from request to reply, whoever carries it.

The order is Salesforce's: size of the head, address, version, session, allowance, method, endpoint.
Whatever is raised becomes the envelope of the family that was asked; an exception that is no
refusal is our bug, keeps its traceback in the log and answers 500 as an org would.

Source: REST API Developer Guide, "Status Codes and Error Responses"; Salesforce Developer Limits.
"""

import logging
from dataclasses import replace

from reconciler.emulator.disk import CannotStore, is_trouble
from reconciler.emulator.errors import ApiError
from reconciler.emulator.http import absent, oauth_errors, routing, sessions, soapform
from reconciler.emulator.http.api_version import version_of
from reconciler.emulator.http.envelope import CONNECT, connect_refusal, encode, rest_refusal
from reconciler.emulator.http.message import Headers, Reply, Request
from reconciler.emulator.http.routing import Family, Route
from reconciler.emulator.http.spool import BadGzip, Spool, gather, unzipped
from reconciler.emulator.http.traffic import traffic
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.turns import turns

log = logging.getLogger(__name__)

HEAD_BYTES = 16_384
"""Address and header fields together."""


class HeadTooLarge(ApiError):
    """Source: Salesforce Developer Limits, "API Request Limits and Allocations"; text not verified."""

    def __init__(self, status: int) -> None:
        what = "URI Too Long" if status == 414 else "Request Header Fields Too Large"
        super().__init__(what, code=what.upper().replace(" ", "_"), status=status)


class BodyTooLarge(ApiError):
    status, code = 413, "REQUEST_ENTITY_TOO_LARGE"


class UnsupportedMediaType(ApiError):
    """Source: "Status Codes and Error Responses"; text not verified."""

    status, code = 415, "UNSUPPORTED_MEDIA_TYPE"

    def __init__(self, content_type: str) -> None:
        super().__init__(f"Content type {content_type} not supported for this resource")


class Unexpected(ApiError):
    status, code = 500, "UNKNOWN_EXCEPTION"

    def __init__(self) -> None:
        super().__init__(
            "An unexpected error occurred. Please include this ErrorId if you contact support: "
            "1234567890-12345 (-1234567890)"
        )


def handle(org: EmulatedOrg, request: Request) -> Reply:
    """Answer one call. Never raises; changes the org only as far as the endpoint does."""
    family = _family(request.path)
    try:
        whole = _unpacked(request)
        with turns(org):
            reply = _checked(org, whole)
    except ApiError as error:
        reply = _refuse(family, request, error)
    except Exception as error:
        log.exception("%s %s failed", request.method, request.path)
        reply = _refuse(
            family, request, CannotStore("to its database", error) if is_trouble(error) else Unexpected()
        )
    if family is Family.REST and reply.status != 401:
        info = traffic(org).limit_info(org.clock.now_ms())
        reply = replace(reply, headers={"Sforce-Limit-Info": info, **reply.headers})
    return reply


def exchange(org: EmulatedOrg, request: Request) -> tuple[int, dict[str, str], bytes]:
    """`handle`, down to status, header fields and bytes."""
    reply = handle(org, request)
    return (reply.status, *encode(request, reply))


def _family(path: str) -> Family:
    """How a refusal looks when no route was found: by the start of the path."""
    if path.startswith("/services/Soap/"):
        return Family.SOAP
    if path.startswith("/services/oauth2/"):
        return Family.OAUTH
    if path.startswith("/services/async/"):
        return Family.ASYNC
    return Family.REST if path.startswith("/services/data/v") else Family.OPEN


def _refuse(family: Family, request: Request, error: ApiError) -> Reply:
    if family is Family.SOAP:
        return soapform.fault(request, error)
    if family is Family.ASYNC:
        from reconciler.emulator.http import asyncform

        return asyncform.refusal(request, error)
    if isinstance(error, oauth_errors.OAuthRefusal):
        return error.reply()
    if family is Family.REST and set(request.path.split("/")[4:5]) & CONNECT:
        return connect_refusal(error)
    return rest_refusal(error)


def _checked(org: EmulatedOrg, request: Request) -> Reply:
    _check_size(request)
    if request.method == "POST" and "_HttpMethod" in request.params:
        request = replace(request, method=request.params["_HttpMethod"].upper())
    request.version = version_of(request.path)
    try:
        match = routing.find(request.method, request.path)
    except routing.MethodNotAllowed:
        if _family(request.path) is Family.REST:
            _sign_in(org, request)
        raise
    if match is None:
        if _family(request.path) is Family.REST or request.path.startswith(absent.APEX_REST):
            _sign_in(org, request)
            traffic(org).count(org.clock.now_ms())
        raise absent.refusal(request.path)
    if match.route.family is Family.REST:
        _sign_in(org, request)
        traffic(org).count(org.clock.now_ms())
        _check_media_type(request, match.route)
    _take_body(request, match.route)
    return match.answer(org, request)


def _unpacked(request: Request) -> Request:
    """The request with its body as it was before the client compressed it."""
    encoding = request.headers.find("content-encoding").strip().lower()
    if encoding in ("", "identity") or not request.body_bytes:
        return request
    if encoding != "gzip":
        raise UnsupportedMediaType(encoding)
    if request.spool is not None and not request.spool.is_whole:
        return request
    try:
        found = gather(unzipped(request.body_pieces()))
    except BadGzip as error:
        raise ApiError("Not in GZIP format", code="JSON_PARSER_ERROR") from error
    left = Headers({k: v for k, v in request.headers.items() if k != "content-encoding"})
    if isinstance(found, Spool):
        return replace(request, headers=left, body=b"", spool=found)
    return replace(request, headers=left, body=found, spool=None)


def _check_size(request: Request) -> None:
    address = len(request.path) + len(request.query)
    if address > HEAD_BYTES:
        raise HeadTooLarge(414)
    if address + sum(len(name) + len(value) + 4 for name, value in request.headers.items()) > HEAD_BYTES:
        raise HeadTooLarge(431)


def _take_body(request: Request, route: Route) -> None:
    """Have the body in memory, unless the endpoint takes it by pieces."""
    if route.most_bytes is None:
        return
    if request.body_bytes > route.most_bytes:
        raise BodyTooLarge(f"Request body exceeds {route.most_bytes} bytes")
    request.hold_body()


def _sign_in(org: EmulatedOrg, request: Request) -> None:
    authorization = request.headers.find("authorization")
    if not authorization:
        raise sessions.InvalidAuthHeader
    request.session = sessions.resume(org, sessions.bearer_token(authorization))


def _check_media_type(request: Request, route: Route) -> None:
    if request.method in ("POST", "PATCH", "PUT") and request.body_bytes:
        given = request.headers.find("content-type").partition(";")[0].strip().lower()
        if given not in route.media:
            raise UnsupportedMediaType(given)
