"""Sound calls of the SOAP APIs."""

from typing import Final

HEADS: Final = {
    "partner": ("urn:partner.soap.sforce.com", "/services/Soap/u/62.0"),
    "enterprise": ("urn:enterprise.soap.sforce.com", "/services/Soap/c/62.0"),
    "metadata": ("http://soap.sforce.com/2006/04/metadata", "/services/Soap/m/62.0"),
    "apex": ("http://soap.sforce.com/2006/08/apex", "/services/Soap/s/62.0"),
}
RECORD = "<sObjects><type>Account</type><Name>A</Name><Score__c>1.5</Score__c></sObjects>"
ROWS = (
    f"<create>{RECORD}{RECORD}</create>",
    "<update><sObjects><type>Account</type><Id>{account}</Id><fieldsToNull>Phone</fieldsToNull></sObjects>"
    "</update>",
    "<upsert><externalIDFieldName>Key__c</externalIDFieldName><sObjects><type>Account</type><Key__c>"
    "K1</Key__c>"
    "<Parent><type>Account</type><Key__c>K2</Key__c></Parent></sObjects></upsert>",
    "<delete><ids>{twin}</ids><ids>{contact}</ids></delete>",
    "<undelete><ids>{gone}</ids></undelete>",
    "<emptyRecycleBin><ids>{gone}</ids></emptyRecycleBin>",
    "<query><queryString>SELECT Id, Name, (SELECT Id FROM Contacts) FROM Account</queryString></query>",
    "<queryAll><queryString>SELECT COUNT() FROM Account</queryString></queryAll>",
    "<queryMore><queryLocator>0r8xx5R2sM3DgWhASK-200</queryLocator></queryMore>",
    "<retrieve><fieldList>Id, Name</fieldList><sObjectType>Account</sObjectType><ids>{account}</ids>"
    "</retrieve>",
    "<search><searchString>FIND {Acme} RETURNING Account(Id)</searchString></search>",
    "<getUpdated><sObjectType>Account</sObjectType><startDate>2031-05-01T00:00:00Z</startDate>"
    "<endDate>2031-05-04T00:00:00Z</endDate></getUpdated>",
    "<merge><request><masterRecord><type>Account</type><Id>{account}</Id></masterRecord>"
    "<recordToMergeIds>{twin}</recordToMergeIds></request></merge>",
    "<convertLead><leadConverts><leadId>{lead}</leadId><convertedStatus>Closed - Converted</convertedStatus>"
    "<doNotCreateOpportunity>false</doNotCreateOpportunity></leadConverts></convertLead>",
    "<describeSObjects><sObjectType>Account</sObjectType></describeSObjects>",
    "<describeLayout><sObjectType>Account</sObjectType></describeLayout>",
    "<describeGlobal/>",
    "<getUserInfo/>",
    "<getServerTimestamp/>",
    "<setPassword><userId>{reader}</userId><password>Very-Secret-1</password></setPassword>",
    '<sendEmail><messages xsi:type="SingleEmailMessage"><toAddresses>a@b.example</toAddresses></messages>'
    "</sendEmail>",
    "<login><username>u</username><password>p</password></login>",
    "<invalidateSessions><sessionIds>x</sessionIds></invalidateSessions>",
)
FIELD = (
    '<metadata xsi:type="CustomField"><fullName>Account.New__c</fullName><label>New</label><type>'
    "Number</type>"
    "<precision>5</precision><scale>2</scale></metadata>"
)
SETTING = (
    '<metadata xsi:type="RemoteSiteSetting"><fullName>R</fullName><url>https://a.example</url>'
    "<isActive>true</isActive><disableProtocolSecurity>false</disableProtocolSecurity></metadata>"
)
SET = (
    '<metadata xsi:type="PermissionSet"><fullName>New</fullName><label>New</label><objectPermissions>'
    "<object>Account</object><allowRead>true</allowRead></objectPermissions><fieldPermissions>"
    "<field>Account.Phone</field><readable>true</readable></fieldPermissions></metadata>"
)
PICKLIST = (
    '<metadata xsi:type="CustomField"><fullName>Account.P__c</fullName><label>P</label><type>Picklist</type>'
    "<valueSet>"
    "<valueSetDefinition><value><fullName>a</fullName><label>a</label><default>false</default></value>"
    "</valueSetDefinition></valueSet></metadata>"
)
RULE = (
    '<metadata xsi:type="ValidationRule"><fullName>Account.R</fullName><active>true</active>'
    "<errorConditionFormula>AND(LEN(Name) > 5, ISBLANK(Phone))</errorConditionFormula>"
    "<errorMessage>no</errorMessage></metadata>"
)
OBJECT = (
    '<metadata xsi:type="CustomObject"><fullName>Thing__c</fullName><label>Thing</label>'
    "<pluralLabel>Things</pluralLabel><nameField><label>Name</label><type>AutoNumber</type>"
    "<displayFormat>T-{0000}</displayFormat></nameField><deploymentStatus>Deployed</deploymentStatus>"
    "<sharingModel>ReadWrite</sharingModel></metadata>"
)
FLOW = (
    '<metadata xsi:type="Flow"><fullName>F</fullName><label>F</label><processType>'
    "AutoLaunchedFlow</processType>"
    "<status>Active</status></metadata>"
)
COMPONENTS = (
    *(
        f"<createMetadata>{each}</createMetadata>"
        for each in (FIELD, SETTING, SET, PICKLIST, RULE, OBJECT, FLOW)
    ),
    f"<upsertMetadata>{SET}</upsertMetadata>",
    f"<updateMetadata>{FIELD}</updateMetadata>",
    "<readMetadata><type>CustomObject</type><fullNames>Account</fullNames></readMetadata>",
    "<readMetadata><type>Profile</type><fullNames>Admin</fullNames></readMetadata>",
    "<deleteMetadata><type>CustomField</type><fullNames>Account.Tier__c</fullNames></deleteMetadata>",
    "<renameMetadata><type>PermissionSet</type><oldFullName>Sellers</oldFullName><newFullName>S</newFullName>"
    "</renameMetadata>",
    "<listMetadata><queries><type>CustomObject</type></queries><asOfVersion>62.0</asOfVersion></listMetadata>"
    "",
    "<describeMetadata><asOfVersion>62.0</asOfVersion></describeMetadata>",
    "<describeValueType><type>{http://soap.sforce.com/2006/04/metadata}CustomField</type></describeValueType>"
    "",
    "<deploy><ZipFile>UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==</ZipFile><DeployOptions><checkOnly>true</checkOnly>"
    "<testLevel>NoTestRun</testLevel></DeployOptions></deploy>",
    "<checkDeployStatus><asyncProcessId>0Af000000000001AAA</asyncProcessId></checkDeployStatus>",
    "<retrieve><retrieveRequest><apiVersion>62.0</apiVersion><unpackaged><types><members>*</members>"
    "<name>CustomObject</name></types></unpackaged></retrieveRequest></retrieve>",
    "<checkRetrieveStatus><asyncProcessId>09S000000000001AAA</asyncProcessId></checkRetrieveStatus>",
    "<cancelDeploy><String>0Af000000000001AAA</String></cancelDeploy>",
)
APEX = (
    "<executeAnonymous><String>System.debug(1);</String></executeAnonymous>",
    "<compileClasses><scripts>public class A {}</scripts></compileClasses>",
    "<runTests><RunTestsRequest><classes>A</classes></RunTestsRequest></runTests>",
)
SOAP: Final = (
    ("partner", HEADS["partner"][1], ROWS),
    ("enterprise", HEADS["enterprise"][1], ROWS[:10]),
    ("metadata", HEADS["metadata"][1], COMPONENTS),
    ("apex", HEADS["apex"][1], APEX),
)


def soap(namespace: str, call: str) -> str:
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="{HEADS[namespace][0]}"><e:Header>'
        "<SessionHeader><sessionId>{session.admin}</sessionId></SessionHeader>"
        "<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader></e:Header>"
        f"<e:Body>{call}</e:Body></e:Envelope>"
    )
