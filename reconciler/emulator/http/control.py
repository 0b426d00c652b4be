"""The back door of a served org: faults and the call log, for tests in other processes.

`/__emulator__/faults`: POST adds one fault or a list, GET shows them with how often they fired,
DELETE clears them. `/__emulator__/calls`: GET counts calls by method and address, DELETE forgets
them. No session is needed, and nothing here counts as a call.
"""

from collections import Counter
from typing import Any

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.envelope import rest_refusal
from reconciler.emulator.http.faults import SETTABLE, Faults, fault_from_json
from reconciler.emulator.http.message import Reply, Request, no_content, ok
from reconciler.emulator.http.traffic import traffic
from reconciler.emulator.org import EmulatedOrg

PREFIX = "/__emulator__/"


def control(org: EmulatedOrg, faults: Faults, request: Request) -> Reply:
    """Answer a call below `PREFIX`."""
    what = request.path.removeprefix(PREFIX).strip("/")
    action = {"faults": _faults, "calls": _calls}.get(what)
    if action is None:
        return ok({"error": f"no such control: {what}"}, 404)
    try:
        return action(org, faults, request)
    except ApiError as error:
        return rest_refusal(error)
    except (ValueError, TypeError) as error:
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
