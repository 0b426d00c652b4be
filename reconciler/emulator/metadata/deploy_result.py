"""A deployment's state as checkDeployStatus answers it, for SOAP and REST alike.

Source: the public WSDL of API 63, "DeployResult"; answers recorded in 2019.
"""

from typing import TYPE_CHECKING, Any

from reconciler.emulator import ids
from reconciler.emulator.metadata.deployments import SUCCEEDED, stamp
from reconciler.emulator.metadata.jobs import Job
from reconciler.emulator.metadata.outcome import NO_TESTS

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg


def deploy_result(org: "EmulatedOrg", job: Job, *, details: bool) -> dict[str, Any]:
    """Elements in the WSDL's order; None is left out of XML and null in JSON."""
    told = job.result or {"messages": [], "tests": NO_TESTS, "error": None}
    tests, error = told["tests"], told["error"] or (None, None)
    components = [each for each in told["messages"] if each["componentType"] or not each["success"]]
    failures = [each for each in told["messages"] if not each["success"]]
    canceled = job.canceled_by is not None
    return {
        "canceledBy": short_id(job.canceled_by),
        "canceledByName": user_name(org, job.canceled_by) if canceled else None,
        "checkOnly": job.asked["checkOnly"],
        "completedDate": None if job.completed is None else stamp(job.completed),
        "createdBy": short_id(job.user),
        "createdByName": user_name(org, job.user),
        "createdDate": stamp(job.created),
        "details": _details(told, failures) if details else None,
        "done": job.done,
        "errorMessage": error[1],
        "errorStatusCode": error[0],
        "id": job.text_id,
        "ignoreWarnings": job.asked["ignoreWarnings"],
        "lastModifiedDate": stamp(job.completed or job.started or job.created),
        "numberComponentErrors": len(failures),
        "numberComponentsDeployed": len(components) - len(failures),
        "numberComponentsTotal": len(components),
        "numberTestErrors": tests["numFailures"],
        "numberTestsCompleted": tests["numTestsRun"] - tests["numFailures"],
        "numberTestsTotal": tests["numTestsRun"],
        "rollbackOnError": job.asked["rollbackOnError"],
        "runTestsEnabled": job.asked.get("testLevel") not in (None, "NoTestRun"),
        "startDate": None if job.started is None else stamp(job.started),
        "stateDetail": None,
        "status": job.status,
        "success": job.status in SUCCEEDED,
    }


def _details(told: dict[str, Any], failures: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "componentFailures": failures,
        "componentSuccesses": [each for each in told["messages"] if each["success"]],
        "retrieveResult": told.get("retrieved"),
        "runTestResult": told["tests"],
    }


def short_id(number: int | None) -> str | None:
    """15 characters, as people are named here."""
    return None if number is None else ids.to_text(number)[:15]


def user_name(org: "EmulatedOrg", number: int | None) -> str:
    """What a user is called; empty for one that is not there any more."""
    found = org.store.execute('SELECT "Name" FROM "User" WHERE "Id" = ?', (number,))
    return str(found[0][0]) if found else ""
