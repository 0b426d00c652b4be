"""Who listens to what over CometD, and what there is to tell them.

A client shakes hands, says which channels it wants, and then waits in one call after the other. What it has
heard lives in memory only: after a restart it is unknown and shakes hands again, as clients are used to.
There are the channels of platform events, `/event/Order_Paid__e`, whose events are kept for three days and
can be asked for again, and that of finished test runs, `/systemTopic/TestResult`.

Source: Streaming API Developer Guide, "Message Reliability", "Streaming API Error Codes"; Bayeux protocol
1.0. Texts of errors about channels are unverified.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

import hashlib
import secrets
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from reconciler.emulator import ids
from reconciler.emulator.events import is_event
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import SObject
from reconciler.emulator.store import quoted

RETAINED_MS = 72 * 3_600_000
NEW_ONLY, ALL_RETAINED = -1, -2
EVENTS, TEST_RESULTS = "/event/", "/systemTopic/TestResult"
CLIENTS = 2_000
"""How many may listen at once; the one that came first is forgotten for the next."""
HIDDEN = frozenset(["Id", "ReplayId", "EventUuid"])
"""Fields of an event that its payload does not have."""


class NoChannel(Exception):
    """A channel that cannot be listened to."""


@dataclass
class Listener:
    """One client: its user, and for each channel the place of the last event it was told of."""

    user_id: str
    heard: dict[str, int] = field(default_factory=dict)
    runs: set[int] = field(default_factory=set)
    """Test runs that had ended before, or that it was told of."""
    met: bool = False
    """Whether it has waited once."""


class Listeners:
    """The clients of one org. Safe for threads."""

    def __init__(self, org: EmulatedOrg) -> None:
        self._org = org
        self._lock = threading.Lock()
        self._known: dict[str, Listener] = {}

    def add(self, user_id: str) -> str:
        """A new client; its id."""
        client_id = secrets.token_hex(14)
        with self._lock:
            while len(self._known) >= CLIENTS:
                del self._known[next(iter(self._known))]
            self._known[client_id] = Listener(user_id)
        return client_id

    def find(self, client_id: str) -> Listener | None:
        with self._lock:
            return self._known.get(client_id)

    def forget(self, client_id: str) -> None:
        with self._lock:
            self._known.pop(client_id, None)

    def subscribe(self, listener: Listener, channel: str, replay: int) -> None:
        """Listen from ``replay`` on: an event's place, or one of the two words. Raises `NoChannel`."""
        if channel == TEST_RESULTS:
            listener.runs |= self._ended_runs()
            listener.heard[channel] = 0
            return
        sobject = self._event(listener, channel)
        if replay == NEW_ONLY:
            replay = self._newest(sobject)
        listener.heard[channel] = max(replay, 0)

    def unsubscribe(self, listener: Listener, channel: str) -> None:
        listener.heard.pop(channel, None)

    def news(self, listener: Listener) -> list[dict[str, Any]]:
        """What the client has not been told yet, as messages; it counts as told."""
        self._org.settle()
        with self._lock:
            return [told for channel in list(listener.heard) for told in self._of(listener, channel)]

    def _of(self, listener: Listener, channel: str) -> Iterator[dict[str, Any]]:
        if channel == TEST_RESULTS:
            yield from self._test_runs(listener)
            return
        try:
            sobject = self._event(listener, channel)
        except NoChannel:
            return
        since = self._org.clock.now_ms() - RETAINED_MS
        rows = self._org.store.execute(
            f'SELECT "Id", CAST("ReplayId" AS INTEGER) FROM {quoted(sobject.name)} '
            'WHERE CAST("ReplayId" AS INTEGER) > ? AND "CreatedDate" >= ? ORDER BY 2',
            (listener.heard[channel], since),
        )
        for number, place in rows:
            listener.heard[channel] = place
            yield {"channel": channel, "data": self._told(sobject, number, place, listener.user_id)}

    def _told(self, sobject: SObject, number: int, place: int, user_id: str) -> dict[str, Any]:
        row = self._org.retrieve(sobject.name, ids.to_text(number), user_id=user_id)
        payload = {name: value for name, value in row.items() if name not in HIDDEN and name != "attributes"}
        event: dict[str, Any] = {"replayId": place}
        if row.get("EventUuid"):
            event["EventUuid"] = row["EventUuid"]
        return {"schema": _schema_id(sobject), "payload": payload, "event": event}

    def _event(self, listener: Listener, channel: str) -> SObject:
        name = channel.removeprefix(EVENTS)
        sobject = self._org.access.of(listener.user_id).schema.get(name)
        if name == channel or sobject is None or not is_event(sobject):
            raise NoChannel(channel)
        return sobject

    def _newest(self, sobject: SObject) -> int:
        sql = f'SELECT COALESCE(MAX(CAST("ReplayId" AS INTEGER)), 0) FROM {quoted(sobject.name)}'
        return int(self._org.store.execute(sql)[0][0])

    def _ended_runs(self) -> set[int]:
        from reconciler.emulator.tooling import test_runs

        test_runs.settle(self._org)
        sql = (
            'SELECT "AsyncApexJobId" FROM "ApexTestRunResult" '
            "WHERE \"Status\" IN ('Completed', 'Failed', 'Aborted')"
        )
        return {int(row[0]) for row in self._org.store.execute(sql) if row[0] is not None}

    def _test_runs(self, listener: Listener) -> Iterator[dict[str, Any]]:
        for number in sorted(self._ended_runs() - listener.runs):
            listener.runs.add(number)
            listener.heard[TEST_RESULTS] += 1
            event = {"replayId": listener.heard[TEST_RESULTS], "type": "updated"}
            data = {"event": event, "sobject": {"Id": ids.to_text(number)}}
            yield {"channel": TEST_RESULTS, "data": data}


def _schema_id(sobject: SObject) -> str:
    """22 characters that change with the event's fields."""
    fields = ",".join(f"{each.name}:{each.type}" for each in sobject.fields.values())
    digest = hashlib.sha256(f"{sobject.name}({fields})".encode()).digest()
    return urlsafe_b64encode(digest).decode()[:22]


_LISTENERS: "WeakKeyDictionary[EmulatedOrg, Listeners]" = WeakKeyDictionary()
_NEW = threading.Lock()


def listeners(org: EmulatedOrg) -> Listeners:
    """Who listens to this org; the same object as long as the org object lives."""
    with _NEW:
        found = _LISTENERS.get(org)
        if found is None:
            found = _LISTENERS[org] = Listeners(org)
        return found


def replay_of(message: Mapping[str, Any], channel: str) -> int:
    """From where a message asks to hear a channel; only what is new where it does not say."""
    asked = message.get("ext")
    replays = asked.get("replay") if isinstance(asked, Mapping) else None
    told = replays.get(channel) if isinstance(replays, Mapping) else None
    return told if isinstance(told, int) and not isinstance(told, bool) else NEW_ONLY
