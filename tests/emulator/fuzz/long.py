"""Damaged requests for as long as one likes: `python -m tests.emulator.fuzz.long SECONDS [SEED]`.

What is wrong is told once a kind, with the request; the exit code is 1 when there was any.
"""

import logging
import sys
import time
import traceback
from collections import Counter
from random import Random

from tests.emulator.fuzz.judging import Stage, Wrong, play
from tests.emulator.fuzz.sound import SURFACES
from tests.emulator.strictness.stage import make_desk


def main(seconds: float, seed: int) -> int:
    logging.getLogger("reconciler").propagate = False
    stage = Stage(make_desk())
    stories = [story for stories in SURFACES.values() for story in stories]
    found: Counter[str] = Counter()
    end, played, sent = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        random = Random(f"{seed}-{played}")
        played += 1
        try:
            for _ in play(stage, random.choice(stories), random):
                sent += 1
        except Wrong as wrong:
            where = traceback.extract_tb(wrong.cause.__traceback__)[-3:] if wrong.cause else []
            kind = f"{wrong.what[:60]} {[(each.filename.rpartition('/')[2], each.lineno) for each in where]}"
            found[kind] += 1
            if found[kind] == 1:
                print(f"== {kind}\n{wrong}\n", flush=True)
                if wrong.cause:
                    traceback.print_exception(wrong.cause)
    print(
        f"{played} stories, {sent} answers, {sum(found.values())} wrong of {len(found)} kinds: {dict(found)}"
    )
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
