"""What time does to jobs: each step that is due is done, in the order of its time.

A step is some chunks of 200 records, or a query. It is one transaction of the store, with its outcomes and
the place to go on from, so a process that dies in the middle of a job goes on where the last step ended, and
nothing is written twice. Between two steps of a large job whoever waits for the org has his turn.

Who looks at a job, by `advance`, works until nothing is due, or for some seconds: clients do not wait for
ever. Who only meets the org while something is due, by `advance_some`, does a little of it. While one call
is at work, others go by and see how far it is.

A step for which the disk has no room is undone and tried again at the next call. One that fails for a
reason no client can have given, a mistake of ours, fails its job with a text and
is logged; it must not fail whoever happens to call next.
"""

import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakSet

from ..disk import is_trouble
from ..errors import ApiError
from ..schema import SObject
from ..turns import turns
from . import csvform, disturbed, extract, jobs, payload, plain_insert, results, uploads, usage
from .jobs import Batch, BatchState, Job, Kind, State
from .loading import BATCH_RECORDS, DELETES, Task, chunks, no_fault
from .refusals import BatchFailed, BulkRefusal, unparsable
from .results import Outcome
from .settings import settings
from .uploads import Column, Record

if TYPE_CHECKING:
    from ..org import EmulatedOrg

log = logging.getLogger(__name__)
_BUSY: "WeakSet[EmulatedOrg]" = WeakSet()
QUERIES = ("query", "queryAll")
STEP_RECORDS = 2_000
"""Records of a step while nobody waits; when somebody does, it ends with its chunk."""
SOME_RECORDS = 2_000
"""What `advance_some` does."""
PATIENCE_SECONDS = 4.0
"""How long a call that looks at a job works for it, if it has done a batch."""


def advance(org: "EmulatedOrg") -> None:
    """Do what is due. Nothing happens inside somebody's transaction, which could undo it.

    The caller does not hold the store's lock: others have their turns on the way.
    """
    with _at_work(org) as free:
        enough = time.monotonic() + PATIENCE_SECONDS
        done = 0
        while free and (step := _next_step(org)) is not None:
            done += step
            if done >= BATCH_RECORDS and time.monotonic() >= enough:
                return
            turns(org).pass_on()


def advance_some(org: "EmulatedOrg") -> None:
    """Do what is due, but of much only the beginning, and less when somebody waits."""
    with _at_work(org) as free:
        done = 0
        while free and done < SOME_RECORDS and (step := _next_step(org)) is not None:
            done += step
            if turns(org).wanted:
                return


@contextmanager
def _at_work(org: "EmulatedOrg") -> Iterator[bool]:
    """Whether the caller may do what is due: another may be at it, or this is what itself is about."""
    with org.store.lock:
        free = org not in _BUSY
        _BUSY.add(org)
    try:
        yield free
    finally:
        if free:
            _BUSY.discard(org)


def _next_step(org: "EmulatedOrg") -> int | None:
    """Do one step; how many records it was about, None when nothing is due."""
    with org.store.lock:
        if org.store.connection.in_transaction:
            return None
        jobs.prepare(org)
        step = next((each for each in jobs.due(org, org.clock.now_ms()) if not _stalled(org, each[0])), None)
        if step is None:
            return None
        try:
            return _step(org, *step)
        except sqlite3.Error as error:
            if not is_trouble(error):
                raise
            log.exception("bulk job %s waits", step[0].id)
            return None


def _stalled(org: "EmulatedOrg", job: Job) -> bool:
    return disturbed.is_stalled(org, job.number)


def _step(org: "EmulatedOrg", job: Job, batch: Batch | None) -> int:
    work: Job | Batch = batch or job
    before = work.processed
    try:
        with org.transaction(job.user_id):
            if not jobs.is_as_read(org, work):
                return 0  # another process was quicker
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
    except Exception as error:
        if is_trouble(error):
            extract.forget(org, work.number)
            raise
        log.exception("bulk job %s failed", job.id)
        _fail(org, work, "UnknownError : An unexpected error occurred")
    return work.processed - before


def _fail(org: "EmulatedOrg", work: Job | Batch, message: str) -> None:
    """End a job or batch as failed, with what was written of it before the step."""
    extract.forget(org, work.number)
    with org.transaction():
        found = jobs.read_again(org, work)
        found.message, found.due_ms, found.changed_ms = message, None, org.clock.now_ms()
        if isinstance(found, Job):
            found.state = State.FAILED
        else:
            found.state = BatchState.FAILED
        jobs.save(org, found)


def _begin(org: "EmulatedOrg", work: Job | Batch) -> bool:
    """Note that work begins; False when its first step takes time and comes later."""
    work.began_ms = work.changed_ms = work.due_ms or org.clock.now_ms()
    takes = settings(org).batch_ms
    if takes:
        work.due_ms = work.began_ms + takes
    return not takes


# -- 2.0


def _ingest_step(org: "EmulatedOrg", job: Job) -> None:
    """The next records of the batch that is at work; the first of the next one, when that is done."""
    if job.state is State.UPLOAD_COMPLETE:
        job.state = State.IN_PROGRESS
        _read_header(org, job)
        if not _begin(org, job):
            jobs.save(org, job)
            return
    job.left = job.left or BATCH_RECORDS
    more = _write_csv(org, job, job, job.left)
    job.changed_ms = org.clock.now_ms()
    if not more:
        job.state, job.due_ms = State.COMPLETE, None
    elif not job.left:
        job.due_ms = (job.due_ms or 0) + settings(org).batch_ms
    jobs.save(org, job)


def _query_step(org: "EmulatedOrg", job: Job) -> None:
    if job.state is State.UPLOAD_COMPLETE:
        job.state = State.IN_PROGRESS
        if not _begin(org, job):
            jobs.save(org, job)
            return
    asked = extract.Asked(job.query or "", job.operation == "queryAll", job.user_id, job.api, "CSV")
    if extract.go_on(org, job, asked):
        job.state, job.due_ms = State.COMPLETE, None
    job.changed_ms = org.clock.now_ms()
    jobs.save(org, job)


# -- 1.0


def _batch_step(org: "EmulatedOrg", job: Job, batch: Batch) -> None:
    if batch.state is BatchState.QUEUED:
        batch.state = BatchState.IN_PROGRESS
        if job.operation not in QUERIES:
            _check_batch(org, job, batch)
        if not _begin(org, batch):
            jobs.save(org, batch)
            return
    if job.operation in QUERIES:
        more = not _query_batch(org, job, batch)
    elif job.content_type == "CSV":
        more = _write_csv(org, job, batch, BATCH_RECORDS)
    else:
        more = _write_records(org, job, batch)
    batch.changed_ms = org.clock.now_ms()
    if not more:
        batch.state, batch.due_ms = BatchState.COMPLETED, None
    jobs.save(org, batch)


def _check_batch(org: "EmulatedOrg", job: Job, batch: Batch) -> None:
    """Look at a whole batch before anything of it is written. Raises `BatchFailed`."""
    if job.content_type == "CSV":
        _read_header(org, job, batch)
        count = uploads.count(org, batch.number, csvform.DELIMITERS[job.delimiter]) - 1
        if count > BATCH_RECORDS:
            raise unparsable(
                f"Exceeded number of records : {BATCH_RECORDS + 2}. Number of records should be less than or "
                f"equal to {BATCH_RECORDS + 1}"
            )
    else:
        records = _payload(org, job, batch)
        count = len(records)
        if count > BATCH_RECORDS:
            raise BatchFailed(f"Exceeded number of records : {count}")
        uploads.check_names(_sobject(org, job), records)
    if count <= 0:
        raise BatchFailed("Records not found")


def _query_batch(org: "EmulatedOrg", job: Job, batch: Batch) -> bool:
    """Whether all of the query's records are kept."""
    form = job.content_type
    asked = extract.Asked(batch.query or "", job.operation == "queryAll", job.user_id, job.api, form)
    if batch.result is None:
        _check_query(org, job, asked)
        batch.result = jobs.new_result(org)
    return extract.go_on(org, batch, asked)


def _check_query(org: "EmulatedOrg", job: Job, asked: extract.Asked) -> None:
    try:
        found = extract.check(org, asked)
    except BulkRefusal as refused:
        raise BatchFailed(refused.message, refused.word) from refused
    except ApiError as refused:
        raise BatchFailed(f"Failed to process query: {refused.code}: {refused.message}") from refused
    if found.lower() != job.sobject.lower():
        raise BatchFailed(
            "Failed to process query: INVALID_TYPE_FOR_OPERATION: The root entity of the requested query "
            f"({found}) does not match the entity of the requested Bulk API Job ({job.sobject})."
        )


def _payload(org: "EmulatedOrg", job: Job, batch: Batch) -> Sequence[Record]:
    """The records of a batch in JSON or XML. Raises `BatchFailed`."""
    read = payload.json_records if job.content_type == "JSON" else payload.xml_records
    return uploads.remembered(
        org, batch.number, job.content_type, lambda: read(uploads.whole(org, batch.number))
    )


def _write_records(org: "EmulatedOrg", job: Job, batch: Batch) -> bool:
    """Write the next records; whether there are more."""
    records = _payload(org, job, batch)
    task = _task(org, job, {})
    outcomes: list[Outcome | int] = []
    for chunk in chunks(records[batch.processed :]):
        outcomes += task.write_chunk(chunk)
        if _is_enough(org, outcomes):
            break
    results.keep(org, batch.number, batch.processed, (0, batch.processed), outcomes)
    batch.processed += len(outcomes)
    batch.failed += _failures(outcomes)
    return batch.processed < len(records)


def _is_enough(org: "EmulatedOrg", outcomes: Sequence[Outcome | int]) -> bool:
    """Whether a step ends here: it is large, or somebody waits."""
    return len(outcomes) >= STEP_RECORDS or turns(org).wanted


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
    most = min(most, STEP_RECORDS)
    found: list[tuple[int, int, int]] = []
    rows: list[list[str]] = []
    delimiter = csvform.DELIMITERS[job.delimiter]
    for number, record, records in uploads.read_from(org, work.number, delimiter, work.part, work.record):
        taken = records[: most + 1 - len(rows)]
        found.append((number, record, len(taken)))
        rows += taken
        if len(rows) > most:
            break
    if not rows:
        return False
    if isinstance(work, Job) and work.left == BATCH_RECORDS:
        usage.take(org, usage.Allowance.BATCHES)
    outcomes = _write_rows(org, job, work.header or [], rows[:most])
    start = 0
    for number, record, count in found:
        if kept := outcomes[start : start + count]:
            results.keep(org, work.number, work.processed, (number, record), kept)
            work.processed += len(kept)
            work.part, work.record = number, record + len(kept)
            start += len(kept)
    if isinstance(work, Job):
        work.left -= len(outcomes)
    work.failed += _failures(outcomes)
    return len(outcomes) < len(rows)


def _write_rows(org: "EmulatedOrg", job: Job, names: list[str], rows: list[list[str]]) -> list[Outcome | int]:
    """Write rows by the chunk until it is enough; an outcome for each that was written or refused."""
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
        if _is_enough(org, outcomes):
            break
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


def _failures(outcomes: Sequence[Outcome | int]) -> int:
    return sum(1 for each in outcomes if isinstance(each, Outcome) and each.error is not None)
