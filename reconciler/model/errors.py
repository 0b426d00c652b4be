"""Our errors. The class says whose move it is and carries the exit code; `main` alone catches them.

Exit codes are stable: 1 error, 3 plan stale, 4 lease held, 5 refused by policy, budget or
precondition, 6 partly applied, 8 failed and reverted, 9 revert conflict, 10 authentication,
130 interrupted.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .source import SourceRef


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what, and how to mend it."""

    what: str
    where: SourceRef | None = None
    mend: str | None = None

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}" + (f"\n  mend: {self.mend}" if self.mend else "")


class ReconcileError(Exception):
    """An error with an addressee. ``problems`` in the order they should be read."""

    exit_code = 1

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(Problem(each) if isinstance(each, str) else each for each in problems)
        super().__init__("\n".join(str(each) for each in self.problems))


class SpecError(ReconcileError):
    """The files: a state, orgs.yaml, a plan file. All problems of a run at once, in line order."""

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> "SpecError":
        placed = sorted(problems, key=lambda each: each.where or SourceRef("", 0, 0))
        return cls(*dict.fromkeys(placed))


class OrgError(ReconcileError):
    """The org, or the way to it, refused. ``code`` is Salesforce's (`INVALID_FIELD`) or ours."""

    def __init__(self, *problems: Problem | str, code: str = "", status: int = 0) -> None:
        super().__init__(*problems)
        self.code = code
        self.status = status


class NoReply(OrgError):
    """A call left and its answer did not come: whether it had its effect is unknown."""


class AuthenticationFailed(OrgError):
    exit_code = 10


class AmbiguousKey(ReconcileError):
    """Two live rows answer to one natural key; both are named. ``keys`` go with ``problems``, if given."""

    def __init__(self, *problems: Problem | str, keys: Iterable[object] = ()) -> None:
        super().__init__(*problems)
        self.keys = tuple(keys)


class PlanStale(ReconcileError):
    """The plan no longer describes the org: moved fields, an expired or used plan. Nothing was written."""

    exit_code = 3


class LeaseHeld(ReconcileError):
    exit_code = 4


class PlanRefused(ReconcileError):
    """Refused by policy, damage budget, protection or precondition. Nothing was written."""

    exit_code = 5


class UnknownPlan(ReconcileError):
    """The journal has no plan of that id; the nearest is named."""


class Stuck(ReconcileError):
    """Partly applied: an operator must look. Lists what the org holds and the command that continues."""

    exit_code = 6


class RevertConflict(ReconcileError):
    exit_code = 9


class JournalFailed(ReconcileError):
    """The journal could not be written or read. Nothing was sent that is not in it."""


class LeaseLost(ReconcileError):
    """Somebody else holds the lease now; this run may not write any more."""

    exit_code = 4


class Interrupted(ReconcileError):
    exit_code = 130
