"""Apex as declared behaviour: scripts, schedules, test runs, the SOAP door."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from reconciler.emulator.declaring import BadDeclaration
from reconciler.emulator.http.control import control
from reconciler.emulator.http.faults import Faults
from reconciler.emulator.http.message import Request
from reconciler.emulator.metadata.component_types import ComponentProblem, component_type
from reconciler.emulator.tooling import anonymous, apex
from reconciler.emulator.tooling.cron import BadCron, parse

from .conftest import Tooling

SUCCESS = {
    "line": -1,
    "column": -1,
    "compiled": True,
    "success": True,
    "compileProblem": None,
    "exceptionStackTrace": None,
    "exceptionMessage": None,
}
HOUR_MS = 3_600_000


def accounts(tooling: Tooling) -> list[str]:
    return [row["Name"] for row in tooling.org.rows("Account")]


@pytest.mark.parametrize(
    "script",
    [
        "",
        "  // nothing\n",
        "System.debug('a; }' + 1);",
        "String s = 'x'; System.debug(LoggingLevel.INFO, s);",
    ],
)
def test_a_script_that_does_nothing_succeeds(tooling: Tooling, script: str) -> None:
    assert tooling.execute(script) == SUCCESS
    assert list(tooling.execute(script)) == list(SUCCESS)


@pytest.mark.parametrize(
    ("script", "problem", "place"),
    [
        ("System.debug('x')", "Unexpected token '<EOF>'.", (1, 17)),
        ("System.debug('x';", "Unexpected token '<EOF>'.", (1, 17)),
        ("\n System.debug(y);", "Variable does not exist: y", (2, 2)),
        ("insert new Nothing__c();", "Invalid type: Nothing__c", (1, 1)),
        ("insert new Account(Nme = 'x');", "Field does not exist: Nme on Account", (1, 1)),
        ("System.schedule('n', '0 0 2 * * ?', new Gone());", "Invalid type: Gone", (1, 1)),
    ],
)
def test_a_script_that_does_not_compile_says_where_and_does_nothing(
    tooling: Tooling, script: str, problem: str, place: tuple[int, int]
) -> None:
    told = tooling.execute("insert new Account(Name = 'A', Phone = '1');\n" + script)
    assert (told["compiled"], told["success"], told["compileProblem"]) == (False, False, problem)
    assert (told["line"], told["column"]) == (place[0] + 1, place[1])
    assert accounts(tooling) == []


def test_a_script_that_is_nested_without_end_is_answered(tooling: Tooling) -> None:
    for script in ("for (A a : [SELECT Id FROM A]) " * 3000 + ";", "System.debug(" * 3000 + ")" * 3000 + ";"):
        assert anonymous.execute(tooling.org, tooling.org.admin_id, script).compiled is False


def test_a_script_that_nobody_declared_names_the_gap(tooling: Tooling) -> None:
    told = tooling.execute("DataFix.run();")
    assert told["compiled"] is False
    assert "emulator/apex.yaml" in told["compileProblem"]


def test_a_script_writes_rows_and_an_exception_takes_all_of_them_back(tooling: Tooling) -> None:
    assert tooling.execute("insert new Account(Name = 'A', Phone = '1');") == SUCCESS
    assert accounts(tooling) == ["A"]
    told = tooling.execute("insert new Account(Name = 'B', Phone = '1');\ninsert new Contact();")
    assert (told["compiled"], told["success"]) == (True, False)
    assert told["exceptionMessage"].startswith("System.DmlException: Insert failed. First exception on row 0")
    assert told["exceptionStackTrace"] == "AnonymousBlock: line 2, column 1"
    assert accounts(tooling) == ["A"]


def test_the_recorded_script_deletes_what_it_finds(tooling: Tooling) -> None:
    tooling.org.has("Contact", FirstName="TestUser", LastName="One")
    kept = tooling.org.has("Contact", LastName="Other")
    assert tooling.execute("delete [SELECT Id FROM Contact WHERE Name LIKE 'TestUser%'];") == SUCCESS
    assert [row["Id"] for row in tooling.org.rows("Contact")] == [kept]


def test_a_declared_script_does_what_is_declared(tooling: Tooling) -> None:
    apex.declare(
        tooling.org,
        {
            "scripts": [
                {
                    "text": "DataFix.run();",
                    "effects": [
                        {"insert": "Account", "fields": {"Name": "A", "Phone": "1"}},
                        {"update": "Account", "where": "Name = 'A'", "fields": {"Industry": "Energy"}},
                    ],
                    "log": ["fixed"],
                },
                {"pattern": r"Broken\..*", "effects": [{"delete": "Account"}], "exception": "System.X: no"},
            ]
        },
    )
    assert tooling.execute("/* as declared */\n DataFix.run();  // now") == SUCCESS
    assert [row["Industry"] for row in tooling.org.rows("Account")] == ["Energy"]
    told = tooling.execute("Broken.run(1);")
    assert (told["success"], told["exceptionMessage"]) == (False, "System.X: no")
    assert accounts(tooling) == ["A"]


def test_what_cannot_be_understood_is_declared_not_at_all(tooling: Tooling) -> None:
    with pytest.raises(BadDeclaration) as refused:
        apex.declare(
            tooling.org,
            {
                "scripts": [{"text": "a();", "efects": []}, {"pattern": "("}],
                "classes": {"X": {"methods": {"m": {"outcome": "Maybe"}}}},
            },
        )
    assert len(refused.value.problems) == 3
    assert apex.declared(tooling.org) == {"scripts": [], "classes": {}, "test_run_ms": 0}


def test_declarations_come_with_a_seed(tooling: Tooling, tmp_path: Path) -> None:
    (tmp_path / "emulator").mkdir()
    (tmp_path / "emulator" / "apex.yaml").write_text("scripts: [{text: 'Seeded.run();', log: [hi]}]\n")
    assert tooling.org.load(tmp_path).problems == []
    assert tooling.execute("Seeded.run();") == SUCCESS
    (tmp_path / "emulator" / "apex.yaml").write_text("scrpts: []\n")
    (problem,) = tooling.org.load(tmp_path).problems
    assert "unknown word 'scrpts'" in problem


# -- schedules


SCHEDULE = "System.schedule('Nightly sync', '0 0 2 * * ?', new Nightly());"


def test_a_schedule_is_a_trigger_a_detail_and_a_job(tooling: Tooling) -> None:
    assert tooling.execute(f"String id = {SCHEDULE}") == SUCCESS
    (row,) = tooling.org.query(
        "SELECT CronExpression, State, NextFireTime, TimesTriggered, CronJobDetail.Name, "
        "CronJobDetail.JobType FROM CronTrigger"
    ).records
    assert (row["State"], row["CronJobDetail"]["Name"], row["CronJobDetail"]["JobType"]) == (
        "WAITING",
        "Nightly sync",
        "7",
    )
    assert row["NextFireTime"] == "2026-01-01T10:00:00.000+0000"  # two o'clock where the user is
    (job,) = tooling.org.rows("AsyncApexJob")
    assert (job["JobType"], job["Status"]) == ("ScheduledApex", "Queued")


def test_a_name_is_scheduled_once(tooling: Tooling) -> None:
    tooling.execute(SCHEDULE)
    told = tooling.execute(SCHEDULE)
    assert told["exceptionMessage"] == (
        'System.AsyncException: The Apex job named "Nightly sync" is already scheduled for execution.'
    )
    assert len(tooling.org.rows("CronTrigger")) == 1


@pytest.mark.parametrize(
    "expression", ["0 0 2 * *", "* 0 2 * * ?", "0 0 2 * * *", "0 0 25 * * ?", "0 0 2 31 2 ? 2030"]
)
def test_a_bad_expression_schedules_nothing(tooling: Tooling, expression: str) -> None:
    told = tooling.execute(f"System.schedule('n', '{expression}', new Nightly());")
    assert (told["compiled"], told["success"]) == (True, False)
    assert tooling.org.rows("CronTrigger") == []


def test_a_job_is_aborted_by_its_id_or_by_a_query(tooling: Tooling) -> None:
    loop = (
        "for (CronTrigger job : [SELECT Id FROM CronTrigger WHERE CronJobDetail.Name = 'Nightly sync']) {\n"
        "  System.abortJob(job.Id);\n}"
    )
    for script in ("System.abortJob('{0}');", loop):
        tooling.execute(SCHEDULE)
        (row,) = tooling.org.rows("CronTrigger")
        assert tooling.execute(script.replace("{0}", row["Id"])) == SUCCESS
        assert (tooling.org.rows("CronTrigger"), tooling.org.rows("CronJobDetail")) == ([], [])
    assert {row["Status"] for row in tooling.org.rows("AsyncApexJob")} == {"Aborted"}
    assert tooling.execute("System.abortJob('08e000000000001');")["success"] is False


def test_a_class_that_is_scheduled_stays_as_it_is(tooling: Tooling) -> None:
    tooling.execute(SCHEDULE)
    tree = component_type("ApexClass").read(tooling.org, "Nightly")
    with (
        pytest.raises(ComponentProblem, match="has jobs pending or in progress"),
        tooling.org.transaction() as tx,
    ):
        component_type("ApexClass").delete(tx, "Nightly")
    assert component_type("ApexClass").read(tooling.org, "Nightly") == tree


def test_time_lets_triggers_fire(tooling: Tooling) -> None:
    tooling.execute(SCHEDULE)
    tooling.org.clock.advance(50 * HOUR_MS)
    (row,) = tooling.org.query(
        "SELECT TimesTriggered, NextFireTime, PreviousFireTime FROM CronTrigger"
    ).records
    assert row["TimesTriggered"] == 2
    assert (row["PreviousFireTime"], row["NextFireTime"]) == (
        "2026-01-02T10:00:00.000+0000",
        "2026-01-03T10:00:00.000+0000",
    )


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        ("0 30 4 L * ?", ["2026-01-31", "2026-02-28"]),
        ("0 0 0 1W * ?", ["2026-01-01", "2026-02-02"]),
        ("0 0 0 ? * 2#1", ["2026-01-05", "2026-02-02"]),
        ("0 0 0 ? JAN,MAR FRI", ["2026-01-02", "2026-01-09"]),
        ("0 0 0 ? * 6L", ["2026-01-30", "2026-02-27"]),
        ("0 0 0 29 2 ?", ["2028-02-29", "2032-02-29"]),
        ("0 0 0 1/15 * ? 2027", ["2027-01-01", "2027-01-16"]),
    ],
)
def test_expressions_mean_what_quartz_says(expression: str, days: list[str]) -> None:
    from datetime import UTC, datetime

    moment, found = int(datetime(2025, 12, 31, 12, tzinfo=UTC).timestamp() * 1000), []
    for _ in days:
        following = parse(expression).next_after(moment, UTC)
        assert following is not None
        found.append(f"{datetime.fromtimestamp(following / 1000, UTC):%Y-%m-%d}")
        moment = following
    assert found == days


@pytest.mark.parametrize(
    "expression",
    ["", "0 0 0 ? * ?", "0 0 0 1 * 1", "0 60 0 1 * ?", "0 0 0 0 * ?", "0 0 0 ? * 8", "a b c d e f"],
)
def test_expressions_that_are_none_are_refused(expression: str) -> None:
    with pytest.raises(BadCron):
        parse(expression)


# -- test runs


DECLARED = {
    "classes": {
        "OrderTest": {
            "methods": {
                "fails": {"outcome": "Fail", "message": "System.AssertException: no", "run_time_ms": 68}
            },
            "covers": {"Order": {"covered": [1, 2], "uncovered": [3]}},
        }
    }
}


def run(tooling: Tooling, body: Any) -> Any:
    reply = tooling.call("POST", "/runTestsAsynchronous", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def class_id(tooling: Tooling, name: str = "OrderTest") -> Any:
    return tooling.rows(f"SELECT Id FROM ApexClass WHERE Name = '{name}'")[0]["Id"]


def results(tooling: Tooling, job: str) -> dict[str, str]:
    rows = tooling.rows(
        f"SELECT MethodName, Outcome FROM ApexTestResult WHERE AsyncApexJobId = '{job}' ORDER BY MethodName"
    )
    return {row["MethodName"]: row["Outcome"] for row in rows}


def test_a_run_is_asked_for_in_every_form(tooling: Tooling) -> None:
    apex.declare(tooling.org, DECLARED)
    suite = tooling.call("POST", "/sobjects/ApexTestSuite", json={"TestSuiteName": "S"}).json()["id"]
    tooling.call(
        "POST",
        "/sobjects/TestSuiteMembership",
        json={"ApexTestSuiteId": suite, "ApexClassId": class_id(tooling)},
    )
    both = {"fails": "Fail", "ships": "Pass"}
    for body, expected in (
        ({"classids": class_id(tooling)}, both),
        ({"classNames": "OrderTest"}, both),
        ({"suiteNames": "S"}, both),
        ({"suiteids": suite}, both),
        ({"testLevel": "RunLocalTests"}, both),
        ({"tests": [{"className": "OrderTest"}], "testLevel": "RunSpecifiedTests"}, both),
        ({"tests": [{"classId": class_id(tooling), "testMethods": ["ships"]}]}, {"ships": "Pass"}),
    ):
        assert results(tooling, run(tooling, body)) == expected


@pytest.mark.parametrize(
    "body", [{}, {"classNames": "Gone"}, {"suiteNames": "Gone"}, {"testLevel": "Nonsense"}]
)
def test_a_run_of_nothing_is_refused(tooling: Tooling, body: Any) -> None:
    reply = tooling.call("POST", "/runTestsAsynchronous", json=body)
    assert tooling.refusal(reply) == (400, "INVALID_INPUT")
    assert tooling.rows("SELECT Id FROM ApexTestQueueItem") == []


def test_a_run_is_queued_until_its_time_has_come(tooling: Tooling) -> None:
    apex.declare(tooling.org, {**DECLARED, "test_run_ms": HOUR_MS})
    job = run(tooling, {"classNames": "OrderTest"})
    assert len(job) == 15
    queue = f"SELECT Status FROM ApexTestQueueItem WHERE ParentJobId = '{job}'"
    whole = (
        f"SELECT Status, MethodsEnqueued, MethodsFailed FROM ApexTestRunResult WHERE AsyncApexJobId = '{job}'"
    )
    assert (tooling.rows(queue), results(tooling, job)) == ([{"Status": "Queued"}], {})
    tooling.org.clock.advance(HOUR_MS)
    assert tooling.rows(queue) == [{"Status": "Completed"}]
    assert tooling.rows(whole) == [{"Status": "Failed", "MethodsEnqueued": 2, "MethodsFailed": 1}]


def test_results_have_their_class_and_their_limits(tooling: Tooling) -> None:
    apex.declare(tooling.org, DECLARED)
    job = run(tooling, {"classNames": "OrderTest"})
    (row,) = tooling.rows(
        "SELECT ApexClass.Name, ApexClass.NamespacePrefix, Message, RunTime, "
        "(SELECT LimitContext, Soql FROM ApexTestResults) FROM ApexTestResult "
        f"WHERE AsyncApexJobId = '{job}' AND Outcome = 'Fail'"
    )
    assert (row["ApexClass"]["Name"], row["Message"], row["RunTime"]) == (
        "OrderTest",
        "System.AssertException: no",
        68,
    )
    assert list(row["ApexTestResults"]) == [
        "size",
        "totalSize",
        "done",
        "queryLocator",
        "entityTypeName",
        "records",
    ]
    assert row["ApexTestResults"]["records"][0]["LimitContext"] == "SYNC"


def test_coverage_is_what_was_declared(tooling: Tooling) -> None:
    apex.declare(tooling.org, DECLARED)
    run(tooling, {"classNames": "OrderTest"})
    rows = tooling.rows(
        "SELECT ApexClassOrTrigger.Name, NumLinesCovered, NumLinesUncovered, Coverage "
        "FROM ApexCodeCoverageAggregate"
    )
    assert rows[0]["ApexClassOrTrigger"]["attributes"]["type"] == "Name"
    assert (rows[0]["NumLinesCovered"], rows[0]["NumLinesUncovered"]) == (2, 1)
    assert rows[0]["Coverage"] == {"coveredLines": [1, 2], "uncoveredLines": [3]}
    assert tooling.rows("SELECT PercentCovered FROM ApexOrgWideCoverage") == [{"PercentCovered": 67}]


def test_a_synchronous_run_answers_at_once(tooling: Tooling) -> None:
    apex.declare(tooling.org, DECLARED)
    told = tooling.call("POST", "/runTestsSynchronous", json={"tests": [{"className": "OrderTest"}]}).json()
    assert (told["numTestsRun"], told["numFailures"], told["totalTime"]) == (2, 1, 78)
    assert [each["methodName"] for each in told["successes"]] == ["ships"]
    assert (told["failures"][0]["type"], told["failures"][0]["message"]) == (
        "Class",
        "System.AssertException: no",
    )
    by_address = tooling.call("GET", "/runTestsSynchronous", params={"classnames": "OrderTest"}).json()
    assert by_address["numTestsRun"] == 2


# -- SOAP


ENVELOPE = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:apex="http://soap.sforce.com/2006/08/apex"><soapenv:Header><apex:DebuggingHeader>'
    "<apex:debugLevel>DEBUGONLY</apex:debugLevel></apex:DebuggingHeader><apex:SessionHeader>"
    "<apex:sessionId>{session}</apex:sessionId></apex:SessionHeader></soapenv:Header><soapenv:Body>{body}"
    "</soapenv:Body></soapenv:Envelope>"
)


def soap(tooling: Tooling, body: Any, session: str | None = None) -> requests.Response:
    token = session or str(tooling.session.headers["Authorization"]).removeprefix("Bearer ")
    return tooling.call(
        "POST",
        f"/services/Soap/s/60.0/{tooling.org.org_id[:15]}",
        data=ENVELOPE.format(session=token, body=body),
        headers={"Content-Type": "text/xml", "SOAPAction": "executeAnonymous"},
    )


def test_the_command_line_reads_the_log_of_its_script(tooling: Tooling) -> None:
    reply = soap(
        tooling,
        "<apex:executeAnonymous><apexcode>System.debug('a &lt; b');</apexcode></apex:executeAnonymous>",
    )
    assert reply.status_code == 200
    assert "<DebuggingInfo><debugLog>60.0 " in reply.text
    assert "|USER_DEBUG|[1]|DEBUG|a &lt; b\n" in reply.text
    assert (
        '<result><column>-1</column><compileProblem xsi:nil="true"/><compiled>true</compiled>'
        '<exceptionMessage xsi:nil="true"/><exceptionStackTrace xsi:nil="true"/><line>-1</line>'
        "<success>true</success></result>"
    ) in reply.text


def test_tests_and_classes_are_run_and_saved_over_soap(tooling: Tooling) -> None:
    told = soap(
        tooling,
        "<apex:runTests><apex:RunTestsRequest><apex:classes>OrderTest</apex:classes></apex:RunTestsRequest>"
        "</apex:runTests>",
    ).text
    assert "<numTestsRun>2</numTestsRun>" in told
    saved = soap(
        tooling,
        "<apex:compileClasses><apex:scripts>public class Fresh { }</apex:scripts></apex:compileClasses>",
    ).text
    assert "<name>Fresh</name>" in saved
    assert "<success>true</success>" in saved
    assert component_type("ApexClass").read(tooling.org, "Fresh")


def test_without_a_session_nothing_is_run(tooling: Tooling) -> None:
    reply = soap(
        tooling,
        "<apex:executeAnonymous><s>insert new Account(Name = 'A', Phone = '1');</s></apex:executeAnonymous>",
        "no",
    )
    assert reply.status_code == 500
    assert "<faultcode>sf:INVALID_SESSION_ID</faultcode>" in reply.text
    assert accounts(tooling) == []


# -- the back door


def test_apex_is_declared_shown_and_forgotten_at_the_back_door(tooling: Tooling) -> None:
    def knock(method: str, told: Any = None) -> Any:
        body = b"" if told is None else json.dumps(told).encode()
        return control(tooling.org, Faults(), Request(method=method, path="/__emulator__/apex", body=body))

    assert knock("POST", {"scripts": [{"text": "Fix.run();"}]}).status == 200
    assert tooling.execute("Fix.run();") == SUCCESS
    refused = knock("POST", {"scripts": [{"txt": "Fix.run();"}]})
    assert (refused.status, "unknown word 'txt'" in refused.value["error"]) == (400, True)
    assert [each["text"] for each in knock("GET").value["scripts"]] == ["Fix.run();"]
    assert knock("DELETE").status == 204
    assert tooling.execute("Fix.run();")["compiled"] is False


def test_completions_are_asked_for_by_language(tooling: Tooling) -> None:
    told = tooling.call("GET", "/completions", params={"type": "apex"})
    assert (told.status_code, told.json()) == (200, {"publicDeclarations": {}})
    assert tooling.call("GET", "/completions", params={"type": "cobol"}).status_code == 400
