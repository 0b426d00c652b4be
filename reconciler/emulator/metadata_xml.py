"""Metadata XML as plain dictionaries.

A component is a tree of elements: an element with children is a dictionary, one with text is that
text, and every name maps to the list of its elements, because metadata repeats what it lists.
`xsi:nil` is None. Document type declarations are refused: metadata has none, and expansion of
entities is how XML is made to eat memory.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Tree = dict[str, list[Any]]

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


class BadXml(ValueError):
    """Not well formed, or with a document type."""


def parse(content: bytes) -> tuple[str, Tree]:
    """The root's name and its tree. Raises `BadXml`."""
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise BadXml("document types are not accepted")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - entities are refused above
        tree = _tree(root)
    except (ElementTree.ParseError, ValueError, LookupError, RecursionError) as error:
        raise BadXml(str(error)) from error
    return local_name(root.tag), tree if isinstance(tree, dict) else {}


def read(path: Path) -> tuple[str, Tree]:
    return parse(path.read_bytes())


def local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def tree_of(element: ElementTree.Element) -> Tree:
    """The tree of an element that somebody else parsed; empty when it has no children."""
    tree = _tree(element)
    return tree if isinstance(tree, dict) else {}


def _tree(element: ElementTree.Element) -> Any:
    if element.get(NIL) in ("true", "1"):
        return None
    if len(element) == 0:
        return element.text or ""
    made: Tree = {}
    for child in element:
        made.setdefault(local_name(child.tag), []).append(_tree(child))
    return made


def text(tree: Tree, name: str, default: str | None = None) -> str | None:
    """The text of the first element of that name, without blanks at its ends."""
    found = tree.get(name)
    if not found or not isinstance(found[0], str):
        return default
    return found[0].strip()


def flag(tree: Tree, name: str, default: bool = False) -> bool:
    value = text(tree, name)
    return default if value is None else value.lower() == "true"


def number(tree: Tree, name: str, default: int = 0) -> int:
    value = text(tree, name)
    try:
        return default if value is None else int(float(value))
    except (ValueError, OverflowError):
        return default


def each(tree: Tree, name: str) -> Iterator[Tree]:
    """The elements of that name that have children."""
    return (found for found in tree.get(name, ()) if isinstance(found, dict))


def texts(tree: Tree, name: str) -> list[str]:
    return [found.strip() for found in tree.get(name, ()) if isinstance(found, str)]


def child(tree: Tree, name: str) -> Tree:
    """The first element of that name that has children, else an empty tree."""
    return next(each(tree, name), {})
