"""An org's data storage, enforced where it was set: a new row takes 2 KB, and past the end none is taken.

A new org tells its storage and does not enforce it: a Developer Edition's 5 MB are 2,560 rows, which
rehearsals and benchmarks pass at once.

Source: Salesforce Help, "Data and File Storage Allocations"; the text is not verified.
"""

# ruff: noqa: S608 - names come from the schema

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..errors import ApiError
from ..store import quoted

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from ..tables import Table
    from ..writes import Transaction

FACT = "allowances"
"""Where the allowances are kept that an org was given in the place of a new one's."""
NAME = "DataStorageMB"
ROW_BYTES = 2_048
"""What a row takes of the data storage, whatever is in it."""
MEGABYTE = 1_048_576


class StorageLimitExceeded(ApiError):
    code = "STORAGE_LIMIT_EXCEEDED"

    def __init__(self) -> None:
        super().__init__("storage limit exceeded", fields=[])


@dataclass(frozen=True)
class Storage:
    """``rows`` are the most there may be; ``counted`` is what each transaction knows, with its own rows."""

    rows: int
    counted: "WeakKeyDictionary[Transaction, int]" = field(default_factory=WeakKeyDictionary)

    def check(
        self,
        tx: "Transaction",
        table: "Table",
        number: int | None,
        new: Mapping[str, Any],
        old: Mapping[str, Any],
    ) -> None:
        """Raises `StorageLimitExceeded` for a new row that has no place."""
        if number is not None:
            return
        known = self.counted.get(tx)
        if known is None or known >= self.rows:  # rows that were taken back had been counted
            known = data_rows(tx.org)
        if known >= self.rows:
            raise StorageLimitExceeded
        self.counted[tx] = known + 1


def read(org: "EmulatedOrg") -> Storage | None:
    most = json.loads(org.find_fact(FACT) or "{}").get(NAME)
    return None if most is None else Storage(most * MEGABYTE // ROW_BYTES)


def data_rows(org: "EmulatedOrg") -> int:
    """How many rows count toward the data storage."""
    stored = [each for each in org.schema if each.key_prefix and not each.setup and each.createable]
    return sum(org.store.execute(f"SELECT COUNT(*) FROM {quoted(each.name)}")[0][0] for each in stored)
