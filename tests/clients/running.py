"""Which clients there are, and how each runs its jobs against an org of its own."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import installing, packages
from .results import Result, run_script
from .serving import Served, served

JOBS = Path(__file__).parent / "jobs"


@dataclass(frozen=True)
class Place:
    """A folder that a client's jobs may fill, and the org they are sent to."""

    folder: Path
    org: Served
    more: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return {**self.org.environ(self.folder), **self.more}


@dataclass(frozen=True)
class Client:
    """``run`` gets an org that nobody used; ``tls`` for clients that speak nothing else."""

    name: str
    run: Callable[[Place], list[Result]]
    tls: bool = False
    installs: tuple[str, ...] = ()


def jsforce(place: Place) -> list[Result]:
    environ = {**place.environ, "CLIENT_FOLDER": str(installing.installed("jsforce"))}
    return run_script("jsforce", [installing.node(), JOBS / "jsforce_jobs.mjs"], environ, place.folder)


def cumulusci(place: Place) -> list[Result]:
    environ = {**place.environ, "PYTHONPATH": str(JOBS)}
    command = [installing.python("cumulusci"), JOBS / "cumulusci_jobs.py"]
    return run_script("CumulusCI", command, environ, place.folder)


CLIENTS = (
    Client("jsforce", jsforce),
    Client("cumulusci", cumulusci, tls=True),
)


def run_client(client: Client, **more: str) -> list[Result]:
    """All jobs of a client. Raises `NotInstallable` where it cannot be had."""
    for name in client.installs:
        installing.installed(name)
    with tempfile.TemporaryDirectory(prefix=f"{client.name}-") as made:
        folder = Path(os.environ.get("CLIENTS_FOLDER") or made)
        packages.write(folder)
        with served(tls=client.tls) as org:
            return client.run(Place(folder, org, more))
