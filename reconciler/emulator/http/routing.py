"""The table of routes, and what it lacks.

An endpoint registers itself with `route`; `endpoints` imports its module when its area is first
asked for. A template is a path whose `{name}` segments are handed to the endpoint, percent-decoded.
Literal segments win over named ones, so `/sobjects/{sobject}/describe` is found before
`/sobjects/{sobject}/{record_id}`.

What an endpoint does not do is data (``lacks``), and so is what has no endpoint at all
(`MISSING_FAMILIES`); `gaps` gives both to `reconcile emulator gaps`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import unquote

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http import endpoints
from reconciler.emulator.http.message import Reply, Request
from reconciler.emulator.org import EmulatedOrg

Endpoint = Callable[..., Reply]
DATA_ROOT = "/services/data/{version}"
WHOLE = ("/services/", "/id/", "/setup/", "/cometd/")

MISSING_FAMILIES: dict[str, str] = {
    "/services/apexrest": "Apex is not run, so classes have no REST resources",
    "/services/data/vN/analytics": "descriptions and runs of reports and dashboards",
    "/services/data/vN/chatter, /connect": "Chatter, and Connect but for the list of communities",
    "/services/data/vN/graphql": "GraphQL",
    "/services/data/vN/named-credentials": "credentials over Connect; their metadata is deployed",
    "/services/data/vN/wave": "CRM Analytics",
    "REST bodies in XML": "only JSON is read and written",
}


JSON_ONLY = ("", "application/json")
BODY_BYTES = 50 * 1024 * 1024
"""What a body may have; some endpoints take more and look themselves."""


class Family(Enum):
    """How a route is signed in to and how it refuses."""

    REST = "REST"
    OPEN = "without a session"
    OAUTH = "OAuth"
    IDENTITY = "identity"
    SOAP = "partner SOAP"
    ASYNC = "Bulk API 1.0"


@dataclass(frozen=True)
class Route:
    method: str
    template: str
    family: Family
    endpoint: Endpoint
    lacks: tuple[str, ...] = ()
    media: tuple[str, ...] = JSON_ONLY
    """Content types of a body; others are refused with 415. Looked at for REST only."""
    most_bytes: int | None = BODY_BYTES
    """Of a body; None where the endpoint looks itself."""


@dataclass
class _Node:
    """One step of the tree of paths."""

    literal: dict[str, "_Node"] = field(default_factory=dict)
    objects: dict[str, "_Node"] = field(default_factory=dict)
    """The literal ones that are names of objects (`User`), in lower case: they may be written in any."""
    named: dict[str, "_Node"] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)


_TREE = _Node()
_ROUTES: list[Route] = []


def route(
    method: str,
    template: str,
    *,
    family: Family = Family.REST,
    lacks: Sequence[str] = (),
    media: Sequence[str] = JSON_ONLY,
    most_bytes: int | None = BODY_BYTES,
) -> Callable[[Endpoint], Endpoint]:
    """Register an endpoint. A template that begins with none of `WHOLE` is below the data root."""
    whole = template if template.startswith(WHOLE) else DATA_ROOT + template

    def register(endpoint: Endpoint) -> Endpoint:
        made = Route(method, whole, family, endpoint, tuple(lacks), tuple(media), most_bytes)
        node = _TREE
        for segment in _segments(whole):
            branch = node.named if segment.startswith("{") else node.literal
            step = branch.setdefault(segment.strip("{}"), _Node())
            if segment[0].isupper():
                node.objects[segment.lower()] = step
            node = step
        if method in node.routes:
            raise AssertionError(f"two endpoints for {method} {whole}")
        node.routes[method] = made
        _ROUTES.append(made)
        return endpoint

    return register


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


class MethodNotAllowed(ApiError):
    """Source: REST API Developer Guide, "Status Codes and Error Responses"."""

    status, code = 405, "METHOD_NOT_ALLOWED"

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f"HTTP Method '{method}' not allowed. Allowed are {','.join(allowed)}")


@dataclass(frozen=True)
class Match:
    """A route, and the named segments of the address it is handed (the version is the request's)."""

    route: Route
    arguments: dict[str, str]

    def answer(self, org: EmulatedOrg, request: Request) -> Reply:
        """Run the endpoint. Raises what it raises."""
        return self.route.endpoint(org, request, **self.arguments)


def find(method: str, path: str) -> Match | None:
    """The route for a call, with the decoded named segments; None when no template has this path.

    The most literal template counts. Raises `MethodNotAllowed` when it has other methods only. HEAD is
    served by GET.
    """
    segments = [unquote(each) if "%" in each else each for each in path.split("/") if each]
    endpoints.load(endpoints.area_of(segments))
    node, arguments = next(_walk(_TREE, segments, {}), (None, {}))
    if node is None:
        return None
    found = node.routes.get("GET" if method == "HEAD" else method)
    if found is None:
        raise MethodNotAllowed(method, list(_with_head(node)))
    return Match(found, {name: each for name, each in arguments.items() if name != "version"})


METHODS = ("HEAD", "GET", "POST", "PATCH", "PUT", "DELETE")


def _with_head(node: _Node) -> Iterator[str]:
    """The methods of an address, always in the same order."""
    has = {*node.routes, *(["HEAD"] if "GET" in node.routes else [])}
    yield from (each for each in METHODS if each in has)


def _walk(
    node: _Node, segments: list[str], arguments: dict[str, str]
) -> Iterator[tuple[_Node, dict[str, str]]]:
    if not segments:
        if node.routes:
            yield node, arguments
        return
    first, rest = segments[0], segments[1:]
    literal = node.literal.get(first) or (node.objects.get(first.lower()) if node.objects else None)
    if literal is not None:
        yield from _walk(literal, rest, arguments)
    for name, child in node.named.items():
        yield from _walk(child, rest, {**arguments, name: first})


def routes() -> list[Route]:
    """All routes, by template."""
    endpoints.load_all()
    return sorted(_ROUTES, key=lambda each: (each.template, each.method))


def gaps() -> list[dict[str, Any]]:
    """What is not emulated: one entry a route that lacks something, then whole families."""
    partly: list[dict[str, Any]] = [
        {"where": f"{each.method} {each.template.replace('{version}', 'vN')}", "lacks": list(each.lacks)}
        for each in routes()
        if each.lacks
    ]
    return partly + [{"where": where, "lacks": [what]} for where, what in MISSING_FAMILIES.items()]
