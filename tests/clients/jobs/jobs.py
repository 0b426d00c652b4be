"""What the job scripts in Python share: running a job, and asking the org by plain HTTP how it turned out.

Standard output is the results' alone: what a client prints goes to standard error.
"""

import json
import os
import ssl
import sys
import traceback
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

URL = os.environ["ORG_URL"]
TOKEN = os.environ["ORG_ACCESS_TOKEN"]
USERNAME = os.environ["ORG_USERNAME"]
PASSWORD = os.environ["ORG_PASSWORD"]
ORG_ID = os.environ["ORG_ORG_ID"]
FOLDER = Path(os.environ["ORG_FOLDER"])
WANTED = os.environ.get("ONLY_JOB", "")
_REPORT = os.fdopen(os.dup(1), "w")
sys.stdout.flush()
os.dup2(2, 1)


def job(name: str, run: Callable[[], object]) -> None:
    """Print one JSON line; a failed job does not stop the ones after it."""
    if WANTED not in name:
        return
    told: dict[str, Any] = {"job": name, "ok": True, "why": ""}
    try:
        run()
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = " ".join(f"{type(error).__name__}: {error} [{where.name}:{where.lineno}]".split())
        told |= {"ok": False, "why": text[:600]}
        if WANTED:
            traceback.print_exc()
    print(json.dumps(told), file=_REPORT, flush=True)


def ask(path: str, body: Any = None) -> Any:
    """GET below `/services/data/v66.0/`, or POST of a ``body``."""
    request = urllib.request.Request(
        f"{URL}/services/data/v66.0/{path}",
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        data=None if body is None else json.dumps(body).encode(),
    )
    ca_file = os.environ.get("ORG_CA_FILE")
    context = ssl.create_default_context(cafile=ca_file) if ca_file else None
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(request) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"the witness was refused: {error.read().decode()}") from error


def rows(soql: str) -> list[dict[str, Any]]:
    """The rows of a query, without `attributes`: asked by nobody's client."""
    page = ask("query?" + urllib.parse.urlencode({"q": soql}))
    found = page["records"]
    while not page["done"]:
        page = ask(page["nextRecordsUrl"].partition("/v66.0/")[2])
        found += page["records"]
    return [{k: v for k, v in row.items() if k != "attributes"} for row in found]


def count(source: str) -> int:
    return int(rows(f"SELECT COUNT(Id) n FROM {source}")[0]["n"])


def equal(found: object, wanted: object) -> None:
    assert found == wanted, f"found {found!r}, wanted {wanted!r}"
