"""Rows that go the quick way are the rows that the careful way writes."""

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator.bulk import loading, plain_insert
from reconciler.emulator.org import EmulatedOrg

if TYPE_CHECKING:
    from tests.emulator.bulk.conftest import Bulk

OBJECTS = {
    "Account": ("Name", "Phone", "AnnualRevenue", "NumberOfEmployees", "Industry", "ParentId", "Site"),
    "Contact": ("LastName", "FirstName", "Email", "Birthdate", "DoNotCall", "AccountId"),
    "Event": ("Subject", "StartDateTime", "DurationInMinutes", "IsAllDayEvent"),
}
NUMBERS = ("1", "12.345", "-3", "1e3", "9" * 60)
TEXTS = ("", "a", " b ", "#N/A", "true", "x@y.example", "Energy", "é", "a" * 300, "001Hu0000000001IAA")
CELLS = st.sampled_from((*TEXTS, *NUMBERS, "2031-05-04", "2031-05-04T01:02:03Z"))


def written(org: EmulatedOrg, bulk: Any, sobject: str, content: str, **more: Any) -> tuple[Any, ...]:
    """The rows of a job by their values, and what was told of them without ids."""
    job = bulk.ingest(content, sobject, **more)
    rows = [{name: value for name, value in row.items() if name != "Id"} for row in org.rows(sobject)]
    told = bulk.job(job)
    results = [row[1:] for row in bulk.result(job, "successfulResults")]
    return rows, bulk.errors(job), told["state"], told["numberRecordsFailed"], results


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_both_ways_write_the_same(fresh_org: EmulatedOrg, bulk_type: Any, data: Any) -> None:
    sobject = data.draw(st.sampled_from(sorted(OBJECTS)))
    names = data.draw(st.lists(st.sampled_from(OBJECTS[sobject]), min_size=1, unique=True))
    rows = data.draw(
        st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), min_size=1, max_size=4)
    )
    content = "\n".join(",".join(each) for each in [names, *rows]) + "\n"
    outcomes = []
    for quick in (True, False):
        org = fresh_org.fork()
        org.has("Account", Name="Parent")
        with pytest.MonkeyPatch.context() as patch:
            if not quick:
                patch.setattr(plain_insert, "prepare", lambda *args: None)
            outcomes.append(written(org, bulk_type(org), sobject, content))
    assert outcomes[0] == outcomes[1]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_both_ways_change_and_delete_the_same(fresh_org: EmulatedOrg, bulk_type: Any, data: Any) -> None:
    base = fresh_org.fork()
    parent = base.has("Account", Name="Parent")
    made = [base.has("Contact", LastName=f"C{at}", AccountId=parent) for at in range(3)]
    made += [parent, base.has("Account", Name="Alone")]
    sobject = data.draw(st.sampled_from(["Account", "Contact"]))
    operation = data.draw(st.sampled_from(["update", "upsert", "delete"]))
    names = [] if operation == "delete" else data.draw(
        st.lists(st.sampled_from(OBJECTS[sobject]), min_size=1, unique=True)
    )  # fmt: skip
    given_ids = st.sampled_from([*made, "", "001Hu0000009999AAA", "x"])
    row = st.tuples(given_ids, *[CELLS] * len(names))
    rows = data.draw(st.lists(row, min_size=1, max_size=4))
    content = "\n".join(",".join(each) for each in [("Id", *names), *rows]) + "\n"
    more = {"externalIdFieldName": "Id"} if operation == "upsert" else {}
    outcomes = []
    for quick in (True, False):
        org = base.fork()
        with pytest.MonkeyPatch.context() as patch:
            if not quick:
                patch.setattr(loading.Task, "_write_alike", lambda *args: None)
            outcomes.append(written(org, bulk_type(org), sobject, content, operation=operation, **more))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("operation", ["update", "upsert", "delete"])
def test_a_plain_change_takes_the_quick_way(bulk: "Bulk", org: EmulatedOrg, operation: str) -> None:
    bulk.ingest("Name,Phone\n" + "".join(f"A{n},{n}\n" for n in range(400)))
    made = [row["Id"] for row in org.rows("Account")]
    statements: list[str] = []
    org.store.connection.set_trace_callback(statements.append)
    header, cell = ("Id", "") if operation == "delete" else ("Id,Phone", ",9")
    more = {"externalIdFieldName": "Id"} if operation == "upsert" else {}
    content = header + "\n" + "".join(f"{each}{cell}\n" for each in made)
    bulk.ingest(content, operation=operation, **more)
    org.store.connection.set_trace_callback(None)
    assert sum(each.startswith("SAVEPOINT") for each in statements) < 10
    left = org.rows("Account")
    assert [row["Phone"] for row in left] == ([] if operation == "delete" else ["9"] * 400)


def test_a_plain_load_does_take_the_quick_way(
    bulk: "Bulk", org: EmulatedOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    org.store.connection.set_trace_callback(statements.append)
    bulk.ingest("Name,Phone\n" + "".join(f"A{n},{n}\n" for n in range(400)))
    rows = len(org.rows("Account"))
    org.store.connection.set_trace_callback(None)
    savepoints = [each for each in statements if each.startswith("SAVEPOINT")]
    assert rows == 400
    assert len(savepoints) < 10
