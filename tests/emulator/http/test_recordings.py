"""Recorded exchanges of real orgs, replayed: the emulated org must answer in the same form.

Compared are status, header fields, error codes and their texts, keys in order as far as the schema has the
fields, and JSON types of values. `ASKED` says what is asked where a recording does not tell its request,
`CANNOT_HOLD` which recordings this cannot be asked of, and why.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .recorded_form import compare, compare_headers, told
from .recorded_world import World, ask_a_list_view, ask_all_or_none, ask_the_rows, codes, prepare, send

RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "recordings"
GROUPS = (
    "auth", "composite", "describe", "describe-global", "identity", "limits", "other", "query", "rows",
    "search", "versions",
)  # fmt: skip

CANNOT_HOLD = {"describe/get-sobjects-Knowledge__kav-describe-200-nango.json": "the org has no Knowledge"}
ASKED: dict[str, Callable[[World, dict[str, Any]], tuple[int, Any, dict[str, str]]]] = {
    "composite/patch-composite-sobjects-200-amplabs.json": ask_all_or_none,
    "composite/post-composite-sobjects-200-amplabs.json": ask_all_or_none,
    "query/get-query-200-netcoreforce.json": ask_the_rows,
    "query/get-query-Case-200-netcoreforce-2.json": ask_the_rows,
    "query/get-query-Opportunity-200-amplabs.json": ask_the_rows,
    "query/get-query-contacts-200-amplabs.json": ask_the_rows,
    "query/get-query-locator-200-nango-2.json": ask_the_rows,
    "query/get-query-locator-200-nango.json": ask_the_rows,
    "query/get-query-locator-200-netcoreforce.json": ask_the_rows,
    "query/get-query-locator-Account-200-nango.json": ask_the_rows,
    "rows/get-sobjects-Case-listviews-id-results-200-restforce.json": ask_a_list_view,
}
"""Recordings whose request was elided, put together by hand, or is good in one org only."""


AT_LEAST = 153
"""Recordings that were replayed when this was written."""


def recorded() -> list[str]:
    if not RECORDINGS.is_dir():
        return []
    return sorted(
        str(path.relative_to(RECORDINGS)) for group in GROUPS for path in (RECORDINGS / group).glob("*.json")
    )


REPLAYED = [name for name in recorded() if name not in CANNOT_HOLD]


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recorded exchanges are not beside the repository")
@pytest.mark.parametrize("name", REPLAYED)
def test_a_recorded_exchange_has_the_same_form_here(name: str) -> None:
    recording = json.loads((RECORDINGS / name).read_text())
    world = World(recording)
    if name in ASKED:
        status, actual, headers = ASKED[name](world, recording["request"])
    else:
        address, method, body = prepare(world, recording["request"])
        if "DUPLICATE_VALUE" in codes(world.body):
            send(world, method, address, body)
        signed = recording["response"]["status"] != 401
        status, actual, headers = send(world, method, address, body, signed=signed)
    assert status == recording["response"]["status"], actual
    assert codes(actual) == codes(world.body)
    assert told(actual) == told(world.body)
    compare_headers(recording["response"]["headers"], headers)
    compare(world, world.body, actual)


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recorded exchanges are not beside the repository")
def test_no_recording_is_left_out_but_the_one_that_cannot_hold() -> None:
    assert len(REPLAYED) >= AT_LEAST
    assert CANNOT_HOLD.keys() | ASKED.keys() <= set(recorded())
    assert set(recorded()) - set(REPLAYED) == CANNOT_HOLD.keys()
