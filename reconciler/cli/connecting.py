"""From an entry of orgs.yaml to a client: sign-ins, secrets by reference, the embedded emulated org."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.org import SalesforceOrg, SecretReference, SignIn
    from reconciler.spec.orgs import OrgConfig


def open_org(folder: Path, org: "OrgConfig", *, parallelism: int | None = None) -> "SalesforceOrg":
    """A client of ``org``, which keeps in the project's ``folder`` what it may. Nothing is sent yet;
    an emulated org is opened or made."""
    from reconciler.org import connect

    cache = folder / "cache"
    concurrency = parallelism or org.concurrency
    if org.emulated:
        return _open_emulated(folder, org, cache)
    more: dict[str, Any] = {} if org.api_version is None else {"api_version": org.api_version}
    if org.ca_file is not None:
        more["ca_file"] = str(org.ca_file)
    return connect(org.name, org.url, sign_in(org), concurrency=concurrency, cache_dir=cache, **more)


def _open_emulated(folder: Path, org: "OrgConfig", cache: Path) -> "SalesforceOrg":
    from reconciler.cli.demo_org import open_emulated_org
    from reconciler.emulator.http import sessions
    from reconciler.emulator.http.adapter import EmulatorAdapter
    from reconciler.org import connect_emulated

    emulated = open_emulated_org(folder, org)
    token = sessions.open_session(emulated, emulated.admin_id)
    return connect_emulated(EmulatorAdapter(emulated), token, name=org.name, cache_dir=cache)


def sign_in(org: "OrgConfig") -> "SignIn":
    from reconciler import org as way

    said = org.sign_in
    assert said is not None
    if said.access_token is not None:
        return way.AccessTokenSignIn(way.read_secret(reference(said.access_token)))
    if said.jwt is not None:
        key = way.read_secret(reference(said.jwt.key))
        return way.JwtSignIn(
            client_id=said.jwt.client_id, username=said.jwt.username, key_pem=key, audience=said.jwt.audience
        )
    if said.client_credentials is not None:
        secret = way.read_secret(reference(said.client_credentials.client_secret))
        return way.ClientCredentialsSignIn(client_id=said.client_credentials.client_id, client_secret=secret)
    if said.password is not None:
        return _password(said.password)
    assert said.sf_cli is not None
    return way.SfCliSignIn(said.sf_cli)


def _password(said: Any) -> "SignIn":
    from reconciler import org as way

    def optional(value: Any) -> Any:
        return None if value is None else way.read_secret(reference(value))

    return way.PasswordSignIn(
        username=said.username,
        password=way.read_secret(reference(said.password)),
        security_token=optional(said.security_token),
        client_id=said.client_id,
        client_secret=optional(said.client_secret),
    )


def reference(said: Any) -> "SecretReference":
    """A reference of orgs.yaml as the `org` layer takes it."""
    from reconciler.org import EnvSecret, FileSecret, KeyringSecret

    if said.env is not None:
        return EnvSecret(said.env)
    if said.keyring is not None:
        return KeyringSecret(said.keyring.service, said.keyring.username)
    return FileSecret(Path(said.file))


def reveal(said: Any) -> str:
    from reconciler.org import read_secret

    return read_secret(reference(said)).reveal()
