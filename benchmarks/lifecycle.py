"""Plan, apply, no-op plan, plan of one change and revert of N records, beside Terraform's."""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import terraform
from measure import HEADER, Cost, measure, row
from workspace import Workspace, served

NO_CHANGE, CHANGES = 0, 2


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", default="1000,10000", help="records, separated by commas")
    options.add_argument("--runs", type=int, default=3, help="of each plan; medians are printed")
    options.add_argument("--from", dest="source", choices=("yaml", "csv"), default="yaml")
    options.add_argument("--no-terraform", action="store_true")
    options.add_argument("--terraform-apply-max", type=int, default=1000, metavar="N")
    chosen = options.parse_args()
    why_not = "not wanted" if chosen.no_terraform else terraform.missing()
    if why_not:
        print(f"without Terraform: {why_not}\n")
    lines = [HEADER]
    for count in map(int, chosen.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as workspace:
            ours = dict(lifecycle(workspace, count, runs=chosen.runs, source=chosen.source))
        peer: dict[str, Cost] = {}
        if not why_not:
            with tempfile.TemporaryDirectory() as folder:
                peer = terraform.lifecycle(
                    Path(folder), count, runs=chosen.runs, apply_max=chosen.terraform_apply_max
                )
        lines += [row(f"{what}, {count:,}", cost, peer.get(what)) for what, cost in ours.items()]
    print("\n".join(lines))


def lifecycle(workspace: Workspace, count: int, *, runs: int, source: str) -> Iterator[tuple[str, Cost]]:
    """The commands in the order of a release, each with its cost."""
    workspace.write_states(count, source=source)
    yield "plan, all new", _plan(workspace, runs, expected=CHANGES)
    plan_id = _newest_plan(workspace)
    yield "apply", _run(workspace, "apply", plan_id)
    yield "no-op plan", _plan(workspace, runs, expected=NO_CHANGE)
    workspace.write_states(count, changed=1, source=source)
    yield "plan, one changed", _plan(workspace, runs, expected=CHANGES)
    yield "revert", _run(workspace, "revert", plan_id, "--auto-approve")


def _plan(workspace: Workspace, runs: int, *, expected: int) -> Cost:
    arguments = ("plan", "states/bench.yaml", "--org", "bench", "--detailed-exitcode", "--json")
    return Cost.median([_run(workspace, *arguments, expected=expected) for _ in range(runs)])


def _newest_plan(workspace: Workspace) -> str:
    plan_id: str = json.loads((workspace.folder / "output.json").read_text())["plan_id"]
    return plan_id


def _run(workspace: Workspace, *arguments: str, expected: int = 0) -> Cost:
    return measure(
        workspace.command(*arguments),
        cwd=workspace.folder,
        environ=workspace.environ,
        expected=expected,
        output=workspace.folder / "output.json",
    )


if __name__ == "__main__":
    main()
