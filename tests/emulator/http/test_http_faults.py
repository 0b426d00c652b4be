"""Exchanges that go wrong on purpose, the same over both transports."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from reconciler.emulator.http.faults import Fault, FaultKind, fault_from_json
from reconciler.emulator.http.traffic import traffic

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg
    from tests.emulator.http.conftest import Client

ACCOUNTS = "/sobjects/Account"


def names(client: "Client") -> list[str]:
    return sorted(each["Name"] for each in client.org.rows("Account"))


@pytest.mark.parametrize(("kind", "kept"), [("lose_before", []), ("lose_after", ["Acme"])])
def test_a_lost_reply_leaves_the_client_without_an_answer(
    client: "Client", kind: str, kept: list[str]
) -> None:
    fault = client.faults.add(kind, method="POST", path="/sobjects/Account")
    with pytest.raises(requests.exceptions.ConnectionError):
        client.post(ACCOUNTS, {"Name": "Acme"})
    assert (names(client), fault.fired) == (kept, 1)
    assert client.post(ACCOUNTS, {"Name": "Next"}).status_code == 201


@pytest.mark.parametrize(("after", "kept"), [(False, []), (True, ["Acme"])])
@pytest.mark.parametrize(
    ("what", "status"),
    [({"kind": "status", "status": 502, "reply": "<html>bad</html>"}, 502), ({"kind": "unavailable"}, 503)],
)
def test_an_error_page_may_come_before_or_after_the_effect(
    client: "Client", what: dict[str, Any], status: int, after: bool, kept: list[str]
) -> None:
    client.faults.append(fault_from_json({**what, "after_effect": after}))
    reply = client.post(ACCOUNTS, {"Name": "Acme"})
    assert reply.status_code == status
    assert reply.headers["Content-Type"].startswith("text/html")
    assert names(client) == kept


def test_a_cut_body_breaks_while_it_is_read(client: "Client") -> None:
    client.faults.add("cut", path="describe")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        client.get("/sobjects/Account/describe")
    assert client.get("/sobjects/Account/describe").status_code == 200


def test_a_fault_meets_only_the_calls_it_names(client: "Client") -> None:
    fault = client.faults.add(
        "status", status=500, method="POST|PATCH", path="/sobjects/Account", body='"Acme"', skip=1, times=2
    )
    statuses = [
        client.post(ACCOUNTS, {"Name": name}).status_code
        for name in ("Acme", "Other", "Acme", "Acme", "Acme")
    ]
    assert statuses == [201, 201, 500, 500, 201]
    assert (fault.matched, fault.fired) == (4, 2)
    assert client.get("/limits").status_code == 200


def test_patterns_see_the_decoded_address(client: "Client") -> None:
    fault = client.faults.add("throttle", path=r"recordCount\?sObjects=Account,Contact")
    reply = client.get("/limits/recordCount?sObjects=Account%2CContact")
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert fault.fired == 1


def test_a_locked_row_is_refused_alone(client: "Client") -> None:
    one, two = (client.org.has("Account", Name=name) for name in "ab")
    client.faults.add("lock", times=None, rows=[two, '"Name": "c"'])
    records = [{"attributes": {"type": "Account"}, "id": each, "Name": "x"} for each in (one, two)]
    results = client.patch("/composite/sobjects", {"records": records}).json()
    assert results[0]["success"]
    assert results[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert client.delete(f"/sobjects/Account/{two}").json()[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert client.post(ACCOUNTS, {"Name": "c"}).json()[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert names(client) == ["b", "x"]


def test_without_rows_a_lock_holds_all_of_them(client: "Client") -> None:
    account = client.org.has("Account", Name="a")
    client.faults.add("lock")
    entry = {"method": "PATCH", "url": f"/services/data/v60.0/sobjects/Account/{account}", "referenceId": "u"}
    reply = client.post("/composite", {"compositeRequest": [{**entry, "body": {"Name": "x"}}]})
    assert reply.json()["compositeResponse"][0]["body"][0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert names(client) == ["a"]


def test_an_expired_session_is_refused_and_a_new_one_works(client: "Client") -> None:
    client.faults.add("expire")
    reply = client.post(ACCOUNTS, {"Name": "Acme"})
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert names(client) == []


def test_a_hook_edits_the_org_between_two_calls(client: "Client") -> None:
    account = client.org.has("Account", Name="before")
    address = f"/sobjects/Account/{account}"
    seen: list[str] = []

    def rename(org: "EmulatedOrg", _: object) -> None:
        with org.transaction() as transaction:
            transaction.update("Account", account, {"Name": "somebody else's"})

    def look(org: "EmulatedOrg", _: object) -> None:
        seen.append(org.rows("Account")[0]["Name"])

    stamp = client.get(address).headers["Last-Modified"]
    client.faults.add("hook", method="PATCH", before=rename, after=look)
    assert client.patch(address, {"Name": "mine"}, If_Unmodified_Since=stamp).status_code == 412
    assert seen == ["somebody else's"]


def test_a_delay_beyond_the_clients_patience_is_its_timeout(client: "Client") -> None:
    client.faults.add("delay", seconds=0.3)
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.session.get(f"{client.url}/services/data", timeout=0.05)


def test_a_held_call_goes_on_when_the_faults_are_cleared(client: "Client") -> None:
    fault = client.faults.add("hold")
    with ThreadPoolExecutor() as pool:
        held = pool.submit(client.post, ACCOUNTS, {"Name": "Acme"})
        while not fault.fired:
            assert not held.done()
        assert names(client) == []
        client.faults.clear()
        assert held.result().status_code == 201
    assert names(client) == ["Acme"]


def test_a_call_that_a_fault_swallowed_is_logged_but_not_counted(client: "Client") -> None:
    client.faults.add("lose_before")
    with pytest.raises(requests.exceptions.ConnectionError):
        client.get("/limits")
    assert traffic(client.org).calls[-1] == ("GET", "/services/data/v60.0/limits")
    assert client.get("/limits").headers["Sforce-Limit-Info"].startswith("api-usage=1/")


@pytest.mark.parametrize(
    "value", [None, {}, {"kind": "no such"}, {"kind": "cut", "colour": 1}, {"kind": "cut", "path": "("}]
)
def test_what_is_no_fault_is_refused(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        fault_from_json(value)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_kind_of_fault_can_be_named_in_json(kind: FaultKind) -> None:
    assert fault_from_json({"kind": kind.value}) == Fault(kind=kind)
