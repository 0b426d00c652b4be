"""jsforce, CumulusCI and simple-salesforce, unmodified, against `reconcile emulator serve`: one process each.

Each is installed by its own package manager into `.clients`, once; where that cannot be, its claim is skipped
with the reason. The jobs are those of `make clients`, with fewer rows.
"""

import pytest

from tests.clients.installing import NotInstallable
from tests.clients.results import table
from tests.clients.running import CLIENTS, Client, run_client

IN_CI = ("jsforce", "cumulusci", "simple-salesforce")
ROWS = "2100"
"""Just more than one page of a query, and than what CumulusCI sends without the bulk API."""


@pytest.mark.parametrize(
    "client", [each for each in CLIENTS if each.name in IN_CI], ids=lambda each: each.name
)
def test_a_strangers_client_does_all_its_jobs(client: Client) -> None:
    try:
        results = run_client(client, MANY=ROWS)
    except NotInstallable as error:
        pytest.skip(f"not installable here: {error}")
    failed = [each for each in results if not each.ok]
    assert not failed, "\n" + table(failed)
