"""How a journal is opened: where it is, whose clock it goes by, who is at the keyboard."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from . import identity, processes
from .location import locate

if TYPE_CHECKING:  # imports SQLAlchemy
    from .store import SqlJournal


def open_journal(
    directory: Path,
    *,
    environ: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.time,
    points: Callable[[str], None] = lambda name: None,
) -> "SqlJournal":
    """The journal of the project in ``directory``, or the one that ``RECONCILE_JOURNAL`` names.

    Costs the import of SQLAlchemy; no file is touched until the journal is used, and none is made
    until it is written. ``clock`` gives seconds since the epoch (PostgreSQL uses its own). ``points``
    is called with a name before, within and after each write (``before intended``, ``within finish``):
    the places where a test ends the process. Raises `JournalFailed` for a database of another sort.
    """
    from .database import Database
    from .store import SqlJournal

    return SqlJournal(
        Database(locate(directory, environ), clock=clock),
        actor=identity.actor(environ),
        holder=identity.holder(environ),
        process=processes.this_process(),
        points=points,
    )
