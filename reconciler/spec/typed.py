"""From a node to a value of one type, or a problem that says where and how to mend it.

Each `as_` function takes ``(value, where, what, problems)``: the node, its position, how the message
calls it (quoted already where it is a name: ``"'label' of permission set Ops"``), and the list
that collects problems. It returns None when there is a problem; one that the reader has refused
already as ambiguous is not added again. An unquoted scalar has the type
it looks like (`scalars.look`), and never becomes another silently: `17` is not text.
"""

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches

from reconciler.model.errors import Problem
from reconciler.model.source import SourceRef
from reconciler.model.values import Secret

from .nodes import ListNode, MapNode, Node, Plain
from .scalars import BOOLS, MAX_NUMBER_DIGITS, Look, ambiguity, look

_SHOWN_CHARACTERS = 60


def describe_value(value: Node) -> str:
    """How a message names a value: ``the number 17``, ``the text 'x'``, ``a list``, ``nothing``."""
    if isinstance(value, MapNode):
        return "a map"
    if isinstance(value, ListNode):
        return "a list"
    if isinstance(value, Secret):
        return f"the secret '{value.name}'"
    shown = value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…"
    if not shown.isprintable():  # nothing that a terminal would obey
        shown = shown.encode("unicode_escape").decode()
    seen = look(value) if type(value) is Plain else Look.TEXT
    if seen is Look.NULL:
        return "nothing"
    if seen in (Look.TEXT, Look.AMBIGUOUS):
        return f"the text '{shown}'"
    return f"{seen.value} {shown}"


def is_refused(value: Node) -> bool:
    """Whether the reader has refused this scalar: a second problem would say the same."""
    return type(value) is Plain and look(value) is Look.AMBIGUOUS


def mismatch(
    value: Node, where: SourceRef, what: str, wanted: str, mend: str, problems: list[Problem]
) -> None:
    """Add the problem that ``value`` is not ``wanted``, unless the reader has refused it already."""
    if not is_refused(value):
        problems.append(Problem(f"{what} must be {wanted}, found {describe_value(value)}", where, mend))


def as_text(value: Node, where: SourceRef, what: str, problems: list[Problem]) -> str | None:
    """Text; an unquoted scalar that looks like something else is refused."""
    if isinstance(value, str) and (type(value) is not Plain or look(value) is Look.TEXT):
        return str(value)
    mend = "write the text"
    if type(value) is Plain and look(value) is not Look.NULL:
        mend = f"write '{value}' in quotes"
        if look(value) in (Look.INT, Look.NUMBER):
            mend += f", so that {_with_zero(value)} and {value} stay different keys"
    mismatch(value, where, what, "text", mend, problems)
    return None


def as_bool(value: Node, where: SourceRef, what: str, problems: list[Problem]) -> bool | None:
    """An unquoted ``true`` or ``false``."""
    if type(value) is Plain and value in BOOLS:
        return BOOLS[value]
    mismatch(value, where, what, "true or false", "write true or false, without quotes", problems)
    return None


def as_int(
    value: Node,
    where: SourceRef,
    what: str,
    problems: list[Problem],
    *,
    least: int | None = None,
    most: int | None = None,
) -> int | None:
    """An unquoted whole number from ``least`` to ``most``."""
    if type(value) is not Plain or look(value) is not Look.INT or len(value) > MAX_NUMBER_DIGITS:
        mismatch(value, where, what, "a whole number", "write digits, without quotes", problems)
        return None
    number = int(value)
    if (least is not None and number < least) or (most is not None and number > most):
        wanted = _range(least, most)
        mismatch(value, where, what, wanted, f"write {wanted}", problems)
        return None
    return number


def as_number(value: Node, where: SourceRef, what: str, problems: list[Problem]) -> int | float | None:
    """An unquoted number: `int` where it has no decimal point."""
    seen = look(value) if type(value) is Plain else Look.TEXT
    if seen in (Look.INT, Look.NUMBER) and len(value) <= MAX_NUMBER_DIGITS:
        return int(value) if seen is Look.INT else float(value)
    mismatch(value, where, what, "a number", "write digits, without quotes", problems)
    return None


def as_map(value: Node, where: SourceRef, what: str, problems: list[Problem]) -> MapNode | None:
    if isinstance(value, MapNode):
        return value
    mismatch(value, where, what, "a map", "write 'key: value' entries", problems)
    return None


def as_list(value: Node, where: SourceRef, what: str, problems: list[Problem]) -> ListNode | None:
    if isinstance(value, ListNode):
        return value
    mismatch(value, where, what, "a list", "write '- item' lines or [a, b]", problems)
    return None


def as_texts(
    value: Node, where: SourceRef, what: str, problems: list[Problem]
) -> list[tuple[str, SourceRef]] | None:
    """A list of texts, or one text for a list of one; each with its position.

    None when it is no list; items that are no text are left out and are problems.
    """
    if isinstance(value, str):
        text = as_text(value, where, what, problems)
        return None if text is None else [(text, where)]
    items = as_list(value, where, what, problems)
    if items is None:
        return None
    found = []
    for index, item in enumerate(items):
        place = items.item_source(index)
        text = as_text(item, place, f"item {index + 1} of {what}", problems)
        if text is not None:
            found.append((text, place))
    return found


def as_one_of(
    value: Node, where: SourceRef, what: str, problems: list[Problem], words: Collection[str]
) -> str | None:
    """One of ``words``, quoted or not."""
    if isinstance(value, str) and value in words:
        return str(value)
    mend = suggestion(value, words) if isinstance(value, str) else "write one of them"
    mismatch(value, where, what, one_of(words), mend, problems)
    return None


def check_key(node: MapNode, key: str, what: str, problems: list[Problem]) -> str | None:
    """``key`` of ``node`` as a natural key: an unquoted one that looks like anything but text is refused.

    For keys that name rows and people; not for words of the language and API names.
    """
    if type(key) is not Plain or look(key) is Look.TEXT:
        return str(key)
    where = node.key_source(key)
    if trouble := ambiguity(key):
        problems.append(Problem(trouble.what, where, f"write '{key}' in quotes"))
        return None
    return as_text(key, where, what, problems)


def check_words(node: MapNode, words: Collection[str], what: str, problems: list[Problem]) -> bool:
    """Whether all keys of ``node`` are among ``words``; each other one is a problem with a suggestion."""
    unknown = [key for key in node if key not in words]
    for key in unknown:
        problems.append(
            Problem(f"unknown key '{key}' in {what}", node.key_source(key), suggestion(key, words, node))
        )
    return not unknown


def suggestion(word: str, words: Iterable[str], taken: Collection[str] = ()) -> str:
    """A mend for a word that is not among ``words``: the nearest that is not ``taken``, or all of them."""
    free = [each for each in words if each not in taken]
    lowered = {each.lower(): each for each in free}
    near = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{lowered[near[0]]}'?{strange_letters(word)}"
    if not free:
        return "remove it"
    return f"known here: {', '.join(sorted(free)[:20])}"


def strange_letters(word: str) -> str:
    """A remark on letters of ``word`` that are not ASCII, for words that are; empty without them."""
    strange = [each for each in dict.fromkeys(word) if not each.isascii()]
    if not strange:
        return ""
    told = ", ".join(f"U+{ord(each):04X} ({unicodedata.name(each, 'no name')})" for each in strange[:3])
    return f" There is no {told} in it"


def one_of(words: Collection[str]) -> str:
    """``'a'``, ``'a' or 'b'``, ``one of 'a', 'b', 'c'``."""
    quoted = [f"'{word}'" for word in words]
    if len(quoted) <= 2:
        return " or ".join(quoted)
    return "one of " + ", ".join(quoted)


class Duplicates:
    """Natural keys seen so far: the second one is a problem that names both places.

    Entries that stand under an undecided `$when` (``node.conditional``) are not held against others:
    only one of them may be meant for any one org.
    """

    def __init__(self) -> None:
        self._seen: dict[object, SourceRef] = {}

    def add(
        self,
        key: object,
        where: SourceRef,
        what: str,
        problems: list[Problem],
        node: Node = None,
    ) -> bool:
        """Whether ``key`` is new. ``what`` names it in the message, as in "Account ACME"."""
        if isinstance(node, MapNode) and node.conditional:
            return True
        first = self._seen.setdefault(key, where)
        if first is where:
            return True
        problems.append(
            Problem(f"{what} is written twice; the first is at {first}", where, "keep one of the two")
        )
        return False


def _with_zero(number: str) -> str:
    return f"-0{number[1:]}" if number.startswith("-") else f"0{number.lstrip('+')}"


def _range(least: int | None, most: int | None) -> str:
    ends: Sequence[str] = [
        f"at least {least}" if least is not None else "",
        f"at most {most}" if most is not None else "",
    ]
    return " and ".join(filter(None, ends))
