"""An unmodified client, over HTTP: simple-salesforce's handlers of both bulk APIs."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from simple_salesforce.bulk import SFBulkHandler
from simple_salesforce.bulk2 import SFBulk2Handler
from simple_salesforce.exceptions import SalesforceMalformedRequest

from reconciler.emulator.http import sessions
from reconciler.emulator.http.server import Server
from reconciler.emulator.org import EmulatedOrg

QUICK = 0.001
"""Seconds between polls."""


@pytest.fixture
def address(org: EmulatedOrg) -> Iterator[str]:
    with Server(org) as server:
        yield f"{server.url}/services"


@pytest.fixture
def token(org: EmulatedOrg) -> str:
    return sessions.open_session(org, org.admin_id)


def test_simple_salesforce_loads_reads_and_deletes_by_2_0(
    org: EmulatedOrg, address: str, token: str, tmp_path: Path
) -> None:
    handler: Any = SFBulk2Handler(token, f"{address}/data/v60.0/jobs/").Account
    records = [{"Name": f"A{n}", "Phone": str(n)} for n in range(20)]
    (done,) = handler.insert(records=[*records, {"Name": "", "Phone": "x"}], wait=QUICK)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (21, 1)
    told = handler.get_all_ingest_records(done["job_id"])
    assert [row["sf__Error"] for row in told["failedRecords"]] == [
        "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    ]
    ids = [row["sf__Id"] for row in told["successfulRecords"]]
    pages = list(handler.query("SELECT Id, Name FROM Account", max_records=15, wait=QUICK))
    assert [row["Id"] for page in pages for row in csv.DictReader(page.splitlines())] == ids
    (updated,) = handler.upsert(records=[{"Id": ids[0], "Phone": "9"}], external_id_field="Id", wait=QUICK)
    assert updated["numberRecordsFailed"] == 0
    assert org.rows("Account", Id=ids[0])[0]["Phone"] == "9"
    doomed = tmp_path / "ids.csv"
    doomed.write_text("\n".join(["Id", *ids]) + "\n")
    handler.delete(csv_file=str(doomed), wait=QUICK)
    assert org.rows("Account") == []


def test_simple_salesforce_loads_and_reads_by_1_0(org: EmulatedOrg, address: str, token: str) -> None:
    handler: Any = SFBulkHandler(token, f"{address}/async/60.0/").Contact
    told = handler.insert([{"LastName": "L0"}, {"FirstName": "x"}, {"LastName": "L1"}], batch_size=2)
    assert [each["success"] for each in told] == [True, False, True]
    found = handler.query("SELECT Id, LastName FROM Contact")
    assert [row["LastName"] for row in found] == ["L0", "L1"]
    (changed,) = handler.update([{"Id": found[0]["Id"], "LastName": "new"}])
    assert changed == {"success": True, "created": False, "id": found[0]["Id"], "errors": []}
    assert len(org.rows("Contact", LastName="new")) == 1


def test_simple_salesforce_is_told_why_a_job_is_refused(address: str, token: str) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="Unable to find object: Nope"):
        SFBulk2Handler(token, f"{address}/data/v60.0/jobs/").Nope.insert(records=[{"Name": "A"}])
    with pytest.raises(SalesforceMalformedRequest, match="InvalidJob"):
        SFBulkHandler(token, f"{address}/async/60.0/").Nope.insert([{"Name": "A"}])
