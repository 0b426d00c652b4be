"""Which resources take part in a plan: targets with what they stand on, without what is excluded.

Patterns are addresses, types, or either with ``*``. A target that owns an exact list brings the list
and all that stands in it, so that nothing declared is taken for a stranger and removed.
"""

from collections.abc import Sequence

from reconciler.model.errors import Problem, SpecError
from reconciler.model.keys import ResourceKey, matches
from reconciler.model.state import DesiredState, Resource, Scope
from reconciler.model.values import Value

from .rows_index import RowsIndex, refs_in


def without(desired: DesiredState, excludes: Sequence[str]) -> tuple[list[Resource], list[Scope]]:
    """What is declared and not excluded."""
    return (
        [each for each in desired.resources if not _matches_any(each, excludes)],
        [scope for scope in desired.scopes if not _scope_chosen(scope, excludes)],
    )


def only(
    targets: Sequence[str], resources: Sequence[Resource], scopes: Sequence[Scope]
) -> tuple[list[Resource], list[Scope]]:
    """The targets and what they stand on, found by look-ups that are typed already. Raises `SpecError`."""
    lists = [scope for scope in scopes if _scope_chosen(scope, targets)]
    chosen = {each.key for each in resources if _matches_any(each, targets) or _stands_in(each, lists)}
    if not chosen and not lists:
        raise SpecError(
            Problem(
                f"no resource is called {', '.join(targets)}",
                mend="'reconcile graph' lists the addresses of all resources",
            )
        )
    chosen = _with_parents(resources, chosen)
    return [each for each in resources if each.key in chosen], lists


def _stands_in(resource: Resource, lists: Sequence[Scope]) -> bool:
    return any(
        scope.kind == resource.kind
        and all(_said(resource.identity.get(name)) == _said(value) for name, value in scope.identity.items())
        for scope in lists
    )


def _said(value: Value) -> str:
    return str(value).casefold()


def _matches_any(resource: Resource, patterns: Sequence[str]) -> bool:
    return any(matches(resource.key.address, pattern) for pattern in patterns)


def _scope_chosen(scope: Scope, patterns: Sequence[str]) -> bool:
    return any(pattern == scope.kind or matches(scope.owner.address, pattern) for pattern in patterns)


def _with_parents(resources: Sequence[Resource], chosen: set[ResourceKey]) -> set[ResourceKey]:
    """``chosen`` and every declared resource that they look up or need, all the way up."""
    index = RowsIndex(
        (at, each.sobject, {**each.fields, **each.identity}) for at, each in enumerate(resources)
    )
    by_key = {resource.key: at for at, resource in enumerate(resources)}
    queue = [by_key[key] for key in chosen]
    while queue:
        resource = resources[queue.pop()]
        found = {index.find(ref) for _, ref in (*refs_in(resource.fields), *refs_in(resource.identity))} | {
            by_key.get(key) for key in resource.needs
        }
        for at in found:
            if at is not None and resources[at].key not in chosen:
                chosen.add(resources[at].key)
                queue.append(at)
    return chosen
