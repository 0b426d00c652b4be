"""From a tree to a function of a row, with the types of all its parts checked first.

Logic has three values as in Salesforce: a comparison with a blank is neither true nor false, NOT of that
is the same, and AND, OR and IF take it for false. Equality of texts is the exception: there a blank is
the empty text. Texts compare with regard to case.

Arguments are evaluated only when they are needed, and what is not needed cannot fail.

Source: Salesforce's published formula engine, for types, blanks and messages.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from . import dates
from .faults import EvaluationError, FormulaError, NotEmulated
from .functions import FUNCTIONS, Function, power
from .kinds import MATH, Kind
from .records import Record
from .tree import Call, Chain, Literal, Name, Node, Unary

if TYPE_CHECKING:
    from ..schema import Field
    from .names import Names

Run: TypeAlias = Callable[[Record], Any]
Two: TypeAlias = Callable[[Any, Any], Any]
T, N, B, D, M, H = Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN, Kind.DATE, Kind.MOMENT, Kind.TIME
NULL: Final = Kind.NULL
DEEPEST: Final = 100
"""Levels of parentheses and functions; Salesforce refuses by the size of what it compiles to."""


class Purpose(Enum):
    """What a formula is for; some functions have a place in rules only."""

    FIELD = "field"
    RULE = "rule"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A part of a formula. ``field`` is the one it reads, if it is nothing but a field of the row."""

    kind: Kind
    run: Run
    field: "Field | None" = None
    text: str | None = None
    """The text it is, if it is written out."""
    name: str = ""
    """The path it is, if it is one."""


class Compiler:
    """Compiles one formula."""

    def __init__(self, names: "Names", purpose: Purpose) -> None:
        self.names = names
        self.purpose = purpose
        self._depth = 0

    def compile(self, node: Node) -> Compiled:
        """Raises `FormulaError`."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise FormulaError("Compiled formula is too big to execute", node.at)
        made = self._compile(node)
        self._depth -= 1
        return made

    def _compile(self, node: Node) -> Compiled:
        if isinstance(node, Literal):
            return _literal(node)
        if isinstance(node, Name):
            return self.names.find(node.text, node.at)
        if isinstance(node, Chain):
            return self._chain(node)
        if isinstance(node, Unary):
            return self._unary(node)
        return self._call(node)

    # -- operators

    def _unary(self, node: Unary) -> Compiled:
        operand = self.compile(node.operand)
        run = operand.run
        if node.sign == "!":
            check(operand, f"operator '{node.sign}'", B)

            def negated(record: Record) -> bool | None:
                value = run(record)
                return None if value is None else not value

            return Compiled(B, negated)
        check(operand, f"operator '{node.sign}'", N)
        if node.sign == "+":
            return Compiled(N, run)
        return Compiled(N, lambda record: None if (value := run(record)) is None else -value)

    def _chain(self, node: Chain) -> Compiled:
        sign = node.rest[0][0]
        if sign in ("&&", "||"):
            return every(self._operands(node), "AND" if sign == "&&" else "OR", f"operator '{sign}'")
        first = self.compile(node.first)
        kind, steps = first.kind, []
        left = first
        for sign, operand in node.rest:
            right = self.compile(operand)
            kind, two = _operation(sign, left, right)
            steps.append((two, right.run))
            left = Compiled(kind, _unreached)
        return Compiled(kind, _folded(first.run, steps))

    def _operands(self, node: Chain) -> list[Compiled]:
        return [self.compile(node.first), *(self.compile(operand) for _, operand in node.rest)]

    # -- functions

    def _call(self, node: Call) -> Compiled:
        from .forms import FORMS, UNSUPPORTED  # they compile their arguments with this module

        if form := FORMS.get(node.name):
            return form(self, node)
        if function := FUNCTIONS.get(node.name):
            args = [self.compile(each) for each in node.args]
            return _applied(node.name, function, args)
        if node.name in UNSUPPORTED:
            raise NotEmulated(f"The function {node.name}", node.at)
        raise FormulaError(f"Unknown function {node.name}. Check spelling.", node.at)


def _literal(node: Literal) -> Compiled:
    value = node.value
    if isinstance(value, str):
        blank = value or None
        return Compiled(T, lambda record: blank, text=value)
    if isinstance(value, bool):
        return Compiled(B, lambda record: value)
    return Compiled(NULL if value is None else N, lambda record: value)


def _unreached(record: Record) -> Any:
    raise AssertionError("only the kind of this part is asked for")


def _folded(first: Run, steps: Sequence[tuple[Two, Run]]) -> Run:
    def run(record: Record) -> Any:
        value = first(record)
        for two, right in steps:
            value = two(value, right(record))
        return value

    return run


def _applied(name: str, function: Function, args: list[Compiled]) -> Compiled:
    takes = function.takes
    if function.rest is not None:
        takes = (*takes, *[function.rest] * (len(args) - len(takes)))
    count_arguments(name, args, function.least, len(takes))
    for given, wanted in zip(args, takes, strict=False):
        check(given, f"function '{name}()'", wanted)
    runs, call = [each.run for each in args], function.run
    if function.strict:

        def run(record: Record) -> Any:
            values = [each(record) for each in runs]
            if None in values:
                return None
            return call(*values)

    else:

        def run(record: Record) -> Any:
            return call(*[each(record) for each in runs])

    return Compiled(function.makes, run)


def every(operands: Sequence[Compiled], name: str, where: str) -> Compiled:
    """AND or OR of any number of conditions, from left to right and no further than needed."""
    for each in operands:
        check(each, where, B)
    runs = [each.run for each in operands]
    if name == "AND":
        return Compiled(B, lambda record: all(run(record) for run in runs))
    return Compiled(B, lambda record: any(run(record) for run in runs))


# -- checks


def count_arguments(name: str, args: Sequence[Any], least: int, most: int | None) -> None:
    if len(args) < least or (most is not None and len(args) > most):
        wanted = least if len(args) < least else most
        raise FormulaError(
            f"Incorrect number of parameters for function '{name}()'. Expected {wanted}, received {len(args)}"
        )


def check(given: Compiled, where: str, *wanted: Kind) -> None:
    """Refuse a part of a kind that is not wanted here; null is of every kind."""
    if given.kind in wanted or given.kind is NULL:
        return
    if given.kind in (Kind.PICKLIST, Kind.CHOICES):
        word = "multi-select picklist" if given.kind is Kind.CHOICES else "picklist"
        raise FormulaError(
            f"Field {given.name} is a {word} field. "
            f"{word.capitalize()} fields are only supported in certain functions."
        )
    expected = ", ".join(each.value for each in wanted)
    raise FormulaError(
        f"Incorrect parameter type for {where}. Expected {expected}, received {given.kind.value}"
    )


def wrong_result(made: Compiled, wanted: Kind) -> FormulaError:
    return FormulaError(
        f"Formula result is data type ({made.kind.value}), "
        f"incompatible with expected data type ({wanted.value})."
    )


def common(one: Compiled, other: Compiled, where: str) -> Kind:
    """The kind of a value that may be either. Picklists must be made texts first."""
    for each in (one, other):
        check(each, where, T, N, B, D, M, H, Kind.PLACE)
    if one.kind is NULL:
        return other.kind
    check(other, where, one.kind)
    return one.kind


# -- what operators do


def strictly(two: Two) -> Two:
    """Blank if either side is."""

    def run(left: Any, right: Any) -> Any:
        return None if left is None or right is None else two(left, right)

    return run


def join(left: str | None, right: str | None) -> str | None:
    return (left or "") + (right or "") or None


def divide(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise EvaluationError("division by zero")
    return MATH.divide(left, right)


def _backwards(two: Two) -> Two:
    return lambda left, right: two(right, left)


def _minus(two: Two) -> Two:
    return lambda left, right: two(left, -right)


ARITHMETIC: Final[dict[str, dict[tuple[Kind, Kind], tuple[Kind, Two]]]] = {
    "+": {
        (N, N): (N, strictly(MATH.add)),
        (D, N): (D, strictly(dates.add_day)),
        (N, D): (D, strictly(_backwards(dates.add_day))),
        (M, N): (M, strictly(dates.add_moment)),
        (N, M): (M, strictly(_backwards(dates.add_moment))),
        (H, N): (H, strictly(dates.add_time)),
        (T, T): (T, join),
    },
    "-": {
        (N, N): (N, strictly(MATH.subtract)),
        (D, N): (D, strictly(_minus(dates.add_day))),
        (D, D): (N, strictly(dates.between_days)),
        (M, N): (M, strictly(_minus(dates.add_moment))),
        (M, M): (N, strictly(dates.between_moments)),
        (H, N): (H, strictly(_minus(dates.add_time))),
        (H, H): (N, strictly(dates.between_times)),
    },
    "*": {(N, N): (N, strictly(MATH.multiply))},
    "/": {(N, N): (N, strictly(divide))},
    "^": {(N, N): (N, strictly(power))},
    "&": {(T, T): (T, join)},
}
"""By operator and kinds of both sides: the kind of the result, and how it is made."""
LEFT_OF: Final[dict[str, tuple[Kind, ...]]] = {"+": (N, D, M, H, T), "-": (N, D, M, H), "&": (T,)}
"""What may stand on the left of an operator; a number, where it is not listed."""
COMPARISONS: Final[dict[str, Two]] = {
    "<": strictly(operator.lt),
    "<=": strictly(operator.le),
    ">": strictly(operator.gt),
    ">=": strictly(operator.ge),
}


def _operation(sign: str, left: Compiled, right: Compiled) -> tuple[Kind, Two]:
    where = f"operator '{sign}'"
    if sign in ("=", "<>"):
        return B, equality(left, right, where, negated=sign == "<>")
    if sign in COMPARISONS:
        for each in (left, right):
            check(each, where, N, D, M, H, T)
        common(left, right, where)
        return B, COMPARISONS[sign]
    check(left, where, *LEFT_OF.get(sign, (N,)))
    known = ARITHMETIC[sign]
    if left.kind is NULL or right.kind is NULL:
        return _with_null(sign, left, right)
    if found := known.get((left.kind, right.kind)):
        return found
    check(right, where, *(two for one, two in known if one is left.kind))
    raise FormulaError(f"Incorrect argument type for {where}. ")


def _with_null(sign: str, left: Compiled, right: Compiled) -> tuple[Kind, Two]:
    """Arithmetic with a written null is null, but a text stays what it is."""
    kind = right.kind if left.kind is NULL else left.kind
    if kind is T and sign in ("+", "&"):
        return T, join
    return kind, lambda one, other: None


def equality(left: Compiled, right: Compiled, where: str, *, negated: bool) -> Two:
    kind = common(left, right, where)
    if kind is Kind.PLACE:
        raise FormulaError(f"Incorrect argument type for {where}. ")
    same: Two = operator.ne if negated else operator.eq
    if kind is T:
        return lambda one, other: same(one or "", other or "")
    return strictly(same)
