"""Options that several commands share, one decorator each."""

from collections.abc import Callable, Set
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

states_argument = click.argument("states", nargs=-1, type=click.Path(path_type=Path))
org_option = click.option(
    "--org", "org_name", metavar="ORG", help="An org of orgs.yaml; 'demo' is the embedded emulated org."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Versioned JSON; one event a line while applying."
)
targets_option = click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="ADDRESS",
    help="Only this resource and what it stands on. Repeatable.",
)
excludes_option = click.option(
    "--exclude", "excludes", multiple=True, metavar="ADDRESS", help="Leave this resource out. Repeatable."
)


def seconds(text: str) -> float:
    """``30s``, ``5m``, ``1h`` or plain seconds. Raises `click.BadParameter`."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], units[text[-1]]) if text and text[-1] in units else (text, 1.0)
    if not (number.isascii() and number.replace(".", "", 1).isdecimal()):
        raise click.BadParameter(f"'{text}' is no time; write it like 30s, 5m or 1h")
    return float(number) * unit


lock_option = click.option(
    "--lock-timeout",
    "wait_seconds",
    default="0s",
    callback=lambda context, option, text: seconds(text),
    metavar="TIME",
    help="How long to wait for another run on this org, like 30s or 5m.",
)
parallelism_option = click.option(
    "--parallelism", type=click.IntRange(1, 25), help="Reads sent at once; the org's own setting by default."
)


def variables_options(function: F) -> F:
    """``--var NAME=VALUE`` and ``--var-file FILE``, both repeatable."""
    function = click.option(
        "--var", "assigned", multiple=True, metavar="NAME=VALUE", help="A variable's value. Repeatable."
    )(function)
    return click.option(
        "--var-file",
        "var_files",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A YAML file of variables. Repeatable.",
    )(function)


ALL_ACTIONS = frozenset({"create", "update", "delete"})


def _approved(context: click.Context, option: click.Parameter, text: str | None) -> Set[str] | None:
    """The actions that are agreed to in advance; None asks. Raises `click.BadParameter`."""
    if text is None or text == "all":
        return None if text is None else ALL_ACTIONS
    named = {each.strip() for each in text.split(",")}
    if unknown := sorted(named - ALL_ACTIONS):
        raise click.BadParameter(f"'{unknown[0]}' is no action; known are create, update and delete")
    return named


def auto_approve_option(function: F) -> F:
    """``--auto-approve`` alone means all actions; `main` gives it that value before parsing."""
    return click.option(
        "--auto-approve",
        metavar="[=ACTIONS]",
        callback=_approved,
        help="Do not ask; with =create,update,delete only when nothing else is in the plan.",
    )(function)
