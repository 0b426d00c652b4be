"""Scheduled Apex and jobs: what `System.schedule` and `System.abortJob` do to an org.

A scheduled job is three rows: the trigger, its detail (the name), and an Apex job that waits. Time
moves triggers on when somebody looks (`settle`): how often they fired and when they will next.

Source: Object Reference, "CronTrigger", "CronJobDetail", "AsyncApexJob"; Apex Reference, "System".
"""

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from .. import ids
from ..writes import Transaction
from .cron import BadCron, parse

if TYPE_CHECKING:
    from ..org import EmulatedOrg

SCHEDULED_APEX = "7"
MOST_JOBS = 100
TRIGGER, DETAIL, JOB = "CronTrigger", "CronJobDetail", "AsyncApexJob"


class ApexException(Exception):
    """An exception that Apex code does not catch; its text begins with the class's name."""


def schedule(tx: Transaction, name: str, expression: str, class_id: int | None) -> str:
    """Schedule a class under a name; the id of the trigger. Raises `ApexException`."""
    waiting = tx.store.execute('SELECT count(*) FROM "CronTrigger"')[0][0]
    if tx.find_row(DETAIL, {"Name": name, "JobType": SCHEDULED_APEX}) is not None:
        raise ApexException(
            f'System.AsyncException: The Apex job named "{name}" is already scheduled for execution.'
        )
    if waiting >= MOST_JOBS:
        raise ApexException(
            f"System.LimitException: You have exceeded the maximum number ({MOST_JOBS}) of Apex "
            "scheduled jobs."
        )
    zone_key = _zone_key(tx.org, tx.user)
    try:
        following = parse(expression).next_after(tx.org.clock.now_ms(), _zone(zone_key))
    except BadCron as error:
        raise ApexException(f"System.StringException: {error}") from error
    if following is None:
        raise ApexException(
            f"System.AsyncException: Based on configured schedule, the given trigger '{name}' will never "
            "fire."
        )
    detail = tx.system_insert(DETAIL, Name=name, JobType=SCHEDULED_APEX)
    trigger = tx.system_insert(
        TRIGGER,
        CronJobDetailId=detail,
        NextFireTime=following,
        State="WAITING",
        StartTime=tx.stamp,
        CronExpression=expression,
        TimeZoneSidKey=zone_key,
        OwnerId=tx.user,
        TimesTriggered=0,
    )
    tx.system_insert(
        JOB,
        JobType="ScheduledApex",
        ApexClassId=class_id,
        Status="Queued",
        JobItemsProcessed=0,
        TotalJobItems=0,
        NumberOfErrors=0,
        CronTriggerId=trigger,
    )
    return ids.to_text(trigger)


def abort(tx: Transaction, job_id: str) -> None:
    """Abort a scheduled job or an Apex job by id. Raises `ApexException`."""
    number = ids.parse(job_id)
    prefix = "" if number is None else ids.prefix_of(number)
    if (
        number is not None
        and prefix == ids.prefix_of(ids.make("08e", 0))
        and tx.find_row(TRIGGER, {"Id": number})
    ):
        detail = tx.row(tx.tables[TRIGGER], number)["CronJobDetailId"]
        _end_jobs(tx, {"CronTriggerId": number})
        tx.drop_row(TRIGGER, {"Id": number})
        tx.drop_row(DETAIL, {"Id": detail})
        return
    if number is not None and prefix == "707" and tx.find_row(JOB, {"Id": number}):
        _end_jobs(tx, {"Id": number})
        return
    raise ApexException(f"System.StringException: Invalid id: {job_id}")


def _end_jobs(tx: Transaction, key: dict[str, int]) -> None:
    found = tx.find_row(JOB, {**key, "Status": "Queued"})
    if found is not None:
        tx.set_fields(tx.tables[JOB], found, {"Status": "Aborted", "CompletedDate": tx.stamp})


def enqueue(tx: Transaction, kind: str, class_id: int | None) -> str:
    """Run a queueable or a batch, which is over at once; the job's id."""
    job = tx.system_insert(
        JOB,
        JobType=kind,
        ApexClassId=class_id,
        Status="Completed",
        JobItemsProcessed=1 if kind == "BatchApex" else 0,
        TotalJobItems=1 if kind == "BatchApex" else 0,
        NumberOfErrors=0,
        CompletedDate=tx.stamp,
    )
    return ids.to_text(job)


def has_jobs(org: "EmulatedOrg", class_id: int) -> bool:
    """Whether a class has scheduled jobs that still wait."""
    return bool(
        org.store.execute(
            'SELECT 1 FROM "AsyncApexJob" WHERE "ApexClassId" = ? '
            "AND \"Status\" IN ('Queued', 'Processing') LIMIT 1",
            (class_id,),
        )
    )


def settle(org: "EmulatedOrg") -> None:
    """Let the triggers fire whose time has come."""
    now = org.clock.now_ms()
    due = org.store.execute(
        'SELECT "Id", "CronExpression", "TimeZoneSidKey", "NextFireTime" FROM "CronTrigger" '
        'WHERE "NextFireTime" <= ?',
        (now,),
    )
    for number, expression, zone_key, moment in due:
        cron, zone = parse(expression), _zone(zone_key)
        fired, previous, following = 0, moment, moment
        while following is not None and following <= now and fired < 100_000:
            fired, previous = fired + 1, following
            following = cron.next_after(following, zone)
        org.store.execute(
            'UPDATE "CronTrigger" SET "PreviousFireTime" = ?, "NextFireTime" = ?, "State" = ?, '
            '"TimesTriggered" = "TimesTriggered" + ? WHERE "Id" = ?',
            (previous, following, "WAITING" if following else "COMPLETE", fired, number),
        )


def _zone_key(org: "EmulatedOrg", user: int) -> str:
    found = org.store.execute('SELECT "TimeZoneSidKey" FROM "User" WHERE "Id" = ?', (user,))
    return str(found[0][0]) if found and found[0][0] else "GMT"


def _zone(key: str) -> tzinfo:
    try:
        return ZoneInfo(key)
    except (KeyError, ValueError, OSError):
        return UTC
