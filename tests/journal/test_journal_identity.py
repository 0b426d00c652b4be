"""Who ran it: the person and the job on a CI system, the user and the process elsewhere."""

import getpass
import os
import socket

import pytest

from reconciler.journal import identity

JOBS = {
    "GitHub": ({"GITHUB_RUN_ID": "42", "GITHUB_ACTOR": "ada"}, "ada (GitHub run 42)"),
    "GitLab": ({"GITLAB_CI": "true", "CI_JOB_ID": "7", "GITLAB_USER_LOGIN": "ada"}, "ada (GitLab job 7)"),
    "Jenkins": ({"JENKINS_URL": "x", "BUILD_TAG": "j-1", "BUILD_USER_ID": "ada"}, "ada (Jenkins build j-1)"),
}


@pytest.mark.parametrize(("environ", "told"), JOBS.values(), ids=JOBS.keys())
def test_on_a_ci_system_the_actor_is_the_person_it_names(environ: dict[str, str], told: str) -> None:
    assert identity.actor(environ) == told


def test_a_job_that_names_no_person_is_the_users() -> None:
    assert identity.actor({"GITHUB_RUN_ID": "42"}) == f"{getpass.getuser()} (GitHub run 42)"


def test_elsewhere_the_actor_is_the_user_and_the_machine() -> None:
    assert identity.actor({}) == f"{getpass.getuser()}@{socket.gethostname()}"


def test_the_holder_names_the_process_and_the_job() -> None:
    assert identity.holder({}) == f"{getpass.getuser()}@{socket.gethostname()} pid {os.getpid()}"
    assert identity.holder({"GITHUB_RUN_ID": "42"}).endswith(f"pid {os.getpid()} (GitHub run 42)")


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("no name")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert identity.actor({}) == f"uid {os.getuid()}@{socket.gethostname()}"
