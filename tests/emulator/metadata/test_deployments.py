"""Deployments in time: queue, states, validation, cancelling, what lasts."""

import base64
from pathlib import Path

import pytest

from reconciler.emulator.clock import Clock
from reconciler.emulator.errors import ApiError
from reconciler.emulator.metadata import deployments
from reconciler.emulator.metadata.archive import read_zip, write_zip
from reconciler.emulator.metadata.delays import configure
from reconciler.emulator.metadata.outcome import DeployOptions
from reconciler.emulator.org import EmulatedOrg
from reconciler.emulator.tooling import apex
from reconciler.emulator.tooling.view import tooling

from .conftest import USUAL, Desk, component, package, site

DAY = 24 * 60 * 60 * 1000
SITES = {"package.xml": package({"CspTrustedSite": ["Maps"]}), "cspTrustedSites/Maps.cspTrustedSite": site()}
OTHER = {"package.xml": package({"CspTrustedSite": ["News"]}), "cspTrustedSites/News.cspTrustedSite": site()}


def status(desk: Desk, job_id: str) -> str:
    return str(desk.result(job_id)["status"])


def names(desk: Desk) -> list[str]:
    return desk.org.components.names("CspTrustedSite")


def test_a_deployment_waits_runs_and_is_done_by_the_clock(desk: Desk) -> None:
    configure(desk.org, deploy_pending_ms=100, deploy_running_ms=50)
    job = desk.submit(SITES)
    assert status(desk, job) == "Pending"
    desk.org.clock.advance(100)
    assert (status(desk, job), names(desk)) == ("InProgress", [])
    desk.org.clock.advance(50)
    assert (status(desk, job), names(desk)) == ("Succeeded", ["Maps"])


def test_one_runs_at_a_time(desk: Desk) -> None:
    configure(desk.org, deploy_running_ms=50)
    first, second = desk.submit(SITES), desk.submit(OTHER)
    assert (status(desk, first), status(desk, second)) == ("InProgress", "Pending")
    desk.org.clock.advance(50)
    assert (status(desk, first), status(desk, second)) == ("Succeeded", "InProgress")
    desk.org.clock.advance(50)
    assert status(desk, second) == "Succeeded"


def test_a_deployment_that_nobody_asks_after_is_made_when_anything_is_asked(desk: Desk) -> None:
    desk.submit(SITES)
    desk.org.query("SELECT Id FROM User")
    assert names(desk) == ["Maps"]


def test_a_waiting_deployment_is_cancelled_at_once(desk: Desk) -> None:
    configure(desk.org, deploy_pending_ms=100)
    job = desk.submit(SITES)
    assert deployments.cancel(desk.org, desk.org.admin_id, job) is True
    result = desk.result(job)
    assert (result["status"], result["canceledByName"], result["done"]) == ("Canceled", "Ada Admin", True)
    desk.org.clock.advance(1000)
    assert (status(desk, job), names(desk)) == ("Canceled", [])


def test_a_running_deployment_is_canceling_first(desk: Desk) -> None:
    configure(desk.org, deploy_running_ms=100)
    job = desk.submit(SITES)
    assert status(desk, job) == "InProgress"
    assert deployments.cancel(desk.org, desk.org.admin_id, job) is False
    assert (status(desk, job), names(desk)) == ("Canceled", [])


def test_what_is_done_cannot_be_cancelled(desk: Desk) -> None:
    job = desk.submit(SITES)
    assert status(desk, job) == "Succeeded"
    with pytest.raises(ApiError) as refused:
        deployments.cancel(desk.org, desk.org.admin_id, job)
    assert (refused.value.code, refused.value.message) == ("INVALID_ID_FIELD", "Deployment already completed")
    assert status(desk, job) == "Succeeded"


VALIDATION = {"checkOnly": True, "testLevel": "RunLocalTests"}


def quick_deploy(desk: Desk, job: str) -> str:
    return status(desk, deployments.submit_validated(desk.org, desk.org.admin_id, job).text_id)


def test_a_validation_is_deployed_within_ten_days(desk: Desk) -> None:
    job = desk.submit(SITES, **VALIDATION)
    assert (status(desk, job), names(desk)) == ("Succeeded", [])
    desk.org.clock.advance(10 * DAY)
    late = Desk(desk.org.fork(), desk.token)
    assert (quick_deploy(desk, job), names(desk)) == ("Succeeded", ["Maps"])
    late.org.clock.advance(1)
    with pytest.raises(ApiError, match="older than 10 days"):
        quick_deploy(late, job)
    assert names(late) == []


def test_a_validation_ends_with_the_next_deployment(desk: Desk) -> None:
    jobs = [desk.submit(files, **VALIDATION) for files in (SITES, OTHER)]
    assert quick_deploy(desk, jobs[0]) == "Succeeded"
    for job in jobs:
        with pytest.raises(ApiError, match="there was a deployment since") as refused:
            quick_deploy(desk, job)
        assert refused.value.code == "INVALID_ID_FIELD"
    assert names(desk) == ["Maps"]


def test_a_validation_without_tests_is_not_deployed(desk: Desk) -> None:
    for level in (None, "NoTestRun"):
        job = desk.submit(SITES, checkOnly=True, testLevel=level)
        with pytest.raises(ApiError, match="it ran no tests"):
            quick_deploy(desk, job)
    assert names(desk) == []


def test_what_was_no_validation_cannot_be_deployed_as_one(desk: Desk) -> None:
    failed = desk.submit({**SITES, "package.xml": package({"Nonsense": ["X"]})}, checkOnly=True)
    for job in (desk.submit(SITES), failed):
        status(desk, job)
        before = desk.org.snapshot()
        with pytest.raises(ApiError) as refused:
            deployments.submit_validated(desk.org, desk.org.admin_id, job)
        assert refused.value.code == "INVALID_ID_FIELD"
        assert desk.org.snapshot() == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"runTests": ["A"]}, "runTests can only be used with a testLevel of RunSpecifiedTests"),
        ({"runTests": ["A"], "testLevel": "RunLocalTests"}, "runTests can only be used with a testLevel"),
        ({"testLevel": "RunSpecifiedTests"}, "runTests must be specified"),
        ({"testLevel": "Some"}, "'Some' is not a valid value for the enum 'TestLevel'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    desk: Desk, options: dict[str, object], told: str
) -> None:
    with pytest.raises(ApiError, match=told):
        desk.submit(SITES, **options)
    assert deployments.history(desk.org) == []


def test_an_unknown_id_is_refused(desk: Desk) -> None:
    for wrong in ("0AfHu0000000999KAA", "nonsense", ""):
        with pytest.raises(ApiError) as refused:
            deployments.find(desk.org, wrong)
        assert refused.value.code == "INVALID_CROSS_REFERENCE_KEY"


def test_a_waiting_deployment_survives_the_process(tmp_path: Path) -> None:
    org = EmulatedOrg(tmp_path / "org.db", clock=Clock.fixed())
    configure(org, deploy_running_ms=100)
    told = DeployOptions.of_json({"singlePackage": True})
    job = deployments.submit(org, org.admin_id, write_zip(SITES), told).text_id
    org.close()
    org = EmulatedOrg(tmp_path / "org.db", clock=Clock.fixed())
    assert deployments.find(org, job).status == "InProgress"
    org.clock.advance(100)
    assert deployments.find(org, job).status == "Succeeded"
    assert org.components.names("CspTrustedSite") == ["Maps"]
    org.close()


def test_a_deployment_is_made_once_by_processes_that_share_a_file(tmp_path: Path) -> None:
    one = EmulatedOrg(tmp_path / "org.db", clock=Clock.fixed())
    other = EmulatedOrg(tmp_path / "org.db", clock=Clock.fixed())
    told = DeployOptions.of_json({"singlePackage": True})
    job = deployments.submit(one, one.admin_id, write_zip(SITES), told).text_id
    assert deployments.find(other, job).status == "Succeeded"
    messages = deployments.find(one, job).result["messages"]
    assert [each["created"] for each in messages] == [True, False]
    assert one.rows("SetupAuditTrail", Action="createdCspTrustedSite") != []
    one.close()
    other.close()


def test_of_two_processes_that_find_a_deployment_waiting_the_slower_changes_nothing(tmp_path: Path) -> None:
    slow, quick = EmulatedOrg(tmp_path / "org.db"), EmulatedOrg(tmp_path / "org.db")
    job = deployments.submit(slow, slow.admin_id, write_zip(SITES), DeployOptions.of_json(USUAL))
    met: list[str] = []

    def be_overtaken(statement: str) -> None:
        if not met and (statement.startswith(("BEGIN", "UPDATE _metadata_jobs"))):
            met.append("waiting")
            met.append(deployments.find(quick, job.text_id).status)

    slow.store.connection.set_trace_callback(be_overtaken)
    assert deployments.find(slow, job.text_id).status == "Succeeded"
    assert met == ["waiting", "Succeeded"]
    slow.close()
    quick.close()


def test_a_deployment_waits_for_room_on_the_disk_and_others_do_not_notice(tmp_path: Path) -> None:
    org = EmulatedOrg(tmp_path / "org.db")
    files = {**SITES, "cspTrustedSites/Maps.cspTrustedSite": site(description="x" * 3_000_000)}
    job = deployments.submit(org, org.admin_id, write_zip(files), DeployOptions.of_json(USUAL))
    (pages,) = org.store.execute("PRAGMA page_count")[0]
    org.store.execute(f"PRAGMA max_page_count = {pages + 8}")
    assert deployments.find(org, job.text_id).status == "Pending"
    assert org.rows("Account") == []
    org.store.execute("PRAGMA max_page_count = 1073741823")
    assert deployments.find(org, job.text_id).status == "Succeeded"
    assert org.components.names("CspTrustedSite") == ["Maps"]
    org.close()


def test_a_fork_goes_on_with_its_own_deployments(desk: Desk) -> None:
    configure(desk.org, deploy_running_ms=100)
    job = desk.submit(SITES)
    twin = Desk(desk.org.fork(), desk.token)
    twin.org.clock.advance(100)
    assert (status(twin, job), names(twin)) == ("Succeeded", ["Maps"])
    assert (status(desk, job), names(desk)) == ("InProgress", [])


def test_the_history_has_the_newest_first(desk: Desk) -> None:
    jobs = [desk.submit(SITES), desk.submit(OTHER, checkOnly=True)]
    found = deployments.history(desk.org)
    assert [each.text_id for each in found] == jobs[::-1]
    assert [each.asked["checkOnly"] for each in found] == [True, False]


def test_changes_are_in_the_audit_trail_and_checks_are_not(desk: Desk) -> None:
    def trail() -> list[tuple[str, str]]:
        return [(row["Action"], row["Display"]) for row in desk.org.rows("SetupAuditTrail")]

    before = trail()
    desk.deploy(SITES, checkOnly=True)
    assert trail() == before
    desk.deploy(SITES)
    assert trail() == [*before, ("createdCspTrustedSite", "Created CspTrustedSite Maps")]


# -- tests of Apex

SPECIFIED = {"testLevel": "RunSpecifiedTests", "runTests": ["OrderTest"]}


@pytest.fixture
def tested(desk: Desk) -> Desk:
    """A desk at an org with one test class."""
    body = "@IsTest class OrderTest { @IsTest static void ships() {} }"
    with desk.org.transaction() as tx:
        tx.system_insert("ApexClass", Name="OrderTest", Body=body, Status="Active", ApiVersion=62.0)
    return desk


def test_a_failing_test_fails_the_deployment(tested: Desk) -> None:
    methods = {"ships": {"outcome": "Fail", "message": "no"}}
    apex.declare(tested.org, {"classes": {"OrderTest": {"methods": methods}}})
    result = tested.deploy(SITES, **SPECIFIED)
    assert (result["status"], result["numberTestErrors"], result["numberComponentErrors"]) == ("Failed", 1, 0)
    (failure,) = result["details"]["runTestResult"]["failures"]
    assert (failure["name"], failure["methodName"], failure["message"]) == ("OrderTest", "ships", "no")
    assert names(tested) == []


@pytest.mark.parametrize("options", [SPECIFIED, {"testLevel": "RunLocalTests"}])
def test_passing_tests_are_counted(tested: Desk, options: dict[str, object]) -> None:
    result = tested.deploy(SITES, **options)
    assert (result["status"], result["runTestsEnabled"]) == ("Succeeded", True)
    assert (result["numberTestsTotal"], result["numberTestsCompleted"]) == (1, 1)


def covering(org: EmulatedOrg, covered: int, whole: int) -> dict[str, bytes]:
    """A package with the class Order, whose lines OrderTest covers in part; the org has it already."""
    files = {
        "package.xml": package({"ApexClass": ["Order"]}),
        "classes/Order.cls": b"public class Order {}",
        "classes/Order.cls-meta.xml": component(
            "ApexClass", "<apiVersion>62.0</apiVersion><status>Active</status>"
        ),
    }
    lines = {"covered": [*range(covered)], "uncovered": [*range(covered, whole)]}
    apex.declare(org, {"classes": {"OrderTest": {"covers": {"Order": lines, "OrderTrigger": {}}}}})
    return files


@pytest.mark.parametrize(
    ("options", "covered", "told"),
    [
        (
            SPECIFIED,
            11,
            "Test coverage of selected Apex Class is 73.333%, at least 75% test coverage is required",
        ),
        (
            {"testLevel": "RunLocalTests"},
            11,
            "Average test coverage across all Apex Classes and Triggers is 73%, "
            "at least 75% test coverage is required.",
        ),
        (SPECIFIED, 12, None),
        ({"testLevel": "RunAllTestsInOrg"}, 12, None),
        ({"testLevel": "NoTestRun"}, 0, None),
    ],
)
def test_too_little_coverage_fails_the_deployment(
    tested: Desk, options: dict[str, object], covered: int, told: str | None
) -> None:
    result = tested.deploy(covering(tested.org, covered, 15), **options)
    warnings = [each["message"] for each in result["details"]["runTestResult"]["codeCoverageWarnings"]]
    assert (result["status"], warnings) == (("Succeeded", []) if told is None else ("Failed", [told]))
    assert len(tested.org.rows("ApexClass", Name="Order")) == (told is None)


def test_coverage_is_asked_of_what_is_deployed_only(tested: Desk) -> None:
    tested.deploy(covering(tested.org, 1, 9))
    assert tested.deploy(SITES, **SPECIFIED)["status"] == "Succeeded"
    assert tested.deploy(SITES, testLevel="RunLocalTests")["status"] == "Failed"


def test_each_trigger_wants_some_coverage(tested: Desk) -> None:
    with tested.org.transaction() as tx:
        tx.system_insert("ApexClass", Name="Order", Body="class Order {}", Status="Active", ApiVersion=62.0)
        tx.system_insert(
            "ApexTrigger", Name="OnOrder", TableEnumOrId="Order", Status="Active", ApiVersion=62.0
        )
    lines = {"Order": {"covered": [*range(30)]}, "OnOrder": {"uncovered": [1]}}
    apex.declare(tested.org, {"classes": {"OrderTest": {"covers": lines}}})
    result = tested.deploy(SITES, testLevel="RunLocalTests")
    (warning,) = result["details"]["runTestResult"]["codeCoverageWarnings"]
    assert (result["status"], warning["name"], warning["message"]) == (
        "Failed",
        "OnOrder",
        "Test coverage of selected Apex Trigger is 0%, at least 1% test coverage is required",
    )


def test_without_a_level_no_tests_run(tested: Desk) -> None:
    result = tested.deploy(SITES)
    assert (result["numberTestsTotal"], result["runTestsEnabled"]) == (0, False)


def test_a_named_test_that_is_not_there_fails_the_deployment(desk: Desk) -> None:
    result = desk.deploy(SITES, testLevel="RunSpecifiedTests", runTests=["Nowhere"])
    assert (result["status"], names(desk)) == ("Failed", [])


def test_deployments_are_rows_of_the_tooling_api(desk: Desk) -> None:
    configure(desk.org, deploy_running_ms=100)
    job = desk.submit(SITES, checkOnly=True)
    query = "SELECT Id, Status, CheckOnly, NumberComponentsTotal, CompletedDate FROM DeployRequest"

    def rows() -> list[dict[str, object]]:
        desk.org.settle()
        return [
            dict(each)
            for each in tooling(desk.org).query(query, user_id=desk.org.admin_id, version="64.0").records
        ]

    assert [(each["Id"], each["Status"], each["CompletedDate"]) for each in rows()] == [
        (job, "InProgress", None)
    ]
    desk.org.clock.advance(100)
    (row,) = rows()
    assert (row["Status"], row["CheckOnly"], row["NumberComponentsTotal"]) == ("Succeeded", True, 1)


def test_a_deployment_retrieves_what_it_deployed_when_that_is_wanted(desk: Desk) -> None:
    told = desk.deploy(SITES, performRetrieve=True)["details"]["retrieveResult"]
    assert (told["status"], told["success"], told["messages"]) == ("Succeeded", True, [])
    assert [each["fullName"] for each in told["fileProperties"]] == ["Maps", "package.xml"]
    assert sorted(read_zip(base64.b64decode(told["zipFile"]))) == sorted(SITES)
    assert desk.deploy(SITES)["details"]["retrieveResult"] is None
    assert desk.deploy(SITES, performRetrieve=True, checkOnly=True)["details"]["retrieveResult"] is None
