"""Who may change metadata and run code through the Tooling API.

Source: Tooling API, "Introduction"; Apex Developer Guide, "Anonymous Blocks".
"""

from reconciler.emulator.errors import ApiError
from reconciler.emulator.org import EmulatedOrg

CUSTOMIZES = ("CustomizeApplication", "AuthorApex", "ModifyMetadata", "ModifyAllData")
RUNS_CODE = ("AuthorApex",)


class InsufficientAccess(ApiError):
    status, code = 403, "INSUFFICIENT_ACCESS"

    def __init__(self) -> None:
        super().__init__("insufficient access rights on cross-reference id", fields=[])


def check_customizes(org: EmulatedOrg, user_id: str) -> None:
    """Raises INSUFFICIENT_ACCESS for a user who may not change the set-up at all."""
    if not org.access.of(user_id).has_any(*CUSTOMIZES):
        raise InsufficientAccess


def check_runs_code(org: EmulatedOrg, user_id: str) -> None:
    """Raises INSUFFICIENT_ACCESS for a user who may not run anonymous Apex or tests."""
    if not org.access.of(user_id).has_any(*RUNS_CODE):
        raise InsufficientAccess
