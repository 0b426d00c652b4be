"""The sf CLI, as it is: one process a command, `--json` read as scripts read it.

What it did is asked of the org by plain HTTP. Real projects' material is used where it is there.
"""

import csv
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs import FOLDER, ORG_ID, TOKEN, URL, USERNAME, ask, count, equal, job, rows

SF = [os.environ["NODE"], os.environ["SF_RUN_JS"]]
SHARED = Path(os.environ.get("SHARED", ""))
PROJECT = FOLDER / "sf-project"
API = "66.0"
COMMAND_SECONDS = 180


class Refused(Exception):
    """A command that ended with an exit code; ``told`` is its JSON."""

    def __init__(self, told: Any) -> None:
        super().__init__(f"{told.get('name')}: {told.get('message')}" if isinstance(told, dict) else told)
        self.told = told


def sf(
    *arguments: str,
    org: bool = True,
    parse: bool = True,
    folder: Path = PROJECT,
    environ: dict[str, str] | None = None,
) -> Any:
    """The `result` of one command, or its text with ``parse=False``. Raises `Refused`."""
    command = [*SF, *arguments, *(["--target-org", "emu"] if org else []), *(["--json"] if parse else [])]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )
    print("sf", *arguments, "->", done.returncode, done.stdout[-3000:], done.stderr[-1500:], flush=True)
    if not parse:
        if done.returncode:
            raise Refused(done.stderr or done.stdout)
        return done.stdout
    try:
        told = json.loads(done.stdout)
    except ValueError as error:
        raise Refused(f"no JSON: {done.stdout[-300:]} {done.stderr[-300:]}") from error
    if done.returncode:
        raise Refused(told)
    return told["result"]


def refused(*arguments: str, **more: Any) -> Any:
    try:
        told = sf(*arguments, **more)
    except Refused as error:
        return error.told
    raise AssertionError(f"sf {' '.join(arguments)} was not refused: {told}")


def contains(text: object, *parts: str) -> None:
    for part in parts:
        assert part in str(text), f"{part!r} is not in {str(text)[:400]!r}"


def prepare() -> None:
    default = PROJECT / "force-app" / "main" / "default"
    shutil.rmtree(PROJECT, ignore_errors=True)
    default.mkdir(parents=True)
    (PROJECT / "sfdx-project.json").write_text(
        json.dumps({"packageDirectories": [{"path": "force-app", "default": True}], "sourceApiVersion": API})
    )
    objects = default / "objects" / "Gizmo__c"
    (objects / "fields").mkdir(parents=True)
    (objects / "Gizmo__c.object-meta.xml").write_text(xml("CustomObject", GIZMO))
    (objects / "fields" / "Code__c.field-meta.xml").write_text(xml("CustomField", CODE))
    (default / "permissionsets").mkdir()
    (default / "permissionsets" / "Gizmo_User.permissionset-meta.xml").write_text(
        xml("PermissionSet", RIGHTS)
    )
    (default / "classes").mkdir()
    for name, body in CLASSES.items():
        (default / "classes" / f"{name}.cls").write_text(body)
        (default / "classes" / f"{name}.cls-meta.xml").write_text(
            xml("ApexClass", f"<apiVersion>{API}</apiVersion><status>Active</status>")
        )


def xml(kind: str, inner: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{kind} xmlns="http://soap.sforce.com/2006/04/metadata">'
        f"{inner}</{kind}>\n"
    )


GIZMO = (
    "<deploymentStatus>Deployed</deploymentStatus><label>Gizmo</label>"
    "<nameField><label>Name</label><type>Text</type></nameField>"
    "<pluralLabel>Gizmos</pluralLabel><sharingModel>ReadWrite</sharingModel>"
)
CODE = "<fullName>Code__c</fullName><label>Code</label><length>20</length><type>Text</type>"
RIGHTS = (
    "<fieldPermissions><editable>true</editable><field>Gizmo__c.Code__c</field><readable>true</readable>"
    "</fieldPermissions><label>Gizmo User</label><objectPermissions><allowCreate>true</allowCreate>"
    "<allowDelete>true</allowDelete><allowEdit>true</allowEdit><allowRead>true</allowRead>"
    "<modifyAllRecords>false</modifyAllRecords><object>Gizmo__c</object>"
    "<viewAllRecords>false</viewAllRecords></objectPermissions>"
)
CLASSES = {
    "Gizmos": "public class Gizmos {\n    public static Integer one() {\n        return 1;\n    }\n}\n",
    "GizmosTest": "@isTest\nprivate class GizmosTest {\n    @isTest\n    static void oneIsOne() {\n"
    "        System.assertEquals(1, Gizmos.one());\n    }\n}\n",
}


# -- signing in, and the org


def login() -> None:
    told = sf(
        "org", "login", "access-token", "--instance-url", URL, "--no-prompt", "--alias", "emu",
        org=False, environ={"SF_ACCESS_TOKEN": TOKEN},
    )  # fmt: skip
    equal((told["username"], told["orgId"]), (USERNAME, ORG_ID))


def login_jwt() -> None:
    told = sf(
        "org", "login", "jwt", "--instance-url", URL, "--client-id", os.environ["ORG_CLIENT_ID"],
        "--jwt-key-file", os.environ["JWT_KEY"], "--username", USERNAME, "--alias", "emu",
        org=False,
    )  # fmt: skip
    equal((told["username"], told["orgId"]), (USERNAME, ORG_ID))


def display() -> None:
    told = sf("org", "display")
    equal((told["id"], told["connectedStatus"], told["instanceUrl"].rstrip("/")), (ORG_ID, "Connected", URL))


def users() -> None:
    assert USERNAME in [each["username"] for each in sf("org", "list", "users")]
    equal(sf("org", "display", "user")["profileName"], "System Administrator")


def limits() -> None:
    assert "DailyApiRequests" in [each["name"] for each in sf("org", "list", "limits")]
    told = sf("org", "list", "sobject", "record-counts", "--sobject", "Account", "--sobject", "User")
    equal({each["name"]: each["count"] for each in told}["User"], count("User"))


def objects() -> None:
    assert "Thing__c" in sf("sobject", "list", "--sobject", "custom")
    names = [each["name"] for each in sf("sobject", "describe", "--sobject", "Thing__c")["fields"]]
    assert "Key__c" in names
    equal(sf("sobject", "describe", "--sobject", "ApexClass", "--use-tooling-api")["name"], "ApexClass")


def open_url() -> None:
    contains(sf("org", "open", "--url-only")["url"], URL, "frontdoor.jsp")


def password() -> None:
    told = sf("org", "generate", "password")
    assert len(told["password"]) >= 8


def rest_request() -> None:
    contains(sf("api", "request", "rest", f"/services/data/v{API}/limits", parse=False), "DailyApiRequests")


# -- rows


def record() -> None:
    made = sf("data", "create", "record", "--sobject", "Account", "--values", "Name='Sf One' Key__c=sf-1")
    got = sf("data", "get", "record", "--sobject", "Account", "--record-id", made["id"])
    equal(got["Name"], "Sf One")
    sf("data", "update", "record", "--sobject", "Account", "--where", "Key__c=sf-1", "--values", "Phone=123")
    equal(rows("SELECT Name, Phone FROM Account WHERE Key__c = 'sf-1'"), [{"Name": "Sf One", "Phone": "123"}])
    told = refused("data", "create", "record", "--sobject", "Contact", "--values", "FirstName=x")
    contains(told, "REQUIRED_FIELD_MISSING", "LastName")
    sf("data", "delete", "record", "--sobject", "Account", "--record-id", made["id"])
    equal(count("Account WHERE Key__c = 'sf-1'"), 0)


def query() -> None:
    made = sf("data", "create", "record", "--sobject", "Account", "--values", "Name=Query Key__c=sf-q")
    values = f"Name=Child Key__c=sf-q Account__c={made['id']}"
    sf("data", "create", "record", "--sobject", "Thing__c", "--values", values)
    ask_for = ["data", "query", "--query"]
    soql = "SELECT Name, Account__r.Name, CreatedBy.Profile.Name FROM Thing__c WHERE Key__c = 'sf-q'"
    equal(sf(*ask_for, soql)["records"][0]["Account__r"]["Name"], "Query")
    contains(sf(*ask_for, soql, parse=False), "Child", "Query", "ACCOUNT__R.NAME")
    lines = sf(*ask_for, soql, "--result-format", "csv", parse=False).splitlines()
    equal(lines[0], "Name,Account__r.Name,CreatedBy.Profile.Name")
    children = "SELECT Name, (SELECT Name, Key__c FROM Things__r) FROM Account WHERE Key__c = 'sf-q'"
    contains(sf(*ask_for, children, parse=False), "Query", "Child")
    grouped = "SELECT Name, COUNT(Id) total FROM Account WHERE Key__c = 'sf-q' GROUP BY Name"
    contains(sf(*ask_for, grouped, parse=False), "Query", "1")
    equal(sf(*ask_for, "SELECT COUNT() FROM Account WHERE Key__c = 'sf-q'")["totalSize"], 1)
    equal(sf(*ask_for, "SELECT Id FROM Account WHERE Key__c = 'none'")["totalSize"], 0)
    contains(refused(*ask_for, "SELECT Nothing__c FROM Account")["message"], "No such column 'Nothing__c'")
    equal(sf(*ask_for, "SELECT Name FROM ApexClass", "--use-tooling-api")["totalSize"], 0)


def search() -> None:
    sf("data", "create", "record", "--sobject", "Account", "--values", "Name='Zanzibar Sf'")
    told = sf("data", "search", "--query", "FIND {Zanzibar} IN ALL FIELDS RETURNING Account(Name)")
    contains(told, "Zanzibar Sf")


def bulk() -> None:
    path = PROJECT / "contacts.csv"
    path.write_text("LastName,Key__c\n" + "".join(f"Bulk {i},sfb-{i}\n" for i in range(300)))
    options = ["--sobject", "Contact", "--file", str(path), "--line-ending", "LF", "--wait", "5"]
    made = sf("data", "import", "bulk", *options)
    equal((made["processedRecords"], count("Contact WHERE Key__c LIKE 'sfb-%'")), (300, 300))
    told = sf("data", "bulk", "results", "--job-id", made["jobId"])
    equal(told["processedRecords"], 300)
    path.write_text("Key__c,LastName,Title\nsfb-0,Bulk 0,up\nsfb-new,New,\nsfb-bad,,x\n")
    told = refused("data", "upsert", "bulk", *options, "--external-id", "Key__c")
    contains(told, "failed to process 1 records")
    equal(rows("SELECT Title FROM Contact WHERE Key__c = 'sfb-0'"), [{"Title": "up"}])
    equal(count("Contact WHERE Key__c IN ('sfb-new', 'sfb-bad')"), 1)
    found = rows("SELECT Id FROM Contact WHERE Key__c LIKE 'sfb-%'")
    path.write_text("Id,Title\n" + "".join(f"{each['Id']},T\n" for each in found))
    sf("data", "update", "bulk", *options)
    equal(count("Contact WHERE Key__c LIKE 'sfb-%' AND Title = 'T'"), len(found))
    path.write_text("Id\n" + "".join(f"{each['Id']}\n" for each in found))
    sf("data", "delete", "bulk", *options)
    equal(count("Contact WHERE Key__c LIKE 'sfb-%'"), 0)


def export_bulk() -> None:
    path = PROJECT / "users.csv"
    options = ["--output-file", str(path), "--result-format", "csv", "--wait", "5"]
    sf("data", "export", "bulk", "--query", "SELECT Id, Username FROM User", *options)
    with path.open() as opened:
        equal(len(list(csv.DictReader(opened))), count("User"))


def tree() -> None:
    child = {"attributes": {"type": "Contact", "referenceId": "c1"}, "LastName": "Nested", "Key__c": "tree"}
    parent = {"attributes": {"type": "Account", "referenceId": "a1"}, "Name": "Tree", "Key__c": "tree"}
    path = PROJECT / "tree.json"
    path.write_text(json.dumps({"records": [{**parent, "Contacts": {"records": [child]}}]}))
    equal(len(sf("data", "import", "tree", "--files", str(path))), 2)
    equal(count("Contact WHERE Key__c = 'tree' AND Account.Key__c = 'tree'"), 1)
    soql = "SELECT Name, (SELECT LastName FROM Contacts) FROM Account WHERE Key__c = 'tree'"
    sf("data", "export", "tree", "--query", soql, "--output-dir", str(PROJECT / "exported"), "--plan")
    assert len(list((PROJECT / "exported").glob("*.json"))) == 3
    path.write_text(json.dumps({"records": [{**parent, "Key__c": "t2"}, {**child, "LastName": None}]}))
    refused("data", "import", "tree", "--files", str(path))
    equal(count("Account WHERE Key__c = 't2'"), 0)


def tree_plan() -> None:
    data = SHARED / "orgs" / "ebikes" / "data"
    sf("data", "import", "tree", "--plan", str(data / "sample-data-plan.json"))
    wanted = len(json.loads((data / "Product__cs.json").read_text())["records"])
    equal(count("Product__c WHERE Product_Family__c != NULL"), wanted)


def permission_set() -> None:
    equal(sf("org", "assign", "permset", "--name", "Thing_Reader")["successes"][0]["value"], "Thing_Reader")
    refused_again = refused("org", "assign", "permset", "--name", "Thing_Reader")
    contains(refused_again, "Duplicate PermissionSetAssignment")
    mine = f"PermissionSetAssignment WHERE Assignee.Username = '{USERNAME}'"
    equal(count(f"{mine} AND PermissionSet.Name = 'Thing_Reader'"), 1)


def files() -> None:
    path = PROJECT / "hello.txt"
    path.write_text("hello")
    made = sf("data", "create", "file", "--file", str(path), "--title", "Hello")
    equal(rows(f"SELECT Title FROM ContentVersion WHERE Id = '{made['Id']}'"), [{"Title": "Hello"}])


# -- metadata


def components(told: Any) -> dict[str, str]:
    return {f"{each['type']}:{each['fullName']}": each["state"] for each in told["files"]}


def validate() -> None:
    told = sf("project", "deploy", "validate", "--source-dir", "force-app", "--test-level", "RunLocalTests")
    equal(told["status"], "Succeeded")
    equal(rows("SELECT QualifiedApiName FROM EntityDefinition WHERE QualifiedApiName = 'Gizmo__c'"), [])
    quick = sf("project", "deploy", "quick", "--job-id", told["id"])
    equal(quick["status"], "Succeeded")
    equal(count("Gizmo__c"), 0)


def deploy() -> None:
    told = sf("project", "deploy", "start", "--source-dir", "force-app")
    equal(components(told)["CustomField:Gizmo__c.Code__c"], "Unchanged")
    field = PROJECT / "force-app/main/default/objects/Gizmo__c/fields/Code__c.field-meta.xml"
    field.write_text(field.read_text().replace("<length>20", "<length>30"))
    told = sf("project", "deploy", "start", "--source-dir", "force-app")
    equal(components(told)["CustomField:Gizmo__c.Code__c"], "Changed")
    fields = {each["name"]: each for each in ask("sobjects/Gizmo__c/describe")["fields"]}
    equal(fields["Code__c"]["length"] if "Code__c" in fields else "hidden", "hidden")
    sf("org", "assign", "permset", "--name", "Gizmo_User")
    fields = {each["name"]: each for each in ask("sobjects/Gizmo__c/describe")["fields"]}
    equal(fields["Code__c"]["length"], 30)
    report = sf("project", "deploy", "report", "--job-id", told["id"])
    equal(report["status"], "Succeeded")


def deploy_over_rest() -> None:
    told = sf(
        "project",
        "deploy",
        "start",
        "--source-dir",
        "force-app",
        environ={"SF_ORG_METADATA_REST_DEPLOY": "true"},
    )
    equal(told["status"], "Succeeded")


def failing_deploy() -> None:
    folder = PROJECT / "force-app/main/default/objects"
    bad = folder / "Nothing__c" / "fields"
    bad.mkdir(parents=True)
    (bad / "Code__c.field-meta.xml").write_text(xml("CustomField", CODE))
    good = folder / "Gizmo__c" / "fields" / "Extra__c.field-meta.xml"
    good.write_text(xml("CustomField", CODE.replace("Code__c", "Extra__c")))
    try:
        told = refused("project", "deploy", "start", "--source-dir", "force-app")
    finally:
        shutil.rmtree(folder / "Nothing__c")
        good.unlink()
    failed = [each["fullName"] for each in told["result"]["details"]["componentFailures"]]
    equal(failed, ["Nothing__c.Code__c"])
    names = rows(
        "SELECT QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = 'Gizmo__c'"
    )
    assert "Extra__c" not in str(names)


def retrieve() -> None:
    shutil.rmtree(PROJECT / "force-app/main/default/permissionsets")
    told = sf(
        "project",
        "retrieve",
        "start",
        "--metadata",
        "PermissionSet:Gizmo_User",
        "--metadata",
        "CustomObject:Gizmo__c",
    )
    equal(told["success"], True)
    path = PROJECT / "force-app/main/default/permissionsets/Gizmo_User.permissionset-meta.xml"
    contains(path.read_text(), "Gizmo__c.Code__c")
    contains(
        (PROJECT / "force-app/main/default/objects/Gizmo__c/fields/Code__c.field-meta.xml").read_text(),
        "<length>30",
    )
    told = sf("project", "retrieve", "start", "--metadata", "PermissionSet:Nobody")
    contains(told["messages"], "Nobody")


def fresh_project() -> None:
    """What the CLI itself makes, with the API version that it takes for today's."""
    sf("template", "generate", "project", "--name", "fresh", "--output-dir", str(FOLDER), org=False)
    folder = FOLDER / "fresh"
    classes = folder / "force-app" / "main" / "default" / "classes"
    made = ["--name", "Fresh", "--output-dir", str(classes)]
    sf("template", "generate", "apex", "class", *made, org=False, folder=folder)
    told = sf("project", "deploy", "start", folder=folder)
    equal(components(told)["ApexClass:Fresh"], "Created")
    told = sf("project", "retrieve", "start", "--metadata", "ApexClass:Fresh", folder=folder)
    equal(told["success"], True)


def packages() -> None:
    equal(sf("package", "installed", "list"), [])
    told = refused("package", "install", "--package", "04t000000000000AAA", "--no-prompt")
    contains(told, "No record found")


def lists() -> None:
    assert "Gizmo__c" in [
        each["fullName"] for each in sf("org", "list", "metadata", "--metadata-type", "CustomObject")
    ]
    told = sf("org", "list", "metadata-types")
    assert "PermissionSet" in [each["xmlName"] for each in told["metadataObjects"]]
    sf(
        "project",
        "generate",
        "manifest",
        "--from-org",
        "emu",
        "--metadata",
        "PermissionSet",
        "--output-dir",
        ".",
        org=False,
    )
    contains((PROJECT / "package.xml").read_text(), "Gizmo_User")


def delete_source() -> None:
    told = refused("project", "delete", "source", "--metadata", "PermissionSet:Gizmo_User", "--no-prompt")
    contains(told, "associated with the following permission set assignments")
    equal(count("PermissionSet WHERE Name = 'Gizmo_User'"), 1)
    found = rows("SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.Name = 'Gizmo_User'")
    sf("data", "delete", "record", "--sobject", "PermissionSetAssignment", "--record-id", found[0]["Id"])
    told = sf("project", "delete", "source", "--metadata", "PermissionSet:Gizmo_User", "--no-prompt")
    equal(told["status"], "Succeeded")
    equal(count("PermissionSet WHERE Name = 'Gizmo_User'"), 0)


def real_project() -> None:
    """dreamhouse as its repository has it; the classes that its permission set names are stubs here."""
    copy = FOLDER / "dreamhouse"
    shutil.copytree(SHARED / "orgs" / "dreamhouse", copy, dirs_exist_ok=True)
    classes = copy / "force-app" / "classes"
    classes.mkdir(exist_ok=True)
    for path in (copy / "code-files.txt").read_text().split():
        name = Path(path).stem
        if path.endswith(".cls") and "Test" not in name:
            (classes / f"{name}.cls").write_text(f"public with sharing class {name} {{ }}\n")
            (classes / f"{name}.cls-meta.xml").write_text(
                xml("ApexClass", f"<apiVersion>{API}</apiVersion><status>Active</status>")
            )
    told = sf("project", "deploy", "start", folder=copy)
    equal((told["status"], told["numberComponentErrors"]), ("Succeeded", 0))
    sf("org", "assign", "permset", "--name", "dreamhouse", folder=copy)
    sf("data", "import", "tree", "--plan", "data/sample-data-plan.json", folder=copy)
    wanted = len(json.loads((copy / "data" / "properties-data.json").read_text())["records"])
    equal(count("Property__c WHERE Broker__r.Name != NULL"), wanted)


# -- Apex


def apex() -> None:
    path = PROJECT / "script.apex"
    path.write_text("System.debug('hello');\n")
    told = sf("apex", "run", "--file", str(path))
    equal((told["compiled"], told["success"]), (True, True))
    contains(told["logs"], "USER_DEBUG", "hello")
    path.write_text("this is no Apex\n")
    told = refused("apex", "run", "--file", str(path))
    contains(told, "compileProblem")


def apex_tests() -> None:
    told = sf("apex", "run", "test", "--class-names", "GizmosTest", "--wait", "5")
    equal(told["summary"]["outcome"], "Passed")
    equal([each["FullName"] for each in told["tests"]], ["GizmosTest.oneIsOne"])
    told = sf("apex", "run", "test", "--class-names", "GizmosTest", "--code-coverage", "--wait", "5")
    assert told["coverage"]["coverage"] is not None
    told = sf("apex", "run", "test", "--class-names", "GizmosTest", "--synchronous")
    equal(told["summary"]["outcome"], "Passed")
    run = sf("apex", "run", "test", "--class-names", "GizmosTest")["testRunId"]
    equal(sf("apex", "get", "test", "--test-run-id", run)["summary"]["outcome"], "Passed")
    contains(refused("apex", "get", "test", "--test-run-id", "707000000000001"), "No test results")


def apex_logs() -> None:
    assert isinstance(sf("apex", "list", "log"), list)


JOBS: dict[str, Callable[[], None]] = {
    "org login access-token": login,
    "org display": display,
    "org list users, org display user": users,
    "org list limits, record-counts": limits,
    "sobject list, sobject describe": objects,
    "org open --url-only": open_url,
    "api request rest": rest_request,
    "data create, get, update, delete record": record,
    "data query, in every format": query,
    "data search": search,
    "data import, upsert, update, delete bulk": bulk,
    "data export bulk": export_bulk,
    "data import tree, data export tree": tree,
    "data create file": files,
    "org assign permset, twice": permission_set,
    "project deploy validate, quick": validate,
    "project deploy start, report": deploy,
    "project deploy start over REST": deploy_over_rest,
    "project deploy start that must fail whole": failing_deploy,
    "project retrieve start": retrieve,
    "project deploy start of a project that the CLI made": fresh_project,
    "package installed list, package install": packages,
    "org list metadata, metadata-types, generate manifest": lists,
    "project delete source": delete_source,
    "apex run": apex,
    "apex run test": apex_tests,
    "apex list log": apex_logs,
    "org login jwt": login_jwt,
}
REAL: dict[str, Callable[[], None]] = {
    "data import tree of ebikes' plan": tree_plan,
    "project deploy start of dreamhouse, and its records": real_project,
}


LAST: dict[str, Callable[[], None]] = {"org generate password, which ends all sessions": password}


if __name__ == "__main__":
    prepare()
    for name, run in (JOBS | (REAL if (SHARED / "orgs").is_dir() else {}) | LAST).items():
        job(name, run)
