"""The few statements of anonymous Apex that are understood without a declaration.

    System.debug('…' + variable);
    String id = System.schedule('name', '0 0 2 * * ?', new Nightly());
    System.abortJob('08e…');            System.abortJob(job.Id);
    CronTrigger job = [SELECT … LIMIT 1];
    for (CronTrigger job : [SELECT …]) { … }
    insert new Account(Name = 'ACME');  delete [SELECT …];
    System.enqueueJob(new Work());      Database.executeBatch(new Work(), 200);

A script is compiled whole before any of it runs, so that a compile problem changes nothing.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import ApiError
from ..writes import Transaction
from . import schedules
from .apex_source import place, plain, uncommented

if TYPE_CHECKING:
    from ..org import EmulatedOrg

GAP = (
    "reconcile's emulated org does not run this Apex: declare what the script does in emulator/apex.yaml "
    "or at /__emulator__/apex (see 'reconcile emulator gaps')"
)
DECLARATION = re.compile(
    r"(?:([A-Za-z_][\w.]*(?:<[\w<>, .]+>)?(?:\[\])?)\s+)?([A-Za-z_]\w*)\s*=\s*(?!=)(.*)", re.DOTALL
)
CALL = re.compile(r"(?:System\s*\.\s*|Database\s*\.\s*)?(\w+)\s*\((.*)\)\s*", re.DOTALL | re.IGNORECASE)
DML = re.compile(r"(insert|update|delete|undelete)\b\s*(.*)", re.DOTALL | re.IGNORECASE)
LOOP = re.compile(r"for\s*\(\s*[\w.]+\s+(\w+)\s*:\s*(\[.*?\])\s*\)\s*(.*)", re.DOTALL | re.IGNORECASE)
NEW = re.compile(r"new\s+([A-Za-z_][\w.]*)\s*\((.*)\)\s*", re.DOTALL | re.IGNORECASE)
THROW = re.compile(r"throw\s+new\s+(\w+)\s*\((.*)\)\s*", re.DOTALL | re.IGNORECASE)
STRING = re.compile(r"'((?:\\.|[^'\\])*)'\s*", re.DOTALL)
QUERY = re.compile(r"\[\s*(SELECT\b.*)\]\s*", re.DOTALL | re.IGNORECASE)
NUMBER = re.compile(r"-?\d+(\.\d+)?\s*")
NAME = re.compile(r"([A-Za-z_]\w*)(?:\s*\.\s*([A-Za-z_]\w*))?\s*")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
DEEPEST = 64
WORDS = {"null": None, "true": True, "false": False}


class CompileProblem(Exception):
    """What keeps a script from being compiled."""

    def __init__(self, text: str, line: int, column: int) -> None:
        super().__init__(text)
        self.text, self.line, self.column = text, line, column


@dataclass(slots=True)
class Run:
    """A script while it runs."""

    tx: Transaction
    user_id: str
    debugs: list[tuple[int, str, str]]
    values: dict[str, Any] = field(default_factory=dict)


Value = Callable[[Run], Any]


@dataclass(frozen=True, slots=True)
class Statement:
    line: int
    column: int
    act: Callable[[Run], Any]


def dml_text(error: ApiError) -> str:
    """A refusal of a write as the exception's message."""
    if error.code in ("MALFORMED_QUERY", "INVALID_FIELD", "INVALID_TYPE"):
        return f"System.QueryException: {error.message}"
    fields = ", ".join(error.fields or ())
    return (
        f"System.DmlException: Insert failed. First exception on row 0; first error: {error.code}, "
        f"{error.message}: [{fields}]"
    )


def compile_script(org: "EmulatedOrg", script: str) -> list[Statement]:
    """All statements of a script. Raises `CompileProblem`."""
    return _Compiler(org, script).block(0, len(script))


class _Compiler:
    def __init__(self, org: "EmulatedOrg", script: str) -> None:
        self.org = org
        self.script = script
        self.plain = plain(script)
        self.uncommented = uncommented(script)
        self.known: set[str] = set()
        self._depth = 0

    def block(self, start: int, end: int) -> list[Statement]:
        return [self._statement(first, last) for first, last in self._split(start, end)]

    def _split(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The statements between two offsets, without their semicolons."""
        depth, first = 0, start
        for at in range(start, end):
            mark = self.plain[at]
            depth += (mark in "([{") - (mark in ")]}")
            if depth == 0 and (mark == ";" or (mark == "}" and self._is_block(first, at))):
                last = at if mark == ";" else at + 1
                if self.plain[first:last].strip():
                    yield first, last
                first = at + 1
        if self.plain[first:end].strip():
            raise self._problem("Unexpected token '<EOF>'.", max(first, len(self.plain[:end].rstrip()) - 1))

    def _is_block(self, first: int, at: int) -> bool:
        return bool(
            re.match(
                r"\s*(for|if|while|do|try|class|public|private|static)\b", self.plain[first:at], re.IGNORECASE
            )
        )

    def _problem(self, text: str, at: int) -> CompileProblem:
        return CompileProblem(text, *place(self.script, at))

    @contextmanager
    def _deeper(self, start: int) -> Iterator[None]:
        """Inside a statement or an expression; they nest no deeper than anybody writes them."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._problem(GAP, start)
        yield
        self._depth -= 1

    def _statement(self, start: int, end: int) -> Statement:
        start += len(self.plain[start:end]) - len(self.plain[start:end].lstrip())
        text = self.uncommented[start:end].rstrip()
        line, column = place(self.script, start)
        with self._deeper(start):
            act = self._loop(text, start) or self._simple(text, start)
        if act is None:
            raise self._problem(GAP, start)
        return Statement(line, column, act)

    def _loop(self, text: str, start: int) -> Callable[[Run], None] | None:
        found = LOOP.fullmatch(text)
        if found is None:
            return None
        name, query = found[1].lower(), self._value(found[2], start)
        self.known.add(name)
        first, last = start + found.start(3), start + found.end(3)
        if found[3].startswith("{"):
            body = self.block(first + 1, last - 1)
        else:
            body = [self._statement(first, last)]

        def act(run: Run) -> None:
            for record in query(run):
                run.values[name] = record
                for each in body:
                    each.act(run)

        return act

    def _simple(self, text: str, start: int) -> Callable[[Run], Any] | None:
        if found := DML.fullmatch(text):
            return self._dml(found[1].lower(), found[2], start)
        if found := THROW.fullmatch(text):
            kind, message = found[1], self._value(found[2], start) if found[2].strip() else None

            def throw(run: Run) -> None:
                raise schedules.ApexException(
                    f"{kind}: {_shown(message(run)) if message else 'Script-thrown exception'}"
                )

            return throw
        if (found := DECLARATION.fullmatch(text)) and not CALL.fullmatch(text):
            return self._assignment(found[1], found[2].lower(), found[3], start)
        if CALL.fullmatch(text):
            return self._call(text, start)
        return None

    def _assignment(self, kind: str | None, name: str, written: str, start: int) -> Callable[[Run], None]:
        if kind is None and name not in self.known:
            raise self._problem(f"Variable does not exist: {name}", start)
        value = self._value(written, start)
        self.known.add(name)
        single = kind is not None and "[" not in kind and not kind.lower().startswith("list")

        def act(run: Run) -> None:
            made = value(run)
            if single and isinstance(made, list):
                if len(made) != 1:
                    raise schedules.ApexException(
                        "System.QueryException: List has no rows for assignment to SObject"
                        if not made
                        else "System.QueryException: List has more than 1 row for assignment to SObject"
                    )
                made = made[0]
            run.values[name] = made

        return act

    # -- calls

    def _call(self, text: str, start: int) -> Value | None:
        found = CALL.fullmatch(text)
        if found is None:
            return None
        maker = {
            "debug": self._debug,
            "schedule": self._schedule,
            "abortjob": self._abort,
            "enqueuejob": self._enqueue,
            "executebatch": self._batch,
        }.get(found[1].lower())
        if maker is None:
            return None
        return maker(_arguments(found[2]), start)

    def _debug(self, arguments: list[str], start: int) -> Value | None:
        if len(arguments) not in (1, 2):
            return None
        level = arguments[0].rpartition(".")[2].strip().upper() if len(arguments) == 2 else "DEBUG"
        value = self._value(arguments[-1], start)
        line = place(self.script, start)[0]
        return lambda run: run.debugs.append((line, level, _shown(value(run))))

    def _schedule(self, arguments: list[str], start: int) -> Value | None:
        if len(arguments) != 3:
            return None
        name, cron = self._value(arguments[0], start), self._value(arguments[1], start)
        class_id = self._class_of(arguments[2], start, "Schedulable", "void schedule(String, String, {0})")
        return lambda run: schedules.schedule(run.tx, str(name(run)), str(cron(run)), class_id)

    def _abort(self, arguments: list[str], start: int) -> Value | None:
        if len(arguments) != 1:
            return None
        job = self._value(arguments[0], start)
        return lambda run: schedules.abort(run.tx, str(job(run)))

    def _enqueue(self, arguments: list[str], start: int) -> Value:
        class_id = self._class_of(arguments[0], start, "Queueable", "Id enqueueJob({0})")
        return lambda run: schedules.enqueue(run.tx, "Queueable", class_id)

    def _batch(self, arguments: list[str], start: int) -> Value:
        class_id = self._class_of(arguments[0], start, "Batchable", "Id executeBatch({0}, Integer)")
        return lambda run: schedules.enqueue(run.tx, "BatchApex", class_id)

    def _class_of(self, written: str, start: int, interface: str, signature: str) -> int:
        """The class that `new X()` makes; it must be in the org and implement the interface."""
        found = NEW.fullmatch(written.strip())
        if found is None:
            raise self._problem(GAP, start)
        name = found[1]
        rows = self.org.store.execute('SELECT "Id", "Body" FROM "ApexClass" WHERE "Name" = ?', (name,))
        if not rows:
            raise self._problem(f"Invalid type: {name}", start)
        if rows[0][1] and interface.lower() not in rows[0][1].lower():
            raise self._problem(
                f"Method does not exist or incorrect signature: {signature.format(name)} from the type "
                "System",
                start,
            )
        return int(rows[0][0])

    # -- writes

    def _dml(self, verb: str, written: str, start: int) -> Callable[[Run], None] | None:
        if verb == "insert" and (found := NEW.fullmatch(written)):
            return self._insert(found[1], found[2], start)
        if verb in ("delete", "undelete") and (QUERY.fullmatch(written) or NAME.fullmatch(written)):
            rows = self._value(written, start)

            def act(run: Run) -> None:
                found = rows(run)
                for each in found if isinstance(found, list) else [found]:
                    getattr(run.tx, verb)(each["attributes"]["type"], each["Id"])

            return act
        return None

    def _insert(self, sobject: str, written: str, start: int) -> Callable[[Run], None]:
        if sobject not in self.org.schema:
            raise self._problem(f"Invalid type: {sobject}", start)
        fields: dict[str, Value] = {}
        for each in _arguments(written):
            name, equals, value = each.partition("=")
            known = self.org.schema[sobject].field(name.strip())
            if not equals or known is None:
                raise self._problem(f"Field does not exist: {name.strip()} on {sobject}", start)
            fields[known.name] = self._value(value, start)

        def act(run: Run) -> None:
            run.tx.insert(sobject, {name: value(run) for name, value in fields.items()})

        return act

    # -- values

    def _value(self, written: str, start: int) -> Value:
        """What an expression comes to. Raises `CompileProblem` for what is not understood."""
        with self._deeper(start):
            return self._understood(written, start)

    def _understood(self, written: str, start: int) -> Value:
        parts = _parted(written, "+")
        if len(parts) > 1:
            values = [self._value(each, start) for each in parts]
            return lambda run: "".join(_shown(each(run)) for each in values)
        text = written.strip()
        if found := STRING.fullmatch(text):
            literal = re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), found[1])
            return lambda run: literal
        if found := QUERY.fullmatch(text):
            soql = " ".join(found[1].split())
            if re.search(r"[=(,]\s*:\s*\w", soql):
                raise self._problem(GAP, start)
            return lambda run: run.tx.org.query(soql, user_id=run.user_id).records
        if NUMBER.fullmatch(text):
            return lambda run: float(text) if "." in text else int(text)
        if found := NAME.fullmatch(text):
            return self._named(found[1], found[2], start)
        if (call := self._call(text, start)) is not None:
            return call
        raise self._problem(GAP, start)

    def _named(self, name: str, member: str | None, start: int) -> Value:
        lowered = name.lower()
        if member is None and lowered in WORDS:
            return lambda run: WORDS[lowered]
        if lowered not in self.known:
            raise self._problem(f"Variable does not exist: {name}", start)
        if member is None:
            return lambda run: run.values[lowered]
        wanted = member.lower()

        def look_up(run: Run) -> Any:
            record = run.values[lowered]
            if isinstance(record, dict):
                for key, value in record.items():
                    if key.lower() == wanted:
                        return value
            raise schedules.ApexException(
                "System.SObjectException: SObject row was retrieved via SOQL without querying the requested "
                f"field: {member}"
            )

        return look_up


def _parted(text: str, mark: str) -> list[str]:
    """The parts of a text between marks that stand outside of brackets and strings."""
    blank = plain(text)
    parts, depth, first = [], 0, 0
    inside = False
    for at, each in enumerate(blank):
        if each == "'":
            inside = not inside
        depth += (each in "([{") - (each in ")]}")
        if each == mark and depth == 0 and not inside:
            parts.append(text[first:at])
            first = at + 1
    return [*parts, text[first:]]


def _arguments(text: str) -> list[str]:
    return _parted(text, ",") if text.strip() else []


def _shown(value: Any) -> str:
    """A value as `System.debug` prints it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"({', '.join(_shown(each) for each in value)})"
    if isinstance(value, dict):
        kind = value.get("attributes", {}).get("type", "SObject")
        told = [f"{name}={_shown(each)}" for name, each in value.items() if name != "attributes"]
        return f"{kind}:{{{', '.join(told)}}}"
    return str(value)
