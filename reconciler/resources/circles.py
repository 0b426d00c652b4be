"""What stands on itself, and `$depends_on` that names nothing: known before any org is asked.

Three things make a circle that no order of writing can break: `$depends_on`; the rules of kinds (rights
on a field need rights on its object); keys that hold a look-up, since such a row cannot be made first and
linked later. Look-ups in other fields can wait and are no circle here: the plan makes the rows first,
where the org lets the field be empty.

Roles above each other and groups in each other are circles too: Salesforce refuses them whatever the
order. Source: SOAP API Developer Guide, status code CIRCULAR_DEPENDENCY; for roles not verified.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.model.errors import Problem
from reconciler.model.keys import matches
from reconciler.model.source import SourceRef, Written
from reconciler.model.state import Resource
from reconciler.model.values import Ref

from .api_names import mend_for
from .lookups import fold_ref

Edges = dict[str, dict[str, SourceRef]]
"""Address -> the addresses it stands on, each with the place that says so."""

_WILD = frozenset("*?[")


def dangling_problems(resources: Sequence[Resource]) -> Iterator[Problem]:
    """Each `$depends_on` that covers no declared resource."""
    index = _Addresses(resources)
    for resource in resources:
        for pattern in resource.depends_on:
            if not index.covered(pattern):
                yield Problem(
                    f"$depends_on of {resource.key.address} names '{pattern}', which is not declared",
                    _place(resource, pattern),
                    mend_for(
                        pattern,
                        index.addresses,
                        "write an address like Account/ACME; 'reconcile graph' lists them",
                    ),
                )


def circle_problems(resources: Sequence[Resource]) -> Iterator[Problem]:
    """One problem a knot, with the path of a circle in it. ``resources`` are those that are certain."""
    yield from _circles(_order_edges(resources), "these stand on each other in a circle")
    yield from _circles(_role_edges(resources), "these roles stand above each other in a circle")
    yield from _circles(_group_edges(resources), "these groups are members of each other in a circle")


class _Addresses:
    """Which addresses a pattern of `$depends_on` covers: an address, a type, or either with wild cards."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.addresses = list(dict.fromkeys(resource.key.address for resource in resources))
        self._under: dict[str, list[str]] | None = None

    def covered(self, pattern: str) -> Sequence[str]:
        if not _WILD.isdisjoint(pattern):
            return [each for each in self.addresses if matches(each, pattern)]
        if self._under is None:
            self._under = self._by_prefix()
        return self._under.get(pattern, ())

    def _by_prefix(self) -> dict[str, list[str]]:
        under: dict[str, list[str]] = {}
        for address in self.addresses:
            at = len(address)
            while at > 0:
                under.setdefault(address[:at], []).append(address)
                at = address.rfind("/", 0, at)
        return under


def _place(resource: Resource, pattern: str) -> SourceRef:
    return pattern.source if isinstance(pattern, Written) else resource.origin.source_of("$depends_on")


def _order_edges(resources: Sequence[Resource]) -> Edges:
    if not any(resource.depends_on for resource in resources):
        return {}  # the other edges alone lead from parts to wholes
    index = _Addresses(resources)
    there = [resource for resource in resources if not resource.absent]
    rows = _rows(there)
    kept = {resource.key.address for resource in there}
    edges: Edges = {}
    for resource in resources:
        address = resource.key.address
        onto = edges.setdefault(address, {})
        for pattern in resource.depends_on:
            for other in index.covered(pattern):
                if (other != address or pattern == address) and not (resource.absent and other in kept):
                    onto.setdefault(other, _place(resource, pattern))
        if resource.absent:
            continue
        for key in resource.needs:
            if key.address in kept:
                onto.setdefault(key.address, resource.source)
        for value in resource.identity.values():
            if isinstance(value, Ref) and (parent := rows.get(fold_ref(value))) is not None:
                onto.setdefault(parent.key.address, resource.source)
    return edges


def _rows(resources: Iterable[Resource]) -> Mapping[Ref, Resource]:
    """Declared rows by the look-ups that name them by their whole key; keys as written, not yet typed."""
    rows: dict[Ref, Resource] = {}
    for resource in resources:
        key = tuple(sorted((str(name), value) for name, value in resource.identity.items()))
        if all(isinstance(value, str) for _, value in key):
            rows.setdefault(fold_ref(Ref(resource.sobject, key)), resource)
    return rows


def _role_edges(resources: Sequence[Resource]) -> Edges:
    roles = {each.key.name[0].casefold(): each for each in resources if each.kind == "UserRole"}
    edges: Edges = {}
    for role in roles.values():
        parent = role.fields.get("ParentRoleId")
        if isinstance(parent, Ref) and (above := roles.get(str(parent.key[0][1]).casefold())) is not None:
            edges[role.key.address] = {above.key.address: role.origin.source_of("parent")}
    return edges


def _group_edges(resources: Sequence[Resource]) -> Edges:
    rows = _rows(each for each in resources if each.kind == "Group")
    edges: Edges = {}
    for member in resources:
        if member.kind != "GroupMember" or member.absent:
            continue
        ends = [member.identity[name] for name in ("GroupId", "UserOrGroupId")]
        group, inner = [rows.get(fold_ref(end)) if isinstance(end, Ref) else None for end in ends]
        if group is not None and inner is not None:
            edges.setdefault(group.key.address, {})[inner.key.address] = member.source
    return edges


def _circles(edges: Edges, what: str) -> Iterator[Problem]:
    if not edges:
        return
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from((address, other) for address, others in edges.items() for other in others)
    for knot in nx.strongly_connected_components(graph):
        start = min(knot)
        if len(knot) == 1 and not graph.has_edge(start, start):
            continue
        path = [edge[0] for edge in nx.find_cycle(graph.subgraph(sorted(knot)), start)]
        yield Problem(
            f"{what}: " + " → ".join([*path, path[0]]),
            edges[path[0]][path[1] if len(path) > 1 else path[0]],
            "take one of them out",
        )
