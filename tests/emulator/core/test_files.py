"""What is wrong with an org's file is said when it is opened, with its name, and the file stays as it is."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.store import CannotOpen, DamagedStore


def text(path: Path) -> None:
    path.write_text("this is no database")


def tables_of_others(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE customer (name TEXT)")


def cut_in_half(path: Path) -> None:
    EmulatedOrg(path).close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def overwritten(path: Path) -> None:
    EmulatedOrg(path).close()
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\xaa" * (len(content) - 8192))


@pytest.mark.parametrize("damage", [text, tables_of_others, cut_in_half, overwritten])
def test_a_file_that_is_no_orgs_database_is_named_and_left_alone(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = tmp_path / "org.db"
    damage(path)
    before = path.read_bytes()
    with pytest.raises(DamagedStore, match=r"org\.db is not the database of an emulated org: "):
        EmulatedOrg(path)
    assert path.read_bytes() == before


def folder_is_missing(path: Path) -> None:
    path.parent.rmdir()


def is_a_folder(path: Path) -> None:
    path.mkdir()


def log_cannot_be_made(path: Path) -> None:
    EmulatedOrg(path).close()
    path.with_name(path.name + "-wal").mkdir()


@pytest.mark.parametrize("hindrance", [folder_is_missing, is_a_folder, log_cannot_be_made])
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, hindrance: Callable[[Path], None]) -> None:
    path = tmp_path / "folder" / "org.db"
    path.parent.mkdir()
    hindrance(path)
    with pytest.raises(CannotOpen, match=r"org\.db cannot be opened for reading and writing: "):
        EmulatedOrg(path)


SERVED = """
import resource, sys
from pathlib import Path
from reconciler.emulator.http.process import main_serve
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
main_serve(db=Path(sys.argv[1]))
"""


def test_an_org_is_served_without_room_for_a_snapshot_of_how_it_was(tmp_path: Path) -> None:
    path = tmp_path / "org.db"
    EmulatedOrg(path).close()
    command = [sys.executable, "-c", SERVED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        assert json.loads(served.stdout.readline())["org_id"]
        served.terminate()
        _, told = served.communicate(timeout=20)
    assert "no snapshot 'start' is kept to go back to: " in told
    assert served.returncode == 0
    with closing(EmulatedOrg(path)) as org:
        assert org.snapshots.names() == []


CROWDED = """
import resource, sys
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.store import CannotOpen
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    EmulatedOrg(sys.argv[1])
except CannotOpen as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("room", [0, 100_000, 1_000_000])
def test_a_new_org_for_which_there_is_no_room_is_named_and_begins_when_there_is(
    tmp_path: Path, room: int
) -> None:
    path = tmp_path / "org.db"
    run = subprocess.run(
        [sys.executable, "-c", CROWDED, str(path), str(room)], capture_output=True, text=True, check=False
    )
    assert f"{path} cannot be opened for reading and writing: " in run.stderr
    assert run.returncode == 1
    org = EmulatedOrg(path)
    assert len(org.rows("Organization")) == 1
    assert len(org.rows("User", Username=org.username)) == 1
    org.close()
