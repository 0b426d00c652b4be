"""What the engine is handed: kinds of resources and an org to talk to."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .describe import ObjectInfo
from .errors import Problem
from .keys import ResourceKey
from .outcome import Outcome
from .plan import Action, Inverse, Step
from .state import LiveRow, Resource, Scope
from .values import Fields

Row = dict[str, Any]
"""One row as the org answers it: JSON values, parents as nested rows, `attributes` included."""

MAX_COLLECTION_RECORDS = 200


@dataclass(frozen=True, slots=True)
class Update:
    """New field values for one row, as JSON. ``unmodified_since`` (an org date-time) makes it conditional."""

    record_id: str
    fields: Mapping[str, Any]
    unmodified_since: str | None = None


class OrgClient(Protocol):
    """An org over its API. Reads may run in parallel; writes go one call at a time.

    Definite, passing refusals (row locks, throttling, 503 with a Salesforce body, an expired session)
    are retried inside. A lost answer to a write is never re-sent: every row of it is `Unknown`.
    """

    name: str
    org_id: str

    @property
    def calls_made(self) -> int: ...

    @property
    def calls_left(self) -> int | None:
        """From the last answer's Sforce-Limit-Info; None before the first."""
        ...

    def describe(self, names: Iterable[str]) -> Mapping[str, ObjectInfo]:
        """Describes by the name asked for; an object the org lacks is absent. Cached on disk."""
        ...

    def refresh(self, names: Iterable[str]) -> Mapping[str, ObjectInfo]:
        """As `describe`, past the cache: for a field the cached describe does not know."""
        ...

    def query(self, queries: Sequence[str]) -> list[list[Row]]:
        """All rows of each query, in order; five queries share one call, pages follow. Raises `OrgError`."""
        ...

    def create(self, sobject: str, records: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        """At most 200 rows, one call, each row on its own. Outcomes in the order sent."""
        ...

    def update(self, sobject: str, records: Sequence[Update]) -> list[Outcome]:
        """As `create`. A single conditional update is refused with ``moved`` if the row changed since."""
        ...

    def delete(self, sobject: str, record_ids: Sequence[str]) -> list[Outcome]:
        """As `create`. A row that is already gone counts as applied."""
        ...


ReadRoutine = Generator[Sequence[str], Sequence[Sequence[Row]], "Found"]
"""Yields queries, is sent their rows, returns what it found. All kinds are pumped together, so that
their queries share calls."""


@dataclass(slots=True)
class Found:
    """Live rows by key, and the members of each exact scope."""

    rows: dict[ResourceKey, LiveRow] = field(default_factory=dict)
    members: dict[ResourceKey, list[ResourceKey]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sending:
    """A step on its way: with the id of the row it changes, None for a create."""

    step: Step
    live: LiveRow | None


class Kind(Protocol):
    """All knowledge of one kind of resource. The engine knows none by name."""

    name: str

    def resolve(self, resources: Sequence[Resource]) -> ReadRoutine:
        """Type the fields in place by the org's describe and check lookups; problems in `Found`."""
        ...

    def read_live(self, wanted: Sequence[Resource], scopes: Sequence[Scope]) -> ReadRoutine:
        """Read the owned fields of ``wanted`` and the members of ``scopes``."""
        ...

    def read_again(self, steps: Sequence[Step]) -> ReadRoutine:
        """Read the fields that ``steps`` touch, for the last look before writing and for settling."""
        ...

    def read_whole(self, keys: Sequence[ResourceKey]) -> ReadRoutine:
        """Read all that is needed to make each row again, before it is deleted."""
        ...

    def steps(self, resource: Resource, live: LiveRow | None, changed: Fields) -> Sequence[Step]:
        """The acts that make ``live`` as ``resource`` says. ``changed``: desired values that differ."""
        ...

    def inverse(self, step: Step) -> Inverse: ...

    def send(self, action: Action, sobject: str, batch: Sequence[Sending]) -> list[Outcome]:
        """Send one API call. At most `MAX_COLLECTION_RECORDS` steps of one action on one sObject."""
        ...
