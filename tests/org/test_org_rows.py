"""Writes as they look on the wire, and whole-call refusals."""

import pytest

from reconciler.model.outcome import Applied, Refused, Unknown
from reconciler.model.promises import Update
from reconciler.org import SalesforceOrg
from reconciler.org.rows import http_date

from .scripted import Reply, ScriptedServer, created, errors

ID = "001000000000001AAA"


def test_a_create_is_one_call_in_which_each_row_stands_for_itself(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    server.script = [Reply(200, created(*range(200)))]
    outcomes = org.create("Account", [{"Name": str(number)} for number in range(200)])
    assert all(isinstance(outcome, Applied) for outcome in outcomes)
    (call,) = server.calls
    assert (call.method, call.path) == ("POST", "/services/data/v60.0/composite/sobjects")
    assert call.json["allOrNone"] is False
    assert call.json["records"][7] == {"attributes": {"type": "Account"}, "Name": "7"}
    assert call.headers["Content-Type"] == "application/json"


def test_201_rows_are_refused_before_anything_is_sent(org: SalesforceOrg, server: ScriptedServer) -> None:
    with pytest.raises(ValueError, match="at most 200"):
        org.create("Account", [{}] * 201)
    assert server.calls == []


def test_no_rows_cost_no_call(org: SalesforceOrg, server: ScriptedServer) -> None:
    assert org.create("Account", []) == org.update("Account", []) == org.delete("Account", []) == []
    assert org.query([]) == []
    assert server.calls == []


def test_a_value_that_json_cannot_hold_is_refused_before_anything_is_sent(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    with pytest.raises(ValueError):
        org.create("Account", [{"AnnualRevenue": float("nan")}])
    assert server.calls == []


def test_a_delete_names_its_rows_in_the_address(org: SalesforceOrg, server: ScriptedServer) -> None:
    server.script = [Reply(200, created(1))]
    assert org.delete("Account", [ID]) == [Applied(ID)]
    assert server.calls[0].path == f"/services/data/v60.0/composite/sobjects?ids={ID}&allOrNone=false"


def test_a_conditional_update_carries_the_time_the_row_was_read_at(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    server.script = [Reply(204)]
    assert org.update("Account", [Update(ID, {"Phone": None}, "2026-01-31T11:00:00.000+0100")]) == [
        Applied(ID)
    ]
    (call,) = server.calls
    assert (call.method, call.path) == ("PATCH", f"/services/data/v60.0/sobjects/Account/{ID}")
    assert call.headers["If-Unmodified-Since"] == "Sat, 31 Jan 2026 10:00:00 GMT"
    assert call.json == {"Phone": None}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(412, errors("PRECONDITION_FAILED")),
        Reply(412),
        Reply(404, errors("ENTITY_IS_DELETED", fields=[])),
        Reply(404, errors("INVALID_CROSS_REFERENCE_KEY")),
    ],
    ids=str,
)
def test_a_conditional_update_of_a_row_that_changed_or_went_is_refused_as_moved(
    org: SalesforceOrg, server: ScriptedServer, reply: Reply
) -> None:
    server.script = [reply]
    (outcome,) = org.update("Account", [Update(ID, {"Phone": "1"}, "2026-01-31T10:00:00.000+0000")])
    assert isinstance(outcome, Refused)
    assert outcome.moved
    assert len(server.calls) == 1


def test_a_refused_conditional_update_keeps_salesforces_code_and_fields(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    server.script = [Reply(400, errors("STRING_TOO_LONG", "too long", fields=["Phone"]))]
    (outcome,) = org.update("Account", [Update(ID, {"Phone": "1"}, "2026-01-31T10:00:00Z")])
    assert outcome == Refused("STRING_TOO_LONG", "too long", ("Phone",))


def test_a_refused_call_refuses_each_row(org: SalesforceOrg, server: ScriptedServer) -> None:
    server.script = [Reply(400, errors("JSON_PARSER_ERROR", "no"))]
    assert org.create("Account", [{}, {}]) == [Refused("JSON_PARSER_ERROR", "no")] * 2


@pytest.mark.parametrize("content", [created(1), [], {}, None, [None, None]])
def test_results_that_do_not_fit_the_rows_leave_all_unknown(
    org: SalesforceOrg, server: ScriptedServer, content: object
) -> None:
    server.script = [Reply(200, content)]
    outcomes = org.create("Account", [{"Name": "a"}, {"Name": "b"}])
    assert [type(outcome) for outcome in outcomes] == [Unknown, Unknown]


def test_a_time_that_is_none_is_refused_before_anything_is_sent(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    with pytest.raises(ValueError):
        org.update("Account", [Update(ID, {}, "yesterday")])
    assert server.calls == []


@pytest.mark.parametrize(
    "moment", ["2026-01-31T10:00:00.000+0000", "2026-01-31T10:00:00Z", "2026-01-31T12:00:00+02:00"]
)
def test_one_moment_is_one_header(moment: str) -> None:
    assert http_date(moment) == "Sat, 31 Jan 2026 10:00:00 GMT"


def test_the_calls_left_of_the_day_are_those_of_the_last_answer(
    org: SalesforceOrg, server: ScriptedServer
) -> None:
    assert org.calls_left is None
    server.script = [
        Reply(200, created(1), {"Sforce-Limit-Info": "api-usage=18/5000"}),
        Reply(
            200, created(1), {"Sforce-Limit-Info": "api-usage=25/5000; per-app-api-usage=17/250(appName=x)"}
        ),
        Reply(200, created(1), {"Sforce-Limit-Info": "nonsense"}),
    ]
    for left in (4982, 4975, 4975):
        org.create("Account", [{}])
        assert org.calls_left == left
    assert org.calls_made == 3
