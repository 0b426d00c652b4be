"""The digest's bytes are those of RFC 8785, whichever encoder wrote them."""

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.values import canonical_json

NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=126))
TEXTS = st.text(st.characters(codec="utf-8"))
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
CONTENT = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=20)


@given(CONTENT)
def test_canonical_json_is_that_of_the_rfc(content: object) -> None:
    assert canonical_json(content) == rfc8785.dumps(content)  # type: ignore[arg-type]  # hypothesis: object
