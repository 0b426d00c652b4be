"""orgs.yaml: which orgs there are, how to sign in to each, and what is known about it.

Secrets stand here by reference only: an environment variable, an entry of the keyring, a file. A
literal one is refused without being quoted. Plain http is for loopback addresses, so that a token
never crosses a network in clear. The org `demo` is an emulated one and exists without being written.

`ca_file` names the authorities that an org's certificate is verified with, for a company's own or a proxy
that opens TLS. It is read here, so that a wrong path shows with its line and not as a failed sign-in.

Variables of an org that are written as a reference (`{env: NAME}`) are secrets; others are values.
"""

import ipaddress
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, ClassVar, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from reconciler.model.errors import Problem, SpecError
from reconciler.model.source import SourceRef

from .files import open_regular, read_all
from .nodes import MapNode, Node
from .typed import as_map, check_words, one_of, suggestion
from .validation import validate
from .yaml_reader import read_yaml

S = TypeVar("S", bound=BaseModel)

DEMO = "demo"
MAX_CONCURRENCY = 25
WAYS = ("access_token", "jwt", "client_credentials", "password", "sf_cli")
REFERENCES = ("env", "keyring", "file")

_ORG_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Keyring(_Settings):
    service: Annotated[str, Field(min_length=1)]
    username: Annotated[str, Field(min_length=1)]


class SecretRef(_Settings):
    """Where a secret is kept; exactly one of the three. A relative ``file`` is beside orgs.yaml."""

    REFERENCE_ONLY: ClassVar[str] = (
        "name where it is kept: {env: NAME}, {keyring: {service: …, username: …}} or {file: PATH}"
    )

    env: str | None = None
    keyring: Keyring | None = None
    file: str | None = None

    @field_validator("env")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        if name is not None and not _ENVIRONMENT_NAME.fullmatch(name):
            raise ValueError("must be the name of an environment variable\nuse letters, digits and '_'")
        return name


class Jwt(_Settings):
    client_id: str
    username: str
    key: SecretRef
    audience: str | None = None


class ClientCredentials(_Settings):
    client_id: str
    client_secret: SecretRef


class Password(_Settings):
    username: str
    password: SecretRef
    security_token: SecretRef | None = None
    client_id: str | None = None
    client_secret: SecretRef | None = None


class SignInWay(_Settings):
    """Exactly one of these is set."""

    access_token: SecretRef | None = None
    jwt: Jwt | None = None
    client_credentials: ClientCredentials | None = None
    password: Password | None = None
    sf_cli: str | None = None
    """An alias or username of the Salesforce CLI."""


class Limits(_Settings):
    """What one run may do to the org at most."""

    api_calls: Annotated[int, Field(ge=1)] | None = None
    changes: Annotated[int, Field(ge=0)] | None = None
    deletes: Annotated[int, Field(ge=0)] | None = None


class OrgEntry(_Settings):
    """One entry of `orgs:` as it is written."""

    emulated: bool = False
    seed: list[str] = []
    url: str | None = None
    sign_in: SignInWay | None = None
    ca_file: Annotated[str, Field(min_length=1)] | None = None
    """Certificate authorities in PEM, beside orgs.yaml; instead of REQUESTS_CA_BUNDLE and the usual ones."""
    tags: list[Annotated[str, Field(min_length=1)]] = []
    variables: dict[str, object] = {}
    protect: bool = False
    concurrency: Annotated[int, Field(ge=1, le=MAX_CONCURRENCY)] = 5
    wave: int | str | None = None
    api_version: float | str | None = None
    limits: Limits = Limits()

    @field_validator("url")
    @classmethod
    def _is_an_org_url(cls, url: str | None) -> str | None:
        return None if url is None else check_url(url)

    @field_validator("api_version")
    @classmethod
    def _is_a_version(cls, version: float | str | None) -> str | None:
        if version is None:
            return None
        text = f"{version:.1f}" if isinstance(version, float | int) else version
        if not re.fullmatch(r"[0-9]{2,3}\.0", text):
            raise ValueError("must be a version of Salesforce's API\nwrite it as 62.0")
        return text


class OrgsFile(_Settings):
    """orgs.yaml as it is written."""

    orgs: dict[str, OrgEntry]


class OrgConfig(BaseModel):
    """An org that commands can name. Paths are absolute; ``variables`` hold nodes with positions."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    name: str
    emulated: bool = False
    seed: tuple[Path, ...] = ()
    url: str | None = None
    sign_in: SignInWay | None = None
    ca_file: Path | None = None
    tags: tuple[str, ...] = ()
    variables: MapNode = Field(default_factory=lambda: MapNode.made({}, SourceRef("", 1, 1)))
    secret_variables: dict[str, SecretRef] = {}
    """Secret variables by name, to be read when a state is loaded for this org."""
    protect: bool = False
    concurrency: int = 5
    wave: int | str | None = None
    api_version: str | None = None
    limits: Limits = Limits()
    source: SourceRef | None = None


def load_orgs(path: Path) -> Mapping[str, OrgConfig]:
    """The orgs of ``path`` by name, in file order; only `demo` if there is no such file.

    Reads no secret. Raises `SpecError` with every problem of the file.
    """
    orgs: dict[str, OrgConfig] = {}
    problems: list[Problem] = []
    if path.exists():
        stream = open_regular(path, str(path), SourceRef(str(path), 1, 1), problems)
        data = read_all(stream, str(path), problems) if stream is not None else None
        node = read_yaml(data, str(path), problems, []) if data is not None else None
        for name, entry, where in _entries(node, str(path), problems):
            config = _org(name, entry, where, path.parent.resolve(), problems)
            if config is not None:
                orgs[name] = config
    if problems:
        raise SpecError.of(problems)
    orgs.setdefault(DEMO, OrgConfig(name=DEMO, emulated=True, tags=("emulated",)))
    return orgs


def find_org(orgs: Mapping[str, OrgConfig], name: str) -> OrgConfig:
    """The org called ``name``. Raises `SpecError` with the nearest name."""
    if name in orgs:
        return orgs[name]
    raise SpecError(Problem(f"no org is called '{name}'", None, suggestion(name, orgs)))


def check_url(url: str) -> str:
    """``url`` without a trailing slash. Raises ValueError where a token must not be sent to it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"is not a URL: {error}\nwrite it as https://acme.my.salesforce.com") from error
    if parts.scheme not in ("https", "http") or not host or not _can_be_a_host(host):
        raise ValueError("must be a URL\nwrite it as https://acme.my.salesforce.com")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user or password\nremove them and fill in 'sign_in'")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must end after the host name\nremove what follows it")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("must begin with https\nhttp is for loopback addresses only")
    return url.rstrip("/")


def _can_be_a_host(name: str) -> bool:
    """Whether each part of ``name`` has 1 to 63 characters. Source: RFC 1035 section 2.3.4."""
    return all(0 < len(part) < 64 for part in name.removesuffix(".").split("."))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _entries(node: Node, file: str, problems: list[Problem]) -> list[tuple[str, Node, SourceRef]]:
    top = as_map(node, SourceRef(file, 1, 1), "orgs.yaml", problems) if node is not None else None
    if top is None:
        return []
    if not check_words(top, ("orgs",), "orgs.yaml", problems):
        return []
    if "orgs" not in top:
        problems.append(
            Problem("'orgs' is missing in orgs.yaml", SourceRef(file, 1, 1), "begin with 'orgs:'")
        )
        return []
    orgs = as_map(top["orgs"], top.value_source("orgs"), "'orgs'", problems)
    found = []
    for name, entry, place, _ in orgs.entries() if orgs is not None else ():
        where = top.places.ref(place)
        if _ORG_NAME.fullmatch(name):
            found.append((str(name), entry, where))
        else:
            problems.append(
                Problem(f"'{name}' cannot name an org", where, "use letters, digits, '-', '_', '.'")
            )
    return found


def _org(name: str, node: Node, where: SourceRef, folder: Path, problems: list[Problem]) -> OrgConfig | None:
    what = f"org {name}"
    before = len(problems)
    entry = validate(node, OrgEntry, problems, what=what, where=where)
    if not isinstance(node, MapNode):
        return None
    _check_ways(node, what, problems)
    _check_references(node.get("sign_in"), problems)
    variables, secrets = _variables(node, folder, problems)
    if entry is None or len(problems) > before:
        return None
    _check_kind(entry, node, what, problems)
    ca_file = folder / Path(entry.ca_file).expanduser() if entry.ca_file is not None else None
    if ca_file is not None and (flaw := _flaw_of_authorities(ca_file)) is not None:
        problems.append(Problem(f"'ca_file' of {what}: {flaw[0]}", node.value_source("ca_file"), flaw[1]))
    if len(problems) > before:
        return None
    assert not isinstance(entry.api_version, float)
    return OrgConfig(
        name=name,
        emulated=entry.emulated,
        seed=tuple(folder / each for each in entry.seed),
        url=entry.url,
        sign_in=_beside(entry.sign_in, folder),
        ca_file=ca_file,
        tags=tuple(entry.tags),
        variables=variables,
        secret_variables=secrets,
        protect=entry.protect,
        concurrency=entry.concurrency,
        wave=entry.wave,
        api_version=entry.api_version,
        limits=entry.limits,
        source=where,
    )


def _check_kind(entry: OrgEntry, node: MapNode, what: str, problems: list[Problem]) -> None:
    """What an emulated org and a real one each need, and must not have."""
    if entry.emulated:
        for key in ("url", "sign_in", "ca_file", "api_version"):
            if key in node:
                problems.append(
                    Problem(f"{what} is emulated and has '{key}'", node.key_source(key), f"remove '{key}'")
                )
        return
    if "seed" in node:
        problems.append(
            Problem(f"{what} is not emulated and has 'seed'", node.key_source("seed"), "remove 'seed'")
        )
    if entry.sign_in is None:
        problems.append(
            Problem(
                f"'sign_in' is missing in {what}",
                node.source,
                f"add sign_in with {one_of(WAYS)}, or emulated: true",
            )
        )
    elif entry.url is None and entry.sign_in.sf_cli is None:
        problems.append(Problem(f"'url' is missing in {what}", node.source, "add url: https://…"))


def _flaw_of_authorities(path: Path) -> tuple[str, str] | None:
    """What is wrong with a file of certificate authorities, and how to mend it; None for a good one."""
    try:
        if not path.is_file():
            return f"{path} is no file", "name a file that holds certificates in PEM"
        if _holds_certificates(path, path.stat().st_mtime_ns):
            return None
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})", "check the path and its permissions"
    return f"{path} holds no certificate in PEM", (
        "name the authority's certificate; 'openssl x509 -inform der -in FILE -out FILE.pem' makes PEM of DER"
    )


@cache
def _holds_certificates(path: Path, written_at_ns: int) -> bool:
    """Asked once a file and not once an org: many orgs share one, and bundles take long to read."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        return False
    return context.cert_store_stats()["x509"] > 0


def _check_ways(node: MapNode, what: str, problems: list[Problem]) -> None:
    ways = node.get("sign_in")
    if not isinstance(ways, MapNode):
        return
    given = [way for way in WAYS if way in ways]
    if len(given) != 1 and len(given) == len(ways):
        found = f"{len(given)} ways" if given else "no way"
        problems.append(
            Problem(f"{what} has {found} to sign in", node.key_source("sign_in"), f"keep {one_of(WAYS)}")
        )


def _check_references(node: Node, problems: list[Problem]) -> None:
    """Each secret under ``node`` names exactly one place; its shape is `validate`'s business."""
    if not isinstance(node, MapNode):
        return
    for key, value in node.items():
        if key in ("access_token", "key", "client_secret", "security_token") or (
            key == "password" and "username" in node
        ):
            if isinstance(value, MapNode) and set(value) <= set(REFERENCES) and len(value) != 1:
                problems.append(
                    Problem(f"'{key}' must name one place", node.key_source(key), SecretRef.REFERENCE_ONLY)
                )
        else:
            _check_references(value, problems)


def _variables(node: MapNode, folder: Path, problems: list[Problem]) -> tuple[MapNode, dict[str, SecretRef]]:
    """The org's variables as nodes, and those that are references to secrets."""
    variables = node.get("variables")
    secrets: dict[str, SecretRef] = {}
    if not isinstance(variables, MapNode):
        return MapNode.made({}, node.source), secrets
    values: dict[str, Node] = {}
    key_places, value_places = [], []
    for name, value, key_place, value_place in variables.entries():
        if isinstance(value, MapNode) and len(value) == 1 and set(value) <= set(REFERENCES):
            where = variables.places.ref(value_place)
            secret = validate(value, SecretRef, problems, what=f"variable '{name}'", where=where)
            if secret is not None:
                secrets[str(name)] = _beside_secret(secret, folder)
            continue
        values[name] = value
        key_places.append(key_place)
        value_places.append(value_place)
    return MapNode.build(values, variables.places, variables.place, key_places, value_places), secrets


def _beside(settings: SignInWay | None, folder: Path) -> SignInWay | None:
    """``settings`` with relative key files made absolute."""
    return None if settings is None else _map_secrets(settings, folder)


def _map_secrets(settings: S, folder: Path) -> S:
    changed: dict[str, object] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretRef):
            changed[name] = _beside_secret(value, folder)
        elif isinstance(value, BaseModel):
            changed[name] = _map_secrets(value, folder)
    return settings.model_copy(update=changed)


def _beside_secret(secret: SecretRef, folder: Path) -> SecretRef:
    if secret.file is None:
        return secret
    return secret.model_copy(update={"file": str(folder / Path(secret.file).expanduser())})
