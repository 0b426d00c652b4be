"""What `explain` found, as text and JSON."""

from typing import Any

from reconciler.engine.explain import Explanation
from reconciler.model.values import fields_to_json

from .machine import FORMAT_VERSION, record_to_json
from .text import safe, show_value


def render_explanation(told: Explanation) -> str:
    resource = told.resource
    lines = [
        f"{safe(resource.key.address)} ({resource.kind} on {resource.sobject})",
        f"  declared: {resource.source}",
    ]
    if told.live is None:
        lines.append("  live: not in the org")
    else:
        stamp = f", last changed {told.live.modified}" if told.live.modified else ""
        lines.append(f"  live: record {told.live.record_id}{stamp}")
    for name, desired in resource.fields.items():
        if told.live is None or name not in told.live.fields:
            lines.append(f"    {safe(name)}: {show_value(desired)}")
        elif told.changes is not None and name in told.changes:
            lines.append(f"    {safe(name)}: {show_value(told.live.fields[name])} → {show_value(desired)}")
        else:
            lines.append(f"    {safe(name)}: {show_value(desired)} (holds)")
    for word, addresses in (("stands on", told.stands_on), ("carries", told.carries)):
        lines += [f"  {word}: {safe(address)}" for address in addresses]
    if told.protected_by:
        lines.append(f"  protected since plan {told.protected_by}")
    lines += [
        f"  touched by: {each.plan_id} ({each.status.value}, {safe(each.actor)})" for each in told.plans
    ]
    return "\n".join(lines)


def explanation_to_json(told: Explanation) -> dict[str, Any]:
    resource = told.resource
    return {
        "format_version": FORMAT_VERSION,
        "address": resource.key.address,
        "kind": resource.kind,
        "type": resource.sobject,
        "source": str(resource.source),
        "desired": fields_to_json(resource.fields),
        "live": None if told.live is None else fields_to_json(told.live.fields),
        "record_id": None if told.live is None else told.live.record_id,
        "changes": None if told.changes is None else fields_to_json(told.changes),
        "stands_on": list(told.stands_on),
        "carries": list(told.carries),
        "protected_by": told.protected_by,
        "plans": [record_to_json(each) for each in told.plans],
    }
