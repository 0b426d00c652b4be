"""YAML nodes that know where they were written, and cost little.

A map is a `dict`, a list a `list`, quoted text a `str`. An unquoted scalar is a `Plain`: its text as
written, because only the field's describe can tell whether `17` is text or a number. Whoever needs
a type uses `typed` (`as_text`, `as_bool`…), never YAML's idea.

Positions are not kept per node but in one `Places` table a file: two packed integers for a map
entry and one for a list item, found again by the key. So 120,000 scalars cost 2 MB of positions.
A node made from another (an expansion of `$for_each`, a value with a variable filled in) appends
its own entries with the positions of what it was made from.

Nodes are read by many and shared between expansions: nobody changes one after it is built.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.model.source import SourceRef

NULLS = frozenset(("", "~", "null", "Null", "NULL"))

COLUMN_BITS = 28
_COLUMN_MASK = (1 << COLUMN_BITS) - 1

Place = int
"""Line and column in one integer, both counted from zero."""

Node = Any
"""`MapNode`, `ListNode`, `Plain`, `str` or, once variables are filled in, `model.values.Secret`."""


class Plain(str):
    """The text of an unquoted scalar, meaning undecided. Equal to the `str` of the same text."""

    __slots__ = ()


def is_null(value: object) -> bool:
    """Whether an unquoted scalar says "nothing": empty, ``~`` or ``null``. Quoted text never does."""
    return type(value) is Plain and value in NULLS


def pack(line: int, column: int) -> Place:
    """Both counted from zero, as the parser's marks do."""
    return line << COLUMN_BITS | column


class Places:
    """The positions of one file, and the keys they belong to."""

    __slots__ = ("file", "item_places", "key_places", "keys", "value_places")

    def __init__(self, file: str) -> None:
        self.file = file
        self.keys: list[str] = []
        self.key_places = array("Q")
        self.value_places = array("Q")
        self.item_places = array("Q")

    def ref(self, place: Place) -> SourceRef:
        return SourceRef(self.file, (place >> COLUMN_BITS) + 1, (place & _COLUMN_MASK) + 1)

    def add_entries(self, keys: Iterable[str], key_places: list[Place], value_places: list[Place]) -> int:
        at = len(self.keys)
        self.keys.extend(keys)
        self.key_places.extend(key_places)
        self.value_places.extend(value_places)
        return at

    def add_items(self, places: list[Place]) -> int:
        at = len(self.item_places)
        self.item_places.extend(places)
        return at


class MapNode(dict[str, Any]):
    """A map in file order. Satisfies `model.state.Origin`.

    A key is a `Plain` only where its text, unquoted, may mean something else than text (`no`, `017`,
    `12`): `typed.check_key` looks at those. ``has_dollar`` says that `$` occurs in it somewhere,
    ``conditional`` that it stands under a `$when` that could not be decided offline.
    """

    __slots__ = ("_at", "_count", "conditional", "has_dollar", "place", "places")

    places: Places
    place: Place
    has_dollar: bool
    conditional: bool
    _at: int
    _count: int

    @classmethod
    def build(
        cls,
        entries: Mapping[str, Node],
        places: Places,
        place: Place,
        key_places: list[Place],
        value_places: list[Place],
    ) -> "MapNode":
        """A node of ``entries``, whose positions are given in the same order. All in one file."""
        node = cls(entries)
        node.places = places
        node.place = place
        node._at = places.add_entries(entries, key_places, value_places)
        node._count = len(key_places)
        node.has_dollar = False
        node.conditional = False
        return node

    @classmethod
    def made(cls, entries: Mapping[str, Node], where: SourceRef) -> "MapNode":
        """A node that no file holds: everything in it is said to stand at ``where``."""
        place = pack(where.line - 1, where.column - 1)
        count = len(entries)
        return cls.build(entries, Places(where.file), place, [place] * count, [place] * count)

    @property
    def source(self) -> SourceRef:
        """Where the entry is named: its key where it has one, otherwise where it begins."""
        return self.places.ref(self.place)

    def entries(self) -> Iterator[tuple[str, Node, Place, Place]]:
        """Key, value, and the places of both, in file order. Cheaper than asking key by key."""
        end = self._at + self._count
        places = self.places
        return zip(
            self.keys(),
            self.values(),
            places.key_places[self._at : end],
            places.value_places[self._at : end],
            strict=True,
        )

    def index(self, key: str) -> int:
        """Where ``key``'s positions are in the table; costs a walk over the map's keys.

        Raises ValueError for a key that is not here.
        """
        return self.places.keys.index(key, self._at, self._at + self._count)

    def key_place(self, key: str) -> Place:
        try:
            return self.places.key_places[self.index(key)]
        except ValueError:
            return self.place

    def value_place(self, key: str) -> Place:
        try:
            return self.places.value_places[self.index(key)]
        except ValueError:
            return self.place

    def key_source(self, key: str) -> SourceRef:
        """Where ``key`` is written; the map's own place if it is not."""
        return self.places.ref(self.key_place(key))

    def value_source(self, key: str) -> SourceRef:
        """Where the value of ``key`` begins; the map's own place if there is none."""
        return self.places.ref(self.value_place(key))

    def source_of(self, name: str) -> SourceRef:
        """Where the value of the field ``name`` begins, in whatever case and relationship it is written."""
        if name in self:
            return self.value_source(name)
        spellings = _spellings(name.lower())
        return self.value_source(next((key for key in self if key.lower() in spellings), name))


def _spellings(field: str) -> tuple[str, ...]:
    """The field, and the relationship that is named after it: `Account__r`, `Owner`."""
    if field.endswith("__c"):
        return field, field[:-1] + "r"
    return (field, field[:-2]) if field.endswith("id") else (field,)


class ListNode(list[Any]):
    """A list. ``has_dollar`` as in `MapNode`."""

    __slots__ = ("_at", "_count", "has_dollar", "place", "places")

    places: Places
    place: Place
    has_dollar: bool
    _at: int
    _count: int

    @classmethod
    def build(
        cls, items: Iterable[Node], places: Places, place: Place, item_places: list[Place]
    ) -> "ListNode":
        """A node of ``items``, whose positions are given in the same order. All in one file."""
        node = cls(items)
        node.places = places
        node.place = place
        node._at = places.add_items(item_places)
        node._count = len(item_places)
        node.has_dollar = False
        return node

    @classmethod
    def made(cls, items: Iterable[Node], where: SourceRef) -> "ListNode":
        """A node that no file holds: everything in it is said to stand at ``where``."""
        place = pack(where.line - 1, where.column - 1)
        items = list(items)
        return cls.build(items, Places(where.file), place, [place] * len(items))

    @property
    def source(self) -> SourceRef:
        """As `MapNode.source`."""
        return self.places.ref(self.place)

    def item_place(self, index: int) -> Place:
        if 0 <= index < self._count:
            return self.places.item_places[self._at + index]
        return self.place

    def item_source(self, index: int) -> SourceRef:
        """Where the item begins; the list's own place if there is none."""
        return self.places.ref(self.item_place(index))
