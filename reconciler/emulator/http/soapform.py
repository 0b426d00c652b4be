"""SOAP of all APIs that speak it: reading the call, writing answers and faults.

Which API is asked is the letter of the address (`/services/Soap/u/…`); namespaces and the form of
faults follow from it (`DIALECTS`). Clients look for some elements by their literal names, so `sessionId`
and `serverUrl` carry no prefix and the elements of a fault carry `sf:`.

Source: SOAP API Developer Guide, Metadata API Developer Guide; prefixes as recorded.
"""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http import xml_problems
from reconciler.emulator.http.api_version import NEWEST, OLDEST
from reconciler.emulator.http.message import Reply, Request, text_reply
from reconciler.emulator.http.xml_text import xml_text

SOAP_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
CONTENT_TYPE = "text/xml; charset=utf-8"
LOGIN_CODES = (
    "INVALID_LOGIN",
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
    "PASSWORD_LOCKOUT",
    "API_CURRENTLY_DISABLED",
)
PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>'
SOBJECTS = "urn:sobject.{}.soap.sforce.com"
FAULTS = {
    "INVALID_FIELD": "InvalidFieldFault",
    "INVALID_ID_FIELD": "InvalidIdFault",
    "INVALID_NEW_PASSWORD": "InvalidNewPasswordFault",
    "INVALID_QUERY_LOCATOR": "InvalidQueryLocatorFault",
    "INVALID_TYPE": "InvalidSObjectFault",
    "MALFORMED_ID": "InvalidIdFault",
    "MALFORMED_QUERY": "MalformedQueryFault",
    "MALFORMED_SEARCH": "MalformedSearchFault",
}
"""The type of a fault by its code, where it has one of its own."""
PLACED = ("InvalidFieldFault", "InvalidSObjectFault", "MalformedQueryFault", "MalformedSearchFault")
"""Faults that say where in the statement; -1 where there is none."""
PLACE = re.compile(r"ERROR at Row:(\d+):Column:(\d+)")
CLIENT = "soapenv:Client"
"""Fault code of a call that cannot be read as one of the API's; its text stands alone."""


@dataclass(frozen=True)
class Dialect:
    """One API's namespaces, and whether its faults tell code and message again in a `detail`."""

    namespace: str
    fault_namespace: str
    has_detail: bool = True


METADATA = "http://soap.sforce.com/2006/04/metadata"
APEX = "http://soap.sforce.com/2006/08/apex"
DIALECTS = {
    "u": Dialect("urn:partner.soap.sforce.com", "urn:fault.partner.soap.sforce.com"),
    "c": Dialect("urn:enterprise.soap.sforce.com", "urn:fault.enterprise.soap.sforce.com"),
    "m": Dialect(METADATA, METADATA, has_detail=False),
    "s": Dialect(APEX, APEX, has_detail=False),
}


class SoapRefusal(ApiError):
    """``code`` is the exception code, `INVALID_LOGIN` and the like. SOAP answers 500 to all."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code, status=500)


class NoXml(SoapRefusal):
    """What was sent is no XML. The fault code is then bare, see `xml_problems`."""

    def __init__(self, message: str) -> None:
        super().__init__("UNKNOWN_EXCEPTION", message)


@dataclass(frozen=True)
class SoapCall:
    """One operation with its texts, by local name, and the session of the header."""

    operation: str
    arguments: dict[str, str]
    session_id: str
    element: ET.Element
    """The operation itself, for APIs whose arguments are more than texts."""
    headers: dict[str, ET.Element]
    """Elements of the SOAP header, by local name."""


def parse(body: bytes) -> SoapCall:
    """The call in an envelope. Raises `SoapRefusal` for what is none."""
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", body):
        raise NoXml(xml_problems.NO_DOCTYPE)
    try:
        root = ET.fromstring(body)  # noqa: S314  entity declarations were refused above
    except (ET.ParseError, LookupError, ValueError) as error:
        raise NoXml(xml_problems.problem(body) or xml_problems.ILL_FORMED) from error
    found = root.find(f"{{{SOAP_ENVELOPE}}}Body")
    if root.tag != f"{{{SOAP_ENVELOPE}}}Envelope" or found is None or len(found) == 0:
        raise SoapRefusal("UNKNOWN_EXCEPTION", "No operation available for request")
    session = next((each for each in root.iter() if local_name(each.tag) == "sessionId"), None)
    operation = found[0]
    header = root.find(f"{{{SOAP_ENVELOPE}}}Header")
    return SoapCall(
        local_name(operation.tag),
        {local_name(each.tag): each.text or "" for each in operation},
        "" if session is None else (session.text or "").strip(),
        operation,
        {local_name(each.tag): each for each in (() if header is None else header)},
    )


def version_of(api: str) -> str:
    """`59.0` of the version in an address, with or without `.0`. Raises `SoapRefusal`; text not verified."""
    number = api.removesuffix(".0")
    if not number.isdigit() or not OLDEST <= int(number) <= NEWEST:
        raise SoapRefusal("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL")
    return f"{int(number)}.0"


def no_operation(call: SoapCall) -> SoapRefusal:
    """What was called is not part of the API, or not in that version."""
    return SoapRefusal(CLIENT, f"No operation available for request {call.element.tag}")


def local_name(tag: str) -> str:
    """The name of an element without its namespace."""
    return tag.rpartition("}")[2]


def dialect_of(path: str) -> Dialect:
    """The API an address belongs to; the partner API for what is none."""
    letter = path.removeprefix("/services/Soap/").partition("/")[0]
    return DIALECTS.get(letter, DIALECTS["u"])


def reply(request: Request, operation: str, result: str, *, header: str = "") -> Reply:
    """The answer to an operation; ``result`` is its inner XML, ``header`` that of the SOAP header."""
    head = f"<soapenv:Header>{header}</soapenv:Header>" if header else ""
    sobjects = ""
    if "sf:" in result:
        kind = "partner" if dialect_of(request.path) is DIALECTS["u"] else "enterprise"
        sobjects = f' xmlns:sf="{SOBJECTS.format(kind)}"'
    return text_reply(
        200,
        f'{PROLOGUE}<soapenv:Envelope xmlns:soapenv="{SOAP_ENVELOPE}" '
        f'xmlns="{dialect_of(request.path).namespace}" xmlns:xsi="{XSI}"{sobjects}>{head}<soapenv:Body>'
        f"<{operation}Response>{result}</{operation}Response></soapenv:Body></soapenv:Envelope>",
        CONTENT_TYPE,
    )


def fault(request: Request, error: ApiError) -> Reply:
    """A refusal as a SOAP fault, HTTP 500."""
    dialect = dialect_of(request.path)
    login = error.code in LOGIN_CODES
    kind = "LoginFault" if login else FAULTS.get(error.code, "UnexpectedErrorFault")
    bare = login or error.code == CLIENT or isinstance(error, NoXml)
    code = error.code if bare else f"sf:{error.code}"
    message = xml_text(error.message)
    told = message if error.code == CLIENT else f"{error.code}: {message}"
    detail = (
        f'<detail><sf:{kind} xsi:type="sf:{kind}"><sf:exceptionCode>{error.code}</sf:exceptionCode>'
        f"<sf:exceptionMessage>{message}</sf:exceptionMessage>{_place(kind, error)}</sf:{kind}></detail>"
    )
    return text_reply(
        500,
        f'{PROLOGUE}<soapenv:Envelope xmlns:soapenv="{SOAP_ENVELOPE}" '
        f'xmlns:sf="{dialect.fault_namespace}" xmlns:xsi="{XSI}"><soapenv:Body>'
        f"<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{told}</faultstring>"
        f"{detail if dialect.has_detail and error.code != CLIENT else ''}</soapenv:Fault>"
        "</soapenv:Body></soapenv:Envelope>",
        CONTENT_TYPE,
    )


def _place(kind: str, error: ApiError) -> str:
    if kind not in PLACED:
        return ""
    found = PLACE.search(error.message)
    row, column = found.groups() if found else ("-1", "-1")
    return f"<sf:row>{row}</sf:row><sf:column>{column}</sf:column>"


def element(name: str, value: object) -> str:
    """One element; None is `xsi:nil`, booleans are lower-case."""
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    text = str(value).lower() if isinstance(value, bool) else xml_text(str(value))
    return f"<{name}>{text}</{name}>"
