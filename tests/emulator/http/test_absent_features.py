"""What is asked of features that the org has nothing in, or does not have."""

from typing import Any

import pytest

from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.http.routing import gaps
from reconciler.emulator.http.service import exchange
from tests.emulator.http.test_below_rows import Caller, caller

__all__ = ["caller"]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/process/approvals", {"approvals": {}}),
        ("/process/rules", {"rules": {}}),
        ("/analytics/reports", []),
        ("/analytics/dashboards", []),
        ("/metadata", {"deployRequest": "/services/data/v60.0/metadata/deployRequest"}),
    ],
)
def test_a_feature_without_anything_in_it_lists_nothing(caller: Caller, path: str, wanted: Any) -> None:
    assert caller.call("GET", path)[:2] == (200, wanted)


def test_a_record_without_an_approval_process_cannot_be_submitted(caller: Caller) -> None:
    account = caller.org.has("Account", Name="A")
    wanted = {"requests": [{"actionType": "Submit", "contextId": account}]}
    status, told, _ = caller.call("POST", "/process/approvals", wanted)
    assert (status, told[0]["errorCode"]) == (400, "NO_APPLICABLE_PROCESS")


@pytest.mark.parametrize("path", ["/chatter/users/me", "/chatter/feeds/news/me/feed-elements", "/wave"])
def test_a_feature_that_is_off_says_so(caller: Caller, path: str) -> None:
    status, told, _ = caller.call("GET", path)
    assert (status, told[0]["errorCode"]) == (403, "FUNCTIONALITY_NOT_ENABLED")


def test_no_apex_class_has_a_rest_resource(caller: Caller) -> None:
    def ask(token: str) -> tuple[int, bytes]:
        headers = Headers({"Host": "acme.my.salesforce.com", "Authorization": f"Bearer {token}"})
        request = Request(method="GET", path="/services/apexrest/Any/thing", headers=headers)
        status, _, body = exchange(caller.org, request)
        return status, body

    assert ask(caller.token)[0] == 404
    assert b"Could not find a match for URL" in ask(caller.token)[1]
    assert ask("00D000000000000!none")[0] == 401


@pytest.mark.parametrize("name", ["graphql", "named-credentials"])
def test_an_address_that_is_not_emulated_is_named_with_the_gaps(caller: Caller, name: str) -> None:
    assert caller.call("GET", f"/{name}")[0] == 404
    assert f"/services/data/vN/{name}" in [each["where"] for each in gaps()]
