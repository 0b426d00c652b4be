"""The schema's history, for Alembic. A revision is never edited after its release."""
