"""Variables: how they are declared, where their values come from, and which one counts.

A state declares what it needs under `variables:`, with a type, a default or a bare default value.
Later sources win: the file's default, the org's `variables:`, `--var-file`, `--var`,
`RECONCILE_VAR_name`. What a source says is turned into the declared type; an error names the source.

A secret is known to the state by name only: its node is `Secret(name)`, and the clear value is kept
apart in `Variables.secrets`. No message here quotes the value of a secret.

Offline, with no org, a variable without a value gets a placeholder, so that a state can be
validated anywhere: the first of `one_of`, otherwise something of its type.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.model.errors import Problem
from reconciler.model.source import SourceRef
from reconciler.model.values import Secret

from .files import open_regular, read_all
from .nodes import ListNode, MapNode, Node, Plain, is_null
from .scalars import BOOLS, MAX_NUMBER_DIGITS, Look, look
from .typed import as_list, as_map, as_one_of, as_text, check_words, mismatch, one_of, suggestion
from .yaml_reader import read_yaml

ENVIRON_PREFIX = "RECONCILE_VAR_"

TYPES = ("string", "number", "boolean", "secret", "list", "map")
DECLARATION_WORDS = ("type", "one_of", "default", "pattern", "description")
RESERVED = frozenset(("each", "tags", "variables"))

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class VariableValues:
    """What the operator gave: ``--var-file`` paths, ``--var name=text`` pairs, the process's environment."""

    files: Sequence[Path] = ()
    assigned: Mapping[str, str] = field(default_factory=dict, repr=False)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class OrgContext:
    """What a state may ask about the org it is meant for.

    ``variables`` hold nodes, or plain JSON values. ``secrets`` gives those of secret variables; it is
    asked only for what a state declares, so it may read a keyring or a file.
    """

    name: str
    tags: frozenset[str] = frozenset()
    variables: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Declaration:
    """One entry of `variables:`. ``default`` is None where there is none."""

    name: str
    type: str
    source: SourceRef
    default: Node = None
    default_source: SourceRef | None = None
    one_of: tuple[str, ...] = ()
    pattern: "re.Pattern[str] | None" = None


@dataclass(slots=True)
class Variables:
    """Values by name, as nodes. ``placeholders`` names those that only stand in for a missing value."""

    values: dict[str, Node] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    placeholders: set[str] = field(default_factory=set)


class _Given(NamedTuple):
    """A value from one source. ``text``: it came as text and is read by the declared type."""

    value: Any
    text: bool
    origin: str
    where: SourceRef | None


def read_declarations(node: MapNode, problems: list[Problem]) -> Iterator[Declaration]:
    """The variables that one file declares."""
    for name, value, key_place, value_place in node.entries():
        where = node.places.ref(key_place)
        if not _NAME.fullmatch(name) or name in RESERVED:
            what = f"'{name}' cannot name a variable"
            problems.append(
                Problem(what, where, f"use letters, digits and '_'; not {one_of(sorted(RESERVED))}")
            )
            continue
        declared = _declaration(str(name), value, where, node.places.ref(value_place), problems)
        if declared is not None:
            yield declared


def _declaration(
    name: str, value: Node, where: SourceRef, at: SourceRef, problems: list[Problem]
) -> Declaration | None:
    what = f"variable '{name}'"
    if not isinstance(value, MapNode):
        if is_null(value):
            problems.append(
                Problem(f"{what} has neither a type nor a default", at, "write {type: string}, or a default")
            )
            return None
        return Declaration(name, _type_of(value), where, default=value, default_source=at)
    if not check_words(value, DECLARATION_WORDS, what, problems):
        return None
    before = len(problems)
    choices = _choices(value, what, problems)
    pattern = _pattern(value, what, problems)
    default = value.get("default")
    type_ = _type_of(default if default is not None else choices[0] if choices else "")
    if "type" in value:
        type_ = (
            as_one_of(value["type"], value.value_source("type"), f"the type of {what}", problems, TYPES) or ""
        )
    if type_ == "secret" and default is not None:
        problems.append(
            Problem(
                f"{what} is secret and has a default in clear",
                value.key_source("default"),
                f"remove the default; give the value in {ENVIRON_PREFIX}{name}",
            )
        )
    if len(problems) > before:
        return None
    return Declaration(
        name, type_, where, default, value.value_source("default"), tuple(map(str, choices)), pattern
    )


def _choices(node: MapNode, what: str, problems: list[Problem]) -> list[str]:
    if "one_of" not in node:
        return []
    where = node.value_source("one_of")
    items = as_list(node["one_of"], where, f"one_of of {what}", problems)
    if items is None:
        return []
    if not items or not all(isinstance(item, str) for item in items):
        problems.append(Problem(f"one_of of {what} must list texts or numbers", where, "write [a, b]"))
        return []
    return list(items)


def _pattern(node: MapNode, what: str, problems: list[Problem]) -> "re.Pattern[str] | None":
    if "pattern" not in node:
        return None
    where = node.value_source("pattern")
    text = as_text(node["pattern"], where, f"the pattern of {what}", problems)
    try:
        return re.compile(text) if text is not None else None
    except (re.error, RecursionError, OverflowError) as error:
        problems.append(
            Problem(f"the pattern of {what} is not a regular expression: {error}", where, "mend the pattern")
        )
        return None


def _type_of(default: Node) -> str:
    if isinstance(default, ListNode):
        return "list"
    if isinstance(default, MapNode):
        return "map"
    seen = look(default) if type(default) is Plain else Look.TEXT
    return {Look.BOOL: "boolean", Look.INT: "number", Look.NUMBER: "number"}.get(seen, "string")


def resolve(
    declarations: Mapping[str, Declaration],
    given: VariableValues,
    org: OrgContext | None,
    problems: list[Problem],
    warnings: list[Problem],
    *,
    complete: bool = True,
) -> Variables:
    """The value of each declared variable. ``complete``: no file that may declare more was unreadable."""
    sources = _sources(given, org, problems)
    if complete:
        _report_undeclared(declarations, sources, given, problems, warnings)
    found = Variables()
    for name, declared in declarations.items():
        value = next((source[name] for source in sources if name in source), None)
        if value is not None and callable(value.value):
            value = value._replace(value=value.value())  # a secret is read only when a state declares it
        if value is None and declared.default is not None:
            value = _Given(declared.default, False, "its default", declared.default_source)
        if value is None:
            _without_value(declared, org, found, problems)
        elif declared.type == "secret":
            _keep_secret(declared, value, found, problems)
        else:
            node = _typed(declared, value, problems)
            if node is None:
                node = _placeholder(declared)
                found.placeholders.add(name)
            found.values[name] = node
    return found


def _sources(
    given: VariableValues, org: OrgContext | None, problems: list[Problem]
) -> list[dict[str, _Given]]:
    """Values by source, the one that wins first."""
    environ = {
        name.removeprefix(ENVIRON_PREFIX): _Given(value, True, name, None)
        for name, value in given.environ.items()
        if name.startswith(ENVIRON_PREFIX)
    }
    assigned = {name: _Given(value, True, "--var", None) for name, value in given.assigned.items()}
    files = [_read_file(path, problems) for path in reversed(given.files)]
    return [environ, assigned, *files, _org_values(org)]


def _read_file(path: Path, problems: list[Problem]) -> dict[str, _Given]:
    stream = open_regular(path, str(path), SourceRef(str(path), 1, 1), problems)
    data = read_all(stream, str(path), problems) if stream else None
    root = read_yaml(data, str(path), problems, []) if data is not None else None
    node = (
        as_map(root, SourceRef(str(path), 1, 1), "a file of variables", problems)
        if root is not None
        else None
    )
    if node is None:
        return {}
    return {
        str(name): _Given(value, False, str(path), node.places.ref(place))
        for name, value, _, place in node.entries()
    }


def _org_values(org: OrgContext | None) -> dict[str, _Given]:
    if org is None:
        return {}
    origin = f"org {org.name}"
    values = {}
    for name, value in org.variables.items():
        where = org.variables.value_source(name) if isinstance(org.variables, MapNode) else None
        values[str(name)] = _Given(to_node(value, where or SourceRef(origin, 1, 1)), False, origin, where)
    for name in org.secrets:
        values[name] = _Given(partial(org.secrets.__getitem__, name), True, origin, None)
    return values


def to_node(value: Any, where: SourceRef) -> Node:
    """A JSON value as a node; a node as it is."""
    if isinstance(value, MapNode | ListNode | str):
        return value
    if isinstance(value, bool) or value is None:
        return Plain({True: "true", False: "false", None: "null"}[value])
    if isinstance(value, int | float):
        return Plain(value)
    if isinstance(value, Mapping):
        return MapNode.made({str(key): to_node(each, where) for key, each in value.items()}, where)
    return ListNode.made([to_node(each, where) for each in value], where)


def _report_undeclared(
    declarations: Mapping[str, Declaration],
    sources: list[dict[str, _Given]],
    given: VariableValues,
    problems: list[Problem],
    warnings: list[Problem],
) -> None:
    """`--var` for nothing is a mistake; in a file perhaps not; environment and orgs serve many states."""
    for name in given.assigned:
        if name not in declarations:
            problems.append(
                Problem(f"--var sets '{name}', which no state declares", None, suggestion(name, declarations))
            )
    for source in sources[2:-1]:
        for name, value in source.items():
            if name not in declarations:
                warnings.append(
                    Problem(
                        f"variable '{name}' is declared in no state",
                        value.where,
                        suggestion(name, declarations),
                    )
                )


def _without_value(
    declared: Declaration, org: OrgContext | None, found: Variables, problems: list[Problem]
) -> None:
    found.placeholders.add(declared.name)
    found.values[declared.name] = _placeholder(declared)
    if org is None:
        return
    ways = f"set {ENVIRON_PREFIX}{declared.name}, or write it under 'variables' of org {org.name}"
    if declared.type != "secret":
        ways = f"give --var {declared.name}=…, {ways}, or a default"
    problems.append(
        Problem(f"variable '{declared.name}' has no value for org {org.name}", declared.source, ways)
    )


def _placeholder(declared: Declaration) -> Node:
    if declared.type == "secret":
        return Secret(declared.name)
    if declared.one_of:
        first = declared.one_of[0]
        return first if declared.type == "string" else Plain(first)
    if declared.type == "list":
        return ListNode.made([], declared.source)
    if declared.type == "map":
        return MapNode.made({}, declared.source)
    return {"number": Plain("0"), "boolean": Plain("false")}.get(declared.type, declared.name)


def _keep_secret(declared: Declaration, given: _Given, found: Variables, problems: list[Problem]) -> None:
    found.values[declared.name] = Secret(declared.name)
    what = f"secret variable '{declared.name}' from {given.origin}"
    where = given.where or declared.source
    if not isinstance(given.value, str) or is_null(given.value) or not given.value:
        problems.append(Problem(f"{what} must be text", where, "give it as text"))
    elif given.where is not None and given.origin.startswith("org "):
        problems.append(
            Problem(
                f"{what} is written in clear", where, "refer to it: {env: NAME}, {file: PATH} or {keyring: …}"
            )
        )
    elif declared.pattern is not None and not declared.pattern.fullmatch(given.value):
        problems.append(Problem(f"{what} does not match its pattern", where, "give a value that matches"))
    else:
        found.secrets[declared.name] = str(given.value)


def _typed(declared: Declaration, given: _Given, problems: list[Problem]) -> Node | None:
    """``given`` as a node of the declared type; None and a problem if it is not of it."""
    where = given.where or declared.source
    value = _from_text(declared, given, problems) if given.text else given.value
    if value is None:
        return None
    what = f"variable '{declared.name}' from {given.origin}"
    if not _is_a(declared.type, value):
        wanted = _ARTICLES[declared.type]
        mismatch(value, where, what, wanted, f"give {wanted}", problems)
        return None
    if declared.one_of and value not in declared.one_of:
        mend = suggestion(value, declared.one_of) if isinstance(value, str) else "give one of them"
        mismatch(value, where, what, one_of(declared.one_of), mend, problems)
        return None
    if declared.pattern is not None and isinstance(value, str) and not declared.pattern.fullmatch(value):
        wanted = f"text that matches '{declared.pattern.pattern}'"
        mismatch(value, where, what, wanted, "give a value that matches", problems)
        return None
    if isinstance(value, Plain) and declared.type == "string":
        return str(value)
    return value


_ARTICLES = {
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
    "map": "a map",
}


def _from_text(declared: Declaration, given: _Given, problems: list[Problem]) -> Node | None:
    if declared.type == "string":
        return str(given.value)
    if declared.type in ("list", "map"):
        found: list[Problem] = []
        node = read_yaml(given.value.encode("utf-8", "replace"), given.origin, found, [])
        problems.extend(
            Problem(
                f"variable '{declared.name}' from {given.origin}: {each.what}", declared.source, each.mend
            )
            for each in found
        )
        return node
    return Plain(given.value.strip())


def _is_a(type_: str, value: Node) -> bool:
    if type_ in ("list", "map"):
        return isinstance(value, ListNode if type_ == "list" else MapNode)
    if not isinstance(value, str):
        return False
    seen = look(value) if type(value) is Plain else Look.TEXT
    if type_ == "number":
        return seen in (Look.INT, Look.NUMBER) and len(value) <= MAX_NUMBER_DIGITS
    if type_ == "boolean":
        return type(value) is Plain and value in BOOLS
    return seen in (Look.TEXT, Look.DATE, Look.DATETIME)
