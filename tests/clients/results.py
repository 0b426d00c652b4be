"""What a client's job came to, and the table that `make clients` prints.

A job script prints one JSON line a job: `{"job", "ok", "why"}`; other lines are the client's own talk.
A script that ends badly is a failed job of its own.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SCRIPT_SECONDS = 900


@dataclass(frozen=True)
class Result:
    client: str
    job: str
    ok: bool
    why: str = ""


def run_script(
    client: str, command: Sequence[str | Path], environ: Mapping[str, str], folder: Path
) -> list[Result]:
    """Run a job script to its end; the results of its jobs in their order."""
    log = folder / f"{client}.log"
    with log.open("w") as talk:
        try:
            done = subprocess.run(
                [str(part) for part in command],
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=talk,
                text=True,
                timeout=SCRIPT_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return [Result(client, "all jobs", False, f"not done in {SCRIPT_SECONDS} s")]
    found = list(read_results(client, done.stdout))
    if done.returncode:
        last = (log.read_text().strip() or "nothing on stderr").splitlines()[-1]
        found.append(Result(client, "to the end", False, f"exit code {done.returncode}: {last}"))
    return found or [Result(client, "to the end", False, "no job was run")]


def read_results(client: str, output: str) -> list[Result]:
    found = []
    for line in output.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and {"job", "ok"} <= told.keys():
            found.append(Result(client, told["job"], bool(told["ok"]), str(told.get("why", ""))))
    return found


def table(results: Sequence[Result]) -> str:
    """One line a job, failures with their reason."""
    client, job = (
        max((len(getattr(each, name)) for each in results), default=0) for name in ("client", "job")
    )
    lines = [
        f"{each.client:{client}}  {each.job:{job}}  {'ok' if each.ok else 'FAILED  ' + each.why}".rstrip()
        for each in results
    ]
    failed = sum(not each.ok for each in results)
    return "\n".join([*lines, f"{len(results) - failed} done, {failed} failed"])


def as_json(results: Sequence[Result]) -> str:
    return json.dumps([asdict(each) for each in results], indent=1)
