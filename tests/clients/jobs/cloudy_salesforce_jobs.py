"""cloudy-salesforce, as it is: classes made from describes, schema snapshots, rows in collections of 200."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from cloudy_salesforce import SalesforceClient, SessionAuthentication, delete, insert, query, update, upsert
from jobs import FOLDER, TOKEN, URL, count, equal, job, rows

COMMAND = str(Path(sys.executable).with_name("cloudy-salesforce"))
MADE = ("Account", "Contact", "Thing__c")
MANY = 450
CONFIG = {
    "auth": {
        "default_alias": "org",
        "aliases": {
            "org": {"type": "session", "credentials": {"access_token": "AT", "instance_url": "AT_URL"}}
        },
    },
    "sobjects": list(MADE),
}
client: Any = SalesforceClient(SessionAuthentication(access_token=TOKEN, instance_url=URL))


def command(*words: str, exit_code: int = 0) -> str:
    environ = {**os.environ, "AT": TOKEN, "AT_URL": URL}
    done = subprocess.run([COMMAND, *words], cwd=FOLDER, env=environ, capture_output=True, text=True)
    equal((done.returncode, done.stderr if done.returncode != exit_code else ""), (exit_code, ""))
    return done.stdout


def generate() -> None:
    command("generate", "--alias", "org", "--out", "made")
    for name in MADE:
        assert (FOLDER / "made" / f"{name}.py").is_file(), name
    sys.path.insert(0, str(FOLDER))
    assert hasattr(importlib.import_module("made").Account, "__sf_meta__")


def snapshot() -> None:
    """The same schema twice is no change; a field that the org lacks is told as removed."""
    command("snapshot", "--alias", "org", "--sobjects", ",".join(MADE), "--out", "schema.json")
    command("diff", "schema.json", "--alias", "org")
    path = FOLDER / "schema.json"
    path.write_text(path.read_text().replace('"Key__c"', '"Gone__c"'))
    assert "Account.Gone__c: field removed" in command("diff", "schema.json", "--alias", "org", exit_code=1)


def data() -> None:
    made: Any = importlib.import_module("made")
    account, contact = made.Account, made.Contact
    new = insert(
        [account(Name=f"Cloudy {i:03}", Industry="Energy", Key__c=f"cs-{i}") for i in range(MANY)],
        client=client,
    )
    equal((len(new), all(each.success for each in new)), (MANY, True))
    equal(count("Account WHERE Key__c LIKE 'cs-%'"), MANY)
    told = upsert(
        [account(Name="Up", Key__c="cs-1"), account(Name="New", Key__c="cs-new")],
        external_id_field="Key__c",
        client=client,
    )
    equal([each.created for each in told], [False, True])
    insert([contact(LastName="Cloudy", AccountId=new[0].id) for _ in range(3)], client=client)
    found: Any = query(
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account WHERE Key__c LIKE 'cs-%' ORDER BY Name",
        client=client,
        parse_as=account,
    )
    equal((len(found), len(found[0].Contacts)), (MANY + 1, 3))
    ten = account.select("Id").where(Industry="Energy", Name__like="Cloudy%").limit(10).execute(client=client)
    equal(len(ten), 10)
    update(account(Id=new[0].id, Industry=None), client=client)
    equal(rows("SELECT Industry FROM Account WHERE Key__c = 'cs-0'")[0]["Industry"], None)
    refused: Any = insert(account(Industry="Energy"), client=client)
    equal(refused[0].errors[0]["statusCode"], "REQUIRED_FIELD_MISSING")
    delete(
        [account(Id=each["Id"]) for each in rows("SELECT Id FROM Account WHERE Key__c LIKE 'cs-%'")],
        client=client,
    )
    equal(count("Account WHERE Key__c LIKE 'cs-%'"), 0)


if __name__ == "__main__":
    (FOLDER / ".cloudy_config").write_text(json.dumps(CONFIG))
    job("generate: classes from describes", generate)
    job("snapshot and diff of the schema", snapshot)
    job("insert, upsert, update, delete, queries with children", data)
