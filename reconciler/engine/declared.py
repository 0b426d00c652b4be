"""What the declared resources say of each other, before any org is asked: the graph as written."""

from collections.abc import Iterable

from reconciler.model.keys import ResourceKey, matches
from reconciler.model.state import Resource

from .rows_index import RowsIndex, refs_in


def declared_links(resources: Iterable[Resource]) -> list[tuple[str, str]]:
    """Pairs of addresses: a resource, and one that it looks up, needs or names under `$depends_on`."""
    listed = list(resources)
    index = RowsIndex((at, each.sobject, {**each.fields, **each.identity}) for at, each in enumerate(listed))
    by_key: dict[ResourceKey, int] = {each.key: at for at, each in enumerate(listed)}
    links: dict[tuple[str, str], None] = {}
    for at, each in enumerate(listed):
        found = [index.find(ref) for _, ref in (*refs_in(each.fields), *refs_in(each.identity))]
        found += [by_key.get(key) for key in each.needs]
        for other in found:
            if other is not None and other != at:
                links[each.key.address, listed[other].key.address] = None
        for other_address in _depended(each, listed):
            links[each.key.address, other_address] = None
    return list(links)


def _depended(resource: Resource, resources: list[Resource]) -> list[str]:
    if not resource.depends_on:
        return []
    return [
        other.key.address
        for other in resources
        if other is not resource and any(matches(other.key.address, each) for each in resource.depends_on)
    ]
