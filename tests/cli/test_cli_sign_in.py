"""Signing in through orgs.yaml to an org that is served in a process of its own, in every way there is."""

import json
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

STATE = """\
reconcile: 1
records:
  Account:
    $key: Account_Code__c
    rows:
      ACME: {Name: Acme Corporation, Tier__c: Gold}
"""
CODES = "SELECT Account_Code__c FROM Account WHERE Account_Code__c != null"
SESSION = re.compile(r"00D\w{12,15}![\w.]+")
CANARY = "canary-5f0e93-never-shown"


@pytest.fixture
def project(cli: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Makes a project whose only org is the served one, with this way to sign in; `{ready}` is filled in."""

    def make(served: Any, way: str, *, url: str | None = "{url}", **environ: str) -> Any:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        lines = ["orgs:", "  ci:"]
        if url is not None:
            lines.append(f'    url: "{url}"')
        lines.append(f"    sign_in: {way}")
        text = "\n".join(lines) + "\n"
        for name, value in served.ready.items():
            text = text.replace("{" + name + "}", value)
        cli.write("orgs.yaml", text)
        cli.write("state.yaml", STATE)
        return cli

    return make


def secret_file(cli: Any, name: str, text: str) -> Path:
    path: Path = cli.write(name, text)
    path.chmod(0o600)
    return path


def goes_the_road(cli: Any, served: Any) -> None:
    """Checked, planned, applied and taken back; no secret of the org is in any output or file."""
    said = [cli("orgs", "check", "ci"), cli("plan", "state.yaml", "--json")]
    plan_id = cli.newest()
    said += [cli("apply", plan_id), cli("show", plan_id, "--json"), cli("history", "--json")]
    assert served.values(CODES) == ["ACME"]
    said += [cli("revert", plan_id, "--auto-approve", "--json"), cli("orgs", "list", "--json")]
    assert served.values(CODES) == []
    assert [each.code for each in said] == [0] * len(said), "\n".join(each.out + each.err for each in said)
    assert served.ready["org_id"] in said[0].out
    for each in said:
        shows_no_secret(each, served)
    for path in (cli.folder / ".reconcile").rglob("*"):
        if path.is_file():
            content = path.read_bytes().decode("latin-1")
            assert not SESSION.search(content), path
            assert all(secret not in content for secret in secrets_of(served)), path


def secrets_of(served: Any) -> list[str]:
    return [CANARY] + [served.ready[name] for name in ("password", "access_token", "client_secret")]


def shows_no_secret(said: Any, served: Any) -> None:
    shown = said.out + said.err
    assert not SESSION.search(shown)
    assert all(secret not in shown for secret in secrets_of(served))
    assert "Traceback" not in shown


def is_refused(cli: Any, served: Any, *says: str) -> None:
    """Exit 10 with these words, for each command that asks the org; nothing is in the org or journal."""
    for arguments in (("orgs", "check", "ci"), ("plan", "state.yaml"), ("plan", "state.yaml", "--json")):
        said = cli(*arguments)
        assert said.code == 10, said.out + said.err
        assert all(each in said.out + said.err for each in says), said.out + said.err
        shows_no_secret(said, served)
    assert cli("history", "--json").json["plans"] == []
    assert served.values(CODES) == []


# ── a ready token ────────────────────────────────────────────────────────────────────────────────


def test_an_access_token_from_the_environment(project: Any, served: Any) -> None:
    cli = project(served, "{access_token: {env: CI_TOKEN}}", CI_TOKEN=served.ready["access_token"])
    goes_the_road(cli, served)


def test_an_access_token_from_a_file_beside_orgs_yaml(project: Any, served: Any) -> None:
    cli = project(served, "{access_token: {file: token.txt}}")
    secret_file(cli, "token.txt", served.ready["access_token"] + "\n")
    goes_the_road(cli, served)


def test_a_wrong_access_token_is_refused(project: Any, served: Any) -> None:
    token = served.ready["access_token"][:-8] + "deadbeef"
    cli = project(served, "{access_token: {env: CI_TOKEN}}", CI_TOKEN=token)
    is_refused(cli, served, "INVALID_SESSION_ID", "mend")


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("{env: NOT_SET_ANYWHERE}", "environment variable NOT_SET_ANYWHERE is not set"),
        ("{env: EMPTY}", "environment variable EMPTY is empty"),
        ("{file: missing.txt}", "missing.txt"),
        ("{file: .}", "mend"),
    ],
)
def test_a_secret_that_is_not_there_names_the_place(project: Any, served: Any, where: str, says: str) -> None:
    cli = project(served, f"{{access_token: {where}}}", EMPTY="")
    is_refused(cli, served, says)


# ── by the org's own endpoints ───────────────────────────────────────────────────────────────────


def test_client_credentials(project: Any, served: Any) -> None:
    way = '{client_credentials: {client_id: "{client_id}", client_secret: {env: CI_SECRET}}}'
    goes_the_road(project(served, way, CI_SECRET=served.ready["client_secret"]), served)


def test_client_credentials_renew_a_session_that_ends_during_a_run(project: Any, served: Any) -> None:
    way = '{client_credentials: {client_id: "{client_id}", client_secret: {env: CI_SECRET}}}'
    cli = project(served, way, CI_SECRET=served.ready["client_secret"])
    assert cli("plan", "state.yaml").code == 0
    served.faults({"kind": "expire", "method": "POST", "path": "/composite/sobjects"})
    said = cli("apply", cli.newest())
    assert said.code == 0, said.err
    assert served.fired() == 1
    assert served.values(CODES) == ["ACME"]


@pytest.mark.parametrize(
    ("client_id", "secret", "says"),
    [("{client_id}", CANARY, "invalid_client"), ("3MVGwrong", "{client_secret}", "invalid_client_id")],
)
def test_wrong_client_credentials_are_refused(
    project: Any, served: Any, client_id: str, secret: str, says: str
) -> None:
    way = f'{{client_credentials: {{client_id: "{client_id}", client_secret: {{env: CI_SECRET}}}}}}'
    cli = project(served, way, CI_SECRET=secret.replace("{client_secret}", served.ready["client_secret"]))
    is_refused(cli, served, says)


def test_a_password_over_oauth(project: Any, served: Any) -> None:
    way = (
        '{password: {username: "{username}", password: {file: secrets/pass}, client_id: "{client_id}",'
        " client_secret: {env: CI_SECRET}}}"
    )
    cli = project(served, way, CI_SECRET=served.ready["client_secret"])
    secret_file(cli, "secrets/pass", served.ready["password"] + "\r\n")
    goes_the_road(cli, served)


def test_a_password_over_soap(project: Any, served: Any) -> None:
    way = '{password: {username: "{username}", password: {env: CI_PASSWORD}}}'
    goes_the_road(project(served, way, CI_PASSWORD=served.ready["password"]), served)


@pytest.mark.parametrize("app", ["", ', client_id: "{client_id}", client_secret: {env: CI_SECRET}'])
def test_a_wrong_password_is_refused(project: Any, served: Any, app: str) -> None:
    way = '{password: {username: "{username}", password: {env: CI_PASSWORD}' + app + "}}"
    cli = project(served, way, CI_PASSWORD=CANARY, CI_SECRET=served.ready["client_secret"])
    is_refused(cli, served, "invalid_grant" if app else "INVALID_LOGIN", served.ready["username"])


# ── a signed assertion ───────────────────────────────────────────────────────────────────────────


def key_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """A private key and a certificate of it, in PEM files."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    key_file, certificate_file = folder / f"{name}.key", folder / f"{name}.crt"
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    key_file.chmod(0o600)
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return key_file, certificate_file


JWT = '{jwt: {client_id: "{client_id}", username: "{username}", key: {file: %s}}}'


def test_a_jwt_signed_with_the_key_of_a_certificate_that_the_org_knows(
    project: Any, serve: Any, tmp_path: Path
) -> None:
    key, certificate = key_pair(tmp_path, "known")
    served = serve("--jwt-cert", str(certificate))
    goes_the_road(project(served, JWT % key.name), served)


def test_a_jwt_signed_with_another_key_is_refused_and_the_key_is_not_quoted(
    project: Any, serve: Any, tmp_path: Path
) -> None:
    _, certificate = key_pair(tmp_path, "known")
    key, _ = key_pair(tmp_path, "unknown")
    served = serve("--jwt-cert", str(certificate))
    cli = project(served, JWT % key.name)
    is_refused(cli, served, "invalid_grant", "certificate")
    assert key.read_text().splitlines()[3] not in cli("plan", "state.yaml").err


def test_a_key_that_is_none_is_refused_and_not_quoted(project: Any, served: Any) -> None:
    cli = project(served, JWT % "no.key")
    secret_file(cli, "no.key", f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n")
    is_refused(cli, served, "cannot sign")


# ── the Salesforce CLI ───────────────────────────────────────────────────────────────────────────

SF = """\
#!{python}
import json, sys
answers = json.load(open({answers!r}))
answer = answers["token" if "show-access-token" in sys.argv else "display"]
print(json.dumps(answer))
sys.exit(answer["status"])
"""
HIDDEN = "[REDACTED] Use 'sf org auth show-access-token' to view"
NOT_FOUND = {"status": 1, "name": "SfCommandNotFound", "message": "no such command"}

posix = pytest.mark.skipif(os.name != "posix", reason="the stand-in for sf is a script")


@pytest.fixture
def sf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, Any], None]:
    """Puts a program called sf on the PATH, which gives these two answers."""

    def put(display: Any, token: Any = NOT_FOUND) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        answers = folder / "answers.json"
        answers.write_text(json.dumps({"display": display, "token": token}))
        program = folder / "sf"
        program.write_text(SF.format(python=sys.executable, answers=str(answers)))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return put


def displayed(served: Any, token: str) -> dict[str, Any]:
    shown = {"instanceUrl": served.url, "username": served.ready["username"], "accessToken": token}
    return {"status": 0, "result": shown, "warnings": []}


@posix
@pytest.mark.parametrize("url", [None, "{url}"])
def test_the_session_of_an_older_sf_that_shows_its_token(
    project: Any, served: Any, sf: Any, url: str | None
) -> None:
    sf(displayed(served, served.ready["access_token"]))
    goes_the_road(project(served, "{sf_cli: acme}", url=url), served)


@posix
def test_the_session_of_a_newer_sf_that_hides_its_token(project: Any, served: Any, sf: Any) -> None:
    sf(displayed(served, HIDDEN), {"status": 0, "result": {"accessToken": served.ready["access_token"]}})
    goes_the_road(project(served, "{sf_cli: acme}", url=None), served)


@posix
def test_an_sf_that_gives_no_token_is_refused(project: Any, served: Any, sf: Any) -> None:
    sf(displayed(served, HIDDEN))
    is_refused(project(served, "{sf_cli: acme}", url=None), served, "SfCommandNotFound", "sf org login web")


@posix
def test_an_alias_that_sf_does_not_know_is_refused(project: Any, served: Any, sf: Any) -> None:
    sf({"status": 1, "name": "NamedOrgNotFoundError", "message": "No authorization information for acme."})
    is_refused(project(served, "{sf_cli: acme}", url=None), served, "NamedOrgNotFoundError", "--alias acme")


def test_without_sf_its_session_cannot_be_borrowed(
    project: Any, served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = project(served, "{sf_cli: acme}", url=None)
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    is_refused(cli, served, "not installed")


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────


def test_over_tls_with_the_authority_that_the_environment_names(project: Any, serve: Any) -> None:
    served = serve("--tls")
    assert served.url.startswith("https://")
    way = '{client_credentials: {client_id: "{client_id}", client_secret: {env: CI_SECRET}}}'
    environ = {"CI_SECRET": served.ready["client_secret"], "REQUESTS_CA_BUNDLE": served.ready["ca_file"]}
    goes_the_road(project(served, way, **environ), served)


TLS_WAYS = {
    "an access token": "{access_token: {env: CI_TOKEN}}",
    "client credentials": '{client_credentials: {client_id: "{client_id}", client_secret: {env: CI_SECRET}}}',
    "a password over OAuth": '{password: {username: "{username}", password: {env: CI_PASSWORD},'
    ' client_id: "{client_id}", client_secret: {env: CI_SECRET}}}',
    "a password over SOAP": '{password: {username: "{username}", password: {env: CI_PASSWORD}}}',
    "a jwt": JWT % "known.key",
    "sf's session": "{sf_cli: acme}",
}


@posix
def test_over_tls_each_way_to_sign_in_trusts_the_authority_in_ca_file_and_no_stranger(
    project: Any, serve: Any, sf: Any, tmp_path: Path
) -> None:
    _, certificate = key_pair(tmp_path, "known")
    served = serve("--tls", "--jwt-cert", str(certificate))
    sf(displayed(served, served.ready["access_token"]))
    environ = {
        "CI_TOKEN": served.ready["access_token"],
        "CI_SECRET": served.ready["client_secret"],
        "CI_PASSWORD": served.ready["password"],
    }
    for name, way in TLS_WAYS.items():
        cli = project(served, way, **environ)
        said = cli("orgs", "check", "ci")
        assert said.code == 1, name
        place = served.url.removeprefix("https://")
        assert f"org ci cannot be reached: the certificate of {place} was issued by an authority" in said.err
        assert "ca_file: authority.pem" in said.err
        assert "REQUESTS_CA_BUNDLE" in said.err
        shows_no_secret(said, served)
        cli.write("conf/authority.pem", Path(served.ready["ca_file"]).read_text())
        text = (cli.folder / "orgs.yaml").read_text()
        cli.write("orgs.yaml", text + "    ca_file: conf/authority.pem\n")
        said = cli("orgs", "check", "ci")
        assert said.code == 0, name + said.err
        assert served.ready["org_id"] in said.out
    goes_the_road(cli, served)


def test_a_ca_file_that_is_not_there_is_told_with_its_line(project: Any, served: Any) -> None:
    cli = project(served, "{access_token: {env: CI_TOKEN}}", CI_TOKEN=served.ready["access_token"])
    cli.write("orgs.yaml", (cli.folder / "orgs.yaml").read_text() + "    ca_file: missing.pem\n")
    said = cli("plan", "state.yaml")
    assert said.code == 1
    assert "orgs.yaml:5:14: 'ca_file' of org ci" in said.err
    assert cli("history", "--json").code == 1
    assert served.values(CODES) == []


def test_authorities_that_cannot_be_read_are_refused(project: Any, serve: Any) -> None:
    served = serve("--tls")
    way = "{access_token: {env: CI_TOKEN}}"
    environ = {"CI_TOKEN": served.ready["access_token"], "REQUESTS_CA_BUNDLE": "no-such-file.pem"}
    is_refused(project(served, way, **environ), served, "no-such-file.pem", "REQUESTS_CA_BUNDLE")
