"""Claims about the way from a node to a value of one type, and about validated maps."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from reconciler.model.errors import Problem
from reconciler.model.source import SourceRef
from reconciler.spec.json_schema import json_schema, json_schema_orgs
from reconciler.spec.nodes import MapNode
from reconciler.spec.scalars import Look, ambiguity, look
from reconciler.spec.typed import (
    as_bool,
    as_int,
    as_list,
    as_map,
    as_number,
    as_one_of,
    as_text,
    as_texts,
    check_key,
    check_words,
)
from reconciler.spec.validation import validate

WHERE = SourceRef("x.yaml", 1, 4)
Read = Callable[[str], tuple[Any, list[str]]]


def value(read: Read, text: str) -> Any:
    return read(f"a: {text}\n")[0]["a"]


ACCEPTED = [
    (as_text, "abc", "abc"), (as_text, "'17'", "17"), (as_text, "''", ""), (as_text, "'null'", "null"),
    (as_bool, "true", True), (as_bool, "FALSE", False), (as_int, "-7", -7), (as_number, "7", 7),
    (as_number, "7.50", 7.5),
]  # fmt: skip

REFUSED = [
    (as_text, "17", "must be text, found the number 17", "so that 017 and 17 stay different keys"),
    (as_text, "true", "must be text, found the boolean true", "write 'true' in quotes"),
    (as_text, "~", "must be text, found nothing", "write the text"),
    (as_text, "2026-01-31", "must be text, found the date 2026-01-31", "in quotes"),
    (as_text, "[a]", "must be text, found a list", "write the text"),
    (as_bool, "'true'", "must be true or false, found the text 'true'", "without quotes"),
    (as_bool, "1", "must be true or false, found the number 1", "without quotes"),
    (as_int, "1.5", "must be a whole number, found the decimal number 1.5", "digits"),
    (as_int, "'1'", "must be a whole number, found the text '1'", "without quotes"),
    (as_int, "9" * 5000, "must be a whole number", "digits"),
    (as_number, "abc", "must be a number, found the text 'abc'", "digits"),
    (as_map, "[]", "must be a map, found a list", "key: value"),
    (as_list, "{}", "must be a list, found a map", "- item"),
]  # fmt: skip


@pytest.mark.parametrize(("as_type", "text", "expected"), ACCEPTED)
def test_a_value_of_the_type_is_taken(read: Read, as_type: Any, text: str, expected: Any) -> None:
    problems: list[Problem] = []
    found = as_type(value(read, text), WHERE, "'a'", problems)
    assert (found, type(found), problems) == (expected, type(expected), [])


@pytest.mark.parametrize(("as_type", "text", "what", "mend"), REFUSED)
def test_a_value_of_another_type_is_refused_with_a_mend(
    read: Read, as_type: Any, text: str, what: str, mend: str
) -> None:
    problems: list[Problem] = []
    assert as_type(value(read, text), WHERE, "'a'", problems) is None
    assert len(problems) == 1
    assert problems[0].where == WHERE
    assert what in problems[0].what
    assert mend in (problems[0].mend or "")


def test_what_the_reader_refused_is_not_refused_again(read: Read) -> None:
    problems: list[Problem] = []
    assert as_text(value(read, "no"), WHERE, "'a'", problems) is None
    assert problems == []


def test_a_whole_number_keeps_its_bounds(read: Read) -> None:
    problems: list[Problem] = []
    assert as_int(value(read, "7"), WHERE, "'a'", problems, least=7, most=7) == 7
    assert as_int(value(read, "8"), WHERE, "'a'", problems, least=1, most=7) is None
    assert problems[0].what == "'a' must be at least 1 and at most 7, found the number 8"


def test_one_text_is_a_list_of_one_and_each_item_has_its_place(read: Read) -> None:
    problems: list[Problem] = []
    assert as_texts(value(read, "x"), WHERE, "'a'", problems) == [("x", WHERE)]
    assert as_texts(value(read, "[x, 7]"), WHERE, "'a'", problems) == [("x", SourceRef("x.yaml", 1, 5))]
    assert str(problems[0]).startswith("x.yaml:1:8: item 2 of 'a' must be text, found the number 7")


def test_a_word_out_of_a_set_gets_the_nearest(read: Read) -> None:
    problems: list[Problem] = []
    assert as_one_of(value(read, "edit"), WHERE, "'a'", problems, ("read", "edit")) == "edit"
    assert as_one_of(value(read, "edits"), WHERE, "'a'", problems, ("read", "edit", "all")) is None
    assert str(problems[0]) == (
        "x.yaml:1:4: 'a' must be one of 'read', 'edit', 'all', found the text 'edits'\n"
        "  mend: did you mean 'edit'?"
    )


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("017", "octal"),
        ("17", "must be text, found the number 17"),
        ("no", "false to some"),
        ("~", "nothing"),
    ],
)
def test_a_natural_key_must_be_text(read: Read, key: str, what: str) -> None:
    node, _ = read(f"ok: 1\n{key}: 1\n")
    problems: list[Problem] = []
    assert check_key(node, next(iter(node)), "a row key", problems) == "ok"
    assert check_key(node, list(node)[1], "a row key", problems) is None
    assert what in problems[0].what
    assert problems[0].where == SourceRef("x.yaml", 2, 1)
    quoted, _ = read(f"'{key}': 1\n")
    assert check_key(quoted, next(iter(quoted)), "a row key", problems) == key


def test_unknown_words_are_refused_one_by_one(read: Read) -> None:
    node, _ = read("labl: x\nobjects: {}\n")
    problems: list[Problem] = []
    assert not check_words(node, ("label", "objects"), "a queue", problems)
    assert [str(each) for each in problems] == [
        "x.yaml:1:1: unknown key 'labl' in a queue\n  mend: did you mean 'label'?"
    ]


@pytest.mark.parametrize("text", ["no", "017", "1e3", "2026-02-30", "x", "", "1", "true", "12:30", "-", "0x"])
def test_a_text_looks_ambiguous_exactly_where_there_is_a_reason(text: str) -> None:
    assert (look(text) is Look.AMBIGUOUS) == (ambiguity(text) is not None)


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    count: int = 0


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    label: str
    mode: "str | int" = "x"
    inner: list[Inner] = []


def test_a_map_becomes_a_model(read: Read) -> None:
    node, _ = read("label: x\ninner: [{name: a, count: 3}]\n")
    problems: list[Problem] = []
    made = validate(node, Outer, problems, what="a thing", where=WHERE)
    assert made == Outer(label="x", inner=[Inner(name="a", count=3)])
    assert problems == []


def test_every_error_of_a_model_is_at_its_place_and_a_misspelt_key_is_one(read: Read) -> None:
    node, _ = read("labl: x\nmode: [1]\ninner:\n  - {name: 7, count: '3', extra: x}\n  - {count: 1}\n")
    problems: list[Problem] = []
    assert validate(node, Outer, problems, what="a thing", where=WHERE) is None
    assert sorted(str(each) for each in problems) == [
        "x.yaml:1:1: unknown key 'labl' in a thing\n  mend: did you mean 'label'?",
        "x.yaml:2:7: 'mode' of a thing must be text or a whole number, found a list\n"
        "  mend: write text or a whole number",
        "x.yaml:4:12: 'name' of 'inner' of a thing must be text, found the number 7\n"
        "  mend: write '7' in quotes",
        "x.yaml:4:22: 'count' of 'inner' of a thing must be a whole number, found the text '3'\n"
        "  mend: write it without quotes",
        "x.yaml:4:27: unknown key 'extra' in 'inner' of a thing\n  mend: remove it",
        "x.yaml:5:5: 'name' is missing in 'inner' of a thing\n  mend: add 'name: …'",
    ]


def test_a_made_node_stands_where_it_is_said_to(read: Read) -> None:
    node = MapNode.made({"a": "x", "b": "y"}, WHERE)
    assert node == {"a": "x", "b": "y"}
    assert {node.source, node.key_source("a"), node.value_source("b"), node.source_of("c")} == {WHERE}


def test_the_schema_of_states_takes_the_sections_it_is_given() -> None:
    schema = json_schema({"users": {"type": "object"}})
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["properties"]["users"]["type"] == "object"
    assert set(schema["properties"]) == {"reconcile", "release", "variables", "include", "checks", "users"}
    assert "OrgEntry" in json_schema_orgs()["$defs"]
