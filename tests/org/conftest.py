"""A client of a scripted server, and time that does not pass."""

from collections.abc import Iterator

import pytest

from reconciler.org import AccessTokenSignIn, SalesforceOrg, SecretText, Timeouts, connect

from .scripted import TOKEN, ScriptedServer, Waits


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.stop()


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def org(server: ScriptedServer, waits: Waits) -> Iterator[SalesforceOrg]:
    """A client of the scripted server, signed in by an access token."""
    with connect(
        "uat",
        server.url,
        AccessTokenSignIn(SecretText(TOKEN)),
        api_version="60.0",
        patience=waits.patience(),
        timeouts=Timeouts(connect=5, read=5, write=5),
    ) as org:
        yield org
