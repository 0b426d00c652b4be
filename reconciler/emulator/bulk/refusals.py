"""How the Bulk APIs say no: to a call, to a whole job or batch, to a row.

A call to 2.0 is refused with a code in capitals, one to 1.0 with the same word in mixed case; `BulkRefusal`
is both. What makes a whole job fail is a text that begins with such a word. A row's error is
`CODE:message:fields --`.

Source: Bulk API Developer Guide, "Errors"; texts as recorded, and as users paste them into issues.
"""

from ..errors import ApiError
from ..schema import Field
from ..values import WrongType

XSD = {
    "date": "date",
    "datetime": "dateTime",
    "time": "time",
    "boolean": "boolean",
    "int": "int",
    "long": "long",
    "double": "double",
    "currency": "double",
    "percent": "double",
    "base64": "base64Binary",
}


class BulkRefusal(ApiError):
    """``word`` is 1.0's exception code, `InvalidJob`; ``code`` that of 2.0, `INVALIDJOB`."""

    def __init__(self, word: str, message: str, *, status: int = 400, code: str | None = None) -> None:
        self.word = word
        super().__init__(message, code=code or word.upper(), status=status)


class BatchFailed(Exception):
    """A job or batch fails as a whole; the text is its message."""

    def __init__(self, message: str, word: str = "InvalidBatch") -> None:
        super().__init__(f"{word} : {message}")


def unparsable(why: str) -> BatchFailed:
    return BatchFailed(f"Failed to parse CSV. {why}")


def no_such_field(name: str) -> BatchFailed:
    return BatchFailed(f"Field name not found : {name}")


def cannot_read(field: Field, value: object, column: int) -> ApiError:
    """The refusal of a cell that is no value of its field's type."""
    return ApiError(
        f"Failed to deserialize field at col {column}. Due to, '{value}' is not a valid value for the type "
        f"xsd:{XSD.get(field.type, 'string')}",
        code="INVALID_FIELD",
        fields=[field.name],
    )


def of_a_row(error: ApiError, columns: dict[str, int]) -> ApiError:
    """The same refusal as a row's own: a value of the wrong type is told by its column."""
    if isinstance(error, WrongType):
        return cannot_read(error.field, error.value, columns.get(error.field.name.lower(), 0))
    return error


def row_error(code: str, message: str, fields: list[str]) -> str:
    """The text of a row's error.

    >>> row_error("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ["Name"])
    'REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --'
    """
    return f"{code}:{message}:{','.join(fields)} --" if fields else f"{code}:{message}:--"
