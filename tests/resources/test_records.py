"""Claims about records: keys, look-ups, cycles, owners, files."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.errors import AmbiguousKey, SpecError

ODD_KEYS = [
    "O'Hara",
    "100%",
    'say "hi"',
    "back\\slash",
    "a/b",
    "ünï ©ode",
    "日本",
    "a,b",
    "x_y%z",
    "tab?*",
]


def gadgets(rows: str, *, key: str = "Code__c") -> str:
    return f"records:\n  Gadget__c:\n    $key: {key}\n    rows:\n{rows}\n"


def refusal(stage: Any, text: str, error: type[Exception] = SpecError) -> str:
    before = stage.org.snapshot()
    with pytest.raises(error) as refused:
        stage.apply(text)
    assert stage.org.snapshot() == before
    return str(refused.value)


def parents(stage: Any) -> dict[str, str | None]:
    codes = {row["Id"]: row["Code__c"] for row in stage.org.rows("Gadget__c")}
    return {row["Code__c"]: codes.get(row["Parent__c"]) for row in stage.org.rows("Gadget__c")}


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize("key", ODD_KEYS)
def test_a_key_of_any_characters_finds_its_row_and_is_looked_up(kit: Any, goes_round: Any, key: str) -> None:
    text = gadgets(f"      {quoted(key)}: {{Text__c: x}}\n      B: {{Parent__r: {{Code__c: {quoted(key)}}}}}")
    goes_round(kit, text)
    kit.apply(text)
    plan = goes_round(kit, text.replace("Text__c: x", "Text__c: z"))
    assert [step.action.value for step in plan.steps] == ["update"]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="$"),
        min_size=1,
        max_size=8,
    )
)
def test_a_plan_for_any_key_is_empty_after_it_was_applied(kit: Any, key: str) -> None:
    text = gadgets(f"      {quoted(key)}: {{Count__c: 1}}")
    kit.apply(text)
    assert kit.plan(text).steps == []


def test_a_key_is_found_in_another_case_unless_its_field_tells_case_apart(kit: Any) -> None:
    kit.apply(gadgets("      abc: {}"))
    assert kit.plan(gadgets("      ABC: {}")).steps == []
    kit.apply(gadgets("      abc: {}", key="Sku__c"))
    plan = kit.plan(gadgets("      ABC: {}", key="Sku__c"))
    assert kit.addresses(plan) == ["create Gadget__c/ABC"]
    kit.apply(plan)
    assert sorted(row["Sku__c"] for row in kit.org.rows("Gadget__c") if row["Sku__c"]) == ["ABC", "abc"]
    changed = gadgets("      abc: {Count__c: 1}\n      ABC: {Count__c: 2}", key="Sku__c")
    kit.apply(changed)
    assert {row["Sku__c"]: row["Count__c"] for row in kit.org.rows("Gadget__c") if row["Sku__c"]} == {
        "abc": 1,
        "ABC": 2,
    }


def test_two_rows_whose_keys_differ_only_in_case_are_refused_where_case_means_nothing(kit: Any) -> None:
    said = refusal(kit, gadgets("      abc: {}\n      ABC: {}"))
    assert "Gadget__c/ABC finds the same row as Gadget__c/abc" in said
    assert "state.yaml:6:" in said and "state.yaml:7:" in said


def test_a_number_and_a_date_can_be_keys(kit: Any, goes_round: Any) -> None:
    kit.apply(
        gadgets(
            "      1: {Name: one}\n      2.50: {Name: two}".replace("1:", '"1":').replace("2.50:", '"2.50":'),
            key="Count__c",
        )
    )
    assert (
        kit.plan(gadgets('      "1.00": {Name: one}\n      "2.5": {Name: two}', key="Count__c")).steps == []
    )
    text = gadgets("      - {Day__c: 2031-01-01, Whole__c: 3, Name: x}", key="[Day__c, Whole__c]")
    goes_round(kit, text)


def test_two_live_rows_for_one_key_are_an_error_that_names_both(kit: Any) -> None:
    ids = [kit.org.has("Gadget__c", Name="twin") for _ in range(2)]
    said = refusal(kit, gadgets("      twin: {Count__c: 1}", key="Name"))
    assert "two live rows answer to Gadget__c/twin" in said
    assert all(each[:15] in said for each in ids)
    assert "state.yaml:6:" in said


def test_a_look_up_that_two_rows_answer_to_is_an_error_that_names_both(kit: Any) -> None:
    ids = [kit.org.has("Gadget__c", Name="twin") for _ in range(2)]
    said = refusal(kit, gadgets("      A: {Parent__r: {Name: twin}}"), AmbiguousKey)
    assert all(each[:15] in said for each in ids)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("{rows: {A: {}}}", "need a $key"),
        ("{$key: Id, rows: {A: {}}}", "record ids differ in every org"),
        ("{$key: Nope__c, rows: {A: {}}}", "no field 'Nope__c'"),
        ("{$key: Code__c}", "name no rows"),
        ("{$key: Code__c, rows: [{Name: x}]}", "lacks its key field 'Code__c'"),
        ("{$key: Code__c, rows: [{Code__c: '', Name: x}]}", "has an empty key"),
        ("{$key: [Gadget__r, Day__c], rows: {A: {}}}", "must be a list"),
        ("{$key: Code__c, rows: {A: {Code__c: B}}}", "stands before the colon already"),
        ("{$key: Code__c, rows: {A: {code__c: B}}}", "'Code__c' is written twice"),
        ("{$key: Code__c, rows: {017: {}}}", "'017'"),
        ("{$key: Code__c, rows: {A: x}}", "must be a map"),
        ("{$key: Code__c, rows: {A: {}, A: {}}}", "'A'"),
        ("{$key: Code__c, rows: {A: {}}, form: x.csv}", "did you mean 'from'?"),
    ],
)
def test_a_record_set_that_cannot_be_read_is_refused_at_its_line(kit: Any, body: str, complaint: str) -> None:
    said = refusal(kit, f"records:\n  Gadget__c: {body}")
    assert complaint in said and "state.yaml:3:" in said


def test_objects_with_a_section_of_their_own_are_not_records(kit: Any) -> None:
    said = refusal(kit, "records: {User: {$key: Username, rows: {ada@acme.example: {}}}}")
    assert "declare it under users" in said


@pytest.mark.parametrize(
    "row",
    [
        'rows: [{Code__c: "${pin}"}]',
        'rows: {A: {Parent__r: {Code__c: "${pin}"}}}',
    ],
)
def test_a_secret_is_no_key(kit: Any, row: str) -> None:
    body = f"variables: {{pin: {{type: secret}}}}\nrecords: {{Gadget__c: {{$key: Code__c, {row}}}}}"
    desired = kit.load(body, assigned={"pin": "canary"})
    with pytest.raises(SpecError, match="'Code__c' finds a row and cannot be a secret") as refused:
        kit.plan(desired)
    assert "state.yaml:3:" in str(refused.value) and "canary" not in str(refused.value)


# ── composite keys ───────────────────────────────────────────────────────────────────────────────


def visits(*rows: str) -> str:
    listed = "".join(f"      - {{{row}}}\n" for row in rows)
    return (
        gadgets("      G: {}\n      H: {}")
        + f"  Visit__c:\n    $key: [Gadget__r, Day__c]\n    rows:\n{listed}"
    )


ONE = "Gadget__r: {Code__c: G}, Day__c: 2031-01-01"
TWO = "Gadget__r: {Code__c: H}, Day__c: 2031-01-01"


def test_rows_that_share_part_of_a_key_are_told_apart(kit: Any, goes_round: Any) -> None:
    kit.apply(visits(f"{ONE}, Note__c: one", f"{TWO}, Note__c: two"))
    plan = goes_round(kit, visits(f"{ONE}, Note__c: one", f"{TWO}, Note__c: changed"))
    assert kit.addresses(plan) == ["update Visit__c/H/2031-01-01"]


def test_a_composite_row_is_deleted_and_made_again(kit: Any, goes_round: Any) -> None:
    kit.apply(visits(f"{ONE}, Note__c: one"))
    plan = goes_round(kit, visits(f"{ONE}, $absent: true"))
    assert kit.addresses(plan) == ["delete Visit__c/G/2031-01-01"]


def test_a_parent_and_its_composite_child_are_deleted_together(kit: Any, goes_round: Any) -> None:
    kit.apply(visits(f"{ONE}, Note__c: one"))
    text = visits(f"{ONE}, $absent: true").replace("G: {}", "G: {$absent: true}")
    plan = goes_round(kit, text)
    assert kit.addresses(plan) == ["delete Visit__c/G/2031-01-01", "delete Gadget__c/G"]


def test_two_composite_rows_of_one_key_are_refused(kit: Any) -> None:
    said = refusal(kit, visits(ONE, ONE))
    assert "Visit__c/G/2031-01-01 is declared twice" in said
    other_case = ONE.replace("Code__c: G", "Code__c: g")
    assert "finds the same row" in refusal(kit, visits(ONE, other_case))


# ── cycles ───────────────────────────────────────────────────────────────────────────────────────


def test_a_row_that_names_itself_is_made_then_linked(kit: Any, goes_round: Any) -> None:
    text = gadgets("      A: {Parent__r: {Code__c: A}}")
    plan = goes_round(kit, text)
    assert kit.addresses(plan) == ["create Gadget__c/A", "update Gadget__c/A"]
    kit.apply(text)
    assert parents(kit) == {"A": "A"}


@pytest.mark.parametrize("length", [2, 3, 5])
def test_a_ring_of_rows_is_made_in_two_passes(kit: Any, goes_round: Any, length: int) -> None:
    names = "ABCDE"[:length]
    rows = [f"      {each}: {{Parent__r: {{Code__c: {names[at - 1]}}}}}" for at, each in enumerate(names)]
    plan = goes_round(kit, gadgets("\n".join(rows)))
    assert [step.action.value for step in plan.steps].count("update") == 1
    kit.apply(gadgets("\n".join(rows)))
    assert parents(kit) == {each: names[at - 1] for at, each in enumerate(names)}


def test_rows_of_two_objects_that_name_each_other_are_made_in_two_passes(kit: Any, goes_round: Any) -> None:
    text = """
    records:
      Left__c: {$key: Name, rows: {L: {Right__r: {Name: R}}}}
      Right__c: {$key: Name, rows: {R: {Left__r: {Name: L}}}}
    """
    plan = goes_round(kit, text)
    assert len(plan.steps) == 3


def test_existing_rows_are_linked_into_a_ring_without_a_second_pass(kit: Any, goes_round: Any) -> None:
    kit.apply(gadgets("      A: {}\n      B: {}"))
    plan = goes_round(kit, gadgets("      A: {Parent__r: {Code__c: B}}\n      B: {Parent__r: {Code__c: A}}"))
    assert len(plan.steps) == 2


def test_a_ring_that_cannot_be_opened_is_named(kit: Any) -> None:
    said = refusal(
        kit,
        """
        records:
          Knot__c:
            $key: Name
            rows:
              A: {Other__r: {Name: B}}
              B: {Other__r: {Name: A}}
        """,
    )
    assert "Knot__c/A needs Knot__c/B (Other__c)" in said
    assert "Knot__c/B needs Knot__c/A (Other__c)" in said
    assert "state.yaml:" in said


def test_a_required_look_up_that_is_left_out_is_named(kit: Any) -> None:
    said = refusal(kit, "records: {Visit__c: {$key: Name, rows: {V: {Day__c: 2031-01-01}}}}")
    assert "Visit__c/V is new and lacks required fields: Gadget__c" in said


def test_a_required_look_up_cannot_be_emptied(kit: Any) -> None:
    text = gadgets("      G: {}") + "  Visit__c: {$key: Name, rows: {V: {Gadget__r: %s}}}\n"
    kit.apply(text % "{Code__c: G}")
    assert "'Gadget__c' of Visit__c/V must not be empty" in refusal(kit, text % "null")


# ── owners and record types ──────────────────────────────────────────────────────────────────────


def test_a_queue_owns_a_record_only_after_it_may(kit: Any, goes_round: Any) -> None:
    plan = goes_round(
        kit,
        "queues: {Tier_1: {objects: [Gadget__c]}}\n" + gadgets("      G: {Owner: {Queue: Tier_1}}"),
    )
    order = kit.addresses(plan)
    assert order.index("create QueueSobject/Tier_1/Gadget__c") < order.index("create Gadget__c/G")


def test_a_record_moves_between_a_user_and_a_queue_and_back(kit: Any, goes_round: Any) -> None:
    queue = "queues: {Tier_1: {objects: [Gadget__c]}}\n"
    kit.apply(queue + gadgets("      G: {Owner: {Username: ada@acme.example}}"))
    plan = goes_round(kit, queue + gadgets("      G: {Owner: {Queue: Tier_1}}"))
    (step,) = plan.steps
    assert str(step.before["OwnerId"]) == "User ada@acme.example"


def test_an_owner_that_nobody_declared_is_put_back(kit: Any, goes_round: Any) -> None:
    kit.apply(gadgets("      G: {}"))
    goes_round(kit, gadgets("      G: {Owner: {Username: ada@acme.example}}"))


def test_a_record_type_is_looked_up_for_its_own_object(kit: Any, goes_round: Any) -> None:
    kit.apply(gadgets("      G: {RecordType: {DeveloperName: Small}}"))
    plan = goes_round(kit, gadgets("      G: {RecordType: {DeveloperName: Large}}"))
    assert "SobjectType=Gadget__c" in str(plan.steps[0].after["RecordTypeId"])


def test_a_deleted_record_comes_back_with_its_owner_and_record_type(kit: Any, goes_round: Any) -> None:
    kit.apply(gadgets("      G: {RecordType: {DeveloperName: Large}, Owner: {Username: ada@acme.example}}"))
    goes_round(kit, gadgets("      G: {$absent: true}"))


def test_a_look_up_to_a_row_without_a_natural_key_is_put_back(kit: Any, goes_round: Any) -> None:
    contact = kit.org.has("Account", Name="nameless twin")
    kit.org.has("Account", Name="nameless twin")
    kit.org.has("Gadget__c", Code__c="G", Account__c=contact)
    goes_round(kit, gadgets("      G: {Account__r: null}"))
    goes_round(kit, gadgets("      G: {$absent: true}"))


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def write(stage: Any, name: str, text: str) -> Path:
    path: Path = stage.folder / name
    path.write_text(text, "utf-8")
    return path


FROM = "records: {Gadget__c: {$key: Code__c, from: g.csv}}"


def test_a_csv_file_is_a_record_set_that_goes_round(kit: Any, goes_round: Any) -> None:
    write(
        kit,
        "g.csv",
        "Code__c,Text__c,Count__c,On__c,Day__c,Many__c,Parent__r.Code__c,Owner.Username\n"
        "017,007,1.50,TRUE,2031-01-01,Wed;Mon,,ada@acme.example\n"
        'B,"a, ""b""",,false,,,017,bob@acme.example\n',
    )
    goes_round(kit, FROM)
    kit.apply(FROM)
    rows = {row["Code__c"]: row for row in kit.org.rows("Gadget__c")}
    assert rows["017"]["Text__c"] == "007" and rows["017"]["Count__c"] == 1.5 and rows["017"]["On__c"] == 1
    assert rows["B"]["Text__c"] == 'a, "b"' and parents(kit) == {"017": None, "B": "017"}


@pytest.mark.parametrize("cell", ["", "#N/A"])
def test_a_blank_cell_empties_its_field(kit: Any, goes_round: Any, cell: str) -> None:
    kit.apply(gadgets("      A: {Text__c: x, Count__c: 1, Parent__r: {Code__c: A}}"))
    write(kit, "g.csv", f"Code__c,Text__c,Count__c,Parent__r.Code__c\nA,{cell},{cell},{cell}\n")
    plan = goes_round(kit, FROM)
    assert set(plan.steps[0].after.values()) == {None}


def test_a_problem_in_a_file_names_its_line(kit: Any) -> None:
    write(kit, "g.csv", "Code__c,Count__c\nA,1\nB,many\nC,2\nA,3\n,4\n#N/A,5\n")
    said = refusal(kit, FROM)
    assert "g.csv:5:1: Gadget__c/A is declared twice" in said
    assert "g.csv:6:1: a row of Gadget__c has an empty key" in said
    assert "g.csv:7:1: a row of Gadget__c has an empty key" in said
    write(kit, "g.csv", "Code__c,Count__c,Nope__c\nA,1,\nB,many,\n")
    said = refusal(kit, FROM)
    assert "g.csv:3:1: 'Count__c' must be a number" in said
    assert "no field 'Nope__c'" in said


def test_rows_and_a_file_stand_side_by_side(kit: Any, goes_round: Any) -> None:
    write(kit, "g.csv", "Code__c\nA\n")
    plan = goes_round(kit, gadgets("      B: {Parent__r: {Code__c: A}}") + "    from: g.csv\n")
    assert kit.addresses(plan) == ["create Gadget__c/A", "create Gadget__c/B"]


def test_a_changed_file_is_a_changed_state(kit: Any) -> None:
    write(kit, "g.csv", "Code__c\nA\n")
    first = kit.load(FROM).digest
    assert kit.load(FROM).digest == first
    write(kit, "g.csv", "Code__c\nB\n")
    assert kit.load(FROM).digest != first


def test_a_file_of_json_lines_is_a_record_set(kit: Any, goes_round: Any) -> None:
    write(
        kit,
        "g.jsonl",
        '{"Code__c": "A", "Count__c": 1.5, "On__c": true, "Text__c": null}\n'
        '{"Code__c": "B", "Parent__r": {"Code__c": "A"}}\n',
    )
    goes_round(kit, FROM.replace("g.csv", "g.jsonl"))


def test_composite_keys_come_from_files_too(kit: Any, goes_round: Any) -> None:
    write(kit, "v.csv", "Gadget__r.Code__c,Day__c,Note__c\nG,2031-01-01,one\nG,2031-01-02,two\n")
    goes_round(kit, gadgets("      G: {}") + "  Visit__c: {$key: [Gadget__r, Day__c], from: v.csv}\n")


# ── chunks ───────────────────────────────────────────────────────────────────────────────────────


def test_2500_rows_are_read_in_pages_and_written_200_at_a_time(kit: Any) -> None:
    write(kit, "g.csv", "Code__c,Count__c\n" + "".join(f"K{at},1\n" for at in range(2_500)))
    plan = kit.plan(FROM)
    assert len({step.call for step in plan.steps}) == 13
    kit.apply(plan)
    assert kit.plan(FROM).steps == []
    write(kit, "g.csv", "Code__c,Count__c\n" + "".join(f"K{at},{1 + (at == 2_400)}\n" for at in range(2_500)))
    assert kit.addresses(kit.plan(FROM)) == ["update Gadget__c/K2400"]
    kit.revert(plan)
    assert kit.org.rows("Gadget__c") == []


def test_a_row_that_lets_go_of_a_deleted_one_names_it_again_on_the_way_back(
    kit: Any, goes_round: Any
) -> None:
    kit.apply(gadgets("      A: {}\n      B: {Parent__r: {Code__c: A}}"))
    plan = goes_round(kit, gadgets("      A: {$absent: true}\n      B: {Parent__r: null}"))
    assert str(plan.steps[0].before["Parent__c"]) == "Gadget__c A"
