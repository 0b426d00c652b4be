"""Bulk API 2.0, writing: a job is opened, gets its CSV, is closed, and is asked what became of it.

Source: Bulk API 2.0 and Bulk API Developer Guide, "Bulk API 2.0 Ingest"; replies as recorded.
"""

from collections.abc import Callable, Iterable, Iterator
from email import message_from_bytes
from typing import Any

from reconciler.emulator import ids
from reconciler.emulator.bulk import csvform, jobs, results, uploads
from reconciler.emulator.bulk.jobs import ENDED, Job, Kind, State
from reconciler.emulator.bulk.refusals import BatchFailed, BulkRefusal
from reconciler.emulator.bulk.results import Outcome
from reconciler.emulator.bulk.rights import check_hard_delete
from reconciler.emulator.bulk.settings import settings
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http.endpoints import bulk2_common as common
from reconciler.emulator.http.jsonform import parse_json
from reconciler.emulator.http.message import Reply, Request, no_content, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.http.spool import LARGEST_BODY_BYTES
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import SObject

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
INLINE_CHARACTERS = 100_000
MULTIPART = "multipart/form-data"
LACKS = ["assignment rules are kept but not run", "retries of batches"]


@route("POST", "/jobs/ingest", lacks=LACKS, media=("", "application/json", MULTIPART))
def create_job(org: EmulatedOrg, request: Request) -> Reply:
    """Open a job; with its rows as a second part of the body it is closed at once."""
    content: bytes | None = None
    if request.headers.find("content-type").lower().startswith(MULTIPART):
        body, content = _two_parts(request)
    else:
        body = common.body_of(request)
    with org.transaction(request.user_id):
        job = _opened(org, request, body)
        common.note_faults(org, request, job)
        if content is not None:
            uploads.keep(org, job.number, content)
            _close(org, job)
    return ok(_told_at_once(job))


def _two_parts(request: Request) -> tuple[dict[str, Any], bytes]:
    head = f"Content-Type: {request.headers.find('content-type')}\r\n\r\n".encode()
    parts: dict[str, bytes] = {}
    message = message_from_bytes(head + request.body)
    for part in message.get_payload() if message.is_multipart() else []:
        name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]  # the parts of a multipart are messages
        payload = part.get_payload(decode=True)  # type: ignore[union-attr]  # as above
        if isinstance(name, str) and isinstance(payload, bytes):
            parts[name] = payload
    if parts.keys() != {"job", "content"}:
        raise BulkRefusal("InvalidJob", "A multipart request has the parts job and content")
    if len(parts["content"].decode("utf-8", "replace")) > INLINE_CHARACTERS:
        raise BulkRefusal("InvalidJob", f"The content of a job may have {INLINE_CHARACTERS} characters here")
    body = parse_json(parts["job"])
    if not isinstance(body, dict):
        raise ApiError("Unexpected body: a job is an object", code="JSON_PARSER_ERROR")
    return body, parts["content"]


def _opened(org: EmulatedOrg, request: Request, body: dict[str, Any]) -> Job:
    operation = common.one_of(body, "operation", OPERATIONS, "")
    if not operation:
        raise BulkRefusal("InvalidJob", "No operation was specified for the job")
    sobject = writable_object(org, request, body.get("object"), operation)
    external_id = body.get("externalIdFieldName")
    if operation == "hardDelete":
        check_hard_delete(org, request.user_id)
    now = org.clock.now_ms()
    job = Job(
        kind=Kind.INGEST,
        user=org_user(request),
        sobject=sobject.name,
        operation=operation,
        api=request.version,
        created_ms=now,
        changed_ms=now,
        external_id=check_key(sobject, operation, external_id),
        assignment_rule=body.get("assignmentRuleId"),
        **common.csv_options(body),
    )
    jobs.add(org, job)
    return job


def org_user(request: Request) -> int:
    return ids.parse(request.user_id) or 0


def writable_object(org: EmulatedOrg, request: Request, name: Any, operation: str) -> SObject:
    """The object of a job. Raises for one the user does not see, or that such a job cannot write."""
    if not isinstance(name, str) or not name:
        raise BulkRefusal("InvalidJob", "No object was specified for the job")
    found = org.access.of(request.user_id).schema.get(name)
    if found is None:
        raise BulkRefusal("InvalidJob", f"Unable to find object: {name}")
    allowed = {
        "insert": found.createable,
        "update": found.updateable,
        "upsert": found.createable and found.updateable,
    }.get(operation, found.deletable)
    if not allowed:
        verb = {"insert": "create", "hardDelete": "delete"}.get(operation, operation)
        raise BulkRefusal("InvalidJob", f"No {verb} access for object:{found.name}")
    return found


def check_key(sobject: SObject, operation: str, name: Any) -> str | None:
    """The external id field of an upsert, as the schema spells it; None for other operations."""
    if operation != "upsert":
        return None
    if not isinstance(name, str) or not name:
        raise BulkRefusal(
            "InvalidJob",
            f"External ID was blank for {sobject.name}. An External ID must be specified for upsert.",
        )
    field = sobject.field(name)
    if field is None or not (field.external_id or field.id_lookup or field.name == "Id"):
        raise BulkRefusal(
            "InvalidJob",
            f"Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field for "
            f"{sobject.name}",
        )
    return field.name


@route("GET", "/jobs/ingest")
def list_jobs(org: EmulatedOrg, request: Request) -> Reply:
    """All jobs that write, of both generations."""
    return common.listing(org, request, "ingest", (Kind.INGEST, Kind.CLASSIC))


@route("GET", "/jobs/ingest/{job_id}")
def read_job(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """A job and what it has done so far."""
    job = common.found_job(org, request, job_id, Kind.INGEST)
    told = {**common.about(job), "jobType": job.kind.value, **common.content_url(job)}
    return ok({**told, **common.files_of(job), **common.counts(job)})


def _told_at_once(job: Job) -> dict[str, Any]:
    """A job as the call that made or changed it tells it: open ones with where their rows go."""
    open_ones = {**common.content_url(job), **common.files_of(job)} if job.state is State.OPEN else {}
    return {**common.about(job), **open_ones}


@route("PUT", "/jobs/ingest/{job_id}/batches", media=("", "text/csv"), most_bytes=None)
def upload(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """Take all rows of an open job, once."""
    job = common.found_job(org, request, job_id, Kind.INGEST)
    if job.state is not State.OPEN:
        raise BulkRefusal("InvalidJobState", f"Uploading to a job in state {job.state.value} is not allowed")
    if uploads.is_kept(org, job.number):
        raise _uploaded_twice(job)
    most = min(settings(org).upload_bytes, LARGEST_BODY_BYTES)
    if request.body_bytes > most:
        raise BulkRefusal("ClientInputError", f"The upload of a job may have {most} bytes", status=413)
    if not uploads.keep_large(org, job.number, request.body_pieces()):
        raise _uploaded_twice(job)
    return Reply(status=201, empty=True)


def _uploaded_twice(job: Job) -> BulkRefusal:
    return BulkRefusal(
        "BulkApiError",
        f"Found multipe contents for job: <{job.id[:15]}>, please 'Close' / 'Abort' / 'Delete' the "
        "current Job then create a new Job and make sure you only do 'PUT' once on a given Job.",
        code="BULK_API_ERROR",
    )


@route("PATCH", "/jobs/ingest/{job_id}")
def change_state(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """Close a job, which lets it run, or abort it."""
    job = common.found_job(org, request, job_id, Kind.INGEST)
    state = common.body_of(request).get("state")
    if state == State.ABORTED:
        common.abort(org, request, job)
    elif state == State.UPLOAD_COMPLETE:
        if job.state is not State.OPEN:
            word = common.ENDED_WORDS.get(job.state, "Completed")
            raise BulkRefusal("InvalidJobState", f"Closing already {word} Job not allowed")
        with org.transaction(request.user_id):
            _close(org, job)
    else:
        raise BulkRefusal(
            "InvalidJobState", f"A job's state can be set to UploadComplete or Aborted: {state}"
        )
    return ok(_told_at_once(job))


def _close(org: EmulatedOrg, job: Job) -> None:
    uploads.drop_unfinished(org, job.number)
    job.state, job.changed_ms = State.UPLOAD_COMPLETE, org.clock.now_ms()
    job.due_ms = job.changed_ms + settings(org).queue_ms
    jobs.save(org, job)


@route("DELETE", "/jobs/ingest/{job_id}")
def delete_job(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """Forget a job that does not run."""
    return common.delete(org, common.found_job(org, request, job_id, Kind.INGEST))


# -- results


@route("GET", "/jobs/ingest/{job_id}/{kind}")
def read_results(org: EmulatedOrg, request: Request, job_id: str, kind: str) -> Reply:
    """The rows that were written, were refused, or were not reached, as CSV in the job's own form.

    There is nothing yet (204) before the job has ended. The kind is read in any case.
    """
    lines = RESULTS.get(kind.lower())
    if lines is None:
        raise NotFound
    job = common.found_job(org, request, job_id, Kind.INGEST)
    if job.state not in ENDED:
        return no_content()
    return Reply(pieces=csvform.gathered(lines(org, job)), content_type="text/csv")


def _rows(org: EmulatedOrg, job: Job) -> Iterator[tuple[Outcome, list[str]]]:
    """Each record that was reached with what became of it."""
    delimiter = csvform.DELIMITERS[job.delimiter]
    last, records = -1, list[list[str]]()
    for stretch in results.stretches(org, job.number, job.processed):
        if stretch.part != last:
            last = stretch.part
            records = uploads.records_of(org, job.number, delimiter, last) or []
        yield from zip(stretch.outcomes, records[stretch.record :], strict=False)


def _lines(job: Job, first: list[str], rows: Iterator[list[str]]) -> Iterator[str]:
    delimiter, ending = csvform.DELIMITERS[job.delimiter], csvform.LINE_ENDINGS[job.line_ending]
    names = job.header or []
    yield csvform.header_line(first, names, delimiter, ending)
    yield from _quoted(rows, len(first) + len(names), delimiter, ending)


def _quoted(rows: Iterable[list[str]], width: int, delimiter: str, ending: str) -> Iterator[str]:
    for row in rows:
        yield csvform.quoted_line([*row, *[""] * (width - len(row))], delimiter, ending)


def _successful(org: EmulatedOrg, job: Job) -> Iterator[str]:
    rows = (
        [outcome.id, "true" if outcome.created else "false", *cells]
        for outcome, cells in _rows(org, job)
        if outcome.error is None
    )
    return _lines(job, ["sf__Id", "sf__Created"], rows)


def _failed(org: EmulatedOrg, job: Job) -> Iterator[str]:
    rows = (
        [outcome.id if job.version >= FAILED_IDS_SINCE else "", outcome.error_text, *cells]
        for outcome, cells in _rows(org, job)
        if outcome.error is not None
    )
    return _lines(job, ["sf__Id", "sf__Error"], rows)


def _unprocessed(org: EmulatedOrg, job: Job) -> Iterator[str]:
    """The records that were not reached; from where they cannot be read on, the upload as it came."""
    delimiter = csvform.DELIMITERS[job.delimiter]
    number, record = job.part, job.record
    try:
        if job.header is None:  # it never ran: the header has not been read
            records = uploads.records_of(org, job.number, delimiter, 0) or []
            job.header, record = (records[0] if records else []), 1
        yield from _lines(job, [], iter(()))
        for at, _, left in uploads.read_from(org, job.number, delimiter, number, record):
            yield from _quoted(left, len(job.header), delimiter, csvform.LINE_ENDINGS[job.line_ending])
            number = at + 1
    except BatchFailed:
        while (content := uploads.part(org, job.number, number)) is not None:
            yield content.decode("utf-8", "replace")
            number += 1


FAILED_IDS_SINCE = 53
"""First version whose failed results tell the id of a row that is there."""
RESULTS: dict[str, Callable[[EmulatedOrg, Job], Iterator[str]]] = {
    "successfulresults": _successful,
    "failedresults": _failed,
    "unprocessedrecords": _unprocessed,
}
