"""YAML bytes to nodes, in one pass over the parser's events, with everything refused on the way.

libyaml's events (`ruamel.yaml.clib`; ruamel.yaml's own parser where there is none) carry positions
and cost a twentieth of a loader's nodes. The builder refuses what makes YAML dangerous or
ambiguous before a structure exists: aliases (the bomb), merge keys, tags, a second document,
duplicate keys, depth, sheer size, and scalars that two YAML readers read differently (`scalars`).
Each is a `Problem`; reading goes on where it makes sense, so that one run finds them all.

Source of the limits: reliability-security goals, "Bad inputs"; a 4 MB state of 10,000 resources
with 12 fields reads in well under a second, a file near the limits in some ten.
"""

import gc
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import islice
from typing import Any

from reconciler.model.errors import Problem
from reconciler.model.source import SourceRef

from .nodes import COLUMN_BITS, ListNode, MapNode, Node, Place, Places, Plain, pack
from .scalars import Look, ambiguity, look
from .yaml_errors import explain_syntax_error

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 64
MAX_EVENTS = 5_000_000
MAX_PROBLEMS_PER_FILE = 100
MAX_SHARED_TOLD = 3
"""Anchors and aliases that are told one by one."""
MAX_PURE_CHARACTERS = 1024 * 1024
"""Files beyond this are not read a second time by the pure parser, which takes some seconds a MiB."""

BOM = b"\xef\xbb\xbf"

_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029]")
_INVISIBLE = re.compile("[\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069]")
_ODD_BLANK = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


class _Stop(Exception):
    """Reading this file cannot go on; the problem that says why is already noted."""


def read_yaml(data: bytes, file: str, problems: list[Problem], warnings: list[Problem]) -> Node | None:
    """The root node of one YAML document, or None where ``problems`` say why there is none.

    Problems that leave a usable tree (a duplicate key, an ambiguous scalar) are noted and the tree is
    returned: callers go on looking and raise at the end. Never raises for bad input.
    """
    text = decode(data, file, problems)
    if text is None:
        return None
    _warn_of_invisible(text, file, warnings)
    collecting = gc.isenabled()
    gc.disable()  # hundreds of thousands of small objects, none of them garbage: 3 x faster
    try:
        return _read_text(text, file, problems)
    finally:
        if collecting:
            gc.enable()


def _read_text(text: str, file: str, problems: list[Problem]) -> Node | None:
    """Read with the fast parser, and with the pure one where the fast one may be too old for the file."""
    before = len(problems)
    builder = _Builder(text, file, problems)
    node = builder.read(_fast_parser)
    error = builder.syntax_error
    if error is not None and _is_newer_yaml(error, text):
        found: list[Problem] = []
        patient = _Builder(text, file, found)
        again = patient.read(_pure_parser)
        if patient.syntax_error is None:
            problems[before:] = found
            return again
    if error is not None:
        problems.append(explain_syntax_error(error, text, file))
    return node


def _is_newer_yaml(error: Any, text: str) -> bool:
    """Whether ``error`` may be old libyaml's, which refuses `[a:b]` and `{url: https://x?y}`."""
    if len(text) > MAX_PURE_CHARACTERS:
        return False
    said = str(error.problem)
    return "found unexpected ':'" in said or "did not find expected ',' or" in said


def decode(data: bytes, file: str, problems: list[Problem]) -> str | None:
    """The text of a file in UTF-8, without its byte order mark; None and a problem if it is none."""
    if len(data) > MAX_FILE_BYTES:
        problems.append(too_large(file, len(data)))
        return None
    data = data.removeprefix(BOM)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.append(_undecodable(data, file, error))
        return None
    bad = list(islice(_UNREADABLE.finditer(text), MAX_PROBLEMS_PER_FILE))
    for match, where in zip(bad, places_of(text, bad, file), strict=True):
        problems.append(
            Problem(
                f"the character {_name(match[0])} cannot stand in a file of text",
                where,
                f'remove it, or write it in double quotes as "{_escape(match[0])}"',
            )
        )
    return None if bad else text


def too_large(file: str, size: int) -> Problem:
    return Problem(
        f"the file has {size // (1024 * 1024)} MiB, more than the {MAX_FILE_BYTES // (1024 * 1024)} MiB "
        "that a state may have",
        SourceRef(file, 1, 1),
        "keep large data in a CSV file beside it and name that with 'from: data/name.csv'",
    )


def places_of(text: str, found: Iterable["re.Match[str]"], file: str) -> Iterator[SourceRef]:
    """The positions of matches that come in order; lines end as YAML ends them. One walk over the text."""
    line, start, at = 1, 0, 0
    for match in found:
        for end in _LINE_BREAK.finditer(text, at, match.start()):
            line, start = line + 1, end.end()
        at = match.start()
        yield SourceRef(file, line, at - start + 1)


def _undecodable(data: bytes, file: str, error: UnicodeDecodeError) -> Problem:
    before = data[: error.start].decode("utf-8") + "?"
    [where] = places_of(before, re.finditer(r"\Z", before), file)
    where = where._replace(column=where.column - 1)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Problem("the file is in UTF-16, not in UTF-8", where, "save the file as UTF-8")
    return Problem(
        f"the byte 0x{data[error.start]:02x} is not UTF-8",
        where,
        "save the file as UTF-8; Windows-1252 and Latin-1 look like this",
    )


def _warn_of_invisible(text: str, file: str, warnings: list[Problem]) -> None:
    if text.isascii():
        return
    found = list(islice(_INVISIBLE.finditer(text), MAX_PROBLEMS_PER_FILE))
    for match, where in zip(found, places_of(text, found, file), strict=True):
        warnings.append(
            Problem(
                f"the invisible character {_name(match[0])} may make this line look like what it is not",
                where,
                f'remove it, or write it in double quotes as "{_escape(match[0])}" so that it is seen',
            )
        )


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _fast_parser(text: str) -> Any:
    """An object with ``get_event()``: the C parser, or the pure one where the extension is missing."""
    try:
        c_parser = import_module("_ruamel_yaml").CParser
    except ImportError:
        return _pure_parser(text)
    return c_parser(text)


def _pure_parser(text: str) -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).get_constructor_parser(text)[1]


class _Builder:
    """Reads one document. ``dollars`` counts scalars with `$`, so that clean subtrees are known."""

    def __init__(self, text: str, file: str, problems: list[Problem]) -> None:
        from ruamel.yaml import events

        self.text = text
        self.events = events
        self.places = Places(file)
        self.problems = problems
        self.found_before = len(problems)
        self.plain: dict[str, str] = {}
        self.quoted: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.dollars = 0
        self.events_left = MAX_EVENTS
        self.get: Callable[[], Any]
        self.syntax_error: Any = None
        self.shared = 0
        self.first_untold: Place = 0

    def read(self, make_parser: Callable[[str], Any]) -> Node | None:
        """The root, or None. A syntax error is left in ``syntax_error`` for the caller to explain."""
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        try:
            self.get = make_parser(self.text).get_event
            root = self._document()
            self._tell_shared()
            return root if self.shared <= MAX_SHARED_TOLD else None  # most of its values are not there
        except _Stop:
            return None
        except MarkedYAMLError as error:
            self.syntax_error = error
        except YAMLError as error:  # the reader's own: bytes and characters that `decode` let pass
            self._refuse(0, f"this is not YAML: {error}", "check the file's encoding")
        return None

    def _document(self) -> Node | None:
        events = self.events
        event = self.get()
        while type(event) in (events.StreamStartEvent, events.DocumentStartEvent):
            event = self.get()
        if type(event) is events.StreamEndEvent or self._is_empty(event):
            self._refuse(0, "the file is empty", "begin it with 'reconcile: 1', or remove it")
            return None
        root = self._node(event, 0, _place(event))
        event = self.get()
        while type(event) is not events.StreamEndEvent:
            if type(event) is events.DocumentStartEvent:
                self._refuse(
                    _place(event), "a second document begins", "keep one document a file: remove '---'"
                )
                return root
            event = self.get()
        return root

    def _is_empty(self, event: Any) -> bool:
        return type(event) is self.events.ScalarEvent and not event.style and event.value in ("", "~", "null")

    def _node(self, event: Any, depth: int, named: Place) -> Node:
        """The node that ``event`` begins. ``named``: where the entry's key stands."""
        events = self.events
        kind = type(event)
        if kind is events.ScalarEvent:
            return self._value(event)
        if kind is events.AliasEvent:
            self._refuse_sharing(_place(event), f"the alias '*{event.anchor}'")
            return Plain("")
        self._check_properties(event)
        if depth == MAX_DEPTH:
            self._refuse(
                _place(event), f"this is nested deeper than {MAX_DEPTH} levels", "flatten the structure"
            )
            raise _Stop
        if kind is events.MappingStartEvent:
            return self._map(depth + 1, named, flow=bool(event.flow_style))
        return self._list(depth + 1, named)

    def _map(self, depth: int, named: Place, *, flow: bool) -> MapNode:
        get, scalar, end = self.get, self.events.ScalarEvent, self.events.MappingEndEvent
        known_keys, plain = self.keys, self.plain
        entries: dict[str, Node] = {}
        key_places: list[Place] = []
        value_places: list[Place] = []
        dollars = self.dollars
        while True:
            event = get()
            if type(event) is scalar:
                mark = event.start_mark
                place = mark.line << COLUMN_BITS | mark.column
                if event.style or event.ctag is not None or event.anchor is not None:
                    key = self._odd_key(event)
                else:
                    text = event.value
                    key = known_keys.get(text) or self._key(text, place)
            elif type(event) is end:
                break
            else:
                place = _place(event)
                key = self._not_a_key(event, depth)
            event = get()
            mark = event.start_mark
            value_place = mark.line << COLUMN_BITS | mark.column
            if type(event) is scalar:
                if event.style or event.ctag is not None or event.anchor is not None:
                    value: Node = self._value(event)
                else:
                    text = event.value
                    value = plain.get(text)
                    if value is None:
                        value = self._plain(text, value_place)
            else:
                value = self._node(event, depth, place)
            if key in entries:
                self._duplicate(key, place, list(entries), key_places)
                continue
            entries[key] = value
            key_places.append(place)
            value_places.append(value_place)
        self._count(len(entries) * 2)
        if flow:
            self._check_blanks(entries, key_places)
        node = MapNode.build(entries, self.places, named, key_places, value_places)
        node.has_dollar = self.dollars != dollars
        return node

    def _check_blanks(self, entries: Mapping[str, Node], key_places: Sequence[Place]) -> None:
        """`{a:1}` is the key 'a:1' to YAML, and never meant so."""
        for (key, value), place in zip(entries.items(), key_places, strict=True):
            if ":" in key and type(value) is Plain and not value:
                self._refuse(place, f"the key '{key}' has no value", "after a key write ': ' with a blank")

    def _list(self, depth: int, named: Place) -> ListNode:
        get, end = self.get, self.events.SequenceEndEvent
        items: list[Node] = []
        item_places: list[Place] = []
        dollars = self.dollars
        while type(event := get()) is not end:
            place = _place(event)
            items.append(self._node(event, depth, place))
            item_places.append(place)
            if not len(items) & 0xFFFF:
                self._count(0x10000)
        self._count(len(items) & 0xFFFF)
        node = ListNode.build(items, self.places, named, item_places)
        node.has_dollar = self.dollars != dollars
        return node

    def _count(self, events: int) -> None:
        self.events_left -= events + 2
        if self.events_left < 0:
            self._refuse(
                0,
                f"the file has more than {MAX_EVENTS:,} keys and values",
                "keep large data in a CSV file beside it and name that with 'from: data/name.csv'",
            )
            raise _Stop

    def _value(self, event: Any) -> str:
        """A scalar that stands as a value."""
        self._check_properties(event)
        text: str = event.value
        if event.style:
            known = self.quoted.get(text)
            if known is None:
                known = text
                if "$" in text:
                    self.dollars += 1
                else:
                    self.quoted[text] = text
            return known
        return self.plain.get(text) or self._plain(text, _place(event))

    def _plain(self, text: str, place: Place) -> Plain:
        """An unquoted scalar seen for the first time, or one that is looked at each time."""
        value = Plain(text)
        if "$" in text:
            self.dollars += 1
            return value
        trouble = ambiguity(text)
        if trouble is not None:
            self._refuse(place, trouble.what, trouble.mend)
            return value
        self.plain[text] = value
        return value

    def _key(self, text: str, place: Place) -> str:
        """An unquoted key, seen for the first time or looked at each time."""
        if "$" in text:
            self.dollars += 1
            return text
        if not text.isascii() and (blank := _ODD_BLANK.search(text)):
            self._refuse(
                place,
                f"the key '{text}' has the character {_name(blank[0])}, which is no blank to YAML",
                "write an ordinary blank, or put the key in quotes if the character is meant",
            )
        if text == "<<":
            self._refuse(place, "merge keys ('<<') are not allowed", "write the entries out again")
        self._check_key(text, place)
        key = text if look(text) is Look.TEXT else Plain(text)
        self.keys[text] = key
        return key

    def _odd_key(self, event: Any) -> str:
        """A key that is quoted, tagged or anchored."""
        self._check_properties(event)
        text: str = event.value
        if not event.style:
            return self._key(text, _place(event))
        if "$" in text:
            self.dollars += 1
        self._check_key(text, _place(event))
        return self.quoted.setdefault(text, text)

    def _check_key(self, text: str, place: Place) -> None:
        if not text:
            self._refuse(place, "a key is empty", "name the key, or remove the line")

    def _not_a_key(self, event: Any, depth: int) -> str:
        self._refuse(_place(event), "a key must be text, not a map, a list or an alias", "name the key")
        self._node(event, depth, _place(event))
        return f"\x00{_place(event)}"

    def _check_properties(self, event: Any) -> None:
        if event.anchor is not None:
            self._refuse_sharing(_place(event), f"the anchor '&{event.anchor}'")
        if event.ctag is not None:
            self._refuse(_place(event), f"the tag '{_written(event.ctag)}' is not allowed", "remove the tag")

    def _duplicate(self, key: str, place: Place, keys: list[str], key_places: list[Place]) -> None:
        first = self.places.ref(key_places[keys.index(key)])
        self._refuse(
            place,
            f"the key '{key}' is written twice; the first is at line {first.line}, column {first.column}",
            "keep one of the two",
        )

    def _refuse_sharing(self, place: Place, what: str) -> None:
        """An anchor or alias; a file that is built on them has a few told, not a problem a line."""
        self.shared += 1
        if self.shared <= MAX_SHARED_TOLD:
            self._refuse(place, f"{what} is not allowed", "write the value out again")
        elif self.shared == MAX_SHARED_TOLD + 1:
            self.first_untold = place

    def _tell_shared(self) -> None:
        more = self.shared - MAX_SHARED_TOLD
        if more > 0:
            what = f"{more} more anchor{'s' * (more > 1)} or alias{'es' * (more > 1)} from here on"
            self._refuse(self.first_untold, what, "write the values out again")

    def _refuse(self, place: Place, what: str, mend: str) -> None:
        self.problems.append(Problem(what, self.places.ref(place), mend))
        if len(self.problems) - self.found_before >= MAX_PROBLEMS_PER_FILE:
            self.problems.append(
                Problem(
                    "reading stopped: too many problems in this file",
                    self.places.ref(place),
                    "mend those above and run it again",
                )
            )
            raise _Stop


def _place(event: Any) -> Place:
    mark = event.start_mark
    return pack(mark.line, mark.column)


def _written(tag: object) -> str:
    text = str(tag)
    return text.replace("tag:yaml.org,2002:", "!!")
