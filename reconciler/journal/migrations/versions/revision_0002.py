"""Fields written from secrets, and the process that holds a lease.

What plans wrote before is taken from their bodies, which are deflated JSON.
"""

import json
import zlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("lease", sa.Column("process", sa.Text))
    table = op.create_table(
        "secret_field",
        sa.Column("org_id", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("field", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text),
        sa.Column("plan_id", sa.Text, sa.ForeignKey("plan.plan_id"), nullable=False),
    )
    rows = {(row["org_id"], row["address"], row["field"]): row for row in _written_before()}
    if rows:
        op.bulk_insert(table, list(rows.values()))


def _written_before() -> Iterator[dict[str, Any]]:
    connection = op.get_bind()
    begun = connection.execute(
        sa.text("SELECT number, plan_id, org_id FROM plan WHERE first_entry IS NOT NULL ORDER BY number")
    ).all()
    body = sa.text("SELECT body FROM plan WHERE number = :number")
    for number, plan_id, org_id in begun:  # one body at a time: some are large
        for step in _steps(connection.execute(body, {"number": number}).scalar()):
            for name, value in (step["after"] or {}).items():
                if isinstance(value, dict) and "$secret" in value:
                    yield {
                        "org_id": org_id,
                        "address": step["address"],
                        "field": name,
                        "record_id": None,
                        "plan_id": plan_id,
                    }


def _steps(stored: Any) -> list[dict[str, Any]]:
    """The steps of a plan with secrets; a damaged body has none, and is told of when it is read."""
    try:
        plan = json.loads(zlib.decompress(stored))
        return list(plan["steps"]) if plan["secrets"] else []
    except (zlib.error, ValueError, KeyError, TypeError):
        return []


def downgrade() -> None:
    op.drop_table("secret_field")
    op.drop_column("lease", "process")
