"""What a user may do with bulk jobs beyond what he may do anyway.

Source: Bulk API Developer Guide, "hardDelete" operation; text not verified.
"""

from typing import TYPE_CHECKING

from .. import ids
from .refusals import BulkRefusal

if TYPE_CHECKING:
    from ..org import EmulatedOrg

GRANTED = """SELECT 1 FROM "PermissionSet" p WHERE p."PermissionsBulkApiHardDelete" = 1 AND (
  p."ProfileId" = (SELECT u."ProfileId" FROM "User" u WHERE u."Id" = ?1) OR p."Id" IN (
    SELECT a."PermissionSetId" FROM "PermissionSetAssignment" a
    WHERE a."AssigneeId" = ?1 AND a."IsActive" = 1)) LIMIT 1"""


def check_hard_delete(org: "EmulatedOrg", user_id: str) -> None:
    """Raise FEATURENOTENABLED for a user without the permission `Bulk API Hard Delete`."""
    if not org.store.execute(GRANTED, (ids.parse(user_id),)):
        raise BulkRefusal(
            "FeatureNotEnabled", "hardDelete operation requires special user profile permission"
        )
