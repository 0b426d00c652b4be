"""Up to 200 records in a call: results in order, one transaction, all or none."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.emulator.http.conftest import Client

ROLLED_BACK = "ALL_OR_NONE_OPERATION_ROLLED_BACK"


def record(sobject: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": sobject}, **fields}


def codes(results: list[dict[str, Any]]) -> list[str | None]:
    return [None if each["success"] else each["errors"][0]["statusCode"] for each in results]


def names(client: "Client", sobject: str = "Account") -> list[str]:
    return sorted(each["Name"] for each in client.org.rows(sobject))


def test_a_failed_record_fails_alone_and_the_answer_is_200(client: "Client") -> None:
    records = [record("Account", Name="a"), record("Contact", FirstName="x"), record("Account", Name="b")]
    reply = client.post("/composite/sobjects", {"records": records})
    assert reply.status_code == 200
    assert codes(reply.json()) == [None, "REQUIRED_FIELD_MISSING", None]
    assert [list(each) for each in reply.json()][:2] == [["id", "success", "errors"], ["success", "errors"]]
    assert list(reply.json()[1]["errors"][0]) == ["statusCode", "message", "fields"]
    assert names(client) == ["a", "b"]


@pytest.mark.parametrize("flag", [True, "true"])
def test_with_all_or_none_a_failure_undoes_all(client: "Client", flag: Any) -> None:
    records = [record("Account", Name="a"), record("Contact", FirstName="x"), record("Account", Name="b")]
    reply = client.post("/composite/sobjects", {"allOrNone": flag, "records": records})
    assert codes(reply.json()) == [ROLLED_BACK, "REQUIRED_FIELD_MISSING", ROLLED_BACK]
    assert names(client) == []


def test_updates_take_the_id_in_any_case(client: "Client") -> None:
    one, two = (client.org.has("Account", Name=name) for name in "ab")
    records = [
        record("Account", id=one, Name="A"),
        record("Account", Id=two, Name="B"),
        record("Account", Name="C"),
    ]
    reply = client.patch("/composite/sobjects", {"records": records})
    assert codes(reply.json()) == [None, None, "MISSING_ARGUMENT"]
    assert reply.json()[0] == {"id": one, "success": True, "errors": []}
    assert names(client) == ["A", "B"]


def test_an_update_of_a_row_that_never_was_is_a_bad_reference(client: "Client") -> None:
    reply = client.patch(
        "/composite/sobjects", {"records": [record("Account", id="001xx000003DHP0AAO", Name="x")]}
    )
    assert reply.json() == [
        {
            "success": False,
            "errors": [
                {
                    "statusCode": "INVALID_CROSS_REFERENCE_KEY",
                    "message": "invalid cross reference id",
                    "fields": [],
                }
            ],
        }
    ]


def test_upserts_by_id_create_without_one_and_update_with_one(client: "Client") -> None:
    account = client.org.has("Account", Name="a")
    records = [
        record("Account", Id=account, Name="A"),
        record("Account", Id=None, Name="b"),
        record("Account", Name="c"),
    ]
    reply = client.patch("/composite/sobjects/Account/Id", {"records": records})
    assert [(each["success"], each["created"]) for each in reply.json()] == [
        (True, False),
        (True, True),
        (True, True),
    ]
    assert names(client) == ["A", "b", "c"]


def test_an_undone_upsert_still_says_what_it_would_have_created(client: "Client") -> None:
    records = [record("Account", Name="a"), record("Account", Name="b", OwnerId="INVALID")]
    reply = client.patch("/composite/sobjects/Account/Id", {"allOrNone": True, "records": records})
    assert [each["created"] for each in reply.json()] == [True, True]
    assert codes(reply.json()) == [ROLLED_BACK, "MALFORMED_ID"]
    assert names(client) == []


def test_a_key_sent_twice_is_refused_for_both(client: "Client") -> None:
    records = [record("Contact", LastName=name, Email="a@b.example") for name in "xy"]
    reply = client.patch("/composite/sobjects/Contact/Email", {"records": records})
    assert codes(reply.json()) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE"]
    assert names(client, "Contact") == []


def test_deletes_take_ids_of_any_type_and_an_undone_one_keeps_its_row(client: "Client") -> None:
    account = client.org.has("Account", Name="a")
    contact = client.org.has("Contact", LastName="b")
    mixed = f"/composite/sobjects?ids={account},{contact},001Hu00000zzzzzIAA"
    undone = client.delete(f"{mixed}&allOrNone=true")
    assert codes(undone.json())[:2] == [ROLLED_BACK, ROLLED_BACK]
    assert names(client) == ["a"]
    done = client.delete(mixed)
    assert [each.get("id") for each in done.json()] == [account, contact, None]
    assert names(client) == []


def test_reads_are_aligned_with_the_ids_and_null_for_what_is_gone(client: "Client") -> None:
    kept, lost = (client.org.has("Account", Name=name) for name in "ab")
    client.delete(f"/sobjects/Account/{lost}")
    wanted = [lost, kept, "001Hu00000zzzzzIAA"]
    by_get = client.get(f"/composite/sobjects/Account?ids={','.join(wanted)}&fields=Name").json()
    by_post = client.post("/composite/sobjects/Account", {"ids": wanted, "fields": ["Name"]}).json()
    assert by_get == by_post
    assert [each and each["Name"] for each in by_get] == [None, "a", None]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"records": []}, "REQUIRED_FIELD_MISSING"),
        ({}, "REQUIRED_FIELD_MISSING"),
        ([], "REQUIRED_FIELD_MISSING"),
        ({"records": [1]}, "JSON_PARSER_ERROR"),
        ({"records": [record("Account", Name="x")] * 201}, "EXCEEDED_ID_LIMIT"),
        ({"records": [record(each, Name="x") for each in ("Account", "Contact") * 6]}, "INVALID_INPUT"),
    ],
)
def test_a_list_that_is_none_is_refused_whole(client: "Client", body: Any, code: str) -> None:
    reply = client.post("/composite/sobjects", body)
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, code)
    assert names(client) == []


@pytest.mark.parametrize(
    "broken", [{"Name": "x"}, {"attributes": "x"}, record("Nothing__c"), {"attributes": {"type": 1}}]
)
def test_a_record_of_no_known_type_fails_alone(client: "Client", broken: dict[str, Any]) -> None:
    reply = client.post("/composite/sobjects", {"records": [broken, record("Account", Name="a")]})
    assert codes(reply.json())[1] is None
    assert not reply.json()[0]["success"]


def test_setup_and_other_objects_do_not_mix_in_one_call(client: "Client") -> None:
    records = [record("Account", Name="a"), record("PermissionSet", Name="g", Label="g")]
    reply = client.post("/composite/sobjects", {"records": records})
    assert codes(reply.json()) == [None, "MIXED_DML_OPERATION"]
    assert client.org.rows("PermissionSet", Name="g") == []
