"""Who may use the Metadata API.

Source: Metadata API Developer Guide, "Get Started with Metadata API".
"""

from reconciler.emulator import ids
from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg

MAY = """SELECT 1 FROM "PermissionSetAssignment" a JOIN "PermissionSet" p ON p."Id" = a."PermissionSetId"
  WHERE a."AssigneeId" = ? AND a."IsActive" = 1
  AND (p."PermissionsModifyAllData" = 1 OR p."PermissionsModifyMetadata" = 1) LIMIT 1"""


class MayNotDeploy(ApiError):
    status, code = 403, "INSUFFICIENT_ACCESS"

    def __init__(self) -> None:
        super().__init__(
            "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions"
        )


def check_may_deploy(org: EmulatedOrg, user_id: str) -> None:
    """Raises INSUFFICIENT_ACCESS for a user without either permission."""
    if not org.store.execute(MAY, (ids.parse(user_id),)):
        raise MayNotDeploy
