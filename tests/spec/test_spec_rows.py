"""Claims about record files: rows with their lines, damage with its place."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.errors import SpecError
from reconciler.model.source import SourceRef
from reconciler.spec.rows import open_rows

WHERE = SourceRef("a.yaml", 4, 9)


def rows(folder: Any, name: str, content: str | bytes) -> list[tuple[int, dict[str, str]]]:
    folder.write(name, content)
    return list(open_rows(name, WHERE, folder.path))


def refused(folder: Any, name: str, content: str | bytes) -> list[str]:
    with pytest.raises(SpecError) as error:
        rows(folder, name, content)
    return [str(problem) for problem in error.value.problems]


def test_csv_rows_come_with_the_line_they_begin_in(folder: Any) -> None:
    content = b'\xef\xbb\xbfIso__c, Name\r\nDE,"Ger\r\nmany"\r\n\r\nFR,\r\n017,no\r\n'
    assert rows(folder, "c.csv", content) == [
        (2, {"Iso__c": "DE", "Name": "Ger\r\nmany"}),
        (5, {"Iso__c": "FR", "Name": ""}),
        (6, {"Iso__c": "017", "Name": "no"}),
    ]


def test_json_lines_keep_numbers_as_written_and_flatten_parents(folder: Any) -> None:
    content = '{"K": "a", "N": 1.50, "B": true, "E": null, "P__r": {"C": 7}}\n\n{"K": "b"}\n'
    assert rows(folder, "c.jsonl", content) == [
        (1, {"K": "a", "N": "1.50", "B": "true", "E": "", "P__r.C": "7"}),
        (3, {"K": "b"}),
    ]


CSV_WRONG = [
    ("", "c.csv:1:1: the file is empty", "column names"),
    ("a,a\n1,2\n", "c.csv:1:1: the column 'a' is there twice, as 1 and 2", "keep one"),
    ("a,,b\n1,2,3\n", "c.csv:1:1: column 2 has no name", "name it"),
    ("a;b\n1;2\n", "c.csv:1:1: the header is one column, 'a;b'", "commas"),
    ("a,b\n1\n", "c.csv:2:1: the row has 1 cells, the header has 2 columns", "double quotes"),
    ("a,b\n1,2\n3,4,5\n", "c.csv:3:1: the row has 3 cells", "double quotes"),
    ('a\n"x\n', "c.csv:2:1: this is not CSV", "close each quoted cell"),
    ('a\n"x"y\n', "c.csv:2:1: this is not CSV", "close each quoted cell"),
    (b"a\n\xc3\xa4\xff\n", "c.csv:2:2: the byte 0xff is not UTF-8", "CSV UTF-8"),
    (b"a\nx\x00\n", "c.csv:2:2: a NUL character", "UTF-8"),
]


@pytest.mark.parametrize(("content", "what", "mend"), CSV_WRONG)
def test_damaged_csv_is_refused_at_its_line(folder: Any, content: str | bytes, what: str, mend: str) -> None:
    found = refused(folder, "c.csv", content)
    assert len(found) == 1
    assert found[0].startswith(what)
    assert mend in found[0]


JSON_WRONG = [
    ("[1]\n", "c.jsonl:1:1: a row must be an object"),
    ('{"a": 1}\n{"a": \n', "c.jsonl:2:"),
    ('{"a": 1, "a": 2}\n', "c.jsonl:1:1: the key 'a' is there twice"),
    ('{"a": [1]}\n', "c.jsonl:1:1: 'a' is a list"),
    ('{"a": NaN}\n', "c.jsonl:1:1: NaN is not a number"),
    ('{"a":' * 100_000 + "\n", "c.jsonl:1:"),
]


@pytest.mark.parametrize(("content", "what"), JSON_WRONG)
def test_damaged_json_lines_are_refused_at_their_line(folder: Any, content: str, what: str) -> None:
    found = refused(folder, "c.jsonl", content)
    assert len(found) == 1
    assert found[0].startswith(what)


def test_all_damaged_rows_are_told_after_the_good_ones_were_read(folder: Any) -> None:
    folder.write("c.csv", "a,b\n1\n2,3\n4,5,6\n")
    taken: list[Any] = []
    with pytest.raises(SpecError) as error:
        taken.extend(open_rows("c.csv", WHERE, folder.path))
    assert [str(problem.where) for problem in error.value.problems] == ["c.csv:2:1", "c.csv:4:1"]
    read = open_rows("c.csv", WHERE, folder.path)
    assert next(read) == (3, {"a": "2", "b": "3"})


@pytest.mark.parametrize("name", ["../x.csv", "/etc/passwd", "none.csv", "x.txt", "link.csv"])
def test_a_record_file_must_be_one_below_the_root(folder: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    root = tmp_path / "root"
    root.mkdir()
    (root / "x.txt").write_text("a\n1\n")
    (root / "link.csv").symlink_to(tmp_path / "x.csv")
    with pytest.raises(SpecError) as error:
        open_rows(name, SourceRef("root/a.yaml", 4, 9), root)
    assert [problem.where for problem in error.value.problems] == [SourceRef("root/a.yaml", 4, 9)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.sampled_from(["c.csv", "c.jsonl"]), st.binary(max_size=80))
def test_no_bytes_give_anything_but_rows_or_a_refusal(folder: Any, name: str, data: bytes) -> None:
    try:
        assert all(type(line) is int for line, _ in rows(folder, name, data))
    except SpecError as error:
        assert error.problems
