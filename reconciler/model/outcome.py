"""What became of a row that was sent: applied, refused, or unknown. Unknown is a type, not a message."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Applied:
    record_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The org said no and nothing of this row was written. ``code`` is Salesforce's.

    ``moved``: refused by a condition of ours (the row was changed or deleted since it was read).
    """

    code: str
    message: str
    fields: tuple[str, ...] = ()
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The call left and no answer came; only the org can tell."""

    why: str


Outcome = Applied | Refused | Unknown
