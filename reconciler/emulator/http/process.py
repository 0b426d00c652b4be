"""An org served by a process of its own, from its start to a signal: seeded, kept in a file, told in JSON."""

import json
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from reconciler.emulator.fresh import own_name
from reconciler.emulator.http import sessions
from reconciler.emulator.http.server import Server
from reconciler.emulator.kept_snapshots import START
from reconciler.emulator.org import EmulatedOrg

SEEDS_TABLE = 'CREATE TABLE IF NOT EXISTS "_seed" (path TEXT PRIMARY KEY)'
MOST_REMARKS = 20
"""On a seed: who serves an org need not read its standard error, and a full pipe would stop it."""


def _trust(org: EmulatedOrg, path: Path) -> None:
    try:
        sessions.register_certificate(org, path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _seed(org: EmulatedOrg, folders: Sequence[Path]) -> list[str]:
    """Load the folders that this org has not been seeded with; what was made up and left out.

    A folder is loaded whole or not at all, and noted with it.
    """
    org.store.ensure_table(SEEDS_TABLE)
    remarks: list[str] = []
    for folder in folders:
        path = str(folder.resolve())
        with org.transaction():
            if org.store.execute('SELECT 1 FROM "_seed" WHERE path = ?', (path,)):
                continue
            told = org.load(folder).remarks()
            org.store.execute('INSERT INTO "_seed" VALUES (?)', (path,))
        remarks += told[:MOST_REMARKS]
        if len(told) > MOST_REMARKS:
            remarks.append(f"{len(told) - MOST_REMARKS} more: 'reconcile emulator seed' tells all")
    return remarks


def _keep_start(org: EmulatedOrg) -> list[str]:
    """Keep the org as it is, unless that was done when it was first served; what is to be said of it."""
    if START not in org.snapshots.names():
        try:
            org.snapshots.take(START)
        except (OSError, sqlite3.Error) as error:
            return [f"no snapshot '{START}' is kept to go back to: {error}"]
    return []


def main_serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    db: Path | None = None,
    name: str | None = None,
    seeds: Sequence[Path] = (),
    tls: bool = False,
    jwt_certificates: Sequence[Path] = (),
) -> None:
    """Serve an org until SIGTERM or SIGINT, then return.

    A new one has an id that goes with its ``name``; without a name it has one of its own, so that what
    was planned for one served org is never taken for another's.

    Prints one JSON line when ready: `url`, `org_id`, `username`, `password`, `access_token`,
    `client_id`, `client_secret`, `refresh_token`, and with TLS `ca_file`. A ``db`` that exists is served
    as it was left; seeds it already has are not loaded again. What it is when it is first served is kept as
    snapshot `start`. Raises OSError for a port that is taken
    and ValueError for a file that is no certificate.
    """
    told, teller = socket.socketpair()  # a lock would not hear a signal that comes just before the wait
    teller.setblocking(False)
    signal.set_wakeup_fd(teller.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    org = EmulatedOrg(db, name=name or own_name())
    remarks = _seed(org, seeds)
    remarks += _keep_start(org)
    for path in jwt_certificates:
        _trust(org, path)
    with Server(org, host=host, port=port, tls=tls) as server:
        print(json.dumps(_ready(server)), flush=True)
        for each in (*remarks, *(f"not computed: {gap}" for gap in org.formula_gaps())):
            print("".join(c if c.isprintable() else "?" for c in each), file=sys.stderr, flush=True)
        told.recv(1)
    signal.set_wakeup_fd(-1)
    org.close()


def _ready(server: Server) -> dict[str, str]:
    org = server.org
    found = {
        "url": server.url,
        "org_id": org.org_id,
        "username": org.username,
        "password": org.password,
        "access_token": sessions.open_session(org, org.admin_id),
        "client_id": org.client_id,
        "client_secret": org.client_secret,
        "refresh_token": sessions.open_session(
            org, org.admin_id, client_id=org.client_id, kind=sessions.TokenKind.REFRESH
        ),
    }
    if server.ca_file is not None:
        found["ca_file"] = os.fspath(server.ca_file)
    return found
