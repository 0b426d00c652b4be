"""A project folder that a test writes its files into, and what loading it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.errors import SpecError
from reconciler.spec.load import StateDocument, load_states

SECTIONS = ("users", "records", "queues", "permission_sets")


class Folder:
    """The current directory of the test, so that positions read as an operator sees them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Path(name)

    def state(self, body: str, name: str = "a.yaml") -> Path:
        """A state whose first line is the version: ``body`` begins in line 2."""
        return self.write(name, "reconcile: 1\n" + body)

    def load(self, *paths: str | Path, **options: Any) -> StateDocument:
        given = [Path(path) for path in paths] or [Path("a.yaml")]
        return load_states(given, sections=SECTIONS, **options)

    def problems(self, *paths: str | Path, **options: Any) -> list[str]:
        """What is wrong, as printed; the loading must be refused."""
        with pytest.raises(SpecError) as refused:
            self.load(*paths, **options)
        return [str(problem) for problem in refused.value.problems]

    def one_problem(self, body: str, **options: Any) -> str:
        self.state(body)
        found = self.problems(**options)
        assert len(found) == 1, found
        return found[0]

    def section(self, body: str, name: str = "users", **options: Any) -> Any:
        self.state(body)
        return dict(self.load(**options).sections)[name]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    return Folder(tmp_path)


@pytest.fixture
def read() -> Callable[[str | bytes], tuple[Any, list[str]]]:
    """YAML to its node and its problems as printed, in ``x.yaml``."""
    from reconciler.spec.yaml_reader import read_yaml

    def reading(content: str | bytes) -> tuple[Any, list[str]]:
        problems: list[Any] = []
        data = content.encode() if isinstance(content, str) else content
        node = read_yaml(data, "x.yaml", problems, [])
        return node, [str(problem) for problem in problems]

    return reading
