"""Wholes and their parts: an object and its fields, a workflow and its rules.

A whole's file holds its parts as elements, the org holds each part as a component of its own.
`apart` and `whole` are the two ways between; `names_of` knows the wholes that exist because a part does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.emulator.metadata import described
from reconciler.emulator.metadata.component_types import component_type
from reconciler.emulator.metadata_xml import Tree, text

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from reconciler.emulator.writes import Transaction

LABELS = "CustomLabels"
"""The one whole that has one component, of its own name; its parts are named without it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A component taken out of a tree; its tree has no `fullName`."""

    type: str
    full_name: str
    tree: Tree


def apart(type_name: str, full_name: str, tree: Tree) -> tuple[Piece, list[Piece]]:
    """The whole without its parts, and the parts in their order. Parts without a name are left out."""
    parts = described.types()[type_name].parts if type_name in described.types() else {}
    own = {name: items for name, items in tree.items() if name != "fullName" and name not in parts}
    pieces = []
    for element, part_type in parts.items():
        for item in tree.get(element, ()):
            name = text(item, "fullName") if isinstance(item, dict) else None
            if name:
                rest = {each: items for each, items in item.items() if each != "fullName"}
                pieces.append(Piece(part_type, part_name(type_name, full_name, name), rest))
    return Piece(type_name, full_name, own), pieces


def part_name(type_name: str, full_name: str, name: str) -> str:
    """The full name of a part from its name within the whole."""
    return name if type_name == LABELS else f"{full_name}.{name}"


def owner_of(part_type: str, full_name: str) -> str:
    """The full name of the whole that a part belongs to."""
    return LABELS if described.parents()[part_type].name == LABELS else full_name.partition(".")[0]


def own_name(part_type: str, full_name: str) -> str:
    """The name of a part within its whole."""
    return full_name if described.parents()[part_type].name == LABELS else full_name.partition(".")[2]


def names_of(org: "EmulatedOrg", type_name: str) -> list[str]:
    """Full names of a type's components; of a whole also those that are known by a part only."""
    names = component_type(type_name).names(org)
    known = {name.lower() for name in names}
    for part_type in _parts(type_name):
        for part in component_type(part_type).names(org):
            owner = owner_of(part_type, part)
            if owner.lower() not in known:
                known.add(owner.lower())
                names.append(owner)
    return sorted(names, key=str.lower)


def parts_of(org: "EmulatedOrg", type_name: str, full_name: str) -> Iterator[tuple[str, str]]:
    """Types and full names of the parts that a whole has in the org."""
    wanted = full_name.lower()
    for part_type in _parts(type_name):
        for part in component_type(part_type).names(org):
            if owner_of(part_type, part).lower() == wanted:
                yield part_type, part


def read_whole(org: "EmulatedOrg", type_name: str, full_name: str) -> Tree | None:
    """A component as its file shows it, with its parts; None when there is neither it nor any part."""
    own = component_type(type_name).read(org, full_name)
    if type_name not in described.types():
        return own
    found: Tree | None = None if own is None else dict(own)
    for part_type, part in parts_of(org, type_name, full_name):
        found = found or {}
        add_part(found, org, part_type, part)
    return found


def add_part(whole: Tree, org: "EmulatedOrg", part_type: str, full_name: str) -> bool:
    """Put one part into its whole's tree; False when the org lacks it."""
    tree = component_type(part_type).read(org, full_name)
    if tree is None:
        return False
    named: Tree = {"fullName": [own_name(part_type, full_name)], **tree}
    whole.setdefault(described.element_of(part_type), []).append(named)
    return True


def delete_whole(tx: "Transaction", type_name: str, full_name: str) -> str:
    """Delete a component and what it is made of; its id. Raises `ComponentProblem`."""
    parts = list(parts_of(tx.org, type_name, full_name))
    kind = component_type(type_name)
    if parts and kind.read(tx.org, full_name) is None:  # a whole that is nothing but its parts
        for part_type, part in parts:
            component_type(part_type).delete(tx, part)
        return ""
    deleted = kind.delete(tx, full_name)
    for part_type, part in parts:
        tx.org.components.remove(part_type, part)
    return deleted


def _parts(type_name: str) -> Iterator[str]:
    known = described.types().get(type_name)
    return iter(known.parts.values() if known else ())
