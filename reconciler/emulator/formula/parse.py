"""Text to tree: a LALR grammar of Salesforce's formulas.

Operators of one row of the grammar have one precedence and go from left to right. Two things surprise:
`^` binds looser than `*` and `/`, and a minus sign binds tightest, so `-2 ^ 2` is 4. `=` and `==` are
one operator, as are `<>` and `!=`. Names of fields and functions are found without regard to case. A
path is one word, with a colon where a polymorphic reference says which object it means (`Owner:User.Id`).

Source: the grammar of Salesforce's published formula engine; Salesforce Help, "Formula Operators and
Functions".
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from ..grammars import lalr
from .faults import FormulaError
from .tree import Call, Chain, Literal, Name, Node, Unary

GRAMMAR: Final = r"""
?start: either
?either: both (EITHER both)*             -> chain
?both: equality (BOTH equality)*         -> chain
?equality: comparison (EQUAL comparison)* -> chain
?comparison: sum (COMPARE sum)*          -> chain
?sum: power ((SIGN | JOIN) power)*       -> chain
?power: product (POWER product)*         -> chain
?product: signed (TIMES signed)*         -> chain
?signed: primary
       | SIGN signed                     -> unary
       | NOT signed                      -> unary
?primary: NUMBER                         -> number
        | STRING                         -> string
        | WORD                           -> word
        | NAME                           -> name
        | NAME "(" (either ("," either)*)? ")" -> call
        | "(" either ")"

EITHER: "||"
BOTH: "&&"
EQUAL: "==" | "=" | "<>" | "!="
COMPARE: "<=" | ">=" | "<" | ">"
SIGN: "+" | "-"
JOIN: "&"
POWER: "^"
TIMES: "*" | "/"
NOT.2: /!|not(?![\w$:.#])/i
WORD.2: /(true|false|null)(?![\w$:.#])/i
NAME: /[a-zA-Z$_][a-zA-Z0-9_$:.#]*/
NUMBER: /[0-9]+(\.[0-9]+)?/
STRING: /"(?:\\[nrtNRT"'\\]|[^"\\\r\n])*"|'(?:\\[nrtNRT"'\\]|[^'\\\r\n])*'/
COMMENT: /\/\*.*?\*\//s
%ignore COMMENT
%ignore /[ \t\f\r\n]+/
"""

LONGEST: Final = 3900
"""Characters of a formula, as Salesforce counts them."""
WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
SAME_OPERATOR: Final = {"==": "=", "!=": "<>"}
ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}
END: Final = "end of formula"


def parse(text: str) -> Node:
    """The tree of a formula. Raises `FormulaError` with Salesforce's text.

    The first call of a process builds the parser, which takes some 40 ms.
    """
    if len(text) > LONGEST:
        raise FormulaError(
            f"Formula is too long ({len(text):,} characters).  Maximum length is {LONGEST:,} characters"
        )
    if not text.strip():
        raise FormulaError("Syntax error")
    try:
        tree: Node = _parser().parse(text)  # type: ignore[assignment]  # the transformer is inside
    except UnexpectedInput as error:
        raise _fault(error, text) from None
    return tree


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return lalr("formula", GRAMMAR, _Tree())


def _fault(error: UnexpectedInput, text: str) -> FormulaError:
    if isinstance(error, UnexpectedCharacters):
        at = error.pos_in_stream or 0
        return FormulaError(f"Syntax error.  Found '{text[at]}'", at)
    if not isinstance(error, UnexpectedToken):
        return FormulaError("Syntax error")
    at = error.token.start_pos
    accepts: Callable[[], set[str]] | None = getattr(error.interactive_parser, "accepts", None)
    expected = set(error.expected) if accepts is None else accepts()
    if error.token.type == "$END":
        missing = "')'" if "RPAR" in expected else END
        return FormulaError(
            "Syntax error" if missing == END else f"Syntax error.  Missing {missing}", len(text)
        )
    if "RPAR" in expected:
        return FormulaError("Syntax error.  Missing ')'", at)
    if "$END" in expected:
        return FormulaError(f"Syntax error. Extra {error.token}", at)
    return FormulaError(f"Syntax error.  Found '{error.token}'", at)


class _Tree(Transformer[Token, Node]):
    """Makes our nodes while the parser reduces; no tree of lark's is ever built."""

    def chain(self, children: Sequence[Any]) -> Node:
        first, *rest = children
        if not rest:
            return _node(first)
        pairs = [
            (SAME_OPERATOR.get(str(sign), str(sign)), _node(operand))
            for sign, operand in zip(rest[::2], rest[1::2], strict=True)
        ]
        return Chain(_node(first), tuple(pairs), rest[0].start_pos)

    def unary(self, children: Sequence[Any]) -> Node:
        sign, operand = children
        return Unary("!" if sign.type == "NOT" else str(sign), _node(operand), sign.start_pos)

    def number(self, children: Sequence[Token]) -> Node:
        return Literal(Decimal(str(children[0])), children[0].start_pos or 0)

    def string(self, children: Sequence[Token]) -> Node:
        return Literal(_unescaped(str(children[0])[1:-1]), children[0].start_pos or 0)

    def word(self, children: Sequence[Token]) -> Node:
        return Literal(WORDS[str(children[0]).lower()], children[0].start_pos or 0)

    def name(self, children: Sequence[Token]) -> Node:
        return Name(str(children[0]), children[0].start_pos or 0)

    def call(self, children: Sequence[Any]) -> Node:
        name, *args = children
        return Call(str(name).upper(), tuple(map(_node, args)), name.start_pos)


def _node(made: Any) -> Node:
    """A child that is a node already; the grammar inlines what has one."""
    node: Node = made
    return node


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    parts = text.split("\\\\")
    return "\\".join(_without_marks(part) for part in parts)


def _without_marks(text: str) -> str:
    pieces = text.split("\\")
    return pieces[0] + "".join(ESCAPES.get(each[:1].lower(), each[:1]) + each[1:] for each in pieces[1:])
