"""zeep, as it is, made from the partner WSDL that jsforce brings: it reads elements in the WSDL's order."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import zeep
from jobs import PASSWORD, TOKEN, URL, USERNAME, count, equal, job
from lxml import etree

PARTNER, OBJECT = "{urn:partner.soap.sforce.com}", "{urn:sobject.partner.soap.sforce.com}"
client = zeep.Client(os.environ["PARTNER_WSDL"])
service = client.create_service(f"{PARTNER}SoapBinding", f"{URL}/services/Soap/u/47.0")
session = {"SessionHeader": client.get_element(f"{PARTNER}SessionHeader")(sessionId=TOKEN)}


def call(operation: str, **arguments: Any) -> Any:
    told = getattr(service, operation)(_soapheaders=session, **arguments)
    return told.body.result


def record(kind: str, record_id: str | None = None, **fields: str) -> Any:
    elements = []
    for name, value in fields.items():
        element = etree.Element(OBJECT + name)
        element.text = value
        elements.append(element)
    made = client.get_type(f"{OBJECT}sObject")
    return made(type=kind, fieldsToNull=[], Id=record_id, _value_1=elements)


def login() -> None:
    told = service.login(USERNAME, PASSWORD)
    equal(told.userInfo.userName, USERNAME)


def rows() -> None:
    made, bad = call("create", sObjects=[record("Account", Name="Zeep", Key__c="zeep"), record("Contact")])
    equal((made.success, bad.errors[0].statusCode), (True, "REQUIRED_FIELD_MISSING"))
    (updated,) = call("update", sObjects=[record("Account", made.id, Phone="1")])
    equal((updated.success, count("Account WHERE Key__c = 'zeep' AND Phone = '1'")), (True, 1))
    (upserted,) = call("upsert", externalIDFieldName="Key__c", sObjects=[record("Account", Key__c="zeep-2")])
    equal(upserted.errors[0].statusCode, "REQUIRED_FIELD_MISSING")
    found = call("query", queryString="SELECT Id, Owner.Name FROM Account WHERE Key__c = 'zeep'")
    equal((found.size, found.records[0].Id), (1, made.id))
    equal(call("retrieve", fieldList="Id", sObjectType="Account", ids=[made.id])[0].Id, made.id)
    hits = call("search", searchString="FIND {Zeep} RETURNING Account(Id)")
    equal([each.record.Id for each in hits.searchRecords], [made.id])
    hour, now = timedelta(hours=1), datetime.now(UTC)
    span = {"startDate": now - hour, "endDate": now + hour}
    assert made.id in call("getUpdated", sObjectType="Account", **span).ids
    equal(call("delete", ids=[made.id])[0].success, True)
    equal([each.id for each in call("getDeleted", sObjectType="Account", **span).deletedRecords], [made.id])
    equal((call("undelete", ids=[made.id])[0].success, count("Account WHERE Key__c = 'zeep'")), (True, 1))


def describes() -> None:
    names = [each.name for each in call("describeGlobal").sobjects]
    for start in range(0, len(names), 50):
        equal(
            [each.name for each in call("describeSObjects", sObjectType=names[start : start + 50])],
            names[start : start + 50],
        )
    equal(len(call("describeLayout", sObjectType="Account", layoutName=None, recordTypeIds=[]).layouts), 1)
    assert call("describeCompactLayouts", sObjectType="Account", recordTypeIds=[]).compactLayouts
    assert call("describePrimaryCompactLayouts", sObjectTypes=["Account", "Contact"])
    assert call("describeTabs")[0].tabs
    assert call("describeAllTabs")
    assert call("describeTheme", sobjectType=["Account"]).themeItems
    assert call("describeAppMenu", appMenuType="AppSwitcher", networkId="").appMenuItems
    actions = [each.name for each in call("describeAvailableQuickActions", contextType="Global")]
    equal([each.name for each in call("describeQuickActions", quickActions=["NewTask"])], ["NewTask"])
    assert "NewTask" in actions, actions
    equal([each.objectType for each in call("describeSearchLayouts", sObjectType=["Account"])], ["Account"])
    assert call("describeSearchScopeOrder")


if __name__ == "__main__":
    job("login", login)
    job("create, update, upsert, query, retrieve, search, delete, undelete", rows)
    job("describes, of all objects", describes)
