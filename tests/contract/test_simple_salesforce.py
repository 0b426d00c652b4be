"""simple-salesforce, as it is, against the emulated org over TLS: what its README shows of REST.

The library always goes to `https://{domain}.salesforce.com` to sign in; there a session adapter
sends those calls to the server. Everything after runs against the server's own address.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_soql
from simple_salesforce.login import SalesforceLogin

from reconciler.emulator.clock import Clock
from reconciler.emulator.http import sessions
from reconciler.emulator.http.server import Server
from reconciler.emulator.http.traffic import traffic
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field


class ToServer(HTTPAdapter):
    """Sends what is meant for a Salesforce host to the server, keeping the name in the Host header."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._netloc = f"127.0.0.1:{server.port}"

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        address = urlsplit(request.url or "")
        request.headers["Host"] = address.netloc
        request.url = urlunsplit(address._replace(netloc=self._netloc))
        return super().send(request, *args, **options)


@pytest.fixture
def org() -> EmulatedOrg:
    return EmulatedOrg(clock=Clock.fixed(tick_ms=1000))


@pytest.fixture
def server(org: EmulatedOrg) -> Iterator[Server]:
    with Server(org, tls=True) as running:
        yield running


@pytest.fixture
def session(server: Server) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        made.verify = str(server.ca_file)
        for host in ("login", "test", "acme.my"):
            made.mount(f"https://{host}.salesforce.com", ToServer(server))
        yield made


@pytest.fixture
def sf(server: Server, session: requests.Session) -> Any:
    token = sessions.open_session(server.org, server.org.admin_id)
    return Salesforce(instance_url=server.url, session_id=token, session=session)


# -- signing in


def test_it_trusts_the_authority_through_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca_file))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    token = sessions.open_session(server.org, server.org.admin_id)
    sf: Any = Salesforce(instance_url=server.url, session_id=token)
    assert sf.query("SELECT COUNT() FROM Account")["totalSize"] == 0


def test_it_signs_in_with_password_and_security_token(org: EmulatedOrg, session: requests.Session) -> None:
    token = sessions.security_token(org, org.admin_id)
    sf: Any = Salesforce(username=org.username, password=org.password, security_token=token, session=session)
    assert sf.query(f"SELECT Id FROM User WHERE Username = '{org.username}'")["totalSize"] == 1


def test_it_signs_in_by_the_oauth_password_grant(org: EmulatedOrg, session: requests.Session) -> None:
    found, instance = SalesforceLogin(
        session=session,
        username=org.username,
        password=org.password,
        consumer_key=org.client_id,
        consumer_secret=org.client_secret,
        domain="test",
    )
    assert sessions.find_token(org, found) is not None
    assert instance == "test.salesforce.com"


def test_it_signs_in_with_client_credentials(org: EmulatedOrg, session: requests.Session) -> None:
    sf: Any = Salesforce(
        consumer_key=org.client_id, consumer_secret=org.client_secret, domain="acme.my", session=session
    )
    assert sf.sf_instance == "acme.my.salesforce.com"
    assert sf.limits()["DailyApiRequests"]["Max"] == traffic(org).daily_requests


def test_it_signs_in_with_a_key(org: EmulatedOrg, session: requests.Session, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    sessions.register_certificate(org, public)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(private)
    sf: Any = Salesforce(
        username=org.username,
        consumer_key=org.client_id,
        privatekey_file=str(tmp_path / "key.pem"),
        session=session,
    )
    assert sf.limits()


def test_a_wrong_password_is_its_authentication_failure(org: EmulatedOrg, session: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as failed:
        Salesforce(username=org.username, password="wrong", security_token="", session=session)
    assert failed.value.code == "INVALID_LOGIN"


def test_an_ended_session_is_its_expired_session_or_a_second_sign_in(
    org: EmulatedOrg, sf: Any, session: requests.Session
) -> None:
    by_password: Any = Salesforce(
        username=org.username, password=org.password, security_token="", session=session
    )
    sessions.end_all_sessions(org)
    with pytest.raises(SalesforceExpiredSession):
        sf.query("SELECT Id FROM Account")
    assert by_password.query("SELECT Id FROM Account")["totalSize"] == 0


# -- records


def test_records_live_and_die(org: EmulatedOrg, sf: Any) -> None:
    made: Any = sf.Contact.create({"LastName": "Smith", "Email": "smith@x.example"})
    contact = sf.Contact.get(made["id"])
    assert contact["LastName"] == "Smith"
    assert sf.Contact.update(made["id"], {"LastName": "Jones", "FirstName": "John"}) == 204
    assert sf.Contact.get(made["id"], params={"fields": "Name"})["Name"] == "John Jones"
    assert sf.Contact.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        sf.Contact.get(made["id"])
    assert org.rows("Contact") == []


def test_refusals_are_its_exceptions_with_the_orgs_content(org: EmulatedOrg, sf: Any) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.Contact.create({"FirstName": "x"})
    content: Any = refused.value.content
    assert content[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    with pytest.raises(SalesforceResourceNotFound):
        sf.Nothing__c.describe()
    assert org.rows("Contact") == []


@pytest.fixture
def keyed(org: EmulatedOrg) -> None:
    field = Field(
        name="customExtIdField__c",
        type="string",
        label="Key",
        length=40,
        external_id=True,
        id_lookup=True,
        custom=True,
    )
    org.schema.add_field("Contact", field)
    org.store.add_column(org.schema["Contact"], field)
    org.tables = type(org.tables)(org.schema)


def test_records_are_upserted_and_found_by_external_id(org: EmulatedOrg, keyed: None, sf: Any) -> None:
    assert sf.Contact.upsert("customExtIdField__c/11999", {"LastName": "Smith"}) == 201
    assert sf.Contact.upsert("customExtIdField__c/11999", {"LastName": "Jones"}) == 200
    assert sf.Contact.get_by_custom_id("customExtIdField__c", "11999")["LastName"] == "Jones"
    org.has("Contact", LastName="Twin", customExtIdField__c="11999")
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Contact.get_by_custom_id("customExtIdField__c", "11999")


def test_changed_and_deleted_records_are_listed(org: EmulatedOrg, sf: Any) -> None:
    kept, lost = (org.has("Contact", LastName=name) for name in "ab")
    sf.Contact.delete(lost)
    end = org.clock.now() + timedelta(minutes=5)
    start = end - timedelta(days=10)
    assert sf.Contact.updated(start, end)["ids"] == [kept]
    assert [each["id"] for each in sf.Contact.deleted(start, end)["deletedRecords"]] == [lost]


# -- queries


def with_contacts(org: EmulatedOrg, number: int) -> None:
    with org.transaction() as transaction:
        for turn in range(number):
            transaction.insert("Contact", {"LastName": f"{turn:05d}"})


def test_queries_page_by_themselves_and_by_hand(org: EmulatedOrg, sf: Any) -> None:
    with_contacts(org, 2001)
    soql = "SELECT LastName FROM Contact ORDER BY LastName"
    first = sf.query(soql)
    assert (len(first["records"]), first["done"]) == (2000, False)
    assert len(sf.query_more(first["nextRecordsUrl"], True)["records"]) == 1
    by_id = first["nextRecordsUrl"].rsplit("/", 1)[1]
    assert len(sf.query_more(by_id)["records"]) == 1
    assert len(sf.query_all(soql)["records"]) == 2001
    assert sum(1 for _ in sf.query_all_iter(soql)) == 2001


def test_values_are_quoted_by_its_formatter(org: EmulatedOrg, sf: Any) -> None:
    org.has("Contact", LastName="O'Brien \\ 100%")
    soql = format_soql("SELECT Id FROM Contact WHERE LastName = {}", "O'Brien \\ 100%")
    assert sf.query(soql)["totalSize"] == 1


def test_deleted_rows_are_included_when_asked(org: EmulatedOrg, sf: Any) -> None:
    sf.Contact.delete(org.has("Contact", LastName="gone"))
    soql = "SELECT LastName FROM Contact"
    assert sf.query(soql)["totalSize"] == 0
    assert sf.query(soql, include_deleted=True)["totalSize"] == 1


def test_search_finds_records(org: EmulatedOrg, sf: Any) -> None:
    contact = org.has("Contact", LastName="Jones")
    assert [each["Id"] for each in sf.search("FIND {Jones} RETURNING Contact")["searchRecords"]] == [contact]
    assert [each["Id"] for each in sf.quick_search("Jones")["searchRecords"]] == [contact]


# -- the org


def test_it_describes_the_org_and_its_objects(sf: Any) -> None:
    listed = sf.describe()
    assert "Contact" in [each["name"] for each in listed["sobjects"]]
    assert sf.Contact.describe()["name"] == "Contact"
    assert sf.Contact.metadata()["objectDescribe"]["name"] == "Contact"


def test_any_resource_is_reached_by_restful(org: EmulatedOrg, sf: Any) -> None:
    org.has("Contact", LastName="Jones")
    counts = sf.restful("limits/recordCount", params={"sObjects": "Contact"})
    assert counts == {"sObjects": [{"count": 1, "name": "Contact"}]}


def test_usage_is_read_from_every_answer(org: EmulatedOrg, sf: Any) -> None:
    sf.query("SELECT Id FROM Contact")
    usage = sf.api_usage["api-usage"]
    assert (usage.used, usage.total) == (1, traffic(org).daily_requests)


def test_passwords_are_set(org: EmulatedOrg, sf: Any) -> None:
    sf.set_password(org.admin_id, "better-than-7")
    assert sessions.check_password(org, org.admin_id, "better-than-7")
