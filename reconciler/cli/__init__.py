"""The command line: options in, one call, one rendering, an exit code that scripts can trust.

It wires the layers together and computes nothing. Only `click` is imported at start; a command
imports what it needs when it runs, so that `--help` answers at once.
"""

from .main import run

__all__ = ["run"]
