"""Lists of members: names, or maps of what to add, what to take out and what is all there may be."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.source import SourceRef
from reconciler.model.state import Budget
from reconciler.spec.nodes import ListNode, MapNode
from reconciler.spec.typed import as_text, describe_value

from .declare import Declarations, read_budget, unknown_key


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    source: SourceRef
    details: Mapping[str, Any] = field(default_factory=dict)
    absent: bool = False


@dataclass(slots=True)
class Members:
    """`includes` adds to what is there, `exactly` also removes the rest, within `$limit`."""

    listed: list[Member] = field(default_factory=list)
    exact: bool = False
    budget: Budget | None = None
    source: SourceRef | None = None


MEMBER_WORDS = ("includes", "exactly", "excludes")


def read_members(
    value: Any, where: SourceRef, label: str, into: Declarations, *, words: Collection[str] = ()
) -> Members:
    """A list of names, or a map with `includes`, `excludes` or `exactly`, and `$limit`.

    An item is a name, or a map whose first key is one of ``words`` (`user`, `group`…) with further
    details beside it.
    """
    members = _read(value, where, label, into, words)
    members.listed = list(_once(members.listed, label, into))
    return members


def _once(listed: Iterable[Member], label: str, into: Declarations) -> Iterable[Member]:
    """Members that say the same twice are told here; what two say of one is for the kind to compare."""
    seen: dict[object, Member] = {}
    for member in listed:
        token = (member.name.casefold(), member.absent, repr(member.details))
        first = seen.setdefault(token, member)
        if first is member:
            yield member
            continue
        into.problem(
            f"{label} names '{member.name}' twice; the first is at {first.source}",
            member.source,
            "keep one of the two",
        )


def _read(value: Any, where: SourceRef, label: str, into: Declarations, words: Collection[str]) -> Members:
    members = Members(source=where)
    if isinstance(value, ListNode):
        members.listed = list(_items(value, label, into, words))
        return members
    if not isinstance(value, MapNode):
        found = describe_value(value)
        into.problem(f"{label} must be a list of names, found {found}", where, "write [name, name]")
        return members
    for key, names in value.items():
        place = value.key_source(key)
        if key == "$limit":
            members.budget = read_budget(names, label, value.value_source(key), into)
        elif key not in MEMBER_WORDS:
            unknown_key(key, (*MEMBER_WORDS, "$limit"), label, place, into)
        elif not isinstance(names, ListNode):
            into.problem(
                f"'{key}' in {label} must be a list of names", value.value_source(key), "write [name, name]"
            )
        else:
            members.exact = members.exact or key == "exactly"
            members.listed.extend(_items(names, label, into, words, absent=key == "excludes"))
    if "exactly" in value and "includes" in value:
        into.problem(
            f"{label} has both includes and exactly",
            value.key_source("includes"),
            "keep one: exactly holds them all",
        )
    return members


def _items(
    items: ListNode, label: str, into: Declarations, words: Collection[str], *, absent: bool = False
) -> Iterable[Member]:
    for at, item in enumerate(items):
        where = items.item_source(at)
        if isinstance(item, MapNode):
            word = next((each for each in words if each in item), None)
            if word is None:
                into.problem(
                    f"an item of {label} must name one of: {', '.join(words) or 'a name'}",
                    where,
                    "write the name alone",
                )
                continue
            place = item.value_source(word)
            name = _named(as_text(item[word], place, f"'{word}'", into.problems), place, label, into)
            if name is not None:
                details = {"as": word} | {key: each for key, each in item.items() if key != word}
                yield Member(name, where, details, absent)
        else:
            text = as_text(item, where, f"an item of {label}", into.problems)
            name = _named(text, where, label, into)
            if name is not None:
                yield Member(name, where, {}, absent)


def _named(name: str | None, where: SourceRef, label: str, into: Declarations) -> str | None:
    if name is None or name.strip():
        return name
    into.problem(f"an item of {label} is empty", where, "name it, or remove it")
    return None
