"""Claims about many clients of one org at once, in threads and in processes on one file."""

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.http import sessions
from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.http.service import handle
from reconciler.emulator.org import EmulatedOrg

ROOT = Path(__file__).parents[3]
CLIENTS, CALLS = 8, 6
DATA = "/services/data/v64.0"


def client(org: EmulatedOrg, name: str, calls: int = CALLS) -> list[str]:
    """One client's work: sign in, create, update, delete, query; what went wrong."""
    headers = Headers({"Content-Type": "application/json"})
    headers["authorization"] = f"Bearer {sessions.open_session(org, org.admin_id)}"
    wrong: list[str] = []

    def call(method: str, path: str, body: Any = None, query: str = "") -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        reply = handle(
            org, Request(method=method, path=DATA + path, query=query, headers=headers, body=content)
        )
        if reply.status >= 400:
            wrong.append(f"{method} {path}: {reply.status} {reply.value}")
        return reply.value

    for at in range(calls):
        rows = [{"attributes": {"type": "Account"}, "Name": f"{name} {at} {n}"} for n in range(10)]
        made = [each["id"] for each in call("POST", "/composite/sobjects", {"records": rows})]
        call("PATCH", f"/sobjects/Account/{made[0]}", {"Site": name})
        call("DELETE", f"/sobjects/Account/{made[1]}")
        found = call("GET", "/query", query=f"q=SELECT+COUNT()+FROM+Account+WHERE+Name+LIKE+'{name} %25'")
        if found["totalSize"] != 9 * (at + 1):
            wrong.append(f"{name} sees {found['totalSize']} of its own rows after {at + 1} calls")
    return wrong


def check(org: EmulatedOrg, names: list[str]) -> None:
    rows = org.rows("Account")
    assert len({row["Id"] for row in rows}) == len(rows) == len(names) * CALLS * 9
    assert Counter(row["Name"].split()[0] for row in rows) == dict.fromkeys(names, CALLS * 9)
    assert Counter(row["Site"] for row in rows if row["Site"]) == dict.fromkeys(names, CALLS)


def together(work: list[Callable[[], list[str]]]) -> list[str]:
    wrong: list[str] = []

    def run(each: Callable[[], list[str]]) -> None:
        try:
            wrong.extend(each())
        except Exception as error:
            wrong.append(repr(error))

    threads = [threading.Thread(target=run, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


@pytest.mark.parametrize("where", ["in memory", "in a file"])
def test_eight_clients_of_one_org_get_what_each_would_alone(where: str, tmp_path: Path) -> None:
    org = EmulatedOrg(None if where == "in memory" else tmp_path / "org.db")
    names = [f"c{at}" for at in range(CLIENTS)]
    assert together([lambda name=name: client(org, name) for name in names]) == []  # type: ignore[misc]  # default argument binds the loop variable
    check(org, names)
    org.close()


def test_eight_clients_in_two_processes_on_one_file_get_what_each_would_alone(tmp_path: Path) -> None:
    path = tmp_path / "org.db"
    EmulatedOrg(path).close()
    names = [f"c{at}" for at in range(CLIENTS)]
    code = (
        "import sys; sys.path.insert(0, ''); "
        "from tests.emulator.core.test_scale_clients import client, together; "
        "from reconciler.emulator.org import EmulatedOrg; "
        f"org = EmulatedOrg({str(path)!r}); "
        "print(together([lambda name=name: client(org, name) for name in sys.argv[1:]]))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, *names[at : at + 4]], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for at in range(0, CLIENTS, 4)
    ]
    assert [each.communicate()[0].strip() for each in started] == ["[]"] * 2
    org = EmulatedOrg(path)
    check(org, names)
    org.close()


def test_a_schema_that_one_process_changes_is_there_for_the_rows_of_another(tmp_path: Path) -> None:
    from reconciler.emulator.custom_fields import object_of

    one, other = EmulatedOrg(tmp_path / "org.db"), EmulatedOrg(tmp_path / "org.db")

    def change() -> list[str]:
        for at in range(10):
            one.additions.add_object(object_of(f"Rule{at}__c", {}, f"a{at:02d}"))
        return []

    assert together([change, lambda: client(other, "c0", 10)]) == []
    other.has("Rule9__c", Name="R")
    assert [row["Name"] for row in one.rows("Rule9__c")] == ["R"]
    one.close()
    other.close()
