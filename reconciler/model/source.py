"""Where something was written. A position travels as a value; text is made only when printed."""

from typing import NamedTuple


class SourceRef(NamedTuple):
    """``file:line:column``, counted from one; the file as the operator named it."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
