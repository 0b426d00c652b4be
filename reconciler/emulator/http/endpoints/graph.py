"""Graphs of calls: each graph is one transaction, independent of the others.

Nodes run in an order that satisfies their references, whatever the order they are listed in.

Source: REST API Developer Guide, "Composite Graph" and "Composite Graph Limits".
"""

import re
from graphlib import CycleError, TopologicalSorter
from typing import Any

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.endpoints import composite
from reconciler.emulator.http.jsonform import write_json
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg

MAX_GRAPHS = 75
MAX_NODES = 500
MAX_FAILED_GRAPHS = 14
ALLOWED = re.compile(r"/services/data/v\d+\.0/sobjects/[^/?]+(/[^/?]+){0,2}/?(\?|\Z)")


@route("POST", "/composite/graph", lacks=["the limits on depth and on different nodes"])
def run_graphs(org: EmulatedOrg, request: Request) -> Reply:
    """Run graphs, each all or nothing."""
    body = request.json
    graphs = body.get("graphs") if isinstance(body, dict) else None
    if not isinstance(graphs, list) or not graphs:
        raise ApiError("At least 1 graph is required", code="REQUIRED_FIELD_MISSING")
    if len(graphs) > MAX_GRAPHS:
        raise composite.BadComposite(f"The number of graphs exceeded the limit of {MAX_GRAPHS}.")
    entries = [_nodes(graph) for graph in graphs]
    if sum(map(len, entries)) > MAX_NODES:
        raise composite.BadComposite(f"The number of nodes exceeded the limit of {MAX_NODES}.")
    results: list[dict[str, Any]] = []
    failures = 0
    for graph, nodes in zip(graphs, entries, strict=True):
        result = _run(org, request, graph["graphId"], nodes, halted=failures >= MAX_FAILED_GRAPHS)
        failures += not result["isSuccessful"]
        results.append(result)
    return ok({"graphs": results})


def _nodes(graph: Any) -> list[dict[str, Any]]:
    if not isinstance(graph, dict) or not isinstance(graph.get("graphId"), str):
        raise ApiError("graphId is required", code="REQUIRED_FIELD_MISSING")
    nodes = composite.checked_entries(graph.get("compositeRequest"), MAX_NODES)
    for node in nodes:
        if not ALLOWED.match(composite.REFERENCE.sub("x", node["url"])):
            raise composite.BadComposite(f"The url {node['url']} is not supported in a composite graph.")
    return nodes


def _run(
    org: EmulatedOrg, request: Request, graph_id: str, nodes: list[dict[str, Any]], *, halted: bool
) -> dict[str, Any]:
    results = (
        composite.halted(nodes, [])
        if halted
        else composite.run_entries(org, request, _in_order(nodes), all_or_none=True)
    )
    by_id = {each["referenceId"]: each for each in results}
    return {
        "graphId": graph_id,
        "graphResponse": {"compositeResponse": [by_id[node["referenceId"]] for node in nodes]},
        "isSuccessful": all(each["httpStatusCode"] < 300 for each in results),
    }


def _in_order(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_id = {node["referenceId"]: node for node in nodes}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, node in by_id.items():
        text = node["url"] + write_json(node.get("body")).decode()
        needs = {re.split(r"[.\[]", found)[0] for found in composite.REFERENCE.findall(text)}
        sorter.add(name, *sorted(needs & by_id.keys()))
    try:
        return [by_id[name] for name in sorter.static_order()]
    except CycleError as error:
        raise composite.BadComposite("The graph has a cycle of references.") from error
