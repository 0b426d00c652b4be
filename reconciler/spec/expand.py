"""Filling in variables, expanding `$for_each`, dropping what `$when` excludes.

One walk over the nodes that contain `$`; everything else is shared as it is. `${name}` and
`${name.part}` may stand in values and keys, `$${` is the text `${`. A value that is nothing but
`${name}` takes the variable's type, anything else becomes text. Values are filled in once: a value
that contains `${` is not looked at again, so a variable cannot inject.

After the walk no `$for_each` and no `$when` is left; other `$` keys (`DOLLAR_KEYS`) are left to the
kinds. The number of nodes that may come out is bounded, because lists multiply.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.model.errors import Problem
from reconciler.model.source import SourceRef

from .nodes import ListNode, MapNode, Node, Place, Places, is_null
from .typed import describe_value, suggestion
from .variables import OrgContext, Variables

HERE = ("$for_each", "$when")
DOLLAR_KEYS: Mapping[str, str | None] = {
    "$for_each": None,
    "$when": None,
    "$depends_on": None,
    "$absent": None,
    "$protect": None,
    "$create_only": None,
    "$ignore": None,
    "$limit": None,
    "$was": None,
    "$key": None,
    "$until": "is not supported yet",
}
"""Every key that speaks to `reconcile`; a reserved one with why it is refused."""

MAX_EXPANDED_NODES = 2_000_000
MAX_PROBLEMS = 1000

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)(\}?)")
_WHOLE = re.compile(r"\$\{([^{}]*)\}")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[^.\s]+)*")

Each = Mapping[str, Node]
"""What `${each.…}` means inside a `$for_each`: ``key`` and ``value``."""


class TooMuch(Exception):
    """The expansion passed a limit; the problem is noted."""


class Expander:
    """Expands nodes for one org, or for none.

    ``complete`` is False where a file that may declare variables could not be read: then a variable
    that is not declared is no problem of its own.
    """

    def __init__(
        self,
        variables: Variables,
        org: OrgContext | None,
        problems: list[Problem],
        *,
        complete: bool = True,
    ) -> None:
        self.variables = variables
        self.org = org
        self.problems = problems
        self.complete = complete
        self.nodes_left = MAX_EXPANDED_NODES
        self.problems_left = MAX_PROBLEMS
        self.sizes: dict[str, int] = {}

    def section(self, name: str, node: MapNode) -> MapNode | None:
        """A whole section, or None if its `$when` excludes it. Raises `TooMuch`."""
        if "$for_each" in node:
            self._problem(
                "'$for_each' cannot stand on a whole section",
                node.key_source("$for_each"),
                f"write it into an entry of '{name}'",
            )
        kept = self._kept(node, None)
        return None if kept is False else self._map(node, None, conditional=kept is None)

    def entries(self, items: ListNode) -> ListNode:
        """A whole list of maps, as `checks`. Raises `TooMuch`."""
        return self._list(items, None) if items.has_dollar else items

    def value(self, value: Node, where: SourceRef) -> Node:
        """A single value with its variables filled in."""
        return self._text(value, lambda: where, None) if isinstance(value, str) and "${" in value else value

    def _node(self, value: Node, places: Places, place: Place, each: Each | None, conditional: bool) -> Node:
        if isinstance(value, MapNode):
            return (
                self._map(value, each, conditional=conditional) if value.has_dollar or conditional else value
            )
        if isinstance(value, ListNode):
            return (
                self._list(value, each, conditional=conditional) if value.has_dollar or conditional else value
            )
        if isinstance(value, str) and "${" in value:
            return self._text(value, lambda: places.ref(place), each)
        return value

    def _map(self, node: MapNode, each: Each | None, *, conditional: bool = False) -> MapNode:
        entries: dict[str, Node] = {}
        key_places: list[Place] = []
        value_places: list[Place] = []
        places = node.places
        self._charge(len(node) + 1, node)
        for key, value, key_place, value_place in node.entries():
            if key[:1] == "$" and self._is_dollar_key(key, places, key_place):
                continue
            for scope in self._scopes(value, each):
                maybe = conditional
                if isinstance(value, MapNode) and "$when" in value:
                    kept = self._kept(value, scope)
                    if kept is False:
                        continue
                    maybe = maybe or kept is None
                new_key = self._key(key, places, key_place, scope) if "${" in key else key
                if new_key in entries:
                    self._duplicate(new_key, places, key_place, list(entries), key_places)
                    continue
                entries[new_key] = self._node(value, places, value_place, scope, maybe)
                key_places.append(key_place)
                value_places.append(value_place)
        made = MapNode.build(entries, places, node.place, key_places, value_places)
        made.has_dollar = node.has_dollar
        made.conditional = conditional
        return made

    def _list(self, node: ListNode, each: Each | None, *, conditional: bool = False) -> ListNode:
        items: list[Node] = []
        item_places: list[Place] = []
        self._charge(len(node) + 1, node)
        for index, value in enumerate(node):
            place = node.item_place(index)
            for scope in self._scopes(value, each):
                maybe = conditional
                if isinstance(value, MapNode) and "$when" in value:
                    kept = self._kept(value, scope)
                    if kept is False:
                        continue
                    maybe = maybe or kept is None
                items.append(self._node(value, node.places, place, scope, maybe))
                item_places.append(place)
        made = ListNode.build(items, node.places, node.place, item_places)
        made.has_dollar = node.has_dollar
        return made

    def _is_dollar_key(self, key: str, places: Places, place: Place) -> bool:
        """Whether ``key`` is done with here: `$for_each`, `$when`, and those that are refused."""
        if key in HERE:
            return True
        if key.startswith(("${", "$${")):
            return False
        refused = DOLLAR_KEYS.get(key, "")
        if refused is None:
            return False
        if refused:
            self._problem(f"'{key}' {refused}", places.ref(place), "remove it")
        else:
            known = [each for each, why in DOLLAR_KEYS.items() if why is None]
            self._problem(f"unknown key '{key}'", places.ref(place), suggestion(key, known))
        return True

    # -- $for_each ---------------------------------------------------------------------------------

    def _scopes(self, value: Node, each: Each | None) -> Iterator[Each | None]:
        """One scope an expansion of ``value``; the surrounding one if it has no `$for_each`."""
        if not isinstance(value, MapNode) or "$for_each" not in value:
            yield each
            return
        where = value.value_source("$for_each")
        source = self._node(value["$for_each"], value.places, value.value_place("$for_each"), each, False)
        if isinstance(source, MapNode):
            for key, item in source.items():
                yield {"key": str(key), "value": item}
        elif isinstance(source, ListNode):
            for item in source:
                yield {"key": item, "value": item} if isinstance(item, str) else {"value": item}
        else:
            self._problem(
                f"'$for_each' must be a list or a map, found {describe_value(source)}",
                where,
                "write a list, a map, or a variable of such a type as in '${regions}'",
            )

    # -- $when -------------------------------------------------------------------------------------

    def _kept(self, node: MapNode, each: Each | None) -> bool | None:
        """Whether the entry's `$when` holds; None if that cannot be known offline."""
        if "$when" not in node:
            return True
        condition = node["$when"]
        where = node.value_source("$when")
        if not isinstance(condition, MapNode) or not condition:
            self._problem(
                f"'$when' must be a map of conditions, found {describe_value(condition)}",
                where,
                "write $when: {tags: production} or $when: {variables: {region: EMEA}}",
            )
            return True
        answers = [
            self._condition(name, value, condition, place, each)
            for name, value, place, _ in condition.entries()
        ]
        return None if self.org is None else all(answers)

    def _condition(self, name: str, value: Node, node: MapNode, place: Place, each: Each | None) -> bool:
        if name == "tags":
            return self._tags_hold(self._accepted(value, node, name, each))
        if name == "variables" and isinstance(value, MapNode):
            answers = [
                self._variable_holds(inner, accepted, value, inner_place, each)
                for inner, accepted, inner_place, _ in value.entries()
            ]
            return all(answers)
        if name == "variables":
            self._problem(
                f"'variables' of $when must be a map, found {describe_value(value)}",
                node.value_source(name),
                "write {variables: {region: EMEA}}",
            )
            return True
        return self._variable_holds(name, value, node, place, each)

    def _tags_hold(self, tags: list[str]) -> bool:
        return self.org is None or not self.org.tags.isdisjoint(tags)

    def _variable_holds(self, name: str, value: Node, node: MapNode, place: Place, each: Each | None) -> bool:
        if name not in self.variables.values:
            if self.complete:
                self._problem(
                    f"'$when' asks for the variable '{name}', which is not declared",
                    node.places.ref(place),
                    suggestion(name, [*self.variables.values, "tags", "variables"]),
                )
            return True
        accepted = self._accepted(value, node, name, each)
        actual = self.variables.values[name]
        if not isinstance(actual, str):
            self._problem(
                f"'$when' cannot compare the variable '{name}': it is {describe_value(actual)}",
                node.places.ref(place),
                "compare a variable that holds text, a number or a boolean",
            )
            return True
        return str(actual) in accepted

    def _accepted(self, value: Node, node: MapNode, name: str, each: Each | None) -> list[str]:
        """The texts that a condition accepts: one, or a list."""
        place = node.value_place(name)
        found = self._node(value, node.places, place, each, False)
        items = found if isinstance(found, ListNode) else [found]
        if all(isinstance(item, str) and not is_null(item) for item in items):
            return [str(item) for item in items]
        self._problem(
            f"'{name}' of $when must be a value or a list of values", node.places.ref(place), "write [a, b]"
        )
        return []

    # -- ${…} --------------------------------------------------------------------------------------

    def _key(self, key: str, places: Places, place: Place, each: Each | None) -> str:
        filled = self._text(key, lambda: places.ref(place), each)
        if not isinstance(filled, str):
            self._problem(
                f"a key cannot be made of {describe_value(filled)}",
                places.ref(place),
                "use a variable that holds text",
            )
            return key
        if filled[:1] == "$" and filled != key and not key.startswith("$${"):
            self._problem(
                f"the key '{key}' becomes '{filled}', and keys with '$' are written out",
                places.ref(place),
                "give the variable another value",
            )
        return str(filled)

    def _duplicate(
        self, key: str, places: Places, place: Place, keys: list[str], key_places: list[Place]
    ) -> None:
        first = places.ref(key_places[keys.index(key)])
        mend = "keep one of the two"
        if first == places.ref(place):
            mend = "put '${each.key}' or '${each.value}' into the key"
        self._problem(
            f"the key '{key}' comes out twice; the first is at line {first.line}, column {first.column}",
            places.ref(place),
            mend,
        )

    def _text(self, text: str, where: Callable[[], SourceRef], each: Each | None) -> Node:
        whole = _WHOLE.fullmatch(text)
        if whole:
            found = self._look_up(whole[1], where, each)
            return text if found is None else found

        def fill(match: re.Match[str]) -> str:
            if match[0] == "$${":
                return "${"
            if not match[2]:
                self._problem("'${' is not closed", where(), "write '${name}', or '$${' for the text '${'")
                return match[0]
            found = self._look_up(match[1], where, each)
            if found is None or isinstance(found, str):
                return found or ""
            advice = "let the whole value be '${" + match[1] + "}'"
            self._problem(
                f"'{match[0]}' is {describe_value(found)} and cannot be part of a text", where(), advice
            )
            return match[0]

        return _REFERENCE.sub(fill, text)

    def _look_up(self, path: str, where: Callable[[], SourceRef], each: Each | None) -> Node | None:
        """The node that ``path`` names, or None and a problem."""
        path = path.strip()
        if not _PATH.fullmatch(path):
            self._problem(
                f"'${{{path}}}' names no variable", where(), "write '${name}', or '$${' for the text '${'"
            )
            return None
        name, *parts = path.split(".")
        if name == "each":
            if each is None:
                self._problem(
                    f"'${{{path}}}' stands outside of a '$for_each'", where(), "use it inside the entry"
                )
                return None
            if parts[:1] == ["key"] and "key" not in each:
                self._problem(
                    "a list of maps has no keys for '${each.key}'",
                    where(),
                    "use a part: '${each.value.name}'",
                )
                return None
            return self._part(each, parts, path, where)
        if name not in self.variables.values:
            if self.complete:
                near = suggestion(name, self.variables.values)
                mend = near if near.startswith("did you mean") else f"declare '{name}' under 'variables:'"
                self._problem(f"the variable '{name}' is not declared", where(), mend)
            return None
        if name in self.variables.placeholders and parts:
            return "placeholder"
        found = self._part(self.variables.values[name], parts, path, where)
        if isinstance(found, MapNode | ListNode):
            self._charge(self._size(path, found), found)
        return found

    def _part(self, node: Any, parts: list[str], path: str, where: Callable[[], SourceRef]) -> Node | None:
        for part in parts:
            if isinstance(node, Mapping) and part in node:
                node = node[part]
            elif isinstance(node, ListNode) and part.isdecimal() and int(part[:9]) < len(node):
                node = node[int(part[:9])]
            else:
                known = list(node) if isinstance(node, Mapping) else []
                self._problem(f"'${{{path}}}' has no part '{part}'", where(), suggestion(part, known))
                return None
        if isinstance(node, Mapping) and not isinstance(node, MapNode):
            self._problem("'${each}' is no value", where(), "write '${each.key}' or '${each.value}'")
            return None
        return node

    # -- limits and problems -------------------------------------------------------------------------

    def _size(self, path: str, node: Node) -> int:
        if path.startswith("each."):
            return _count_nodes(node)
        if path not in self.sizes:
            self.sizes[path] = _count_nodes(node)
        return self.sizes[path]

    def _charge(self, nodes: int, node: MapNode | ListNode) -> None:
        self.nodes_left -= nodes
        if self.nodes_left < 0:
            self._problem(
                f"'$for_each' and variables make more than {MAX_EXPANDED_NODES:,} entries",
                node.source,
                "keep large data in a CSV file and name that with 'from: data/name.csv'",
            )
            raise TooMuch

    def _problem(self, what: str, where: SourceRef, mend: str | None) -> None:
        self.problems.append(Problem(what, where, mend))
        self.problems_left -= 1
        if self.problems_left < 0:
            raise TooMuch


def _count_nodes(node: Node) -> int:
    if isinstance(node, MapNode):
        return 1 + sum(_count_nodes(each) for each in node.values())
    if isinstance(node, ListNode):
        return 1 + sum(_count_nodes(each) for each in node)
    return 1
