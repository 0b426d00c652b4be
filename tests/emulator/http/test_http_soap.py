"""The sign-in part of the SOAP APIs."""

import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import pytest

from reconciler.emulator.http import sessions

if TYPE_CHECKING:
    from tests.emulator.http.conftest import Client

ENVELOPE = (
    '<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:u="urn:partner.soap.sforce.com"><e:Header><u:SessionHeader><u:sessionId>{session}</u:sessionId>'
    "</u:SessionHeader></e:Header><e:Body>{body}</e:Body></e:Envelope>"
)


def soap(client: "Client", body: str, session: str = "", path: str = "/services/Soap/u/59.0") -> Any:
    text = ENVELOPE.format(session=session, body=body)
    return client.session.post(
        client.url + path,
        data=text.encode(),
        headers={"Content-Type": "text/xml", "SOAPAction": "x"},
        timeout=20,
    )


def login(client: "Client", username: str, password: str, path: str = "/services/Soap/u/59.0") -> Any:
    fields = f"<u:username>{escape(username)}</u:username><u:password>{escape(password)}</u:password>"
    return soap(client, f"<u:login>{fields}</u:login>", path=path)


def element(reply: Any, name: str) -> str:
    found = re.search(f"<{name}>([^<]*)</{name}>", reply.text)
    assert found, reply.text
    return found[1]


@pytest.mark.parametrize("kind", ["u", "c"])
def test_a_login_answers_a_session_and_the_servers_address(client: "Client", kind: str) -> None:
    org = client.org
    reply = login(client, org.username, org.password, f"/services/Soap/{kind}/59.0")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
    assert element(reply, "serverUrl") == f"{client.url}/services/Soap/{kind}/59.0/{org.org_id[:15]}"
    assert element(reply, "organizationId") == org.org_id
    assert client.get("/limits", Authorization=f"Bearer {element(reply, 'sessionId')}").status_code == 200


@pytest.mark.parametrize(("kind", "namespace"), [("u", "partner"), ("c", "enterprise")])
def test_a_failed_login_is_a_fault_that_clients_find_by_its_prefix(
    client: "Client", kind: str, namespace: str
) -> None:
    reply = login(client, client.org.username, "wrong & <bad>", f"/services/Soap/{kind}/59.0")
    assert reply.status_code == 500
    assert element(reply, "sf:exceptionCode") == "INVALID_LOGIN"
    assert element(reply, "faultstring").startswith("INVALID_LOGIN: Invalid username, password")
    assert f"urn:fault.{namespace}.soap.sforce.com" in reply.text


def test_the_session_header_signs_a_call(client: "Client") -> None:
    url = f"/services/Soap/u/59.0/{client.org.org_id[:15]}"
    info = soap(client, "<u:getUserInfo/>", client.token, url)
    assert element(info, "userName") == client.org.username
    assert element(soap(client, "<u:getServerTimestamp/>", client.token, url), "timestamp").endswith("Z")
    assert soap(client, "<u:logout/>", client.token, url).status_code == 200
    ended = soap(client, "<u:getUserInfo/>", client.token, url)
    assert (ended.status_code, element(ended, "faultcode")) == (500, "sf:INVALID_SESSION_ID")


def test_a_password_set_by_soap_signs_in(client: "Client") -> None:
    org = client.org
    fields = f"<u:userId>{org.admin_id}</u:userId><u:password>better-than-7</u:password>"
    assert soap(client, f"<u:setPassword>{fields}</u:setPassword>", client.token).status_code == 200
    assert sessions.check_password(org, org.admin_id, "better-than-7")


def test_an_unknown_operation_is_the_clients_fault(client: "Client") -> None:
    reply = soap(client, "<u:frobnicate/>", client.token)
    assert (reply.status_code, element(reply, "faultcode")) == (500, "soapenv:Client")
    assert element(reply, "faultstring").endswith("{urn:partner.soap.sforce.com}frobnicate")


@pytest.mark.parametrize("body", ["", "<unclosed", "<!DOCTYPE x>"])
def test_what_is_no_operation_is_a_fault(client: "Client", body: str) -> None:
    reply = soap(client, body, client.token)
    assert (reply.status_code, element(reply, "sf:exceptionCode")) == (500, "UNKNOWN_EXCEPTION")


def test_entities_are_refused_before_they_are_read(client: "Client") -> None:
    bomb = (
        '<!DOCTYPE x [<!ENTITY a "b">]>' + ENVELOPE.format(session="", body="<u:login/>").partition("?>")[2]
    )
    reply = client.session.post(f"{client.url}/services/Soap/u/59.0", data=bomb.encode(), timeout=20)
    assert reply.status_code == 500
    assert "DTDs are not allowed" in reply.text
