"""Test runs: which classes and methods, how they come out, and when they are done.

A run is queued when it is asked for and done `test_run_ms` later (`apex`), which is noticed when
somebody looks (`settle`). Outcomes are the declared ones; a method that the source has and nobody
declared passes, as code that is deployed was tested.

Source: Tooling API, "runTestsAsynchronous", "ApexTestResult"; shapes of the public apex
library and recordings. That a level which finds no tests is refused as if none was given: issue threads.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import ids
from ..errors import ApiError
from ..writes import Transaction
from . import apex, apex_source, coverage

if TYPE_CHECKING:
    from ..org import EmulatedOrg

DDL = (
    "CREATE TABLE IF NOT EXISTS _test_run (job INTEGER PRIMARY KEY, due INTEGER NOT NULL, "
    "content TEXT NOT NULL)"
)
DEFAULT_RUN_MS = 10
LIMITS = (
    "Soql",
    "QueryRows",
    "Sosl",
    "Dml",
    "DmlRows",
    "Cpu",
    "Callouts",
    "AsyncCalls",
    "Email",
    "MobilePush",
)
LEVELS = ("RunLocalTests", "RunAllTestsInOrg", "RunSpecifiedTests", "RunRelevantTests")


@dataclass(frozen=True, slots=True)
class MethodResult:
    """How one method of one class comes out."""

    class_id: int
    class_name: str
    method: str
    outcome: str
    message: str | None
    stack_trace: str | None
    run_time_ms: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is for: classes in order, with the methods that were named, or all of them."""

    classes: tuple[tuple[int, tuple[str, ...]], ...]
    skip_coverage: bool = False
    all_tests: bool = False


class InvalidInput(ApiError):
    code = "INVALID_INPUT"


# -- what is asked for


def read_request(org: "EmulatedOrg", told: Mapping[str, Any]) -> Asked:
    """The run that a body asks for, in any of its forms. Raises `ApiError`."""
    from .view import tooling

    tooling(org).ready()
    if not isinstance(told, Mapping):
        raise InvalidInput("The request body must be an object")
    given = {name.lower(): value for name, value in told.items()}
    skip = str(given.get("skipcodecoverage", "")).lower() == "true"
    level = given.get("testlevel")
    if level is not None and level not in LEVELS:
        raise InvalidInput(f"testLevel value of {level} is not valid.")
    found: dict[int, list[str] | None] = {}
    for item in _tests(given.get("tests")):
        number = _class_number(org, item.get("classId"), item.get("className"))
        methods = [str(each) for each in item.get("testMethods") or ()]
        known = found.setdefault(number, [])
        if not methods:
            found[number] = None
        elif known is not None:
            known += [each for each in methods if each not in known]
    for text, by_id in ((given.get("classids"), True), (given.get("classnames"), False)):
        for each in _listed(text):
            found[_class_number(org, each if by_id else None, None if by_id else each)] = None
    for number in _suite_classes(org, _listed(given.get("suiteids")), _listed(given.get("suitenames"))):
        found[number] = None
    everything = not found and level in ("RunLocalTests", "RunAllTestsInOrg")
    if everything:
        found = dict.fromkeys(test_classes(org))
    if not found:
        raise InvalidInput("Always provide a classes, suites, tests, or testLevel property.")
    chosen = tuple((number, tuple(methods or ())) for number, methods in found.items())
    return Asked(chosen, skip, everything)


def _tests(told: Any) -> list[Mapping[str, Any]]:
    entries = told or []
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
        raise InvalidInput("tests must be a list of objects")
    if not all(isinstance(each.get("testMethods") or [], list) for each in entries):
        raise InvalidInput("testMethods must be a list")
    return entries


def _listed(text: Any) -> list[str]:
    if isinstance(text, list):
        return [str(each) for each in text]
    return [each.strip() for each in str(text or "").split(",") if each.strip()]


def _class_number(org: "EmulatedOrg", class_id: str | None, name: str | None) -> int:
    rows: list[tuple[Any, ...]] = []
    sql = 'SELECT "Id", "Name", "Body" FROM "ApexClass" WHERE '
    if class_id:
        rows = org.store.execute(f'{sql}"Id" = ?', (ids.parse(str(class_id)),))
    elif name:
        rows = org.store.execute(f'{sql}"Name" = ?', (str(name).rpartition(".")[2],))
    if not rows or not _has_tests(org, *rows[0][1:]):
        raise InvalidInput(
            f"This class name's value is invalid: {name or class_id}. Provide the name of an Apex class "
            "that has test methods."
        )
    return int(rows[0][0])


def _has_tests(org: "EmulatedOrg", name: str, body: str | None) -> bool:
    return apex_source.is_test_class(body or "") or bool(apex.class_for(org, name))


def _suite_classes(org: "EmulatedOrg", suite_ids: list[str], names: list[str]) -> Iterator[int]:
    keys = [("Id", ids.parse(each)) for each in suite_ids] + [("TestSuiteName", each) for each in names]
    for column, value in keys:
        found = org.store.execute(
            f'SELECT "Id" FROM "ApexTestSuite" WHERE "{column}" = ? AND "IsDeleted" = 0',  # noqa: S608 - names are ours
            (value,),
        )
        if not found:
            raise InvalidInput(f"The value for suite is invalid: {value}")
        members = org.store.execute(
            'SELECT "ApexClassId" FROM "TestSuiteMembership" WHERE "ApexTestSuiteId" = ? AND "IsDeleted" = 0',
            found[0],
        )
        yield from (row[0] for row in members)


def test_classes(org: "EmulatedOrg") -> list[int]:
    """Classes that have tests, declared or in their source."""
    rows = org.store.execute(
        'SELECT "Id", "Name", "Body" FROM "ApexClass" WHERE "NamespacePrefix" IS NULL '
        'AND "Status" = \'Active\' ORDER BY "Name"'
    )
    named = {name.lower() for name in apex.declared(org)["classes"]}
    return [
        number
        for number, name, body in rows
        if name.lower() in named or apex_source.is_test_class(body or "")
    ]


def results(org: "EmulatedOrg", asked: Asked) -> list[MethodResult]:
    """How every method comes out, in the order of classes and methods."""
    found = []
    for number, wanted in asked.classes:
        name, body = org.store.execute('SELECT "Name", "Body" FROM "ApexClass" WHERE "Id" = ?', (number,))[0]
        told = (apex.class_for(org, name) or {}).get("methods") or {}
        methods = list(dict.fromkeys([*apex_source.test_methods(body or ""), *told]))
        chosen = (
            [each for each in methods if each.lower() in {one.lower() for one in wanted}]
            if wanted
            else methods
        )
        found += [_result(number, name, method, told.get(method) or {}) for method in chosen]
    return found


def _result(number: int, name: str, method: str, told: Mapping[str, Any]) -> MethodResult:
    outcome = told.get("outcome", "Pass")
    failed = outcome in ("Fail", "CompileFail")
    stack = told.get("stack_trace") or (f"Class.{name}.{method}: line 1, column 1" if failed else None)
    message = told.get("message") or ("System.AssertException: Assertion Failed" if failed else None)
    return MethodResult(
        number, name, method, outcome, message, stack, int(told.get("run_time_ms", DEFAULT_RUN_MS))
    )


# -- asynchronous runs


def start(org: "EmulatedOrg", tx: Transaction, asked: Asked) -> str:
    """Queue a run; the 15-character id of its job, as the resource answers it."""
    from .view import tooling

    inner = tooling(org).transaction(tx)
    job = inner.system_insert(
        "AsyncApexJob",
        JobType="TestRequest",
        Status="Queued",
        JobItemsProcessed=0,
        TotalJobItems=len(asked.classes),
        NumberOfErrors=0,
    )
    outcomes = results(org, asked)
    run = inner.system_insert(
        "ApexTestRunResult",
        AsyncApexJobId=job,
        UserId=tx.user,
        IsAllTests=int(asked.all_tests),
        Source="Tooling",
        StartTime=tx.stamp,
        Status="Queued",
        ClassesEnqueued=len(asked.classes),
        ClassesCompleted=0,
        MethodsEnqueued=len(outcomes),
        MethodsCompleted=0,
        MethodsFailed=0,
    )
    items = {
        number: inner.system_insert(
            "ApexTestQueueItem",
            ApexClassId=number,
            Status="Queued",
            ParentJobId=job,
            TestRunResultId=run,
            ShouldSkipCodeCoverage=int(asked.skip_coverage),
        )
        for number, _ in asked.classes
    }
    org.store.ensure_table(DDL)
    content = {
        "run": run,
        "user": tx.user,
        "skip_coverage": asked.skip_coverage,
        "items": list(items.items()),
        "classes": [[number, list(methods)] for number, methods in asked.classes],
    }
    due = org.clock.now_ms() + int(apex.setting(org, "test_run_ms", 0))
    org.store.execute("INSERT INTO _test_run VALUES (?, ?, ?)", (job, due, json.dumps(content)))
    return ids.to_text(job)[:15]


def settle(org: "EmulatedOrg") -> None:
    """Finish the runs whose time has come."""
    org.store.ensure_table(DDL)
    due = org.store.execute(
        "SELECT job, content FROM _test_run WHERE due <= ? ORDER BY job", (org.clock.now_ms(),)
    )
    for job, content in due:
        with org.store.transaction():
            org.store.execute("DELETE FROM _test_run WHERE job = ?", (job,))
            _finish(org, job, json.loads(content))


def _finish(org: "EmulatedOrg", job: int, told: Mapping[str, Any]) -> None:
    from .view import tooling

    tx = Transaction(org, told["user"])
    inner = tooling(org).transaction(tx)
    known = {row[0] for row in org.store.execute('SELECT "Id" FROM "ApexClass"')}
    classes = tuple((number, tuple(methods)) for number, methods in told["classes"] if number in known)
    outcomes = results(org, Asked(classes))
    items = dict(told["items"])
    now = tx.stamp
    for each in outcomes:
        _keep_result(inner, each, job, told["run"], items[each.class_id], now)
    failed = sum(each.outcome in ("Fail", "CompileFail") for each in outcomes)
    for number, item in items.items():
        own = [each for each in outcomes if each.class_id == number]
        passed = sum(each.outcome == "Pass" for each in own)
        inner.set_fields(
            inner.tables["ApexTestQueueItem"],
            item,
            {"Status": "Completed", "ExtendedStatus": f"({passed}/{len(own)})"},
        )
    inner.set_fields(
        inner.tables["ApexTestRunResult"],
        told["run"],
        {
            "Status": "Failed" if failed else "Completed",
            "EndTime": now,
            "TestTime": sum(each.run_time_ms for each in outcomes),
            "ClassesCompleted": len(classes),
            "MethodsCompleted": len(outcomes) - failed,
            "MethodsFailed": failed,
        },
    )
    changes = {"Status": "Completed", "JobItemsProcessed": len(classes), "NumberOfErrors": 0}
    inner.set_fields(inner.tables["AsyncApexJob"], job, {**changes, "CompletedDate": now})
    if not told["skip_coverage"]:
        coverage.keep(org, inner, outcomes)


def _keep_result(inner: Transaction, each: MethodResult, job: int, run: int, item: int, now: int) -> None:
    result = inner.system_insert(
        "ApexTestResult",
        TestTimestamp=now,
        Outcome=each.outcome,
        ApexClassId=each.class_id,
        MethodName=each.method,
        Message=each.message,
        StackTrace=each.stack_trace,
        AsyncApexJobId=job,
        QueueItemId=item,
        ApexTestRunResultId=run,
        RunTime=each.run_time_ms,
        IsTestSetup=0,
    )
    inner.system_insert(
        "ApexTestResultLimits", ApexTestResultId=result, LimitContext="SYNC", **dict.fromkeys(LIMITS, 0)
    )


# -- synchronous runs


def run_now(org: "EmulatedOrg", tx: Transaction, asked: Asked) -> dict[str, Any]:
    """Run at once; the reply of runTestsSynchronous."""
    from .view import tooling

    outcomes = results(org, asked)
    inner = tooling(org).transaction(tx)
    covered: Sequence[Mapping[str, Any]] = ()
    if not asked.skip_coverage:
        coverage.keep(org, inner, outcomes)
        covered = coverage.told(org, [each.class_name for each in outcomes])
    failures = [each for each in outcomes if each.outcome in ("Fail", "CompileFail")]
    return {
        "apexLogId": None,
        "codeCoverage": list(covered),
        "codeCoverageWarnings": [],
        "failures": [_failure(each) for each in failures],
        "flowCoverage": [],
        "flowCoverageWarnings": [],
        "numFailures": len(failures),
        "numTestsRun": len(outcomes),
        "successes": [_success(each) for each in outcomes if each.outcome == "Pass"],
        "totalTime": sum(each.run_time_ms for each in outcomes),
    }


def _failure(each: MethodResult) -> dict[str, Any]:
    return {
        "id": ids.to_text(each.class_id),
        "message": each.message,
        "methodName": each.method,
        "name": each.class_name,
        "namespace": None,
        "packageName": each.class_name,
        "seeAllData": False,
        "stackTrace": each.stack_trace,
        "time": each.run_time_ms,
        "type": "Class",
    }


def _success(each: MethodResult) -> dict[str, Any]:
    return {
        "id": ids.to_text(each.class_id),
        "methodName": each.method,
        "name": each.class_name,
        "namespace": None,
        "seeAllData": False,
        "time": each.run_time_ms,
    }
