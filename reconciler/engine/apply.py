"""Running a plan: look, write the intent, send, write the outcome; call by call.

Before the first write all touched fields are read again and anything that moved refuses the whole
plan. Later calls that change or remove rows are looked at once more right before they leave, so
the time in which somebody's edit could be lost is one read and one write, not the length of the
run. A lost answer is settled by reading. What depends on a failed step is skipped because of it, and
the rest goes on.

The process may die between any two lines: the intent with its inverses is on disk before a call
leaves, so a resume knows what may have happened, and a revert knows the way back.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Protocol

from reconciler.model.errors import Interrupted, OrgError, PlanRefused, PlanStale, Problem, Stuck
from reconciler.model.journal import Event, Journal, PlanStatus, Run, SecretField
from reconciler.model.keys import ResourceKey
from reconciler.model.outcome import Applied, Outcome, Refused, Unknown
from reconciler.model.plan import Action, Plan, Step
from reconciler.model.promises import Sending
from reconciler.model.state import LiveRow
from reconciler.model.values import Ref

from .impact import count_impact
from .life import Lives, Status, outcome_to_json
from .looking import Moved, announce_renames, as_left, moved_from, read_rows
from .rows_index import refs_in
from .settling import (
    age_seconds,
    doubt_problems,
    not_reached,
    pauses,
    read_either_way,
    verdict,
    was_not_reached,
)
from .world import World, pump

CALL_SECONDS = 150.0
"""Longest that one call may take; the lease must outlive it before a call leaves."""
SETTLE_TRIES = 3
"""How often a call whose answer is lost is sent again after looking said that it had no effect."""


class Reporter(Protocol):
    """Told of each event as it happens. Never decides anything."""

    def run_started(self, plan: Plan, verb: str, todo: int) -> None: ...

    def looking(self, rows: int) -> None: ...

    def call_started(self, steps: Sequence[Step]) -> None: ...

    def step_finished(self, number: int, step: Step, outcome: Outcome) -> None: ...

    def step_skipped(self, number: int, step: Step, because: Step) -> None: ...

    def settling(self, steps: Sequence[Step], why: str) -> None: ...

    def run_finished(self, result: "Result") -> None: ...


@dataclass(slots=True)
class Result:
    """What a run came to. ``unmet``: steps that were done and yet do not hold when read again."""

    plan: Plan
    lives: Lives
    status: PlanStatus
    unmet: list[Moved] = field(default_factory=list)
    calls: int = 0

    def count(self, *statuses: Status) -> int:
        return len(self.lives.numbers(*statuses))


@dataclass(frozen=True, slots=True)
class Orders:
    """How a run is to go: ``stop`` is asked between calls, ``wait_seconds`` is for the lease."""

    verb: str = "apply"
    wait_seconds: float = 0.0
    on_failure: str = "go-on"
    """`go-on` with what does not stand on the failed step, or `stop` before the next call."""
    stop: Callable[[], bool] = lambda: False
    now: Callable[[], str] = lambda: ""
    pause: Callable[[float], None] = lambda seconds: None
    """Waits before a lost answer is looked for; a call may outlive its connection."""


ALLOWED: dict[str, tuple[PlanStatus, ...]] = {
    "apply": (PlanStatus.PLANNED,),
    "revert": (PlanStatus.PLANNED,),
    "resume": (PlanStatus.APPLYING, PlanStatus.PARTLY),
}
"""Which plans a verb takes: a plan is applied once, what is left of it is resumed."""


def apply_plan(plan: Plan, world: World, journal: Journal, report: Reporter, orders: Orders) -> Result:
    """Run what is left of ``plan``.

    Raises `PlanStale` (exit 3) when it expired, was used, or the org moved; `LeaseHeld`; `Stuck` when
    a step's outcome cannot be told; `Interrupted` after ``stop``. All of them leave the journal so
    that `resume` or `revert` can go on.
    """
    check_plan(plan, world, orders)
    with journal.open_run(
        plan, orders.verb, allowed=ALLOWED[orders.verb], wait_seconds=orders.wait_seconds
    ) as run:
        world.secret_fields.refresh()
        lives = Lives.of(len(plan.steps), journal.entries(plan.plan_id))
        return _Applying(plan, world, run, report, orders, lives).go()


def check_plan(plan: Plan, world: World, orders: Orders) -> None:
    if plan.org_id[:15] != world.org.org_id[:15]:
        raise PlanRefused(
            Problem(
                f"plan {plan.plan_id} was made for org {plan.org_name} ({plan.org_id}), "
                f"this is {world.org.name} ({world.org.org_id})",
                mend="plan against this org, or name the org the plan was made for with --org",
            )
        )
    if orders.verb != "resume" and orders.now() > plan.expires_at:
        raise PlanStale(Problem(f"plan {plan.plan_id} expired at {plan.expires_at}", mend="make a new plan"))


@dataclass(slots=True)
class _Applying:
    plan: Plan
    world: World
    run: Run
    report: Reporter
    orders: Orders
    lives: Lives
    rows: dict[ResourceKey, LiveRow] = field(default_factory=dict)
    written: bool = False

    def go(self) -> Result:
        """The run. What the org or the way to it breaks off leaves a plan that can be gone on with."""
        try:
            return self._go()
        except OrgError:
            untouched = len(self.lives.numbers(Status.PLANNED)) == len(self.plan.steps)
            self.run.finish(PlanStatus.PLANNED if untouched else PlanStatus.PARTLY, remark="broken off")
            raise

    def _go(self) -> Result:
        announce_renames(self.plan.steps, self.world)
        todo = self._todo()
        self.report.run_started(self.plan, self.orders.verb, len(todo))
        self._settle_old()
        self._look_first()
        for call in self._calls():
            if self.orders.stop():
                self._interrupt()
            self._do_call(call)
            if self.orders.on_failure == "stop" and self.lives.numbers(Status.FAILED):
                break
        return self._finish()

    def _todo(self) -> list[int]:
        return self.lives.numbers(Status.PLANNED, Status.FAILED, Status.SKIPPED)

    def _steps(self, numbers: Sequence[int]) -> list[Step]:
        return [self.plan.steps[number] for number in numbers]

    # ── looking ──────────────────────────────────────────────────────────────────────────────

    def _settle_old(self) -> None:
        """Steps that an earlier run left in doubt: the org says what became of them."""
        doubtful = self.lives.numbers(Status.IN_DOUBT)
        if doubtful:
            self.report.settling(self._steps(doubtful), "an earlier run left no outcome")
            self._settle(doubtful, call=-1)
            self._refuse_doubt()

    def _look_first(self) -> None:
        """Read all touched fields again and refuse the plan if anything moved; nothing is written yet."""
        todo = self._todo()
        made = {
            self.plan.steps[number].key for number in todo if self.plan.steps[number].action is Action.CREATE
        }
        steps = [step for step in self._steps(todo) if step.action is Action.CREATE or step.key not in made]
        self.report.looking(len(steps))
        refs = [ref for step in self._steps(todo) for _, ref in refs_in(step.after)]
        self.rows = read_rows(steps, self.world, refs)
        moved = self._moved(steps)
        if moved:
            self._refuse(moved)
        self._check_allowance(todo)

    def _check_allowance(self, todo: Sequence[int]) -> None:
        """A run that would use up the org's API calls is not begun: other systems live on them too."""
        left = self.world.org.calls_left
        needed = count_impact(self._steps(todo), self.world).calls_to_apply
        if left is None or needed <= left:
            return
        done = self.lives.numbers(Status.DONE)
        self.run.finish(PlanStatus.PARTLY if done else PlanStatus.PLANNED, remark="too few API calls left")
        raise PlanRefused(
            Problem(
                f"the plan takes about {needed} API calls, the org has {left} left today; "
                "nothing was written",
                mend="apply it when the allowance is there again, it is still good until it expires",
            )
        )

    def _find(self, refs: Sequence[Ref]) -> None:
        pump(self.world.org, [self.world.lookups.find(refs)])

    def _moved(self, steps: Sequence[Step]) -> list[Moved]:
        """What is not as the steps expect it; what an earlier step of a row will change is not yet."""
        moved: list[Moved] = []
        changed: dict[ResourceKey, set[str]] = {}
        for step in steps:
            pending = changed.setdefault(step.key, set())
            expected = step.before
            if expected is not None and pending:
                expected = {name: value for name, value in expected.items() if name not in pending}
            moved.extend(moved_from(step, self.rows.get(step.key), expected))
            pending.update(step.after or {})
        return moved

    def _refuse(self, moved: Sequence[Moved]) -> None:
        done = self.lives.numbers(Status.DONE)
        status = PlanStatus.PARTLY if done else PlanStatus.REFUSED
        self.run.finish(status, remark=f"{len(moved)} fields moved")
        lines = [each.problem() for each in moved]
        raise PlanStale(
            *lines,
            Problem(
                f"plan {self.plan.plan_id} is stale: the org moved since it was made; nothing was written",
                mend="look at what changed, then plan again"
                if not done
                else f"plan again, or take back what was done with 'reconcile revert {self.plan.plan_id}'",
            ),
        )

    # ── sending ──────────────────────────────────────────────────────────────────────────────

    def _calls(self) -> Iterator[list[int]]:
        for _, group in groupby(self._todo(), key=lambda number: self.plan.steps[number].call):
            yield list(group)

    def _do_call(self, call: list[int]) -> None:
        ready = self._without_skipped(call)
        if not ready:
            return
        ready = self._look_again(ready)
        for _ in range(SETTLE_TRIES):
            if not ready:
                return
            ready = self._send(ready)
        if ready:
            self._give_up(ready)

    def _without_skipped(self, call: list[int]) -> list[int]:
        ready, skipped, because = [], [], []
        for number in call:
            cause = self._cause(number)
            if cause is None:
                ready.append(number)
            else:
                skipped.append(number)
                because.append(cause)
        if skipped:
            self._append(Event.SKIPPED, {"steps": skipped, "because": because})
            for number, cause in zip(skipped, because, strict=True):
                self.report.step_skipped(number, self.plan.steps[number], self.plan.steps[cause])
        return ready

    def _cause(self, number: int) -> int | None:
        """The failed step because of which this one cannot be done."""
        for other in self.plan.steps[number].needs:
            life = self.lives.steps[other]
            if life.status is Status.SKIPPED and life.because is not None:
                return life.because
            if life.status is not Status.DONE:
                return other
        return None

    def _look_again(self, ready: list[int]) -> list[int]:
        """Right before rows are changed or removed: what moved since the first look is left alone."""
        step = self.plan.steps[ready[0]]
        if step.action is Action.CREATE:
            return ready
        unseen = any(each.key not in self.rows for each in self._steps(ready))
        if not self.written and not unseen:
            return ready
        fresh = read_rows(self._steps(ready), self.world)
        self.rows.update(fresh)
        still, refused, outcomes = [], [], []
        for number in ready:
            each = self.plan.steps[number]
            moved = moved_from(each, fresh.get(each.key), each.before)
            if moved:
                refused.append(number)
                what = "; ".join(one.problem().what for one in moved)
                outcomes.append(Refused("LIVE_STATE_MOVED", what, moved=True))
            else:
                still.append(number)
        if refused:
            self._record(Event.SETTLED, refused, outcomes, step.call)
        return still

    def _send(self, ready: list[int]) -> list[int]:
        """One call. Answers with the steps that looking says were not reached, to be sent again."""
        steps = self._steps(ready)
        call = steps[0].call
        self.run.guard(CALL_SECONDS)
        kind = self.world.kinds[steps[0].kind]
        self._append(
            Event.INTENDED,
            {"call": call, "steps": ready, "inverses": [self._inverse(step) for step in steps]},
            remember=[each for step in steps for each in self._secrets_of(step)],
        )
        self.report.call_started(steps)
        batch = [Sending(step, self.rows.get(step.key)) for step in steps]
        self._find([ref for step in steps for _, ref in refs_in(step.after)])
        self.written = True
        outcomes = kind.send(steps[0].action, steps[0].sobject, batch)
        self._record(Event.OUTCOME, ready, outcomes, call)
        unknown = [number for number, each in zip(ready, outcomes, strict=True) if isinstance(each, Unknown)]
        if not unknown:
            return []
        why = next(each.why for each in outcomes if isinstance(each, Unknown))
        self.report.settling(self._steps(unknown), why)
        return self._settle(unknown, call)

    def _inverse(self, step: Step) -> object:
        back = self.world.kinds[step.kind].inverse(step)
        return None if back.step is None else back.step.to_json()

    # ── settling ─────────────────────────────────────────────────────────────────────────────

    def _settle(self, doubtful: Sequence[int], call: int) -> list[int]:
        """Ask the org what became of steps whose answer was lost; those not reached are returned."""
        steps = self._steps(doubtful)
        rows = read_either_way(steps, self.world)
        intended = max((self.lives.steps[number].intended_at for number in doubtful), default="")
        age = age_seconds(intended, self.orders.now())
        for seconds in pauses(steps, self.world, age):
            if not not_reached(steps, rows):
                break
            self.orders.pause(seconds)
            rows = read_either_way(steps, self.world)
        self.rows.update(rows)
        outcomes = [verdict(step, rows.get(step.key)) for step in steps]
        self._record(Event.SETTLED, doubtful, outcomes, call)
        return [number for number, each in zip(doubtful, outcomes, strict=True) if was_not_reached(each)]

    def _give_up(self, ready: Sequence[int]) -> None:
        outcomes: list[Outcome] = [
            Refused("NO_ANSWER", f"sent {SETTLE_TRIES} times without an answer and without effect")
            for _ in ready
        ]
        self._record(Event.SETTLED, ready, outcomes, -1)

    def _refuse_doubt(self) -> None:
        doubtful = self.lives.numbers(Status.IN_DOUBT)
        if not doubtful:
            return
        self.run.finish(PlanStatus.PARTLY, remark="in doubt")
        raise Stuck(*doubt_problems(self._steps(doubtful), self.plan.plan_id))

    # ── ending ───────────────────────────────────────────────────────────────────────────────

    def _secrets_of(self, step: Step) -> list[SecretField]:
        row = self.rows.get(step.key)
        return self.world.secret_fields.intended(step, None if row is None else row.record_id)

    def _record(self, event: Event, numbers: Sequence[int], outcomes: Sequence[Outcome], call: int) -> None:
        remember: list[SecretField] = []
        forget: list[SecretField] = []
        for number, outcome in zip(numbers, outcomes, strict=True):
            if isinstance(outcome, Applied):
                kept, gone = self.world.secret_fields.applied(self.plan.steps[number], outcome.record_id)
                remember += kept
                forget += gone
        self._append(
            event,
            {"call": call, "steps": list(numbers), "outcomes": [outcome_to_json(each) for each in outcomes]},
            remember=remember,
            forget=forget,
        )
        for number, outcome in zip(numbers, outcomes, strict=True):
            if not isinstance(outcome, Unknown):
                self.report.step_finished(number, self.plan.steps[number], outcome)

    def _append(
        self,
        event: Event,
        body: dict[str, object],
        *,
        remember: Sequence[SecretField] = (),
        forget: Sequence[SecretField] = (),
    ) -> None:
        self.run.append(event, body, remember=remember, forget=forget)
        if remember or forget:
            self.world.secret_fields.refresh()
        self.lives.take(event, body, at=self.orders.now())

    def _interrupt(self) -> None:
        self.run.finish(PlanStatus.PARTLY, remark="interrupted")
        raise Interrupted(
            Problem(
                f"stopped between two calls: {len(self.lives.numbers(Status.DONE))} of "
                f"{len(self.plan.steps)} steps are done",
                mend=f"'reconcile resume {self.plan.plan_id}' goes on, "
                f"'reconcile revert {self.plan.plan_id}' takes back what was done",
            )
        )

    def _finish(self) -> Result:
        doubtful = self.lives.numbers(Status.IN_DOUBT)
        undone = self.lives.numbers(Status.FAILED, Status.SKIPPED, Status.PLANNED, Status.IN_DOUBT)
        status = PlanStatus.PARTLY if undone else PlanStatus.APPLIED
        result = Result(self.plan, self.lives, status)
        result.unmet = self._unmet()
        result.calls = self.world.org.calls_made
        keep = status is PlanStatus.APPLIED
        self.run.finish(
            status,
            remark="in doubt" if doubtful else "",
            protects=self.plan.protects if keep else (),
            unprotects=self.plan.unprotects if keep else (),
        )
        if doubtful:
            raise Stuck(*doubt_problems(self._steps(doubtful), self.plan.plan_id))
        self.report.run_finished(result)
        return result

    def _unmet(self) -> list[Moved]:
        """Read what was done once more: a trigger or flow may have changed it in passing."""
        last: dict[ResourceKey, Step] = {}
        for number in self.lives.numbers(Status.DONE):
            step = self.plan.steps[number]
            earlier = last.get(step.key)
            if earlier is not None and earlier.after is not None and step.after is not None:
                step = replace(step, after={**earlier.after, **step.after})
            last[step.key] = step
        steps = list(last.values())
        rows = read_rows([as_left(step) for step in steps], self.world)
        return [each for step in steps for each in moved_from(step, rows.get(step.key), step.after)]
