"""Component files: what is written is read again as it was."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator.components import to_xml
from reconciler.emulator.metadata_xml import Tree, parse

NAMES = st.sampled_from(["label", "fields", "value", "active"])
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufffe\uffff"), max_size=20
)
LEAVES = TEXTS | st.none() | st.sampled_from(["line\nbreak", "line\r\nbreak", "tab\tstop", "<b>&amp;'\""])


def trees(depth: int = 2) -> st.SearchStrategy[Tree]:
    item = LEAVES if depth == 0 else LEAVES | trees(depth - 1).filter(bool)
    return st.dictionaries(NAMES, st.lists(item, min_size=1, max_size=3), max_size=3)


@given(trees())
def test_a_tree_written_and_read_is_the_tree(tree: Tree) -> None:
    assert parse(to_xml("Thing", tree)) == ("Thing", tree)


def test_a_text_keeps_no_character_that_xml_forbids() -> None:
    assert parse(to_xml("Thing", {"a": ["x\x00\x1by"]}))[1] == {"a": ["xy"]}
