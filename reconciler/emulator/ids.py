"""Record ids: integers in the store, 18 characters outside.

An id is a key prefix of three base-62 characters and a serial number. In SQLite it is one
integer, prefix in the high bits, so that rising ids append to the b-tree and a polymorphic
reference still tells which object it points to. Outside it is 15 case-sensitive characters, or 18
with three more that encode which of the 15 are upper-case.

Source: SOAP API Developer Guide, "ID Field Type"; checksum as in public client code.
"""

from functools import lru_cache

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DIGIT = {char: value for value, char in enumerate(ALPHABET)}
SERIAL_BITS = 44
SERIAL_MASK = (1 << SERIAL_BITS) - 1
SUFFIX_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
POD = "Hu000"
"""Instance and reserved characters of every id made here; the rest is the serial, seven digits."""
SERIAL_DIGITS = 12 - len(POD)


def suffix(id15: str) -> str:
    """The three characters that make 15 into 18."""
    return _check(id15[:5]) + _check(id15[5:10]) + _check(id15[10:])


@lru_cache(maxsize=4096)
def _check(block: str) -> str:
    """The character for five: ids begin alike, so most blocks have been seen before."""
    return SUFFIX_ALPHABET[_upper(block)]


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))


@lru_cache(maxsize=4096)
def _prefix_number(prefix: str) -> int:
    first, second, third = (DIGIT[char] for char in prefix)
    return (first * 62 + second) * 62 + third


@lru_cache(maxsize=4096)
def _prefix_text(number: int) -> str:
    return _base62(number, 3)


def make(prefix: str, serial: int) -> int:
    """The integer for the ``serial``-th row of the object with key ``prefix``."""
    return (_prefix_number(prefix) << SERIAL_BITS) | serial


def prefix_of(number: int) -> str:
    """The three-character key prefix, which names the object."""
    return _prefix_text(number >> SERIAL_BITS)


@lru_cache(maxsize=65536)
def to_text(number: int) -> str:
    """The 18-character id.

    >>> to_text(make("001", 1))
    '001Hu0000000001IAA'
    """
    serial = number & SERIAL_MASK
    head, middle, check = _head(number >> SERIAL_BITS, serial // RIGHT)
    pair, rest = divmod(serial % RIGHT, 3844)
    first, second = _three(pair), _two(rest)
    return f"{head}{middle}{first[0]}{second[0]}{check}{SUFFIX_ALPHABET[first[1] | second[1]]}"


RIGHT = 62**5
"""What the last five characters count to: they change with every id, those before them do not."""


@lru_cache(maxsize=4096)
def _head(prefix: int, left: int) -> tuple[str, str, str]:
    """The first five characters of an id, the next five, and what ten say of their case."""
    head, middle = _prefix_text(prefix) + POD[:2], POD[2:] + _base62(left, SERIAL_DIGITS - 5)
    return head, middle, _check(head) + _check(middle)


@lru_cache(maxsize=4096)
def _three(number: int) -> tuple[str, int]:
    text = _base62(number, 3)
    return text, _upper(text)


@lru_cache(maxsize=4096)
def _two(number: int) -> tuple[str, int]:
    text = _base62(number, 2)
    return text, _upper(text) << 3


def _upper(block: str) -> int:
    """A bit for each upper-case letter."""
    return sum(1 << i for i, char in enumerate(block) if "A" <= char <= "Z")


@lru_cache(maxsize=65536)
def parse(text: str) -> int | None:
    """The integer of a 15- or 18-character id; None for what is not an id.

    An id of another pod is well formed but belongs to no row here: it maps to a serial past any
    that is given out. With 18 characters the case is repaired from the suffix.
    """
    if len(text) not in (15, 18) or not text.isascii() or not text.isalnum():
        return None
    id15 = text[:15] if len(text) == 15 else _repair(text)
    if id15 is None:
        return None
    prefix = _prefix_number(id15[:3])
    serial = 0
    for char in id15[8:]:
        serial = serial * 62 + DIGIT[char]
    if id15[3:8] != POD and not id15.endswith("0" * 12):
        serial |= 1 << (SERIAL_BITS - 1)  # foreign pod
    return (prefix << SERIAL_BITS) | serial


def _repair(text: str) -> str | None:
    """The 15 characters in the case that the last three say; None where they say nothing."""
    blocks = [_repair_block(text[at : at + 5], text[15 + at // 5].upper()) for at in (0, 5, 10)]
    return None if None in blocks else "".join(filter(None, blocks))


@lru_cache(maxsize=4096)
def _repair_block(block: str, check: str) -> str | None:
    bits = SUFFIX_ALPHABET.find(check)
    if bits < 0:
        return None
    return "".join(char.upper() if bits >> i & 1 else char.lower() for i, char in enumerate(block))
