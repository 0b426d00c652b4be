"""The tree of a formula. ``at`` is the place in the text, in characters."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, a number, true, false, or null."""

    value: str | Decimal | bool | None
    at: int = 0


@dataclass(frozen=True, slots=True)
class Name:
    """A field, a path to one, or a global value, as it is spelled."""

    text: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments. ``name`` is in upper case."""

    name: str
    args: "tuple[Node, ...]"
    at: int = 0


@dataclass(frozen=True, slots=True)
class Unary:
    """``sign`` is `+`, `-` or `!`."""

    sign: str
    operand: "Node"
    at: int = 0


@dataclass(frozen=True, slots=True)
class Chain:
    """Operators of one precedence from left to right: ``first``, then each (operator, operand).

    Flat, because a long chain is common and a deep tree is not.
    """

    first: "Node"
    rest: "tuple[tuple[str, Node], ...]"
    at: int = 0


Node: TypeAlias = Literal | Name | Call | Unary | Chain
