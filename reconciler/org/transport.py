"""One HTTP exchange, sent at most once.

`requests` sends; what it would do behind our back is turned off: no retries, no redirects, no
cookies, no `.netrc` (whose password would replace the token). Proxies of the environment are kept.
All sessions of a process share one TLS context per set of certificates: making one costs more than
a call.

Two failures are told apart. `NotSent`: no connection came about, nothing left. `Lost`: the call
left, or may have, and its answer did not arrive whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from .adapter import NotConnected, certificates, make_adapter
from .addresses import is_loopback
from .obstacles import Obstacle, find_obstacle, wrong_address
from .redaction import excerpt

if TYPE_CHECKING:
    import requests
    from requests.adapters import BaseAdapter


class NotSent(Exception):
    """No connection: nothing was sent. The text is redacted."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(obstacle.what)
        self.obstacle = obstacle


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
        self.ca_file = ca_file
        self._connections = connections
        self.answered = False
        """Whether anything has answered yet, so that the way there is known to be good."""
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

        proxies = self._proxies_for(url)
        try:
            response = self.session.request(
                method,
                url,
                data=body,
                headers=dict(headers),
                timeout=timeout,
                allow_redirects=False,
                proxies=proxies,
            )
            answer = RawAnswer(response.status_code, response.headers, response.content)
        except (OSError, HTTPError) as error:  # every RequestException is an OSError
            causes = _causes(error)
            if _never_left(causes):
                raise NotSent(_obstacle(causes, url, proxies)) from error
            raise Lost(f"{type(error).__name__}: {excerpt(_innermost(causes), limit=200)}") from error
        self.answered = True
        return answer

    def close(self) -> None:
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def _make_session(self) -> "requests.Session":
        import http.cookiejar

        import requests

        class OnceSession(requests.Session):
            def get_redirect_target(self, resp: requests.Response) -> None:
                """None: an address that is not followed is not read either; requests fails over bad ones."""

        session = OnceSession()
        session.trust_env = False  # proxies and certificates are looked up by us, once; .netrc is not
        session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=()))
        adapter = self._adapter or make_adapter(certificates(self.ca_file), self._connections)
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


def _never_left(causes: list[BaseException]) -> bool:
    """Whether no connection came about. What fails after that, TLS included, may have been acted on."""
    import requests
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    told = (NotConnected, NewConnectionError, ConnectTimeoutError)  # the latter two of SOCKS proxies
    unsendable = (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
        requests.exceptions.InvalidHeader,
    )
    return isinstance(causes[0], unsendable) or any(isinstance(each, told) for each in causes)


def _obstacle(causes: list[BaseException], url: str, proxies: Mapping[str, str]) -> Obstacle:
    import requests

    proxy = requests.utils.select_proxy(url, proxies)
    if isinstance(causes[0], requests.exceptions.RequestException) and isinstance(causes[0], ValueError):
        return wrong_address(url, causes[0], proxy)
    return find_obstacle(causes, url, proxy)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what lies under it, wrapped in `args` or `reason`, or as its cause.

    Not its context: an error that is being handled further out says nothing about this one.
    """
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            waiting.extend([*each.args, getattr(each, "reason", None), each.__cause__])
    return found


def _innermost(causes: list[BaseException]) -> str:
    """What the innermost error says: the outer ones only repeat addresses."""
    return str(
        next((each for each in reversed(causes) if isinstance(each, OSError) and each.args), causes[0])
    )
