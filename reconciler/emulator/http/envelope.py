"""From a reply to bytes, and from a refusal to the reply each API family gives.

REST refusals are an array of `message`, `errorCode` and, for writes, `fields`; an address that
leads nowhere has the first two the other way round. Both orders are as recorded. So has everything
below the UI API and Connect, without fields (User Interface API Developer Guide, "Status Codes and
Error Responses").
"""

import gzip
from collections.abc import Iterator
from itertools import chain

from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http.jsonform import write_json
from reconciler.emulator.http.message import Reply, Request
from reconciler.emulator.http.spool import zipped

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
HELD_BYTES = 512 * 1024
"""An answer made in pieces that is longer goes out in pieces."""


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
    if reply.pieces is not None:
        body = b"".join(reply.pieces)
    elif reply.raw is not None:
        body = reply.raw
    else:
        body = write_json(reply.value, pretty=request.headers.find("x-prettyprint") == "1")
    headers.setdefault("Content-Type", reply.content_type)
    if len(body) >= GZIP_FROM_BYTES and takes_gzip(request):
        body = gzip.compress(body, GZIP_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
        if etag := headers.get("ETag"):
            headers["ETag"] = f'{etag[:-1]}--gzip"'
    headers["Vary"] = "Accept-Encoding"
    headers["Content-Length"] = str(len(body))
    return headers, b"" if request.method == "HEAD" else body


def takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.find("accept-encoding").lower()


def stream(request: Request, reply: Reply) -> tuple[dict[str, str], Iterator[bytes]] | None:
    """As `encode`, of an answer too long to be held: its length is not told. None for a short one."""
    if reply.pieces is None or request.method == "HEAD":
        return None
    first: list[bytes] = []
    size = 0
    for piece in reply.pieces:
        first.append(piece)
        size += len(piece)
        if size > HELD_BYTES:
            break
    pieces: Iterator[bytes] = chain(first, reply.pieces)
    if size <= HELD_BYTES:
        reply.pieces = pieces
        return None
    headers = {**USUAL, **reply.headers}
    headers.setdefault("Content-Type", reply.content_type)
    if takes_gzip(request):
        headers["Content-Encoding"] = "gzip"
        pieces = zipped(pieces, GZIP_LEVEL)
    return {**headers, "Vary": "Accept-Encoding", "Transfer-Encoding": "chunked"}, pieces
