"""Recorded exchanges of both bulk APIs, replayed: the emulated org answers in the same form.

A recording takes for granted a job in some state, or a batch; that is made first, its ids are put in
the place of the recorded ones, and the recorded call is sent. Compared are status, content type, the
keys or elements in order, and the JSON types of values. What recorders elided (the version, the
namespace's host) is put back first.
"""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.emulator.bulk.settings import configure
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field

if TYPE_CHECKING:
    from tests.emulator.bulk.conftest import Answer, Bulk

RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "recordings"
NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
UNLIKE = {
    "bulk1/get-job-id-batch-id-result-200-pysfapi.json": "put together by hand: a refused row with an id",
    "bulk1/post-job-200-cumulusci.json": "the status was not recorded; a job that is made answers 201",
}
"""Recordings whose answer no org gives as it stands."""
EVENTS = (
    "SELECT Id, TYPEOF Who WHEN Contact THEN LastName, Email ELSE Id END, TYPEOF What WHEN Account THEN Name "
    "ELSE Id END, Subject, DurationInMinutes, ActivityDateTime FROM Event"
)


def recorded() -> list[str]:
    found = [path for group in ("bulk1", "bulk2") for path in (RECORDINGS / group).glob("*.json")]
    return sorted(str(path.relative_to(RECORDINGS)) for path in found)


def made_for(name: str, bulk: "Bulk", org: EmulatedOrg) -> dict[str, str]:
    """Make what a recording takes for granted; its ids by the prefix of the recorded ones."""
    kind = name.rpartition("/")[2]
    if name.startswith("bulk2"):
        return _second(kind, bulk)
    if kind.startswith("post-job-2"):
        return {}
    if "snowfakery" in kind:
        job = bulk.classic("User", "query")
        return {"750": job, "751": bulk.batch(job, "SELECT Id FROM User")}
    if kind in ("get-job-id-batch-200-cumulusci-2.json",):
        configure(org, queue_ms=1000)
    if "batch-id" in kind and kind != "get-job-id-batch-id-result-200-cumulusci-2.json":
        org.has("Event", Subject="S", DurationInMinutes=60, ActivityDateTime="2024-11-07T07:00:00Z")
        job = bulk.classic("Event", "query", "JSON")
        batch = bulk.call("POST", f"{bulk.classic_jobs}/{job}/batch", EVENTS).json["id"]
        listed = bulk.call("GET", f"{bulk.classic_jobs}/{job}/batch/{batch}/result", kind="")
        return {"750": job, "751": batch, "752": listed.json[0]}
    if kind == "post-job-id-batch-201-cumulusci.json":
        return {"750": bulk.classic("Event", "query", "JSON")}
    known = org.has("Contact", LastName="Known")
    job = bulk.classic("Contact", "upsert", externalIdFieldName="Id")
    batch = bulk.batch(job, f"Id,LastName\n{known},Changed\n,New\n")
    if kind == "get-job-id-200-cumulusci.json":
        bulk.call("POST", f"{bulk.classic_jobs}/{job}", bulk.told(state="Closed"), "application/xml")
    return {"750": job, "751": batch}


def _second(kind: str, bulk: "Bulk") -> dict[str, str]:
    upsert = {"operation": "upsert", "externalIdFieldName": "external_id__c"}
    good = "external_id__c,Name,StageName,CloseDate\nK,N,Prospecting,2031-05-04\n"
    contents = {
        "get-jobs-ingest-id-200-amplabs-2.json": good,
        "get-jobs-ingest-id-200-amplabs.json": "external_id__c,StageName_invalid_field_on_purpose\nK,1\n",
        "get-jobs-ingest-id-failedResults-200-amplabs.json": (
            "Name,StageName,external_id__c,CloseDate\n"
            "Noemi Miller,GENERATED,external-id-3,2003-04-987654321987654321\n"
        ),
    }
    if kind in contents:
        return {"": bulk.ingest(contents[kind], "Opportunity", **upsert)}
    if "pysfapi" in kind:
        return {"": bulk.ingest("FirstName,LastName\nasd,Test\nasd2,Test 2\n", "Contact")}
    return {"": bulk.open("Opportunity", "delete")} if kind.startswith("patch") else {}


def sent(name: str, bulk: "Bulk", request: dict[str, Any], ids: dict[str, str]) -> "Answer":
    path = re.sub(r"vxx\.0|v44\.0", "60.0" if name.startswith("bulk1") else "v60.0", request["path"])
    path = path.replace("/async/62.0", "/async/60.0")
    if "" in ids:
        path = re.sub(r"(ingest/)[^/]+", rf"\g<1>{ids['']}", path)
    for prefix, made in ids.items():
        if prefix:
            path = re.sub(rf"\b{prefix}\w{{12,15}}", made, path)
    body = request.get("body") or ""
    if isinstance(body, str):
        body = re.sub(r"http://[^\"]+/asyncapi/dataload", NAMESPACE, body)
    given = {key.lower(): value for key, value in (request.get("headers") or {}).items()}
    default = "" if request["method"] == "GET" else "application/xml"
    kind = given.get("content-type", default) if name.startswith("bulk1") else "application/json"
    return bulk.call(request["method"], path, body, kind)


def shape(value: Any) -> Any:
    """Keys in order and types of values; nulls are of any type."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if value is None or isinstance(value, bool):
        return type(value).__name__
    return "number" if isinstance(value, int | float) else "text"


def same_json(expected: Any, actual: Any) -> None:
    assert json.dumps(shape(expected)) == json.dumps(shape(actual))


def outline(text: str) -> list[str]:
    """The tags of an XML text in order, the repeated ones once."""
    root = ET.fromstring(re.sub(r"http://[^\"]+/asyncapi/dataload", NAMESPACE, text))
    seen: list[str] = []
    for each in root.iter():
        if each.tag not in seen:
            seen.append(each.tag)
    return seen


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recorded exchanges are not beside the repository")
@pytest.mark.parametrize("name", recorded())
def test_a_recorded_exchange_has_the_same_form_here(name: str, bulk: "Bulk", org: EmulatedOrg) -> None:
    if name in UNLIKE:
        pytest.skip(UNLIKE[name])
    key = Field(
        name="external_id__c", type="string", label="External", length=40, external_id=True, id_lookup=True
    )
    org.schema.add_field("Opportunity", key)
    org.store.add_column(org.schema["Opportunity"], key)
    recording = json.loads((RECORDINGS / name).read_text())
    answer = sent(name, bulk, recording["request"], made_for(name, bulk, org))
    reply = recording["response"]
    assert answer.status == reply["status"], answer.text
    told = reply["headers"].get("Content-Type")
    if told and reply["format"] in told:  # a recorder's default contradicts the body of one
        assert answer.headers["Content-Type"] == told
    if reply["format"] == "json":
        same_json(_once_there(reply["body"]), _once_there(answer.json))
        if isinstance(reply["body"], dict) and "errorMessage" in reply["body"]:
            assert answer.json["errorMessage"] == reply["body"]["errorMessage"]
    elif reply["format"] == "xml":
        assert outline(answer.text) == outline(reply["body"])
    else:
        same_csv(reply["body"], answer.text)


def _once_there(body: Any) -> Any:
    """Of records, those keys whose values do not depend on the rows there are."""
    if isinstance(body, list) and body and isinstance(body[0], dict):
        return [{key: value for key, value in body[0].items() if key not in ("Who", "What")}]
    return body


def same_csv(expected: str, actual: str) -> None:
    """The same lines but for ids."""
    pattern = re.compile(r'^"\w*"', re.MULTILINE)
    wanted = pattern.sub('"ID"', expected.replace("\r\n", "\n").strip()).splitlines()
    got = pattern.sub('"ID"', actual.replace("\r\n", "\n").strip()).splitlines()
    assert got[0] == wanted[0]
    assert set(got[1:]) <= set(wanted[1:])
