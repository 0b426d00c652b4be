"""What a seed declares beside its metadata: files in its folder `emulator`, each for one module."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.emulator.declaring import BadDeclaration

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

FOLDER = "emulator"
TOOLING = "reconciler.emulator.tooling"
FILES = {"apex.yaml": f"{TOOLING}.apex", "packages.yaml": f"{TOOLING}.packages"}
"""File -> the module whose `declare` takes what it says; imported only when the file is there."""


def load_declared(org: "EmulatedOrg", folder: Path) -> list[str]:
    """Declare what a seed's files say; the problems of what cannot be read."""
    found = [(folder / FOLDER / name, module) for name, module in FILES.items()]
    return [problem for path, module in found if path.is_file() for problem in _load(org, path, module)]


def _load(org: "EmulatedOrg", path: Path, module: str) -> list[str]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        import_module(module).declare(org, YAML(typ="safe").load(path.read_text(encoding="utf-8")) or {})
    except BadDeclaration as error:
        return [f"{path}: {each}" for each in error.problems]
    except (YAMLError, UnicodeDecodeError, OSError) as error:
        return [f"{path}: {error}"]
    return []
