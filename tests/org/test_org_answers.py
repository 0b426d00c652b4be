"""The outcome policy, row by row; and what the results of a collections call mean for each row."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.outcome import Applied, Outcome, Refused, Unknown
from reconciler.org.answers import POLICY, Body, Meaning, judge, meaning_of, read_results

ID, OTHER = "001000000000001AAA", "001000000000002AAA"

CASES: list[tuple[int, Body, list[str], Meaning]] = [
    (200, Body.JSON, [], Meaning.ANSWERED),
    (201, Body.JSON, [], Meaning.ANSWERED),
    (204, Body.EMPTY, [], Meaning.ANSWERED),
    (200, Body.FOREIGN, [], Meaning.UNKNOWN),
    (200, Body.ERRORS, ["INVALID_FIELD"], Meaning.UNKNOWN),
    (300, Body.JSON, [], Meaning.REFUSED),
    (200, Body.EMPTY, [], Meaning.UNKNOWN),
    (204, Body.JSON, [], Meaning.UNKNOWN),
    (301, Body.EMPTY, [], Meaning.UNKNOWN),
    (302, Body.FOREIGN, [], Meaning.UNKNOWN),
    (303, Body.EMPTY, [], Meaning.UNKNOWN),
    (307, Body.EMPTY, [], Meaning.REFUSED),
    (304, Body.EMPTY, [], Meaning.NOT_MODIFIED),
    (400, Body.ERRORS, ["FIELD_CUSTOM_VALIDATION_EXCEPTION"], Meaning.REFUSED),
    (400, Body.ERRORS, ["UNABLE_TO_LOCK_ROW"], Meaning.PASSING),
    (400, Body.FOREIGN, [], Meaning.REFUSED),
    (401, Body.ERRORS, ["INVALID_SESSION_ID"], Meaning.SESSION),
    (401, Body.FOREIGN, [], Meaning.SESSION),
    (403, Body.ERRORS, ["REQUEST_LIMIT_EXCEEDED"], Meaning.PASSING),
    (403, Body.ERRORS, ["API_DISABLED_FOR_ORG"], Meaning.REFUSED),
    (403, Body.FOREIGN, [], Meaning.UNKNOWN),
    (404, Body.ERRORS, ["NOT_FOUND"], Meaning.REFUSED),
    (404, Body.FOREIGN, [], Meaning.REFUSED),
    (405, Body.ERRORS, ["METHOD_NOT_ALLOWED"], Meaning.REFUSED),
    (407, Body.FOREIGN, [], Meaning.REFUSED),
    (408, Body.FOREIGN, [], Meaning.UNKNOWN),
    (410, Body.ERRORS, ["UNSUPPORTED_API_VERSION"], Meaning.REFUSED),
    (411, Body.EMPTY, [], Meaning.REFUSED),
    (412, Body.ERRORS, ["PRECONDITION_FAILED"], Meaning.MOVED),
    (412, Body.EMPTY, [], Meaning.MOVED),
    (413, Body.FOREIGN, [], Meaning.REFUSED),
    (414, Body.FOREIGN, [], Meaning.REFUSED),
    (420, Body.FOREIGN, [], Meaning.UNKNOWN),
    (429, Body.ERRORS, ["ANY"], Meaning.PASSING),
    (429, Body.FOREIGN, [], Meaning.UNKNOWN),
    (431, Body.FOREIGN, [], Meaning.REFUSED),
    (500, Body.ERRORS, ["UNKNOWN_EXCEPTION"], Meaning.UNKNOWN),
    (500, Body.ERRORS, ["UNABLE_TO_LOCK_ROW"], Meaning.PASSING),
    (500, Body.FOREIGN, [], Meaning.UNKNOWN),
    (502, Body.FOREIGN, [], Meaning.UNKNOWN),
    (503, Body.ERRORS, ["SERVER_UNAVAILABLE"], Meaning.PASSING),
    (503, Body.ERRORS, ["REQUEST_RUNNING_TOO_LONG"], Meaning.UNKNOWN),
    (503, Body.ERRORS, ["ANY"], Meaning.PASSING),
    (503, Body.FOREIGN, [], Meaning.UNKNOWN),
    (503, Body.EMPTY, [], Meaning.UNKNOWN),
    (504, Body.FOREIGN, [], Meaning.UNKNOWN),
]


@pytest.mark.parametrize(("status", "body", "codes", "meaning"), CASES)
def test_the_policy_says(status: int, body: Body, codes: list[str], meaning: Meaning) -> None:
    assert meaning_of(status, body, codes) is meaning


def test_every_rule_of_the_policy_decides_some_case() -> None:
    deciding = {
        next(number for number, rule in enumerate(POLICY) if rule.fits(status, body, codes))
        for status, body, codes, _ in CASES
    }
    assert deciding == set(range(len(POLICY)))


@given(status=st.integers(-1, 700), raw=st.binary(max_size=60))
def test_no_answer_is_too_strange_to_be_judged(status: int, raw: bytes) -> None:
    judge(status, raw, {})


@given(
    content=st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_results_of_any_shape_give_one_outcome_a_row(content: Any) -> None:
    assert len(read_results(content, [None, ID])) == 2


def test_an_array_of_errors_is_read_with_code_message_and_fields() -> None:
    body = [
        {
            "message": "Name: data value too large: abc (max length=2)",
            "errorCode": "STRING_TOO_LONG",
            "fields": ["Name"],
        }
    ]
    answer = judge(400, json.dumps(body).encode(), {})
    assert (answer.code, answer.fields) == ("STRING_TOO_LONG", ("Name",))
    assert answer.message == "Name: data value too large: (redacted) (max length=2)"


def test_deeply_nested_json_is_foreign_and_not_a_crash() -> None:
    assert judge(200, b"[" * 100_000, {}).meaning is Meaning.UNKNOWN


def ok(record_id: str | None = ID) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": []}


def no(code: str, **more: Any) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": "m", "fields": []}], **more}


ROWS: list[tuple[str, Any, str | None, bool, Outcome]] = [
    ("created", ok(), None, False, Applied(ID)),
    ("created, short id", ok(ID[:15]), None, False, Applied(ID)),
    ("created without an id", ok(None), None, False, Unknown("the answer holds no id for the new row")),
    ("updated without an id", {"success": True}, ID, False, Applied(ID)),
    ("refused", no("INVALID_FIELD"), None, False, Refused("INVALID_FIELD", "m")),
    ("refused, id kept", no("INVALID_FIELD", id=ID), ID, False, Refused("INVALID_FIELD", "m")),
    (
        "gone before an update",
        no("ENTITY_IS_DELETED"),
        ID,
        False,
        Refused("ENTITY_IS_DELETED", "m", moved=True),
    ),
    ("gone before a delete", no("ENTITY_IS_DELETED"), ID, True, Applied(ID)),
    ("never there to delete", no("INVALID_CROSS_REFERENCE_KEY"), ID, True, Applied(ID)),
    (
        "a wrong lookup on create",
        no("INVALID_CROSS_REFERENCE_KEY"),
        None,
        False,
        Refused("INVALID_CROSS_REFERENCE_KEY", "m"),
    ),
    (
        "success is no boolean",
        {"success": "true", "id": ID},
        None,
        False,
        Unknown("the answer holds no result for this row"),
    ),
    (
        "failed without an error",
        {"success": False, "errors": []},
        None,
        False,
        Unknown("the row failed without an error"),
    ),
    ("no object", None, None, False, Unknown("the answer holds no result for this row")),
]


@pytest.mark.parametrize(
    ("result", "sent", "deleting", "outcome"), [case[1:] for case in ROWS], ids=[case[0] for case in ROWS]
)
def test_a_row_is(result: Any, sent: str | None, deleting: bool, outcome: Outcome) -> None:
    assert read_results([result], [sent], deleting=deleting) == [outcome]


@pytest.mark.parametrize("results", [[ok()], [ok(), ok(OTHER), ok()], {}, None, "ok"])
def test_an_answer_of_another_length_says_nothing_about_any_row(results: Any) -> None:
    assert [type(each) for each in read_results(results, [ID, OTHER])] == [Unknown, Unknown]


def test_results_in_another_order_say_nothing_about_any_row() -> None:
    assert [type(each) for each in read_results([ok(OTHER), ok(ID)], [ID, OTHER])] == [Unknown, Unknown]
