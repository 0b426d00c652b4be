"""The emulated org on a port: the standard library's threading server, tuned.

Keep-alive, one segment an answer (buffered, flushed once, no Nagle delay) and a long accept queue
make it some hundred times faster than it comes. TLS handshakes run in the connection's own thread,
so a slow client holds nobody up. Nothing here knows Salesforce; see `service`.
"""

import contextlib
import logging
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from reconciler.emulator.http.control import PREFIX, control
from reconciler.emulator.http.envelope import encode
from reconciler.emulator.http.faults import Delivery, Faults, ReplyLost, deliver
from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.http.spool import MEMORY_BYTES, PIECE_BYTES, Spool, gather
from reconciler.emulator.org import EmulatedOrg

log = logging.getLogger(__name__)

ACCEPT_QUEUE = 128
BUFFER_BYTES = 64 * 1024
POLL_SECONDS = 0.05
CHUNK_LINE_BYTES = 4096
FIELD_BYTES = 65_536
"""The longest line of a head; what Salesforce bears is `service`'s affair."""
MOST_FIELDS = 100


@lru_cache(maxsize=8)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def _without_host(target: str) -> str:
    """A request's target from its path on; one may name scheme and host before it, as to a proxy."""
    if target.startswith("/") or not target.lower().startswith(("http://", "https://")):
        return target
    return "/" + target.partition("//")[2].partition("/")[2]


class BadHead(Exception):
    """Header fields that are none, or too many."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


class BadBody(Exception):
    """A request body whose length cannot be told; the connection is of no further use."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "sfdcedge"
    sys_version = ""
    wbufsize = BUFFER_BYTES
    disable_nagle_algorithm = True
    server: "_HttpServer"
    head: Headers
    raw_requestline: bytes

    def parse_request(self) -> bool:
        """As the base class, but for the usual first line the fields are split by hand.

        The base class has them parsed as a mail's, which costs more than all else of a small call. False
        when the request was refused already.
        """
        words = str(self.raw_requestline, "iso-8859-1").rstrip("\r\n").split(" ")
        if len(words) != 3 or words[2] != "HTTP/1.1" or not words[0].isupper():
            going_on = super().parse_request()
            self.head = Headers(self.headers.items() if going_on else ())
            return going_on
        self.requestline = " ".join(words)
        self.command, self.path, self.request_version = words
        if self.path.startswith("//"):
            self.path = "/" + self.path.lstrip("/")
        self.close_connection = False
        try:
            self.head = Headers(self._read_fields())
        except BadHead as error:
            self.close_connection = True
            self.send_error(error.status, str(error))
            return False
        self.close_connection = self.head.find("Connection").lower() == "close"
        if self.head.find("Expect").lower() == "100-continue":
            return self.handle_expect_100()
        return True

    def _read_fields(self) -> list[tuple[str, str]]:
        """The header fields up to the empty line. Raises `BadHead`."""
        fields: list[tuple[str, str]] = []
        while True:
            line = self.rfile.readline(FIELD_BYTES + 1)
            if len(line) > FIELD_BYTES or len(fields) > MOST_FIELDS:
                raise BadHead(431, "Request Header Fields Too Large")
            if line in (b"\r\n", b"\n", b""):
                return fields
            text = line.decode("iso-8859-1")
            name, colon, value = text.partition(":")
            if text[0] in " \t" and fields:  # a folded line, as old clients write them
                fields[-1] = (fields[-1][0], f"{fields[-1][1]} {text.strip()}")
            elif not colon or not name or name != name.strip():
                raise BadHead(400, "Bad header field")
            else:
                fields.append((name, value.strip()))

    def _answer(self) -> None:
        try:
            body = self._read_body()
        except BadBody as error:
            self._write(
                Delivery(400, {"Content-Type": "text/plain", "Connection": "close"}, str(error).encode())
            )
            self.close_connection = True
            return
        path, _, query = _without_host(self.path).partition("?")
        request = Request(
            method=self.command,
            path=path,
            query=query,
            headers=self.head,
            body=body if isinstance(body, bytes) else b"",
            spool=body if isinstance(body, Spool) else None,
            scheme=self.server.scheme,
        )
        owner = self.server
        if path.startswith(PREFIX):
            request.hold_body()
            reply = control(owner.org, owner.faults, request)
            self._write(Delivery(reply.status, *encode(request, reply)))
            return
        try:
            self._write(deliver(owner.org, request, owner.faults, streams=True))
        except ReplyLost:
            self.close_connection = True

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _answer  # noqa: N815  names given by the base class

    def _write(self, delivery: Delivery) -> None:
        phrase = self.responses.get(delivery.status, ("", ""))[0]
        lines = [f"HTTP/1.1 {delivery.status} {phrase}", f"Date: {_date(int(time.time()))}"]
        in_chunks = self.request_version != "HTTP/1.0"
        for name, value in delivery.headers.items():
            if in_chunks or name != "Transfer-Encoding":
                lines.append(f"{name}: {value}")
        if "Server" not in delivery.headers:
            lines.append(f"Server: {self.server_version}")
        if delivery.headers.get("Connection", "").lower() == "close":
            self.close_connection = True
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1", "strict"))
        if delivery.pieces is None:
            self.wfile.write(delivery.body[: delivery.cut])
        else:
            self._write_pieces(delivery.pieces, in_chunks=in_chunks)
        self.wfile.flush()
        if delivery.cut is not None:
            self.close_connection = True

    def _write_pieces(self, pieces: Iterator[bytes], *, in_chunks: bool) -> None:
        """An answer that cannot be made to its end has no last chunk, and the connection ends.

        It ends too for a client of old, who is not told otherwise where the body does.
        """
        going_on, self.close_connection = self.close_connection, True
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if in_chunks else piece)
        if in_chunks:
            self.wfile.write(b"0\r\n\r\n")
            self.close_connection = going_on

    def handle_expect_100(self) -> bool:
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def _read_body(self) -> bytes | Spool:
        if "chunked" in self.head.find("Transfer-Encoding").lower():
            return gather(self._chunks())
        text = self.head.find("Content-Length", "0").strip()
        if not text.isdigit():
            raise BadBody(f"bad Content-Length: {text}")
        if int(text) <= MEMORY_BYTES:
            return self._read_exactly(int(text))
        return gather(self._pieces(int(text)))

    def _pieces(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self._read_exactly(min(size, PIECE_BYTES))
            size -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while True:
            line = self.rfile.readline(CHUNK_LINE_BYTES).partition(b";")[0].strip()
            try:
                size = int(line, 16)
            except ValueError as error:
                raise BadBody("bad chunk length") from error
            if size < 0:
                raise BadBody("bad chunk length")
            if size == 0:
                break
            yield from self._pieces(size)
            self.rfile.readline(CHUNK_LINE_BYTES)
        while self.rfile.readline(CHUNK_LINE_BYTES).strip():
            pass  # trailers

    def _read_exactly(self, size: int) -> bytes:
        body = self.rfile.read(size)
        if len(body) < size:
            raise BadBody("body ends early")
        return body

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class _HttpServer(ThreadingHTTPServer):
    request_queue_size = ACCEPT_QUEUE
    daemon_threads = True
    block_on_close = False

    def __init__(
        self, address: tuple[str, int], org: EmulatedOrg, faults: Faults, context: ssl.SSLContext | None
    ) -> None:
        self.org, self.faults, self._context = org, faults, context
        self.scheme = "http" if context is None else "https"
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Without the base class's look-up of the host's full name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._context is not None:
            connection = self._context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Break the connections that clients keep alive."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is the client's affair; anything else is our bug."""
        error = sys.exception()
        level = logging.DEBUG if isinstance(error, OSError) else logging.ERROR
        log.log(level, "connection from %s failed", client_address, exc_info=error)


class Server:
    """An org served on a port, from entering the context to leaving it.

    ``port`` 0 takes a free one. With ``tls`` a certificate is made for this run; clients trust it
    through `ca_file`.
    """

    def __init__(
        self,
        org: EmulatedOrg,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: bool = False,
        faults: Faults | None = None,
    ) -> None:
        self.org = org
        self.faults = Faults() if faults is None else faults
        self.ca_file: Path | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        context = self._tls_context(host) if tls else None
        self._http = _HttpServer((host, port), org, self.faults, context)
        self.port = self._http.server_port
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{self._http.scheme}://{shown}:{self.port}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(POLL_SECONDS,), name="emulated org", daemon=True
        )

    def _tls_context(self, host: str) -> ssl.SSLContext:
        from reconciler.emulator.http.tls import server_context

        self._folder = tempfile.TemporaryDirectory(prefix="emulated-org-")
        self.ca_file = Path(self._folder.name) / "ca.pem"
        return server_context(host, self.ca_file)

    def start(self) -> "Server":
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop accepting, break open connections, remove the certificate."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        self._http.close_connections()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def serve(
    org: EmulatedOrg,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: bool = False,
    faults: Faults | None = None,
) -> Server:
    """A running server; the caller closes it, or uses it as a context."""
    return Server(org, host=host, port=port, tls=tls, faults=faults).start()
