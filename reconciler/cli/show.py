"""`reconcile show`: a plan of the journal, and what became of each step."""

from typing import TYPE_CHECKING

import click

from .options import json_option

if TYPE_CHECKING:
    from reconciler.engine.life import Lives
    from reconciler.model.journal import PlanRecord
    from reconciler.model.plan import Plan


@click.command("show")
@click.argument("plan_id")
@json_option
def command(plan_id: str, as_json: bool) -> None:
    """Show PLAN_ID (or a plan file) and what became of it.

    \b
    Example:
        reconcile show 2031-05-04-uat-1f3ak
    """
    from reconciler.engine.life import Lives
    from reconciler.model.errors import UnknownPlan
    from reconciler.model.journal import PlanStatus
    from reconciler.render.machine import dumps, plan_to_json
    from reconciler.render.text import render_plan

    from .wiring import Project, plan_or_file

    project = Project.here()
    named = plan_or_file(project, plan_id)
    if named is None:
        raise UnknownPlan(f"{plan_id} is neither a plan file nor a plan id")
    plan, record = named
    entries = project.journal.entries(plan.plan_id) if record is not None else ()
    lives = Lives.of(len(plan.steps), entries)
    if as_json:
        click.echo(dumps({**plan_to_json(plan), **_life_json(plan, record, lives)}))
        return
    runnable = record is not None and record.status is PlanStatus.PLANNED
    heading = f"plan {plan.plan_id} for org '{plan.org_name}'"
    click.echo(render_plan(plan, heading=heading, runnable=runnable))
    for line in _life_lines(plan, record, lives):
        click.echo(line)


def _life_json(plan: "Plan", record: "PlanRecord | None", lives: "Lives") -> dict[str, object]:
    from reconciler.render.machine import record_to_json

    return {
        "record": None if record is None else record_to_json(record),
        "steps": [
            {
                "address": step.address,
                "status": life.status.value,
                "record_id": life.record_id,
                "refused": None if life.refusal is None else [life.refusal.code, life.refusal.message],
            }
            for step, life in zip(plan.steps, lives.steps, strict=True)
        ],
    }


def _life_lines(plan: "Plan", record: "PlanRecord | None", lives: "Lives") -> list[str]:
    from reconciler.render.history import render_record
    from reconciler.render.text import safe

    lines = [f"digest: {plan.digest}", f"expires: {plan.expires_at}"]
    if record is not None:
        lines += render_record(record)
    for number, (step, life) in enumerate(zip(plan.steps, lives.steps, strict=True)):
        if life.refusal is not None:
            lines.append(
                safe(f"  {step.address}: {life.status} ({life.refusal.code}: {life.refusal.message})")
            )
        elif record is not None and record.status.value not in ("planned", "applied"):
            because = "" if life.because is None else f" because of {plan.steps[life.because].address}"
            lines.append(safe(f"  {number + 1}. {step.address}: {life.status}{because}"))
    if record is not None and record.status.value in ("applying", "partly") and not record.reverted_by:
        lines.append(
            f"Unless a run is at it: 'reconcile resume {plan.plan_id}' goes on, "
            f"'reconcile revert {plan.plan_id}' takes back what was done."
        )
    return lines
