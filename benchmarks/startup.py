"""Start-up of the command line beside Terraform's: all commands in turn each round, medians."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from measure import HEADER, Cost, measure, row
from workspace import program

BARE_PYTHON = "python -c pass"
PEER = "terraform version"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=11)
    rounds = options.parse_args().rounds
    commands = {
        BARE_PYTHON: [sys.executable, "-c", "pass"],
        "reconcile --help": [str(program()), "--help"],
        "reconcile --version": [str(program()), "--version"],
    }
    if terraform := shutil.which("terraform"):
        commands[PEER] = [terraform, "version"]
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        for round_ in range(rounds + 1):
            for name, command in commands.items():
                cost = measure(command, cwd=Path(folder))
                if round_:  # the first only warms the caches
                    costs[name].append(cost)
    medians = {name: Cost.median(each) for name, each in costs.items()}
    peer = medians.pop(PEER, None)
    print(HEADER)
    for name, cost in medians.items():
        print(row(name, cost, peer))


if __name__ == "__main__":
    main()
