"""The graph of resources as a text tree, DOT, Mermaid and SVG. Arrows point from what comes first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from .text import safe

Links = Sequence[tuple[str, str]]
"""Pairs of addresses: what stands, and what it stands on."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Addresses in order and what each stands on."""

    nodes: Sequence[str]
    links: Links

    def parents(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {node: [] for node in self.nodes}
        for child, parent in self.links:
            found[child].append(parent)
        return found

    def children(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {node: [] for node in self.nodes}
        for child, parent in self.links:
            found[parent].append(child)
        return found


def to_tree(picture: Picture) -> str:
    """What nothing stands under first, with what stands on it indented below; a repeat is marked."""
    parents, children = picture.parents(), picture.children()
    lines: list[str] = []
    shown: set[str] = set()
    stack = [(node, 0) for node in reversed(picture.nodes) if not parents[node]]
    while stack:
        node, depth = stack.pop()
        again = node in shown
        lines.append("  " * depth + safe(node) + (" (above)" if again and children[node] else ""))
        if not again:
            shown.add(node)
            stack.extend((child, depth + 1) for child in reversed(children[node]))
    lines.extend(safe(node) + " (in a cycle)" for node in picture.nodes if node not in shown)
    return "\n".join(lines)


def to_dot(picture: Picture) -> str:
    quoted = {
        node: '"' + safe(node).replace("\\", "\\\\").replace('"', '\\"') + '"' for node in picture.nodes
    }
    lines = ["digraph reconcile {", "  rankdir=LR;", "  node [shape=box, fontname=Helvetica];"]
    lines += [f"  {quoted[node]};" for node in picture.nodes]
    lines += [f"  {quoted[parent]} -> {quoted[child]};" for child, parent in picture.links]
    return "\n".join([*lines, "}"])


def to_mermaid(picture: Picture) -> str:
    names = {node: f"n{at}" for at, node in enumerate(picture.nodes)}
    lines = ["flowchart LR"]
    lines += [f'  {names[node]}["{_mermaid(node)}"]' for node in picture.nodes]
    lines += [f"  {names[parent]} --> {names[child]}" for child, parent in picture.links]
    return "\n".join(lines)


def _mermaid(text: str) -> str:
    return safe(text).replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")


ROW, CHARACTER, MARGIN, GAP = 34, 7.2, 20, 70
"""Pixels: height of a row, width of a letter, margin, space between columns for the arrows."""


def to_svg(picture: Picture) -> str:
    """Columns by how much a resource stands on, drawn without any script or remote font."""
    columns = _columns(picture)
    place: dict[str, tuple[float, float, float]] = {}
    x = float(MARGIN)
    for column in columns:
        width = max(len(safe(node)) for node in column) * CHARACTER + 20
        for at, node in enumerate(column):
            place[node] = (x, MARGIN + at * ROW, width)
        x += width + GAP
    height = MARGIN * 2 + max((len(column) for column in columns), default=0) * ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{x:.0f}" height="{height}" '
        f'viewBox="0 0 {x:.0f} {height}" font-family="monospace" font-size="12">',
        '<defs><marker id="a" markerWidth="8" markerHeight="8" refX="7" refY="3" orient="auto">'
        '<path d="M0,0 L7,3 L0,6 z" fill="#667"/></marker></defs>',
    ]
    parts += [_svg_arrow(place[parent], place[child]) for child, parent in picture.links]
    parts += [_svg_box(node, *place[node]) for node in picture.nodes]
    return "\n".join([*parts, "</svg>"])


def _svg_arrow(start: tuple[float, float, float], end: tuple[float, float, float]) -> str:
    x1, y1 = start[0] + start[2], start[1] + 12
    x2, y2 = end[0], end[1] + 12
    bend = GAP / 2
    return (
        f'<path d="M{x1:.0f},{y1:.0f} C{x1 + bend:.0f},{y1:.0f} {x2 - bend:.0f},{y2:.0f} {x2:.0f},{y2:.0f}" '
        'fill="none" stroke="#99a" marker-end="url(#a)"/>'
    )


def _svg_box(node: str, x: float, y: float, width: float) -> str:
    return (
        f'<g><rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="24" rx="4" '
        'fill="#eef3fb" stroke="#557"/>'
        f'<text x="{x + 10:.0f}" y="{y + 16:.0f}" fill="#223">{escape(safe(node))}</text></g>'
    )


def _columns(picture: Picture) -> list[list[str]]:
    """Nodes by the longest way from what stands on nothing; members of a cycle share the last column."""
    parents, children = picture.parents(), picture.children()
    waiting = {node: len(parents[node]) for node in picture.nodes}
    depth = {node: 0 for node in picture.nodes if not waiting[node]}
    queue = list(depth)
    for node in queue:
        for child in children[node]:
            depth[child] = max(depth.get(child, 0), depth[node] + 1)
            waiting[child] -= 1
            if not waiting[child]:
                queue.append(child)
    last = max(depth.values(), default=0)
    columns: list[list[str]] = [[] for _ in range(last + 1)]
    for node in picture.nodes:
        columns[depth.get(node, last) if not waiting[node] else last].append(node)
    return [column for column in columns if column]


FORMATS: Mapping[str, Callable[[Picture], str]] = {
    "tree": to_tree,
    "dot": to_dot,
    "mermaid": to_mermaid,
    "svg": to_svg,
}


def render_graph(picture: Picture, form: str) -> str:
    return FORMATS[form](picture)


def links_of(pairs: Iterable[tuple[str, str]]) -> Links:
    return list(dict.fromkeys(pairs))
