"""What is left of the org's allowances, and how many records it has.

Some allowances are really counted; the other figures are those of a fresh Developer Edition.

Source: REST API Developer Guide, "Limits" and "Record Count"; names as recorded at version 60.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import json
from collections.abc import Mapping
from typing import Any

from reconciler.emulator import bounds, events
from reconciler.emulator.bulk import usage
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.http.traffic import traffic
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.store import quoted

ALLOWANCES: dict[str, int] = {
    "AnalyticsExternalDataSizeMB": 40_960,
    "CdpAiInferenceApiMonthlyLimit": 500_000_000,
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentEinsteinDataInsightsStoryCreation": 5,
    "ConcurrentEinsteinDiscoveryStoryCreation": 2,
    "ConcurrentSyncReportRuns": 20,
    "ContentDistBandwidthLimitMB": 51_200,
    "ContentDistViewLimit": 50_000,
    "ContentPublicationLimit": 2_500,
    "DailyAnalyticsDataflowJobExecutions": 60,
    "DailyAnalyticsUploadedFilesSizeMB": 51_200,
    "DailyApexCursorLimit": 10_000,
    "DailyApexCursorRowsLimit": 100_000_000,
    "DailyApexPCursorLimit": 200_000,
    "DailyApiRequests": 0,
    "DailyAsyncApexExecutions": 250_000,
    "DailyAsyncApexTests": 500,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyDeliveredPlatformEvents": 10_000,
    "DailyDurableGenericStreamingApiEvents": 10_000,
    "DailyDurableStreamingApiEvents": 10_000,
    "DailyEinsteinDataInsightsStoryCreation": 1_000,
    "DailyEinsteinDiscoveryOptimizationJobRuns": 25,
    "DailyEinsteinDiscoveryPredictAPICalls": 50_000,
    "DailyEinsteinDiscoveryPredictionsByCDC": 500_000,
    "DailyEinsteinDiscoveryStoryCreation": 100,
    "DailyFunctionsApiCallLimit": 50_000,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyMetadataRetrievesWithDependencies": 25,
    "DailyServiceEmailAgentforceCalls": 5_000,
    "DailyStandardVolumePlatformEvents": 10_000,
    "DailyStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 8_040,
    "DataStorageMB": 5,
    "DurableStreamingApiConcurrentClients": 20,
    "ExternalServicesActiveObjects": 3_000,
    "ExternalServicesActiveOperations": 3_000,
    "ExternalServicesObjectProperties": 400_000,
    "ExternalServicesObjects": 10_000,
    "ExternalServicesOperations": 10_000,
    "ExternalServicesRegistrations": 700,
    "FileStorageMB": 20,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5_000,
    "HourlyDashboardStatuses": 999_999_999,
    "HourlyElevateAsyncReportRuns": 1_200,
    "HourlyElevateSyncReportRuns": 500,
    "HourlyLongTermIdMapping": 100_000,
    "HourlyManagedContentPublicRequests": 50_000,
    "HourlyODataCallout": 1_000,
    "HourlyPublishedPlatformEvents": 50_000,
    "HourlyPublishedStandardVolumePlatformEvents": 1_000,
    "HourlyShortTermIdMapping": 100_000,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 10,
    "MaxContentDocumentsLimit": 30_000_000,
    "MonthlyEinsteinDiscoveryStoryCreation": 500,
    "Package2VersionCreates": 6,
    "Package2VersionCreatesWithoutValidation": 500,
    "PermissionSets": 1_500,
    "PlatformEventTriggersWithParallelProcessing": 5,
    "PrivateConnectOutboundCalloutHourlyLimitMB": 0,
    "PublishCallbackUsageInApex": 5_242_880,
    "ScheduledFlowRunLimit": 250_000,
    "ScheduledPathRunLimit": 250_000,
    "SingleEmail": 15,
    "StreamingApiConcurrentClients": 20,
}
"""Those of a Developer Edition org in 2026; calls have theirs in `Traffic`."""
CUSTOM_PERMISSION_SETS = 1_000


ROW_BYTES = 2_048
"""What a row takes of the data storage, whatever is in it."""
MEGABYTE = 1_048_576
FILES = (("ContentVersion", "ContentSize"), ("Attachment", "BodyLength"), ("Document", "BodyLength"))
SET = "allowances"


def set_allowance(org: EmulatedOrg, name: str, most: int) -> None:
    """Give the org another allowance than a new one has; kept with it."""
    org.set_fact(SET, json.dumps({**_set(org), name: most}))


def settable(org: EmulatedOrg) -> dict[str, int]:
    """What `set_limits` sets, as it is: calls a day, what a day or the org allows, the bounds of one call."""
    calls = {"DailyApiRequests": traffic(org).daily_requests}
    return {**ALLOWANCES, **_set(org), **calls, **bounds.bounds(org)}


def set_limits(org: EmulatedOrg, wanted: Mapping[str, Any]) -> None:
    """Give the org other limits, all that are named or, with a ValueError, none."""
    unknown = sorted(wanted.keys() - settable(org).keys())
    if unknown:
        raise ValueError(f"no such limit: {', '.join(unknown)}")
    wrong = [name for name, most in wanted.items() if type(most) is not int or most < 0]
    if wrong:
        raise ValueError(f"{', '.join(wrong)} must be a whole number, 0 or more")
    for name, most in wanted.items():
        if name == "DailyApiRequests":
            traffic(org).daily_requests = most
        elif name in ALLOWANCES:
            set_allowance(org, name, most)
        else:
            bounds.bind(org, bounds.Bound(name), most)


def _set(org: EmulatedOrg) -> dict[str, int]:
    found: dict[str, int] = json.loads(org.find_fact(SET) or "{}")
    return found


@route(
    "GET",
    "/limits",
    lacks=[
        "only calls, bulk jobs, permission sets, storage and published events are counted",
    ],
)
def list_limits(org: EmulatedOrg, request: Request) -> Reply:
    """`Max` and `Remaining` of each allowance, by name."""
    allowed = {**ALLOWANCES, **_set(org)}
    calls = traffic(org)
    now = org.clock.now_ms()
    allowed["DailyApiRequests"] = calls.daily_requests
    allowed |= {what.value: usage.allowed(org, what) for what in usage.Allowance}
    used = {
        "DailyApiRequests": calls.used(now),
        "DataStorageMB": _data_bytes(org) // MEGABYTE,
        "FileStorageMB": _file_bytes(org) // MEGABYTE,
        "HourlyPublishedPlatformEvents": events.published_since(org.schema, org.store, now - events.HOUR_MS),
        "PermissionSets": _custom_permission_sets(org),
        **{what.value: usage.used(org, what) for what in usage.Allowance},
    }
    limits: dict[str, Any] = {
        name: {"Max": allowed[name], "Remaining": max(0, allowed[name] - used.get(name, 0))}
        for name in sorted(allowed)
    }
    custom = CUSTOM_PERMISSION_SETS - used["PermissionSets"]
    limits["PermissionSets"]["CreateCustom"] = {"Max": CUSTOM_PERMISSION_SETS, "Remaining": custom}
    return ok(limits)


def _data_bytes(org: EmulatedOrg) -> int:
    stored = [each for each in org.schema if each.key_prefix and not each.setup and each.createable]
    counts = (org.store.execute(f"SELECT COUNT(*) FROM {quoted(each.name)}")[0][0] for each in stored)
    return ROW_BYTES * int(sum(counts))


def _file_bytes(org: EmulatedOrg) -> int:
    sums = (
        org.store.execute(f"SELECT COALESCE(SUM({quoted(field)}), 0) FROM {quoted(name)}")[0][0]
        for name, field in FILES
    )
    return int(sum(sums))


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
