"""Bulk API 1.0: jobs of batches, in XML, CSV and JSON."""

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.emulator.bulk.settings import configure
from reconciler.emulator.org import EmulatedOrg

if TYPE_CHECKING:
    from tests.emulator.bulk.conftest import Answer, Bulk

XML, JSON = "application/xml", "application/json"
STATE = ("state", "stateMessage")
NAMES = "{http://www.force.com/2009/06/asyncapi/dataload}"


def tags(answer: "Answer") -> list[str]:
    return [each.tag.removeprefix(NAMES) for each in ET.fromstring(answer.text)]


def refused(answer: "Answer") -> tuple[int, str]:
    return answer.status, answer.tag("exceptionCode")


def test_a_job_in_xml_has_the_elements_of_a_real_one_in_order(bulk: "Bulk") -> None:
    told = bulk.told(operation="upsert", object="Contact", externalIdFieldName="Id", contentType="CSV")
    answer = bulk.call("POST", bulk.classic_jobs, told, XML)
    assert (answer.status, answer.headers["Content-Type"]) == (201, XML)
    assert answer.text.startswith('<?xml version="1.0" encoding="UTF-8"?><jobInfo\n   xmlns="')
    assert tags(answer) == [
        "id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state",
        "externalIdFieldName", "concurrencyMode", "contentType", "numberBatchesQueued",
        "numberBatchesInProgress", "numberBatchesCompleted", "numberBatchesFailed", "numberBatchesTotal",
        "numberRecordsProcessed", "numberRetries", "apiVersion", "numberRecordsFailed",
        "totalProcessingTime", "apiActiveProcessingTime", "apexProcessingTime",
    ]  # fmt: skip
    assert answer.tag("createdDate").endswith(".000Z")


def test_a_csv_batch_answers_its_rows_in_their_order(bulk: "Bulk", org: EmulatedOrg) -> None:
    job = bulk.classic("Contact", "insert")
    batch = bulk.batch(job, "LastName,FirstName\nOne,\n,Two\nThree,\n")
    listed = bulk.call("GET", f"{bulk.classic_jobs}/{job}/batch", kind="")
    assert (listed.tag("state"), listed.tag("numberRecordsFailed")) == ("Completed", "1")
    first, third = (row["Id"] for row in org.rows("Contact"))
    assert bulk.batch_result(job, batch) == [
        ["Id", "Success", "Created", "Error"],
        [first, "true", "true", ""],
        ["", "false", "false", "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"],
        [third, "true", "true", ""],
    ]
    closed = bulk.call("POST", f"{bulk.classic_jobs}/{job}", bulk.told(state="Closed"), XML)
    assert (closed.tag("state"), closed.tag("numberBatchesCompleted")) == ("Closed", "1")


def test_a_batch_is_queued_when_it_is_added_and_echoes_its_request(bulk: "Bulk") -> None:
    job = bulk.classic("Contact", "insert")
    content = "LastName\nÄ\n"
    added = bulk.call("POST", f"{bulk.classic_jobs}/{job}/batch", content, "text/csv")
    assert (added.status, added.tag("state")) == (201, "Queued")
    address = added.headers["Location"]
    assert address.endswith(f"/{job}/batch/{added.tag('id')}")
    assert bulk.call("GET", f"{address}/request", kind="").text == content
    assert bulk.call("GET", address, kind="").tag("state") == "Completed"


def test_a_job_without_batches_lists_none(bulk: "Bulk") -> None:
    job = bulk.classic("Contact", "insert")
    answer = bulk.call("GET", f"{bulk.classic_jobs}/{job}/batch", kind="")
    assert re.search(r"<batchInfoList\s+xmlns=\"[^\"]+\" />", answer.text)


def test_what_is_read_of_a_job_in_csv_is_xml_even_for_who_says_json(bulk: "Bulk", org: EmulatedOrg) -> None:
    org.has("Account", Name="A")
    body = {"operation": "queryAll", "object": "Account", "contentType": "CSV"}
    job = bulk.call("POST", bulk.classic_jobs, body).json["id"]
    added = bulk.call("POST", f"{bulk.classic_jobs}/{job}/batch", "SELECT Id FROM Account", "text/csv")
    address = f"{bulk.classic_jobs}/{job}/batch/{added.tag('id')}"
    assert bulk.call("POST", f"{bulk.classic_jobs}/{job}", {"state": "Closed"}).json["state"] == "Closed"
    assert bulk.call("GET", address, kind=JSON).tag("state") == "Completed"
    listed = bulk.call("GET", f"{address}/result", kind=JSON)
    result = bulk.call("GET", f"{address}/result/{listed.tag('result')}", kind=JSON)
    assert (listed.headers["Content-Type"], result.text.splitlines()[0]) == (XML, '"Id"')


def json_job(bulk: "Bulk", operation: str, sobject: str = "Account", **more: Any) -> str:
    body = {"operation": operation, "object": sobject, "concurrencyMode": 0, "contentType": "JSON", **more}
    answer = bulk.call("POST", bulk.classic_jobs, body)
    assert (answer.status, answer.headers["Content-Type"]) == (201, JSON)
    return str(answer.json["id"])


def test_json_has_its_keys_by_name_and_no_character_set(bulk: "Bulk", org: EmulatedOrg) -> None:
    job = json_job(bulk, "insert", concurrencyMode=1)
    told = bulk.call("GET", f"{bulk.classic_jobs}/{job}").json
    assert list(told) == sorted(told)
    assert (told["concurrencyMode"], told["apiVersion"]) == ("Serial", 60.0)
    records = [{"Name": "A", "NumberOfEmployees": 3}, {"Name": None}, {"Name": "B", "Phone": None}]
    batch = bulk.call("POST", f"{bulk.classic_jobs}/{job}/batch", records).json
    assert list(batch) == sorted(batch)
    answer = bulk.call("GET", f"{bulk.classic_jobs}/{job}/batch/{batch['id']}/result")
    first, second = (row["Id"] for row in org.rows("Account"))
    assert answer.headers["Content-Type"] == JSON
    assert answer.json == [
        {"success": True, "created": True, "id": first, "errors": []},
        {
            "success": False,
            "created": False,
            "id": None,
            "errors": [
                {
                    "message": "Required fields are missing: [Name]",
                    "fields": ["Name"],
                    "statusCode": "REQUIRED_FIELD_MISSING",
                    "extendedErrorDetails": None,
                }
            ],
        },
        {"success": True, "created": True, "id": second, "errors": []},
    ]


def test_json_names_parents_by_key_and_deletes(bulk: "Bulk", keyed: EmulatedOrg) -> None:
    account = keyed.has("Account", Name="A", Code__c="K1")
    job = json_job(bulk, "insert", "Contact")
    bulk.call("POST", f"{bulk.classic_jobs}/{job}/batch", [{"LastName": "L", "Account": {"Code__c": "K1"}}])
    assert [row["AccountId"] for row in keyed.rows("Contact")] == [account]
    gone = json_job(bulk, "delete")
    bulk.call("POST", f"{bulk.classic_jobs}/{gone}/batch", [{"id": account}])
    assert keyed.rows("Account") == []


def test_records_come_in_xml_too(bulk: "Bulk", keyed: EmulatedOrg) -> None:
    account = keyed.has("Account", Name="A", Code__c="K1")
    contact = keyed.has("Contact", LastName="Old", Phone="1")
    content = (
        f'<sObjects xmlns="{NAMES[1:-1]}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f'<sObject><Id>{contact}</Id><LastName>New</LastName><Phone xsi:nil="true"/>'
        "<Account><sObject><Code__c>K1</Code__c></sObject></Account></sObject><sObject><Id/></sObject></sObjects>"
    )
    job = bulk.classic("Contact", "update", "XML")
    added = bulk.call("POST", f"{bulk.classic_jobs}/{job}/batch", content, XML)
    answer = bulk.call("GET", f"{bulk.classic_jobs}/{job}/batch/{added.tag('id')}/result", kind="")
    results = ET.fromstring(answer.text)
    assert [each.findtext(f"{NAMES}success") for each in results] == ["true", "false"]
    (row,) = keyed.rows("Contact")
    assert (row["LastName"], row["Phone"], row["AccountId"]) == ("New", None, account)


# -- queries


def query_result(bulk: "Bulk", soql: str, content_type: str, sobject: str = "Account") -> "Answer":
    job = bulk.classic(sobject, "query", content_type)
    kind = JSON if content_type == "JSON" else "text/csv"
    added = bulk.call("POST", f"{bulk.classic_jobs}/{job}/batch", soql, kind)
    batch = added.json["id"] if content_type == "JSON" else added.tag("id")
    address = f"{bulk.classic_jobs}/{job}/batch/{batch}/result"
    listed = bulk.call("GET", address, kind="")
    result = listed.json[0] if content_type == "JSON" else listed.tag("result")
    assert re.fullmatch(r"752\w{12}", result)
    return bulk.call("GET", f"{address}/{result}", kind="")


def test_a_query_answers_csv_json_and_xml(bulk: "Bulk", org: EmulatedOrg) -> None:
    account = org.has("Account", Name="A")
    soql = "SELECT Id, Name, Phone, CreatedDate FROM Account"
    assert query_result(bulk, soql, "CSV").rows == [
        ["Id", "Name", "Phone", "CreatedDate"],
        [account, "A", "", "2026-01-01T00:00:00.000Z"],
    ]
    (record,) = query_result(bulk, soql, "JSON").json
    assert record["attributes"]["type"] == "Account"
    assert (record["Name"], record["Phone"], record["CreatedDate"]) == ("A", None, 1_767_225_600_000)
    records = ET.fromstring(query_result(bulk, soql, "XML").text)
    assert records[0].findtext(f"{NAMES}type") == "Account"
    assert records[0].findtext(f"{NAMES}Name") == "A"
    assert records[0].findtext(f"{NAMES}CreatedDate") == "2026-01-01T00:00:00.000Z"


def test_json_may_ask_for_children_and_csv_may_not(bulk: "Bulk", org: EmulatedOrg) -> None:
    account = org.has("Account", Name="A")
    org.has("Contact", LastName="C", AccountId=account)
    soql = "SELECT Id, (SELECT LastName FROM Contacts) FROM Account"
    (record,) = query_result(bulk, soql, "JSON").json
    assert record["Contacts"]["records"][0]["LastName"] == "C"
    job = bulk.classic("Account", "query")
    bulk.batch(job, soql)
    listed = bulk.call("GET", f"{bulk.classic_jobs}/{job}/batch", kind="")
    assert listed.tag("stateMessage") == (
        "FeatureNotEnabled : Aggregate Relationships not supported in Bulk Query with CSV content type"
    )


def test_a_query_about_another_object_fails_its_batch(bulk: "Bulk") -> None:
    job = bulk.classic("Account", "query")
    bulk.batch(job, "SELECT Id FROM Contact")
    listed = bulk.call("GET", f"{bulk.classic_jobs}/{job}/batch", kind="")
    assert listed.tag("state") == "Failed"
    assert listed.tag("stateMessage") == (
        "InvalidBatch : Failed to process query: INVALID_TYPE_FOR_OPERATION: The root entity of the "
        "requested query (Contact) does not match the entity of the requested Bulk API Job (Account)."
    )


def test_chunks_by_id_replace_the_batch_that_asked(bulk: "Bulk", org: EmulatedOrg) -> None:
    accounts = [org.has("Account", Name=f"A{n}") for n in range(5)]
    told = bulk.told(operation="query", object="Account", contentType="CSV")
    made = bulk.call("POST", bulk.classic_jobs, told, XML, **{"Sforce-Enable-PKChunking": "chunkSize=2"})
    job = made.tag("id")
    first = bulk.batch(job, "SELECT Id FROM Account WHERE Name != 'A1' OR Name = 'x'")
    listed = bulk.call("GET", f"{bulk.classic_jobs}/{job}/batch", kind="").text
    batches = re.findall(r"<id>(\w+)</id>", listed)
    assert re.findall(r"<state>(\w+)</state>", listed) == [
        "NotProcessed",
        "Completed",
        "Completed",
        "Completed",
    ]
    assert batches[0] == first
    seen = []
    for batch in batches[1:]:
        address = f"{bulk.classic_jobs}/{job}/batch/{batch}/result"
        result = bulk.call("GET", address, kind="").tag("result")
        seen += [row[0] for row in bulk.call("GET", f"{address}/{result}", kind="").rows[1:]]
    assert seen == [accounts[0], *accounts[2:]]


def test_chunks_begin_with_the_row_that_is_named(bulk: "Bulk", org: EmulatedOrg) -> None:
    accounts = [org.has("Account", Name=f"A{n}") for n in range(5)]
    told = bulk.told(operation="query", object="Account", contentType="CSV")
    header = {"Sforce-Enable-PKChunking": f"chunkSize=2; startRow={accounts[3]}"}
    job = bulk.call("POST", bulk.classic_jobs, told, XML, **header).tag("id")
    bulk.batch(job, "SELECT Id FROM Account")
    listed = bulk.call("GET", f"{bulk.classic_jobs}/{job}/batch", kind="").text
    _, only = re.findall(r"<id>(\w+)</id>", listed)
    address = f"{bulk.classic_jobs}/{job}/batch/{only}/result"
    result = bulk.call("GET", address, kind="").tag("result")
    rows = bulk.call("GET", f"{address}/{result}", kind="").rows
    assert rows[1:] == [[each] for each in accounts[3:]]
    for chunked, there in (("true", [job]), ("false", [])):
        found = bulk.call("GET", f"/ingest?isPkChunkingEnabled={chunked}").json["records"]
        assert [each["id"] for each in found] == there


# -- refusals


@pytest.mark.parametrize("kind", [XML, JSON])
def test_refusals_come_in_the_form_of_the_call(bulk: "Bulk", kind: str) -> None:
    address = f"{bulk.classic_jobs}/750Hu00000zzzzzIAA"
    answer = bulk.call("GET", address, kind=kind)
    assert (answer.status, answer.headers["Content-Type"]) == (400, kind)
    code = answer.json["exceptionCode"] if kind == JSON else answer.tag("exceptionCode")
    assert code == "InvalidJob"


def test_a_session_that_is_none_is_400(bulk: "Bulk") -> None:
    bulk.token = "00D!gone"
    answer = bulk.call("POST", bulk.classic_jobs, {"operation": "insert"})
    assert answer.status == 400
    assert answer.json == {"exceptionCode": "InvalidSessionId", "exceptionMessage": "Invalid session id"}


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        ({"operation": "insert"}, "InvalidJob", "No object"),
        ({"operation": "insert", "object": "Foo"}, "InvalidJob", "Unable to find object: Foo"),
        ({"operation": "query", "object": "Foo"}, "InvalidJob", "Unable to find object: Foo"),
        ({"operation": "merge", "object": "Account"}, "InvalidJob", "Unable to parse Job"),
        ({"operation": "upsert", "object": "Account"}, "InvalidJob", "External ID was blank for Account."),
        (
            {"operation": "insert", "object": "Account", "contentType": "ZIP_CSV"},
            "FeatureNotEnabled",
            "The emu",
        ),
        (
            {"operation": "insert", "object": "Account", "contentType": "YAML"},
            "InvalidJob",
            "Unable to parse",
        ),
        (
            {"operation": "insert", "object": "Account", "concurrencyMode": "7"},
            "InvalidJob",
            "Unable to parse",
        ),
        ({"operation": "query", "object": "EntityDefinition"}, "InvalidEntity", "Entity 'EntityDefinition'"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(
    bulk: "Bulk", members: dict[str, str], code: str, message: str
) -> None:
    answer = bulk.call("POST", bulk.classic_jobs, bulk.told(**members), XML)
    assert refused(answer) == (400, code)
    assert answer.tag("exceptionMessage").startswith(message)
    assert bulk.call("GET", "/ingest").json["records"] == []


def test_a_mode_of_the_wrong_type_is_refused(bulk: "Bulk") -> None:
    body = {"operation": "insert", "object": "Account", "concurrencyMode": {}, "contentType": "JSON"}
    assert bulk.call("POST", bulk.classic_jobs, body).json["exceptionCode"] == "InvalidJob"


@pytest.mark.parametrize("body", ["", "<x", "<other/>", '<!DOCTYPE a [<!ENTITY b "c">]><jobInfo/>'])
def test_a_body_that_is_no_job_is_refused(bulk: "Bulk", body: str) -> None:
    assert refused(bulk.call("POST", bulk.classic_jobs, body, XML)) == (400, "InvalidJob")


def test_a_closed_job_takes_no_more_batches(bulk: "Bulk", org: EmulatedOrg) -> None:
    job = bulk.classic("Account", "insert")
    bulk.call("POST", f"{bulk.classic_jobs}/{job}", bulk.told(state="Closed"), XML)
    answer = bulk.call("POST", f"{bulk.classic_jobs}/{job}/batch", "Name\nA\n", "text/csv")
    assert refused(answer) == (400, "InvalidJobState")
    assert org.rows("Account") == []


def test_an_empty_batch_is_a_client_input_error(bulk: "Bulk") -> None:
    job = bulk.classic("Account", "insert")
    answer = bulk.call("POST", f"{bulk.classic_jobs}/{job}/batch", "", "text/csv")
    assert refused(answer) == (400, "ClientInputError")


@pytest.mark.parametrize(
    ("content_type", "content", "message"),
    [
        ("CSV", "Name\n", "InvalidBatch : Records not found"),
        ("CSV", "Foo\nA\n", "InvalidBatch : Field name not found : Foo"),
        ("JSON", '[{"Name": "A"}, {"Foo": 1}]', "InvalidBatch : Field name not found : Foo"),
        (
            "XML",
            "<sObjects><sObject><Foo>1</Foo></sObject></sObjects>",
            "InvalidBatch : Field name not found : Foo",
        ),
        ("CSV", "Name\n" + "A\n" * 10_001, "InvalidBatch : Failed to parse CSV. Exceeded number of records"),
        ("JSON", "{", "InvalidBatch : Failed to parse JSON."),
        ("JSON", "[1]", "InvalidBatch : Failed to parse JSON."),
        ("XML", "<a/>", "InvalidBatch : Failed to parse XML."),
    ],
)
def test_a_batch_that_cannot_be_read_fails(
    bulk: "Bulk", org: EmulatedOrg, content_type: str, content: str, message: str
) -> None:
    job = bulk.classic("Account", "insert", content_type)
    added = bulk.call("POST", f"{bulk.classic_jobs}/{job}/batch", content, XML)
    answer = bulk.call("GET", added.headers["Location"], kind=XML)
    told = answer.json if content_type == "JSON" else {each: answer.tag(each) for each in STATE}
    assert told["state"] == "Failed"
    assert told["stateMessage"].startswith(message)
    assert org.rows("Account") == []
    result = bulk.call("GET", added.headers["Location"] + "/result", kind=XML)
    assert refused(result) == (400, "InvalidBatch")
    assert "Records not processed" in result.text


def test_an_aborted_job_leaves_its_batches_unprocessed(bulk: "Bulk", org: EmulatedOrg) -> None:
    configure(org, queue_ms=1000)
    job = bulk.classic("Account", "insert")
    bulk.batch(job, "Name\nA\n")
    answer = bulk.call("POST", f"{bulk.classic_jobs}/{job}", bulk.told(state="Aborted"), XML)
    assert answer.tag("state") == "Aborted"
    org.clock.advance(2000)
    listed = bulk.call("GET", f"{bulk.classic_jobs}/{job}/batch", kind="")
    assert listed.tag("state") == "NotProcessed"
    assert org.rows("Account") == []


def test_a_closed_job_is_aborted_and_an_ended_one_is_not(bulk: "Bulk", org: EmulatedOrg) -> None:
    configure(org, queue_ms=1000)
    job = bulk.classic("Account", "insert")
    bulk.batch(job, "Name\nA\n")
    states = []
    for state in ("Closed", "Closed", "Aborted", "Aborted", "Closed"):
        answer = bulk.call("POST", f"{bulk.classic_jobs}/{job}", bulk.told(state=state), XML)
        states.append(answer.tag("state") if answer.status == 200 else refused(answer)[1])
    assert states == ["Closed", "InvalidJobState", "Aborted", "InvalidJobState", "InvalidJobState"]
    org.clock.advance(2000)
    assert bulk.call("GET", f"{bulk.classic_jobs}/{job}/batch", kind="").tag("state") == "NotProcessed"
    assert org.rows("Account") == []


def test_a_batch_that_is_too_large_is_refused(bulk: "Bulk", org: EmulatedOrg) -> None:
    configure(org, batch_bytes=10)
    job = bulk.classic("Account", "insert")
    answer = bulk.call("POST", f"{bulk.classic_jobs}/{job}/batch", "Name\nA name\n", "text/csv")
    assert (answer.status, answer.tag("exceptionCode")) == (400, "ClientInputError")
    assert answer.tag("exceptionMessage") == "Failed to read request. Exceeded max size limit of 10"
    assert org.rows("Account") == []


def test_batches_of_a_day_are_counted(bulk: "Bulk", org: EmulatedOrg) -> None:
    configure(org, daily_batches=1)
    job = bulk.classic("Account", "insert")
    bulk.batch(job, "Name\nA\n")
    answer = bulk.call("POST", f"{bulk.classic_jobs}/{job}/batch", "Name\nB\n", "text/csv")
    assert refused(answer) == (400, "ExceededQuota")
    assert answer.tag("exceptionMessage") == "ApiBatchItems Limit exceeded."
    assert [row["Name"] for row in org.rows("Account")] == ["A"]


def test_a_version_that_never_was_is_refused(bulk: "Bulk") -> None:
    answer = bulk.call("POST", "/services/async/abc/job", bulk.told(operation="insert"), XML)
    assert refused(answer) == (400, "InvalidUrl")
