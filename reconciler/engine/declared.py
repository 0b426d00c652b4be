"""What the declared resources say of each other, before any org is asked: the graph as written."""

from collections.abc import Iterable

from reconciler.model.errors import Problem, SpecError
from reconciler.model.keys import ResourceKey, matches
from reconciler.model.state import DesiredState, Resource

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


def check_depends_on(desired: DesiredState) -> None:
    """Raise `SpecError` for a `$depends_on` that names nothing, and for a cycle among them with its path."""
    resources = list(desired.resources)
    problems: list[Problem] = []
    for resource in resources:
        for pattern in resource.depends_on:
            if not any(matches(other.key.address, pattern) for other in resources):
                problems.append(
                    Problem(
                        f"$depends_on of {resource.key.address} names '{pattern}', which is not declared",
                        resource.origin.source_of("$depends_on"),
                        "write an address like Account/ACME; 'reconcile graph' lists them",
                    )
                )
    problems.extend(_cycles(resources))
    if problems:
        raise SpecError.of(problems)


def _cycles(resources: list[Resource]) -> Iterable[Problem]:
    stands_on = {each.key.address: _depended(each, resources) for each in resources if each.depends_on}
    if not stands_on:
        return
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from((address, other) for address, others in stands_on.items() for other in others)
    sources = {each.key.address: each for each in resources}
    for knot in nx.strongly_connected_components(graph):
        start = min(knot)
        if len(knot) == 1 and not graph.has_edge(start, start):
            continue
        path = [edge[0] for edge in nx.find_cycle(graph.subgraph(sorted(knot)), start)]
        yield Problem(
            "$depends_on goes round in a circle: " + " → ".join([*path, path[0]]),
            sources[path[0]].origin.source_of("$depends_on"),
            "take one of them out",
        )
