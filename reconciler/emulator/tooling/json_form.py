"""A component's tree as the JSON of the `Metadata` field, and back.

A tree knows only text. What is a number, a boolean or a list is said by the WSDL's shape of the type
(`metadata.shapes`); the JSON has every element of the shape, null or an empty list where the
component lacks it. What the shape does not know follows its content.

Source: Tooling API, "Metadata"; keys as recorded for ValidationRule.
"""

from collections.abc import Mapping
from typing import Any

from ..metadata import shapes
from ..metadata_xml import Tree
from ..values import wrong_shape

LEFT_OUT = frozenset(["fullName", "content", "bundleFile"])
"""Elements that are told elsewhere, or not at all."""
LATER: dict[str, tuple[str, ...]] = {"ValidationRule": ("shouldEvaluateOnClient", "urls", "active")}
"""Keys that come last, as recorded."""


def to_json(type_name: str, tree: Tree) -> dict[str, Any]:
    """The value of `Metadata` for a component of a metadata type."""
    told = _complex(type_name, tree)
    for name in LATER.get(type_name, ("urls",)):
        told[name] = told.pop(name, None)
    return told


def _complex(type_name: str, tree: Tree) -> dict[str, Any]:
    known = shapes.elements(type_name) or {}
    told: dict[str, Any] = {}
    for name, element in known.items():
        if name in LEFT_OUT:
            continue
        items = [_value(element.type, each) for each in tree.get(name, ())]
        told[name] = items if element.many else (items[0] if items else None)
    for name, items in tree.items():
        if name not in known and name not in LEFT_OUT:
            made = [_value("?", each) for each in items]
            told[name] = made if len(made) != 1 else made[0]
    return told


def _value(type_name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return _complex(type_name, value)
    if value is None:
        return None
    word = str(value).strip()
    try:
        if type_name == "b":
            return word.lower() in ("true", "1")
        if type_name in ("i", "l"):
            return int(float(word))
        if type_name == "d":
            return float(word)
    except ValueError:
        return None
    if type_name == "?" and word in ("true", "false"):
        return word == "true"
    return value


# -- and back


def to_tree(told: Any) -> Tree:
    """The tree of a `Metadata` value. Keys without a value are left out. Raises `ApiError`."""
    if not isinstance(told, Mapping):
        raise wrong_shape(told, "complexvalue")
    tree: Tree = {}
    for name, value in told.items():
        items = [each for each in (value if isinstance(value, list) else [value]) if each is not None]
        if items and name not in ("urls", "fullName"):
            tree[str(name)] = [_item(each) for each in items]
    return tree


def _item(value: Any) -> Any:
    if isinstance(value, Mapping):
        return to_tree(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        raise wrong_shape(value, "string")
    return str(value)
