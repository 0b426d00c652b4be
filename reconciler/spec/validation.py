"""A small map checked against a pydantic model, with each error at its line.

The node becomes JSON as it looks (unquoted `5` a number, quoted text) and is validated strictly, so
that nothing turns silently into something else. pydantic's errors are then said in our words at the
position of the key or value they are about. Models forbid extra keys; an unknown key and the missing
one it hides are one problem.

For maps of settings, not for rows: a model a row would cost more than reading the file.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from reconciler.model.errors import Problem
from reconciler.model.source import SourceRef
from reconciler.model.values import Secret

from .nodes import ListNode, MapNode, Node, Plain
from .scalars import BOOLS, MAX_NUMBER_DIGITS, Look, look
from .typed import describe_value, is_refused, suggestion

M = TypeVar("M", bound=BaseModel)

EXPECTED: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "none_required": "nothing",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a map",
    "mapping_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "string_pattern_mismatch": "text that matches '{pattern}'",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "too_short": "a list of at least {min_length} items",
    "too_long": "a list of at most {max_length} items",
}
"""What a pydantic error type says was expected; others keep pydantic's words."""

Loc = tuple[str | int, ...]


def validate(node: Node, model: type[M], problems: list[Problem], *, what: str, where: SourceRef) -> M | None:
    """``node`` as a ``model``; None when problems were added.

    ``what`` names the map in messages, as in "org uat"; ``where`` is its place if it is not a map. A model
    with a ``REFERENCE_ONLY`` text stands for a secret: where something else than a map is written, that
    text is the mend and the value is not quoted. What a model's own validators raise as ValueError
    follows the name of the key; a second line of it is the mend.
    """
    if not isinstance(node, MapNode):
        problems.append(_not_a_map(node, model, what, where))
        return None
    try:
        return model.model_validate_json(json.dumps(_as_json(node)), strict=True)
    except ValidationError as error:
        problems.extend(_problems(error, node, model, what))
        return None


def _as_json(node: Node) -> Any:
    if isinstance(node, MapNode):
        return {str(key): _as_json(value) for key, value in node.items()}
    if isinstance(node, ListNode):
        return [_as_json(value) for value in node]
    if isinstance(node, Secret):
        return {"$secret": node.name}
    if type(node) is not Plain or len(node) > MAX_NUMBER_DIGITS // 2:
        return str(node)
    match look(node):
        case Look.NULL:
            return None
        case Look.BOOL:
            return BOOLS[node]
        case Look.INT:
            return int(node)
        case Look.NUMBER:
            return float(node)
    return str(node)


def _problems(error: ValidationError, node: MapNode, model: type[BaseModel], what: str) -> Iterator[Problem]:
    """One problem a place: the branches of a union are one, a misspelt key and the missing one too."""
    errors = error.errors(include_url=False, include_input=False)
    unknown = [_path(node, each["loc"]) for each in errors if each["type"] == "extra_forbidden"]
    by_place: dict[tuple[bool, Loc], list[Any]] = {}
    for each in errors:
        missing = each["type"] == "missing"
        path = _path(node, each["loc"][:-1]) + each["loc"][-1:] if missing else _path(node, each["loc"])
        by_place.setdefault((missing, path), []).append(each)
    for (missing, path), group in by_place.items():
        name = str(path[-1]) if path else ""
        if missing:
            if not any(other[:-1] == path[:-1] and _near(other[-1], name) for other in unknown):
                parent, _ = _find(node, path[:-1])
                place = _place(node, path[:-1])
                example = "write it into this map" if not parent else f"add '{name}: …'"
                yield Problem(f"'{name}' is missing in {_in(path[:-1], what)}", place, example)
        elif path in unknown:
            parent, _ = _find(node, path[:-1])
            mend = suggestion(name, _fields(model, path[:-1]), parent if isinstance(parent, MapNode) else ())
            place = parent.key_source(name) if isinstance(parent, MapNode) else node.source
            yield Problem(f"unknown key '{name}' in {_in(path[:-1], what)}", place, mend)
        elif not is_refused(_find(node, path)[0]):
            yield _wrong(group, path, node, model, what)


def _wrong(group: Sequence[Any], path: Loc, node: MapNode, model: type[BaseModel], what: str) -> Problem:
    """A value of the wrong type or range."""
    value, where = _find(node, path)
    called = f"'{path[-1]}' of {_in(path[:-1], what)}" if path else what
    if path and isinstance(path[-1], int):
        called = f"item {path[-1] + 1} of {_in(path[:-1], what)}"
    for target in _models(model, path):
        if not isinstance(value, MapNode) and (mend := getattr(target, "REFERENCE_ONLY", None)):
            return Problem(f"{called} is written in clear", where, mend)
    first = group[0]
    if first["type"] == "value_error":
        said, _, mend = first["msg"].removeprefix("Value error, ").partition("\n")
        return Problem(f"{called} {said}", where, mend or None)
    expected = list(dict.fromkeys(filter(None, (_expected(each) for each in group))))
    if not expected:
        return Problem(f"{called}: {first['msg']}", where, None)
    return Problem(
        f"{called} must be {' or '.join(expected)}, found {describe_value(value)}",
        where,
        _mend(value, expected),
    )


def _expected(error: Any) -> str | None:
    words = EXPECTED.get(error["type"])
    return words.format(**error.get("ctx", {})) if words is not None else None


def _mend(value: Node, expected: Sequence[str]) -> str | None:
    if expected == ["text"] and type(value) is Plain and value:
        return f"write '{value}' in quotes"
    if type(value) is str and value and set(expected) <= {"a whole number", "a number", "true or false"}:
        return "write it without quotes"
    if "a list" in expected and isinstance(value, str):
        return f"write [{value}]"
    words = [word.strip("'") for each in expected for word in each.replace(" or ", ", ").split(", ")]
    if isinstance(value, str) and any("'" in each for each in expected):
        near = suggestion(value, words)
        return near if near.startswith("did you mean") else "write one of these"
    return "write " + " or ".join(expected)


def _not_a_map(node: Node, model: type[BaseModel], what: str, where: SourceRef) -> Problem:
    if mend := getattr(model, "REFERENCE_ONLY", None):
        return Problem(f"{what} is written in clear", where, mend)
    return Problem(f"{what} must be a map, found {describe_value(node)}", where, "write 'key: value' entries")


def _path(node: Node, loc: Loc) -> Loc:
    """``loc`` without what is not in the node: names of union branches and validators."""
    path: list[str | int] = []
    for part in loc:
        if isinstance(node, MapNode) and part in node:
            node = node[str(part)]
            path.append(part)
        elif isinstance(node, ListNode) and isinstance(part, int) and part < len(node):
            node = node[part]
            path.append(part)
    return tuple(path)


def _find(node: Node, path: Loc) -> tuple[Node, SourceRef]:
    where = node.source
    for part in path:
        where = node.item_source(int(part)) if isinstance(node, ListNode) else node.value_source(str(part))
        node = node[part]
    return node, where


def _place(node: MapNode, path: Loc) -> SourceRef:
    """Where a map is named: its key where it has one."""
    found, where = _find(node, path)
    return found.source if isinstance(found, MapNode) else where


def _in(path: Loc, what: str) -> str:
    names = [str(part) for part in path if isinstance(part, str)]
    return f"'{'.'.join(names)}' of {what}" if names else what


def _near(word: str | int, name: str) -> bool:
    return suggestion(str(word), [name]).startswith("did you mean")


def _models(model: Any, path: Loc) -> list[type[BaseModel]]:
    """The models that may stand at ``path``, whatever branches of unions lead there."""
    found = [model]
    for part in path:
        inner: list[Any] = []
        for each in found:
            if part in (fields := each.model_fields):
                inner.extend(_classes(fields[part].annotation))
            elif isinstance(part, int):
                inner.append(each)
        found = inner
    return found


def _classes(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for each in get_args(annotation):
        yield from _classes(each)


def _fields(model: Any, path: Loc) -> list[str]:
    return [name for each in _models(model, path) for name in each.model_fields]
