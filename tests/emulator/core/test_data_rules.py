"""Claims about fields of sales and service objects that follow from others."""

from collections.abc import Callable

import pytest

from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg

Refused = Callable[..., ApiError]
Change = Callable[..., None]


@pytest.mark.parametrize(
    ("stage", "closed", "won", "probability"),
    [
        ("Prospecting", False, False, 10.0),
        ("Closed Won", True, True, 100.0),
        ("Closed Lost", True, False, 0.0),
    ],
)
def test_the_stage_decides_whether_an_opportunity_is_won(
    org: EmulatedOrg, change: Change, stage: str, closed: bool, won: bool, probability: float
) -> None:
    made = org.has("Opportunity", Name="O", StageName=stage, CloseDate="2026-01-01", Amount=100)
    moved = org.has("Opportunity", Name="O", StageName="Qualification", CloseDate="2026-01-01", Amount=100)
    change(org, "Opportunity", moved, StageName=stage)
    for each in (made, moved):
        row = org.retrieve("Opportunity", each)
        assert (row["IsClosed"], row["IsWon"], row["Probability"]) == (closed, won, probability)
        assert row["ExpectedRevenue"] == probability


def test_a_probability_that_is_given_stays(org: EmulatedOrg) -> None:
    made = org.has("Opportunity", Name="O", StageName="Prospecting", CloseDate="2026-01-01", Probability=33)
    assert org.retrieve("Opportunity", made)["Probability"] == 33.0


def test_a_closed_case_knows_since_when(org: EmulatedOrg, change: Change) -> None:
    case = org.has("Case")
    change(org, "Case", case, Status="Closed")
    row = org.retrieve("Case", case)
    assert (row["IsClosed"], row["ClosedDate"]) == (True, "2026-01-01T00:00:00.000+0000")
    change(org, "Case", case, Status="New")
    assert org.retrieve("Case", case)["ClosedDate"] is None


def test_a_price_is_called_by_its_product_and_given_once(org: EmulatedOrg, refused: Refused) -> None:
    product = org.has("Product2", Name="Bike", ProductCode="B1")
    (book,) = org.rows("Pricebook2", IsStandard=True)
    price = {"Product2Id": product, "Pricebook2Id": book["Id"], "UnitPrice": 9.5}
    entry = org.retrieve("PricebookEntry", org.has("PricebookEntry", **price))
    assert (entry["Name"], entry["ProductCode"]) == ("Bike", "B1")
    refused(lambda: org.has("PricebookEntry", **price), "DUPLICATE_VALUE")


def test_a_campaign_has_a_person_once(org: EmulatedOrg, refused: Refused) -> None:
    campaign, contact = org.has("Campaign", Name="C"), org.has("Contact", LastName="L")
    org.has("CampaignMember", CampaignId=campaign, ContactId=contact)
    refused(lambda: org.has("CampaignMember", CampaignId=campaign, ContactId=contact), "DUPLICATE_VALUE")
    refused(lambda: org.has("CampaignMember", CampaignId=campaign), "REQUIRED_FIELD_MISSING")


def test_versions_of_a_file_share_a_document(org: EmulatedOrg) -> None:
    file = {"Title": "T", "PathOnClient": "t.txt", "VersionData": "YWJj"}
    first = org.retrieve("ContentVersion", org.has("ContentVersion", **file))
    second = org.has("ContentVersion", ContentDocumentId=first["ContentDocumentId"], **file)
    assert (first["ContentSize"], first["FileExtension"], first["IsLatest"]) == (3, "txt", True)
    assert [row["Id"] for row in org.rows("ContentVersion", IsLatest=True)] == [second]
    (document,) = org.rows("ContentDocument")
    assert document["LatestPublishedVersionId"] == second
