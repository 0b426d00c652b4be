"""sfdmu, as it is, as a plug-in of sf: rows from CSV files into the org, and out again."""

import csv
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from jobs import FOLDER, TOKEN, URL, USERNAME, count, equal, job, rows
from sf_jobs import prepare, sf

WORK = FOLDER / "sfdmu"
UPSERT, DELETE, READONLY = "Upsert", "Delete", "Readonly"


def script(*objects: Mapping[str, Any], **more: Any) -> None:
    """A fresh export.json, with the org by its token."""
    org = {"name": USERNAME, "instanceUrl": URL, "accessToken": TOKEN}
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    (WORK / "export.json").write_text(json.dumps({"orgs": [org], "objects": objects, **more}))


def table(name: str, records: Iterable[Mapping[str, Any]]) -> None:
    records = list(records)
    with (WORK / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)


def run(source: str, target: str) -> None:
    sf(
        "sfdmu", "run", "--sourceusername", source, "--targetusername", target, "--path", str(WORK),
        "--noprompt", "--nowarnings",
        org=False, parse=False,
    )  # fmt: skip


def told(query: str, operation: str) -> dict[str, str]:
    return {"query": query, "operation": operation, "externalId": "Key__c"}


def accounts(prefix: str, number: int, **more: str) -> list[dict[str, str]]:
    return [{"Name": f"{prefix} {i}", "Key__c": f"{prefix}-{i}", **more} for i in range(number)]


def into(prefix: str, number: int, **more: Any) -> None:
    """Accounts and things below them; the look-up is by the parents' key."""
    script(
        told("SELECT Name, Key__c FROM Account", UPSERT),
        told("SELECT Name, Key__c, Size__c, Account__c FROM Thing__c", UPSERT),
        **more,
    )
    table("Account", accounts(prefix, 3))
    numbered = enumerate(accounts(prefix, number))
    table(
        "Thing__c", ({**each, "Size__c": i, "Account__r.Key__c": f"{prefix}-{i % 3}"} for i, each in numbered)
    )
    run("csvfile", USERNAME)
    equal(count(f"Account WHERE Key__c LIKE '{prefix}-%'"), 3)
    equal(count(f"Thing__c WHERE Key__c LIKE '{prefix}-%'"), number)
    equal(count(f"Thing__c WHERE Account__r.Key__c = '{prefix}-1'"), len(range(1, number, 3)))


def again() -> None:
    """The same files once more change nothing, and a changed cell changes its row."""
    script(told("SELECT Name, Key__c FROM Account", UPSERT))
    table("Account", [{"Name": "New", "Key__c": "few-new"}, {"Name": "Renamed", "Key__c": "few-1"}])
    run("csvfile", USERNAME)
    equal(count("Account WHERE Key__c LIKE 'few-%'"), 4)
    equal(rows("SELECT Name FROM Account WHERE Key__c = 'few-1'"), [{"Name": "Renamed"}])


def out() -> None:
    script(told("SELECT Name, Key__c, Account__r.Key__c FROM Thing__c WHERE Key__c LIKE 'few-%'", READONLY))
    run(USERNAME, "csvfile")
    with (WORK / "Thing__c.csv").open() as file:
        found = list(csv.DictReader(file))
    equal(len(found), count("Thing__c WHERE Key__c LIKE 'few-%'"))


def gone() -> None:
    script(told("SELECT Id FROM Thing__c WHERE Key__c LIKE 'few-%'", DELETE))
    table("Thing__c", [{"Key__c": "few-0"}])
    run("csvfile", USERNAME)
    equal(count("Thing__c WHERE Key__c LIKE 'few-%'"), 0)


if __name__ == "__main__":
    prepare()
    sf("plugins", "link", os.environ["SFDMU"], "--no-install", org=False, parse=False)
    login = ["org", "login", "access-token", "--instance-url", URL, "--no-prompt", "--alias", "emu"]
    sf(*login, org=False, environ={"SF_ACCESS_TOKEN": TOKEN})
    job("csv to org: collections", lambda: into("few", 30))
    job("csv to org: an upsert again", again)
    job("csv to org: Bulk API 2.0", lambda: into("two", 600, bulkApiVersion="2.0", bulkThreshold=100))
    job("csv to org: Bulk API 1.0", lambda: into("one", 600, bulkApiVersion="1.0", bulkThreshold=100))
    job("org to csv", out)
    job("delete", gone)
