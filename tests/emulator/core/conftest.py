"""Orgs for tests of rows, rules and loaders."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg

SHARED = Path(__file__).resolve().parents[4] / "shared"


@pytest.fixture
def org() -> Iterator[EmulatedOrg]:
    made = EmulatedOrg(clock=Clock.fixed())
    yield made
    made.close()


@pytest.fixture
def seeds() -> Path:
    folder = SHARED / "orgs"
    if not folder.is_dir():
        pytest.skip("the example orgs are not beside the repository")
    return folder


Refused = Callable[..., ApiError]


@pytest.fixture
def refused(org: EmulatedOrg) -> Refused:
    """Run a write that must be refused, and see that it changed nothing."""

    def run(write: Callable[[], Any], code: str) -> ApiError:
        before = org.snapshot()
        with pytest.raises(ApiError) as caught:
            write()
        assert caught.value.code == code
        assert org.snapshot() == before
        return caught.value

    return run


@pytest.fixture
def new_user(org: EmulatedOrg) -> Callable[..., str]:
    def make(name: str = "ada", **fields: Any) -> str:
        (profile,) = org.rows("Profile", Name=fields.pop("profile", "Standard User"))
        required = {
            "Username": f"{name}@acme.example",
            "LastName": name.title(),
            "Email": f"{name}@acme.example",
            "Alias": name[:8],
            "ProfileId": profile["Id"],
            "TimeZoneSidKey": "America/Los_Angeles",
            "LocaleSidKey": "en_US",
            "LanguageLocaleKey": "en_US",
            "EmailEncodingKey": "UTF-8",
        }
        return org.has("User", **{**required, **fields})

    return make


def update(org: EmulatedOrg, sobject: str, record_id: str, **fields: Any) -> None:
    with org.transaction() as tx:
        tx.update(sobject, record_id, fields)


def delete(org: EmulatedOrg, sobject: str, record_id: str) -> None:
    with org.transaction() as tx:
        tx.delete(sobject, record_id)


@pytest.fixture
def change() -> Callable[..., None]:
    return update


@pytest.fixture
def remove() -> Callable[..., None]:
    return delete
