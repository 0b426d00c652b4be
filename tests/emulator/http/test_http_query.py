"""Queries over HTTP: pages, columns, search."""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from reconciler.emulator.http import sessions

if TYPE_CHECKING:
    from tests.emulator.http.conftest import Client


def query(client: "Client", soql: str, resource: str = "query", **headers: str) -> Any:
    return client.get(f"/{resource}?q={quote(soql)}", **headers)


def with_accounts(client: "Client", number: int) -> None:
    with client.org.transaction() as transaction:
        for turn in range(number):
            transaction.insert("Account", {"Name": f"{turn:05d}"})


def test_a_short_result_is_done_at_once(client: "Client") -> None:
    with_accounts(client, 2)
    value = query(client, "SELECT Id, Name FROM Account ORDER BY Name").json()
    assert list(value) == ["totalSize", "done", "records"]
    assert (value["totalSize"], value["done"]) == (2, True)
    assert [each["Name"] for each in value["records"]] == ["00000", "00001"]


@pytest.mark.parametrize(
    ("size", "pages"), [("250", [250, 250, 1]), ("10", [200, 200, 101]), ("9999", [501])]
)
def test_a_long_result_comes_in_pages_of_the_size_asked_for(
    client: "Client", size: str, pages: list[int]
) -> None:
    with_accounts(client, 501)
    reply = query(client, "SELECT Name FROM Account ORDER BY Name", Sforce_Query_Options=f"batchSize={size}")
    lengths, names = [], []
    while True:
        value = reply.json()
        lengths.append(len(value["records"]))
        names += [each["Name"] for each in value["records"]]
        assert value["totalSize"] == 501
        if value["done"]:
            break
        assert list(value) == ["totalSize", "done", "nextRecordsUrl", "records"]
        assert value["nextRecordsUrl"].endswith(f"-{len(names)}")
        reply = client.get(value["nextRecordsUrl"])
    assert lengths == pages
    assert names == sorted(names)
    assert len(set(names)) == 501


def test_a_page_shows_the_org_as_it_was_when_the_query_ran(client: "Client") -> None:
    with_accounts(client, 201)
    first = query(
        client, "SELECT Name FROM Account ORDER BY Name", Sforce_Query_Options="batchSize=200"
    ).json()
    with client.org.transaction() as transaction:
        transaction.update("Account", client.org.rows("Account")[200]["Id"], {"Name": "changed"})
    page = client.get(first["nextRecordsUrl"]).json()
    assert [each["Name"] for each in page["records"]] == ["00200"]
    assert client.get(first["nextRecordsUrl"]).json() == page


@pytest.mark.parametrize("locator", ["0r8xxxxxxxxxxxxxxx-200", "nonsense", "-1"])
def test_an_unknown_locator_is_refused(client: "Client", locator: str) -> None:
    reply = client.get(f"/query/{locator}")
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_a_locator_expires_after_two_days(client: "Client") -> None:
    with_accounts(client, 201)
    first = query(client, "SELECT Name FROM Account", Sforce_Query_Options="batchSize=200").json()
    client.org.clock.advance(49 * 60 * 60 * 1000)
    client.token = sessions.open_session(client.org, client.org.admin_id)
    assert client.get(first["nextRecordsUrl"]).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_deleted_rows_come_only_with_query_all(client: "Client") -> None:
    with_accounts(client, 1)
    client.delete(f"/sobjects/Account/{client.org.rows('Account')[0]['Id']}")
    soql = "SELECT IsDeleted FROM Account"
    assert query(client, soql).json()["totalSize"] == 0
    assert query(client, soql, "queryAll").json()["records"][0]["IsDeleted"] is True


def test_columns_are_told_without_rows(client: "Client") -> None:
    value = client.get(f"/query?q={quote('SELECT Id, Owner.Name FROM Account')}&columns=true").json()
    assert [each["columnName"] for each in value["columnMetadata"]] == ["Id", "Owner"]
    assert [each["columnName"] for each in value["columnMetadata"][1]["joinColumns"]] == ["Name"]
    assert (value["entityName"], value["idSelected"], value["keyPrefix"]) == ("Account", True, "001")


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT X FROM Account", "INVALID_FIELD"),
    ],
)
def test_a_wrong_query_is_refused(client: "Client", soql: str, code: str) -> None:
    reply = query(client, soql)
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, code)


def test_a_query_may_be_left_out_by_nobody(client: "Client") -> None:
    assert client.get("/query").json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_a_query_too_long_for_an_address_goes_inside_a_composite(client: "Client") -> None:
    with_accounts(client, 1)
    names = ",".join(f"'{turn:05d}'" for turn in range(3000))
    url = f"/services/data/v60.0/query?q=SELECT Name FROM Account WHERE Name IN ({names})"
    reply = client.post(
        "/composite", {"compositeRequest": [{"method": "GET", "url": url, "referenceId": "q"}]}
    )
    assert reply.json()["compositeResponse"][0]["body"]["totalSize"] == 1


# -- search


def test_words_are_found_in_the_objects_asked_for(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme 100% Corp")
    client.org.has("Contact", LastName="Acme")
    sosl = quote("FIND {acme} IN ALL FIELDS RETURNING Account(Id, Name WHERE Name != null) LIMIT 5")
    (found,) = client.get(f"/search?q={sosl}").json()["searchRecords"]
    assert (found["Id"], found["Name"]) == (account, "Acme 100% Corp")
    both = client.get("/parameterizedSearch?q=Acme&sobject=Account,Contact").json()["searchRecords"]
    assert [each["attributes"]["type"] for each in both] == ["Account", "Contact"]
    by_body = client.post("/parameterizedSearch", {"q": "100%", "sobjects": [{"name": "Account"}]})
    assert [each["Id"] for each in by_body.json()["searchRecords"]] == [account]


def test_a_search_without_braces_is_malformed(client: "Client") -> None:
    reply = client.get("/search?q=bogus")
    assert reply.status_code == 400
    assert reply.json() == [
        {
            "message": "No search term found. The search term must be enclosed in braces.",
            "errorCode": "MALFORMED_SEARCH",
        }
    ]


def test_before_version_37_a_search_answers_a_bare_list(client: "Client") -> None:
    assert client.get(f"/services/data/v36.0/search?q={quote('FIND {zzz}')}").json() == []
