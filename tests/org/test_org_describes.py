"""Describes: what is kept of them, where, for how long, and what a damaged one does."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.describe import FieldInfo
from reconciler.model.errors import OrgError
from reconciler.org import AccessTokenSignIn, SalesforceOrg, SecretText
from reconciler.org.describes import info_from_json, info_to_json, reduce_describe
from reconciler.org.transport import Transport
from reconciler.org.wire import Wire

from .scripted import TOKEN, Call, Reply, ScriptedServer, Waits, errors

DAY = 24 * 3600.0


def described(name: str) -> dict[str, Any]:
    fields = [
        {"name": "Id", "type": "id", "length": 18, "nillable": False, "defaultedOnCreate": True,
         "createable": False},
        {"name": "Tier__c", "type": "picklist", "restrictedPicklist": True, "picklistValues": [
            {"value": "Gold", "active": True}, {"value": "Lead", "active": False}]},
        {"name": "ParentId", "type": "reference", "referenceTo": ["Account"], "relationshipName": "Parent"},
        {"name": "Size__c", "type": "int", "digits": 8, "somethingNew": {"of": "a later version"}},
    ]  # fmt: skip
    return {"name": name, "keyPrefix": "001", "label": name, "createable": True, "fields": fields}


def answer(call: Call) -> Reply:
    """Describes everything but what begins with No; honours If-Modified-Since."""
    if call.method == "GET":
        return _describe(call.path, call.headers)
    parts = []
    for each in call.json["compositeRequest"]:
        reply = _describe(each["url"], each.get("httpHeaders", {}))
        parts.append({"referenceId": each["referenceId"], "httpStatusCode": reply.status,
                      "httpHeaders": dict(reply.headers), "body": reply.content})  # fmt: skip
    return Reply(200, {"compositeResponse": parts})


def _describe(path: str, headers: Any) -> Reply:
    name = path.split("/")[5]
    if name.startswith("No"):
        return Reply(404, errors("NOT_FOUND", "The requested resource does not exist"))
    if "If-Modified-Since" in headers:
        return Reply(304)
    return Reply(200, described(name), {"Last-Modified": "Fri, 14 Aug 2020 20:53:02 GMT"})


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(server: ScriptedServer, tmp_path: Path, waits: Waits, clock: Clock) -> Callable[[], SalesforceOrg]:
    """Opens a new client over one cache, as a new process would."""
    server.otherwise = answer

    def open_org() -> SalesforceOrg:
        how = AccessTokenSignIn(SecretText(TOKEN))
        wire = Wire("uat", server.url, how, Transport(), version="60.0", patience=waits.patience())
        return SalesforceOrg(wire, cache_dir=tmp_path, now=clock)

    return open_org


Opened = Callable[[], SalesforceOrg]


def test_a_describe_keeps_what_reconciling_needs() -> None:
    info = reduce_describe(described("Account"))
    tier, parent = info.field("TIER__C"), info.relationships["parent"]
    assert tier is not None
    assert (tier.name, tier.picklist, tier.restricted) == ("Tier__c", ("Gold",), True)
    assert (parent.name, parent.reference_to) == ("ParentId", ("Account",))
    assert info.fields["id"] == FieldInfo(
        name="Id", type="id", length=18, nillable=False, defaulted=True, createable=False
    )
    assert info_from_json(json.loads(json.dumps(info_to_json(info)))) == info


def test_describes_are_asked_for_once_and_several_in_a_call(opened: Opened, server: ScriptedServer) -> None:
    org = opened()
    found = org.describe(["Account", "Contact", "account"])
    assert sorted(found) == ["Account", "Contact", "account"]
    assert [org.describe(["Account"]).keys(), len(server.calls)] == [{"Account"}, 1]


def test_an_object_the_org_lacks_is_absent(opened: Opened) -> None:
    assert opened().describe(["Nope__c", "Account"]).keys() == {"Account"}
    assert opened().describe(["Nope__c"]) == {}


@pytest.mark.parametrize("name", ["../../etc/passwd", "Account/describe", "", "A B", "Konto_ä", "x" * 90])
def test_a_name_the_api_could_not_have_is_absent_without_a_call(
    opened: Opened, server: ScriptedServer, name: str
) -> None:
    assert opened().describe([name]) == {}
    assert server.calls == []


def test_the_next_process_finds_describes_on_disk_readable_by_its_owner_only(
    opened: Opened, server: ScriptedServer, tmp_path: Path
) -> None:
    first = opened().describe(["Account", "Contact"])
    assert opened().describe(["Account", "Contact"]) == first
    assert len(server.calls) == 1
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    folder = tmp_path / "00D000000000001EAA" / "v60.0"
    assert files == [folder / "Account.json", folder / "Contact.json"]
    if os.name == "posix":
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_after_a_day_the_org_is_asked_whether_it_changed(
    opened: Opened, server: ScriptedServer, clock: Clock
) -> None:
    first = opened().describe(["Account"])
    clock.now += DAY + 1
    assert opened().describe(["Account"]) == first
    assert server.calls[-1].headers["If-Modified-Since"] == "Fri, 14 Aug 2020 20:53:02 GMT"
    clock.now += DAY - 1
    opened().describe(["Account"])
    assert len(server.calls) == 2


def test_a_clock_that_was_set_back_does_not_make_a_describe_fresh_for_ever(
    opened: Opened, server: ScriptedServer, clock: Clock
) -> None:
    opened().describe(["Account"])
    clock.now -= 10 * DAY
    opened().describe(["Account"])
    assert len(server.calls) == 2


def test_refresh_goes_past_memory_and_disk(opened: Opened, server: ScriptedServer) -> None:
    org = opened()
    org.describe(["Account"])
    assert org.refresh(["Account"]).keys() == {"Account"}
    assert len(server.calls) == 2
    assert "If-Modified-Since" not in server.calls[1].headers


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"format":1}', b'{"format":99}', b"\xff\xfe", b"[" * 100_000]
)
def test_a_damaged_file_is_as_good_as_none(
    opened: Opened, server: ScriptedServer, tmp_path: Path, content: bytes
) -> None:
    first = opened().describe(["Account"])
    (tmp_path / "00D000000000001EAA" / "v60.0" / "Account.json").write_bytes(content)
    assert opened().describe(["Account"]) == first
    assert len(server.calls) == 2


def test_a_describe_made_for_another_user_is_not_used(
    opened: Opened, server: ScriptedServer, tmp_path: Path
) -> None:
    opened().describe(["Account"])
    path = tmp_path / "00D000000000001EAA" / "v60.0" / "Account.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "user": "somebody@example.com"}))
    opened().describe(["Account"])
    assert len(server.calls) == 2


def test_a_cache_that_cannot_be_written_costs_calls_and_nothing_else(
    opened: Opened, server: ScriptedServer, tmp_path: Path
) -> None:
    (tmp_path / "00D000000000001EAA").write_text("in the way")
    assert opened().describe(["Account"]).keys() == {"Account"}
    assert opened().describe(["Account"]).keys() == {"Account"}
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    "content", [None, [], {"name": "A"}, {"name": "A", "fields": [1]}, {"fields": []}, "x"]
)
def test_a_damaged_describe_is_an_error_and_is_not_kept(
    opened: Opened, server: ScriptedServer, tmp_path: Path, content: object
) -> None:
    server.otherwise = Reply(200, content)
    with pytest.raises(OrgError, match="describe of Account"):
        opened().describe(["Account"])
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
