"""A request and a reply as values, whoever carried them.

A request is what came over the wire plus what the service found out about it on the way (session,
version, the transaction it shares). A reply holds a JSON value or finished bytes; it becomes bytes
in `envelope`, so that the composite resources can take replies apart before.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.api_version import NEWEST
from reconciler.emulator.http.jsonform import parse_json
from reconciler.emulator.http.spool import Spool

if TYPE_CHECKING:
    from reconciler.emulator.http.sessions import Session
    from reconciler.emulator.writes import Transaction


class Headers(dict[str, str]):
    """Header fields by lower-case name; a repeated field keeps all its values, comma between."""

    def __init__(self, fields: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        super().__init__()
        for name, value in fields.items() if isinstance(fields, Mapping) else fields:
            lowered = name.lower()
            self[lowered] = f"{self[lowered]}, {value}" if lowered in self else value

    def find(self, name: str, default: str = "") -> str:
        return self.get(name.lower(), default)


_UNPARSED = object()


@dataclass(kw_only=True)
class Request:
    """One call. ``path`` and ``query`` are as sent, percent-encoded; ``body`` is as sent too."""

    method: str
    path: str
    query: str = ""
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    spool: Spool | None = None
    """The body, in the place of ``body``, while it is too large for memory and nobody wanted it there."""
    scheme: str = "http"

    version: str = f"{NEWEST}.0"
    session: "Session | None" = None
    transaction: "Transaction | None" = None
    """The transaction this call shares, when a composite resource opened one around it."""
    locked: Callable[[str, Mapping[str, Any]], bool] | None = None
    """A fault: whether somebody else holds the row with this id and these new values."""
    refused: Callable[[str, Mapping[str, Any]], ApiError | None] | None = None
    """A fault: the refusal that a row of a bulk job with this id and these new values shall meet."""
    stalled: Callable[[], bool] | None = None
    """A fault: whether the bulk job of this call shall stand still, asked whenever it could go on."""
    value: Any = _UNPARSED
    """The body as JSON value, when the caller has it already (composite subrequests)."""

    @cached_property
    def params(self) -> dict[str, str]:
        """Query parameters; of a repeated one the last."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @cached_property
    def json(self) -> Any:
        """The body as JSON value. Raises JSON_PARSER_ERROR."""
        return parse_json(self.body) if self.value is _UNPARSED else self.value

    @property
    def has_body(self) -> bool:
        return bool(self.body) or self.spool is not None or self.value is not _UNPARSED

    @property
    def body_bytes(self) -> int:
        """How long the body is; it may be too long to be there."""
        return len(self.body) if self.spool is None else self.spool.size

    def body_pieces(self) -> Iterator[bytes]:
        """The body, not all of it in memory at once."""
        return iter([self.body]) if self.spool is None else self.spool.pieces()

    def hold_body(self) -> None:
        """Have the whole body in memory."""
        if self.spool is not None:
            self.body, self.spool = self.spool.read(), None

    @property
    def user_id(self) -> str:
        if self.session is None:
            raise AssertionError("this endpoint needs a session")
        return self.session.user_id

    @property
    def version_number(self) -> int:
        return int(self.version.partition(".")[0])

    @property
    def data_path(self) -> str:
        """`/services/data/v59.0`, in the version that was asked for."""
        return f"/services/data/v{self.version}"

    @property
    def base_url(self) -> str:
        """Scheme, host and port as the client knows them."""
        scheme = self.headers.find("x-forwarded-proto", self.scheme).partition(",")[0].strip()
        return f"{scheme}://{self.headers.find('host', 'localhost')}"

    def sub(self, method: str, url: str, value: Any = None, headers: Headers | None = None) -> "Request":
        """A subrequest of a composite resource: same client, same session, own address and body."""
        path, _, query = url.partition("?")
        inherited = {k: v for k, v in self.headers.items() if k in ("host", "x-forwarded-proto")}
        return Request(
            method=method,
            path=path,
            query=query,
            headers=Headers({**inherited, **(headers or {})}),
            scheme=self.scheme,
            version=self.version,
            session=self.session,
            transaction=self.transaction,
            locked=self.locked,
            value=_UNPARSED if value is None else value,
        )


@dataclass(kw_only=True)
class Reply:
    """An answer: a JSON ``value``, ``raw`` bytes or ``pieces`` with their content type, or nothing (204)."""

    status: int = 200
    value: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    pieces: Iterator[bytes] | None = None
    """Bytes that are made while they are sent, in the place of ``raw``."""
    content_type: str = "application/json;charset=UTF-8"
    empty: bool = False

    @property
    def failed(self) -> bool:
        return self.status >= 400

    def with_headers(self, **headers: str) -> "Reply":
        return replace(self, headers={**self.headers, **headers})


def ok(value: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status=status, value=value, headers=headers)


def no_content(status: int = 204) -> Reply:
    return Reply(status=status, empty=True)


def text_reply(status: int, text: str, content_type: str) -> Reply:
    return Reply(status=status, raw=text.encode(), content_type=content_type)
