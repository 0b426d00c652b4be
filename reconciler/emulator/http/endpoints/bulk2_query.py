"""Bulk API 2.0, reading: a query is a job, and its result is fetched page by page as CSV.

Source: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Query", "Get Results for a Query Job",
"Get Parallel Results for a Query Job".
"""

from reconciler.emulator.bulk import csvform, extract, jobs, usage
from reconciler.emulator.bulk.jobs import Job, Kind, State
from reconciler.emulator.bulk.refusals import BulkRefusal
from reconciler.emulator.bulk.settings import settings
from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.endpoints import bulk2_common as common
from reconciler.emulator.http.endpoints.bulk2_ingest import org_user
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg

PAGE_RECORDS = 100_000
"""Records of a page when the client does not say."""
PARALLEL_PAGES = 5


@route("POST", "/jobs/query", lacks=["PK chunking"])
def create_query(org: EmulatedOrg, request: Request) -> Reply:
    """Start a query. A statement that no bulk job runs is refused here."""
    body = common.body_of(request)
    operation = common.one_of(body, "operation", ("query", "queryAll"), "")
    soql = body.get("query")
    if not operation:
        raise BulkRefusal("InvalidJob", "No operation was specified for the job")
    if not isinstance(soql, str) or not soql.strip():
        raise BulkRefusal("InvalidJob", "No query was specified for the job")
    options = common.csv_options(body)
    org.settle()
    asked = extract.Asked(soql, operation == "queryAll", request.user_id, request.version, "V2")
    sobject = extract.check(org, asked)
    with org.transaction(request.user_id):
        usage.take(org, usage.Allowance.QUERY_JOBS)
        now = org.clock.now_ms()
        job = Job(
            kind=Kind.QUERY,
            user=org_user(request),
            sobject=sobject,
            operation=operation,
            state=State.UPLOAD_COMPLETE,
            api=request.version,
            created_ms=now,
            changed_ms=now,
            due_ms=now + settings(org).queue_ms,
            query=soql,
            **options,
        )
        jobs.add(org, job)
        common.note_faults(org, request, job)
    return ok({**common.about(job), **common.files_of(job)})


@route("GET", "/jobs/query")
def list_queries(org: EmulatedOrg, request: Request) -> Reply:
    """All query jobs."""
    return common.listing(org, request, "query", (Kind.QUERY,))


@route("GET", "/jobs/query/{job_id}")
def read_query(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """A query job and what it has found so far."""
    job = common.found_job(org, request, job_id, Kind.QUERY)
    told = {**common.about(job), "jobType": job.kind.value, **common.files_of(job), **common.counts(job)}
    return ok({**told, "isPkChunkingSupported": True})


@route("PATCH", "/jobs/query/{job_id}")
def abort_query(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """Abort a query job."""
    job = common.found_job(org, request, job_id, Kind.QUERY)
    state = common.body_of(request).get("state")
    if state != State.ABORTED:
        raise BulkRefusal("InvalidJobState", f"A query job's state can be set to Aborted: {state}")
    common.abort(org, request, job)
    return ok({**common.about(job), **common.files_of(job)})


@route("DELETE", "/jobs/query/{job_id}")
def delete_query(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """Forget a query job with its results."""
    return common.delete(org, common.found_job(org, request, job_id, Kind.QUERY))


@route("GET", "/jobs/query/{job_id}/results")
def read_page(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """A page of the result. `Sforce-Locator` leads to the next, and is the text `null` on the last."""
    job = _finished(org, request, job_id)
    most = _max_records(request)
    start = common.offset_of(request.params["locator"]) if request.params.get("locator") else 0
    if start > job.processed:
        raise BulkRefusal("InvalidQueryLocator", "invalid query locator")
    count = min(most, job.processed - start)
    rows = extract.page(org, job.number, start, count)
    delimiter, ending = csvform.DELIMITERS[job.delimiter], csvform.LINE_ENDINGS[job.line_ending]
    more = start + count < job.processed
    headers = {
        "Sforce-NumberOfRecords": str(count),
        "Sforce-Locator": common.locator_of(start + count) if more else "null",
    }
    body = extract.csv_body(job.header or [], rows, delimiter, ending)
    return Reply(pieces=body, content_type="text/csv", headers=headers)


def _finished(org: EmulatedOrg, request: Request, job_id: str) -> Job:
    job = common.found_job(org, request, job_id, Kind.QUERY)
    if job.api != request.version:
        raise ApiError(
            f"The job was created with API version {job.api}: read its results with the same version",
            code="API_VERSION_MISMATCH",
            status=409,
        )
    if job.state is not State.COMPLETE:
        raise BulkRefusal("InvalidJobState", f"The job has no results in state {job.state.value}")
    return job


def _max_records(request: Request) -> int:
    given = request.params.get("maxRecords")
    if given is None:
        return PAGE_RECORDS
    if not given.isdigit() or not int(given):
        raise BulkRefusal("InvalidJob", f"maxRecords must be a positive number: {given}")
    return int(given)


@route("GET", "/jobs/query/{job_id}/resultPages")
def read_page_addresses(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """Addresses of up to five pages that can be fetched at once, and of the next five."""
    job = _finished(org, request, job_id)
    most = _max_records(request)
    start = common.offset_of(request.params["locator"]) if request.params.get("locator") else 0
    base = f"{request.data_path}/jobs/query/{job.id}"
    starts = list(range(start, max(job.processed, 1), most))
    pages = [
        {"resultLink": f"{base}/results?locator={common.locator_of(at)}&maxRecords={most}"}
        for at in starts[:PARALLEL_PAGES]
    ]
    more = len(starts) > PARALLEL_PAGES
    address = f"{base}/resultPages?locator={common.locator_of(starts[PARALLEL_PAGES])}" if more else None
    return ok({"resultPages": pages, "nextRecordsUrl": address, "done": not more})
