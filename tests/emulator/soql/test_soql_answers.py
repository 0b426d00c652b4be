"""What the records of an answer look like."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.soql.parse import parse

RECORDINGS = Path(__file__).resolve().parents[4] / "shared" / "recordings" / "query"


def plain(value: Any) -> Any:
    """A record without attributes and the frame of child rows."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "records" in value:
        return plain(value["records"])
    return {key: plain(each) for key, each in value.items() if key != "attributes"}


ONE = "FROM Account WHERE Key__c = 'A1'"
ANSWERS: list[tuple[str, Any]] = [
    (f"select name, KEY__C {ONE}", [{"Name": "Acme", "Key__c": "A1"}]),
    (f"SELECT Score__c, Size__c, Live__c {ONE}", [{"Score__c": 1.5, "Size__c": 10, "Live__c": True}]),
    (f"SELECT Day__c, Hour__c {ONE}", [{"Day__c": "2024-02-29", "Hour__c": "10:15:00.000Z"}]),
    (f"SELECT Moment__c {ONE}", [{"Moment__c": "2024-02-29T01:00:00.000+0000"}]),
    (f"SELECT Colours__c, Notes__c {ONE}", [{"Colours__c": "Red;Blue", "Notes__c": "long"}]),
    (f"SELECT Spot__c {ONE}", [{"Spot__c": {"latitude": 48.8566, "longitude": 2.3522}}]),
    (
        "SELECT BillingAddress, Live__c FROM Account WHERE Key__c = 'D4'",
        [{"BillingAddress": None, "Live__c": False}],
    ),
    (f"SELECT toLabel(Colour__c) {ONE}", [{"Colour__c": "Green paint"}]),
    (f"SELECT toLabel(Colour__c) shade {ONE}", [{"shade": "Green paint"}]),
    (f"SELECT FORMAT(Day__c) d, FORMAT(Score__c) s {ONE}", [{"d": "2/29/2024", "s": "1.50"}]),
    (f"SELECT Account.Name {ONE}", [{"Name": "Acme"}]),
    ("SELECT a.Name FROM Account a WHERE a.Key__c = 'A1'", [{"Name": "Acme"}]),
    (
        "SELECT c.Name, a.Name FROM Contact c, c.Account a WHERE a.Key__c = 'B2'",
        [{"Name": "Cid", "Account": {"Name": "beta"}}],
    ),
    (
        "SELECT Contact.LastName, Contact.Account.Parent.Name FROM Contact WHERE LastName = 'Cid'",
        [{"LastName": "Cid", "Account": {"Parent": {"Name": "Acme"}}}],
    ),
    (
        "SELECT Account.Name, LastName FROM Contact WHERE LastName = 'Dan'",
        [{"Account": None, "LastName": "Dan"}],
    ),
    ("SELECT Parent.Parent.Name FROM Account WHERE Key__c = 'B2'", [{"Parent": {"Parent": None}}]),
    ("SELECT Account.Name, Account.Key__c, Account.Id FROM Contact WHERE LastName = 'Nobody'", []),
    (
        "SELECT Subject, Owner.Name, Owner.Type FROM Case WHERE Subject = 'one'",
        [{"Subject": "one", "Owner": {"Name": "Triage", "Type": "Queue"}}],
    ),
    ("SELECT Owner.Type FROM Case WHERE Owner.Type = 'user'", [{"Owner": {"Type": "User"}}]),
    ("SELECT Subject FROM Case WHERE Owner.Name = 'TRIAGE'", [{"Subject": "one"}]),
    (
        "SELECT What.Name, Who.Name, Who.FirstName, Who.Email FROM Task WHERE Subject = 'call'",
        [{"What": {"Name": "Acme"}, "Who": {"Name": "A Ann", "FirstName": "A", "Email": "ann@example.com"}}],
    ),
    (
        "SELECT Who.Type FROM Task ORDER BY Subject",
        [{"Who": {"Type": "Contact"}}, {"Who": None}, {"Who": {"Type": "Lead"}}],
    ),
    (
        "SELECT TYPEOF Who WHEN Contact THEN LastName, Account.Name WHEN Lead THEN Company END FROM Task "
        "ORDER BY Subject",
        [
            {"Who": {"LastName": "Ann", "Account": {"Name": "Acme"}}},
            {"Who": None},
            {"Who": {"Company": "Leeco"}},
        ],
    ),
    (
        "SELECT TYPEOF Who WHEN Lead THEN Company ELSE Name, Email END FROM Task WHERE Subject = 'call'",
        [{"Who": {"Name": "A Ann", "Email": "ann@example.com"}}],
    ),
    (
        "SELECT Key__c, (SELECT LastName FROM Contacts ORDER BY LastName DESC) FROM Account ORDER BY Key__c",
        [
            {"Key__c": "A1", "Contacts": [{"LastName": "Bob"}, {"LastName": "Ann"}]},
            {"Key__c": "B2", "Contacts": [{"LastName": "Cid"}]},
            {"Key__c": "C3", "Contacts": None},
            {"Key__c": "D4", "Contacts": None},
        ],
    ),
    (
        f"SELECT (SELECT LastName FROM Contacts ORDER BY LastName LIMIT 1) {ONE}",
        [{"Contacts": [{"LastName": "Ann"}]}],
    ),
    (
        f"SELECT (SELECT LastName FROM Contacts ORDER BY LastName LIMIT 1 OFFSET 1) {ONE} LIMIT 1",
        [{"Contacts": [{"LastName": "Bob"}]}],
    ),
    (
        "SELECT Account.Name, (SELECT Contact.LastName, Account.Name FROM Account.Contacts c "
        f"WHERE c.FirstName = 'a') {ONE}",
        [{"Name": "Acme", "Contacts": [{"LastName": "Ann", "Account": {"Name": "Acme"}}]}],
    ),
    (
        "SELECT (SELECT Name, (SELECT LastName FROM Contacts) FROM ChildAccounts), "
        f"(SELECT Subject FROM Cases) {ONE}",
        [
            {
                "ChildAccounts": [{"Name": "beta", "Contacts": [{"LastName": "Cid"}]}],
                "Cases": [{"Subject": "one"}],
            }
        ],
    ),
    (
        f"SELECT (SELECT Subject FROM Tasks WHERE CreatedDate = TODAY) {ONE}",
        [{"Tasks": [{"Subject": "call"}]}],
    ),
    # aggregates
    ("SELECT COUNT(Id) FROM Account", [{"expr0": 4}]),
    (
        "SELECT COUNT(Id) c, COUNT(Industry), COUNT_DISTINCT(Industry) FROM Account",
        [{"c": 4, "expr0": 3, "expr1": 2}],
    ),
    (
        "SELECT SUM(Score__c), AVG(Size__c), SUM(Size__c) FROM Account",
        [{"expr0": 0.0, "expr1": 50 / 3, "expr2": 50}],
    ),
    (
        "SELECT MIN(Colour__c), MAX(Colour__c), MIN(Name), MAX(Day__c) FROM Account",
        [{"expr0": "Red", "expr1": "Blue", "expr2": "Acme", "expr3": "2024-02-29"}],
    ),
    ("SELECT MAX(Moment__c) m FROM Account", [{"m": "2024-02-29T01:00:00.000+0000"}]),
    ("SELECT SUM(Score__c) s FROM Account WHERE Name = 'nobody'", [{"s": None}]),
    (
        "SELECT Industry, COUNT(Id) FROM Account GROUP BY Industry",
        [
            {"Industry": None, "expr0": 1},
            {"Industry": "Energy", "expr0": 1},
            {"Industry": "Media", "expr0": 2},
        ],
    ),
    (
        "SELECT Industry i, COUNT(Id) n FROM Account GROUP BY Industry HAVING COUNT(Id) > 1",
        [{"i": "Media", "n": 2}],
    ),
    (
        "SELECT Industry FROM Account GROUP BY Industry HAVING Industry LIKE 'm%' OR COUNT(Id) > 5",
        [{"Industry": "Media"}],
    ),
    (
        "SELECT Account.Name, COUNT(Id) FROM Contact GROUP BY Account.Name ORDER BY COUNT(Id) DESC, "
        "Account.Name NULLS LAST LIMIT 2",
        [{"Name": "Acme", "expr0": 2}, {"Name": "beta", "expr0": 1}],
    ),
    (
        "SELECT CALENDAR_YEAR(Day__c), COUNT(Id) FROM Account WHERE Day__c != null "
        "GROUP BY CALENDAR_YEAR(Day__c)",
        [{"expr0": 2023, "expr1": 1}, {"expr0": 2024, "expr1": 2}],
    ),
    (
        "SELECT Industry, COUNT(Id) n, GROUPING(Industry) g FROM Account WHERE Industry != null "
        "GROUP BY ROLLUP(Industry)",
        [
            {"Industry": "Energy", "n": 1, "g": 0},
            {"Industry": "Media", "n": 2, "g": 0},
            {"Industry": None, "n": 3, "g": 1},
        ],
    ),
    (
        "SELECT Industry, Live__c, COUNT(Id) n FROM Account WHERE Industry = 'Media' "
        "GROUP BY CUBE(Industry, Live__c)",
        [
            {"Industry": "Media", "Live__c": False, "n": 1},
            {"Industry": "Media", "Live__c": True, "n": 1},
            {"Industry": "Media", "Live__c": None, "n": 2},
            {"Industry": None, "Live__c": False, "n": 1},
            {"Industry": None, "Live__c": True, "n": 1},
            {"Industry": None, "Live__c": None, "n": 2},
        ],
    ),
    ("SELECT FORMAT(MAX(Day__c)) d FROM Account", [{"d": "2/29/2024"}]),
]


@pytest.mark.parametrize(("soql", "rows"), ANSWERS, ids=[soql for soql, _ in ANSWERS])
def test_a_query_answers_these_rows(org: EmulatedOrg, soql: str, rows: Any) -> None:
    assert plain(org.query(soql).records) == rows


ORDERS = [
    ("Name", "A1 B2 D4 C3"),
    ("Name DESC", "C3 D4 B2 A1"),
    ("Industry, Key__c", "D4 C3 A1 B2"),
    ("Industry NULLS LAST, Key__c DESC", "C3 B2 A1 D4"),
    ("Industry DESC, Key__c", "D4 A1 B2 C3"),
    ("Industry DESC NULLS LAST, Key__c", "A1 B2 C3 D4"),
    ("Colour__c NULLS LAST", "B2 A1 C3 D4"),
    ("Score__c ASC NULLS FIRST", "D4 C3 A1 B2"),
    ("Parent.Name NULLS LAST, Name", "B2 C3 A1 D4"),
    ("DISTANCE(Spot__c, GEOLOCATION(51.5, 0), 'km') NULLS LAST, Name", "B2 A1 D4 C3"),
    ("Name LIMIT 2", "A1 B2"),
    ("Name LIMIT 2 OFFSET 1", "B2 D4"),
    ("Name OFFSET 3", "C3"),
    ("Name LIMIT 0", ""),
    ("Name LIMIT 1 FOR VIEW", "A1"),
    ("Name LIMIT 1 FOR REFERENCE", "A1"),
    ("Name LIMIT 1 FOR UPDATE", "A1"),
    ("Name LIMIT 1 UPDATE TRACKING, VIEWSTAT", "A1"),
]


@pytest.mark.parametrize(("order", "keys"), ORDERS)
def test_rows_come_in_the_order_asked_for(org: EmulatedOrg, order: str, keys: str) -> None:
    assert (
        " ".join(row["Key__c"] for row in org.query(f"SELECT Key__c FROM Account ORDER BY {order}").records)
        == keys
    )


@pytest.mark.parametrize("mode", ["SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"])
def test_security_clauses_are_read(org: EmulatedOrg, mode: str) -> None:
    assert org.query(f"SELECT Id FROM Account WHERE Key__c = 'A1' WITH {mode} LIMIT 1").total_size == 1


@pytest.mark.parametrize(
    ("soql", "total"),
    [
        ("SELECT COUNT() FROM Account", 4),
        ("select count() from Account where Key__c = 'A1'", 1),
        ("SELECT COUNT() FROM Account LIMIT 3", 3),
        ("SELECT COUNT() FROM Contact WHERE Account.Name = 'Acme'", 2),
        ("SELECT COUNT()FROM Group WHERE Type = 'Queue'", 1),
    ],
)
def test_count_answers_a_number_and_no_rows(org: EmulatedOrg, soql: str, total: int) -> None:
    found = org.query(soql)
    assert (found.is_count, found.total_size, found.records) == (True, total, [])


def test_attributes_name_the_type_and_the_address_of_each_row(org: EmulatedOrg) -> None:
    (row,) = org.query(
        "SELECT Id, Account.Id, Owner.Name, (SELECT Id FROM Tasks) FROM Contact WHERE LastName = 'Ann'",
        version="59.0",
    ).records
    base = "/services/data/v59.0/sobjects"
    assert list(row) == ["attributes", "Id", "Account", "Owner", "Tasks"]
    assert row["attributes"] == {"type": "Contact", "url": f"{base}/Contact/{row['Id']}"}
    assert row["Account"]["attributes"]["url"] == f"{base}/Account/{row['Account']['Id']}"
    (task,) = row["Tasks"]["records"]
    assert row["Tasks"] == {"totalSize": 1, "done": True, "records": [task]}
    assert task["attributes"]["type"] == "Task"


def test_a_polymorphic_parent_is_a_name_at_the_address_of_its_object(org: EmulatedOrg) -> None:
    (row,) = org.query("SELECT Owner.Name FROM Case WHERE Subject = 'one'").records
    assert row["Owner"]["attributes"]["type"] == "Name"
    assert "/sobjects/Group/00G" in row["Owner"]["attributes"]["url"]


def test_aggregates_have_a_type_and_no_address(org: EmulatedOrg) -> None:
    (row,) = org.query("SELECT COUNT(Id) FROM Account").records
    assert row["attributes"] == {"type": "AggregateResult"}


def test_recorded_queries_are_understood() -> None:
    if not RECORDINGS.is_dir():
        pytest.skip("the recordings are not beside the repository")
    read = 0
    for file in sorted(RECORDINGS.glob("*-200-*.json")):
        path = json.loads(file.read_text())["request"]["path"]
        for soql in parse_qs(urlsplit(path).query).get("q", []):
            if "..." not in soql:
                assert parse(soql).selected
                read += 1
    assert read > 30


def test_fields_all_names_every_field(org: EmulatedOrg) -> None:
    (row,) = org.query("SELECT FIELDS(ALL) FROM Account WHERE Key__c = 'A1' LIMIT 200").records
    assert set(row) - {"attributes"} == {each.name for each in org.schema["Account"].fields.values()}


def test_fields_custom_and_standard_part_the_fields(org: EmulatedOrg) -> None:
    (custom,) = org.query("SELECT FIELDS(CUSTOM) FROM Account WHERE Key__c = 'A1' LIMIT 1").records
    (standard,) = org.query("SELECT FIELDS(STANDARD) FROM Account WHERE Key__c = 'A1'").records
    assert all(name.endswith(("__c", "__s")) for name in custom if name != "attributes")
    assert set(custom) & set(standard) == {"attributes"}


def test_column_metadata_tells_paths_children_and_functions_apart(org: EmulatedOrg) -> None:
    found = org.query("SELECT Id, Account.Owner.Name, (SELECT Subject FROM Tasks) FROM Contact")
    told = found.column_metadata()["columnMetadata"]
    assert [(each["columnName"], each["aggregate"]) for each in told] == [
        ("Id", False),
        ("Account", False),
        ("Tasks", True),
    ]
    assert told[1]["joinColumns"][0]["joinColumns"][0]["columnName"] == "Name"
    assert [each["columnName"] for each in told[2]["joinColumns"]] == ["Subject"]
    (count,) = org.query("SELECT COUNT(Id) FROM Contact").column_metadata()["columnMetadata"]
    assert (count["columnName"], count["displayName"], count["aggregate"]) == ("expr0", "count", True)


def test_the_same_query_sees_a_field_that_was_added_since() -> None:
    from reconciler.emulator.schema import Field

    fresh = EmulatedOrg()
    query = "SELECT FIELDS(CUSTOM) FROM Account LIMIT 1"
    fresh.has("Account", Name="x")
    fresh.query("SELECT Name FROM Account")
    fresh.additions.add_fields(
        "Account", [Field(name="New__c", type="string", label="New", length=9, custom=True)]
    )
    assert list(fresh.query(query).records[0]) == ["attributes", "New__c"]
    fresh.close()
