"""Components name others: what the org lacks fails the component, with the name and where it stands."""

from pathlib import Path

import pytest

from reconciler.emulator.metadata.component_types import ComponentProblem, component_type
from reconciler.emulator.metadata.types.references import REFERENCES
from reconciler.emulator.metadata_xml import Tree, parse
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.seeding.report import LoadReport
from reconciler.emulator.seeding.source import load_source

from .conftest import Types

CRITERIA = "<criteriaItems><field>{}</field><operation>equals</operation><value>x</value></criteriaItems>"
LACKING: list[tuple[str, str, str, str]] = [
    (
        "ApexTestSuite",
        "All",
        "<testClassName>NoTest</testClassName>",
        "testClassName - no ApexClass named NoTest",
    ),
    (
        "AssignmentRule",
        "Case.Standard",
        "<active>true</active><ruleEntry><assignedTo>Nobody</assignedTo><assignedToType>Queue</assignedToType>"
        "</ruleEntry>",
        "assignedTo - no Queue named Nobody",
    ),
    (
        "AutoResponseRule",
        "Case.Standard",
        "<ruleEntry><template>Mails/Gone</template></ruleEntry>",
        "template - no EmailTemplate named Mails/Gone",
    ),
    (
        "CompactLayout",
        "Account.Short",
        "<fields>No__c</fields><label>S</label>",
        "fields - no CustomField named Account.No__c",
    ),
    (
        "CustomTab",
        "Start",
        "<flexiPage>Home</flexiPage><motif>m</motif>",
        "flexiPage - no FlexiPage named Home",
    ),
    (
        "Dashboard",
        "unfiled$public/Board",
        "<leftSection><components><report>Sales/Gone</report></components></leftSection>",
        "report - no Report named Sales/Gone",
    ),
    (
        "DuplicateRule",
        "Account.Twins",
        "<duplicateRuleMatchRules><matchRuleSObjectType>Contact</matchRuleSObjectType><matchingRule>Mine"
        "</matchingRule></duplicateRuleMatchRules>",
        "matchingRule - no MatchingRule named Contact.Mine",
    ),
    (
        "EscalationRule",
        "Case.Standard",
        "<ruleEntry><escalationAction><assignedTo>x@nowhere.example</assignedTo><assignedToType>User"
        "</assignedToType></escalationAction></ruleEntry>",
        "assignedTo - no User named x@nowhere.example",
    ),
    (
        "FieldSet",
        "Account.Few",
        "<displayedFields><field>No__c</field></displayedFields><label>F</label>",
        "field - no CustomField named Account.No__c",
    ),
    ("FlexiPage", "Page", "<sobjectType>No__c</sobjectType>", "sobjectType - no CustomObject named No__c"),
    (
        "ListView",
        "Account.Mine",
        "<filterScope>Everything</filterScope><label>M</label><sharedTo><role>Boss</role></sharedTo>",
        "role - no Role named Boss",
    ),
    (
        "MatchingRule",
        "Account.M",
        "<matchingRuleItems><fieldName>No__c</fieldName></matchingRuleItems>",
        "fieldName - no CustomField named Account.No__c",
    ),
    (
        "NamedCredential",
        "N",
        "<label>N</label><namedCredentialParameters><externalCredential>E</externalCredential>"
        "</namedCredentialParameters>",
        "externalCredential - no ExternalCredential named E",
    ),
    (
        "QuickAction",
        "Account.New",
        "<quickActionLayout><quickActionLayoutColumns><quickActionLayoutItems><field>No__c</field>"
        "</quickActionLayoutItems></quickActionLayoutColumns></quickActionLayout><targetObject>Contact"
        "</targetObject>",
        "field - no CustomField named Contact.No__c",
    ),
    (
        "RecordType",
        "Opportunity.Big",
        "<active>true</active><businessProcess>Slow</businessProcess><label>B</label>",
        "businessProcess - no BusinessProcess named Opportunity.Slow",
    ),
    ("ReportType", "Things", "<baseObject>No__c</baseObject>", "baseObject - no CustomObject named No__c"),
    (
        "SharingCriteriaRule",
        "Account.S",
        f"<accessLevel>Read</accessLevel><label>S</label><sharedTo><group>Gone</group></sharedTo>{CRITERIA.format('Name')}",
        "group - no Group named Gone",
    ),
    (
        "SharingOwnerRule",
        "Account.S",
        "<accessLevel>Read</accessLevel><label>S</label><sharedTo><allInternalUsers></allInternalUsers></sharedTo>"
        "<sharedFrom><queue>Q</queue></sharedFrom>",
        "queue - no Queue named Q",
    ),
    ("WebLink", "Account.Go", "<page>Gone</page>", "page - no ApexPage named Gone"),
    (
        "WorkflowAlert",
        "Case.Tell",
        "<template>unfiled$public/Ours</template>",
        "template - no EmailTemplate named unfiled$public/Ours",
    ),
    ("WorkflowFieldUpdate", "Case.Set", "<field>No__c</field>", "field - no CustomField named Case.No__c"),
    ("WorkflowRule", "Case.R", CRITERIA.format("Case.No__c"), "field - no CustomField named Case.No__c"),
    (
        "WorkflowRule",
        "Case.R",
        "<actions><name>Tell</name><type>Alert</type></actions>",
        "name - no WorkflowAlert named Case.Tell",
    ),
]


def of(xml: str) -> Tree:
    return parse(f"<Any>{xml}</Any>".encode())[1]


@pytest.mark.parametrize(
    ("kind", "name", "xml", "told"), LACKING, ids=[f"{each[0]}:{each[3]}" for each in LACKING]
)
def test_a_component_that_names_what_is_not_there_is_refused(
    types: Types, kind: str, name: str, xml: str, told: str
) -> None:
    with pytest.raises(ComponentProblem) as refused:
        types.put(kind, name, of(xml))
    assert refused.value.problem == f"In field: {told} found"
    assert refused.value.status_code == "INVALID_CROSS_REFERENCE_KEY"
    assert types.absent(kind, name)


@pytest.mark.parametrize(
    ("kind", "name", "xml"),
    [
        ("AssignmentRule", "Case.Standard", "<ruleEntry><assignedTo>{admin}</assignedTo><assignedToType>User"
         "</assignedToType></ruleEntry>"),
        ("CompactLayout", "Line__c.Short", "<fields>Name</fields><fields>Code__c</fields><label>S</label>"),
        (
            "SharingOwnerRule",
            "Account.S",
            "<accessLevel>Read</accessLevel><label>S</label><sharedTo><role>Boss</role></sharedTo>"
            "<sharedFrom><allInternalUsers></allInternalUsers></sharedFrom>",
        ),
        ("WorkflowAlert", "Case.Tell", "<template>unfiled$public/SupportCaseCreatedWebInquiries</template>"),
        ("WorkflowRule", "Account.R", CRITERIA.format("Account.Contact.NoMatter__c")),
        ("WorkflowFieldUpdate", "Case.Up", "<field>Far__c</field><targetObject>AccountId</targetObject>"),
        ("FlexiPage", "Page", "<sobjectType>NoStandardOneWeKnow</sobjectType>"),
    ],
)  # fmt: skip
def test_a_component_that_names_what_is_there_is_written(
    types: Types, kind: str, name: str, xml: str
) -> None:
    types.write("Role", "Boss", name="Boss")
    (admin,) = types.org.rows("User", Id=types.org.admin_id)
    types.put(kind, name, of(xml.replace("{admin}", admin["Username"])))
    assert not types.absent(kind, name)


def page(*items: str) -> Tree:
    regions = "".join(f"<itemInstances>{each}</itemInstances>" for each in items)
    return of(f"<flexiPageRegions>{regions}</flexiPageRegions><sobjectType>Line__c</sobjectType>")


def test_a_page_shows_components_and_fields_that_are_there(types: Types) -> None:
    types.write("LightningComponentBundle", "tile")
    shown = (
        "<componentInstance><componentName>{}</componentName></componentInstance>",
        "<fieldInstance><fieldItem>Record.{}</fieldItem></fieldInstance>",
    )
    types.put("FlexiPage", "Page", page(shown[0].format("c:tile"), shown[1].format("Code__c")))
    types.put("FlexiPage", "Page", page(shown[0].format("force:highlightsPanel"), shown[1].format("Name")))
    with pytest.raises(ComponentProblem, match="design time component information for component c:gone"):
        types.put("FlexiPage", "Other", page(shown[0].format("c:gone")))
    with pytest.raises(ComponentProblem, match=r"information on the field: Record\.No__c\."):
        types.put("FlexiPage", "Other", page(shown[1].format("No__c")))
    assert types.absent("FlexiPage", "Other")


def test_what_a_seed_names_and_leaves_out_is_made_up(tmp_path: Path) -> None:
    actions = tmp_path / "quickActions"
    actions.mkdir()
    xml = "<QuickAction><label>A</label><lightningComponent>spin</lightningComponent></QuickAction>"
    (actions / "Account.Spin.quickAction-meta.xml").write_text(xml)
    org, report = EmulatedOrg(), LoadReport()
    load_source(org, tmp_path, report)
    assert "AuraDefinitionBundle spin" in report.stubs
    assert component_type("AuraDefinitionBundle").read(org, "spin") is not None
    Types(org).put("QuickAction", "Account.Spin", of(xml))


def test_fields_that_are_made_up_for_a_seed_are_seen_by_the_administrator(tmp_path: Path) -> None:
    (tmp_path / "Contact" / "fieldSets").mkdir(parents=True)
    xml = (
        "<FieldSet><fullName>Short</fullName><label>Short</label><description>d</description>"
        "<displayedFields><field>pkg__Other_Mail__c</field></displayedFields></FieldSet>"
    )
    (tmp_path / "Contact" / "fieldSets" / "Short.fieldSet-meta.xml").write_text(xml)
    org, report = EmulatedOrg(), LoadReport()
    load_source(org, tmp_path, report)
    assert report.stubs == ["Contact.pkg__Other_Mail__c"]
    with org.transaction() as tx:
        made = tx.insert("Contact", {"LastName": "L", "pkg__Other_Mail__c": "m"})
    assert org.rows("Contact", Id=made)[0]["pkg__Other_Mail__c"] == "m"
    rights = org.rows("FieldPermissions", Field="Contact.pkg__Other_Mail__c")
    assert [(each["PermissionsRead"], each["PermissionsEdit"]) for each in rights] == [(True, True)]


def test_each_type_with_references_has_a_case() -> None:
    rare = {"ApprovalProcess", "CustomApplication", "PathAssistant", "PlatformEventChannelMember"}
    rare |= {"WorkflowOutboundMessage", "WorkflowTask"}
    assert REFERENCES.keys() - rare == {each[0] for each in LACKING}


FLOW = (
    "<label>F</label><status>{status}</status><start><object>Line__c</object>"
    "<filters><field>Code__c</field></filters></start>{more}"
)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            "<recordLookups><object>Line__c</object><queriedFields>Gone__c</queriedFields></recordLookups>",
            'The field "Gone__c" for the object "Line__c" doesn\'t exist.',
        ),
        (
            "<recordCreates><object>Account</object><inputAssignments><field>No__c</field></inputAssignments>"
            "</recordCreates>",
            'The field "No__c" for the object "Account" doesn\'t exist.',
        ),
        ("<recordDeletes><object>Gone__c</object></recordDeletes>", 'The object "Gone__c" doesn\'t exist.'),
        (
            "<actionCalls><actionName>Gone</actionName><actionType>apex</actionType></actionCalls>",
            "We can't find an action with the name and action type that you specified.",
        ),
    ],
)
def test_a_flow_that_is_to_be_active_names_what_is_there(types: Types, more: str, told: str) -> None:
    with pytest.raises(ComponentProblem) as refused:
        types.put("Flow", "Router", of(FLOW.format(status="Active", more=more)))
    assert refused.value.problem == f"field integrity exception: unknown ({told})"
    assert types.absent("Flow", "Router")
    types.put("Flow", "Router", of(FLOW.format(status="Draft", more=more)))
    types.put("Flow", "Router", of(FLOW.format(status="Active", more="")))
