"""What is left of the org's allowances, and how many records it has.

Only the daily calls are really counted; the other figures are those of a fresh Developer Edition.

Source: REST API Developer Guide, "Limits" and "Record Count"; names as recorded at version 60.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from typing import Any

from reconciler.emulator.bulk import usage
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.http.traffic import traffic
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.store import quoted

ALLOWANCES: dict[str, int] = {
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentSyncReportRuns": 20,
    "DailyApiRequests": 0,
    "DailyAsyncApexExecutions": 250_000,
    "DailyAsyncApexTests": 500,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyDurableGenericStreamingApiEvents": 10_000,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyStandardVolumePlatformEvents": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 1_000,
    "DataStorageMB": 5,
    "DurableStreamingApiConcurrentClients": 20,
    "FileStorageMB": 20,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5_000,
    "HourlyDashboardStatuses": 999_999_999,
    "HourlyODataCallout": 1_000,
    "HourlyPublishedPlatformEvents": 50_000,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 10,
    "Package2VersionCreates": 6,
    "PermissionSets": 1_500,
    "SingleEmail": 15,
    "StreamingApiConcurrentClients": 20,
}
CUSTOM_PERMISSION_SETS = 1_000


@route(
    "GET",
    "/limits",
    lacks=["only DailyApiRequests, PermissionSets, DailyBulkApiBatches and DailyBulkV2QueryJobs are counted"],
)
def list_limits(org: EmulatedOrg, request: Request) -> Reply:
    """`Max` and `Remaining` of each allowance."""
    limits: dict[str, Any] = {name: {"Max": most, "Remaining": most} for name, most in ALLOWANCES.items()}
    calls = traffic(org)
    left = calls.daily_requests - calls.used(org.clock.now_ms())
    limits["DailyApiRequests"] = {"Max": calls.daily_requests, "Remaining": max(0, left)}
    used = _custom_permission_sets(org)
    limits["PermissionSets"] = {
        "Max": ALLOWANCES["PermissionSets"],
        "Remaining": ALLOWANCES["PermissionSets"] - used,
        "CreateCustom": {"Max": CUSTOM_PERMISSION_SETS, "Remaining": CUSTOM_PERMISSION_SETS - used},
    }
    for what in usage.Allowance:
        most = usage.allowed(org, what)
        limits[what] = {"Max": most, "Remaining": most - usage.used(org, what)}
    return ok(limits)


def _custom_permission_sets(org: EmulatedOrg) -> int:
    sobject = org.schema.get("PermissionSet")
    if sobject is None or sobject.field("IsOwnedByProfile") is None:
        return 0
    return int(org.store.execute('SELECT COUNT(*) FROM "PermissionSet" WHERE "IsOwnedByProfile" = 0')[0][0])


@route("GET", "/limits/recordCount")
def count_records(org: EmulatedOrg, request: Request) -> Reply:
    """How many rows each named object has, all objects without `sObjects`; empty ones are left out."""
    schema = org.access.of(request.user_id).schema
    wanted = [each.strip() for each in request.params.get("sObjects", "").split(",") if each.strip()]
    sobjects = [schema.get(name) for name in wanted] if wanted else list(schema)
    counts = []
    for sobject in sobjects:
        if sobject is None:
            continue
        living = ' WHERE "IsDeleted" = 0' if sobject.field("IsDeleted") else ""
        number = org.store.execute(f"SELECT COUNT(*) FROM {quoted(sobject.name)}{living}")[0][0]
        if number:
            counts.append({"count": number, "name": sobject.name})
    return ok({"sObjects": counts})
