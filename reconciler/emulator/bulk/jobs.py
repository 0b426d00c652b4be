"""Jobs and batches as the org keeps them, and what may follow what.

A job of Bulk API 2.0 holds its own rows; one of 1.0 holds batches, which hold rows. Either is an
owner of uploads and results, by its number. Jobs are forgotten seven days after they were made.

Source: Bulk API Developer Guide, "Get Information About an Ingest Job", "JobInfo", "BatchInfo".
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from .. import ids
from ..due import JOBS_DUE

if TYPE_CHECKING:
    from ..org import EmulatedOrg

DAY_MS = 24 * 60 * 60 * 1000
KEPT_MS = 7 * DAY_MS
TABLES = (
    """CREATE TABLE IF NOT EXISTS _bulk_job (number INTEGER PRIMARY KEY, kind TEXT NOT NULL,
       created_ms INTEGER NOT NULL, due_ms INTEGER, about TEXT NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS _bulk_batch (number INTEGER PRIMARY KEY, job INTEGER NOT NULL,
       created_ms INTEGER NOT NULL, due_ms INTEGER, about TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS _bulk_batch_job ON _bulk_batch (job)",
    "CREATE INDEX IF NOT EXISTS _bulk_job_due ON _bulk_job (due_ms) WHERE due_ms IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS _bulk_batch_due ON _bulk_batch (due_ms) WHERE due_ms IS NOT NULL",
    """CREATE TABLE IF NOT EXISTS _bulk_upload (owner INTEGER NOT NULL, part INTEGER NOT NULL,
       content BLOB NOT NULL, PRIMARY KEY (owner, part))""",
    """CREATE TABLE IF NOT EXISTS _bulk_result (owner INTEGER NOT NULL, first INTEGER NOT NULL,
       part INTEGER NOT NULL, record INTEGER NOT NULL, count INTEGER NOT NULL, content TEXT NOT NULL,
       PRIMARY KEY (owner, first))""",
    """CREATE TABLE IF NOT EXISTS _bulk_usage (hour INTEGER NOT NULL, what TEXT NOT NULL,
       count INTEGER NOT NULL, PRIMARY KEY (hour, what))""",
)
JOB_PREFIX, BATCH_PREFIX, RESULT_PREFIX = "750", "751", "752"


class Kind(StrEnum):
    """`jobType` of a job."""

    INGEST = "V2Ingest"
    QUERY = "V2Query"
    CLASSIC = "Classic"


class State(StrEnum):
    """Of jobs of both generations."""

    OPEN = "Open"
    UPLOAD_COMPLETE = "UploadComplete"
    IN_PROGRESS = "InProgress"
    ABORTED = "Aborted"
    COMPLETE = "JobComplete"
    FAILED = "Failed"
    CLOSED = "Closed"


ENDED = frozenset({State.ABORTED, State.COMPLETE, State.FAILED})
DELETABLE = ENDED | {State.UPLOAD_COMPLETE}


class BatchState(StrEnum):
    QUEUED = "Queued"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    NOT_PROCESSED = "NotProcessed"


BATCH_ENDED = frozenset({BatchState.COMPLETED, BatchState.FAILED, BatchState.NOT_PROCESSED})


@dataclass(kw_only=True)
class Progress:
    """What is counted while rows are written: of a job of 2.0 or a batch of 1.0."""

    number: int = 0
    created_ms: int
    changed_ms: int
    due_ms: int | None = None
    """When it goes on; None while it waits for the client, or when it has ended."""
    began_ms: int | None = None
    part: int = 0
    record: int = 0
    """The record to go on with: which of which part. The header is record 0 of part 0."""
    processed: int = 0
    failed: int = 0
    left: int = 0
    """Records of the batch that is at work, of those that make a 2.0 job, which are still to be written."""
    message: str | None = None
    header: list[str] | None = None
    """Names of the columns of a CSV, known when its first record is due."""

    @property
    def id(self) -> str:
        return ids.to_text(self.number)

    @property
    def working_ms(self) -> int:
        return 0 if self.began_ms is None else max(0, self.changed_ms - self.began_ms)


@dataclass(kw_only=True)
class Job(Progress):
    """One job of either generation."""

    table: ClassVar[str] = "_bulk_job"
    prefix: ClassVar[str] = JOB_PREFIX
    kind: Kind
    user: int
    sobject: str
    operation: str
    state: State = State.OPEN
    api: str
    """`60.0`: the version of the address it was made at."""
    external_id: str | None = None
    assignment_rule: str | None = None
    delimiter: str = "COMMA"
    line_ending: str = "LF"
    content_type: str = "CSV"
    concurrency: str = "Parallel"
    query: str | None = None
    pk_chunk: int | None = None
    pk_start: int | None = None
    """The number that the first chunk of ids begins with."""

    def __post_init__(self) -> None:
        self.kind, self.state = Kind(self.kind), State(self.state)

    @property
    def user_id(self) -> str:
        return ids.to_text(self.user)

    @property
    def version(self) -> int:
        return int(self.api.partition(".")[0])


@dataclass(kw_only=True)
class Batch(Progress):
    """One batch of a job of 1.0."""

    table: ClassVar[str] = "_bulk_batch"
    prefix: ClassVar[str] = BATCH_PREFIX
    job: int
    state: BatchState = BatchState.QUEUED
    query: str | None = None
    result: int | None = None
    """The one file of a query's results."""

    def __post_init__(self) -> None:
        self.state = BatchState(self.state)

    @property
    def job_id(self) -> str:
        return ids.to_text(self.job)


AnyWork = TypeVar("AnyWork", Job, Batch)


def prepare(org: "EmulatedOrg") -> None:
    """Make the tables of bulk jobs where they are missing.

    It is looked, not remembered: a transaction that is undone, or a snapshot, takes them away again.
    """
    if not org.store.execute("SELECT 1 FROM sqlite_master WHERE name = '_bulk_usage'"):
        for ddl in TABLES:
            org.store.ensure_table(ddl)


# -- keeping


def add(org: "EmulatedOrg", work: Job | Batch) -> None:
    """Keep a new job or batch under a number of its own; old jobs are forgotten on the way."""
    prepare(org)
    if isinstance(work, Job):
        forget_old(org)
    work.number = ids.make(work.prefix, org.store.next_serial(work.prefix))
    owner = {"_bulk_job": "kind", "_bulk_batch": "job"}[work.table]
    org.store.execute(
        f"INSERT INTO {work.table} (number, {owner}, created_ms, due_ms, about) VALUES (?, ?, ?, ?, ?)",  # noqa: S608  names are ours
        (work.number, getattr(work, owner), work.created_ms, work.due_ms, _about(work)),
    )
    note_due(org)


def new_result(org: "EmulatedOrg") -> int:
    """A number for the file of a query batch's results."""
    return ids.make(RESULT_PREFIX, org.store.next_serial(RESULT_PREFIX))


def save(org: "EmulatedOrg", work: Job | Batch) -> None:
    org.store.execute(
        f"UPDATE {work.table} SET due_ms = ?, about = ? WHERE number = ?",  # noqa: S608  names are ours
        (work.due_ms, _about(work), work.number),
    )
    note_due(org)


def is_as_read(org: "EmulatedOrg", work: Job | Batch) -> bool:
    """Whether nobody has moved it on since it was read."""
    return org.store.execute(f"SELECT about FROM {work.table} WHERE number = ?", (work.number,)) == [  # noqa: S608  names are ours
        (_about(work),)
    ]


def read_again(org: "EmulatedOrg", work: Job | Batch) -> Job | Batch:
    """As it is kept, whatever was done to the value; itself when it is no longer kept."""
    rows = org.store.execute(f"SELECT about FROM {work.table} WHERE number = ?", (work.number,))  # noqa: S608  names are ours
    if not rows:
        return work
    return _read(Job, rows[0][0]) if isinstance(work, Job) else _read(Batch, rows[0][0])


def _about(work: Job | Batch) -> str:
    return json.dumps(asdict(work))


def _read(kind: type[AnyWork], about: str) -> AnyWork:
    known = {each.name for each in fields(kind)}
    values: dict[str, Any] = {name: value for name, value in json.loads(about).items() if name in known}
    return kind(**values)


def note_due(org: "EmulatedOrg") -> None:
    """Tell the org when the next job or batch goes on."""
    (row,) = org.store.execute(
        "SELECT min(due_ms) FROM (SELECT due_ms FROM _bulk_job WHERE due_ms IS NOT NULL UNION ALL "
        "SELECT due_ms FROM _bulk_batch WHERE due_ms IS NOT NULL)"
    )
    due = "" if row[0] is None else str(row[0])
    if due != (org.find_fact(JOBS_DUE) or ""):
        org.set_fact(JOBS_DUE, due)


# -- finding


def find_job(org: "EmulatedOrg", job_id: str, *kinds: Kind) -> Job | None:
    """The job with this id, if it is of one of the kinds and not forgotten."""
    prepare(org)
    number = ids.parse(job_id)
    found = [] if number is None else _select(org, "number = ?", number)
    for job in found:
        if job.kind in kinds and job.created_ms > org.clock.now_ms() - KEPT_MS:
            return job
    return None


def _select(org: "EmulatedOrg", where: str, *values: Any) -> list[Job]:
    sql = f"SELECT about FROM _bulk_job WHERE {where}"  # noqa: S608  conditions are ours
    return [_read(Job, about) for (about,) in org.store.execute(sql, values)]


def list_jobs(
    org: "EmulatedOrg", kinds: tuple[Kind, ...], after: int, limit: int, chunked: bool | None = None
) -> list[Job]:
    """Up to ``limit`` jobs of these kinds with numbers past ``after``, oldest first.

    ``chunked`` leaves those that are cut by ids, or those that are not.
    """
    prepare(org)
    marks = ", ".join("?" * len(kinds))
    where = f"kind IN ({marks}) AND number > ? AND created_ms > ?"
    if chunked is not None:
        where += f" AND json_extract(about, '$.pk_chunk') IS {'NOT ' if chunked else ''}NULL"
    where += " ORDER BY number LIMIT ?"
    return _select(org, where, *kinds, after, org.clock.now_ms() - KEPT_MS, limit)


def find_batch(org: "EmulatedOrg", job: Job, batch_id: str) -> Batch | None:
    number = ids.parse(batch_id)
    return next((each for each in batches(org, job) if each.number == number), None)


def batches(org: "EmulatedOrg", job: Job) -> list[Batch]:
    """The batches of a job, in the order they were added."""
    rows = org.store.execute("SELECT about FROM _bulk_batch WHERE job = ? ORDER BY number", (job.number,))
    return [_read(Batch, about) for (about,) in rows]


def due(org: "EmulatedOrg", now_ms: int) -> Iterator[tuple[Job, Batch | None]]:
    """Jobs and batches whose time has come, oldest first; a batch with its job."""
    for (about,) in org.store.execute(
        "SELECT about FROM _bulk_job WHERE due_ms <= ? ORDER BY due_ms, number", (now_ms,)
    ):
        yield _read(Job, about), None
    rows = org.store.execute(
        "SELECT b.about, j.about FROM _bulk_batch b JOIN _bulk_job j ON j.number = b.job "
        "WHERE b.due_ms <= ? ORDER BY b.due_ms, b.number",
        (now_ms,),
    )
    for batch, job in rows:
        yield _read(Job, job), _read(Batch, batch)


# -- forgetting


def forget(org: "EmulatedOrg", job: Job) -> None:
    """Drop a job with its batches, uploads and results."""
    with org.store.transaction():
        for owner in (job.number, *(each.number for each in batches(org, job))):
            org.store.execute("DELETE FROM _bulk_upload WHERE owner = ?", (owner,))
            org.store.execute("DELETE FROM _bulk_result WHERE owner = ?", (owner,))
        org.store.execute("DELETE FROM _bulk_batch WHERE job = ?", (job.number,))
        org.store.execute("DELETE FROM _bulk_job WHERE number = ?", (job.number,))
        note_due(org)


def forget_old(org: "EmulatedOrg") -> None:
    for job in _select(org, "created_ms <= ?", org.clock.now_ms() - KEPT_MS):
        forget(org, job)
