"""From the nodes of a state file to resources, offline: what every section shares.

A section's module reads its own words and adds `Resource`s and `Scope`s to a `Declarations`. Keys
that begin with `$` speak to `reconcile` and mean the same everywhere; every other key that is not a
word of the kind is a Salesforce field and is typed later, against the org's describe.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from reconciler.model.errors import Problem
from reconciler.model.keys import ResourceKey
from reconciler.model.source import SourceRef, Written
from reconciler.model.state import EMPTY, Budget, Origin, Resource, Scope
from reconciler.model.values import Value
from reconciler.spec.json_schema import dollar_keys
from reconciler.spec.nodes import MapNode, is_null
from reconciler.spec.typed import (
    as_bool,
    as_text,
    as_texts,
    check_key,
    describe_value,
    strange_letters,
    suggestion,
)

DOLLAR_KEYS = (
    "$depends_on", "$absent", "$protect", "$create_only", "$ignore", "$limit", "$was",
)  # fmt: skip
SALESFORCE_NAME = re.compile(r"[A-Z][A-Za-z0-9_]*\Z|[A-Za-z][A-Za-z0-9_]*__[a-z]{1,3}\Z")
FIELD_PATTERN = r"^([A-Z][A-Za-z0-9_]*|[A-Za-z][A-Za-z0-9_]*__[a-z]{1,3})$"
"""`SALESFORCE_NAME` as JSON Schema writes it."""


@dataclass(slots=True)
class Declarations:
    """What the files declare, as it is read. All problems are gathered; none is raised here."""

    resources: list[Resource] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    root: Path = Path()
    """Where record files may be."""
    record_files: dict[str, str] = field(default_factory=dict)
    """Digest of the rows of each file that a state reads records from, by object and path."""
    perhaps: bool = False
    """What is read stands under a `$when` that cannot be decided without an org: another resource for
    the same key may be the alternative to it."""
    _by_key: dict[ResourceKey, Resource] = field(default_factory=dict)
    _former: dict[tuple[str, ...], Resource] = field(default_factory=dict)

    def add(self, resource: Resource) -> None:
        """Add one resource. Two for one key are an error naming both."""
        other = self._taken(resource.key, resource)
        if other is not None:
            self.problem(
                f"{resource.key.address} is declared twice, first at {other.source}",
                resource.source,
                "keep one of the two",
            )
        elif resource.was is not None and not self.perhaps:
            self._add_former(resource, resource.was)

    def _add_former(self, resource: Resource, was: Mapping[str, Value]) -> None:
        token = (resource.sobject, *(str(value).casefold() for value in was.values()))
        other = self._former.setdefault(token, resource)
        if other is not resource:
            self.problem(
                f"{resource.key.address} and {other.key.address} at {other.source} have one former key",
                resource.origin.source_of("$was"),
                "take out one of the two: a row can be renamed once",
            )

    def merge(self, resource: Resource) -> None:
        """Add a resource that two sides may declare: what one leaves open, the other says."""
        other = self._taken(fold_key(resource.key), resource)
        if other is None:
            return
        if other.absent != resource.absent:
            self.problem(
                f"{resource.key.address} is both there and not there: see {other.source}",
                resource.source,
                "keep one of the two",
            )
            return
        if not other.fields:
            other.origin = resource.origin
        for name, value in resource.fields.items():
            if other.fields.setdefault(name, value) != value:
                self.problem(
                    f"{name} of {resource.key.address} is '{value}' here and "
                    f"'{other.fields[name]}' at {other.source}",
                    resource.source,
                    "keep one of the two",
                )

    @property
    def certain(self) -> Sequence[Resource]:
        """Without those under a `$when` that cannot be decided: alternatives do not stand on each other."""
        return list(self._by_key.values())

    def _taken(self, key: ResourceKey, resource: Resource) -> Resource | None:
        """The resource that has the key already; None where there is none, and this one has it now."""
        if self.perhaps or getattr(resource.origin, "conditional", False):
            self.resources.append(resource)
            return None
        other = self._by_key.setdefault(key, resource)
        if other is not resource:
            return other
        self.resources.append(resource)
        return None

    def problem(self, what: str, where: SourceRef, mend: str) -> None:
        self.problems.append(Problem(what, where, mend))


def fold_key(key: ResourceKey) -> ResourceKey:
    """The form under which the names of users and setup rows are one."""
    return ResourceKey(key.type, tuple(part.casefold() for part in key.name))


class Place:
    """A position that is no node of its own, such as an item of a list."""

    __slots__ = ("source",)

    def __init__(self, source: SourceRef) -> None:
        self.source = source

    def source_of(self, name: str) -> SourceRef:
        return self.source

    key_source = source_of


@dataclass(slots=True)
class Common:
    """What the `$`-keys of one resource say."""

    absent: bool = False
    protect: bool | None = None
    create_only: frozenset[str] = EMPTY
    ignore: frozenset[str] = EMPTY
    depends_on: tuple[str, ...] = ()
    was: Any = None
    budget: Budget | None = None


NOTHING_SAID = Common()


def read_common(node: MapNode, into: Declarations, label: str) -> Common:
    """The `$`-keys of ``node``; most rows have none and share one value."""
    said = [key for key in node if key.startswith("$")]
    if not said:
        return NOTHING_SAID
    common = Common()
    for key in said:
        value, where = node[key], node.value_source(key)
        if key == "$absent":
            common.absent = bool(as_bool(value, where, f"'{key}'", into.problems))
        elif key == "$protect":
            common.protect = bool(as_bool(value, where, f"'{key}'", into.problems))
        elif key == "$create_only":
            common.create_only = frozenset(_texts(value, key, where, into))
        elif key == "$ignore":
            common.ignore = frozenset(_texts(value, key, where, into))
        elif key == "$depends_on":
            common.depends_on = tuple(_texts(value, key, where, into))
        elif key == "$limit":
            common.budget = read_budget(value, label, where, into)
        elif key == "$was":
            common.was = value
        else:
            unknown_key(key, DOLLAR_KEYS, label, node.key_source(key), into)
    return common


def read_budget(value: Any, label: str, where: SourceRef, into: Declarations) -> Budget | None:
    """`$limit: 5` rows, or `$limit: 10%` of what is there."""
    match = (
        re.fullmatch(r"(\d+(?:\.\d+)?)(\s*%)?", str(value).strip()) if isinstance(value, str | int) else None
    )
    if match is None or (match[2] is None and "." in match[1]):
        found = describe_value(value)
        into.problem(f"$limit must be a count or a percentage, found {found}", where, "write 5 or 10%")
        return None
    if match[2] and float(match[1]) > 100:
        into.problem(f"$limit cannot be more than 100%, found {value}", where, "write 100% or less")
        return None
    if match[2]:
        return Budget(label, where, percent=float(match[1]))
    return Budget(label, where, count=int(match[1]))


def read_former(common: Common, body: MapNode, name: str, into: Declarations) -> str | None:
    """`$was` of a row with a key of one text; None where it says nothing, or a problem."""
    if common.was is None:
        return None
    where = body.value_source("$was")
    former = as_text(common.was, where, "'$was'", into.problems)
    if former is None:
        return None
    if former == name or not former.strip():
        into.problem(f"'$was' must name the former key, found '{former}'", where, "take it out")
        return None
    return former


def refuse_former(common: Common, body: MapNode, label: str, into: Declarations) -> None:
    """For kinds whose rows are never renamed."""
    if common.was is not None:
        into.problem(
            f"'$was' cannot stand on {label}", body.key_source("$was"), "take it out: its key cannot change"
        )


def _texts(value: Any, key: str, where: SourceRef, into: Declarations) -> list[Written]:
    """A list of texts; one text stands for a list of one."""
    texts = as_texts(value, where, f"'{key}'", into.problems) or ()
    return [Written.at(text, place) for text, place in texts]


def unknown_key(key: str, known: Collection[str], label: str, where: SourceRef, into: Declarations) -> None:
    into.problem(f"unknown key '{key}' in {label}", where, suggestion(key, known))


def split_body(
    node: MapNode, words: Collection[str], label: str, into: Declarations
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The kind's own words and the Salesforce fields of a resource; `$`-keys belong to neither."""
    said: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    for key, value in node.items():
        if key in words:
            said[key] = value
        elif key.startswith("$"):
            continue
        elif SALESFORCE_NAME.match(key):
            fields[key] = value
        else:
            unknown_key(key, (*words, *DOLLAR_KEYS), label, node.key_source(key), into)
    return said, fields


def own_texts(
    said: Mapping[str, Any],
    fields: dict[str, Any],
    body: MapNode,
    names: Mapping[str, str],
    into: Declarations,
) -> None:
    """Put words of a kind (`label`) into the fields they stand for; ``names``: word -> field."""
    for word, name in names.items():
        if word not in said:
            continue
        where = body.value_source(word)
        if name in fields:
            into.problem(f"'{word}' and '{name}' say the same", where, "keep one of the two")
        value = said[word]
        fields[name] = None if is_null(value) else as_text(value, where, f"'{word}'", into.problems)


@lru_cache(maxsize=4096)
def is_api_name(name: str) -> bool:
    """Whether ``name`` may be a field or a relationship, whatever its first letter's case."""
    return name.isascii() and name.isidentifier()


def refuse_name(name: str, sobject: str, where: SourceRef, into: Declarations) -> None:
    into.problem(
        f"'{name}' is no field of {sobject}",
        where,
        f"write the field's API name.{strange_letters(name)}",
    )


def entries(
    node: Any, section: str, into: Declarations, where: SourceRef | None = None
) -> Iterable[tuple[str, MapNode]]:
    """The resources of a section: natural key -> body. A key without a body has an empty one.

    ``where`` is the place of the section, if it may be no map.
    """
    if not isinstance(node, MapNode):
        place = where or getattr(node, "source", None)
        what = f"'{section}' must be a map of names, found {describe_value(node)}"
        into.problems.append(Problem(what, place, "write one name a line under it"))
        return
    for key, body in node.items():
        if key.startswith("$"):
            continue
        check_key(node, key, section, into.problems)
        if isinstance(body, MapNode):
            outer = into.perhaps
            into.perhaps = outer or body.conditional
            yield str(key), body
            into.perhaps = outer
        elif is_null(body):
            yield str(key), empty_map(node, key)
        else:
            into.problem(
                f"'{key}' in {section} must be a map, found {describe_value(body)}",
                node.value_source(key),
                "write its fields under it, one a line",
            )


def empty_map(node: MapNode, key: str) -> MapNode:
    return MapNode.made({}, node.key_source(key))


# ── what editors are told ────────────────────────────────────────────────────────────────────────


class Strict(BaseModel):
    """Base of the models that describe a kind's words to editors and check their shape."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


Names = list[str]


class NamedMember(BaseModel):
    """A member that is named by a word, with details beside it."""

    user: str | None = None
    group: str | None = None
    role: str | None = None
    role_and_subordinates: str | None = None
    expires: str | None = None
    for_each: Any = Field(None, alias="$for_each")
    when: Any = Field(None, alias="$when")

    model_config = ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1})


class MemberMap(Strict):
    includes: list[str | NamedMember] | None = None
    excludes: list[str | NamedMember] | None = None
    exactly: list[str | NamedMember] | None = None
    limit: str | int | None = Field(None, alias="$limit")


MemberList = Annotated[
    list[str | NamedMember] | MemberMap, Field(description="names, or includes/excludes/exactly")
]
ObjectRight = Literal["read", "create", "edit", "delete", "view_all", "modify_all"]
FieldRight = Literal["read", "edit"]


@dataclass(frozen=True, slots=True)
class Section:
    """A top-level word of a state file: how it is read, and how editors are told of it."""

    name: str
    declare: Callable[[MapNode, Declarations], None]
    schema: Callable[[], dict[str, Any]]


def body_schema(model: type[BaseModel], description: str) -> dict[str, Any]:
    """JSON Schema of a section whose bodies hold ``model``'s words and Salesforce fields."""
    body = model.model_json_schema(by_alias=True)
    definitions = body.pop("$defs", {})
    body["additionalProperties"] = False
    body["properties"] |= dollar_keys()
    body["patternProperties"] = {FIELD_PATTERN: {"description": "a Salesforce field, by its API name"}}
    return {
        "$defs": definitions,
        "type": "object",
        "description": description,
        "additionalProperties": {"anyOf": [body, {"type": "null"}]},
    }


def make(
    kind: str,
    sobject: str,
    key: ResourceKey,
    identity: dict[str, Value],
    fields: dict[str, Any],
    origin: Origin,
    common: Common = NOTHING_SAID,
    **more: Any,
) -> Resource:
    """A resource with what its `$`-keys say. ``more`` are further attributes of `Resource`."""
    return Resource(
        kind,
        sobject,
        key,
        identity,
        fields,
        origin,
        absent=more.pop("absent", common.absent),
        protect=common.protect,
        create_only=common.create_only,
        ignore=common.ignore,
        depends_on=common.depends_on,
        budget=more.pop("budget", common.budget),
        **more,
    )
