"""What an org was told to ask of a row, beside its types and its object's own rules.

Lookup filters and duplicate rules come from the org's components; locks of rows and an enforced storage from
its facts. Which objects are asked anything is worked out once and holds until a component, the schema or a
fact changes, so that an object without guards costs a look into a dictionary.

The order is Salesforce's: locks, then filters among the system's validation, then duplicates, then storage.

Source: Apex Developer Guide, "Triggers and Order of Execution".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from . import locks, storage

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from ..tables import Table
    from ..writes import Transaction

ANY = (
    "SELECT 1 FROM _components WHERE type = 'DuplicateRule' "
    "UNION ALL SELECT 1 FROM _components WHERE type = 'CustomField' "
    "AND instr(xml, CAST('lookupFilter' AS BLOB)) LIMIT 1"
)
FACTS = (locks.FACT, storage.FACT)


@dataclass(frozen=True)
class Asked:
    """What a call says of duplicates, and the version that addresses in its answer have."""

    allow_save: bool = False
    details: bool = False
    as_user: bool = False
    version: str = "64.0"


class Guard(Protocol):
    """Refuses a row by raising `ApiError`."""

    def check(
        self,
        tx: "Transaction",
        table: "Table",
        number: int | None,
        new: Mapping[str, Any],
        old: Mapping[str, Any],
    ) -> None:
        """``number`` is None and ``old`` empty for a new row; ``new`` is the whole row as it shall be."""


@dataclass(frozen=True)
class Guards:
    by_object: Mapping[str, tuple[Guard, ...]] = field(default_factory=dict)
    locked: locks.Locked | None = None
    stored: storage.Storage | None = None

    def of(self, table: "Table") -> tuple[Guard, ...]:
        """What new and changed rows of an object are asked."""
        own = self.by_object.get(table.name, ())
        return (*own, self.stored) if self.stored and not table.sobject.setup else own


NONE = Guards()
_made: "WeakKeyDictionary[EmulatedOrg, tuple[Any, Guards]]" = WeakKeyDictionary()


def guards_of(org: "EmulatedOrg") -> Guards:
    """The guards as components and facts are now."""
    key = (org.components.stamp, org.schema.version, *map(org.find_fact, FACTS))
    known = _made.get(org)
    if known is None or known[0] != key:
        known = _made[org] = (key, _make(org))
    return known[1]


def _make(org: "EmulatedOrg") -> Guards:
    locked, stored = locks.read(org), storage.read(org)
    if not org.store.execute(ANY):
        return Guards({}, locked, stored) if locked or stored else NONE
    from . import duplicates, lookup_filters  # few orgs have any

    found: dict[str, list[Guard]] = {}
    for owner, lookup_filter in lookup_filters.read(org):
        found.setdefault(owner, []).append(lookup_filter)
    for owner, rule in duplicates.read(org):
        found.setdefault(owner, []).append(rule)
    return Guards({name: tuple(guards) for name, guards in found.items()}, locked, stored)
