"""Up to 25 independent calls in one. Each commits by itself and counts against the allowance.

Source: REST API Developer Guide, "Composite Batch"; shapes as recorded.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.emulator.bounds import Bound, most
from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.endpoints.composite import METHODS, BadComposite, run_subrequest
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.http.traffic import traffic
from reconciler.emulator.org import EmulatedOrg

HALTED = {
    "statusCode": 412,
    "result": [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}],
}


@route("POST", "/composite/batch", lacks=["binaryPartName"])
def batch(org: EmulatedOrg, request: Request) -> Reply:
    """Run subrequests in order; with `haltOnError` none after a failed one."""
    body = request.json
    entries = body.get("batchRequests") if isinstance(body, dict) else None
    if not isinstance(entries, list) or not entries:
        raise ApiError("At least 1 batch request is required", code="REQUIRED_FIELD_MISSING")
    if len(entries) > (allowed := most(org, Bound.BATCH_SUBREQUESTS)):
        raise BadComposite(f"The number of batch requests exceeded the limit of {allowed}.")
    for entry in entries:
        _check(entry)
    halt = body.get("haltOnError") is True
    results: list[dict[str, Any]] = []
    failed = False
    for entry in entries:
        if failed and halt:
            results.append(dict(HALTED))
            continue
        reply = _run(org, request, entry)
        failed = failed or reply.failed
        results.append({"statusCode": reply.status, "result": None if reply.empty else reply.value})
    traffic(org).count(org.clock.now_ms(), len(entries) - 1)
    return ok({"hasErrors": failed, "results": results})


def _check(entry: Any) -> None:
    """Raises for what is no request, which refuses the whole batch before any of it is run."""
    if not isinstance(entry, dict) or not isinstance(entry.get("url"), str):
        raise ApiError("url is required in a batch request", code="REQUIRED_FIELD_MISSING")
    if entry.get("method") not in METHODS:
        raise BadComposite(f"Invalid method: {entry.get('method')}")


def _run(org: EmulatedOrg, request: Request, entry: Mapping[str, Any]) -> Reply:
    url = entry["url"].lstrip("/")
    url = url if url.startswith("services/data/") else f"services/data/{url}"
    return run_subrequest(org, request, entry["method"], f"/{url}", entry.get("richInput"))
