"""The emulated org as a server: how soon it answers, how much it carries, beside a bare server in turn.

The peer is `bare_server.py`: what the standard library's server and SQLite cost alone. The client is
`http.client` on one connection kept alive, in this process; wall seconds are what it waited for, CPU
seconds are the server's own.
"""

import argparse
import http.client
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from itertools import chain, cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from reconciler.emulator import ids
from reconciler.emulator.bulk import jobs, uploads, work
from reconciler.emulator.due import JOBS_DUE
from reconciler.emulator.org import EmulatedOrg

HERE = Path(__file__).parent
ORGS = HERE.parents[1] / "shared" / "orgs"
SERVE = [sys.executable, "-m", "reconciler", "emulator", "serve"]
BARE = [sys.executable, str(HERE / "bare_server.py")]
DATA = "/services/data/v64.0"
TICKS = os.sysconf("SC_CLK_TCK")
MILLION = 1_000_000
PIECE_BYTES = 1024 * 1024


@dataclass
class Served:
    """A server that runs, and one connection to it."""

    process: "subprocess.Popen[str]"
    begun: float
    ready: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.process.stdout is not None
        self.ready = json.loads(self.process.stdout.readline())
        address = urlsplit(self.ready["url"])
        self._connection = http.client.HTTPConnection(str(address.hostname), address.port)
        self._headers = {
            "Authorization": f"Bearer {self.ready['access_token']}",
            "Content-Type": "application/json",
        }

    def call(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        kind: str = "application/json",
    ) -> bytes:
        self._connection.request(method, path, body, {**self._headers, "Content-Type": kind})
        reply = self._connection.getresponse()
        content = reply.read()
        if reply.status >= 300:
            raise RuntimeError(f"{method} {path}: {reply.status} {content[:300]!r}")
        return content

    def count_lines(self, path: str) -> tuple[int, Message]:
        """The lines of a long answer, not held, and its head."""
        self._connection.request("GET", path, None, self._headers)
        reply = self._connection.getresponse()
        lines = 0
        while piece := reply.read(PIECE_BYTES):
            lines += piece.count(b"\n")
        return lines, reply.headers

    def peak_mib(self) -> int:
        """The most memory that the server had so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) // 1024

    def cpu_seconds(self) -> float:
        parts = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / TICKS


@contextmanager
def serving(command: Sequence[str]) -> Iterator[Served]:
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield Served(process, begun)
    finally:
        process.terminate()
        process.communicate()


def start_up(rounds: int) -> None:
    """Seconds from spawn to the first answer."""
    commands = {"bare server": BARE, "emulated org": SERVE}
    for name in ("ebikes", "pmm"):
        if (ORGS / name).is_dir():
            commands[f"emulated org with {name}"] = [*SERVE, "--seed", str(ORGS / name)]
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for round_ in range(rounds + 1):
        for name, command in commands.items():
            with serving(command) as server:
                server.call("GET", f"{DATA}/limits")
                if round_:  # the first only warms the caches
                    found[name].append((time.perf_counter() - server.begun, server.cpu_seconds()))
    print("\n| spawn to first answer | wall s | CPU s | CPU x bare |\n|---|---|---|---|")
    bare = statistics.median(cpu for _, cpu in found["bare server"])
    for name, each in found.items():
        wall, cpu = (statistics.median(column) for column in zip(*each, strict=True))
        print(f"| {name} | {wall:.3f} | {cpu:.3f} | {cpu / bare:.1f} |")


def rate(server: Served, count: int, call: Callable[[], Any]) -> tuple[float, float]:
    """Calls a wall second, and the server's CPU milliseconds a call."""
    call()
    cpu, begun = server.cpu_seconds(), time.perf_counter()
    for _ in range(count):
        call()
    wall = time.perf_counter() - begun
    return count / wall, (server.cpu_seconds() - cpu) / count * 1000


def records(count: int) -> bytes:
    """A body of new accounts, 13 fields each."""
    made = [
        {
            "attributes": {"type": "Account"},
            "Name": f"Account {at}",
            "AccountNumber": f"A-{at:06d}",
            "Phone": "+1 555 0100",
            "Website": "https://acme.example",
            "Industry": "Energy",
            "AnnualRevenue": 1000.5 + at,
            "NumberOfEmployees": at,
            "BillingStreet": "1 Main Street",
            "BillingCity": "Springfield",
            "BillingPostalCode": "12345",
            "BillingCountry": "US",
            "Description": "A text of some length that says what this account is about",
            "Site": "Head office",
        }
        for at in range(count)
    ]
    return json.dumps({"allOrNone": False, "records": made}).encode()


def throughput(rounds: int) -> None:
    body = records(200)
    table: dict[str, dict[str, list[tuple[float, float]]]] = {}
    with serving(BARE) as bare, serving(SERVE) as org:
        made = json.loads(org.call("POST", f"{DATA}/composite/sobjects", records(200)))
        rows = [f"{DATA}/sobjects/Account/{each['id']}?fields=Id,Name" for each in made]
        soql = "SELECT Id, Name FROM Account WHERE Id = "
        asked = [f"{DATA}/query?q={quote(soql)}%27{each['id']}%27" for each in made]
        calls: dict[str, tuple[int, list[tuple[str, str, bytes | None]]]] = {
            "GET of one row in 200, two fields": (600, [("GET", each, None) for each in rows]),
            "GET of the versions": (600, [("GET", "/services/data/", None)]),
            "query of one row in 200": (600, [("GET", each, None) for each in asked]),
            "200 records created": (60, [("POST", f"{DATA}/composite/sobjects", body)]),
        }
        for _ in range(rounds):
            for name, (count, several) in calls.items():
                for who, server in (("bare", bare), ("org", org)):
                    turn = cycle(several)
                    found = rate(server, count, lambda server=server, turn=turn: server.call(*next(turn)))  # type: ignore[misc]  # default arguments bind the loop variables
                    table.setdefault(name, {}).setdefault(who, []).append(found)
    print("\n| one client, kept alive | calls/s | CPU ms | bare: calls/s | CPU ms | calls/s ratio |")
    print("|---|---|---|---|---|---|")
    for name, sides in table.items():
        per = {
            who: [statistics.median(column) for column in zip(*each, strict=True)]
            for who, each in sides.items()
        }
        ours, bare_ = per["org"], per["bare"]
        print(
            f"| {name} | {ours[0]:.0f} | {ours[1]:.2f} | {bare_[0]:.0f} | {bare_[1]:.2f} "
            f"| {ours[0] / bare_[0]:.2f} |"
        )


def timed(times: int, act: Callable[[], Any]) -> float:
    """Median CPU milliseconds of this process."""
    costs = []
    for _ in range(times):
        begun = time.process_time()
        act()
        costs.append((time.process_time() - begun) * 1000)
    return statistics.median(costs)


def copies(folder: Path) -> None:
    """Forks and snapshots of an org with a real project's schema."""
    print("\n| copies | CPU ms |\n|---|---|")
    for where, path in (("in memory", None), ("in a file", folder / "copies.db")):
        org = EmulatedOrg(path)
        if (ORGS / "pmm").is_dir():
            org.load(ORGS / "pmm")
        print(f"| fork, {where} | {timed(15, lambda org=org: org.fork().close()):.1f} |")  # type: ignore[misc]  # default argument binds the loop variable
        print(f"| snapshot, {where} | {timed(15, lambda org=org: org.snapshots.take('clean')):.1f} |")  # type: ignore[misc]  # as above
        print(f"| reset, {where} | {timed(15, lambda org=org: org.snapshots.go_back('clean')):.1f} |")  # type: ignore[misc]  # as above
        org.close()


def million(folder: Path) -> None:
    """Questions to an org in a file with a million contacts."""
    org = EmulatedOrg(folder / "million.db")
    parent = org.has("Account", Name="Parent")
    with org.transaction() as tx:
        tx.system_insert("Contact", LastName="Last")
    columns = '"Id", "LastName", "Name", "Email", "AccountId", "IsDeleted", "OwnerId"'
    values = '"Id" + 1 + ?1, ?2 || ?1, ?2 || ?1, ?3 || ?1, ?4, 0, "OwnerId"'
    sql = f'INSERT INTO "Contact" ({columns}) SELECT {values} FROM "Contact" LIMIT 1'
    with org.store.transaction():
        org.store.execute_many(
            sql, [(at, "N", "e", ids.parse(parent) if at % 1000 == 0 else None) for at in range(MILLION)]
        )
    last = org.query("SELECT Id FROM Contact ORDER BY Id DESC LIMIT 1").records[0]["Id"]
    print("\n| a million contacts in a file | CPU ms |\n|---|---|")
    for soql in (
        f"SELECT Id, Name FROM Contact WHERE Id = '{last}'",
        f"SELECT Id, Name FROM Contact WHERE AccountId = '{parent}'",
        "SELECT Id, Name FROM Contact LIMIT 200",
        "SELECT Id, Name FROM Contact ORDER BY Id DESC LIMIT 200",
        "SELECT COUNT() FROM Contact",
    ):
        org.query(soql)
        shown = soql.replace(last, "…").replace(parent, "…")
        print(f"| {shown} | {timed(5, lambda soql=soql: org.query(soql)):.2f} |")  # type: ignore[misc]  # default argument binds the loop variable
    org.close()


def upload(count: int) -> bytes:
    """A CSV of five columns."""
    rows = (f"Account {at},0{at},Energy,{at % 1000},{at % 50}\n" for at in range(count))
    return ("Name,Phone,Industry,AnnualRevenue,NumberOfEmployees\n" + "".join(rows)).encode()


def bulk(folder: Path, count: int) -> None:
    """Rows through a Bulk 2.0 job, from closing it to JobComplete, beside SQLite's executemany of them."""
    org = EmulatedOrg(folder / "bulk.db")
    user = org.admin_number
    now = org.clock.now_ms()
    with org.transaction():
        job = jobs.Job(
            kind=jobs.Kind.INGEST,
            user=user,
            sobject="Account",
            operation="insert",
            api="64.0",
            created_ms=now,
            changed_ms=now,
        )
        jobs.add(org, job)
        uploads.keep(org, job.number, upload(count))
        job.state, job.due_ms = jobs.State.UPLOAD_COMPLETE, now
        jobs.save(org, job)

    def to_the_end() -> None:
        while org.fact(JOBS_DUE):
            work.advance(org)

    ours = cost(to_the_end)
    done = jobs.find_job(org, job.id, jobs.Kind.INGEST)
    assert done is not None and (done.processed, done.failed) == (count, 0), done
    columns = [column for column in org.tables["Account"].columns if filled(org, column)]
    listed = ", ".join(f'"{column}"' for column in columns)
    rows = org.store.execute(f'SELECT {listed} FROM "Account"')
    org.store.execute('DELETE FROM "Account"')
    marks = ", ".join("?" * len(columns))

    def bare() -> None:
        with org.store.transaction():
            org.store.execute_many(f'INSERT INTO "Account" ({listed}) VALUES ({marks})', rows)

    theirs = cost(bare)
    print(f"\n| {count:,} rows of five columns, in a file | wall s | CPU s |\n|---|---|---|")
    print(f"| Bulk 2.0 job | {ours[0]:.2f} | {ours[1]:.2f} |")
    print(f"| executemany of the same rows into the same table | {theirs[0]:.2f} | {theirs[1]:.2f} |")
    print(f"| ratio | {ours[0] / theirs[0]:.2f} | {ours[1] / theirs[1]:.2f} |")
    print(f"peak memory of both: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")
    org.close()


JOBS = 10
WIDE_BYTES = 1_000
"""Of a row, so that a tenth of a million is an upload of 100 MB."""


def memory(folder: Path, count: int) -> None:
    """Many rows in by ten Bulk 2.0 jobs over a port, and out again by a query, page by page."""
    with serving([*SERVE, "--db", str(folder / "memory.db")]) as served:
        print(f"\n| {count:,} rows of {WIDE_BYTES:,} bytes, {JOBS} jobs | wall s | peak MiB of the server |")
        print("|---|---|---|")
        row(served, "before", lambda: None)
        row(served, "in, and processed", lambda: into(served, count))
        row(served, "out, 100,000 records a page", lambda: out_of(served, count))


def row(served: Served, what: str, act: Callable[[], None]) -> None:
    print(f"| {what} | {cost(act)[0]:.1f} | {served.peak_mib()} |", flush=True)


def into(served: Served, count: int) -> None:
    made = []
    for at in range(JOBS):
        new = served.call("POST", f"{DATA}/jobs/ingest", b'{"object": "Account", "operation": "insert"}')
        job = f"{DATA}/jobs/ingest/{json.loads(new)['id']}"
        lines = (f"A{at}-{n},{'d' * (WIDE_BYTES - 20)}\n".encode() for n in range(count // JOBS))
        served.call("PUT", f"{job}/batches", chain([b"Name,Description\n"], lines), "text/csv")
        served.call("PATCH", job, b'{"state": "UploadComplete"}')
        made.append(job)
    for job in made:
        while (told := json.loads(served.call("GET", job)))["state"] != "JobComplete":
            pass
        assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (count // JOBS, 0), told


def out_of(served: Served, count: int) -> None:
    asked = {"operation": "query", "query": "SELECT Id, Name, Description FROM Account"}
    told = served.call("POST", f"{DATA}/jobs/query", json.dumps(asked).encode())
    job = f"{DATA}/jobs/query/{json.loads(told)['id']}"
    while json.loads(served.call("GET", job))["state"] != "JobComplete":
        pass
    locator, lines = "", 0
    while locator != "null":
        place = f"&locator={locator}" if locator else ""
        page, headers = served.count_lines(f"{job}/results?maxRecords=100000{place}")
        locator, lines = headers["Sforce-Locator"], lines + page - 1
    assert lines == count, lines


def filled(org: EmulatedOrg, column: str) -> bool:
    return bool(org.store.execute(f'SELECT 1 FROM "Account" WHERE "{column}" IS NOT NULL LIMIT 1'))


def cost(act: Callable[[], None]) -> tuple[float, float]:
    """Wall and CPU seconds of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--only", choices=("start", "throughput", "copies", "million", "bulk", "memory"))
    options.add_argument("--rows", type=int, default=MILLION, help="of bulk jobs")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        acts: dict[str, Callable[[], None]] = {
            "start": lambda: start_up(chosen.rounds),
            "throughput": lambda: throughput(chosen.rounds),
            "copies": lambda: copies(Path(name)),
            "million": lambda: million(Path(name)),
            "bulk": lambda: bulk(Path(name), chosen.rows),
            "memory": lambda: memory(Path(name), chosen.rows),
        }
        for each, act in acts.items():
            if chosen.only in (None, each):
                act()


if __name__ == "__main__":
    main()
