"""What a user may do with bulk jobs beyond what he may do anyway.

Source: Bulk API Developer Guide, "hardDelete" operation; text not verified.
"""

from typing import TYPE_CHECKING

from .refusals import BulkRefusal

if TYPE_CHECKING:
    from ..org import EmulatedOrg


def check_hard_delete(org: "EmulatedOrg", user_id: str) -> None:
    """Raise FEATURENOTENABLED for a user without the permission `Bulk API Hard Delete`."""
    if not org.access.of(user_id).has("BulkApiHardDelete"):
        raise BulkRefusal(
            "FeatureNotEnabled", "hardDelete operation requires special user profile permission"
        )
