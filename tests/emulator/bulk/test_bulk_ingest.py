"""Bulk API 2.0, writing: the life of a job, and what each operation does with a row."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.emulator.bulk.settings import configure
from reconciler.emulator.http import sessions
from reconciler.emulator.org import EmulatedOrg

if TYPE_CHECKING:
    from tests.emulator.bulk.conftest import Answer, Bulk

ABSENT = "001Hu00000zzzzzIAA"


def refusal(answer: "Answer") -> tuple[int, str, str]:
    (told,) = answer.json
    return answer.status, told["errorCode"], told["message"]


# -- the life of a job


def test_a_job_tells_the_same_facts_in_the_same_order_as_a_real_org(bulk: "Bulk") -> None:
    opened = bulk.call("POST", "/ingest", {"object": "account", "operation": "insert"}).json
    assert list(opened) == [
        "id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state",
        "concurrencyMode", "contentType", "apiVersion", "contentUrl", "lineEnding", "columnDelimiter",
    ]  # fmt: skip
    assert opened["object"] == "Account"
    assert opened["apiVersion"] == 60.0
    assert opened["contentUrl"] == f"services/data/v60.0/jobs/ingest/{opened['id']}/batches"
    bulk.upload(opened["id"], "Name\nA\n")
    closed = bulk.close(opened["id"]).json
    assert list(closed) == list(opened)[:10]
    assert closed["state"] == "UploadComplete"
    done = bulk.job(opened["id"])
    assert list(done)[9:] == [
        "apiVersion", "jobType", "lineEnding", "columnDelimiter", "numberRecordsProcessed",
        "numberRecordsFailed", "retries", "totalProcessingTime", "apiActiveProcessingTime",
        "apexProcessingTime",
    ]  # fmt: skip
    assert (done["state"], done["jobType"], done["numberRecordsProcessed"]) == ("JobComplete", "V2Ingest", 1)


def test_rows_are_there_once_the_job_is_closed_even_if_nobody_polls(bulk: "Bulk", org: EmulatedOrg) -> None:
    job = bulk.open()
    bulk.upload(job, "Name\nA\n")
    assert org.rows("Account", Name="A") == []
    bulk.close(job)
    assert len(org.rows("Account", Name="A")) == 1


def test_an_upload_answers_201_and_is_taken_once(bulk: "Bulk") -> None:
    job = bulk.open()
    first = bulk.upload(job, "Name\nA\n")
    assert (first.status, first.body) == (201, b"")
    status, code, message = refusal(bulk.upload(job, "Name\nB\n"))
    assert (status, code) == (400, "BULK_API_ERROR")
    assert f"<{job[:15]}>" in message
    bulk.close(job)
    assert [row[2] for row in bulk.result(job, "successfulResults")[1:]] == ["A"]


def test_a_part_refused_leaves_the_job_complete_and_the_rest_written(bulk: "Bulk", org: EmulatedOrg) -> None:
    content = "Name,Phone\n" + "".join(f"A{n},\n" for n in range(250)) + ",7\n"
    job = bulk.ingest(content)
    done = bulk.job(job)
    assert (done["state"], done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (
        "JobComplete",
        251,
        1,
    )
    assert len(bulk.result(job, "successfulResults")) == 251
    assert bulk.result(job, "failedResults") == [
        ["sf__Id", "sf__Error", "Name", "Phone"],
        ["", "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --", "", "7"],
    ]
    assert bulk.result(job, "unprocessedrecords") == [["Name", "Phone"]]
    assert len(org.rows("Account")) == 250


def test_an_upload_without_rows_completes_with_three_empty_results(bulk: "Bulk") -> None:
    for content in ("Name\n", "Name", None):
        job = bulk.open()
        if content is not None:
            bulk.upload(job, content)
        bulk.close(job)
        assert bulk.job(job)["state"] == "JobComplete"
        for kind in ("successfulResults", "failedResults", "unprocessedRecords"):
            assert len(bulk.result(job, kind)) <= 1


def test_a_row_whose_only_cell_is_empty_is_a_row(bulk: "Bulk", org: EmulatedOrg) -> None:
    job = bulk.ingest('Name\n"A"\n""\n\n"B"\n')
    told = bulk.job(job)
    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (3, 1)
    assert [each["Name"] for each in org.rows("Account")] == ["A", "B"]


def test_results_are_asked_for_in_any_case_and_with_a_slash(bulk: "Bulk") -> None:
    job = bulk.ingest("Name\nA\n")
    for name in ("unprocessedRecords", "unprocessedrecords", "SUCCESSFULRESULTS/", "failedResults/"):
        answer = bulk.call("GET", f"/ingest/{job}/{name}")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/csv")
    assert refusal(bulk.call("GET", f"/ingest/{job}/otherResults"))[:2] == (404, "NOT_FOUND")


def test_results_have_nothing_before_the_end(bulk: "Bulk") -> None:
    job = bulk.open()
    assert bulk.call("GET", f"/ingest/{job}/successfulResults").status == 204


def test_a_deleted_job_is_not_found(bulk: "Bulk") -> None:
    job = bulk.ingest("Name\nA\n")
    assert bulk.call("DELETE", f"/ingest/{job}").status == 204
    assert refusal(bulk.call("GET", f"/ingest/{job}")) == (
        404,
        "NOT_FOUND",
        "The requested resource does not exist",
    )
    assert bulk.call("DELETE", "/ingest/undefined").status == 404


def test_an_open_job_cannot_be_deleted(bulk: "Bulk") -> None:
    job = bulk.open()
    assert refusal(bulk.call("DELETE", f"/ingest/{job}"))[1] == "INVALIDJOBSTATE"
    assert bulk.job(job)["state"] == "Open"


def test_an_aborted_job_writes_nothing_and_gives_its_rows_back(bulk: "Bulk", org: EmulatedOrg) -> None:
    job = bulk.open()
    bulk.upload(job, "Name,Phone\nA,1\nB,2\n")
    assert bulk.call("PATCH", f"/ingest/{job}", {"state": "Aborted"}).json["state"] == "Aborted"
    assert bulk.result(job, "unprocessedrecords") == [["Name", "Phone"], ["A", "1"], ["B", "2"]]
    assert org.rows("Account") == []
    assert refusal(bulk.close(job))[1] == "INVALIDJOBSTATE"


def test_a_completed_job_cannot_be_aborted(bulk: "Bulk") -> None:
    job = bulk.ingest("Name\nA\n")
    answer = bulk.call("PATCH", f"/ingest/{job}", {"state": "Aborted"})
    assert refusal(answer) == (400, "INVALIDJOBSTATE", "Aborting already Completed Job not allowed")
    assert bulk.job(job)["state"] == "JobComplete"


def test_job_and_rows_can_come_in_one_call(bulk: "Bulk", org: EmulatedOrg) -> None:
    job = json.dumps({"object": "Account", "operation": "insert"})
    body = (
        '--B\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name="job"\r\n\r\n'
        f'{job}\r\n--B\r\nContent-Type: text/csv\r\nContent-Disposition: form-data; name="content"; '
        'filename="content"\r\n\r\nName\nÄ\n\r\n--B--\r\n'
    )
    answer = bulk.call("POST", "/ingest", body, "multipart/form-data; boundary=B")
    assert answer.json["state"] == "UploadComplete"
    assert bulk.job(answer.json["id"])["state"] == "JobComplete"
    assert [row["Name"] for row in org.rows("Account")] == ["Ä"]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"operation": "insert"}, "INVALIDJOB", "No object"),
        ({"object": "Account"}, "INVALIDJOB", "No operation"),
        ({"object": "Nothing", "operation": "insert"}, "INVALIDJOB", "Unable to find object: Nothing"),
        ({"object": "Account", "operation": "merge"}, "INVALIDJOB", "operation must be one of"),
        ({"object": "Account", "operation": "insert", "contentType": "XML"}, "INVALIDJOB", "contentType"),
        (
            {"object": "Account", "operation": "insert", "columnDelimiter": ","},
            "INVALIDJOB",
            "columnDelimiter",
        ),
        ({"object": "Account", "operation": "insert", "lineEnding": "CR"}, "INVALIDJOB", "lineEnding"),
        (
            {"object": "Account", "operation": "upsert"},
            "INVALIDJOB",
            "External ID was blank for Account. An External ID must be specified for upsert.",
        ),
        (
            {"object": "Account", "operation": "upsert", "externalIdFieldName": "Phone"},
            "INVALIDJOB",
            "Field name provided, Phone does not match an External ID",
        ),
        ({"object": "User", "operation": "delete"}, "INVALIDJOB", "No delete access for object:User"),
        ([], "JSON_PARSER_ERROR", "Unexpected body"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(bulk: "Bulk", body: Any, code: str, message: str) -> None:
    status, told, text = refusal(bulk.call("POST", "/ingest", body))
    assert (status, told) == (400, code)
    assert text.startswith(message)
    assert bulk.call("GET", "/ingest").json["records"] == []


def test_jobs_are_listed_by_type_and_page_by_page(bulk: "Bulk", monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciler.emulator.http.endpoints import bulk2_common

    monkeypatch.setattr(bulk2_common, "LISTED_JOBS", 2)
    made = [bulk.open() for _ in range(3)]
    bulk.classic("Account", "insert")
    first = bulk.call("GET", "/ingest?jobType=V2Ingest").json
    assert (first["done"], [each["id"] for each in first["records"]]) == (False, made[:2])
    second = bulk.call("GET", first["nextRecordsUrl"]).json
    assert (second["done"], second["nextRecordsUrl"]) == (True, None)
    assert [each["id"] for each in second["records"]] == made[2:]
    assert bulk.call("GET", "/ingest?jobType=Classic").json["records"][0]["jobType"] == "Classic"


def test_too_large_an_upload_is_refused(bulk: "Bulk", org: EmulatedOrg) -> None:
    configure(org, upload_bytes=10)
    job = bulk.open()
    assert bulk.upload(job, "Name\n" + "A" * 10).status == 413
    bulk.close(job)
    assert bulk.job(job)["numberRecordsProcessed"] == 0


# -- operations


def test_an_update_keeps_empty_cells_and_clears_na(bulk: "Bulk", org: EmulatedOrg) -> None:
    account = org.has("Account", Name="A", Phone="1", Fax="2", Industry="Energy")
    job = bulk.ingest(f"Id,Phone,Fax,Industry\n{account},9,,#N/A\n{ABSENT},1,,\n,1,,\n", operation="update")
    row = org.rows("Account", Id=account)[0]
    assert (row["Phone"], row["Fax"], row["Industry"]) == ("9", "2", None)
    assert bulk.result(job, "successfulResults")[1][:2] == [account, "false"]
    assert bulk.errors(job) == [
        "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--",
        "MISSING_ARGUMENT:Id not specified in an update call:--",
    ]


def test_a_refused_update_tells_the_id_since_version_53(bulk: "Bulk", org: EmulatedOrg) -> None:
    account = org.has("Account", Name="A")
    job = bulk.ingest(f"Id,Name\n{account},#N/A\n", operation="update")
    assert bulk.result(job, "failedResults")[1][:2] == [
        account,
        "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
    ]


def test_an_upsert_creates_and_updates_by_its_key(bulk: "Bulk", keyed: EmulatedOrg) -> None:
    known = keyed.has("Account", Name="old", Code__c="K1")
    content = "Code__c,Name\nK1,new\nK2,two\n,none\n"
    job = bulk.ingest(content, operation="upsert", externalIdFieldName="code__c")
    rows = bulk.result(job, "successfulResults")[1:]
    assert rows[0][:2] == [known, "false"]
    assert rows[1][1:] == ["true", "K2", "two"]
    assert bulk.errors(job)[0].startswith("MISSING_ARGUMENT:Code__c not specified")
    assert [row["Name"] for row in keyed.rows("Account")] == ["new", "two"]


def test_an_upsert_by_id_creates_where_it_is_empty(bulk: "Bulk", org: EmulatedOrg) -> None:
    known = org.has("Account", Name="old")
    job = bulk.ingest(f"Id,Name\n{known},new\n,two\n", operation="upsert", externalIdFieldName="Id")
    assert [row[1] for row in bulk.result(job, "successfulResults")[1:]] == ["false", "true"]
    assert sorted(row["Name"] for row in org.rows("Account")) == ["new", "two"]


def test_a_key_twice_in_a_chunk_is_refused_both_times(bulk: "Bulk", keyed: EmulatedOrg) -> None:
    content = "Code__c,Name\nK1,a\nk1,b\nK2,c\n"
    job = bulk.ingest(content, operation="upsert", externalIdFieldName="Code__c")
    assert [each.split(":")[0] for each in bulk.errors(job)] == ["DUPLICATE_VALUE", "DUPLICATE_VALUE"]
    assert [row["Name"] for row in keyed.rows("Account")] == ["c"]


def test_a_unique_value_is_given_once(bulk: "Bulk", keyed: EmulatedOrg) -> None:
    job = bulk.ingest("Code__c,Name\nK1,a\nK1,b\nK2,c\n")
    (first, _) = keyed.rows("Account")
    assert bulk.errors(job) == [
        "DUPLICATE_VALUE:duplicate value found: Code__c duplicates value on record with id: "
        f"{first['Id'][:15]}:--"
    ]


def may_hard_delete(org: EmulatedOrg) -> None:
    """Let the administrator."""
    granted = org.has("PermissionSet", Name="Hard", Label="Hard", PermissionsBulkApiHardDelete=True)
    org.has("PermissionSetAssignment", AssigneeId=org.admin_id, PermissionSetId=granted)


def test_deleted_rows_go_to_the_bin_and_hard_deleted_ones_do_not(bulk: "Bulk", org: EmulatedOrg) -> None:
    may_hard_delete(org)
    one, two = org.has("Account", Name="1"), org.has("Account", Name="2")
    assert bulk.job(bulk.ingest(f"Id\n{one}\n", operation="delete"))["numberRecordsFailed"] == 0
    assert bulk.job(bulk.ingest(f"Id\n{two}\n", operation="hardDelete"))["numberRecordsFailed"] == 0
    found = org.query("SELECT Id FROM Account", all_rows=True).records
    assert [row["Id"] for row in found] == [one]
    again = bulk.ingest(f"Id\n{one}\n", operation="delete")
    assert bulk.errors(again) == ["ENTITY_IS_DELETED:entity is deleted:--"]


def test_a_delete_takes_ids_only(bulk: "Bulk", org: EmulatedOrg) -> None:
    account = org.has("Account", Name="1")
    done = bulk.job(bulk.ingest(f"Id,Name\n{account},1\n", operation="delete"))
    assert done["state"] == "Failed"
    assert done["errorMessage"] == "InvalidBatch : The 'delete' batch must contain only ids"
    assert len(org.rows("Account")) == 1


def test_hard_delete_needs_its_permission_which_no_administrator_has_by_himself(
    bulk: "Bulk", org: EmulatedOrg
) -> None:
    answer = bulk.call("POST", "/ingest", {"object": "Account", "operation": "hardDelete"})
    assert refusal(answer)[:2] == (400, "FEATURENOTENABLED")
    assert bulk.call("GET", "/ingest").json["records"] == []


def test_parents_are_found_by_their_keys(bulk: "Bulk", keyed: EmulatedOrg) -> None:
    account = keyed.has("Account", Name="A", Code__c="K1")
    content = (
        f"LastName,Account.Code__c,Owner.Username\none,K1,{keyed.username}\ntwo,,\nthree,#N/A,\nfour,K9,\n"
    )
    job = bulk.ingest(content, "Contact")
    assert [row["AccountId"] for row in keyed.rows("Contact")] == [account, None, None]
    assert bulk.errors(job) == [
        "INVALID_FIELD:Foreign key external ID: K9 not found for field Code__c in entity Account:--"
    ]


def test_a_key_that_no_parent_can_have_finds_none(bulk: "Bulk", keyed: EmulatedOrg) -> None:
    long = "k" * 300
    job = bulk.ingest(f"LastName,ReportsTo.Email,Account.Code__c\none,no mail,\ntwo,,{long}\n", "Contact")
    assert bulk.errors(job) == [
        "INVALID_FIELD:Foreign key external ID: no mail not found for field Email in entity Contact:--",
        f"INVALID_FIELD:Foreign key external ID: {long} not found for field Code__c in entity Account:--",
    ]
    assert keyed.rows("Contact") == []


def test_a_polymorphic_parent_names_its_kind(bulk: "Bulk", org: EmulatedOrg) -> None:
    job = bulk.ingest(f"Subject,Status,User:Owner.Username\nS,New,{org.username}\n", "Case")
    assert bulk.job(job)["numberRecordsFailed"] == 0, bulk.errors(job)
    assert org.rows("Case")[0]["OwnerId"] == org.admin_id


def test_a_cell_of_the_wrong_type_is_told_by_its_column(bulk: "Bulk") -> None:
    job = bulk.ingest("Name,StageName,Amount,CloseDate\nN,Prospecting,1,2003-04-98\n", "Opportunity")
    assert bulk.errors(job) == [
        "INVALID_FIELD:Failed to deserialize field at col 3. Due to, '2003-04-98' is not a valid value for "
        "the type xsd:date:CloseDate --"
    ]


@pytest.mark.parametrize(
    ("cell", "value"), [("true", True), ("TRUE", True), ("1", True), ("0", False), ("", False)]
)
def test_checkboxes_read_four_words(bulk: "Bulk", org: EmulatedOrg, cell: str, value: bool) -> None:
    bulk.ingest(f"LastName,Company,IsUnreadByOwner\nL,C,{cell}\n", "Lead")
    (row,) = org.rows("Lead")
    assert row["IsUnreadByOwner"] is value


def test_a_chunk_of_200_is_one_transaction(bulk: "Bulk", org: EmulatedOrg) -> None:
    """Setup rows and others may not mix in a transaction, but each job has its own."""
    assert bulk.job(bulk.ingest("Name\nA\n"))["numberRecordsFailed"] == 0
    job = bulk.ingest("Name,Label\nOne,One\n", "PermissionSet")
    assert bulk.errors(job) == []


def test_rows_belong_to_who_made_the_job(bulk: "Bulk", org: EmulatedOrg) -> None:
    profile = org.rows("Profile", Name="System Administrator")[0]["Id"]
    user = org.has(
        "User", Username="b@acme.example", LastName="B", Email="b@acme.example", Alias="b", ProfileId=profile,
        TimeZoneSidKey="GMT", LocaleSidKey="en_US", LanguageLocaleKey="en_US", EmailEncodingKey="UTF-8",
    )  # fmt: skip
    other = type(bulk)(org, token=sessions.open_session(org, user))
    job = other.ingest("Name\nA\n")
    assert bulk.job(job)["createdById"] == user
    (row,) = org.rows("Account")
    assert (row["OwnerId"], row["CreatedById"]) == (user, user)
