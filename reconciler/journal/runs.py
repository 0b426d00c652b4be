"""A run that holds the lease: appends, guards its calls, keeps its heart beating.

Every append is one transaction: lock the lease row, compare the fence, write the entry, move the
chain's head, renew the lease. It is on disk when it returns, which costs one sync.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from reconciler.model.errors import JournalFailed, LeaseLost
from reconciler.model.journal import Event, Lease, PlanStatus, SecretField

from . import leases
from .database import Database
from .entries import append_entry
from .tables import plan_table, protection_table, secret_field_table

Points = Callable[[str], None]
"""Told the name of each point at which the process may die; see `opening.open_journal`."""


class HeldRun:
    """The `Run` of the journal. Its methods may be called from several threads."""

    def __init__(
        self,
        database: Database,
        lease: Lease,
        number: int,
        *,
        lease_seconds: float,
        taken_at: float,
        ticks: Callable[[], float],
        points: Points,
    ) -> None:
        self.plan_id = lease.plan_id
        self._database = database
        self._lease = lease
        self._number = number
        self._lease_seconds = lease_seconds
        self._ticks = ticks
        self._points = points
        self._deadline = taken_at + lease_seconds
        self._lock = threading.Lock()

    def append(
        self,
        event: Event,
        body: Mapping[str, Any],
        *,
        remember: Sequence[SecretField] = (),
        forget: Sequence[SecretField] = (),
    ) -> int:
        self._points(f"before {event.value}")
        with self._renewing(self._lease_seconds) as (connection, row):
            seq = self._write(connection, row, event, body)
            _forget(connection, self._lease.org_id, [*forget, *remember])
            _remember(connection, self._lease.org_id, remember, self.plan_id)
            self._points(f"within {event.value}")
        self._points(f"after {event.value}")
        return seq

    def guard(self, seconds: float) -> None:
        """Raise `LeaseLost` unless the lease outlives a call of ``seconds``.

        Costs nothing while it does; otherwise one write, which makes the lease last for the call
        and a third of a normal lease on top.
        """
        if self._outlives(seconds):
            return
        with self._renewing(seconds + self._lease_seconds / leases.BEATS_PER_LEASE):
            pass
        if not self._outlives(seconds):
            raise leases.lost(self._lease)

    def finish(
        self,
        status: PlanStatus,
        *,
        remark: str = "",
        protects: Sequence[str] = (),
        unprotects: Sequence[str] = (),
    ) -> None:
        self._points("before finish")
        with self._renewing(self._lease_seconds) as (connection, row):
            self._write(connection, row, Event.RUN_FINISHED, {"result": status.value, "remark": remark})
            connection.execute(
                update(plan_table)
                .where(plan_table.c.plan_id == self.plan_id)
                .values(status=status.value, finished_at=leases.iso(row.now))
            )
            _unprotect(connection, self._lease.org_id, unprotects)
            _protect(connection, self._lease.org_id, protects, self.plan_id)
            self._points("within finish")
        self._points("after finish")

    def renew(self) -> None:
        """One heartbeat."""
        with self._renewing(self._lease_seconds):
            pass

    def release(self) -> None:
        self._points("before release")
        with self._database.writing() as connection:
            leases.release(connection, self._lease)
        self._points("after release")

    @contextmanager
    def _renewing(self, seconds: float) -> Iterator[tuple[Connection, Row[Any]]]:
        """A write under our fence, which renews the lease for ``seconds``. Raises `LeaseLost`."""
        started = self._ticks()
        seconds = max(seconds, self._lease_seconds)
        with self._database.writing() as connection:
            row = leases.still_held(connection, self._database, self._lease)
            yield connection, row
            leases.extend(connection, row, seconds)
        with self._lock:
            self._deadline = max(self._deadline, started + seconds)

    def _write(self, connection: Connection, row: Row[Any], event: Event, body: Mapping[str, Any]) -> int:
        return append_entry(
            connection,
            row,
            fence=self._lease.fence,
            plan_id=self.plan_id,
            run=self._number,
            event=event,
            body=body,
        )

    def _outlives(self, seconds: float) -> bool:
        with self._lock:
            return self._ticks() + seconds < self._deadline


@contextmanager
def beating(run: HeldRun, every_seconds: float) -> Iterator[None]:
    """Renew the lease of ``run`` in a thread of its own, on a connection of its own.

    A beat that the store refuses is tried again at the next; when none gets through, `guard` tells.
    """
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(every_seconds):
            try:
                run.renew()
            except JournalFailed:
                continue
            except LeaseLost:
                return

    thread = threading.Thread(target=beat, name=f"heartbeat of {run.plan_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _protect(connection: Connection, org_id: str, addresses: Sequence[str], plan_id: str) -> None:
    """An address that is protected already keeps the plan that protected it first."""
    table = protection_table.c
    there = set(connection.scalars(select(table.address).where(table.org_id == org_id)))
    rows = [
        {"org_id": org_id, "address": address, "plan_id": plan_id}
        for address in dict.fromkeys(addresses)
        if address not in there
    ]
    if rows:
        connection.execute(insert(protection_table), rows)


def _unprotect(connection: Connection, org_id: str, addresses: Sequence[str]) -> None:
    table = protection_table.c
    for address in addresses:
        connection.execute(delete(protection_table).where(table.org_id == org_id, table.address == address))


def _remember(connection: Connection, org_id: str, fields: Sequence[SecretField], plan_id: str) -> None:
    rows = {
        (each.address, each.field): {
            "org_id": org_id,
            "address": each.address,
            "field": each.field,
            "record_id": each.record_id,
            "plan_id": plan_id,
        }
        for each in fields
    }
    if rows:
        connection.execute(insert(secret_field_table), list(rows.values()))


def _forget(connection: Connection, org_id: str, fields: Sequence[SecretField]) -> None:
    table = secret_field_table.c
    for each in fields:
        connection.execute(
            delete(secret_field_table).where(
                table.org_id == org_id, table.address == each.address, table.field == each.field
            )
        )
