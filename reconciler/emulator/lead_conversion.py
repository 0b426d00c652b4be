"""A lead becomes an account, a contact and, unless it is not wanted, an opportunity.

Rows that the caller names are used as they are, except that empty fields of a contact or an account are
filled from the lead; otherwise rows are made. What hung on the lead moves to the contact. A converted
lead is not changed any more.

Source: SOAP API Developer Guide, "convertLead()"; standard mapping of lead fields; the refusal to change
a converted lead as recorded.
"""

# ruff: noqa: S608 - names come from the schema, values are bound

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from . import ids
from .errors import ApiError
from .store import quoted

if TYPE_CHECKING:
    from .tables import Table
    from .writes import Transaction

MAX_LEADS = 100
ADDRESS = ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude")
TO_ACCOUNT = {
    "Company": "Name",
    "Phone": "Phone",
    "Fax": "Fax",
    "Website": "Website",
    "Industry": "Industry",
    "Rating": "Rating",
    "AnnualRevenue": "AnnualRevenue",
    "NumberOfEmployees": "NumberOfEmployees",
    **{part: f"Billing{part}" for part in ADDRESS},
}
TO_CONTACT = {
    **{name: name for name in ("FirstName", "LastName", "Salutation", "Title", "Email", "Phone", "Fax")},
    **{name: name for name in ("MobilePhone", "LeadSource", "Description", "IndividualId")},
    **{part: f"Mailing{part}" for part in ADDRESS},
}
CONVERTED = "Closed - Converted"
"""The status of the org's leads that means they are converted."""
FIRST_STAGE = "Prospecting"
MOVED = (("Task", "WhoId"), ("Event", "WhoId"), ("CampaignMember", "ContactId"))
OLD_KEY = {"ContactId": "LeadId"}


@dataclass(frozen=True)
class LeadConvert:
    """One conversion; ids are empty where rows are to be made."""

    lead: str
    status: str
    account: str = ""
    contact: str = ""
    owner: str = ""
    opportunity_name: str = ""
    without_opportunity: bool = False
    overwrite_source: bool = False


def refuse_converted(
    tx: "Transaction", table: "Table", number: int, old: dict[str, Any], changes: dict[str, Any]
) -> None:
    """A rule of leads: those converted are not updated."""
    if old["IsConverted"]:
        raise ApiError("cannot reference converted lead", code="CANNOT_UPDATE_CONVERTED_LEAD", fields=[])


def convert(tx: "Transaction", wanted: LeadConvert) -> dict[str, str | None]:
    """Do it; the ids of the four rows. Raises and leaves all as it was when refused."""
    leads = tx.org.tables["Lead"]
    number = tx.find(leads, wanted.lead)
    lead = tx.row(leads, number)
    refuse_converted(tx, leads, number, lead, {})
    if wanted.status != CONVERTED:
        why = f"invalid convertedStatus: {wanted.status}" if wanted.status else "convertedStatus is required"
        raise ApiError(why, code="INVALID_STATUS", fields=["convertedStatus"])
    owner = wanted.owner or ids.to_text(lead["OwnerId"])
    account = _account(tx, wanted, lead, owner)
    contact = _contact(tx, wanted, lead, owner, account)
    opportunity = None if wanted.without_opportunity else _opportunity(tx, wanted, lead, owner, account)
    _move(tx, number, ids.parse(contact) or 0)
    tx.set_fields(
        leads,
        number,
        {
            "IsConverted": 1,
            "Status": wanted.status,
            "ConvertedDate": tx.org.clock.now().date().isoformat(),
            "ConvertedAccountId": ids.parse(account),
            "ConvertedContactId": ids.parse(contact),
            "ConvertedOpportunityId": ids.parse(opportunity) if opportunity else None,
            "IsUnreadByOwner": 0,
        },
    )
    return {
        "accountId": account,
        "contactId": contact,
        "leadId": ids.to_text(number),
        "opportunityId": opportunity,
    }


def _mapped(lead: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    found = {new: lead.get(old) for old, new in names.items() if lead.get(old) is not None}
    if "IndividualId" in found:
        found["IndividualId"] = ids.to_text(found["IndividualId"])
    return found


def _fill(tx: "Transaction", sobject: str, record_id: str, values: dict[str, Any]) -> str:
    """Give a row that is there what it lacks."""
    table = tx.org.tables[sobject]
    row = tx.row(table, tx.find(table, record_id))
    missing = {name: value for name, value in values.items() if row.get(name) is None}
    if missing:
        tx.update(sobject, record_id, missing)
    return ids.to_text(row["Id"])


def _account(tx: "Transaction", wanted: LeadConvert, lead: dict[str, Any], owner: str) -> str:
    values = _mapped(lead, TO_ACCOUNT)
    if wanted.account:
        return _fill(tx, "Account", wanted.account, values)
    return tx.insert("Account", {**values, "OwnerId": owner})


def _contact(tx: "Transaction", wanted: LeadConvert, lead: dict[str, Any], owner: str, account: str) -> str:
    values = {**_mapped(lead, TO_CONTACT), "AccountId": account}
    if not wanted.contact:
        return tx.insert("Contact", {**values, "OwnerId": owner})
    found = _fill(tx, "Contact", wanted.contact, values)
    if wanted.overwrite_source and lead["LeadSource"]:
        tx.update("Contact", found, {"LeadSource": lead["LeadSource"]})
    return found


def _opportunity(
    tx: "Transaction", wanted: LeadConvert, lead: dict[str, Any], owner: str, account: str
) -> str:
    return tx.insert(
        "Opportunity",
        {
            "Name": wanted.opportunity_name or f"{lead['Company']}-",
            "AccountId": account,
            "StageName": FIRST_STAGE,
            "CloseDate": end_of_quarter(tx.org.clock.now().date()).isoformat(),
            "LeadSource": lead["LeadSource"],
            "OwnerId": owner,
        },
    )


def end_of_quarter(day: date) -> date:
    """The last day of the quarter of a day.

    >>> end_of_quarter(date(2026, 11, 25)), end_of_quarter(date(2026, 2, 1))
    (datetime.date(2026, 12, 31), datetime.date(2026, 3, 31))
    """
    last = (day.month - 1) // 3 * 3 + 3
    return date(day.year, last, 31 if last in (3, 12) else 30)


def _move(tx: "Transaction", lead: int, contact: int) -> None:
    for name, field in MOVED:
        table = tx.org.tables[name]
        old = OLD_KEY.get(field, field)
        sql = f'SELECT "Id" FROM {quoted(name)} WHERE {quoted(old)} = ?{table.living}'
        for (number,) in tx.store.execute(sql, (lead,)):
            tx.set_fields(table, number, {field: contact}, by_user=False)
