"""What jobs take of a rolling day's allowances, counted by the hour.

Source: Salesforce Developer Limits and Allocations, "Bulk API and Bulk API 2.0"; the text as users
report it.
"""

from enum import StrEnum
from typing import TYPE_CHECKING

from .jobs import DAY_MS, prepare
from .refusals import BulkRefusal
from .settings import settings

if TYPE_CHECKING:
    from ..org import EmulatedOrg

HOUR_MS = 3_600_000


class Allowance(StrEnum):
    """Named as the limits resource names them."""

    BATCHES = "DailyBulkApiBatches"
    QUERY_JOBS = "DailyBulkV2QueryJobs"


def allowed(org: "EmulatedOrg", what: Allowance) -> int:
    kept = settings(org)
    return kept.daily_batches if what is Allowance.BATCHES else kept.daily_query_jobs


def used(org: "EmulatedOrg", what: Allowance) -> int:
    """How much was taken in the last 24 hours."""
    prepare(org)
    first = (org.clock.now_ms() - DAY_MS) // HOUR_MS
    sql = "SELECT COALESCE(SUM(count), 0) FROM _bulk_usage WHERE what = ? AND hour > ?"
    return int(org.store.execute(sql, (what, first))[0][0])


def take(org: "EmulatedOrg", what: Allowance) -> None:
    """Count one more. Raises `BulkRefusal`, uncounted, when the day's are used up."""
    if used(org, what) >= allowed(org, what):
        items = "ApiBatchItems" if what is Allowance.BATCHES else what.value
        raise BulkRefusal("ExceededQuota", f"{items} Limit exceeded.", code="LIMITEXCEEDED")
    org.store.execute(
        "INSERT INTO _bulk_usage VALUES (?, ?, 1) ON CONFLICT (hour, what) DO UPDATE SET count = count + 1",
        (org.clock.now_ms() // HOUR_MS, what),
    )
