"""The client against the emulated org: in this process, over a port, over TLS."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from reconciler.emulator.http import sessions
from reconciler.emulator.http.adapter import EmulatorAdapter
from reconciler.emulator.http.faults import FaultKind
from reconciler.emulator.http.server import Server
from reconciler.emulator.org import EmulatedOrg
from reconciler.model.errors import AuthenticationFailed, OrgError
from reconciler.model.outcome import Applied, Refused, Unknown
from reconciler.model.promises import Update
from reconciler.org import (
    AccessTokenSignIn,
    ClientCredentialsSignIn,
    JwtSignIn,
    PasswordSignIn,
    SalesforceOrg,
    SecretText,
    SignIn,
    connect,
    connect_emulated,
)

from .scripted import Waits


@pytest.fixture
def emulated() -> Iterator[EmulatedOrg]:
    org = EmulatedOrg()
    yield org
    org.close()


@pytest.fixture
def adapter(emulated: EmulatedOrg) -> EmulatorAdapter:
    return EmulatorAdapter(emulated)


@pytest.fixture
def client(emulated: EmulatedOrg, adapter: EmulatorAdapter, waits: Waits) -> SalesforceOrg:
    token = sessions.open_session(emulated, emulated.admin_id)
    return connect_emulated(adapter, token, patience=waits.patience())


@pytest.fixture
def port(emulated: EmulatedOrg) -> Iterator[Server]:
    with Server(emulated) as server:
        yield server


def accounts(client: SalesforceOrg, count: int) -> list[str]:
    ids: list[str] = []
    for start in range(0, count, 200):
        rows = [{"Name": f"A{number:05d}"} for number in range(start, min(count, start + 200))]
        outcomes = client.create("Account", rows)
        assert all(isinstance(each, Applied) for each in outcomes)
        ids.extend(each.record_id for each in outcomes if isinstance(each, Applied))
    return ids


def test_five_thousand_rows_come_in_three_pages_each_once(client: SalesforceOrg) -> None:
    ids = accounts(client, 5_000)
    before = client.calls_made
    rows, others = client.query(["SELECT Id FROM Account WHERE Name LIKE 'A0%'", "SELECT Id FROM User"])
    assert sorted(row["Id"] for row in rows) == sorted(ids)
    assert others
    assert client.calls_made - before == 3
    assert client.calls_left is not None


def test_two_hundred_rows_are_made_in_one_call_and_deleted_twice(client: SalesforceOrg) -> None:
    ids = accounts(client, 200)
    assert client.calls_made == 1
    assert client.delete("Account", ids) == [Applied(each) for each in ids]
    assert client.delete("Account", ids) == [Applied(each) for each in ids]


def test_a_bad_row_is_refused_and_its_neighbours_are_made(
    client: SalesforceOrg, emulated: EmulatedOrg
) -> None:
    first, bad, last = client.create("Account", [{"Name": "a"}, {"Phone": "1"}, {"Name": "c"}])
    assert isinstance(first, Applied)
    assert isinstance(last, Applied)
    assert isinstance(bad, Refused)
    assert (bad.code, bad.fields) == ("REQUIRED_FIELD_MISSING", ("Name",))
    assert len(emulated.rows("Account")) == 2


def test_a_lost_answer_to_a_create_is_unknown_and_the_row_is_made_once(
    client: SalesforceOrg, emulated: EmulatedOrg, adapter: EmulatorAdapter
) -> None:
    adapter.faults.add(FaultKind.LOSE_AFTER, method="POST")
    (outcome,) = client.create("Account", [{"Name": "a"}])
    assert isinstance(outcome, Unknown)
    assert len(emulated.rows("Account")) == 1


def test_a_cut_answer_over_a_port_is_unknown(emulated: EmulatedOrg, port: Server) -> None:
    token = SecretText(sessions.open_session(emulated, emulated.admin_id))
    with connect("ci", port.url, AccessTokenSignIn(token)) as client:
        port.faults.add(FaultKind.CUT, method="POST")
        (outcome,) = client.create("Account", [{"Name": "a"}])
    assert isinstance(outcome, Unknown)
    assert len(emulated.rows("Account")) == 1


@pytest.mark.parametrize("kind", [FaultKind.LOCK, FaultKind.THROTTLE])
def test_what_passes_is_waited_for(
    client: SalesforceOrg, emulated: EmulatedOrg, adapter: EmulatorAdapter, waits: Waits, kind: FaultKind
) -> None:
    adapter.faults.add(kind, method="POST", times=2)
    (outcome,) = client.create("Account", [{"Name": "a"}])
    assert isinstance(outcome, Applied)
    assert len(waits.seconds) == 2
    assert len(emulated.rows("Account")) == 1


def test_a_conditional_update_is_refused_when_the_row_changed_since_it_was_read(
    client: SalesforceOrg, emulated: EmulatedOrg
) -> None:
    (record_id,) = accounts(client, 1)
    ((row,),) = client.query([f"SELECT LastModifiedDate FROM Account WHERE Id = '{record_id}'"])
    read_at = row["LastModifiedDate"]
    assert client.update("Account", [Update(record_id, {"Phone": "1"}, read_at)]) == [Applied(record_id)]
    earlier = "2001-01-01T00:00:00.000+0000"
    (outcome,) = client.update("Account", [Update(record_id, {"Phone": "2"}, earlier)])
    assert isinstance(outcome, Refused)
    assert outcome.moved
    assert [each["Phone"] for each in emulated.rows("Account")] == ["1"]


def test_an_update_sets_what_it_names_and_says_when_a_row_is_gone(
    client: SalesforceOrg, emulated: EmulatedOrg
) -> None:
    kept, gone = accounts(client, 2)
    client.delete("Account", [gone])
    done, refused = client.update("Account", [Update(kept, {"Phone": "1"}), Update(gone, {"Phone": "1"})])
    assert done == Applied(kept)
    assert isinstance(refused, Refused)
    assert refused.moved
    (outcome,) = client.update("Account", [Update(gone, {"Phone": "1"}, "2031-01-01T00:00:00Z")])
    assert isinstance(outcome, Refused)
    assert outcome.moved


def test_a_refused_query_names_salesforces_code(client: SalesforceOrg) -> None:
    for queries in (["SELECT Nope FROM Account"], ["SELECT Id FROM Account", "SELECT Nope FROM Account"]):
        with pytest.raises(OrgError) as refused:
            client.query(queries)
        assert refused.value.code == "INVALID_FIELD"


def test_a_count_and_a_query_of_a_hundred_thousand_characters_are_answered(client: SalesforceOrg) -> None:
    accounts(client, 3)
    names = ",".join(f"'A{number:05d}'" for number in range(9_000))
    counted, found = client.query(
        ["SELECT COUNT() FROM Account", f"SELECT Id FROM Account WHERE Name IN ({names})"]
    )
    assert counted[0]["expr0"] == 3
    assert len(found) == 3


def test_describes_are_kept_for_the_next_client(
    emulated: EmulatedOrg, adapter: EmulatorAdapter, tmp_path: Path
) -> None:
    token = sessions.open_session(emulated, emulated.admin_id)
    first = connect_emulated(adapter, token, cache_dir=tmp_path)
    found = first.describe(["Account", "Contact", "Nope__c"])
    assert found.keys() == {"Account", "Contact"}
    assert found["Contact"].relationships["account"].reference_to == ("Account",)
    second = connect_emulated(adapter, token, cache_dir=tmp_path)
    assert second.describe(["Account", "Contact"]) == found
    assert (first.calls_made, second.calls_made) == (1, 0)
    assert second.refresh(["Account"])["Account"] == found["Account"]


def test_the_org_is_known_by_its_token_and_describes_itself(
    client: SalesforceOrg, emulated: EmulatedOrg
) -> None:
    assert client.org_id == emulated.org_id
    assert client.calls_made == 0
    assert client.organization()["Id"] == emulated.org_id
    assert isinstance(client.is_sandbox, bool)


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "reconcile")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return made.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def ways(emulated: EmulatedOrg) -> dict[str, SignIn]:
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key_pem = SecretText(KEY.private_bytes(serialization.Encoding.PEM, form, plain).decode())
    password, secret = SecretText(emulated.password), SecretText(emulated.client_secret)
    who, app = emulated.username, emulated.client_id
    return {
        "jwt": JwtSignIn(client_id=app, username=who, key_pem=key_pem),
        "client credentials": ClientCredentialsSignIn(client_id=app, client_secret=secret),
        "oauth password": PasswordSignIn(
            username=who, password=password, client_id=app, client_secret=secret
        ),
        "soap": PasswordSignIn(username=who, password=password),
    }


@pytest.mark.parametrize("way", ["jwt", "client credentials", "oauth password", "soap"])
def test_every_sign_in_opens_a_session_and_renews_it(emulated: EmulatedOrg, port: Server, way: str) -> None:
    sessions.register_certificate(emulated, certificate())
    with connect("ci", port.url, ways(emulated)[way]) as client:
        assert client.org_id == emulated.org_id
        sessions.end_all_sessions(emulated)
        assert isinstance(client.create("Account", [{"Name": "a"}])[0], Applied)
    assert len(emulated.rows("Account")) == 1


@pytest.mark.parametrize("way", ["client credentials", "oauth password", "soap"])
def test_a_wrong_secret_is_refused_with_salesforces_words(
    emulated: EmulatedOrg, port: Server, way: str
) -> None:
    how = ways(emulated)[way]
    wrong = SecretText("canary-wrong")
    if isinstance(how, ClientCredentialsSignIn):
        how = ClientCredentialsSignIn(client_id=how.client_id, client_secret=wrong)
    if isinstance(how, PasswordSignIn):
        how = PasswordSignIn(
            username=how.username, password=wrong, client_id=how.client_id, client_secret=how.client_secret
        )
    with pytest.raises(AuthenticationFailed, match=r"invalid_|INVALID_LOGIN") as refused:
        connect("ci", port.url, how).query(["SELECT Id FROM Account"])
    assert "canary" not in str(refused.value)


def test_over_tls_the_authority_that_was_given_is_trusted_and_no_other(
    emulated: EmulatedOrg, waits: Waits
) -> None:
    token = AccessTokenSignIn(SecretText(sessions.open_session(emulated, emulated.admin_id)))
    with Server(emulated, tls=True) as server:
        assert server.ca_file is not None
        with connect("ci", server.url, token, ca_file=str(server.ca_file)) as trusting:
            assert trusting.query(["SELECT Id FROM Account"]) == [[]]
        with connect("ci", server.url, token, patience=waits.patience()) as doubting:
            (outcome,) = doubting.create("Account", [{"Name": "a"}])
    assert isinstance(outcome, Refused)
    assert "not trusted here" in outcome.message
    assert waits.seconds == []
    assert emulated.rows("Account") == []
