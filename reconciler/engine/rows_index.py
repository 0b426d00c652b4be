"""Which step or resource a look-up points to: rows by the fields that look-ups name them by."""

from collections.abc import Iterable, Mapping

from reconciler.model.plan import Action, Step
from reconciler.model.values import Ref, Value

from .world import World


def refs_in(fields: Mapping[str, Value] | None) -> Iterable[tuple[str, Ref]]:
    for name, value in (fields or {}).items():
        if type(value) is Ref:
            yield name, value


def _fold(value: Value) -> Value:
    return value.casefold() if isinstance(value, str) else value


def rows_of(number: int, step: Step, world: World) -> Iterable[tuple[int, str, Mapping[str, Value]]]:
    """The row of a step as it can be looked up, and those that Salesforce makes or removes along with it."""
    values = step.before if step.action is Action.DELETE else step.after
    yield number, step.sobject, {**step.identity, **(values or {})}
    if step.action is not Action.UPDATE:
        for ref in world.kinds[step.kind].provides(step):
            yield number, ref.sobject, dict(ref.key)


class RowsIndex:
    """Finds the step on the row that a `Ref` names. Built on demand for the key shapes that occur.

    Each row is a number, its sObject, and the fields it is known by: what it will be for creates and
    updates, what it was for deletes.
    """

    def __init__(self, rows: Iterable[tuple[int, str, Mapping[str, Value]]]) -> None:
        self._by_sobject: dict[str, list[tuple[int, Mapping[str, Value]]]] = {}
        for number, sobject, values in rows:
            self._by_sobject.setdefault(sobject, []).append((number, values))
        self._indexes: dict[tuple[str, tuple[str, ...]], dict[tuple[Value, ...], int]] = {}

    def find(self, ref: Ref) -> int | None:
        if ref.sobject not in self._by_sobject:
            return None
        paths = tuple(path for path, _ in ref.key)
        index = self._indexes.get((ref.sobject, paths))
        if index is None:
            index = self._indexes[ref.sobject, paths] = self._build(ref.sobject, paths)
        return index.get(tuple(_fold(value) for _, value in ref.key))

    def _build(self, sobject: str, paths: tuple[str, ...]) -> dict[tuple[Value, ...], int]:
        index: dict[tuple[Value, ...], int] = {}
        for number, values in self._by_sobject[sobject]:
            token = tuple(_at(values, path) for path in paths)
            if None not in token:
                index.setdefault(token, number)
        return index


def _at(values: Mapping[str, Value], path: str) -> Value:
    """The value at ``path``; through a parent where the row names that parent by the same field."""
    if "." not in path:
        return _fold(values.get(path))
    relationship, _, rest = path.partition(".")
    parent = values.get(_lookup_field(relationship))
    if isinstance(parent, Ref):
        for name, value in parent.key:
            if name == rest:
                return _fold(value)
    return None


def _lookup_field(relationship: str) -> str:
    """`Account__r` is the path of `Account__c`, `Account` of `AccountId`. Source: SOQL Reference."""
    return relationship[:-1] + "c" if relationship.endswith("__r") else relationship + "Id"
