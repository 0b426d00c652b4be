"""One HTTP exchange, sent at most once.

`requests` sends; what it would do behind our back is turned off: no retries, no redirects, no
cookies, no `.netrc` (whose password would replace the token). Proxies of the environment are kept.
All sessions of a process share one TLS context per set of certificates: making one costs more than
a call.

Two failures are told apart. `NotSent`: no connection came about, nothing left. `Lost`: the call
left, or may have, and its answer did not arrive whole.
"""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from reconciler.model.errors import AuthenticationFailed, Problem

from .addresses import is_loopback
from .redaction import excerpt

if TYPE_CHECKING:
    import requests
    from requests.adapters import BaseAdapter, HTTPAdapter

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class NotSent(Exception):
    """No connection: nothing was sent. The text is redacted."""


class Lost(Exception):
    """Sent, and no whole answer. The text is redacted."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    status: int
    headers: Mapping[str, str]
    content: bytes


class Transport:
    """A `requests.Session` that sends once. Threads may share it; made on first use."""

    def __init__(
        self,
        *,
        adapter: "BaseAdapter | None" = None,
        ca_file: str | None = None,
        connections: int = 4,
    ) -> None:
        self._adapter = adapter
        self._ca_file = ca_file
        self._connections = connections
        self._session: requests.Session | None = None
        self._proxies: dict[str, dict[str, str]] = {}
        self._lock = Lock()

    @property
    def session(self) -> "requests.Session":
        with self._lock:
            if self._session is None:
                self._session = self._make_session()
            return self._session

    def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str],
        timeout: tuple[float, float],
    ) -> RawAnswer:
        """Send once. ``timeout``: seconds to connect, and between two pieces of the answer."""
        from urllib3.exceptions import HTTPError

        try:
            response = self.session.request(
                method,
                url,
                data=body,
                headers=dict(headers),
                timeout=timeout,
                allow_redirects=False,
                proxies=self._proxies_for(url),
            )
            return RawAnswer(response.status_code, response.headers, response.content)
        except (OSError, HTTPError) as error:  # every RequestException is an OSError
            text = f"{type(error).__name__}: {excerpt(str(_root(error)), limit=200)}"
            if _never_left(error):
                raise NotSent(text) from error
            raise Lost(text) from error

    def close(self) -> None:
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def _make_session(self) -> "requests.Session":
        import http.cookiejar

        import requests

        session = requests.Session()
        session.trust_env = False  # proxies and certificates are looked up by us, once; .netrc is not
        session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=()))
        adapter = self._adapter or make_adapter(certificates(self._ca_file), self._connections)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session

    def _proxies_for(self, url: str) -> dict[str, str]:
        if self._adapter is not None:
            return {}
        from urllib.parse import urlsplit

        host = urlsplit(url).hostname or ""
        if host not in self._proxies:
            from requests.utils import get_environ_proxies

            self._proxies[host] = {} if is_loopback(host) else dict(get_environ_proxies(url))
        return self._proxies[host]


def certificates(ca_file: str | None) -> str:
    """The file or folder of certificate authorities: the org's own, the environment's, or certifi's."""
    if ca_file:
        return ca_file
    for name in CA_VARIABLES:
        if path := os.environ.get(name):
            return path
    import certifi

    return certifi.where()


@cache
def tls_context(authorities: str) -> ssl.SSLContext:
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context()
    folder = os.path.isdir(authorities)  # noqa: PTH112  # ssl takes paths as text
    try:
        context.load_verify_locations(
            cafile=None if folder else authorities, capath=authorities if folder else None
        )
    except (OSError, ssl.SSLError) as error:
        raise AuthenticationFailed(
            Problem(
                f"certificates in {authorities} cannot be read",
                mend="name a PEM file in REQUESTS_CA_BUNDLE or ca_file",
            ),
            code="BAD_CERTIFICATES",
        ) from error
    return context


def make_adapter(authorities: str, connections: int) -> "HTTPAdapter":
    from requests.adapters import HTTPAdapter

    class OnceAdapter(HTTPAdapter):
        """Sends once, over the process's TLS context, and always verifies."""

        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, ssl_context=tls_context(authorities))

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            return super().proxy_manager_for(proxy, **kwargs, ssl_context=tls_context(authorities))

        def build_connection_pool_key_attributes(
            self, request: Any, verify: Any, cert: Any = None
        ) -> tuple[Any, Any]:
            host, _ = super().build_connection_pool_key_attributes(request, True)
            return host, {"ssl_context": tls_context(authorities)}

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            """The context verifies; loading certificates anew for each connection is what it saves."""

    return OnceAdapter(max_retries=0, pool_connections=4, pool_maxsize=connections)


def _never_left(error: Exception) -> bool:
    """Whether no connection came about. A broken TLS session after the handshake does not count."""
    import requests
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError

    if isinstance(
        error,
        requests.ConnectTimeout
        | requests.exceptions.ProxyError
        | requests.exceptions.InvalidURL
        | requests.exceptions.MissingSchema
        | requests.exceptions.InvalidSchema,
    ):
        return True
    chain = _chain(error)
    return any(
        isinstance(each, NewConnectionError | ConnectTimeoutError | ProxyError | ssl.SSLCertVerificationError)
        for each in chain
    )


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what lies under it: wrapped in `args`, `reason`, or as its cause."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            waiting.extend([*each.args, getattr(each, "reason", None), each.__cause__, each.__context__])
    return found


def _root(error: BaseException) -> BaseException:
    """The innermost error that says something: the outer ones only repeat addresses."""
    return next((each for each in reversed(_chain(error)) if isinstance(each, OSError) and each.args), error)
