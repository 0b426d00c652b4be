"""Duplicate rules, lookup filters, locks and storage: what an org was told to ask of rows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.errors import ApiError
from reconciler.emulator.http import sessions
from reconciler.emulator.http.endpoints.limits import set_limits
from reconciler.emulator.http.message import Headers, Request
from reconciler.emulator.http.service import exchange
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.rules import locks
from reconciler.emulator.rules.matching import alike
from reconciler.emulator.schema import Field
from reconciler.emulator.writes import Transaction
from tests.emulator.http.test_partner_soap import Soap, name, sobject, told

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
SAID = "Use one of these records?"


def put(org: EmulatedOrg, kind: str, name: str, inside: str) -> None:
    org.components.put(kind, name, f'<{kind} xmlns="{NAMESPACE}">{inside}</{kind}>'.encode())


def rule(org: EmulatedOrg, matching: str, *, insert: str = "Allow", alert: bool = True, **more: str) -> None:
    """A duplicate rule of accounts."""
    operations = "<operationsOnInsert>Alert</operationsOnInsert>" * alert
    others = "".join(f"<{name}>{value}</{name}>" for name, value in more.items())
    put(
        org,
        "DuplicateRule",
        "Account.Alike",
        f"<actionOnInsert>{insert}</actionOnInsert><actionOnUpdate>Block</actionOnUpdate>"
        f"<alertText>{SAID}</alertText><duplicateRuleMatchRules><matchRuleSObjectType>Account"
        f"</matchRuleSObjectType><matchingRule>{matching}</matchingRule></duplicateRuleMatchRules>"
        f"<isActive>true</isActive>{operations}{others}<sortOrder>1</sortOrder>",
    )


def matching(org: EmulatedOrg, *items: str, logic: str = "", status: str = "Active") -> None:
    """The matching rule `Same` of accounts; an item is `Field:Method` or `Field:Method:NullAllowed`."""
    told = "".join(
        f"<matchingRuleItems><blankValueBehavior>{[*item.split(':'), 'NullNotAllowed'][2]}"
        f"</blankValueBehavior><fieldName>{item.split(':')[0]}</fieldName>"
        f"<matchingMethod>{item.split(':')[1]}</matchingMethod></matchingRuleItems>"
        for item in items
    )
    logic = f"<booleanFilter>{logic}</booleanFilter>" if logic else ""
    put(org, "MatchingRule", "Account.Same", f"{logic}{told}<ruleStatus>{status}</ruleStatus>")


@pytest.fixture
def org() -> EmulatedOrg:
    return EmulatedOrg(clock=Clock.fixed(tick_ms=1000))


def send(org: EmulatedOrg, method: str, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    token = sessions.open_session(org, org.admin_id)
    fields = {
        "Host": "a.my.salesforce.com",
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
    }
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(method=method, path=path, headers=Headers(fields), body=json.dumps(body).encode())
    status, _, content = exchange(org, request)
    return status, json.loads(content or b"null")


ACCOUNTS = "/services/data/v{}.0/sobjects/Account"


# -- duplicate rules


def test_a_row_like_another_is_refused_with_what_was_found(org: EmulatedOrg) -> None:
    matching(org, "Name:Exact")
    rule(org, "Same")
    first = org.has("Account", Name="Acme")
    status, value = send(org, "POST", ACCOUNTS.format(62), {"Name": "ACME"})
    assert status == 400
    (error,) = value
    assert list(error) == ["duplicateResult", "errorCode", "message"]
    assert (error["errorCode"], error["message"]) == ("DUPLICATES_DETECTED", SAID)
    result = error["duplicateResult"]
    assert {key: result[key] for key in result if key != "matchResults"} == {
        "allowSave": True,
        "duplicateRule": "Alike",
        "duplicateRuleEntityType": "Account",
        "errorMessage": SAID,
    }
    (match,) = result["matchResults"]
    (found,) = match.pop("matchRecords")
    assert match == {
        "entityType": "Account",
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "rule": "Same",
        "size": 1,
        "success": True,
    }
    url = f"/services/data/v62.0/sobjects/Account/{first}"
    assert found["record"] == {"attributes": {"type": "Account", "url": url}, "Id": first}
    assert (found["matchConfidence"], found["fieldDiffs"]) == (100.0, [])
    assert len(org.rows("Account")) == 1


def test_answers_of_old_versions_have_the_key_as_it_was_spelled(org: EmulatedOrg) -> None:
    matching(org, "Name:Exact")
    rule(org, "Same")
    org.has("Account", Name="Acme")
    _, value = send(org, "POST", ACCOUNTS.format(51), {"Name": "Acme"})
    assert list(value[0]) == ["duplicateResut", "errorCode", "message"]


def test_an_alert_is_passed_by_the_header_and_a_block_is_not(org: EmulatedOrg) -> None:
    matching(org, "Name:Exact")
    rule(org, "Same")
    org.has("Account", Name="Acme")
    allowed = {"Sforce_Duplicate_Rule_Header": "allowSave=true; includeRecordDetails=true"}
    status, _ = send(org, "POST", ACCOUNTS.format(62), {"Name": "Acme"}, **allowed)
    assert status == 201
    rule(org, "Same", insert="Block")
    status, value = send(org, "POST", ACCOUNTS.format(62), {"Name": "Acme"}, **allowed)
    result = value[0]["duplicateResult"]
    assert (status, result["allowSave"]) == (400, False)
    assert result["matchResults"][0]["matchRecords"][0]["record"]["Name"] == "Acme"
    assert len(org.rows("Account")) == 2


def test_a_rule_without_an_alert_or_not_active_lets_pass(org: EmulatedOrg) -> None:
    matching(org, "Name:Exact")
    rule(org, "Same", alert=False)
    for _ in range(2):
        org.has("Account", Name="Acme")
    rule(org, "Same", insert="Block")
    matching(org, "Name:Exact", status="Inactive")
    org.has("Account", Name="Acme")


def test_a_change_is_asked_where_it_touches_what_is_compared(org: EmulatedOrg) -> None:
    org.has("Account", Name="Acme")
    second = org.has("Account", Name="Acme")
    third = org.has("Account", Name="Other")
    matching(org, "Name:Exact")
    rule(org, "Same")
    with org.transaction() as tx:
        tx.update("Account", second, {"Phone": "1"})
    with pytest.raises(ApiError) as refused, org.transaction() as tx:
        tx.update("Account", third, {"Name": "Acme"})
    assert refused.value.code == "DUPLICATES_DETECTED"
    assert org.rows("Account", Id=third)[0]["Name"] == "Other"


def test_rows_of_a_collection_are_refused_one_by_one_beside_each_other(org: EmulatedOrg) -> None:
    matching(org, "Name:Exact")
    rule(org, "Same")
    records = [{"attributes": {"type": "Account"}, "Name": name} for name in ("A", "B", "a")]
    _, value = send(org, "POST", "/services/data/v62.0/composite/sobjects", {"records": records})
    assert [each["success"] for each in value] == [True, True, False]
    assert value[2]["errors"] == [{"statusCode": "DUPLICATES_DETECTED", "message": SAID, "fields": []}]


@pytest.mark.parametrize(
    ("items", "logic", "other", "found"),
    [
        (("Name:CompanyName",), "", {"Name": "Acme, Inc."}, True),
        (("Name:CompanyName",), "", {"Name": "Globex"}, False),
        (("Name:Exact", "Phone:Phone"), "", {"Name": "Acme", "Phone": "+1 (555) 010-9999"}, True),
        (("Name:Exact", "Phone:Phone"), "", {"Name": "Acme"}, False),
        (("Name:Exact", "Site:Exact"), "", {"Name": "Acme"}, False),
        (("Name:Exact", "Site:Exact:NullAllowed"), "", {"Name": "Acme"}, True),
        (("Name:Exact", "Phone:Phone"), "1 OR 2", {"Name": "Else", "Phone": "5550109999"}, True),
    ],
)
def test_values_are_compared_as_the_matching_rule_says(
    org: EmulatedOrg, items: tuple[str, ...], logic: str, other: dict[str, str], found: bool
) -> None:
    org.has("Account", Name="Acme", Phone="555-010-9999")
    matching(org, *items, logic=logic)
    rule(org, "Same")
    status, _ = send(org, "POST", ACCOUNTS.format(62), other)
    assert status == (400 if found else 201)


def test_a_filter_says_which_rows_a_rule_is_about(org: EmulatedOrg) -> None:
    item = "<field>Industry</field><operation>equals</operation><value>Media</value><table>Account</table>"
    filter_ = f"<duplicateRuleFilterItems>{item}<sortOrder>1</sortOrder></duplicateRuleFilterItems>"
    matching(org, "Name:Exact")
    rule(org, "Same", duplicateRuleFilter=filter_)
    org.has("Account", Name="Acme")
    org.has("Account", Name="Acme", Industry="Energy")
    with pytest.raises(ApiError):
        org.has("Account", Name="Acme", Industry="Media")


def test_the_standard_matching_rules_are_there_and_no_rule_uses_them_yet(org: EmulatedOrg) -> None:
    row = {"FirstName": "Ann", "LastName": "Doe", "Email": "ann@acme.example"}
    org.has("Contact", **row)
    org.has("Contact", **row)
    put(
        org,
        "DuplicateRule",
        "Contact.Standard_Contact_Duplicate_Rule",
        "<actionOnInsert>Allow</actionOnInsert><operationsOnInsert>Alert</operationsOnInsert>"
        "<duplicateRuleMatchRules><matchRuleSObjectType>Contact</matchRuleSObjectType>"
        "<matchingRule>Standard_Contact_Match_Rule_v1_1</matchingRule></duplicateRuleMatchRules>"
        "<isActive>true</isActive>",
    )
    with pytest.raises(ApiError) as refused:
        org.has("Contact", **row)
    match = refused.value.detail["duplicateResult"]["matchResults"][0]
    assert (match["matchEngine"], match["size"]) == ("FuzzyMatchEngine", 2)
    org.has("Contact", FirstName="Ann", LastName="Doe")


def test_likeness_is_symmetric_and_holds_of_a_value_and_itself() -> None:
    words = ("Acme", "ACME Inc", "12 Main Street", "12 main st.", "555-0100", "Zürich")
    for method in ("Exact", "CompanyName", "Street", "Phone", "City", "Zip"):
        for one in words:
            assert alike(method, one, one)
            assert all(alike(method, one, other) == alike(method, other, one) for other in words)


# -- lookup filters


def with_filter(org: EmulatedOrg, filter_: str) -> None:
    reference: dict[str, Any] = {"reference_to": ("Contact",), "relationship_name": "Main__r", "custom": True}
    org.additions.add_fields("Account", [Field(name="Main__c", label="Main", type="reference", **reference)])
    put(org, "CustomField", "Account.Main__c", f"<lookupFilter>{filter_}</lookupFilter>")


OWN = (
    "<active>true</active><filterItems><field>Contact.AccountId</field><operation>equals</operation>"
    "<valueField>$Source.ParentId</valueField></filterItems><isOptional>{}</isOptional>"
)


def test_a_reference_to_a_row_that_the_filter_leaves_out_is_refused(org: EmulatedOrg) -> None:
    with_filter(org, OWN.format("false"))
    parent = org.has("Account", Name="P")
    good, other = org.has("Contact", LastName="A", AccountId=parent), org.has("Contact", LastName="B")
    child = org.has("Account", Name="C", ParentId=parent, Main__c=good)
    status, value = send(org, "PATCH", f"{ACCOUNTS.format(62)}/{child}", {"Main__c": other})
    assert (status, value) == (
        400,
        [
            {
                "message": "Value does not exist or does not match filter criteria.",
                "errorCode": "FIELD_FILTER_VALIDATION_EXCEPTION",
                "fields": ["Main__c"],
            }
        ],
    )
    assert org.rows("Account", Id=child)[0]["Main__c"] == good


def test_an_optional_filter_only_suggests(org: EmulatedOrg) -> None:
    with_filter(org, OWN.format("true"))
    org.has("Account", Name="C", Main__c=org.has("Contact", LastName="B"))


def test_filters_of_a_project_have_their_own_words(org: EmulatedOrg, shared: Path) -> None:
    org.load(shared / "orgs" / "npsp", shared / "orgs" / "pmm")
    one, two = org.has("Contact", LastName="A"), org.has("Contact", LastName="B")
    program = org.has("Program__c", Name="P", Status__c="Active")
    engagement = org.has("ProgramEngagement__c", Name="E", Contact__c=one, Program__c=program)
    service = org.has("Service__c", Name="S", Program__c=program, Status__c="Active")
    given = {"Name": "D", "Service__c": service, "ProgramEngagement__c": engagement}
    org.has("ServiceDelivery__c", **given, Contact__c=one)
    with pytest.raises(ApiError, match="Contact must match the Contact in the Program Engagement"):
        org.has("ServiceDelivery__c", **given, Contact__c=two)


# -- locks and storage


def test_a_locked_row_is_changed_by_administrators_only(org: EmulatedOrg) -> None:
    profile = org.rows("Profile", Name="Standard User")[0]["Id"]
    locale = {"TimeZoneSidKey": "GMT", "LocaleSidKey": "en_US", "LanguageLocaleKey": "en_US"}
    user = org.has(
        "User",
        Username="u@acme.example",
        LastName="U",
        Email="u@acme.example",
        Alias="u",
        ProfileId=profile,
        EmailEncodingKey="UTF-8",
        **locale,
    )
    account = org.has("Account", Name="A", OwnerId=user)
    locks.lock(org, [account])
    acts: list[Callable[[Transaction], None]] = [
        lambda tx: tx.update("Account", account, {"Name": "B"}),
        lambda tx: tx.delete("Account", account),
    ]
    for act in acts:
        with pytest.raises(ApiError) as refused, org.transaction(user) as tx:
            act(tx)
        assert refused.value.code == "ENTITY_IS_LOCKED"
    assert org.rows("Account")[0]["Name"] == "A"
    twin = org.fork()
    with pytest.raises(ApiError), twin.transaction(user) as tx:
        tx.update("Account", account, {"Name": "B"})
    with org.transaction() as tx:
        tx.update("Account", account, {"Name": "C"})
    locks.lock(org, [])
    with org.transaction(user) as tx:
        tx.update("Account", account, {"Name": "D"})


def test_a_storage_that_was_set_is_full_at_its_end(org: EmulatedOrg) -> None:
    for number in range(3):
        org.has("Account", Name=str(number))
    set_limits(org, {"DataStorageMB": 0})
    records = [{"attributes": {"type": "Account"}, "Name": "x"} for _ in range(3)]
    _, value = send(org, "POST", "/services/data/v62.0/composite/sobjects", {"records": records})
    assert {each["errors"][0]["statusCode"] for each in value} == {"STORAGE_LIMIT_EXCEEDED"}
    assert len(org.rows("Account")) == 3
    set_limits(org, {"DataStorageMB": 1})
    org.has("Account", Name="x")


def test_other_apis_have_words_of_their_own_for_a_duplicate_that_may_be_saved(org: EmulatedOrg) -> None:
    matching(org, "Name:Exact")
    rule(org, "Same")
    org.has("Account", Name="Acme")
    soap = Soap(org, sessions.open_session(org, org.admin_id))
    create = f"<create>{sobject('Account', Name='Acme')}</create>"
    (refused,) = soap.results(create)
    assert next(each for each in refused.iter() if name(each) == "statusCode").text == "DUPLICATES_DETECTED"
    header = "<DuplicateRuleHeader><allowSave>true</allowSave></DuplicateRuleHeader>"
    (made,) = soap.results(create, header)
    assert told(made)["success"] == "true"
    body = {"apiName": "Account", "fields": {"Name": "Acme"}}
    status, value = send(org, "POST", "/services/data/v62.0/ui-api/records", body)
    (error,) = value["output"]["errors"]
    assert (status, error["duplicateRecordError"]["matchResults"][0]["matchRule"]) == (400, "Same")
    allowed = {**body, "allowSaveOnDuplicate": True}
    assert send(org, "POST", "/services/data/v62.0/ui-api/records", allowed)[0] == 201
    assert len(org.rows("Account")) == 3


def test_a_filter_that_cannot_be_read_is_a_gap(org: EmulatedOrg) -> None:
    assert org.formula_gaps() == []
    with_filter(org, OWN.format("false").replace("Contact.AccountId", "Contact.Nothing__c"))
    (gap,) = org.formula_gaps()
    assert gap.startswith("Account.Main__c: lookup filter")
    org.has("Account", Name="C", Main__c=org.has("Contact", LastName="B"))
