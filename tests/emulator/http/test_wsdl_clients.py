"""What clients made from the partner WSDL send, and that they are answered in its order.

Such clients (zeep, the .NET and PHP toolkits) send every record's `Id`, and read elements one after the
other: one out of its place ends the reading.
"""

import re
from xml.etree.ElementTree import Element

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.http import sessions
from reconciler.emulator.http.soap_shapes import SHAPES
from reconciler.emulator.org import EmulatedOrg
from tests.emulator.http.test_partner_soap import Soap, name

NIL_ID = '<s:Id xmlns:s="urn:sobject.partner.soap.sforce.com" xsi:nil="true"/>'
OBJECT_AT_47 = [
    "activateable", "createable", "custom", "customSetting", "deepCloneable", "deletable",
    "deprecatedAndHidden", "feedEnabled", "hasSubtypes", "idEnabled", "isInterface", "isSubtype",
    "keyPrefix", "label", "labelPlural", "layoutable", "mergeable", "mruEnabled", "name",
    "queryable", "replicateable", "retrieveable", "searchable", "triggerable", "undeletable",
    "updateable",
]  # fmt: skip


@pytest.fixture
def soap() -> Soap:
    org = EmulatedOrg(clock=Clock.fixed())
    return Soap(org, sessions.open_session(org, org.admin_id))


def count(soap: Soap, where: str) -> int:
    return soap.org.query(f"SELECT COUNT() FROM Account WHERE {where}").total_size


def test_a_value_without_a_label_has_a_nil_one(soap: Soap) -> None:
    (told,) = soap.results("<describeSObjects><sObjectType>Group</sObjectType></describeSObjects>")
    values = [each for each in told.iter() if name(each) == "picklistValues"]
    assert values
    for each in values:
        assert [name(part) for part in each] == ["active", "defaultValue", "label", "value"]


@pytest.mark.parametrize("sent", [NIL_ID, "<Id/>"])
def test_a_record_with_a_nil_id_is_created(soap: Soap, sent: str) -> None:
    (made,) = soap.results(
        f"<create><sObjects><type>Account</type>{sent}<Name>Nil</Name></sObjects></create>"
    )
    assert [each.text for each in made if name(each) == "success"] == ["true"]
    assert count(soap, "Name = 'Nil'") == 1


def test_a_record_with_an_id_is_not_created(soap: Soap) -> None:
    record = "<type>Account</type><Id>001000000000001AAA</Id><Name>Nil</Name>"
    (made,) = soap.results(f"<create><sObjects>{record}</sObjects></create>")
    assert "INVALID_FIELD_FOR_INSERT_UPDATE" in "".join(made.itertext())
    assert count(soap, "Name = 'Nil'") == 0


def test_a_nil_field_is_not_emptied(soap: Soap) -> None:
    account = soap.org.has("Account", Name="Keep", Phone="1")
    record = f'<type>Account</type><Id>{account}</Id><Phone xsi:nil="true"/><Name>Kept</Name>'
    soap.results(f"<update><sObjects>{record}</sObjects></update>")
    assert count(soap, "Name = 'Kept' AND Phone = '1'") == 1


def test_objects_are_described_in_the_order_of_the_wsdl(soap: Soap) -> None:
    soap.version = "47.0"
    (told,) = soap.results("<describeGlobal/>")
    for sobject in (each for each in told if name(each) == "sobjects"):
        assert [name(each) for each in sobject] == OBJECT_AT_47


def test_a_described_object_tells_what_it_has_none_of_as_nil(soap: Soap) -> None:
    _, _, text = soap.call("<describeSObject><sObjectType>Account</sObjectType></describeSObject>")
    assert '<defaultImplementation xsi:nil="true"/>' in text
    assert text.index("<defaultImplementation") < text.index("<deletable") < text.index("<fields>")


CALLS = {
    "<describeLayout><sObjectType>Account</sObjectType></describeLayout>": "Layouts",
    "<describeCompactLayouts><sObjectType>Account</sObjectType></describeCompactLayouts>": "CompactLayouts",
    "<describePrimaryCompactLayouts><sObjectTypes>Account</sObjectTypes></describePrimaryCompactLayouts>": (
        "CompactLayout"
    ),
    "<describeTheme><sobjectType>Account</sobjectType></describeTheme>": "Theme",
    "<describeAppMenu><appMenuType>AppSwitcher</appMenuType></describeAppMenu>": "AppMenu",
    "<describeQuickActions><quickActions>NewTask</quickActions></describeQuickActions>": "QuickAction",
    "<describeAvailableQuickActions><contextType>Account</contextType></describeAvailableQuickActions>": (
        "AvailableQuickAction"
    ),
    "<describeSearchLayouts><sObjectType>Account</sObjectType></describeSearchLayouts>": "SearchLayout",
    "<describeSearchScopeOrder/>": "SearchScope",
}


@pytest.mark.parametrize("call", CALLS)
def test_describes_keep_to_the_order_of_the_wsdl(soap: Soap, call: str) -> None:
    results = soap.results(call)
    assert results
    for result in results:
        in_order(result, CALLS[call])


def in_order(node: Element, shape: str) -> None:
    rows = [entry.partition(">") for entry in SHAPES[shape]]
    wanted = [told.removesuffix("?") for told, _, _ in rows]
    inner = dict(zip(wanted, (each[2] for each in rows), strict=True))
    found = [name(each) for each in node]
    assert found == sorted(found, key=wanted.index)
    assert {told.removesuffix("?") for told, _, _ in rows if told.endswith("?")} <= set(found)
    for each in node:
        if inner[name(each)]:
            in_order(each, inner[name(each)])


def test_found_records_come_after_the_id_of_the_search(soap: Soap) -> None:
    soap.org.has("Account", Name="Zanzibar")
    _, _, text = soap.call("<search><searchString>FIND {Zanzibar} RETURNING Account</searchString></search>")
    assert re.search("<result><queryId>[^<]+</queryId><searchRecords>", text)


def test_a_theme_of_an_object_there_is_not_is_refused(soap: Soap) -> None:
    assert soap.fault("<describeTheme><sobjectType>Nope</sobjectType></describeTheme>") == "INVALID_TYPE"


def test_nobody_has_duplicates(soap: Soap) -> None:
    (found,) = soap.results("<findDuplicates><sObjects><type>Account</type></sObjects></findDuplicates>")
    assert [(name(each), each.text) for each in found] == [("success", "true")]


def test_rows_are_deleted_by_the_word_that_older_clients_use(soap: Soap) -> None:
    account = soap.org.has("Account", Name="Old")
    soap.results(f"<delete><id>{account}</id></delete>")
    assert count(soap, "Name = 'Old'") == 0


@pytest.mark.parametrize("operation", ["setPassword", "resetPassword"])
def test_the_password_of_nobody_is_refused_with_a_code_of_the_wsdl(soap: Soap, operation: str) -> None:
    who = "<userId>005000000000000AAA</userId><password>correct-horse-7</password>"
    assert soap.fault(f"<{operation}>{who}</{operation}>") == "INVALID_CROSS_REFERENCE_KEY"
