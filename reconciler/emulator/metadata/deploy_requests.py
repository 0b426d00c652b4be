"""Deployments as rows of the Tooling API's DeployRequest.

Source: Tooling API, "DeployRequest".
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reconciler.emulator.metadata.deploy_result import deploy_result
from reconciler.emulator.metadata.jobs import DEPLOY

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

OBJECT = "DeployRequest"


def rows(org: "EmulatedOrg") -> Iterator[dict[str, Any]]:
    """One row a deployment as the store keeps it, by column."""
    for job in org.jobs.history(DEPLOY):
        told = {**deploy_result(org, job, details=False), **job.asked}
        plain = {
            name[0].upper() + name[1:]: int(value) if isinstance(value, bool) else value
            for name, value in told.items()
            if not isinstance(value, list)
        }
        yield {
            **plain,
            "Id": job.id,
            "CreatedById": job.user,
            "CreatedDate": job.created,
            "SystemModstamp": job.completed or job.started or job.created,
            "StartDate": job.started,
            "CompletedDate": job.completed,
            "CanceledById": job.canceled_by,
        }
