"""The lease: one row an org, and a fence that rises with every holder.

Taking it is one conditional write. It ends by being given back or by running out, on the journal's
clock; a heartbeat keeps a living holder's from running out. Of a holder that is certainly dead (see
`processes`) it is taken over at once. A holder that was frozen meanwhile
finds out twice: `Run.guard` compares the time since the last renewal before each call, and every
write of an entry reads the fence in its own transaction.

What remains open is the moment between the guard and the sending; it is closed by the org alone
(an upsert on a unique external id) or by reading back.
"""

import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from reconciler.model.errors import LeaseHeld, LeaseLost, PlanRefused, Problem
from reconciler.model.journal import Lease

from .chain import START
from .database import Database
from .tables import lease_table

LEASE_SECONDS = 60.0
BEATS_PER_LEASE = 3


def ticks() -> float:
    """Seconds that pass also while the machine sleeps, which `time.monotonic` does not count on Linux."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def lock_row(connection: Connection, database: Database, org_id: str) -> Row[Any] | None:
    """The org's lease row and the time (`now`), locked until the transaction ends."""
    query = select(lease_table, database.now().label("now")).where(lease_table.c.org_id == org_id)
    return connection.execute(query.with_for_update(of=lease_table)).first()


def locked_row(connection: Connection, database: Database, org_id: str) -> Row[Any]:
    """The same, made when the org is new."""
    if row := lock_row(connection, database, org_id):
        return row
    _make_row(connection, database, org_id)
    row = lock_row(connection, database, org_id)
    assert row is not None
    return row


def _make_row(connection: Connection, database: Database, org_id: str) -> None:
    values = {
        "org_id": org_id,
        "fence": 0,
        "acquired_at": 0.0,
        "expires_at": 0.0,
        "chain_size": 0,
        "chain_head": START,
    }
    if database.is_sqlite:
        connection.execute(insert(lease_table).values(values))
        return
    from sqlalchemy.dialects.postgresql import insert as insert_unless_there

    connection.execute(insert_unless_there(lease_table).values(values).on_conflict_do_nothing())


def is_held(row: Row[Any]) -> bool:
    return row.holder is not None and row.expires_at > row.now


def take(
    connection: Connection,
    row: Row[Any],
    holder: str,
    plan_id: str,
    seconds: float,
    *,
    process: str | None = None,
) -> Lease:
    """Give the org to ``holder`` under the next fence. ``row`` is locked and not held."""
    lease = Lease(row.org_id, holder, row.fence + 1, plan_id, row.now + seconds)
    connection.execute(
        update(lease_table)
        .where(lease_table.c.org_id == row.org_id)
        .values(
            holder=holder,
            fence=lease.fence,
            plan_id=plan_id,
            acquired_at=row.now,
            expires_at=lease.expires_at,
            process=process,
        )
    )
    return lease


def still_held(connection: Connection, database: Database, lease: Lease) -> Row[Any]:
    """The locked row of ``lease``. Raises `LeaseLost` when its fence has risen or it was given back."""
    row = lock_row(connection, database, lease.org_id)
    if row is None or row.fence != lease.fence or row.holder is None:
        raise lost(lease, None if row is None else row)
    return row


def extend(connection: Connection, row: Row[Any], seconds: float) -> None:
    """Let the lease run for ``seconds`` from now, unless it runs longer already."""
    connection.execute(
        update(lease_table)
        .where(lease_table.c.org_id == row.org_id)
        .values(expires_at=max(row.expires_at, row.now + seconds))
    )


def release(connection: Connection, lease: Lease) -> None:
    """Give the lease back, if it is still ours."""
    connection.execute(
        update(lease_table)
        .where(lease_table.c.org_id == lease.org_id, lease_table.c.fence == lease.fence)
        .values(holder=None)
    )


def force_open(connection: Connection, row: Row[Any]) -> None:
    """Take the lease from its holder; the fence rises, so the holder can write nothing more."""
    connection.execute(
        update(lease_table).where(lease_table.c.org_id == row.org_id).values(holder=None, fence=row.fence + 1)
    )


def lease_of(row: Row[Any]) -> Lease:
    return Lease(row.org_id, row.holder, row.fence, row.plan_id, row.expires_at)


def held(row: Row[Any], org_name: str) -> LeaseHeld:
    lease = lease_of(row)
    return LeaseHeld(
        Problem(
            f"org {org_name} is held by {lease.holder} for plan {lease.plan_id}, "
            f"since {iso(row.acquired_at)} and until {iso(lease.expires_at)} unless renewed",
            mend=f"wait with --lock-timeout; if that process is dead: reconcile unlock {lease.lease_id}",
        )
    )


def lost(lease: Lease, row: Row[Any] | None = None) -> LeaseLost:
    taken = (
        "" if row is None or row.holder is None else f"; {row.holder} holds it now, for plan {row.plan_id}"
    )
    return LeaseLost(
        Problem(
            f"plan {lease.plan_id}: the lease {lease.lease_id} is lost{taken}",
            mend=f"nothing more was sent; look with 'reconcile show {lease.plan_id}', "
            f"then 'reconcile resume {lease.plan_id}'",
        )
    )


def not_the_lease(lease_id: str, row: Row[Any] | None) -> PlanRefused:
    if row is None or row.holder is None:
        return PlanRefused(f"no lease {lease_id}: nobody holds that org")
    current = lease_of(row)
    return PlanRefused(
        Problem(
            f"no lease {lease_id}: the org is held by {current.holder} for plan {current.plan_id}",
            mend=f"if that process is dead: reconcile unlock {current.lease_id}",
        )
    )
