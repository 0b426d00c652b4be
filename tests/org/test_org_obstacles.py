"""The way to an org over real connections: certificates, names, refusals, proxies."""

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reconciler.emulator.http.tls import server_context
from reconciler.model.errors import AuthenticationFailed, OrgError
from reconciler.model.outcome import Applied, Refused, Unknown
from reconciler.org import (
    AccessTokenSignIn,
    ClientCredentialsSignIn,
    PasswordSignIn,
    SalesforceOrg,
    SecretText,
    SignIn,
    Timeouts,
    connect,
)
from reconciler.org.obstacles import RULES, find_obstacle

from .scripted import TOKEN, Call, ConnectProxy, Fault, Reply, ScriptedServer, Waits, created, errors

NAME = "acme.my.salesforce.com"
TOKEN_SIGN_IN = AccessTokenSignIn(SecretText(TOKEN))
APP = ClientCredentialsSignIn(client_id="3MVG9", client_secret=SecretText("shh"))
PASSWORD = PasswordSignIn(username="ada@example.com", password=SecretText("pw"))
WAYS: list[SignIn] = [TOKEN_SIGN_IN, APP, PASSWORD]


def org_at(
    url: str, waits: Waits, how: SignIn = TOKEN_SIGN_IN, *, ca_file: Path | None = None
) -> SalesforceOrg:
    authorities = None if ca_file is None else str(ca_file)
    return connect(
        "uat",
        url,
        how,
        ca_file=authorities,
        patience=waits.patience(attempts=6),
        timeouts=Timeouts(connect=5, read=5, write=5),
    )


def refusal(org: SalesforceOrg) -> OrgError:
    """What a first read is told."""
    with pytest.raises(OrgError) as refused:
        org.query(["SELECT Id FROM Account"])
    assert refused.value.exit_code == 1
    assert not isinstance(refused.value, AuthenticationFailed)
    return refused.value


# ── certificates ─────────────────────────────────────────────────────────────────────────────────


def certificate(folder: Path, host: str, *, days: tuple[int, int] = (-1, 1)) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a self-signed certificate, valid between two days from now; and its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "acme")])
    now = datetime.now(UTC)
    try:
        name: x509.GeneralName = x509.IPAddress(ip_address(host))
    except ValueError:
        name = x509.DNSName(host)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    both = folder / "both.pem"
    form = serialization.PrivateFormat.PKCS8
    both.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()) + file.read_bytes()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, file


@pytest.mark.parametrize("how", WAYS, ids=lambda how: type(how).__name__)
@pytest.mark.parametrize(
    ("host", "days", "trusted", "says", "mend"),
    [
        ("127.0.0.1", (-1, 1), False, "self-signed", "ca_file: authority.pem"),
        ("127.0.0.1", (-9, -2), True, "has expired", "renew"),
        ("127.0.0.1", (2, 9), True, "not valid yet", "clock"),
        ("127.0.0.2", (-1, 1), True, "is for another host", "name that the certificate is for"),
        (NAME, (-1, 1), True, "is for another host", "name that the certificate is for"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_named_with_its_flaw_and_not_tried_again(
    tmp_path: Path,
    waits: Waits,
    how: SignIn,
    host: str,
    days: tuple[int, int],
    trusted: bool,
    says: str,
    mend: str,
) -> None:
    context, file = certificate(tmp_path, host, days=days)
    server = ScriptedServer(context)
    try:
        told = refusal(org_at(server.url, waits, how, ca_file=file if trusted else None))
    finally:
        server.stop()
    assert told.code == "UNTRUSTED_CERTIFICATE"
    assert f"org uat cannot be reached: the certificate of 127.0.0.1:{server.port}" in str(told)
    assert says in str(told)
    assert mend in str(told)
    assert waits.seconds == []
    assert server.calls == []


def test_an_authority_that_is_unknown_is_mended_by_ca_file_or_the_environment(
    tmp_path: Path, waits: Waits
) -> None:
    server = ScriptedServer(server_context("127.0.0.1", tmp_path / "ca.pem"))
    try:
        told = refusal(org_at(server.url, waits))
        assert "authority that is not trusted" in str(told)
        assert "ca_file" in str(told)
        assert "REQUESTS_CA_BUNDLE" in str(told)
        server.otherwise = Reply(200, {"totalSize": 0, "done": True, "records": []})
        assert org_at(server.url, waits, ca_file=tmp_path / "ca.pem").query(["SELECT Id FROM Account"]) == [
            []
        ]
    finally:
        server.stop()


def test_a_write_to_an_untrusted_host_is_refused_and_not_in_doubt(tmp_path: Path, waits: Waits) -> None:
    context, _ = certificate(tmp_path, "127.0.0.1")
    server = ScriptedServer(context)
    try:
        (outcome,) = org_at(server.url, waits).create("Account", [{}])
    finally:
        server.stop()
    assert isinstance(outcome, Refused)
    assert "self-signed" in outcome.message
    assert server.calls == []


def test_tls_asked_of_a_port_that_speaks_plain_http_is_told_at_once(
    server: ScriptedServer, waits: Waits
) -> None:
    told = refusal(org_at(server.url.replace("http:", "https:"), waits, APP))
    assert "cannot agree on TLS" in str(told)
    assert "check the port" in str(told)
    assert waits.seconds == []


def test_a_session_that_is_renewed_during_a_run_waits_for_an_org_that_is_away(waits: Waits) -> None:
    server = ScriptedServer()
    token = Reply(200, {"access_token": TOKEN, "instance_url": server.url})

    def expire(call: Call) -> Reply:
        server.stop()
        return Reply(401, errors("INVALID_SESSION_ID"), {"Connection": "close"})

    server.script = [token, expire]
    with pytest.raises(OrgError, match="refused the connection"):
        org_at(server.url, waits, APP).create("Account", [{}])
    assert waits.seconds == [0.5, 1, 2, 4, 8]


# ── names and ports ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", WAYS, ids=lambda how: type(how).__name__)
def test_a_name_that_does_not_resolve_is_told_within_a_second(waits: Waits, how: SignIn) -> None:
    told = refusal(org_at("https://acme.my.salesforce.invalid", waits, how))
    assert "the name acme.my.salesforce.invalid does not resolve" in str(told)
    assert "check its url in orgs.yaml" in str(told)
    assert sum(waits.seconds) <= 1


@pytest.mark.parametrize("how", WAYS, ids=lambda how: type(how).__name__)
def test_a_refused_connection_is_told_within_a_second(
    server: ScriptedServer, waits: Waits, how: SignIn
) -> None:
    server.stop()
    told = refusal(org_at(server.url, waits, how))
    assert f"127.0.0.1:{server.port} refused the connection" in str(told)
    assert "HTTPS_PROXY" in str(told)
    assert 0 < sum(waits.seconds) <= 1


def test_a_host_that_ends_the_connection_during_tls_is_not_sent_to(waits: Waits) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        org = org_at(f"https://127.0.0.1:{listening.getsockname()[1]}", waits)
        (outcome,) = org.create("Account", [{}])
        listening.shutdown(socket.SHUT_RDWR)
    assert isinstance(outcome, Refused)
    assert "not sent" in outcome.message


@pytest.mark.parametrize("error", [OSError(101, "Network is unreachable"), TimeoutError(), RuntimeError()])
def test_every_obstacle_names_the_host_and_a_mend(error: Exception) -> None:
    found = find_obstacle([error], "https://acme.my.salesforce.com/services", None)
    assert NAME in found.what
    assert found.mend


def test_a_certificate_may_be_that_of_a_proxy_spoken_to_over_tls() -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = 20, "unable to get local issuer certificate"
    found = find_obstacle([error], f"https://{NAME}", "https://ada:canary@proxy.example:3129")
    assert f"the certificate of {NAME} or of the proxy proxy.example:3129 was issued" in found.what


def test_the_rules_end_with_one_that_fits_all() -> None:
    assert RULES[-1].error is BaseException


# ── proxies ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[ScriptedServer]:
    """An org by its Salesforce name that only a proxy leads to."""
    server = ScriptedServer(server_context(NAME, tmp_path / "ca.pem"))
    yield server
    server.stop()


@pytest.fixture
def proxy(behind: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectProxy]:
    proxy = ConnectProxy(behind.port)
    without_proxies(monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", f"http://ada:canary@{proxy.place}")
    yield proxy
    proxy.stop()


def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_calls_and_sign_ins_go_through_the_proxy_of_the_environment_in_a_tunnel(
    behind: ScriptedServer, proxy: ConnectProxy, tmp_path: Path, waits: Waits
) -> None:
    token = Reply(200, {"access_token": TOKEN, "instance_url": f"https://{NAME}"})
    behind.script = [token, Reply(200, created(1))]
    org = org_at(f"https://{NAME}", waits, APP, ca_file=tmp_path / "ca.pem")
    assert org.create("Account", [{}]) == [Applied("001000000000001AAA")]
    assert behind.calls[0].path == "/services/oauth2/token"
    assert proxy.asked[0].startswith(f"CONNECT {NAME}:443 ")
    assert "Proxy-Authorization: Basic" in proxy.asked[0]
    assert TOKEN not in "".join(proxy.asked)
    assert all("Proxy-Authorization" not in call.headers for call in behind.calls)


@pytest.mark.parametrize("lost", [Fault.CLOSE, Fault.RESET, Fault.CUT])
def test_a_write_whose_answer_is_lost_behind_a_proxy_reaches_the_org_once(
    behind: ScriptedServer, proxy: ConnectProxy, tmp_path: Path, waits: Waits, lost: Fault
) -> None:
    org = org_at(f"https://{NAME}", waits, ca_file=tmp_path / "ca.pem")
    behind.script = [lost]
    (outcome,) = org.create("Account", [{}])
    assert isinstance(outcome, Unknown)
    assert len(behind.calls) == 1


def test_a_host_of_no_proxy_is_asked_without_it(
    behind: ScriptedServer, proxy: ConnectProxy, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", ".salesforce.invalid")
    told = refusal(org_at("https://acme.my.salesforce.invalid", waits))
    assert "does not resolve" in str(told)
    assert proxy.asked == []


@pytest.mark.parametrize(
    "said",
    ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"],
    ids=lambda said: said[:3],
)
def test_a_proxy_that_refuses_is_named_with_its_words_and_without_its_password(
    behind: ScriptedServer, waits: Waits, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    without_proxies(monkeypatch)
    refusing = ConnectProxy(behind.port, refusing=said)
    monkeypatch.setenv("HTTPS_PROXY", f"http://ada:canary@{refusing.place}")
    try:
        org = org_at(f"https://{NAME}", waits)
        told = refusal(org)
        (outcome,) = org.create("Account", [{}])
    finally:
        refusing.stop()
    assert f"the proxy {refusing.place} gave no way to {NAME}" in str(told)
    assert said in str(told)
    assert "NO_PROXY" in str(told)
    assert "canary" not in str(told) + str(outcome)
    assert isinstance(outcome, Refused)
    assert behind.calls == []


def test_a_proxy_that_is_not_there_is_named(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    told = refusal(org_at(f"https://{NAME}", waits))
    assert "the proxy 127.0.0.1:9 gave no way" in str(told)
    assert sum(waits.seconds) <= 1


@pytest.mark.parametrize(
    "address", ["http://", "http://ada:canary@[bad", "http://ada:canary@host:99999", "gopher://x"]
)
def test_a_proxy_setting_that_is_no_address_is_told_at_once_without_its_password(
    waits: Waits, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    without_proxies(monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", address)
    told = refusal(org_at(f"https://{NAME}", waits))
    assert "the proxy" in str(told)
    assert "HTTPS_PROXY" in str(told)
    assert "canary" not in str(told)
    assert waits.seconds == []
