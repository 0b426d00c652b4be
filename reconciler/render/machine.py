"""What programs read: versioned JSON, with Terraform's key names where they mean the same.

A consumer accepts a `format_version` with the major number it knows; keys are only added within it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.model.errors import ReconcileError
from reconciler.model.journal import PlanRecord
from reconciler.model.plan import Action, Plan, Step
from reconciler.model.values import fields_to_json

FORMAT_VERSION = "1.0"


def dumps(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The printed form of a plan; `Plan.to_json` is the one that is stored and applied."""
    counts = {action.value: sum(step.action is action for step in plan.steps) for action in Action}
    return {
        "format_version": FORMAT_VERSION,
        "plan_id": plan.plan_id,
        "digest": plan.digest,
        "org": {"id": plan.org_id, "name": plan.org_name},
        "release": plan.release,
        "reverts": plan.reverts,
        "created_at": plan.created_at,
        "expires_at": plan.expires_at,
        "state_digest": plan.state_digest,
        "partial": plan.partial,
        "resource_changes": [step_to_json(step) for step in plan.steps],
        "summary": counts,
        "impact": plan.impact.to_json(),
        "protects": list(plan.protects),
        "unprotects": list(plan.unprotects),
        "warnings": list(plan.warnings),
    }


def step_to_json(step: Step) -> dict[str, Any]:
    return {
        "address": step.address,
        "kind": step.kind,
        "type": step.sobject,
        "name": list(step.key.name),
        "change": {
            "actions": [step.action.value],
            "before": fields_to_json(step.before),
            "after": fields_to_json(step.after),
        },
        "action_reason": step.reason,
        "source": None if step.source is None else str(step.source),
        "fingerprint": step.fingerprint,
        "reversibility": step.reversibility.value,
        "inverse": inverse_to_json(step),
        "remark": step.remark,
        "side_effects": list(step.side_effects),
        "needs": list(step.needs),
        "call": step.call,
    }


def inverse_to_json(step: Step) -> dict[str, Any] | None:
    if step.undo is None:
        return None
    after = step.undo.after if step.undo.after is not None else step.before
    if step.undo.action is Action.DELETE:
        after = None
    return {"actions": [step.undo.action.value], "after": fields_to_json(after)}


def record_to_json(record: PlanRecord) -> dict[str, Any]:
    return {
        "plan_id": record.plan_id,
        "org": {"id": record.org_id, "name": record.org_name},
        "release": record.release,
        "reverts": record.reverts,
        "reverted_by": list(record.reverted_by),
        "status": record.status.value,
        "digest": record.digest,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "finished_at": record.finished_at,
        "steps": record.steps,
        "actor": record.actor,
    }


def history_to_json(records: Sequence[PlanRecord]) -> dict[str, Any]:
    return {"format_version": FORMAT_VERSION, "plans": [record_to_json(each) for each in records]}


def error_to_json(error: ReconcileError) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "type": "error",
        "error": type(error).__name__,
        "exit_code": error.exit_code,
        "problems": [
            {
                "what": problem.what,
                "where": None if problem.where is None else str(problem.where),
                "mend": problem.mend,
            }
            for problem in error.problems
        ],
    }
