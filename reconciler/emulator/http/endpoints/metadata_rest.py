"""Deployments over REST: the same as over SOAP, in JSON.

Source: Metadata API Developer Guide, "Deploying with REST"; bodies as public clients send and read them.
"""

import json
from typing import Any

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http import multipart
from reconciler.emulator.http.endpoints.metadata_access import check_may_deploy
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import JSON_ONLY, route
from reconciler.emulator.metadata import deployments
from reconciler.emulator.metadata.deploy_result import deploy_result
from reconciler.emulator.metadata.jobs import Job
from reconciler.emulator.metadata.outcome import FLAGS, DeployOptions
from reconciler.emulator.org import EmulatedOrg

JSON_PARTS = ("json", "entity_content")
"""What clients call the part with the options."""


@route("GET", "/metadata")
def list_metadata_resources(org: EmulatedOrg, request: Request) -> Reply:
    """What there is below."""
    return ok({"deployRequest": f"{request.data_path}/metadata/deployRequest"})


@route("POST", "/metadata/deployRequest", media=(*JSON_ONLY, multipart.MEDIA))
def create_deployment(org: EmulatedOrg, request: Request) -> Reply:
    """Deploy an archive, or with `validatedDeployRequestId` what was validated before."""
    check_may_deploy(org, request.user_id)
    if request.headers.find("content-type").lower().startswith(multipart.MEDIA):
        job = _deploy_parts(org, request)
    else:
        job = deployments.submit_validated(org, request.user_id, _validated(request.json))
    return ok(_told(org, request, job, details=False), 201)


def _deploy_parts(org: EmulatedOrg, request: Request) -> Job:
    archive: bytes | None = None
    told: Any = {}
    for part in multipart.read_parts(request):
        if part.name in JSON_PARTS or part.content_type == "application/json":
            told = _json(part.content)
        elif part.name == "file" or part.filename is not None:
            archive = part.content
    options = told.get("deployOptions") if isinstance(told, dict) else None
    if not isinstance(options, dict):
        raise ApiError("deployOptions are missing", code="REQUIRED_FIELD_MISSING")
    if archive is None:
        raise ApiError("The archive is missing", code="REQUIRED_FIELD_MISSING")
    return deployments.submit(org, request.user_id, archive, DeployOptions.of_json(options))


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise ApiError(f"Unable to read the JSON part: {error}", code="JSON_PARSER_ERROR") from error


def _validated(told: Any) -> str:
    found = told.get("validatedDeployRequestId") if isinstance(told, dict) else None
    if not isinstance(found, str):
        raise ApiError("validatedDeployRequestId is missing", code="REQUIRED_FIELD_MISSING")
    return found


@route("GET", "/metadata/deployRequest/{job_id}")
def show_deployment(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """How a deployment goes; `includeDetails` tells its components."""
    check_may_deploy(org, request.user_id)
    job = deployments.find(org, job_id)
    details = request.params.get("includeDetails", "").lower() == "true"
    return ok(_told(org, request, job, details=details))


@route("PATCH", "/metadata/deployRequest/{job_id}")
def cancel_deployment(org: EmulatedOrg, request: Request, job_id: str) -> Reply:
    """Cancel a deployment: `{"deployResult": {"status": "Canceling"}}`."""
    check_may_deploy(org, request.user_id)
    told = request.json
    result = told.get("deployResult") if isinstance(told, dict) else None
    if not isinstance(result, dict) or result.get("status") != "Canceling":
        raise ApiError("The only change to a deployment is the status Canceling", code="INVALID_INPUT")
    deployments.cancel(org, request.user_id, job_id)
    return ok(_told(org, request, deployments.find(org, job_id), details=False), 202)


def _told(org: EmulatedOrg, request: Request, job: Job, *, details: bool) -> dict[str, Any]:
    options = {name: job.asked[name] for name in FLAGS}
    return {
        "id": job.text_id,
        "url": f"{request.base_url}{request.data_path}/metadata/deployRequest/{job.text_id}",
        "deployOptions": {
            **options,
            "runTests": job.asked.get("runTests"),
            "testLevel": job.asked.get("testLevel"),
        },
        "deployResult": deploy_result(org, job, details=details),
    }
