"""The grammar: what is read, what is not, and that nothing makes it stumble."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator.formula.compile import Purpose
from reconciler.emulator.formula.faults import FormulaError
from reconciler.emulator.formula.parse import LONGEST, parse
from reconciler.emulator.formula.tree import Call, Chain, Literal, Name, Node, Unary
from reconciler.emulator.org import EmulatedOrg

SYNTAX = [
    ("", "Syntax error"),
    ("  ", "Syntax error"),
    ("1 +", "Syntax error"),
    ("(1 + 2", "Syntax error.  Missing ')'"),
    ("IF(TRUE, 1, 2", "Syntax error.  Missing ')'"),
    ("1)", "Syntax error. Extra )"),
    ("1 2", "Syntax error. Extra 2"),
    ("IF(TRUE,, 1)", "Syntax error.  Found ','"),
    ("* 2", "Syntax error.  Found '*'"),
    ("'open", "Syntax error.  Found '''"),
    ("'two\nlines'", "Syntax error.  Found '''"),
    ("'bad \\q escape'", "Syntax error.  Found '''"),
    ("1 /* open", "Syntax error.  Found '*'"),
    ("A__c ? 1", "Syntax error.  Found '?'"),
]


@pytest.mark.parametrize(("text", "message"), SYNTAX)
def test_what_is_no_formula_is_refused_in_salesforces_words(text: str, message: str) -> None:
    with pytest.raises(FormulaError) as refused:
        parse(text)
    assert refused.value.message == message


def test_a_formula_may_have_3900_characters_and_not_one_more() -> None:
    parse("1" + " " * (LONGEST - 1))
    with pytest.raises(FormulaError, match=r"Formula is too long \(3,901 characters\)"):
        parse("1" + " " * LONGEST)


def test_a_place_is_told_with_the_refusal() -> None:
    with pytest.raises(FormulaError) as refused:
        parse("Amount__c + ) 1")
    assert refused.value.at == 12


def test_names_are_whole_paths_and_words_only_where_they_stand_alone() -> None:
    assert parse("Owner:User.Id") == Name("Owner:User.Id", 0)
    assert parse("$Setup.A__c.B__c") == Name("$Setup.A__c.B__c", 0)
    assert parse("Nothing__c") == Name("Nothing__c", 0)
    assert parse("true") == Literal(True, 0)
    assert parse("Trueness__c") == Name("Trueness__c", 0)


def test_a_long_chain_and_deep_parentheses_do_not_exhaust_the_stack(org: EmulatedOrg) -> None:
    org.formulas.compile(None, "+".join(["1"] * 1900), Purpose.DEFAULT)
    org.formulas.compile(None, "(" * 1900 + "1" + ")" * 1900, Purpose.DEFAULT)
    with pytest.raises(FormulaError, match="too big to execute"):
        org.formulas.compile(None, "-" * 1900 + "1", Purpose.DEFAULT)


# -- any text, any tree

NAMES = st.sampled_from(["Amount__c", "Account__r.Name", "Owner:User.Id", "$User.Id", "Word__c"])
FUNCTIONS = st.sampled_from(["IF", "AND", "LEFT", "TODAY", "NOSUCH"])
LITERALS = st.one_of(
    st.text(max_size=8).filter(lambda text: not set(text) & set("\r\n\x0b\x0c\x85\u2028\u2029")),
    st.decimals(0, 10**9, places=3),
    st.booleans(),
    st.none(),
).map(Literal)
ROWS = (("||",), ("&&",), ("=", "<>"), ("<", "<=", ">", ">="), ("+", "-", "&"), ("^",), ("*", "/"))


def trees(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    chains = st.sampled_from(ROWS).flatmap(
        lambda row: st.builds(
            Chain,
            children,
            st.lists(st.tuples(st.sampled_from(row), children), min_size=1, max_size=3).map(tuple),
        )
    )
    calls = st.builds(Call, FUNCTIONS, st.lists(children, max_size=3).map(tuple))
    return st.one_of(chains, calls, st.builds(Unary, st.sampled_from("+-!"), children))


def written(node: Node) -> str:
    """A tree as a formula, with every pair of parentheses that could be needed."""
    if isinstance(node, Literal):
        if isinstance(node.value, str):
            return "'" + node.value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        return "NULL" if node.value is None else str(node.value)
    if isinstance(node, Name):
        return node.text
    if isinstance(node, Call):
        return f"{node.name}({', '.join(map(written, node.args))})"
    if isinstance(node, Unary):
        return f"{node.sign}({written(node.operand)})"
    rest = " ".join(f"{sign} ({written(operand)})" for sign, operand in node.rest)
    return f"({written(node.first)}) {rest}"


def placeless(node: Node) -> Node:
    if isinstance(node, Call):
        return Call(node.name, tuple(map(placeless, node.args)))
    if isinstance(node, Unary):
        return Unary(node.sign, placeless(node.operand))
    if isinstance(node, Chain):
        return Chain(placeless(node.first), tuple((sign, placeless(each)) for sign, each in node.rest))
    return Name(node.text) if isinstance(node, Name) else Literal(node.value)


@given(st.recursive(st.one_of(LITERALS, NAMES.map(Name)), trees, max_leaves=12))
def test_a_tree_that_is_written_is_read_again(tree: Node) -> None:
    assert placeless(parse(written(tree))) == tree


WORDS = (
    "IF( AND( TEXT( CASE( ) ( , Amount__c Day__c Stage__c Tags__c $User.Id 'a' 1 + - * / ^ & = <> < ! "
    "TODAY() NULL TRUE not"
)
PIECES = st.sampled_from(WORDS.split(" "))


@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=14).map(" ".join)))
def test_any_text_is_a_formula_or_is_refused_by_name(thing_org: EmulatedOrg, text: str) -> None:
    try:
        made = thing_org.formulas.compile(thing_org.schema["Thing__c"], text, Purpose.RULE)
    except FormulaError as refused:
        assert refused.message
    else:
        assert made.kind


def test_numbers_keep_all_their_digits() -> None:
    assert parse("12345678901234567890.12345") == Literal(Decimal("12345678901234567890.12345"), 0)
