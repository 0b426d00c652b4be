"""Help answers at once: what a command does not need is not imported."""

import subprocess
import sys

import pytest

from reconciler.cli.main import COMMANDS

HEAVY = "simple_salesforce networkx pydantic rich ruamel sqlalchemy requests lark cryptography jwt alembic"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["plan", "--help"], ["emulator", "serve", "--help"]]
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\nfrom reconciler.cli.main import execute\n"
        f"code = execute({arguments!r})\n"
        f"print('HEAVY', [name for name in {HEAVY.split()!r} if name in sys.modules])\nsys.exit(code)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.rstrip().endswith("HEAVY []"), run.stdout[-200:]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(cli, name: str) -> None:  # type: ignore[no-untyped-def]  # fixture
    said = cli(name, "--help")
    assert said.code == 0
    assert said.out.startswith("Usage: reconcile")
    assert "Example" in said.out or "Commands:" in said.out
