"""The command line as its users see it: in this process for speed, in one of its own where that matters."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from reconciler.cli.main import execute

STATES = Path(__file__).resolve().parents[2] / "states"


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def last(self) -> str:
        return self.out.rstrip().splitlines()[-1]


class Cli:
    """Runs commands in one project folder."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        self._started: list[subprocess.Popen[str]] = []

    def __call__(self, *arguments: str) -> Said:
        self._capsys.readouterr()
        code = execute(list(arguments))
        out, err = self._capsys.readouterr()
        return Said(code, out, err)

    def together(self, *arguments: str) -> str:
        """What a terminal would show: both streams in the order they were written."""
        process = subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        return process.stdout

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def newest(self) -> str:
        plans = self("history", "--json").json["plans"]
        return str(plans[0]["plan_id"])

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        """A command in a process of its own; it is ended with the test."""
        process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def end_started(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    """A fresh project with the quickstart state; the demo org is made when first used."""
    monkeypatch.chdir(tmp_path)
    for name in ("RECONCILE_JOURNAL", "RECONCILE_ORG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".reconcile").mkdir(mode=0o700)
    shutil.copyfile(STATES / "quickstart.yaml", tmp_path / "quickstart.yaml")
    made = Cli(tmp_path, capsys)
    yield made
    made.end_started()


@dataclass(frozen=True)
class Served:
    """An emulated org in a process of its own. ``ready`` is what it printed."""

    process: "subprocess.Popen[str]"
    ready: Mapping[str, str]

    @property
    def url(self) -> str:
        return self.ready["url"]

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """Have these faults and no others from now on."""
        self.release()
        answer = requests.post(f"{self.url}/__emulator__/faults", json=rules, timeout=30)
        assert answer.ok, answer.text

    def release(self) -> None:
        """Have no faults any more; the calls that one holds go on."""
        assert requests.delete(f"{self.url}/__emulator__/faults", timeout=30).ok

    def fired(self) -> int:
        """How often faults were met since they were set."""
        faults = requests.get(f"{self.url}/__emulator__/faults", timeout=30).json()
        return sum(each["fired"] for each in faults)

    def until_fired(self, process: "subprocess.Popen[str]", times: int = 1) -> None:
        """Wait for the org to hold the calls of ``process`` that the faults are for."""
        while self.fired() < times:
            assert process.poll() is None, process.communicate()

    def token(self) -> str:
        """A new session of the administrator."""
        client = (self.ready["client_id"], self.ready["client_secret"])
        address = f"{self.url}/services/oauth2/token"
        answer = requests.post(
            address,
            data={"grant_type": "client_credentials"},
            auth=client,
            verify=self._authority,
            timeout=30,
        )
        return str(answer.json()["access_token"])

    def query(self, soql: str) -> list[dict[str, Any]]:
        """Rows as the org holds them, asked without the product."""
        answer = requests.get(
            f"{self.url}/services/data/v62.0/query",
            params={"q": soql},
            headers={"Authorization": f"Bearer {self.token()}"},
            verify=self._authority,
            timeout=30,
        )
        assert answer.ok, answer.text
        return list(answer.json()["records"])

    def values(self, soql: str) -> list[Any]:
        """The one column that ``soql`` selects."""
        return [value for row in self.query(soql) for name, value in row.items() if name != "attributes"]

    @property
    def _authority(self) -> str | bool:
        return self.ready.get("ca_file", True)


Serve = Callable[..., Served]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts orgs with the demo's schema; arguments are those of `emulator serve`."""
    schema = STATES.parent / "reconciler" / "cli" / "demo_schema"
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> Served:
        process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", "emulator", "serve", "--seed", str(schema), *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        return Served(process, json.loads(process.stdout.readline()))

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=30)
        assert process.returncode == 0


@pytest.fixture
def served(serve: Serve) -> Served:
    return serve()
