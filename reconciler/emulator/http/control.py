"""The back door of a served org, for tests in other processes: faults, the call log, snapshots.

`/__emulator__/faults`: POST adds one fault or a list, GET shows them with how often they fired,
DELETE clears them. `/__emulator__/calls`: GET counts calls by method and address, DELETE forgets
them. `/__emulator__/snapshot`: POST keeps the org as it is under a `name`, GET lists the names, DELETE
forgets one. `/__emulator__/reset`: POST makes the org what it was at the snapshot with this `name`, or as
it was when it was new; faults and calls stay. The name is in the body, `{"name": "clean"}`, or the query.
`/__emulator__/bulk`: GET shows how long bulk jobs take and what a day allows, POST changes it.
`/__emulator__/limits`: GET shows how many calls a day the org allows, its other allowances and how much
one call may ask for (`bounds`), POST changes those that it names: `{"DailyApiRequests": 100}`.
`/__emulator__/locks`: GET shows the ids of the rows that only administrators may change, POST sets them.
`/__emulator__/metadata`: GET shows how long deployments and retrievals take, POST changes it.
`/__emulator__/apex`: POST declares what Apex does (`tooling.apex`), GET shows it, DELETE forgets it.
`/__emulator__/packages`: POST declares packages that can be installed (`tooling.packages`), GET shows them.
No session is needed, and nothing here counts as a call.
"""

import sqlite3
from collections import Counter
from dataclasses import asdict
from typing import Any

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.envelope import rest_refusal
from reconciler.emulator.http.faults import SETTABLE, Faults, fault_from_json
from reconciler.emulator.http.message import Reply, Request, no_content, ok
from reconciler.emulator.http.traffic import traffic
from reconciler.emulator.kept_snapshots import START, NoSnapshot
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.rules import locks

PREFIX = "/__emulator__/"


def control(org: EmulatedOrg, faults: Faults, request: Request) -> Reply:
    """Answer a call below `PREFIX`."""
    what = request.path.removeprefix(PREFIX).strip("/")
    action = ACTIONS.get(what)
    if action is None:
        return ok({"error": f"no such control: {what}"}, 404)
    try:
        return action(org, faults, request)
    except ApiError as error:
        return rest_refusal(error)
    except NoSnapshot as error:
        return ok({"error": str(error)}, 404)
    except (ValueError, TypeError, sqlite3.DatabaseError) as error:
        return ok({"error": str(error)}, 400)


def _faults(org: EmulatedOrg, faults: Faults, request: Request) -> Reply:
    if request.method == "DELETE":
        faults.clear()
        return no_content()
    if request.method == "POST":
        given = request.json
        for fault in [fault_from_json(each) for each in (given if isinstance(given, list) else [given])]:
            faults.append(fault)
    names = (*sorted(SETTABLE), "matched", "fired")
    return ok([{name: getattr(each, name) for name in names} for each in faults])


def _calls(org: EmulatedOrg, faults: Faults, request: Request) -> Reply:
    calls = traffic(org).calls
    if request.method == "DELETE":
        calls.clear()
        return no_content()
    counted: list[dict[str, Any]] = [
        {"method": method, "path": path, "count": count} for (method, path), count in Counter(calls).items()
    ]
    return ok({"total": len(calls), "calls": counted})


def _snapshot(org: EmulatedOrg, faults: Faults, request: Request) -> Reply:
    if request.method == "POST":
        org.snapshots.take(name := _name(request))
        return ok({"name": name}, 201)
    if request.method == "DELETE":
        org.snapshots.remove(_name(request))
        return no_content()
    return ok([{"name": each} for each in org.snapshots.names()])


def _reset(org: EmulatedOrg, faults: Faults, request: Request) -> Reply:
    if request.method != "POST":
        return ok({"error": "an org is reset by POST"}, 405)
    org.snapshots.go_back(name := _name(request, START))
    return ok({"name": name})


def _apex(org: EmulatedOrg, faults: Faults, request: Request) -> Reply:
    from reconciler.emulator.tooling import apex

    if request.method == "DELETE":
        apex.forget(org)
        return no_content()
    if request.method == "POST":
        apex.declare(org, request.json)
    return ok(apex.declared(org))


def _packages(org: EmulatedOrg, faults: Faults, request: Request) -> Reply:
    from reconciler.emulator.tooling import packages

    if request.method == "POST":
        packages.declare(org, request.json)
    return ok(packages.declared(org))


def _name(request: Request, default: str | None = None) -> str:
    """The name a call is about. Raises ValueError where there is none."""
    given = request.json if request.body else {}
    if not isinstance(given, dict):
        raise ValueError('the body is an object: {"name": "clean"}')
    name = given.get("name", request.params.get("name", default))
    if not isinstance(name, str):
        raise ValueError('a snapshot has a name: {"name": "clean"}')
    return name


def _bulk(org: EmulatedOrg, faults: Faults, request: Request) -> Reply:
    from reconciler.emulator.bulk.settings import configure, settings

    return ok(asdict(configure(org, **request.json) if request.method == "POST" else settings(org)))


def _metadata(org: EmulatedOrg, faults: Faults, request: Request) -> Reply:
    from reconciler.emulator.metadata import delays

    return ok(delays.configure(org, **request.json) if request.method == "POST" else delays.delays(org))


def _limits(org: EmulatedOrg, faults: Faults, request: Request) -> Reply:
    from reconciler.emulator.http.endpoints import limits

    if request.method == "POST":
        given = request.json
        if not isinstance(given, dict):
            raise ValueError('the body is an object: {"CollectionRecords": 50}')
        limits.set_limits(org, given)
    return ok(limits.settable(org))


def _locks(org: EmulatedOrg, faults: Faults, request: Request) -> Reply:
    if request.method == "POST":
        given = request.json
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            raise ValueError('the body is a list of ids: ["001…"]')
        locks.lock(org, given)
    return ok(locks.locked(org))


ACTIONS = {
    "faults": _faults,
    "calls": _calls,
    "snapshot": _snapshot,
    "reset": _reset,
    "apex": _apex,
    "bulk": _bulk,
    "limits": _limits,
    "locks": _locks,
    "metadata": _metadata,
    "packages": _packages,
}
