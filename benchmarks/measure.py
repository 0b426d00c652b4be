"""A command as a whole process: wall time, CPU time, peak memory, from `wait4`."""

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Seconds, seconds, MiB. Memory is that of the largest single process."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float

    @classmethod
    def median(cls, costs: Sequence["Cost"]) -> "Cost":
        return cls(
            statistics.median(each.wall_seconds for each in costs),
            statistics.median(each.cpu_seconds for each in costs),
            statistics.median(each.peak_mib for each in costs),
        )


class CommandFailed(Exception):
    """The command ended with another exit code than the measurement needs; holds its last output."""


def measure(
    command: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    expected: int = 0,
    output: Path | None = None,
) -> Cost:
    """Run ``command`` to its end; its standard output goes to ``output``. Raises `CommandFailed`."""
    log = output or Path(os.devnull)
    errors = cwd / "errors.log"
    with log.open("wb") as out, errors.open("wb") as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expected:
        tail = errors.read_text(errors="replace")[-2000:]
        raise CommandFailed(f"exit {process.returncode} instead of {expected}: {' '.join(command)}\n{tail}")
    return Cost(wall_seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


HEADER = (
    "| what | wall s | CPU s | peak MiB | Terraform: wall s | CPU s | peak MiB | wall ratio | CPU ratio |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def row(what: str, ours: Cost, peer: Cost | None) -> str:
    cells = [what, *_figures(ours), *(_figures(peer) if peer else [""] * 3)]
    if peer:
        cells += [
            f"{ours.wall_seconds / peer.wall_seconds:.3f}",
            f"{ours.cpu_seconds / peer.cpu_seconds:.3f}",
        ]
    else:
        cells += ["", ""]
    return "| " + " | ".join(cells) + " |"


def _figures(cost: Cost) -> list[str]:
    return [f"{cost.wall_seconds:.3f}", f"{cost.cpu_seconds:.3f}", f"{cost.peak_mib:.0f}"]
