"""What elements a component may have: names, types, how often; what Salesforce says when they do not fit.

`shapes.txt` has a line a type, `Type<Base element element:type …`. An element ends in `?` (may lack),
`*` (any number) or `+`; no type is text, `b` boolean, `i` and `l` whole numbers, `d` numbers, `x` base64,
`D`, `t`, `T` date and time, `!Name` an enumeration, another word a type of the file. Lines that begin
with `!` list an enumeration's values. Elements come in the order of the WSDL.

What the file does not know, because it is of a newer or a much older API version, is let through.

Source: the public WSDL of API 63; texts as seen in public deployments.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from reconciler.emulator.components import NAMESPACE
from reconciler.emulator.metadata_xml import Tree

NEWEST = 63
"""The API version of the file."""
OLDEST = 52
"""Versions before had elements that are not in the file: `mobileReady` of tabs, `tab` of applications."""
SPACE = "~"
"""Stands for a blank inside an enumeration's value."""
NAMES = {"s": "string", "b": "boolean", "i": "int", "l": "long", "d": "double", "x": "base64Binary"} | {
    "D": "date",
    "t": "dateTime",
    "T": "time",
    "a": "anyType",
}
PATTERNS = {
    "b": re.compile(r"true|false|1|0", re.IGNORECASE),  # clients in Python send `False`
    "i": re.compile(r"[+-]?\d+"),
    "l": re.compile(r"[+-]?\d+"),
    "d": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"),
}


@dataclass(frozen=True, slots=True)
class Element:
    name: str
    type: str
    required: bool
    many: bool

    @property
    def is_complex(self) -> bool:
        return len(self.type) > 1 and self.type[0] != "!"


@cache
def _lines() -> Mapping[str, str]:
    content = (resources.files(__package__) / "shapes.txt").read_text(encoding="utf-8")
    return {re.split(r"[< ]", line, maxsplit=1)[0]: line for line in content.splitlines()}


@cache
def elements(type_name: str) -> Mapping[str, Element] | None:
    """The elements of a type, those of its bases first; None for a type that is not known."""
    line = _lines().get(type_name)
    if line is None:
        return None
    head, *parts = line.split()
    base = head.partition("<")[2]
    own = {each.name: each for each in map(_element, parts)}
    return {**(elements(base) or {}), **own} if base else own


def _element(part: str) -> Element:
    name, _, type_name = part.partition(":")
    bare = name.rstrip("?*+")
    return Element(bare, type_name or "s", name[-1] not in "?*", name[-1] in "*+")


@cache
def values(enumeration: str) -> frozenset[str]:
    """The values of `!Name`."""
    return frozenset(each.replace(SPACE, " ") for each in _lines()[enumeration].split()[1:])


def in_order(type_name: str, tree: Tree) -> Iterator[tuple[str, Any, str]]:
    """Every element of a tree in the WSDL's order: its name, its content, its type.

    Elements that the type is not known to have come last, by name, as text.
    """
    known = elements(type_name) or {}
    for name, element in known.items():
        for item in tree.get(name, ()):
            yield name, item, element.type
    for name in sorted(tree.keys() - known.keys()):
        for item in tree[name]:
            yield name, item, "s"


def ordered(type_name: str, tree: Tree) -> Tree:
    """The same tree with its elements, and those below, in the WSDL's order."""
    made: Tree = {}
    for name, item, below in in_order(type_name, tree):
        made.setdefault(name, []).append(ordered(below, item) if isinstance(item, dict) else item)
    return made


def misfit(type_name: str, tree: Tree, version: float = NEWEST) -> str | None:
    """The first thing in a tree that its type does not allow, in Salesforce's words; None when all fits."""
    known = elements(type_name)
    if known is None:
        return None
    for name, items in tree.items():
        element = known.get(name)
        if element is None:
            if not OLDEST <= version <= NEWEST:
                continue
            return f"Element {{{NAMESPACE}}}{name} invalid at this location in type {type_name}"
        if len(items) > 1 and not element.many:
            return f"Element {{{NAMESPACE}}}{name} is duplicated at this location in type {type_name}"
        for item in items:
            if problem := _misfit_of(element, item, version):
                return problem
    return None


def _misfit_of(element: Element, item: Any, version: float) -> str | None:
    if element.is_complex:
        return misfit(element.type, item, version) if isinstance(item, dict) else None
    if isinstance(item, dict) or item is None:
        return None
    text = str(item).strip()
    if element.type[0] == "!" and OLDEST <= version <= NEWEST:
        known = values(element.type)
        if known and text and text not in known:  # of some enumerations the WSDL tells no values
            return f"'{text}' is not a valid value for the enum '{element.type[1:]}'"
    pattern = PATTERNS.get(element.type)
    if pattern and not pattern.fullmatch(text):
        return f"'{text}' is not a valid value for the type xsd:{NAMES[element.type]}"
    return None


def missing(type_name: str, tree: Tree) -> list[str]:
    """Names of required elements that a component's tree lacks, its own level only.

    Booleans are false when they are not given, and some elements that the WSDL demands nobody misses.
    """
    known = (elements(type_name) or {}).values()
    spared = NOT_MISSED.get(type_name, ())
    return [
        each.name
        for each in known
        if each.required and each.type != "b" and each.name not in spared and not tree.get(each.name)
    ]


NOT_MISSED = {"ApexClass": ("status",), "ApexTrigger": ("status",)}
"""Required by the WSDL, left out by projects that are deployed every day."""
