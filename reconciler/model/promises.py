"""What the engine is handed: kinds of resources and an org to talk to."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from .describe import ObjectInfo
from .errors import Problem
from .keys import ResourceKey
from .outcome import Outcome
from .plan import Action, Inverse, Lane, Step
from .state import LiveRow, Resource, Scope
from .values import Fields, Ref, Value

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

    @property
    def name(self) -> str: ...

    @property
    def org_id(self) -> str: ...

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

    def object_names(self) -> Sequence[str]:
        """The API names of all objects that the user may see. One call, for the mend of a wrong name."""
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


T_co = TypeVar("T_co", covariant=True)
Routine = Generator[Sequence[str], Sequence[Sequence[Row]], T_co]
"""A read that yields queries, is sent their rows and returns what it made of them. The routines of
all kinds are pumped together, so that their queries share calls."""


@dataclass(slots=True)
class Found:
    """Live rows by key, and the live members of each exact scope by its owner."""

    rows: dict[ResourceKey, LiveRow] = field(default_factory=dict)
    members: dict[ResourceKey, list[LiveRow]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sending:
    """A step on its way: with the row it changes, None for a create."""

    step: Step
    live: LiveRow | None


@dataclass(frozen=True, slots=True)
class AccessChange:
    """Somebody gains or loses something by a step."""

    who: str
    what: str
    gains: bool


class Lookups(Protocol):
    """Natural keys to record ids, remembered for the length of a run."""

    def find(self, refs: Iterable[Ref]) -> Routine[None]:
        """Look up the ``refs`` not known yet. Afterwards `id_of` answers for those that exist."""
        ...

    def id_of(self, ref: Ref) -> str | None: ...

    def near(self, refs: Mapping[Ref, Sequence[str]]) -> Routine[Mapping[Ref, str]]:
        """The names that missing ``refs`` were probably meant to have, where rows are named by one text.

        With each ref go further names that there will be. Costs a query an object.
        """
        ...

    def name_ids(self, record_ids: Iterable[str]) -> Routine[None]:
        """Find the natural keys of rows known by id; `named` answers for them afterwards."""
        ...

    def named(self, record_id: str, sobject: str) -> Ref: ...

    def rename(self, former: Ref, now: Ref) -> None:
        """From here on both keys mean one row, whichever of them it bears."""
        ...

    def learn(self, ref: Ref, record_id: str) -> None:
        """Remember a row that was just made."""
        ...


class Kind(Protocol):
    """All knowledge of one kind of resource. The engine knows none by name."""

    @property
    def name(self) -> str: ...

    @property
    def lane(self) -> Lane: ...

    @property
    def deletes(self) -> bool:
        """Whether `$absent` deletes the row; where it cannot, the fields of the resource say what is left."""
        ...

    def sobjects(self, resources: Sequence[Resource]) -> set[str]:
        """Objects whose describes `resolve` will ask for, so that they are fetched together."""
        ...

    def resolve(self, resources: Sequence[Resource]) -> list[Problem]:
        """Type the fields in place by the org's describe."""
        ...

    def read_live(self, wanted: Sequence[Resource], scopes: Sequence[Scope]) -> Routine[Found]:
        """Read the owned fields of ``wanted`` and the members of ``scopes``."""
        ...

    def read_again(self, steps: Sequence[Step]) -> Routine[Found]:
        """Read the fields that ``steps`` touch, for the last look before writing and for settling."""
        ...

    def read_whole(self, rows: Sequence[LiveRow], sobject: str) -> Routine[Found]:
        """Read all that is needed to make each row again, before it is deleted."""
        ...

    def changes(self, resource: Resource, live: LiveRow) -> dict[str, Value]:
        """The desired values that are not live, in field order."""
        ...

    def remarks(self, resource: Resource, live: LiveRow) -> Iterable[str]:
        """What an operator should know of a live row, although nothing of it is owned."""
        ...

    def creation_defaults(self, resources: Sequence[Resource]) -> Routine[None]:
        """Fill `on_create` of rows that will be made with what the org demands and the files leave out."""
        ...

    def check(self, resource: Resource, live: LiveRow | None, changed: Fields) -> list[Problem]:
        """Why this change cannot be made: unwritable fields, fields that the org demands."""
        ...

    def inverse(self, step: Step) -> Inverse: ...

    def side_effects(self, step: Step) -> tuple[str, ...]: ...

    def provides(self, step: Step) -> Iterable[Ref]:
        """Rows that Salesforce makes along with the row of a create, by the keys that look-ups use."""
        ...

    def readies(self, step: Step) -> bool:
        """Whether an update makes its row fit to be named: rows of other kinds that name it come after it."""
        ...

    def is_repeatable(self, step: Step) -> bool:
        """Whether sending ``step`` twice has the effect of sending it once: no second row can come of it."""
        ...

    def can_wait(self, sobject: str, field_name: str) -> bool:
        """Whether a lookup may be left empty on create and filled by a later update."""
        ...

    def access(self, step: Step) -> Iterable[AccessChange]: ...

    def send(self, action: Action, sobject: str, batch: Sequence[Sending]) -> list[Outcome]:
        """Send one API call. At most `MAX_COLLECTION_RECORDS` steps of one action on one sObject."""
        ...
