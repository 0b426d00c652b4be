"""Rows that an approval, or Apex, has locked: only administrators edit or delete them.

An org is told which rows are locked; approvals themselves are not emulated.

Source: Apex Developer Guide, "Approval Class"; Salesforce Help, "Record Locking"; the text is not verified.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import ids
from ..errors import ApiError

if TYPE_CHECKING:
    from ..org import EmulatedOrg
    from ..writes import Transaction

FACT = "locked_rows"


class EntityIsLocked(ApiError):
    code = "ENTITY_IS_LOCKED"

    def __init__(self) -> None:
        super().__init__("This record is locked. If you need to edit it, contact your admin.", fields=[])


@dataclass(frozen=True)
class Locked:
    rows: frozenset[int]

    def check(self, tx: "Transaction", number: int) -> None:
        """Raises `EntityIsLocked` for who may not modify all data."""
        if number in self.rows and tx.access is not None and not tx.access.has("ModifyAllData"):
            raise EntityIsLocked


def read(org: "EmulatedOrg") -> Locked | None:
    found = json.loads(org.find_fact(FACT) or "[]")
    return Locked(frozenset(found)) if found else None


def locked(org: "EmulatedOrg") -> list[str]:
    """Ids of the rows that are locked."""
    return [ids.to_text(number) for number in json.loads(org.find_fact(FACT) or "[]")]


def lock(org: "EmulatedOrg", record_ids: Iterable[str]) -> None:
    """Lock these rows and no others. Raises ValueError for what is no id."""
    numbers = {each: ids.parse(each) for each in record_ids}
    wrong = [each for each, number in numbers.items() if number is None]
    if wrong:
        raise ValueError(f"no ids: {', '.join(map(str, wrong))}")
    org.set_fact(FACT, json.dumps(sorted(number for number in numbers.values() if number)))
