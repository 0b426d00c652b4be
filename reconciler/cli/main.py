"""The group of commands, loaded one by one, and the only place that catches our errors."""

import errno
import gc
import io
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from reconciler import __version__

COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("init", "Write a first state and orgs.yaml here."),
    "validate": ("validate", "Check state files offline; all problems at once."),
    "plan": ("plan", "Show the steps that would bring an org to the states."),
    "apply": ("apply", "Run a plan, or plan and ask."),
    "revert": ("revert", "Take a plan back by its id."),
    "resume": ("resume", "Go on with a plan that was interrupted or partly failed."),
    "show": ("show", "Show a plan and what became of it."),
    "history": ("history", "List plans, newest first."),
    "graph": ("graph", "Draw what stands on what."),
    "explain": ("explain", "Tell all that is known about one resource."),
    "orgs": ("orgs", "List orgs, or check that one can be reached."),
    "schema": ("schema", "Print the JSON Schema of state files, for editors."),
    "unlock": ("unlock", "Give back the lease of a run that died."),
    "emulator": ("emulator", "Serve the emulated org, or reset it."),
    "demo": ("demo", "Watch a release being planned, applied, refused and taken back."),
}
"""Command -> its module here, and the line that help shows without importing it."""

GC_THRESHOLD = 100_000
"""Objects made between two searches for cycles. A command makes few cycles and many rows, and ends soon."""


class Commands(click.Group):
    """Imports a command's module when the command is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"reconciler.cli.{COMMANDS[name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, args)
        except click.UsageError:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(f"No such command '{args[0]}'.{hint}", context) from None

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="reconcile")
def main() -> None:
    """Say what a Salesforce org must look like after a release; plan it, apply it, prove it, take it back.

    \b
    Exit codes: 0 done or no change · 1 error · 2 changes present (--detailed-exitcode)
    3 plan stale · 4 lease held · 5 refused by policy, budget or precondition
    6 partly applied, resumable · 7 applied, verification failed · 8 failed and reverted
    9 revert conflict · 10 authentication · 130 interrupted
    """


def run() -> None:
    """Run the command line of this process and end it with its code.

    The interpreter is not taken apart piece by piece: everything durable is on disk when a command
    returns, and tearing down the imported libraries would cost as much as a short command.
    """
    gc.set_threshold(GC_THRESHOLD)
    _choose_coding()
    code = execute(sys.argv[1:])
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _choose_coding() -> None:
    """Files and pipes get UTF-8; a terminal, or who asked for another coding, gets '?' for what it lacks.

    A character that cannot be shown must not end a run.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty() or "PYTHONIOENCODING" in os.environ:
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def execute(arguments: list[str]) -> int:
    """Run one command and answer with its exit code. Errors of ours become text, or JSON with ``--json``."""
    try:
        code: Any = main.main(args=_with_values(arguments), prog_name="reconcile", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return 130
    except click.ClickException as error:
        _report_usage(error, as_json="--json" in arguments)
        return 1
    except SystemExit:  # this is how click ends when nobody reads the output any more
        return 141
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO, errno.EDQUOT) or error.filename is not None:
            raise
        click.echo(f"the output cannot be written: {error.strerror}", err=True)
        return 1
    except Exception as error:
        from reconciler.model.errors import ReconcileError

        if not isinstance(error, ReconcileError):
            raise  # our bug: it keeps its traceback
        _report(error, as_json="--json" in arguments)
        return error.exit_code


def _with_values(arguments: list[str]) -> list[str]:
    """``--auto-approve`` takes no word that follows it: a value comes after an equals sign."""
    return [f"{each}=all" if each == "--auto-approve" else each for each in arguments]


def _report_usage(error: click.ClickException, *, as_json: bool) -> None:
    if not as_json:
        error.show()
        return
    from reconciler.model.errors import ReconcileError

    _report(ReconcileError(error.format_message()), as_json=True)


def _report(error: Any, *, as_json: bool) -> None:
    if as_json:
        from reconciler.render.machine import dumps, error_to_json

        click.echo(dumps(error_to_json(error)))
        return
    from reconciler.render.text import render_problems

    click.echo(render_problems(error.problems), err=True)
