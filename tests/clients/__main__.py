"""`python -m tests.clients [CLIENT…] [--json FILE]`: all jobs of other people's clients.

Exit code 1 when a job failed or a client could not be installed.
"""

import argparse
import sys
from pathlib import Path

from .installing import NotInstallable
from .results import Result, as_json, table
from .running import CLIENTS, run_client


def main() -> int:
    known = {each.name: each for each in CLIENTS}
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=", ".join(known))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here too")
    options = parser.parse_args()
    results: list[Result] = []
    for name in options.clients or known:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            results += run_client(known[name])
        except NotInstallable as error:
            results.append(Result(name, "to be installed", False, str(error)))
    print(table(results))
    if options.json:
        options.json.write_text(as_json(results) + "\n")
    return any(not each.ok for each in results)


if __name__ == "__main__":
    sys.exit(main())
