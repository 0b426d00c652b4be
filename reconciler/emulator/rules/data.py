"""Fields of sales and service objects that follow from other fields.

The stage of an opportunity decides whether it is closed, won, how likely and how forecast; the status
of a case or a task whether it is closed; a price book entry is called by its product.

Source: Object Reference, "Opportunity", "Case", "Task", "PricebookEntry", "CampaignMember",
"ContentVersion"; stages of a Developer Edition org.
"""

import hashlib
from typing import TYPE_CHECKING, Any

from reconciler.emulator import lead_conversion
from reconciler.emulator.errors import ApiError

from .hooks import REGISTRY, Rules, Values

if TYPE_CHECKING:
    from reconciler.emulator.tables import Table
    from reconciler.emulator.writes import Transaction

STAGES: dict[str, tuple[float, str, str, int, int]] = {
    "Prospecting": (10.0, "Pipeline", "Pipeline", 0, 0),
    "Qualification": (10.0, "Pipeline", "Pipeline", 0, 0),
    "Needs Analysis": (20.0, "Pipeline", "Pipeline", 0, 0),
    "Value Proposition": (50.0, "Pipeline", "Pipeline", 0, 0),
    "Id. Decision Makers": (60.0, "Pipeline", "Pipeline", 0, 0),
    "Perception Analysis": (70.0, "Pipeline", "Pipeline", 0, 0),
    "Proposal/Price Quote": (75.0, "Pipeline", "Pipeline", 0, 0),
    "Negotiation/Review": (90.0, "Pipeline", "Pipeline", 0, 0),
    "Closed Won": (100.0, "Closed", "Closed", 1, 1),
    "Closed Lost": (0.0, "Omitted", "Omitted", 1, 0),
}
"""By stage: probability, forecast category and its name, closed, won. Others are open pipeline."""
OTHER_STAGE = (0.0, "Pipeline", "Pipeline", 0, 0)
FOLLOWS_STAGE = (
    "Probability",
    "ForecastCategory",
    "ForecastCategoryName",
    "IsClosed",
    "IsWon",
    "ExpectedRevenue",
)
CLOSED_CASE = "Closed"
CLOSED_TASK = "Completed"
HIGH = "High"


def _stage(values: Values, given: Values) -> None:
    probability, category, category_name, closed, won = STAGES.get(values["StageName"], OTHER_STAGE)
    if given.get("Probability") is None:
        values["Probability"] = probability
    if given.get("ForecastCategoryName") is None:
        values["ForecastCategoryName"] = category_name
    values["ForecastCategory"] = category
    values["IsClosed"], values["IsWon"] = closed, won


def _expected(values: Values) -> None:
    if values["Amount"] is not None and values["Probability"] is not None:
        values["ExpectedRevenue"] = round(values["Amount"] * values["Probability"] / 100, 2)


def _fill_opportunity(tx: "Transaction", table: "Table", values: Values) -> None:
    if values["StageName"]:
        _stage(values, values)
    _expected(values)


def _check_opportunity(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
    new = old | changes
    if changes.get("StageName", old["StageName"]) != old["StageName"]:
        _stage(new, changes)
    _expected(new)
    followed = (
        "Probability",
        "ForecastCategory",
        "ForecastCategoryName",
        "IsClosed",
        "IsWon",
        "ExpectedRevenue",
    )
    changes.update({name: new[name] for name in followed})


def _case(tx: "Transaction", values: Values) -> Values:
    closed = int(values["Status"] == CLOSED_CASE)
    since = values["ClosedDate"] or tx.stamp
    return {"IsClosed": closed, "ClosedDate": since if closed else None}


def _task(tx: "Transaction", values: Values) -> Values:
    closed = int(values["Status"] == CLOSED_TASK)
    since = values["CompletedDateTime"] or tx.stamp
    return {
        "IsClosed": closed,
        "IsHighPriority": int(values["Priority"] == HIGH),
        "CompletedDateTime": since if closed else None,
    }


def _following(follow: Any) -> Rules:
    """Rules that set what ``follow`` computes, of a new row and of a changed one."""

    def fill(tx: "Transaction", table: "Table", values: Values) -> None:
        values.update(follow(tx, values))

    def check(tx: "Transaction", table: "Table", number: int, old: Values, changes: Values) -> None:
        changes.update(follow(tx, old | changes))

    return Rules(fill=fill, check_update=check)


def _fill_entry(tx: "Transaction", table: "Table", values: Values) -> None:
    if values["Product2Id"] is not None:
        product = tx.row(tx.org.tables["Product2"], values["Product2Id"])
        values["Name"], values["ProductCode"] = product["Name"], product["ProductCode"]


def _line(tx: "Transaction", values: Values) -> Values:
    """A line's total is its price times its quantity; it is sold from a price book entry."""
    if values["UnitPrice"] is None or values["Quantity"] is None:
        return {}
    return {"TotalPrice": round(values["UnitPrice"] * values["Quantity"], 2)}


def _check_member(tx: "Transaction", table: "Table", values: Values) -> None:
    people = [name for name in ("LeadId", "ContactId") if values[name] is not None]
    if not people:
        raise ApiError(
            "Required fields are missing: [LeadId]", code="REQUIRED_FIELD_MISSING", fields=["LeadId"]
        )
    key = {"CampaignId": values["CampaignId"], people[0]: values[people[0]]}
    if tx.find_row("CampaignMember", key) is not None:
        raise ApiError("Already a campaign member.", code="DUPLICATE_VALUE", fields=[])
    person = tx.row(tx.org.tables["Lead" if people[0] == "LeadId" else "Contact"], values[people[0]])
    values.update({name: person[name] for name in ("FirstName", "LastName", "Name")})
    values["HasResponded"] = int(values["Status"] == "Responded")


FILE_TYPES = {"txt": "TEXT", "htm": "HTML", "jpg": "JPG", "doc": "WORD", "docx": "WORD_X", "xlsx": "EXCEL_X"}
"""What files are called by their extension, where that is not the extension in capitals."""


def _fill_version(tx: "Transaction", table: "Table", values: Values) -> None:
    """The first version of a file makes the document it belongs to."""
    content = values["VersionData"] or b""
    extension = (values["PathOnClient"] or "").rpartition(".")[2] or None
    values["ContentSize"] = len(content)
    values["FileExtension"] = extension
    values["FileType"] = FILE_TYPES.get(extension.lower(), extension.upper()) if extension else "UNKNOWN"
    values["Checksum"] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    values["IsLatest"], values["PublishStatus"] = 1, "P"
    values["Title"] = values["Title"] or (values["PathOnClient"] or "").rpartition("/")[2].rpartition(".")[0]
    shared = {name: values[name] for name in ("Title", "ContentSize", "FileType", "FileExtension")}
    if values["ContentDocumentId"] is None:
        values["VersionNumber"] = "1"
        made = tx.system_insert("ContentDocument", OwnerId=tx.user, **shared)
        values["ContentDocumentId"] = made
        _link(tx, made, tx.user, "I")
        if values["FirstPublishLocationId"] not in (None, tx.user):
            _link(tx, made, values["FirstPublishLocationId"], "V")
        return
    document = (values["ContentDocumentId"],)
    (row,) = tx.store.execute('SELECT COUNT(*) FROM "ContentVersion" WHERE "ContentDocumentId" = ?', document)
    values["VersionNumber"] = str(row[0] + 1)
    tx.store.execute('UPDATE "ContentVersion" SET "IsLatest" = 0 WHERE "ContentDocumentId" = ?', document)
    tx.set_fields(tx.org.tables["ContentDocument"], values["ContentDocumentId"], shared)


def _link(tx: "Transaction", document: int, entity: int, share: str) -> None:
    tx.system_insert(
        "ContentDocumentLink",
        ContentDocumentId=document,
        LinkedEntityId=entity,
        ShareType=share,
        Visibility="AllUsers",
    )


def _after_version(tx: "Transaction", table: "Table", number: int, values: Values) -> None:
    document = tx.org.tables["ContentDocument"]
    tx.set_fields(document, values["ContentDocumentId"], {"LatestPublishedVersionId": number})


def _fill_attachment(tx: "Transaction", table: "Table", values: Values) -> None:
    values["BodyLength"] = len(values["Body"]) if values["Body"] is not None else 0


def register() -> None:
    """Hook the rules into `rules.REGISTRY`."""
    REGISTRY.update(
        {
            "Lead": Rules(check_update=lead_conversion.refuse_converted),
            "Opportunity": Rules(fill=_fill_opportunity, check_update=_check_opportunity),
            "Case": _following(_case),
            "Task": _following(_task),
            "OpportunityLineItem": _following(_line),
            "OrderItem": _following(_line),
            "PricebookEntry": Rules(fill=_fill_entry),
            "CampaignMember": Rules(check_insert=_check_member),
            "ContentVersion": Rules(fill=_fill_version, after_insert=_after_version),
            "Attachment": Rules(fill=_fill_attachment),
        }
    )
