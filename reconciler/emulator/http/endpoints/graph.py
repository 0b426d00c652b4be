"""Graphs of calls: each graph is one transaction, independent of the others.

Nodes run in an order that satisfies their references, whatever the order they are listed in.

Source: REST API Developer Guide, "Composite Graph" and "Composite Graph Limits".
"""

import re
from graphlib import CycleError, TopologicalSorter
from typing import Any

from reconciler.emulator.bounds import Bound, most
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.http.endpoints import composite
from reconciler.emulator.http.jsonform import write_json
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg

MAX_GRAPHS = 75
MAX_FAILED_GRAPHS = 14
ALLOWED = re.compile(r"/services/data/v\d+\.0/sobjects/[^/?]+(/[^/?]+){0,2}/?(\?|\Z)")


MAX_DEPTH = 15
MAX_DIFFERENT = 15
"""Nodes of one graph that differ in version, method or object."""
SINCE_VERSION = 50
KIND = re.compile(r"/services/data/(v\d+\.0)/sobjects/([^/?]+)")


@route("POST", "/composite/graph")
def run_graphs(org: EmulatedOrg, request: Request) -> Reply:
    """Run graphs, each all or nothing."""
    if request.version_number < SINCE_VERSION:
        raise NotFound
    body = request.json
    graphs = body.get("graphs") if isinstance(body, dict) else None
    if not isinstance(graphs, list) or not graphs:
        raise ApiError("At least 1 graph is required", code="REQUIRED_FIELD_MISSING")
    if len(graphs) > MAX_GRAPHS:
        raise composite.BadComposite(f"The number of graphs exceeded the limit of {MAX_GRAPHS}.")
    allowed = most(org, Bound.GRAPH_NODES)
    entries = [_nodes(graph, allowed) for graph in graphs]
    if sum(map(len, entries)) > allowed:
        raise composite.BadComposite(f"The number of nodes exceeded the limit of {allowed}.")
    names = [graph["graphId"] for graph in graphs]
    if len(set(names)) < len(names):
        raise composite.BadComposite("Each graph must have a graphId of its own.")
    results: list[dict[str, Any]] = []
    failures = 0
    for graph, nodes in zip(graphs, entries, strict=True):
        result = _run(org, request, graph["graphId"], nodes, halted=failures >= MAX_FAILED_GRAPHS)
        failures += not result["isSuccessful"]
        results.append(result)
    return ok({"graphs": results})


def _nodes(graph: Any, allowed: int) -> list[dict[str, Any]]:
    if not isinstance(graph, dict) or not isinstance(graph.get("graphId"), str):
        raise ApiError("graphId is required", code="REQUIRED_FIELD_MISSING")
    nodes = composite.checked_entries(graph.get("compositeRequest"), allowed)
    for node in nodes:
        if not ALLOWED.match(composite.REFERENCE.sub("x", node["url"])):
            raise composite.BadComposite(f"The url {node['url']} is not supported in a composite graph.")
    _check_limits(nodes)
    return nodes


def _check_limits(nodes: list[dict[str, Any]]) -> None:
    kinds = {(node["method"], *KIND.findall(node["url"])) for node in nodes}
    if len(kinds) > MAX_DIFFERENT:
        raise composite.BadComposite(f"The number of different nodes exceeded the limit of {MAX_DIFFERENT}.")
    depth: dict[str, int] = {}
    needs = _needs(nodes)
    for node in _in_order(nodes):
        name = node["referenceId"]
        depth[name] = 1 + max((depth[each] for each in needs[name]), default=0)
    if max(depth.values()) > MAX_DEPTH:
        raise composite.BadComposite(f"The depth of the graph exceeded the limit of {MAX_DEPTH}.")


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


def _needs(nodes: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The nodes that each node refers to."""
    names = {node["referenceId"] for node in nodes}
    found = {}
    for node in nodes:
        text = node["url"] + write_json(node.get("body")).decode()
        referred = {re.split(r"[.\[]", each)[0] for each in composite.REFERENCE.findall(text)}
        found[node["referenceId"]] = sorted(referred & names)
    return found


def _in_order(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_id = {node["referenceId"]: node for node in nodes}
    try:
        return [by_id[name] for name in TopologicalSorter(_needs(nodes)).static_order()]
    except CycleError as error:
        raise composite.BadComposite("The graph has a cycle of references.") from error
