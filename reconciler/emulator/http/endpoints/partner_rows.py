"""Rows through the partner and enterprise APIs: written, read, found, merged, converted.

The operations say what the REST resources say in another form, and are answered by them: up to 200
records in a call, each with its own result. Where REST refuses one record for a type or a field there is
not, SOAP refuses the call.

Source: SOAP API Developer Guide, "Core Calls"; results as recorded at API 28 and 42.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4
from xml.etree.ElementTree import Element

from reconciler.emulator import lead_conversion, merging
from reconciler.emulator.bounds import Bound
from reconciler.emulator.errors import ApiError, InvalidField
from reconciler.emulator.http import dml, paging
from reconciler.emulator.http.endpoints import replication, search, sobject_collections
from reconciler.emulator.http.endpoints.partner_calls import Call, Operation
from reconciler.emulator.http.endpoints.sobject_collections import TooManyRecords, refuse_more
from reconciler.emulator.http.message import Headers, Reply, Request
from reconciler.emulator.http.soap_records import (
    RecordWriter,
    children,
    read_record,
    save_result,
    soap_text,
    texts,
    tree,
)
from reconciler.emulator.http.soapform import SoapRefusal, element, local_name
from reconciler.emulator.http.traffic import Cursor, traffic
from reconciler.emulator.schema import SObject
from reconciler.emulator.writes import Transaction

MAX_MERGES = 200
DUPLICATES = "DuplicateRuleHeader"
DIGITS = re.compile("[0-9]+")


def sobject_of(call: Call, name: str) -> SObject:
    """An object by its name. Raises the fault INVALID_TYPE."""
    found = dml.schema_of(call.org, call.request).get(name)
    if found is None:
        raise SoapRefusal("INVALID_TYPE", f"sObject type '{name}' is not supported.")
    return found


def _sent(call: Call) -> list[dict[str, Any]]:
    """The records of a call in the form of the REST collections. Raises what refuses the whole call."""
    nodes = call.named("sObjects")
    refuse_more(call.org, len(nodes))
    records = []
    for node in nodes:
        kind, fields = read_record(node)
        sobject = sobject_of(call, kind)
        for name in fields:
            if sobject.field(name) is None and sobject.parent_path(name) is None:
                raise InvalidField(f"No such column '{name}' on entity '{sobject.name}'. {SEE}")
        records.append({"attributes": {"type": sobject.name}, **fields})
    return records


SEE = (
    "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. "
    "Please reference your WSDL or the describe call for the appropriate names."
)


def _request(call: Call, method: str, path: str, value: Any = None) -> Request:
    """The same as a call of the REST API, with what SOAP headers say of duplicates in HTTP's."""
    told = [f"{name}={call.option(DUPLICATES, name)}" for name in ("allowSave", "includeRecordDetails")]
    headers = Headers({"Sforce-Duplicate-Rule-Header": "; ".join(told)})
    return call.request.sub(method, call.request.data_path + path, value, headers)


def _results(reply: Reply) -> str:
    return "".join(save_result(each) for each in reply.value)


def _write(call: Call, method: str, path: str) -> list[dict[str, Any]]:
    records = _sent(call)
    if not records:
        return []
    sub = _request(call, method, path, {"allOrNone": call.all_or_none, "records": records})
    write = sobject_collections.create_records if method == "POST" else sobject_collections.update_records
    results: list[dict[str, Any]] = write(call.org, sub).value
    return results


def _create(call: Call) -> str:
    return "".join(map(save_result, _write(call, "POST", "/composite/sobjects")))


def _update(call: Call) -> str:
    return "".join(map(save_result, _write(call, "PATCH", "/composite/sobjects")))


def _upsert(call: Call) -> str:
    field = call.text("externalIDFieldName") or "Id"
    records = _sent(call)
    if not records:
        return ""
    name = records[0]["attributes"]["type"]
    if sobject_of(call, name).field(field) is None:
        raise InvalidField(f"Field name provided, {field} is not an External ID or indexed field for {name}")
    path = f"/composite/sobjects/{name}/{field}"
    sub = _request(call, "PATCH", path, {"allOrNone": call.all_or_none, "records": records})
    results = sobject_collections.upsert_records(call.org, sub, name, field).value
    return "".join(
        save_result({**each, "created": each["created"] if each["success"] else False}) for each in results
    )


def _ids(call: Call, bound: Bound = Bound.COLLECTION_RECORDS) -> list[str]:
    wanted = call.texts("ids") or call.texts("id")  # the WSDL's word, and that of beatbox and pyforce
    refuse_more(call.org, len(wanted), bound)
    return wanted


def _delete(call: Call) -> str:
    wanted = _ids(call)
    if not wanted:
        return ""
    query = urlencode({"ids": ",".join(wanted), "allOrNone": str(call.all_or_none).lower()})
    sub = _request(call, "DELETE", f"/composite/sobjects?{query}")
    return _results(sobject_collections.delete_records(call.org, sub))


def _undelete(call: Call) -> str:
    return _by_id(call, lambda tx, sobject, record_id: tx.undelete(sobject.name, record_id))


def _empty_recycle_bin(call: Call) -> str:
    return _by_id(call, lambda tx, sobject, record_id: tx.purge(sobject.name, record_id))


def _by_id(call: Call, act: Any) -> str:
    def acting(record_id: str) -> sobject_collections.Write:
        def write(tx: Transaction) -> dict[str, Any]:
            sobject = call.org.schema.by_prefix(record_id[:3])
            if sobject is None:
                raise ApiError(f"malformed id {record_id}", code="MALFORMED_ID", fields=[])
            act(tx, sobject, dml.same_id(record_id))
            return {"id": dml.same_id(record_id), "success": True, "errors": []}

        return write

    writes = [acting(each) for each in _ids(call)]
    results = sobject_collections.run_all(call.org, call.request, writes, call.all_or_none)
    return "".join(map(save_result, results))


# -- reading


def _writer(call: Call) -> RecordWriter:
    return RecordWriter(partner=call.partner)


def _retrieve(call: Call) -> str:
    name = sobject_of(call, call.text("sObjectType")).name
    fields = [each.strip() for each in call.text("fieldList").split(",") if each.strip()]
    wanted = _ids(call, Bound.COLLECTION_READS)
    if not wanted:
        return ""
    sub = _request(call, "POST", f"/composite/sobjects/{name}", {"ids": wanted, "fields": fields})
    found = sobject_collections.read_many_records(call.org, sub, name).value
    writer = _writer(call)
    return "".join(writer.record(each, "result", doubled=False) for each in found)


def _query(call: Call) -> str:
    return _run(call, all_rows=False)


def _query_all(call: Call) -> str:
    return _run(call, all_rows=True)


def _run(call: Call, *, all_rows: bool) -> str:
    org, request = call.org, call.request
    soql = call.text("queryString")
    if not soql:
        raise ApiError("A query string has to be specified", code="MALFORMED_QUERY")
    result = org.query(soql, all_rows=all_rows, user_id=request.user_id, version=request.version)
    size = call.option("QueryOptions", "batchSize")
    rows = paging.bounded(size) if DIGITS.fullmatch(size) else paging.PAGE_ROWS
    return _page(call, paging.open_result(org, request.user_id, result, rows), "", 0)


def _query_more(call: Call) -> str:
    """A further page; the locators of children in the page before are good no more."""
    cursor, locator, start = paging.resume(call.org, call.request, call.text("queryLocator"))
    traffic(call.org).close_cursors(cursor.children)
    return _page(call, cursor, locator, start)


def _page(call: Call, cursor: Cursor, locator: str, start: int) -> str:
    records, further = paging.page_of(call.org, cursor, locator, start, lambda locator: locator)
    value = {"done": further is None, "records": records, "totalSize": cursor.total_size}
    inner = _writer(call).result(value, further)
    return f'<result xsi:type="QueryResult">{inner}</result>'


def _search(call: Call) -> str:
    sub = _request(call, "GET", f"/search?q={quote(call.text('searchString'))}")
    writer = _writer(call)
    found = search.search(call.org, sub).value
    rows = found["searchRecords"] if isinstance(found, dict) else found
    records = "".join(f"<searchRecords>{writer.record(each, 'record')}</searchRecords>" for each in rows)
    return f"<result>{element('queryId', uuid4()) if records else ''}{records}</result>"


def _span(call: Call, what: str) -> tuple[Request, str]:
    name = sobject_of(call, call.text("sObjectType")).name
    span = urlencode({"start": call.text("startDate"), "end": call.text("endDate")})
    return _request(call, "GET", f"/sobjects/{name}/{what}?{span}"), name


def _get_updated(call: Call) -> str:
    value = replication.list_updated(call.org, *_span(call, "updated")).value
    covered = soap_text(value["latestDateCovered"])
    return f"<result>{tree({'ids': value['ids'], 'latestDateCovered': covered})}</result>"


def _get_deleted(call: Call) -> str:
    value = replication.list_deleted(call.org, *_span(call, "deleted")).value
    rows = [
        {"deletedDate": soap_text(each["deletedDate"]), "id": each["id"]} for each in value["deletedRecords"]
    ]
    stamps = {name: soap_text(value[name]) for name in ("earliestDateAvailable", "latestDateCovered")}
    return f"<result>{tree({'deletedRecords': rows, **stamps})}</result>"


# -- what becomes of several rows


def _merge(call: Call) -> str:
    wanted = call.named("request") or call.named("mergeRequests")  # the WSDL's word, and jsforce's
    if len(wanted) > MAX_MERGES:
        raise TooManyRecords(MAX_MERGES)
    return "".join(_merge_one(call, _merge_request(each)) for each in wanted)


def _merge_request(node: Element) -> merging.MergeRequest:
    master = children(node, "masterRecord")
    kind, fields = read_record(master[0]) if master else ("", {})
    record_id = str(fields.pop("Id", None) or fields.pop("id", ""))
    return merging.MergeRequest(kind, record_id, fields, tuple(texts(node, "recordToMergeIds")))


def _lead_request(node: Element) -> lead_conversion.LeadConvert:
    given = {local_name(each.tag): (each.text or "").strip() for each in node}
    return lead_conversion.LeadConvert(
        lead=given.get("leadId", ""),
        status=given.get("convertedStatus", ""),
        account=given.get("accountId", ""),
        contact=given.get("contactId", ""),
        owner=given.get("ownerId", ""),
        opportunity_name=given.get("opportunityName", ""),
        without_opportunity=given.get("doNotCreateOpportunity") == "true",
        overwrite_source=given.get("overwriteLeadSource") == "true",
    )


def _merge_one(call: Call, wanted: merging.MergeRequest) -> str:
    sobject_of(call, wanted.sobject)
    try:
        with dml.transaction_of(call.org, call.request) as tx:
            done = merging.merge(tx, wanted)
    except ApiError as error:
        return save_result(sobject_collections.failure(error))
    return f"<result>{tree(done)}</result>"


def _convert_lead(call: Call) -> str:
    wanted = call.named("leadConverts")
    if len(wanted) > lead_conversion.MAX_LEADS:
        raise TooManyRecords(lead_conversion.MAX_LEADS)
    return "".join(_convert_one(call, _lead_request(each)) for each in wanted)


def _convert_one(call: Call, wanted: lead_conversion.LeadConvert) -> str:
    try:
        with dml.transaction_of(call.org, call.request) as tx:
            done = lead_conversion.convert(tx, wanted)
    except ApiError as error:
        (told,) = sobject_collections.failure(error)["errors"]
        values = {"accountId": None, "contactId": None, "leadId": None, "opportunityId": None}
        errors = tree({"errors": {key: told[key] for key in ("fields", "message", "statusCode")}})
        return _converted(values, success=False, errors=errors)
    return _converted(done, success=True)


def _converted(values: Mapping[str, str | None], *, success: bool, errors: str = "") -> str:
    names = ("leadId", "opportunityId")
    before = "".join(element(name, values[name]) for name in ("accountId", "contactId"))
    after = "".join(element(name, values[name]) for name in names)
    return f"<result>{before}{errors}{after}{element('success', success)}</result>"


OPERATIONS: dict[str, Operation] = {
    "convertLead": _convert_lead,
    "create": _create,
    "delete": _delete,
    "emptyRecycleBin": _empty_recycle_bin,
    "getDeleted": _get_deleted,
    "getUpdated": _get_updated,
    "merge": _merge,
    "query": _query,
    "queryAll": _query_all,
    "queryMore": _query_more,
    "retrieve": _retrieve,
    "search": _search,
    "undelete": _undelete,
    "update": _update,
    "upsert": _upsert,
}
