"""Eight clients at once on one org in a file, over HTTP: does anything get lost, locked or broken?

    python benchmarks/crowd.py --seconds 60
    python benchmarks/crowd.py --seconds 60 --kill 3

Four write (collections of 200, bulk jobs, deployments, Tooling classes) and four read (rows, queries,
describes, limits). With ``--kill`` the server is killed without warning that many times on the way and
started again on the same file. In the end all that was acknowledged is looked for, collections are counted
(all of one or nothing), every bulk job must have come to its end with each row once, and SQLite checks the
file. Prints what each client did, and exits with 1 if anything was wrong.
"""

import argparse
import http.client
import io
import itertools
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

DATA = "/services/data/v64.0"
ROWS_A_JOB = 3_000
COLLECTION = 200


class ServerGone(Exception):
    """The connection broke: the call may have had its effect or not."""


class Served:
    """The server, which may be killed and started again; the port and the sign-in stay."""

    def __init__(self, db: Path) -> None:
        self._db, self._port = db, 0
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "reconciler", "emulator", "serve", "--db", str(self._db)]
        self._process = subprocess.Popen(
            [*command, "--port", str(self._port)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        address = urlsplit(ready["url"])
        self.host, self._port = str(address.hostname), address.port or 0
        self.token = ready["access_token"]

    @property
    def port(self) -> int:
        return self._port

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


@dataclass
class Client:
    """One connection, and what was seen on it."""

    served: Served
    name: str
    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    wrong: list[str] = field(default_factory=list)
    serial: Iterator[int] = field(default_factory=itertools.count)
    done: set[Any] = field(default_factory=set)
    """What the org said it did."""
    _connection: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """The JSON of an answer, or its text. Raises `ServerGone`."""
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.served.token}", "Content-Type": kind}
        begun = time.perf_counter()
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self.served.host, self.served.port, timeout=120)
            self._connection.request(method, path, raw, headers)
            reply = self._connection.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection = None
            self.answers["broken"] += 1
            raise ServerGone from error
        self.slowest = max(self.slowest, time.perf_counter() - begun)
        self.answers[str(reply.status)] += 1
        if reply.status >= 400:
            self.wrong.append(f"{method} {path}: {reply.status} {content[:200]!r}")
        is_json = reply.headers.get("Content-Type", "").startswith("application/json")
        return json.loads(content) if content and is_json else content.decode()


# -- what the clients do, a round at a time


def write_collection(client: Client) -> None:
    """Accounts, 200 a call, all or none."""
    at = next(client.serial)
    rows = [{"attributes": {"type": "Account"}, "Name": f"C{at}", "Site": str(n)} for n in range(COLLECTION)]
    made = client.call("POST", f"{DATA}/composite/sobjects", {"allOrNone": True, "records": rows})
    if isinstance(made, list) and all(each.get("success") for each in made):
        client.done.add(f"C{at}")


def ingest(client: Client) -> None:
    """Contacts by a bulk job, which is polled until it has ended."""
    at = next(client.serial)
    job = client.call("POST", f"{DATA}/jobs/ingest", {"object": "Contact", "operation": "insert"})["id"]
    lines = "".join(f"J{at},{n}\n" for n in range(ROWS_A_JOB))
    address = f"{DATA}/jobs/ingest/{job}"
    client.call("PUT", f"{address}/batches", f"LastName,Title\n{lines}".encode(), "text/csv")
    client.call("PATCH", address, {"state": "UploadComplete"})
    client.done.add((job, f"J{at}"))
    while client.call("GET", address)["state"] not in ("JobComplete", "Failed"):
        pass


def deploy(client: Client) -> None:
    """A new object with a field."""
    name = f"Crowd{next(client.serial)}__c"
    multipart = f"multipart/form-data; boundary={LINE}"
    job = client.call("POST", f"{DATA}/metadata/deployRequest", deployment(name), multipart)["id"]
    told = {"done": False}
    while not told["done"]:
        told = client.call("GET", f"{DATA}/metadata/deployRequest/{job}")["deployResult"]
    if told["success"]:
        client.done.add(name)
    else:
        client.wrong.append(f"deployment of {name}: {json.dumps(told)[:300]}")


LINE = "a-line-that-is-in-no-part"
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
OBJECT = f"""<CustomObject xmlns="{NAMESPACE}"><label>Crowd</label><pluralLabel>Crowds</pluralLabel>
<deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel>
<nameField><label>Name</label><type>Text</type></nameField><fields><fullName>Size__c</fullName>
<label>Size</label><type>Number</type><precision>6</precision><scale>0</scale></fields></CustomObject>"""
PACKAGE = f"""<Package xmlns="{NAMESPACE}"><types><members>$</members><name>CustomObject</name></types>
<version>64.0</version></Package>"""


def deployment(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("package.xml", PACKAGE.replace("$", name))
        package.writestr(f"objects/{name}.object", OBJECT)
    parts = [
        ('name="json"', "application/json", b'{"deployOptions": {"singlePackage": true}}'),
        ('name="file"; filename="p.zip"', "application/zip", packed.getvalue()),
    ]
    body = b""
    for what, kind, content in parts:
        body += f"--{LINE}\r\nContent-Disposition: form-data; {what}\r\nContent-Type: {kind}\r\n\r\n".encode()
        body += content + b"\r\n"
    return body + f"--{LINE}--\r\n".encode()


def write_class(client: Client) -> None:
    """An Apex class over the Tooling API."""
    name = f"Crowd{next(client.serial)}"
    row = {"Name": name, "Body": f"public class {name} {{}}"}
    if client.call("POST", f"{DATA}/tooling/sobjects/ApexClass", row).get("success"):
        client.done.add(name)


def reading(path: str) -> Callable[[Client], None]:
    return lambda client: client.call("GET", path)


def asked(soql: str) -> str:
    return f"{DATA}/query?q={quote(soql)}"


ACTS: dict[str, Callable[[Client], None]] = {
    "collections": write_collection,
    "bulk jobs": ingest,
    "deployments": deploy,
    "Tooling": write_class,
    "reads the latest": reading(asked("SELECT Id, Name FROM Account ORDER BY Id DESC LIMIT 50")),
    "counts": reading(asked("SELECT COUNT() FROM Contact WHERE LastName = 'J1'")),
    "describes": reading(f"{DATA}/sobjects/Account/describe"),
    "asks for limits": reading(f"{DATA}/limits"),
}


def work(client: Client, until: float) -> None:
    while time.monotonic() < until:
        try:
            ACTS[client.name](client)
        except ServerGone:
            time.sleep(0.05)  # it is being started again
        except Exception as error:
            client.wrong.append(f"{type(error).__name__}: {error}")


# -- what must be true in the end


def check(served: Served, clients: dict[str, Client], db: Path) -> Iterator[str]:
    """What is wrong, a line each."""
    asking = Client(served, "asks in the end")

    def rows(soql: str, root: str = DATA) -> list[dict[str, Any]]:
        page = asking.call("GET", f"{root}/query?q={quote(soql)}")
        found = list(page["records"])
        while not page["done"]:
            page = asking.call("GET", page["nextRecordsUrl"])
            found += page["records"]
        return found

    for job, name in sorted(clients["bulk jobs"].done):
        told = asking.call("GET", f"{DATA}/jobs/ingest/{job}")
        count = len(rows(f"SELECT Id FROM Contact WHERE LastName = '{name}'"))
        if (told["state"], told["numberRecordsProcessed"], count) != ("JobComplete", ROWS_A_JOB, ROWS_A_JOB):
            yield f"job {job} is {told['state']} at {told['numberRecordsProcessed']}; there are {count} rows"
    counted = Counter(each["Name"] for each in rows("SELECT Name FROM Account WHERE Name LIKE 'C%'"))
    for name in sorted(clients["collections"].done | counted.keys()):
        if counted[name] != COLLECTION:
            yield f"collection {name} has {counted[name]} rows"
    deployed = {each["name"] for each in asking.call("GET", f"{DATA}/sobjects")["sobjects"]}
    yield from (f"{name} was deployed and is gone" for name in clients["deployments"].done - deployed)
    there = {each["Name"] for each in rows("SELECT Name FROM ApexClass", f"{DATA}/tooling")}
    yield from (f"class {name} was written and is gone" for name in clients["Tooling"].done - there)
    served.stop()
    with closing(sqlite3.connect(db)) as file:
        if (told := file.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            yield f"the file is damaged: {told}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--kill", type=int, default=0, metavar="TIMES")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "crowd.db"
        served = Served(db)
        clients = {name: Client(served, name) for name in ACTS}
        until = time.monotonic() + chosen.seconds
        threads = [threading.Thread(target=work, args=(each, until)) for each in clients.values()]
        for thread in threads:
            thread.start()
        for _ in range(chosen.kill):
            time.sleep(chosen.seconds / (chosen.kill + 1))
            served.kill()
            served.start()
        for thread in threads:
            thread.join()
        wrong = [f"{each.name}: {what}" for each in clients.values() for what in each.wrong]
        wrong += check(served, clients, db)
    print("| client | answers | slowest s | done |\n|---|---|---|---|")
    for each in clients.values():
        answers = ", ".join(f"{count} × {status}" for status, count in sorted(each.answers.items()))
        print(f"| {each.name} | {answers} | {each.slowest:.2f} | {len(each.done) or ''} |")
    print("\n".join(["", f"{len(wrong)} wrong", *wrong[:20]]))
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
