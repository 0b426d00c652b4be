"""What holds for every call: addresses, versions, sessions, sizes, forms of bodies."""

import gzip
import json
import logging
from typing import TYPE_CHECKING

import pytest

from reconciler.emulator.http import routing, sessions
from reconciler.emulator.http.api_version import version_of
from reconciler.emulator.http.endpoints.versions import label
from reconciler.emulator.http.traffic import traffic

if TYPE_CHECKING:
    from tests.emulator.http.conftest import Client

NOT_FOUND = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]


def code(reply: object) -> str:
    body = reply.json()  # type: ignore[attr-defined]  # any reply of requests
    return str(body[0]["errorCode"])


def test_versions_are_listed_without_a_session_oldest_first(client: "Client") -> None:
    client.token = ""
    reply = client.get("/services/data/")
    listed = [float(each["version"]) for each in reply.json()]
    assert reply.status_code == 200
    assert listed == sorted(listed)
    assert list(reply.json()[0]) == ["label", "url", "version"]
    assert "Sforce-Limit-Info" not in reply.headers


@pytest.mark.parametrize(
    ("version", "expected"), [(31, "Summer '14"), (32, "Winter '15"), (42, "Spring '18"), (66, "Spring '26")]
)
def test_labels_follow_the_release_calendar(version: int, expected: str) -> None:
    assert label(version) == expected


@pytest.mark.parametrize(
    ("version", "status"),
    [("v30.0", 410), ("v99.0", 404), ("v59", 404), ("v31.0", 200), ("v68.0", 200), ("v69.0", 404)],
)
def test_a_retired_version_is_gone_and_an_unknown_one_is_nowhere(
    client: "Client", version: str, status: int
) -> None:
    assert client.get(f"/services/data/{version}/limits").status_code == status


def test_resources_and_identity_carry_the_host_and_scheme_the_client_used(client: "Client") -> None:
    reply = client.get("/services/data/v59.0", Host="acme.my.salesforce.com", X_Forwarded_Proto="https")
    org, identity = client.org, reply.json()["identity"]
    assert identity == f"https://acme.my.salesforce.com/id/{org.org_id}/{org.admin_id}"
    assert reply.json()["sobjects"] == "/services/data/v59.0/sobjects"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Bearer 00Dwrong!x", "INVALID_SESSION_ID"),
        ("OAuth 00Dwrong!x", "INVALID_SESSION_ID"),
        ("Basic abc", "INVALID_AUTH_HEADER"),
        ("Bearer", "INVALID_AUTH_HEADER"),
    ],
)
def test_a_bad_session_is_refused_with_401_and_no_usage(client: "Client", header: str, expected: str) -> None:
    reply = client.get("/limits", Authorization=header)
    assert (reply.status_code, code(reply)) == (401, expected)
    assert list(reply.json()[0]) == ["message", "errorCode"]
    assert reply.headers["WWW-Authenticate"] == "Token"
    assert "Sforce-Limit-Info" not in reply.headers


@pytest.mark.parametrize("path", ["/nothing", "/sobjects/Nothing__c", "/sobjects/Nothing__c/describe"])
def test_an_unknown_address_is_not_found(client: "Client", path: str) -> None:
    reply = client.get(path)
    assert (reply.status_code, reply.json()) == (404, NOT_FOUND)
    assert "Sforce-Limit-Info" in reply.headers


def test_a_method_that_is_not_served_names_those_that_are(client: "Client") -> None:
    reply = client.delete("/limits")
    assert reply.status_code == 405
    assert reply.json() == [
        {
            "message": "HTTP Method 'DELETE' not allowed. Allowed are HEAD,GET",
            "errorCode": "METHOD_NOT_ALLOWED",
        }
    ]


def test_patch_may_come_as_post_with_httpmethod(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme")
    reply = client.post(f"/sobjects/Account/{account}?_HttpMethod=PATCH", {"Name": "New"})
    assert reply.status_code == 204
    assert client.org.rows("Account")[0]["Name"] == "New"


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"{", "Unexpected end-of-input"),
        (b"{'a':1}", "was expecting double-quote to start field name at [line:1, column:2]"),
        (b'{"Name":}', "(code 125)"),
        (b'{"a":1}x', "expected end of input"),
        (b'{"a":NaN}', "NaN"),
        (b"\xff\xfe", "Invalid UTF-8"),
        (b"[" * 100_000, "nesting depth"),
    ],
)
def test_a_body_that_is_no_json_is_refused_and_nothing_changes(
    client: "Client", body: bytes, part: str
) -> None:
    reply = client.post("/sobjects/Account", body, Content_Type="application/json")
    assert (reply.status_code, code(reply)) == (400, "JSON_PARSER_ERROR")
    assert part in reply.json()[0]["message"]
    assert client.org.rows("Account") == []


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"3"])
def test_json_that_is_no_object_is_no_record(client: "Client", body: bytes) -> None:
    reply = client.post("/sobjects/Account", body, Content_Type="application/json")
    assert (reply.status_code, code(reply)) == (400, "JSON_PARSER_ERROR")
    assert client.org.rows("Account") == []


def test_an_empty_body_is_refused(client: "Client") -> None:
    reply = client.post("/sobjects/Account")
    assert (reply.status_code, code(reply)) == (400, "JSON_PARSER_ERROR")


def test_another_media_type_is_refused_with_415(client: "Client") -> None:
    reply = client.post("/sobjects/Account", b"Name=x", Content_Type="application/x-www-form-urlencoded")
    assert reply.status_code == 415
    assert client.org.rows("Account") == []


def test_an_address_over_16384_bytes_is_414_and_one_with_its_headers_431(client: "Client") -> None:
    assert client.get("/query?q=" + "x" * 16_384).status_code == 414
    assert client.get("/query?q=" + "x" * 12_000, X_Long="y" * 6_000).status_code == 431


def test_bodies_may_be_compressed_both_ways(client: "Client") -> None:
    packed = gzip.compress(json.dumps({"Name": "Packed"}).encode())
    reply = client.post("/sobjects/Account", packed, Content_Encoding="gzip", Content_Type="application/json")
    assert reply.status_code == 201
    described = client.get("/sobjects/Account/describe", Accept_Encoding="gzip")
    assert described.headers["Content-Encoding"] == "gzip"
    assert described.headers["ETag"].endswith('--gzip"')
    assert described.json()["name"] == "Account"
    plain = client.get("/sobjects/Account/describe", Accept_Encoding="identity")
    assert "Content-Encoding" not in plain.headers


def test_a_body_that_is_not_what_it_says_is_refused(client: "Client") -> None:
    reply = client.post(
        "/sobjects/Account", b"not gzip", Content_Encoding="gzip", Content_Type="application/json"
    )
    assert reply.status_code == 400
    assert client.org.rows("Account") == []


def test_bodies_may_come_in_chunks(client: "Client") -> None:
    whole = json.dumps({"Name": "In chunks"}).encode()
    reply = client.session.post(
        f"{client.url}/services/data/v60.0/sobjects/Account",
        data=iter([whole[:5], whole[5:]]),
        headers={"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"},
        timeout=20,
    )
    assert reply.status_code == 201
    assert client.org.rows("Account")[0]["Name"] == "In chunks"


def test_pretty_bodies_have_blanks_on_both_sides_of_the_colon(client: "Client") -> None:
    reply = client.get("/limits/recordCount?sObjects=Account", X_PrettyPrint="1")
    assert reply.text == '{\n  "sObjects" : [ ]\n}'


def test_head_is_get_without_a_body(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme")
    reply = client.call("HEAD", f"/sobjects/Account/{account}")
    assert (reply.status_code, reply.content) == (200, b"")
    assert "Last-Modified" in reply.headers


def test_each_call_counts_against_the_daily_allowance(client: "Client") -> None:
    traffic(client.org).daily_requests = 2
    assert client.get("/limits").headers["Sforce-Limit-Info"] == "api-usage=1/2"
    limits = client.get("/limits").json()["DailyApiRequests"]
    assert limits == {"Max": 2, "Remaining": 0}
    refused = client.post("/sobjects/Account", {"Name": "x"})
    assert (refused.status_code, code(refused)) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert client.org.rows("Account") == []
    client.org.clock.advance(26 * 60 * 60 * 1000)
    client.token = sessions.open_session(client.org, client.org.admin_id)
    assert client.get("/limits").status_code == 200


def test_the_calls_of_an_org_are_logged(client: "Client") -> None:
    client.get("/limits/recordCount?sObjects=User")
    assert traffic(client.org).calls[-1] == ("GET", "/services/data/v60.0/limits/recordCount?sObjects=User")


def test_a_bug_of_ours_is_a_500_with_its_traceback_in_the_log(
    client: "Client", monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(client.org, "retrieve", broken)
    account = client.org.has("Account", Name="Acme")
    with caplog.at_level(logging.ERROR):
        reply = client.get(f"/sobjects/Account/{account}")
    assert (reply.status_code, code(reply)) == (500, "UNKNOWN_EXCEPTION")
    assert "a bug" in caplog.text


def test_record_counts_leave_empty_objects_out(client: "Client") -> None:
    client.org.has("Account", Name="Acme")
    reply = client.get("/limits/recordCount?sObjects=Account,Contact,Nothing__c")
    assert reply.json() == {"sObjects": [{"count": 1, "name": "Account"}]}


def test_every_route_says_what_it_is_for() -> None:
    for route in routing.routes():
        assert route.endpoint.__doc__, route.template
        assert route.template.startswith(routing.WHOLE)


def test_gaps_name_what_is_missing_and_where() -> None:
    found = {each["where"]: each["lacks"] for each in routing.gaps()}
    assert "assignment rules (Sforce-Auto-Assign)" in found["POST /services/data/vN/sobjects/{sobject}"]
    assert "/services/apexrest" in found
    assert all(lacks for lacks in found.values())


def test_the_version_of_an_address_without_one_is_the_newest() -> None:
    assert version_of("/services/oauth2/token") == "68.0"
