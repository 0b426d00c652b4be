"""Apex as declared behaviour: what an org is told about code that it does not run.

A declaration names a script, by its text or by a regular expression, and says what it does: rows it
writes, jobs it schedules, the exception or compile problem it ends in, what it logs. For a test
class it says how its methods come out, and which lines they cover. Declarations are kept in the org;
the newest that fits counts. They come from `emulator/apex.yaml` of a seed, from the control
address of a served org, or from `declare`::

    scripts:
      - text: "DataFix.run();"          # or  pattern: "DataFix\\.run\\(.*\\);"
        effects:
          - {insert: Account, fields: {Name: ACME}}
          - {update: Account, where: "Name = 'ACME'", fields: {Industry: Energy}}
          - {delete: Contact, where: "LastName = 'Old'"}
          - {schedule: Nightly, cron: "0 0 2 * * ?", class: NightlySync}
          - {abort: Nightly}
        log: [fixed]
      - {text: "Broken.run();", exception: "System.NullPointerException: Attempt to de-reference null"}
      - {pattern: "Typo.*", compile_problem: "Variable does not exist: Typo", line: 1, column: 1}
    classes:
      OrderTest:
        methods:
          ships: {outcome: Pass, run_time_ms: 12}
          fails: {outcome: Fail, message: "no", stack_trace: "Class.OrderTest.fails: line 3, column 1"}
        covers: {Order: {covered: [1, 2], uncovered: [3]}}
    test_run_ms: 0
"""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..declaring import BadDeclaration
from . import apex_source

if TYPE_CHECKING:
    from ..org import EmulatedOrg

DDL = (
    "CREATE TABLE IF NOT EXISTS _apex (at INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT, "
    "content TEXT NOT NULL)"
)
SCRIPT_WORDS: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "pattern": str,
    "effects": list,
    "log": list,
    "exception": str,
    "stack_trace": str,
    "compile_problem": str,
    "line": int,
    "column": int,
}
EFFECTS: dict[str, frozenset[str]] = {
    "insert": frozenset(["fields"]),
    "update": frozenset(["where", "fields"]),
    "delete": frozenset(["where"]),
    "schedule": frozenset(["cron", "class"]),
    "abort": frozenset(),
}
"""What an effect does, and the words beside it."""
METHOD_WORDS = frozenset(["outcome", "message", "stack_trace", "run_time_ms"])
OUTCOMES = frozenset(["Pass", "Fail", "CompileFail", "Skip"])


def declare(org: "EmulatedOrg", told: Mapping[str, Any]) -> None:
    """Add declarations. Raises `BadDeclaration`, and adds none, when any cannot be understood."""
    if problems := list(_problems(told)):
        raise BadDeclaration(problems)
    org.store.ensure_table(DDL)
    rows: list[tuple[str, str | None, str]] = []
    rows += [("script", None, json.dumps(each)) for each in told.get("scripts") or ()]
    rows += [("class", name, json.dumps(each or {})) for name, each in (told.get("classes") or {}).items()]
    if "test_run_ms" in told:
        rows.append(("setting", "test_run_ms", json.dumps(told["test_run_ms"])))
    with org.store.transaction():
        org.store.execute_many("INSERT INTO _apex (kind, name, content) VALUES (?, ?, ?)", rows)


def declared(org: "EmulatedOrg") -> dict[str, Any]:
    """Everything that was declared, in the form of `declare`; of a class the newest."""
    return {
        "scripts": [json.loads(content) for _, content in _kept(org, "script")],
        "classes": {name: json.loads(content) for name, content in _kept(org, "class")},
        "test_run_ms": setting(org, "test_run_ms", 0),
    }


def forget(org: "EmulatedOrg") -> None:
    org.store.ensure_table(DDL)
    org.store.execute("DELETE FROM _apex")


def setting(org: "EmulatedOrg", name: str, default: Any) -> Any:
    found = [json.loads(content) for each, content in _kept(org, "setting") if each == name]
    return found[-1] if found else default


def script_for(org: "EmulatedOrg", text: str) -> Mapping[str, Any] | None:
    """The newest declaration that fits a script, whatever its blanks and comments."""
    wanted = normal(text)
    for _, content in reversed(_kept(org, "script")):
        told: dict[str, Any] = json.loads(content)
        if "text" in told and normal(told["text"]) == wanted:
            return told
        if "pattern" in told and re.fullmatch(told["pattern"], wanted, re.DOTALL):
            return told
    return None


def class_for(org: "EmulatedOrg", name: str) -> Mapping[str, Any] | None:
    """What was last declared of a test class."""
    found = [content for each, content in _kept(org, "class") if (each or "").lower() == name.lower()]
    return json.loads(found[-1]) if found else None


def normal(text: str) -> str:
    """A script with its comments and needless blanks taken away."""
    without = apex_source.TOKEN.sub(lambda match: match[0] if match[0][0] == "'" else " ", text)
    return " ".join(without.split())


def _kept(org: "EmulatedOrg", kind: str) -> list[tuple[str | None, str]]:
    org.store.ensure_table(DDL)
    return [
        (name, content)
        for name, content in org.store.execute(
            "SELECT name, content FROM _apex WHERE kind = ? ORDER BY at", (kind,)
        )
    ]


# -- is it well formed


def _problems(told: Any) -> list[str]:
    if not isinstance(told, Mapping):
        return ["a declaration is an object with scripts, classes or test_run_ms"]
    problems = [
        f"unknown word {each!r}" for each in told if each not in ("scripts", "classes", "test_run_ms")
    ]
    scripts, classes = told.get("scripts") or [], told.get("classes") or {}
    if not isinstance(scripts, list):
        problems.append("scripts must be a list")
        scripts = []
    for at, each in enumerate(scripts, 1):
        problems += [f"script {at}: {problem}" for problem in _script_problems(each)]
    if not isinstance(classes, Mapping):
        problems.append("classes must be an object, by name")
        classes = {}
    for name, each in classes.items():
        problems += [f"class {name}: {problem}" for problem in _class_problems(each or {})]
    if not isinstance(told.get("test_run_ms", 0), int):
        problems.append("test_run_ms must be a whole number")
    return problems


def _script_problems(told: Any) -> list[str]:
    if not isinstance(told, Mapping):
        return ["must be an object"]
    problems = [f"unknown word {each!r}" for each in told if each not in SCRIPT_WORDS]
    problems += [
        f"{name} must be a {getattr(kind, '__name__', kind)}"
        for name, kind in SCRIPT_WORDS.items()
        if name in told and not isinstance(told[name], kind)
    ]
    if ("text" in told) == ("pattern" in told):
        problems.append("needs either text or pattern")
    if isinstance(told.get("pattern"), str):
        try:
            re.compile(told["pattern"])
        except re.error as error:
            problems.append(f"pattern is no regular expression: {error}")
    effects = told.get("effects")
    for at, each in enumerate(effects if isinstance(effects, list) else (), 1):
        problems += [f"effect {at}: {problem}" for problem in _effect_problems(each)]
    return problems


def _effect_problems(told: Any) -> list[str]:
    verbs = [each for each in EFFECTS if isinstance(told, Mapping) and each in told]
    if len(verbs) != 1:
        return [f"needs one of {', '.join(EFFECTS)}"]
    extra = [each for each in told if each != verbs[0] and each not in EFFECTS[verbs[0]]]
    return [f"unknown word {each!r}" for each in extra]


def _class_problems(told: Any) -> list[str]:
    if not isinstance(told, Mapping):
        return ["must be an object"]
    problems = [f"unknown word {each!r}" for each in told if each not in ("methods", "covers")]
    methods = told.get("methods") or {}
    if not isinstance(methods, Mapping):
        return [*problems, "methods must be an object, by name"]
    for name, each in methods.items():
        words = each or {}
        if not isinstance(words, Mapping):
            problems.append(f"method {name} must be an object")
            continue
        problems += [f"method {name}: unknown word {word!r}" for word in words if word not in METHOD_WORDS]
        if words.get("outcome", "Pass") not in OUTCOMES:
            problems.append(f"method {name}: outcome must be one of {', '.join(sorted(OUTCOMES))}")
    return problems
