"""What became of each record, kept apart from the upload and put beside it again when asked for.

An outcome is the number of the row, and whether it is new, or the refusal. They are kept as one JSON
list a stretch of records: the row's number if it is new, the negative number if it was there, or
number, code, text and fields of a refusal.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import ids
from ..errors import ApiError
from .refusals import row_error

if TYPE_CHECKING:
    from ..org import EmulatedOrg


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one record. ``number`` 0: there is no row."""

    number: int = 0
    created: bool = False
    error: ApiError | None = None

    @property
    def id(self) -> str:
        return ids.to_text(self.number) if self.number else ""

    @property
    def error_text(self) -> str:
        return (
            ""
            if self.error is None
            else row_error(self.error.code, self.error.message, self.error.fields or [])
        )


def _kept(outcome: Outcome) -> Any:
    error = outcome.error
    if error is not None:
        return [outcome.number, error.code, error.message, error.fields or []]
    return outcome.number if outcome.created else -outcome.number


def _outcome(kept: Any) -> Outcome:
    if isinstance(kept, list):
        number, code, message, fields = kept
        return Outcome(number, False, ApiError(message, code=code, fields=fields))
    return Outcome(abs(kept), kept > 0)


def keep(
    org: "EmulatedOrg", owner: int, first: int, place: tuple[int, int], outcomes: Sequence[Outcome | int]
) -> None:
    """Keep the outcomes of the records from the ``first`` on; ``place`` says where in the upload they are.

    A bare number is a new row.
    """
    kept = [each if each.__class__ is int else _kept(each) for each in outcomes]  # type: ignore[arg-type]  # an int is told by its class, which is quicker
    org.store.execute(
        "INSERT INTO _bulk_result VALUES (?, ?, ?, ?, ?, ?)",
        (owner, first, *place, len(kept), json.dumps(kept)),
    )


@dataclass(frozen=True, slots=True)
class Stretch:
    """Outcomes of successive records, and the place in the upload of the first."""

    part: int
    record: int
    outcomes: list[Outcome]


class ResultGone(Exception):
    """A result was forgotten while it was read."""


def stretches(org: "EmulatedOrg", owner: int, count: int) -> Iterator[Stretch]:
    """All ``count`` outcomes of an upload, in its order, one stretch in memory at a time.

    Raises `ResultGone` when there are not so many.
    """
    first, seen = -1, 0
    while rows := org.store.execute(
        "SELECT first, part, record, content FROM _bulk_result WHERE owner = ? AND first > ? "
        "ORDER BY first LIMIT 1",
        (owner, first),
    ):
        first, number, record, content = rows[0]
        outcomes = [_outcome(each) for each in json.loads(content)]
        seen += len(outcomes)
        yield Stretch(number, record, outcomes)
    if seen != count:
        raise ResultGone
