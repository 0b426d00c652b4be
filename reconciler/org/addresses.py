"""Which addresses a token may be sent to.

An org is reached over https; plain http only on this machine. What a sign-in answers as the org's
address is followed only to the host that was asked or to a domain of Salesforce's, so that a forged
answer cannot collect tokens.
"""

import ipaddress
from urllib.parse import SplitResult, urlsplit

from reconciler.model.errors import AuthenticationFailed, Problem

PRODUCTION_LOGIN = "https://login.salesforce.com"
SANDBOX_LOGIN = "https://test.salesforce.com"

_SALESFORCE_DOMAINS = (
    ".salesforce.com",
    ".force.com",
    ".salesforce.mil",
    ".cloudforce.com",
    ".database.com",
    ".sfcrmproducts.cn",
    ".salesforce-setup.com",
)


def org_address(url: str) -> str:
    """``scheme://host[:port]``, lower case. Raises `AuthenticationFailed` when no token may go there."""
    parts = _split(url)
    host = parts.hostname or ""
    if parts.scheme == "http" and not is_loopback(host):
        raise AuthenticationFailed(
            Problem(f"{url!r} is plain http", mend="write https://; plain http is for this machine only"),
            code="INSECURE_ADDRESS",
        )
    port = f":{parts.port}" if parts.port not in (None, 443 if parts.scheme == "https" else 80) else ""
    shown_host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown_host}{port}"


def org_address_from_sign_in(answered: str, asked: str) -> str:
    """The org's address as a sign-in answered it, when it may be trusted with the token."""
    address = org_address(answered)
    host = urlsplit(address).hostname or ""
    if host == urlsplit(asked).hostname or is_salesforce(host):
        return address
    raise AuthenticationFailed(
        Problem(
            f"the sign-in at {asked} names {host!r} as the org's address, which is not Salesforce's",
            mend="check the url and what stands between; no token was sent there",
        ),
        code="FOREIGN_ADDRESS",
    )


def is_salesforce(host: str) -> bool:
    return host.endswith(_SALESFORCE_DOMAINS)


def is_loopback(host: str) -> bool:
    """
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("127.0.0.1.example.com")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def login_audience(login: str) -> str:
    """Who a JWT is meant for: production's or the sandboxes' login host, or the address itself."""
    host = urlsplit(login).hostname or ""
    if not is_salesforce(host):
        return login
    sandbox = host == "test.salesforce.com" or ".sandbox.my." in host or ".scratch.my." in host
    return SANDBOX_LOGIN if sandbox else PRODUCTION_LOGIN


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip().lower())
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        valid = False
    if not valid:
        raise AuthenticationFailed(
            Problem(
                "the org's url is not an address such as https://acme.my.salesforce.com",
                mend="write https:// and the My Domain host, without user name and password",
            ),
            code="BAD_ADDRESS",
        )
    return parts
