"""Bulk API 1.0 on the wire: jobs, batches and refusals, in XML or JSON.

A call that sends JSON is answered in JSON, with a content type that names no character set, because
clients compare it as a whole; another gets XML, unless the job's own content is JSON. What is only read of
a job comes in the form of its content, whatever the call says that it sends: Singer's tap says JSON and
reads XML of a job in CSV. The two forms have the same facts in another order: XML as its schema lists
them, JSON by name.

Source: Bulk API Developer Guide, "JobInfo", "BatchInfo", "Errors"; forms as recorded.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from reconciler.emulator.bulk.jobs import Batch, BatchState, Job
from reconciler.emulator.bulk.payload import NAMESPACE, local, parse_xml
from reconciler.emulator.bulk.refusals import BulkRefusal
from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.jsonform import JsonParserError, write_json
from reconciler.emulator.http.message import Reply, Request
from reconciler.emulator.http.xml_text import xml_text
from reconciler.emulator.values import datetime_text

JSON, XML, CSV = "application/json", "application/xml", "text/csv"
PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>'
WORDS = {
    "INVALID_SESSION_ID": "InvalidSessionId",
    "NOT_FOUND": "InvalidUrl",
    "METHOD_NOT_ALLOWED": "InvalidUrl",
    "REQUEST_LIMIT_EXCEEDED": "ExceededQuota",
    "REQUEST_ENTITY_TOO_LARGE": "ClientInputError",
    "JSON_PARSER_ERROR": "InvalidJob",
}
"""Exception codes of refusals that are not Bulk's own."""
PIECE_RECORDS = 500
"""Of a large answer, in one piece."""
STATE_COUNTS = {
    "numberBatchesQueued": BatchState.QUEUED,
    "numberBatchesInProgress": BatchState.IN_PROGRESS,
    "numberBatchesCompleted": BatchState.COMPLETED,
    "numberBatchesFailed": BatchState.FAILED,
}


def sends_json(request: Request) -> bool:
    return request.headers.find("content-type").lower().startswith(JSON)


def wants_json(request: Request, job: Job | None = None) -> bool:
    """Whether a call is answered in JSON: as it was sent; if it sends nothing, as the job's content is."""
    if job is None or (request.method not in ("GET", "HEAD") and request.headers.find("content-type")):
        return sends_json(request)
    return job.content_type == "JSON"


# -- reading


def body_of(request: Request) -> dict[str, Any]:
    """The members of a `jobInfo`. Raises `BulkRefusal`; texts not verified."""
    if sends_json(request):
        try:
            found = request.json
        except JsonParserError as error:
            raise BulkRefusal("InvalidJob", "Unable to parse Job") from error
        if not isinstance(found, dict):
            raise BulkRefusal("InvalidJob", "Unable to parse Job")
        return found
    try:
        root = parse_xml(request.body)
    except ValueError as error:
        raise BulkRefusal("InvalidJob", "Unable to parse Job") from error
    if local(root.tag) != "jobInfo":
        raise BulkRefusal("InvalidJob", "Unable to parse Job")
    return {local(each.tag): (each.text or "").strip() for each in root}


# -- writing


def refusal(request: Request, error: ApiError) -> Reply:
    """A refusal is HTTP 400 unless it says otherwise, an ended session too."""
    word = error.word if isinstance(error, BulkRefusal) else WORDS.get(error.code, "Unknown")
    status = error.status if error.status >= 500 else 400
    message = "Invalid session id" if word == "InvalidSessionId" else error.message
    told = {"exceptionCode": word, "exceptionMessage": message}
    if sends_json(request):
        return json_reply(told, status)
    return xml_reply("error", told.items(), status)


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """JSON under a content type without a character set."""
    return Reply(status=status, raw=write_json(value), content_type=JSON, headers=headers)


def xml_reply(name: str, members: Any, status: int = 200, **headers: str) -> Reply:
    text = f'{PROLOGUE}<{name}\n   xmlns="{NAMESPACE}">\n{"".join(_lines(members, 1))}</{name}>'
    return Reply(status=status, raw=text.encode(), content_type=XML, headers=headers)


def _lines(members: Any, depth: int) -> Iterator[str]:
    for name, value in members:
        if value is not None:
            yield f"{' ' * depth}<{name}>{xml_text(_text(value))}</{name}>\n"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def job_reply(request: Request, job: Job, batches: list[Batch], status: int = 200, **headers: str) -> Reply:
    if wants_json(request, job):
        return json_reply(dict(sorted(_job(job, batches, "+0000").items())), status, **headers)
    told = {name: value for name, value in _job(job, batches, "Z").items() if name != "fastPathEnabled"}
    return xml_reply("jobInfo", told.items(), status, **headers)


def _job(job: Job, batches: list[Batch], zone: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.sobject,
        "createdById": job.user_id,
        "createdDate": stamp(job.created_ms, zone),
        "systemModstamp": stamp(max([job.changed_ms, *(each.changed_ms for each in batches)]), zone),
        "state": job.state.value,
        "externalIdFieldName": job.external_id,
        "assignmentRuleId": job.assignment_rule,
        "concurrencyMode": job.concurrency,
        "contentType": job.content_type,
    }
    states = [each.state for each in batches]
    told |= {name: states.count(state) for name, state in STATE_COUNTS.items()}
    told |= {
        "numberBatchesTotal": len(batches),
        "numberRecordsProcessed": sum(each.processed for each in batches),
        "numberRetries": 0,
        "apiVersion": job.api if zone == "Z" else float(job.api),
        "numberRecordsFailed": sum(each.failed for each in batches),
        "totalProcessingTime": sum(each.working_ms for each in batches),
        "apiActiveProcessingTime": sum(each.working_ms for each in batches),
        "apexProcessingTime": 0,
        "fastPathEnabled": False,
    }
    return told


def stamp(milliseconds: int, zone: str) -> str:
    return datetime_text(milliseconds // 1000 * 1000).replace("+0000", zone)


def batch_reply(request: Request, job: Job, batch: Batch, status: int = 200, **headers: str) -> Reply:
    if wants_json(request, job):
        return json_reply(_json_batch(batch), status, **headers)
    return xml_reply("batchInfo", _batch(batch, "Z").items(), status, **headers)


def batches_reply(request: Request, job: Job, batches: list[Batch]) -> Reply:
    if wants_json(request, job):
        return json_reply({"batchInfo": [_json_batch(each) for each in batches]})
    if not batches:
        text = f'{PROLOGUE}<batchInfoList\n   xmlns="{NAMESPACE}" />'
    else:
        inner = "".join(
            f" <batchInfo>\n{''.join(_lines(_batch(each, 'Z').items(), 2))} </batchInfo>\n"
            for each in batches
        )
        text = f'{PROLOGUE}<batchInfoList\n   xmlns="{NAMESPACE}">\n{inner}</batchInfoList>'
    return Reply(raw=text.encode(), content_type=XML)


def _json_batch(batch: Batch) -> dict[str, Any]:
    return dict(sorted(_batch(batch, "+0000").items()))


def _batch(batch: Batch, zone: str) -> dict[str, Any]:
    return {
        "id": batch.id,
        "jobId": batch.job_id,
        "state": batch.state.value,
        "stateMessage": batch.message,
        "createdDate": stamp(batch.created_ms, zone),
        "systemModstamp": stamp(batch.changed_ms, zone),
        "numberRecordsProcessed": batch.processed,
        "numberRecordsFailed": batch.failed,
        "totalProcessingTime": batch.working_ms,
        "apiActiveProcessingTime": batch.working_ms,
        "apexProcessingTime": 0,
    }


def result_list(request: Request, job: Job, result_ids: list[str]) -> Reply:
    """The files of a query batch's results."""
    if wants_json(request, job):
        return json_reply(result_ids)
    inner = "".join(f"<result>{each}</result>" for each in result_ids)
    text = f'<result-list xmlns="{NAMESPACE}">{inner}</result-list>'
    return Reply(raw=text.encode(), content_type=XML)


def json_records(records: Iterator[Mapping[str, Any]]) -> Iterator[bytes]:
    """A query's records, whole, in pieces."""
    yield b"["
    before = b""
    while some := list(islice(records, PIECE_RECORDS)):
        yield before + write_json(some)[1:-1]
        before = b","
    yield b"]"


def xml_records(records: Iterator[Mapping[str, Any]]) -> Iterator[bytes]:
    """As `json_records`, in XML."""
    yield (
        f'{PROLOGUE}<queryResult xmlns="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    ).encode()
    while some := list(islice(records, PIECE_RECORDS)):
        rows = (f'<records xsi:type="sObject">{_xml_record(each)}</records>' for each in some)
        yield "".join(rows).encode()
    yield b"</queryResult>"


def _xml_record(record: Mapping[str, Any]) -> str:
    kind = f"<type>{record['attributes']['type']}</type>" if "attributes" in record else ""
    return kind + "".join(_xml_value(name, value) for name, value in record.items() if name != "attributes")


def _xml_value(name: str, value: Any) -> str:
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    if isinstance(value, Mapping):
        inner = value.get("records")
        if isinstance(inner, list):
            rows = "".join(f'<records xsi:type="sObject">{_xml_record(each)}</records>' for each in inner)
            return f"<{name}>{rows}</{name}>"
        return f'<{name} xsi:type="sObject">{_xml_record(value)}</{name}>'
    return f"<{name}>{xml_text(_text(value))}</{name}>"
