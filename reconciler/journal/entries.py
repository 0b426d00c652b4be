"""Entries: written at the end of their org's chain, read page by page.

Memory stays flat however long the history is, and no reader keeps a transaction open between two
pages, which would keep SQLite from folding its write-ahead log back.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from reconciler.model.errors import JournalFailed
from reconciler.model.journal import Entry, Event

from .body import pack, unpack
from .chain import Content
from .database import Database
from .leases import iso
from .tables import entry_table, lease_table

PAGE_ENTRIES = 100


def append_entry(
    connection: Connection,
    row: Row[Any],
    *,
    fence: int,
    plan_id: str,
    run: int,
    event: Event,
    body: Mapping[str, Any],
) -> int:
    """Write one entry at the end of the chain of ``row``, the org's locked lease row; answers its `seq`."""
    content = Content(row.org_id, plan_id, run, fence, event.value, iso(row.now), pack(body))
    position = row.chain_size + 1
    hashed = content.hashed(row.chain_head, position)
    result = connection.execute(
        insert(entry_table).values(
            org_id=content.org_id,
            position=position,
            plan_id=plan_id,
            run=run,
            fence=fence,
            event=content.event,
            at=content.at,
            prev_hash=row.chain_head,
            hash=hashed,
            body=content.body,
        )
    )
    connection.execute(
        update(lease_table)
        .where(lease_table.c.org_id == row.org_id)
        .values(chain_size=position, chain_head=hashed)
    )
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def last_run(connection: Connection, plan_id: str) -> int:
    """The number of the plan's newest run; 0 before the first."""
    newest = connection.scalar(select(func.max(entry_table.c.run)).where(entry_table.c.plan_id == plan_id))
    return newest or 0


def read_entries(database: Database, plan_id: str) -> Iterator[Entry]:
    """The plan's entries in the order they were written, as many as there are when each page is read."""
    seq = 0
    while rows := _page(database, plan_id, after=seq):
        for row in rows:
            yield entry_of(row)
        seq = rows[-1].seq


def _page(database: Database, plan_id: str, after: int) -> list[Row[Any]]:
    query = (
        select(entry_table)
        .where(entry_table.c.plan_id == plan_id, entry_table.c.seq > after)
        .order_by(entry_table.c.seq)
        .limit(PAGE_ENTRIES)
    )
    with database.reading() as connection:
        return [] if connection is None else list(connection.execute(query))


def entry_of(row: Row[Any]) -> Entry:
    """Raises `JournalFailed` for content that is damaged."""
    where = f"entry {row.seq} of plan {row.plan_id}"
    try:
        event = Event(row.event)
    except ValueError as error:
        raise JournalFailed(f"the journal's content of {where} is damaged: {error}") from error
    return Entry(row.seq, row.plan_id, row.run, event, row.at, unpack(row.body, where))
