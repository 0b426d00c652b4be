"""Desired and live state: what the YAML says, what the org says now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .keys import ResourceKey
from .source import SourceRef
from .values import HIDDEN, Secret, Value

EMPTY: frozenset[str] = frozenset()


class Origin(Protocol):
    """The YAML node a resource came from; positions are looked up only when something is printed."""

    @property
    def source(self) -> SourceRef: ...

    def source_of(self, name: str) -> SourceRef:
        """Where the value of ``name`` is written; the resource's own place if it is not."""
        ...

    def key_source(self, name: str) -> SourceRef:
        """Where the word ``name`` itself is written; the resource's own place if it is not."""
        ...


@dataclass(slots=True, eq=False)
class Resource:
    """One thing that must hold. ``fields`` are the owned fields; what is not in it is never written.

    ``fields`` come from the files as text and are typed in place when the kind resolves them
    against the org's describe. ``on_create`` holds what is written only when the row is made:
    defaults that the org demands, `$create_only` fields.
    """

    kind: str
    sobject: str
    key: ResourceKey
    identity: dict[str, Value]
    """The fields whose values find the row; lookups among them are `Ref`s."""
    fields: dict[str, Value]
    origin: Origin
    on_create: dict[str, Value] = field(default_factory=dict)
    absent: bool = False
    protect: bool | None = None
    """`$protect`: True begins a protection that the journal keeps, False ends it, None says nothing."""
    create_only: frozenset[str] = EMPTY
    ignore: frozenset[str] = EMPTY
    depends_on: tuple[str, ...] = ()
    """Addresses or patterns written under `$depends_on`."""
    needs: tuple[ResourceKey, ...] = ()
    """Resources this one cannot do without, by the kind's own rules; only declared ones count."""
    was: Mapping[str, Value] | None = None
    """Former identity: a live row under it is renamed instead of a new one made."""
    budget: "Budget | None" = None
    object_source: SourceRef | None = None
    """Where ``sobject`` is written, if a file names it."""

    @property
    def source(self) -> SourceRef:
        return self.origin.source


@dataclass(frozen=True, slots=True)
class Budget:
    """`$limit`: how many of a group may be changed or removed by one plan."""

    label: str
    source: SourceRef
    count: int | None = None
    percent: float | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """All live members of one owner must be among the declared: `exactly`.

    ``owner`` names the owner as the kind understands it (a permission set, a queue); what is live
    under it and not declared is removed.
    """

    kind: str
    owner: ResourceKey
    identity: Mapping[str, Value]
    """The part of its members' identity that all share: the lookup to the owner."""
    source: SourceRef
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class LiveRow:
    """What the org holds for a key. ``record_id`` is for the wire only and never enters a plan."""

    key: ResourceKey
    record_id: str
    identity: Mapping[str, Value]
    fields: Mapping[str, Value]
    modified: str | None = None
    """LastModifiedDate as the org wrote it, for conditional requests and for naming who did it."""
    modified_by: str | None = None
    secret: frozenset[str] = EMPTY
    """Fields whose values are compared and never stored or shown, see `told`."""

    def told(self, name: str) -> Value:
        """The value as plans, the journal and messages may hold it."""
        value = self.fields[name]
        return HIDDEN if name in self.secret and value is not None and type(value) is not Secret else value

    def all_told(self) -> dict[str, Value]:
        return {name: self.told(name) for name in self.fields} if self.secret else dict(self.fields)


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Everything the files say, in file order. ``digest`` is over the content, not the layout."""

    resources: Sequence[Resource]
    scopes: Sequence[Scope]
    digest: str
    release: str | None = None
    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
