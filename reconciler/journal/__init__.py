"""The written-ahead record: plans, entries, leases and protections, on SQLite or PostgreSQL.

Everything that must survive the death of the process is written here first. The rest of the
program knows it as the promises `Journal` and `Run` of `reconciler.model.journal`; it opens one
with `open_journal` and names plans with `new_plan_id`. Importing this package is cheap: SQLAlchemy
comes with the first `open_journal`, Alembic only when a schema has to be made or moved.
"""

from .opening import open_journal
from .plan_ids import new_plan_id

__all__ = ["new_plan_id", "open_journal"]
