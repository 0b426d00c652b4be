"""Plans, entries, leases, protections, touched addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "plan",
        sa.Column("number", number, primary_key=True, autoincrement=True),
        sa.Column("plan_id", sa.Text, nullable=False, unique=True),
        sa.Column("org_id", sa.Text, nullable=False),
        sa.Column("org_name", sa.Text, nullable=False),
        sa.Column("release", sa.Text),
        sa.Column("reverts", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text, nullable=False),
        sa.Column("finished_at", sa.Text),
        sa.Column("first_entry", sa.BigInteger),
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text),
        sa.Column("nonce", sa.LargeBinary),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("plan_by_org", "plan", ["org_id", "number"])
    op.create_index("plan_by_reverts", "plan", ["reverts"])
    op.create_table(
        "entry",
        sa.Column("seq", number, primary_key=True, autoincrement=True),
        sa.Column("org_id", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("plan_id", sa.Text, sa.ForeignKey("plan.plan_id"), nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text),
        sa.Column("nonce", sa.LargeBinary),
        sa.Column("prev_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("org_id", "position", name="entry_chain"),
        sqlite_autoincrement=True,
    )
    op.create_index("entry_by_plan", "entry", ["plan_id", "seq"])
    op.create_table(
        "lease",
        sa.Column("org_id", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("plan_id", sa.Text),
        sa.Column("acquired_at", sa.Float(53), nullable=False),
        sa.Column("expires_at", sa.Float(53), nullable=False),
        sa.Column("chain_size", sa.BigInteger, nullable=False),
        sa.Column("chain_head", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "protection",
        sa.Column("org_id", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("plan_id", sa.Text, sa.ForeignKey("plan.plan_id"), nullable=False),
    )
    op.create_table(
        "touched",
        sa.Column("address_hash", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column(
            "plan_number", sa.BigInteger, sa.ForeignKey("plan.number"), primary_key=True, autoincrement=False
        ),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":  # bodies are deflated already
        op.execute("ALTER TABLE plan ALTER COLUMN body SET STORAGE EXTERNAL")
        op.execute("ALTER TABLE entry ALTER COLUMN body SET STORAGE EXTERNAL")


def downgrade() -> None:
    for table in ("touched", "protection", "lease", "entry", "plan"):
        op.drop_table(table)
