"""CometD: the calls by which a client listens to events. One call carries a message or a list of them.

A client that has nothing to hear waits in `/meta/connect`; its answer is made while it is sent, so that
others are served meanwhile.

Source: Bayeux protocol 1.0; Streaming API Developer Guide, "Streaming API Error Codes"; errors of a
handshake as the guide shows them.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http import sessions
from reconciler.emulator.http.jsonform import write_json
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import Family, route
from reconciler.emulator.http.streaming import Listener, NoChannel, listeners, replay_of
from reconciler.emulator.org import EmulatedOrg

Message = dict[str, Any]
POLL_SECONDS = 0.05
WAIT_MS = 110_000
LACKS = ["channels but of platform events and of test results: no push topics, no changes of records"]
HANDSHAKE, CONNECT = "/meta/handshake", "/meta/connect"
AGAIN = {"interval": 0, "timeout": WAIT_MS, "reconnect": "retry"}
STOP = {"reconnect": "none"}


@route("POST", "/cometd/{version}", family=Family.OPEN, lacks=LACKS)
def messages(org: EmulatedOrg, request: Request) -> Reply:
    """Take messages and answer each; a client that waits is answered when there is news."""
    told = request.json
    sent = [each for each in (told if isinstance(told, list) else [told]) if isinstance(each, Mapping)]
    user_id = _user(org, request)
    answers: list[Message] = []
    waiting: tuple[Listener, float] | None = None
    for message in sent:
        answer, listener = _answer(org, user_id, message)
        answers.append({**answer, "id": message["id"]} if "id" in message else answer)
        if listener is not None:
            waiting = listener, _patience(listener, message)
    if waiting is None:
        return ok(answers)
    return Reply(pieces=_when_there_is_news(org, answers, *waiting))


@route("POST", "/cometd/{version}/{step}", family=Family.OPEN, lacks=LACKS)
def messages_of_a_step(org: EmulatedOrg, request: Request, step: str) -> Reply:
    """The same at the address that some clients use for each kind of message."""
    return messages(org, request)


def _user(org: EmulatedOrg, request: Request) -> str | None:
    """Whose session it is; None for a session that has ended or for none."""
    try:
        return sessions.resume(org, sessions.bearer_token(request.headers.find("authorization"))).user_id
    except ApiError:
        return None


def _answer(
    org: EmulatedOrg, user_id: str | None, message: Mapping[str, Any]
) -> tuple[Message, Listener | None]:
    """The answer to one message, and the client that waits for news with it."""
    channel = str(message.get("channel", ""))
    known = listeners(org)
    if channel == HANDSHAKE:
        return _shake_hands(org, user_id, message), None
    client_id = str(message.get("clientId", ""))
    answer: Message = {"clientId": client_id, "channel": channel}
    if user_id is None:
        return {**answer, "successful": False, "error": "401::Authentication invalid", "advice": STOP}, None
    listener = known.find(client_id)
    if listener is None or listener.user_id != user_id:
        advice = {"interval": 0, "reconnect": "handshake"}
        return {**answer, "successful": False, "error": "403::Unknown client", "advice": advice}, None
    if channel == CONNECT:
        return {**answer, "successful": True, "advice": AGAIN}, listener
    if channel == "/meta/subscribe":
        return {**answer, **_subscribe(org, listener, message)}, None
    if channel == "/meta/unsubscribe":
        for each in _channels(message):
            known.unsubscribe(listener, each)
        return {**answer, "subscription": message.get("subscription"), "successful": True}, None
    if channel == "/meta/disconnect":
        known.forget(client_id)
        return {**answer, "successful": True}, None
    return {**answer, "successful": False, "error": f"403:{channel}:Publish denied"}, None


def _shake_hands(org: EmulatedOrg, user_id: str | None, message: Mapping[str, Any]) -> Message:
    answer: Message = {"channel": HANDSHAKE, "version": "1.0", "minimumVersion": "1.0"}
    answer |= {"supportedConnectionTypes": ["long-polling"]}
    if user_id is None:
        failed = {"replay": True, "sfdc": {"failureReason": "401::Authentication invalid"}}
        return {
            **answer,
            "successful": False,
            "error": "403::Handshake denied",
            "ext": failed,
            "advice": STOP,
        }
    client_id = listeners(org).add(user_id)
    ext = {"replay": True, "payload.format": True}
    return {**answer, "clientId": client_id, "successful": True, "ext": ext, "advice": AGAIN}


def _channels(message: Mapping[str, Any]) -> list[str]:
    told = message.get("subscription")
    return [str(each) for each in (told if isinstance(told, list) else [told])]


def _subscribe(org: EmulatedOrg, listener: Listener, message: Mapping[str, Any]) -> Message:
    answer = {"subscription": message.get("subscription")}
    for channel in _channels(message):
        try:
            listeners(org).subscribe(listener, channel, replay_of(message, channel))
        except NoChannel:
            error = f"404::The requested channel does not exist {{{channel}}}"
            return {**answer, "successful": False, "error": error}
    return {**answer, "successful": True}


def _patience(listener: Listener, message: Mapping[str, Any]) -> float:
    """How many seconds a client waits: not the first time, then as long as it says, two minutes at most."""
    first, listener.met = not listener.met, True
    advice = message.get("advice")
    told = advice.get("timeout") if isinstance(advice, Mapping) else None
    wanted = told if isinstance(told, int | float) else 0 if first else WAIT_MS
    return min(max(float(wanted), 0.0), WAIT_MS) / 1000


def _when_there_is_news(
    org: EmulatedOrg, answers: list[Message], listener: Listener, seconds: float
) -> Iterator[bytes]:
    ends = time.monotonic() + seconds
    while not (news := listeners(org).news(listener)) and time.monotonic() < ends:
        time.sleep(POLL_SECONDS)
    yield write_json([*news, *answers])
