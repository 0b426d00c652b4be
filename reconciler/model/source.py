"""Where something was written. A position travels as a value; text is made only when printed."""

from typing import NamedTuple


class SourceRef(NamedTuple):
    """``file:line:column``, counted from one; the file as the operator named it."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Written(str):
    """A word of a file that a resource keeps, such as a field's name, and where it was written."""

    __slots__ = ("source",)

    source: SourceRef

    @classmethod
    def at(cls, text: str, source: SourceRef) -> "Written":
        made = cls(text)
        made.source = source
        return made
