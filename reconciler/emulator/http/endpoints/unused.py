"""Features that every org has and this one has nothing in: approvals, workflow rules, reports, dashboards.

Their lists are empty, as in an org where nobody has made any.

Source: REST API Developer Guide, "Process Approvals", "Process Rules"; Reports and Dashboards REST API
Developer Guide, "Report List", "Dashboard List". The refusal of a submission is not verified.
"""

from reconciler.emulator.errors import ApiError
from reconciler.emulator.http.message import Reply, Request, ok
from reconciler.emulator.http.routing import route
from reconciler.emulator.org import EmulatedOrg

NO_PROCESS = "No applicable approval process was found."
APPROVALS = ["approval processes of the org's own are stored and not run"]
RULES = ["workflow rules of the org's own are stored and not listed"]
REPORTS = ["reports and dashboards of the org's own are stored and not run"]


@route("GET", "/process")
def list_processes(org: EmulatedOrg, request: Request) -> Reply:
    """The two kinds."""
    return ok({name: f"{request.data_path}/process/{name}" for name in ("approvals", "rules")})


@route("GET", "/process/approvals", lacks=APPROVALS)
def list_approvals(org: EmulatedOrg, request: Request) -> Reply:
    """Active approval processes, by object."""
    return ok({"approvals": {}})


@route("POST", "/process/approvals", lacks=APPROVALS)
def submit(org: EmulatedOrg, request: Request) -> Reply:
    """Submit, approve or reject: there is no process for any record."""
    raise ApiError(NO_PROCESS, code="NO_APPLICABLE_PROCESS")


@route("GET", "/process/rules", lacks=RULES)
def list_rules(org: EmulatedOrg, request: Request) -> Reply:
    """Active workflow rules, by object."""
    return ok({"rules": {}})


@route("GET", "/analytics/reports", lacks=REPORTS)
def list_reports(org: EmulatedOrg, request: Request) -> Reply:
    """Reports that the caller looked at."""
    return ok([])


@route("GET", "/analytics/dashboards", lacks=REPORTS)
def list_dashboards(org: EmulatedOrg, request: Request) -> Reply:
    """Dashboards that the caller looked at."""
    return ok([])
