"""Claims about values on their way into the store and out of it."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator.columns import read_alike
from reconciler.emulator.errors import ApiError
from reconciler.emulator.schema import Field, PicklistValue
from reconciler.emulator.values import WrongType, half_up, parse_datetime, reader, writer


def field(kind: str, **more: Any) -> Field:
    return Field(name="X__c", type=kind, label="Label X", **more)


ACCEPTED = [
    (field("string", length=5), "  ab ", "ab"),
    (field("string", length=5), "", None),
    (field("string", length=5), "   ", None),
    (field("double", precision=5, scale=2), "1.5", 1.5),
    (field("double", precision=5, scale=2), 1.005, 1.01),
    (field("double", precision=5, scale=0), 3, 3.0),
    (field("int", digits=8), "3", 3),
    (field("int", digits=8), 3.0, 3),
    (field("boolean"), "True", 1),
    (field("boolean"), False, 0),
    (field("boolean"), None, 0),
    (field("date"), "2026-02-28", "2026-02-28"),
    (field("datetime"), "1970-01-01T01:00:00.500+01:00", 0),
    (field("datetime"), "1970-01-01T00:00:01Z", 1000),
    (field("time"), "09:30", "09:30:00.000Z"),
    (field("email", length=80), "a.b@acme.example", "a.b@acme.example"),
]


@pytest.mark.parametrize(("into", "given_value", "stored"), ACCEPTED)
def test_a_value_is_stored_as_its_type(into: Field, given_value: Any, stored: Any) -> None:
    assert reader(into)(given_value) == stored


REFUSED = [
    (field("string", length=5), "abcdef", "STRING_TOO_LONG"),
    (field("string", length=5), 17, "JSON_PARSER_ERROR"),
    (field("boolean"), "yes", "JSON_PARSER_ERROR"),
    (field("double", precision=5, scale=2), "1,5", "JSON_PARSER_ERROR"),
    (field("double", precision=5, scale=2), 1000, "NUMBER_OUTSIDE_VALID_RANGE"),
    (field("double", precision=5, scale=2), 999.999, "NUMBER_OUTSIDE_VALID_RANGE"),
    (field("double", precision=5, scale=2), "nan", "JSON_PARSER_ERROR"),
    (field("int", digits=2), 100, "NUMBER_OUTSIDE_VALID_RANGE"),
    (field("int", digits=2), 1.5, "JSON_PARSER_ERROR"),
    (field("int", digits=8), "3.0", "JSON_PARSER_ERROR"),
    (field("int", digits=8), "1e3", "JSON_PARSER_ERROR"),
    (field("date"), "2026-02-30", "JSON_PARSER_ERROR"),
    (field("date"), "28.02.2026", "JSON_PARSER_ERROR"),
    (field("datetime"), "yesterday", "JSON_PARSER_ERROR"),
    (field("time"), "25:00", "JSON_PARSER_ERROR"),
    (field("email", length=80), "not an address", "INVALID_EMAIL_ADDRESS"),
    (field("reference"), "abc", "MALFORMED_ID"),
    (field("base64"), "%%%", "JSON_PARSER_ERROR"),
]


@pytest.mark.parametrize(("into", "given_value", "code"), REFUSED)
def test_a_value_that_does_not_fit_is_refused_by_its_code(into: Field, given_value: Any, code: str) -> None:
    with pytest.raises(ApiError) as caught:
        reader(into)(given_value)
    assert caught.value.code == code


def test_a_refusal_names_the_label_in_its_text_and_the_api_name_in_its_fields() -> None:
    with pytest.raises(ApiError) as caught:
        reader(field("string", length=2))("abc")
    assert caught.value.message == "Label X: data value too large: abc (max length=2)"
    assert caught.value.fields == ["X__c"]


def test_a_wrong_type_has_another_text_where_rows_are_read_one_by_one() -> None:
    with pytest.raises(WrongType) as caught:
        reader(field("boolean"))("yes")
    row_error = caught.value.in_a_row()
    assert row_error.code == "INVALID_TYPE_ON_FIELD_IN_RECORD"
    assert row_error.message == "Label X: value not of required type: yes"


VALUES = (PicklistValue("Hot", "Hot"), PicklistValue("Cold", "Cold"), PicklistValue("Old", "Old", False))


def test_a_restricted_picklist_takes_its_active_values_only() -> None:
    read = reader(field("picklist", length=40, picklist=VALUES, restricted_picklist=True))
    assert read("hot") == "Hot"
    for value in ("Warm", "Old"):
        with pytest.raises(ApiError) as caught:
            read(value)
        assert caught.value.message == f"Label X: bad value for restricted picklist field: {value}"


def test_an_open_picklist_takes_any_value() -> None:
    assert reader(field("picklist", length=40, picklist=VALUES))("Warm") == "Warm"


def test_a_multi_select_picklist_is_stored_in_the_order_of_its_values() -> None:
    read = reader(field("multipicklist", picklist=VALUES[:2], restricted_picklist=True))
    assert read("Cold;Hot;Cold") == "Hot;Cold"
    assert read(";") is None


@given(st.datetimes().filter(lambda moment: 1700 <= moment.year <= 4000))
def test_a_moment_comes_back_as_it_was_to_the_second(moment: Any) -> None:
    whole = moment.replace(microsecond=0)
    stored = parse_datetime(whole.isoformat() + "Z")
    assert stored is not None
    assert writer(field("datetime"))(stored) == whole.strftime("%Y-%m-%dT%H:%M:%S.000+0000").rjust(28, "0")


@given(st.text() | st.integers() | st.floats() | st.booleans() | st.none() | st.lists(st.text()))
def test_whatever_a_client_sends_is_read_or_refused(value: Any) -> None:
    kinds = ["string", "double", "int", "boolean", "date", "datetime", "time", "email", "picklist"]
    for kind in [*kinds, "multipicklist", "reference", "base64"]:
        try:
            reader(field(kind, length=20))(value)
        except ApiError as error:
            assert error.code


@given(
    st.sampled_from([field("double", precision=8, scale=2), field("currency", precision=18, scale=0)])
    | st.sampled_from([field("int", digits=4), field("string", length=5), field("percent")]),
    st.lists(
        st.integers(-100_000, 100_000)
        | st.floats(allow_nan=True, allow_infinity=True)
        | st.decimals(-1000, 1000, places=3, allow_nan=False).map(float)
        | st.text("ab é\ud800", max_size=7),
        min_size=1,
    ),
)
def test_a_column_read_at_once_is_as_its_values_read_one_by_one(kind: Field, cells: list[Any]) -> None:
    alike = read_alike(kind, cells, set(map(type, cells)))
    if alike is not None:
        read = reader(kind)
        assert list(alike) == [read(each) for each in cells]


@given(st.decimals(-(10**9), 10**9, places=4, allow_nan=False), st.integers(0, 3))
def test_halves_are_rounded_away_from_zero_in_the_digits_as_written(number: Decimal, scale: int) -> None:
    wanted = Decimal(repr(float(number))).quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)
    assert half_up(float(number), scale) == float(wanted)
