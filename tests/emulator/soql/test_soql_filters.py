"""Which rows a WHERE clause finds. Each line is one claim: the condition, and the keys it finds."""

import pytest

from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg

ALL = "A1 B2 C3 D4"

FINDS = [
    # text
    ("Name = 'acme'", "A1"),
    ("Name = 'ACME' AND Key__c = 'a1'", "A1"),
    ("Exact__c = 'Acme'", "A1"),
    ("Exact__c = 'ACME'", ""),
    ("Name != 'Acme'", "B2 C3 D4"),
    ("Name <> 'Acme'", "B2 C3 D4"),
    ("Industry != 'Media'", "C3 D4"),
    ("Industry = null", "D4"),
    ("Industry != null", "A1 B2 C3"),
    ("Industry = ''", "D4"),
    ("Industry != ''", "A1 B2 C3"),
    ("Industry > ''", "A1 B2 C3"),
    ("Id > ''", ALL),
    ("Name <= ''", ""),
    ("Name > 'b'", "B2 C3 D4"),
    ("Name >= 'beta' AND Name < 'e'", "B2 D4"),
    ("Name <= 'ACME'", "A1"),
    # NOT, AND, OR
    ("NOT Industry = 'Media'", "C3 D4"),
    ("NOT Industry != 'Media'", "A1 B2"),
    ("(NOT Industry = 'Media') AND Key__c != 'C3'", "D4"),
    ("NOT (Industry = 'Media' AND Key__c = 'A1')", "B2 C3 D4"),
    ("NOT (Industry = 'Media' OR Key__c = 'C3')", "D4"),
    ("NOT (NOT (Industry = 'Media'))", "A1 B2"),
    ("NOT NOT Industry = 'Media'", "A1 B2"),
    ("Key__c = 'A1' OR Key__c = 'B2' OR Key__c = 'C3'", "A1 B2 C3"),
    ("(Key__c = 'A1' OR Key__c = 'B2') AND Live__c = true", "A1"),
    ("NOT Score__c > 1", "C3 D4"),
    # LIKE
    ("Name LIKE 'a%'", "A1"),
    ("Name LIKE '%A%'", ALL),
    ("Name LIKE 'Acm_'", "A1"),
    ("Name LIKE '_cme'", "A1"),
    ("Name LIKE '%100\\%'", "C3"),
    ("Name LIKE '%\\%%'", "C3"),
    ("Name LIKE 'Del\\_ta'", "D4"),
    ("Name LIKE 'Acm\\_'", ""),
    ("(NOT Industry LIKE 'M%')", "C3 D4"),
    ("Industry LIKE null", ""),
    # IN
    ("Key__c IN ('A1', 'c3', 'nobody')", "A1 C3"),
    ("Key__c NOT IN ('A1', 'C3')", "B2 D4"),
    ("Industry IN ('Energy', null)", "C3 D4"),
    ("Industry NOT IN ('Energy')", "A1 B2 D4"),
    ("Industry NOT IN ('Energy', null)", "A1 B2"),
    ("Industry IN ('')", "D4"),
    ("Size__c IN (10, 30)", "A1"),
    ("Size__c NOT IN (10)", "B2 C3 D4"),
    ("Live__c IN (true)", "A1 C3"),
    ("NOT Key__c IN ('A1')", "B2 C3 D4"),
    # numbers
    ("Score__c = 1.5", "A1"),
    ("Score__c > 1", "A1 B2"),
    ("Score__c < -3.5", "C3"),
    ("Score__c >= 1.5 AND Score__c <= 2.5", "A1 B2"),
    ("Score__c != 1.5", "B2 C3 D4"),
    ("Score__c = +2.5", "B2"),
    ("Score__c < 1e3", "A1 B2 C3"),
    ("Size__c = 20", "B2 C3"),
    ("Size__c = 20.0", "B2 C3"),
    ("AnnualRevenue > USD5000", ""),
    ("Size__c < 99999999999999999999", "A1 B2 C3"),
    # booleans
    ("Live__c = true", "A1 C3"),
    ("Live__c = FALSE", "B2 D4"),
    ("Live__c != true", "B2 D4"),
    ("Live__c = null", "B2 D4"),
    ("Live__c != null", "A1 C3"),
    # multi-select picklists
    ("Colours__c = 'Blue;Red'", "A1"),
    ("Colours__c = 'Red'", ""),
    ("Colours__c != 'Red;Blue'", "B2 C3 D4"),
    ("Colours__c INCLUDES ('Red')", "A1 C3"),
    ("Colours__c INCLUDES ('red;green')", "C3"),
    ("Colours__c INCLUDES ('Red;Green', 'Blue')", "A1 C3"),
    ("Colours__c EXCLUDES ('Red')", "B2 D4"),
    ("Colours__c EXCLUDES ('Red', 'Green')", "D4"),
    ("Colours__c = null", "D4"),
    # dates
    ("Day__c = 2024-02-29", "A1"),
    ("Day__c < 2024-02-29", "B2 C3"),
    ("Day__c != 2024-02-29", "B2 C3 D4"),
    ("Day__c IN (2024-02-29, 2023-12-31)", "A1 C3"),
    ("Day__c = TODAY", "A1"),
    ("Day__c = today", "A1"),
    ("Day__c = YESTERDAY", "B2"),
    ("Day__c < TODAY", "B2 C3"),
    ("Day__c > YESTERDAY", "A1"),
    ("Day__c <= YESTERDAY", "B2 C3"),
    ("Day__c >= YESTERDAY", "A1 B2"),
    ("Day__c != TODAY", "B2 C3 D4"),
    ("Day__c IN (TODAY, YESTERDAY)", "A1 B2"),
    ("Day__c NOT IN (TODAY, YESTERDAY)", "C3 D4"),
    ("Day__c = THIS_WEEK", "A1 B2"),
    ("Day__c = THIS_MONTH", "A1 B2"),
    ("Day__c = LAST_YEAR", "C3"),
    ("Day__c = LAST_QUARTER", "C3"),
    ("Day__c = LAST_N_DAYS:1", "A1 B2"),
    ("Day__c = LAST_N_DAYS:365", "A1 B2 C3"),
    ("Day__c = N_DAYS_AGO:1", "B2"),
    ("Day__c = LAST_N_MONTHS:2", "C3"),
    ("Day__c = LAST_N_YEARS:1", "C3"),
    ("Day__c = NEXT_N_DAYS:5", ""),
    ("Day__c = LAST_90_DAYS", "A1 B2 C3"),
    ("Day__c > LAST_N_FISCAL_YEARS : 1", "A1 B2"),
    # datetimes and times
    ("Moment__c = 2024-02-29T01:00:00Z", "A1"),
    ("Moment__c = 2024-02-29T02:00:00+01:00", "A1"),
    ("Moment__c = 2024-02-28T17:00:00-0800", "A1"),
    ("Moment__c > 2024-02-28T23:00:00.000Z", "A1"),
    ("Moment__c < 2024-01-01T00:00:00Z", "C3"),
    ("CreatedDate = TODAY", ALL),
    ("Hour__c = 10:15:00.000Z", "A1"),
    ("Hour__c > 09:00:00Z", "A1"),
    # date functions
    ("CALENDAR_YEAR(Day__c) = 2023", "C3"),
    ("CALENDAR_MONTH(Day__c) = 2", "A1 B2"),
    ("CALENDAR_QUARTER(Day__c) = 4", "C3"),
    ("DAY_IN_MONTH(Day__c) = 29", "A1"),
    ("DAY_IN_WEEK(Day__c) = 1", "C3"),
    ("DAY_IN_YEAR(Day__c) = 365", "C3"),
    ("WEEK_IN_MONTH(Day__c) = 5", "A1 C3"),
    ("WEEK_IN_YEAR(Day__c) = 53", "C3"),
    ("HOUR_IN_DAY(Moment__c) = 23", "B2"),
    ("DAY_ONLY(Moment__c) = 2024-02-28", "B2"),
    ("FISCAL_YEAR(Day__c) = 2024", "A1 B2"),
    ("CALENDAR_YEAR(convertTimezone(Moment__c)) = 2023", "C3"),
    # ids, parents, polymorphic parents
    ("Parent.Name = 'Acme'", "B2"),
    ("Parent.Name = null", "A1 D4"),
    ("Parent.Name != 'Acme'", "A1 C3 D4"),
    ("Parent.Parent.Key__c = 'A1'", "C3"),
    ("Account.Parent.Key__c = 'A1'", "B2"),
    ("Parent.Live__c = false", "A1 C3 D4"),
    ("Parent.Live__c = true OR Key__c = 'D4'", "B2 D4"),
    ("ParentId = null", "A1 D4"),
    ("ParentId != null AND Owner.Name != null", "B2 C3"),
    ("Id = null", ""),
    ("Owner.Username LIKE '%@%'", ALL),
    # semi-joins
    ("Id IN (SELECT AccountId FROM Contact)", "A1 B2"),
    ("Id NOT IN (SELECT AccountId FROM Contact)", "C3 D4"),
    ("Id IN (SELECT AccountId FROM Contact WHERE LastName = 'Cid')", "B2"),
    ("Id IN (SELECT Contact.AccountId FROM Contact WHERE Contact.LastName = 'Cid')", "B2"),
    ("Id IN (SELECT AccountId FROM Contact) AND Id NOT IN (SELECT AccountId FROM Case)", ""),
    ("OwnerId IN (SELECT Id FROM User WHERE IsActive = true) AND Key__c = 'A1'", "A1"),
    # labels
    ("toLabel(Colour__c) = 'green PAINT'", "A1"),
    ("toLabel(Colour__c) IN ('Red paint', 'Blue')", "B2"),
    # places
    ("DISTANCE(Spot__c, GEOLOCATION(48.85, 2.35), 'km') < 50", "A1"),
    ("DISTANCE(Spot__c, GEOLOCATION(48.85, 2.35), 'mi') < 500", "A1 B2"),
    ("BillingCity = 'paris'", "A1"),
]


@pytest.mark.parametrize(("condition", "keys"), FINDS, ids=[condition for condition, _ in FINDS])
def test_a_condition_finds_the_rows_it_describes(org: EmulatedOrg, condition: str, keys: str) -> None:
    found = org.query(f"SELECT Key__c FROM Account WHERE {condition} ORDER BY Key__c")
    assert " ".join(row["Key__c"] for row in found.records) == keys


def test_an_id_is_found_by_15_characters_18_and_18_in_the_wrong_case(org: EmulatedOrg) -> None:
    (row,) = org.query("SELECT Id FROM Account WHERE Key__c = 'A1'").records
    for written in (row["Id"], row["Id"][:15], row["Id"].swapcase()[:15] + row["Id"][15:]):
        assert org.query(f"SELECT Key__c FROM Account WHERE Id = '{written}'").total_size == 1


def test_a_long_list_of_values_finds_the_same_rows_as_a_short_one(org: EmulatedOrg) -> None:
    values = ", ".join(f"'{number}'" for number in range(3_000))
    assert org.query(f"SELECT Id FROM Account WHERE Key__c IN ({values}, 'a1')").total_size == 1
    assert org.query(f"SELECT Id FROM Account WHERE Key__c NOT IN ({values}, 'a1')").total_size == 3


def test_thousands_of_conditions_are_one_condition(org: EmulatedOrg) -> None:
    many = " OR ".join(f"Size__c = {number}" for number in range(20, 4_000))
    assert org.query(f"SELECT Id FROM Account WHERE {many}").total_size == 2
    assert org.query(f"SELECT Id FROM Account WHERE NOT ({many})").total_size == 2


def test_rows_can_be_read_page_by_page_of_rising_ids(org: EmulatedOrg) -> None:
    seen: list[str] = []
    last = "000000000000000"
    while page := org.query(f"SELECT Id FROM Account WHERE Id > '{last}' ORDER BY Id LIMIT 3").records:
        seen += (row["Id"] for row in page)
        last = seen[-1]
    assert seen == [row["Id"] for row in org.query("SELECT Id FROM Account").records]


def test_rows_in_the_recycle_bin_are_seen_only_when_asked_for(org: EmulatedOrg) -> None:
    assert org.query("SELECT Id FROM Account WHERE Key__c = 'Z9'").total_size == 0
    found = org.query("SELECT Id, IsDeleted FROM Account WHERE Key__c = 'Z9'", all_rows=True)
    assert [row["IsDeleted"] for row in found.records] == [True]


def test_all_rows_of_an_object_without_a_recycle_bin_are_just_its_rows(org: EmulatedOrg) -> None:
    plain = org.query("SELECT Id FROM User")
    assert org.query("SELECT Id FROM User", all_rows=True).records == plain.records


def test_scope_mine_finds_the_rows_the_user_owns(org: EmulatedOrg) -> None:
    assert org.query("SELECT Id FROM Case USING SCOPE mine").total_size == 1
    assert org.query("SELECT Id FROM Case USING SCOPE everything").total_size == 2


@pytest.mark.parametrize("digits", [30, 301, 5000])
def test_numbers_of_absurdly_many_digits_compare_like_numbers(org: EmulatedOrg, digits: int) -> None:
    huge, small = "9" * digits, "0" * digits + "1"
    for found, where in [
        (4, f"LIMIT {huge}"),
        (1, f"LIMIT {small}"),
        (0, f"WHERE Size__c > {huge}"),
        (0, f"WHERE Score__c < -{huge}"),
        (0, f"WHERE Score__c IN ({huge}, -{huge})"),
        (0, f"WHERE AnnualRevenue > USD{huge}"),
    ]:
        assert len(org.query(f"SELECT Id FROM Account {where}").records) == found, where[:40]
    for refused in (f"LIMIT 1 OFFSET {huge}", f"WHERE CreatedDate = LAST_N_DAYS:{huge}"):
        with pytest.raises(ApiError):
            org.query(f"SELECT Id FROM Account {refused}")
