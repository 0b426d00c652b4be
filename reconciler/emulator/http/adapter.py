"""The emulated org inside the client's process: an adapter to mount on a `requests` session.

    session.mount("https://", EmulatorAdapter(org))

Whatever host the client asks is answered by the org, in that host's name. A lost reply is the
`ConnectionError` that a closed connection would be, a cut one the error of reading its body.
"""

import io
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from reconciler.emulator.http.faults import Delivery, Faults, ReplyLost, deliver
from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.http.spool import PIECE_BYTES, Spool, gather
from reconciler.emulator.org import EmulatedOrg


class EmulatorAdapter(BaseAdapter):
    """Carries the calls of a session to an org in this process. Keeps no connection."""

    def __init__(self, org: EmulatedOrg, faults: Faults | None = None) -> None:
        super().__init__()
        self.org = org
        self.faults = Faults() if faults is None else faults
        self._shape = HTTPAdapter()

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Answer one prepared request. Raises what `requests` raises for a broken connection."""
        waited = _Waiting(timeout[1] if isinstance(timeout, tuple) else timeout)
        try:
            delivery = deliver(self.org, _read(request), self.faults, sleep=waited, streams=True)
        except ReplyLost as error:
            raise requests.exceptions.ConnectionError(
                "Connection aborted: the server closed it without an answer", request=request
            ) from error
        if waited.too_long:
            raise requests.exceptions.ReadTimeout("Read timed out.", request=request)
        return self._shape.build_response(request, _raw(request, delivery))

    def close(self) -> None:
        self._shape.close()


class _Waiting:
    """Sleeps as long as the client would wait; what goes beyond is the client's time-out."""

    def __init__(self, limit: float | None) -> None:
        self._left = limit
        self.too_long = False

    def __call__(self, seconds: float) -> None:
        if self._left is not None and seconds > self._left:
            seconds, self.too_long = self._left, True
        time.sleep(seconds)
        if self._left is not None:
            self._left -= seconds


def _read(prepared: requests.PreparedRequest) -> Request:
    address = urlsplit(prepared.url or "")
    headers = Headers({str(name): _text(value) for name, value in prepared.headers.items()})
    headers.setdefault("host", address.netloc.rpartition("@")[2])
    body = gather(_pieces(prepared.body))
    return Request(
        method=prepared.method or "GET",
        path=address.path or "/",
        query=address.query,
        headers=headers,
        body=body if isinstance(body, bytes) else b"",
        spool=body if isinstance(body, Spool) else None,
        scheme=address.scheme,
    )


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _pieces(body: Any) -> Iterator[bytes]:
    """What `requests` takes for a body: bytes, text, a file, or an iterable of them."""
    if isinstance(body, str):
        yield body.encode()
    elif isinstance(body, bytes | bytearray):
        yield bytes(body)
    elif hasattr(body, "read"):
        while piece := body.read(PIECE_BYTES):
            yield from _pieces(piece)
    elif body is not None:
        for each in body:
            yield from _pieces(each)


class _Made(io.RawIOBase):
    """A body that is made while it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count


def _raw(prepared: requests.PreparedRequest, delivery: Delivery) -> HTTPResponse:
    return HTTPResponse(
        body=_Made(delivery.pieces) if delivery.pieces else io.BytesIO(delivery.body[: delivery.cut]),
        headers=HTTPHeaderDict(
            (name, value) for name, value in delivery.headers.items() if name != "Transfer-Encoding"
        ),
        status=delivery.status,
        reason=None,
        preload_content=False,
        request_method=prepared.method,
        enforce_content_length=True,
    )
