"""Refusals of the OAuth endpoints, which have a form of their own: `error` and `error_description`.

Source: OAuth 2.0 (RFC 6749, section 5.2); texts as recorded and as users report them.
"""

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.message import Reply, ok


class OAuthRefusal(ApiError):
    """``code`` is OAuth's `error`, the message its `error_description`."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message, code=code, status=status)

    def reply(self) -> Reply:
        return ok({"error": self.code, "error_description": self.message}, self.status)
