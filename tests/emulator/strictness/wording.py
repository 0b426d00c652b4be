"""Whether the words of a refusal stand somewhere in the facts or in a recording: none is claimed in vain.

A text counts as told when four of its words follow each other there, or all of a shorter one; names, numbers
and what is quoted may differ. That is a sieve and no proof: what it lets through may belong to another case.
"""

import re
from pathlib import Path

from .asking import Refusal

RUN = 4
WORD = re.compile(r"[a-z_]{2,}")


class Known:
    """Everything that the folder ``shared`` says of refusals."""

    def __init__(self, shared: Path) -> None:
        files = [*(shared / "salesforce-facts").glob("*.md"), *(shared / "recordings").rglob("*.*")]
        told = " ".join(
            path.read_text(encoding="utf-8", errors="replace") for path in files if path.is_file()
        )
        self._words = f" {' '.join(WORD.findall(told.lower()))} "

    def tells(self, refusal: Refusal) -> bool:
        text = refusal.text.rpartition("\nERROR at Row:")[2].rpartition("\n")[2] or refusal.code
        words = WORD.findall(re.sub(r"'[^']*'", " ", text).lower()) or WORD.findall(refusal.code.lower())
        runs = [words[at : at + RUN] for at in range(max(1, len(words) - RUN + 1))]
        return any(f" {' '.join(run)} " in self._words for run in runs)
