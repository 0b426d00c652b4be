"""Why no connection came about, in words, and whether another attempt can help.

A call that met an obstacle never left. What stands in the way is told by name, because the mend
differs: a certificate wants another authority, a host another address, a proxy another setting. The
first rule of `RULES` whose error is found among the causes decides; what a certificate lacks is read
from OpenSSL's verification code, by `FLAWS`.

``first_tries`` is how often an org is tried that has not answered in this process: a wrong address
must show at once. A ``lasting`` obstacle is not tried again for an org that has answered before either.

Sources: OpenSSL, x509_vfy.h and "openssl-verification-options" (codes); RFC 9110 section 9.3.6 (CONNECT).
"""

import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from .redaction import excerpt

ADDRESS = "check its url in orgs.yaml, the network and HTTPS_PROXY"
AUTHORITY = (
    "put the authority's certificate in PEM beside orgs.yaml and name it there (ca_file: authority.pem),"
    " or name it in REQUESTS_CA_BUNDLE"
)
NO_HOST = "without a host"
PROXY = "check HTTPS_PROXY, its user and password; or name the org's host in NO_PROXY"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """``what`` names the host and is redacted."""

    what: str
    mend: str = ADDRESS
    first_tries: int = 3
    code: str = "UNREACHABLE"
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """``what`` is completed with the host and the innermost error's own words."""

    error: type[BaseException]
    what: str
    mend: str = ADDRESS
    first_tries: int = 3


RULES: tuple[Rule, ...] = (
    Rule(ssl.SSLEOFError, "{host} ended the connection while TLS was agreed on"),
    Rule(ssl.SSLZeroReturnError, "{host} ended the connection while TLS was agreed on"),
    Rule(ssl.SSLError, "{host} and we cannot agree on TLS ({said})", "check the port in its url", 1),
    Rule(socket.gaierror, "the name {host} does not resolve ({said})"),
    Rule(UnicodeError, "{host} is no host name ({said})", first_tries=1),
    Rule(ConnectionRefusedError, "{host} refused the connection"),
    Rule(TimeoutError, "{host} took no connection in time", first_tries=2),
    Rule(BaseException, "no connection to {host} ({said})"),
)

_STRANGER = "was issued by an authority that is not trusted here"
_OTHER_HOST = (
    "is for another host",
    "write the url with a name that the certificate is for, or let the host get one for its name",
)
FLAWS: Mapping[int, tuple[str, str]] = {
    2: (_STRANGER, AUTHORITY),
    9: ("is not valid yet", "check this machine's clock"),
    10: ("has expired", "let the host renew it, and check this machine's clock"),
    18: ("is self-signed and not trusted here", AUTHORITY),
    19: (f"{_STRANGER} (a self-signed one)", AUTHORITY),
    20: (_STRANGER, AUTHORITY),
    21: (_STRANGER, AUTHORITY),
    62: _OTHER_HOST,
    64: _OTHER_HOST,
}
"""What is wrong with a certificate, and the mend, by OpenSSL's `X509_V_ERR_…`."""


def find_obstacle(causes: Sequence[BaseException], url: str, proxy: str | None) -> Obstacle:
    """What ``causes``, the outermost error first, say about the way to ``url``."""
    host, through = _place(url), _place(proxy) if proxy else ""
    for each in causes:
        if isinstance(each, ssl.SSLCertVerificationError):
            # A proxy spoken to over TLS has a certificate too; the error does not tell whose it is.
            whose = f"{host} or of the proxy {through}" if (proxy or "").startswith("https:") else host
            return _distrust(each, whose)
    if through and _is_the_proxys(causes):
        said = _words(causes)
        return Obstacle(f"the proxy {through} gave no way to {host} ({said})", PROXY)
    rule, error = next(
        (rule, each) for rule in RULES for each in reversed(causes) if isinstance(each, rule.error)
    )
    said = _words([error])
    return Obstacle(rule.what.format(host=host, said=said), rule.mend, rule.first_tries)


def wrong_address(url: str, error: BaseException, proxy: str | None) -> Obstacle:
    """Nothing can be sent to ``url``, or to its proxy when it has one."""
    if proxy:
        return Obstacle(
            f"the proxy {_place(proxy)} cannot be used ({_words([error])})", PROXY, 1, lasting=True
        )
    return Obstacle(f"{_place(url)} is no usable address ({_words([error])})", first_tries=1, lasting=True)


def _distrust(error: ssl.SSLCertVerificationError, whose: str) -> Obstacle:
    flaw, mend = FLAWS.get(error.verify_code, ("cannot be verified", AUTHORITY))
    said = excerpt(error.verify_message, limit=200)
    return Obstacle(
        f"the certificate of {whose} {flaw} ({said})", mend, 1, "UNTRUSTED_CERTIFICATE", lasting=True
    )


def _is_the_proxys(causes: Sequence[BaseException]) -> bool:
    from urllib3.exceptions import ProxyError

    return any(isinstance(each, ProxyError) for each in causes)


def _place(url: str) -> str:
    """Host and port of an address, without the user and password that a proxy's may hold."""
    try:
        return urlsplit(url if "//" in url else f"//{url}").netloc.rpartition("@")[2] or NO_HOST
    except ValueError:
        return NO_HOST


def _words(causes: Sequence[BaseException]) -> str:
    """What the innermost error says; the outer ones only repeat addresses."""
    said = next((each for each in reversed(causes) if str(each)), causes[0])
    text = said.strerror if isinstance(said, OSError) and said.strerror else str(said)
    return excerpt(text or type(said).__name__, limit=200)
