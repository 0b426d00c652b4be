"""Sound requests of every surface, to be damaged: each is one that the org takes, or nearly.

An `Ask` is one request, a story some that follow each other. `{row}` is the id of a row of the stage,
`{session.name}` a session, `{1.id}` what the first request of the story answered.
"""

from dataclasses import dataclass, field
from typing import Any

from tests.emulator.fuzz.sound_soap import SOAP, soap

D = "/services/data/v62.0"
JSON = "application/json"


@dataclass(frozen=True)
class Ask:
    method: str
    path: str
    query: str = ""
    value: Any = None
    """A JSON body; None where ``text`` is the body."""
    text: str = ""
    kind: str = JSON
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_xml(self) -> bool:
        return "xml" in self.kind

    @property
    def is_soql(self) -> bool:
        return self.query.startswith("q=SELECT")


def get(path: str, query: str = "", **headers: str) -> Ask:
    return Ask("GET", D + path, query, headers={k.replace("_", "-"): v for k, v in headers.items()})


def send(method: str, path: str, value: Any, query: str = "", **headers: str) -> Ask:
    return Ask(method, D + path, query, value, headers={k.replace("_", "-"): v for k, v in headers.items()})


ACCOUNT = {
    "Name": "Acme",
    "Key__c": "K9",
    "Tier__c": "Gold",
    "Tags__c": "Gold;Silver",
    "Score__c": 12.5,
    "Size__c": 7,
    "Live__c": True,
    "Day__c": "2031-05-04",
    "Moment__c": "2031-05-04T10:00:00.000+0000",
    "Hour__c": "10:00:00.000Z",
    "Mail__c": "a@acme.example",
    "Site__c": "https://acme.example",
    "Notes__c": "long",
    "AnnualRevenue": 1e6,
    "NumberOfEmployees": 3,
    "BillingLatitude": 1.5,
    "OwnerId": "{admin}",
    "Parent": {"Key__c": "K2"},
}
USER = {
    "Username": "u@acme.example",
    "LastName": "U",
    "ProfileId": "{profile}",
    "Email": "u@acme.example",
    "Alias": "u",
    "TimeZoneSidKey": "America/Los_Angeles",
    "LocaleSidKey": "en_US",
    "EmailEncodingKey": "UTF-8",
    "LanguageLocaleKey": "en_US",
}
TYPED = {"attributes": {"type": "Account"}, "Name": "A"}
SUB = {"method": "POST", "url": f"{D}/sobjects/Account", "referenceId": "a", "body": {"Name": "A"}}
SUB2 = {
    "method": "POST",
    "url": f"{D}/sobjects/Contact",
    "referenceId": "b",
    "body": {"LastName": "B", "AccountId": "@{a.id}"},
}
SUB3 = {
    "method": "GET",
    "url": f"{D}/query?q=SELECT+Id,Name+FROM+Account+WHERE+Id='@{{a.id}}'",
    "referenceId": "c",
}
SUB4 = {
    "method": "PATCH",
    "url": f"{D}/sobjects/Account/@{{c.records[0].Id}}",
    "referenceId": "d",
    "body": {"Name": "@{c.records[0].Name}"},
    "httpHeaders": {"If-Unmodified-Since": "Tue, 10 Aug 2032 00:00:00 GMT"},
}
SOQL = (
    "SELECT Id, Name, Owner.Name, (SELECT Id, LastName FROM Contacts WHERE Email != null LIMIT 2) FROM "
    "Account "
    "WHERE Name LIKE 'A%' AND (Tier__c IN ('Gold','Silver') OR Score__c > 1.5) ORDER BY Name DESC NULLS LAST "
    "LIMIT 5",
    "SELECT COUNT() FROM Account WHERE CreatedDate = TODAY",
    "SELECT Industry, COUNT(Id) n, SUM(AnnualRevenue) FROM Account GROUP BY ROLLUP(Industry) HAVING "
    "COUNT(Id) > 0",
    "SELECT CALENDAR_YEAR(CreatedDate), MAX(Name) FROM Account GROUP BY CALENDAR_YEAR(CreatedDate)",
    "SELECT FIELDS(ALL) FROM Account WHERE Id IN (SELECT AccountId FROM Contact) LIMIT 20",
    "SELECT TYPEOF Owner WHEN User THEN Username ELSE Name END FROM Case",
    "SELECT Id FROM Account WHERE Tags__c INCLUDES ('Gold;Silver','Bronze') AND Day__c > LAST_N_DAYS:30 "
    "OFFSET 1",
    "SELECT toLabel(Tier__c), FORMAT(AnnualRevenue) FROM Account a USING SCOPE mine WHERE a.Live__c = true",
    "SELECT Id, Profile.Name, UserRole.Name FROM User WHERE Username = 'reader@acme.example'",
    "SELECT Id, Field, Parent.Name FROM FieldPermissions WHERE SobjectType = 'Account'",
    "SELECT RecordId, HasEditAccess FROM UserRecordAccess WHERE UserId = '{admin}' AND RecordId = "
    "'{account}'",
    "SELECT QualifiedApiName, Label FROM EntityDefinition WHERE QualifiedApiName IN ('Account')",
    "SELECT DataType, QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = "
    "'Account'",
)
TOOLING_SOQL = (
    "SELECT Id, Metadata, FullName FROM ValidationRule WHERE EntityDefinition.QualifiedApiName = 'Account'",
    "SELECT Id, Name, Body, SymbolTable FROM ApexClass WHERE NamespacePrefix = null LIMIT 3",
    "SELECT Id, DeveloperName, ActiveVersion.VersionNumber FROM FlowDefinition",
    "SELECT Id, DeveloperName, TableEnumOrId, Metadata FROM CustomField WHERE DeveloperName = 'Tier'",
)
REST: tuple[Ask, ...] = (
    send("POST", "/sobjects/Account", ACCOUNT),
    send("PATCH", "/sobjects/Account/{account}", ACCOUNT),
    send("PATCH", "/sobjects/Account/Key__c/K1", {"Name": "A"}, "updateOnly=true"),
    send("POST", "/sobjects/Account/Id", {"Name": "A"}, "_HttpMethod=PATCH"),
    send("POST", "/sobjects/Contact", {"LastName": "L", "Account": {"Key__c": "K1"}, "Email": "a@b.example"}),
    send("POST", "/sobjects/User", USER),
    send("PATCH", "/sobjects/User/{reader}", {"IsActive": False, "UserRoleId": None}),
    send("POST", "/sobjects/PermissionSet", {"Name": "P", "Label": "P", "PermissionsApiEnabled": True}),
    send("POST", "/sobjects/PermissionSetAssignment", {"AssigneeId": "{narrow}", "PermissionSetId": "{set}"}),
    send(
        "POST",
        "/sobjects/ObjectPermissions",
        {
            "ParentId": "{spare_set}",
            "SobjectType": "Contact",
            "PermissionsRead": True,
            "PermissionsEdit": True,
        },
    ),
    send(
        "POST",
        "/sobjects/FieldPermissions",
        {"ParentId": "{set}", "SobjectType": "Account", "Field": "Account.Phone", "PermissionsRead": True},
    ),
    send("POST", "/sobjects/GroupMember", {"GroupId": "{group}", "UserOrGroupId": "{narrow}"}),
    send("POST", "/sobjects/QueueSobject", {"QueueId": "{queue}", "SobjectType": "Case"}),
    send("POST", "/sobjects/ContentVersion", {"Title": "T", "PathOnClient": "t.txt", "VersionData": "YQ=="}),
    send("POST", "/sobjects/Attachment", {"Name": "n", "ParentId": "{account}", "Body": "YQ=="}),
    send("POST", "/sobjects/Task", {"Subject": "S", "WhoId": "{contact}", "WhatId": "{account}"}),
    Ask("DELETE", f"{D}/sobjects/Account/{{twin}}"),
    Ask("DELETE", f"{D}/sobjects/Account/Key__c/K2"),
    get(
        "/sobjects/Account/{account}",
        "fields=Name,OwnerId",
        If_Modified_Since="Tue, 10 Aug 2032 00:00:00 GMT",
    ),
    get("/sobjects/Account/{account}/Contacts", "fields=Name"),
    get("/sobjects/Contact/{contact}/Account"),
    get("/sobjects/Account/Key__c/K1"),
    get("/sobjects/Account/updated", "start=2031-05-01T00:00:00Z&end=2031-05-04T00:00:00Z"),
    get("/sobjects/Account/deleted", "start=2031-05-01T00:00:00+00:00&end=2031-05-04T00:00:00+00:00"),
    get("/sobjects/Account/describe", If_Modified_Since="Tue, 10 Aug 2032 00:00:00 GMT", If_None_Match='"x"'),
    get("/sobjects", ""),
    get("/sobjects/Account/describe/layouts/012000000000000AAA"),
    get("/sobjects/Account/listviews", "limit=5"),
    get("/query/0r8xx5R2sM3DgWhASK-2000", Sforce_Query_Options="batchSize=200"),
    get("/search", "q=FIND {Acme} IN NAME FIELDS RETURNING Account(Id, Name WHERE Name LIKE 'A%' LIMIT 2)"),
    get("/parameterizedSearch", "q=Acme&sobject=Account&Account.fields=Id,Name&Account.limit=5"),
    send(
        "POST",
        "/parameterizedSearch",
        {
            "q": "Acme",
            "fields": ["Id"],
            "sobjects": [{"name": "Account", "fields": ["Id"], "limit": 2}],
            "in": "ALL",
        },
    ),
    get("/search/suggestions", "q=Acm&sobject=Account&limit=5"),
    get("/recent", "limit=5"),
    get("/limits/recordCount", "sObjects=Account,Contact"),
    get("/query", "explain=SELECT Id FROM Account WHERE Name = 'x'"),
    get("/ui-api/records/{account}", "fields=Account.Name,Account.Owner.Name&layoutTypes=Full&modes=View"),
    send("POST", "/ui-api/records", {"apiName": "Account", "fields": {"Name": "A"}}),
    send("PATCH", "/ui-api/records/{account}", {"fields": {"Name": "B"}}),
    get("/ui-api/object-info/Account/picklist-values/012000000000000AAA/Tier__c"),
    send(
        "POST",
        "/actions/standard/emailSimple",
        {"inputs": [{"emailBody": "b", "emailAddresses": "a@b.example"}]},
    ),
    send("POST", "/process/approvals", {"requests": [{"actionType": "Submit", "contextId": "{account}"}]}),
    send("POST", "/sobjects/User/{reader}/password", {"NewPassword": "Very-Secret-1"}),
    send("POST", "/quickActions/NewTask", {"contextId": "{account}", "record": {"Subject": "S"}}),
)
COMPOSITE: tuple[Ask, ...] = (
    send(
        "POST",
        "/composite",
        {"allOrNone": True, "collateSubrequests": False, "compositeRequest": [SUB, SUB2, SUB3, SUB4]},
    ),
    send("POST", "/composite", {"compositeRequest": [SUB, SUB3]}),
    send(
        "POST",
        "/composite/batch",
        {
            "haltOnError": True,
            "batchRequests": [
                {"method": "GET", "url": "v62.0/sobjects/Account/{account}?fields=Name"},
                {"method": "PATCH", "url": "v62.0/sobjects/Account/{account}", "richInput": {"Name": "B"}},
            ],
        },
    ),
    send("POST", "/composite/graph", {"graphs": [{"graphId": "g", "compositeRequest": [SUB, SUB2]}]}),
    send(
        "POST",
        "/composite/tree/Account",
        {
            "records": [
                {
                    "attributes": {"type": "Account", "referenceId": "r1"},
                    "Name": "A",
                    "Contacts": {
                        "records": [{"attributes": {"type": "Contact", "referenceId": "r2"}, "LastName": "L"}]
                    },
                }
            ]
        },
    ),
    send("POST", "/composite/sobjects", {"allOrNone": True, "records": [TYPED, {**TYPED, **ACCOUNT}]}),
    send(
        "PATCH", "/composite/sobjects", {"allOrNone": False, "records": [{**TYPED, "id": "{account}"}, TYPED]}
    ),
    send(
        "PATCH",
        "/composite/sobjects/Account/Key__c",
        {"records": [{**TYPED, "Key__c": "K1"}, {**TYPED, "Key__c": "N"}]},
    ),
    Ask("DELETE", f"{D}/composite/sobjects", "ids={account},{contact}&allOrNone=true"),
    get("/composite/sobjects/Account", "ids={account},{twin}&fields=Id,Name"),
    send("POST", "/composite/sobjects/Account", {"ids": ["{account}"], "fields": ["Id", "Name"]}),
)
TOOLING: tuple[Ask, ...] = (
    get("/tooling/executeAnonymous", "anonymousBody=System.debug(1);"),
    send("POST", "/tooling/runTestsAsynchronous", {"classNames": "A,B", "testLevel": "RunSpecifiedTests"}),
    send("POST", "/tooling/runTestsSynchronous", {"tests": [{"className": "A", "testMethods": ["m"]}]}),
    send("POST", "/tooling/sobjects/ApexClass", {"Name": "A", "Body": "public class A {}"}),
    send("POST", "/tooling/sobjects/TraceFlag", {"TracedEntityId": "{admin}", "LogType": "USER_DEBUG"}),
    send("POST", "/tooling/sobjects/MetadataContainer", {"Name": "M"}),
    send(
        "POST",
        "/tooling/sobjects/CustomField",
        {"FullName": "Account.New__c", "Metadata": {"type": "Text", "length": 20, "label": "New"}},
    ),
    send(
        "POST",
        "/tooling/sobjects/ValidationRule",
        {
            "FullName": "Account.R",
            "Metadata": {"active": True, "errorConditionFormula": "LEN(Name) > 5", "errorMessage": "no"},
        },
    ),
    get("/tooling/sobjects/ApexClass/describe"),
    get("/tooling/completions", "type=apex"),
    get("/tooling/search", "q=FIND {A} RETURNING ApexClass"),
)
CSV = 'Name,Key__c,Score__c,Day__c\nA,B1,1.5,2031-05-04\n"B, ""x""",B2,#N/A,\n'
INGEST = {"object": "Account", "operation": "insert", "contentType": "CSV", "lineEnding": "LF"}
BULK2 = f"{D}/jobs/ingest"
A = "/services/async/62.0/job"
JOB_XML = (
    '<?xml version="1.0"?><jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><operation>'
    "{}</operation>"
    "<object>Account</object><contentType>{}</contentType></jobInfo>"
)
CLOSED_XML = '<jobInfo xmlns="http://www.force.com/2009/06/asyncapi/dataload"><state>Closed</state></jobInfo>'
S = {"X-SFDC-Session": "{session.admin}"}
STORIES: tuple[tuple[Ask, ...], ...] = (
    (
        Ask("POST", BULK2, value=INGEST),
        Ask("PUT", f"{BULK2}/{{1.id}}/batches", text=CSV, kind="text/csv"),
        Ask("PATCH", f"{BULK2}/{{1.id}}", value={"state": "UploadComplete"}),
        Ask("GET", f"{BULK2}/{{1.id}}"),
        Ask("GET", f"{BULK2}/{{1.id}}/failedResults"),
        Ask("GET", f"{BULK2}/{{1.id}}/successfulResults"),
        Ask("DELETE", f"{BULK2}/{{1.id}}"),
    ),
    (
        Ask("POST", BULK2, value={**INGEST, "operation": "upsert", "externalIdFieldName": "Key__c"}),
        Ask("PUT", f"{BULK2}/{{1.id}}/batches", text="Key__c,Parent.Key__c\nK1,K2\nK7,K1\n", kind="text/csv"),
        Ask("PATCH", f"{BULK2}/{{1.id}}", value={"state": "UploadComplete"}),
        Ask("GET", f"{BULK2}/{{1.id}}/unprocessedrecords"),
    ),
    (
        Ask("POST", f"{D}/jobs/query", value={"operation": "query", "query": "SELECT Id, Name FROM Account"}),
        Ask("GET", f"{D}/jobs/query/{{1.id}}"),
        Ask("GET", f"{D}/jobs/query/{{1.id}}/results", "maxRecords=1"),
        Ask("GET", f"{D}/jobs/query/{{1.id}}/results", "locator=MQ"),
        Ask("GET", f"{D}/jobs/query/{{1.id}}/resultPages"),
        Ask("PATCH", f"{D}/jobs/query/{{1.id}}", value={"state": "Aborted"}),
    ),
    (
        Ask("POST", A, text=JOB_XML.format("insert", "CSV"), kind="application/xml", headers=S),
        Ask("POST", f"{A}/{{1.id}}/batch", text=CSV, kind="text/csv", headers=S),
        Ask("POST", f"{A}/{{1.id}}", text=CLOSED_XML, kind="application/xml", headers=S),
        Ask("GET", f"{A}/{{1.id}}/batch/{{2.id}}", headers=S),
        Ask("GET", f"{A}/{{1.id}}/batch/{{2.id}}/result", headers=S),
        Ask("GET", f"{A}/{{1.id}}/batch/{{2.id}}/request", headers=S),
    ),
    (
        Ask("POST", A, value={"operation": "update", "object": "Account", "contentType": "JSON"}, headers=S),
        Ask(
            "POST",
            f"{A}/{{1.id}}/batch",
            value=[{"Id": "{account}", "Name": "B", "Parent": {"Key__c": "K2"}}],
            headers=S,
        ),
        Ask("GET", f"{A}/{{1.id}}/batch", headers=S),
        Ask("GET", f"{A}/{{1.id}}/batch/{{2.id}}/result", headers=S),
    ),
    (
        Ask("POST", A, text=JOB_XML.format("insert", "XML"), kind="application/xml", headers=S),
        Ask(
            "POST",
            f"{A}/{{1.id}}/batch",
            text='<sObjects xmlns="http://www.force.com/2009/06/asyncapi/dataload" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><sObject><Name>A</Name><Phone '
            'xsi:nil="true"/>'
            "<Parent><sObject><type>Account</type><Key__c>K1</Key__c></sObject></Parent></sObject></sObjects>"
            "",
            kind="application/xml",
            headers=S,
        ),
        Ask("GET", f"{A}/{{1.id}}/batch/{{2.id}}/result", headers=S),
    ),
    (
        Ask(
            "POST",
            A,
            text=JOB_XML.format("query", "CSV"),
            kind="application/xml",
            headers={**S, "Sforce-Enable-PKChunking": "chunkSize=1000"},
        ),
        Ask("POST", f"{A}/{{1.id}}/batch", text="SELECT Id, Name FROM Account", kind="text/csv", headers=S),
        Ask("GET", f"{A}/{{1.id}}/batch/{{2.id}}/result", headers=S),
    ),
    (
        Ask("POST", f"{D}/metadata/deployRequest", value={"deployOptions": {"checkOnly": True}}),
        Ask("GET", f"{D}/metadata/deployRequest/{{1.id}}", "includeDetails=true"),
        Ask("PATCH", f"{D}/metadata/deployRequest/{{1.id}}", value={"deployResult": {"status": "Canceling"}}),
    ),
)
FORM = "application/x-www-form-urlencoded"
OAUTH: tuple[Ask, ...] = (
    Ask(
        "POST",
        "/services/oauth2/token",
        text="grant_type=password&client_id={client}&client_secret={secret}&username=u&password=p",
        kind=FORM,
    ),
    Ask(
        "POST",
        "/services/oauth2/token",
        text="grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=a.b.c",
        kind=FORM,
    ),
    Ask(
        "POST",
        "/services/oauth2/introspect",
        text="token={session.reader}&client_id={client}&client_secret={secret}",
        kind=FORM,
    ),
    Ask("POST", "/services/oauth2/revoke", text="token=abc", kind=FORM),
    Ask("GET", "/services/oauth2/userinfo"),
    Ask("GET", "/id/{org}/{admin}", "format=json"),
)
QUERIES: tuple[Ask, ...] = (
    *(get("/query", f"q={each}") for each in SOQL),
    *(get("/tooling/query", f"q={each}") for each in TOOLING_SOQL),
)
SURFACES: dict[str, tuple[tuple[Ask, ...], ...]] = {
    "rows": tuple((each,) for each in REST),
    "composite": tuple((each,) for each in COMPOSITE),
    "queries": tuple((each,) for each in QUERIES),
    "tooling": tuple((each,) for each in TOOLING),
    "jobs": STORIES,
    "sign-in": tuple((each,) for each in OAUTH),
    "soap": tuple(
        (
            Ask(
                "POST",
                path,
                text=soap(namespace, call),
                kind="text/xml; charset=UTF-8",
                headers={"SOAPAction": '""'},
            ),
        )
        for namespace, path, calls in SOAP
        for call in calls
    ),
}
