"""What the journal holds, as values: stored plans, entries, leases.

An entry is written once and never changed. One entry covers the steps of one API call: the
intent, with every inverse, before the call leaves; the outcome after.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from .plan import Plan


class Event(StrEnum):
    """What an entry says of its steps. Bodies are JSON objects; `steps` lists step numbers in the plan.

    RUN_STARTED    ``{"verb": "apply"|"resume"}``
    INTENDED       ``{"call", "steps", "inverses"}``: about to be sent; inverses as step JSON or null
    OUTCOME        ``{"call", "steps", "outcomes"}``: what the answer said, row by row
    SETTLED        ``{"call", "steps", "outcomes"}``: what looking at the org said after a lost answer
    SKIPPED        ``{"steps", "because"}``: not sent; `because` holds the failed step's number, per step
    RUN_FINISHED   ``{"result", "remark"}``
    """

    RUN_STARTED = "run_started"
    INTENDED = "intended"
    OUTCOME = "outcome"
    SETTLED = "settled"
    SKIPPED = "skipped"
    RUN_FINISHED = "run_finished"


class PlanStatus(StrEnum):
    """`planned` may be applied; `applying` is held by a run or was left by a dead one; the rest are ends."""

    PLANNED = "planned"
    APPLYING = "applying"
    PARTLY = "partly"
    APPLIED = "applied"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Entry:
    seq: int
    plan_id: str
    run: int
    event: Event
    at: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SecretField:
    """A field of a row that was written from a secret: its value is not for plans, journal or output.

    The row is known by its address, and by its id, because another state may find it by another key.
    """

    address: str
    field: str
    record_id: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to change one org. ``fence`` rises with every holder; an older fence can write nothing."""

    org_id: str
    holder: str
    fence: int
    plan_id: str
    expires_at: float
    """Seconds since the epoch by the journal's clock."""

    @property
    def lease_id(self) -> str:
        return f"{self.org_id}:{self.fence}"


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """One line of history. ``steps`` counts them; ``actor`` is who made the last run, or the plan."""

    plan_id: str
    org_id: str
    org_name: str
    release: str | None
    reverts: str | None
    reverted_by: tuple[str, ...]
    status: PlanStatus
    digest: str
    created_at: str
    expires_at: str
    finished_at: str | None
    steps: int
    actor: str


class Run(Protocol):
    """A run that holds the lease. Every write re-reads the fence and is on disk when it returns.

    Raises `LeaseLost` when somebody else holds the org now, `JournalFailed` when the store refuses.
    """

    plan_id: str

    def append(
        self,
        event: Event,
        body: Mapping[str, Any],
        *,
        remember: Sequence[SecretField] = (),
        forget: Sequence[SecretField] = (),
    ) -> int:
        """Write one entry, and in the same transaction which fields hold secrets from here on."""
        ...

    def guard(self, seconds: float) -> None:
        """Raise `LeaseLost` unless the lease outlives a call of ``seconds``; renews it in time."""
        ...

    def finish(
        self,
        status: PlanStatus,
        *,
        remark: str = "",
        protects: Sequence[str] = (),
        unprotects: Sequence[str] = (),
    ) -> None:
        """Write RUN_FINISHED, the plan's status and the protections in one transaction."""
        ...


class Journal(Protocol):
    """Plans, entries, leases and protections of all orgs. Opening it costs nothing until it is used."""

    def save_plan(self, plan: Plan) -> None: ...

    def load_plan(self, plan_id: str) -> tuple[Plan, PlanRecord]:
        """Raises `UnknownPlan`; `JournalFailed` for damaged content."""
        ...

    def record(self, plan_id: str) -> PlanRecord: ...

    def history(self, org_id: str | None = None, limit: int | None = None) -> Sequence[PlanRecord]:
        """Newest first."""
        ...

    def entries(self, plan_id: str) -> Iterator[Entry]:
        """In the order they were written."""
        ...

    def protected(self, org_id: str) -> Mapping[str, str]:
        """Protected addresses and the plan that protected each."""
        ...

    def secret_fields(self, org_id: str) -> Sequence[SecretField]:
        """Fields that were written from secrets and hold nothing else since."""
        ...

    def open_run(
        self, plan: Plan, verb: str, *, allowed: Sequence[PlanStatus], wait_seconds: float = 0.0
    ) -> AbstractContextManager[Run]:
        """Take the org's lease and the plan in one transaction, and start the heartbeat.

        ``allowed`` are the statuses the plan may be in: `planned` for an apply (single use), `applying`
        and `partly` for a resume. Raises `LeaseHeld` (with holder, since when, expiry and the lease
        id for `unlock`), `PlanStale` when the plan's status is another. Leaving the context releases
        the lease; a killed process leaves it to expire, or to be taken over on the same machine.
        """
        ...

    def unlock(self, lease_id: str) -> None:
        """Give a dead holder's lease back and raise the fence. Raises `PlanRefused` for another id."""
        ...

    def lease(self, org_id: str) -> Lease | None: ...

    def plans_touching(
        self, org_id: str, addresses: Sequence[str], after: str | None = None
    ) -> Sequence[PlanRecord]:
        """Plans applied (after plan ``after``) with a step on one of ``addresses``, oldest first."""
        ...
