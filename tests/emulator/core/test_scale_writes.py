"""Claims about many rows in one call: they are what they would be one by one, for a few statements."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator.clock import Clock
from reconciler.emulator.custom_fields import object_of
from reconciler.emulator.http import sessions
from reconciler.emulator.http.endpoints import sobject_collections
from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.http.service import handle
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field

OBJECTS = {
    "Account": (
        "Name",
        "Phone",
        "AnnualRevenue",
        "NumberOfEmployees",
        "Industry",
        "ParentId",
        "Site",
        "OwnerId",
    ),
    "Contact": ("LastName", "FirstName", "Email", "Birthdate", "DoNotCall", "AccountId", "Account"),
    "Event": ("Subject", "StartDateTime", "DurationInMinutes", "IsAllDayEvent"),
    "Rule__c": ("Name", "Key__c", "Nothing__c", "name", "CreatedDate"),
    "Ticket__c": ("Key__c", "Key__C", "Id"),
    "User": ("LastName", "Username"),
}
TEXTS = ("", " ", "a", "A", " b ", "true", "x@y.example", "Energy", "energy", "é", "\ud800", "a" * 300)
IDS = ("001Hu0000000001IAA", "001Hu0000000001", "001Hu0000009999AAA", "012000000000000AAA")
OTHERS: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    1,
    1.5,
    -3,
    10**60,
    "2031-05-04",
    "2031-05-04T01:02:03Z",
    {"Name": "x"},
    [],
)
VALUES: st.SearchStrategy[Any] = st.sampled_from((*TEXTS, *IDS, *OTHERS))
GIVEN_OUT = {"Id", "Name"}
"""What a refused attempt may have used up."""


@pytest.fixture(scope="module")
def base() -> Iterator[EmulatedOrg]:
    org = EmulatedOrg(clock=Clock.fixed())
    key = Field(
        name="Key__c", type="string", label="Key", length=20, custom=True, external_id=True, unique=True
    )
    org.additions.add_object(object_of("Rule__c", {}, "a00"))
    numbered = {"nameField": [{"type": ["AutoNumber"], "displayFormat": ["T-{000}"], "label": ["No"]}]}
    org.additions.add_object(object_of("Ticket__c", numbered, "a01"))
    for name in ("Rule__c", "Ticket__c"):
        org.additions.add_fields(name, [key])
    org.has("Account", Name="Parent")
    sessions.open_session(org, org.admin_id)
    yield org
    org.close()


def call(org: EmulatedOrg, method: str, below: str, body: bytes = b"", query: str = "") -> Any:
    (token,) = org.store.execute('SELECT token FROM "_token"')[0]
    headers = Headers({"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    path = "/services/data/v64.0/composite/sobjects" + below
    return handle(org, Request(method=method, path=path, query=query, headers=headers, body=body)).value


def post(
    org: EmulatedOrg,
    records: Sequence[Mapping[str, Any]],
    *,
    all_or_none: bool = False,
    method: str = "POST",
    below: str = "",
) -> Any:
    return call(org, method, below, json.dumps({"allOrNone": all_or_none, "records": records}).encode())


def told(results: Any) -> Any:
    """Results without ids, also those that a message names: numbers given out are not taken back."""
    bare = [{key: value for key, value in each.items() if key != "id"} for each in results]
    return json.loads(re.sub(r"\ba0\w{13}\b", "an id", json.dumps(bare)))


def records_of(sobject: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"attributes": {"type": sobject}, **row} for row in rows]


@contextmanager
def careful() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("insert_alike", "update_alike", "upsert_alike", "delete_alike"):
            patch.setattr(sobject_collections, name, lambda *_: None)
        yield


def content(org: EmulatedOrg, sobject: str) -> list[dict[str, Any]]:
    left_out = GIVEN_OUT if sobject in ("Rule__c", "Ticket__c") else {"Id"}
    return [{key: value for key, value in row.items() if key not in left_out} for row in org.rows(sobject)]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_rows_written_together_are_what_they_are_one_by_one(base: EmulatedOrg, data: Any) -> None:
    sobject = data.draw(st.sampled_from(sorted(OBJECTS)))
    names = data.draw(st.lists(st.sampled_from(OBJECTS[sobject]), min_size=1, unique=True))
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, VALUES)), min_size=1, max_size=4))
    all_or_none = data.draw(st.booleans())
    together, alone = base.fork(), base.fork()
    results = told(post(together, records_of(sobject, rows), all_or_none=all_or_none))
    with careful():
        assert told(post(alone, records_of(sobject, rows), all_or_none=all_or_none)) == results
    assert content(together, sobject) == content(alone, sobject)
    together.close()
    alone.close()


def known(org: EmulatedOrg, sobject: str) -> list[str]:
    return [row["Id"] for row in org.rows(sobject)]


@pytest.fixture(scope="module")
def filled(base: EmulatedOrg) -> Iterator[EmulatedOrg]:
    """Rows to change, something hanging on one of them, and one that is in the recycle bin."""
    org = base.fork()
    parent = org.has("Account", Name="Above")
    org.has("Account", Name="Below", ParentId=parent)
    org.has("Account", Name="Alone", Phone="1")
    org.has("Contact", LastName="With", AccountId=parent)
    for at in range(3):
        org.has("Contact", LastName=f"L{at}", Email=f"{at}@acme.example")
        org.has("Rule__c", Key__c="abc"[at])
        org.has("Ticket__c", Key__c="abc"[at])
    gone = org.has("Rule__c", Key__c="gone")
    with org.transaction() as transaction:
        transaction.delete("Rule__c", gone)
    yield org
    org.close()


def both_ways(org: EmulatedOrg, sobject: str, act: Callable[[EmulatedOrg], Any]) -> None:
    """The same call together and one by one has the same results and leaves the same rows."""
    together, alone = org.fork(), org.fork()
    results = told(act(together))
    with careful():
        assert told(act(alone)) == results
    assert content(together, sobject) == content(alone, sobject)
    assert all_deleted(together, sobject) == all_deleted(alone, sobject)
    together.close()
    alone.close()


def all_deleted(org: EmulatedOrg, sobject: str) -> list[Any]:
    sql = f'SELECT "Id", "IsDeleted", "SystemModstamp" FROM "{sobject}" WHERE "IsDeleted" = 1'
    return [] if sobject == "User" else org.store.execute(sql)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_rows_changed_together_are_what_they_are_one_by_one(filled: EmulatedOrg, data: Any) -> None:
    sobject = data.draw(st.sampled_from(sorted(set(OBJECTS) - {"Event"})))
    names = data.draw(st.lists(st.sampled_from(OBJECTS[sobject]), min_size=1, unique=True))
    ids = st.sampled_from([*known(filled, sobject), *IDS, None])
    spelled = data.draw(st.sampled_from(["Id", "id", "ID"]))
    row = st.fixed_dictionaries({**dict.fromkeys(names, VALUES), spelled: ids})
    rows = records_of(sobject, data.draw(st.lists(row, min_size=1, max_size=4)))
    all_or_none = data.draw(st.booleans())
    both_ways(filled, sobject, lambda org: post(org, rows, all_or_none=all_or_none, method="PATCH"))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_rows_upserted_together_are_what_they_are_one_by_one(filled: EmulatedOrg, data: Any) -> None:
    sobject, key = data.draw(
        st.sampled_from([("Rule__c", "Key__c"), ("Ticket__c", "key__C"), ("Contact", "Id")])
    )
    others = [each for each in OBJECTS[sobject] if each.lower() != key.lower()]
    names = data.draw(st.lists(st.sampled_from(others), unique=True))
    values = [*known(filled, sobject), *IDS] if key == "Id" else ["a", "A", "b", "new", "gone", "é", "x" * 30]
    row = st.fixed_dictionaries(
        {**dict.fromkeys(names, VALUES), key: st.sampled_from([*values, None, 1, True])}
    )
    rows = records_of(sobject, data.draw(st.lists(row, min_size=1, max_size=4)))
    all_or_none = data.draw(st.booleans())
    both_ways(
        filled,
        sobject,
        lambda org: post(org, rows, all_or_none=all_or_none, method="PATCH", below=f"/{sobject}/{key}"),
    )


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_rows_deleted_together_are_what_they_are_one_by_one(filled: EmulatedOrg, data: Any) -> None:
    sobject = data.draw(st.sampled_from(["Account", "Contact", "Rule__c", "Ticket__c"]))
    ids = st.sampled_from([*known(filled, sobject), *IDS, known(filled, "User")[0]])
    wanted = ",".join(data.draw(st.lists(ids, min_size=1, max_size=4)))
    flag = data.draw(st.sampled_from(["true", "false"]))
    both_ways(filled, sobject, lambda org: call(org, "DELETE", "", query=f"ids={wanted}&allOrNone={flag}"))


def test_two_hundred_changes_take_as_many_statements_as_two(base: EmulatedOrg) -> None:
    org = base.fork()
    rows = [{"Key__c": f"K{at}"} for at in range(200)]
    made = [each["id"] for each in post(org, records_of("Ticket__c", rows))]

    def cost(act: Callable[[], Any]) -> int:
        seen: list[str] = []
        org.store.connection.set_trace_callback(seen.append)
        assert all(each["success"] for each in act())
        org.store.connection.set_trace_callback(None)
        return sum(not each.startswith(("INSERT", 'UPDATE "Ticket__c" SET "Key__c"')) for each in seen)

    def change(count: int) -> Any:
        changes = [{"id": each, "Key__c": f"X{each}"} for each in made[:count]]
        return post(org, records_of("Ticket__c", changes), method="PATCH")

    def put(count: int) -> Any:
        rows = [{"Key__c": f"{'X' + made[at] if at % 2 else at}"} for at in range(count)]
        return post(org, records_of("Ticket__c", rows), method="PATCH", below="/Ticket__c/Key__c")

    change(2)
    assert cost(lambda: change(200)) <= cost(lambda: change(2))
    few = cost(lambda: call(org, "DELETE", "", query=f"ids={','.join(made[:2])}"))
    assert cost(lambda: call(org, "DELETE", "", query=f"ids={','.join(made[2:])}")) <= few


def test_good_rows_have_the_same_ids_and_stamps_together_as_one_by_one(base: EmulatedOrg) -> None:
    rows = records_of("Ticket__c", [{"Key__c": f"K{at}"} for at in range(5)])
    together, alone = base.fork(), base.fork()
    results = post(together, rows)
    with careful():
        assert post(alone, rows) == results
    assert together.rows("Ticket__c") == alone.rows("Ticket__c")
    assert [row["Name"] for row in together.rows("Ticket__c")] == [
        "T-001",
        "T-002",
        "T-003",
        "T-004",
        "T-005",
    ]


def test_one_refused_row_is_refused_alone_among_rows_that_are_written(base: EmulatedOrg) -> None:
    org = base.fork()
    results = post(org, records_of("Rule__c", [{"Key__c": each} for each in ("a", "b", "A", "c")]))
    assert [each["success"] for each in results] == [True, True, False, True]
    assert results[2]["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
    assert [row["Key__c"] for row in org.rows("Rule__c")] == ["a", "b", "c"]


def statements(org: EmulatedOrg, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a call has SQLite do, the inserted rows aside."""
    seen: list[str] = []
    org.store.connection.set_trace_callback(seen.append)
    assert all(each["success"] for each in post(org, records))
    org.store.connection.set_trace_callback(None)
    return [each for each in seen if not each.startswith("INSERT")]


@pytest.mark.parametrize("sobject", ["Account", "Contact", "Rule__c", "Ticket__c"])
def test_two_hundred_rows_take_as_many_statements_as_two(base: EmulatedOrg, sobject: str) -> None:
    org = base.fork()
    key = {"Account": "Name", "Contact": "LastName"}.get(sobject, "Key__c")
    more = {"AccountId": org.rows("Account")[0]["Id"]} if sobject == "Contact" else {}
    few = [{key: f"few {at}", **more} for at in range(2)]
    many = [{key: f"many {at}", **more} for at in range(200)]
    post(org, records_of(sobject, [{key: "first", **more}, {key: "second", **more}]))
    few_statements = statements(org, records_of(sobject, few))
    assert len(statements(org, records_of(sobject, many))) <= len(few_statements)
    assert len(org.rows(sobject)) >= 202


def test_a_validation_rule_has_each_row_looked_at(base: EmulatedOrg) -> None:
    org = base.fork()
    xml = (
        b'<ValidationRule xmlns="http://soap.sforce.com/2006/04/metadata"><fullName>No_X</fullName>'
        b"<active>true</active><errorConditionFormula>Name = 'x'</errorConditionFormula>"
        b"<errorMessage>no x</errorMessage></ValidationRule>"
    )
    org.components.put("ValidationRule", "Account.No_X", xml, org.clock.now_ms())
    results = post(org, records_of("Account", [{"Name": "a"}, {"Name": "x"}, {"Name": "b"}]))
    assert [each["success"] for each in results] == [True, False, True]
    assert results[1]["errors"][0]["message"] == "no x"


def test_a_user_without_the_right_to_create_creates_nothing_together_either(base: EmulatedOrg) -> None:
    org = base.fork()
    (profile,) = org.rows("Profile", Name="Read Only")
    user = org.has(
        "User", Username="r@acme.example", LastName="R", Email="r@acme.example", Alias="r",
        ProfileId=profile["Id"], TimeZoneSidKey="GMT", LocaleSidKey="en_US", LanguageLocaleKey="en_US",
        EmailEncodingKey="UTF-8",
    )  # fmt: skip
    org.store.execute('DELETE FROM "_token"')
    sessions.open_session(org, user)
    before = len(org.rows("Account"))
    results = post(org, records_of("Account", [{"Name": "a"}, {"Name": "b"}]))
    assert not any(each["success"] for each in results)
    assert len(org.rows("Account")) == before
