"""Which clients there are, and how each runs its jobs against an org of its own."""

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import installing, packages
from .keys import make_key
from .results import Result, run_script
from .serving import SCHEMA, Served, served

JOBS = Path(__file__).parent / "jobs"
SHARED = installing.ROOT.parent / "shared"
PROJECTS = SHARED / "orgs"
"""Real projects' material, where it is beside the repository."""


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
    seeds: tuple[Path, ...] = (SCHEMA,)
    """Those that are not on this machine are left out."""


def jsforce(place: Place) -> list[Result]:
    environ = {**place.environ, "CLIENT_FOLDER": str(installing.installed("jsforce"))}
    return run_script("jsforce", [installing.node(), JOBS / "jsforce_jobs.mjs"], environ, place.folder)


def cumulusci(place: Place) -> list[Result]:
    command: list[str | Path] = [installing.python("cumulusci"), JOBS / "cumulusci_jobs.py"]
    return run_script("CumulusCI", command, place.environ, place.folder)


def python_script(client: str, script: str, place: Place) -> list[Result]:
    return run_script(client, [installing.python("python"), JOBS / script], place.environ, place.folder)


def simple_salesforce(place: Place) -> list[Result]:
    """The project's own copy: it is one of its libraries."""
    command: list[str | Path] = [sys.executable, JOBS / "simple_salesforce_jobs.py"]
    return run_script("simple-salesforce", command, place.environ, place.folder)


def aiosalesforce(place: Place) -> list[Result]:
    return python_script("aiosalesforce", "aiosalesforce_jobs.py", place)


def salesforce_bulk(place: Place) -> list[Result]:
    return python_script("salesforce-bulk", "salesforce_bulk_jobs.py", place)


def cloudy(place: Place) -> list[Result]:
    command: list[str | Path] = [installing.python("cloudy"), JOBS / "cloudy_salesforce_jobs.py"]
    return run_script("cloudy-salesforce", command, place.environ, place.folder)


def wsdl(place: Place) -> list[Result]:
    wsdl = installing.installed("jsforce") / "node_modules" / "jsforce" / "src" / "api" / "soap" / "wsdl.xml"
    return python_script("zeep", "wsdl_jobs.py", Place(place.folder, place.org, {"PARTNER_WSDL": str(wsdl)}))


def django(place: Place) -> list[Result]:
    return python_script("django-salesforce", "django_jobs.py", place)


def sf(place: Place) -> list[Result]:
    environ = {**place.environ, **sf_environ()}
    return run_script("sf", [sys.executable, JOBS / "sf_jobs.py"], environ, place.folder)


def sf_over_tls(place: Place) -> list[Result]:
    org, file = place.org, place.folder / "org.sfdx"
    secrets = f"{org.client_id}:{org.client_secret}:{org.refresh_token}"
    file.write_text(f"force://{secrets}@{org.url.removeprefix('https://')}")
    environ = {**place.environ, **sf_environ(), "SFDX_URL_FILE": str(file)}
    return run_script("sf-over-TLS", [sys.executable, JOBS / "sf_tls_jobs.py"], environ, place.folder)


def sfdmu(place: Place) -> list[Result]:
    folder = installing.installed("sfdmu") / "node_modules" / "sfdmu"
    environ = {**place.environ, **sf_environ(), "SFDMU": str(folder)}
    return run_script("sfdmu", [sys.executable, JOBS / "sfdmu_jobs.py"], environ, place.folder)


def sf_environ() -> dict[str, str]:
    modules = installing.installed("sf") / "node_modules"
    return {
        "NODE": str(installing.node()),
        "SF_RUN_JS": str(modules / "@salesforce" / "cli" / "bin" / "run.js"),
    }


CLIENTS = (
    Client("jsforce", jsforce),
    Client(
        "cumulusci",
        cumulusci,
        tls=True,
        seeds=(SCHEMA, *(SHARED / "orgs" / name for name in ("npsp", "pmm"))),
    ),
    Client("simple-salesforce", simple_salesforce, tls=True),
    Client("aiosalesforce", aiosalesforce),
    Client("salesforce-bulk", salesforce_bulk),
    Client("cloudy-salesforce", cloudy, tls=True),
    Client("zeep", wsdl),
    Client("django-salesforce", django, tls=True),
    Client("sf-over-TLS", sf_over_tls, tls=True),
    Client("sfdmu", sfdmu),
    Client("sf", sf, seeds=(SCHEMA, PROJECTS / "ebikes")),
)


def run_client(client: Client, **more: str) -> list[Result]:
    """All jobs of a client. Raises `NotInstallable` where it cannot be had."""
    with tempfile.TemporaryDirectory(prefix=f"{client.name}-") as made:
        folder = Path(os.environ.get("CLIENTS_FOLDER") or made)
        packages.write(folder)
        key, certificate = make_key(folder)
        seeds = [seed for seed in client.seeds if seed.is_dir()]
        with served(tls=client.tls, seeds=seeds, certificates=[certificate]) as org:
            return client.run(Place(folder, org, {"JWT_KEY": str(key), "SHARED": str(SHARED), **more}))
