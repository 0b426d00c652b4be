"""Claims about the org object: fresh, kept in a file, forked, compared."""

import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.emulator.clock import Clock
from reconciler.emulator.errors import InvalidField, NotFound
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field
from reconciler.emulator.store import DamagedStore


def test_a_fresh_org_has_an_organization_an_administrator_and_what_every_org_has(org: EmulatedOrg) -> None:
    (organization,) = org.rows("Organization")
    assert organization["Id"] == org.org_id
    (admin,) = org.rows("User", UserType="Standard")
    assert (admin["Id"], admin["Username"]) == (org.admin_id, org.username)
    assert {row["Name"] for row in org.rows("Profile")} >= {"System Administrator", "Standard User"}
    assert len(org.rows("PermissionSet", IsOwnedByProfile=True)) == len(org.rows("Profile"))
    assert [row["Name"] for row in org.rows("BusinessHours", IsDefault=True)] == ["Default"]
    assert [row["Name"] for row in org.rows("Pricebook2", IsStandard=True)] == ["Standard Price Book"]
    assert len(org.rows("UserLogin")) == len(org.rows("User"))
    assert org.rows("Group", Type="Organization")


def test_two_fresh_orgs_are_the_same_and_have_secrets_of_their_own() -> None:
    first, second = EmulatedOrg(clock=Clock.fixed()), EmulatedOrg(clock=Clock.fixed())
    assert first.snapshot() == second.snapshot()
    assert first.password != second.password
    assert first.client_secret != second.client_secret


def test_ids_go_on_where_they_were_when_a_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "org.db"
    first = EmulatedOrg(path)
    account = first.has("Account", Name="A")
    with first.transaction() as tx:
        tx.delete("Account", account)
    first.close()
    again = EmulatedOrg(path)
    assert again.has("Account", Name="B") != account
    again.close()


def test_a_file_that_is_left_in_the_middle_of_a_transaction_holds_none_of_it(tmp_path: Path) -> None:
    path = tmp_path / "org.db"
    first = EmulatedOrg(path)
    before = first.snapshot()
    first.store.connection.execute("BEGIN IMMEDIATE")
    first.store.connection.execute('INSERT INTO "Account" ("Id", "Name") VALUES (1, \'half\')')
    first.close()
    again = EmulatedOrg(path)
    assert again.snapshot() == before
    again.close()


def test_processes_that_share_a_file_see_each_other_and_give_no_id_twice(tmp_path: Path) -> None:
    first, second = EmulatedOrg(tmp_path / "org.db"), EmulatedOrg(tmp_path / "org.db")
    assert (first.org_id, first.password) == (second.org_id, second.password)
    ids = [org.has("Account", Name="A") for org in (first, second, first, second)]
    assert len(set(ids)) == 4
    first.additions.add_fields("Account", [Field(name="Key__c", type="string", label="Key", custom=True)])
    made = second.has("Account", Name="B", Key__c="K")
    assert first.retrieve("Account", made, ["Key__c"])["Key__c"] == "K"
    first.close()
    second.close()


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"x" * 2000])
def test_a_file_that_is_no_org_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "org.db"
    path.write_bytes(content)
    with pytest.raises(DamagedStore, match=r"org\.db is not the database of an emulated org"):
        EmulatedOrg(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    with pytest.raises(DamagedStore, match="it has other tables"):
        EmulatedOrg(path)
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    other.close()


def test_a_fork_goes_its_own_way(org: EmulatedOrg) -> None:
    org.has("Account", Name="A")
    twin = org.fork()
    assert twin.snapshot() == org.snapshot()
    twin.has("Account", Name="B")
    twin.clock.advance(5000)
    assert len(org.rows("Account")) == 1
    assert org.clock.now_ms() < twin.clock.now_ms()
    assert (twin.org_id, twin.password) == (org.org_id, org.password)


def test_a_field_added_to_a_fork_is_unknown_to_the_org_it_came_from(org: EmulatedOrg) -> None:
    assert org.tables["Account"].entry("Phone")  # compiled before, and shared
    twin = org.fork()
    new = Field(name="New__c", type="string", label="New", length=10, custom=True)
    twin.schema.add_field("Account", new)
    twin.store.add_column(twin.schema["Account"], new)
    twin.has("Account", Name="A", New__c="x")
    assert [row["New__c"] for row in twin.rows("Account")] == ["x"]
    with pytest.raises(InvalidField):
        org.has("Account", Name="A", New__c="x")
    assert org.rows("Account") == []


def test_a_row_made_anew_looks_like_the_row_that_was(org: EmulatedOrg) -> None:
    account = org.has("Account", Name="A")
    org.has("Contact", LastName="L", AccountId=account)
    before = org.snapshot()
    with org.transaction() as tx:
        tx.delete("Account", account)
    assert org.snapshot() != before
    org.clock.advance(1000)
    org.has("Contact", LastName="L", AccountId=org.has("Account", Name="A"))
    assert org.snapshot() == before


def test_a_changed_value_shows_in_a_snapshot(org: EmulatedOrg) -> None:
    account = org.has("Account", Name="A")
    before = org.snapshot()
    with org.transaction() as tx:
        tx.update("Account", account, {"Phone": "1"})
    assert org.snapshot() != before


def test_a_row_that_never_was_is_not_found(org: EmulatedOrg) -> None:
    for record_id in ("001Hu0000000009IAA", "nonsense", "003Hu0000000001IAA"):
        with pytest.raises(NotFound):
            org.retrieve("Account", record_id)


def test_only_a_fixed_clock_is_moved() -> None:
    with pytest.raises(ValueError, match="real clock"):
        Clock().advance(1)
    ticking = EmulatedOrg(clock=Clock.fixed(0, tick_ms=1000))
    stamps = [ticking.retrieve("Account", ticking.has("Account", Name="A"))["CreatedDate"] for _ in "ab"]
    assert stamps[0] < stamps[1]


def test_threads_write_without_losing_rows(org: EmulatedOrg) -> None:
    def work() -> None:
        for _ in range(20):
            org.has("Account", Name="A")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({row["Id"] for row in org.rows("Account")}) == 80


def test_definitions_tell_the_schema(org: EmulatedOrg) -> None:
    entity = {row["QualifiedApiName"]: row for row in _definitions(org, "EntityDefinition")}
    assert entity["Account"]["KeyPrefix"] == "001"
    names = {row["QualifiedApiName"]: row["DataType"] for row in _definitions(org, "FieldDefinition")}
    assert names["AnnualRevenue"] == "Currency(18, 0)"
    assert names["Industry"] == "Picklist"


def _definitions(org: EmulatedOrg, name: str) -> list[dict[str, object]]:
    org.definitions.refresh_for(name)
    return org.rows(name)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["insert", "update", "delete", "undelete", "fail"]), max_size=12))
def test_a_failed_transaction_leaves_the_org_as_it_was_whatever_came_before(acts: list[str]) -> None:
    org = EmulatedOrg(clock=Clock.fixed(0, tick_ms=1000))
    made: list[str] = []
    for act in acts:
        before = org.snapshot()
        try:
            with org.transaction() as tx:
                if act == "insert" or not made:
                    made.append(tx.insert("Account", {"Name": f"A{len(made)}"}))
                elif act == "fail":
                    tx.insert("Account", {"Name": "never"})
                    raise RuntimeError("fails on purpose")
                else:
                    _act(tx, act, made[-1])
        except Exception:
            assert org.snapshot() == before
    org.close()


def _act(tx: object, act: str, account: str) -> None:
    write = getattr(tx, act)
    if act == "update":
        write("Account", account, {"Phone": "1"})
    else:
        write("Account", account)
