"""SOAP of the partner and enterprise APIs: reading the call, writing answers and faults.

Clients look for some elements by their literal names, so `sessionId` and `serverUrl` carry no prefix
and the elements of a fault carry `sf:`.

Source: SOAP API Developer Guide; prefixes as recorded.
"""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from xml.sax.saxutils import escape

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.message import Reply, Request, text_reply

SOAP_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
KINDS = {"u": "partner", "c": "enterprise"}
CONTENT_TYPE = "text/xml; charset=utf-8"
LOGIN_CODES = ("INVALID_LOGIN", "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "PASSWORD_LOCKOUT")
PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>'


class SoapRefusal(ApiError):
    """``code`` is the exception code, `INVALID_LOGIN` and the like. SOAP answers 500 to all."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code, status=500)


@dataclass(frozen=True)
class SoapCall:
    """One operation with its texts, by local name, and the session of the header."""

    operation: str
    arguments: dict[str, str]
    session_id: str


def parse(body: bytes) -> SoapCall:
    """The call in an envelope. Raises `SoapRefusal` for what is none."""
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", body):
        raise SoapRefusal("UNKNOWN_EXCEPTION", "DTDs are not allowed")
    try:
        root = ET.fromstring(body)  # noqa: S314  entity declarations were refused above
    except ET.ParseError as error:
        raise SoapRefusal("UNKNOWN_EXCEPTION", f"Unable to parse the request: {error}") from error
    found = root.find(f"{{{SOAP_ENVELOPE}}}Body")
    if root.tag != f"{{{SOAP_ENVELOPE}}}Envelope" or found is None or len(found) == 0:
        raise SoapRefusal("UNKNOWN_EXCEPTION", "No operation available for request")
    session = next((each for each in root.iter() if _local(each.tag) == "sessionId"), None)
    operation = found[0]
    return SoapCall(
        _local(operation.tag),
        {_local(each.tag): each.text or "" for each in operation},
        "" if session is None else (session.text or "").strip(),
    )


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def kind_of(path: str) -> str:
    """`partner` or `enterprise`, by the address."""
    return KINDS.get(path.removeprefix("/services/Soap/").partition("/")[0], "partner")


def reply(request: Request, operation: str, result: str) -> Reply:
    """The answer to an operation; ``result`` is its inner XML."""
    return text_reply(
        200,
        f'{PROLOGUE}<soapenv:Envelope xmlns:soapenv="{SOAP_ENVELOPE}" '
        f'xmlns="urn:{kind_of(request.path)}.soap.sforce.com" xmlns:xsi="{XSI}"><soapenv:Body>'
        f"<{operation}Response>{result}</{operation}Response></soapenv:Body></soapenv:Envelope>",
        CONTENT_TYPE,
    )


def fault(request: Request, error: ApiError) -> Reply:
    """A refusal as a SOAP fault, HTTP 500."""
    login = error.code in LOGIN_CODES
    kind = "LoginFault" if login else "UnexpectedErrorFault"
    code = error.code if login else f"sf:{error.code}"
    message = escape(error.message)
    return text_reply(
        500,
        f'{PROLOGUE}<soapenv:Envelope xmlns:soapenv="{SOAP_ENVELOPE}" '
        f'xmlns:sf="urn:fault.{kind_of(request.path)}.soap.sforce.com" xmlns:xsi="{XSI}"><soapenv:Body>'
        f"<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{error.code}: {message}</faultstring>"
        f'<detail><sf:{kind} xsi:type="sf:{kind}"><sf:exceptionCode>{error.code}</sf:exceptionCode>'
        f"<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:{kind}></detail></soapenv:Fault>"
        "</soapenv:Body></soapenv:Envelope>",
        CONTENT_TYPE,
    )


def element(name: str, value: object) -> str:
    """One element; None is `xsi:nil`, booleans are lower-case."""
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    text = str(value).lower() if isinstance(value, bool) else escape(str(value))
    return f"<{name}>{text}</{name}>"
