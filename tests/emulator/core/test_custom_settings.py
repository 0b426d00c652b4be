"""Claims about custom settings and custom metadata types."""

from collections.abc import Callable

import pytest

from reconciler.emulator.custom_fields import object_of
from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.schema import Field

Refused = Callable[..., ApiError]


@pytest.fixture
def settings(org: EmulatedOrg) -> EmulatedOrg:
    for name, kind, prefix in (("Flags__c", "Hierarchy", "a00"), ("Regions__c", "List", "a01")):
        org.additions.add_object(object_of(name, {"customSettingsType": [kind], "label": [name]}, prefix))
    org.additions.add_object(object_of("Endpoint__mdt", {"label": ["Endpoint"]}, "m00"))
    org.additions.add_fields(
        "Flags__c", [Field(name="On__c", type="boolean", label="On", nillable=False, custom=True)]
    )
    return org


def test_a_hierarchy_setting_has_one_row_an_owner_and_the_org_is_the_default_owner(
    settings: EmulatedOrg, refused: Refused
) -> None:
    row = settings.retrieve("Flags__c", settings.has("Flags__c", On__c=True))
    assert (row["SetupOwnerId"], row["On__c"]) == (settings.org_id, True)
    refused(lambda: settings.has("Flags__c", SetupOwnerId=settings.org_id), "DUPLICATE_VALUE")
    (profile,) = settings.rows("Profile", Name="Standard User")
    settings.has("Flags__c", SetupOwnerId=profile["Id"])
    settings.has("Flags__c", SetupOwnerId=settings.admin_id)
    assert len(settings.rows("Flags__c")) == 3


def test_a_list_setting_is_known_by_its_name(settings: EmulatedOrg, refused: Refused) -> None:
    settings.has("Regions__c", Name="EMEA")
    refused(lambda: settings.has("Regions__c", Name="emea"), "DUPLICATE_VALUE")
    refused(lambda: settings.has("Regions__c"), "REQUIRED_FIELD_MISSING")


def test_custom_metadata_is_not_written_row_by_row(settings: EmulatedOrg, refused: Refused) -> None:
    error = refused(
        lambda: settings.has("Endpoint__mdt", DeveloperName="X"), "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    )
    assert error.message == "entity type cannot be inserted: Endpoint__mdt"
