"""What became of a call whose answer was lost. The org is asked, nothing is guessed.

A call may still be running in the org after its connection, or the process that sent it, is gone. A
row that is as after the step was reached, whenever it is seen. A row that is as before it proves
nothing yet, so it is looked at again: once after `GRACE_SECONDS` where a second sending would do no
harm, and until `QUIET_SECONDS` have passed since the intent where it would make a second row.

Source: facts of the REST API without an idempotency key; how long a call outlives its client was
not measured, Salesforce ends one after ten minutes at the latest.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from reconciler.model.errors import Problem
from reconciler.model.keys import ResourceKey
from reconciler.model.outcome import Applied, Outcome, Refused, Unknown
from reconciler.model.plan import Step
from reconciler.model.state import LiveRow

from .life import NOT_SENT_CODE
from .looking import as_left, is_as_after, is_as_before, read_rows
from .world import World

GRACE_SECONDS = 3.0
"""Between two looks at a call without an answer."""
QUIET_SECONDS = 15.0
"""How old the intent of a create must be before "no effect" is believed where two rows could come of it."""


def pauses(steps: Sequence[Step], world: World, age_seconds: float) -> Iterator[float]:
    """The waits between looks at ``steps``, whose intent was written ``age_seconds`` ago."""
    yield GRACE_SECONDS
    if any(not world.kinds[step.kind].is_repeatable(step) for step in steps):
        waited = age_seconds + GRACE_SECONDS
        while waited < QUIET_SECONDS:
            yield GRACE_SECONDS
            waited += GRACE_SECONDS


def age_seconds(intended_at: str, now: str) -> float:
    """Between two moments of the journal; 0 where a clock gives none, or runs behind."""
    if not intended_at or not now:
        return 0.0
    return max(0.0, (datetime.fromisoformat(now) - datetime.fromisoformat(intended_at)).total_seconds())


def read_either_way(steps: Sequence[Step], world: World) -> dict[ResourceKey, LiveRow]:
    """The rows of ``steps`` that may or may not have run: a rename is looked for under both keys."""
    rows = read_rows(steps, world)
    renamed = [left for step in steps if (left := as_left(step)) is not step and step.key not in rows]
    return {**rows, **read_rows(renamed, world)} if renamed else rows


def not_reached(steps: Sequence[Step], rows: Mapping[ResourceKey, LiveRow]) -> list[Step]:
    """Those of ``steps`` whose effect is not seen."""
    return [step for step in steps if not is_as_after(step, rows.get(step.key))]


def verdict(step: Step, row: LiveRow | None) -> Outcome:
    if is_as_after(step, row):
        return Applied(row.record_id if row is not None else "")
    if is_as_before(step, row):
        return Refused(NOT_SENT_CODE, "the call had no effect")
    return Unknown("the row is neither as before nor as after the step")


def was_not_reached(outcome: Outcome) -> bool:
    return isinstance(outcome, Refused) and outcome.code == NOT_SENT_CODE


def doubt_problems(steps: Sequence[Step], plan_id: str) -> list[Problem]:
    """What to tell when looking does not say what became of ``steps``."""
    lines = [
        Problem(
            f"{step.address} is in doubt: the {step.action.value} may or may not have been ours",
            step.source,
            "compare the row with the plan, make it either as before or as after, then resume",
        )
        for step in steps
    ]
    return [*lines, Problem(f"continue with 'reconcile resume {plan_id}'")]
