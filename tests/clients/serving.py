"""One emulated org as a process of its own, as any user serves it, and what jobs are told of it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCHEMA = Path(__file__).parent / "force-app"
"""What every client's org has besides the standard objects: Thing__c, keys, two permission sets."""


@dataclass(frozen=True)
class Served:
    """Where the org is, and who may come in."""

    url: str
    org_id: str
    username: str
    password: str
    access_token: str
    client_id: str
    client_secret: str
    refresh_token: str
    ca_file: str = ""

    def environ(self, folder: Path) -> dict[str, str]:
        """The environment of a job: this process's, quiet, without proxies, at home in ``folder``."""
        kept = {k: v for k, v in os.environ.items() if k not in STRANGE and not k.startswith("PYTEST_")}
        told = {f"ORG_{name.upper()}": str(value) for name, value in vars(self).items()}
        home = folder / "home"
        home.mkdir(exist_ok=True)
        found = {**kept, **told, **QUIET, "HOME": str(home), "ORG_FOLDER": str(folder)}
        if self.ca_file:
            found |= dict.fromkeys(TRUST, self.ca_file)
        return found


TRUST = ("REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")
STRANGE = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "PYTHONPATH", "VIRTUAL_ENV")
QUIET = {
    "NO_PROXY": "127.0.0.1",
    "SF_DISABLE_TELEMETRY": "true",
    "SF_SKIP_NEW_VERSION_CHECK": "true",
    "SF_AUTOUPDATE_DISABLE": "true",
    "SF_USE_GENERIC_UNIX_KEYCHAIN": "true",
    "SF_CONTENT_TYPE": "",
    "CUMULUSCI_DISABLE_REFRESH": "1",
    "CUMULUSCI_KEY": "0123456789abcdef",
}


@contextmanager
def served(
    *, tls: bool = False, seeds: Sequence[Path] = (SCHEMA,), certificates: Sequence[Path] = ()
) -> Iterator[Served]:
    """`reconcile emulator serve`, until the block ends; JWT sign-ins are verified by ``certificates``."""
    options = [part for seed in seeds for part in ("--seed", str(seed))]
    options += [part for path in certificates for part in ("--jwt-cert", str(path))]
    options += ["--tls"] if tls else []
    command = [sys.executable, "-m", "reconciler", "emulator", "serve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Served(**json.loads(process.stdout.readline()))
        finally:
            process.terminate()
