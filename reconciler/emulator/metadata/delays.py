"""How long set-up that goes on by itself takes by the org's clock; nothing unless it is set."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.emulator.org import EmulatedOrg

NAMES = ("deploy_pending_ms", "deploy_running_ms", "retrieve_ms", "recalculation_ms")
"""How long a deployment waits, how long it runs then; a retrieval; permission set groups that changed."""


def delay(org: "EmulatedOrg", name: str) -> int:
    return int(org.fact(name, "0"))


def delays(org: "EmulatedOrg") -> dict[str, int]:
    """All of them, in milliseconds."""
    return {name: delay(org, name) for name in NAMES}


def configure(org: "EmulatedOrg", **milliseconds: int) -> dict[str, int]:
    """Set some of them, and answer all. Raises `ValueError`, and sets none, for what is no delay."""
    for name, value in milliseconds.items():
        if name not in NAMES:
            raise ValueError(f"unknown delay {name!r}, there are {', '.join(NAMES)}")
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{name} must be a whole number of milliseconds, not {value!r}")
    for name, value in milliseconds.items():
        org.set_fact(name, str(value))
    return delays(org)
