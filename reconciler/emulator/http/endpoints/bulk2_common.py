"""What ingest and query jobs of Bulk API 2.0 have in common on the wire.

Source: Bulk API 2.0 and Bulk API Developer Guide, "Get Information About an Ingest Job", "Get
Information About All Jobs"; keys and their order as recorded.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from reconciler.emulator.bulk import disturbed, jobs, work
from reconciler.emulator.bulk.csvform import DELIMITERS, LINE_ENDINGS
from reconciler.emulator.bulk.jobs import DELETABLE, Job, Kind, State
from reconciler.emulator.bulk.refusals import BulkRefusal
from reconciler.emulator.bulk.rights import check_abort
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http.dml import UnableToLockRow
from reconciler.emulator.http.message import Reply, Request, no_content, ok
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.values import datetime_text

LISTED_JOBS = 1_000
FILTERS = ("jobType", "isPkChunkingEnabled")
"""Parameters of a list that the address of its next page repeats."""
CHUNKED = {"true": True, "false": False}
ENDED_WORDS = {State.COMPLETE: "Completed", State.ABORTED: "Aborted", State.FAILED: "Failed"}


def found_job(org: EmulatedOrg, request: Request, job_id: str, kind: Kind) -> Job:
    """The job of a call, moved on to the present. Raises NOT_FOUND.

    What faults ask of the call's job is remembered for its rows.
    """
    job = jobs.find_job(org, job_id, kind)
    if job is None:
        raise NotFound
    note_faults(org, request, job)
    work.advance(org)
    org.settle()
    return jobs.find_job(org, job_id, kind) or job


def note_faults(org: EmulatedOrg, request: Request, job: Job) -> None:
    """Let the faults that hit this call meet the job's rows."""
    locked, refused = request.locked, request.refused

    def meet(record_id: str, record: Mapping[str, Any]) -> ApiError | None:
        if locked is not None and locked(record_id, record):
            return UnableToLockRow(record_id)
        return None if refused is None else refused(record_id, record)

    rows = meet if locked is not None or refused is not None else None
    disturbed.disturb(org, job.number, rows=rows, stalled=request.stalled)


def body_of(request: Request) -> dict[str, Any]:
    body = request.json
    if not isinstance(body, dict):
        raise ApiError("Unexpected body: a job is an object", code="JSON_PARSER_ERROR")
    return body


def one_of(body: Mapping[str, Any], name: str, allowed: Sequence[str], default: str) -> str:
    """A choice in a body. Raises `BulkRefusal` for another value. Text not verified."""
    given = body.get(name)
    if given is None:
        return default
    if given not in allowed:
        raise BulkRefusal("InvalidJob", f"{name} must be one of {', '.join(allowed)}: {given}")
    return str(given)


def csv_options(body: Mapping[str, Any]) -> dict[str, Any]:
    """How a job's files are written: the keywords of a `Job`."""
    return {
        "content_type": one_of(body, "contentType", ("CSV",), "CSV"),
        "delimiter": one_of(body, "columnDelimiter", tuple(DELIMITERS), "COMMA"),
        "line_ending": one_of(body, "lineEnding", tuple(LINE_ENDINGS), "LF"),
    }


# -- what is told of a job


def about(job: Job) -> dict[str, Any]:
    """The part of a job that every answer has."""
    told: dict[str, Any] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.sobject,
        "createdById": job.user_id,
        "createdDate": stamp(job.created_ms),
        "systemModstamp": stamp(job.changed_ms),
        "state": job.state.value,
    }
    if job.external_id:
        told["externalIdFieldName"] = job.external_id
    if job.assignment_rule:
        told["assignmentRuleId"] = job.assignment_rule
    told |= {
        "concurrencyMode": job.concurrency,
        "contentType": job.content_type,
        "apiVersion": float(job.api),
    }
    return told


def stamp(milliseconds: int) -> str:
    """Jobs are stamped to the second."""
    return datetime_text(milliseconds // 1000 * 1000)


def files_of(job: Job) -> dict[str, Any]:
    return {"lineEnding": job.line_ending, "columnDelimiter": job.delimiter}


def counts(job: Job) -> dict[str, Any]:
    """What a job has done so far."""
    told: dict[str, Any] = {"numberRecordsProcessed": job.processed}
    if job.kind is Kind.INGEST:
        told["numberRecordsFailed"] = job.failed
    told |= {"retries": 0, "totalProcessingTime": job.working_ms}
    if job.kind is Kind.INGEST:
        told |= {"apiActiveProcessingTime": job.working_ms, "apexProcessingTime": 0}
    if job.message:
        told["errorMessage"] = job.message
    return told


# -- acts on a job


def abort(org: EmulatedOrg, request: Request, job: Job) -> None:
    """Stop a job where it is. Raises INVALIDJOBSTATE for one that has ended or is another user's."""
    check_abort(org, request.user_id, job)
    if job.state in ENDED_WORDS:
        raise BulkRefusal("InvalidJobState", f"Aborting already {ENDED_WORDS[job.state]} Job not allowed")
    job.state, job.due_ms, job.changed_ms = State.ABORTED, None, org.clock.now_ms()
    with org.transaction():
        jobs.save(org, job)


def delete(org: EmulatedOrg, job: Job) -> Reply:
    """Forget a job. Raises INVALIDJOBSTATE for one that is open or at work; text not verified."""
    if job.state not in DELETABLE:
        raise BulkRefusal("InvalidJobState", f"Deleting a job in state {job.state.value} is not allowed")
    with org.transaction():
        jobs.forget(org, job)
    return no_content()


def listing(org: EmulatedOrg, request: Request, resource: str, kinds: tuple[Kind, ...]) -> Reply:
    """Jobs, a thousand at a time, oldest first."""
    work.advance(org)
    wanted = request.params.get("jobType")
    if wanted is not None:
        kinds = tuple(kind for kind in kinds if kind.value.lower() == wanted.lower())
    after = 0
    if locator := request.params.get("queryLocator"):
        after = offset_of(locator)
    chunked = CHUNKED.get(request.params.get("isPkChunkingEnabled", "").lower())
    found = jobs.list_jobs(org, kinds, after, LISTED_JOBS + 1, chunked) if kinds else []
    shown, more = found[:LISTED_JOBS], len(found) > LISTED_JOBS
    address = None
    if more:
        asked = {each: request.params[each] for each in FILTERS if each in request.params}
        place = urlencode({**asked, "queryLocator": locator_of(shown[-1].number)})
        address = f"{request.data_path}/jobs/{resource}?{place}"
    records = [_listed(job) for job in shown]
    return ok({"done": not more, "nextRecordsUrl": address, "records": records})


def _listed(job: Job) -> dict[str, Any]:
    return {**about(job), "jobType": job.kind.value, **content_url(job), **files_of(job)}


def content_url(job: Job) -> dict[str, str]:
    """Where an open ingest job takes its rows, without a slash in front."""
    if job.kind is not Kind.INGEST or job.state is not State.OPEN:
        return {}
    return {"contentUrl": f"services/data/v{job.api}/jobs/ingest/{job.id}/batches"}


# -- places in a result


def locator_of(offset: int) -> str:
    """A place as clients hand it back: base64 of the number."""
    return base64.urlsafe_b64encode(str(offset).encode()).decode().rstrip("=")


def offset_of(locator: str) -> int:
    """The place a locator stands for. Raises INVALIDQUERYLOCATOR; text not verified."""
    try:
        text = base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)).decode("ascii")
        if text.isdigit():
            return int(text)
    except ValueError:
        pass
    raise BulkRefusal("InvalidQueryLocator", "invalid query locator")
