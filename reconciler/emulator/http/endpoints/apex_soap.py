"""The Apex SOAP API: anonymous scripts with their debug log, test runs, classes and triggers to compile.

A log is answered when the call has a `DebuggingHeader`. Elements come in the order of the WSDL.

Source: SOAP API Developer Guide, "Apex SOAP API" and its WSDL; bodies as the public apex library sends them.
"""

import base64
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http import sessions, soapform
from reconciler.emulator.http.endpoints.tooling_access import check_runs_code
from reconciler.emulator.http.endpoints.tooling_apex import LACKS, run_script
from reconciler.emulator.http.message import Reply, Request
from reconciler.emulator.http.routing import Family, route
from reconciler.emulator.http.soapform import SoapCall, SoapRefusal, element
from reconciler.emulator.metadata.component_types import ComponentProblem, component_type
from reconciler.emulator.metadata_xml import each, flag, text, texts, tree_of
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.tooling import anonymous, apex_source, test_runs
from reconciler.emulator.writes import Transaction

ILLEGAL_SESSION = "Invalid Session ID found in SessionHeader: Illegal Session"
CATEGORIES = {
    "Db": "DB",
    "Workflow": "WORKFLOW",
    "Validation": "VALIDATION",
    "Callout": "CALLOUT",
    "Apex_code": "APEX_CODE",
    "Apex_profiling": "APEX_PROFILING",
    "Visualforce": "VISUALFORCE",
    "System": "SYSTEM",
}
"""Categories of a debugging header, and the words of a log's head."""
Operation = Callable[[EmulatedOrg, Request, SoapCall], tuple[str, str]]
"""Answers the result and the header of the reply, both as XML."""


def _execute(org: EmulatedOrg, request: Request, call: SoapCall) -> tuple[str, str]:
    script = next(iter(call.arguments.values()), "")
    outcome = run_script(org, request.user_id, script, request.version)
    values = {
        "column": outcome.column,
        "compileProblem": outcome.compile_problem,
        "compiled": outcome.compiled,
        "exceptionMessage": outcome.exception_message,
        "exceptionStackTrace": outcome.exception_stack_trace,
        "line": outcome.line,
        "success": outcome.success,
    }
    header = ""
    if (asked := call.headers.get("DebuggingHeader")) is not None:
        log = anonymous.debug_log(org, request.user_id, script, outcome, request.version, _levels(asked))
        header = f"<DebuggingInfo>{element('debugLog', log)}</DebuggingInfo>"
    return f"<result>{_elements(values)}</result>", header


def _levels(header: ET.Element) -> str:
    tree = tree_of(header)
    named = []
    for item in each(tree, "categories"):
        word = CATEGORIES.get(text(item, "category") or "", "APEX_CODE")
        named.append(f"{word},{(text(item, 'level') or 'DEBUG').upper()}")
    return ";".join(named) or anonymous.LEVELS


def _run_tests(org: EmulatedOrg, request: Request, call: SoapCall) -> tuple[str, str]:
    asked = next((tree_of(item) for item in call.element), {})
    told: dict[str, Any] = {
        "classNames": texts(asked, "classes"),
        "skipCodeCoverage": flag(asked, "skipCodeCoverage"),
    }
    tests = [
        {"className": text(item, "className"), "testMethods": texts(item, "testMethods")}
        for item in each(asked, "tests")
    ]
    if flag(asked, "allTests"):
        told = {"testLevel": "RunAllTestsInOrg"}
    with org.transaction(request.user_id) as tx:
        result = test_runs.run_now(org, tx, test_runs.read_request(org, {**told, "tests": tests}))
    return f"<result>{_elements(result)}</result>", ""


def _compile(sobject: str) -> Operation:
    def operation(org: EmulatedOrg, request: Request, call: SoapCall) -> tuple[str, str]:
        with org.transaction(request.user_id) as tx:
            made = [_compiled(tx, sobject, item.text or "", request.version) for item in call.element]
        return "".join(f"<result>{_elements(told)}</result>" for told in made), ""

    return operation


def _compiled(tx: Transaction, sobject: str, source: str, version: str) -> dict[str, Any]:
    """Save one class or trigger; what became of it."""
    name = apex_source.declared_name(source)
    told: dict[str, Any] = {
        "bodyCrc": -1,
        "column": -1,
        "id": None,
        "line": -1,
        "name": name,
        "problem": None,
    }
    try:
        if name is None:
            raise ComponentProblem("Unexpected token '<EOF>'.", line=1, column=1)
        kind = component_type(sobject)
        tree = kind.read(tx.org, name) or {"apiVersion": [version], "status": ["Active"]}
        tree["content"] = [base64.b64encode(source.encode()).decode()]
        return {**told, "id": kind.write(tx, name, tree).id, "success": True}
    except ComponentProblem as problem:
        place = {"column": problem.column or -1, "line": problem.line or -1}
        return {**told, **place, "problem": problem.problem, "success": False}


def _elements(values: Mapping[str, Any]) -> str:
    """Elements in the order given; a list is its items, a text that is not there is `xsi:nil`."""
    made = []
    for name, value in values.items():
        for item in value if isinstance(value, list) else [value]:
            whole = isinstance(item, Mapping)
            made.append(f"<{name}>{_elements(item)}</{name}>" if whole else element(name, item))
    return "".join(made)


OPERATIONS: dict[str, Operation] = {
    "executeAnonymous": _execute,
    "runTests": _run_tests,
    "compileClasses": _compile("ApexClass"),
    "compileTriggers": _compile("ApexTrigger"),
}


def _answer(org: EmulatedOrg, request: Request, api: str) -> Reply:
    request.version = soapform.version_of(api)
    call = soapform.parse(request.body)
    operation = OPERATIONS.get(call.operation)
    if operation is None:
        raise soapform.no_operation(call)
    try:
        request.session = sessions.resume(org, call.session_id)
    except ApiError as error:
        raise SoapRefusal("INVALID_SESSION_ID", ILLEGAL_SESSION) from error
    check_runs_code(org, request.user_id)
    result, header = operation(org, request, call)
    return soapform.reply(request, call.operation, result, header=header)


@route(
    "POST",
    "/services/Soap/s/{api}",
    family=Family.SOAP,
    lacks=[*LACKS, "compileAndTest, compilePackages, wsdlToApex"],
)
def apex(org: EmulatedOrg, request: Request, api: str) -> Reply:
    """One operation of the Apex API."""
    request.version = api
    return _answer(org, request, api)


@route("POST", "/services/Soap/s/{api}/{org_id}", family=Family.SOAP)
def apex_of_org(org: EmulatedOrg, request: Request, api: str, org_id: str) -> Reply:
    """As above, at the address that login answered."""
    request.version = api
    return _answer(org, request, api)
