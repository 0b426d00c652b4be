"""What apply, revert and resume share: running a stored plan and turning its result into an exit code."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reconciler.engine.apply import Reporter, Result
    from reconciler.engine.world import World
    from reconciler.model.errors import Interrupted, OrgError
    from reconciler.model.plan import Plan

    from .wiring import Project

PARTLY, UNVERIFIED, REVERTED = 6, 7, 8


class Voice:
    """Prints the lines of a run. That nobody reads on (a closed pipe, a full disk) does not stop what
    has begun: it is told once on standard error, and the journal knows the rest."""

    def __init__(self) -> None:
        self._gone = False

    def __call__(self, line: str) -> None:
        if self._gone:
            return
        try:
            click.echo(line)
        except OSError as error:
            self._gone = True
            with suppress(OSError):
                click.echo(f"the output cannot be written ({error.strerror}); the run goes on", err=True)


def reporter(voice: Voice, *, as_json: bool) -> "Reporter":
    from reconciler.render.progress import JsonReporter, TextReporter

    return JsonReporter(voice) if as_json else TextReporter(voice, bar=sys.stdout.isatty())


def run_plan(
    project: "Project",
    plan: "Plan",
    world: "World",
    *,
    verb: str,
    wait_seconds: float,
    as_json: bool,
    on_failure: str = "go-on",
) -> int:
    """Run the plan and answer with the exit code; on failure take it back if so ordered."""
    from reconciler.engine.apply import apply_plan
    from reconciler.engine.life import Status
    from reconciler.model.errors import Interrupted, OrgError

    from .wiring import StopFlag, orders

    voice = Voice()
    with StopFlag() as stop:
        going = orders(verb, wait_seconds=wait_seconds, on_failure=on_failure, stop=stop)
        try:
            result = apply_plan(plan, world, project.journal, reporter(voice, as_json=as_json), going)
        except (OrgError, Interrupted) as error:
            raise _with_the_way_on(project, plan, error) from error.__cause__
    failed = result.count(Status.FAILED, Status.SKIPPED, Status.PLANNED)
    if failed and on_failure == "revert":
        return _take_back(project, plan, world, wait_seconds=wait_seconds, as_json=as_json)
    if failed and not as_json:
        voice(
            f"Mend the cause, then 'reconcile resume {plan.plan_id}'; "
            f"or take it back with 'reconcile revert {plan.plan_id}'."
        )
    elif not as_json and not plan.reverts and plan.steps:
        voice(f"Take it back with: reconcile revert {plan.plan_id}")
    return _exit_code(result, failed)


def _with_the_way_on(
    project: "Project", plan: "Plan", error: "OrgError | Interrupted"
) -> "OrgError | Interrupted":
    """An error that broke a run off, with the command that goes on unless it names that already."""
    from reconciler.model.errors import Problem
    from reconciler.model.journal import PlanStatus

    status = project.journal.record(plan.plan_id).status
    if status not in (PlanStatus.APPLYING, PlanStatus.PARTLY) or "reconcile resume" in str(error):
        return error
    way_on = Problem(
        f"plan {plan.plan_id} was broken off",
        mend=f"'reconcile resume {plan.plan_id}' goes on, "
        f"'reconcile revert {plan.plan_id}' takes back what was done",
    )
    error.problems = (*error.problems, way_on)
    return error


def _exit_code(result: "Result", failed: int) -> int:
    if failed:
        return PARTLY
    return UNVERIFIED if result.unmet else 0


def _take_back(
    project: "Project", plan: "Plan", world: "World", *, wait_seconds: float, as_json: bool
) -> int:
    from .way_back import make

    back = make(project, plan, world, on_conflict="fail", targets=())
    if not back.steps:
        return REVERTED
    code = run_plan(project, back, world, verb="revert", wait_seconds=wait_seconds, as_json=as_json)
    return REVERTED if code == 0 else code


def secrets_of(project: "Project", plan: "Plan", given: "tuple[str, ...]") -> dict[str, str]:
    """Values of the plan's secret variables: from orgs.yaml, --var or RECONCILE_VAR_x."""
    import os

    from reconciler.model.errors import PlanRefused, Problem

    from .wiring import OrgSecrets, pairs

    if not plan.secrets:
        return {}
    by_reference = OrgSecrets(project.org(plan.org_name))
    known = {name: by_reference[name] for name in plan.secrets if name in by_reference} | pairs(given)
    for name in plan.secrets:
        if (value := os.environ.get(f"RECONCILE_VAR_{name}")) is not None:
            known[name] = value
    missing = [name for name in plan.secrets if name not in known]
    if missing:
        raise PlanRefused(
            Problem(
                f"the plan sets secrets that have no value here: {', '.join(missing)}",
                mend="give each in the environment as RECONCILE_VAR_NAME, or by reference in orgs.yaml",
            )
        )
    return {name: known[name] for name in plan.secrets}
