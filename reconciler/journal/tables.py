"""The tables, as the code of today reads and writes them. How they came to be is in `migrations`.

plan        one row a plan; `number` gives the order of saving, `first_entry` the order of applying.
entry       append-only; one row for the intent of an API call, one for its outcome. `position`,
            `prev_hash` and `hash` chain the entries of one org, see `chain`.
lease       one row an org, for ever: who may change it, and the size and head of its chain.
protection  addresses under `$protect`, so that they survive the deletion of their line.
secret_field  fields that were written from secrets, so that no plan ever holds what they hold.
touched     which plan has a step on which address: eight bytes of a hash instead of the address,
            sixteen bytes a step in all. See `address_hash`.

`key_id` and `nonce` wait for encrypted bodies and are null until then.
"""

import hashlib

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

HEAD = "0002"
"""The newest revision in `migrations`."""
KNOWN = frozenset({"0001", "0002"})
VERSION_TABLE = "journal_version"

NUMBER = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER counts up by itself in SQLite

metadata = MetaData()

plan_table = Table(
    "plan",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("plan_id", Text, nullable=False, unique=True),
    Column("org_id", Text, nullable=False),
    Column("org_name", Text, nullable=False),
    Column("release", Text),
    Column("reverts", Text),
    Column("status", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("first_entry", BigInteger),
    Column("steps", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("key_id", Text),
    Column("nonce", LargeBinary),
    Column("body", LargeBinary, nullable=False),
    Index("plan_by_org", "org_id", "number"),
    Index("plan_by_reverts", "reverts"),
    sqlite_autoincrement=True,
)

entry_table = Table(
    "entry",
    metadata,
    Column("seq", NUMBER, primary_key=True, autoincrement=True),
    Column("org_id", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("plan_id", Text, ForeignKey("plan.plan_id"), nullable=False),
    Column("run", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("key_id", Text),
    Column("nonce", LargeBinary),
    Column("prev_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("org_id", "position", name="entry_chain"),
    Index("entry_by_plan", "plan_id", "seq"),
    sqlite_autoincrement=True,
)

lease_table = Table(
    "lease",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("holder", Text),
    Column("fence", BigInteger, nullable=False),
    Column("plan_id", Text),
    Column("acquired_at", Float(53), nullable=False),
    Column("expires_at", Float(53), nullable=False),
    Column("process", Text),
    Column("chain_size", BigInteger, nullable=False),
    Column("chain_head", LargeBinary, nullable=False),
)

protection_table = Table(
    "protection",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("plan_id", Text, ForeignKey("plan.plan_id"), nullable=False),
)

secret_field_table = Table(
    "secret_field",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("record_id", Text),
    Column("plan_id", Text, ForeignKey("plan.plan_id"), nullable=False),
)

touched_table = Table(
    "touched",
    metadata,
    Column("address_hash", BigInteger, primary_key=True, autoincrement=False),
    Column("plan_number", BigInteger, ForeignKey("plan.number"), primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)


def address_hash(org_id: str, address: str) -> int:
    """Eight bytes of SHA-256 as a signed number. Among a million addresses two clash once in 37 million."""
    text = f"{org_id} {address}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big", signed=True)
