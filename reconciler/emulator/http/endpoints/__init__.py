"""The endpoints, one module a family of resources, imported when something in their area is first asked for.

An area is what an address begins with: the first segment below the data root (`sobjects`), or the first two
of another address (`services/oauth2`). All modules with routes in an area are named there, because a literal
segment in one goes before a named one in another.
"""

from collections.abc import Sequence
from importlib import import_module

AREAS: dict[str, tuple[str, ...]] = {
    "": ("versions",),
    "analytics": ("unused",),
    "appMenu": ("furniture",),
    "cometd": ("cometd",),
    "compactLayouts": ("layouts",),
    "composite": ("composite", "batch", "graph", "sobject_collections", "tree"),
    "connect": ("furniture",),
    "id": ("identity",),
    "jobs": ("bulk2_ingest", "bulk2_query"),
    "limits": ("limits",),
    "metadata": ("metadata_rest",),
    "parameterizedSearch": ("search",),
    "process": ("unused",),
    "query": ("queries",),
    "queryAll": ("queries",),
    "quickActions": ("quick_actions",),
    "recent": ("recent",),
    "search": ("search",),
    "services/Soap": ("partner_soap", "metadata_soap", "apex_soap"),
    "services/async": ("bulk1",),
    "services/oauth2": ("oauth", "identity", "authorize"),
    "setup": ("authorize",),
    "sobjects": (
        "describes",
        "rows",
        "external_ids",
        "replication",
        "passwords",
        "layouts",
        "list_views",
        "quick_actions",
    ),
    "tabs": ("furniture",),
    "theme": ("furniture",),
    "tooling": ("tooling_queries", "tooling_rows", "tooling_apex"),
    "ui-api": ("ui_api", "ui_layouts", "ui_lists", "ui_records"),
    "actions": ("actions",),
}
_loaded: set[str] = set()


def area_of(segments: Sequence[str]) -> str:
    """The area of an address.

    >>> area_of(["services", "data", "v64.0", "sobjects", "Account"])
    'sobjects'
    >>> area_of(["services", "oauth2", "token"])
    'services/oauth2'
    """
    if segments[:2] == ["services", "data"]:
        return segments[3] if len(segments) > 3 else ""
    return "/".join(segments[: 2 if segments[:1] == ["services"] else 1])


def load(area: str) -> None:
    """Have the routes of an area in the table; nothing happens for an area there is not."""
    if area not in _loaded and area in AREAS:
        for name in AREAS[area]:
            import_module(f"{__name__}.{name}")
        _loaded.add(area)  # not before: another thread waits for the import, too


def load_all() -> None:
    for area in AREAS:
        load(area)
