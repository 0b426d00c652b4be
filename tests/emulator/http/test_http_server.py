"""The server itself: as a process, over TLS, its back door, hostile connections."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from reconciler.emulator.http import sessions
from reconciler.emulator.http.server import Server
from reconciler.emulator.org import EmulatedOrg

ROOT = Path(__file__).parents[3]
START = (
    "import sys, json; from pathlib import Path; from reconciler.emulator.http.process import main_serve; "
)


@contextmanager
def process(call: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
    """`main_serve` in a process of its own, with what it said when it was ready."""
    child = subprocess.Popen(
        [sys.executable, "-c", START + call], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert child.stdout is not None
        yield child, json.loads(child.stdout.readline())
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def get(url: str, token: str, **options: Any) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {token}"}
        return session.get(url, headers=headers, timeout=20, **options)


def test_a_served_org_says_when_it_is_ready_and_leaves_cleanly_when_told(tmp_path: Path) -> None:
    db = tmp_path / "org.db"
    with process(f"main_serve(port=0, db=Path({str(db)!r}))") as (child, ready):
        assert list(ready) == [
            "url", "org_id", "username", "password", "access_token", "client_id", "client_secret",
            "refresh_token",
        ]  # fmt: skip
        assert get(f"{ready['url']}/services/data/v60.0/limits", ready["access_token"]).status_code == 200
        form = {"grant_type": "refresh_token", "client_id": ready["client_id"]}
        with requests.Session() as session:
            session.trust_env = False
            form["refresh_token"] = ready["refresh_token"]
            reply = session.post(f"{ready['url']}/services/oauth2/token", data=form, timeout=20)
        assert reply.json()["access_token"] != ready["access_token"]
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=20) == 0
    with process(f"main_serve(port=0, db=Path({str(db)!r}))") as (_, again):
        assert again["org_id"] == ready["org_id"]
        limits = f"{again['url']}/services/data/v60.0/limits"
        assert get(limits, ready["access_token"]).status_code == 200


def test_what_a_seed_could_not_bring_is_told_and_not_at_any_length(tmp_path: Path) -> None:
    for number in range(25):
        (tmp_path / f"Bad{number}__c.object-meta.xml").write_text("<CustomObject")
    code = f"{START}main_serve(port=0, seeds=[Path({str(tmp_path)!r})])"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as child:
        assert child.stdout
        assert json.loads(child.stdout.readline())["url"]
        child.send_signal(signal.SIGTERM)
        told = child.communicate(timeout=20)[1].splitlines()
    assert told[0].startswith("left out: ")
    assert told[20:] == ["5 more: 'reconcile emulator seed' tells all"]


def test_with_tls_the_authority_is_written_for_clients(tmp_path: Path) -> None:
    with process("main_serve(tls=True)") as (_, ready):
        assert ready["url"].startswith("https://")
        reply = get(f"{ready['url']}/services/data", ready["access_token"], verify=ready["ca_file"])
        assert reply.status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            get(f"{ready['url']}/services/data", ready["access_token"])


def test_a_server_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys, reconciler.emulator.http.server; "
        "print([each for each in ('requests', 'cryptography', 'lark', 'jwt') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_the_allowance_of_a_day_is_set_through_the_back_door() -> None:
    org = EmulatedOrg()
    token = {"Authorization": f"Bearer {sessions.open_session(org, org.admin_id)}"}
    with Server(org) as server:
        door = f"{server.url}/__emulator__/limits"
        assert requests.post(door, json={"DailyApiRequests": 1}, timeout=20).json()["DailyApiRequests"] == 1
        answers = [
            requests.get(f"{server.url}/services/data/v60.0/limits", headers=token, timeout=20) for _ in "ab"
        ]
        assert [each.status_code for each in answers] == [200, 403]
        for wrong in ({"TreeRecords": 5, "DailyApiRequests": -1}, {"TreeRecords": 5, "X": 1}, [1]):
            assert requests.post(door, json=wrong, timeout=20).status_code == 400
        now = requests.get(door, timeout=20).json()
        assert (now["DailyApiRequests"], now["TreeRecords"]) == (1, 200)


def test_faults_and_calls_are_reached_from_other_processes() -> None:
    org = EmulatedOrg()
    token = sessions.open_session(org, org.admin_id)
    with Server(org) as server, requests.Session() as session:
        session.trust_env = False
        door = f"{server.url}/__emulator__"
        given = [{"kind": "status", "status": 500, "path": "/limits"}]
        added = session.post(f"{door}/faults", json=given, timeout=20)
        assert [each["kind"] for each in added.json()] == ["status"]
        assert get(f"{server.url}/services/data/v60.0/limits", token).status_code == 500
        assert session.get(f"{door}/faults", timeout=20).json()[0]["fired"] == 1
        calls = session.get(f"{door}/calls", timeout=20).json()
        assert calls["calls"] == [{"method": "GET", "path": "/services/data/v60.0/limits", "count": 1}]
        assert session.post(f"{door}/faults", json={"kind": "x"}, timeout=20).status_code == 400
        assert session.post(f"{door}/faults", data="{", timeout=20).status_code == 400
        assert session.delete(f"{door}/faults", timeout=20).status_code == 204
        assert session.get(f"{door}/faults", timeout=20).json() == []
        assert session.delete(f"{door}/calls", timeout=20).status_code == 204
        assert session.get(f"{door}/calls", timeout=20).json()["total"] == 0
        assert session.get(f"{door}/nothing", timeout=20).status_code == 404


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /services/data HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"400"),
        (b"POST /services/data HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"400"),
        (b"POST /services/data HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"POST /services/data HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", b"400"),
        (b"GET /services/data HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"431"),
        (b"GET " + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"rubbish\r\n\r\n", b"400"),
    ],
)
def test_a_hostile_request_is_answered_and_the_next_client_is_served(sent: bytes, status: bytes) -> None:
    with Server(EmulatedOrg()) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.makefile("rb").read()
        assert status in answer[:300]
        assert get(f"{server.url}/services/data", "").status_code == 200


@pytest.mark.parametrize("target", ["http://any.example", "HTTPS://any.example:8443", "http://[::1"])
def test_a_target_that_names_its_host_is_the_same_resource(target: str) -> None:
    with (
        Server(EmulatedOrg()) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection,
    ):
        head = f"GET {target}/services/data HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 200")


def test_a_client_that_hangs_up_or_speaks_plain_to_tls_harms_nobody() -> None:
    with Server(EmulatedOrg(), tls=True) as server:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        idle = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        reply = get(f"{server.url}/services/data", "", verify=str(server.ca_file))
        idle.close()
        assert reply.status_code == 200


def test_a_client_that_waits_for_leave_to_send_gets_it() -> None:
    org = EmulatedOrg()
    token = sessions.open_session(org, org.admin_id)
    head = (
        "POST /services/data/v60.0/sobjects/Account HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: 15\r\nExpect: 100-continue\r\n\r\n"
    )
    with (
        Server(org) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection,
    ):
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(b'{"Name":"Acme"}')
        assert connection.recv(1000).startswith(b"HTTP/1.1 201")


def test_many_clients_write_at_once_and_no_row_is_lost() -> None:
    org = EmulatedOrg()
    token = sessions.open_session(org, org.admin_id)

    def create(server: Server, number: int) -> None:
        with requests.Session() as session:
            session.trust_env = False
            for turn in range(5):
                session.post(
                    f"{server.url}/services/data/v60.0/sobjects/Account",
                    json={"Name": f"{number}-{turn}"},
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=20,
                ).raise_for_status()

    with Server(org) as server:
        threads = [threading.Thread(target=create, args=(server, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len({each["Name"] for each in org.rows("Account")}) == 40
