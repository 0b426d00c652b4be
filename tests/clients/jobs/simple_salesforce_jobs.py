"""simple-salesforce, as it is, over TLS: both bulk APIs, the Metadata API by zeep and by zip, Tooling."""

import base64
import os
import time
from pathlib import Path
from typing import Any

from jobs import FOLDER, PASSWORD, TOKEN, URL, USERNAME, ask, count, equal, job, rows
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest

MANY = int(os.environ.get("MANY", "2500"))
sf: Any = Salesforce(instance_url=URL, session_id=TOKEN)
newest: Any = Salesforce(instance_url=URL, session_id=TOKEN, version="66.0")


def contacts(prefix: str, number: int) -> list[dict[str, str]]:
    return [{"LastName": f"{prefix} {i}", "Key__c": f"{prefix}-{i}"} for i in range(number)]


def bulk() -> None:
    made = sf.bulk.Contact.insert(contacts("ssb", MANY), batch_size=1000, use_serial=True)
    equal([each["success"] for each in made], [True] * MANY)
    equal(count("Contact WHERE Key__c LIKE 'ssb-%'"), MANY)
    changed = sf.bulk.Contact.upsert(
        [{"Key__c": "ssb-0", "Title": "up"}, {"Key__c": "ssb-new", "LastName": "New"}, {"Key__c": "ssb-bad"}],
        "Key__c",
    )
    equal(
        [(each["success"], each["created"]) for each in changed],
        [(True, False), (True, True), (False, False)],
    )
    equal(changed[2]["errors"][0]["statusCode"], "REQUIRED_FIELD_MISSING")
    found = sf.bulk.Contact.query("SELECT Id, Title FROM Contact WHERE Key__c = 'ssb-0'")
    equal([each["Title"] for each in found], ["up"])
    gone = sf.bulk.Contact.delete([{"Id": each["id"]} for each in made])
    equal((all(each["success"] for each in gone), count("Contact WHERE Key__c LIKE 'ssb-%'")), (True, 1))
    equal(len(sf.bulk.Contact.query_all("SELECT Id FROM Contact WHERE Key__c LIKE 'ssb-%'")), MANY + 1)


def bulk2() -> None:
    told = sf.bulk2.Contact.insert(records=contacts("two", MANY), wait=1)
    equal(sum(each["numberRecordsProcessed"] for each in told), MANY)
    assert not any(each["numberRecordsFailed"] for each in told)
    path = FOLDER / "upsert.csv"
    path.write_text("Key__c,LastName,Title\ntwo-0,two 0,up\ntwo-new,New,\ntwo-bad,,x\n")
    told = sf.bulk2.Contact.upsert(str(path), external_id_field="Key__c", wait=1)
    equal((told[0]["numberRecordsProcessed"], told[0]["numberRecordsFailed"]), (3, 1))
    failed = sf.bulk2.Contact.get_failed_records(told[0]["job_id"])
    assert "REQUIRED_FIELD_MISSING:" in failed, failed
    assert "two-new" in sf.bulk2.Contact.get_successful_records(told[0]["job_id"])
    unprocessed = sf.bulk2.Contact.get_unprocessed_records(told[0]["job_id"])
    assert len(unprocessed.splitlines()) <= 1, unprocessed
    pages = list(sf.bulk2.Contact.query("SELECT Id FROM Contact WHERE Key__c LIKE 'two-%'", max_records=1000))
    equal(sum(len(page.strip().splitlines()) - 1 for page in pages), MANY + 1)
    folder = FOLDER / "download"
    folder.mkdir(exist_ok=True)
    sf.bulk2.Contact.download("SELECT Id FROM Contact WHERE Key__c LIKE 'two-%'", path=str(folder))
    lines = [line for each in folder.iterdir() for line in each.read_text().splitlines()[1:]]
    equal(len(lines), MANY + 1)
    sf.bulk2.Contact.delete(records=rows("SELECT Id FROM Contact WHERE Key__c LIKE 'two-%'"), wait=1)
    equal(count("Contact WHERE Key__c LIKE 'two-%'"), 0)


def metadata() -> None:
    api = newest.mdapi
    told = api.describe_metadata()
    assert "CustomObject" in [each.xmlName for each in told.metadataObjects]
    made = api.CustomObject(
        fullName="Sso__c",
        label="Sso",
        pluralLabel="Ssos",
        nameField=api.CustomField(label="Name", type=api.FieldType("Text")),
        deploymentStatus=api.DeploymentStatus("Deployed"),
        sharingModel=api.SharingModel("ReadWrite"),
    )
    api.CustomObject.create(made)
    equal(count("Sso__c"), 0)
    read = api.CustomObject.read("Sso__c")
    equal((read.label, str(read.sharingModel)), ("Sso", "ReadWrite"))
    read.label = "Sso 2"
    api.CustomObject.update(read)
    equal(ask("sobjects/Sso__c/describe")["label"], "Sso 2")
    query = api.ListMetadataQuery(type="CustomObject")
    assert "Sso__c" in [each.fullName for each in api.list_metadata(query)]
    api.CustomObject.rename("Sso__c", "Sst__c")
    equal(count("Sst__c"), 0)
    api.CustomObject.delete("Sst__c")
    equal(rows("SELECT QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName = 'Sst__c'"), [])


def until_done(deployed: str) -> Any:
    for _ in range(100):
        told = newest.checkDeployStatus(deployed)
        if told["state"] in ("Succeeded", "Failed"):
            return told
        time.sleep(0.1)
    raise AssertionError(told)


def deploy() -> None:
    bad = until_done(newest.deploy(str(FOLDER / "bad.zip"), sandbox=False)["asyncId"])
    equal(bad["state"], "Failed")
    assert "Nothing__c" in str(bad["deployment_detail"]["errors"]), bad
    equal(rows("SELECT QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName = 'Widget__c'"), [])
    good = until_done(newest.deploy(str(FOLDER / "good.zip"), sandbox=False)["asyncId"])
    equal((good["state"], good["deployment_detail"]["failed_count"]), ("Succeeded", "0"))
    equal(count("Widget__c"), 0)
    started, _ = newest.mdapi.retrieve("", unpackaged={"CustomObject": ["Widget__c"]})
    for _ in range(100):
        state, _, _ = newest.mdapi.check_retrieve_status(started)
        if state == "Succeeded":
            break
        time.sleep(0.1)
    assert b"Widget__c.object" in newest.mdapi.retrieve_zip(started)[3]


def tooling() -> None:
    told = newest.toolingexecute("query/?q=SELECT+Id,Name+FROM+ApexClass+LIMIT+1")
    equal(told["done"], True)
    told = newest.toolingexecute("executeAnonymous/?anonymousBody=System.debug(1)%3B")
    equal((told["compiled"], told["success"]), (True, True))


def files() -> None:
    body = base64.b64encode(b"hello").decode()
    made = sf.ContentVersion.create({"Title": "Ss", "PathOnClient": "ss.txt", "VersionData": body})
    equal(sf.ContentVersion.get_base64(made["id"], "VersionData"), b"hello")
    binary = b"\x00\x01binary"
    parent = sf.Account.create({"Name": "Files"})["id"]
    body = base64.b64encode(binary).decode()
    attached = sf.Attachment.create({"Name": "a.bin", "ParentId": parent, "Body": body})
    equal(sf.Attachment.get_base64(attached["id"]), binary)


def rest() -> None:
    made = sf.Account.create({"Name": "Ss", "Key__c": "ss"})
    equal(sf.Account.upsert("Key__c/ss", {"Phone": "1"}), 200)
    equal(rows("SELECT Name, Phone FROM Account WHERE Key__c = 'ss'"), [{"Name": "Ss", "Phone": "1"}])
    equal(sf.Account.delete(made["id"]), 204)
    equal(count("Account WHERE Key__c = 'ss'"), 0)
    try:
        sf.query("SELECT Nothing__c FROM Account")
    except SalesforceMalformedRequest as error:
        equal(error.content[0]["errorCode"], "INVALID_FIELD")
    equal(sf.is_sandbox() in (True, False), True)
    assert USERNAME in str(sf.query_all("SELECT Username FROM User"))
    assert Path(os.environ["REQUESTS_CA_BUNDLE"]).is_file(), PASSWORD


if __name__ == "__main__":
    job("REST over TLS", rest)
    job("files and attachments", files)
    job(f"bulk 1.0 in JSON, {MANY} rows", bulk)
    job(f"bulk 2.0, {MANY} rows", bulk2)
    job("Metadata API by zeep", metadata)
    job("deploy and retrieve", deploy)
    job("tooling", tooling)
