"""A request that is no XML is refused in the sentences of Salesforce's parser, not of ours."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator.http.xml_problems import problem


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Premature end of file."),
        ("<a", "XML document structures must start and end within the same entity."),
        ("<a><b>", "XML document structures must start and end within the same entity."),
        ("<a><b></a>", 'The element type "b" must be terminated by the matching end-tag "</b>".'),
        ("<a>x &Cl y</a>", "The reference to entity \"Cl\" must end with the ';' delimiter."),
        ("<a>x & y</a>", "The entity name must immediately follow the '&' in the entity reference."),
        ("<a>&nbsp;</a>", 'The entity "nbsp" was referenced, but not declared.'),
        ("x<a/>", "Content is not allowed in prolog."),
        ('<a b="1" b="2"/>', 'Attribute "b" was already specified for element "a".'),
        ("<a/><b/>", "The markup in the document following the root element must be well-formed."),
        (
            "<a>\x01</a>",
            "An invalid XML character (Unicode: 0x1) was found in the element content of the document.",
        ),
    ],
)
def test_what_is_wrong_is_said_as_xerces_says_it(text: str, sentence: str) -> None:
    assert problem(text.encode()) == sentence


def test_a_prefix_that_is_not_bound_is_named() -> None:
    assert problem(b"<x:a/>") == 'The prefix "x" for element "x:a" is not bound.'


def test_a_document_type_is_not_let_in() -> None:
    assert problem(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>') == "DTDs are not allowed"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="<>/&;a:=\"' x!-[]", max_size=20).map(str.encode) | st.binary(max_size=12))
def test_what_our_parser_refuses_has_a_sentence_and_the_rest_has_none(body: bytes) -> None:
    try:
        ET.fromstring(body)
    except (ET.ParseError, ValueError, LookupError):
        assert problem(body)
    else:
        assert problem(body) is None or b"<!" in body
