"""Apex over REST: anonymous scripts and test runs.

Source: Tooling API, "executeAnonymous", "runTestsAsynchronous", "runTestsSynchronous"; bodies as recorded
and as the public clients send them.
"""

from typing import Any

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.dml import transaction_of
from reconciler.emulator.http.endpoints.tooling_access import check_runs_code
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.tooling import anonymous, test_runs

LACKS = ["Apex is not run: scripts and tests do what was declared (emulator/apex.yaml, /__emulator__/apex)"]


@route("GET", "/tooling/executeAnonymous", lacks=LACKS)
def execute_anonymous(org: EmulatedOrg, request: Request) -> Reply:
    """Run the script in `anonymousBody`. Answers 200 also when it fails."""
    script = request.params.get("anonymousBody")
    if script is None:
        raise ApiError("The anonymousBody parameter is required", code="MISSING_ARGUMENT")
    return ok(run_script(org, request.user_id, script, request.version).to_json())


def run_script(org: EmulatedOrg, user_id: str, script: str, version: str) -> anonymous.Outcome:
    """Run a script; its log is kept while the user is traced. Raises INSUFFICIENT_ACCESS."""
    check_runs_code(org, user_id)
    outcome = anonymous.execute(org, user_id, script)
    log = anonymous.debug_log(org, user_id, script, outcome, version, anonymous.LEVELS)
    if log:
        with org.transaction(user_id) as tx:
            status = outcome.exception_message or "Success"
            operation = f"/services/data/v{version}/tooling/executeAnonymous"
            anonymous.keep_log(org, tx, user_id, log, operation, status)
    return outcome


@route("POST", "/tooling/runTestsAsynchronous", lacks=LACKS)
def run_tests_asynchronous(org: EmulatedOrg, request: Request) -> Reply:
    """Queue a test run; the body is the id of its job."""
    check_runs_code(org, request.user_id)
    with transaction_of(org, request) as transaction:
        return ok(test_runs.start(org, transaction, test_runs.read_request(org, request.json)))


@route("POST", "/tooling/runTestsSynchronous", lacks=LACKS)
def run_tests_synchronous(org: EmulatedOrg, request: Request) -> Reply:
    """Run tests; the body is how they came out."""
    check_runs_code(org, request.user_id)
    with transaction_of(org, request) as transaction:
        return ok(test_runs.run_now(org, transaction, test_runs.read_request(org, request.json)))


@route("GET", "/tooling/runTestsAsynchronous", lacks=LACKS)
def run_tests_asynchronous_by_address(org: EmulatedOrg, request: Request) -> Reply:
    """As with a body, for `classids` and `suiteids` in the address."""
    check_runs_code(org, request.user_id)
    with transaction_of(org, request) as transaction:
        return ok(test_runs.start(org, transaction, test_runs.read_request(org, _params(request))))


@route("GET", "/tooling/runTestsSynchronous", lacks=LACKS)
def run_tests_synchronous_by_address(org: EmulatedOrg, request: Request) -> Reply:
    """As with a body, for `classnames` in the address."""
    check_runs_code(org, request.user_id)
    with transaction_of(org, request) as transaction:
        return ok(test_runs.run_now(org, transaction, test_runs.read_request(org, _params(request))))


def _params(request: Request) -> dict[str, Any]:
    return dict(request.params)


COMPLETIONS: dict[str, dict[str, Any]] = {
    "apex": {"publicDeclarations": {}},
    "visualforce": {"namespaces": {}},
}
"""What an editor may offer, by language. Source: Tooling API, "REST Resources", completions."""


@route("GET", "/tooling/completions", lacks=["the declarations of Salesforce's own Apex and Visualforce"])
def list_completions(org: EmulatedOrg, request: Request) -> Reply:
    """The declarations in the language of `type`: there are none. The refusal is not verified."""
    found = COMPLETIONS.get(request.params.get("type", ""))
    if found is None:
        raise ApiError("The type parameter must be apex or visualforce", code="INVALID_INPUT")
    return ok(found)
