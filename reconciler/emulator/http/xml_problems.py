"""What Salesforce says of a request that is no XML.

Its parser is Xerces, whose sentences come through to the fault: a client's developer has shown one
(postman-salesforce-apis issue 26: 'The reference to entity "Cl" must end with the ';' delimiter.', with the
bare `UNKNOWN_EXCEPTION` for fault code). Ours is expat, which tells kinds of trouble by number; which of
Xerces' sentences each of them is follows from Xerces' own list, and was not seen from Salesforce.
"""

import re
from typing import Final
from xml.parsers import expat
from xml.parsers.expat import errors

NO_DOCTYPE: Final = "DTDs are not allowed"
"""Not verified."""
ENDS_EARLY: Final = "XML document structures must start and end within the same entity."
SENTENCES: Final = {
    errors.XML_ERROR_NO_ELEMENTS: ENDS_EARLY,
    errors.XML_ERROR_UNCLOSED_TOKEN: ENDS_EARLY,
    errors.XML_ERROR_UNCLOSED_CDATA_SECTION: ENDS_EARLY,
    errors.XML_ERROR_PARTIAL_CHAR: "Invalid byte 2 of 2-byte UTF-8 sequence.",
    errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT: (
        "The markup in the document following the root element must be well-formed."
    ),
    errors.XML_ERROR_MISPLACED_XML_PI: (
        'The processing instruction target matching "[xX][mM][lL]" is not allowed.'
    ),
    errors.XML_ERROR_XML_DECL: 'The XML declaration must end with "?>".',
    errors.XML_ERROR_UNKNOWN_ENCODING: "The encoding is not supported.",
    errors.XML_ERROR_INCORRECT_ENCODING: "The encoding is not supported.",
    errors.XML_ERROR_BAD_CHAR_REF: "Character reference is an invalid XML character.",
}
ILL_FORMED: Final = "The content of elements must consist of well-formed character data or markup."
ENTITY: Final = re.compile(rb"&([A-Za-z_:][\w:.-]*)?(;?)")
TAG: Final = re.compile(rb"<([^\s<>/]+)([^<>]*)")
PREFIXED: Final = re.compile(r"([\w.-]+:[\w.-]+)\s*=")
ATTRIBUTE: Final = re.compile(rb"<([^\s<>/=]+)[^<>]*$")


def problem(body: bytes) -> str | None:
    """The sentence for what is wrong with XML; None when nothing is."""
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", body):
        return NO_DOCTYPE
    if not body.strip():
        return "Premature end of file."
    reading = expat.ParserCreate(namespace_separator=None)
    open_tags: list[str] = []

    def started(name: str, _: object) -> None:
        open_tags.append(name)

    def ended(_: str) -> None:
        open_tags.pop()

    reading.StartElementHandler, reading.EndElementHandler = started, ended
    try:
        reading.Parse(body, True)
    except expat.ExpatError as error:
        return _sentence(body, error, reading.ErrorByteIndex, open_tags)
    except (LookupError, ValueError):
        return SENTENCES[errors.XML_ERROR_UNKNOWN_ENCODING]
    return _unbound(body)


def _unbound(body: bytes) -> str | None:
    """What is wrong with the prefixes of XML that is sound but for them."""
    reading = expat.ParserCreate(namespace_separator=" ")
    try:
        reading.Parse(body, True)
    except expat.ExpatError as error:
        tag = TAG.match(body, reading.ErrorByteIndex)
        if tag is None or expat.ErrorString(error.code) != errors.XML_ERROR_UNBOUND_PREFIX:
            return ILL_FORMED
        element, rest = tag[1].decode("utf-8", "replace"), tag[2].decode("utf-8", "replace")
        for name in [each for each in PREFIXED.findall(rest) if not each.startswith(("xmlns:", "xml:"))]:
            if ":" not in element or name.partition(":")[0] != element.partition(":")[0]:
                prefix = name.partition(":")[0]
                if f"xmlns:{prefix}" not in body[: tag.end()].decode("utf-8", "replace"):
                    return (
                        f'The prefix "{prefix}" for attribute "{name}" associated with an element type '
                        f'"{element}" is not bound.'
                    )
        return f'The prefix "{element.partition(":")[0]}" for element "{element}" is not bound.'
    return None


def _sentence(body: bytes, error: expat.ExpatError, at: int, open_tags: list[str]) -> str:
    kind = expat.ErrorString(error.code)
    if kind == errors.XML_ERROR_TAG_MISMATCH and open_tags:
        name = open_tags[-1]
        return f'The element type "{name}" must be terminated by the matching end-tag "</{name}>".'
    if kind == errors.XML_ERROR_UNDEFINED_ENTITY:
        return f'The entity "{_entity(body, at)}" was referenced, but not declared.'
    if kind == errors.XML_ERROR_DUPLICATE_ATTRIBUTE:
        return _twice(body, at)
    if kind == errors.XML_ERROR_INVALID_TOKEN:
        return _invalid(body, at, bool(open_tags))
    return SENTENCES.get(kind, ILL_FORMED)


def _invalid(body: bytes, at: int, inside: bool) -> str:
    """Of a token that is none: a stray ampersand, a byte that is no text, or text where none may be."""
    start = body.rfind(b"&", 0, at + 1)
    found = ENTITY.match(body, start) if start >= 0 else None
    if found and found.end() >= at:
        if found[1] is None:
            return "The entity name must immediately follow the '&' in the entity reference."
        if not found[2]:
            name = found[1].decode("utf-8", "replace")
            return f"The reference to entity \"{name}\" must end with the ';' delimiter."
    try:
        body.decode()
    except UnicodeDecodeError as error:
        if error.start <= at + 4:
            return "Invalid byte 1 of 1-byte UTF-8 sequence."
    if not inside and not body.lstrip().startswith(b"<"):
        return "Content is not allowed in prolog."
    if at < len(body) and body[at] < 32 and body[at : at + 1] not in b"\t\r\n":
        found_in = "was found in the element content of the document."
        return f"An invalid XML character (Unicode: 0x{body[at]:x}) {found_in}"
    return ILL_FORMED


def _entity(body: bytes, at: int) -> str:
    found = ENTITY.search(body, at)
    return (found[1] or b"").decode("utf-8", "replace") if found else ""


def _twice(body: bytes, at: int) -> str:
    name = re.match(rb"[^\s=]+", body[at:])
    owner = ATTRIBUTE.search(body[:at])
    shown = [
        each.decode("utf-8", "replace") for each in (name[0] if name else b"", owner[1] if owner else b"")
    ]
    return f'Attribute "{shown[0]}" was already specified for element "{shown[1]}".'
