"""Which API versions there are, and what a version offers.

Source: REST API Developer Guide, "Versions" and "Resources by Version"; labels as recorded.
"""

from reconciler.emulator.http.api_version import NEWEST, OLDEST
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import Family, route
from reconciler.emulator.org import EmulatedOrg

SEASONS = ("Summer", "Winter", "Spring")
FIRST_SUMMER = (31, 14)
"""Version 31.0 was Summer '14; a year has three releases, and winter's carries the next year."""

RESOURCES = (
    "tooling", "metadata", "eclair", "folders", "prechatForms", "contact-tracing", "jsonxform", "chatter",
    "payments", "tabs", "appMenu", "quickActions", "queryAll", "commerce", "wave", "iot", "analytics",
    "search", "identity", "smartdatadiscovery", "composite", "parameterizedSearch", "fingerprint", "theme",
    "nouns", "domino", "event", "serviceTemplates", "recent", "connect", "licensing", "limits", "process",
    "dedupe", "async-queries", "query", "jobs", "localizedvalue", "match", "emailConnect", "consent",
    "compactLayouts", "knowledgeManagement", "sobjects", "actions", "support",
)  # fmt: skip
SERVED = frozenset(
    ("tooling", "metadata", "queryAll", "search", "composite", "parameterizedSearch", "recent", "limits",
     "query", "jobs", "sobjects", "tabs", "theme", "appMenu", "quickActions", "compactLayouts", "connect",
     "actions", "process")
)  # fmt: skip
"""Those that lead somewhere here; the others are left out of the list of a version."""


def label(version: int) -> str:
    """`Summer '14` for 31.

    >>> label(31), label(32), label(33), label(66)
    ("Summer '14", "Winter '15", "Spring '15", "Spring '26")
    """
    first, year = FIRST_SUMMER
    years, season = divmod(version - first, 3)
    return f"{SEASONS[season]} '{year + years + (1 if season else 0)}"


@route("GET", "/services/data", family=Family.OPEN)
def list_versions(org: EmulatedOrg, request: Request) -> Reply:
    """All versions, oldest first. Needs no session."""
    return ok(
        [
            {"label": label(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
            for number in range(OLDEST, NEWEST + 1)
        ]
    )


@route("GET", "", lacks=["resources that have no endpoint here are not listed"])
def list_resources(org: EmulatedOrg, request: Request) -> Reply:
    """The resources of a version by name; `identity` is the address of the caller's identity."""
    found = {name: f"{request.data_path}/{name}" for name in RESOURCES if name in SERVED}
    found["identity"] = f"{request.base_url}/id/{org.org_id}/{request.user_id}"
    return ok(found)
