"""State files to one document: includes followed, variables filled in, every problem found at once.

The pipeline: read every file and what it includes → collect the declarations of variables and give
them their values → expand each section (`expand`). A file that cannot be read does not hide the
problems of the others. What comes out has no `${…}`, `$for_each` and `$when` left; sections of
several files stay apart and in order, because only the kinds know which keys name the same thing.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from reconciler.model.errors import Problem, SpecError
from reconciler.model.source import SourceRef
from reconciler.model.values import Secret

from .expand import Expander, TooMuch
from .files import check_included, find_root, open_included, open_regular, read_all, yaml_files
from .nodes import ListNode, MapNode, Node, Plain
from .rows import open_rows
from .scalars import Look, look
from .typed import as_list, as_map, as_text, as_texts, describe_value, suggestion
from .variables import Declaration, OrgContext, Variables, VariableValues, read_declarations, resolve
from .yaml_reader import read_yaml

VERSION = "1"
DOCUMENT_KEYS = ("reconcile", "release", "variables", "include", "checks")
MAX_FILES = 10_000

_GLOB = frozenset("*?[")


@dataclass(frozen=True)
class StateDocument:
    """What the files say for one org, or for none, in file order.

    ``checks`` are maps in lists by file. ``secrets`` holds the clear values by name and goes nowhere but
    to the org. ``root`` is what files named by the state must stay under.
    """

    sections: Sequence[tuple[str, MapNode]]
    checks: Sequence[ListNode]
    release: str | None
    files: tuple[str, ...]
    root: Path
    variables: Variables
    warnings: tuple[Problem, ...]
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def digest(self) -> str:
        """``sha256:…`` over the content: layout, comments, key order and the split into files do not count.

        The content of files that the state names (`from:`, scripts) is not in it.
        """
        import hashlib

        merged: dict[str, list[Any]] = {}
        for name, node in self.sections:
            merged.setdefault(name, []).append(_content(node))
        content = {
            "release": self.release,
            "sections": {name: _merge(parts) for name, parts in merged.items()},
            "checks": sorted((_content(each) for part in self.checks for each in part), key=_bytes),
        }
        return "sha256:" + hashlib.sha256(_bytes(content)).hexdigest()

    def open_rows(self, path_text: str, where: SourceRef) -> Iterator[tuple[int, dict[str, str]]]:
        """The rows of a record file that the entry at ``where`` names. See `rows.open_rows`."""
        return open_rows(path_text, where, self.root)


def load_states(
    paths: Sequence[Path],
    *,
    sections: Collection[str],
    root: Path | None = None,
    values: VariableValues | None = None,
    org: OrgContext | None = None,
    problems: list[Problem] | None = None,
) -> StateDocument:
    """Load state files, and the `*.yaml` and `*.yml` files of directories, with all they include.

    ``sections`` are the top-level keys that the caller's kinds understand. ``root`` bounds includes;
    without it each state has the root that `files.find_root` finds. Without ``org`` the state is
    read offline: variables without a value get placeholders, and entries under `$when` are kept.

    Raises `SpecError` with every problem; with a list of ``problems`` it adds them there instead and
    returns what could be read, so that the kinds' own problems come in the same run.
    """
    found: list[Problem] = [] if problems is None else problems
    reader = _Reader(root, found)
    for path in paths:
        reader.read_given(path)
    document = _assemble(reader, sections, values or VariableValues(), org, root, found)
    if problems is None and found:
        raise SpecError.of(found)
    return document


@dataclass(slots=True)
class _File:
    """A file that was read. An included one may leave out `reconcile: 1`."""

    name: str
    real: Path
    root: Path
    node: MapNode
    included: bool


class _Reader:
    """Follows files depth first; each real file is read once."""

    def __init__(self, root: Path | None, problems: list[Problem]) -> None:
        self.root = root
        self.problems = problems
        self.warnings: list[Problem] = []
        self.files: list[_File] = []
        self.seen: set[Path] = set()
        self.complete = True
        """False when a file could not be read, so that declarations may be missing."""

    def read_given(self, path: Path) -> None:
        """A file or directory that the operator named."""
        root = self.root or find_root(path)
        if not path.is_dir():
            self._read(path, str(path), root, (), None)
            return
        files = self._files_in(path, str(path), SourceRef(str(path), 1, 1))
        for each in files:
            self._read(each, str(each), root, (), None)

    def _unreadable(self, problem: Problem) -> None:
        self.complete = False
        self.problems.append(problem)

    def _read(
        self, path: Path, name: str, root: Path, stack: tuple[_File, ...], where: SourceRef | None
    ) -> None:
        """``stack``: the files that include this one, outermost first; ``where`` the line that names it."""
        try:
            real = path.resolve()
        except (OSError, RuntimeError, ValueError):
            self._unreadable(Problem("the path cannot be followed", where or SourceRef(name, 1, 1)))
            return
        if real in self.seen:
            return
        self.seen.add(real)
        node = self._parse(real, name, root, where)
        if node is None:
            self.complete = False
            return
        file = _File(name, real, root, node, included=bool(stack))
        self.files.append(file)
        if "include" in node:
            self._include(file, (*stack, file))

    def _parse(self, real: Path, name: str, root: Path, where: SourceRef | None) -> MapNode | None:
        if len(self.seen) > MAX_FILES:
            what = f"the state has more than {MAX_FILES:,} files"
            self.problems.append(Problem(what, where or SourceRef(name, 1, 1), "merge some of them"))
            return None
        if where is None:
            stream = open_regular(real, name, SourceRef(name, 1, 1), self.problems)
        else:
            stream = open_included(real, name, root, where, self.problems)
        data = read_all(stream, name, self.problems) if stream is not None else None
        if data is None:
            return None
        node = read_yaml(data, name, self.problems, self.warnings)
        if node is None:
            return None
        return as_map(node, SourceRef(name, 1, 1), "a state", self.problems)

    def _include(self, file: _File, stack: tuple[_File, ...]) -> None:
        where = file.node.value_source("include")
        for written, place in as_texts(file.node["include"], where, "'include'", self.problems) or ():
            if _GLOB.isdisjoint(written):
                self._include_one(written, place, file, stack)
            else:
                self._include_glob(written, place, file, stack)

    def _include_one(self, written: str, where: SourceRef, file: _File, stack: tuple[_File, ...]) -> None:
        base = file.real.parent
        real = check_included(written, base, file.root, where, self.problems)
        if real is None:
            self.complete = False
            return
        name = _joined(file.name, written)
        if real.is_dir():
            files = self._files_in(real, name, where)
            for each in files:
                self._include_found(each, f"{name}/{each.name}", where, file, stack)
        elif real in [each.real for each in stack]:
            self._refuse_cycle(real, name, where, stack)
        else:
            self._read(real, name, file.root, stack, where)

    def _files_in(self, directory: Path, name: str, where: SourceRef) -> Sequence[Path]:
        try:
            files = yaml_files(directory)
        except OSError as error:
            self._unreadable(Problem(f"'{name}' cannot be read: {error.strerror}", where, "let it be read"))
            return ()
        if not files:
            self._unreadable(Problem(f"'{name}' holds no *.yaml file", where, "name a file"))
        return files

    def _include_glob(self, written: str, where: SourceRef, file: _File, stack: tuple[_File, ...]) -> None:
        """Files that match; those on the way to here are left out, so `*.yaml` may match its own file."""
        base = file.real.parent
        parts = Path(written).parts
        leading = "/".join(parts[: _first_glob(parts)]) or "."
        if check_included(leading, base, file.root, where, self.problems) is None:
            self.complete = False
            return
        pattern = "/".join(parts[_first_glob(parts) :])
        try:
            matches = sorted(each for each in (base / leading).glob(pattern) if not each.is_dir())
        except (OSError, ValueError, NotImplementedError) as error:
            self._unreadable(
                Problem(f"'{written}' is no pattern of paths: {error}", where, "mend the pattern")
            )
            return
        if not matches:
            self._unreadable(Problem(f"no file matches '{written}'", where, f"it was looked for in {base}"))
        for each in matches:
            name = _joined(file.name, str(each.relative_to(base)) if each.is_relative_to(base) else str(each))
            self._include_found(each, name, where, file, stack)

    def _include_found(
        self, path: Path, name: str, where: SourceRef, file: _File, stack: tuple[_File, ...]
    ) -> None:
        real = path.resolve()
        if real in [each.real for each in stack]:
            return
        if not real.is_relative_to(file.root.resolve()):
            self._unreadable(
                Problem(f"'{name}' leads outside of {file.root}", where, "remove the link from the directory")
            )
            return
        self._read(real, name, file.root, stack, where)

    def _refuse_cycle(self, real: Path, name: str, where: SourceRef, stack: tuple[_File, ...]) -> None:
        names = [each.name for each in stack]
        start = [each.real for each in stack].index(real)
        path = " → ".join([*names[start:], names[start]])
        self.problems.append(
            Problem(f"'{name}' includes itself: {path}", where, "remove one of these includes")
        )


def _first_glob(parts: Sequence[str]) -> int:
    return next(at for at, part in enumerate(parts) if not _GLOB.isdisjoint(part))


def _joined(includer: str, written: str) -> str:
    """How messages name an included file: as seen from where the operator stands."""
    import posixpath

    return posixpath.normpath(posixpath.join(posixpath.dirname(includer.replace("\\", "/")), written))


def _assemble(
    reader: _Reader,
    sections: Collection[str],
    values: VariableValues,
    org: OrgContext | None,
    root: Path | None,
    problems: list[Problem],
) -> StateDocument:
    before = len(problems)
    for file in reader.files:
        _check_document(file, sections, problems)
    declared = _declarations(reader.files, problems)
    complete = reader.complete and len(problems) == before
    variables = resolve(declared, values, org, problems, reader.warnings, complete=complete)
    expander = Expander(variables, org, problems, complete=complete)
    kept: list[tuple[str, MapNode]] = []
    checks: list[ListNode] = []
    try:
        for file in reader.files:
            kept.extend(_sections(file, sections, expander, problems))
            checks.extend(_checks(file, expander, problems))
    except TooMuch:
        pass
    return StateDocument(
        sections=kept,
        checks=checks,
        release=_release(reader.files, expander, problems),
        files=tuple(file.name for file in reader.files),
        root=root or (reader.files[0].root if reader.files else Path.cwd()),
        variables=variables,
        warnings=tuple(reader.warnings),
        secrets=variables.secrets,
    )


def _check_document(file: _File, sections: Collection[str], problems: list[Problem]) -> None:
    """The top-level keys, and the version."""
    node = file.node
    known = [*DOCUMENT_KEYS, *sections]
    missing_version = "reconcile" not in node and not file.included
    for key in node:
        if key in known:
            continue
        mend = suggestion(key, known, node)
        problems.append(Problem(f"unknown key '{key}' in a state", node.key_source(key), mend))
        if mend == "did you mean 'reconcile'?":
            missing_version = False
    if missing_version:
        problems.append(
            Problem(
                "'reconcile: 1' is missing", SourceRef(file.name, 1, 1), "begin the file with 'reconcile: 1'"
            )
        )
    version = node.get("reconcile")
    if version is not None and (type(version) is not Plain or version != VERSION):
        problems.append(
            Problem(
                f"'reconcile' must be {VERSION}, found {describe_value(version)}",
                node.value_source("reconcile"),
                "write 'reconcile: 1', or use the release of reconcile that this state was written for",
            )
        )


def _declarations(files: Sequence[_File], problems: list[Problem]) -> dict[str, Declaration]:
    declared: dict[str, Declaration] = {}
    for file in files:
        if "variables" not in file.node:
            continue
        where = file.node.value_source("variables")
        node = as_map(file.node["variables"], where, "'variables'", problems)
        for each in read_declarations(node, problems) if node is not None else ():
            first = declared.setdefault(each.name, each)
            if first is not each:
                problems.append(
                    Problem(
                        f"variable '{each.name}' is declared twice; the first is at {first.source}",
                        each.source,
                        "keep one of the two",
                    )
                )
    return declared


def _sections(
    file: _File, sections: Collection[str], expander: Expander, problems: list[Problem]
) -> Iterator[tuple[str, MapNode]]:
    for name, value, _, place in file.node.entries():
        if name not in sections:
            continue
        node = as_map(value, file.node.places.ref(place), f"'{name}'", problems)
        if node is None:
            continue
        expanded = expander.section(name, node) if node.has_dollar else node
        if expanded is not None:
            yield name, expanded


def _checks(file: _File, expander: Expander, problems: list[Problem]) -> Iterator[ListNode]:
    if "checks" not in file.node:
        return
    items = as_list(file.node["checks"], file.node.value_source("checks"), "'checks'", problems)
    if items is None:
        return
    for index, item in enumerate(items):
        as_map(item, items.item_source(index), f"check {index + 1}", problems)
    yield expander.entries(items)


def _release(files: Sequence[_File], expander: Expander, problems: list[Problem]) -> str | None:
    release: str | None = None
    first: SourceRef | None = None
    for file in files:
        if "release" not in file.node:
            continue
        where = file.node.value_source("release")
        text = as_text(expander.value(file.node["release"], where), where, "'release'", problems)
        if text is None or text == release:
            continue
        if release is not None:
            problems.append(
                Problem(f"the release is '{text}' here and '{release}' at {first}", where, "name one release")
            )
            continue
        release, first = text, where
    return release


def _content(node: Node) -> Any:
    """The JSON that the digest is over; unquoted scalars that look like more than text are set apart."""
    if isinstance(node, MapNode):
        return {str(key): _content(value) for key, value in node.items()}
    if isinstance(node, ListNode):
        return [_content(value) for value in node]
    if isinstance(node, Secret):
        return {"$secret": node.name}
    if type(node) is Plain and look(node) is not Look.TEXT:
        return None if look(node) is Look.NULL else ["plain", str(node)]
    return node


def _merge(parts: list[Any]) -> Any:
    """Parts of one section as if they stood in one file."""
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, dict) for part in parts):
        merged: dict[str, list[Any]] = {}
        for part in parts:
            for key, value in part.items():
                merged.setdefault(key, []).append(value)
        return {key: _merge(values) for key, values in merged.items()}
    if all(isinstance(part, list) and part[:1] != ["plain"] for part in parts):
        return sorted((item for part in parts for item in part), key=_bytes)
    return sorted(parts, key=_bytes) if any(part != parts[0] for part in parts) else parts[0]


def _bytes(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()
