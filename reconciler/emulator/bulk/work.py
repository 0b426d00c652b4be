"""What time does to jobs: each step that is due is done, in the order of its time.

A step is 10,000 records of a 2.0 job, a batch of a 1.0 job, or a query. It is one transaction of the
store, with its outcomes and the place to go on from, so a process that dies in the middle of a job goes
on where the last whole step ended, and nothing is written twice.

A step that fails for a reason no client can have given, a mistake of ours, fails its job with a text and
is logged; it must not fail whoever happens to call next.
"""

import logging
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from ..errors import ApiError
from ..schema import SObject
from . import csvform, disturbed, extract, jobs, payload, plain_insert, results, uploads, usage
from .jobs import Batch, BatchState, Job, Kind, State
from .loading import BATCH_RECORDS, DELETES, Task, chunks, no_fault
from .refusals import BatchFailed, BulkRefusal, unparsable
from .results import Outcome
from .settings import settings
from .uploads import Column

if TYPE_CHECKING:
    from ..org import EmulatedOrg

log = logging.getLogger(__name__)
_BUSY: "WeakSet[EmulatedOrg]" = WeakSet()
QUERIES = ("query", "queryAll")


def advance(org: "EmulatedOrg") -> None:
    """Do what is due. Nothing happens inside somebody's transaction, which could undo it."""
    while True:
        with org.store.lock:
            if org in _BUSY or org.store.connection.in_transaction:
                return
            jobs.prepare(org)
            step = next(
                (each for each in jobs.due(org, org.clock.now_ms()) if not _stalled(org, each[0])), None
            )
            if step is None:
                return
            _BUSY.add(org)
            try:
                _step(org, *step)
            finally:
                _BUSY.discard(org)


def _stalled(org: "EmulatedOrg", job: Job) -> bool:
    return disturbed.is_stalled(org, job.number)


def _step(org: "EmulatedOrg", job: Job, batch: Batch | None) -> None:
    work: Job | Batch = batch or job
    try:
        with org.transaction(job.user_id):
            if batch is not None:
                _batch_step(org, job, batch)
            elif job.kind is Kind.QUERY:
                _query_step(org, job)
            else:
                _ingest_step(org, job)
    except BatchFailed as failed:
        _fail(org, work, str(failed))
    except BulkRefusal as refused:
        _fail(org, work, f"{refused.word} : {refused.message}")
    except Exception:
        log.exception("bulk job %s failed", job.id)
        _fail(org, work, "UnknownError : An unexpected error occurred")


def _fail(org: "EmulatedOrg", work: Job | Batch, message: str) -> None:
    """End a job or batch as failed, with what was written of it before."""
    work.message, work.due_ms, work.changed_ms = message, None, org.clock.now_ms()
    if isinstance(work, Job):
        work.state = State.FAILED
    else:
        work.state = BatchState.FAILED
    with org.transaction():
        jobs.save(org, work)


def _begin(org: "EmulatedOrg", work: Job | Batch) -> bool:
    """Note that work begins; False when its first step takes time and comes later."""
    work.began_ms = work.changed_ms = work.due_ms or org.clock.now_ms()
    takes = settings(org).batch_ms
    if takes:
        work.due_ms = work.began_ms + takes
    return not takes


def _moved_on(org: "EmulatedOrg", work: Job | Batch) -> None:
    work.changed_ms = org.clock.now_ms()


# -- 2.0


def _ingest_step(org: "EmulatedOrg", job: Job) -> None:
    if job.state is State.UPLOAD_COMPLETE:
        job.state = State.IN_PROGRESS
        _read_header(org, job)
        if not _begin(org, job):
            jobs.save(org, job)
            return
    more = _write_csv(org, job, job, BATCH_RECORDS)
    _moved_on(org, job)
    if more:
        job.due_ms = (job.due_ms or 0) + settings(org).batch_ms
    else:
        job.state, job.due_ms = State.COMPLETE, None
    jobs.save(org, job)


def _query_step(org: "EmulatedOrg", job: Job) -> None:
    if job.state is State.UPLOAD_COMPLETE:
        job.state = State.IN_PROGRESS
        if not _begin(org, job):
            jobs.save(org, job)
            return
    job.header, job.processed = extract.run(
        org,
        job.number,
        job.query or "",
        all_rows=job.operation == "queryAll",
        user_id=job.user_id,
        version=job.api,
        form="CSV",
    )
    _moved_on(org, job)
    job.state, job.due_ms = State.COMPLETE, None
    jobs.save(org, job)


# -- 1.0


def _batch_step(org: "EmulatedOrg", job: Job, batch: Batch) -> None:
    if batch.state is BatchState.QUEUED:
        batch.state = BatchState.IN_PROGRESS
        if not _begin(org, batch):
            jobs.save(org, batch)
            return
    if job.operation in QUERIES:
        _query_batch(org, job, batch)
    elif job.content_type == "CSV":
        _read_header(org, job, batch)
        if _write_csv(org, job, batch, BATCH_RECORDS):
            raise unparsable(
                f"Exceeded number of records : {BATCH_RECORDS + 2}. Number of records should be less than or "
                f"equal to {BATCH_RECORDS + 1}"
            )
    else:
        _write_records(org, job, batch)
    if batch.processed == 0 and job.operation not in QUERIES:
        raise BatchFailed("Records not found")
    _moved_on(org, batch)
    batch.state, batch.due_ms = BatchState.COMPLETED, None
    jobs.save(org, batch)


def _query_batch(org: "EmulatedOrg", job: Job, batch: Batch) -> None:
    asked: dict[str, Any] = {
        "all_rows": job.operation == "queryAll",
        "user_id": job.user_id,
        "version": job.api,
    }
    try:
        found = extract.check(org, batch.query or "", form=job.content_type, **asked)
    except BulkRefusal as refused:
        raise BatchFailed(refused.message, refused.word) from refused
    except ApiError as refused:
        raise BatchFailed(f"Failed to process query: {refused.code}: {refused.message}") from refused
    if found.lower() != job.sobject.lower():
        raise BatchFailed(
            "Failed to process query: INVALID_TYPE_FOR_OPERATION: The root entity of the requested query "
            f"({found}) does not match the entity of the requested Bulk API Job ({job.sobject})."
        )
    form = job.content_type
    batch.header, batch.processed = extract.run(org, batch.number, batch.query or "", form=form, **asked)
    batch.result = jobs.new_result(org)


def _write_records(org: "EmulatedOrg", job: Job, batch: Batch) -> None:
    body = uploads.whole(org, batch.number)
    records = payload.json_records(body) if job.content_type == "JSON" else payload.xml_records(body)
    if len(records) > BATCH_RECORDS:
        raise BatchFailed(f"Exceeded number of records : {len(records)}")
    task = _task(org, job, {})
    outcomes = [outcome for chunk in chunks(records) for outcome in task.write_chunk(chunk)]
    results.keep(org, batch.number, 0, (0, 0), outcomes)
    batch.processed, batch.failed = len(outcomes), _failures(outcomes)


# -- CSV


def _read_header(org: "EmulatedOrg", job: Job, work: Job | Batch | None = None) -> None:
    """Read the names of the columns; nothing of the upload is written when they make no sense."""
    work = work or job
    first = uploads.part(org, work.number, 0)
    if first is None:
        work.header = []
        return
    if work is job:
        csvform.check_line_ending(first, job.line_ending)
    records = uploads.records_of(org, work.number, csvform.DELIMITERS[job.delimiter], 0)
    work.header = [each.strip() for each in records[0]] if records else []
    work.record = 1
    columns = _columns(org, job, work.header)
    if job.operation in DELETES and [each.key for each in columns] != ["Id"]:
        raise BatchFailed(f"The '{job.operation}' batch must contain only ids")


def _write_csv(org: "EmulatedOrg", job: Job, work: Job | Batch, most: int) -> bool:
    """Write the next records of an upload, and keep what became of them; whether there are more."""
    found: list[tuple[int, int, list[list[str]]]] = []
    rows: list[list[str]] = []
    delimiter = csvform.DELIMITERS[job.delimiter]
    for number, record, records in uploads.read_from(org, work.number, delimiter, work.part, work.record):
        found.append((number, record, records[: most - len(rows)]))
        rows += records[: most + 1 - len(rows)]
        if len(rows) > most:
            break
    more = len(rows) > most
    if not rows:
        return False
    if job.kind is Kind.INGEST:
        usage.take(org, usage.Allowance.BATCHES)
    outcomes = _write_rows(org, job, work.header or [], rows[:most])
    start = 0
    for number, record, records in found:
        if records:
            kept = outcomes[start : start + len(records)]
            results.keep(org, work.number, work.processed, (number, record), kept)
            work.processed += len(records)
            work.part, work.record = number, record + len(records)
            start += len(records)
    work.failed += _failures(outcomes)
    return more


def _write_rows(org: "EmulatedOrg", job: Job, names: list[str], rows: list[list[str]]) -> list[Outcome | int]:
    if (most := max(map(len, rows))) > len(names):
        raise unparsable(f"Found {most} values in a record, but {len(names)} columns")
    columns = _columns(org, job, names)
    task = _task(org, job, {each.key.lower(): at for at, each in enumerate(columns)})
    quick = job.operation == "insert" and task.fault is no_fault
    plain = plain_insert.prepare(org, job.user, task.table, columns) if quick else None
    outcomes: list[Outcome | int] = []
    for chunk in chunks(rows):
        made = plain.write(chunk) if plain else None
        if made is None:
            outcomes += task.write_chunk([uploads.record_of(columns, row) for row in chunk])
        else:
            outcomes += made
    return outcomes


def _sobject(org: "EmulatedOrg", job: Job) -> SObject:
    """The object of a job as its user sees it; it may be gone since the job was made."""
    found = org.access.of(job.user).schema.get(job.sobject)
    if found is None:
        raise BatchFailed(f"Unable to find object: {job.sobject}", "InvalidJob")
    return found


def _columns(org: "EmulatedOrg", job: Job, names: list[str]) -> list[Column]:
    """What the names mean to the job's user: a field that he does not see is not found."""
    return uploads.columns_of(org.access.of(job.user).schema, _sobject(org, job), names)


def _task(org: "EmulatedOrg", job: Job, columns: dict[str, int]) -> Task:
    table = org.tables[_sobject(org, job).name]
    fault = disturbed.row_fault(org, job.number)
    return Task(org, job.user, table, job.operation, job.external_id, fault, columns)


def _failures(outcomes: list[Outcome | int] | list[Outcome]) -> int:
    return sum(1 for each in outcomes if isinstance(each, Outcome) and each.error is not None)
