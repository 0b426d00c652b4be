"""CumulusCI, as it is: its `cci task run`, all tasks in one process, against a project made for them."""

import json
import os
import sqlite3
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs import FOLDER, ORG_ID, TOKEN, URL, USERNAME, ask, count, equal, job, rows

PROJECT = FOLDER / "project"
ORG = "emu"
SHARED = Path(os.environ.get("SHARED", ""))
MANY = int(os.environ.get("MANY", "2500"))
"""Above 2,000 rows CumulusCI takes Bulk API 1.0."""

CUMULUSCI_YML = """
minimum_cumulusci_version: '4.0.0'
project:
  name: Strangers
  package:
    name: Strangers
    api_version: '62.0'
  git:
    default_branch: main
tasks:
  picklist_entries:
    class_path: cumulusci.tasks.metadata_etl.picklists.AddPicklistEntries
    options:
      picklists: [Thing__c.Kind__c]
      entries: [{fullName: Glass, label: Glass}]
  stages:
    class_path: cumulusci.tasks.metadata_etl.AddValueSetEntries
    options:
      api_names: [CaseStatus]
      entries: [{fullName: Parked, label: Parked, closed: false}]
  more_rights:
    class_path: cumulusci.tasks.metadata_etl.AddPermissionSetPermissions
    options:
      api_names: [Thing_Reader]
      field_permissions: [{field: Thing__c.Due__c, readable: true, editable: false}]
  owd:
    class_path: cumulusci.tasks.metadata_etl.SetOrgWideDefaults
    options:
      org_wide_defaults: [{api_name: Thing__c, internal_sharing_model: Private}]
      timeout: 20
  layout_fields:
    class_path: cumulusci.tasks.metadata_etl.layouts.AddFieldsToPageLayout
    options:
      api_names: [Account-Account Layout]
      fields: [{api_name: Key__c, position: [{relative: after, field: Name}]}]
  layout_lists:
    class_path: cumulusci.tasks.metadata_etl.layouts.AddRelatedLists
    options:
      api_names: [Account-Account Layout]
      related_list: Thing__c.Account__c
      fields: [NAME]
  object_permissions:
    class_path: cumulusci.tasks.preflight.sobjects.CheckSObjectPerms
    options:
      permissions: {Thing__c: {createable: true, updateable: true}}
  help_text:
    class_path: cumulusci.tasks.metadata_etl.help_text.SetFieldHelpText
    options:
      fields: [{api_name: Thing__c.Size__c, help_text: In metres}]
"""
MAPPING = """
Insert Accounts:
  sf_object: Account
  table: accounts
  api: {api}
  fields: [Name, Key__c]
Insert Things:
  sf_object: Thing__c
  table: things
  api: {api}
  {more}
  fields: [Name, Key__c, Size__c]
  lookups:
    Account__c: {{table: accounts, key_field: account_id}}
"""


def cci(*arguments: str) -> None:
    """One `cci` command line. Raises SystemExit when it fails."""
    from cumulusci.cli.cci import main

    main(["cci", *arguments])


def task(name: str, **options: object) -> None:
    told = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    try:
        cci("task", "run", name, "--org", ORG, "--no-prompt", *told)
    except SystemExit as error:
        raise AssertionError(f"cci task run {name} failed, see the log") from error


def prepare() -> None:
    PROJECT.mkdir(exist_ok=True)
    os.chdir(PROJECT)
    Path("cumulusci.yml").write_text(CUMULUSCI_YML)
    git = {"GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@x.example"}
    git |= {"GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@x.example"}
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "begin"]):
        subprocess.run(["git", *command], check=True, env={**os.environ, **git})
    subprocess.run(["git", "remote", "add", "origin", "https://github.com/x/x.git"], check=True)
    settings = Path.home() / ".cumulusci"
    settings.mkdir(exist_ok=True)
    (settings / "cumulus_timestamp").write_text(str(time.time()))  # or it asks for its newest version
    user = rows(f"SELECT Id FROM User WHERE Username = '{USERNAME}'")[0]["Id"]
    told = {"instance_url": URL, "access_token": TOKEN, "username": USERNAME}
    os.environ[f"CUMULUSCI_ORG_{ORG}"] = json.dumps({**told, "id": f"{URL}/id/{ORG_ID}/{user}"})


def dataset(name: str, accounts: int, things: int, prefix: str) -> str:
    """An SQLite file with rows of both tables; its address."""
    path = PROJECT / f"{name}.db"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as database:
        database.execute('CREATE TABLE accounts (id INTEGER PRIMARY KEY, "Name" TEXT, "Key__c" TEXT)')
        database.execute(
            'CREATE TABLE things (id INTEGER PRIMARY KEY, "Name" TEXT, "Key__c" TEXT, "Size__c" TEXT, '
            "account_id TEXT)"
        )
        database.executemany(
            "INSERT INTO accounts VALUES (?, ?, ?)",
            ((i, f"{prefix} account {i}", f"{prefix}-{i}") for i in range(1, accounts + 1)),
        )
        database.executemany(
            "INSERT INTO things VALUES (?, ?, ?, ?, ?)",
            ((i, f"thing {i}", f"{prefix}-{i}", str(i), str(i % accounts + 1)) for i in range(1, things + 1)),
        )
    database.close()
    return f"sqlite:///{path}"


def mapping(api: str, more: str = "") -> Path:
    path = PROJECT / f"mapping_{api}_{len(more)}.yml"
    path.write_text(MAPPING.format(api=api, more=more or "action: insert"))
    return path


def load(prefix: str, api: str, accounts: int, things: int) -> None:
    task(
        "load_dataset",
        database_url=dataset(prefix, accounts, things, prefix),
        mapping=mapping(api),
        set_recently_viewed=True,
    )
    equal(count(f"Account WHERE Key__c LIKE '{prefix}-%'"), accounts)
    equal(count(f"Thing__c WHERE Key__c LIKE '{prefix}-%' AND Account__r.Key__c LIKE '{prefix}-%'"), things)
    found = rows(f"SELECT Name, Size__c, Account__r.Name FROM Thing__c WHERE Key__c = '{prefix}-7'")[0]
    found["Account__r"].pop("attributes")
    wanted = {
        "Name": "thing 7",
        "Size__c": 7.0,
        "Account__r": {"Name": f"{prefix} account {7 % accounts + 1}"},
    }
    equal(found, wanted)


def upsert(api: str) -> None:
    prefix = f"up{api}"
    database = dataset(prefix, 2, 5, prefix)
    made = mapping(api, "action: upsert\n  update_key: Key__c")
    made.write_text(
        made.read_text().replace(
            "table: accounts\n  api", "table: accounts\n  action: upsert\n  update_key: Key__c\n  api"
        )
    )
    for _ in range(2):
        task("load_dataset", database_url=database, mapping=made)
        equal(count(f"Thing__c WHERE Key__c LIKE '{prefix}-%'"), 5)


def extract(api: str) -> None:
    path = PROJECT / f"extracted_{api}.db"
    path.unlink(missing_ok=True)
    task("extract_dataset", database_url=f"sqlite:///{path}", mapping=mapping(api))
    with sqlite3.connect(path) as database:
        (found,) = database.execute("SELECT COUNT(*) FROM things WHERE account_id IS NOT NULL").fetchone()
    equal(found, count("Thing__c WHERE Account__c != NULL"))


def real_dataset() -> None:
    """Program Management's own dataset: 1,263 rows of 12 objects, with record types and look-ups."""
    folder = SHARED / "orgs" / "pmm" / "datasets"
    task("load_dataset", sql_path=folder / "sample.sql", mapping=folder / "mapping.yml")
    for sobject, records in json.loads((folder / "sample.json").read_text()).items():
        assert count(sobject) >= len(records), f"{sobject}: {count(sobject)} of {len(records)}"


def query() -> None:
    task(
        "query",
        object="Thing__c",
        query="SELECT Name, Key__c FROM Thing__c WHERE Key__c LIKE 'smart-%'",
        result_file="out.csv",
    )
    equal(len(Path("out.csv").read_text().splitlines()) - 1, count("Thing__c WHERE Key__c LIKE 'smart-%'"))


def permission_sets() -> None:
    task("assign_permission_sets", api_names="Thing_Editor,Thing_Reader")
    task("assign_permission_sets", api_names="Thing_Editor")  # again: it sees that it has it
    mine = f"PermissionSetAssignment WHERE Assignee.Username = '{USERNAME}'"
    equal(count(f"{mine} AND PermissionSet.Name LIKE 'Thing_%'"), 2)


def create_permission_set() -> None:
    task("create_permission_set", api_name="Made_By_Cci", user_permissions="PermissionsBulkApiHardDelete")
    found = rows("SELECT PermissionsBulkApiHardDelete FROM PermissionSet WHERE Name = 'Made_By_Cci'")
    equal(found, [{"PermissionsBulkApiHardDelete": True}])


def insert_record() -> None:
    task("insert_record", object="Account", values="Name:Inserted,Key__c:inserted")
    equal(count("Account WHERE Key__c = 'inserted'"), 1)


def composite_request() -> None:
    path = "/services/data/v62.0/sobjects"
    made = {
        "method": "POST",
        "url": f"{path}/Account",
        "referenceId": "a",
        "body": {"Name": "C", "Key__c": "cc"},
    }
    child = {
        "method": "POST",
        "url": f"{path}/Thing__c",
        "referenceId": "t",
        "body": {"Account__c": "@{a.id}", "Key__c": "cc"},
    }
    Path("composite.json").write_text(json.dumps({"allOrNone": True, "compositeRequest": [made, child]}))
    task("composite_request", data_files="composite.json")
    equal(count("Thing__c WHERE Key__c = 'cc' AND Account__r.Key__c = 'cc'"), 1)


def delete_data(api: str, prefix: str) -> None:
    assert count(f"Thing__c WHERE Key__c LIKE '{prefix}-%'")
    task("delete_data", objects="Thing__c", where=f"Key__c LIKE '{prefix}-%'", api=api)
    equal(count(f"Thing__c WHERE Key__c LIKE '{prefix}-%'"), 0)


def update_data() -> None:
    Path("recipe.yml").write_text(
        "- object: Account\n  fields:\n    Oid: ${{input.Oid}}\n    Phone: ${{input.Key__c}}\n"
    )
    task("update_data", object="Account", where="Key__c LIKE 'rest-%'", fields="Key__c", recipe="recipe.yml")
    equal(
        count("Account WHERE Key__c LIKE 'rest-%' AND Phone LIKE 'rest-%'"),
        count("Account WHERE Key__c LIKE 'rest-%'"),
    )


def snowfakery() -> None:
    Path("things.recipe.yml").write_text(
        "- object: Account\n  count: 3\n  fields:\n    Name: Flake\n"
        "  friends:\n    - object: Contact\n      fields:\n"
        "        LastName: Flake\n        AccountId:\n          reference: Account\n"
    )
    task("snowfakery", recipe="things.recipe.yml")
    equal(count("Contact WHERE LastName = 'Flake' AND Account.Name = 'Flake'"), 3)


def unzipped(name: str) -> Path:
    with zipfile.ZipFile(FOLDER / f"{name}.zip") as zipped:
        zipped.extractall(PROJECT / name)
    return PROJECT / name


def deploy(**options: object) -> None:
    task("deploy", path=unzipped("good"), **options)
    equal(count("Widget__c"), 0)
    equal(count("PermissionSet WHERE Name = 'Widget_User'"), 1)


def validate() -> None:
    task("deploy", path=unzipped("gadget"), check_only=True)
    equal(rows("SELECT QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName = 'Gadget__c'"), [])


def failing_deploy() -> None:
    try:
        task("deploy", path=unzipped("bad"))
    except AssertionError:
        pass
    else:
        raise AssertionError("a deploy of a field of an unknown object succeeded")
    equal(rows("SELECT QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName = 'Widget__c'"), [])


def retrieve() -> None:
    task("retrieve_unpackaged", path="retrieved", package_xml=unzipped("good") / "package.xml")
    assert "<fullName>Code__c</fullName>" in Path("retrieved/objects/Widget__c.object").read_text()
    assert Path("retrieved/permissionsets/Widget_User.permissionset").is_file()


def uninstall() -> None:
    task("uninstall_src", path=unzipped("good"), purge_on_delete=True)
    equal(count("PermissionSet WHERE Name = 'Widget_User'"), 0)


def edits_of_metadata() -> None:
    task("picklist_entries")
    values = described("Thing__c", "Kind__c")["picklistValues"]
    equal([each["value"] for each in values], ["Wood", "Stone", "Glass"])
    task("stages")
    assert "Parked" in [each["value"] for each in described("Case", "Status")["picklistValues"]]
    task("more_rights")
    right = "FieldPermissions WHERE Parent.Name = 'Thing_Reader' AND Field = 'Thing__c.Due__c'"
    equal(count(f"{right} AND PermissionsRead = TRUE"), 1)
    task("help_text")
    equal(described("Thing__c", "Size__c")["inlineHelpText"], "In metres")


def described(sobject: str, field: str) -> Any:
    return next(each for each in ask(f"sobjects/{sobject}/describe")["fields"] if each["name"] == field)


def sharing() -> None:
    task("owd")
    found = rows("SELECT InternalSharingModel FROM EntityDefinition WHERE QualifiedApiName = 'Thing__c'")
    equal(found, [{"InternalSharingModel": "Private"}])


def profile() -> None:
    task("update_admin_profile")


def page_layouts() -> None:
    task("layout_fields")
    task("layout_lists")
    found = ask("sobjects/Account/describe/layouts/012000000000000AAA")
    shown = [
        component["value"]
        for section in found["detailLayoutSections"]
        for row in section["layoutRows"]
        for item in row["layoutItems"]
        for component in item["layoutComponents"]
    ]
    assert "Key__c" in shown, shown
    assert "Thing__c" in [each["sobject"] for each in found["relatedLists"]]


def record_type() -> None:
    task(
        "ensure_record_types",
        sobject="Case",
        record_type_developer_name="Default",
        record_type_label="Default",
    )
    equal(count("RecordType WHERE SobjectType = 'Case' AND DeveloperName = 'Default'"), 1)


def anonymous() -> None:
    task("execute_anon", apex="System.debug('hello');")


def files() -> None:
    folder = PROJECT / "Files"
    folder.mkdir(exist_ok=True)
    (folder / "hello.txt").write_text("hello")
    task("upload_files", path=folder)
    equal(count("ContentVersion WHERE Title = 'hello'"), 1)
    task("list_files")
    task("retrieve_files", path=PROJECT / "got")
    equal([each.read_text() for each in (PROJECT / "got").iterdir()], ["hello"])


def preflights() -> None:
    for name in (
        "get_installed_packages",
        "get_available_licenses",
        "get_assigned_permission_sets",
        "get_available_permission_set_licenses",
        "get_existing_record_types",
        "check_sobjects_available",
        "object_permissions",
        "describe_metadatatypes",
        "check_chatter_enabled",
        "check_enhanced_notes_enabled",
        "list_communities",
        "list_changes",
    ):
        task(name)


def everything() -> None:
    prepare()
    jobs: dict[str, Callable[[], object]] = {
        "org info": lambda: cci("org", "info", ORG),
        "load_dataset over REST": lambda: load("rest", "rest", 3, 450),
        f"load_dataset, smart, {MANY} rows": lambda: load("smart", "smart", 3, MANY),
        "load_dataset over Bulk": lambda: load("bulk", "bulk", 3, 250),
        "load_dataset, upsert over REST": lambda: upsert("rest"),
        "load_dataset, upsert over Bulk": lambda: upsert("bulk"),
        "extract_dataset over REST": lambda: extract("rest"),
        "extract_dataset over Bulk": lambda: extract("bulk"),
        "query": query,
        "update_data": update_data,
        "delete_data over REST": lambda: delete_data("rest", "rest"),
        "delete_data over Bulk": lambda: delete_data("bulk", "bulk"),
        "snowfakery": snowfakery,
        "insert_record": insert_record,
        "composite_request": composite_request,
        "assign_permission_sets": permission_sets,
        "create_permission_set": create_permission_set,
        "execute_anon": anonymous,
        "preflight checks": preflights,
        "upload_files, list_files, retrieve_files": files,
        "deploy that only validates": validate,
        "deploy that must fail whole": failing_deploy,
        "deploy": deploy,
        "deploy over REST": lambda: deploy(rest_deploy=True),
        "retrieve_unpackaged": retrieve,
        "uninstall_src": uninstall,
        "picklists, value sets, field rights, help texts": edits_of_metadata,
        "set_organization_wide_defaults": sharing,
        "fields and related lists of a standard layout": page_layouts,
        "ensure_record_types": record_type,
        "update_admin_profile": profile,
    }
    if (SHARED / "orgs").is_dir():
        jobs["load_dataset of a real project"] = real_dataset
    for name, run in jobs.items():
        job(name, run)


if __name__ == "__main__":
    everything()
