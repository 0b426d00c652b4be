"""Bulk API 1.0: a job of batches, each with its own state, request and results.

A call is signed in by `X-SFDC-Session`. A batch runs as soon as it is added, whether or not the job is
closed. The results of a batch are in the order of its records.

Source: Bulk API Developer Guide, "Bulk API 1.0"; replies as recorded, headers as clients send them.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.bulk import csvform, extract, jobs, results, uploads, usage, work
from reconciler.emulator.bulk.jobs import BATCH_ENDED, Batch, BatchState, Job, Kind, State
from reconciler.emulator.bulk.payload import NAMESPACE
from reconciler.emulator.bulk.refusals import BulkRefusal
from reconciler.emulator.bulk.rights import check_abort, check_hard_delete
from reconciler.emulator.bulk.settings import settings
from reconciler.emulator.bulk.work import QUERIES
from reconciler.emulator.http import asyncform, sessions
from reconciler.emulator.http.api_version import NEWEST, OLDEST
from reconciler.emulator.http.endpoints.bulk2_common import note_faults
from reconciler.emulator.http.endpoints.bulk2_ingest import OPERATIONS, check_key, org_user, writable_object
from reconciler.emulator.http.message import Reply, Request
from reconciler.emulator.http.routing import BODY_BYTES, Endpoint, Family, route
from reconciler.emulator.http.traffic import traffic
from reconciler.emulator.http.xml_text import xml_text
from reconciler.emulator.org import EmulatedOrg

ROOT = "/services/async/{api}/job"
VERSION = re.compile(r"(\d{2,3})\.0\Z")
START_ROW = re.compile(r"startRow\s*=\s*(\w+)", re.IGNORECASE)
CHUNK_SIZE = re.compile(r"chunkSize\s*=\s*(\d+)", re.IGNORECASE)
PK_CHUNK, MOST_PK_CHUNK = 100_000, 250_000
CONTENT_TYPES = ("CSV", "JSON", "XML")
ZIPPED = ("ZIP_CSV", "ZIP_JSON", "ZIP_XML")
UNPARSED = "Unable to parse Job"
"""Of a value that is none of its list, as users have seen it (jsforce pull request 186)."""
MODES = {"0": "Parallel", "1": "Serial"}
LACKS = ["binary content in zip files", "assignment rules are kept but not run", "sObject transformation"]


def bulk_route(
    method: str, template: str, *, lacks: list[str] | None = None, most_bytes: int | None = BODY_BYTES
) -> Callable[[Endpoint], Endpoint]:
    """An endpoint of 1.0, which signs in by its own header and counts as a call."""

    def register(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        def signed_in(org: EmulatedOrg, request: Request, api: str, **arguments: str) -> Reply:
            request.version = _version(api)
            request.session = _session(org, request)
            traffic(org).count(org.clock.now_ms())
            if job := jobs.find_job(org, arguments.get("job_id", ""), Kind.CLASSIC):
                note_faults(org, request, job)
            work.advance(org)
            org.settle()
            return endpoint(org, request, **arguments)

        route(method, ROOT + template, family=Family.ASYNC, lacks=lacks or [], most_bytes=most_bytes)(
            signed_in
        )
        return endpoint

    return register


def _version(api: str) -> str:
    found = VERSION.match(api)
    if found is None or not OLDEST <= int(found[1]) <= NEWEST:
        raise BulkRefusal("InvalidUrl", f"Destination URL not reset. The URL returned must be set: {api}")
    return api


def _session(org: EmulatedOrg, request: Request) -> sessions.Session:
    token = request.headers.find("x-sfdc-session").strip()
    if not token and (given := request.headers.find("authorization")):
        token = sessions.bearer_token(given)
    if not token:
        raise BulkRefusal("InvalidSessionId", "Unable to find session id")
    return sessions.resume(org, token)


# -- jobs


@bulk_route("POST", "", lacks=LACKS)
def create_job(org: EmulatedOrg, request: Request) -> Reply:
    """Open a job."""
    body = asyncform.body_of(request)
    operation = body.get("operation")
    if operation not in (*OPERATIONS, *QUERIES):
        raise BulkRefusal("InvalidJob", UNPARSED)
    content_type = str(body.get("contentType") or "XML").upper()
    if content_type in ZIPPED:
        raise BulkRefusal("FeatureNotEnabled", f"The emulated org does not support {content_type} batches")
    if content_type not in CONTENT_TYPES:
        raise BulkRefusal("InvalidJob", UNPARSED)
    now = org.clock.now_ms()
    with org.transaction(request.user_id):
        job = Job(
            kind=Kind.CLASSIC,
            user=org_user(request),
            sobject=_object(org, request, body.get("object"), operation),
            operation=operation,
            api=request.version,
            created_ms=now,
            changed_ms=now,
            external_id=None,
            assignment_rule=body.get("assignmentRuleId") or None,
            content_type=content_type,
            concurrency=_mode(body.get("concurrencyMode")),
            pk_chunk=_pk_chunk(request, operation),
            pk_start=_pk_start(request),
        )
        if operation == "upsert":
            sobject = org.schema[job.sobject]
            job.external_id = check_key(sobject, operation, body.get("externalIdFieldName"))
        jobs.add(org, job)
        note_faults(org, request, job)
    return asyncform.job_reply(request, job, [], 201, Location=f"/services/async/{job.api}/job/{job.id}")


def _object(org: EmulatedOrg, request: Request, name: Any, operation: str) -> str:
    if operation == "hardDelete":
        check_hard_delete(org, request.user_id)
    if operation not in QUERIES:
        return writable_object(org, request, name, operation).name
    found = org.access.of(request.user_id).schema.get(name) if isinstance(name, str) else None
    if found is None:
        raise BulkRefusal("InvalidJob", f"Unable to find object: {name}")
    if not found.queryable or found.name in extract.UNQUERYABLE:
        raise BulkRefusal("InvalidEntity", f"Entity '{found.name}' is not supported by the Bulk API.")
    return found.name


def _mode(given: Any) -> str:
    mode = "Parallel" if given in (None, "") else MODES.get(str(given), given)
    if mode not in ("Parallel", "Serial"):
        raise BulkRefusal("InvalidJob", UNPARSED)
    return str(mode)


def _pk_chunk(request: Request, operation: str) -> int | None:
    """How many ids a chunk spans, if the client asked for chunks."""
    given = request.headers.find("sforce-enable-pkchunking").strip()
    if operation not in QUERIES or not given or given.lower() == "false":
        return None
    size = CHUNK_SIZE.search(given)
    return min(MOST_PK_CHUNK, max(1, int(size[1]))) if size else PK_CHUNK


def _pk_start(request: Request) -> int | None:
    """The id that the first chunk begins with, if the client named one."""
    named = START_ROW.search(request.headers.find("sforce-enable-pkchunking"))
    return None if named is None else ids.parse(named[1])


def _job(org: EmulatedOrg, job_id: str) -> Job:
    found = jobs.find_job(org, job_id, Kind.CLASSIC)
    if found is None:
        raise BulkRefusal("InvalidJob", f"Unable to find job with id: {job_id}")
    return found


@bulk_route("GET", "/{job_id}")
def read_job(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """A job, with its batches counted by state."""
    job = _job(org, job_id)
    return asyncform.job_reply(request, job, jobs.batches(org, job))


@bulk_route("POST", "/{job_id}")
def change_state(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """Close a job, which ends the adding of batches, or abort it, even when it is closed."""
    job = _job(org, job_id)
    state = asyncform.body_of(request).get("state")
    if state not in (State.CLOSED, State.ABORTED):
        raise BulkRefusal("InvalidJob", UNPARSED)
    if job.state is not State.OPEN and (job.state is not State.CLOSED or state == State.CLOSED):
        raise BulkRefusal("InvalidJobState", f"Job is already {job.state.value}: {job.id}")
    if state == State.ABORTED:
        check_abort(org, request.user_id, job)
    now = org.clock.now_ms()
    with org.transaction(request.user_id):
        job.state, job.changed_ms = State(state), now
        jobs.save(org, job)
        for batch in jobs.batches(org, job) if state == State.ABORTED else []:
            if batch.state not in BATCH_ENDED:
                batch.state, batch.due_ms, batch.changed_ms = BatchState.NOT_PROCESSED, None, now
                jobs.save(org, batch)
    return asyncform.job_reply(request, job, jobs.batches(org, job))


# -- batches


@bulk_route("POST", "/{job_id}/batch", lacks=LACKS, most_bytes=None)
def add_batch(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """Take records, or a query, and queue them."""
    job = _job(org, job_id)
    if job.state is not State.OPEN:
        raise BulkRefusal("InvalidJobState", f"Unable to add batch to a job that is not Open: {job.id}")
    most = min(settings(org).batch_bytes, BODY_BYTES)
    if request.body_bytes > most:
        raise BulkRefusal("ClientInputError", f"Failed to read request. Exceeded max size limit of {most}")
    request.hold_body()
    if not request.body.strip():
        raise BulkRefusal("ClientInputError", "The batch has no content")
    with org.transaction(request.user_id):
        usage.take(org, usage.Allowance.BATCHES)
        batch = _queued(org, job)
        if job.operation in QUERIES:
            batch.query = request.body.decode("utf-8", "replace").strip()
        jobs.add(org, batch)
        uploads.keep(org, batch.number, request.body)
        if job.pk_chunk and job.operation in QUERIES:
            _chunk(org, job, batch)
    address = f"/services/async/{job.api}/job/{job.id}/batch/{batch.id}"
    return asyncform.batch_reply(request, job, batch, 201, Location=address)


def _queued(org: EmulatedOrg, job: Job) -> Batch:
    now = org.clock.now_ms()
    return Batch(job=job.number, created_ms=now, changed_ms=now, due_ms=now + settings(org).queue_ms)


def _chunk(org: EmulatedOrg, job: Job, original: Batch) -> None:
    """Put batches over ranges of ids in the place of a query; the original is not processed."""
    from reconciler.emulator.bulk.chunks import ranges

    found = ranges(org, job, original.query or "")
    for query in found:
        batch = _queued(org, job)
        batch.query = query
        jobs.add(org, batch)
    original.state, original.due_ms = BatchState.NOT_PROCESSED, None
    jobs.save(org, original)


@bulk_route("GET", "/{job_id}/batch")
def list_batches(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """All batches of a job."""
    job = _job(org, job_id)
    return asyncform.batches_reply(request, job, jobs.batches(org, job))


def _batch(org: EmulatedOrg, job_id: str, batch_id: str) -> tuple[Job, Batch]:
    job = _job(org, job_id)
    found = jobs.find_batch(org, job, batch_id)
    if found is None:
        raise BulkRefusal("InvalidBatch", f"Unable to find batch with id: {batch_id}")
    return job, found


@bulk_route("GET", "/{job_id}/batch/{batch_id}")
def read_batch(org: EmulatedOrg, request: Request, job_id: str, batch_id: str) -> Reply:
    """The state of a batch."""
    return asyncform.batch_reply(request, *_batch(org, job_id, batch_id))


@bulk_route("GET", "/{job_id}/batch/{batch_id}/request")
def read_request(org: EmulatedOrg, request: Request, job_id: str, batch_id: str) -> Reply:
    """What was uploaded as the batch."""
    job, batch = _batch(org, job_id, batch_id)
    return Reply(raw=uploads.whole(org, batch.number), content_type=MEDIA[job.content_type])


MEDIA = {"CSV": asyncform.CSV, "JSON": asyncform.JSON, "XML": asyncform.XML}


# -- results


@bulk_route("GET", "/{job_id}/batch/{batch_id}/result")
def read_results(org: EmulatedOrg, request: Request, job_id: str, batch_id: str) -> Reply:
    """What became of each record, in their order; of a query, the ids of its files of results."""
    job, batch = _batch(org, job_id, batch_id)
    if batch.state in (BatchState.FAILED, BatchState.NOT_PROCESSED):
        raise BulkRefusal("InvalidBatch", "Records not processed")
    if batch.state is not BatchState.COMPLETED:
        raise BulkRefusal("InvalidBatch", f"Batch not completed: {batch.id}")
    if job.operation in QUERIES:
        found = [] if batch.result is None else [ids.to_text(batch.result)[:15]]
        return asyncform.result_list(request, job, found)
    outcomes = [
        each for stretch in results.stretches(org, batch.number, batch.processed) for each in stretch.outcomes
    ]
    if job.content_type == "JSON":
        return asyncform.json_reply([_json_result(each) for each in outcomes])
    if job.content_type == "XML":
        return Reply(raw=_xml_results(outcomes).encode(), content_type=asyncform.XML)
    lines = [csvform.quoted_line(("Id", "Success", "Created", "Error"), ",", "\n")]
    lines += [csvform.quoted_line(_csv_result(each), ",", "\n") for each in outcomes]
    return Reply(raw="".join(lines).encode(), content_type=asyncform.CSV)


def _csv_result(outcome: results.Outcome) -> tuple[str, str, str, str]:
    if outcome.error is not None:
        return "", "false", "false", outcome.error_text
    return outcome.id, "true", "true" if outcome.created else "false", ""


def _json_result(outcome: results.Outcome) -> dict[str, Any]:
    error = outcome.error
    if error is None:
        return {"success": True, "created": outcome.created, "id": outcome.id, "errors": []}
    told = {
        "message": error.message,
        "fields": error.fields or [],
        "statusCode": error.code,
        "extendedErrorDetails": None,
    }
    return {"success": False, "created": False, "id": None, "errors": [told]}


def _xml_results(outcomes: list[results.Outcome]) -> str:
    inner = "".join(_xml_result(each) for each in outcomes)
    return f'{asyncform.PROLOGUE}<results xmlns="{NAMESPACE}">{inner}</results>'


def _xml_result(outcome: results.Outcome) -> str:
    error = outcome.error
    if error is None:
        created = str(outcome.created).lower()
        return f"<result><id>{outcome.id}</id><success>true</success><created>{created}</created></result>"
    named = "".join(f"<fields>{xml_text(each)}</fields>" for each in error.fields or [])
    return (
        f"<result><errors>{named}<message>{xml_text(error.message)}</message>"
        f"<statusCode>{error.code}</statusCode></errors><success>false</success><created>false</created></result>"
    )


@bulk_route("GET", "/{job_id}/batch/{batch_id}/result/{result_id}")
def read_query_result(
    org: EmulatedOrg, request: Request, job_id: str, batch_id: str, result_id: str
) -> Reply:
    """One file of a query's results."""
    job, batch = _batch(org, job_id, batch_id)
    if batch.result is None or ids.parse(result_id) != batch.result:
        raise BulkRefusal("InvalidBatch", f"Unable to find result with id: {result_id}")
    records = extract.page(org, batch.number, 0, batch.processed)
    if job.content_type == "JSON":
        return Reply(pieces=asyncform.json_records(records), content_type=asyncform.JSON)
    if job.content_type == "XML":
        return Reply(pieces=asyncform.xml_records(records), content_type=asyncform.XML)
    if not batch.processed:
        return Reply(raw=b"Records not found for this query", content_type=asyncform.CSV)
    body = extract.csv_body(batch.header or [], records, ",", "\n")
    return Reply(pieces=body, content_type=asyncform.CSV)
