"""What all operations of the partner and enterprise APIs begin with: whose call, in which version.

A call is turned into a `Request` of the data API, signed in and counted, so that the operations can
use what the REST resources use.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from reconciler.emulator.http import sessions
from reconciler.emulator.http.message import Request
from reconciler.emulator.http.soap_records import children, texts
from reconciler.emulator.http.soapform import SoapCall, SoapRefusal, element
from reconciler.emulator.http.traffic import traffic
from reconciler.emulator.org import EmulatedOrg

ILLEGAL_SESSION = "Invalid Session ID found in SessionHeader: Illegal Session"


@dataclass(frozen=True)
class Call:
    """One operation of a user who is signed in."""

    org: EmulatedOrg
    request: Request
    soap: SoapCall

    @property
    def partner(self) -> bool:
        """Whether records are written as the partner API does."""
        return self.request.path.startswith("/services/Soap/u/")

    def text(self, name: str) -> str:
        return self.soap.arguments.get(name, "").strip()

    def texts(self, name: str) -> list[str]:
        return texts(self.soap.element, name)

    def option(self, header: str, name: str) -> str:
        """The text of an element in a SOAP header; empty where the client sent none."""
        found = self.soap.headers.get(header)
        return "" if found is None else next(iter(texts(found, name)), "")

    @property
    def all_or_none(self) -> bool:
        return self.option("AllOrNoneHeader", "allOrNone").lower() == "true"

    def named(self, name: str) -> list[Element]:
        """The arguments of this name as elements."""
        return children(self.soap.element, name)


Operation = Callable[[Call], str]


def signed_in(org: EmulatedOrg, request: Request, soap: SoapCall) -> Call:
    """The call with its session and version. Raises the faults of a session that is none."""
    try:
        session = sessions.resume(org, soap.session_id)
    except sessions.InvalidSession as error:
        raise SoapRefusal("INVALID_SESSION_ID", ILLEGAL_SESSION) from error
    number = request.path.removeprefix("/services/Soap/").split("/")[1]
    traffic(org).count(org.clock.now_ms())
    return Call(org, replace(request, session=session, version=number), soap)


def limit_header(org: EmulatedOrg) -> str:
    """The SOAP header that tells what is left of the day's calls."""
    calls = traffic(org)
    used, most = calls.used(org.clock.now_ms()), calls.daily_requests
    info = element("current", used) + element("limit", most) + element("type", "API REQUESTS")
    return f"<LimitInfoHeader><limitInfo>{info}</limitInfo></LimitInfoHeader>"
