"""Where the files ask for a key that two live rows answer to.

Look-ups are asked for together and know no lines; the resources do. So the places are sought only when
there is something to say.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from reconciler.model.errors import AmbiguousKey, Problem
from reconciler.model.state import Resource
from reconciler.model.values import Ref, Value

from .rows_index import refs_in


@contextmanager
def placed(resources: Sequence[Resource]) -> Iterator[None]:
    """Raise an `AmbiguousKey` from inside with each of its keys at every place that asks for it."""
    try:
        yield
    except AmbiguousKey as error:
        problems = [
            each
            for problem, key in zip(error.problems, error.keys, strict=True)
            for each in _at_places(problem, key, resources)
        ]
        raise AmbiguousKey(*problems) from error


def _at_places(problem: Problem, key: object, resources: Sequence[Resource]) -> list[Problem]:
    token = _folded(key)
    places = sorted(
        resource.origin.source_of(name)
        for resource in resources
        for name, ref in (*refs_in(resource.fields), *refs_in(resource.identity))
        if _folded(ref) == token
    )
    return [replace(problem, where=where) for where in dict.fromkeys(places)] or [problem]


def _folded(value: object) -> object:
    if isinstance(value, Ref):
        return value.sobject, tuple((path, _folded_part(part)) for path, part in value.key)
    return value


def _folded_part(value: Value) -> Value:
    return value.casefold() if isinstance(value, str) else value
