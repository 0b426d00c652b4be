"""The journal itself: the promises of `reconciler.model.journal.Journal` kept on a `Database`.

A plan moves by its status alone, and only under the org's lease: `open_run` checks the status and
takes the lease in one transaction, so a plan runs at most once however many processes try.
"""

import difflib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from reconciler.model.errors import JournalFailed, LeaseHeld, PlanRefused, PlanStale, Problem, UnknownPlan
from reconciler.model.journal import Entry, Event, Lease, PlanRecord, PlanStatus, SecretField
from reconciler.model.plan import Plan

from . import leases, processes
from .body import pack, unpack
from .chain import ChainHead
from .database import Database
from .entries import append_entry, last_run, read_entries
from .leases import LEASE_SECONDS
from .runs import HeldRun, Points, beating
from .tables import (
    address_hash,
    lease_table,
    plan_table,
    protection_table,
    secret_field_table,
    touched_table,
)

MAY_HAVE_WRITTEN = (PlanStatus.APPLYING, PlanStatus.PARTLY, PlanStatus.APPLIED)
NEAREST_OF_PLANS = 1000
ADDRESSES_PER_QUERY = 500
POLL_SECONDS = (0.2, 0.6)
RECORD_COLUMNS = [column for column in plan_table.c if column.name not in ("body", "key_id", "nonce")]

WHY_STALE = {
    PlanStatus.PLANNED: ("has not been applied", "reconcile apply {}"),
    PlanStatus.APPLYING: ("was begun and not finished", "reconcile resume {}"),
    PlanStatus.PARTLY: ("is partly applied", "reconcile resume {}, or reconcile revert {}"),
    PlanStatus.APPLIED: ("is applied already; a plan runs once", "make a new plan with 'reconcile plan'"),
    PlanStatus.REFUSED: ("was refused; a plan runs once", "make a new plan with 'reconcile plan'"),
}


class SqlJournal:
    """See `open_journal`. May be shared by threads; a forked process opens its own."""

    def __init__(
        self,
        database: Database,
        *,
        actor: str,
        holder: str,
        process: str | None = None,
        points: Points = lambda name: None,
        lease_seconds: float = LEASE_SECONDS,
        ticks: Callable[[], float] = leases.ticks,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._actor = actor
        self._holder = holder
        self._process = process
        self._points = points
        self._lease_seconds = lease_seconds
        self._ticks = ticks
        self._sleep = sleep

    def close(self) -> None:
        """Close the connections. The journal may be used again."""
        self._database.dispose()

    def save_plan(self, plan: Plan) -> None:
        """Store a new plan. Saving the same content again changes nothing.

        Raises `PlanRefused` when another plan has that id.
        """
        content = plan.to_json()
        row = _plan_row(plan, content, self._actor)
        self._points("before plan")
        try:
            with self._database.writing() as connection:
                connection.execute(insert(plan_table).values(row))
                self._points("within plan")
        except JournalFailed as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
            if self._row(plan.plan_id).digest != content["digest"]:
                raise PlanRefused(f"the journal has another plan with the id {plan.plan_id}") from None
        self._points("after plan")

    def load_plan(self, plan_id: str) -> tuple[Plan, PlanRecord]:
        row = self._row(plan_id, with_body=True)
        with self._database.reading() as connection:
            record = _record(row, _reverted_by(connection, [plan_id]))
        content = unpack(row.body, f"plan {plan_id}")
        try:
            plan = Plan.from_json(content)  # which proves the digest it states
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise JournalFailed(f"the journal's content of plan {plan_id} is damaged: {error}") from error
        if content["digest"] != record.digest or plan.plan_id != plan_id:
            raise JournalFailed(f"the journal's content of plan {plan_id} is damaged: it is another plan's")
        return plan, record

    def record(self, plan_id: str) -> PlanRecord:
        row = self._row(plan_id)
        with self._database.reading() as connection:
            return _record(row, _reverted_by(connection, [plan_id]))

    def history(self, org_id: str | None = None, limit: int | None = None) -> Sequence[PlanRecord]:
        """Newest first. Bodies are not read: a few hundred bytes a plan."""
        query = select(*RECORD_COLUMNS).order_by(plan_table.c.number.desc()).limit(limit)
        if org_id is not None:
            query = query.where(plan_table.c.org_id == org_id)
        return self._records(query)

    def entries(self, plan_id: str) -> Iterator[Entry]:
        return read_entries(self._database, plan_id)

    def protected(self, org_id: str) -> Mapping[str, str]:
        table = protection_table.c
        query = select(table.address, table.plan_id).where(table.org_id == org_id).order_by(table.address)
        with self._database.reading() as connection:
            if connection is None:
                return {}
            return {row.address: row.plan_id for row in connection.execute(query)}

    def secret_fields(self, org_id: str) -> Sequence[SecretField]:
        table = secret_field_table.c
        query = select(table.address, table.field, table.record_id).where(table.org_id == org_id)
        with self._database.reading() as connection:
            if connection is None:
                return ()
            return [SecretField(*row) for row in connection.execute(query)]

    @contextmanager
    def open_run(
        self, plan: Plan, verb: str, *, allowed: Sequence[PlanStatus], wait_seconds: float = 0.0
    ) -> Iterator[HeldRun]:
        """Take the org's lease and the plan in one transaction, write RUN_STARTED, start the heartbeat.

        Leaving the context gives the lease back; when the store refuses even that, the lease runs
        out by itself within a minute.
        """
        run = self._start_run(plan, verb, allowed, wait_seconds)
        try:
            with beating(run, self._lease_seconds / leases.BEATS_PER_LEASE):
                yield run
        finally:
            with suppress(JournalFailed):
                run.release()

    def unlock(self, lease_id: str) -> None:
        org_id, _, fence = lease_id.rpartition(":")
        with self._database.reading() as connection:
            known = connection is not None
        if not known:
            raise leases.not_the_lease(lease_id, None)
        with self._database.writing() as connection:
            row = leases.lock_row(connection, self._database, org_id)
            if row is None or row.holder is None or str(row.fence) != fence:
                raise leases.not_the_lease(lease_id, row)
            self._force_open(
                connection, row, result="unlocked", remark=f"{self._actor} took the lease of {row.holder}"
            )

    def _force_open(self, connection: Connection, row: Row[Any], *, result: str, remark: str) -> None:
        """Take the lease from its holder, and write into his run that it was."""
        leases.force_open(connection, row)
        append_entry(
            connection,
            row,
            fence=row.fence + 1,
            plan_id=row.plan_id,
            run=last_run(connection, row.plan_id),
            event=Event.RUN_FINISHED,
            body={"result": result, "remark": remark},
        )

    def lease(self, org_id: str) -> Lease | None:
        """None when nobody holds the org, also when its last holder's lease ran out."""
        query = select(lease_table, self._database.now().label("now")).where(lease_table.c.org_id == org_id)
        with self._database.reading() as connection:
            row = None if connection is None else connection.execute(query).first()
        return leases.lease_of(row) if row is not None and leases.is_held(row) else None

    def plans_touching(
        self, org_id: str, addresses: Sequence[str], after: str | None = None
    ) -> Sequence[PlanRecord]:
        """Counts every plan that may have written: finished, partly applied, or left by a dead run."""
        since = 0 if after is None else self._row(after).first_entry
        if since is None:
            return ()
        found: dict[str, tuple[int, PlanRecord]] = {}
        hashes = [address_hash(org_id, address) for address in addresses]
        for start in range(0, len(hashes), ADDRESSES_PER_QUERY):
            query = (
                select(*RECORD_COLUMNS)
                .join(touched_table, touched_table.c.plan_number == plan_table.c.number)
                .where(
                    touched_table.c.address_hash.in_(hashes[start : start + ADDRESSES_PER_QUERY]),
                    plan_table.c.org_id == org_id,
                    plan_table.c.first_entry > since,
                    plan_table.c.status.in_(MAY_HAVE_WRITTEN),
                )
                .distinct()
            )
            with self._database.reading() as connection:
                rows = [] if connection is None else list(connection.execute(query))
                reverted_by = _reverted_by(connection, [row.plan_id for row in rows])
            for row in rows:
                found[row.plan_id] = (row.first_entry, _record(row, reverted_by))
        return [record for _, record in sorted(found.values(), key=lambda each: each[0])]

    def verify_chain(self, noted: Sequence[ChainHead] = ()) -> Sequence[ChainHead]:
        """Walk every org's chain; answers its heads. Raises `JournalFailed` listing what does not fit.

        ``noted`` are heads written down earlier: each must still be on its chain. Reads the whole
        journal, page by page.
        """
        from .audit import verify

        return verify(self._database, noted)

    def _start_run(
        self, plan: Plan, verb: str, allowed: Sequence[PlanStatus], wait_seconds: float
    ) -> HeldRun:
        give_up_at = self._ticks() + wait_seconds
        while True:
            self._points("before lease")
            try:
                return self._take(plan, verb, allowed)
            except LeaseHeld:
                pause = random.uniform(*POLL_SECONDS)  # noqa: S311  jitter, not a secret
                left = give_up_at - self._ticks()
                if left <= 0:
                    raise
                self._sleep(min(pause, left))

    def _take(self, plan: Plan, verb: str, allowed: Sequence[PlanStatus]) -> HeldRun:
        started = self._ticks()
        with self._database.writing() as connection:
            row = leases.locked_row(connection, self._database, plan.org_id)
            stored = _stored_plan(connection, plan)
            status = PlanStatus(stored.status)
            orphaned = leases.is_held(row) and processes.is_dead(row.process)
            held = leases.is_held(row) and not orphaned
            running = status is PlanStatus.APPLYING and held
            if status not in allowed and not running:
                raise _stale(plan.plan_id, status)
            if held:
                raise leases.held(row, plan.org_name)
            _refuse_taken_back(connection, plan.plan_id)
            if orphaned:
                row = self._take_over(connection, row)
            number = last_run(connection, plan.plan_id) + 1
            lease = leases.take(
                connection, row, self._holder, plan.plan_id, self._lease_seconds, process=self._process
            )
            body = {"verb": verb, "digest": stored.digest, "actor": self._actor, "holder": self._holder}
            seq = append_entry(
                connection,
                row,
                fence=lease.fence,
                plan_id=plan.plan_id,
                run=number,
                event=Event.RUN_STARTED,
                body=body,
            )
            _mark_begun(connection, plan, stored, seq, self._actor)
            self._points("within lease")
        self._points("after lease")
        return HeldRun(
            self._database,
            lease,
            number,
            lease_seconds=self._lease_seconds,
            taken_at=started,
            ticks=self._ticks,
            points=self._points,
        )

    def _take_over(self, connection: Connection, row: Row[Any]) -> Row[Any]:
        remark = f"{self._actor} took the lease of {row.holder}, a process of this machine that is dead"
        self._force_open(connection, row, result="taken over", remark=remark)
        return leases.locked_row(connection, self._database, row.org_id)

    def _row(self, plan_id: str, with_body: bool = False) -> Row[Any]:
        columns = [*RECORD_COLUMNS, plan_table.c.body] if with_body else RECORD_COLUMNS
        with self._database.reading() as connection:
            row: Row[Any] | None = None
            known: list[str] = []
            if connection is not None:
                row = connection.execute(select(*columns).where(plan_table.c.plan_id == plan_id)).first()
            if connection is not None and row is None:
                known = _newest_ids(connection)
        if row is None:
            raise _unknown(plan_id, known)
        return row

    def _records(self, query: Select[Any]) -> list[PlanRecord]:
        with self._database.reading() as connection:
            if connection is None:
                return []
            rows = connection.execute(query).all()
            reverted_by = _reverted_by(connection, None)
            return [_record(row, reverted_by) for row in rows]


def _plan_row(plan: Plan, content: Mapping[str, Any], actor: str) -> dict[str, Any]:
    return {
        "plan_id": plan.plan_id,
        "org_id": plan.org_id,
        "org_name": plan.org_name,
        "release": plan.release,
        "reverts": plan.reverts,
        "status": PlanStatus.PLANNED.value,
        "digest": content["digest"],
        "created_at": plan.created_at,
        "expires_at": plan.expires_at,
        "steps": len(plan.steps),
        "actor": actor,
        "body": pack(content),
    }


def _stored_plan(connection: Connection, plan: Plan) -> Row[Any]:
    table = plan_table.c
    query = select(*RECORD_COLUMNS).where(table.plan_id == plan.plan_id).with_for_update()
    stored = connection.execute(query).first()
    if stored is None:
        raise _unknown(plan.plan_id, _newest_ids(connection))
    if stored.digest != plan.digest or stored.org_id != plan.org_id:
        raise PlanRefused(f"plan {plan.plan_id} is not the one of that id in the journal")
    return stored


def _refuse_taken_back(connection: Connection, plan_id: str) -> None:
    """What was taken back, wholly or in part, is not gone on with: its steps are done and hold no more."""
    back = _reverted_by(connection, [plan_id]).get(plan_id)
    if back:
        raise PlanStale(
            Problem(
                f"plan {plan_id} was taken back by plan {', '.join(back)}",
                mend=f"see how far with 'reconcile show {back[-1]}', then make a new plan",
            )
        )


def _mark_begun(connection: Connection, plan: Plan, stored: Row[Any], seq: int, actor: str) -> None:
    """Move the plan to `applying`; with its first run it takes its place in the order of applying."""
    values: dict[str, Any] = {"status": PlanStatus.APPLYING.value, "actor": actor, "finished_at": None}
    if stored.first_entry is None:
        values["first_entry"] = seq
        hashes = {address_hash(plan.org_id, step.address) for step in plan.steps}
        if hashes:
            rows = [{"address_hash": each, "plan_number": stored.number} for each in sorted(hashes)]
            connection.execute(insert(touched_table), rows)
    connection.execute(update(plan_table).where(plan_table.c.plan_id == plan.plan_id).values(values))


def _reverted_by(connection: Connection | None, plan_ids: Sequence[str] | None) -> dict[str, list[str]]:
    """The plans that took back each of ``plan_ids`` (None for all), as far as they ran, oldest first."""
    found: dict[str, list[str]] = {}
    if connection is None:
        return found
    table = plan_table.c
    query = select(table.reverts, table.plan_id).where(
        table.reverts.is_not(None), table.status.in_(MAY_HAVE_WRITTEN)
    )
    if plan_ids is not None:
        query = query.where(table.reverts.in_(plan_ids))
    for row in connection.execute(query.order_by(table.number)):
        found.setdefault(row.reverts, []).append(row.plan_id)
    return found


def _record(row: Row[Any], reverted_by: Mapping[str, Sequence[str]]) -> PlanRecord:
    try:
        status = PlanStatus(row.status)
    except ValueError as error:
        raise JournalFailed(f"the journal's record of plan {row.plan_id} is damaged: {error}") from error
    return PlanRecord(
        plan_id=row.plan_id,
        org_id=row.org_id,
        org_name=row.org_name,
        release=row.release,
        reverts=row.reverts,
        reverted_by=tuple(reverted_by.get(row.plan_id, ())),
        status=status,
        digest=row.digest,
        created_at=row.created_at,
        expires_at=row.expires_at,
        finished_at=row.finished_at,
        steps=row.steps,
        actor=row.actor,
    )


def _newest_ids(connection: Connection) -> list[str]:
    query = select(plan_table.c.plan_id).order_by(plan_table.c.number.desc()).limit(NEAREST_OF_PLANS)
    return list(connection.scalars(query))


def _unknown(plan_id: str, known: Sequence[str]) -> UnknownPlan:
    near = difflib.get_close_matches(plan_id, known, n=1, cutoff=0.5)
    mend = f"did you mean {near[0]!r}?" if near else "see 'reconcile history'"
    return UnknownPlan(Problem(f"the journal has no plan {plan_id!r}", mend=mend))


def _stale(plan_id: str, status: PlanStatus) -> PlanStale:
    why, mend = WHY_STALE[status]
    return PlanStale(Problem(f"plan {plan_id} {why}", mend=mend.replace("{}", plan_id)))
