"""Run by Alembic, which is handed an open connection inside a transaction of ours: all or nothing."""

from alembic import context

from reconciler.journal.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
