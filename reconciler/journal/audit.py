"""Verification of the chains, for `reconcile audit verify`.

Found: an entry edited, moved or removed; a cut tail (the lease row knows the size); a plan whose
content is not the one its run began with. Found only against a head noted elsewhere: a tail cut
together with the lease row, or a chain made anew.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, select, tuple_

from reconciler.model.errors import JournalFailed, Problem
from reconciler.model.journal import Event
from reconciler.model.plan import Plan

from .body import unpack
from .chain import START, ChainHead, Content
from .database import Database
from .tables import entry_table, lease_table, plan_table

PAGE_ENTRIES = 500
MEND = "somebody changed the journal; compare with a backup before the next apply or revert"


@dataclass
class _Walk:
    """One org's chain, as far as it has been walked."""

    org_id: str
    size: int = 0
    head: bytes = START
    broken: str | None = None
    noted: dict[int, str] = field(default_factory=dict)

    def step(self, row: Row[Any]) -> None:
        if self.broken:
            return
        if row.position != self.size + 1:
            self.broken = f"org {self.org_id}: entry {self.size + 1} is missing"
        elif row.prev_hash != self.head or row.hash != _hash(row):
            self.broken = f"org {self.org_id}: entry {row.position} (plan {row.plan_id}) was changed"
        elif self.noted.get(row.position, row.hash.hex()) != row.hash.hex():
            self.broken = f"org {self.org_id}: the chain up to entry {row.position} is not the one noted"
        self.size, self.head = row.position, row.hash

    def end(self, size: int | None, head: bytes | None) -> None:
        """Compare with what the lease row says of the end (None without a row) and with the noted heads."""
        if self.broken:
            return
        if (size, head) != (self.size, self.head):
            self.broken = f"org {self.org_id}: entries after {self.size} are missing"
        elif any(position > self.size for position in self.noted):
            self.broken = f"org {self.org_id}: the chain is shorter than the one noted"


def verify(database: Database, noted: Sequence[ChainHead]) -> Sequence[ChainHead]:
    """The heads of all chains, by org. Raises `JournalFailed` with one problem a broken chain or plan."""
    walks: dict[str, _Walk] = {}
    for head in noted:
        walks.setdefault(head.org_id, _Walk(head.org_id)).noted[head.size] = head.head
    begun: dict[str, str] = {}
    for row in _entries(database):
        walk = walks.setdefault(row.org_id, _Walk(row.org_id))
        walk.step(row)
        if row.event == Event.RUN_STARTED and not walk.broken:
            begun[row.plan_id] = str(unpack(row.body, f"entry {row.seq}").get("digest"))
    ends = _ends(database)
    for org_id in ends:
        walks.setdefault(org_id, _Walk(org_id))
    for walk in walks.values():
        walk.end(*ends.get(walk.org_id, (0, START) if walk.size == 0 else (None, None)))
    problems = [walk.broken for walk in walks.values() if walk.broken]
    if not problems:
        problems = list(_changed_plans(database, begun))
    if problems:
        raise JournalFailed(*problems[:-1], Problem(problems[-1], mend=MEND))
    return [ChainHead(walk.org_id, walk.size, walk.head.hex()) for _, walk in sorted(walks.items())]


def _hash(row: Row[Any]) -> bytes:
    content = Content(
        row.org_id, row.plan_id, row.run, row.fence, row.event, row.at, row.body, row.key_id, row.nonce
    )
    return content.hashed(row.prev_hash, row.position)


def _entries(database: Database) -> Iterator[Row[Any]]:
    place = tuple_(entry_table.c.org_id, entry_table.c.position)
    after: tuple[str, int] | None = None
    while True:
        query = select(entry_table).order_by(entry_table.c.org_id, entry_table.c.position).limit(PAGE_ENTRIES)
        if after is not None:
            query = query.where(place > after)
        with database.reading() as connection:
            rows = [] if connection is None else list(connection.execute(query))
        yield from rows
        if len(rows) < PAGE_ENTRIES:
            return
        after = (rows[-1].org_id, rows[-1].position)


def _ends(database: Database) -> dict[str, tuple[int, bytes]]:
    table = lease_table.c
    with database.reading() as connection:
        if connection is None:
            return {}
        rows = connection.execute(select(table.org_id, table.chain_size, table.chain_head))
        return {row.org_id: (row.chain_size, row.chain_head) for row in rows}


def _changed_plans(database: Database, begun: dict[str, str]) -> Iterator[str]:
    """Plans that ran and are not, or no longer, what their RUN_STARTED says."""
    table = plan_table.c
    with database.reading() as connection:
        rows = (
            []
            if connection is None
            else connection.execute(select(table.plan_id).where(table.first_entry.is_not(None))).all()
        )
    for plan_id in sorted({*begun, *(row.plan_id for row in rows)}):
        if plan_id not in begun:
            yield f"plan {plan_id} ran, but its entries are missing"
        elif (found := _digest(database, plan_id)) != begun[plan_id]:
            yield f"plan {plan_id} was changed after its run began" if found else f"plan {plan_id} is damaged"


def _digest(database: Database, plan_id: str) -> str | None:
    """The digest of the stored content; None when it is missing or damaged."""
    with database.reading() as connection:
        body = (
            None
            if connection is None
            else connection.scalar(select(plan_table.c.body).where(plan_table.c.plan_id == plan_id))
        )
    try:
        return None if body is None else Plan.from_json(unpack(body, f"plan {plan_id}")).digest
    except (JournalFailed, ValueError, KeyError, TypeError, AttributeError):
        return None
