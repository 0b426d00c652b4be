"""Anonymous Apex: declared scripts do what is declared, a few statements are understood, the rest is refused.

A script is one transaction: an exception takes back all of it. Of undeclared scripts the statements
of `statements` are carried out; anything else is a compile problem that says that it is the
emulation's, and where to declare the script.

Source: Tooling API, "executeAnonymous"; Apex Developer Guide, "Debug Log"; keys of the result as recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from .. import ids
from ..errors import ApiError
from ..writes import Transaction
from . import apex, apex_source, effects, statements
from .schedules import ApexException

if TYPE_CHECKING:
    from ..org import EmulatedOrg


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script came to; the debug lines are what it logged, each with its line of the script."""

    compiled: bool
    success: bool
    line: int = -1
    column: int = -1
    compile_problem: str | None = None
    exception_message: str | None = None
    exception_stack_trace: str | None = None
    debugs: list[tuple[int, str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As the REST resource answers, in the recorded order."""
        return {
            "line": self.line,
            "column": self.column,
            "compiled": self.compiled,
            "success": self.success,
            "compileProblem": self.compile_problem,
            "exceptionStackTrace": self.exception_stack_trace,
            "exceptionMessage": self.exception_message,
        }


def execute(org: "EmulatedOrg", user_id: str, script: str) -> Outcome:
    """Run a script as a user. Never raises for what the script does."""
    told = apex.script_for(org, script)
    if told is not None:
        return _declared(org, user_id, told)
    if misread := apex_source.problem_of(script):
        return Outcome(False, False, misread.line, misread.column, misread.text)
    try:
        program = statements.compile_script(org, script)
    except statements.CompileProblem as problem:
        return Outcome(False, False, problem.line, problem.column, problem.text)
    debugs: list[tuple[int, str, str]] = []
    place = (1, 1)
    try:
        with org.transaction(user_id) as tx:
            run = statements.Run(tx, user_id, debugs)
            for each in program:
                place = (each.line, each.column)
                each.act(run)
    except ApexException as error:
        return _thrown(str(error), None, place, debugs)
    except ApiError as error:
        return _thrown(statements.dml_text(error), None, place, debugs)
    return Outcome(True, True, debugs=debugs)


def _thrown(
    message: str, stack: str | None, place: tuple[int, int], debugs: list[tuple[int, str, str]]
) -> Outcome:
    line, column = place
    trace = stack or f"AnonymousBlock: line {line}, column {column}"
    return Outcome(True, False, line, column, None, message, trace, debugs)


def _declared(org: "EmulatedOrg", user_id: str, told: Mapping[str, Any]) -> Outcome:
    line, column = int(told.get("line", 1)), int(told.get("column", 1))
    if problem := told.get("compile_problem"):
        return Outcome(False, False, line, column, problem)
    debugs = [(line, "DEBUG", str(each)) for each in told.get("log") or ()]
    try:
        with org.transaction(user_id) as tx:
            for each in told.get("effects") or ():
                effects.carry_out(tx, user_id, each)
            if message := told.get("exception"):
                raise ApexException(message)
    except ApexException as error:
        return _thrown(str(error), told.get("stack_trace"), (line, column), debugs)
    except ApiError as error:
        return _thrown(statements.dml_text(error), told.get("stack_trace"), (line, column), debugs)
    return Outcome(True, True, debugs=debugs)


# -- the log


LEVELS = "APEX_CODE,DEBUG;APEX_PROFILING,INFO"


def debug_log(
    org: "EmulatedOrg", user_id: str, script: str, outcome: Outcome, version: str, levels: str
) -> str:
    """The debug log of a script that was compiled; empty for one that was not."""
    if not outcome.compiled:
        return ""
    user = org.retrieve("User", user_id, ["Username", "TimeZoneSidKey"])
    zone_key = user["TimeZoneSidKey"] or "GMT"
    now = org.clock.now().astimezone(ZoneInfo(zone_key))
    stamp = f"{now:%H:%M:%S}.{now.microsecond // 100_000}"
    offset = _offset(now)
    entries = [f"USER_INFO|[EXTERNAL]|{user_id[:15]}|{user['Username']}|({offset}) {zone_key}|{offset}"]
    entries += ["EXECUTION_STARTED", "CODE_UNIT_STARTED|[EXTERNAL]|execute_anonymous_apex"]
    entries += [f"USER_DEBUG|[{line}]|{level}|{text}" for line, level, text in outcome.debugs]
    if outcome.exception_message:
        entries.append(f"EXCEPTION_THROWN|[{outcome.line}]|{outcome.exception_message}")
        entries.append(f"FATAL_ERROR|{outcome.exception_message}\n\n{outcome.exception_stack_trace}")
    entries += ["CODE_UNIT_FINISHED|execute_anonymous_apex", "EXECUTION_FINISHED"]
    head = [f"{version} {levels}", *(f"Execute Anonymous: {each}" for each in script.splitlines())]
    body = [f"{stamp} ({1_000_000 + at * 10_000})|{each}" for at, each in enumerate(entries)]
    return "\n".join([*head, *body]) + "\n"


def _offset(now: datetime) -> str:
    minutes = int((now.utcoffset() or timedelta()).total_seconds() // 60)
    sign = "-" if minutes < 0 else "+"
    return f"GMT{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def keep_log(
    org: "EmulatedOrg", tx: Transaction, user_id: str, log: str, operation: str, status: str
) -> str | None:
    """Keep a log as a row while a trace flag of the user is set; the row's id."""
    from . import virtual
    from .view import tooling

    inner = tooling(org).transaction(tx)
    user = ids.parse(user_id) or 0
    traced = tx.store.execute(
        'SELECT 1 FROM "TraceFlag" WHERE "TracedEntityId" = ? AND ("ExpirationDate" IS NULL OR '
        '"ExpirationDate" > ?) AND ("StartDate" IS NULL OR "StartDate" <= ?) LIMIT 1',
        (user, org.clock.now_ms(), org.clock.now_ms()),
    )
    if not traced or not log:
        return None
    number = inner.system_insert(
        "ApexLog",
        LogUserId=user,
        LogLength=len(log.encode()),
        Request="Api",
        Operation=operation,
        Application="Unknown",
        Status=status[:255],
        DurationMilliseconds=1,
        StartTime=tx.stamp,
        Location="Monitoring",
        LastModifiedDate=tx.stamp,
    )
    virtual.keep(org, number, "Body", log)
    return ids.to_text(number)
