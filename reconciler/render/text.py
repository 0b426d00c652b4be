"""Plans, results and problems as people read them in a terminal or a CI log."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import click

from reconciler.model.errors import Problem
from reconciler.model.plan import Action, Impact, Plan, Reversibility, Step
from reconciler.model.values import Ref, Secret, Value

SYMBOLS: Mapping[Action, str] = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}
COLOURS: Mapping[str, str] = {"+": "green", "~": "yellow", "-": "red", "^": "cyan", "!": "magenta"}
LEGEND = "+ create   ~ update   - delete   ^ activate or deactivate   | right: how it is taken back"
ACTIVATING = frozenset({"IsActive", "IsFrozen"})
WIDTH = 62
LINE = 110
INDENT = "      "
OBVIOUS = frozenset({"not in the org", "differs", "undo"})
"""Reasons that the symbol of a step tells already."""
VALUE_CHARACTERS = 80
FEW_VALUES = 3
REVERSIBILITY: Mapping[Reversibility, tuple[str, str]] = {
    Reversibility.EXACT: ("exact", "green"),
    Reversibility.COMPENSATING: ("compensating", "yellow"),
    Reversibility.NONE: ("irreversible", "red"),
}


def safe(text: str) -> str:
    """``text`` with control and direction characters written out."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def show_value(value: Value) -> str:
    if value is None:
        return "(empty)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, Ref):
        return safe(show_ref(value))
    text = safe(str(value))
    return text if len(text) <= VALUE_CHARACTERS else text[: VALUE_CHARACTERS - 1] + "…"


def show_ref(ref: Ref) -> str:
    """The parent by its key, without what is understood (`Type` of a queue, the object of a record type)."""
    if not ref.key:
        return "the org"
    key = dict(ref.key)
    if ref.sobject == "Group" and "Type" in key:
        word = {"Queue": "queue", "Regular": "group"}.get(str(key["Type"]), str(key["Type"]))
        return f"{word} {key.get('DeveloperName')}"
    if ref.sobject == "RecordType":
        key.pop("SobjectType", None)
    if len(key) == 1:
        return f"{ref.sobject} {next(iter(key.values()))}"
    return f"{ref.sobject} " + ", ".join(f"{path}={value}" for path, value in key.items())


def symbol(step: Step) -> str:
    touched = set(step.after or {})
    if step.action is Action.UPDATE and touched and touched <= ACTIVATING:
        return "^"
    return SYMBOLS[step.action]


def render_plan(plan: Plan, *, heading: str, runnable: bool = True) -> str:
    """The plan as a person reviews it, and how to run it if it can be; ends with the line ``Plan: …``."""
    lines = [click.style(safe(heading), bold=True)]
    for step in plan.steps:
        lines.extend(render_step(step))
    if plan.steps:
        lines += ["", click.style(LEGEND, dim=True), *render_impact(plan.impact)]
        if runnable:
            verb = "revert is carried out" if plan.reverts else "plan is applied"
            lines.append(click.style(f"  This {verb} by: reconcile apply {plan.plan_id}", dim=True))
    lines += [click.style(f"warning: {safe(each)}", fg="yellow") for each in plan.warnings]
    lines.append(plan_line(plan))
    return "\n".join(lines)


def count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def plan_line(plan: Plan) -> str:
    counts = {action: sum(step.action is action for step in plan.steps) for action in Action}
    if not plan.steps:
        return f"Plan: nothing to {'take back' if plan.reverts else 'do, the org is as declared'}."
    back = sum(step.reversibility is not Reversibility.EXACT for step in plan.steps)
    note = "" if not back else f" {back} cannot be taken back exactly."
    return (
        f"Plan: {counts[Action.CREATE]} to create, {counts[Action.UPDATE]} to update, "
        f"{counts[Action.DELETE]} to delete.{note}"
    )


def render_step(step: Step) -> Iterable[str]:
    """Two lines for most steps: what and how it is taken back; the values and where they are written."""
    mark = symbol(step)
    word, colour = REVERSIBILITY[step.reversibility]
    head = f"  {mark} {safe(step.address)}"
    undo = click.style(f"{word}; undo: {undo_words(step)}", fg=colour)
    yield click.style(head, fg=COLOURS[mark]) + " " * max(2, WIDTH - len(head)) + undo
    values = list(_values(step))
    if values:
        yield from _wrapped(values)
    if step.remark:
        yield click.style(f"{INDENT}leaves: {safe(step.remark)}", fg="yellow")
    for effect in step.side_effects:
        yield click.style(f"{INDENT}may: {safe(effect)}", fg="yellow")
    origin = " ".join(part for part in (_why(step), str(step.source or "")) if part)
    if origin:
        yield click.style(f"{INDENT}{safe(origin)}", dim=True)


def _wrapped(values: Sequence[str]) -> Iterable[str]:
    """Values side by side, as many as a line holds; a value is never broken."""
    line = INDENT
    for at, value in enumerate(values):
        part = value if at == len(values) - 1 else value + " · "
        if len(line) > len(INDENT) and len(line) + len(part.rstrip()) > LINE:
            yield line.rstrip()
            line = INDENT
        line += part
    yield line


def _why(step: Step) -> str:
    """The reason, where the symbol does not say it already."""
    return "" if step.reason in OBVIOUS else f"{step.reason} ·" if step.source else step.reason


def _values(step: Step) -> Iterable[str]:
    """Field by field; what is false or empty is left out of rows that go, and of new ones of many fields."""
    before, after = step.before or {}, step.after or {}
    if step.action is Action.UPDATE:
        for name, value in after.items():
            yield f"{safe(name)}: {show_value(before.get(name))} → {show_value(value)}"
        return
    made = step.action is Action.CREATE
    row = {name: value for name, value in (after if made else before).items() if name not in step.identity}
    whole = made and len(row) <= FEW_VALUES
    for name, value in row.items():
        if whole or (value is not None and value is not False):
            yield f"{safe(name)}: {show_value(value)}"


def undo_words(step: Step) -> str:
    if step.undo is None:
        return "none"
    if step.undo.action is Action.DELETE:
        return "delete it"
    if step.undo.action is Action.CREATE:
        return "make it again"
    values = step.undo.after if step.undo.after is not None else step.before or {}
    if len(values) == 1:
        name, value = next(iter(values.items()))
        return f"{name} → {show_value(value)}"
    return f"set {len(values)} fields back"


def render_impact(impact: Impact) -> Iterable[str]:
    signs = {action.value: SYMBOLS[action] for action in Action}
    rows = ", ".join(
        f"{sobject} " + " ".join(f"{signs[action]}{count}" for action, count in sorted(counts.items()))
        for sobject, counts in sorted(impact.rows.items())
    )
    yield from textwrap.wrap(f"Rows: {rows}", LINE, initial_indent="  ", subsequent_indent="    ")
    for word, people in (("gain", impact.gaining), ("lose", impact.losing)):
        if people:
            text = f"{len(people)} {word} access: {_people(people)}"
            yield from textwrap.wrap(text, LINE, initial_indent="  ", subsequent_indent="    ")
    left = "" if impact.calls_left is None else f", {impact.calls_left} are left today"
    yield f"  About {impact.calls_to_apply} API calls{left}"


def _people(people: Mapping[str, Sequence[str]], shown: int = 5) -> str:
    parts = [
        f"{safe(who)} ({safe(', '.join(what[:3]))}{'…' if len(what) > 3 else ''})"
        for who, what in people.items()
    ]
    more = len(parts) - shown
    return "; ".join(parts[:shown]) + (f"; and {more} more" if more > 0 else "")


def render_problems(problems: Sequence[Problem]) -> str:
    """All problems, each with its place and how to mend it, as `model.errors` writes them."""
    lines = []
    for problem in problems:
        place = f"{problem.where}: " if problem.where else ""
        lines.append(safe_lines(place + problem.what))
        if problem.mend:
            lines.append(safe_lines(f"  mend: {problem.mend}"))
    return "\n".join(lines)


def safe_lines(text: str) -> str:
    return "\n".join(safe(line) for line in text.split("\n"))
