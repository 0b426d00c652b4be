"""`OrgClient` over Salesforce's REST API, and the two ways to get one.

Nothing is sent and no library is loaded until the first question. Reads run on a few threads,
writes in the caller's, one call at a time.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from reconciler.model.describe import ObjectInfo
from reconciler.model.errors import OrgError, Problem
from reconciler.model.outcome import Outcome
from reconciler.model.promises import Row, Update

from .describes import Describes
from .ids import is_record_id, long_id
from .queries import run_queries
from .rows import create_rows, delete_rows, update_rows
from .secrets import SecretText
from .sign_in import AccessTokenSignIn, SignIn
from .transport import Transport
from .wire import DEFAULT_API_VERSION, Patience, Timeouts, Wire

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

DEFAULT_CONCURRENCY = 4
EMULATED_URL = "https://emulated.my.salesforce.com"
"""The name an in-process org is called by; its adapter sends nothing anywhere."""

_ORGANIZATION = (
    "SELECT Id, Name, IsSandbox, OrganizationType, InstanceName, NamespacePrefix, TrialExpirationDate"
    " FROM Organization"
)


class SalesforceOrg:
    """An org over its API; fulfils `reconciler.model.promises.OrgClient`.

    Raises `AuthenticationFailed` from any call when signing in fails, and `OrgError` from reads.
    Writes answer outcomes. Usable as a context manager, which closes its connections.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        concurrency: int = DEFAULT_CONCURRENCY,
        cache_dir: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.name = wire.name
        self._wire = wire
        self._concurrency = max(1, concurrency)
        self._organization: Row | None = None
        self._describes = Describes(wire, self._on_threads, lambda: self.org_id, cache_dir, now)
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"SalesforceOrg({self.name!r})"

    def __enter__(self) -> "SalesforceOrg":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._wire.close()

    @cached_property
    def org_id(self) -> str:
        """18 characters. Signs in; asks the org only when neither token nor sign-in told."""
        return self._wire.access.org_id or str(self.organization()["Id"])

    @property
    def url(self) -> str:
        return self._wire.access.url

    @property
    def username(self) -> str | None:
        """Who we are signed in as, when the sign-in told."""
        return self._wire.access.username

    @property
    def api_version(self) -> str:
        return self._wire.version

    @property
    def calls_made(self) -> int:
        return self._wire.calls_made

    @property
    def calls_left(self) -> int | None:
        return self._wire.calls_left

    def organization(self) -> Row:
        """The org's own row: `Id`, `Name`, `IsSandbox`, `OrganizationType`… Asked once."""
        with self._lock:
            if self._organization is None:
                self._organization = self._read_organization()
            return self._organization

    @property
    def is_sandbox(self) -> bool:
        """Of a scratch org too. A Developer Edition is no sandbox, and no production either."""
        return bool(self.organization().get("IsSandbox"))

    def describe(self, names: Iterable[str]) -> Mapping[str, ObjectInfo]:
        return self._describes.describe(names)

    def refresh(self, names: Iterable[str]) -> Mapping[str, ObjectInfo]:
        return self._describes.refresh(names)

    def object_names(self) -> Sequence[str]:
        return self._describes.object_names()

    def query(self, queries: Sequence[str]) -> list[list[Row]]:
        return run_queries(self._wire, queries, self._on_threads)

    def create(self, sobject: str, records: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        return create_rows(self._wire, sobject, records)

    def update(self, sobject: str, records: Sequence[Update]) -> list[Outcome]:
        return update_rows(self._wire, sobject, records)

    def delete(self, sobject: str, record_ids: Sequence[str]) -> list[Outcome]:
        return delete_rows(self._wire, record_ids)

    def _read_organization(self) -> Row:
        (rows,) = self.query([_ORGANIZATION])
        if len(rows) != 1 or not is_record_id(rows[0].get("Id")):
            raise OrgError(
                Problem(f"org {self.name}: it does not answer with its Organization row"),
                code="DAMAGED_ANSWER",
            )
        return {**rows[0], "Id": long_id(rows[0]["Id"])}

    def _on_threads(self, act: Callable[[Any], Any], things: Sequence[Any]) -> list[Any]:
        if len(things) < 2 or self._concurrency == 1:
            return [act(thing) for thing in things]
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(min(self._concurrency, len(things)), thread_name_prefix="org")
        try:
            waiting = [pool.submit(act, thing) for thing in things]
            return [each.result() for each in waiting]
        finally:
            # After an error or Ctrl-C nobody waits for what the org may answer minutes later.
            pool.shutdown(wait=False, cancel_futures=True)


def connect(
    name: str,
    url: str | None,
    sign_in: SignIn,
    *,
    api_version: str = DEFAULT_API_VERSION,
    concurrency: int = DEFAULT_CONCURRENCY,
    cache_dir: Path | None = None,
    ca_file: str | None = None,
    adapter: "BaseAdapter | None" = None,
    patience: Patience | None = None,
    timeouts: Timeouts | None = None,
) -> SalesforceOrg:
    """A client of the org at ``url``. Sends nothing yet: a wrong address or secret shows at the first call.

    ``url`` may be missing where the sign-in knows the org (`sf_cli`, or production's login host).
    ``cache_dir`` holds describes; without it they are kept in memory only. ``ca_file`` names
    certificate authorities in PEM; by default `REQUESTS_CA_BUNDLE`, else certifi's.
    """
    transport = Transport(adapter=adapter, ca_file=ca_file, connections=max(1, concurrency))
    wire = Wire(name, url, sign_in, transport, version=api_version, patience=patience, timeouts=timeouts)
    return SalesforceOrg(wire, concurrency=concurrency, cache_dir=cache_dir)


def connect_emulated(
    adapter: "BaseAdapter",
    access_token: str,
    *,
    name: str = "demo",
    url: str = EMULATED_URL,
    api_version: str = DEFAULT_API_VERSION,
    concurrency: int = 1,
    cache_dir: Path | None = None,
    patience: Patience | None = None,
) -> SalesforceOrg:
    """A client of an org in this process, reached through a requests ``adapter``."""
    return connect(
        name,
        url,
        AccessTokenSignIn(SecretText(access_token)),
        api_version=api_version,
        concurrency=concurrency,
        cache_dir=cache_dir,
        adapter=adapter,
        patience=patience,
    )
