"""Calls inside calls: references, transactions, halts; batches, trees and graphs."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.emulator.http.conftest import Client

V = "/services/data/v60.0"


def sub(reference: str, method: str, url: str, body: Any = None, **headers: str) -> dict[str, Any]:
    made: dict[str, Any] = {"method": method, "url": V + url, "referenceId": reference}
    if body is not None:
        made["body"] = body
    if headers:
        made["httpHeaders"] = {name.replace("_", "-"): value for name, value in headers.items()}
    return made


def run(client: "Client", *entries: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    reply = client.post("/composite", {"compositeRequest": list(entries), **options})
    assert reply.status_code == 200, reply.text
    results: list[dict[str, Any]] = reply.json()["compositeResponse"]
    assert [each["referenceId"] for each in results] == [each["referenceId"] for each in entries]
    return results


def statuses(results: list[dict[str, Any]]) -> list[int]:
    return [each["httpStatusCode"] for each in results]


def test_later_calls_use_what_earlier_ones_answered(client: "Client") -> None:
    results = run(
        client,
        sub("acc", "POST", "/sobjects/Account", {"Name": "Acme"}),
        sub("con", "POST", "/sobjects/Contact", {"LastName": "of @{acc.id}!", "AccountId": "@{acc.id}"}),
        sub("read", "GET", "/sobjects/Contact/@{con.id}?fields=AccountId,LastName"),
        sub("info", "GET", "/sobjects/Account"),
        sub("again", "GET", "/sobjects/Account/@{info.recentItems[0].Id}?fields=Name"),
    )
    assert statuses(results) == [201, 201, 200, 200, 200]
    account = results[0]["body"]["id"]
    assert results[0]["httpHeaders"]["Location"] == f"{V}/sobjects/Account/{account}"
    assert results[2]["body"]["AccountId"] == account
    assert results[2]["body"]["LastName"] == f"of {account}!"
    assert results[4]["body"]["Name"] == "Acme"
    assert list(results[0]) == ["body", "httpHeaders", "httpStatusCode", "referenceId"]


def test_updates_and_deletes_answer_204_with_null(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme")
    results = run(
        client,
        sub("u", "PATCH", f"/sobjects/Account/{account}", {"Name": "New"}),
        sub("d", "DELETE", f"/sobjects/Account/{account}"),
    )
    assert [(each["httpStatusCode"], each["body"]) for each in results] == [(204, None), (204, None)]


def test_without_all_or_none_only_what_depends_on_a_failure_is_halted(client: "Client") -> None:
    results = run(
        client,
        sub("bad", "POST", "/sobjects/Contact", {}),
        sub("dep", "POST", "/sobjects/Contact", {"LastName": "x", "ReportsToId": "@{bad.id}"}),
        sub("free", "POST", "/sobjects/Account", {"Name": "Acme"}),
    )
    assert statuses(results) == [400, 400, 201]
    assert results[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert "Invalid reference specified. No value for bad.id" in results[1]["body"][0]["message"]
    assert [each["Name"] for each in client.org.rows("Account")] == ["Acme"]
    assert client.org.rows("Contact") == []


def test_with_all_or_none_a_failure_halts_all_others_and_nothing_is_kept(client: "Client") -> None:
    results = run(
        client,
        sub("good", "POST", "/sobjects/Account", {"Name": "Acme"}),
        sub("bad", "POST", "/sobjects/Contact", {}),
        sub("late", "POST", "/sobjects/Account", {"Name": "Late"}),
        allOrNone=True,
    )
    assert statuses(results) == [400, 400, 400]
    assert [each["body"][0]["errorCode"] for each in results] == [
        "PROCESSING_HALTED",
        "REQUIRED_FIELD_MISSING",
        "PROCESSING_HALTED",
    ]
    assert client.org.rows("Account") == []


def test_all_or_none_outside_rules_over_a_collection_inside(client: "Client") -> None:
    records = [
        {"attributes": {"type": "Account"}, "Name": "a"},
        {"attributes": {"type": "Contact"}, "FirstName": "x"},
    ]
    results = run(
        client,
        sub("first", "POST", "/sobjects/Account", {"Name": "Acme"}),
        sub("many", "POST", "/composite/sobjects", {"allOrNone": False, "records": records}),
        allOrNone=True,
    )
    assert statuses(results) == [400, 200]
    assert [each["success"] for each in results[1]["body"]] == [True, False]  # though nothing was kept
    assert client.org.rows("Account") == []


@pytest.mark.parametrize("all_or_none", [True, False])
def test_setup_objects_mix_only_when_the_calls_commit_apart(client: "Client", all_or_none: bool) -> None:
    results = run(
        client,
        sub("a", "POST", "/sobjects/Account", {"Name": "Acme"}),
        sub("g", "POST", "/sobjects/PermissionSet", {"Name": "g", "Label": "g"}),
        allOrNone=all_or_none,
    )
    assert statuses(results) == ([400, 400] if all_or_none else [201, 201])
    assert len(client.org.rows("PermissionSet", Name="g")) == (0 if all_or_none else 1)


def test_a_subrequest_carries_its_own_conditions(client: "Client") -> None:
    account = client.org.has("Account", Name="Acme")
    (result,) = run(
        client,
        sub(
            "u",
            "PATCH",
            f"/sobjects/Account/{account}",
            {"Name": "x"},
            If_Unmodified_Since="Sat, 01 Jan 2000 00:00:00 GMT",
        ),
    )
    assert result["httpStatusCode"] == 412
    assert client.org.rows("Account")[0]["Name"] == "Acme"


def test_an_unknown_object_is_not_found_inside_too(client: "Client") -> None:
    (result,) = run(client, sub("x", "GET", "/sobjects/Foo"))
    assert result == {
        "body": [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}],
        "httpHeaders": {},
        "httpStatusCode": 404,
        "referenceId": "x",
    }


@pytest.mark.parametrize(
    "entries",
    [
        [],
        "x",
        [1],
        [{"method": "GET", "url": V}],
        [sub("a b", "GET", "/limits")],
        [sub("a", "get", "/limits")],
        [sub("a", "GET", "/limits"), sub("a", "GET", "/limits")],
        [sub(f"a{i}", "GET", "/limits") for i in range(26)],
        [sub(f"a{i}", "GET", "/query?q=x") for i in range(6)],
        [sub("a", "GET", "/limits", Authorization="Bearer x")],
    ],
)
def test_a_composite_of_bad_form_is_refused_whole(client: "Client", entries: Any) -> None:
    reply = client.post("/composite", {"compositeRequest": entries})
    assert reply.status_code == 400


def test_a_composite_counts_as_one_call(client: "Client") -> None:
    reply = client.post(
        "/composite", {"compositeRequest": [sub(f"a{i}", "GET", "/limits") for i in range(5)]}
    )
    assert reply.headers["Sforce-Limit-Info"].startswith("api-usage=1/")


def test_composite_does_not_reach_other_families(client: "Client") -> None:
    (result,) = run(client, sub("x", "GET", "/tooling/sobjects"))
    assert result["body"][0]["errorCode"] == "PROCESSING_HALTED"


# -- batch


def test_a_batch_commits_each_and_halts_when_told(client: "Client") -> None:
    entries = [
        {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "a"}},
        {"method": "POST", "url": "v60.0/sobjects/Contact", "richInput": {}},
        {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "b"}},
    ]
    halted = client.post("/composite/batch", {"haltOnError": True, "batchRequests": entries}).json()
    assert halted["hasErrors"] is True
    assert [each["statusCode"] for each in halted["results"]] == [201, 400, 412]
    assert halted["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    going_on = client.post("/composite/batch", {"batchRequests": entries[1:]})
    assert [each["statusCode"] for each in going_on.json()["results"]] == [400, 201]
    assert going_on.headers["Sforce-Limit-Info"].startswith("api-usage=5/")
    assert sorted(each["Name"] for each in client.org.rows("Account")) == ["a", "b"]


# -- tree


def node(sobject: str, reference: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": sobject, "referenceId": reference}, **fields}


def test_a_tree_creates_children_under_their_parents(client: "Client") -> None:
    tree = [node("Account", "a", Name="Acme", Contacts={"records": [node("Contact", "c", LastName="Ada")]})]
    reply = client.post("/composite/tree/Account", {"records": tree})
    assert (reply.status_code, reply.json()["hasErrors"]) == (201, False)
    ids = {each["referenceId"]: each["id"] for each in reply.json()["results"]}
    assert client.org.rows("Contact")[0]["AccountId"] == ids["a"]


def test_a_tree_with_a_bad_record_keeps_nothing(client: "Client") -> None:
    tree = [node("Account", "a", Name="Acme", Contacts={"records": [node("Contact", "c", Email="123")]})]
    reply = client.post("/composite/tree/Account", {"records": tree})
    assert (reply.status_code, reply.json()["hasErrors"]) == (400, True)
    assert [each["referenceId"] for each in reply.json()["results"]] == ["c"]
    assert client.org.rows("Account") == []


@pytest.mark.parametrize(
    "records",
    [
        [],
        [{"Name": "x"}],
        [node("Contact", "a")],
        [node("Account", "a", Name="x"), node("Account", "a", Name="y")],
        [node("Account", "a", Name="x", Nothings={"records": [node("Contact", "c")]})],
        [node("Account", f"a{i}", Name="x") for i in range(201)],
    ],
)
def test_a_tree_of_bad_form_is_refused(client: "Client", records: Any) -> None:
    assert client.post("/composite/tree/Account", {"records": records}).status_code == 400
    assert client.org.rows("Account") == []


# -- graph


def test_a_failed_graph_leaves_the_others_alone_and_nodes_run_by_their_references(client: "Client") -> None:
    good = [
        sub("con", "POST", "/sobjects/Contact", {"LastName": "Ada", "AccountId": "@{acc.id}"}),
        sub("acc", "POST", "/sobjects/Account", {"Name": "Acme"}),
    ]
    bad = [
        sub("acc", "POST", "/sobjects/Account", {"Name": "Lost"}),
        sub("con", "POST", "/sobjects/Contact", {}),
    ]
    graphs = [{"graphId": "good", "compositeRequest": good}, {"graphId": "bad", "compositeRequest": bad}]
    results = client.post("/composite/graph", {"graphs": graphs}).json()["graphs"]
    assert [(each["graphId"], each["isSuccessful"]) for each in results] == [("good", True), ("bad", False)]
    inner = results[0]["graphResponse"]["compositeResponse"]
    assert [each["referenceId"] for each in inner] == ["con", "acc"]
    assert [each["Name"] for each in client.org.rows("Account")] == ["Acme"]


@pytest.mark.parametrize(
    "nodes",
    [
        [sub("q", "GET", "/query?q=x")],
        [
            sub("a", "POST", "/sobjects/Account", {"Name": "@{b.id}"}),
            sub("b", "POST", "/sobjects/Account", {"Name": "@{a.id}"}),
        ],
    ],
)
def test_a_graph_with_a_cycle_or_a_query_is_refused(client: "Client", nodes: Any) -> None:
    reply = client.post("/composite/graph", {"graphs": [{"graphId": "g", "compositeRequest": nodes}]})
    assert reply.status_code == 400
    assert client.org.rows("Account") == []


def test_a_batch_with_something_that_is_no_request_runs_none_of_it(client: "Client") -> None:
    entries = [{"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "A"}}, 5]
    reply = client.post("/composite/batch", {"batchRequests": entries})
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, "REQUIRED_FIELD_MISSING")
    assert client.org.rows("Account") == []
