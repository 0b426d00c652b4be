"""Plans as files, for CI jobs that hand them on: the stored form, with its digest."""

import json
from pathlib import Path

from reconciler.model.errors import Problem, SpecError
from reconciler.model.plan import PLAN_FORMAT, Plan

MARK = b'{"plan_format":'
MAX_BYTES = 512 * 1024 * 1024


def looks_like_plan_file(path: Path) -> bool:
    """Whether the file begins as one; a file that cannot be read is for others to complain about."""
    try:
        with path.open("rb") as file:
            return file.read(len(MARK)) == MARK
    except OSError:
        return False


def write_plan_file(plan: Plan, path: Path) -> None:
    """Write the plan for its owner's eyes only; an existing file is replaced whole or not at all."""
    import os

    text = json.dumps(plan.to_json(), ensure_ascii=False, separators=(",", ":"))
    draft = path.with_name(path.name + ".part")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise SpecError(Problem(f"{path}: the plan could not be written: {error.strerror}")) from error


def read_plan_file(path: Path) -> Plan:
    """Raises `SpecError` for a file that is cut, changed, or of another version of the program."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("larger than any plan")
        data = json.loads(path.read_text(encoding="utf-8"))
        return Plan.from_json(data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SpecError(
            Problem(
                f"{path}: not a whole plan file of format {PLAN_FORMAT}: {error}",
                mend="write it again with 'reconcile plan --out', nothing was applied",
            )
        ) from error
