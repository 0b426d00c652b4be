"""Listening to platform events and test runs over CometD."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.emulator.http import sessions
from reconciler.emulator.tooling import apex

if TYPE_CHECKING:
    from tests.emulator.http.conftest import Client

BUS = "/cometd/60.0"
CHANNEL = "/event/Paid__e"
EVENT = (
    '<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><label>Paid</label><pluralLabel>Paid</pluralLabel>'
    "<eventType>HighVolume</eventType><publishBehavior>PublishImmediately</publishBehavior><fields>"
    "<fullName>Amount__c</fullName><label>Amount</label><type>Number</type><precision>9</precision>"
    "<scale>0</scale></fields></CustomObject>"
)


@pytest.fixture
def bus(client: "Client", tmp_path: Path) -> "Client":
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "Paid__e.object").write_text(EVENT, "utf-8")
    assert client.org.load(tmp_path).remarks() == []
    return client


def send(client: "Client", channel: str, path: str = BUS, **more: Any) -> list[dict[str, Any]]:
    reply = client.post(path, [{"channel": channel, "id": "7", **more}])
    assert reply.status_code == 200
    answers: list[dict[str, Any]] = reply.json()
    return answers


def shake_hands(client: "Client") -> str:
    (answer,) = send(client, "/meta/handshake", version="1.0", supportedConnectionTypes=["long-polling"])
    assert (answer["successful"], answer["id"]) == (True, "7")
    assert answer["supportedConnectionTypes"] == ["long-polling"]
    return str(answer["clientId"])


def listen(client: "Client", channel: str = CHANNEL, replay: int | None = None) -> str:
    me = shake_hands(client)
    ext: dict[str, Any] = {} if replay is None else {"replay": {channel: replay}}
    (answer,) = send(client, "/meta/subscribe", clientId=me, subscription=channel, ext=ext)
    assert (answer["successful"], answer["subscription"]) == (True, channel)
    return me


def news(client: "Client", me: str, timeout: int = 0) -> list[dict[str, Any]]:
    advice = {"timeout": timeout}
    *told, answer = send(client, "/meta/connect", clientId=me, connectionType="long-polling", advice=advice)
    assert (answer["channel"], answer["successful"]) == ("/meta/connect", True)
    return told


def publish(client: "Client", amount: int) -> None:
    assert client.post("/sobjects/Paid__e", {"Amount__c": amount}).status_code == 201


def amounts(told: list[dict[str, Any]]) -> list[float]:
    return [each["data"]["payload"]["Amount__c"] for each in told]


def test_an_event_is_told_once_with_its_place_and_who_published_it(bus: "Client") -> None:
    publish(bus, 1)
    me = listen(bus)
    assert news(bus, me) == []
    publish(bus, 2)
    (message,) = news(bus, me)
    assert message["channel"] == CHANNEL
    assert message["data"]["payload"]["CreatedById"] == bus.org.admin_id
    assert "Id" not in message["data"]["payload"]
    assert amounts([message]) == [2]
    assert message["data"]["event"]["replayId"] == 2
    assert news(bus, me) == []


@pytest.mark.parametrize(("replay", "told"), [(-2, [1, 2, 3]), (-1, []), (1, [2, 3]), (3, [])])
def test_what_was_published_before_can_be_asked_for(bus: "Client", replay: int, told: list[int]) -> None:
    for amount in (1, 2, 3):
        publish(bus, amount)
    assert amounts(news(bus, listen(bus, replay=replay))) == told


def test_events_are_kept_for_three_days(bus: "Client") -> None:
    publish(bus, 1)
    bus.org.clock.advance(73 * 3_600_000)
    bus.token = sessions.open_session(bus.org, bus.org.admin_id)
    publish(bus, 2)
    assert amounts(news(bus, listen(bus, replay=-2))) == [2]


def test_who_waits_is_told_when_something_happens_and_others_are_served_meanwhile(bus: "Client") -> None:
    me = listen(bus)
    news(bus, me)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(news, bus, me, 20_000)
        publish(bus, 5)
        assert amounts(waiting.result(20)) == [5]


def test_steps_may_have_addresses_of_their_own(bus: "Client") -> None:
    (answer,) = send(bus, "/meta/handshake", path=f"{BUS}/handshake", version="1.0")
    assert answer["successful"] is True


def test_a_finished_test_run_is_told(bus: "Client") -> None:
    body = "@isTest class OrderTest { @isTest static void ships() {} }"
    bus.org.has("ApexClass", Name="OrderTest", Body=body, ApiVersion=60)
    apex.declare(bus.org, {"test_run_ms": 5_000})
    me = listen(bus, "/systemTopic/TestResult")
    run = bus.post("/tooling/runTestsAsynchronous", {"tests": [{"className": "OrderTest"}]}).json()
    bus.org.clock.advance(60_000)
    (message,) = news(bus, me)
    assert message["data"]["sobject"]["Id"][:15] == run[:15]
    assert news(bus, me) == []


@pytest.mark.parametrize(
    "channel", ["/event/Nothing__e", "/event/Account", "/topic/Mine", "/data/ChangeEvents", ""]
)
def test_a_channel_that_is_not_there_is_refused(bus: "Client", channel: str) -> None:
    me = shake_hands(bus)
    (answer,) = send(bus, "/meta/subscribe", clientId=me, subscription=channel)
    assert (answer["successful"], answer["error"][:5]) == (False, "404::")
    assert news(bus, me) == []


def test_nobody_listens_without_a_session(bus: "Client") -> None:
    me = listen(bus)
    bus.token = f"{bus.org.org_id[:15]}!nonsense"
    (answer,) = send(bus, "/meta/handshake", version="1.0")
    assert (answer["successful"], answer["error"]) == (False, "403::Handshake denied")
    assert answer["advice"] == {"reconnect": "none"}
    (answer,) = send(bus, "/meta/connect", clientId=me)
    assert (answer["successful"], answer["error"]) == (False, "401::Authentication invalid")


@pytest.mark.parametrize("gone", [True, False])
def test_who_is_not_known_is_told_to_shake_hands_again(bus: "Client", gone: bool) -> None:
    me = listen(bus)
    if gone:
        assert send(bus, "/meta/disconnect", clientId=me)[0]["successful"] is True
    (answer,) = send(bus, "/meta/connect", clientId=me if gone else "other")
    assert (answer["successful"], answer["error"]) == (False, "403::Unknown client")
    assert answer["advice"]["reconnect"] == "handshake"


def test_who_unsubscribes_hears_no_more(bus: "Client") -> None:
    me = listen(bus)
    assert send(bus, "/meta/unsubscribe", clientId=me, subscription=CHANNEL)[0]["successful"] is True
    publish(bus, 1)
    assert news(bus, me) == []


def test_nothing_is_published_by_a_listener(bus: "Client") -> None:
    me = listen(bus)
    (answer,) = send(bus, CHANNEL, clientId=me, data={"Amount__c": 1})
    assert answer["successful"] is False
    assert bus.org.rows("Paid__e") == []
