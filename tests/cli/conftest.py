"""The command line as its users see it: in this process for speed, in one of its own where that matters."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

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
        """A command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """A fresh project with the quickstart state; the demo org is made when first used."""
    monkeypatch.chdir(tmp_path)
    for name in ("RECONCILE_JOURNAL", "RECONCILE_ORG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".reconcile").mkdir(mode=0o700)
    shutil.copyfile(STATES / "quickstart.yaml", tmp_path / "quickstart.yaml")
    return Cli(tmp_path, capsys)


@dataclass(frozen=True)
class Served:
    """An emulated org in a process of its own."""

    process: "subprocess.Popen[str]"
    ready: Mapping[str, str]

    @property
    def url(self) -> str:
        return self.ready["url"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    schema = STATES.parent / "reconciler" / "cli" / "demo_schema"
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "emulator", "serve", "--seed", str(schema)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield Served(process, json.loads(process.stdout.readline()))
    process.terminate()
    assert process.wait(10) == 0
