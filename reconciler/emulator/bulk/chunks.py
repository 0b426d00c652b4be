"""PK chunking: a query over a whole object is asked again for stretches of its ids.

Each stretch is a batch of its own, `WHERE Id >= … AND Id < …` put to what the client asked; the batch
that asked for all is not processed. A statement with ORDER BY, LIMIT or the like cannot be cut, as in
Salesforce, which fails its batch.

Source: Bulk API Developer Guide, "PK Chunking".
"""

import re
from typing import TYPE_CHECKING

from .. import ids
from ..soql.parse import parse
from ..soql.refusals import Fault, placed
from ..store import quoted
from .jobs import Job
from .refusals import BulkRefusal

if TYPE_CHECKING:
    from ..org import EmulatedOrg

WHERE = re.compile(r"\bWHERE\b", re.IGNORECASE)


def ranges(org: "EmulatedOrg", job: Job, soql: str) -> list[str]:
    """The queries of the stretches. Raises `BulkRefusal` for a statement that cannot be cut."""
    try:
        tree = parse(soql)
    except Fault as fault:
        raise BulkRefusal("InvalidBatch", placed(fault, soql).message) from None
    if tree.order or tree.limit or tree.offset or tree.group or tree.scope or tree.alias:
        raise BulkRefusal("InvalidBatch", "The query is not supported with PK chunking")
    table = org.tables[job.sobject]
    bounds = org.store.execute(f'SELECT min("Id"), max("Id") FROM {quoted(table.name)}')  # noqa: S608  the name is the schema's
    first, last = bounds[0]
    if first is None:
        return [soql]
    first = max(first, job.pk_start or first)
    step = job.pk_chunk or 1
    starts = range(first, max(first, last) + 1, step)
    return [_within(soql, start, start + step, first=start == first) for start in starts]


def _within(soql: str, start: int, end: int, *, first: bool) -> str:
    bounds = f"Id >= '{ids.to_text(start)}' AND Id < '{ids.to_text(end)}'"
    where = WHERE.search(soql)
    if where is None:
        return f"{soql.rstrip()} WHERE {bounds}"
    return f"{soql[: where.end()]} {bounds} AND ({soql[where.end() :].strip()})"
