"""The life of one step, from planned to done, as a table.

A step's status is the fold of its journal entries through `NEXT`; nothing else changes it. An
event with no place in the row of the current status means that the journal was edited or two runs
share it, and reading stops there.

IN_DOUBT is the state that matters: the intent is on disk, the outcome is not, so the call may or
may not have reached the org. It is left only by looking at the live state, see `settle`. A step that
failed or was skipped may be sent again by a resume; one that is DONE never is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reconciler.model.errors import JournalFailed, Problem
from reconciler.model.journal import Entry, Event
from reconciler.model.outcome import Applied, Outcome, Refused, Unknown


class Status(StrEnum):
    PLANNED = "planned"
    IN_DOUBT = "in doubt"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Turn(StrEnum):
    """What an entry says about one step."""

    INTENDED = "intended"
    APPLIED = "applied"
    REFUSED = "refused"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


NEXT: dict[Status, dict[Turn, Status]] = {
    Status.PLANNED: {
        Turn.INTENDED: Status.IN_DOUBT,
        Turn.SKIPPED: Status.SKIPPED,
        Turn.REFUSED: Status.FAILED,
    },
    Status.IN_DOUBT: {
        Turn.APPLIED: Status.DONE,
        Turn.REFUSED: Status.FAILED,
        Turn.NOT_SENT: Status.PLANNED,
        Turn.UNKNOWN: Status.IN_DOUBT,
    },
    Status.FAILED: {
        Turn.INTENDED: Status.IN_DOUBT,
        Turn.SKIPPED: Status.SKIPPED,
        Turn.REFUSED: Status.FAILED,
    },
    Status.SKIPPED: {
        Turn.INTENDED: Status.IN_DOUBT,
        Turn.SKIPPED: Status.SKIPPED,
        Turn.REFUSED: Status.FAILED,
    },
    Status.DONE: {},
}

NOT_SENT_CODE = "NOT_SENT"
"""Code of a settled outcome that says: looked, and the call had no effect."""


@dataclass(slots=True)
class StepLife:
    """Where one step stands: its status, the row it made or changed, and the last refusal."""

    status: Status = Status.PLANNED
    record_id: str | None = None
    refusal: Refused | None = None
    because: int | None = None
    intended_at: str = ""
    """When its last intent was written."""


@dataclass(slots=True)
class Lives:
    """Where all steps of a plan stand."""

    steps: list[StepLife] = field(default_factory=list)

    @classmethod
    def of(cls, count: int, entries: Iterable[Entry]) -> "Lives":
        """The fold of a plan's entries. Raises `JournalFailed` where an entry has no place."""
        lives = cls([StepLife() for _ in range(count)])
        for entry in entries:
            lives.take(entry.event, entry.body, entry.seq, at=entry.at)
        return lives

    def take(self, event: Event, body: Any, seq: int = 0, *, at: str = "") -> None:
        if event is Event.INTENDED:
            for number in body["steps"]:
                self._turn(number, Turn.INTENDED, seq)
                self.steps[number].intended_at = at
        elif event in (Event.OUTCOME, Event.SETTLED):
            for number, data in zip(body["steps"], body["outcomes"], strict=True):
                self._settle(number, outcome_from_json(data), seq)
        elif event is Event.SKIPPED:
            for number, because in zip(body["steps"], body["because"], strict=True):
                self._turn(number, Turn.SKIPPED, seq)
                self.steps[number].because = because

    def _settle(self, number: int, outcome: Outcome, seq: int) -> None:
        life = self.steps[number]
        if isinstance(outcome, Applied):
            self._turn(number, Turn.APPLIED, seq)
            life.record_id = outcome.record_id or life.record_id
        elif isinstance(outcome, Unknown):
            self._turn(number, Turn.UNKNOWN, seq)
        elif outcome.code == NOT_SENT_CODE:
            self._turn(number, Turn.NOT_SENT, seq)
        else:
            self._turn(number, Turn.REFUSED, seq)
            life.refusal = outcome

    def _turn(self, number: int, turn: Turn, seq: int) -> None:
        life = self.steps[number]
        after = NEXT[life.status].get(turn)
        if after is None:
            raise JournalFailed(
                Problem(
                    f"journal entry {seq} says '{turn}' of step {number + 1}, which is {life.status}",
                    mend="the journal was edited, or two runs share it: look at the org before going on",
                )
            )
        life.status = after

    def numbers(self, *statuses: Status) -> list[int]:
        return [number for number, life in enumerate(self.steps) if life.status in statuses]


def outcome_to_json(outcome: Outcome) -> list[Any]:
    if isinstance(outcome, Applied):
        return ["applied", outcome.record_id]
    if isinstance(outcome, Unknown):
        return ["unknown", outcome.why]
    return ["refused", outcome.code, outcome.message, list(outcome.fields), outcome.moved]


def outcome_from_json(data: Sequence[Any]) -> Outcome:
    word = data[0]
    if word == "applied":
        return Applied(data[1])
    if word == "unknown":
        return Unknown(data[1])
    return Refused(data[1], data[2], tuple(data[3]), data[4])
