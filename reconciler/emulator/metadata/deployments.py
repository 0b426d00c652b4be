"""Deployments from request to result: queue, states, validation, cancelling, history.

One deployment runs at a time, the others are Pending. States follow the org's clock: after
``deploy_pending_ms`` it is InProgress, after ``deploy_running_ms`` more it is done (`delays`). What a
deployment does to the org happens at once, when it is done, in one transaction. Nothing runs by itself:
whoever asks the org anything lets happen what is due (`EmulatedOrg.settle`).

Source: Metadata API Developer Guide, "deploy()", "cancelDeploy()", "deployRecentValidation()".
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.emulator import ids
from reconciler.emulator.disk import is_trouble
from reconciler.emulator.errors import ApiError
from reconciler.emulator.metadata import deploy
from reconciler.emulator.metadata.archive import BadArchive, read_zip
from reconciler.emulator.metadata.delays import delay
from reconciler.emulator.metadata.jobs import DEPLOY, Job
from reconciler.emulator.metadata.outcome import TEST_LEVELS, DeployOptions, Outcome
from reconciler.emulator.metadata.package_xml import MANIFEST, read_manifest
from reconciler.emulator.metadata.test_runs import run_tests

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

log = logging.getLogger(__name__)

SUCCEEDED = ("Succeeded", "SucceededPartial")
VALID_MS = 10 * 24 * 60 * 60 * 1000
"""How long a validation can be deployed."""
UNEXPECTED = "An unexpected error occurred. Please include this ErrorId if you contact support"


class InvalidOperation(ApiError):
    code = "INVALID_OPERATION"


class InvalidIdField(ApiError):
    code = "INVALID_ID_FIELD"


class _Undo(Exception):
    """Nothing of the deployment is to stay."""


# -- what clients ask


def submit(org: "EmulatedOrg", user_id: str, archive: bytes, options: DeployOptions) -> Job:
    """Take a deployment in. Raises INVALID_OPERATION for options that do not go together, LIMIT_EXCEEDED."""
    _check_options(options)
    with suppress(BadArchive):  # which the result tells
        read_zip(archive)
    return _enqueue(org, user_id, archive, options.to_json())


def submit_validated(org: "EmulatedOrg", user_id: str, validation_id: str) -> Job:
    """Deploy what was validated before, without its tests (a quick deploy).

    Raises INVALID_ID_FIELD when it was no validation, failed, ran no tests, is too old, or when anything was
    deployed since. Texts are not verified.
    """
    job = find(org, validation_id)
    if not job.asked["checkOnly"] or job.status != "Succeeded" or job.content is None:
        raise InvalidIdField(f"The validation {validation_id} cannot be deployed: it did not succeed as one")
    if job.asked["testLevel"] in (None, "NoTestRun"):
        raise InvalidIdField(f"The validation {validation_id} cannot be deployed: it ran no tests")
    if org.clock.now_ms() - (job.completed or 0) > VALID_MS:
        raise InvalidIdField(f"The validation {validation_id} is older than 10 days")
    if any(each.id > job.id and _changed_the_org(each) for each in org.jobs.history(DEPLOY)):
        raise InvalidIdField(
            f"The validation {validation_id} cannot be deployed: there was a deployment since"
        )
    asked = {**job.asked, "checkOnly": False, "runTests": None, "testLevel": None}
    return _enqueue(org, user_id, job.content, asked)


def _changed_the_org(job: Job) -> bool:
    return job.status in SUCCEEDED and not job.asked["checkOnly"]


def find(org: "EmulatedOrg", deployment_id: str) -> Job:
    """A deployment as it is now. Raises INVALID_CROSS_REFERENCE_KEY for an id that is none."""
    org.settle()
    job = org.jobs.find(DEPLOY, ids.parse(deployment_id))
    if job is None:
        raise ApiError("invalid cross reference id", code="INVALID_CROSS_REFERENCE_KEY")
    return job


def cancel(org: "EmulatedOrg", user_id: str, deployment_id: str) -> bool:
    """Cancel a deployment; whether that is done already. One that runs is Canceling first.

    Raises INVALID_ID_FIELD for one that is done.
    """
    number = find(org, deployment_id).id
    user = ids.parse(user_id)
    with org.store.transaction():
        job = org.jobs.find(DEPLOY, number)
        if job is None or job.done:
            raise InvalidIdField("Deployment already completed")
        if job.status == "Pending":
            _complete(org, job, "Canceled", Outcome(), canceled_by=user)
            return True
        org.jobs.change(job.id, status="Canceling", canceled_by=user)
    return False


def history(org: "EmulatedOrg") -> list[Job]:
    """All deployments, newest first, without their archives."""
    org.settle()
    return org.jobs.history(DEPLOY)


def _enqueue(org: "EmulatedOrg", user_id: str, archive: bytes, asked: Mapping[str, Any]) -> Job:
    with org.store.transaction():
        number = org.jobs.add(DEPLOY, ids.parse(user_id) or 0, org.clock.now_ms(), asked, archive)
    org.due.watch_deployments()
    job = org.jobs.find(DEPLOY, number)
    assert job is not None
    return job


def _check_options(options: DeployOptions) -> None:
    level = options.test_level
    if level is not None and level not in TEST_LEVELS:
        raise InvalidOperation(f"'{level}' is not a valid value for the enum 'TestLevel'")
    if options.run_tests and level != "RunSpecifiedTests":
        raise InvalidOperation("runTests can only be used with a testLevel of RunSpecifiedTests")
    if level == "RunSpecifiedTests" and not options.run_tests:
        raise InvalidOperation("runTests must be specified with a testLevel of RunSpecifiedTests")


# -- what time brings


def advance(org: "EmulatedOrg") -> None:
    """Let happen what is due by the clock, in the order of the requests.

    Each step is a transaction that looks at the job anew, as another process may have been quicker.
    """
    for waiting in org.jobs.waiting(DEPLOY):
        with org.schema_kept(), org.store.transaction():
            job = org.jobs.find(DEPLOY, waiting.id)
            if job is not None and not job.done and not _go_on(org, job):
                return


def _go_on(org: "EmulatedOrg", job: Job) -> bool:
    """Take a deployment as far as it is due; whether it is done, so that the next one may begin."""
    now = org.clock.now_ms()
    started = job.started
    if started is None:
        started = max(job.created + delay(org, "deploy_pending_ms"), org.jobs.last_completed(DEPLOY))
        if started > now:
            return False
        org.jobs.change(job.id, status="InProgress", started=started)
    if job.status == "Canceling":
        _complete(org, job, "Canceled", Outcome(), canceled_by=job.canceled_by)
        return True
    if started + delay(org, "deploy_running_ms") > now:
        return False
    status, outcome = _deploy(org, job)
    if status in SUCCEEDED and job.asked["performRetrieve"] and not job.asked["checkOnly"]:
        outcome.retrieved = _retrieve(org, job)
    _complete(org, job, status, outcome)
    return True


def _deploy(org: "EmulatedOrg", job: Job) -> tuple[str, Outcome]:
    """The state the job ends in, and what came of it; what failed is undone.

    Raises nothing but what the disk does, for which it waits.
    """
    options = DeployOptions.of_json(job.asked)
    outcome = Outcome()
    status = "Failed"
    try:
        files = read_zip(job.content or b"")
        with org.transaction(ids.to_text(job.user)) as tx:
            outcome = deploy.run(tx, files, options)
            outcome.tests = run_tests(tx, options, outcome)
            status = _status(outcome, options)
            if status == "Failed" or options["checkOnly"]:
                raise _Undo
    except _Undo:
        pass
    except ApiError as error:
        status, outcome.error = "Failed", (error.code, f"{error.code}: {error.message}")
    except Exception as error:
        if is_trouble(error):
            raise
        log.exception("deployment %s failed", job.text_id)
        outcome, status = Outcome(error=("UNKNOWN_EXCEPTION", f"UNKNOWN_EXCEPTION: {UNEXPECTED}")), "Failed"
    return status, outcome


def _retrieve(org: "EmulatedOrg", job: Job) -> dict[str, Any] | None:
    """What the manifest of a deployment that succeeded names; None where there are several."""
    from reconciler.emulator.metadata import retrieve

    files = read_zip(job.content or b"")
    if MANIFEST not in files:
        return None
    return retrieve.after_deployment(org, job, read_manifest(files[MANIFEST]))


def _status(outcome: Outcome, options: DeployOptions) -> str:
    if outcome.tests["numFailures"] or outcome.tests["codeCoverageWarnings"]:
        return "Failed"
    if not outcome.failures:
        return "Succeeded"
    some = any(each["componentType"] for each in outcome.successes)
    return "SucceededPartial" if some and not options["rollbackOnError"] else "Failed"


def _complete(
    org: "EmulatedOrg", job: Job, status: str, outcome: Outcome, canceled_by: int | None = None
) -> None:
    """Write down the end; the archive is kept only of a validation, which may be deployed later."""
    now = org.clock.now_ms()
    moment = stamp(now)
    for each in outcome.messages:
        each["createdDate"] = moment
    result = {
        "messages": outcome.messages,
        "tests": outcome.tests,
        "error": outcome.error,
        "retrieved": outcome.retrieved,
    }
    is_validation = job.asked["checkOnly"] and status == "Succeeded"
    org.jobs.change(
        job.id,
        status=status,
        completed=now,
        result=result,
        canceled_by=canceled_by,
        content=job.content if is_validation else None,
    )


def stamp(milliseconds: int) -> str:
    """A moment as SOAP writes it.

    >>> stamp(1_549_820_256_000)
    '2019-02-10T17:37:36.000Z'
    """
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"
