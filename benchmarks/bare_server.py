"""What an emulated org cannot beat: the standard library's threading server, tuned, over bare SQLite.

GET answers a small object; POST reads `{"records": […]}`, writes the records as rows of one table in one
transaction, and answers a result each. No session, no schema, no rules.
"""

import json
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COLUMNS = 13
SMALL = {"Id": "001000000000001AAA", "Name": "Acme", "attributes": {"type": "Account", "url": "/x"}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True
    server: "BareServer"

    def do_GET(self) -> None:
        self._write(SMALL)

    def do_POST(self) -> None:
        records = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["records"]
        self._write(self.server.store(records))

    def _write(self, value: Any) -> None:
        body = json.dumps(value, separators=(",", ":")).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None: ...


class BareServer(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        columns = ", ".join(f"c{at}" for at in range(COLUMNS))
        self._database.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {columns})")
        self._insert = f"INSERT INTO t VALUES ({', '.join('?' * (COLUMNS + 1))})"
        self._last = 0

    def store(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows = []
        for record in records:
            self._last += 1
            values = [each for name, each in record.items() if name != "attributes"][:COLUMNS]
            rows.append((self._last, *values, *[None] * (COLUMNS - len(values))))
        with self._lock:
            self._database.execute("BEGIN")
            self._database.executemany(self._insert, rows)
            self._database.execute("COMMIT")
        return [{"id": f"001{row[0]:015d}", "success": True, "errors": []} for row in rows]


def main() -> None:
    server = BareServer()
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}", "access_token": ""}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
