"""Claims about named snapshots: what they keep, what going back leaves alone, who may look on."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.emulator import ids
from reconciler.emulator.clock import Clock
from reconciler.emulator.custom_fields import object_of
from reconciler.emulator.errors import ApiError
from reconciler.emulator.http import sessions
from reconciler.emulator.http.control import control
from reconciler.emulator.http.faults import Faults
from reconciler.emulator.http.message import Request
from reconciler.emulator.kept_snapshots import BadName, NoSnapshot
from reconciler.emulator.org import EmulatedOrg

MakeOrg = Callable[[], EmulatedOrg]


@pytest.fixture(params=["in memory", "in a file"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeOrg]:
    made: list[EmulatedOrg] = []

    def build() -> EmulatedOrg:
        path = None if request.param == "in memory" else tmp_path / f"org{len(made)}.db"
        made.append(EmulatedOrg(path, clock=Clock.fixed()))
        return made[-1]

    yield build
    for each in made:
        each.close()


def accounts(org: EmulatedOrg) -> list[str]:
    return [row["Name"] for row in org.query("SELECT Name FROM Account").records]


def test_going_back_makes_the_org_what_it_was(make: MakeOrg) -> None:
    org = make()
    org.has("Account", Name="A")
    before = org.snapshot()
    org.snapshots.take("clean")
    org.has("Account", Name="B")
    org.snapshots.go_back("clean")
    assert org.snapshot() == before
    assert accounts(org) == ["A"]


def test_a_snapshot_can_be_gone_back_to_again(make: MakeOrg) -> None:
    org = make()
    org.snapshots.take("clean")
    for name in ("A", "B"):
        org.has("Account", Name=name)
        org.snapshots.go_back("clean")
    assert accounts(org) == []


def test_the_same_run_after_going_back_gives_the_same_ids(make: MakeOrg) -> None:
    org = make()
    org.snapshots.take("clean")
    first = org.has("Account", Name="A")
    org.snapshots.go_back("clean")
    assert org.has("Account", Name="A") == first


def test_the_schema_goes_back_with_the_rows(make: MakeOrg) -> None:
    org = make()
    org.snapshots.take("clean")
    org.additions.add_object(object_of("Rule__c", {}, "a00"))
    org.has("Rule__c", Name="R")
    org.snapshots.take("with-rules")
    org.snapshots.go_back("clean")
    assert "Rule__c" not in org.schema
    with pytest.raises(ApiError):
        org.query("SELECT Id FROM Rule__c")
    org.snapshots.go_back("with-rules")
    assert [row["Name"] for row in org.query("SELECT Name FROM Rule__c").records] == ["R"]


def test_sessions_stay_open_over_going_back_even_to_before_there_were_any(make: MakeOrg) -> None:
    org = make()
    org.snapshots.take("clean")
    token = sessions.open_session(org, org.admin_id)
    org.snapshots.go_back("clean")
    assert sessions.resume(org, token).user_id == org.admin_id


def test_the_session_of_a_user_who_is_not_there_yet_is_over(make: MakeOrg) -> None:
    org = make()
    org.snapshots.take("clean")
    with org.transaction() as tx:
        user = tx.system_insert("User", Username="b@acme.example", LastName="B", IsActive=1)
    token = sessions.open_session(org, ids.to_text(user))
    org.snapshots.go_back("clean")
    with pytest.raises(sessions.InvalidSession):
        sessions.resume(org, token)


def test_taking_a_snapshot_again_replaces_it(make: MakeOrg) -> None:
    org = make()
    org.snapshots.take("clean")
    org.has("Account", Name="A")
    org.snapshots.take("clean")
    org.snapshots.go_back("clean")
    assert accounts(org) == ["A"]
    assert org.snapshots.names() == ["clean"]


def test_a_snapshot_that_was_forgotten_cannot_be_gone_back_to_and_nothing_changes(make: MakeOrg) -> None:
    org = make()
    org.snapshots.take("clean")
    org.snapshots.take("other")
    org.has("Account", Name="A")
    org.snapshots.remove("clean")
    with pytest.raises(NoSnapshot, match="no snapshot 'clean'; there are: other"):
        org.snapshots.go_back("clean")
    with pytest.raises(NoSnapshot):
        org.snapshots.remove("clean")
    assert accounts(org) == ["A"]


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a b", "-x", "x" * 65, "ä", "a\n"])
def test_a_name_that_is_none_of_a_file_is_refused_and_keeps_nothing(make: MakeOrg, name: str) -> None:
    org = make()
    with pytest.raises(BadName):
        org.snapshots.take(name)
    assert org.snapshots.names() == []


def test_within_a_transaction_there_is_no_going_back(make: MakeOrg) -> None:
    org = make()
    org.snapshots.take("clean")
    with org.transaction() as tx:
        tx.insert("Account", {"Name": "A"})
        with pytest.raises(RuntimeError):
            org.snapshots.go_back("clean")
    assert accounts(org) == ["A"]


def test_a_fork_has_the_snapshots_and_goes_back_alone() -> None:
    org = EmulatedOrg(clock=Clock.fixed())
    org.snapshots.take("clean")
    org.has("Account", Name="A")
    twin = org.fork()
    twin.snapshots.go_back("clean")
    twin.snapshots.take("own")
    assert (accounts(twin), accounts(org)) == ([], ["A"])
    assert org.snapshots.names() == ["clean"]


def test_a_file_that_is_open_elsewhere_is_taken_back_for_all(tmp_path: Path) -> None:
    served, other = EmulatedOrg(tmp_path / "org.db"), EmulatedOrg(tmp_path / "org.db")
    served.has("Account", Name="A")
    other.snapshots.take("clean")
    served.additions.add_object(object_of("Rule__c", {}, "a00"))
    served.has("Account", Name="B")
    token = sessions.open_session(served, served.admin_id)
    other.snapshots.go_back("clean")
    assert accounts(served) == ["A"]
    assert "Rule__c" not in served.schema
    assert sessions.resume(served, token).token == token
    served.has("Account", Name="C")
    assert accounts(other) == ["A", "C"]
    served.close()
    other.close()


def test_who_writes_meanwhile_writes_before_or_after_and_never_between(tmp_path: Path) -> None:
    org = EmulatedOrg(tmp_path / "org.db")
    org.snapshots.take("clean")
    writer = EmulatedOrg(tmp_path / "org.db")
    failed: list[BaseException] = []

    def write() -> None:
        try:
            for at in range(30):
                with writer.transaction() as tx:
                    tx.insert("Account", {"Name": f"{at} a"})
                    tx.insert("Account", {"Name": f"{at} b"})
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    while thread.is_alive():
        org.snapshots.go_back("clean")
        org.snapshots.take("meanwhile")
    thread.join()
    assert failed == []
    org.snapshots.go_back("meanwhile")
    assert len(accounts(org)) % 2 == 0
    org.close()
    writer.close()


def test_at_no_moment_of_going_back_is_a_session_missing_from_the_file(tmp_path: Path) -> None:
    org = EmulatedOrg(tmp_path / "org.db")
    sessions.open_session(org, org.admin_id)
    org.snapshots.take("clean")
    sessions.open_session(org, org.admin_id)
    with closing(sqlite3.connect(tmp_path / "org.db")) as onlooker:
        seen: list[object] = []
        org.store.connection.set_trace_callback(
            lambda _: seen.append(onlooker.execute("SELECT count(*) FROM _token").fetchone()[0])
        )
        org.snapshots.go_back("clean")
        org.store.connection.set_trace_callback(None)
    assert set(seen) == {2}
    org.close()


def test_a_damaged_snapshot_is_refused_and_the_org_stays(tmp_path: Path) -> None:
    org = EmulatedOrg(tmp_path / "org.db")
    org.has("Account", Name="A")
    org.snapshots.take("clean")
    (kept,) = (tmp_path / "org.db.snapshots").iterdir()
    for content in (b"", b"no database at all", kept.read_bytes()[:5000]):
        kept.write_bytes(content)
        with pytest.raises(sqlite3.DatabaseError):
            org.snapshots.go_back("clean")
        assert accounts(org) == ["A"]
    org.close()


def test_a_snapshot_left_half_written_is_not_one_of_them(tmp_path: Path) -> None:
    org = EmulatedOrg(tmp_path / "org.db")
    org.snapshots.take("clean")
    (tmp_path / "org.db.snapshots" / ".new-abc").write_bytes(b"half")
    (tmp_path / "org.db.snapshots" / "notes.txt").write_bytes(b"")
    assert org.snapshots.names() == ["clean"]
    org.close()


# -- the back door


def call(org: EmulatedOrg, method: str, what: str, body: bytes = b"", query: str = "") -> tuple[int, object]:
    request = Request(method=method, path=f"/__emulator__/{what}", body=body, query=query)
    reply = control(org, Faults(), request)
    return reply.status, reply.value


def test_snapshots_are_kept_listed_gone_back_to_and_forgotten_by_the_back_door(org: EmulatedOrg) -> None:
    assert call(org, "POST", "snapshot", b'{"name": "clean"}') == (201, {"name": "clean"})
    assert call(org, "POST", "snapshot", query="name=start") == (201, {"name": "start"})
    assert call(org, "GET", "snapshot") == (200, [{"name": "clean"}, {"name": "start"}])
    org.has("Account", Name="A")
    assert call(org, "POST", "reset", b'{"name": "clean"}') == (200, {"name": "clean"})
    assert accounts(org) == []
    org.has("Account", Name="A")
    assert call(org, "POST", "reset") == (200, {"name": "start"})
    assert accounts(org) == []
    assert call(org, "DELETE", "snapshot", query="name=clean")[0] == 204
    assert org.snapshots.names() == ["start"]


@pytest.mark.parametrize(
    ("method", "what", "body", "status"),
    [
        ("POST", "reset", b'{"name": "nothing"}', 404),
        ("DELETE", "snapshot", b'{"name": "nothing"}', 404),
        ("POST", "snapshot", b'{"name": "../x"}', 400),
        ("POST", "snapshot", b'{"name": 7}', 400),
        ("POST", "snapshot", b"[]", 400),
        ("POST", "snapshot", b"{", 400),
        ("POST", "snapshot", b"", 400),
        ("GET", "reset", b"", 405),
    ],
)
def test_a_wrong_word_at_the_back_door_is_refused_and_changes_nothing(
    org: EmulatedOrg, method: str, what: str, body: bytes, status: int
) -> None:
    org.has("Account", Name="A")
    assert call(org, method, what, body)[0] == status
    assert accounts(org) == ["A"]
    assert org.snapshots.names() == []
