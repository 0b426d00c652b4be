"""Rows of child subqueries count toward a page, and what does not fit is read by a locator of its own."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from reconciler.emulator import ids
from reconciler.emulator.clock import Clock
from reconciler.emulator.http import sessions
from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.http.service import exchange
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field
from tests.emulator.http.test_partner_soap import Soap, name, told

NESTED = "SELECT Id, (SELECT Id, LastName FROM Contacts ORDER BY LastName) FROM Account ORDER BY Name"
DATA = "/services/data/v60.0"
SMALL = "batchSize=200"


@dataclass
class Reader:
    """Reads pages of an org as its administrator, the smallest that there are unless it says otherwise."""

    org: EmulatedOrg
    token: str
    options: str = SMALL

    def ask(self, address: str) -> tuple[int, Any]:
        path, _, query = address.partition("?")
        fields = {"Authorization": f"Bearer {self.token}", "Sforce-Query-Options": self.options}
        request = Request(
            method="GET", path=path, query=query, headers=Headers({"Host": "a.my.salesforce.com", **fields})
        )
        status, _, content = exchange(self.org, request)
        return status, json.loads(content)

    def page(self, address: str) -> Any:
        status, value = self.ask(address)
        assert status == 200, value
        return value

    def query(self, soql: str = NESTED, resource: str = "query") -> Any:
        return self.page(f"{DATA}/{resource}?q={quote(soql)}")

    def names(self, result: Any) -> list[str]:
        """The contacts of a child result, its further pages read one by one."""
        found = [each["LastName"] for each in result["records"]]
        while not result["done"]:
            result = self.page(result["nextRecordsUrl"])
            found += [each["LastName"] for each in result["records"]]
        return found

    def family(self, *sizes: int) -> None:
        """Accounts A, B, … with so many contacts each."""
        with self.org.transaction() as tx:
            for letter, size in zip("ABCDEFGH", sizes, strict=False):
                account = tx.insert("Account", {"Name": letter})
                for number in range(size):
                    tx.insert("Contact", {"LastName": f"{letter}{number:04d}", "AccountId": account})


@pytest.fixture
def reader() -> Reader:
    org = EmulatedOrg(clock=Clock.fixed(tick_ms=1000))
    return Reader(org, sessions.open_session(org, org.admin_id))


def test_a_parent_and_its_children_share_a_page(reader: Reader) -> None:
    reader.family(450, 3)
    page = reader.query()
    assert (page["totalSize"], page["done"], len(page["records"])) == (2, False, 1)
    assert page["nextRecordsUrl"].endswith("-1")
    contacts = page["records"][0]["Contacts"]
    assert list(contacts) == ["totalSize", "done", "nextRecordsUrl", "records"]
    assert (contacts["totalSize"], contacts["done"], len(contacts["records"])) == (450, False, 199)
    assert contacts["nextRecordsUrl"].endswith("-199")
    second = reader.page(contacts["nextRecordsUrl"])
    assert (len(second["records"]), second["done"], second["totalSize"]) == (200, False, 450)
    assert reader.names(contacts) == [f"A{number:04d}" for number in range(450)]


def test_the_next_page_goes_on_with_the_next_parent(reader: Reader) -> None:
    reader.family(150, 40, 100, 0)
    page = reader.query()
    assert [len(each["Contacts"]["records"]) for each in page["records"]] == [150, 40, 7]
    assert [each["Contacts"]["done"] for each in page["records"]] == [True, True, False]
    rest = reader.page(page["nextRecordsUrl"])
    assert (rest["done"], [each["Contacts"] for each in rest["records"]]) == (True, [None])
    assert reader.names(page["records"][2]["Contacts"]) == [f"C{number:04d}" for number in range(100)]


def test_children_that_fit_are_done(reader: Reader) -> None:
    reader.family(199)
    page = reader.query()
    assert (page["done"], list(page["records"][0]["Contacts"])) == (True, ["totalSize", "done", "records"])


def test_children_of_children_are_cut_too(reader: Reader) -> None:
    reader.family(2)
    first, second = (row["Id"] for row in reader.org.rows("Contact"))
    with reader.org.transaction() as tx:
        for number in range(300):
            tx.insert("Case", {"Subject": f"{number:04d}", "ContactId": first})
        tx.insert("Case", {"Subject": "other", "ContactId": second})
    soql = "SELECT Id, (SELECT Id, (SELECT Subject FROM Cases) FROM Contacts) FROM Account"
    page = reader.query(soql)
    assert page["done"] is True
    (account,) = page["records"]
    assert (len(account["Contacts"]["records"]), account["Contacts"]["done"]) == (1, False)
    cases = account["Contacts"]["records"][0]["Cases"]
    assert (len(cases["records"]), cases["totalSize"], cases["done"]) == (198, 300, False)
    assert len(reader.page(cases["nextRecordsUrl"])["records"]) == 102
    (other,) = reader.page(account["Contacts"]["nextRecordsUrl"])["records"]
    assert other["Cases"]["records"][0]["Subject"] == "other"


def test_a_second_subquery_may_get_no_place_in_the_page(reader: Reader) -> None:
    reader.family(250)
    (account,) = reader.org.rows("Account")
    reader.org.has("Case", AccountId=account["Id"], Subject="S")
    page = reader.query("SELECT Id, (SELECT Id FROM Contacts), (SELECT Subject FROM Cases) FROM Account")
    cases = page["records"][0]["Cases"]
    assert (cases["records"], cases["totalSize"], cases["done"]) == ([], 1, False)
    assert reader.page(cases["nextRecordsUrl"])["records"][0]["Subject"] == "S"


def test_a_locator_of_children_ends_with_their_number(reader: Reader) -> None:
    reader.family(300)
    address = reader.query()["records"][0]["Contacts"]["nextRecordsUrl"]
    status, value = reader.ask(address.replace("-199", "-301"))
    assert (status, value[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_query_all_goes_on_at_its_own_address(reader: Reader) -> None:
    reader.family(300, 1)
    page = reader.query(resource="queryAll")
    assert page["nextRecordsUrl"].startswith(f"{DATA}/queryAll/")
    assert page["records"][0]["Contacts"]["nextRecordsUrl"].startswith(f"{DATA}/queryAll/")


def test_the_tooling_api_tells_the_locator_twice(reader: Reader) -> None:
    parent = reader.org.has("PermissionSet", Name="Wide", Label="Wide")
    with reader.org.transaction() as tx:
        for number in range(250):
            values = {"Field": f"Account.F{number}__c", "SobjectType": "Account", "PermissionsRead": 1}
            tx.system_insert("FieldPermissions", ParentId=ids.parse(parent), **values)
    soql = "SELECT Id, (SELECT Field FROM FieldPerms) FROM PermissionSet WHERE Name = 'Wide'"
    page = reader.query(soql, "tooling/query")
    fields = page["records"][0]["FieldPerms"]
    assert list(fields)[:5] == ["size", "totalSize", "done", "nextRecordsUrl", "queryLocator"]
    assert (fields["size"], fields["totalSize"], fields["done"]) == (199, 250, False)
    assert fields["nextRecordsUrl"] == f"{DATA}/tooling/query/{fields['queryLocator']}"
    rest = reader.page(fields["nextRecordsUrl"])
    assert (rest["size"], rest["done"], rest["entityTypeName"]) == (51, True, "FieldPermissions")


def test_a_page_with_two_long_texts_has_at_most_200_rows(reader: Reader) -> None:
    long: dict[str, Any] = {"type": "textarea", "length": 32_768, "custom": True, "filterable": False}
    reader.org.additions.add_fields("Account", [Field(name=f"{x}__c", label=x, **long) for x in ("A", "B")])
    with reader.org.transaction() as tx:
        for _ in range(201):
            tx.insert("Account", {"Name": "A"})
    reader.options = ""
    assert len(reader.query("SELECT A__c FROM Account")["records"]) == 201
    assert len(reader.query("SELECT A__c, B__c FROM Account")["records"]) == 200


def test_soap_reads_children_by_a_locator_until_the_parents_go_on(reader: Reader) -> None:
    reader.family(300, 1)
    soap = Soap(reader.org, reader.token)
    header = "<QueryOptions><batchSize>200</batchSize></QueryOptions>"
    (page,) = soap.results(f"<query><queryString>{NESTED}</queryString></query>", header)
    contacts = next(each for each in page.iter() if name(each) == "Contacts")
    assert (told(contacts)["done"], told(contacts)["size"]) == ("false", "300")
    more = f"<queryMore><queryLocator>{told(contacts)['queryLocator']}</queryLocator></queryMore>"
    (second,) = soap.results(more, header)
    assert (told(second)["done"], sum(name(each) == "records" for each in second)) == ("true", 101)
    soap.results(f"<queryMore><queryLocator>{told(page)['queryLocator']}</queryLocator></queryMore>", header)
    assert soap.fault(more) == "INVALID_QUERY_LOCATOR"
