"""Every sign-in of orgs.yaml reaches an emulated org in another process, and no secret is printed."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


@pytest.fixture(scope="module")
def key_pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A private key and the certificate that goes with it, as files."""
    folder = tmp_path_factory.mktemp("keys")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "reconcile")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(pem)
    (folder / "key.pem").chmod(0o600)
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return folder / "key.pem", folder / "cert.pem"


@pytest.fixture(params=["http", "tls"])
def org(
    request: pytest.FixtureRequest,
    key_pair: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dict[str, str]]:
    """An emulated org that knows the certificate; over TLS its authority is trusted."""
    more = ["--tls"] if request.param == "tls" else []
    command = [sys.executable, "-m", "reconciler", "emulator", "serve", "--jwt-cert", str(key_pair[1]), *more]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ready: dict[str, str] = json.loads(process.stdout.readline())
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    if "ca_file" in ready:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", ready["ca_file"])
    monkeypatch.setenv("WAY_TOKEN", ready["access_token"])
    monkeypatch.setenv("WAY_SECRET", ready["client_secret"])
    (tmp_path / "password.txt").write_text(ready["password"] + "\n")
    (tmp_path / "password.txt").chmod(0o600)
    yield ready
    process.terminate()
    assert process.wait(10) == 0


def ways(org: dict[str, str], key_file: Path) -> dict[str, Any]:
    return {
        "access_token": {"access_token": {"env": "WAY_TOKEN"}},
        "client_credentials": {
            "client_credentials": {"client_id": org["client_id"], "client_secret": {"env": "WAY_SECRET"}}
        },
        "password over SOAP": {
            "password": {"username": org["username"], "password": {"file": "password.txt"}}
        },
        "password over OAuth": {
            "password": {
                "username": org["username"],
                "password": {"file": "password.txt"},
                "client_id": org["client_id"],
                "client_secret": {"env": "WAY_SECRET"},
            }
        },
        "jwt": {
            "jwt": {
                "client_id": org["client_id"],
                "username": org["username"],
                "key": {"file": str(key_file)},
            }
        },
    }


def test_each_way_in_reaches_the_org_and_prints_no_secret(
    cli: Any, org: dict[str, str], key_pair: tuple[Path, Path]
) -> None:
    for way, sign_in in ways(org, key_pair[0]).items():
        cli.write("orgs.yaml", json.dumps({"orgs": {"way": {"url": org["url"], "sign_in": sign_in}}}))
        said = cli("orgs", "check", "way", "--json")
        assert said.code == 0, (way, said.err)
        assert said.json["org_id"] == org["org_id"], way
        for secret in ("access_token", "client_secret", "password"):
            assert org[secret] not in said.out + said.err


NEW_CLI = """#!/bin/sh
case "$*" in
  *"show-access-token"*) echo '{"status":0,"result":{"accessToken":"TOKEN"}}' ;;
  *) echo '{"result":{"instanceUrl":"URL","username":"USER","accessToken":"[REDACTED] Use"}}' ;;
esac
"""
OLD_CLI = """#!/bin/sh
case "$*" in
  *"show-access-token"*) echo '{"status":1,"name":"Error","message":"is not a sf command"}'; exit 2 ;;
  *) echo '{"status":0,"result":{"instanceUrl":"URL","username":"USER","accessToken":"TOKEN"}}' ;;
esac
"""


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for sf is a shell script")
@pytest.mark.parametrize("script", [NEW_CLI, OLD_CLI], ids=["since May 2026", "before"])
def test_a_sign_in_of_the_salesforce_cli_is_used(
    cli: Any, org: dict[str, str], script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        script.replace("TOKEN", org["access_token"])
        .replace("URL", org["url"])
        .replace("USER", org["username"])
    )
    sf = cli.write("bin/sf", text)
    sf.chmod(sf.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{sf.parent}{os.pathsep}{os.environ['PATH']}")
    cli.write("orgs.yaml", json.dumps({"orgs": {"way": {"sign_in": {"sf_cli": "acme"}}}}))
    said = cli("orgs", "check", "way", "--json")
    assert said.code == 0, said.err
    assert said.json["org_id"] == org["org_id"]
    assert org["access_token"] not in said.out + said.err


def test_a_key_that_the_org_does_not_know_is_refused_with_the_code_for_authentication(
    cli: Any, org: dict[str, str], tmp_path: Path
) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "other.pem").write_bytes(pem)
    (tmp_path / "other.pem").chmod(0o600)
    sign_in = ways(org, tmp_path / "other.pem")["jwt"]
    cli.write("orgs.yaml", json.dumps({"orgs": {"way": {"url": org["url"], "sign_in": sign_in}}}))
    said = cli("orgs", "check", "way")
    assert said.code == 10
    assert "PRIVATE KEY" not in said.out + said.err
