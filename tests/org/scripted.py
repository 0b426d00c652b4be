"""A small real HTTP server that does what a test scripts, and counts what reached it."""

import json
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from reconciler.org import Patience

TOKEN = "00D000000000001!AQ.canary_of_the_session_token"


class Fault(StrEnum):
    """What happens instead of an answer, after the call was processed."""

    RESET = "reset"
    CLOSE = "close"
    CUT = "cut"


@dataclass(frozen=True)
class Reply:
    status: int
    content: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Raw:
    """Bytes sent instead of an answer; the connection ends after them."""

    content: bytes


Done = Reply | Fault | Raw
Act = Done | Callable[[Call], Done]


class ScriptedServer:
    """Answers with the acts of ``script``, one a call; then with ``otherwise``."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._scheme = "http" if tls is None else "https"
        self.calls: list[Call] = []
        self.script: list[Act] = []
        self.otherwise: Act = Reply(
            404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
        )
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = Call(self.command, self.path, dict(self.headers.items()), body)
                _perform(self, server.take(call))

            def log_message(self, format: str, *args: Any) -> None:
                """Tests read what reached the server from `calls`."""

        self._http = _QuietServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        if tls is not None:
            self._http.socket = tls.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(
            target=lambda: self._http.serve_forever(poll_interval=0.01), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    def take(self, call: Call) -> Done:
        with self._lock:
            self.calls.append(call)
            act = self.script.pop(0) if self.script else self.otherwise
        return act if isinstance(act, Done) else act(call)

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that the client broke off, as over its certificate, is what a test is about."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _perform(handler: BaseHTTPRequestHandler, act: Done) -> None:
    if isinstance(act, Raw):
        handler.wfile.write(act.content)
        handler.close_connection = True
        return
    if act is Fault.RESET:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        handler.rfile.close()
        handler.connection.close()
        return
    if act is Fault.CLOSE:
        handler.close_connection = True
        return
    reply = (
        Reply(200, [{"id": "001000000000001AAA", "success": True, "errors": []}]) if act is Fault.CUT else act
    )
    assert isinstance(reply, Reply)
    content = reply.content
    body = (
        b""
        if content is None
        else content.encode()
        if isinstance(content, str)
        else json.dumps(content).encode()
    )
    handler.send_response(reply.status)
    for name, text in {"Content-Type": "application/json", **reply.headers}.items():
        handler.send_header(name, text)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if act is Fault.CUT:
        handler.wfile.write(body[: len(body) // 2])
        handler.close_connection = True
    else:
        handler.wfile.write(body)


class ConnectProxy:
    """A forward proxy that leads every CONNECT to one port of this machine, or refuses it in these words."""

    def __init__(self, port: int, refusing: str = "") -> None:
        self.asked: list[str] = []
        proxy = self

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                lines = list(iter(lambda: self.rfile.readline().strip().decode(), ""))
                proxy.asked.append("\n".join(lines))
                if refusing:
                    self.wfile.write(f"HTTP/1.1 {refusing}\r\nContent-Length: 0\r\n\r\n".encode())
                    return
                with socket.create_connection(("127.0.0.1", port)) as far:
                    self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    back = threading.Thread(target=_pump, args=(far, self.connection), daemon=True)
                    back.start()
                    _pump(self.connection, far)
                    back.join()

        self._server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=lambda: self._server.serve_forever(poll_interval=0.01), daemon=True).start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Pass on what ``one`` says until it ends."""
    with suppress(OSError):
        while content := one.recv(65536):
            other.sendall(content)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)


def errors(code: str, message: str = "so it is", **more: Any) -> list[dict[str, Any]]:
    return [{"errorCode": code, "message": message, **more}]


def created(*numbers: int) -> list[dict[str, Any]]:
    return [{"id": f"00100000000{number:04d}", "success": True, "errors": []} for number in numbers]


def failed(code: str, message: str = "so it is") -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": []}]}


@dataclass
class Waits:
    """Stands for the passing of time: notes how long was waited for, and does not wait."""

    seconds: list[float] = field(default_factory=list)

    def patience(self, attempts: int = 4) -> Patience:
        return Patience(attempts=attempts, sleep=self.seconds.append, draw=lambda: 1.0)
