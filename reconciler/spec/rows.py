"""Record files beside a state: CSV and JSON lines, row by row in constant memory.

`from: data/countries.csv` names a file under the root, relative to the state that names it. A row is a
map of column to text: what type the text has is the describe's business. Paths go through parents
with dots (`Account__r.Account_Code__c`), which is also how nested JSON objects come out. An empty CSV
cell is the empty text.

Damaged rows are collected and raised together when the good ones have been read, because a file of a
million rows should not be mended one run at a time.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from reconciler.model.errors import Problem, SpecError
from reconciler.model.source import SourceRef

from .files import check_included, open_included
from .yaml_reader import BOM

MAX_LINE_BYTES = 8 * 1024 * 1024
MAX_ROW_PROBLEMS = 100

Rows = Iterator[tuple[int, dict[str, str]]]


def open_rows(path_text: str, where: SourceRef, root: Path) -> Rows:
    """Yield ``(line, {column: text})`` of the `.csv`, `.jsonl` or `.ndjson` file named at ``where``.

    The path is checked at once; the file is read as rows are taken. Raises `SpecError` for a path that
    may not be used and, after the last row, for every damaged row: callers act only when it ended.
    """
    problems: list[Problem] = []
    base = Path(where.file).parent
    real = check_included(path_text, base, root, where, problems)
    reader = _READERS.get(Path(path_text).suffix.lower())
    if reader is None and real is not None:
        problems.append(
            Problem(
                f"'{path_text}' is not a record file",
                where,
                f"name a file that ends in {', '.join(_READERS)}",
            )
        )
    stream = (
        open_included(real, path_text, root, where, problems)
        if real is not None and reader is not None
        else None
    )
    if stream is None or reader is None:
        raise SpecError.of(problems)
    return _read(stream, reader, (base / path_text).as_posix())


def _read(stream: BinaryIO, reader: Any, name: str) -> Rows:
    problems: list[Problem] = []
    with stream:
        yield from reader(_lines(stream, name), name, problems)
    if problems:
        raise SpecError.of(problems)


def _lines(stream: BinaryIO, name: str) -> Iterator[str]:
    """The lines with their ends; a line that is no text stops the file."""
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(BOM)
        if len(line) > MAX_LINE_BYTES:
            raise SpecError(
                Problem(
                    f"the line is longer than {MAX_LINE_BYTES // (1024 * 1024)} MiB",
                    SourceRef(name, number, 1),
                    "check that the file has line ends and closed quotes",
                )
            )
        if b"\x00" in line:
            at = SourceRef(name, number, line.index(b"\x00") + 1)
            raise SpecError(
                Problem("a NUL character cannot stand in a record file", at, "save it as UTF-8 text")
            )
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            column = len(line[: error.start].decode("utf-8")) + 1
            raise SpecError(
                Problem(
                    f"the byte 0x{line[error.start]:02x} is not UTF-8",
                    SourceRef(name, number, column),
                    "save the file as UTF-8; spreadsheets call it 'CSV UTF-8'",
                )
            ) from error


def _csv_rows(lines: Iterator[str], name: str, problems: list[Problem]) -> Rows:
    reader = csv.reader(lines, strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            problems.append(
                Problem(
                    f"this is not CSV: {error}",
                    SourceRef(name, line, 1),
                    'close each quoted cell; a quote inside one is written twice ("")',
                )
            )
            return
        if not cells:
            continue
        if header is None:
            header = _header(cells, SourceRef(name, line, 1), problems)
            if not header:
                return
        elif len(cells) != len(header):
            what = f"the row has {len(cells)} cells, the header has {len(header)} columns"
            problems.append(
                Problem(what, SourceRef(name, line, 1), "put cells that contain a comma in double quotes")
            )
            if len(problems) >= MAX_ROW_PROBLEMS:
                return
        else:
            yield line, dict(zip(header, cells, strict=True))
    if header is None:
        problems.append(
            Problem("the file is empty", SourceRef(name, 1, 1), "begin it with a line of column names")
        )


def _header(cells: list[str], where: SourceRef, problems: list[Problem]) -> list[str]:
    """The column names; empty, with problems, if they cannot be used."""
    names = [cell.strip() for cell in cells]
    before = len(problems)
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        problems.append(
            Problem(f"the header is one column, '{names[0]}'", where, "separate the columns with commas")
        )
        return []
    for index, column in enumerate(names):
        if not column:
            problems.append(
                Problem(f"column {index + 1} has no name", where, "name it, or remove the column")
            )
        elif column in names[:index]:
            first = names.index(column) + 1
            problems.append(
                Problem(
                    f"the column '{column}' is there twice, as {first} and {index + 1}", where, "keep one"
                )
            )
    return names if len(problems) == before else []


def _json_rows(lines: Iterator[str], name: str, problems: list[Problem]) -> Rows:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if len(problems) >= MAX_ROW_PROBLEMS:
            return
        try:
            row = json.loads(
                line,
                parse_int=str,
                parse_float=str,
                parse_constant=_refuse_constant,
                object_pairs_hook=_unique,
            )
            if not isinstance(row, dict):
                raise ValueError("a row must be an object")
            yield number, dict(_flat(row, ""))
        except json.JSONDecodeError as error:
            problems.append(
                Problem(
                    f"this is not JSON: {error.msg}",
                    SourceRef(name, number, error.colno),
                    "write one JSON object a line",
                )
            )
        except (ValueError, RecursionError) as error:
            what = str(error) if isinstance(error, ValueError) else "the row is nested too deep"
            problems.append(Problem(what, SourceRef(name, number, 1), "write one flat JSON object a line"))


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number that an org can hold")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key '{twice}' is there twice")
    return row


def _flat(row: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            raise ValueError(f"'{prefix}{key}' is a list, which a field cannot hold")
        elif isinstance(value, bool):
            yield prefix + key, "true" if value else "false"
        else:
            yield prefix + key, "" if value is None else value


_READERS = {".csv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows}
