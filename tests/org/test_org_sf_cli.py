"""Borrowing a session from `sf`: a script of that name stands on the PATH."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import certifi
import pytest

from reconciler.model.errors import AuthenticationFailed
from reconciler.model.outcome import Applied
from reconciler.org import SalesforceOrg, SfCliSignIn, connect
from reconciler.org.sf_cli import read_sf_cli

from .scripted import TOKEN, Reply, ScriptedServer, Waits, created, errors

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in for sf is a script")

HIDDEN = "[REDACTED] Use 'sf org auth show-access-token' to view"
SCRIPT = """#!{python}
import json, os, subprocess, sys
answers = json.load(open({answers!r}))
with open({log!r}, "a") as log:
    log.write(json.dumps([sys.argv[1:], os.environ.get("NO_COLOR"), os.environ.get("FORCE_COLOR")]) + "\\n")
answer = answers["token" if "show-access-token" in sys.argv else "display"]
if "seconds" in answer:
    subprocess.run([sys.executable, "-c", "import time; time.sleep(%d)" % answer["seconds"]])
sys.stderr.write(answer.get("stderr", ""))
sys.stdout.write(answer["stdout"])
sys.exit(answer.get("exit", 0))
"""


class FakeSf:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def answers(self, display: dict[str, Any], token: dict[str, Any] | None = None) -> None:
        both = {"display": display, "token": token or failure("SfCommandNotFound", "no such command")}
        (self.folder / "answers.json").write_text(json.dumps(both))

    @property
    def calls(self) -> list[list[Any]]:
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]


def result(**fields: Any) -> dict[str, Any]:
    return {"stdout": json.dumps({"status": 0, "result": fields, "warnings": []}, indent=2)}


def failure(name: str, message: str) -> dict[str, Any]:
    return {"stdout": json.dumps({"status": 1, "name": name, "message": message}), "exit": 1}


@pytest.fixture
def sf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSf:
    program = tmp_path / "sf"
    files = {"answers": str(tmp_path / "answers.json"), "log": str(tmp_path / "log")}
    program.write_text(SCRIPT.format(python=sys.executable, **files))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return FakeSf(tmp_path)


def test_a_newer_sf_is_asked_for_the_token_by_its_own_command(
    sf: FakeSf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "3")
    sf.answers(
        result(instanceUrl="https://acme.my.salesforce.com", username="ada@example.com", accessToken=HIDDEN),
        result(accessToken=TOKEN),
    )
    session = read_sf_cli("acme")
    assert (session.instance_url, session.username, session.access_token) == (
        "https://acme.my.salesforce.com",
        "ada@example.com",
        TOKEN,
    )
    assert sf.calls == [
        [["org", "display", "--target-org", "acme", "--json"], "1", "0"],
        [["org", "auth", "show-access-token", "--target-org", "acme", "--json"], "1", "0"],
    ]
    assert TOKEN not in repr(session)


def test_sf_trusts_the_orgs_authorities_too(sf: FakeSf) -> None:
    program = sf.folder / "sf"
    program.write_text(program.read_text().replace('"FORCE_COLOR"', '"NODE_EXTRA_CA_CERTS"'))
    sf.answers(
        result(instanceUrl="https://acme.my.salesforce.com", accessToken=HIDDEN), result(accessToken=TOKEN)
    )
    org = connect("prod", None, SfCliSignIn("acme"), ca_file=certifi.where())
    assert org.org_id == "00D000000000001EAA"
    assert [call[2] for call in sf.calls] == [certifi.where()] * 2


def test_an_older_sf_shows_the_token_itself(sf: FakeSf) -> None:
    sf.answers(result(instanceUrl="https://acme.my.salesforce.com", username="a", accessToken=TOKEN))
    assert read_sf_cli("acme").access_token == TOKEN
    assert len(sf.calls) == 1


def test_warnings_before_the_json_are_passed_over(sf: FakeSf) -> None:
    shown = result(instanceUrl="https://acme.my.salesforce.com", accessToken=TOKEN)
    sf.answers({"stdout": "Warning: update available\n" + shown["stdout"]})
    assert read_sf_cli("acme").username is None


@pytest.mark.parametrize(
    ("display", "token", "says"),
    [
        (
            failure("NamedOrgNotFoundError", "No authorization information found for acme."),
            None,
            "NamedOrgNotFound",
        ),
        (result(username="a"), None, "names no address"),
        (result(instanceUrl="https://a.my.salesforce.com", accessToken=HIDDEN), None, "SfCommandNotFound"),
        (
            result(instanceUrl="https://a.my.salesforce.com", accessToken=HIDDEN),
            result(accessToken=HIDDEN),
            "no access",
        ),
        ({"stdout": "not json", "exit": 0}, None, "failed for 'acme'"),
        (
            {"stdout": "", "stderr": f"boom {TOKEN}", "exit": 7},
            None,
            "exit 7: boom 00D000000000001!(redacted)",
        ),
    ],
)
def test_what_sf_cannot_give_is_said_with_its_own_words_and_without_tokens(
    sf: FakeSf, display: dict[str, Any], token: dict[str, Any] | None, says: str
) -> None:
    sf.answers(display, token)
    with pytest.raises(AuthenticationFailed) as refused:
        read_sf_cli("acme")
    assert says in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_an_sf_that_does_not_answer_is_ended_with_what_it_started(sf: FakeSf) -> None:
    sf.answers({"stdout": "{}", "seconds": 30})
    with pytest.raises(AuthenticationFailed, match=r"no answer in 0\.2 s"):
        read_sf_cli("acme", seconds=0.2)


def test_a_missing_sf_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AuthenticationFailed, match="'sf' is not installed"):
        read_sf_cli("acme")


@pytest.mark.parametrize("alias", ["", " ", "--json", "-o"])
def test_an_alias_that_sf_would_take_for_an_option_is_refused(sf: FakeSf, alias: str) -> None:
    with pytest.raises(AuthenticationFailed, match="no alias"):
        read_sf_cli(alias)
    assert not (sf.folder / "log").exists()


def opened(url: str | None, waits: Waits) -> SalesforceOrg:
    return connect("prod", url, SfCliSignIn("acme"), api_version="60.0", patience=waits.patience())


def test_an_org_needs_no_url_where_sf_knows_it_and_renews_through_sf(
    sf: FakeSf, server: ScriptedServer, waits: Waits
) -> None:
    sf.answers(result(instanceUrl=server.url, username="ada@example.com", accessToken=TOKEN))
    server.script = [Reply(401, errors("INVALID_SESSION_ID")), Reply(200, created(1))]
    org = opened(None, waits)
    assert org.create("Account", [{}]) == [Applied("001000000000001AAA")]
    assert (org.username, org.org_id, org.url) == ("ada@example.com", "00D000000000001EAA", server.url)
    assert len(sf.calls) == 2


def test_an_alias_of_another_org_than_the_url_is_refused(
    sf: FakeSf, server: ScriptedServer, waits: Waits
) -> None:
    sf.answers(result(instanceUrl="https://other.my.salesforce.com", accessToken=TOKEN))
    with pytest.raises(AuthenticationFailed, match=r"is at https://other\.my\.salesforce\.com"):
        opened(server.url, waits).query(["SELECT Id FROM Account"])
    assert server.calls == []
