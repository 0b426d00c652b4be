"""Functions that are more than a function of values: of the row, the user, the time, or of the way
their arguments are written.

Source: Salesforce Help, "Formula Operators and Functions"; Salesforce's published formula engine.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, TypeAlias

from .. import ids
from . import dates
from .compile import (
    Compiled,
    Compiler,
    Purpose,
    Run,
    Two,
    check,
    common,
    count_arguments,
    equality,
    every,
)
from .faults import FormulaError
from .kinds import Kind, from_milliseconds, now, number_text, time_text
from .records import Record
from .tree import Call, Name

Form: TypeAlias = Callable[[Compiler, Call], Compiled]
T, N, B, D, M, H = Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN, Kind.DATE, Kind.MOMENT, Kind.TIME
PICK, CHOICES, PLACE, NULL = Kind.PICKLIST, Kind.CHOICES, Kind.PLACE, Kind.NULL
SCALARS: Final = (T, N, D, M, H, PICK, CHOICES, PLACE)

FORMS: Final[dict[str, Form]] = {}


def _form(
    name: str, least: int, most: int | None = None, *, rules_only: bool = False
) -> Callable[[Any], Any]:
    """Register a form that takes ``least`` to ``most`` arguments; handed the compiler and the call."""

    def register(make: Callable[[Compiler, Call, str], Compiled]) -> Callable[..., Compiled]:
        def form(compiler: Compiler, call: Call) -> Compiled:
            count_arguments(name, call.args, least, most)
            if rules_only and compiler.purpose is not Purpose.RULE:
                raise FormulaError(f"Function {name} may not be used in this type of formula", call.at)
            return make(compiler, call, f"function '{name}()'")

        FORMS[name] = form
        return make

    return register


def _all(compiler: Compiler, call: Call) -> list[Compiled]:
    return [compiler.compile(each) for each in call.args]


# -- logic


@_form("AND", 1)
def _and(compiler: Compiler, call: Call, where: str) -> Compiled:
    return every(_all(compiler, call), "AND", where)


@_form("OR", 1)
def _or(compiler: Compiler, call: Call, where: str) -> Compiled:
    return every(_all(compiler, call), "OR", where)


@_form("IF", 3, 3)
def _if(compiler: Compiler, call: Call, where: str) -> Compiled:
    condition, then, other = _all(compiler, call)
    check(condition, where, B)
    kind = common(then, other, where)
    test, yes, no = condition.run, then.run, other.run
    return Compiled(kind, lambda record: yes(record) if test(record) else no(record))


@_form("IFS", 3)
def _ifs(compiler: Compiler, call: Call, where: str) -> Compiled:
    *pairs, last = _all(compiler, call)
    if len(pairs) % 2:
        count_arguments("IFS", call.args, len(call.args) + 1, None)
    kind, choices = last, []
    for condition, value in zip(pairs[::2], pairs[1::2], strict=True):
        check(condition, where, B)
        kind = Compiled(common(kind, value, where), value.run)
        choices.append((condition.run, value.run))
    return Compiled(kind.kind, _first(choices, last.run))


def _first(choices: list[tuple[Run, Run]], other: Run) -> Run:
    def run(record: Record) -> Any:
        for test, value in choices:
            if test(record):
                return value(record)
        return other(record)

    return run


@_form("CASE", 4)
def _case(compiler: Compiler, call: Call, where: str) -> Compiled:
    if len(call.args) % 2:
        count_arguments("CASE", call.args, len(call.args) + 1, None)
    asked, *pairs, other = _all(compiler, call)
    check(asked, where, T, N, D, M, H, PICK)
    kind, cases = other, []
    for case, value in zip(pairs[::2], pairs[1::2], strict=True):
        check(value, where, T, N, D, M, H)
        kind = Compiled(common(kind, value, where), value.run)
        cases.append((_case_test(asked, case, where), case.run, value.run))
    run = asked.run

    def chosen(record: Record) -> Any:
        value = run(record)
        for same, case_run, value_run in cases:
            if same(value, case_run(record)):
                return value_run(record)
        return other.run(record)

    return Compiled(kind.kind, chosen)


def _case_test(asked: Compiled, case: Compiled, where: str) -> Two:
    if asked.kind is PICK:
        check(case, where, T)
        return lambda value, wanted: (value or "") == (wanted or "")
    return equality(asked, case, where, negated=False)


@_form("IN", 2)
def _in(compiler: Compiler, call: Call, where: str) -> Compiled:
    asked, *wanted = _all(compiler, call)
    tests = [(_case_test(asked, each, where), each.run) for each in wanted]

    def run(record: Record) -> bool:
        value = asked.run(record)
        return value is not None and any(same(value, each(record)) for same, each in tests)

    return Compiled(B, run)


# -- blanks


def _no_condition(given: Compiled, where: str) -> None:
    if given.kind is B:
        raise FormulaError(f"Incorrect argument type for {where}. ")
    check(given, where, *SCALARS)


@_form("ISBLANK", 1, 1)
def _isblank(compiler: Compiler, call: Call, where: str) -> Compiled:
    (given,) = _all(compiler, call)
    _no_condition(given, where)
    return Compiled(B, lambda record: given.run(record) is None)


@_form("ISNULL", 1, 1)
def _isnull(compiler: Compiler, call: Call, where: str) -> Compiled:
    """A text is never null, only empty."""
    (given,) = _all(compiler, call)
    _no_condition(given, where)
    if given.kind is T:
        return Compiled(B, lambda record: False)
    return Compiled(B, lambda record: given.run(record) is None)


@_form("BLANKVALUE", 2, 2)
def _blankvalue(compiler: Compiler, call: Call, where: str) -> Compiled:
    given, instead = _all(compiler, call)
    _no_condition(given, where)
    kind = common(Compiled(T, given.run) if given.kind is PICK else given, instead, where)

    def run(record: Record) -> Any:
        value = given.run(record)
        return instead.run(record) if value is None else value

    return Compiled(kind, run)


@_form("NULLVALUE", 2, 2)
def _nullvalue(compiler: Compiler, call: Call, where: str) -> Compiled:
    given = compiler.compile(call.args[0])
    return given if given.kind is T else _blankvalue(compiler, call, where)


@_form("IFERROR", 2, 2)
def _iferror(compiler: Compiler, call: Call, where: str) -> Compiled:
    given, instead = _all(compiler, call)

    def run(record: Record) -> Any:
        try:
            return given.run(record)
        except (ArithmeticError, ValueError):
            return instead.run(record)

    return Compiled(common(given, instead, where), run)


# -- picklists and texts


@_form("ISPICKVAL", 2, 2)
def _ispickval(compiler: Compiler, call: Call, where: str) -> Compiled:
    given, wanted = _all(compiler, call)
    if given.kind is not PICK:
        raise FormulaError(
            f"Incorrect parameter type for {where}. Expected Picklist, received {given.kind.value}", call.at
        )
    if wanted.text is None:
        raise FormulaError(
            f"Incorrect parameter type for {where}. Expected Text Literal, received {wanted.kind.value}",
            call.at,
        )
    text = wanted.text
    return Compiled(B, lambda record: (given.run(record) or "") == text)


TEXTS: Final[dict[Kind, Callable[[Any], str]]] = {
    N: number_text,
    D: date.isoformat,
    M: lambda value: f"{value:%Y-%m-%d %H:%M:%S}Z",
    H: time_text,
    PICK: str,
    NULL: str,
}


@_form("TEXT", 1, 1)
def _text(compiler: Compiler, call: Call, where: str) -> Compiled:
    (given,) = _all(compiler, call)
    check(given, where, N, D, M, H, PICK)
    run, write = given.run, TEXTS[given.kind]
    return Compiled(T, lambda record: None if (value := run(record)) is None else write(value))


@_form("CASESAFEID", 1, 1)
def _casesafeid(compiler: Compiler, call: Call, where: str) -> Compiled:
    (given,) = _all(compiler, call)
    check(given, where, T)

    def run(record: Record) -> Any:
        value = given.run(record)
        if value is None or len(value) != 15 or ids.parse(value) is None:
            return value
        return value + ids.suffix(value)

    return Compiled(T, run)


# -- the row itself


def _field(compiler: Compiler, call: Call, where: str) -> Compiled:
    """The one argument, which must be a field of the row."""
    given = compiler.compile(call.args[0])
    if given.field is None:
        raise FormulaError(f"Incorrect parameter for {where}. Expected {given.kind.value} field reference.")
    return given


@_form("ISNEW", 0, 0, rules_only=True)
def _isnew(compiler: Compiler, call: Call, where: str) -> Compiled:
    return Compiled(B, lambda record: record.before is None)


@_form("ISCLONE", 0, 0, rules_only=True)
def _isclone(compiler: Compiler, call: Call, where: str) -> Compiled:
    """Nothing is cloned over the API."""
    return Compiled(B, lambda record: False)


@_form("PRIORVALUE", 1, 1, rules_only=True)
def _priorvalue(compiler: Compiler, call: Call, where: str) -> Compiled:
    given = _field(compiler, call, where)
    return replace(given, run=lambda record: given.run(record.earlier()))


@_form("ISCHANGED", 1, 1, rules_only=True)
def _ischanged(compiler: Compiler, call: Call, where: str) -> Compiled:
    run = _field(compiler, call, where).run

    def changed(record: Record) -> bool:
        return record.before is not None and bool(run(record) != run(record.earlier()))

    return Compiled(B, changed)


@_form("VLOOKUP", 3, 3, rules_only=True)
def _vlookup(compiler: Compiler, call: Call, where: str) -> Compiled:
    """VLOOKUP($ObjectType.X.Fields.Answer, $ObjectType.X.Fields.Name, name)."""
    answer, key, asked = call.args
    if not isinstance(answer, Name) or not isinstance(key, Name):
        raise FormulaError(f"Incorrect parameter for {where}.", call.at)
    wanted = compiler.compile(asked)
    check(wanted, where, T)
    return compiler.names.looked_up(answer.text, key.text, wanted, call.at)


# -- the time and the user


@_form("TODAY", 0, 0)
def _today(compiler: Compiler, call: Call, where: str) -> Compiled:
    return Compiled(D, lambda record: record.world.local(from_milliseconds(record.world.now_ms)).date())


@_form("NOW", 0, 0)
def _now(compiler: Compiler, call: Call, where: str) -> Compiled:
    return Compiled(M, lambda record: now(record.world.now_ms))


@_form("TIMENOW", 0, 0)
def _timenow(compiler: Compiler, call: Call, where: str) -> Compiled:
    return Compiled(H, lambda record: from_milliseconds(record.world.now_ms).time())


Convert: TypeAlias = Callable[[Record, Any], Any]


def _converter(name: str, makes: Kind, ways: dict[Kind, Convert]) -> None:
    @_form(name, 1, 1)
    def make(compiler: Compiler, call: Call, where: str) -> Compiled:
        (given,) = _all(compiler, call)
        check(given, where, *ways)
        run, way = given.run, ways.get(given.kind, _as_it_is)
        return Compiled(makes, lambda record: None if (value := run(record)) is None else way(record, value))


def _as_it_is(record: Record, value: Any) -> Any:
    return value


_converter(
    "DATEVALUE",
    D,
    {
        T: lambda record, value: dates.day_of_text(value),
        M: lambda record, value: record.world.local(value).date(),
        D: _as_it_is,
    },
)
_converter(
    "DATETIMEVALUE",
    M,
    {
        T: lambda record, value: dates.moment_of_text(value),
        D: lambda record, value: datetime.combine(value, time()),
        M: _as_it_is,
    },
)
_converter(
    "TIMEVALUE",
    H,
    {
        T: lambda record, value: dates.time_of_text(value),
        M: lambda record, value: value.time(),
        H: _as_it_is,
    },
)
_converter("UNIXTIMESTAMP", N, {kind: lambda record, value: dates.seconds_of(value) for kind in (D, M, H)})


@_form("ADDMONTHS", 2, 2)
def _addmonths(compiler: Compiler, call: Call, where: str) -> Compiled:
    day, months = _all(compiler, call)
    check(day, where, D, M)
    check(months, where, N)

    def run(record: Record) -> Any:
        start, count = day.run(record), months.run(record)
        return None if start is None or count is None else dates.add_months(start, count)

    return Compiled(D if day.kind is NULL else day.kind, run)


@_form("FORMATDURATION", 1, 2)
def _formatduration(compiler: Compiler, call: Call, where: str) -> Compiled:
    first, *more = _all(compiler, call)
    check(first, where, N, *((M, H) if more else ()))
    for each in more:
        check(each, where, B if first.kind is N else first.kind)

    def run(record: Record) -> Any:
        value, other = first.run(record), more[0].run(record) if more else None
        if value is None or (other is None and first.kind is not N):
            return None
        if first.kind is N:
            return dates.duration_text(int(value), days=bool(other))
        if first.kind is M:
            return dates.duration_text(int((other - value).total_seconds()), days=True)
        return dates.duration_text(dates.seconds_apart(value, other), days=False)

    return Compiled(T, run)


@_form("CURRENCYRATE", 1, 1)
def _currencyrate(compiler: Compiler, call: Call, where: str) -> Compiled:
    """An org with one currency knows the rate of that one."""
    (code,) = _all(compiler, call)
    check(code, where, T)
    return Compiled(N, lambda record: Decimal(1) if code.run(record) else None)


@_form("GETSESSIONID", 0, 0)
def _getsessionid(compiler: Compiler, call: Call, where: str) -> Compiled:
    """Outside a page Salesforce does not tell it."""
    return Compiled(T, lambda record: "SESSION_ID_REMOVED")


UNSUPPORTED: Final = frozenset(
    {"GETRECORDIDS", "INCLUDE", "LINKTO", "PARENTGROUPVAL", "PREVGROUPVAL", "PREDICT", "REQUIRESCRIPT"}
    | {"URLFOR", "HTMLENCODE", "JSENCODE", "JSINHTMLENCODE", "URLENCODE", "IMAGEPROXYURL", "JSONVALUE"}
    | {"CONVERTCURRENCY", "CURRENCYCONVERT", "FORMAT", "ISEMPTY", "PICKLISTCOUNT", "DOMAINNAME"}
)
"""Functions that Salesforce has somewhere and this org has not."""
