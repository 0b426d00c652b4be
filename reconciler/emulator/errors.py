"""Salesforce's refusals, as exceptions that know their status, code, text and fields.

An endpoint raises one; the transport writes it in the envelope of the API that was asked.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    """One refusal. ``fields`` is None where Salesforce leaves the key out of the envelope."""

    status = 400
    code = "UNKNOWN_EXCEPTION"

    def __init__(
        self,
        message: str,
        *,
        fields: Sequence[str] | None = None,
        code: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.further: Sequence[ApiError] = ()
        """What else was wrong with the same row; validation rules are reported all at once."""
        self.detail: Mapping[str, Any] = {}
        """What REST tells before code and message; `fields` is then left out."""
        self.fields = None if fields is None else list(fields)
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status


class MalformedQuery(ApiError):
    """Source: SOQL and SOSL Reference; texts in REST API recordings."""

    code = "MALFORMED_QUERY"


class InvalidField(ApiError):
    code = "INVALID_FIELD"


class InvalidType(ApiError):
    code = "INVALID_TYPE"


class NotFound(ApiError):
    status, code = 404, "NOT_FOUND"

    def __init__(self, message: str = "The requested resource does not exist") -> None:
        super().__init__(message)
