"""Who is running: the actor in the history, and the holder in the lease.

On a CI system the operating system's user means nothing, so the person and the job are taken from
the variables that the system sets. They are claims of the environment, not proofs.
"""

import getpass
import os
import socket
from collections.abc import Mapping
from typing import NamedTuple


class _CiSystem(NamedTuple):
    marker: str
    name: str
    person: str
    job: str


CI_SYSTEMS = (
    _CiSystem("GITHUB_RUN_ID", "GitHub run", "GITHUB_ACTOR", "GITHUB_RUN_ID"),
    _CiSystem("GITLAB_CI", "GitLab job", "GITLAB_USER_LOGIN", "CI_JOB_ID"),
    _CiSystem(
        "BITBUCKET_BUILD_NUMBER", "Bitbucket build", "BITBUCKET_STEP_TRIGGERER_UUID", "BITBUCKET_BUILD_NUMBER"
    ),
    _CiSystem("TF_BUILD", "Azure build", "BUILD_REQUESTEDFOREMAIL", "BUILD_BUILDID"),
    _CiSystem("CIRCLE_WORKFLOW_ID", "CircleCI workflow", "CIRCLE_USERNAME", "CIRCLE_WORKFLOW_ID"),
    _CiSystem("BUILDKITE_BUILD_ID", "Buildkite build", "BUILDKITE_BUILD_CREATOR_EMAIL", "BUILDKITE_BUILD_ID"),
    _CiSystem("JENKINS_URL", "Jenkins build", "BUILD_USER_ID", "BUILD_TAG"),
)


def actor(environ: Mapping[str, str] = os.environ) -> str:
    """``ada (GitHub run 42)`` on a CI system, ``ada@laptop`` elsewhere."""
    if job := _ci_job(environ):
        return f"{_ci_person(environ) or _user()} ({job})"
    return f"{_user()}@{socket.gethostname()}"


def holder(environ: Mapping[str, str] = os.environ) -> str:
    """``ada@laptop pid 4711``, with the CI job where there is one: enough to see whether it still lives."""
    job = _ci_job(environ)
    return f"{_user()}@{socket.gethostname()} pid {os.getpid()}" + (f" ({job})" if job else "")


def _ci_job(environ: Mapping[str, str]) -> str | None:
    for system in CI_SYSTEMS:
        if environ.get(system.marker):
            return f"{system.name} {environ.get(system.job, '')}".strip()
    return None


def _ci_person(environ: Mapping[str, str]) -> str | None:
    return next((environ.get(each.person) for each in CI_SYSTEMS if environ.get(each.marker)), None)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
