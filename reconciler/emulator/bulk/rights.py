"""What a user may do with bulk jobs beyond what he may do anyway.

Source: Bulk API Developer Guide, "hardDelete" operation, "Close or Abort a Job"; texts not verified.
"""

from typing import TYPE_CHECKING

from .refusals import BulkRefusal

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from .jobs import Job


def check_hard_delete(org: "EmulatedOrg", user_id: str) -> None:
    """Raise FEATURENOTENABLED for a user without the permission `Bulk API Hard Delete`."""
    if not org.access.of(user_id).has("BulkApiHardDelete"):
        raise BulkRefusal(
            "FeatureNotEnabled", "hardDelete operation requires special user profile permission"
        )


def check_abort(org: "EmulatedOrg", user_id: str, job: "Job") -> None:
    """Raise for a user who neither made the job nor has the permission `Manage Data Integrations`."""
    if user_id != job.user_id and not org.access.of(user_id).has("ManageDataIntegrations"):
        raise BulkRefusal(
            "InvalidJobState",
            f"Only who created a job may abort it, or who manages data integrations: {job.id}",
        )
