"""An org in a file whose server is killed without warning, again and again, while clients write.

The moments are random: after so many answers, or so long after the start. `KILL_SEED` repeats a run as
far as clients that race each other can be repeated; a failure names the seed.
"""

import http.client
import io
import itertools
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from reconciler.emulator.kept_snapshots import START

DATA = "/services/data/v62.0"
ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("KILLS") or 3)
ROWS_A_JOB, ROWS_A_COLLECTION = 1_400, 50
SERVE = """
import sys
from pathlib import Path
from reconciler.emulator.http.process import main_serve
main_serve(port=int(sys.argv[1]), db=Path(sys.argv[2]), seeds=[Path(each) for each in sys.argv[3:]])
"""


class ServerGone(Exception):
    """The connection broke: the call may have had its effect or not."""


@pytest.fixture
def chance() -> Iterator[random.Random]:
    seed = int(os.environ.get("KILL_SEED") or time.time_ns() % 1_000_000)
    print(f"KILL_SEED={seed}")
    yield random.Random(seed)


class Served:
    """A server, killed after so many answers and started again on the same port and file."""

    def __init__(self, db: Path, *seeds: Path) -> None:
        self.db, self._seeds, self._port = db, seeds, 0
        self._answers_left = sys.maxsize
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Start, without waiting until it is ready."""
        arguments = [str(self._port), str(self.db), *map(str, self._seeds)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )

    def start(self, answers: int = sys.maxsize) -> dict[str, str]:
        """Start, to be killed after so many answers; what it says when it is ready."""
        self._answers_left = answers
        self.begin()
        return self.ready()

    def ready(self) -> dict[str, str]:
        """What a server that was begun says when it is."""
        assert self.process.stdout is not None
        ready: dict[str, str] = json.loads(self.process.stdout.readline())
        self._port = urlsplit(ready["url"]).port or 0
        return ready

    def answered(self) -> None:
        with self._lock:
            self._answers_left -= 1
            if self._answers_left == 0:
                self.process.kill()

    def kill(self) -> None:
        self.process.kill()
        self.gone()

    def gone(self) -> None:
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)


@contextmanager
def ended(served: Served) -> Iterator[Served]:
    try:
        yield served
    finally:
        served.kill()


@dataclass
class Client:
    """One who calls, and what the org said that it did."""

    served: Served
    token: str
    done: set[str] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    ids: list[str] = field(default_factory=list)
    serial: Iterator[int] = field(default_factory=itertools.count)
    _connection: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """The JSON of an answer, or its text. Raises `ServerGone`."""
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        try:
            if self._connection is None:
                self._connection = self.served.connection()
            self._connection.request(method, path, raw, headers)
            reply = self._connection.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection = None
            raise ServerGone from error
        assert reply.status < 400, content
        self.served.answered()
        return json.loads(content) if content[:1] in (b"{", b"[") else content.decode()

    def rows(self, soql: str, root: str = DATA) -> list[dict[str, Any]]:
        page = self.call("GET", f"{root}/query?q={quote(soql)}")
        found = list(page["records"])
        while not page["done"]:
            page = self.call("GET", page["nextRecordsUrl"])
            found += page["records"]
        return found


# -- what clients do, a round at a time


def write_collection(client: Client) -> None:
    name = f"C{next(client.serial)}"
    rows = [{"attributes": {"type": "Account"}, "Name": name} for _ in range(ROWS_A_COLLECTION)]
    made = client.call("POST", f"{DATA}/composite/sobjects", {"allOrNone": True, "records": rows})
    client.ids += [each["id"] for each in made]
    client.done.add(name)


def ingest(client: Client) -> None:
    """Every seventh row has no name and is refused."""
    name = f"J{next(client.serial)}"
    job = client.call("POST", f"{DATA}/jobs/ingest", {"object": "Contact", "operation": "insert"})["id"]
    client.ids.append(job)
    lines = "".join(f"{name if n % 7 else ''},{name}.{n}\n" for n in range(ROWS_A_JOB))
    address = f"{DATA}/jobs/ingest/{job}"
    client.call("PUT", f"{address}/batches", f"LastName,Title\n{lines}".encode(), "text/csv")
    client.begun.add(f"{job} {name}")
    client.call("PATCH", address, {"state": "UploadComplete"})
    client.done.add(f"{job} {name}")
    while client.call("GET", address)["state"] != "JobComplete":
        pass


def read_in_bulk(client: Client) -> None:
    asked = {"operation": "query", "query": "SELECT Id FROM Account"}
    job = client.call("POST", f"{DATA}/jobs/query", asked)["id"]
    client.ids.append(job)
    client.done.add(job)
    while client.call("GET", f"{DATA}/jobs/query/{job}")["state"] != "JobComplete":
        pass


def write_class(client: Client) -> None:
    name = f"Killed{next(client.serial)}"
    row = {"Name": name, "Body": f"public class {name} {{}}"}
    client.ids.append(client.call("POST", f"{DATA}/tooling/sobjects/ApexClass", row)["id"])
    client.done.add(name)


LINE = "a-line-that-is-in-no-part"
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
OBJECT = f"""<CustomObject xmlns="{NAMESPACE}"><label>Killed</label><pluralLabel>Killed</pluralLabel>
<deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel>
<nameField><label>Name</label><type>Text</type></nameField><fields><fullName>Size__c</fullName>
<label>Size</label><type>Number</type><precision>6</precision><scale>0</scale></fields></CustomObject>"""
PACKAGE = f"""<Package xmlns="{NAMESPACE}"><types><members>$</members><name>CustomObject</name></types>
<version>62.0</version></Package>"""


def deploy(client: Client) -> None:
    name = f"Killed{next(client.serial)}__c"
    client.begun.add(name)
    multipart = f"multipart/form-data; boundary={LINE}"
    job = client.call("POST", f"{DATA}/metadata/deployRequest", deployment(name), multipart)["id"]
    client.ids.append(job)
    told = {"done": False, "success": False}
    while not told["done"]:
        told = client.call("GET", f"{DATA}/metadata/deployRequest/{job}")["deployResult"]
    assert told["success"]
    client.done.add(name)


def deployment(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("package.xml", PACKAGE.replace("$", name))
        package.writestr(f"objects/{name}.object", OBJECT)
    parts = [
        ('name="json"', b'{"deployOptions": {"singlePackage": true}}'),
        ('name="file"; filename="p.zip"', packed.getvalue()),
    ]
    body = b""
    for what, content in parts:
        body += f"--{LINE}\r\nContent-Disposition: form-data; {what}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{LINE}--\r\n".encode()


ACTS: list[Callable[[Client], None]] = [write_collection, ingest, read_in_bulk, write_class, deploy]


def work_until_killed(client: Client, act: Callable[[Client], None], wrong: list[str]) -> None:
    try:
        while True:
            act(client)
    except ServerGone:
        pass
    except Exception as error:
        wrong.append(f"{act.__name__}: {error!r}")
        client.served.process.kill()


# -- the claims


def sound(db: Path) -> bool:
    with closing(sqlite3.connect(db)) as file:
        return file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_what_was_acknowledged_is_there_once_and_all_else_whole_or_not_at_all(
    tmp_path: Path, chance: random.Random
) -> None:
    served = Served(tmp_path / "org.db")
    ready = served.start(chance.randrange(1, 120))
    clients = {act: Client(served, ready["access_token"]) for act in ACTS}
    wrong: list[str] = []
    with ended(served):
        for _ in range(KILLS):
            threads = [
                threading.Thread(target=work_until_killed, args=(client, act, wrong))
                for act, client in clients.items()
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            served.gone()
            served.start(chance.randrange(1, 120))
        served.kill()
        assert wrong == []
        served.start()
        look_at(Client(served, ready["access_token"]), clients)
    assert sound(served.db)


def test_two_servers_of_one_file_that_start_at_once_serve_one_org(tmp_path: Path) -> None:
    both = [Served(tmp_path / "org.db") for _ in range(2)]
    for each in both:
        each.begin()
    with ended(both[0]), ended(both[1]):
        told = [each.ready() for each in both]
        assert told[0]["org_id"] == told[1]["org_id"]
        clients = {act: Client(both[0], told[1]["access_token"]) for act in ACTS}
        wrong: list[str] = []

        def work(act: Callable[[Client], None], served: Served, first: int) -> None:
            client = Client(served, told[0]["access_token"], serial=itertools.count(first))
            try:
                for _ in range(3):
                    act(client)
            except Exception as error:
                wrong.append(f"{act.__name__}: {error!r}")
            for mine, all_of_them in ((client.done, clients[act].done), (client.begun, clients[act].begun)):
                all_of_them |= mine
            clients[act].ids += client.ids

        threads = [
            threading.Thread(target=work, args=(act, served, 1000 * at))
            for act in ACTS
            for at, served in enumerate(both)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        for each in both:
            look_at(Client(each, told[0]["access_token"]), clients)
    assert sound(both[0].db)


def look_at(asking: Client, clients: dict[Callable[[Client], None], Client]) -> None:
    ids = [each for client in clients.values() for each in client.ids]
    assert len(ids) == len(set(ids))

    names = Counter(each["Name"] for each in asking.rows("SELECT Name FROM Account"))
    assert set(names.values()) <= {ROWS_A_COLLECTION}
    assert names.keys() >= clients[write_collection].done

    for entry in clients[ingest].begun - clients[ingest].done:
        with suppress(AssertionError):  # it is closed already
            asking.call("PATCH", f"{DATA}/jobs/ingest/{entry.split()[0]}", {"state": "UploadComplete"})
    for entry in clients[ingest].begun:
        job, name = entry.split()
        told = asking.call("GET", f"{DATA}/jobs/ingest/{job}")
        counted = (told["state"], told["numberRecordsProcessed"], told["numberRecordsFailed"])
        assert counted == ("JobComplete", ROWS_A_JOB, ROWS_A_JOB // 7)
        rows = asking.rows(f"SELECT Title FROM Contact WHERE LastName = '{name}'")
        assert sorted(each["Title"] for each in rows) == sorted(
            f"{name}.{n}" for n in range(ROWS_A_JOB) if n % 7
        )
        kinds = {"successfulResults": ROWS_A_JOB * 6 // 7, "failedResults": ROWS_A_JOB // 7}
        for kind, count in {**kinds, "unprocessedrecords": 0}.items():
            lines = asking.call("GET", f"{DATA}/jobs/ingest/{job}/{kind}").splitlines()
            assert len(lines) == 1 + count

    for job in clients[read_in_bulk].done:
        assert asking.call("GET", f"{DATA}/jobs/query/{job}")["state"] == "JobComplete"

    classes = {each["Name"] for each in asking.rows("SELECT Name FROM ApexClass", f"{DATA}/tooling")}
    assert classes >= clients[write_class].done

    there = {each["name"] for each in asking.call("GET", f"{DATA}/sobjects")["sobjects"]}
    assert there >= clients[deploy].done
    sized = asking.rows("SELECT Id FROM CustomField WHERE DeveloperName = 'Size'", f"{DATA}/tooling")
    assert len(sized) == len(clients[deploy].begun & there)


def test_an_org_whose_maker_was_killed_is_made_to_the_end_by_the_next(
    tmp_path: Path, chance: random.Random
) -> None:
    project = tmp_path / "project" / "objects" / "Thing__c"
    project.mkdir(parents=True)
    (project / "Thing__c.object-meta.xml").write_text(OBJECT.replace("Killed", "Thing"))
    served = Served(tmp_path / "org.db", tmp_path / "project")
    for _ in range(KILLS):
        served.begin()
        with suppress(subprocess.TimeoutExpired):
            served.process.wait(chance.uniform(0.1, 0.6))
        served.kill()
    ready = served.start()
    with ended(served):
        client = Client(served, ready["access_token"])
        assert client.call("GET", f"{DATA}/sobjects/Thing__c/describe")["name"] == "Thing__c"
        assert len(client.rows("SELECT Id FROM Organization")) == 1
        assert client.call("GET", "/__emulator__/snapshot") == [{"name": START}]
        client.call("POST", "/__emulator__/reset")
        assert client.call("GET", f"{DATA}/sobjects/Thing__c/describe")["name"] == "Thing__c"
    assert sound(served.db)


def reset_and_write(client: Client) -> None:
    client.call("POST", "/__emulator__/reset")
    write_collection(client)


def test_a_reset_that_was_killed_happened_or_not_and_sessions_live_on(
    tmp_path: Path, chance: random.Random
) -> None:
    served = Served(tmp_path / "org.db")
    token = served.start()["access_token"]
    with ended(served):
        client = Client(served, token)
        write_collection(client)
        for _ in range(KILLS):
            killer = threading.Timer(chance.uniform(0.05, 0.3), served.process.kill)
            killer.start()
            wrong: list[str] = []
            work_until_killed(client, reset_and_write, wrong)
            assert wrong == []
            killer.join()
            served.gone()
            served.start()
            assert len(client.rows("SELECT Id FROM Account")) in (0, ROWS_A_COLLECTION)
        assert client.call("GET", "/__emulator__/snapshot") == [{"name": START}]
    assert sound(served.db)
