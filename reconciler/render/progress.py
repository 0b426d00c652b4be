"""A run as it happens: lines or a bar for people, one JSON event a line for programs."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import click

from reconciler.engine.apply import Result
from reconciler.engine.life import Status
from reconciler.model.outcome import Applied, Outcome, Refused
from reconciler.model.plan import Action, Plan, Step

from .machine import FORMAT_VERSION, dumps
from .text import COLOURS, count, safe, safe_lines, symbol

DONE_WORDS = {Action.CREATE: "created", Action.UPDATE: "updated", Action.DELETE: "deleted"}
LINES_SHOWN = 40
"""Runs of more steps get a bar instead of a line a step."""


class TextReporter:
    """Prints a line a step, or a bar for long runs on a terminal. Refusals are always printed."""

    def __init__(self, out: Callable[[str], None], *, bar: bool) -> None:
        self._out = out
        self._bar_wanted = bar
        self._bar: Any = None
        self._started = 0.0
        self._many = False

    def run_started(self, plan: Plan, verb: str, todo: int) -> None:
        self._started = time.monotonic()
        self._many = todo > LINES_SHOWN
        self._out(f"{verb} {plan.plan_id} on {plan.org_name}: {count(todo, 'step')}")
        if self._bar_wanted and self._many:
            self._bar = click.progressbar(length=todo, label="  steps")
            self._bar.__enter__()

    def looking(self, rows: int) -> None:
        pass

    def call_started(self, steps: Sequence[Step]) -> None:
        if self._many and self._bar is None:
            step = steps[0]
            self._out(f"  {symbol(step)} {len(steps)} {step.sobject} …")

    def step_finished(self, number: int, step: Step, outcome: Outcome) -> None:
        if self._bar is not None:
            self._bar.update(1)
        if isinstance(outcome, Refused):
            self._line(click.style(f"  ✗ {safe(step.address)}: {step.action.value} refused", fg="red"))
            self._line(safe_lines(f"      {outcome.code}: {outcome.message}"))
            if step.source is not None:
                self._line(f"      from: {step.source}")
        elif isinstance(outcome, Applied) and not self._many:
            mark = symbol(step)
            self._line(
                click.style(f"  {mark} {safe(step.address)}", fg=COLOURS[mark])
                + f": {DONE_WORDS[step.action]}"
            )

    def step_skipped(self, number: int, step: Step, because: Step) -> None:
        if self._bar is not None:
            self._bar.update(1)
        self._line(
            click.style(f"  · {safe(step.address)}: skipped because of {safe(because.address)}", fg="yellow")
        )

    def settling(self, steps: Sequence[Step], why: str) -> None:
        self._line(f"  ? no answer ({safe(why)}): looking at {len(steps)} rows to see what became of them")

    def run_finished(self, result: Result) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None
        for moved in result.unmet:
            self._line(click.style(f"  ! does not hold: {safe(moved.problem().what)}", fg="yellow"))
        done, failed = result.count(Status.DONE), result.count(Status.FAILED)
        skipped = result.count(Status.SKIPPED, Status.PLANNED)
        seconds = time.monotonic() - self._started
        if failed or skipped:
            self._out(
                f"Partly applied: {done} done, {failed} failed, {skipped} not sent, in {seconds:.1f} s."
            )
        else:
            word = "Revert" if result.plan.reverts else "Apply"
            end = f"unverified: {count(len(result.unmet), 'value')} moved." if result.unmet else "complete!"
            self._out(f"{word} {end} {done} done in {seconds:.1f} s.")

    def _line(self, text: str) -> None:
        if self._bar is not None:
            click.echo()
        self._out(text)


class JsonReporter:
    """One event a line; the first carries the plan id. Types: `run_started`, `call_started`,
    `step_done`, `step_refused`, `step_skipped`, `settling`, `run_finished`."""

    def __init__(self, out: Callable[[str], None]) -> None:
        self._out = out
        self._plan_id = ""

    def _event(self, type_: str, **content: Any) -> None:
        self._out(
            dumps({"format_version": FORMAT_VERSION, "type": type_, "plan_id": self._plan_id, **content})
        )

    def run_started(self, plan: Plan, verb: str, todo: int) -> None:
        self._plan_id = plan.plan_id
        org = {"id": plan.org_id, "name": plan.org_name}
        self._event("run_started", verb=verb, steps=todo, digest=plan.digest, org=org, reverts=plan.reverts)

    def looking(self, rows: int) -> None:
        self._event("looking", rows=rows)

    def call_started(self, steps: Sequence[Step]) -> None:
        first = steps[0]
        self._event(
            "call_started",
            call=first.call,
            type_name=first.sobject,
            action=first.action.value,
            rows=len(steps),
        )

    def step_finished(self, number: int, step: Step, outcome: Outcome) -> None:
        if isinstance(outcome, Refused):
            self._event(
                "step_refused",
                step=number,
                address=step.address,
                code=outcome.code,
                message=outcome.message,
                fields=list(outcome.fields),
                source=None if step.source is None else str(step.source),
            )
        elif isinstance(outcome, Applied):
            self._event(
                "step_done",
                step=number,
                address=step.address,
                action=step.action.value,
                record_id=outcome.record_id,
            )

    def step_skipped(self, number: int, step: Step, because: Step) -> None:
        self._event("step_skipped", step=number, address=step.address, because=because.address)

    def settling(self, steps: Sequence[Step], why: str) -> None:
        self._event("settling", rows=len(steps), why=why)

    def run_finished(self, result: Result) -> None:
        self._event(
            "run_finished",
            status=result.status.value,
            done=result.count(Status.DONE),
            failed=result.count(Status.FAILED),
            skipped=result.count(Status.SKIPPED, Status.PLANNED),
            unmet=[moved.problem().what for moved in result.unmet],
            calls=result.calls,
        )
