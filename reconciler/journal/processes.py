"""Whether the process that took a lease is dead, where that can be told for certain.

A process is written down as ``place pid start``. The place is the machine since it was started, with
the space that its process numbers are of: a number says nothing on another machine, in another
container, or after a restart, and there nobody is called dead. A number may be given to another
process later, so the time at which it was started is compared too. What cannot be told (no
Linux, a process whose files are hidden from this user) counts as living; its lease runs out by itself.

Source: proc_pid_stat(5), proc_sys_kernel(5), pid_namespaces(7), kill(2).
"""

import os
import socket
from collections.abc import Sequence
from pathlib import Path

PROC = Path("/proc")
ENDED = frozenset("ZXx")
"""States of a process that runs no more, although its number is still taken."""
STATE, START = 0, 19
"""Places in `stat` after the name, which is in brackets and may hold anything: fields 3 and 22."""


def this_process() -> str | None:
    """None where a dead process could not be told from a living one."""
    place, stat = _place(), _stat(os.getpid())
    return None if place is None or stat is None else f"{place} {os.getpid()} {stat[START]}"


def is_dead(process: str | None) -> bool:
    """Whether ``process``, as `this_process` wrote it down, is of this place and certainly ended."""
    place, *numbers = (process or "").split(" ")
    if len(numbers) != 2 or not all(each.isdecimal() for each in numbers) or place != _place():
        return False
    pid, start = int(numbers[0]), numbers[1]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass  # it is there and another user's, or no number of a process at all
    stat = _stat(pid)
    return stat is not None and (stat[STATE] in ENDED or stat[START] != start)


def _place() -> str | None:
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        numbers = str((PROC / "self/ns/pid").readlink())
    except (OSError, ValueError):
        return None
    clock = PROC / "self/ns/time"  # since Linux 5.6; the time of a start is told by its clock
    clocks = str(clock.readlink()) if clock.exists() else ""
    return "/".join((socket.gethostname(), boot, numbers, clocks)).replace(" ", "-")


def _stat(pid: int) -> Sequence[str] | None:
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return fields if len(fields) > START else None
