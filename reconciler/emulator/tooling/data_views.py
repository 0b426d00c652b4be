"""Objects of the data API that are made of components, or that time moves: flows, jobs, test runs.

Their rows are made anew when somebody asks for them and a component changed since. What time does to
scheduled jobs happens at the same moment, before they are read.

Source: Object Reference, "FlowDefinitionView", "FlowVersionView".
"""

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .. import ids
from ..metadata.types import flows
from ..metadata_xml import Tree, child, text
from ..store import quoted
from . import schedules, test_runs
from .view import tooling

if TYPE_CHECKING:
    from ..org import EmulatedOrg

MIRRORED = ("ApexComponent", "NamedCredential", "StaticResource")
"""Objects of the data API that are made of components as the Tooling API's are."""
DEFINITION_VIEW, VERSION_VIEW = "FlowDefinitionView", "FlowVersionView"
_made_from: "WeakKeyDictionary[EmulatedOrg, tuple[int | None, int, int]]" = WeakKeyDictionary()


def refresh_for(org: "EmulatedOrg", wanted: str) -> None:
    """Bring up to date what ``wanted`` (an object's name or a query) may read."""
    lowered = wanted.lower()
    if "cron" in lowered:
        schedules.settle(org)
    if "apex" in lowered:
        test_runs.settle(org)
    if named := {name for name in MIRRORED if name.lower() in lowered}:
        tooling(org).refresh(named)
    if "flow" not in lowered:
        return
    now = (org.components.stamp, org.schema.version, org.store.catch_up())
    if _made_from.get(org) != now:
        with org.store.transaction():
            _refresh(org)
        if org.store.connection.in_transaction:
            return  # it may be undone
        _made_from[org] = (org.components.stamp, org.schema.version, org.store.catch_up())


def _refresh(org: "EmulatedOrg") -> None:
    definitions, versions = [], []
    for at, name in enumerate(flows.flow_names(org), 1):
        facts = flows.FlowDefinitionType().facts(org, name)
        if facts is None:
            continue
        known = flows.versions(org, name)
        active = flows.active_version(org, name)
        definitions.append(_definition(org, at, name, facts.id, known, active))
        versions += [_version(org, name, number, facts.id) for number in known]
    _replace(org, DEFINITION_VIEW, definitions)
    _replace(org, VERSION_VIEW, versions)


def _definition(
    org: "EmulatedOrg", at: int, name: str, durable: str, known: list[int], active: int | None
) -> dict[str, Any]:
    shown = active or known[-1]
    tree = flows.read_version(org, name, shown) or {}
    start = child(tree, "start")
    changed = flows.FlowType().facts(org, name)
    about = org.schema.get(text(start, "object") or "")
    return {
        "Id": ids.make("3dd", at),
        "DurableId": durable,
        "ApiName": name,
        "ActiveVersionId": _version_id(org, name, active) if active else None,
        "LatestVersionId": _version_id(org, name, known[-1]),
        "IsActive": int(active is not None),
        "IsOutOfDate": int(active is not None and active != known[-1]),
        "VersionNumber": shown,
        **_common(tree, name),
        "TriggerType": text(start, "triggerType"),
        "RecordTriggerType": text(start, "recordTriggerType"),
        "TriggerObjectOrEventId": about.name if about else None,
        "TriggerObjectOrEventLabel": about.label if about else None,
        "TriggerOrder": _whole(text(tree, "triggerOrder")),
        "Environments": text(tree, "environments"),
        "ApiVersion": _whole(text(tree, "apiVersion")),
        "Builder": "Flow Builder",
        "ManageableState": "unmanaged",
        "LastModifiedBy": _user_name(org, changed.modified_by if changed else org.admin_id),
        "LastModifiedDate": (changed.modified_ms if changed else 0) // 1000 * 1000,
    }


def _version(org: "EmulatedOrg", name: str, number: int, definition: str) -> dict[str, Any]:
    tree = flows.read_version(org, name, number) or {}
    facts = flows.FlowVersionType().facts(org, flows.version_name(name, number))
    durable = facts.id if facts else ""
    return {
        "Id": ids.make("3vd", (ids.parse(durable) or 0) & ids.SERIAL_MASK),
        "DurableId": durable,
        "FlowDefinitionViewId": definition,
        "Status": text(tree, "status") or "Draft",
        "VersionNumber": number,
        **_common(tree, name),
        "RunInMode": text(tree, "runInMode") or "DefaultMode",
        "ApiVersion": float(text(tree, "apiVersion") or 0) or None,
        "ApiVersionRuntime": float(text(tree, "apiVersion") or 0) or None,
        "LastModifiedDate": (facts.modified_ms if facts else 0) // 1000 * 1000,
    }


def _common(tree: Tree, name: str) -> dict[str, Any]:
    return {
        "Label": text(tree, "label") or name,
        "Description": text(tree, "description"),
        "ProcessType": text(tree, "processType") or "Flow",
    }


def _whole(written: str | None) -> int | None:
    return int(float(written)) if written else None


def _version_id(org: "EmulatedOrg", name: str, number: int) -> str | None:
    facts = flows.FlowVersionType().facts(org, flows.version_name(name, number))
    return facts.id if facts else None


def _user_name(org: "EmulatedOrg", user_id: str) -> str | None:
    found = org.store.execute('SELECT "Name" FROM "User" WHERE "Id" = ?', (ids.parse(user_id),))
    return found[0][0] if found else None


def _replace(org: "EmulatedOrg", sobject: str, rows: list[dict[str, Any]]) -> None:
    table = org.tables[sobject]
    listed = ", ".join(quoted(column) for column in table.columns)
    marks = ", ".join("?" * len(table.columns))
    booleans = {field.name for field in table.stored if field.type == "boolean"}
    org.store.execute(f"DELETE FROM {quoted(sobject)}")  # noqa: S608 - names are ours
    org.store.execute_many(
        f"INSERT INTO {quoted(sobject)} ({listed}) VALUES ({marks})",  # noqa: S608 - names are ours
        [[row.get(column, 0 if column in booleans else None) for column in table.columns] for row in rows],
    )
