"""From a reply to bytes, and from a refusal to the reply each API family gives.

REST refusals are an array of `message`, `errorCode` and, for writes, `fields`; an address that
leads nowhere has the first two the other way round. Both orders are as recorded. So has everything
below the UI API and Connect, without fields (User Interface API Developer Guide, "Status Codes and
Error Responses").
"""

import gzip

from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http.jsonform import write_json
from reconciler.emulator.http.message import Reply, Request

USUAL = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "X-Robots-Tag": "none",
    "Cache-Control": "no-cache,must-revalidate,max-age=0,no-store,private",
}
"""Header fields of every answer, as recorded; an endpoint's own go before them."""
GZIP_FROM_BYTES = 2048
"""Shorter bodies are sent as they are."""

GZIP_LEVEL = 1


def error_entry(error: ApiError) -> dict[str, object]:
    """One refusal as REST writes it."""
    if isinstance(error, NotFound):
        return {"errorCode": error.code, "message": error.message}
    if error.detail:
        return {**error.detail, "errorCode": error.code, "message": error.message}
    entry: dict[str, object] = {"message": error.message, "errorCode": error.code}
    if error.fields is not None:
        entry["fields"] = error.fields
    return entry


def rest_refusal(error: ApiError) -> Reply:
    headers = {"WWW-Authenticate": "Token"} if error.status == 401 else {}
    return Reply(
        status=error.status, value=[error_entry(each) for each in (error, *error.further)], headers=headers
    )


CONNECT = frozenset(["ui-api", "connect", "named-credentials", "chatter"])
"""First segments below the data root whose refusals are told as Connect tells them."""


def connect_refusal(error: ApiError) -> Reply:
    """A refusal of the UI API and of Connect."""
    if error.status == 401:
        return rest_refusal(error)
    return Reply(status=error.status, value=[{"errorCode": error.code, "message": error.message}])


def result_errors(error: ApiError) -> list[dict[str, object]]:
    """The refusals of one row as the results of collections, trees and jobs write them."""
    return [
        {"statusCode": each.code, "message": each.message, "fields": each.fields or []}
        for each in (error, *error.further)
    ]


def encode(request: Request, reply: Reply) -> tuple[dict[str, str], bytes]:
    """The header fields and the body that go over the wire.

    The body of an answer to HEAD is left out, its length stays.
    """
    headers = {**USUAL, **reply.headers}
    if reply.empty:
        if reply.status not in (204, 304):
            headers["Content-Length"] = "0"
        return headers, b""
    if reply.raw is None:
        body = write_json(reply.value, pretty=request.headers.find("x-prettyprint") == "1")
    else:
        body = reply.raw
    headers.setdefault("Content-Type", reply.content_type)
    if len(body) >= GZIP_FROM_BYTES and "gzip" in request.headers.find("accept-encoding").lower():
        body = gzip.compress(body, GZIP_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
        if etag := headers.get("ETag"):
            headers["ETag"] = f'{etag[:-1]}--gzip"'
    headers["Vary"] = "Accept-Encoding"
    headers["Content-Length"] = str(len(body))
    return headers, b"" if request.method == "HEAD" else body
