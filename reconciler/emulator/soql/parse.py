"""Text to tree: a LALR grammar whose tokens depend on the place.

SOQL has few reserved words: `Group`, `Order` and `Case` are objects, `Limit` may be a field. The
lexer therefore asks the parser which tokens may come next and takes a keyword only there. What
follows an operator is one token whatever it means (`TODAY`, `null`, `USD5`), told apart
afterwards. A list of strings is a single token too, because lists of thousands of ids are common
and a token costs more than a string.

AND and OR do not mix without parentheses, and NOT takes one operand: the grammar has no
precedence because Salesforce has none.

Source: SOQL and SOSL Reference, "SOQL SELECT Syntax", "Reserved Keywords", "Quoted String Escape
Sequences", "Date Formats and Date Literals".
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

from ..grammars import lalr
from .literals import STRING_TOKEN, moment_of, number_of, text_of, whole, word_of
from .refusals import Fault, malformed, unexpected
from .tree import (
    Among,
    And,
    Argument,
    Call,
    Children,
    Comparison,
    Condition,
    Count,
    Expression,
    Item,
    Literal,
    Not,
    Number,
    Or,
    Order,
    Path,
    Query,
    SemiJoin,
    Text,
    TypeOf,
)

GRAMMAR: Final = r"""
start: query
query: SELECT selected ("," selected)* _FROM source scope where security* group having order limit \
       offset tail*

selected: expression                       -> item
        | expression NAME                  -> item
        | "(" query ")"                    -> children
        | TYPEOF NAME when+ otherwise _END -> typeof
when: _WHEN NAME _THEN names
otherwise: (_ELSE names)?
names: NAME ("," NAME)*

source: NAME alias further*
alias: NAME?
further: "," NAME NAME
scope: (_USING_SCOPE NAME)?
where: (_WHERE condition)?
security: _WITH NAME                                     -> enforced
        | _WITH NAME "(" setting ("," setting)* ")"      -> enforced
        | _WITH DATA_CATEGORY category (_AND category)*  -> categories
setting: NAME OPERATOR value
category: NAME SELECTOR (NAME | "(" names ")")
group: (_GROUP_BY expression ("," expression)*)?
having: (_HAVING condition)?
order: (_ORDER_BY ordering ("," ordering)*)?
ordering: expression DIRECTION? NULLS?
limit: (_LIMIT NUMBER)?
offset: (_OFFSET NUMBER)?
tail: FOR | UPDATE

?condition: operand
          | operand (_AND operand)+        -> conjunction
          | operand (_OR operand)+         -> disjunction
?operand: comparison
        | "(" condition ")"
        | NOT operand                      -> negation
comparison: expression OPERATOR value      -> compare
          | expression LIKE value          -> compare
          | expression IN among            -> among
          | expression NOT IN among        -> not_among
          | expression INCLUDES values     -> includes
          | expression EXCLUDES values     -> excludes
?among: values | "(" query ")"             -> semi_join
values: STRINGS                            -> strings
      | "(" value ("," value)* ")"
?value: STRING -> string
      | NUMBER -> number
      | MOMENT -> moment
      | WORD   -> word

?expression: NAME                          -> path
           | NAME "(" (argument ("," argument)*)? ")" -> call
?argument: expression
         | STRING -> string
         | NUMBER -> number

SELECT.2: /select\b/i
_FROM.2: /from\b/i
TYPEOF.2: /typeof\b/i
_WHEN.2: /when\b/i
_THEN.2: /then\b/i
_ELSE.2: /else\b/i
_END.2: /end\b/i
_USING_SCOPE.2: /using\s+scope\b/i
_WHERE.2: /where\b/i
_WITH.2: /with\b/i
DATA_CATEGORY.2: /data\s+category\b/i
SELECTOR.2: /(above_or_below|above|below|at)\b/i
_GROUP_BY.2: /group\s+by\b/i
_HAVING.2: /having\b/i
_ORDER_BY.2: /order\s+by\b/i
DIRECTION.2: /(asc|desc)\b/i
NULLS.2: /nulls\s+(first|last)\b/i
_LIMIT.2: /limit\b/i
_OFFSET.2: /offset\b/i
FOR.2: /for\s+(view|reference|update)\b/i
UPDATE.2: /update\s+(tracking|viewstat)\b(\s*,\s*(tracking|viewstat)\b)*/i
_AND.2: /and\b/i
_OR.2: /or\b/i
NOT.2: /not\b/i
LIKE.2: /like\b/i
IN.2: /in\b/i
INCLUDES.2: /includes\b/i
EXCLUDES.2: /excludes\b/i
OPERATOR: /<=|>=|!=|<>|=|<|>/
NAME: /(?!(from|select|where|having|and|or|not|in)\b)[a-z_]\w*(\s*\.\s*[a-z_]\w*)*/i
STRINGS.3: /\(\s*'(?:[^'\\]|\\.)*'(?:\s*,\s*'(?:[^'\\]|\\.)*')*\s*\)/s
STRING: /'(?:[^'\\]|\\.)*'/s
MOMENT.3: /\d{4}-\d\d?-\d\d?(T\d\d?:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?|\d\d:\d\d:\d\d(\.\d+)?Z?/i
NUMBER.1: /[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?(?![\w])/i
WORD.1: /[a-z_][\w.]*(\s*:\s*\d+)?/i
%ignore /\s+/
"""

RESERVED: Final = frozenset(
    {"and", "asc", "desc", "excludes", "first", "from", "group", "having", "in", "includes", "last", "like"}
    | {"limit", "not", "null", "nulls", "or", "select", "using", "where", "with"}
)
"""Words that may not be an alias."""

SECURITY: Final = frozenset({"security_enforced", "user_mode", "system_mode", "recordvisibilitycontext"})
KEPT_CHARACTERS: Final = 8_000
"""Longer texts are lists of ids as a rule, and do not come twice."""
DATA_CATEGORY: Final = "DATA CATEGORY"
Clause: TypeAlias = tuple[str, Any]


def parse(text: str) -> Query:
    """The tree of a query; short ones are kept, the last 512.

    Raises `Fault` (MALFORMED_QUERY) with Salesforce's text. The first call builds the parser,
    which takes some 100 ms.
    """
    if not text.strip():
        raise malformed("A query string has to be specified")
    return _kept(text) if len(text) <= KEPT_CHARACTERS else _parse(text)


@lru_cache(maxsize=512)
def _kept(text: str) -> Query:
    return _parse(text)


def _parse(text: str) -> Query:
    try:
        tree: Query = _parser().parse(text)  # type: ignore[assignment]  # the transformer is inside
    except VisitError as error:
        raise error.orig_exc from None
    except UnexpectedInput as error:
        raise _fault(error, text) from None
    return tree


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return lalr("soql", GRAMMAR, _Tree())


def _fault(error: UnexpectedInput, text: str) -> Fault:
    """What ANTLR, which Salesforce uses, would say of the place where our parser stopped."""
    if isinstance(error, UnexpectedToken):
        token, at = error.token, error.token.start_pos
        found = str(token)
        if token.type == "$END":
            found, at = "<EOF>", len(text.rstrip())
        if "RPAR" in _accepted(error):
            return malformed(f"expecting a right parentheses, found '{found}'", at)
        return unexpected(found, at or 0)
    at = error.pos_in_stream or 0
    if isinstance(error, UnexpectedCharacters) and text[at] in "'\"":
        end = len(text.rstrip())
        if text[at] == "'" and STRING_TOKEN.match(text, at) is None:
            return malformed(f"line 1:{end} mismatched character '<EOF>' expecting '''", end)
    row, column = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1)
    found = _word_at(text, at)
    if found:
        return unexpected(found, at)
    return malformed(f"line {row}:{column} no viable alternative at character '{text[at]}'", at)


def _accepted(error: UnexpectedToken) -> set[str]:
    parser = error.interactive_parser
    accepts: Callable[[], set[str]] | None = getattr(parser, "accepts", None)
    return set(error.expected) if accepts is None else accepts()


def _word_at(text: str, at: int) -> str:
    match = re.compile(r"[\w.:+-]+|[()=<>!,]").match(text, at)
    return match.group() if match else ""


class _Tree(Transformer[Token, Query]):
    """Makes our values while the parser reduces; no tree of lark's is ever built."""

    # -- queries

    @v_args(inline=True)
    def start(self, query: Query) -> Query:
        return query

    def query(self, children: Sequence[Any]) -> Query:
        opening = children[0]
        selected = tuple(each for each in children if isinstance(each, Item | Children | TypeOf))
        clauses = [each for each in children[1:] if isinstance(each, tuple)]
        one: dict[str, Any] = dict(clauses)
        source, alias, further = one["source"]
        return Query(
            selected=selected,
            source=source,
            alias=alias,
            further=further,
            scope=one["scope"],
            where=one["where"],
            security=tuple(value for name, value in clauses if name == "security"),
            group=one["group"],
            having=one["having"],
            order=one["order"],
            limit=one["limit"],
            offset=one["offset"],
            locks=("tail", "update") in clauses,
            at=opening.start_pos,
        )

    def item(self, children: Sequence[Any]) -> Item:
        expression = children[0]
        if len(children) == 1:
            return Item(expression, None, expression.at)
        return Item(expression, _alias(children[1]), children[1].start_pos)

    @v_args(inline=True)
    def children(self, query: Query) -> Children:
        return Children(query, query.at)

    @v_args(inline=True)
    def typeof(self, opening: Token, relationship: Token, *branches: Any) -> TypeOf:
        *whens, otherwise = branches
        return TypeOf(_path(relationship), tuple(whens), otherwise, opening.start_pos or 0)

    @v_args(inline=True)
    def when(self, name: Token, fields: tuple[Path, ...]) -> tuple[Path, tuple[Path, ...]]:
        return _path(name), fields

    def otherwise(self, children: Sequence[tuple[Path, ...]]) -> tuple[Path, ...]:
        return children[0] if children else ()

    def names(self, children: Sequence[Token]) -> tuple[Path, ...]:
        return tuple(map(_path, children))

    @v_args(inline=True)
    def source(self, name: Token, alias: str | None, *further: tuple[Path, str]) -> Clause:
        return "source", (_path(name), alias, further)

    def alias(self, children: Sequence[Token]) -> str | None:
        return _alias(children[0]) if children else None

    @v_args(inline=True)
    def further(self, name: Token, alias: Token) -> tuple[Path, str]:
        return _path(name), _alias(alias)

    def scope(self, children: Sequence[Token]) -> Clause:
        return "scope", _path(children[0]) if children else None

    def where(self, children: Sequence[Condition]) -> Clause:
        return "where", children[0] if children else None

    def enforced(self, children: Sequence[Any]) -> Clause:
        name = str(children[0])
        if name.lower() not in SECURITY:
            raise unexpected(name, children[0].start_pos)
        return "security", name.upper()

    def categories(self, children: Sequence[Any]) -> Clause:
        return "security", DATA_CATEGORY

    def setting(self, children: Sequence[Any]) -> None:
        return None

    def category(self, children: Sequence[Any]) -> None:
        return None

    def group(self, children: Sequence[Expression]) -> Clause:
        return "group", tuple(children)

    def having(self, children: Sequence[Condition]) -> Clause:
        return "having", children[0] if children else None

    def order(self, children: Sequence[Order]) -> Clause:
        return "order", tuple(children)

    def ordering(self, children: Sequence[Any]) -> Order:
        words = [each.lower() for each in children[1:]]
        return Order(children[0], "desc" in words, any(each.endswith("last") for each in words))

    def limit(self, children: Sequence[Token]) -> Clause:
        return "limit", _count(children[0]) if children else None

    def offset(self, children: Sequence[Token]) -> Clause:
        return "offset", _count(children[0]) if children else None

    @v_args(inline=True)
    def tail(self, word: Token) -> Clause:
        words = word.lower().split()
        return "tail", words[1] if words[0] == "for" else "usage"

    # -- conditions

    def conjunction(self, children: Sequence[Condition]) -> And:
        return And(tuple(children))

    def disjunction(self, children: Sequence[Condition]) -> Or:
        return Or(tuple(children))

    @v_args(inline=True)
    def negation(self, word: Token, operand: Condition) -> Not:
        return Not(operand, word.start_pos or 0)

    @v_args(inline=True)
    def compare(self, left: Expression, operator: Token, value: Literal) -> Comparison:
        written = operator.upper()
        return Comparison(left, "!=" if written == "<>" else written, value)

    @v_args(inline=True)
    def among(self, left: Expression, word: Token, values: Any) -> Condition:
        return _among(left, values, word, negated=False)

    @v_args(inline=True)
    def not_among(self, left: Expression, word: Token, _in: Token, values: Any) -> Condition:
        return _among(left, values, word, negated=True)

    @v_args(inline=True)
    def includes(self, left: Expression, _word: Token, values: tuple[Literal, ...]) -> Among:
        return Among(left, values, negated=False, multi=True)

    @v_args(inline=True)
    def excludes(self, left: Expression, _word: Token, values: tuple[Literal, ...]) -> Among:
        return Among(left, values, negated=True, multi=True)

    @v_args(inline=True)
    def semi_join(self, query: Query) -> Query:
        return query

    def values(self, children: Sequence[Literal]) -> tuple[Literal, ...]:
        return tuple(children)

    @v_args(inline=True)
    def strings(self, token: Token) -> tuple[Literal, ...]:
        start = token.start_pos or 0
        return tuple(text_of(each.group(1), start + each.start()) for each in STRING_TOKEN.finditer(token))

    # -- literals

    @v_args(inline=True)
    def string(self, token: Token) -> Text:
        return text_of(token[1:-1], token.start_pos or 0)

    @v_args(inline=True)
    def number(self, token: Token) -> Number:
        return Number(number_of(token), token.start_pos or 0)

    @v_args(inline=True)
    def moment(self, token: Token) -> Literal:
        return moment_of(token)

    @v_args(inline=True)
    def word(self, token: Token) -> Literal:
        return word_of(token)

    # -- expressions

    @v_args(inline=True)
    def path(self, token: Token) -> Path:
        return _path(token)

    def call(self, children: Sequence[Any]) -> Call:
        name, *args = children
        if "." in name:
            raise unexpected("(", (name.end_pos or 0))
        arguments: tuple[Argument, ...] = tuple(each for each in args if each is not None)
        return Call(name.lower(), arguments, name.start_pos, str(name))


def _path(token: Token) -> Path:
    text = str(token)
    at = token.start_pos or 0
    if "." not in text:
        return Path((text,), at)
    return Path(tuple(part.strip() for part in text.split(".")), at)


def _alias(token: Token) -> str:
    if "." in token or token.lower() in RESERVED:
        raise unexpected(str(token), token.start_pos or 0)
    return str(token)


def _count(token: Token) -> Count:
    if not token.isdecimal():
        raise unexpected(str(token), token.start_pos or 0)
    return Count(whole(str(token)), token.start_pos or 0)


def _among(left: Expression, values: Any, word: Token, *, negated: bool) -> Condition:
    if isinstance(values, Query):
        return SemiJoin(left, values, negated, word.start_pos or 0)
    return Among(left, values, negated=negated, multi=False)
