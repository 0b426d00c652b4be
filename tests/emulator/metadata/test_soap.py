"""The Metadata API over SOAP: single components, lists, deployments, faults; recordings are the measure."""

import base64
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.http import sessions
from reconciler.emulator.metadata.delays import configure

from .conftest import METADATA, Desk, encoded, fault_of, package, site, texts

ALL_OR_NONE = "<m:AllOrNoneHeader><m:allOrNone>true</m:allOrNone></m:AllOrNoneHeader>"
SITES = {"package.xml": package({"CspTrustedSite": ["Maps"]}), "cspTrustedSites/Maps.cspTrustedSite": site()}


def site_element(name: str, url: str = "https://a.example", extra: str = "") -> str:
    return (
        f'<metadata xsi:type="m:CspTrustedSite"><fullName>{name}</fullName><context>All</context>'
        f"<endpointUrl>{url}</endpointUrl><isActive>true</isActive>{extra}</metadata>"
    )


def create(desk: Desk, *names: str) -> None:
    desk.answer(f"<createMetadata>{''.join(map(site_element, names))}</createMetadata>")


def names(desk: Desk) -> list[str]:
    return desk.org.components.names("CspTrustedSite")


def read(desk: Desk, kind: str, name: str) -> ET.Element:
    return desk.answer(f"<readMetadata><type>{kind}</type><fullNames>{name}</fullNames></readMetadata>")


# -- single components


def test_what_was_created_is_read_in_the_wsdls_order(desk: Desk) -> None:
    made = desk.answer(f"<createMetadata>{site_element('Maps')}</createMetadata>")
    assert (texts(made, "result/fullName"), texts(made, "result/success")) == (["Maps"], ["true"])
    record = read(desk, "CspTrustedSite", "Maps")[0][0]
    assert record.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "CspTrustedSite"
    assert [each.tag.partition("}")[2] for each in record] == [
        "fullName",
        "context",
        "endpointUrl",
        "isActive",
    ]


def test_an_unknown_component_reads_as_nil(desk: Desk) -> None:
    record = read(desk, "CspTrustedSite", "Nowhere")[0][0]
    assert record.attrib == {"{http://www.w3.org/2001/XMLSchema-instance}nil": "true"}


def test_creating_what_is_there_is_refused(desk: Desk) -> None:
    create(desk, "Maps")
    again = desk.answer(f"<createMetadata>{site_element('maps', 'https://other.example')}</createMetadata>")
    assert texts(again, "result/errors/statusCode") == ["DUPLICATE_DEVELOPER_NAME"]
    assert texts(read(desk, "CspTrustedSite", "Maps"), "result/records/endpointUrl") == ["https://a.example"]


def test_updating_what_is_not_there_is_refused(desk: Desk) -> None:
    told = desk.answer(f"<updateMetadata>{site_element('Gone')}</updateMetadata>")
    assert texts(told, "result/errors/message") == ["no CspTrustedSite named Gone found"]
    assert names(desk) == []


def test_an_upsert_says_what_it_made(desk: Desk) -> None:
    create(desk, "Maps")
    both = site_element("Maps", "https://b.example") + site_element("News")
    told = desk.answer(f"<upsertMetadata>{both}</upsertMetadata>")
    assert texts(told, "result/created") == ["false", "true"]
    assert texts(read(desk, "CspTrustedSite", "Maps"), "result/records/endpointUrl") == ["https://b.example"]


def test_each_component_succeeds_or_fails_for_itself(desk: Desk) -> None:
    create(desk, "Maps")
    told = desk.answer(f"<createMetadata>{site_element('Maps')}{site_element('News')}</createMetadata>")
    assert texts(told, "result/success") == ["false", "true"]
    assert names(desk) == ["Maps", "News"]


def test_with_all_or_none_one_failure_takes_the_others_back(desk: Desk) -> None:
    create(desk, "Maps")
    body = f"<upsertMetadata>{site_element('')}{site_element('News')}</upsertMetadata>"
    told = desk.answer(body, header=ALL_OR_NONE)
    assert texts(told, "result/errors/statusCode") == [
        "REQUIRED_FIELD_MISSING",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    ]
    assert texts(told, "result/created") == ["false", "false"]
    assert names(desk) == ["Maps"]


def test_delete_and_rename(desk: Desk) -> None:
    create(desk, "Maps", "News")
    told = desk.answer(
        "<renameMetadata><type>CspTrustedSite</type><oldFullName>News</oldFullName>"
        "<newFullName>Press</newFullName></renameMetadata>"
    )
    assert texts(told, "result/success") == ["true"]
    told = desk.answer(
        "<deleteMetadata><type>CspTrustedSite</type><fullNames>Maps</fullNames><fullNames>Gone</fullNames>"
        "</deleteMetadata>"
    )
    assert texts(told, "result/success") == ["true", "false"]
    assert texts(told, "result/errors/message") == ["no CspTrustedSite named Gone found"]
    assert names(desk) == ["Press"]


def test_settings_are_read_and_written_by_their_own_type(desk: Desk) -> None:
    settings = (
        '<metadata xsi:type="AccountSettings"><fullName>Account</fullName>'
        "<enableAccountTeams>true</enableAccountTeams></metadata>"
    )
    desk.answer(f"<upsertMetadata>{settings}</upsertMetadata>")
    assert texts(read(desk, "AccountSettings", "Account"), "result/records/enableAccountTeams") == ["true"]
    assert desk.org.components.names("Settings") == ["Account"]


def test_an_object_brings_its_parts(desk: Desk) -> None:
    part = "<fullName>A__c</fullName><label>A</label><length>9</length><type>Text</type>"
    desk.answer(
        '<createMetadata><metadata xsi:type="CustomObject"><fullName>Line__c</fullName>'
        f"<deploymentStatus>Deployed</deploymentStatus><fields>{part}</fields><label>Line</label>"
        "<nameField><label>Name</label><type>Text</type></nameField><pluralLabel>Lines</pluralLabel>"
        "<sharingModel>ReadWrite</sharingModel></metadata></createMetadata>"
    )
    assert texts(read(desk, "CustomObject", "Line__c"), "result/records/fields/fullName") == ["A__c"]
    assert texts(read(desk, "CustomField", "Line__c.A__c"), "result/records/label") == ["A"]


# -- what is refused as a whole


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<x/>", ("soapenv:Client", f"No operation available for request {{{METADATA}}}x")),
        (
            "<readMetadata><type>Nonsense</type><fullNames>A</fullNames></readMetadata>",
            ("sf:INVALID_TYPE", "INVALID_TYPE: Unknown type:Nonsense"),
        ),
        (
            "<listMetadata><queries><type>Nonsense</type></queries></listMetadata>",
            ("sf:INVALID_TYPE", "INVALID_TYPE: Unknown type:Nonsense"),
        ),
        (
            f"<createMetadata>{site_element('A', extra='<oops>1</oops>')}</createMetadata>",
            ("soapenv:Client", f"Element {{{METADATA}}}oops invalid at this location in type CspTrustedSite"),
        ),
        (
            f"<createMetadata>{''.join(site_element(f'S{at}') for at in range(11))}</createMetadata>",
            (
                "sf:EXCEEDED_ID_LIMIT",
                "EXCEEDED_ID_LIMIT: record limit reached. "
                "cannot submit more than 10 records in this operation",
            ),
        ),
        (
            "<retrieve><retrieveRequest><membersa/></retrieveRequest></retrieve>",
            (
                "soapenv:Client",
                f"Element {{{METADATA}}}membersa invalid at this location in type RetrieveRequest",
            ),
        ),
        (
            "<deploy><ZipFile>*no*</ZipFile></deploy>",
            ("soapenv:Client", "'ZipFile' is not a valid value for the type xsd:base64Binary"),
        ),
        (
            "<checkDeployStatus><asyncProcessId>0AfHu0000000999KAA</asyncProcessId></checkDeployStatus>",
            ("sf:INVALID_CROSS_REFERENCE_KEY", "INVALID_CROSS_REFERENCE_KEY: invalid cross reference id"),
        ),
    ],
)
def test_a_call_that_is_wrong_is_a_fault(desk: Desk, body: str, fault: tuple[str, str]) -> None:
    before = desk.org.snapshot()
    assert fault_of(desk.call(body, api="60.0")) == fault
    assert desk.org.snapshot() == before


def test_two_hundred_custom_metadata_records_go_in_one_call(desk: Desk) -> None:
    asked = "".join(f"<fullNames>Rate.R{at}</fullNames>" for at in range(200))
    told = desk.answer(f"<readMetadata><type>CustomMetadata</type>{asked}</readMetadata>")
    assert len(told[0]) == 200
    more = f"<readMetadata><type>CustomMetadata</type>{asked}<fullNames>Rate.X</fullNames></readMetadata>"
    assert fault_of(desk.call(more))[0] == "sf:EXCEEDED_ID_LIMIT"


def test_four_lists_in_one_call_are_too_many(desk: Desk) -> None:
    queries = "<queries><type>Layout</type></queries>" * 4
    assert fault_of(desk.call(f"<listMetadata>{queries}</listMetadata>"))[0] == "sf:EXCEEDED_ID_LIMIT"


def test_without_a_session_nothing_is_answered(desk: Desk) -> None:
    fault = fault_of(desk.call("<describeMetadata/>", session="00D!wrong"))
    assert fault[0] == "sf:INVALID_SESSION_ID"
    assert fault[1].startswith(
        "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session"
    )


def test_a_version_that_never_was_is_refused(desk: Desk) -> None:
    for api in ("99.0", "x", "5.0"):
        told = fault_of(desk.call("<describeMetadata/>", api=api))
        assert told[1] == "UNSUPPORTED_API_VERSION: Invalid Api version specified on URL"


def test_who_may_not_modify_metadata_is_refused(desk: Desk) -> None:
    (profile,) = desk.org.rows("Profile", Name="Standard User")
    user = desk.org.has(
        "User",
        Username="bob@acme.example",
        LastName="Bob",
        Alias="bob",
        Email="bob@acme.example",
        ProfileId=profile["Id"],
        TimeZoneSidKey="GMT",
        LocaleSidKey="en_US",
        EmailEncodingKey="UTF-8",
        LanguageLocaleKey="en_US",
    )
    token = sessions.open_session(desk.org, user)
    body = f"<createMetadata>{site_element('Maps')}</createMetadata>"
    assert fault_of(desk.call(body, session=token)) == (
        "sf:INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS: use of the Metadata API requires a user with the ModifyAllData or "
        "ModifyMetadata permissions",
    )
    assert names(desk) == []


# -- describing and listing


def test_describe_knows_the_usual_types(desk: Desk) -> None:
    told = desk.answer("<describeMetadata><asOfVersion>64.0</asOfVersion></describeMetadata>")
    objects = {texts(each, "xmlName")[0]: each for each in told[0] if texts(each, "xmlName")}
    assert texts(objects["ApexClass"], "directoryName") == ["classes"]
    assert texts(objects["ApexClass"], "metaFile") == ["true"]
    assert texts(objects["Report"], "inFolder") == ["true"]
    assert "CustomField" in texts(objects["CustomObject"], "childXmlNames")
    assert texts(told, "result/partialSaveAllowed") == ["true"]


def test_describe_says_what_the_recorded_org_said(desk: Desk, shared: Path) -> None:
    recorded = _recorded(shared, "post-describeMetadata-200-metaforce.json")
    told = desk.answer("<describeMetadata/>")
    ours = {texts(each, "xmlName")[0]: each for each in told[0] if texts(each, "xmlName")}
    retired = {"Scontrol", "DataCategoryGroup", "AnalyticSnapshot", "HomePageComponent"}
    for each in recorded[0]:
        (name,) = texts(each, "xmlName") or ("",)
        if not name or name in retired:
            continue
        for part in ("directoryName", "inFolder", "metaFile", "suffix"):
            assert texts(ours[name], part) == texts(each, part), (name, part)
        assert set(texts(each, "childXmlNames")) - {"NamedFilter", ""} <= set(
            texts(ours[name], "childXmlNames")
        )


def test_a_list_tells_who_and_when(desk: Desk) -> None:
    create(desk, "Maps")
    told = desk.answer("<listMetadata><queries><type>CspTrustedSite</type></queries></listMetadata>")
    assert texts(told, "result/fileName") == ["cspTrustedSites/Maps.cspTrustedSite"]
    assert texts(told, "result/createdByName") == ["Ada Admin"]
    assert texts(told, "result/createdDate") == ["2026-01-01T00:00:00.000Z"]
    assert texts(told, "result/id")[0].startswith("08y")


def test_types_in_folders_are_listed_by_folder(desk: Desk) -> None:
    report = "<format>Tabular</format><name>R</name><reportType>AccountList</reportType>"
    for name in ("Sales/Open", "Sales/Won", "Other/Mine"):
        desk.org.components.put("Report", name, f"<Report xmlns='{METADATA}'>{report}</Report>".encode())
    desk.org.components.put("Report", "Sales", f"<ReportFolder xmlns='{METADATA}'/>".encode())

    def listed(query: str) -> list[str]:
        return texts(
            desk.answer(f"<listMetadata><queries>{query}</queries></listMetadata>"), "result/fullName"
        )

    assert listed("<folder>Sales</folder><type>Report</type>") == ["Sales/Open", "Sales/Won"]
    assert listed("<type>Report</type>") == []
    assert listed("<type>ReportFolder</type>") == ["Sales"]


def test_describe_value_type_tells_the_fields(desk: Desk) -> None:
    told = desk.answer(f"<describeValueType><type>{{{METADATA}}}CspTrustedSite</type></describeValueType>")
    assert {"fullName", "context", "endpointUrl"} <= set(texts(told, "result/valueTypeFields/name"))


# -- deployments


def test_a_deployment_is_queued_and_done_at_the_first_look(desk: Desk) -> None:
    options = "<rollbackOnError>true</rollbackOnError><singlePackage>true</singlePackage>"
    queued = desk.answer(
        f"<deploy><ZipFile>{encoded(SITES)}</ZipFile><DeployOptions>{options}</DeployOptions></deploy>"
    )
    assert [each.tag.partition("}")[2] for each in queued[0]] == ["done", "id", "state"]
    assert (texts(queued, "result/done"), texts(queued, "result/state")) == (["false"], ["Queued"])
    (job,) = texts(queued, "result/id")
    look = (
        f"<checkDeployStatus><asyncProcessId>{job}</asyncProcessId><includeDetails>true</includeDetails>"
        "</checkDeployStatus>"
    )
    told = desk.answer(look)
    assert texts(told, "result/status") == ["Succeeded"]
    assert texts(told, "result/details/componentSuccesses/fullName") == ["Maps", "package.xml"]
    assert (
        texts(told, "result/details/componentSuccesses/fileName")[0] == "cspTrustedSites/Maps.cspTrustedSite"
    )
    order = [each.tag.partition("}")[2] for each in told[0]]
    assert order == sorted(order)
    brief = desk.answer(look.replace("<includeDetails>true", "<includeDetails>false"))
    assert texts(brief, "result/details/componentSuccesses/fullName") == []


def test_cancelling_and_deploying_a_validation(desk: Desk) -> None:
    configure(desk.org, deploy_pending_ms=1000)
    job = desk.submit(SITES, checkOnly=True)
    told = desk.answer(f"<cancelDeploy><id>{job}</id></cancelDeploy>")
    assert (texts(told, "result/done"), texts(told, "result/id")) == (["true"], [job])
    configure(desk.org, deploy_pending_ms=0)
    job = desk.submit(SITES, checkOnly=True, testLevel="RunLocalTests")
    assert desk.result(job)["status"] == "Succeeded"
    (made,) = texts(
        desk.answer(f"<deployRecentValidation><validationId>{job}</validationId></deployRecentValidation>"),
        "result",
    )
    assert (desk.result(made)["status"], names(desk)) == ("Succeeded", ["Maps"])


def test_the_old_call_for_a_state_knows_both_kinds_of_job(desk: Desk) -> None:
    deploy = desk.submit(SITES)
    asked = "<retrieve><retrieveRequest><apiVersion>64.0</apiVersion></retrieveRequest></retrieve>"
    (retrieval,) = texts(desk.answer(asked), "result/id")
    for job in (deploy, retrieval):
        told = desk.answer(f"<checkStatus><asyncProcessId>{job}</asyncProcessId></checkStatus>")
        assert (texts(told, "result/done"), texts(told, "result/state")) == (["true"], ["Completed"])


# -- recordings


def _exchange(shared: Path, name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((shared / "recordings" / "soap-metadata" / name).read_text())
    return told


def _replay(desk: Desk, exchange: dict[str, Any]) -> ET.Element:
    """Our answer to a recorded request."""
    inner = re.search(r"<(?:\w+:)?Body[^>]*>(.*)</(?:\w+:)?Body>", exchange["request"]["body"], re.DOTALL)
    assert inner
    return desk.answer(inner[1], header=ALL_OR_NONE, api="60.0")


def _same(ours: ET.Element, theirs: ET.Element) -> bool:
    return (
        (ours.tag, (ours.text or "").strip(), len(ours))
        == (theirs.tag, (theirs.text or "").strip(), len(theirs))
    ) and all(_same(*pair) for pair in zip(ours, theirs, strict=True))


def test_recorded_calls_for_single_components_are_answered_as_recorded(desk: Desk, shared: Path) -> None:
    desk.answer(
        '<createMetadata><metadata xsi:type="CustomObject"><fullName>TestObject15__c</fullName>'
        "<deploymentStatus>Deployed</deploymentStatus><label>Test</label><nameField><label>Name</label>"
        "<type>Text</type></nameField><pluralLabel>Tests</pluralLabel><sharingModel>ReadWrite</sharingModel>"
        "</metadata></createMetadata>"
    )
    upsert = "post-upsertMetadata-200-amplabs-2.json"
    made = _replay(desk, _exchange(shared, upsert))
    assert texts(made, "result/created") == ["true"] * 6
    theirs = _recorded(shared, upsert)
    again = _replay(desk, _exchange(shared, upsert))
    for each in theirs:
        each[0].text = "false"  # theirs found three of the fields already there, the second time all are
    assert _same(again, theirs)
    rights = "<field>TestObject15__c.Hobby__c</field><readable>true</readable>"
    desk.answer(
        '<upsertMetadata><metadata xsi:type="PermissionSet">'
        "<fullName>IntegrationCustomFieldVisibility</fullName>"
        f"<fieldPermissions><editable>true</editable>{rights}</fieldPermissions>"
        "<hasActivationRequired>false</hasActivationRequired>"
        "<label>Permissions for optional Custom Fields created by Ampersand connector</label>"
        "</metadata></upsertMetadata>"
    )
    read_one = "post-readMetadata-200-amplabs.json"
    assert _same(_replay(desk, _exchange(shared, read_one)), _recorded(shared, read_one))
    gone = desk.answer(
        "<deleteMetadata><type>CustomField</type><fullNames>TestObject15__c.NonExistent__c</fullNames>"
        "</deleteMetadata>"
    )
    assert _same(gone, _recorded(shared, "post-deleteMetadata-200-amplabs.json"))


def _recorded(shared: Path, name: str) -> ET.Element:
    told = _exchange(shared, name)
    body = re.sub(r' xsi:nil="true"', "", told["response"]["body"].strip())
    found = ET.fromstring(body).find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
    assert found is not None
    return found[0]


def _shape(element: ET.Element) -> set[str]:
    """Paths of all elements below, without the response's own name."""
    found = set()
    for each in element:
        name = each.tag.partition("}")[2]
        found |= {name} | {f"{name}/{below}" for below in _shape(each)}
    return found


def test_a_deployments_state_has_what_the_recorded_ones_had(desk: Desk, shared: Path) -> None:
    job = desk.submit(SITES)
    told = _shape(
        desk.answer(
            f"<checkDeployStatus><asyncProcessId>{job}</asyncProcessId><includeDetails>true</includeDetails>"
            "</checkDeployStatus>"
        )
    )
    for name in ("post-checkDeployStatus-200-pysfapi.json", "post-checkDeployStatus-200-pysfapi-2.json"):
        of_tests = ("result/details/runTestResult/failures", "result/details/runTestResult/successes")
        wanted = {each for each in _shape(_recorded(shared, name)) if not each.startswith(of_tests)}
        assert wanted <= told, name


def test_a_retrievals_state_has_what_the_recorded_one_had(desk: Desk, shared: Path) -> None:
    create(desk, "Maps")
    asked = "<types><members>Maps</members><members>Gone</members><name>CspTrustedSite</name></types>"
    queued = desk.answer(
        f"<retrieve><request><apiVersion>48.0</apiVersion><unpackaged>{asked}<version>48.0</version></unpackaged>"
        "</request></retrieve>"
    )
    (job,) = texts(queued, "result/id")
    told = desk.answer(f"<checkRetrieveStatus><asyncProcessId>{job}</asyncProcessId></checkRetrieveStatus>")
    for name in ("post-checkRetrieveStatus-200-cumulusci.json", "post-checkRetrieveStatus-200-pysfapi.json"):
        assert _shape(_recorded(shared, name)) <= _shape(told), name
    assert base64.b64decode(texts(told, "result/zipFile")[0])[:2] == b"PK"


def test_options_may_be_spelled_as_python_does(desk: Desk) -> None:
    options = "<singlePackage>True</singlePackage><checkOnly>False</checkOnly>"
    queued = desk.answer(
        f"<deploy><ZipFile>{encoded(SITES)}</ZipFile><DeployOptions>{options}</DeployOptions></deploy>"
    )
    assert desk.result(texts(queued, "result/id")[0])["status"] == "Succeeded"
    assert names(desk) == ["Maps"]
