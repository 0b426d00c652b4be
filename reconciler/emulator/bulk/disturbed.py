"""Jobs that shall go wrong on purpose: whose rows are refused, or which stand still.

What a fault asks is remembered by job, because the rows are written when time has come and not by the
call that the fault was for. It belongs to the running front and is not kept with the org.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..errors import ApiError
from .loading import RowFault, no_fault
from .uploads import Record

if TYPE_CHECKING:
    from ..org import EmulatedOrg

Stalled = Callable[[], bool]


@dataclass(slots=True)
class _Disturbed:
    rows: list[RowFault] = field(default_factory=list)
    stalls: list[Stalled] = field(default_factory=list)


_JOBS: "WeakKeyDictionary[EmulatedOrg, dict[int, _Disturbed]]" = WeakKeyDictionary()


def disturb(
    org: "EmulatedOrg", job: int, *, rows: RowFault | None = None, stalled: Stalled | None = None
) -> None:
    """Let a job's rows meet ``rows``, and let it stand still as long as ``stalled`` says so."""
    if rows is None and stalled is None:
        return
    found = _JOBS.setdefault(org, {}).setdefault(job, _Disturbed())
    if rows is not None:
        found.rows.append(rows)
    if stalled is not None:
        found.stalls.append(stalled)


def is_stalled(org: "EmulatedOrg", job: int) -> bool:
    found = _JOBS.get(org, {}).get(job)
    return found is not None and any(each() for each in found.stalls)


def row_fault(org: "EmulatedOrg", job: int) -> RowFault:
    """The faults of a job's rows as one; `loading.no_fault` where there is none."""
    found = _JOBS.get(org, {}).get(job)
    if found is None or not found.rows:
        return no_fault
    faults = list(found.rows)

    def meet(record_id: str, record: Record) -> ApiError | None:
        return next((error for each in faults if (error := each(record_id, record))), None)

    return meet
