"""Connections: one TLS context for all, verified always, and a failure to connect told as such.

Whether a call left decides if it may go again, and urllib3's errors do not tell: it reports an answer
that a proxy's tunnel lost as an error of the proxy, as if nothing had been sent. So the connection
itself says it: whatever fails inside `connect`, TLS and the proxy's tunnel included, is `NotConnected`.
"""

import os
import ssl
from functools import cache
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from reconciler.model.errors import AuthenticationFailed, Problem

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter
    from urllib3.connectionpool import HTTPConnectionPool

CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class NotConnected(OSError):
    """Raised by a connection in place of what kept it from coming about, which is its cause."""


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


@cache
def _pools() -> "dict[str, type[HTTPConnectionPool]]":
    """urllib3's pools, of connections that tell when they did not come about."""
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import HTTPError

    failures = (OSError, HTTPError, HTTPException, ValueError)

    class Plain(HTTPConnection):
        def connect(self) -> None:
            try:
                super().connect()
            except failures as error:
                raise NotConnected(str(error)) from error

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            try:
                super().connect()
            except failures as error:
                raise NotConnected(str(error)) from error

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def make_adapter(authorities: str, connections: int) -> "HTTPAdapter":
    from requests.adapters import HTTPAdapter

    class OnceAdapter(HTTPAdapter):
        """Sends once, over the process's TLS context, and always verifies."""

        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs, ssl_context=tls_context(authorities))
            self.poolmanager.pool_classes_by_scheme = _pools()

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            context = tls_context(authorities)
            if proxy.lower().startswith("socks"):  # has connections of its own
                return super().proxy_manager_for(proxy, **kwargs, ssl_context=context)
            manager = super().proxy_manager_for(
                proxy, **kwargs, ssl_context=context, proxy_ssl_context=context
            )
            manager.pool_classes_by_scheme = _pools()
            return manager

        def build_connection_pool_key_attributes(
            self, request: Any, verify: Any, cert: Any = None
        ) -> tuple[Any, Any]:
            host, _ = super().build_connection_pool_key_attributes(request, True)
            return host, {"ssl_context": tls_context(authorities)}

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            """The context verifies; loading certificates anew for each connection is what it saves."""

    return OnceAdapter(max_retries=0, pool_connections=4, pool_maxsize=connections)
