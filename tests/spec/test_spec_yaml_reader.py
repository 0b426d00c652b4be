"""Claims about reading YAML: what is refused, where, and with which mend."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.errors import Problem
from reconciler.model.source import SourceRef
from reconciler.spec import yaml_reader
from reconciler.spec.nodes import MapNode, Plain, is_null
from reconciler.spec.yaml_reader import read_yaml

Read = Callable[[str | bytes], tuple[Any, list[str]]]

REFUSED: list[tuple[str, str | bytes, str, str]] = [
    ("a tab as indentation", "a:\n\tb: 1\n", "2:1: a tab is used as indentation", "with spaces"),
    ("a tab after blanks", "a:\n  b: 1\n \tc: 1\n", "3:2: a tab is used as indentation", "with spaces"),
    (
        "a key twice",
        "a: 1\nb: 2\na: 3\n",
        "3:1: the key 'a' is written twice; the first is at line 1",
        "one of",
    ),
    ("a quoted and an unquoted key", "a: 1\n'a': 2\n", "2:1: the key 'a' is written twice", "one of the two"),
    ("an anchor", "a: &x 1\n", "1:4: the anchor '&x' is not allowed", "write the value out"),
    ("an anchor at a key", "&x a: 1\n", "1:1: the anchor '&x'", "write the value out"),
    ("an anchor at a map", "a: &x {b: 1}\n", "1:4: the anchor '&x'", "write the value out"),
    ("an alias", "a: *x\n", "1:4: the alias '*x' is not allowed", "write the value out"),
    ("a merge key", "a:\n  <<: {b: 1}\n", "2:3: merge keys", "write the entries out"),
    ("a tag", "a: !!str x\n", "1:4: the tag '!!str' is not allowed", "remove the tag"),
    ("a code tag", "a: !!python/object:os.system [x]\n", "1:4: the tag '!!python", "remove the tag"),
    ("an own tag at a map", "a: !x {b: c}\n", "1:4: the tag '!x' is not allowed", "remove the tag"),
    ("two documents", "a: 1\n---\nb: 2\n", "2:1: a second document begins", "remove '---'"),
    ("a map as key", "{a: b}: c\n", "1:1: a key must be text", "name the key"),
    ("an empty key", "a: 1\n'': 2\n", "2:1: a key is empty", "name the key"),
    ("a colon without a blank", "a: {b:1}\n", "1:5: the key 'b:1' has no value", "with a blank"),
    (
        "an open quote",
        "a: 'x\nb: 1\n",
        "3:1: the text in quotes that began at line 1, column 4 is not",
        "close",
    ),
    ("an open list", "a: [1, 2\nb: 3\n", "2:2: the list that began at line 1, column 4 is not", "','"),
    ("a second colon", "a: b: c\n", "1:5: a ': ' stands where no key can be", "in quotes"),
    ("a line without colon", "a: 1\nb\nc: 2\n", "3:1: a line that is neither 'key: value' nor", "key: value"),
    ("a wrong indentation", "a:\n    b: 1\n  c: 2\n", "3:3: ", "indent the keys of one map alike"),
    ("an unknown escape", 'a: "\\q"\n', "1:5: an escape that YAML does not know", "single quotes"),
    ("a value with @", "a: @home\n", "1:4: a value cannot begin with '@'", "in quotes"),
    ("a value with %", "a: %x\n", "1:4: a value cannot begin with '%'", "in quotes"),
    ("a NUL", "a: x\0\n", "1:5: the character U+0000 cannot stand", r'"\x00"'),
    ("an escape character", "a: 1\nb: \x1b[0m\n", "2:4: the character U+001B", r'"\x1b"'),
    ("a line separator", "a: x\u2028y\n", "1:5: the character U+2028", r'"\u2028"'),
    ("invalid UTF-8", b"a: 1\nb: \xc3\xa4\xff\n", "2:5: the byte 0xff is not UTF-8", "UTF-8"),
    ("UTF-16", "a: 1".encode("utf-16"), "1:1: the file is in UTF-16", "UTF-8"),
    ("nothing", "", "1:1: the file is empty", "reconcile: 1"),
    ("only a comment", "# soon\n", "1:1: the file is empty", "reconcile: 1"),
    ("an empty document", "---\n...\n", "1:1: the file is empty", "reconcile: 1"),
]

AMBIGUOUS = [
    ("no", "or false"), ("Yes", "or true"), ("ON", "or true"), ("off", "or false"), ("y", "or true"),
    ("N", "or false"), ("017", "or 17 for the number"), ("-08", "or -8"), ("00", "or 0 for"),
    ("007.5", "or 7.5"), ("0o17", "or 15"), ("0x1F", "or 31"), ("0b11", "or 3"), ("1_000", "or 1000"),
    ("12:30:45", "or the time"), ("190:20", "or the time"), ("1e3", "without an exponent"),
    ("1.5E-7", "without an exponent"), (".inf", "in quotes"), ("-.INF", "in quotes"), (".NaN", "in quotes"),
    ("2026-02-30", "a day that exists"), ("2026-13-01", "a day that exists"),
    ("2026-01-31T10:00:00", "2026-01-31T10:00:00Z"), ("2026-01-31 10:00", "add the zone"),
    ("2026-01-31T25:00:00Z", "a time that exists"),
]  # fmt: skip

CLEAR = [
    "none", "yesterday", "Norway", "17", "-3", "+49", "0", "1.50", ".5", "true", "False", "null", "~",
    "2026-01-31", "2026-01-31T10:00:00Z", "2026-01-31T10:00:00.000+02:00", "1-2-3", "10:99", "1.2.3", "12,5",
    "e5", "0-8", "001A000001abcDE", "http://x", "a-b", "+", ".", "1 000", "5%",
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "what", "mend"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED]
)
def test_what_makes_yaml_dangerous_or_unreadable_is_refused_at_its_place(
    read: Read, content: str | bytes, what: str, mend: str
) -> None:
    _, problems = read(content)
    assert len(problems) == 1, problems
    assert problems[0].startswith(f"x.yaml:{what}")
    assert mend in problems[0].partition("\n  mend: ")[2]


@pytest.mark.parametrize(("text", "mend"), AMBIGUOUS)
def test_a_scalar_that_yaml_readers_disagree_about_is_refused_as_a_value(
    read: Read, text: str, mend: str
) -> None:
    _, problems = read(f"a:\n  - x\n  - {text}\n")
    assert len(problems) == 1
    assert problems[0].startswith(f"x.yaml:3:5: '{text}' ")
    assert f"'{text}' in quotes" in problems[0]
    assert mend in problems[0]
    assert read(f"a: '{text}'\n") == ({"a": text}, [])


@pytest.mark.parametrize("text", CLEAR)
def test_other_scalars_keep_their_text_undecided(read: Read, text: str) -> None:
    node, problems = read(f"a: {text}\n")
    assert problems == []
    assert node == {"a": text}
    assert type(node["a"]) is Plain


def test_an_ambiguous_key_is_left_to_whoever_knows_what_keys_mean(read: Read) -> None:
    node, problems = read("on: x\n017: x\nName: x\n")
    assert problems == []
    assert [type(key) for key in node] == [Plain, Plain, str]


def test_positions_are_of_the_key_and_of_the_value(read: Read) -> None:
    node, _ = read("é: {a: 1}\nrows:\n  K-1:\n    Name: x\n  K-2: [a, b]\n")
    row = node["rows"]["K-1"]
    assert row.source == SourceRef("x.yaml", 3, 3)
    assert row.key_source("Name") == SourceRef("x.yaml", 4, 5)
    assert row.value_source("Name") == row.source_of("Name") == SourceRef("x.yaml", 4, 11)
    assert row.source_of("Absent__c") == row.source
    assert node["rows"]["K-2"].item_source(1) == SourceRef("x.yaml", 5, 12)
    assert node["é"].key_source("a") == SourceRef("x.yaml", 1, 5)


def test_only_an_unquoted_null_is_nothing(read: Read) -> None:
    node, _ = read("a:\nb: ~\nc: null\nd: ''\ne: 'null'\n")
    assert [is_null(value) for value in node.values()] == [True, True, True, False, False]


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(read: Read) -> None:
    node, problems = read(b"\xef\xbb\xbfa: 1\r\nb: |\r\n  x\r\n  y\r\n")
    assert (node, problems) == ({"a": "1", "b": "x\ny\n"}, [])


def test_a_colon_in_flow_text_is_read_as_yaml_says(read: Read) -> None:
    node, problems = read("a: {url: https://x.example/?q=1, at: 2026-01-31T10:00:00Z}\nb: {q: what?}\n")
    assert problems == []
    assert node["a"] == {"url": "https://x.example/?q=1", "at": "2026-01-31T10:00:00Z"}
    assert node["b"] == {"q": "what?"}
    assert node["a"].value_source("at") == SourceRef("x.yaml", 1, 38)


def test_a_variable_that_needs_quotes_in_a_flow_map_is_told_so(read: Read) -> None:
    _, problems = read("a: {b: ${region}, c: 1}\n")
    assert problems[0].startswith("x.yaml:1:9: the map that began at line 1, column 4 is not closed here")
    assert "write '${name}' in quotes" in problems[0]


def test_all_problems_of_a_file_come_at_once(read: Read) -> None:
    _, problems = read("a: no\nb: &x 1\nc: *x\nb: 2\nd: [\n")
    assert [each.split(": ")[0] for each in problems] == [
        "x.yaml:1:4", "x.yaml:2:4", "x.yaml:3:4", "x.yaml:4:1", "x.yaml:6:1",
    ]  # fmt: skip


def test_an_alias_bomb_is_refused_before_it_is_built(read: Read) -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    _, problems = read("l0: &l0 [lol]\n" + "\n".join(levels))
    assert problems[0].startswith("x.yaml:1:5: the anchor '&l0'")
    assert len(problems) <= yaml_reader.MAX_PROBLEMS_PER_FILE + 1


@pytest.mark.parametrize("content", ["[" * 100_000, "a: " + "{a: " * 65, "- " * 100_000])
def test_deep_nesting_is_refused_without_going_down(read: Read, content: str) -> None:
    node, problems = read(content)
    assert node is None
    assert "nested deeper than 64 levels" in problems[0]


def test_nesting_up_to_the_limit_is_read(read: Read) -> None:
    assert read("a: " + "[" * 63 + "]" * 63)[1] == []


def test_too_many_keys_are_refused_with_the_advice_to_use_csv(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_reader, "MAX_EVENTS", 100)
    node, problems = read("a: [" + "1, " * 200 + "]")
    assert node is None
    assert "more than 100 keys and values" in problems[0]
    assert "CSV" in problems[0]


def test_an_invisible_character_in_a_value_is_warned_of(read: Read) -> None:
    warnings: list[Problem] = []
    problems: list[Problem] = []
    node = read_yaml("a: safe\u202etxt\nb: 'x\u200by'\n".encode(), "x.yaml", problems, warnings)
    assert problems == []
    assert node == {"a": "safe\u202etxt", "b": "x\u200by"}
    assert [each.where for each in warnings] == [SourceRef("x.yaml", 1, 8), SourceRef("x.yaml", 2, 6)]
    assert "U+202E" in warnings[0].what


def test_without_the_c_parser_the_same_is_read_and_refused(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = [case[1] for case in REFUSED if case[0] not in ("an open list", "a line without colon")]
    contents += ["a: {b: [c, 'd'], e: |\n  x\n", "a:\n  b: 1\n  c: [x, y]\n  d: >-\n    text\n    more\n"]
    fast = [read(content) for content in contents]

    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(yaml_reader, "import_module", missing)
    slow = [read(content) for content in contents]
    for content, (node, problems), (again, found) in zip(contents, fast, slow, strict=True):
        assert (node, bool(problems)) == (again, bool(found)), content
        if problems:
            assert found[0].split(":")[1] == problems[0].split(":")[1], content
    assert importlib.import_module("ruamel.yaml")


def test_a_file_of_bad_characters_or_of_digits_is_answered_at_once(read: Read) -> None:
    _, problems = read(b"a\n" * 1000 + b"\0" * 2_000_000)
    assert len(problems) == yaml_reader.MAX_PROBLEMS_PER_FILE
    assert problems[1].startswith("x.yaml:1001:2: ")
    assert read("a: " + "1" * 1_000_000)[1] == []
    assert read("a: 0" + "1_" * 1_000_000)[1] == []


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_in_quotes_comes_back_the_same(text: str) -> None:
    quoted = "".join(
        character if character.isascii() and character.isalnum() else f"\\U{ord(character):08x}"
        for character in text
    )
    problems: list[Problem] = []
    node = read_yaml(f'a: "{quoted}"\nb: ["{quoted}"]\n'.encode(), "x.yaml", problems, [])
    assert problems == []
    assert node == {"a": text, "b": [text]}
    assert type(node["a"]) is str


@given(st.dictionaries(st.text("abc-_.", min_size=1), st.lists(st.text("xyz0123456789 "), max_size=3)))
def test_json_without_escapes_is_read_as_json(value: dict[str, list[str]]) -> None:
    problems: list[Problem] = []
    node = read_yaml(json.dumps(value, indent=1).encode(), "x.yaml", problems, [])
    assert problems == []
    assert node == value
    assert isinstance(node, MapNode)


@given(st.binary(max_size=200))
def test_no_bytes_give_anything_but_a_node_or_problems(data: bytes) -> None:
    problems: list[Problem] = []
    node = read_yaml(data, "x.yaml", problems, [])
    assert node is not None or problems


@given(st.text("ab:-[]{}'\"#&*!|>%@`,?\\\n\t ${}1", max_size=60))
def test_no_punctuation_gives_anything_but_a_node_or_placed_problems(text: str) -> None:
    problems: list[Problem] = []
    node = read_yaml(text.encode(), "x.yaml", problems, [])
    assert node is not None or problems
    assert all(problem.where is not None and problem.mend for problem in problems)


def test_a_large_file_is_refused_before_it_is_read(folder: Any) -> None:
    path: Path = folder.path / "a.yaml"
    with path.open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)
    found = folder.problems("a.yaml")
    assert found == [
        "a.yaml:1:1: the file has 100 MiB, more than the 64 MiB that a state may have\n"
        "  mend: keep large data in a CSV file beside it and name that with 'from: data/name.csv'"
    ]
