"""A query as values: what the parser makes and the compiler reads. ``at`` is an offset in the text."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Path:
    """`Name`, `Account.Owner.Name`: as written, the object's name or alias included."""

    parts: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Call:
    """`COUNT(Id)`, `CALENDAR_YEAR(convertTimezone(CreatedDate))`. ``said`` is ``name`` as it was written."""

    name: str
    args: "tuple[Argument, ...]"
    at: int
    said: str


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    pattern: str
    """The value for LIKE: a percent sign or underline of the text itself has a backslash before it."""
    at: int


@dataclass(frozen=True, slots=True)
class Number:
    value: int | float
    at: int


@dataclass(frozen=True, slots=True)
class Bool:
    value: bool
    at: int


@dataclass(frozen=True, slots=True)
class Null:
    at: int


@dataclass(frozen=True, slots=True)
class Date:
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class DateTime:
    """``value`` is in milliseconds since 1970, UTC."""

    value: int
    at: int


@dataclass(frozen=True, slots=True)
class Time:
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Relative:
    """`TODAY`, `LAST_N_DAYS:7`: ``name`` in upper case."""

    name: str
    number: int | None
    at: int


@dataclass(frozen=True, slots=True)
class Money:
    """`USD5000`."""

    currency: str
    value: int | float
    at: int


Literal: TypeAlias = Text | Number | Bool | Null | Date | DateTime | Time | Relative | Money
Expression: TypeAlias = Path | Call
Argument: TypeAlias = Path | Call | Text | Number


@dataclass(frozen=True, slots=True)
class Comparison:
    """``operator`` is one of `= != < <= > >= LIKE`."""

    left: Expression
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Among:
    """IN, NOT IN, INCLUDES and EXCLUDES (the last two with ``multi``) over a list of values."""

    left: Expression
    values: tuple[Literal, ...]
    negated: bool
    multi: bool


@dataclass(frozen=True, slots=True)
class SemiJoin:
    left: Expression
    query: "Query"
    negated: bool
    at: int


@dataclass(frozen=True, slots=True)
class Not:
    operand: "Condition"
    at: int


@dataclass(frozen=True, slots=True)
class And:
    operands: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    operands: "tuple[Condition, ...]"


Condition: TypeAlias = Comparison | Among | SemiJoin | Not | And | Or


@dataclass(frozen=True, slots=True)
class Item:
    expression: Expression
    alias: str | None
    at: int
    """Of the alias, if there is one."""


@dataclass(frozen=True, slots=True)
class Children:
    query: "Query"
    at: int


@dataclass(frozen=True, slots=True)
class TypeOf:
    relationship: Path
    whens: tuple[tuple[Path, tuple[Path, ...]], ...]
    otherwise: tuple[Path, ...]
    at: int


Selected: TypeAlias = Item | Children | TypeOf


@dataclass(frozen=True, slots=True)
class Order:
    expression: Expression
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Count:
    """The number after LIMIT or OFFSET."""

    value: int
    at: int


@dataclass(frozen=True, slots=True)
class Query:
    selected: tuple[Selected, ...]
    source: Path
    alias: str | None
    further: tuple[tuple[Path, str], ...]
    """`, Contact.Account a`: more names for paths."""
    scope: Path | None
    where: Condition | None
    security: tuple[str, ...]
    group: tuple[Expression, ...]
    having: Condition | None
    order: tuple[Order, ...]
    limit: Count | None
    offset: Count | None
    locks: bool
    """Whether FOR UPDATE was asked."""
    at: int
