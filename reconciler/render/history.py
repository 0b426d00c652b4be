"""Plans of the journal as lines and as a table."""

from collections.abc import Sequence

from reconciler.model.journal import PlanRecord

from .text import safe


def render_history(records: Sequence[PlanRecord]) -> str:
    """Newest first, one line a plan; columns as wide as what they hold."""
    if not records:
        return "No plans yet."
    rows = [("PLAN", "ORG", "STATUS", "STEPS", "BY", "RELEASE", "")]
    rows += [
        (
            record.plan_id,
            record.org_name,
            record.status.value,
            str(record.steps),
            record.actor,
            record.release or "",
            _relations(record),
        )
        for record in records
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        safe("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        for row in rows
    )


def _relations(record: PlanRecord) -> str:
    if record.reverts:
        return f"takes back {record.reverts}"
    return f"taken back by {', '.join(record.reverted_by)}" if record.reverted_by else ""


def render_record(record: PlanRecord) -> list[str]:
    lines = [f"status: {record.status.value}, by {safe(record.actor)}"]
    if record.finished_at:
        lines.append(f"finished: {record.finished_at}")
    if relation := _relations(record):
        lines.append(relation)
    return lines
