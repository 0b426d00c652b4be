"""The emulated org inside the client's process: an adapter to mount on a `requests` session.

    session.mount("https://", EmulatorAdapter(org))

Whatever host the client asks is answered by the org, in that host's name. A lost reply is the
`ConnectionError` that a closed connection would be, a cut one the error of reading its body.
"""

import io
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from reconciler.emulator.http.faults import Delivery, Faults, ReplyLost, deliver
from reconciler.emulator.http.message import Headers, Request
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
            delivery = deliver(self.org, _read(request), self.faults, sleep=waited)
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
    return Request(
        method=prepared.method or "GET",
        path=address.path or "/",
        query=address.query,
        headers=headers,
        body=_body(prepared.body),
        scheme=address.scheme,
    )


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _body(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if hasattr(body, "read"):
        return _body(body.read())
    return b"".join(_body(chunk) for chunk in body)


def _raw(prepared: requests.PreparedRequest, delivery: Delivery) -> HTTPResponse:
    return HTTPResponse(
        body=io.BytesIO(delivery.body[: delivery.cut]),
        headers=HTTPHeaderDict(delivery.headers),
        status=delivery.status,
        reason=None,
        preload_content=False,
        request_method=prepared.method,
        enforce_content_length=True,
    )
