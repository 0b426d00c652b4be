"""What happens in an org by itself as time passes: nobody asks for it, the next call finds it done.

Assignments expire, permission set groups are calculated anew, deployments and bulk jobs go on. `Due`
notes when each is next, so that a call for which nothing is due costs microseconds; the notes are
made anew from the store, whoever wrote to it.
"""

import logging
import sqlite3
from typing import TYPE_CHECKING

from .access.rights import version
from .disk import is_trouble
from .metadata.delays import delay

if TYPE_CHECKING:
    from .org import EmulatedOrg

log = logging.getLogger(__name__)

JOBS_DUE = "bulk_jobs_due"
"""The fact that says when the next bulk job goes on, in milliseconds; empty while none waits."""


class Due:
    """When the next thing happens by itself in an org, and letting it happen."""

    def __init__(self, org: "EmulatedOrg") -> None:
        self._org = org
        self._next_expiry: int | None = None
        self._updating_at: int | None = None
        self._recalculated_at: int | None = None
        self._deploying = False
        self._rights: int | None = None

    def watch_all(self) -> None:
        """Note anew what the store says."""
        self.watch_expiry()
        self.watch_groups()
        self.watch_deployments()

    def watch_expiry(self) -> None:
        """Note when the next assignment expires."""
        (row,) = self._org.store.execute(
            'SELECT min("ExpirationDate") FROM "PermissionSetAssignment" WHERE "IsActive" = 1'
        )
        self._next_expiry = row[0]

    def watch_groups(self) -> None:
        """Note when permission set groups that changed are calculated anew; half-way they are Updating."""
        outdated = self._org.store.execute(
            "SELECT 1 FROM \"PermissionSetGroup\" WHERE \"Status\" IN ('Outdated', 'Updating') LIMIT 1"
        )
        now, takes = self._org.clock.now_ms(), delay(self._org, "recalculation_ms")
        self._rights = version(self._org.store)
        self._recalculated_at = now + takes if outdated else None
        self._updating_at = now + takes // 2 if outdated else None

    def watch_deployments(self) -> None:
        """Note whether a deployment is not done; how long it takes is asked when something happens."""
        self._deploying = self._org.jobs.any_waiting()

    def copy_for(self, twin: "EmulatedOrg") -> "Due":
        """The same notes for a copy of the org."""
        made = Due(twin)
        made._next_expiry = self._next_expiry
        made._updating_at, made._recalculated_at = self._updating_at, self._recalculated_at
        made._deploying, made._rights = self._deploying, self._rights
        return made

    def happen(self) -> None:
        """Let happen what time brings. What the disk does not let happen now is left for later."""
        if self._recalculated_at is None and self._rights != version(self._org.store):
            self.watch_groups()
        jobs = self._org.find_fact(JOBS_DUE)
        if self._next_expiry is None and self._recalculated_at is None and not jobs and not self._deploying:
            return
        store = self._org.store
        with store.lock:
            inside = store.in_transaction
        try:
            self._happen(jobs)
        except sqlite3.Error as error:
            if inside or not is_trouble(error):
                raise
            log.warning("what is due waits: %s", error)

    def _happen(self, jobs: str | None) -> None:
        now = self._org.clock.now_ms()
        if self._deploying:
            self._deploy()
        if jobs and int(jobs) <= now:
            from .bulk.work import advance_some

            advance_some(self._org)
        if self._next_expiry is not None and self._next_expiry <= now:
            self._expire(now)
        if self._recalculated_at is not None:
            self._recalculate(now, self._recalculated_at)

    def _deploy(self) -> None:
        """Let deployments go on, unless a transaction is open: what it reads must not change under it."""
        from .metadata import deployments

        with self._org.store.lock:
            if not self._org.store.in_transaction:
                self._deploying = False  # what a deployment asks must not begin it again
                try:
                    deployments.advance(self._org)
                finally:
                    self.watch_deployments()

    def _expire(self, now: int) -> None:
        self._org.store.execute(
            'UPDATE "PermissionSetAssignment" SET "IsActive" = 0 WHERE "ExpirationDate" <= ?', (now,)
        )
        self.watch_expiry()

    def _recalculate(self, now: int, done: int) -> None:
        """Permission set groups are Outdated, then Updating, then Updated."""
        if done <= now:
            self._set_groups("Updated")
            self._recalculated_at = self._updating_at = None
        elif self._updating_at is not None and self._updating_at <= now:
            self._set_groups("Updating")
            self._updating_at = None

    def _set_groups(self, status: str) -> None:
        sql = 'UPDATE "PermissionSetGroup" SET "Status" = ? WHERE "Status" IN (\'Outdated\', \'Updating\')'
        self._org.store.execute(sql, (status,))
