"""aiosalesforce, as it is. It wants a `my.salesforce.com` address; a transport sends its calls to the org."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from aiosalesforce import Salesforce
from aiosalesforce.auth import ClientCredentialsFlow, JwtBearerFlow, SoapLogin
from aiosalesforce.exceptions import SalesforceError
from jobs import PASSWORD, URL, USERNAME, count, equal, job, rows

BASE = "https://acme.my.salesforce.com"
FLOW = {"client_id": os.environ["ORG_CLIENT_ID"], "client_secret": os.environ["ORG_CLIENT_SECRET"]}


class ToOrg(httpx.AsyncHTTPTransport):
    """Changes where a call goes, and nothing else of it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        target = httpx.URL(URL)
        request.url = request.url.copy_with(scheme=target.scheme, host=target.host, port=target.port)
        request.headers["Host"] = target.netloc.decode()
        return await super().handle_async_request(request)


def run(name: str, made: Callable[[Salesforce], Awaitable[object]], auth: Any = None) -> None:
    async def inside() -> None:
        async with httpx.AsyncClient(transport=ToOrg(), timeout=60) as http:
            await made(Salesforce(http, BASE, auth or ClientCredentialsFlow(**FLOW)))

    job(name, lambda: asyncio.run(inside()))


async def queries(sf: Salesforce) -> None:
    found = [
        each async for each in sf.query(f"SELECT Id, Profile.Name FROM User WHERE Username = '{USERNAME}'")
    ]
    equal([each["Profile"]["Name"] for each in found], ["System Administrator"])
    made = await sf.bulk_v2.insert("Thing__c", [{"Name": f"q{i}", "Key__c": f"q-{i}"} for i in range(2100)])
    equal((len(made.successful_results), made.failed_results), (2100, []))
    equal(len([1 async for _ in sf.query("SELECT Id FROM Thing__c WHERE Key__c LIKE 'q-%'")]), 2100)
    gone = [{"Id": each["sf__Id"]} for each in made.successful_results[:1500]]
    await sf.bulk_v2.delete("Thing__c", gone)
    equal(count("Thing__c WHERE Key__c LIKE 'q-%'"), 600)
    everything = sf.query("SELECT Id FROM Thing__c WHERE Key__c LIKE 'q-%'", include_all_records=True)
    equal(len([1 async for _ in everything]), 2100)


async def limits(sf: Salesforce) -> None:
    assert (await sf.get_limits())["DailyApiRequests"]["Max"] > 0


async def refusal(made: Awaitable[object], code: str) -> None:
    try:
        await made
    except SalesforceError as error:
        equal(error.error_code, code)
    else:
        raise AssertionError(f"not refused with {code}")


async def records(sf: Salesforce) -> None:
    made = await sf.sobject.create("Account", {"Name": "Aio", "Key__c": "aio"})
    equal((await sf.sobject.get("Account", made))["Name"], "Aio")
    equal((await sf.sobject.get("Account", "aio", external_id_field="Key__c"))["Id"], made)
    await sf.sobject.update("Account", made, {"Phone": "1"})
    told = await sf.sobject.upsert("Account", "aio", "Key__c", {"Name": "Aio 2"})
    equal((told.id, told.created), (made, False))
    equal(rows("SELECT Name, Phone FROM Account WHERE Key__c = 'aio'"), [{"Name": "Aio 2", "Phone": "1"}])
    told = await sf.sobject.upsert("Account", "aio2", "Key__c", {"Name": "New"})
    equal((told.created, count("Account WHERE Key__c = 'aio2'")), (True, 1))
    await refusal(sf.sobject.create("Contact", {"FirstName": "x"}), "REQUIRED_FIELD_MISSING")
    await sf.sobject.delete("Account", made)
    equal(count("Account WHERE Key__c = 'aio'"), 0)
    await refusal(sf.sobject.get("Account", made), "NOT_FOUND")


async def composite(sf: Salesforce) -> None:
    async with sf.composite(all_or_none=True) as together:
        account = together.sobject.create("Account", {"Name": "Comp", "Key__c": "aioc"})
        data = {"LastName": "Comp", "Key__c": "aioc", "AccountId": str(account.reference.id)}
        contact = together.sobject.create("Contact", data)
        query = together.query("SELECT Id FROM Contact WHERE Key__c = 'aioc'")
    equal((len(query.records), bool(contact.id)), (1, True))
    equal(count("Contact WHERE Account.Key__c = 'aioc'"), 1)
    async with sf.composite(all_or_none=True) as undone:
        lost = undone.sobject.create("Account", {"Name": "Lost & <found>", "Key__c": "lost"})
        undone.sobject.create("Contact", {"FirstName": "x"})
    equal((lost.is_success, count("Account WHERE Key__c = 'lost'")), (False, 0))


async def batch(sf: Salesforce) -> None:
    async with sf.composite.batch(halt_on_error=True) as together:
        first = together.sobject.create("Account", {"Name": "Batch", "Key__c": "aiob"})
        bad = together.sobject.create("Contact", {"FirstName": "x"})
        never = together.sobject.create("Account", {"Name": "Never", "Key__c": "aion"})
    equal([each.status_code for each in (first, bad, never)], [201, 400, 412])
    equal(never.result[0]["errorCode"], "BATCH_PROCESSING_HALTED")
    equal((count("Account WHERE Key__c = 'aiob'"), count("Account WHERE Key__c = 'aion'")), (1, 0))
    async with sf.composite.batch() as again:
        updated = again.sobject.upsert("Account", "aiob", "Key__c", {"Phone": "1"})
    equal((updated.status_code, updated.created), (200, False))


async def bulk(sf: Salesforce) -> None:
    data = [{"LastName": f"b{i}", "Key__c": f"b-{i}"} for i in range(5)] + [{"Key__c": "b-bad"}]
    made = await sf.bulk_v2.insert("Contact", data)
    equal((len(made.successful_results), len(made.failed_results)), (5, 1))
    assert made.failed_results[0]["sf__Error"].startswith("REQUIRED_FIELD_MISSING:")
    again = await sf.bulk_v2.upsert("Contact", [{"Key__c": "b-0", "Title": "T", "Phone": None}], "Key__c")
    equal(len(again.successful_results), 1)
    equal(rows("SELECT Title FROM Contact WHERE Key__c = 'b-0'"), [{"Title": "T"}])
    job_info = await sf.bulk_v2.ingest.create_job("insert", "Contact")
    equal((await sf.bulk_v2.ingest.get_job(job_info.id)).state, "Open")
    equal((await sf.bulk_v2.ingest.abort_job(job_info.id)).state, "Aborted")
    assert job_info.id in [each.id async for each in sf.bulk_v2.ingest.list_jobs()]
    await sf.bulk_v2.ingest.delete_job(job_info.id)


if __name__ == "__main__":
    jwt = JwtBearerFlow(FLOW["client_id"], USERNAME, os.environ["JWT_KEY"])
    run("login: client credentials; limits", limits)
    run("login: SOAP", limits, SoapLogin(USERNAME, PASSWORD, ""))
    run("login: JWT", limits, jwt)
    run("query, over pages, and deleted rows", queries)
    run("records: create, get, update, upsert, delete", records)
    run("composite", composite)
    run("composite batch", batch)
    run("bulk 2.0", bulk)
