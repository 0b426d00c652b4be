"""Wrong names, rights and settings are refused while planning, at the word that is wrong, with its mend."""

from typing import Any

import pytest

from reconciler.model.errors import AmbiguousKey, SpecError

RECORDS = "records:\n  %s:\n    $key: %s\n    rows:\n      A: {%s}\n"
SETS = "permission_sets:\n  P:\n    %s\n"

WRONG: dict[str, tuple[str, list[str]]] = {
    # an object
    "an object in another case": (RECORDS % ("account", "Name", ""), ["3:3:", "did you mean 'Account'?"]),
    "an object without __c": (RECORDS % ("Gadget", "Code__c", ""), ["3:3:", "did you mean 'Gadget__c'?"]),
    "an object with a namespace": (
        RECORDS % ("acme__Gadget__c", "Code__c", ""),
        ["3:3:", "did you mean 'Gadget__c'?"],
    ),
    "an object with a letter too few": (RECORDS % ("Acount", "Name", ""), ["3:3:", "mean 'Account'?"]),
    "an object in Cyrillic": (
        RECORDS % ("\u0410ccount", "Name", ""),
        ["3:3:", "did you mean 'Account'?", "U+0410 (CYRILLIC CAPITAL LETTER A)"],
    ),
    "a setting in another case": (
        "custom_settings:\n  limits__c: {org: {Daily__c: 1}}\n",
        ["3:3:", "did you mean 'Limits__c'?"],
    ),
    # a field
    "a field with a letter too few": (RECORDS % ("Account", "Name", "Indstry: x"), ["6:11:", "'Industry'?"]),
    "a field without __c": (RECORDS % ("Gadget__c", "Code__c", "Text: x"), ["6:11:", "'Text__c'?"]),
    "a field with a namespace": (
        RECORDS % ("Gadget__c", "Code__c", "acme__Text__c: x"),
        ["6:11:", "did you mean 'Text__c'?"],
    ),
    "a field in Cyrillic": (
        RECORDS % ("Account", "Name", "Ph\u043ene: x"),
        ["6:11:", "is no field of Account", "CYRILLIC SMALL LETTER O"],
    ),
    "a field of a parent's key": (
        RECORDS % ("Gadget__c", "Code__c", "Account__r: {Nmae: x}"),
        ["6:24:", "Account has no field 'Nmae'", "did you mean 'Name'?"],
    ),
    "a field of a parent's parent": (
        RECORDS % ("Gadget__c", "Code__c", "Parent__r: {Account__r: {Nmae: x}}"),
        ["6:36:", "Account has no field 'Nmae'"],
    ),
    "a key field": (RECORDS % ("Account", "Cod__c", "Name: x"), ["4:11:", "no field 'Cod__c'"]),
    "a field under $ignore": (
        RECORDS % ("Account", "Name", "$ignore: [Phone, Indstry]"),
        ["6:28:", "did you mean 'Industry'?"],
    ),
    "a field of a setting": (
        "custom_settings:\n  Limits__c: {org: {Dayly__c: 1}}\n",
        ["3:21:", "did you mean 'Daily__c'?"],
    ),
    # rights
    "rights on an object": (SETS % "objects: {Gadgt__c: [read]}", ["4:15:", "did you mean 'Gadget__c'?"]),
    "rights on an object in another case": (
        SETS % "objects: {gadget__c: [read]}",
        ["4:15:", "did you mean 'Gadget__c'?"],
    ),
    "rights on a field": (
        SETS % "fields: {Gadget__c.Txt__c: [read]}",
        ["4:14:", "Gadget__c has no field 'Txt__c'", "did you mean 'Text__c'?"],
    ),
    "rights on a field of no object": (
        SETS % "fields: {Gadgt__c.Text__c: [read]}",
        ["4:14:", "no object 'Gadgt__c'"],
    ),
    "rights on a required field": (
        SETS % "fields: {Visit__c.Gadget__c: [read]}",
        ["4:14:", "no right can be given on Visit__c.Gadget__c"],
    ),
    "rights on a field of Salesforce's own": (
        SETS % "fields: {Account.CreatedDate: [read]}",
        ["4:14:", "no right can be given on Account.CreatedDate"],
    ),
    "a field without its object": (SETS % "fields: {Text__c: [read]}", ["4:14:", "Account.Text__c"]),
    "an unknown right": (SETS % "objects: {Account: [read, writ]}", ["4:31:", "found the text 'writ'"]),
    "edit without read": (SETS % "objects: {Account: [edit]}", ["4:15:", "'edit' on Account needs read"]),
    "edit of a field without read": (
        SETS % "fields: {Gadget__c.Text__c: [edit]}",
        ["4:14:", "needs read", "add read"],
    ),
    "an Apex class": (SETS % "apex_classes: [Nightly]", ["4:20:", "ApexClass Nightly"]),
    "a custom permission": (
        SETS % "custom_permissions: [Override_Margin]",
        ["4:26:", "CustomPermission Override_Margin", "did you mean 'Override_Margins'?"],
    ),
    "a permission set of a user": (
        "permission_sets: {Operators: {}}\nqueues: {Q: {objects: [Case], members: [ada@acme.exampl]}}\n",
        ["3:41:", "User ada@acme.exampl", "did you mean 'ada@acme.example'?"],
    ),
    "a licence": (
        "permission_set_licenses: {Field_Servce: {assigned_to: [ada@acme.example]}}\n",
        ["2:56:", "PermissionSetLicense Field_Servce"],
    ),
    "an object of a queue": (
        "queues: {Q: {objects: [Cas]}}\n",
        ["2:24:", "no object 'Cas'", "did you mean 'Case'?"],
    ),
    "an object that no queue may own": (
        "queues: {Q: {objects: [Contact]}}\n",
        ["2:24:", "a queue cannot own rows of Contact"],
    ),
    # settings
    "rows by name of a hierarchy setting": (
        "custom_settings:\n  Limits__c:\n    list:\n      EU: {Daily__c: 1}\n      US: {Daily__c: 2}\n",
        ["4:5:", "'Limits__c' is a hierarchy setting", "under 'org'"],
    ),
    "the org's row of a list setting": (
        "custom_settings:\n  Regions__c: {org: {Limit__c: 1}}\n",
        ["3:16:", "'Regions__c' is a list setting", "under 'list'"],
    ),
    "a profile's row of a list setting": (
        "custom_settings:\n  Regions__c: {profile: {Standard User: {Limit__c: 1}}}\n",
        ["3:16:", "'Regions__c' is a list setting"],
    ),
    "a user's row of a list setting": (
        "custom_settings:\n  Regions__c: {user: {ada@acme.example: {Limit__c: 1}}}\n",
        ["3:16:", "'Regions__c' is a list setting"],
    ),
    "an object that is no setting": (
        "custom_settings:\n  Gadget__c: {org: {Text__c: x}}\n",
        ["3:3:", "'Gadget__c' is no custom setting"],
    ),
}
"""Name -> a state, and parts of the one problem it has; its place first."""


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_name_is_told_once_where_it_stands(kit: Any, name: str) -> None:
    text, (place, *parts) = WRONG[name]
    before = kit.org.snapshot()
    with pytest.raises(SpecError) as refused:
        kit.plan(text)
    assert kit.org.snapshot() == before
    (problem,) = refused.value.problems
    said = str(problem)
    assert problem.where is not None and said.startswith(f"{problem.where.file}:{place}")
    assert "mend: " in said
    for part in parts:
        assert part in said


def test_all_wrong_names_of_a_state_are_told_in_line_order(kit: Any) -> None:
    text = (
        SETS % "objects: {Gadgt__c: [read]}\n    fields: {Gadget__c.Txt__c: [read]}"
        + "queues: {Q: {objects: [Cas]}}\n"
        + RECORDS % ("Acount", "Name", "")
    )
    with pytest.raises(SpecError) as refused:
        kit.plan(text)
    assert [each.where and each.where.line for each in refused.value.problems] == [4, 5, 6, 8]


def test_a_wrong_key_field_is_one_problem_whatever_the_number_of_rows(kit: Any) -> None:
    rows = "".join(f"      A{number}: {{Name: x}}\n" for number in range(50))
    with pytest.raises(SpecError) as refused:
        kit.plan(f"records:\n  Account:\n    $key: Cod__c\n    $ignore: [Indstry]\n    rows:\n{rows}")
    places = [each.where and each.where[1:] for each in refused.value.problems]
    assert places == [(4, 11), (5, 15)]


def test_rights_that_are_taken_away_may_name_what_the_org_lacks(kit: Any) -> None:
    text = SETS % "objects: {Gone__c: []}\n    fields: {Gone__c.Gone__c: []}"
    assert kit.addresses(kit.plan(text)) == ["create PermissionSet/P"]


def test_rights_go_round_on_what_the_org_has(kit: Any, goes_round: Any) -> None:
    goes_round(
        kit,
        SETS % "objects: {Gadget__c: [read, edit]}\n    fields: {Gadget__c.Text__c: [read, edit]}\n"
        "    custom_permissions: [Override_Margins]",
    )


TWINS = "      %s: {Parent__r: {Name: twin}}\n"


def test_a_look_up_that_finds_two_rows_names_both_and_every_place_that_asks(kit: Any) -> None:
    ids = [kit.org.has("Gadget__c", Name="twin", Code__c=code) for code in ("T1", "T2")]
    before = kit.org.snapshot()
    rows = TWINS % "A" + "      B: {Text__c: x}\n" + TWINS % "C"
    with pytest.raises(AmbiguousKey) as refused:
        kit.plan(f"records:\n  Gadget__c:\n    $key: Code__c\n    rows:\n{rows}")
    assert kit.org.snapshot() == before
    assert [each.where and each.where[1:] for each in refused.value.problems] == [(6, 22), (8, 22)]
    for problem in refused.value.problems:
        assert all(each[:15] in problem.what for each in ids)
        assert problem.mend is not None


def test_a_key_that_finds_two_rows_names_both_and_its_row(kit: Any) -> None:
    ids = [kit.org.has("Gadget__c", Name="twin", Code__c=code) for code in ("T1", "T2")]
    before = kit.org.snapshot()
    with pytest.raises(SpecError) as refused:
        kit.plan("records:\n  Gadget__c:\n    $key: Name\n    rows:\n      twin: {Text__c: x}\n")
    assert kit.org.snapshot() == before
    (problem,) = refused.value.problems
    assert problem.where is not None and problem.where[1:] == (6, 7)
    assert all(each[:15] in problem.what for each in ids)
