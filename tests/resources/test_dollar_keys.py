"""Claims about the `$`-keys, on records and on setup rows."""

import re
from typing import Any

import pytest

from reconciler.model.errors import PlanRefused, SpecError
from reconciler.resources.states import load_desired
from reconciler.spec.variables import OrgContext


def gadgets(rows: str, *, more: str = "") -> str:
    return f"records:\n  Gadget__c:\n    $key: Code__c\n{more}    rows:\n{rows}\n"


def refusal(stage: Any, text: str, error: type[Exception] = SpecError, **options: Any) -> str:
    before = stage.org.snapshot()
    with pytest.raises(error) as refused:
        stage.apply(stage.plan(text, **options))
    assert stage.org.snapshot() == before
    return str(refused.value)


def offline(stage: Any, text: str) -> Any:
    path = stage.folder / "offline.yaml"
    path.write_text("reconcile: 1\n" + text, "utf-8")
    return load_desired([path], org=None, assigned={}, var_files=(), environ={})[0]


# ── $absent ──────────────────────────────────────────────────────────────────────────────────────

THERE = """
roles: {Boss: {label: The Boss, description: leads}}
permission_sets: {Ops: {label: Ops, description: runs, objects: {Gadget__c: [read]}}, Free: {label: Free}}
permission_set_groups: {All: {label: All}}
public_groups: {Inner: {label: In}}
queues: {Tier_1: {label: First, email: t@acme.example}}
custom_settings:
  Limits__c: {org: {Daily__c: 5}, profile: {Standard User: {Daily__c: 7}}}
  Regions__c: {list: {EMEA: {Limit__c: 5}}}
records: {Gadget__c: {$key: Code__c, rows: {G: {Name: gadget, Count__c: 2, Day__c: 2031-01-01}}}}
"""
GONE = {
    "role": "roles: {Boss: {$absent: true}}",
    "permission set": "permission_sets: {Free: {$absent: true}}",
    "object rights": "permission_sets: {Ops: {objects: {Gadget__c: []}}}",
    "permission set group": "permission_set_groups: {All: {$absent: true}}",
    "public group": "public_groups: {Inner: {$absent: true}}",
    "queue": "queues: {Tier_1: {$absent: true}}",
    "org's setting": "custom_settings: {Limits__c: {org: {$absent: true}}}",
    "profile's setting": "custom_settings: {Limits__c: {profile: {Standard User: {$absent: true}}}}",
    "list setting": "custom_settings: {Regions__c: {list: {EMEA: {$absent: true}}}}",
    "record": "records: {Gadget__c: {$key: Code__c, rows: {G: {$absent: true}}}}",
}


@pytest.mark.parametrize("name", GONE)
def test_an_absent_row_is_deleted_and_made_again_whole(kit: Any, goes_round: Any, name: str) -> None:
    kit.apply(THERE)
    plan = goes_round(kit, GONE[name])
    assert [step.action.value for step in plan.steps] == ["delete"]


@pytest.mark.parametrize("name", GONE)
def test_what_is_absent_already_is_nothing_to_do(kit: Any, name: str) -> None:
    text = GONE[name].replace("Ops: {objects: {Gadget__c: []}}", "Free: {$absent: true}")
    assert kit.plan(text).steps == []


def test_an_absent_user_is_deactivated_and_activated_again(kit: Any, goes_round: Any) -> None:
    plan = goes_round(kit, "users: {ada@acme.example: {$absent: true}}")
    assert kit.addresses(plan) == ["update User/ada@acme.example"]
    assert dict(plan.steps[0].after) == {"IsActive": False}
    assert dict(plan.impact.losing) == {"ada@acme.example": ("login",)}


def test_an_absent_user_who_never_was_is_nothing_to_do(kit: Any) -> None:
    assert kit.plan("users: {carl@acme.example: {$absent: true}}").steps == []


def test_children_are_deleted_before_their_parents(kit: Any, goes_round: Any) -> None:
    kit.apply(gadgets("      A: {}\n      B: {Parent__r: {Code__c: A}}\n      C: {Parent__r: {Code__c: B}}"))
    plan = goes_round(
        kit, gadgets("      A: {$absent: true}\n      B: {$absent: true}\n      C: {$absent: true}")
    )
    assert kit.addresses(plan) == ["delete Gadget__c/C", "delete Gadget__c/B", "delete Gadget__c/A"]


def test_a_child_that_moves_away_does_so_before_its_old_parent_is_deleted(kit: Any, goes_round: Any) -> None:
    kit.apply(gadgets("      A: {}\n      B: {}\n      C: {Parent__r: {Code__c: A}}"))
    plan = goes_round(kit, gadgets("      A: {$absent: true}\n      C: {Parent__r: {Code__c: B}}"))
    assert kit.addresses(plan) == ["update Gadget__c/C", "delete Gadget__c/A"]


def test_a_row_that_names_one_the_plan_deletes_is_refused(kit: Any) -> None:
    kit.apply(gadgets("      A: {}\n      C: {}"))
    said = refusal(kit, gadgets("      A: {$absent: true}\n      C: {Parent__r: {Code__c: A}}"))
    assert "Gadget__c/C names Gadget__c A, which this plan deletes" in said


def test_rows_that_name_each_other_are_deleted_and_made_again(kit: Any, goes_round: Any) -> None:
    kit.apply(gadgets("      A: {Parent__r: {Code__c: B}}\n      B: {Parent__r: {Code__c: A}}"))
    goes_round(kit, gadgets("      A: {$absent: true}\n      B: {$absent: true}"))


# ── $protect ─────────────────────────────────────────────────────────────────────────────────────


def test_a_protected_row_cannot_be_declared_absent(kit: Any) -> None:
    kit.apply(gadgets("      G: {}"))
    said = refusal(kit, gadgets("      G: {$protect: true, $absent: true}"), PlanRefused)
    assert "Gadget__c/G would be deleted and is under $protect" in said


def test_protection_outlives_its_line_and_is_ended_by_saying_so(kit: Any) -> None:
    first = kit.plan(gadgets("      G: {$protect: true}"))
    kit.apply(first)
    gone = gadgets("      G: {$absent: true}")
    assert f"under $protect since plan {first.plan_id}" in refusal(kit, gone, PlanRefused)
    freed = kit.plan(gadgets("      G: {$protect: false}"))
    assert freed.unprotects == ("Gadget__c/G",)
    kit.apply(freed)
    kit.apply(gone)
    assert kit.org.rows("Gadget__c") == []


def test_protection_of_a_row_that_is_there_already_begins_with_an_applied_plan(kit: Any) -> None:
    kit.apply(gadgets("      G: {}"))
    plan = kit.plan(gadgets("      G: {$protect: true}"))
    assert plan.steps == [] and plan.protects == ("Gadget__c/G",)
    kit.apply(plan)
    refusal(kit, gadgets("      G: {$absent: true}"), PlanRefused)


def test_a_members_protection_holds_against_exactly(kit: Any) -> None:
    kit.apply(
        "permission_sets: {Ops: {assigned_to: [ada@acme.example]}}\n" + gadgets("      G: {$protect: true}")
    )
    kit.apply("permission_sets: {Ops: {$protect: true}}")
    refusal(kit, "permission_sets: {Ops: {$absent: true}}", PlanRefused)


def test_a_revert_may_take_back_the_protection_it_made_but_no_other(kit: Any) -> None:
    plan = kit.plan(gadgets("      G: {$protect: true}"))
    kit.apply(plan)
    kit.revert(plan)
    assert kit.org.rows("Gadget__c") == []
    made = kit.plan(gadgets("      G: {}"))
    kit.apply(made)
    kit.apply(gadgets("      G: {$protect: true}"))
    before = kit.org.snapshot()
    with pytest.raises(PlanRefused, match=r"under \$protect"):
        kit.revert(made)
    assert kit.org.snapshot() == before


# ── $create_only and $ignore ─────────────────────────────────────────────────────────────────────


def test_a_create_only_field_is_written_once(kit: Any) -> None:
    text = gadgets("      G: {$create_only: [Text__c], Text__c: first, Count__c: %s}")
    kit.apply(text % 1)
    assert kit.org.rows("Gadget__c")[0]["Text__c"] == "first"
    kit.apply(text.replace("first", "second") % 2)
    row = kit.org.rows("Gadget__c")[0]
    assert (row["Text__c"], row["Count__c"]) == ("first", 2)


def test_an_ignored_field_is_never_written(kit: Any) -> None:
    text = gadgets("      G: {$ignore: Text__c, Text__c: x}")
    kit.apply(text)
    assert kit.org.rows("Gadget__c")[0]["Text__c"] is None
    assert kit.plan(text).steps == []


def test_create_only_and_ignore_may_be_said_once_for_all_rows(kit: Any) -> None:
    text = gadgets(
        "      G: {Text__c: x, Url__c: http://a.example}",
        more="    $create_only: Text__c\n    $ignore: [Url__c]\n",
    )
    kit.apply(text)
    row = kit.org.rows("Gadget__c")[0]
    assert (row["Text__c"], row["Url__c"]) == ("x", None)
    assert kit.plan(text.replace("Text__c: x", "Text__c: z")).steps == []


def test_a_look_up_may_be_create_only(kit: Any) -> None:
    kit.apply(
        gadgets("      A: {}\n      B: {}\n      C: {$create_only: Parent__r, Parent__r: {Code__c: A}}")
    )
    text = gadgets("      A: {}\n      B: {}\n      C: {$create_only: Parent__c, Parent__r: {Code__c: B}}")
    assert kit.plan(text).steps == []


@pytest.mark.parametrize("word", ["$create_only", "$ignore"])
def test_an_unknown_field_set_aside_is_refused(kit: Any, word: str) -> None:
    said = refusal(kit, gadgets(f"      G: {{{word}: [Txet__c]}}"))
    assert "no field 'Txet__c'" in said and "Text__c" in said


def test_a_permission_sets_label_may_be_create_only(kit: Any) -> None:
    kit.apply("permission_sets: {Ops: {label: First, $create_only: Label}}")
    assert kit.org.rows("PermissionSet", Name="Ops")[0]["Label"] == "First"
    assert kit.plan("permission_sets: {Ops: {label: Second, $create_only: Label}}").steps == []


# ── $was ─────────────────────────────────────────────────────────────────────────────────────────

RENAMES = {
    "role": ("roles: {Old: {label: R}}", "roles: {New: {label: R, $was: Old}}"),
    "permission set": ("permission_sets: {Old: {label: S}}", "permission_sets: {New: {label: S, $was: Old}}"),
    "group of sets": (
        "permission_set_groups: {Old: {label: G}}",
        "permission_set_groups: {New: {label: G, $was: Old}}",
    ),
    "public group": ("public_groups: {Old: {label: G}}", "public_groups: {New: {label: G, $was: Old}}"),
    "queue": ("queues: {Old: {label: Q}}", "queues: {New: {label: Q, $was: Old}}"),
    "record": (gadgets("      OLD: {Name: x}"), gadgets("      NEW: {$was: OLD, Name: x}")),
    "record that also changes": (
        gadgets("      OLD: {Name: x}"),
        gadgets("      NEW: {$was: OLD, Name: z, Count__c: 3}"),
    ),
    "composite": (
        gadgets("      G: {}") + "  Visit__c: {$key: [Gadget__r, Day__c], rows: "
        "[{Gadget__r: {Code__c: G}, Day__c: 2031-01-01, Note__c: note}]}",
        gadgets("      G: {}") + "  Visit__c: {$key: [Gadget__r, Day__c], rows: "
        "[{Gadget__r: {Code__c: G}, Day__c: 2031-01-02, Note__c: note, "
        "$was: {Gadget__r: {Code__c: G}, Day__c: 2031-01-01}}]}",
    ),
}


def ids_of(stage: Any) -> set[str]:
    sobjects = ("Gadget__c", "Visit__c", "PermissionSet", "Group", "UserRole")
    return {row["Id"] for sobject in sobjects for row in stage.org.rows(sobject)}


@pytest.mark.parametrize("name", RENAMES)
def test_a_former_key_is_renamed_and_not_made_anew(kit: Any, goes_round: Any, name: str) -> None:
    before, after = RENAMES[name]
    kit.apply(before)
    ids = ids_of(kit)
    plan = goes_round(kit, after)
    assert [step.action.value for step in plan.steps] == ["update"]
    kit.apply(after)
    assert ids_of(kit) == ids


@pytest.mark.parametrize("name", RENAMES)
def test_a_new_row_with_a_former_key_that_no_row_has_is_made(kit: Any, name: str) -> None:
    _, after = RENAMES[name]
    kit.apply(after)
    assert kit.plan(after).steps == []


def test_a_renamed_row_and_its_dependants_come_in_one_plan(kit: Any, goes_round: Any) -> None:
    kit.apply("permission_sets: {Old: {assigned_to: [ada@acme.example], objects: {Gadget__c: [read]}}}")
    text = """
    permission_sets:
      New: {$was: Old, assigned_to: [ada@acme.example, bob@acme.example], objects: {Gadget__c: [read, edit]}}
    """
    plan = goes_round(kit, text)
    assert "update PermissionSet/New" in kit.addresses(plan)
    assert not [step for step in plan.steps if step.action.value == "delete"]


def test_a_renamed_rows_children_are_found_under_its_new_name(kit: Any, goes_round: Any) -> None:
    kit.apply(gadgets("      A: {}\n      B: {Parent__r: {Code__c: A}}"))
    text = gadgets("      A2: {$was: A}\n      B: {Parent__r: {Code__c: A2}}")
    plan = goes_round(kit, text)
    assert kit.addresses(plan) == ["update Gadget__c/A2"]


def test_a_row_and_its_former_self_that_both_exist_are_refused(kit: Any) -> None:
    kit.apply(gadgets("      OLD: {}\n      NEW: {}"))
    said = refusal(kit, gadgets("      NEW: {$was: OLD}"))
    assert "Gadget__c/NEW and its former key are two rows" in said


def test_a_former_key_may_be_declared_absent_beside_it(kit: Any, goes_round: Any) -> None:
    kit.apply(gadgets("      OLD: {}"))
    plan = goes_round(kit, gadgets("      NEW: {$was: OLD}\n      OLD: {$absent: true}"))
    assert kit.addresses(plan) == ["update Gadget__c/NEW"]


def test_a_former_key_that_is_declared_itself_is_refused(kit: Any) -> None:
    kit.apply(gadgets("      OLD: {}"))
    said = refusal(kit, gadgets("      NEW: {$was: OLD}\n      OLD: {Text__c: x}"))
    assert "Gadget__c/OLD is declared and is also the former key of Gadget__c/NEW" in said


# ── $depends_on ──────────────────────────────────────────────────────────────────────────────────


def test_what_depends_on_another_comes_after_it(kit: Any) -> None:
    plan = kit.plan(gadgets("      A: {$depends_on: [Gadget__c/Z]}\n      M: {}\n      Z: {}"))
    order = kit.addresses(plan)
    assert order.index("create Gadget__c/Z") < order.index("create Gadget__c/A")


def test_a_setup_row_may_wait_for_a_record(kit: Any, goes_round: Any) -> None:
    plan = goes_round(kit, "permission_sets: {Ops: {$depends_on: Gadget__c/Z}}\n" + gadgets("      Z: {}"))
    assert kit.addresses(plan) == ["create Gadget__c/Z", "create PermissionSet/Ops"]


def test_what_depends_on_a_type_or_a_pattern_comes_after_all_of_it(kit: Any) -> None:
    text = "permission_sets: {Ops: {$depends_on: [Gadget__c, 'Account/A*']}}\n" + gadgets(
        "      X: {}\n      Z: {}"
    )
    text += "  Account: {$key: Account_Code__c, rows: {AC: {Name: a}}}\n"
    assert kit.addresses(kit.plan(text))[-1] == "create PermissionSet/Ops"


def test_deletes_go_the_other_way(kit: Any) -> None:
    kit.apply(gadgets("      A: {}\n      Z: {}"))
    plan = kit.plan(gadgets("      A: {$absent: true, $depends_on: Gadget__c/Z}\n      Z: {$absent: true}"))
    assert kit.addresses(plan) == ["delete Gadget__c/A", "delete Gadget__c/Z"]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("      A: {$depends_on: Gadget__c/NOPE}", "names 'Gadget__c/NOPE', which is not declared"),
        (
            "      A: {$depends_on: Gadget__c/B}\n      B: {$depends_on: Gadget__c/A}",
            "Gadget__c/A → Gadget__c/B → Gadget__c/A",
        ),
    ],
)
def test_a_dependence_on_nothing_or_in_a_circle_is_refused_at_its_line(
    kit: Any, rows: str, complaint: str
) -> None:
    said = refusal(kit, gadgets(rows))
    assert complaint in said and "state.yaml:6:" in said


# ── $for_each and $when ──────────────────────────────────────────────────────────────────────────

ALTERNATIVES = """
records:
  Gadget__c:
    $key: Code__c
    rows:
      - {Code__c: G, Text__c: test, $when: {tags: sandbox}}
      - {Code__c: G, Text__c: real, $when: {tags: production}}
"""


@pytest.mark.parametrize(("tag", "text"), [("sandbox", "test"), ("production", "real")])
def test_of_two_alternatives_the_one_for_the_org_is_taken(kit: Any, tag: str, text: str) -> None:
    kit.context = OrgContext(name="stage", tags=frozenset({tag}))
    kit.apply(ALTERNATIVES)
    assert [row["Text__c"] for row in kit.org.rows("Gadget__c")] == [text]


def test_two_alternatives_are_no_duplicates_offline(kit: Any) -> None:
    assert len(offline(kit, ALTERNATIVES).resources) == 2


def test_alternatives_of_setup_rows_in_two_files_are_no_duplicates_offline(kit: Any) -> None:
    (kit.folder / "other.yaml").write_text(
        "permission_sets: {Ops: {$when: {tags: b}, label: B, assigned_to: {excludes: [ada@acme.example]}}}\n"
    )
    text = (
        "include: [other.yaml]\n"
        "permission_sets: {Ops: {$when: {tags: a}, label: A, assigned_to: [ada@acme.example]}}\n"
    )
    assert len([each for each in offline(kit, text).resources if each.kind == "PermissionSet"]) == 2


def test_two_rows_that_are_not_alternatives_are_refused_offline(kit: Any) -> None:
    with pytest.raises(SpecError, match="declared twice"):
        offline(kit, re.sub(r", \$when: {.*?}", "", ALTERNATIVES))


def test_a_row_for_each_of_a_list(kit: Any, goes_round: Any) -> None:
    plan = goes_round(
        kit,
        gadgets('      "G-${each.value}": {$for_each: [a, b, c], Text__c: "${each.value}"}'),
    )
    assert kit.addresses(plan) == [f"create Gadget__c/G-{each}" for each in "abc"]


def test_a_permission_set_for_each_of_a_map(kit: Any, goes_round: Any) -> None:
    each = '{$for_each: {EMEA: Europe, NA: America}, label: "${each.value}"}'
    text = f'permission_sets: {{"Ops_${{each.key}}": {each}}}'
    plan = goes_round(kit, text)
    assert kit.addresses(plan) == ["create PermissionSet/Ops_EMEA", "create PermissionSet/Ops_NA"]


def test_a_member_may_stand_under_a_condition(kit: Any) -> None:
    text = """
    permission_sets:
      Ops: {assigned_to: [bob@acme.example, {user: ada@acme.example, $when: {tags: sandbox}}]}
    """
    kit.context = OrgContext(name="stage", tags=frozenset({"sandbox"}))
    assert len([step for step in kit.plan(text).steps if step.kind == "PermissionSetAssignment"]) == 2
    kit.context = OrgContext(name="stage")
    assert len([step for step in kit.plan(text).steps if step.kind == "PermissionSetAssignment"]) == 1


# ── $limit ───────────────────────────────────────────────────────────────────────────────────────

FOUR = "\n".join(f"      {each}: {{Text__c: %s}}" for each in "ABCD")


@pytest.mark.parametrize(("limit", "allowed"), [("3", False), ("4", True), ("99%", False), ("100%", True)])
def test_no_more_rows_are_changed_than_the_limit_allows(kit: Any, limit: str, allowed: bool) -> None:
    kit.apply(gadgets(FOUR.replace("%s", "x")))
    text = gadgets(FOUR.replace("%s", "z"), more=f"    $limit: {limit}\n")
    if allowed:
        kit.apply(text)
    else:
        assert "records of Gadget__c: 4 of 4 would be changed" in refusal(kit, text, PlanRefused)


def test_making_rows_is_no_damage(kit: Any) -> None:
    kit.apply(gadgets(FOUR.replace("%s", "x"), more="    $limit: 0\n"))
    assert len(kit.org.rows("Gadget__c")) == 4


@pytest.mark.parametrize("limit", ["-1", "many", "1.5", "[1]"])
def test_a_limit_that_is_none_is_refused(kit: Any, limit: str) -> None:
    assert "$limit" in refusal(kit, gadgets("      A: {}", more=f"    $limit: {limit}\n"))


@pytest.mark.parametrize(
    ("text", "near"),
    [
        (gadgets("      A: {$protct: true}"), "$protect"),
        ("permission_sets: {Ops: {$absnt: true}}", "$absent"),
        (gadgets("      A: {}", more="    $igore: [Text__c]\n"), "$ignore"),
    ],
)
def test_an_unknown_dollar_key_is_refused_with_the_nearest(kit: Any, text: str, near: str) -> None:
    assert f"did you mean '{near}'?" in refusal(kit, text)
