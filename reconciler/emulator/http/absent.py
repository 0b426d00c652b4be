"""What is said of the resources of a feature that the org does not have.

An address below one of these is known to Salesforce, but leads nowhere in an org without the feature;
elsewhere an unknown address is NOT_FOUND. The texts are not verified.

Source: Connect REST API Developer Guide, "Status Codes"; REST calls of Apex classes as users report them.
"""

from collections.abc import Callable

from reconciler.emulator.errors import ApiError, NotFound

APEX_REST = "/services/apexrest"


def _disabled() -> ApiError:
    message = "This feature is not currently enabled for this user."
    return ApiError(message, code="FUNCTIONALITY_NOT_ENABLED", status=403)


def _no_class() -> ApiError:
    return NotFound("Could not find a match for URL")


DISABLED: dict[str, Callable[[], ApiError]] = {"chatter": _disabled, "wave": _disabled}
"""By the first segment below the data root."""


def refusal(path: str) -> ApiError:
    """The refusal of an address that no route has."""
    if path == APEX_REST or path.startswith(APEX_REST + "/"):
        return _no_class()
    segments = path.strip("/").split("/")
    area = segments[3] if segments[:2] == ["services", "data"] and len(segments) > 3 else ""
    return DISABLED.get(area, NotFound)()
