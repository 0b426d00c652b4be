"""salesforce-bulk, as it is: Bulk API 1.0 in CSV, JSON and XML."""

import csv
import io
import json
import os
from collections.abc import Iterable
from typing import Any

from jobs import TOKEN, URL, count, equal, job, rows
from salesforce_bulk import BulkApiError, CsvDictsAdapter, SalesforceBulk
from salesforce_bulk.util import IteratorBytesIO

MANY = int(os.environ.get("MANY", "2500"))


def client(version: str = "40.0") -> Any:
    return SalesforceBulk(sessionId=TOKEN, host=URL, API_version=version)


def load(bulk: Any, made: str, data: Iterable[bytes] | str | bytes) -> list[Any]:
    batch = bulk.post_batch(made, data)
    bulk.wait_for_batch(made, batch, sleep_interval=0.05)
    bulk.close_job(made)
    return list(bulk.get_batch_results(batch))


def told(results: list[Any]) -> list[tuple[bool, bool]]:
    return [(str(each.success).lower() == "true", str(each.created).lower() == "true") for each in results]


def in_csv() -> None:
    bulk = client()
    made = bulk.create_insert_job("Contact", contentType="CSV", concurrency="Parallel")
    data = CsvDictsAdapter(iter([{"LastName": f"c{i}", "Key__c": f"c-{i}"} for i in range(MANY)]))
    equal(told(load(bulk, made, data)), [(True, True)] * MANY)
    equal(count("Contact WHERE Key__c LIKE 'c-%'"), MANY)
    equal(bulk.job_status(made)["state"], "Closed")
    equal([each["state"] for each in bulk.get_batch_list(made)], ["Completed"])
    made = bulk.create_upsert_job("Contact", "Key__c", contentType="CSV")
    results = load(bulk, made, b"Key__c,LastName,Title\nc-0,c0,up\nc-new,New,#N/A\nc-bad,,x\n")
    equal(told(results), [(True, False), (True, True), (False, False)])
    assert results[2].error.startswith("REQUIRED_FIELD_MISSING:"), results[2]
    equal(rows("SELECT Title FROM Contact WHERE Key__c = 'c-0'"), [{"Title": "up"}])
    gone = rows("SELECT Id FROM Contact WHERE Key__c LIKE 'c-%'")
    made = bulk.create_delete_job("Contact", contentType="CSV")
    load(bulk, made, CsvDictsAdapter(iter(gone)))
    equal(count("Contact WHERE Key__c LIKE 'c-%'"), 0)


def in_json() -> None:
    bulk = client()
    made = bulk.create_insert_job("Thing__c", contentType="JSON")
    data = [
        {"Name": "j0", "Key__c": "j-0", "Ready__c": True, "Size__c": 1.5},
        {"Name": "j1", "Due__c": "never"},
    ]
    equal(told(load(bulk, made, json.dumps(data))), [(True, True), (False, False)])
    stored = rows("SELECT Ready__c, Size__c FROM Thing__c WHERE Key__c = 'j-0'")
    equal(stored, [{"Ready__c": True, "Size__c": 1.5}])
    made = bulk.create_query_job("Thing__c", contentType="JSON")
    batch = bulk.query(made, "SELECT Id, Ready__c, Account__r.Name FROM Thing__c WHERE Key__c = 'j-0'")
    bulk.close_job(made)
    bulk.wait_for_batch(made, batch, sleep_interval=0.05)
    found = [
        each
        for result in bulk.get_all_results_for_query_batch(batch)
        for each in json.load(IteratorBytesIO(result))
    ]
    equal([(each["Ready__c"], each["attributes"]["type"]) for each in found], [(True, "Thing__c")])


def in_xml() -> None:
    bulk = client("59.0")
    made = bulk.create_insert_job("Contact", contentType="XML")
    namespace = 'xmlns="http://www.force.com/2009/06/asyncapi/dataload"'
    good = "<sObject><LastName>x0</LastName><Key__c>x-0</Key__c></sObject>"
    bad = "<sObject><Key__c>x-bad</Key__c></sObject>"
    results = load(bulk, made, f"<sObjects {namespace}>{good}{bad}</sObjects>")
    equal(told(results), [(True, True), (False, False)])
    equal(count("Contact WHERE Key__c = 'x-0'"), 1)


def queries() -> None:
    bulk = client()
    made = bulk.create_queryall_job("Contact", contentType="CSV")
    batch = bulk.query(made, "SELECT Id, Key__c, IsDeleted FROM Contact WHERE Key__c LIKE 'c-%'")
    bulk.close_job(made)
    bulk.wait_for_batch(made, batch, sleep_interval=0.05)
    assert "SELECT Id" in bulk.get_query_batch_request(batch)
    text = b"".join(result.read() for result in bulk.get_all_results_for_query_batch(batch)).decode()
    found = list(csv.DictReader(io.StringIO(text)))
    equal({each["IsDeleted"] for each in found}, {"true"})


def chunked_query() -> None:
    bulk = client()
    made = bulk.create_query_job("Contact", contentType="CSV", pk_chunking=100000)
    bulk.query(made, "SELECT Id FROM Contact")
    states = [each["state"] for each in bulk.get_batch_list(made)]
    assert "NotProcessed" in states, states
    bulk.close_job(made)


def refusals() -> None:
    try:
        SalesforceBulk(sessionId=TOKEN[:-3] + "xyz", host=URL).create_insert_job("Contact")
    except BulkApiError as error:
        assert "InvalidSessionId" in str(error), error
    else:
        raise AssertionError("a bad session was taken")
    bulk = client()
    made = bulk.create_insert_job("Contact")
    bulk.abort_job(made)
    equal(bulk.job_state(made), "Aborted")
    try:
        bulk.post_batch(made, b"LastName\nx\n")
    except BulkApiError as error:
        assert "InvalidJobState" in str(error), error
    else:
        raise AssertionError("an aborted job took a batch")


if __name__ == "__main__":
    job("CSV: insert, upsert, delete", in_csv)
    job("JSON: insert, query", in_json)
    job("XML: insert", in_xml)
    job("queryAll, request echo", queries)
    job("query in chunks of keys", chunked_query)
    job("a bad session, an aborted job", refusals)
