"""What real orgs answered is judged and read as it was meant."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.outcome import Applied, Refused
from reconciler.org.answers import Meaning, judge, read_results
from reconciler.org.describes import reduce_describe
from reconciler.org.sign_in import _ids_of_identity

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not beside this project")


def recorded(family: str) -> list[Any]:
    paths = sorted((RECORDINGS / family).glob("*.json"))
    return [pytest.param(json.loads(path.read_text("utf-8")), id=path.stem) for path in paths]


def judged(exchange: Any) -> tuple[Any, Any]:
    reply = exchange["response"]
    body = reply.get("body")
    raw = b"" if body is None else json.dumps(body).encode()
    return judge(reply["status"], raw, reply.get("headers") or {}), body


FAMILIES = ("rows", "query", "composite", "describe", "describe-global", "limits", "search", "other")


@pytest.mark.parametrize("exchange", [each for family in FAMILIES for each in recorded(family)])
def test_a_recorded_answer_is_an_answer_or_a_refusal_and_never_unknown(exchange: Any) -> None:
    answer, body = judged(exchange)
    if answer.status == 401:
        assert answer.meaning is Meaning.SESSION
    elif answer.status < 300:
        assert answer.meaning is Meaning.ANSWERED
    else:
        assert answer.meaning is Meaning.REFUSED
    if answer.status >= 400 and isinstance(body, list):
        assert answer.code == body[0]["errorCode"]


@pytest.mark.parametrize("exchange", recorded("describe"))
def test_a_recorded_describe_is_reduced_with_all_its_fields(exchange: Any) -> None:
    answer, body = judged(exchange)
    if answer.meaning is not Meaning.ANSWERED or "fields" not in body:
        pytest.skip("not a describe")
    info = reduce_describe(body)
    assert info.name == body["name"]
    assert {field.name for field in info.fields.values()} == {field["name"] for field in body["fields"]}
    assert all(
        name == field.relationship.lower() for name, field in info.relationships.items() if field.relationship
    )


def is_collection(exchange: Any) -> bool:
    reply = exchange["response"]
    return "composite/sobjects" in exchange["request"]["path"] and isinstance(reply["body"], list)


@pytest.mark.parametrize(
    "exchange", [each for each in recorded("composite") if is_collection(each.values[0])]
)
def test_recorded_results_of_collections_say_what_became_of_each_row(exchange: Any) -> None:
    answer, body = judged(exchange)
    if answer.meaning is not Meaning.ANSWERED:
        pytest.skip("the whole call was refused")
    outcomes = read_results(body, [None] * len(body))
    assert [type(each) for each in outcomes] == [Applied if row["success"] else Refused for row in body]


@pytest.mark.parametrize("exchange", recorded("auth"))
def test_a_recorded_token_answer_names_org_and_user(exchange: Any) -> None:
    _, body = judged(exchange)
    if "id" in body:
        org_id, user_id = _ids_of_identity(body["id"])
        assert (org_id or "").startswith("00D")
        assert (user_id or "").startswith("005")
