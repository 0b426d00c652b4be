"""Terraform's side, by the scripts in `../shared/bench/peers`: absent where they or the program are."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from measure import Cost

PEERS = Path(__file__).resolve().parents[2] / "shared" / "bench" / "peers"
SHAPE = "chain"
CHAIN = 10
BUDGET_SECONDS = 900.0
STEPS = {
    "plan, all new": "plan_create",
    "apply": "apply_create",
    "no-op plan": "noop",
    "plan, one changed": "change1",
    "revert": "destroy",
}
"""What each of our commands is compared with."""


def missing() -> str | None:
    """Why Terraform cannot be measured here; None when it can."""
    if not shutil.which("terraform"):
        return "there is no terraform on the path"
    if not (PEERS / "terraform_bench.py").is_file():
        return f"there is no {PEERS / 'terraform_bench.py'}"
    return None


def lifecycle(work: Path, count: int, *, runs: int, apply_max: int) -> dict[str, Cost]:
    """Costs by our names for the commands. State is kept by a server on the loopback."""
    bench = _bench()
    found = bench.one_size(
        shutil.which("terraform"),
        work,
        SHAPE,
        count,
        CHAIN,
        runs,
        BUDGET_SECONDS,
        {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"},
        apply_max,
        ["create", "noop", "change1", "destroy"],
        bench.StateServer(),
    )
    return {
        ours: Cost(found[theirs]["wall_s"], found[theirs]["cpu_s"], found[theirs]["rss_mib"])
        for ours, theirs in STEPS.items()
        if theirs in found and not found[theirs]["timed_out"]
    }


def _bench() -> Any:
    sys.path.insert(0, str(PEERS))
    spec = importlib.util.spec_from_file_location("terraform_bench", PEERS / "terraform_bench.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
